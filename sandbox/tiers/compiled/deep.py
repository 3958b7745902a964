"""The shape of what an episode keeps in ``self``, and how an instance is made of it again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Final, TypeAlias

from sandbox.tiers.compiled.core import FLOATS, Ty, dtype_of, limits_of
from sandbox.tiers.compiled.grids import join_bounds
from sandbox.tiers.compiled.points import EXPLODE
from sandbox.tiers.compiled.recipe import Recipe
from sandbox.tiers.compiled.shapes import (
    INNER,
    LASTING,
    Same,
    Shape,
    ShapeArr,
    ShapeInner,
    ShapeNum,
    ShapeRecord,
    ShapeText,
    ShapeTup,
    ShapeUnion,
    columns_of,
    has_text,
    join_records,
    recorded,
)
from sandbox.tiers.compiled.values import (
    MADE_TEXT,
    UNBOUND,
    Bounds,
    Builtin,
    Cls,
    Dty,
    Func,
    Lost,
    NoneV,
    Num,
    Str,
    Tup,
    Unbound,
    Value,
)

__all__ = [
    "GROWING",
    "TEXT_KEY",
    "Deep",
    "DeepArr",
    "DeepConst",
    "DeepDict",
    "DeepGrid",
    "DeepList",
    "DeepNum",
    "DeepObj",
    "DeepSeq",
    "DeepSet",
    "DeepTable",
    "DeepText",
    "DeepTup",
    "DeepUnion",
    "general_number",
    "join_deep",
    "keeps_text",
    "key_of_deep",
    "recipe_of",
    "unsettled",
    "works_in_place",
]


GROWING: Final = "keeps a list that grows with the episode"


@dataclass(frozen=True, slots=True)
class DeepConst:
    """A value that is always the same."""

    value: Any


@dataclass(frozen=True, slots=True)
class DeepNum:
    """A number; ``weak`` None: Python's or NumPy's by row."""

    ty: Ty
    weak: bool | None
    low: int
    high: int
    enum: str = ""


@dataclass(frozen=True, slots=True)
class DeepText:
    """A text, in the state's memory for texts."""


TEXT_KEY: Final = ("text",)
"""The variant of a union that is a text."""


@dataclass(frozen=True, slots=True)
class DeepArr:
    """An array."""

    shape: tuple[int, ...]
    ty: Ty

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class DeepTup:
    """A tuple."""

    items: tuple[Deep, ...]
    names: tuple[str, ...]
    cls: str


@dataclass(frozen=True, slots=True)
class DeepUnion:
    """One of several, by row."""

    variants: tuple[Deep, ...]


@dataclass(frozen=True, slots=True)
class DeepList:
    """A list or deque; ``fixed``: its length never changes."""

    items: tuple[Deep, ...]
    fixed: bool
    maxlen: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class DeepDict:
    """A dict: key, key value, whether always present, value."""

    entries: tuple[tuple[Any, Value, bool, Deep], ...]
    factory: Value | None
    ordered: bool
    kind: str


@dataclass(frozen=True, slots=True)
class DeepSet:
    """A set: key, key value, whether always in."""

    entries: tuple[tuple[Any, Value, bool], ...]


@dataclass(frozen=True, slots=True)
class DeepGrid:
    """A set or dict whose keys depend on the data; ``values``: core type, whether Python's."""

    bounds: Bounds
    plain: bool
    values: tuple[Ty, bool] | None


@dataclass(frozen=True, slots=True)
class DeepSeq:
    """A list whose length depends on the data, in columns."""

    record: Shape
    maxlen: int | None
    kind: str

    @property
    def room(self) -> int:
        """Elements there is memory for."""
        return ROOM if self.maxlen is None else min(self.maxlen, ROOM)


@dataclass(frozen=True, slots=True)
class DeepTable:
    """A dict or set whose keys depend on the data, in columns."""

    key: Shape
    value: Shape | None
    kind: str
    factory: Value | None


@dataclass(frozen=True, slots=True)
class DeepObj:
    """An object."""

    cls: Cls
    attributes: tuple[tuple[str, Deep], ...]


Deep: TypeAlias = (
    DeepConst
    | DeepNum
    | DeepText
    | DeepArr
    | DeepTup
    | DeepUnion
    | DeepList
    | DeepDict
    | DeepSet
    | DeepGrid
    | DeepSeq
    | DeepTable
    | DeepObj
)

ROOM: Final = 1_024
"""Elements that a list, dict or set of a state has room for."""
_UNFOLDED: Final = 8
"""Elements up to which a list that keeps growing is kept element by element."""


def shape_of_deep(deep: Deep) -> Shape | None:
    """Give the shape in columns of what a state keeps, or None where it has none."""
    match deep:
        case DeepConst(value=value):
            return recorded(Same(value))
        case DeepNum(ty=ty, weak=weak, low=low, high=high, enum=enum):
            return ShapeNum(ty, weak, low, high, enum)
        case DeepText():
            return ShapeText(LASTING, False)
        case DeepArr(shape=dims, ty=ty):
            return recorded(ShapeArr(dims, ty))
        case DeepTup(items=items, names=names, cls=cls):
            parts = [shape_of_deep(item) for item in items]
            if any(part is None for part in parts):
                return None
            return ShapeTup(tuple(part for part in parts if part is not None), names, cls)
        case DeepUnion(variants=variants):
            joined: Shape | None = shape_of_deep(variants[0])
            for variant in variants[1:]:
                joined = join_records(joined, shape_of_deep(variant))
            return joined
    return None


def key_of_deep(deep: Deep) -> Any:
    """Say which variant of a union a shape is; equal keys share one variant."""
    match deep:
        case DeepConst(value=Num() as value):
            return key_of_deep(general_number(value))
        case DeepConst(value=value):
            return ("const", value)
        case DeepText():
            return TEXT_KEY
        case DeepNum(ty="i64", weak=weak):
            return ("num", "i64", weak)
        case DeepNum(ty=ty):
            return ("num", ty)
        case DeepArr(shape=shape, ty=ty):
            return ("arr", shape, ty)
        case DeepTup(items=items, cls=cls):
            return ("tup", len(items), cls)
        case DeepObj(cls=cls):
            return ("obj", id(cls))
        case DeepSet() | DeepGrid(values=None) | DeepTable(value=None):
            return ("set",)
        case DeepDict() | DeepGrid() | DeepTable():
            return ("dict",)
        case DeepList(kind=kind) | DeepSeq(kind=kind):
            return ("list", kind)
    return (type(deep).__name__,)


def general_number(value: Num) -> DeepNum:
    """Give the shape of numbers like this one."""
    weak = value.weak if isinstance(value.weak, bool) else None
    low, high = value.low, value.high
    return DeepNum(value.ty, weak, low, high, value.enum)


def join_deep(a: Deep, b: Deep, widen: bool) -> Deep:
    """Give the least shape of state that holds both."""
    if a == b:
        return a
    if isinstance(a, DeepConst) and isinstance(a.value, Num):
        a = general_number(a.value)
    if isinstance(b, DeepConst) and isinstance(b.value, Num):
        b = general_number(b.value)
    for side, beside in ((a, b), (b, a)):
        if isinstance(side, DeepConst) and isinstance(side.value, Lost):
            return side
        if isinstance(side, DeepText) and _is_text(beside):
            return side
    if key_of_deep(a) != key_of_deep(b) or isinstance(a, DeepUnion):
        variants: dict[Any, Deep] = {}
        for side in (a, b):
            for part in side.variants if isinstance(side, DeepUnion) else (side,):
                key = key_of_deep(part)
                old = variants.get(key)
                variants[key] = part if old is None else join_deep(old, part, widen)
        if TEXT_KEY in variants:
            variants = {k: v for k, v in variants.items() if k == TEXT_KEY or not _is_text(v)}
        found = tuple(variants.values())
        return found[0] if len(found) == 1 else DeepUnion(found)
    match a, b:
        case DeepNum(), DeepNum():
            low, high = min(a.low, b.low), max(a.high, b.high)
            if widen and a.ty not in FLOATS:
                least, most = limits_of(a.ty)
                low = a.low if low >= a.low else least
                high = a.high if high <= a.high else most
            enum = a.enum if a.enum == b.enum else ""
            return DeepNum(a.ty, a.weak if a.weak == b.weak else None, low, high, enum)
        case DeepTup(), DeepTup():
            pairs = zip(a.items, b.items, strict=True)
            return DeepTup(tuple(join_deep(x, y, widen) for x, y in pairs), a.names, a.cls)
        case ((DeepList() | DeepSeq()), (DeepList() | DeepSeq())) if (
            not isinstance(a, DeepList)
            or not isinstance(b, DeepList)
            or _keeps_growing(a, b, widen)
        ):
            return _join_sequences(a, b, widen) or DeepUnion((a, b))
        case DeepList(), DeepList():
            longer, shorter = (a, b) if len(a.items) >= len(b.items) else (b, a)
            items = [join_deep(x, y, widen) for x, y in zip(a.items, b.items, strict=False)]
            items += longer.items[len(shorter.items) :]
            fixed = a.fixed and b.fixed and len(a.items) == len(b.items)
            return DeepList(tuple(items), fixed, a.maxlen, a.kind)
        case DeepTable(), DeepTable() | DeepDict() | DeepSet():
            return _join_tables(a, b, widen) or DeepUnion((a, b))
        case ((DeepDict() | DeepSet()), DeepTable()):
            return _join_tables(b, a, widen) or DeepUnion((a, b))
        case DeepDict(), DeepDict():
            return _join_dicts(a, b, widen)
        case DeepSet(), DeepSet():
            first = {key: (k, sure) for key, k, sure in a.entries}
            second = {key: (k, sure) for key, k, sure in b.entries}
            members = []
            for key in [*first, *(key for key in second if key not in first)]:
                k = (first.get(key) or second[key])[0]
                sure = key in first and key in second and first[key][1] and second[key][1]
                members.append((key, k, sure))
            return DeepSet(tuple(members))
        case DeepGrid(), DeepGrid() | DeepSet() | DeepDict():
            return _join_grids(a, b)
        case ((DeepSet() | DeepDict()), DeepGrid()):
            return _join_grids(b, a)
        case DeepObj(), DeepObj():
            mine, other = dict(a.attributes), dict(b.attributes)
            missing = DeepConst(UNBOUND)
            names = [*mine, *(name for name in other if name not in mine)]
            return DeepObj(
                a.cls,
                tuple(
                    (n, join_deep(mine.get(n, missing), other.get(n, missing), widen))
                    for n in names
                ),
            )
    return a


def _is_text(deep: Deep) -> bool:
    """Whether a state is a text that can be kept as one that depends on the data."""
    return isinstance(deep, DeepText) or (
        isinstance(deep, DeepConst) and isinstance(deep.value, Str) and deep.value.text.isascii()
    )


def _keeps_growing(a: DeepList, b: DeepList, widen: bool) -> bool:
    longest = max(len(a.items), len(b.items))
    grows = len(a.items) != len(b.items) and (a.maxlen is None or a.maxlen > _UNFOLDED)
    if grows and (widen or longest > _UNFOLDED):
        return _join_sequences(a, b, widen) is not None
    return False


def _join_sequences(a: DeepList | DeepSeq, b: DeepList | DeepSeq, widen: bool) -> DeepSeq | None:
    records: list[Shape | None] = []
    for side in (a, b):
        if isinstance(side, DeepSeq):
            records.append(side.record)
        else:
            records += [shape_of_deep(item) for item in side.items]
    if not records:
        return None
    record = records[0]
    for other in records[1:]:
        record = join_records(record, other, widen)
    return None if record is None else DeepSeq(record, a.maxlen, a.kind)


def _join_tables(a: DeepTable, b: DeepTable | DeepDict | DeepSet, widen: bool) -> DeepTable | None:
    key: Shape | None = a.key
    value = a.value
    if isinstance(b, DeepTable):
        key = join_records(key, b.key, widen)
        if value is not None:
            value = join_records(value, b.value, widen)
    else:
        for entry in b.entries:
            key = join_records(key, recorded(Same(entry[1])), widen)
            if len(entry) == 4:
                value = join_records(value, shape_of_deep(entry[3]), widen)
    if key is None or (value is None) is not (a.value is None):
        return None
    return DeepTable(key, value, a.kind, a.factory)


def _join_grids(a: DeepGrid, b: DeepGrid | DeepSet | DeepDict) -> Deep:
    bounds = a.bounds
    if isinstance(b, DeepGrid):
        if a.plain is not b.plain or len(a.bounds) != len(b.bounds) or a.values != b.values:
            return DeepUnion((a, b))
        return DeepGrid(join_bounds(bounds, b.bounds), a.plain, a.values)
    for entry in b.entries:
        key = entry[1]
        parts = key.items if isinstance(key, Tup) else (key,)
        ranges = tuple((p.low, p.high) for p in parts if isinstance(p, Num))
        if isinstance(key, Tup) is a.plain or len(ranges) != len(bounds):
            return DeepUnion((a, b))
        bounds = join_bounds(bounds, ranges)
    return DeepGrid(bounds, a.plain, a.values)


def _join_dicts(a: DeepDict, b: DeepDict, widen: bool) -> Deep:
    first = {key: (k, sure, v) for key, k, sure, v in a.entries}
    second = {key: (k, sure, v) for key, k, sure, v in b.entries}
    entries: list[tuple[Any, Value, bool, Deep]] = []
    common_a = [key for key in first if key in second]
    common_b = [key for key in second if key in first]
    for key in [*first, *(key for key in second if key not in first)]:
        if key in first and key in second:
            k, sure, v = first[key]
            entries.append((key, k, sure and second[key][1], join_deep(v, second[key][2], widen)))
        else:
            k, _, v = first.get(key) or second[key]
            entries.append((key, k, False, v))
    ordered = a.ordered and b.ordered and common_a == common_b
    # A key that comes later goes to the end, so order is lost only if two may come in any order.
    late = [key for key, _, sure, _ in entries if not sure]
    return DeepDict(tuple(entries), a.factory, ordered and len(late) < 2, a.kind)


def unsettled(before: Deep, now: Deep, path: str = "self") -> tuple[str, bool]:
    """Name an attribute whose shape differs, and say whether it is a list that has grown."""
    if isinstance(before, DeepObj) and isinstance(now, DeepObj):
        old = dict(before.attributes)
        for name, item in now.attributes:
            if name not in old or old[name] != item:
                return unsettled(old.get(name, item), item, f"{path}.{name}")
    grown = isinstance(before, DeepList) and isinstance(now, DeepList)
    return path, grown and len(before.items) < len(now.items)  # type: ignore[union-attr]


def works_in_place(deep: Deep) -> bool:
    """Whether a row works on a part of the state where it is kept, if it can."""
    match deep:
        case DeepGrid():
            return True
        case DeepArr():
            return deep.size > EXPLODE
        case DeepTup(items=items) | DeepList(items=items) | DeepUnion(variants=items):
            return any(map(works_in_place, items))
        case DeepDict(entries=entries):
            return any(works_in_place(entry[3]) for entry in entries)
        case DeepObj(attributes=attributes):
            return any(works_in_place(item) for _, item in attributes)
    return False


def keeps_text(deep: Deep) -> bool:
    """Whether a part of a state is a text that depends on the data."""
    match deep:
        case DeepText():
            return True
        case DeepSeq(record=record):
            return has_text(record)
        case DeepTable(key=key, value=value):
            return has_text(key) or (value is not None and has_text(value))
        case DeepTup(items=items) | DeepList(items=items) | DeepUnion(variants=items):
            return any(map(keeps_text, items))
        case DeepDict(entries=entries):
            return any(keeps_text(entry[3]) for entry in entries)
        case DeepObj(attributes=attributes):
            return any(keeps_text(item) for _, item in attributes)
    return False


class _NoRecipeError(Exception):
    """A state has a part that no instance can be made of."""


def recipe_of(deep: Deep, path: str = "self") -> Recipe | None:
    """Say how an instance is made of a state, or None where it has a part that cannot be made."""
    try:
        return _recipe(deep, path)
    except _NoRecipeError:
        return None


def _recipe(deep: Deep, path: str) -> Recipe:
    match deep:
        case DeepConst(value=value):
            return _constant(value)
        case DeepNum(weak=weak, enum=enum):
            kept = ("number", _place(path), _place(f"{path}#weak") if weak is None else weak)
            return ("valued", enum, kept) if enum else kept
        case DeepText():
            return ("text", _place(path), _place(f"{path}#len"))
        case DeepArr(shape=shape):
            return ("array", _place(path), shape)
        case DeepTup(items=items, names=names, cls=cls):
            if names == ("value", "name"):
                # The name says which member of an enum it is.
                return ("pick", cls, _recipe(items[1], f"{path}.1"))
            parts = tuple(_recipe(item, f"{path}.{k}") for k, item in enumerate(items))
            return ("tuple", cls, parts)
        case DeepUnion(variants=variants):
            made = tuple(_recipe(item, f"{path}|{k}") for k, item in enumerate(variants))
            return ("union", _place(f"{path}#tag"), made)
        case DeepList(items=items, fixed=fixed, maxlen=maxlen, kind=kind):
            parts = tuple(_recipe(item, f"{path}.{k}") for k, item in enumerate(items))
            return ("list", kind, maxlen, None if fixed else _place(f"{path}#len"), parts)
        case DeepDict(entries=entries, factory=factory, ordered=ordered, kind=kind):
            if not ordered and len(entries) > 1:
                raise _NoRecipeError
            made_of = tuple(
                (
                    _constant(k),
                    True if sure else _place(f"{path}.{n}#has"),
                    _recipe(item, f"{path}.{n}"),
                )
                for n, (_, k, sure, item) in enumerate(entries)
            )
            return ("dict", kind, None if factory is None else _constant(factory), made_of)
        case DeepSet(entries=members):
            inside = tuple(
                (_constant(k), True if sure else _place(f"{path}.{n}#has"))
                for n, (_, k, sure) in enumerate(members)
            )
            return ("set", inside)
        case DeepGrid(bounds=bounds, plain=plain, values=values):
            held = None if values is None else (_place(f"{path}#values"), values[1])
            return ("grid", bounds, plain, _place(path), held)
        case DeepSeq(record=record, maxlen=maxlen, kind=kind):
            columns = iter(_place(f"{path}#{n}") for n in range(len(columns_of(record))))
            return ("records", kind, maxlen, _place(f"{path}#len"), _record(record, columns))
        case DeepTable(key=key, value=value, kind=kind, factory=factory):
            parts_of = []
            for n, shape in enumerate((key, *(() if value is None else (value,)))):
                places = iter(_place(f"{path}#{n}#{k}") for k in range(len(columns_of(shape))))
                parts_of.append(_record(shape, places))
            made_by = None if factory is None else _constant(factory)
            pair = (parts_of[0], parts_of[1] if len(parts_of) > 1 else None)
            return ("table", kind, made_by, _place(f"{path}#len"), pair)
    return (
        "object",
        deep.cls.name,
        tuple((name, _recipe(item, f"{path}.{name}")) for name, item in deep.attributes),
    )


def _place(path: str) -> str:
    return f"state:{path}"


def _record(shape: Shape, columns: Iterator[str]) -> Recipe:
    match shape:
        case ShapeNum(weak=weak, enum=enum):
            place = next(columns)
            kept = ("number", place, next(columns) if weak is None else weak)
            return ("valued", enum, kept) if enum else kept
        case ShapeRecord(keys=keys, items=items, cls=kind):
            parts = tuple(_record(item, columns) for item in items)
            if kind:
                return ("object", kind, tuple(zip(keys, parts, strict=True)))
            return ("record", keys, parts)
        case ShapeText():
            return ("text", next(columns), next(columns))
        case ShapeArr(shape=dims):
            return ("array", next(columns), dims)
        case ShapeTup(items=items, cls=cls, names=names):
            if names == ("value", "name"):
                parts = tuple(_record(item, columns) for item in items)
                return ("pick", cls, parts[1])
            return ("tuple", cls, tuple(_record(item, columns) for item in items))
        case ShapeUnion(variants=variants):
            tag = next(columns)
            return ("union", tag, tuple(_record(item, columns) for item in variants))
        case ShapeInner(record=record):
            return ("lists", next(columns), INNER, _record(record, columns))
        case Same(value=value):
            return _constant(value)
    raise _NoRecipeError


def _constant(value: Any) -> Recipe:
    match value:
        case Num(weak=True) if value.const is not None:
            return (
                ("valued", value.enum, ("const", value.const))
                if value.enum
                else ("const", value.const)
            )
        case Num(weak=False) if value.const is not None:
            return ("numpy", dtype_of(value.ty).name, value.const)
        case Str(text=text):
            return ("const", text)
        case Lost(why=why) if why == MADE_TEXT:
            # A kernel is only made where nothing reads it.
            return ("const", "")
        case NoneV():
            return ("const", None)
        case Unbound():
            return ("absent",)
        case Dty(name="int" | "float" | "bool" as name, weak=True):
            return ("type", name)
        case Builtin(name="list" | "dict" | "set" as name):
            return ("type", name)
        case Func(node=ast.FunctionDef(name=name), frame=frame) if frame.parent is None:
            return ("named", name)
        case Cls(name=name):
            return ("named", name)
        case Tup(items=items, names=("value", "name"), cls=cls) if isinstance(items[1], Str):
            return ("member", cls, items[1].text)
        case Tup(items=items, cls=cls):
            return ("tuple", cls, tuple(map(_constant, items)))
    raise _NoRecipeError
