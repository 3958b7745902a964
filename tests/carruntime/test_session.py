"""What a session keeps, pays, counts and refuses, without any real tier beneath it."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import plain_tier
import pytest
from gymnasium import spaces as gs

import carruntime as car
import sandbox.passes
from carruntime.batch import RewardBatch
from carruntime.reward import RewardProgram
from carruntime.session import RewardSession
from sandbox.outcome import Outcome

BOX = gs.Box(-10.0, 10.0, (2,), np.float64)
FOUR = gs.Discrete(4)
N = 4

Load = Callable[..., RewardProgram]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Load a program into the plain tier, in this process."""
    monkeypatch.setattr(sandbox.passes, "build", plain_tier.build, raising=False)
    opened: list[RewardProgram] = []

    def make(
        source: str, observation: Any = BOX, action: Any = FOUR, **options: Any
    ) -> RewardProgram:
        program = car.load(source, spaces=(observation, action), isolation="none", **options)
        opened.append(program)
        return program

    yield make
    for program in opened:
        program.close()


def rows(*values: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([[value, 0.0] for value in values])


FIRST = "def reward(obs):\n    return obs[0]\n"
RAISES = (
    "def reward(obs):\n"
    "    if obs[0] < 0:\n"
    "        raise ValueError('below zero')\n"
    "    return obs[0] * 1.0\n"
)
COUNTER = (
    "# components: steps\n"
    "class R:\n"
    "    def reset(self, obs):\n"
    "        if obs[0] > 9:\n"
    "            raise ValueError('cannot begin')\n"
    "        self.n = 0\n"
    "    def step(self, obs, next_obs):\n"
    "        self.n += 1\n"
    "        if next_obs[0] == -5:\n"
    "            raise RuntimeError('out of fuel')\n"
    "        if next_obs[0] == -6:\n"
    "            raise KeyError('k')\n"
    "        return next_obs[0] + self.n, {'steps': self.n}\n"
)
TASKS = (
    "def task_1(obs):\n    return obs[0] > 1\n\n"
    "def task_2(initial_obs, obs):\n    return obs[0] - initial_obs[0] > 4\n\n"
    "def task_3(obs, action):\n    return action == 3\n\n"
    "def task_4(obs):\n    return 1 / obs[1] > 0\n"
)


# One step ------------------------------------------------------------------------------------


def test_a_step_gives_one_float64_reward_per_environment(load: Load) -> None:
    with load(FIRST).start(N) as session:
        session.reset()
        batch = session.step(next_obs=rows(1, 2, 3, 4))
    assert batch.reward.dtype == np.float64
    assert batch.reward.tolist() == [1, 2, 3, 4]
    assert batch.outcome.tolist() == [Outcome.OK] * N
    assert batch.ok
    assert batch.tier.tolist() == ["interpreted"] * N
    assert batch.tasks.shape == (N, 0)


def test_what_the_program_does_not_read_may_be_left_out_or_be_anything(load: Load) -> None:
    with load(FIRST).start(N) as session:
        session.reset("not looked at")
        batch = session.step(obs=object(), action="nonsense", next_obs=rows(1, 2, 3, 4))
    assert batch.reward.tolist() == [1, 2, 3, 4]


def test_the_arrays_of_a_batch_belong_to_the_caller(load: Load) -> None:
    with load("# components: c\ndef reward(obs):\n    return obs[0], {'c': obs[0]}\n").start(
        N
    ) as s:
        s.reset()
        one = s.step(next_obs=rows(1, 2, 3, 4))
        one.reward[:] = 99
        two = s.step(next_obs=rows(5, 6, 7, 8))
    assert one.reward.tolist() == [99] * N
    assert one.components["c"].tolist() == [1, 2, 3, 4]
    assert two.reward.tolist() == [5, 6, 7, 8]


def test_one_environment_may_give_bare_values(load: Load) -> None:
    program = load(
        "def reward(obs, action, next_obs, terminated):\n    return next_obs[0] + action\n"
    )
    with program.start(1) as session:
        session.reset()
        batch = session.step(rows(0)[0], 2, rows(3)[0], False)
    assert batch.reward.tolist() == [5.0]


def test_an_absent_component_is_zero_and_not_present(load: Load) -> None:
    source = (
        "# components: always rare\n"
        "def reward(obs):\n"
        "    if obs[0] > 2:\n"
        "        return 1.0, {'always': 1.0, 'rare': 7.0}\n"
        "    return 1.0, {'always': 1.0}\n"
    )
    with load(source).start(N) as session:
        session.reset()
        batch = session.step(next_obs=rows(1, 2, 3, 4))
    assert batch.components["rare"].tolist() == [0, 0, 7, 7]
    assert batch.present["rare"].tolist() == [False, False, True, True]
    assert batch.present["always"].all()


# Masks, episodes, time -----------------------------------------------------------------------


def test_a_masked_row_is_skipped_and_pays_nothing(load: Load) -> None:
    with load(RAISES).start(N) as session:
        session.reset()
        session.step(next_obs=rows(9, 9, 9, 9))
        batch = session.step(next_obs=rows(1, -1, 3, 4), mask=np.array([True, False, True, False]))
    assert batch.reward.tolist() == [1, 0, 3, 0]
    assert batch.outcome.tolist() == [0, Outcome.SKIPPED, 0, Outcome.SKIPPED]
    assert batch.tier.tolist() == ["interpreted", "", "interpreted", ""]
    assert batch.ok
    assert batch.failure(1) is None


def test_a_mask_of_nothing_runs_nothing(load: Load) -> None:
    with load(FIRST).start(N) as session:
        session.reset()
        batch = session.step(mask=np.zeros(N, bool))
    assert batch.outcome.tolist() == [Outcome.SKIPPED] * N


def test_t_counts_the_transitions_since_reset_from_zero(load: Load) -> None:
    with load("def reward(obs, t):\n    return t\n").start(N) as session:
        session.reset()
        assert session.step(next_obs=rows(*[0] * N)).reward.tolist() == [0] * N
        some = np.array([True, False, False, True])
        assert session.step(next_obs=rows(*[0] * N), mask=some).reward.tolist() == [1, 0, 0, 1]
        session.reset(mask=np.array([True, False, False, False]))
        assert session.step(next_obs=rows(*[0] * N)).reward.tolist() == [0, 1, 1, 2]
        assert session.t.tolist() == [1, 2, 2, 3]


def test_the_first_observation_is_kept_for_the_episode(load: Load) -> None:
    program = load("def reward(initial_obs, obs):\n    return obs[0] - initial_obs[0]\n")
    with program.start(2) as session:
        first = rows(1, 2)
        session.reset(first)
        first[:] = 50.0
        assert session.step(next_obs=rows(5, 5)).reward.tolist() == [4, 3]
        session.reset(rows(9, 4), mask=np.array([False, True]))
        assert session.step(next_obs=rows(5, 5)).reward.tolist() == [4, 1]


def test_a_step_before_the_first_reset_names_the_environments(load: Load) -> None:
    with load(FIRST).start(N) as session:
        session.reset(mask=np.array([True, True, False, False]))
        with pytest.raises(car.ResetNeededError, match="env 2, 3") as caught:
            session.step(next_obs=rows(1, 2, 3, 4))
        assert caught.value.envs == (2, 3)
        only = np.array([True, True, False, False])
        assert session.step(next_obs=rows(1, 2, 3, 4), mask=only).reward.tolist() == [1, 2, 0, 0]


# Wrong use -----------------------------------------------------------------------------------


def test_wrong_inputs_are_named_at_once_and_nothing_runs(load: Load) -> None:
    program = load(
        "def reward(obs, action, next_obs, t):\n"
        "    return t + 0 * (obs[0] + action + next_obs[0])\n"
    )
    with program.start(N) as session:
        session.reset()
        with pytest.raises(car.ShapeError) as caught:
            session.step(rows(1, 2), np.zeros(N), rows(*[0] * N), mask=np.ones(3, bool))
        assert str(caught.value) == (
            "RewardSession.step:\n"
            "  - mask: bool (3,); want bool (4,), one entry per environment\n"
            "  - obs: float64 (2, 2); want float64 (4, 2)\n"
            "  - action: float64 (4,); want int64 (4,), as the space says; nothing is cast "
            "silently: pass action.astype(np.int64) or mend the environment "
            "(gymnasium.wrappers.DtypeObservation does it for observations)"
        )
        again = session.step(rows(*[0] * N), np.zeros(N, int), rows(*[0] * N))
        assert again.reward.tolist() == [0] * N


def test_what_a_program_names_and_never_reads_may_be_left_out(load: Load) -> None:
    source = "def reward(obs, action, next_obs):\n    return next_obs[0]\n"
    with load(source).start(2) as session:
        session.reset()
        assert session.step(next_obs=rows(3, 4)).reward.tolist() == [3.0, 4.0]


def test_an_input_that_is_read_and_missing_is_named(load: Load) -> None:
    with load("def reward(obs, next_obs):\n    return next_obs[0] - obs[0]\n").start(N) as session:
        session.reset()
        with pytest.raises(car.ShapeError, match="next_obs: not given; the program reads it"):
            session.step(rows(1, 2, 3, 4))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "def reward(obs, action):\n    return obs[0] * action\n",
            (
                r"next_obs: not given; the program's parameter `obs` is bound to it "
                r"\(the observation after the action, since it takes no next_obs\)$"
            ),
        ),
        (
            "def reward(x):\n    return x[0] * 1.0\n",
            (
                r"next_obs: not given; the program's parameter `x` is bound to it "
                r"\(the observation after the action\)$"
            ),
        ),
    ],
)
def test_a_missing_observation_is_named_with_the_parameter_that_is_bound_to_it(
    load: Load, source: str, message: str
) -> None:
    bindings = {"x": "next_obs"} if "(x)" in source else None
    with load(source, bindings=bindings).start(N) as session:
        session.reset()
        with pytest.raises(car.ShapeError, match=message):
            session.step(rows(1, 2, 3, 4), np.zeros(N, int))


def test_a_session_says_that_it_cannot_be_pickled_and_what_can(load: Load) -> None:
    with load(FIRST).start(N) as session, pytest.raises(TypeError, match="send the RewardProgram"):
        pickle.dumps(session)


def test_a_missing_first_observation_is_named(load: Load) -> None:
    with (
        load("def reward(initial_obs, obs):\n    return obs[0] - initial_obs[0]\n").start(
            N
        ) as session,
        pytest.raises(car.ShapeError, match=r"RewardSession.reset: obs: not given"),
    ):
        session.reset()


def test_a_missing_first_observation_of_tasks_is_named_as_the_argument_it_is(load: Load) -> None:
    with (
        load(TASKS).start(N) as session,
        pytest.raises(
            car.ShapeError,
            match=r"^RewardSession.reset: obs: not given; the program reads the first observation",
        ),
    ):
        session.reset()
    source = "def task_1(obs):\n    return obs[0] > 0\n"
    with (
        load(source).start(N) as session,
        pytest.raises(car.ShapeError, match=r"^RewardSession.reset: obs: float64 \(2, 2\)"),
    ):
        session.reset(rows(1, 2))


def test_the_number_of_environments_may_be_a_numpy_integer(load: Load) -> None:
    with load(FIRST).start(np.int64(3)) as session:  # type: ignore[arg-type]
        assert session.num_envs == 3


def test_declared_extras_are_handed_in_by_name(load: Load) -> None:
    extra = {"battery": gs.Box(0, 1, (), np.float32)}
    with load("def reward(obs, battery):\n    return battery\n", extra=extra).start(2) as session:
        session.reset()
        values = np.array([0.5, 0.25], np.float32)
        batch = session.step(next_obs=rows(0, 0), extra={"battery": values, "unused": 3})
        assert batch.reward.tolist() == [0.5, 0.25]
        with pytest.raises(car.ShapeError, match=r"extra\['battery'\]: not given"):
            session.step(next_obs=rows(0, 0))


def test_a_closed_session_says_so_and_can_be_closed_again(load: Load) -> None:
    session = load(FIRST).start(1)
    session.close()
    session.close()
    assert session.closed
    for call in (session.reset, session.step):
        with pytest.raises(car.SessionClosedError, match="start a new one"):
            call()


@pytest.mark.parametrize("on_error", ["ignore", math.nan, math.inf, True, None])
def test_an_unknown_on_error_is_refused(load: Load, on_error: Any) -> None:
    with pytest.raises(car.OptionError, match="on_error"):
        load(FIRST).start(1, on_error)


@pytest.mark.parametrize("num_envs", [0, -1, 1.5, True])
def test_a_number_of_environments_that_is_none_is_refused(load: Load, num_envs: Any) -> None:
    with pytest.raises(car.OptionError, match="num_envs"):
        load(FIRST).start(num_envs)


# Rows that end badly -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_error", "value"), [("nan", math.nan), ("zero", 0.0), (-7, -7.0), (-2.5, -2.5)]
)
def test_on_error_says_what_a_bad_row_pays(load: Load, on_error: Any, value: float) -> None:
    with load(RAISES).start(N, on_error) as session:
        session.reset()
        batch = session.step(next_obs=rows(1, -1, 3, 4))
    assert np.array_equal(batch.reward, [1, value, 3, 4], equal_nan=True)
    assert batch.outcome.tolist() == [0, Outcome.ERROR, 0, 0]


def test_last_repeats_the_reward_before_and_begins_with_zero(load: Load) -> None:
    with load(RAISES).start(2, "last") as session:
        session.reset()
        assert session.step(next_obs=rows(-1, 2)).reward.tolist() == [0, 2]
        assert session.step(next_obs=rows(7, -1)).reward.tolist() == [7, 2]
        assert session.step(next_obs=rows(-1, -1)).reward.tolist() == [7, 2]
        session.reset(mask=np.array([True, False]))
        assert session.step(next_obs=rows(-1, -1)).reward.tolist() == [0, 2]


def test_raising_holds_the_whole_batch_and_leaves_the_session_usable(load: Load) -> None:
    with load(RAISES).start(N) as session:
        session.reset()
        with pytest.raises(car.RewardError) as caught:
            session.step(next_obs=rows(1, -1, 3, -1))
        assert caught.value.rows == (1, 3)
        batch = caught.value.batch
        assert np.array_equal(batch.reward, [1, math.nan, 3, math.nan], equal_nan=True)
        assert session.t.tolist() == [1] * N
        assert session.step(next_obs=rows(1, 2, 3, 4)).ok
        assert session.outcomes == {Outcome.OK: 6, Outcome.ERROR: 2}
        text = str(caught.value)
    assert text.startswith("2 of 4 rows ended badly; the first is row 1:\n<program>:3:1: ERROR")
    assert "ValueError: below zero (row 1)" in text
    assert "raise ValueError('below zero')" in text
    assert 'on_error="nan", "zero", "last" or a number' in text


def test_a_reward_error_can_be_pickled(load: Load) -> None:
    with load(RAISES).start(2) as session:
        session.reset()
        with pytest.raises(car.RewardError) as caught:
            session.step(next_obs=rows(1, -1))
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert str(copy) == str(caught.value)
    assert copy.batch.outcome.tolist() == [0, 1]


def test_components_of_a_bad_row_are_nan(load: Load) -> None:
    source = "# components: c\ndef reward(obs):\n    return obs[0], {'c': 1 / obs[1]}\n"
    with load(source).start(2, "zero") as session:
        session.reset()
        batch = session.step(next_obs=np.array([[1.0, 0.0], [2.0, 4.0]]))
    assert batch.outcome.tolist() == [Outcome.NOT_FINITE, 0]
    assert batch.reward.tolist() == [0, 2]
    assert np.array_equal(batch.components["c"], [math.nan, 0.25], equal_nan=True)


def test_a_failure_tells_exception_message_and_line(load: Load) -> None:
    with load(RAISES).start(2, "nan") as session:
        session.reset()
        batch = session.step(next_obs=rows(1, -1))
    assert batch.failure(0) is None
    failure = batch.failure(1)
    assert failure is not None
    assert (failure.exception, failure.module, failure.message, failure.line) == (
        "ValueError",
        "builtins",
        "below zero",
        3,
    )
    assert failure.outcome is Outcome.ERROR
    assert batch.failure(-1) == failure
    with pytest.raises(IndexError):
        batch.failure(2)


def test_every_bad_row_has_its_own_failure_and_the_first_few_can_be_saved(
    load: Load, tmp_path: Path
) -> None:
    source = "def reward(obs):\n    return {}[int(obs[0])]\n"
    with load(source).start(100, "zero", keep_failed=3) as session:
        session.reset()
        batch = session.step(next_obs=rows(*range(100)))
    assert batch.bad_rows.tolist() == list(range(100))
    for row in (0, 2, 50, 99):
        failure = batch.failure(row)
        assert failure is not None
        assert failure.message == str(row)
        if row < 3:
            failure.save(tmp_path / "row.json")
        else:
            with pytest.raises(car.ReproductionError):
                failure.save(tmp_path / "row.json")


def test_an_outcome_without_an_exception_still_says_what_to_do(load: Load) -> None:
    with load("def reward(obs):\n    raise RuntimeError('out of fuel')\n").start(
        1, "nan"
    ) as session:
        session.reset()
        failure = session.step(next_obs=rows(1)).failure(0)
    assert failure is not None
    assert "OUT_OF_FUEL the row used more than its fuel (row 0)" in failure.render()
    assert "raise limits.fuel" in failure.render()


def test_rewards_outside_the_declared_range_are_counted_and_paid(load: Load) -> None:
    with load(FIRST, reward_range=(0, 2)).start(N) as session:
        session.reset()
        batch = session.step(next_obs=rows(-1, 1, 2, 3))
        assert batch.reward.tolist() == [-1, 1, 2, 3]
        assert session.outside_range == 2


# Classes -------------------------------------------------------------------------------------


def test_a_class_keeps_its_state_per_environment_until_reset(load: Load) -> None:
    with load(COUNTER).start(2) as session:
        session.reset(rows(0, 0))
        session.step(rows(0, 0), None, rows(0, 0))
        session.step(rows(0, 0), None, rows(0, 0), mask=np.array([True, False]))
        session.reset(rows(0, 0), mask=np.array([False, True]))
        batch = session.step(rows(0, 0), None, rows(0, 0))
    assert batch.components["steps"].tolist() == [3, 1]


def test_a_reset_that_fails_is_reported_by_every_row_of_the_episode(load: Load) -> None:
    with load(COUNTER).start(2, "nan") as session:
        session.reset(rows(0, 10))
        for _ in range(2):
            batch = session.step(rows(0, 0), None, rows(0, 0))
            assert batch.outcome.tolist() == [0, Outcome.ERROR]
            failure = batch.failure(1)
            assert failure is not None
            assert failure.message == "cannot begin"
            assert math.isnan(batch.reward[1])
        session.reset(rows(10, 0), mask=np.array([False, True]))
        assert session.step(rows(0, 0), None, rows(0, 0)).ok


def test_after_an_exception_the_state_stays_as_the_raise_left_it(load: Load) -> None:
    with load(COUNTER).start(1, "nan") as session:
        session.reset(rows(0))
        assert session.step(rows(0), None, rows(-6)).outcome.tolist() == [Outcome.ERROR]
        assert session.step(rows(0), None, rows(0)).components["steps"].tolist() == [2]


def test_after_out_of_fuel_the_state_is_lost_until_reset(load: Load) -> None:
    with load(COUNTER).start(2, "zero") as session:
        session.reset(rows(0, 0))
        first = session.step(rows(0, 0), None, rows(-5, 0))
        assert first.outcome.tolist() == [Outcome.OUT_OF_FUEL, 0]
        second = session.step(rows(0, 0), None, rows(0, 0))
        assert second.outcome.tolist() == [Outcome.STATE_LOST, 0]
        assert second.tier.tolist() == ["", "interpreted"]
        lost = second.failure(0)
        assert lost is not None
        assert "try: reset the environment (session.reset(mask=...))" in lost.render()
        session.reset(rows(0, 0), mask=np.array([True, False]))
        third = session.step(rows(0, 0), None, rows(0, 0))
        assert third.components["steps"].tolist() == [1, 3]


def test_a_function_has_no_state_to_lose(load: Load) -> None:
    source = "def reward(obs):\n    if obs[0] < 0:\n        raise RuntimeError('out of memory')\n    return 1.0\n"
    with load(source).start(1, "zero") as session:
        session.reset()
        assert session.step(next_obs=rows(-1)).outcome.tolist() == [Outcome.OUT_OF_MEMORY]
        assert session.step(next_obs=rows(1)).ok


# Tasks ---------------------------------------------------------------------------------------


def tasks_batch(*values: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([[value, 1.0] for value in values])


def test_tasks_alone_pay_their_share_once_and_latch(load: Load) -> None:
    with load(TASKS).start(1) as session:
        session.reset(tasks_batch(0))
        none = np.zeros(1, int)
        one = session.step(action=none, next_obs=tasks_batch(2))
        assert one.reward.tolist() == [0.25]
        assert one.tasks.tolist() == [[True, False, False, True]]
        two = session.step(action=none, next_obs=tasks_batch(0))
        assert two.reward.tolist() == [0.0]
        assert two.tasks.tolist() == [[False, False, False, True]]
        assert two.completed.tolist() == [[True, False, False, True]]
        three = session.step(action=np.array([3]), next_obs=tasks_batch(5))
        assert three.newly_completed.tolist() == [[False, True, True, False]]
        assert three.reward.tolist() == [0.5]
        assert three.completed.all()


def test_what_holds_at_reset_is_completed_and_never_paid(load: Load) -> None:
    with load(TASKS).start(2) as session:
        session.reset(tasks_batch(0, 3))
        assert session.completed.tolist() == [
            [False, False, False, True],
            [True, False, False, True],
        ]
        batch = session.step(action=np.zeros(2, int), next_obs=tasks_batch(3, 3))
        assert batch.reward.tolist() == [0.25, 0.0]


def test_a_predicate_that_reads_the_action_does_not_run_at_reset(load: Load) -> None:
    with load(TASKS).start(1) as session:
        session.reset(tasks_batch(0))
        session.step(action=np.array([3]), next_obs=tasks_batch(0))
        session.reset(tasks_batch(0))
        assert not session.completed[0, 2]
        assert session.task_outcomes["task_3"] == {Outcome.OK: 1, Outcome.SKIPPED: 2}


def test_a_reset_forgets_what_was_completed_in_its_environments_only(load: Load) -> None:
    with load(TASKS).start(2) as session:
        session.reset(tasks_batch(0, 0))
        session.step(action=np.zeros(2, int), next_obs=tasks_batch(3, 3))
        session.reset(tasks_batch(0, 0), mask=np.array([True, False]))
        assert session.completed[:, 0].tolist() == [False, True]


def test_a_predicate_that_fails_later_stays_completed(load: Load) -> None:
    source = (
        "def task_1(obs):\n"
        "    if obs[0] > 5:\n"
        "        raise ValueError('too far')\n"
        "    return obs[0] > 1\n"
    )
    with load(source).start(1, "nan") as session:
        session.reset(rows(0))
        assert session.step(next_obs=rows(2)).reward.tolist() == [1.0]
        batch = session.step(next_obs=rows(6))
        assert batch.task_outcome.tolist() == [[Outcome.ERROR]]
        assert batch.tasks.tolist() == [[False]]
        assert batch.completed.tolist() == [[True]]


def test_a_failing_predicate_is_the_rows_outcome_where_tasks_alone_pay(load: Load) -> None:
    source = (
        "def task_1(obs):\n    return obs[0] > 1\n\n"
        "def task_2(obs):\n    if obs[0] > 1:\n        raise KeyError('gone')\n    return False\n"
    )
    with load(source).start(1, "zero") as session:
        session.reset(rows(0))
        batch = session.step(next_obs=rows(2))
        assert batch.outcome.tolist() == [Outcome.ERROR]
        assert batch.task_outcome.tolist() == [[0, Outcome.ERROR]]
        assert batch.completed.tolist() == [[True, False]]
        assert batch.reward.tolist() == [0.0]
        assert batch.failure(0, 0) is None
        failure = batch.failure(0, "task_2")
        assert failure is not None
        assert failure == batch.failure(0, 1)
        assert failure.task == "task_2"
        row = batch.failure(0)
        assert row is not None
        assert row.exception == "KeyError"
        with pytest.raises(car.OptionError, match="tasks are task_1, task_2"):
            batch.failure(0, "task_9")


def test_beside_a_reward_a_failing_predicate_is_counted_and_does_not_stop_the_pay(
    load: Load,
) -> None:
    source = (
        "def task_1(obs):\n    return obs[0] > 0\n\n"
        "def task_2(obs):\n    raise ValueError('no')\n\n"
        "def reward(obs):\n    return obs[0]\n"
    )
    with load(source).start(1) as session:
        session.reset(rows(-1))
        batch = session.step(next_obs=rows(2))
        assert batch.reward.tolist() == [2.0]
        assert batch.outcome.tolist() == [Outcome.OK]
        assert batch.task_outcome.tolist() == [[0, Outcome.ERROR]]
        assert not batch.ok
        assert batch.completed.tolist() == [[True, False]]
        assert session.task_outcomes["task_2"] == {Outcome.ERROR: 2}
        failure = batch.failure(0, 1)
        assert failure is not None
        assert failure.message == "no"


def test_skipped_rows_neither_complete_nor_pay(load: Load) -> None:
    with load(TASKS).start(2) as session:
        session.reset(tasks_batch(0, 0))
        some = np.array([True, False])
        batch = session.step(action=np.zeros(2, int), next_obs=tasks_batch(3, 3), mask=some)
        assert batch.completed[:, 0].tolist() == [True, False]
        assert batch.reward.tolist() == [0.25, 0.0]
        assert batch.task_outcome[1].tolist() == [Outcome.SKIPPED] * 4
        assert not batch.tasks[1].any()


# Evaluating a state --------------------------------------------------------------------------


def test_a_state_can_be_looked_at_without_a_transition(load: Load) -> None:
    with load(FIRST).start(2) as session:
        session.reset()
        looked = session.evaluate(rows(3, 4))
        assert looked.reward.tolist() == [3, 4]
        assert session.t.tolist() == [0, 0]
        assert not session.outcomes


@pytest.mark.parametrize(
    "source", [COUNTER, "def reward(obs, action):\n    return obs[0] * action\n"]
)
def test_only_a_function_of_the_state_can_be_looked_at(load: Load, source: str) -> None:
    with load(source).start(2) as session:
        session.reset(rows(0, 0))
        with pytest.raises(car.OptionError, match="only a function of next_obs"):
            session.evaluate(rows(3, 4))


# Programs ------------------------------------------------------------------------------------


def test_one_program_serves_several_sessions_at_once(load: Load) -> None:
    program = load(COUNTER)
    with program.start(1) as one, program.start(2) as two:
        one.reset(rows(0))
        two.reset(rows(0, 0))
        one.step(rows(0), None, rows(0))
        assert two.step(rows(0, 0), None, rows(0, 0)).components["steps"].tolist() == [1, 1]
        assert one.step(rows(0), None, rows(0)).components["steps"].tolist() == [2]


def test_a_program_can_be_pickled_and_started_elsewhere(load: Load) -> None:
    program = pickle.loads(pickle.dumps(load(COUNTER)))  # noqa: S301 - our own bytes
    assert program.component_names == ("steps",)
    with program.start(1) as session:
        session.reset(rows(0))
        assert session.step(rows(0), None, rows(4)).reward.tolist() == [5.0]


def test_the_report_tells_entry_form_binding_and_tier(load: Load) -> None:
    facts = load(COUNTER).report.facts
    assert facts["entry"] == "R.step"
    assert facts["form"] == "class"
    assert "next_obs = the observation after the action" in facts["binding"]
    assert facts["tier"] == "interpreted"
    assert facts["tier_reason"] == "CMP000 a tier for tests"
    assert facts["components"] == "steps"


# Going on elsewhere --------------------------------------------------------------------------

MEMORY = """# components: n
class R:
    def reset(self, obs):
        if obs["x"][0] > 9:
            raise ValueError("cannot begin")
        self.total = obs["x"][0]
        self.words = obs["say"]
        self.n = 0

    def step(self, obs, next_obs):
        self.n += 1
        if next_obs["x"][0] > 3:
            raise RuntimeError("out of fuel")
        self.total += next_obs["x"][0]
        self.words += next_obs["say"]
        return self.total + 100 * len(self.words), {"n": self.n}
"""
LATCH = (
    "def task_1(obs):\n    return bool(obs['x'][0] > 1)\n\n"
    "def task_2(initial_obs, obs):\n    return bool(obs['x'][0] > initial_obs['x'][0] + 2)\n\n"
    "def reward(initial_obs, obs, t):\n"
    "    return 100 * t + len(initial_obs['say']) + obs['x'][0]\n"
)


@pytest.mark.parametrize("source", [MEMORY, LATCH], ids=["class", "function"])
@pytest.mark.parametrize("cut", [0, 1, 7, 15])
def test_a_session_goes_on_in_another_one_as_if_nothing_had_happened(
    load: Load, source: str, cut: int
) -> None:
    space = gs.Dict({"x": BOX, "say": gs.Text(5, min_length=0)})
    rng = np.random.default_rng(cut)
    program = load(source, space)

    def look() -> dict[str, Any]:
        say = tuple("abc"[: int(n)] for n in rng.integers(0, 4, N))
        return {"x": rng.normal(0, 2, (N, 2)), "say": say}

    moves = [(look(), look(), rng.random(N) < 0.2, rng.random(N) < 0.8) for _ in range(20)]
    moves[3][0]["x"][1, 0] = 9.5
    moves[3][2][1] = True

    def run(session: RewardSession, part: list[Any]) -> list[RewardBatch]:
        found = []
        for first, after, begins, steps in part:
            session.reset(first, mask=begins)
            found.append(session.step(first, None, after, mask=steps))
        return found

    start = look()
    with program.start(N, "last", record_episodes=True) as whole:
        whole.reset(start)
        want = run(whole, moves)
        counted = whole.outcomes
    with program.start(N, "last", record_episodes=True) as one:
        one.reset(start)
        run(one, moves[:cut])
        state = pickle.loads(pickle.dumps(one.state_dict()))  # noqa: S301 - our own bytes
    with program.start(N, "last", record_episodes=True) as two:
        two.reset(look())
        two.load_state_dict(state)
        got = run(two, moves[cut:])
        assert two.outcomes == counted
    for mine, other in zip(got, want[cut:], strict=True):
        assert np.array_equal(mine.reward, other.reward)
        assert np.array_equal(mine.outcome, other.outcome)
        assert np.array_equal(mine.completed, other.completed)
    assert any(set(batch.outcome.tolist()) & {1, 4, 8} for batch in want) == (source == MEMORY)


def test_a_class_that_was_not_recorded_cannot_be_continued(load: Load) -> None:
    with load(COUNTER).start(1) as session:
        with pytest.raises(car.OptionError, match="record_episodes=True"):
            session.state_dict()
        with pytest.raises(car.OptionError, match="record_episodes=True"):
            session.load_state_dict({})


def test_the_state_of_another_program_is_refused(load: Load) -> None:
    with load(FIRST).start(1) as one, load(RAISES).start(2) as two:
        with pytest.raises(car.OptionError, match="num_envs 1 is not 2") as caught:
            two.load_state_dict(one.state_dict())
        assert "digest" in str(caught.value)


def test_a_history_is_as_long_as_the_oldest_running_episode(load: Load) -> None:
    with load(COUNTER).start(2, record_episodes=True) as session:
        for _ in range(5):
            session.reset(rows(0, 0), mask=np.array([True, False]))
            session.step(rows(0, 0), None, rows(0, 0), mask=np.array([True, False]))
        assert len(session.state_dict()["history"]) == 2
        session.reset(rows(0, 0), mask=np.array([False, True]))
        session.step(rows(0, 0), None, rows(0, 0))
        assert len(session.state_dict()["history"]) == 4


# Reproductions -------------------------------------------------------------------------------


def fail_once(program: RewardProgram, **options: Any) -> RewardBatch:
    with program.start(2, "nan", **options) as session:
        session.reset(rows(0, 0))
        session.step(rows(0, 0), None, rows(0, 0))
        return session.step(rows(0, 0), None, rows(0, -6))


def test_a_saved_failure_is_replayed(load: Load, tmp_path: Path) -> None:
    with load(RAISES).start(2, "nan") as session:
        session.reset()
        failure = session.step(next_obs=rows(1, -3)).failure(1)
    assert failure is not None
    failure.save(tmp_path / "row.json")
    found = car.load_repro(tmp_path / "row.json")
    assert found.source == RAISES
    assert found.complete
    again = found.replay(isolation="none")
    assert again.same
    assert again.outcome is Outcome.ERROR
    assert again.failure is not None
    assert again.failure.message == "below zero"


def test_a_recorded_episode_is_saved_whole(load: Load, tmp_path: Path) -> None:
    failure = fail_once(load(COUNTER), record_episodes=True).failure(1)
    assert failure is not None
    failure.save(tmp_path / "row.json")
    found = car.load_repro(tmp_path / "row.json")
    assert found.complete
    assert [call.call for call in found.calls] == ["reset", "step", "step"]
    assert found.replay(isolation="none").same


def test_an_episode_that_was_not_recorded_is_marked_incomplete(load: Load, tmp_path: Path) -> None:
    failure = fail_once(load(COUNTER)).failure(1)
    assert failure is not None
    failure.save(tmp_path / "row.json")
    assert not car.load_repro(tmp_path / "row.json").complete


def test_inputs_that_were_not_kept_cannot_be_saved(load: Load, tmp_path: Path) -> None:
    failure = fail_once(load(COUNTER), keep_failed=0).failure(1)
    assert failure is not None
    with pytest.raises(car.ReproductionError, match="keep_failed="):
        failure.save(tmp_path / "row.json")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "carruntime-reproduction", "version": 1}', "\x00"]
)
def test_a_file_that_is_no_reproduction_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(car.ReproductionError):
        car.load_repro(tmp_path / "x.json")


def test_a_reproduction_of_a_later_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"format": "carruntime-reproduction", "version": 2}')
    with pytest.raises(car.ReproductionError, match="reads version 1"):
        car.load_repro(tmp_path / "x.json")


def test_a_state_that_is_none_is_refused_and_nothing_changes(load: Load) -> None:
    with load("def reward(next_obs):\n    return 1.0\n").start(2) as session:
        session.reset(rows(0, 0))
        session.step(rows(0, 0), None, rows(0, 0))
        state = session.state_dict()
        wrong: Any
        for wrong in (None, [], "state"):
            with pytest.raises(car.OptionError, match="want what state_dict"):
                session.load_state_dict(wrong)
        del state["counts"], state["t"]
        with pytest.raises(car.OptionError, match="counts, t missing"):
            session.load_state_dict(state)
        assert session.t.tolist() == [1, 1]


def test_a_row_that_is_not_there_is_named_with_the_rows_there_are(load: Load) -> None:
    with load("def reward(next_obs):\n    return 1.0\n").start(2) as session:
        session.reset(rows(0, 0))
        batch = session.step(rows(0, 0), None, rows(0, 0))
        with pytest.raises(IndexError, match="row=9: the batch has rows 0 to 1"):
            batch.failure(9)
        with pytest.raises(IndexError, match="task=0: the program has no tasks"):
            batch.failure(0, 0)
