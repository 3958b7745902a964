"""What windows have as arrays of NumPy: places, copies, shapes, attributes and subscripts."""

from __future__ import annotations

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Atom, Lit, Store
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.storage import ELLIPSIS
from sandbox.tiers.compiled.values import (
    Arr,
    Buffer,
    Builtin,
    Dty,
    Index,
    NoneV,
    Num,
    Points,
    Sel,
    SliceV,
    Tup,
    Union,
    Value,
    Window,
    integer,
    number,
)
from sandbox.tiers.compiled.window_sums import WindowSums

__all__ = ["WindowMembers"]


class WindowMembers(WindowSums):
    """Members and subscripts of `Window`."""

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
