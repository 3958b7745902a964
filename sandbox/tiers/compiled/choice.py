"""NumPy: choosing elements, by condition, by mask and by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import (
    FLOATS,
    Atom,
    Ty,
    dtype_of,
    limits_of,
    ty_of,
)
from sandbox.tiers.compiled.creation import Creation
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Index,
    NoneV,
    Num,
    Ref,
    Sel,
    SliceV,
    Tup,
    Union,
    Value,
    boolean,
    number,
)

__all__ = ["Choice"]


class Choice(Creation):
    """Functions that choose elements."""

    def call_ufunc(self, name: str, args: Args, keywords: Keywords) -> Value:
        """Call a ufunc of NumPy by its first name."""
        if keywords.keys() - {"dtype"}:
            raise self.refuse("CMP408", f"the arguments {sorted(keywords)} of numpy.{name}")
        wanted = getattr(np, name).nin
        if len(args) != wanted:
            self.fail("TypeError", f"{name}() takes {wanted} positional arguments")

        def go(k: int, done: Args) -> Value:
            if k == len(args):
                found = self.ufunc(name, *done)
                if "dtype" in keywords:
                    return self.np_astype([found, keywords["dtype"]], {})
                return found
            return self.spread_weak(args[k], lambda v: go(k + 1, [*done, v]))

        return go(0, [])

    def np_where(self, args: Args, keywords: Keywords) -> Value:
        if len(args) == 1:
            return self.np_nonzero(args, keywords)
        return self.where(args[0], args[1], args[2])

    def where(self, cond: Value, yes: Value, no: Value) -> Value:
        """Compute ``np.where`` of three arguments."""
        inputs = [cond, yes, no]
        values: list[Num | Arr | Sel] = [
            v if isinstance(v, Num | Arr | Sel) else self.as_array(v) for v in inputs
        ]
        if any(isinstance(v, Sel) for v in values):
            raise self.refuse("CMP508", "where() over a selection")
        kinds = tuple((v.ty, isinstance(v, Num) and v.weak is True) for v in values[1:])
        # What where() promotes to is what adding would, truth values apart.
        tys = {ty for ty, _ in kinds}
        ty = "b1" if tys == {"b1"} else self.promoted(kinds)
        arrays = [self.still(v) for v in values if isinstance(v, Arr)]
        if not arrays:
            c, a, b = (v for v in values if isinstance(v, Num))
            truth = self.cast(c.atom, "b1")
            x, y = self.stored(a, ty), self.stored(b, ty)
            return self.item(self.op("select", ty, truth, x, y))
        shape = self.broadcast([a.shape for a in arrays])
        sources: list[Num | Arr] = [
            self.still(v) if isinstance(v, Arr) else v for v in values if not isinstance(v, Sel)
        ]
        ready = {
            k: self.cast(v.atom, "b1") if k == 0 else self.stored(v, ty)
            for k, v in enumerate(sources)
            if isinstance(v, Num)
        }

        def rule(index: Index) -> Atom:
            parts = []
            for k, v in enumerate(sources):
                if isinstance(v, Num):
                    parts.append(ready[k])
                else:
                    own = index[len(index) - len(v.shape) :]
                    own = tuple(
                        i64(0) if size == 1 else atom
                        for size, atom in zip(v.shape, own, strict=True)
                    )
                    parts.append(self.cast(self.get(v, own), "b1" if k == 0 else ty))
            return self.op("select", ty, *parts)

        deps = tuple(d for a in arrays for d in self.deps(a))
        return self.make(shape, ty, rule, deps)

    def promoted(self, kinds: tuple[tuple[Ty, bool], ...]) -> Ty:
        """Give the type that elements and Python numbers are promoted to together."""
        values: list[Any] = []
        for ty, weak in kinds:
            if weak and ty == "i64":
                values.append(0)
            elif weak and ty == "f64":
                values.append(0.0)
            else:
                values.append(dtype_of(ty))
        if all(weak for _, weak in kinds):
            values = [dtype_of(ty) for ty, _ in kinds]
        found = ty_of(np.result_type(*values))
        if found is None:
            raise self.refuse("CMP402", "these types promote to one this tier does not have")
        return found

    def ufunc_where(self, mask: Arr, value: Value, owner: Arr) -> Value:
        depth = len(mask.shape)
        if owner.shape[:depth] != mask.shape:
            self.fail("IndexError", "boolean index did not match indexed array")
        if isinstance(value, Ref):
            value = self.as_array(value)
        if isinstance(value, Sel):
            return self._selected_into(mask, value, owner)
        if isinstance(value, Arr) and value.shape and value.size > 1:
            raise self.refuse("CMP509", "a masked assignment of several values")
        if depth < len(owner.shape):
            mask = self.reshape(mask, (*mask.shape, *(1,) * (len(owner.shape) - depth)))
        number_value = self.number_of(value) if not isinstance(value, Num) else value
        return self.where(
            mask, self.item(self.stored(number_value, owner.ty)), self.materialise(owner)
        )

    def _selected_into(self, mask: Arr, value: Sel, owner: Arr) -> Value:
        """Compute ``owner[mask] = value`` where the values were selected by an equal mask."""
        tail = owner.shape[len(mask.shape) :]
        if value.tail != tail or value.domain != mask.shape or value.bound is not None:
            raise self.refuse("CMP508", "a masked assignment of what another mask selects")
        mask = self.still(mask)
        if value.source != self.source(mask):
            self.only_same(mask.shape, lambda i: self.get(mask, i), value.keep)
        self.fresh(value.deps)
        before = self.still(owner)
        depth = len(mask.shape)

        def rule(index: Index) -> Atom:
            head, rest = index[:depth], index[depth:]
            chosen = self.cast(value.element(head, rest), owner.ty)
            return self.op(
                "select", owner.ty, self.get(mask, head), chosen, self.get(before, index)
            )

        made = Arr(self.number(), owner.shape, owner.ty)
        self.store_rule(made, rule)
        return made

    def np_clip(self, args: Args, keywords: Keywords) -> Value:
        low = keywords.get("a_min", keywords.get("min", args[1] if len(args) > 1 else NONE))
        high = keywords.get("a_max", keywords.get("max", args[2] if len(args) > 2 else NONE))
        value = args[0]
        if isinstance(low, Union) or isinstance(high, Union):
            return self.spread(
                low,
                lambda a: self.spread(high, lambda b: self.np_clip([value, a, b], {})),
            )
        if not isinstance(value, Num | Arr | Sel):
            value = self.as_array(value)
        if value.ty not in FLOATS and value.ty != "b1":
            # np.clip leaves out a bound that no element of the type can reach.
            least, most = limits_of(value.ty)
            if isinstance(low, Num) and low.weak is True and low.const is not None:
                low = NONE if low.ty == "i64" and low.const <= least else low
            if isinstance(high, Num) and high.weak is True and high.const is not None:
                high = NONE if high.ty == "i64" and high.const >= most else high
        bounds = [b for b in (low, high) if not isinstance(b, NoneV)]
        if isinstance(value, Num) and all(isinstance(b, Num) for b in bounds):
            everything = [value, *(b for b in bounds if isinstance(b, Num))]
            if all(v.weak is True for v in everything):
                value = Num(value.atom, False, value.low, value.high)
                # np.clip of Python numbers promotes their default types.
                target = self.common([v.ty for v in everything])
                atoms = [self.cast(v.atom, target) for v in everything]
                return self._clip_atoms(target, atoms, low, high)
        result: Value = value
        if not isinstance(low, NoneV):
            result = self.call_ufunc("maximum", [result, low], {})
        if not isinstance(high, NoneV):
            result = self.call_ufunc("minimum", [result, high], {})
        return result

    def _clip_atoms(self, ty: Ty, atoms: list[Atom], low: Value, high: Value) -> Num:
        result = atoms[0]
        rest = atoms[1:]
        if not isinstance(low, NoneV):
            result = self.element("maximum", (ty, ty, ty), result, rest.pop(0))
        if not isinstance(high, NoneV):
            result = self.element("minimum", (ty, ty, ty), result, rest.pop(0))
        return self.item(result)

    def np_nonzero(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        found = self.places(array)
        columns: list[Value] = [
            Sel(
                found.domain,
                found.keep,
                lambda i, r, k=k: i[k],  # type: ignore[misc]
                "i64",
                (),
                found.deps,
                found.source,
                (0, max(array.shape[k] - 1, 0)),
            )
            for k in range(len(array.shape))
        ]
        return Tup(tuple(columns))

    def np_argwhere(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num):
            raise self.refuse("CMP408", "argwhere() of a number")
        return self.places(array)

    def np_flatnonzero(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        return self.np_nonzero([self.reshape(array, (array.size,))], {}).items[0]  # type: ignore[union-attr]

    def np_isin(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        result: Value = NONE
        for item in self.listed(args[1]):
            part = self.ufunc("equal", value, item)
            result = part if result == NONE else self.ufunc("logical_or", result, part)
        return result

    def np_unravel_index(self, args: Args, keywords: Keywords) -> Value:
        place = self.number_of(args[0])
        shape = self.shape_of_value(args[1] if len(args) > 1 else keywords["shape"])
        size = 1
        for extent in shape:
            size *= extent
        if not (place.low >= 0 and place.high < size):
            text = f"index is out of bounds for array with size {size}"
            above = self.op("ge", "b1", self.cast(place.atom, "i64"), i64(0))
            below = self.op("lt", "b1", self.cast(place.atom, "i64"), i64(size))
            self.check(boolean(self.both(above, below)), "ValueError", text)
        found = self.unravel(self.cast(place.atom, "i64"), shape)
        return Tup(
            tuple(
                Num(atom, False, 0, max(extent - 1, 0))
                for atom, extent in zip(found, shape, strict=True)
            )
        )

    def index_advanced(self, owner: Arr, parts: list[Value]) -> Value:
        first = parts[0]
        if isinstance(first, Arr) and first.ty == "b1" and len(parts) == 1:
            return self.masked(owner, first)
        if isinstance(first, Sel) and len(parts) == 1 and first.ty == "b1":
            raise self.refuse("CMP508", "a mask that is itself a selection")
        if any(isinstance(part, Sel) for part in parts):
            return self._gather_selected(owner, parts)
        if all(isinstance(part, Arr | Num) for part in parts):
            return self._gather(owner, parts)
        if len(parts) == 2 and parts[0] == SliceV(NONE, NONE, NONE) and isinstance(parts[1], Arr):
            if parts[1].ty == "b1" or len(owner.shape) != 2:
                raise self.refuse("CMP509", "this index of an array")
            turned = self._gather(self.transpose(owner), [parts[1]])
            assert isinstance(turned, Arr)
            return self.transpose(turned, (1, 0)) if len(turned.shape) == 2 else turned
        raise self.refuse("CMP509", "this index of an array")

    def _gather(self, owner: Arr, parts: list[Value]) -> Value:
        for part in parts:
            if isinstance(part, Arr | Num) and (part.ty in FLOATS or part.ty == "b1"):
                if part.ty == "b1":
                    raise self.refuse("CMP509", "a mask beside other indices")
                self.fail("IndexError", "arrays used as indices must be of integer type")
        arrays = [part for part in parts if isinstance(part, Arr)]
        shape = self.broadcast([part.shape for part in arrays])
        checked: list[Arr | Atom] = []
        for axis, part in enumerate(parts):
            size = owner.shape[axis]
            if isinstance(part, Num):
                checked.append(self.bounded(part, size, "index is out of bounds"))
                continue
            assert isinstance(part, Arr)
            checked.append(self._checked_indices(part, size))
        rest = owner.shape[len(parts) :]
        origin = self.still(owner)

        def rule(index: Index) -> Atom:
            head = index[: len(shape)]
            places: list[Atom] = []
            for part in checked:
                if isinstance(part, Arr):
                    own = head[len(head) - len(part.shape) :]
                    own = tuple(
                        i64(0) if size == 1 else atom
                        for size, atom in zip(part.shape, own, strict=True)
                    )
                    places.append(self.get(part, own))
                else:
                    places.append(part)
            return self.get(origin, (*places, *index[len(shape) :]))

        return self.make((*shape, *rest), owner.ty, rule, self.deps(owner))

    def index_part(self, part: Value) -> Value:
        return self.as_array(part) if isinstance(part, Ref) else part

    def set_places(self, owner: Arr, parts: list[Value], value: Value) -> None:
        good = all(
            isinstance(part, Arr) and len(part.shape) == 1 and part.ty not in (*FLOATS, "b1")
            for part in parts
        )
        arrays = [part for part in parts if isinstance(part, Arr)]
        counts = {part.shape[0] for part in arrays}
        if not good or len(counts) != 1 or isinstance(value, Sel):
            raise self.refuse("CMP509", "this index of an array that is written to")
        (count,) = counts
        checked = [
            self._checked_indices(part, size)
            for part, size in zip(arrays, owner.shape, strict=False)
        ]
        tail = owner.shape[len(parts) :]
        given = value if isinstance(value, Num) else self.as_array(value)
        shape = given.shape if isinstance(given, Arr) else ()
        if self.broadcast([shape, (count, *tail)]) != (count, *tail):
            self.fail("ValueError", "shape mismatch: value array could not be broadcast")
        if isinstance(given, Arr):
            # It may be a view of the owner, so it is read whole before the first write.
            given = self.materialise(given)
            given = self.reshape(given, (1,) * (1 + len(tail) - len(shape)) + shape)
        for k in range(count):
            places: list[Value] = [self.item(self.get(part, (i64(k),))) for part in checked]
            item: Value = given
            if isinstance(given, Arr):
                item = self.subview(given, [number(k if given.shape[0] > 1 else 0)])
            self.assign_view(self.view_for_writing(owner, places), item)

    def _checked_indices(self, part: Arr, size: int) -> Arr:
        """Give indices counted from the start, after a check of all of them."""
        if part.size > 64:
            raise self.refuse("CMP509", "an index array of more than 64 elements")
        atoms = []
        for k in range(part.size):
            value = self.item(self.get_flat(part, i64(k)))
            atoms.append(
                self.bounded(value, size, f"index is out of bounds for axis with size {size}")
            )
        return self.of_atoms(part.shape, "i64", tuple(atoms))

    def _gather_selected(self, owner: Arr, parts: list[Value]) -> Value:
        """Index with selected positions: one entry for each of them."""
        sels = [part for part in parts if isinstance(part, Sel)]
        first = sels[0]
        if any(sel.source != first.source or sel.tail for sel in sels) or len(sels) != len(parts):
            raise self.refuse("CMP509", "this index of an array")
        for axis, sel in enumerate(sels):
            if sel.bounds is None or sel.bounds[0] < 0 or sel.bounds[1] >= owner.shape[axis]:
                raise self.refuse("CMP509", "positions that may be outside of this array")
        origin = self.still(owner)

        def element(index: Index, rest: Index) -> Atom:
            places = tuple(sel.element(index, ()) for sel in sels)
            return self.get(origin, (*places, *rest))

        return Sel(
            first.domain, first.keep, element, owner.ty, owner.shape[len(sels) :],
            (*first.deps, *self.deps(owner)), first.source,
            bound=first.bound, extents=first.extents,
        )  # fmt: skip

    def index_selection(self, owner: Sel, index: Value) -> Value:
        parts = list(index.items) if isinstance(index, Tup) else [index]
        head = parts[0]
        if isinstance(head, Num) and head.ty not in FLOATS and head.ty != "b1":
            found = self.nth(owner, head)
            if len(parts) == 1:
                return found
            return self.subscript(found, Tup(tuple(parts[1:])))
        if isinstance(head, Sel) and head.ty == "b1" and len(parts) == 1:
            if head.source != owner.source or head.tail:
                raise self.refuse("CMP508", "two different selections in one expression")
            return Sel(
                owner.domain,
                lambda i: self.both(owner.keep(i), head.element(i, ())),
                owner.element, owner.ty, owner.tail, owner.deps,
                (owner.source, self.number()), owner.bounds, extents=owner.extents,
            )  # fmt: skip
        everything = SliceV(NONE, NONE, NONE)
        if head == everything and len(parts) == 2 and isinstance(parts[1], Num) and owner.tail:
            place = self.bounded(parts[1], owner.tail[0], "index is out of bounds for axis 1")
            return Sel(
                owner.domain, owner.keep, lambda i, r: owner.element(i, (place, *r)), owner.ty,
                owner.tail[1:], owner.deps, owner.source, owner.bounds, owner.bound, owner.extents,
            )  # fmt: skip
        if head == everything and len(parts) == 2 and isinstance(parts[1], SliceV) and owner.tail:
            span = self.slice_of(parts[1], owner.tail[0])

            def part_of(i: Index, r: Index) -> Atom:
                moved = self.op(
                    "add", "i64", i64(span.start), self.op("mul", "i64", r[0], i64(span.step))
                )
                return owner.element(i, (moved, *r[1:]))

            return Sel(
                owner.domain, owner.keep, part_of, owner.ty, (len(span), *owner.tail[1:]),
                owner.deps, owner.source, owner.bounds, owner.bound, owner.extents,
            )  # fmt: skip
        if head == everything and len(parts) == 1:
            return owner
        if isinstance(head, SliceV) and len(parts) == 1 and owner.bound is not None:
            return self._some_of(owner, head)
        raise self.refuse("CMP509", "this index of a selection")

    def _some_of(self, owner: Sel, index: SliceV) -> Sel:
        """Slice what is selected from the first candidate on without gaps."""
        assert owner.bound is not None
        step = number(1) if isinstance(index.step, NoneV) else index.step
        if not isinstance(step, Num) or step.const not in (1, -1):
            raise self.refuse("CMP509", "this index of a selection")
        by = int(step.const)
        first = self.slice_edge(index.start, owner.bound, by, True)
        last = self.slice_edge(index.stop, owner.bound, by, False)
        pair = (last, first) if by > 0 else (first, last)
        count = self.op("max", "i64", self.op("sub", "i64", *pair), i64(0))
        reads = owner.element

        def element(at: Index, rest: Index) -> Atom:
            return reads((self.op("add" if by > 0 else "sub", "i64", first, at[0]),), rest)

        return Sel(
            owner.domain,
            lambda at: self.op("lt", "b1", at[0], count),
            element,
            owner.ty,
            owner.tail,
            owner.deps,
            # All that begins at the first candidate and is as long selects the same candidates.
            ("first", count, owner.domain),
            owner.bounds,
            count,
        )
