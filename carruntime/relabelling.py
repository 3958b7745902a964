"""Rewards for stored data: what a program would have paid, without any environment.

A function of one transition needs no order, so its transitions are run in large batches, which is
where the compiled tier is fast. Tasks latch and classes remember, so these are replayed episode by
episode, many episodes side by side. Both give the same kind of answer.

The file is not called ``relabel``, because a function and a module of one name in one package
hide each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any, Final, Literal, TypeAlias

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
_BATCH: Final = 4096
_ENDED: Final = ("terminated", "terminations", "terminals")
_CUT: Final = ("truncated", "truncations", "timeouts")


@dataclass(frozen=True, eq=False, slots=True)
class Relabelled:
    """What a program pays for a dataset.

    Attributes:
        episodes: One for each episode, in order; see `carruntime.replay.Episode`.
        reward: float64 ``[sum of T]``, all episodes one after the other.
        outcome: uint8, likewise; how each row ended.
    """

    episodes: tuple[Episode, ...]
    reward: NDArray[np.float64]
    outcome: NDArray[np.uint8]

    def __repr__(self) -> str:
        ended = ", ".join(f"{count} {code.name}" for code, count in sorted(self.outcomes.items()))
        return f"Relabelled({len(self.episodes)} episodes, {len(self.reward)} steps: {ended})"

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
            ``timeouts`` (or ``terminated`` and ``truncated``), all ``[sum of T, ...]``.
        on_error: What the reward of a bad row becomes; ``outcome`` tells which these are.

    Returns:
        The rewards by episode and in one piece.

    Raises:
        OptionError: If the dataset has another form, or is empty.
        ShapeError: If observations or actions do not fit the program's spaces.
    """
    value = _value(on_error)
    trajectories = tuple(_trajectories(dataset))
    if not trajectories:
        raise OptionError("relabel: the dataset has no episode; want at least one")
    try:
        # Which frame came before is known only in the order of an episode.
        if program.form == "function" and not program.reads_frames:
            episodes = tuple(_in_batches(program, trajectories))
        else:
            episodes = replay(program, TrajectorySet(trajectories=trajectories)).episodes
    except ShapeError as error:
        raise ShapeError(
            f"relabel: the episodes are not of the spaces that {program.filename} was loaded for",
            error.problems,
        ) from error
    for episode in episodes:
        episode.reward[episode.outcome != Outcome.OK] = value
    return Relabelled(
        episodes,
        np.concatenate([episode.reward for episode in episodes]),
        np.concatenate([episode.outcome for episode in episodes]),
    )


def _value(on_error: str | float) -> float:
    if on_error == "nan":
        return float("nan")
    if on_error == "zero":
        return 0.0
    if isinstance(on_error, int | float) and not isinstance(on_error, bool) and isfinite(on_error):
        return float(on_error)
    raise OptionError(f'relabel: on_error={on_error!r}; want "nan", "zero" or a finite number')


def _in_batches(program: RewardProgram, trajectories: Sequence[Trajectory]) -> Iterator[Episode]:
    """Run all transitions as rows that know nothing of each other."""
    slots = program.plan.schema.read()
    names = program.component_names
    bounds = np.cumsum([0, *(len(item) for item in trajectories)])
    total = int(bounds[-1])
    size = min(total, _BATCH)
    reward = np.empty(total)
    outcome = np.empty(total, np.uint8)
    components = np.empty((len(names), total))
    present = np.empty((len(names), total), np.bool_)
    with program.start(size, on_error="nan") as session:
        for start in range(0, total, size):
            # The last batch is filled up with rows of its own end, which are not looked at.
            stop = min(start + size, total)
            pieces = list(_pieces(trajectories, bounds, start, stop))
            fill = size - (stop - start)
            if fill:
                last, at = pieces[-1]
                pieces.append((last, np.full(fill, at[-1])))
            session.reset(
                _column(slots.get("initial_obs"), pieces, "observations", first=True),
                t=np.concatenate([at for _, at in pieces]),
            )
            batch = session.step(
                _column(slots.get("obs"), pieces, "observations"),
                _column(slots.get("action"), pieces, "actions"),
                _column(slots.get("next_obs"), pieces, "observations", shift=1),
                np.concatenate([item.terminated[at] for item, at in pieces]),
                np.concatenate([item.truncated[at] for item, at in pieces]),
            )
            used = stop - start
            reward[start:stop] = batch.reward[:used]
            outcome[start:stop] = batch.outcome[:used]
            for index, name in enumerate(names):
                components[index, start:stop] = batch.components[name][:used]
                present[index, start:stop] = batch.present[name][:used]
    start = 0
    for item in trajectories:
        stop = start + len(item)
        none = np.zeros((len(item), 0), np.bool_)
        yield Episode(
            trajectory=item,
            reward=reward[start:stop].copy(),
            components={name: components[k, start:stop].copy() for k, name in enumerate(names)},
            present={name: present[k, start:stop].copy() for k, name in enumerate(names)},
            tasks=none,
            completed=none.copy(),
            at_reset=np.zeros(0, np.bool_),
            outcome=outcome[start:stop].copy(),
        )
        start = stop


_Piece: TypeAlias = tuple[Trajectory, NDArray[np.int64]]


def _pieces(
    trajectories: Sequence[Trajectory], bounds: NDArray[np.int64], start: int, stop: int
) -> Iterator[_Piece]:
    """Give the trajectories of the rows ``start`` to ``stop``, with their transitions."""
    index = int(np.searchsorted(bounds, start, side="right")) - 1
    while index < len(trajectories) and bounds[index] < stop:
        begin, end = int(bounds[index]), int(bounds[index + 1])
        yield trajectories[index], np.arange(max(start, begin) - begin, min(stop, end) - begin)
        index += 1


def _column(
    spec: Spec | None,
    pieces: Sequence[_Piece],
    name: str,
    *,
    shift: int = 0,
    first: bool = False,
) -> Any:
    if spec is None:
        return None
    parts = []
    for item, at in pieces:
        rows = np.zeros(len(at), np.intp) if first else at + shift
        try:
            parts.append(take(spec, getattr(item, name), rows))
        except (KeyError, IndexError, TypeError) as error:
            raise OptionError(
                f"relabel: {name} of an episode have not the layout of the program's space "
                f"({type(error).__name__}: {error}); want Gymnasium's vector layout with time as "
                "the first axis"
            ) from error
    return _join(spec, parts)


def _join(spec: Spec, parts: Sequence[Any]) -> Any:
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
    observations, actions = _needed(arrays, "observations"), _needed(arrays, "actions")
    following = arrays["next_observations"]
    total = leading_size(actions)
    ended, cut = _flag(arrays, _ENDED, total), _flag(arrays, _CUT, total)
    sizes = {leading_size(observations), leading_size(following), len(ended), len(cut)}
    if sizes != {total}:
        raise OptionError(
            f"relabel: {total} actions beside columns of {sorted(sizes)} rows; in a dict with "
            "next_observations all arrays have one row for each transition"
        )
    rewards = arrays.get("rewards")
    stops = np.flatnonzero(ended | cut) + 1
    bounds = [0, *stops.tolist()]
    if bounds[-1] != total:
        bounds.append(total)
    for start, stop in pairwise(bounds):
        yield Trajectory(
            observations=_tree(
                lambda now, after, start=start, stop=stop: _append(now, after, start, stop),
                observations,
                following,
            ),
            actions=_tree(
                lambda value, _, start=start, stop=stop: value[start:stop], actions, actions
            ),
            rewards=np.zeros(stop - start) if rewards is None else rewards[start:stop],
            terminated=ended[start:stop],
            truncated=cut[start:stop],
        )


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
