"""Real transitions to feed the rewards with: DoorKey-8x8, an expert that is disturbed half the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  (registers the environments)
import numpy as np
from numpy.typing import NDArray

from carruntime.collection import collect
from carruntime.experts import MixturePolicy, expert_for

__all__ = ["ENV_ID", "Transitions", "doorkey_transitions"]

ENV_ID = "MiniGrid-DoorKey-8x8-v0"


@dataclass(frozen=True, slots=True)
class Transitions:
    """A batch of transitions in the layout of Gymnasium vector environments.

    Attributes:
        obs: image uint8 ``[N, 7, 7, 3]``, direction int64 ``[N]``, mission tuple of N str.
        action: int64 ``[N]``.
        next_obs: As ``obs``.
    """

    obs: dict[str, Any]
    action: NDArray[np.int64]
    next_obs: dict[str, Any]

    def __len__(self) -> int:
        return len(self.action)

    def rows(self) -> list[tuple[dict[str, Any], int, dict[str, Any]]]:
        """Split into single transitions, as a loop over plain environments would see them."""
        return [
            (_row(self.obs, index), int(self.action[index]), _row(self.next_obs, index))
            for index in range(len(self))
        ]

    def tiled(self, count: int) -> Transitions:
        """Repeat or cut to ``count`` transitions."""
        index = np.arange(count) % len(self)
        return Transitions(_take(self.obs, index), self.action[index], _take(self.next_obs, index))


def doorkey_transitions(count: int = 4096, seed: int = 7) -> Transitions:
    """Collect transitions of DoorKey-8x8 episodes by an expert with half of its actions random."""
    env = gym.make(ENV_ID)
    policy = MixturePolicy(expert_for(env), 0.5, seed)
    images: list[NDArray[np.uint8]] = []
    next_images: list[NDArray[np.uint8]] = []
    directions: list[NDArray[np.int64]] = []
    next_directions: list[NDArray[np.int64]] = []
    missions: list[str] = []
    actions: list[NDArray[np.int64]] = []
    total = 0
    episode = 0
    while total < count:
        for item in collect(ENV_ID, policy, episodes=8, seed=seed + episode):
            steps = len(item.actions)
            images.append(item.observations["image"][:-1])
            next_images.append(item.observations["image"][1:])
            directions.append(item.observations["direction"][:-1])
            next_directions.append(item.observations["direction"][1:])
            missions.extend(item.observations["mission"][:-1])
            actions.append(np.asarray(item.actions, dtype=np.int64))
            total += steps
        episode += 8
    env.close()
    kept = tuple(missions[:count])
    return Transitions(
        {
            "image": np.concatenate(images)[:count],
            "direction": np.concatenate(directions)[:count].astype(np.int64),
            "mission": kept,
        },
        np.concatenate(actions)[:count],
        {
            "image": np.concatenate(next_images)[:count],
            "direction": np.concatenate(next_directions)[:count].astype(np.int64),
            "mission": kept,
        },
    )


def _row(batch: dict[str, Any], index: int) -> dict[str, Any]:
    return {
        "image": batch["image"][index],
        "direction": int(batch["direction"][index]),
        "mission": batch["mission"][index],
    }


def _take(batch: dict[str, Any], index: NDArray[np.int64]) -> dict[str, Any]:
    return {
        "image": batch["image"][index],
        "direction": batch["direction"][index],
        "mission": tuple(batch["mission"][place] for place in index),
    }
