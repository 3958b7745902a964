"""Recording episodes: cuts, labels, progress, and names that lead nowhere."""

from __future__ import annotations

from typing import Any, ClassVar

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


@pytest.mark.parametrize("policy", ["random", "expert", 0.4, lambda observation: 2])
def test_many_environments_side_by_side_give_what_one_gives(policy: Any) -> None:
    one = collect("MiniGrid-DoorKey-5x5-v0", policy, 7, seed=20, max_steps=25, frames=True)
    many = collect(
        "MiniGrid-DoorKey-5x5-v0", policy, 7, seed=20, max_steps=25, num_envs=3, frames=True
    )
    assert [item.seed for item in many] == list(range(20, 27))
    for left, right in zip(one, many, strict=True):
        assert np.array_equal(left.actions, right.actions)
        assert np.array_equal(left.observations["image"], right.observations["image"])
        assert np.array_equal(left.states["grid"], right.states["grid"])
        assert np.array_equal(np.asarray(left.frames), np.asarray(right.frames))
        assert left.success == right.success


def test_a_policy_that_acts_for_many_is_asked_once_for_all() -> None:
    class Together:
        name = "together"
        asked: ClassVar[list[int]] = []

        def start(self, env: Any, seed: int) -> None:
            pass

        def act(self, env: Any, observation: Any) -> int:
            raise AssertionError

        def act_many(self, envs: list[Any], observations: list[Any]) -> list[int]:
            self.asked.append(len(observations))
            return [2] * len(envs)

    found = collect("MiniGrid-DoorKey-5x5-v0", Together(), 5, max_steps=4, num_envs=2)
    assert Together.asked == [2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1]
    assert [len(item) for item in found] == [4] * 5


def test_facts_are_what_the_simulator_says_at_every_step() -> None:
    (found,) = collect("MiniGrid-UnlockPickup-v0", "expert", 1, seed=2)
    assert set(found.facts) == {"key_held", "box_held", "door_open", "target_gone"}
    first = {
        name: values.tolist().index(True) for name, values in found.facts.items() if values.any()
    }
    assert sorted(first, key=lambda name: first[name]) == ["key_held", "door_open", "box_held"]
    assert first["box_held"] == len(found)
    grid = found.states["grid"]
    assert grid.shape == (len(found) + 1, 11, 6, 3)
    assert found.states["carrying"][-1].tolist() == [7, grid[0][grid[0][..., 0] == 7][0][1]]


def test_facts_of_ones_own_and_chosen_seeds() -> None:
    found = collect(
        "CartPole-v1",
        "random",
        2,
        seeds=(9, 4),
        max_steps=5,
        facts={"right": lambda env: bool(env.unwrapped.state[0] > 0)},  # type: ignore[attr-defined]
    )
    assert [item.seed for item in found] == [9, 4]
    assert found[0].facts["right"].tolist() == (found[0].observations[:, 0] > 0).tolist()
    with pytest.raises(OptionError, match="2 seeds for 3 episodes"):
        collect("CartPole-v1", "random", 3, seeds=(9, 4))
