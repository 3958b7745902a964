# Written for the carruntime demonstration (origin: authored), in the style in which models answer.

import numpy as np

DOOR, KEY, GOAL = 4, 5, 8
FORWARD = 2


class MilestoneReward:
    """Pays each milestone once per episode, the goal more the sooner it is reached."""

    def __init__(self):
        self.got_key = False
        self.opened_door = False
        self.steps = 0

    def reset(self, obs):
        self.got_key = False
        self.opened_door = False
        self.steps = 0

    def step(self, obs, action, next_obs):
        self.steps += 1
        image = next_obs["image"]
        total = 0.0

        if not self.got_key and image[3, 6, 0] == KEY:
            self.got_key = True
            total += 0.25

        if self.got_key and not self.opened_door:
            doors = image[:, :, 0] == DOOR
            if np.any(doors & (image[:, :, 2] == 0)):
                self.opened_door = True
                total += 0.5

        if obs["image"][3, 5, 0] == GOAL and action == FORWARD:
            total += 2.0 - 0.9 * min(self.steps / 640.0, 1.0)

        return total
