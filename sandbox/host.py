"""The host's side of a guest: hand over the source, dispatch batches, hold the deadline.

A guest is one program in one worker process (`WorkerGuest`), or in this process if the caller asked
for ``isolation="none"`` (`InProcessGuest`). Both are used alike. A batch goes like this: the caller
writes the inputs, marks the rows to run as PENDING in ``outputs.outcome`` and calls `step`; the
guest dispatches them, waits, and when it returns every such row has an outcome.

What the caller sees in ``outputs`` is never the memory a worker can write. It is a private copy,
taken once and then checked: a worker can change shared memory at any time, so what is checked and
what is used must be the same bytes.

When a worker dies or has to be killed, the first row that is still pending is the one that ran, and
is blamed. Rows before it stand. Rows after it run again in a new worker if the program keeps no
state; if it does, all its state died with the worker, so they become STATE_LOST and `Ran.lost` says
which rows must be reset. Nothing is made up.
"""

from __future__ import annotations

import hashlib
import math
import os
import socket
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sandbox import layers, shm, spawn, wire
from sandbox.diagnostics import Finding, Report
from sandbox.errors import (
    IsolationError,
    ProgramRefusedError,
    ProtocolError,
    SandboxError,
    UsageError,
    WorkerDiedError,
    WorkerTimeoutError,
)
from sandbox.outcome import PENDING, Outcome
from sandbox.rules import RULES
from sandbox.tiers.base import NO_FAILURE, Failure, Outputs, TierReason
from sandbox.wire import Frame, Loaded
from sandbox.worker import PASSES, load_passes, unfit_names

if TYPE_CHECKING:
    from sandbox.limits import Limits
    from sandbox.plan import Outline, Plan

__all__ = [
    "Buffers",
    "Guest",
    "InProcessGuest",
    "Isolation",
    "Loaded",
    "Ran",
    "Require",
    "WorkerGuest",
    "open_guest",
]

Isolation = Literal["process", "none"]
Require = Literal["any", "seccomp", "full"]
TierWish = Literal["auto", "interpreted", "compiled"]

MAX_REPLACEMENTS: Final = 8
"""Workers that one batch may use up before the rows that are left are given up."""
MAX_FAILURES: Final = 4096
"""Distinct failures kept for one guest; all later ones share the last place."""
_MAX_INDICES: Final = 1024
"""Failures that one runner may have; see `sandbox.tiers.base.Runner`."""
_SLOW_UNIT_S: Final = 1e-6
"""Seconds that a unit of fuel takes at most, roughly: 0.05 to 0.5 µs where it was measured."""
_SPIN_S: Final = 0.0002
_CAN_SPIN: Final = hasattr(os, "sched_yield")
_GRACE_S: Final = 0.25
"""Seconds for a worker that hung up to be gone, so that how it ended can be told."""

_BY_RUNNER = np.zeros(256, np.bool_)
_BY_RUNNER[[*range(Outcome.TIMED_OUT), Outcome.STATE_LOST]] = True
"""Outcomes that a runner may write; the others are for the host to give."""
_LOSES_STATE = np.zeros(256, np.bool_)
_LOSES_STATE[[code for code in Outcome if code.loses_state]] = True

Bools = NDArray[np.bool_]
T = TypeVar("T")


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

    def build(self, plan: Plan, tier: TierWish = "auto") -> Loaded:
        """Make the source into something that runs.

        Raises:
            ProgramRefusedError: If it cannot be, or not in the tier asked for.
            WorkerTimeoutError: If it took longer than ``limits.compile_s``.
            WorkerDiedError: If the worker died of it.
        """

    def bind(self, num_rows: int) -> Buffers:
        """Make the arrays for batches of this size; every row's state is forgotten."""

    def reset(self) -> Ran:
        """Start new episodes on the pending rows."""

    def step(self) -> Ran:
        """Run the pending rows."""

    def failure(self, index: int) -> Failure | None:
        """Give the failure that an output index names; None for ``NO_FAILURE``."""

    def close(self) -> None:
        """End it. May be called again, and from another thread while a batch runs."""


def open_guest(
    source: bytes,
    *,
    filename: str = "<program>",
    limits: Limits,
    isolation: Isolation = "process",
    require: Require | None = None,
) -> Guest:
    """Hand a source to a new worker (or to the passes in this process) and read what it is.

    Args:
        source: Untrusted bytes.
        filename: Name for people; never opened.
        limits: What the program may use.
        isolation: ``"process"``, or ``"none"`` for text that the caller trusts like its own code.
        require: Least isolation to go on with. ``"seccomp"``, which holds in a worker process if
            left out, asks for the system-call filter, resource limits, closed descriptors and
            no-new-privileges; ``"full"`` for every layer of `sandbox.layers` and sealed memory;
            ``"any"`` takes what the system has.

    Returns:
        A guest; look at its ``outline`` before building.

    Raises:
        IsolationError: If less than ``require`` can be had.
        WorkerTimeoutError: If reading took longer than ``limits.compile_s``.
        WorkerDiedError: If the worker died of reading it.
    """
    if require not in {None, "any", "seccomp", "full"}:
        raise UsageError(f"require is {require!r}; want 'any', 'seccomp' or 'full'")
    if isolation not in {"process", "none"}:
        raise UsageError(f"isolation is {isolation!r}; want 'process' or 'none'")
    if isolation == "process":
        return WorkerGuest(source, filename=filename, limits=limits, require=require or "seccomp")
    if require not in {None, "any"}:
        raise IsolationError(
            f"require={require!r} cannot be met with isolation='none', which runs the program in "
            f"this process; leave isolation out, or leave require out for text you trust"
        )
    return InProcessGuest(source, filename=filename, limits=limits)


def _must_hold(require: Require, held: tuple[str, ...]) -> None:
    """Refuse to go on with a worker that stands under less than was asked for."""
    wanted = {"any": frozenset[str](), "seccomp": layers.LEAST, "full": layers.FULL}[require]
    missing = sorted(wanted - set(held))
    if require == "full" and not shm.seals_hold():
        missing.append("sealed-inputs")
    if missing:
        weaker = "require='seccomp' or " if require == "full" else ""
        raise IsolationError(
            f"require={require!r} cannot be met: this system does not offer a worker "
            f"{', '.join(missing)}; see sandbox.doctor(), or pass {weaker}require='any' to run "
            f"the program with less around it"
        )


class _Ledger:
    """The failures of one guest, each once, under indices that outlive workers."""

    def __init__(self) -> None:
        self.items: list[Failure] = []
        self.places: dict[Failure, int] = {}

    def add(self, failure: Failure) -> int:
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
        return self.items[index] if 0 <= index < len(self.items) else None


class _Batch:
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
        bad: Bools = rows & ~_BY_RUNNER[out.outcome]
        bad |= self._translate(out.failure, rows, remap)
        out.failure[rows & (out.outcome == Outcome.OK)] = NO_FAILURE
        if self.num_tasks:
            wide = np.broadcast_to(rows[:, None], out.task_outcome.shape)
            rude = wide & (~_BY_RUNNER[out.task_outcome] | (self.task_bytes > 1))
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


class _Guest:
    """What both kinds of guest do alike: they hold a batch, its lost rows and its failures."""

    def __init__(self, source: bytes, filename: str, limits: Limits) -> None:
        self.filename = filename
        self.limits = limits
        self.digest = hashlib.sha256(source).hexdigest()
        self.findings: tuple[Finding, ...] = ()
        self.outline: Outline | None = None
        self.text = ""
        self._source = source
        self._ledger = _Ledger()
        self._plan: Plan | None = None
        self._loaded: Loaded | None = None
        self._batch: _Batch | None = None

    @property
    def report(self) -> Report:
        """The findings with the text they refer to."""
        return Report(filename=self.filename, source=self.text, findings=self.findings)

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

    def _rows_to_run(self, batch: _Batch, *, reset: bool) -> Bools:
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

    def _lose(self, batch: _Batch, rows: Bools, why: Any) -> None:
        self._give(batch, rows, Outcome.STATE_LOST, why)

    @staticmethod
    def _give(batch: _Batch, rows: Bools, outcome: Outcome, failure: Any) -> None:
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

    def _finish(self, batch: _Batch, rows: Bools, known: int, *, reset: bool) -> Ran:
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


class InProcessGuest(_Guest):
    """A program in this process: the same checks on its text, and no wall around it.

    There is no deadline either: a batch that blocks, blocks the caller. For text the caller trusts.
    """

    layers: tuple[str, ...] = ()

    def __init__(
        self, source: bytes, *, filename: str, limits: Limits, passes: str = PASSES
    ) -> None:
        super().__init__(source, filename, limits)
        self._passes = load_passes(passes)
        self._analysis = self._passes.analyse(source, filename, limits)
        self._closed = False
        self._runner: Any = None
        self._remap = np.empty(0, np.int32)
        self.findings = self._analysis.findings
        self.outline = self._analysis.outline
        self.text = self._analysis.text

    def build(self, plan: Plan, tier: TierWish = "auto") -> Loaded:
        """Make the source into something that runs; see `Guest.build`."""
        self._must_be_open()
        self._must_build()
        built = self._passes.build(self._analysis, plan, self.limits, tier)
        unfit = unfit_names(built.component_names)
        if unfit:
            raise self._refuse((*built.findings, *unfit))
        self._runner = built.runner
        self._remap = np.empty(0, np.int32)
        self._plan = plan
        self._batch = None
        core = tuple(str(getattr(built.runner, "core_text", "")).splitlines())
        self._loaded = Loaded(
            built.runner.tier, built.tier_reason, built.component_names, built.findings, core
        )
        return self._loaded

    def bind(self, num_rows: int) -> Buffers:
        """Make the arrays for batches of this size; every row's state is forgotten."""
        self._must_be_open()
        plan = self._must_have(self._plan, "build")
        loaded = self._must_have(self._loaded, "build")
        _check_rows(num_rows)
        batch = _Batch(plan, num_rows, len(loaded.component_names))
        layout = shm.layout_of_inputs(plan.schema, num_rows)
        inputs = layout.views(np.zeros(layout.size, np.uint8))
        readable = {name: _read_only(array) for name, array in inputs.items()}
        self._runner.bind(num_rows, readable, batch.out)
        self._batch = batch
        return Buffers(inputs, batch.out)

    def reset(self) -> Ran:
        """Start new episodes on the pending rows."""
        return self._run(reset=True)

    def step(self) -> Ran:
        """Run the pending rows."""
        return self._run(reset=False)

    def _run(self, *, reset: bool) -> Ran:
        self._must_be_open()
        batch = self._must_have(self._batch, "bind")
        rows = self._rows_to_run(batch, reset=reset)
        known = len(self._ledger.items)
        if rows.any():
            if reset:
                self._runner.reset()
            else:
                self._runner.step()
            self._learn()
            if batch.pending(rows).any():
                raise ProtocolError(f"{self.filename}: the runner left rows unrun")
            batch.check(rows, self._remap, NO_FAILURE)
        return self._finish(batch, rows, known, reset=reset)

    def _learn(self) -> None:
        new = self._runner.failures[len(self._remap) :]
        if new:
            # Packed as if it were sent: texts are cut and escaped alike on both paths.
            told = wire.unpack(wire.Progress, wire.pack(wire.Progress(tuple(new)))).failures
            places = [self._ledger.add(item) for item in told]
            self._remap = np.concatenate([self._remap, np.array(places, np.int32)])

    def close(self) -> None:
        """End it. May be called again."""
        self._closed = True
        self._runner = None

    def _must_be_open(self) -> None:
        if self._closed:
            raise UsageError(f"{self.filename}: this guest is closed; open a new one")


class _LostWorkerError(Exception):
    """A worker is gone, or was made to go, in the middle of something."""

    def __init__(self, outcome: Outcome, reason: str, *, idle: bool = False) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.idle = idle
        """Whether it was gone before it was asked, so that no row can be blamed."""


class WorkerGuest(_Guest):
    """A program in a worker process of its own, replaced whenever it dies."""

    def __init__(
        self,
        source: bytes,
        *,
        filename: str,
        limits: Limits,
        zygote: spawn.Zygote | None = None,
        require: Require = "any",
    ) -> None:
        """Start a worker and let it read the source.

        Args:
            source: Untrusted bytes.
            filename: Name for people; never opened.
            limits: What the program may use.
            require: Least isolation to go on with; see `open_guest`.
            zygote: What to fork workers from; the one of this process if left out.
        """
        super().__init__(source, filename, limits)
        self._zygote = zygote
        self._require: Require = require
        self._tier: TierWish = "interpreted"
        self._holder = _Holder()
        self._end = weakref.finalize(self, self._holder.close)
        self._remap = np.empty(0, np.int32)
        self._spin_s = _SPIN_S if _CAN_SPIN else 0.0
        self._locked: spawn.Child | None = None
        """The worker that has built once, and so has locked itself a second time."""
        self._shared_bytes: NDArray[np.uint8] | None = None
        self._shared: Outputs | None = None
        self.layers: tuple[str, ...] = ()
        if len(source) > limits.source_bytes:
            # Refused before it is sent, so that a text of gigabytes costs nothing.
            self.findings = (
                RULES["SBX103"].finding(
                    None,
                    what="bytes",
                    count=len(source),
                    limit=limits.source_bytes,
                    setting="source_bytes",
                ),
            )
            self._source = b""
            return
        try:
            checked = self._start(compiles=False)
        except _LostWorkerError as lost:
            self._holder.drop()
            self.findings = (self._unreadable(lost),)
        except BaseException:
            self.close()
            raise
        else:
            self.findings = checked.findings
            self.outline = checked.outline
            self.text = checked.text

    # Starting ------------------------------------------------------------------------------

    def _start(self, *, compiles: bool) -> wire.Checked:
        """Fork a worker and let it read the source."""
        limits = self.limits
        holder = self._holder
        holder.drop()
        try:
            child = spawn.fork(
                self._zygote,
                compiles=compiles,
                memory_bytes=limits.worker_memory_bytes,
                cpu_s=4 * limits.compile_s,
            )
        except WorkerDiedError as error:
            if self._loaded is None:  # nothing to do with this program; say so to the caller
                raise
            raise _LostWorkerError(Outcome.CRASHED, error.reason) from error
        holder.take(child)
        self._remap = np.empty(0, np.int32)
        deadline = time.monotonic() + limits.compile_s
        try:
            ready = self._answer(wire.Ready, Frame.READY, deadline)
        except _LostWorkerError as lost:
            self._must_be_open()
            if self._loaded is not None or lost.outcome is Outcome.TIMED_OUT:
                raise
            # It has not seen the program yet, so this is not the program's doing.
            raise IsolationError(
                f"no worker could be locked: {lost.reason}; see sandbox.doctor()"
            ) from None
        self.layers = ready.layers
        try:
            _must_hold(self._require, ready.layers)
        except IsolationError:
            holder.drop()
            raise
        request = wire.pack(wire.CheckRequest(self._source, self.filename, limits))
        self._send(Frame.CHECK, request, deadline)
        return self._answer(wire.Checked, Frame.CHECKED, deadline)

    def _unreadable(self, lost: _LostWorkerError) -> Finding:
        """Turn a worker that a text killed into a finding about the text."""
        if lost.outcome is Outcome.TIMED_OUT:
            return RULES["SBX115"].finding(None, seconds=f"{self.limits.compile_s:g}")
        return RULES["SBX116"].finding(None, reason=lost.reason)

    def build(self, plan: Plan, tier: TierWish = "auto") -> Loaded:
        """Make the source into something that runs; see `Guest.build`."""
        with self._holder.using(self.filename):
            self._must_build()
            self._plan, self._tier, self._batch = plan, tier, None
            # A worker that was forked before the compiler was imported is for checking, and one
            # that has run code of the guest has given up what a compiler needs.
            child = self._holder.child
            cold = tier != "interpreted" and not (child is not None and child.warm)
            fresh = cold or child is self._locked
            try:
                self._loaded = self._build(fresh=fresh)
            except _LostWorkerError as lost:
                self._must_be_open()
                if tier != "auto":
                    raise self._as_error(lost, "compile_s") from None
                self._loaded = self._build_without_compiler(lost)
            # From here on a replacement need not try what is known not to work.
            self._tier = self._loaded.tier
            return self._loaded

    def _build_without_compiler(self, lost: _LostWorkerError) -> Loaded:
        """Go on in the interpreted tier with a program that was too much for the compiler."""
        self._tier = "interpreted"
        try:
            loaded = self._build(fresh=True)
        except _LostWorkerError as again:
            self._must_be_open()
            raise self._as_error(again, "compile_s") from None
        if lost.outcome is Outcome.TIMED_OUT:
            why = f"compiling took longer than limits.compile_s ({self.limits.compile_s:g} s)"
            return replace(loaded, tier_reason=TierReason("CMP910", why))
        return replace(loaded, tier_reason=TierReason("CMP911", f"compiling failed: {lost.reason}"))

    def _build(self, *, fresh: bool) -> Loaded:
        plan = self._must_have(self._plan, "build")
        if fresh or self._holder.child is None:
            self._start(compiles=self._tier != "interpreted")
        deadline = time.monotonic() + self.limits.compile_s
        self._send(Frame.BUILD, wire.pack(wire.BuildRequest(plan, self._tier)), deadline)
        frame, body = self._frame(deadline)
        if frame is Frame.REFUSED:
            raise self._refuse(self._read(wire.Refused, body).findings)
        if frame is not Frame.LOADED:
            raise self._broken(frame, body)
        loaded = self._read(wire.Loaded, body)
        self._locked = self._holder.child
        self.layers = (*self.layers, *loaded.layers)
        if self._require != "any" and "seccomp-run" not in loaded.layers:
            raise self._broken_by("it ran the program without its second filter")
        return loaded

    def bind(self, num_rows: int) -> Buffers:
        """Make the arrays for batches of this size; every row's state is forgotten."""
        with self._holder.using(self.filename):
            plan = self._must_have(self._plan, "build")
            loaded = self._must_have(self._loaded, "build")
            _check_rows(num_rows)
            batch = _Batch(plan, num_rows, len(loaded.component_names))
            layout = shm.layout_of_inputs(plan.schema, num_rows)
            regions = (
                shm.Region(layout.size, worker_writes=False),
                shm.Region(batch.layout.size, worker_writes=True),
            )
            self._holder.keep(regions)
            self._batch = batch
            self._shared_bytes = np.frombuffer(regions[1].memory, np.uint8)
            self._shared = shm.outputs_of(batch.layout, regions[1].memory)
            try:
                if self._holder.child is None:
                    self._replace()
                else:
                    self._bind()
            except _LostWorkerError as lost:
                self._must_be_open()
                self._batch = None
                raise self._as_error(lost, "compile_s") from None
            return Buffers(layout.views(regions[0].memory), batch.out)

    def _bind(self) -> None:
        batch = self._must_have(self._batch, "bind")
        loaded = self._must_have(self._loaded, "build")
        deadline = time.monotonic() + self.limits.compile_s
        request = wire.BindRequest(batch.num_rows, len(loaded.component_names))
        self._send(Frame.BIND, wire.pack(request), deadline)
        child = self._must_have(self._holder.child, "build")
        fds = [region.fd for region in self._holder.regions]
        try:
            socket.send_fds(child.sock, [b"\0"], fds)
        except OSError:
            raise self._died() from None
        frame, body = self._frame(deadline)
        if frame is not Frame.BOUND:
            raise self._broken(frame, body)

    def _replace(self) -> None:
        """Start a worker that stands where the last one stood, without its rows' state."""
        loaded = self._must_have(self._loaded, "build")
        try:
            again = self._build(fresh=True)
        except ProgramRefusedError:
            again = None
        if again is None or (again.tier, again.component_names) != (
            loaded.tier,
            loaded.component_names,
        ):
            self._holder.drop()
            raise _LostWorkerError(
                Outcome.CRASHED, "the program was built differently a second time"
            )
        if self._batch is not None:
            self._bind()

    # Running -------------------------------------------------------------------------------

    def reset(self) -> Ran:
        """Start new episodes on the pending rows."""
        return self._run(reset=True)

    def step(self) -> Ran:
        """Run the pending rows."""
        return self._run(reset=False)

    def _run(self, *, reset: bool) -> Ran:
        with self._holder.using(self.filename):
            batch = self._must_have(self._batch, "bind")
            known = len(self._ledger.items)
            wanted = self._rows_to_run(batch, reset=reset)
            if wanted.any():
                try:
                    self._dispatch_all(batch, wanted, reset=reset)
                except BaseException:
                    self._must_be_open()
                    self._holder.drop()
                    self._lose_all(batch, "the batch was interrupted")
                    raise
            return self._finish(batch, wanted, known, reset=reset)

    def _dispatch_all(self, batch: _Batch, wanted: Bools, *, reset: bool) -> None:
        """Dispatch until every wanted row has an outcome."""
        blamed = np.zeros(batch.num_rows, np.bool_)
        todo = wanted
        used_up = 0
        while True:
            if self._holder.child is None:
                try:
                    self._replace()
                except _LostWorkerError as no_worker:
                    self._must_be_open()
                    note = f"not run: there is no new worker: {no_worker.reason}"
                    index = self._note("WorkerLost", note)
                    self._give(batch, todo, no_worker.outcome, index)
                    return
            lost = self._dispatch(batch, todo, reset=reset)
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
            else:
                todo = batch.pending(todo)
            if not todo.any():
                return
            if used_up > MAX_REPLACEMENTS:
                note = f"not run: {used_up} workers ended on this batch; the last: {lost.reason}"
                self._give(batch, todo, lost.outcome, self._note("WorkerLost", note))
                return
            batch.out.outcome[todo] = PENDING
            if batch.num_tasks:
                batch.out.task_outcome[todo] = PENDING

    def _dispatch(self, batch: _Batch, rows: Bools, *, reset: bool) -> _LostWorkerError | None:
        """Dispatch rows once and take what comes back; why the worker was lost, if it was."""
        shared = self._must_have(self._shared, "bind")
        lost: _LostWorkerError | None = None
        try:
            np.copyto(shared.outcome, batch.out.outcome)
            np.copyto(shared.task_outcome, batch.out.task_outcome)
            begin = time.monotonic()
            self._send(Frame.RESET if reset else Frame.STEP, b"", begin + self.limits.wall_s)
            frame, body = self._frame_of(shared.outcome, rows, begin)
            # Spinning is for batches that are over before a sleeper would be awake.
            quick = _CAN_SPIN and time.monotonic() - begin < _SPIN_S
            self._spin_s = _SPIN_S if quick else 0.0
            if frame is not Frame.RAN:
                raise self._broken(frame, body)
            if body:
                self._learn(self._read(wire.Progress, body).failures)
        except _LostWorkerError as caught:
            lost = caught
        self._fetch(batch, rows)
        unrun = batch.pending(rows)
        ended = rows & ~unrun if lost is not None or unrun.any() else rows
        if lost is not None:
            # The texts that were new in this batch died with the worker.
            untold = self._note("WorkerLost", f"what the row raised went with it: {lost.reason}")
            rest = np.full(_MAX_INDICES - len(self._remap), untold, np.int32)
            self._remap = np.concatenate([self._remap, rest])
        rude = batch.check(ended, self._remap, NO_FAILURE)
        if rude or (lost is None and unrun.any()):
            self._holder.drop()
            told = "the worker wrote results that no runner writes"
            if rude:
                nameless = ended & (batch.out.outcome == Outcome.CRASHED)
                batch.out.failure[nameless] = self._note("WorkerLost", told)
            lost = lost or _LostWorkerError(Outcome.CRASHED, told)
        return lost

    def _frame_of(
        self, outcome: NDArray[np.uint8], rows: Bools, begin: float
    ) -> tuple[Frame, bytes]:
        """Wait for the answer of a batch as long as rows of it end.

        A row has ``limits.wall_s``, however many others stand before it; nobody is blamed for
        being the last of many slow ones. What all rows together may take is bounded by their
        fuel, so that native code in a worker cannot end a row now and then for ever.
        """
        wall_s = self.limits.wall_s
        waiting = -1
        end = math.inf
        while True:
            child = self._must_have(self._holder.child, "build")
            try:
                return self._received(child, time.monotonic() + wall_s, spin_s=self._spin_s)
            except TimeoutError:
                if waiting < 0:
                    waiting = int(np.count_nonzero(rows))
                    end = begin + wall_s + waiting * self.limits.fuel * _SLOW_UNIT_S
                still = int(np.count_nonzero(rows & (outcome == PENDING)))
                if still >= waiting or time.monotonic() >= end:
                    raise self._late() from None
                waiting = still

    def _fetch(self, batch: _Batch, rows: Bools) -> None:
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

    def _learn(self, new: Sequence[Failure]) -> None:
        known = len(self._remap)
        if known + len(new) > _MAX_INDICES:
            raise self._broken_by("more failures than a runner keeps")
        places = [self._ledger.add(item) for item in new]
        self._remap = np.concatenate([self._remap, np.array(places, np.int32)])

    def _blame(self, batch: _Batch, row: int, lost: _LostWorkerError) -> None:
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
            waiting = np.flatnonzero(~_BY_RUNNER[out.task_outcome[row]])
            if len(waiting):
                out.tasks[row, waiting] = False
                out.task_outcome[row, waiting] = lost.outcome
                out.task_failure[row, waiting] = self._note(
                    "WorkerLost", f"not run: an earlier task of the row ended so: {lost.reason}"
                )
                out.task_failure[row, waiting[0]] = index
            self._clean_tasks(batch, row)

    def _clean_tasks(self, batch: _Batch, row: int) -> None:
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

    def _lose_all(self, batch: _Batch, reason: str) -> int:
        """Note that no row has its state any more; the index of the reason."""
        index = self._note("StateLost", reason)
        if batch.plan.stateful:
            batch.why_lost[~batch.lost] = index
            batch.lost.fill(True)
        return index

    # Talking -------------------------------------------------------------------------------

    def _send(self, frame: Frame, body: bytes, deadline: float) -> None:
        child = self._must_have(self._holder.child, "build")
        try:
            wire.send(child.sock, frame, body, deadline)
        except TimeoutError:
            raise self._late() from None
        except OSError:
            lost = self._died()
            raise _LostWorkerError(lost.outcome, lost.reason, idle=True) from None

    def _frame(self, deadline: float) -> tuple[Frame, bytes]:
        child = self._must_have(self._holder.child, "build")
        try:
            return self._received(child, deadline)
        except TimeoutError:
            raise self._late() from None

    def _received(
        self, child: spawn.Child, deadline: float, *, spin_s: float = 0.0
    ) -> tuple[Frame, bytes]:
        try:
            return wire.receive(child.sock, deadline, spin_s=spin_s)
        except TimeoutError:
            raise
        except (OSError, EOFError):
            raise self._died() from None
        except ProtocolError as error:
            raise self._broken_by(str(error)) from None

    def _answer(self, kind: type[T], wanted: Frame, deadline: float) -> T:
        frame, body = self._frame(deadline)
        if frame is not wanted:
            raise self._broken(frame, body)
        return self._read(kind, body)

    def _read(self, kind: type[T], body: bytes) -> T:
        try:
            return wire.unpack(kind, body)
        except ProtocolError as error:
            raise self._broken_by(str(error)) from None

    def _late(self) -> _LostWorkerError:
        self._holder.drop()
        return _LostWorkerError(
            Outcome.TIMED_OUT, "the worker did not answer in time and was killed"
        )

    def _died(self) -> _LostWorkerError:
        reason = self._holder.drop(ended_by_itself=True)
        if "SIGXCPU" in reason:
            return _LostWorkerError(Outcome.TIMED_OUT, f"the worker used up its CPU time: {reason}")
        return _LostWorkerError(Outcome.CRASHED, f"the worker died: {reason}")

    def _broken(self, frame: Frame, body: bytes) -> _LostWorkerError:
        if frame is Frame.BROKEN:
            try:
                text = wire.decode(body)
            except ProtocolError:
                text = None
            if isinstance(text, str) and text.isprintable() and len(text) < wire.MAX_TEXT:
                self._holder.drop()
                return _LostWorkerError(Outcome.CRASHED, f"the worker gave up: {text}")
        return self._broken_by(f"{frame.name} was not asked for")

    def _broken_by(self, what: str) -> _LostWorkerError:
        self._holder.drop()
        return _LostWorkerError(Outcome.CRASHED, f"the worker sent no proper answer: {what}")

    def _as_error(
        self, lost: _LostWorkerError, setting: str
    ) -> WorkerTimeoutError | WorkerDiedError:
        if lost.outcome is Outcome.TIMED_OUT:
            return WorkerTimeoutError(float(getattr(self.limits, setting)), setting)
        return WorkerDiedError(lost.reason)

    # Ending --------------------------------------------------------------------------------

    def close(self) -> None:
        """End it. May be called again, and from another thread while a batch runs."""
        self._end()

    def _must_be_open(self) -> None:
        self._holder.must_be_open(self.filename)


class _Holder:
    """What must be given back when a guest ends, apart from the guest so that it can be dropped."""

    def __init__(self) -> None:
        self.child: spawn.Child | None = None
        self.regions: tuple[shm.Region, ...] = ()
        self.closed = False
        self.owner = os.getpid()
        self.busy = threading.RLock()

    @contextmanager
    def using(self, filename: str) -> Iterator[None]:
        """Hold the guest for one operation."""
        if self.owner != os.getpid():
            raise UsageError(
                f"{filename}: this guest was opened in process {self.owner} and belongs to it; "
                f"open one in process {os.getpid()}"
            )
        with self.busy:
            self.must_be_open(filename)
            try:
                yield
            except SandboxError:
                raise
            except BaseException:
                # Ctrl-C, most likely. An answer may still come; nobody would know to what.
                self.drop()
                raise

    def must_be_open(self, filename: str) -> None:
        if self.closed:
            raise UsageError(f"{filename}: this guest is closed; open a new one")

    def take(self, child: spawn.Child) -> None:
        self.child = child
        if self.closed:  # closed by another thread while it was forked
            child.close()

    def keep(self, regions: tuple[shm.Region, ...]) -> None:
        """Keep the memory of a batch size in place of the one before."""
        for region in self.regions:
            region.close()
        self.regions = regions

    def drop(self, *, ended_by_itself: bool = False) -> str:
        """Make sure that the worker is gone, and say how it ended."""
        child, self.child = self.child, None
        if child is None:
            return "it was gone"
        reason = child.wait(_GRACE_S) if ended_by_itself else None
        child.kill()
        if reason is None:
            # Waited for in any case: only a process that is gone no longer writes.
            how = child.wait()
            reason = "it closed its connection" if ended_by_itself else how or "it was killed"
        child.close()
        return reason

    def close(self) -> None:
        if self.owner != os.getpid():
            return
        self.closed = True
        child = self.child
        if child is not None:
            child.kill()
        # A thread that waits for an answer has been woken by that, and must have left the
        # connection before its descriptor number is free for others.
        waited = self.busy.acquire(timeout=spawn.END_S)
        try:
            if child is not None:
                child.close()
            self.child = None
            self.keep(())
        finally:
            if waited:
                self.busy.release()


def _check_rows(num_rows: int) -> None:
    if not isinstance(num_rows, int) or num_rows < 1:
        raise UsageError(f"bind: num_rows is {num_rows!r}; want a whole number from 1 on")


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
