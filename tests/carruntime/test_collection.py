"""Recording episodes: cuts, labels, progress, and names that lead nowhere."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from carruntime.collection import collect
from carruntime.environments import make_env
from carruntime.errors import OptionError


def test_a_cut_recording_has_no_end_of_its_own() -> None:
    found = collect("MiniGrid-DoorKey-8x8-v0", "random", 2, max_steps=20)
    for item in found:
        assert len(item) == 20
        assert not item.terminated.any()
        assert not item.truncated.any()
        assert item.success is False
    assert found.horizon == 20


def test_an_episode_is_recorded_as_the_environment_showed_it() -> None:
    item = collect("MiniGrid-DoorKey-6x6-v0", "expert", 1, seed=4)[0]
    env = make_env("MiniGrid-DoorKey-6x6-v0")
    obs, _ = env.reset(seed=4)
    assert np.array_equal(item.observations["image"][0], obs["image"])
    for t, action in enumerate(item.actions):
        obs, reward, terminated, truncated, _ = env.step(int(action))
        assert np.array_equal(item.observations["image"][t + 1], obs["image"])
        assert item.observations["direction"][t + 1] == obs["direction"]
        assert item.observations["mission"][t + 1] == obs["mission"]
        assert item.rewards[t] == reward
        assert (item.terminated[t], item.truncated[t]) == (terminated, truncated)
    assert item.success is True
    assert item.provenance["minigrid"]
    env.close()


def test_any_environment_and_any_function_will_do() -> None:
    found = collect("CartPole-v1", lambda obs: int(obs[2] > 0), 2, seed=3)
    assert found.env_id == "CartPole-v1"
    assert found[0].observations.shape == (len(found[0]) + 1, 4)
    assert found[0].success is None


def test_a_rule_of_the_caller_labels_success() -> None:
    found = collect(
        "CartPole-v1", "random", 2, success=lambda info, reward, terminated: not terminated
    )
    assert [item.success for item in found] == [False, False]


def test_an_environment_of_the_caller_stays_open() -> None:
    class Open(gym.Wrapper[Any, Any, Any, Any]):
        closed = 0

        def close(self) -> None:
            Open.closed += 1
            super().close()

    env = Open(gym.make("CartPole-v1"))
    collect(env, "random", 1)
    assert Open.closed == 0
    collect(lambda: Open(gym.make("CartPole-v1")), "random", 1)
    assert Open.closed == 1
    env.close()


def test_progress_counts_every_episode() -> None:
    told: list[tuple[int, int]] = []
    collect("CartPole-v1", "random", 3, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_an_unknown_environment_names_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean MiniGrid-DoorKey-8x8-v0"):
        collect("MiniGrid-DoorKy-8x8-v0", "random", 1)


def test_an_unknown_policy_is_told_what_there_is() -> None:
    with pytest.raises(OptionError, match="policy 'greedy' is not known; want 'random'"):
        collect("CartPole-v1", "greedy", 1)


@pytest.mark.parametrize("change", [{"episodes": 0}, {"max_steps": 0}, {"seed": -1}])
def test_impossible_numbers_are_refused(change: dict[str, int]) -> None:
    options: dict[str, Any] = {"env": "CartPole-v1", "policy": "random", "episodes": 1, **change}
    with pytest.raises(OptionError, match="want"):
        collect(**options)
