"""Whether the vector wrapper pays what a loop written by hand pays, step by step, and how fast.

``python -m benchmarks.wrapper_loop [--steps 10000] [--envs 64]`` steps two sets of environments
with the same actions in each autoreset mode: one in a vector environment behind
`CodeRewardVectorWrapper`, the other one by one in plain Python, where the program is what ``exec``
makes of it. Rewards must be equal to the bit and outcomes as expected, on every step. It prints
a line for each mode, with the rewards compared, the episodes that ended either way, and the time
that the wrapper adds to a vector step as a share of the loop's time for its calls, both measured in
the same run.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import carruntime as car
from sandbox.outcome import Outcome

__all__ = ["SOURCE", "Compared", "compare"]

SOURCE = """\
class Balance:
    def reset(self, obs):
        self.n = 0
        self.worst = abs(float(obs[2]))

    def step(self, obs, action, next_obs, terminated, truncated):
        self.n += 1
        tilt = abs(float(next_obs[2]))
        gain = self.worst - tilt
        self.worst = max(self.worst, tilt)
        fell = 5.0 if terminated else 0.0
        late = 0.5 if truncated else 0.0
        turn = 0.125 if (action == 1) == (float(obs[2]) > 0.0) else 0.0
        return gain + turn + late - fell + 0.001 * self.n, {"gain": gain, "turn": turn}
"""
_LIMIT = 25
"""Steps after which an episode is cut, so that there are ends of both kinds."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one mode.

    Attributes:
        mode: The autoreset mode.
        rewards: Rewards that were compared, skipped rows included.
        different: How many differed in any bit, or ended otherwise than they should.
        terminated: Episodes that ended so.
        truncated: Episodes that were cut.
        wrapper_s: Seconds in the wrapper's steps, its environments included.
        loop_s: Seconds of the plain loop, its environments included.
    """

    mode: AutoresetMode
    rewards: int
    different: int
    terminated: int
    truncated: int
    wrapper_s: float
    loop_s: float


def compare(mode: AutoresetMode, *, envs: int, steps: int, seed: int = 0, **load: Any) -> Compared:
    """Step both sides and compare every reward.

    Args:
        mode: How the vector environment resets itself.
        envs: Environments on each side.
        steps: Vector steps.
        seed: Of environments and actions.
        **load: Further arguments of `carruntime.load`.
    """
    made = [_make() for _ in range(envs)]
    venv = car.CodeRewardVectorWrapper(
        SyncVectorEnv([_make] * envs, autoreset_mode=mode), SOURCE, **load
    )
    scope: dict[str, Any] = {}
    exec(SOURCE, scope)
    payers: list[Any] = [None] * envs
    seen: list[Any] = [None] * envs
    over = [False] * envs

    def begin(row: int, own_seed: int | None) -> None:
        seen[row] = made[row].reset(seed=own_seed)[0]
        payers[row] = scope["Balance"]()
        payers[row].reset(seen[row])
        over[row] = False

    venv.reset(seed=seed)
    for row in range(envs):
        begin(row, seed + row)
    rng = np.random.default_rng(seed)
    different = ends = cuts = 0
    wrapper_s = loop_s = 0.0
    for _ in range(steps):
        actions = rng.integers(0, 2, envs)
        began = time.perf_counter()
        _, rewards, terminated, truncated, info = venv.step(actions)
        if mode is AutoresetMode.DISABLED and (terminated | truncated).any():
            venv.reset(options={"reset_mask": terminated | truncated})
        halfway = time.perf_counter()
        want = np.zeros(envs)
        outcome = np.full(envs, Outcome.OK, np.uint8)
        for row in range(envs):
            if mode is AutoresetMode.NEXT_STEP and over[row]:
                begin(row, None)
                outcome[row] = Outcome.SKIPPED
                continue
            action = int(actions[row])
            after, _, ended, cut, _ = made[row].step(action)
            want[row] = payers[row].step(seen[row], action, after, ended, cut)[0]
            seen[row], over[row] = after, ended or cut
            ends, cuts = ends + ended, cuts + cut
            if over[row] and mode is not AutoresetMode.NEXT_STEP:
                begin(row, None)
        loop_s += time.perf_counter() - halfway
        wrapper_s += halfway - began
        different += int(((rewards != want) | (info["outcome"] != outcome)).sum())
    venv.close()
    for env in made:
        env.close()
    return Compared(mode, envs * steps, different, ends, cuts, wrapper_s, loop_s)


def _make() -> gym.Env[Any, Any]:
    return gym.make("CartPole-v1", max_episode_steps=_LIMIT)


def main() -> None:
    """Compare all modes and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wrapper_loop", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--envs", type=int, default=64)
    options = parser.parse_args()
    for mode in AutoresetMode:
        found = compare(mode, envs=options.envs, steps=options.steps)
        print(
            f"{mode.name:<10} {found.rewards:>9,} rewards, {found.different} different; "
            f"{found.terminated:,} terminated, {found.truncated:,} truncated; "
            f"wrapper {found.wrapper_s / found.loop_s:.2f} of the loop's time",
            flush=True,
        )
        if found.different:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
