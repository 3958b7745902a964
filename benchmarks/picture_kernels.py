"""How often our picture kernels equal OpenCV, and how fast they are beside it.

Run ``python -m benchmarks.picture_kernels --cases 10000``: for every kernel, that many random
cases on small pictures, then both timed in turns on one larger case.
"""

from __future__ import annotations

import argparse
import random
import time

import benchmarks.picture_cases_drawing
import benchmarks.picture_cases_filters
import benchmarks.picture_cases_regions
import benchmarks.picture_cases_shapes  # noqa: F401
from benchmarks.picture_cases import CASES, same


def differences(name: str, cases: int, seed: int) -> list[int]:
    """Give the seeds of the cases in which kernel and OpenCV differ."""
    wrong = []
    for i in range(cases):
        drawn = CASES[name](random.Random(seed + i))
        if not same(drawn.reference(), drawn.ours()):
            wrong.append(seed + i)
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.names or list(CASES):
        start = time.perf_counter()
        CASES[name](random.Random(0)).ours()
        compiled = time.perf_counter() - start
        wrong = differences(name, options.cases, options.seed)
        took = time.perf_counter() - start
        print(
            f"{name:28} compile {compiled:5.2f}s  {options.cases} cases, {len(wrong)} differ {wrong[:5]}  {took:.1f}s"
        )


if __name__ == "__main__":
    main()
