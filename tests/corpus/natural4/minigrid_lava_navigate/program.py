"""
Dense reward for a fully observable MiniGrid lava crossing task.

The reward is made of the following parts:
    * progress   - decrease of the shortest safe path to the goal (BFS around lava and walls)
    * hazard     - penalty for standing right next to lava, larger when facing it
    * idle       - small penalty when nothing changes
    * terminal   - bonus at the goal, penalty in the lava
"""
from collections import deque
from typing import Dict, Optional, Tuple

import numpy as np

# Object codes of MiniGrid
EMPTY = 1
WALL = 2
GOAL = 8
LAVA = 9
AGENT = 10

# direction -> (dx, dy)
DIRECTIONS = {0: (1, 0), 1: (0, 1), 2: (-1, 0), 3: (0, -1)}

# weights
W_PROGRESS = 0.1
W_NEXT_TO_LAVA = -0.02
W_FACING_LAVA = -0.05
W_IDLE = -0.01
GOAL_BONUS = 1.0
LAVA_PENALTY = -1.0

Position = Tuple[int, int]


def find_first(grid: np.ndarray, code: int) -> Optional[Position]:
    """Return the (x, y) of the first cell with the given object code, or None."""
    matches = np.argwhere(grid[:, :, 0] == code)
    if matches.shape[0] == 0:
        return None
    return int(matches[0][0]), int(matches[0][1])


def in_bounds(grid: np.ndarray, pos: Position) -> bool:
    width, height = grid.shape[0], grid.shape[1]
    return 0 <= pos[0] < width and 0 <= pos[1] < height


def shortest_path(grid: np.ndarray, start: Position, goal: Position) -> Optional[int]:
    """Number of steps from start to goal that avoids walls and lava. None if there is no way."""
    if start == goal:
        return 0
    visited = {start}
    queue = deque([(start, 0)])
    while queue:
        (x, y), dist = queue.popleft()
        for dx, dy in DIRECTIONS.values():
            nxt = (x + dx, y + dy)
            if nxt in visited or not in_bounds(grid, nxt):
                continue
            if nxt == goal:
                return dist + 1
            if grid[nxt[0], nxt[1], 0] in (WALL, LAVA):
                continue
            visited.add(nxt)
            queue.append((nxt, dist + 1))
    return None


def reward(obs: dict, action: int, next_obs: dict) -> Tuple[float, Dict[str, float]]:
    grid, next_grid = obs["image"], next_obs["image"]
    components: Dict[str, float] = {"progress": 0.0, "hazard": 0.0, "idle": 0.0, "terminal": 0.0}

    # The layout is static, so the goal of the first image is good for both.
    goal = find_first(grid, GOAL)
    start, end = find_first(grid, AGENT), find_first(next_grid, AGENT)

    if end is None or start is None:
        # The agent is hidden below another object: it has reached the goal or stepped in the lava.
        if goal is not None and find_first(next_grid, GOAL) is None:
            components["terminal"] = GOAL_BONUS
        elif action == 2:
            components["terminal"] = LAVA_PENALTY
        return sum(components.values()), components

    # 1. progress along the shortest safe path
    if goal is not None:
        d0 = shortest_path(grid, start, goal)
        d1 = shortest_path(next_grid, end, goal)
        if d0 is not None and d1 is not None:
            components["progress"] = W_PROGRESS * (d0 - d1)
        if end == goal:
            components["terminal"] = GOAL_BONUS

    # 2. hazards around the agent
    for d, (dx, dy) in DIRECTIONS.items():
        neighbour = (end[0] + dx, end[1] + dy)
        if not in_bounds(next_grid, neighbour):
            continue
        if next_grid[neighbour[0], neighbour[1], 0] == LAVA:
            components["hazard"] += W_FACING_LAVA if d == next_obs["direction"] else W_NEXT_TO_LAVA

    # 3. idling
    if start == end and obs["direction"] == next_obs["direction"]:
        components["idle"] = W_IDLE

    total = sum(components.values())
    return total, components
