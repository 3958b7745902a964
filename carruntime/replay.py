"""Run a reward program over recorded trajectories, many side by side.

Every trajectory is one env of a session and starts with a fresh state; its transitions are given
in order, and trajectories that have ended are masked out. So a verdict over a hundred episodes
costs as many session steps as the longest of them has transitions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError, ReproductionError
from carruntime.trajectory import Padded, Trajectory, TrajectorySet
from sandbox.diagnostics import Finding, Report, Severity
from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from carruntime.batch import RewardBatch
    from carruntime.reward import RewardProgram
    from carruntime.session import RewardSession
    from sandbox.diagnostics import Span

__all__ = [
    "Episode",
    "FailureSeen",
    "Replay",
    "frame_outputs",
    "replay",
    "save_failure",
    "unbroken_rewards",
]

_CHUNK = 256
_MOST_FAILURES = 256


@dataclass(frozen=True, slots=True)
class FailureSeen:
    """One distinct failure, with the first row that showed it.

    Attributes:
        outcome: How these rows ended.
        exception: Class name of what was raised.
        message: Its text.
        span: Place in the program, or None.
        task: The predicate that failed, or None for the paying call.
        trajectory: Index of the first trajectory that showed it.
        step: Index of its transition.
        rows: Rows on which it was seen.
        seed: Seed that trajectory was reset with, or None.
    """

    outcome: Outcome
    exception: str
    message: str
    span: Span | None
    task: str | None
    trajectory: int
    step: int
    rows: int
    seed: int | None = None

    def render(self, filename: str, source: str) -> str:
        """Give the failure as text: place, outcome, line with caret, where it was seen."""
        what = f"{self.exception}: {self.message}" if self.exception else self.message
        task = f"task `{self.task}`, " if self.task else ""
        seed = "" if self.seed is None else f" (seed {self.seed})"
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows, first"
        item = Finding(
            rule=self.outcome.name,
            severity=Severity.ERROR,
            span=self.span,
            message=what or "no more is known",
            why=f"{task}{rows} in trajectory {self.trajectory}{seed} at step {self.step}",
            hint="",
        )
        return Report(filename, source, (item,)).render()

    def to_json(self) -> dict[str, Any]:
        """Give the failure as plain data for machines."""
        return {
            "outcome": self.outcome.name,
            "exception": self.exception,
            "message": self.message,
            "line": self.span.line if self.span else None,
            "column": self.span.column if self.span else None,
            "task": self.task,
            "trajectory": self.trajectory,
            "seed": self.seed,
            "step": self.step,
            "rows": self.rows,
        }


@dataclass(frozen=True, eq=False, slots=True)
class Episode:
    """What a program said about one trajectory of T transitions.

    Attributes:
        trajectory: The trajectory.
        reward: float64 ``[T]``; NaN where the row ended badly.
        components: Name to float64 ``[T]``.
        present: Name to bool ``[T]``.
        tasks: bool ``[T, K]``, what each predicate says.
        completed: bool ``[T, K]``, latched since reset.
        at_reset: bool ``[K]``, completed before any action.
        outcome: uint8 ``[T]``, see `sandbox.Outcome`.
        task_names: Names of the K sub-tasks.
    """

    trajectory: Trajectory
    reward: NDArray[np.float64]
    components: Mapping[str, NDArray[np.float64]]
    present: Mapping[str, NDArray[np.bool_]]
    tasks: NDArray[np.bool_]
    completed: NDArray[np.bool_]
    at_reset: NDArray[np.bool_]
    outcome: NDArray[np.uint8]
    task_names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Episode({len(self.reward)} steps, total {self.total:g})"

    @property
    def total(self) -> float:
        """Undiscounted sum of the program's rewards over rows that ended well."""
        return float(np.nansum(self.reward))

    @property
    def peak(self) -> float:
        """Greatest reward of one step; ``-inf`` where no row ended well."""
        good = self.reward[np.isfinite(self.reward)]
        return float(good.max(initial=-np.inf))


@dataclass(frozen=True, eq=False, slots=True)
class Replay:
    """What a program said about a set of trajectories.

    Attributes:
        episodes: One for each trajectory, in order.
        failures: Distinct failures, the most frequent first.
    """

    episodes: tuple[Episode, ...]
    failures: tuple[FailureSeen, ...] = field(default=())

    @property
    def rows(self) -> int:
        """Transitions of all episodes."""
        return sum(len(episode.outcome) for episode in self.episodes)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many rows ended in which way; only ways that occurred."""
        counts: Counter[str] = Counter()
        for episode in self.episodes:
            codes, numbers = np.unique(episode.outcome, return_counts=True)
            for code, number in zip(codes, numbers, strict=True):
                counts[Outcome(int(code)).name] += int(number)
        return dict(counts)


def replay(program: RewardProgram, trajectories: TrajectorySet) -> Replay:
    """Run a program over trajectories, each from a fresh state and in order.

    Args:
        program: A loaded program whose spaces are those of the trajectories.
        trajectories: At least one.

    Returns:
        One episode for each trajectory, and the distinct failures.

    Raises:
        OptionError: If there is no trajectory.
        ShapeError: If observations or actions do not fit the program's spaces.
    """
    if not len(trajectories):
        raise OptionError("replay: no trajectories; collect some with carruntime.collect first")
    # Trajectories of like length share a chunk, so that little is padded.
    order = sorted(range(len(trajectories)), key=lambda i: len(trajectories[i]))
    episodes: dict[int, Episode] = {}
    failures: dict[tuple[Any, ...], FailureSeen] = {}
    for start in range(0, len(order), _CHUNK):
        chosen = order[start : start + _CHUNK]
        items = [trajectories[i] for i in chosen]
        with program.start(num_envs=len(items), on_error="nan") as session:
            episodes.update(zip(chosen, _run(session, items, chosen, failures), strict=True))
    return Replay(
        tuple(episodes[i] for i in range(len(trajectories))),
        tuple(sorted(failures.values(), key=lambda item: (-item.rows, item.trajectory, item.step))),
    )


def save_failure(
    program: RewardProgram, trajectories: TrajectorySet, failure: FailureSeen, path: Path
) -> Path | None:
    """Write a file that replays a failure alone: its episode is run again, and recorded.

    Returns:
        The path, or None if the failure did not come again.

    Raises:
        ReproductionError: If the file cannot be written.
    """
    item = trajectories[failure.trajectory]
    padded = Padded([item])
    with program.start(num_envs=1, on_error="nan", record_episodes=True) as session:
        session.reset(padded.observation(0), frame=_frame(program, padded, 0))
        for t in range(failure.step + 1):
            batch = session.step(
                padded.observation(t),
                padded.action(t),
                padded.observation(t + 1),
                padded.terminated[t],
                padded.truncated[t],
                frame=_frame(program, padded, t + 1),
            )
        found = batch.failure(0, failure.task)
    if found is None:
        return None
    try:
        found.save(path)
    except OSError as error:
        raise ReproductionError(
            f"{path}: cannot be written ({error.strerror or error}); want a path in a folder that "
            "is there and yours"
        ) from error
    return path


def unbroken_rewards(
    program: RewardProgram, trajectories: list[Trajectory]
) -> list[NDArray[np.float64]]:
    """Run a program over trajectories one after the other and reset it only before the first.

    This is how the published pipeline runs its checkers; `replay` is how it should be done.

    Returns:
        For each trajectory the output on each transition, float64 ``[T]``: the reward, or for a
        program of tasks alone the number of predicates that hold. Bad rows are NaN.
    """
    outputs = []
    with program.start(num_envs=1, on_error="nan") as session:
        for index, item in enumerate(trajectories):
            padded = Padded([item])
            if index == 0:
                session.reset(padded.observation(0), frame=_frame(program, padded, 0))
            reward = np.empty(len(item))
            tasks = np.empty((len(item), len(program.task_names)), dtype=np.bool_)
            for t in range(len(item)):
                batch = session.step(
                    padded.observation(t),
                    padded.action(t),
                    padded.observation(t + 1),
                    padded.terminated[t],
                    padded.truncated[t],
                    frame=_frame(program, padded, t + 1),
                )
                reward[t], tasks[t] = batch.reward[0], batch.tasks[0]
            outputs.append(frame_outputs(program, reward, tasks))
    return outputs


def frame_outputs(
    program: RewardProgram, reward: NDArray[np.float64], tasks: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Give what the published pipeline would call the output of each frame, float64 ``[T]``.

    That is the reward; a program of tasks alone has no output of its own, so it is the number of
    predicates that hold, latched or not.
    """
    return tasks.sum(axis=1).astype(np.float64) if program.form == "tasks" else reward


def _run(
    session: RewardSession,
    items: list[Trajectory],
    indices: list[int],
    failures: dict[tuple[Any, ...], FailureSeen],
) -> Iterator[Episode]:
    padded = Padded(items)
    longest, size = padded.mask.shape
    names, tasks = session.program.component_names, session.program.task_names
    reward = np.full((longest, size), np.nan)
    components = {name: np.zeros((longest, size)) for name in names}
    present = {name: np.zeros((longest, size), dtype=np.bool_) for name in names}
    held = np.zeros((longest, size, len(tasks)), dtype=np.bool_)
    completed = np.zeros_like(held)
    outcome = np.zeros((longest, size), dtype=np.uint8)
    session.reset(padded.observation(0), frame=_frame(session.program, padded, 0))
    at_reset = np.zeros((size, len(tasks)), dtype=np.bool_)
    for t in range(longest):
        mask = padded.mask[t]
        batch = session.step(
            padded.observation(t),
            padded.action(t),
            padded.observation(t + 1),
            padded.terminated[t],
            padded.truncated[t],
            frame=_frame(session.program, padded, t + 1),
            mask=mask,
        )
        reward[t] = batch.reward
        held[t] = batch.tasks
        completed[t] = batch.completed
        if t == 0:
            at_reset = batch.completed & ~batch.newly_completed
        for name in names:
            np.copyto(components[name][t], batch.components[name])
            np.copyto(present[name][t], batch.present[name])
        # A row is as bad as the worst of its calls, so that no failing predicate goes unseen.
        worst = batch.outcome
        if len(tasks):
            bad_task = (batch.task_outcome != Outcome.OK) & mask[:, None]
            first = batch.task_outcome[np.arange(size), bad_task.argmax(axis=1)]
            worst = np.where((worst == Outcome.OK) & bad_task.any(axis=1), first, worst)
        outcome[t] = worst
        for row in np.flatnonzero((worst != Outcome.OK) & mask):
            place = _Place(indices[row], t, items[row].seed)
            _note_failure(batch, int(row), place, tasks=tasks, into=failures)
    for column, item in enumerate(items):
        span = slice(0, len(item))
        yield Episode(
            trajectory=item,
            reward=reward[span, column],
            components={name: values[span, column] for name, values in components.items()},
            present={name: values[span, column] for name, values in present.items()},
            tasks=held[span, column],
            completed=completed[span, column],
            at_reset=at_reset[column],
            outcome=outcome[span, column],
            task_names=tasks,
        )


def _frame(program: RewardProgram, padded: Padded, index: int) -> NDArray[np.uint8] | None:
    """Give the frames at one time; None for a program that looks at none."""
    if not program.reads_frames:
        return None
    if not padded.has_frames:
        raise OptionError(
            f"replay: {program.filename} looks at frames, and the trajectories have none; record "
            "them with carruntime.collect(..., frames=True) in an environment made with "
            'render_mode="rgb_array"'
        )
    return padded.frame(index)


@dataclass(frozen=True, slots=True)
class _Place:
    """One transition of a set of trajectories."""

    trajectory: int
    step: int
    seed: int | None


def _note_failure(
    batch: RewardBatch,
    row: int,
    place: _Place,
    *,
    tasks: tuple[str, ...],
    into: dict[tuple[Any, ...], FailureSeen],
) -> None:
    calls: list[tuple[int | None, int]] = [(None, int(batch.outcome[row]))]
    calls += [(task, int(batch.task_outcome[row, task])) for task in range(len(tasks))]
    for task, code in calls:
        if code == Outcome.OK:
            continue
        if task is None and len(tasks) and code in batch.task_outcome[row]:
            continue  # a program of tasks alone repeats its first bad task here
        failure = batch.failure(row, task)
        name = None if task is None else tasks[task]
        kind = failure.exception if failure is not None else Outcome(code).name
        message = failure.message if failure is not None else ""
        span = failure.span if failure is not None else None
        key = (code, kind, message, span, name)
        seen = into.get(key)
        if seen is None and len(into) >= _MOST_FAILURES:
            continue
        rows = 1 if seen is None else seen.rows + 1
        # Trajectories run side by side, in no order that means anything: the first is the one
        # that a reader who goes through them in order would meet first.
        if seen is not None and (seen.trajectory, seen.step) <= (place.trajectory, place.step):
            into[key] = replace(seen, rows=rows)
            continue
        into[key] = FailureSeen(
            Outcome(code),
            kind,
            message,
            span,
            name,
            trajectory=place.trajectory,
            step=place.step,
            rows=rows,
            seed=place.seed,
        )
