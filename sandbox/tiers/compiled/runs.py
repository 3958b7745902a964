"""Arrays whose length depends on the data: ``weights[:n]``, ``np.arange(len(values))``.

Such an array is a selection of the first so many candidates (`Sel.bound`). What a mask selects is
turned into one where an order is needed: its elements are copied to memory, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Set, Store, Ty, dtype_of
from sandbox.tiers.compiled.extras import Extras
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.points import FALSE, i64
from sandbox.tiers.compiled.storage import strides_of
from sandbox.tiers.compiled.sums import sum_type
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Index,
    NoneV,
    Num,
    Sel,
    SliceV,
    Tup,
    Value,
    boolean,
    number,
)

__all__ = ["Runs"]

_ROOM: Final = 65_536
"""Elements that an array of unknown length may have at most."""
_LONGEST: Final = 4_096
"""The same where nothing tells how long it may be: longer ones are the interpreted tier's."""


class Runs(Extras):
    """Operations on arrays of unknown length."""

    sliced: set[int]
    """Cells of arrays that are seen through a slice of unknown length: they are not changed."""

    def begin_classes(self) -> None:
        super().begin_classes()
        self.sliced = set()

    def writable(self, array: Arr) -> Arr:
        if array.cell in self.sliced:
            raise self.refuse("CMP507", "an array is changed in place while a slice of it exists")
        return super().writable(array)

    # -- making

    def long(  # noqa: PLR0917 - the parts of a selection
        self, room: int, ty: Ty, element: Callable[[Index, Index], Atom], count: Atom,
        tail: tuple[int, ...] = (), deps: tuple[tuple[int, int], ...] = (),
    ) -> Sel:  # fmt: skip
        """Make an array of as many elements as an atom says."""
        return Sel(
            (room,), lambda index: self.op("lt", "b1", index[0], count), element, ty, tail, deps,
            ("run", self.number()), bound=count,
        )  # fmt: skip

    def run_of(self, array: Arr, parts: list[Value]) -> Sel | None:
        """Give a slice of unknown bounds of an array of one axis; None for what is none."""
        (part, *rest) = parts
        if rest or not isinstance(part, SliceV) or len(array.shape) != 1 or array.ty == "u8":
            return None
        step = part.step.const if isinstance(part.step, Num) else 1
        if step not in (1, -1) or not isinstance(part.step, NoneV | Num):
            return None
        self.sliced.add(array.cell)
        origin, size = self.still(array), array.shape[0]
        whole = self.long(
            size, array.ty, lambda index, rest: self.get(origin, index), i64(size),
            deps=self.deps(origin),
        )  # fmt: skip
        found = self.index_selection(whole, part)
        assert isinstance(found, Sel)
        return found

    def _count(self, value: Value) -> tuple[Atom, int] | None:
        """Give a length that depends on the data, and how long it may be; None for other values."""
        if isinstance(value, Tup) and len(value.items) == 1:
            value = value.items[0]
        if not isinstance(value, Num) or value.const is not None or value.ty in (*FLOATS, "b1"):
            return None
        atom = self.cast(value.atom, "i64")
        if value.high <= _ROOM:
            return atom, max(value.high, 0)
        few = self.op("le", "b1", atom, i64(_LONGEST))
        self.only_where(boolean(few))
        return atom, _LONGEST

    def _filled_run(self, args: Args, keywords: Keywords, one: bool) -> Value | None:
        found = self._count(args[0] if args else keywords.get("shape", NONE))
        if found is None:
            return None
        count, room = found
        low = self.op("ge", "b1", count, i64(0))
        self.check(boolean(low), "ValueError", "negative dimensions are not allowed")
        ty = self.dtype_value(keywords.get("dtype", args[1] if len(args) > 1 else None)) or "f64"
        value: Atom = Lit(float(one), ty) if ty in FLOATS else Lit(int(one), ty)
        value = Lit(one, "b1") if ty == "b1" else value
        return self.long(room, ty, lambda index, rest: value, count)

    def np_zeros(self, args: Args, keywords: Keywords) -> Value:
        return self._filled_run(args, keywords, False) or super().np_zeros(args, keywords)

    def np_ones(self, args: Args, keywords: Keywords) -> Value:
        return self._filled_run(args, keywords, True) or super().np_ones(args, keywords)

    def np_full(self, args: Args, keywords: Keywords) -> Value:
        found = self._count(args[0])
        if found is None:
            return super().np_full(args, keywords)
        count, room = found
        low = self.op("ge", "b1", count, i64(0))
        self.check(boolean(low), "ValueError", "negative dimensions are not allowed")
        ty = self.dtype_value(keywords.get("dtype", args[2] if len(args) > 2 else None))
        given = self.number_of(args[1] if len(args) > 1 else keywords["fill_value"])
        value = self.stored(given, ty or given.ty)
        return self.long(room, ty or given.ty, lambda index, rest: value, count)

    def np_arange(self, args: Args, keywords: Keywords) -> Value:
        parts = [arg for arg in args if isinstance(arg, Num)]
        whole = all(part.ty not in (*FLOATS, "b1") for part in parts)
        known = all(part.const is not None for part in parts)
        if known or not whole or len(parts) != len(args) or len(parts) not in (1, 2):
            return super().np_arange(args, keywords)
        ty = self.dtype_value(keywords.get("dtype")) or "i64"
        start = self.int_of(parts[0]) if len(parts) > 1 else number(0)
        size = self.binary_number("subtract", self.int_of(parts[-1]), start)
        found = self._count(size)
        if found is None:
            return super().np_arange(args, keywords)
        count, room = found
        count = self.op("max", "i64", count, i64(0))

        def element(index: Index, rest: Index) -> Atom:
            del rest
            return self.cast(self.op("add", "i64", index[0], start.atom), ty)

        return self.long(room, ty, element, count)

    def made_of_length(self, name: str, args: Args) -> Atom | None:
        ends = [arg for arg in args if isinstance(arg, Num)]
        if not ends or all(end.const is not None for end in ends[:2]):
            return None
        first = ends[0]
        if name == "numpy.arange" and len(ends) > 1:
            ends = [self.int_of(end) for end in ends]
            first = self.number_of(self.binary_number("subtract", ends[1], ends[0]))
        if first.ty in FLOATS:
            return None
        return self.op("max", "i64", self.cast(first.atom, "i64"), i64(0))

    # -- one after the other

    def packed(self, sel: Sel) -> Sel:
        """Give the selected elements as they lie one after the other."""
        if sel.bound is not None:
            return sel
        room = 1
        for extent in sel.domain:
            room *= extent
        width = 1
        for extent in sel.tail:
            width *= extent
        if room * width > _ROOM or sel.extents is not None:
            raise self.refuse("CMP502", "a selection among so many elements put into memory")
        self.fresh(sel.deps)
        region = self.scratch(sel.ty, (room + 1) * width)
        place = self.accumulate("i64", i64(0))
        strides = strides_of(sel.tail)

        def store(index: Index) -> None:
            base = self.op("mul", "i64", place, i64(width))
            for k in range(width):
                rest = self.unravel(i64(k), sel.tail)
                at = self.op("add", "i64", base, i64(k))
                self.emit(Store(region, at, sel.element(index, rest)))
            one = self.cast(sel.keep(index), "i64")
            self.emit(Set(place, self.op("add", "i64", place, one)))

        self.candidates(sel, store)

        def element(index: Index, rest: Index) -> Atom:
            at = self.op("mul", "i64", index[0], i64(width))
            for atom, stride in zip(rest, strides, strict=True):
                step = self.op("mul", "i64", atom, i64(stride))
                at = self.op("add", "i64", at, step)
            return self.load(region, at)

        made = self.long(room, sel.ty, element, self.kept(place), sel.tail)
        made.bounds = sel.bounds
        return made

    def index_selection(self, owner: Sel, index: Value) -> Value:
        if isinstance(index, SliceV) and owner.bound is None and index != _ALL:
            owner = self.packed(owner)
        parts = index.items if isinstance(index, Tup) else (index,)
        if len(parts) > 1 and parts[0] == _ALL and NONE in parts[1:]:
            return self._with_axes(owner, list(parts[1:]))
        return super().index_selection(owner, index)

    def _with_axes(self, owner: Sel, parts: list[Value]) -> Sel:
        """Compute ``selection[:, None, :2]``: what an index does to each entry."""
        if not all(isinstance(part, NoneV | SliceV) for part in parts):
            raise self.refuse("CMP509", "this index of a selection")

        def part_of(row: Arr) -> Arr:
            found = self.subview(row, parts)
            assert isinstance(found, Arr)
            return found

        zero = self.of_known(np.zeros(owner.tail, dtype_of(owner.ty)))
        shape = part_of(zero).shape

        def element(index: Index, rest: Index) -> Atom:
            row = self.make(owner.tail, owner.ty, lambda tail: owner.element(index, tail))
            return self.get(part_of(row), rest)

        return Sel(
            owner.domain, owner.keep, element, owner.ty, shape, owner.deps, owner.source,
            owner.bounds, owner.bound, owner.extents,
        )  # fmt: skip

    def by_rows(self, name: str, args: Args, keywords: Keywords) -> Value | None:
        """Reduce each entry of a selection by itself; None where that is not what is asked."""
        sel = args[0]
        axis = keywords.get("axis", args[1] if len(args) > 1 else NONE)
        if not isinstance(sel, Sel) or not sel.tail or len(args) > 2:
            return None
        if not isinstance(axis, Num) or axis.const is None or keywords.keys() - {"axis"}:
            return None
        depth = len(sel.tail)
        place = int(axis.const) - 1 if axis.const > 0 else int(axis.const) + depth
        if not 0 <= place < depth:
            return None
        handler = getattr(self, f"np_{name}")

        def reduced(row: Arr) -> Arr | Num:
            found = handler([row, number(place)], {})
            assert isinstance(found, Arr | Num)
            return found

        sample = reduced(self.of_known(np.zeros(sel.tail, dtype_of(sel.ty))))
        self.fresh(sel.deps)

        def element(index: Index, rest: Index) -> Atom:
            row = self.make(sel.tail, sel.ty, lambda tail: sel.element(index, tail))
            found = reduced(row)
            return found.atom if isinstance(found, Num) else self.get(found, rest)

        shape = sample.shape if isinstance(sample, Arr) else ()
        return Sel(
            sel.domain, sel.keep, element, sample.ty, shape, sel.deps, sel.source,
            bound=sel.bound, extents=sel.extents,
        )  # fmt: skip

    def np_isin(self, args: Args, keywords: Keywords) -> Value:
        wanted = args[1]
        if not isinstance(wanted, Sel) or isinstance(args[0], Sel):
            return super().np_isin(args, keywords)
        if wanted.tail or keywords:
            raise self.refuse("CMP508", "isin() of this selection")
        among = self.packed(wanted)
        array = self.still(self._array(args[0], "isin() of this"))
        ty = self.common([array.ty, among.ty])
        bound = among.bound
        assert bound is not None

        def rule(index: Index) -> Atom:
            x = self.cast(self.get(array, index), ty)
            found = self.accumulate("b1", FALSE)

            def turn(k: Atom) -> None:
                same = self.op("eq", "b1", self.cast(among.element((k,), ()), ty), x)
                self.emit(Set(found, self.op("or", "b1", found, same)))

            self.count(bound, turn)
            return self.kept(found)

        made = Arr(self.number(), array.shape, "b1")
        self.store_rule(made, rule)
        return made

    def np_diff(self, args: Args, keywords: Keywords) -> Value:
        if not isinstance(args[0], Sel):
            return super().np_diff(args, keywords)
        self.no_keywords(keywords)
        found = self.packed(args[0])
        if len(args) > 1 or found.tail:
            raise self.refuse("CMP408", "this diff() of a selection")
        high = self.index_selection(found, SliceV(number(1), NONE, NONE))
        low = self.index_selection(found, SliceV(NONE, number(-1), NONE))
        return self.ufunc("not_equal" if found.ty == "b1" else "subtract", high, low)

    def _running(self, sel: Sel, ty: Ty, step: Callable[[Atom, Atom], Atom]) -> Sel:
        """Give what comes out step by step when elements are combined from the first one on."""
        if sel.tail:
            raise self.refuse("CMP408", "a cumulative result of several axes")
        source = self.packed(sel)
        self.fresh(source.deps)
        room = source.domain[0]
        region = self.scratch(ty, room)
        assert source.bound is not None
        total = self.accumulate(ty, Lit(0.0, ty) if ty in FLOATS else Lit(0, ty))

        def turn(k: Atom) -> None:
            item = self.cast(source.element((k,), ()), ty)
            first = self.op("eq", "b1", k, i64(0))
            self.emit(Set(total, self.op("select", ty, first, item, step(total, item))))
            self.emit(Store(region, k, total))

        self.count(source.bound, turn)
        return self.long(room, ty, lambda index, rest: self.load(region, index[0]), source.bound)

    def np_cumsum(self, args: Args, keywords: Keywords) -> Value:
        return self._cumulated("add", args, keywords) or super().np_cumsum(args, keywords)

    def np_cumprod(self, args: Args, keywords: Keywords) -> Value:
        return self._cumulated("multiply", args, keywords) or super().np_cumprod(args, keywords)

    def _cumulated(self, name: str, args: Args, keywords: Keywords) -> Value | None:
        if not isinstance(args[0], Sel):
            return None
        self.no_keywords(keywords)
        if len(args) > 1:
            raise self.refuse("CMP408", "a cumulative sum along an axis")
        ty = sum_type(args[0].ty)
        return self._running(args[0], ty, lambda a, b: self.element(name, (ty, ty, ty), a, b))

    def ufunc_accumulate(self, name: str, args: Args, keywords: Keywords) -> Value:
        """Compute ``np.maximum.accumulate`` and its kind."""
        self.no_keywords(keywords)
        (value,) = args
        if isinstance(value, Sel):
            ty = sum_type(value.ty) if name in ("add", "multiply") else value.ty
            return self._running(value, ty, lambda a, b: self.element(name, (ty, ty, ty), a, b))
        array = self.as_array(value)
        if isinstance(array, Num) or len(array.shape) != 1 or array.size > 64:
            raise self.refuse("CMP514", "accumulate() of this array")
        ty = sum_type(array.ty) if name in ("add", "multiply") else array.ty
        atoms: list[Atom] = []
        for k in range(array.size):
            item = self.cast(self.get(array, (i64(k),)), ty)
            atoms.append(self.element(name, (ty, ty, ty), atoms[-1], item) if atoms else item)
        return self.of_atoms(array.shape, ty, tuple(atoms))

    # -- several of them together

    def select_ufunc(self, name: str, inputs: list[Num | Arr | Sel]) -> Value:
        first = next(arg for arg in inputs if isinstance(arg, Sel))
        made = [self._beside(arg, first) if isinstance(arg, Arr) else arg for arg in inputs]
        return super().select_ufunc(name, made)

    def _beside(self, array: Arr, first: Sel) -> Arr | Sel:
        """Give an array of known length beside one that has to be as long."""
        if len(array.shape) != 1 + len(first.tail) or not array.size:
            return array
        size = array.shape[0]
        if size == 1 and first.tail:
            # It is the same for every entry.
            return self.reshape(array, array.shape[1:])
        if first.bound is None or size == 1:
            return array
        self.only_where(boolean(self.op("eq", "b1", first.bound, i64(size))))
        origin = self.still(array)
        return Sel(
            (size,), first.keep, lambda index, rest: self.get(origin, (*index, *rest)), array.ty,
            array.shape[1:], self.deps(origin), first.source, bound=first.bound,
        )  # fmt: skip

    def where(self, cond: Value, yes: Value, no: Value) -> Value:
        if not any(isinstance(value, Sel) for value in (cond, yes, no)):
            return super().where(cond, yes, no)
        values = [
            v if isinstance(v, Num | Arr | Sel) else self.as_array(v) for v in (cond, yes, no)
        ]
        kinds = tuple((v.ty, isinstance(v, Num) and v.weak is True) for v in values[1:])
        tys = {ty for ty, _ in kinds}
        ty = "b1" if tys == {"b1"} else self.promoted(kinds)
        # Adding them says whether they go together; the choice then is made element by element.
        first = next(v for v in values if isinstance(v, Sel))
        ready: list[Num | Sel] = []
        for k, value in enumerate(values):
            if isinstance(value, Num):
                atom = self.cast(value.atom, "b1") if k == 0 else self.stored(value, ty)
                ready.append(Num(atom, False))
                continue
            part = self._beside(value, first) if isinstance(value, Arr) else value
            if isinstance(part, Arr) or part.tail:
                raise self.refuse("CMP508", "where() over a selection of several axes")
            if part.source != first.source:
                self.select_ufunc("not_equal", [first, part])
            ready.append(part)

        def element(index: Index, rest: Index) -> Atom:
            atoms = []
            for k, value in enumerate(ready):
                atom = value.atom if isinstance(value, Num) else value.element(index, rest)
                atoms.append(self.cast(atom, "b1" if k == 0 else ty))
            return self.op("select", ty, *atoms)

        deps = tuple(dep for value in ready if isinstance(value, Sel) for dep in value.deps)
        return Sel(
            first.domain, first.keep, element, ty, (), deps, first.source, bound=first.bound,
            extents=first.extents,
        )  # fmt: skip

    def np_dot(self, args: Args, keywords: Keywords) -> Value:
        a, b = args
        if not (isinstance(a, Sel) or isinstance(b, Sel)):
            return super().np_dot(args, keywords)
        parts = [v if isinstance(v, Sel | Num | Arr) else self.as_array(v) for v in (a, b)]
        if any(isinstance(v, Sel) and v.tail for v in parts):
            raise self.refuse("CMP513", "a product with a selection of several axes")
        if any(isinstance(v, Arr) and len(v.shape) != 1 for v in parts):
            raise self.refuse("CMP513", "a product with a selection of several axes")
        product = self.ufunc("multiply", *parts)
        if any(isinstance(v, Num) for v in parts):
            return product
        return self.array_sum(product)

    def np_concatenate(self, args: Args, keywords: Keywords) -> Value:
        items = self.listed(args[0])
        parts = [self.selection_of(item) for item in items]
        if not any(isinstance(part, Sel) for part in parts):
            return super().np_concatenate(args, keywords)
        self.no_keywords(keywords)
        arrays = [part if isinstance(part, Sel) else self.as_array(part) for part in parts]
        if len(args) > 1 or any(
            isinstance(part, Num) or (isinstance(part, Sel) and part.tail)
            or (isinstance(part, Arr) and len(part.shape) != 1)
            for part in arrays
        ):  # fmt: skip
            raise self.refuse("CMP508", "a selection joined with arrays of several axes")
        ty = self.common([part.ty for part in arrays])
        packed = [self.packed(part) if isinstance(part, Sel) else part for part in arrays]
        room = sum(
            part.domain[0] if isinstance(part, Sel) else part.size
            for part in packed
            if not isinstance(part, Num)
        )
        if room > _ROOM:
            raise self.refuse("CMP502", "a selection among so many elements put into memory")
        region = self.scratch(ty, max(room, 1))
        start: Atom = i64(0)
        for part in packed:
            assert not isinstance(part, Num)
            length = part.bound if isinstance(part, Sel) else i64(part.size)
            assert length is not None

            def move(k: Atom, part: Arr | Sel = part, start: Atom = start) -> None:
                item = part.element((k,), ()) if isinstance(part, Sel) else self.get(part, (k,))
                at = self.op("add", "i64", start, k)
                self.emit(Store(region, at, self.cast(item, ty)))

            self.count(length, move)
            start = self.op("add", "i64", start, length)
        return self.long(room, ty, lambda index, rest: self.load(region, index[0]), start)

    def set_item(self, owner: Value, index: Value, value: Value) -> None:
        if isinstance(owner, Sel):
            raise self.refuse("CMP204", "an array of unknown length is written into")
        super().set_item(owner, index, value)

    def l_append_of_array(self, args: Args, keywords: Keywords) -> Value:
        """Compute ``np.append`` of one axis."""
        values = [self.selection_of(arg) for arg in args[:2]]
        if not any(isinstance(value, Sel) for value in values):
            return super().np_append(args, keywords)
        self.no_keywords(keywords)
        if len(args) > 2:
            raise self.refuse("CMP508", "a selection joined with arrays of several axes")
        parts = [v if isinstance(v, Sel) else self.a_ravel([v], {}) for v in values]
        return self.np_concatenate([Tup(tuple(parts))], {})


_ALL: Final = SliceV(NONE, NONE, NONE)


def _register() -> None:
    table = Library.table
    for name in (
        "zeros", "ones", "full", "arange", "diff", "cumsum", "cumprod", "dot", "concatenate", "isin",
    ):  # fmt: skip
        table[f"numpy.{name}"] = getattr(Runs, f"np_{name}")
    table["numpy.append"] = Runs.l_append_of_array
    for name in ("cumsum", "cumprod", "dot"):
        table[f"array.{name}"] = getattr(Runs, f"np_{name}")
    for name in ("max", "min", "argmax", "argmin", "mean", "sum", "any", "all", "std", "prod"):
        table[f"numpy.{name}"] = table[f"array.{name}"] = _by_rows(name)
    for name in ("add", "multiply", "maximum", "minimum"):
        table[f"ufunc.{name}.accumulate"] = _accumulate(name)


def _by_rows(name: str) -> Callable[[Any, Args, Keywords], Value]:
    def handler(self: Any, args: Args, keywords: Keywords) -> Value:
        found: Value | None = self.by_rows(name, args, keywords)
        if found is None:
            # A higher layer may have its own.
            found = getattr(self, f"np_{name}")(args, keywords)
        return found

    return handler


def _accumulate(name: str) -> Callable[[Runs, Args, Keywords], Value]:
    return lambda self, args, keywords: self.ufunc_accumulate(name, args, keywords)


_register()
