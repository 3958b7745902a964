"""Methods of lists and deques, sorting, and what NumPy makes of a list of unknown length.

A list whose length is known is a tuple of values. One that some paths lengthen keeps its few
possible elements and a count; what needs more than that puts it in columns.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Final

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import FLOATS, Atom, Lit, Set, Ty
from sandbox.tiers.compiled.displays import key_of
from sandbox.tiers.compiled.numerics import Numerics
from sandbox.tiers.compiled.points import TRUE, i64
from sandbox.tiers.compiled.shapes import EMPTY, columns_of
from sandbox.tiers.compiled.storage import strides_of
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Index,
    ListCell,
    NoneV,
    Num,
    Ref,
    Sel,
    SeqCell,
    Tup,
    Union,
    Value,
    boolean,
    integer,
    number,
)

__all__ = ["Lists"]

_FEW: Final = 8
"""Elements up to which a list of unknown length is kept element by element."""
_NETWORK: Final = 12
"""Elements up to which a sort is unfolded into comparisons."""

_QUANTILE: Final = 33
"""Elements that are sorted without a loop."""


class Lists(Numerics):
    """Methods of lists."""

    def of_list(self, owner: Value) -> ListCell | SeqCell:
        """Give the content of what a method of lists was called on."""
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        assert isinstance(content, ListCell | SeqCell)
        return content

    @staticmethod
    def is_fixed(content: ListCell | SeqCell) -> bool:
        """Whether the length of a list is known."""
        return isinstance(content, ListCell) and content.length is None

    # -- longer

    def l_append(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        self.list_append(owner, args[1])
        return NONE

    def list_append(self, target: Ref, item: Value) -> None:
        content = self.of_list(target)
        if isinstance(content, SeqCell):
            self.sequence_append(target, item)
            return
        items, length, most = content.items, content.length, content.maxlen
        if length is None:
            grown = (*items, item)
            if most is not None and len(grown) > most:
                grown = grown[len(grown) - most :]
            self.pt.heap[target.cell] = ListCell(grown, None, most, content.kind)
            return
        if most is not None and len(items) >= most:
            if most > 2 * _FEW:
                self.sequence_append(target, item)
            else:
                self._append_full(target, content, item)
            return
        if len(items) >= _FEW and most is None:
            self.sequence_append(target, item)
            return
        self._append_somewhere(target, content, item)

    def _append_somewhere(self, target: Ref, content: ListCell, item: Value) -> None:
        """Append where the length is not known: each slot may be the one."""
        assert content.length is not None
        items = list(content.items)
        for k, old in enumerate(items):
            here = boolean(self.op("eq", "b1", content.length.atom, i64(k)))
            if k >= content.length.low:
                items[k] = self.choose(here, lambda: item, lambda old=old: old)  # type: ignore[misc]
        items.append(item)
        length = integer(
            self.op("add", "i64", content.length.atom, i64(1)),
            content.length.low + 1,
            len(items),
        )
        self.pt.heap[target.cell] = ListCell(tuple(items), length, content.maxlen, content.kind)

    def _append_full(self, target: Ref, content: ListCell, item: Value) -> None:
        """Append to a deque that may be full: then everything moves by one."""
        assert content.length is not None
        assert content.maxlen is not None
        full = boolean(self.op("eq", "b1", content.length.atom, i64(content.maxlen)))
        items = content.items
        made: list[Value] = []
        for k, old in enumerate(items):
            after = items[k + 1] if k + 1 < len(items) else item
            here = boolean(self.op("eq", "b1", content.length.atom, i64(k)))
            made.append(
                self.choose(
                    full,
                    lambda after=after: after,  # type: ignore[misc]
                    lambda old=old, here=here: self.choose(here, lambda: item, lambda: old),  # type: ignore[misc]
                )
            )
        more = self.op("add", "i64", content.length.atom, i64(1))
        length = self.op("select", "i64", full.atom, content.length.atom, more)
        self.pt.heap[target.cell] = ListCell(
            tuple(made),
            integer(length, min(content.length.low + 1, content.maxlen), content.maxlen),
            content.maxlen,
            content.kind,
        )

    def l_extend(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        if args[1] == owner:
            raise self.refuse("CMP209", "a list is lengthened by itself")
        self.iterate(args[1], lambda item: self.list_append(owner, item))
        return NONE

    def l_extendleft(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)

        def one(item: Value) -> None:
            self.l_appendleft([owner, item], {})

        self.iterate(args[1], one)
        return NONE

    def l_appendleft(self, args: Args, keywords: Keywords) -> Value:
        owner, item = args[0], args[1]
        content = self.of_list(owner)
        assert isinstance(owner, Ref)
        if isinstance(content, ListCell) and content.length is None:
            items = (item, *content.items)[: content.maxlen]
            self.pt.heap[owner.cell] = ListCell(items, None, content.maxlen, content.kind)
        else:
            self.sequence_append_left(owner, item)
        return NONE

    def l_rotate(self, args: Args, keywords: Keywords) -> Value:
        """Compute ``deque.rotate``."""
        owner = args[0]
        steps = self.constant(args[1] if len(args) > 1 else number(1), "a number of steps")
        content = self.of_list(owner)
        assert isinstance(owner, Ref)
        if not isinstance(content, ListCell) or content.length is not None:
            raise self.refuse("CMP204", "rotate() of a deque of unknown length")
        items = content.items
        if items:
            steps %= len(items)
            items = items[len(items) - steps :] + items[: len(items) - steps]
        self.pt.heap[owner.cell] = ListCell(items, None, content.maxlen, content.kind)
        return NONE

    def l_insert(self, args: Args, keywords: Keywords) -> Value:
        owner, index, item = args
        content = self.of_list(owner)
        assert isinstance(owner, Ref)
        fixed = isinstance(content, ListCell) and content.length is None
        if fixed and isinstance(index, Num) and index.const is not None and content.maxlen is None:
            assert isinstance(content, ListCell)
            items = list(content.items)
            items.insert(int(index.const), item)
            self.pt.heap[owner.cell] = ListCell(tuple(items), None, None, content.kind)
        else:
            self.sequence_insert(owner, index, item)
        return NONE

    # -- shorter

    def l_clear(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        content = self.of_list(owner)
        assert isinstance(owner, Ref)
        self.pt.heap[owner.cell] = ListCell((), None, content.maxlen, content.kind)
        return NONE

    def l_pop(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        content = self.of_list(owner)
        assert isinstance(owner, Ref)
        index = args[1] if len(args) > 1 else None
        known = -1 if index is None else index.const if isinstance(index, Num) else None
        if not isinstance(content, ListCell) or content.length is not None or known is None:
            return self.sequence_pop(owner, index)
        if not content.items:
            empty = "pop from an empty deque" if content.kind == "deque" else "pop from empty list"
            self.fail("IndexError", empty)
        place = int(known)
        if not -len(content.items) <= place < len(content.items):
            self.fail("IndexError", "pop index out of range")
        items = list(content.items)
        found = items.pop(place)
        self.pt.heap[owner.cell] = ListCell(tuple(items), None, content.maxlen, content.kind)
        return found

    def l_popleft(self, args: Args, keywords: Keywords) -> Value:
        return self.l_pop([args[0], number(0)], {})

    def l_remove(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        text = "list.remove(x): x not in list"
        place = self.place_in(owner, args[1], text)
        self.sequence_remove(owner, place)
        return NONE

    # -- looking

    def place_in(self, owner: Value, value: Value, text: str) -> Num:
        """Give where a value first is in a sequence; raise a ValueError where it is not."""
        if not (isinstance(owner, Ref) and not self.is_fixed(self.of_list(owner))):
            return self._place_among(self.listed(owner), value, text)
        seen, held = ("seen", self.number()), ("place", self.number())
        target = self.target("found")
        self.pt.vars[seen] = number(0)
        self.pt.vars[held] = number(-1)

        def one(item: Value) -> None:
            count = self.pt.vars[seen]
            assert isinstance(count, Num)
            same = self.truth(self.spread(item, lambda v: self.equal(v, value)))

            def take() -> None:
                self.pt.vars[held] = count
                self.leave(target)

            self.when_maybe(same, take)
            self.pt.vars[seen] = integer(self.op("add", "i64", count.atom, i64(1)), 0, 2**40)

        def look() -> None:
            self.paying_nothing(lambda: self.iterate(owner, one))

        self.block(target, look)
        self.pt.vars.pop(seen, None)
        found = self.pt.vars.pop(held)
        assert isinstance(found, Num)
        good = boolean(self.op("ge", "b1", found.atom, i64(0)))
        self.check(good, "ValueError", text)
        length = self.len_of(owner)
        return integer(found.atom, 0, max(length.high - 1, 0))

    def _place_among(self, items: tuple[Value, ...], value: Value, text: str) -> Num:
        key = key_of(value)
        if key is not None and all(key_of(item) is not None for item in items):
            for k, item in enumerate(items):
                if key_of(item) == key:
                    return number(k)
            self.fail("ValueError", text)
        found: Atom = i64(-1)
        for k in range(len(items) - 1, -1, -1):
            same = self.truth(
                self.spread(
                    items[k],
                    lambda v: self.spread(value, lambda w: self.equal(v, w)),
                )
            )
            found = self.op("select", "i64", same.atom, i64(k), found)
        self.check(boolean(self.op("ge", "b1", found, i64(0))), "ValueError", text)
        return integer(found, 0, max(len(items) - 1, 0))

    def l_index(self, args: Args, keywords: Keywords) -> Value:
        if len(args) > 2:
            raise self.refuse("CMP408", "index() from a place on")
        self.pay_for_length(self.len_of(args[0]))
        return self.place_in(args[0], args[1], "value is not in list")

    def l_count(self, args: Args, keywords: Keywords) -> Value:
        owner, wanted = args
        self.pay_for_length(self.len_of(owner))
        total: Value = number(0)

        def add(a: Value, item: Value) -> Value:
            same = self.truth(self.spread(item, lambda v: self.equal(v, wanted)))
            return self.binary(ast.Add(), a, same)

        found: list[Value] = []
        self.paying_nothing(lambda: found.append(self.fold(owner, total, add)))
        return found[0]

    # -- other

    def l_copy(self, args: Args, keywords: Keywords) -> Value:
        content = self.of_list(args[0])
        self.pay_for_length(self.len_of(args[0]))
        if isinstance(content, SeqCell):
            return self.copy_sequence(content, maxlen=content.maxlen)
        cell = self.number()
        self.pt.heap[cell] = content
        return Ref(cell)

    def l_reverse(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        content = self.of_list(owner)
        assert isinstance(owner, Ref)
        if isinstance(content, ListCell) and content.length is None:
            items = tuple(reversed(content.items))
            self.pt.heap[owner.cell] = ListCell(items, None, content.maxlen, content.kind)
        else:
            self.sequence_reverse(owner)
        return NONE

    def l_sort(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.of_list(owner)
        made = self.sort_of(owner, keywords)
        self.pt.heap[owner.cell] = self.pt.heap.pop(made.cell)
        del content
        return NONE

    def sort_of(self, value: Value, keywords: Keywords) -> Ref:
        """Compute ``sorted(value)``."""
        self.no_keywords(keywords, "key", "reverse")
        key = keywords.get("key", NONE)
        down = bool(self.constant(keywords.get("reverse", number(False)), "reverse="))
        known = None
        if not isinstance(value, Sel | Union):
            known = self.known_items(value)
        if known is not None and all(p == TRUE for p, _ in known):
            self.charge_for_taking(value, len(known))
            items = [item for _, item in known]
            if len(items) <= _NETWORK:
                return self._sort_unfolded(items, key, down)
            made = self.new_list(())
            for item in items:
                self.sequence_append(made, self._sort_pair(item, key))
        else:
            made = self.new_list(())
            before, self.any_order = self.any_order, isinstance(key, NoneV)
            try:
                self.iterate(value, lambda item: self.list_append(made, self._sort_pair(item, key)))
            finally:
                self.any_order = before
        return self.sort_pairs(made, down)

    def taken_apart(self, value: Value) -> tuple[Value, ...]:
        """Give all elements and charge for them, except where their maker has paid."""
        items = self.listed(value)
        self.charge_for_taking(value, len(items))
        return items

    def charge_for_taking(self, value: Value, count: int) -> None:
        """Charge for the elements of something, except where their maker has paid."""
        raise NotImplementedError

    def _sort_pair(self, item: Value, key: Value) -> Value:
        mark = item if isinstance(key, NoneV) else self.call(key, [item], {})
        self._sortable(mark)
        return Tup((mark, item))

    def _sortable(self, mark: Value) -> None:
        """Leave rows with NaN among the keys: where it ends up depends on CPython's algorithm."""
        match mark:
            case Num(atom=atom) if mark.ty in FLOATS:
                self.only_where(boolean(self.op("eq", "b1", atom, atom)))
            case Tup(items=items):
                for item in items:
                    self._sortable(item)
            case Union():

                def one(variant: Value) -> Value:
                    self._sortable(variant)
                    return NONE

                self.spread(mark, one)

    def _sort_unfolded(self, items: list[Value], key: Value, down: bool) -> Ref:
        pairs = [self._sort_pair(item, key) for item in items]
        for stop in range(len(pairs) - 1, 0, -1):
            for k in range(stop):
                a, b = pairs[k], pairs[k + 1]
                assert isinstance(a, Tup)
                assert isinstance(b, Tup)
                both = self.choose(
                    self._goes_before(b.items[0], a.items[0], down),
                    lambda a=a, b=b: Tup((b, a)),  # type: ignore[misc]
                    lambda a=a, b=b: Tup((a, b)),  # type: ignore[misc]
                )
                assert isinstance(both, Tup)
                pairs[k], pairs[k + 1] = both.items
        return self.new_list(tuple(p.items[1] for p in pairs if isinstance(p, Tup)))

    def _goes_before(self, later: Value, earlier: Value, down: bool) -> Num:
        """Whether the later of two elements comes first once they are in order."""
        small, large = (earlier, later) if down else (later, earlier)
        return self.truth(self.compare(ast.Lt(), small, large))

    def sort_pairs(self, pairs: Ref, down: bool) -> Ref:
        """Sort (key, item) entries by insertion, which is stable, and give the items."""
        content = self.of_list(pairs)
        never = isinstance(content, SeqCell) and content.record == EMPTY
        if never or (isinstance(content, ListCell) and not content.items):
            return self.new_list(())
        seq = self.in_columns(pairs)
        start, length = self.kept_now(seq.start), self.kept_now(seq.length.atom)

        def place(k: Atom) -> None:
            at = self.op("add", "i64", start, k)
            new = self.read_record(seq.record, seq.regions, at)
            assert isinstance(new, Tup)
            hole = self.accumulate("i64", at)

            def turn(label: str) -> None:
                here = self.value_now(hole)
                self.stop_if(self.op("le", "b1", here, start), label)
                before = self.op("sub", "i64", here, i64(1))
                old = self.read_record(seq.record, seq.regions, before)
                assert isinstance(old, Tup)
                moves = self._goes_before(new.items[0], old.items[0], down)
                self.stop_if(self.inverse(moves.atom), label)
                self.copy_entry(seq.record, seq.regions, before, seq.regions, here)
                self.emit(Set(hole, before))

            self.repeat(turn)
            self.write_record(seq.record, seq.regions, self.value_now(hole), new)

        self.count(length, place)
        return self._second_of_each(seq, start, length)

    def _second_of_each(self, seq: SeqCell, start: Atom, length: Atom) -> Ref:
        record = seq.record.items[1]
        first = len(columns_of(seq.record.items[0]))
        made = self.sequence(record, "list", None, seq.room)

        def move(k: Atom) -> None:
            at = self.op("add", "i64", start, k)
            self.copy_entry(record, seq.regions[first:], at, made.regions, k)

        self.count(length, move)
        return self.new_sequence(made, integer(length, seq.length.low, seq.length.high))

    # -- NumPy

    def selection_of(self, value: Value, ty: Ty | None = None) -> Value:
        """Give what NumPy sees of a list of unknown length: its elements as a selection."""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if not isinstance(value, Ref) or not isinstance(content, ListCell | SeqCell):
            return value
        if isinstance(content, ListCell) and content.length is None:
            return value
        found = self.entries(self.in_columns(value), ty)
        if found is None:
            raise self.refuse("CMP503", "an array made of a list of values of several kinds")
        region, count, kind, tail = found
        width = 1
        for extent in tail:
            width *= extent
        room = self.regions[region].size // width
        strides = strides_of(tail)

        def element(index: Index, rest: Index) -> Atom:
            place = self.op("mul", "i64", index[0], i64(width))
            for atom, stride in zip(rest, strides, strict=True):
                step = self.op("mul", "i64", atom, i64(stride))
                place = self.op("add", "i64", place, step)
            return self.load(region, place)

        return Sel(
            (room,),
            lambda index: self.op("lt", "b1", index[0], count),
            element,
            kind,
            tail,
            source=("list", self.number()),
            bound=count,
        )

    def rows_as_lists(self, value: Sel) -> Value:
        made = self.new_list(())

        def one(item: Value) -> None:
            if isinstance(item, Num):
                self.list_append(made, self.python_number(item))
                return
            assert isinstance(item, Arr)
            atoms = [self.item(self.get(item, (i64(k),))) for k in range(item.shape[0])]
            row = tuple(self.python_number(atom) for atom in atoms)
            self.list_append(made, Tup(row, (), "list"))

        self.paying_nothing(lambda: self.iterate(value, one))
        return made

    def collected(self, value: Value, kind: str = "list", maxlen: int | None = None) -> Ref:
        """Make a list of the elements of something whose length depends on the data."""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(content, SeqCell) or (isinstance(content, ListCell) and content.length):
            assert isinstance(value, Ref)
            self.charge_turns(self.len_of(value).atom)
            return self.copy_sequence(self.in_columns(value), kind, maxlen)
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = ListCell((), None, maxlen, kind)
        self.iterate(value, lambda item: self.list_append(cell, item))
        return cell

    def collect(self, generate: Callable[[Callable[[Value], None]], None]) -> Ref:
        """Make a list of what a loop gives its body."""
        cell = self.new_list(())
        generate(lambda item: self.list_append(cell, item))
        return cell

    def quantile_of(self, value: Value, share: float) -> Value:
        """Compute ``np.quantile`` at a known place, interpolated as NumPy does."""
        if isinstance(value, Sel):
            if value.tail:
                raise self.refuse("CMP408", "a quantile of more than one axis")
            ty = value.ty
        else:
            value = self.as_array(value)
            if isinstance(value, Num):
                return self.ufunc("multiply", value, number(1.0))
            value = self.reshape(value, (value.size,))
            ty = value.ty
        if ty == "b1":
            self.fail("TypeError", "numpy boolean subtract, the `-` operator, is not supported")
        if ty == "f32":
            raise self.refuse("CMP408", "a quantile of float32")
        if isinstance(value, Arr) and value.size <= _QUANTILE:
            atoms = [self.cast(self.get_flat(value, i64(k)), "f64") for k in range(value.size)]
            if not atoms:
                self.only_where(number(False))
            for atom in atoms:
                self.only_where(boolean(self.op("eq", "b1", atom, atom)))
            ordered = self.sorted_atoms("f64", atoms)
            place = (len(ordered) - 1) * share
            low = min(int(place), len(ordered) - 1)
            high = min(low + 1, len(ordered) - 1)
            return self._between_two(ordered[low], ordered[high], Lit(place - low, "f64"))
        made = self.new_list(())

        def one(item: Value) -> None:
            assert isinstance(item, Num)
            mark = Num(self.cast(item.atom, "f64"), False)
            self._sortable(mark)
            self.list_append(made, Tup((mark, mark)))

        self.paying_nothing(lambda: self.iterate(value, one))
        seq = self.in_columns(self.sort_pairs(made, False))
        count, rule = self.sequence_rows(seq)
        self.only_where(boolean(self.op("gt", "b1", count.atom, i64(0))))
        last = self.op("sub", "i64", count.atom, i64(1))
        exact = self.op("mul", "f64", self.cast(last, "f64"), Lit(share, "f64"))
        below = self.op("floor", "f64", exact)
        first = self.op("min", "i64", self.cast(below, "i64"), last)
        after = self.op("min", "i64", self.op("add", "i64", first, i64(1)), last)
        ends = [rule(first), rule(after)]
        a, b = (end.atom for end in ends if isinstance(end, Num))
        return self._between_two(a, b, self.op("sub", "f64", exact, below))

    def _between_two(self, a: Atom, b: Atom, part: Atom) -> Num:
        """Interpolate from the nearer end."""
        rise = self.op("sub", "f64", b, a)
        up = self.op("add", "f64", a, self.op("mul", "f64", rise, part))
        rest = self.op("sub", "f64", Lit(1.0, "f64"), part)
        down = self.op("sub", "f64", b, self.op("mul", "f64", rise, rest))
        nearer = self.op("ge", "b1", part, Lit(0.5, "f64"))
        return self.item(self.op("select", "f64", nearer, down, up))

    def _quantiles(self, args: Args, keywords: Keywords, scale: float) -> Value:
        self.no_keywords(keywords, "axis")
        axis = keywords.get("axis", args[2] if len(args) > 2 else NONE)
        if not isinstance(axis, NoneV) and not (
            axis in (number(0), number(-1))
            and len(getattr(self._reducible(args[0]), "shape", (0,))) == 1
        ):
            raise self.refuse("CMP408", "a quantile along an axis")
        wanted = args[1]
        several = not isinstance(wanted, Num)
        parts = self.listed(wanted) if several else (wanted,)
        shares: list[float] = []
        for part in parts:
            if not isinstance(part, Num) or part.const is None:
                raise self.refuse("CMP409", "a quantile that depends on the data")
            shares.append(float(part.const) / scale)
        if not all(0.0 <= share <= 1.0 for share in shares):
            self.fail("ValueError", "Percentiles must be in the range [0, 100]")
        data = self._reducible(args[0])
        found = [self.quantile_of(data, share) for share in shares]
        return self.as_array(Tup(tuple(found))) if several else found[0]

    def np_percentile(self, args: Args, keywords: Keywords) -> Value:
        return self._quantiles(args, keywords, 100.0)

    def np_quantile(self, args: Args, keywords: Keywords) -> Value:
        return self._quantiles(args, keywords, 1.0)

    def median_of_selection(self, value: Sel) -> Value:
        """Compute ``np.median`` of elements whose number depends on the data."""
        if value.tail:
            raise self.refuse("CMP408", "a median of more than one axis")
        ty = value.ty if value.ty in FLOATS else "f64"
        made = self.new_list(())

        def one(item: Value) -> None:
            assert isinstance(item, Num)
            mark = Num(self.cast(item.atom, ty), False)
            self._sortable(mark)
            self.list_append(made, Tup((mark, mark)))

        self.paying_nothing(lambda: self.iterate(value, one))
        seq = self.in_columns(self.sort_pairs(made, False))
        count, rule = self.sequence_rows(seq)
        some = boolean(self.op("gt", "b1", count.atom, i64(0)))

        def middle() -> Value:
            half = self.op("floordiv", "i64", count.atom, i64(2))
            upper = rule(half)
            even = self.op("eq", "b1", self.op("mod", "i64", count.atom, i64(2)), i64(0))
            before = self.op("sub", "i64", half, self.cast(even, "i64"))
            lower = rule(before)
            assert isinstance(upper, Num)
            assert isinstance(lower, Num)
            total = self.op("add", ty, lower.atom, upper.atom)
            mean = self.op("div", ty, total, Lit(2.0, ty))
            return self.item(self.op("select", ty, even, mean, upper.atom))

        return self.choose(some, middle, lambda: self.item(Lit(math.nan, ty)))
