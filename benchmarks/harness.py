"""Interleaved timing, the machine it ran on, and tables.

All variants of a question are timed in turns, round by round, so that a machine whose speed
drifts moves all of them alike; what is quoted is the median over the rounds and its ratio to the
baseline of the same run.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["Case", "Result", "machine", "markdown_table", "rate", "run_cases", "write_json"]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to time.

    Attributes:
        name: Column of the table.
        call: Does the work once.
        rows: Observations that one call turns into rewards.
    """

    name: str
    call: Callable[[], object]
    rows: int


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds per call over all rounds."""

    name: str
    rows: int
    seconds: tuple[float, ...]
    median_s: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "median_s", statistics.median(self.seconds))

    @property
    def rows_per_s(self) -> float:
        """Observations turned into rewards per second."""
        return self.rows / self.median_s


def run_cases(cases: Sequence[Case], *, rounds: int, min_round_s: float) -> list[Result]:
    """Time the cases in turns.

    Args:
        cases: What to time; all are called once before the clock starts.
        rounds: How many times each is timed.
        min_round_s: Calls are repeated within a round until this many seconds have passed.
    """
    repeats = []
    for case in cases:
        start = time.perf_counter()
        case.call()
        once = max(time.perf_counter() - start, 1e-7)
        repeats.append(max(1, min(20_000, int(min_round_s / once))))
    seconds: list[list[float]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, times, count in zip(cases, seconds, repeats, strict=True):
            start = time.perf_counter()
            for _ in range(count):
                case.call()
            times.append((time.perf_counter() - start) / count)
    return [
        Result(case.name, case.rows, tuple(times))
        for case, times in zip(cases, seconds, strict=True)
    ]


def machine() -> dict[str, Any]:
    """Describe where and with what the figures were measured."""
    names = ("numpy", "numba", "llvmlite", "RestrictedPython", "gymnasium", "minigrid")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": _cpu_name(),
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 1),
        "versions": {name: metadata.version(name) for name in names} | _peers(),
        "command": "python -m " + " ".join(["benchmarks", *sys.argv[1:]]),
    }


def _peers() -> dict[str, str]:
    """Versions of the packages that some benchmarks compare with, where they are installed."""
    found = {}
    for name in ("numexpr", "jax", "ziglang"):
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def rate(value: float) -> str:
    """Write a number of observations per second shortly."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.3g}"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows as a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Store the raw results of one question."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1, default=_plain) + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    if isinstance(value, Result):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


def _cpu_name() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    for line in text.splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"
