"""Frames per second of programs that look at pictures: OpenCV, the interpreted tier, machine code.

Every program of the vision corpus, as it stands, at the size of its frames. Batches of 64 rows, all of
one thread: the program as plain CPython with real OpenCV (one thread), the same in the interpreted
tier, and as machine code. Then both machine code and plain CPython on two cores, two halves of a
batch at a time, for which plain CPython needs two processes. Results are compared with those of the
corpus before anything is timed; a program whose results differ is an error, not a row of the table.
"""

from __future__ import annotations

import ast
import statistics
import sys
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Case, markdown_table, rate, run_cases
from sandbox.assemble import outputs_for
from sandbox.kernels import picture_code
from sandbox.limits import Limits
from sandbox.outcome import PENDING
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.tiers.base import Runner, TierReason
from sandbox.tiers.compiled.runner import CompiledRunner

__all__ = ["run", "table"]

ROWS = 64
LIMITS = Limits(fuel=200_000_000)
Frames = NDArray[np.uint8]


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


class _Tier:
    """A runner with its arrays."""

    def __init__(self, runner: Runner, plan: Plan, names: int, first: Frames, now: Frames) -> None:
        self.runner = runner
        self.outputs = outputs_for(len(now), plan, names)
        self.stateful = plan.class_name is not None
        runner.bind(len(now), {"initial_frame": first, "frame": now}, self.outputs)

    def go(self) -> None:
        """Run all rows; a class starts a new episode first."""
        for call in (self.runner.reset, self.runner.step) if self.stateful else (self.runner.step,):
            self.outputs.outcome[:] = PENDING
            self.outputs.task_outcome[:] = PENDING
            call()


def _plain(source: str, spec: dict[str, Any], first: Frames, now: Frames) -> Callable[[], None]:
    """Give the program as CPython runs it, a row at a time, with private copies."""
    module = types.ModuleType("program")
    exec(compile(source, "program", "exec"), module.__dict__)
    names = module.__dict__
    order = slice(None, None, -1) if spec.get("bgr") else slice(None)

    def handed(frame: Frames) -> Frames:
        return np.array(frame[..., order], order="C")

    if spec["form"] == "V1":
        calls: list[Callable[[Frames, Frames], Any]] = list(names["TASKS"])
    elif spec["form"] == "V2":
        calls = [lambda a, b: names[spec["entry"]](b, a)]
    else:

        def episode(a: Frames, b: Frames) -> Any:
            made = names[spec["entry"]]()
            if hasattr(made, "reset"):
                made.reset(*([a] if spec.get("reset_takes_frame") else []))
            return getattr(made, spec.get("step_method") or "step")(b)

        calls = [episode]

    def go() -> None:
        for a, b in zip(first, now, strict=True):
            for call in calls:
                # Some programs raise, which is part of them.
                with suppress(Exception):
                    call(handed(a), handed(b))

    return go


def _program(case: Any, *, quick: bool) -> dict[str, Any]:
    """Time one program."""
    from sandbox.tiers.compiled import compile_program
    from sandbox.tiers.compiled.links import offer
    from sandbox.tiers.interpreted import InterpretedRunner

    text = case.path.read_text()
    tree = ast.parse(text)
    tree.body = [
        n for n in tree.body if not (isinstance(n, ast.If) and "__main__" in ast.unparse(n))
    ]
    source = ast.unparse(tree)
    code = picture_code(source.encode())
    if code:
        offer(code)
    plan = _plan(tree, case.spec)
    pairs = [(e, t) for e in range(6) for t in range(case.frames.shape[1])]
    pairs = (pairs * (ROWS // len(pairs) + 1))[:ROWS]
    first = np.ascontiguousarray(np.stack([case.frames[e, 0] for e, _ in pairs]))
    now = np.ascontiguousarray(np.stack([case.frames[e, t] for e, t in pairs]))
    record: dict[str, Any] = {"program": case.name, "shape": list(case.spec["frame_shape"])}
    interpreted = InterpretedRunner(ast.parse(source), source, plan, LIMITS)
    interpreted.learning = True
    learnt = _Tier(interpreted, plan, 64, first, now)
    learnt.go()
    names = tuple(interpreted.seen)
    made = compile_program(ast.parse(source), plan, LIMITS, source)
    cases = [Case("plain", _plain(source, case.spec, first, now), ROWS)]
    if isinstance(made, TierReason):
        record["reason"] = str(made)
    else:
        names = made.component_names
    interpreted.use_components(names)
    slow = _Tier(interpreted, plan, len(names), first, now)
    cases.append(Case("interpreted", slow.go, ROWS))
    if not isinstance(made, TierReason):
        fast = _Tier(made, plan, len(names), first, now)
        fast.go()
        slow.go()
        _agree(case.name, fast.outputs, slow.outputs)
        cases.append(Case("compiled", fast.go, ROWS))
        halves = [slice(0, ROWS // 2), slice(ROWS // 2, ROWS)]
        workers = []
        for half in halves:
            again = compile_program(ast.parse(source), plan, LIMITS, source)
            again = cast("CompiledRunner", again)
            workers.append(_Tier(again, plan, len(names), first[half], now[half]))
        pool = ThreadPoolExecutor(2)

        def both() -> None:
            for waiting in [pool.submit(worker.go) for worker in workers]:
                waiting.result()

        cases.append(Case("compiled, 2 cores", both, ROWS))
    found = run_cases(cases, rounds=3 if quick else 7, min_round_s=0.05 if quick else 0.2)
    record["rows_per_s"] = {item.name: item.rows_per_s for item in found}
    return record


def _agree(name: str, a: Any, b: Any) -> None:
    same = np.array_equal(a.outcome, b.outcome) and np.array_equal(a.tasks, b.tasks)
    if not (same and np.allclose(a.reward, b.reward, rtol=1e-9, atol=1e-9)):
        raise AssertionError(f"{name}: the tiers disagree")


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Time all programs; a record for each."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    import cv2
    import vision_reader

    cv2.setNumThreads(1)
    names = vision_reader.NAMES[:: 7 if quick else 1]
    return [_program(vision_reader.case(name), quick=quick) for name in names]


def table(records: list[dict[str, Any]]) -> str:
    """Give rates, and ratios to plain CPython with OpenCV of the same run."""
    rows, gains, twos = [], [], []
    for record in records:
        speeds = record["rows_per_s"]
        plain = speeds["plain"]
        height, width, _ = record["shape"]
        cells = [record["program"], f"{height} x {width}", rate(plain)]
        cells.append(f"{speeds['interpreted'] / plain:.2f}x")
        if "compiled" in speeds:
            gains.append(speeds["compiled"] / plain)
            twos.append(speeds["compiled, 2 cores"] / plain)
            cells += [rate(speeds["compiled"]), f"{gains[-1]:.1f}x", f"{twos[-1]:.1f}x"]
        else:
            cells += [f"not compiled: {record['reason']}", "", ""]
        rows.append(cells)
    head = ["program", "frame", "plain, frames/s", "interpreted", "compiled, frames/s"]
    head += ["one core", "two cores"]
    told = (
        f"{len(gains)} of {len(records)} programs compile. Times plain CPython with OpenCV on one core:"
        f" median {statistics.median(gains):.1f}, least {min(gains):.1f}; {sum(g >= 5 for g in gains)}"
        f" programs reach 5. Two cores: median {statistics.median(twos):.1f}."
    )
    return f"{told}\n\n{markdown_table(head, rows)}"
