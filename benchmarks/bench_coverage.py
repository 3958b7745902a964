"""How many natural programs run, equal to plain CPython, and in which tier?

Corpus: the 48 programs over state observations in ``tests/corpus/state``, 64 rows each with the
values plain CPython gives (exceptions included). A program counts only if all its rows are equal.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import markdown_table
from sandbox.limits import Limits
from sandbox.passes import analyse, build

__all__ = ["run", "table"]

ROOT = Path(__file__).parent.parent


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Build every program in the automatic tier and compare all its rows."""
    sys.path.insert(0, str(ROOT / "tests"))
    import corpus_reader

    names = corpus_reader.names()
    records = []
    for name in names[::6] if quick else names:
        program = corpus_reader.read(name)
        analysis = analyse(program.source, name, Limits())
        start = time.perf_counter()
        built = build(analysis, program.plan, Limits(), "auto")
        seconds = time.perf_counter() - start
        wrong = corpus_reader.differences(program, corpus_reader.run(program, built.runner))
        records.append(
            {
                "program": name,
                "tier": built.runner.tier,
                "rows": len(program.expected),
                "equal": len(program.expected) - len(wrong),
                "reason": "" if built.tier_reason is None else str(built.tier_reason),
                "seconds": seconds,
            }
        )
    return records


def table(records: list[dict[str, Any]]) -> str:
    """Lay out tier, equality and reason."""
    compiled = sum(item["tier"] == "compiled" for item in records)
    equal = sum(item["equal"] == item["rows"] for item in records)
    head = ["program", "tier", "equal rows", "build, s", "why not compiled"]
    rows = [
        [
            item["program"],
            item["tier"],
            f"{item['equal']} of {item['rows']}",
            f"{item['seconds']:.2f}",
            item["reason"].replace("|", "\\|"),
        ]
        for item in records
    ]
    median = statistics.median(item["seconds"] for item in records)
    summary = (
        f"{equal} of {len(records)} programs equal on all rows; {compiled} run compiled. "
        f"Median build (both tiers, and both run on the probe batch) {median:.2f} s."
    )
    return f"{summary}\n\n{markdown_table(head, rows)}"
