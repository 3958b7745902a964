"""What a guest is to its caller, and what both kinds of guest do alike.

A guest is one program. A batch goes like this: the caller writes the inputs, marks the rows to run
as PENDING in ``outputs.outcome`` and calls `step`; the guest runs them, and when it returns every
such row has an outcome. What the caller sees in ``outputs`` is private to this process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from sandbox import wire
from sandbox.batches import Batch, Bools, Ledger
from sandbox.diagnostics import Finding, Report
from sandbox.errors import ProgramRefusedError, UsageError
from sandbox.lane import ELSEWHERE, Places
from sandbox.outcome import PENDING, Outcome
from sandbox.tiers.base import NO_FAILURE, Failure, Outputs
from sandbox.wire import Loaded

if TYPE_CHECKING:
    from sandbox.lane import Lane, Leaf
    from sandbox.limits import Limits
    from sandbox.plan import Normal, Outline, Plan

__all__ = [
    "After",
    "Buffers",
    "Guest",
    "GuestBase",
    "Isolation",
    "Ran",
    "Require",
    "TierWish",
    "check_rows",
    "sets_of",
]

Isolation = Literal["process", "none"]
Require = Literal["any", "seccomp", "full"]
TierWish = Literal["auto", "interpreted", "compiled"]

_LOSES_STATE = np.zeros(256, np.bool_)
_LOSES_STATE[[code for code in Outcome if code.loses_state]] = True

T = TypeVar("T")
After: TypeAlias = tuple[int, NDArray[np.int64], object]
"""Address of a native function, its table, and an owner of the memory that it uses."""


@dataclass(frozen=True, slots=True)
class Buffers:
    """The arrays of one batch size.

    Attributes:
        inputs: Column name to array, written by the caller before each batch.
        outputs: Results, private to the caller. Rows that are not PENDING keep what they hold.
    """

    inputs: dict[str, NDArray[Any]]
    outputs: Outputs


@dataclass(frozen=True, slots=True)
class Ran:
    """What a batch did beside filling the outputs.

    Attributes:
        lost: Rows whose state is gone and that must be reset before they run again, bool ``[N]``;
            None where there are none.
        failures: Failures that are new, by the index that ``outputs.failure`` uses.
    """

    lost: Bools | None
    failures: dict[int, Failure]


class Guest(Protocol):
    """One program. Not safe to use from two threads at once, except for `close`."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What reading the source found."""

    @property
    def outline(self) -> Outline | None:
        """Names and parameters of the source; None where it was refused."""

    @property
    def sketch(self) -> Outline | None:
        """The same of a refused source that could be read; for `judge` only."""

    @property
    def normal(self) -> Normal | None:
        """Digests of the tree, by which two sources can be told to be one program."""

    @property
    def digest(self) -> str:
        """SHA-256 of the source in hex."""

    @property
    def text(self) -> str:
        """The decoded source that spans refer to."""

    @property
    def filename(self) -> str:
        """Name for people."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that stand between the program and this machine."""

    @property
    def report(self) -> Report:
        """The findings with the text they refer to."""

    @property
    def recalled(self) -> tuple[int, int] | None:
        """Calls looked up among results that are kept, and found; see `sandbox.recall`.

        None where no results are kept. Of a worker these are its own words.
        """

    def judge(self, plan: Plan) -> tuple[Finding, ...]:
        """Give the findings that need a plan, of a source that will not be built."""

    def build(self, plan: Plan, tier: TierWish = "auto") -> Loaded:
        """Make the source into something that runs.

        Raises:
            ProgramRefusedError: If it cannot be, or not in the tier asked for.
            WorkerTimeoutError: If it took longer than ``limits.compile_s``.
            WorkerDiedError: If the worker died of it.
        """

    def bind(self, num_rows: int, spin_s: float | None = None) -> Buffers:
        """Make the arrays for batches of this size; every row's state is forgotten.

        Args:
            num_rows: Rows of a batch.
            spin_s: Seconds that a wait for a worker may keep a core busy before it sleeps, giving
                the core away in between. 0 for none; a fifth of a millisecond if left out.
        """

    def reset(self) -> Ran:
        """Start new episodes on the pending rows."""

    def step(self) -> Ran:
        """Run the pending rows."""

    def lane(
        self, leaves: Sequence[Leaf], after: After | None = None, *, reset: bool = False
    ) -> Lane | None:
        """Give the short way of a step or a reset of the bound batch size; None without one.

        Args:
            leaves: Where in its arguments the columns of the inputs are.
            after: Address of a function that is called with a table, the block and the mask where
                all went well, the table, and an owner of the memory that it uses.
            reset: Whether it is for resets.
        """

    def lend(
        self, arrays: Sequence[tuple[str, str, tuple[int, ...]]], columns: Mapping[str, str]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        """Make two more sets of arrays from which a compiled program can read.

        A step by the lane whose arguments are these very arrays copies nothing; other tiers and
        other ways copy as ever.

        Args:
            arrays: Name, dtype and shape of each.
            columns: Name of a column to the name of the array that may stand in for it, of the
                same dtype and shape.

        Returns:
            The two sets by name; all zero.
        """

    def go_on(
        self, ended: int, block: NDArray[Any], mask: Bools | None, *, reset: bool = False
    ) -> bool:
        """Finish a step or a reset that a lane began and handed back.

        Args:
            ended: What it gave: WAITING, LOOK, TOLD, HOME or from STOPPED down, see
                `sandbox.lane.Ended`.
            block: The block it was given.
            mask: The mask it was given.
            reset: Whether it was a reset.

        Returns:
            Whether all went well, so that the block has the results and ``after`` was called;
            otherwise they are in the bound ``outputs``, as after `step`.
        """

    def failure(self, index: int) -> Failure | None:
        """Give the failure that an output index names; None for ``NO_FAILURE``."""

    def close(self) -> None:
        """End it. May be called again, and from another thread while a batch runs."""


class GuestBase:
    """What both kinds of guest do alike: they hold a batch, its lost rows and its failures."""

    def __init__(self, source: bytes, filename: str, limits: Limits) -> None:
        self.filename = filename
        self.limits = limits
        self.digest = hashlib.sha256(source).hexdigest()
        self.findings: tuple[Finding, ...] = ()
        self.outline: Outline | None = None
        self.sketch: Outline | None = None
        self.normal: Normal | None = None
        self.text = ""
        self._source = source
        self._ledger = Ledger()
        self._plan: Plan | None = None
        self._loaded: Loaded | None = None
        self._batch: Batch | None = None
        self._inputs: dict[str, NDArray[Any]] = {}

    @property
    def report(self) -> Report:
        """The findings with the text they refer to."""
        return Report(filename=self.filename, source=self.text, findings=self.findings)

    @property
    def recalled(self) -> tuple[int, int] | None:
        """Calls looked up among results that are kept, and found; see `Guest.recalled`."""
        keeps = self._loaded is not None and dict(self._loaded.facts).get("looked_up", 0)
        return self._counted() if keeps else None

    def _counted(self) -> tuple[int, int] | None:
        raise NotImplementedError

    def failure(self, index: int) -> Failure | None:
        """Give the failure that an output index names; None for ``NO_FAILURE``."""
        return self._ledger.get(int(index))

    def _note(self, name: str, text: str) -> int:
        """Make a failure of our own; its index."""
        return self._ledger.add(Failure(name, "sandbox", text[: wire.MAX_TEXT - 1], None))

    def _refuse(self, findings: tuple[Finding, ...]) -> ProgramRefusedError:
        return ProgramRefusedError(Report(self.filename, self.text, findings))

    def _must_build(self) -> None:
        if self.outline is None:
            raise self._refuse(self.findings)

    def _must_have(self, value: T | None, first: str) -> T:
        if value is None:
            raise UsageError(f"{self.filename}: call {first} first")
        return value

    def _rows_to_run(self, batch: Batch, *, reset: bool) -> Bools:
        """Give the pending rows that have what they need; say of the others that they lost it."""
        out = batch.out
        rows: Bools = out.outcome == PENDING
        if batch.num_tasks:
            wide = rows[:, None]
            np.copyto(out.task_outcome, PENDING, where=wide)
        if batch.plan.stateful and not reset and batch.lost.any():
            doomed = rows & batch.lost
            why = batch.why_lost[doomed]
            if (why == NO_FAILURE).any():
                why[why == NO_FAILURE] = self._note("StateLost", "the row was never reset")
            self._lose(batch, doomed, why)
            rows &= ~batch.lost
        return rows

    def _lose(self, batch: Batch, rows: Bools, why: Any) -> None:
        self._give(batch, rows, Outcome.STATE_LOST, why)

    @staticmethod
    def _chosen(batch: Batch, mask: Bools | None) -> Bools:
        return np.ones(batch.num_rows, np.bool_) if mask is None else mask.copy()

    def _places_of(
        self, columns: Mapping[str, str], views: Mapping[str, NDArray[Any]]
    ) -> dict[str, Places]:
        """Say where each column may lie, by addresses of this process."""
        numbers = {name: number for number, name in enumerate(self._inputs)}
        return {
            column: Places(
                numbers[column],
                self._inputs[column].ctypes.data,
                views[f"0/{name}"].ctypes.data,
                views[f"1/{name}"].ctypes.data,
            )
            for column, name in columns.items()
            if column in numbers and numbers[column] < ELSEWHERE
        }

    def _sound(self, batch: Batch) -> bool:
        """Whether every row has the state that it needs."""
        return not (batch.plan.stateful and bool(batch.lost.any()))

    @staticmethod
    def _give(batch: Batch, rows: Bools, outcome: Outcome, failure: Any) -> None:
        """End rows that did not run, in every field."""
        out = batch.out
        out.reward[rows] = 0.0
        out.components[:, rows] = 0.0
        out.present[:, rows] = False
        out.fuel[rows] = 0
        out.failure[rows] = failure
        if batch.num_tasks:
            out.tasks[rows] = False
            out.task_outcome[rows] = outcome
            out.task_failure[rows] = np.reshape(failure, (-1, 1))
        out.outcome[rows] = outcome

    def _finish(self, batch: Batch, rows: Bools, known: int, *, reset: bool) -> Ran:
        """Keep account of the rows that lost their state and say what is new."""
        lost = None
        if batch.plan.stateful:
            out = batch.out
            if reset:
                batch.lost[rows] = False
                batch.why_lost[rows] = NO_FAILURE
            if out.outcome.any():
                gone = rows & _LOSES_STATE[out.outcome]
                fresh = gone & ~batch.lost
                batch.lost |= gone
                for row in np.flatnonzero(fresh).tolist():
                    why = int(out.failure[row])
                    if why == NO_FAILURE:
                        ended = Outcome(int(out.outcome[row])).name
                        why = self._note("StateLost", f"the row ended with {ended}; reset it")
                    batch.why_lost[row] = why
            if batch.lost.any():
                lost = batch.lost.copy()
        items = self._ledger.items
        return Ran(lost, {place: items[place] for place in range(known, len(items))})


def check_rows(num_rows: int) -> None:
    """Refuse what is no number of rows."""
    if not isinstance(num_rows, int) or num_rows < 1:
        raise UsageError(f"bind: num_rows is {num_rows!r}; want a whole number from 1 on")


def sets_of(
    views: Mapping[str, NDArray[Any]],
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Take two sets of arrays apart; see `sandbox.shm.layout_of_sets`."""
    first, second = (
        {name[2:]: array for name, array in views.items() if name.startswith(f"{one}/")}
        for one in (0, 1)
    )
    return first, second
