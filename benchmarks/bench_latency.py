"""How long does one batch take from the observation to a checked reward, and what does a wall add?

Unit: microseconds of wall clock of one `RewardSession.step` and of reading its reward, p50 and p99
over single calls, at 8 and 1,024 rows of DoorKey-8x8. Rivals: the same program in this process,
and the kernel alone, which is what no call could be faster than. Placement: host and worker pinned
to a core each, both to one core, and left to the scheduler. *Zero copy* hands over arrays of
``session.buffers``. Below that: the share of a real vector step that the wrapper takes, and what
is left visible of a program that runs while the environments step.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import gymnasium as gym
import numpy as np

from benchmarks.harness import markdown_table
from carruntime.bench import Transitions, sample
from carruntime.collection import collect
from carruntime.demo import ENV_ID, program_path
from carruntime.loading import load
from carruntime.reward import RewardProgram
from carruntime.session import RewardSession
from carruntime.wrappers import CodeRewardVectorWrapper
from sandbox.outcome import PENDING

__all__ = ["run", "table"]

PROGRAM = "dense_reward"
SIZES = (8, 1024)
_CALLS = 50
_WARM = 10


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Measure all ways and placements; one record each."""
    transitions = sample(collect(ENV_ID, 0.5, episodes=10, seed=7))
    rounds = 20 if quick else 200
    records: list[dict[str, Any]] = []
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    placements: list[tuple[str, set[int], set[int]]] = [("unpinned", set(cores), set(cores))]
    if cores:
        placements.append(("one core", {cores[0]}, {cores[0]}))
    if len(cores) > 1:
        placements.insert(0, ("two cores", {cores[0]}, {cores[-1]}))
    for size in SIZES:
        batch = transitions.repeated(size)
        for name, host, worker in placements:
            with ExitStack() as stack:
                ways = _ways(stack, batch, worker)
                with _pinned(host):
                    taken = _measure(ways, rounds)
            records += [
                {"kind": "step", "rows": size, "placement": name, "way": way, **_quantiles(times)}
                for way, times in taken.items()
            ]
    records.append(_share(steps=60 if quick else 600))
    records += _overlap(transitions.repeated(SIZES[-1]), steps=60 if quick else 1000)
    return records


# One step ---------------------------------------------------------------------------------------


def _ways(stack: ExitStack, batch: Transitions, worker: set[int]) -> dict[str, Callable[[], Any]]:
    """Give each way as a call that returns its rewards."""
    rows = len(batch)
    inside = stack.enter_context(_session(rows, "none"))
    walled = stack.enter_context(_session(rows, "process"))
    lent = stack.enter_context(_session(rows, "process"))
    direct = stack.enter_context(_session(rows, "none"))
    for session in (walled, lent):
        _pin_worker(session, worker)
    ways: dict[str, Callable[[], Any]] = {
        "in process": _stepper(inside, batch),
        "isolated": _stepper(walled, batch),
        "isolated, zero copy": _stepper(lent, _in_buffers(lent, batch)),
        "in process, zero copy": _stepper(direct, _in_buffers(direct, batch)),
    }
    wanted = ways["in process"]()
    for name, way in ways.items():
        if not np.array_equal(way(), wanted):
            raise AssertionError(f"{name} gives other rewards")
    kernel, nothing = _kernel(inside)
    return {**ways, "kernel": kernel, "call without rows": nothing}


@contextmanager
def _session(rows: int, isolation: Any) -> Iterator[RewardSession]:
    program: RewardProgram = load(program_path(PROGRAM), ENV_ID, isolation=isolation)
    if program.tier != "compiled":
        raise AssertionError(f"{PROGRAM} is not compiled: {program.tier_reason}")
    try:
        with program.start(rows, "nan") as session:
            yield session
    finally:
        program.close()


def _stepper(session: RewardSession, batch: Transitions) -> Callable[[], Any]:
    obs, action, next_obs = batch.obs, batch.action, batch.next_obs
    terminated, truncated = batch.terminated, batch.truncated
    session.reset(obs)

    def step() -> Any:
        return session.step(obs, action, next_obs, terminated, truncated).reward

    return step


def _in_buffers(session: RewardSession, batch: Transitions) -> Transitions:
    """Put the observations where an environment would write them."""
    found = []
    for place, values in enumerate((batch.obs, batch.next_obs)):
        given = session.buffers[place]
        for key, value in values.items():
            if isinstance(given[key], np.ndarray):
                given[key][...] = value
            else:
                given[key] = value
        found.append(given)
    return Transitions(found[0], batch.action, found[1], batch.terminated, batch.truncated)


def _kernel(session: RewardSession) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Give the machine code alone on the same rows, and a call of it that runs no row."""
    guest: Any = session._guest  # noqa: SLF001  # there is no public way to the bare kernel
    parts = guest._runner.parts()  # noqa: SLF001
    ((address, regions),) = parts.kernels
    function = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(address)
    marker = session._out.outcome  # noqa: SLF001

    def kernel() -> None:
        function(parts.rows, regions)

    def prepare() -> None:
        marker.fill(PENDING)

    kernel.prepare = prepare  # type: ignore[attr-defined]
    return kernel, lambda: function(0, regions)


def _measure(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[int]]:
    """Time single calls of all ways in turns, in nanoseconds."""
    clock = time.perf_counter_ns
    taken: dict[str, list[int]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            prepare: Callable[[], None] = getattr(way, "prepare", lambda: None)
            for index in range(_WARM + _CALLS):
                prepare()
                begin = clock()
                way()
                spent = clock() - begin
                if index >= _WARM:
                    taken[name].append(spent)
    return taken


def _quantiles(times: list[int]) -> dict[str, float]:
    p50, p99 = np.percentile(times, [50, 99]) / 1000
    return {"p50_us": float(p50), "p99_us": float(p99), "calls": len(times)}


@contextmanager
def _pinned(cores: set[int]) -> Iterator[None]:
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _pin_worker(session: RewardSession, cores: set[int]) -> None:
    guest: Any = session._guest  # noqa: SLF001  # where a worker runs is nobody's business but here
    child = guest._holder.child  # noqa: SLF001
    if cores and child is not None:
        os.sched_setaffinity(child.pid, cores)


# A real environment -----------------------------------------------------------------------------


def _share(steps: int) -> dict[str, Any]:
    """Time vector steps with the wrapper and without it, in turns."""
    bare = gym.make_vec(ENV_ID, num_envs=8, vectorization_mode="sync")
    inner = gym.make_vec(ENV_ID, num_envs=8, vectorization_mode="sync")
    with _session(8, "process") as session:
        wrapped = CodeRewardVectorWrapper(inner, session.program, on_error="nan")
        taken: dict[str, list[int]] = {"bare": [], "wrapped": []}
        envs: tuple[tuple[str, Any], ...] = (("bare", bare), ("wrapped", wrapped))
        for _, env in envs:
            env.reset(seed=3)
        actions = np.random.default_rng(5).integers(0, 7, (steps, 8))
        for action in actions:
            for name, env in envs:
                begin = time.perf_counter_ns()
                env.step(action)
                taken[name].append(time.perf_counter_ns() - begin)
        wrapped.close()
    bare.close()
    median = {name: float(np.median(times)) / 1000 for name, times in taken.items()}
    return {
        "kind": "share",
        "env": ENV_ID,
        "num_envs": 8,
        "bare_us": median["bare"],
        "wrapped_us": median["wrapped"],
        "share": (median["wrapped"] - median["bare"]) / median["bare"],
    }


def _overlap(batch: Transitions, steps: int) -> list[dict[str, Any]]:
    """Time a loop of environment and program: one after the other, and both at once."""
    rows = len(batch)
    with _session(rows, "process") as session:
        given = _in_buffers(session, batch)
        reward = _stepper(session, given)
        for _ in range(50):
            reward()
        alone = float(np.median([_timed(reward) for _ in range(200)]))

        def env() -> None:
            until = time.perf_counter_ns() + alone
            while time.perf_counter_ns() < until:
                pass

        def serial() -> None:
            env()
            reward()

        def both() -> None:
            session.step_async(
                given.obs, given.action, given.next_obs, given.terminated, given.truncated
            )
            env()
            session.step_wait()

        taken = {"env": env, "serial": serial, "at once": both}
        found = {name: [_timed(call) for _ in range(steps)] for name, call in taken.items()}
    return [
        {"kind": "overlap", "rows": rows, "way": name, "p50_us": float(np.median(times)) / 1000}
        for name, times in found.items()
    ]


def _timed(call: Callable[[], object]) -> int:
    begin = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - begin


# Tables -----------------------------------------------------------------------------------------


def table(records: list[dict[str, Any]]) -> str:
    """Lay out the quantiles, what isolation adds, the share and the overlap."""
    steps = [item for item in records if item["kind"] == "step"]
    known = {(item["rows"], item["placement"], item["way"]): item for item in steps}
    ways = [way for way in dict.fromkeys(item["way"] for item in steps) if way != _EMPTY]
    rows = []
    for size, placement in dict.fromkeys((item["rows"], item["placement"]) for item in steps):
        found = {way: known[size, placement, way] for way in ways}
        empty = known[size, placement, _EMPTY]["p50_us"]
        kernel = max(0.0, found["kernel"]["p50_us"] - empty)
        cells = [
            f"{kernel:.2f}" if way == "kernel" else f"{item['p50_us']:.2f} / {item['p99_us']:.2f}"
            for way, item in found.items()
        ]
        inside, walled = found["in process"]["p50_us"], found["isolated"]["p50_us"]
        cells += [f"{inside - kernel:.2f}", f"{walled - inside:.2f}"]
        rows.append([f"{size:,}", placement, *cells])
    head = ["rows", "placement", *ways, "call beyond the kernel", "isolation adds"]
    text = [markdown_table(head, rows), "", "Microseconds, p50 / p99; of the kernel alone, p50."]
    for item in records:
        if item["kind"] == "share":
            text.append("")
            text.append(
                f"A vector step of {item['num_envs']} environments of {item['env']}: "
                f"{item['bare_us']:.0f} µs without the wrapper, {item['wrapped_us']:.0f} µs with "
                f"it and an isolated program: {item['share']:.1%}."
            )
    overlap = {item["way"]: item for item in records if item["kind"] == "overlap"}
    if overlap:
        size = overlap["env"]["rows"]
        serial, both = overlap["serial"]["p50_us"], overlap["at once"]["p50_us"]
        text.append("")
        text.append(
            f"At {size:,} rows with environments that take {overlap['env']['p50_us']:.0f} µs a "
            f"step: {serial:.0f} µs one after the other, {both:.0f} µs with `step_async`."
        )
    return "\n".join(text)


_EMPTY = "call without rows"
