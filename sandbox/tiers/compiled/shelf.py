"""NumPy: functions that are made of others, or that only lay elements out differently.

Each does on arrays of known shape what NumPy documents for it. What adds up floats adds them in NumPy's
order or within the tolerance of this tier; functions that solve equations are not here, because
their results depend on the library that NumPy was built with.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from sandbox.dialect import MODULES as DIALECT
from sandbox.guards import broadcast_size
from sandbox.predeclared.sizes import SIZERS
from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Set, Store, dtype_of
from sandbox.tiers.compiled.library import Library
from sandbox.tiers.compiled.points import FALSE, i64
from sandbox.tiers.compiled.storage import ELLIPSIS
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Buffer,
    Builtin,
    Index,
    ListCell,
    NoneV,
    Num,
    Ref,
    Sel,
    SliceV,
    Str,
    Tup,
    Value,
    Window,
    boolean,
    number,
)
from sandbox.tiers.compiled.written import Written

__all__ = ["Shelf"]

_NETWORK: Final = 16
"""Elements up to which an order is found by a network of comparisons."""
_RANKED: Final = 256
"""Elements up to which it is found by comparing all pairs."""
_EDGES: Final = 64
"""Edges of bins that a value is compared with."""
_GRIDS: Final = ("numpy.mgrid", "numpy.ogrid")
_ALL: Final = SliceV(NONE, NONE, NONE)
_FOLDS: Final = {
    "add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all",
    "logical_or": "any",
}  # fmt: skip


class Shelf(Written):
    """More functions of NumPy."""

    # -- what they cost

    def sized(self, function: Builtin, args: Args, keywords: Keywords, known: int) -> int:
        """Count elements as the other tier does where the result has more than is given."""
        name = function.name.removeprefix("numpy.")
        if function.name not in _SIZED:
            shapes = [value.shape for value in args if isinstance(value, Arr)]
            if len(shapes) == 2 and function.name.rpartition(".")[0] == "ufunc":
                return max(known, broadcast_size(*shapes))
            return known
        sizer = SIZERS.get(name)
        if sizer is None or known <= sizer.when:
            return known
        params = DIALECT["numpy"][name].params
        given = [self._stand_in(value) for value in args]
        named = {key: self._stand_in(value) for key, value in keywords.items()}
        made, done = sizer.measure({**dict(zip(params, given, strict=False)), **named, "*": given})
        return max(known, made, done)

    def _stand_in(self, value: Value) -> Any:
        """Give something of the size of a value."""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        match value:
            case Num() if value.const is not None:
                return value.const
            case Num():
                return np.zeros((), dtype_of(value.ty))[()]
            case Arr(shape=shape, ty=ty):
                return np.broadcast_to(np.zeros((), dtype_of(ty)), shape)
            case Tup(items=items):
                return tuple(self._stand_in(item) for item in items)
            case Str(text=text):
                return text
            case Ref() if isinstance(content, ListCell) and content.length is None:
                return [self._stand_in(item) for item in content.items]
        return None

    def _array(self, value: Value, what: str) -> Arr:
        """Give an array of a known shape."""
        found = self.as_array(value) if not isinstance(value, Sel) else value
        if not isinstance(found, Arr):
            raise self.refuse("CMP408", what)
        return found

    def _of_one_axis(self, value: Value, what: str) -> Arr:
        """Give an array of one axis."""
        found = self._array(value, what)
        if len(found.shape) != 1:
            raise self.refuse("CMP408", f"{what} of other than one axis")
        return found

    def _known_axis(self, value: Value, array: Arr) -> int:
        found = self.axes_of(array, value)
        if found is None or len(found) != 1:
            raise self.refuse("CMP511", "this axis")
        return found[0]

    # -- making

    def np_empty(self, args: Args, keywords: Keywords) -> Value:
        # The other tier gives zeros, too: old memory is nothing to show.
        return self.np_zeros(args, keywords)

    def np_empty_like(self, args: Args, keywords: Keywords) -> Value:
        return self.np_zeros_like(args, keywords)

    def np_identity(self, args: Args, keywords: Keywords) -> Value:
        return self.np_eye(args, keywords)

    def np_meshgrid(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "indexing")
        indexing = keywords.get("indexing", Str("xy"))
        lines = [self._of_one_axis(arg, "meshgrid()") for arg in args]
        if indexing not in (Str("xy"), Str("ij")):
            raise self.refuse("CMP408", "this indexing of meshgrid()")
        sizes = [line.shape[0] for line in lines]
        order = list(range(len(lines)))
        if indexing == Str("xy") and len(lines) > 1:
            order[:2] = [1, 0]
        shape = tuple(sizes[k] for k in order)
        self.small(math.prod(shape))

        def grid(k: int) -> Arr:
            line = self.still(lines[k])
            place = order.index(k)
            return self.make(shape, line.ty, lambda index: self.get(line, (index[place],)))

        return Tup(tuple(grid(k) for k in range(len(lines))))

    def np_indices(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords)
        shape = self.shape_of_value(args[0])
        self.small(math.prod(shape) * len(shape))
        return self.of_known(np.indices(shape))

    def subscript(self, owner: Value, index: Value) -> Value:
        if isinstance(owner, Builtin) and owner.name in _GRIDS:
            return self._grid(owner.name, index)
        return super().subscript(owner, index)

    def _grid(self, name: str, index: Value) -> Value:
        """Compute ``np.mgrid[...]`` or ``np.ogrid[...]`` of known ranges of integers."""
        parts = index.items if isinstance(index, Tup) else (index,)
        ends_of: list[tuple[int, int, int]] = []
        for part in parts:
            if not isinstance(part, SliceV) or isinstance(part.stop, NoneV):
                raise self.refuse("CMP509", "this index of a grid")
            start, stop, step = (
                default if isinstance(end, NoneV) else self.constant(end, "a range")
                for end, default in ((part.start, 0), (part.stop, 0), (part.step, 1))
            )
            if step == 0:
                raise self.refuse("CMP509", "this index of a grid")
            ends_of.append((start, stop, step))
        spans = [slice(*ends) for ends in ends_of]
        sizes = [len(range(*span)) for span in ends_of]
        made = sum(sizes)
        if name == "numpy.mgrid":
            made += math.prod(sizes) * len(sizes)
        self.small(made)
        self.charge(1 + made // 16)
        if name == "numpy.ogrid":
            whole = np.ogrid[tuple(spans)]
            if isinstance(whole, tuple):
                return Tup(tuple(self.of_known(part) for part in whole))
            return self.of_known(np.asarray(whole))
        return self.of_known(np.mgrid[tuple(spans) if isinstance(index, Tup) else spans[0]])

    def np_ix_(self, args: Args, keywords: Keywords) -> Value:
        found: list[Value] = []
        for k, arg in enumerate(args):
            line = self._of_one_axis(arg, "ix_()")
            if line.ty in FLOATS or line.ty == "b1":
                raise self.refuse("CMP509", "ix_() of a mask")
            shape = tuple(line.shape[0] if j == k else 1 for j in range(len(args)))
            found.append(self.reshape(line, shape))
        return Tup(tuple(found))

    # -- laying out

    def np_repeat(self, args: Args, keywords: Keywords) -> Value:
        axis = keywords.get("axis", args[2] if len(args) > 2 else NONE)
        array = self.as_array(args[0])
        if isinstance(array, Num):
            array = self.of_atoms((1,), array.ty, (array.atom,))
        times = self.constant(args[1], "the number of copies")
        if times < 0:
            self.fail("ValueError", "counts cannot be negative")
        place = 0
        if isinstance(axis, NoneV):
            array = self.reshape(array, (array.size,))
        else:
            place = self._known_axis(axis, array)
        shape = (*array.shape[:place], array.shape[place] * times, *array.shape[place + 1 :])
        origin = self.still(array)

        def rule(index: Index) -> Atom:
            own = self.op("floordiv", "i64", index[place], i64(max(times, 1)))
            return self.get(origin, (*index[:place], own, *index[place + 1 :]))

        return self.make(shape, array.ty, rule, self.deps(array))

    def np_tile(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        reps = args[1] if len(args) > 1 else keywords["reps"]
        times = self.shape_of_value(reps)
        shape = array.shape if isinstance(array, Arr) else ()
        depth = max(len(times), len(shape))
        times = (1,) * (depth - len(times)) + times
        if isinstance(array, Num):
            array = self.of_atoms((1,) * depth, array.ty, (array.atom,))
        array = self.reshape(array, (1,) * (depth - len(shape)) + shape)
        origin, sizes = self.still(array), array.shape

        def rule(index: Index) -> Atom:
            own = tuple(
                self.op("mod", "i64", atom, i64(max(size, 1)))
                for atom, size in zip(index, sizes, strict=True)
            )
            return self.get(origin, own)

        made = tuple(size * count for size, count in zip(sizes, times, strict=True))
        return self.make(made, array.ty, rule, self.deps(array))

    def np_roll(self, args: Args, keywords: Keywords) -> Value:
        array = self._array(args[0], "roll() of this")
        axis = keywords.get("axis", args[2] if len(args) > 2 else NONE)
        shift = self.constant(args[1] if len(args) > 1 else keywords["shift"], "a shift")
        shape = array.shape
        place = 0
        if isinstance(axis, NoneV):
            array = self.reshape(array, (array.size,))
        else:
            place = self._known_axis(axis, array)
        size = max(array.shape[place], 1)
        origin = self.still(array)

        def rule(index: Index) -> Atom:
            moved = self.op("add", "i64", index[place], i64((-shift) % size))
            own = self.op("mod", "i64", moved, i64(size))
            return self.get(origin, (*index[:place], own, *index[place + 1 :]))

        return self.reshape(self.make(array.shape, array.ty, rule, self.deps(array)), shape)

    def np_fliplr(self, args: Args, keywords: Keywords) -> Value:
        return self.np_flip([args[0], number(1)], {})

    def np_flipud(self, args: Args, keywords: Keywords) -> Value:
        return self.np_flip([args[0], number(0)], {})

    def np_rot90(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "k")
        array = self._array(args[0], "rot90() of this")
        if len(array.shape) != 2:
            raise self.refuse("CMP408", "rot90() of other than two axes")
        given = args[1] if len(args) > 1 else keywords.get("k", number(1))
        if isinstance(given, Num) and given.const is None and given.ty not in FLOATS:
            if array.shape[0] != array.shape[1]:
                raise self.refuse("CMP409", "turns of an array that is not square")
            turn = self.number_of(self.binary_number("remainder", self.int_of(given), number(4)))
            array = self.still(array)

            def turned(k: int) -> Value:
                if k == 3:
                    return self.copy_of_any(self.np_rot90([array, number(3)], {}))
                here = self.truth(self.compare_numbers("equal", turn, number(k)))
                return self.choose(
                    here,
                    lambda: self.copy_of_any(self.np_rot90([array, number(k)], {})),
                    lambda: turned(k + 1),
                )

            return turned(0)
        turns = self.constant(given, "k") % 4
        if turns == 2:
            return self.np_flip([array], {})
        if turns == 1:
            return self.np_flip([self.transpose(array), number(0)], {})
        if turns == 3:
            return self.np_flip([self.transpose(array), number(1)], {})
        return self.subview(array, [_ALL, _ALL])

    def copy_of_any(self, value: Value) -> Value:
        """Copy an array, so that it can be one of several."""
        return self.materialise(value) if isinstance(value, Arr) else value

    def np_diagonal(self, args: Args, keywords: Keywords) -> Value:
        array = self._array(args[0], "diagonal() of this")
        offset = self.constant(
            args[1] if len(args) > 1 else keywords.get("offset", number(0)), "an offset"
        )
        if len(array.shape) != 2:
            raise self.refuse("CMP408", "diagonal() of other than two axes")
        rows, columns = array.shape
        count = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
        origin = self.still(array)
        down, right = max(-offset, 0), max(offset, 0)

        def rule(index: Index) -> Atom:
            places = [self.op("add", "i64", index[0], i64(first)) for first in (down, right)]
            return self.get(origin, tuple(places))

        return self.make((count,), array.ty, rule, self.deps(array))

    def np_take(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis")
        array = self._array(args[0], "take() of this")
        axis = keywords.get("axis", args[2] if len(args) > 2 else NONE)
        if isinstance(axis, NoneV):
            array, place = self.reshape(array, (array.size,)), 0
        else:
            place = self._known_axis(axis, array)
        chosen = args[1] if isinstance(args[1], Num | Arr) else self.as_array(args[1])
        return self.index_array(array, Tup((*(_ALL,) * place, chosen)))

    def triangle_within(self, value: Window, args: Args, keywords: Keywords, lower: bool) -> Value:
        """Keep a triangle of an array whose extents are not known."""
        raise NotImplementedError

    def _triangle(self, args: Args, keywords: Keywords, lower: bool) -> Value:
        if isinstance(args[0], Window):
            return self.triangle_within(args[0], args, keywords, lower)
        array = self._array(args[0], "a triangle of this")
        if len(array.shape) != 2:
            raise self.refuse("CMP408", "a triangle of other than two axes")
        k = self.constant(args[1] if len(args) > 1 else keywords.get("k", number(0)), "k")
        mask = np.tri(*array.shape, k=k if lower else k - 1, dtype=bool)
        kept = self.of_known(mask if lower else ~mask)
        zero: Atom = Lit(0.0, array.ty) if array.ty in FLOATS else Lit(0, array.ty)
        return self.where(kept, array, self.item(FALSE if array.ty == "b1" else zero))

    def np_tril(self, args: Args, keywords: Keywords) -> Value:
        return self._triangle(args, keywords, True)

    def np_triu(self, args: Args, keywords: Keywords) -> Value:
        return self._triangle(args, keywords, False)

    def np_fill_diagonal(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords)
        owner = args[0]
        if not isinstance(owner, Arr) or len(owner.shape) != 2 or not isinstance(args[1], Num):
            raise self.refuse("CMP408", "fill_diagonal() of this")
        if owner.size:
            places = self.of_known(np.arange(min(owner.shape)))
            self.set_elements(owner, Tup((places, places)), args[1])
        return NONE

    def np_array_split(self, args: Args, keywords: Keywords) -> Value:
        array = self._array(args[0], "array_split() of this")
        if not isinstance(args[1], Num):
            return self.np_split(args, keywords)
        axis = args[2] if len(args) > 2 else keywords.get("axis", number(0))
        count = self.constant(args[1], "the number of parts")
        self.small(count)
        if count < 1:
            self.fail("ValueError", "number sections must be larger than 0.")
        each, extra = divmod(array.shape[self._known_axis(axis, array)], count)
        ends = np.cumsum([each + 1] * extra + [each] * (count - extra))[:-1]
        cuts = Tup(tuple(number(int(end)) for end in ends))
        return self.np_split([array, cuts, axis], {})

    def np_append(self, args: Args, keywords: Keywords) -> Value:
        axis = keywords.get("axis", args[2] if len(args) > 2 else NONE)
        if isinstance(axis, NoneV):
            parts = Tup((self.a_ravel([args[0]], {}), self.a_ravel([args[1]], {})))
            return self.np_concatenate([parts], {})
        return self.np_concatenate([Tup((args[0], args[1])), axis], {})

    def np_atleast_1d(self, args: Args, keywords: Keywords) -> Value:
        (value,) = args
        found = value if isinstance(value, Sel) else self.as_array(value)
        return self.a_ravel([found], {}) if isinstance(found, Num) else found

    def np_atleast_2d(self, args: Args, keywords: Keywords) -> Value:
        (value,) = args
        found = self.as_array(value)
        if isinstance(found, Num):
            return self.of_atoms((1, 1), found.ty, (found.atom,))
        return self.reshape(found, (1, *found.shape)) if len(found.shape) == 1 else found

    def np_pad(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "mode", "constant_values", "pad_width")
        array = self._array(args[0], "pad() of this")
        mode = keywords.get("mode", args[2] if len(args) > 2 else Str("constant"))
        width = self._widths(args[1] if len(args) > 1 else keywords["pad_width"], len(array.shape))
        fill: Atom | None = None
        if mode == Str("constant"):
            value = self.number_of(keywords.get("constant_values", number(0)))
            fill = self.stored(value, array.ty)
        elif (
            mode not in (Str("edge"), Str("wrap"), Str("reflect")) or "constant_values" in keywords
        ):
            raise self.refuse("CMP408", "this mode of pad()")
        origin, sizes = self.still(array), array.shape
        short = any(max(pair) >= size for pair, size in zip(width, sizes, strict=True))
        if mode in (Str("wrap"), Str("reflect")) and (short or not array.size):
            raise self.refuse("CMP408", "pad() by more than there is")
        if not array.size:
            raise self.refuse("CMP408", "pad() of an empty array")
        shape = tuple(a + size + b for (a, b), size in zip(width, sizes, strict=True))

        def rule(index: Index) -> Atom:
            inside: Atom = Lit(True, "b1")
            own: list[Atom] = []
            for atom, (before, _), size in zip(index, width, sizes, strict=True):
                place = self.op("sub", "i64", atom, i64(before))
                low = self.op("ge", "b1", place, i64(0))
                high = self.op("lt", "b1", place, i64(size))
                inside = self.both(inside, self.both(low, high))
                if mode == Str("wrap"):
                    again = self.op("add", "i64", place, i64(size))
                    own.append(self.op("mod", "i64", again, i64(size)))
                    continue
                if mode == Str("reflect"):
                    place = self.op("abs", "i64", place)
                    back = self.op("sub", "i64", i64(2 * size - 2), place)
                    place = self.op("min", "i64", place, back)
                place = self.op("max", "i64", place, i64(0))
                own.append(self.op("min", "i64", place, i64(size - 1)))
            found = self.get(origin, tuple(own))
            return found if fill is None else self.op("select", array.ty, inside, found, fill)

        return self.make(shape, array.ty, rule, self.deps(array))

    def _widths(self, value: Value, depth: int) -> list[tuple[int, int]]:
        """Give how far each axis is padded before and after."""
        if isinstance(value, Num):
            return [(self.constant(value, "a width"),) * 2] * depth
        items = self.listed(value)
        if all(isinstance(item, Num) for item in items):
            flat = [self.constant(item, "a width") for item in items]
            pairs = [(flat[0], flat[-1])] * depth
        else:
            pairs = []
            for item in items:
                both = [self.constant(end, "a width") for end in self.listed(item)]
                pairs.append((both[0], both[-1]))
            pairs = pairs * depth if len(pairs) == 1 else pairs
        if len(pairs) != depth or any(end < 0 for pair in pairs for end in pair):
            raise self.refuse("CMP408", "these widths of pad()")
        return pairs

    # -- ordering

    def np_argsort(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if not self._many(array, _NETWORK) or keywords:
            return super().np_argsort(args, keywords)
        assert isinstance(array, Arr)
        ranks = self._ranks(array)
        region = self.scratch("i64", array.size)
        self.count(i64(array.size), lambda k: self.emit(Store(region, self.load(ranks, k), k)))
        return self._of_region(region, array.size, "i64")

    def np_sort(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if not self._many(array, 2 * _NETWORK) or keywords:
            return super().np_sort(args, keywords)
        assert isinstance(array, Arr)
        source = self.still(array)
        ranks = self._ranks(array, equal=True)
        region = self.scratch(array.ty, array.size)

        def put(k: Atom) -> None:
            self.emit(Store(region, self.load(ranks, k), self.get(source, (k,))))

        self.count(i64(array.size), put)
        return self._of_region(region, array.size, array.ty)

    @staticmethod
    def _many(array: Arr | Num, few: int) -> bool:
        """Whether an array of one axis is too long for a network of comparisons."""
        return isinstance(array, Arr) and len(array.shape) == 1 and few < array.size <= _RANKED

    def _of_region(self, region: str, size: int, ty: str) -> Arr:
        made = Arr(self.number(), (size,), ty)
        self.pt.heap[made.cell] = Buffer(region, self.number())
        return made

    def _ranks(self, array: Arr, *, equal: bool = False) -> str:
        """Give for each element how many come before it; without ``equal`` no two are the same.

        Where two are, their order is NumPy's own affair, and so is that of NaN.
        """
        source = self.still(array)
        region = self.scratch("i64", array.size)
        tied = self.accumulate("b1", FALSE)

        def one(i: Atom) -> None:
            x = self.get(source, (i,))
            if array.ty in FLOATS:
                nan = self.op("ne", "b1", x, x)
                self.emit(Set(tied, self.op("or", "b1", tied, nan)))
            rank = self.accumulate("i64", i64(0))

            def other(j: Atom) -> None:
                y = self.get(source, (j,))
                less = self.op("lt", "b1", y, x)
                same = self.op("eq", "b1", y, x)
                if equal:
                    before = self.both(same, self.op("lt", "b1", j, i))
                    less = self.either(less, before)
                else:
                    apart = self.both(same, self.op("ne", "b1", j, i))
                    self.emit(Set(tied, self.op("or", "b1", tied, apart)))
                more = self.cast(less, "i64")
                self.emit(Set(rank, self.op("add", "i64", rank, more)))

            self.count(i64(array.size), other)
            self.emit(Store(region, i, rank))

        self.count(i64(array.size), one)
        self.only_where(boolean(self.inverse(self.kept(tied))))
        return region

    # -- choosing

    def np_select(self, args: Args, keywords: Keywords) -> Value:
        conditions, choices = self.listed(args[0]), self.listed(args[1])
        default = keywords.get("default", args[2] if len(args) > 2 else number(0))
        if len(conditions) != len(choices):
            self.fail("ValueError", "list of cases must be same length as list of conditions")
        values = [
            value if isinstance(value, Num | Arr) else self.as_array(value)
            for value in (*choices, default)
        ]
        kinds = tuple((value.ty, isinstance(value, Num) and value.weak is True) for value in values)
        tys = {ty for ty, _ in kinds}
        ty = "b1" if tys == {"b1"} else self.promoted(kinds)
        ready: list[Arr | Num] = [
            self.astype(value, ty) if isinstance(value, Arr) else self.item(self.stored(value, ty))
            for value in values
        ]
        result: Value = ready[-1]
        for condition, value in zip(reversed(conditions), reversed(ready[:-1]), strict=True):
            mask = condition if isinstance(condition, Num | Arr) else self.as_array(condition)
            if mask.ty != "b1":
                self.fail("TypeError", "invalid entry in condlist: should be boolean ndarray")
            result = self.where(mask, value, result)
        return result

    def _among_edges(self, value: Value, edges: Value, right: bool) -> Value:
        """Count the edges below each value, or below and at it; they have to be in order."""
        line = self._of_one_axis(edges, "edges")
        if line.shape[0] > _EDGES:
            raise self.refuse("CMP515", f"a search among more than {_EDGES} edges")
        found = value if isinstance(value, Arr | Num) else self.as_array(value)
        ty = self.common([line.ty, found.ty])
        atoms = [self.cast(self.get(line, (i64(k),)), ty) for k in range(line.shape[0])]
        for low, high in itertools.pairwise(atoms):
            # What NumPy finds in edges out of order depends on how it searches.
            self.only_where(boolean(self.op("le", "b1", low, high)))
        for atom in atoms if ty in FLOATS else ():
            self.only_where(boolean(self.op("eq", "b1", atom, atom)))

        def count(x: Atom) -> Atom:
            x = self.cast(x, ty)
            total: Atom = i64(0)
            nan = self.op("ne", "b1", x, x) if ty in FLOATS else FALSE
            for atom in atoms:
                below = self.op("le" if right else "lt", "b1", atom, x)
                one = self.cast(self.either(below, nan), "i64")
                total = self.op("add", "i64", total, one)
            return total

        if isinstance(found, Num):
            return self.item(count(found.atom))
        origin = self.still(found)
        return self.make(
            origin.shape, "i64", lambda index: count(self.get(origin, index)), self.deps(origin)
        )

    def np_digitize(self, args: Args, keywords: Keywords) -> Value:
        right = keywords.get("right", args[2] if len(args) > 2 else number(False))
        closed = bool(self.constant(right, "right"))
        return self._among_edges(args[0], args[1], not closed)

    def np_searchsorted(self, args: Args, keywords: Keywords) -> Value:
        side = keywords.get("side", args[2] if len(args) > 2 else Str("left"))
        if side not in (Str("left"), Str("right")):
            raise self.refuse("CMP408", "this side of searchsorted()")
        return self._among_edges(args[1], args[0], side == Str("right"))

    def np_histogram(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "bins", "range")
        array = self.a_ravel([self._array(args[0], "histogram() of this")], {})
        bins = keywords.get("bins", args[1] if len(args) > 1 else number(10))
        assert isinstance(array, Arr)
        if isinstance(bins, Num):
            span = keywords.get("range", args[2] if len(args) > 2 else NONE)
            ends = [] if isinstance(span, NoneV) else [self.number_of(v) for v in self.listed(span)]
            if len(ends) != 2 or any(end.const is None for end in ends):
                raise self.refuse("CMP408", "histogram() without a constant range")
            low, high = (float(end.const or 0) for end in ends)
            count = self.constant(bins, "the number of bins")
            if not (math.isfinite(low) and math.isfinite(high) and low < high and count > 0):
                raise self.refuse("CMP408", "this range of histogram()")
            kind = np.result_type(low, high, np.zeros(1, dtype_of(array.ty)))
            kind = np.result_type(kind, float) if kind.kind in "iub" else kind
            edges = self.of_known(np.linspace(low, high, count + 1, endpoint=True, dtype=kind))
        else:
            edges = self._of_one_axis(bins, "edges")
        if edges.size > _EDGES or edges.size < 2:
            raise self.refuse("CMP515", f"a histogram of more than {_EDGES} bins")
        ty = self.common([edges.ty, array.ty])
        limits = [self.cast(self.get(edges, (i64(k),)), ty) for k in range(edges.size)]
        for a, b in itertools.pairwise(limits):
            self.only_where(boolean(self.op("le", "b1", a, b)))
        source = self.still(array)
        counts: list[Atom] = []
        for k in range(edges.size - 1):
            last = k == edges.size - 2

            def inside(index: Index, k: int = k, last: bool = last) -> Atom:
                x = self.cast(self.get(source, index), ty)
                above = self.op("ge", "b1", x, limits[k])
                below = self.op("le" if last else "lt", "b1", x, limits[k + 1])
                return self.both(above, below)

            mask = self.make(source.shape, "b1", inside, self.deps(source))
            total = self.array_sum(mask)
            assert isinstance(total, Num)
            counts.append(total.atom)
        return Tup((self.of_atoms((len(counts),), "i64", tuple(counts)), edges))

    # -- computing

    def np_inner(self, args: Args, keywords: Keywords) -> Value:
        a, b = (self.as_array(arg) for arg in args)
        if isinstance(a, Num) or isinstance(b, Num):
            return self.ufunc("multiply", a, b)
        if len(b.shape) > 2 or len(a.shape) > 2:
            raise self.refuse("CMP513", "a product of arrays of more than two axes")
        return self.matmul(a, self.transpose(b) if len(b.shape) == 2 else b)

    def np_vdot(self, args: Args, keywords: Keywords) -> Value:
        a, b = (self.a_ravel([arg], {}) for arg in args)
        return self.dot(a, b)

    def np_gradient(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords)
        array = self._of_one_axis(args[0], "gradient()")
        step = args[1] if len(args) > 1 else number(1.0)
        if not isinstance(step, Num):
            raise self.refuse("CMP408", "gradient() over places")
        if array.shape[0] < 2:
            self.fail("ValueError", "Shape of array too small to calculate a numerical gradient")
        if array.ty not in FLOATS:
            array = self.astype(array, "f64")
        n = array.shape[0]

        def part(start: int, stop: int) -> Value:
            return self.subview(array, [SliceV(number(start), number(stop), NONE)])

        twice = self.binary_number("multiply", number(2.0), step)
        first = self.ufunc("divide", self.ufunc("subtract", part(1, 2), part(0, 1)), step)
        last = self.ufunc(
            "divide", self.ufunc("subtract", part(n - 1, n), part(n - 2, n - 1)), step
        )
        inner = self.ufunc("divide", self.ufunc("subtract", part(2, n), part(0, n - 2)), twice)
        made = self.np_concatenate([Tup((first, inner, last))], {})
        return self.np_astype([made, self.dtype_number(array.ty)], {})

    def np_trapezoid(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "x", "dx")
        array = self._of_one_axis(args[0], "trapezoid()")
        x = keywords.get("x", args[1] if len(args) > 1 else NONE)
        width: Value = keywords.get("dx", args[2] if len(args) > 2 else number(1.0))
        if not isinstance(x, NoneV):
            width = self.np_diff([self._of_one_axis(x, "trapezoid()")], {})
        high = self.subview(array, [SliceV(number(1), NONE, NONE)])
        low = self.subview(array, [SliceV(NONE, number(-1), NONE)])
        area = self.ufunc("multiply", width, self.ufunc("add", high, low))
        return self.array_sum(self.ufunc("divide", area, number(2.0)))

    def np_polyval(self, args: Args, keywords: Keywords) -> Value:
        p, x = self._of_one_axis(args[0], "polyval()"), args[1]
        x = x if isinstance(x, Arr | Num) else self.as_array(x)
        result: Value = self.np_zeros_like([x], {})
        x = self.item(x.atom) if isinstance(x, Num) else x
        for k in range(p.shape[0]):
            part = self.item(self.get(p, (i64(k),)))
            result = self.ufunc("add", self.ufunc("multiply", result, x), part)
        return result

    def np_convolve(self, args: Args, keywords: Keywords) -> Value:
        mode = keywords.get("mode", args[2] if len(args) > 2 else Str("full"))
        a, v = (self._of_one_axis(arg, "convolve()") for arg in args[:2])
        if not a.size or not v.size:
            self.fail("ValueError", "a cannot be empty")
        if mode == Str("valid"):
            return super().np_convolve([a, v, mode], {})
        if a.size < v.size:
            a, v = v, a
        if mode not in (Str("full"), Str("same")):
            raise self.refuse("CMP408", "this mode of convolve()")
        n, m = a.size, v.size
        start = 0 if mode == Str("full") else (m - 1) // 2
        count = n + m - 1 if mode == Str("full") else n
        if count * m > 1024:
            raise self.refuse("CMP515", "convolve() of so many elements")
        ty = self.common([a.ty, v.ty])
        if ty == "b1":
            raise self.refuse("CMP401", "convolve() of truth values")
        atoms = []
        for out in range(start, start + count):
            places = [(i, out - i) for i in range(n) if 0 <= out - i < m]

            def product(k: int, places: list[tuple[int, int]] = places) -> Atom:
                i, j = places[k]
                left = self.cast(self.get(a, (i64(i),)), ty)
                return self.op("mul", ty, left, self.cast(self.get(v, (i64(j),)), ty))

            total = product(0)
            for k in range(1, len(places)):
                total = self.op("add", ty, total, product(k))
            atoms.append(total)
        return self.of_atoms((count,), ty, tuple(atoms))

    def np_einsum(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords)
        if not isinstance(args[0], Str) or len(args) not in (2, 3, 4):
            raise self.refuse("CMP408", "einsum() of these arguments")
        text = args[0].text.replace(" ", "")
        arrays = [self._array(arg, "einsum() of this") for arg in args[1:]]
        inputs, arrow, output = text.partition("->")
        names = inputs.split(",")
        letters = sorted(set("".join(names)))
        if not arrow:
            output = "".join(c for c in letters if inputs.count(c) == 1)
        plain = text.replace("->", "").replace(",", "").isalpha()
        fits = len(names) == len(arrays) and all(
            len(name) == len(array.shape) == len(set(name))
            for name, array in zip(names, arrays, strict=False)
        )
        if not (plain and fits and len(set(output)) == len(output) and set(output) <= set(letters)):
            raise self.refuse("CMP408", "these subscripts of einsum()")
        order = [*output, *(c for c in letters if c not in output)]
        product: Value = NONE
        for name, array in zip(names, arrays, strict=True):
            axes = tuple(name.index(c) for c in order if c in name)
            moved = self.transpose(array, axes) if len(axes) > 1 else array
            sizes = iter(moved.shape)
            shape = tuple(next(sizes) if c in name else 1 for c in order)
            spread_out = self.reshape(moved, shape)
            product = spread_out if product == NONE else self.ufunc("multiply", product, spread_out)
        rest = tuple(number(k) for k in range(len(output), len(order)))
        if not rest:
            return self.copy_of(product) if isinstance(product, Arr) else product
        ty = self.common([array.ty for array in arrays])
        if ty == "b1":
            raise self.refuse("CMP401", "einsum() of truth values")
        total = self.array_sum(product, Tup(rest))
        return self.np_astype([total, self.dtype_number(ty)], {})

    def _without_nans(self, value: Value, fill: float) -> tuple[Value, Value]:
        array = value if isinstance(value, Arr) else self._array(value, "this")
        nan = self.ufunc("isnan", array)
        return nan, self.where(nan, self.item(Lit(fill, array.ty)), array)

    def _floats(self, args: Args, keywords: Keywords, name: str) -> Arr | None:
        """Give an array of floats that is reduced as a whole; None for other types."""
        self.no_keywords(keywords)
        if len(args) != 1:
            raise self.refuse("CMP408", f"{name}() along an axis")
        array = self._array(args[0], f"{name}() of this")
        return array if array.ty in FLOATS else None

    def np_nansum(self, args: Args, keywords: Keywords) -> Value:
        array = self._floats(args, keywords, "nansum")
        if array is None:
            return self.np_sum(args, {})
        return self.array_sum(self._without_nans(array, 0.0)[1])

    def np_nanmean(self, args: Args, keywords: Keywords) -> Value:
        array = self._floats(args, keywords, "nanmean")
        if array is None:
            return self.np_mean(args, {})
        nan, filled = self._without_nans(array, 0.0)
        count = self.array_sum(self.ufunc("logical_not", nan))
        assert isinstance(count, Num)
        total = self.array_sum(filled)
        return self.ufunc("divide", total, self.item(self.cast(count.atom, array.ty)))

    def _nan_extreme(self, most: bool, args: Args, keywords: Keywords) -> Value:
        array = self._floats(args, keywords, "nanmax" if most else "nanmin")
        if array is None:
            return self.np_max(args, {}) if most else self.np_min(args, {})
        if not array.size:
            self.fail("ValueError", "zero-size array to reduction operation")
        nan, filled = self._without_nans(array, -math.inf if most else math.inf)
        found, none = self.extreme(most, filled), self.any_or_all(True, nan)
        assert isinstance(found, Num)
        assert isinstance(none, Num)
        lost = Lit(math.nan, array.ty)
        return self.item(self.op("select", array.ty, none.atom, lost, found.atom))

    def np_nanmax(self, args: Args, keywords: Keywords) -> Value:
        return self._nan_extreme(True, args, keywords)

    def np_nanmin(self, args: Args, keywords: Keywords) -> Value:
        return self._nan_extreme(False, args, keywords)

    def ufunc_reduce(self, name: str, args: Args, keywords: Keywords) -> Value:
        """Compute ``np.maximum.reduce`` and its kind."""
        self.no_keywords(keywords, "axis", "keepdims")
        axis = keywords.get("axis", args[1] if len(args) > 1 else number(0))
        value = args[0] if isinstance(args[0], Sel) else self.as_array(args[0])
        handler: Callable[..., Value] = getattr(self, f"np_{_FOLDS[name]}")
        rest = {key: item for key, item in keywords.items() if key == "keepdims"}
        return handler([value, axis], rest)

    def ufunc_outer(self, name: str, args: Args, keywords: Keywords) -> Value:
        """Compute ``np.subtract.outer`` and its kind."""
        self.no_keywords(keywords)
        a, b = (self._array(arg, "outer() of this") for arg in args)
        spread_out = self.reshape(a, (*a.shape, *(1,) * len(b.shape)))
        return self.ufunc(name, spread_out, b)

    def dtype_number(self, ty: str) -> Value:
        """Give a dtype as a program names it."""
        return self.attribute(self.module("numpy"), dtype_of(ty).name)

    # -- indices of several kinds

    def index_advanced(self, owner: Arr, parts: list[Value]) -> Value:
        if ELLIPSIS in parts:
            place = parts.index(ELLIPSIS)
            missing = len(owner.shape) - (len(parts) - 1 - parts.count(NONE))
            parts = [*parts[:place], *(_ALL,) * missing, *parts[place + 1 :]]
        arrays = [k for k, part in enumerate(parts) if isinstance(part, Arr)]
        if (
            len(arrays) == 1
            and len(parts) > 1
            and all(isinstance(part, Num | Arr) or part == _ALL for part in parts)
        ):
            (k,) = arrays
            mask = parts[k]
            before = all(isinstance(part, Num) for part in parts[:k])
            assert isinstance(mask, Arr)
            if mask.ty == "b1" and len(mask.shape) == 1 and before:
                # A number beside a mask picks along its axis, whatever is selected.
                whole = self.subview(owner, [_ALL if j == k else p for j, p in enumerate(parts)])
                assert isinstance(whole, Arr)
                return super().index_advanced(whole, [mask])
        simple = all(isinstance(part, SliceV | Arr) for part in parts)
        if simple and len(arrays) == 1 and any(isinstance(part, SliceV) for part in parts):
            k = arrays[0]
            chosen = parts[k]
            assert isinstance(chosen, Arr)
            if chosen.ty not in FLOATS and chosen.ty != "b1" and len(chosen.shape) == 1:
                return self._along_one(owner, parts, k, chosen)
        return super().index_advanced(owner, parts)

    def _along_one(self, owner: Arr, parts: list[Value], k: int, chosen: Arr) -> Value:
        """Take places along one axis, and slices of the others."""
        slices = [part if j != k else _ALL for j, part in enumerate(parts)]
        sliced = self.subview(owner, slices)
        assert isinstance(sliced, Arr)
        order = (k, *(j for j in range(len(sliced.shape)) if j != k))
        turned = self.transpose(sliced, order) if k else sliced
        taken = super().index_advanced(turned, [chosen])
        assert isinstance(taken, Arr)
        if not k:
            return taken
        back = (*range(1, k + 1), 0, *range(k + 1, len(sliced.shape)))
        return self.transpose(taken, back)


_SIZED: Final = frozenset(
    f"numpy.{name}"
    for name in (
        "empty_like", "identity", "meshgrid", "indices", "repeat", "tile", "pad", "inner", "convolve",
        "einsum", "append", "polyval", "split", "array_split", "linspace", "arange", "eye", "diag", "tri",
        "vander", "logspace", "geomspace",
    )
)  # fmt: skip


def _register() -> None:
    table = Library.table
    for name in dir(Shelf):
        if name.startswith("np_") and name in vars(Shelf):
            table[f"numpy.{name.removeprefix('np_')}"] = getattr(Shelf, name)
    table["numpy.trapz"] = Shelf.np_trapezoid
    table["array.argsort"] = Shelf.np_argsort
    for name in ("repeat", "take", "diagonal", "searchsorted", "trace"):
        table[f"array.{name}"] = getattr(Shelf, f"np_{name}")
    for name in _FOLDS:
        table[f"ufunc.{name}.reduce"] = _reduce(name)
    for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum"):
        table[f"ufunc.{name}.outer"] = _outer(name)
    for name in _GRIDS:
        table[name] = Library.ignored


def _reduce(name: str) -> Callable[[Shelf, Args, Keywords], Value]:
    return lambda self, args, keywords: self.ufunc_reduce(name, args, keywords)


def _outer(name: str) -> Callable[[Shelf, Args, Keywords], Value]:
    return lambda self, args, keywords: self.ufunc_outer(name, args, keywords)


_register()
