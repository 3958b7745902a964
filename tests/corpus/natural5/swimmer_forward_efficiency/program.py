import numpy as np


def reward(obs, action, next_obs):
    """Swimmer-v5 reward: swim forward (+x), straight, with little effort.

    Observation (8,): [0] front tip angle, [1:3] joint angles,
    [3] x velocity of the tip, [4] y velocity, [5] angular velocity of the tip,
    [6:8] joint angular velocities.
    """
    angle = next_obs[0]
    vx, vy = next_obs[3], next_obs[4]

    # velocity reward saturates, so that the policy does not trade everything for speed
    forward = np.tanh(2.0 * vx)

    drift_penalty = 0.3 * abs(vy)
    heading_penalty = 0.1 * (1.0 - np.cos(angle))
    control_cost = 1e-4 * np.sum(np.square(action))

    # undulation: joints should move in opposite phase
    j1, j2 = next_obs[6:8]
    undulation = 0.05 if j1 * j2 < 0 else 0.0

    return float(forward - drift_penalty - heading_penalty - control_cost + undulation)
