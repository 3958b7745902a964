# against: grid
import numpy as np


def reward(obs, next_obs):
    before = obs["image"]
    after = next_obs["image"]
    moved = abs(after[3, 5, 0] - before[3, 5, 0])
    changed = (after - before).sum()
    rises = np.diff(after[:, :, 0], axis=0).max()
    changed += np.subtract(after, before).sum() + (-after[0, 0]).sum() + rises
    far = np.negative(after).sum() + 10 - after[0, 0, 2] + far_from(after[1, 1, 0])
    return far + 0.1 * float(moved) + 0.001 * float(changed) - 0.01 * (after[0, 0, 1] - 1)


def far_from(kind):
    return np.abs(5 - kind)
