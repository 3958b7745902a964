"""What is computed of windows: element by element, and as sums, means, extremes and medians."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Set, Store, Ty
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.reductions import worst
from sandbox.tiers.compiled.sums import sum_type
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Index,
    NoneV,
    Num,
    Points,
    Sel,
    Value,
    Window,
    boolean,
    number,
)
from sandbox.tiers.compiled.windows import Windows

__all__ = ["WindowSums"]

_HISTOGRAM: Final = 256
_INEXACT: Final = FLOATS | {"i64", "u64"}
_FEW: Final = 16
"""Elements up to which a mean is computed as in other programs."""
_UNROLLED: Final = 8
"""Floats from which on NumPy does not add a row one by one."""
_MANY: Final = 8_192
"""Floats from which on a sum is computed from memory."""


class WindowSums(Windows):
    """Expressions and reductions of `Window`."""

    # -- expressions

    def ufunc(self, name: str, *args: Value) -> Value:
        args = tuple(self.selection_of(arg) if isinstance(arg, Points) else arg for arg in args)
        if not any(isinstance(arg, Window) for arg in args):
            return super().ufunc(name, *args)
        inputs = [
            arg if isinstance(arg, Num | Arr | Sel | Window) else self.as_array(arg) for arg in args
        ]
        if any(isinstance(arg, Sel) for arg in inputs):
            raise self.refuse("CMP508", "a selection and a whole array in one expression")
        kinds = tuple((arg.ty, isinstance(arg, Num) and arg.weak is True) for arg in inputs)
        if name == "subtract" and all(ty == "b1" for ty, _ in kinds):
            self.fail("TypeError", "numpy boolean subtract, the `-` operator, is not supported")
        if name == "power":
            if not isinstance(inputs[1], Num) or inputs[1].const != 2:
                raise self.refuse("CMP401", "this power of an array whose extents are not known")
            return self.ufunc("square", args[0])
        tys = self._exactly_compared(name, kinds, self.types_of(name, kinds))
        arrays = [
            self.still(arg) if isinstance(arg, Arr) else arg
            for arg in inputs
            if isinstance(arg, Arr | Window)
        ]
        shape = self.broadcast_windows(arrays)
        ready = [
            (self.fit(arg, ty) if arg.weak is True else self.cast(arg.atom, ty))
            if isinstance(arg, Num)
            else None
            for arg, ty in zip(inputs, tys, strict=False)
        ]
        deps = tuple(dep for array in arrays for dep in self.deps_of(array))

        def rule(index: Index) -> Atom:
            left = iter(arrays)
            parts = [
                self.cast(self._broadcast_read(next(left), index), ty) if atom is None else atom
                for atom, ty in zip(ready, tys, strict=False)
            ]
            return self.element(name, tys, *parts)

        return self.window(shape, tys[-1], rule, deps)

    def broadcast_windows(self, arrays: list[Arr | Window]) -> tuple[Num, ...]:
        """Give the shape that arrays broadcast to; extents that only the row knows must agree."""
        depth = max(len(array.shape) for array in arrays)
        shape: list[Num] = []
        for place in range(-depth, 0):
            found = [
                self.extents_of(array)[place] for array in arrays if len(array.shape) >= -place
            ]
            wide = [extent for extent in found if extent.const != 1]
            if not wide:
                shape.append(number(1))
                continue
            for other in wide[1:]:
                self.same_extent(wide[0], other)
            shape.append(min(wide, key=lambda extent: extent.high))
        return tuple(shape)

    def _broadcast_read(self, array: Arr | Window, index: Index) -> Atom:
        own = index[len(index) - len(array.shape) :]
        extents = self.extents_of(array)
        return self.element_at(
            array,
            tuple(
                i64(0) if extent.const == 1 else atom
                for extent, atom in zip(extents, own, strict=True)
            ),
        )

    def converted(self, value: Window, ty: Ty) -> Window:
        """Compute ``astype``."""
        if ty == value.ty:
            return value
        return Window(
            value.shape, ty, lambda index: self.cast(self.element_at(value, index), ty), value.deps
        )

    # -- reductions

    def reduced(  # noqa: PLR0917 - a reduction as NumPy has it
        self,
        value: Window,
        axis: Value,
        keepdims: bool,
        ty: Ty,
        start: Atom,
        step: Callable[[Atom, Atom], Atom],
    ) -> Value:
        """Combine elements along some axes, one after the other."""
        depth = len(value.shape)
        axes = tuple(range(depth)) if isinstance(axis, NoneV) else self._axes(axis, depth)
        kept = [place for place in range(depth) if place not in axes]
        inner = tuple(value.shape[place] for place in axes)

        def total(outer: Index) -> Atom:
            var = self.accumulate(ty, start)

            def turn(part: Index) -> None:
                full: list[Atom] = [i64(0)] * depth
                for place, atom in zip(kept, outer, strict=True):
                    full[place] = atom
                for place, atom in zip(axes, part, strict=True):
                    full[place] = atom
                self.emit(Set(var, step(self.value_now(var), self.element_at(value, tuple(full)))))

            few = all(extent.const is not None for extent in inner)
            if few and len(inner) == 1 and int(inner[0].const or 0) <= 16:
                found = start
                for k in range(int(inner[0].const or 0)):
                    full: list[Atom] = [i64(0)] * depth
                    for place, atom in zip(kept, outer, strict=True):
                        full[place] = atom
                    full[axes[0]] = i64(k)
                    found = step(found, self.element_at(value, tuple(full)))
                return found
            self.each_in(inner, turn)
            return self.value_now(var)

        if not kept:
            atom = total(())
            if keepdims:
                return self.of_atoms((1,) * depth, ty, (atom,))
            return self.item(atom)
        shape = tuple(
            number(1) if place in axes else extent
            for place, extent in enumerate(value.shape)
            if keepdims or place not in axes
        )

        def rule(index: Index) -> Atom:
            outer = [index[place] if keepdims else index[k] for k, place in enumerate(kept)]
            return total(tuple(outer))

        return self.window(shape, ty, rule, value.deps)

    def _axes(self, axis: Value, depth: int) -> tuple[int, ...]:
        stand_in = Arr(0, (1,) * depth, "u8")
        return self.axes_of(stand_in, axis) or ()

    def _whole(self, value: Window, axis: Value) -> bool:
        return isinstance(axis, NoneV) or len(self._axes(axis, len(value.shape))) == len(
            value.shape
        )

    def array_sum(
        self, value: Value, axis: Value = NONE, keepdims: bool = False, ty: Ty | None = None
    ) -> Value:
        if isinstance(value, Points):
            return super().array_sum(self.selection_of(value), axis, keepdims, ty)
        if not isinstance(value, Window):
            if isinstance(value, Arr) and isinstance(axis, NoneV) and not keepdims:
                target = ty or sum_type(value.ty)
                if target in FLOATS and value.size > _MANY:
                    return self._long_sum(value, target)
            return super().array_sum(value, axis, keepdims, ty)
        target = ty or sum_type(value.ty)
        if target in FLOATS and self._whole(value, axis):
            source = self.selected(self.converted(value, target))
            return self.item(self.sum_selected(source))
        if target in FLOATS and not keepdims and self._long_rows(value, axis):
            return self._sums_of_rows(self.converted(value, target))
        zero: Atom = Lit(0.0, target) if target in FLOATS else Lit(0, target)
        return self.reduced(
            value, axis, keepdims, target, zero,
            lambda a, b: self.op("add", target, a, self.cast(b, target)),
        )  # fmt: skip

    def _long_rows(self, value: Window, axis: Value) -> bool:
        """Whether a sum goes along the last axis only, which is so long that the order matters."""
        last = len(value.shape) - 1
        return self._axes(axis, last + 1) == (last,) and value.shape[last].high >= _UNROLLED

    def _sums_of_rows(self, value: Window) -> Value:
        """Add the floats of each row as NumPy does."""
        *outer, last = value.shape

        def total(index: Index) -> Atom:
            row = Sel(
                (last.high,), lambda k: self.op("lt", "b1", k[0], last.atom),
                lambda k, rest: self.element_at(value, (*index, *k)), value.ty, (), value.deps,
                ("row", self.number()), bound=last.atom,
            )  # fmt: skip
            return self.sum_selected(row)

        return self.window(tuple(outer), value.ty, total, value.deps)

    def _long_sum(self, value: Arr, ty: Ty) -> Num:
        """Add many floats as NumPy does, from memory."""
        region = self.scratch(ty, value.size)
        array = self.still(value)

        def put(position: Atom) -> None:
            self.emit(Store(region, position, self.cast(self.get_flat(array, position), ty)))

        self.count(i64(value.size), put)
        return self.item(self.sum_memory(ty, region, i64(value.size), value.size))

    def mean(self, value: Value, axis: Value = NONE, keepdims: bool = False) -> Value:
        if isinstance(value, Points):
            return super().mean(self.selection_of(value), axis, keepdims)
        if not isinstance(value, Window):
            exact = isinstance(value, Arr) and value.ty not in _INEXACT and value.size > _FEW
            if not exact or not isinstance(value, Arr):
                return super().mean(value, axis, keepdims)
            # Sums of bytes and the like are whole and small: a double holds each of them exactly.
            whole = self.array_sum(value, axis, keepdims)
            count_ = 1
            axes = range(len(value.shape)) if isinstance(axis, NoneV) else self.axes_of(value, axis)
            for place in axes or ():
                count_ *= value.shape[place]
            if isinstance(whole, Num):
                whole = self.item(self.cast(whole.atom, "f64"))
            else:
                assert isinstance(whole, Arr)
                whole = self.astype(whole, "f64")
            return self.ufunc("divide", whole, Num(Lit(float(count_), "f64"), False))
        ty = value.ty if value.ty in FLOATS else "f64"
        # Sums of whole numbers of at most 32 bits are exact in a double, in any order.
        exact = value.ty not in FLOATS and value.ty not in ("i64", "u64")
        total = self.array_sum(value, axis, keepdims, None if exact else ty)
        depth = len(value.shape)
        axes = range(depth) if isinstance(axis, NoneV) else self._axes(axis, depth)
        count: Atom = i64(1)
        for place in axes:
            count = self.op("mul", "i64", count, value.shape[place].atom)
        if isinstance(total, Num):
            total = self.item(self.cast(total.atom, ty))
        elif isinstance(total, Window):
            total = self.converted(total, ty)
        return self.ufunc("divide", total, Num(self.cast(count, ty), False))

    def any_or_all(
        self, every: bool, value: Value, axis: Value = NONE, keepdims: bool = False
    ) -> Value:
        if isinstance(value, Points):
            return super().any_or_all(every, self.selection_of(value), axis, keepdims)
        if not isinstance(value, Window):
            return super().any_or_all(every, value, axis, keepdims)
        core = "and" if every else "or"
        return self.reduced(
            value, axis, keepdims, "b1", Lit(every, "b1"),
            lambda a, b: self.op(core, "b1", a, self.cast(b, "b1")),
        )  # fmt: skip

    def extreme(
        self, most: bool, value: Value, axis: Value = NONE, keepdims: bool = False
    ) -> Value:
        if isinstance(value, Points):
            return super().extreme(most, self.selection_of(value), axis, keepdims)
        if not isinstance(value, Window):
            return super().extreme(most, value, axis, keepdims)
        ty, name = value.ty, "maximum" if most else "minimum"
        depth = len(value.shape)
        axes = range(depth) if isinstance(axis, NoneV) else self._axes(axis, depth)
        # Where the result has no elements either, nothing is missing.
        some: Atom = Lit(True, "b1")
        for place in axes:
            some = self.both(some, self.op("gt", "b1", value.shape[place].atom, i64(0)))
        for place in set(range(depth)) - set(axes):
            some = self.op("or", "b1", some, self.op("eq", "b1", value.shape[place].atom, i64(0)))
        self.check(
            boolean(some),
            "ValueError",
            f"zero-size array to reduction operation {name} which has no identity",
        )
        start = worst(ty, most)
        return self.reduced(
            value, axis, keepdims, ty, start, lambda a, b: self.element(name, (ty, ty, ty), a, b)
        )

    def count_true(self, value: Value, axis: Value = NONE) -> Value:
        if isinstance(value, Points):
            return super().count_true(self.selection_of(value), axis)
        if not isinstance(value, Window):
            return super().count_true(value, axis)
        found = self.array_sum(self.converted(value, "b1"), axis)
        if isinstance(found, Num):
            return Num(found.atom, True, 0, self.window_size(value).high)
        return found

    def np_median(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Points):
            value = self.selection_of(value)
        counted = isinstance(value, Sel) and value.bounds is not None and value.bounds[0] == 0
        small = isinstance(value, Window | Sel) and not keywords and (value.ty == "u8" or counted)
        if len(args) > 1 or not small or (isinstance(value, Sel) and value.tail):
            if isinstance(value, Window):
                raise self.refuse("CMP408", "a median of an array of unknown extents")
            return super().np_median([value, *args[1:]], keywords)
        sel = self.selected(value) if isinstance(value, Window) else value
        assert isinstance(sel, Sel)
        return self._median_of_bytes(sel)

    def _median_of_bytes(self, sel: Sel) -> Value:
        """Find the middle of small whole numbers by counting how often each occurs."""
        levels = _HISTOGRAM if sel.ty == "u8" or sel.bounds is None else sel.bounds[1] + 1
        counts = self.scratch("i64", levels)
        self.count(i64(levels), lambda k: self.emit(Store(counts, k, i64(0))))
        total = self.accumulate("i64", i64(0))

        def note(index: Index) -> None:
            keep = self.cast(sel.keep(index), "i64")
            level = self.cast(sel.element(index, ()), "i64")
            now = self.load(counts, level)
            self.emit(Store(counts, level, self.op("add", "i64", now, keep)))
            self.emit(Set(total, self.op("add", "i64", self.value_now(total), keep)))

        self.fresh(sel.deps)
        self.candidates(sel, note)
        number_of = self.value_now(total)
        upper_place = self.op("floordiv", "i64", number_of, i64(2))
        even = self.op("eq", "b1", self.op("mod", "i64", number_of, i64(2)), i64(0))
        lower_place = self.op("sub", "i64", upper_place, self.cast(even, "i64"))
        passed = self.accumulate("i64", i64(0))
        lower, upper = (self.accumulate("i64", i64(0)) for _ in range(2))

        def walk(level: Atom) -> None:
            before = self.value_now(passed)
            after = self.op("add", "i64", before, self.load(counts, level))
            for var, place in ((lower, lower_place), (upper, upper_place)):
                here = self.both(
                    self.op("le", "b1", before, place), self.op("lt", "b1", place, after)
                )
                self.emit(Set(var, self.op("select", "i64", here, level, self.value_now(var))))
            self.emit(Set(passed, after))

        self.count(i64(levels), walk)
        both = self.op("add", "i64", self.value_now(lower), self.value_now(upper))
        middle = self.op("div", "f64", self.cast(both, "f64"), Lit(2.0, "f64"))
        none = self.op("eq", "b1", number_of, i64(0))
        return self.item(self.op("select", "f64", none, Lit(float("nan"), "f64"), middle))
