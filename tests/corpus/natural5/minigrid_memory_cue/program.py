import numpy as np


class MemoryReward:
    """Reward for MiniGrid-MemoryS13: remember the cue object, walk to the matching one.

    The cue (a key or a ball) is shown in the small starting room. At the end of the
    corridor there are two objects, one of each kind.
    """

    KEY = 5
    BALL = 6

    def __init__(self, seen_bonus=0.1, choice_bonus=1.0, step_cost=0.005):
        self.seen_bonus = seen_bonus
        self.choice_bonus = choice_bonus
        self.step_cost = step_cost
        self.cue = None
        self.steps = 0
        self.saw_junction = False
        self.last_dir = None

    def reset(self, obs):
        self.cue = self._cue_in_view(obs["image"])
        self.steps = 0
        self.saw_junction = False
        self.last_dir = obs["direction"]

    def _objects(self, image):
        kinds = image[:, :, 0]
        mask = (kinds == self.KEY) | (kinds == self.BALL)
        return [(int(i), int(j), int(kinds[i, j])) for i, j in np.argwhere(mask)]

    def _cue_in_view(self, image):
        objs = self._objects(image)
        if len(objs) == 1:
            return objs[0][2]
        return None

    def reward(self, obs, action, next_obs):
        self.steps += 1
        r = -self.step_cost
        image = next_obs["image"]
        objs = self._objects(image)

        if self.cue is None and not self.saw_junction:
            cue = self._cue_in_view(image)
            if cue is not None:
                self.cue = cue
                r += self.seen_bonus

        kinds = {k for _, _, k in objs}
        if len(kinds) == 2 and not self.saw_junction:
            self.saw_junction = True
            # earlier is better, but only when the cue has been seen
            if self.cue is not None:
                r += 0.5 / (1.0 + 0.1 * self.steps)

        # What is next to the agent (left, right, front)?
        neighbours = [image[2, 6, 0], image[4, 6, 0], image[3, 5, 0]]
        if self.saw_junction and self.cue is not None:
            other = self.KEY + self.BALL - self.cue
            if self.cue in neighbours:
                r += self.choice_bonus
            elif other in neighbours:
                r -= self.choice_bonus

        # spinning on the spot
        turn = (next_obs["direction"] - self.last_dir) % 4
        if turn == 2 or (turn != 0 and action == 2):
            r -= 0.02
        self.last_dir = next_obs["direction"]
        return r
