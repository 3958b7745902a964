"""Passes that stand in for the real ones and do on a row what its number says.

The real passes keep a guest from killing, blocking or lying; here is what happens when one does
so all the same. It runs inside the worker and may do there what hostile native code could do.
The source is one line of words, such as ``b"stateful tasks=2"``; see `analyse` and `build`.
"""

# A hostile worker uses the plain calls.
# ruff: noqa: PTH109, PTH115, PTH123, PTH208, SIM115
from __future__ import annotations

import gc
import json
import mmap
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox import layers, wire
from sandbox.diagnostics import Finding, Report, Severity, Span
from sandbox.doorbell import Listener
from sandbox.errors import ProgramRefusedError
from sandbox.limits import Limits
from sandbox.native.tables import Status
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import FunctionOutline, Outline, Plan
from sandbox.tiers.base import NO_FAILURE, Failure, TierReason

SLEEP, SEGV, EXIT, RAISE, KILL = -1.0, -2.0, -3.0, -4.0, -5.0
BAD_CODE, BAD_INDEX, BAD_BOOL, BAD_FUEL, LEAVE, NAN = -6.0, -7.0, -8.0, -9.0, -10.0, -11.0
GARBAGE, BREAK, HUNGRY, HANG_UP, WRONG_FRAME, FLOOD = -12.0, -13.0, -14.0, -15.0, -16.0, -17.0
WRITE_INPUT, OPEN, LIMITS, NAP, MANY = -18.0, -19.0, -20.0, -21.0, -22.0
FLIP, SCRIBBLE, SAY_DONE, SAY_TOLD, SAY_HOME = -23.0, -24.0, -25.0, -26.0, -27.0


@dataclass(frozen=True)
class Analysis:
    text: str
    findings: tuple[Finding, ...]
    outline: Outline | None
    sketch: Outline | None = None
    normal: None = None


@dataclass(frozen=True)
class Built:
    runner: Any
    tier_reason: TierReason | None
    component_names: tuple[str, ...]
    findings: tuple[Finding, ...]


def describe_this_process() -> str:
    """Give what a worker can find out about itself, as JSON."""
    status = dict(
        line.split(":\t", 1)
        for line in open("/proc/self/status", "rb").read().decode().splitlines()
        if ":\t" in line
    )
    links = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            links[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
    limits = {
        name: resource.getrlimit(getattr(resource, name))
        for name in dir(resource)
        if name.startswith("RLIMIT_")
    }
    return json.dumps(
        {
            "environment": dict(os.environ),
            "hash": hash("a text"),
            "descriptors": links,
            "limits": limits,
            "status": status,
            "cwd": os.getcwd(),
            "modules": sorted(sys.modules),
            "pid": os.getpid(),
            "session": os.getsid(0),
            "ignores_interrupt": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        }
    )


def analyse(source: bytes, filename: str, limits: Limits) -> Analysis:
    text = source.decode()
    if text == "describe":
        text = describe_this_process()
    if "hang-in-check" in text:
        time.sleep(60)
    if "die-in-check" in text:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "raise-in-check" in text:
        raise RuntimeError("no \x1b[31mred\x1b[0m text")
    if "refused" in text:
        found = Finding("SBX201", Severity.ERROR, Span(1, 1, 1, 3), "line\nbreak", "why", "hint")
        return Analysis(text, (found,), None)
    if "rude-finding" in text:
        sock = socket.socket(fileno=layers.SOCKET_FD)
        plain = wire.decode(wire.pack(wire.Checked(text, (), None)))
        assert isinstance(plain, list)
        plain[2] = [["Finding", "SBX201", "error", None, "\x1b[2J", "", ""]]
        wire.send(sock, wire.Frame.CHECKED, wire.encode(plain))
        time.sleep(60)
    return Analysis(text, (), Outline((FunctionOutline("reward", (), Span(1, 1, 1, 2)),), ()))


def build(
    analysis: Analysis,
    plan: Plan,
    limits: Limits,
    tier: str,
    *,
    before_guest_code: Callable[[], None] | None = None,
    **code: object,
) -> Built:
    if before_guest_code is not None:
        before_guest_code()
    if "hang-in-build" in analysis.text and tier != "interpreted":
        time.sleep(60)
    if "die-in-build" in analysis.text and tier != "interpreted":
        os.kill(os.getpid(), signal.SIGSEGV)
    if "raise-in-build" in analysis.text:
        raise RuntimeError("our own fault")
    if "no-memory-in-build" in analysis.text:
        raise MemoryError
    if "refuse-build" in analysis.text:
        found = Finding("SBX701", Severity.ERROR, None, "module level raised", "why", "hint")
        raise ProgramRefusedError(Report("x", analysis.text, (found,)))
    names = tuple("ab") if "parts" in analysis.text else ()
    if "ugly-names" in analysis.text:
        names = ("fine", "two\nlines", "x" * 300)
    return Built(Runner(plan, names), TierReason("CMP000", "none here"), names, ())


class Runner:
    tier = "interpreted"
    on_failure: Callable[[], None] | None = None

    def __init__(self, plan: Plan, names: tuple[str, ...]) -> None:
        self.plan = plan
        self.component_names = names
        self.failures: list[Failure] = []

    def bind(self, num_rows: int, inputs: Any, outputs: Any) -> None:
        self.x = inputs["next_obs"]
        self.out = outputs
        self.state = np.full(num_rows, np.nan)

    def reset(self) -> None:
        self._run(reset=True)

    def step(self) -> None:
        self._run(reset=False)

    def _run(self, *, reset: bool) -> None:
        out = self.out
        for i in range(len(self.x)):
            if out.outcome[i] != PENDING:
                continue
            out.failure[i] = NO_FAILURE
            out.fuel[i] = 1
            for k in range(out.tasks.shape[1]):
                # Task k is done where x > k; a fault happens in task 1.
                if k == 1 and self.x[i] < 0:
                    self._fault(i, float(self.x[i]))
                out.tasks[i, k] = self.x[i] > k
                out.task_failure[i, k] = NO_FAILURE
                out.task_outcome[i, k] = Outcome.OK
            outcome: Outcome | None = Outcome.OK
            if self.x[i] < 0:
                outcome = self._fault(i, float(self.x[i]))
                if outcome is None:
                    continue
            elif self.plan.stateful:
                self.state[i] = 0.0 if reset else self.state[i] + self.x[i]
                out.reward[i] = self.state[i]
            else:
                out.reward[i] = self.x[i]
            for c in range(len(self.component_names)):
                out.components[c, i] = out.reward[i] + c
                out.present[c, i] = True
            out.outcome[i] = outcome

    def _fault(self, i: int, code: float) -> Outcome | None:
        out = self.out
        out.reward[i] = 123.0
        pid = os.getpid()
        if code == SLEEP:
            time.sleep(60)
        elif code == SEGV:
            os.kill(pid, signal.SIGSEGV)
        elif code == KILL:
            os.kill(pid, signal.SIGKILL)
        elif code == EXIT:
            os._exit(3)
        elif code == RAISE:
            self.failures.append(Failure("ValueError", "builtins", f"row {i}\x1b", None))
            out.failure[i] = len(self.failures) - 1
            if self.on_failure is not None:
                self.on_failure()
            return Outcome.ERROR
        elif code == BAD_CODE:
            return 77  # type: ignore[return-value]
        elif code == BAD_INDEX:
            out.failure[i] = 5000
            return Outcome.ERROR
        elif code == BAD_BOOL:
            out.present.view(np.uint8)[0, i] = 200
            out.outcome[i] = Outcome.OK
            return None
        elif code == BAD_FUEL:
            out.fuel[i] = -5
        elif code == LEAVE:
            return None
        elif code == NAN:
            out.reward[i] = np.nan
        elif code == GARBAGE:
            os.write(layers.SOCKET_FD, b"\xff" * 64)
            time.sleep(60)
        elif code == WRONG_FRAME:
            os.write(layers.SOCKET_FD, bytes([wire.Frame.BOUND, 0, 0, 0, 0]))
            time.sleep(60)
        elif code == FLOOD:
            os.write(layers.SOCKET_FD, bytes([wire.Frame.RAN, 255, 255, 255, 255]))
            time.sleep(60)
        elif code == BREAK:
            raise RuntimeError("our own fault")
        elif code == HUNGRY:
            try:
                np.ones(1 << 31)
            except MemoryError:
                return Outcome.OUT_OF_MEMORY
        elif code == HANG_UP:
            os.close(layers.SOCKET_FD)
            time.sleep(60)
        elif code == WRITE_INPUT:
            return self._try_to_write_inputs(i)
        elif code == OPEN:
            out.reward[i] = float(len(os.listdir("/proc/self/fd")))
        elif code == LIMITS:
            try:
                with open("/tmp/carruntime-must-not-exist", "wb") as file:
                    file.write(b"x")
                    file.flush()
            except OSError:
                out.reward[i] = 1.0
        elif code == NAP:
            time.sleep(0.2)
            out.reward[i] = float(pid)
        elif code == FLIP:
            self._flip(i)
        elif code == SCRIBBLE:
            self._scribble(i)
        elif code == SAY_DONE:
            _listener().tell(frame=False)
            time.sleep(60)
        elif code == SAY_TOLD:
            _listener().tell(frame=True)
            time.sleep(60)
        elif code == SAY_HOME:
            _listener()._tell(Status.HOME)
            time.sleep(60)
        elif code == MANY:
            for k in range(1024):
                self.failures.append(Failure("E" + str(k), "guest", "x" * 400, Span(1, 1, 1, 2)))
            out.failure[i] = 1023
            return Outcome.ERROR
        return Outcome.OK

    def _flip(self, i: int) -> None:
        """Say that the batch is done, and go on changing its results."""
        out = self.out
        for row in range(len(out.outcome)):
            out.reward[row], out.fuel[row], out.failure[row] = 1.0, 1, NO_FAILURE
            out.outcome[row] = Outcome.OK
        _listener().tell(frame=False)
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            for reward, outcome, byte, fuel in (
                (np.nan, 0, 0, -5),
                (2.0, 77, 200, 1),
                (1.0, 0, 1, 1),
            ):
                out.reward[:] = reward
                out.outcome[:] = outcome
                out.present.view(np.uint8)[:] = byte
                out.fuel[:] = fuel

    def _scribble(self, i: int) -> None:
        """Write noise all over the shared page, then end the row as if nothing had been."""
        page = _page()
        noise = np.random.default_rng(int(self.x[0]))
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            page[:] = noise.integers(0, 256, len(page))
        self.out.reward[i] = 7.0

    def _try_to_write_inputs(self, i: int) -> Outcome:
        """Every way a worker has to its inputs; the reward counts those that worked."""
        worked = 0
        try:
            self.x.setflags(write=True)
            worked += 1
        except ValueError:
            pass
        for name in os.listdir("/proc/self/fd"):
            number = int(name)
            try:
                if "memfd" not in os.readlink(f"/proc/self/fd/{name}"):
                    continue
                fd = os.open(f"/proc/self/fd/{number}", os.O_RDWR)
            except OSError:
                continue
            try:
                first = os.pread(fd, 8, 0)
                os.pwrite(fd, first, 0)
                mmap.mmap(fd, 8).close()
                mapped = True
            except OSError:
                mapped = False
            # The outputs may be written; the inputs are the region that starts with our number.
            if first == np.float64(self.x[0]).tobytes() and mapped:
                worked += 1
            os.close(fd)
        self.out.reward[i] = worked
        return Outcome.OK


def _listener() -> Listener:
    """Find what waits for the host in this worker, as native code that runs here could."""
    return next(item for item in gc.get_objects() if isinstance(item, Listener))


def _page() -> Any:
    return _listener()._where.base
