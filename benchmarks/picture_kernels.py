"""How often our picture kernels equal OpenCV, and how fast they are beside it.

Run ``python -m benchmarks.picture_kernels --cases 10000 --json FILE``: for every kernel that many
random cases on small pictures, then both timed in turns on a picture of 84 by 84 pixels or so.
With ``NUMBA_BOUNDSCHECK=1`` in the environment every index is checked too.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from pathlib import Path
from typing import Any, Final

import cv2

import benchmarks.picture_cases_drawing
import benchmarks.picture_cases_filters
import benchmarks.picture_cases_regions
import benchmarks.picture_cases_shapes  # noqa: F401
from benchmarks.harness import machine
from benchmarks.picture_cases import CASES, Draw, same
from benchmarks.picture_speed import SPEEDS, ratio

__all__ = ["ALL_CASES", "differences"]

ALL_CASES: Final[dict[str, Draw]] = CASES
"""All cases, the other modules having entered theirs."""


def differences(name: str, cases: int, seed: int) -> list[int]:
    """Give the seeds of the cases in which kernel and OpenCV differ."""
    wrong = []
    for i in range(seed, seed + cases):
        drawn = CASES[name](random.Random(i))
        if not same(drawn.reference(), drawn.ours()):
            wrong.append(i)
    return wrong


def measured(name: str, cases: int, seed: int) -> dict[str, Any]:
    """Compile, compare and time one kernel."""
    start = time.process_time()
    CASES[name](random.Random(seed)).ours()
    compiled = time.process_time() - start
    wrong = differences(name, cases, seed)
    row: dict[str, Any] = {
        "kernel": name,
        "cases": cases,
        "differ": len(wrong),
        "seeds": wrong[:5],
        "first_call_cpu_s": round(compiled, 2),
    }
    if name in SPEEDS:
        row["times_opencv"], row["ours_us"] = ratio(SPEEDS[name])
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="kernels; all when left out")
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    # OpenCV on one core, as our kernels are.
    cv2.setNumThreads(1)
    rows = []
    for name in options.names or sorted(CASES):
        row = measured(name, options.cases, options.seed)
        rows.append(row)
        speed = (
            f"{row['ours_us']:9.1f} us, {row['times_opencv']:5.2f} times OpenCV's speed"
            if "ours_us" in row
            else ""
        )
        print(
            f"{name:24} {row['differ']:4} of {row['cases']} differ {row['seeds'] or ''} "
            f"first call {row['first_call_cpu_s']:5.2f} s {speed}",
            flush=True,
        )
        if options.json:
            write(options.json, rows)
    total = sum(row["first_call_cpu_s"] for row in rows)
    print(f"{sum(row['differ'] for row in rows)} differ; first calls together {total:.1f} CPU s")


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Store what is known so far: a run takes minutes and may be ended."""
    facts = {
        # Without the command, in which paths may stand.
        "machine": {**machine(), "command": "python -m benchmarks.picture_kernels"},
        "opencv": cv2.__version__,
        "bounds_checked": os.environ.get("NUMBA_BOUNDSCHECK", "0") == "1",
        "rows": rows,
    }
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
