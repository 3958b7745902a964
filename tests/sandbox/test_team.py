"""Rows of large batches on several threads: the same results, and threads as locked as the worker."""

from __future__ import annotations

import ast
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandbox.assemble import outputs_for
from sandbox.host import open_guest
from sandbox.limits import Limits
from sandbox.native.library import library
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.team import LEAST_ROWS, Team
from sandbox.tiers.compiled import compile_program
from sandbox.tiers.compiled.runner import CompiledRunner

pytestmark = pytest.mark.skipif(library() is None, reason="there is no native library here")

ROWS = LEAST_ROWS + 777
X = {"x": ArraySpec(shape=(6,), dtype="float64")}
SCRATCH = """
def reward(x):
    if x[0] > 0.95:
        raise ValueError("far")
    seen = []
    for v in x:
        if v > 0.1:
            seen.append(float(v))
    seen.sort()
    counts = {}
    for v in seen:
        counts[int(v * 10)] = counts.get(int(v * 10), 0) + 1
    while len(seen) > 4:
        seen.pop()
    return sum(seen) + len(counts) if seen else float("nan")
"""
STATE = """
class R:
    def __init__(self):
        self.best = 0.0
        self.steps = []

    def reset(self):
        self.best = 0.0
        self.steps = []

    def step(self, x):
        self.steps.append(float(x[1]))
        self.best = max(self.best, float(x[0]))
        return self.best + sum(self.steps) / len(self.steps)
"""


def plan_of(source: str) -> Plan:
    params = (Param("x", "x"),)
    schema = Schema(tuple(X.items()))
    if "class R" in source:
        return Plan(
            schema=schema, class_name="R", step=Call("step", params), reset=Call("reset", ())
        )
    return Plan(schema=schema, reward=Call("reward", params))


def results(source: str, team: Team | None, mask: np.ndarray | None = None) -> list[dict[str, Any]]:
    """Run three batches; what came out of each."""
    plan = plan_of(source)
    runner = compile_program(ast.parse(source), plan, Limits(), source)
    assert isinstance(runner, CompiledRunner)
    runner.team = team
    out = outputs_for(ROWS, plan, 0)
    x = np.zeros((ROWS, 6))
    runner.bind(ROWS, {"x": x}, out)
    rng = np.random.default_rng(5)
    out.outcome[:] = PENDING
    runner.reset()
    found = []
    for _ in range(3):
        x[:] = rng.uniform(-1, 1, x.shape)
        out.outcome[:] = PENDING
        if mask is not None:
            out.outcome[~mask] = Outcome.SKIPPED
        runner.step()
        fields = ("outcome", "reward", "fuel", "failure")
        found.append({name: getattr(out, name).copy() for name in fields})
        found[-1]["failures"] = list(runner.failures)
    return found


@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize("source", [SCRATCH, STATE])
def test_results_do_not_depend_on_the_number_of_threads(source: str, threads: int) -> None:
    native = library()
    assert native is not None
    team = Team(native, threads)
    assert team.threads == threads
    mask = np.random.default_rng(1).random(ROWS) < 0.8
    for rows in (None, mask):
        want, got = results(source, None, rows), results(source, team, rows)
        for a, b in zip(want, got, strict=True):
            assert a.pop("failures") == b.pop("failures")
            for name in a:
                np.testing.assert_array_equal(a[name], b[name])
    assert {0, int(Outcome.ERROR), int(Outcome.NOT_FINITE)} <= set(
        results(SCRATCH, team)[0]["outcome"]
    )


def test_two_batches_at_once_share_one_team_without_waiting_for_each_other() -> None:
    native = library()
    assert native is not None
    team = Team(native, 3)
    want = results(SCRATCH, None)
    found: list[Any] = [None] * 4

    def run(k: int) -> None:
        found[k] = results(SCRATCH, team)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for other in found:
        for a, b in zip(want, other, strict=True):
            np.testing.assert_array_equal(a["reward"], b["reward"])


def test_small_batches_are_not_shared() -> None:
    plan = plan_of(SCRATCH)
    runner = compile_program(ast.parse(SCRATCH), plan, Limits(), SCRATCH)
    assert isinstance(runner, CompiledRunner)
    native = library()
    assert native is not None
    runner.team = Team(native, 2)
    rows = LEAST_ROWS - 1
    runner.bind(rows, {"x": np.zeros((rows, 6))}, outputs_for(rows, plan, 0))
    assert runner.parts().kernels[0][0] != native.spread


def _fields(text: str) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_threads_of_a_worker_have_given_up_what_the_worker_has() -> None:
    """Each of them is filtered twice, has no rights, and can gain none."""
    guest = open_guest(SCRATCH.encode(), limits=Limits(), require="any", threads=3)
    try:
        plan = plan_of(SCRATCH)
        assert guest.build(plan).tier == "compiled"
        buffers = guest.bind(ROWS)
        buffers.inputs["x"][:] = np.random.default_rng(5).uniform(-1, 1, (ROWS, 6))
        buffers.outputs.outcome[:] = PENDING
        guest.step()
        want = results(SCRATCH, None)[0]
        np.testing.assert_array_equal(buffers.outputs.outcome, want["outcome"])
        np.testing.assert_array_equal(buffers.outputs.fuel, want["fuel"])
        child = guest._holder.child  # type: ignore[attr-defined]
        assert child is not None
        tasks = list(Path(f"/proc/{child.pid}/task").iterdir())
        assert len(tasks) == 3
        told = [_fields((task / "status").read_text()) for task in tasks]
        if "seccomp-run" in guest.layers or "seccomp" in guest.layers:
            assert [item["Seccomp"] for item in told] == ["2"] * 3
            assert len({item.get("Seccomp_filters") for item in told}) == 1
            assert [item["NoNewPrivs"] for item in told] == ["1"] * 3
        for name in ("CapEff", "CapPrm", "CapBnd", "Uid", "Gid", "Groups"):
            assert len({item[name] for item in told}) == 1, name
    finally:
        guest.close()


def test_a_worker_that_died_is_replaced_with_its_threads() -> None:
    guest = open_guest(SCRATCH.encode(), limits=Limits(), require="any", threads=2)
    try:
        guest.build(plan_of(SCRATCH))
        for _ in range(2):
            buffers = guest.bind(ROWS)
            buffers.inputs["x"][:] = 0.5
            buffers.outputs.outcome[:] = PENDING
            guest.step()
            assert not buffers.outputs.outcome.any()
            child = guest._holder.child  # type: ignore[attr-defined]
            assert len(list(Path(f"/proc/{child.pid}/task").iterdir())) == 2
            child.kill()
    finally:
        guest.close()
