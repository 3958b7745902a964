"""Rewards of stored data equal those of stepping through it."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import plain_tier
import pytest
from gymnasium import spaces as gs

import carruntime as car
import sandbox.passes
from carruntime import relabelling
from carruntime.reward import RewardProgram
from carruntime.trajectory import Trajectory, TrajectorySet
from sandbox.outcome import Outcome

SPACE = gs.Dict({"x": gs.Box(-1e6, 1e6, (2,), np.float64), "say": gs.Text(9, min_length=0)})
FUNCTION = (
    "# components: late\n"
    "def reward(obs, action, next_obs, initial_obs, t, terminated, truncated):\n"
    "    if obs['x'][0] > 2.0:\n"
    "        raise ValueError('far')\n"
    "    value = next_obs['x'][0] - 3 * obs['x'][0] + 7 * initial_obs['x'][1] + 100 * action\n"
    "    value += 1000 * t + 0.5 * terminated + 0.25 * truncated + len(obs['say'])\n"
    "    return value, ({'late': t} if t > 3 else {})\n"
)
CLASS = (
    "class R:\n"
    "    def reset(self, obs):\n"
    "        self.total = obs['x'][0]\n"
    "    def step(self, obs, action, next_obs):\n"
    "        self.total += next_obs['x'][0]\n"
    "        return self.total\n"
)
TASKS = (
    "def task_1(x):\n    return bool(x[0] > 0.5)\n\n"
    "def task_2(initial_obs, obs):\n    return bool(obs['x'][0] > initial_obs['x'][0] + 1.0)\n"
)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.passes, "build", plain_tier.build, raising=False)


def load(source: str) -> RewardProgram:
    return car.load(source, spaces=(SPACE, gs.Discrete(4)), isolation="none")


def trajectories(count: int, seed: int = 0) -> list[Trajectory]:
    rng = np.random.default_rng(seed)
    found = []
    for index in range(count):
        length = int(rng.integers(1, 12))
        last = np.arange(length) == length - 1
        found.append(
            Trajectory(
                observations={
                    "x": rng.normal(size=(length + 1, 2)),
                    "say": tuple("a" * int(n) for n in rng.integers(0, 5, length + 1)),
                },
                actions=rng.integers(0, 4, length),
                rewards=np.zeros(length),
                terminated=last & (index % 2 == 0),
                truncated=last & (index % 2 == 1),
            )
        )
    return found


def stepped(program: RewardProgram, item: Trajectory) -> tuple[list[float], list[int]]:
    """Reward one trajectory transition by transition, in a session of its own."""

    def look(at: int) -> dict[str, Any]:
        seen = item.observations
        return {"x": seen["x"][at], "say": seen["say"][at]}

    rewards, outcomes = [], []
    with program.start(1, "nan") as session:
        session.reset(look(0))
        for at in range(len(item)):
            batch = session.step(
                look(at),
                item.actions[at],
                look(at + 1),
                item.terminated[at],
                item.truncated[at],
            )
            rewards.append(float(batch.reward[0]))
            outcomes.append(int(batch.outcome[0]))
    return rewards, outcomes


@pytest.mark.parametrize("batch", [1, 7, 4096])
@pytest.mark.parametrize("source", [FUNCTION, CLASS, TASKS], ids=["function", "class", "tasks"])
def test_stored_episodes_are_paid_as_when_stepped(
    source: str, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relabelling, "_BATCH", batch)
    program, data = load(source), trajectories(12)
    result = car.relabel(program, data)
    want = [stepped(program, item) for item in data]
    rewards = [value for one, _ in want for value in one]
    assert np.array_equal(result.reward, rewards, equal_nan=True)
    assert result.outcome.tolist() == [code for _, codes in want for code in codes]
    assert [len(episode.reward) for episode in result.episodes] == [len(item) for item in data]
    assert sum(result.outcomes.values()) == len(rewards)
    if source == FUNCTION:
        assert result.outcomes[Outcome.ERROR] > 0


def test_components_come_with_the_episode_they_belong_to() -> None:
    data = trajectories(12)
    result = car.relabel(load(FUNCTION), data)
    for episode in result.episodes:
        good = episode.outcome == Outcome.OK
        assert episode.present["late"].tolist() == (good & (np.arange(len(good)) > 3)).tolist()


def test_a_bad_row_is_paid_what_on_error_says() -> None:
    item = trajectories(1)[0]
    item.observations["x"][0, 0] = 3.0
    assert math.isnan(car.relabel(load(FUNCTION), item).reward[0])
    assert car.relabel(load(FUNCTION), item, on_error="zero").reward[0] == 0.0
    assert car.relabel(load(FUNCTION), item, on_error=-5.0).reward[0] == -5.0
    with pytest.raises(car.OptionError, match="on_error"):
        car.relabel(load(FUNCTION), item, on_error="raise")  # type: ignore[arg-type]


def flat(data: list[Trajectory]) -> dict[str, Any]:
    def both(cut: slice) -> dict[str, Any]:
        return {
            "x": np.concatenate([item.observations["x"][cut] for item in data]),
            "say": tuple(text for item in data for text in item.observations["say"][cut]),
        }

    return {
        "observations": both(slice(None, -1)),
        "next_observations": both(slice(1, None)),
        "actions": np.concatenate([item.actions for item in data]),
        "terminals": np.concatenate([item.terminated for item in data]),
        "timeouts": np.concatenate([item.truncated for item in data]),
    }


@pytest.mark.parametrize("batch", [1, 7, 4096])
def test_all_forms_of_a_dataset_are_paid_the_same(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relabelling, "_BATCH", batch)
    data = trajectories(6, seed=3)
    episodes = [
        SimpleNamespace(
            observations=item.observations,
            actions=item.actions,
            rewards=item.rewards,
            terminations=item.terminated,
            truncations=item.truncated,
        )
        for item in data
    ]
    forms: list[Any] = [
        data,
        TrajectorySet(trajectories=tuple(data)),
        iter(data),
        episodes,
        SimpleNamespace(iterate_episodes=lambda: iter(episodes)),
        flat(data),
        [vars(episode) for episode in episodes],
    ]
    for source in (FUNCTION, CLASS):
        program = load(source)
        want = car.relabel(program, data).reward
        for form in forms if source == FUNCTION else forms[3:]:
            dataset = iter(data) if form is forms[2] else form
            found = car.relabel(program, dataset)
            assert np.array_equal(found.reward, want, equal_nan=True)
            assert np.array_equal(
                np.concatenate([episode.reward for episode in found.episodes]), want, equal_nan=True
            )
            assert [len(episode.trajectory) for episode in found.episodes] == list(map(len, data))


def test_next_observations_that_are_given_are_those_that_are_read() -> None:
    # Some data sets leave out steps, so the next row is not what came next.
    data = flat(trajectories(3))
    data["next_observations"]["x"] = data["next_observations"]["x"] + 5.0
    program = load("def reward(next_obs):\n    return next_obs['x'][0]\n")
    found = car.relabel(program, data)
    assert np.array_equal(found.reward, data["next_observations"]["x"][:, 0])
    # Nothing of the data is written to, and nothing of it is given back.
    assert not np.shares_memory(found.reward, data["next_observations"]["x"])


def test_an_episode_without_an_end_is_taken_as_it_is() -> None:
    data = flat(trajectories(3))
    data["terminals"][:] = False
    data["timeouts"][:] = False
    assert len(car.relabel(load(CLASS), data).episodes) == 1


@pytest.mark.parametrize("dataset", [[], 3, "file.hdf5", {}, {"observations": 1}, np.zeros(3)])
def test_what_is_no_dataset_is_refused(dataset: Any) -> None:
    with pytest.raises(car.OptionError):
        car.relabel(load(CLASS), dataset)


def test_columns_of_different_lengths_are_refused() -> None:
    data = flat(trajectories(3))
    data["terminals"] = data["terminals"][:-1]
    for source in (CLASS, FUNCTION):
        with pytest.raises(car.OptionError, match="one row for each transition"):
            car.relabel(load(source), data)
    data = flat(trajectories(3))
    data["observations"]["x"] = data["observations"]["x"][:-1]
    with pytest.raises(car.OptionError, match="must share the time axis"):
        car.relabel(load(FUNCTION), data)


def test_observations_of_another_space_are_refused() -> None:
    item = trajectories(1)[0]
    item.observations["x"] = item.observations["x"].astype(np.float32)
    for source in (FUNCTION, CLASS):
        with pytest.raises(car.ShapeError, match="float32"):
            car.relabel(load(source), item)
    del item.observations["x"]
    with pytest.raises(car.OptionError, match="layout of the program's space"):
        car.relabel(load(FUNCTION), item)


def test_a_class_cannot_begin_in_the_middle_of_an_episode() -> None:
    with load(CLASS).start(2) as session, pytest.raises(car.OptionError, match="t= is given"):
        session.reset({"x": np.zeros((2, 2)), "say": ("", "")}, t=np.array([3, 4]))


def test_a_function_can_begin_in_the_middle_of_an_episode() -> None:
    program = load("def reward(obs, t):\n    return t\n")
    with program.start(2) as session:
        session.reset(t=np.array([3, 40]))
        seen = {"x": np.zeros((2, 2)), "say": ("", "")}
        assert session.step(next_obs=seen).reward.tolist() == [3, 40]
        with pytest.raises(car.ShapeError, match="t: float64"):
            session.reset(t=np.zeros(2))  # type: ignore[arg-type]
