"""A page that host and worker share, by which they wake each other; see `sandbox.native.bell`.

The host makes one for each batch size, where its worker can serve it. Requests that are more than
"run what is marked" go over the socket as ever; a knock on the page says that one is there.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox import layers
from sandbox.lane import Engine, Places, table_of
from sandbox.native.library import Library
from sandbox.native.tables import (
    BELL,
    COUNTED,
    COUNTED_AT,
    DUE,
    IDLE,
    PAGE_BYTES,
    PLACES,
    PLACES_AT,
    SERVE,
    TAKEN_AT,
    Kind,
    Status,
)
from sandbox.shm import Region

__all__ = ["SPIN_S", "Bell", "Listener"]

SPIN_S: Final = 0.0002
"""Seconds that the host looks for an answer before it sleeps, where nobody says otherwise.

The worker looks for a quarter of that for the next request: about what it costs to be woken, so
that whoever waits so long for nothing loses no more than that.
"""
_UNRUN: Final = 255
_HOST_SLICE_NS: Final = 5_000_000
_WORKER_SLICE_NS: Final = 1_000_000_000


def _counted(page: NDArray[np.uint8]) -> NDArray[np.int64]:
    return page[COUNTED_AT : COUNTED_AT + 8 * COUNTED].view(np.int64)


class Bell:
    """The host's side.

    Attributes:
        region: The page.
        table: What native code reads of it.
        answered: ``answered()``: wait for the answer to the last request; its status, or -1 where
            there is none after a few milliseconds.
    """

    def __init__(self, library: Library, spin_s: float) -> None:
        self.region = Region(PAGE_BYTES, worker_writes=True)
        self.page = np.frombuffer(self.region.memory, np.uint8)
        self.spin_s = spin_s
        spin_ns = int(spin_s * 1e9)
        self.table = table_of(
            BELL,
            page=self.page.ctypes.data,
            most_ns=spin_ns,
            spin_ns=spin_ns,
            slice_ns=_HOST_SLICE_NS,
        )
        self._ask = library.bound("ask", self.table, self.page)
        self.answered: Callable[[], int] = library.bound("answered", self.table, self.page)

    def renew(self) -> None:
        """Begin anew, for a worker that has not seen the page; the one before is gone."""
        self.page[:] = 0
        self.table[BELL["count"]] = 0

    def taken(self) -> bool:
        """Say whether the worker had begun with the last request, by its own account."""
        number = int(self.page[TAKEN_AT : TAKEN_AT + 4].view(np.uint32)[0])
        return number == int(self.table[BELL["count"]])

    def counted(self) -> tuple[int, int]:
        """Give how many rows the worker has looked up and found, by its own account."""
        tried, hits = _counted(self.page).tolist()
        return tried, hits

    def ask(self, kind: int) -> None:
        """Knock; inputs are in their own columns."""
        self.page[PLACES_AT : PLACES_AT + PLACES] = 0
        self._ask(kind)


class Listener:
    """The worker's side: serves steps natively as long as nothing is out of the ordinary.

    Args:
        library: The native functions.
        page: The mapped page.
        runner: The program; one with ``parts`` is served without Python.
        wall_s: Seconds that a row may take.
        spin_s: Seconds that the host looks for an answer; 0 where nobody shall keep a core busy.
    """

    def __init__(
        self, library: Library, page: Any, runner: Any, wall_s: float, spin_s: float
    ) -> None:
        bytes_of_page = np.frombuffer(page, np.uint8)
        spin_ns = int(spin_s / 4 * 1e9)
        bell = table_of(
            BELL,
            page=bytes_of_page.ctypes.data,
            most_ns=spin_ns,
            spin_ns=spin_ns,
            slice_ns=_WORKER_SLICE_NS,
        )
        self._table = table_of(SERVE, bell=bell.ctypes.data)
        self._runner = runner
        self._engine: Engine | None = None
        self._reset: Engine | None = None
        self._where = bytes_of_page[PLACES_AT : PLACES_AT + PLACES]
        recall = getattr(runner, "recall", None)
        if recall is not None:
            recall.count_in(_counted(bytes_of_page))
        alive = (bell, bytes_of_page, page)
        self._wall_s = wall_s
        self.lend({})
        self._serve: Callable[[], int] = library.bound("serve_requests", self._table, alive)
        self._tell = library.bound("tell", bell, alive)

    def lend(self, places: Mapping[str, Places]) -> None:
        """Take it that columns may lie in two further places."""
        if hasattr(self._runner, "parts"):
            self._engine = Engine(self._runner.parts(), places)
            self._table[SERVE["engine"]] = self._engine.table.ctypes.data
            self._reset = Engine(self._runner.parts(reset=True), places)
            self._table[SERVE["reset"]] = self._reset.table.ctypes.data

    def next(self, sock: socket.socket) -> tuple[int, int]:
        """Serve until something is for Python.

        Returns:
            What is wanted (`Kind`), and how far a step has come: 0 for not begun, or the number
            (from 1) of the kernel on which a row failed.

        Raises:
            EOFError: If the host is gone.
        """
        while True:
            code = self._serve()
            if code & DUE:
                # Half of what it may use may be gone: more CPU time for the next stretch.
                layers.cpu_limit(8 * self._wall_s + 10)
                self._table[SERVE["renew_ns"]] = time.monotonic_ns() + int(4e9 * self._wall_s)
            if code == IDLE:
                if _something(sock):
                    return Kind.TALK, 0
                continue
            kind, ended = code & 255, code >> 8 & 255
            if kind == Kind.STEP and self._where.any():
                # Python reads columns where they belong; the host puts them there.
                self._tell(Status.HOME)
                while self._serve() & 255 != Kind.RESUME:
                    _something(sock)
            if ended == _UNRUN:
                ended = 0
                if self._engine is not None:
                    self._engine.home()
            return kind, ended

    def tell(self, *, frame: bool) -> None:
        """Say that a batch is done, and whether a frame about it is on the socket."""
        self._tell(Status.TOLD if frame else Status.RAN)


def _something(sock: socket.socket) -> bool:
    try:
        data = sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    if not data:
        raise EOFError("the host closed the connection")
    return True
