"""Functions that make few things of few: permutations, a counter of a dict, ``np.r_``."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Final

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.idioms import Idioms
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Builtin,
    DictCell,
    Gen,
    Num,
    Ref,
    Tup,
    Value,
)
from sandbox.weights import FREE_ITEMS

__all__ = ["Extras"]

_ROWS: Final = "numpy.r_"
_MOST: Final = 256


class Extras(Idioms):
    """More functions of the standard library and of NumPy."""

    def i_permutations(self, args: Args, keywords: Keywords) -> Value:
        if not self.length_known(args[0]):
            raise self.refuse("CMP319", "permutations of a list of unknown length")
        items = self.listed(args[0])
        self.charge(len(items))
        given = args[1] if len(args) > 1 else keywords.get("r", NONE)
        size = len(items) if given == NONE else self.constant(given, "the size of permutations")
        if size < 0 or math.perm(len(items), size) > _MOST:
            raise self.refuse("CMP319", f"more than {_MOST} permutations")
        return Gen("tuples", tuple(Tup(tuple(p)) for p in itertools.permutations(items, size)))

    def c_counter(self, args: Args, keywords: Keywords) -> Value:
        content = self.pt.heap[args[0].cell] if args and isinstance(args[0], Ref) else None
        if not isinstance(content, DictCell) or keywords or len(content.entries) > FREE_ITEMS:
            return super().c_counter(args, keywords)
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = replace(content, factory=None, kind="counter")
        return cell

    def subscript(self, owner: Value, index: Value) -> Value:
        if owner == Builtin(_ROWS):
            return self._in_a_row(index.items if isinstance(index, Tup) else (index,))
        return super().subscript(owner, index)

    def called(self, args: Args, keywords: Keywords) -> Value:
        """Refuse a call of what is no function."""
        raise self.refuse("CMP509", "a call of np.r_")

    def _in_a_row(self, parts: tuple[Value, ...]) -> Value:
        """Compute ``np.r_[...]`` of numbers and arrays whose type is plain."""
        sizes, kinds = [], set()
        for part in parts:
            plain = isinstance(part, Num) and (part.weak is True or part.ty == "f64")
            if not plain and not (isinstance(part, Arr) and len(part.shape) == 1):
                raise self.refuse("CMP509", "np.r_ of other than numbers and arrays of one axis")
            assert isinstance(part, Num | Arr)
            kinds.add(part.ty)
            sizes.append(part.size if isinstance(part, Arr) else 0)
        arrays = {part.ty for part in parts if isinstance(part, Arr)}
        if not kinds <= {"f64", "i64"} or len(arrays) > 1:
            # A Python number takes the type of the arrays beside it, a NumPy one may widen it.
            raise self.refuse("CMP509", "np.r_ of numbers of these types")
        self.charge(1 + sum(sizes) // 16)
        ty = "f64" if "f64" in kinds else "i64"
        atoms = []
        for part in parts:
            if isinstance(part, Num):
                atoms.append(self.cast(part.atom, ty))
            elif isinstance(part, Arr):
                self.small(part.size)
                atoms += [self.cast(self.get(part, (i64(k),)), ty) for k in range(part.size)]
        return self.of_atoms((len(atoms),), ty, tuple(atoms))


def _register() -> None:
    table = Library.table
    table["itertools.permutations"] = Extras.i_permutations
    table["collections.Counter"] = Extras.c_counter
    table[_ROWS] = Extras.called


_register()
