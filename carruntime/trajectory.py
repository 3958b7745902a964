"""Recorded episodes, and the padded columns that let many of them run side by side.

A `Trajectory` keeps what one episode showed, with the off-by-one in its shapes: T transitions
have T + 1 observations, so ``observations[t]`` is what the policy saw before ``actions[t]`` and
``observations[t + 1]`` is what came of it. Whether the task was solved is the environment's word,
never that of the program under test. A `Padded` turns trajectories of unequal length round into
time-major columns with a mask, because a reward program is fast over many rows and slow over one.

Observations have the layout of Gymnasium's vector environments with time as the leading axis: an
array for Box, Discrete, MultiDiscrete and MultiBinary, a tuple of str for text, a dict or a tuple
of these for Dict and Tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError
from carruntime.frame_table import FrameRule, FrameTable

__all__ = [
    "Observations",
    "Padded",
    "Trajectory",
    "TrajectorySet",
    "leading_size",
    "leaves",
    "reindex",
    "stack",
    "take",
]

Observations: TypeAlias = Any
"""Array, tuple of str, or dict or tuple of observations; time is the leading axis."""


def stack(samples: Sequence[Any]) -> Observations:
    """Put samples of one space under each other.

    Args:
        samples: At least one sample: array, number, str, or dict or tuple of these.

    Returns:
        The same tree with arrays ``[len(samples), ...]`` at its leaves; str become a tuple.

    Raises:
        OptionError: If there is no sample, or shapes differ between samples.
    """
    if not samples:
        raise OptionError("stack: no samples; want at least one")
    first = samples[0]
    if isinstance(first, str):
        return tuple(samples)
    if isinstance(first, Mapping):
        return {key: stack([sample[key] for sample in samples]) for key in first}
    if isinstance(first, tuple):
        return tuple(stack([sample[i] for sample in samples]) for i in range(len(first)))
    arrays = [np.asarray(sample) for sample in samples]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise OptionError(
            f"stack: samples of shapes {shapes[0]} and {shapes[1]} cannot share one column; "
            "want one shape, as one space gives"
        )
    return np.stack(arrays)


def take(observations: Observations, index: int | slice) -> Any:
    """Give the sample at one position of the leading axis, or the observations of a range."""
    return _map(lambda leaf: leaf[index], observations)


def reindex(observations: Observations, index: NDArray[np.int64]) -> Observations:
    """Give observations in another order, or some of them several times."""
    return _map(
        lambda leaf: tuple(leaf[i] for i in index) if isinstance(leaf, tuple) else leaf[index],
        observations,
    )


def leading_size(observations: Observations) -> int:
    """Give the length of the leading axis, which all leaves must share.

    Raises:
        OptionError: If two leaves differ, with both paths, or if there is no leaf.
    """
    sizes = {path: len(leaf) for path, leaf in leaves(observations, "observations")}
    if not sizes:
        raise OptionError("observations: no arrays in it; want at least one leaf")
    (path, size), *others = sizes.items()
    for other, other_size in others:
        if other_size != size:
            raise OptionError(
                f"{other} has {other_size} entries, {path} has {size}; all must share the time axis"
            )
    return size


@dataclass(frozen=True, eq=False, kw_only=True)
class Trajectory:
    """One recorded episode of T transitions.

    Attributes:
        observations: ``[T + 1, ...]`` in Gymnasium's layout; entry 0 is that of the reset.
        actions: ``[T, ...]``; action t leads from observation t to observation t + 1.
        rewards: float64 ``[T]``, the environment's own reward on transition t.
        terminated: bool ``[T]``; only the last entry can be true.
        truncated: bool ``[T]``; only the last entry can be true. A recording that was cut at a
            horizon has neither flag set: the environment did not end there.
        success: Whether the environment says that the task was solved; None where it cannot tell.
        seed: Seed the episode was reset with, or None.
        policy: Name of what chose the actions.
        env_id: The environment it came from.
        provenance: What else is needed to make it again, such as versions and the horizon.
        facts: Named truths of the simulator, bool ``[T + 1]`` each; see `carruntime.facts`.
        states: Named parts of the simulator's whole state, ``[T + 1, ...]`` each; empty where
            nobody can read it.
        frames: Pictures, uint8 ``[T + 1, H, W, 3]`` RGB, as an array or a `FrameTable`; None where
            none were taken. They are never stored: see `carruntime.rerendering`.
    """

    observations: Observations
    actions: Any
    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    success: bool | None = None
    seed: int | None = None
    policy: str = ""
    env_id: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    states: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    frames: NDArray[np.uint8] | FrameTable | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rewards", np.asarray(self.rewards, dtype=np.float64))
        object.__setattr__(self, "terminated", np.asarray(self.terminated, dtype=np.bool_))
        object.__setattr__(self, "truncated", np.asarray(self.truncated, dtype=np.bool_))
        length = leading_size(self.actions)
        wrong = [
            f"{name} {value.shape}"
            for name, value in (
                ("rewards", self.rewards),
                ("terminated", self.terminated),
                ("truncated", self.truncated),
            )
            if value.shape != (length,)
        ]
        seen = leading_size(self.observations)
        if seen != length + 1:
            wrong.append(f"observations with {seen} entries")
        for name, values in (*self.facts.items(), *self.states.items()):
            if len(values) != length + 1:
                wrong.append(f"{name} with {len(values)} entries")
        if self.frames is not None and (
            len(self.frames) != length + 1 or len(self.frames.shape) != 4
        ):
            wrong.append(f"frames {self.frames.shape}")
        if length == 0:
            wrong.append("actions with 0 entries")
        if wrong:
            raise OptionError(
                f"Trajectory: {', '.join(wrong)} beside {length} actions; T transitions "
                f"(T > 0) have T rewards and flags and T + 1 observations, facts, states and frames: "
                "record those of the reset too"
            )
        early = np.flatnonzero((self.terminated | self.truncated)[:-1])
        if early.size:
            raise OptionError(
                f"Trajectory: the episode ends on transition {early[0]} of {length}, but goes on; "
                "one trajectory is one episode: split it there"
            )

    def __len__(self) -> int:
        return len(self.rewards)

    def __repr__(self) -> str:
        seed = "" if self.seed is None else f"seed {self.seed}"
        ended = {True: "solved", False: "not solved", None: ""}[self.success]
        about = [f"{len(self)} steps", self.policy, self.env_id, seed, ended]
        return f"Trajectory({', '.join(filter(None, about))})"

    @property
    def env_return(self) -> float:
        """Sum of the environment's own rewards, undiscounted."""
        return float(self.rewards.sum())


@dataclass(frozen=True, eq=False, kw_only=True)
class TrajectorySet(Sequence[Trajectory]):
    """Trajectories of one environment, usually by one policy.

    Attributes:
        trajectories: In the order they were recorded.
        env_id: The environment.
        policy: Name of the policy.
        horizon: Transitions after which a recording was cut, or None where none was.
    """

    trajectories: tuple[Trajectory, ...]
    env_id: str = ""
    policy: str = ""
    horizon: int | None = None

    def __post_init__(self) -> None:
        others = {item.env_id for item in self.trajectories} - {self.env_id}
        if self.env_id and others:
            raise OptionError(
                f"TrajectorySet: trajectories of {sorted(others)} in a set of {self.env_id!r}; "
                "a verdict needs one environment: make one set for each"
            )

    def save(self, path: str | Path) -> Path:
        """Write all of it but the frames to one file; see `carruntime.trajectory_store`.

        Raises:
            TrajectoryFileError: If the file cannot be written, or the episodes do not fit
                together.
        """
        from carruntime.trajectory_store import save

        return save(self, Path(path))

    @classmethod
    def load(
        cls, path: str | Path, *, frames: bool | FrameRule = False, env: Any = None
    ) -> TrajectorySet:
        """Read what `save` wrote.

        Args:
            path: The file.
            frames: Whether to give their pictures too, drawn from their states or taken by
                playing them again, see `carruntime.rerendering`; or a function from the
                environment to its picture, for which they are played again.
            env: What to play them in, for environments that cannot be made from their id and
                arguments alone: an environment, or a function that makes one.

        Raises:
            TrajectoryFileError: If the file is damaged, of another version, or no such file.
            ReproductionError: If an episode played again is not the one that was recorded.
        """
        from carruntime.rerendering import with_frames
        from carruntime.trajectory_store import load

        found = load(Path(path))
        if frames is False:
            return found
        return with_frames(found, env, frame=None if frames is True else frames)

    def __len__(self) -> int:
        return len(self.trajectories)

    def __repr__(self) -> str:
        about = [f"{len(self)} episodes", f"{self.transitions} steps", self.policy, self.env_id]
        return f"TrajectorySet({', '.join(filter(None, about))})"

    @overload
    def __getitem__(self, index: int) -> Trajectory: ...
    @overload
    def __getitem__(self, index: slice) -> TrajectorySet: ...
    def __getitem__(self, index: int | slice) -> Trajectory | TrajectorySet:
        if isinstance(index, slice):
            return TrajectorySet(
                trajectories=self.trajectories[index],
                env_id=self.env_id,
                policy=self.policy,
                horizon=self.horizon,
            )
        return self.trajectories[index]

    @property
    def transitions(self) -> int:
        """Transitions of all trajectories together."""
        return sum(len(item) for item in self.trajectories)

    @property
    def successes(self) -> int:
        """Trajectories that the environment calls solved."""
        return sum(item.success is True for item in self.trajectories)


class Padded:
    """Trajectories as time-major columns ``[T_max, N, ...]`` with a mask.

    Behind its end a trajectory repeats its last entry, so that padding is always a valid sample
    of the space; nothing reads it where the mask is false.

    Attributes:
        mask: bool ``[T_max, N]``, true on transitions that exist.
        terminated: bool ``[T_max, N]``.
        truncated: bool ``[T_max, N]``.
    """

    def __init__(self, trajectories: Sequence[Trajectory]) -> None:
        if not trajectories:
            raise OptionError("Padded: no trajectories; want at least one")
        lengths = np.array([len(item) for item in trajectories])
        self.longest = int(lengths.max())
        self.mask: NDArray[np.bool_] = np.arange(self.longest)[:, None] < lengths[None, :]
        self._observations = _pad([item.observations for item in trajectories], self.longest + 1)
        self._actions = _pad([item.actions for item in trajectories], self.longest)
        self._frames = [item.frames for item in trajectories]
        ended = [_pad([item.terminated for item in trajectories], self.longest)]
        ended.append(_pad([item.truncated for item in trajectories], self.longest))
        self.terminated: NDArray[np.bool_] = ended[0] & self.mask
        self.truncated: NDArray[np.bool_] = ended[1] & self.mask

    def __len__(self) -> int:
        return self.longest

    def observation(self, index: int) -> Observations:
        """Give observation ``index`` of all trajectories, ``[N, ...]``."""
        return take(self._observations, index)

    @property
    def has_frames(self) -> bool:
        """Whether every trajectory has frames."""
        return all(frames is not None for frames in self._frames)

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Give the frames at observation ``index`` of all trajectories, ``[N, H, W, 3]``."""
        return np.stack(
            [frames[min(index, len(frames) - 1)] for frames in self._frames if frames is not None]
        )

    def action(self, index: int) -> Any:
        """Give action ``index`` of all trajectories, ``[N, ...]``."""
        return take(self._actions, index)


def _map(function: Callable[[Any], Any], tree: Observations) -> Any:
    if isinstance(tree, Mapping):
        return {key: _map(function, value) for key, value in tree.items()}
    if isinstance(tree, tuple) and not _is_text(tree):
        return tuple(_map(function, value) for value in tree)
    return function(tree)


def _is_text(tree: tuple[Any, ...]) -> bool:
    """Tell a text column from the parts of a Tuple space."""
    return bool(tree) and isinstance(tree[0], str)


def leaves(tree: Observations, path: str = "") -> Iterator[tuple[str, Any]]:
    """Go through the leaves of an observation, or of a column of them, each with its path."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from leaves(value, f"{path}[{key!r}]")
    elif isinstance(tree, tuple) and not _is_text(tree):
        for index, value in enumerate(tree):
            yield from leaves(value, f"{path}[{index}]")
    else:
        yield path, tree


def _pad(trees: Sequence[Observations], length: int) -> Any:
    first = trees[0]
    if isinstance(first, Mapping):
        return {key: _pad([tree[key] for tree in trees], length) for key in first}
    if isinstance(first, tuple) and not _is_text(first):
        return tuple(_pad([tree[i] for tree in trees], length) for i in range(len(first)))
    if isinstance(first, tuple):
        # A list, because a tuple of tuples would read as a Tuple space.
        return [tuple(tree[min(t, len(tree) - 1)] for tree in trees) for t in range(length)]
    arrays = [np.asarray(tree) for tree in trees]
    out = np.empty((length, len(arrays), *arrays[0].shape[1:]), dtype=arrays[0].dtype)
    for column, array in enumerate(arrays):
        out[: len(array), column] = array
        out[len(array) :, column] = array[-1]
    return out
