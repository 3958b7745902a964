"""MiniGrid programs of the vision corpus at two sizes: frames that are all new, and those of a rollout.

At about 84 x 84 and 256 x 256, batches of 64:

* *new*: no frame twice in a batch and nothing kept (``recall_bytes=0``): the kernels alone.
* *rollout*: `STEPS` steps of 64 environments in their order, from nothing kept, with the memory for
  results that a session has. A scripted expert with 0.3 random actions, and random play. How many of
  the frames are new to the run is in the table; training goes on for longer, and fewer are.

Plain CPython with OpenCV sees the same frames in the same run, in turns; so does the interpreted tier,
which keeps nothing, with the new frames. Two cores are the two threads that a session has with
``threads=2``. Drawing frames is not timed.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Case, markdown_table, rate, run_cases
from benchmarks.picture_programs import ROWS, PlainProgram, Program, Tier, agree, program_of
from benchmarks.picture_rollouts import Rollout, play
from carruntime.minigrid.render import render
from sandbox.team import team_of
from sandbox.tiers.base import TierReason
from sandbox.tiers.compiled.runner import CompiledRunner

__all__ = ["POLICIES", "SIDES", "run", "table"]

SIDES = (84, 256)
POLICIES: dict[str, str | float] = {"expert and 0.3 random": 0.3, "random": "random"}
STEPS = 64
_PLAIN_S = 0.2
"""Seconds for which the plain program runs a rollout: its rate changes little with the frames."""
_COMPARED = 6
Frames = NDArray[np.uint8]
_rollout = cache(play)


def _task_of(case: Any, side: int) -> tuple[str, int]:
    """Give the environment of a program and the tile size that comes nearest to a size.

    For DoorKey it is the task that a side fits exactly: 6x6 at 84, 8x8 at 256.
    """
    env_id = case.spec["environment"]
    if "DoorKey" in env_id:
        env_id = f"MiniGrid-DoorKey-{'6x6' if side == SIDES[0] else '8x8'}-v0"
    cells = math.prod(_rollout(env_id, "random", 1).grids.shape[1:3])
    return env_id, min(range(4, 65), key=lambda tile: abs(cells * tile * tile - side * side))


def _drawn(rollout: Rollout, states: NDArray[np.int64], tile: int) -> Frames:
    chosen = rollout.grids[states], rollout.positions[states], rollout.directions[states]
    return render(*chosen, tile_size=tile)


def _new(rollout: Rollout, tile: int) -> tuple[Frames, Frames]:
    """Give a batch of frames no two of which are alike, with the first ones of their episodes."""
    states, places = np.unique(rollout.now, return_index=True)
    chosen = np.random.default_rng(0).permutation(len(states))[:ROWS]
    first = rollout.first.ravel()[places[chosen]]
    return _drawn(rollout, first, tile), _drawn(rollout, states[chosen], tile)


class _Play:
    """Runs a rollout: the plain program for a while, and compiled ones to its end."""

    def __init__(self, program: Program, rollout: Rollout, tile: int) -> None:
        self.program, self.rollout, self.tile = program, rollout, tile
        shape = (ROWS, *program.spec["frame_shape"])
        self.first, self.now = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)

    def _draw(self, step: int) -> NDArray[np.bool_]:
        """Draw the frames of a step; which episodes begin."""
        starts: NDArray[np.bool_] = self.rollout.starts[step]
        if starts.any():
            self.first[starts] = _drawn(self.rollout, self.rollout.first[step][starts], self.tile)
        self.now[...] = _drawn(self.rollout, self.rollout.now[step], self.tile)
        return starts

    def plain(self) -> float:
        """Give rows per second of the plain program."""
        plain, took, done = PlainProgram(self.program), 0.0, 0
        while took < _PLAIN_S and done < len(self.rollout.now):
            starts = self._draw(done)
            begin = time.perf_counter()
            plain.reset(self.first, starts)
            plain.step(self.first, self.now)
            took += time.perf_counter() - begin
            done += 1
        return done * ROWS / took

    def compiled(self, runner: CompiledRunner) -> float:
        """Give rows per second of a compiled program; what it keeps is nothing at first."""
        tier = self._tier(runner)
        took = 0.0
        for step in range(len(self.rollout.now)):
            starts = self._draw(step)
            begin = time.perf_counter()
            tier.reset(starts)
            tier.step()
            took += time.perf_counter() - begin
        return self.rollout.now.size / took

    def compare(self, one: CompiledRunner, other: CompiledRunner) -> None:
        """Run the beginning with and without results that are kept."""
        tiers = [self._tier(runner) for runner in (one, other)]
        for step in range(min(_COMPARED, len(self.rollout.now))):
            starts = self._draw(step)
            for tier in tiers:
                tier.reset(starts)
                tier.step()
            agree("rollout", tiers[0].outputs, tiers[1].outputs, exact=True)

    def _tier(self, runner: CompiledRunner) -> Tier:
        return Tier(runner, self.program.plan, len(self.program.names), self.first, self.now)


def _sized(case: Any, side: int, *, quick: bool) -> dict[str, Any]:
    """Time one program at one size."""
    env_id, tile = _task_of(case, side)
    steps = 12 if quick else STEPS
    rollouts = {name: _rollout(env_id, policy, steps) for name, policy in POLICIES.items()}
    first, now = _new(rollouts["expert and 0.3 random"], tile)
    program = program_of(case, now.shape[1:], first, now)
    names = len(program.names)
    record: dict[str, Any] = {
        "program": case.name,
        "environment": env_id,
        "tile_size": tile,
        "steps": steps,
        "shape": list(now.shape[1:]),
        "frames": {"new": {"distinct": 1.0}},
    }
    plain = PlainProgram(program)
    slow = Tier(program.interpreted, program.plan, names, first, now)
    cases = [
        Case("plain", lambda: plain.go(first, now), ROWS),
        Case("interpreted", slow.go, ROWS),
    ]
    compiled = not isinstance(program.compiled, TierReason)
    if compiled:
        runners = [program.again(keep=keep) for keep in (False, False, True, True)]
        alone, two, keeping, keeping_two = runners
        two.team = keeping_two.team = team_of(2)
        fast = Tier(alone, program.plan, names, first, now)
        both = Tier(two, program.plan, names, first, now)
        fast.go()
        slow.go()
        agree(case.name, fast.outputs, slow.outputs)
        cases += [Case("compiled", fast.go, ROWS), Case("compiled, 2 cores", both.go, ROWS)]
    else:
        record["reason"] = str(program.compiled)
    found = run_cases(cases, rounds=3, min_round_s=0.05)
    record["frames"]["new"]["rows_per_s"] = {item.name: item.rows_per_s for item in found}
    if not compiled:
        return record
    for name, rollout in rollouts.items():
        played = _Play(program, rollout, tile)
        played.compare(alone, keeping)
        plain_rates = [played.plain()]
        rates = {"compiled": played.compiled(keeping)}
        told = keeping.recalled
        if told is None:
            raise AssertionError(f"{case.name}: nothing is kept")
        plain_rates.append(played.plain())
        rates["compiled, 2 cores"] = played.compiled(keeping_two)
        rates["plain"] = statistics.mean(plain_rates)
        record["frames"][name] = {
            "distinct": rollout.distinct,
            "found": told.hits / max(told.tried, 1),
            "rows_per_s": rates,
        }
    return record


def run(cases: Sequence[Any], *, quick: bool) -> list[dict[str, Any]]:
    """Time the MiniGrid programs among those of the corpus; a record for each and each size."""
    chosen = [case for case in cases if case.spec["environment"].startswith("MiniGrid-")]
    if quick:
        chosen = [
            case for case in chosen if case.name in {"doorkey8_hsv_tasks", "fetch_yellow_key"}
        ]
    return [_sized(case, side, quick=quick) for side in SIDES for case in chosen]


def table(records: list[dict[str, Any]]) -> str:
    """Give ratios to plain CPython with OpenCV of the same run, by size and kind of batch."""
    told, rows = [], []
    for side in SIDES:
        here = [record for record in records if _side(record) == side]
        for kind in ("new", *POLICIES):
            one, two = [], []
            for record in here:
                speeds = record["frames"].get(kind, {}).get("rows_per_s", {})
                if "compiled" in speeds:
                    one.append(speeds["compiled"] / speeds["plain"])
                    two.append(speeds["compiled, 2 cores"] / speeds["plain"])
            told.append(
                f"| about {side} x {side} | {kind} | {statistics.median(one):.1f}x, least"
                f" {min(one):.1f}x; {sum(gain >= 5 for gain in one)} of {len(here)} reach 5 |"
                f" {statistics.median(two):.1f}x, least {min(two):.1f}x;"
                f" {sum(gain >= 8 for gain in two)} of {len(here)} reach 8 |"
            )
        rows += [_row(record) for record in here]
    head = ["program", "task and tile size", "frame", "plain, frames/s (new)", "interpreted (new)"]
    for kind in ("new", *POLICIES):
        head += [f"{kind}: one core", "two cores"]
    summary = "\n".join(
        [
            "| frames | kind | one core, median | two cores, median |",
            "| --- | --- | --- | --- |",
            *told,
        ]
    )
    return (
        "MiniGrid programs of the corpus, times plain CPython with OpenCV on one core. *new*: no frame"
        f" twice, nothing kept. Others: {records[0]['steps']} steps of 64 environments, results kept from the first"
        " step on; in brackets the share of frames that are new to the run, and the share of lookups"
        f" that were found.\n\n{summary}\n\n{markdown_table(head, rows)}"
    )


def _side(record: dict[str, Any]) -> int:
    area = math.prod(record["shape"][:2])
    return min(SIDES, key=lambda side: abs(side * side - area))


def _row(record: dict[str, Any]) -> list[str]:
    height, width, _ = record["shape"]
    task = f"{record['environment'].removeprefix('MiniGrid-')}, {record['tile_size']}"
    speeds = record["frames"]["new"]["rows_per_s"]
    cells = [record["program"], task, f"{height} x {width}", rate(speeds["plain"])]
    cells.append(f"{speeds['interpreted'] / speeds['plain']:.2f}x")
    for kind in ("new", *POLICIES):
        found = record["frames"].get(kind)
        if found is None or "compiled" not in found["rows_per_s"]:
            cells += [f"not compiled: {record['reason']}" if kind == "new" else "", ""]
            continue
        speeds = found["rows_per_s"]
        more = "" if kind == "new" else f" ({found['distinct']:.0%}, {found['found']:.0%})"
        cells.append(f"{speeds['compiled'] / speeds['plain']:.1f}x{more}")
        cells.append(f"{speeds['compiled, 2 cores'] / speeds['plain']:.1f}x")
    return cells
