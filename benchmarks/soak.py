"""Hours of a training run in short: rows, resets and re-openings while workers are killed.

``python -m benchmarks soak --minutes 30 --rows 10000000`` steps several sessions at once, in both
tiers: a function that raises now and then, a class with state, and tasks. Workers, and seldom the
process they are copied from, are killed at random. What every row should pay is computed beside it
in NumPy. A row that was asked for must end as OK with that reward, as ERROR where the program
raises, or as lost with a reason; a row that was not asked for must be left alone. Memory,
descriptors and processes are sampled all the while, and the slope of each is told.

It goes no faster than it must to be through in time, so that it can run beside other work.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

import carruntime as car
from benchmarks.harness import machine, markdown_table, write_json
from sandbox import spawn

RESULTS = Path(__file__).parent / "results" / "soak.json"
SPACES = (
    gym.spaces.Box(-1.0, 1.0, (4,), np.float64),
    gym.spaces.Discrete(5),
)
ENVS = 256
SAMPLE_S = 10.0
KILL_S = 0.7
"""Mean seconds between two kills."""
ZYGOTE_SHARE = 0.005
"""Share of the kills that hit the process that workers are copied from."""
REOPEN = 0.004
"""Share of the batches after which a session is opened anew, every other time without a close."""

FUNCTION = """\
def reward(obs, next_obs, action):
    inverse = 1.0 / (0.0 if obs[3] > 0.98 else 1.0)
    change = next_obs[0] - obs[0]
    return change * inverse + action * 2.0, {"change": change}
"""
CLASS = """\
class Reward:
    def __init__(self):
        self.total = 0.0
        self.count = 0

    def step(self, next_obs, action):
        self.total = self.total + next_obs[0] * action
        self.count += 1
        return self.total, {"count": self.count}
"""
TASKS = """\
def task_1(next_obs):
    return next_obs[0] > 0.5


def task_2(next_obs):
    return next_obs[1] > 0.9


TASKS = [task_1, task_2]
"""

Arrays = dict[str, NDArray[Any]]
OK, ERROR, SKIPPED = (
    int(item) for item in (car.Outcome.OK, car.Outcome.ERROR, car.Outcome.SKIPPED)
)


class Mirror:
    """What a program should pay, computed by hand; a subclass for each program."""

    source: str

    def __init__(self) -> None:
        self.made = np.zeros(ENVS, np.bool_)

    def reset(self, rows: NDArray[np.bool_]) -> None:
        """Start episodes."""
        self.made[rows] = True

    def step(self, now: Arrays, rows: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Give rewards, and which rows raise."""
        raise NotImplementedError


class FunctionMirror(Mirror):
    """`FUNCTION`."""

    source = FUNCTION

    def step(self, now: Arrays, rows: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Give rewards, and which rows raise."""
        raises = now["obs"][:, 3] > 0.98
        return now["next_obs"][:, 0] - now["obs"][:, 0] + now["action"] * 2.0, raises & rows


class ClassMirror(Mirror):
    """`CLASS`."""

    source = CLASS

    def __init__(self) -> None:
        super().__init__()
        self.total = np.zeros(ENVS)

    def reset(self, rows: NDArray[np.bool_]) -> None:
        """Start episodes."""
        super().reset(rows)
        self.total[rows] = 0.0

    def step(self, now: Arrays, rows: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Give rewards, and which rows raise."""
        change = now["next_obs"][:, 0] * now["action"]
        self.total = np.where(rows, self.total + change, self.total)
        return self.total, np.zeros(ENVS, np.bool_)


class TasksMirror(Mirror):
    """`TASKS`."""

    source = TASKS

    def __init__(self) -> None:
        super().__init__()
        self.done = np.zeros((ENVS, 2), np.bool_)

    def reset(self, rows: NDArray[np.bool_]) -> None:
        """Start episodes; a predicate that holds then is done and not paid."""
        super().reset(rows)
        self.done[rows] = False

    def step(self, now: Arrays, rows: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Give rewards, and which rows raise."""
        holds = np.stack([now["next_obs"][:, 0] > 0.5, now["next_obs"][:, 1] > 0.9], axis=1)
        fresh = holds & ~self.done & rows[:, None]
        self.done |= fresh
        return fresh.sum(axis=1) / 2.0, np.zeros(ENVS, np.bool_)


class Lane:
    """One session and its mirror."""

    def __init__(self, kind: type[Mirror], tier: Literal["interpreted", "compiled"]) -> None:
        self.kind, self.tier = kind, tier
        self.name = f"{kind.__name__.removesuffix('Mirror').lower()}, {tier}"
        self.counts: Counter[str] = Counter()
        self.asked = 0
        self.open()

    def open(self) -> None:
        """Load the program and start a session; a kill may come between, so it is tried again."""
        while True:
            try:
                program = car.load(self.kind.source, spaces=SPACES, tier=self.tier)
                self.session = program.start(ENVS, on_error="nan")
            except car.CarruntimeError as error:
                self.counts["loads that met a kill"] += 1
                if self.counts["loads that met a kill"] > 10_000:
                    raise RuntimeError("programs do not load any more") from error
            else:
                break
        self.mirror = self.kind()
        self.mask_next = np.ones(ENVS, np.bool_)
        self.obs = np.zeros((ENVS, 4))
        self.reset(np.ones(ENVS, np.bool_))

    def reset(self, rows: NDArray[np.bool_]) -> None:
        """Start episodes on some rows; what the reset loses is started at the next turn."""
        self.obs = np.where(rows[:, None], np.full(4, -0.5), self.obs)
        self.session.reset(self.obs, mask=rows)
        self.mirror.reset(rows)

    def turn(
        self, dice: np.random.Generator, chance: random.Random, before_step: Callable[[], None]
    ) -> int:
        """Step once and judge every row; how many were asked for."""
        now: Arrays = {
            "obs": self.obs,
            "action": dice.integers(0, 5, ENVS),
            "next_obs": dice.uniform(-1.0, 1.0, (ENVS, 4)),
        }
        rows = np.ones(ENVS, np.bool_) if chance.random() < 0.5 else dice.random(ENVS) < 0.7
        before_step()
        batch = self.session.step(now["obs"], now["action"], now["next_obs"], mask=rows)
        want, raises = self.mirror.step(now, rows)
        self.judge(batch, rows, want, raises)
        self.obs = np.where(rows[:, None], now["next_obs"], self.obs)
        again = (dice.random(ENVS) < 0.02) | (rows & (batch.outcome != OK))
        if again.any():
            self.reset(again)
        if chance.random() < REOPEN:
            if chance.random() < 0.5:
                self.session.close()
            self.open()
        return int(rows.sum())

    def judge(
        self,
        batch: Any,
        rows: NDArray[np.bool_],
        want: NDArray[Any],
        raises: NDArray[np.bool_],
    ) -> None:
        """Count how the rows ended, and whether each is what it should be."""
        counts = self.counts
        self.asked += int(rows.sum())
        outcome = batch.outcome
        fine = rows & (outcome == OK)
        bad = rows & (outcome == ERROR)
        lost = rows & ~fine & ~bad
        counts["right"] += int((fine & (batch.reward == want) & ~raises).sum())
        counts["raised"] += int((bad & raises).sum())
        counts["wrong"] += int((fine & ((batch.reward != want) | raises)).sum())
        counts["wrong"] += int((bad & ~raises).sum())
        counts["wrong"] += int((~rows & (outcome != SKIPPED)).sum())
        counts["wrong"] += int((lost & ~np.isnan(batch.reward)).sum())
        for row in np.flatnonzero(lost).tolist():
            failure = batch.failure(row)
            ended = car.Outcome(int(outcome[row])).name
            counts[ended if failure is not None and failure.message else "without a reason"] += 1


@dataclass
class Sample:
    """The state of the processes at one time."""

    at_s: float
    rows: int
    host_rss: int
    zygote_rss: int
    host_descriptors: int
    zygote_descriptors: int
    processes: int
    zombies: int
    mappings: int


def sample(at_s: float, rows: int) -> Sample:
    """Look at this process and those below it, without what only waits to be collected."""
    gc.collect()
    zygote = spawn.shared_zygote().pid
    found = below(os.getpid())
    return Sample(
        at_s,
        rows,
        _rss(os.getpid()),
        _rss(zygote),
        _descriptors(os.getpid()),
        _descriptors(zygote),
        len(found),
        sum(state == "Z" for _, state in found.values()),
        Path("/proc/self/maps").read_text("ascii", "replace").count("carruntime"),
    )


def below(root: int) -> dict[int, tuple[int, str]]:
    """Give parent and state of every process below one."""
    every: dict[int, tuple[int, str]] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                fields = (place / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
            except OSError:
                continue
            every[int(place.name)] = (int(fields[1]), fields[0])
    found: dict[int, tuple[int, str]] = {}
    grown = True
    while grown:
        more = {
            pid: about
            for pid, about in every.items()
            if pid not in found and (about[0] == root or about[0] in found)
        }
        found.update(more)
        grown = bool(more)
    return found


def _rss(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _descriptors(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0


class Killer(threading.Thread):
    """Kills workers at random, and seldom the process they are copied from."""

    def __init__(self, seed: int) -> None:
        super().__init__(daemon=True)
        self.dice = random.Random(seed)
        self.stop = threading.Event()
        self.stepping = threading.Event()
        """Set when a step begins; half of the kills wait for that, to meet a worker at work."""
        self.kills: Counter[str] = Counter()

    def run(self) -> None:
        """Go on until told to stop."""
        while not self.stop.wait(self.dice.expovariate(1.0 / KILL_S)):
            if self.dice.random() < 0.5:
                self.stepping.clear()
                self.stepping.wait(1.0)
                self.stop.wait(self.dice.random() * 0.01)
            zygote = spawn.shared_zygote().pid
            if self.dice.random() < ZYGOTE_SHARE:
                self._kill(zygote, os.getpid(), "zygotes")
                continue
            workers = [pid for pid, (parent, _) in below(zygote).items() if parent == zygote]
            if workers:
                self._kill(self.dice.choice(workers), zygote, "workers")

    def _kill(self, pid: int, parent: int, what: str) -> None:
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return
        try:
            # Looked up again, because the number may have gone to another process.
            if below(parent).get(pid, (0, ""))[0] == parent:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                self.kills[what] += 1
        except OSError:
            pass
        finally:
            os.close(handle)


def soak(minutes: float, rows: int, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Run until both so long and so many rows; what happened, as plain data."""
    dice, chance = np.random.default_rng(seed), random.Random(seed)
    kinds: tuple[type[Mirror], ...] = (FunctionMirror, ClassMirror, TasksMirror)
    tiers: tuple[Literal["interpreted", "compiled"], ...] = ("interpreted", "compiled")
    lanes = [Lane(kind, tier) for kind in kinds for tier in tiers]
    killer = Killer(seed)
    begin = time.monotonic()
    pace = rows / (minutes * 60.0) * 1.05
    samples: list[Sample] = []
    done = 0
    killer.start()
    try:
        while True:
            for lane in lanes:
                done += lane.turn(dice, chance, killer.stepping.set)
            at_s = time.monotonic() - begin
            if at_s >= SAMPLE_S * len(samples):
                samples.append(sample(at_s, done))
                if len(samples) % 6 == 1:
                    say(f"{at_s / 60:.1f} min, {done:,} rows, {dict(killer.kills)}")
            if done >= rows and at_s >= minutes * 60.0:
                break
            time.sleep(min(max(0.0, done / pace - at_s), 1.0))
    finally:
        killer.stop.set()
        killer.join()
    samples.append(sample(time.monotonic() - begin, done))
    for lane in lanes:
        lane.session.close()
    return {
        "seconds": time.monotonic() - begin,
        "rows": done,
        "kills": dict(killer.kills),
        "lanes": [{"name": lane.name, "asked": lane.asked, **lane.counts} for lane in lanes],
        "samples": [vars(item) for item in samples],
        "growth": growth(samples),
    }


WATCHED = (
    "host_rss",
    "zygote_rss",
    "host_descriptors",
    "zygote_descriptors",
    "processes",
    "zombies",
    "mappings",
)


def growth(samples: list[Sample]) -> dict[str, dict[str, float]]:
    """Give median, slope an hour and its share, without the first quarter, which warms up."""
    kept = samples[len(samples) // 4 :]
    hours = np.array([item.at_s for item in kept]) / 3600.0
    found = {}
    for name in WATCHED:
        values = np.array([float(getattr(item, name)) for item in kept])
        slope = float(np.polyfit(hours, values, 1)[0]) if len(kept) > 2 else 0.0
        found[name] = {
            "median": float(np.median(values)),
            "least": float(values.min()),
            "most": float(values.max()),
            "slope_per_hour": slope,
        }
    return found


def accounted(record: dict[str, Any]) -> bool:
    """Whether every row of every session ended as it should."""
    good = True
    for lane in record["lanes"]:
        told = {k: v for k, v in lane.items() if isinstance(v, int) and k != "asked"}
        told.pop("loads that met a kill", None)
        good &= not told.get("wrong") and not told.get("without a reason")
        good &= sum(told.values()) == lane["asked"]
    return good


def table(record: dict[str, Any]) -> str:
    """Give the result as two Markdown tables."""
    ends = sorted({key for lane in record["lanes"] for key in lane} - {"name", "asked"})
    rows = [
        [lane["name"], f"{lane['asked']:,}", *(f"{lane.get(end, 0):,}" for end in ends)]
        for lane in record["lanes"]
    ]
    first = markdown_table(["program", "rows asked for", *ends], rows)
    watched = [
        [name, *(f"{found[key]:,.1f}" for key in ("least", "median", "most", "slope_per_hour"))]
        for name, found in record["growth"].items()
    ]
    second = markdown_table(["after a quarter", "least", "median", "most", "per hour"], watched)
    kills = ", ".join(f"{count:,} {what}" for what, count in record["kills"].items())
    head = (
        f"{record['rows']:,} rows in {record['seconds'] / 60:.1f} minutes, killed: {kills}; "
        f"{'every row is accounted for' if accounted(record) else 'ROWS ARE NOT ACCOUNTED FOR'}."
    )
    return f"{head}\n\n{first}\n\n{second}"


def main(arguments: list[str] | None = None) -> None:
    """Run it, store the result and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args(arguments)
    about = machine()
    record = soak(options.minutes, options.rows, options.seed, lambda text: print(text, flush=True))
    text = table(record)
    print(text)
    title = " ".join(str(__doc__).split("\n\n", maxsplit=1)[0].split())
    write_json(options.out, {"machine": about, "records": record, "title": title, "table": text})
    if not accounted(record):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
