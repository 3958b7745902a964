"""Frames of recorded MiniGrid episodes, drawn from the states that were recorded with them.

A recorded state is the whole grid, so the picture follows from it without playing anything. This
is done only where it is known to be exact: for MiniGrid's own environments, which draw themselves
in the usual way; where every observation is the view that its state gives; and where the first
picture of a set is the one that the environment itself gives. Whoever is told that it is not must
play the episodes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from carruntime.frame_table import FrameTable, frame_of
from carruntime.minigrid.encoding import COLOURS, DOOR, STATES, TYPES

if TYPE_CHECKING:
    from carruntime.frame_table import FramePool
    from carruntime.trajectory import Trajectory

__all__ = ["drawn"]

_BATCH: Final = 64
_METHODS: Final = ("get_frame", "get_full_render", "gen_obs", "gen_obs_grid", "get_view_exts")


def drawn(env: Any, trajectories: Sequence[Trajectory], pool: FramePool) -> list[FrameTable] | None:
    """Draw the frames of episodes.

    Args:
        env: What they were recorded in, wrapped or not; it is reset once.
        trajectories: With their states.
        pool: Where the pictures go.

    Returns:
        A table for each; None where it is not known to be exact.
    """
    inner = env.unwrapped
    if not _usual(inner) or not all(_seen_as_recorded(inner, item) for item in trajectories):
        return None
    if not _begins_alike(env, trajectories):
        return None
    # A picture follows from the state, and most states come many times.
    numbers: dict[bytes, int] = {}
    waiting: list[tuple[NDArray[Any], NDArray[Any]]] = []
    index = []
    for item in trajectories:
        grids, agents = item.states["grid"], item.states["agent"]
        row = np.empty(len(grids), np.int64)
        for at, (grid, agent) in enumerate(zip(grids, agents, strict=True)):
            key = grid.tobytes() + agent.tobytes()
            known = numbers.get(key)
            if known is None:
                known = numbers[key] = len(numbers)
                waiting.append((grid, agent))
            row[at] = known
        index.append(row)
    places = np.empty(len(waiting), np.int64)
    for start in range(0, len(waiting), _BATCH):
        some = waiting[start : start + _BATCH]
        frames = _render(inner, *(np.stack(parts) for parts in zip(*some, strict=True)))
        places[start : start + len(some)] = [pool.add(frame) for frame in frames]
    return [FrameTable(pool.pictures, places[row]) for row in index]


def _render(inner: Any, grids: NDArray[np.uint8], agents: NDArray[Any]) -> NDArray[np.uint8]:
    from carruntime.minigrid.render import render

    return render(
        grids,
        agents[:, :2],
        agents[:, 2],
        tile_size=int(inner.tile_size),
        highlight=bool(inner.highlight),
        view_size=int(inner.agent_view_size),
        see_through_walls=bool(inner.see_through_walls),
    )


def _usual(inner: Any) -> bool:
    """Whether an environment is one of MiniGrid's own and draws itself in the usual way."""
    base = next((one for one in type(inner).__mro__ if one.__name__ == "MiniGridEnv"), None)
    if base is None or not type(inner).__module__.startswith("minigrid."):
        return False
    same = all(getattr(type(inner), name) is getattr(base, name, None) for name in _METHODS)
    return same and not inner.agent_pov


def _seen_as_recorded(inner: Any, item: Trajectory) -> bool:
    """Whether all observations of an episode are the views of its states."""
    from carruntime.minigrid.kernels import observe_batch

    grids, agents = item.states.get("grid"), item.states.get("agent")
    carried, images = item.states.get("carrying"), _images(item)
    size = int(inner.agent_view_size)
    count = len(item) + 1
    if grids is None or agents is None or carried is None or images is None:
        return False
    if (
        images.shape != (count, size, size, 3)
        or grids.dtype != np.uint8
        or grids.shape != (count, inner.width, inner.height, 3)
        or agents.shape != (count, 3)
        or carried.shape != (count, 2)
        or not _known(grids, agents)
    ):
        return False
    views, directions = np.empty(images.shape, np.uint8), np.empty(count, np.int64)
    observe_batch(
        np.ascontiguousarray(grids),
        np.ascontiguousarray(agents, np.int64),
        np.ascontiguousarray(carried, np.uint8),
        views,
        directions,
        np.empty((size, size), np.bool_),
        bool(inner.see_through_walls),
    )
    return bool(np.array_equal(views, images))


def _images(item: Trajectory) -> NDArray[Any] | None:
    observations = item.observations
    found = observations.get("image") if isinstance(observations, dict) else observations
    return found if isinstance(found, np.ndarray) else None


def _known(grids: NDArray[np.uint8], agents: NDArray[Any]) -> bool:
    """Whether the kernels know what the cells are, and the agent stands on one of them."""
    kinds, colours, states = np.moveaxis(grids, 3, 0)
    inside = (agents[:, :2] >= 0) & (agents[:, :2] < np.array(grids.shape[1:3]))
    return bool(
        (kinds < TYPES).all()
        and (colours < len(COLOURS)).all()
        and ((kinds != DOOR) | (states < STATES)).all()
        and inside.all()
        and ((agents[:, 2] >= 0) & (agents[:, 2] <= 3)).all()
    )


def _begins_alike(env: Any, trajectories: Sequence[Trajectory]) -> bool:
    """Whether the first picture of some episode is what the environment itself shows."""
    item = next((item for item in trajectories if item.seed is not None), None)
    if item is None:
        return False
    env.reset(seed=item.seed)
    (frame,) = _render(env.unwrapped, item.states["grid"][:1], item.states["agent"][:1])
    return bool(np.array_equal(frame, frame_of(env)))
