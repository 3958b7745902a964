import numpy as np

# Meta-World drawer-open-v2, 39-dim observation
HAND = slice(0, 3)
GRIPPER = 3
HANDLE = slice(4, 7)
PREV_HAND = slice(18, 21)
PREV_HANDLE = slice(22, 25)
GOAL = slice(36, 39)

REACH_EPS = 0.05
OPEN_EPS = 0.03


def hand_above_handle(obs):
    """Hand within 4 cm of the handle in the horizontal plane and no lower than the handle."""
    delta = obs[HAND] - obs[HANDLE]
    return bool(np.linalg.norm(delta[:2]) < 0.04 and delta[2] > -0.01)


def hand_at_handle(obs):
    return bool(np.linalg.norm(obs[HAND] - obs[HANDLE]) < REACH_EPS)


def handle_hooked(obs):
    """Hand at the handle and moving along with it."""
    v_hand = obs[HAND] - obs[PREV_HAND]
    v_handle = obs[HANDLE] - obs[PREV_HANDLE]
    speed = np.linalg.norm(v_handle)
    if speed < 1e-4:
        return False
    cosine = np.dot(v_hand, v_handle) / (np.linalg.norm(v_hand) * speed + 1e-8)
    return bool(hand_at_handle(obs) and cosine > 0.7)


def drawer_started(initial_obs, obs):
    return bool(abs(obs[HANDLE][1] - initial_obs[HANDLE][1]) > 0.02)


def drawer_half_open(initial_obs, obs):
    full = np.abs(obs[GOAL][1] - initial_obs[HANDLE][1])
    now = np.abs(obs[HANDLE][1] - initial_obs[HANDLE][1])
    return bool(now >= 0.5 * full and full > 0)


def drawer_open(obs):
    return bool(np.linalg.norm(obs[HANDLE] - obs[GOAL]) <= OPEN_EPS)


TASKS = [hand_above_handle, hand_at_handle, handle_hooked, drawer_started, drawer_half_open, drawer_open]
