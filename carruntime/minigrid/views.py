"""What a MiniGrid agent sees, taken straight from the grid.

MiniGrid makes three or four copies of a small grid of objects for every observation, which is
most of what a step costs. The same picture is a look at 49 cells. Whoever plays many
episodes of environments that are not compiled puts it in for as long as that takes.

Source: ``gen_obs`` of ``minigrid.minigrid_env`` and ``process_vis`` of ``minigrid.core.grid`` of
MiniGrid 3.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import lru_cache
from types import MethodType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from carruntime.minigrid.encoding import DOOR, EMPTY, GREY, OPEN, UNSEEN, WALL

__all__ = ["quick_views", "view_of"]

_OBJECTS: Final = "minigrid.core.world_object"
"""Home of the objects whose encoding says whether they can be seen past."""
_BEYOND: Final = (WALL, GREY, 0)
_NOTHING: Final = (EMPTY, 0, 0)
_HIDDEN: Final = (UNSEEN, 0, 0)
_METHODS: Final = ("gen_obs", "gen_obs_grid", "get_view_exts")
_AHEAD: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))


@contextlib.contextmanager
def quick_views(env: Any) -> Iterator[bool]:
    """Let a MiniGrid environment make its observations from the grid, while the context lasts.

    Observations are the same to the byte. An environment that is no MiniGrid, or makes its
    observations its own way, is left alone. A copy that is made meanwhile keeps what it had.

    Args:
        env: Any environment, wrapped or not.

    Yields:
        Whether it was done.
    """
    inner = getattr(env, "unwrapped", env)
    if not _usual(inner):
        yield False
        return
    # A method and no closure: a copy of the environment then looks at its own grid.
    inner.gen_obs = MethodType(_observation, inner)
    try:
        yield True
    finally:
        del inner.gen_obs


def _observation(inner: Any) -> dict[str, Any]:
    image = view_of(inner)
    if image is None:
        return dict(type(inner).gen_obs(inner))
    return {"image": image, "direction": inner.agent_dir, "mission": inner.mission}


def _usual(inner: Any) -> bool:
    """Whether an environment's observations are made by MiniGrid's own methods."""
    base = next((one for one in type(inner).__mro__ if one.__name__ == "MiniGridEnv"), None)
    if base is None or base.__module__ != "minigrid.minigrid_env" or "gen_obs" in vars(inner):
        return False
    return all(
        getattr(type(inner), name, None) is getattr(base, name, None) and name not in vars(inner)
        for name in _METHODS
    )


def view_of(inner: Any) -> NDArray[np.uint8] | None:
    """Give what the agent of a MiniGrid environment sees.

    Args:
        inner: The environment itself, without wrappers.

    Returns:
        uint8 ``[V, V, 3]``, as in its observations; None where an object in view is of a class that
        is not MiniGrid's own, so that nothing is known of what it hides.
    """
    size = inner.agent_view_size
    grid = inner.grid
    width, height, cells = grid.width, grid.height, grid.grid
    x0, y0 = int(inner.agent_pos[0]), int(inner.agent_pos[1])
    codes: list[Any] = []
    blocks: list[bool] = []
    for dx, dy in _offsets(size, int(inner.agent_dir)):
        x, y = x0 + dx, y0 + dy
        if not (0 <= x < width and 0 <= y < height):
            codes.append(_BEYOND)
            blocks.append(True)
            continue
        cell = cells[y * width + x]
        if cell is None:
            codes.append(_NOTHING)
            blocks.append(False)
            continue
        if type(cell).__module__ != _OBJECTS:
            return None
        code = cell.encode()
        codes.append(code)
        blocks.append(code[0] == WALL or (code[0] == DOOR and code[2] != OPEN))
    own = size // 2 * size + size - 1
    if not inner.see_through_walls:
        for index, seen in enumerate(_seen(blocks, size, own)):
            if not seen:
                codes[index] = _HIDDEN
    codes[own] = _NOTHING if inner.carrying is None else inner.carrying.encode()
    return np.array(codes, np.uint8).reshape(size, size, 3)


@lru_cache(maxsize=64)
def _offsets(size: int, facing: int) -> tuple[tuple[int, int], ...]:
    """Give where each cell of the view lies from the agent, columns first as in the image."""
    dx, dy = _AHEAD[facing]
    return tuple(
        (dx * (size - 1 - j) - dy * (i - size // 2), dy * (size - 1 - j) + dx * (i - size // 2))
        for i in range(size)
        for j in range(size)
    )


def _seen(blocks: list[bool], size: int, own: int) -> list[bool]:
    """Let light go up row by row, and sideways in each."""
    seen = [False] * len(blocks)
    seen[own] = True
    last = (size - 1) * size
    for j in range(size - 1, -1, -1):
        for at in range(j, last, size):
            if seen[at] and not blocks[at]:
                seen[at + size] = True
                if j:
                    seen[at + size - 1] = seen[at - 1] = True
        for at in range(last + j, size - 1, -size):
            if seen[at] and not blocks[at]:
                seen[at - size] = True
                if j:
                    seen[at - size - 1] = seen[at - 1] = True
    return seen
