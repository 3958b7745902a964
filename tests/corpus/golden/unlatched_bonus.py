# against: grid
import numpy as np


def reward(obs, action, next_obs):
    image = next_obs["image"]
    total = -0.01
    has_key = image[3, 6, 0] == 5
    if has_key:
        total += 0.5
    door_open = np.any((image[:, :, 0] == 4) & (image[:, :, 2] == 0))
    total += 1.0 if door_open else 0.0
    return total
