"""The worker of one guest: held, talked to, timed, killed, and given back.

Apart from the guest, so that a guest that is dropped without `close` takes its worker and its
memory with it. Nothing that arrives is believed: a frame that does not fit, a silence that is too
long and a connection that ends are each a `LostWorkerError`, and the worker is gone when it is
raised.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import numpy as np

from sandbox import shm, spawn, wire
from sandbox.doorbell import Bell
from sandbox.errors import ProtocolError, SandboxError, UsageError
from sandbox.native.tables import Kind
from sandbox.outcome import Outcome
from sandbox.wire import Frame

__all__ = ["Holder", "LostWorkerError"]

_GRACE_S: Final = 0.25
"""Seconds for a worker that hung up to be gone, so that how it ended can be told."""

_MANY: Final = 1024

T = TypeVar("T")


_holders: weakref.WeakSet[Holder] = weakref.WeakSet()


def _unread(sock: socket.socket) -> list[bytes]:
    """Give the bodies of news that a worker which is gone had sent; other frames end them."""
    found: list[bytes] = []
    try:
        while len(found) < _MANY:
            frame, body = wire.receive(sock, time.monotonic() + _GRACE_S)
            if frame is not Frame.NEWS:
                break
            found.append(body)
    except (OSError, EOFError, ProtocolError):
        pass
    return found


class LostWorkerError(Exception):
    """A worker is gone, or was made to go, in the middle of something."""

    def __init__(
        self, outcome: Outcome, reason: str, *, idle: bool = False, gave_up: bool = False
    ) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.idle = idle
        """Whether it was gone before it was asked, so that no row can be blamed."""
        self.gave_up = gave_up
        """Whether it reported an exception of its own code, other than that it has no memory."""


class Holder:
    """What must be given back when a guest ends, apart from the guest so that it can be dropped."""

    def __init__(self) -> None:
        self.child: spawn.Child | None = None
        self.regions: tuple[shm.Region, ...] = ()
        self.bell: Bell | None = None
        """The page that the worker listens to, once it does."""
        self.ready = np.zeros(1, np.int64)
        """Whether the short way of a step may be taken; read and written by native code."""
        self.closed = False
        self.owner = os.getpid()
        self.busy = threading.RLock()
        self.last_words: list[bytes] = []
        """What the last worker had told of failures when it ended, and nobody had read."""
        _holders.add(self)

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

    def worker(self) -> spawn.Child:
        """Give the worker, which there must be."""
        if self.child is None:
            raise UsageError("call build first")
        return self.child

    def must_be_open(self, filename: str) -> None:
        """Refuse what comes after `close`."""
        if self.closed:
            raise UsageError(f"{filename}: this guest is closed; open a new one")

    def take(self, child: spawn.Child) -> None:
        """Hold a new worker."""
        self.child = child
        if self.closed:  # closed by another thread while it was forked
            child.close()

    def keep(self, regions: tuple[shm.Region, ...]) -> None:
        """Keep the memory of a batch size in place of the one before."""
        for region in self.regions:
            region.close()
        self.regions = regions

    def add(self, region: shm.Region) -> None:
        """Keep one more piece of memory of this batch size."""
        self.regions = (*self.regions, region)

    def drop(self, *, ended_by_itself: bool = False) -> str:
        """Make sure that the worker is gone, and say how it ended."""
        self.bell = None
        self.ready[0] = 0
        child, self.child = self.child, None
        if child is None:
            return "it was gone"
        reason = child.wait(_GRACE_S) if ended_by_itself else None
        child.kill()
        if reason is None:
            # Waited for in any case: only a process that is gone no longer writes.
            how = child.wait()
            reason = "it closed its connection" if ended_by_itself else how or "it was killed"
        self.last_words = _unread(child.sock)
        child.close()
        return reason

    def close(self) -> None:
        """End the worker and give its memory back. May be called again, from any thread."""
        if self.owner != os.getpid():
            return
        self.closed = True
        self.ready[0] = 0
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

    # Talking -------------------------------------------------------------------------------

    def send(self, frame: Frame, body: bytes, deadline: float) -> None:
        """Send a frame before a deadline in seconds of ``time.monotonic``."""
        child = self.worker()
        try:
            wire.send(child.sock, frame, body, deadline)
            if self.bell is not None:
                self.bell.ask(Kind.TALK)
        except TimeoutError:
            raise self.late() from None
        except OSError:
            lost = self.died()
            raise LostWorkerError(lost.outcome, lost.reason, idle=True) from None

    def frame(self, deadline: float) -> tuple[Frame, bytes]:
        """Receive a frame; a worker that is late is killed."""
        child = self.worker()
        try:
            return self.received(child, deadline)
        except TimeoutError:
            raise self.late() from None

    def received(
        self, child: spawn.Child, deadline: float, *, spin_s: float = 0.0
    ) -> tuple[Frame, bytes]:
        """Receive a frame, or raise TimeoutError and leave the worker as it is."""
        try:
            return wire.receive(child.sock, deadline, spin_s=spin_s)
        except TimeoutError:
            raise
        except (OSError, EOFError):
            raise self.died() from None
        except ProtocolError as error:
            raise self.broken_by(str(error)) from None

    def answer(self, kind: type[T], wanted: Frame, deadline: float) -> T:
        """Receive a record in a frame of one kind."""
        frame, body = self.frame(deadline)
        if frame is not wanted:
            raise self.broken(frame, body)
        return self.read(kind, body)

    def read(self, kind: type[T], body: bytes) -> T:
        """Read a record from the body of a frame."""
        try:
            return wire.unpack(kind, body)
        except ProtocolError as error:
            raise self.broken_by(str(error)) from None

    def late(self) -> LostWorkerError:
        """Drop a worker that did not answer in time."""
        self.drop()
        return LostWorkerError(
            Outcome.TIMED_OUT, "the worker did not answer in time and was killed"
        )

    def died(self) -> LostWorkerError:
        """Drop a worker whose connection ended."""
        reason = self.drop(ended_by_itself=True)
        if "SIGXCPU" in reason:
            return LostWorkerError(Outcome.TIMED_OUT, f"the worker used up its CPU time: {reason}")
        return LostWorkerError(Outcome.CRASHED, f"the worker died: {reason}")

    def broken(self, frame: Frame, body: bytes) -> LostWorkerError:
        """Drop a worker that sent a frame nobody asked for, or gave up."""
        if frame is Frame.BROKEN:
            try:
                text = wire.decode(body)
            except ProtocolError:
                text = None
            if isinstance(text, str) and text.isprintable() and len(text) < wire.MAX_TEXT:
                self.drop()
                reason = f"the worker gave up: {text}"
                at_fault = not text.startswith("MemoryError")
                return LostWorkerError(Outcome.CRASHED, reason, gave_up=at_fault)
        return self.broken_by(f"{frame.name} was not asked for")

    def broken_by(self, what: str) -> LostWorkerError:
        """Drop a worker that sent what cannot be read."""
        self.drop()
        return LostWorkerError(Outcome.CRASHED, f"the worker sent no proper answer: {what}")


def _after_fork_in_child() -> None:
    # The workers are the parent's: native code must not knock on their pages from here.
    for holder in tuple(_holders):
        holder.ready[0] = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
