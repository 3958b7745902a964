"""NumPy: reductions, order, products and comparisons, as the guest calls them."""

from __future__ import annotations

import itertools
import math
from typing import Final

import numpy as np

from sandbox.tiers.compiled.arguments import Args, Keywords, axes
from sandbox.tiers.compiled.choice import Choice
from sandbox.tiers.compiled.core import (
    FLOATS,
    Atom,
    Lit,
)
from sandbox.tiers.compiled.points import FALSE, TRUE, i64
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Dty,
    Index,
    NoneV,
    Num,
    Sel,
    Str,
    Tup,
    Value,
    boolean,
    number,
)

__all__ = ["Numerics"]

_DIGITS: Final = 22
"""Powers of ten up to this one are exact doubles."""


class Numerics(Choice):
    """Functions that compute."""

    def np_sum(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims", "dtype")
        ty = self.dtype_value(keywords.get("dtype"))
        value = self._reducible(args[0])
        return self.array_sum(value, self._axis(args, keywords), self._keepdims(keywords), ty)

    def np_mean(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.mean(
            self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_var(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims", "ddof")
        ddof = self.constant(keywords.get("ddof", number(0)), "ddof")
        return self.variance(
            self._reducible(args[0]), self._axis(args, keywords), ddof, self._keepdims(keywords)
        )

    def np_std(self, args: Args, keywords: Keywords) -> Value:
        return self.ufunc("sqrt", self.np_var(args, keywords))

    def np_max(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.extreme(
            True, self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_min(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.extreme(
            False, self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_ptp(self, args: Args, keywords: Keywords) -> Value:
        return self.ufunc("subtract", self.np_max(args, keywords), self.np_min(args, keywords))

    def np_prod(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.product(
            self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_any(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.any_or_all(
            False, self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_all(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.any_or_all(
            True, self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_argmax(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis")
        return self.arg_extreme(True, self._reducible(args[0]), self._axis(args, keywords))

    def np_argmin(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis")
        return self.arg_extreme(False, self._reducible(args[0]), self._axis(args, keywords))

    def np_count_nonzero(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis")
        return self.count_true(self._reducible(args[0]), self._axis(args, keywords))

    def np_cumsum(self, args: Args, keywords: Keywords) -> Value:
        return self._scan(args, keywords, False)

    def np_cumprod(self, args: Args, keywords: Keywords) -> Value:
        return self._scan(args, keywords, True)

    def _scan(self, args: Args, keywords: Keywords, multiply: bool) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        if len(array.shape) > 1 and not isinstance(self._axis(args, keywords), NoneV):
            raise self.refuse("CMP408", "a cumulative sum along an axis")
        return self.scan(array, multiply)

    def median_of_selection(self, value: Sel) -> Value:
        """Compute ``np.median`` of elements whose number depends on the data."""
        raise NotImplementedError

    def np_median(self, args: Args, keywords: Keywords) -> Value:
        if not isinstance(self._axis(args, keywords), NoneV):
            raise self.refuse("CMP408", "a median along an axis")
        if isinstance(args[0], Sel):
            return self.median_of_selection(args[0])
        array = self.as_array(args[0])
        if isinstance(array, Num):
            return self.ufunc("multiply", array, number(1.0))
        ty = array.ty if array.ty in FLOATS else "f64"
        atoms = [self.cast(self.get_flat(array, i64(k)), ty) for k in range(min(array.size, 33))]
        nan: Atom = FALSE
        for atom in atoms:
            nan = self.either(nan, self.op("ne", "b1", atom, atom))
        found = self.sorted_atoms(ty, atoms)
        half = len(found) // 2
        middle = found[half]
        if len(found) % 2 == 0:
            total = self.op("add", ty, found[half - 1], found[half])
            middle = self.op("div", ty, total, Lit(2.0, ty))
        return self.item(self.op("select", ty, nan, Lit(math.nan, ty), middle))

    def np_sort(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num) or len(array.shape) != 1 or keywords:
            raise self.refuse("CMP408", "sort() of more than one axis")
        atoms = [self.get(array, (i64(k),)) for k in range(min(array.size, 33))]
        found = self.sorted_atoms(array.ty, atoms)
        return self.of_atoms(array.shape, array.ty, tuple(found))

    def np_array_equal(self, args: Args, keywords: Keywords) -> Value:
        a, b = self._comparable(args[0]), self._comparable(args[1])
        shapes = [v.shape if isinstance(v, Arr) else () for v in (a, b)]
        if shapes[0] != shapes[1]:
            return number(False)
        same = self.any_or_all(True, self.ufunc("equal", a, b))
        assert isinstance(same, Num)
        return boolean(same.atom)

    def np_isclose(self, args: Args, keywords: Keywords) -> Value:
        rtol = keywords.get("rtol", args[2] if len(args) > 2 else number(1e-5))
        atol = keywords.get("atol", args[3] if len(args) > 3 else number(1e-8))
        a, b = (self.as_float(arg) for arg in args[:2])
        away = self.ufunc("absolute", self.ufunc("subtract", a, b))
        bound = self.ufunc("add", atol, self.ufunc("multiply", rtol, self.ufunc("absolute", b)))
        near = self.ufunc("less_equal", away, bound)
        finite = self.ufunc("isfinite", b)
        same = self.ufunc("equal", a, b)
        return self.ufunc("logical_or", self.ufunc("logical_and", near, finite), same)

    def np_allclose(self, args: Args, keywords: Keywords) -> Value:
        found = self.any_or_all(True, self.np_isclose(args, keywords))
        assert isinstance(found, Num)
        return boolean(found.atom)

    def np_round(self, args: Args, keywords: Keywords) -> Value:
        digits = args[1] if len(args) > 1 else keywords.get("decimals", number(0))
        return self.rounded_array(args[0], self.constant(digits, "decimals"))

    def rounded_array(self, value: Value, digits: int) -> Value:
        """Round as NumPy does: scale, round, scale back."""
        if digits == 0:
            return self.ufunc("rint", value)
        array = value if isinstance(value, Num | Arr | Sel) else self.as_array(value)
        if abs(digits) > _DIGITS:
            raise self.refuse("CMP410", f"rounding to {digits} digits")
        if array.ty not in FLOATS:
            if digits < 0 or array.ty == "b1":
                raise self.refuse("CMP410", "rounding integers to tens")
            return (
                array
                if isinstance(array, Num)
                else self.np_astype([array, Dty(array.ty, array.ty, False)], {})
            )
        scale = number(10.0 ** abs(digits))
        there, back = ("multiply", "divide") if digits > 0 else ("divide", "multiply")
        return self.ufunc(back, self.ufunc("rint", self.ufunc(there, array, scale)), scale)

    def round_to(self, value: Num, digits: int) -> Num:
        """Round a Python number to digits after the point, exactly as CPython does.

        CPython rounds the exact decimal value of a double, a tie to the even digit. Here the double
        times a power of ten is held exactly in two parts, so its distance from the next integer is
        exact too; that integer over the power is then rounded once.
        """
        if value.ty != "f64":
            if digits < 0:
                raise self.refuse("CMP410", "rounding integers to tens")
            return self.int_of(value)
        if not 0 <= digits <= _DIGITS:
            raise self.refuse("CMP410", f"rounding to {digits} digits")
        x, scale = value.atom, Lit(10.0**digits, "f64")
        high = self.op("mul", "f64", x, scale)
        low = self.op("fma", "f64", x, scale, self.op("neg", "f64", high))
        # Above, a number has no such digits any more, or the product has no room for its half.
        large = self.op("ge", "b1", self.op("abs", "f64", x), Lit(2.0**52, "f64"))
        finite = self.op("lt", "b1", self.op("abs", "f64", x), Lit(math.inf, "f64"))
        whole = self.either(large, self.inverse(finite))
        fits = self.op("lt", "b1", self.op("abs", "f64", high), Lit(2.0**50, "f64"))
        # Below, the low part of the product may be lost; that is far from any half.
        self.only_where(boolean(self.either(whole, fits)))
        down = self.op("floor", "f64", high)
        part = self.op("sub", "f64", high, down)
        # Half a step, from below or above by the low part, or exactly.
        over = self.op("sub", "f64", part, Lit(0.5, "f64"))
        rest = self.op("add", "f64", over, low)
        half = self.op("mul", "f64", down, Lit(0.5, "f64"))
        odd = self.op("ne", "b1", half, self.op("floor", "f64", half))
        tie = self.both(self.op("eq", "b1", rest, Lit(0.0, "f64")), odd)
        up = self.either(self.op("gt", "b1", rest, Lit(0.0, "f64")), tie)
        # The product may be an integer of which the low part takes away less than half.
        step = self.op("select", "f64", up, Lit(1.0, "f64"), Lit(0.0, "f64"))
        found = self.op("div", "f64", self.op("add", "f64", down, step), scale)
        signed = self.op("copysign", "f64", found, x)
        return Num(self.op("select", "f64", whole, x, signed))

    def np_dot(self, args: Args, keywords: Keywords) -> Value:
        return self.dot(args[0], args[1])

    def np_matmul(self, args: Args, keywords: Keywords) -> Value:
        return self.matmul(args[0], args[1])

    def np_outer(self, args: Args, keywords: Keywords) -> Value:
        a, b = self.a_ravel([args[0]], {}), self.a_ravel([args[1]], {})
        assert isinstance(a, Arr)
        return self.ufunc("multiply", self.reshape(a, (a.size, 1)), b)

    def np_cross(self, args: Args, keywords: Keywords) -> Value:
        a, b = self.as_array(args[0]), self.as_array(args[1])
        if not (isinstance(a, Arr) and isinstance(b, Arr) and a.shape == b.shape == (3,)):
            raise self.refuse("CMP408", "cross() of other than two vectors of three")
        ty = self.common([a.ty, b.ty])
        if ty == "b1":
            raise self.refuse("CMP401", "cross() of truth values")
        x = [self.cast(self.get(a, (i64(k),)), ty) for k in range(3)]
        y = [self.cast(self.get(b, (i64(k),)), ty) for k in range(3)]
        atoms = []
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            left, right = self.op("mul", ty, x[i], y[j]), self.op("mul", ty, x[j], y[i])
            atoms.append(self.op("sub", ty, left, right))
        return self.of_atoms((3,), ty, tuple(atoms))

    def np_norm(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims", "ord")
        order = keywords.get("ord", args[1] if len(args) > 1 else NONE)
        value = self._reducible(args[0])
        axis = keywords.get("axis", args[2] if len(args) > 2 else NONE)
        keep = self._keepdims(keywords)
        if not isinstance(order, NoneV):
            known = order.const if isinstance(order, Num) else None
            single = not isinstance(axis, NoneV) or (
                not isinstance(value, Sel) and axes(self.as_array(value)) == 1
            )
            if not single or known is None:
                raise self.refuse("CMP408", "this order of a norm")
            size = self.ufunc("absolute", self.as_float(value))
            if known == 1:
                return self.array_sum(size, axis, keep)
            if known == math.inf:
                return self.extreme(True, size, axis, keep)
            if known != 2:
                raise self.refuse("CMP408", "this order of a norm")
        return self.norm(value, axis, keep)

    def np_trace(self, args: Args, keywords: Keywords) -> Value:
        return self.array_sum(self.np_diag([args[0]], {}))

    def np_average(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "weights")
        weights = keywords.get("weights", NONE)
        axis = self._axis(args, keywords)
        if isinstance(weights, NoneV):
            return self.mean(self._reducible(args[0]), axis)
        if not isinstance(axis, NoneV):
            raise self.refuse("CMP408", "a weighted average along an axis")
        weighted = self.ufunc("multiply", args[0], weights)
        total = self.array_sum(self.as_array(weights))
        if isinstance(total, Num):
            zero = self.truth_of(total)
            self.check(zero, "ZeroDivisionError", "Weights sum to zero, can't be normalized")
        return self.ufunc("divide", self.array_sum(weighted), total)

    def np_nan_to_num(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "nan", "posinf", "neginf")
        value = args[0] if isinstance(args[0], Num | Arr) else self.as_array(args[0])
        if value.ty not in FLOATS:
            return value
        most = float(np.finfo(np.float32 if value.ty == "f32" else np.float64).max)
        nan = keywords.get("nan", number(0.0))
        infinite = self.ufunc("isinf", value)
        above = self.ufunc("greater", value, number(0.0))
        top = keywords.get("posinf", number(most))
        bottom = keywords.get("neginf", number(-most))
        fixed = self.where(self.ufunc("logical_and", infinite, above), top, value)
        below = self.ufunc("less", value, number(0.0))
        fixed = self.where(self.ufunc("logical_and", infinite, below), bottom, fixed)
        return self.where(self.ufunc("isnan", value), nan, fixed)

    def np_argsort(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        self.no_keywords(keywords, "kind")
        kind = keywords.get("kind", NONE)
        stable = True
        if not (isinstance(kind, Str) and kind.text in {"stable", "mergesort"}):
            stable = False
        if isinstance(array, Num) or len(array.shape) != 1 or array.size > 16:
            raise self.refuse("CMP515", "argsort() of more than 16 elements or one axis")
        values = [self.get(array, (i64(k),)) for k in range(array.size)]
        places: list[Atom] = [i64(k) for k in range(array.size)]
        for stop in range(len(values) - 1, 0, -1):
            for k in range(stop):
                a, b = values[k], values[k + 1]
                swap = self.op("lt", "b1", b, a)
                if array.ty in FLOATS:
                    nan = self.both(self.op("ne", "b1", a, a), self.op("eq", "b1", b, b))
                    swap = self.either(swap, nan)
                for row, ty in ((values, array.ty), (places, "i64")):
                    x, y = row[k], row[k + 1]
                    row[k] = self.op("select", ty, swap, y, x)
                    row[k + 1] = self.op("select", ty, swap, x, y)
        if not stable:
            # NumPy's vectorised sorts of AVX2 and AVX-512 leave equal elements each in an order of
            # its own, so a row that has some is computed by NumPy itself.
            for a, b in itertools.pairwise(values):
                self.only_where(boolean(self.op("lt", "b1", a, b)))
        return self.of_atoms((array.size,), "i64", tuple(places))

    def np_unique(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "return_counts")
        array = self.as_array(args[0])
        axis = keywords.get("axis", NONE)
        if isinstance(array, Num):
            raise self.refuse("CMP408", "unique() of a number")
        if isinstance(axis, NoneV):
            array = self.reshape(array, (array.size,))
        elif self.constant(axis, "an axis") != 0:
            raise self.refuse("CMP408", "unique() along another axis than the first")
        count = array.shape[0]
        tail = array.shape[1:]
        if count > 16 or array.size > 64 or len(tail) > 1 or array.ty in FLOATS:
            raise self.refuse("CMP515", "unique() of more than 16 integers")
        width = tail[0] if tail else 1
        rows = [
            [self.get_flat(array, i64(k * width + j)) for j in range(width)] for k in range(count)
        ]
        for stop in range(count - 1, 0, -1):
            for k in range(stop):
                swap, level = FALSE, TRUE
                for x, y in zip(rows[k], rows[k + 1], strict=True):
                    swap = self.either(swap, self.both(level, self.op("lt", "b1", y, x)))
                    level = self.both(level, self.op("eq", "b1", x, y))
                for j in range(width):
                    x, y = rows[k][j], rows[k + 1][j]
                    rows[k][j] = self.op("select", array.ty, swap, y, x)
                    rows[k + 1][j] = self.op("select", array.ty, swap, x, y)
        ordered = self.of_atoms(array.shape, array.ty, tuple(a for row in rows for a in row))
        first: list[Atom] = []
        counts: list[Atom] = []
        for k in range(count):
            new: Atom = TRUE
            if k:
                new = FALSE
                for x, y in zip(rows[k - 1], rows[k], strict=True):
                    new = self.either(new, self.op("ne", "b1", x, y))
            first.append(new)
        run: Atom = i64(0)
        for k in range(count - 1, -1, -1):
            # Counted from the end: how many of the same follow, this one included.
            after = (
                FALSE
                if k + 1 < count and first[k + 1] == TRUE
                else (self.inverse(first[k + 1]) if k + 1 < count else FALSE)
            )
            run = self.op("add", "i64", self.op("select", "i64", after, run, i64(0)), i64(1))
            counts.insert(0, run)
        mask = self.of_atoms((count,), "b1", tuple(first))
        found = self.masked(ordered, mask)
        if "return_counts" not in keywords:
            return found
        return Tup((found, self.masked(self.of_atoms((count,), "i64", tuple(counts)), mask)))

    def np_sum_first(self, args: Args, keywords: Keywords) -> Value:
        return self.array_sum(args[0], number(0))

    def np_bincount(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        least = self.constant(keywords.get("minlength", number(0)), "minlength")
        if not isinstance(array, Arr) or "weights" in keywords or least < 1:
            raise self.refuse("CMP409", "bincount() without a known length")
        top = self.extreme(True, array)
        assert isinstance(top, Num)
        small = self.op("lt", "b1", self.cast(top.atom, "i64"), i64(least))
        self.check(boolean(small), "OverflowError", "bincount() of more than minlength entries")
        low = self.extreme(False, array)
        assert isinstance(low, Num)
        good = self.op("ge", "b1", self.cast(low.atom, "i64"), i64(0))
        self.check(boolean(good), "ValueError", "'list' argument must have no negative elements")

        def count(index: Index) -> Atom:
            total = self.count_true(
                self.ufunc("equal", array, Num(self.cast(index[0], "i64"), False, 0, least))
            )
            assert isinstance(total, Num)
            return total.atom

        atoms = tuple(count((i64(k),)) for k in range(least))
        return self.of_atoms((least,), "i64", atoms)

    def np_convolve(self, args: Args, keywords: Keywords) -> Value:
        x, kernel = self.as_array(args[0]), self.as_array(args[1])
        mode = keywords.get("mode", args[2] if len(args) > 2 else Str("full"))
        if mode != Str("valid") or not (isinstance(x, Arr) and isinstance(kernel, Arr)):
            raise self.refuse("CMP408", "convolve() in another mode than 'valid'")
        if len(x.shape) != 1 or len(kernel.shape) != 1:
            self.fail("ValueError", "object too deep for desired array")
        if x.shape[0] < kernel.shape[0]:
            x, kernel = kernel, x
        ty = self.common([x.ty, kernel.ty])
        width = kernel.shape[0]
        x, kernel = self.still(x), self.still(kernel)

        def rule(index: Index) -> Atom:
            def term(k: Atom) -> Atom:
                place = self.op("add", "i64", index[0], k)
                back = self.op("sub", "i64", i64(width - 1), k)
                return self.op(
                    "mul", ty, self.cast(self.get(x, (place,)), ty),
                    self.cast(self.get(kernel, (back,)), ty),
                )  # fmt: skip

            if ty in FLOATS:
                return self.pairwise(ty, 0, width, term)
            return self.looped(
                (width,), lambda part: term(part[0]), ty, Lit(0, ty),
                lambda a, b: self.op("add", ty, a, b),
            )  # fmt: skip

        deps = (*self.deps(x), *self.deps(kernel))
        return self.make((x.shape[0] - width + 1,), ty, rule, deps)
