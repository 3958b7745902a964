"""Sub-tasks for BabyAI "go to / pick up" missions on a fully observable grid."""
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

OBJECT_TO_IDX = {"door": 4, "key": 5, "ball": 6, "box": 7}
COLOR_TO_IDX = {"red": 0, "green": 1, "blue": 2, "purple": 3, "yellow": 4, "grey": 5}
AGENT_IDX = 10
DIR_TO_VEC = [(1, 0), (0, 1), (-1, 0), (0, -1)]


class Target(NamedTuple):
    kind: Optional[int]
    color: Optional[int]


def parse_mission(mission: str) -> Target:
    """Extract the object type and (optional) colour from the instruction."""
    words = mission.lower().replace(",", " ").split()
    kind = next((OBJECT_TO_IDX[w] for w in words if w in OBJECT_TO_IDX), None)
    color = next((COLOR_TO_IDX[w] for w in words if w in COLOR_TO_IDX), None)
    return Target(kind=kind, color=color)


def find_agent(image: np.ndarray) -> Optional[Tuple[int, int, int]]:
    cells = np.argwhere(image[:, :, 0] == AGENT_IDX)
    if len(cells) == 0:
        return None
    x, y = cells[0]
    return int(x), int(y), int(image[x, y, 2])


def matching_cells(image: np.ndarray, target: Target) -> List[Tuple[int, int]]:
    if target.kind is None:
        return []
    mask = image[..., 0] == target.kind
    if target.color is not None:
        mask &= image[..., 1] == target.color
    return [tuple(p) for p in np.argwhere(mask)]


def task_1_same_half(obs) -> bool:
    """Agent is in the same half of the room as some target object."""
    image = obs["image"]
    agent = find_agent(image)
    targets = matching_cells(image, parse_mission(obs["mission"]))
    if agent is None or not targets:
        return False
    half = image.shape[0] // 2
    return any((agent[0] < half) == (tx < half) for tx, _ in targets)


def task_2_closer_than_start(initial_obs, obs) -> bool:
    """Agent has covered at least half of the initial distance."""

    def nearest(o):
        agent = find_agent(o["image"])
        targets = matching_cells(o["image"], parse_mission(o["mission"]))
        if agent is None or not targets:
            return None
        return min(abs(agent[0] - x) + abs(agent[1] - y) for x, y in targets)

    start, now = nearest(initial_obs), nearest(obs)
    if start is None or now is None:
        return False
    return now <= start / 2


def task_3_adjacent(obs) -> bool:
    image = obs["image"]
    if (agent := find_agent(image)) is None:
        return False
    ax, ay, _ = agent
    return any(abs(ax - x) + abs(ay - y) == 1
               for x, y in matching_cells(image, parse_mission(obs["mission"])))


def task_4_facing(obs) -> bool:
    image = obs["image"]
    agent = find_agent(image)
    if agent is None:
        return False
    ax, ay, d = agent
    dx, dy = DIR_TO_VEC[d % 4]
    return (ax + dx, ay + dy) in set(matching_cells(image, parse_mission(obs["mission"])))


def task_5_picked_up(initial_obs, obs) -> bool:
    """Fewer matching objects on the floor than at the start -> one is in hand."""
    mission = obs["mission"].lower()
    if "pick up" not in mission:
        return task_4_facing(obs)
    target = parse_mission(mission)
    before = len(matching_cells(initial_obs["image"], target))
    after = len(matching_cells(obs["image"], target))
    return after < before


TASKS = [task_1_same_half, task_2_closer_than_start, task_3_adjacent, task_4_facing, task_5_picked_up]
