"""Several programs on one batch: each gives what it gives alone, and none disturbs another."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import carruntime as car

SPACES = (gym.spaces.Box(-9.0, 9.0, (3,), np.float64), gym.spaces.Discrete(4))
FIRST = "def reward(next_obs):\n    return next_obs[0]\n"
DIVIDES = "def reward(next_obs):\n    return 1 / int(next_obs[1])\n"
COUNTS = """\
class Count:
    def __init__(self):
        self.n = 0

    def step(self, obs):
        self.n += 1
        return self.n
"""
BATCH = np.array([[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [3.0, 2.0, 0.0]])


def loaded(*sources: str) -> car.ProgramSet:
    """Load programs into workers of their own, named a, b, c."""
    programs = [car.load(source, spaces=SPACES) for source in sources]
    return car.ProgramSet(dict(zip("abc", programs, strict=False)))


def test_each_program_gives_what_it_gives_alone() -> None:
    """Over steps and a partial reset, state included."""
    with loaded(FIRST, DIVIDES, COUNTS) as programs, programs.start(num_envs=3) as session:
        session.reset()
        session.step(next_obs=BATCH)
        session.reset(mask=np.array([True, False, False]))
        batches = session.step(next_obs=BATCH)
        assert list(batches) == ["a", "b", "c"]
        assert batches["a"].reward.tolist() == [1.0, 2.0, 3.0]
        assert batches["c"].reward.tolist() == [1.0, 2.0, 2.0]
        np.testing.assert_array_equal(batches["b"].reward, [np.nan, 1.0, 0.5])
        failure = batches["b"].failure(0)
        assert failure is not None
        assert failure.exception == "ZeroDivisionError"


def test_programs_do_not_share_a_worker() -> None:
    """One that is killed for taking too long takes nobody with it: the other counts on."""
    endless = "def reward(next_obs):\n    while next_obs[0] > 0:\n        pass\n    return 1\n"
    limits = car.Limits(fuel=10**12, wall_s=0.2)
    slow = car.load(endless, spaces=SPACES, tier="interpreted", limits=limits)
    count = car.load(COUNTS, spaces=SPACES)
    with (
        car.ProgramSet({"slow": slow, "count": count}) as programs,
        programs.start(num_envs=1) as session,
    ):
        session.reset()
        for turn in (1.0, 2.0):
            batches = session.step(next_obs=BATCH[:1])
            assert batches["slow"].outcome.tolist() == [car.Outcome.TIMED_OUT]
            assert batches["count"].reward.tolist() == [turn]


def test_a_bad_row_is_raised_after_all_have_taken_the_step() -> None:
    """With ``on_error="raise"`` the sessions stay usable and in step."""
    with loaded(DIVIDES, COUNTS) as programs, programs.start(3, on_error="raise") as session:
        session.reset()
        with pytest.raises(car.RewardError):
            session.step(next_obs=BATCH)
        batches = session.step(next_obs=BATCH + 1)
        assert batches["b"].reward.tolist() == [2.0, 2.0, 2.0]


def test_a_wrong_shape_leaves_no_step_under_way() -> None:
    """The next step works in every program."""
    with loaded(FIRST, COUNTS) as programs, programs.start(num_envs=3) as session:
        session.reset()
        with pytest.raises(car.ShapeError):
            session.step(next_obs=BATCH[:, :2])
        assert session.step(next_obs=BATCH)["a"].reward.tolist() == [1.0, 2.0, 3.0]


def test_a_set_needs_programs_and_each_once() -> None:
    """Both mistakes say what to do."""
    with pytest.raises(car.OptionError, match="at least one"):
        car.ProgramSet([])
    program = car.load(FIRST, spaces=SPACES, isolation="none")
    with pytest.raises(car.OptionError, match="load it twice"):
        car.ProgramSet([program, program])
    program.close()


def test_what_is_no_program_is_refused_before_anything_starts() -> None:
    program = car.load(FIRST, spaces=SPACES, isolation="none")
    wrong = (
        (program, "a RewardProgram is given; want a dict"),
        (FIRST, "a str is given; want a dict"),
        ([program, FIRST], "'1' is a str; want what carruntime.load gave"),
        ({"a": program, "b": None}, "'b' is a NoneType"),
        ({1: program}, "the name 1 is no str"),
    )
    for given, told in wrong:
        with pytest.raises(car.OptionError, match=told):
            car.ProgramSet(given)  # type: ignore[arg-type]


def test_programs_for_different_spaces_are_refused_and_both_are_named() -> None:
    one = car.load(FIRST, spaces=SPACES, isolation="none")
    spaces = (gym.spaces.Box(-9.0, 9.0, (4,), np.float64), gym.spaces.Discrete(4))
    other = car.load(FIRST, spaces=spaces, isolation="none")
    with pytest.raises(car.OptionError, match=r"'near' and 'far' .*\(3,\), there is .*\(4,\)"):
        car.ProgramSet({"near": one, "far": other})
    bounds = (gym.spaces.Box(-1.0, 1.0, (3,), np.float64), gym.spaces.Discrete(4))
    car.ProgramSet([one, car.load(FIRST, spaces=bounds, isolation="none")]).close()
    other.close()


def test_a_set_and_its_session_say_what_is_in_them() -> None:
    program = car.load(FIRST, spaces=SPACES, isolation="none")
    with car.ProgramSet({"near": program}) as programs, programs.start(2) as session:
        assert repr(programs) == "ProgramSet(near)"
        assert repr(session) == (
            "ProgramSetSession(near: RewardSession(<program>, 2 envs, 0 steps))"
        )
