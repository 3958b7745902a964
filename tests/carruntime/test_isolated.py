"""Sessions over a real worker process and the real reference tier, failures included."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpus_reader
import numpy as np
import pytest
from gymnasium import spaces as gs
from public_rows import Case, differences

import carruntime as car
from carruntime.reward import RewardProgram
from sandbox.outcome import Outcome

BOX = gs.Box(-10.0, 10.0, (2,), np.float64)
SPACES = (BOX, gs.Discrete(4))
# Fuel that never runs out, so that the wall clock is what ends the row. The value that makes a
# program go on for ever lies outside its space, so that loading it does not take for ever too.
ENDLESS = car.Limits(fuel=10**15, wall_s=1.0)
FUNCTION = (
    "def reward(obs):\n"
    "    n = 0.0\n"
    "    while obs[0] > 1e9:\n"
    "        n = n + 1\n"
    "    return obs[0] * 2.0\n"
)
CLASS = (
    "class R:\n"
    "    def reset(self, obs):\n"
    "        self.n = 0\n"
    "    def step(self, obs, next_obs):\n"
    "        while next_obs[0] > 1e9:\n"
    "            self.n = self.n + 0\n"
    "        self.n += 1\n"
    "        return self.n\n"
)


def rows(*values: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([[value, 0.0] for value in values])


@pytest.fixture
def opened() -> Iterator[list[RewardProgram]]:
    programs: list[RewardProgram] = []
    yield programs
    for program in programs:
        program.close()


@pytest.mark.parametrize("name", corpus_reader.names()[::6])
def test_a_natural_program_pays_the_same_in_a_worker(
    name: str, opened: list[RewardProgram]
) -> None:
    case = Case(corpus_reader.STATE / name)
    program = car.load(case.path, spaces=case.spaces, tier="interpreted")
    opened.append(program)
    assert differences(case, program) == []


def test_a_row_that_never_ends_is_blamed_alone_where_nothing_is_kept(
    opened: list[RewardProgram],
) -> None:
    program = car.load(FUNCTION, spaces=SPACES, tier="interpreted", limits=ENDLESS)
    opened.append(program)
    with program.start(4, "zero") as session:
        session.reset()
        batch = session.step(next_obs=rows(1, 2, 6e9, 4))
        assert batch.outcome.tolist() == [0, 0, Outcome.TIMED_OUT, 0]
        assert batch.reward.tolist() == [2, 4, 0, 8]
        failure = batch.failure(2)
        assert failure is not None
        assert "raise limits.wall_s" in failure.render()
        assert session.step(next_obs=rows(1, 2, 3, 4)).reward.tolist() == [2, 4, 6, 8]


def test_a_worker_that_had_to_be_ended_takes_the_states_along_until_reset(
    opened: list[RewardProgram],
) -> None:
    program = car.load(CLASS, spaces=SPACES, tier="interpreted", limits=ENDLESS)
    opened.append(program)
    with program.start(3, "nan") as session:
        session.reset(rows(0, 0, 0))
        session.step(rows(0, 0, 0), None, rows(0, 0, 0))
        batch = session.step(rows(0, 0, 0), None, rows(0, 6e9, 0))
        assert batch.outcome.tolist() == [0, Outcome.TIMED_OUT, Outcome.STATE_LOST]
        assert batch.reward[0] == 2.0
        lost = session.step(rows(0, 0, 0), None, rows(0, 0, 0))
        assert lost.outcome.tolist() == [Outcome.STATE_LOST] * 3
        reason = lost.failure(0)
        assert reason is not None
        assert reason.message
        session.reset(rows(0, 0, 0), mask=np.array([True, False, True]))
        again = session.step(rows(0, 0, 0), None, rows(0, 0, 0))
        assert again.outcome.tolist() == [0, Outcome.STATE_LOST, 0]
        assert again.reward[[0, 2]].tolist() == [1.0, 1.0]


def test_a_program_that_takes_too_long_to_load_is_refused_as_a_finding() -> None:
    source = "X = 0\nwhile X < 10 ** 12:\n    X += 1\n" + FUNCTION
    with pytest.raises(car.LoadError):
        car.load(
            source,
            spaces=SPACES,
            tier="interpreted",
            limits=car.Limits(compile_s=1.5, fuel=10**15),
        )


def _in_a_fork(program: RewardProgram, pipe: Any) -> None:
    with program.start(2) as session:
        session.reset()
        pipe.send(session.step(next_obs=rows(1, 2)).reward.tolist())
    program.close()
    pipe.close()


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_program_runs_in_child_processes_while_the_parent_goes_on(
    method: str, opened: list[RewardProgram]
) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this platform has no {method}")
    program = car.load(FUNCTION, spaces=SPACES, tier="interpreted")
    opened.append(program)
    context: Any = multiprocessing.get_context(method)
    mine, theirs = context.Pipe()
    child = context.Process(target=_in_a_fork, args=(program, theirs))
    child.start()
    theirs.close()
    assert mine.poll(60)
    assert mine.recv() == [2, 4]
    child.join(60)
    assert child.exitcode == 0
    with program.start(2) as session:
        session.reset()
        assert session.step(next_obs=rows(3, 4)).reward.tolist() == [6, 8]


def _use_of_another(session: Any, pipe: Any) -> None:
    try:
        session.step(next_obs=rows(1, 2))
    except car.CarruntimeError as error:
        pipe.send(str(error))
    else:
        pipe.send("it ran")
    pipe.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_session_of_the_parent_is_refused_in_a_fork(opened: list[RewardProgram]) -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this platform has no fork")
    program = car.load(FUNCTION, spaces=SPACES, tier="interpreted")
    opened.append(program)
    context: Any = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    with program.start(2) as session:
        session.reset()
        child = context.Process(target=_use_of_another, args=(session, theirs))
        child.start()
        theirs.close()
        assert mine.poll(60)
        told = mine.recv()
        assert "this session was started in another process" in told
        assert "guest" not in told
        child.join(60)
        assert session.step(next_obs=rows(3, 4)).reward.tolist() == [6, 8]


def test_closing_gives_back_every_descriptor() -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("this platform has no /proc")

    def used() -> int:
        # What earlier tests left behind must not go in the middle of this one.
        gc.collect()
        return len(list(descriptors.iterdir()))

    car.load(FUNCTION, spaces=SPACES, tier="interpreted").close()
    before = used()
    for _ in range(5):
        program = car.load(FUNCTION, spaces=SPACES, tier="interpreted")
        with program.start(2) as one, program.start(3) as two:
            one.reset()
            two.reset()
        program.close()
    assert used() == before


def test_a_saved_failure_is_replayed_in_a_worker(
    tmp_path: Path, opened: list[RewardProgram]
) -> None:
    source = "def reward(obs):\n    values = [1, 2]\n    return values[int(obs[0])]\n"
    program = car.load(source, spaces=SPACES, tier="interpreted")
    opened.append(program)
    with program.start(2, "nan") as session:
        session.reset()
        failure = session.step(next_obs=rows(1, 7)).failure(1)
    assert failure is not None
    assert (failure.exception, failure.line) == ("IndexError", 3)
    failure.save(tmp_path / "row.json")
    again = car.load_repro(tmp_path / "row.json").replay()
    assert again.same
    assert again.failure is not None
    assert again.failure.exception == "IndexError"


def test_a_program_that_returns_no_reward_is_not_loaded() -> None:
    source = "def reward(obs):\n    return {'progress': obs[0], 'success': 0.0}\n"
    with pytest.raises(car.LoadError) as caught:
        car.load(source, spaces=SPACES)
    (found,) = caught.value.report.errors
    assert found.rule == "SBX629"
    assert found.hint == "add a key `total`, or return (total, parts)"
    assert not car.check(source, spaces=SPACES).ok
