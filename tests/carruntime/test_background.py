"""``background=True``: rows are served at once, and move to the compiled tier at their own reset."""

from __future__ import annotations

import pickle
from typing import Any, Literal

import numpy as np
import pytest
from gymnasium import spaces

import carruntime as car
from carruntime.background import MovingGuest

PAIR: tuple[spaces.Space[Any], spaces.Space[Any]] = (
    spaces.Box(-1.0, 1.0, (3,), np.float64),
    spaces.Discrete(3),
)
FUNCTION = """
def reward(obs, action, next_obs):
    if next_obs[0] > 0.9:
        raise ValueError("too far")
    parts = {"near": -abs(float(next_obs[1])), "act": 0.1 * action}
    return sum(parts.values()), parts
"""
CLASS = """
class Best:
    def __init__(self):
        self.best = -9.0

    def reset(self, obs):
        self.best = float(obs[0])

    def step(self, obs, action, next_obs):
        gain = max(0.0, float(next_obs[0]) - self.best)
        self.best = max(self.best, float(next_obs[0]))
        return gain
"""
REFUSED = """
import re
def reward(obs, action, next_obs):
    return float(next_obs[0]) + len(re.findall("a", "banana"))
"""
N = 6
Isolation = Literal["process", "none"]


def drawn(steps: int) -> list[tuple[Any, Any, Any]]:
    rng = np.random.default_rng(3)
    return [
        (rng.uniform(-1, 1, (N, 3)), rng.integers(0, 3, N), rng.uniform(-1, 1, (N, 3)))
        for _ in range(steps)
    ]


def ready(session: car.RewardSession) -> None:
    moving = session._moving  # what a test waits for
    assert isinstance(moving, MovingGuest)
    assert moving.wait(60)


@pytest.mark.parametrize("isolation", ["process", "none"])
@pytest.mark.parametrize("source", [FUNCTION, CLASS])
def test_each_environment_moves_at_its_own_reset(source: str, isolation: Isolation) -> None:
    plain = car.load(source, spaces=PAIR, isolation=isolation, tier="interpreted")
    program = car.load(source, spaces=PAIR, isolation=isolation, background=True)
    rows = drawn(8)
    with plain.start(N, "nan") as want, program.start(N, "nan") as session:
        want.reset(rows[0][0])
        assert program.wait(60)
        assert program.tier == "compiled"
        ready(session)
        first = np.arange(N) % 2 == 0
        # The first reset comes after the compiler is done, but only for some.
        session.reset(rows[0][0], mask=first)
        session.reset(rows[0][0], mask=~first)
        for k, row in enumerate(rows):
            a, b = want.step(*row), session.step(*row)
            np.testing.assert_array_equal(a.outcome, b.outcome)
            np.testing.assert_allclose(a.reward, b.reward, rtol=1e-12)
            for name in a.components:
                np.testing.assert_allclose(a.components[name], b.components[name], rtol=1e-12)
            for i in b.bad_rows:
                failure, other = a.failure(int(i)), b.failure(int(i))
                assert failure is not None
                assert other is not None
                assert (failure.exception, failure.message) == (other.exception, other.message)
            assert set(b.tier[b.outcome == 0]) == {"compiled"}
            if k == 4:
                want.reset(row[0], mask=first)
                session.reset(row[0], mask=first)
    program.close()
    plain.close()


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_rows_that_began_interpreted_stay_there_until_their_reset(isolation: Isolation) -> None:
    plain = car.load(CLASS, spaces=PAIR, isolation=isolation, tier="interpreted")
    program = car.load(CLASS, spaces=PAIR, isolation=isolation, background=True)
    rows = drawn(9)
    with plain.start(N) as want, program.start(N) as session:
        moving = session._moving
        assert moving is not None
        moving._waiting, held = None, moving._waiting  # not ready at the first reset
        for one in (want, session):
            one.reset(rows[0][0])
        assert moving.wait(60)
        moving._waiting = held or moving._waiting
        batch = session.step(*rows[0])
        np.testing.assert_array_equal(batch.reward, want.step(*rows[0]).reward)
        tiers = [session.tier]
        began = set(batch.tier)
        first = np.arange(N) < 2
        for one in (want, session):
            one.reset(rows[1][0], mask=first)
        batch = session.step(*rows[1])
        np.testing.assert_array_equal(batch.reward, want.step(*rows[1]).reward)
        assert set(batch.tier[first]) == {"compiled"}
        assert set(batch.tier[~first]) == began
        for one in (want, session):
            one.reset(rows[2][0], mask=~first)
        tiers.append(session.tier)
        assert tiers == ["interpreted", "compiled"]
        for row in rows[3:]:
            batch = session.step(*row)
            np.testing.assert_array_equal(batch.reward, want.step(*row).reward)
            assert set(batch.tier) == {"compiled"}
        np.testing.assert_array_equal(session.t, want.t)
    program.close()
    plain.close()


def test_a_program_that_is_not_compiled_stays_interpreted_and_says_why() -> None:
    program = car.load(REFUSED, spaces=PAIR, isolation="none", background=True)
    assert program.tier == "interpreted"
    with program.start(N) as session:
        assert program.wait(60)
        if session._moving is not None:  # it is None if the refusal came before the session
            ready(session)
        row = drawn(1)[0]
        session.reset(row[0])
        assert set(session.step(*row).tier) == {"interpreted"}
    assert program.tier == "interpreted"
    assert program.tier_reason is not None
    assert program.tier_reason.code != "CMP996"
    program.close()


def test_a_copy_is_of_the_tier_that_is_known() -> None:
    program = car.load(FUNCTION, spaces=PAIR, isolation="none", background=True)
    assert program.wait(60)
    copied = pickle.loads(pickle.dumps(program))  # noqa: S301  # our own
    row = drawn(1)[0]
    with copied.start(N, "nan") as session:
        session.reset()
        assert set(session.step(*row).tier) == {"compiled"}
    program.close()
    copied.close()


def test_a_second_session_moves_too_and_closing_early_leaves_nothing() -> None:
    program = car.load(FUNCTION, spaces=PAIR, isolation="none", background=True)
    program.start(N).close()
    assert program.wait(60)
    row = drawn(1)[0]
    for _ in range(2):
        with program.start(N, "nan") as session:
            ready(session)
            session.reset()
            assert set(session.step(*row).tier) == {"compiled"}
    program.close()


def test_background_is_only_for_a_tier_that_may_change() -> None:
    with pytest.raises(car.OptionError, match="background"):
        car.load(FUNCTION, spaces=PAIR, isolation="none", tier="compiled", background=True)
