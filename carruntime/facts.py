"""Named truths of a simulator, read after every step of a recorded episode.

A sub-task that says "key picked up" can be held against the simulator only if somebody knows when
the key was picked up. These functions look at the simulator itself, never at an observation, so they
are what a program's claims are measured by (`carruntime.truth`).

| name | true while | environments |
| --- | --- | --- |
| ``goal_reached`` | the agent stands on the goal | MiniGrid with a goal |
| ``in_lava`` | the agent stands in lava | MiniGrid with lava |
| ``key_held``, ``ball_held``, ``box_held`` | such a thing is carried | MiniGrid with such a thing, but for Fetch and PutNear |
| ``door_open`` | a door that was locked at the reset is open; without locked doors, any door | MiniGrid with doors, but for GoToDoor |
| ``all_doors_open`` | every door is open | MiniGrid with several doors, none locked |
| ``target_held`` | the thing that the task names is carried | Fetch, PutNear |
| ``target_near`` | it lies near the other one | PutNear |
| ``target_gone`` | it is nowhere any more: toggling a box destroys it | UnlockPickup, BlockedUnlockPickup, KeyCorridor |
| ``ball_moved`` | the ball is not where it was at the reset | BlockedUnlockPickup |
| ``at_door`` | the agent stands beside the door that the task names | GoToDoor |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from carruntime.grid_world import kind_of, read

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = ["Fact", "facts_for", "symbolic_state"]

Fact: TypeAlias = "Callable[[gym.Env[Any, Any]], bool]"
"""Says of an environment, at any time after its reset, whether something is so."""

_CARRIED: Final = ("key", "ball", "box")


def facts_for(env: gym.Env[Any, Any]) -> Mapping[str, Fact]:
    """Give the truths that can be read from an environment.

    Args:
        env: An environment that was just reset: which truths there are, and what ``ball_moved``
            compares with, depends on the episode.

    Returns:
        Name to function; empty for an environment of which nothing is known.
    """
    inner: Any = env.unwrapped
    if not _is_minigrid(env):
        return {}
    found: dict[str, Fact] = {}
    kinds = {item.type for item in inner.grid.grid if item is not None}
    task = kind_of(env)
    if "goal" in kinds:
        found["goal_reached"] = lambda env: _under(env) == "goal"
    if "lava" in kinds:
        found["in_lava"] = lambda env: _under(env) == "lava"
    if task in ("FetchEnv", "PutNearEnv"):
        found["target_held"] = _target_held
        if task == "PutNearEnv":
            found["target_near"] = _solved
    else:
        found |= {f"{kind}_held": _holder(kind) for kind in _CARRIED if kind in kinds}
    if task == "GoToDoorEnv":
        found["at_door"] = _solved
    elif "door" in kinds:
        doors = [item for item in inner.grid.grid if item is not None and item.type == "door"]
        locked = [item for item in doors if item.is_locked]
        watched = locked or doors
        found["door_open"] = lambda _: any(item.is_open for item in watched)
        if len(doors) > 1 and not locked:
            found["all_doors_open"] = lambda _: all(item.is_open for item in doors)
    if task in ("UnlockPickupEnv", "BlockedUnlockPickupEnv", "KeyCorridorEnv"):
        found["target_gone"] = lambda env: read(env)[0].task.thing is None
    if task == "BlockedUnlockPickupEnv":
        balls = [item for item in inner.grid.grid if item is not None and item.type == "ball"]
        places = [inner.grid.grid.index(item) for item in balls]
        found["ball_moved"] = lambda env: any(
            env.unwrapped.grid.grid[place] is not ball  # type: ignore[attr-defined]
            for place, ball in zip(places, balls, strict=True)
        )
    return found


def symbolic_state(env: gym.Env[Any, Any]) -> dict[str, NDArray[Any]] | None:
    """Give the whole state of a MiniGrid environment as small arrays, or None for another one.

    Returns:
        ``grid``: uint8 ``[W, H, 3]``, MiniGrid's own encoding of every cell; ``agent``: int16
        ``[3]``, cell and direction; ``carrying``: uint8 ``[2]``, type and colour, zeros for nothing.
    """
    if not _is_minigrid(env):
        return None
    inner: Any = env.unwrapped
    x, y = inner.agent_pos
    carried = (0, 0) if inner.carrying is None else inner.carrying.encode()[:2]
    return {
        "grid": inner.grid.encode(),
        "agent": np.array([x, y, inner.agent_dir], dtype=np.int16),
        "carrying": np.array(carried, dtype=np.uint8),
    }


def _is_minigrid(env: gym.Env[Any, Any]) -> bool:
    return any(base.__name__ == "MiniGridEnv" for base in type(env.unwrapped).__mro__)


def _under(env: gym.Env[Any, Any]) -> str | None:
    inner: Any = env.unwrapped
    item = inner.grid.get(*inner.agent_pos)
    return None if item is None else str(item.type)


def _holder(kind: str) -> Fact:
    def held(env: gym.Env[Any, Any]) -> bool:
        carrying = env.unwrapped.carrying  # type: ignore[attr-defined]
        return carrying is not None and carrying.type == kind

    return held


def _target_held(env: gym.Env[Any, Any]) -> bool:
    world, state = read(env)
    if state.carrying is None or world.task.thing is None:
        return False
    return world.things[state.carrying] == world.things[world.task.thing]


def _solved(env: gym.Env[Any, Any]) -> bool:
    world, state = read(env)
    return world.solved(state)
