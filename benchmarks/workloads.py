"""Eight natural programs over grids, vectors and pictures, with drawn observations.

They are written as a language model writes reward programs, one observation at a time, and they
differ in what makes a kernel slow: W1 branches on a small grid, W1np does the same with
``np.argwhere``; W2np and W2loop look for red pixels with masks and with loops; W3 and W3loop shape
a reward from short vectors with NumPy and by hand; W4 keeps a state between steps; W5 labels
connected components with a work list. Observations are drawn from a fixed seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema

__all__ = ["WORKLOADS", "Columns", "Workload"]

Columns: TypeAlias = tuple[NDArray[Any], ...]
"""One array ``[N, *shape]`` for each input, in the order of ``Workload.inputs``."""

W1: Final = """\
def reward(image):
    key_x = -1
    key_y = -1
    door_x = -1
    door_y = -1
    door_open = False
    goal_x = -1
    goal_y = -1
    n_keys = 0
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            obj = image[i, j, 0]
            if obj == 5:
                n_keys += 1
                key_x = i
                key_y = j
            elif obj == 4:
                door_x = i
                door_y = j
                door_open = image[i, j, 2] == 0
            elif obj == 8:
                goal_x = i
                goal_y = j
    total = 0.0
    if goal_x >= 0:
        total += 1.0 - (abs(goal_x - 3) + abs(goal_y - 6)) / 12.0
    if n_keys > 0:
        total += 0.1 * (1.0 - (abs(key_x - 3) + abs(key_y - 6)) / 12.0)
    if door_x >= 0:
        if door_open:
            total += 0.3
        else:
            total += 0.05 * (1.0 - (abs(door_x - 3) + abs(door_y - 6)) / 12.0)
    return total
"""

W1NP: Final = """\
import numpy as np


def reward(image):
    total = 0.0
    obj = image[:, :, 0]
    keys = np.argwhere(obj == 5)
    doors = np.argwhere(obj == 4)
    goals = np.argwhere(obj == 8)
    if len(goals) > 0:
        total += 1.0 - np.abs(goals[0] - np.array([3, 6])).sum() / 12.0
    if len(keys) > 0:
        total += 0.1 * (1.0 - np.abs(keys[0] - np.array([3, 6])).sum() / 12.0)
    if len(doors) > 0:
        if np.any((obj == 4) & (image[:, :, 2] == 0)):
            total += 0.3
        else:
            total += 0.05 * (1.0 - np.abs(doors[0] - np.array([3, 6])).sum() / 12.0)
    return total
"""

W2NP: Final = """\
import numpy as np


def reward(img):
    mask = (img[:, :, 0] > 200) & (img[:, :, 1] < 80) & (img[:, :, 2] < 80)
    ys, xs = np.nonzero(mask)
    if len(ys) == 0:
        return -1.0
    cy = ys.mean() / img.shape[0]
    cx = xs.mean() / img.shape[1]
    d = np.sqrt((cy - 0.5) ** 2 + (cx - 0.5) ** 2)
    return 1.0 - d
"""

W2LOOP: Final = """\
def reward(img):
    h, w = img.shape[0], img.shape[1]
    n = 0
    sy = 0.0
    sx = 0.0
    for y in range(h):
        for x in range(w):
            if img[y, x, 0] > 200 and img[y, x, 1] < 80 and img[y, x, 2] < 80:
                n += 1
                sy += y
                sx += x
    if n == 0:
        return -1.0
    cy = sy / n / h
    cx = sx / n / w
    return 1.0 - ((cy - 0.5) ** 2 + (cx - 0.5) ** 2) ** 0.5
"""

W3: Final = """\
import numpy as np


def reward(observation, achieved_goal, desired_goal):
    dist = np.linalg.norm(achieved_goal - desired_goal)
    reach = np.linalg.norm(observation[:3] - achieved_goal)
    reach_r = np.exp(-5.0 * reach)
    goal_r = np.exp(-10.0 * dist)
    lift_r = max(0.0, achieved_goal[2] - 0.02)
    vel_pen = 0.01 * np.sum(np.abs(observation[3:6]))
    success = 1.0 if dist < 0.05 else 0.0
    return 0.3 * reach_r + goal_r + 0.5 * lift_r + success - vel_pen
"""

W3LOOP: Final = """\
import math


def reward(observation, achieved_goal, desired_goal):
    d2 = 0.0
    r2 = 0.0
    v = 0.0
    for k in range(3):
        d2 += (achieved_goal[k] - desired_goal[k]) ** 2
        r2 += (observation[k] - achieved_goal[k]) ** 2
        v += abs(observation[3 + k])
    dist = math.sqrt(d2)
    reach = math.sqrt(r2)
    total = 0.3 * math.exp(-5.0 * reach) + math.exp(-10.0 * dist)
    total += 0.5 * max(0.0, achieved_goal[2] - 0.02) - 0.01 * v
    if dist < 0.05:
        total += 1.0
    return total
"""

W4: Final = """\
import numpy as np


class PickAndPlace:
    def __init__(self):
        self.previous = None
        self.best = 0.0
        self.picked = False

    def step(self, achieved_goal, desired_goal):
        dist = np.linalg.norm(achieved_goal - desired_goal)
        total = 0.0
        if self.previous is not None:
            total += 10.0 * (self.previous - dist)
            if dist < self.best:
                total += 0.1
                self.best = dist
        else:
            self.best = dist
        if achieved_goal[2] > 0.05 and not self.picked:
            self.picked = True
            total += 1.0
        self.previous = dist
        return total
"""

W5: Final = """\
import numpy as np


def reward(depth, color):
    h, w = depth.shape
    red = (color[:, :, 0] > 0.6) & (color[:, :, 1] < 0.3) & (depth > 0.03)
    label = np.zeros((h, w), np.int32)
    stack = np.zeros((h * w, 2), np.int32)
    n = 0
    best = 0
    for y in range(h):
        for x in range(w):
            if red[y, x] and label[y, x] == 0:
                n += 1
                area = 0
                top = 1
                stack[0, 0] = y
                stack[0, 1] = x
                label[y, x] = n
                while top > 0:
                    top -= 1
                    cy = stack[top, 0]
                    cx = stack[top, 1]
                    area += 1
                    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                        ny = cy + dy
                        nx = cx + dx
                        if ny >= 0 and ny < h and nx >= 0 and nx < w:
                            if red[ny, nx] and label[ny, nx] == 0:
                                label[ny, nx] = n
                                stack[top, 0] = ny
                                stack[top, 1] = nx
                                top += 1
                if area > best:
                    best = area
    return best / (h * w) + 0.01 * n
"""


def grids(rows: int, rng: np.random.Generator) -> Columns:
    """Draw partial views as MiniGrid gives them: uint8 ``[N, 7, 7, 3]``."""
    image = np.zeros((rows, 7, 7, 3), np.uint8)
    image[..., 0] = rng.choice([0, 1, 2], p=[0.2, 0.6, 0.2], size=(rows, 7, 7))
    for code in (4, 5, 8):
        x, y = rng.integers(0, 7, rows), rng.integers(0, 7, rows)
        seen = np.flatnonzero(rng.random(rows) < 0.8)
        image[seen, x[seen], y[seen], 0] = code
        image[seen, x[seen], y[seen], 1] = rng.integers(0, 6, len(seen))
        image[seen, x[seen], y[seen], 2] = rng.integers(0, 3, len(seen))
    return (image,)


def pictures(side: int) -> Callable[[int, np.random.Generator], Columns]:
    """Give a drawer of pictures with one red square: uint8 ``[N, side, side, 3]``."""

    def draw(rows: int, rng: np.random.Generator) -> Columns:
        image = rng.integers(0, 180, (rows, side, side, 3), dtype=np.uint8)
        size = max(4, side // 8)
        for row in range(rows):
            y, x = rng.integers(0, side - size, 2)
            image[row, y : y + size, x : x + size] = (230, 40, 40)
        return (image,)

    return draw


def arms(rows: int, rng: np.random.Generator) -> Columns:
    """Draw states of a robot arm: float64 ``[N, 18]``, ``[N, 3]`` and ``[N, 3]`` in metres."""
    return (
        rng.normal(size=(rows, 18)),
        rng.normal(size=(rows, 3)) * 0.1,
        rng.normal(size=(rows, 3)) * 0.1,
    )


def goals(rows: int, rng: np.random.Generator) -> Columns:
    """Draw where the object is and where it should be: float64 ``[N, 3]`` twice, in metres."""
    return arms(rows, rng)[1:]


def tables(rows: int, rng: np.random.Generator) -> Columns:
    """Draw depth ``[N, 160, 320]`` and colour ``[N, 160, 320, 3]`` of a table, float32 in [0, 1]."""
    depth = rng.random((rows, 160, 320), dtype=np.float32) * np.float32(0.02)
    color = rng.random((rows, 160, 320, 3), dtype=np.float32) * np.float32(0.4)
    for row in range(rows):
        for _ in range(3):
            y, x = rng.integers(0, 130), rng.integers(0, 290)
            color[row, y : y + 24, x : x + 24] = (0.9, 0.1, 0.1)
            depth[row, y : y + 24, x : x + 24] += 0.05
    return depth, color


@dataclass(frozen=True, slots=True)
class Workload:
    """A program, what it reads, and how its observations are drawn.

    Attributes:
        inputs: Parameter name, dtype and shape of each input.
        rows: Rows of a full batch, and of a quick one.
        draw: Makes the columns of so many rows.
        state_bytes: Bytes a row keeps between steps (read and written each time).
    """

    name: str
    source: str
    inputs: tuple[tuple[str, str, tuple[int, ...]], ...]
    rows: tuple[int, int]
    draw: Callable[[int, np.random.Generator], Columns]
    state_bytes: int = 0

    @property
    def row_bytes(self) -> int:
        """Bytes of one row's observation."""
        return sum(int(np.dtype(kind).itemsize * np.prod(shape)) for _, kind, shape in self.inputs)

    @property
    def plan(self) -> Plan:
        """What the sandbox is asked to call."""
        schema = Schema(
            tuple((name, ArraySpec(dtype=kind, shape=shape)) for name, kind, shape in self.inputs)
        )
        params = tuple(Param(name, name) for name, _, _ in self.inputs)
        if "class " in self.source:
            return Plan(schema=schema, class_name="PickAndPlace", step=Call("step", params))
        return Plan(schema=schema, reward=Call("reward", params))


_GRID: Final = (("image", "uint8", (7, 7, 3)),)
_ARM: Final = (
    ("observation", "float64", (18,)),
    ("achieved_goal", "float64", (3,)),
    ("desired_goal", "float64", (3,)),
)
_TABLE: Final = (("depth", "float32", (160, 320)), ("color", "float32", (160, 320, 3)))


def _picture(side: int) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    return (("img", "uint8", (side, side, 3)),)


_MANY: Final = (65_536, 4_096)
_FEWER: Final = (8_192, 512)
_FEW: Final = (1_024, 64)

WORKLOADS: Final = {
    item.name: item
    for item in (
        Workload("W1", W1, _GRID, _MANY, grids),
        Workload("W1np", W1NP, _GRID, _MANY, grids),
        Workload("W2np56", W2NP, _picture(56), _FEWER, pictures(56)),
        Workload("W2loop56", W2LOOP, _picture(56), _FEWER, pictures(56)),
        Workload("W2np160", W2NP, _picture(160), _FEW, pictures(160)),
        Workload("W2loop160", W2LOOP, _picture(160), _FEW, pictures(160)),
        Workload("W3", W3, _ARM, _MANY, arms),
        Workload("W3loop", W3LOOP, _ARM, _MANY, arms),
        Workload("W4", W4, _ARM[1:], _MANY, goals, state_bytes=32),
        Workload("W5", W5, _TABLE, (64, 8), tables),
    )
}
