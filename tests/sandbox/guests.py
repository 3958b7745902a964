"""Means shared by the tests of worker processes: faulty guests, and counts of what is left over."""

# /proc is read by name.
# ruff: noqa: PTH208
from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sandbox.host import Buffers, Guest, InProcessGuest, TierWish, WorkerGuest
from sandbox.limits import Limits
from sandbox.outcome import PENDING
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.spawn import Zygote

FOLDER = str(Path(__file__).parent)
SCHEMA = Schema((("next_obs", ArraySpec()),))
X = (Param("obs", "next_obs"),)
STATELESS = Plan(schema=SCHEMA, reward=Call("reward", X))
STATEFUL = Plan(schema=SCHEMA, class_name="Reward", step=Call("step", X))
TASKS = Plan(schema=SCHEMA, tasks=tuple(Call(f"task_{k}", X) for k in range(3)))
QUICK = Limits(wall_s=0.5, compile_s=5.0)


def faulty_zygote() -> Zygote:
    """Start a zygote whose workers use `faulty_passes`.

    They sleep, open and signal to show what the host does about it, so they run without the layers
    that would end them before, or keep them from killing themselves; `test_layers` is about those.
    """
    without = ("seccomp", "seccomp-run", "landlock", "pid-namespace")
    return Zygote("faulty_passes", (FOLDER,), without)


def load(
    zygote: Zygote | None,
    plan: Plan = STATELESS,
    source: str = "parts",
    *,
    rows: int = 8,
    limits: Limits = QUICK,
    tier: TierWish = "interpreted",
) -> tuple[Guest, Buffers]:
    """Give a guest of `faulty_passes`, built and bound; in this process without a zygote.

    With ``tier="auto"`` its workers find native code made, and are asked by the shared page.
    """
    guest: Guest
    if zygote is None:
        guest = InProcessGuest(source.encode(), filename="p", limits=limits, passes="faulty_passes")
    else:
        guest = WorkerGuest(source.encode(), filename="p", limits=limits, zygote=zygote)
    guest.build(plan, tier)
    return guest, guest.bind(rows)


def mark(buffers: Buffers, rows: object = slice(None)) -> None:
    """Mark rows to run."""
    buffers.outputs.outcome[rows] = PENDING  # type: ignore[call-overload]


def fill(buffers: Buffers, **faults: float) -> None:
    """Write 0, 1, 2, ... into the rows, and ``r3=-1.0`` into row 3."""
    column = buffers.inputs["next_obs"]
    column[:] = np.arange(len(column))
    for name, code in faults.items():
        column[int(name[1:])] = code


def children() -> dict[int, str]:
    """Give the state letters of all processes below this one."""
    parents: dict[int, tuple[int, str]] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry)] = (int(fields[1]), fields[0])
    found: dict[int, str] = {}
    grown = True
    while grown:
        grown = False
        for pid, (parent, state) in parents.items():
            if pid not in found and (parent == os.getpid() or parent in found):
                found[pid] = state
                grown = True
    return found


def descriptors() -> int:
    """Give the number of open descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


@contextmanager
def nothing_left_over() -> Iterator[None]:
    """Check that the body leaves no process, zombie, descriptor or memory mapping behind."""
    gc.collect()
    before = (set(children()), descriptors(), _mappings())
    yield
    end = time.monotonic() + 5
    while True:
        after = (set(children()), descriptors(), _mappings())
        if after[0] <= before[0] and after[1:] == before[1:]:
            return
        assert time.monotonic() < end, f"{before} became {after}"
        time.sleep(0.01)


def _mappings() -> int:
    return Path("/proc/self/maps").read_text().count("carruntime")
