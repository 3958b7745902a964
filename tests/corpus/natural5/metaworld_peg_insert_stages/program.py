import numpy as np

OBS = {
    "hand": slice(0, 3),
    "gripper": 3,
    "peg": slice(4, 7),
    "peg_quat": slice(7, 11),
    "goal": slice(36, 39),
}


def get(obs, name):
    return obs[OBS[name]]


def dist(a, b):
    return float(np.linalg.norm(a - b))


def peg_head(obs):
    """The head is 0.1 m in front of the peg centre, along the peg's x axis."""
    w, x, y, z = get(obs, "peg_quat")
    axis = np.array([1 - 2 * (y**2 + z**2), 2 * (x * y + z * w), 2 * (x * z - y * w)])
    return get(obs, "peg") - 0.1 * axis


def reached_peg(obs):
    return dist(get(obs, "hand"), get(obs, "peg")) < 0.04


def grasped_peg(obs):
    return reached_peg(obs) and 0.2 < get(obs, "gripper") < 0.7


def lifted_peg(initial_obs, obs):
    return get(obs, "peg")[2] - get(initial_obs, "peg")[2] > 0.05


def aligned_with_hole(obs):
    head, goal = peg_head(obs), get(obs, "goal")
    return abs(head[1] - goal[1]) < 0.02 and abs(head[2] - goal[2]) < 0.02


def inserted(initial_obs, obs):
    if not aligned_with_hole(obs):
        return False
    return dist(peg_head(obs), get(obs, "goal")) < 0.07


TASKS = [reached_peg, grasped_peg, lifted_peg, aligned_with_hole, inserted]
