"""Passes whose programs are attacks in native code: raw system calls from inside a worker.

They stand for a guest that got past the checks on its text, the guards and the bounds checks, and
now runs what it likes. The source says in JSON which attack runs and when: ``"run"`` is where guest
code runs, ``"compile"`` before the second lock. What comes of it is written as the reward: 0 where
it worked, else the errno. An attack that worked leaves nothing behind.
"""

# The calls themselves are meant, and the addresses are those of the system.
# ruff: noqa: PTH108, PTH123
from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sandbox import layers
from sandbox.diagnostics import Finding, Span
from sandbox.host import WorkerGuest
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, FunctionOutline, Outline, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.spawn import Zygote
from sandbox.tiers.base import NO_FAILURE, TierReason

FOLDER = str(Path(__file__).parent)
WORKED = "works"
PLAN = Plan(
    schema=Schema((("next_obs", ArraySpec()),)),
    reward=Call("reward", (Param("obs", "next_obs"),)),
)

# x86_64, aarch64; the same from 424 on.
_NUMBERS = {
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "socket": (41, 198),
    "connect": (42, 203),
    "clone": (56, 220),
    "execve": (59, 221),
    "kill": (62, 129),
    "ptrace": (101, 117),
    "setresuid": (117, 147),
    "personality": (135, 92),
    "prctl": (157, 167),
    "mount": (165, 40),
    "umount2": (166, 39),
    "keyctl": (250, 219),
    "openat": (257, 56),
    "unlinkat": (263, 35),
    "unshare": (272, 97),
    "perf_event_open": (298, 241),
    "prlimit64": (302, 261),
    "process_vm_readv": (310, 270),
    "seccomp": (317, 277),
    "memfd_create": (319, 279),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "execveat": (322, 281),
    "pidfd_open": (434, 434),
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "openat2": (437, 437),
}
_COLUMN = {"x86_64": 0, "aarch64": 1}.get(platform.machine())
known_here = sys.platform.startswith("linux") and _COLUMN is not None

_AT_FDCWD = -100
_READ, _WRITE, _EXEC = 1, 2, 4
_PRIVATE_ANONYMOUS = 0x22
_NORESERVE = 0x4000
_PAGE = 4096


@dataclass(frozen=True)
class Place:
    """What an attack is aimed at.

    Attributes:
        port: A TCP server on this machine.
        name: An abstract Unix socket that listens.
        folder: Where anybody may write.
        host: Process id of the host.
        parent: Process id of the zygote; a worker in a namespace of its own could not ask for it.
    """

    port: int
    name: str
    folder: str
    host: int
    parent: int = 0


class _FailedError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


_libc: Any = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _call(name: str, *arguments: Any) -> int:
    """Make a system call; no library stands between."""
    assert _COLUMN is not None
    plain = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    found: int = _libc.syscall(ctypes.c_long(_NUMBERS[name][_COLUMN]), *plain)
    if found < 0:
        raise _FailedError(ctypes.get_errno())
    return found


ATTACKS: dict[str, Callable[[Place, Any], object]] = {}


def _attack(name: str) -> Callable[[Callable[[Place, Any], object]], Any]:
    def keep(function: Callable[[Place, Any], object]) -> Callable[[Place, Any], object]:
        ATTACKS[name] = function
        return function

    return keep


@_attack("read a file (openat)")
def _open(place: Place, x: Any) -> None:
    os.close(_call("openat", _AT_FDCWD, b"/etc/passwd", os.O_RDONLY, 0))


@_attack("read a file (openat2)")
def _open2(place: Place, x: Any) -> None:
    how = struct.pack("<QQQ", os.O_RDONLY, 0, 0)
    os.close(_call("openat2", _AT_FDCWD, b"/etc/passwd", how, len(how)))


@_attack("read the memory of the parent (/proc/PID/mem)")
def _mem(place: Place, x: Any) -> None:
    name = f"/proc/{place.parent}/mem".encode()
    os.close(_call("openat", _AT_FDCWD, name, os.O_RDONLY, 0))


@_attack("make a file")
def _make(place: Place, x: Any) -> None:
    name = f"{place.folder}/made-{os.getpid()}".encode()
    fd = _call("openat", _AT_FDCWD, name, os.O_CREAT | os.O_WRONLY, 0o600)
    os.close(fd)
    os.unlink(name)


@_attack("delete a file")
def _delete(place: Place, x: Any) -> None:
    _call("unlinkat", _AT_FDCWD, f"{place.folder}/victim".encode(), 0)


@_attack("make a socket")
def _socket(place: Place, x: Any) -> None:
    os.close(_call("socket", 2, 1, 0))


@_attack("connect by TCP")
def _connect(place: Place, x: Any) -> None:
    fd = _call("socket", 2, 1, 0)
    address = struct.pack("<H", 2) + struct.pack(">H4B8x", place.port, 127, 0, 0, 1)
    _call("connect", fd, address, len(address))
    os.close(fd)


@_attack("connect to an abstract Unix socket")
def _unix(place: Place, x: Any) -> None:
    fd = _call("socket", 1, 1, 0)
    address = struct.pack("<H", 1) + b"\0" + place.name.encode()
    _call("connect", fd, address, len(address))
    os.close(fd)


@_attack("run a program (execve)")
def _execve(place: Place, x: Any) -> None:
    argv = (ctypes.c_char_p * 2)(b"true", None)
    _call("execve", b"/bin/true", argv, None)


@_attack("start a process (fork)")
def _fork(place: Place, x: Any) -> None:
    pid = _call("clone", int(signal.SIGCHLD), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


@_attack("start a process (clone3)")
def _clone3(place: Place, x: Any) -> None:
    wanted = struct.pack("<8Q", 0, 0, 0, 0, int(signal.SIGCHLD), 0, 0, 0)
    pid = _call("clone3", wanted, len(wanted))
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


@_attack("trace the parent (ptrace)")
def _ptrace(place: Place, x: Any) -> None:
    _call("ptrace", 0x4206, place.parent, 0, 0)  # seize: it is not even stopped
    _libc.ptrace(17, place.parent, 0, 0)


@_attack("read the memory of the parent (process_vm_readv)")
def _peek(place: Place, x: Any) -> None:
    here = ctypes.create_string_buffer(8)
    mine = struct.pack("<QQ", ctypes.addressof(here), 8)
    # The parent was forked from: what is at an address here is at that address there.
    theirs = struct.pack("<QQ", id(None), 8)
    _call("process_vm_readv", place.parent, mine, 1, theirs, 1, 0)


@_attack("signal the parent")
def _kill(place: Place, x: Any) -> None:
    _call("kill", place.parent, 0)


@_attack("signal the host")
def _kill_host(place: Place, x: Any) -> None:
    _call("kill", place.host, 0)


@_attack("get hold of the host (pidfd_open)")
def _pidfd(place: Place, x: Any) -> None:
    os.close(_call("pidfd_open", place.host, 0))


@_attack("become dumpable again (prctl)")
def _prctl(place: Place, x: Any) -> None:
    _call("prctl", 4, 1, 0, 0, 0)


@_attack("become root again (setresuid)")
def _root(place: Place, x: Any) -> None:
    _call("setresuid", 0, 0, 0)


@_attack("raise the limit on memory (prlimit64)")
def _limit(place: Place, x: Any) -> None:
    everything = struct.pack("<QQ", 2**64 - 1, 2**64 - 1)
    _call("prlimit64", 0, 9, everything, None)


@_attack("take 64 GiB of addresses (mmap)")
def _take(place: Place, x: Any) -> None:
    size = 64 << 30
    flags = _PRIVATE_ANONYMOUS | _NORESERVE
    address = _call("mmap", 0, size, _READ, flags, -1, 0)
    _libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(size))


@_attack("load code into the kernel (bpf)")
def _bpf(place: Place, x: Any) -> None:
    wanted = struct.pack("<5I", 2, 4, 4, 1, 0).ljust(72, b"\0")
    os.close(_call("bpf", 0, wanted, len(wanted)))


@_attack("submit calls past the filter (io_uring_setup)")
def _uring(place: Place, x: Any) -> None:
    os.close(_call("io_uring_setup", 1, ctypes.create_string_buffer(120)))


@_attack("handle page faults (userfaultfd)")
def _userfault(place: Place, x: Any) -> None:
    os.close(_call("userfaultfd", 1))


@_attack("mount a file system")
def _mount(place: Place, x: Any) -> None:
    target = f"{place.folder}/mount".encode()
    _call("mount", b"none", target, b"tmpfs", 0, None)
    _call("umount2", target, 0)


@_attack("make a namespace of users (unshare)")
def _unshare(place: Place, x: Any) -> None:
    _call("unshare", 0x10000000)


@_attack("use the kernel's keys (keyctl)")
def _keys(place: Place, x: Any) -> None:
    _call("keyctl", 0, -4, 1, 0, 0)


@_attack("measure other processes (perf_event_open)")
def _perf(place: Place, x: Any) -> None:
    wanted = bytearray(128)
    struct.pack_into("<IIQ", wanted, 0, 1, 128, 0)
    os.close(_call("perf_event_open", bytes(wanted), -1, 0, -1, 0))


@_attack("run code from memory (memfd_create, execveat)")
def _memfd(place: Place, x: Any) -> None:
    fd = _call("memfd_create", b"x", 0)
    with open("/bin/true", "rb") as file:
        os.write(fd, file.read())
    argv = (ctypes.c_char_p * 2)(b"true", None)
    _call("execveat", fd, b"", argv, None, 0x1000)


@_attack("map memory that is writable and executable (mmap)")
def _mmap_exec(place: Place, x: Any) -> None:
    _call("mmap", 0, _PAGE, _READ | _WRITE | _EXEC, _PRIVATE_ANONYMOUS, -1, 0)


@_attack("make written memory executable (mprotect)")
def _mprotect_exec(place: Place, x: Any) -> None:
    address = _call("mmap", 0, _PAGE, _READ | _WRITE, _PRIVATE_ANONYMOUS, -1, 0)
    code = {"x86_64": b"\xc3", "aarch64": b"\xc0\x03\x5f\xd6"}[platform.machine()]
    ctypes.memmove(address, code, len(code))
    _call("mprotect", address, _PAGE, _READ | _EXEC)
    ctypes.CFUNCTYPE(None)(address)()


@_attack("make all memory executable (personality)")
def _personality(place: Place, x: Any) -> None:
    _call("personality", 0x0400000)


@_attack("install a filter that allows all (seccomp)")
def _seccomp(place: Place, x: Any) -> None:
    _libc.prctl(38, 1, 0, 0, 0)
    code = ctypes.create_string_buffer(struct.pack("<HBBI", 6, 0, 0, 0x7FFF0000))
    wanted = struct.pack("<H6xQ", 1, ctypes.addressof(code))
    _call("seccomp", 1, 0, wanted)


@_attack("write into the observations")
def _write(place: Place, x: Any) -> None:
    address = x.ctypes.data
    pages = address - address % _PAGE
    # In place, and by way of what the kernel would let a process do with its own mapping.
    _libc.mprotect(ctypes.c_void_p(pages), ctypes.c_size_t(_PAGE), _READ | _WRITE)
    ctypes.memmove(address, b"\x7f" * 8, 8)


def _abort(place: Place, x: Any) -> None:
    _libc.abort()


def _spin(place: Place, x: Any) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (1, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    while True:
        pass


def _fault(place: Place, x: Any) -> None:
    ctypes.string_at(8)


ENDINGS: dict[str, Callable[[Place, Any], object]] = {
    "give up (abort)": _abort,
    "run for ever (the limit on CPU time)": _spin,
    "touch memory that is not there": _fault,
}
"""No attacks: ways in which a worker ends itself, about which the host should be told."""


# As passes --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Analysis:
    text: str
    findings: tuple[Finding, ...]
    outline: Outline | None
    sketch: Outline | None = None
    normal: None = None


@dataclass(frozen=True)
class Built:
    runner: Any
    tier_reason: TierReason | None
    component_names: tuple[str, ...]
    findings: tuple[Finding, ...]


def analyse(source: bytes, filename: str, limits: Limits) -> Analysis:
    outline = Outline((FunctionOutline("reward", (), Span(1, 1, 1, 2)),), ())
    return Analysis(source.decode(), (), outline)


def build(
    analysis: Analysis,
    plan: Plan,
    limits: Limits,
    tier: str,
    *,
    before_guest_code: Callable[[], None],
    **code: object,
) -> Built:
    told = json.loads(analysis.text) if analysis.text.startswith("{") else {"stage": ""}
    early = _carry_out(told, None) if told["stage"] == "compile" else None
    before_guest_code()
    return Built(Runner(told, early), TierReason("CMP000", "none here"), (), ())


def _carry_out(told: dict[str, Any], x: Any) -> int:
    place = Place(told["port"], told["name"], told["folder"], told["host"], told["parent"])
    try:
        (ATTACKS | ENDINGS)[told["attack"]](place, x)
    except _FailedError as failed:
        return failed.code
    except OSError as error:
        return error.errno or -1
    return 0


class Runner:
    tier = "interpreted"
    component_names: tuple[str, ...] = ()

    def __init__(self, told: dict[str, Any], early: int | None) -> None:
        self.failures: list[Any] = []
        self.told = told
        self.early = early

    def bind(self, num_rows: int, inputs: Any, outputs: Any) -> None:
        self.x, self.out = inputs["next_obs"], outputs

    def reset(self) -> None:
        self.step()

    def step(self) -> None:
        out = self.out
        code = _carry_out(self.told, self.x) if self.early is None else self.early
        out.reward[:] = code
        out.failure[:] = NO_FAILURE
        out.fuel[:] = 1
        out.outcome[:] = Outcome.OK


# On the host's side -----------------------------------------------------------------------------

# `closed-descriptors` is always on: it puts the connection where the filter expects it.
GROUPS = {
    "no layer": frozenset[str](),
    "seccomp": frozenset({"no-new-privileges", "seccomp", "seccomp-run"}),
    "Landlock": frozenset({"no-new-privileges", "landlock"}),
    "ids, rights, namespaces": frozenset({"namespaces", "ordinary-user", "no-capabilities"}),
    "own process ids": frozenset({"pid-namespace"}),
    "limits": frozenset({"rlimits"}),
    "all layers": frozenset(layer.name for layer in layers.LAYERS),
}


def zygote_with(group: str) -> Zygote:
    """Start a zygote whose workers are under one group of layers only."""
    keep = GROUPS[group] | {"closed-descriptors"}
    without = tuple(layer.name for layer in layers.LAYERS if layer.name not in keep)
    return Zygote("hostile", (FOLDER,), without)


def attempt(zygote: Zygote, attack: str, place: Place, stage: str = "run") -> str:
    """Let a worker attack; ``"works"``, the name of an errno or of a signal."""
    return ended(told_of(zygote, attack, place, stage))


def told_of(zygote: Zygote, attack: str, place: Place, stage: str = "run") -> str:
    """Let a worker attack; ``"works"``, the name of an errno, or how the host says it ended."""
    told = {"attack": attack, "stage": stage, **place.__dict__, "parent": zygote.pid}
    limits = Limits(wall_s=10, compile_s=20)
    guest = WorkerGuest(json.dumps(told).encode(), filename="p", limits=limits, zygote=zygote)
    try:
        guest.build(PLAN, "interpreted")
        buffers = guest.bind(1)
        before = float(np.random.default_rng(0).random())
        buffers.inputs["next_obs"][:] = before
        buffers.outputs.outcome[:] = PENDING
        guest.step()
        out = buffers.outputs
        if buffers.inputs["next_obs"][0] != before:
            return WORKED
        if out.outcome[0] == Outcome.OK:
            code = int(out.reward[0])
            return errno.errorcode.get(code, str(code)) if code else WORKED
        failure = guest.failure(int(out.failure[0]))
        text = failure.message if failure else Outcome(int(out.outcome[0])).name
    except Exception as error:
        text = str(error)
    finally:
        guest.close()
    return text


def ended(text: str) -> str:
    """Give the short name of how a worker ended."""
    for name in ("SIGSYS", "SIGSEGV", "SIGKILL", "SIGBUS"):
        if name in text:
            return name
    # The process has become another program, which ended as it should.
    return WORKED if "exit status 0" in text else text
