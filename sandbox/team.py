"""Threads that help with the rows of large batches; see `sandbox.native.team`.

They run native code only: no Python, no allocation, no system call but a futex. In a worker they
are made before its first filter, so that everything it gives up they have given up too.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.lane import table_of
from sandbox.native.library import Library
from sandbox.native.tables import JOB, MEMBER, TEAM_AT, TEAM_BYTES

__all__ = ["LEAST_BYTES", "LEAST_CHUNK", "LEAST_ROWS", "MOST_THREADS", "Job", "Team", "team_of"]

LEAST_ROWS: Final = 4_096
"""Rows of a batch from which on it is shared; below, waking a helper costs more than it saves."""
LEAST_BYTES: Final = 1 << 18
"""Bytes that a batch of pictures reads from which on it is shared, however few rows it has."""
MOST_THREADS: Final = 64
_CHUNKS: Final = 8
"""Chunks for each thread: one that the system stops for a while leaves the rest to the others."""
_START_S: Final = 10.0
_kept: Final[list[Any]] = []
"""Every team: its threads look at its memory for as long as the process lives."""
_ALIGNED: Final = 64
LEAST_CHUNK: Final = 64
"""Rows: arrays of bytes of two chunks share no cache line."""


class Team:
    """Helpers of this process.

    Attributes:
        threads: How many work on a batch, the one that steps included.
    """

    def __init__(self, library: Library, threads: int) -> None:
        self._library = library
        self._pid = os.getpid()
        memory = np.zeros(TEAM_BYTES + _ALIGNED, np.uint8)
        start = -memory.ctypes.data % _ALIGNED
        self._memory = memory[start : start + TEAM_BYTES]
        self._members = np.zeros((threads, MEMBER.size), np.int64)
        self.threads = 1
        _kept.append(self)
        libc = ctypes.CDLL(None)
        # Signals are for the thread that runs Python.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            for number in range(1, threads):
                self._members[number] = table_of(
                    MEMBER, team=self._memory.ctypes.data, number=number
                )
                handle = ctypes.c_ulong()
                failed = libc.pthread_create(
                    ctypes.byref(handle),
                    None,
                    ctypes.c_void_p(library.helper),
                    ctypes.c_void_p(self._members[number].ctypes.data),
                )
                if failed:
                    break
                libc.pthread_detach(handle)
                self.threads += 1
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        # The C library still asks the kernel for a few things when a thread begins.
        at = TEAM_AT["ready"]
        ready = self._memory[at : at + 8].view(np.int64)
        until = time.monotonic() + _START_S
        while ready[0] < self.threads - 1:
            if time.monotonic() > until:
                raise OSError(errno.EAGAIN, "threads that were made do not begin")
            time.sleep(0.0001)

    @property
    def address(self) -> int:
        """Where what the team shares lies."""
        return self._memory.ctypes.data

    def here(self) -> bool:
        """Whether the helpers are threads of this process; a forked one has none."""
        return self._pid == os.getpid()

    def spread(self) -> int:
        """Give the address of the function that shares a kernel's rows."""
        return self._library.spread


class Job:
    """A kernel whose rows a team shares, for one batch size.

    Args:
        team: The helpers.
        function: Address of the kernel.
        table: Address of its table.
        strides: Bytes from one row to the next of each region; None for memory that is scratch.
        scratch: By place of a region, bytes of scratch memory each member needs of its own.
        failed: Place and address of the number of failed rows.
        rows: Rows of a batch.
        least: Rows of a chunk are a multiple of this.

    Attributes:
        table: What native code reads.
    """

    def __init__(  # noqa: PLR0917 - what a kernel is, as the runner has it
        self,
        team: Team,
        function: int,
        table: int,
        strides: Sequence[int | None],
        scratch: Mapping[int, int],
        failed: tuple[int, int],
        rows: int,
        least: int = LEAST_CHUNK,
    ) -> None:
        members = team.threads
        size = -(-rows // (members * _CHUNKS))
        size = max(-(-size // least) * least, least)
        widths = np.array([stride or 0 for stride in strides], np.int64)
        tables = np.zeros((members, len(strides)), np.int64)
        owns = np.zeros((members, len(strides)), np.int64)
        fails = np.zeros((members + 1, 8), np.int64)
        self._alive: list[Any] = [team, widths, tables, owns, fails]
        for member in range(members):
            for place, count in scratch.items():
                room: NDArray[np.uint8] = np.zeros(count + _ALIGNED, np.uint8)
                self._alive.append(room)
                owns[member, place] = room.ctypes.data + -room.ctypes.data % _ALIGNED
            owns[member, failed[0]] = fails[member].ctypes.data
        self.table = table_of(
            JOB,
            team=team.address,
            function=function,
            table=table,
            regions=len(strides),
            strides=widths.ctypes.data,
            tables=tables.ctypes.data,
            owns=owns.ctypes.data,
            fails=fails.ctypes.data,
            failed=failed[1],
            rows=rows,
            chunk=size,
            chunks=-(-rows // size),
        )


_teams: dict[int, Team] = {}
_lock: Final = threading.Lock()


def team_of(threads: int) -> Team | None:
    """Give the team of so many threads of this process, which is made once and kept.

    None where there is no native library.
    """
    from sandbox.native.library import library

    found = library()
    if found is None:
        return None
    with _lock:
        team = _teams.get(threads)
        if team is None or not team.here():
            team = _teams[threads] = Team(found, threads)
        return team
