"""Memory of a worker that no other process shares, by tier and by number of workers.

The kernel tells which pages a process has for itself (its unique set); what it shares with the
process that it was copied from costs nothing more. A session of 64 rows is open in each worker and
has run some batches. Reading this of a worker takes root, because a worker is not dumpable.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import markdown_table
from sandbox import cache, spawn
from sandbox.host import TierWish, WorkerGuest
from sandbox.limits import Limits
from sandbox.outcome import PENDING
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema

__all__ = ["run", "table"]

PLAN = Plan(
    schema=Schema((("next_obs", ArraySpec(shape=(8,))),)),
    reward=Call("reward", (Param("obs", "next_obs"),)),
)
SOURCE = """\
import numpy as np


def reward(obs):
    distance = float(np.linalg.norm(obs[:3] - obs[3:6]))
    bonus = {number}.0 if distance < 0.05 else 0.0
    return bonus - distance, {{"distance": distance, "bonus": bonus}}
"""
ROWS = 64
BATCHES = 200


def memory_of(pid: int) -> dict[str, int]:
    """Give the unique, proportional and resident bytes of a process."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    fields = {
        line.partition(":")[0]: int(line.split()[1]) * 1024
        for line in text.splitlines()[1:]
        if line.endswith("kB")
    }
    unique = fields["Private_Clean"] + fields["Private_Dirty"]
    return {"unique": unique, "proportional": fields["Pss"], "resident": fields["Rss"]}


def measure(count: int, way: str, folder: str | None) -> dict[str, Any]:
    """Open so many workers, let each run, and look at all of them."""
    cache.use(folder)
    tier: TierWish = "interpreted" if way == "interpreted" else "compiled"
    zygote = spawn.Zygote()
    guests = []
    try:
        for number in range(count):
            source = SOURCE.format(number=number + 1).encode()
            guest = WorkerGuest(source, filename="p", limits=Limits(), zygote=zygote)
            guests.append(guest)
            loaded = guest.build(PLAN, tier)
            if (loaded.tier, loaded.stored) != (tier, folder is not None):
                raise AssertionError(f"the program does not run {way}")
            buffers = guest.bind(ROWS)
            buffers.inputs["next_obs"][:] = np.linspace(0.0, 1.0, 8)
            for _ in range(BATCHES):
                buffers.outputs.outcome[:] = PENDING
                guest.step()
        found = []
        for guest in guests:
            child = guest._holder.child  # noqa: SLF001  the process is what is measured
            if child is not None:
                found.append(memory_of(child.pid))
        return {
            "workers": count,
            "way": way,
            "unique": statistics.median(item["unique"] for item in found),
            "unique_most": max(item["unique"] for item in found),
            "proportional": statistics.median(item["proportional"] for item in found),
            "resident": statistics.median(item["resident"] for item in found),
            "zygote": memory_of(zygote.pid),
        }
    finally:
        for guest in guests:
            guest.close()
        zygote.close()


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Measure each way at each number of workers."""
    if os.geteuid() != 0:
        raise SystemExit("the memory of a worker can be read by root only")
    counts = (1, 4) if quick else (1, 16, 64)
    try:
        with tempfile.TemporaryDirectory() as folder:
            _fill(folder, max(counts))
            ways = (("interpreted", None), ("compiled", None), ("compiled, from the cache", folder))
            return [measure(count, way, place) for way, place in ways for count in counts]
    finally:
        cache.use(None)


def _fill(folder: str, count: int) -> None:
    """Compile the programs once, so that their machine code is kept."""
    cache.use(folder)
    for number in range(count):
        source = SOURCE.format(number=number + 1).encode()
        guest = WorkerGuest(source, filename="p", limits=Limits())
        guest.build(PLAN, "compiled")
        guest.close()


def table(records: list[dict[str, Any]]) -> str:
    """Give megabytes of each."""
    keys = ("unique", "unique_most", "proportional", "resident")
    rows = [
        [
            item["way"],
            f"{item['workers']}",
            *(f"{item[key] / 1e6:.1f}" for key in keys),
            f"{item['zygote']['unique'] / 1e6:.1f}",
        ]
        for item in records
    ]
    head = ["MB", "workers", "unique, median", "unique, most", "proportional", "resident"]
    return markdown_table([*head, "zygote, unique"], rows)
