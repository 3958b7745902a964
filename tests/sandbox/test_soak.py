"""Kills, faults, resets and re-openings at random: every row is accounted for, nothing grows."""

from __future__ import annotations

import gc
import random
import signal
import sys
import threading

import faulty_passes as faulty
import guests
import numpy as np
import pytest

from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.spawn import Zygote

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

BATCHES = 900
ROWS = 16
PLANS = (guests.STATELESS, guests.STATEFUL, guests.TASKS)
FAULTS = (
    *(faulty.RAISE, faulty.SEGV, faulty.NAN, faulty.EXIT, faulty.BAD_CODE, faulty.BREAK),
    *(faulty.BAD_INDEX, faulty.GARBAGE, faulty.HANG_UP),
)


def test_random_kills_and_faults_leave_every_row_with_an_outcome_and_a_reason() -> None:
    rng = random.Random(0)
    zygote = guests.faulty_zygote()
    with guests.nothing_left_over():
        _soak(rng, zygote)
        gc.collect()
    zygote.close()


def _soak(rng: random.Random, zygote: Zygote) -> None:
    limits = Limits(wall_s=5)
    held = [guests.load(zygote, plan, limits=limits, rows=ROWS) for plan in PLANS]
    stop = threading.Event()

    def kill_now_and_then() -> None:
        dice = random.Random(1)
        while not stop.wait(dice.random() * 0.05):
            child = dice.choice(held)[0]._holder.child  # type: ignore[attr-defined]
            if child is not None:
                try:
                    # By its descriptor, so that no other process can be hit.
                    signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
                except OSError:
                    continue

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    descriptors = guests.descriptors()
    seen: set[int] = set()
    try:
        for turn in range(BATCHES):
            kind = turn % len(PLANS)
            guest, buffers = held[kind]
            out = buffers.outputs
            guests.fill(buffers)
            if rng.random() < 0.2:
                buffers.inputs["next_obs"][rng.randrange(ROWS)] = rng.choice(FAULTS)
            wanted = np.array([rng.random() < 0.7 for _ in range(ROWS)])
            out.outcome[:] = np.where(wanted, PENDING, Outcome.SKIPPED)
            run = guest.reset if rng.random() < 0.3 else guest.step
            run()
            seen.update(out.outcome.tolist())
            assert (out.outcome[~wanted] == Outcome.SKIPPED).all()
            assert (out.outcome[wanted] < Outcome.SKIPPED).all()
            fine = wanted & (out.outcome == Outcome.OK)
            assert not out.reward[wanted & ~fine].any()
            if PLANS[kind] is guests.STATELESS:
                assert out.reward[fine].tolist() == np.arange(ROWS)[fine].tolist()
            for row in np.flatnonzero(wanted & ~fine & (out.outcome != Outcome.NOT_FINITE)):
                assert guest.failure(int(out.failure[row])) is not None
            if rng.random() < 0.02:
                held[kind] = guests.load(zygote, PLANS[kind], limits=limits, rows=ROWS)
    finally:
        stop.set()
        killer.join()
    assert {Outcome.OK, Outcome.ERROR, Outcome.CRASHED, Outcome.STATE_LOST} <= seen
    gc.collect()
    # Not equal: a worker that is lost and not yet replaced has none.
    assert guests.descriptors() <= descriptors
    for guest, _ in held:
        guest.close()
