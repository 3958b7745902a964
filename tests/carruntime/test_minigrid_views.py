"""Views taken from the grid equal MiniGrid's, byte for byte, in every task."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401 - registers
import numpy as np
import pytest

from carruntime.environments import make_env
from carruntime.minigrid.views import quick_views, view_of
from carruntime.playing import same_observations

TASKS = (
    "MiniGrid-DoorKey-8x8-v0",
    "MiniGrid-UnlockPickup-v0",
    "MiniGrid-BlockedUnlockPickup-v0",
    "MiniGrid-KeyCorridorS3R2-v0",
    "MiniGrid-Fetch-8x8-N3-v0",
    "MiniGrid-PutNear-6x6-N2-v0",
    "MiniGrid-LavaGapS7-v0",
    "MiniGrid-GoToDoor-8x8-v0",
    "MiniGrid-MultiRoom-N6-v0",
    "MiniGrid-ObstructedMaze-1Dlhb-v0",
    "MiniGrid-Playground-v0",
)


@pytest.mark.parametrize("env_id", TASKS)
def test_an_episode_of_random_play_looks_the_same(env_id: str) -> None:
    rng = np.random.default_rng(0)
    plain, quick = make_env(env_id), make_env(env_id)
    seen = 0
    with quick_views(quick) as done:
        assert done
        for seed in range(6):
            one, two = plain.reset(seed=seed)[0], quick.reset(seed=seed)[0]
            assert same_observations(one, two)
            # Without `done`, which ends some episodes at once.
            for action in rng.integers(6, size=40).tolist():
                (one, *rest, _), (two, *others, _) = plain.step(action), quick.step(action)
                assert rest == others
                assert same_observations(one, two)
                assert one["image"].dtype == two["image"].dtype
                assert type(one["direction"]) is type(two["direction"])
                seen += 1
                if rest[1] or rest[2]:
                    break
    assert seen > 8
    assert "gen_obs" not in vars(quick.unwrapped)


@pytest.mark.parametrize(("size", "through"), [(3, False), (5, True), (9, False)])
def test_other_views_look_the_same(size: int, through: bool) -> None:
    options = {"agent_view_size": size, "see_through_walls": through}
    env = gym.make("MiniGrid-FourRooms-v0", max_steps=50, agent_view_size=size)
    inner: Any = env.unwrapped
    inner.see_through_walls = options["see_through_walls"]
    for seed in range(8):
        seen = env.reset(seed=seed)[0]
        for _ in range(5):
            view = view_of(inner)
            assert view is not None
            assert np.array_equal(seen["image"], view)
            seen = env.step(int(env.np_random.integers(4)))[0]


def test_what_is_not_the_usual_minigrid_is_left_alone() -> None:
    env = gym.make("MiniGrid-Empty-5x5-v0")
    inner: Any = env.unwrapped

    class Own(type(inner)):  # type: ignore[misc]
        def gen_obs(self) -> dict[str, object]:
            return {"image": "mine"}

    with quick_views(Own()) as done:
        assert not done
    with quick_views(gym.make("CartPole-v1")) as done:
        assert not done
    with quick_views(env):
        env.reset(seed=0)
        other = copy.deepcopy(env)
        env.step(0)
        seen = other.step(2)[0]
    env.reset(seed=0)
    assert same_observations(seen, env.step(2)[0])
    # An object of a class of somebody's own may hide what is behind it, or not.
    from minigrid.core.world_object import Ball

    class Glass(Ball):  # type: ignore[misc,unused-ignore]
        def see_behind(self) -> bool:
            return False

    env.reset(seed=0)
    glass: Any = Glass
    inner.grid.set(2, 1, glass("red"))
    assert view_of(inner) is None
    plain = inner.gen_obs()
    with quick_views(env):
        assert same_observations(inner.gen_obs(), plain)
