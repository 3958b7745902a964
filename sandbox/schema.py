"""What a program reads: trees of typed leaves, and the columns they become in a batch.

A *slot* is a named input (``next_obs``, ``action``). Its tree has dicts and tuples inside and
`ArraySpec` at the leaves. In a batch each leaf is one *column*, an array ``[N, *shape]``; a row
of it is what one call of the program gets. Text leaves are two columns: UTF-8 bytes in fixed
slots, and their lengths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Literal, TypeAlias

import numpy as np

from sandbox.errors import UsageError

__all__ = ["ArraySpec", "Column", "DictSpec", "Kind", "Schema", "Spec", "TupleSpec"]

Kind = Literal["array", "int", "bool", "text"]

_DTYPES = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
    | {"float16", "float32", "float64"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySpec:
    """One leaf: what a program gets for it on one row.

    Attributes:
        kind: ``"array"``: a NumPy array (a NumPy scalar where ``shape`` is empty); ``"int"``: a
            Python int; ``"bool"``: a Python bool; ``"text"``: a Python str.
        shape: Shape of one row; for text ``(slot_bytes,)``; empty for int and bool.
        dtype: NumPy name; ``"int64"`` for int, ``"bool"`` for bool, ``"uint8"`` for text.
        low: Least value of any element, in ``unit``; ``-inf`` where unknown.
        high: Greatest value of any element, in ``unit``; ``inf`` where unknown.
        unit: Unit of the elements, for people.
    """

    kind: Kind = "array"
    shape: tuple[int, ...] = ()
    dtype: str = "float64"
    low: float = -inf
    high: float = inf
    unit: str = ""

    def __post_init__(self) -> None:
        if self.dtype not in _DTYPES:
            offered = ", ".join(sorted(_DTYPES))
            raise UsageError(f"dtype {self.dtype!r} cannot be a column; want one of {offered}")
        if any(size < 0 for size in self.shape):
            raise UsageError(f"shape {self.shape} has a negative size")

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        count = 1
        for size in self.shape:
            count *= size
        return count * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, slots=True)
class DictSpec:
    """A dict with fixed string keys, in the order a program sees them."""

    fields: tuple[tuple[str, Spec], ...]

    def get(self, key: str) -> Spec | None:
        """Give the field named ``key``, or None."""
        return dict(self.fields).get(key)


@dataclass(frozen=True, slots=True)
class TupleSpec:
    """A tuple of fixed length."""

    items: tuple[Spec, ...]


Spec: TypeAlias = ArraySpec | DictSpec | TupleSpec


@dataclass(frozen=True, slots=True)
class Column:
    """One array of a batch, ``[N, *shape]`` of ``dtype``, C-contiguous.

    Attributes:
        name: Path in the schema, such as ``"next_obs/image"``; the lengths of a text leaf are
            the column ``name + "#len"``, int32 ``[N]``.
        slot: First part of the path.
        path: Keys and positions below the slot.
        spec: The leaf.
    """

    name: str
    slot: str
    path: tuple[str | int, ...]
    spec: ArraySpec


@dataclass(frozen=True, slots=True)
class Schema:
    """Named input trees."""

    slots: tuple[tuple[str, Spec], ...]

    def read(self) -> dict[str, Spec]:
        """Give the slots that have columns. One without is an argument nobody looks at."""
        return {name: spec for name, spec in self.slots if any(_leaves(name, name, (), spec))}

    def slot(self, name: str) -> Spec:
        """Give the tree of a slot.

        Raises:
            KeyError: If there is none of that name.
        """
        return dict(self.slots)[name]

    def resolve(self, slot: str, path: tuple[str | int, ...]) -> Spec:
        """Give the tree or leaf at a path below a slot.

        Raises:
            KeyError: If the path leads nowhere.
        """
        spec: Spec = self.slot(slot)
        for part in path:
            if isinstance(spec, DictSpec) and isinstance(part, str):
                found = spec.get(part)
                if found is None:
                    raise KeyError(part)
                spec = found
            elif isinstance(spec, TupleSpec) and isinstance(part, int):
                spec = spec.items[part]
            else:
                raise KeyError(part)
        return spec

    def columns(self) -> Iterator[Column]:
        """Go through all leaves in a fixed order."""
        for name, spec in self.slots:
            yield from _leaves(name, name, (), spec)


def _leaves(name: str, slot: str, path: tuple[str | int, ...], spec: Spec) -> Iterator[Column]:
    if isinstance(spec, ArraySpec):
        yield Column(name, slot, path, spec)
    elif isinstance(spec, DictSpec):
        for key, child in spec.fields:
            # "/" and "#" separate parts of a column name, so they are escaped in keys.
            part = key.replace("%", "%25").replace("/", "%2F").replace("#", "%23")
            yield from _leaves(f"{name}/{part}", slot, (*path, key), child)
    else:
        for index, child in enumerate(spec.items):
            yield from _leaves(f"{name}/{index}", slot, (*path, index), child)
