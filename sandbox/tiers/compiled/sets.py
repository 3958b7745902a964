"""Methods of dicts, counters and sets, whether their keys are known or depend on the data."""

from __future__ import annotations

import ast
from collections.abc import Callable

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Set
from sandbox.tiers.compiled.displays import key_of
from sandbox.tiers.compiled.lists import Lists
from sandbox.tiers.compiled.points import FALSE, TRUE, i64
from sandbox.tiers.compiled.values import (
    NONE,
    DictCell,
    Gen,
    GridCell,
    ListCell,
    Num,
    Ref,
    SeqCell,
    SetCell,
    Str,
    TableCell,
    Tup,
    Value,
    boolean,
    number,
)

__all__ = ["Sets"]

_DICTS = (DictCell, GridCell, TableCell)
_SETS = (SetCell, GridCell, TableCell)


class Sets(Lists):
    """Methods of dicts and sets."""

    def length_known(self, value: Value) -> bool:
        """Whether the number of elements of something is known."""
        if isinstance(value, Ref):
            content = self.pt.heap[value.cell]
            if isinstance(content, ListCell):
                return content.length is None
            if isinstance(content, SeqCell | TableCell):
                return False
        known = self.known_items(value)
        if known is not None:
            return all(present == TRUE for present, _ in known)
        rows = (
            None
            if isinstance(value, Gen) and value.kind in ("genexp", "list")
            else (self.indexed(value))
        )
        return rows is not None and rows[0].const is not None and int(rows[0].const) <= 1024

    # -- dicts

    def d_get(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        default = args[2] if len(args) > 2 else NONE
        if not isinstance(content, _DICTS):
            raise self.refuse("CMP202", "this method of a container")
        return self.dict_item(owner, content, args[1], lambda: default)

    def d_keys(self, args: Args, keywords: Keywords) -> Value:
        return Gen("keys", (args[0],))

    def d_values(self, args: Args, keywords: Keywords) -> Value:
        return Gen("values", (args[0],))

    def d_items(self, args: Args, keywords: Keywords) -> Value:
        return Gen("items", (args[0],))

    def d_update(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        if (
            len(args) > 1
            and isinstance(content, DictCell | TableCell)
            and content.kind == "counter"
        ):
            self.count_into(owner, args[1])
        elif len(args) > 1:
            other = self.pt.heap[args[1].cell] if isinstance(args[1], Ref) else None
            if isinstance(other, DictCell | TableCell):
                self.update_dict(owner, args[1])
            else:
                self.iterate(args[1], lambda pair: self.set_key(owner, *self.listed(pair)))
        for name, value in keywords.items():
            self.set_key(owner, Str(name), value)
        return NONE

    def d_setdefault(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        default = args[2] if len(args) > 2 else NONE
        if not isinstance(content, _DICTS):
            raise self.refuse("CMP202", "this method of a container")

        def missing() -> Value:
            self.set_key(owner, args[1], default)
            return default

        return self.dict_item(owner, content, args[1], missing)

    def d_pop(self, args: Args, keywords: Keywords) -> Value:
        owner, key, *rest = args
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]

        def missing() -> Value:
            if rest:
                return rest[0]
            self.fail("KeyError", repr(key.text) if isinstance(key, Str) else "a key")

        if isinstance(content, GridCell):
            raise self.refuse("CMP205", "the method 'pop' of a dict")
        if isinstance(content, TableCell):
            return self.table_remove(owner, key, missing)
        assert isinstance(content, DictCell)
        known = key_of(key)
        if known is None:
            if not content.entries:
                return missing()
            self.in_table(owner, content)
            return self.table_remove(owner, key, missing)
        for place, (other, _, present, value) in enumerate(content.entries):
            if other == known:

                def there(place: int = place, value: Value = value) -> Value:
                    left = content.entries[:place] + content.entries[place + 1 :]
                    self.pt.heap[owner.cell] = DictCell(
                        left, content.factory, content.ordered, content.kind
                    )
                    return value

                return self.choose(boolean(present), there, missing)
        return missing()

    def d_clear(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        if isinstance(content, DictCell | TableCell):
            self.pt.heap[owner.cell] = DictCell((), content.factory, True, content.kind)
        else:
            self.pt.heap[owner.cell] = DictCell()
        return NONE

    def d_copy(self, args: Args, keywords: Keywords) -> Value:
        return self._copy(args[0])

    def _copy(self, owner: Value) -> Value:
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        self.pay_for_length(self.len_of(owner))
        if isinstance(content, GridCell):
            raise self.refuse("CMP205", "a copy of a set or dict with keys that depend on the data")
        if isinstance(content, TableCell):
            return self.copy_table(content)
        cell = self.number()
        self.pt.heap[cell] = content
        return Ref(cell)

    # -- counters

    def count_into(self, counter: Ref, items: Value) -> None:
        """Add the elements of something to a counter."""
        other = self.pt.heap[items.cell] if isinstance(items, Ref) else None
        if isinstance(other, _DICTS) and not (isinstance(other, TableCell) and other.value is None):
            raise self.refuse("CMP205", "a counter made of a dict")

        def one(item: Value) -> None:
            content = self.pt.heap[counter.cell]
            assert isinstance(content, _DICTS)
            old = self.dict_item(counter, content, item, lambda: number(0))
            self.set_key(counter, item, self.binary(ast.Add(), old, number(1)))

        self.iterate(items, one)

    def counter_most_common(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        most = args[1] if len(args) > 1 else NONE
        self.pay_for_length(self.len_of(owner))
        made = self.new_list(())

        def pair(item: Value) -> None:
            assert isinstance(item, Tup)
            self.list_append(made, Tup((item.items[1], item)))

        self.paying_nothing(lambda: self.iterate(Gen("items", (owner,)), pair))
        content = self.of_list(made)
        if isinstance(content, ListCell) and not content.items:
            return made
        ordered = self.sort_pairs(made, down=True)
        if most == NONE:
            return ordered
        count = self.constant(most, "the number of most common elements")
        return self.sequence_head(ordered, max(count, 0))

    def sequence_head(self, owner: Ref, count: int) -> Value:
        """Give the first elements of a list, a plain list where at least so many are sure."""
        seq = self.in_columns(owner)
        length, rule = self.sequence_rows(seq)
        if count == 1:
            # Mostly taken apart at once.
            some = boolean(self.op("gt", "b1", length.atom, i64(0)))
            return self.choose(
                some, lambda: self.new_list((rule(i64(0)),)), lambda: self.new_list(())
            )
        over = self.op("gt", "b1", length.atom, i64(count))
        kept = self.op("select", "i64", over, i64(count), length.atom)
        return self.new_sequence(seq, Num(kept, True, 0, count))

    def counter_total(self, args: Args, keywords: Keywords) -> Value:
        self.pay_for_length(self.len_of(args[0]))
        found: list[Value] = []
        self.paying_nothing(
            lambda: found.append(
                self.fold(
                    Gen("values", (args[0],)),
                    number(0),
                    lambda a, b: self.binary(ast.Add(), a, b),
                )
            )
        )
        return found[0]

    # -- sets

    def s_add(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        self.set_add(owner, args[1])
        return NONE

    def s_discard(self, args: Args, keywords: Keywords) -> Value:
        self._take_out(args[0], args[1], lambda: NONE)
        return NONE

    def s_remove(self, args: Args, keywords: Keywords) -> Value:
        def missing() -> Value:
            self.fail("KeyError", "a key that is not there")

        self._take_out(args[0], args[1], missing)
        return NONE

    def _take_out(self, owner: Value, item: Value, missing: Callable[[], Value]) -> None:
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        if isinstance(content, GridCell):

            def gone() -> Value:
                grid = self.pt.heap[owner.cell]
                assert isinstance(grid, GridCell)
                self.grid_discard(owner, grid, item)
                return NONE

            self.choose(self.grid_has(content, item), gone, missing)
            return
        if isinstance(content, TableCell):
            self.table_remove(owner, item, missing)
            return
        assert isinstance(content, SetCell)
        key = key_of(item)
        if key is None:
            if any(key_of(entry[1]) is None for entry in content.entries):
                raise self.refuse("CMP201", "a set of values that depend on the data")
            self.table_for(owner, item, None)
            self.table_remove(owner, item, missing)
            return
        present = next((p for k, _, p in content.entries if k == key), FALSE)

        def out() -> Value:
            entries = tuple((k, v, FALSE if k == key else p) for k, v, p in content.entries)
            self.pt.heap[owner.cell] = SetCell(entries)
            return NONE

        self.choose(boolean(present), out, missing)

    def s_clear(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        self.pt.heap[owner.cell] = SetCell()
        return NONE

    def s_copy(self, args: Args, keywords: Keywords) -> Value:
        return self._copy(args[0])

    def s_update(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        for other in args[1:]:
            self.in_any_order(other, lambda item: self.set_add(owner, item))
        return NONE

    def in_any_order(self, value: Value, body: Callable[[Value], None]) -> None:
        """Go over something where the order makes no difference."""
        before, self.any_order = self.any_order, True
        try:
            self.iterate(value, body)
        finally:
            self.any_order = before

    def set_algebra(self, op: ast.operator, a: Ref, b: Ref) -> Value | None:
        """Compute ``| & - ^`` of sets of which one has elements that depend on the data."""
        made = Ref(self.number())
        self.pt.heap[made.cell] = SetCell()

        def keep(source: Ref, other: Ref | None, inside: bool) -> None:
            def one(item: Value) -> None:
                if other is None:
                    self.set_add(made, item)
                    return
                here = self.contains(other, item)
                wanted = here if inside else self.negation(here)
                self.when_maybe(wanted, lambda: self.set_add(made, item))

            self.in_any_order(source, one)

        def all_of() -> None:
            match op:
                case ast.BitOr():
                    keep(a, None, True)
                    keep(b, None, True)
                case ast.BitAnd():
                    keep(a, b, True)
                case ast.Sub():
                    keep(a, b, False)
                case ast.BitXor():
                    keep(a, b, False)
                    keep(b, a, False)

        self.paying_nothing(all_of)
        return made

    def _by_method(self, op: ast.operator, args: Args) -> Value:
        owner = args[0]
        self.pay_for_length(self.len_of(owner))
        result = owner
        for value in args[1:]:
            other = self._as_set(value)
            assert isinstance(result, Ref)
            found = self.set_operator(op, result, other)
            assert found is not None
            result = found
        return self._copy(owner) if result == owner else result

    def _as_set(self, value: Value) -> Ref:
        """Give a set of the elements of something, paying for them."""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(value, Ref) and isinstance(content, _SETS) and self.is_set(content):
            self.charge(self.len_of(value).atom)
            return value
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = SetCell()
        self.in_any_order(value, lambda item: self.set_add(cell, item))
        return cell

    def s_union(self, args: Args, keywords: Keywords) -> Value:
        return self._by_method(ast.BitOr(), args)

    def s_intersection(self, args: Args, keywords: Keywords) -> Value:
        return self._by_method(ast.BitAnd(), args)

    def s_difference(self, args: Args, keywords: Keywords) -> Value:
        return self._by_method(ast.Sub(), args)

    def s_symmetric_difference(self, args: Args, keywords: Keywords) -> Value:
        return self._by_method(ast.BitXor(), args)

    def s_issubset(self, args: Args, keywords: Keywords) -> Value:
        self.pay_for_length(self.len_of(args[0]))
        return self.is_subset(args[0], self._as_set(args[1]))

    def s_issuperset(self, args: Args, keywords: Keywords) -> Value:
        self.pay_for_length(self.len_of(args[0]))
        return self.is_subset(self._as_set(args[1]), args[0])

    def s_isdisjoint(self, args: Args, keywords: Keywords) -> Value:
        self.pay_for_length(self.len_of(args[0]))
        return self.every(args[0], self._as_set(args[1]), inside=False)

    def is_subset(self, a: Value, b: Value) -> Num:
        """Whether all elements of one set are in another."""
        return self.every(a, b, inside=True)

    def every(self, a: Value, b: Value, *, inside: bool) -> Num:
        """Whether all elements of one set are in another, or none of them."""
        bad = self.accumulate("b1", FALSE)

        def one(item: Value) -> None:
            here = self.contains(b, item).atom
            wrong = self.inverse(here) if inside else here
            self.emit(Set(bad, self.either(self.value_now(bad), wrong)))

        self.paying_nothing(lambda: self.in_any_order(a, one))
        return boolean(self.inverse(self.value_now(bad)))

    def equal_sets(self, a: Ref, b: Ref) -> Num:
        contents = [self.pt.heap[value.cell] for value in (a, b)]
        if any(isinstance(c, DictCell) for c in contents):
            raise self.refuse("CMP105", "a comparison of these containers")
        kinds = [isinstance(c, _SETS) and self.is_set(c) for c in contents]
        if not all(kinds):
            raise self.refuse("CMP105", "a comparison of these containers")
        sizes = [self.len_of(value).atom for value in (a, b)]
        same = self.op("eq", "b1", *sizes)
        return boolean(self.both(same, self.is_subset(a, b).atom))

    def equal_dicts(self, a: Ref, b: Ref) -> Num:
        contents = [self.pt.heap[value.cell] for value in (a, b)]
        dicts = [c for c in contents if isinstance(c, _DICTS)]
        if len(dicts) != 2 or any(isinstance(c, GridCell) or self.is_set(c) for c in dicts
                                  if not isinstance(c, DictCell)):  # fmt: skip
            raise self.refuse("CMP105", "a comparison of these containers")
        # A Counter counts what it does not hold as 0.
        counters = all(getattr(c, "kind", "") == "counter" for c in dicts)
        differ = ("differ", self.number())
        self.pt.vars[differ] = number(False)

        def note(good: Num) -> None:
            def wrong() -> None:
                self.pt.vars[differ] = number(True)

            self.when_maybe(self.negation(good), wrong)

        def same(x: Value, y: Value) -> Num:
            return self.truth(self.spread(x, lambda v: self.spread(y, lambda w: self.equal(v, w))))

        def each(mine: Ref, other: Ref) -> None:
            def one(key: Value, value: Value) -> None:
                theirs = self.pt.heap[other.cell]
                assert isinstance(theirs, _DICTS)
                found = self.choose(
                    self.contains(other, key),
                    lambda: same(value, self.dict_item(other, theirs, key, lambda: NONE)),
                    lambda: same(value, number(0)) if counters else number(False),
                )
                note(self.truth(found))

            content = self.pt.heap[mine.cell]
            if isinstance(content, DictCell):
                for _, k, present, v in content.entries:
                    self.when(boolean(present), lambda k=k, v=v: one(k, v))  # type: ignore[misc]
                return

            def pair(item: Value) -> None:
                assert isinstance(item, Tup)
                one(*item.items)

            self.iterate(Gen("items", (mine,)), pair)

        def compare() -> None:
            if counters:
                each(b, a)
            else:
                note(boolean(self.op("eq", "b1", self.len_of(a).atom, self.len_of(b).atom)))
            each(a, b)

        self.paying_nothing(compare)
        found = self.pt.vars.pop(differ)
        assert isinstance(found, Num)
        return self.negation(found)
