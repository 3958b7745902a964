"""How long does the static check of a program take, warm and from a cold command line?

Unit: milliseconds. Warm: `sandbox.check` with a running zygote, a fresh worker each time. Cold: a
new Python process running ``carruntime check FILE``. Rival: a bare ``python -c pass``.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import sandbox
from benchmarks.harness import Case, Result, markdown_table, run_cases
from carruntime.demo import PROGRAMS, program_path

__all__ = ["run", "table"]


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Time the check of each program of the demo that can be loaded."""
    records = []
    for program in PROGRAMS:
        if program.end == "refused":
            continue
        path = program_path(program.name)
        source = path.read_text(encoding="utf-8")
        command = [sys.executable, "-m", "carruntime.cli", "check", str(path)]
        cases = [
            Case("warm", _warm(source), 1),
            Case("cold", _process(command), 1),
            Case("python", _process([sys.executable, "-c", "pass"]), 1),
        ]
        results = run_cases(cases, rounds=3 if quick else 9, min_round_s=0.02)
        lines = source.count("\n")
        records.append({"program": program.name, "lines": lines, "results": results})
    return records


def table(records: list[dict[str, Any]]) -> str:
    """Lay out milliseconds."""
    rows = []
    for record in records:
        results: dict[str, Result] = {item.name: item for item in record["results"]}
        cells = [f"{results[name].median_s * 1e3:.3g}" for name in ("warm", "cold", "python")]
        rows.append([record["program"], str(record["lines"]), *cells])
    head = ["program", "lines", "warm check, ms", "cold command, ms", "bare Python start, ms"]
    return markdown_table(head, rows)


def _warm(source: str) -> Any:
    def call() -> None:
        if not sandbox.check(source).ok:
            raise AssertionError("a good program was refused")

    return call


def _process(command: list[str]) -> Any:
    def call() -> None:
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    return call
