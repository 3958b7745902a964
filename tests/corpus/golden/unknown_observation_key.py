# against: grid
import numpy as np


def reward(obs, action, next_obs):
    """Pay while a door is open somewhere in view."""
    grid = next_obs["imgae"]
    doors = grid[:, :, 0] == 4
    facing = next_obs.get("agent_dir", 0)
    return float(np.any(doors & (grid[:, :, 2] == 0))) + 0.01 * (facing == 0)
