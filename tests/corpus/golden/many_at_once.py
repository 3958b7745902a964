# against: grid
import numpy as np
import random


def reward(obs, act, next_obs):
    grid = next_obs["imgae"]
    total = open_door(grid) + random.random()
    if next_obs["image"][:, :, 0] == 5:
        total += next_obs["image"][3, 7, 0] - obs["image"][3, 6, 0]
    return {"progress": total, "success": act == 3}
