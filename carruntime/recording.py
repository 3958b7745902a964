"""One episode while it is recorded: what the environment showed, did, and truly was.

`carruntime.collection` decides which episodes are played and by whom; a `Recorder` plays one of them.
Frames, facts and states are taken right after ``reset`` and ``step``, so those of the last step are
there before anything resets the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from carruntime.facts import Fact, facts_for, symbolic_state
from carruntime.frame_table import FramePool, FrameRule, FrameTable
from carruntime.trajectory import Trajectory, stack

if TYPE_CHECKING:
    import gymnasium as gym

    from carruntime.experts import Policy

__all__ = ["Recorder", "Recording", "SuccessRule", "env_name", "keep", "success_rule"]

SuccessRule: TypeAlias = Callable[[dict[str, Any], float, bool], bool | None]
"""From the last info, the last reward and the last ``terminated`` to success."""
_Env: TypeAlias = "gym.Env[Any, Any]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What is to be recorded of every episode.

    Attributes:
        max_steps: Horizon, or None.
        success: Says how an episode ended, or None for what is known of the environment.
        facts: Named truths, or None for those known of the environment.
        frame: Gives the picture of an environment, or None for no frames.
        pool: Where the pictures of all episodes go.
        provenance: Kept with each trajectory.
    """

    max_steps: int | None
    success: SuccessRule | None
    facts: Mapping[str, Fact] | None
    frame: FrameRule | None
    pool: FramePool
    provenance: Mapping[str, str]


class Recorder:
    """Plays one episode of one environment.

    Args:
        env: Where.
        policy: Who.
        seed: Of the reset, and of everything random in the policy.
        recording: What is kept.
    """

    def __init__(self, env: _Env, policy: Policy, seed: int, recording: Recording) -> None:
        self._env = env
        self._policy = policy
        self._seed = seed
        self._recording = recording
        self.observation, self._info = env.reset(seed=seed)
        policy.start(env, seed)
        self._facts = facts_for(env) if recording.facts is None else recording.facts
        self._observations: list[Any] = []
        self._actions: list[Any] = []
        self._rewards: list[float] = []
        self._truths: list[list[bool]] = []
        self._states: list[dict[str, Any]] = []
        self._frames: list[int] = []
        self._ended = (False, False)
        self._look()

    @property
    def over(self) -> bool:
        """Whether the episode has ended, or reached the horizon."""
        limit = self._recording.max_steps
        return any(self._ended) or (limit is not None and len(self._actions) >= limit)

    def act(self) -> Any:
        """Ask the policy."""
        return self._policy.act(self._env, self.observation)

    def take(self, action: Any) -> None:
        """Play an action and keep what came of it."""
        self.observation, reward, terminated, truncated, self._info = self._env.step(action)
        self._actions.append(keep(action))
        self._rewards.append(float(reward))
        self._ended = (bool(terminated), bool(truncated))
        self._look()

    def trajectory(self) -> Trajectory:
        """Give the episode."""
        ended = np.zeros((2, len(self._actions)), dtype=np.bool_)
        ended[:, -1] = self._ended
        rule = self._recording.success
        if rule is None:
            rule = success_rule(self._env)
        truths = np.array(self._truths, dtype=np.bool_).reshape(len(self._observations), -1)
        names = self._states[0] if self._states else {}
        return Trajectory(
            observations=stack(self._observations),
            actions=stack(self._actions),
            rewards=np.array(self._rewards),
            terminated=ended[0],
            truncated=ended[1],
            success=rule(self._info, self._rewards[-1], self._ended[0]),
            seed=self._seed,
            policy=self._policy.name,
            env_id=env_name(self._env),
            provenance=self._recording.provenance,
            facts={name: truths[:, column].copy() for column, name in enumerate(self._facts)},
            states={name: np.stack([state[name] for state in self._states]) for name in names},
            frames=FrameTable(self._recording.pool.pictures, np.array(self._frames, np.int64))
            if self._frames
            else None,
        )

    def _look(self) -> None:
        self._observations.append(keep(self.observation))
        self._truths.append([bool(fact(self._env)) for fact in self._facts.values()])
        state = symbolic_state(self._env)
        if state is not None:
            self._states.append(state)
        if self._recording.frame is not None:
            self._frames.append(self._recording.pool.add(self._recording.frame(self._env)))


def env_name(env: _Env) -> str:
    """Give the id an environment was made by, or its class name."""
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__


def keep(sample: Any) -> Any:
    """Copy what an environment might write into again."""
    if isinstance(sample, np.ndarray):
        return sample.copy()
    if isinstance(sample, dict):
        return {key: keep(value) for key, value in sample.items()}
    if isinstance(sample, tuple):
        return tuple(keep(value) for value in sample)
    return sample


def success_rule(env: _Env) -> SuccessRule:
    """Give what tells success where the caller does not say: the environment's own word."""
    minigrid = any(base.__name__ == "MiniGridEnv" for base in type(env.unwrapped).__mro__)

    def rule(info: dict[str, Any], reward: float, terminated: bool) -> bool | None:
        for key in ("is_success", "success"):
            if key in info:
                return bool(info[key])
        return terminated and reward > 0.0 if minigrid else None

    return rule
