"""Batches of a guest in a worker: dispatch, wait, take what came, blame, replace.

When a worker dies or has to be killed, the first row that is still pending is the one that ran, and
is blamed. Rows before it stand. Rows after it run again in a new worker if the program keeps no
state; if it does, all its state died with the worker, so they become STATE_LOST and `Ran.lost` says
which rows must be reset. Nothing is made up.
"""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox import wire
from sandbox.batches import BY_RUNNER, MAX_INDICES, Batch, Bools
from sandbox.doorbell import Bell
from sandbox.guest import After, GuestBase, Ran
from sandbox.holder import Holder, LostWorkerError
from sandbox.lane import Ended, Lane, Leaf, Places
from sandbox.native.library import library
from sandbox.native.tables import READY, UNDER_WAY, Kind
from sandbox.outcome import PENDING, Outcome
from sandbox.tiers.base import NO_FAILURE, Failure, Outputs
from sandbox.wire import Frame

if TYPE_CHECKING:
    from sandbox.limits import Limits

__all__ = ["MAX_REPLACEMENTS", "Dispatcher"]

MAX_REPLACEMENTS: Final = 8
"""Workers that one batch may use up before the rows that are left are given up."""
_SLOW_UNIT_S: Final = 1e-6
"""Seconds that a unit of fuel takes at most, roughly: 0.05 to 0.5 µs where it was measured."""
_SPIN_S: Final = 0.0002
_CAN_SPIN: Final = hasattr(os, "sched_yield")
UNRESOLVED: Final = -2
"""What a kernel writes as the failure of a row; its runner puts an index there when it returns."""


class Dispatcher(GuestBase):
    """The running half of `sandbox.isolated.WorkerGuest`; the other half starts workers."""

    def __init__(self, source: bytes, filename: str, limits: Limits) -> None:
        super().__init__(source, filename, limits)
        self._holder = Holder()
        self._remap = np.empty(0, np.int32)
        self._spin_s = _SPIN_S if _CAN_SPIN else 0.0
        self._shared_bytes: NDArray[np.uint8] | None = None
        self._shared: Outputs | None = None
        self._bell: Bell | None = None
        """The page of the bound batch size; `Holder.bell` is it while a worker listens to it."""
        self._untold: Bools = np.zeros(0, np.bool_)
        """Rows of the last batch that failed in a worker which could not tell how. Without state
        they are run again, and then it is told."""
        self._lanes: dict[bool, Lane] = {}
        """The short ways of a step (False) and of a reset (True)."""
        self._lent: dict[str, NDArray[Any]] = {}
        self._places: dict[str, Places] = {}

    @abstractmethod
    def _replace(self) -> None:
        """Start a worker that stands where the last one stood, without its rows' state."""

    def _must_be_open(self) -> None:
        self._holder.must_be_open(self.filename)

    def reset(self) -> Ran:
        """Start new episodes on the pending rows."""
        return self._run(reset=True)

    def step(self) -> Ran:
        """Run the pending rows."""
        return self._run(reset=False)

    def _run(self, *, reset: bool) -> Ran:
        with self._holder.using(self.filename):
            batch = self._must_have(self._batch, "bind")
            if self._holder.ready[0] == UNDER_WAY:
                # Interrupted between asking and taking the answer, which may still come.
                self._holder.drop()
                self._lose_all(batch, "the batch was interrupted")
            wanted = self._rows_to_run(batch, reset=reset)
            return self._complete(batch, wanted, None, reset=reset)

    def lane(
        self, leaves: Sequence[Leaf], after: After | None = None, *, reset: bool = False
    ) -> Lane | None:
        """Give the short way of a step or a reset; see `Guest.lane`."""
        batch = self._must_have(self._batch, "bind")
        shared = self._must_have(self._shared_bytes, "bind")
        bell = self._bell
        found = library()
        if bell is None or found is None:
            return None
        lane = Lane(
            found,
            batch,
            self._inputs,
            leaves,
            outputs=shared.ctypes.data,
            ready=self._holder.ready,
            bell=bell.table,
            after=after,
            alive=(bell, shared, self._lent),
            kind=Kind.RESET if reset else Kind.STEP,
        )
        if not reset:
            lane.lend(self._places)
        self._lanes[reset] = lane
        return lane

    def go_on(
        self, ended: int, block: NDArray[Any], mask: Bools | None, *, reset: bool = False
    ) -> bool:
        """Finish a step or a reset that a lane began; see `Guest.go_on`."""
        with self._holder.using(self.filename):
            batch = self._must_have(self._batch, "bind")
            lane = self._must_have(self._lanes.get(reset), "lane")
            rows = self._chosen(batch, mask)
            batch.out.outcome[~rows] = Outcome.SKIPPED
            batch.out.task_outcome[~rows] = Outcome.SKIPPED
            begin = time.monotonic()
            fine = False
            if ended != Ended.WAITING:
                lane.bring_home()

            def take(todo: Bools) -> LostWorkerError | None:
                nonlocal ended, fine
                if ended == Ended.WAITING:
                    try:
                        ended = self._wait(lambda: lane.wait(block, mask), todo, begin)
                    except LostWorkerError as lost:
                        lane.bring_home()
                        return self._take(batch, todo, lost)
                    fine = ended == Ended.FINE
                    if fine:
                        return None
                    lane.bring_home()
                if ended == Ended.LOOK:
                    return self._take(batch, todo, None, block)
                if ended == Ended.HOME:
                    return self._ask(batch, todo, Kind.RESUME, begin)
                return self._take(batch, todo, self._told(todo, begin))

            self._complete(batch, rows, take, reset=reset)
            return fine

    def _wait(self, look: Callable[[], int], rows: Bools, begin: float) -> int:
        """Wait for a worker that was asked by its bell."""
        child = self._holder.worker()
        patience = self._patience(rows, begin)
        deadline = time.monotonic() + self.limits.wall_s
        while (ended := look()) == Ended.WAITING:
            # Nobody rings for a worker that has died; its connection has ended.
            if wire.readable(child.sock, 0):
                return Ended.TOLD
            if time.monotonic() >= deadline:
                patience()
                deadline = time.monotonic() + self.limits.wall_s
        return ended

    def _complete(
        self,
        batch: Batch,
        wanted: Bools,
        first: Callable[[Bools], LostWorkerError | None] | None,
        *,
        reset: bool,
    ) -> Ran:
        """Run the wanted rows to their ends; ``first`` takes what was asked for already."""
        known = len(self._ledger.items)
        self._holder.ready[0] = 0
        if wanted.any():
            try:
                self._dispatch_all(batch, wanted, first, reset=reset)
            except BaseException:
                self._must_be_open()
                self._holder.drop()
                self._lose_all(batch, "the batch was interrupted")
                raise
        ran = self._finish(batch, wanted, known, reset=reset)
        self._settle(batch)
        return ran

    def _settle(self, batch: Batch) -> None:
        """Say whether the next step may go the short way."""
        short = self._holder.bell is not None and self._sound(batch)
        self._holder.ready[0] = READY if short else 0

    def _dispatch_all(
        self,
        batch: Batch,
        wanted: Bools,
        first: Callable[[Bools], LostWorkerError | None] | None,
        *,
        reset: bool,
    ) -> None:
        """Dispatch until every wanted row has an outcome."""
        blamed = np.zeros(batch.num_rows, np.bool_)
        todo = wanted
        used_up = 0
        while True:
            if self._holder.child is None and first is None:
                try:
                    self._replace()
                except LostWorkerError as no_worker:
                    self._must_be_open()
                    note = f"not run: there is no new worker: {no_worker.reason}"
                    index = self._note("WorkerLost", note)
                    self._give(batch, todo, no_worker.outcome, index)
                    return
            if first is None:
                lost = self._dispatch(batch, todo, reset=reset)
            else:
                lost, first = first(todo), None
            if lost is None:
                return
            self._must_be_open()
            used_up += 1
            pending = batch.pending(todo)
            if pending.any() and not lost.idle:
                self._blame(batch, int(pending.argmax()), lost)
                blamed[pending.argmax()] = True
            if batch.plan.stateful:
                why = self._lose_all(batch, f"the state went with its worker: {lost.reason}")
                if not reset:
                    self._lose(batch, batch.pending(todo), why)
                    return
                # What this reset made is gone too; it can be made again.
                todo = wanted & ~blamed
            elif used_up > MAX_REPLACEMENTS:
                todo = batch.pending(todo)
            else:
                todo = batch.pending(todo) | (self._untold & ~blamed)
            if not todo.any():
                return
            if used_up > MAX_REPLACEMENTS:
                note = f"not run: {used_up} workers ended on this batch; the last: {lost.reason}"
                self._give(batch, todo, lost.outcome, self._note("WorkerLost", note))
                return
            batch.out.outcome[todo] = PENDING
            if batch.num_tasks:
                batch.out.task_outcome[todo] = PENDING

    def _dispatch(self, batch: Batch, rows: Bools, *, reset: bool) -> LostWorkerError | None:
        """Dispatch rows once and take what comes back; why the worker was lost, if it was."""
        shared = self._must_have(self._shared, "bind")
        np.copyto(shared.outcome, batch.out.outcome)
        np.copyto(shared.task_outcome, batch.out.task_outcome)
        begin = time.monotonic()
        if self._holder.bell is not None:
            return self._ask(batch, rows, Kind.RESET if reset else Kind.STEP, begin)
        try:
            deadline = begin + self.limits.wall_s
            self._holder.send(Frame.RESET if reset else Frame.STEP, b"", deadline)
        except LostWorkerError as lost:
            return self._take(batch, rows, lost)
        told = self._told(rows, begin)
        # Spinning is for batches that are over before a sleeper would be awake.
        quick = _CAN_SPIN and time.monotonic() - begin < _SPIN_S
        self._spin_s = _SPIN_S if quick else 0.0
        return self._take(batch, rows, told)

    def _ask(self, batch: Batch, rows: Bools, kind: int, begin: float) -> LostWorkerError | None:
        """Ask by the bell for what is marked, and take what comes."""
        bell = self._must_have(self._holder.bell, "bind")
        bell.ask(kind)
        try:
            ended = self._wait(lambda: _ended(bell.answered()), rows, begin)
        except LostWorkerError as lost:
            return self._take(batch, rows, lost)
        return self._take(batch, rows, None if ended == Ended.FINE else self._told(rows, begin))

    def _told(self, rows: Bools, begin: float) -> LostWorkerError | None:
        """Receive the frame that ends a batch; why the worker was lost, if it was."""
        try:
            frame, body = self._frame_of(rows, begin)
            if frame is not Frame.RAN:
                raise self._holder.broken(frame, body)
            if body:
                self._learn(self._holder.read(wire.Progress, body).failures)
        except LostWorkerError as lost:
            if self._bell is not None and lost.outcome is Outcome.CRASHED:
                # Gone before it was asked, so no row can be blamed. One that lies about it is
                # asked anew, as often as workers are replaced.
                lost.idle = lost.idle or not self._bell.taken()
            return lost
        return None

    def _take(
        self,
        batch: Batch,
        rows: Bools,
        lost: LostWorkerError | None,
        block: NDArray[Any] | None = None,
    ) -> LostWorkerError | None:
        """Fetch and check what there is, also of a worker that was lost; why it was, if it was.

        Args:
            batch: The private arrays.
            rows: Those that were dispatched.
            lost: Why the worker is gone, if it is.
            block: What was fetched already; nothing is ever fetched twice.
        """
        if block is None:
            self._fetch(batch, rows)
        else:
            np.copyto(batch.bytes, block.view(np.uint8)[: batch.layout.size])
        unrun = batch.pending(rows)
        ended = rows & ~unrun if lost is not None or unrun.any() else rows
        unnamed = self._after_a_loss(batch, ended, lost) if lost is not None else None
        rude = batch.check(ended, self._remap, NO_FAILURE)
        if unnamed is not None:
            self._say_untold(batch, ended, unnamed)
        if rude or (lost is None and unrun.any()):
            self._holder.drop()
            if unnamed is None:
                self._untold = np.zeros(batch.num_rows, np.bool_)
            told = "the worker wrote results that no runner writes"
            if rude:
                nameless = ended & (batch.out.outcome == Outcome.CRASHED)
                batch.out.failure[nameless] = self._note("WorkerLost", told)
            lost = lost or LostWorkerError(Outcome.CRASHED, told)
        return lost

    def _frame_of(self, rows: Bools, begin: float) -> tuple[Frame, bytes]:
        """Wait for the answer of a batch as long as rows of it end."""
        patience = self._patience(rows, begin)
        while True:
            child = self._holder.worker()
            deadline = time.monotonic() + self.limits.wall_s
            try:
                frame, body = self._holder.received(child, deadline, spin_s=self._spin_s)
            except TimeoutError:
                patience()
                continue
            if frame is not Frame.NEWS:
                return frame, body
            self._learn(self._holder.read(wire.Progress, body).failures)

    def _patience(self, rows: Bools, begin: float) -> Callable[[], None]:
        """Give what is called each time that ``limits.wall_s`` has passed; it raises at the end.

        A row has ``limits.wall_s``, however many others stand before it; nobody is blamed for
        being the last of many slow ones. What all rows together may take is bounded by their
        fuel, so that native code in a worker cannot end a row now and then for ever.
        """
        outcome = self._must_have(self._shared, "bind").outcome
        waiting = int(np.count_nonzero(rows))
        end = begin + self.limits.wall_s + waiting * self.limits.fuel * _SLOW_UNIT_S

        def patience() -> None:
            nonlocal waiting
            still = int(np.count_nonzero(rows & (outcome == PENDING)))
            if still >= waiting or time.monotonic() >= end:
                raise self._holder.late()
            waiting = still

        return patience

    def _fetch(self, batch: Batch, rows: Bools) -> None:
        """Copy what the worker wrote for these rows, once; nothing later looks at the original."""
        if rows.all():
            np.copyto(batch.bytes, self._must_have(self._shared_bytes, "bind"))
            return
        shared = self._must_have(self._shared, "bind")
        for entry in fields(Outputs):
            mine = getattr(batch.out, entry.name)
            theirs = getattr(shared, entry.name)
            if entry.name in {"components", "present"}:
                mine[:, rows] = theirs[:, rows]
            else:
                mine[rows] = theirs[rows]

    def _after_a_loss(
        self, batch: Batch, ended: Bools, lost: LostWorkerError
    ) -> tuple[int, Bools, Bools]:
        """Prepare rows for their check whose failures the worker had not told.

        Returns:
            The index of what is said of them, and which of them, and of their tasks, had not even
            a number for their failure: a kernel was running.
        """
        self._hear_last_words()
        untold = self._note("WorkerLost", f"what the row raised went with it: {lost.reason}")
        rest = np.full(MAX_INDICES - len(self._remap), untold, np.int32)
        self._remap = np.concatenate([self._remap, rest])
        out = batch.out
        rows = ended & (out.failure == UNRESOLVED)
        tasks = ended[:, None] & (out.task_failure == UNRESOLVED)
        out.failure[rows] = NO_FAILURE
        out.task_failure[tasks] = NO_FAILURE
        return untold, rows, tasks

    def _say_untold(self, batch: Batch, ended: Bools, unnamed: tuple[int, Bools, Bools]) -> None:
        untold, rows, tasks = unnamed
        out = batch.out
        out.failure[rows & (out.failure == NO_FAILURE)] = untold
        out.task_failure[tasks & (out.task_failure == NO_FAILURE)] = untold
        self._untold = ended & (out.failure == untold)
        self._untold |= ended & (out.task_failure == untold).any(axis=1)

    def _hear_last_words(self) -> None:
        """Learn what the worker had told before it ended, as far as it makes sense."""
        words, self._holder.last_words = self._holder.last_words, []
        try:
            for body in words:
                self._learn(self._holder.read(wire.Progress, body).failures)
        except LostWorkerError:
            return

    def _learn(self, new: Sequence[Failure]) -> None:
        known = len(self._remap)
        if known + len(new) > MAX_INDICES:
            raise self._holder.broken_by("more failures than a runner keeps")
        places = [self._ledger.add(item) for item in new]
        self._remap = np.concatenate([self._remap, np.array(places, np.int32)])

    def _blame(self, batch: Batch, row: int, lost: LostWorkerError) -> None:
        """Say of the row that ran (and of its task that ran) how the worker ended."""
        out = batch.out
        index = self._note(
            "WorkerTimeout" if lost.outcome is Outcome.TIMED_OUT else "WorkerDied", lost.reason
        )
        out.outcome[row] = lost.outcome
        out.failure[row] = index
        out.reward[row] = 0.0
        out.components[:, row] = 0.0
        out.present[:, row] = False
        out.fuel[row] = max(0, int(out.fuel[row]))
        if batch.num_tasks:
            waiting = np.flatnonzero(~BY_RUNNER[out.task_outcome[row]])
            if len(waiting):
                out.tasks[row, waiting] = False
                out.task_outcome[row, waiting] = lost.outcome
                out.task_failure[row, waiting] = self._note(
                    "WorkerLost", f"not run: an earlier task of the row ended so: {lost.reason}"
                )
                out.task_failure[row, waiting[0]] = index
            self._clean_tasks(batch, row)

    def _clean_tasks(self, batch: Batch, row: int) -> None:
        """Bring the tasks of a blamed row that did run into order; nobody has checked them."""
        out = batch.out
        batch.task_bytes[row][out.task_outcome[row] != Outcome.OK] = 0
        np.minimum(batch.task_bytes[row], 1, out=batch.task_bytes[row])
        fine = out.task_outcome[row] == Outcome.OK
        out.task_failure[row][fine] = NO_FAILURE
        strange = (out.task_failure[row] < NO_FAILURE) | (
            out.task_failure[row] >= len(self._ledger.items)
        )
        out.task_failure[row][strange] = NO_FAILURE

    def _lose_all(self, batch: Batch, reason: str) -> int:
        """Note that no row has its state any more; the index of the reason."""
        index = self._note("StateLost", reason)
        if batch.plan.stateful:
            batch.why_lost[~batch.lost] = index
            batch.lost.fill(True)
        return index


def _ended(status: int) -> int:
    """Put the status of an answer as a lane does."""
    if status < 0:
        return Ended.WAITING
    return Ended.TOLD if status else Ended.FINE
