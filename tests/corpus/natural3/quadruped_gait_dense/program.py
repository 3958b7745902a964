"""Trot reward for a quadruped with a commanded velocity (Isaac/legged-gym style terms)."""
import numpy as np

DT = 0.02
TRACKING_SIGMA = 0.25
BASE_HEIGHT = 0.32
FOOT_CLEARANCE = 0.08
DEFAULT_DOF = np.array([0.1, 0.8, -1.5, -0.1, 0.8, -1.5, 0.1, 1.0, -1.5, -0.1, 1.0, -1.5])

SCALES = {
    "tracking_lin_vel": 1.0,
    "tracking_ang_vel": 0.5,
    "lin_vel_z": -2.0,
    "ang_vel_xy": -0.05,
    "orientation": -1.0,
    "base_height": -10.0,
    "torques": -0.0002,
    "dof_acc": -2.5e-7,
    "action_rate": -0.01,
    "feet_clearance": -0.5,
    "trot": 0.3,
    "stand_still": -0.5,
}


def _reward_tracking_lin_vel(o, p, a):
    err = np.sum(np.square(o["command"][:2] - o["base_lin_vel"][:2]))
    return np.exp(-err / TRACKING_SIGMA)


def _reward_tracking_ang_vel(o, p, a):
    return np.exp(-np.square(o["command"][2] - o["base_ang_vel"][2]) / TRACKING_SIGMA)


def _reward_lin_vel_z(o, p, a):
    return np.square(o["base_lin_vel"][2])


def _reward_ang_vel_xy(o, p, a):
    return np.sum(np.square(o["base_ang_vel"][:2]))


def _reward_orientation(o, p, a):
    return np.sum(np.square(o["projected_gravity"][:2]))


def _reward_base_height(o, p, a):
    return np.square(o["base_height"][0] - BASE_HEIGHT)


def _reward_torques(o, p, a):
    return np.sum(np.square(20.0 * (a * 0.25 + DEFAULT_DOF - o["dof_pos"]) - 0.5 * o["dof_vel"]))


def _reward_dof_acc(o, p, a):
    return np.sum(np.square((o["dof_vel"] - p["dof_vel"]) / DT))


def _reward_action_rate(o, p, a):
    return np.sum(np.square(a - p["last_action"]))


def _reward_feet_clearance(o, p, a):
    swing = ~(o["foot_contact"] > 0)
    return np.sum(np.abs(o["foot_height"][swing] - FOOT_CLEARANCE))


def _reward_trot(o, p, a):
    fl, fr, rl, rr = (bool(c) for c in o["foot_contact"])
    diagonal_a, diagonal_b = fl == rr, fr == rl
    alternating = fl != fr
    return float(diagonal_a and diagonal_b and alternating)


def _reward_stand_still(o, p, a):
    moving = np.linalg.norm(o["command"][:2]) > 0.1
    return 0.0 if moving else np.sum(np.abs(o["dof_pos"] - DEFAULT_DOF))


FUNCTIONS = {
    "tracking_lin_vel": _reward_tracking_lin_vel,
    "tracking_ang_vel": _reward_tracking_ang_vel,
    "lin_vel_z": _reward_lin_vel_z,
    "ang_vel_xy": _reward_ang_vel_xy,
    "orientation": _reward_orientation,
    "base_height": _reward_base_height,
    "torques": _reward_torques,
    "dof_acc": _reward_dof_acc,
    "action_rate": _reward_action_rate,
    "feet_clearance": _reward_feet_clearance,
    "trot": _reward_trot,
    "stand_still": _reward_stand_still,
}


def reward(obs, action, next_obs):
    terms = {name: SCALES[name] * float(fn(next_obs, obs, action)) for name, fn in FUNCTIONS.items()}
    total = max(sum(terms.values()), 0.0) if next_obs["projected_gravity"][2] < -0.5 else -1.0
    return total, terms
