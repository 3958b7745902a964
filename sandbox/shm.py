"""The two pieces of memory that host and worker share for one batch size.

Inputs: the host writes, the worker may only read. The host maps the memory writable first and then
seals it against every further writable mapping and against any change of size, and what the worker
gets is a descriptor that was opened for reading. Outputs: both may write; it is sealed against a
change of size, because a worker that shrinks memory under the host's feet would kill the host.

Both sides compute the same layout from the same numbers, so no offset is ever sent. Every array
starts on a cache line.

Where the system has no memfd (macOS), an unlinked temporary file serves: it is shared memory all
the same, without the seals, and ``sandbox.doctor()`` says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.errors import SandboxError, UsageError
from sandbox.schema import Schema
from sandbox.tiers.base import Outputs

__all__ = [
    "Layout",
    "Region",
    "inputs_of",
    "layout_of_inputs",
    "layout_of_outputs",
    "layout_of_sets",
    "outputs_of",
]

_LINE: Final = 64
_MAX_BYTES: Final = 1 << 40

# The names are missing from ``fcntl`` before Python 3.12 or on other systems.
_ADD_SEALS: Final = 1033
_SEAL_SEAL: Final = 1
_SEAL_SHRINK: Final = 2
_SEAL_GROW: Final = 4
_SEAL_FUTURE_WRITE: Final = 16


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each array lies in a region.

    Attributes:
        arrays: Name, dtype, shape and offset in bytes.
        size: Bytes of the whole region; at least 1.
    """

    arrays: tuple[tuple[str, str, tuple[int, ...], int], ...]
    size: int

    def views(self, buffer: Any) -> dict[str, NDArray[Any]]:
        """Give the arrays over a buffer of at least `size` bytes."""
        return {
            name: np.ndarray(shape, dtype, buffer, offset)
            for name, dtype, shape, offset in self.arrays
        }


def _layout(wanted: list[tuple[str, str, tuple[int, ...]]]) -> Layout:
    arrays = []
    place = 0
    for name, dtype, shape in wanted:
        arrays.append((name, dtype, shape, place))
        place += -(-prod(shape) * np.dtype(dtype).itemsize // _LINE) * _LINE
    if place > _MAX_BYTES:
        raise UsageError(f"a batch needs {place:,} bytes of shared memory; take fewer rows")
    return Layout(tuple(arrays), max(place, 1))


def layout_of_inputs(schema: Schema, num_rows: int) -> Layout:
    """Lay out the columns of a schema; a text column has its lengths beside it."""
    wanted: list[tuple[str, str, tuple[int, ...]]] = []
    for column in schema.columns():
        spec = column.spec
        wanted.append((column.name, spec.dtype, (num_rows, *spec.shape)))
        if spec.kind == "text":
            wanted.append((column.name + "#len", "int32", (num_rows,)))
    return _layout(wanted)


def layout_of_sets(
    arrays: Sequence[tuple[str, str, tuple[int, ...]]],
) -> Layout:
    """Lay out two sets of arrays; the names of the first begin with ``0/``, the others ``1/``."""
    return _layout(
        [(f"{one}/{name}", dtype, shape) for one in (0, 1) for name, dtype, shape in arrays]
    )


def layout_of_outputs(num_rows: int, components: int, tasks: int) -> Layout:
    """Lay out the results; see `sandbox.tiers.base.Outputs`.

    Numbers that are looked at alike lie side by side, and the rewards first, so that a caller's
    copy of it all begins with them.
    """
    return _layout(
        [
            ("reward", "float64", (num_rows,)),
            ("components", "float64", (components, num_rows)),
            ("fuel", "int64", (num_rows,)),
            ("outcome", "uint8", (num_rows,)),
            ("task_outcome", "uint8", (num_rows, tasks)),
            ("present", "bool", (components, num_rows)),
            ("tasks", "bool", (num_rows, tasks)),
            ("failure", "int32", (num_rows,)),
            ("task_failure", "int32", (num_rows, tasks)),
        ]
    )


def outputs_of(layout: Layout, buffer: Any) -> Outputs:
    """Give the result arrays over a buffer."""
    return Outputs(**layout.views(buffer))


def inputs_of(layout: Layout, buffer: Any) -> dict[str, NDArray[Any]]:
    """Give the columns over a buffer; they are read-only where the buffer is."""
    return layout.views(buffer)


class Region:
    """Shared memory on the host's side.

    Attributes:
        memory: The mapping. It lives as long as any array over it does, whatever is closed.
        fd: Descriptor to hand to a worker; closed by `close`.
    """

    __slots__ = ("fd", "memory")

    def __init__(self, size: int, *, worker_writes: bool) -> None:
        """Make memory of ``size`` bytes, all zero.

        Raises:
            SandboxError: If the system has not that much.
        """
        self.fd = -1
        try:
            self._make(size, worker_writes=worker_writes)
        except OSError as error:
            # No memory, or no descriptor for it.
            raise SandboxError(
                f"no {size:,} bytes of shared memory: {error}; take fewer rows a batch, or close "
                f"other sessions"
            ) from error

    def _make(self, size: int, *, worker_writes: bool) -> None:
        fd = _open(size)
        try:
            self.memory = mmap.mmap(fd, size)
            self.fd = fd if worker_writes else _read_only(fd)
        except BaseException:
            os.close(fd)
            raise
        if self.fd != fd:
            os.close(fd)
        if worker_writes:
            _seal(self.fd, _SEAL_SHRINK | _SEAL_GROW | _SEAL_SEAL)

    def __del__(self) -> None:
        # One that nobody came to keep, because what was to be made with it failed.
        self.close()

    def close(self) -> None:
        """Close the descriptor. Arrays over the memory stay valid. May be called again."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _open(size: int) -> int:
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("carruntime", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        fd, name = tempfile.mkstemp(prefix="carruntime-")
        Path(name).unlink()
    try:
        os.ftruncate(fd, size)
        if hasattr(os, "posix_fallocate"):
            # Taken now, too little memory is an error here; taken later, it is a SIGBUS there.
            os.posix_fallocate(fd, 0, size)
    except OSError:
        os.close(fd)
        raise
    return fd


def _read_only(fd: int) -> int:
    """Seal memory that is mapped writable already, and open it once more for reading only.

    The two are independent: a kernel without this seal (before 5.1) still opens for reading only,
    and a system without /proc still seals.
    """
    if not _seal(fd, _SEAL_FUTURE_WRITE | _SEAL_SHRINK | _SEAL_GROW | _SEAL_SEAL):
        _seal(fd, _SEAL_SHRINK | _SEAL_GROW | _SEAL_SEAL)
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return os.open(f"{folder}/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    return fd


def _seal(fd: int, seals: int) -> bool:
    try:
        fcntl.fcntl(fd, _ADD_SEALS, seals)
    except OSError:
        return False
    return True


def seals_hold() -> bool:
    """Try whether memory sealed here cannot be mapped writable or changed in size again."""
    if not hasattr(os, "memfd_create"):
        return False
    fd = os.memfd_create("carruntime-probe", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, mmap.PAGESIZE)
        kept = mmap.mmap(fd, mmap.PAGESIZE)
        if not _seal(fd, _SEAL_FUTURE_WRITE | _SEAL_SHRINK | _SEAL_GROW | _SEAL_SEAL):
            return False
        try:
            mmap.mmap(fd, mmap.PAGESIZE).close()
        except OSError:
            kept[0] = 1
            return True
        else:
            return False
        finally:
            kept.close()
    finally:
        os.close(fd)


def attach(fd: int, size: int, *, writable: bool) -> mmap.mmap:
    """Map a region on the worker's side and close the descriptor."""
    try:
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        return mmap.mmap(fd, size, access=access)
    finally:
        os.close(fd)
