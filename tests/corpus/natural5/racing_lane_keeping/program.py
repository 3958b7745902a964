import math

import numpy as np

TRACK_HALF_WIDTH = 3.5
V_MAX = 25.0
LOOKAHEAD = 10
MAX_LAT_ACC = 8.0


def target_speed(curvature):
    """Speed at which the sharpest upcoming corner can still be taken."""
    k = np.abs(curvature).max()
    if k < 1e-4:
        return V_MAX
    return min(V_MAX, math.sqrt(MAX_LAT_ACC / k))


def reward(obs, action, next_obs, terminated, truncated):
    offset = float(next_obs["lateral_offset"][0])
    heading = float(next_obs["heading_error"][0])
    speed = float(next_obs["speed"][0])
    lidar = next_obs["lidar"]

    # Off-track ends the episode; running out of time on the track is fine
    if abs(offset) > TRACK_HALF_WIDTH or (terminated and not truncated):
        return -10.0

    v_ref = target_speed(next_obs["curvature"])
    along = speed * math.cos(heading)

    # progress along the centre line
    r_speed = along / V_MAX
    if speed > v_ref:
        r_speed -= 0.5 * ((speed - v_ref) / V_MAX) ** 2 * 10

    # centring: quadratic inside, steep near the edge
    x = offset / TRACK_HALF_WIDTH
    r_center = -0.3 * x ** 2 - 0.5 * max(0.0, abs(x) - 0.8)

    r_heading = -0.2 * abs(heading)

    # action = [steer, throttle, brake]
    steer, throttle, brake = (float(a) for a in action)
    prev_steer = float(obs["last_action"][0])
    r_smooth = -0.1 * abs(steer - prev_steer)
    if throttle > 0.1 and brake > 0.1:
        r_smooth -= 0.1

    # keep away from obstacles in the forward cone
    cone = lidar[6:13]
    ttc = float(cone.min()) / max(speed, 0.1)
    r_safety = 0.0
    if ttc < 2.0:
        r_safety = -0.5 * (2.0 - ttc)

    if speed < 1.0:
        r_speed -= 0.2

    return r_speed + r_center + r_heading + r_smooth + r_safety
