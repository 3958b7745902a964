"""Gymnasium spaces as trees of typed leaves, and batches in Gymnasium's layout as columns.

Two jobs that must agree, so they share a file. `spec_of` says what a program gets for a space;
`SlotWriter` writes a batch of such values into the arrays a worker reads. Outside arrays are
checked here and nowhere else: a wrong shape or dtype is an error that names every wrong input at
once, and nothing is ever cast behind the caller's back. The one exception is a Discrete value,
which a program sees as a Python int, so that any integer type that widens exactly is taken.

The writer is on the hot path of every step. What can be known when arrays are bound is worked out
then; a step costs one type, dtype and shape comparison and one copy per leaf. Texts are encoded
only where they changed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError, SpaceError
from sandbox.schema import ArraySpec, DictSpec, Schema, Spec, TupleSpec

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = [
    "BOOL",
    "COUNT",
    "SlotWriter",
    "commit",
    "copy_batch",
    "mismatches",
    "overlay",
    "spaces_of",
    "spec_of",
    "take",
]

BOOL: Final = ArraySpec(kind="bool", dtype="bool", low=0.0, high=1.0)
"""The leaf of ``terminated`` and ``truncated``."""
COUNT: Final = ArraySpec(kind="int", dtype="int64", low=0.0)
"""The leaf of ``t``."""

_NUMBERS: Final = frozenset(
    [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
    ]
)
_SUPPORTED: Final = (
    "Box, Discrete, MultiDiscrete, MultiBinary, Text (or another space of str), Dict and Tuple"
)
_CACHED_TEXTS: Final = 4096


def spaces_of(
    env: object = None, spaces: tuple[gym.Space[Any], gym.Space[Any]] | None = None
) -> tuple[gym.Space[Any], gym.Space[Any]]:
    """Give the observation and action space of one environment.

    Args:
        env: An environment or a vector environment, whose *single* spaces are meant.
        spaces: The two spaces themselves, in place of ``env``.

    Returns:
        Observation space and action space of one environment.

    Raises:
        OptionError: If neither or both are given, or ``env`` has no spaces.
    """
    import gymnasium as gym

    if (env is None) == (spaces is None):
        given = "neither" if env is None else "both"
        raise OptionError(
            f"env= and spaces=: {given} given; a program is bound to one pair of spaces: pass an "
            "environment, a vector environment, or spaces=(observation_space, action_space)"
        )
    if spaces is not None:
        pair: Sequence[object] = tuple(spaces)
        origin = "spaces="
    else:
        kind = "single_" if hasattr(env, "single_observation_space") else ""
        pair = [getattr(env, f"{kind}{name}_space", None) for name in ("observation", "action")]
        origin = f"env ({type(env).__name__})"
    if len(pair) != 2 or not all(isinstance(space, gym.Space) for space in pair):
        shown = ", ".join(type(space).__name__ for space in pair)
        raise OptionError(
            f"{origin} gives ({shown}); want an observation and an action space of Gymnasium: pass "
            "an environment such as gymnasium.make(...), or "
            "spaces=(observation_space, action_space)"
        )
    return pair[0], pair[1]  # type: ignore[return-value]


def spec_of(space: gym.Space[Any], *, text_bytes: int = 256, path: str = "space") -> Spec:
    """Say what a program gets for a value of a space.

    Args:
        space: Box, Discrete, MultiDiscrete, MultiBinary, a space of ``str``, or Dict and Tuple of
            them, nested.
        text_bytes: UTF-8 bytes of one text slot.
        path: Name of the space in error messages.

    Returns:
        The tree. A Discrete becomes a Python int, a text a ``str``, a Box without axes a NumPy
        scalar, every other leaf an array of the space's own dtype.

    Raises:
        SpaceError: If parts of the space cannot be handed to a program; all are named.
    """
    problems: list[str] = []
    spec = _spec(space, text_bytes, path, problems)
    if spec is None or problems:
        raise SpaceError(problems)
    return spec


def _spec(space: object, text_bytes: int, path: str, problems: list[str]) -> Spec | None:
    from gymnasium import spaces as gs

    if isinstance(space, gs.Dict):
        odd = [key for key in space.spaces if not isinstance(key, str)]
        if odd:
            problems.append(f"{path}: key {odd[0]!r} of the Dict is no str; programs read str keys")
            return None
        fields = [
            (key, _spec(child, text_bytes, f"{path}[{key!r}]", problems))
            for key, child in space.spaces.items()
        ]
        return DictSpec(tuple((key, child) for key, child in fields if child is not None))
    if isinstance(space, gs.Tuple):
        items = [
            _spec(child, text_bytes, f"{path}[{index}]", problems)
            for index, child in enumerate(space.spaces)
        ]
        return TupleSpec(tuple(child for child in items if child is not None))
    if isinstance(space, gs.Discrete):
        low = int(space.start)
        return ArraySpec(
            kind="int", dtype="int64", low=float(low), high=float(low + int(space.n) - 1)
        )
    if isinstance(space, gs.MultiDiscrete):
        start = np.asarray(getattr(space, "start", 0))
        last = np.asarray(space.nvec, dtype=np.float64) + start - 1
        return _array(space, np.broadcast_to(start, last.shape), last, path, problems)
    if isinstance(space, gs.MultiBinary):
        return _array(space, np.zeros(()), np.ones(()), path, problems)
    if isinstance(space, gs.Box):
        return _array(space, space.low, space.high, path, problems)
    if _is_text(space):
        return ArraySpec(kind="text", shape=(text_bytes,), dtype="uint8", low=0.0, high=255.0)
    problems.append(
        f"{path}: {type(space).__name__} cannot be handed to a program; supported are {_SUPPORTED}"
    )
    return None


def _array(
    space: gym.Space[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    path: str,
    problems: list[str],
) -> ArraySpec | None:
    dtype = np.dtype(space.dtype)
    if dtype.name not in _NUMBERS:
        problems.append(
            f"{path}: dtype {dtype.name} cannot be a column; want one of "
            f"{', '.join(sorted(_NUMBERS))}"
        )
        return None
    return ArraySpec(
        shape=tuple(int(size) for size in space.shape or ()),
        dtype=dtype.name,
        low=float(np.min(low)) if np.size(low) else -inf,
        high=float(np.max(high)) if np.size(high) else inf,
    )


def _is_text(space: object) -> bool:
    import gymnasium as gym
    from gymnasium import spaces as gs

    if isinstance(space, gs.Text):
        return True
    if not isinstance(space, gym.Space) or isinstance(space, gs.Graph | gs.Sequence | gs.OneOf):
        return False
    if space.dtype is not None:
        # MiniGrid's MissionSpace says dtype=str, which NumPy calls "U".
        return np.dtype(space.dtype).kind == "U"
    try:
        # A copy, because sampling would move the space's own random generator.
        return isinstance(copy.deepcopy(space).sample(), str)
    except Exception:
        return False


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One column as the writer needs it; the row shape tells a single value from a batch."""

    path: tuple[str | int, ...]
    name: str
    dest: NDArray[Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    widens: bool


Pending: TypeAlias = list[tuple[NDArray[Any], NDArray[Any]]]
Texts: TypeAlias = list[tuple["_TextLeaf", list[tuple[int, str, bytes]]]]


class _TextLeaf:
    """A text column with what was written last, so that unchanged texts cost one comparison."""

    def __init__(
        self, path: tuple[str | int, ...], name: str, dest: NDArray[Any], lengths: NDArray[Any]
    ) -> None:
        self.path = path
        self.name = name
        self.dest = dest
        self.lengths = lengths
        self.last: list[str | None] = [None] * len(dest)
        self.encoded: dict[str, bytes] = {}

    def check(
        self, values: object, rows: NDArray[np.bool_] | None, problems: list[str]
    ) -> list[tuple[int, str, bytes]]:
        """Find the rows whose text is new; nothing is written yet."""
        if isinstance(values, str):
            values = (values,)
        elif isinstance(values, np.ndarray):
            values = values.tolist()
        if not isinstance(values, list | tuple) or len(values) != len(self.last):
            got = f"{type(values).__name__}"
            if isinstance(values, list | tuple):
                got += f" of {len(values)}"
            problems.append(f"{self.name}: {got}; want a tuple of {len(self.last)} str")
            return []
        last = self.last
        if rows is None and list(values) == last:
            return []
        found: list[tuple[int, str, bytes]] = []
        for index, text in enumerate(values):
            if text is last[index] or (rows is not None and not rows[index]):
                continue
            data = self._encode(index, text, problems)
            if data is not None and text != last[index]:
                found.append((index, text, data))
        return found

    def write(self, changes: list[tuple[int, str, bytes]]) -> None:
        """Write what `check` found; bytes behind the end are cleared, nothing old stays."""
        for index, text, data in changes:
            row = self.dest[index]
            row[: len(data)] = np.frombuffer(data, np.uint8)
            row[len(data) :] = 0
            self.lengths[index] = len(data)
            self.last[index] = text

    def forget(self) -> None:
        """Take every text for changed, because somebody else wrote into the column."""
        self.last = [None] * len(self.last)

    def _encode(self, index: int, text: object, problems: list[str]) -> bytes | None:
        if not isinstance(text, str):
            problems.append(f"{self.name} of env {index}: {type(text).__name__}; want str")
            return None
        data = self.encoded.get(text)
        if data is not None:
            return data
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            problems.append(
                f"{self.name} of env {index}: {text[error.start]!r} at {error.start} is no "
                "character of UTF-8, in which texts are handed over; remove it"
            )
            return None
        if len(data) > self.dest.shape[1]:
            problems.append(
                f"{self.name} of env {index}: {len(data)} bytes of UTF-8; a text slot holds "
                f"{self.dest.shape[1]} and texts are never cut: raise limits.text_bytes"
            )
            return None
        if len(self.encoded) >= _CACHED_TEXTS:
            self.encoded.clear()
        self.encoded[str(text)] = data
        return data


class SlotWriter:
    """Writes batches of one slot into its columns.

    `check` and `commit` are separate so that a call with several slots names all that is wrong
    before it has changed anything.

    Args:
        slot: Name in the schema, such as ``"next_obs"``.
        spec: The part of the slot's tree that the program reads.
        inputs: The bound arrays by column name.
        label: Name in messages; the slot's name where left out.
    """

    def __init__(
        self,
        slot: str,
        spec: Spec,
        inputs: Mapping[str, NDArray[Any]],
        *,
        label: str | None = None,
    ) -> None:
        self._label = label or slot
        self._leaves: list[_Leaf] = []
        self._texts: list[_TextLeaf] = []
        for column in Schema(((slot, spec),)).columns():
            dest = inputs[column.name]
            shown = self._label + "".join(f"[{part!r}]" for part in column.path)
            if column.spec.kind == "text":
                lengths = inputs[f"{column.name}#len"]
                self._texts.append(_TextLeaf(column.path, shown, dest, lengths))
                continue
            widens = column.spec.kind == "int"
            dtype = np.dtype(column.spec.dtype)
            self._leaves.append(_Leaf(column.path, shown, dest, column.spec.shape, dtype, widens))

    def check(
        self,
        batch: object,
        rows: NDArray[np.bool_] | None,
        pending: Pending,
        texts: Texts,
        problems: list[str],
    ) -> None:
        """Compare a batch with the columns and note what is to be copied.

        Args:
            batch: Values in Gymnasium's vector layout; for one environment also bare values.
            rows: Rows that will be read; texts of other rows may be anything. None for all.
            pending: Takes destination and source of each array.
            texts: Takes the text rows to write.
            problems: Takes a line per wrong input.
        """
        if batch is None:
            problems.append(f"{self._label}: not given; the program reads it")
            return
        for leaf in self._leaves:
            value: Any = batch
            try:
                for part in leaf.path:
                    value = value[part]
            except (KeyError, IndexError, TypeError):
                problems.append(_missing(leaf.name, batch, leaf.path))
                continue
            if type(value) is np.ndarray:
                if value.shape == leaf.dest.shape and value.dtype == leaf.dtype:
                    pending.append((leaf.dest, value))
                    continue
            else:
                value = _as_array(value)
            fitted = _fit(leaf, value, problems)
            if fitted is not None:
                pending.append((leaf.dest, fitted))
        for text in self._texts:
            value = batch
            try:
                for part in text.path:
                    value = value[part]
            except (KeyError, IndexError, TypeError):
                problems.append(_missing(text.name, batch, text.path))
                continue
            changes = text.check(value, rows, problems)
            if changes:
                texts.append((text, changes))

    def forget(self) -> None:
        """Believe nothing about what the columns hold; somebody else wrote into them."""
        for text in self._texts:
            text.forget()


def commit(pending: Pending, texts: Texts, rows: NDArray[np.bool_] | None = None) -> None:
    """Copy everything that `SlotWriter.check` noted, for all rows or the given ones."""
    if rows is None:
        for dest, value in pending:
            np.copyto(dest, value)
    else:
        for dest, value in pending:
            dest[rows] = value[rows]
    for leaf, changes in texts:
        leaf.write(changes)


def _fit(leaf: _Leaf, value: NDArray[Any] | None, problems: list[str]) -> NDArray[Any] | None:
    wanted = leaf.dest.shape
    want = f"{leaf.dtype.name} {wanted}"
    if value is None or value.dtype == object:
        problems.append(f"{leaf.name}: no array of numbers; want {want}")
        return None
    if len(leaf.dest) == 1 and value.shape == leaf.shape and value.shape != wanted:
        value = value.reshape(wanted)
    if value.shape != wanted:
        problems.append(f"{leaf.name}: {value.dtype.name} {value.shape}; want {want}")
        return None
    if value.dtype == leaf.dtype:
        return value
    if leaf.widens and value.dtype.kind in "iu" and np.can_cast(value.dtype, leaf.dtype):
        return value
    problems.append(
        f"{leaf.name}: {value.dtype.name} {value.shape}; want {want}, as the space says; nothing "
        f"is cast silently: pass {leaf.name}.astype(np.{leaf.dtype.name}) or mend the environment "
        "(gymnasium.wrappers.DtypeObservation does it for observations)"
    )
    return None


def _as_array(value: object) -> NDArray[Any] | None:
    try:
        return np.asarray(value)
    except Exception:
        # Ragged lists raise ValueError, foreign array types whatever they like.
        return None


def _missing(name: str, batch: object, path: tuple[str | int, ...]) -> str:
    value: Any = batch
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
    if isinstance(value, Mapping):
        got = f"a dict with {', '.join(map(repr, value)) or 'no keys'}"
    else:
        got = type(value).__name__
    hint = ""
    if isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
        hint = "; a batch is one dict of arrays, not one dict per environment"
    return f"{name}: not there, {got} was given{hint}"


def take(spec: Spec, batch: Any, rows: NDArray[np.intp] | slice) -> Any:
    """Give some rows of a batch, copied.

    Args:
        spec: The tree of the batch; parts of the batch that it has not are left out.
        batch: Values in Gymnasium's vector layout.
        rows: Indices along the first axis, in the order wanted.

    Returns:
        A batch of the same layout.
    """
    if isinstance(spec, DictSpec):
        return {key: take(child, batch[key], rows) for key, child in spec.fields}
    if isinstance(spec, TupleSpec):
        return tuple(take(child, batch[i], rows) for i, child in enumerate(spec.items))
    if spec.kind == "text":
        texts = np.asarray(batch, dtype=object)
        return tuple(texts[rows].tolist())
    return np.array(np.asarray(batch)[rows])


def copy_batch(spec: Spec, batch: Any) -> Any:
    """Copy a batch, because a vector environment may write the next one into the same arrays.

    A part that does not fit the tree is handed on as it is: the session says what is wrong.
    """
    try:
        if isinstance(spec, DictSpec):
            return {key: copy_batch(child, batch[key]) for key, child in spec.fields}
        if isinstance(spec, TupleSpec):
            return tuple(copy_batch(child, batch[i]) for i, child in enumerate(spec.items))
    except (KeyError, IndexError, TypeError):
        return batch
    if isinstance(batch, np.ndarray):
        return batch.copy()
    return tuple(batch) if isinstance(batch, list) else batch


def overlay(spec: Spec, batch: Any, rows: Mapping[int, Any]) -> Any:
    """Give a copy of a batch with single values in place of some rows.

    Args:
        spec: The tree of the batch.
        batch: Values in Gymnasium's vector layout.
        rows: Row index to the value of one environment, such as an entry of ``final_obs``.

    Returns:
        A batch of the same layout.
    """
    if isinstance(spec, DictSpec):
        return {
            key: overlay(child, batch[key], {i: value[key] for i, value in rows.items()})
            for key, child in spec.fields
        }
    if isinstance(spec, TupleSpec):
        return tuple(
            overlay(child, batch[at], {i: value[at] for i, value in rows.items()})
            for at, child in enumerate(spec.items)
        )
    if spec.kind == "text":
        texts = list(batch)
        for index, value in rows.items():
            texts[index] = value
        return tuple(texts)
    array = np.array(batch)
    for index, value in rows.items():
        array[index] = value
    return array


def mismatches(want: Spec, have: Spec, path: str) -> list[str]:
    """Say where a tree has not what another one reads; bounds may differ.

    Args:
        want: What is read.
        have: What there is; may have more.
        path: Name of the tree in messages.

    Returns:
        A line for each part that is missing or of another kind, shape or dtype.
    """
    if isinstance(want, DictSpec):
        found: list[str] = []
        for key, child in want.fields:
            other = have.get(key) if isinstance(have, DictSpec) else None
            inner = f"{path}[{key!r}]"
            found += [f"{inner}: missing"] if other is None else mismatches(child, other, inner)
        return found
    if isinstance(want, TupleSpec):
        items = have.items if isinstance(have, TupleSpec) else ()
        if len(items) != len(want.items):
            return [f"{path}: want a tuple of {len(want.items)}"]
        return [
            line
            for index, (child, other) in enumerate(zip(want.items, items, strict=True))
            for line in mismatches(child, other, f"{path}[{index}]")
        ]
    if not isinstance(have, ArraySpec):
        return [f"{path}: want {want.kind} {want.dtype} {want.shape}, there is a tree"]
    if (want.kind, want.dtype, want.shape) != (have.kind, have.dtype, have.shape):
        there = f"there is {have.kind} {have.dtype} {have.shape}"
        return [f"{path}: want {want.kind} {want.dtype} {want.shape}, {there}"]
    return []
