# against: grid
import numpy as np


def find_door(image):
    cells = np.argwhere(image[:, :, 0] == 4)
    if len(cells) == 0:
        return None, False
    x, y = cells[0]
    return int(x), int(y), bool(image[x, y, 2] == 0)


def key_is_gone(image):
    return not np.any(image[:, :, 0] == 5)


def reward(next_obs):
    x, y, door_is_open = find_door(next_obs["image"])
    _, gone = key_is_gone(next_obs["image"])
    return 0.5 * gone + 0.5 * door_is_open - 0.01 * (abs(x - 3) + abs(y - 6))
