"""Rewards for stored data: what a program would have paid, without any environment.

A function of one transition needs no order, so its transitions are run in large batches, which is
where the compiled tier is fast. Tasks latch and classes remember, so these are replayed episode by
episode, many episodes side by side. Both give the same kind of answer.

The file is not called ``relabel``, because a function and a module of one name in one package
hide each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any, Final, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from carruntime.columns import take
from carruntime.errors import OptionError, ShapeError
from carruntime.replay import Episode, replay
from carruntime.reward import RewardProgram
from carruntime.trajectory import Trajectory, TrajectorySet, leading_size
from sandbox.outcome import Outcome
from sandbox.schema import DictSpec, Spec, TupleSpec

__all__ = ["Dataset", "Relabelled", "relabel"]

Dataset: TypeAlias = "TrajectorySet | Trajectory | Iterable[Any] | Mapping[str, Any]"
_BATCH: Final = 16_384
_ENDED: Final = ("terminated", "terminations", "terminals")
_CUT: Final = ("truncated", "truncations", "timeouts")


class Relabelled:
    """What a program pays for a dataset.

    Attributes:
        reward: float64 ``[sum of T]``, all episodes one after the other.
        outcome: uint8, likewise; how each row ended.
    """

    def __init__(
        self,
        reward: NDArray[np.float64],
        outcome: NDArray[np.uint8],
        count: int,
        episodes: Callable[[], tuple[Episode, ...]],
    ) -> None:
        self.reward = reward
        self.outcome = outcome
        self._count = count
        self._make = episodes
        self._made: tuple[Episode, ...] | None = None

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """One for each episode, in order; see `carruntime.replay.Episode`.

        Made when first asked for. Their arrays are views of `reward` and `outcome`.
        """
        if self._made is None:
            self._made = self._make()
        return self._made

    def __repr__(self) -> str:
        ended = ", ".join(f"{count} {code.name}" for code, count in sorted(self.outcomes.items()))
        return f"Relabelled({self._count} episodes, {len(self.reward)} steps: {ended})"

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How many rows ended in which way."""
        codes, counts = np.unique(self.outcome, return_counts=True)
        return Counter(
            {Outcome(int(code)): int(count) for code, count in zip(codes, counts, strict=True)}
        )


def relabel(
    program: RewardProgram,
    dataset: Dataset,
    *,
    on_error: Literal["nan", "zero"] | float = "nan",
) -> Relabelled:
    """Compute a program's rewards for stored episodes.

    Args:
        program: A loaded program whose spaces are those of the data.
        dataset: Trajectories; or episodes with ``observations`` ``[T + 1, ...]`` and ``actions``
            ``[T, ...]``, as Minari gives them (and ``frames`` uint8 ``[T + 1, H, W, 3]`` for a
            program that looks at frames); or a dict of arrays, either of one such episode or
            of many one after the other with ``next_observations`` and ``terminals`` and
            ``timeouts`` (or ``terminated`` and ``truncated``), all ``[sum of T, ...]``. This last
            form is the fastest for a function of one transition, which reads its rows where they
            lie, next observations included, whatever the row behind them holds.
        on_error: What the reward of a bad row becomes; ``outcome`` tells which these are.

    Returns:
        The rewards by episode and in one piece.

    Raises:
        OptionError: If the dataset has another form, or is empty.
        ShapeError: If observations or actions do not fit the program's spaces.
    """
    value = _value(on_error)
    # Which frame came before is known only in the order of an episode.
    by_row = program.form == "function" and not program.reads_frames
    try:
        if by_row and isinstance(dataset, Mapping) and "next_observations" in dataset:
            flat = _flat(dataset)
            return _in_batches(program, flat.rows(program), value, flat.trajectories)
        trajectories = tuple(_trajectories(dataset))
        if not trajectories:
            raise OptionError("relabel: the dataset has no episode; want at least one")
        if by_row:
            return _in_batches(program, _Joined(trajectories), value, lambda: trajectories)
        episodes = replay(program, TrajectorySet(trajectories=trajectories)).episodes
    except ShapeError as error:
        raise ShapeError(
            f"relabel: the episodes are not of the spaces that {program.filename} was loaded for",
            error.problems,
        ) from error
    for episode in episodes:
        episode.reward[episode.outcome != Outcome.OK] = value
    return Relabelled(
        np.concatenate([episode.reward for episode in episodes]),
        np.concatenate([episode.outcome for episode in episodes]),
        len(episodes),
        lambda: episodes,
    )


def _value(on_error: str | float) -> float:
    if on_error == "nan":
        return float("nan")
    if on_error == "zero":
        return 0.0
    if isinstance(on_error, int | float) and not isinstance(on_error, bool) and isfinite(on_error):
        return float(on_error)
    raise OptionError(f'relabel: on_error={on_error!r}; want "nan", "zero" or a finite number')


# Rows that know nothing of each other --------------------------------------------------------


class _Rows(Protocol):
    """Transitions under each other.

    Attributes:
        bounds: int64 ``[E + 1]``, where each episode begins and the last one ends.
    """

    bounds: NDArray[np.int64]

    def column(self, slot: str, spec: Spec, start: int, stop: int) -> Any:
        """Give some rows of what a program reads, in Gymnasium's vector layout."""
        ...


def _in_batches(
    program: RewardProgram,
    rows: _Rows,
    value: float,
    trajectories: Callable[[], tuple[Trajectory, ...]],
) -> Relabelled:
    """Run all transitions as rows of large batches."""
    slots = program.plan.schema.read()
    names = program.component_names
    bounds = rows.bounds
    total = int(bounds[-1])
    size = min(total, _BATCH)
    reward = np.empty(total)
    outcome = np.empty(total, np.uint8)
    components = np.empty((len(names), total))
    present = np.empty((len(names), total), np.bool_)
    # Nothing advances from row to row, so only what is read of a reset needs one more than once.
    of_reset = [slot for slot in ("t", "initial_obs") if slot in slots]
    with program.start(size, on_error="nan") as session:
        for start in range(0, total, size):
            # The last batch is filled up with rows of its own end, which are not looked at.
            stop = min(start + size, total)
            given = {
                slot: _filled(spec, rows.column(slot, spec, start, stop), size - (stop - start))
                for slot, spec in slots.items()
                if slot != "t"
            }
            first = given.pop("initial_obs", None)
            if start == 0 or of_reset:
                made = None
                if "t" in slots:
                    made = _filled_rows(_steps(bounds, start, stop), size - (stop - start))
                session.reset(first, t=made)
            batch = session.step(**given)
            used = stop - start
            reward[start:stop] = batch.reward[:used]
            outcome[start:stop] = batch.outcome[:used]
            for index, name in enumerate(names):
                components[index, start:stop] = batch.components[name][:used]
                present[index, start:stop] = batch.present[name][:used]
    reward[outcome != Outcome.OK] = value

    def episodes() -> tuple[Episode, ...]:
        none = np.zeros((total, 0), np.bool_)
        return tuple(
            Episode(
                trajectory=item,
                reward=reward[start:stop],
                components={name: components[k, start:stop] for k, name in enumerate(names)},
                present={name: present[k, start:stop] for k, name in enumerate(names)},
                tasks=none[start:stop],
                completed=none[start:stop].copy(),
                at_reset=np.zeros(0, np.bool_),
                outcome=outcome[start:stop],
            )
            for item, (start, stop) in zip(trajectories(), pairwise(bounds.tolist()), strict=True)
        )

    return Relabelled(reward, outcome, len(bounds) - 1, episodes)


def _steps(bounds: NDArray[np.int64], start: int, stop: int) -> NDArray[np.int64]:
    """Give how many transitions came before each row in its own episode."""
    at = np.arange(start, stop)
    return at - bounds[np.searchsorted(bounds, at, side="right") - 1]


def _filled_rows(rows: NDArray[Any], count: int) -> NDArray[Any]:
    return np.concatenate([rows, np.repeat(rows[-1:], count, axis=0)]) if count else rows


def _filled(spec: Spec, batch: Any, count: int) -> Any:
    """Repeat the last row of a batch so many times."""
    if not count:
        return batch
    if isinstance(spec, DictSpec):
        return {key: _filled(child, batch[key], count) for key, child in spec.fields}
    if isinstance(spec, TupleSpec):
        return tuple(_filled(child, batch[at], count) for at, child in enumerate(spec.items))
    if spec.kind == "text":
        return (*batch, *batch[-1:] * count)
    return _filled_rows(batch, count)


_FROM: Final[Mapping[str, str]] = {
    "obs": "observations",
    "initial_obs": "observations",
    "action": "actions",
    "next_obs": "observations",
    "terminated": "terminated",
    "truncated": "truncated",
}
"""Which column of an episode each slot of a program is read from."""


class _Joined:
    """The transitions of trajectories."""

    def __init__(self, trajectories: Sequence[Trajectory]) -> None:
        self._items = trajectories
        self.bounds = np.cumsum([0, *(len(item) for item in trajectories)])

    def column(self, slot: str, spec: Spec, start: int, stop: int) -> Any:
        index = int(np.searchsorted(self.bounds, start, side="right")) - 1
        shift = slot == "next_obs"
        parts = []
        while index < len(self._items) and self.bounds[index] < stop:
            begin, end = int(self.bounds[index]), int(self.bounds[index + 1])
            first, last = max(start, begin) - begin, min(stop, end) - begin
            rows: Any = slice(first + shift, last + shift)
            if slot == "initial_obs":
                rows = np.zeros(last - first, np.intp)
            parts.append(_taken(spec, getattr(self._items[index], _FROM[slot]), rows, _FROM[slot]))
            index += 1
        return _join(spec, parts)


class _Flat:
    """Transitions that are under each other already; given out as views."""

    def __init__(self, columns: Mapping[str, Any], bounds: NDArray[np.int64]) -> None:
        self.bounds = bounds
        self._columns = columns

    def column(self, slot: str, spec: Spec, start: int, stop: int) -> Any:
        if slot != "initial_obs":
            return _taken(spec, self._columns[slot], slice(start, stop), _FROM[slot])
        at = np.searchsorted(self.bounds, np.arange(start, stop), side="right") - 1
        return _taken(spec, self._columns[slot], self.bounds[at], _FROM[slot])


def _taken(spec: Spec, column: Any, rows: Any, name: str) -> Any:
    try:
        return _sliced(spec, column, rows)
    except (KeyError, IndexError, TypeError) as error:
        raise OptionError(
            f"relabel: {name} of an episode have not the layout of the program's space "
            f"({type(error).__name__}: {error}); want Gymnasium's vector layout with time as "
            "the first axis"
        ) from error


def _sliced(spec: Spec, batch: Any, rows: slice | NDArray[np.intp]) -> Any:
    """Give some rows of a batch, views of it where they can be."""
    if isinstance(spec, DictSpec):
        return {key: _sliced(child, batch[key], rows) for key, child in spec.fields}
    if isinstance(spec, TupleSpec):
        return tuple(_sliced(child, batch[at], rows) for at, child in enumerate(spec.items))
    if spec.kind != "text":
        return np.asarray(batch)[rows]
    if isinstance(batch, tuple):
        # `take` would go through the whole column for every batch.
        return batch[rows] if isinstance(rows, slice) else tuple(batch[at] for at in rows.tolist())
    return take(spec, batch, rows)


def _join(spec: Spec, parts: Sequence[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if isinstance(spec, DictSpec):
        return {key: _join(child, [part[key] for part in parts]) for key, child in spec.fields}
    if isinstance(spec, TupleSpec):
        return tuple(
            _join(child, [part[at] for part in parts]) for at, child in enumerate(spec.items)
        )
    if spec.kind == "text":
        return tuple(text for part in parts for text in part)
    return np.concatenate(parts)


# Forms of a dataset --------------------------------------------------------------------------


def _trajectories(dataset: Dataset) -> Iterator[Trajectory]:
    if isinstance(dataset, Trajectory):
        yield dataset
    elif isinstance(dataset, Mapping):
        yield from _from_arrays(dataset)
    elif hasattr(dataset, "iterate_episodes"):
        # A Minari dataset; Minari itself is not needed.
        for episode in dataset.iterate_episodes():
            yield _from_episode(episode)
    elif isinstance(dataset, Iterable) and not isinstance(dataset, str | bytes | np.ndarray):
        for item in dataset:
            if isinstance(item, Trajectory):
                yield item
            elif isinstance(item, Mapping):
                yield from _from_arrays(item)
            else:
                yield _from_episode(item)
    else:
        raise OptionError(
            f"relabel: a {type(dataset).__name__} is no dataset; want trajectories, episodes with "
            "observations and actions, or a dict of arrays"
        )


def _from_episode(episode: Any) -> Trajectory:
    arrays: dict[str, Any] = {}
    for name in ("observations", "actions", "rewards", "frames", *_ENDED, *_CUT):
        value = getattr(episode, name, None)
        if value is not None:
            arrays[name] = value
    return _episode(arrays)


def _from_arrays(arrays: Mapping[str, Any]) -> Iterator[Trajectory]:
    if "next_observations" not in arrays:
        yield _episode(arrays)
        return
    yield from _flat(arrays).trajectories()


@dataclass(frozen=True, slots=True)
class _Transitions:
    """A dict of arrays with one row for each transition, checked."""

    observations: Any
    following: Any
    actions: Any
    rewards: NDArray[Any]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    bounds: NDArray[np.int64]

    def trajectories(self) -> tuple[Trajectory, ...]:
        """Cut them into episodes."""
        return tuple(
            Trajectory(
                observations=_tree(
                    lambda now, after, start=start, stop=stop: _append(now, after, start, stop),
                    self.observations,
                    self.following,
                ),
                actions=_tree(
                    lambda value, _, start=start, stop=stop: value[start:stop],
                    self.actions,
                    self.actions,
                ),
                rewards=self.rewards[start:stop],
                terminated=self.terminated[start:stop],
                truncated=self.truncated[start:stop],
            )
            for start, stop in pairwise(self.bounds.tolist())
        )

    def rows(self, program: RewardProgram) -> _Flat:
        """Give what a program reads of them."""
        given = {
            "obs": self.observations,
            "initial_obs": self.observations,
            "action": self.actions,
            "next_obs": self.following,
            "terminated": self.terminated,
            "truncated": self.truncated,
        }
        slots = program.plan.schema.read()
        columns = {}
        for slot, spec in slots.items():
            # Each slot has only those parts of the tree that are read there.
            if slot in given:
                columns[slot] = _taken(spec, given[slot], slice(None), _FROM[slot])
        return _Flat(columns, self.bounds)


def _flat(arrays: Mapping[str, Any]) -> _Transitions:
    observations, actions = _needed(arrays, "observations"), _needed(arrays, "actions")
    following = arrays["next_observations"]
    total = leading_size(actions)
    ended, cut = _flag(arrays, _ENDED, total), _flag(arrays, _CUT, total)
    rewards = np.asarray(arrays.get("rewards", np.zeros(total)))
    sizes = {leading_size(observations), leading_size(following), len(ended), len(cut)}
    sizes.add(len(rewards))
    if sizes != {total}:
        raise OptionError(
            f"relabel: {total} actions beside columns of {sorted(sizes)} rows; in a dict with "
            "next_observations all arrays have one row for each transition"
        )
    if not total:
        raise OptionError("relabel: the dataset has no episode; want at least one")
    bounds = np.concatenate([[0], np.flatnonzero(ended | cut) + 1])
    if bounds[-1] != total:
        bounds = np.append(bounds, total)
    return _Transitions(observations, following, actions, rewards, ended, cut, bounds)


def _append(now: Any, after: Any, start: int, stop: int) -> Any:
    """Give the observations of an episode and the one behind its last transition."""
    if isinstance(now, np.ndarray):
        return np.concatenate([now[start:stop], after[stop - 1 : stop]])
    return (*now[start:stop], after[stop - 1])


def _episode(arrays: Mapping[str, Any]) -> Trajectory:
    observations, actions = _needed(arrays, "observations"), _needed(arrays, "actions")
    length = leading_size(actions)
    rewards = arrays.get("rewards")
    return Trajectory(
        observations=observations,
        actions=actions,
        rewards=np.zeros(length) if rewards is None else rewards,
        terminated=_flag(arrays, _ENDED, length),
        truncated=_flag(arrays, _CUT, length),
        frames=arrays.get("frames"),
    )


def _needed(arrays: Mapping[str, Any], name: str) -> Any:
    if name not in arrays:
        raise OptionError(
            f"relabel: no {name!r} among {', '.join(map(repr, arrays)) or 'nothing'}; a dataset "
            "has observations and actions"
        )
    return arrays[name]


def _flag(arrays: Mapping[str, Any], names: Sequence[str], length: int) -> NDArray[np.bool_]:
    for name in names:
        if name in arrays:
            return np.asarray(arrays[name], dtype=np.bool_)
    return np.zeros(length, np.bool_)


def _tree(function: Any, one: Any, other: Any) -> Any:
    if isinstance(one, Mapping):
        return {key: _tree(function, value, other[key]) for key, value in one.items()}
    if isinstance(one, tuple) and not (one and isinstance(one[0], str)):
        return tuple(_tree(function, a, b) for a, b in zip(one, other, strict=True))
    return function(one, other)
