"""A program in a worker process of its own: started, asked to read and to build, replaced."""

from __future__ import annotations

import socket
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sandbox import cache, layers, opencv, shm, spawn, wire
from sandbox.batches import Batch
from sandbox.diagnostics import Finding
from sandbox.dispatch import Dispatcher
from sandbox.doorbell import SPIN_S, Bell
from sandbox.errors import (
    IsolationError,
    ProgramRefusedError,
    WorkerDiedError,
    WorkerTimeoutError,
)
from sandbox.guest import Buffers, Require, TierWish, check_rows, sets_of
from sandbox.holder import LostWorkerError
from sandbox.kernels import picture_code
from sandbox.native.library import library
from sandbox.outcome import Outcome
from sandbox.rules import RULES
from sandbox.tiers.base import TierReason
from sandbox.wire import Frame, Loaded
from sandbox.zygote import Warmth

if TYPE_CHECKING:
    from sandbox.limits import Limits
    from sandbox.plan import Plan

__all__ = ["WorkerGuest"]


class WorkerGuest(Dispatcher):
    """A program in a worker process of its own, replaced whenever it dies."""

    def __init__(
        self,
        source: bytes,
        *,
        filename: str,
        limits: Limits,
        zygote: spawn.Zygote | None = None,
        require: Require = "any",
        threads: int = 1,
        brief: bool = False,
    ) -> None:
        """Start a worker and let it read the source.

        Args:
            source: Untrusted bytes.
            filename: Name for people; never opened.
            limits: What the program may use.
            require: Least isolation to go on with; see `open_guest`.
            zygote: What to fork workers from; the one of this process if left out.
            threads: How many may work on a large batch.
            brief: Whether it will be closed once the source is read; see `spawn.Zygote.fork`.
        """
        super().__init__(source, filename, limits)
        self._zygote = zygote
        self._threads = threads
        self._require: Require = require
        self._tier: TierWish = "interpreted"
        self._end = weakref.finalize(self, self._holder.close)
        self._most_spin_s = SPIN_S
        self._loan: tuple[wire.LendRequest, shm.Region] | None = None
        """Further inputs that workers of this batch size are told of."""
        self._locked: spawn.Child | None = None
        """The worker that has built once, and so has locked itself a second time."""
        self.layers: tuple[str, ...] = ()
        self._code: cache.Entry | None = None
        self._code_of: Plan | None = None
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
            checked = self._start(Warmth.LIGHT, brief=brief)
        except LostWorkerError as lost:
            self._holder.drop()
            self.findings = (self._unreadable(lost),)
        except BaseException:
            self.close()
            raise
        else:
            self.findings = checked.findings
            self.outline = checked.outline
            self.sketch = checked.sketch
            self.normal = checked.normal
            self.text = checked.text

    # Starting ------------------------------------------------------------------------------

    @property
    def _sees(self) -> bool:
        """Whether a worker that runs the program must find OpenCV; reading it needs none."""
        return opencv.is_named_in(self._source)

    def _start(self, warmth: Warmth, *, sees: bool = False, brief: bool = False) -> wire.Checked:
        """Fork a worker and let it read the source."""
        limits = self.limits
        holder = self._holder
        holder.drop()
        try:
            wanted = spawn.Wanted(
                warmth=warmth,
                memory_bytes=limits.worker_memory_bytes,
                cpu_s=4 * limits.compile_s,
                threads=self._threads,
                pictures=sees,
            )
            child = spawn.fork(self._zygote, wanted, brief=brief)
        except WorkerDiedError as error:
            if self._loaded is None:  # nothing to do with this program; say so to the caller
                raise
            raise LostWorkerError(Outcome.CRASHED, error.reason) from error
        holder.take(child)
        self._remap = np.empty(0, np.int32)
        deadline = time.monotonic() + limits.compile_s
        try:
            ready = self._holder.answer(wire.Ready, Frame.READY, deadline)
        except LostWorkerError as lost:
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
        self._holder.send(Frame.CHECK, request, deadline)
        return self._holder.answer(wire.Checked, Frame.CHECKED, deadline)

    def _unreadable(self, lost: LostWorkerError) -> Finding:
        """Turn a worker that a text killed into a finding about the text."""
        if lost.outcome is Outcome.TIMED_OUT:
            return RULES["SBX115"].finding(None, seconds=f"{self.limits.compile_s:g}")
        return RULES["SBX116"].finding(None, reason=lost.reason)

    def judge(self, plan: Plan) -> tuple[Finding, ...]:
        """Give the findings that need a plan; see `Guest.judge`."""
        with self._holder.using(self.filename):
            deadline = time.monotonic() + self.limits.compile_s
            request = wire.pack(wire.BuildRequest(plan, "interpreted"))
            try:
                self._holder.send(Frame.JUDGE, request, deadline)
                return self._holder.answer(wire.Refused, Frame.REFUSED, deadline).findings
            except LostWorkerError as lost:
                self._must_be_open()
                return (self._unreadable(lost),)

    def build(self, plan: Plan, tier: TierWish = "auto") -> Loaded:
        """Make the source into something that runs; see `Guest.build`."""
        with self._holder.using(self.filename):
            self._must_build()
            self._plan, self._tier, self._batch = plan, tier, None
            # A worker that was forked before the compiler was imported is for checking, and one
            # that has run code of the guest has given up what a compiler needs.
            child = self._holder.child
            cold = child is None or child.warmth < self._warmth(plan)
            cold = cold or (self._sees and child is not None and not child.sees)
            fresh = cold or child is self._locked
            try:
                self._loaded = self._build(fresh=fresh)
            except LostWorkerError as lost:
                self._must_be_open()
                if tier != "auto":
                    raise self._as_error(lost, "compile_s") from None
                self._loaded = self._build_without_compiler(lost)
            # From here on a replacement need not try what is known not to work.
            self._tier = self._loaded.tier
            return self._loaded

    def _build_without_compiler(self, lost: LostWorkerError) -> Loaded:
        """Go on in the interpreted tier with a program that was too much for the compiler."""
        self._tier = "interpreted"
        try:
            loaded = self._build(fresh=True)
        except LostWorkerError as again:
            self._must_be_open()
            raise self._as_error(again, "compile_s") from None
        if lost.outcome is Outcome.TIMED_OUT:
            why = f"compiling took longer than limits.compile_s ({self.limits.compile_s:g} s)"
            return replace(loaded, tier_reason=TierReason("CMP910", why))
        return replace(loaded, tier_reason=TierReason("CMP911", f"compiling failed: {lost.reason}"))

    def _build(self, *, fresh: bool) -> Loaded:
        plan = self._must_have(self._plan, "build")
        if fresh or self._holder.child is None:
            self._start(self._warmth(plan), sees=self._sees)
        entry = self._entry(plan)
        code = entry.code
        wanted = self._sees and self._tier != "interpreted"
        pictures = picture_code(self._source) if wanted else b""
        deadline = time.monotonic() + self.limits.compile_s
        request = wire.BuildRequest(plan, self._tier, code, entry.wanted, pictures)
        try:
            self._holder.send(Frame.BUILD, wire.pack(request), deadline)
            if self._tier != "interpreted":
                library()  # made while the worker is busy
            frame, body = self._holder.frame(deadline)
            if frame is Frame.CODE and entry.wanted:
                code = body
                frame, body = self._holder.frame(deadline)
        except LostWorkerError:
            self._must_be_open()
            if not entry.code:
                raise
            # It may have died of what was stored; it is not tried again.
            entry.forget()
            return self._build(fresh=True)
        if frame is Frame.REFUSED:
            raise self._refuse(self._holder.read(wire.Refused, body).findings)
        if frame is not Frame.LOADED:
            raise self._holder.broken(frame, body)
        loaded = self._holder.read(wire.Loaded, body)
        self._locked = self._holder.child
        self.layers = (*self.layers, *loaded.layers)
        if self._require != "any" and "seccomp-run" not in loaded.layers:
            raise self._holder.broken_by("it ran the program without its second filter")
        if entry.code and not loaded.stored:
            # Refused by what loads it; that worker may have no compiler.
            entry.forget()
            return self._build(fresh=True)
        if loaded.tier == "compiled":
            entry.learn(code)
        return loaded

    def _warmth(self, plan: Plan) -> Warmth:
        """Say what a worker must find imported to build in the tier that is wanted."""
        if self._tier == "interpreted":
            return Warmth.LIGHT
        return Warmth.LOADER if self._entry(plan).code else Warmth.COMPILER

    def _entry(self, plan: Plan) -> cache.Entry:
        """Give what is known of the machine code of this program and plan."""
        if self._tier == "interpreted":
            return cache.Entry(None)
        if self._code is None or self._code_of is not plan:
            name = cache.entry_name(self._source, plan, self.limits)
            self._code, self._code_of = cache.Entry(name), plan
        return self._code

    def _counted(self) -> tuple[int, int] | None:
        return None if self._bell is None else self._bell.counted()

    def bind(self, num_rows: int, spin_s: float | None = None) -> Buffers:
        """Make the arrays for batches of this size; every row's state is forgotten."""
        with self._holder.using(self.filename):
            plan = self._must_have(self._plan, "build")
            loaded = self._must_have(self._loaded, "build")
            check_rows(num_rows)
            self._most_spin_s = SPIN_S if spin_s is None else spin_s
            batch = Batch(plan, num_rows, len(loaded.component_names))
            layout = shm.layout_of_inputs(plan.schema, num_rows)
            regions = (
                shm.Region(layout.size, worker_writes=False),
                shm.Region(batch.layout.size, worker_writes=True),
            )
            found = library() if loaded.listens else None
            self._bell = None if found is None else Bell(found, self._most_spin_s)
            self._holder.keep((*regions, *([self._bell.region] if self._bell else ())))
            self._batch = batch
            self._inputs = layout.views(regions[0].memory)
            self._lanes, self._lent, self._places, self._loan = {}, {}, {}, None
            self._shared_bytes = np.frombuffer(regions[1].memory, np.uint8)
            self._shared = shm.outputs_of(batch.layout, regions[1].memory)
            try:
                self._bind_or_replace()
            except LostWorkerError as lost:
                self._must_be_open()
                self._batch = None
                raise self._as_error(lost, "compile_s") from None
            return Buffers(self._inputs, batch.out)

    def _bind_or_replace(self) -> None:
        if self._holder.child is not None:
            try:
                self._bind()
            except LostWorkerError as lost:
                # It may have ended long ago, as with the process that its zygote belonged to; no
                # code of the program has run since, so it is not the program's doing.
                self._must_be_open()
                if lost.outcome is Outcome.TIMED_OUT:
                    raise
            else:
                return
        self._replace()

    def _bind(self) -> None:
        batch = self._must_have(self._batch, "bind")
        loaded = self._must_have(self._loaded, "build")
        deadline = time.monotonic() + self.limits.compile_s
        bell = self._bell if loaded.listens else None
        request = wire.BindRequest(
            batch.num_rows,
            len(loaded.component_names),
            bell=bell is not None,
            spin_s=0.0 if bell is None else bell.spin_s,
        )
        self._holder.send(Frame.BIND, wire.pack(request), deadline)
        # From here on it listens to the new page, or to none.
        self._holder.bell = None
        if bell is not None:
            bell.renew()
        self._give_fds(self._holder.regions[: 2 if bell is None else 3], deadline)
        if bell is not None:
            self._holder.bell = bell
            self._hand_loan()
        self._settle(batch)

    def lend(
        self, arrays: Sequence[tuple[str, str, tuple[int, ...]]], columns: Mapping[str, str]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        """Make two more sets of arrays; lanes made after this read from them."""
        with self._holder.using(self.filename):
            batch = self._must_have(self._batch, "bind")
            layout = shm.layout_of_sets(arrays)
            region = shm.Region(layout.size, worker_writes=False)
            self._holder.add(region)
            self._lent = layout.views(region.memory)
            loaded = self._must_have(self._loaded, "build")
            if loaded.tier == "compiled" and self._bell is not None:
                self._places = self._places_of(columns, self._lent)
                offsets = {name: place for name, _, _, place in layout.arrays}
                lent = tuple(
                    wire.Lent(column, offsets[f"0/{name}"], offsets[f"1/{name}"])
                    for column, name in columns.items()
                    if column in self._places
                )
                self._loan = (wire.LendRequest(layout.size, lent), region)
                try:
                    if self._holder.child is not None:
                        self._hand_loan()
                except LostWorkerError as lost:
                    # The next step starts another worker, and hands it this too.
                    self._must_be_open()
                    self._lose_all(batch, f"the state went with its worker: {lost.reason}")
            return sets_of(self._lent)

    def _hand_loan(self) -> None:
        """Tell the worker of the two sets, if there are any."""
        if self._loan is None or self._holder.bell is None:
            return
        request, region = self._loan
        deadline = time.monotonic() + self.limits.compile_s
        self._holder.send(Frame.LEND, wire.pack(request), deadline)
        self._give_fds([region], deadline)

    def _give_fds(self, regions: Sequence[shm.Region], deadline: float) -> None:
        """Hand over descriptors and wait until the worker has mapped them."""
        child = self._holder.worker()
        try:
            socket.send_fds(child.sock, [b"\0"], [region.fd for region in regions])
        except OSError:
            raise self._holder.died() from None
        frame, body = self._holder.frame(deadline)
        if frame is not Frame.BOUND:
            raise self._holder.broken(frame, body)

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
            raise LostWorkerError(
                Outcome.CRASHED, "the program was built differently a second time"
            )
        self._loaded = replace(loaded, listens=again.listens)
        if self._batch is not None:
            self._bind()

    def _as_error(
        self, lost: LostWorkerError, setting: str
    ) -> WorkerTimeoutError | WorkerDiedError:
        if lost.outcome is Outcome.TIMED_OUT:
            return WorkerTimeoutError(float(getattr(self.limits, setting)), setting)
        return WorkerDiedError(lost.reason, gave_up=lost.gave_up)

    # Ending --------------------------------------------------------------------------------

    def close(self) -> None:
        """End it. May be called again, and from another thread while a batch runs."""
        self._end()


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
