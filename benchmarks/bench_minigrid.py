"""How many MiniGrid steps a second, compiled, and do they stay MiniGrid's?

Unit: environment steps a second with observations, one core, and how many times those of
Gymnasium's ``SyncVectorEnv`` over MiniGrid that is; both step in turns, with the same random
actions. Before, both go through episodes side by side from MiniGrid's layouts, with scripted
experts, noisy ones and random actions: grid, agent, what is carried, view, mission, reward and
ends are compared after every step. *compile* is what the first use costs in a new process, without
and with Numba's cache.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from benchmarks.harness import Case, Result, markdown_table, rate, run_cases
from carruntime.environments import make_env
from carruntime.experts import expert_for
from carruntime.minigrid import ENV_IDS, MiniGridVectorEnv, state_of

__all__ = ["run", "table"]

ENVS = 64
COMPARED = 20_000
"""Steps compared for each environment."""
_FIRST_USE = """
import time
start = time.process_time()
import numpy as np
from carruntime.minigrid import MiniGridVectorEnv
env = MiniGridVectorEnv("MiniGrid-DoorKey-8x8-v0", 2, render_mode="rgb_array", tile_size=8)
made = time.process_time()
env.reset(seed=0)
env.step(np.zeros(2, np.int64))
env.render()
print(time.process_time() - made)
"""


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Compare steps, then time them in turns."""
    records = []
    cold, warm = _first_use()
    for env_id in ENV_IDS:
        compared = lockstep(env_id, COMPARED // 40 if quick else COMPARED)
        fast = MiniGridVectorEnv(env_id, ENVS)
        slow = SyncVectorEnv([functools.partial(make_env, env_id)] * ENVS)
        fast.reset(seed=0)
        slow.reset(seed=0)
        actions = np.random.default_rng(0).integers(0, 7, (200, ENVS))

        def many(env: Any = fast, actions: Any = actions) -> None:
            for chosen in actions:
                env.step(chosen)

        def one(env: Any = slow, actions: Any = actions) -> None:
            env.step(actions[0])

        cases = [Case("compiled", many, ENVS * len(actions)), Case("MiniGrid", one, ENVS)]
        results = run_cases(cases, rounds=3 if quick else 11, min_round_s=0.05)
        slow.close()
        records.append(
            {
                "env": env_id,
                "compared": compared,
                "results": results,
                "compile_cold_s": cold,
                "compile_warm_s": warm,
            }
        )
    return records


def table(records: list[dict[str, Any]]) -> str:
    """Lay out rates and ratios."""
    rows = []
    for record in records:
        results: dict[str, Result] = {item.name: item for item in record["results"]}
        fast, slow = results["compiled"], results["MiniGrid"]
        rows.append(
            [
                record["env"],
                f"{record['compared']:,}",
                rate(fast.rows_per_s),
                rate(slow.rows_per_s),
                f"{fast.rows_per_s / slow.rows_per_s:.3g}",
            ]
        )
    head = ["environment", "steps compared, all equal", "compiled", "MiniGrid", "ratio"]
    first = records[0]
    return (
        markdown_table(head, rows)
        + f"\n\n{ENVS} environments at once. First use in a new process: "
        f"{first['compile_cold_s']:.1f} s of CPU time to compile (reset, step and frames), "
        f"{first['compile_warm_s']:.1f} s from the cache."
    )


def lockstep(env_id: str, steps: int) -> int:
    """Go through whole episodes of both side by side.

    Args:
        env_id: The environment.
        steps: At least so many; the last episode is played to its end.

    Returns:
        How many steps were compared.

    Raises:
        AssertionError: If anything differs.
    """
    env: Any = make_env(env_id).unwrapped
    fast = MiniGridVectorEnv(env_id, 1, autoreset_mode=AutoresetMode.DISABLED)
    expert = expert_for(env)
    rng = np.random.default_rng(0)
    compared = episode = 0
    while compared < steps:
        obs, _ = env.reset(seed=episode)
        _compare(fast, fast.load(0, env), env, obs)
        expert.start(env, episode)
        noise, over = (0.0, 0.3, 0.5, 1.0)[episode % 4], False
        while not over:
            by_chance = rng.random() < noise
            action = int(rng.integers(0, 7)) if by_chance else int(expert.act(env, obs))
            obs, *there, _ = env.step(action)
            batch, *here, _ = fast.step(np.array([action]))
            if [one[0] for one in here] != there:
                raise AssertionError(f"{env_id}, episode {episode}: {here} is not {there}")
            _compare(fast, batch, env, obs)
            compared += 1
            over = there[1] or there[2]
        episode += 1
    return compared


def _compare(fast: MiniGridVectorEnv, batch: Any, env: Any, obs: Any) -> None:
    state = state_of(env)
    same = (
        np.array_equal(fast.grids[0], state.grid)
        and fast.agents[0].tolist() == [*state.agent_pos.tolist(), state.agent_dir]
        and np.array_equal(fast.carried[0], state.carrying)
        and np.array_equal(batch["image"][0], obs["image"])
        and batch["direction"][0] == obs["direction"]
        and batch["mission"][0] == obs["mission"]
    )
    if not same:
        raise AssertionError(f"{fast.env_id}: a step differs from MiniGrid's")


def _first_use() -> tuple[float, float]:
    """Seconds of CPU time that the first use costs, without and with a cache."""
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for _ in range(2):
            more = {"NUMBA_CACHE_DIR": folder, "CARRUNTIME_CACHE": "on"}
            done = subprocess.run(
                [sys.executable, "-c", _FIRST_USE],
                env=os.environ | more,
                capture_output=True,
                text=True,
                check=True,
                timeout=300,
            )
            found.append(float(done.stdout))
    return found[0], found[1]
