"""docs/verification.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import carruntime
from carruntime.intervals import trials_needed
from carruntime.verdict import CHECKS

PAGE = (Path(carruntime.__file__).parent.parent / "docs" / "verification.md").read_text("utf-8")


def test_the_table_of_checks_is_the_list_of_checks() -> None:
    rows = re.findall(
        r"^\| (CAR\d+) \| (.+?) \| (?:rejects|leaves open|warns) \|$", PAGE, re.MULTILINE
    )
    assert dict(rows) == CHECKS


def test_the_table_of_trajectories_is_computed() -> None:
    row = re.search(r"^\| trajectories needed \|(.+)\|$", PAGE, re.MULTILINE)
    assert row is not None
    named = [int(cell) for cell in row.group(1).split("|")]
    assert named == [trials_needed(rate, 0.1, "below") for rate in (0.0, 0.01, 0.02, 0.05)]
