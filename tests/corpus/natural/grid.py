import numpy as np
from collections import deque
from functools import lru_cache
from typing import Optional, Tuple

OBJECT_TO_IDX = {"unseen": 0, "empty": 1, "wall": 2, "floor": 3, "door": 4, "key": 5, "ball": 6, "box": 7, "goal": 8, "lava": 9, "agent": 10}
STATE = {"open": 0, "closed": 1, "locked": 2}

__all__ = ["reward"]


def _find(grid: np.ndarray, idx: int) -> Optional[Tuple[int, int]]:
    pos = np.argwhere(grid[..., 0] == idx)
    return tuple(int(v) for v in pos[0]) if len(pos) else None


@lru_cache(maxsize=None)
def manhattan(a, b):
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def bfs(passable: np.ndarray, start, goal) -> int:
    queue = deque([(start, 0)])
    seen = {start}
    while queue:
        (x, y), d = queue.popleft()
        if (x, y) == goal:
            return d
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            nx, ny = x + dx, y + dy
            if 0 <= nx < passable.shape[0] and 0 <= ny < passable.shape[1] and passable[nx, ny] and (nx, ny) not in seen:
                seen.add((nx, ny))
                queue.append(((nx, ny), d + 1))
    return -1


def reward(obs, action, next_obs):
    grid = next_obs["image"]
    key = _find(grid, OBJECT_TO_IDX["key"])
    door = _find(grid, OBJECT_TO_IDX["door"])
    total = 0.0
    if key is not None and door is not None:
        total -= 0.05 * manhattan(key, door)
    passable = ~np.isin(grid[:, :, 0], [OBJECT_TO_IDX["wall"], OBJECT_TO_IDX["lava"]])
    if key:
        total -= 0.01 * max(bfs(passable, (3, 6), key), 0)
    return float(total)
# ---
import numpy as np


class OpenDoorTask:
    """Sub-task predicates for the unlock task."""

    DOOR = 4
    KEY = 5

    @staticmethod
    def count(obs, kind):
        return int(np.count_nonzero(obs["image"][:, :, 0] == kind))

    @classmethod
    def sees_key(cls, obs):
        return cls.count(obs, cls.KEY) > 0

    @classmethod
    def sees_door(cls, obs):
        return cls.count(obs, cls.DOOR) > 0


def task_1_see_key(obs):
    return OpenDoorTask.sees_key(obs)


def task_2_see_door(obs):
    return OpenDoorTask.sees_door(obs)


TASKS = [task_1_see_key, task_2_see_door]
# ---
import numpy as np

TASKS = [
    lambda obs: bool((obs["image"][:, :, 0] == 5).any()),
    lambda obs: bool((obs["image"][:, :, 0] == 4).any()),
    lambda obs: np.any((obs["image"][..., 0] == 4) & (obs["image"][..., 2] == 0)),
]
# ---
import numpy as np


def make_visible(kind):
    def visible(obs):
        return bool(np.any(obs["image"][:, :, 0] == kind))
    return visible


TASKS = [make_visible(k) for k in (5, 4, 8)]
# ---
from functools import partial
import numpy as np


def sees(obs, *, kind):
    return (obs["image"][:, :, 0] == kind).sum() > 0


TASKS = tuple(partial(sees, kind=k) for k in (5, 4))
# ---
import numpy as np


def key_visible(obs):
    return np.any(obs["image"][:, :, 0] == 5)


def door_open(obs):
    img = obs["image"]
    return np.any((img[:, :, 0] == 4) & (img[:, :, 2] == 0))


def goal_visible(obs):
    return np.any(obs["image"][:, :, 0] == 8)


_base = [key_visible, door_open]
TASKS = _base + [goal_visible]
# ---
import numpy as np


def see_key(obs):
    return np.any(obs["image"][:, :, 0] == 5)


def open_door(obs):
    img = obs["image"]
    return np.any((img[:, :, 0] == 4) & (img[:, :, 2] == 0))


TASKS = {"see_key": see_key, "open_door": open_door}
# ---
from __future__ import annotations
from dataclasses import dataclass, field
from enum import IntEnum
import numpy as np


class Obj(IntEnum):
    WALL = 2
    DOOR = 4
    KEY = 5
    GOAL = 8


@dataclass
class Episode:
    visited: set[tuple[int, int]] = field(default_factory=set)
    has_key: bool = False
    steps: int = 0

    def __post_init__(self) -> None:
        self.steps = 0


class Reward:
    def __init__(self, step_penalty: float = 0.01):
        self.step_penalty = step_penalty
        self.ep = Episode()

    def reset(self, obs):
        self.ep = Episode()

    def step(self, obs, action, next_obs):
        self.ep.steps += 1
        kinds = next_obs["image"][:, :, 0]
        r = -self.step_penalty
        if not self.ep.has_key and not (kinds == Obj.KEY).any() and (obs["image"][:, :, 0] == Obj.KEY).any():
            self.ep.has_key = True
            r += 0.5
        cell = (int(kinds.sum()) % 7, next_obs["direction"])
        if cell not in self.ep.visited:
            self.ep.visited.add(cell)
            r += 0.02
        return r, {"steps": self.ep.steps, "novelty": float(len(self.ep.visited))}
# ---
import numpy as np

AGENT_POS = (3, 6)
COLORS = "red green blue purple yellow grey".split()


def reward(obs, action, next_obs):
    mission = next_obs["mission"].lower()
    words = mission.split()
    color = next((c for c in COLORS if c in words), None)
    target = {"key": 5, "ball": 6, "box": 7, "door": 4}.get(words[-1] if words else "", 6)
    img = next_obs["image"]
    mask = img[:, :, 0] == target
    if color is not None:
        mask &= img[:, :, 1] == COLORS.index(color)
    ys, xs = np.nonzero(mask)
    if ys.size == 0:
        return -0.1
    d = np.hypot(ys - AGENT_POS[0], xs - AGENT_POS[1])
    i = int(np.argmin(d))
    msg = "target %d at %d, %.2f" % (target, i, d[i])
    msg2 = "{} is {:.1f} away".format(color, d[i])
    return 1.0 / (1.0 + d[i]) + 0.0 * len(msg) + 0.0 * len(msg2)
# ---
import re
import numpy as np

PATTERN = re.compile(r"(red|green|blue|purple|yellow|grey) (key|ball|box|door)")
NAMES = {"key": 5, "ball": 6, "box": 7, "door": 4}


def reward(obs, action, next_obs):
    m = PATTERN.search(next_obs["mission"])
    if m is None:
        return 0.0
    color, kind = m.groups()
    present = (next_obs["image"][:, :, 0] == NAMES[kind]).any()
    return float(present) + 0.1 * len(color)
# ---
import numpy as np
import heapq
from itertools import count


def shortest(cost, start, goal):
    h, w = cost.shape
    dist = np.full((h, w), np.inf)
    dist[start] = 0.0
    tick = 0
    heap = [(0.0, tick, start)]
    while heap:
        d, _, (r, c) = heapq.heappop(heap)
        if (r, c) == goal:
            return d
        if d > dist[r, c]:
            continue
        for dr, dc in [(-1, 0), (1, 0), (0, -1), (0, 1)]:
            rr, cc = r + dr, c + dc
            if 0 <= rr < h and 0 <= cc < w:
                nd = d + cost[rr, cc]
                if nd < dist[rr, cc]:
                    dist[rr, cc] = nd
                    tick += 1
                    heapq.heappush(heap, (nd, tick, (rr, cc)))
    return float("inf")


def reward(obs, action, next_obs):
    kinds = next_obs["image"][:, :, 0].astype(int)
    cost = np.where(kinds == 2, 50.0, np.where(kinds == 9, 100.0, 1.0))
    return -0.01 * shortest(cost, (3, 6), (0, 0))
# ---
import numpy as np


def reward(obs, action, next_obs):
    match action:
        case 0 | 1:
            base = -0.01
        case 2:
            base = 0.0
        case 3 | 4 as manip:
            base = 0.05 * manip
        case 5 if next_obs["direction"] == 2:
            base = 0.2
        case _:
            base = -0.02
    match next_obs["image"][3, 5].tolist():
        case [4, _, 0]:
            base += 1.0
        case [4, color, 2]:
            base -= 0.1 * color
        case [kind, *rest]:
            base += 0.001 * kind + 0.001 * sum(rest)
    return base
# ---
import numpy as np
from typing import Dict, Any


def reward(obs: Dict[str, Any], action: int, next_obs: Dict[str, Any]) -> tuple[float, dict[str, float]]:
    """Reward for DoorKey.

    Args:
        obs: previous observation
    """
    rewards = {}
    prev_k, next_k = obs["image"][:, :, 0], next_obs["image"][:, :, 0]
    values, counts = np.unique(next_k, return_counts=True)
    hist = dict(zip(values.tolist(), counts.tolist()))
    rewards["entropy"] = float(-np.sum((p := counts / counts.sum()) * np.log(p)))
    rewards["walls"] = -0.001 * hist.get(2, 0)
    rewards["changed"] = 0.01 * np.count_nonzero(prev_k != next_k)
    rewards["total"] = sum(rewards.values())
    return rewards["total"], {k: v for k, v in rewards.items() if k != "total"}
# ---
import numpy as np
import logging

logger = logging.getLogger(__name__)


def reward(obs, action, next_obs):
    n = int(np.sum(next_obs["image"][:, :, 0] == 8))
    logger.debug("goals: %d", n)
    if n > 3:
        logging.warning("many goals")
    print("n =", n, flush=True)
    return float(n)
# ---
from typing import NamedTuple, Final
import numpy as np

KEY: Final = 5


class Cell(NamedTuple):
    x: int
    y: int
    kind: int = 0

    def dist(self, other: "Cell") -> int:
        return abs(self.x - other.x) + abs(self.y - other.y)

    @property
    def is_key(self) -> bool:
        return self.kind == KEY


def cells(grid):
    return [Cell(int(x), int(y), int(grid[x, y, 0])) for x, y in np.ndindex(grid.shape[:2])]


def reward(obs, action, next_obs):
    me = Cell(3, 6)
    keys = sorted((c for c in cells(next_obs["image"]) if c.is_key), key=me.dist)
    if not keys:
        return 0.0
    first = keys[0]._replace(kind=0)
    return 1.0 / (1 + me.dist(first)) + 0.01 * first._asdict()["x"]
# ---
import numpy as np
import itertools as it
import operator as op


def reward(obs, action, next_obs):
    row = next_obs["image"][3, :, 0].tolist()
    runs = [(k, len(list(g))) for k, g in it.groupby(row)]
    longest = max(runs, key=op.itemgetter(1))[1]
    steps = list(it.accumulate(row, op.add))
    jumps = sum(abs(b - a) for a, b in it.pairwise(row))
    pairs = sum(1 for a, b in it.product(range(3), repeat=2) if a != b)
    first = next(it.takewhile(lambda v: v < 5, row), 0)
    counter = it.count(1)
    n = next(counter) + next(counter)
    ranked = list(it.islice(it.cycle([1, 2, 3]), 5))
    flat = list(it.chain.from_iterable([[1], [2, 3]]))
    return 0.1 * longest + 0.01 * steps[-1] - 0.001 * jumps + pairs + first + n + sum(ranked) + sum(flat)
# ---
import numpy as np


class Node:
    __slots__ = ("pos", "cost")

    def __init__(self, pos, cost):
        self.pos = pos
        self.cost = cost

    def __lt__(self, other):
        return self.cost < other.cost

    def __eq__(self, other):
        return isinstance(other, Node) and self.pos == other.pos

    def __hash__(self):
        return hash(self.pos)

    def __repr__(self):
        return f"Node({self.pos})"


def reward(obs, action, next_obs):
    nodes = [Node((int(r), int(c)), int(r) * 2 + int(c)) for r, c in np.argwhere(next_obs["image"][:, :, 0] == 1)]
    if not nodes:
        return 0.0
    best = min(nodes)
    worst = max(nodes, key=lambda n: n.cost)
    return 0.1 * best.cost - 0.01 * worst.cost + (0.5 if best == worst else 0.0)
# ---
import numpy as np


class Base:
    def __init__(self, weight=1.0):
        self.weight = weight

    def value(self, obs):
        raise NotImplementedError

    def __call__(self, obs):
        return self.weight * self.value(obs)


class SeesKey(Base):
    def __init__(self, weight=0.5):
        super().__init__(weight)
        self.kind = 5

    def value(self, obs):
        return float((obs["image"][:, :, 0] == self.kind).any())


class SeesDoor(Base):
    def value(self, obs):
        return float((obs["image"][:, :, 0] == 4).any())


TERMS = [SeesKey(), SeesDoor(weight=0.3)]


def reward(obs, action, next_obs):
    return sum(term(next_obs) for term in TERMS)
# ---
from abc import ABC, abstractmethod
import numpy as np


class Term(ABC):
    name: str = "term"

    @abstractmethod
    def compute(self, obs, next_obs) -> float:
        ...


class KeyTerm(Term):
    name = "key"

    def compute(self, obs, next_obs) -> float:
        return float(np.any(next_obs["image"][:, :, 0] == 5))


class MoveTerm(Term):
    name = "move"

    def compute(self, obs, next_obs) -> float:
        return 0.1 * float(not np.array_equal(obs["image"], next_obs["image"]))


def compute_reward(obs, action, next_obs):
    terms = (KeyTerm(), MoveTerm())
    parts = {t.name: t.compute(obs, next_obs) for t in terms}
    return sum(parts.values()), parts
# ---
import numpy as np

DIR_TO_VEC = [np.array((1, 0)), np.array((0, 1)), np.array((-1, 0)), np.array((0, -1))]


def reward(obs, action, next_obs):
    grid = next_obs["image"]
    pos = np.array([3, 6])
    front = pos + DIR_TO_VEC[next_obs["direction"]]
    x, y = np.clip(front, 0, 6)
    kind, color, state = grid[x, y]
    padded = np.pad(grid[:, :, 0], 1, constant_values=2)
    window = padded[x:x + 3, y:y + 3]
    rotated = np.rot90(window, k=next_obs["direction"])
    score = float((rotated == 2).mean()) + 0.1 * int(kind) - 0.01 * int(state)
    for (i, j), v in np.ndenumerate(window):
        score += 0.001 * v * (i - j)
    return score
