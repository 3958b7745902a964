# What models naturally write; every chunk must be admitted without an error.
import numpy as np


def reward(obs, action, next_obs):
    grid = next_obs["image"][:, :, 0]
    agent = np.argwhere(grid == 10)
    if agent.size == 0:
        return 0.0, {"distance": 0.0}
    row, col = map(int, agent[0])
    key_cells = list(zip(*np.where(grid == 5)))
    distances = [abs(r - row) + abs(c - col) for r, c in key_cells]
    nearest = min(distances, default=0)
    components = {
        "distance": -0.1 * nearest,
        "action": -0.01 if action in (0, 1, 2) else 0.0,
    }
    components["bonus"] = 1.0 if np.any(grid == 8) and not np.all(grid == 1) else 0.0
    total = float(sum(components.values()))
    return total, {**components, "total": total}
# ---
import math
from collections import Counter, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from functools import partial, reduce
from itertools import chain, combinations, product
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

Cell = namedtuple("Cell", ["row", "col"])


class Phase(Enum):
    SEARCH = auto()
    CARRY = auto()


class Kind(IntEnum):
    DOOR = 4
    KEY = 5


class Pose(NamedTuple):
    x: float
    y: float = 0.0


@dataclass
class Memory:
    best: float = math.inf
    visited: Dict[Tuple[int, int], int] = field(default_factory=dict)
    recent: deque = field(default_factory=lambda: deque(maxlen=5))

    def note(self, cell: Tuple[int, int]) -> None:
        self.visited[cell] = self.visited.get(cell, 0) + 1
        self.recent.append(cell)


class Reward:
    """Keeps a small memory."""

    WEIGHTS = {"near": 1.0, "far": -0.5}

    def __init__(self, scale: float = 1.0, names: Optional[List[str]] = None) -> None:
        self.scale = scale
        self.names = names or ["a", "b"]
        self._memory = Memory()
        self.__steps = 0
        self.phase = Phase.SEARCH

    def reset(self, obs: Dict[str, Any]) -> None:
        self._memory = Memory()
        self.__steps = 0
        self.phase = Phase.SEARCH

    @staticmethod
    def _clip(value: float, low: float = -1.0, high: float = 1.0) -> float:
        return max(low, min(high, value))

    @property
    def steps(self) -> int:
        return self.__steps

    def _walk(self, start: Cell) -> int:
        seen, queue = {start}, deque([(start, 0)])
        while queue:
            cell, depth = queue.popleft()
            for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                other = Cell(cell.row + dr, cell.col + dc)
                if 0 <= other.row < 3 and 0 <= other.col < 3 and other not in seen:
                    seen.add(other)
                    queue.append((other, depth + 1))
        return len(seen)

    def step(self, obs, action, next_obs) -> Union[float, Tuple[float, Dict[str, float]]]:
        self.__steps += 1
        pose = Pose(float(next_obs[0]))
        cell = (int(pose.x), int(pose.y))
        self._memory.note(cell)
        if self.phase is Phase.SEARCH and action == Kind.KEY:
            self.phase = Phase.CARRY
        counts = Counter(self._memory.visited.values())
        groups = defaultdict(list)
        for name, weight in self.WEIGHTS.items():
            groups[name[0]].append(weight)
        pairs = sum(1 for _ in combinations(range(3), 2)) + len(list(product("ab", repeat=2)))
        add = partial(self._clip, high=2.0)
        total = reduce(lambda a, b: a + b, chain([0.0], groups["n"]), 0.0)
        message = f"{self.phase.name}:{total:.2f} {cell!r:>10}"
        label = "far" if message.startswith("CARRY") else "near"
        (first, *rest), last = (1, 2, 3), 4
        try:
            ratio = self.steps / (len(rest) - 2)
        except ZeroDivisionError as error:
            ratio = float(len(error.args))
        assert math.isfinite(ratio), "not finite"
        total += add(ratio) + self.WEIGHTS[label] + pairs + first + last + self._walk(Cell(0, 0))
        return self.scale * total, {"most": float(counts.most_common(1)[0][0])}
# ---
from __future__ import annotations

import numpy as np
from numpy.linalg import norm
from numpy.typing import NDArray


def unit(v: NDArray[np.float64]) -> NDArray[np.float64]:
    length = norm(v)
    return v / length if length > 1e-8 else np.zeros_like(v)


def reward(achieved_goal, desired_goal, prev_achieved_goal, action):
    before = np.linalg.norm(prev_achieved_goal - desired_goal, axis=-1)
    after = np.linalg.norm(achieved_goal - desired_goal)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(before > 0, after / before, 1.0)
    cosine = np.clip(np.dot(unit(achieved_goal), unit(desired_goal)), -1.0, 1.0)
    angle = np.degrees(np.arccos(cosine))
    energy = np.sum(np.square(action), axis=0, keepdims=True)[0]
    weights = np.array([1.0, 0.5, 0.1], dtype=np.float32)
    parts = np.stack([after, ratio, angle]).astype(np.float64)
    shaped = float(np.tanh(weights @ parts)) - 0.01 * float(energy)
    mask = np.isfinite(parts) & (parts > 0)
    shaped += parts[mask].sum() if mask.any() else 0.0
    best = np.maximum.reduce(parts)
    order = np.argsort(parts)[::-1]
    rows, cols = np.unravel_index(np.argmax(np.outer(parts, parts)), (3, 3))
    values, counts = np.unique(order, return_counts=True)
    eps = np.finfo(np.float32).eps
    return {"total": shaped, "best": best, "mode": values[np.argmax(counts)] + rows + cols + eps}
# ---
TASKS = []


def task_1_has_key(obs):
    return bool((obs["carrying"] == 5).any())


def task_2_door_open(initial_obs, obs):
    def door(image):
        for i in range(image.shape[0]):
            for j in range(image.shape[1]):
                if image[i, j, 0] == 4:
                    return i, j, image[i][j][2]
        return None

    first, now = door(initial_obs["image"]), door(obs["image"])
    return first is not None and now is not None and first[2] != now[2]


TASKS = [task_1_has_key, task_2_door_open]

if __name__ == "__main__":
    import gymnasium as gym

    env = gym.make("MiniGrid-DoorKey-8x8-v0")
    print(task_1_has_key(env.reset()[0]))
# ---
import numpy as np

STAGES = ("reach", "grasp", "lift")
OFFSETS = {name: 0.25 * i for i, name in enumerate(STAGES)}
TARGETS = np.array([[0.0, 1.0], [2.0, 3.0]])
THRESHOLD = 2 ** 0.5 / 10


def make(scale):
    total = 0.0

    def grow(x):
        nonlocal total
        total += scale * x
        return total

    return grow


def stage(x):
    match x:
        case 0 | 1:
            return "reach"
        case (a, b) if a > b:
            return "grasp"
        case _:
            return "lift"


def reward(obs, action, next_obs, terminated, truncated, t):
    grow = make(0.5)
    values = [grow(v) for v in obs if v > THRESHOLD]
    if (n := len(values)) > 3:
        values = sorted(values, key=lambda v: -v, reverse=True)[:3]
    text = " ".join(str(v) for v in values).upper().split()
    while n > 0 and t < 100:
        n -= 1
        if n == 1:
            break
    else:
        n = 0
    state = {"x": 1, **{k: v for k, v in OFFSETS.items()}}
    state["x"] += 1
    state.setdefault("y", []).append(3)
    a, (b, c) = 1, (2, 3)
    del state["x"]
    done = terminated or truncated
    result = -1.0 if done else OFFSETS[stage(n)] + a + b + c + len(text) + float(TARGETS[0, 1])
    if hasattr(obs, "shape") and isinstance(obs, (np.ndarray, list, float)):
        result += getattr(obs, "size", 0)
    return round(float(result), 4)
