"""A list of the system calls a worker may make, as a filter the kernel runs before each of them.

The filter is a few hundred bytes of classic BPF, made here from `RULES` without any library: the
table is what is to be reviewed, and `decide` runs the very bytes in Python, so that both
architectures are tested on one machine. What the table does not name kills the process.

There are two stages. *Compile* is entered before the first byte of a guest's text is read. It lets
memory that was written become executable, never both at once, because that is how a compiler hands
over its work. *Run* is entered on top of it before any code of a guest runs: no new executable
memory, no further filter. A filter can be added to and never taken away, and the strictest of all
those installed wins, so the second can only narrow the first.

Three answers are given instead of the call. Looking for a file is refused (EACCES) and not
punished, because Python's own import and traceback machinery looks for files and copes. A few
harmless questions of the C library are refused likewise (EPERM). Everything else that is not in the
table is what only an attacker does, and ends the process.

Arguments are compared by their lower 32 bits, which is all the kernel looks at of a descriptor, a
command or a process id; of protection bits the upper half is refused by the kernel itself. Nothing
behind a pointer can be seen by a filter, so no rule depends on any.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

__all__ = [
    "AARCH64",
    "ARCHITECTURES",
    "RULES",
    "X86_64",
    "Action",
    "Arch",
    "Instruction",
    "Places",
    "Rule",
    "Stage",
    "architecture",
    "available",
    "decide",
    "describe",
    "encode",
    "install",
    "is_in_force",
    "program",
]

# Instructions of classic BPF: load a word of the call's description, jump, return.
_LOAD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_AT_LEAST: Final = 0x35
_JUMP_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06

# struct seccomp_data: the call's number, the architecture, an address, six arguments of 64 bits.
_NUMBER: Final = 0
_ARCH: Final = 4
_ARGUMENTS: Final = 16
_X32: Final = 0x40000000
"""From this number on x86_64 has a second table of calls, for programs with 32-bit pointers."""

_SET_MODE_FILTER: Final = 1
_GET_ACTION_AVAIL: Final = 2
_ALL_THREADS: Final = 1
"""The flag by which all threads of a process get the filter, or none does (TSYNC)."""
_MAX_INSTRUCTIONS: Final = 4096
_READ_IMPLIES_EXEC: Final = 0x0400000
_SAME_PERSONALITY: Final = 0xFFFFFFFF
_PR_GET_SECCOMP: Final = 21

_PROT_WRITE: Final = 2
_PROT_EXEC: Final = 4
_FIONBIO: Final = 0x5421
_F_DUPFD_CLOEXEC: Final = 1030
_RLIMIT_CPU: Final = 0
_FUTEX_PRIVATE: Final = 128
_FUTEX_REALTIME: Final = 256
_FUTEX_WAIT, _FUTEX_WAKE, _FUTEX_WAIT_BITSET, _FUTEX_WAKE_BITSET = 0, 1, 9, 10
_FUTEX_COMMANDS: Final = (
    _FUTEX_WAIT,
    _FUTEX_WAKE,
    *(_FUTEX_PRIVATE | command for command in (_FUTEX_WAIT, _FUTEX_WAKE)),
    *(_FUTEX_PRIVATE | command for command in (_FUTEX_WAIT_BITSET, _FUTEX_WAKE_BITSET)),
    _FUTEX_PRIVATE | _FUTEX_REALTIME | _FUTEX_WAIT_BITSET,
)
"""What glibc's locks and our page need. Requeueing and priority inheritance, in which most of the
kernel's faults around futexes were found, are not among them."""
_SIGABRT: Final = 6

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant."""


class Action(Enum):
    """What happens instead of a call, or that it happens."""

    ALLOW = 0x7FFF0000
    KILL = 0x80000000
    """The whole process, by SIGSYS."""
    EPERM = 0x00050000 | errno.EPERM
    EACCES = 0x00050000 | errno.EACCES


class Stage(Enum):
    """How far a worker is."""

    COMPILE = "compile"
    RUN = "run"


class Value(Enum):
    """A number that is known when the filter is made."""

    SOCKET = "the connection to the host"
    STATUS = "the worker's own /proc/self/status"
    PID = "the worker's own process id"


@dataclass(frozen=True, slots=True)
class Equals:
    """An argument must be this."""

    argument: int
    value: int | Value


@dataclass(frozen=True, slots=True)
class Without:
    """An argument must not have all of these bits."""

    argument: int
    bits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """An argument must be one of these."""

    argument: int
    values: tuple[int, ...]


Check = Equals | Without | OneOf
_BOTH: Final = (Stage.COMPILE, Stage.RUN)
_COMPILE: Final = (Stage.COMPILE,)
_RUN: Final = (Stage.RUN,)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is answered to a call.

    Attributes:
        call: Its name.
        why: Why it is needed, or why it is answered gently.
        action: The answer where every check holds.
        checks: What must hold of its arguments.
        otherwise: The answer where one does not.
        stages: Where the rule is in force; in the other one the call kills.
    """

    call: str
    why: str
    action: Action = Action.ALLOW
    checks: tuple[Check, ...] = ()
    otherwise: Action = Action.KILL
    stages: tuple[Stage, ...] = _BOTH


_TO_HOST: Final = (Equals(0, Value.SOCKET),)

_FILES: Final = (
    "open",
    "openat",
    "stat",
    "lstat",
    "newfstatat",
    "statx",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getdents64",
    "statfs",
)
_QUESTIONS: Final = {
    "write": "output of a library on descriptors that lead nowhere",
    "lseek": "the same",
    "fstatfs": "the same",
    "uname": "which kernel this is",
    "sysinfo": "how much memory there is",
    "sched_getaffinity": "how many CPUs there are",
    "mbind": "NumPy's wish for memory on one node",
    "get_mempolicy": "the same",
    "getrandom": "a seed; a worker has no randomness",
    "getrlimit": "the old way to ask for limits",
    "rt_sigaction": "a handler; none may be changed",
    "sigaltstack": "a stack for handlers",
    "getuid": "who this is",
    "geteuid": "the same",
    "getgid": "the same",
    "getegid": "the same",
    "getppid": "whose child this is",
    "membarrier": "barriers between threads, of which there is one",
    "rseq": "the C library's registration of a thread",
    "set_robust_list": "the same",
    "getsockname": "Python's question about a socket it is handed",
    "getsockopt": "the same",
}

RULES: Final[tuple[Rule, ...]] = (
    # The calls of every batch come first: a filter is read from its top.
    Rule("recvfrom", "the next request", checks=_TO_HOST),
    Rule("sendto", "the answer", checks=_TO_HOST),
    Rule(
        "ioctl",
        "Python sets a socket to blocking before each use; a terminal is asked for in vain",
        checks=(*_TO_HOST, Equals(1, _FIONBIO)),
        otherwise=Action.EPERM,
    ),
    Rule(
        "futex",
        "waiting and waking: for locks of CPython and of libraries in the process's own memory, "
        "and for the host on the page that both share; whose memory it is cannot be seen here, "
        "and nobody but host and worker maps that page",
        checks=(OneOf(1, _FUTEX_COMMANDS),),
    ),
    Rule("times", "how much CPU time is used up"),
    Rule("getrusage", "the same, when the limit is moved"),
    Rule(
        "prlimit64",
        "the soft limit on its own CPU time is moved with each stretch of batches",
        checks=(Equals(0, 0), Equals(1, _RLIMIT_CPU)),
        otherwise=Action.EPERM,
    ),
    Rule("recvmsg", "the two descriptors of a batch size", checks=_TO_HOST),
    Rule("close", "the same descriptors, once mapped"),
    Rule(
        "fcntl",
        "Python keeps a second descriptor of what it maps",
        checks=(Equals(1, _F_DUPFD_CLOEXEC),),
        otherwise=Action.EPERM,
    ),
    Rule(
        "mmap",
        "memory, and the arrays of a batch; never executable",
        checks=(Without(2, (_PROT_EXEC,)),),
        otherwise=Action.EPERM,
    ),
    Rule("munmap", "memory given back"),
    Rule("mremap", "memory that grows; it keeps its protection"),
    Rule("brk", "memory"),
    Rule("madvise", "memory given back"),
    Rule(
        "mprotect",
        "a compiler writes code and then makes it executable; never both at once",
        checks=(Without(2, (_PROT_WRITE, _PROT_EXEC)),),
        otherwise=Action.EPERM,
        stages=_COMPILE,
    ),
    Rule(
        "mprotect",
        "memory that grows; nothing becomes executable any more",
        checks=(Without(2, (_PROT_EXEC,)),),
        stages=_RUN,
    ),
    Rule("clock_gettime", "the clock, where the kernel does not give it without a call"),
    Rule("clock_getres", "the same"),
    Rule("gettimeofday", "the same"),
    Rule("sched_yield", "waiting for a lock, or for the host, without keeping the core"),
    Rule("getpid", "its own id"),
    Rule("gettid", "the same"),
    Rule("rt_sigprocmask", "part of `abort`"),
    Rule("rt_sigreturn", "the end of a signal handler"),
    Rule("restart_syscall", "a call that was stopped and continued"),
    Rule(
        "tgkill",
        "the end of `abort`: a library that gives up ends with SIGABRT, and the host can tell",
        checks=(Equals(0, Value.PID), Equals(2, _SIGABRT)),
    ),
    Rule("exit", "the end"),
    Rule("exit_group", "the end"),
    Rule(
        "read",
        "what the kernel says of this process, once, to see that the filter is in force",
        checks=(Equals(0, Value.STATUS),),
        otherwise=Action.EPERM,
        stages=_COMPILE,
    ),
    Rule("read", "nothing is read but the connection", action=Action.EPERM, stages=_RUN),
    Rule("getcwd", "compilers write it into what they say of code", stages=_COMPILE),
    Rule(
        "getcwd",
        "refused: by that a worker sees that the second filter is in force",
        action=Action.EACCES,
        stages=_RUN,
    ),
    Rule(
        "seccomp",
        "the filter of the second stage, for all threads where there are several",
        checks=(Equals(0, _SET_MODE_FILTER), OneOf(1, (0, _ALL_THREADS))),
        stages=_COMPILE,
    ),
    Rule("prctl", "names of memory, and the like", action=Action.EPERM),
    *(Rule(name, "Python looks for files and copes", action=Action.EACCES) for name in _FILES),
    *(Rule(name, why, action=Action.EPERM) for name, why in _QUESTIONS.items()),
)


@dataclass(frozen=True, slots=True)
class Arch:
    """An architecture's own numbers.

    Attributes:
        machine: As `platform.machine` says it.
        audit: What the kernel puts in front of each call.
        numbers: Call to number. A call that is missing here does not exist there.
        second_table: Whether numbers from `_X32` on are another table.
        seccomp: The number of the call that installs a filter.
    """

    machine: str
    audit: int
    numbers: Mapping[str, int]
    second_table: bool

    @property
    def seccomp(self) -> int:
        """Number of the call that installs a filter."""
        return self.numbers["seccomp"]


X86_64: Final = Arch(
    "x86_64",
    0xC000003E,
    {
        "read": 0,
        "write": 1,
        "open": 2,
        "close": 3,
        "stat": 4,
        "lstat": 6,
        "lseek": 8,
        "mmap": 9,
        "mprotect": 10,
        "munmap": 11,
        "brk": 12,
        "rt_sigaction": 13,
        "rt_sigprocmask": 14,
        "rt_sigreturn": 15,
        "ioctl": 16,
        "access": 21,
        "sched_yield": 24,
        "mremap": 25,
        "madvise": 28,
        "getpid": 39,
        "sendto": 44,
        "recvfrom": 45,
        "recvmsg": 47,
        "getsockname": 51,
        "getsockopt": 55,
        "exit": 60,
        "uname": 63,
        "fcntl": 72,
        "getcwd": 79,
        "readlink": 89,
        "gettimeofday": 96,
        "getrlimit": 97,
        "getrusage": 98,
        "sysinfo": 99,
        "times": 100,
        "getuid": 102,
        "getgid": 104,
        "geteuid": 107,
        "getegid": 108,
        "getppid": 110,
        "sigaltstack": 131,
        "statfs": 137,
        "fstatfs": 138,
        "prctl": 157,
        "gettid": 186,
        "futex": 202,
        "sched_getaffinity": 204,
        "getdents64": 217,
        "restart_syscall": 219,
        "clock_gettime": 228,
        "clock_getres": 229,
        "exit_group": 231,
        "tgkill": 234,
        "mbind": 237,
        "get_mempolicy": 239,
        "openat": 257,
        "newfstatat": 262,
        "readlinkat": 267,
        "faccessat": 269,
        "set_robust_list": 273,
        "prlimit64": 302,
        "seccomp": 317,
        "getrandom": 318,
        "membarrier": 324,
        "statx": 332,
        "rseq": 334,
        "faccessat2": 439,
    },
    second_table=True,
)

AARCH64: Final = Arch(
    "aarch64",
    0xC00000B7,
    {
        "getcwd": 17,
        "fcntl": 25,
        "ioctl": 29,
        "statfs": 43,
        "fstatfs": 44,
        "faccessat": 48,
        "openat": 56,
        "close": 57,
        "getdents64": 61,
        "lseek": 62,
        "read": 63,
        "write": 64,
        "readlinkat": 78,
        "newfstatat": 79,
        "exit": 93,
        "exit_group": 94,
        "futex": 98,
        "set_robust_list": 99,
        "clock_gettime": 113,
        "clock_getres": 114,
        "sched_getaffinity": 123,
        "sched_yield": 124,
        "restart_syscall": 128,
        "tgkill": 131,
        "sigaltstack": 132,
        "rt_sigaction": 134,
        "rt_sigprocmask": 135,
        "rt_sigreturn": 139,
        "times": 153,
        "uname": 160,
        "getrlimit": 163,
        "getrusage": 165,
        "prctl": 167,
        "gettimeofday": 169,
        "getpid": 172,
        "getppid": 173,
        "getuid": 174,
        "geteuid": 175,
        "getgid": 176,
        "getegid": 177,
        "gettid": 178,
        "sysinfo": 179,
        "getsockname": 204,
        "sendto": 206,
        "recvfrom": 207,
        "getsockopt": 209,
        "recvmsg": 212,
        "brk": 214,
        "munmap": 215,
        "mremap": 216,
        "mmap": 222,
        "mprotect": 226,
        "madvise": 233,
        "mbind": 235,
        "get_mempolicy": 236,
        "prlimit64": 261,
        "seccomp": 277,
        "getrandom": 278,
        "membarrier": 283,
        "statx": 291,
        "rseq": 293,
        "faccessat2": 439,
    },
    second_table=False,
)

ARCHITECTURES: Final = {arch.machine: arch for arch in (X86_64, AARCH64)}


@dataclass(frozen=True, slots=True)
class Places:
    """The numbers that a rule's `Value` stands for.

    Attributes:
        socket: Descriptor of the connection to the host.
        status: Descriptor of ``/proc/self/status``.
        pid: Process id.
    """

    socket: int
    status: int
    pid: int

    def of(self, value: int | Value) -> int:
        """Give a plain number."""
        if value is Value.SOCKET:
            return self.socket
        if value is Value.STATUS:
            return self.status
        if value is Value.PID:
            return self.pid
        assert isinstance(value, int)  # noqa: S101  # for the type checker
        return value


def architecture(machine: str | None = None) -> Arch | None:
    """Give the table of a machine, this one if left out; None where there is none.

    A 32-bit Python on a 64-bit kernel makes other calls than the kernel's name says.
    """
    if struct.calcsize("P") != 8 or sys.byteorder != "little":
        return None
    return ARCHITECTURES.get(machine or platform.machine())


def program(arch: Arch, stage: Stage, places: Places) -> tuple[Instruction, ...]:
    """Make the filter of a stage.

    Args:
        arch: Whose numbers.
        stage: Which rules.
        places: What the rules' names stand for.

    Returns:
        Instructions, each path through which ends in an answer.
    """
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQUAL, 1, 0, arch.audit),
        (_RETURN, 0, 0, Action.KILL.value),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if arch.second_table:
        code += [(_JUMP_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, Action.KILL.value)]
    for rule in RULES:
        number = arch.numbers.get(rule.call)
        if number is not None and stage in rule.stages:
            body = _body(rule, places)
            code.append((_JUMP_EQUAL, 0, len(body), number))
            code += body
    code.append((_RETURN, 0, 0, Action.KILL.value))
    return tuple(code)


def _body(rule: Rule, places: Places) -> list[Instruction]:
    """Make what follows once the number is known to be the rule's."""
    if not rule.checks:
        return [(_RETURN, 0, 0, rule.action.value)]
    # A check that does not hold jumps to the last instruction, so the end is laid out first.
    parts = [_check(check, places) for check in rule.checks]
    left = sum(len(part) for part in parts) + 1
    body: list[Instruction] = []
    for part in parts:
        for operation, then, other, constant in part:
            left -= 1
            on_true = left if then == _FAIL else then
            on_false = left if other == _FAIL else other
            body.append((operation, on_true, on_false, constant))
    body.append((_RETURN, 0, 0, rule.action.value))
    body.append((_RETURN, 0, 0, rule.otherwise.value))
    return body


_FAIL: Final = -1
"""Stands for the distance to the answer of a check that does not hold."""


def _check(check: Check, places: Places) -> list[Instruction]:
    load = (_LOAD, 0, 0, _ARGUMENTS + 8 * check.argument)
    if isinstance(check, Equals):
        return [load, (_JUMP_EQUAL, 0, _FAIL, places.of(check.value))]
    if isinstance(check, OneOf):
        # The first that fits skips the rest; the last one that does not, fails.
        *first_ones, last_one = check.values
        found = [load]
        found += [
            (_JUMP_EQUAL, len(first_ones) - index, 0, value)
            for index, value in enumerate(first_ones)
        ]
        return [*found, (_JUMP_EQUAL, 0, _FAIL, last_one)]
    # The first bit that is missing settles it, and so skips the rest; the last one there is, fails.
    *first, last = check.bits
    found = [load]
    found += [(_JUMP_ANY_BIT, 0, len(first) - index, bit) for index, bit in enumerate(first)]
    found.append((_JUMP_ANY_BIT, _FAIL, 0, last))
    return found


def decide(
    code: tuple[Instruction, ...], arch: int, number: int, arguments: tuple[int, ...] = ()
) -> int:
    """Run a filter as the kernel would.

    Args:
        code: The filter.
        arch: What the kernel says the architecture is.
        number: The call.
        arguments: Up to six; the others are 0.

    Returns:
        The answer, a value of `Action` for filters made here.

    Raises:
        ValueError: If the filter leaves its end, jumps out or has an instruction unknown here.
    """
    six = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<iIQ6Q", number, arch, 0, *(item & (1 << 64) - 1 for item in six))
    accumulator = 0
    place = 0
    while place < len(code):
        operation, then, other, constant = code[place]
        place += 1
        if operation == _RETURN:
            return constant
        if operation == _LOAD:
            if constant % 4 or constant > len(data) - 4:
                raise ValueError(f"instruction {place - 1} loads from {constant}")
            (accumulator,) = struct.unpack_from("<I", data, constant)
        elif operation == _JUMP_EQUAL:
            place += then if accumulator == constant else other
        elif operation == _JUMP_AT_LEAST:
            place += then if accumulator >= constant else other
        elif operation == _JUMP_ANY_BIT:
            place += then if accumulator & constant else other
        else:
            raise ValueError(f"instruction {place - 1} has the unknown code {operation:#x}")
    raise ValueError("the filter has no answer")


def encode(code: tuple[Instruction, ...]) -> bytes:
    """Give the bytes of a filter, as the kernel takes them."""
    if len(code) > _MAX_INSTRUCTIONS:
        raise ValueError(f"the filter has {len(code):,} instructions")
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def describe() -> str:
    """Give the table as Markdown, for the documentation."""
    lines = ["| call | compile | run | why |", "| --- | --- | --- | --- |"]
    for rule in RULES:
        answer = _answer(rule)
        cells = [answer if stage in rule.stages else "" for stage in Stage]
        lines.append(f"| `{rule.call}` | {cells[0]} | {cells[1]} | {rule.why} |")
    lines.append("| any other | KILL | KILL | nothing here needs it |")
    return "\n".join(lines)


def _answer(rule: Rule) -> str:
    if not rule.checks:
        return rule.action.name
    conditions = []
    for check in rule.checks:
        if isinstance(check, Equals):
            value = check.value
            text = f"= {value.value}" if isinstance(value, Value) else f"= {value:#x}"
        elif isinstance(check, OneOf):
            text = f"in {'/'.join(str(value) for value in check.values)}"
        else:
            text = f"not {'+'.join(f'{bit:#x}' for bit in check.bits)}"
        conditions.append(f"arg{check.argument} {text}")
    return f"{rule.action.name} if {', '.join(conditions)}; else {rule.otherwise.name}"


# Installing --------------------------------------------------------------------------------


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def available() -> bool:
    """Say whether this kernel filters calls and can kill a whole process (Linux 4.14)."""
    arch = architecture()
    if not sys.platform.startswith("linux") or arch is None:
        return False
    action = ctypes.c_uint32(Action.KILL.value)
    found: int = _libc().syscall(
        ctypes.c_long(arch.seccomp),
        ctypes.c_uint(_GET_ACTION_AVAIL),
        ctypes.c_uint(0),
        ctypes.byref(action),
    )
    return found == 0


def install(arch: Arch, stage: Stage, places: Places, *, threads: int = 1) -> None:
    """Install a stage's filter for good, in all threads. The process must have no-new-privileges.

    Raises:
        OSError: If the kernel refuses it.
    """
    libc = _libc()
    if stage is Stage.COMPILE:
        # Under this old setting memory that can be read can be executed, whatever is asked for.
        persona: int = libc.personality(ctypes.c_ulong(_SAME_PERSONALITY))
        if persona != -1 and persona & _READ_IMPLIES_EXEC:
            libc.personality(ctypes.c_ulong(persona & ~_READ_IMPLIES_EXEC))
    code = program(arch, stage, places)
    held = ctypes.create_string_buffer(encode(code))
    given = _Program(len(code), ctypes.cast(held, ctypes.c_void_p))
    done: int = libc.syscall(
        ctypes.c_long(arch.seccomp),
        ctypes.c_uint(_SET_MODE_FILTER),
        ctypes.c_uint(_ALL_THREADS if threads > 1 else 0),
        ctypes.byref(given),
    )
    if done > 0:
        raise OSError(errno.EBUSY, f"seccomp: thread {done} has another filter")
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")


def is_in_force(stage: Stage) -> bool:
    """Try whether a stage's filter answers, by a harmless call that it answers in its own way."""
    if stage is Stage.RUN:
        try:
            os.getcwd()  # noqa: PTH109  # the call itself is meant
        except PermissionError:
            return True
        except OSError:
            return False
        return False
    # Without a filter this gives a mode; only a filter refuses it.
    unused = ctypes.c_ulong(0)
    mode: int = _libc().prctl(_PR_GET_SECCOMP, unused, unused, unused, unused)
    return mode == -1 and ctypes.get_errno() == errno.EPERM
