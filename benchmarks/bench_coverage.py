"""How many natural programs run, equal to plain CPython, and in which tier?

Corpus: the 48 programs over state observations in ``tests/corpus/state``, 64 rows each with the
values plain CPython gives (exceptions included). A program counts only if all its rows are equal.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import markdown_table

__all__ = ["run", "table"]

ROOT = Path(__file__).parent.parent


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Load every program in the automatic tier and compare all its rows."""
    sys.path.insert(0, str(ROOT / "tests"))
    from corpus_reader import check_program, program_names

    names = program_names()
    records = []
    for name in names[::6] if quick else names:
        start = time.perf_counter()
        found = check_program(name, tier="auto")
        records.append({**found, "program": name, "seconds": time.perf_counter() - start})
    return records


def table(records: list[dict[str, Any]]) -> str:
    """Lay out tier, equality and reason."""
    compiled = sum(item["tier"] == "compiled" for item in records)
    equal = sum(item["equal"] == item["rows"] for item in records)
    head = ["program", "tier", "equal rows", "why not compiled"]
    rows = [
        [
            item["program"],
            item["tier"],
            f"{item['equal']} of {item['rows']}",
            item["reason"].replace("|", "\\|"),
        ]
        for item in records
    ]
    summary = f"{equal} of {len(records)} programs equal on all rows; {compiled} run compiled."
    return f"{summary}\n\n{markdown_table(head, rows)}"
