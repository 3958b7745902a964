"""Frames of MiniGrid, drawn from encoded grids by copying tiles.

MiniGrid draws each tile with a Python loop over three times three times its pixels. Here all
tiles that can occur are drawn at once, with whole arrays, into a table of about a megabyte and a
half (for 32 pixels a side), and a frame is then a gather from it. Frames equal those of
``MiniGridEnv.get_frame`` to the pixel, for every object, colour, door and agent.

The order of operations is MiniGrid's: shapes are tested at the middle of sub-pixels, colours are
cut to whole numbers, then the cell is lit, then nine sub-pixels are averaged, row first.

Source of the shapes: ``minigrid.core.world_object`` and ``minigrid.core.grid`` of MiniGrid 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError, ShapeError
from carruntime.minigrid.encoding import (
    AGENT,
    BALL,
    BOX,
    CLOSED,
    COLOURS,
    DOOR,
    EMPTY,
    FLOOR,
    GOAL,
    KEY,
    LAVA,
    LOCKED,
    OPEN,
    STATES,
    TYPES,
    UNSEEN,
    VIEW,
    WALL,
    state_of,
)

__all__ = ["frame_of", "render"]

_SUBDIVISIONS: Final = 3
_NOBODY: Final = 4
_RGB: Final = (
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (112, 39, 195),
    (255, 255, 0),
    (100, 100, 100),
)
_LARGEST: Final = 256

_Bools: TypeAlias = NDArray[np.bool_]
_Floats: TypeAlias = NDArray[np.float64]


def render(
    grids: NDArray[np.uint8],
    agent_pos: NDArray[np.integer[Any]],
    agent_dir: NDArray[np.integer[Any]],
    *,
    tile_size: int = 32,
    highlight: bool = True,
    view_size: int = VIEW,
    see_through_walls: bool = False,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Draw frames as ``MiniGridEnv.get_frame`` does.

    Args:
        grids: Cells as ``Grid.encode`` gives them, uint8 ``[N, W, H, 3]``. Cells of type unseen
            or agent are drawn as empty ones.
        agent_pos: x and y, integers ``[N, 2]``, inside the grid.
        agent_dir: 0 right, 1 down, 2 left, 3 up; integers ``[N]``.
        tile_size: Pixels along a side of a cell, 1 to 256.
        highlight: Light up what the agent sees.
        view_size: Cells along a side of its view, odd.
        see_through_walls: Whether it sees what is behind walls and closed doors.
        out: Where to draw, uint8 ``[N, H * tile_size, W * tile_size, 3]``, C-contiguous; made
            when left out.

    Returns:
        ``out``: RGB, uint8 ``[N, H * tile_size, W * tile_size, 3]``.

    Raises:
        ShapeError: If an array has another shape or dtype, or an agent is outside its grid.
        OptionError: If a number is out of its range, or a cell holds nothing that is known.
    """
    _check_numbers(tile_size, view_size)
    grids, positions, directions = _checked(grids, agent_pos, agent_dir)
    count, width, height = grids.shape[:3]
    shape = (count, height * tile_size, width * tile_size, 3)
    if out is None:
        out = np.empty(shape, np.uint8)
    elif out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
        raise ShapeError(
            "render", [f"out: {out.dtype} {out.shape}; want C-contiguous uint8 {shape}"]
        )
    from carruntime.minigrid.kernels import draw_frames

    tiles, index = _table(tile_size)
    bad = draw_frames(
        tiles,
        index,
        grids,
        positions,
        directions,
        bool(highlight),
        bool(see_through_walls),
        np.empty((view_size, view_size, 3), np.uint8),
        np.empty((view_size, view_size), np.bool_),
        np.empty((width, height), np.bool_),
        out.reshape(count, height * tile_size, width * tile_size * 3),
    )
    if bad >= 0:
        raise OptionError(
            f"render: grid {bad} has {_strange(grids[bad])}; want types 0 to {TYPES - 1}, colours "
            f"0 to {len(COLOURS) - 1} and door states 0 to {STATES - 1}, as Grid.encode() gives"
        )
    return out


def frame_of(
    env: Any, *, tile_size: int | None = None, highlight: bool | None = None
) -> NDArray[np.uint8]:
    """Draw the frame that a MiniGrid environment would, without asking it to draw.

    Args:
        env: Any MiniGrid environment after its reset, wrapped or not.
        tile_size: Pixels along a side of a cell; the environment's own when left out.
        highlight: Light up what the agent sees; the environment's own choice when left out.

    Returns:
        uint8 ``[H * tile_size, W * tile_size, 3]``.

    Raises:
        OptionError: If it is no MiniGrid environment, or was never reset.
    """
    state = state_of(env)
    inner = getattr(env, "unwrapped", env)
    frames = render(
        state.grid[None],
        state.agent_pos[None],
        np.array([state.agent_dir]),
        tile_size=int(inner.tile_size) if tile_size is None else tile_size,
        highlight=bool(inner.highlight) if highlight is None else highlight,
        view_size=state.view_size,
        see_through_walls=state.see_through_walls,
    )
    frame: NDArray[np.uint8] = frames[0]
    return frame


def _check_numbers(tile_size: int, view_size: int) -> None:
    if not 1 <= tile_size <= _LARGEST:
        raise OptionError(f"render: tile_size {tile_size}; want 1 to {_LARGEST} pixels")
    if view_size < 3 or view_size % 2 == 0:
        raise OptionError(
            f"render: view_size {view_size}; MiniGrid's views are odd, with the agent in the "
            "middle of the lowest row: want 3, 5, 7 ..."
        )


def _checked(
    grids: Any, agent_pos: Any, agent_dir: Any
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    grids, positions, directions = (np.asarray(a) for a in (grids, agent_pos, agent_dir))
    problems = []
    if grids.dtype != np.uint8 or grids.ndim != 4 or grids.shape[3] != 3:
        problems.append(f"grids: {grids.dtype} {grids.shape}; want uint8 (N, W, H, 3)")
    count = len(grids) if grids.ndim else 0
    if positions.dtype.kind not in "iu" or positions.shape != (count, 2):
        problems.append(
            f"agent_pos: {positions.dtype} {positions.shape}; want integers ({count}, 2)"
        )
    if directions.dtype.kind not in "iu" or directions.shape != (count,):
        problems.append(
            f"agent_dir: {directions.dtype} {directions.shape}; want integers ({count},)"
        )
    if not problems:
        inside = (positions >= 0) & (positions < np.array(grids.shape[1:3]))
        problems += [
            f"agent_pos: {positions[row].tolist()} in row {row} is outside the grid of "
            f"{grids.shape[1]} x {grids.shape[2]} cells"
            for row in np.flatnonzero(~inside.all(axis=1))[:1].tolist()
        ]
        turned = (directions < 0) | (directions > 3)
        problems += [
            f"agent_dir: {directions[row]} in row {row}; want 0, 1, 2 or 3"
            for row in np.flatnonzero(turned)[:1].tolist()
        ]
    if problems:
        raise ShapeError("render", problems)
    return (
        np.ascontiguousarray(grids),
        np.ascontiguousarray(positions, np.int64),
        np.ascontiguousarray(directions, np.int64),
    )


def _strange(grid: NDArray[np.uint8]) -> str:
    kinds, colours, states = np.moveaxis(grid, 2, 0)
    bad = (kinds > AGENT) | (colours >= len(COLOURS)) | ((kinds == DOOR) & (states >= STATES))
    x, y = (int(axis[0]) for axis in np.nonzero(bad))
    return f"({', '.join(map(str, grid[x, y].tolist()))}) at x {x}, y {y}"


# The table --------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _table(tile_size: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Draw all tiles of one size, and say where each is.

    Returns:
        uint8 ``[K, t, t * 3]`` and int32 ``[types, colours, states, 5, 2]``; see
        `carruntime.minigrid.kernels.draw_frames`.
    """
    canvas = _Canvas(tile_size)
    index = np.zeros((TYPES, len(COLOURS), STATES, 5, 2), np.int32)
    tiles: list[NDArray[np.uint8]] = []
    triangles = [_agent(canvas, facing) for facing in range(4)]
    for kind, colour, state in _cells():
        bare = canvas.empty()
        _OBJECTS[kind](canvas, bare, colour, state)
        for facing in range(5):
            image = bare.copy()
            if facing != _NOBODY:
                image[triangles[facing]] = _RGB[0]
            for lit in range(2):
                index[kind, colour, state, facing, lit] = len(tiles)
                tiles.append(canvas.tile(image, lit=bool(lit)))
    for drawn_as_empty in (UNSEEN, AGENT):
        index[drawn_as_empty] = index[EMPTY]
    table = np.stack(tiles).reshape(len(tiles), tile_size, tile_size * 3)
    return table, index


def _cells() -> list[tuple[int, int, int]]:
    cells = [(EMPTY, 0, 0), (LAVA, 0, 0)]
    for colour in range(len(COLOURS)):
        cells += [(kind, colour, 0) for kind in (WALL, FLOOR, KEY, BALL, BOX, GOAL)]
        cells += [(DOOR, colour, state) for state in (OPEN, CLOSED, LOCKED)]
    return cells


class _Canvas:
    """A cell before it is made smaller: where its sub-pixels are, and how to fill them."""

    def __init__(self, tile_size: int) -> None:
        self.tile_size = tile_size
        self.side = tile_size * _SUBDIVISIONS
        middle = (np.arange(self.side) + 0.5) / self.side
        self.x, self.y = np.meshgrid(middle, middle)

    def empty(self) -> NDArray[np.uint8]:
        image = np.zeros((self.side, self.side, 3), np.uint8)
        image[self.rectangle(0, 0.031, 0, 1)] = (100, 100, 100)
        image[self.rectangle(0, 1, 0, 0.031)] = (100, 100, 100)
        return image

    def rectangle(self, left: float, right: float, top: float, bottom: float) -> _Bools:
        x, y = self.x, self.y
        return (x >= left) & (x <= right) & (y >= top) & (y <= bottom)

    def circle(self, x: float, y: float, radius: float) -> _Bools:
        dx, dy = self.x - x, self.y - y
        return dx * dx + dy * dy <= radius * radius

    def stroke(self, x0: float, y0: float, x1: float, y1: float, radius: float) -> _Bools:
        """Points at most ``radius`` from a line; its ends are held in single precision."""
        begin = np.array([x0, y0], np.float32)
        along = np.array([x1, y1], np.float32) - begin
        length = np.linalg.norm(along)
        along = along / length
        dx, dy = self.x - begin[0], self.y - begin[1]
        reached = np.clip(dx * along[0] + dy * along[1], 0, length)
        far_x = self.x - (begin[0] + reached * along[0])
        far_y = self.y - (begin[1] + reached * along[1])
        near: _Bools = np.sqrt(far_x * far_x + far_y * far_y) <= radius
        return near & self.rectangle(
            min(x0, x1) - radius, max(x0, x1) + radius, min(y0, y1) - radius, max(y0, y1) + radius
        )

    def tile(self, image: NDArray[np.uint8], *, lit: bool) -> NDArray[np.uint8]:
        if lit:
            image = (image + 0.30 * (255 - image)).astype(np.uint8)
        size, parts = self.tile_size, _SUBDIVISIONS
        split = image.reshape(size, parts, size, parts, 3)
        tile: NDArray[np.uint8] = split.mean(axis=3).mean(axis=1).astype(np.uint8)
        return tile


def _agent(canvas: _Canvas, facing: int) -> _Bools:
    """Say which sub-pixels the triangle of the agent covers."""
    angle = -0.5 * math.pi * facing
    dx, dy = canvas.x - 0.5, canvas.y - 0.5
    x = 0.5 + dx * math.cos(angle) - dy * math.sin(angle)
    y = 0.5 + dy * math.cos(angle) + dx * math.sin(angle)
    corner, tip, other = np.array([(0.12, 0.19), (0.87, 0.50), (0.12, 0.81)], np.float32)
    v0, v1 = other - corner, tip - corner
    px, py = x - corner[0], y - corner[1]
    dot00, dot01, dot11 = np.dot(v0, v0), np.dot(v0, v1), np.dot(v1, v1)
    dot02 = v0[0] * px + v0[1] * py
    dot12 = v1[0] * px + v1[1] * py
    scale = 1 / (dot00 * dot11 - dot01 * dot01)
    u: _Floats = (dot11 * dot02 - dot01 * dot12) * scale
    v: _Floats = (dot00 * dot12 - dot01 * dot02) * scale
    covered: _Bools = (u >= 0) & (v >= 0) & (u + v < 1)
    return covered


_Drawing: TypeAlias = Callable[[_Canvas, NDArray[np.uint8], int, int], None]


def _nothing(canvas: _Canvas, image: NDArray[np.uint8], colour: int, state: int) -> None:
    del canvas, image, colour, state


def _filled(canvas: _Canvas, image: NDArray[np.uint8], colour: int, state: int) -> None:
    del state
    image[canvas.rectangle(0, 1, 0, 1)] = _RGB[colour]


def _floor(canvas: _Canvas, image: NDArray[np.uint8], colour: int, state: int) -> None:
    del state
    pale = [part // 2 for part in _RGB[colour]]
    image[canvas.rectangle(0.031, 1, 0.031, 1)] = pale


def _lava(canvas: _Canvas, image: NDArray[np.uint8], colour: int, state: int) -> None:
    del colour, state
    image[canvas.rectangle(0, 1, 0, 1)] = (255, 128, 0)
    for wave in range(3):
        low, high = 0.3 + 0.2 * wave, 0.4 + 0.2 * wave
        for x0, y0, x1, y1 in (
            (0.1, low, 0.3, high),
            (0.3, high, 0.5, low),
            (0.5, low, 0.7, high),
            (0.7, high, 0.9, low),
        ):
            image[canvas.stroke(x0, y0, x1, y1, 0.03)] = 0


def _door(canvas: _Canvas, image: NDArray[np.uint8], colour: int, state: int) -> None:
    rgb = _RGB[colour]
    if state == OPEN:
        image[canvas.rectangle(0.88, 1.00, 0.00, 1.00)] = rgb
        image[canvas.rectangle(0.92, 0.96, 0.04, 0.96)] = 0
        return
    image[canvas.rectangle(0.00, 1.00, 0.00, 1.00)] = rgb
    if state == LOCKED:
        dim = [int(0.45 * part) for part in rgb]
        image[canvas.rectangle(0.06, 0.94, 0.06, 0.94)] = dim
        image[canvas.rectangle(0.52, 0.75, 0.50, 0.56)] = rgb
        return
    image[canvas.rectangle(0.04, 0.96, 0.04, 0.96)] = 0
    image[canvas.rectangle(0.08, 0.92, 0.08, 0.92)] = rgb
    image[canvas.rectangle(0.12, 0.88, 0.12, 0.88)] = 0
    image[canvas.circle(0.75, 0.50, 0.08)] = rgb


def _key(canvas: _Canvas, image: NDArray[np.uint8], colour: int, state: int) -> None:
    del state
    rgb = _RGB[colour]
    image[canvas.rectangle(0.50, 0.63, 0.31, 0.88)] = rgb
    image[canvas.rectangle(0.38, 0.50, 0.59, 0.66)] = rgb
    image[canvas.rectangle(0.38, 0.50, 0.81, 0.88)] = rgb
    image[canvas.circle(0.56, 0.28, 0.190)] = rgb
    image[canvas.circle(0.56, 0.28, 0.064)] = 0


def _ball(canvas: _Canvas, image: NDArray[np.uint8], colour: int, state: int) -> None:
    del state
    image[canvas.circle(0.5, 0.5, 0.31)] = _RGB[colour]


def _box(canvas: _Canvas, image: NDArray[np.uint8], colour: int, state: int) -> None:
    del state
    rgb = _RGB[colour]
    image[canvas.rectangle(0.12, 0.88, 0.12, 0.88)] = rgb
    image[canvas.rectangle(0.18, 0.82, 0.18, 0.82)] = 0
    image[canvas.rectangle(0.16, 0.84, 0.47, 0.53)] = rgb


_OBJECTS: Final[dict[int, _Drawing]] = {
    EMPTY: _nothing,
    WALL: _filled,
    FLOOR: _floor,
    DOOR: _door,
    KEY: _key,
    BALL: _ball,
    BOX: _box,
    GOAL: _filled,
    LAVA: _lava,
}
