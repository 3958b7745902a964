"""Batches in the layout of Gymnasium's vector environments, as the columns a worker reads.

Outside arrays are checked here and nowhere else: a wrong shape or dtype is an error that names
every wrong input at once, and nothing is ever cast behind the caller's back. The one exception is
a Discrete value, which a program sees as a Python int, so that any integer type that widens
exactly is taken.

This is on the hot path of every step. What can be known when arrays are bound is worked out then;
a step costs one type, dtype and shape comparison and one copy per leaf. Texts are encoded only
where they changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sandbox.lane import Leaf
from sandbox.schema import DictSpec, Schema, Spec, TupleSpec

__all__ = ["Pending", "SlotWriter", "Texts", "commit", "copy_batch", "overlay", "take"]

_CACHED_TEXTS: Final = 4096


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One column as the writer needs it; the row shape tells a single value from a batch."""

    path: tuple[str | int, ...]
    name: str
    column: str
    dest: NDArray[Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    widens: bool


Pending: TypeAlias = list[tuple[NDArray[Any], NDArray[Any]]]
Texts: TypeAlias = list[tuple["_TextLeaf", list[tuple[int, str, bytes | None]]]]


class _TextLeaf:
    """A text column with what was written last, so that unchanged texts cost one comparison."""

    def __init__(
        self,
        path: tuple[str | int, ...],
        name: str,
        column: str,
        dest: NDArray[Any],
        lengths: NDArray[Any],
    ) -> None:
        self.path = path
        self.name = name
        self.column = column
        self.dest = dest
        self.lengths = lengths
        self.last: list[str | None] = [None] * len(dest)
        # The same by identity, for native code: a text that is the very object is not new.
        self.identities = np.zeros(len(dest), np.uint64)
        self.encoded: dict[str, bytes] = {}

    def check(
        self, values: object, rows: NDArray[np.bool_] | None, problems: list[str]
    ) -> list[tuple[int, str, bytes | None]]:
        """Find the rows whose text is new, or an equal one (None); nothing is written yet."""
        if isinstance(values, np.ndarray):
            values = values.tolist()
        if isinstance(values, str):
            values = (values,)
        if not isinstance(values, list | tuple) or len(values) != len(self.last):
            got = f"{type(values).__name__}"
            if isinstance(values, list | tuple):
                got += f" of {len(values)}"
            problems.append(f"{self.name}: {got}; want a tuple of {len(self.last)} str")
            return []
        last = self.last
        if rows is None and all(text is known for text, known in zip(values, last, strict=True)):
            return []
        found: list[tuple[int, str, bytes | None]] = []
        for index, text in enumerate(values):
            if text is last[index] or (rows is not None and not rows[index]):
                continue
            data = self._encode(index, text, problems)
            if data is not None:
                found.append((index, text, None if text == last[index] else data))
        return found

    def write(self, changes: list[tuple[int, str, bytes | None]]) -> None:
        """Write what `check` found; bytes behind the end are cleared, nothing old stays."""
        for index, text, data in changes:
            self.last[index] = text
            self.identities[index] = id(text)
            if data is None:
                continue
            row = self.dest[index]
            row[: len(data)] = np.frombuffer(data, np.uint8)
            row[len(data) :] = 0
            self.lengths[index] = len(data)

    def forget(self) -> None:
        """Take every text for changed, because somebody else wrote into the column."""
        self.last = [None] * len(self.last)
        self.identities[:] = 0

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
        reader: What reads the slot, for the message that it was not given.
    """

    def __init__(
        self,
        slot: str,
        spec: Spec,
        inputs: Mapping[str, NDArray[Any]],
        *,
        label: str | None = None,
        reader: str = "the program reads it",
    ) -> None:
        self._label = label or slot
        self._reader = reader
        self._leaves: list[_Leaf] = []
        self._texts: list[_TextLeaf] = []
        for column in Schema(((slot, spec),)).columns():
            dest = inputs[column.name]
            shown = self._label + "".join(f"[{part!r}]" for part in column.path)
            if column.spec.kind == "text":
                lengths = inputs[f"{column.name}#len"]
                self._texts.append(_TextLeaf(column.path, shown, column.name, dest, lengths))
                continue
            widens = column.spec.kind == "int"
            dtype = np.dtype(column.spec.dtype)
            self._leaves.append(
                _Leaf(column.path, shown, column.name, dest, column.spec.shape, dtype, widens)
            )

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
            problems.append(f"{self._label}: not given; {self._reader}")
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

    def leaves(self, argument: int, path: tuple[str | int, ...] = ()) -> list[Leaf]:
        """Say what this takes out of an argument, for the native way.

        Args:
            argument: Number of the argument that holds the slot.
            path: Where in the argument the slot is.
        """
        found = [Leaf(argument, (*path, *leaf.path), leaf.column) for leaf in self._leaves]
        found += [
            Leaf(argument, (*path, *text.path), text.column, text.identities)
            for text in self._texts
        ]
        return found

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
