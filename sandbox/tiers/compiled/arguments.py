"""Arguments of library functions: what must be known while lowering, and conversions."""

from __future__ import annotations

import numpy as np

from sandbox.tiers.compiled.core import (
    FLOATS,
    Ty,
    ty_of,
)
from sandbox.tiers.compiled.reductions import Reductions
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Buffer,
    Dty,
    Gen,
    NoneV,
    Num,
    Sel,
    Str,
    Value,
    Words,
    boolean,
    number,
)

__all__ = ["Args", "Arguments", "Keywords", "axes"]

Args = list[Value]
Keywords = dict[str, Value]


class Arguments(Reductions):
    """Reads arguments."""

    def number_of(self, value: Value) -> Num:
        """Give a number as one, also where it is an array of one element without axes."""
        if isinstance(value, Num):
            return value
        if isinstance(value, Arr) and value.size == 1:
            if value.shape:
                self.fail(
                    "TypeError", "only 0-dimensional arrays can be converted to Python scalars"
                )
            return self.item(self.get(value, ()))
        if isinstance(value, Arr | Sel):
            self.fail("TypeError", "only 0-dimensional arrays can be converted to Python scalars")
        self.fail("TypeError", f"must be real number, not {self.type_name(value)}")

    def constant(self, value: Value, what: str) -> int:
        """Give an integer that must be known."""
        if isinstance(value, Num) and value.const is not None and value.ty not in FLOATS:
            return int(value.const)
        raise self.refuse("CMP409", f"{what} that depends on the data")

    def shape_of_value(self, value: Value) -> tuple[int, ...]:
        """Give a shape that must be known."""
        if isinstance(value, Num):
            return (self.constant(value, "a shape"),)
        return tuple(self.constant(item, "a shape") for item in self.listed(value))

    def dtype_value(self, value: Value | None) -> Ty | None:
        """Give the core type of a dtype argument."""
        if value is None or isinstance(value, NoneV):
            return None
        if isinstance(value, Dty):
            return value.ty
        if isinstance(value, Str):
            try:
                found = ty_of(np.dtype(value.text))
            except TypeError:
                found = None
            if found is not None:
                return found
        raise self.refuse("CMP402", "this dtype")

    def no_keywords(self, keywords: Keywords, *known: str) -> None:
        """Refuse arguments by name other than the known ones."""
        other = keywords.keys() - set(known)
        if other:
            raise self.refuse("CMP408", f"the argument {min(other)!r}")

    def copy_of(self, array: Arr) -> Arr:
        """Copy an array."""
        content = self.pt.heap[array.cell]
        if isinstance(content, Buffer):
            return self.materialise(array)
        return self.still(array)

    def np_astype(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(args[1] if len(args) > 1 else keywords.get("dtype"))
        assert ty is not None
        value = args[0]
        if isinstance(value, Num):
            return self.item(self.cast(value.atom, ty))
        if isinstance(value, Sel):
            return Sel(
                value.domain, value.keep,
                lambda i, r: self.cast(value.element(i, r), ty), ty, value.tail, value.deps,
                value.source, bound=value.bound, extents=value.extents,
            )  # fmt: skip
        array = self.as_array(value)
        assert isinstance(array, Arr)
        return self.astype(array, ty)

    def python_number(self, value: Num) -> Num:
        """Compute ``value.item()``."""
        if value.ty in FLOATS:
            return self.float_of(value)
        return boolean(value.atom) if value.ty == "b1" else self.int_of(value)

    def _arrays(self, value: Value) -> list[Arr | Num]:
        return [self.as_array(item) for item in self.listed(value)]

    def _axis(self, args: Args, keywords: Keywords, place: int = 1) -> Value:
        return keywords.get("axis", args[place] if len(args) > place else NONE)

    def _keepdims(self, keywords: Keywords) -> bool:
        return bool(self.constant(keywords.get("keepdims", number(False)), "keepdims"))

    def _reducible(self, value: Value) -> Value:
        if isinstance(value, Gen) and value.kind != "list":
            return self.new_list(self.listed(value))
        if isinstance(value, Gen | Words):
            raise self.refuse("CMP503", "an array made of a list of unknown length")
        return value

    def _comparable(self, value: Value) -> Arr | Num:
        if isinstance(value, Sel):
            raise self.refuse("CMP508", "a comparison of a whole selection")
        return self.as_array(value)

    def as_float(self, value: Value) -> Value:
        """Convert integers to float64 as the linear algebra functions do."""
        if isinstance(value, Num | Arr | Sel) and value.ty in FLOATS:
            return value
        return self.np_astype([value if isinstance(value, Sel) else self.as_array(value),
                               Dty("float64", "f64", False)], {})  # fmt: skip


def axes(value: Arr | Num | Sel) -> int:
    """Count the axes of a number, an array or a selection."""
    if isinstance(value, Arr):
        return len(value.shape)
    return 1 + len(value.tail) if isinstance(value, Sel) else 0
