import numpy as np

COLORS = ("red", "green", "blue", "purple", "yellow", "grey")
OBJECTS = {"key": 5, "ball": 6, "box": 7}
PICKUP, DROP = 3, 4


def parse(mission):
    """'put the red ball next to the green box' -> [(6, 0), (7, 1)]"""
    pairs = []
    tokens = mission.lower().split()
    for color, obj in zip(tokens, tokens[1:]):
        if color in COLORS and obj in OBJECTS:
            pairs.append((OBJECTS[obj], COLORS.index(color)))
    return pairs


def locate(image, obj, color):
    xs, ys = np.where((image[:, :, 0] == obj) & (image[:, :, 1] == color))
    return list(zip(xs.tolist(), ys.tolist()))


def agent_position(image):
    pos = np.argwhere(image[:, :, 0] == 10)
    return tuple(pos[0]) if pos.shape[0] else (1, 1)


def min_dist(p, cells, default=0):
    return min((abs(p[0] - x) + abs(p[1] - y) for x, y in cells), default=default)


def reward(obs, action, next_obs):
    components = {"step": -0.01, "approach": 0.0, "pickup": 0.0, "carry": 0.0, "place": 0.0, "drop_penalty": 0.0}

    try:
        (obj, color), (ref_obj, ref_color) = parse(obs["mission"])[:2]
    except ValueError:
        # not a "put next to" mission: only the time penalty applies
        return components["step"], components

    before, after = obs["image"], next_obs["image"]
    held_before = tuple(int(v) for v in obs["carrying"]) == (obj, color)
    held_after = tuple(int(v) for v in next_obs["carrying"]) == (obj, color)
    ref_cells = locate(after, ref_obj, ref_color)

    if not held_before and not held_after:
        d0 = min_dist(agent_position(before), locate(before, obj, color))
        d1 = min_dist(agent_position(after), locate(after, obj, color))
        components["approach"] = 0.05 * (d0 - d1)
    elif not held_before and held_after:
        components["pickup"] = 1.0
    elif held_before and held_after:
        d0 = min_dist(agent_position(before), locate(before, ref_obj, ref_color))
        d1 = min_dist(agent_position(after), ref_cells)
        components["carry"] = 0.1 * (d0 - d1)
    else:
        # just dropped: check whether the object now touches its reference
        dropped = locate(after, obj, color)
        touching = any(min_dist(cell, ref_cells, default=99) == 1 for cell in dropped)
        if touching:
            components["place"] = 10.0
        else:
            components["drop_penalty"] = -0.5

    if action == PICKUP and np.array_equal(before, after):
        components["useless_action"] = -0.05
    return sum(components.values()), components
