"""How the rows of a session ended, counted.

A reward that a bad row was given looks like any other in a training curve. So whatever ``on_error``
says, every outcome is counted, of predicates too, and rewards outside a declared range with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.outcome import Outcome

__all__ = ["Counts"]

_OK = int(Outcome.OK)
_SKIPPED = int(Outcome.SKIPPED)


class Counts:
    """Counts of outcomes for rows and for each of K predicates.

    The arrays are written by native code as well, so they stay the same arrays.

    Attributes:
        by_row: How all rows ended, int64 by code.
        by_task: The same for each predicate, int64 ``[K, codes]``.
        outside_range: Rewards of good rows outside the declared range, int64 ``[1]``.
    """

    def __init__(
        self, task_at_reset: NDArray[np.bool_], reward_range: tuple[float, float] | None
    ) -> None:
        self._range = reward_range
        self._at_reset = task_at_reset
        self._resets = (0, 0)
        """Rows that began well, and the others of these resets, since they were last added."""
        self.by_row = np.zeros(len(Outcome), np.int64)
        self.by_task = np.zeros((len(task_at_reset), len(Outcome)), np.int64)
        self.outside_range = np.zeros(1, np.int64)

    @property
    def outside(self) -> int:
        """Rewards of good rows that were outside the declared range."""
        return int(self.outside_range[0])

    @property
    def rows(self) -> Counter[Outcome]:
        """How all rows ended; outcomes that never came are left out."""
        return _counter(self.by_row)

    @property
    def tasks(self) -> list[Counter[Outcome]]:
        """The same for each predicate, in order."""
        self._add_resets()
        return [_counter(counts) for counts in self.by_task]

    def add_rows(self, outcome: NDArray[np.uint8], reward: NDArray[np.float64]) -> None:
        """Count one batch."""
        if outcome.any():
            self.by_row += np.bincount(outcome, minlength=len(self.by_row))
        else:
            self.by_row[_OK] += len(outcome)
        if self._range is not None:
            outside = (reward < self._range[0]) | (reward > self._range[1])
            self.outside_range[0] += int((outside & (outcome == _OK)).sum())

    def add_tasks(self, task_outcome: NDArray[np.uint8]) -> None:
        """Count the predicates of one batch or reset, ``[N, K]``."""
        if not task_outcome.any():
            self.by_task[:, _OK] += len(task_outcome)
            return
        for k, counts in enumerate(self.by_task):
            counts += np.bincount(task_outcome[:, k], minlength=len(counts))  # noqa: PLW2901 - a view

    def add_reset(self, ran: int, idle: int) -> None:
        """Count a reset on which every predicate that ran went well.

        Args:
            ran: Rows that began an episode.
            idle: The other rows.
        """
        self._resets = (self._resets[0] + ran, self._resets[1] + idle)

    def _add_resets(self) -> None:
        """Bring the resets into the counts, which is only worth while when somebody reads them."""
        (ran, idle), self._resets = self._resets, (0, 0)
        self.by_task[self._at_reset, _OK] += ran
        self.by_task[self._at_reset, _SKIPPED] += idle
        self.by_task[~self._at_reset, _SKIPPED] += ran + idle

    def state_dict(self) -> dict[str, Any]:
        """Give all counts as plain data."""
        self._add_resets()
        return {"rows": self.by_row.copy(), "tasks": self.by_task.copy(), "outside": self.outside}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take counts that `state_dict` gave."""
        self._resets = (0, 0)
        self.by_row[...] = state["rows"]
        self.by_task[...] = state["tasks"]
        self.outside_range[0] = int(state["outside"])


def _counter(counts: NDArray[np.int64]) -> Counter[Outcome]:
    return Counter({code: int(counts[code]) for code in Outcome if counts[code]})
