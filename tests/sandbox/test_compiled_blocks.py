"""Blocks of rows: the same bits as row by row, whatever rows are asked for and however they end."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from sandbox.assemble import outputs_for
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.tiers.base import Outputs
from sandbox.tiers.compiled import compile_program
from sandbox.tiers.compiled.blocks import ROWS
from sandbox.tiers.compiled.runner import CompiledRunner

STRAIGHT = """
import math
import numpy as np


def reward(x):
    near = np.exp(-np.linalg.norm(x[:3])) + math.exp(-abs(x[3]))
    if x[0] < 0.0:
        near += 1.0
    return near + 0.5 * math.sin(near), {"near": near}
"""
FAILING = """
import math


def reward(x):
    if x[0] > 2.0:
        return math.sqrt(-x[0])
    return math.sqrt(abs(x[1])) * math.exp(x[2])
"""
CATCHING = """
def reward(x):
    try:
        return max(x[0] % float(round(float(x[1]))), 1.0)
    except ZeroDivisionError:
        total = 0.0
    for k in range(3):
        total += x[k]
    return total
"""
LOOPING = """
def reward(x):
    total, turns = 0.0, 0
    while total < x[0]:
        total += 0.25
        turns += 1
    return total - 0.1 * turns
"""
PLAN = Plan(
    schema=Schema((("x", ArraySpec(dtype="float64", shape=(4,))),)),
    reward=Call("reward", (Param("x", "x"),)),
)
LENGTHS = (1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS + 7)


def made(source: str) -> CompiledRunner:
    found = compile_program(ast.parse(source), PLAN, Limits())
    assert isinstance(found, CompiledRunner), found
    assert found.works_in_blocks
    return found


def run(runner: CompiledRunner, x: np.ndarray, wanted: np.ndarray) -> Outputs:
    out = outputs_for(len(x), PLAN, len(runner.component_names))
    out.outcome[wanted] = PENDING
    runner.bind(len(x), {"x": x}, out)
    runner.step()
    return out


def alone(runner: CompiledRunner, x: np.ndarray) -> list[tuple[bytes, ...]]:
    return [told(run(runner, x[i : i + 1].copy(), np.array([True])), 0) for i in range(len(x))]


def told(out: Outputs, row: int) -> tuple[bytes, ...]:
    names = ("outcome", "reward", "failure", "fuel")
    columns = (out.components[:, row], out.present[:, row])
    return (*(getattr(out, name)[row].tobytes() for name in names), *(c.tobytes() for c in columns))


@pytest.mark.parametrize("source", [STRAIGHT, FAILING, CATCHING, LOOPING])
def test_blocks_give_what_single_rows_give(source: str) -> None:
    runner = made(source)
    rng = np.random.default_rng(0)
    for length in LENGTHS:
        x = rng.normal(size=(length, 4))
        x[rng.random(length) < 0.02, 0] = 2.5
        want = alone(runner, x)
        got = run(runner, x, np.ones(length, np.bool_))
        assert [told(got, i) for i in range(length)] == want


def test_rows_that_nobody_asked_for_are_left_alone() -> None:
    runner = made(STRAIGHT)
    x = np.random.default_rng(1).normal(size=(4 * ROWS, 4))
    wanted = np.ones(len(x), np.bool_)
    wanted[[0, ROWS + 5, 4 * ROWS - 1]] = False
    got = run(runner, x, wanted)
    every = run(runner, x, np.ones(len(x), np.bool_))
    assert (got.outcome[~wanted] == Outcome.SKIPPED).all()
    assert (got.reward[~wanted] == 0.0).all()
    assert (got.fuel[~wanted] == 0).all()
    assert np.array_equal(got.reward[wanted], every.reward[wanted])


def test_one_bad_row_is_told_and_disturbs_no_other() -> None:
    runner = made(FAILING)
    x = np.random.default_rng(2).uniform(-1, 1, (3 * ROWS, 4))
    clean = run(runner, x, np.ones(len(x), np.bool_))
    assert (clean.outcome == Outcome.OK).all()
    x[ROWS + 3, 0] = 3.0
    x[ROWS + 4, 2] = np.nan
    got = run(runner, x, np.ones(len(x), np.bool_))
    bad = np.flatnonzero(got.outcome != Outcome.OK)
    assert bad.tolist() == [ROWS + 3, ROWS + 4]
    assert got.outcome[bad].tolist() == [Outcome.ERROR, Outcome.NOT_FINITE]
    assert runner.failures[got.failure[ROWS + 3]].exception == "ValueError"
    good = np.setdiff1d(np.arange(len(x)), bad)
    assert np.array_equal(got.reward[good], clean.reward[good])
    assert np.array_equal(got.fuel[good], clean.fuel[good])


def test_what_keeps_state_is_computed_row_by_row() -> None:
    source = (
        "class R:\n    def __init__(self):\n        self.n = 0.0\n"
        "    def step(self, x):\n        self.n += x[0]\n        return self.n\n"
    )
    plan = Plan(schema=PLAN.schema, class_name="R", step=Call("step", (Param("x", "x"),)))
    found = compile_program(ast.parse(source), plan, Limits())
    assert isinstance(found, CompiledRunner)
    out = outputs_for(2 * ROWS, plan, 0)
    x = np.random.default_rng(3).normal(size=(2 * ROWS, 4))
    found.bind(len(x), {"x": x}, out)
    out.outcome[...] = PENDING
    found.reset()
    for turn in range(1, 3):
        out.outcome[...] = PENDING
        found.step()
        assert np.array_equal(out.reward, x[:, 0] if turn == 1 else x[:, 0] + x[:, 0])
