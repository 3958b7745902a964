"""Verdicts on programs whose verdict is known, and the published rule with its flaws."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import carruntime as car
from carruntime.replay import frame_outputs, replay, unbroken_rewards
from carruntime.verdict import CHECKS, Decision, Weight

Load = Callable[[str], car.RewardProgram]

SPACES = (gym.spaces.Box(-100.0, 100.0, (2,), np.float64), gym.spaces.Discrete(3))


def _walk(xs: list[float], *, success: bool | None, seed: int) -> car.Trajectory:
    """Make an episode whose observation is (position, 0)."""
    length = len(xs) - 1
    return car.Trajectory(
        observations=np.array([[x, 0.0] for x in xs]),
        actions=np.zeros(length, np.int64),
        rewards=np.zeros(length),
        terminated=np.arange(length) == length - 1,
        truncated=np.zeros(length, bool),
        success=success,
        seed=seed,
        env_id="Walk-v0",
    )


def _set(walks: list[list[float]], success: bool | None, policy: str) -> car.TrajectorySet:
    items = tuple(_walk(xs, success=success, seed=seed) for seed, xs in enumerate(walks))
    return car.TrajectorySet(trajectories=items, env_id="Walk-v0", policy=policy)


EXPERT = _set([[0.0, 1.0, 2.0, 3.0, 4.0]] * 40, success=True, policy="expert")
RANDOM = _set([[0.0, 1.0, 0.0, -1.0, 0.0, 0.0]] * 120, success=False, policy="random")


@pytest.fixture
def load() -> Iterator[Load]:
    programs: list[car.RewardProgram] = []

    def load_one(source: str, **options: Any) -> car.RewardProgram:
        program = car.load(source, spaces=SPACES, tier="interpreted", isolation="none", **options)
        programs.append(program)
        return program

    yield load_one
    for program in programs:
        program.close()


GOOD_TASKS = """\
def halfway(next_obs):
    return next_obs[0] >= 2.0

def arrived(next_obs):
    return next_obs[0] >= 4.0

TASKS = [halfway, arrived]
"""


def test_a_program_that_tells_expert_from_random_is_accepted(load: Load) -> None:
    verdict = car.verify(load(GOOD_TASKS), expert=EXPERT, random=RANDOM)
    assert verdict.decision is Decision.ACCEPT
    assert verdict.diagnoses == ()
    assert (verdict.expert.complete.count, verdict.random.complete.count) == (40, 0)
    assert [task.first for task in verdict.expert.tasks] == [(1, 1.0, 1), (3, 3.0, 3)]
    assert verdict.random.tasks[0].first is None


def test_a_sub_task_that_the_expert_never_completes_is_named_with_a_witness(load: Load) -> None:
    source = GOOD_TASKS.replace(">= 4.0", ">= 40.0")
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM)
    assert verdict.decision is Decision.REJECT
    (found,) = (item for item in verdict.diagnoses if item.check == "CAR201")
    assert "sub-task arrived is never completed" in found.message
    assert found.witness is not None
    assert (found.witness.policy, found.witness.trajectory, found.witness.step) == ("expert", 0, 3)
    assert found.span is not None
    assert (found.span.line, found.span.column) == (4, 5)
    assert "Line 4: def arrived(next_obs):" in verdict.feedback()
    assert "halfway is" not in verdict.feedback()


def test_what_random_play_completes_too_is_rejected(load: Load) -> None:
    source = "def task_1(next_obs):\n    return next_obs[0] >= 1.0\n"
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM)
    assert verdict.decision is Decision.REJECT
    found, early = (item for item in verdict.diagnoses if item.weight is Weight.REJECTS)
    assert (found.check, early.check) == ("CAR202", "CAR230")
    assert "120 of 120 random trajectories are complete" in found.message
    assert "0 of them are solved in the environment" in found.message


def test_a_guessed_threshold_is_named_as_a_possible_cause_and_not_to_the_model(load: Load) -> None:
    """The default rule is half the expert's best step, which random play reaches here."""
    program = load("def reward(next_obs):\n    return next_obs[0]\n")
    near = _set([[0.0, 1.0, 2.0, 3.0]] * 60, success=False, policy="random")

    def hint(**options: Any) -> tuple[str, str]:
        verdict = car.verify(program, expert=EXPERT, random=near, **options)
        (found,) = (item for item in verdict.diagnoses if item.check == "CAR202")
        return found.hint, verdict.feedback()

    guessed, feedback = hint()
    assert "--success-when" in guessed
    assert "success_when=" in guessed
    assert "guess" in guessed
    assert "success" + "-when" not in feedback
    assert "success_when" not in feedback
    assert "pay clearly more on the step that solves the task" in feedback
    said, _ = hint(success_when=2.0)
    assert "success-when" not in said


def test_a_model_is_not_asked_for_a_shorter_horizon(load: Load) -> None:
    """Random play that the environment calls solved is a matter of the test, not the program."""
    program = load("def task_1(next_obs):\n    return next_obs[0] >= 4.0\n")
    solved = _set([[0.0, 2.0, 4.0]] * 60, success=True, policy="random")
    verdict = car.verify(program, expert=EXPERT, random=solved)
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    assert "cut it at a shorter horizon" in verdict.render()
    assert "horizon" not in verdict.feedback()
    assert "The program is not at fault for this: 60 of 60 random" in verdict.feedback()
    assert "Write the whole program again" not in verdict.feedback()


def test_completion_that_is_claimed_on_the_way_to_success_is_rejected(load: Load) -> None:
    close = "def task_1(next_obs):\n    return next_obs[0] >= 2.0\n"
    verdict = car.verify(load(close), expert=EXPERT, random=RANDOM)
    assert verdict.decision is Decision.REJECT
    (found,) = verdict.diagnoses
    assert (found.check, found.failure) == ("CAR230", "too_early")
    assert "in 40 of 40 episodes" in found.message
    assert "2 steps before (median)" in found.message
    assert found.witness is not None
    assert (found.witness.policy, found.witness.step) == ("expert", 1)
    assert found.span is not None
    # By a component, and by a reward, it is the same; half of the expert's best is but a guess.
    paid = "def reward(next_obs):\n    near = 1.0 * (next_obs[0] >= 2.0)\n    return near, {'near': near}\n"
    for rule, weight in (("near", "rejects"), (1.0, "rejects"), (None, "warns")):
        judged = car.verify(load(paid), expert=EXPERT, random=RANDOM, success_when=rule)
        weights = {item.check: item.weight.value for item in judged.diagnoses}
        assert weights["CAR230"] == weight


def test_where_the_environment_goes_on_after_success_nothing_is_too_early(load: Load) -> None:
    items = tuple(replace(item, terminated=np.zeros(4, bool)) for item in EXPERT)
    expert = car.TrajectorySet(trajectories=items, env_id="Walk-v0", policy="expert")
    close = "def task_1(next_obs):\n    return next_obs[0] >= 2.0\n"
    verdict = car.verify(load(close), expert=expert, random=RANDOM)
    assert verdict.decision is Decision.ACCEPT


@pytest.mark.parametrize(("fails", "decision"), [(1, "reject"), (0, "accept")])
def test_one_failure_that_earns_more_than_success_is_rejected(
    load: Load, fails: int, decision: str
) -> None:
    # 2 for arriving, and 1 for every step to the right, which can be made again and again.
    source = (
        "def reward(obs, next_obs):\n    arrived = 2.0 * (next_obs[0] >= 4.0)\n"
        "    return arrived + 1.0 * (next_obs[0] > obs[0]), {'arrived': arrived}\n"
    )
    walks = [[0.0, 1.0, 0.0, -1.0, 0.0, 0.0]] * 120 + [[0.0, 1.0] * 8] * fails
    random = _set(walks, success=False, policy="random")
    verdict = car.verify(load(source), expert=EXPERT, random=random, success_when="arrived")
    assert verdict.decision.value == decision
    found = [item for item in verdict.diagnoses if item.check == "CAR231"]
    assert len(found) == fails
    for item in found:
        assert "1 of 121 episodes that fail earn more than every one that succeeds" in item.message
        assert "up to 8 in 15 steps, where the best success earns 6" in item.message
        assert item.witness is not None
        assert (item.witness.policy, item.witness.trajectory) == ("random", 120)
    # Where nobody knows that they fail, nothing is said.
    unknown = _set(walks, success=None, policy="random")
    verdict = car.verify(load(source), expert=EXPERT, random=unknown, success_when="arrived")
    assert "CAR231" not in {item.check for item in verdict.diagnoses}


def test_what_can_be_printed_is_short_and_a_verdict_prints_as_its_table(load: Load) -> None:
    verdict = car.verify(load(GOOD_TASKS), expert=EXPERT, random=RANDOM)
    assert repr(EXPERT) == "TrajectorySet(40 episodes, 160 steps, expert, Walk-v0)"
    assert repr(EXPERT[3]) == "Trajectory(4 steps, Walk-v0, seed 3, solved)"
    assert repr(verdict) == "Verdict(accept: <program>, complete: expert 40/40, random 0/120)"
    assert str(verdict) == verdict.render()
    rewards = car.relabel(
        load("def reward(next_obs):\n    return 1 / int(next_obs[0])\n"), RANDOM[:2]
    )
    assert repr(rewards) == "Relabelled(2 episodes, 10 steps: 4 OK, 6 ERROR)"
    assert repr(rewards.episodes[0]) == "Episode(5 steps, total 0)"
    report = load(GOOD_TASKS).report
    assert repr(report) == "Report(<program>: no findings)"
    assert str(report) == report.render()
    bad = car.check("import os\nimport sys\n", isolation="none")
    assert repr(bad).startswith("Report(<program>: ")
    assert "error" in repr(bad)


def test_few_random_trajectories_are_not_enough_and_it_says_how_many_would_do(load: Load) -> None:
    verdict = car.verify(load(GOOD_TASKS), expert=EXPERT, random=RANDOM[:10])
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    (found,) = verdict.diagnoses
    assert found.check == "CAR205"
    assert "about 90 more would settle it" in found.message
    assert car.verify(load(GOOD_TASKS), expert=EXPERT, random=RANDOM[:100]).accepted
    verdict = car.verify(load(GOOD_TASKS), expert=EXPERT, random=RANDOM[:60])
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    assert "collect 40 more random trajectories" in verdict.render()
    assert car.verify(load(GOOD_TASKS), expert=EXPERT, random=RANDOM[:36], least_random=36).accepted


def test_few_expert_trajectories_are_not_enough_either(load: Load) -> None:
    verdict = car.verify(load(GOOD_TASKS), expert=EXPERT[:5], random=RANDOM)
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    (found,) = verdict.diagnoses
    assert found.check == "CAR204"
    assert "31 more complete ones" in found.message
    assert car.verify(load(GOOD_TASKS), expert=EXPERT[:36], random=RANDOM).accepted


def test_a_rejection_outweighs_missing_evidence(load: Load) -> None:
    source = GOOD_TASKS.replace(">= 4.0", ">= 40.0")
    verdict = car.verify(load(source), expert=EXPERT[:3], random=RANDOM[:3])
    assert verdict.decision is Decision.REJECT


def test_expert_episodes_that_failed_in_truth_are_left_out(load: Load) -> None:
    failed = _set([[0.0, 1.0, 0.0]], success=False, policy="expert").trajectories
    mixed = car.TrajectorySet(
        trajectories=EXPERT.trajectories + failed, env_id="Walk-v0", policy="expert"
    )
    verdict = car.verify(load(GOOD_TASKS), expert=mixed, random=RANDOM)
    assert verdict.decision is Decision.ACCEPT
    assert [item.check for item in verdict.diagnoses] == ["CAR218"]


def test_each_trajectory_starts_fresh_and_in_order(load: Load) -> None:
    """A class that latches must not carry what it saw into the next episode."""
    source = (
        "class Latch:\n"
        "    def __init__(self):\n"
        "        self.seen = False\n"
        "    def step(self, next_obs):\n"
        "        self.seen = self.seen or next_obs[0] >= 4.0\n"
        "        return 1.0 if self.seen else 0.0\n"
    )
    program = load(source)
    both = car.TrajectorySet(trajectories=(*EXPERT[:2], *RANDOM[:2]), env_id="Walk-v0")
    apart = [episode.total for episode in replay(program, both).episodes]
    assert apart == [1.0, 1.0, 0.0, 0.0]
    together = [float(item.sum()) for item in unbroken_rewards(program, list(both))]
    assert together == [1.0, 4.0, 5.0, 5.0]


def test_the_published_rule_accepts_one_sub_task_paid_twice(load: Load) -> None:
    """It counts frames: any two steps with a reward pass for two sub-tasks."""
    source = "def reward(next_obs):\n    return 0.5 if next_obs[0] >= 3.0 else 0.0\n"
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM)
    assert verdict.published.accepts
    assert (verdict.published.expert, verdict.published.n_tasks) == ((40, 40), 2)


def test_the_published_rule_rejects_a_latch_for_the_missing_reset(load: Load) -> None:
    """One checker lives through all episodes, so what is paid once is paid in one of them."""
    source = (
        "class Once:\n"
        "    def __init__(self):\n"
        "        self.half = False\n"
        "        self.full = False\n"
        "    def step(self, next_obs):\n"
        "        paid = 0.0\n"
        "        if not self.half and next_obs[0] >= 2.0:\n"
        "            self.half = True\n"
        "            paid = 0.5\n"
        "        if not self.full and next_obs[0] >= 4.0:\n"
        "            self.full = True\n"
        "            paid = 1.0\n"
        "        return paid\n"
    )
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM)
    assert verdict.decision is Decision.ACCEPT
    assert not verdict.published.accepts
    assert verdict.published.expert == (1, 40)


@pytest.mark.parametrize(
    "source", [GOOD_TASKS, "def reward(obs, next_obs):\n    return next_obs[0]\n"]
)
def test_without_state_the_missing_reset_makes_no_difference(load: Load, source: str) -> None:
    """Which lets the published rule share the rows of the corrected one."""
    program = load(source)
    both = car.TrajectorySet(trajectories=(*RANDOM[:3], *EXPERT[:3]), env_id="Walk-v0")
    apart = replay(program, both).episodes
    together = unbroken_rewards(program, list(both))
    for episode, output in zip(apart, together, strict=True):
        assert np.array_equal(frame_outputs(program, episode.reward, episode.tasks), output)


def test_rows_that_fail_reject_with_line_count_and_witness(load: Load) -> None:
    source = (
        "def reward(next_obs):\n"
        "    if next_obs[0] < 0.0:\n"
        "        return [1.0, 2.0][int(next_obs[0]) + 7]\n"
        "    return float(next_obs[0] >= 4.0)\n"
    )
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM)
    assert verdict.decision is Decision.REJECT
    (found,) = (item for item in verdict.diagnoses if item.weight is Weight.REJECTS)
    assert found.check == "CAR203"
    assert "error on 120 of 600 random rows: IndexError" in found.message
    assert found.span is not None
    assert found.span.line == 3
    assert found.witness is not None
    assert (found.witness.policy, found.witness.step) == ("random", 2)
    assert "Line 3: return [1.0, 2.0][int(next_obs[0]) + 7]" in verdict.feedback()
    assert verdict.random.outcomes == {"OK": 480, "ERROR": 120}


def test_a_failing_predicate_is_seen_beside_one_that_works(load: Load) -> None:
    source = (
        "def task_1(next_obs):\n"
        "    return next_obs[0] >= 4.0\n"
        "def task_2(next_obs):\n"
        "    return 1 // int(next_obs[0]) >= 0\n"
    )
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM)
    found = verdict.diagnoses[0]
    assert found.message.startswith("predicate task_2: error on 360 of 600 random rows")


def test_completion_of_a_scalar_program_is_what_the_caller_says(load: Load) -> None:
    source = (
        "def reward(next_obs):\n"
        "    goal = 1.0 if next_obs[0] >= 4.0 else 0.0\n"
        "    near = 1.0 if next_obs[0] >= 1.0 else 0.0\n"
        "    return goal + near, {'goal': goal, 'near': near}\n"
    )
    program = load(source)
    by = {
        "goal": car.verify(program, expert=EXPERT, random=RANDOM, success_when="goal"),
        "near": car.verify(program, expert=EXPERT, random=RANDOM, success_when="near"),
        "two": car.verify(program, expert=EXPERT, random=RANDOM, success_when=2.0),
        "call": car.verify(
            program, expert=EXPERT, random=RANDOM, success_when=lambda episode: episode.total > 4.5
        ),
        "default": car.verify(program, expert=EXPERT, random=RANDOM),
    }
    decisions = {name: verdict.decision.value for name, verdict in by.items()}
    assert decisions == {
        "goal": "accept",
        "near": "reject",
        "two": "accept",
        "call": "accept",
        "default": "reject",
    }
    assert "half the least expert's best" in by["default"].rule


def test_a_reward_that_is_never_positive_leaves_completion_open(load: Load) -> None:
    program = load("def reward(next_obs):\n    return -abs(4.0 - next_obs[0])\n")
    open_verdict = car.verify(program, expert=EXPERT, random=RANDOM)
    assert open_verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    assert [item.check for item in open_verdict.diagnoses] == ["CAR206"]
    assert car.verify(program, expert=EXPERT, random=RANDOM, success_when=0.0).accepted


def test_a_reward_of_nothing_is_rejected(load: Load) -> None:
    verdict = car.verify(
        load("def reward(next_obs):\n    return 0.0\n"), expert=EXPERT, random=RANDOM
    )
    assert verdict.decision is Decision.REJECT
    assert "pays nothing on any expert step" in verdict.reasons[0]


def test_a_reward_that_random_play_farms_is_rejected(load: Load) -> None:
    """Reward flooding: what pays for lingering is best not finished."""
    source = (
        "def reward(next_obs):\n"
        "    return 3.0 if next_obs[0] >= 4.0 else 1.0 if next_obs[0] <= 0.0 else 0.0\n"
    )
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM, success_when=2.0)
    checks = {item.check: item for item in verdict.diagnoses}
    assert verdict.decision is Decision.REJECT
    assert verdict.separation == 0.0
    assert checks["CAR207"].weight is Weight.REJECTS
    assert "120 of 120 steps that leave the observation unchanged are paid" in (
        checks["CAR214"].message
    )


def test_dead_constant_and_drowning_components_are_told(load: Load) -> None:
    source = (
        "def reward(next_obs):\n"
        "    goal = 1000.0 if next_obs[0] >= 4.0 else 0.0\n"
        "    dead = 1.0 if next_obs[0] > 50.0 else 0.0\n"
        "    parts = {'goal': goal, 'dead': dead, 'alive': 0.01}\n"
        "    return goal + dead + 0.01, parts\n"
    )
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM, success_when="goal")
    told = {item.check: item.message for item in verdict.diagnoses}
    assert "component dead is 0 on all 760 rows" in told["CAR211"]
    dead = next(item for item in verdict.diagnoses if item.check == "CAR211")
    assert dead.span is not None
    assert source.split("\n")[dead.span.line - 1][dead.span.column - 1 :].startswith("dead'")
    assert "component alive is 0.01 on all 760 rows" in told["CAR212"]
    assert "component goal makes 100.0 %" in told["CAR215"]
    assert verdict.accepted
    goal = next(item for item in verdict.expert.components if item.name == "goal")
    assert (goal.least, goal.mean, goal.greatest, goal.fires) == (0.0, 250.0, 1000.0, 0.25)


def test_a_sub_task_that_holds_at_once_is_told(load: Load) -> None:
    source = GOOD_TASKS.replace("next_obs[0] >= 2.0", "next_obs[0] > -5.0")
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM)
    told = {item.check: item for item in verdict.diagnoses}
    assert "halfway holds before the first action in 160 of 160" in told["CAR213"].message
    assert verdict.expert.tasks[0].at_reset == 40
    assert told["CAR213"].weight is Weight.WARNS  # the end is still asked for
    late = GOOD_TASKS.replace("next_obs[0] >= 4.0", "next_obs[0] > -5.0")
    found = car.verify(load(late), expert=EXPERT, random=RANDOM).diagnoses
    assert ("CAR213", Weight.REJECTS) in {(item.check, item.weight) for item in found}
    before = _set([[3.0, 4.0]] * 20, success=True, policy="random").trajectories
    some = car.TrajectorySet(trajectories=RANDOM.trajectories + before, env_id="Walk-v0")
    partly = {
        item.check: item
        for item in car.verify(load(GOOD_TASKS), expert=EXPERT, random=some).diagnoses
    }
    assert partly["CAR213"].weight is Weight.WARNS
    assert told["CAR213"].witness is not None
    assert told["CAR213"].witness.step == -1


def test_claims_that_the_environment_denies_are_told(load: Load) -> None:
    one = _set([[0.0, 4.0, 0.0]], success=False, policy="random").trajectories
    random = car.TrajectorySet(trajectories=RANDOM.trajectories + one, env_id="Walk-v0")
    verdict = car.verify(load(GOOD_TASKS), expert=EXPERT, random=random)
    assert verdict.accepted
    assert verdict.random.claimed_only == 1
    (found,) = verdict.diagnoses
    assert (found.check, found.witness and found.witness.trajectory) == ("CAR216", 120)


def test_a_success_of_random_play_that_is_missed_is_told(load: Load) -> None:
    one = _set([[0.0, -4.0, 0.0]], success=True, policy="random").trajectories
    random = car.TrajectorySet(trajectories=RANDOM.trajectories + one, env_id="Walk-v0")
    verdict = car.verify(load(GOOD_TASKS), expert=EXPERT, random=random)
    assert [item.check for item in verdict.diagnoses] == ["CAR217"]


def test_sub_tasks_listed_in_another_order_than_done_are_told(load: Load) -> None:
    source = GOOD_TASKS.replace("[halfway, arrived]", "[arrived, halfway]")
    verdict = car.verify(load(source), expert=EXPERT, random=RANDOM)
    assert [item.check for item in verdict.diagnoses] == ["CAR219"]
    assert "completes halfway before arrived" in verdict.diagnoses[0].message


def test_every_check_has_a_claim_and_the_text_names_only_known_ones(load: Load) -> None:
    verdict = car.verify(load(GOOD_TASKS), expert=EXPERT[:2], random=RANDOM[:2])
    assert {item.check for item in verdict.diagnoses} <= set(CHECKS)


def test_the_table_fits_a_terminal(load: Load) -> None:
    long_name = "a_component_with_quite_a_long_name_indeed"
    source = (
        "def reward(next_obs):\n"
        f"    parts = {{'{long_name}': float(next_obs[0]) * 1234.5678}}\n"
        "    return float(next_obs[0] >= 4.0) + 1e-7, parts\n"
    )
    verdict = car.verify(load(source), expert=EXPERT[:3], random=RANDOM[:3])
    for text in (verdict.render(), verdict.summary()):
        assert max(map(len, text.split("\n"))) <= 80


def test_json_holds_the_same_and_is_json(load: Load) -> None:
    verdict = car.verify(load(GOOD_TASKS), expert=EXPERT, random=RANDOM[:10])
    data = json.loads(json.dumps(verdict.to_json()))
    assert data["decision"] == "not_enough_evidence"
    assert data["random"]["complete"]["total"] == 10
    assert data["diagnoses"][0]["check"] == "CAR205"
    assert data["published_rule"]["n_tasks"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expert": []}, "expert has no trajectories"),
        ({"threshold": 1.5}, "threshold 1.5; want a rate"),
        ({"success_when": "goal"}, "leave success_when out"),
    ],
)
def test_impossible_questions_are_refused(
    load: Load, options: dict[str, Any], message: str
) -> None:
    given: dict[str, Any] = {"expert": EXPERT, "random": RANDOM, **options}
    with pytest.raises(car.OptionError, match=message):
        car.verify(load(GOOD_TASKS), **given)


def test_an_unknown_component_is_told_what_there_is(load: Load) -> None:
    program = load("def reward(next_obs):\n    return 1.0, {'goal': 1.0}\n")
    with pytest.raises(
        car.OptionError, match="'gaol', which the program does not have; it has: goal"
    ):
        car.verify(program, expert=EXPERT, random=RANDOM, success_when="gaol")


def test_feedback_tells_what_the_check_on_the_text_doubted(load: Load) -> None:
    source = "def reward(next_obs):\n    if next_obs[0] >= 4.0:\n        return 1.0\n"
    verdict = car.verify(load(source), expert=EXPERT[:2], random=RANDOM[:2])
    assert verdict.findings
    assert ": `reward` can end without a result" in verdict.feedback()


def test_guest_text_cannot_reach_the_terminal_unescaped(load: Load) -> None:
    source = "def reward(next_obs):\n    raise ValueError('\\x1b[2Jgone')\n"
    verdict = car.verify(load(source), expert=EXPERT[:2], random=RANDOM[:2])
    for text in (verdict.render(), verdict.feedback(), verdict.summary()):
        assert "\x1b" not in text
        assert "gone" in text


def test_arguments_of_another_kind_are_option_errors(load: Load) -> None:
    good = _set([[0.5, 1.0]], True, "expert")
    with pytest.raises(car.OptionError, match="program is a str; want what"):
        car.verify("x", expert=good, random=good)  # type: ignore[arg-type]
    program = load("def reward(next_obs):\n    return float(next_obs[0])\n")
    for wrong in (5, None, "x", ["x"]):
        with pytest.raises(car.OptionError, match=r"expert is a .*; want a TrajectorySet"):
            car.verify(program, expert=wrong, random=good)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [[1], True, float("nan"), b"goal"], ids=repr)
def test_a_success_that_is_no_name_number_or_function_is_refused(load: Load, wrong: Any) -> None:
    program = load("def reward(next_obs):\n    return next_obs[0]\n")
    with pytest.raises(car.OptionError, match="want the name of a component, a reward"):
        car.verify(program, expert=EXPERT, random=RANDOM, success_when=wrong)


@pytest.mark.parametrize(
    "source",
    [GOOD_TASKS, "def reward(next_obs):\n    return next_obs[0]\n"],
    ids=["tasks", "function"],
)
def test_trajectories_of_another_space_are_told_in_terms_of_the_call(source: str) -> None:
    spaces = (gym.spaces.Box(-9.0, 9.0, (3,), np.float64), gym.spaces.Discrete(3))
    program = car.load(source, spaces=spaces, tier="interpreted", isolation="none")
    with pytest.raises(car.ShapeError, match=r"^verify: the expert trajectories .* \(40, 2\)"):
        car.verify(program, expert=EXPERT, random=RANDOM)
    with pytest.raises(car.ShapeError, match=r"^relabel: the episodes are not of the spaces"):
        car.relabel(program, EXPERT)
    program.close()
