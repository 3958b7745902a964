"""The host's hold on the zygote and on workers: start, ask, kill, replace.

One zygote serves a host process and those that it forks or starts. It is started when the first
worker is wanted, replaced when it has died or does not answer in time, and ends with the process
that started it. A child of that process closes its copies of our descriptors at once, so that the
parent still owns the only ones, and joins the same zygote by its name when it wants workers (see
`sandbox.meeting`); if that is gone or belongs to another installation, it starts its own.

Every request has a number and every wait a limit. An answer that comes after its request was given
up (Ctrl-C, a time-out) is recognised by its number and thrown away, with the descriptor in it.

A process that checks one text after another is given each worker a little before it asks: the next
is forked, and locks itself, while the one before still reads. It has seen nothing when it is taken.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox import cgroup, meeting
from sandbox.errors import IsolationError, WorkerDiedError
from sandbox.zygote import ANSWER, PICTURES, REQUEST, Op, Warmth

__all__ = ["Child", "Wanted", "Zygote", "shared_zygote"]

START_S: Final = 60.0
"""Seconds for Python and NumPy to be imported, on a machine that is busy."""
ANSWER_S: Final = 20.0
"""Seconds for a fork."""
WARM_S: Final = 180.0
"""Seconds for the compiler to be imported and used once."""
END_S: Final = 10.0
"""Seconds for a killed process to be gone."""

_KEPT_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Without these a NumPy that was installed beside its libraries does not load."""
_ENVIRONMENT: Final = {
    # Sets and dicts of text must iterate alike in every worker.
    "PYTHONHASHSEED": "0",
    # Read when Numba is imported; covers array accesses that the decorator's option does not.
    "NUMBA_BOUNDSCHECK": "1",
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMBA_DISABLE_PERFORMANCE_WARNINGS": "1",
    "LC_ALL": "C.UTF-8",
    "PATH": "",
}

_CAUGHT: Final = {int(item): item.name for item in (signal.SIGXCPU, signal.SIGABRT)}

_START: Final = """\
import sys
first, rest = sys.argv[3].split("\\n"), sys.argv[4].split("\\n")
for place in first:
    if place and place not in sys.path:
        sys.path.insert(0, place)
sys.path += [place for place in rest if place and place not in sys.path]
from sandbox.zygote import main
main()
"""

_lock = threading.RLock()
_shared: Zygote | None = None
_zygotes: set[Zygote] = set()
_tried: set[str] = set()
"""Names of zygotes that this process has joined, failed to join, or started itself."""
_children: set[Child] = set()


class _ZygoteGoneError(Exception):
    """The zygote is dead or stuck."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A worker to be forked.

    Attributes:
        warmth: What it must find imported for what it may be asked.
        memory_bytes: Address space it may add to what it starts with.
        cpu_s: Seconds of CPU time until it serves batches.
        threads: How many may work on a batch.
        pictures: Whether OpenCV is to be among what it finds, where it is installed.
    """

    warmth: Warmth
    memory_bytes: int
    cpu_s: float
    threads: int = 1
    pictures: bool = False


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the zygote said: an errno or 0, its warmth, a process id, a status, a descriptor."""

    code: int
    warmth: Warmth
    pid: int
    status: int
    fd: int


@dataclass(slots=True)
class _Spare:
    """A worker that was asked for before anybody needs it.

    Closing our end of its connection is all it takes to be rid of it.
    """

    wanted: Wanted
    sequence: int
    sock: socket.socket
    answer: _Answer | None = None

    def close(self) -> None:
        self.sock.close()
        if self.answer is not None and self.answer.fd >= 0:
            os.close(self.answer.fd)


class Child:
    """A worker process, seen from the host.

    Attributes:
        pid: Its process id.
        sock: The connection to it.
        warmth: What it has imported.
        sees: Whether OpenCV is among it, where it is installed.
    """

    def __init__(
        self,
        zygote: Zygote,
        pid: int,
        pidfd: int,
        sock: socket.socket,
        *,
        warmth: Warmth,
        sees: bool = False,
    ) -> None:
        self.zygote = zygote
        self.pid = pid
        self.pidfd = pidfd
        self.sock = sock
        self.warmth = warmth
        self.sees = sees
        self._open = True
        self._release = threading.Lock()
        _children.add(self)

    def kill(self) -> None:
        """Kill the worker, whatever it does. May be called from any thread and again."""
        with self._release:
            if not self._open:
                return
            if self.pidfd >= 0:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)  # type: ignore[attr-defined,unused-ignore]
            else:
                self.zygote.kill(self.pid)
            # Wakes a thread of ours that waits for an answer; closing alone would not.
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float = END_S) -> str | None:
        """Wait until the worker is gone; how it ended, or None if it is not gone or not known."""
        deadline = time.monotonic() + seconds
        if self.pidfd >= 0:
            poll = select.poll()
            poll.register(self.pidfd, select.POLLIN)
            poll.poll(max(0.0, seconds) * 1000)
        while True:
            status = self.zygote.ending(self.pid)
            if status is not None:
                return describe_status(status)
            if time.monotonic() >= deadline or not self.zygote.alive:
                return None
            time.sleep(0.002)

    def close(self) -> None:
        """Kill the worker and give back what the host holds of it. May be called again."""
        self.kill()
        with self._release:
            if not self._open:
                return
            self._open = False
            _children.discard(self)
            self.sock.close()
            if self.pidfd >= 0:
                os.close(self.pidfd)
                self.pidfd = -1

    def abandon(self) -> None:
        """Close the descriptors only: in a forked child, where the worker is the parent's."""
        self._release = threading.Lock()
        if self._open:
            self._open = False
            self.sock.close()
            if self.pidfd >= 0:
                os.close(self.pidfd)
                self.pidfd = -1


class Zygote:
    """One zygote process, seen from the host."""

    def __init__(
        self,
        passes: str = "sandbox.passes",
        paths: tuple[str, ...] = (),
        without: tuple[str, ...] = (),
        name: str = "",
    ) -> None:
        """Start it.

        Args:
            passes: Module with ``analyse`` and ``build``.
            paths: More folders to import from.
            without: Names of layers that its workers leave out, so that a test can try another
                one alone. What is left out is not reported as held.
            name: Under which other processes may join it; nobody may if left out.

        Raises:
            IsolationError: If it does not come up; the message has what it printed.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._begin(ours)
        with theirs:
            self._process = _start(theirs.fileno(), passes, paths, without, name)
        _zygotes.add(self)
        try:
            self._greeting()
        except (OSError, EOFError) as error:
            printed = self._ended_with()
            raise IsolationError(
                f"the process that workers are copied from did not start "
                f"({type(error).__name__}); it printed: {printed or 'nothing'}"
            ) from error
        except BaseException:
            self.close()
            raise
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _begin(self, sock: socket.socket) -> None:
        self._lock = threading.Lock()
        self._sequence = 0
        self._spare: _Spare | None = None
        self._last_brief: Wanted | None = None
        self.alive = True
        self.warmth = Warmth.LIGHT
        self.pid = 0
        """Its process id."""
        self._sock = sock

    def _greeting(self) -> None:
        _, answer = self._receive(time.monotonic() + START_S)
        self.pid, self.warmth = answer.pid, answer.warmth

    def _ended_with(self) -> str:
        self._process.kill()
        printed = b""
        if self._process.stderr is not None:
            printed = self._process.stderr.read(1 << 20)
        self.close()
        return printed.decode(errors="replace")[-2000:].strip()

    def fork(self, wanted: Wanted, *, brief: bool = False) -> Child:
        """Fork a worker.

        Args:
            wanted: What it is to be.
            brief: Whether it is to read one text and end. From the second of one kind on the next
                is made ready meanwhile.
        """
        if not brief:
            return self._fork(wanted)
        child = self._take_spare(wanted) or self._fork(wanted)
        try:
            if self._last_brief == wanted:
                self._make_spare(wanted)
            self._last_brief = wanted
        except _ZygoteGoneError:
            pass  # the worker will be missed when it is spoken to
        return child

    def _fork(self, wanted: Wanted) -> Child:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        slow = wanted.warmth > self.warmth or wanted.pictures
        try:
            with theirs:
                answer = self._ask(
                    *_request(wanted), give=theirs.fileno(), wait_s=WARM_S if slow else ANSWER_S
                )
            return self._child(wanted, answer, ours)
        except BaseException:
            ours.close()
            raise

    def _child(self, wanted: Wanted, answer: _Answer, sock: socket.socket) -> Child:
        return Child(self, answer.pid, answer.fd, sock, warmth=answer.warmth, sees=wanted.pictures)

    def _make_spare(self, wanted: Wanted) -> None:
        """Ask for a worker and do not wait for it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs, self._lock:
            self._drop_spare()
            try:
                sequence = self._post(*_request(wanted), give=theirs.fileno(), wait_s=ANSWER_S)
            except BaseException:
                ours.close()
                raise
            self._spare = _Spare(wanted, sequence, ours)

    def _take_spare(self, wanted: Wanted) -> Child | None:
        """Give the worker that was made ready, if it is of this kind and lives."""
        with self._lock:
            spare = self._spare
            if spare is None or spare.wanted != wanted or not self.alive:
                return None
            if spare.answer is None:
                # Kept by `_await` also if Ctrl-C comes between.
                self._await(spare.sequence, time.monotonic() + ANSWER_S)
            self._spare = None
            answer = spare.answer
            if answer is None or answer.code or not _is_open(spare.sock):
                spare.close()
                return None
            return self._child(wanted, answer, spare.sock)

    def _drop_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.close()

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._ask(Op.PING)

    def ending(self, pid: int) -> int | None:
        """Give a worker's wait status, or None while it lives or where nobody knows."""
        try:
            answer = self._ask(Op.ENDING, number=pid)
        except (_ZygoteGoneError, OSError):
            return None
        return None if answer.status < 0 else answer.status

    def kill(self, pid: int) -> None:
        """Kill a worker by its id; the zygote is its parent, so the id is still its own."""
        with contextlib.suppress(_ZygoteGoneError, OSError):
            self._ask(Op.KILL, number=pid)

    def _ask(
        self,
        op: Op,
        warmth: int = Warmth.LIGHT,
        number: int = 0,
        seconds: float = 0.0,
        threads: int = 1,
        *,
        give: int = -1,
        wait_s: float = ANSWER_S,
    ) -> _Answer:
        """Ask for one thing and wait for the answer."""
        with self._lock:
            deadline = time.monotonic() + wait_s
            sequence = self._post(op, warmth, number, seconds, threads, give=give, wait_s=wait_s)
            answer = self._await(sequence, deadline)
        if answer.code:
            raise OSError(answer.code, os.strerror(answer.code))
        return answer

    def _post(
        self,
        op: Op,
        warmth: int,
        number: int,
        seconds: float,
        threads: int,
        *,
        give: int,
        wait_s: float,
    ) -> int:
        """Send a request, with the lock held, and give its number."""
        if not self.alive:
            raise _ZygoteGoneError
        self._sequence = sequence = (self._sequence + 1) & 0xFFFFFFFF
        request = REQUEST.pack(sequence, op, warmth, number, seconds, threads)
        try:
            self._sock.settimeout(wait_s)
            if give >= 0:
                socket.send_fds(self._sock, [request], [give])
            else:
                self._sock.sendall(request)
        except OSError as error:
            self._end()
            raise _ZygoteGoneError from error
        return sequence

    def _await(self, sequence: int, deadline: float) -> _Answer:
        """Receive the answer with a number, with the lock held; one about the spare is kept."""
        while True:
            try:
                found, answer = self._receive(deadline)
            except (OSError, EOFError) as error:
                # Dead, or stuck and not to be waited for again; its workers end with it.
                self._end()
                raise _ZygoteGoneError from error
            self.warmth = answer.warmth
            if self._spare is not None and found == self._spare.sequence:
                self._spare.answer = answer
            elif found != sequence and answer.fd >= 0:
                os.close(answer.fd)
            if found == sequence:
                return answer

    def _receive(self, deadline: float) -> tuple[int, _Answer]:
        self._sock.settimeout(max(0.001, deadline - time.monotonic()))
        flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        data, fds, _, _ = socket.recv_fds(self._sock, ANSWER.size, 1, flags)
        while len(data) < ANSWER.size:
            if not data:
                raise EOFError
            more = self._sock.recv(ANSWER.size - len(data))
            if not more:
                raise EOFError
            data += more
        sequence, code, warmth, pid, status = ANSWER.unpack(data)
        return sequence, _Answer(code, Warmth(warmth), pid, status, fds[0] if fds else -1)

    def _end(self) -> None:
        if not self.alive:
            return
        self.alive = False
        self._drop_spare()
        self._sock.close()
        self._end_process()
        _zygotes.discard(self)

    def _end_process(self) -> None:
        self._process.kill()
        # SIGKILL cannot be refused; a second is for a machine under load.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def close(self) -> None:
        """End the zygote, or leave it, and with it all our workers. May be called again."""
        with self._lock:
            self._end()

    def abandon(self) -> None:
        """Close the descriptors only: in a forked child."""
        self._lock = threading.Lock()
        self.alive = False
        self._drop_spare()
        self._sock.close()
        self._abandon_process()

    def _abandon_process(self) -> None:
        # It is not our child, so nothing may wait for it or warn that nobody did.
        self._process.returncode = 0


class _JoinedZygote(Zygote):
    """A zygote that another process of the host has started."""

    def __init__(self, sock: socket.socket) -> None:
        """Wait until it answers.

        Raises:
            OSError: If it does not, or in time.
            EOFError: If it ends.
        """
        self._begin(sock)
        _zygotes.add(self)
        try:
            self._greeting()
        except BaseException:
            self.close()
            raise

    def _end_process(self) -> None:
        """Leave it to its owner; our workers end because the connection did."""

    def _abandon_process(self) -> None:
        """Leave it to its owner."""


def _request(wanted: Wanted) -> tuple[Op, int, int, float, int]:
    warmth = wanted.warmth | (PICTURES if wanted.pictures else 0)
    return Op.FORK, warmth, wanted.memory_bytes, wanted.cpu_s, wanted.threads


def _is_open(sock: socket.socket) -> bool:
    """Say whether the other end is still held, also where there is something to read."""
    poll = select.poll()
    poll.register(sock, 0)  # that it hung up is told in any case
    return not poll.poll(0)


def _start(
    fd: int, passes: str, paths: tuple[str, ...], without: tuple[str, ...], name: str
) -> subprocess.Popen[bytes]:
    if not sys.executable:
        raise IsolationError(
            "sys.executable is empty, so no worker process can be started; "
            'run under a Python interpreter, or pass isolation="none" for text you trust'
        )
    environment = dict(_ENVIRONMENT)
    environment.update({name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ})
    here = str(Path(__file__).resolve().parent.parent)
    rest = [place for place in sys.path if Path(place).is_absolute()]
    # Not -I: that would ignore PYTHONHASHSEED too. The environment is ours, -s leaves out the
    # user's packages and -P the current folder, which together are what -I is for.
    command = [sys.executable, "-s", "-P", "-X", "utf8", "-c", _START]
    command += [str(fd), passes, "\n".join((*paths, here)), "\n".join(rest)]
    command += [",".join(without), "\n".join(cgroup.places()), name]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(fd,),
        env=environment,
        cwd="/",
        # Ctrl-C in a terminal is for the host alone.
        start_new_session=True,
    )


def shared_zygote() -> Zygote:
    """Give the zygote of this process, joined, started or replaced as needed."""
    global _shared
    with _lock:
        if _shared is None or not _shared.alive:
            _shared = _join() or _start_shared()
        return _shared


def _join() -> Zygote | None:
    """Join the zygote of the process that started this one, once."""
    name = os.environ.get(meeting.VARIABLE, "")
    if not name or name in _tried:
        return None
    _tried.add(name)
    sock = meeting.join(name)
    if sock is None:
        return None
    try:
        return _JoinedZygote(sock)
    except (OSError, EOFError):
        return None


def _start_shared() -> Zygote:
    name = meeting.new_name()
    zygote = Zygote(name=name)
    if name:
        _tried.add(name)
        os.environ[meeting.VARIABLE] = name
    return zygote


def fork(zygote: Zygote | None, wanted: Wanted, *, brief: bool = False) -> Child:
    """Fork a worker from a given zygote, or from the shared one, replaced once if it is stuck.

    Args:
        zygote: What to fork from; the one of this process if left out.
        wanted: What it is to be.
        brief: See `Zygote.fork`.

    Raises:
        WorkerDiedError: If there is no zygote to be had.
    """
    for attempt in range(2):
        try:
            return (zygote or shared_zygote()).fork(wanted, brief=brief)
        except _ZygoteGoneError:
            continue
        except OSError as error:
            if error.errno == errno.EAGAIN and attempt == 0:
                continue  # as when the process in between was killed from outside
            raise WorkerDiedError(f"no worker could be forked: {error}") from error
    raise WorkerDiedError("the process that workers are copied from ended twice or does not answer")


def describe_status(status: int) -> str:
    """Say in words how a process ended, such as ``"signal 11 (SIGSEGV)"``."""
    code = os.waitstatus_to_exitcode(status)
    if code in _CAUGHT:
        # Process 1 of a namespace dies of these only by a handler; see `sandbox.namespaces`.
        return f"exit status {code} ({_CAUGHT[code]})"
    if code >= 0:
        return f"exit status {code}"
    if -code == getattr(signal, "SIGSYS", 0):
        return f"signal {-code} (SIGSYS): it made a system call that its filter does not allow"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"


@atexit.register
def _close_all() -> None:
    for child in tuple(_children):
        child.close()
    for zygote in tuple(_zygotes):
        zygote.close()


def _after_fork_in_child() -> None:
    global _lock, _shared
    _lock = threading.RLock()
    _shared = None
    for child in tuple(_children):
        child.abandon()
    for zygote in tuple(_zygotes):
        zygote.abandon()
    _children.clear()
    _zygotes.clear()
    _tried.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
