"""Milliseconds from source text to the first reward in a fresh worker, by tier and by cache.

Every program of the corpus that has a compiled form, in turns: interpreted, compiled with nothing
kept, and compiled with the machine code of an earlier run at hand. The zygote is warm, as it is for
the second program of a process. A time holds everything: the fork, the locks, parsing and checks,
the build, the shared memory of 8 rows, the reset of a class, and one batch.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.harness import markdown_table
from sandbox import cache, spawn
from sandbox.host import TierWish, WorkerGuest
from sandbox.limits import Limits
from sandbox.outcome import PENDING

__all__ = ["run", "table"]

ROWS = 8
WAYS = ("interpreted", "compiled, cold", "compiled, from the cache")
PARTS = ("worker and checks", "build", "arrays and first batch", "all")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the first reward.

    Attributes:
        tier: Which tier runs.
        folder: Where machine code is kept, or None.
    """

    tier: TierWish
    folder: str | None


def first_reward(source: bytes, plan: Any, way: Way, zygote: spawn.Zygote) -> tuple[float, ...]:
    """Go the whole way once; seconds of each part and of all."""
    cache.use(way.folder)
    times = [time.perf_counter()]
    guest = WorkerGuest(source, filename="p", limits=Limits(), zygote=zygote)
    times.append(time.perf_counter())
    loaded = guest.build(plan, way.tier)
    times.append(time.perf_counter())
    out = guest.bind(ROWS).outputs
    for run in (guest.reset, guest.step) if plan.stateful else (guest.step,):
        out.outcome[:] = PENDING
        out.task_outcome[:] = PENDING
        run()
    times.append(time.perf_counter())
    guest.close()
    if loaded.stored != (way.folder is not None):
        raise AssertionError(f"the machine code was {'' if loaded.stored else 'not '}handed over")
    parts = [after - before for before, after in pairwise(times)]
    return (*parts, times[-1] - times[0])


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Time all programs; a record for each."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    import corpus_reader

    names = corpus_reader.names()[:: 8 if quick else 1]
    zygote = spawn.Zygote()
    records = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            ways = [Way("interpreted", None), Way("compiled", None), Way("compiled", folder)]
            for name in names:
                program = corpus_reader.read(name)
                cache.use(folder)
                guest = WorkerGuest(program.source, filename=name, limits=Limits(), zygote=zygote)
                tier = guest.build(program.plan).tier
                guest.close()
                if tier != "compiled":
                    continue
                found: list[list[tuple[float, ...]]] = [[] for _ in ways]
                for _ in range(3 if quick else 7):
                    for times, way in zip(found, ways, strict=True):
                        times.append(first_reward(program.source, program.plan, way, zygote))
                medians = {
                    way: dict(
                        zip(
                            PARTS,
                            (1e3 * statistics.median(part) for part in zip(*times, strict=True)),
                            strict=True,
                        )
                    )
                    for way, times in zip(WAYS, found, strict=True)
                }
                records.append({"program": name, "milliseconds": medians})
    finally:
        zygote.close()
        cache.use(None)
    return records


def table(records: list[dict[str, Any]]) -> str:
    """Give medians and extremes over the programs."""
    rows = []
    for way in WAYS:
        parts = {part: [record["milliseconds"][way][part] for record in records] for part in PARTS}
        whole = parts["all"]
        medians = [f"{statistics.median(parts[part]):.1f}" for part in PARTS]
        rows.append([way, *medians, f"{min(whole):.1f}", f"{max(whole):.1f}"])
    head = ["milliseconds, medians", *PARTS, "least", "most"]
    return f"{len(records)} programs.\n\n{markdown_table(head, rows)}"
