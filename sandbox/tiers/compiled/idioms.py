"""Smaller parts of Python and its libraries that programs use now and then."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from sandbox import cost
from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS, Atom, Region, Set, Store, dtype_of, limits_of
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.points import FALSE, i64
from sandbox.tiers.compiled.shapes import Same, Shape, ShapeNum, opened, shape_of
from sandbox.tiers.compiled.shelf import Shelf
from sandbox.tiers.compiled.values import (
    NONE,
    UNBOUND,
    Arr,
    Builtin,
    DictCell,
    Gen,
    GridCell,
    Index,
    ListCell,
    Num,
    ObjCell,
    Range,
    Record,
    Ref,
    Sel,
    SeqCell,
    SetCell,
    Str,
    TableCell,
    Tup,
    Value,
    boolean,
    integer,
    number,
)
from sandbox.weights import FREE_ITEMS

__all__ = ["Idioms"]

_FEW: Final = 16
"""Elements up to which `np.unique` is unfolded."""
_SMALLEST_TABLE: Final = 8
"""Places in the table of a set of Python."""
_SPAN: Final = 512
"""Between the least and the greatest of many numbers of which `np.unique` is asked."""
_OPERATORS: Final = {
    "add": ast.Add, "sub": ast.Sub, "mul": ast.Mult, "truediv": ast.Div, "floordiv": ast.FloorDiv,
    "mod": ast.Mod, "matmul": ast.MatMult, "and_": ast.BitAnd, "or_": ast.BitOr,
    "xor": ast.BitXor,
}  # fmt: skip
_COMPARISONS: Final = {
    "eq": ast.Eq, "ne": ast.NotEq, "lt": ast.Lt, "le": ast.LtE, "gt": ast.Gt, "ge": ast.GtE,
}  # fmt: skip

Entry: TypeAlias = tuple[Value, Atom, Value]
"""Of a counter: key, whether it is there, count."""


class Idioms(Shelf):
    """Functions of the standard library, and `np.unique` of many small integers."""

    # -- itertools

    def i_from_iterable(self, args: Args, keywords: Keywords) -> Value:
        (outer,) = args
        self.charge_sized(outer)
        if self.length_known(outer):
            parts = self.listed(outer)
            if all(self.length_known(part) for part in parts):
                for part in parts:
                    self.charge_sized(part)
                return Gen("given", tuple(item for part in parts for item in self.listed(part)))
        return Gen("chained", (outer,))

    def i_chain(self, args: Args, keywords: Keywords) -> Value:
        for arg in args:
            self.charge_sized(arg)
        if all(self.length_known(arg) for arg in args):
            return Gen("given", tuple(item for arg in args for item in self.listed(arg)))
        return Gen("joined", tuple(args))

    def i_accumulate(self, args: Args, keywords: Keywords) -> Value:
        if keywords:
            raise self.refuse("CMP408", "accumulate() with a start")
        paid = self.charge_sized(args[0])
        if paid and self.length_known(args[0]):
            found: list[Value] = []
            for item in self.listed(args[0]):
                found.append(self._accumulated(found[-1], item, args[1:]) if found else item)
            return Gen("given", tuple(found))
        # A list is made, as none of the items is looked at before all are there.
        made = self.new_list(())
        held = ("total", self.number())
        self.pt.vars[held] = UNBOUND

        def one(item: Value) -> None:
            before = self.pt.vars[held]
            total = item
            if before != UNBOUND:
                some = self.op("gt", "b1", self.len_of(made).atom, i64(0))
                total = self.choose(
                    boolean(some),
                    lambda: self.spread(before, lambda v: self._accumulated(v, item, args[1:])),
                    lambda: item,
                )
            self.pt.vars[held] = total
            self.list_append(made, total)

        if paid:
            self.paying_only_in(one, lambda body: self.iterate(args[0], body))
        else:
            self.iterate(args[0], one)
        self.pt.vars.pop(held, None)
        return Gen("iter", (made,))

    def _accumulated(self, total: Value, item: Value, function: Args) -> Value:
        if total == UNBOUND:
            return item
        if function and function[0] != NONE:
            return self.call(function[0], [total, item], {})
        return self.binary(ast.Add(), total, item)

    def i_islice(self, args: Args, keywords: Keywords) -> Value:
        ends = [None if end == NONE else self.constant(end, "an end") for end in args[1:]]
        self.charge_sized(args[0])
        return Gen("given", tuple(itertools.islice(self.listed(args[0]), *ends)))

    def other_iteration(self, value: Value, body: Callable[[Value], None]) -> None:
        if isinstance(value, Gen) and value.kind == "chained":
            (outer,) = value.parts
            self.paying_nothing_for_turns(outer, lambda part: self.iterate(part, body))
            return
        if isinstance(value, Gen) and value.kind == "joined":
            for part in value.parts:
                self.paying_nothing_for_turns(part, body)
            return
        super().other_iteration(value, body)

    def np_ndindex(self, args: Args, keywords: Keywords) -> Value:
        given = args[0] if len(args) == 1 and isinstance(args[0], Tup) else Tup(tuple(args))
        sizes = self.shape_of_value(given)
        if math.prod(sizes) <= 256:
            return Gen("tuples", tuple(self._place(k, sizes) for k in range(math.prod(sizes))))
        raise self.refuse("CMP319", "more than 256 combinations")

    def _place(self, k: int, sizes: tuple[int, ...]) -> Tup:
        return Tup(tuple(number(int(part)) for part in np.unravel_index(k, sizes)))

    def np_ndenumerate(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if not isinstance(array, Arr) or array.size > 256:
            raise self.refuse("CMP319", "more than 256 combinations")
        origin = self.still(array)
        items: list[Value] = []
        for k in range(array.size):
            place = self._place(k, array.shape)
            index = tuple(i64(part.low) for part in place.items if isinstance(part, Num))
            items.append(Tup((place, self.item(self.get(origin, index)))))
        return Gen("tuples", tuple(items))

    def repeated(self, items: Ref, count: Num) -> Value | None:
        content = self.pt.heap[items.cell]
        if not isinstance(content, ListCell) or content.length is not None or count.ty in FLOATS:
            return None
        times = self.op("max", "i64", self.cast(count.atom, "i64"), i64(0))
        most = max(min(count.high, 2**40), 0)
        made = Ref(self.number())
        self.pt.heap[made.cell] = ListCell((), None, None, content.kind)

        def turn(index: Value) -> None:
            del index
            for item in content.items:
                self.list_append(made, item)

        span = Range(number(0), integer(times, 0, most), number(1))
        self.paying_nothing(lambda: self.iterate(span, turn))
        total = self.op("mul", "i64", times, i64(len(content.items)))
        self.charge(self.op("floordiv", "i64", total, i64(cost.ELEMENTS_PER_UNIT)))
        return made

    def d_fromkeys(self, args: Args, keywords: Keywords) -> Value:
        """Compute ``dict.fromkeys``."""
        value = args[1] if len(args) > 1 else NONE
        if isinstance(value, Ref | Arr):
            raise self.refuse("CMP202", "fromkeys() with a container as the value of all keys")
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell()
        self.iterate(args[0], lambda key: self.set_key(cell, key, value))
        return cell

    # -- dataclasses

    def c_asdict(self, args: Args, keywords: Keywords) -> Value:
        return self._taken_out(args[0], self._as_dict)

    def c_astuple(self, args: Args, keywords: Keywords) -> Value:
        return self._taken_out(args[0], lambda pairs: Tup(tuple(item for _, item in pairs)))

    def _as_dict(self, pairs: list[tuple[str, Value]]) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell()
        for name, item in pairs:
            self.set_key(cell, Str(name), item)
        return cell

    def _fields(self, value: Value) -> list[tuple[str, Value]] | None:
        """Give the fields of an object of a data class; None for anything else."""
        cls = self.class_of(value) if isinstance(value, Ref | Record) else None
        if cls is None or cls.fields is None:
            return None
        return [(name, self.attribute(value, name)) for name, _, _ in cls.fields]

    def _taken_out(self, value: Value, make: Callable[[list[tuple[str, Value]]], Value]) -> Value:
        fields = self._fields(value)
        if fields is None:
            raise self.refuse("CMP407", "the fields of something else than a data class")
        self.charge(1 + len(fields))
        pairs: list[tuple[str, Value]] = []
        for name, item in fields:
            if isinstance(item, Ref | Record) and self._fields(item) is not None:
                pairs.append((name, self._taken_out(item, make)))
            elif isinstance(item, Num | Str) or item == NONE:
                pairs.append((name, item))
            else:
                raise self.refuse("CMP407", "a field that holds a container, copied")
        return make(pairs)

    def c_replace(self, args: Args, keywords: Keywords) -> Value:
        fields = self._fields(args[0])
        cls = self.class_of(args[0])
        if fields is None or cls is None:
            raise self.refuse("CMP407", "replace() of something else than a data class")
        named = {**dict(fields), **dict(keywords.items())}
        return self.call(cls, [], named)

    # -- counters

    def count_into(self, counter: Ref, items: Value) -> None:
        other = self.pt.heap[items.cell] if isinstance(items, Ref) else None
        if isinstance(other, TableCell) and not self.is_set(other):

            def one(pair: Value) -> None:
                assert isinstance(pair, Tup)
                key, value = pair.items
                old = self.dict_item(counter, self.dict_now(counter), key, lambda: number(0))
                self.set_key(counter, key, self.binary(ast.Add(), old, value))

            many = self.op("gt", "b1", other.length.atom, i64(FREE_ITEMS))
            units = self.op("floordiv", "i64", other.length.atom, i64(cost.ELEMENTS_PER_UNIT))
            self.charge(self.op("select", "i64", many, units, i64(0)))
            self.paying_nothing(lambda: self.iterate(Gen("items", (items,)), one))
            return
        if not isinstance(other, DictCell):
            super().count_into(counter, items)
            return
        for _, key, present, value in other.entries:

            def add(key: Value = key, value: Value = value) -> None:
                old = self.dict_item(counter, self.dict_now(counter), key, lambda: number(0))
                self.set_key(counter, key, self.binary(ast.Add(), old, value))

            self.when(boolean(present), add)

    def unary(self, op: ast.unaryop, value: Value) -> Value:
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(content, DictCell | TableCell) and content.kind == "counter":
            assert isinstance(value, Ref)
            none = Ref(self.number())
            self.pt.heap[none.cell] = DictCell((), None, True, "counter")
            made = None
            if isinstance(op, ast.UAdd):
                made = self.set_operator(ast.Add(), value, none)
            elif isinstance(op, ast.USub):
                made = self.set_operator(ast.Sub(), none, value)
            if made is not None:
                return made
        return super().unary(op, value)

    def set_operator(self, op: ast.operator, a: Ref, b: Ref) -> Value | None:
        x, y = self.pt.heap[a.cell], self.pt.heap[b.cell]
        counters = [
            isinstance(content, DictCell | TableCell) and content.kind == "counter"
            for content in (x, y)
        ]
        if not any(counters):
            return super().set_operator(op, a, b)
        name = {ast.Add: "add", ast.Sub: "sub", ast.BitOr: "max", ast.BitAnd: "min"}.get(type(op))
        if name is None or not all(counters):
            raise self.refuse("CMP205", "an operator of these counters")
        if not (isinstance(x, DictCell) and isinstance(y, DictCell)):
            return self._tables_counted(name, a, b)
        if not (x.ordered and y.ordered):
            raise self.refuse("CMP317", "a counter whose order of keys depends on the data")
        first = {key: (k, present, value) for key, k, present, value in x.entries}
        second = {key: (k, present, value) for key, k, present, value in y.entries}
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell((), None, True, "counter")
        for key in [*first, *(key for key in second if key not in first)]:
            self._count_both(cell, name, first.get(key), second.get(key), of_second=False)
        for key, entry in second.items():
            self._count_both(cell, name, first.get(key), entry, of_second=True)
        return cell

    def _count_both(
        self, target: Ref, name: str, one: Entry | None, other: Entry | None, *, of_second: bool
    ) -> None:
        """Put what an operator gives for a key, which comes in the order of the first counter that has it."""
        entry = one or other
        assert entry is not None
        counts = [self._counted(side) for side in (one, other)]
        has = FALSE if one is None else one[1]
        if of_second:
            assert other is not None
            has = self.both(self.inverse(has), other[1])
        if name in ("add", "sub"):
            kind = {"add": "add", "sub": "subtract"}[name]
            made = self.number_of(self.binary_number(kind, *counts))
        else:
            more = self.truth(self.compare_numbers("greater", counts[1], counts[0]))
            take = more if name == "max" else self.negation(more)
            found = self.choose(take, lambda: counts[1], lambda: counts[0])
            assert isinstance(found, Num)
            made = found
        some = self.truth(self.compare_numbers("greater", made, number(0)))
        good = boolean(self.both(has, some.atom))
        if made.high > 0 and good.const is not False:
            self.when(good, lambda: self.set_key(target, entry[0], made))

    def _tables_counted(self, name: str, a: Ref, b: Ref) -> Value:
        """Compute an operator of counters of which one has keys that depend on the data."""
        made = Ref(self.number())
        self.pt.heap[made.cell] = DictCell((), None, True, "counter")

        def goes_through(of_second: bool) -> Callable[[Value], None]:
            def one(pair: Value) -> None:
                assert isinstance(pair, Tup)
                key, own = pair.items
                other = b if not of_second else a
                there = self.dict_item(other, self.dict_now(other), key, lambda: number(0))
                counts = [own, there] if not of_second else [there, own]
                if not all(isinstance(c, Num) and c.ty == "i64" and c.weak is True for c in counts):
                    raise self.refuse("CMP205", "an operator of counters of other than integers")
                left, right = (c for c in counts if isinstance(c, Num))
                if name in ("add", "sub"):
                    kind = {"add": "add", "sub": "subtract"}[name]
                    value = self.number_of(self.binary_number(kind, left, right))
                else:
                    pick = self.op(name, "i64", left.atom, right.atom)
                    value = integer(pick, min(left.low, right.low), max(left.high, right.high))
                good = self.truth(self.compare_numbers("greater", value, number(0)))
                if of_second:
                    new = self.negation(self.contains(a, key))
                    good = boolean(self.both(good.atom, new.atom))
                self.when(good, lambda: self.set_key(made, key, value))

            return one

        def both() -> None:
            self.iterate(Gen("items", (a,)), goes_through(False))
            if name != "min":
                self.iterate(Gen("items", (b,)), goes_through(True))

        self.paying_nothing(both)
        return made

    def _counted(self, entry: Entry | None) -> Num:
        """Give how often a counter has something: not at all where it has no such key."""
        if entry is None:
            return number(0)
        _, present, value = entry
        if not isinstance(value, Num) or value.weak is not True or value.ty != "i64":
            raise self.refuse("CMP205", "an operator of counters of other than integers")
        found = self.choose(boolean(present), lambda: value, lambda: number(0))
        assert isinstance(found, Num)
        return found

    # -- operator

    def o_itemgetter(self, args: Args, keywords: Keywords) -> Value:
        return Builtin("itemgetter", Tup(tuple(args)))

    def call(self, function: Value, args: Args, keywords: Keywords) -> Value:
        if isinstance(function, Builtin) and function.name == "itemgetter":
            keys, (value,) = function.owner, args
            assert isinstance(keys, Tup)
            found = tuple(
                self.spread(value, lambda v, key=key: self.subscript(v, key))  # type: ignore[misc]
                for key in keys.items
            )
            return found[0] if len(found) == 1 else Tup(found)
        return super().call(function, args, keywords)

    # -- questions about values

    def b_hasattr(self, args: Args, keywords: Keywords) -> Value:
        owner, name = args
        if isinstance(owner, Ref) and isinstance(self.pt.heap[owner.cell], ObjCell):
            return super().b_hasattr(args, keywords)
        kind: type | None = None
        content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
        match owner:
            case Arr() | Sel():
                kind = np.ndarray
            case Num(weak=False):
                kind = dtype_of(owner.ty).type
            case Num(weak=True, enum=""):
                kind = {"b1": bool, "i64": int}.get(owner.ty, float)
            case Str():
                kind = str
            case Tup(names=()) if owner.cls == "tuple":
                kind = tuple
            case Ref() if isinstance(content, DictCell) and content.kind == "dict":
                kind = dict
            case Ref() if isinstance(content, ListCell | SeqCell) and content.kind == "list":
                kind = list
        if kind is None or not isinstance(name, Str) or name.text.startswith("_"):
            raise self.refuse("CMP411", "hasattr of something else than an object")
        return number(hasattr(kind, name.text))

    def b_getattr(self, args: Args, keywords: Keywords) -> Value:
        owner, name = args[0], args[1]
        if not isinstance(name, Str) or name.text.startswith("_"):
            raise self.refuse("CMP411", "getattr of a name that is not known")
        content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
        if len(args) < 3 or not isinstance(content, ObjCell | ListCell | DictCell):
            if len(args) > 2 and not isinstance(owner, Record):
                raise self.refuse("CMP411", "getattr of something else than an object")
            return self.attribute(owner, name.text)
        if not isinstance(content, ObjCell):
            raise self.refuse("CMP411", "getattr of something else than an object")
        there = self.truth(self.b_hasattr([owner, name], {}))
        default = args[2]
        return self.choose(there, lambda: self.attribute(owner, name.text), lambda: default)

    def b_callable(self, args: Args, keywords: Keywords) -> Value:
        (value,) = args
        if type(value).__name__ in ("Func", "Bound", "Cls", "Builtin", "Dty"):
            return number(True)
        if isinstance(value, Num | Str | Arr | Sel | Tup) or value == NONE:
            return number(False)
        raise self.refuse("CMP411", "callable of this")

    def m_hypot(self, args: Args) -> Value:
        """Compute ``math.hypot`` of more or fewer than two numbers."""
        floats = [self.float_of(self.number_of(arg)) for arg in args]
        return self.float_of(self.number_of(self.norm(self.stack(list(floats), "f64"))))

    # -- sets of numbers

    def s_pop(self, args: Args, keywords: Keywords) -> Value:
        """Compute ``set.pop`` of integers from 0 to 7.

        Python takes the first one of its table, in which such a number has the place of its value.
        """
        (owner,) = args
        content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
        if isinstance(content, GridCell):
            raise self.refuse("CMP317", "the method 'pop' of a set whose order is not kept")
        if not isinstance(content, SetCell | TableCell):
            raise self.refuse("CMP205", "the method 'pop' of this")
        if isinstance(content, TableCell):
            shapes = [content.key]
        else:
            shapes = [shape_of(key) for _, key, _ in content.entries]
        if not all(map(_is_numbers, shapes)):
            raise self.refuse("CMP205", "the method 'pop' of a set of other than integers")
        length = self.len_of(owner)
        some = self.op("gt", "b1", length.atom, i64(0))
        self.check(boolean(some), "KeyError", "'pop from an empty set'")
        self.charge(length.atom)
        found: list[Value] = []

        def look() -> None:
            found.append(self.b_min([owner], {}))
            found.append(self.b_max([owner], {}))

        self.paying_nothing(look)
        low, high = (self.int_of(end) for end in found if isinstance(end, Num))
        small = self.both(
            self.op("ge", "b1", low.atom, i64(0)),
            self.op("lt", "b1", high.atom, i64(_SMALLEST_TABLE)),
        )
        self.only_where(boolean(small))
        self.s_remove([owner, found[0]], {})
        return found[0]

    def b_min(self, args: Args, keywords: Keywords) -> Value:
        return self._least_of_set("less", args, keywords) or super().b_min(args, keywords)

    def b_max(self, args: Args, keywords: Keywords) -> Value:
        return self._least_of_set("greater", args, keywords) or super().b_max(args, keywords)

    def b_sum(self, args: Args, keywords: Keywords) -> Value:
        content = self.pt.heap[args[0].cell] if args and isinstance(args[0], Ref) else None
        if not isinstance(content, TableCell) or not self.is_set(content):
            return super().b_sum(args, keywords)
        before, self.any_order = self.any_order, _is_numbers(content.key)
        try:
            return super().b_sum(args, keywords)
        finally:
            self.any_order = before

    def _least_of_set(self, name: str, args: Args, keywords: Keywords) -> Value | None:
        """Give the extreme of a set of integers, for which its order makes no difference."""
        content = (
            self.pt.heap[args[0].cell] if len(args) == 1 and isinstance(args[0], Ref) else None
        )
        if not isinstance(content, SetCell | TableCell) or not self.is_set(content):
            return None
        if keywords.keys() - {"default"}:
            return None
        if isinstance(content, TableCell):
            shapes = [content.key]
        else:
            shapes = [shape_of(key) for _, key, _ in content.entries]
        if not shapes or not all(map(_is_numbers, shapes)):
            return None
        length = self.len_of(args[0])
        some = self.op("gt", "b1", length.atom, i64(0))
        which = "min" if name == "less" else "max"
        if "default" not in keywords:
            self.check(boolean(some), "ValueError", f"{which}() iterable argument is empty")
        low, high = limits_of("i64")
        start = number(high if name == "less" else low)
        best = self.accumulate("i64", start.atom)

        def one(item: Value) -> None:
            assert isinstance(item, Num)
            kind = "min" if name == "less" else "max"
            atom = self.op(kind, "i64", self.value_now(best), self.cast(item.atom, "i64"))
            self.emit(Set(best, atom))

        self.in_any_order(args[0], one)
        kinds = {shape.value.weak if isinstance(shape, Same) else shape.weak for shape in shapes}
        if kinds != {True}:
            raise self.refuse("CMP405", "an extreme of a set of numbers of NumPy")
        found = integer(self.value_now(best))
        if "default" in keywords:
            default = keywords["default"]
            return self.choose(boolean(some), lambda: found, lambda: default)
        return found

    def np_bincount(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        least = self.constant(keywords.get("minlength", number(0)), "minlength")
        if not isinstance(value, Sel) or "weights" in keywords or not 1 <= least <= _SPAN:
            return super().np_bincount(args, keywords)
        if value.tail or value.ty in (*FLOATS, "u64"):
            raise self.refuse("CMP408", "bincount() of this selection")
        self.fresh(value.deps)
        region = self.region(Region(f"counts{self.number()}", "i64", least, "scratch"))
        self.count(i64(least), lambda k: self.emit(Store(region, k, i64(0))))
        far = self.accumulate("b1", FALSE)

        def note(index: Index) -> None:
            item = self.cast(value.element(index, ()), "i64")
            keep = value.keep(index)
            inside = self.both(
                self.op("ge", "b1", item, i64(0)), self.op("lt", "b1", item, i64(least))
            )
            away = self.both(keep, self.inverse(inside))
            self.emit(Set(far, self.op("or", "b1", far, away)))
            good = self.both(keep, inside)
            place = self.op("select", "i64", good, item, i64(0))
            more = self.op("add", "i64", self.load(region, place), self.cast(good, "i64"))
            self.emit(Store(region, place, more))

        self.candidates(value, note)
        # A greater number makes the result longer, and one below zero raises.
        self.only_where(boolean(self.inverse(self.kept(far))))
        return self.of_atoms(
            (least,), "i64", tuple(self.load(region, i64(k)) for k in range(least))
        )

    def np_unique(self, args: Args, keywords: Keywords) -> Value:
        counted = keywords.get("return_counts", number(False))
        wants = bool(self.constant(counted, "return_counts"))
        if not wants:
            keywords.pop("return_counts", None)
        array = self.as_array(args[0]) if not isinstance(args[0], Sel) else args[0]
        whole = isinstance(array, Arr) and array.ty not in (*FLOATS, "u64")
        large = isinstance(array, Arr) and array.size > _FEW
        if not (whole and large) or keywords.keys() - {"return_counts"}:
            return super().np_unique(args, keywords)
        assert isinstance(array, Arr)
        low: Atom
        if array.ty in ("u8", "i8", "b1"):
            bounds = (0, 1) if array.ty == "b1" else limits_of(array.ty)
            low, size = i64(bounds[0]), bounds[1] - bounds[0] + 1
        else:
            # One place for each number between the least and the greatest one.
            ends = [self.extreme(most, array) for most in (False, True)]
            low, high = (self.cast(end.atom, "i64") for end in ends if isinstance(end, Num))
            bounds, size = limits_of(array.ty), _SPAN
            span = self.op("sub", "i64", high, low)
            near = self.both(
                self.op("ge", "b1", span, i64(0)), self.op("lt", "b1", span, i64(size))
            )
            self.only_where(boolean(near))
        region = self.region(Region(f"unique{self.number()}", "i64", size, "scratch"))
        self.count(i64(size), lambda k: self.emit(Store(region, k, i64(0))))

        def note(k: Atom) -> None:
            value = self.cast(self.get_flat(array, k), "i64")
            place = self.op("sub", "i64", value, low)
            more = self.op("add", "i64", self.load(region, place), i64(1))
            self.emit(Store(region, place, more))

        self.count(i64(array.size), note)
        source = ("unique", self.number())

        def keep(index: Index) -> Atom:
            return self.op("gt", "b1", self.load(region, index[0]), i64(0))

        def element(index: Index, rest: Index) -> Atom:
            del rest
            return self.cast(self.op("add", "i64", index[0], low), array.ty)

        values = Sel((size,), keep, element, array.ty, source=source, bounds=bounds)
        if not wants:
            return values
        counts = Sel(
            (size,), keep, lambda index, rest: self.load(region, index[0]), "i64", source=source,
            bounds=(0, array.size),
        )  # fmt: skip
        return Tup((values, counts))


def _is_numbers(shape: Shape) -> bool:
    """Whether keys are integers."""
    if isinstance(shape, Same):
        shape = opened(shape)
    return isinstance(shape, ShapeNum) and shape.ty not in (*FLOATS, "b1", "u64")


def _register() -> None:
    table = Library.table
    for name, handler in (
        ("getattr", Idioms.b_getattr),
        ("dict.fromkeys", Idioms.d_fromkeys),
        ("set.pop", Idioms.s_pop),
        ("sum", Idioms.b_sum),
        ("numpy.bincount", Idioms.np_bincount),
        ("itertools.chain", Idioms.i_chain),
        ("itertools.chain.from_iterable", Idioms.i_from_iterable),
        ("itertools.accumulate", Idioms.i_accumulate),
        ("itertools.islice", Idioms.i_islice),
        ("dataclasses.asdict", Idioms.c_asdict),
        ("dataclasses.astuple", Idioms.c_astuple),
        ("dataclasses.replace", Idioms.c_replace),
        ("operator.itemgetter", Idioms.o_itemgetter),
        ("numpy.ndindex", Idioms.np_ndindex),
        ("numpy.ndenumerate", Idioms.np_ndenumerate),
        ("numpy.unique", Idioms.np_unique),
        ("hasattr", Idioms.b_hasattr),
        ("callable", Idioms.b_callable),
    ):
        table[name] = handler
    for name, op in _OPERATORS.items():
        table[f"operator.{name}"] = _operator(op())
    for name, comparison in _COMPARISONS.items():
        table[f"operator.{name}"] = _comparison(comparison())


def _operator(op: ast.operator) -> Callable[[Idioms, Args, Keywords], Value]:
    return lambda self, args, keywords: self.binary(op, *args)


def _comparison(op: ast.cmpop) -> Callable[[Idioms, Args, Keywords], Value]:
    return lambda self, args, keywords: self.compare(op, *args)


_register()
