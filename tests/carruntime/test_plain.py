"""The yardstick: plain calls that must mean the same as a session's."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import carruntime as car
from carruntime.plain import PlainReward, split
from carruntime.spaces import spec_of

SPACES = (gym.spaces.Box(-1.0, 1.0, (2,), np.float64), gym.spaces.Discrete(3))

SOURCES = {
    "function": "def reward(obs, action, next_obs):\n"
    "    return next_obs[0] * action, {'x': obs[1]}\n",
    "dict": "def reward(obs, action, next_obs):\n"
    "    gain = float(next_obs[0] - obs[0])\n"
    "    return {'total': gain, 'gain': gain}\n",
    "tasks": "def task_1(next_obs):\n    return next_obs[0] > 0.0\n"
    "def task_2(obs, action, next_obs):\n    return action == 1 and next_obs[1] > obs[1]\n",
    "class": "class Best:\n"
    "    def __init__(self):\n        self.best = -2.0\n"
    "    def reset(self, obs):\n        self.best = float(obs[0])\n"
    "    def step(self, obs, action, next_obs):\n"
    "        gain = max(0.0, float(next_obs[0]) - self.best)\n"
    "        self.best = max(self.best, float(next_obs[0]))\n"
    "        return gain\n",
    "time": "def reward(next_obs, initial_obs, t):\n"
    "    return float(next_obs[0] - initial_obs[0]) / (t + 1)\n",
}


@pytest.mark.parametrize("form", SOURCES)
def test_plain_calls_pay_what_a_session_pays(form: str) -> None:
    rng = np.random.default_rng(7)
    program = car.load(SOURCES[form], spaces=SPACES, tier="interpreted", isolation="none")
    plain = PlainReward(program, 4, trust=True)
    observation, action_spec = program.inputs.observation, program.inputs.action
    with program.start(num_envs=4) as session:
        obs = rng.uniform(-1.0, 1.0, (4, 2))
        first = obs
        session.reset(obs)
        for env in range(4):
            plain.reset(env, obs[env])
        for t in range(12):
            action, next_obs = rng.integers(0, 3, 4), rng.uniform(-1.0, 1.0, (4, 2))
            no = np.zeros(4, bool)
            batch = session.step(obs, action, next_obs, no, no)
            parts = (
                split(observation, obs, 4),
                split(action_spec, action, 4),
                split(observation, next_obs, 4),
            )
            for env in range(4):
                row = {
                    "obs": parts[0][env],
                    "action": parts[1][env],
                    "next_obs": parts[2][env],
                    "initial_obs": first[env],
                    "t": t,
                }
                assert plain.step(env, row) == batch.reward[env]
            obs = next_obs
    program.close()


def test_a_program_that_is_not_trusted_does_not_run_here() -> None:
    program = car.load(SOURCES["function"], spaces=SPACES, tier="interpreted", isolation="none")
    with pytest.raises(car.OptionError, match="would run in this process without any protection"):
        PlainReward(program, 1, trust=False)
    program.close()


def test_a_batch_of_any_space_comes_apart_into_its_samples() -> None:
    space = gym.spaces.Dict(
        {
            "n": gym.spaces.Discrete(5),
            "x": gym.spaces.Box(0, 255, (2, 2), np.uint8),
            "say": gym.spaces.Text(8),
            "pair": gym.spaces.Tuple([gym.spaces.Discrete(2), gym.spaces.MultiBinary(3)]),
        },
        seed=1,
    )
    samples = [space.sample() for _ in range(3)]
    batch = {
        "n": np.array([item["n"] for item in samples]),
        "x": np.stack([item["x"] for item in samples]),
        "say": tuple(item["say"] for item in samples),
        "pair": (
            np.array([item["pair"][0] for item in samples]),
            np.stack([item["pair"][1] for item in samples]),
        ),
    }
    apart = split(spec_of(space), batch, 3)
    for got, sample in zip(apart, samples, strict=True):
        assert type(got["n"]) is int
        assert got["n"] == sample["n"]
        assert np.array_equal(got["x"], sample["x"])
        assert got["say"] == sample["say"]
        assert got["pair"][0] == sample["pair"][0]
        assert np.array_equal(got["pair"][1], sample["pair"][1])
