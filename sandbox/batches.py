"""The private arrays of one batch size, and the checks of what a runner left in them.

What the caller sees is never the memory a worker can write. It is a private copy, taken once and
then checked: a worker can change shared memory at any time, so what is checked and what is used
must be the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sandbox import shm
from sandbox.outcome import PENDING, Outcome
from sandbox.tiers.base import NO_FAILURE, Failure

if TYPE_CHECKING:
    from sandbox.plan import Plan

__all__ = ["BY_RUNNER", "MAX_FAILURES", "MAX_INDICES", "Batch", "Bools", "Ledger"]

MAX_FAILURES: Final = 4096
"""Distinct failures kept for one guest; all later ones share the last place."""
MAX_INDICES: Final = 1024
"""Failures that one runner may have; see `sandbox.tiers.base.Runner`."""

BY_RUNNER = np.zeros(256, np.bool_)
BY_RUNNER[[*range(Outcome.TIMED_OUT), Outcome.STATE_LOST]] = True
"""Outcomes that a runner may write; the others are for the host to give."""

Bools = NDArray[np.bool_]


class Ledger:
    """The failures of one guest, each once, under indices that outlive workers."""

    def __init__(self) -> None:
        self.items: list[Failure] = []
        self.places: dict[Failure, int] = {}

    def add(self, failure: Failure) -> int:
        """Keep a failure and give its index."""
        place = self.places.get(failure)
        if place is None:
            if len(self.items) >= MAX_FAILURES:
                return MAX_FAILURES - 1
            if len(self.items) == MAX_FAILURES - 1:
                failure = Failure(
                    "Failure", "sandbox", "one of more distinct failures than are kept", None
                )
            place = self.places[failure] = len(self.items)
            self.items.append(failure)
        return place

    def get(self, index: int) -> Failure | None:
        """Give the failure of an index, if it has one."""
        return self.items[index] if 0 <= index < len(self.items) else None


class Batch:
    """The private arrays of one batch size, and the checks of what comes back."""

    def __init__(self, plan: Plan, num_rows: int, components: int) -> None:
        self.plan = plan
        self.num_rows = num_rows
        self.num_tasks = len(plan.tasks)
        self.layout = shm.layout_of_outputs(num_rows, components, self.num_tasks)
        self.bytes = np.zeros(self.layout.size, np.uint8)
        self.out = shm.outputs_of(self.layout, self.bytes)
        self.lost = np.full(num_rows, plan.stateful)
        self.why_lost = np.full(num_rows, NO_FAILURE, np.int32)
        # A bool array with a byte that is neither 0 nor 1 is undefined behaviour in C; looked at
        # as bytes first.
        self.present_bytes = self.out.present.view(np.uint8)
        self.task_bytes = self.out.tasks.view(np.uint8)
        self.out.failure.fill(NO_FAILURE)
        self.out.task_failure.fill(NO_FAILURE)

    def pending(self, rows: Bools) -> Bools:
        """Give those of some rows that have no outcome yet."""
        found: Bools = rows & (self.out.outcome == PENDING)
        return found

    def check(self, rows: Bools, remap: NDArray[np.int32], blame: int) -> bool:
        """Check the rows that ended, in place; whether anything came that no runner writes.

        Args:
            rows: Those that were dispatched and are not pending.
            remap: Index in the ledger for each index of the worker's own failure list.
            blame: Index in the ledger for rows that hold nonsense.
        """
        out = self.out
        bad: Bools | None = None
        if not out.outcome.any() and not (
            self.num_tasks and (out.task_outcome.any() or self.task_bytes.max() > 1)
        ):
            # The common case, at a few microseconds: nothing is anything but OK.
            out.failure.fill(NO_FAILURE)
            out.task_failure.fill(NO_FAILURE)
        else:
            bad = self._check_codes(rows, remap)
        if out.present.size and self.present_bytes.max() > 1:
            rude = (self.present_bytes > 1).any(axis=0) & rows
            self.present_bytes[self.present_bytes > 1] = 0
            bad = rude if bad is None else bad | rude
        if out.fuel.min() < 0:
            rude = (out.fuel < 0) & rows
            np.maximum(out.fuel, 0, out=out.fuel)
            bad = rude if bad is None else bad | rude
        if bad is not None and bad.any():
            out.outcome[bad] = Outcome.CRASHED
            out.failure[bad] = blame
        else:
            bad = None
        self._check_numbers(rows)
        return bad is not None

    def _check_codes(self, rows: Bools, remap: NDArray[np.int32]) -> Bools:
        out = self.out
        bad: Bools = rows & ~BY_RUNNER[out.outcome]
        bad |= self._translate(out.failure, rows, remap)
        out.failure[rows & (out.outcome == Outcome.OK)] = NO_FAILURE
        if self.num_tasks:
            wide = np.broadcast_to(rows[:, None], out.task_outcome.shape)
            rude = wide & (~BY_RUNNER[out.task_outcome] | (self.task_bytes > 1))
            rude |= self._translate(out.task_failure, wide, remap)
            self.task_bytes[rude] = 0
            out.task_outcome[rude] = Outcome.CRASHED
            fine = out.task_outcome == Outcome.OK
            out.task_failure[wide & fine] = NO_FAILURE
            self.task_bytes[wide & ~fine] = 0
            bad |= rude.any(axis=1)
        return bad

    @staticmethod
    def _translate(found: NDArray[np.int32], rows: Bools, remap: NDArray[np.int32]) -> Bools:
        """Turn a worker's failure indices into the ledger's; which of them name nothing."""
        bad: Bools = rows & ((found < NO_FAILURE) | (found >= len(remap)))
        found[bad] = NO_FAILURE
        named = rows & (found >= 0)
        if named.any():
            found[named] = remap[found[named]]
        return bad

    def _check_numbers(self, rows: Bools) -> None:
        out = self.out
        finite = np.isfinite(out.reward)
        if len(out.components):
            finite &= np.isfinite(out.components).all(axis=0)
        if not finite.all():
            ill = rows & ~finite & (out.outcome == Outcome.OK)
            out.outcome[ill] = Outcome.NOT_FINITE
        if out.outcome.any():
            out.reward[rows & (out.outcome != Outcome.OK)] = 0.0
