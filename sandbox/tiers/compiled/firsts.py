"""What helper functions find on the first frame of an episode is found once.

Programs compare the frame with the first one: ``find_door(initial_frame)`` gives the same on every step
of an episode, and is half of what a program does. A call of a top-level function whose arguments are an
input of that kind and constants, and which gives numbers, tuples of them or None, is lowered as

    if what was found is at hand: take it, and charge the fuel that finding it took
    else: the call; then keep what it gave

A function sees nothing but its arguments and what the top level has made, which no row may change,
and what it makes ends with the call. So the call is a function of the input's bytes. That what is at hand
belongs to these bytes is for the one who runs the kernel: he clears `VALID` of a row whose input is
another one (by its digest, see `sandbox.native.recall`), and sets `KEEPING`. Where nobody does, nothing
is ever at hand. A call that ends the row keeps nothing, and where the fuel left may not be enough the
call is run, so that it ends where it would have ended.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final

from sandbox.tiers.compiled.core import Break, Let, Lit, Region, Set, Store
from sandbox.tiers.compiled.deep import Deep
from sandbox.tiers.compiled.points import (
    ELSEWHERE,
    EXPLODE,
    FUEL,
    STATUS,
    TRUE,
    Dead,
    i64,
)
from sandbox.tiers.compiled.records import Records
from sandbox.tiers.compiled.scopes import declared
from sandbox.tiers.compiled.values import (
    Arr,
    Cells,
    Column,
    Func,
    NoneV,
    Num,
    Str,
    Tup,
    Union,
    Value,
    boolean,
)

__all__ = ["FIRST", "KEEPING", "VALID", "Firsts", "column_of"]

FIRST: Final = "initial_"
"""Begins the names of inputs that are the same on all steps of an episode."""
KEEPING: Final = "keeping"
"""Region of one number: whether what is at hand is of use."""
VALID: Final = "#valid"
"""Ends the name of the region that says whether something was found."""
_LEAST: Final = 1_024
_MOST_NUMBERS: Final = 64


def column_of(region: str) -> str | None:
    """Give the input that a region of kind ``kept`` belongs to, where it says what is valid."""
    if not region.startswith("kept:") or not region.endswith(VALID):
        return None
    return region.removeprefix("kept:").rpartition(":")[0]


class Firsts(Records):
    """Lowers calls of helper functions on what stays the same during an episode."""

    finding = False
    """Whether such a call is being lowered; calls within it are a part of it."""

    def inline(self, function: Func, args: list[Value], keywords: dict[str, Value]) -> Value:
        column = None if self.finding else self._first(function, [*args, *keywords.values()])
        if column is None:
            return super().inline(function, args, keywords)
        self.finding = True
        try:
            return self._once(column, function, args, keywords)
        finally:
            self.finding = False

    def _first(self, function: Func, args: list[Value]) -> str | None:
        """Give the input of which alone a call is a function, if there is one."""
        node = function.node
        if function.frame.parent is not None or function.binding != "plain":
            return None
        if declared(node, ast.Global) or any(
            isinstance(child, ast.Yield | ast.YieldFrom) for child in ast.walk(node)
        ):
            return None
        columns = set()
        for value in args:
            content = self.pt.heap.get(value.cell) if isinstance(value, Arr) else None
            if isinstance(content, Column) and isinstance(value, Arr) and value.view is None:
                columns.add(content.region)
            elif not self._is_constant(value):
                return None
        if len(columns) != 1:
            return None
        (column,) = columns
        good = column.startswith(FIRST) and self.regions[column].size >= _LEAST
        return column if good else None

    def _is_constant(self, value: Value) -> bool:
        match value:
            case NoneV() | Str():
                return True
            case Num(atom=atom, weak=weak):
                return isinstance(atom, Lit) and isinstance(weak, bool)
            case Tup(items=items):
                return all(self._is_constant(item) for item in items)
            case Arr(view=None):
                content = self.pt.heap[value.cell]
                return isinstance(content, Cells) and all(
                    isinstance(atom, Lit) for atom in content.atoms
                )
        return False

    def _numbers_in(self, value: Value) -> int:
        """Count the numbers of a value that can be kept; more than can be where it cannot."""
        match value:
            case NoneV():
                return 0
            case Num():
                return 1
            case Tup(items=items) | Union(variants=items):
                return sum(self._numbers_in(item) for item in items)
            case Arr(view=None) if value.size <= EXPLODE:
                return value.size
        return _MOST_NUMBERS + 1

    def _in_kept(self, move: Callable[[], None]) -> None:
        """Move a value to or from memory of kind ``kept`` as a state is moved."""
        self.moving = "kept"
        try:
            move()
        finally:
            self.moving = "state"

    def _once(
        self, column: str, function: Func, args: list[Value], keywords: dict[str, Value]
    ) -> Value:
        path = f"{column}:{self.number()}"
        valid = self.region(Region(f"kept:{path}{VALID}", "b1", 1, "kept"))
        spent = self.region(Region(f"kept:{path}#fuel", "i64", 1, "kept"))
        keeping = self.region(Region(KEEPING, "i64", 1, "scratch"))
        given = [
            (value.cell, self.pt.heap[value.cell])
            for value in [*args, *keywords.values()]
            if isinstance(value, Arr)
        ]
        at_hand = self.op("ne", "b1", self.load(keeping, i64(0)), i64(0))
        total, enough = self.new("i64"), self.new("b1")
        # The amount comes first: what it took is not what the row is charged at most (`costs`).
        self.emit(Let(total, "add", (self.load(spent, i64(0)), FUEL)))
        self.emit(Let(enough, "le", (total, i64(self.limits.fuel))))
        at_hand = self.both(self.both(at_hand, self.load(valid, i64(0))), enough)
        found: list[Value] = []
        kept: list[Deep] = []

        def find() -> None:
            before, used = self.new("i64"), self.new("i64")
            self.emit(Let(before, "copy", (FUEL,)))
            value = super(Firsts, self).inline(function, args, keywords)
            found.append(value)
            untouched = all(self.pt.heap.get(cell) is content for cell, content in given)
            if not untouched or self._numbers_in(value) > _MOST_NUMBERS:
                return
            deep = self.deep_of(value, set())
            self._in_kept(lambda: self.store_state(deep, path, value))
            self.emit(Let(used, "sub", (FUEL, before)))
            self.emit(Store(spent, i64(0), used))
            self.emit(Store(valid, i64(0), TRUE))
            kept.append(deep)

        def take() -> None:
            if kept:
                self.emit(Set(FUEL, total))
                return
            # Nothing is ever kept here, so that nothing is ever at hand.
            self.emit(Set(STATUS, i64(ELSEWHERE)))
            self.emit(Break(self.row.label))
            raise Dead

        self.when(boolean(self.inverse(at_hand)), find, take)
        if not kept:
            return found[0]
        self.stats["kept"] = self.stats.get("kept", 0) + 1
        values: list[Value] = []
        self._in_kept(lambda: values.append(self.load_state(kept[0], path)))
        return values[0]
