import math

import numpy as np

GRAVITY = 9.81
PAD_RADIUS = 0.4
HOVER_THRUST = 0.5


def _quat_rotate(q, v):
    """Rotate vector v by quaternion q = (w, x, y, z)."""
    w, u = q[0], np.asarray(q[1:])
    return v + 2.0 * np.cross(u, np.cross(u, v) + w * v)


def _glide_slope(height):
    """Recommended descent speed for a given height."""
    return min(0.3 + 0.5 * height, 2.0)


def reward(obs, action, next_obs):
    """
    obs: [0:3] position relative to the pad, [3:6] velocity, [6:10] quaternion (wxyz),
         [10:13] angular velocity, [13] ground contact, [14] battery, [15:17] wind
    Returns a single float.
    """
    pos, vel, quat, omega = next_obs[:3], next_obs[3:6], next_obs[6:10], next_obs[10:13]
    contact = next_obs[13] > 0.5
    qn = np.linalg.norm(quat)
    if qn < 1e-6:
        return -10.0
    up = _quat_rotate(quat / qn, np.array([0.0, 0.0, 1.0]))
    tilt = math.acos(max(-1.0, min(1.0, float(up[2]))))

    lateral = math.hypot(pos[0], pos[1])
    height = max(float(pos[2]), 0.0)
    prev_lateral = math.hypot(obs[0], obs[1])

    if contact:
        soft = abs(vel[2]) < 0.5 and tilt < math.radians(15)
        if soft and lateral < PAD_RADIUS:
            return 20.0 + 5.0 * (1.0 - lateral / PAD_RADIUS)
        elif soft:
            return -2.0 - lateral
        else:
            return -10.0 - min(np.linalg.norm(vel), 5.0)

    r = 0.0
    r += 2.0 * (prev_lateral - lateral)
    r -= 0.1 * lateral

    # follow the glide slope only when reasonably above the pad
    cone = PAD_RADIUS + 0.5 * height
    if lateral < cone:
        err = -vel[2] - _glide_slope(height)
        r += 0.5 * math.exp(-2.0 * err * err)
    elif vel[2] < -0.5:
        r -= 0.3

    r -= 0.2 * tilt
    r -= 0.02 * float(np.dot(omega, omega))

    thrust = np.asarray(action)
    r -= 0.05 * float(np.abs(thrust - HOVER_THRUST).mean())
    r -= 0.02 * float(np.ptp(thrust))

    wind = next_obs[15:17]
    if (w := float(np.linalg.norm(wind))) > 3.0:
        # compensate: lean against the wind
        lean = -float(np.dot(up[:2], wind)) / w
        r += 0.1 * max(min(lean, 0.5), -0.5)

    battery = next_obs[14]
    if battery < 0.2:
        r -= 0.1 * (0.2 - battery) / 0.2 * height
    return float(r)
