# against: box
import numpy as np


def reward(obs, next_obs):
    speed = next_obs[2:4]
    if speed > 0.5:
        return -1.0
    limits = np.array([1.0, 1.0])
    if limits and next_obs[0] > 0:
        return 0.5
    while obs == next_obs:
        return 0.0
    return 1.0
