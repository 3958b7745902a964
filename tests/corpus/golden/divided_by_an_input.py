# against: box
import numpy as np


def reward(obs, next_obs):
    x, y, vx, vy = next_obs
    slope = y / x
    heading = float(vy) / float(vx)
    change = (next_obs[1] - obs[1]) / (next_obs[0] - obs[0])
    ratios = next_obs[:2] / obs[:2]
    speed = (x - obs[0]) / np.square(vx)
    if abs(vy) > 1e-6:
        speed += 1.0 / vy
    return slope + heading + change + float(ratios.sum()) + speed / (1.0 + abs(vx))
