"""Reductions over arrays and selections, in the order in which NumPy adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Set, Ty, limits_of
from sandbox.tiers.compiled.points import FALSE, TRUE, i64
from sandbox.tiers.compiled.sums import INLINE, Element, Sums, sum_type
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Index,
    NoneV,
    Num,
    Sel,
    Value,
    boolean,
    number,
)

__all__ = ["Reductions", "worst"]

_COUNTS_IN_PYTHON: Final = isinstance(np.count_nonzero(np.zeros(1)), int)


class Reductions(Sums):
    """Sums, extrema and the like."""

    # -- the reductions

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
        first_axis = isinstance(axis, Num) and axis.const == 0 and bool(value.tail)
        if value.tail and not isinstance(axis, NoneV) and not first_axis:
            raise self.refuse("CMP512", "an extreme along this axis of a selection")
        some = self.op("gt", "b1", self.length(value).atom, i64(0))
        self.check(
            boolean(some),
            "ValueError",
            f"zero-size array to reduction operation {name} which has no identity",
        )
        ty = value.ty
        start = worst(ty, most)
        if first_axis:
            found = self.along_first(
                value, ty, start, lambda a, b: self.element(name, (ty, ty, ty), a, b)
            )
            if value.bounds is not None:
                content = self.pt.heap[found.cell]
                self.keepalive.append(content)
                self.ranges[id(content)] = value.bounds
            return found
        best = self.over_selected(
            value, ty, start, lambda a, b, _: self.element(name, (ty, ty, ty), a, b)
        )
        return self.ranged(value, self.item(best))

    def product(self, value: Value, axis: Value = NONE, keepdims: bool = False) -> Value:
        """Compute ``np.prod``."""
        array = self.as_array(value)
        if isinstance(array, Num):
            return array
        ty = sum_type(array.ty)
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
        """Compute ``np.count_nonzero``: without an axis a Python int, since NumPy 2.4 an int64."""
        if isinstance(value, Sel):
            total = self.over_selected(
                Sel(value.domain, value.keep,
                    lambda i, r: self.cast(self.cast(value.element(i, r), "b1"), "i64"),
                    "i64", value.tail, value.deps, value.source, value.bounds, value.bound,
                    value.extents),
                "i64", i64(0), lambda a, b, _: self.op("add", "i64", a, b),
            )  # fmt: skip
            return Num(total, _COUNTS_IN_PYTHON, 0, 2**40)
        array = self.as_array(value)
        if isinstance(array, Num):
            one = self.cast(self.cast(array.atom, "b1"), "i64")
            return Num(one, _COUNTS_IN_PYTHON, 0, 1)
        truth = array if array.ty == "b1" else self.astype(array, "b1")
        total_value = self.array_sum(truth, axis)
        if isinstance(axis, NoneV) and isinstance(total_value, Num):
            return Num(total_value.atom, _COUNTS_IN_PYTHON, 0, array.size)
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
        if total <= INLINE:
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
        best = self.accumulate(value.ty, worst(value.ty, most))
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

        self.candidates(value, turn)
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
                    value.deps, value.source, bound=value.bound, extents=value.extents,
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
        ty = sum_type(array.ty)
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


def worst(ty: Ty, most: bool) -> Atom:
    """Give the value that any other replaces in a search for the largest or smallest."""
    if ty in FLOATS:
        return Lit(float("-inf") if most else float("inf"), ty)
    if ty == "b1":
        return Lit(not most, ty)
    low, high = limits_of(ty)
    return Lit(low if most else high, ty)
