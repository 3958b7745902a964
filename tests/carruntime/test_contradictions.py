"""Checks against the simulator, skill, time and episodes that never happened."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import carruntime as car
from carruntime.failures import FAILURES
from carruntime.negatives import HELD, backwards, frozen, held
from carruntime.skill import auc, spearman
from carruntime.verdict import CHECKS, FAILURE_OF, Decision, Weight

Load = Callable[[str], car.RewardProgram]
SPACES = (gym.spaces.Box(-100.0, 100.0, (2,), np.float64), gym.spaces.Discrete(3))


def _walk(xs: list[float], seed: int, *, success: bool | None) -> car.Trajectory:
    """Make an episode over (position, 0); the fact ``far`` holds from 4 on, ``mid`` from 2 on."""
    length = len(xs) - 1
    at = np.array(xs)
    return car.Trajectory(
        observations=np.stack([at, np.zeros(length + 1)], axis=1),
        actions=np.zeros(length, np.int64),
        rewards=np.zeros(length),
        terminated=np.arange(length) == length - 1,
        truncated=np.zeros(length, bool),
        success=success,
        seed=seed,
        env_id="Walk-v0",
        facts={"far": at >= 4.0, "mid": at >= 2.0},
    )


def _set(xs: list[float], count: int, policy: str, success: bool | None) -> car.TrajectorySet:
    items = tuple(_walk(xs, seed, success=success) for seed in range(count))
    return car.TrajectorySet(trajectories=items, env_id="Walk-v0", policy=policy)


EXPERT = _set([0.0, 1.0, 2.0, 3.0, 4.0], 40, "expert", success=True)
RANDOM = _set([0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 110, "random", success=False)
# To -5 and back: what is far from the start is not what is far to the right.
LEFT = _set([0.0, -2.0, -5.0, -5.0, 0.0, 0.0], 110, "random", success=False)


@pytest.fixture
def load() -> Iterator[Load]:
    programs: list[car.RewardProgram] = []

    def load_one(source: str) -> car.RewardProgram:
        program = car.load(source, spaces=SPACES, tier="interpreted", isolation="none")
        programs.append(program)
        return program

    yield load_one
    for program in programs:
        program.close()


def _told(verdict: car.Verdict) -> dict[str, Any]:
    return {item.check: item for item in verdict.diagnoses}


TASKS = """\
def middle(next_obs):
    return next_obs[0] >= 2.0

def arrived(next_obs):
    return abs(next_obs[0]) >= 4.0

TASKS = [middle, arrived]
"""


def test_a_claim_is_held_against_the_fact_that_the_expert_shows(load: Load) -> None:
    verdict = car.verify(load(TASKS), expert=EXPERT, random=LEFT)
    assert {(row.claim, row.fact) for row in verdict.truth} == {
        ("middle", "mid"),
        ("arrived", "far"),
    }
    found = _told(verdict)["CAR228"]
    assert found.weight is Weight.REJECTS
    assert "arrived is claimed without far" in found.message
    assert "110 of 150 episodes" in found.message
    assert found.failure == "wrong_object"
    assert (found.witness.policy, found.witness.step) == ("random", 1)
    assert found.witness.saw == "observation [-2.,  0.]"
    assert found.witness.said == "true: arrived"
    assert found.witness.true == "none of far, mid"
    feedback = verdict.feedback()
    assert "What went wrong first: wrong object or encoding" in feedback
    assert "Line 4: def arrived(next_obs):" in feedback
    assert "Right on every episode, keep as it is: middle (it is mid)." in feedback


def test_a_program_that_agrees_with_the_simulator_is_accepted(load: Load) -> None:
    verdict = car.verify(
        load(TASKS.replace("abs(next_obs[0])", "next_obs[0]")), expert=EXPERT, random=LEFT
    )
    assert verdict.accepted
    rows = [row for row in verdict.truth if row.policy == "random"]
    assert [(row.claimed.count, row.true.count) for row in rows] == [(0, 0), (0, 0)]


def test_an_event_that_is_missed_elsewhere_rejects(load: Load) -> None:
    """The expert comes slowly; whoever jumps over the middle is not seen to have been there."""
    jump = _set([0.0, 5.0, 0.0], 110, "random", success=False)
    source = "def there(next_obs):\n    return 4.0 <= next_obs[0] < 4.5\n\nTASKS = [there]\n"
    verdict = car.verify(load(source), expert=EXPERT, random=jump)
    assert _told(verdict)["CAR229"].weight is Weight.REJECTS
    assert "there misses far" in _told(verdict)["CAR229"].message


def test_what_is_stated_goes_before_what_is_seen(load: Load) -> None:
    program = load("def late(next_obs):\n    return next_obs[0] >= 3.0\n\nTASKS = [late]\n")
    assert car.verify(program, expert=EXPERT, random=RANDOM).truth == ()
    verdict = car.verify(
        program, expert=EXPERT, random=RANDOM, truth={"late": "far", "complete": "success"}
    )
    found = _told(verdict)["CAR228"]
    assert found.weight is Weight.REJECTS  # it says so a step before
    assert "by what was stated" in found.message
    rows = {(row.claim, row.policy): row for row in verdict.truth}
    assert rows["complete", "expert"].false_claims.count == 0
    with pytest.raises(car.OptionError, match=r"truth names 'nope'.*it claims: late, complete"):
        car.verify(program, expert=EXPERT, random=RANDOM, truth={"nope": "far"})
    with pytest.raises(car.OptionError, match="they have: far, mid, success"):
        car.verify(program, expert=EXPERT, random=RANDOM, truth={"late": "fur"})


def test_random_play_that_truly_does_it_leaves_a_verdict_open(load: Load) -> None:
    able = _set([0.0, 2.0, 4.0, 0.0], 110, "random", success=False)
    source = TASKS.replace("abs(next_obs[0])", "next_obs[0]")
    verdict = car.verify(load(source), expert=EXPERT, random=able)
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    assert "shorter horizon" in _told(verdict)["CAR202"].hint
    assert "The program is not at fault for this" in verdict.feedback()


def test_more_skill_must_earn_more(load: Load) -> None:
    slow = _set([0.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0], 20, "slow", success=True)
    source = "def reward(next_obs):\n    return (1.0 if next_obs[0] >= 4.0 else 0.5), {}\n"
    verdict = car.verify(
        load(source), expert=EXPERT, random=RANDOM, levels=[slow], success_when=1.0
    )
    assert verdict.rank_correlation is not None
    assert verdict.rank_correlation < -0.5
    assert "CAR220" in _told(verdict)
    assert [(pair.better, pair.worse, pair.auc) for pair in verdict.pairs] == [
        ("expert", "slow", 0.0),
        ("expert", "random", 0.0),
        ("slow", "random", 0.0),
    ]


def test_a_bonus_without_a_latch_floods_and_is_told(load: Load) -> None:
    source = "def reward(next_obs):\n    return 1.0 if next_obs[0] <= 0.0 else 0.0\n"
    away = _set([1.0, 1.0, 0.0, *[0.0] * 10], 110, "random", success=False)
    verdict = car.verify(load(source), expert=EXPERT, random=away, success_when=0.5)
    found = _told(verdict)
    assert "is paid again and again" in found["CAR221"].message
    assert found["CAR221"].witness.step == 2
    assert found["CAR221"].failure == "no_latch"
    latched = """\
class R:
    def reset(self, obs):
        self.paid = False

    def step(self, next_obs):
        if next_obs[0] <= 0.0 and not self.paid:
            self.paid = True
            return 1.0
        return 0.0
"""
    verdict = car.verify(load(latched), expert=EXPERT, random=away, success_when=0.5)
    assert not {"CAR221", "CAR222", "CAR223"} & set(_told(verdict))


def test_a_round_that_pays_is_found_with_its_steps(load: Load) -> None:
    round_trip = _set([0.0, 1.0, 0.0, 1.0, 0.0], 110, "random", success=False)
    source = "def reward(obs, next_obs):\n    return max(0.0, float(next_obs[0] - obs[0]))\n"
    found = _told(car.verify(load(source), expert=EXPERT, random=round_trip, success_when=3.0))
    assert "the best round takes 2 steps, from step 0 to 2, and earns 1" in found["CAR223"].message
    source = "def reward(obs, next_obs):\n    return float(next_obs[0] - obs[0])\n"
    found = _told(car.verify(load(source), expert=EXPERT, random=round_trip, success_when=3.0))
    assert "CAR223" not in found


def test_what_comes_with_the_first_action_is_told(load: Load) -> None:
    source = "def moved(t):\n    return t >= 0\n\nTASKS = [moved]\n"
    found = _told(car.verify(load(source), expert=EXPERT, random=RANDOM))
    assert found["CAR224"].failure == "at_start"
    assert found["CAR224"].span.line == 1


def test_completion_where_nothing_changes_rejects(load: Load) -> None:
    source = "def waited(t):\n    return t >= 2\n\nTASKS = [waited]\n"
    short = _set([0.0, 1.0], 110, "random", success=False)
    found = _told(car.verify(load(source), expert=EXPERT, random=short))
    assert found["CAR226"].weight is Weight.REJECTS
    assert "15 of 15 episodes in which nothing ever changes" in found["CAR226"].message


def test_the_way_back_must_not_earn_what_the_way_there_does(load: Load) -> None:
    source = "def reward(obs, next_obs):\n    return abs(float(next_obs[0] - obs[0]))\n"
    assert "CAR225" in _told(
        car.verify(load(source), expert=EXPERT, random=RANDOM, success_when=9.0)
    )
    source = "def reward(obs, next_obs):\n    return float(next_obs[0] - obs[0])\n"
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM, success_when=9.0)
    assert "CAR225" not in _told(verdict)


def test_success_that_is_seen_too_late_is_told(load: Load) -> None:
    """It looks at the observation before the action, so it sees the end a step after the end."""
    source = "def reward(obs, next_obs):\n    return 1.0 if obs[0] >= 4.0 else 0.0\n"
    found = _told(car.verify(load(source), expert=EXPERT, random=RANDOM, success_when=1.0))
    assert "only some steps after" in found["CAR227"].message
    assert found["CAR227"].failure == "too_late"
    assert found["CAR201"].failure == "never_fires"


def test_every_check_has_a_failure_and_every_failure_a_meaning() -> None:
    assert set(FAILURE_OF) == set(CHECKS)
    assert set(FAILURE_OF.values()) <= set(FAILURES)


def test_the_json_has_a_version_and_survives_a_round_trip(load: Load) -> None:
    verdict = car.verify(load(TASKS), expert=EXPERT, random=LEFT)
    found = json.loads(json.dumps(verdict.to_json(), allow_nan=False))
    assert found["schema"] == "carruntime.verdict/2"
    assert {row["claim"] for row in found["truth"]} == {"middle", "arrived"}
    assert found["negatives"][0]["kind"] == "frozen"
    assert found["failures"]["wrong_object"]["title"] == "wrong object or encoding"
    assert found["diagnoses"][0]["witness"]["saw"]


def test_negatives_keep_the_form_of_an_episode() -> None:
    item = replace(EXPERT[0], states={"x": np.arange(5)})
    assert frozen(item).observations[:, 0].tolist() == [0.0] * 5
    assert backwards(item).observations[:, 0].tolist() == [4.0, 3.0, 2.0, 1.0, 0.0]
    assert backwards(item).states["x"].tolist() == [4, 3, 2, 1, 0]
    longer = held(item)
    assert len(longer) == len(item) + HELD
    assert longer.observations[-HELD - 1 :, 0].tolist() == [4.0] * (HELD + 1)
    assert not longer.terminated.any()
    twice = backwards(backwards(item))
    assert np.array_equal(twice.observations, item.observations)
    assert np.array_equal(twice.actions, item.actions)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.integers(-3, 3), min_size=1, max_size=6), min_size=2, max_size=4))
def test_rank_correlation_is_that_of_the_ranks(levels: list[list[int]]) -> None:
    """Against the plain formula: Pearson's correlation of mean ranks."""
    values = [np.array(level, float) for level in levels]
    skill = [-float(k) for k, level in enumerate(levels) for _ in level]
    score = [float(v) for level in levels for v in level]

    def ranks(numbers: list[float]) -> list[float]:
        return [
            (sum(o < v for o in numbers) + sum(o <= v for o in numbers) + 1) / 2 for v in numbers
        ]

    found = spearman(values)
    if len(set(score)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(np.corrcoef(ranks(skill), ranks(score))[0, 1], abs=1e-9)
    area = auc(values[0], values[1])
    pairs = [(a > b) + 0.5 * (a == b) for a in values[0] for b in values[1]]
    assert area == pytest.approx(float(np.mean(pairs)))
