"""Values that differ by path: variables that hold one of several, and their assignment."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.tiers.compiled.core import (
    Atom,
    Lit,
    Set,
    Store,
    Var,
)
from sandbox.tiers.compiled.points import EXPLODE, FALSE, LONGEST, VARIANTS, Point, i64
from sandbox.tiers.compiled.points import Points as Emitting
from sandbox.tiers.compiled.shapes import (
    LASTING,
    Same,
    Shape,
    ShapeArr,
    ShapeBuffer,
    ShapeCells,
    ShapeCopy,
    ShapeDict,
    ShapeGrid,
    ShapeList,
    ShapeMoved,
    ShapeNum,
    ShapeObj,
    ShapePoints,
    ShapeRecord,
    ShapeSeq,
    ShapeSet,
    ShapeTable,
    ShapeText,
    ShapeTup,
    ShapeUnion,
    ShapeWords,
    can_last,
    columns_of,
    join_shapes,
    shape_of,
    variant_key,
)
from sandbox.tiers.compiled.values import (
    UNBOUND,
    Arr,
    Buffer,
    Cell,
    Cells,
    Column,
    DictCell,
    GridCell,
    Lazy,
    ListCell,
    Lost,
    Num,
    ObjCell,
    Points,
    Record,
    Ref,
    SeqCell,
    SetCell,
    Str,
    TableCell,
    Text,
    Tup,
    Union,
    Value,
    Words,
    integer,
)

__all__ = ["Merging", "indices"]


class Merging(Emitting):
    """Joins values."""

    def _merge(
        self,
        points: list[Point],
        values: list[Any],
        merged: Point,
        assign: Callable[[Any, Any], None],
    ) -> Any:
        first = values[0]
        if all(value is first or value == first for value in values[1:]):
            return first
        shape = shape_of(first)
        for value in values[1:]:
            shape = join_shapes(shape, shape_of(value))
        head = self.instantiate(shape, merged)
        for point, value in zip(points, values, strict=True):
            self.current = point
            assign(head, value)
        return head

    def instantiate(self, shape: Shape, point: Point) -> Any:
        """Make a value (or a content) with variables where the shape leaves something open."""
        match shape:
            case Same(value=value):
                return value
            case ShapeNum(ty=ty, weak=weak, low=low, high=high, enum=enum):
                known = self.new("b1", "w") if weak is None else weak
                return Num(self.new(ty, "v"), known, low, high, enum=enum)
            case ShapeText(region=region, lower=lower):
                return Text(region, self.new("i64", "v"), self.new("i64", "v"), lower)
            case ShapeWords(region=region, lower=lower, separator=separator, stops=stops):
                text = Text(region, self.new("i64", "v"), self.new("i64", "v"), lower)
                stop = self.new("i64", "v") if stops else None
                return Words(text, separator, self.new("i64", "v"), stop)
            case ShapePoints(tail=tail):
                return Points(self.new("i64", "v"), self.new("i64", "v"), tail)
            case ShapeTup(items=items, names=names, cls=cls):
                return Tup(tuple(self.instantiate(item, point) for item in items), names, cls)
            case ShapeRecord(keys=keys, items=items, cls=owner):
                made = tuple(self.instantiate(item, point) for item in items)
                return Record(keys, made, owner)
            case ShapeArr(shape=dims, ty=ty):
                cell = self.number()
                array = Arr(cell, dims, ty)
                if array.size <= EXPLODE:
                    point.heap[cell] = Cells(tuple(self.new(ty, "v") for _ in range(array.size)))
                else:
                    point.heap[cell] = Buffer(self.scratch(ty, array.size), self.number())
                self.made[cell] = point.heap[cell]
                return array
            case ShapeUnion(variants=variants):
                if len(variants) > VARIANTS:
                    raise self.refuse("CMP311", "a value has too many different types by path")
                made = tuple(self.instantiate(item, point) for item in variants)
                return Union(self.new("i64", "tag"), made)
            case ShapeCells(atoms=atoms, ty=ty):
                return Cells(tuple(self.new(ty, "v") if a is None else a for a in atoms))
            case ShapeBuffer(region=region):
                return Buffer(region, self.number())
            case ShapeCopy(size=size, ty=ty):
                return Buffer(self.scratch(ty, size), self.number())
            case ShapeList(items=items, length=length, maxlen=maxlen, kind=kind):
                if len(items) > LONGEST:
                    raise self.refuse("CMP312", "a list grows with the data beyond what fits")
                known_length = None if length is None else self.instantiate(length, point)
                made = tuple(self.instantiate(item, point) for item in items)
                return ListCell(made, known_length, maxlen, kind)
            case ShapeDict(entries=entries, factory=factory, ordered=ordered, kind=kind):
                return DictCell(
                    tuple(
                        (
                            key,
                            k,
                            self.new("b1", "has") if present is None else present,
                            self.instantiate(item, point),
                        )
                        for key, k, present, item in entries
                    ),
                    factory,
                    ordered,
                    kind,
                )
            case ShapeSet(entries=members):
                return SetCell(
                    tuple(
                        (key, k, self.new("b1", "has") if present is None else present)
                        for key, k, present in members
                    )
                )
            case ShapeGrid(bounds=bounds, plain=plain, region=known_region, values=held):
                if known_region is None:
                    size = 1
                    for low, high in bounds:
                        size *= high - low + 1
                    known_region = self.scratch("b1", size)
                    if held is not None:
                        held = (self.scratch(held[1], size), *held[1:])
                return GridCell(bounds, plain, known_region, held, self.number())
            case ShapeMoved(content=inside):
                place = self.number()
                content = self.instantiate(inside, point)
                point.heap[place] = content
                self.made[place] = content
                return Ref(place)
            case ShapeSeq(record=record, regions=known, start=start, room=room, kind=kind):
                return SeqCell(
                    record,
                    known or self.columns(record, room),
                    self.new("i64", "v") if start is None else start,
                    Num(self.new("i64", "v"), True, 0, room),
                    room,
                    shape.maxlen,
                    kind,
                    self.number(),
                )
            case ShapeTable(key=key, value=value, regions=known, room=room, kind=kind):
                return TableCell(
                    key,
                    value,
                    known or self.table_memory(key, value, room),
                    self.new("i64", "v"),
                    Num(self.new("i64", "v"), True, 0, room),
                    room,
                    kind,
                    shape.factory,
                    shape.dense,
                    self.number(),
                )
            case ShapeObj(cls=owner, attributes=attributes):
                return ObjCell(
                    owner,
                    tuple((name, self.instantiate(item, point)) for name, item in attributes),
                )
        raise AssertionError(shape)

    def columns(self, record: Shape, room: int) -> tuple[str, ...]:
        """Declare memory for records."""
        return tuple(self.scratch(ty, width * room) for ty, width in columns_of(record))

    def table_memory(self, key: Shape, value: Shape | None, room: int) -> tuple[str, ...]:
        """Declare memory for a dict or set in columns."""
        held = () if value is None else self.columns(value, room)
        index = self.scratch("i32", 2 * room)
        return (index, self.scratch("b1", room), *self.columns(key, room), *held)

    def spread(self, value: Value, body: Callable[[Value], Value]) -> Value:
        """Do something for each variant of a value."""
        raise NotImplementedError

    def write_text(self, shape: ShapeText, value: Value) -> Text:
        """Give a text where a variable or a list holds its start and length."""
        del shape
        assert isinstance(value, Text)
        return value

    def put(self, var: Atom, value: Atom) -> None:
        """Give a variable made by `instantiate` its value on the current path."""
        if var != value and isinstance(var, Var):
            self.emit(Set(var, value))

    def assign(self, head: Value, value: Value) -> None:
        """Write a value into the variables of another that was made to hold it."""
        if head is value or head == value:
            return
        match head, value:
            case Num(), Num() if head.ty == value.ty:
                self.put(head.atom, value.atom)
                if not isinstance(head.weak, bool):
                    weak = value.weak
                    self.put(head.weak, Lit(weak, "b1") if isinstance(weak, bool) else weak)
            case Text(region=region), Union() if region == LASTING:
                shape = ShapeText(region, False)
                self.assign(head, self.spread(value, lambda item: self.write_text(shape, item)))
            case Text(region=region), Text() | Str() if region == LASTING:
                kept = self.write_text(ShapeText(region, False), value)
                self.put(head.start, kept.start)
                self.put(head.length, kept.length)
            case (Text() | Points(), Text() | Points()) if type(head) is type(value):
                self.put(head.start, value.start)
                self.put(head.length, value.length)
            case Words(), Words():
                self.put(head.text.start, value.text.start)
                self.put(head.text.length, value.text.length)
                self.put(head.first, value.first)
                if head.stop is not None and value.stop is not None:
                    self.put(head.stop, value.stop)
            case (Tup() | Record(), Tup() | Record()) if type(head) is type(value):
                for part, item in zip(head.items, value.items, strict=True):
                    self.assign(part, item)
            case Arr(), Arr():
                self.copy_array(head, value)
            case Ref(), Ref():
                self.assign_cell(self.made[head.cell], self.pt.heap[value.cell])
            case Union(), _:
                self._assign_union(head, value)

    def _assign_union(self, head: Union, value: Value) -> None:
        keys = [variant_key(shape_of(item)) for item in head.variants]
        if not isinstance(value, Union):
            position = self._variant(keys, value)
            self.put(head.tag, i64(position))
            self.assign(head.variants[position], value)
            return
        positions = [self._variant(keys, item) for item in value.variants]
        tag: Atom = i64(positions[-1])
        for k in range(len(positions) - 2, -1, -1):
            here = self.op("eq", "b1", value.tag, i64(k))
            tag = self.op("select", "i64", here, i64(positions[k]), tag)
        if positions == list(range(len(positions))):
            tag = value.tag
        # What an inactive variant holds is never read, so all are written without a branch.
        for position, item in zip(positions, value.variants, strict=True):
            self.assign(head.variants[position], item)
        self.put(head.tag, tag)

    def _variant(self, keys: list[Any], value: Value) -> int:
        key = variant_key(shape_of(value))
        for position, other in enumerate(keys):
            if other == key or (other[:2] == key[:2] and key[0] == "num" and len(other) < 3):
                return position
        for position, other in enumerate(keys):
            if other[0] == "same" and isinstance(other[1], Lost):
                return position
            if other == ("text", LASTING, False) and can_last(shape_of(value)):
                return position
        raise self.refuse("CMP311", "a value's type changes in a way that cannot be followed")

    def fill_sequence(self, head: SeqCell, content: Cell) -> None:
        """Make a list in columns hold what another content holds."""
        raise NotImplementedError

    def fill_table(self, head: TableCell, content: Cell) -> None:
        """Make a dict or set in columns hold what another content holds."""
        raise NotImplementedError

    def fill_grid(self, grid: GridCell, content: object) -> None:
        """Make a grid hold what another content holds."""
        raise NotImplementedError

    def copy_region(self, source: str, target: str, size: int) -> None:
        """Copy memory."""
        raise NotImplementedError

    def fill_buffer(self, region: str, content: Lazy) -> None:
        """Write the elements of an expression into memory."""
        raise NotImplementedError

    def assign_cell(self, head: Cell, content: Cell) -> None:
        """Write a content into the variables of another that was made to hold it."""
        if head is content or head == content:
            return
        match head, content:
            case Cells(), Cells():
                for var, atom in zip(head.atoms, content.atoms, strict=True):
                    self.put(var, atom)
            case Cells(), Lazy():
                for var, index in zip(head.atoms, indices(content.shape), strict=True):
                    self.put(var, content.rule(tuple(i64(i) for i in index)))
            case Buffer(), Buffer():
                if head.region != content.region:
                    raise self.refuse("CMP313", "one array has two places in memory")
            case Buffer(), Cells():
                for position, atom in enumerate(content.atoms):
                    self.emit(Store(head.region, i64(position), atom))
            case Buffer(), Lazy():
                self.fill_buffer(head.region, content)
            case Buffer(), Column():
                # A frame that only some paths write into is copied on the others.
                size = self.regions[content.region].size
                if self.regions[head.region].size < size:
                    raise self.refuse("CMP313", "one array has two places in memory")
                self.copy_region(content.region, head.region, size)
            case Buffer(), _:
                raise self.refuse("CMP313", "one array has two places in memory")
            case ListCell(), ListCell():
                for part, item in zip(head.items, content.items, strict=False):
                    self.assign(part, item)
                if head.length is not None:
                    length = content.length or integer(i64(len(content.items)))
                    self.assign(head.length, length)
            case DictCell(), DictCell():
                have = {key: (present, item) for key, _, present, item in content.entries}
                for key, _, var, item in head.entries:
                    present, found = have.get(key, (FALSE, None))
                    self.put(var, present)
                    if found is not None:
                        self.assign(item, found)
            case SetCell(), SetCell():
                members = {key: present for key, _, present in content.entries}
                for key, _, var in head.entries:
                    self.put(var, members.get(key, FALSE))
            case SeqCell(), _:
                self.fill_sequence(head, content)
            case TableCell(), _:
                self.fill_table(head, content)
            case GridCell(), GridCell() if head.region == content.region:
                pass
            case GridCell(), _:
                self.fill_grid(head, content)
            case ObjCell(), ObjCell():
                values = dict(content.attributes)
                for name, item in head.attributes:
                    self.assign(item, values.get(name, UNBOUND))


def indices(shape: tuple[int, ...]) -> Iterable[tuple[int, ...]]:
    """Go through all indices of a shape in C order."""
    return itertools.product(*(range(size) for size in shape))
