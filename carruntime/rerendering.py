"""Frames of recorded episodes, drawn from their states or taken by playing them again.

A frame is thousands of times as large as the action that led to it, so frames are not stored.
Where the recorded states say what the pictures were, for MiniGrid's own environments, they are drawn
from these. Otherwise an episode is its seed and its actions, and playing these gives the same
pictures. Whether it is the same episode is then checked on every step, observations and rewards
alike, because another version of an environment would give pictures of something else without a
word.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from carruntime.environments import make_env
from carruntime.errors import OptionError, ReproductionError
from carruntime.frame_table import FramePool, FrameRule, FrameTable, frame_of
from carruntime.minigrid.redraw import drawn
from carruntime.trajectory import Trajectory, TrajectorySet, take

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = ["with_frames"]

_Env: TypeAlias = "gym.Env[Any, Any]"


def with_frames(
    trajectories: TrajectorySet,
    env: str | _Env | Callable[[], _Env] | None = None,
    *,
    frame: FrameRule | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TrajectorySet:
    """Give episodes with their frames, drawn from their states or played again.

    Args:
        trajectories: Recorded with seeds, in an environment that follows them.
        env: What to play them in: an environment, an id, or a function that makes one. Left out,
            it is made from the id and the arguments it was recorded with, and rendered in
            ``rgb_array`` mode.
        frame: From the environment to its picture, asked while they are played again; left out,
            what it renders.
        progress: Told after each episode.

    Returns:
        The same trajectories with ``frames`` set.

    Raises:
        OptionError: If an episode has no seed, or the environment gives no frames.
        ReproductionError: If an episode played again is not the one that was recorded.
    """
    rule = frame_of if frame is None else frame
    pool = FramePool()
    out = []
    with _opened(trajectories, env) as made:
        tables = drawn(made, trajectories.trajectories, pool) if frame is None else None
        if tables is not None:
            if progress is not None:
                progress(len(trajectories), len(trajectories))
            pairs = zip(trajectories, tables, strict=True)
            together = tuple(replace(item, frames=table) for item, table in pairs)
            return replace(trajectories, trajectories=together)
        for number, item in enumerate(trajectories):
            out.append(replace(item, frames=_pictures(made, item, rule, pool)))
            if progress is not None:
                progress(number + 1, len(trajectories))
    return replace(trajectories, trajectories=tuple(out))


@contextlib.contextmanager
def _opened(
    trajectories: TrajectorySet, env: str | _Env | Callable[[], _Env] | None
) -> Iterator[_Env]:
    if env is not None and hasattr(env, "reset") and hasattr(env, "action_space"):
        yield env  # type: ignore[misc]
        return
    if callable(env):
        made = env()
    else:
        env_id = env if isinstance(env, str) else trajectories.env_id
        if not env_id:
            raise OptionError("with_frames: the trajectories name no environment; pass env=")
        text = trajectories[0].provenance.get("kwargs", "{}") if len(trajectories) else "{}"
        made = make_env(env_id, **{**json.loads(text), "render_mode": "rgb_array"})
    try:
        yield made
    finally:
        made.close()


def _pictures(env: _Env, item: Trajectory, rule: FrameRule, pool: FramePool) -> FrameTable:
    if item.seed is None:
        raise OptionError(
            f"with_frames: {item!r} has no seed, so it cannot be played again; record the seed of "
            "each reset"
        )
    observation, _ = env.reset(seed=item.seed)
    _compare(item, 0, observation, None)
    numbers = [pool.add(rule(env))]
    for t in range(len(item)):
        action = take(item.actions, t)
        # Discrete actions are kept as an array, and some environments want a plain int.
        plain = action.item() if isinstance(action, np.generic) else action
        observation, reward, terminated, truncated, _ = env.step(plain)
        _compare(item, t + 1, observation, float(reward))
        if t + 1 < len(item) and (terminated or truncated):
            raise _other(item, t + 1, "the episode ends there")
        numbers.append(pool.add(rule(env)))
    return FrameTable(pool.pictures, np.array(numbers, dtype=np.int64))


def _compare(item: Trajectory, index: int, observation: Any, reward: float | None) -> None:
    if not _same(take(item.observations, index), observation):
        raise _other(item, index, "the observation is another one")
    if reward is not None and reward != item.rewards[index - 1]:
        raise _other(item, index, f"the reward is {reward!r}, not {item.rewards[index - 1]!r}")


def _other(item: Trajectory, index: int, what: str) -> ReproductionError:
    versions = ", ".join(f"{name} {value}" for name, value in item.provenance.items())
    return ReproductionError(
        f"with_frames: {item!r} cannot be played again: after {index} actions {what}. It was "
        f"recorded with: {versions or 'nothing known'}. Use these versions, or pass the environment "
        "with its wrappers and arguments as env="
    )


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return isinstance(right, dict) and all(
            key in right and _same(value, right[key]) for key, value in left.items()
        )
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, str):
        return bool(left == right)
    return np.array_equal(left, right, equal_nan=np.asarray(left).dtype.kind == "f")
