"""Where the processes of one host meet, so that one zygote serves them all.

A training run may have sixteen processes with an environment each, and each of them wants workers.
A zygote apiece would import NumPy and the compiler sixteen times. So a zygote that was started by
one process listens on a socket, and the processes which that one forks or starts find its name in
their environment variables. They get workers of their own from it, never each other's.

The socket has no file: its name is in the network namespace, and random. The kernel says who is at
the other end, and both sides want the same user. The name also says which installation it belongs
to, so that a child with another interpreter or another copy of this package starts its own.

Only Linux has such sockets. Elsewhere each process starts a zygote of its own.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import struct
import sys
from pathlib import Path
from typing import Final

__all__ = ["VARIABLE", "accepted", "join", "listen", "new_name"]

VARIABLE: Final = "CARRUNTIME_ZYGOTE"
"""Environment variable with the name of the socket."""
_CREDENTIALS: Final = struct.Struct("=iII")
_PEOPLE: Final = 128


def new_name() -> str:
    """Draw a name for a socket; empty where there are no such sockets."""
    return f"{_installation()}-{secrets.token_hex(16)}" if _here() else ""


def listen(name: str) -> socket.socket:
    """Listen under a name."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(f"\0{name}")
        sock.listen(_PEOPLE)
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def accepted(listener: socket.socket, patience_s: float) -> socket.socket | None:
    """Take who is there next; None if nobody of this user is."""
    try:
        sock, _ = listener.accept()
    except OSError:
        return None
    if not _is_us(sock):
        sock.close()
        return None
    sock.settimeout(patience_s)
    return sock


def join(name: str) -> socket.socket | None:
    """Connect to the zygote of that name; None if it is not there or not ours."""
    if not _here() or not name.startswith(f"{_installation()}-"):
        return None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(f"\0{name}")
        if _is_us(sock):
            return sock
    except OSError:
        pass
    sock.close()
    return None


def _here() -> bool:
    return sys.platform.startswith("linux")


def _is_us(sock: socket.socket) -> bool:
    told = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(told)
    return bool(user == os.geteuid())


def _installation() -> str:
    here = Path(__file__).resolve()
    about = f"{sys.executable}\n{sys.version}\n{here}\n{here.stat().st_mtime_ns}"
    return f"carruntime-{hashlib.sha256(about.encode()).hexdigest()[:16]}"
