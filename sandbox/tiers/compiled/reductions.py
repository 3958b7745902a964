"""Reductions over arrays and selections, in the order in which NumPy adds."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.tiers.compiled.arrays import strides_of
from sandbox.tiers.compiled.builder import FALSE, TRUE, i64
from sandbox.tiers.compiled.core import FLOATS, SIGNED, Atom, Lit, Set, Store, Ty, limits_of
from sandbox.tiers.compiled.statements import Statements
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
    number,
)

__all__ = ["Reductions"]

_BLOCK = 128
_INLINE = 16
_LEAVES = 64
Element = Callable[[Atom], Atom]


class Reductions(Statements):
    """Sums, extrema and the like."""

    # -- sums of floats in NumPy's order

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
        if count <= _INLINE:
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

    # -- axes

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
        self.charge(1 + array.size // 16)
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
        if size > _INLINE:
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
        if total <= _INLINE:
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

    # -- the reductions

    def array_sum(
        self, value: Value, axis: Value = NONE, keepdims: bool = False, ty: Ty | None = None
    ) -> Value:
        """Compute ``np.sum``."""
        if isinstance(value, Sel):
            return self._sum_selection(value, axis)
        array = self.as_array(value)
        if isinstance(array, Num):
            return array
        target = ty or _sum_type(array.ty)

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
                value, lambda count, at: self._sum_atoms(_sum_type(value.ty), count, at),
                _sum_type(value.ty),
            )  # fmt: skip
        if isinstance(axis, Num) and axis.const == 0 and value.tail:
            return self._over_first(value)
        ty = _sum_type(value.ty)
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
        if size > _BLOCK:
            return self.over_selected(
                value, ty, Lit(0.0, ty), lambda a, b, _: self.op("add", ty, a, b)
            )
        self.charge(1 + size // 16)
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

        self.each(value.domain, pack)
        number_of = self.kept(count)
        total = self.accumulate(ty, Lit(0.0, ty))

        def add(index: Atom) -> None:
            self.emit(Set(total, self.op("add", ty, total, self.load(region, index))))

        def few() -> None:
            self.count(number_of, add)

        def many() -> None:
            sums = [self.accumulate(ty, self.load(region, i64(k))) for k in range(8)]
            blocks = self.op("floordiv", "i64", number_of, i64(8))

            def turn(index: Atom) -> None:
                base = self.op("mul", "i64", self.op("add", "i64", index, i64(1)), i64(8))
                for k in range(8):
                    item = self.load(region, self.op("add", "i64", base, i64(k)))
                    self.emit(Set(sums[k], self.op("add", ty, sums[k], item)))

            self.count(self.op("sub", "i64", blocks, i64(1)), turn)
            parts: list[Atom] = [self.kept(var) for var in sums]
            while len(parts) > 1:
                pairs = range(0, len(parts), 2)
                parts = [self.op("add", ty, parts[k], parts[k + 1]) for k in pairs]
            self.emit(Set(total, parts[0]))
            done = self.op("mul", "i64", blocks, i64(8))
            rest = self.op("sub", "i64", number_of, done)
            self.count(rest, lambda k: add(self.op("add", "i64", done, k)))

        self.when(boolean(self.op("lt", "b1", number_of, i64(8))), few, many)
        return self.kept(total)

    def _sum_atoms(self, ty: Ty, count: int, at: Element) -> Atom:
        if ty in FLOATS:
            return self.pairwise(ty, 0, count, lambda k: self.cast(at(k), ty))
        total: Atom = Lit(0, ty)
        for k in range(count):
            total = self.op("add", ty, total, self.cast(at(i64(k)), ty))
        return total

    def _over_first(self, value: Sel) -> Value:
        if len(value.tail) != 1 or value.tail[0] > _INLINE:
            raise self.refuse("CMP512", "a reduction of the first axis of this selection")
        atoms = []
        ty = _sum_type(value.ty)
        for k in range(value.tail[0]):
            column = Sel(
                value.domain, value.keep, lambda i, _, k=k: value.element(i, (i64(k),)),  # type: ignore[misc]
                value.ty, (), value.deps, value.source,
            )  # fmt: skip
            start: Atom = Lit(0.0, ty) if ty in FLOATS else Lit(0, ty)
            atoms.append(
                self.over_selected(column, ty, start, lambda a, b, _: self.op("add", ty, a, b))
            )
        return self.of_atoms(value.tail, ty, tuple(atoms))

    def over_tail(self, value: Sel, fold: Callable[[int, Element], Atom], ty: Ty) -> Sel:
        """Reduce the last axis of each selected entry."""
        count = value.tail[-1]

        def element(index: Index, rest: Index) -> Atom:
            return fold(count, lambda k: value.element(index, (*rest, k)))

        return Sel(value.domain, value.keep, element, ty, value.tail[:-1], value.deps, value.source)

    def over_selected(
        self, value: Sel, ty: Ty, start: Atom, step: Callable[[Atom, Atom, Atom], Atom]
    ) -> Atom:
        """Combine all selected elements; ``step`` gets the position among all candidates too."""
        self.fresh(value.deps)
        size = 1
        for extent in value.domain:
            size *= extent
        self.charge(1 + size // 16)
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

        self.each(value.domain, turn)
        return self.kept(var)

    def mean(self, value: Value, axis: Value = NONE, keepdims: bool = False) -> Value:
        """Compute ``np.mean``."""
        if isinstance(value, Sel):
            ty = value.ty if value.ty in FLOATS else "f64"
            if not isinstance(axis, NoneV) and value.tail:
                raise self.refuse("CMP512", "a mean along an axis of a selection")
            if value.ty in FLOATS:
                total = self.sum_selected(value)
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

    def variance(
        self, value: Value, axis: Value = NONE, ddof: float = 0, keepdims: bool = False
    ) -> Value:
        """Compute ``np.var``."""
        if isinstance(value, Sel):
            raise self.refuse("CMP512", "the variance of a selection")
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

    def deviation(
        self, value: Value, axis: Value = NONE, ddof: float = 0, keepdims: bool = False
    ) -> Value:
        """Compute ``np.std``."""
        return self.ufunc("sqrt", self.variance(value, axis, ddof, keepdims))

    def extreme(
        self, most: bool, value: Value, axis: Value = NONE, keepdims: bool = False
    ) -> Value:
        """Compute ``np.max`` or ``np.min``; NaN wins."""
        name = "maximum" if most else "minimum"
        if isinstance(value, Sel):
            return self._extreme_selection(most, value, axis)
        array = self.as_array(value)
        if isinstance(array, Num):
            return array
        axes = self.axes_of(array, axis)
        if any(size == 0 for k, size in enumerate(array.shape) if axes is None or k in axes):
            self.fail(
                "ValueError",
                f"zero-size array to reduction operation {name} which has no identity",
            )
        ty = array.ty

        def fold(sizes: tuple[int, ...], at: Callable[[Index], Atom], flat: Element) -> Atom:
            del flat
            first = at(tuple(i64(0) for _ in sizes))
            return self.looped(
                sizes, at, ty, first, lambda a, b: self.element(name, (ty, ty, ty), a, b)
            )

        return self.along(array, axes, keepdims, ty, fold)

    def _extreme_selection(self, most: bool, value: Sel, axis: Value) -> Value:
        name = "maximum" if most else "minimum"
        if isinstance(axis, Num) and value.tail and axis.const in (len(value.tail), -1):
            ty = value.ty

            def fold(count: int, at: Element) -> Atom:
                best = at(i64(0))
                for k in range(1, count):
                    best = self.element(name, (ty, ty, ty), best, at(i64(k)))
                return best

            return self.over_tail(value, fold, ty)
        if value.tail and not isinstance(axis, NoneV):
            raise self.refuse("CMP512", "an extreme along the first axis of a selection")
        some = self.op("gt", "b1", self.length(value).atom, i64(0))
        self.check(
            boolean(some),
            "ValueError",
            f"zero-size array to reduction operation {name} which has no identity",
        )
        ty = value.ty
        start = _worst(ty, most)
        best = self.over_selected(
            value, ty, start, lambda a, b, _: self.element(name, (ty, ty, ty), a, b)
        )
        return self.ranged(value, self.item(best))

    def product(self, value: Value, axis: Value = NONE, keepdims: bool = False) -> Value:
        """Compute ``np.prod``."""
        array = self.as_array(value)
        if isinstance(array, Num):
            return array
        ty = _sum_type(array.ty)
        start: Atom = Lit(1.0, ty) if ty in FLOATS else Lit(1, ty)

        def fold(sizes: tuple[int, ...], at: Callable[[Index], Atom], flat: Element) -> Atom:
            del flat
            return self.looped(
                sizes, at, ty, start, lambda a, b: self.op("mul", ty, a, self.cast(b, ty))
            )

        return self.along(array, self.axes_of(array, axis), keepdims, ty, fold)

    def any_or_all(
        self, every: bool, value: Value, axis: Value = NONE, keepdims: bool = False
    ) -> Value:
        """Compute ``np.any`` or ``np.all``."""
        core = "and" if every else "or"
        start = TRUE if every else FALSE
        if isinstance(value, Sel):
            if isinstance(axis, Num) and value.tail and axis.const in (len(value.tail), -1):

                def fold_tail(count: int, at: Element) -> Atom:
                    result = start
                    for k in range(count):
                        result = self.op(core, "b1", result, self.cast(at(i64(k)), "b1"))
                    return result

                return self.over_tail(value, fold_tail, "b1")
            atom = self.over_selected(value, "b1", start, lambda a, b, _: self.op(core, "b1", a, b))
            return self.item(atom)
        array = self.as_array(value)
        if isinstance(array, Num):
            return self.item(self.cast(array.atom, "b1"))

        def fold(sizes: tuple[int, ...], at: Callable[[Index], Atom], flat: Element) -> Atom:
            del flat
            return self.looped(
                sizes, at, "b1", start,
                lambda a, b: self.op(core, "b1", a, self.cast(b, "b1")),
            )  # fmt: skip

        return self.along(array, self.axes_of(array, axis), keepdims, "b1", fold)

    def reduce_any(self, value: Value) -> Num:
        found = self.any_or_all(False, value)
        assert isinstance(found, Num)
        return boolean(found.atom)

    def count_true(self, value: Value, axis: Value = NONE) -> Value:
        """Compute ``np.count_nonzero``: a Python int without an axis."""
        if isinstance(value, Sel):
            total = self.over_selected(
                Sel(value.domain, value.keep,
                    lambda i, r: self.cast(self.cast(value.element(i, r), "b1"), "i64"),
                    "i64", value.tail, value.deps, value.source),
                "i64", i64(0), lambda a, b, _: self.op("add", "i64", a, b),
            )  # fmt: skip
            return Num(total, True, 0, 2**40)
        array = self.as_array(value)
        if isinstance(array, Num):
            one = self.cast(self.cast(array.atom, "b1"), "i64")
            return Num(one, True, 0, 1)
        truth = array if array.ty == "b1" else self.astype(array, "b1")
        total_value = self.array_sum(truth, axis)
        if isinstance(axis, NoneV) and isinstance(total_value, Num):
            return Num(total_value.atom, True, 0, array.size)
        return total_value

    def arg_extreme(self, most: bool, value: Value, axis: Value = NONE) -> Value:
        """Compute ``np.argmax`` or ``np.argmin``: the first one; the first NaN wins."""
        if isinstance(value, Sel):
            return self._arg_selection(most, value)
        array = self.as_array(value)
        if isinstance(array, Num):
            return self.item(i64(0))
        if array.size == 0:
            self.fail("ValueError", "attempt to get argmax of an empty sequence")

        def fold(sizes: tuple[int, ...], at: Callable[[Index], Atom], flat: Element) -> Atom:
            del at
            total = 1
            for size in sizes:
                total *= size
            return self._first_best(most, array.ty, total, flat)

        return self.along(array, self.axes_of(array, axis), False, "i64", fold)

    def _better(self, most: bool, ty: Ty, new: Atom, old: Atom) -> Atom:
        better = self.op("gt" if most else "lt", "b1", new, old)
        if ty in FLOATS:
            nan = self.op("ne", "b1", new, new)
            fine = self.op("eq", "b1", old, old)
            better = self.op("or", "b1", better, self.op("and", "b1", nan, fine))
        return better

    def _first_best(self, most: bool, ty: Ty, total: int, flat: Element) -> Atom:
        if total <= _INLINE:
            best, place = flat(i64(0)), i64(0)
            found: Atom = place
            for k in range(1, total):
                new = flat(i64(k))
                better = self._better(most, ty, new, best)
                best = self.op("select", ty, better, new, best)
                found = self.op("select", "i64", better, i64(k), found)
            return found
        value = self.accumulate(ty, flat(i64(0)))
        where = self.accumulate("i64", i64(0))

        def turn(index: Atom) -> None:
            new = flat(index)
            better = self._better(most, ty, new, value)
            self.emit(Set(where, self.op("select", "i64", better, index, where)))
            self.emit(Set(value, self.op("select", ty, better, new, value)))

        self.count(i64(total), turn)
        return self.kept(where)

    def _arg_selection(self, most: bool, value: Sel) -> Value:
        if value.tail:
            raise self.refuse("CMP512", "argmin or argmax of a selection with several axes")
        some = self.op("gt", "b1", self.length(value).atom, i64(0))
        self.check(boolean(some), "ValueError", "attempt to get argmin of an empty sequence")
        best = self.accumulate(value.ty, _worst(value.ty, most))
        where = self.accumulate("i64", i64(0))
        seen = self.accumulate("i64", i64(0))

        def turn(index: Index) -> None:
            keep = value.keep(index)
            new = value.element(index, ())
            first = self.op("eq", "b1", seen, i64(0))
            better = self.op("or", "b1", first, self._better(most, value.ty, new, best))
            take = self.op("and", "b1", keep, better)
            self.emit(Set(where, self.op("select", "i64", take, seen, where)))
            self.emit(Set(best, self.op("select", value.ty, take, new, best)))
            self.emit(Set(seen, self.op("add", "i64", seen, self.cast(keep, "i64"))))

        self.each(value.domain, turn)
        size = 1
        for extent in value.domain:
            size *= extent
        return Num(self.kept(where), False, 0, max(size - 1, 0))

    # -- linear algebra

    def dot(self, a: Value, b: Value) -> Value:
        """Compute ``np.dot`` of what is not a selection."""
        x, y = self.as_array(a), self.as_array(b)
        if isinstance(x, Num) or isinstance(y, Num):
            return self.ufunc("multiply", x, y)
        return self.matmul(x, y)

    def matmul(self, a: Value, b: Value) -> Value:
        x, y = self.as_array(a), self.as_array(b)
        if isinstance(x, Num) or isinstance(y, Num):
            self.fail("ValueError", "matmul: Input operand does not have enough dimensions")
        if len(x.shape) > 2 or len(y.shape) > 2:
            raise self.refuse("CMP513", "a product of arrays of more than two axes")
        inner = x.shape[-1]
        if y.shape[0] != inner:
            self.fail("ValueError", f"shapes {x.shape} and {y.shape} not aligned")
        ty = self.common([x.ty, y.ty])
        x, y = self.still(x), self.still(y)
        rows, columns = x.shape[:-1], y.shape[1:]

        def cell(index: Index) -> Atom:
            i, j = index[: len(rows)], index[len(rows) :]
            if ty in FLOATS and not rows and not columns:
                return self.inner_product(
                    ty, inner, lambda k: self.cast(self.get(x, (k,)), ty),
                    lambda k: self.cast(self.get(y, (k,)), ty),
                )  # fmt: skip

            def product(k: Atom) -> Atom:
                left = self.cast(self.get(x, (*i, k)), ty)
                right = self.cast(self.get(y, (k, *j)), ty)
                return self.op("and" if ty == "b1" else "mul", ty, left, right)

            if ty in FLOATS:
                return self.pairwise(ty, 0, inner, product)
            return self.looped(
                (inner,), lambda part: product(part[0]), ty,
                FALSE if ty == "b1" else Lit(0, ty),
                lambda p, q: self.op("or" if ty == "b1" else "add", ty, p, q),
            )  # fmt: skip

        self.charge(1 + x.size * max(y.size, 1) // max(inner, 1) // 16)
        shape = (*rows, *columns)
        if not shape:
            return self.item(cell(()))
        return self.make(shape, ty, cell, (*self.deps(x), *self.deps(y)))

    def norm(self, value: Value, axis: Value = NONE, keepdims: bool = False) -> Value:
        """Compute ``np.linalg.norm`` of order two."""
        if isinstance(value, Sel):
            if not (value.tail and isinstance(axis, Num)):
                raise self.refuse("CMP512", "a norm over a selection as a whole")
            source = value
            if source.ty not in FLOATS:
                source = Sel(
                    value.domain, value.keep,
                    lambda i, r: self.cast(value.element(i, r), "f64"), "f64", value.tail,
                    value.deps, value.source,
                )  # fmt: skip
            if axis.const not in (len(value.tail), -1):
                raise self.refuse("CMP512", "a norm along the first axis of a selection")
            squares = self.select_ufunc("square", [source])
            assert isinstance(squares, Sel)
            total = self._sum_selection(squares, number(-1))
            assert isinstance(total, Sel)
            return self.select_ufunc("sqrt", [total])
        array = self.as_array(value)
        if isinstance(array, Num):
            floated = array if array.ty in FLOATS else self.item(self.cast(array.atom, "f64"))
            return self.ufunc("absolute", floated)
        if array.ty not in FLOATS:
            array = self.astype(array, "f64")
        if isinstance(axis, NoneV):
            origin = array

            def at(k: Atom) -> Atom:
                return self.get_flat(origin, k)

            self.charge(1 + array.size // 16)
            total_atom = self.inner_product(array.ty, array.size, at, at)
            found = self.item(self.op("sqrt", array.ty, total_atom))
            if keepdims:
                return self.of_atoms((1,) * len(array.shape), array.ty, (found.atom,))
            return found
        squared = self.ufunc("multiply", array, array)
        return self.ufunc("sqrt", self.array_sum(squared, axis, keepdims))

    def scan(self, array: Arr, multiply: bool) -> Arr:
        """Compute ``np.cumsum`` or ``np.cumprod`` of the elements in C order."""
        if array.size > 64:
            raise self.refuse("CMP514", "a cumulative sum of more than 64 elements")
        ty = _sum_type(array.ty)
        atoms: list[Atom] = []
        for k in range(array.size):
            item = self.cast(self.get_flat(array, i64(k)), ty)
            if atoms:
                item = self.op("mul" if multiply else "add", ty, atoms[-1], item)
            atoms.append(item)
        return self.of_atoms((array.size,), ty, tuple(atoms))

    def sorted_atoms(self, ty: Ty, atoms: list[Atom]) -> list[Atom]:
        """Sort a few atoms; NaN goes last."""
        if len(atoms) > 32:
            raise self.refuse("CMP515", "sorting more than 32 elements")
        found = list(atoms)
        for stop in range(len(found) - 1, 0, -1):
            for k in range(stop):
                a, b = found[k], found[k + 1]
                swap = self.op("lt", "b1", b, a)
                if ty in FLOATS:
                    swap = self.op(
                        "or", "b1", swap,
                        self.op("and", "b1", self.op("ne", "b1", a, a), self.op("eq", "b1", b, b)),
                    )  # fmt: skip
                found[k] = self.op("select", ty, swap, b, a)
                found[k + 1] = self.op("select", ty, swap, a, b)
        return found


def _sum_type(ty: Ty) -> Ty:
    if ty in FLOATS:
        return ty
    return "i64" if ty in SIGNED or ty == "b1" else "u64"


def _worst(ty: Ty, most: bool) -> Atom:
    """Give the value that any other replaces in a search for the largest or smallest."""
    if ty in FLOATS:
        return Lit(float("-inf") if most else float("inf"), ty)
    if ty == "b1":
        return Lit(not most, ty)
    low, high = limits_of(ty)
    return Lit(low if most else high, ty)
