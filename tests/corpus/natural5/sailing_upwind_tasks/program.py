import math

import numpy as np

NO_GO = math.radians(40)
KNOTS = 0.514444


def angle_diff(a, b):
    d = a - b
    while d > math.pi:
        d -= 2 * math.pi
    while d <= -math.pi:
        d += 2 * math.pi
    return d


def true_wind_angle(obs):
    """Signed angle between heading and where the wind comes from (+: wind from starboard)."""
    wind_from = math.atan2(-obs["wind"][1], -obs["wind"][0])
    return angle_diff(wind_from, float(obs["heading"][0]))


def bearing_to_mark(obs, k):
    dx, dy = obs["marks"][k] - obs["position"]
    return math.atan2(dy, dx)


def vmg(obs):
    """Velocity made good towards the next mark."""
    k = int(np.argmin(obs["mark_passed"])) if not obs["mark_passed"].all() else 0
    b = bearing_to_mark(obs, k)
    return obs["velocity"][0] * math.cos(b) + obs["velocity"][1] * math.sin(b)


def task_1(obs):
    """Sails are full: outside the no-go zone and moving faster than one knot."""
    speed = math.hypot(*obs["velocity"])
    return abs(true_wind_angle(obs)) > NO_GO and speed > 1.0 * KNOTS


def task_2(initial_obs, obs):
    """Has changed tack since the start, without losing speed."""
    a, b = true_wind_angle(initial_obs), true_wind_angle(obs)
    changed = a * b < 0
    return changed and np.linalg.norm(obs["velocity"]) >= 0.8 * np.linalg.norm(initial_obs["velocity"])


def task_3(obs):
    """Positive velocity made good and little heel."""
    return vmg(obs) > 0.5 and abs(obs["heel"][0]) < math.radians(25)


def task_4(obs):
    """On the layline: the next mark can be reached on the current tack."""
    remaining = [k for k, p in enumerate(obs["mark_passed"]) if not p]
    if not remaining:
        return True
    mark_angle = angle_diff(bearing_to_mark(obs, remaining[0]), float(obs["heading"][0]))
    return abs(mark_angle) < math.radians(10) and abs(true_wind_angle(obs)) > NO_GO


def task_5(obs):
    """First mark rounded."""
    return bool(obs["mark_passed"][0])


def task_6(obs):
    return all(obs["mark_passed"])


TASKS = [task_1, task_2, task_3, task_4, task_5, task_6]
