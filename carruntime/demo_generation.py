"""From two pictures to a program that pays a vector environment: ``carruntime demo --generate``.

The answers are recordings that come with carruntime. They were written by us, not by a model, and the
bundle says so; everything else (questions, checks, verification, feedback, the second round) is
what happens with a model. It needs no network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gymnasium as gym
import numpy as np

from carruntime.generate.bundle import Bundle
from carruntime.generate.loop import Settings
from carruntime.generate.recordings import Replay, shipped
from carruntime.generate.runner import Workshop, generate
from carruntime.loading import load
from carruntime.wrappers import CodeRewardVectorWrapper
from sandbox.outcome import Outcome

__all__ = ["ENV_ID", "GenerationDemo", "run_generation"]

ENV_ID: Final = "MiniGrid-DoorKey-8x8-v0"


@dataclass(frozen=True, slots=True)
class GenerationDemo:
    """What came of it.

    Attributes:
        bundle: The program with its origin.
        path: Where the bundle lies.
        reward: Mean over all rows that the vector environment was paid.
        outcomes: How rows ended, by name.
    """

    bundle: Bundle
    path: Path
    reward: float
    outcomes: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether a program was accepted and every row was paid."""
        return self.bundle.end == "accepted" and set(self.outcomes) <= {"OK", "SKIPPED"}

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "bundle": str(self.path),
            "end": self.bundle.end,
            "origins": list(self.bundle.origins),
            "reward": self.reward,
            "outcomes": self.outcomes,
        }


def run_generation(
    folder: Path,
    *,
    num_envs: int,
    steps: int,
    seed: int,
    say: Callable[[str], None],
    settings: Settings | None = None,
) -> GenerationDemo:
    """Generate from the shipped recordings, then let the bundle pay for random play.

    Args:
        folder: Of the run: answers, program and bundle.
        num_envs: Environments.
        steps: Vector steps.
        seed: Of the environments and their actions.
        say: Takes lines for a person.
        settings: What is wanted; sub-tasks and a dense reward if left out.
    """
    say(f"from two pictures of {ENV_ID} to a program; recordings that come with carruntime answer")
    with Workshop(ENV_ID) as workshop:
        bundle = generate(workshop, Replay([shipped()]), settings or Settings(), folder, tell=say)
    path = folder / "bundle.json"
    bundle.save(path)
    say(f"{bundle.end}; origin of the answers: {', '.join(bundle.origins)}; bundle: {path}")
    venv = gym.make_vec(ENV_ID, num_envs=num_envs)
    env = CodeRewardVectorWrapper(venv, load(path, venv), on_error="nan")
    try:
        env.reset(seed=seed)
        env.action_space.seed(seed)
        paid = []
        outcomes: Counter[str] = Counter()
        for _ in range(steps):
            _, reward, _, _, info = env.step(env.action_space.sample())
            paid.append(reward)
            outcomes.update(Outcome(int(code)).name for code in info["outcome"])
        tier = env.program.tier
    finally:
        env.close()
    mean = float(np.mean(paid))
    counted = ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items()))
    say(f"{num_envs} environments, {steps} steps of random play, {tier}: mean reward {mean:.4g}")
    say(f"rows by outcome: {counted}")
    return GenerationDemo(bundle, path, mean, dict(outcomes))
