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

from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Store, Ty
from sandbox.tiers.compiled.generators import Generators
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.storage import ELLIPSIS, strides_of
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Buffer,
    Column,
    Index,
    Lazy,
    NoneV,
    Num,
    Sel,
    SliceV,
    Union,
    Value,
    View,
    Window,
    boolean,
    integer,
    number,
)

__all__ = ["Windows"]


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
