"""What do two threads gain over one at 65,536 rows, in this process and in a worker?

``RewardProgram`` with ``threads=1`` and ``threads=2`` on the same batch, in turns; each figure is
the best of all turns, and the ratio that of the two bests, since another process on the machine can
only make a turn slower. Before the clock starts the results are compared, bit by bit. The kernels
alone are timed as well, without the copies of the inputs and results that one thread makes.

What the machine itself can give is measured in the same run: arithmetic that touches no memory, and
copying memory that no cache holds, each on one thread and on two. A kernel gains no more than lies
between these, by how much of the memory bandwidth of one core it uses on one thread.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from gymnasium import spaces

import carruntime as car
from benchmarks.bench_workloads import Kernel, moved_bytes, read_bandwidth
from benchmarks.harness import markdown_table
from benchmarks.workloads import WORKLOADS
from sandbox.native.library import library
from sandbox.team import Team

__all__ = ["run", "table"]

_ROWS = 65_536
_KERNELS = ("W1", "W1np", "W3", "W3loop", "W4")
_SOURCE = """
import math

def reward(obs, action, next_obs):
    distance = 0.0
    for a, b in zip(obs[:3], next_obs[:3]):
        distance += (a - b) ** 2
    turn = sum(math.sin(v) * math.exp(-abs(v)) for v in next_obs)
    return turn - math.sqrt(distance) - 0.01 * action
"""


_TURNS = 4_000_000
_COPIED = 1 << 23


@numba.njit(error_model="numpy", nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _turn(turns: int, value: float) -> float:
    """Do arithmetic that depends on itself and touches no memory."""
    for _ in range(turns):
        value = value * 0.999 + 0.001
    return value


def _controls(turns: int) -> list[dict[str, Any]]:
    """Measure what a second thread gives on this machine without us."""
    source, target = np.ones(_COPIED), np.zeros(_COPIED)
    half = _COPIED // 2
    parts = [(target[:half], source[:half]), (target[half:], source[half:])]
    _turn(1, 0.5)
    with ThreadPoolExecutor(1) as other:

        def both(function: Callable[..., Any], first: Any, second: Any) -> None:
            waiting = other.submit(function, *first)
            function(*second)
            waiting.result()

        arithmetic: list[Callable[[], Any]] = [
            lambda: _turn(_TURNS, 0.5),
            lambda: both(_turn, (_TURNS // 2, 0.5), (_TURNS // 2, 0.5)),
        ]
        copying: list[Callable[[], Any]] = [
            lambda: np.copyto(target, source),
            lambda: both(np.copyto, *parts),
        ]
        return [
            _record("control: arithmetic, no memory", _best(arithmetic, turns), 0.0),
            _record("control: copying memory", _best(copying, turns), None),
        ]


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Time all in turns; one record each program."""
    native = library()
    if native is None:
        raise RuntimeError("no native library here, so no threads")
    team = Team(native, 2)
    turns = 15 if quick else 60
    bandwidth = read_bandwidth(quick=quick)
    records = _controls(turns)
    for name in _KERNELS:
        workload = WORKLOADS[name]
        columns = workload.draw(_ROWS, np.random.default_rng(0))
        one, two = Kernel(workload, columns), Kernel(workload, columns, team)
        one.step()
        two.step()
        if not np.array_equal(one.out.reward, two.out.reward):
            raise AssertionError(f"{name}: the results depend on the number of threads")
        seconds = _best([one.step, two.step], turns)
        used = moved_bytes(workload) * _ROWS / seconds[0] / 1e9 / bandwidth
        records.append(_record(f"{name}, kernel", seconds, used))
    space = spaces.Box(-2.0, 2.0, (6,), np.float64), spaces.Discrete(3)
    rng = np.random.default_rng(0)
    batch = (
        rng.uniform(-2, 2, (_ROWS, 6)),
        rng.integers(0, 3, _ROWS),
        rng.uniform(-2, 2, (_ROWS, 6)),
    )
    for isolation in ("none", "process"):
        sessions = []
        for threads in (1, 2):
            program = car.load(_SOURCE, spaces=space, isolation=isolation, threads=threads)
            sessions.append(program.start(_ROWS))
            sessions[-1].reset()
        first, second = (session.step(*batch) for session in sessions)
        if not np.array_equal(first.reward, second.reward):
            raise AssertionError("the results depend on the number of threads")
        calls: list[Callable[[], Any]] = [
            lambda session=session: session.step(*batch)  # type: ignore[misc]
            for session in sessions
        ]
        records.append(_record(f"session.step, isolation {isolation}", _best(calls, turns), None))
        for session in sessions:
            session.close()
            session.program.close()
    return records


def _best(calls: list[Callable[[], Any]], turns: int) -> list[float]:
    best = [float("inf")] * len(calls)
    for _ in range(turns):
        for place, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[place] = min(best[place], time.perf_counter() - start)
    return best


def _record(name: str, seconds: list[float], used: float | None) -> dict[str, Any]:
    return {"what": name, "rows": _ROWS, "one_s": seconds[0], "two_s": seconds[1],
            "of_bandwidth": used, "load": os.getloadavg()[0]}  # fmt: skip


def table(records: list[dict[str, Any]]) -> str:
    """Lay out both, their ratio, and how much of the read bandwidth of a core one thread uses."""
    head = ["what", "1 thread, ms", "2 threads, ms", "times as fast", "of read bandwidth",
            "load of the machine"]  # fmt: skip
    rows = [
        [
            item["what"],
            f"{1e3 * item['one_s']:.2f}",
            f"{1e3 * item['two_s']:.2f}",
            f"{item['one_s'] / item['two_s']:.2f}",
            "–" if item["of_bandwidth"] is None else f"{100 * item['of_bandwidth']:.0f} %",
            f"{item['load']:.1f}",
        ]
        for item in records
    ]
    return markdown_table(head, rows)
