"""Sums, means and variances, in the order in which NumPy adds."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from sandbox.tiers.compiled.core import FLOATS, SIGNED, Atom, Lit, Set, Store, Ty, limits_of
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.statements import Statements
from sandbox.tiers.compiled.storage import strides_of
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Index,
    NoneV,
    Num,
    Sel,
    Tup,
    Value,
    boolean,
)

__all__ = ["INLINE", "Element", "Sums", "sum_type"]

_BLOCK = 128
_EXACT = 2**53
INLINE = 16
_LEAVES = 64
_DEPTH = 16
"""Halvings of as many floats as are added in one go, and more."""
Element = Callable[[Atom], Atom]


class Sums(Statements):
    """Adds up arrays and selections."""

    def pairwise(self, ty: Ty, start: int, count: int, element: Element) -> Atom:
        """Add ``count`` floats as NumPy does: pairwise above 128, else eight partial sums."""
        if count == 0:
            return Lit(0.0, ty)
        if count < 8:
            total = element(i64(start))
            for k in range(start + 1, start + count):
                total = self.op("add", ty, total, element(i64(k)))
            return total
        if count <= _BLOCK:
            return self._eight(ty, start, count, element)
        half = count // 2
        half -= half % 8
        if count > _BLOCK * _LEAVES:
            raise self.refuse("CMP510", "a sum of more than 8192 floats in one row")
        left = self.pairwise(ty, start, half, element)
        right = self.pairwise(ty, start + half, count - half, element)
        return self.op("add", ty, left, right)

    def _eight(self, ty: Ty, start: int, count: int, element: Element) -> Atom:
        whole = count - count % 8
        parts: list[Atom]
        if count <= INLINE:
            parts = [element(i64(start + k)) for k in range(8)]
            for k in range(8, whole):
                parts[k % 8] = self.op("add", ty, parts[k % 8], element(i64(start + k)))
        else:
            sums = [self.accumulate(ty, element(i64(start + k))) for k in range(8)]

            def turn(index: Atom) -> None:
                base = self.op("mul", "i64", index, i64(8))
                for k in range(8):
                    position = self.op("add", "i64", base, i64(start + 8 + k))
                    self.emit(Set(sums[k], self.op("add", ty, sums[k], element(position))))

            self.count(i64(whole // 8 - 1), turn)
            parts = [self.kept(var) for var in sums]
        while len(parts) > 1:
            pairs = range(0, len(parts), 2)
            parts = [self.op("add", ty, parts[k], parts[k + 1]) for k in pairs]
        total = parts[0]
        for k in range(start + whole, start + count):
            total = self.op("add", ty, total, element(i64(k)))
        return total

    def inner_product(self, ty: Ty, count: int, left: Element, right: Element) -> Atom:
        """Compute the product of two vectors as the library behind ``np.dot`` does.

        For short vectors it adds float32 products in double precision, and fuses float64
        products with their addition; longer ones it adds in blocks that are not followed here.
        """
        if ty == "f32" and count < 32:
            total: Atom = Lit(0.0, "f64")
            for k in range(count):
                product = self.op("mul", ty, left(i64(k)), right(i64(k)))
                total = self.op("add", "f64", total, self.cast(product, "f64"))
            return self.cast(total, "f32")
        if ty == "f64" and count < 16:
            total = Lit(0.0, "f64")
            for k in range(count):
                total = self.op("fma", ty, left(i64(k)), right(i64(k)), total)
            return total
        return self.pairwise(ty, 0, count, lambda k: self.op("mul", ty, left(k), right(k)))

    def axes_of(self, array: Arr, axis: Value) -> tuple[int, ...] | None:
        """Give the axes to reduce, or None for all."""
        if isinstance(axis, NoneV):
            return None
        parts = axis.items if isinstance(axis, Tup) else (axis,)
        found = []
        depth = len(array.shape)
        for part in parts:
            if not isinstance(part, Num) or part.const is None:
                raise self.refuse("CMP511", "an axis that is not a constant")
            place = int(part.const)
            if not -depth <= place < depth:
                self.fail(
                    "AxisError",
                    f"axis {place} is out of bounds for array of dimension {depth}",
                    "numpy.exceptions",
                )
            found.append(place % depth)
        return tuple(sorted(found))

    def along(
        self,
        array: Arr,
        axes: tuple[int, ...] | None,
        keepdims: bool,
        ty: Ty,
        fold: Callable[[tuple[int, ...], Callable[[Index], Atom], Element], Atom],
    ) -> Value:
        """Reduce axes; ``fold`` gets their sizes, the element at an index, and at a position."""
        every = axes is None or len(axes) == len(array.shape)
        if every:
            atom = fold(
                array.shape,
                lambda index: self.get(array, index),
                lambda position: self.get_flat(array, position),
            )
            if keepdims:
                return self.of_atoms((1,) * len(array.shape), ty, (atom,))
            return self.item(atom)
        assert axes is not None
        array = self.still(array)
        inner = tuple(array.shape[axis] for axis in axes)
        kept = tuple(axis for axis in range(len(array.shape)) if axis not in axes)
        shape = tuple(
            1 if axis in axes else size
            for axis, size in enumerate(array.shape)
            if keepdims or axis not in axes
        )

        def rule(index: Index) -> Atom:
            outer = [index[axis] if keepdims else index[k] for k, axis in enumerate(kept)]

            def at(part: Index) -> Atom:
                full: list[Atom] = [i64(0)] * len(array.shape)
                for axis, atom in zip(kept, outer, strict=True):
                    full[axis] = atom
                for axis, atom in zip(axes, part, strict=True):
                    full[axis] = atom
                return self.get(array, tuple(full))

            return fold(inner, at, lambda position: at(self.unravel(position, inner)))

        size = 1
        for extent in shape:
            size *= extent
        if size > INLINE:
            # A reduction is worth computing once: keep the results instead of the rule.
            result = Arr(self.number(), shape, ty)
            self.store_rule(result, rule)
            return result
        return self.make(shape, ty, rule, self.deps(array))

    def looped(
        self, sizes: tuple[int, ...], element: Callable[[Index], Atom], ty: Ty, start: Atom,
        step: Callable[[Atom, Atom], Atom],
    ) -> Atom:  # fmt: skip
        """Combine all elements in C order."""
        total = 1
        for size in sizes:
            total *= size
        if total <= INLINE:
            strides = strides_of(sizes)
            result = start
            for k in range(total):
                index = tuple(
                    i64(k // stride % size) for stride, size in zip(strides, sizes, strict=True)
                )
                result = step(result, element(index))
            return result
        var = self.accumulate(ty, start)
        self.each(sizes, lambda index: self.emit(Set(var, step(var, element(index)))))
        return self.kept(var)

    def array_sum(
        self, value: Value, axis: Value = NONE, keepdims: bool = False, ty: Ty | None = None
    ) -> Value:
        """Compute ``np.sum``."""
        if isinstance(value, Sel):
            return self._sum_selection(value, axis)
        array = self.as_array(value)
        if isinstance(array, Num):
            return array
        target = ty or sum_type(array.ty)

        def fold(sizes: tuple[int, ...], at: Callable[[Index], Atom], flat: Element) -> Atom:
            if target in FLOATS:
                total = 1
                for size in sizes:
                    total *= size
                return self.pairwise(target, 0, total, lambda k: self.cast(flat(k), target))
            return self.looped(
                sizes, at, target, Lit(0, target),
                lambda a, b: self.op("add", target, a, self.cast(b, target)),
            )  # fmt: skip

        return self.along(array, self.axes_of(array, axis), keepdims, target, fold)

    def _sum_selection(self, value: Sel, axis: Value) -> Value:
        if isinstance(axis, Num) and value.tail and axis.const in (len(value.tail), -1):
            return self.over_tail(
                value, lambda count, at: self._sum_atoms(sum_type(value.ty), count, at),
                sum_type(value.ty),
            )  # fmt: skip
        if isinstance(axis, Num) and axis.const == 0 and value.tail:
            return self._over_first(value)
        ty = sum_type(value.ty)
        if ty in FLOATS:
            return self.item(self.sum_selected(value))
        start: Atom = Lit(0.0, ty) if ty in FLOATS else Lit(0, ty)
        total = self.over_selected(value, ty, start, lambda a, b, _: self.op("add", ty, a, b))
        return self.item(total)

    def sum_selected(self, value: Sel) -> Atom:
        """Add the selected floats in the order in which NumPy adds an array of just them."""
        self.fresh(value.deps)
        ty = value.ty
        size = 1
        for extent in (*value.domain, *value.tail):
            size *= extent
        if size > _BLOCK * _LEAVES:
            return self.over_selected(
                value, ty, Lit(0.0, ty), lambda a, b, _: self.op("add", ty, a, b)
            )
        # Write them one after the other; what is not selected is overwritten by the next.
        region = self.scratch(ty, size + 1)
        count = self.accumulate("i64", i64(0))

        def pack(index: Index) -> None:
            keep = value.keep(index)

            def one(rest: Index) -> None:
                self.emit(Store(region, count, value.element(index, rest)))
                more = self.op("add", "i64", count, self.cast(keep, "i64"))
                self.emit(Set(count, more))

            self.each(value.tail, one)

        self.candidates(value, pack)
        return self.sum_memory(ty, region, self.kept(count), size)

    def sum_memory(self, ty: Ty, region: str, count: Atom, most: int) -> Atom:
        """Add the first floats of a region as NumPy adds an array of them.

        Args:
            ty: Their type.
            region: Where they are.
            count: How many.
            most: How many there can be.
        """
        if most <= _BLOCK:
            return self._sum_block(ty, region, i64(0), count)
        # NumPy halves what is longer than a block. Where each half is, and the sum of the first,
        # is kept on a stack; what was added last is in `last`.
        starts, sizes = self.scratch("i64", _DEPTH), self.scratch("i64", _DEPTH)
        stages, firsts = self.scratch("i64", _DEPTH), self.scratch(ty, _DEPTH)
        last = self.accumulate(ty, Lit(0.0, ty))
        level = self.accumulate("i64", i64(0))

        def push(at: Atom, start: Atom, size: Atom) -> None:
            self.emit(Store(starts, at, start))
            self.emit(Store(sizes, at, size))
            self.emit(Store(stages, at, i64(0)))
            self.emit(Set(level, at))

        push(i64(0), i64(0), count)

        def turn(label: str) -> None:
            at = self.value_now(level)
            self.stop_if(self.op("lt", "b1", at, i64(0)), label)
            start, size, stage = (self.load(r, at) for r in (starts, sizes, stages))
            half = self.op("floordiv", "i64", size, i64(2))
            half = self.op("sub", "i64", half, self.op("mod", "i64", half, i64(8)))
            above = self.op("sub", "i64", at, i64(1))
            below = self.op("add", "i64", at, i64(1))

            def block() -> None:
                self.emit(Set(last, self._sum_block(ty, region, start, size)))
                self.emit(Set(level, above))

            def halves() -> None:
                self.emit(Store(stages, at, self.op("add", "i64", stage, i64(1))))

                def first() -> None:
                    push(below, start, half)

                def later() -> None:
                    def second() -> None:
                        self.emit(Store(firsts, at, self.value_now(last)))
                        rest = self.op("sub", "i64", size, half)
                        push(below, self.op("add", "i64", start, half), rest)

                    def both() -> None:
                        sum_ = self.op("add", ty, self.load(firsts, at), self.value_now(last))
                        self.emit(Set(last, sum_))
                        self.emit(Set(level, above))

                    self.when(boolean(self.op("eq", "b1", stage, i64(1))), second, both)

                self.when(boolean(self.op("eq", "b1", stage, i64(0))), first, later)

            self.when(boolean(self.op("le", "b1", size, i64(_BLOCK))), block, halves)

        self.repeat(turn)
        return self.value_now(last)

    def _sum_block(self, ty: Ty, region: str, start: Atom, count: Atom) -> Atom:
        """Add up to 128 floats: one after the other below 8, else as eight sums."""
        total = self.accumulate(ty, Lit(0.0, ty))

        def at(k: Atom) -> Atom:
            return self.load(region, self.op("add", "i64", start, k))

        def add(index: Atom) -> None:
            self.emit(Set(total, self.op("add", ty, self.value_now(total), at(index))))

        def few() -> None:
            self.count(count, add)

        def many() -> None:
            sums = [self.accumulate(ty, at(i64(k))) for k in range(8)]
            blocks = self.op("floordiv", "i64", count, i64(8))

            def turn(index: Atom) -> None:
                base = self.op("mul", "i64", self.op("add", "i64", index, i64(1)), i64(8))
                for k in range(8):
                    item = at(self.op("add", "i64", base, i64(k)))
                    self.emit(Set(sums[k], self.op("add", ty, self.value_now(sums[k]), item)))

            self.count(self.op("sub", "i64", blocks, i64(1)), turn)
            parts: list[Atom] = [self.value_now(var) for var in sums]
            while len(parts) > 1:
                pairs = range(0, len(parts), 2)
                parts = [self.op("add", ty, parts[k], parts[k + 1]) for k in pairs]
            self.emit(Set(total, parts[0]))
            done = self.op("mul", "i64", blocks, i64(8))
            rest = self.op("sub", "i64", count, done)
            self.count(rest, lambda k: add(self.op("add", "i64", done, k)))

        self.when(boolean(self.op("lt", "b1", count, i64(8))), few, many)
        return self.value_now(total)

    def _sum_atoms(self, ty: Ty, count: int, at: Element) -> Atom:
        if ty in FLOATS:
            return self.pairwise(ty, 0, count, lambda k: self.cast(at(k), ty))
        total: Atom = Lit(0, ty)
        for k in range(count):
            total = self.op("add", ty, total, self.cast(at(i64(k)), ty))
        return total

    def _over_first(self, value: Sel) -> Value:
        ty = sum_type(value.ty)
        start: Atom = Lit(0.0, ty) if ty in FLOATS else Lit(0, ty)
        return self.along_first(
            value, ty, start, lambda a, b: self.op("add", ty, a, self.cast(b, ty))
        )

    def along_first(
        self, value: Sel, ty: Ty, start: Atom, step: Callable[[Atom, Atom], Atom]
    ) -> Arr:
        """Combine the selected entries element by element, in their order."""
        places = list(itertools.product(*(range(size) for size in value.tail)))
        if len(places) > INLINE:
            raise self.refuse("CMP512", "a reduction of the first axis of this selection")
        self.fresh(value.deps)
        totals = [self.accumulate(ty, start) for _ in places]

        def turn(index: Index) -> None:
            keep = value.keep(index)
            for var, place in zip(totals, places, strict=True):
                found = value.element(index, tuple(i64(k) for k in place))
                after = step(var, found)
                self.emit(Set(var, self.op("select", ty, keep, after, var)))

        self.candidates(value, turn)
        return self.of_atoms(value.tail, ty, tuple(self.kept(var) for var in totals))

    def over_tail(self, value: Sel, fold: Callable[[int, Element], Atom], ty: Ty) -> Sel:
        """Reduce the last axis of each selected entry."""
        count = value.tail[-1]

        def element(index: Index, rest: Index) -> Atom:
            return fold(count, lambda k: value.element(index, (*rest, k)))

        return Sel(
            value.domain, value.keep, element, ty, value.tail[:-1], value.deps, value.source,
            bound=value.bound, extents=value.extents,
        )  # fmt: skip

    def over_selected(
        self, value: Sel, ty: Ty, start: Atom, step: Callable[[Atom, Atom, Atom], Atom]
    ) -> Atom:
        """Combine all selected elements; ``step`` gets the position among all candidates too."""
        self.fresh(value.deps)
        size = 1
        for extent in value.domain:
            size *= extent
        var = self.accumulate(ty, start)
        strides = strides_of(value.domain)

        def turn(index: Index) -> None:
            keep = value.keep(index)
            position: Atom = i64(0)
            for atom, stride in zip(index, strides, strict=True):
                position = self.op("add", "i64", position, self.op("mul", "i64", atom, i64(stride)))

            def one(rest: Index) -> None:
                found = self.cast(value.element(index, rest), ty)
                after = step(var, found, position)
                self.emit(Set(var, self.op("select", ty, keep, after, var)))

            self.each(value.tail, one)

        self.candidates(value, turn)
        return self.kept(var)

    def mean(self, value: Value, axis: Value = NONE, keepdims: bool = False) -> Value:
        """Compute ``np.mean``."""
        if isinstance(value, Sel):
            ty = value.ty if value.ty in FLOATS else "f64"
            if isinstance(axis, Num) and axis.const == 0 and value.tail:
                first = self._over_first(value)
                counted = self.cast(self.length(value).atom, ty)
                return self.ufunc("divide", self.np_float(first, ty), Num(counted, False))
            if not isinstance(axis, NoneV) and value.tail:
                raise self.refuse("CMP512", "a mean along an axis of a selection")
            if value.ty in FLOATS:
                total = self.sum_selected(value)
            elif self._exact_sum(value):
                # All partial sums are whole and small, so adding integers gives the same double.
                whole = self.over_selected(
                    value, "i64", i64(0), lambda a, b, _: self.op("add", "i64", a, b)
                )
                total = self.cast(whole, ty)
            else:
                total = self.over_selected(
                    value, ty, Lit(0.0, ty), lambda a, b, _: self.op("add", ty, a, b)
                )
            size = 1
            for extent in value.tail:
                size *= extent
            count = self.op("mul", "i64", self.length(value).atom, i64(size))
            return self.item(self.op("div", ty, total, self.cast(count, ty)))
        array = self.as_array(value)
        if isinstance(array, Num):
            return self.item(self.cast(array.atom, array.ty if array.ty in FLOATS else "f64"))
        ty = array.ty if array.ty in FLOATS else "f64"
        total_value = self.array_sum(array, axis, keepdims, ty)
        axes = self.axes_of(array, axis)
        count_ = 1
        for place, size in enumerate(array.shape):
            count_ *= size if axes is None or place in axes else 1
        return self.ufunc("divide", total_value, Num(Lit(float(count_), ty), False))

    def np_float(self, value: Value, ty: Ty) -> Value:
        """Convert an array of integers to floats, and leave others as they are."""
        assert isinstance(value, Arr)
        return value if value.ty in FLOATS else self.astype(value, ty)

    def _exact_sum(self, value: Sel) -> bool:
        """Whether a double holds the sum of any selected integers exactly."""
        low, high = value.bounds or limits_of(value.ty)
        count = 1
        for extent in (*value.domain, *value.tail):
            count *= extent
        return max(-low, high) * count < _EXACT

    def variance(
        self, value: Value, axis: Value = NONE, ddof: float = 0, keepdims: bool = False
    ) -> Value:
        """Compute ``np.var``."""
        if isinstance(value, Sel):
            return self._variance_of_selection(value, axis, ddof)
        array = self.as_array(value)
        if isinstance(array, Num):
            return self.item(Lit(0.0, "f64"))
        ty = array.ty if array.ty in FLOATS else "f64"
        if array.ty != ty:
            array = self.astype(array, ty)
        middle = self.mean(array, axis, True)
        away = self.ufunc("subtract", array, middle)
        squares = self.ufunc("multiply", away, away)
        total = self.array_sum(squares, axis, keepdims)
        axes = self.axes_of(array, axis)
        count = 1
        for place, size in enumerate(array.shape):
            count *= size if axes is None or place in axes else 1
        return self.ufunc("divide", total, Num(Lit(max(count - ddof, 0.0), ty), False))

    def _variance_of_selection(self, value: Sel, axis: Value, ddof: float) -> Value:
        """Compute the variance as NumPy does: mean, differences, squares, sum, division."""
        if value.tail:
            raise self.refuse("CMP512", "the variance of a selection of more than one axis")
        middle = self.mean(value, axis)
        assert isinstance(middle, Num)
        ty = middle.ty

        def square(index: Index, rest: Index) -> Atom:
            away = self.op("sub", ty, self.cast(value.element(index, rest), ty), middle.atom)
            return self.op("mul", ty, away, away)

        squares = Sel(
            value.domain,
            value.keep,
            square,
            ty,
            (),
            value.deps,
            value.source,
            bound=value.bound,
            extents=value.extents,
        )
        total = self.item(self.sum_selected(squares))
        count = self.cast(self.length(value).atom, "f64")
        free = self.op("sub", "f64", count, Lit(float(ddof), "f64"))
        positive = self.op("gt", "b1", free, Lit(0.0, "f64"))
        free = self.op("select", "f64", positive, free, Lit(0.0, "f64"))
        return self.ufunc("divide", total, Num(self.cast(free, ty), False))

    def deviation(
        self, value: Value, axis: Value = NONE, ddof: float = 0, keepdims: bool = False
    ) -> Value:
        """Compute ``np.std``."""
        return self.ufunc("sqrt", self.variance(value, axis, ddof, keepdims))


def sum_type(ty: Ty) -> Ty:
    """Give the type that a sum of elements has."""
    if ty in FLOATS:
        return ty
    return "i64" if ty in SIGNED or ty == "b1" else "u64"
