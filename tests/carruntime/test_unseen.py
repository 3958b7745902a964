"""Programs that nobody had looked at: they load, and pay what plain CPython pays."""

from __future__ import annotations

import pytest
import unseen

import carruntime as car


@pytest.mark.parametrize(("kind", "index"), unseen.programs()[::5])
def test_an_unseen_program_pays_what_plain_cpython_pays(kind: str, index: int) -> None:
    """A fifth of them; ``python -m benchmarks unseen`` takes all, and says which are compiled."""
    source = unseen.source_of(kind, index)
    program = car.load(source, spaces=unseen.spaces_of(kind), isolation="none")
    assert unseen.differences(program, kind, 40) == []
