"""How many programs that nobody looked at while the compiled tier was written does it take?

Corpus: the 41 programs of ``tests/corpus/natural2`` and the 40 of ``tests/corpus/natural3``, each set
written before any tuning for it. Those of the second set are loaded by default settings and run
beside plain CPython on 200 drawn rows (10 episodes of 20 steps); those of the third come with 64
rows and the values that plain CPython gave.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import carruntime as car
from benchmarks.harness import markdown_table
from sandbox.errors import ProgramRefusedError
from sandbox.limits import Limits
from sandbox.passes import analyse, build

__all__ = ["run", "table"]

ROOT = Path(__file__).parent.parent
THIRD = ROOT / "tests" / "corpus" / "natural3"


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Load every program and compare its rows."""
    sys.path.insert(0, str(ROOT / "tests"))
    return [*_second(quick=quick), *_third(quick=quick)]


def _second(*, quick: bool) -> list[dict[str, Any]]:
    import unseen

    records = []
    for kind, index in unseen.programs():
        if quick and index:
            continue
        name = f"{kind} {index + 1}"
        rows = 200
        record = {"set": 2, "program": name, "tier": "refused", "rows": rows, "equal": 0,
                  "reason": ""}  # fmt: skip
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


def _third(*, quick: bool) -> list[dict[str, Any]]:
    import corpus_reader

    names = corpus_reader.names(THIRD)
    records = []
    for name in names[::8] if quick else names:
        program = corpus_reader.read(name, THIRD)
        rows = len(program.expected)
        record = {"set": 3, "program": name, "tier": "refused", "rows": rows, "equal": 0,
                  "reason": ""}  # fmt: skip
        try:
            built = build(analyse(program.source, name, Limits()), program.plan, Limits(), "auto")
            record["tier"] = built.runner.tier
            record["reason"] = str(built.tier_reason or "")
            wrong = corpus_reader.differences(program, corpus_reader.run(program, built.runner))
            record["equal"] = rows - len(wrong)
            record["first_difference"] = wrong[0] if wrong else ""
        except ProgramRefusedError as error:
            record["reason"] = str(error).partition("\n")[0]
        records.append(record)
    return records


def table(records: list[dict[str, Any]]) -> str:
    """Lay out tier, equality and reason."""
    head = ["set", "program", "tier", "equal rows", "why not compiled"]
    rows = [
        [
            str(item["set"]),
            item["program"],
            item["tier"],
            f"{item['equal']} of {item['rows']}",
            item["reason"].replace("|", "\\|").replace("\n", " "),
        ]
        for item in records
    ]
    lines = []
    for number in sorted({item["set"] for item in records}):
        own = [item for item in records if item["set"] == number]
        loaded = [item for item in own if item["tier"] != "refused"]
        compiled = sum(item["tier"] == "compiled" for item in own)
        wrong = sum(item["rows"] - item["equal"] for item in loaded)
        lines.append(
            f"Set {number}, {len(own)} programs: {len(loaded)} loaded, {compiled} compiled "
            f"({100 * compiled / len(own):.0f} %), {wrong} rows differ from plain CPython."
        )
    return "\n".join(lines) + f"\n\n{markdown_table(head, rows)}"
