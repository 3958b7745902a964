"""Compiled rules, views and pictures of MiniGrid, over arrays that the callers have checked.

Kernels write into arrays that are given, allocate nothing, raise nothing and release the GIL.
What is random comes from one 64-bit word of state for each environment, which is an argument
(splitmix64). So layouts follow MiniGrid's distribution, but a seed gives another layout here than
there, where NumPy's PCG64 draws.

All compiled functions are in this one file: the cache of Numba looks at the time stamp of the
file of a function, not at what the function calls.

Source: rules and layouts as in ``minigrid.minigrid_env``, ``minigrid.core.roomgrid`` and
``minigrid.envs`` of MiniGrid 3; splitmix64 after Steele, Lea and Flood, Fast splittable
pseudorandom number generators, OOPSLA 2014.
"""

# ruff: noqa: PLR0917  # Numba calls by position

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from carruntime.minigrid.encoding import (
    ACTIONS,
    AGENT,
    BALL,
    BOX,
    CLOSED,
    DOOR,
    DROP,
    EMPTY,
    FORWARD,
    GOAL,
    GREEN,
    GREY,
    KEY,
    LAVA,
    LEFT,
    LOCKED,
    OPEN,
    PICKUP,
    RIGHT,
    STATES,
    TOGGLE,
    UNSEEN,
    WALL,
    YELLOW,
)

__all__ = ["draw_frames", "observe_batch", "reset_batch", "seed_batch", "step_batch"]

F = TypeVar("F", bound=Callable[..., Any])
_Bytes = NDArray[np.uint8]
_Ints = NDArray[np.int64]
_Words = NDArray[np.uint64]
_Flags = NDArray[np.bool_]

DOORKEY, UNLOCK, UNLOCKPICKUP = range(3)
NEXT_STEP, SAME_STEP, DISABLED = range(3)

_COLOURS: Final = 6
_GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_30: Final = np.uint64(30)
_27: Final = np.uint64(27)
_31: Final = np.uint64(31)
_32: Final = np.uint64(32)


def _kernel(function: F) -> F:
    """Compile with the project's flags; typed, so that strict mypy keeps the signature."""
    # fastmath off: rewards have MiniGrid's very bits. Where no cache directory can be written,
    # Numba refuses to decorate, and nothing but a few seconds is lost.
    if os.environ.get("CARRUNTIME_CACHE") != "off":
        try:
            return cast("F", numba.njit(nogil=True, fastmath=False, cache=True)(function))
        except RuntimeError:
            pass
    return cast("F", numba.njit(nogil=True, fastmath=False)(function))


# Chance -----------------------------------------------------------------------------------


@_kernel
def _mixed(word: np.uint64) -> np.uint64:
    word = (word ^ (word >> _30)) * _MIX_1
    word = (word ^ (word >> _27)) * _MIX_2
    return word ^ (word >> _31)


@_kernel
def _below(words: _Words, row: int, low: int, high: int) -> int:
    """Draw from ``low`` to ``high - 1``; the bias is below ``(high - low) / 2**32``."""
    words[row] += _GAMMA
    drawn = _mixed(words[row]) >> _32
    return low + int((drawn * np.uint64(high - low)) >> _32)


@_kernel
def seed_batch(words: _Words, seeds: _Words, mask: _Flags) -> None:
    """Begin the stream of each environment in ``mask`` at its seed, ``[N]`` all."""
    for row in range(len(words)):
        if mask[row]:
            words[row] = _mixed(seeds[row] + _GAMMA)


# Layouts ----------------------------------------------------------------------------------


@_kernel
def _put(grid: _Bytes, x: int, y: int, kind: int, colour: int, state: int) -> None:
    grid[x, y, 0] = kind
    grid[x, y, 1] = colour
    grid[x, y, 2] = state


@_kernel
def _free_cell(
    grid: _Bytes, words: _Words, row: int, x0: int, size: int, ax: int, ay: int, away: bool
) -> tuple[int, int]:
    """Draw an empty cell with x from ``x0`` to ``x0 + size - 1``, not the agent's.

    With ``away`` neither a cell beside the agent's.
    """
    while True:
        x = _below(words, row, x0, x0 + size)
        y = _below(words, row, 0, grid.shape[1])
        distance = abs(x - ax) + abs(y - ay)
        if grid[x, y, 0] == EMPTY and distance > 0 and not (away and distance < 2):
            return x, y


@_kernel
def _reset_one(
    task: int, row: int, grid: _Bytes, agent: _Ints, carried: _Bytes, target: _Bytes, words: _Words
) -> None:
    width, height = grid.shape[0], grid.shape[1]
    for x in range(width):
        for y in range(height):
            if x == 0 or y == 0 or x == width - 1 or y == height - 1:
                _put(grid, x, y, WALL, GREY, 0)
            else:
                _put(grid, x, y, EMPTY, 0, 0)
    carried[0] = carried[1] = 0
    target[row] = 0
    split = _below(words, row, 2, width - 2) if task == DOORKEY else 5
    for y in range(height):
        _put(grid, split, y, WALL, GREY, 0)
    if task == DOORKEY:
        _put(grid, width - 2, height - 2, GOAL, GREEN, 0)
        ax, ay = _free_cell(grid, words, row, 0, split, -9, -9, False)
        agent[0], agent[1], agent[2] = ax, ay, _below(words, row, 0, 4)
        _put(grid, split, _below(words, row, 1, height - 2), DOOR, YELLOW, LOCKED)
        x, y = _free_cell(grid, words, row, 0, split, ax, ay, False)
        _put(grid, x, y, KEY, YELLOW, 0)
        return
    # MiniGrid parks the agent in the second room while it places objects, and keeps them away.
    if task == UNLOCKPICKUP:
        target[row] = _below(words, row, 0, _COLOURS)
        x, y = _free_cell(grid, words, row, split, 6, split + 3, 3, True)
        _put(grid, x, y, BOX, target[row], 0)
    colour = _below(words, row, 0, _COLOURS)
    _put(grid, split, _below(words, row, 1, height - 1), DOOR, colour, LOCKED)
    x, y = _free_cell(grid, words, row, 0, 6, split + 3, 3, True)
    _put(grid, x, y, KEY, colour, 0)
    while True:
        x, y = _free_cell(grid, words, row, 0, 6, -9, -9, False)
        facing = _below(words, row, 0, 4)
        ahead = grid[x + _dx(facing), y + _dy(facing), 0]
        if ahead in (EMPTY, WALL):
            agent[0], agent[1], agent[2] = x, y, facing
            return


# Rules ------------------------------------------------------------------------------------


@_kernel
def _dx(facing: int) -> int:
    return int(facing == 0) - int(facing == 2)


@_kernel
def _dy(facing: int) -> int:
    return int(facing == 1) - int(facing == 3)


@_kernel
def _any_door_open(grid: _Bytes) -> bool:
    for x in range(grid.shape[0]):
        for y in range(grid.shape[1]):
            if grid[x, y, 0] == DOOR and grid[x, y, 2] == OPEN:
                return True
    return False


@_kernel
def _step_one(task: int, grid: _Bytes, agent: _Ints, carried: _Bytes, action: int) -> bool:
    """Make one step; say whether the task was done by it."""
    if action == LEFT:
        agent[2] = (agent[2] + 3) % 4
        return False
    if action == RIGHT:
        agent[2] = (agent[2] + 1) % 4
        return False
    x, y = agent[0] + _dx(agent[2]), agent[1] + _dy(agent[2])
    ahead, colour, state = grid[x, y, 0], grid[x, y, 1], grid[x, y, 2]
    if action == FORWARD:
        if ahead in (EMPTY, GOAL) or (ahead == DOOR and state == OPEN):
            agent[0], agent[1] = x, y
        return bool(ahead == GOAL)
    if action == PICKUP:
        if carried[0] == 0 and ahead in (KEY, BALL, BOX):
            carried[0], carried[1] = ahead, colour
            _put(grid, x, y, EMPTY, 0, 0)
        return task == UNLOCKPICKUP and carried[0] == BOX
    if action == DROP:
        if carried[0] != 0 and ahead == EMPTY:
            _put(grid, x, y, carried[0], carried[1], 0)
            carried[0] = carried[1] = 0
        return False
    if action == TOGGLE:
        if ahead == DOOR and state == LOCKED:
            if carried[0] == KEY and carried[1] == colour:
                grid[x, y, 2] = OPEN
        elif ahead == DOOR:
            grid[x, y, 2] = CLOSED if state == OPEN else OPEN
        elif ahead == BOX:
            # An opened box is replaced by what is in it, which here is nothing.
            _put(grid, x, y, EMPTY, 0, 0)
        return task == UNLOCK and _any_door_open(grid)
    return False


# Views ------------------------------------------------------------------------------------


@_kernel
def _blocks(kind: int, state: int) -> bool:
    return kind == WALL or (kind == DOOR and state != OPEN)


@_kernel
def _place(x0: int, y0: int, facing: int, side: int, i: int, j: int) -> tuple[int, int]:
    """Give the cell of the grid that a cell of the view shows."""
    ahead, aside = side - 1 - j, i - side // 2
    dx, dy = _dx(facing), _dy(facing)
    return x0 + dx * ahead - dy * aside, y0 + dy * ahead + dx * aside


@_kernel
def _look(grid: _Bytes, x0: int, y0: int, facing: int, view: _Bytes) -> None:
    """Copy what lies before the agent into ``view``, ``[V, V, 3]``; walls beyond the edge."""
    size = view.shape[0]
    for i in range(size):
        for j in range(size):
            x, y = _place(x0, y0, facing, size, i, j)
            if 0 <= x < grid.shape[0] and 0 <= y < grid.shape[1]:
                view[i, j, 0], view[i, j, 1] = grid[x, y, 0], grid[x, y, 1]
                view[i, j, 2] = grid[x, y, 2]
            else:
                view[i, j, 0], view[i, j, 1], view[i, j, 2] = WALL, GREY, 0


@_kernel
def _see(view: _Bytes, seen: _Flags, through: bool) -> None:
    """Mark the cells of a view that the agent sees: light goes up row by row, and sideways."""
    size = view.shape[0]
    seen[:] = through
    seen[size // 2, size - 1] = True
    if through:
        return
    for j in range(size - 1, -1, -1):
        for i in range(size - 1):
            if seen[i, j] and not _blocks(view[i, j, 0], view[i, j, 2]):
                seen[i + 1, j] = True
                if j > 0:
                    seen[i + 1, j - 1] = True
                    seen[i, j - 1] = True
        for i in range(size - 1, 0, -1):
            if seen[i, j] and not _blocks(view[i, j, 0], view[i, j, 2]):
                seen[i - 1, j] = True
                if j > 0:
                    seen[i - 1, j - 1] = True
                    seen[i, j - 1] = True


@_kernel
def _observe_one(
    grid: _Bytes, agent: _Ints, carried: _Bytes, image: _Bytes, seen: _Flags, through: bool
) -> None:
    _look(grid, agent[0], agent[1], agent[2], image)
    _see(image, seen, through)
    size = image.shape[0]
    # The agent sees what it carries in its own place.
    own = carried[0] if carried[0] != 0 else EMPTY
    image[size // 2, size - 1, 0] = own
    image[size // 2, size - 1, 1] = carried[1]
    image[size // 2, size - 1, 2] = 0
    for i in range(size):
        for j in range(size):
            if not seen[i, j]:
                image[i, j, 0] = image[i, j, 1] = image[i, j, 2] = UNSEEN


@_kernel
def observe_batch(
    grids: _Bytes,
    agents: _Ints,
    carried: _Bytes,
    image: _Bytes,
    direction: _Ints,
    seen: _Flags,
    through: bool,
) -> None:
    """Write the views of all environments: uint8 ``[N, V, V, 3]`` and int64 ``[N]``."""
    for row in range(grids.shape[0]):
        _observe_one(grids[row], agents[row], carried[row], image[row], seen, through)
        direction[row] = agents[row, 2]


# Batches ----------------------------------------------------------------------------------


@_kernel
def reset_batch(
    task: int,
    grids: _Bytes,
    agents: _Ints,
    carried: _Bytes,
    target: _Bytes,
    steps: _Ints,
    words: _Words,
    mask: _Flags,
) -> None:
    """Draw a new layout for each environment in ``mask``."""
    for row in range(grids.shape[0]):
        if mask[row]:
            _reset_one(task, row, grids[row], agents[row], carried[row], target, words)
            steps[row] = 0


@_kernel
def step_batch(
    task: int,
    max_steps: int,
    mode: int,
    grids: _Bytes,
    agents: _Ints,
    carried: _Bytes,
    target: _Bytes,
    steps: _Ints,
    words: _Words,
    ended: _Flags,
    actions: _Ints,
    image: _Bytes,
    direction: _Ints,
    rewards: NDArray[np.float64],
    terminated: _Flags,
    truncated: _Flags,
    last_image: _Bytes,
    last_direction: _Ints,
    last_grids: _Bytes,
    last_agents: _Ints,
    seen: _Flags,
) -> int:
    """Step all environments once, and begin new episodes as ``mode`` says.

    Args:
        task: `DOORKEY`, `UNLOCK` or `UNLOCKPICKUP`.
        max_steps: Steps after which an episode is truncated.
        mode: `NEXT_STEP`, `SAME_STEP` or `DISABLED`.
        grids: uint8 ``[N, W, H, 3]``.
        agents: x, y and direction, int64 ``[N, 3]``.
        carried: Type and colour, uint8 ``[N, 2]``.
        target: Colour of the box to fetch, uint8 ``[N]``.
        steps: Since reset, int64 ``[N]``.
        words: State of chance, uint64 ``[N]``.
        ended: Whether the episode ended in the step before, bool ``[N]``; updated.
        actions: int64 ``[N]``.
        image: Views after the step, uint8 ``[N, V, V, 3]``.
        direction: int64 ``[N]``.
        rewards: float64 ``[N]``.
        terminated: bool ``[N]``.
        truncated: bool ``[N]``.
        last_image: With `SAME_STEP` the last view of an episode, ``[N, V, V, 3]``; only rows that
            ended are written.
        last_direction: Likewise, int64 ``[N]``.
        last_grids: Likewise the last cells, uint8 ``[N, W, H, 3]``.
        last_agents: Likewise, int64 ``[N, 3]``.
        seen: Scratch, bool ``[V, V]``.

    Returns:
        How many episodes began in this step; ``-1 - row`` if the action of ``row`` is none, and
        nothing has changed then.
    """
    count = grids.shape[0]
    for row in range(count):
        if not 0 <= actions[row] < ACTIONS:
            return -1 - row
    begun = 0
    for row in range(count):
        rewards[row] = 0.0
        terminated[row] = truncated[row] = False
        if mode == NEXT_STEP and ended[row]:
            _reset_one(task, row, grids[row], agents[row], carried[row], target, words)
            steps[row] = 0
            begun += 1
        else:
            steps[row] += 1
            if _step_one(task, grids[row], agents[row], carried[row], actions[row]):
                terminated[row] = True
                rewards[row] = 1 - 0.9 * (steps[row] / max_steps)
            truncated[row] = steps[row] >= max_steps
        ended[row] = terminated[row] or truncated[row]
        if ended[row] and mode == SAME_STEP:
            _observe_one(grids[row], agents[row], carried[row], last_image[row], seen, False)
            last_direction[row] = agents[row, 2]
            for x in range(grids.shape[1]):
                for y in range(grids.shape[2]):
                    for part in range(3):
                        last_grids[row, x, y, part] = grids[row, x, y, part]
            for part in range(3):
                last_agents[row, part] = agents[row, part]
            _reset_one(task, row, grids[row], agents[row], carried[row], target, words)
            steps[row] = 0
            begun += 1
        _observe_one(grids[row], agents[row], carried[row], image[row], seen, False)
        direction[row] = agents[row, 2]
    return begun


# Pictures ---------------------------------------------------------------------------------


@_kernel
def draw_frames(
    tiles: _Bytes,
    index: NDArray[np.int32],
    grids: _Bytes,
    agent_pos: _Ints,
    agent_dir: _Ints,
    highlight: bool,
    through: bool,
    view: _Bytes,
    seen: _Flags,
    lit: _Flags,
    out: _Bytes,
) -> int:
    """Draw frames by copying tiles.

    Args:
        tiles: uint8 ``[K, t, t * 3]``.
        index: Which tile, int32 ``[types, colours, states, 5, 2]``: the fourth axis is the
            direction of an agent that stands there, 4 for none, the fifth whether it is lit.
        grids: uint8 ``[N, W, H, 3]``.
        agent_pos: int64 ``[N, 2]``, inside the grid.
        agent_dir: int64 ``[N]``, 0 to 3.
        highlight: Whether what the agent sees is lit.
        through: Whether it sees through walls.
        view: Scratch, uint8 ``[V, V, 3]``.
        seen: Scratch, bool ``[V, V]``.
        lit: Scratch, bool ``[W, H]``.
        out: uint8 ``[N, H * t, W * t * 3]``.

    Returns:
        -1, or the number of the first frame that has a cell nothing is known about.
    """
    size, row = tiles.shape[1], tiles.shape[2]
    side = view.shape[0]
    for n in range(grids.shape[0]):
        grid = grids[n]
        ax, ay, facing = agent_pos[n, 0], agent_pos[n, 1], agent_dir[n]
        lit[:] = False
        if highlight:
            _look(grid, ax, ay, facing, view)
            _see(view, seen, through)
            for i in range(side):
                for j in range(side):
                    x, y = _place(ax, ay, facing, side, i, j)
                    if seen[i, j] and 0 <= x < grid.shape[0] and 0 <= y < grid.shape[1]:
                        lit[x, y] = True
        for y in range(grid.shape[1]):
            for x in range(grid.shape[0]):
                kind, colour, state = grid[x, y, 0], grid[x, y, 1], grid[x, y, 2]
                if kind > AGENT or colour >= _COLOURS or (kind == DOOR and state >= STATES):
                    return n
                if kind != DOOR:
                    state = 0
                if kind in (UNSEEN, EMPTY, AGENT, LAVA):
                    colour = 0
                here = facing if x == ax and y == ay else 4
                tile = index[kind, colour, state, here, int(lit[x, y])]
                for r in range(size):
                    # Slices take Numba's general assignment: slower, and long to compile.
                    line = out[n, y * size + r]
                    for c in range(row):
                        line[x * row + c] = tiles[tile, r, c]
    return -1
