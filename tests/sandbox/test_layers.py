"""Attacks in native code against each group of layers alone, and against all of them.

`hostile` has the attacks. The column without any layer shows that they work where nothing stops
them, so that the others show something.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import hostile
import pytest
from hostile import ATTACKS, WORKED, Place

from sandbox import landlock, layers, seccomp
from sandbox.spawn import Zygote

pytestmark = pytest.mark.skipif(
    not (hostile.known_here and seccomp.available()), reason="no seccomp, or no table of calls"
)

REFUSALS = {"EACCES", "EPERM"}
FILES = [
    "read a file (openat)",
    "read a file (openat2)",
    "make a file",
    "delete a file",
    "run a program (execve)",
]
ANYBODY_MAY = [
    *FILES,
    "make a socket",
    "connect by TCP",
    "connect to an abstract Unix socket",
    "start a process (fork)",
    "start a process (clone3)",
    "signal the parent",
    "signal the host",
    "get hold of the host (pidfd_open)",
    "become dumpable again (prctl)",
    "take 64 GiB of addresses (mmap)",
    "run code from memory (memfd_create, execveat)",
    "map memory that is writable and executable (mmap)",
    "make written memory executable (mprotect)",
    "make all memory executable (personality)",
    "install a filter that allows all (seccomp)",
]
OBSERVATIONS = "write into the observations"


@cache
def zygote(group: str) -> Zygote:
    return hostile.zygote_with(group)


@pytest.fixture(scope="module", autouse=True)
def end_zygotes() -> Iterator[None]:
    yield
    for group in hostile.GROUPS:
        zygote(group).close()
    zygote.cache_clear()


def open_to_all(folder: Path) -> None:
    folder.chmod(0o777)
    for parent in folder.parents:
        if "pytest" in str(parent) and parent.stat().st_uid == os.geteuid():
            parent.chmod(0o755)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    # Workers of root are nobody, and must be stopped by a layer and not by a folder's rights.
    open_to_all(tmp_path)
    (tmp_path / "victim").write_text("here")
    (tmp_path / "mount").mkdir()
    name = f"carruntime-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        unix.bind("\0" + name)
        unix.listen()
        yield Place(server.getsockname()[1], name, str(tmp_path), os.getpid())


@pytest.mark.parametrize("attack", ANYBODY_MAY)
def test_without_a_layer_an_attack_works(attack: str, place: Place) -> None:
    assert hostile.attempt(zygote("no layer"), attack, place) == WORKED


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name != OBSERVATIONS])
def test_the_filter_alone_stops_every_attack_but_taking_memory(attack: str, place: Place) -> None:
    found = hostile.attempt(zygote("seccomp"), attack, place)
    if attack.startswith("take 64 GiB"):
        assert found == WORKED  # that is for the limits
    elif attack in {
        "read a file (openat)",
        "read the memory of the parent (/proc/PID/mem)",
        "make a file",
    }:
        assert found == "EACCES"
    elif attack in {
        "become dumpable again (prctl)",
        "raise the limit on memory (prlimit64)",
        "map memory that is writable and executable (mmap)",
    }:
        assert found == "EPERM"
    else:
        assert found == "SIGSYS"


@pytest.mark.parametrize(
    "attack",
    [
        name
        for name in ATTACKS
        # Executable code is what this stage is for; a filter may be added; the rest as above.
        if not name.startswith(("take 64 GiB", "make written", "install a filter"))
        and name != OBSERVATIONS
    ],
)
def test_nor_does_an_attack_work_while_compiling(attack: str, place: Place) -> None:
    found = hostile.attempt(zygote("seccomp"), attack, place, "compile")
    assert found in {*REFUSALS, "SIGSYS"}


def test_while_compiling_code_may_be_made_and_not_writable(place: Place) -> None:
    make = "make written memory executable (mprotect)"
    assert hostile.attempt(zygote("seccomp"), make, place, "compile") == WORKED
    both = "map memory that is writable and executable (mmap)"
    assert hostile.attempt(zygote("seccomp"), both, place, "compile") == "EPERM"


@pytest.mark.skipif(not landlock.abi(), reason="no Landlock")
@pytest.mark.parametrize("attack", [*FILES, "mount a file system", "trace the parent (ptrace)"])
def test_landlock_alone_stops_files_mounts_and_tracing(attack: str, place: Place) -> None:
    assert hostile.attempt(zygote("Landlock"), attack, place) in REFUSALS


@pytest.mark.skipif(landlock.abi() < 6, reason="no scopes in this kernel")
@pytest.mark.parametrize(
    "attack",
    [
        "connect by TCP",
        "connect to an abstract Unix socket",
        "signal the parent",
        "signal the host",
    ],
)
def test_landlock_alone_stops_connections_and_signals(attack: str, place: Place) -> None:
    assert hostile.attempt(zygote("Landlock"), attack, place) in REFUSALS


@pytest.mark.parametrize(
    "attack",
    [
        "become root again (setresuid)",
        "mount a file system",
        "read the memory of the parent (/proc/PID/mem)",
        "read the memory of the parent (process_vm_readv)",
        "trace the parent (ptrace)",
    ],
)
def test_another_user_without_rights_alone_cannot_touch_others(attack: str, place: Place) -> None:
    # An ordinary user's worker is still that user: only a namespace of users keeps it from others.
    if os.geteuid() != 0 and "namespaces" not in held("ids, rights, namespaces"):
        pytest.skip("no namespaces here")
    # In a namespace of users without root there is no such id: EINVAL.
    found = hostile.attempt(zygote("ids, rights, namespaces"), attack, place)
    assert found in {*REFUSALS, "EINVAL"}


def held(group: str) -> tuple[str, ...]:
    from sandbox import Limits
    from sandbox.host import WorkerGuest

    guest = WorkerGuest(b"x", filename="p", limits=Limits(), zygote=zygote(group))
    try:
        return guest.layers
    finally:
        guest.close()


def test_namespaces_alone_leave_no_network(place: Place) -> None:
    if "namespaces" not in held("ids, rights, namespaces"):
        pytest.skip("no namespaces here")
    group = zygote("ids, rights, namespaces")
    assert hostile.attempt(group, "connect by TCP", place) == "ENETUNREACH"
    assert hostile.attempt(group, "connect to an abstract Unix socket", place) == "ECONNREFUSED"


@pytest.mark.parametrize(
    "attack",
    [
        "signal the parent",
        "signal the host",
        "get hold of the host (pidfd_open)",
        "trace the parent (ptrace)",
        "read the memory of the parent (process_vm_readv)",
    ],
)
def test_a_worker_with_process_ids_of_its_own_finds_no_other_process(
    attack: str, place: Place
) -> None:
    if "pid-namespace" not in held("own process ids"):
        pytest.skip("no namespaces here")
    assert hostile.attempt(zygote("own process ids"), attack, place) == "ESRCH"


@pytest.mark.parametrize(
    ("attack", "ending"),
    [
        ("give up (abort)", "exit status 6 (SIGABRT)"),
        ("run for ever (the limit on CPU time)", "used up its CPU time"),
        ("touch memory that is not there", "SIGSEGV"),
    ],
)
def test_process_1_of_a_namespace_ends_like_any_other_and_the_host_is_told(
    attack: str, ending: str, place: Place
) -> None:
    if "pid-namespace" not in held("own process ids"):
        pytest.skip("no namespaces here")
    assert ending in hostile.told_of(zygote("all layers"), attack, place)


def test_limits_alone_stop_memory_without_end(place: Place) -> None:
    attack = "take 64 GiB of addresses (mmap)"
    assert hostile.attempt(zygote("limits"), attack, place) == "ENOMEM"


@pytest.mark.parametrize("group", list(hostile.GROUPS))
def test_observations_cannot_be_written_under_any_layers(group: str, place: Place) -> None:
    assert hostile.attempt(zygote(group), OBSERVATIONS, place) == "SIGSEGV"


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_under_all_layers_no_attack_works(attack: str, place: Place) -> None:
    assert hostile.attempt(zygote("all layers"), attack, place) != WORKED


def test_all_layers_hold_here_or_the_missing_one_is_named() -> None:
    found = set(held("all layers"))
    missing = layers.FULL - found
    # A container may offer no namespaces, an older kernel no Landlock; nothing else may lack.
    assert missing <= {"namespaces", "pid-namespace", "landlock", "ordinary-user"}
    assert found >= layers.LEAST


@pytest.mark.skipif(os.geteuid() != 0, reason="this is the ordinary user")
def test_all_of_this_holds_for_an_ordinary_user_too(tmp_path: Path) -> None:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("no setpriv here")
    # The one right that is kept is to read files, for a Python that lies in root's folder.
    command = [setpriv, "--reuid=1000", "--regid=1000", "--clear-groups"]
    command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    command += [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__]
    open_to_all(tmp_path)
    command += [f"--basetemp={tmp_path}/ordinary", "--timeout=120"]
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=250
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
