import numpy as np

DOOR, KEY, AGENT = 4, 5, 10
OPEN, CLOSED, LOCKED = 0, 1, 2
COLORS = ["red", "green", "blue", "purple", "yellow", "grey"]
DIR_TO_VEC = [(1, 0), (0, 1), (-1, 0), (0, -1)]


def mission_color(mission):
    for i, name in enumerate(COLORS):
        if name in mission:
            return i
    return None


def find(image, obj, color=None):
    mask = image[:, :, 0] == obj
    if color is not None:
        mask &= image[:, :, 1] == color
    xs, ys = np.nonzero(mask)
    return list(zip(xs.tolist(), ys.tolist()))


def agent_pose(image):
    cells = find(image, AGENT)
    if not cells:
        return None
    x, y = cells[0]
    return x, y, int(image[x, y, 2]) % 4


def task_1(initial_obs, obs):
    """The key of the door's colour has left its initial cell (picked up)."""
    color = mission_color(initial_obs["mission"])
    start = find(initial_obs["image"], KEY, color)
    now = find(obs["image"], KEY, color)
    return len(start) > 0 and len(now) < len(start)


def task_2(initial_obs, obs):
    """The agent is next to the target door, facing it."""
    color = mission_color(initial_obs["mission"])
    pose = agent_pose(obs["image"])
    if pose is None:
        return False
    x, y, d = pose
    dx, dy = DIR_TO_VEC[d]
    return (x + dx, y + dy) in find(obs["image"], DOOR, color)


def task_3(initial_obs, obs):
    """The target door is no longer locked."""
    color = mission_color(initial_obs["mission"])
    return any(
        obs["image"][x, y, 2] != LOCKED and initial_obs["image"][x, y, 2] == LOCKED
        for x, y in find(obs["image"], DOOR, color)
    )


def task_4(initial_obs, obs):
    """The target door stands open."""
    color = mission_color(initial_obs["mission"])
    doors = find(obs["image"], DOOR, color)
    return bool(doors) and all(obs["image"][x, y, 2] == OPEN for x, y in doors)


TASKS = [task_1, task_2, task_3, task_4]
