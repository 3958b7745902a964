"""Arrays: views, element-wise expressions without temporaries, indexing, assignment.

An array of up to a few elements is kept as scalars; a larger result of an expression is a rule
that gives any element on demand, so that a chain of expressions ends as one loop where it is
reduced. Observations are read in place and copied when the program writes into them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Set, Ty
from sandbox.tiers.compiled.points import EXPLODE, FALSE, i64
from sandbox.tiers.compiled.scalars import COMPARE
from sandbox.tiers.compiled.storage import strides_of, within
from sandbox.tiers.compiled.values import (
    Arr,
    Index,
    Num,
    Sel,
    Value,
    boolean,
    integer,
)
from sandbox.tiers.compiled.views import Views

__all__ = ["Arrays"]


class Arrays(Views):
    """Operations on `Arr` and `Sel`."""

    # -- element-wise expressions

    @staticmethod
    def _exactly_compared(
        name: str, kinds: tuple[tuple[Ty, bool], ...], tys: tuple[Ty, ...]
    ) -> tuple[Ty, ...]:
        """Compare small integers with a Python int as NumPy 2 does, which may be beyond them."""
        if name not in COMPARE.values() or ("i64", True) not in kinds:
            return tys
        small = all(ty not in FLOATS and ty != "u64" for ty, _ in kinds)
        return ("i64", "i64", "b1") if small and tys[-1] == "b1" else tys

    def ufunc(self, name: str, *args: Value) -> Value:
        """Apply a ufunc to numbers and arrays of any shapes that broadcast."""
        inputs = [arg if isinstance(arg, Num | Arr | Sel) else self.as_array(arg) for arg in args]
        inputs = [self.snapshot(self._sure(arg)) for arg in inputs]
        if any(isinstance(arg, Sel) for arg in inputs):
            return self.select_ufunc(name, inputs)
        shapes = [arg.shape for arg in inputs if isinstance(arg, Arr)]
        kinds = tuple((arg.ty, isinstance(arg, Num) and arg.weak is True) for arg in inputs)
        if name == "subtract" and all(ty == "b1" for ty, _ in kinds):
            self.fail("TypeError", "numpy boolean subtract, the `-` operator, is not supported")
        if name == "power" and shapes and isinstance(inputs[1], Num):
            # What ndarray.__pow__ does for these exponents.
            fast = {2: "square", 1: "positive", 0.5: "sqrt", -1: "reciprocal"}
            exponent = inputs[1].const
            base_float = inputs[0].ty in ("f32", "f64")
            known = None if exponent is None else fast.get(float(exponent))
            if known and (base_float or known == "square"):
                return self.ufunc(known, inputs[0])
        tys = self._exactly_compared(name, kinds, self.types_of(name, kinds))
        if not shapes:
            atoms = [
                self.fit(arg, ty) if arg.weak is True else self.cast(arg.atom, ty)
                for arg, ty in zip(inputs, tys, strict=False)
                if isinstance(arg, Num)
            ]
            nums = tuple(arg for arg in inputs if isinstance(arg, Num))
            return self.numpy_result(self.element(name, tys, *atoms), name, nums)
        shape = self.broadcast(shapes)
        known_atoms = {
            k: self.fit(arg, tys[k]) if arg.weak is True else self.cast(arg.atom, tys[k])
            for k, arg in enumerate(inputs)
            if isinstance(arg, Num)
        }
        deps = tuple(d for arg in inputs if isinstance(arg, Arr) for d in self.deps(arg))

        def rule(index: Index) -> Atom:
            parts = [
                known_atoms[k]
                if isinstance(arg, Num)
                else self.cast(self.get(arg, within(arg.shape, index)), tys[k])
                for k, arg in enumerate(inputs)
                if isinstance(arg, Num | Arr)
            ]
            return self.element(name, tys, *parts)

        def flat(position: Atom) -> Atom:
            parts = [
                known_atoms[k]
                if isinstance(arg, Num)
                else self.cast(self.get_flat(arg, position), tys[k])
                for k, arg in enumerate(inputs)
                if isinstance(arg, Num | Arr)
            ]
            return self.element(name, tys, *parts)

        same = all(arg.shape == shape for arg in inputs if isinstance(arg, Arr))
        return self.make(shape, tys[-1], rule, deps, flat if same else None)

    def _sure(self, value: Num | Arr | Sel) -> Num | Arr | Sel:
        if isinstance(value, Num) and not isinstance(value.weak, bool):
            if value.ty == "f64":
                raise self.refuse(
                    "CMP407", "a number that is Python's or NumPy's by path meets an array"
                )
            return Num(value.atom, False, value.low, value.high)
        return value

    # -- selections

    def length(self, sel: Sel) -> Num:
        """Count how many candidates are selected."""
        self.fresh(sel.deps)
        key = ("length", sel.source)
        found = self.pt.known.get(key)
        size = int(np.prod(sel.domain)) if sel.domain else 1
        if sel.bound is not None:
            return integer(sel.bound, 0, size)
        if found is None:
            total = self.accumulate("i64", i64(0))

            def add(index: Index) -> None:
                one = self.cast(sel.keep(index), "i64")
                self.emit(Set(total, self.op("add", "i64", total, one)))

            self.candidates(sel, add)
            found = self.kept(total)
            self.pt.known[key] = found
        return integer(found, 0, size)

    def candidates(self, sel: Sel, body: Callable[[Index], None]) -> None:
        """Run a body that changes no guest value for every candidate."""
        if sel.extents is not None:
            self.within_extents(sel.extents, body)
        elif sel.bound is None:
            self.each(sel.domain, body)
        else:
            self.count(sel.bound, lambda index: body((index,)))

    def within_extents(
        self, extents: tuple[Atom, ...], body: Callable[[Index], None], prefix: Index = ()
    ) -> None:
        """Run a body that changes no guest value for every index within extents."""
        if len(prefix) == len(extents):
            body(prefix)
            return
        here = extents[len(prefix)]
        if here == i64(1):
            self.within_extents(extents, body, (*prefix, i64(0)))
            return
        self.count(here, lambda k: self.within_extents(extents, body, (*prefix, k)))

    def nth(self, sel: Sel, which: Num) -> Value:
        """Give the entry at a position of the first axis."""
        self.fresh(sel.deps)
        # The first and the last one are an extreme of the positions, which needs no counting.
        end = {0: "min", -1: "max"}.get(-2 if which.const is None else int(which.const), "")
        wanted = self.cast(which.atom, "i64")
        if which.low < 0 and not end:
            length = self.length(sel).atom
            negative = self.op("lt", "b1", wanted, i64(0))
            from_end = self.op("add", "i64", wanted, length)
            wanted = self.op("select", "i64", negative, from_end, wanted)
        size = int(np.prod(sel.domain)) if sel.domain else 1
        strides = strides_of(sel.domain)
        seen = self.accumulate("i64", i64(0))
        place = self.accumulate("i64", i64(size if end == "min" else -1))

        def look(index: Index) -> None:
            position: Atom = i64(0)
            for atom, stride in zip(index, strides, strict=True):
                position = self.op("add", "i64", position, self.op("mul", "i64", atom, i64(stride)))
            chosen = sel.keep(index)
            if end:
                none = i64(size if end == "min" else -1)
                candidate = self.op("select", "i64", chosen, position, none)
                self.emit(Set(place, self.op(end, "i64", place, candidate)))
                return
            here = self.both(chosen, self.op("eq", "b1", seen, wanted))
            self.emit(Set(place, self.op("select", "i64", here, position, place)))
            more = self.op("add", "i64", seen, self.cast(chosen, "i64"))
            self.emit(Set(seen, more))

        self.candidates(sel, look)
        found = self.kept(place)
        good = (
            self.op("lt", "b1", found, i64(size))
            if end == "min"
            else self.op("ge", "b1", found, i64(0))
        )
        text = "index is out of bounds for axis 0 with a size that depends on the data"
        if which.const == 0:
            text = "index 0 is out of bounds for axis 0 with size 0"
        self.check(boolean(good), "IndexError", text)
        index = self.unravel(found, sel.domain)
        return self.entry(sel, index)

    def entry(self, sel: Sel, index: Index) -> Value:
        """Give the entry of a candidate: a number, or an array of the further axes."""
        if not sel.tail:
            return self.ranged(sel, self.item(sel.element(index, ())))
        if len(sel.tail) == 1 and sel.tail[0] <= EXPLODE:
            atoms = tuple(sel.element(index, (i64(k),)) for k in range(sel.tail[0]))
            made = self.of_atoms(sel.tail, sel.ty, atoms)
            if sel.bounds is not None:
                content = self.pt.heap[made.cell]
                self.keepalive.append(content)
                self.ranges[id(content)] = sel.bounds
            return made
        return self.make(sel.tail, sel.ty, lambda tail: sel.element(index, tail), sel.deps)

    def ranged(self, sel: Sel, value: Num) -> Num:
        """Note the range of a number taken from a selection."""
        if sel.bounds is None:
            return value
        return Num(value.atom, value.weak, *sel.bounds)

    def select_ufunc(self, name: str, inputs: list[Num | Arr | Sel]) -> Value:
        """Apply a ufunc to selected elements, and numbers or arrays that broadcast to them."""
        first = next(arg for arg in inputs if isinstance(arg, Sel))
        for arg in inputs:
            if isinstance(arg, Sel) and arg.source != first.source:
                if arg.bound is not None and first.bound is not None:
                    # Both go on without gaps. Where one is longer it is NumPy that says what then.
                    same = self.op("eq", "b1", arg.bound, first.bound)
                    self.only_where(Num(same, True, 0, 1))
                    continue
                plain = arg.bound is None and first.bound is None
                if plain and arg.domain == first.domain and arg.extents is first.extents is None:
                    self.only_same(arg.domain, arg.keep, first.keep)
                    continue
                raise self.refuse("CMP508", "two different selections in one expression")
            if isinstance(arg, Arr) and len(arg.shape) > len(first.tail):
                raise self.refuse("CMP508", "a selection and a whole array in one expression")
        kinds = tuple((arg.ty, isinstance(arg, Num) and arg.weak is True) for arg in inputs)
        if name == "power" and isinstance(inputs[1], Num) and inputs[1].const == 2:
            return self.select_ufunc("square", inputs[:1])
        tys = self._exactly_compared(name, kinds, self.types_of(name, kinds))
        tails = [arg.tail if isinstance(arg, Sel) else arg.shape for arg in inputs
                 if not isinstance(arg, Num)]  # fmt: skip
        tail = self.broadcast(tails)
        known = {
            k: self.fit(arg, tys[k]) if arg.weak is True else self.cast(arg.atom, tys[k])
            for k, arg in enumerate(inputs)
            if isinstance(arg, Num)
        }

        def element(index: Index, rest: Index) -> Atom:
            parts = []
            for k, arg in enumerate(inputs):
                if isinstance(arg, Num):
                    parts.append(known[k])
                elif isinstance(arg, Sel):
                    parts.append(self.cast(arg.element(index, within(arg.tail, rest)), tys[k]))
                else:
                    parts.append(self.cast(self.get(arg, within(arg.shape, rest)), tys[k]))
            return self.element(name, tys, *parts)

        deps = tuple(d for arg in inputs if isinstance(arg, Arr) for d in self.deps(arg))
        return Sel(
            first.domain, first.keep, element, tys[-1], tail, (*first.deps, *deps), first.source,
            bound=first.bound, extents=first.extents,
        )  # fmt: skip

    def only_same(
        self,
        domain: tuple[int, ...],
        one: Callable[[Index], Atom],
        other: Callable[[Index], Atom],
    ) -> None:
        """Go on only where two masks are equal: what NumPy does where not is left to it."""
        differ = self.accumulate("b1", FALSE)

        def turn(index: Index) -> None:
            apart = self.op("xor", "b1", one(index), other(index))
            self.emit(Set(differ, self.op("or", "b1", differ, apart)))

        self.each(domain, turn)
        self.only_where(boolean(self.inverse(self.kept(differ))))

    def masked(self, array: Arr, mask: Arr) -> Sel:
        """Select by a mask over the first axes."""
        depth = len(mask.shape)
        source = self.source(mask)
        array, mask = self.still(array), self.still(mask)
        if array.shape[:depth] != mask.shape:
            self.fail("IndexError", "boolean index did not match indexed array")
        return Sel(
            mask.shape,
            lambda index: self.get(mask, index),
            lambda index, rest: self.get(array, (*index, *rest)),
            array.ty,
            array.shape[depth:],
            (*self.deps(array), *self.deps(mask)),
            source,
        )

    def source(self, mask: Arr) -> object:
        """Name what a mask selects; equal names select the same candidates."""
        content = self.pt.heap[mask.cell]
        self.keepalive.append(content)
        return (id(content), mask.shape, mask.view)

    def places(self, mask: Arr) -> Sel:
        """Give what ``np.argwhere`` gives."""
        source = self.source(mask)
        truth = self.still(mask if mask.ty == "b1" else self.astype(mask, "b1"))
        top = max((*truth.shape, 1)) - 1

        def element(index: Index, rest: Index) -> Atom:
            which = rest[0]
            if isinstance(which, Lit):
                return index[int(which.value)]
            result = index[-1]
            for k in range(len(index) - 2, -1, -1):
                here = self.op("eq", "b1", which, i64(k))
                result = self.op("select", "i64", here, index[k], result)
            return result

        return Sel(
            truth.shape,
            lambda index: self.get(truth, index),
            element,
            "i64",
            (len(truth.shape),),
            self.deps(truth),
            source,
            (0, top),
        )
