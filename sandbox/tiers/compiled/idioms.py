"""Smaller parts of Python and its libraries that programs use now and then."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable
from typing import Final

import numpy as np

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Atom, Region, Store, dtype_of, limits_of
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.shelf import Shelf
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Builtin,
    DictCell,
    Gen,
    Index,
    ListCell,
    Num,
    ObjCell,
    Record,
    Ref,
    Sel,
    SeqCell,
    Str,
    Tup,
    Value,
    number,
)

__all__ = ["Idioms"]

_FEW: Final = 16
"""Elements up to which `np.unique` is unfolded."""
_OPERATORS: Final = {
    "add": ast.Add, "sub": ast.Sub, "mul": ast.Mult, "truediv": ast.Div, "floordiv": ast.FloorDiv,
    "mod": ast.Mod, "matmul": ast.MatMult, "and_": ast.BitAnd, "or_": ast.BitOr,
    "xor": ast.BitXor,
}  # fmt: skip
_COMPARISONS: Final = {
    "eq": ast.Eq, "ne": ast.NotEq, "lt": ast.Lt, "le": ast.LtE, "gt": ast.Gt, "ge": ast.GtE,
}  # fmt: skip


class Idioms(Shelf):
    """Functions of the standard library, and `np.unique` of many small integers."""

    # -- itertools

    def i_from_iterable(self, args: Args, keywords: Keywords) -> Value:
        (outer,) = args
        return Gen("chained", (outer,))

    def i_chain(self, args: Args, keywords: Keywords) -> Value:
        return Gen("chained", (Gen("tuples", tuple(args)),))

    def i_accumulate(self, args: Args, keywords: Keywords) -> Value:
        if keywords:
            raise self.refuse("CMP408", "accumulate() with a start")
        found: list[Value] = []
        for item in self.listed(args[0]):
            if not found:
                found.append(item)
            elif len(args) > 1:
                found.append(self.call(args[1], [found[-1], item], {}))
            else:
                found.append(self.binary(ast.Add(), found[-1], item))
        return Gen("tuples", tuple(found))

    def i_islice(self, args: Args, keywords: Keywords) -> Value:
        ends = [None if end == NONE else self.constant(end, "an end") for end in args[1:]]
        return Gen("tuples", tuple(itertools.islice(self.listed(args[0]), *ends)))

    def other_iteration(self, value: Value, body: Callable[[Value], None]) -> None:
        if isinstance(value, Gen) and value.kind == "chained":
            (outer,) = value.parts
            self.iterate(outer, lambda part: self.iterate(part, body))
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
            index = tuple(i64(int(part.const)) for part in place.items if isinstance(part, Num))
            items.append(Tup((place, self.item(self.get(origin, index)))))
        return Gen("tuples", tuple(items))

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

    def np_unique(self, args: Args, keywords: Keywords) -> Value:
        counted = keywords.get("return_counts", number(False))
        wants = bool(self.constant(counted, "return_counts"))
        if not wants:
            keywords.pop("return_counts", None)
        array = self.as_array(args[0]) if not isinstance(args[0], Sel) else args[0]
        small = isinstance(array, Arr) and array.ty in ("u8", "i8", "b1")
        large = isinstance(array, Arr) and array.size > _FEW
        if not (small and large) or keywords.keys() - {"return_counts"}:
            return super().np_unique(args, keywords)
        assert isinstance(array, Arr)
        low, high = (0, 1) if array.ty == "b1" else limits_of(array.ty)
        size = high - low + 1
        region = self.region(Region(f"unique{self.number()}", "i64", size, "scratch"))
        self.count(i64(size), lambda k: self.emit(Store(region, k, i64(0))))

        def note(k: Atom) -> None:
            value = self.cast(self.get_flat(array, k), "i64")
            place = self.op("sub", "i64", value, i64(low))
            more = self.op("add", "i64", self.load(region, place), i64(1))
            self.emit(Store(region, place, more))

        self.count(i64(array.size), note)
        source = ("unique", self.number())

        def keep(index: Index) -> Atom:
            return self.op("gt", "b1", self.load(region, index[0]), i64(0))

        def element(index: Index, rest: Index) -> Atom:
            del rest
            return self.cast(self.op("add", "i64", index[0], i64(low)), array.ty)

        values = Sel((size,), keep, element, array.ty, source=source, bounds=(low, high))
        if not wants:
            return values
        counts = Sel(
            (size,), keep, lambda index, rest: self.load(region, index[0]), "i64", source=source,
            bounds=(0, array.size),
        )  # fmt: skip
        return Tup((values, counts))


def _register() -> None:
    table = Library.table
    for name, handler in (
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
