"""A tier for tests of the session alone: plain CPython, no guards, and outcomes on demand.

It runs only programs that these tests wrote. A program that raises an exception with one of the
texts of `ON_DEMAND` ends its row so, which the real tiers do only when they must.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from sandbox.diagnostics import Span
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.passes import Analysis, Built
from sandbox.plan import Call, Param, Plan
from sandbox.schema import DictSpec, Spec, TupleSpec
from sandbox.tiers.base import NO_FAILURE, Failure, Inputs, Outputs, TierReason

ON_DEMAND = {"out of fuel": Outcome.OUT_OF_FUEL, "out of memory": Outcome.OUT_OF_MEMORY}


class PlainRunner:
    """Runs calls one by one; the row protocol in its shortest form."""

    tier = "interpreted"

    def __init__(self, text: str, plan: Plan, names: tuple[str, ...]) -> None:
        self.plan = plan
        self.component_names = names
        self.failures: list[Failure] = []
        self.scope: dict[str, Any] = {}
        exec(compile(text, "<program>", "exec"), self.scope)  # noqa: S102 - the tests' own text

    def bind(self, num_rows: int, inputs: Inputs, outputs: Outputs) -> None:
        self.inputs = inputs
        self.out = outputs
        self.objects: list[Any] = [None] * num_rows

    def reset(self) -> None:
        for row in np.flatnonzero(self.out.outcome == PENDING).tolist():
            code = Outcome.OK
            if self.plan.class_name is not None:
                code, value = self._attempt(row, self.scope[self.plan.class_name], None)
                if code is Outcome.OK and self.plan.reset is not None:
                    method = getattr(value, self.plan.reset.function)
                    code, _ = self._attempt(row, method, self.plan.reset)
                self.objects[row] = value
            worst = self._tasks(row)
            paying = self.plan.class_name is not None or self.plan.reward is not None
            self.out.outcome[row] = code if paying else worst

    def step(self) -> None:
        for row in np.flatnonzero(self.out.outcome == PENDING).tolist():
            self.out.reward[row] = 0.0
            self.out.components[:, row] = 0.0
            self.out.present[:, row] = False
            self.out.fuel[row] = 1
            worst = self._tasks(row)
            call = self.plan.step or self.plan.reward
            if call is None:
                self.out.outcome[row] = worst
                continue
            owner = self.objects[row] if self.plan.step else None
            function = getattr(owner, call.function) if owner else self.scope[call.function]
            code, value = self._attempt(row, function, call)
            if code is Outcome.OK:
                code = self._result(row, value)
            self.out.outcome[row] = code

    def _tasks(self, row: int) -> Outcome:
        worst = Outcome.OK
        for k, task in enumerate(self.plan.tasks):
            code, value = self._attempt(row, self.scope[task.function], task, task=k)
            self.out.tasks[row, k] = bool(value) if code is Outcome.OK else False
            self.out.task_outcome[row, k] = code
            if worst is Outcome.OK:
                worst = code
        return worst

    def _result(self, row: int, value: Any) -> Outcome:
        parts: dict[str, float] = {}
        if isinstance(value, tuple):
            value, parts = value
        if not isinstance(value, int | float | np.number):
            return Outcome.BAD_RESULT
        for name, part in parts.items():
            if name not in self.component_names:
                return Outcome.BAD_RESULT
            index = self.component_names.index(name)
            self.out.components[index, row] = part
            self.out.present[index, row] = True
        if not all(math.isfinite(number) for number in (value, *parts.values())):
            return Outcome.NOT_FINITE
        self.out.reward[row] = value
        return Outcome.OK

    def _attempt(
        self, row: int, function: Any, call: Call | None, task: int | None = None
    ) -> tuple[Outcome, Any]:
        place = self.out.failure if task is None else self.out.task_failure
        index: Any = row if task is None else (row, task)
        place[index] = NO_FAILURE
        try:
            given = [self._value(row, param) for param in call.params] if call else []
            with np.errstate(all="ignore"):
                return Outcome.OK, function(*given)
        except Exception as error:
            if str(error) in ON_DEMAND:
                return ON_DEMAND[str(error)], None
            last = traceback.extract_tb(error.__traceback__)[-1]
            span = Span(last.lineno or 1, 1, last.lineno or 1, 2)
            kind = type(error)
            self.failures.append(Failure(kind.__name__, kind.__module__, str(error), span))
            place[index] = len(self.failures) - 1
            return Outcome.ERROR, None

    def _value(self, row: int, param: Param) -> Any:
        parts = [str(part) for part in param.path]
        return self._read(row, self.plan.spec(param), "/".join([param.slot, *parts]))

    def _read(self, row: int, spec: Spec, name: str) -> Any:
        if isinstance(spec, DictSpec):
            return {key: self._read(row, child, f"{name}/{key}") for key, child in spec.fields}
        if isinstance(spec, TupleSpec):
            return tuple(
                self._read(row, child, f"{name}/{at}") for at, child in enumerate(spec.items)
            )
        value = self.inputs[name][row]
        if spec.kind == "text":
            return bytes(value[: self.inputs[f"{name}#len"][row]]).decode()
        if spec.kind in {"int", "bool"}:
            return value.item()
        return value.copy()


def build(
    analysis: Analysis,
    plan: Plan,
    limits: Limits,
    tier: str,
    *,
    before_guest_code: Callable[[], None] | None = None,
    **code: object,
) -> Built:
    """Stand in for `sandbox.passes.build`; components are named in the first line."""
    if before_guest_code is not None:
        before_guest_code()
    first = analysis.text.split("\n", 1)[0]
    names = tuple(first.removeprefix("# components:").split()) if "components:" in first else ()
    runner: Any = PlainRunner(analysis.text, plan, names)
    return Built(runner, TierReason("CMP000", "a tier for tests"), names, ())
