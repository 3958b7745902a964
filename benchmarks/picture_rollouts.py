"""Frames in the order in which a vector of environments brings them, stored once each.

Sixty-four copies of an environment are played side by side, each with layouts of its own, one
episode after the other as training does. What a frame shows is known from the encoded grid, so
that frames are told apart before they are drawn, and every one is drawn once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carruntime.collection import make_policy
from carruntime.environments import make_env
from carruntime.minigrid import state_of
from carruntime.minigrid.render import render

__all__ = ["Rollout", "play"]


@dataclass(frozen=True, slots=True)
class Rollout:
    """What 64 environments showed.

    Attributes:
        grids: Distinct states, uint8 ``[M, W, H, 3]``.
        positions: Of the agent, int64 ``[M, 2]``.
        directions: int64 ``[M]``.
        first: By step and environment, which state the episode began with, int64 ``[T, N]``.
        now: Which state it is in after the step, int64 ``[T, N]``.
        starts: Whether an episode begins before the step, bool ``[T, N]``.
    """

    grids: NDArray[np.uint8]
    positions: NDArray[np.int64]
    directions: NDArray[np.int64]
    first: NDArray[np.int64]
    now: NDArray[np.int64]
    starts: NDArray[np.bool_]

    @property
    def distinct(self) -> float:
        """Share of the frames after a step that were not shown before."""
        return len(np.unique(self.now)) / self.now.size

    def frames(self, tile_size: int) -> NDArray[np.uint8]:
        """Draw the distinct frames, uint8 ``[M, H, W, 3]``."""
        return render(self.grids, self.positions, self.directions, tile_size=tile_size)


def play(env_id: str, policy: str | float, steps: int, envs: int = 64, seed: int = 0) -> Rollout:
    """Play.

    Args:
        env_id: Of MiniGrid.
        policy: ``"random"``, or the share of random actions that a scripted expert's are mixed with.
        steps: Of each environment.
        envs: How many environments there are.
        seed: Of the first episode of the first environment; every episode has another one.
    """
    known: dict[bytes, int] = {}
    states: list[Any] = []

    def number(env: Any) -> int:
        state = state_of(env)
        key = state.grid.tobytes() + bytes([*state.agent_pos.tolist(), state.agent_dir])
        if key not in known:
            known[key] = len(states)
            states.append(state)
        return known[key]

    first = np.zeros((steps, envs), np.int64)
    now, starts = np.zeros_like(first), np.zeros(first.shape, np.bool_)
    for k in range(envs):
        env = make_env(env_id)
        acting = make_policy(policy, env, seed)
        episode, over, begun = seed + k, True, 0
        observation: Any = None
        for step in range(steps):
            if over:
                observation, _ = env.reset(seed=episode)
                acting.start(env, episode)
                episode += envs
                begun = number(env)
            starts[step, k], first[step, k] = over, begun
            observation, _, ended, cut, _ = env.step(acting.act(env, observation))
            now[step, k] = number(env)
            over = ended or cut
        env.close()
    return Rollout(
        np.stack([state.grid for state in states]),
        np.stack([state.agent_pos for state in states]),
        np.array([state.agent_dir for state in states], np.int64),
        first,
        now,
        starts,
    )
