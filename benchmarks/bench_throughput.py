"""How many observations per second do the demo's programs turn into rewards, and at what ratio?

Unit: observations per second of `RewardSession.step`, from the vector environment's observation
to a `RewardBatch`, so copying into shared memory, waking the worker and checking what comes back
are all inside. Rival: plain ``exec`` of the same source and one call per observation, as
reward-search code does it; splitting the batch into single observations is *not* counted against
it. Sizes: batches of 1 to 65,536 real transitions of DoorKey-8x8.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Literal

import numpy as np

import carruntime as car
from benchmarks.data import ENV_ID, Transitions, doorkey_transitions
from benchmarks.harness import Case, Result, markdown_table, rate, run_cases
from carruntime.demo import GOOD_PROGRAMS, DemoProgram

__all__ = ["COLUMNS", "run", "table"]

COLUMNS = (
    "plain exec",
    "interpreted, no isolation",
    "interpreted, worker",
    "compiled, no isolation",
    "compiled, worker",
)
SIZES = (1, 8, 64, 1024, 65_536)


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Measure every program at every size; one record a program and size."""
    source = doorkey_transitions(1024 if quick else 4096)
    sizes = SIZES[:-1] if quick else SIZES
    records = []
    for program in GOOD_PROGRAMS:
        for size in sizes:
            results = _measure(program, source.tiled(size), quick=quick)
            records.append({"program": program.name, "rows": size, "results": results})
    return records


def table(records: list[dict[str, Any]]) -> str:
    """Lay out observations per second and the ratio to plain ``exec``."""
    rows = []
    for record in records:
        results: dict[str, Result] = {item.name: item for item in record["results"]}
        base = results["plain exec"].rows_per_s
        cells = [
            f"{rate(results[name].rows_per_s)} ({results[name].rows_per_s / base:.3g}x)"
            if name in results
            else "not compiled"
            for name in COLUMNS
        ]
        rows.append([record["program"], f"{record['rows']:,}", *cells])
    return markdown_table(["program", "rows", *COLUMNS], rows)


def _measure(program: DemoProgram, batch: Transitions, *, quick: bool) -> list[Result]:
    plain = program.plain_exec()
    rows = batch.rows()
    count = len(rows)
    initial = rows[0][0]

    def call_plain() -> list[float]:
        return plain(initial, rows)

    tiers: tuple[Literal["interpreted", "compiled"], ...] = ("interpreted", "compiled")
    kinds: tuple[Literal["none", "process"], ...] = ("none", "process")
    with ExitStack() as stack:
        cases = [Case("plain exec", call_plain, count)]
        for tier in tiers:
            for isolation in kinds:
                loaded = car.load(program.source, ENV_ID, tier="auto", isolation=isolation)
                if tier == "compiled" and loaded.tier != "compiled":
                    continue
                if tier == "interpreted":
                    loaded = car.load(program.source, ENV_ID, tier=tier, isolation=isolation)
                session = stack.enter_context(loaded.start(num_envs=count, on_error="raise"))
                where = "no isolation" if isolation == "none" else "worker"
                first = {key: _repeat(value, count) for key, value in initial.items()}
                session.reset(first)
                cases.append(Case(f"{tier}, {where}", _stepper(session, batch), count))
        _same_rewards(cases)
        # A 65,536-row turn of the slow rivals takes seconds, so it gets fewer rounds.
        rounds = 3 if quick else (5 if count > 10_000 else 7)
        return run_cases(cases, rounds=rounds, min_round_s=0.01 if quick else 0.05)


def _repeat(value: Any, count: int) -> Any:
    if isinstance(value, str):
        return (value,) * count
    return np.repeat(np.asarray(value)[None], count, axis=0)


def _stepper(session: car.RewardSession, batch: Transitions) -> Callable[[], Any]:
    def call() -> Any:
        return session.step(obs=batch.obs, action=batch.action, next_obs=batch.next_obs).reward

    return call


def _same_rewards(cases: list[Case]) -> None:
    """A benchmark that computes something else is worth nothing: compare the first turn."""
    expected = np.asarray(cases[0].call(), dtype=np.float64)
    for case in cases[1:]:
        np.testing.assert_allclose(
            np.asarray(case.call()), expected, rtol=1e-9, atol=1e-12, err_msg=case.name
        )
