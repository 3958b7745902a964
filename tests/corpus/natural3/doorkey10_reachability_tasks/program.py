from collections import deque

import numpy as np

EMPTY, WALL, FLOOR, DOOR, KEY, GOAL, LAVA, AGENT = 1, 2, 3, 4, 5, 8, 9, 10
STATE_OPEN, STATE_CLOSED, STATE_LOCKED = 0, 1, 2


def _passable(cell):
    obj, _, state = (int(v) for v in cell)
    if obj in (EMPTY, FLOOR, GOAL, AGENT):
        return True
    return obj == DOOR and state == STATE_OPEN


def _reachable(grid):
    """Set of cells that the agent can walk to, by BFS from its current position."""
    start = np.argwhere(grid[..., 0] == AGENT)
    if start.size == 0:
        return set()
    first = tuple(int(c) for c in start[0])
    seen = {first}
    queue = deque([first])
    w, h = grid.shape[:2]
    while queue:
        x, y = queue.popleft()
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            nx, ny = x + dx, y + dy
            if not (0 <= nx < w and 0 <= ny < h):
                continue
            if (nx, ny) in seen or not _passable(grid[nx, ny]):
                continue
            seen.add((nx, ny))
            queue.append((nx, ny))
    return seen


def _touches(grid, obj):
    """True if some object `obj` is next to a reachable cell."""
    reach = _reachable(grid)
    for x, y in np.argwhere(grid[..., 0] == obj):
        neighbours = {(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)}
        if neighbours & reach:
            return True
    return False


def task_1(obs):
    """The key can be reached (or has already been taken)."""
    grid = obs["image"]
    return bool(obs["carrying"][0] == KEY) or _touches(grid, KEY)


def task_2(obs):
    """The agent holds the key."""
    return bool(obs["carrying"][0] == KEY)


def task_3(obs):
    """The key held has the colour of the door that is still locked."""
    kind, color = obs["carrying"]
    if kind != KEY:
        return False
    grid = obs["image"]
    locked = (grid[..., 0] == DOOR) & (grid[..., 2] == STATE_LOCKED)
    return bool(np.any(locked & (grid[..., 1] == color)))


def task_4(initial_obs, obs):
    """A door that was locked at the start is not locked any more."""
    was_locked = np.argwhere((initial_obs["image"][..., 0] == DOOR)
                             & (initial_obs["image"][..., 2] == STATE_LOCKED))
    grid = obs["image"]
    return any(grid[x, y, 0] != DOOR or grid[x, y, 2] != STATE_LOCKED for x, y in was_locked)


def task_5(initial_obs, obs):
    """The reachable area has grown by more than half."""
    before = len(_reachable(initial_obs["image"]))
    after = len(_reachable(obs["image"]))
    return after > 1.5 * before


def task_6(obs):
    """There is a free path to the goal."""
    goal = np.argwhere(obs["image"][..., 0] == GOAL)
    reach = _reachable(obs["image"])
    if len(goal) == 0:          # agent stands on the goal
        return len(reach) > 0
    return tuple(goal[0].tolist()) in reach


TASKS = [task_1, task_2, task_3, task_4, task_5, task_6]
