"""NumPy: making arrays, and giving them other shapes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from sandbox.tiers.compiled.arguments import Args, Arguments, Keywords
from sandbox.tiers.compiled.core import (
    FLOATS,
    Atom,
    Lit,
    Ty,
    dtype_of,
    ty_of,
)
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Dty,
    Gen,
    Index,
    ListCell,
    NoneV,
    Num,
    Ref,
    Sel,
    SliceV,
    Tup,
    Value,
    number,
)

__all__ = ["Creation"]


class Creation(Arguments):
    """Functions that make and reshape arrays."""

    def np_array(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "dtype", "copy")
        ty = self.dtype_value(keywords.get("dtype", args[1] if len(args) > 1 else None))
        value = args[0]
        if isinstance(value, Sel):
            return (
                value
                if ty in (None, value.ty)
                else self.np_astype([value, Dty("", ty or "", False)], {})
            )
        if isinstance(value, Gen):
            if value.kind == "list":
                raise self.refuse("CMP503", "an array made of a list of unknown length")
            value = self.new_list(self.listed(value))
        found = self.as_array(value, ty)
        if isinstance(found, Arr) and found == value:
            return self.copy_of(found)
        return found

    def np_asarray(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(keywords.get("dtype", args[1] if len(args) > 1 else None))
        if isinstance(args[0], Arr) and ty in (None, args[0].ty):
            return args[0]
        return self.np_array(args, keywords)

    def _filled(self, shape: tuple[int, ...], ty: Ty, value: Atom) -> Arr:
        size = 1
        for extent in shape:
            size *= extent
        if size <= 64:
            return self.of_atoms(shape, ty, (value,) * size)
        return self.make(shape, ty, lambda index: value, (), lambda position: value)

    def _zeros(self, shape: tuple[int, ...], ty: Ty, one: bool) -> Arr:
        value: Atom = Lit(float(one), ty) if ty in FLOATS else Lit(int(one), ty)
        return self._filled(shape, ty, Lit(one, ty) if ty == "b1" else value)

    def np_zeros(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(keywords.get("dtype", args[1] if len(args) > 1 else None))
        shape = self.shape_of_value(args[0] if args else keywords["shape"])
        return self._zeros(shape, ty or "f64", False)

    def np_ones(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(keywords.get("dtype", args[1] if len(args) > 1 else None))
        shape = self.shape_of_value(args[0] if args else keywords["shape"])
        return self._zeros(shape, ty or "f64", True)

    def np_full(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(keywords.get("dtype", args[2] if len(args) > 2 else None))
        value = self.number_of(args[1] if len(args) > 1 else keywords["fill_value"])
        target = ty or value.ty
        return self._filled(self.shape_of_value(args[0]), target, self.stored(value, target))

    def np_zeros_like(self, args: Args, keywords: Keywords) -> Value:
        return self._like(args[0], keywords, False)

    def np_ones_like(self, args: Args, keywords: Keywords) -> Value:
        return self._like(args[0], keywords, True)

    def np_full_like(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        shape = array.shape if isinstance(array, Arr) else ()
        ty = self.dtype_value(keywords.get("dtype")) or array.ty
        return self._filled(shape, ty, self.stored(self.number_of(args[1]), ty))

    def _like(self, value: Value, keywords: Keywords, one: bool) -> Value:
        array = self.as_array(value)
        ty = self.dtype_value(keywords.get("dtype")) or array.ty
        if isinstance(array, Num):
            return self.item(Lit(float(one) if ty in FLOATS else int(one), ty))
        return self._zeros(array.shape, ty, one)

    def np_arange(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(keywords.get("dtype"))
        parts = [self.number_of(arg).const for arg in args]
        if any(part is None for part in parts):
            raise self.refuse("CMP409", "a shape that depends on the data")
        first, last = (parts[0], parts[1]) if len(parts) > 1 else (0, parts[0])
        step = parts[2] if len(parts) > 2 else 1
        if step == 0:
            self.fail("ZeroDivisionError", "division by zero")
        assert first is not None
        assert last is not None
        assert step is not None
        self.small(int(min(max((last - first) / step, 0), 1e9)))
        known = np.arange(*[part for part in parts if part is not None])
        found = ty_of(known.dtype)
        assert found is not None
        array = self.of_known(known)
        return array if ty in (None, found) else self.astype(array, ty or found)

    def of_known(self, values: np.ndarray[Any, Any]) -> Arr:
        """Make an array of values known now."""
        ty = ty_of(values.dtype)
        assert ty is not None
        if values.size > 4096:
            raise self.refuse("CMP502", "a constant array of more than 4096 elements")
        atoms = tuple(Lit(value, ty) for value in values.ravel().tolist())
        return self.of_atoms(values.shape, ty, atoms)

    def np_linspace(self, args: Args, keywords: Keywords) -> Value:
        start, stop = (self.number_of(arg).const for arg in args[:2])
        count = self.constant(args[2] if len(args) > 2 else keywords.get("num", number(50)), "num")
        if start is None or stop is None:
            raise self.refuse("CMP409", "linspace between numbers that depend on the data")
        ends = bool(self.constant(keywords.get("endpoint", number(True)), "endpoint"))
        self.small(count)
        return self.of_known(np.linspace(float(start), float(stop), count, endpoint=ends))

    def np_eye(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "dtype")
        count = self.constant(args[0], "the size of eye()")
        self.small(count * count)
        ty = self.dtype_value(keywords.get("dtype")) or "f64"
        return self.of_known(np.eye(count, dtype=dtype_of(ty)))

    def np_diag(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num) or len(array.shape) > 2 or len(args) > 1:
            raise self.refuse("CMP408", "diag() of this")
        if len(array.shape) == 2:
            count = min(array.shape)
            origin = self.still(array)
            return self.make((count,), array.ty, lambda i: self.get(origin, (i[0], i[0])),
                             self.deps(array))  # fmt: skip
        size = array.shape[0]
        if size > 8:
            raise self.refuse("CMP408", "diag() of more than 8 elements")
        zero: Atom = Lit(0.0, array.ty) if array.ty in FLOATS else Lit(0, array.ty)
        atoms = tuple(
            self.get(array, (i64(i),)) if i == j else zero for i in range(size) for j in range(size)
        )
        return self.of_atoms((size, size), array.ty, atoms)

    def a_copy(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        return self.copy_of(value) if isinstance(value, Arr) else value

    def a_tolist(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Num):
            return self.python_number(value)
        if isinstance(value, Sel) and len(value.tail) < 2:
            return self.rows_as_lists(value)
        if not isinstance(value, Arr):
            raise self.refuse("CMP503", "a list of a selection")
        if value.size > 64:
            raise self.refuse("CMP312", "tolist() of more than 64 elements")
        return self.new_list(
            tuple(
                self.a_tolist([self.subview(value, [number(k)])], {}) for k in range(value.shape[0])
            )
        )

    def rows_as_lists(self, value: Sel) -> Value:
        """Compute ``tolist()`` of what a mask selects."""
        raise NotImplementedError

    def a_item(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Arr):
            if value.size != 1:
                self.fail("ValueError", "can only convert an array of size 1 to a Python scalar")
            value = self.item(self.get(value, tuple(i64(0) for _ in value.shape)))
        assert isinstance(value, Num)
        return self.python_number(value)

    def a_reshape(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        rest = args[1:]
        if len(rest) == 1:
            shape = self.shape_of_value(rest[0])
        else:
            shape = tuple(self.constant(part, "a shape") for part in rest)
        if isinstance(array, Num):
            return self.reshape(self.of_atoms((1,), array.ty, (array.atom,)), shape)
        return self.reshape(array, shape)

    def a_ravel(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num):
            return self.of_atoms((1,), array.ty, (array.atom,))
        return self.reshape(array, (array.size,))

    def a_flatten(self, args: Args, keywords: Keywords) -> Value:
        return self.a_copy([self.a_ravel(args, keywords)], {})

    def selected_columns(self, value: Value) -> Sel | None:
        """Give what a tuple of columns of one selection is as rows, or None for anything else."""
        items = value.items if isinstance(value, Tup) else ()
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(content, ListCell) and content.length is None:
            items = content.items
        sels = [item for item in items if isinstance(item, Sel) and not item.tail]
        if not sels or len(sels) != len(items):
            return None
        first = sels[0]
        if any(sel.source != first.source or sel.ty != first.ty for sel in sels):
            return None

        def element(index: Index, rest: Index) -> Atom:
            which = rest[0]
            if isinstance(which, Lit):
                return sels[int(which.value)].element(index, ())
            result = sels[-1].element(index, ())
            for k in range(len(sels) - 2, -1, -1):
                here = self.op("eq", "b1", which, i64(k))
                result = self.op("select", first.ty, here, sels[k].element(index, ()), result)
            return result

        bounds = None
        known = [sel.bounds for sel in sels if sel.bounds is not None]
        if len(known) == len(sels):
            bounds = min(low for low, _ in known), max(high for _, high in known)
        deps = tuple(dep for sel in sels for dep in sel.deps)
        return Sel(
            first.domain, first.keep, element, first.ty, (len(sels),), deps, first.source, bounds,
            first.bound,
        )  # fmt: skip

    def np_column_stack(self, args: Args, keywords: Keywords) -> Value:
        found = self.selected_columns(args[0])
        if found is not None:
            return found
        parts = self._lines(args[0])
        if all(len(part.shape) == 1 for part in parts):
            return self.np_stack([Tup(tuple(parts)), number(1)], {})
        raise self.refuse("CMP408", "column_stack() of arrays of several axes")

    def np_transpose(self, args: Args, keywords: Keywords) -> Value:
        chosen = self.selected_columns(args[0])
        if chosen is not None:
            return chosen
        array = self.as_array(args[0])
        if isinstance(array, Num):
            return array
        if len(args) > 1 and not isinstance(args[1], NoneV):
            rest = args[1:] if isinstance(args[1], Num) else list(self.listed(args[1]))
            return self.transpose(array, tuple(self.constant(part, "an axis") for part in rest))
        return self.transpose(array)

    def np_swapaxes(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num) or len(args) != 3:
            raise self.refuse("CMP408", "this swapaxes()")
        first, second = (self.constant(part, "an axis") for part in args[1:])
        depth = len(array.shape)
        if not (-depth <= first < depth and -depth <= second < depth):
            raise self.refuse("CMP511", "an axis that is out of bounds")
        order = list(range(depth))
        order[first], order[second] = order[second], order[first]
        return self.transpose(array, tuple(order))

    def np_ascontiguousarray(self, args: Args, keywords: Keywords) -> Value:
        # Programs cannot tell where an array lies; one that is contiguous comes back as it is.
        value = args[0]
        if isinstance(value, Arr) and value.view is None:
            return value
        return (
            self.a_copy([value], {}) if isinstance(value, Arr) else self.np_asarray(args, keywords)
        )

    def np_squeeze(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num):
            return array
        shape = tuple(size for size in array.shape if size != 1)
        if not shape:
            return self.item(self.get_flat(array, i64(0)))
        return self.reshape(array, shape)

    def np_expand_dims(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        axis = self.constant(args[1] if len(args) > 1 else keywords["axis"], "an axis")
        shape = array.shape if isinstance(array, Arr) else ()
        place = axis % (len(shape) + 1)
        return self.a_reshape(
            [array, Tup(tuple(number(s) for s in (*shape[:place], 1, *shape[place:])))], {}
        )

    def np_concatenate(self, args: Args, keywords: Keywords) -> Value:
        parts = self._arrays(args[0])
        axis = self.constant(
            args[1] if len(args) > 1 else keywords.get("axis", number(0)), "an axis"
        )
        arrays = [part for part in parts if isinstance(part, Arr)]
        if len(arrays) != len(parts):
            self.fail("ValueError", "zero-dimensional arrays cannot be concatenated")
        first = arrays[0].shape
        place = axis % len(first)
        for other in arrays[1:]:
            same = other.shape[:place] + other.shape[place + 1 :]
            if len(other.shape) != len(first) or same != first[:place] + first[place + 1 :]:
                self.fail("ValueError", "all the input array dimensions must match exactly")
        total = sum(array.shape[place] for array in arrays)
        shape = (*first[:place], total, *first[place + 1 :])
        ty = self.common([array.ty for array in arrays])
        return self.join_parts(list(arrays), shape, ty, place)

    def np_stack(self, args: Args, keywords: Keywords) -> Value:
        axis = self.constant(
            args[1] if len(args) > 1 else keywords.get("axis", number(0)), "an axis"
        )
        chosen = self.selected_columns(args[0])
        if chosen is not None and axis in (1, -1):
            return chosen
        items = self.listed(args[0])
        parts = [self.as_array(item) for item in items]
        shapes = {part.shape if isinstance(part, Arr) else () for part in parts}
        if len(shapes) != 1:
            self.fail("ValueError", "all input arrays must have the same shape")
        stacked = self.stack(parts, None)
        depth = len(stacked.shape)
        place = axis % depth
        if place == 0:
            return stacked
        order = list(range(1, depth))
        order.insert(place, 0)
        return self.transpose(stacked, tuple(order))

    def _lines(self, value: Value) -> list[Arr]:
        """Give arrays of at least one axis."""
        return [
            self.of_atoms((1,), part.ty, (part.atom,)) if isinstance(part, Num) else part
            for part in self._arrays(value)
        ]

    def np_vstack(self, args: Args, keywords: Keywords) -> Value:
        parts = [
            self.reshape(part, (1, *part.shape)) if len(part.shape) == 1 else part
            for part in self._lines(args[0])
        ]
        return self.np_concatenate([Tup(tuple(parts))], {})

    def np_hstack(self, args: Args, keywords: Keywords) -> Value:
        parts = self._lines(args[0])
        flat = all(len(part.shape) == 1 for part in parts)
        return self.np_concatenate([Tup(tuple(parts)), number(0 if flat else 1)], {})

    def np_split(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        axis = self.constant(
            args[2] if len(args) > 2 else keywords.get("axis", number(0)), "an axis"
        )
        size = array.shape[axis]
        if isinstance(args[1], Num):
            count = self.constant(args[1], "the number of parts")
            self.small(count)
            if count < 1:
                self.fail("ValueError", "number sections must be larger than 0.")
            if size % count:
                self.fail("ValueError", "array split does not result in an equal division")
            cuts = [size // count * k for k in range(1, count)]
        else:
            cuts = [self.constant(cut, "a place to split") for cut in self.listed(args[1])]
        edges = [0, *cuts, size]
        found: list[Value] = []
        for start, stop in itertools.pairwise(edges):
            parts: list[Value] = [SliceV(NONE, NONE, NONE)] * (axis % len(array.shape))
            parts.append(SliceV(number(start), number(stop), NONE))
            found.append(self.subview(array, parts))
        return self.new_list(tuple(found))

    def np_diff(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        times = self.constant(args[1] if len(args) > 1 else keywords.get("n", number(1)), "n")
        axis = self.constant(keywords.get("axis", number(-1)), "an axis") % len(array.shape)
        for _ in range(times):
            before: list[Value] = [SliceV(NONE, NONE, NONE)] * axis
            high = self.subview(array, [*before, SliceV(number(1), NONE, NONE)])
            low = self.subview(array, [*before, SliceV(NONE, number(-1), NONE)])
            name = "not_equal" if array.ty == "b1" else "subtract"
            result = self.ufunc(name, high, low)
            assert isinstance(result, Arr)
            array = result
        return array

    def np_flip(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        axis = keywords.get("axis", args[1] if len(args) > 1 else NONE)
        axes = self.axes_of(array, axis)
        back = SliceV(NONE, NONE, number(-1))
        keep = SliceV(NONE, NONE, NONE)
        return self.subview(
            array,
            [back if axes is None or k in axes else keep for k in range(len(array.shape))],
        )

    def np_triu_indices(self, args: Args, keywords: Keywords) -> Value:
        n = self.constant(args[0], "a size")
        k = self.constant(args[1] if len(args) > 1 else keywords.get("k", number(0)), "k")
        self.small(n * n)
        rows, columns = np.triu_indices(n, k)
        return Tup((self.of_known(rows), self.of_known(columns)))
