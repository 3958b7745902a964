"""Selections beside one another: ``a[:, None] - b[None, :]`` where a mask has selected both.

What is computed of all pairs of their entries has two extents that only the row knows. So a
selection that meets another axis of unknown length is laid out in memory and becomes a `Window`.
"""

from __future__ import annotations

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Set
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.values import (
    NONE,
    Index,
    NoneV,
    Num,
    Sel,
    SliceV,
    Tup,
    Value,
    Window,
    boolean,
    integer,
    number,
)
from sandbox.tiers.compiled.window_members import WindowMembers

__all__ = ["Pairs"]


class Pairs(WindowMembers):
    """Operations on selections that become windows."""

    def spread_out(self, sel: Sel) -> Window:
        """Give a selection as an array of as many entries as are selected, one after the other."""
        found = self.packed(sel)
        assert found.bound is not None
        shape = (integer(found.bound, 0, found.domain[0]), *(number(size) for size in found.tail))
        return Window(
            shape, found.ty, lambda index: found.element((index[0],), index[1:]), found.deps
        )

    def index_selection(self, owner: Sel, index: Value) -> Value:
        parts: list[Value] = list(index.items) if isinstance(index, Tup) else [index]
        if isinstance(parts[0], NoneV) and all(isinstance(p, Num | SliceV | NoneV) for p in parts):
            return self.part_of(self.spread_out(owner), parts)
        if len(parts) == 1 and isinstance(parts[0], Window) and parts[0].ty == "b1":
            return self.subscript(self.spread_out(owner), parts[0])
        return super().index_selection(owner, index)

    def ufunc(self, name: str, *args: Value) -> Value:
        selections = [arg for arg in args if isinstance(arg, Sel)]
        ranks = {len(sel.tail) for sel in selections}
        if selections and (len(ranks) > 1 or any(isinstance(arg, Window) for arg in args)):
            args = tuple(self.spread_out(arg) if isinstance(arg, Sel) else arg for arg in args)
        return super().ufunc(name, *args)

    def norm(self, value: Value, axis: Value = NONE, keepdims: bool = False) -> Value:
        if not isinstance(value, Window):
            return super().norm(value, axis, keepdims)
        if isinstance(axis, NoneV):
            raise self.refuse("CMP512", "a norm over a whole array whose extents are not known")
        source = value if value.ty in FLOATS else self.converted(value, "f64")
        squares = self.ufunc("square", source)
        return self.ufunc("sqrt", self.array_sum(squares, axis, keepdims))

    def arg_extreme(self, most: bool, value: Value, axis: Value = NONE) -> Value:
        if not isinstance(value, Window):
            return super().arg_extreme(most, value, axis)
        known = axis.const if isinstance(axis, Num) else None
        if len(value.shape) != 2 or known not in (0, 1, -1):
            raise self.refuse("CMP512", "this argmin or argmax of an array of unknown extents")
        along = int(known) % 2
        extent, ty = value.shape[along], value.ty
        some = self.op("gt", "b1", extent.atom, i64(0))
        name = "argmax" if most else "argmin"
        self.check(boolean(some), "ValueError", f"attempt to get {name} of an empty sequence")

        def rule(outer: Index) -> Atom:
            def at(k: Atom) -> Atom:
                return self.element_at(value, (outer[0], k) if along else (k, outer[0]))

            best, where = self.accumulate(ty, at(i64(0))), self.accumulate("i64", i64(0))

            def turn(k: Atom) -> None:
                new = at(k)
                better = self._better(most, ty, new, best)
                self.emit(Set(where, self.op("select", "i64", better, k, where)))
                self.emit(Set(best, self.op("select", ty, better, new, best)))

            self.count(extent.atom, turn)
            return self.kept_now(where)

        return self.window((value.shape[1 - along],), "i64", rule, value.deps)

    def triangle_within(self, value: Window, args: Args, keywords: Keywords, lower: bool) -> Value:
        """Keep a triangle of an array whose extents are not known."""
        self.no_keywords(keywords, "k")
        if len(value.shape) != 2:
            raise self.refuse("CMP408", "a triangle of other than two axes")
        k = self.constant(args[1] if len(args) > 1 else keywords.get("k", number(0)), "k")
        zero: Atom = Lit(False, "b1") if value.ty == "b1" else Lit(0, value.ty)
        zero = Lit(0.0, value.ty) if value.ty in FLOATS else zero

        def rule(index: Index) -> Atom:
            ahead = self.op("sub", "i64", index[1], index[0])
            kept = self.op("le" if lower else "ge", "b1", ahead, i64(k))
            return self.op("select", value.ty, kept, self.element_at(value, index), zero)

        return Window(value.shape, value.ty, rule, value.deps)
