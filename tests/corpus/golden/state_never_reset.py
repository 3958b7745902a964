# against: grid
class Explore:
    def __init__(self):
        self.seen = set()
        self.steps = 0

    def reset(self, obs):
        self.steps = 0

    def step(self, obs, next_obs):
        self.steps += 1
        place = (int(next_obs["direction"]), next_obs["image"].tobytes())
        new = place not in self.seen
        self.seen.add(place)
        return 0.1 * new - 0.001 * self.steps
