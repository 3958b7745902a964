"""Dicts and objects in lists of unknown length: ``blobs.append({"area": area, "center": (x, y)})``.

A dict or an object of a class of the program that is put into a list within a loop becomes a `Record`:
a value like a tuple, which lists can hold in columns and loops can carry. It must not be changed
afterwards, neither by the name that it had nor by one that it gets when it is read again, and nobody
may ask whether it is the same one as another: such a program is not taken.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sandbox import cost
from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Atom, Lit, Set
from sandbox.tiers.compiled.enclosing import Enclosing
from sandbox.tiers.compiled.members import MEMBER
from sandbox.tiers.compiled.points import TRUE, Target, i64
from sandbox.tiers.compiled.shapes import (
    Shape,
    ShapeArr,
    ShapePoints,
    ShapeRecord,
    ShapeTup,
    recorded,
    shape_of,
)
from sandbox.tiers.compiled.values import (
    DictCell,
    ListCell,
    NoneV,
    Num,
    ObjCell,
    Points,
    Range,
    Record,
    Ref,
    SeqCell,
    Str,
    Tup,
    Union,
    Value,
    Window,
    integer,
    number,
)
from sandbox.weights import FREE_ITEMS

__all__ = ["Records"]

_NESTED: Final = 16
"""What a container in a list weighs besides its items; see `sandbox.weights`."""
_CHANGED: Final = "a dict or object in a list of unknown length is changed"


class Records(Enclosing):
    """Operations on `Record`."""

    turns = 0
    """How many loops are open."""

    def begin_pictures(self) -> None:
        super().begin_pictures()
        self.given_away: dict[int, object] = {}
        self.made_at: dict[int, tuple[int, int]] = {}

    made_at: dict[int, tuple[int, int]]
    """Lists, and in how many branches and blocks they were made."""
    branches = 0
    """How many branches are open."""

    def choose(
        self, cond: Num, then: Callable[[], Value | None], other: Callable[[], Value | None]
    ) -> Value:
        self.branches += cond.const is None
        try:
            return super().choose(cond, then, other)
        finally:
            self.branches -= cond.const is None

    def when(
        self, cond: Num, then: Callable[[], None], other: Callable[[], None] | None = None
    ) -> None:
        self.branches += cond.const is None
        try:
            super().when(cond, then, other)
        finally:
            self.branches -= cond.const is None

    def new_list(self, items: tuple[Value, ...], length: Num | None = None) -> Ref:
        made = super().new_list(items, length)
        self.made_at[made.cell] = (self.branches, len(self.active))
        return made

    def _left_out(self, target: Ref) -> bool:
        """Whether there are paths on which what is done to a list here is not done."""
        branches, blocks = self.made_at.get(target.cell, (0, 0))
        return self.branches > branches or any(block.exits for block in self.active[blocks:])

    given_away: dict[int, object]
    """Cells of dicts that became records, and what they held then."""

    def guest_loop(self, body: Callable[[Atom | None, Target], None], count: Atom | None) -> None:
        def turn(index: Atom | None, again: Target) -> None:
            self.turns += 1
            try:
                body(index, again)
            finally:
                self.turns -= 1
            self._unchanged_dicts()

        super().guest_loop(turn, count)

    def _unchanged_dicts(self) -> None:
        """Refuse a dict that was changed after it was put into a list."""
        if self.current is None:
            return
        for cell, content in self.given_away.items():
            now = self.pt.heap.get(cell)
            if now is not None and now is not content and now != content:
                raise self.refuse("CMP212", _CHANGED)

    def end_row(self, status: Atom) -> None:
        self._unchanged_dicts()
        super().end_row(status)

    # -- what comparing costs

    def b_max(self, args: Args, keywords: Keywords) -> Value:
        self._weigh(args)
        return super().b_max(args, keywords)

    def b_min(self, args: Args, keywords: Keywords) -> Value:
        self._weigh(args)
        return super().b_min(args, keywords)

    def b_sorted(self, args: Args, keywords: Keywords) -> Value:
        self._weigh(args)
        return super().b_sorted(args, keywords)

    def _weigh(self, args: Args) -> None:
        """Charge for comparing the elements of a long list, as `sandbox.weights` counts them."""
        if isinstance(self.node, ast.Call) and any(
            isinstance(given, ast.GeneratorExp | ast.ListComp) for given in self.node.args[:1]
        ):
            # What a comprehension goes through has paid for itself.
            return
        content = (
            self.pt.heap[args[0].cell] if len(args) == 1 and isinstance(args[0], Ref) else None
        )
        if not isinstance(content, SeqCell) or content.kind == "deque":
            return
        count, rule = self.sequence_rows(content)
        each = self.weight_of(content.record)
        total = self.accumulate("i64", self.op("mul", "i64", count.atom, i64(1 + each)))
        if isinstance(content.record, ShapePoints):

            def add(index: Atom) -> None:
                item = rule(index)
                assert isinstance(item, Points)
                # A point is two numbers.
                more = self.op("floordiv", "i64", item.length, i64(_NESTED // 2))
                self.emit(Set(total, self.op("add", "i64", self.value_now(total), more)))

            self.count(count.atom, add)
        weight = self.value_now(total)
        many = self.op("gt", "b1", weight, i64(FREE_ITEMS))
        units = self.op("floordiv", "i64", weight, i64(cost.ELEMENTS_PER_UNIT))
        self.charge(self.op("select", "i64", many, units, i64(0)))

    def weight_of(self, record: Shape) -> int:
        """Give what an element of a list weighs besides being one."""
        match record:
            case ShapeTup(items=items, names=names):
                if names == MEMBER:
                    return 0
                return _NESTED + len(items) + sum(map(self.weight_of, items))
            case ShapeRecord(items=items, cls=kind) if kind:
                cls = self.classes.get(kind)
                if cls is None or cls.fields is None:
                    return 0
                return _NESTED + sum(map(self.weight_of, items))
            case ShapeRecord(keys=keys, items=items):
                return _NESTED + 2 * len(keys) + sum(map(self.weight_of, items))
            case ShapePoints():
                return _NESTED
            case ShapeArr(shape=dims):
                return _NESTED + math.prod(dims) // _NESTED
        return 0

    rolled = False
    """Whether a ``for`` over known numbers stays a loop."""

    def over_turns(self, value: Value, turn: Callable[[Value], None]) -> None:
        if not self.rolled:
            super().over_turns(value, turn)
            return
        if isinstance(value, Range):
            count = self.range_length(value).const
            rows = None if count is None or count < 2 else self.indexed(value)
            if rows is not None:
                self._loop_over(value, rows, turn)
                return
        items = self._plain_numbers(value)
        if items is not None:
            rule = self._numbers_at(items)
            self._loop_over(value, (number(len(items)), rule), turn)
            return
        super().over_turns(value, turn)

    def _plain_numbers(self, value: Value) -> tuple[Num, ...] | None:
        """Give the numbers of a list or tuple of at least four whole numbers that are all known."""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        items: tuple[Value, ...] = ()
        if isinstance(value, Tup) and value.cls == "tuple":
            items = value.items
        elif isinstance(content, ListCell) and content.length is None and content.kind == "list":
            items = content.items
        found = tuple(
            item
            for item in items
            if isinstance(item, Num)
            and item.const is not None
            and item.weak is True
            and item.ty == "i64"
        )
        return found if len(items) >= 4 and len(found) == len(items) else None

    def _numbers_at(self, items: tuple[Num, ...]) -> Callable[[Atom], Value]:
        low, high = min(item.low for item in items), max(item.high for item in items)

        def rule(index: Atom) -> Value:
            if isinstance(index, Lit):
                return items[int(index.value)]
            found = items[-1].atom
            for k in range(len(items) - 2, -1, -1):
                here = self.op("eq", "b1", index, i64(k))
                found = self.op("select", "i64", here, items[k].atom, found)
            return integer(found, low, high)

        return rule

    def list_append(self, target: Ref, item: Value) -> None:
        content = self.pt.heap[item.cell] if isinstance(item, Ref) else None
        owner = self.pt.heap[target.cell]
        open_ended = (
            isinstance(owner, SeqCell)
            or (isinstance(owner, ListCell) and owner.length is not None)
            or self._left_out(target)
        )
        row = self._row(content) if self.turns or open_ended else None
        if isinstance(item, Ref) and row is not None:
            self.given_away[item.cell] = content
            item = row
        kept = isinstance(content, DictCell | ObjCell)
        if isinstance(item, Ref) and kept and (self.turns or open_ended):
            assert isinstance(content, DictCell | ObjCell)
            made = self._record(content)
            if made is not None:
                self.given_away[item.cell] = content
                item = made
        super().list_append(target, item)

    def _record(self, content: DictCell | ObjCell) -> Record | None:
        """Make a record of a dict or an object, where it can be one."""
        if isinstance(content, ObjCell):
            if self.classes.get(content.cls.name) is not content.cls:
                return None
            found = [(name, self._recordable(value)) for name, value in content.attributes]
            if any(value is None for _, value in found):
                return None
            return Record(
                tuple(name for name, _ in found),
                tuple(value for _, value in found if value is not None),
                content.cls.name,
            )
        if content.kind != "dict" or not content.ordered or not content.entries:
            return None
        keys, items = [], []
        for _, key, present, value in content.entries:
            part = self._recordable(value) if isinstance(key, Str) and present == TRUE else None
            if part is None or not isinstance(key, Str):
                return None
            keys.append(key.text)
            items.append(part)
        return Record(tuple(keys), tuple(items))

    @staticmethod
    def _row(content: object) -> Tup | None:
        """Give a short list of values as a row of a list, where it can be one."""
        if (
            not isinstance(content, ListCell)
            or content.kind != "list"
            or content.length is not None
            or not content.items
            or any(recorded(shape_of(part)) is None for part in content.items)
        ):
            return None
        return Tup(content.items, (), "list")

    def in_columns(self, target: Ref, *items: Value) -> SeqCell:
        content = self.pt.heap[target.cell]
        if isinstance(content, ListCell):
            made = tuple(self._frozen(item) for item in content.items)
            if made != content.items:
                self.pt.heap[target.cell] = replace(content, items=made)
        return super().in_columns(target, *items)

    def _frozen(self, item: Value) -> Value:
        """Give an object or dict of a list as a record, where it can be one."""
        if isinstance(item, Union):
            kinds = [item.variants[k] for k in self.possible(item)]
            if not any(isinstance(kind, Ref) for kind in kinds):
                return item
            return self.spread(item, self._frozen)
        content = self.pt.heap[item.cell] if isinstance(item, Ref) else None
        if isinstance(item, Ref) and isinstance(content, ObjCell | DictCell):
            return self._recordable(item) or item
        return item

    def _recordable(self, value: Value) -> Value | None:
        """Give a value as part of a record, or None where it has no place in columns."""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(value, Ref) and isinstance(content, ObjCell | DictCell):
            made = self._record(content)
            if made is not None:
                self.given_away[value.cell] = content
            return made
        return None if recorded(shape_of(value)) is None else value

    def thawed(self, value: Record) -> Ref:
        """Make a dict or object of a record, to read from it."""
        cell = Ref(self.number())
        entries = tuple(zip(value.keys, value.items, strict=True))
        content: DictCell | ObjCell
        cls = self.class_of(value)
        if cls is None:
            content = DictCell(tuple((("s", key), Str(key), TRUE, item) for key, item in entries))
        else:
            content = ObjCell(cls, entries)
        self.pt.heap[cell.cell] = content
        self.given_away[cell.cell] = content
        return cell

    # -- reading

    def subscript(self, owner: Value, index: Value) -> Value:
        if isinstance(owner, Record) and not isinstance(index, Union):
            return super().subscript(self.thawed(owner), index)
        return super().subscript(owner, index)

    def attribute(self, owner: Value, name: str) -> Value:
        if isinstance(owner, Record):
            if not owner.cls and name not in ("get", "keys", "values", "items", "copy"):
                raise self.refuse("CMP212", _CHANGED)
            return super().attribute(self.thawed(owner), name)
        return super().attribute(owner, name)

    def contains(self, container: Value, value: Value) -> Num:
        if isinstance(container, Record):
            container = self.thawed(container)
        return super().contains(container, value)

    def iterate(self, value: Value, body: Callable[[Value], None]) -> None:
        super().iterate(self.thawed(value) if isinstance(value, Record) else value, body)

    def len_of(self, value: Value) -> Num:
        if isinstance(value, Record):
            return super().len_of(self.thawed(value))
        return super().len_of(value)

    def call(self, function: Value, args: Args, keywords: Keywords) -> Value:
        if isinstance(function, Record):
            function = self.thawed(function)
        return super().call(function, args, keywords)

    def set_attribute(self, owner: Value, name: str, value: Value) -> None:
        if isinstance(owner, Record):
            raise self.refuse("CMP212", _CHANGED)
        super().set_attribute(owner, name, value)

    def identical(self, left: Value, right: Value) -> Num:
        for value in (left, right):
            if isinstance(value, Ref) and value.cell in self.given_away and left != right:
                # Each time that a record is read it gets a cell of its own.
                raise self.refuse("CMP104", "`is` between these values")
        return super().identical(left, right)

    def set_item(self, owner: Value, index: Value, value: Value) -> None:
        if isinstance(owner, Record) or (isinstance(owner, Tup) and owner.cls == "list"):
            raise self.refuse("CMP212", _CHANGED)
        if isinstance(owner, Points | Window):
            raise self.refuse("CMP533", f"{self.described(owner)} is written into")
        super().set_item(owner, index, value)

    def equal(self, a: Value, b: Value) -> Num:
        if isinstance(a, NoneV) or isinstance(b, NoneV):
            return super().equal(a, b)
        if isinstance(a, Record) and isinstance(b, Record) and a.cls and b.cls:
            return super().equal(self.thawed(a), self.thawed(b))
        for value in (a, b):
            if isinstance(value, Points | Window | Record):
                raise self.refuse("CMP105", f"{self.described(value)} compared in a container")
        return super().equal(a, b)


def _register() -> None:
    for name in dir(Records):
        if name.startswith("cv_"):
            Records.table[f"cv2.{name.removeprefix('cv_')}"] = getattr(Records, name)
    # What is overridden for arrays of unknown extents must be what the table calls.
    for prefix in ("np_", "a_", "b_", "l_"):
        for key, handler in list(Records.table.items()):
            name = handler.__name__
            if name.startswith(prefix):
                Records.table[key] = getattr(Records, name)


_register()
