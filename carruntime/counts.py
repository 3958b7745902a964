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


class Counts:
    """Counts of outcomes for rows and for each of K predicates.

    Attributes:
        outside: Rewards of good rows that were outside the declared range.
    """

    def __init__(self, num_tasks: int, reward_range: tuple[float, float] | None) -> None:
        self.outside = 0
        self._range = reward_range
        self._rows = np.zeros(len(Outcome), np.int64)
        self._tasks = np.zeros((num_tasks, len(Outcome)), np.int64)

    @property
    def rows(self) -> Counter[Outcome]:
        """How all rows ended; outcomes that never came are left out."""
        return _counter(self._rows)

    @property
    def tasks(self) -> list[Counter[Outcome]]:
        """The same for each predicate, in order."""
        return [_counter(counts) for counts in self._tasks]

    def add_rows(self, outcome: NDArray[np.uint8], reward: NDArray[np.float64]) -> None:
        """Count one batch."""
        if outcome.any():
            self._rows += np.bincount(outcome, minlength=len(self._rows))
        else:
            self._rows[_OK] += len(outcome)
        if self._range is not None:
            outside = (reward < self._range[0]) | (reward > self._range[1])
            self.outside += int((outside & (outcome == _OK)).sum())

    def add_tasks(self, task_outcome: NDArray[np.uint8]) -> None:
        """Count the predicates of one batch or reset, ``[N, K]``."""
        if not task_outcome.any():
            self._tasks[:, _OK] += len(task_outcome)
            return
        for k, counts in enumerate(self._tasks):
            counts += np.bincount(task_outcome[:, k], minlength=len(counts))  # noqa: PLW2901 - a view

    def state_dict(self) -> dict[str, Any]:
        """Give all counts as plain data."""
        return {"rows": self._rows.copy(), "tasks": self._tasks.copy(), "outside": self.outside}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take counts that `state_dict` gave."""
        self._rows[...] = state["rows"]
        self._tasks[...] = state["tasks"]
        self.outside = int(state["outside"])


def _counter(counts: NDArray[np.int64]) -> Counter[Outcome]:
    return Counter({code: int(counts[code]) for code in Outcome if counts[code]})
