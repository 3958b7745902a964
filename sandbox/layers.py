"""What a worker gives up before it reads a guest's text, layer by layer.

Each layer is independent of the others and of the checks on the text: a guest that got past every
check still meets them. They are applied in the order of `LAYERS` at two points of a worker's life,
named by `Phase`: before it reads any text, and once the program is built, before its first batch.
A layer that this system does not have is left out and reported by name; a layer that it has but
that fails ends the worker, because a half-locked room looks locked.

System-call filters (seccomp), Landlock and namespaces are rows to come in this table; until they
are here `sandbox.doctor()` says that they are not in use.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

__all__ = ["LAYERS", "Layer", "Order", "Phase", "apply", "cpu_limit"]

_LINUX: Final = sys.platform.startswith("linux")
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38

SOCKET_FD: Final = 3
"""The one descriptor a worker keeps beside 0, 1 and 2, which lead to /dev/null."""
_NOFILE: Final = 64
_STATM: Final = Path("/proc/self/statm")
_STACK_BYTES: Final = 8 * 1024 * 1024


class Phase(Enum):
    """When a layer is applied."""

    BEFORE_SOURCE = "before any text of a guest is read"
    BEFORE_BATCHES = "after the program is built, before the first batch"


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is told when it is forked.

    Attributes:
        parent: Process id of the zygote.
        socket: Its connection to the host.
        memory_bytes: Address space it may add to what it has.
        cpu_s: Seconds of CPU time until its first answer.
    """

    parent: int
    socket: int
    memory_bytes: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Layer:
    """One thing a worker gives up.

    Attributes:
        name: Short name, as `doctor` and a guest's ``layers`` show it.
        phase: When it is applied.
        stops: What it is good for.
        available: Whether this system has it.
        apply: Does it; an exception ends the worker.
    """

    name: str
    phase: Phase
    stops: str
    available: bool
    apply: Callable[[Order], None]


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    unused = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(value), unused, unused, unused) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _die_with_parent(order: Order) -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != order.parent:  # it died before we asked
        os._exit(0)


def _close_descriptors(order: Order) -> None:
    if order.socket != SOCKET_FD:
        os.dup2(order.socket, SOCKET_FD, inheritable=False)
    os.closerange(SOCKET_FD + 1, 1 << 20)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    os.chdir("/")


def _rlimits(order: Order) -> None:
    used = _address_space()
    if used is not None:
        _lower(resource.RLIMIT_AS, used + order.memory_bytes)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _NOFILE)
    _lower(resource.RLIMIT_NPROC, 0)
    _lower(resource.RLIMIT_STACK, _STACK_BYTES)
    _lower(resource.RLIMIT_MEMLOCK, 0)
    message_queues = getattr(resource, "RLIMIT_MSGQUEUE", None)
    if message_queues is not None:
        _lower(message_queues, 0)
    cpu_limit(order.cpu_s)


def _lower(which: int, value: int) -> None:
    """Set soft and hard limit; never above what the process has."""
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def cpu_limit(seconds: float) -> None:
    """Let this process use so much more CPU time, then be killed (SIGXCPU).

    The host's wall clock comes first; this one is for a host that is gone or stuck. Only the soft
    limit moves, so that a worker that serves for days can raise it again.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(usage.ru_utime + usage.ru_stime + seconds) + 1
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _address_space() -> int | None:
    """Give the bytes of address space in use, or None where the system does not tell."""
    try:
        return int(_STATM.read_bytes().split()[0]) * resource.getpagesize()
    except OSError:
        return None


def _no_new_privileges(order: Order) -> None:
    del order
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _not_dumpable(order: Order) -> None:
    del order
    _prctl(_PR_SET_DUMPABLE, 0)


LAYERS: Final = (
    Layer(
        "parent-death",
        Phase.BEFORE_SOURCE,
        "workers that outlive the process that asked for them",
        _LINUX,
        _die_with_parent,
    ),
    Layer(
        "closed-descriptors",
        Phase.BEFORE_SOURCE,
        "use of files and sockets that the host has open; output on a terminal",
        available=True,
        apply=_close_descriptors,
    ),
    Layer(
        "rlimits",
        Phase.BEFORE_SOURCE,
        "memory without end, written files, core dumps, and (not for root) new processes",
        available=True,
        apply=_rlimits,
    ),
    Layer(
        "no-new-privileges",
        Phase.BEFORE_SOURCE,
        "gaining rights through set-uid programs",
        _LINUX,
        _no_new_privileges,
    ),
    Layer(
        "not-dumpable",
        Phase.BEFORE_SOURCE,
        "being read by other processes of the same user",
        _LINUX,
        _not_dumpable,
    ),
)


def apply(phase: Phase, order: Order) -> tuple[str, ...]:
    """Apply all layers of a phase in order.

    Returns:
        The names of those that now hold.

    Raises:
        OSError: If one that this system has could not be applied; the worker must end.
    """
    held = []
    for layer in LAYERS:
        if layer.phase is phase and layer.available:
            layer.apply(order)
            held.append(layer.name)
    return tuple(held)
