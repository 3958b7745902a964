# Written for the carruntime demonstration (origin: authored), in the style in which models answer.

import numpy as np

KEY, GOAL = 5, 8


def reward(obs, action, next_obs):
    grid = next_obs["img"]
    bonus = 0.0
    if grid[3, 6, 0] == KEY:
        bonus += 0.5
    if np.any(grid[:, :, 0] == GOAL):
        bonus += 0.1
    return bonus
