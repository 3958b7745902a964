# FetchStack (two blocks). obs["observation"] is a 40-vector:
#   0:3 gripper xyz, 3:5 finger positions, 5:8 gripper velocity,
#   8:11 / 11:14 block A position / velocity, 14:17 / 17:20 block B position / velocity
# obs["achieved_goal"], obs["desired_goal"]: A xyz and B xyz, flattened (6,)
from typing import Dict

import numpy as np

Observation = Dict[str, np.ndarray]

BLOCK_SIZE = 0.05
TABLE_HEIGHT = 0.425
TOLERANCE = 0.02


def _unpack(obs: Observation) -> dict:
    v = np.asarray(obs["observation"], dtype=np.float64)
    return {
        "gripper": v[0:3],
        "opening": float(v[3] + v[4]),
        "a": v[8:11],
        "a_vel": v[11:14],
        "b": v[14:17],
        "b_vel": v[17:20],
    }


def _close(p: np.ndarray, q: np.ndarray, tol: float = TOLERANCE) -> bool:
    return float(np.linalg.norm(p - q)) < tol


def _on_top(upper: np.ndarray, lower: np.ndarray) -> bool:
    """Centre of `upper` is about one block height above `lower` and horizontally aligned."""
    horizontal = float(np.hypot(upper[0] - lower[0], upper[1] - lower[1]))
    vertical = float(upper[2] - lower[2])
    return horizontal < 0.5 * BLOCK_SIZE and abs(vertical - BLOCK_SIZE) < 0.5 * TOLERANCE


def reached_a(obs: Observation) -> bool:
    s = _unpack(obs)
    return _close(s["gripper"], s["a"], tol=0.04)


def grasped_a(obs: Observation) -> bool:
    s = _unpack(obs)
    between = abs(s["opening"] - BLOCK_SIZE) < 0.012
    return reached_a(obs) and between


def lifted_a(initial_obs: Observation, obs: Observation) -> bool:
    start, now = _unpack(initial_obs), _unpack(obs)
    return bool(now["a"][2] - start["a"][2] > 0.5 * BLOCK_SIZE and grasped_a(obs))


def a_above_b(obs: Observation) -> bool:
    s = _unpack(obs)
    aligned = np.all(np.abs(s["a"][:2] - s["b"][:2]) < BLOCK_SIZE / 2)
    return bool(aligned and s["a"][2] > s["b"][2] + 0.8 * BLOCK_SIZE)


def stacked_and_released(obs: Observation) -> bool:
    s = _unpack(obs)
    still = max(np.abs(s["a_vel"]).max(), np.abs(s["b_vel"]).max()) < 0.02
    released = not _close(s["gripper"], s["a"], tol=0.06)
    return bool(_on_top(s["a"], s["b"]) and still and released)


def goal_met(obs: Observation) -> bool:
    achieved = obs["achieved_goal"].reshape(2, 3)
    desired = obs["desired_goal"].reshape(2, 3)
    errors = np.linalg.norm(achieved - desired, axis=-1)
    return bool((errors < 0.05).all())


TASKS = [reached_a, grasped_a, lifted_a, a_above_b, stacked_and_released, goal_met]
