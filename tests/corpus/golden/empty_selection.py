# against: grid
import numpy as np


def reward(obs, next_obs):
    image = next_obs["image"]
    keys = np.argwhere(image[:, :, 0] == 5)
    nearest = min(abs(x - 3) + abs(y - 6) for x, y in keys if x > 0)
    first = np.argmax([cell[0] for cell in keys if cell[1] < 6])
    door = np.argwhere(image[:, :, 0] == 4)[0]
    seen = image[image[:, :, 0] == 8].mean()
    far = max([abs(x - door[0]) for x, _ in keys if x != door[0]])
    return -0.1 * nearest + 0.01 * first + seen - 0.01 * far
