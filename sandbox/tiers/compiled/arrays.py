"""Arrays: views, element-wise expressions without temporaries, indexing, assignment.

An array of up to a few elements is kept as scalars; a larger result of an expression is a rule
that gives any element on demand, so that a chain of expressions ends as one loop where it is
reduced. Observations are read in place and copied when the program writes into them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sandbox.tiers.compiled.builder import EXPLODE, i64, indices
from sandbox.tiers.compiled.core import Atom, Lit, Set, Store, Ty, Var, dtype_of, ty_of
from sandbox.tiers.compiled.scalars import Scalars
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Buffer,
    Builtin,
    Cells,
    Column,
    Index,
    Lazy,
    ListCell,
    NoneV,
    Num,
    Ref,
    Sel,
    SliceV,
    Tup,
    Value,
    View,
    boolean,
    integer,
)

__all__ = ["ELLIPSIS", "Arrays", "strides_of"]

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


class Arrays(Scalars):
    """Operations on `Arr` and `Sel`."""

    # -- reading

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

    # -- making

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
        self.charge(1 + array.size // 16)
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
        strides = strides_of(array.shape)

        def write(index: Index) -> None:
            position: Atom = i64(0)
            for atom, stride in zip(index, strides, strict=True):
                position = self.op("add", "i64", position, self.op("mul", "i64", atom, i64(stride)))
            self.emit(Store(region, position, rule(index)))

        self.each(array.shape, write)
        self.pt.heap[array.cell] = Buffer(region, self.number())

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

    # -- conversion

    def as_array(self, value: Value, ty: Ty | None = None) -> Arr | Num:
        """Do what ``np.asarray`` does; a number stays a number (a NumPy one)."""
        match value:
            case Arr():
                return value if ty in (None, value.ty) else self.astype(value, ty)
            case Num():
                target = ty or value.ty
                return self.item(self.cast(value.atom, target))
            case Tup(items=items):
                return self.stack([self.as_array(item) for item in items], ty)
            case Ref():
                content = self.pt.heap[value.cell]
                if isinstance(content, ListCell):
                    if content.length is not None:
                        raise self.refuse("CMP503", "an array made of a list of unknown length")
                    parts = [self.as_array(item) for item in content.items]
                    return self.stack(parts, ty)
        raise self.refuse("CMP504", "this value cannot be made an array here")

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

    # -- element-wise expressions

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
        tys = self.types_of(name, kinds)
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
                else self.cast(self.get(arg, _within(arg.shape, index)), tys[k])
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

    def _sure(self, value: Num | Arr | Sel) -> Num | Arr | Sel:
        if isinstance(value, Num) and not isinstance(value.weak, bool):
            if value.ty == "f64":
                raise self.refuse(
                    "CMP407", "a number that is Python's or NumPy's by path meets an array"
                )
            return Num(value.atom, False, value.low, value.high)
        return value

    def broadcast(self, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
        """Give the shape that shapes broadcast to."""
        try:
            return tuple(np.broadcast_shapes(*shapes))
        except ValueError:
            shown = " ".join(str(shape) for shape in shapes)
            self.fail("ValueError", f"operands could not be broadcast together with shapes {shown}")

    # -- basic indexing

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
                return self.item(self.get(array, source(())))
            assert isinstance(content, Lazy)
            content.shared = True
            origin = self.still(array)
            return self.make(
                shape, array.ty, lambda index: self.get(origin, source(index)), content.deps
            )
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

        return self.make(
            shape,
            array.ty,
            lambda index: self.get_flat(array, position(index)),
            self.deps(array),
            lambda flat: self.get_flat(array, flat),
        )

    # -- assignment

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
        self.charge(1 + target.size // 16)
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
        return self.cast(self.get(source, _within(source.shape, index)), ty)

    def stored(self, value: Num, ty: Ty) -> Atom:
        """Convert a number to be an element of an array of a type."""
        if value.weak is True and ty not in ("f32", "f64", "b1"):
            if value.ty == "f64":
                return self.cast(self.int_of(value).atom, ty)
            return self.fit(self.to_int(value), ty)
        return self.cast(value.atom, ty)

    # -- folds

    def accumulate(self, ty: Ty, start: Atom) -> Var:
        """Make a variable with a start value."""
        var = self.new(ty, "acc")
        self.emit(Set(var, start))
        return var

    def kept(self, var: Var) -> Atom:
        """Give what a variable holds now as a temporary."""
        return self.op("copy", var.ty, var)

    # -- selections

    def length(self, sel: Sel) -> Num:
        """Count how many candidates are selected."""
        self.fresh(sel.deps)
        key = ("length", sel.source)
        found = self.pt.known.get(key)
        size = int(np.prod(sel.domain)) if sel.domain else 1
        if found is None:
            total = self.accumulate("i64", i64(0))

            def add(index: Index) -> None:
                one = self.cast(sel.keep(index), "i64")
                self.emit(Set(total, self.op("add", "i64", total, one)))

            self.charge(1 + size // 16)
            self.each(sel.domain, add)
            found = self.kept(total)
            self.pt.known[key] = found
        return integer(found, 0, size)

    def nth(self, sel: Sel, which: Num) -> Value:
        """Give the entry at a position of the first axis."""
        self.fresh(sel.deps)
        size = int(np.prod(sel.domain)) if sel.domain else 1
        self.charge(1 + size // 16)
        wanted = self.cast(which.atom, "i64")
        if which.low < 0:
            length = self.length(sel).atom
            negative = self.op("lt", "b1", wanted, i64(0))
            from_end = self.op("add", "i64", wanted, length)
            wanted = self.op("select", "i64", negative, from_end, wanted)
        seen = self.accumulate("i64", i64(0))
        place = self.accumulate("i64", i64(-1))
        strides = strides_of(sel.domain)

        def look(index: Index) -> None:
            position: Atom = i64(0)
            for atom, stride in zip(index, strides, strict=True):
                position = self.op("add", "i64", position, self.op("mul", "i64", atom, i64(stride)))
            chosen = sel.keep(index)
            here = self.both(chosen, self.op("eq", "b1", seen, wanted))
            self.emit(Set(place, self.op("select", "i64", here, position, place)))
            more = self.op("add", "i64", seen, self.cast(chosen, "i64"))
            self.emit(Set(seen, more))

        self.each(sel.domain, look)
        found = self.kept(place)
        good = self.op("ge", "b1", found, i64(0))
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
            return self.of_atoms(sel.tail, sel.ty, atoms)
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
                raise self.refuse("CMP508", "two different selections in one expression")
            if isinstance(arg, Arr) and len(arg.shape) > len(first.tail):
                raise self.refuse("CMP508", "a selection and a whole array in one expression")
        kinds = tuple((arg.ty, isinstance(arg, Num) and arg.weak is True) for arg in inputs)
        if name == "power" and isinstance(inputs[1], Num) and inputs[1].const == 2:
            return self.select_ufunc("square", inputs[:1])
        tys = self.types_of(name, kinds)
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
                    parts.append(self.cast(arg.element(index, _within(arg.tail, rest)), tys[k]))
                else:
                    parts.append(self.cast(self.get(arg, _within(arg.shape, rest)), tys[k]))
            return self.element(name, tys, *parts)

        deps = tuple(d for arg in inputs if isinstance(arg, Arr) for d in self.deps(arg))
        return Sel(
            first.domain, first.keep, element, tys[-1], tail, (*first.deps, *deps), first.source
        )

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


def _within(shape: tuple[int, ...], index: Index) -> Index:
    """Cut an index of a broadcast shape to that of one operand."""
    own = index[len(index) - len(shape) :]
    return tuple(i64(0) if size == 1 else atom for size, atom in zip(shape, own, strict=True))
