# against: grid
class KeyOnce:
    def __init__(self):
        self.has_key = False

    def step(self, next_obs):
        held = next_obs["image"][3, 6, 0] == 5
        if held and not self.has_key:
            self.has_key = True
            return 1.0
        return 0.0
