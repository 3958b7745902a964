"""How fast one program is on one environment: observations per second, by ways of running it.

Every way gets the same rows: transitions of random play, repeated to the wanted number. Timing is
interleaved over the ways and the median is kept, because a machine that slows down in the middle
must not favour what ran first. Each way's rewards are compared with those of the reference, the
interpreted tier, since a speed without the right answer is worth nothing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import LoadError
from carruntime.plain import PlainReward, split
from carruntime.trajectory import Observations, Trajectory, TrajectorySet, take
from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from carruntime.batch import RewardBatch
    from carruntime.progress import ProgressLine
    from carruntime.reward import RewardProgram
    from carruntime.session import RewardSession

__all__ = ["Measurement", "Transitions", "measure", "render", "sample"]

_REPEATS = 5


@dataclass(frozen=True, slots=True)
class Transitions:
    """R transitions in the layout of Gymnasium's vector environments, each an array ``[R, ...]``.

    Attributes:
        obs: Observations before the actions.
        action: Actions.
        next_obs: Observations after them.
        terminated: bool ``[R]``.
        truncated: bool ``[R]``.
        before: Frames before the actions, uint8 ``[R, H, W, 3]``; None where none were recorded.
        frame: Frames after them.
    """

    obs: Observations
    action: Any
    next_obs: Observations
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    before: NDArray[np.uint8] | None = None
    frame: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.terminated)

    def repeated(self, rows: int) -> Transitions:
        """Give exactly ``rows`` transitions, over and over the same."""
        index = np.arange(rows) % len(self)
        return Transitions(
            _pick(self.obs, index),
            _pick(self.action, index),
            _pick(self.next_obs, index),
            self.terminated[index],
            self.truncated[index],
            None if self.before is None else self.before[index],
            None if self.frame is None else self.frame[index],
        )


@dataclass(frozen=True, slots=True)
class Measurement:
    """One way of running at one batch size.

    Attributes:
        way: Such as ``"compiled, isolated"``.
        rows: Rows of one call.
        per_second: Observations per second, the median of the repeats.
        equal: Whether all rewards are those of the interpreted tier (NaN equals NaN).
        bad: Rows of the first call of an episode that ended badly.
    """

    way: str
    rows: int
    per_second: float
    equal: bool
    bad: int


def sample(trajectories: TrajectorySet) -> Transitions:
    """Put the transitions of trajectories under each other."""
    items = list(trajectories)
    return Transitions(
        _join([take(item.observations, slice(None, -1)) for item in items]),
        _join([item.actions for item in items]),
        _join([take(item.observations, slice(1, None)) for item in items]),
        np.concatenate([item.terminated for item in items]),
        np.concatenate([item.truncated for item in items]),
        _frames(items, slice(None, -1)),
        _frames(items, slice(1, None)),
    )


def _frames(items: Sequence[Trajectory], part: slice) -> NDArray[np.uint8] | None:
    found = [item.frames for item in items]
    parts = [np.asarray(frames)[part] for frames in found if frames is not None]
    return np.concatenate(parts) if len(parts) == len(items) else None


def measure(
    load: Callable[..., RewardProgram],
    transitions: Transitions,
    rows: Sequence[int],
    *,
    trust: bool = False,
    seconds: float = 0.2,
    progress: ProgressLine | None = None,
) -> list[Measurement]:
    """Time all ways of running a program.

    Args:
        load: Loads the program; takes ``tier`` and ``isolation``.
        transitions: Rows to run.
        rows: Batch sizes.
        trust: Also run in this process: without isolation, and by plain ``exec``.
        seconds: Least time of one repeat.
        progress: Told after each batch size.

    Returns:
        One measurement for each way and batch size; ways that cannot run are left out.
    """
    found: list[Measurement] = []
    with ExitStack() as stack:
        ways = _ways(load, stack, trust=trust)
        for done, size in enumerate(rows):
            found += _measure_size(ways, transitions.repeated(size), seconds, trust=trust)
            if progress is not None:
                progress(done + 1, len(rows))
    return found


def render(measurements: Sequence[Measurement]) -> str:
    """Give measurements as a table: a line per way, a column per batch size."""
    sizes = sorted({item.rows for item in measurements})
    ways = list(dict.fromkeys(item.way for item in measurements))
    known = {(item.way, item.rows): item for item in measurements}
    head = "".join(f"{size:>11,}" for size in sizes)
    lines = ["observations/s at rows:" + head]
    for way in ways:
        cells = []
        for size in sizes:
            item = known.get((way, size))
            mark = "" if item is None or item.equal else "!"
            cells.append(f"{'-' if item is None else f'{item.per_second:,.0f}' + mark:>11}")
        lines.append(f"{way:<23}" + "".join(cells))
    if any(not item.equal for item in measurements):
        lines.append("! rewards differ from those of the interpreted tier")
    if any(item.bad for item in measurements):
        lines.append("rows that end badly:   " + head)
        for way in ways:
            bad = (known.get((way, size)) for size in sizes)
            cells = [f"{'-' if item is None else f'{item.bad:,}':>11}" for item in bad]
            lines.append(f"{way:<23}" + "".join(cells))
    return "\n".join(lines)


def _ways(
    load: Callable[..., RewardProgram], stack: ExitStack, *, trust: bool
) -> dict[str, RewardProgram]:
    ways: dict[str, RewardProgram] = {}
    isolations = ("process", "none") if trust else ("process",)
    for tier in ("interpreted", "compiled"):
        for isolation in isolations:
            try:
                program = load(tier=tier, isolation=isolation)
            except LoadError:
                # What the compiled tier does not take has no line; what no tier takes was
                # reported by whoever called.
                if tier == "interpreted":
                    raise
                continue
            stack.callback(program.close)
            name = "isolated" if isolation == "process" else "in process"
            ways[f"{tier}, {name}"] = program
    return ways


def _measure_size(
    ways: dict[str, RewardProgram], rows: Transitions, seconds: float, *, trust: bool
) -> list[Measurement]:
    with ExitStack() as stack:
        runs: dict[str, _Stepper | _Plain] = {}
        for name, program in ways.items():
            session = stack.enter_context(program.start(num_envs=len(rows), on_error="nan"))
            session.reset(rows.obs, frame=rows.before)
            runs[name] = _Stepper(session, rows)
        if trust:
            runs = {"plain exec": _Plain(next(iter(ways.values())), rows), **runs}
        reference = runs["interpreted, isolated"]()
        equal, bad, repeats = {}, {}, {}
        for name, run in runs.items():
            values = reference if name == "interpreted, isolated" else run()
            bad[name] = run.bad()
            equal[name] = bool(np.array_equal(values, reference, equal_nan=True))
            began = time.perf_counter()
            run()
            once = max(time.perf_counter() - began, 1e-7)
            repeats[name] = max(1, round(seconds / _REPEATS / once))
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(_REPEATS):
            for name, run in runs.items():
                began = time.perf_counter()
                for _ in range(repeats[name]):
                    run()
                times[name].append((time.perf_counter() - began) / repeats[name])
    return [
        Measurement(
            name, len(rows), len(rows) / statistics.median(times[name]), equal[name], bad[name]
        )
        for name in runs
    ]


class _Stepper:
    """Runs all rows by a session.

    Episodes begin anew before the first call, the compared one, so that what a class remembers is
    the same in every way; the timed calls go on from there.
    """

    def __init__(self, session: RewardSession, rows: Transitions) -> None:
        self._session = session
        self._rows = rows
        self._last: RewardBatch | None = None

    def __call__(self) -> NDArray[np.float64]:
        rows = self._rows
        if self._last is None:
            self._session.reset(rows.obs, frame=rows.before)
        self._last = self._session.step(
            rows.obs,
            rows.action,
            rows.next_obs,
            rows.terminated,
            rows.truncated,
            frame=rows.frame,
        )
        return self._last.reward

    def bad(self) -> int:
        """Count the rows of the last call that ended badly, in whichever of their calls."""
        if self._last is None:
            return 0
        tasks = (self._last.task_outcome != Outcome.OK).any(axis=1)
        return int(((self._last.outcome != Outcome.OK) | tasks).sum())


class _Plain:
    """Runs all rows by plain ``exec``, one after the other."""

    def __init__(self, program: RewardProgram, rows: Transitions) -> None:
        self._plain = PlainReward(program, len(rows), trust=True)
        inputs = program.inputs
        obs = split(inputs.observation, rows.obs, len(rows))
        slots = {
            "obs": obs,
            "next_obs": split(inputs.observation, rows.next_obs, len(rows)),
            "initial_obs": obs,
            "action": split(inputs.action, rows.action, len(rows)),
            "terminated": rows.terminated.tolist(),
            "truncated": rows.truncated.tolist(),
            "t": [0] * len(rows),
        }
        frames: Any = [None] * len(rows) if rows.before is None else rows.before
        if rows.frame is not None:
            slots["frame"] = list(rows.frame)
        # Taking the batch apart is not timed: whoever runs programs this way has single
        # observations.
        self._calls = [
            {name: values[i] for name, values in slots.items()} for i in range(len(rows))
        ]
        self._last = np.empty(0)
        for index, observation in enumerate(obs):
            # A row whose episode cannot begin fails at its steps, as in the other ways.
            with suppress(Exception):
                self._plain.reset(index, observation, frames[index])

    def __call__(self) -> NDArray[np.float64]:
        out = np.empty(len(self._calls))
        for index, call in enumerate(self._calls):
            try:
                out[index] = self._plain.step(index, call)
            except Exception:  # a row that fails is NaN in the other ways too
                out[index] = np.nan
        self._last = out
        return out

    def bad(self) -> int:
        """Count the rows of the last call that failed or paid no finite number."""
        return int((~np.isfinite(self._last)).sum())


def _pick(tree: Observations, index: NDArray[np.intp]) -> Observations:
    if isinstance(tree, dict):
        return {key: _pick(value, index) for key, value in tree.items()}
    if isinstance(tree, tuple) and tree and isinstance(tree[0], str):
        return tuple(tree[i] for i in index)
    if isinstance(tree, tuple):
        return tuple(_pick(value, index) for value in tree)
    return tree[index]


def _join(trees: Sequence[Observations]) -> Observations:
    first = trees[0]
    if isinstance(first, dict):
        return {key: _join([tree[key] for tree in trees]) for key in first}
    if isinstance(first, tuple) and first and isinstance(first[0], str):
        return tuple(text for tree in trees for text in tree)
    if isinstance(first, tuple):
        return tuple(_join([tree[i] for tree in trees]) for i in range(len(first)))
    return np.concatenate(trees)
