"""One source, run by the compiled tier and by plain CPython, row by row.

The reference is the source itself under ``exec`` with the real NumPy: nothing of the project is
between the test and what the program means. A case is a function of named inputs; each input is
one column, and each row is one call.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Kind, Schema
from sandbox.tiers.base import NO_FAILURE, Outputs, TierReason
from sandbox.tiers.compiled import compile_program
from sandbox.tiers.compiled.blocks import ROWS
from sandbox.tiers.compiled.runner import CompiledRunner


@dataclass(frozen=True)
class Ended:
    """How one row ended: a value, or the class name of what was raised."""

    value: float | None
    error: str | None


class NotCompiledError(Exception):
    """The compiled tier does not take the source."""


def spec_of(values: NDArray[Any], *, python: bool) -> ArraySpec:
    """Give the leaf for a column; ``python``: its elements reach the program as Python numbers."""
    shape = values.shape[1:]
    if python:
        kind: Kind = "bool" if values.dtype == np.bool_ else "int"
        return ArraySpec(kind=kind, shape=(), dtype=str(values.dtype))
    return ArraySpec(kind="array", shape=shape, dtype=str(values.dtype))


def compiled(
    source: str, columns: Mapping[str, NDArray[Any]], python: frozenset[str], limits: Limits
) -> list[Ended]:
    """Run a source in the compiled tier."""
    rows = len(next(iter(columns.values())))
    slots = tuple(
        (name, spec_of(values, python=name in python)) for name, values in columns.items()
    )
    call = Call("reward", tuple(Param(name, name) for name in columns))
    runner = compile_program(ast.parse(source), Plan(schema=Schema(slots), reward=call), limits)
    if isinstance(runner, TierReason):
        raise NotCompiledError(str(runner))
    count = len(runner.component_names)
    outputs = Outputs(
        outcome=np.full(rows, PENDING, np.uint8),
        reward=np.zeros(rows),
        components=np.zeros((count, rows)),
        present=np.zeros((count, rows), np.bool_),
        tasks=np.zeros((rows, 0), np.bool_),
        task_outcome=np.zeros((rows, 0), np.uint8),
        failure=np.full(rows, NO_FAILURE, np.int32),
        task_failure=np.zeros((rows, 0), np.int32),
        fuel=np.zeros(rows, np.int64),
    )
    inputs = {name: np.ascontiguousarray(values) for name, values in columns.items()}
    runner.bind(rows, inputs, outputs)
    runner.step()
    _in_blocks(runner, inputs, outputs)
    ended = []
    for i in range(rows):
        outcome = Outcome(int(outputs.outcome[i]))
        if outcome is Outcome.OK:
            ended.append(Ended(float(outputs.reward[i]), None))
        elif outcome is Outcome.NOT_FINITE:
            ended.append(Ended(math.nan, None))
        elif outcome is Outcome.ERROR:
            ended.append(Ended(None, runner.failures[outputs.failure[i]].exception))
        else:
            ended.append(Ended(None, outcome.name))
    return ended


def _in_blocks(runner: CompiledRunner, inputs: dict[str, NDArray[Any]], one: Outputs) -> None:
    """Make sure that good rows give the same where whole blocks of them are computed."""
    good = np.flatnonzero(one.outcome == Outcome.OK)
    if not runner.works_in_blocks or not good.size:
        return
    many = np.resize(good, 2 * ROWS)
    live = replace(
        one,
        outcome=np.full(len(many), PENDING, np.uint8),
        reward=np.zeros(len(many)),
        components=np.zeros((len(one.components), len(many))),
        present=np.zeros((len(one.components), len(many)), np.bool_),
        tasks=np.zeros((len(many), 0), np.bool_),
        task_outcome=np.zeros((len(many), 0), np.uint8),
        failure=np.full(len(many), 7, np.int32),
        task_failure=np.zeros((len(many), 0), np.int32),
        fuel=np.zeros(len(many), np.int64),
    )
    runner.bind(len(many), {name: values[many] for name, values in inputs.items()}, live)
    runner.step()
    for name in ("outcome", "reward", "fuel", "failure"):
        alone, together = getattr(one, name)[many], getattr(live, name)
        assert alone.tobytes() == together.tobytes(), name
    assert np.array_equal(one.components[:, many], live.components, equal_nan=True)
    assert np.array_equal(one.present[:, many], live.present)


def plain(source: str, columns: Mapping[str, NDArray[Any]], python: frozenset[str]) -> list[Ended]:
    """Run a source in CPython with NumPy."""
    names: dict[str, Any] = {}
    exec(compile(source, "<case>", "exec"), names)  # noqa: S102  our own source
    ended = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for i in range(len(next(iter(columns.values())))):
            arguments = [
                values[i].item() if name in python else _row(values, i)
                for name, values in columns.items()
            ]
            try:
                number = float(names["reward"](*arguments))
            except Exception as error:
                ended.append(Ended(None, type(error).__name__))
                continue
            ended.append(Ended(number if math.isfinite(number) else math.nan, None))
    return ended


def _row(values: NDArray[Any], i: int) -> Any:
    return values[i].copy() if values.ndim > 1 else values[i]


def same(a: Ended, b: Ended, ulps: int = 0) -> bool:
    """Whether two rows ended alike."""
    if a.error is not None or b.error is not None or a.value is None or b.value is None:
        return a == b
    if math.isnan(a.value) or math.isnan(b.value):
        return math.isnan(a.value) and math.isnan(b.value)
    return a.value == b.value or abs(a.value - b.value) <= ulps * math.ulp(b.value)


def check(
    source: str,
    columns: Mapping[str, NDArray[Any]],
    *,
    python: frozenset[str] = frozenset(),
    ulps: int = 0,
    limits: Limits | None = None,
) -> None:
    """Fail unless both give the same on every row."""
    got = compiled(source, columns, python, limits or Limits())
    want = plain(source, columns, python)
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        if not same(g, w, ulps):
            given = {name: values[i] for name, values in columns.items()}
            raise AssertionError(f"row {i} of\n{source}\n{given!r}\ncompiled {g}, CPython {w}")
