import math

import numpy as np

GATE_HALF_WIDTH = 0.5
NUM_GATES = 4


def yaw_from_quat(q):
    w, x, y, z = q
    return math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def body_up(q):
    """World z component of the body z axis."""
    w, x, y, z = q
    return 1.0 - 2.0 * (x * x + y * y)


def gate_frame(obs, i):
    """Position of the drone in the frame of gate i: (along normal, lateral, vertical)."""
    rel = obs["position"] - obs["gates"][i, :3]
    yaw = obs["gates"][i, 3]
    c, s = np.cos(yaw), np.sin(yaw)
    rot = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    return rot @ rel


def task_1(obs):
    """Took off and is flying upright."""
    return bool(obs["position"][2] > 0.3 and body_up(obs["quat"]) > 0.7)


def task_2(obs):
    """Heading points to the next gate within 30 degrees."""
    k = int(np.clip(obs["next_gate"], 0, NUM_GATES - 1))
    to_gate = obs["gates"][k, :2] - obs["position"][:2]
    bearing = math.atan2(to_gate[1], to_gate[0])
    err = (bearing - yaw_from_quat(obs["quat"]) + math.pi) % (2 * math.pi) - math.pi
    return abs(err) < math.radians(30)


def task_3(obs):
    """Inside the approach cone of the next gate."""
    k = min(max(int(obs["next_gate"]), 0), NUM_GATES - 1)
    along, lateral, vertical = gate_frame(obs, k)
    if along > 0:
        return False
    radius = GATE_HALF_WIDTH + 0.5 * abs(along)
    return bool(math.hypot(lateral, vertical) < radius)


def task_4(initial_obs, obs):
    """At least one gate passed since the start."""
    return int(obs["next_gate"]) > int(initial_obs["next_gate"])


def task_5(initial_obs, obs):
    """The total remaining course length fell below 60 % of the initial one."""
    def remaining(o):
        k = int(o["next_gate"])
        points = [o["position"]] + [g[:3] for g in o["gates"][k:]]
        return sum(float(np.linalg.norm(b - a)) for a, b in zip(points[:-1], points[1:]))

    return remaining(obs) < 0.6 * remaining(initial_obs)


def task_6(obs):
    """Course finished with battery left and a low speed."""
    speed = np.sqrt(np.sum(obs["velocity"] ** 2))
    return bool(obs["next_gate"] >= NUM_GATES and speed < 1.0 and obs["battery"][0] > 0.1)


TASKS = [task_1, task_2, task_3, task_4, task_5, task_6]
