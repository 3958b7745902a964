"""How many programs that nobody looked at while the compiled tier was written does it take?

Corpora, all written before any tuning and loaded by default settings: the 41 programs of
``tests/corpus/natural2``, each run beside plain CPython on 200 drawn rows (10 episodes of 20
steps), and those of ``tests/corpus/natural3``, ``natural4`` and ``natural5``, each on 64 stored rows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import carruntime as car
from benchmarks.harness import markdown_table

__all__ = ["run", "table"]

ROOT = Path(__file__).parent.parent
STORED = ("natural3", "natural4", "natural5")


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Load every program and compare its rows."""
    sys.path.insert(0, str(ROOT / "tests"))
    import public_rows
    import unseen

    records = []
    for kind, index in unseen.programs():
        if quick and index:
            continue
        record = _record("natural2", f"{kind} {index + 1}", 200)
        try:
            program = car.load(
                unseen.source_of(kind, index), spaces=unseen.spaces_of(kind), isolation="none"
            )
            _note(record, program, unseen.differences(program, kind, 200))
        except car.LoadError as error:
            record["reason"] = _refusal(error)
        records.append(record)
    for corpus in STORED:
        folders = sorted(item for item in (public_rows.CORPUS / corpus).iterdir() if item.is_dir())
        for folder in folders[:2] if quick else folders:
            record = _record(corpus, folder.name, 64)
            case = public_rows.Case(folder)
            try:
                program = car.load(
                    case.path, spaces=case.spaces, entry=case.entry, isolation="none"
                )
                _note(record, program, public_rows.differences(case, program))
            except car.LoadError as error:
                record["reason"] = _refusal(error)
            records.append(record)
    return records


def _record(corpus: str, program: str, rows: int) -> dict[str, Any]:
    return {
        "corpus": corpus,
        "program": program,
        "tier": "refused",
        "rows": rows,
        "equal": 0,
        "reason": "",
    }


def _note(record: dict[str, Any], program: car.RewardProgram, wrong: list[str]) -> None:
    record["tier"] = program.tier
    record["reason"] = str(program.tier_reason or "")
    record["equal"] = record["rows"] - len(wrong)
    record["first_difference"] = wrong[0] if wrong else ""


def _refusal(error: car.LoadError) -> str:
    return "; ".join(
        f"{item.rule} line {0 if item.span is None else item.span.line}"
        for item in error.report.errors
    )


def table(records: list[dict[str, Any]]) -> str:
    """Lay out tier, equality and reason."""
    head = ["corpus", "program", "tier", "equal rows", "why not compiled"]
    rows = [
        [
            item["corpus"],
            item["program"],
            item["tier"],
            f"{item['equal']} of {item['rows']}",
            item["reason"].replace("|", "\\|").replace("\n", " "),
        ]
        for item in records
    ]
    lines = []
    for corpus in dict.fromkeys(item["corpus"] for item in records):
        part = [item for item in records if item["corpus"] == corpus]
        loaded = [item for item in part if item["tier"] != "refused"]
        compiled = sum(item["tier"] == "compiled" for item in part)
        wrong = sum(item["rows"] - item["equal"] for item in loaded)
        lines.append(
            f"{corpus}: {len(part)} programs: {len(loaded)} loaded, {compiled} compiled "
            f"({100 * compiled / len(part):.0f} %), {wrong} rows differ from plain CPython."
        )
    return "\n".join(lines) + f"\n\n{markdown_table(head, rows)}"
