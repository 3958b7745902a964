import numpy as np


def quat_conjugate(q):
    return q * np.array([1.0, -1.0, -1.0, -1.0])


def quat_mul(a, b):
    w1, x1, y1, z1 = a
    w2, x2, y2, z2 = b
    return np.array([
        w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
        w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
        w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
        w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
    ])


def rotation_angle(q1, q2):
    """Angle in radians between two orientations (w, x, y, z)."""
    n1, n2 = np.linalg.norm(q1), np.linalg.norm(q2)
    if n1 < 1e-6 or n2 < 1e-6:
        return np.pi
    diff = quat_mul(q1 / n1, quat_conjugate(q2 / n2))
    return 2.0 * np.arccos(np.clip(abs(diff[0]), -1.0, 1.0))


def reward(achieved_goal, desired_goal, prev_achieved_goal, observation, action):
    # goals: (7,) = position (3) + quaternion (4)
    pos_error = np.linalg.norm(achieved_goal[:3] - desired_goal[:3])
    angle = rotation_angle(achieved_goal[3:], desired_goal[3:])
    prev_angle = rotation_angle(prev_achieved_goal[3:], desired_goal[3:])

    rot_reward = 1.0 / (angle + 0.1)
    progress = 5.0 * (prev_angle - angle)
    pos_penalty = -10.0 * max(0.0, pos_error - 0.01)

    # joint velocities are observation[24:48]
    vel_penalty = -0.0005 * np.sum(observation[24:48] ** 2)
    action_penalty = -0.002 * np.sum(action ** 2)

    total = rot_reward + progress + pos_penalty + vel_penalty + action_penalty

    dropped = achieved_goal[2] < 0.04
    if dropped:
        total -= 20.0
    elif angle < 0.1 and pos_error < 0.02:
        total += 50.0

    return total, {
        "rotation": rot_reward,
        "progress": progress,
        "position": pos_penalty,
        "velocity": vel_penalty,
        "action": action_penalty,
        "dropped": float(dropped),
    }
