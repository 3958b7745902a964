"""The compiled MiniGrid against MiniGrid itself, step by step, and Gymnasium's vector interface."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

import carruntime as car
from carruntime.errors import OptionError
from carruntime.experts import expert_for
from carruntime.frames import RenderFrames
from carruntime.minigrid import ENV_IDS, MiniGridVectorEnv, has_compiled, state_of

DOORKEY, UNLOCKPICKUP = "MiniGrid-DoorKey-5x5-v0", "MiniGrid-UnlockPickup-v0"
MODES = list(AutoresetMode)


def same_state(fast: MiniGridVectorEnv, row: int, env: gym.Env[Any, Any]) -> bool:
    state = state_of(env)
    return (
        np.array_equal(fast.grids[row], state.grid)
        and fast.agents[row].tolist() == [*state.agent_pos.tolist(), state.agent_dir]
        and np.array_equal(fast.carried[row], state.carrying)
        and fast.step_count[row] == state.step_count
    )


def same_observation(batch: dict[str, Any], row: int, obs: dict[str, Any]) -> bool:
    return (
        np.array_equal(batch["image"][row], obs["image"])
        and batch["direction"][row] == obs["direction"]
        and batch["mission"][row] == obs["mission"]
    )


def play(env_id: str, episodes: int, seed: int) -> Iterator[tuple[Any, Any, Any]]:
    """Play one episode after the other in both, and give what each returned."""
    env = gym.make(env_id)
    fast = MiniGridVectorEnv(env_id, 1, autoreset_mode=AutoresetMode.DISABLED)
    rng = np.random.default_rng(seed)
    expert = expert_for(env)
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed + episode)
        batch = fast.load(0, env)
        expert.start(env, episode)
        assert same_observation(batch, 0, obs)
        noise, over = (0.0, 0.3, 1.0)[episode % 3], False
        while not over:
            by_chance = rng.random() < noise
            action = int(rng.integers(0, 7)) if by_chance else int(expert.act(env, obs))
            there = env.step(action)
            here = fast.step(np.array([action]))
            obs, over = there[0], there[2] or there[3]
            assert same_state(fast, 0, env)
            yield here, there, fast
    env.close()


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_every_step_is_that_of_minigrid(env_id: str) -> None:
    """Grid, agent, what is carried, view, reward and end, from MiniGrid's own layouts."""
    steps = ends = 0
    for here, there, _ in play(env_id, 3 if "16x16" in env_id else 6, seed=11):
        assert same_observation(here[0], 0, there[0])
        assert (here[1][0], here[2][0], here[3][0]) == there[1:4]
        assert here[1].dtype == np.float64
        steps += 1
        ends += there[2] or there[3]
    assert steps > 300
    assert ends >= 3


def test_an_episode_that_succeeds_on_its_last_step_is_both_terminated_and_truncated() -> None:
    env = gym.make(DOORKEY, max_steps=1000).unwrapped
    env.reset(seed=0)
    steps = 0
    expert = expert_for(env)
    expert.start(env, 0)
    actions = []
    while True:
        actions.append(int(expert.act(env, None)))
        steps += 1
        if env.step(actions[-1])[2]:
            break
    env = gym.make(DOORKEY, max_steps=steps).unwrapped
    env.reset(seed=0)
    fast = MiniGridVectorEnv(DOORKEY, 1, max_steps=steps)
    fast.load(0, env)
    for action in actions:
        there, here = env.step(action), fast.step(np.array([action]))
    assert there[2]
    assert there[3]
    assert (here[1][0], here[2][0], here[3][0]) == there[1:4]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("env_id", [DOORKEY, UNLOCKPICKUP])
def test_batches_are_laid_out_as_in_a_sync_vector_env(env_id: str, mode: AutoresetMode) -> None:
    """Both step side by side; layouts that only MiniGrid's generator gives are loaded."""
    count, horizon = 3, 9
    there = SyncVectorEnv(
        [lambda: gym.make(env_id, max_steps=horizon)] * count, autoreset_mode=mode
    )
    here = MiniGridVectorEnv(env_id, count, autoreset_mode=mode, max_steps=horizon)
    assert here.metadata["autoreset_mode"] is mode
    assert here.single_action_space == there.single_action_space
    assert here.action_space == there.action_space
    for name, space in there.observation_space.spaces.items():  # type: ignore[attr-defined]
        mine = here.observation_space.spaces[name]  # type: ignore[attr-defined]
        assert (type(mine), mine.shape, mine.dtype) == (type(space), space.shape, space.dtype)
    there.reset(seed=3)
    here.reset(seed=3)
    for row, env in enumerate(there.envs):
        here.load(row, env)
    rng = np.random.default_rng(0)
    begun = np.zeros(count, np.bool_)
    for _ in range(3 * horizon):
        actions = rng.integers(0, 7, count)
        obs, rewards, terminated, truncated, infos = there.step(actions)
        mine = here.step(actions)
        assert np.array_equal(mine[1], rewards)
        assert np.array_equal(mine[2], terminated)
        assert np.array_equal(mine[3], truncated)
        assert set(mine[4]) == set(infos)
        ended = terminated | truncated
        fresh = begun if mode is AutoresetMode.NEXT_STEP else ended
        for row in range(count):
            if "final_obs" in infos and ended[row]:
                last, mine_last = infos["final_obs"][row], mine[4]["final_obs"][row]
                assert np.array_equal(mine_last["image"], last["image"])
                assert mine_last["mission"] == last["mission"]
                assert mine_last["direction"] == last["direction"]
            if mode is not AutoresetMode.DISABLED and fresh[row]:
                mine[0].update(here.load(row, there.envs[row]))
        for name in obs:
            assert np.array_equal(mine[0][name], obs[name])
            assert type(mine[0][name]) is type(obs[name])
        assert mine[0]["image"].dtype == obs["image"].dtype
        assert mine[0]["direction"].dtype == obs["direction"].dtype
        if "final_obs" in infos:
            assert np.array_equal(mine[4]["_final_obs"], infos["_final_obs"])
            assert np.array_equal(mine[4]["_final_info"], infos["_final_info"])
            assert mine[4]["final_info"] == infos["final_info"]
        begun = ended
        if mode is AutoresetMode.DISABLED and ended.any():
            there.reset(options={"reset_mask": ended})
            here.reset(options={"reset_mask": ended})
            for row in np.flatnonzero(ended).tolist():
                here.load(row, there.envs[row])
    there.close()
    here.close()


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_frames_in_infos_are_those_that_each_environment_would_draw(mode: AutoresetMode) -> None:
    """Also the last one of an episode, where the next has begun in the same step."""
    there = SyncVectorEnv(
        [lambda: RenderFrames(gym.make(DOORKEY, max_steps=3, render_mode="rgb_array", tile_size=8))]
        * 2,
        autoreset_mode=mode,
    )
    here = MiniGridVectorEnv(
        DOORKEY, 2, autoreset_mode=mode, max_steps=3, tile_size=8, info_frames=True
    )
    there.reset(seed=0)
    info = here.reset(seed=0)[1]
    assert info["frame"].shape == (2, *here.frame_shape) == (2, 40, 40, 3)
    for row, env in enumerate(there.envs):
        here.load(row, env)
    for step in range(3):
        *_, wanted = there.step(np.array([1, 0]))
        *_, info = here.step(np.array([1, 0]))
        assert set(info) == set(wanted)
        assert np.array_equal(info["_frame"], wanted["_frame"])
        if step < 2 or mode is not AutoresetMode.SAME_STEP:
            assert np.array_equal(info["frame"], wanted["frame"])
    if mode is AutoresetMode.SAME_STEP:
        assert set(info["final_info"]) == set(wanted["final_info"])
        assert np.array_equal(info["final_info"]["frame"], wanted["final_info"]["frame"])
        assert np.array_equal(info["frame"], here.frames())
    there.close()


def test_programs_see_the_same_frames_in_both_ways_of_resetting() -> None:
    """The wrapper over SAME_STEP, where the last frame is in final_info, and over DISABLED."""
    source = (
        "def reward(frame, prev_frame, initial_frame):\n"
        "    total = float(frame.sum()) - 2.0 * float(prev_frame.sum())\n"
        "    return total + 3.0 * float(initial_frame.sum())\n"
    )
    program = car.load(source, DOORKEY, frame=(40, 40, 3), isolation="none")
    same, disabled = (
        car.CodeRewardVectorWrapper(
            MiniGridVectorEnv(
                DOORKEY, 3, autoreset_mode=mode, max_steps=4, tile_size=8, info_frames=True
            ),
            program,
        )
        for mode in (AutoresetMode.SAME_STEP, AutoresetMode.DISABLED)
    )
    same.reset(seed=0)
    disabled.reset(seed=0)
    for step in range(1, 10):
        actions = np.array([1, 2, 0])
        reward = same.step(actions)[1]
        _, wanted, _, ended, _ = disabled.step(actions)
        assert np.array_equal(reward, wanted)
        assert reward.any()
        assert ended.all() == (step % 4 == 0)
        if ended.any():
            disabled.reset(options={"reset_mask": ended})
    same.close()
    disabled.close()
    program.close()


def test_observations_lie_in_the_space_and_belong_to_the_caller() -> None:
    env = MiniGridVectorEnv(UNLOCKPICKUP, 4)
    first, _ = env.reset(seed=0)
    before = first["image"].copy()
    assert first in env.observation_space
    env.step(np.zeros(4, np.int64))
    assert np.array_equal(first["image"], before)


# Chance -----------------------------------------------------------------------------------


def layouts(env_id: str, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    env = MiniGridVectorEnv(env_id, count)
    env.reset(seed=12345)
    return env.grids, env.agents


def chi_square(counts: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    return float(((counts - expected) ** 2 / expected).sum())


def test_the_smallest_layouts_are_drawn_evenly() -> None:
    """DoorKey-5x5 has 3 cells for the agent, 4 directions, 2 others for the key, 2 doors."""
    grids, agents = layouts(DOORKEY, 24_000)
    kinds = grids[..., 0]
    keys, doors = (np.argwhere(kinds == kind)[:, 1:] for kind in (5, 4))
    seen = Counter(
        zip(
            agents[:, 1].tolist(),
            agents[:, 2].tolist(),
            keys[:, 1].tolist(),
            doors[:, 1].tolist(),
            strict=True,
        )
    )
    counts = np.array(list(seen.values()), np.float64)
    assert len(counts) == 48
    # 47 degrees of freedom: above 111 once in a million; the draws are always the same.
    assert chi_square(counts, np.full(48, 500.0)) < 111


@pytest.mark.parametrize("env_id", ["MiniGrid-DoorKey-8x8-v0", "MiniGrid-UnlockPickup-v0"])
def test_layouts_are_distributed_as_those_of_minigrid(env_id: str) -> None:
    """Two samples, one of each, by what is where: chi-square for every such feature."""
    count = 400
    env = gym.make(env_id).unwrapped
    theirs: list[Any] = []
    rows: list[NDArray[np.uint8]] = []
    for seed in range(count):
        env.reset(seed=seed)
        state = state_of(env)
        rows.append(state.grid)
        theirs.append([*state.agent_pos.tolist(), state.agent_dir])
    grids, agents = layouts(env_id, 30 * count)
    for name, mine, other in features(grids, agents, np.stack(rows), np.array(theirs)):
        values = sorted(set(mine) | set(other))
        have, want = Counter(other), Counter(mine)
        expected = np.array([want[value] / 30 for value in values])
        assert set(other) <= set(mine), name
        counts = np.array([have[value] for value in values], np.float64)
        # Mean plus six standard deviations of chi-square, and the noise of the larger sample.
        freedom = len(values) - 1
        assert chi_square(counts, expected) <= freedom + 7 * np.sqrt(2 * freedom), name


def features(
    grids: NDArray[np.uint8],
    agents: NDArray[np.int64],
    their_grids: NDArray[np.uint8],
    their_agents: NDArray[np.int64],
) -> Iterator[tuple[str, list[Any], list[Any]]]:
    for axis, name in enumerate(("agent x", "agent y", "direction")):
        yield name, agents[:, axis].tolist(), their_agents[:, axis].tolist()
    for kind, name in ((4, "door"), (5, "key"), (7, "box")):
        mine, other = (np.argwhere(g[..., 0] == kind) for g in (grids, their_grids))
        if len(mine):
            yield name, _tuples(mine), _tuples(other)
            yield (
                f"colour of the {name}",
                grids[grids[..., 0] == kind][:, 1].tolist(),
                their_grids[their_grids[..., 0] == kind][:, 1].tolist(),
            )


def _tuples(places: NDArray[np.int64]) -> list[Any]:
    return [tuple(place) for place in places[:, 1:].tolist()]


def test_a_seed_gives_one_stream_whatever_the_others_get() -> None:
    env = MiniGridVectorEnv(UNLOCKPICKUP, 3)
    env.reset(seed=7)
    first = env.grids
    env.reset()
    second = env.grids
    assert not np.array_equal(first, second)
    env.reset(seed=7)
    assert np.array_equal(env.grids, first)
    env.reset()
    assert np.array_equal(env.grids, second)
    other = MiniGridVectorEnv(UNLOCKPICKUP, 2)
    other.reset(seed=[9, 7])
    assert np.array_equal(other.grids[0], first[2])
    assert np.array_equal(other.grids[1], first[0])


def test_seeds_that_are_none_go_on() -> None:
    env = MiniGridVectorEnv(DOORKEY, 2)
    env.reset(seed=1)
    env.reset()
    wanted = env.grids[1]
    env.reset(seed=[1, 2])
    env.reset(seed=[5, None])
    assert np.array_equal(env.grids[1], wanted)


def test_environments_without_a_seed_differ() -> None:
    first, second = (MiniGridVectorEnv(UNLOCKPICKUP, 4) for _ in range(2))
    first.reset()
    second.reset(seed=[None] * 4)
    assert not np.array_equal(first.grids, second.grids)
    assert len({grid.tobytes() for grid in second.grids}) > 1


# State ------------------------------------------------------------------------------------


def test_a_stored_state_goes_on_as_the_original() -> None:
    rng = np.random.default_rng(0)
    env = MiniGridVectorEnv(UNLOCKPICKUP, 4, autoreset_mode=AutoresetMode.SAME_STEP, max_steps=25)
    env.reset(seed=0)
    for _ in range(40):
        env.step(rng.integers(0, 7, 4))
    stored = copy.deepcopy(env.state_dict())
    other = MiniGridVectorEnv(UNLOCKPICKUP, 4, autoreset_mode=AutoresetMode.SAME_STEP, max_steps=25)
    other.load_state_dict(stored)
    for _ in range(60):
        actions = rng.integers(0, 7, 4)
        mine, theirs = other.step(actions), env.step(actions)
        assert np.array_equal(mine[0]["image"], theirs[0]["image"])
        assert mine[0]["mission"] == theirs[0]["mission"]
        assert np.array_equal(mine[1], theirs[1])


def test_a_state_of_another_task_is_refused() -> None:
    state = MiniGridVectorEnv(DOORKEY, 2).state_dict()
    with pytest.raises(OptionError, match="env_id 'MiniGrid-DoorKey-5x5-v0' is not"):
        MiniGridVectorEnv(UNLOCKPICKUP, 2).load_state_dict(state)
    with pytest.raises(OptionError, match="grids is uint8"):
        MiniGridVectorEnv(DOORKEY, 3).load_state_dict(state)


def test_an_environment_of_another_task_is_not_loaded() -> None:
    env = gym.make("MiniGrid-Empty-5x5-v0")
    env.reset(seed=0)
    with pytest.raises(OptionError, match="it is a EmptyEnv, not a DoorKeyEnv"):
        MiniGridVectorEnv(DOORKEY, 1).load(0, env)
    with pytest.raises(IndexError, match="index 5"):
        MiniGridVectorEnv(DOORKEY, 1).load(5, env)
    with pytest.raises(OptionError, match="never reset"):
        state_of(gym.make(DOORKEY))


# Mistakes ---------------------------------------------------------------------------------


def test_only_what_is_compiled_is_taken() -> None:
    assert has_compiled(DOORKEY)
    assert not has_compiled("MiniGrid-Empty-5x5-v0")
    with pytest.raises(OptionError, match="not compiled"):
        MiniGridVectorEnv("MiniGrid-Empty-5x5-v0")
    with pytest.raises(OptionError, match="num_envs 0"):
        MiniGridVectorEnv(DOORKEY, 0)
    with pytest.raises(OptionError, match="autoreset_mode"):
        MiniGridVectorEnv(DOORKEY, autoreset_mode="never")
    with pytest.raises(OptionError, match="render_mode"):
        MiniGridVectorEnv(DOORKEY, render_mode="human")


def test_a_step_before_the_reset_is_refused() -> None:
    with pytest.raises(ResetNeeded, match="no episode has begun in env 0"):
        MiniGridVectorEnv(DOORKEY, 2).step(np.zeros(2, np.int64))


def test_a_step_after_the_end_is_refused_where_resets_are_disabled() -> None:
    env = MiniGridVectorEnv(DOORKEY, 2, autoreset_mode=AutoresetMode.DISABLED, max_steps=1)
    env.reset(seed=0)
    env.step(np.zeros(2, np.int64))
    with pytest.raises(ResetNeeded, match="have ended"):
        env.step(np.zeros(2, np.int64))
    env.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(ResetNeeded, match="env 1"):
        env.step(np.zeros(2, np.int64))


def test_a_wrong_action_changes_nothing() -> None:
    env = MiniGridVectorEnv(DOORKEY, 3)
    env.reset(seed=0)
    before = env.state_dict()
    for actions, told in (
        (np.array([0, 7, 0]), "action 7 of env 1"),
        (np.array([0, 0, -1]), "action -1 of env 2"),
        (np.array([0, 0]), r"int64 \(2,\)"),
        (np.zeros(3), "float64"),
    ):
        with pytest.raises(ValueError, match=told):
            env.step(actions)
    after = env.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_masks_are_checked_as_by_gymnasium() -> None:
    env = MiniGridVectorEnv(DOORKEY, 2)
    with pytest.raises(TypeError, match="want a bool array"):
        env.reset(options={"reset_mask": [True, False]})
    with pytest.raises(ValueError, match="want \\(2,\\)"):
        env.reset(options={"reset_mask": np.array([True])})
    with pytest.raises(ValueError, match="at least one"):
        env.reset(options={"reset_mask": np.zeros(2, np.bool_)})
    with pytest.raises(ValueError, match="3 seeds"):
        env.reset(seed=[1, 2, 3])


def test_what_is_closed_stays_closed() -> None:
    env = MiniGridVectorEnv(DOORKEY, 1)
    env.reset(seed=0)
    env.close()
    with pytest.raises(OptionError, match="closed"):
        env.step(np.zeros(1, np.int64))
