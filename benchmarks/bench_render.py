"""How long does a MiniGrid frame take, from encoded grids and by MiniGrid itself?

Unit: microseconds a frame, and how many times as long MiniGrid's own ``get_frame`` takes in the
same run, with its tiles already cached. *batch* draws 16 encoded grids in one call; *one* takes the
state out of a MiniGrid environment and draws that. Frames are compared, pixel by pixel, before
anything is timed; without ``--quick`` every tile of every size from 8 to 32 is compared too.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.harness import Case, Result, markdown_table, run_cases
from carruntime.environments import make_env
from carruntime.minigrid import frame_of, state_of
from carruntime.minigrid.render import _cells, _table, render

__all__ = ["run", "table"]

ENVS = 16
CASES = (
    ("MiniGrid-DoorKey-8x8-v0", 8),
    ("MiniGrid-DoorKey-8x8-v0", 32),
    ("MiniGrid-UnlockPickup-v0", 32),
    ("MiniGrid-MultiRoom-N6-v0", 8),
    ("MiniGrid-MultiRoom-N6-v0", 32),
)


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Compare frames, then time them in turns."""
    records = []
    for env_id, tile_size in CASES[:2] if quick else CASES:
        envs = [_played(env_id, seed) for seed in range(ENVS)]
        states = [state_of(env) for env in envs]
        grids = np.stack([state.grid for state in states])
        positions = np.stack([state.agent_pos for state in states])
        directions = np.array([state.agent_dir for state in states])
        out = render(grids, positions, directions, tile_size=tile_size)
        for env, frame in zip(envs, out, strict=True):
            wanted = env.get_frame(highlight=True, tile_size=tile_size)
            if not np.array_equal(frame, wanted):
                raise AssertionError(f"{env_id}: a frame differs from MiniGrid's")

        def batch(
            grids: Any = grids,
            positions: Any = positions,
            directions: Any = directions,
            tile_size: int = tile_size,
            out: Any = out,
        ) -> None:
            render(grids, positions, directions, tile_size=tile_size, out=out)

        def one(envs: Any = envs, tile_size: int = tile_size) -> None:
            for env in envs:
                frame_of(env, tile_size=tile_size, highlight=True)

        def minigrid(envs: Any = envs, tile_size: int = tile_size) -> None:
            for env in envs:
                env.get_frame(highlight=True, tile_size=tile_size)

        cases = [
            Case("batch", batch, ENVS),
            Case("one", one, ENVS),
            Case("MiniGrid", minigrid, ENVS),
        ]
        results = run_cases(cases, rounds=5 if quick else 15, min_round_s=0.02)
        _table.cache_clear()
        start = time.perf_counter()
        _table(tile_size)
        records.append(
            {
                "env": env_id,
                "tile_size": tile_size,
                "pixels": f"{out.shape[2]} x {out.shape[1]}",
                "results": results,
                "table_s": time.perf_counter() - start,
                "tiles_compared": 0,
            }
        )
    if not quick:
        records[0]["tiles_compared"] = compare_all_tiles(range(8, 33))
    return records


def table(records: list[dict[str, Any]]) -> str:
    """Lay out microseconds and ratios."""
    rows = []
    for record in records:
        results: dict[str, Result] = {item.name: item for item in record["results"]}
        slow = results["MiniGrid"].median_s
        cells = [
            f"{results[name].median_s / ENVS * 1e6:.3g} ({slow / results[name].median_s:.3g})"
            for name in ("batch", "one")
        ]
        rows.append(
            [
                record["env"],
                str(record["tile_size"]),
                record["pixels"],
                *cells,
                f"{slow / ENVS * 1e6:.3g}",
                f"{record['table_s'] * 1e3:.3g}",
            ]
        )
    head = [
        "environment",
        "tile",
        "pixels",
        "batch, µs",
        "one, µs",
        "MiniGrid, µs",
        "table once, ms",
    ]
    text = markdown_table(head, rows)
    compared = sum(record["tiles_compared"] for record in records)
    if compared:
        text += f"\n\nAll {compared} tiles of sizes 8 to 32 are equal to MiniGrid's to the pixel."
    return text


def compare_all_tiles(sizes: range) -> int:
    """Compare every tile that can occur; takes minutes, nearly all of it in MiniGrid.

    Returns:
        How many were compared.

    Raises:
        AssertionError: If one differs.
    """
    from minigrid.core.constants import IDX_TO_COLOR
    from minigrid.core.grid import Grid
    from minigrid.core.world_object import Goal, WorldObj

    compared = 0
    for size in sizes:
        tiles, index = _table(size)
        for kind, colour, state in _cells():
            goal = kind == 8
            thing = Goal(IDX_TO_COLOR[colour]) if goal else WorldObj.decode(kind, colour, state)
            for facing in (None, 0, 1, 2, 3):
                for lit in (False, True):
                    wanted = Grid.render_tile(
                        thing, agent_dir=facing, highlight=lit, tile_size=size
                    ).astype(np.uint8)
                    place = index[kind, colour, state, 4 if facing is None else facing, int(lit)]
                    if not np.array_equal(tiles[place].reshape(size, size, 3), wanted):
                        raise AssertionError(
                            f"tile {kind, colour, state} of size {size}, agent {facing}, lit {lit}"
                        )
                    compared += 1
        Grid.tile_cache.clear()
        print(f"tiles of size {size} compared", flush=True)
    return compared


def _played(env_id: str, seed: int) -> Any:
    """Give an environment some random steps into an episode."""
    env = make_env(env_id).unwrapped
    env.reset(seed=seed)
    env.action_space.seed(seed)
    for _ in range(10):
        if any(env.step(env.action_space.sample())[2:4]):
            env.reset(seed=seed)
    return env
