"""Frames drawn from encoded grids, against those that MiniGrid draws, pixel by pixel."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minigrid.core.constants import IDX_TO_COLOR
from minigrid.core.grid import Grid
from minigrid.core.mission import MissionSpace
from minigrid.core.world_object import Goal, WorldObj
from minigrid.minigrid_env import MiniGridEnv
from numpy.typing import NDArray

from carruntime.errors import OptionError, ShapeError
from carruntime.minigrid import MiniGridVectorEnv, frame_of
from carruntime.minigrid.render import _cells, _table, render

COLOURS = tuple(IDX_TO_COLOR.values())


def thing(kind: int, colour: int, state: int) -> WorldObj | None:
    """Make an object of any colour; MiniGrid's decoder would make every goal green."""
    return Goal(IDX_TO_COLOR[colour]) if kind == 8 else WorldObj.decode(kind, colour, state)


class Given(MiniGridEnv):
    """A MiniGrid environment that looks as it is told."""

    def __init__(self, cells: NDArray[np.uint8], agent: tuple[int, int, int], **more: Any) -> None:
        super().__init__(
            mission_space=MissionSpace(mission_func=lambda: "look"),
            width=cells.shape[0],
            height=cells.shape[1],
            **more,
        )
        for x in range(self.width):
            for y in range(self.height):
                self.grid.set(x, y, thing(*cells[x, y].tolist()))
        self.agent_pos, self.agent_dir = agent[:2], agent[2]
        self.step_count = 0

    def _gen_grid(self, width: int, height: int) -> None:
        raise NotImplementedError


@st.composite
def scenes(draw: st.DrawFn) -> tuple[NDArray[np.uint8], tuple[int, int, int], dict[str, Any]]:
    width, height = draw(st.integers(3, 7)), draw(st.integers(3, 7))
    cell = st.one_of(st.just((1, 0, 0)), st.sampled_from(_cells()))
    cells = draw(st.lists(cell, min_size=width * height, max_size=width * height))
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    more = {
        "agent_view_size": draw(st.sampled_from((3, 5, 7, 9))),
        "see_through_walls": draw(st.booleans()),
        "tile_size": draw(st.sampled_from((8, 9, 12))),
        "highlight": draw(st.booleans()),
    }
    grid = np.array(cells, np.uint8).reshape(width, height, 3)
    return grid, (x, y, draw(st.integers(0, 3))), more


@settings(max_examples=40)
@given(scenes())
def test_any_grid_is_drawn_as_by_minigrid(
    scene: tuple[NDArray[np.uint8], tuple[int, int, int], dict[str, Any]],
) -> None:
    grid, agent, more = scene
    env = Given(grid, agent, **more)
    wanted = env.get_frame(more["highlight"], more["tile_size"])
    assert np.array_equal(frame_of(env), wanted)


def test_every_tile_is_that_of_minigrid() -> None:
    """Every object, colour and door, with and without an agent on it, lit.

    Agents face another way on each; the benchmark compares all of them, at all sizes.
    """
    tiles, index = _table(8)
    for number, (kind, colour, state) in enumerate(_cells()):
        for facing in (None, number % 4):
            wanted = Grid.render_tile(
                thing(kind, colour, state), agent_dir=facing, highlight=True, tile_size=8
            )
            place = index[kind, colour, state, 4 if facing is None else facing, 1]
            assert np.array_equal(tiles[place].reshape(8, 8, 3), wanted.astype(np.uint8))


@pytest.mark.parametrize("tile_size", [10, 32])
def test_tiles_of_other_sizes_are_those_of_minigrid(tile_size: int) -> None:
    """Shapes with slanted or round edges, where sizes might differ."""
    tiles, index = _table(tile_size)
    some = ((9, 0, 0, None), (5, 3, 0, None), (6, 1, 0, None), (4, 4, 1, None), (8, 1, 0, 3))
    for kind, colour, state, facing in some:
        wanted = Grid.render_tile(
            thing(kind, colour, state), agent_dir=facing, highlight=False, tile_size=tile_size
        )
        place = index[kind, colour, state, 4 if facing is None else facing, 0]
        tile = tiles[place].reshape(tile_size, tile_size, 3)
        assert np.array_equal(tile, wanted.astype(np.uint8))


@pytest.mark.parametrize(
    "env_id",
    [
        "MiniGrid-BlockedUnlockPickup-v0",
        "MiniGrid-LavaCrossingS9N2-v0",
        "MiniGrid-Fetch-6x6-N2-v0",
        "MiniGrid-Dynamic-Obstacles-6x6-v0",
        "MiniGrid-MemoryS7-v0",
        "BabyAI-UnlockPickupDist-v0",
    ],
)
def test_environments_are_drawn_as_they_draw_themselves(env_id: str) -> None:
    env = gym.make(env_id, render_mode="rgb_array", tile_size=8, highlight=True)
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(12):
        assert np.array_equal(frame_of(env), np.asarray(env.render()))
        terminated, truncated = env.step(env.action_space.sample())[2:4]
        if terminated or truncated:
            env.reset()
    env.close()


def test_a_batch_is_its_frames_and_can_be_drawn_into() -> None:
    env = MiniGridVectorEnv(
        "MiniGrid-UnlockPickup-v0", 5, render_mode="rgb_array", tile_size=8, highlight=False
    )
    env.reset(seed=0)
    frames = env.render()
    assert frames is not None
    assert len(frames) == 5
    out = np.empty((5, 48, 88, 3), np.uint8)
    agents = env.agents
    assert (
        render(env.grids, agents[:, :2], agents[:, 2], tile_size=8, highlight=False, out=out) is out
    )
    for row in range(5):
        alone = render(
            env.grids[row : row + 1],
            agents[row : row + 1, :2],
            agents[row : row + 1, 2],
            tile_size=8,
            highlight=False,
        )
        assert np.array_equal(alone[0], out[row])
        assert np.array_equal(frames[row], out[row])


def test_unseen_cells_and_agents_in_a_grid_are_drawn_as_empty() -> None:
    grid = np.ones((1, 3, 3, 3), np.uint8)
    grid[..., 1:] = 0
    where, facing = np.zeros((1, 2), np.int64), np.zeros(1, np.int64)
    empty = render(grid, where, facing, tile_size=8)
    grid[0, 1, 1], grid[0, 2, 2] = (0, 0, 0), (10, 0, 2)
    assert np.array_equal(render(grid, where, facing, tile_size=8), empty)


def test_what_cannot_be_drawn_is_named() -> None:
    grid = np.ones((2, 3, 3, 3), np.uint8)
    where, facing = np.zeros((2, 2), np.int64), np.zeros(2, np.int64)
    with pytest.raises(ShapeError, match=r"grids: int64 .*\n.*agent_pos: float64"):
        render(grid.astype(np.int64), where.astype(np.float64), facing)
    with pytest.raises(ShapeError, match=r"\[3, 0\] in row 1 is outside the grid of 3 x 3"):
        render(grid, np.array([[0, 0], [3, 0]]), facing)
    with pytest.raises(ShapeError, match="agent_dir: 4 in row 0"):
        render(grid, where, np.array([4, 0]))
    with pytest.raises(ShapeError, match="out: uint8"):
        render(grid, where, facing, tile_size=8, out=np.empty((2, 24, 24, 1), np.uint8))
    grid[1, 2, 0] = (4, 0, 3)
    with pytest.raises(OptionError, match=r"grid 1 has \(4, 0, 3\) at x 2, y 0"):
        render(grid, where, facing)
    with pytest.raises(OptionError, match="tile_size 0"):
        render(grid, where, facing, tile_size=0)
    with pytest.raises(OptionError, match="view_size 4"):
        render(grid, where, facing, view_size=4)
    with pytest.raises(OptionError, match="no MiniGrid environment"):
        frame_of(gym.make("CartPole-v1"))
