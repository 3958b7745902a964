"""How many observations per second do the demo's programs turn into rewards, and at what ratio?

Unit: observations per second of `RewardSession.step`, from the vector environment's observation
to a `RewardBatch`, so copying into shared memory, waking the worker and checking what comes back
are all inside. Rival: plain ``exec`` of the same source and one call per observation, as
reward-search code does it; splitting the batch into single observations is *not* counted against
it. Sizes: batches of 1 to 65,536 transitions of DoorKey-8x8 by a disturbed expert.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from benchmarks.harness import markdown_table, rate
from carruntime.bench import measure, sample
from carruntime.collection import collect
from carruntime.demo import ENV_ID, PROGRAMS, program_path
from carruntime.loading import load

__all__ = ["run", "table"]

SIZES = (1, 8, 64, 1024, 65_536)


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Measure every good program of the demo at every size; one record each way and size."""
    transitions = sample(collect(ENV_ID, 0.5, episodes=20 if quick else 80, seed=7))
    sizes = SIZES[:-1] if quick else SIZES
    records = []
    for program in PROGRAMS:
        if program.end != "accepted":
            continue
        loader = partial(load, program_path(program.name), ENV_ID)
        for found in measure(
            loader, transitions, sizes, trust=True, seconds=0.05 if quick else 0.5
        ):
            if not found.equal:
                raise AssertionError(f"{program.name}: {found.way} gives other rewards")
            records.append({"program": program.name, **asdict(found)})
    return records


def table(records: list[dict[str, Any]]) -> str:
    """Lay out observations per second and the ratio to plain ``exec`` of the same size."""
    ways = list(dict.fromkeys(item["way"] for item in records))
    speed = {(item["program"], item["rows"], item["way"]): item["per_second"] for item in records}
    rows = []
    for program, size in dict.fromkeys((item["program"], item["rows"]) for item in records):
        base = speed[program, size, "plain exec"]
        cells = [
            f"{rate(speed[program, size, way])} ({speed[program, size, way] / base:.3g}x)"
            for way in ways
        ]
        rows.append([program, f"{size:,}", *cells])
    return markdown_table(["program", "rows", *ways], rows)
