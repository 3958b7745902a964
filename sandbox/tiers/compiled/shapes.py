"""Shapes: what a variable that holds one of several values must be able to hold.

Where paths meet (after an ``if``, at the head of a loop) the values of a name are joined to a
shape; what all paths agree on stays known, the rest becomes variables of the core language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sandbox.tiers.compiled.core import Atom, Lit, Ty, limits_of
from sandbox.tiers.compiled.values import (
    MADE_TEXT,
    UNBOUND,
    Arr,
    Bound,
    Bounds,
    Buffer,
    Builtin,
    Cell,
    Cells,
    Cls,
    DictCell,
    Dty,
    Exc,
    Func,
    Gen,
    GridCell,
    Lazy,
    ListCell,
    Lost,
    Mod,
    NoneV,
    Num,
    ObjCell,
    Points,
    Range,
    Record,
    Ref,
    Sel,
    SeqCell,
    SetCell,
    SliceV,
    Str,
    TableCell,
    Text,
    Tup,
    Union,
    Value,
    Window,
    Words,
)

__all__ = [
    "EMPTY",
    "INNER",
    "LASTING",
    "LONG",
    "TEXT_THAT_LASTS",
    "Layout",
    "Same",
    "Shape",
    "ShapeArr",
    "ShapeBuffer",
    "ShapeCells",
    "ShapeCopy",
    "ShapeDict",
    "ShapeGrid",
    "ShapeInner",
    "ShapeList",
    "ShapeMoved",
    "ShapeNum",
    "ShapeObj",
    "ShapePoints",
    "ShapeRecord",
    "ShapeSeq",
    "ShapeSet",
    "ShapeTable",
    "ShapeText",
    "ShapeTup",
    "ShapeUnion",
    "ShapeWords",
    "can_last",
    "cells_in",
    "columns_of",
    "has_text",
    "join_records",
    "join_shapes",
    "lasting_shape",
    "layout_of",
    "loosen_content",
    "moved",
    "opened",
    "passes_away",
    "recorded",
    "shape_of",
    "texts_in",
    "variant_key",
]


@dataclass(frozen=True, slots=True)
class Same:
    """Exactly this value or content on every path."""

    value: Any


@dataclass(frozen=True, slots=True)
class ShapeNum:
    """A number of one core type; ``weak`` None: Python's or NumPy's, known when it runs."""

    ty: Ty
    weak: bool | None
    low: int
    high: int
    enum: str = ""


LASTING: Final = "scratch.texts"
"""A row's memory for texts that outlast what they were made of; any text can be copied there."""


@dataclass(frozen=True, slots=True)
class ShapeText:
    """A part of one text observation, or of the memory for texts that last."""

    region: str
    lower: bool


@dataclass(frozen=True, slots=True)
class ShapeWords:
    """Words of a part of one text observation; ``stops``: whether they end before its last one."""

    region: str
    lower: bool
    separator: str
    stops: bool


@dataclass(frozen=True, slots=True)
class ShapePoints:
    """Points in the row's memory for them."""

    tail: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShapeRecord:
    """A dict with known texts as keys, or an object, as an element of a list."""

    keys: tuple[str, ...]
    items: tuple[Shape, ...]
    cls: str = ""


@dataclass(frozen=True, slots=True)
class ShapeInner:
    """A list of up to `INNER` elements, as the value of a dict in columns."""

    record: Shape


@dataclass(frozen=True, slots=True)
class ShapeTup:
    """A tuple."""

    items: tuple[Shape, ...]
    names: tuple[str, ...]
    cls: str


@dataclass(frozen=True, slots=True)
class ShapeArr:
    """A copy of an array."""

    shape: tuple[int, ...]
    ty: Ty


@dataclass(frozen=True, slots=True)
class ShapeUnion:
    """One of several; their variant keys are distinct."""

    variants: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class ShapeCells:
    """Content of a small array: an atom all agree on, or None for a variable."""

    atoms: tuple[Atom | None, ...]
    ty: Ty


@dataclass(frozen=True, slots=True)
class ShapeBuffer:
    """Content of an array in memory."""

    region: str


@dataclass(frozen=True, slots=True)
class ShapeCopy:
    """Content of an array in memory of its own."""

    size: int
    ty: Ty


@dataclass(frozen=True, slots=True)
class ShapeList:
    """Content of a list; ``length`` None: as many as there are items."""

    items: tuple[Shape, ...]
    length: Shape | None
    maxlen: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class ShapeDict:
    """Content of a dict: key, key value, presence all agree on or None, shape of the value."""

    entries: tuple[tuple[Any, Value, Atom | None, Shape], ...]
    factory: Value | None
    ordered: bool
    kind: str


@dataclass(frozen=True, slots=True)
class ShapeSet:
    """Content of a set: key, key value, membership all agree on or None."""

    entries: tuple[tuple[Any, Value, Atom | None], ...]


@dataclass(frozen=True, slots=True)
class ShapeGrid:
    """Content of a set or dict with keys that depend on the data; None: memory of its own."""

    bounds: Bounds
    plain: bool
    region: str | None
    values: tuple[str, Ty, bool] | None


@dataclass(frozen=True, slots=True)
class ShapeSeq:
    """Content of a list in columns; ``regions`` None: memory of its own; ``start`` None: open."""

    record: Shape
    regions: tuple[str, ...] | None
    start: Atom | None
    room: int
    maxlen: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class ShapeMoved:
    """A list that a name is bound to anew in each turn of a loop: its elements are moved."""

    content: ShapeSeq


@dataclass(frozen=True, slots=True)
class ShapeTable:
    """Content of a dict or set in columns; ``regions`` None: memory of its own."""

    key: Shape
    value: Shape | None
    regions: tuple[str, ...] | None
    room: int
    kind: str
    factory: Value | None
    dense: bool


@dataclass(frozen=True, slots=True)
class ShapeObj:
    """Content of an object."""

    cls: Cls
    attributes: tuple[tuple[str, Shape], ...]


Shape: TypeAlias = (
    Same | ShapeNum | ShapeText | ShapePoints | ShapeRecord | ShapeTup | ShapeArr | ShapeInner | ShapeWords | ShapeUnion | ShapeCells | ShapeBuffer
    | ShapeCopy | ShapeGrid | ShapeList | ShapeDict | ShapeSet | ShapeObj | ShapeSeq | ShapeTable
    | ShapeMoved
)  # fmt: skip
Layout: TypeAlias = tuple[Any, ...]
"""What two shapes of records have in common when they use the same columns."""

LONG: Final = 4_096
"""Elements that a list in columns has room for."""
_UNFOLDED: Final = 16
"""Elements up to which a list that some paths lengthen is kept element by element."""
_SMALL: Final = 16
"""Elements of an array that can be part of a record."""
INNER: Final = 64
"""Elements that a list in a dict in columns has room for."""
EMPTY: Final = ShapeTup((), (), "nothing")
"""Shape of the records of a list that has never held anything."""
_LOST = Same(Lost())
_ABSENT = Lit(False, "b1")
_FRONT = Lit(0, "i64")


def shape_of(value: Value | Cell) -> Shape:
    """Give the shape that holds just this value."""
    match value:
        case Buffer(region=region):
            return ShapeBuffer(region)
        case GridCell():
            return ShapeGrid(value.bounds, value.plain, value.region, value.values)
        case SeqCell():
            return ShapeSeq(
                value.record, value.regions, value.start, value.room, value.maxlen, value.kind
            )
        case TableCell():
            return ShapeTable(
                value.key, value.value, value.regions, value.room, value.kind, value.factory,
                value.dense,
            )  # fmt: skip
    return Same(value)


def opened(shape: Shape) -> Shape:
    """Turn an exact value into structure, one level deep, so that it can be joined."""
    if not isinstance(shape, Same):
        return shape
    value = shape.value
    match value:
        case Num(weak=weak):
            known = weak if isinstance(weak, bool) else None
            return ShapeNum(value.ty, known, value.low, value.high, value.enum)
        case Text(region=region, lower=lower):
            return ShapeText(region, lower)
        case Words(text=text):
            return ShapeWords(text.region, text.lower, value.separator, value.stop is not None)
        case Points(tail=tail):
            return ShapePoints(tail)
        case Record(keys=keys, items=items, cls=owner):
            return ShapeRecord(keys, tuple(shape_of(item) for item in items), owner)
        case Tup(items=items, names=names, cls=cls):
            return ShapeTup(tuple(shape_of(item) for item in items), names, cls)
        case Arr(shape=dims, ty=ty):
            return ShapeArr(dims, ty)
        case Union(variants=variants):
            return ShapeUnion(tuple(opened(shape_of(item)) for item in variants))
        case Cells(atoms=atoms):
            return ShapeCells(atoms, atoms[0].ty if atoms else "f64")
        case ListCell(items=items, length=length, maxlen=maxlen, kind=kind):
            return ShapeList(
                tuple(shape_of(item) for item in items),
                None if length is None else shape_of(length),
                maxlen,
                kind,
            )
        case DictCell(entries=entries, factory=factory, ordered=ordered, kind=kind):
            parts = tuple((key, k, present, shape_of(v)) for key, k, present, v in entries)
            return ShapeDict(parts, factory, ordered, kind)
        case SetCell(entries=members):
            return ShapeSet(members)
        case ObjCell(cls=owner, attributes=attributes):
            return ShapeObj(owner, tuple((name, shape_of(v)) for name, v in attributes))
    return shape


def _loosen(shape: Shape) -> Shape:
    """Make variables of all that only one of several paths has computed."""
    if isinstance(shape, Same):
        value = shape.value
        if isinstance(value, Num) and isinstance(value.atom, Lit) and isinstance(value.weak, bool):
            return shape
        if isinstance(value, Sel | Window):
            return Same(Lost("a selection that only one of several paths made"))
        if isinstance(value, Range | SliceV) and not _all_known(value):
            return Same(Lost("a range or slice that only one of several paths made"))
        if not isinstance(value, Num | Text | Words | Points | Record | Tup | Arr | Union):
            return shape
    loose = opened(shape)
    match loose:
        case ShapeTup(items=items, names=names, cls=cls):
            return ShapeTup(tuple(_loosen(item) for item in items), names, cls)
        case ShapeRecord(keys=keys, items=items, cls=owner):
            return ShapeRecord(keys, tuple(_loosen(item) for item in items), owner)
        case ShapeUnion(variants=variants):
            return ShapeUnion(tuple(_loosen(item) for item in variants))
    return loose


def _all_known(value: Range | SliceV) -> bool:
    """Whether the parts of a range or slice are no variables of one path."""
    parts = (value.start, value.stop, value.step)
    return all(not isinstance(part, Num) or isinstance(part.atom, Lit) for part in parts)


def loosen_content(content: Cell) -> Shape:
    """Give the shape of a content with variables for all that its path has computed."""
    match content:
        case Cells(atoms=atoms):
            kept = tuple(atom if isinstance(atom, Lit) else None for atom in atoms)
            return ShapeCells(kept, atoms[0].ty if atoms else "f64")
        case Lazy(shape=dims, ty=ty):
            size = 1
            for extent in dims:
                size *= extent
            return ShapeCopy(size, ty)
        case ListCell(items=items, length=length, maxlen=maxlen, kind=kind):
            loose = tuple(_loosen(shape_of(item)) for item in items)
            count = None if length is None else _loosen(shape_of(length))
            return ShapeList(loose, count, maxlen, kind)
        case DictCell(entries=entries, factory=factory, ordered=ordered, kind=kind):
            held = tuple(
                (key, k, present if isinstance(present, Lit) else None, _loosen(shape_of(v)))
                for key, k, present, v in entries
            )
            return ShapeDict(held, factory, ordered, kind)
        case SetCell(entries=members):
            return ShapeSet(
                tuple((key, k, p if isinstance(p, Lit) else None) for key, k, p in members)
            )
        case ObjCell(cls=owner, attributes=attributes):
            return ShapeObj(owner, tuple((n, _loosen(shape_of(v))) for n, v in attributes))
        case SeqCell(start=start):
            first = start if start == _FRONT else None
            return ShapeSeq(
                content.record, content.regions, first, content.room, content.maxlen, content.kind
            )
    return shape_of(content)


def cells_in(values: Iterable[Value | Cell]) -> list[int]:
    """Give the cells that values and contents refer to."""
    found: list[int] = []
    waiting: list[Any] = list(values)
    while waiting:
        value = waiting.pop()
        match value:
            case Ref(cell=cell) | Arr(cell=cell):
                found.append(cell)
            case Tup(items=items) | ListCell(items=items) | Record(items=items):
                waiting.extend(items)
            case Union(variants=variants):
                waiting.extend(variants)
            case Bound(owner=owner):
                waiting.append(owner)
            case Builtin(owner=owner) if owner is not None:
                waiting.append(owner)
            case Gen(parts=parts):
                waiting.extend(parts)
            case DictCell(entries=entries):
                waiting.extend(entry[3] for entry in entries)
            case ObjCell(attributes=attributes):
                waiting.extend(item for _, item in attributes)
    return found


def variant_key(shape: Shape) -> Any:
    """Say which variant of a union a shape is; equal keys share one variant."""
    shape = opened(shape)
    match shape:
        case ShapeNum(ty="i64", weak=weak):
            return ("num", "i64", weak)
        case ShapeNum(ty=ty):
            return ("num", ty)
        case ShapeText(region=region, lower=lower):
            return ("text", region, lower)
        case ShapeWords():
            return ("words", shape)
        case ShapePoints(tail=tail):
            return ("points", tail)
        case ShapeRecord(keys=keys, cls=owner):
            return ("record", keys, owner)
        case ShapeInner():
            return ("inner",)
        case ShapeTup(items=items, cls=cls):
            return ("tup", len(items), cls)
        case ShapeArr(shape=dims, ty=ty):
            return ("arr", dims, ty)
        case Same(value=Str(text=text)):
            return ("str", text)
        case Same(value=value) if isinstance(value, Sel | Window):
            return ("id", id(value))
        case Same(value=value):
            return ("same", value)
    return ("content", type(shape).__name__)


def join_shapes(a: Shape, b: Shape, loop: bool = False, widen: bool = False) -> Shape:
    """Give the least shape that holds both.

    Args:
        a: What the variable holds so far.
        b: What another path gives.
        loop: The second one comes round a loop: containers that differ are lost, because a new
            one would come with every turn.
        widen: Let integers grow to the limits of their type at once.
    """
    if a == b:
        return a
    for shape in (a, b):
        if isinstance(shape, Same) and isinstance(shape.value, Lost):
            return shape
    if loop and (_container(a) or _container(b) or _made_large(a, b)):
        return _LOST
    x, y = opened(a), opened(b)
    match x, y:
        case ShapeNum(), ShapeNum() if variant_key(x) == variant_key(y):
            return _join_numbers(x, y, widen)
        case (ShapeText(), ShapeText()) | (ShapePoints(), ShapePoints()) if x == y:
            return x
        case ShapeWords(), ShapeWords() if x == y:
            return x
        case (ShapeText(region=region), _) if region == LASTING and can_last(y):
            return x
        case (_, ShapeText(region=region)) if region == LASTING and can_last(x):
            return y
        case ShapeTup(), ShapeTup() if variant_key(x) == variant_key(y):
            pairs = zip(x.items, y.items, strict=True)
            return ShapeTup(tuple(join_shapes(i, j, loop, widen) for i, j in pairs), x.names, x.cls)
        case ShapeRecord(), ShapeRecord() if variant_key(x) == variant_key(y):
            pairs = zip(x.items, y.items, strict=True)
            items = tuple(join_shapes(i, j, loop, widen) for i, j in pairs)
            return ShapeRecord(x.keys, items, x.cls)
        case ShapeArr(), ShapeArr() if x == y:
            return x
        case ShapeInner(), ShapeInner():
            inner = join_records(x.record, y.record, widen)
            return _LOST if inner is None else ShapeInner(inner)
        case ShapeCells(), ShapeCells() if len(x.atoms) == len(y.atoms):
            pairs_ = zip(x.atoms, y.atoms, strict=True)
            return ShapeCells(tuple(i if i == j else None for i, j in pairs_), x.ty)
        case ShapeBuffer(), _:
            return x
        case _, ShapeBuffer():
            return y
        case ShapeCells(), Same(value=Lazy()):
            return ShapeCells((None,) * len(x.atoms), x.ty)
        case Same(value=Lazy()), ShapeCells():
            return ShapeCells((None,) * len(y.atoms), y.ty)
        case ShapeList(), ShapeList():
            return _join_lists(x, y, loop, widen)
        case ShapeSeq(), ShapeSeq() | ShapeList():
            return _join_sequences(x, y, widen) or _LOST
        case ShapeList(), ShapeSeq():
            return _join_sequences(y, x, widen) or _LOST
        case ShapeTable(), ShapeTable() | ShapeDict() | ShapeSet():
            return _join_tables(x, y, widen) or _LOST
        case ((ShapeDict() | ShapeSet()), ShapeTable()):
            return _join_tables(y, x, widen) or _LOST
        case ShapeDict(), ShapeDict():
            return _join_dicts(x, y, loop, widen)
        case ShapeSet(), ShapeSet():
            return _join_sets(x, y)
        case (ShapeGrid(), ShapeGrid() | ShapeSet() | ShapeDict()):
            return _join_grids(x, y)
        case ((ShapeSet() | ShapeDict()), ShapeGrid()):
            return _join_grids(y, x)
        case ShapeObj(), ShapeObj() if x.cls is y.cls:
            return _join_objects(x, y, loop, widen)
    return _join_unions(x, y, loop, widen)


def can_last(shape: Shape) -> bool:
    """Whether a value is a text that can be copied to where it lasts."""
    if isinstance(shape, Same):
        value = shape.value
        return isinstance(value, Text) or (isinstance(value, Str) and value.text.isascii())
    return isinstance(shape, ShapeText)


def has_text(shape: Shape) -> bool:
    """Whether there are texts in a record that were copied to where they last."""
    return shape != texts_in(shape, "")


def texts_in(shape: Shape, region: str) -> Shape:
    """Give the same record with its lasting texts in other memory."""
    match shape:
        case ShapeText(region=here) if here == LASTING:
            return ShapeText(region, False)
        case ShapeTup(items=items, names=names, cls=cls):
            return ShapeTup(tuple(texts_in(item, region) for item in items), names, cls)
        case ShapeRecord(keys=keys, items=items, cls=owner):
            return ShapeRecord(keys, tuple(texts_in(item, region) for item in items), owner)
        case ShapeInner(record=record):
            return ShapeInner(texts_in(record, region))
        case ShapeUnion(variants=variants):
            return ShapeUnion(tuple(texts_in(item, region) for item in variants))
    return shape


def lasting_shape(shape: Shape) -> Shape:
    """Give the record of the same values with all texts copied to where they last."""
    match shape:
        case ShapeText():
            return ShapeText(LASTING, False)
        case ShapeTup(items=items, names=names, cls=cls):
            return ShapeTup(tuple(map(lasting_shape, items)), names, cls)
        case ShapeRecord(keys=keys, items=items, cls=owner):
            return ShapeRecord(keys, tuple(map(lasting_shape, items)), owner)
        case ShapeInner(record=record):
            return ShapeInner(lasting_shape(record))
        case ShapeUnion(variants=variants):
            made = lasting_shape(variants[0])
            for variant in variants[1:]:
                made = _join_unions(made, lasting_shape(variant), False, False)
            if isinstance(made, ShapeUnion) and len(made.variants) == 1:
                return made.variants[0]
            return made
    return shape


def _container(shape: Shape) -> bool:
    if isinstance(shape, ShapeUnion):
        return any(map(_container, shape.variants))
    value = shape.value if isinstance(shape, Same) else None
    if isinstance(value, Union):
        return any(isinstance(item, Ref | Sel | Window) for item in value.variants)
    return isinstance(value, Ref | Sel | Window)


def _made_large(a: Shape, b: Shape) -> bool:
    """Whether a loop only makes a large array, which would be copied for nobody."""
    large = isinstance(b, Same) and isinstance(b.value, Arr) and b.value.size > 64
    return large and a == Same(UNBOUND)


def _join_numbers(a: ShapeNum, b: ShapeNum, widen: bool) -> ShapeNum:
    low, high = min(a.low, b.low), max(a.high, b.high)
    if widen and a.ty not in ("f32", "f64"):
        least, most = limits_of(a.ty)
        low = a.low if low >= a.low else least
        high = a.high if high <= a.high else most
    enum = a.enum if a.enum == b.enum else ""
    return ShapeNum(a.ty, a.weak if a.weak == b.weak else None, low, high, enum)


def _join_unions(a: Shape, b: Shape, loop: bool, widen: bool) -> Shape:
    variants: dict[Any, Shape] = {}
    for shape in (a, b):
        for item in shape.variants if isinstance(shape, ShapeUnion) else (shape,):
            part = _loosen(item)
            key = variant_key(part)
            if TEXT_THAT_LASTS in variants and can_last(part):
                continue
            variants[key] = (
                join_shapes(variants[key], part, loop, widen) if key in variants else part
            )
    if TEXT_THAT_LASTS in variants:
        last = {k: v for k, v in variants.items() if k == TEXT_THAT_LASTS or not can_last(v)}
        variants = last
        if len(variants) == 1:
            return variants[TEXT_THAT_LASTS]
    return ShapeUnion(tuple(variants.values()))


TEXT_THAT_LASTS: Final = ("text", LASTING, False)


def _join_lists(a: ShapeList, b: ShapeList, loop: bool, widen: bool) -> Shape:
    grows = len(a.items) != len(b.items) and max(len(a.items), len(b.items)) > _UNFOLDED
    if (loop and len(a.items) != len(b.items) and (a.maxlen or LONG) > _UNFOLDED) or grows:
        made = _in_columns(a, b, widen)
        if made is not None:
            return made
    longer, shorter = (a, b) if len(a.items) >= len(b.items) else (b, a)
    count = len(shorter.items)
    items = [
        join_shapes(i, j, loop, widen)
        for i, j in zip(a.items[:count], b.items[:count], strict=True)
    ]
    items += [_loosen(item) for item in longer.items[count:]]
    length = a.length
    if len(a.items) != len(b.items) or a.length != b.length:
        length = ShapeNum("i64", True, 0, len(items))
    return ShapeList(tuple(items), length, a.maxlen, a.kind)


def _join_dicts(a: ShapeDict, b: ShapeDict, loop: bool, widen: bool) -> Shape:
    first = {key: (k, present, shape) for key, k, present, shape in a.entries}
    second = {key: (k, present, shape) for key, k, present, shape in b.entries}
    order = _interleave(list(first), list(second))
    ordered = a.ordered and b.ordered
    if order is None:
        order, ordered = [*first, *(key for key in second if key not in first)], False
    entries: list[tuple[Any, Value, Atom | None, Shape]] = []
    for key in order:
        if key in first and key in second:
            k, p, shape = first[key]
            _, q, other = second[key]
            present = p if p == q else None
            entries.append((key, k, present, join_shapes(shape, other, loop, widen)))
        else:
            k, p, shape = first.get(key) or second[key]
            entries.append((key, k, p if p == _ABSENT else None, _loosen(shape)))
    return ShapeDict(tuple(entries), a.factory, ordered, a.kind)


def _interleave(a: list[Any], b: list[Any]) -> list[Any] | None:
    """Merge two orders to one that respects both, or give None."""
    merged: list[Any] = []
    rest = list(b)
    for key in a:
        if key in rest:
            while rest[0] != key:
                if rest[0] in a:
                    return None
                merged.append(rest.pop(0))
            rest.pop(0)
        elif key in b:
            return None
        merged.append(key)
    return merged + rest


def _join_sets(a: ShapeSet, b: ShapeSet) -> Shape:
    first = {key: (k, present) for key, k, present in a.entries}
    second = {key: (k, present) for key, k, present in b.entries}
    entries: list[tuple[Any, Value, Atom | None]] = []
    for key in [*first, *(key for key in second if key not in first)]:
        k, p = first.get(key) or (second[key][0], _ABSENT)
        q = second[key][1] if key in second else _ABSENT
        entries.append((key, k, p if p == q else None))
    return ShapeSet(tuple(entries))


def _join_grids(a: ShapeGrid, b: ShapeGrid | ShapeSet | ShapeDict) -> Shape:
    """Give the ranges that hold both; memory is shared where the ranges are the same."""
    bounds = a.bounds
    if isinstance(b, ShapeGrid):
        kinds = [None if g.values is None else g.values[1:] for g in (a, b)]
        if a.plain is not b.plain or len(a.bounds) != len(b.bounds) or kinds[0] != kinds[1]:
            return Same(Lost("keys of different kinds in one container"))
        bounds = _widest(bounds, b.bounds)
        same = bounds == a.bounds and a.region == b.region
        return ShapeGrid(bounds, a.plain, a.region if same else None, a.values)
    for entry in b.entries:
        key = entry[1]
        parts = key.items if isinstance(key, Tup) else (key,)
        if isinstance(key, Tup) is a.plain or len(parts) != len(bounds):
            return Same(Lost("keys of different kinds in one container"))
        ranges = tuple((p.low, p.high) for p in parts if isinstance(p, Num))
        if len(ranges) != len(parts):
            return Same(Lost("keys of different kinds in one container"))
        bounds = _widest(bounds, ranges)
    return ShapeGrid(bounds, a.plain, a.region if bounds == a.bounds else None, a.values)


def _widest(a: Bounds, b: Bounds) -> Bounds:
    return tuple((min(x[0], y[0]), max(x[1], y[1])) for x, y in zip(a, b, strict=True))


def _join_objects(a: ShapeObj, b: ShapeObj, loop: bool, widen: bool) -> Shape:
    first, second = dict(a.attributes), dict(b.attributes)
    names = [*first, *(name for name in second if name not in first)]
    missing = Same(UNBOUND)
    return ShapeObj(
        a.cls,
        tuple(
            (name, join_shapes(first.get(name, missing), second.get(name, missing), loop, widen))
            for name in names
        ),
    )


# -- records


def recorded(shape: Shape) -> Shape | None:
    """Give the shape of values of this kind in columns, or None where they have none."""
    if isinstance(shape, Same):
        value = shape.value
        if isinstance(value, NoneV | Str | Func | Cls | Builtin | Dty | Mod | Exc):
            return shape
        if isinstance(value, Lost) and value.why == MADE_TEXT:
            return shape
        if not isinstance(value, Num | Text | Points | Record | Tup | Arr | Union):
            return None
        return recorded(opened(shape))
    match shape:
        case ShapeNum() | ShapeText() | ShapePoints() | ShapeInner():
            return shape
        case ShapeArr(shape=dims):
            size = 1
            for extent in dims:
                size *= extent
            return shape if size <= _SMALL else None
        case ShapeTup(items=items, names=names, cls=cls):
            parts = _all_recorded(items)
            return None if parts is None else ShapeTup(parts, names, cls)
        case ShapeRecord(keys=keys, items=items, cls=owner):
            parts = _all_recorded(items)
            return None if parts is None else ShapeRecord(keys, parts, owner)
        case ShapeUnion(variants=variants):
            made = _all_recorded(variants)
            if made is None:
                return None
            joined = made[0]
            for part in made[1:]:
                joined = _join_unions(joined, part, False, False)
            return joined
    return None


def passes_away(shape: Shape | None) -> bool:
    """Whether values of a shape are, or have in them, texts that do not outlast the row."""
    match shape:
        case ShapeText(region=region):
            return region != LASTING
        case ShapeWords():
            return True
        case ShapeTup(items=items) | ShapeRecord(items=items) | ShapeUnion(variants=items):
            return any(map(passes_away, items))
        case ShapeInner(record=record):
            # Their room is part of an entry, which is copied as it is.
            return passes_away(record) or has_text(record)
    return isinstance(shape, Same) and isinstance(shape.value, Text | Words)


def _all_recorded(shapes: tuple[Shape, ...]) -> tuple[Shape, ...] | None:
    found: list[Shape] = []
    for shape in shapes:
        part = recorded(shape)
        if part is None:
            return None
        found.append(part)
    return tuple(found)


def join_records(a: Shape | None, b: Shape | None, widen: bool = False) -> Shape | None:
    """Give the shape in columns that holds both, or None where there is none."""
    if a is None or b is None:
        return None
    if EMPTY in (a, b):
        return b if a == EMPTY else a
    return recorded(join_shapes(a, b, False, widen))


def layout_of(shape: Shape) -> Layout:
    """Give what decides which columns a record has and what they mean."""
    match shape:
        case ShapeNum(ty=ty, weak=weak):
            return ("n", ty, weak)
        case ShapeText(region=region, lower=lower):
            return ("text", region, lower)
        case ShapePoints(tail=tail):
            return ("points", tail)
        case ShapeTup(items=items, cls=cls):
            return ("t", cls, *map(layout_of, items))
        case ShapeRecord(keys=keys, items=items, cls=owner):
            return ("r", keys, owner, *map(layout_of, items))
        case ShapeArr(shape=dims, ty=ty):
            return ("a", dims, ty)
        case ShapeInner(record=record):
            return ("l", layout_of(record))
        case ShapeUnion(variants=variants):
            return ("u", *map(layout_of, variants))
    return ("s", shape)


def columns_of(shape: Shape) -> list[tuple[Ty, int]]:
    """Give the columns of a record: core type, and elements of one entry."""
    match shape:
        case ShapeNum(ty=ty, weak=weak):
            return [(ty, 1), ("b1", 1)] if weak is None else [(ty, 1)]
        case ShapeText() | ShapePoints():
            return [("i64", 1), ("i64", 1)]
        case ShapeTup(items=items) | ShapeRecord(items=items):
            return [column for item in items for column in columns_of(item)]
        case ShapeArr(shape=dims, ty=ty):
            size = 1
            for extent in dims:
                size *= extent
            return [(ty, size)]
        case ShapeInner(record=record):
            return [("i64", 1), *((ty, size * INNER) for ty, size in columns_of(record))]
        case ShapeUnion(variants=variants):
            return [("i64", 1), *(column for item in variants for column in columns_of(item))]
    return []


def _in_columns(a: ShapeList, b: ShapeList, widen: bool) -> Shape | None:
    record: Shape | None = None
    for item in (*a.items, *b.items):
        part = recorded(item)
        record = part if record is None else join_records(record, part, widen)
        if record is None:
            return None
    if record is None:
        return None
    return ShapeSeq(record, None, None, _room(a.maxlen), a.maxlen, a.kind)


def _room(maxlen: int | None) -> int:
    return LONG if maxlen is None else min(2 * maxlen + 2, LONG)


def _join_sequences(a: ShapeSeq, b: ShapeSeq | ShapeList, widen: bool) -> Shape | None:
    record: Shape | None = a.record
    if isinstance(b, ShapeSeq):
        record = join_records(record, b.record, widen)
        room = max(a.room, b.room)
        same = a.regions == b.regions
        start = a.start if a.start == b.start else None
    else:
        for item in b.items:
            record = join_records(record, recorded(item), widen)
        room, same, start = a.room, True, a.start if a.start == _FRONT else None
    if record is None:
        return None
    keep = same and layout_of(record) == layout_of(a.record) and room == a.room
    if isinstance(b, ShapeSeq) and layout_of(b.record) != layout_of(a.record):
        keep = False
    if not keep and start != _FRONT:
        start = None
    return ShapeSeq(record, a.regions if keep else None, start, room, a.maxlen, a.kind)


def _join_tables(a: ShapeTable, b: ShapeTable | ShapeDict | ShapeSet, widen: bool) -> Shape | None:
    key: Shape | None = a.key
    value = a.value
    if isinstance(b, ShapeTable):
        key = join_records(key, b.key, widen)
        held = None if value is None or b.value is None else join_records(value, b.value, widen)
        keep = a.regions == b.regions and layout_of(b.key) == layout_of(a.key)
        dense = a.dense and b.dense
        if (held is None) is not (value is None):
            return None
        if held is not None and b.value is not None:
            keep = keep and layout_of(b.value) == layout_of(held)
    else:
        held, keep, dense = value, True, a.dense
        for entry in b.entries:
            key = join_records(key, recorded(Same(entry[1])), widen)
            if len(entry) == 4:
                held = join_records(held, recorded(entry[3]), widen)
                if held is None:
                    return None
    if key is None:
        return None
    keep = keep and layout_of(key) == layout_of(a.key)
    if held is not None and value is not None:
        keep = keep and layout_of(held) == layout_of(value)
    regions = a.regions if keep else None
    return ShapeTable(key, held, regions, a.room, a.kind, a.factory, dense)


def moved(before: Shape | Cell, now: Cell, widen: bool) -> ShapeMoved | None:
    """Give the shape of a name that holds one list and then another, or None for other things."""
    a: Shape | None = before if isinstance(before, ShapeSeq) else None
    if a is None and isinstance(before, ListCell | SeqCell):
        a = opened(shape_of(before))
    b = opened(shape_of(now)) if isinstance(now, ListCell | SeqCell) else None
    match a, b:
        case ShapeList(), ShapeList() if a.kind == b.kind:
            found = _in_columns(a, b, widen)
        case ShapeSeq(), ShapeSeq() | ShapeList() if a.kind == b.kind:
            found = _join_sequences(a, b, widen)
        case ShapeList(), ShapeSeq() if a.kind == b.kind:
            found = _join_sequences(b, a, widen)
        case _:
            return None
    if not isinstance(found, ShapeSeq):
        return None
    return ShapeMoved(ShapeSeq(found.record, None, None, LONG, found.maxlen, found.kind))
