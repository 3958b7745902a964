"""Views: basic indexing, reshaping, and assignment into arrays."""

from __future__ import annotations

from sandbox.tiers.compiled.core import Atom, Lit, Store, Ty
from sandbox.tiers.compiled.merging import indices
from sandbox.tiers.compiled.points import EXPLODE, i64
from sandbox.tiers.compiled.storage import ELLIPSIS, Storage, strides_of, within
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Buffer,
    Cells,
    Column,
    Index,
    Lazy,
    NoneV,
    Num,
    SliceV,
    Value,
    View,
    boolean,
)

__all__ = ["Views"]


class Views(Storage):
    """Views and writes arrays."""

    def bounded(self, value: Num, size: int, text: str) -> Atom:
        """Check an index and count negative ones from the end."""
        low, high = value.low, value.high
        atom = self.cast(value.atom, "i64")
        if isinstance(atom, Lit):
            position = int(atom.value)
            if not -size <= position < size:
                self.fail("IndexError", text)
            return i64(position % size if size else 0)
        if not (low >= -size and high < size):
            above = self.op("ge", "b1", atom, i64(-size))
            below = self.op("lt", "b1", atom, i64(size))
            self.check(boolean(self.both(above, below)), "IndexError", text)
        if low >= 0:
            return atom
        negative = self.op("lt", "b1", atom, i64(0))
        return self.op("select", "i64", negative, self.op("add", "i64", atom, i64(size)), atom)

    def slice_of(self, part: SliceV, size: int) -> range:
        """Give the positions that a slice with known bounds selects."""
        known: list[int | None] = []
        for bound in (part.start, part.stop, part.step):
            if isinstance(bound, NoneV):
                known.append(None)
            elif isinstance(bound, Num) and bound.const is not None and bound.ty != "f64":
                known.append(int(bound.const))
            else:
                raise self.refuse("CMP506", "a slice whose bounds depend on the data")
        if known[2] == 0:
            self.fail("ValueError", "slice step cannot be zero")
        return range(size)[slice(*known)]

    def subview(self, array: Arr, parts: list[Value]) -> Arr | Num:
        """Index with integers, slices, None and ``...`` only."""
        taken = sum(1 for part in parts if isinstance(part, Num | SliceV))
        missing = len(array.shape) - taken
        if missing < 0:
            self.fail(
                "IndexError",
                f"too many indices for array: array is {len(array.shape)}-dimensional,"
                f" but {taken} were indexed",
            )
        if ELLIPSIS not in parts:
            parts = [*parts, ELLIPSIS]
        full: list[Value] = []
        for part in parts:
            if part == ELLIPSIS:
                full += [SliceV(NONE, NONE, NONE)] * missing
                missing = 0
            else:
                full.append(part)
        axis = 0
        shape: list[int] = []
        # For each axis of the source: a fixed index, or the axis of the result with start and step.
        plan: list[Atom | tuple[int, int, int]] = []
        for part in full:
            if isinstance(part, NoneV):
                shape.append(1)
                continue
            size = array.shape[axis]
            if isinstance(part, Num):
                text = f"index is out of bounds for axis {axis} with size {size}"
                if part.const is not None:
                    text = (
                        f"index {int(part.const)} is out of bounds for axis {axis} with size {size}"
                    )
                plan.append(self.bounded(part, size, text))
            else:
                assert isinstance(part, SliceV)
                span = self.slice_of(part, size)
                plan.append((len(shape), span.start, span.step))
                shape.append(len(span))
            axis += 1
        return self.reindex(array, tuple(shape), plan)

    def reindex(
        self,
        array: Arr,
        shape: tuple[int, ...],
        plan: list[Atom | tuple[int, int, int]],
    ) -> Arr | Num:
        """Make a view; ``plan`` says for each source axis where its index comes from."""
        content = self.pt.heap[array.cell]
        if isinstance(content, Lazy) or not shape:

            def source(index: Index) -> Index:
                return tuple(
                    self.op(
                        "add",
                        "i64",
                        i64(part[1]),
                        self.op("mul", "i64", index[part[0]], i64(part[2])),
                    )
                    if isinstance(part, tuple)
                    else part
                    for part in plan
                )

            if not shape:
                found = self.item(self.get(array, source(())))
                bounds = self.ranges.get(id(content))
                return found if bounds is None else Num(found.atom, found.weak, *bounds)
            assert isinstance(content, Lazy)
            content.shared = True
            origin = self.still(array)
            made = self.make(
                shape, array.ty, lambda index: self.get(origin, source(index)), content.deps
            )
            return self.only_read(made)
        view = array.view or View(i64(0), strides_of(array.shape))
        offset = view.offset
        strides = [0] * len(shape)
        for part, stride in zip(plan, view.strides, strict=True):
            if isinstance(part, tuple):
                axis, start, step = part
                strides[axis] = stride * step
                offset = self.op("add", "i64", offset, i64(start * stride))
            else:
                move = self.op("mul", "i64", part, i64(stride))
                offset = self.op("add", "i64", offset, move)
        return Arr(array.cell, shape, array.ty, View(offset, tuple(strides)))

    def transpose(self, array: Arr, axes: tuple[int, ...] | None = None) -> Arr:
        """Reorder the axes; all of them reversed when left out."""
        order = axes or tuple(reversed(range(len(array.shape))))
        shape = tuple(array.shape[axis] for axis in order)
        plan: list[Atom | tuple[int, int, int]] = [
            (order.index(axis), 0, 1) for axis in range(len(array.shape))
        ]
        result = self.reindex(array, shape, plan) if shape else array
        assert isinstance(result, Arr)
        return result

    def reshape(self, array: Arr, shape: tuple[int, ...]) -> Arr:
        """Give an array of another shape with the same elements in C order."""
        if shape.count(-1) == 1:
            rest = 1
            for size in shape:
                rest *= size if size != -1 else 1
            if rest and array.size % rest == 0:
                shape = tuple(array.size // rest if size == -1 else size for size in shape)
        count = 1
        for size in shape:
            count *= size
        if count != array.size or any(size < 0 for size in shape):
            self.fail("ValueError", f"cannot reshape array of size {array.size} into shape {shape}")
        content = self.pt.heap[array.cell]
        view = array.view
        if not isinstance(content, Lazy) and (
            view is None or view.strides == strides_of(array.shape)
        ):
            offset = i64(0) if view is None else view.offset
            return Arr(array.cell, shape, array.ty, View(offset, strides_of(shape)))
        if isinstance(content, Lazy):
            content.shared = True
        array = self.still(array)
        strides = strides_of(shape)

        def position(index: Index) -> Atom:
            total: Atom = i64(0)
            for atom, stride in zip(index, strides, strict=True):
                total = self.op("add", "i64", total, self.op("mul", "i64", atom, i64(stride)))
            return total

        made = self.make(
            shape,
            array.ty,
            lambda index: self.get_flat(array, position(index)),
            self.deps(array),
            lambda flat: self.get_flat(array, flat),
        )
        return self.only_read(made) if isinstance(content, Lazy) else made

    def only_read(self, view: Arr) -> Arr:
        """Note that an array is a view of one that is not in memory, so no write would reach it."""
        content = self.pt.heap[view.cell]
        if isinstance(content, Lazy):
            content.shared = True
        elif isinstance(content, Cells):
            self.pt.heap[view.cell] = Cells(content.atoms, frozen=True)
        return view

    def writable(self, array: Arr) -> Arr:
        """Give the array over a cell that can be written: its own scalars or memory."""
        content = self.pt.heap[array.cell]
        if isinstance(content, Buffer):
            return array
        if isinstance(content, Cells):
            if content.frozen:
                raise self.refuse("CMP507", "an array that is one of two is changed in place")
            return array
        if isinstance(content, Lazy) and content.shared:
            raise self.refuse("CMP507", "an array is changed in place while a view of it exists")
        if isinstance(content, Column):
            size = self.regions[content.region].size
            whole = Arr(array.cell, (size,), array.ty)
        else:
            assert isinstance(content, Lazy)
            whole = Arr(array.cell, content.shape, array.ty)
        copy = self.materialise(whole)
        self.pt.heap[array.cell] = self.pt.heap.pop(copy.cell)
        return array

    def write(self, array: Arr, index: Index, value: Atom) -> None:
        """Write one element; the index is within the shape, the value of the array's type."""
        position = self.position(array, index)
        content = self.pt.heap[array.cell]
        if isinstance(content, Buffer):
            self.emit(Store(content.region, position, value))
            self.pt.heap[array.cell] = Buffer(content.region, self.number())
            return
        assert isinstance(content, Cells)
        atoms = list(content.atoms)
        if isinstance(position, Lit):
            atoms[int(position.value)] = value
        else:
            for k, old in enumerate(atoms):
                here = self.op("eq", "b1", position, i64(k))
                atoms[k] = self.op("select", array.ty, here, value, old)
        self.pt.heap[array.cell] = Cells(tuple(atoms))

    def assign_view(self, target: Arr, value: Value) -> None:
        """Write a value, broadcast, into a view."""
        source = value if isinstance(value, Num | Arr) else self.as_array(value)
        if isinstance(source, Arr):
            if self.broadcast([source.shape, target.shape]) != target.shape:
                self.fail("ValueError", "could not broadcast input array")
            if source.size > 1:
                # The source may overlap the target, so it is read whole before the first write.
                source = self.materialise(source)
        if isinstance(self.pt.heap[target.cell], Buffer) and target.size > EXPLODE:
            kept = self.pt.heap[target.cell]
            assert isinstance(kept, Buffer)
            region = kept.region

            def put(index: Index) -> None:
                self.emit(Store(region, self.position(target, index),
                                self._source(source, index, target.ty)))  # fmt: skip

            self.each(target.shape, put)
            self.pt.heap[target.cell] = Buffer(region, self.number())
            return
        for index in indices(target.shape):
            atoms = tuple(i64(i) for i in index)
            self.write(target, atoms, self._source(source, atoms, target.ty))

    def _source(self, source: Num | Arr, index: Index, ty: Ty) -> Atom:
        if isinstance(source, Num):
            return self.stored(source, ty)
        return self.cast(self.get(source, within(source.shape, index)), ty)

    def stored(self, value: Num, ty: Ty) -> Atom:
        """Convert a number to be an element of an array of a type."""
        if value.weak is True and ty not in ("f32", "f64", "b1"):
            if value.ty == "f64":
                return self.cast(self.int_of(value).atom, ty)
            return self.fit(self.to_int(value), ty)
        return self.cast(value.atom, ty)
