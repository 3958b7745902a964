"""The closed set of ways in which one row of a batch can end."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["PENDING", "Outcome"]


class Outcome(IntEnum):
    """How one row of a batch ended; stored as ``uint8``."""

    OK = 0
    ERROR = 1
    """The program raised. Its state stays as the raise left it."""
    NOT_FINITE = 2
    """The value, or a named part of it, is NaN or infinite."""
    BAD_RESULT = 3
    """The program returned something that is not a number, or a part unknown at load."""
    OUT_OF_FUEL = 4
    OUT_OF_MEMORY = 5
    TIMED_OUT = 6
    """The wall clock of the batch ran out while this row ran."""
    CRASHED = 7
    """The worker process died while this row ran."""
    STATE_LOST = 8
    """The state of this row went with an earlier worker or an earlier limit; reset it."""
    SKIPPED = 9
    """Masked out by the caller; nothing ran."""

    @property
    def loses_state(self) -> bool:
        """Whether a stateful program must be reset before its next step."""
        return Outcome.OUT_OF_FUEL <= self <= Outcome.STATE_LOST


PENDING: Final = 255
"""Marks a row that is still to run. The host writes it, a runner replaces it, row by row.

A row that still has it after a batch is one that never ran, which is how the host tells the
running row (the first one pending) from later ones when a worker dies.
"""
