"""Dicts and sets whose keys depend on the data, in order of insertion.

Entries lie in columns, as those of a list do; an index of hashes finds them. An entry that is taken
out stays as a gap until something goes over the dict, so that the order is that of CPython.
CPython goes over a set in an order of its own, which is not followed here: where the order could
be seen, a row with a set of more than one element is left to the interpreted tier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sandbox.tiers.compiled.core import FLOATS, Atom, If, Lit, Set, Store, Var
from sandbox.tiers.compiled.core import Break as Leave
from sandbox.tiers.compiled.points import FALSE, TRUE, i64
from sandbox.tiers.compiled.sequences import Sequences
from sandbox.tiers.compiled.shapes import (
    Shape,
    ShapeNum,
    ShapeTup,
    ShapeUnion,
    columns_of,
    join_records,
    layout_of,
)
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Cell,
    DictCell,
    NoneV,
    Num,
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

__all__ = ["TABLE", "Tables"]

TABLE = 1_024
"""Entries that a dict or set in columns has room for."""
_FACTOR = 0x9E3779B97F4A7C15
_START = 0x243F6A8885A308D3


class Tables(Sequences):
    """Operations on `TableCell`."""

    # -- hashes

    def key_hash(self, key: Value) -> Atom:
        """Give the place in the index where the search for a key begins."""
        state = self.accumulate("u64", Lit(_START, "u64"))
        self._mix_value(state, key)
        mixed = self.op("cast", "i64", self.op("shr", "u64", self.value_now(state), Lit(20, "u64")))
        return self.op("and", "i64", mixed, i64(2 * TABLE - 1))

    def _mix(self, state: Var, atom: Atom) -> None:
        word = self.op("xor", "u64", self.value_now(state), atom)
        word = self.op("mul", "u64", word, Lit(_FACTOR, "u64"))
        half = self.op("shr", "u64", word, Lit(29, "u64"))
        self.emit(Set(state, self.op("xor", "u64", word, half)))

    def _mix_value(self, state: Var, value: Value) -> None:
        match value:
            case Num():
                self._mix(state, self._bits(value))
            case Tup(items=items):
                for item in items:
                    self._mix_value(state, item)
            case Text():

                def turn(index: Atom) -> None:
                    self._mix(state, self.cast(self.text_byte(value, index), "u64"))

                self.count(self.kept_now(value.length), turn)
            case Str(text=text):
                # As the same text of an observation, byte by byte.
                for code in text.encode():
                    self._mix(state, Lit(code, "u64"))
            case NoneV():
                self._mix(state, Lit(1, "u64"))
            case Union():

                def one(variant: Value) -> Value:
                    self._mix_value(state, variant)
                    return NONE

                self.spread(value, one)
            case Arr():
                for k in range(value.size):
                    self._mix_value(state, self.item(self.get_flat(value, i64(k))))

    def _bits(self, value: Num) -> Atom:
        if value.ty in FLOATS:
            # Minus zero is zero as a key. A NaN is only found by identity, which numbers lack here.
            wide = self.op("add", "f64", self.cast(value.atom, "f64"), Lit(0.0, "f64"))
            self.only_where(boolean(self.op("eq", "b1", wide, wide)))
            return self.op("bits", "u64", wide)
        return self.cast(self.cast(value.atom, "i64"), "u64")

    def text_byte(self, text: Text, index: Atom) -> Atom:
        """Read a byte of a text."""
        raise NotImplementedError

    # -- finding

    def find_entry(self, table: TableCell, key: Value) -> tuple[Atom, Atom]:
        """Look for a key.

        Returns:
            Its entry, or -1, and the place in the index where it is or would be.
        """
        slot = self.accumulate("i64", self.key_hash(key))
        found = self.accumulate("i64", i64(-1))
        index, alive = table.regions[:2]
        keys = table.regions[2 : 2 + len(columns_of(table.key))]

        def turn(label: str) -> None:
            here = self.value_now(slot)
            entry = self.cast(self.load(index, here), "i64")
            self.stop_if(self.op("eq", "b1", entry, i64(0)), label)
            at = self.op("sub", "i64", entry, i64(1))
            other = self.read_record(table.key, keys, at)
            same = self.same_key(other, key)
            if not table.dense:
                same = self.both(same, self.load(alive, at))
            self.emit(If(same, [Set(found, at), Leave(label)], []))
            after = self.op("add", "i64", here, i64(1))
            self.emit(Set(slot, self.op("and", "i64", after, i64(2 * TABLE - 1))))

        self.repeat(turn)
        return self.value_now(found), self.value_now(slot)

    def same_key(self, a: Value, b: Value) -> Atom:
        """Compare two keys."""
        return self.truth(self.spread(a, lambda x: self.spread(b, lambda y: self.equal(x, y)))).atom

    def equal(self, a: Value, b: Value) -> Num:
        """Compute ``a == b``."""
        raise NotImplementedError

    # -- making and joining

    def table_for(self, target: Ref, key: Value, value: Value | None) -> TableCell:
        """Give a dict or set in columns, made so if it is not yet, that can hold an entry."""
        content = self.pt.heap[target.cell]
        assert isinstance(content, DictCell | SetCell | TableCell)
        shape: Shape | None = self.record_of(key)
        held = None if value is None else self.record_of(value)
        if isinstance(content, TableCell):
            shape = join_records(content.key, shape)
            if held is not None:
                held = held if content.value is None else join_records(content.value, held)
        else:
            for entry in content.entries:
                shape = join_records(self.record_of(entry[1]), shape)
                if len(entry) == 4:
                    held = join_records(self.record_of(entry[3]), held)
            if isinstance(content, DictCell) and not content.ordered:
                raise self.refuse("CMP317", "a dict whose order of keys depends on the data")
        if shape is None or (value is not None and held is None):
            raise self.refuse("CMP212", "a dict with keys or values of many kinds")
        self._one_kind(shape)
        if (
            isinstance(content, TableCell)
            and layout_of(shape) == layout_of(content.key)
            and (held is None) is (content.value is None)
            and (held is None or layout_of(held) == layout_of(content.value))
        ):
            return self.table_now(target, content, shapes=(shape, held))
        made = self.filled_table(shape, held, content)
        self.pt.heap[target.cell] = made
        return made

    def in_table(self, target: Ref, content: DictCell) -> None:
        """Put a dict with known keys in columns."""
        _, key, _, value = content.entries[0]
        self.table_for(target, key, value)

    def filled_table(
        self, key: Shape, value: Shape | None, content: DictCell | SetCell | TableCell
    ) -> TableCell:
        """Make a dict or set in columns that holds what another one does."""
        kind = "set" if isinstance(content, SetCell) else content.kind
        factory = None if isinstance(content, SetCell) else content.factory
        made = self.empty_table(key, value, kind, factory)
        used, length = self.accumulate("i64", i64(0)), self.accumulate("i64", i64(0))
        self.fill_table(replace(made, used=used, length=Num(length)), content)
        high = content.length.high if isinstance(content, TableCell) else len(content.entries)
        return replace(
            made,
            used=self.value_now(used),
            length=integer(self.value_now(length), 0, min(high, made.room)),
            version=self.number(),
        )

    def _one_kind(self, shape: Shape) -> None:
        """Refuse keys whose types differ and that may be equal all the same, as 1 and True."""
        match shape:
            case ShapeNum(ty="u64"):
                raise self.refuse("CMP201", "keys that are unsigned integers of 64 bits")
            case ShapeTup(items=items):
                for item in items:
                    self._one_kind(item)
            case ShapeUnion(variants=variants):
                for variant in variants:
                    self._one_kind(variant)
                if sum(isinstance(variant, ShapeNum) for variant in variants) > 1:
                    raise self.refuse("CMP210", "keys of different kinds in one container")
                tuples = [len(v.items) for v in variants if isinstance(v, ShapeTup)]
                if len(tuples) != len(set(tuples)):
                    raise self.refuse("CMP210", "keys of different kinds in one container")

    def empty_table(
        self, key: Shape, value: Shape | None, kind: str, factory: Value | None
    ) -> TableCell:
        """Declare the memory of a dict or set; its index has to be cleared."""
        regions = self.table_memory(key, value, TABLE)
        return TableCell(
            key, value, regions, i64(0), integer(i64(0)), TABLE, kind, factory, True, self.number()
        )

    def clear_index(self, table: TableCell) -> None:
        """Forget all entries."""
        index = table.regions[0]
        self.count(i64(2 * TABLE), lambda k: self.emit(Store(index, k, Lit(0, "i32"))))

    def fill_table(self, head: TableCell, content: Cell) -> None:
        assert isinstance(head.used, Var)
        assert isinstance(head.length.atom, Var)
        if isinstance(content, TableCell) and head.regions == content.regions:
            self.put(head.used, content.used)
            self.put(head.length.atom, content.length.atom)
            return
        counters = (head.used, head.length.atom)
        if isinstance(content, TableCell):
            count = self.kept_now(content.used)
            self._reset_counters(head)

            def move(at: Atom) -> None:
                def put() -> None:
                    key, value = self.entry_at(content, at)
                    self._put_entry(head, counters, key, value)

                if content.dense:
                    put()
                    return
                self.when(boolean(self.load(content.regions[1], at)), put)

            self.count(count, move)
            return
        assert isinstance(content, DictCell | SetCell)
        self._reset_counters(head)
        for entry in content.entries:
            self.when(
                boolean(entry[2]),
                lambda entry=entry: self._put_entry(  # type: ignore[misc]
                    head, counters, entry[1], entry[3] if len(entry) > 3 else None
                ),
            )

    def _reset_counters(self, head: TableCell) -> None:
        self.clear_index(head)
        assert isinstance(head.used, Var)
        assert isinstance(head.length.atom, Var)
        self.emit(Set(head.used, i64(0)))
        self.emit(Set(head.length.atom, i64(0)))

    def _put_entry(
        self, table: TableCell, counters: tuple[Var, Var], key: Value, value: Value | None
    ) -> None:
        """Set an entry; what is counted is kept in variables."""
        used, length = counters
        found, slot = self.find_entry(table, key)
        index, alive = table.regions[:2]
        place = self.accumulate("i64", found)

        def add() -> None:
            new = self.value_now(used)
            self.only_where(boolean(self.op("lt", "b1", new, i64(table.room))))
            keys = table.regions[2 : 2 + len(columns_of(table.key))]
            self.write_record(table.key, keys, new, key)
            self.emit(Store(alive, new, TRUE))
            more = self.op("add", "i64", new, i64(1))
            self.emit(Store(index, slot, self.cast(more, "i32")))
            self.emit(Set(place, new))
            self.emit(Set(used, more))
            self.emit(Set(length, self.op("add", "i64", self.value_now(length), i64(1))))

        self.when(boolean(self.op("lt", "b1", found, i64(0))), add)
        if value is not None and table.value is not None:
            held = table.regions[2 + len(columns_of(table.key)) :]
            self.write_record(table.value, held, self.value_now(place), value)

    def table_now(
        self,
        target: Ref,
        table: TableCell,
        *,
        used: Atom | None = None,
        length: Num | None = None,
        shapes: tuple[Shape, Shape | None] | None = None,
        dense: bool | None = None,
    ) -> TableCell:
        """Note a change of a dict or set."""
        key, value = shapes or (table.key, table.value)
        made = TableCell(
            key, value, table.regions, used or table.used, length or table.length, table.room,
            table.kind, table.factory, table.dense if dense is None else dense, self.number(),
        )  # fmt: skip
        self.pt.heap[target.cell] = made
        return made

    # -- operations

    def entry_at(self, table: TableCell, at: Atom) -> tuple[Value, Value | None]:
        """Give the key and the value of an entry."""
        split = 2 + len(columns_of(table.key))
        key = self.read_record(table.key, table.regions[2:split], at)
        if table.value is None:
            return key, None
        return key, self.read_record(table.value, table.regions[split:], at)

    def table_store(self, target: Ref, key: Value, value: Value | None) -> None:
        """Compute ``target[key] = value`` or ``target.add(key)``."""
        table = self.table_for(target, key, value)
        used = self.accumulate("i64", table.used)
        length = self.accumulate("i64", table.length.atom)
        self._put_entry(table, (used, length), key, value)
        low, high = max(table.length.low, 1), min(table.length.high + 1, table.room)
        self.table_now(
            target,
            table,
            used=self.value_now(used),
            length=integer(self.value_now(length), low, high),
        )

    def _findable(self, table: TableCell, key: Value) -> bool:
        """Whether a key may be in a table at all, by its kind."""
        joined = join_records(table.key, self.record_of(key))
        if joined is None:
            return False
        return layout_of(joined) == layout_of(table.key)

    def table_has(self, table: TableCell, key: Value) -> Num:
        """Compute ``key in table``."""
        found, _ = self.find_entry(table, self._key_for(table, key))
        return boolean(self.op("ge", "b1", found, i64(0)))

    def _key_for(self, table: TableCell, key: Value) -> Value:
        """Give a key as the table's hashes have it; other numbers of the same value are equal."""
        if isinstance(key, Ref):
            self.fail("TypeError", f"unhashable type: {self.type_name(key)!r}")
        if isinstance(key, Arr):
            self.fail("TypeError", "unhashable type: 'numpy.ndarray'")
        self._comparable_kinds(table.key, key)
        return key

    def _comparable_kinds(self, shape: Shape, key: Value) -> None:
        """Refuse to look for floats among integers and the like, whose hashes differ here."""
        match shape, key:
            case ShapeNum(ty=ty), Num():
                if (ty in FLOATS) is not (key.ty in FLOATS):
                    raise self.refuse("CMP210", "keys of different kinds in one container")
            case ShapeTup(items=items), Tup(items=parts) if len(items) == len(parts):
                for item, part in zip(items, parts, strict=True):
                    self._comparable_kinds(item, part)
            case ShapeUnion(variants=variants), _:
                for variant in variants:
                    self._comparable_kinds(variant, key)
            case _, Union():
                for k in self.possible(key):
                    self._comparable_kinds(shape, key.variants[k])

    def table_item(self, table: TableCell, key: Value, lacking: Callable[[], Value]) -> Value:
        """Compute ``table[key]``."""
        found, _ = self.find_entry(table, self._key_for(table, key))
        here = boolean(self.op("ge", "b1", found, i64(0)))

        def there() -> Value:
            value = self.entry_at(table, found)[1]
            assert value is not None
            return value

        return self.choose(here, there, lacking)

    def table_remove(self, target: Ref, key: Value, missing: Callable[[], Value]) -> Value:
        """Take out an entry and give its value (its key for sets)."""
        table = self.pt.heap[target.cell]
        assert isinstance(table, TableCell)
        found, _ = self.find_entry(table, self._key_for(table, key))
        here = boolean(self.op("ge", "b1", found, i64(0)))

        def there() -> Value:
            known, value = self.entry_at(table, found)
            self.emit(Store(table.regions[1], found, FALSE))
            less = integer(
                self.op("sub", "i64", self.kept_now(table.length.atom), i64(1)),
                max(table.length.low - 1, 0),
                table.length.high,
            )
            self.table_now(target, table, length=less, dense=False)
            return known if value is None else value

        return self.choose(here, there, missing)

    def compacted(self, target: Ref) -> TableCell:
        """Give a dict or set without gaps."""
        table = self.pt.heap[target.cell]
        assert isinstance(table, TableCell)
        if table.dense:
            return table
        shapes = (table.key, *(() if table.value is None else (table.value,)))
        kept = self.accumulate("i64", i64(0))
        count = self.kept_now(table.used)
        alive = table.regions[1]

        def move(at: Atom) -> None:
            def keep() -> None:
                to = self.value_now(kept)
                regions = table.regions[2:]
                for shape in shapes:
                    width = len(columns_of(shape))
                    self.copy_entry(shape, regions[:width], at, regions[:width], to)
                    regions = regions[width:]
                self.emit(Set(kept, self.op("add", "i64", to, i64(1))))

            self.when(boolean(self.load(alive, at)), keep)

        self.count(count, move)
        length = self.value_now(kept)
        made = self.table_now(target, table, used=length, dense=True)
        self.enter_all(made, length)
        return made

    def enter_all(self, table: TableCell, count: Atom) -> None:
        """Make the index of entries that lie without gaps."""
        self.clear_index(table)
        index, alive = table.regions[:2]

        def enter(at: Atom) -> None:
            self.emit(Store(alive, at, TRUE))
            key, _ = self.entry_at(table, at)
            slot = self.accumulate("i64", self.key_hash(key))

            def turn(label: str) -> None:
                here = self.value_now(slot)
                taken = self.cast(self.load(index, here), "i64")
                self.stop_if(self.op("eq", "b1", taken, i64(0)), label)
                after = self.op("add", "i64", here, i64(1))
                self.emit(Set(slot, self.op("and", "i64", after, i64(2 * TABLE - 1))))

            self.repeat(turn)
            more = self.op("add", "i64", at, i64(1))
            self.emit(Store(index, self.value_now(slot), self.cast(more, "i32")))

        self.count(count, enter)

    def table_rows(self, cell: int, kind: str) -> tuple[Num, Callable[[Atom], Value]]:
        table = self.compacted(Ref(cell))
        length = Num(self.kept_now(table.used), True, table.length.low, table.length.high)

        def rule(index: Atom) -> Value:
            key, value = self.entry_at(table, index)
            if kind == "keys" or value is None:
                return key
            return value if kind == "values" else Tup((key, value))

        return length, rule

    def rows_of(self, cell: int) -> tuple[Num, Callable[[Atom], Value]]:
        content = self.pt.heap[cell]
        if isinstance(content, SeqCell):
            return self.sequence_rows(content)
        assert isinstance(content, TableCell)
        return self.set_rows(cell) if content.value is None else self.table_rows(cell, "keys")

    def set_rows(self, cell: int) -> tuple[Num, Callable[[Atom], Value]]:
        """Give the elements of a set, in an order that depends on nothing but the elements."""
        length, rule = self.table_rows(cell, "keys")
        if not self.any_order:
            self.only_where(boolean(self.op("le", "b1", length.atom, i64(1))))
        return length, rule

    any_order = False
    """Whether what goes over a set gives the same in any order."""

    def copy_table(self, table: TableCell) -> Ref:
        """Make a dict or set with the same entries."""
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = self.filled_table(table.key, table.value, table)
        return cell
