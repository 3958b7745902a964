"""MiniGrid's encoding of a cell, and the state of an environment as plain arrays.

A cell is three bytes: type, colour, state (of doors only). Grids are indexed ``[x, y]``, x to the
right and y down, as MiniGrid's own ``Grid.encode`` has them.

Source: ``minigrid.core.constants`` of MiniGrid 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError

__all__ = [
    "COLOURS",
    "TYPES",
    "GridState",
    "state_of",
]

UNSEEN, EMPTY, WALL, FLOOR, DOOR, KEY, BALL, BOX, GOAL, LAVA, AGENT = range(11)
TYPES: Final = 11
OPEN, CLOSED, LOCKED = range(3)
STATES: Final = 3
COLOURS: Final = ("red", "green", "blue", "purple", "yellow", "grey")
"""Names in the order of their numbers."""
GREY, YELLOW, GREEN = 5, 4, 1

LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE, DONE = range(7)
ACTIONS: Final = 7
VIEW: Final = 7
"""Cells along a side of the agent's view, where an environment does not say otherwise."""


@dataclass(frozen=True, slots=True)
class GridState:
    """What a MiniGrid environment looks like now.

    Attributes:
        grid: uint8 ``[W, H, 3]``.
        agent_pos: int64 ``[2]``, x and y.
        agent_dir: 0 right, 1 down, 2 left, 3 up.
        carrying: uint8 ``[2]``: type and colour of what is carried; zeros for nothing.
        step_count: Steps since reset.
        view_size: Cells along a side of the agent's view.
        see_through_walls: Whether walls and closed doors hide what is behind them.
    """

    grid: NDArray[np.uint8]
    agent_pos: NDArray[np.int64]
    agent_dir: int
    carrying: NDArray[np.uint8]
    step_count: int
    view_size: int
    see_through_walls: bool


def state_of(env: Any) -> GridState:
    """Take the state out of a MiniGrid environment.

    Args:
        env: Any MiniGrid environment after its reset, wrapped or not.

    Raises:
        OptionError: If it is none, or was never reset.
    """
    inner = getattr(env, "unwrapped", env)
    grid = getattr(inner, "grid", None)
    if grid is None or not hasattr(grid, "encode") or not hasattr(inner, "agent_view_size"):
        raise OptionError(
            f"state_of: {type(inner).__name__} is no MiniGrid environment; want one with a grid, "
            "an agent_pos and an agent_dir"
        )
    if inner.agent_pos is None or inner.agent_dir is None:
        raise OptionError(
            f"state_of: {type(inner).__name__} was never reset, so its grid has no agent: call "
            "env.reset(seed=...) first"
        )
    carrying = np.zeros(2, np.uint8)
    if inner.carrying is not None:
        carrying[:] = inner.carrying.encode()[:2]
    return GridState(
        grid=np.asarray(grid.encode(), np.uint8),
        agent_pos=np.array(inner.agent_pos, np.int64),
        agent_dir=int(inner.agent_dir),
        carrying=carrying,
        step_count=int(inner.step_count),
        view_size=int(inner.agent_view_size),
        see_through_walls=bool(inner.see_through_walls),
    )
