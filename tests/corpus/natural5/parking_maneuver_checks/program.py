import math

import numpy as np

# highway-env parking-v0: vectors are [x, y, vx, vy, cos_h, sin_h], positions scaled by 100
SCALES = np.array([100, 100, 5, 5, 1, 1])
WEIGHTS = np.array([1.0, 0.3, 0.0, 0.0, 0.02, 0.02])


def heading(vec):
    return math.atan2(vec[5], vec[4])


def wrap(angle):
    return (angle + math.pi) % (2 * math.pi) - math.pi


def offset_in_goal_frame(obs):
    """Longitudinal and lateral distance (in m) of the car in the frame of the spot."""
    car = obs["achieved_goal"] * SCALES
    goal = obs["desired_goal"] * SCALES
    dx, dy = car[:2] - goal[:2]
    h = heading(goal)
    lon = math.cos(h) * dx + math.sin(h) * dy
    lat = -math.sin(h) * dx + math.cos(h) * dy
    return lon, lat


def task_1(initial_obs, obs):
    """Covered half of the initial distance to the parking spot."""
    d0 = math.hypot(*offset_in_goal_frame(initial_obs))
    d1 = math.hypot(*offset_in_goal_frame(obs))
    return d1 <= 0.5 * d0


def task_2(obs):
    """In front of the spot: within 12 m and laterally aligned to within one metre."""
    lon, lat = offset_in_goal_frame(obs)
    return abs(lon) < 12 and abs(lat) < 1.0


def task_3(obs):
    """Heading matches the spot, forwards or backwards, to within 15 degrees."""
    err = wrap(heading(obs["achieved_goal"]) - heading(obs["desired_goal"]))
    err = min(abs(err), math.pi - abs(err))
    return err < math.radians(15)


def task_4(obs):
    """Inside the lines."""
    lon, lat = offset_in_goal_frame(obs)
    return abs(lon) < 1.5 and abs(lat) < 0.5 and task_3(obs)


def task_5(obs):
    """Parked: inside the lines and (almost) standing still; the gym success criterion."""
    vx, vy = (obs["achieved_goal"] * SCALES)[2:4]
    p = 0.5
    score = -np.power(np.dot(np.abs(obs["achieved_goal"] - obs["desired_goal"]), WEIGHTS), p)
    return task_4(obs) and math.hypot(vx, vy) < 0.3 and score > -0.3


TASKS = [task_1, task_2, task_3, task_4, task_5]
