"""What a program says of episodes, however they are arranged over environments and time.

Most laws of a reward program say that an arrangement makes no difference: alone or side by side,
after another episode or first, in this order or that. So there is one way to run them all. A
*lane* is one environment, with episodes that follow each other and a reset before each; lanes run
side by side in one session, and those that have ended are masked out. What comes back is a `Told`
for each episode, and `difference` says where two of them part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from carruntime.columns import take
from carruntime.errors import OptionError
from carruntime.trajectory import Trajectory
from sandbox.outcome import Outcome
from sandbox.schema import DictSpec, Spec, TupleSpec

if TYPE_CHECKING:
    from carruntime.batch import RewardFailure
    from carruntime.reward import RewardProgram
    from carruntime.session import RewardSession

__all__ = ["Stage", "Told", "difference"]

_SESSIONS: Final = 8
_KNOWN_SLOTS: Final = frozenset(
    {"obs", "next_obs", "initial_obs", "action", "terminated", "truncated", "t"}
    | {"frame", "initial_frame", "prev_frame"}
)


@dataclass(eq=False, slots=True)
class Told:
    """What a program said of one episode of T transitions.

    Attributes:
        reward: float64 ``[T]``; NaN where the row ended badly.
        components: Name to float64 ``[T]``.
        present: Name to bool ``[T]``.
        tasks: bool ``[T, K]``, what each predicate says.
        completed: bool ``[T, K]``, latched since reset.
        newly_completed: bool ``[T, K]``.
        task_outcome: uint8 ``[T, K]``.
        outcome: uint8 ``[T]``; that of the first bad predicate where only a predicate failed.
        fuel: int64 ``[T]``.
        at_reset: bool ``[K]``, completed before any action.
        failures: Transition to the first failure on it.
    """

    reward: NDArray[np.float64]
    components: dict[str, NDArray[np.float64]]
    present: dict[str, NDArray[np.bool_]]
    tasks: NDArray[np.bool_]
    completed: NDArray[np.bool_]
    newly_completed: NDArray[np.bool_]
    task_outcome: NDArray[np.uint8]
    outcome: NDArray[np.uint8]
    fuel: NDArray[np.int64]
    at_reset: NDArray[np.bool_]
    failures: dict[int, RewardFailure]

    def __len__(self) -> int:
        return len(self.reward)

    @property
    def total(self) -> float:
        """Undiscounted sum of the rewards of rows that ended well."""
        return float(np.nansum(self.reward))


class Stage:
    """A program with the sessions in which its episodes are run.

    Args:
        program: A loaded program; it stays the caller's.
    """

    def __init__(self, program: RewardProgram) -> None:
        self.program = program
        self.slots = program.plan.schema.read()
        strange = sorted(set(self.slots) - _KNOWN_SLOTS)
        if strange:
            raise OptionError(
                f"{program.filename} reads {', '.join(strange)}, which recorded episodes do not "
                "hold; a program that is tested here reads observations, actions and frames only"
            )
        self._sessions: dict[int, RewardSession] = {}

    def close(self) -> None:
        """End all sessions."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def session(self, num_envs: int, *, fresh: bool = False) -> RewardSession:
        """Give a session for so many lanes: one that ran before, or one that never did."""
        known = None if fresh else self._sessions.get(num_envs)
        if known is not None:
            return known
        if num_envs in self._sessions:
            self._sessions.pop(num_envs).close()
        while len(self._sessions) >= _SESSIONS:
            self._sessions.pop(next(iter(self._sessions))).close()
        made = self.program.start(num_envs, "nan", keep_failed=0)
        self._sessions[num_envs] = made
        return made

    def run(
        self, lanes: Sequence[Sequence[Trajectory]], *, fresh: bool = False
    ) -> list[list[Told]]:
        """Run episodes, those of one lane one after the other.

        Args:
            lanes: At least one lane, each of at least one episode.
            fresh: In a session that has run nothing yet.

        Returns:
            What was said, in the same nesting.

        Raises:
            ShapeError: If observations or actions do not fit the program's spaces.
        """
        return _run(self, self.session(len(lanes), fresh=fresh), lanes)

    def one(self, episode: Trajectory) -> Told:
        """Run one episode alone."""
        return self.run([[episode]])[0][0]


def _run(
    stage: Stage, session: RewardSession, lanes: Sequence[Sequence[Trajectory]]
) -> list[list[Told]]:
    columns = _Columns(stage, lanes)
    names, tasks = session.program.component_names, session.program.task_names
    lengths = [[len(item) for item in lane] for lane in lanes]
    longest = max(sum(each) for each in lengths)
    size, count = len(lanes), len(tasks)
    active = np.zeros((longest, size), np.bool_)
    begins = np.zeros((longest, size), np.bool_)
    before = np.zeros((longest, size), np.intp)
    made = np.zeros((longest, size), np.intp)
    for lane, episodes in enumerate(lanes):
        at = 0
        for item in episodes:
            first, action = columns.places[id(item)]
            span = slice(at, at + len(item))
            active[span, lane], begins[at, lane] = True, True
            before[span, lane] = np.arange(first, first + len(item))
            made[span, lane] = np.arange(action, action + len(item))
            # What stands behind the end of a lane is a valid row that nobody looks at.
            before[at + len(item) :, lane], made[at + len(item) :, lane] = first, action
            at += len(item)
    reward = np.full((longest, size), np.nan)
    parts = np.zeros((len(names), longest, size))
    there = np.zeros((len(names), longest, size), np.bool_)
    held = np.zeros((3, longest, size, count), np.bool_)
    task_outcome = np.zeros((longest, size, count), np.uint8)
    outcome = np.zeros((longest, size), np.uint8)
    fuel = np.zeros((longest, size), np.int64)
    failures: dict[tuple[int, int], RewardFailure] = {}
    for now in range(longest):
        mask = active[now]
        if begins[now].any():
            session.reset(
                columns.first(before[now]), frame=columns.frame(before[now]), mask=begins[now]
            )
        batch = session.step(
            columns.take("obs", before[now]),
            columns.take("action", made[now]),
            columns.take("next_obs", before[now] + 1),
            columns.terminated[made[now]],
            columns.truncated[made[now]],
            frame=columns.frame(before[now] + 1),
            mask=mask,
        )
        reward[now], fuel[now] = batch.reward, batch.fuel
        held[0, now], held[1, now] = batch.tasks, batch.completed
        held[2, now], task_outcome[now] = batch.newly_completed, batch.task_outcome
        for index, name in enumerate(names):
            parts[index, now], there[index, now] = batch.components[name], batch.present[name]
        outcome[now] = batch.outcome
        if batch.ok:
            continue
        for row in np.flatnonzero(mask).tolist():
            bad = [k for k in range(count) if batch.task_outcome[row, k] != Outcome.OK]
            if batch.outcome[row] == Outcome.OK and bad:
                outcome[now, row] = batch.task_outcome[row, bad[0]]
            found = batch.failure(row) or (batch.failure(row, bad[0]) if bad else None)
            if found is not None:
                failures[now, row] = found
    told: list[list[Told]] = []
    for lane, each in enumerate(lengths):
        at, said = 0, []
        for length in each:
            span = slice(at, at + length)
            said.append(
                Told(
                    reward=reward[span, lane],
                    components={name: parts[k, span, lane] for k, name in enumerate(names)},
                    present={name: there[k, span, lane] for k, name in enumerate(names)},
                    tasks=held[0, span, lane],
                    completed=held[1, span, lane],
                    newly_completed=held[2, span, lane],
                    task_outcome=task_outcome[span, lane],
                    outcome=outcome[span, lane],
                    fuel=fuel[span, lane],
                    at_reset=held[1, at, lane] & ~held[2, at, lane],
                    failures={
                        now - at: failure
                        for (now, row), failure in failures.items()
                        if row == lane and at <= now < at + length
                    },
                )
            )
            at += length
        told.append(said)
    return told


class _Columns:
    """All observations and actions of some episodes under each other, each episode once.

    Attributes:
        places: By identity of an episode, its first observation and its first transition.
    """

    def __init__(self, stage: Stage, lanes: Sequence[Sequence[Trajectory]]) -> None:
        items = list({id(item): item for lane in lanes for item in lane}.values())
        self.places: dict[int, tuple[int, int]] = {}
        seen = made = 0
        for item in items:
            self.places[id(item)] = (seen, made)
            seen, made = seen + len(item) + 1, made + len(item)
        self._slots = stage.slots
        self._frames: NDArray[np.uint8] | None = None
        if stage.program.reads_frames:
            if any(item.frames is None for item in items):
                raise OptionError(
                    f"{stage.program.filename} looks at frames, and the episodes have none; make "
                    'the environment with render_mode="rgb_array"'
                )
            self._frames = np.concatenate([np.asarray(item.frames) for item in items])
        self._columns: dict[str, Any] = {}
        for slot, spec in stage.slots.items():
            if slot in {"obs", "next_obs", "initial_obs"}:
                self._columns[slot] = _joined(spec, [item.observations for item in items])
            elif slot == "action":
                self._columns[slot] = _joined(spec, [item.actions for item in items])
        self.terminated: NDArray[np.bool_] = np.concatenate([item.terminated for item in items])
        self.truncated: NDArray[np.bool_] = np.concatenate([item.truncated for item in items])

    def take(self, slot: str, rows: NDArray[np.intp]) -> Any:
        """Give the rows of a slot; None where the program does not read it."""
        column = self._columns.get(slot)
        return None if column is None else take(self._slots[slot], column, rows)

    def frame(self, rows: NDArray[np.intp]) -> NDArray[np.uint8] | None:
        """Give the pictures of the rows; None for a program that looks at none."""
        return None if self._frames is None else self._frames[rows]

    def first(self, rows: NDArray[np.intp]) -> Any:
        """Give first observations, with all parts that some reader at a reset looks at."""
        found = [self.take(slot, rows) for slot in ("next_obs", "initial_obs")]
        given = [item for item in found if item is not None]
        return _merged(given) if given else None


def _merged(trees: Sequence[Any]) -> Any:
    """Put trees together of which each has some of the keys."""
    first = trees[0]
    if not isinstance(first, dict):
        return first
    keys = dict.fromkeys(key for tree in trees for key in tree)
    return {key: _merged([tree[key] for tree in trees if key in tree]) for key in keys}


def _joined(spec: Spec, trees: Sequence[Any]) -> Any:
    if isinstance(spec, DictSpec):
        return {key: _joined(child, [tree[key] for tree in trees]) for key, child in spec.fields}
    if isinstance(spec, TupleSpec):
        return tuple(
            _joined(child, [tree[at] for tree in trees]) for at, child in enumerate(spec.items)
        )
    if spec.kind == "text":
        # Objects, so that taking rows of it is no conversion of the whole.
        out = np.empty(sum(len(tree) for tree in trees), dtype=object)
        out[:] = [text for tree in trees for text in tree]
        return out
    return np.concatenate([np.asarray(tree) for tree in trees])


def difference(
    one: Told, other: Told, *, tolerance: float = 0.0, fuel: bool = True
) -> tuple[int, str, str] | None:
    """Say where what was said of the same episode differs, over the steps that both have.

    Args:
        one: What is expected.
        other: What came.
        tolerance: Relative, of rewards and components; 0 means the same bits (NaN equals NaN).
        fuel: Whether the fuel must be equal too.

    Returns:
        None where there is no difference; else step (-1 for the reset), expectation and what came.
    """
    steps = min(len(one), len(other))
    if (one.at_reset != other.at_reset).any():
        return -1, f"completed at reset {_truths(one.at_reset)}", f"{_truths(other.at_reset)}"
    for step in range(steps):
        found = _row_differs(one, other, step, tolerance=tolerance, fuel=fuel)
        if found is not None:
            return step, *found
    return None


def _row_differs(
    one: Told, other: Told, step: int, *, tolerance: float, fuel: bool
) -> tuple[str, str] | None:
    if one.outcome[step] != other.outcome[step]:
        names = [_outcome(item, step) for item in (one, other)]
        return names[0], names[1]
    for name in ("task_outcome", "tasks", "completed"):
        want, got = getattr(one, name)[step], getattr(other, name)[step]
        if (want != got).any():
            return f"{name} {want.tolist()}", f"{got.tolist()}"
    want_reward, got_reward = float(one.reward[step]), float(other.reward[step])
    if not _close(want_reward, got_reward, tolerance):
        return f"reward {want_reward!r}", f"{got_reward!r}"
    for name, values in one.components.items():
        have, had = bool(one.present[name][step]), bool(other.present[name][step])
        if have != had:
            return f"component {name!r} present {have}", f"present {had}"
        want_part, got_part = float(values[step]), float(other.components[name][step])
        if not _close(want_part, got_part, tolerance):
            return f"component {name!r} {want_part!r}", f"{got_part!r}"
    if fuel and one.fuel[step] != other.fuel[step]:
        return f"fuel {int(one.fuel[step])}", f"{int(other.fuel[step])}"
    return None


def _outcome(told: Told, step: int) -> str:
    name = Outcome(int(told.outcome[step])).name
    failure = told.failures.get(step)
    if failure is not None and failure.exception:
        return f"{name} ({failure.exception}: {failure.message})"
    return f"{name}, reward {float(told.reward[step])!r}" if name == "OK" else name


def _truths(values: NDArray[np.bool_]) -> list[bool]:
    return [bool(value) for value in values]


def _close(a: float, b: float, tolerance: float) -> bool:
    if isnan(a) or isnan(b):
        return isnan(a) and isnan(b)
    if tolerance == 0.0:
        # The sign of a zero is a bit like any other, but no learner can see it.
        return a == b
    return a == b or abs(a - b) <= tolerance * max(abs(a), abs(b))
