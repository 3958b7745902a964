"""The wrappers beside a loop by hand in every autoreset mode, and Gymnasium's own checker."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import carruntime as car
from benchmarks.wrapper_loop import SOURCE, compare
from sandbox.outcome import Outcome

MODES = list(AutoresetMode)
QUICK: dict[str, Any] = {"tier": "interpreted", "isolation": "none"}


@pytest.mark.parametrize("mode", MODES)
def test_64_environments_are_paid_to_the_bit_as_by_hand(mode: AutoresetMode) -> None:
    found = compare(mode, envs=64, steps=60, **QUICK)
    assert found.different == 0
    assert found.terminated > 50
    assert found.truncated > 20


def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(car.CodeRewardVectorWrapper, "_keep", lambda self, obs: None)
    with pytest.raises(car.ShapeError):
        compare(AutoresetMode.NEXT_STEP, envs=2, steps=3, **QUICK)
    late = car.RewardSession.reset
    monkeypatch.undo()

    def forgetful(self: Any, obs: Any = None, **options: Any) -> None:
        if options.get("mask") is None:
            late(self, obs, **options)

    monkeypatch.setattr(car.RewardSession, "reset", forgetful)
    assert compare(AutoresetMode.SAME_STEP, envs=8, steps=60, **QUICK).different > 0


def wrapped(mode: AutoresetMode) -> car.CodeRewardVectorWrapper:
    inner = SyncVectorEnv(
        [lambda: gym.make("CartPole-v1", max_episode_steps=12)] * 3, autoreset_mode=mode
    )
    return car.CodeRewardVectorWrapper(inner, SOURCE, **QUICK)


@pytest.mark.parametrize("mode", MODES)
def test_spaces_masks_and_keys_are_gymnasiums_in_every_mode(mode: AutoresetMode) -> None:
    venv = wrapped(mode)
    for name in ("observation_space", "action_space"):
        assert getattr(venv, name) == getattr(venv.env, name)
        assert getattr(venv, f"single_{name}") == getattr(venv.env, f"single_{name}")
    assert venv.metadata["autoreset_mode"] is mode
    obs, info = venv.reset(seed=1)
    assert venv.observation_space.contains(obs)
    assert info == {}
    before = np.zeros(3, bool)
    ends = 0
    for _ in range(40):
        obs, reward, terminated, truncated, info = venv.step(np.ones(3, np.int64))
        assert venv.observation_space.contains(obs)
        assert reward.dtype == np.float64
        assert reward.shape == (3,)
        for key in ("env_reward", "outcome", "components"):
            assert info[f"_{key}"].dtype == np.bool_
        assert info["env_reward"].dtype == np.float64
        assert info["outcome"].dtype == np.uint8
        assert sorted(info["components"]) == ["_gain", "_turn", "gain", "turn"]
        ended = terminated | truncated
        skipped = before if mode is AutoresetMode.NEXT_STEP else np.zeros(3, bool)
        assert (info["outcome"] == np.where(skipped, Outcome.SKIPPED, Outcome.OK)).all()
        assert (info["_components"] == ~skipped).all()
        assert (reward[skipped] == 0.0).all()
        if mode is AutoresetMode.SAME_STEP and ended.any():
            assert (info["_final_obs"] == ended).all()
            for row in np.flatnonzero(ended):
                assert venv.single_observation_space.contains(info["final_obs"][row])
        if mode is AutoresetMode.DISABLED and ended.any():
            obs, _ = venv.reset(options={"reset_mask": ended})
            assert venv.observation_space.contains(obs)
        before, ends = ended, ends + int(ended.sum())
    assert ends > 6
    venv.close()


@pytest.mark.parametrize("mode", MODES)
def test_gymnasiums_checker_is_content_with_what_a_vector_environment_steps(
    mode: AutoresetMode,
) -> None:
    """The wrapper inside each sub-environment, as a user of that mode would put it there."""

    def make() -> gym.Env[Any, Any]:
        return car.CodeRewardWrapper(gym.make("CartPole-v1"), SOURCE, **QUICK)

    def said(env: gym.Env[Any, Any]) -> set[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            check_env(env, skip_render_check=True)
        return {str(item.message) for item in caught}

    inner = SyncVectorEnv([make], autoreset_mode=mode)
    more = said(inner.envs[0]) - said(gym.make("CartPole-v1"))
    # It would rather check the unwrapped environment; there is nothing else that it adds.
    assert all("is different from the unwrapped version" in text for text in more)
    inner.reset(seed=3)
    total = sum(float(inner.step(np.array([step % 2]))[1][0]) for step in range(5))
    assert np.isfinite(total)
    inner.close()


def test_plain_arrays_are_relabelled_in_batches_as_rows_are() -> None:
    """A function takes whatever array there is, many rows at once, without an environment."""
    source = "def reward(obs, action, next_obs):\n    return float(next_obs[0] - obs[0]) + action\n"
    program = car.load(source, gym.make("CartPole-v1"), **QUICK)
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(5_001, 4)).astype(np.float32)
    actions = rng.integers(0, 2, 5_000)
    found = car.relabel(program, {"observations": seen, "actions": actions})
    want = (seen[1:, 0] - seen[:-1, 0]).astype(np.float64) + actions
    assert found.reward.tolist() == want.tolist()
    program.close()
