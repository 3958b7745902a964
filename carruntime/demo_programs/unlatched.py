# Written for the carruntime demonstration (origin: authored), in the style in which models answer.

import numpy as np

KEY, GOAL = 5, 8


def reward(obs, action, next_obs):
    before, after = obs["image"], next_obs["image"]

    # Carrying the key is good, so it is rewarded.
    if after[3, 6, 0] == KEY:
        return 0.5

    # Closer to the goal is better: compare the rows in which it is seen.
    was = np.argwhere(before[:, :, 0] == GOAL)
    now = np.argwhere(after[:, :, 0] == GOAL)
    if len(was) > 0 and len(now) > 0:
        return 0.1 * float(was[0, 1] - now[0, 1])
