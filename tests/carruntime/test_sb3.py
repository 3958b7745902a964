"""Rewards behind Stable-Baselines3: every transition paid as in a loop written out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import carruntime as car
from carruntime.errors import OptionError, RewardError
from carruntime.frames import RenderFrames
from carruntime.minigrid import MiniGridVectorEnv, state_of

pytest.importorskip("stable_baselines3")

from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv

from carruntime.integrations.sb3 import (
    CodeRewardVecEnv,
    GymnasiumVecEnv,
    NumericObservations,
    RewardLogger,
)

ENV = "MiniGrid-DoorKey-5x5-v0"
COUNTING = """
class Reward:
    def __init__(self):
        self.seen = 0

    def reset(self, obs):
        self.seen = 0

    def step(self, obs, action, next_obs, terminated, truncated):
        self.seen = self.seen + 1
        moved = int((obs["image"] != next_obs["image"]).sum())
        end = 100 * terminated + 1000 * truncated
        return moved + 0.5 * self.seen + end, {"moved": moved, "seen": self.seen}
"""
TASKS = """
def key(image):
    return image[3, 6, 0] == 5


def door(image):
    return bool(((image[:, :, 0] == 4) & (image[:, :, 2] == 0)).any())


TASKS = [key, door]
"""


def by_hand(before: Any, after: Any, seen: int, terminated: bool, truncated: bool) -> float:
    """The reward of COUNTING, written out."""
    moved = int((before["image"] != after["image"]).sum())
    return moved + 0.5 * seen + 100 * terminated + 1000 * truncated


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED])
def test_rewards_are_those_of_a_loop_by_hand(mode: AutoresetMode) -> None:
    """64 environments, 10,000 steps, episodes that end in both ways; MiniGrid beside, reset alike."""
    count, steps, horizon = 64, 160, 40
    venv = CodeRewardVecEnv(
        GymnasiumVecEnv(MiniGridVectorEnv(ENV, count, autoreset_mode=mode, max_steps=horizon)),
        COUNTING,
        isolation="none",
    )
    reference = MiniGridVectorEnv(
        ENV, count, autoreset_mode=AutoresetMode.DISABLED, max_steps=horizon
    )
    rng = np.random.default_rng(0)
    venv.seed(5)
    before: Any = venv.reset()
    reference.reset(seed=5)
    seen = np.zeros(count, int)
    paid = 0.0
    ends = 0
    for _ in range(steps):
        actions = rng.choice(7, count, p=(0.15, 0.15, 0.4, 0.1, 0.02, 0.16, 0.02))
        obs: Any
        obs, rewards, dones, infos = venv.step(actions)
        after, own, terminated, truncated, _ = reference.step(actions)
        seen += 1
        for row in range(count):
            one, two = ({"image": x["image"][row]} for x in (before, after))
            both = bool(truncated[row]) and not terminated[row]
            assert rewards[row] == by_hand(one, two, seen[row], terminated[row], both)
            assert infos[row]["env_reward"] == own[row]
            assert infos[row]["components"]["seen"] == seen[row]
            assert dones[row] == (terminated[row] or truncated[row])
            if dones[row]:
                assert np.array_equal(infos[row]["terminal_observation"]["image"], two["image"])
                assert infos[row]["TimeLimit.truncated"] == both
        paid += rewards.sum()
        ended = terminated | truncated
        ends += ended.sum()
        seen[ended] = 0
        if ended.any():
            after, _ = reference.reset(options={"reset_mask": ended})
        assert np.array_equal(obs["image"], after["image"])
        before = {"image": obs["image"].copy()}
    assert ends > count
    assert paid > 0
    venv.close()


@pytest.mark.parametrize("reward_mode", ["replace", "add", "milestones", "potential"])
def test_modes_pay_as_the_wrapper_of_gymnasium(reward_mode: Any) -> None:
    gamma = 0.9 if reward_mode == "potential" else None

    def envs() -> MiniGridVectorEnv:
        return MiniGridVectorEnv(ENV, 8, autoreset_mode=AutoresetMode.SAME_STEP, max_steps=60)

    program = car.load(TASKS, ENV, isolation="none")
    mine = CodeRewardVecEnv(GymnasiumVecEnv(envs()), program, mode=reward_mode, gamma=gamma)
    other = car.CodeRewardVectorWrapper(envs(), program, mode=reward_mode, gamma=gamma)
    rng = np.random.default_rng(1)
    mine.seed(3)
    mine.reset()
    other.reset(seed=3)
    total = 0.0
    for _ in range(250):
        actions = rng.integers(0, 7, 8)
        _, rewards, _, infos = mine.step(actions)
        _, wanted, _, _, told = other.step(actions)
        assert np.array_equal(rewards, wanted)
        assert [info["completed"].tolist() for info in infos] == told["completed"].tolist()
        total += float(np.abs(rewards).sum())
    assert total > 0
    mine.close()
    other.close()
    program.close()


def test_environments_of_stable_baselines_are_paid_too() -> None:
    """DummyVecEnv over plain environments, against the single wrapper."""
    source = "def reward(obs, action, next_obs):\n    return next_obs[0] - 2 * obs[1] + action"
    venv = CodeRewardVecEnv(
        DummyVecEnv([lambda: gym.make("CartPole-v1")] * 2), source, isolation="none"
    )
    alone = car.CodeRewardWrapper(gym.make("CartPole-v1"), source, isolation="none")
    venv.seed(4)
    venv.reset()
    alone.reset(seed=4)
    ended = False
    while not ended:
        _, rewards, dones, infos = venv.step(np.array([1, 0]))
        _, wanted, terminated, truncated, info = alone.step(1)
        assert rewards[0] == wanted
        assert infos[0]["env_reward"] == info["env_reward"]
        ended = terminated or truncated
        assert dones[0] == ended
    venv.close()
    alone.close()


def test_the_bridge_is_gymnasium_reset_as_stable_baselines_does() -> None:
    """Over MiniGrid's own environments: seeds, infos of episodes, missions of any length."""
    env = SyncVectorEnv(
        [lambda: gym.make("MiniGrid-UnlockPickup-v0", max_steps=4)] * 2,
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    venv = GymnasiumVecEnv(env)
    venv.seed(11)
    obs: Any = venv.reset()
    alone = gym.make("MiniGrid-UnlockPickup-v0", max_steps=4)
    assert obs["mission"][1] == alone.reset(seed=12)[0]["mission"]
    for step in range(4):
        last = alone.step(1)[0]
        obs, rewards, dones, infos = venv.step(np.array([1, 1]))
        assert dones.all() == (step == 3)
    assert infos[1]["TimeLimit.truncated"]
    assert infos[1]["terminal_observation"]["mission"] == last["mission"]
    assert np.array_equal(infos[1]["terminal_observation"]["image"], last["image"])
    inner: Any = env.envs[0].unwrapped
    assert np.array_equal(obs["image"][0], inner.gen_obs()["image"])
    assert state_of(env.envs[0]).step_count == 0
    assert rewards.dtype == np.float64
    venv.close()


WATCHING = """
def reward(frame, prev_frame, initial_frame):
    total = float(frame.sum()) - 2.0 * float(prev_frame.sum())
    return total + 3.0 * float(initial_frame.sum())
"""


@pytest.mark.parametrize("compiled", [True, False])
def test_programs_that_look_at_frames_see_the_last_one(compiled: bool) -> None:
    env: Any
    if compiled:
        env = MiniGridVectorEnv(
            ENV,
            3,
            autoreset_mode=AutoresetMode.SAME_STEP,
            max_steps=5,
            tile_size=8,
            info_frames=True,
        )
        bridge = GymnasiumVecEnv(env)
    else:
        bridge = DummyVecEnv([lambda: _drawing_pole(5)] * 3)
    shape = env.frame_shape if compiled else (400, 600, 3)
    venv = CodeRewardVecEnv(bridge, WATCHING, frame=shape, isolation="none")
    venv.seed(0)
    venv.reset()

    def sums(infos: Any) -> Any:
        return np.array([info["frame"].sum(dtype=np.int64) for info in infos], np.float64)

    first = before = sums(venv.unwrapped.reset_infos)
    for step in range(1, 12):
        _, rewards, dones, infos = venv.step(np.ones(3, int))
        after = sums(infos)
        assert np.array_equal(rewards, after - 2 * before + 3 * first)
        assert dones.all() == (step % 5 == 0)
        if dones.any():
            first = after = sums(venv.unwrapped.reset_infos)
        before = after
    venv.close()


def _drawing_pole(horizon: int) -> gym.Env[Any, Any]:
    return RenderFrames(gym.make("CartPole-v1", render_mode="rgb_array", max_episode_steps=horizon))


def test_frames_that_come_too_late_are_refused() -> None:
    env = MiniGridVectorEnv(
        ENV, 2, autoreset_mode=AutoresetMode.SAME_STEP, render_mode="rgb_array", tile_size=8
    )
    with pytest.raises(OptionError, match="the last frame of an episode is lost"):
        CodeRewardVecEnv(
            GymnasiumVecEnv(env),
            WATCHING,
            frame=env.frame_shape,
            frame_source="render",
            isolation="none",
        )


def test_next_step_is_refused_because_a_step_would_be_made_up() -> None:
    with pytest.raises(OptionError, match="SAME_STEP"):
        GymnasiumVecEnv(MiniGridVectorEnv(ENV, 2))


def test_a_failing_row_raises_and_the_environments_go_on() -> None:
    source = "def reward(image, t):\n    return 1 // (t - 1)"
    venv = CodeRewardVecEnv(
        GymnasiumVecEnv(MiniGridVectorEnv(ENV, 2, autoreset_mode=AutoresetMode.SAME_STEP)),
        source,
        isolation="none",
    )
    venv.reset()
    venv.step(np.zeros(2, int))
    with pytest.raises(RewardError, match="2 of 2 rows"):
        venv.step(np.zeros(2, int))
    assert venv.step(np.zeros(2, int))[1].tolist() == [1.0, 1.0]
    venv.close()


def test_what_a_program_remembers_can_be_taken_elsewhere() -> None:
    def made() -> tuple[MiniGridVectorEnv, CodeRewardVecEnv]:
        env = MiniGridVectorEnv(ENV, 3, autoreset_mode=AutoresetMode.SAME_STEP, max_steps=30)
        venv = CodeRewardVecEnv(
            GymnasiumVecEnv(env), COUNTING, record_episodes=True, isolation="none"
        )
        venv.reset()
        return env, venv

    rng = np.random.default_rng(0)
    (env, venv), (other_env, other) = made(), made()
    for _ in range(45):
        venv.step(rng.integers(0, 7, 3))
    seen = other_env.load_state_dict(env.state_dict())
    other.load_state_dict(venv.state_dict(), seen)
    for _ in range(40):
        actions = rng.integers(0, 7, 3)
        assert np.array_equal(venv.step(actions)[1], other.step(actions)[1])
    venv.close()
    other.close()


class _Recorder(BaseCallback):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.logged: dict[str, float] = {}

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.logged |= self.logger.name_to_value


def cart_poles(program: str) -> CodeRewardVecEnv:
    """Four poles that never fall in the eight steps of an episode."""
    env = SyncVectorEnv(
        [lambda: gym.make("CartPole-v1", max_episode_steps=8)] * 4,
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    return CodeRewardVecEnv(GymnasiumVecEnv(env), program, isolation="none")


def learner(venv: Any) -> PPO:
    return PPO(
        "MlpPolicy",
        venv,
        n_steps=16,
        batch_size=32,
        n_epochs=1,
        policy_kwargs={"net_arch": [8]},
        device="cpu",
    )


POLES = """
def upright(obs):
    return bool(abs(obs[2]) < 1.0)


def never(obs, action):
    return False


def moving(obs, action):
    return True


TASKS = [upright, never, moving]


def reward(obs, t):
    return 1.0, {"late": float(t), "one": 1.0}
"""


def test_components_outcomes_and_tasks_are_logged() -> None:
    venv = cart_poles(POLES)
    recorder = _Recorder()
    model = learner(venv)
    model.set_logger(Logger(folder=None, output_formats=[]))
    model.learn(64, callback=[RewardLogger(), recorder])
    logged = recorder.logged
    assert {name: value for name, value in logged.items() if name.startswith("reward/")} == {
        "reward/mean": 1.0,
        "reward/env_mean": 1.0,
        "reward/outcome/OK": 1.0,
        "reward/component/late": 3.5,
        "reward/component/one": 1.0,
        "reward/completed/upright": 1.0,
        "reward/completed/never": 0.0,
        "reward/completed/moving": 1.0,
    }
    venv.close()


def test_logging_needs_a_program() -> None:
    venv = cart_poles(POLES)
    model = learner(venv.venv)
    with pytest.raises(OptionError, match="CodeRewardVecEnv"):
        model.learn(4, callback=RewardLogger())
    venv.close()


def test_tensorboard_files_are_written_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from stable_baselines3.common.logger import configure

    venv = cart_poles(POLES)
    model = learner(venv)
    model.set_logger(configure(str(tmp_path), ["tensorboard"]))
    model.learn(64, callback=RewardLogger())
    assert list(tmp_path.glob("events*"))
    venv.close()


def test_texts_are_left_out_for_policies_but_not_for_programs() -> None:
    env = MiniGridVectorEnv(ENV, 2, autoreset_mode=AutoresetMode.SAME_STEP, max_steps=2)
    source = "def reward(mission):\n    return float(len(mission))"
    venv = NumericObservations(CodeRewardVecEnv(GymnasiumVecEnv(env), source, isolation="none"))
    assert list(venv.observation_space.spaces) == ["direction", "image"]
    assert set(venv.reset()) == {"direction", "image"}
    venv.step(np.zeros(2, int))
    obs, rewards, dones, infos = venv.step(np.zeros(2, int))
    assert dones.all()
    assert rewards.tolist() == [53.0, 53.0]
    assert set(obs) == set(infos[0]["terminal_observation"]) == {"direction", "image"}
    with pytest.raises(OptionError, match="want a Dict"):
        NumericObservations(cart_poles(POLES))
    venv.close()
