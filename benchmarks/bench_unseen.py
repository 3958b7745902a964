"""How many programs that nobody looked at while the compiled tier was written does it take?

Corpus: the 41 programs of ``tests/corpus/natural2``, written before any tuning; each is loaded by
default settings and run beside plain CPython on 200 drawn rows (10 episodes of 20 steps).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import carruntime as car
from benchmarks.harness import markdown_table

__all__ = ["run", "table"]

ROOT = Path(__file__).parent.parent


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Load every program and compare its rows."""
    sys.path.insert(0, str(ROOT / "tests"))
    import unseen

    records = []
    for kind, index in unseen.programs():
        if quick and index:
            continue
        name = f"{kind} {index + 1}"
        rows = 200
        record = {"program": name, "tier": "refused", "rows": rows, "equal": 0, "reason": ""}
        try:
            program = car.load(
                unseen.source_of(kind, index), spaces=unseen.spaces_of(kind), isolation="none"
            )
            record["tier"] = program.tier
            record["reason"] = str(program.tier_reason or "")
            wrong = unseen.differences(program, kind, rows)
            record["equal"] = rows - len(wrong)
            record["first_difference"] = wrong[0] if wrong else ""
        except car.LoadError as error:
            record["reason"] = "; ".join(
                f"{item.rule} line {0 if item.span is None else item.span.line}"
                for item in error.report.errors
            )
        records.append(record)
    return records


def table(records: list[dict[str, Any]]) -> str:
    """Lay out tier, equality and reason."""
    head = ["program", "tier", "equal rows", "why not compiled"]
    rows = [
        [
            item["program"],
            item["tier"],
            f"{item['equal']} of {item['rows']}",
            item["reason"].replace("|", "\\|").replace("\n", " "),
        ]
        for item in records
    ]
    loaded = sum(item["tier"] != "refused" for item in records)
    compiled = sum(item["tier"] == "compiled" for item in records)
    wrong = sum(item["rows"] - item["equal"] for item in records if item["tier"] != "refused")
    summary = (
        f"{len(records)} programs: {loaded} loaded, {compiled} compiled "
        f"({100 * compiled / len(records):.0f} %), {wrong} rows differ from plain CPython."
    )
    return f"{summary}\n\n{markdown_table(head, rows)}"
