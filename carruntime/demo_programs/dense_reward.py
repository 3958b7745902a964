# Written for the carruntime demonstration (origin: authored), in the style in which models answer.

import numpy as np

DOOR, KEY, GOAL = 4, 5, 8
OPEN, LOCKED = 0, 2
FORWARD = 2


def distance_to(image, kind):
    """Steps from the agent's cell to the nearest object of a kind in view, or -1."""
    best = -1
    for x in range(7):
        for y in range(7):
            if image[x, y, 0] == kind:
                distance = abs(x - 3) + abs(y - 6)
                if best < 0 or distance < best:
                    best = distance
    return best


def door_is(image, state):
    kinds = image[:, :, 0]
    states = image[:, :, 2]
    return bool(np.any((kinds == DOOR) & (states == state)))


def reward(obs, action, next_obs):
    before = obs["image"]
    after = next_obs["image"]
    had_key = before[3, 6, 0] == KEY
    has_key = after[3, 6, 0] == KEY

    key = 0.0
    if has_key and not had_key:
        key = 0.5
    elif had_key and not has_key:
        key = -0.5

    door = 0.0
    if door_is(before, LOCKED) and door_is(after, OPEN):
        door = 1.0

    target = GOAL
    if not has_key:
        target = KEY
    approach = 0.0
    far, near = distance_to(before, target), distance_to(after, target)
    if far >= 0 and near >= 0:
        approach = 0.02 * (far - near)

    goal = 0.0
    if before[3, 5, 0] == GOAL and action == FORWARD:
        goal = 10.0

    time = -0.01
    total = key + door + approach + goal + time
    return total, {"key": key, "door": door, "approach": approach, "goal": goal, "time": time}
