"""What the programs of a session have seen in the episodes that are running.

Kept only if it is asked for, and needed only for classes: a function's row says everything. With
it a failure can be saved from the beginning of its episode, and a session can be continued in
another process by showing the new instances what the old ones saw. Programs are deterministic, so
that gives the same state; no object of a guest ever has to be stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from carruntime.reproduction import RecordedCall

__all__ = ["History", "Moment"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One call of the session: the rows it was for, bool ``[N]``, and the columns it showed."""

    call: Literal["reset", "step"]
    rows: NDArray[np.bool_]
    columns: Mapping[str, NDArray[Any]]


class History:
    """The moments since the beginning of the oldest running episode."""

    def __init__(self, num_envs: int) -> None:
        self._moments: list[Moment] = []
        self._begun = np.zeros(num_envs, np.bool_)

    def __len__(self) -> int:
        return len(self._moments)

    def __iter__(self) -> Iterator[Moment]:
        return iter(self._moments)

    def add(
        self,
        call: Literal["reset", "step"],
        rows: NDArray[np.bool_] | None,
        columns: Mapping[str, NDArray[Any]],
    ) -> None:
        """Copy one call; None stands for all rows."""
        mine = np.ones_like(self._begun) if rows is None else rows.copy()
        copied = {name: column.copy() for name, column in columns.items()}
        self._moments.append(Moment(call, mine, copied))
        if call == "reset":
            self._begun |= mine
            self._drop_old()

    def calls(self, row: int) -> tuple[RecordedCall, ...]:
        """Give what one environment's program has seen since its reset."""
        found: list[RecordedCall] = []
        for moment in self._moments:
            if not moment.rows[row]:
                continue
            if moment.call == "reset":
                found.clear()
            inputs = {name: column[row].copy() for name, column in moment.columns.items()}
            found.append(RecordedCall(moment.call, inputs))
        return tuple(found)

    def clear(self) -> None:
        """Forget everything."""
        self._moments.clear()
        self._begun[:] = False

    def _drop_old(self) -> None:
        """Leave out moments before the reset of the oldest episode that is still running."""
        missing = self._begun.copy()
        for place in range(len(self._moments) - 1, -1, -1):
            moment = self._moments[place]
            if moment.call == "reset":
                missing &= ~moment.rows
                if not missing.any():
                    del self._moments[:place]
                    return
