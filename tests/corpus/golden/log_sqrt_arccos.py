# against: box
import math

import numpy as np


def reward(obs, next_obs):
    distance = np.linalg.norm(next_obs[:2])
    closeness = -np.log(distance)
    slack = math.sqrt(1.0 - next_obs[2] ** 2)
    cosine = np.dot(obs[:2], next_obs[:2])
    angle = np.arccos(cosine)
    return closeness + 0.1 * slack - angle
