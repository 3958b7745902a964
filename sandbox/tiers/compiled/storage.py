"""Where the elements of arrays are: reading, making, storing, joining."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sandbox.tiers.compiled.core import Atom, Lit, Set, Store, Ty, Var, dtype_of, ty_of
from sandbox.tiers.compiled.merging import indices
from sandbox.tiers.compiled.points import EXPLODE, i64
from sandbox.tiers.compiled.scalars import Scalars
from sandbox.tiers.compiled.values import (
    Arr,
    Buffer,
    Builtin,
    Cells,
    Column,
    Index,
    Lazy,
    ListCell,
    Num,
    Ref,
    Sel,
    SeqCell,
    Tup,
    Value,
    View,
)

__all__ = ["ELLIPSIS", "Storage", "strides_of", "within"]


ELLIPSIS = Builtin("Ellipsis")


_LARGEST = 4_000_000


def strides_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Give the strides of a C-contiguous array, in elements."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


class Storage(Scalars):
    """Reads and makes arrays."""

    def get(self, array: Arr, index: Index) -> Atom:
        """Read an element; the index is within the shape."""
        content = self.pt.heap[array.cell]
        if isinstance(content, Lazy):
            self.fresh(content.deps)
            return content.rule(index)
        return self.read(array, self.position(array, index))

    def position(self, array: Arr, index: Index) -> Atom:
        """Give the place of an element in the array's cell."""
        view = array.view or View(i64(0), strides_of(array.shape))
        position = view.offset
        for atom, stride in zip(index, view.strides, strict=True):
            position = self.op("add", "i64", position, self.op("mul", "i64", atom, i64(stride)))
        return position

    def read(self, array: Arr, position: Atom) -> Atom:
        """Read the cell of an array (not a lazy one) at a position."""
        content = self.pt.heap[array.cell]
        if isinstance(content, Column | Buffer):
            return self.load(content.region, position)
        assert isinstance(content, Cells)
        if isinstance(position, Lit):
            return content.atoms[int(position.value)]
        result = content.atoms[-1]
        for k in range(len(content.atoms) - 2, -1, -1):
            here = self.op("eq", "b1", position, i64(k))
            result = self.op("select", array.ty, here, content.atoms[k], result)
        return result

    def get_flat(self, array: Arr, position: Atom) -> Atom:
        """Read the element at a position in C order."""
        content = self.pt.heap[array.cell]
        if isinstance(content, Lazy):
            self.fresh(content.deps)
            if content.flat is not None:
                return content.flat(position)
        elif array.view is None:
            return self.read(array, position)
        return self.get(array, self.unravel(position, array.shape))

    def unravel(self, position: Atom, shape: tuple[int, ...]) -> Index:
        """Turn a position in C order into an index."""
        found: list[Atom] = []
        for axis, stride in enumerate(strides_of(shape)):
            part = self.op("floordiv", "i64", position, i64(max(stride, 1)))
            if axis:
                part = self.op("mod", "i64", part, i64(max(shape[axis], 1)))
            found.append(part)
        return tuple(found)

    def fresh(self, deps: tuple[tuple[int, int], ...]) -> None:
        """Refuse to read memory that was written after an expression over it was built."""
        for cell, version in deps:
            content = self.pt.heap.get(cell)
            if not isinstance(content, Buffer) or content.version != version:
                raise self.refuse("CMP501", "an array is written while an expression reads it")

    def deps(self, array: Arr) -> tuple[tuple[int, int], ...]:
        """Give the written memory that an array depends on."""
        content = self.pt.heap[array.cell]
        if isinstance(content, Buffer):
            return ((array.cell, content.version),)
        return content.deps if isinstance(content, Lazy) else ()

    def make(
        self,
        shape: tuple[int, ...],
        ty: Ty,
        rule: Callable[[Index], Atom],
        deps: tuple[tuple[int, int], ...] = (),
        flat: Callable[[Atom], Atom] | None = None,
    ) -> Arr:
        """Make an array of a rule for its elements."""
        cell = self.number()
        array = Arr(cell, shape, ty)
        if array.size > _LARGEST:
            raise self.refuse("CMP502", "an array of more than four million elements")
        if array.size <= EXPLODE:
            atoms = tuple(rule(tuple(i64(i) for i in index)) for index in indices(shape))
            self.pt.heap[cell] = Cells(atoms)
        elif deps:
            self.store_rule(array, rule)
        else:
            self.pt.heap[cell] = Lazy(shape, ty, rule, (), flat)
        return array

    def of_atoms(self, shape: tuple[int, ...], ty: Ty, atoms: tuple[Atom, ...]) -> Arr:
        """Make a small array of its elements."""
        cell = self.number()
        self.pt.heap[cell] = Cells(atoms)
        return Arr(cell, shape, ty)

    def store_rule(self, array: Arr, rule: Callable[[Index], Atom]) -> None:
        """Compute all elements into scratch memory."""
        region = self.scratch(array.ty, array.size)
        self._fill(region, array.shape, rule)
        self.pt.heap[array.cell] = Buffer(region, self.number())

    def copy_region(self, source: str, target: str, size: int) -> None:
        self.count(i64(size), lambda k: self.emit(Store(target, k, self.load(source, k))))

    def fill_buffer(self, region: str, content: Lazy) -> None:
        """Write the elements of an expression into memory."""
        self._fill(region, content.shape, content.rule)

    def _fill(self, region: str, shape: tuple[int, ...], rule: Callable[[Index], Atom]) -> None:
        strides = strides_of(shape)

        def write(index: Index) -> None:
            position: Atom = i64(0)
            for atom, stride in zip(index, strides, strict=True):
                position = self.op("add", "i64", position, self.op("mul", "i64", atom, i64(stride)))
            self.emit(Store(region, position, rule(index)))

        self.each(shape, write)

    def each(
        self, shape: tuple[int, ...], body: Callable[[Index], None], prefix: Index = ()
    ) -> None:
        """Run a body that changes no guest value for every index of a shape."""
        if not shape:
            body(prefix)
            return
        if shape[0] == 0:
            return
        if shape[0] == 1:
            self.each(shape[1:], body, (*prefix, i64(0)))
            return
        self.count(i64(shape[0]), lambda i: self.each(shape[1:], body, (*prefix, i)))

    def materialise(self, array: Arr) -> Arr:
        """Give an array with the same elements in scalars or memory, as a copy."""
        if array.size <= EXPLODE:
            atoms = tuple(
                self.get(array, tuple(i64(i) for i in index)) for index in indices(array.shape)
            )
            return self.of_atoms(array.shape, array.ty, atoms)
        copy = Arr(self.number(), array.shape, array.ty)
        self.store_rule(copy, lambda index: self.get(array, index))
        return copy

    def copy_array(self, head: Arr, value: Arr) -> None:
        """Write the elements of one array into the variables or the memory of another."""
        content = self.made[head.cell]
        if isinstance(content, Cells):
            for var, index in zip(content.atoms, indices(head.shape), strict=True):
                self.put(var, self.get(value, tuple(i64(i) for i in index)))
            return
        assert isinstance(content, Buffer)
        region = content.region
        strides = strides_of(head.shape)

        def write(index: Index) -> None:
            position: Atom = i64(0)
            for atom, stride in zip(index, strides, strict=True):
                position = self.op("add", "i64", position, self.op("mul", "i64", atom, i64(stride)))
            self.emit(Store(region, position, self.get(value, index)))

        self.each(head.shape, write)

    def item(self, atom: Atom) -> Num:
        """Make the NumPy scalar that an element is."""
        return self.numpy_result(atom)

    def as_array(self, value: Value, ty: Ty | None = None) -> Arr | Num:
        """Do what ``np.asarray`` does; a number stays a number (a NumPy one)."""
        match value:
            case Arr():
                return value if ty in (None, value.ty) else self.astype(value, ty)
            case Num():
                target = ty or value.ty
                return self.item(self.cast(value.atom, target))
            case Tup(items=items):
                return self.stack(self.parts_of_array(items, ty), ty)
            case Ref():
                content = self.pt.heap[value.cell]
                if isinstance(content, ListCell):
                    if content.length is not None:
                        raise self.refuse("CMP503", "an array made of a list of unknown length")
                    return self.stack(self.parts_of_array(content.items, ty), ty)
                if isinstance(content, SeqCell):
                    raise self.refuse("CMP503", "an array made of a list of unknown length")
        raise self.refuse("CMP504", "this value cannot be made an array here")

    def parts_of_array(self, items: tuple[Value, ...], ty: Ty | None) -> list[Arr | Num]:
        """Give the parts of an array, some of which may be of several types, by path."""
        return [self.as_array(item, ty) for item in items]

    def stack(self, parts: list[Arr | Num], ty: Ty | None) -> Arr:
        """Make an array of parts of one shape, one after the other."""
        if not parts:
            return self.of_atoms((0,), ty or "f64", ())
        shapes = {part.shape if isinstance(part, Arr) else () for part in parts}
        if len(shapes) > 1:
            self.fail("ValueError", "setting an array element with a sequence: inhomogeneous shape")
        target = ty or self.common([part.ty for part in parts])
        (inner,) = shapes
        if not inner:
            atoms = []
            for part in parts:
                assert isinstance(part, Num)
                atoms.append(self.cast(part.atom, target))
            if len(atoms) <= 64:
                return self.of_atoms((len(parts),), target, tuple(atoms))
        return self.join_parts(parts, (len(parts), *inner), target, 0, new_axis=True)

    def common(self, tys: list[Ty]) -> Ty:
        """Give the type that several element types are promoted to."""
        found = ty_of(np.result_type(*(dtype_of(ty) for ty in tys)))
        if found is None:
            raise self.refuse("CMP402", "these types promote to one this tier does not have")
        return found

    def join_parts(
        self,
        parts: list[Arr | Num],
        shape: tuple[int, ...],
        ty: Ty,
        axis: int,
        *,
        new_axis: bool = False,
    ) -> Arr:
        """Make an array of parts laid along an axis."""
        sizes = [1 if new_axis or isinstance(part, Num) else part.shape[axis] for part in parts]
        starts = [sum(sizes[:k]) for k in range(len(sizes))]
        deps = tuple(d for part in parts if isinstance(part, Arr) for d in self.deps(part))

        def part_at(k: int, index: Index) -> Atom:
            part = parts[k]
            if isinstance(part, Num):
                return self.cast(part.atom, ty)
            here = self.op("sub", "i64", index[axis], i64(starts[k]))
            inner = index[:axis] + (() if new_axis else (here,)) + index[axis + 1 :]
            return self.cast(self.get(part, inner), ty)

        def rule(index: Index) -> Atom:
            where = index[axis]
            if isinstance(where, Lit):
                position = int(where.value)
                k = max(k for k, start in enumerate(starts) if start <= position and sizes[k])
                return part_at(k, index)
            raise self.refuse("CMP505", "a large array put together from parts")

        array = Arr(self.number(), shape, ty)
        if array.size <= 64:
            atoms = tuple(rule(tuple(i64(i) for i in index)) for index in indices(shape))
            self.pt.heap[array.cell] = Cells(atoms)
            return array
        del deps
        region = self.scratch(ty, array.size)
        strides = strides_of(shape)
        for k, part in enumerate(parts):
            inner = list(shape)
            inner[axis] = sizes[k]

            def write(index: Index, k: int = k, part: Arr | Num = part) -> None:
                moved = self.op("add", "i64", index[axis], i64(starts[k]))
                whole = (*index[:axis], moved, *index[axis + 1 :])
                position: Atom = i64(0)
                for atom, stride in zip(whole, strides, strict=True):
                    step = self.op("mul", "i64", atom, i64(stride))
                    position = self.op("add", "i64", position, step)
                if isinstance(part, Num):
                    value = self.cast(part.atom, ty)
                else:
                    own = index[:axis] + (() if new_axis else (index[axis],)) + index[axis + 1 :]
                    value = self.cast(self.get(part, own), ty)
                self.emit(Store(region, position, value))

            self.each(tuple(inner), write)
        self.pt.heap[array.cell] = Buffer(region, self.number())
        return array

    def astype(self, array: Arr, ty: Ty) -> Arr:
        """Convert all elements."""
        array = self.still(array)
        return self.make(
            array.shape,
            ty,
            lambda index: self.cast(self.get(array, index), ty),
            self.deps(array),
            lambda position: self.cast(self.get_flat(array, position), ty),
        )

    def snapshot(self, value: Num | Arr | Sel) -> Num | Arr | Sel:
        """Give an array that later writes to this one do not change, without a copy.

        Memory that is written is not copied; expressions over it remember its version.
        """
        if not isinstance(value, Arr):
            return value
        content = self.pt.heap[value.cell]
        if isinstance(content, Buffer):
            return value
        cell = self.number()
        self.pt.heap[cell] = content
        return Arr(cell, value.shape, value.ty, value.view)

    def still(self, value: Arr) -> Arr:
        """Do the same for what is known to be an array."""
        found = self.snapshot(value)
        assert isinstance(found, Arr)
        return found

    def broadcast(self, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
        """Give the shape that shapes broadcast to."""
        try:
            return tuple(np.broadcast_shapes(*shapes))
        except ValueError:
            shown = " ".join(str(shape) for shape in shapes)
            self.fail("ValueError", f"operands could not be broadcast together with shapes {shown}")

    def accumulate(self, ty: Ty, start: Atom) -> Var:
        """Make a variable with a start value."""
        var = self.new(ty, "acc")
        self.emit(Set(var, start))
        return var

    def kept(self, var: Var) -> Atom:
        """Give what a variable holds now as a temporary."""
        return self.op("copy", var.ty, var)


def within(shape: tuple[int, ...], index: Index) -> Index:
    """Cut an index of a broadcast shape to that of one operand."""
    own = index[len(index) - len(shape) :]
    return tuple(i64(0) if size == 1 else atom for size, atom in zip(shape, own, strict=True))
