import numpy as np


def reward(obs, action, next_obs):
    """Reward for Unlock with the fully observable grid (8, 8, 3)."""
    grid, next_grid = obs["image"], next_obs["image"]

    def locate(g, idx):
        ys = np.argwhere(g[:, :, 0] == idx)
        if ys.size == 0:
            return None
        return ys[0]

    agent = locate(next_grid, 10)
    prev_agent = locate(grid, 10)
    key = locate(next_grid, 5)
    door = locate(next_grid, 4)

    components = {}
    if agent is None or prev_agent is None:
        return 0.0, {"invalid": -1.0}

    target = key if key is not None else door
    if target is not None:
        d0 = int(np.abs(prev_agent - target).sum())
        d1 = int(np.abs(agent - target).sum())
        components["shaping"] = 0.1 * (d0 - d1)
    if key is None and locate(grid, 5) is not None:
        components["picked"] = 1.0
    if door is not None and next_grid[door[0], door[1], 2] == 0:
        components["opened"] = 5.0
    components["time"] = -0.01
    return sum(components.values()), components
# ---
import heapq
import numpy as np
from typing import Dict, Optional, Set, Tuple

Pos = Tuple[int, int]
COST = {1: 1.0, 3: 1.0, 4: 2.0, 5: 1.5, 8: 1.0, 10: 0.0}


def dijkstra(grid: np.ndarray, start: Pos, goal: Pos) -> float:
    frontier = [(0.0, start)]
    best: Dict[Pos, float] = {start: 0.0}
    visited: Set[Pos] = set()
    while frontier:
        cost, pos = heapq.heappop(frontier)
        if pos == goal:
            return cost
        if pos in visited:
            continue
        visited.add(pos)
        for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            nxt = (pos[0] + step[0], pos[1] + step[1])
            if not (0 <= nxt[0] < grid.shape[0] and 0 <= nxt[1] < grid.shape[1]):
                continue
            kind = int(grid[nxt[0], nxt[1], 0])
            if kind not in COST:
                continue
            new_cost = cost + COST[kind]
            if new_cost < best.get(nxt, float("inf")):
                best[nxt] = new_cost
                heapq.heappush(frontier, (new_cost, nxt))
    return float("inf")


def find(grid: np.ndarray, kind: int) -> Optional[Pos]:
    where = np.argwhere(grid[:, :, 0] == kind)
    if len(where) == 0:
        return None
    return int(where[0][0]), int(where[0][1])


class Reward:
    def reset(self, obs):
        self.potential = self._potential(obs["image"])

    def _potential(self, grid):
        agent, goal = find(grid, 10), find(grid, 8)
        if agent is None or goal is None:
            return 0.0
        d = dijkstra(grid, agent, goal)
        return -d if d != float("inf") else -20.0

    def step(self, obs, action, next_obs):
        new = self._potential(next_obs["image"])
        shaped = 0.99 * new - self.potential
        self.potential = new
        bonus = 10.0 if find(next_obs["image"], 8) is None else 0.0
        return shaped + bonus
# ---
import numpy as np

VISIT_BONUS = 0.05
REVISIT_PENALTY = -0.02


class FourRoomsCoverage:
    def __init__(self):
        self.visited = np.zeros((8, 8), dtype=bool)
        self.path = []

    def reset(self, obs):
        self.visited[:] = False
        self.path = []

    def step(self, obs, action, next_obs):
        grid = next_obs["image"]
        positions = np.transpose(np.nonzero(grid[:, :, 0] == 10))
        if len(positions) != 1:
            return 0.0
        x, y = map(int, positions[0])
        if self.visited[x, y]:
            r = REVISIT_PENALTY
        else:
            r = VISIT_BONUS
            self.visited[x, y] = True
        self.path.append((x, y))
        if len(self.path) > 4:
            self.path.pop(0)
        # oscillating between two cells
        if len(self.path) == 4 and self.path[0] == self.path[2] and self.path[1] == self.path[3]:
            r -= 0.1
        coverage = self.visited.sum() / max(1, np.count_nonzero(grid[:, :, 0] != 2))
        quadrants = [self.visited[:4, :4], self.visited[4:, :4], self.visited[:4, 4:], self.visited[4:, 4:]]
        rooms = sum(1 for q in quadrants if q.any())
        return r + 0.1 * coverage + 0.05 * rooms, {"coverage": coverage, "rooms": rooms}
# ---
import numpy as np
from functools import partial


def contains(image, kind, color=None):
    layer = image[..., 0] == kind
    if color is not None:
        layer &= image[..., 1] == color
    return bool(np.any(layer))


def adjacent(image, first, second):
    """True when an object of type `first` touches an object of type `second`."""
    a = np.stack(np.where(image[..., 0] == first), axis=-1)
    b = np.stack(np.where(image[..., 0] == second), axis=-1)
    for p in a:
        for q in b:
            if np.abs(p - q).sum() == 1:
                return True
    return False


key_gone = lambda obs: not contains(obs["image"], 5)
box_gone = partial(contains, kind=7)


def near_key(obs):
    return adjacent(obs["image"], 10, 5)


def near_door(obs):
    return adjacent(obs["image"], 10, 4)


def has_key(obs):
    return key_gone(obs)


def door_is_open(obs):
    image = obs["image"]
    doors = image[image[..., 0] == 4]
    return len(doors) > 0 and (doors[:, 2] == 0).all()


TASKS = [near_key, has_key, near_door, door_is_open]
# ---
import numpy as np
import itertools


def reward(obs, action, next_obs):
    image = next_obs["image"].astype(np.int32)
    balls = [(i, j) for i, j in itertools.product(range(8), range(8)) if image[i, j, 0] == 6]
    boxes = [(i, j) for i, j in itertools.product(range(8), range(8)) if image[i, j, 0] == 7]

    if not balls or not boxes:
        return {"total": -0.1, "pairs": 0.0, "spread": 0.0}

    pair_distances = sorted(abs(bx - x) + abs(by - y) for (bx, by), (x, y) in itertools.product(balls, boxes))
    closest_three = pair_distances[:3]
    pairs = sum(1.0 / (1 + d) for d in closest_three)

    spread = 0.0
    for (a, b), (c, d) in itertools.combinations(balls, 2):
        spread += np.hypot(a - c, b - d)
    spread /= max(1, len(balls) * (len(balls) - 1) // 2)

    return {"total": pairs - 0.01 * spread, "pairs": pairs, "spread": float(spread)}
