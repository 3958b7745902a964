"""The corpus of natural programs through the public names: spaces, load, session, batch.

What the rows have to be was made by plain CPython. Functions and tasks run as 64 environments of
one step; a class as eight environments of eight steps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import corpus_reader
import pytest
from public_rows import NATURAL4, NATURAL5, Case, differences

import carruntime as car


@pytest.mark.parametrize("name", corpus_reader.names())
def test_a_natural_program_pays_what_plain_python_gives(name: str) -> None:
    case = Case(corpus_reader.STATE / name)
    program = car.load(case.path, spaces=case.spaces, tier="interpreted", isolation="none")
    assert differences(case, program) == []


@pytest.mark.parametrize("name", corpus_reader.names())
def test_a_natural_program_pays_the_same_as_it_is_loaded_by_default(name: str) -> None:
    """In a worker, and in the compiled tier wherever that takes the program."""
    case = Case(corpus_reader.STATE / name)
    program = car.load(case.path, spaces=case.spaces)
    assert differences(case, program) == []
    assert (program.tier == "compiled") == (program.tier_reason is None)
    program.close()


RECURSIVE = {"hanoi_optimal", "hanoi_optimal_distance"}
"""Programs of the later sets that the dialect refuses."""


@pytest.mark.parametrize(
    "folder",
    [corpus / name for corpus in (NATURAL4, NATURAL5) for name in corpus_reader.names(corpus)],
    ids=lambda folder: f"{folder.parent.name}-{folder.name}",
)
def test_a_program_of_a_later_set_pays_what_plain_python_gives(folder: Path) -> None:
    case = Case(folder)
    options: dict[str, Any] = {"entry": case.entry, "tier": "interpreted", "isolation": "none"}
    if folder.name in RECURSIVE:
        with pytest.raises(car.LoadError) as raised:
            car.load(case.path, spaces=case.spaces, **options)
        assert {item.rule for item in raised.value.report.errors} == {"SBX208"}
        return
    program = car.load(case.path, spaces=case.spaces, **options)
    assert differences(case, program) == []
