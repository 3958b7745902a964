"""A worker: one process, one program, one connection.

It is forked from the zygote, locks itself (`sandbox.layers`) and only then reads its first byte.
Under that first lock it parses, judges, and, where asked, compiles, which needs memory that becomes
executable and runs nothing of the guest: the compiled tier's front end works on the tree alone.
Then it locks itself once more, and only then the guest's top level, the probe and the batches run.
It answers one request at a time, in the order CHECK, BUILD, BIND, then RESET and STEP as often as
the host likes. Rows and results are in shared memory; what a batch says over the socket is one
frame without a body, or the failures that are new.

Nothing here is trusted by the host, so nothing here needs to be: if our own code fails, the worker
says so in one frame and ends, and the host starts another.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, Literal, NoReturn, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sandbox import layers, opencv, shm, wire
from sandbox.diagnostics import Finding, escape
from sandbox.doorbell import Listener
from sandbox.errors import ProgramRefusedError, ProtocolError
from sandbox.lane import Places
from sandbox.limits import Limits
from sandbox.native.library import made
from sandbox.native.tables import PAGE_BYTES, Kind
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Normal, Outline, Plan
from sandbox.rules import RULES
from sandbox.tiers.base import Failure, Outputs, Runner, TierReason, numbers_of
from sandbox.wire import Frame

__all__ = ["EXIT_BROKEN", "PASSES", "Passes", "load_passes", "serve", "try_out", "unfit_names"]

PASSES: Final = "sandbox.passes"
"""The module whose ``analyse`` and ``build`` a worker calls."""
EXIT_BROKEN: Final = 70
_EARLY_BYTES: Final = 24 * 1024
MAX_NAME: Final = 200
"""Characters of a component's name."""

T = TypeVar("T")


class _Analysis(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...
    @property
    def outline(self) -> Outline | None: ...
    @property
    def sketch(self) -> Outline | None: ...
    @property
    def normal(self) -> Normal | None: ...


class _Built(Protocol):
    @property
    def runner(self) -> Runner: ...
    @property
    def tier_reason(self) -> TierReason | None: ...
    @property
    def component_names(self) -> tuple[str, ...]: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...


class Passes(Protocol):
    """What turns text into a runner; `sandbox.passes` is one."""

    def analyse(self, source: bytes, filename: str, limits: Limits) -> _Analysis:
        """Parse and judge; nothing of the guest runs."""

    def judge(self, analysis: Any, plan: Plan) -> tuple[Finding, ...]:
        """Give the findings that need a plan; nothing of the guest runs."""

    def build(
        self,
        analysis: Any,
        plan: Plan,
        limits: Limits,
        tier: Literal["auto", "interpreted", "compiled"],
        *,
        before_guest_code: Callable[[], None] | None = None,
        **code: Any,
    ) -> _Built:
        """Make a runner; what it is told to call comes before any code of the guest runs.

        Where machine code is kept, ``code`` has it, or what to call with it.
        """


def load_passes(name: str) -> Passes:
    """Import the passes. They are imported late, so that reading a report does not need them."""
    module: Any = import_module(name)
    passes: Passes = module
    return passes


def unfit_names(names: tuple[str, ...]) -> tuple[Finding, ...]:
    """Find component names that would spoil a log or a table; the program made them up."""
    return tuple(
        RULES["SBX705"].finding(None, name=name, limit=MAX_NAME)
        for name in names
        if not name.isprintable() or len(name) > MAX_NAME
    )


def serve(sock: socket.socket, passes: Passes, order: layers.Order) -> NoReturn:
    """Lock this process, serve the host until it is gone, and end the process.

    Args:
        sock: Connection to the host.
        passes: What turns text into a runner.
        order: What the worker may use.
    """
    code = EXIT_BROKEN
    try:
        _forget_signals()
        connection = _move(sock)
        opencv.forbid_import()
        try:
            held = layers.apply(layers.Phase.BEFORE_SOURCE, order)
        except OSError as error:
            wire.send(connection, Frame.BROKEN, wire.encode(_describe(error)))
            raise
        wire.send(connection, Frame.READY, wire.pack(wire.Ready(held)))
        _Worker(connection, passes, order).loop()
    except (EOFError, ConnectionError):
        code = 0  # the host is gone or has closed its end
    finally:
        # No clean-up of the interpreter: it is a copy of the zygote's, which is still in use.
        os._exit(code)


def _move(sock: socket.socket) -> socket.socket:
    """Bring the connection to the descriptor that the filter knows, while questions are free."""
    fd = sock.detach()
    if fd != layers.SOCKET_FD:
        os.dup2(fd, layers.SOCKET_FD, inheritable=False)
        os.close(fd)
    return socket.socket(fileno=layers.SOCKET_FD)


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    gc.enable()


class _Worker:
    """The state of a worker between two frames."""

    def __init__(self, sock: socket.socket, passes: Passes, order: layers.Order) -> None:
        self.sock = sock
        self.passes = passes
        self.order = order
        self.limits = Limits()
        self.cpu_left_from = 0.0
        self.analysis: _Analysis | None = None
        self.plan: Plan | None = None
        self.runner: Runner | None = None
        self.inputs: dict[str, NDArray[Any]] = {}
        self.outputs: Outputs | None = None
        self.lent: NDArray[np.uint8] | None = None
        self.listener: Listener | None = None
        """Who waits for batches on a shared page, once there is one."""
        self.told = 0
        """How many of the runner's failures the host knows."""
        self.early = 0
        """Bytes about failures that were sent before the batch was over."""
        self.locked: tuple[str, ...] | None = None
        """The layers of the second lock; None before it."""

    def loop(self) -> NoReturn:
        while True:
            if self.listener is not None:
                self.listen(self.listener)
            frame, body = wire.receive(self.sock)
            try:
                answer, reply = self.handle(frame, body)
            except ProtocolError:
                raise
            except BaseException as error:
                wire.send(self.sock, Frame.BROKEN, wire.encode(_describe(error)))
                raise EOFError from error
            wire.send(self.sock, answer, reply)

    def listen(self, listener: Listener) -> None:
        """Run batches that are asked for by the shared page, until a frame is announced."""
        runner = self.need(self.runner)
        while True:
            kind, ended = listener.next(self.sock)
            if kind not in {Kind.STEP, Kind.RESET}:
                return
            try:
                if kind == Kind.RESET:
                    self.again(ended)
                    runner.reset()
                elif ended:
                    runner.resume(ended - 1)  # type: ignore[attr-defined]  # only these begin so
                else:
                    runner.step()
                news = self.news()
            except BaseException as error:
                wire.send(self.sock, Frame.BROKEN, wire.encode(_describe(error)))
                listener.tell(frame=True)
                raise EOFError from error
            framed = bool(news) or self.early > 0
            if framed:
                self.early = 0
                wire.send(self.sock, Frame.RAN, news)
            listener.tell(frame=framed)

    def again(self, ended: int) -> None:
        """Mark the rows of a reset once more if native code has begun with them."""
        outputs = self.outputs
        if ended and outputs is not None:
            wanted = outputs.outcome != Outcome.SKIPPED
            outputs.outcome[wanted] = PENDING
            outputs.task_outcome[wanted] = PENDING

    def handle(self, frame: Frame, body: bytes) -> tuple[Frame, bytes]:
        """Do what a frame asks and give the answer."""
        if frame is Frame.STEP:
            return self.batch(self.need(self.runner).step)
        if frame is Frame.RESET:
            return self.batch(self.need(self.runner).reset)
        if frame is Frame.CHECK:
            return self.check(wire.unpack(wire.CheckRequest, body))
        if frame is Frame.BUILD:
            return self.build(wire.unpack(wire.BuildRequest, body))
        if frame is Frame.JUDGE:
            return self.judge(wire.unpack(wire.BuildRequest, body))
        if frame is Frame.BIND:
            return self.bind(wire.unpack(wire.BindRequest, body))
        if frame is Frame.LEND:
            return self.lend(wire.unpack(wire.LendRequest, body))
        raise ProtocolError(f"a worker does not answer {frame.name}")

    def need(self, value: T | None) -> T:
        if value is None:
            raise ProtocolError("a request came before the one it builds on")
        return value

    def check(self, asked: wire.CheckRequest) -> tuple[Frame, bytes]:
        self.limits = asked.limits
        # The tree and what is found out about it are kept until the end: nothing to collect.
        gc.disable()
        try:
            self.analysis = self.passes.analyse(asked.source, asked.filename, asked.limits)
        finally:
            gc.enable()
        analysis = self.analysis
        found = wire.Checked(
            text=analysis.text,
            findings=analysis.findings,
            outline=analysis.outline,
            sketch=analysis.sketch,
            normal=analysis.normal,
        )
        return Frame.CHECKED, wire.pack(found)

    def judge(self, asked: wire.BuildRequest) -> tuple[Frame, bytes]:
        found = self.passes.judge(self.need(self.analysis), asked.plan)
        return Frame.REFUSED, wire.pack(wire.Refused(found))

    def build(self, asked: wire.BuildRequest) -> tuple[Frame, bytes]:
        analysis = self.need(self.analysis)
        layers.cpu_limit(4 * self.limits.compile_s)
        code: dict[str, Any] = {"code": asked.code} if asked.code else {}
        if asked.keep:
            code["keep_code"] = self.keep
        if asked.pictures:
            code["pictures"] = asked.pictures
        try:
            built = self.passes.build(
                analysis, asked.plan, self.limits, asked.tier, before_guest_code=self.lock, **code
            )
        except ProgramRefusedError as refused:
            return Frame.REFUSED, wire.pack(wire.Refused(refused.report.findings))
        names = built.component_names
        unfit = unfit_names(names)
        if unfit:
            return Frame.REFUSED, wire.pack(wire.Refused((*built.findings, *unfit)))
        self.lock()
        self.plan = asked.plan
        self.runner = built.runner
        if hasattr(built.runner, "on_failure"):
            built.runner.on_failure = self.tell
        self.told = 0
        reason = built.tier_reason
        core = tuple(str(getattr(built.runner, "core_text", "")).splitlines())
        return Frame.LOADED, wire.pack(
            wire.Loaded(
                built.runner.tier,
                reason,
                names,
                built.findings,
                core,
                self.locked or (),
                bool(getattr(built, "stored", False)),
                made() is not None,
                numbers_of(built.runner),
            )
        )

    def keep(self, code: bytes) -> None:
        """Send the machine code while no code of the guest has run in this process."""
        if self.locked is None and len(code) <= wire.MAX_BYTES:
            wire.send(self.sock, Frame.CODE, code)

    def lock(self) -> None:
        """Give up what only a compiler needs. It cannot be undone, so a second time is nothing."""
        if self.locked is None:
            self.locked = layers.apply(layers.Phase.BEFORE_GUEST_CODE, self.order)

    def bind(self, asked: wire.BindRequest) -> tuple[Frame, bytes]:
        plan = self.need(self.plan)
        runner = self.need(self.runner)
        wanted = 3 if asked.bell else 2
        _, fds, _, _ = socket.recv_fds(self.sock, 1, wanted)
        if len(fds) != wanted:
            raise ProtocolError(f"{len(fds)} descriptors came with a batch; want {wanted}")
        inputs = shm.layout_of_inputs(plan.schema, asked.num_rows)
        self.inputs = inputs.views(shm.attach(fds[0], inputs.size, writable=False))
        outputs = shm.layout_of_outputs(asked.num_rows, asked.components, len(plan.tasks))
        self.outputs = shm.outputs_of(outputs, shm.attach(fds[1], outputs.size, writable=True))
        if hasattr(runner, "team"):
            runner.team = layers.helpers()
        runner.bind(asked.num_rows, self.inputs, self.outputs)
        self.listener = None
        if asked.bell:
            page = shm.attach(fds[2], PAGE_BYTES, writable=True)
            functions = self.need(made())
            self.listener = Listener(functions, page, runner, self.limits.wall_s, asked.spin_s)
        return Frame.BOUND, b""

    def lend(self, asked: wire.LendRequest) -> tuple[Frame, bytes]:
        """Take two more places for some columns."""
        listener = self.need(self.listener)
        _, fds, _, _ = socket.recv_fds(self.sock, 1, 1)
        if len(fds) != 1:
            raise ProtocolError(f"{len(fds)} descriptors came with further inputs; want 1")
        self.lent = np.frombuffer(shm.attach(fds[0], asked.size, writable=False), np.uint8)
        base = self.lent.ctypes.data
        numbers = {name: number for number, name in enumerate(self.inputs)}
        listener.lend(
            {
                item.column: Places(
                    numbers[item.column],
                    self.inputs[item.column].ctypes.data,
                    base + item.first,
                    base + item.second,
                )
                for item in asked.columns
            }
        )
        return Frame.BOUND, b""

    def batch(self, run: Callable[[], None]) -> tuple[Frame, bytes]:
        used = os.times()
        if used.user + used.system >= self.cpu_left_from:
            # Half of what it may use is gone: ask for the next stretch. Not on every batch,
            # because it is three system calls.
            layers.cpu_limit(8 * self.limits.wall_s + 10)
            self.cpu_left_from = used.user + used.system + 4 * self.limits.wall_s
        run()
        self.early = 0
        return Frame.RAN, self.news()

    def tell(self) -> None:
        """Tell of a failure while the batch goes on, so that it does not go with this process.

        No more than fits into the connection unread: the host may be waiting elsewhere.
        """
        if self.early < _EARLY_BYTES:
            body = self.news()
            self.early += len(body)
            wire.send(self.sock, Frame.NEWS, body)

    def news(self) -> bytes:
        """Give what the host does not know yet of the runner's failures, or nothing."""
        failures = self.need(self.runner).failures
        if len(failures) == self.told:
            return b""
        new = tuple(failures[self.told :])
        self.told = len(failures)
        return wire.pack(wire.Progress(new))


def try_out() -> None:
    """Say once what goes wrong, so that what that imports is imported before a worker is locked."""
    for text in (
        b"\xff",
        b"x = (",
        b"x = 'a' 1",
        b"def f():\n\tpass\n pass",
        b"import os\nx=1e999",
    ):
        load_passes(PASSES).analyse(text, "sample", Limits())
    try:
        raise ValueError("\x1b\u2028\ud800")  # noqa: TRY301  # an error of our own is the point
    except ValueError as error:
        wire.pack(wire.Progress((Failure("ValueError", "builtins", _describe(error), None),)))


def _describe(error: BaseException) -> str:
    """Say what failed and where in our own code; a guest's text may be in it, so it is escaped."""
    where = ""
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        last = frames[-1]
        where = f" (in {last.filename.rpartition('/')[2]}:{last.lineno})"
    return escape(f"{type(error).__name__}: {error}{where}", wire.MAX_TEXT - 1)
