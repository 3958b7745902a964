"""New namespaces for a worker that is about to be forked.

A namespace of process ids is for the children of the process that asks for it, never for that
process itself, and it can be asked for once only. So the zygote does not ask. It forks a process in
between that does, forks the worker, tells the worker's id and ends; the zygote is the reaper of its
descendants, so the worker becomes its child. The other namespaces are asked for in the same place:
where that takes a namespace of users of its own, it must be one for all of them.

In its namespace the worker is process 1, which the kernel spares from every signal that it has no
handler for, sent from inside, the ones that a limit or `abort` sends included. `heed_signals` gives
it handlers for those. SIGKILL from outside and faults of its own end it as they end any process.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

__all__ = ["NAMES", "PIDS", "REST", "adopt_orphans", "enter", "fork_into", "heed_signals"]

REST: Final = "namespaces"
"""Name of the layer of mounts, network, IPC and host names."""
PIDS: Final = "pid-namespace"
"""Name of the layer of process ids."""

_NEW_MOUNTS: Final = 0x00020000
_NEW_UTS: Final = 0x04000000
_NEW_IPC: Final = 0x08000000
_NEW_USER: Final = 0x10000000
_NEW_PIDS: Final = 0x20000000
_NEW_NETWORK: Final = 0x40000000

NAMES: Final = {
    REST: _NEW_MOUNTS | _NEW_UTS | _NEW_IPC | _NEW_NETWORK,
    PIDS: _NEW_PIDS,
}
"""The namespaces of each layer, as the kernel numbers them."""

_ID: Final = struct.Struct("<q")
_PR_SET_CHILD_SUBREAPER: Final = 36
_NOT_OFFERED: Final = frozenset(
    {errno.EPERM, errno.EINVAL, errno.ENOSPC, errno.ENOSYS, errno.EACCES}
)
"""Refused by a container or a setting, or out of namespaces."""


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> bool:
    """Make this process the parent of all its descendants whose own parent has ended."""
    if not sys.platform.startswith("linux"):
        return False
    nothing = ctypes.c_ulong(0)
    done = _libc().prctl(
        ctypes.c_int(_PR_SET_CHILD_SUBREAPER), ctypes.c_ulong(1), nothing, nothing, nothing
    )
    return int(done) == 0


def enter(wanted: frozenset[str]) -> frozenset[str]:
    """Enter new namespaces; the children of this process are in them, and in part it is itself.

    Args:
        wanted: `REST`, `PIDS`, both or neither.

    Returns:
        Those that were had. An ordinary user gets them with a namespace of users, where the
        system lets it.

    Raises:
        OSError: If the kernel fails in another way than by not offering them.
    """
    both = [name for name in NAMES if name in wanted]
    for names in (both, *([name] for name in both)) if len(both) > 1 else (both,):
        flags = sum(NAMES[name] for name in names)
        if flags and (_unshare(flags) or (os.geteuid() != 0 and _unshare(_NEW_USER | flags))):
            return frozenset(names)
    return frozenset()


def _unshare(flags: int) -> bool:
    if _libc().unshare(ctypes.c_int(flags)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_OFFERED:
        return False
    raise OSError(code, f"unshare: {os.strerror(code)}")


def fork_into(
    wanted: frozenset[str], before_it_starts: Callable[[int], frozenset[str]]
) -> tuple[int, frozenset[str]]:
    """Fork a process that is born in new namespaces; like ``os.fork``, it returns twice.

    Must not meet a handler of SIGCHLD that waits for any child: the process in between is one.

    Args:
        wanted: As for `enter`.
        before_it_starts: Called in the parent with the new id before the child goes on; gives
            names of more layers that the child is then in.

    Returns:
        In the parent the child's id as seen from there; in the child 0 and what it is born into.

    Raises:
        OSError: If no process can be made.
    """
    told, tell = os.pipe()
    wait, go = os.pipe()
    between = -1
    try:
        between = os.fork()
        if between == 0:
            return 0, _fork_again(wanted, tell, wait, (told, go))
        os.close(tell)
        tell = -1
        number = os.read(told, _ID.size)
    finally:
        if between != 0:
            os.close(told)
            os.close(wait)
            if tell >= 0:
                os.close(tell)
            if between > 0:
                # It has ended when this returns, so that what it leaves is ours from here on.
                os.waitpid(between, 0)
    try:
        if len(number) < _ID.size:
            raise OSError(errno.EAGAIN, "a process between zygote and worker ended early")
        (pid,) = _ID.unpack(number)
        more = before_it_starts(pid)
        with contextlib.suppress(BrokenPipeError):  # killed already; its end is told elsewhere
            os.write(go, ",".join(sorted(more)).encode() + b"\n")
        return int(pid), more
    finally:
        os.close(go)


def _fork_again(
    wanted: frozenset[str], tell: int, wait: int, others: tuple[int, ...]
) -> frozenset[str]:
    """Be the process in between; return in its child, once that may go on."""
    try:
        for fd in others:
            os.close(fd)
        entered = enter(wanted)
        pid = os.fork()
        if pid:
            os.write(tell, _ID.pack(pid))
            os._exit(0)
        os.close(tell)
        line = os.read(wait, 512)
        os.close(wait)
    except BaseException:
        os._exit(1)
    if not line:  # the zygote is gone
        os._exit(0)
    return entered | frozenset(filter(None, line.decode().strip().split(",")))


def heed_signals() -> None:
    """Let process 1 of a namespace end of its CPU limit and of `abort`.

    The handler is the C library's ``_exit``, called with the number of the signal: the exit
    status then says which it was. No code of Python runs, and nothing is allocated.
    """
    library = _libc()
    ending = ctypes.cast(library["_exit"], ctypes.c_void_p)
    library.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    library.signal.restype = ctypes.c_void_p
    for number in (signal.SIGXCPU, signal.SIGABRT):
        library.signal(number, ending)
