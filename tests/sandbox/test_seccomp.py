"""The filter itself, run in Python for both architectures, and in the kernel on this one."""

# The calls themselves are meant.
# ruff: noqa: PTH108, PTH116
from __future__ import annotations

import ctypes
import faulthandler
import os
import platform
import re
import resource
import signal
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import seccomp
from sandbox.seccomp import AARCH64, X86_64, Action, Arch, Places, Stage

PLACES = Places(socket=3, status=4, pid=4711)
READ, WRITE, EXEC = 1, 2, 4
ARCHES = pytest.mark.parametrize("arch", [X86_64, AARCH64], ids=lambda arch: arch.machine)
STAGES = pytest.mark.parametrize("stage", list(Stage), ids=lambda stage: stage.value)


@cache
def code_of(machine: str, stage: Stage) -> tuple[seccomp.Instruction, ...]:
    return seccomp.program(seccomp.ARCHITECTURES[machine], stage, PLACES)


def answer(arch: Arch, stage: Stage, call: str | int, *arguments: int) -> Action:
    number = arch.numbers[call] if isinstance(call, str) else call
    return Action(seccomp.decide(code_of(arch.machine, stage), arch.audit, number, arguments))


# No other call than those of the table -------------------------------------------------------


@ARCHES
@STAGES
def test_every_number_that_is_not_in_the_table_kills(arch: Arch, stage: Stage) -> None:
    code = seccomp.program(arch, stage, PLACES)
    known = {arch.numbers[rule.call] for rule in seccomp.RULES if rule.call in arch.numbers}
    for number in range(1024):
        if number not in known:
            assert seccomp.decide(code, arch.audit, number) == Action.KILL.value, number


@given(
    number=st.integers(-(2**31), 2**31 - 1), arguments=st.tuples(*[st.integers(0, 2**64 - 1)] * 6)
)
def test_any_call_has_one_of_four_answers(number: int, arguments: tuple[int, ...]) -> None:
    for arch in (X86_64, AARCH64):
        for stage in Stage:
            code = code_of(arch.machine, stage)
            found = Action(seccomp.decide(code, arch.audit, number, arguments))
            if not 0 <= number < 1024:
                assert found is Action.KILL


@ARCHES
@STAGES
def test_calls_of_another_architecture_kill(arch: Arch, stage: Stage) -> None:
    code = seccomp.program(arch, stage, PLACES)
    arm, i386 = 0x40000028, 0x40000003
    other = AARCH64 if arch is X86_64 else X86_64
    for audit in (arm, i386, other.audit, 0, arch.audit ^ 1):
        for number in arch.numbers.values():
            assert seccomp.decide(code, audit, number) == Action.KILL.value


@STAGES
def test_the_second_table_of_x86_64_kills(stage: Stage) -> None:
    for number in X86_64.numbers.values():
        assert answer(X86_64, stage, number | 0x40000000) is Action.KILL


# What each stage is for ----------------------------------------------------------------------


@ARCHES
@STAGES
@given(protection=st.integers(0, 2**32 - 1))
def test_no_mapping_is_ever_made_executable(arch: Arch, stage: Stage, protection: int) -> None:
    found = answer(arch, stage, "mmap", 0, 4096, protection)
    assert found is (Action.EPERM if protection & EXEC else Action.ALLOW)


@ARCHES
@given(protection=st.integers(0, 2**32 - 1))
def test_code_is_made_executable_in_the_first_stage_only(arch: Arch, protection: int) -> None:
    both = protection & EXEC and protection & WRITE
    compiling = answer(arch, Stage.COMPILE, "mprotect", 0, 4096, protection)
    assert compiling is (Action.EPERM if both else Action.ALLOW)
    running = answer(arch, Stage.RUN, "mprotect", 0, 4096, protection)
    assert running is (Action.KILL if protection & EXEC else Action.ALLOW)


@ARCHES
def test_one_more_filter_is_installed_in_the_first_stage_and_none_in_the_second(arch: Arch) -> None:
    assert answer(arch, Stage.COMPILE, "seccomp", 1, 0) is Action.ALLOW
    assert answer(arch, Stage.COMPILE, "seccomp", 1, 8) is Action.KILL  # with a listener
    assert answer(arch, Stage.COMPILE, "seccomp", 0, 0) is Action.KILL
    assert answer(arch, Stage.RUN, "seccomp", 1, 0) is Action.KILL


@ARCHES
@STAGES
def test_only_the_connection_to_the_host_is_spoken_on(arch: Arch, stage: Stage) -> None:
    for call in ("recvfrom", "sendto", "recvmsg"):
        assert answer(arch, stage, call, 3) is Action.ALLOW
        for other in (0, 1, 2, 4, 5, 2**32 - 1):
            assert answer(arch, stage, call, other) is Action.KILL
    assert answer(arch, stage, "write", 3) is Action.EPERM
    assert answer(arch, stage, "ioctl", 3, 0x5421) is Action.ALLOW
    assert answer(arch, stage, "ioctl", 3, 0x5412) is Action.EPERM  # TIOCSTI
    assert answer(arch, stage, "ioctl", 0, 0x5421) is Action.EPERM


@ARCHES
@STAGES
def test_only_its_own_soft_limit_on_cpu_time_is_moved(arch: Arch, stage: Stage) -> None:
    assert answer(arch, stage, "prlimit64", 0, 0) is Action.ALLOW
    assert answer(arch, stage, "prlimit64", 0, 9) is Action.EPERM
    assert answer(arch, stage, "prlimit64", PLACES.pid, 0) is Action.EPERM
    assert answer(arch, stage, "prlimit64", 1, 0) is Action.EPERM


@ARCHES
@STAGES
def test_the_one_signal_is_to_abort_itself(arch: Arch, stage: Stage) -> None:
    abort = int(signal.SIGABRT)
    assert answer(arch, stage, "tgkill", PLACES.pid, 1, abort) is Action.ALLOW
    assert answer(arch, stage, "tgkill", PLACES.pid, 1, 9) is Action.KILL
    assert answer(arch, stage, "tgkill", PLACES.pid + 1, 1, abort) is Action.KILL


@ARCHES
@STAGES
def test_descriptors_are_copied_and_not_otherwise_commanded(arch: Arch, stage: Stage) -> None:
    assert answer(arch, stage, "fcntl", 4, 1030) is Action.ALLOW
    for command in (4, 8, 10, 1033):  # flags, owner of signals, signal, seals
        assert answer(arch, stage, "fcntl", 4, command) is Action.EPERM


@ARCHES
@STAGES
def test_looking_for_files_is_refused_and_survived(arch: Arch, stage: Stage) -> None:
    for call in ("open", "openat", "stat", "newfstatat", "statx", "readlinkat", "getdents64"):
        if call in arch.numbers:
            assert answer(arch, stage, call) is Action.EACCES


RUNNING = [
    rule.call for rule in seccomp.RULES if rule.action is Action.ALLOW and Stage.RUN in rule.stages
]
"""Calls that the second stage may let through; each exists on both architectures."""


@ARCHES
@given(arguments=st.tuples(*[st.integers(0, 2**64 - 1)] * 6))
def test_what_the_second_stage_allows_the_first_allows(
    arch: Arch, arguments: tuple[int, ...]
) -> None:
    for call in RUNNING:
        if answer(arch, Stage.RUN, call, *arguments) is Action.ALLOW:
            assert answer(arch, Stage.COMPILE, call, *arguments) is Action.ALLOW


# The table and its bytes ---------------------------------------------------------------------


def test_every_rule_has_a_number_somewhere_and_every_number_a_rule() -> None:
    calls = {rule.call for rule in seccomp.RULES}
    assert calls == set(X86_64.numbers)
    assert set(AARCH64.numbers) < calls
    # What aarch64 does not have are the calls that take no directory.
    assert calls - set(AARCH64.numbers) == {"open", "stat", "lstat", "access", "readlink"}


def test_no_call_has_two_rules_in_one_stage() -> None:
    for stage in Stage:
        calls = [rule.call for rule in seccomp.RULES if stage in rule.stages]
        assert len(calls) == len(set(calls))


@pytest.mark.parametrize(
    ("arch", "header"),
    [
        (X86_64, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        (AARCH64, "/usr/include/asm-generic/unistd.h"),
    ],
    ids=["x86_64", "aarch64"],
)
def test_numbers_are_those_of_the_kernels_headers(arch: Arch, header: str) -> None:
    path = Path(header)
    if not path.exists():
        pytest.skip("no kernel headers here")
    text = path.read_text()
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\b", text))
    if arch is AARCH64:
        found["newfstatat"] = found["fstatat"]
    assert {name: int(found[name]) for name in arch.numbers} == dict(arch.numbers)


@ARCHES
@STAGES
def test_a_filter_has_eight_bytes_an_instruction_and_short_jumps(arch: Arch, stage: Stage) -> None:
    code = seccomp.program(arch, stage, PLACES)
    assert len(seccomp.encode(code)) == 8 * len(code)
    for place, (_, then, other, _) in enumerate(code):
        assert 0 <= then < 256
        assert 0 <= other < 256
        assert place + 1 + max(then, other) < len(code) or code[place][0] == 0x06


def test_the_reader_of_filters_refuses_what_the_kernel_would() -> None:
    for bad in (((0x20, 0, 0, 3),), ((0x15, 5, 5, 0),), ((0x99, 0, 0, 0),), ()):
        with pytest.raises(ValueError, match=r"instruction|no answer"):
            seccomp.decide(bad, X86_64.audit, 0)


def test_only_machines_with_a_table_have_one() -> None:
    assert seccomp.architecture("x86_64") is X86_64
    assert seccomp.architecture("aarch64") is AARCH64
    assert seccomp.architecture("riscv64") is None


def test_the_table_can_be_read() -> None:
    text = seccomp.describe()
    assert "| `mmap` | ALLOW if arg2 not 0x4; else EPERM |" in text
    assert text.endswith("| any other | KILL | KILL | nothing here needs it |")


# In the kernel -------------------------------------------------------------------------------

in_kernel = pytest.mark.skipif(not seccomp.available(), reason="no seccomp here")


def ends(stages: tuple[Stage, ...], body: Callable[[], object]) -> int | str:
    """Run a body in a child under the filters: its errno, 0, or the name of what killed it."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            # Its own handler of SIGABRT could not be taken back under the filter.
            faulthandler.disable()
            resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
            libc = ctypes.CDLL(None, use_errno=True)
            libc.prctl(38, 1, 0, 0, 0)
            arch = seccomp.architecture()
            assert arch is not None
            for stage in stages:
                seccomp.install(arch, stage, Places(3, 4, os.getpid()))
                if not seccomp.is_in_force(stage):
                    os._exit(98)
            body()
            code = 0
        except OSError as error:
            code = error.errno or 97
        except BaseException:
            code = 96
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    ended = os.waitstatus_to_exitcode(status)
    return signal.Signals(-ended).name if ended < 0 else ended


@in_kernel
@pytest.mark.parametrize("stages", [(Stage.COMPILE,), (Stage.COMPILE, Stage.RUN)])
def test_the_kernel_answers_as_the_table_says(stages: tuple[Stage, ...]) -> None:
    assert ends(stages, lambda: None) == 0
    assert ends(stages, lambda: bytearray(50_000_000)) == 0
    assert ends(stages, lambda: os.open("/etc/hostname", os.O_RDONLY)) == 13
    assert ends(stages, lambda: os.stat("/")) == 13
    assert ends(stages, lambda: os.write(1, b"")) == 1
    assert ends(stages, os.fork) == "SIGSYS"
    assert ends(stages, lambda: os.kill(os.getpid(), 0)) == "SIGSYS"
    assert ends(stages, os.abort) == "SIGABRT"
    assert ends(stages, lambda: os.unlink("/nothing")) == "SIGSYS"


@in_kernel
def test_without_its_filter_a_stage_is_not_in_force() -> None:
    assert not seccomp.is_in_force(Stage.COMPILE)
    assert not seccomp.is_in_force(Stage.RUN)
    assert ends((Stage.COMPILE,), lambda: sys.exit(seccomp.is_in_force(Stage.RUN))) == 96


@in_kernel
def test_the_second_stage_cannot_be_followed_by_a_third() -> None:
    arch = seccomp.ARCHITECTURES[platform.machine()]

    def third() -> None:
        seccomp.install(arch, Stage.RUN, PLACES)

    assert ends((Stage.COMPILE,), third) == 0
    assert ends((Stage.COMPILE, Stage.RUN), third) == "SIGSYS"


# Waiting for the host -------------------------------------------------------------------------


@ARCHES
@STAGES
def test_a_futex_can_be_waited_for_and_woken_and_nothing_else(arch: Arch, stage: Stage) -> None:
    """On shared memory for the host's page, on private memory for locks; never requeued."""
    private, realtime = 128, 256
    wait, wake, wait_bits, wake_bits = 0, 1, 9, 10
    allowed = {wait, wake} | {private | item for item in (wait, wake, wait_bits, wake_bits)}
    allowed.add(private | realtime | wait_bits)
    for command in range(512):
        wanted = Action.ALLOW if command in allowed else Action.KILL
        assert answer(arch, stage, "futex", 0x7FFF_0000_1000, command, 0) is wanted, command


@ARCHES
@STAGES
def test_the_core_can_be_given_away(arch: Arch, stage: Stage) -> None:
    assert answer(arch, stage, "sched_yield") is Action.ALLOW
