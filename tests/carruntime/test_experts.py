"""Scripted experts against the real simulator, and policies that repeat themselves exactly."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from carruntime.collection import collect
from carruntime.environments import make_env
from carruntime.errors import OptionError
from carruntime.experts import MixturePolicy, RandomPolicy, expert_for

DROP, TOGGLE = 4, 5


ENVIRONMENTS = (
    *(f"MiniGrid-DoorKey-{n}x{n}-v0" for n in (5, 6, 8, 16)),
    "MiniGrid-Unlock-v0",
    "MiniGrid-UnlockPickup-v0",
    "MiniGrid-BlockedUnlockPickup-v0",
    *(f"MiniGrid-KeyCorridorS{s}-v0" for s in ("3R1", "3R2", "3R3", "4R3", "5R3", "6R3")),
    "MiniGrid-LockedRoom-v0",
    *(f"MiniGrid-GoToDoor-{n}x{n}-v0" for n in (5, 6, 8)),
    *(f"MiniGrid-Fetch-{n}-v0" for n in ("5x5-N2", "6x6-N2", "8x8-N3")),
    *(f"MiniGrid-PutNear-{n}-v0" for n in ("6x6-N2", "8x8-N3")),
    *(f"MiniGrid-LavaGapS{n}-v0" for n in (5, 6, 7)),
    "MiniGrid-FourRooms-v0",
    *(f"MiniGrid-MultiRoom-N{n}" for n in ("2-S4-v0", "4-S5-v1", "6-v0")),
    "MiniGrid-LavaCrossingS11N5-v0",
    "MiniGrid-DistShift1-v0",
    "MiniGrid-Empty-Random-6x6-v0",
)


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_the_expert_solves_every_seed(env_id: str) -> None:
    """A handful here; benchmarks/bench_experts.py plays hundreds."""
    found = collect(env_id, "expert", 8, seed=5_000)
    failed = [item.seed for item in found if not item.success]
    assert failed == []


def _place(env: Any, kind: str) -> tuple[int, int]:
    for index, item in enumerate(env.grid.grid):
        if item is not None and item.type == kind:
            return index % env.grid.width, index // env.grid.width
    raise AssertionError(f"no {kind} in the grid")


def _play(env: gym.Env[Any, Any], steps: int = 200) -> bool:
    policy = expert_for(env)
    policy.start(env, 0)
    for _ in range(steps):
        _, reward, terminated, truncated, _ = env.step(policy.act(env, None))
        if terminated or truncated:
            return float(reward) > 0.0
    return False


def test_the_expert_takes_a_key_out_of_the_way() -> None:
    """A key that lies right behind the open door blocks the only way to the goal."""
    env = make_env("MiniGrid-DoorKey-8x8-v0")
    env.reset(seed=3)
    inner: Any = env.unwrapped
    door, key = _place(inner, "door"), _place(inner, "key")
    item = inner.grid.get(*key)
    inner.grid.get(*door).is_locked, inner.grid.get(*door).is_open = False, True
    inner.grid.set(*key, None)
    inner.grid.set(door[0] + 1, door[1], item)
    assert _play(env)
    env.close()


def test_the_expert_picks_up_a_box_that_stands_in_the_doorway() -> None:
    """There is no room for the key behind the door, so it must be put down before."""
    env = make_env("MiniGrid-UnlockPickup-v0")
    env.reset(seed=5)
    inner: Any = env.unwrapped
    door, box = _place(inner, "door"), _place(inner, "box")
    inner.grid.set(*box, None)
    inner.grid.set(door[0] + 1, door[1], inner.obj)
    assert _play(env)
    env.close()


def test_the_expert_takes_over_from_any_state_that_random_play_leaves() -> None:
    """All of these can still be solved: random play that never toggles cannot destroy the box."""
    for seed in range(40):
        env = make_env("MiniGrid-UnlockPickup-v0", max_steps=400)
        env.reset(seed=seed)
        rng = np.random.default_rng(seed)
        ended = False
        for _ in range(60):
            action = int(rng.integers(0, 7))
            _, _, ended, _, _ = env.step(DROP if action == TOGGLE else action)
            if ended:
                break
        assert ended or _play(env)
        env.close()


def test_the_expert_takes_away_a_ball_that_stands_in_the_doorway() -> None:
    """With the key in hand: the key is put down, the ball taken away, and the key taken again."""
    env = make_env("MiniGrid-BlockedUnlockPickup-v0")
    for seed in range(4):
        env.reset(seed=seed)
        inner: Any = env.unwrapped
        key = _place(inner, "key")
        inner.carrying = inner.grid.get(*key)
        inner.grid.set(*key, None)
        assert _play(env)
    env.close()


def test_the_expert_goes_on_after_noise_wherever_that_is_possible() -> None:
    """Half of the actions are random; what ends badly was spoilt for good or ran out of time."""
    solved = collect("MiniGrid-BlockedUnlockPickup-v0", 0.5, 20).successes
    assert solved >= 16
    assert collect("MiniGrid-KeyCorridorS4R3-v0", 0.5, 20).successes >= 18


def test_the_expert_idles_where_nothing_helps_any_more() -> None:
    env = make_env("MiniGrid-UnlockPickup-v0")
    env.reset(seed=0)
    inner: Any = env.unwrapped
    inner.grid.set(*_place(inner, "box"), None)
    inner.grid.get(*_place(inner, "door")).is_locked = False
    inner.grid.get(*_place(inner, "door")).is_open = True
    policy = expert_for(env)
    policy.start(env, 0)
    assert [policy.act(env, None) for _ in range(3)] == [6, 6, 6]
    env.close()


def test_an_environment_without_an_expert_says_so() -> None:
    env = gym.make("CartPole-v1")
    with pytest.raises(OptionError, match="no scripted expert for CartPole-v1; there is one for"):
        expert_for(env)
    env.close()


@pytest.mark.parametrize("policy", ["random", "expert", 0.4])
def test_the_same_seeds_give_the_same_episodes(policy: str | float) -> None:
    one = collect("MiniGrid-DoorKey-6x6-v0", policy, 4, seed=11, max_steps=50)
    two = collect("MiniGrid-DoorKey-6x6-v0", policy, 4, seed=11, max_steps=50)
    for left, right in zip(one, two, strict=True):
        assert np.array_equal(left.actions, right.actions)
        assert np.array_equal(left.observations["image"], right.observations["image"])


def test_an_episode_does_not_depend_on_those_before_it() -> None:
    policy = RandomPolicy(seed=1)
    later = collect("MiniGrid-DoorKey-6x6-v0", policy, 3, seed=5, max_steps=30)[2]
    alone = collect("MiniGrid-DoorKey-6x6-v0", RandomPolicy(seed=1), 1, seed=7, max_steps=30)[0]
    assert np.array_equal(later.actions, alone.actions)


def test_two_random_policies_play_differently() -> None:
    one, two = (
        collect("MiniGrid-DoorKey-6x6-v0", RandomPolicy(seed), 1, max_steps=50)[0]
        for seed in (1, 2)
    )
    assert not np.array_equal(one.actions, two.actions)


def test_more_noise_costs_more_steps() -> None:
    steps = [collect("MiniGrid-DoorKey-8x8-v0", share, 30).transitions for share in (0.0, 0.3, 0.6)]
    assert steps[0] < steps[1] < steps[2]


def test_a_share_of_noise_above_one_is_refused() -> None:
    env = make_env("MiniGrid-DoorKey-5x5-v0")
    with pytest.raises(OptionError, match=r"fraction 1.5 is no share"):
        MixturePolicy(expert_for(env), 1.5)
    env.close()
