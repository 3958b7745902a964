"""How an instance is made of the state that a kernel keeps: plain data, and what follows it.

A recipe is a nest of tuples of texts and numbers, so that it can be stored beside machine code. Its
first entry says what is made:

- ``("const", value)``: None, a truth value, a number or a text; ``("numpy", type, value)``.
- ``("type", name)``: ``int``, ``float``, ``list`` …; ``("named", name)``: a function or class of the program; ``("member", class, name)``: of an enum;
  ``("pick", class, recipe of its name)``; ``("valued", class, recipe of its number)``: of an `IntEnum`.
- ``("absent",)``: nothing at all, such as an attribute that has not been set.
- ``("number", place, weak)``: a number; ``weak`` is the place, or the truth, of its being Python's.
- ``("text", start, length)``: a text, by places, in the memory of all texts; ``("array", place, shape)``.
- ``("tuple", class, parts)``: a tuple, or a named one where the class is not ``"tuple"``.
- ``("union", place of the tag, variants)``.
- ``("list", kind, maxlen, length, parts)``; ``length`` is a place, or None for all parts.
- ``("dict", kind, factory, entries)`` and ``("set", entries)``; an entry is ``(key, present, value)``
  with ``present`` a place or True.
- ``("grid", bounds, plain, place, values)``: a set, or a dict with ``(place, weak)`` of its values.
- ``("records", kind, maxlen, length, record)``: a list in columns.
- ``("table", kind, factory, length, (key, value))``: a dict, or a set where the value is None.
- ``("object", class, ((name, recipe), ...))``; ``("record", keys, parts)``: a dict with texts as keys.

- ``("lists", lengths, room, record)``: within a record, a list with room of its own in columns.

Places are names of regions. Within a record they are columns: an entry has an element of each, or
as many as an array of it has.
"""

from __future__ import annotations

import itertools
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["ABSENT", "TEXTS", "Recipe", "rebuild"]

Recipe: TypeAlias = tuple[Any, ...]
"""What to make; see above."""

TEXTS: Final = "state:texts"
"""The memory of the texts of a state."""
ABSENT: Final = object()
"""What stands for no value."""


def rebuild(
    recipe: Recipe,
    memory: Mapping[str, NDArray[Any]],
    row: int,
    named: Callable[[str], Any],
) -> Any:
    """Make the value that a kernel keeps for a row.

    Args:
        recipe: What to make.
        memory: Regions by name, one row an environment.
        row: Which environment.
        named: Gives a class or function of the program by its name.
    """
    return _Maker({name: array[row] for name, array in memory.items()}, named).make(recipe, 0)


class _Maker:
    """Follows a recipe for one row."""

    def __init__(self, memory: Mapping[str, NDArray[Any]], named: Callable[[str], Any]) -> None:
        self.memory = memory
        self.named = named

    def make(self, recipe: Recipe, at: int) -> Any:
        """Make a value; ``at`` is the entry of a record, 0 outside of records."""
        made: Any = getattr(self, f"_{recipe[0]}")(at, *recipe[1:])
        return made

    def _whole(self, place: str) -> int:
        return int(self.memory[place][0])

    def _is(self, place: str | bool, at: int) -> bool:
        return place if isinstance(place, bool) else bool(self.memory[place][at])

    @staticmethod
    def _const(at: int, value: Any) -> Any:
        del at
        return value

    @staticmethod
    def _numpy(at: int, kind: str, value: Any) -> Any:
        del at
        return np.dtype(kind).type(value)

    def _named(self, at: int, name: str) -> Any:
        del at
        return self.named(name)

    def _member(self, at: int, kind: str, name: str) -> Any:
        del at
        return self.named(kind)[name]

    def _pick(self, at: int, kind: str, name: Recipe) -> Any:
        return self.named(kind)[self.make(name, at)]

    def _valued(self, at: int, kind: str, value: Recipe) -> Any:
        return self.named(kind)(self.make(value, at))

    def _record(self, at: int, keys: tuple[str, ...], parts: tuple[Recipe, ...]) -> Any:
        return {key: self.make(part, at) for key, part in zip(keys, parts, strict=True)}

    @staticmethod
    def _absent(at: int) -> Any:
        del at
        return ABSENT

    def _number(self, at: int, place: str, weak: str | bool) -> Any:
        value = self.memory[place][at]
        return value.item() if self._is(weak, at) else value

    def _array(self, at: int, place: str, shape: tuple[int, ...]) -> Any:
        size = int(np.prod(shape))
        return self.memory[place][at * size : (at + 1) * size].reshape(shape).copy()

    def _text(self, at: int, start: str, length: str) -> str:
        first, count = int(self.memory[start][at]), int(self.memory[length][at])
        return self.memory[TEXTS][first : first + count].tobytes().decode()

    def _tuple(self, at: int, kind: str, parts: tuple[Recipe, ...]) -> Any:
        made = tuple(self.make(part, at) for part in parts)
        return made if kind == "tuple" else self.named(kind)(*made)

    def _union(self, at: int, tag: str, variants: tuple[Recipe, ...]) -> Any:
        return self.make(variants[int(self.memory[tag][at])], at)

    def _list(
        self, at: int, kind: str, most: int | None, length: str | None, parts: tuple[Recipe, ...]
    ) -> Any:
        count = len(parts) if length is None else self._whole(length)
        return _sequence(kind, most, [self.make(part, at) for part in parts[:count]])

    def _dict(
        self,
        at: int,
        kind: str,
        factory: Recipe | None,
        entries: tuple[tuple[Recipe, str | bool, Recipe], ...],
    ) -> Any:
        made = self._mapping(kind, factory)
        for key, present, value in entries:
            if self._is(present, 0):
                made[self.make(key, at)] = self.make(value, at)
        return made

    def _set(self, at: int, entries: tuple[tuple[Recipe, str | bool], ...]) -> Any:
        return {self.make(key, at) for key, present in entries if self._is(present, 0)}

    def _grid(
        self,
        at: int,
        bounds: tuple[tuple[int, int], ...],
        plain: bool,
        place: str,
        values: tuple[str, bool] | None,
    ) -> Any:
        del at
        keys = itertools.product(*(range(low, high + 1) for low, high in bounds))
        inside = self.memory[place]
        found = [(k, key[0] if plain else key) for k, key in enumerate(keys) if inside[k]]
        if values is None:
            return {key for _, key in found}
        column, weak = values
        held = self.memory[column]
        return {key: held[k].item() if weak else held[k] for k, key in found}

    def _records(self, at: int, kind: str, most: int | None, length: str, record: Recipe) -> Any:
        del at
        return _sequence(kind, most, [self.make(record, k) for k in range(self._whole(length))])

    def _lists(self, at: int, lengths: str, room: int, record: Recipe) -> list[Any]:
        first = at * room
        return [self.make(record, first + k) for k in range(int(self.memory[lengths][at]))]

    def _table(
        self,
        at: int,
        kind: str,
        factory: Recipe | None,
        length: str,
        parts: tuple[Recipe, Recipe | None],
    ) -> Any:
        del at
        key, value = parts
        count = self._whole(length)
        if value is None:
            return {self.make(key, k) for k in range(count)}
        made = self._mapping(kind, factory)
        for k in range(count):
            made[self.make(key, k)] = self.make(value, k)
        return made

    def _mapping(self, kind: str, factory: Recipe | None) -> Any:
        if kind == "defaultdict":
            return defaultdict(None if factory is None else self.make(factory, 0))
        return {"counter": Counter, "ordered": OrderedDict}.get(kind, dict)()

    def _type(self, at: int, name: str) -> Any:
        del at
        return {"int": int, "float": float, "bool": bool, "list": list, "dict": dict, "set": set}[
            name
        ]

    def _object(self, at: int, kind: str, attributes: tuple[tuple[str, Recipe], ...]) -> Any:
        cls = self.named(kind)
        made = cls.__new__(cls)
        for name, recipe in attributes:
            value = self.make(recipe, at)
            if value is not ABSENT:
                object.__setattr__(made, name, value)
        return made


def _sequence(kind: str, most: int | None, items: list[Any]) -> Any:
    if kind == "deque":
        return deque(items, most)
    return tuple(items) if kind == "tuple" else items
