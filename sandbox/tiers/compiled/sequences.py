"""Lists, deques and tuples whose length depends on the data.

Such a list lies in columns of scratch memory: an element is a record of numbers, texts, small
arrays or tuples of them, or one of several such kinds with a tag. There is room for some thousands
of elements; a row that needs more is left to the interpreted tier. Everything that CPython does to
a list costs here what it costs there: appending is constant, inserting in front moves all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandbox import cost
from sandbox.tiers.compiled.core import FLOATS, Atom, If, Let, Loop, Set, Stmt, Store, Ty, Var
from sandbox.tiers.compiled.core import Break as Leave
from sandbox.tiers.compiled.grids import Grids
from sandbox.tiers.compiled.merging import indices
from sandbox.tiers.compiled.points import FALSE, i64
from sandbox.tiers.compiled.shapes import (
    EMPTY,
    INNER,
    LONG,
    TEXT_THAT_LASTS,
    Same,
    Shape,
    ShapeArr,
    ShapeInner,
    ShapeNum,
    ShapePoints,
    ShapeRecord,
    ShapeText,
    ShapeTup,
    ShapeUnion,
    can_last,
    columns_of,
    join_records,
    layout_of,
    recorded,
    shape_of,
    variant_key,
)
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Cell,
    ListCell,
    Lost,
    NoneV,
    Num,
    Points,
    Record,
    Ref,
    SeqCell,
    SliceV,
    Str,
    Text,
    Tup,
    Union,
    Value,
    boolean,
    integer,
    number,
)

__all__ = ["Sequences"]


class Sequences(Grids):
    """Operations on `SeqCell`."""

    # -- core without guest values

    def value_now(self, var: Var) -> Atom:
        """Give what a variable holds now, which is not what it held before."""
        result = self.new(var.ty)
        self.emit(Let(result, "copy", (var,)))
        return result

    def repeat(self, body: Callable[[str], None]) -> None:
        """Run a body that changes no guest value until it leaves; it gets the label to leave to."""
        before = self.pt
        inner: list[Stmt] = []
        label = f"L{self.number()}"
        self.current = before.fork(inner)
        body(label)
        before.block.append(Loop(inner, label))
        self.current = before

    def stop_if(self, cond: Atom, label: str) -> None:
        """Leave a loop made by `repeat`."""
        self.emit(If(cond, [Leave(label)], []))

    # -- records

    def write_record(self, shape: Shape, regions: tuple[str, ...], at: Atom, value: Value) -> None:
        """Write a value that fits the shape as an entry."""
        self._write(shape, iter(regions), at, value)

    def _write(self, shape: Shape, regions: Iterator[str], at: Atom, value: Value) -> None:
        if isinstance(shape, Same) and isinstance(shape.value, Lost):
            return
        if isinstance(value, Union) and not isinstance(shape, ShapeUnion):
            if isinstance(shape, ShapeText):
                text = self.spread(value, lambda variant: self.write_text(shape, variant))
                self._write(shape, regions, at, text)
                return
            # Its kind is known here, as the shape of the record says.
            (only,) = self.possible(value)
            self._write(shape, regions, at, value.variants[only])
            return
        match shape, value:
            case ShapeNum(weak=weak), Num():
                self.emit(Store(next(regions), at, value.atom))
                if weak is None:
                    self.emit(Store(next(regions), at, self.weakness(value)))
            case ShapeText(), Text() | Str():
                text = self.write_text(shape, value)
                self.emit(Store(next(regions), at, text.start))
                self.emit(Store(next(regions), at, text.length))
            case ShapePoints(), Points() as run:
                self.emit(Store(next(regions), at, run.start))
                self.emit(Store(next(regions), at, run.length))
            case (ShapeTup(items=items), Tup() as group) | (
                ShapeRecord(items=items),
                Record() as group,
            ):
                for part, item in zip(items, group.items, strict=True):
                    self._write(part, regions, at, item)
            case ShapeArr(shape=dims), Arr():
                region = next(regions)
                base = self.op("mul", "i64", at, i64(value.size))
                for k, index in enumerate(indices(dims)):
                    place = self.op("add", "i64", base, i64(k))
                    atom = self.get(value, tuple(i64(i) for i in index))
                    self.emit(Store(region, place, atom))
            case ShapeInner(record=record), Ref():
                self._write_list(record, regions, at, value)
            case ShapeUnion(variants=variants), _:
                self._write_one_of(variants, regions, at, value)
            case _:
                assert isinstance(shape, Same), (shape, value)

    def _write_list(self, record: Shape, regions: Iterator[str], at: Atom, value: Ref) -> None:
        """Copy a list to the room that an entry of a dict has for one."""
        lengths = next(regions)
        held = tuple(next(regions) for _ in columns_of(record))
        base = self.op("mul", "i64", at, i64(INNER))
        content = self.pt.heap[value.cell]
        if isinstance(content, ListCell) and content.length is None:
            self.only_where(boolean(self.op("le", "b1", i64(len(content.items)), i64(INNER))))
            for k, item in enumerate(content.items[:INNER]):
                self.write_record(record, held, self.op("add", "i64", base, i64(k)), item)
            self.emit(Store(lengths, at, i64(len(content.items[:INNER]))))
            return
        source = self.in_columns(value)
        count, rule = self.sequence_rows(source)
        self.only_where(boolean(self.op("le", "b1", count.atom, i64(INNER))))
        if source.record != EMPTY:

            def move(k: Atom) -> None:
                self.write_record(record, held, self.op("add", "i64", base, k), rule(k))

            self.count(count.atom, move)
        self.emit(Store(lengths, at, count.atom))

    def inner_list(self, shape: ShapeInner, regions: tuple[str, ...], at: Atom) -> Ref:
        """Give a list that is the value of a dict in columns."""
        raise NotImplementedError

    def _write_one_of(
        self, variants: tuple[Shape, ...], regions: Iterator[str], at: Atom, value: Value
    ) -> None:
        tag = next(regions)
        columns = [tuple(next(regions) for _ in columns_of(part)) for part in variants]
        keys = [variant_key(part) for part in variants]

        def one(variant: Value) -> Value:
            part = recorded(shape_of(variant))
            assert part is not None
            key = variant_key(part)
            # Any text can be copied to where texts last.
            k = keys.index(key if key in keys or not can_last(part) else TEXT_THAT_LASTS)
            self.emit(Store(tag, at, i64(k)))
            self._write(variants[k], iter(columns[k]), at, variant)
            return NONE

        self.spread(value, one)

    def read_record(self, shape: Shape, regions: tuple[str, ...], at: Atom) -> Value:
        """Read an entry."""
        if shape == EMPTY:
            # There is none: this is never reached.
            self.only_where(number(False))
        return self._read(shape, iter(regions), at)

    def _read(self, shape: Shape, regions: Iterator[str], at: Atom) -> Value:
        match shape:
            case ShapeNum(weak=weak, low=low, high=high, enum=enum):
                atom = self.load(next(regions), at)
                known = self.load(next(regions), at) if weak is None else weak
                return Num(atom, known, low, high, enum=enum)
            case ShapeText(region=region, lower=lower):
                start = self.load(next(regions), at)
                return Text(region, start, self.load(next(regions), at), lower)
            case ShapeRecord(keys=keys, items=items, cls=owner):
                read = tuple(self._read(item, regions, at) for item in items)
                return Record(keys, read, owner)
            case ShapeInner():
                return self.inner_list(shape, tuple(next(regions) for _ in columns_of(shape)), at)
            case ShapePoints(tail=tail):
                start = self.load(next(regions), at)
                return Points(start, self.load(next(regions), at), tail)
            case ShapeTup(items=items, names=names, cls=cls):
                return Tup(tuple(self._read(item, regions, at) for item in items), names, cls)
            case ShapeArr(shape=dims, ty=ty):
                region = next(regions)
                size = len(list(indices(dims)))
                base = self.op("mul", "i64", at, i64(size))
                atoms = tuple(
                    self.load(region, self.op("add", "i64", base, i64(k))) for k in range(size)
                )
                return self.of_atoms(dims, ty, atoms)
            case ShapeUnion(variants=variants):
                tag = self.load(next(regions), at)
                return Union(tag, tuple(self._read(part, regions, at) for part in variants))
        assert isinstance(shape, Same)
        found: Value = shape.value
        return found

    def record_of(self, value: Value) -> Shape:
        """Give the shape in columns of a value, or refuse."""
        if isinstance(value, Union):
            possible = self.possible(value)
            if len(possible) == 1:
                return self.record_of(value.variants[possible[0]])
        found = recorded(shape_of(value))
        if found is None:
            text = f"a list or dict of unknown length that holds {self.described(value)}"
            raise self.refuse("CMP212", text)
        return found

    def copy_entry(
        self, shape: Shape, source: tuple[str, ...], at: Atom, target: tuple[str, ...], to: Atom
    ) -> None:
        """Copy an entry between columns of one layout."""
        for (_, width), old, new in zip(columns_of(shape), source, target, strict=True):
            if width == 1:
                self.emit(Store(new, to, self.load(old, at)))
                continue
            first = self.op("mul", "i64", at, i64(width))
            place = self.op("mul", "i64", to, i64(width))
            for k in range(width):
                atom = self.load(old, self.op("add", "i64", first, i64(k)))
                self.emit(Store(new, self.op("add", "i64", place, i64(k)), atom))

    # -- making and joining

    def sequence(
        self, record: Shape, kind: str = "list", maxlen: int | None = None, room: int = LONG
    ) -> SeqCell:
        """Make an empty list in columns."""
        if maxlen is not None:
            room = min(2 * maxlen + 2, room)
        regions = self.columns(record, room)
        return SeqCell(record, regions, i64(0), integer(i64(0)), room, maxlen, kind, self.number())

    def fill_sequence(self, head: SeqCell, content: Cell) -> None:
        if isinstance(content, SeqCell) and content.record == EMPTY:
            content = ListCell(())
        if isinstance(content, SeqCell):
            if head.regions == content.regions:
                self.put(head.start, content.start)
                self.assign(head.length, content.length)
                return
            count = self.kept_now(content.length.atom)
            start = self.kept_now(content.start)
            alike = layout_of(head.record) == layout_of(content.record)

            def move(k: Atom) -> None:
                at = self.op("add", "i64", start, k)
                if alike:
                    self.copy_entry(head.record, content.regions, at, head.regions, k)
                else:
                    item = self.read_record(content.record, content.regions, at)
                    self.write_record(head.record, head.regions, k, item)

            self.only_where(boolean(self.op("le", "b1", count, i64(head.room))))
            self.count_branching(count, move)
            self.put(head.start, i64(0))
            self.put(head.length.atom, count)
            return
        assert isinstance(content, ListCell)
        if len(content.items) > head.room:
            raise self.refuse("CMP312", "a list grows with the data beyond what fits")
        for k, item in enumerate(content.items):
            self.write_record(head.record, head.regions, i64(k), item)
        self.put(head.start, i64(0))
        length = content.length or integer(i64(len(content.items)))
        self.put(head.length.atom, length.atom)

    def kept_now(self, atom: Atom) -> Atom:
        """Give the value of an atom now, where it is a variable that may be set later."""
        return self.value_now(atom) if isinstance(atom, Var) else atom

    def count_branching(self, count: Atom, body: Callable[[Atom], None]) -> None:
        """Do as `count`, with a body that may branch."""

        def turn(index: Atom) -> None:
            block = self.pt.block
            body(index)
            assert self.pt.block is block

        self.count(count, turn)

    def in_columns(self, target: Ref, *items: Value) -> SeqCell:
        """Give a list in columns, made so if it is not yet, that can hold these items too."""
        content = self.pt.heap[target.cell]
        assert isinstance(content, ListCell | SeqCell)
        record: Shape | None = content.record if isinstance(content, SeqCell) else None
        held = content.items if isinstance(content, ListCell) else ()
        for item in (*held, *items):
            part = self.record_of(item)
            record = part if record is None else join_records(record, part)
            if record is None:
                raise self.refuse("CMP212", "a list of unknown length with values of many kinds")
        record = record or EMPTY
        if isinstance(content, SeqCell):
            if record == content.record:
                return content
            if layout_of(record) == layout_of(content.record):
                return self._now(target, content, record=record)
        room = content.room if isinstance(content, SeqCell) else LONG
        made = self.sequence(record, content.kind, content.maxlen, room)
        length = self.accumulate("i64", i64(0))
        head = SeqCell(
            record, made.regions, made.start, Num(length), made.room, made.maxlen, made.kind, 0
        )
        self.fill_sequence(head, content)
        high = content.length.high if content.length is not None else len(held)
        low = content.length.low if content.length is not None else len(held)
        return self._now(
            target, made, length=integer(self.value_now(length), low, min(high, made.room))
        )

    def _now(
        self,
        target: Ref,
        seq: SeqCell,
        *,
        start: Atom | None = None,
        length: Num | None = None,
        record: Shape | None = None,
    ) -> SeqCell:
        """Note a change of a list."""
        made = SeqCell(
            record or seq.record, seq.regions, start or seq.start, length or seq.length,
            seq.room, seq.maxlen, seq.kind, self.number(),
        )  # fmt: skip
        self.pt.heap[target.cell] = made
        return made

    def new_sequence(self, seq: SeqCell, length: Num | None = None) -> Ref:
        """Make a reference to a list in columns."""
        cell = Ref(self.number())
        self._now(cell, seq, length=length)
        return cell

    # -- reading

    def sequence_rows(self, seq: SeqCell) -> tuple[Num, Callable[[Atom], Value]]:
        """Give the length and a rule for the element at an index that is in range."""
        start = self.kept_now(seq.start)
        length = Num(self.kept_now(seq.length.atom), True, seq.length.low, seq.length.high)

        def rule(index: Atom) -> Value:
            return self.read_record(seq.record, seq.regions, self.op("add", "i64", start, index))

        return length, rule

    def sequence_item(self, seq: SeqCell, index: Value, text: str) -> Value:
        """Compute ``list[index]``."""
        if isinstance(index, SliceV):
            return self.sequence_slice(seq, index)
        place = self.sequence_place(seq, index, text)
        return self.read_record(seq.record, seq.regions, place)

    def sequence_place(self, seq: SeqCell, index: Value, text: str) -> Atom:
        """Give the place of an element in the columns; an index out of range raises."""
        if not isinstance(index, Num) or index.ty in FLOATS:
            self.fail("TypeError", "list indices must be integers or slices")
        atom = self.cast(index.atom, "i64")
        length = self.kept_now(seq.length.atom)
        if index.low < 0:
            negative = self.op("lt", "b1", atom, i64(0))
            from_end = self.op("add", "i64", atom, length)
            atom = self.op("select", "i64", negative, from_end, atom)
            self.check(boolean(self.op("ge", "b1", atom, i64(0))), "IndexError", text)
        self.check(boolean(self.op("lt", "b1", atom, length)), "IndexError", text)
        return self.op("add", "i64", self.kept_now(seq.start), atom)

    def sequence_slice(self, seq: SeqCell, index: SliceV) -> Value:
        """Compute ``list[a:b:c]`` as a new list."""
        step = 1
        if not isinstance(index.step, NoneV):
            if not isinstance(index.step, Num) or index.step.const is None:
                raise self.refuse(
                    "CMP506", "a slice of a list with a step that depends on the data"
                )
            step = int(index.step.const)
        if step == 0:
            self.fail("ValueError", "slice step cannot be zero")
        length = self.kept_now(seq.length.atom)
        first = self.slice_edge(index.start, length, step, True)
        last = self.slice_edge(index.stop, length, step, False)
        distance = self.op("sub", "i64", last, first)
        if step < 0:
            distance = self.op("neg", "i64", distance)
        size = abs(step)
        if size > 1:
            distance = self.op("add", "i64", distance, i64(size - 1))
            distance = self.op("floordiv", "i64", distance, i64(size))
        positive = self.op("gt", "b1", distance, i64(0))
        count = self.op("select", "i64", positive, distance, i64(0))
        most = self._most(index, seq)
        made = self.sequence(seq.record, "tuple" if seq.kind == "tuple" else "list", None, most)
        base = self.op("add", "i64", self.kept_now(seq.start), first)

        def move(k: Atom) -> None:
            at = self.op("add", "i64", base, self.op("mul", "i64", k, i64(step)))
            self.copy_entry(seq.record, seq.regions, at, made.regions, k)

        self.count(count, move)
        return self.new_sequence(made, integer(count, 0, min(most, seq.length.high)))

    def slice_edge(self, part: Value, length: Atom, step: int, front: bool) -> Atom:
        """Give where a slice begins or ends, within the list, as CPython clips it."""
        down = step < 0
        if isinstance(part, NoneV):
            if down:
                return self.op("sub", "i64", length, i64(1)) if front else i64(-1)
            return i64(0) if front else length
        if not isinstance(part, Num) or part.ty in FLOATS:
            self.fail("TypeError", "slice indices must be integers or None")
        atom = self.cast(part.atom, "i64")
        negative = self.op("lt", "b1", atom, i64(0))
        # Far below zero stays below zero: the sum of int64's least and a length cannot wrap.
        moved = self.op("add", "i64", atom, length)
        atom = self.op("select", "i64", negative, moved, atom)
        low = i64(-1) if down else i64(0)
        high = self.op("sub", "i64", length, i64(1)) if down else length
        below = self.op("lt", "b1", atom, low)
        atom = self.op("select", "i64", below, low, atom)
        above = self.op("gt", "b1", atom, high)
        return self.op("select", "i64", above, high, atom)

    @staticmethod
    def _most(index: SliceV, seq: SeqCell) -> int:
        """Give how many elements a slice can have."""
        start, stop = index.start, index.stop
        if index.step == NONE:
            first = start.const if isinstance(start, Num) and stop == NONE else None
            last = stop.const if isinstance(stop, Num) and start == NONE else None
            if first is not None and first < 0:
                return max(1, min(-int(first), seq.room))
            if last is not None and last >= 0:
                return max(1, min(int(last), seq.room))
        return seq.room

    def entries(self, seq: SeqCell, ty: Ty | None) -> tuple[str, Atom, Ty, tuple[int, ...]] | None:
        """Copy what ``np.array`` of a list holds to memory of its own.

        Returns:
            Region, number of rows, core type and shape of a row; None for what is no array.
        """
        tail: tuple[int, ...] = ()
        match seq.record:
            case ShapeNum(ty=own):
                tys = [own]
            case ShapeTup(items=items) if items and all(isinstance(i, ShapeNum) for i in items):
                tys = [item.ty for item in items if isinstance(item, ShapeNum)]
                tail = (len(items),)
            case ShapeArr(shape=dims, ty=own):
                tys, tail = [own], dims
            case ShapeUnion(variants=variants) if all(isinstance(v, ShapeNum) for v in variants):
                tys = [variant.ty for variant in variants if isinstance(variant, ShapeNum)]
            case _:
                return None
        target = ty or self.common(tys)
        # The type is that of the elements together: of items of two types one has to be of it.
        mixed = ty is None and not tail and any(own != target for own in tys)
        sure = self.accumulate("b1", FALSE)
        width = 1
        for extent in tail:
            width *= extent
        region = self.scratch(target, seq.room * width)
        count, rule = self.sequence_rows(seq)

        def move(k: Atom) -> None:
            item = rule(k)
            base = self.op("mul", "i64", k, i64(width))
            if isinstance(item, Union):
                if mixed:
                    possible = self.possible(item)
                    same = [k for k in possible if getattr(item.variants[k], "ty", "") == target]
                    here = self.is_variant(item, same, possible).atom
                    self.emit(Set(sure, self.op("or", "b1", sure, here)))
                item = self.spread(item, lambda v: self.as_array(v, target))
            match item:
                case Num():
                    atoms = [item.atom]
                case Tup(items=parts):
                    atoms = [part.atom for part in parts if isinstance(part, Num)]
                case _:
                    assert isinstance(item, Arr)
                    atoms = [
                        self.get(item, tuple(i64(i) for i in index)) for index in indices(tail)
                    ]
            for j, atom in enumerate(atoms):
                place = self.op("add", "i64", base, i64(j))
                self.emit(Store(region, place, self.cast(atom, target)))

        self.count(count.atom, move)
        if mixed:
            self.only_where(boolean(self.kept(sure)))
        return region, count.atom, target, tail

    # -- writing

    def sequence_append(self, target: Ref, item: Value) -> None:
        """Compute ``list.append(item)``."""
        seq = self.in_columns(target, item)
        length = self.kept_now(seq.length.atom)
        start = self._room_behind(seq, length)
        at = self.op("add", "i64", start, length)
        self.write_record(seq.record, seq.regions, at, item)
        more = self.op("add", "i64", length, i64(1))
        low, high = min(seq.length.low + 1, seq.room), min(seq.length.high + 1, seq.room)
        if seq.maxlen is not None:
            full = self.op("ge", "b1", length, i64(seq.maxlen))
            more = self.op("select", "i64", full, length, more)
            start = self.op("add", "i64", start, self.cast(full, "i64"))
            low, high = min(low, seq.maxlen), min(high, seq.maxlen)
        self._now(target, seq, start=start, length=integer(more, low, high))

    def _room_behind(self, seq: SeqCell, length: Atom) -> Atom:
        """Make sure that there is room for one element behind the last; give the start."""
        start = self.kept_now(seq.start)
        if start == i64(0):
            if seq.length.high >= seq.room:
                self.only_where(boolean(self.op("lt", "b1", length, i64(seq.room))))
            return start
        end = self.op("add", "i64", start, length)
        moved = self.accumulate("i64", start)
        at_end = boolean(self.op("ge", "b1", end, i64(seq.room)))

        def to_front() -> None:
            def move(k: Atom) -> None:
                at = self.op("add", "i64", start, k)
                self.copy_entry(seq.record, seq.regions, at, seq.regions, k)

            self.count(length, move)
            self.emit(Set(moved, i64(0)))

        self.when(at_end, to_front)
        start = self.value_now(moved)
        end = self.op("add", "i64", start, length)
        self.only_where(boolean(self.op("lt", "b1", end, i64(seq.room))))
        return start

    def sequence_pop(self, target: Ref, index: Value | None) -> Value:
        """Compute ``list.pop()``, ``list.pop(index)`` and ``deque.popleft()`` (index 0)."""
        seq = self.in_columns(target)
        length = self.kept_now(seq.length.atom)
        empty = "pop from an empty deque" if seq.kind == "deque" else "pop from empty list"
        self.check(boolean(self.op("gt", "b1", length, i64(0))), "IndexError", empty)
        less = integer(
            self.op("sub", "i64", length, i64(1)), max(seq.length.low - 1, 0), seq.length.high
        )
        start = self.kept_now(seq.start)
        if index is None:
            at = self.op("add", "i64", start, less.atom)
            found = self.read_record(seq.record, seq.regions, at)
            self._now(target, seq, length=less)
            return found
        if isinstance(index, Num) and index.const == 0:
            found = self.read_record(seq.record, seq.regions, start)
            self._now(target, seq, start=self.op("add", "i64", start, i64(1)), length=less)
            return found
        at = self.sequence_place(seq, index, "pop index out of range")
        found = self.read_record(seq.record, seq.regions, at)
        self._close_gap(seq, at)
        self._now(target, seq, length=less)
        return found

    def _close_gap(self, seq: SeqCell, at: Atom) -> None:
        """Move what is behind a place one to the front."""
        last = self.op("add", "i64", self.kept_now(seq.start), self.kept_now(seq.length.atom))
        behind = self.op("sub", "i64", self.op("sub", "i64", last, at), i64(1))

        def move(k: Atom) -> None:
            to = self.op("add", "i64", at, k)
            after = self.op("add", "i64", to, i64(1))
            self.copy_entry(seq.record, seq.regions, after, seq.regions, to)

        self.count(behind, move)

    def sequence_insert(self, target: Ref, index: Value, item: Value) -> None:
        """Compute ``list.insert(index, item)``."""
        if not isinstance(index, Num) or index.ty in FLOATS:
            self.fail("TypeError", "'float' object cannot be interpreted as an integer")
        seq = self.in_columns(target, item)
        length = self.kept_now(seq.length.atom)
        if seq.maxlen is not None:
            full = self.op("ge", "b1", length, i64(seq.maxlen))
            text = "deque already at its maximum size"
            self.check(boolean(self.inverse(full)), "IndexError", text)
        start = self._room_behind(seq, length)
        place = self.slice_edge(index, length, 1, True)
        at = self.op("add", "i64", start, place)
        behind = self.op("sub", "i64", length, place)
        last = self.op("add", "i64", start, length)

        def move(k: Atom) -> None:
            to = self.op("sub", "i64", last, k)
            before = self.op("sub", "i64", to, i64(1))
            self.copy_entry(seq.record, seq.regions, before, seq.regions, to)

        self.count(behind, move)
        self.write_record(seq.record, seq.regions, at, item)
        more = integer(
            self.op("add", "i64", length, i64(1)),
            min(seq.length.low + 1, seq.room),
            min(seq.length.high + 1, seq.room),
        )
        self._now(target, seq, start=start, length=more)

    def sequence_append_left(self, target: Ref, item: Value) -> None:
        """Compute ``deque.appendleft(item)``."""
        seq = self.in_columns(target, item)
        if seq.maxlen is not None:
            # The last one goes before the new one comes, if there is no place for both.
            length = self.kept_now(seq.length.atom)
            full = self.op("ge", "b1", length, i64(seq.maxlen))
            less = self.op("sub", "i64", length, self.cast(full, "i64"))
            self._now(target, seq, length=integer(less, 0, seq.maxlen))
        self.sequence_insert(target, integer(i64(0)), item)

    def sequence_set(self, target: Ref, index: Value, value: Value) -> None:
        """Compute ``list[index] = value``."""
        if isinstance(index, SliceV):
            raise self.refuse("CMP204", "assignment to a slice of a list")
        seq = self.in_columns(target, value)
        at = self.sequence_place(seq, index, "list assignment index out of range")
        self.write_record(seq.record, seq.regions, at, value)
        self._now(target, seq)

    def sequence_remove(self, target: Ref, place: Num) -> None:
        """Take out the element at a place that is in range."""
        seq = self.in_columns(target)
        at = self.op("add", "i64", self.kept_now(seq.start), place.atom)
        self._close_gap(seq, at)
        less = self.op("sub", "i64", self.kept_now(seq.length.atom), i64(1))
        self._now(target, seq, length=integer(less, max(seq.length.low - 1, 0), seq.length.high))

    def sequence_reverse(self, target: Ref) -> None:
        """Compute ``list.reverse()``."""
        seq = self.in_columns(target)
        start, length = self.kept_now(seq.start), self.kept_now(seq.length.atom)
        half = self.op("floordiv", "i64", length, i64(2))
        last = self.op("sub", "i64", self.op("add", "i64", start, length), i64(1))

        def swap(k: Atom) -> None:
            a = self.op("add", "i64", start, k)
            b = self.op("sub", "i64", last, k)
            for (_, width), region in zip(columns_of(seq.record), seq.regions, strict=True):
                for j in range(width):
                    x, y = (
                        self.op("add", "i64", self.op("mul", "i64", p, i64(width)), i64(j))
                        for p in (a, b)
                    )
                    first, second = self.load(region, x), self.load(region, y)
                    self.emit(Store(region, x, second))
                    self.emit(Store(region, y, first))

        self.count(half, swap)
        self._now(target, seq)

    def copy_sequence(
        self, seq: SeqCell, kind: str | None = None, maxlen: int | None = None
    ) -> Ref:
        """Make a list, tuple or deque with the same elements; of a deque the last ones."""
        length = self.kept_now(seq.length.atom)
        start = self.kept_now(seq.start)
        high = seq.length.high
        if maxlen is not None:
            most = i64(maxlen)
            over = self.op("gt", "b1", length, most)
            kept = self.op("select", "i64", over, most, length)
            start = self.op("add", "i64", start, self.op("sub", "i64", length, kept))
            length, high = kept, min(high, maxlen)
        made = self.sequence(seq.record, kind or seq.kind, maxlen, seq.room)

        def move(k: Atom) -> None:
            at = self.op("add", "i64", start, k)
            self.copy_entry(seq.record, seq.regions, at, made.regions, k)

        self.count(length, move)
        return self.new_sequence(made, integer(length, 0, high))

    def pay_for_length(self, length: Num) -> None:
        """Charge what a method of a container costs that goes through it."""
        if length.const is not None:
            self.charge(cost.library(int(length.const)))
            return
        units = self.op("floordiv", "i64", length.atom, i64(cost.ELEMENTS_PER_UNIT))
        self.charge(self.op("add", "i64", units, i64(cost.LIBRARY_CALL)))
