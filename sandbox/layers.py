"""What a worker gives up before it reads a guest's text, layer by layer.

Each layer is independent of the others and of the checks on the text: a guest that got past every
check still meets them. They are applied in the order of `LAYERS` at two points of a worker's life,
named by `Phase`: before it reads any text, and before any code of the guest runs, its top level
included. A layer that this system does not offer is left out and not reported as held; a layer that
it offers but that fails ends the worker, because a half-locked room looks locked. At the end of the
first phase the worker reads what the kernel says of it and compares.

The order matters. Namespaces and other ids come first, because they need rights that are given up
next; a change of ids forgets the parent-death signal, so that one follows; Landlock and the filter
need no-new-privileges; the filter is last, because it refuses what the others are made with.

What a process cannot do to itself (a namespace of process ids) or should not be left to do (its
control group) is done while the worker is made, by `sandbox.zygote`; the worker is told what it was
born into.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sandbox import cgroup, landlock, namespaces, seccomp

if TYPE_CHECKING:
    from sandbox.team import Team

__all__ = [
    "FULL",
    "LAYERS",
    "LEAST",
    "SOCKET_FD",
    "Layer",
    "Order",
    "Phase",
    "apply",
    "cpu_limit",
    "helpers",
    "own_id",
]

_LINUX: Final = sys.platform.startswith("linux")
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAPBSET_DROP: Final = 24
_CAP_KILL: Final = 5
_CAP_SETGID: Final = 6
_CAP_SETUID: Final = 7
_CAPABILITIES_V3: Final = 0x20080522
_NOBODY: Final = 65534

SOCKET_FD: Final = 3
"""The one descriptor a worker keeps beside 0, 1 and 2, which lead to /dev/null."""
STATUS_FD: Final = 4
"""What the kernel says of the worker; open until it has been compared."""
_NOFILE: Final = 64
_STATUS: Final = Path("/proc/self/status")
_STATM: Final = Path("/proc/self/statm")
_STACK_BYTES: Final = 8 * 1024 * 1024


class Phase(Enum):
    """When a layer is applied."""

    BEFORE_SOURCE = "before any text of a guest is read"
    BEFORE_GUEST_CODE = "after the program is compiled, before any of its code runs"


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is told when it is forked.

    Attributes:
        parent: Process id of the zygote, as /proc has it.
        memory_bytes: Address space it may add to what it has.
        cpu_s: Seconds of CPU time until its first answer.
        without: Names of layers to leave out. Tests try one layer with this, the others off.
        born_into: Names of the layers that it was made in.
        threads: How many may work on a batch; see `sandbox.team`.
    """

    parent: int
    memory_bytes: int
    cpu_s: float
    without: frozenset[str] = field(default=frozenset())
    born_into: frozenset[str] = field(default=frozenset())
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Layer:
    """One thing a worker gives up.

    Attributes:
        name: Short name, as `doctor` and a guest's ``layers`` show it.
        phase: When it is applied.
        stops: What it is good for.
        available: Whether this kind of system can have it.
        apply: Does it and says whether it holds; False where this system does not offer it. An
            exception ends the worker.
    """

    name: str
    phase: Phase
    stops: str
    available: bool
    apply: Callable[[Order], bool]


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    unused = ctypes.c_ulong(0)
    if _libc().prctl(ctypes.c_int(option), ctypes.c_ulong(value), unused, unused, unused) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _close_descriptors(order: Order) -> bool:
    del order
    os.closerange(STATUS_FD + 1, 1 << 20)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    os.chdir("/")
    return True


def _born_into(name: str) -> Callable[[Order], bool]:
    return lambda order: name in order.born_into


def _own_ids(order: Order) -> bool:
    if namespaces.PIDS not in order.born_into:
        return False
    namespaces.heed_signals()
    return True


def _ordinary_user(order: Order) -> bool:
    """Stop being root. Whoever could then not kill the worker any more leaves it as it is."""
    del order
    if os.geteuid() != 0:
        return True
    held = int(_status_fields(_STATUS.read_bytes()).get("CapEff", "0"), 16)
    needed = sum(1 << bit for bit in (_CAP_KILL, _CAP_SETGID, _CAP_SETUID))
    if held & needed != needed:
        return False
    _lower_bounding_set()
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError as error:
        # In a namespace of users without such an id. Half a change is none.
        if error.errno == errno.EINVAL and os.getresuid() == (0, 0, 0):
            return False
        raise
    return True


def _no_capabilities(order: Order) -> bool:
    del order
    _lower_bounding_set()
    header = struct.pack("<Ii", _CAPABILITIES_V3, 0)
    if _libc().capset(header, bytes(24)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"capset: {os.strerror(code)}")
    return True


def _lower_bounding_set() -> None:
    """Give up what a program could get back by exec; needs a right that may be missing."""
    with contextlib.suppress(OSError):
        for capability in range(64):
            _prctl(_PR_CAPBSET_DROP, capability)


def _die_with_parent(order: Order) -> bool:
    del order
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return True


def _rlimits(order: Order) -> bool:
    used = _address_space()
    if used is not None:
        _lower(resource.RLIMIT_AS, used + order.memory_bytes)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _NOFILE)
    if order.threads == 1:
        _lower(resource.RLIMIT_NPROC, 0)
    _lower(resource.RLIMIT_STACK, _STACK_BYTES)
    _lower(resource.RLIMIT_MEMLOCK, 0)
    message_queues = getattr(resource, "RLIMIT_MSGQUEUE", None)
    if message_queues is not None:
        _lower(message_queues, 0)
    cpu_limit(order.cpu_s)
    return True


_helpers: Team | None = None


def helpers() -> Team | None:
    """Give the threads that were made for this worker, if it has any."""
    return _helpers


def _make_helpers(order: Order) -> None:
    """Make the threads that work on large batches, with all that has been given up by now.

    They come after what each thread gives up for itself and before the first filter, which all
    threads get; from then on none can be made. Without the native library there are none.
    """
    global _helpers
    if order.threads == 1:
        return
    from sandbox.native.library import made

    library = made()
    if library is not None:
        from sandbox.team import Team

        _helpers = Team(library, order.threads)
    _lower(resource.RLIMIT_NPROC, 0)


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
    seconds *= 1 if _helpers is None else _helpers.threads
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


def _no_new_privileges(order: Order) -> bool:
    del order
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    return True


def _not_dumpable(order: Order) -> bool:
    del order
    _prctl(_PR_SET_DUMPABLE, 0)
    return True


def _landlock(order: Order) -> bool:
    del order
    return landlock.restrict() > 0


def _filter_compile(order: Order) -> bool:
    del order
    return seccomp.available() and _filter(seccomp.Stage.COMPILE)


def _filter_run(order: Order) -> bool:
    del order
    # The first filter refuses the question whether there are filters.
    known = seccomp.is_in_force(seccomp.Stage.COMPILE)
    return (known or seccomp.available()) and _filter(seccomp.Stage.RUN)


def _filter(stage: seccomp.Stage) -> bool:
    arch = seccomp.architecture()
    if arch is None:
        return False
    places = seccomp.Places(SOCKET_FD, STATUS_FD, os.getpid())
    seccomp.install(arch, stage, places, threads=1 if _helpers is None else _helpers.threads)
    if not seccomp.is_in_force(stage):
        raise OSError(errno.EPERM, f"the filter of stage {stage.value} gives no answer")
    return True


def _layer(
    name: str,
    stops: str,
    apply: Callable[[Order], bool],
    *,
    available: bool = _LINUX,
    phase: Phase = Phase.BEFORE_SOURCE,
) -> Layer:
    return Layer(name, phase, stops, available, apply)


LAYERS: Final[tuple[Layer, ...]] = (
    _layer(
        "closed-descriptors",
        "use of files and sockets that the host has open; output on a terminal",
        _close_descriptors,
        available=True,
    ),
    _layer(
        namespaces.REST,
        "the network, shared memory of others, and mounts, where a filter were passed by",
        _born_into(namespaces.REST),
    ),
    _layer(
        namespaces.PIDS,
        "finding, signalling and tracing of any other process",
        _own_ids,
    ),
    _layer(
        cgroup.NAME,
        "use of more memory than one worker may have; rlimits count addresses",
        _born_into(cgroup.NAME),
    ),
    _layer(
        "ordinary-user",
        "what root may do: its files, its processes",
        _ordinary_user,
    ),
    _layer(
        "no-capabilities",
        "what is left of root's rights, and those of a namespace's owner",
        _no_capabilities,
    ),
    _layer(
        "rlimits",
        "memory without end, written files, core dumps, new processes",
        _rlimits,
        available=True,
    ),
    _layer(
        "parent-death",
        "workers that outlive the process that asked for them",
        _die_with_parent,
    ),
    _layer(
        "not-dumpable",
        "being read by other processes of the same user",
        _not_dumpable,
    ),
    _layer(
        "no-new-privileges",
        "gaining rights through set-uid programs",
        _no_new_privileges,
    ),
    _layer(
        "landlock",
        "files, TCP, and signals to others, without regard to system calls",
        _landlock,
    ),
    _layer(
        "seccomp",
        "every system call that checking and compiling do not need",
        _filter_compile,
    ),
    _layer(
        "seccomp-run",
        "new executable memory, and a further change of the filter, once guest code may run",
        _filter_run,
        phase=Phase.BEFORE_GUEST_CODE,
    ),
)

LEAST: Final = frozenset({"closed-descriptors", "rlimits", "no-new-privileges", "seccomp"})
"""What ``require="seccomp"`` asks for before a guest's text is sent."""
FULL: Final = frozenset(
    layer.name
    for layer in LAYERS
    if layer.phase is Phase.BEFORE_SOURCE and layer.name != cgroup.NAME
)
"""What ``require="full"`` asks for before a guest's text is sent.

Not a control group: few systems hand one over, and the limits of `resource` cap the same thing."""


def apply(phase: Phase, order: Order) -> tuple[str, ...]:
    """Apply all layers of a phase in order.

    Returns:
        The names of those that now hold.

    Raises:
        OSError: If one that this system has could not be applied, or if the kernel does not say
            of this process what was done; the worker must end.
    """
    if phase is not Phase.BEFORE_SOURCE:
        return _apply(phase, order)
    _keep_status()
    try:
        held = _apply(phase, order)
        shown = _status_fields(os.read(STATUS_FD, 8192))
        if "parent-death" in held and shown.get("PPid", f"{order.parent}") != f"{order.parent}":
            os._exit(0)  # the zygote died before we asked to die with it
        _compare(held, shown)
    finally:
        os.close(STATUS_FD)
    return held


def _apply(phase: Phase, order: Order) -> tuple[str, ...]:
    held = []
    for layer in LAYERS:
        if layer.phase is not phase:
            continue
        if layer.name == "seccomp":
            _make_helpers(order)
        if layer.available and layer.name not in order.without and layer.apply(order):
            held.append(layer.name)
    return tuple(held)


def _keep_status() -> None:
    """Open what the kernel says of this process, while files can be opened."""
    # Without /proc nothing is compared; each filter has answered for itself all the same.
    place = _STATUS if _STATUS.exists() else Path(os.devnull)
    fd = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    if fd != STATUS_FD:
        os.dup2(fd, STATUS_FD, inheritable=False)
        os.close(fd)


def own_id() -> int:
    """Give the id of this process as /proc has it, which may be that of another namespace."""
    try:
        return int(_status_fields(_STATUS.read_bytes())["Pid"])
    except (OSError, KeyError, ValueError):
        return os.getpid()


def _status_fields(text: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in text.decode("ascii", "replace").splitlines())
    return {name: value.strip() for name, _, value in lines}


_SHOWN: Final = (
    ("seccomp", "Seccomp", "2"),
    ("no-new-privileges", "NoNewPrivs", "1"),
    ("no-capabilities", "CapEff", "0" * 16),
    ("no-capabilities", "CapPrm", "0" * 16),
)
"""Layer, field of the kernel's account, and what it must say."""


def _compare(held: tuple[str, ...], shown: dict[str, str]) -> None:
    for name, entry, wanted in _SHOWN:
        if name in held and shown.get(entry, wanted) != wanted:
            raise OSError(errno.EPERM, f"{name}: the kernel says {entry} {shown[entry]}")
    if "ordinary-user" in held and "0" in shown.get("Uid", "").split():
        raise OSError(errno.EPERM, f"ordinary-user: the kernel says Uid {shown['Uid']}")
