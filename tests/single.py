"""Run a source in the interpreted tier without an environment around it.

``run("def reward(): return 1")`` is one row of a function without parameters; values come back as
numbers or as the name of what went wrong. ``checked=False`` leaves the validator out, so that the
instrumentation and the guards are tested alone.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import corpus_reader
import numpy as np
from numpy.typing import NDArray

from sandbox.diagnostics import Span
from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.passes import analyse
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema, Spec
from sandbox.tiers.base import NO_FAILURE, Outputs
from sandbox.tiers.interpreted import InterpretedRunner

INT = ArraySpec(kind="int", dtype="int64")


@dataclass(frozen=True, slots=True)
class Ended:
    """How one row ended."""

    outcome: Outcome
    value: float
    components: dict[str, float]
    exception: str
    message: str
    span: Span | None
    fuel: int


def tree_of(source: str, *, checked: bool = True) -> ast.Module:
    """Parse a source, through the validator unless told otherwise."""
    if not checked:
        return ast.parse(source)
    analysis = analyse(source.encode(), "program.py", Limits())
    assert analysis.outline is not None, analysis.report.render()
    assert analysis.tree is not None
    return analysis.tree


def make(
    source: str,
    plan: Plan | None = None,
    *,
    limits: Limits | None = None,
    checked: bool = True,
    components: tuple[str, ...] = (),
) -> InterpretedRunner:
    """Make a runner; without a plan for ``reward()``."""
    if plan is None:
        plan = Plan(schema=Schema(()), reward=Call("reward", ()))
    tree = tree_of(source, checked=checked)
    return InterpretedRunner(tree, source, plan, limits or Limits(), components)


def run(
    source: str,
    *,
    limits: Limits | None = None,
    checked: bool = True,
    components: tuple[str, ...] = (),
    rows: int = 1,
) -> Ended:
    """Run ``reward()`` and give how the last of some rows ended."""
    runner = make(source, limits=limits, checked=checked, components=components)
    results = corpus_reader.outputs(rows, 0, len(components))
    runner.bind(rows, {}, results)
    runner.step()
    return ended(runner, results, rows - 1)


def ended(runner: InterpretedRunner, results: Outputs, row: int) -> Ended:
    """Read how a row ended."""
    index = int(results.failure[row])
    failure = None if index == NO_FAILURE else runner.failures[index]
    return Ended(
        outcome=Outcome(int(results.outcome[row])),
        value=float(results.reward[row]),
        components={
            name: float(results.components[i, row])
            for i, name in enumerate(runner.component_names)
            if results.present[i, row]
        },
        exception=failure.exception if failure else "",
        message=failure.message if failure else "",
        span=failure.span if failure else None,
        fuel=int(results.fuel[row]),
    )


def body(lines: str) -> str:
    """Make a source from the body of ``reward()``, after a top level above a line ``---``."""
    top, _, inside = lines.rpartition("---\n")
    imports = "import math\nimport numpy as np\n"
    body_lines = "".join(f"    {line}\n" for line in inside.splitlines())
    return f"{imports}{top}def reward():\n{body_lines}"


def class_plan(name: str = "Reward", *, reset: bool = True, spec: Spec = INT) -> Plan:
    """Plan for a class whose ``step(x)`` and ``reset()`` read one slot ``x``."""
    return Plan(
        schema=Schema((("x", spec),)),
        class_name=name,
        step=Call("step", (Param("x", "x"),)),
        reset=Call("reset", ()) if reset else None,
    )


def episodes(
    runner: InterpretedRunner, columns: dict[str, NDArray[Any]], rows: int
) -> tuple[Outputs, dict[str, NDArray[Any]]]:
    """Bind a runner and start all rows; gives the results and the arrays to write into."""
    results = corpus_reader.outputs(rows, 0, len(runner.component_names))
    inputs = {name: np.array(array) for name, array in columns.items()}
    runner.bind(rows, inputs, results)
    runner.reset()
    return results, inputs
