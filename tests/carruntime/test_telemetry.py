"""Telemetry: what it counts, the quantiles, the warning, and where it can be read."""

from __future__ import annotations

import warnings
from math import isnan
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces as gs
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given
from hypothesis import strategies as st

import carruntime as car
from carruntime.telemetry import ErrorRateWarning, Telemetry
from sandbox.outcome import Outcome

SPACES = (gs.Box(-100, 100, (1,), np.float64), gs.Discrete(2))
SOURCE = """\
def reward(obs):
    value = float(obs[0])
    if value < 0:
        raise ValueError("negative")
    if value > 50:
        return value, {"high": value}
    return value, {"low": 1.0}
"""
TASKS = "def task_1(obs):\n    return obs[0] > 5.0\n"


@pytest.fixture(scope="module")
def program() -> Any:
    made = car.load(SOURCE, spaces=SPACES, tier="interpreted", isolation="none")
    yield made
    made.close()


def column(values: Any) -> Any:
    return np.array(values, np.float64)[:, None]


def test_it_counts_every_row_and_keeps_the_good_ones(program: Any) -> None:
    with program.start(4, "nan", telemetry=True) as session:
        session.reset()
        session.step(next_obs=column([1, 2, 3, 4]))
        session.step(next_obs=column([-1, 60, 70, 4]))
        session.step(next_obs=column([9, 9, 9, 9]), mask=np.array([True, False, False, False]))
        seen = session.telemetry
        assert seen.outcomes == session.outcomes
        assert seen.rows == 9
        assert seen.error_rate == pytest.approx(1 / 9)
        rewards = [1, 2, 3, 4, 60, 70, 4, 9]
        told = seen.summary()
        assert told["reward/mean"] == pytest.approx(np.mean(rewards))
        assert (
            seen.quantiles(at=(0.0, 0.5, 1.0)).tolist()
            == np.quantile(rewards, (0, 0.5, 1)).tolist()
        )
        assert seen.quantiles("high", (0.0, 1.0)).tolist() == [60.0, 70.0]
        assert told["component/high/nonzero"] == pytest.approx(2 / 8)
        assert told["outcome/ERROR"] == 1.0
        with pytest.raises(car.OptionError, match="no component 'far'"):
            seen.quantiles("far")


@given(
    st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=9), min_size=1, max_size=12),
    st.integers(1, 16),
)
def test_quantiles_are_those_of_the_last_rows(batches: list[list[int]], window: int) -> None:
    telemetry = Telemetry(window=window)
    for values in batches:
        telemetry.add(_batch(values))
    last = [value for values in batches for value in values][-window:]
    want = np.quantile(np.array(last, float), (0.05, 0.5, 0.95))
    assert telemetry.quantiles().tolist() == pytest.approx(want.tolist())
    assert telemetry.rows == sum(map(len, batches))


def _batch(values: list[Any], outcome: Outcome = Outcome.OK) -> Any:
    return SimpleNamespace(
        reward=np.array(values, float),
        outcome=np.full(len(values), outcome, np.uint8),
        components={},
        present={},
    )


def test_a_rise_of_the_error_rate_is_told_once() -> None:
    told: list[str] = []
    telemetry = Telemetry(window=100, on_rise=told.append)
    for _ in range(30):
        telemetry.add(_batch([1.0] * 100))
    assert not told
    for _ in range(4):
        telemetry.add(_batch([1.0] * 40))
        telemetry.add(_batch([0.0] * 5, Outcome.ERROR))
    assert len(told) == 1
    assert "of recent rows ended badly, and 0.00% before" in told[0]


def test_a_program_that_always_failed_as_often_does_not_rise_again() -> None:
    told: list[str] = []
    telemetry = Telemetry(window=1000, on_rise=told.append)
    for _ in range(200):
        telemetry.add(_batch([1.0] * 98))
        telemetry.add(_batch([0.0] * 2, Outcome.ERROR))
    assert len(told) == 1  # at the beginning, where nothing was known


def test_a_rise_is_a_warning_where_nobody_listens(program: Any) -> None:
    with program.start(8, "zero", telemetry=True) as session:
        session.reset()
        with pytest.warns(ErrorRateWarning, match="100.00% of recent rows ended badly"):
            session.step(next_obs=column([-1] * 8))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            session.step(next_obs=column([-1] * 8))


def test_what_raises_is_counted_too_and_nothing_twice(program: Any) -> None:
    with program.start(2, telemetry=True) as session:
        session.reset()
        with pytest.raises(car.RewardError):
            session.step(next_obs=column([1, -1]))
        session.step_async(next_obs=column([1, 2]))
        session.step_wait()
        assert session.telemetry.rows == 4
        assert session.telemetry.outcomes == session.outcomes
    with program.start(2) as session:
        assert session.telemetry is None


def test_completed_tasks_are_counted_over_episodes() -> None:
    program = car.load(TASKS, spaces=SPACES, tier="interpreted", isolation="none")
    with program.start(2, telemetry=True) as session:
        for _ in range(3):
            session.reset(column([0, 0]))
            session.step(next_obs=column([9, 0]))
            session.step(next_obs=column([9, 0]))
        assert session.telemetry is not None
        assert session.telemetry.completed == {"task_1": 3}
        assert session.telemetry.summary()["task/task_1/completed"] == 3.0
    program.close()


def test_the_wrappers_keep_it() -> None:
    source = "def reward(obs):\n    return float(obs[0])\n"
    options: dict[str, Any] = {"tier": "interpreted", "isolation": "none", "telemetry": True}
    env = car.CodeRewardWrapper(gym.make("CartPole-v1"), source, **options)
    env.reset(seed=0)
    paid = [env.step(1)[1] for _ in range(5)]
    assert env.telemetry is not None
    assert env.telemetry.summary()["reward/mean"] == pytest.approx(np.mean(paid))
    env.close()
    vector = SyncVectorEnv(
        [lambda: gym.make("CartPole-v1")] * 3, autoreset_mode=AutoresetMode.NEXT_STEP
    )
    venv = car.CodeRewardVectorWrapper(vector, source, **options)
    venv.reset(seed=0)
    skipped = 0
    for _ in range(40):
        skipped += int((venv.step(np.ones(3, int))[4]["outcome"] == Outcome.SKIPPED).sum())
    assert venv.telemetry is not None
    assert venv.telemetry.rows == 3 * 40 - skipped
    assert skipped > 0
    venv.close()


def test_nothing_seen_is_nan_and_a_wrong_window_is_refused() -> None:
    telemetry = Telemetry(("a",))
    assert isnan(telemetry.error_rate)
    assert np.isnan(telemetry.quantiles("a")).all()
    with pytest.raises(car.OptionError, match="window=0"):
        Telemetry(window=0)
