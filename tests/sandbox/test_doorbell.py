"""Batches asked for by a shared page: as by the socket, whatever the worker does to the page.

The worker here is hostile or unlucky on purpose; see `faulty_passes`. Each step goes the short way
first, as a session does it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import faulty_passes as faulty
import guests
import numpy as np
import pytest
from test_faults import FATAL, QUIET

from sandbox.errors import UsageError
from sandbox.host import Buffers, WorkerGuest
from sandbox.lane import Ended, Leaf
from sandbox.limits import Limits
from sandbox.native.library import library
from sandbox.native.tables import READY, UNDER_WAY
from sandbox.outcome import Outcome
from sandbox.plan import Plan
from sandbox.spawn import Zygote

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the page needs futexes"),
    pytest.mark.skipif(library() is None, reason="there is no native code for this machine"),
]

OK, LOST, CRASHED = int(Outcome.OK), int(Outcome.STATE_LOST), int(Outcome.CRASHED)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    started = guests.faulty_zygote()
    yield started
    started.close()


class Short:
    """A guest that is stepped by its lane, and goes on where that hands back."""

    def __init__(self, zygote: Zygote, plan: Plan = guests.STATELESS, **options: object) -> None:
        guest, self.buffers = guests.load(zygote, plan, tier="auto", **options)  # type: ignore[arg-type]
        assert isinstance(guest, WorkerGuest)
        self.guest = guest
        lane = guest.lane([Leaf(0, ("x",), "next_obs")])
        assert lane is not None
        self.lane = lane
        self.x = np.arange(float(len(self.buffers.inputs["next_obs"])))
        self.ended = 0

    def step(self, mask: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None) -> Buffers:
        """Step and give the results, wherever they are."""
        block = np.full(self.lane.block_size, 99, np.uint8)
        self.ended = self.lane.step(block, mask, {"x": self.x})
        if self.ended == Ended.NOT_READY:
            self.buffers.inputs["next_obs"][:] = self.x
            rows = slice(None) if mask is None else mask
            self.buffers.outputs.outcome[:] = Outcome.SKIPPED
            guests.mark(self.buffers, rows)
            self.guest.step()
        elif self.ended == Ended.FINE or self.guest.go_on(self.ended, block, mask):
            layout = self.guest._batch.layout  # type: ignore[union-attr]
            for name, values in layout.views(block).items():
                getattr(self.buffers.outputs, name)[...] = values
        else:
            assert self.ended < 0
        return self.buffers


def test_results_are_those_of_the_long_way(zygote: Zygote) -> None:
    short = Short(zygote)
    out = short.step().outputs
    for _ in range(5):
        out = short.step().outputs
        assert out.outcome.tolist() == [OK] * 8
        assert out.reward.tolist() == list(range(8))
        assert out.components.tolist() == [list(range(8)), list(range(1, 9))]
        assert out.fuel.tolist() == [1] * 8
    guests.mark(short.buffers)
    short.guest.step()
    assert short.buffers.outputs.reward.tolist() == list(range(8))
    short.guest.close()


def test_rows_outside_the_mask_are_skipped_and_hold_nothing(zygote: Zygote) -> None:
    short = Short(zygote, guests.TASKS)
    short.step()
    mask = np.array([True, False] * 4)
    out = short.step(mask).outputs
    assert out.outcome.tolist() == [OK, Outcome.SKIPPED] * 4
    assert not out.fuel[~mask].any()
    assert not out.tasks[~mask].any()
    assert (out.task_outcome[~mask] == Outcome.SKIPPED).all()
    assert np.array_equal(out.tasks[mask], short.x[mask][:, None] > np.arange(3))
    short.guest.close()


@pytest.mark.parametrize("name", FATAL)
def test_a_worker_that(name: str, zygote: Zygote) -> None:
    """...costs the row that ran, and no other row of a program without state."""
    code, outcome, text = FATAL[name]
    short = Short(zygote)
    short.step()
    short.x[3] = code
    out = short.step().outputs
    assert out.outcome.tolist() == [0, 0, 0, int(outcome), 0, 0, 0, 0]
    assert out.reward.tolist() == [0, 1, 2, 0, 4, 5, 6, 7]
    failure = short.guest.failure(int(out.failure[3]))
    assert failure is not None
    assert text in failure.message
    assert out.present.view(np.uint8).max() <= 1
    short.x[3] = 3
    out = short.step().outputs
    assert out.outcome.tolist() == [0] * 8
    assert out.reward.tolist() == list(range(8))
    assert name in QUIET or short.guest._holder.ready[0] == READY
    short.guest.close()


def test_a_worker_that_says_done_too_early_is_found_out(zygote: Zygote) -> None:
    short = Short(zygote)
    short.step()
    short.x[3] = faulty.SAY_DONE
    out = short.step().outputs
    assert out.outcome.tolist() == [0, 0, 0, CRASHED, 0, 0, 0, 0]
    short.guest.close()


@pytest.mark.parametrize("code", [faulty.SAY_TOLD, faulty.SAY_HOME])
def test_a_worker_that_promises_more_and_does_not_give_it_runs_out_of_time(
    code: float, zygote: Zygote
) -> None:
    short = Short(zygote)
    short.step()
    short.x[3] = code
    out = short.step().outputs
    assert out.outcome.tolist() == [0, 0, 0, int(Outcome.TIMED_OUT), 0, 0, 0, 0]
    assert out.reward.tolist() == [0, 1, 2, 0, 4, 5, 6, 7]
    short.guest.close()


def test_results_are_fetched_once_whatever_a_worker_writes_after_it_said_done(
    zygote: Zygote,
) -> None:
    """What is checked is what is used: an OK row is a finite, true and final one."""
    short = Short(zygote, limits=Limits(wall_s=2))
    short.x[0] = faulty.FLIP
    ends = set()
    for _ in range(25):
        out = short.step().outputs
        ends.add(short.ended)
        fine = out.outcome == OK
        assert set(out.reward[fine].tolist()) <= {1.0, 2.0, *range(8)}
        assert out.present.view(np.uint8).max() <= 1
        assert out.fuel.min() >= 0
        assert set(out.outcome.tolist()) <= {OK, int(Outcome.NOT_FINITE), CRASHED}
        kept: list[Any] = [out.reward.copy(), out.outcome.copy()]
        time.sleep(0.002)
        assert np.array_equal(out.reward, kept[0])
        assert np.array_equal(out.outcome, kept[1])
    assert ends & {Ended.FINE, Ended.LOOK}
    short.guest.close()


@pytest.mark.parametrize("seed", range(4))
def test_noise_on_the_page_hangs_nobody_and_makes_no_reward_up(seed: int, zygote: Zygote) -> None:
    short = Short(zygote, limits=Limits(wall_s=0.5, compile_s=10))
    short.x[0] = seed
    short.x[5] = faulty.SCRIBBLE
    for _ in range(3):
        begin = time.monotonic()
        out = short.step().outputs
        assert time.monotonic() - begin < 30
        wanted = np.where(short.x == faulty.SCRIBBLE, 7.0, short.x)
        fine = out.outcome == OK
        assert np.array_equal(out.reward[fine], wanted[fine])
        assert not out.reward[~fine].any()
    short.guest.close()


def test_a_worker_killed_between_steps_blames_no_row(zygote: Zygote) -> None:
    short = Short(zygote)
    short.step()
    child = short.guest._holder.child
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert short.step().outputs.outcome.tolist() == [OK] * 8
    assert short.ended in {Ended.TOLD, Ended.WAITING}
    short.guest.close()


def test_the_state_of_all_rows_goes_with_the_worker(zygote: Zygote) -> None:
    short = Short(zygote, guests.STATEFUL)
    guests.mark(short.buffers)
    short.guest.reset()
    short.step()
    assert short.ended == Ended.FINE
    short.x[3] = faulty.SEGV
    out = short.step().outputs
    assert out.outcome.tolist() == [OK, OK, OK, CRASHED, LOST, LOST, LOST, LOST]
    short.x[3] = 3
    out = short.step().outputs
    assert short.ended == Ended.NOT_READY
    assert out.outcome.tolist() == [LOST] * 8
    guests.mark(short.buffers)
    short.guest.reset()
    assert short.step().outputs.outcome.tolist() == [OK] * 8
    assert short.ended == Ended.FINE
    short.guest.close()


def test_failures_arrive_with_the_answer(zygote: Zygote) -> None:
    short = Short(zygote)
    short.x[3] = faulty.RAISE
    for _ in range(3):
        out = short.step().outputs
        assert out.outcome.tolist() == [0, 0, 0, int(Outcome.ERROR), 0, 0, 0, 0]
        failure = short.guest.failure(int(out.failure[3]))
        assert failure is not None
        assert failure.exception == "ValueError"
    short.guest.close()


def test_ctrl_c_during_a_step_leaves_a_guest_that_can_be_used(zygote: Zygote) -> None:
    short = Short(zygote, guests.STATEFUL, limits=Limits(wall_s=30))
    guests.mark(short.buffers)
    short.guest.reset()
    short.x[2] = faulty.SLEEP
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        short.step()
    timer.join()
    short.x[2] = 2
    assert short.step().outputs.outcome.tolist() == [LOST] * 8
    short.guest.close()


def test_a_step_that_nobody_waited_for_costs_the_worker_and_its_states(zygote: Zygote) -> None:
    short = Short(zygote, guests.STATEFUL)
    guests.mark(short.buffers)
    short.guest.reset()
    block = np.empty(short.lane.block_size, np.uint8)
    assert short.lane.post(block, None, {"x": short.x}) == Ended.FINE
    assert short.guest._holder.ready[0] == UNDER_WAY
    assert short.step().outputs.outcome.tolist() == [LOST] * 8
    short.guest.close()


def test_closing_from_another_thread_ends_a_step(zygote: Zygote) -> None:
    short = Short(zygote, limits=Limits(wall_s=30))
    short.x[2] = faulty.SLEEP
    closer = threading.Timer(0.2, short.guest.close)
    closer.start()
    begin = time.monotonic()
    with pytest.raises(UsageError, match="closed"):
        short.step()
    assert time.monotonic() - begin < 25
    closer.join()


def test_a_forked_child_does_not_knock_on_its_parents_page(zygote: Zygote) -> None:
    short = Short(zygote)
    short.step()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            block = np.empty(short.lane.block_size, np.uint8)
            ended = short.lane.step(block, None, {"x": short.x})
            code = 0 if ended == Ended.NOT_READY else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert short.step().outputs.outcome.tolist() == [OK] * 8
    assert short.ended == Ended.FINE
    short.guest.close()


@pytest.mark.parametrize("spin_s", [0.0, 0.01])
def test_looking_can_be_turned_off_and_drawn_out(spin_s: float, zygote: Zygote) -> None:
    guest, _ = guests.load(zygote, tier="auto")
    buffers = guest.bind(4, spin_s)
    guests.fill(buffers)
    for _ in range(10):
        guests.mark(buffers)
        guest.step()
        assert buffers.outputs.reward.tolist() == [0, 1, 2, 3]
    guest.close()


def test_guests_leave_no_page_behind(zygote: Zygote) -> None:
    Short(zygote).guest.close()
    with guests.nothing_left_over():
        for _ in range(5):
            short = Short(zygote)
            short.step()
            short.guest.bind(3)
            short.guest.close()
            del short
