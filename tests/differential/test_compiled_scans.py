"""Loops that search and count, which the compiled tier turns into totals: equal to CPython.

The loops are drawn: over one index or two, over cells of a grid of bytes, with counters, flags,
places, extremes and values in branches of branches. What they leave behind is weighed so that every
variable shows in the reward.
"""

from __future__ import annotations

import ast

import both
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.tiers.base import NO_FAILURE, Outputs
from sandbox.tiers.compiled import compile_program
from sandbox.tiers.compiled.core import For, Kernel, Let, Lit, Region, Set, Stmt, Store, Var
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.runner import CompiledRunner
from sandbox.tiers.compiled.scans import rewrite_scans

CONDITIONS = (
    "cell == 5", "cell > 2", "cell != 1", "grid[i, j, 1] == 0", "i == j", "i < 3", "True",
    "cell == 5 and grid[i, j, 2] > 3", "cell == 5 or j > 2", "not cell == 4", "grid[i, j, 1] < i",
    "cell + j > 6",
)  # fmt: skip
CHANGES = (
    "n += 1", "n += 3", "m -= 2", "n += 1; x = i", "x = i; y = j", "y = j", "seen = True",
    "seen = cell > 4", "z = i * 7 + j", "z = int(grid[i, j, 1])", "total += i", "total += j",
    "total += int(cell)", "x = 3", "w = 0.5", "w = cell / 4",
)  # fmt: skip
HEAD = "n = m = total = 0; x = y = z = -1; seen = False; w = 1.5"
TAIL = (
    "return n + 3 * m + 0.25 * x + 0.125 * y + 7 * z + 0.0625 * total + (100 if seen else 0)"
    " + 1000 * w"
)


@st.composite
def branches(draw: DrawFn, depth: int = 2) -> list[str]:
    """Draw what one turn does, as lines."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 2))):
        if depth == 0 or draw(st.integers(0, 3)) == 0:
            lines.append(draw(st.sampled_from(CHANGES)))
            continue
        lines.append(f"if {draw(st.sampled_from(CONDITIONS))}:")
        lines += [f"    {line}" for line in draw(branches(depth=depth - 1))]
        if draw(st.booleans()):
            lines.append("else:")
            lines += [f"    {line}" for line in draw(branches(depth=depth - 1))]
    return lines


@st.composite
def programs(draw: DrawFn) -> str:
    """Draw a program with one or two loops."""
    lines = ["def reward(grid):", f"    {HEAD}"]
    for _ in range(draw(st.integers(1, 2))):
        pad = "    "
        if draw(st.booleans()):
            lines.append("    for i in range(5):")
            pad = "        "
        else:
            lines.append(f"    i = {draw(st.integers(0, 4))}")
        lines += [f"{pad}for j in range(9):", f"{pad}    cell = grid[i, j, 0]"]
        lines += [f"{pad}    {line}" for line in draw(branches())]
    return "\n".join([*lines, f"    {TAIL}"])


GRID = np.random.default_rng(3).integers(0, 8, (48, 5, 9, 3), dtype=np.uint8)


@settings(max_examples=120, deadline=None)
@given(source=programs())
def test_a_drawn_search_equals_cpython(source: str) -> None:
    """Counters, places, flags and values come out as the loop leaves them."""
    both.check(source, {"grid": GRID})


@pytest.mark.parametrize(
    "body",
    [
        "p = np.argwhere(grid[:, :, 0] == 5)\n    return 0 if len(p) == 0 else p[0, 1] + 10 * p[-1][0]",
        "y, x = np.nonzero(grid[:, :, 0] > 5)\n    return -1 if len(y) == 0 else y.mean() + x.mean() / 8",
        "m = grid[:, :, 0] == 6\n    return m.sum() + 100 * m.any() + 1000 * (grid[:, :, 1] < 8).all()",
        "y, x = np.where(grid[:, :, 2] == 0)\n    return y[-1] - x[0]",
        "return int(grid[:, :, 1].sum()) + int((grid[:, :, 0] == 3).sum()) / 64",
    ],
)
def test_array_searches_equal_numpy(body: str) -> None:
    """First and last place, count and mean place share a loop and give NumPy's numbers."""
    both.check(f"import numpy as np\ndef reward(grid):\n    {body}", {"grid": GRID})


SEARCH = """\
def reward(grid, start):
    n = start
    x = -1
    for i in range(5):
        for j in range(9):
            if grid[i, j, 0] == 5:
                n += 1
                x = i
    return x + (n - start) * 0.125
"""


def run(source: str, limits: Limits, start: int) -> Outputs:
    """Run the compiled tier on the grid."""
    schema = Schema(
        (
            ("grid", ArraySpec(dtype="uint8", shape=(5, 9, 3))),
            ("start", ArraySpec(kind="int", dtype="int64")),
        )
    )
    plan = Plan(
        schema=schema, reward=Call("reward", (Param("grid", "grid"), Param("start", "start")))
    )
    runner = compile_program(ast.parse(source), plan, limits)
    assert isinstance(runner, CompiledRunner), str(runner)
    assert runner.explain["scans"] == 1
    rows = len(GRID)
    outputs = Outputs(
        outcome=np.full(rows, PENDING, np.uint8), reward=np.zeros(rows),
        components=np.zeros((0, rows)), present=np.zeros((0, rows), np.bool_),
        tasks=np.zeros((rows, 0), np.bool_), task_outcome=np.zeros((rows, 0), np.uint8),
        failure=np.full(rows, NO_FAILURE, np.int32), task_failure=np.zeros((rows, 0), np.int32),
        fuel=np.zeros(rows, np.int64),
    )  # fmt: skip
    runner.bind(rows, {"grid": GRID, "start": np.full(rows, start)}, outputs)
    runner.step()
    return outputs


def test_a_search_charges_the_fuel_of_its_loops() -> None:
    """5 turns and 5 times 9 turns: what the loops charge when they run as written."""
    used = run(SEARCH, Limits(), 0).fuel
    assert used.min() == used.max() == 5 + 45 + run(SEARCH.replace("range(9)", "range(8)"),
                                                    Limits(), 0).fuel[0] - 5 - 40  # fmt: skip


def test_a_search_that_runs_out_of_fuel_ends_where_its_loops_do() -> None:
    """One unit less than it needs: out of fuel; just enough: good."""
    need = int(run(SEARCH, Limits(), 0).fuel[0])
    enough, less = run(SEARCH, Limits(fuel=need), 0), run(SEARCH, Limits(fuel=need - 1), 0)
    assert (enough.outcome == Outcome.OK).all()
    assert (less.outcome == Outcome.OUT_OF_FUEL).all()


def test_a_counter_near_the_end_of_64_bits_is_not_taken_for_far() -> None:
    """The loop runs as written there, and ends rows whose sum does not fit; others are as ever."""
    near = run(SEARCH, Limits(), 2**63 - 4)
    hits = (GRID[:, :, :, 0] == 5).sum((1, 2))
    assert (near.outcome[hits <= 3] == Outcome.OK).all()
    assert (near.outcome[hits > 3] != Outcome.OK).all()
    assert (hits > 3).any()
    assert (hits <= 3).any()


def kernel_with(index: Stmt, size: int) -> Kernel:
    """A loop of nine turns that counts where a region holds a 5."""
    i, at, byte, hit, one = (
        Var("i", "i64"), Var("at", "i64"), Var("byte", "u8"), Var("hit", "b1"), Var("one", "i64"),
    )  # fmt: skip
    n, more = Var("n", "i64"), Var("more", "i64")
    body: list[Stmt] = [
        index,
        Let(byte, "load", (at,), "grid"),
        Let(hit, "eq", (byte, Lit(5, "u8"))),
        Let(one, "cast", (hit,)),
        Let(more, "add", (n, one)),
        Set(n, more),
    ]
    regions = {
        "grid": Region("grid", "u8", size, "input"),
        "out": Region("out", "i64", 1, "output"),
    }
    return Kernel(
        "k", [Set(n, i64(0)), For(i, i64(9), body, "L"), Store("out", i64(0), n)], regions
    )


def test_a_load_that_might_leave_its_region_keeps_its_loop() -> None:
    """A scan loads at every turn, so only loads that stay inside at every turn may be in one."""
    at, i = Var("at", "i64"), Var("i", "i64")
    assert rewrite_scans(kernel_with(Let(at, "mul", (i, i64(3))), 25), 1000) == 1
    assert rewrite_scans(kernel_with(Let(at, "mul", (i, i64(3))), 24), 1000) == 0
    assert rewrite_scans(kernel_with(Let(at, "sub", (i, i64(1))), 25), 1000) == 0
    assert rewrite_scans(kernel_with(Let(at, "mul", (i, i)), 200), 1000) == 0
