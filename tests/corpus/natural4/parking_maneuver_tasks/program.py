import math

# highway-env parking: achieved_goal and desired_goal are [x, y, vx, vy, cos_h, sin_h]
# the observation has also "sensors": 8 distances around the car (front first, clockwise), in metres


def heading(goal):
    return math.atan2(goal[5], goal[4])


def angle_diff(a, b):
    d = a - b
    while d > math.pi:
        d -= 2 * math.pi
    while d < -math.pi:
        d += 2 * math.pi
    return abs(d)


def distance(obs):
    a = obs["achieved_goal"]
    d = obs["desired_goal"]
    return math.sqrt((a[0] - d[0]) ** 2 + (a[1] - d[1]) ** 2)


def speed(obs):
    return math.hypot(obs["achieved_goal"][2], obs["achieved_goal"][3])


def task_1(initial_obs, obs):
    # halved the distance to the parking spot
    return distance(obs) < 0.5 * distance(initial_obs)


def task_2(obs):
    # in front of the spot, within 8 m, and slow enough
    if distance(obs) > 8:
        return False
    if speed(obs) > 3:
        return False
    return True


def task_3(obs):
    # lined up with the spot (either direction is fine)
    diff = angle_diff(heading(obs["achieved_goal"]), heading(obs["desired_goal"]))
    diff = min(diff, math.pi - diff)
    return diff < math.radians(12)


def task_4(obs):
    # nothing too close on any side, more room is needed at the front
    limits = [0.8, 0.5, 0.3, 0.5, 0.5, 0.5, 0.3, 0.5]
    for i in range(len(limits)):
        if obs["sensors"][i] < limits[i]:
            return False
    return True


def task_5(obs):
    # parked
    weights = [1, 0.3, 0, 0, 0.02, 0.02]
    cost = 0
    for w, a, d in zip(weights, obs["achieved_goal"], obs["desired_goal"]):
        cost += w * abs(a - d)
    return bool(math.pow(cost, 0.5) < 0.6)


TASKS = [task_1, task_2, task_3, task_4, task_5]
