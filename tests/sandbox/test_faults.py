"""Whatever a worker does, every row has an outcome, no row is made up, and nothing is left over.

The worker here is hostile or unlucky on purpose; see `faulty_passes`.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import faulty_passes as faulty
import guests
import numpy as np
import pytest

from sandbox import spawn
from sandbox.errors import UsageError, WorkerDiedError, WorkerTimeoutError
from sandbox.host import MAX_REPLACEMENTS, WorkerGuest
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.spawn import Wanted, Zygote
from sandbox.zygote import Warmth

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks into /proc to see what is left over"
)

OK, LOST, CRASHED = int(Outcome.OK), int(Outcome.STATE_LOST), int(Outcome.CRASHED)

FATAL = {
    "never ends": (faulty.SLEEP, Outcome.TIMED_OUT, "did not answer in time and was killed"),
    "segfaults": (faulty.SEGV, Outcome.CRASHED, "signal 11 (SIGSEGV)"),
    "is killed": (faulty.KILL, Outcome.CRASHED, "signal 9 (SIGKILL)"),
    "exits": (faulty.EXIT, Outcome.CRASHED, "exit status 3"),
    "hangs up": (faulty.HANG_UP, Outcome.CRASHED, "closed its connection"),
    "talks nonsense": (faulty.GARBAGE, Outcome.CRASHED, "frame of the unknown kind 255"),
    "answers what was not asked": (faulty.WRONG_FRAME, Outcome.CRASHED, "BOUND was not asked for"),
    "announces gigabytes": (faulty.FLOOD, Outcome.CRASHED, "a frame of 4,294,967,295 bytes"),
    "fails in our own code": (faulty.BREAK, Outcome.CRASHED, "RuntimeError: our own fault"),
    "leaves a row unrun": (faulty.LEAVE, Outcome.CRASHED, "results that no runner writes"),
    "writes an unknown outcome": (faulty.BAD_CODE, Outcome.CRASHED, "that no runner writes"),
    "names no failure": (faulty.BAD_INDEX, Outcome.CRASHED, "that no runner writes"),
    "writes a bool of 200": (faulty.BAD_BOOL, Outcome.CRASHED, "that no runner writes"),
    "used negative fuel": (faulty.BAD_FUEL, Outcome.CRASHED, "that no runner writes"),
}
QUIET = {
    "writes an unknown outcome",
    "names no failure",
    "writes a bool of 200",
    "used negative fuel",
}
"""Faults after which the worker goes on, so that rows behind it are run by it."""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    started = guests.faulty_zygote()
    yield started
    started.close()


@pytest.fixture
def tidy(zygote: Zygote) -> Iterator[None]:
    """Check, once the test's own names are gone, that it left nothing behind."""
    with guests.nothing_left_over():
        yield
        gc.collect()


@pytest.mark.parametrize("name", FATAL)
def test_a_worker_that(name: str, zygote: Zygote, tidy: None) -> None:
    """...costs the row that ran, and no other row of a program without state."""
    code, outcome, text = FATAL[name]
    guest, buffers = guests.load(zygote)
    guests.fill(buffers, r3=code)
    guests.mark(buffers)
    ran = guest.step()
    out = buffers.outputs
    assert out.outcome.tolist() == [0, 0, 0, int(outcome), 0, 0, 0, 0]
    assert out.reward.tolist() == [0, 1, 2, 0, 4, 5, 6, 7]
    failure = guest.failure(int(out.failure[3]))
    assert failure is not None
    assert text in failure.message
    assert failure in ran.failures.values()
    assert ran.lost is None
    assert out.present.view(np.uint8).max() <= 1
    # And the next batch is as if nothing had been.
    guests.fill(buffers)
    guests.mark(buffers)
    guest.step()
    assert out.outcome.tolist() == [0] * 8
    assert out.reward.tolist() == list(range(8))
    guest.close()


@pytest.mark.parametrize("name", sorted(set(FATAL) - QUIET - {"leaves a row unrun"}))
def test_the_state_of_all_rows_goes_with_a_worker_that(name: str, zygote: Zygote) -> None:
    code, outcome, text = FATAL[name]
    guest, buffers = guests.load(zygote, guests.STATEFUL)
    guests.fill(buffers)
    guests.mark(buffers)
    guest.reset()
    guests.fill(buffers, r3=code)
    guests.mark(buffers)
    ran = guest.step()
    out = buffers.outputs
    assert out.outcome.tolist() == [OK, OK, OK, int(outcome), LOST, LOST, LOST, LOST]
    assert out.reward.tolist() == [0, 1, 2, 0, 0, 0, 0, 0]
    assert ran.lost is not None
    assert ran.lost.all()
    why = guest.failure(int(out.failure[6]))
    assert why is not None
    assert text in why.message
    # Rows that were fine have no state either; they say so instead of making one up.
    guests.fill(buffers)
    guests.mark(buffers)
    guest.step()
    assert out.outcome.tolist() == [LOST] * 8
    assert not out.reward.any()
    guests.mark(buffers, [0, 2])
    again = guest.reset()
    assert again.lost is not None
    assert again.lost.tolist() == [False, True, False, *[True] * 5]
    guests.mark(buffers)
    guest.step()
    assert out.outcome.tolist() == [OK, LOST, OK, *[LOST] * 5]
    guest.close()


def test_a_reset_that_kills_the_worker_is_done_again_for_the_other_rows(zygote: Zygote) -> None:
    guest, buffers = guests.load(zygote, guests.STATEFUL)
    guests.fill(buffers, r3=faulty.SEGV)
    guests.mark(buffers)
    ran = guest.reset()
    out = buffers.outputs
    assert out.outcome.tolist() == [0, 0, 0, CRASHED, 0, 0, 0, 0]
    assert ran.lost is not None
    assert np.flatnonzero(ran.lost).tolist() == [3]
    guests.fill(buffers)
    guests.mark(buffers)
    guest.step()
    assert out.outcome.tolist() == [0, 0, 0, LOST, 0, 0, 0, 0]
    assert out.reward.tolist() == [0, 1, 2, 0, 4, 5, 6, 7]
    guest.close()


def test_a_reset_of_some_rows_that_kills_the_worker_costs_the_state_of_the_rest(
    zygote: Zygote,
) -> None:
    guest, buffers = guests.load(zygote, guests.STATEFUL)
    guests.fill(buffers)
    guests.mark(buffers)
    guest.reset()
    guests.fill(buffers, r1=faulty.KILL)
    buffers.outputs.outcome[:] = Outcome.SKIPPED
    guests.mark(buffers, [0, 1, 2])
    ran = guest.reset()
    assert ran.lost is not None
    assert ran.lost.tolist() == [False, True, False, *[True] * 5]
    assert buffers.outputs.outcome.tolist() == [0, CRASHED, 0, *[int(Outcome.SKIPPED)] * 5]
    guest.close()


def test_the_task_that_ran_is_blamed_and_finished_tasks_stand(zygote: Zygote) -> None:
    guest, buffers = guests.load(zygote, guests.TASKS)
    guests.fill(buffers, r3=faulty.SEGV)
    guests.mark(buffers)
    guest.step()
    out = buffers.outputs
    assert out.outcome.tolist() == [0, 0, 0, CRASHED, 0, 0, 0, 0]
    assert out.task_outcome[3].tolist() == [OK, CRASHED, CRASHED]
    texts = [guest.failure(int(index)) for index in out.task_failure[3]]
    assert texts[0] is None
    assert texts[1] is not None
    assert texts[2] is not None
    assert texts[1].message == "the worker died: signal 11 (SIGSEGV)"
    assert texts[2].message.startswith("not run: an earlier task")
    assert np.array_equal(out.tasks[4:], np.arange(4, 8)[:, None] > np.arange(3))
    assert not out.tasks[3].any()
    guest.close()


def test_workers_that_die_on_every_row_are_not_replaced_for_ever(zygote: Zygote) -> None:
    guest, buffers = guests.load(zygote, rows=40)
    buffers.inputs["next_obs"][:] = faulty.KILL
    guests.mark(buffers)
    guest.step()
    out = buffers.outputs
    assert out.outcome.tolist() == [CRASHED] * 40
    messages = [guest.failure(int(index)).message for index in out.failure]  # type: ignore[union-attr]
    tried = MAX_REPLACEMENTS + 1
    assert messages[:tried] == ["the worker died: signal 9 (SIGKILL)"] * tried
    assert set(messages[tried:]) == {
        (
            f"not run: {tried} workers ended on this batch; the last: "
            "the worker died: signal 9 (SIGKILL)"
        )
    }
    guests.fill(buffers)
    guests.mark(buffers)
    guest.step()
    assert out.outcome.tolist() == [OK] * 40
    guest.close()


def test_a_large_batch_has_time_as_long_as_its_rows_end(zygote: Zygote) -> None:
    guest, buffers = guests.load(zygote, rows=3000, limits=Limits(wall_s=0.5))
    buffers.inputs["next_obs"][:] = 1.0
    buffers.inputs["next_obs"][::600] = faulty.NAP  # 5 naps of 0.2 s
    guests.mark(buffers)
    guest.step()
    assert not buffers.outputs.outcome.any()
    guest.close()


def test_many_slow_rows_are_not_blamed_for_each_other(zygote: Zygote) -> None:
    guest, buffers = guests.load(zygote, rows=8, limits=Limits(wall_s=0.5))
    buffers.inputs["next_obs"][:] = faulty.NAP  # 1.6 s in all, each well below its limit
    guests.mark(buffers)
    guest.step()
    assert not buffers.outputs.outcome.any()
    guest.close()


def test_a_large_batch_in_which_a_row_is_stuck_does_not_wait_for_all_its_time(
    zygote: Zygote,
) -> None:
    rows = 1024 * 100  # all its time would be 50 s
    guest, buffers = guests.load(zygote, rows=rows, limits=Limits(wall_s=0.5))
    buffers.inputs["next_obs"][:] = 1.0
    buffers.inputs["next_obs"][5] = faulty.SLEEP
    guests.mark(buffers)
    begin = time.monotonic()
    guest.step()
    assert time.monotonic() - begin < 40
    assert buffers.outputs.outcome[5] == Outcome.TIMED_OUT
    assert np.flatnonzero(buffers.outputs.outcome).tolist() == [5]
    guest.close()


def test_failures_of_rows_before_a_crash_are_not_mixed_up_with_others(zygote: Zygote) -> None:
    guest, buffers = guests.load(zygote)
    guests.fill(buffers, r1=faulty.RAISE, r3=faulty.SEGV, r5=faulty.RAISE)
    guests.mark(buffers)
    guest.step()
    out = buffers.outputs
    assert out.outcome.tolist() == [0, 1, 0, CRASHED, 0, 1, 0, 0]
    first, later = (guest.failure(int(out.failure[row])) for row in (1, 5))
    assert first is not None
    assert later is not None
    assert first.message.startswith("row 1")
    assert later.message.startswith("row 5")
    guest.close()


@pytest.mark.parametrize(
    ("fault", "outcome"), [(faulty.SEGV, CRASHED), (faulty.SLEEP, Outcome.TIMED_OUT)]
)
def test_rows_that_failed_before_their_worker_ended_say_why_though_all_state_is_lost(
    fault: float, outcome: int, zygote: Zygote
) -> None:
    guest, buffers = guests.load(zygote, guests.STATEFUL)
    guests.fill(buffers)
    guests.mark(buffers)
    guest.reset()
    guests.fill(buffers, r0=faulty.RAISE, r2=faulty.RAISE, r3=fault)
    guests.mark(buffers)
    guest.step()
    out = buffers.outputs
    lost = int(Outcome.STATE_LOST)
    assert out.outcome.tolist() == [1, 0, 1, int(outcome), lost, lost, lost, lost]
    told = [guest.failure(int(out.failure[row])) for row in (0, 2)]
    assert [item and item.message for item in told] == ["row 0\\x1b", "row 2\\x1b"]
    guest.close()


def test_failures_that_a_worker_tells_early_are_not_told_twice(zygote: Zygote) -> None:
    guest, buffers = guests.load(zygote)
    known = 0
    for turn in range(6):
        guests.fill(buffers, r1=faulty.RAISE, r4=faulty.RAISE)
        guests.mark(buffers)
        new = guest.step().failures
        out = buffers.outputs
        assert out.outcome.tolist() == [0, 1, 0, 0, 1, 0, 0, 0]
        told = [guest.failure(int(out.failure[row])) for row in (1, 4)]
        assert [item and item.message for item in told] == ["row 1\\x1b", "row 4\\x1b"]
        assert len(new) == (2 if turn == 0 else 0)
        known += len(new)
    assert known == 2
    guest.close()


def test_many_failures_arrive_whole(zygote: Zygote) -> None:
    guest, buffers = guests.load(zygote)
    guests.fill(buffers, r0=faulty.MANY)
    guests.mark(buffers)
    ran = guest.step()
    assert len(ran.failures) == 1024
    failure = guest.failure(int(buffers.outputs.failure[0]))
    assert failure is not None
    assert failure.exception == "E1023"
    guest.close()


# From outside ------------------------------------------------------------------------------


def worker_of(guest: object) -> int:
    child = guest._holder.child  # type: ignore[attr-defined]
    assert child is not None
    return int(child.pid)


def test_a_worker_killed_from_outside_during_a_step(zygote: Zygote) -> None:
    guest, buffers = guests.load(zygote, limits=Limits(wall_s=10))
    guests.fill(buffers, r2=faulty.SLEEP)
    guests.mark(buffers)
    killer = threading.Timer(0.2, os.kill, (worker_of(guest), signal.SIGKILL))
    killer.start()
    stop = threading.Timer(0.3, lambda: buffers.inputs["next_obs"].__setitem__(2, 2.0))
    stop.start()
    buffers.inputs["next_obs"][4] = faulty.NAP
    guest.step()
    killer.join()
    stop.join()
    assert buffers.outputs.outcome.tolist() == [0, 0, CRASHED, 0, 0, 0, 0, 0]
    guest.close()


@pytest.mark.parametrize("plan", [guests.STATELESS, guests.STATEFUL], ids=["function", "class"])
def test_a_worker_killed_from_outside_between_steps(plan: object, zygote: Zygote) -> None:
    guest, buffers = guests.load(zygote, plan)  # type: ignore[arg-type]
    guests.fill(buffers)
    guests.mark(buffers)
    guest.reset()
    pid = worker_of(guest)
    os.kill(pid, signal.SIGKILL)
    while alive(pid):
        time.sleep(0.001)
    guests.mark(buffers)
    ran = guest.step()
    # No row ran when it died, so none is blamed.
    expected = LOST if plan is guests.STATEFUL else OK
    assert buffers.outputs.outcome.tolist() == [expected] * 8
    assert (ran.lost is None) == (plan is guests.STATELESS)
    guest.close()


def test_closing_from_another_thread_ends_a_step(zygote: Zygote, tidy: None) -> None:
    guest, buffers = guests.load(zygote, limits=Limits(wall_s=30))
    guests.fill(buffers, r2=faulty.SLEEP)
    guests.mark(buffers)
    closer = threading.Timer(0.2, guest.close)
    closer.start()
    begin = time.monotonic()
    with pytest.raises(UsageError, match="closed"):
        guest.step()
    assert time.monotonic() - begin < 25
    closer.join()


@pytest.mark.parametrize("plan", [guests.STATELESS, guests.STATEFUL], ids=["function", "class"])
def test_ctrl_c_during_a_step_leaves_a_guest_that_can_be_used(
    plan: object, zygote: Zygote, tidy: None
) -> None:
    guest, buffers = guests.load(zygote, plan, limits=Limits(wall_s=30))  # type: ignore[arg-type]
    guests.fill(buffers)
    guests.mark(buffers)
    guest.reset()
    guests.fill(buffers, r2=faulty.SLEEP)
    guests.mark(buffers)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        guest.step()
    timer.join()
    guests.fill(buffers)
    guests.mark(buffers)
    guest.step()
    expected = LOST if plan is guests.STATEFUL else OK
    assert buffers.outputs.outcome.tolist() == [expected] * 8
    guests.mark(buffers)
    guest.reset()
    guests.mark(buffers)
    guest.step()
    assert buffers.outputs.outcome.tolist() == [OK] * 8
    guest.close()


def test_ctrl_c_during_a_build_leaves_a_guest_that_can_be_used(zygote: Zygote, tidy: None) -> None:
    guest = WorkerGuest(b"hang-in-build", filename="p", limits=Limits(), zygote=zygote)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        guest.build(guests.STATELESS, "compiled")
    timer.join()
    assert guest.build(guests.STATELESS, "interpreted").tier == "interpreted"
    buffers = guest.bind(3)
    guests.mark(buffers)
    guest.step()
    assert buffers.outputs.outcome.tolist() == [OK] * 3
    guest.close()


def test_guests_that_are_dropped_without_close_leave_nothing(zygote: Zygote, tidy: None) -> None:
    for _ in range(12):
        guest, buffers = guests.load(zygote)
        guests.mark(buffers)
        guest.step()
        del guest, buffers
    gc.collect()


def test_guests_that_fail_to_load_leave_nothing(zygote: Zygote, tidy: None) -> None:
    from sandbox.errors import ProgramRefusedError

    for source in ("refuse-build", "refused"):
        for _ in range(4):
            guest = WorkerGuest(source.encode(), filename="p", limits=guests.QUICK, zygote=zygote)
            with pytest.raises(ProgramRefusedError):
                guest.build(guests.STATELESS, "interpreted")
            del guest
    gc.collect()


def test_hundreds_of_replacements_leave_nothing(zygote: Zygote, tidy: None) -> None:
    guest, buffers = guests.load(zygote)
    for _ in range(40):
        guests.fill(buffers, r0=faulty.EXIT, r7=faulty.KILL)
        guests.mark(buffers)
        guest.step()
        assert buffers.outputs.outcome.tolist() == [CRASHED, *[0] * 6, CRASHED]
    guests.fill(buffers)
    guests.mark(buffers)
    guest.step()
    guest.close()


# Reading and building ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "rule", "message"),
    [
        ("hang-in-check", "SBX115", "the program could not be read within 1 s"),
        ("die-in-check", "SBX116", "the worker died: signal 11 (SIGSEGV)"),
        ("raise-in-check", "SBX116", r"RuntimeError: no \x1b[31mred"),
        ("rude-finding", "SBX116", "control characters"),
    ],
)
def test_a_source_that_harms_its_reader_has_a_finding(
    source: str, rule: str, message: str, zygote: Zygote, tidy: None
) -> None:
    guest = WorkerGuest(source.encode(), filename="p", limits=Limits(compile_s=1.0), zygote=zygote)
    assert [item.rule for item in guest.findings] == [rule]
    assert message in guest.findings[0].message
    assert guest.outline is None
    guest.close()


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("hang-in-build", "CMP910", "compiling took longer than limits.compile_s (1 s)"),
        ("die-in-build", "CMP911", "compiling failed: the worker died: signal 11 (SIGSEGV)"),
    ],
)
def test_a_program_that_is_too_much_for_the_compiler_runs_interpreted(
    source: str, code: str, message: str, zygote: Zygote
) -> None:
    guest = WorkerGuest(source.encode(), filename="p", limits=Limits(compile_s=1.0), zygote=zygote)
    loaded = guest.build(guests.STATELESS, "auto")
    assert loaded.tier == "interpreted"
    assert loaded.tier_reason is not None
    assert (loaded.tier_reason.code, loaded.tier_reason.message) == (code, message)
    buffers = guest.bind(2)
    guests.fill(buffers, r0=faulty.KILL)
    guests.mark(buffers)
    guest.step()
    assert buffers.outputs.outcome.tolist() == [CRASHED, OK]
    guest.close()


def test_a_build_that_hangs_or_dies_in_the_tier_asked_for_is_an_error(zygote: Zygote) -> None:
    limits = Limits(compile_s=1.0)
    guest = WorkerGuest(b"hang-in-build", filename="p", limits=limits, zygote=zygote)
    with pytest.raises(WorkerTimeoutError, match=r"within 1 s .* raise limits.compile_s"):
        guest.build(guests.STATELESS, "compiled")
    guest.close()
    guest = WorkerGuest(b"die-in-build", filename="p", limits=limits, zygote=zygote)
    with pytest.raises(WorkerDiedError, match="SIGSEGV"):
        guest.build(guests.STATELESS, "compiled")
    # The guest itself is not used up by it.
    assert guest.build(guests.STATELESS, "interpreted").tier == "interpreted"
    guest.close()


@pytest.mark.parametrize(
    ("source", "gave_up"),
    [("raise-in-build", True), ("no-memory-in-build", False), ("die-in-build", False)],
)
def test_an_error_tells_whether_it_came_out_of_our_own_code(
    source: str, gave_up: bool, zygote: Zygote
) -> None:
    guest = WorkerGuest(source.encode(), filename="p", limits=Limits(), zygote=zygote)
    with pytest.raises(WorkerDiedError) as caught:
        guest.build(guests.STATELESS, "compiled")
    assert caught.value.gave_up is gave_up
    assert pickle.loads(pickle.dumps(caught.value)).gave_up is gave_up  # noqa: S301
    guest.close()


# The zygote --------------------------------------------------------------------------------


def test_a_zygote_that_was_killed_is_replaced_and_its_workers_are_gone() -> None:
    first = spawn.shared_zygote()
    guest = WorkerGuest(b"x = 1\n", filename="p", limits=Limits())
    worker = worker_of(guest)
    os.kill(first._process.pid, signal.SIGKILL)
    other = WorkerGuest(b"y = 1\n", filename="p", limits=Limits())
    assert other.text == "y = 1\n"
    assert spawn.shared_zygote() is not first
    end = time.monotonic() + 5
    while Path(f"/proc/{worker}").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    guest.close()
    other.close()


def test_a_zygote_that_is_stuck_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    first = spawn.shared_zygote()
    os.kill(first._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(spawn, "ANSWER_S", 0.3)
    try:
        guest = WorkerGuest(b"y = 1\n", filename="p", limits=Limits())
    finally:
        monkeypatch.undo()
    assert guest.text == "y = 1\n"
    assert not first.alive
    guest.close()


def test_state_that_goes_with_a_zygote_is_told(zygote: Zygote) -> None:
    own = guests.faulty_zygote()
    guest, buffers = guests.load(own, guests.STATEFUL)
    guests.fill(buffers)
    guests.mark(buffers)
    guest.reset()
    os.kill(own._process.pid, signal.SIGKILL)
    own._process.wait()
    guests.mark(buffers)
    ran = guest.step()
    assert set(buffers.outputs.outcome.tolist()) <= {CRASHED, LOST}
    assert ran.lost is not None
    assert ran.lost.all()
    # This guest was given a zygote of its own, so there is none to replace the worker from.
    guests.mark(buffers)
    guest.reset()
    assert buffers.outputs.outcome.tolist() == [CRASHED] * 8
    failure = guest.failure(int(buffers.outputs.failure[0]))
    assert failure is not None
    assert failure.message.startswith("not run: there is no new worker")
    guest.close()
    own.close()


def test_a_zygote_that_cannot_start_says_what_it_printed(tidy: None) -> None:
    from sandbox.errors import IsolationError

    with pytest.raises(IsolationError, match="No module named 'no_such_passes'"):
        Zygote("no_such_passes")


def test_an_answer_given_up_is_not_taken_for_the_next(zygote: Zygote, tidy: None) -> None:
    own = guests.faulty_zygote()
    os.kill(own._process.pid, signal.SIGSTOP)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        own.fork(Wanted(Warmth.LIGHT, 1 << 30, 5))
    timer.join()
    os.kill(own._process.pid, signal.SIGCONT)
    guest = WorkerGuest(b"describe", filename="p", limits=guests.QUICK, zygote=own)
    assert f'"pid": {worker_of(guest)}' in guest.text
    guest.close()
    gc.collect()
    own.close()


def test_guests_opened_from_many_threads_get_their_own_workers(zygote: Zygote, tidy: None) -> None:
    found: list[str] = []

    def open_one(name: str) -> None:
        guest = WorkerGuest(name.encode(), filename=name, limits=guests.QUICK, zygote=zygote)
        found.append(guest.text)
        guest.close()

    threads = [threading.Thread(target=open_one, args=(f"source {k}",)) for k in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"source {k}" for k in range(12))


# The host ----------------------------------------------------------------------------------

HOST = f"""
import os, sys, time
sys.path.insert(0, {guests.FOLDER!r})
import faulty_passes as faulty, guests
from sandbox import spawn
from sandbox.errors import UsageError
zygote = guests.faulty_zygote()
"""


def run_host(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", HOST + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_when_the_host_is_killed_its_workers_end_at_once_busy_or_not() -> None:
    code = """
import threading
busy, buffers = guests.load(zygote, limits=guests.Limits(wall_s=60))
idle, _ = guests.load(zygote)
guests.fill(buffers, r0=faulty.SLEEP)
guests.mark(buffers)
threading.Thread(target=busy.step, daemon=True).start()
time.sleep(0.2)
print(zygote._process.pid, busy._holder.child.pid, idle._holder.child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", HOST + code], stdout=subprocess.PIPE, text=True
    ) as host:
        assert host.stdout is not None
        pids = [int(word) for word in host.stdout.readline().split()]
        assert len(pids) == 3
        assert all(alive(pid) for pid in pids)
        host.kill()
        host.wait()
        end = time.monotonic() + 5
        while any(alive(pid) for pid in pids):
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_host_that_ends_without_closing_anything_leaves_nothing_and_warns_of_nothing() -> None:
    done = run_host(
        """
guest, buffers = guests.load(zygote)
guests.mark(buffers)
guest.step()
print(zygote._process.pid, guest._holder.child.pid)
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not any(alive(int(pid)) for pid in done.stdout.split())


def test_a_forked_host_leaves_its_parents_workers_alone_and_gets_its_own_of_the_same_zygote() -> (
    None
):
    done = run_host(
        """
guest, buffers = guests.load(zygote)
guests.fill(buffers)
from sandbox import check
assert check("x = 1").ok
parents = spawn.shared_zygote()
pid = os.fork()
if pid == 0:
    for use in (guest.step, guest.close, lambda: guest.bind(2)):
        try:
            use()
            assert use == guest.close
        except UsageError as error:
            assert "was opened in process" in str(error), error
    assert check("x = 1").ok
    assert spawn.shared_zygote() is not parents
    assert spawn.shared_zygote().pid == parents.pid
    del guest
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
guests.mark(buffers)
guest.step()
assert buffers.outputs.reward.sum() == 28
assert check("x = 1").ok
assert spawn.shared_zygote() is parents
print("fine")
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


def test_a_forked_child_that_outlives_the_host_does_not_keep_workers_alive() -> None:
    done = run_host(
        """
guest, buffers = guests.load(zygote)
print(zygote._process.pid, guest._holder.child.pid, flush=True)
pid = os.fork()
if pid == 0:
    os.close(1); os.close(2)
    time.sleep(3)
    os._exit(0)
os.kill(os.getpid(), 9)
"""
    )
    assert done.returncode == -9
    pids = [int(word) for word in done.stdout.split()]
    end = time.monotonic() + 2
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_guests_can_be_opened_under_multiprocessing(method: str, tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text(
        f"""
import multiprocessing, sandbox
def work(name):
    return sandbox.check(f"def f(x):\\n    return x.{{name}}\\n").ok
if __name__ == "__main__":
    assert sandbox.check("x = 1").ok
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(pool.map(work, ["shape", "__class__"]))
""",
        encoding="utf-8",
    )
    root = Path(spawn.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert (done.stdout, done.stderr) == ("[True, False]\n", "")


def test_the_mark_of_a_failure_without_a_number_is_the_one_that_kernels_write() -> None:
    from sandbox.dispatch import UNRESOLVED
    from sandbox.tiers.compiled.kernel import UNKNOWN_FAILURE

    assert UNRESOLVED == UNKNOWN_FAILURE


def test_a_compiled_row_that_failed_in_a_kernel_that_never_returned_says_why_after_all() -> None:
    # What the host finds when a worker is killed inside of a kernel: an outcome, and no number.
    source = b"def reward(obs):\n    return 1.0 / float(obs)\n"
    guest = WorkerGuest(source, filename="p", limits=guests.QUICK)
    assert guest.build(guests.STATELESS).tier == "compiled"
    buffers = guest.bind(4)
    buffers.inputs["next_obs"][:] = [1.0, 0.0, 2.0, 0.0]
    guests.mark(buffers)
    batch, shared = guest._batch, guest._shared
    assert batch is not None
    assert shared is not None
    rows = np.ones(4, np.bool_)
    shared.outcome[:] = [Outcome.OK, Outcome.ERROR, PENDING, PENDING]
    shared.failure[:] = [-1, -2, -1, -1]
    died = guest._holder.died()
    guest._dispatch_all(batch, rows, lambda todo: guest._take(batch, todo, died), reset=False)
    assert batch.out.outcome.tolist() == [OK, Outcome.ERROR, CRASHED, Outcome.ERROR]
    told = [guest.failure(int(index)) for index in buffers.outputs.failure]
    assert [item and item.exception for item in told] == [
        None,
        "ZeroDivisionError",
        "WorkerDied",
        "ZeroDivisionError",
    ]
    guest.close()
