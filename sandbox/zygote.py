"""The zygote: a clean, warm process whose copies become workers.

Starting Python and importing NumPy takes a tenth of a second and Numba takes seconds; forking a
process that has them takes milliseconds. The zygote is started by exec, so nothing of the host is
in its memory: no secrets, no open files, no threads. It never sees a guest's text. It does four
things, on a socket that only the host has: fork a worker around a connection it is handed, say how
a worker ended, kill one, and answer a ping. Further processes of the host may join it (see
`sandbox.meeting`); the workers of each are its own and end with it, and all end with the first.

It has one thread, which is what makes forking safe and lets workers die with it. It starts light
(NumPy, the static passes and the interpreted tier), because a check should answer at once, and
imports Numba when the first worker that may compile is asked for; from then on every worker has it.
For machine code that was kept there is a step between: what loads it, without Numba.
What a worker needs must be imported here: a locked worker opens no file. It ends when the host
closes its end of the socket, or is gone.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import Any, Final, Literal, NoReturn

from sandbox import cgroup, layers, meeting, namespaces, opencv, worker
from sandbox.limits import Limits
from sandbox.native.library import library
from sandbox.pictures.table import KERNELS
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, DictSpec, Schema
from sandbox.team import MOST_THREADS

__all__ = ["ANSWER", "PICTURES", "REQUEST", "Op", "Warmth", "main"]

REQUEST: Final = struct.Struct("<IHHqdH")
"""Sequence number; what; warmth; bytes of memory or a process id; seconds."""
ANSWER: Final = struct.Struct("<IHHqq")
"""Sequence number; 0 or an errno; warmth; a process id; a wait status, or -1."""
PICTURES: Final = 1 << 8
"""Added to the warmth in a request: the worker must find OpenCV imported, if it is installed."""
_ENDINGS: Final = 4096
_PATIENCE_S: Final = 1.0
"""Seconds for the rest of a request, or for an answer to be taken, of a process that joined."""


class Op(IntEnum):
    """What the host may ask."""

    PING = 1
    FORK = 2
    ENDING = 3
    KILL = 4


class Warmth(IntEnum):
    """What a new worker finds imported."""

    LIGHT = 0
    """NumPy, the static passes, the interpreted tier."""
    LOADER = 1
    """What loads machine code that was compiled before; Numba is not among it."""
    COMPILER = 2
    FAILED = 3
    """The compiler could not be imported or warmed; workers try it themselves and say why not."""


SAMPLE: Final = b'''\
import numpy as np


def reward(obs, next_obs, action):
    """Cover what most programs need, so that its parts are loaded before the fork."""
    total = 0.0
    for i in range(next_obs["grid"].shape[0]):
        if next_obs["grid"][i, 0] == 1 and action != 3:
            total += 0.5
    distance = float(np.linalg.norm(next_obs["place"] - obs["place"]))
    parts = {"distance": -distance, "count": total}
    return max(total - min(distance, 1.0), 0.0), parts
'''


def _sample_plan() -> Plan:
    place = ArraySpec(shape=(3,), dtype="float64", low=-1.0, high=1.0)
    grid = ArraySpec(shape=(4, 2), dtype="uint8", low=0, high=10)
    tree = DictSpec((("place", place), ("grid", grid)))
    action = ArraySpec(kind="int", dtype="int64", low=0, high=6)
    return Plan(
        schema=Schema((("obs", tree), ("next_obs", tree), ("action", action))),
        reward=Call("reward", tuple(Param(name, name) for name in ("obs", "next_obs", "action"))),
    )


def main() -> NoReturn:
    """Serve the host until it is gone.

    Arguments: the socket's descriptor, the passes' module, two lists of folders that are used before
    this, names of layers that workers leave out, separated by commas, folders of control groups, and
    a name under which other processes of the host may join, or nothing.
    """
    sock = socket.socket(fileno=int(sys.argv[1]))
    os.chdir("/")
    without = frozenset(filter(None, sys.argv[5].split(",")))
    folders = tuple(filter(None, sys.argv[6].split("\n")))
    groups = None if cgroup.NAME in without else cgroup.Groups(folders)
    listener = meeting.listen(sys.argv[7]) if sys.argv[7] else None
    zygote = _Zygote(sock, listener, worker.load_passes(sys.argv[2]), without, groups)
    zygote.greet(sock)
    code = 0
    try:
        zygote.loop()
    except (EOFError, ConnectionError):
        pass
    except BaseException:
        code = 1
        raise
    finally:
        zygote.kill_all()
        os._exit(code)


@dataclass(eq=False, slots=True)
class _Host:
    """A process that asks, and its workers."""

    sock: socket.socket
    alive: set[int] = field(default_factory=set)


class _Zygote:
    """The workers that live, and how the last ones ended."""

    def __init__(
        self,
        sock: socket.socket,
        listener: socket.socket | None,
        passes: worker.Passes,
        without: frozenset[str],
        groups: cgroup.Groups | None,
    ) -> None:
        self.first = _Host(sock)
        self.listener = listener
        self.hosts = {sock.fileno(): self.first}
        self.poll = select.poll()
        for item in (sock, listener):
            if item is not None:
                self.poll.register(item, select.POLLIN)
        self.passes = passes
        self.without = without
        self.groups = groups
        self.group_of: dict[int, Path] = {}
        self.number = layers.own_id()
        self.apart = frozenset(namespaces.NAMES) - without
        if not namespaces.adopt_orphans():
            self.apart = frozenset()
        self.warmth = Warmth.LIGHT
        self.knows_pictures = False
        self.sees = False
        """Whether OpenCV was imported, or looked for in vain."""
        self.endings: OrderedDict[int, int] = OrderedDict()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, self.reap)
        # A locked worker opens no file, so what it may import is imported here.
        self.try_out("interpreted")
        worker.try_out()
        _freeze()

    def greet(self, sock: socket.socket) -> None:
        """Say that requests are answered from now on."""
        sock.sendall(ANSWER.pack(0, 0, self.warmth, os.getpid(), -1))

    def loop(self) -> NoReturn:
        while True:
            for fd, _ in self.poll.poll():
                host = self.hosts.get(fd)
                if host is None:
                    self.welcome()
                    continue
                try:
                    self.answer(host)
                except (EOFError, OSError):
                    if host is self.first:
                        raise EOFError from None
                    self.part(fd, host)

    def welcome(self) -> None:
        """Take a further process of the host."""
        sock = None if self.listener is None else meeting.accepted(self.listener, _PATIENCE_S)
        if sock is not None:
            try:
                self.greet(sock)
            except OSError:
                sock.close()
                return
            self.hosts[sock.fileno()] = _Host(sock)
            self.poll.register(sock, select.POLLIN)

    def part(self, fd: int, host: _Host) -> None:
        """End the workers of a process that is gone."""
        self.poll.unregister(fd)
        del self.hosts[fd]
        host.sock.close()
        _kill(host.alive)

    def answer(self, host: _Host) -> None:
        """Read one request and answer it."""
        data, fds, _, _ = socket.recv_fds(host.sock, REQUEST.size, 1)
        while data and len(data) < REQUEST.size:
            more = host.sock.recv(REQUEST.size - len(data))
            data = data + more if more else b""
        if not data:
            raise EOFError
        sequence, op, warmth, number, seconds, threads = REQUEST.unpack(data)
        code, pid, status = 0, number, -1
        given: list[int] = []
        try:
            if op == Op.FORK and fds:
                self.warm(warmth & ~PICTURES)
                if warmth & PICTURES:
                    self.see()
                    self.know_pictures()
                pid, given = self.fork(host, fds[0], number, seconds, threads)
            elif op == Op.ENDING:
                status = self.endings.get(number, -1)
            elif op == Op.KILL and number in host.alive:
                os.kill(number, signal.SIGKILL)
            elif op not in {Op.PING, Op.KILL}:
                code = errno.EINVAL
        except OSError as error:
            code = error.errno or errno.EIO
        answer = ANSWER.pack(sequence, code, self.warmth, pid, status)
        try:
            if given:
                socket.send_fds(host.sock, [answer], given)
            else:
                host.sock.sendall(answer)
        finally:
            for fd in (*fds, *given):
                os.close(fd)

    def fork(
        self, host: _Host, connection: int, memory_bytes: int, seconds: float, threads: int
    ) -> tuple[int, list[int]]:
        """Fork a worker; give its id and, where the system has such, a descriptor of it."""
        order = layers.Order(
            self.number,
            memory_bytes,
            seconds,
            self.without,
            threads=min(max(threads, 1), MOST_THREADS),
        )
        group = self.groups.make(memory_bytes, order.threads) if self.groups is not None else None

        def before_it_starts(pid: int) -> frozenset[str]:
            if group is None or not cgroup.Groups.put(group, pid):
                return frozenset()
            self.group_of[pid] = group
            return frozenset({cgroup.NAME})

        # Held back until the descriptor exists, so that the id cannot have been given away.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        try:
            if self.apart:
                pid, born_into = namespaces.fork_into(self.apart, before_it_starts)
            else:
                pid, born_into = os.fork(), frozenset()
            if pid == 0:
                order = replace(order, born_into=born_into)
                worker.serve(socket.socket(fileno=connection), self.passes, order)
            host.alive.add(pid)
            if group is not None and pid not in self.group_of:
                cgroup.Groups.remove(group)
            if not hasattr(os, "pidfd_open"):
                return pid, []
            try:
                return pid, [os.pidfd_open(pid)]
            except OSError:
                return pid, []
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})

    def reap(self, number: int, frame: FrameType | None) -> None:
        """Take note of every worker that has ended (the handler of SIGCHLD)."""
        del number, frame
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for host in self.hosts.values():
                host.alive.discard(pid)
            self.endings[pid] = status
            group = self.group_of.pop(pid, None)
            if group is not None:
                cgroup.Groups.remove(group)
            while len(self.endings) > _ENDINGS:
                self.endings.popitem(last=False)

    def warm(self, wanted: int) -> None:
        """Import what loads machine code, or the compiler, and use that on a source of our own."""
        if wanted <= self.warmth:
            return
        gc.unfreeze()
        gc.enable()
        # Made here, where code can still become executable; workers then have it.
        library()
        if wanted >= Warmth.COMPILER:
            self.warmth = Warmth.COMPILER if self.try_out("auto") else Warmth.FAILED
        else:
            self.warmth = Warmth.LOADER if _can_load() else Warmth.FAILED
        _freeze()

    def see(self) -> None:
        """Import OpenCV and let it make what it makes when it is first used."""
        if self.sees:
            return
        self.sees = True
        gc.unfreeze()
        gc.enable()
        opencv.warm_up()
        _freeze()

    def know_pictures(self) -> None:
        """Import our kernels for pictures, where programs are compiled: a worker opens no file."""
        if self.knows_pictures or self.warmth < Warmth.COMPILER:
            return
        self.knows_pictures = True
        gc.unfreeze()
        gc.enable()
        for name in sorted({item.module for found in KERNELS.values() for item in found}):
            with contextlib.suppress(ImportError):
                importlib.import_module(f"sandbox.pictures.{name}")
        _freeze()

    def try_out(self, tier: Literal["auto", "interpreted"]) -> bool:
        """Build our own sample, and load what was compiled of it; whether it compiled."""
        limits = Limits()
        kept: list[bytes] = []

        def build(**code: Any) -> Any:
            analysis = self.passes.analyse(SAMPLE, "sample", limits)
            return self.passes.build(
                analysis, _sample_plan(), limits, tier, before_guest_code=lambda: None, **code
            )

        try:
            built = build() if tier == "interpreted" else build(keep_code=kept.append)
            for code in kept:
                build(code=code)
        except Exception:
            return False
        return built.tier_reason is None

    def kill_all(self) -> None:
        """Leave no worker behind, also where the system has no parent-death signal."""
        for host in self.hosts.values():
            _kill(host.alive)


def _can_load() -> bool:
    try:
        from sandbox.tiers.compiled.stored import prepare

        prepare()
    except Exception:
        return False
    return True


def _kill(pids: set[int]) -> None:
    for pid in tuple(pids):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def _freeze() -> None:
    """Keep the collector from touching, and so from copying, memory that workers share."""
    gc.collect()
    gc.freeze()
    gc.disable()
