"""How far is a checked kernel from one that an expert writes by hand without any check?

The eight programs of ``benchmarks/workloads.py`` as they are, everything checked, on one thread,
against the same work in Numba, C, NumPy, numexpr and JAX by hand, and plain ``exec`` once per
observation. All ways of a program are timed in turns in one run, in processor time, so that a busy
machine moves them alike; each cell is the time of that way relative to ours, above 1 where ours is
faster. Before the clock starts the rewards of all are compared.
"""

from __future__ import annotations

import gc
import statistics
import time
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import markdown_table
from benchmarks.peers import PEERS, Runnable, plain
from benchmarks.workloads import WORKLOADS, Columns, Workload
from sandbox.assemble import outputs_for
from sandbox.limits import Limits
from sandbox.outcome import PENDING
from sandbox.passes import analyse
from sandbox.team import Team
from sandbox.tiers.compiled import compile_program

__all__ = ["Kernel", "moved_bytes", "read_bandwidth", "run", "table"]

_OURS = "ours"
_EXEC = "plain exec"
_EXEC_ROWS = 256
_TOLERANCE = 1e-9


class Kernel:
    """Our kernel of a workload, bound to its columns."""

    def __init__(self, workload: Workload, columns: Columns, team: Team | None = None) -> None:
        # Not through `sandbox.passes.build`: what it adds is the comparison with the interpreted
        # tier, which takes a minute for the pictures of W5. The peers are the comparison here.
        analysis = analyse(workload.source.encode(), workload.name, Limits())
        if analysis.tree is None:
            raise AssertionError(f"{workload.name}: {analysis.findings}")
        start = time.perf_counter()
        made: Any = compile_program(analysis.tree, workload.plan, Limits(), analysis.text)
        self.compile_s = time.perf_counter() - start
        if not hasattr(made, "bind"):
            raise RuntimeError(f"{workload.name} is not compiled: {made}")
        self.runner = made
        self.runner.team = team
        self.out = outputs_for(len(columns[0]), workload.plan, 0)
        names = [name for name, _, _ in workload.inputs]
        self.runner.bind(len(columns[0]), dict(zip(names, columns, strict=True)), self.out)
        self.reset()

    def reset(self) -> None:
        """Start an episode in every row."""
        self.out.outcome[:] = PENDING
        self.runner.reset()

    def step(self) -> None:
        """Compute the batch, every row asked for."""
        self.out.outcome[:] = PENDING
        self.runner.step()


def run(*, quick: bool, only: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Time every way of every workload; one record each workload.

    Args:
        quick: Smaller batches and fewer rounds.
        only: Workloads to take; all where left out.
    """
    bandwidth = read_bandwidth(quick=quick)
    records = []
    for workload in WORKLOADS.values():
        if only and workload.name not in only:
            continue
        records.append(_measure(workload, bandwidth, quick=quick))
    return records


def _measure(workload: Workload, bandwidth: float, *, quick: bool) -> dict[str, Any]:
    rows = workload.rows[quick]
    columns = workload.draw(rows, np.random.default_rng(0))
    kernel = Kernel(workload, columns)
    kernel.step()
    if kernel.out.outcome.any():
        raise AssertionError(f"{workload.name}: {int((kernel.out.outcome != 0).sum())} bad rows")
    first = kernel.out.reward.copy()
    kernel.step()
    second = kernel.out.reward.copy()
    ways: dict[str, tuple[Runnable, int]] = {_OURS: (kernel.step, rows)}
    missing: dict[str, str] = {}
    for name, peer in PEERS.items():
        out = np.full(rows, np.nan)
        try:
            call = peer(workload, columns, out)
        except (ImportError, OSError) as error:
            missing[name] = f"not here: {error}"[:200]
            continue
        if call is None:
            missing[name] = "not written for this program"
            continue
        _compare(workload, name, call, out, (first, second))
        ways[name] = call, rows
    few = tuple(column[:_EXEC_ROWS] for column in columns)
    out = np.full(len(few[0]), np.nan)
    call = plain(workload, few, out)
    _compare(workload, _EXEC, call, out, (first[: len(out)], second[: len(out)]))
    ways[_EXEC] = call, len(out)
    seconds = _interleaved(
        [call for call, _ in ways.values()],
        rounds=3 if quick else 9,
        least_s=0.01 if quick else 0.1,
    )
    ns = {
        name: took / count * 1e9
        for (name, (_, count)), took in zip(ways.items(), seconds, strict=True)
    }
    moved = moved_bytes(workload)
    return {
        "workload": workload.name,
        "rows": rows,
        "ns_per_row": ns,
        "missing": missing,
        "observation_bytes": workload.row_bytes,
        "moved_bytes": moved,
        "gb_per_s": moved / ns[_OURS],
        "read_gb_per_s": bandwidth,
        "compile_s": kernel.compile_s,
        "row_bytes_read": kernel.runner.explain["row_bytes_read"],
        "scratch_bytes": kernel.runner.explain["scratch_bytes"],
    }


def moved_bytes(workload: Workload) -> int:
    """Count the bytes that a row of our kernel reads and writes.

    Read are the observation, the marker and the state; written are reward, fuel, failure, marker
    and state.
    """
    return workload.row_bytes + 2 * workload.state_bytes + 1 + 8 + 8 + 4 + 1


def _compare(
    workload: Workload,
    name: str,
    call: Runnable,
    out: NDArray[np.float64],
    expected: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Make sure that a way gives our rewards: a speed without the right answer is worth nothing."""
    for step, want in enumerate(expected):
        if step == 0 or workload.state_bytes:
            call()
        wrong = ~np.isclose(out, want, rtol=_TOLERANCE, atol=_TOLERANCE)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise AssertionError(
                f"{workload.name}: {name} gives {out[row]!r} in row {row}, ours is {want[row]!r}"
            )


def _interleaved(calls: list[Runnable], *, rounds: int, least_s: float) -> list[float]:
    """Time calls in turns; the median seconds of one call each."""
    times = []
    for call in calls:
        start = time.process_time()
        call()
        times.append(max(1, int(least_s / max(time.process_time() - start, 1e-7))))
    seconds: list[list[float]] = [[] for _ in calls]
    gc.disable()
    try:
        for turn in range(rounds):
            order = range(len(calls)) if turn % 2 == 0 else reversed(range(len(calls)))
            for place in order:
                start = time.process_time()
                for _ in range(times[place]):
                    calls[place]()
                seconds[place].append((time.process_time() - start) / times[place])
    finally:
        gc.enable()
    return [statistics.median(item) for item in seconds]


@numba.njit(error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _add_up(words: Any) -> Any:
    total = np.uint64(0)
    for k in range(words.size):
        total += words[k]
    return total


def read_bandwidth(*, quick: bool) -> float:
    """Measure the gigabytes per second that one core reads from memory that no cache holds."""
    words = np.ones((1 << 22) if quick else (1 << 27), np.uint64)
    seconds = _interleaved([lambda: _add_up(words)], rounds=5, least_s=0.05)[0]
    return words.nbytes / seconds / 1e9


def table(records: list[dict[str, Any]]) -> str:
    """Lay out time relative to ours, then what the memory sees."""
    names = [*PEERS, _EXEC]
    rows, memory = [], []
    for item in records:
        ns = item["ns_per_row"]
        rows.append(
            [
                item["workload"],
                f"{item['rows']:,}",
                f"{ns[_OURS]:,.1f}",
                *(f"{ns[name] / ns[_OURS]:.3g}x" if name in ns else "–" for name in names),
            ]
        )
        memory.append(
            [
                item["workload"],
                f"{item['observation_bytes']:,}",
                f"{item['moved_bytes']:,}",
                f"{item['gb_per_s']:.2f}",
                f"{100 * item['gb_per_s'] / item['read_gb_per_s']:.0f} %",
                f"{item['scratch_bytes']:,}",
                f"{item['compile_s']:.2f}",
            ]
        )
    reasons = sorted(
        {
            f"{name}: {why}"
            for item in records
            for name, why in item["missing"].items()
            if why.startswith("not here")
        }
    )
    left_out = "".join(f"\n\nLeft out: {reason}." for reason in reasons)
    head = ["program", "rows", "ours, ns a row", *names]
    below = ["program", "bytes of an observation", "bytes moved a row", "GB/s",
             "of read bandwidth", "scratch bytes", "compile, s"]  # fmt: skip
    bandwidth = f"{records[0]['read_gb_per_s']:.1f}" if records else "?"
    return (
        f"{markdown_table(head, rows)}{left_out}\n\n"
        f"One core of this machine reads {bandwidth} GB/s from memory.\n\n"
        f"{markdown_table(below, memory)}"
    )
