"""Order picking with six robots: which stages of the current order list are complete?"""
from collections import Counter, defaultdict

import numpy as np

STATION_ROW = 0
SHELF_CODES = range(1, 9)      # item type on a shelf, 0 = aisle, 9 = charging dock
DOCK = 9


def needed(obs):
    """Multiset of items that are still missing in the open orders."""
    c = Counter()
    for order in obs["orders"]:
        c.update(int(i) for i in order if i > 0)
    return c


def carried(obs):
    return Counter(int(i) for i in obs["carrying"] if i > 0)


def robots_by_cell(obs):
    cells = defaultdict(list)
    for rid, (r, c) in enumerate(obs["robots"]):
        cells[(int(r), int(c))].append(rid)
    return cells


def task_1(obs):
    """Nobody shares a cell with anybody else."""
    return all(len(ids) == 1 for ids in robots_by_cell(obs).values())


def task_2(obs):
    """Every robot without load stands next to a shelf holding a needed item, or on the dock."""
    wanted = set(needed(obs) - carried(obs))
    grid = obs["layout"]
    padded = np.pad(grid, 1, constant_values=0)
    for (r, c), load in zip(obs["robots"], obs["carrying"]):
        if load > 0:
            continue
        if grid[r, c] == DOCK:
            continue
        around = {int(v) for v in (padded[r, c + 1], padded[r + 2, c + 1], padded[r + 1, c], padded[r + 1, c + 2])}
        if not around & wanted:
            return False
    return True


def task_3(obs):
    """At least half of the missing items are on a robot."""
    want, have = needed(obs), carried(obs)
    total = sum(want.values())
    if not total:
        return True
    return sum((want & have).values()) >= total / 2


def task_4(obs):
    """A robot with a needed item is at the packing station row."""
    want = needed(obs)
    return any(r == STATION_ROW and want[int(item)] > 0
               for (r, _), item in zip(obs["robots"], obs["carrying"]) if item > 0)


def task_5(initial_obs, obs):
    """Some order was completed: its row had items at first and has none now."""
    had = (initial_obs["orders"] > 0).any(axis=1)
    has = (obs["orders"] > 0).any(axis=1)
    return bool(np.any(had & ~has))


def task_6(initial_obs, obs):
    """No useless loads, and battery use is balanced between the robots."""
    useless = carried(obs) - needed(obs)
    used = initial_obs["battery"] - obs["battery"]
    spread = np.percentile(used, 90) - np.percentile(used, 10)
    return not useless and bool(spread < 0.15)


TASKS = [task_1, task_2, task_3, task_4, task_5, task_6]
