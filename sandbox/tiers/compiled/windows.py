"""Parts of images whose extents depend on the data, and expressions over them.

``image[y:y + h, x:x + w]`` has a shape that only the row knows. It is a `Window`: extents as numbers,
and a rule for its elements; where it is a part of memory as it lies there, kernels copy it from
there. What is computed of it element by element is a window again, without a temporary; what is
selected from it, or reduced, goes through the same code as selections by masks.

Two windows in one expression must have the same extents, which is checked when a row runs. If they
differ, NumPy may broadcast or raise; that row is left to the interpreted tier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Set, Store, Ty
from sandbox.tiers.compiled.generators import Generators
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.storage import ELLIPSIS, strides_of
from sandbox.tiers.compiled.sums import sum_type
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Buffer,
    Builtin,
    Column,
    Dty,
    Index,
    Lazy,
    NoneV,
    Num,
    Points,
    Sel,
    SliceV,
    Tup,
    Union,
    Value,
    View,
    Window,
    boolean,
    integer,
    number,
)

__all__ = ["Windows"]

_HISTOGRAM: Final = 256
_INEXACT: Final = FLOATS | {"i64", "u64"}
_FEW: Final = 16
"""Elements up to which a mean is computed as in other programs."""
_MANY: Final = 8_192
"""Floats from which on a sum is computed from memory."""


class Windows(Generators):
    """Operations on `Window`."""

    # -- extents

    def window_size(self, value: Window) -> Num:
        """Count the elements."""
        total: Num = number(1)
        for extent in value.shape:
            atom = self.op("mul", "i64", total.atom, extent.atom)
            total = integer(atom, 0, total.high * max(extent.high, 0))
        return total

    def elements_of(self, value: Arr | Window) -> Atom:
        """Count the elements of an array."""
        return i64(value.size) if isinstance(value, Arr) else self.window_size(value).atom

    def extents_of(self, value: Arr | Window) -> tuple[Num, ...]:
        """Give the shape of an array as numbers."""
        if isinstance(value, Arr):
            return tuple(number(size) for size in value.shape)
        return value.shape

    def same_extent(self, a: Num, b: Num) -> None:
        """Go on only where two extents are the same; elsewhere NumPy broadcasts, or raises."""
        if a.atom != b.atom:
            self.only_where(boolean(self.op("eq", "b1", a.atom, b.atom)))

    def element_at(self, value: Arr | Window, index: Index) -> Atom:
        """Read an element of either kind."""
        if isinstance(value, Arr):
            return self.get(value, index)
        self.fresh(value.deps)
        return value.rule(index)

    def deps_of(self, value: Arr | Window) -> tuple[tuple[int, int], ...]:
        """Give the written memory that either kind depends on."""
        return self.deps(value) if isinstance(value, Arr) else value.deps

    def window(
        self,
        shape: tuple[Num, ...],
        ty: Ty,
        rule: Callable[[Index], Atom],
        deps: tuple[tuple[int, int], ...] = (),
    ) -> Arr | Window:
        """Make an array of a rule, of whichever kind its extents allow."""
        known = [extent.const for extent in shape]
        if all(size is not None for size in known):
            return self.make(tuple(int(size or 0) for size in known), ty, rule, deps)
        return Window(shape, ty, rule, deps)

    def each_in(self, shape: tuple[Num, ...], body: Callable[[Index], None]) -> None:
        """Run a body that changes no guest value for every index within extents."""
        self.within_extents(tuple(extent.atom for extent in shape), body)

    # -- making

    def is_dynamic(self, parts: list[Value]) -> bool:
        """Whether an index has a slice whose bounds depend on the data."""
        return any(
            isinstance(part, SliceV)
            and any(
                isinstance(bound, Num) and bound.const is None
                for bound in (part.start, part.stop, part.step)
            )
            for part in parts
        )

    def plain_parts(self, parts: list[Value]) -> list[Value]:
        """Make one number of a bound of a slice whose kind of integer depends on the path."""

        def plain(bound: Value) -> Value:
            if not isinstance(bound, Union):
                return bound
            possible = [bound.variants[k] for k in self.possible(bound)]
            if not all(isinstance(v, Num) and v.ty not in FLOATS for v in possible):
                raise self.refuse("CMP506", "a slice whose bounds are numbers only on some paths")
            atom: Atom | None = None
            low, high = 0, 0
            for k in self.possible(bound):
                variant = bound.variants[k]
                assert isinstance(variant, Num)
                own = self.cast(variant.atom, "i64")
                low, high = min(low, variant.low), max(high, variant.high)
                if atom is None:
                    atom = own
                    continue
                here = self.op("eq", "b1", bound.tag, i64(k))
                atom = self.op("select", "i64", here, own, atom)
            assert atom is not None
            return integer(atom, low, high)

        return [
            SliceV(plain(part.start), plain(part.stop), plain(part.step))
            if isinstance(part, SliceV)
            else part
            for part in parts
        ]

    def full_index(self, axes: int, parts: list[Value]) -> list[Value]:
        """Write out ``...`` and what is left out of an index."""
        taken = sum(1 for part in parts if isinstance(part, Num | SliceV))
        if axes < taken:
            self.fail(
                "IndexError",
                f"too many indices for array: array is {axes}-dimensional,"
                f" but {taken} were indexed",
            )
        if ELLIPSIS not in parts:
            parts = [*parts, ELLIPSIS]
        place = parts.index(ELLIPSIS)
        rest: list[Value] = [SliceV(NONE, NONE, NONE)] * (axes - taken)
        return [*parts[:place], *rest, *parts[place + 1 :]]

    def part_of(self, owner: Arr | Window, parts: list[Value]) -> Value:
        """Index with integers, slices with any bounds, None and ``...``."""
        extents = self.extents_of(owner)
        parts = self.full_index(len(extents), parts)
        shape: list[Num] = []
        # For each axis of the owner: a fixed index, or the axis of the result, its start and step.
        plan: list[Atom | tuple[int, Atom, int]] = []
        axis = 0
        for part in parts:
            if isinstance(part, NoneV):
                shape.append(number(1))
                continue
            size = extents[axis]
            if isinstance(part, Num):
                plan.append(self._checked_place(part, size, axis))
            else:
                assert isinstance(part, SliceV)
                start, extent, step = self._span(part, size)
                plan.append((len(shape), start, step))
                shape.append(extent)
            axis += 1
        return self._planned(owner, tuple(shape), plan)

    def _checked_place(self, part: Num, size: Num, axis: int) -> Atom:
        if part.ty in FLOATS or part.ty == "b1":
            raise self.refuse("CMP509", "this index of an array")
        if size.const is not None:
            text = f"index is out of bounds for axis {axis} with size {int(size.const)}"
            return self.bounded(part, int(size.const), text)
        atom = self.cast(part.atom, "i64")
        if part.low < 0:
            negative = self.op("lt", "b1", atom, i64(0))
            atom = self.op("select", "i64", negative, self.op("add", "i64", atom, size.atom), atom)
        good = self.both(self.op("ge", "b1", atom, i64(0)), self.op("lt", "b1", atom, size.atom))
        text = f"index is out of bounds for axis {axis} with a size that depends on the data"
        self.check(boolean(good), "IndexError", text)
        return atom

    def _span(self, part: SliceV, size: Num) -> tuple[Atom, Num, int]:
        """Give start, extent and step of a slice, within the axis as CPython clips it."""
        if size.const is not None and not self.is_dynamic([part]):
            known = self.slice_of(part, int(size.const))
            return i64(known.start), number(len(known)), known.step
        step = 1
        if not isinstance(part.step, NoneV):
            if not isinstance(part.step, Num) or part.step.const is None:
                raise self.refuse("CMP506", "a slice with a step that depends on the data")
            step = int(part.step.const)
        if step == 0:
            self.fail("ValueError", "slice step cannot be zero")
        if abs(step) != 1:
            raise self.refuse("CMP506", "a slice with a step and bounds that depend on the data")
        for bound in (part.start, part.stop):
            if isinstance(bound, Num) and bound.ty in FLOATS:
                self.fail(
                    "TypeError",
                    "slice indices must be integers or None or have an __index__ method",
                )
        first = self.slice_edge(part.start, size.atom, step, True)
        last = self.slice_edge(part.stop, size.atom, step, False)
        distance = self.op("sub", "i64", *((last, first) if step > 0 else (first, last)))
        some = self.op("gt", "b1", distance, i64(0))
        extent = self.op("select", "i64", some, distance, i64(0))
        # Nothing of it is read where it is empty; but its start shall be a place all the same.
        start = self.op("select", "i64", some, first, i64(0))
        return start, integer(extent, 0, self._longest(part, size, step)), step

    @staticmethod
    def _longest(part: SliceV, size: Num, step: int) -> int:
        """Give the most elements that a slice can have."""
        start, stop = part.start, part.stop
        if step > 0 and isinstance(stop, Num) and stop.low >= 0:
            first = start.low if isinstance(start, Num) and start.low >= 0 else 0
            return max(min(size.high, stop.high) - min(first, size.high), 0)
        return max(size.high, 0)

    def _planned(
        self, owner: Arr | Window, shape: tuple[Num, ...], plan: list[Atom | tuple[int, Atom, int]]
    ) -> Value:
        def source(index: Index) -> Index:
            return tuple(
                self.op("add", "i64", part[1], self.op("mul", "i64", index[part[0]], i64(part[2])))
                if isinstance(part, tuple)
                else part
                for part in plan
            )

        if isinstance(owner, Arr):
            content = self.pt.heap[owner.cell]
            if isinstance(content, Lazy):
                content.shared = True
            origin: Arr | Window = self.still(owner)
        else:
            origin = owner
        if not shape:
            return self.item(self.element_at(origin, source(())))
        deps = self.deps_of(origin)
        found = self._as_known(origin, shape, plan)
        if found is not None:
            return found
        made = Window(shape, owner.ty, lambda index: self.element_at(origin, source(index)), deps)
        lies = self.memory_of(origin)
        if lies is not None:
            region, offset, strides = lies
            own: list[Atom] = [i64(0)] * len(shape)
            for part, stride in zip(plan, strides, strict=True):
                place = part[1] if isinstance(part, tuple) else part
                offset = self.op("add", "i64", offset, self.op("mul", "i64", place, stride))
                if isinstance(part, tuple):
                    own[part[0]] = self.op("mul", "i64", stride, i64(part[2]))
            made.memory = (region, offset, tuple(own))
        return made

    def _as_known(
        self,
        origin: Arr | Window,
        shape: tuple[Num, ...],
        plan: list[Atom | tuple[int, Atom, int]],
    ) -> Arr | None:
        """Give an array of a known shape where all extents are known after all."""
        known = [extent.const for extent in shape]
        if any(size is None for size in known):
            return None
        sizes = tuple(int(size or 0) for size in known)
        lies = self.memory_of(origin)
        if isinstance(origin, Arr) and lies is not None:
            _, offset, strides = lies
            own = [0] * len(sizes)
            for part, stride in zip(plan, strides, strict=True):
                assert isinstance(stride, Lit)
                place = part[1] if isinstance(part, tuple) else part
                offset = self.op("add", "i64", offset, self.op("mul", "i64", place, stride))
                if isinstance(part, tuple):
                    own[part[0]] = int(stride.value) * part[2]
            return Arr(origin.cell, sizes, origin.ty, View(offset, tuple(own)))
        return self.make(
            sizes,
            origin.ty,
            lambda index: self.element_at(
                origin,
                tuple(
                    self.op(
                        "add", "i64", part[1], self.op("mul", "i64", index[part[0]], i64(part[2]))
                    )
                    if isinstance(part, tuple)
                    else part
                    for part in plan
                ),
            ),
            self.deps_of(origin),
        )

    def memory_of(self, value: Arr | Window) -> tuple[str, Atom, tuple[Atom, ...]] | None:
        """Say where an array lies in memory: region, place of its first element, strides."""
        if isinstance(value, Window):
            return value.memory
        content = self.pt.heap[value.cell]
        if not isinstance(content, Column | Buffer):
            return None
        view = value.view or View(i64(0), strides_of(value.shape))
        return content.region, view.offset, tuple(i64(stride) for stride in view.strides)

    # -- as other kinds

    def selected(self, value: Window, keep: Window | None = None) -> Sel:
        """Give the elements of a window, or of those where a mask holds, as a selection.

        Axes of known extents behind those of a mask, or behind the first, are the entries' own.
        """
        depth = len(value.shape) if keep is None else len(keep.shape)
        outer, inner = value.shape[:depth], value.shape[depth:]
        if any(extent.const is None for extent in inner):
            raise self.refuse("CMP509", "a mask over an array whose inner extents are not known")

        def inside(index: Index) -> Index:
            # A candidate outside of the window is never selected; its element is any that exists.
            found: list[Atom] = []
            for atom, extent in zip(index, outer, strict=True):
                good = self.op("lt", "b1", atom, extent.atom)
                found.append(self.op("select", "i64", good, atom, i64(0)))
            return tuple(found)

        def kept(index: Index) -> Atom:
            good: Atom = Lit(True, "b1")
            for atom, extent in zip(index, outer, strict=True):
                good = self.both(good, self.op("lt", "b1", atom, extent.atom))
            if keep is not None:
                good = self.both(good, self.element_at(keep, index))
            return good

        del inside
        return Sel(
            tuple(extent.high for extent in outer),
            kept,
            lambda index, rest: self.element_at(value, (*index, *rest)),
            value.ty,
            tuple(int(extent.const or 0) for extent in inner),
            (*value.deps, *(() if keep is None else keep.deps)),
            ("window", id(value), id(keep)),
            extents=tuple(extent.atom for extent in outer),
        )

    def rows_of_window(self, value: Window) -> Sel:
        """Give a window of known inner extents as rows along its first axis."""
        first, *inner = value.shape
        return Sel(
            (first.high,),
            lambda index: self.op("lt", "b1", index[0], first.atom),
            lambda index, rest: self.element_at(value, (*index, *rest)),
            value.ty,
            tuple(int(extent.const or 0) for extent in inner),
            value.deps,
            ("window", id(value)),
            bound=first.atom,
        )

    def laid_out(self, value: Arr | Window) -> tuple[str, Atom]:
        """Give memory in which an array lies in C order: its own, or a copy."""
        extents = self.extents_of(value)
        lies = self.memory_of(value)
        if lies is not None:
            region, offset, strides = lies
            step: Atom = i64(1)
            for extent, stride in zip(reversed(extents), reversed(strides), strict=True):
                if stride != step and extent.const != 1:
                    break
                step = self.op("mul", "i64", step, extent.atom)
            else:
                return region, offset
        known = None
        if isinstance(value, Window):
            known = ("laid out", id(value))
            found: str | None = self.pt.known.get(known)
            if found is not None and not value.deps:
                return found, i64(0)
        size = 1
        for extent in extents:
            size *= max(extent.high, 0)
        region = self.scratch(value.ty, max(size, 1))
        strides_made: list[Atom] = []
        step = i64(1)
        for extent in reversed(extents):
            strides_made.insert(0, step)
            step = self.op("mul", "i64", step, extent.atom)
        if isinstance(value, Arr):
            value = self.still(value)
        origin = value

        def put(index: Index) -> None:
            position: Atom = i64(0)
            for atom, stride in zip(index, strides_made, strict=True):
                position = self.op("add", "i64", position, self.op("mul", "i64", atom, stride))
            self.emit(Store(region, position, self.element_at(origin, index)))

        self.each_in(extents, put)
        if known is not None:
            self.keepalive.append(value)
            self.pt.known[known] = region
        return region, i64(0)

    def of_memory(
        self, region: str, offset: Atom, extents: tuple[Num, ...], ty: Ty
    ) -> Arr | Window:
        """Make an array of memory in C order that nobody writes from now on."""
        known = [extent.const for extent in extents]
        if all(size is not None for size in known):
            shape = tuple(int(size or 0) for size in known)
            array = Arr(self.number(), shape, ty)
            self.pt.heap[array.cell] = Column(region)
            if offset == i64(0):
                return array
            return Arr(array.cell, shape, ty, View(offset, strides_of(shape)))
        strides: list[Atom] = []
        step: Atom = i64(1)
        for extent in reversed(extents):
            strides.insert(0, step)
            step = self.op("mul", "i64", step, extent.atom)

        def rule(index: Index) -> Atom:
            position = offset
            for atom, stride in zip(index, strides, strict=True):
                position = self.op("add", "i64", position, self.op("mul", "i64", atom, stride))
            return self.load(region, position)

        return Window(extents, ty, rule, (), (region, offset, tuple(strides)))

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
        zero: Atom = Lit(0.0, target) if target in FLOATS else Lit(0, target)
        return self.reduced(
            value, axis, keepdims, target, zero,
            lambda a, b: self.op("add", target, a, self.cast(b, target)),
        )  # fmt: skip

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
        if ty in FLOATS:
            raise self.refuse("CMP512", "an extreme of floats in an array of unknown extents")
        depth = len(value.shape)
        axes = range(depth) if isinstance(axis, NoneV) else self._axes(axis, depth)
        some: Atom = Lit(True, "b1")
        for place in axes:
            some = self.both(some, self.op("gt", "b1", value.shape[place].atom, i64(0)))
        self.check(
            boolean(some),
            "ValueError",
            f"zero-size array to reduction operation {name} which has no identity",
        )
        from sandbox.tiers.compiled.core import limits_of

        low, high = limits_of(ty)
        start = (
            Lit(bool(low if most else high), ty) if ty == "b1" else Lit(low if most else high, ty)
        )
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

    # -- where

    def places_in(self, value: Window) -> Sel:
        """Give what ``np.argwhere`` gives."""
        truth = value if value.ty == "b1" else self.converted(value, "b1")
        self.keepalive.append(truth)
        found = self.selected(truth, truth)
        depth = len(value.shape)

        def element(index: Index, rest: Index) -> Atom:
            which = rest[0]
            if isinstance(which, Lit):
                return index[int(which.value)]
            result = index[-1]
            for k in range(depth - 2, -1, -1):
                here = self.op("eq", "b1", which, i64(k))
                result = self.op("select", "i64", here, index[k], result)
            return result

        top = max(max(extent.high for extent in value.shape) - 1, 0)
        return Sel(
            found.domain, found.keep, element, "i64", (depth,), found.deps, found.source,
            (0, top), None, found.extents,
        )  # fmt: skip

    def np_argwhere(self, args: Args, keywords: Keywords) -> Value:
        if isinstance(args[0], Window):
            return self.places_in(args[0])
        return super().np_argwhere(args, keywords)

    def np_nonzero(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if not isinstance(value, Window):
            return super().np_nonzero(args, keywords)
        found = self.places_in(value)
        return Tup(
            tuple(
                Sel(
                    found.domain, found.keep, lambda i, r, k=k: i[k], "i64", (),  # type: ignore[misc]
                    found.deps, found.source, (0, max(value.shape[k].high - 1, 0)), None,
                    found.extents,
                )
                for k in range(len(value.shape))
            )
        )  # fmt: skip

    # -- the rest of an array

    def np_astype(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Points):
            return super().np_astype([self.selection_of(value), *args[1:]], keywords)
        if isinstance(value, Window):
            ty = self.dtype_value(args[1] if len(args) > 1 else keywords.get("dtype"))
            assert ty is not None
            return self.converted(value, ty)
        return super().np_astype(args, keywords)

    def a_copy(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Window):
            if not value.deps:
                return value
            region, offset = self.laid_out(value)
            return self.of_memory(region, offset, value.shape, value.ty)
        return super().a_copy(args, keywords)

    def a_ravel(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Window):
            return self.selected(value)
        return super().a_ravel(args, keywords)

    def a_reshape(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if not isinstance(value, Window):
            return super().a_reshape(args, keywords)
        shape = (
            self.shape_of_value(args[1])
            if len(args) == 2
            else tuple(self.constant(part, "a shape") for part in args[1:])
        )
        inner = tuple(extent.const for extent in value.shape[1:])
        if shape == (-1,):
            return self.selected(value)
        last = value.shape[-1].const
        if len(shape) == 2 and shape[0] == -1 and shape[1] == last and len(value.shape) == 3:
            outer = value.shape[:2]
            return Sel(
                tuple(extent.high for extent in outer),
                lambda index: self.both(
                    self.op("lt", "b1", index[0], outer[0].atom),
                    self.op("lt", "b1", index[1], outer[1].atom),
                ),
                lambda index, rest: self.element_at(value, (*index, *rest)),
                value.ty, (int(last or 0),), value.deps, ("pixels", id(value)),
                extents=tuple(extent.atom for extent in outer),
            )  # fmt: skip
        del inner
        raise self.refuse("CMP408", "this reshape() of an array whose extents are not known")

    def len_of(self, value: Value) -> Num:
        if isinstance(value, Window):
            return value.shape[0]
        if isinstance(value, Points):
            return integer(value.length, 0, self.most_points)
        return super().len_of(value)

    most_points = 1 << 40

    def attribute(self, owner: Value, name: str) -> Value:
        if isinstance(owner, Window):
            match name:
                case "shape":
                    return Tup(owner.shape)
                case "size":
                    return self.window_size(owner)
                case "ndim":
                    return number(len(owner.shape))
                case "dtype":
                    return Dty(str(owner.ty), owner.ty, False)
            return self.array_method(owner, name)
        return super().attribute(owner, name)

    def array_method(self, owner: Value, name: str) -> Value:
        """Give a method of an array whose extents depend on the data."""
        if f"array.{name}" in self.table:
            return Builtin(f"array.{name}", owner)
        raise self.refuse("CMP516", f"the array method {name!r}")

    def truth(self, value: Value) -> Num:
        if isinstance(value, Window):
            raise self.refuse("CMP315", "the truth of an array whose size depends on the data")
        return super().truth(value)

    # -- subscripts

    def subscript(self, owner: Value, index: Value) -> Value:
        if not isinstance(owner, Window) or isinstance(index, Union):
            return super().subscript(owner, index)
        parts: list[Value] = list(index.items) if isinstance(index, Tup) else [index]
        parts = self.plain_parts(parts)
        if len(parts) == 1 and isinstance(parts[0], Arr | Window) and parts[0].ty == "b1":
            mask = parts[0]
            if isinstance(mask, Arr):
                origin = self.still(mask)
                mask = Window(
                    tuple(number(size) for size in origin.shape), "b1",
                    lambda i: self.get(origin, i), self.deps(origin),
                )  # fmt: skip
            for a, b in zip(mask.shape, owner.shape, strict=False):
                self.same_extent(a, b)
            self.keepalive += [owner, mask]
            self.operated(mask)
            return self.selected(owner, mask)
        for k, part in enumerate(parts):
            if isinstance(part, Union):
                rest = parts

                def one(variant: Value, k: int = k, rest: list[Value] = rest) -> Value:
                    return self.subscript(owner, Tup((*rest[:k], variant, *rest[k + 1 :])))

                return self.spread(part, one)
        if all(isinstance(part, Num | SliceV | NoneV) or part == ELLIPSIS for part in parts):
            return self.part_of(owner, parts)
        raise self.refuse("CMP509", "this index of an array whose extents are not known")

    def subview(self, array: Arr, parts: list[Value]) -> Arr | Num:
        parts = self.plain_parts(parts)
        if self.is_dynamic(parts):
            run = self.run_of(array, parts)
            if run is not None:
                return run  # type: ignore[return-value]
            # A window where a bound is not known; who asks for a view of known extents knows all.
            return self.part_of(array, parts)  # type: ignore[return-value]
        return super().subview(array, parts)

    def index_advanced(self, owner: Arr, parts: list[Value]) -> Value:
        first = parts[0]
        if len(parts) == 1 and isinstance(first, Window) and first.ty == "b1":
            for extent, size in zip(first.shape, owner.shape, strict=False):
                self.same_extent(extent, number(size))
            origin = self.still(owner)
            whole = Window(
                tuple(number(size) for size in owner.shape), owner.ty,
                lambda i: self.get(origin, i), self.deps(origin),
            )  # fmt: skip
            self.keepalive += [whole, first]
            self.operated(first)
            return self.selected(whole, first)
        if len(parts) == 1 and isinstance(first, Arr) and first.ty == "b1":
            self.operated(first)
        return super().index_advanced(owner, parts)

    def set_elements(self, owner: Arr, index: Value, value: Value) -> None:
        if isinstance(value, Union):
            super().set_elements(owner, index, value)
            return
        parts: list[Value] = list(index.items) if isinstance(index, Tup) else [index]
        parts = self.plain_parts(parts)
        if len(parts) == 1 and isinstance(parts[0], Arr) and parts[0].ty == "b1":
            self.operated(parts[0])
        plain = all(isinstance(p, Num | SliceV | NoneV) or p == ELLIPSIS for p in parts)
        if not (plain and self.is_dynamic(parts)):
            super().set_elements(owner, index, value)
            return
        source = value if isinstance(value, Num) else self.as_array(value)
        if not isinstance(source, Num):
            raise self.refuse("CMP506", "an array written into a slice with unknown bounds")
        if owner.size <= 16:
            raise self.refuse("CMP506", "a slice of a small array with unknown bounds")
        target = self.writable(owner)
        part = self.part_of(target, parts)
        atom = self.stored(source, owner.ty)
        content = self.pt.heap[target.cell]
        assert isinstance(content, Buffer)
        if isinstance(part, Window):
            assert part.memory is not None
            region, offset, strides = part.memory

            def put(where: Index) -> None:
                position = offset
                for k, stride in zip(where, strides, strict=True):
                    position = self.op("add", "i64", position, self.op("mul", "i64", k, stride))
                self.emit(Store(region, position, atom))

            self.each_in(part.shape, put)
            self.pt.heap[target.cell] = Buffer(content.region, self.number())
            return
        super().set_elements(owner, index, value)

    def price_of_window(self, value: Window) -> Atom:
        """Count what a call of NumPy pays for a window."""
        return self.window_size(value).atom
