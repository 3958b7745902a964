"""Texts that double from line to line end early: refused by the compiler, paid in the other tier."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from sandbox.assemble import outputs_for
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.tiers.base import TierReason
from sandbox.tiers.compiled import compile_program
from sandbox.tiers.interpreted import InterpretedRunner

PLAN = Plan(
    schema=Schema((("x", ArraySpec(dtype="float64", shape=(2,))),)),
    reward=Call("reward", (Param("x", "x"),)),
)
LINES = "def reward(x):\n    s = 'ab'\n" + "    s = f'{s}{s}'\n" * 60 + "    return len(s)\n"
LOOP = "def reward(x):\n    s = 'ab'\n    for _ in range(60):\n        s = f'{s}{s}'\n    return len(s)\n"
FIELDS = (
    "def reward(x):\n    s = 'ab'\n    for _ in range(60):\n        s = f'{s}{s}{s}{s}{s}{s}{s}'\n"
    "    return len(s)\n"
)
BY_PATH = (
    "def reward(x):\n    s = 'a' if x[0] > 0 else 'b'\n"
    + "    s = f'{s}{s}'\n" * 12
    + "    return len(s)\n"
)


@pytest.mark.parametrize("source", [LINES, LOOP, FIELDS])
def test_a_row_that_doubles_a_text_ends_by_its_limits(source: str) -> None:
    runner = InterpretedRunner(ast.parse(source), source, PLAN, Limits())
    out = outputs_for(2, PLAN, 0)
    out.outcome[...] = PENDING
    runner.bind(2, {"x": np.ones((2, 2))}, out)
    runner.step()
    assert set(out.outcome.tolist()) <= {Outcome.OUT_OF_MEMORY, Outcome.OUT_OF_FUEL}


@pytest.mark.parametrize(
    ("source", "code"), [(LINES, "CMP915"), (LOOP, "CMP915"), (BY_PATH, "CMP311")]
)
def test_the_compiler_refuses_such_a_text_with_a_code(source: str, code: str) -> None:
    found = compile_program(ast.parse(source), PLAN, Limits())
    assert isinstance(found, TierReason)
    assert found.code == code
    assert found.span is not None


def test_ordinary_messages_cost_nothing() -> None:
    source = (
        "def reward(x):\n    s = 'a message of a usual length' * 8\n    return len(f'{s}: {s}')\n"
    )
    runner = InterpretedRunner(ast.parse(source), source, PLAN, Limits())
    out = outputs_for(1, PLAN, 0)
    out.outcome[...] = PENDING
    runner.bind(1, {"x": np.ones((1, 2))}, out)
    runner.step()
    assert out.outcome.tolist() == [Outcome.OK]
    assert out.fuel[0] < 32
