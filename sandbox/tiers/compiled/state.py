"""What an episode keeps in ``self``: its shape, its memory, and moving it between the two.

The shape of a state is found by lowering ``reset`` and then ``step`` until what they leave behind
fits what they find. What never changes costs nothing; every other number has one element of state
memory a row, small arrays one per element, and large arrays are used in place.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Region, Store, Ty, limits_of
from sandbox.tiers.compiled.grids import join_bounds
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.merging import indices
from sandbox.tiers.compiled.points import EXPLODE, Refused, i64
from sandbox.tiers.compiled.values import (
    NONE,
    UNBOUND,
    Arr,
    Bounds,
    Buffer,
    Cells,
    Cls,
    DictCell,
    GridCell,
    ListCell,
    Num,
    ObjCell,
    Ref,
    SetCell,
    Str,
    Tup,
    Union,
    Value,
)

__all__ = ["GROWING", "Deep", "Keeper", "join_deep", "unsettled"]

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


@dataclass(frozen=True, slots=True)
class DeepArr:
    """An array."""

    shape: tuple[int, ...]
    ty: Ty


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
class DeepObj:
    """An object."""

    cls: Cls
    attributes: tuple[tuple[str, Deep], ...]


Deep: TypeAlias = (
    DeepConst
    | DeepNum
    | DeepArr
    | DeepTup
    | DeepUnion
    | DeepList
    | DeepDict
    | DeepSet
    | DeepGrid
    | DeepObj
)


def _key(deep: Deep) -> Any:
    match deep:
        case DeepConst(value=Num() as value):
            return _key(_general(value))
        case DeepConst(value=value):
            return ("const", value)
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
        case DeepSet() | DeepGrid(values=None):
            return ("set",)
        case DeepDict() | DeepGrid():
            return ("dict",)
    return (type(deep).__name__,)


def _general(value: Num) -> DeepNum:
    weak = value.weak if isinstance(value.weak, bool) else None
    low, high = value.low, value.high
    return DeepNum(value.ty, weak, low, high)


def join_deep(a: Deep, b: Deep, widen: bool) -> Deep:
    """Give the least shape of state that holds both."""
    if a == b:
        return a
    if isinstance(a, DeepConst) and isinstance(a.value, Num):
        a = _general(a.value)
    if isinstance(b, DeepConst) and isinstance(b.value, Num):
        b = _general(b.value)
    if _key(a) != _key(b) or isinstance(a, DeepUnion):
        variants: dict[Any, Deep] = {}
        for side in (a, b):
            for part in side.variants if isinstance(side, DeepUnion) else (side,):
                key = _key(part)
                old = variants.get(key)
                variants[key] = part if old is None else join_deep(old, part, widen)
        return DeepUnion(tuple(variants.values()))
    match a, b:
        case DeepNum(), DeepNum():
            low, high = min(a.low, b.low), max(a.high, b.high)
            if widen and a.ty not in FLOATS:
                least, most = limits_of(a.ty)
                low = a.low if low >= a.low else least
                high = a.high if high <= a.high else most
            return DeepNum(a.ty, a.weak if a.weak == b.weak else None, low, high)
        case DeepTup(), DeepTup():
            pairs = zip(a.items, b.items, strict=True)
            return DeepTup(tuple(join_deep(x, y, widen) for x, y in pairs), a.names, a.cls)
        case DeepList(), DeepList():
            longer, shorter = (a, b) if len(a.items) >= len(b.items) else (b, a)
            items = [join_deep(x, y, widen) for x, y in zip(a.items, b.items, strict=False)]
            items += longer.items[len(shorter.items) :]
            fixed = a.fixed and b.fixed and len(a.items) == len(b.items)
            return DeepList(tuple(items), fixed, a.maxlen, a.kind)
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


class Keeper(Library):
    """Moves a state between memory and values."""

    kept_as = "self"
    """What is being looked at, such as ``self.before``."""

    def deep_of(self, value: Value, seen: set[int]) -> Deep:
        """Give the shape of a state as it is on the current path."""
        match value:
            case Num():
                return (
                    DeepConst(value)
                    if isinstance(value.atom, Lit) and isinstance(value.weak, bool)
                    else _general(value)
                )
            case Arr():
                return DeepArr(value.shape, value.ty)
            case Tup(items=items, names=names, cls=cls):
                return DeepTup(tuple(self.deep_of(item, seen) for item in items), names, cls)
            case Union(variants=variants):
                result: Deep | None = None
                for k in self.possible(value):
                    part = self.deep_of(variants[k], set(seen))
                    result = part if result is None else join_deep(result, part, False)
                assert result is not None
                return result
            case Ref():
                if value.cell in seen:
                    raise self.refuse_kept(
                        "CMP701", "keeps a container that is kept elsewhere in `self`", self.kept_as
                    )
                seen.add(value.cell)
                return self._deep_cell(value, seen)
        if value in (NONE, UNBOUND) or isinstance(value, Str | Cls) or type(value).__name__ in (
            "Func", "Builtin", "Dty", "Mod", "Bound",
        ):  # fmt: skip
            return DeepConst(value)
        raise self.refuse_kept("CMP702", f"keeps {self.described(value)}", self.kept_as)

    def _deep_cell(self, value: Ref, seen: set[int]) -> Deep:
        content = self.pt.heap[value.cell]
        match content:
            case ListCell(items=items, length=length, maxlen=maxlen, kind=kind):
                if len(items) > 64:
                    raise self.refuse_kept("CMP703", GROWING, self.kept_as)
                parts = tuple(self.deep_of(item, seen) for item in items)
                return DeepList(parts, length is None, maxlen, kind)
            case DictCell(entries=entries, factory=factory, ordered=ordered, kind=kind):
                made = tuple(
                    (key, k, isinstance(present, Lit) and bool(present.value),
                     self.deep_of(item, seen))
                    for key, k, present, item in entries
                )  # fmt: skip
                return DeepDict(made, factory, ordered, kind)
            case SetCell(entries=members):
                return DeepSet(
                    tuple(
                        (key, k, isinstance(present, Lit) and bool(present.value))
                        for key, k, present in members
                    )
                )
            case GridCell(bounds=bounds, plain=plain, values=values):
                return DeepGrid(bounds, plain, None if values is None else values[1:])
            case ObjCell(cls=cls, attributes=attributes):
                return DeepObj(cls, self._deep_attributes(attributes, seen))
        raise AssertionError(content)

    def _deep_attributes(
        self, attributes: tuple[tuple[str, Value], ...], seen: set[int]
    ) -> tuple[tuple[str, Deep], ...]:
        outer = self.kept_as
        found = []
        try:
            for name, value in attributes:
                self.kept_as = f"{outer}.{name}"
                found.append((name, self.deep_of(value, seen)))
        finally:
            self.kept_as = outer
        return tuple(found)

    def refuse_kept(self, code: str, message: str, path: str) -> Refused:
        """Refuse what an attribute of ``self`` keeps, at its last assignment in the program."""
        return self.refuse(
            code, f"`{path}` {message}", self.assignment_of(path.rsplit(".", maxsplit=1)[-1])
        )

    def assignment_of(self, attribute: str) -> ast.AST | None:
        """Find where the program assigns an attribute of this name last."""
        raise NotImplementedError

    def _changes(self, path: str) -> Refused:
        attribute = re.split(r"[|#]|\.\d", path)[0]
        return self.refuse_kept("CMP704", "changes its type in a way not followed", attribute)

    def slot(self, path: str, ty: Ty, size: int = 1) -> str:
        """Declare a place in the state's memory."""
        return self.region(Region(f"state:{path}", ty, size, "state"))

    # -- memory to values

    def load_state(self, deep: Deep, path: str) -> Value:
        """Read a state."""
        match deep:
            case DeepConst(value=value):
                return value  # type: ignore[no-any-return]
            case DeepNum(ty=ty, weak=weak, low=low, high=high):
                atom = self.load(self.slot(path, ty), i64(0))
                known: bool | Atom = (
                    self.load(self.slot(f"{path}#weak", "b1"), i64(0)) if weak is None else weak
                )
                return Num(atom, known, low, high)
            case DeepArr(shape=shape, ty=ty):
                array = Arr(self.number(), shape, ty)
                region = self.slot(path, ty, array.size)
                if array.size <= EXPLODE:
                    atoms = tuple(self.load(region, i64(k)) for k in range(array.size))
                    self.pt.heap[array.cell] = Cells(atoms)
                else:
                    self.pt.heap[array.cell] = Buffer(region, self.number())
                return array
            case DeepTup(items=items, names=names, cls=cls):
                parts = [self.load_state(item, f"{path}.{k}") for k, item in enumerate(items)]
                return Tup(tuple(parts), names, cls)
            case DeepUnion(variants=variants):
                tag = self.load(self.slot(f"{path}#tag", "i64"), i64(0))
                found = [self.load_state(item, f"{path}|{k}") for k, item in enumerate(variants)]
                return Union(tag, tuple(found))
        cell = Ref(self.number())
        match deep:
            case DeepList(items=items, fixed=fixed, maxlen=maxlen, kind=kind):
                parts = [self.load_state(item, f"{path}.{k}") for k, item in enumerate(items)]
                length = None
                if not fixed:
                    atom = self.load(self.slot(f"{path}#len", "i64"), i64(0))
                    length = Num(atom, True, 0, len(items))
                self.pt.heap[cell.cell] = ListCell(tuple(parts), length, maxlen, kind)
            case DeepDict(entries=entries, factory=factory, ordered=ordered, kind=kind):
                made = []
                for n, (key, k, sure, item) in enumerate(entries):
                    present: Atom = Lit(True, "b1")
                    if not sure:
                        present = self.load(self.slot(f"{path}.{n}#has", "b1"), i64(0))
                    made.append((key, k, present, self.load_state(item, f"{path}.{n}")))
                self.pt.heap[cell.cell] = DictCell(tuple(made), factory, ordered, kind)
            case DeepSet(entries=members):
                inside = []
                for n, (key, k, sure) in enumerate(members):
                    is_in: Atom = Lit(True, "b1")
                    if not sure:
                        is_in = self.load(self.slot(f"{path}.{n}#has", "b1"), i64(0))
                    inside.append((key, k, is_in))
                self.pt.heap[cell.cell] = SetCell(tuple(inside))
            case DeepGrid(bounds=bounds, plain=plain, values=held):
                self.pt.heap[cell.cell] = self._grid_slot(bounds, plain, held, path)
            case DeepObj(cls=owner, attributes=attributes):
                values = tuple((n, self.load_state(v, f"{path}.{n}")) for n, v in attributes)
                self.pt.heap[cell.cell] = ObjCell(owner, values)
        return cell

    def _grid_slot(
        self, bounds: Bounds, plain: bool, values: tuple[Ty, bool] | None, path: str
    ) -> GridCell:
        """Give the grid that uses the state's memory in place."""
        size = self.grid_size(bounds)
        held = None
        if values is not None:
            held = (self.slot(f"{path}#values", values[0], size), *values)
        return GridCell(bounds, plain, self.slot(path, "b1", size), held, self.number())

    # -- values to memory

    def store_state(self, deep: Deep, path: str, value: Value) -> None:
        """Write a state; what is already there is not written again."""
        writes: list[tuple[str, Atom, Atom]] = []
        copies: list[tuple[str, Arr]] = []
        self._plan_store(deep, path, value, writes, copies)
        # Large arrays may be swapped: read all of them before the first is overwritten.
        ready = [
            (region, self.materialise(array) if self.deps(array) else array)
            for region, array in copies
        ]
        for region, array in ready:

            def put(position: Atom, region: str = region, array: Arr = array) -> None:
                self.emit(Store(region, position, self.get_flat(array, position)))

            self.count(i64(array.size), put)
        for region, index, atom in writes:
            self.emit(Store(region, index, atom))

    def _plan_store(
        self,
        deep: Deep,
        path: str,
        value: Value,
        writes: list[tuple[str, Atom, Atom]],
        copies: list[tuple[str, Arr]],
    ) -> None:
        match deep, value:
            case DeepConst(), _:
                return
            case DeepUnion(variants=variants), _:
                self._plan_union(variants, path, value, writes, copies)
            case DeepNum(ty=ty, weak=weak), Num():
                writes.append((self.slot(path, ty), i64(0), value.atom))
                if weak is None:
                    writes.append((self.slot(f"{path}#weak", "b1"), i64(0), self.weakness(value)))
            case DeepArr(shape=shape, ty=ty), Arr():
                region = self.slot(path, ty, value.size)
                content = self.pt.heap[value.cell]
                if value.size <= EXPLODE:
                    for k, index in enumerate(indices(shape)):
                        atom = self.get(value, tuple(i64(i) for i in index))
                        writes.append((region, i64(k), atom))
                elif not (
                    isinstance(content, Buffer) and content.region == region and value.view is None
                ):
                    copies.append((region, value))
            case DeepTup(items=items), Tup(items=values):
                for k, (item, v) in enumerate(zip(items, values, strict=True)):
                    self._plan_store(item, f"{path}.{k}", v, writes, copies)
            case _, Ref():
                self._plan_cell(deep, path, value, writes, copies)
            case _, Union(variants=variants):
                possible = self.possible(value)
                if len(possible) == 1:
                    self._plan_store(deep, path, variants[possible[0]], writes, copies)
                    return
                raise self._changes(path)
            case _:
                raise self._changes(path)

    def _plan_union(
        self,
        variants: tuple[Deep, ...],
        path: str,
        value: Value,
        writes: list[tuple[str, Atom, Atom]],
        copies: list[tuple[str, Arr]],
    ) -> None:
        keys = [_key(item) for item in variants]
        tag_slot = self.slot(f"{path}#tag", "i64")

        def place(item: Value) -> int:
            key = _key(self.deep_of(item, set()))
            if key not in keys:
                raise self._changes(path)
            return keys.index(key)

        if not isinstance(value, Union):
            k = place(value)
            writes.append((tag_slot, i64(0), i64(k)))
            self._plan_store(variants[k], f"{path}|{k}", value, writes, copies)
            return
        possible = self.possible(value)
        places = {k: place(value.variants[k]) for k in possible}
        tag: Atom = i64(places[possible[-1]])
        for k in possible[:-1]:
            here = self.op("eq", "b1", value.tag, i64(k))
            tag = self.op("select", "i64", here, i64(places[k]), tag)
        for k in possible:
            # What a variant holds while it is not the one is never read.
            self._plan_store(
                variants[places[k]], f"{path}|{places[k]}", value.variants[k], writes, copies
            )
        writes.append((tag_slot, i64(0), tag))

    def _plan_cell(
        self,
        deep: Deep,
        path: str,
        value: Ref,
        writes: list[tuple[str, Atom, Atom]],
        copies: list[tuple[str, Arr]],
    ) -> None:
        content = self.pt.heap[value.cell]
        match deep, content:
            case DeepList(items=items, fixed=fixed), ListCell():
                for k, (item, v) in enumerate(zip(items, content.items, strict=False)):
                    self._plan_store(item, f"{path}.{k}", v, writes, copies)
                if not fixed:
                    length = i64(len(content.items))
                    atom = length if content.length is None else content.length.atom
                    writes.append((self.slot(f"{path}#len", "i64"), i64(0), atom))
            case DeepDict(entries=entries), DictCell():
                have = {key: (present, item) for key, _, present, item in content.entries}
                for n, (key, _, sure, item) in enumerate(entries):
                    present, found = have.get(key, (Lit(False, "b1"), None))
                    if not sure:
                        writes.append((self.slot(f"{path}.{n}#has", "b1"), i64(0), present))
                    if found is not None:
                        self._plan_store(item, f"{path}.{n}", found, writes, copies)
            case DeepSet(entries=members), SetCell():
                inside = {key: present for key, _, present in content.entries}
                for n, (key, _, sure) in enumerate(members):
                    if not sure:
                        is_in = inside.get(key, Lit(False, "b1"))
                        writes.append((self.slot(f"{path}.{n}#has", "b1"), i64(0), is_in))
            case DeepGrid(bounds=bounds, plain=plain, values=kind), _:
                head = self._grid_slot(bounds, plain, kind, path)
                if isinstance(content, GridCell) and content.region == head.region:
                    return
                if isinstance(content, GridCell) and content.region.startswith("state:"):
                    raise self.refuse_kept(
                        "CMP707", "gets the set or dict of another attribute", path
                    )
                self.fill_grid(head, content)
            case DeepObj(attributes=attributes), ObjCell():
                values = dict(content.attributes)
                for name, item in attributes:
                    self._plan_store(
                        item, f"{path}.{name}", values.get(name, UNBOUND), writes, copies
                    )
            case _:
                raise self._changes(path)
