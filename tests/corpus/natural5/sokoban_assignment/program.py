from itertools import permutations

import numpy as np

WALL, FLOOR, TARGET, BOX_ON_TARGET, BOX, PLAYER, PLAYER_ON_TARGET = range(7)


def _cells(room, *codes):
    mask = np.isin(room, codes)
    return [tuple(int(v) for v in rc) for rc in np.argwhere(mask)]


def _matching_cost(boxes, targets):
    """Cheapest total Manhattan distance of assigning boxes to targets."""
    if not boxes or not targets:
        return 0
    n = min(len(boxes), len(targets))
    best = None
    for perm in permutations(targets, n):
        cost = sum(abs(b[0] - t[0]) + abs(b[1] - t[1]) for b, t in zip(boxes, perm))
        if best is None or cost < best:
            best = cost
    return best


def _is_dead(room, box):
    """A box in a corner that is not a target can never be moved again."""
    r, c = box
    h, w = room.shape

    def wall(y, x):
        return not (0 <= y < h and 0 <= x < w) or room[y, x] == WALL

    vertical = wall(r - 1, c) or wall(r + 1, c)
    horizontal = wall(r, c - 1) or wall(r, c + 1)
    return vertical and horizontal


def reward(obs, action, next_obs):
    boxes, next_boxes = _cells(obs, BOX), _cells(next_obs, BOX)
    done_before = _cells(obs, BOX_ON_TARGET)
    done_after = _cells(next_obs, BOX_ON_TARGET)

    cost_before = _matching_cost(boxes, _cells(obs, TARGET, PLAYER_ON_TARGET))
    cost_after = _matching_cost(next_boxes, _cells(next_obs, TARGET, PLAYER_ON_TARGET))

    components = {
        "step": -0.05,
        "push": 0.2 * (cost_before - cost_after),
        "on_target": 1.0 * (len(done_after) - len(done_before)),
        "deadlock": 0.0,
        "no_op": 0.0,
        "solved": 0.0,
    }

    new_boxes = set(next_boxes) - set(boxes)
    if any(_is_dead(next_obs, b) for b in new_boxes):
        components["deadlock"] = -2.0

    if np.array_equal(obs, next_obs) and action != 0:
        components["no_op"] = -0.05

    if len(next_boxes) == 0 and len(done_after) > 0:
        components["solved"] = 10.0

    return float(sum(components.values())), components
