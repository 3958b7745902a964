# ruff: noqa: T201 - it reports on standard output
"""Many random programs, each in the compiled tier and in plain CPython, on the same rows.

``python -m tests.differential.long --programs 20000`` runs as many and prints the first programs
that differ, how many were taken, why others were not, and how many rows were compared. A row that
the kernel hands over to the interpreted tier says nothing and is counted apart.
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import both
import drawn

from sandbox.limits import Limits

LIMITS = Limits(fuel=20_000)


def agree(source: str, seed: int) -> tuple[str, int, int]:
    """Compare the tiers on one program.

    Returns:
        What differs (empty where nothing does), rows compared, and rows handed over.
    """
    columns = drawn.columns(seed)
    got = both.compiled(source, columns, drawn.PYTHON, LIMITS)
    open_ended = {i for i, row in enumerate(got) if row.error in ("OUT_OF_MEMORY", "OUT_OF_FUEL")}
    rows = [i for i in range(len(got)) if i not in open_ended]
    if not rows:
        return "", 0, len(open_ended)
    kept = {name: values[rows] for name, values in columns.items()}
    want = both.plain(source, kept, drawn.PYTHON)
    for i, w in zip(rows, want, strict=True):
        if not both.same(got[i], w):
            return f"row {i}: compiled {got[i]}, CPython {w}", len(rows), len(open_ended)
    return "", len(rows), len(open_ended)


def main() -> int:
    """Run, report, and exit with 1 where anything differed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=3, help="programs that differ to print")
    options = parser.parse_args()
    taken = compared = handed_over = differ = crashed = 0
    reasons: collections.Counter[str] = collections.Counter()
    for seed in range(options.seed, options.seed + options.programs):
        source = drawn.Maker(random.Random(seed)).program()
        try:
            text, rows, others = agree(source, seed)
        except both.NotCompiledError as refused:
            reasons[str(refused).partition(" (line")[0]] += 1
            continue
        except Exception as error:
            # Such a program stays in the interpreted tier with CMP991, but it should not come so.
            where = traceback.extract_tb(error.__traceback__)[-1]
            reasons[f"{type(error).__name__} in {where.name}: {error}"[:90]] += 1
            crashed += 1
            if crashed <= options.show:
                traceback.print_exc(limit=-4)
                print(f"--- program {seed}\n{source}")
            continue
        finally:
            if (seed + 1) % 1_000 == 0:
                print(f"{seed + 1 - options.seed} programs, {differ} differ", flush=True)
        taken += 1
        compared += rows
        handed_over += others
        if text:
            differ += 1
            if differ <= options.show:
                print(f"--- program {seed}: {text}\n{source}")
    print(
        f"{options.programs} programs, {taken} compiled, {compared} rows compared,"
        f" {handed_over} rows handed over or out of fuel, {differ} programs differ,"
        f" {crashed} fail to be lowered"
    )
    for reason, count in reasons.most_common(12):
        print(f"  not compiled: {count} x {reason}")
    return 1 if differ or crashed else 0


if __name__ == "__main__":
    raise SystemExit(main())
