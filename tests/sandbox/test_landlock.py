"""The empty view of the file system, alone: without the filter and without other ids."""

# The calls themselves are meant.
# ruff: noqa: PTH102, PTH108, PTH208, S606
from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import landlock

needs_landlock = pytest.mark.skipif(not landlock.abi(), reason="no Landlock here")


def under(body: Callable[[], object]) -> int:
    """Run a body in a child under the ruleset; its errno, or 0."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
            landlock.restrict()
            body()
            code = 0
        except OSError as error:
            code = error.errno or 98
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize(
    ("version", "rights", "size"),
    [(1, 13, 8), (2, 14, 8), (3, 15, 8), (4, 15, 16), (5, 16, 16), (6, 16, 24), (7, 16, 24)],
)
def test_a_ruleset_handles_just_what_its_abi_knows(version: int, rights: int, size: int) -> None:
    text = landlock.attributes(version)
    assert len(text) == size
    assert struct.unpack_from("<Q", text)[0] == (1 << rights) - 1


def test_there_is_no_ruleset_without_an_abi() -> None:
    with pytest.raises(ValueError, match="no ABI 0"):
        landlock.attributes(0)


@needs_landlock
def test_files_are_neither_read_nor_written_nor_made(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("text")
    assert under(lambda: os.open(there, os.O_RDONLY)) == errno.EACCES
    assert under(lambda: os.open(there, os.O_WRONLY)) == errno.EACCES
    assert under(lambda: os.open(tmp_path / "new", os.O_CREAT | os.O_WRONLY)) == errno.EACCES
    assert under(lambda: os.mkdir(tmp_path / "folder")) == errno.EACCES
    assert under(lambda: os.unlink(there)) == errno.EACCES
    assert under(lambda: os.listdir(tmp_path)) == errno.EACCES
    assert under(lambda: os.execv("/bin/true", ["true"])) == errno.EACCES
    assert there.read_text() == "text"


@needs_landlock
def test_memory_that_is_already_open_is_used() -> None:
    fd = os.memfd_create("x")
    assert under(lambda: os.write(fd, b"x")) == 0
    os.close(fd)


@pytest.mark.skipif(landlock.abi() < 4, reason="no TCP rights in this kernel")
def test_no_connection_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert under(lambda: socket.create_connection(address)) == errno.EACCES
        assert under(lambda: socket.create_server(("127.0.0.1", 0))) == errno.EACCES


@pytest.mark.skipif(landlock.abi() < 6, reason="no scopes in this kernel")
def test_processes_outside_are_neither_signalled_nor_spoken_to() -> None:
    parent = os.getpid()
    assert under(lambda: os.kill(parent, 0)) == errno.EPERM
    assert under(lambda: os.kill(parent, signal.SIGURG)) == errno.EPERM
    name = f"\0carruntime-test-{parent}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()

        def connect() -> None:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(name)

        assert under(connect) == errno.EPERM
