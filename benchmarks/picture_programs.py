"""The programs of the vision corpus, as plain CPython runs them and as the tiers do, a batch at a time."""

from __future__ import annotations

import ast
import types
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sandbox.assemble import outputs_for
from sandbox.kernels import picture_code
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.tiers.base import Outputs, Runner, TierReason
from sandbox.tiers.compiled import compile_program, load_program
from sandbox.tiers.compiled.links import offer
from sandbox.tiers.compiled.runner import CompiledRunner
from sandbox.tiers.interpreted import InterpretedRunner

__all__ = ["ROWS", "PlainProgram", "Program", "Tier", "agree", "limits", "program_of"]

ROWS = 64
FUEL = 200_000_000
Frames = NDArray[np.uint8]
Bools = NDArray[np.bool_]


def limits(*, keep: bool) -> Limits:
    """Give the limits to time with: with the memory for results that a session has, or none."""
    return Limits(fuel=FUEL) if keep else Limits(fuel=FUEL, recall_bytes=0)


@dataclass(frozen=True, slots=True)
class Program:
    """A program for frames of one size.

    Attributes:
        source: Without what it does as a script.
        spec: Of the corpus, with the shape of the frames.
        names: Its components.
        compiled: As machine code, without memory for results; or why it is not.
        interpreted: In the other tier.
    """

    source: str
    spec: dict[str, Any]
    plan: Plan
    names: tuple[str, ...]
    compiled: CompiledRunner | TierReason
    interpreted: InterpretedRunner

    def again(self, *, keep: bool) -> CompiledRunner:
        """Load the machine code once more, for arrays of its own."""
        code = None if isinstance(self.compiled, TierReason) else self.compiled.freeze()
        made = None if code is None else load_program(code, self.plan, limits(keep=keep))
        if made is None:
            raise AssertionError("machine code that was just made cannot be loaded")
        return made


def program_of(case: Any, shape: tuple[int, ...], first: Frames, now: Frames) -> Program:
    """Prepare a program of the corpus for frames of a size.

    Args:
        case: Of the corpus.
        shape: Of a frame.
        first: Some first frames of an episode, from which the interpreted tier learns the components.
        now: Frames after a step.
    """
    tree = ast.parse(case.path.read_text())
    tree.body = [
        n for n in tree.body if not (isinstance(n, ast.If) and "__main__" in ast.unparse(n))
    ]
    source = ast.unparse(tree)
    code = picture_code(source.encode())
    if code:
        offer(code)
    spec = {**case.spec, "frame_shape": list(shape)}
    plan = _plan(tree, spec)
    interpreted = InterpretedRunner(ast.parse(source), source, plan, limits(keep=False))
    interpreted.learning = True
    Tier(interpreted, plan, 64, first, now).go()
    names = tuple(interpreted.seen)
    made = compile_program(ast.parse(source), plan, limits(keep=False), source)
    if not isinstance(made, TierReason):
        names = made.component_names
    interpreted.use_components(names)
    return Program(source, spec, plan, names, made, interpreted)


def _plan(tree: ast.Module, spec: dict[str, Any]) -> Plan:
    """Say what is called; frames come as they are stored in the corpus."""
    leaf = ArraySpec(shape=tuple(spec["frame_shape"]), dtype="uint8", low=0, high=255)
    schema = Schema((("initial_frame", leaf), ("frame", leaf)))
    view = "bgr" if spec.get("bgr") else ""
    first, now = (Param(name, name, (), view) for name in ("initial_frame", "frame"))  # type: ignore[arg-type]
    if spec["form"] == "V1":
        (listed,) = (
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TASKS"
        )
        listed = cast("ast.List", listed)
        tasks = tuple(Call(ast.unparse(item), (first, now)) for item in listed.elts)
        return Plan(schema=schema, tasks=tasks)
    if spec["form"] == "V2":
        return Plan(schema=schema, reward=Call(spec["entry"], (now, first)))
    has_reset = any(isinstance(n, ast.FunctionDef) and n.name == "reset" for n in ast.walk(tree))
    reset = Call("reset", (first,) if spec.get("reset_takes_frame") else ()) if has_reset else None
    step = Call(spec.get("step_method") or "step", (now,))
    return Plan(schema=schema, class_name=spec["entry"], step=step, reset=reset)


class Tier:
    """A runner with its arrays."""

    def __init__(self, runner: Runner, plan: Plan, names: int, first: Frames, now: Frames) -> None:
        self.runner = runner
        self.outputs = outputs_for(len(now), plan, names)
        self.stateful = plan.class_name is not None
        runner.bind(len(now), {"initial_frame": first, "frame": now}, self.outputs)

    def go(self) -> None:
        """Run all rows; a class starts a new episode first."""
        everywhere = np.ones(len(self.outputs.outcome), np.bool_)
        if self.stateful:
            self.reset(everywhere)
        self.step()

    def reset(self, rows: Bools) -> None:
        """Start episodes of a class."""
        if self.stateful and rows.any():
            self._ask(rows)
            self.runner.reset()

    def step(self) -> None:
        """Run all rows."""
        self._ask(True)
        self.runner.step()

    def _ask(self, rows: Bools | bool) -> None:
        outputs = self.outputs
        outputs.outcome[:] = np.where(rows, PENDING, Outcome.SKIPPED)
        outputs.task_outcome[:] = (
            np.where(rows, PENDING, Outcome.SKIPPED) if rows is True else (outputs.outcome[:, None])
        )


class PlainProgram:
    """The program as CPython runs it, a row at a time, with private copies of the frames."""

    def __init__(self, program: Program) -> None:
        module = types.ModuleType("program")
        exec(compile(program.source, "program", "exec"), module.__dict__)
        self._names = module.__dict__
        self._spec = spec = program.spec
        self._order = slice(None, None, -1) if spec.get("bgr") else slice(None)
        self._episodes: list[Any] = [None] * ROWS
        self.stateful = spec["form"] == "V3"
        self._calls: list[Callable[[Frames, Frames], Any]] = []
        if spec["form"] == "V1":
            self._calls = list(self._names["TASKS"])
        elif spec["form"] == "V2":
            pays = self._names[spec["entry"]]
            self._calls = [lambda first, now: pays(now, first)]

    def _handed(self, frame: Frames) -> Frames:
        return np.array(frame[..., self._order], order="C")

    def reset(self, first: Frames, rows: Bools) -> None:
        """Start episodes of a class."""
        if not self.stateful:
            return
        for row in np.flatnonzero(rows).tolist():
            # Some programs raise, which is part of them.
            with suppress(Exception):
                made = self._episodes[row] = self._names[self._spec["entry"]]()
                if hasattr(made, "reset"):
                    takes = self._spec.get("reset_takes_frame")
                    made.reset(*([self._handed(first[row])] if takes else []))

    def step(self, first: Frames, now: Frames) -> None:
        """Run all rows."""
        if self.stateful:
            method = self._spec.get("step_method") or "step"
            for row, frame in enumerate(now):
                with suppress(Exception):
                    getattr(self._episodes[row], method)(self._handed(frame))
            return
        for a, b in zip(first, now, strict=True):
            for call in self._calls:
                with suppress(Exception):
                    call(self._handed(a), self._handed(b))

    def go(self, first: Frames, now: Frames) -> None:
        """Run all rows; a class starts a new episode first."""
        self.reset(first, np.ones(len(now), np.bool_))
        self.step(first, now)


def agree(name: str, a: Outputs, b: Outputs, *, exact: bool = False) -> None:
    """Raise if two ways to run a program gave different results."""
    same = np.array_equal(a.outcome, b.outcome) and np.array_equal(a.tasks, b.tasks)
    tolerance = 0.0 if exact else 1e-9
    if not (same and np.allclose(a.reward, b.reward, rtol=tolerance, atol=tolerance)):
        raise AssertionError(f"{name}: the tiers disagree")
