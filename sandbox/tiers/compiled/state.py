"""What an episode keeps in ``self``: its shape, its memory, and moving it between the two.

The shape of a state is found by lowering ``reset`` and then ``step`` until what they leave behind
fits what they find. What never changes costs nothing; every other number has one element of state
memory a row, small arrays one per element, and large arrays are used in place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from sandbox.tiers.compiled.core import Atom, Lit, Region, Store, Ty
from sandbox.tiers.compiled.deep import (
    GROWING,
    TEXT_KEY,
    Deep,
    DeepArr,
    DeepConst,
    DeepDict,
    DeepGrid,
    DeepList,
    DeepNum,
    DeepObj,
    DeepSeq,
    DeepSet,
    DeepTable,
    DeepText,
    DeepTup,
    DeepUnion,
    general_number,
    join_deep,
    key_of_deep,
)
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.merging import indices
from sandbox.tiers.compiled.points import EXPLODE, Refused, i64
from sandbox.tiers.compiled.shapes import (
    EMPTY,
    LASTING,
    Shape,
    ShapeText,
    columns_of,
    lasting_shape,
    layout_of,
    passes_away,
)
from sandbox.tiers.compiled.tables import TABLE
from sandbox.tiers.compiled.values import (
    MADE_TEXT,
    NONE,
    UNBOUND,
    Arr,
    Bounds,
    Buffer,
    Cell,
    Cells,
    Cls,
    DictCell,
    GridCell,
    ListCell,
    Lost,
    Num,
    ObjCell,
    Ref,
    SeqCell,
    SetCell,
    Str,
    TableCell,
    Text,
    Tup,
    Union,
    Value,
    boolean,
    integer,
)

__all__ = ["Keeper"]


class Keeper(Library):
    """Moves a state between memory and values."""

    loaded: dict[str, SeqCell | TableCell]
    """What was read of the state, by path: what is still the same is not written again."""
    kept_as = "self"
    """What is being looked at, such as ``self.before``."""

    def deep_of(self, value: Value, seen: set[int]) -> Deep:
        """Give the shape of a state as it is on the current path."""
        match value:
            case Num():
                return (
                    DeepConst(value)
                    if isinstance(value.atom, Lit) and isinstance(value.weak, bool)
                    else general_number(value)
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
        if isinstance(value, Text):
            return DeepText()
        if isinstance(value, Lost) and value.why == MADE_TEXT:
            return DeepConst(value)
        if value in (NONE, UNBOUND) or isinstance(value, Str | Cls) or type(value).__name__ in (
            "Func", "Builtin", "Dty", "Mod", "Bound",
        ):  # fmt: skip
            return DeepConst(value)
        raise self.refuse_kept("CMP702", f"keeps {self.described(value)}", self.kept_as)

    def _deep_cell(self, value: Ref, seen: set[int]) -> Deep:
        content = self.pt.heap.get(value.cell)
        if content is None:
            raise self.refuse_kept("CMP704", "holds one of several objects by path", self.kept_as)
        shapes = (getattr(content, name, None) for name in ("record", "key", "value"))
        if any(shape and passes_away(lasting_shape(shape)) for shape in shapes):
            # It says where in the observation of this step the text is; the next one has another.
            raise self.refuse_kept("CMP702", "keeps a text of an observation", self.kept_as)
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
            case SeqCell(record=record, maxlen=maxlen, kind=kind):
                return DeepSeq(lasting_shape(record), maxlen, kind)
            case TableCell(key=key, value=held, kind=kind, factory=factory):
                kept = None if held is None else lasting_shape(held)
                return DeepTable(lasting_shape(key), kept, kind, factory)
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

    moving: Literal["state", "kept"] = "state"
    """The kind of memory that values are moved to and from."""

    def slot(self, path: str, ty: Ty, size: int = 1) -> str:
        """Declare a place in the state's memory."""
        return self.region(Region(f"{self.moving}:{path}", ty, size, self.moving))

    # -- memory to values

    def load_state(self, deep: Deep, path: str) -> Value:
        """Read a state."""
        match deep:
            case DeepConst(value=value):
                return value  # type: ignore[no-any-return]
            case DeepNum(ty=ty, weak=weak, low=low, high=high, enum=enum):
                atom = self.load(self.slot(path, ty), i64(0))
                known: bool | Atom = (
                    self.load(self.slot(f"{path}#weak", "b1"), i64(0)) if weak is None else weak
                )
                return Num(atom, known, low, high, enum=enum)
            case DeepArr(shape=shape, ty=ty):
                array = Arr(self.number(), shape, ty)
                region = self.slot(path, ty, array.size)
                if array.size <= EXPLODE:
                    atoms = tuple(self.load(region, i64(k)) for k in range(array.size))
                    self.pt.heap[array.cell] = Cells(atoms)
                else:
                    self.pt.heap[array.cell] = Buffer(
                        self._private(region, ty, array.size), self.number()
                    )
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
                grid = self._grid_slot(bounds, plain, held, path)
                size = self.grid_size(bounds)
                values = grid.values
                if values is not None:
                    values = (self._private(values[0], values[1], size), *values[1:])
                self.pt.heap[cell.cell] = GridCell(
                    bounds, plain, self._private(grid.region, "b1", size), values, self.number()
                )
            case DeepSeq():
                self.pt.heap[cell.cell] = self._load_sequence(deep, path)
            case DeepTable():
                self.pt.heap[cell.cell] = self._load_table(deep, path)
            case DeepObj(cls=owner, attributes=attributes):
                made_of = tuple((n, self.load_state(v, f"{path}.{n}")) for n, v in attributes)
                self.pt.heap[cell.cell] = ObjCell(owner, made_of)
        return cell

    copying = False
    """Whether large arrays and grids of the state are copied before a row works on them."""

    def _private(self, region: str, ty: Ty, size: int) -> str:
        """Give the memory a row works on: what it leaves half done must not be seen."""
        if not self.copying:
            return region
        own = self.scratch(ty, size)
        self.count(i64(size), lambda k: self.emit(Store(own, k, self.load(region, k))))
        return own

    def _columns_of_state(self, path: str, shape: Shape, room: int) -> tuple[str, ...]:
        return tuple(
            self.slot(f"{path}#{n}", ty, width * room)
            for n, (ty, width) in enumerate(columns_of(shape))
        )

    def _load_sequence(self, deep: DeepSeq, path: str) -> SeqCell:
        """Copy a list to where the row works on it."""
        kept = self._columns_of_state(path, deep.record, deep.room)
        seq = self.sequence(deep.record, deep.kind, deep.maxlen)
        length = self.load(self.slot(f"{path}#len", "i64"), i64(0))
        self.load_entries(deep.record, kept, seq.regions, length)
        made = replace(seq, length=integer(length, 0, deep.room))
        self.note_loaded(path, made)
        return made

    def load_entries(
        self, shape: Shape, kept: tuple[str, ...], own: tuple[str, ...], count: Atom
    ) -> None:
        """Copy the first entries from columns of the state to those that the row works on."""
        self.count(count, lambda k: self.copy_entry(shape, kept, k, own, k))

    def note_loaded(self, path: str, made: SeqCell | TableCell) -> None:
        """Note what the state holds, which is not written back as long as it is the same."""
        self.loaded[path] = made

    def _load_table(self, deep: DeepTable, path: str) -> TableCell:
        """Copy the entries of a dict or set, and enter them into an index."""
        shapes = (deep.key, *(() if deep.value is None else (deep.value,)))
        kept = [
            self._columns_of_state(f"{path}#{n}", shape, TABLE) for n, shape in enumerate(shapes)
        ]
        table = self.empty_table(deep.key, deep.value, deep.kind, deep.factory)
        length = self.load(self.slot(f"{path}#len", "i64"), i64(0))
        regions = table.regions[2:]
        for shape, columns in zip(shapes, kept, strict=True):
            own, regions = regions[: len(columns)], regions[len(columns) :]
            self.load_entries(shape, columns, own, length)
        made = replace(table, used=length, length=integer(length, 0, TABLE))
        self.enter_all(made, length)
        self.note_loaded(path, made)
        return made

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
        self.moves: list[Callable[[], None]] = []
        self._plan_store(deep, path, value, writes, copies)
        for move in self.moves:
            move()
        self.after_moves(deep)
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

    def after_moves(self, deep: Deep) -> None:
        """Write what lists and dicts of the state refer to."""

    def made_to_keep(self, deep: DeepSeq | DeepTable, content: Cell) -> Cell:
        """Give a list or dict of which every entry can be copied to the state."""
        del deep
        return content

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
            case DeepText(), Text() | Str():
                text = self.write_text(ShapeText(LASTING, False), value)
                writes.append((self.slot(path, "i64"), i64(0), text.start))
                writes.append((self.slot(f"{path}#len", "i64"), i64(0), text.length))
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
                if isinstance(deep, DeepSeq) and all(
                    isinstance(variants[k], Ref)
                    and isinstance(self.pt.heap[variants[k].cell], ListCell | SeqCell)  # type: ignore[union-attr]
                    for k in possible
                ):
                    self._store_sequence(deep, path, self._one_list(deep, value))
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
        keys = [key_of_deep(item) for item in variants]
        tag_slot = self.slot(f"{path}#tag", "i64")

        def place(item: Value) -> int:
            key = key_of_deep(self.deep_of(item, set()))
            if key not in keys and isinstance(item, Str) and TEXT_KEY in keys:
                key = TEXT_KEY
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
            case DeepSeq(), SeqCell() | ListCell():
                self._store_sequence(deep, path, value)
            case DeepTable(), TableCell() | DictCell() | SetCell():
                self._store_table(deep, path, value)
            case DeepGrid(bounds=bounds, plain=plain, values=kind), _:
                head = self._grid_slot(bounds, plain, kind, path)
                if isinstance(content, GridCell) and content.region == head.region:
                    return
                if isinstance(content, GridCell) and content.region.startswith("state:"):
                    raise self.refuse_kept(
                        "CMP707", "gets the set or dict of another attribute", path
                    )
                self.moves.append(lambda: self.fill_grid(head, content))
            case DeepObj(attributes=attributes), ObjCell():
                values = dict(content.attributes)
                for name, item in attributes:
                    self._plan_store(
                        item, f"{path}.{name}", values.get(name, UNBOUND), writes, copies
                    )
            case _:
                raise self._changes(path)

    def _one_list(self, deep: DeepSeq, value: Union) -> Ref:
        """Copy what is one list or another, by path, to one place."""
        made = self.sequence(deep.record, deep.kind, deep.maxlen)
        length = self.accumulate("i64", i64(0))
        head = replace(made, length=Num(length))

        def one(variant: Value) -> Value:
            assert isinstance(variant, Ref)
            self.fill_sequence(head, self.pt.heap[variant.cell])
            return NONE

        self.spread(value, one)
        cell = Ref(self.number())
        now = integer(self.value_now(length), 0, made.room)
        self.pt.heap[cell.cell] = replace(made, length=now)
        return cell

    def _store_sequence(self, deep: DeepSeq, path: str, value: Ref) -> None:
        """Plan to write a list back to the state."""
        if self.pt.heap[value.cell] == self.loaded.get(path):
            return
        kept = self._columns_of_state(path, deep.record, deep.room)
        seq = self.made_to_keep(deep, self.in_columns(value))
        assert isinstance(seq, SeqCell)
        length, start = self.kept_now(seq.length.atom), self.kept_now(seq.start)
        if seq.length.high > deep.room:
            self.only_where(boolean(self.op("le", "b1", length, i64(deep.room))))
        alike = layout_of(seq.record) == layout_of(deep.record)
        never = seq.record == EMPTY
        if never:
            length = i64(0)

        def move() -> None:
            def one(k: Atom) -> None:
                at = self.op("add", "i64", start, k)
                if alike:
                    self.copy_entry(deep.record, seq.regions, at, kept, k)
                else:
                    item = self.read_record(seq.record, seq.regions, at)
                    self.write_record(deep.record, kept, k, item)

            if not never:
                self.count(length, one)
            self.emit(Store(self.slot(f"{path}#len", "i64"), i64(0), length))

        self.moves.append(move)

    def _store_table(self, deep: DeepTable, path: str, value: Ref) -> None:
        """Plan to write a dict or set back to the state, without gaps."""
        if self.pt.heap[value.cell] == self.loaded.get(path):
            return
        shapes = (deep.key, *(() if deep.value is None else (deep.value,)))
        kept = [
            self._columns_of_state(f"{path}#{n}", shape, TABLE) for n, shape in enumerate(shapes)
        ]
        content = self.pt.heap[value.cell]
        assert isinstance(content, TableCell | DictCell | SetCell)
        if isinstance(content, TableCell):
            found = self.made_to_keep(deep, self.compacted(value))
            assert isinstance(found, TableCell)
            table = found
            alike = layout_of(table.key) == layout_of(deep.key) and (
                deep.value is None or layout_of(table.value) == layout_of(deep.value)
            )
        else:
            table, alike = self.filled_table(deep.key, deep.value, content), True
        length = self.kept_now(table.used)

        def move() -> None:
            def one(k: Atom) -> None:
                if not alike:
                    pair = self.entry_at(table, k)
                    for shape, columns, item in zip(shapes, kept, pair, strict=False):
                        assert item is not None
                        self.write_record(shape, columns, k, item)
                    return
                regions = table.regions[2:]
                for shape, columns in zip(shapes, kept, strict=True):
                    self.copy_entry(shape, regions[: len(columns)], k, columns, k)
                    regions = regions[len(columns) :]

            self.count(length, one)
            self.emit(Store(self.slot(f"{path}#len", "i64"), i64(0), length))

        self.moves.append(move)
