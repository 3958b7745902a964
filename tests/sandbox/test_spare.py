"""A worker made ready before it is asked for is like any other, and nobody misses it when it is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import guests
import pytest

import sandbox
from sandbox import spawn
from sandbox.host import WorkerGuest
from sandbox.limits import Limits
from sandbox.spawn import Wanted, Zygote
from sandbox.zygote import Warmth

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks into /proc to see what is left over"
)

WANTED = Wanted(Warmth.LIGHT, 1 << 28, 20.0)


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    with guests.nothing_left_over():
        found = guests.faulty_zygote()
        yield found
        found.close()


def read(zygote: Zygote, name: str, limits: Limits = guests.QUICK) -> int:
    """Let a worker read a text and close it; give its process id."""
    guest = WorkerGuest(name.encode(), filename=name, limits=limits, zygote=zygote, brief=True)
    assert guest.text == name
    assert guest._holder.child is not None
    pid = guest._holder.child.pid
    guest.close()
    return pid


def spare_of(zygote: Zygote) -> int:
    """Wait for the worker that was made ready; give its process id."""
    spare = zygote._spare
    assert spare is not None
    zygote.ping()  # answered after the fork, and what comes before it is kept
    assert spare.answer is not None
    return spare.answer.pid


def test_the_first_text_alone_makes_nothing_ready(zygote: Zygote) -> None:
    read(zygote, "one")
    assert zygote._spare is None


def test_each_text_has_a_worker_of_its_own_made_ready_before(zygote: Zygote) -> None:
    seen = {read(zygote, "one"), read(zygote, "two")}
    for name in ("three", "four", "five"):
        ready = spare_of(zygote)
        assert ready not in seen
        assert read(zygote, name) == ready
        seen.add(ready)


def test_one_that_is_not_ready_yet_is_waited_for(zygote: Zygote) -> None:
    pids = [read(zygote, f"text {k}") for k in range(12)]
    assert len(set(pids)) == 12


def test_one_with_other_limits_is_not_taken(zygote: Zygote) -> None:
    read(zygote, "one")
    read(zygote, "two")
    ready = spare_of(zygote)
    roomier = Limits(wall_s=0.5, compile_s=5.0, worker_memory_bytes=1 << 30)
    assert read(zygote, "three", roomier) != ready
    read(zygote, "four", roomier)
    assert spare_of(zygote) != ready
    assert zygote._spare is not None
    assert zygote._spare.wanted.memory_bytes == 1 << 30


def test_one_that_was_killed_meanwhile_is_replaced(zygote: Zygote) -> None:
    read(zygote, "one")
    read(zygote, "two")
    ready = spare_of(zygote)
    os.kill(ready, signal.SIGKILL)
    end = time.monotonic() + 5
    while zygote.ending(ready) is None:
        assert time.monotonic() < end
    assert read(zygote, "three") != ready


def test_a_guest_that_will_run_never_gets_one(zygote: Zygote) -> None:
    read(zygote, "one")
    read(zygote, "two")
    ready = spare_of(zygote)
    guest, _ = guests.load(zygote)
    assert guest._holder.child is not None  # type: ignore[attr-defined]
    assert guest._holder.child.pid != ready  # type: ignore[attr-defined]
    guest.close()
    assert spare_of(zygote) == ready


def test_a_zygote_that_ended_takes_it_along(zygote: Zygote) -> None:
    read(zygote, "one")
    read(zygote, "two")
    ready = spare_of(zygote)
    os.kill(zygote.pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while Path(f"/proc/{ready}").exists():  # of another parent by now
        assert time.monotonic() < end
        time.sleep(0.01)
    with pytest.raises(sandbox.WorkerDiedError):
        read(zygote, "three")
    assert zygote._spare is None


def test_ctrl_c_while_it_is_waited_for_loses_nothing(zygote: Zygote) -> None:
    read(zygote, "one")
    read(zygote, "two")
    spare_of(zygote)
    zygote._make_spare(WANTED)
    os.kill(zygote.pid, signal.SIGSTOP)
    zygote._make_spare(WANTED)  # its answer cannot come now
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        zygote._take_spare(WANTED)
    timer.join()
    os.kill(zygote.pid, signal.SIGCONT)
    child = zygote._take_spare(WANTED)
    assert child is not None
    child.close()
    assert read(zygote, "three")


def test_threads_that_check_at_once_never_share_one(zygote: Zygote) -> None:
    pids: list[int] = []

    def some(name: str) -> None:
        pids.extend(read(zygote, f"{name} {k}") for k in range(5))

    threads = [threading.Thread(target=some, args=(f"thread {k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 20


def test_a_forked_child_leaves_the_one_of_its_parent_alone() -> None:
    spawn.shared_zygote().close()  # that of other tests
    with guests.nothing_left_over():
        for _ in range(2):
            assert sandbox.check("def reward(obs):\n    return 1.0\n").ok
        zygote = spawn.shared_zygote()
        ready = spare_of(zygote)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = 0 if sandbox.check("def reward(obs):\n    return 1.0\n").ok else 2
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        assert spare_of(zygote) == ready
        child = zygote._take_spare(zygote._spare.wanted) if zygote._spare else None
        assert child is not None
        assert child.pid == ready
        child.close()
        zygote.close()
