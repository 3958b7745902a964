"""What a training run is: plain numbers and names, so that a folder can say how it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from carruntime.errors import OptionError
from carruntime.payment import Mode
from carruntime.session import OnError

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides a run, save the program's text and the seed.

    Attributes:
        env_id: The environment.
        total_steps: Transitions over all environments together.
        mode: What becomes of the two rewards, see `carruntime.CodeRewardWrapper`; without a
            program the environment's own reward is learned from.
        num_envs: Environments that step together.
        compiled: Whether the compiled environment is used.
        rollout_steps: Steps of each environment between two updates.
        minibatch: Transitions of one gradient step.
        epochs: Passes over a rollout.
        learning_rate: Falls linearly with the steps, down to a tenth.
        discount: γ, also that of ``mode="potential"``.
        gae: λ of generalised advantage estimation.
        entropy: Weight of the entropy bonus.
        eval_every: Transitions between two points of the curve.
        eval_episodes: Episodes of each, played with actions sampled from the policy.
        checkpoint_every: Transitions between two checkpoints.
        on_error: What the reward of a row becomes that ends badly, ``"raise"`` ends the run; see
            `RewardProgram.start`.
    """

    env_id: str
    total_steps: int = 1_000_000
    mode: Mode = "add"
    num_envs: int = 64
    compiled: bool = True
    rollout_steps: int = 64
    minibatch: int = 512
    epochs: int = 4
    learning_rate: float = 1e-3
    discount: float = 0.99
    gae: float = 0.95
    entropy: float = 0.01
    eval_every: int = 25_000
    eval_episodes: int = 64
    checkpoint_every: int = 100_000
    on_error: OnError = "raise"

    def __post_init__(self) -> None:
        """Refuse numbers that no run can have."""
        whole = (
            "total_steps",
            "num_envs",
            "rollout_steps",
            "minibatch",
            "epochs",
            "eval_every",
            "eval_episodes",
            "checkpoint_every",
        )
        for name in whole:
            if getattr(self, name) < 1:
                raise OptionError(f"{name} {getattr(self, name)}; want at least 1")
        if not 0.0 <= self.discount <= 1.0 or not 0.0 <= self.gae <= 1.0:
            raise OptionError(f"discount {self.discount}, gae {self.gae}; want 0 to 1")

    def to_json(self) -> dict[str, Any]:
        """Give the settings as plain data."""
        return asdict(self)

    def differences(self, other: Settings) -> list[str]:
        """Say in what two settings differ, a line each."""
        return [
            f"{one.name} {getattr(self, one.name)!r} is not {getattr(other, one.name)!r}"
            for one in fields(self)
            if getattr(self, one.name) != getattr(other, one.name)
        ]

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Settings:
        """Read what `to_json` gave.

        Raises:
            OptionError: If something is missing or unknown.
        """
        try:
            return cls(**record)
        except TypeError as error:
            raise OptionError(
                f"the settings of a run cannot be read: {error}; they are of another release"
            ) from None

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Read the settings of a folder."""
        return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
