"""Stored data: rewards for it, and frames of it, beside what bounds them.

``python -m benchmarks.bench_stored`` prints a table, measured in turns in one run. Rewards: a compiled
function of one transition over a million transitions in 5,000 episodes of 4 numbers each, by
`carruntime.relabel` from a dict of arrays and from trajectories, and by nothing but the session's
own ``step`` on the same rows in batches of the same size, which is the most that there is. Frames:
episodes of 100 random steps, drawn from their states and taken by playing them again; both are
compared, pixel by pixel, before anything is timed.
"""

from __future__ import annotations

import contextlib
import sys
from functools import partial

import gymnasium as gym
import numpy as np

import carruntime as car
from benchmarks.harness import Case, markdown_table, rate, run_cases
from carruntime.collection import collect
from carruntime.environments import make_env
from carruntime.frame_table import frame_of
from carruntime.relabelling import _BATCH, relabel
from carruntime.rerendering import with_frames

SOURCE = """\
def reward(obs, action, next_obs):
    x, v = next_obs[0], next_obs[1]
    return -(x * x + 0.1 * v * v) - 0.001 * action[0] ** 2
"""
ENVS = ("MiniGrid-DoorKey-8x8-v0", "MiniGrid-KeyCorridorS3R3-v0", "MiniGrid-MultiRoom-N6-v0")


def rewards(rows: int) -> list[list[str]]:
    """Compare rates of rewards."""
    box = gym.spaces.Box(-np.inf, np.inf, (4,), np.float64)
    push = gym.spaces.Box(-1.0, 1.0, (1,), np.float64)
    rng = np.random.default_rng(0)
    arrays = {
        "observations": rng.normal(size=(rows, 4)),
        "next_observations": rng.normal(size=(rows, 4)),
        "actions": rng.uniform(-1, 1, (rows, 1)),
        "terminals": np.arange(rows) % 200 == 199,
    }
    with (
        contextlib.closing(car.load(SOURCE, spaces=(box, push))) as program,
        program.start(_BATCH, "nan") as session,
    ):
        trajectories = [item.trajectory for item in relabel(program, arrays).episodes]
        session.reset()

        def steps() -> None:
            for start in range(0, rows - _BATCH + 1, _BATCH):
                some = slice(start, start + _BATCH)
                session.step(None, arrays["actions"][some], arrays["next_observations"][some])

        counted = rows // _BATCH * _BATCH
        results = run_cases(
            [
                Case("session.step alone", steps, counted),
                Case("relabel, a dict of arrays", lambda: relabel(program, arrays), rows),
                Case("relabel, trajectories", lambda: relabel(program, trajectories), rows),
            ],
            rounds=9,
            min_round_s=0.05,
        )
    most = results[0].rows_per_s
    return [[r.name, f"{rate(r.rows_per_s)} rows/s", f"{r.rows_per_s / most:.2f}"] for r in results]


def frames() -> list[list[str]]:
    """Compare rates of frames."""
    out = []
    for env_id in ENVS:
        env = make_env(env_id, tile_size=8)
        seen = collect(env, "random", 10, max_steps=100)
        for one, two in zip(
            with_frames(seen, env), with_frames(seen, env, frame=frame_of), strict=True
        ):
            if not np.array_equal(np.asarray(one.frames), np.asarray(two.frames)):
                raise AssertionError(f"{env_id}: a frame that was drawn differs")
        count = seen.transitions + len(seen)
        drawn, played = run_cases(
            [
                Case("drawn", partial(with_frames, seen, env), count),
                Case(
                    "played again",
                    partial(with_frames, seen, env, frame=frame_of),
                    count,
                ),
            ],
            rounds=3,
            min_round_s=0.05,
        )
        out.append(
            [
                env_id,
                f"{drawn.median_s / count * 1e6:.0f} us",
                f"{played.median_s / count * 1e6:.0f} us",
                f"{played.median_s / drawn.median_s:.1f}",
            ]
        )
        env.close()
    return out


def main() -> None:
    """Measure and print."""
    rows = 1_000_000 if "--quick" not in sys.argv else 100_000
    print(markdown_table(["rewards", "rate", "part of the most"], rewards(rows)))
    print()
    print(markdown_table(["frames", "drawn", "played again", "times as fast"], frames()))


if __name__ == "__main__":
    main()
