"""How long does the static check take for the worst text that is admitted?

Unit: milliseconds. Each text is as large as the caps allow and shaped so that one kind of thing is as
frequent as it can be (`benchmarks.worst_texts`). `sandbox.check` with a running zygote, a fresh
worker each time; the promise is less than a second for any text.
"""

from __future__ import annotations

from typing import Any

import sandbox
from benchmarks.harness import Case, markdown_table, run_cases
from benchmarks.worst_texts import SHAPES, text_of

__all__ = ["run", "table"]


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Time the check of each shape; without further turns, since one takes long enough."""
    records = []
    for shape in SHAPES:
        source = text_of(shape)
        (result,) = run_cases(
            [Case(shape, _check(source), 1)], rounds=1 if quick else 5, min_round_s=0.0
        )
        findings = sandbox.check(source).findings
        records.append(
            {
                "shape": shape,
                "bytes": len(source.encode()),
                "milliseconds": result.median_s * 1e3,
                "findings": len(findings),
            }
        )
    return sorted(records, key=lambda record: -record["milliseconds"])


def table(records: list[dict[str, Any]]) -> str:
    """Lay out the shapes, the slowest first."""
    rows = [
        [record["shape"], f"{record['bytes']:,}", f"{record['milliseconds']:.0f}"]
        for record in records
    ]
    return markdown_table(["text of as much as is admitted of", "bytes", "check, ms"], rows)


def _check(source: str) -> Any:
    def call() -> None:
        sandbox.check(source)

    return call
