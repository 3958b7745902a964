import numpy as np

WALL, FLOOR, TARGET, BOX, BOX_ON_TARGET, PLAYER, PLAYER_ON_TARGET = range(7)


def _agent(room):
    pos = np.argwhere((room == PLAYER) | (room == PLAYER_ON_TARGET))
    return pos[0] if len(pos) else None


def _boxes(room):
    return np.argwhere((room == BOX) | (room == BOX_ON_TARGET))


def _targets(room):
    return np.argwhere((room == TARGET) | (room == BOX_ON_TARGET) | (room == PLAYER_ON_TARGET))


def _pairwise_l1(a, b):
    return np.abs(a[:, None, :] - b[None, :, :]).sum(axis=-1)


def next_to_box(obs):
    room = obs["room"]
    agent, boxes = _agent(room), _boxes(room)
    if agent is None or boxes.size == 0:
        return False
    return np.abs(boxes - agent).sum(axis=1).min() == 1


def moved_any_box(initial_obs, obs):
    was = np.isin(initial_obs["room"], (BOX, BOX_ON_TARGET))
    now = np.isin(obs["room"], (BOX, BOX_ON_TARGET))
    return not np.array_equal(was, now)


def boxes_closer(initial_obs, obs):
    """Sum over the boxes of the L1 distance to the nearest target has gone down."""
    totals = []
    for o in (initial_obs, obs):
        boxes, targets = _boxes(o["room"]), _targets(o["room"])
        if boxes.size == 0 or targets.size == 0:
            return False
        totals.append(_pairwise_l1(boxes, targets).min(axis=1).sum())
    return bool(totals[1] < totals[0])


def first_box_home(obs):
    return np.count_nonzero(obs["room"] == BOX_ON_TARGET) >= 1


def no_corner_deadlock(obs):
    room = obs["room"]
    wall = np.pad(room == WALL, 1, constant_values=True)
    up, down = wall[:-2, 1:-1], wall[2:, 1:-1]
    left, right = wall[1:-1, :-2], wall[1:-1, 2:]
    corner = (up | down) & (left | right)
    return not np.any(corner & (room == BOX))


def solved(obs):
    room = obs["room"]
    return (room == BOX_ON_TARGET).any() and not (room == BOX).any()


TASKS = [next_to_box, moved_any_box, boxes_closer, first_box_home, no_corner_deadlock, solved]
