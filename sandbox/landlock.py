"""An empty view of the file system: a Landlock ruleset that handles every right and grants none.

Landlock is a kernel layer that any process may put itself under and never leave. It does not depend
on the system-call filter: what the filter lets through, or would have let through, meets it. It
stops opening, making, moving and running files, TCP, and, where the kernel is new enough, abstract
Unix sockets and signals of processes outside. It does not stop looking at a path's size or date,
nor the making of a socket; those are the filter's.

A kernel tells which rights it knows by the number of its ABI; a right that it does not know would
be refused, so exactly those of its ABI are handled.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Any, Final

__all__ = ["abi", "attributes", "restrict"]

# One number each on every architecture.
_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1

_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
"""Rights on files by ABI; they are the lowest bits."""
_ALL_FILE_RIGHTS: Final = 16
_TCP: Final = 0b11
"""Binding and connecting, from ABI 4 on."""
_SCOPES: Final = 0b11
"""Abstract Unix sockets and signals, from ABI 6 on."""


def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def abi() -> int:
    """Give the ABI of this kernel; 0 where Landlock is missing or switched off."""
    if not sys.platform.startswith("linux"):
        return 0
    found: int = _libc().syscall(
        ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION)
    )
    return max(found, 0)


def attributes(version: int) -> bytes:
    """Give the description of a ruleset that handles all an ABI knows."""
    if version < 1:
        raise ValueError(f"there is no ABI {version}")
    files = (1 << _FILE_RIGHTS.get(version, _ALL_FILE_RIGHTS)) - 1
    if version < 4:
        return struct.pack("<Q", files)
    if version < 6:
        return struct.pack("<QQ", files, _TCP)
    return struct.pack("<QQQ", files, _TCP, _SCOPES)


def restrict() -> int:
    """Put this process under the ruleset for good. It must have no-new-privileges.

    Returns:
        The ABI; 0 where the kernel has no Landlock, and then nothing was done.

    Raises:
        OSError: If the kernel has it and refuses.
    """
    version = abi()
    if version == 0:
        return 0
    libc = _libc()
    wanted = attributes(version)
    fd: int = libc.syscall(
        ctypes.c_long(_CREATE_RULESET), wanted, ctypes.c_size_t(len(wanted)), ctypes.c_uint32(0)
    )
    if fd < 0:
        _fail("landlock_create_ruleset")
    try:
        done: int = libc.syscall(
            ctypes.c_long(_RESTRICT_SELF), ctypes.c_int(fd), ctypes.c_uint32(0)
        )
        if done != 0:
            _fail("landlock_restrict_self")
    finally:
        os.close(fd)
    return version


def _fail(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")
