"""Rows that need more than a kernel has: the interpreted tier gives them, and nothing changes."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sandbox.assemble import outputs_for
from sandbox.kernels import picture_code
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.tiers.base import Outputs, Runner
from sandbox.tiers.compiled import compile_program
from sandbox.tiers.compiled.links import offer
from sandbox.tiers.compiled.runner import CompiledRunner
from sandbox.tiers.interpreted import InterpretedRunner

ROWS = 3


def runners(source: str, **columns: NDArray[Any]) -> tuple[CompiledRunner, InterpretedRunner, Plan]:
    """Make a compiled runner with another one to hand rows to, and one to compare with.

    Columns are ``[steps, rows, ...]``; integers of no further axis are Python's.
    """
    slots = tuple(
        (
            name,
            ArraySpec(
                kind="int" if values.dtype == np.int64 and values.ndim == 2 else "array",
                shape=values.shape[2:],
                dtype=str(values.dtype),
            ),
        )
        for name, values in columns.items()
    )
    params = tuple(Param(name, name) for name in columns)
    if "class R" in source:
        plan = Plan(
            schema=Schema(slots), class_name="R", reset=Call("reset", ()), step=Call("step", params)
        )
    else:
        plan = Plan(schema=Schema(slots), reward=Call("reward", params))
    tree = ast.parse(source)
    made = compile_program(tree, plan, Limits(), source)
    assert isinstance(made, CompiledRunner), str(made)
    spare, reference = (
        InterpretedRunner(tree, source, plan, Limits(), made.component_names) for _ in range(2)
    )
    made.lend(spare)
    return made, reference, plan


def episode(
    runner: Runner,
    plan: Plan,
    steps: int,
    columns: dict[str, NDArray[Any]],
    resets: tuple[int, ...],
) -> list[tuple[list[int], list[float], list[int]]]:
    """Run steps; row 0 is reset before the given ones."""
    outputs: Outputs = outputs_for(ROWS, plan, len(runner.component_names))
    inputs = {name: values[0].copy() for name, values in columns.items()}
    runner.bind(ROWS, inputs, outputs)
    outputs.outcome[...] = PENDING
    runner.reset()
    found = []
    for t in range(steps):
        if t in resets:
            outputs.outcome[0] = PENDING
            runner.reset()
        for name, values in columns.items():
            inputs[name][...] = values[t % len(values)]
        outputs.outcome[...] = PENDING
        runner.step()
        found.append((outputs.outcome.tolist(), outputs.reward.tolist(), outputs.fuel.tolist()))
    return found


def same_as_interpreted(
    source: str, steps: int = 1, resets: tuple[int, ...] = (), **columns: NDArray[Any]
) -> CompiledRunner:
    """Fail unless all rows end alike, with the same rewards and the same fuel."""
    made, reference, plan = runners(source, **columns)
    got = episode(made, plan, steps, columns, resets)
    want = episode(reference, plan, steps, columns, resets)
    for t, (g, w) in enumerate(zip(got, want, strict=True)):
        assert g == w, f"step {t}"
    return made


COUNTS = np.array([[3, 5_000, 70]])


def test_a_list_of_any_length_gives_the_same_reward() -> None:
    """Only the row that outgrows the kernel's room is computed elsewhere."""
    source = "def reward(n):\n    xs = []\n    for k in range(n):\n        xs.append(k * k)\n    return float(sum(xs[-3:]) + len(xs))\n"
    assert same_as_interpreted(source, n=COUNTS).handed_over == 1


def test_integers_beyond_64_bits_are_those_of_python_and_no_handler_sees_them() -> None:
    source = (
        "def reward(n):\n    try:\n        x = 1\n        for k in range(n % 100):\n"
        "            x *= 7\n        return float(x % 1000003)\n"
        "    except (OverflowError, Exception):\n        return -1.0\n"
    )
    assert same_as_interpreted(source, n=COUNTS).handed_over == 1


@pytest.mark.parametrize(
    "body",
    [
        "s = {k % 4_000 for k in range(n)}\n    return float(len(s))",
        "d = {}\n    for k in range(n):\n        d[k] = d.get(k // 2, 0) + 1\n    return float(d[n - 1])",
        "xs = [float(k % 7) for k in range(n)]\n    return sorted(xs)[n // 2]",
    ],
)
def test_sets_dicts_and_sorted_lists_have_no_end_either(body: str) -> None:
    same_as_interpreted(f"def reward(n):\n    {body}\n", n=COUNTS)


def test_sorting_nan_leaves_it_where_cpython_does() -> None:
    values = np.array([[[3.0, np.nan, 1.0, 2.0], [2.0, 1.0, 0.0, -1.0], [np.nan] * 4]])
    source = (
        "def reward(v):\n    xs = sorted([float(x) for x in v])\n    t = 0.0\n"
        "    for k, x in enumerate(xs):\n        t += k if x == x else 10 * k\n    return t\n"
    )
    assert same_as_interpreted(source, v=values).handed_over == 2


GROWING = """
class R:
    def __init__(self):
        self.xs = []
    def reset(self):
        self.xs = []
        self.big = 1
    def step(self, n):
        self.xs.append(n)
        self.big = self.big * 3 % 1000003
        return float(sum(self.xs[-5:]) + len(self.xs) + self.big)
"""


def test_an_episode_goes_on_elsewhere_and_comes_back_when_it_is_reset() -> None:
    """The state of a row moves with all it keeps; the next episode runs compiled again."""
    columns = np.arange(60).reshape(20, 3)
    made = same_as_interpreted(GROWING, steps=1_100, resets=(1_060,), n=columns)
    # 1,024 entries fit; all rows move, and row 0 is back for the last 40 steps.
    assert made.handed_over == 2 * (1_100 - 1_024) + (1_060 - 1_024)


KEEPING = """
from collections import Counter, defaultdict, deque, namedtuple
from enum import Enum
import numpy as np

class Stage(Enum):
    FAR = 1
    NEAR = 2

Place = namedtuple("Place", ["x", "y"])

class Part:
    def __init__(self, n):
        self.n = n
        self.many = [n, n + 1]

class R:
    def reset(self):
        self.stage = Stage.FAR
        self.last = None
        self.place = Place(0, 1.5)
        self.seen = set()
        self.kinds = {"a", "b"}
        self.counts = defaultdict(int)
        self.tally = Counter()
        self.recent = deque(maxlen=4)
        self.table = {"total": 0.0}
        self.grid = np.zeros((5, 5))
        self.small = np.zeros(2)
        self.part = Part(3)
        self.path = []
        self.x = 1
    def step(self, n):
        k = n % 7
        self.x = self.x * 5 + k
        self.last = None if k == 3 else k
        self.stage = Stage.NEAR if k > 3 else Stage.FAR
        self.place = Place(k, self.place.y + 0.5)
        self.seen.add((k, k // 2))
        self.counts[n] += 1
        self.tally[k] += 2
        self.recent.append(float(k))
        self.table["total"] += k
        if k == 2:
            self.kinds.discard("b")
        self.grid[k % 5, 0] += 1.0
        self.small[k % 2] += 0.25
        self.part.n += k
        self.part.many[1] = k
        self.path.append((k, None if k == 1 else n))
        total = self.x % 1009 + len(self.seen) + self.counts[n] + self.tally[k] + sum(self.recent)
        total += self.table["total"] + self.grid[k % 5, 0] + self.small.sum() + self.place.y
        total += self.part.n + self.part.many[1] + len(self.kinds) + len(self.path)
        if self.last is not None and (self.stage is Stage.NEAR) and self.path[0][1] is not None:
            total += self.last
        return float(total)
"""


def test_everything_that_a_state_may_keep_moves() -> None:
    """An integer outgrows 64 bits after some thirty steps; all else must be there then."""
    made = same_as_interpreted(KEEPING, steps=60, n=np.arange(33).reshape(11, 3) % 12)
    assert made.handed_over > 3 * 20


def test_a_row_without_another_tier_at_hand_is_out_of_memory() -> None:
    """It is a counted error, with a text, and never a made-up reward."""
    source = "def reward(n):\n    try:\n        return float(2 ** 50 * n)\n    except OverflowError:\n        return 5.0\n"
    tree = ast.parse(source)
    spec = ArraySpec(kind="int", shape=(), dtype="int64")
    plan = Plan(schema=Schema((("n", spec),)), reward=Call("reward", (Param("n", "n"),)))
    made = compile_program(tree, plan, Limits(), source)
    assert isinstance(made, CompiledRunner)
    outputs = outputs_for(2, plan, 0)
    made.bind(2, {"n": np.array([1, 2**14])}, outputs)
    outputs.outcome[...] = PENDING
    made.step()
    assert outputs.outcome.tolist() == [Outcome.OK, Outcome.OUT_OF_MEMORY]
    assert outputs.reward.tolist() == [2.0**50, 0.0]
    assert "outgrew the room" in made.failures[outputs.failure[1]].message


def test_a_list_that_grows_without_end_is_ended_by_fuel() -> None:
    """An attack on memory: the kernel hands it over, and the interpreted tier meters it."""
    source = (
        "def reward(n):\n    xs = [0]\n    while xs:\n        xs.append(len(xs))\n    return 0.0\n"
    )
    made, _, plan = runners(source, n=COUNTS)
    outputs = outputs_for(ROWS, plan, 0)
    made.bind(ROWS, {"n": COUNTS[0]}, outputs)
    outputs.outcome[...] = PENDING
    made.step()
    assert set(outputs.outcome.tolist()) <= {Outcome.OUT_OF_FUEL, Outcome.OUT_OF_MEMORY}


def test_an_ellipse_whose_last_bits_are_not_certain_is_opencvs() -> None:
    """Points on a line, which OpenCV moves at random, go there too, and so do five points."""
    pytest.importorskip("cv2")
    line = [[k, 2 * k] for k in range(8)]
    oval = [[0, 5], [4, 1], [9, 0], [15, 3], [16, 8], [8, 12], [1, 9], [0, 7]]
    points = np.array([[line, oval, oval[::-1]]], np.int32)
    for first, away in ((8, 1), (5, 3)):
        source = (
            "import cv2\n\n\ndef reward(points):\n"
            f"    (x, y), (w, h), angle = cv2.fitEllipse(points[:{first}])\n"
            "    return x + 2 * y + 3 * w + 5 * h + 7 * angle\n"
        )
        offer(picture_code(source.encode()))
        assert same_as_interpreted(source, points=points).handed_over == away
