"""The TorchRL transform against Gymnasium's own steps; skipped where TorchRL is missing."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import carruntime as car

CLASS = """\
class R:
    def reset(self, obs):
        self.n = 0

    def step(self, obs, action, next_obs, terminated):
        self.n += 1
        return float(next_obs[0] - obs[0]) + 10.0 * action + 100.0 * self.n - 5.0 * terminated
"""


@pytest.fixture
def torchrl() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("torch")
        return pytest.importorskip("torchrl.envs")


@pytest.fixture
def transform(torchrl: Any) -> Any:
    from carruntime.integrations.torchrl import CodeRewardTransform

    return CodeRewardTransform


@pytest.fixture
def program() -> Any:
    made = car.load(CLASS, gym.make("CartPole-v1"), tier="interpreted", isolation="none")
    yield made
    made.close()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("one_hot", [True, False])
def test_a_single_environment_is_paid_as_in_a_loop(
    torchrl: Any, transform: Any, program: Any, one_hot: bool
) -> None:
    import torch

    base = torchrl.GymWrapper(gym.make("CartPole-v1"), categorical_action_encoding=not one_hot)
    paying = transform(program, telemetry=True)
    env = torchrl.TransformedEnv(base, paying)
    env.set_seed(3)
    td = env.reset()
    first = td["observation"].clone()
    actions = [0, 1, 1, 0, 1]
    got = []
    for action in actions:
        coded = torch.eye(2, dtype=torch.int64)[action] if one_hot else torch.tensor(action)
        td = env.step(td.set("action", coded))
        got.append(float(td["next", "reward"]))
        td = td["next"].clone()
    # The seed that TorchRL hands on is its own affair; the first observation tells which it was.
    plain = gym.make("CartPole-v1")
    plain.reset()
    inner: Any = plain.unwrapped
    inner.state = first.numpy().astype(np.float64)
    want, obs = [], first.numpy()
    for index, action in enumerate(actions):
        after, _, terminated, _, _ = plain.step(action)
        want.append(
            float(after[0] - obs[0]) + 10.0 * action + 100.0 * (index + 1) - 5.0 * terminated
        )
        obs = after
    assert got == pytest.approx(want, abs=1e-4)
    assert paying.telemetry is not None
    assert paying.telemetry.rows == len(actions)
    env.close()


@pytest.mark.filterwarnings("ignore")
def test_a_batch_is_reset_where_it_ended_and_nowhere_else(
    torchrl: Any, transform: Any, program: Any
) -> None:
    base = torchrl.SerialEnv(
        2, lambda: torchrl.GymWrapper(gym.make("CartPole-v1", max_episode_steps=None))
    )
    env = torchrl.TransformedEnv(base, transform(program, mode="add"))
    env.set_seed(0)
    rollout = env.rollout(60, break_when_any_done=False)
    action = rollout["action"].argmax(-1).numpy()
    reward = rollout["next", "reward"].numpy()[..., 0]
    before, after = rollout["observation"].numpy(), rollout["next", "observation"].numpy()
    ended = rollout["next", "terminated"].numpy()[..., 0]
    assert ended.sum() >= 2
    for row in range(2):
        count = 0
        for t in range(60):
            count += 1
            own = 1.0
            want = float(after[row, t, 0] - before[row, t, 0]) + 10.0 * action[row, t]
            want += 100.0 * count - 5.0 * ended[row, t] + own
            assert reward[row, t] == pytest.approx(want, abs=1e-3)
            count = 0 if ended[row, t] else count
    env.close()


@pytest.mark.filterwarnings("ignore")
def test_the_specs_of_the_environment_stay_right(
    torchrl: Any, transform: Any, program: Any
) -> None:
    env = torchrl.TransformedEnv(torchrl.GymWrapper(gym.make("CartPole-v1")), transform(program))
    torchrl.utils.check_env_specs(env)
    env.close()


@pytest.mark.filterwarnings("ignore")
def test_a_program_that_reads_text_is_refused(torchrl: Any, transform: Any) -> None:
    spaces = (gym.spaces.Dict({"name": gym.spaces.Text(4)}), gym.spaces.Discrete(2))
    program = car.load(
        "def reward(name):\n    return len(name)\n",
        spaces=spaces,
        tier="interpreted",
        isolation="none",
    )
    with pytest.raises(car.OptionError, match="reads next_obs with parts that are no tensors"):
        transform(program)
    program.close()


def test_without_torchrl_the_error_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "try:\n    import carruntime.integrations.torchrl\n"
        "except ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert "pip install 'carruntime[torchrl]'" in done.stdout
