"""Where native code finds what it calls: libc, CPython, and the types it compares with.

Only functions of the stable interface of CPython and of POSIX are called. Of CPython's and NumPy's
objects three layouts are read: the head of an object, a tuple's elements and NumPy's public
``PyArrayObject_fields``; `sandbox.native.library` tries them before the first use and leaves the
native path alone where they are not as expected.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

__all__ = ["Places", "find_places"]

_FUTEX: Final = {"x86_64": 202, "aarch64": 98}
_PAUSE: Final = {
    "x86_64": ("llvm.x86.sse2.pause", ()),
    "aarch64": ("llvm.aarch64.hint", (1,)),
}


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses in this process, and numbers of this system."""

    syscall: int
    sched_yield: int
    clock_gettime: int
    futex: int
    pause: tuple[str, tuple[int, ...]]
    save_thread: int
    restore_thread: int
    dict_get: int
    make_int: int
    read_int: int
    dict_type: int
    tuple_type: int
    array_type: int
    bool_dtype: int
    none: int


def find_places() -> Places | None:
    """Find everything; None where this system or this Python is another one."""
    machine = platform.machine()
    if not sys.platform.startswith("linux") or machine not in _FUTEX:
        return None
    if sys.implementation.name != "cpython" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    libc = ctypes.CDLL(None)
    python = ctypes.pythonapi
    return Places(
        syscall=_address(libc.syscall),
        sched_yield=_address(libc.sched_yield),
        clock_gettime=_address(libc.clock_gettime),
        futex=_FUTEX[machine],
        pause=_PAUSE[machine],
        save_thread=_address(python.PyEval_SaveThread),
        restore_thread=_address(python.PyEval_RestoreThread),
        dict_get=_address(python.PyDict_GetItem),
        make_int=_address(python.PyLong_FromLong),
        read_int=_address(python.PyLong_AsLong),
        dict_type=id(dict),
        tuple_type=id(tuple),
        array_type=id(np.ndarray),
        bool_dtype=id(np.dtype(np.bool_)),
        none=id(None),
    )


def _address(function: Any) -> int:
    found = ctypes.cast(function, ctypes.c_void_p).value
    assert found is not None  # noqa: S101  # a function that was found has an address
    return found
