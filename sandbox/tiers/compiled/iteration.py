"""Going over things: loops over what is known are unrolled, others become loops of the core.

Everything that consumes an iterable (``for``, comprehensions, ``sum``, ``any``, unpacking) comes
here and gives a body that is lowered for each element. Generators are never made: their
expression is lowered inside the loop of whoever consumes them.
"""

from __future__ import annotations

from collections.abc import Callable

from sandbox import cost
from sandbox.tiers.compiled.core import Atom
from sandbox.tiers.compiled.points import FUEL, TRUE, Refused, Target, i64
from sandbox.tiers.compiled.shapes import cells_in
from sandbox.tiers.compiled.unions import Unions
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Cell,
    Cells,
    Cls,
    DictCell,
    Gen,
    Index,
    ListCell,
    Lost,
    NoneV,
    Num,
    Range,
    Ref,
    Sel,
    SeqCell,
    SetCell,
    Str,
    TableCell,
    Tup,
    Unbound,
    Union,
    Value,
    boolean,
    integer,
    number,
)

__all__ = ["ONCE", "Body", "Iteration"]

_PAID_WHERE_MADE = frozenset({"zip", "enumerate", "reversed", "map", "filter", "given", "joined"})
ONCE = _PAID_WHERE_MADE | {"genexp", "iter", "yields", "product", "combinations", "chained"}
"""Kinds of `Gen` that Python goes over once."""

Body = Callable[[Value], None]
_UNROLL = 8
_UNROLL_AT_NEED = 64


class Iteration(Unions):
    """Unions and iteration."""

    # -- what is known element by element

    def known_items(self, value: Value) -> list[tuple[Atom, Value]] | None:
        """Give the elements where their number is known: present or not, and the value."""
        match value:
            case Tup(items=items):
                return [(TRUE, item) for item in items]
            case Str(text=text):
                return [(TRUE, Str(char)) for char in text]
            case Cls(kind="enum", members=members):
                return [(TRUE, value.body[name]) for name in members]
            case Arr(shape=shape):
                if not shape:
                    self.fail("TypeError", "iteration over a 0-d array")
                small = isinstance(self.pt.heap[value.cell], Cells) or shape[0] <= _UNROLL
                if shape[0] <= _UNROLL or (small and shape[0] <= 16):
                    return [(TRUE, self.subview(value, [number(k)])) for k in range(shape[0])]
            case Range(start=start, step=step):
                turns = self.range_length(value)
                if turns.const is not None and int(turns.const) <= 4:
                    return [(TRUE, item) for item in self._range_items(value)]
                del start, step
            case Ref():
                return self._known_in_cell(self.pt.heap[value.cell])
            case Gen():
                return self._known_in_generator(value)
        return None

    def _range_items(self, value: Range) -> list[Value]:
        count = self.range_length(value).const
        start, step = value.start, value.step.const
        assert count is not None
        assert step is not None
        return [self.binary_number("add", start, number(k * int(step))) for k in range(int(count))]

    def _known_in_cell(self, content: object) -> list[tuple[Atom, Value]] | None:
        match content:
            case ListCell(items=items, length=None):
                return [(TRUE, item) for item in items]
            case ListCell(items=items, length=length):
                assert length is not None
                return [
                    (self.op("gt", "b1", length.atom, i64(k)), item) for k, item in enumerate(items)
                ]
            case DictCell():
                self._check_order(content)
                return [(present, k) for _, k, present, _ in content.entries]
            case SetCell(entries=entries):
                return [(present, k) for _, k, present in entries]
        return None

    def _check_order(self, content: DictCell) -> None:
        if not content.ordered:
            raise self.refuse("CMP317", "a dict whose order of keys depends on the data")

    def _known_in_generator(self, value: Gen) -> list[tuple[Atom, Value]] | None:
        match value.kind:
            case "keys" | "values" | "items":
                content = self.pt.heap[value.parts[0].cell]
                if not isinstance(content, DictCell):
                    return None
                self._check_order(content)
                pick: dict[str, Callable[[Value, Value], Value]] = {
                    "keys": lambda k, v: k,
                    "values": lambda k, v: v,
                    "items": lambda k, v: Tup((k, v)),
                }
                return [(p, pick[value.kind](k, v)) for _, k, p, v in content.entries]
            case "zip":
                lists = [self.known_items(part) for part in value.parts]
                # A range or array beside something that is unrolled is unrolled too.
                shortest = [len(items) for items in lists if items is not None]
                if not shortest or not all(
                    items is None or all(p == TRUE for p, _ in items) for items in lists
                ):
                    return None
                size = min(shortest)
                columns: list[list[Value]] = []
                for items, part in zip(lists, value.parts, strict=True):
                    if items is None:
                        rows = self.indexed(part)
                        if rows is None or rows[0].const is None:
                            return None
                        size = min(size, int(rows[0].const))
                        columns.append([rows[1](i64(k)) for k in range(size)])
                    else:
                        columns.append([item for _, item in items])
                return [(TRUE, Tup(tuple(c[k] for c in columns))) for k in range(size)]
            case "enumerate":
                items = self.known_items(value.parts[0])
                start = value.parts[1]
                if items is None or any(p != TRUE for p, _ in items):
                    return None
                return [
                    (TRUE, Tup((self.binary_number("add", start, number(k)), item)))
                    for k, (_, item) in enumerate(items)
                ]
            case "reversed":
                items = self.known_items(value.parts[0])
                if items is None:
                    return None
                return list(reversed(items))
            case "tuples" | "given":
                return [(TRUE, part) for part in value.parts]
        return None

    def indexed(self, value: Value) -> tuple[Num, Callable[[Atom], Value]] | None:
        """Give a length and a rule for the element at an index that is in range."""
        match value:
            case Range(start=start, step=step):
                turns = self.range_length(value)
                low, high = self._range_bounds(value, turns)

                def of_range(index: Atom) -> Value:
                    by = self.op("mul", "i64", index, step.atom)
                    return integer(self.op("add", "i64", start.atom, by), low, high)

                return turns, of_range
            case Ref() if isinstance(self.pt.heap[value.cell], SeqCell | TableCell):
                return self.rows_of(value.cell)
            case Gen(kind="keys" | "values" | "items" as kind, parts=(Ref(cell=cell),)) if (
                isinstance(self.pt.heap[cell], TableCell)
            ):
                return self.table_rows(cell, kind)
            case Arr(shape=shape) if shape:
                last = shape[0] - 1
                return number(shape[0]), lambda index: self.subview(
                    value, [integer(index, 0, last)]
                )
            case Gen(kind="enumerate", parts=(part, start)):
                inner = self.indexed(part)
                if inner is None:
                    return None
                count, rule = inner

                def numbered(index: Atom) -> Value:
                    k = self.binary_number("add", start, integer(index, 0, max(count.high, 0)))
                    return Tup((k, rule(index)))

                return count, numbered
            case Gen(kind="zip", parts=parts):
                inners = [self.indexed(part) for part in parts]
                if not inners or any(inner is None for inner in inners):
                    return None
                sure = [inner for inner in inners if inner is not None]
                count = sure[0][0]
                for other, _ in sure[1:]:
                    less = self.op("lt", "b1", other.atom, count.atom)
                    atom = self.op("select", "i64", less, other.atom, count.atom)
                    count = integer(atom, 0, min(count.high, other.high))
                return count, lambda index: Tup(tuple(rule(index) for _, rule in sure))
            case Gen(kind="reversed", parts=(part,)):
                inner = self.indexed(part)
                if inner is None:
                    return None
                count, rule = inner

                def backwards(index: Atom) -> Value:
                    last = self.op("sub", "i64", count.atom, i64(1))
                    return rule(self.op("sub", "i64", last, index))

                return count, backwards
        return None

    def rows_of(self, cell: int) -> tuple[Num, Callable[[Atom], Value]]:
        """Do the same for what lies in columns."""
        raise NotImplementedError

    def table_rows(self, cell: int, kind: str) -> tuple[Num, Callable[[Atom], Value]]:
        """Do the same for the keys, values or items of a dict in columns."""
        raise NotImplementedError

    def _range_bounds(self, value: Range, turns: Num) -> tuple[int, int]:
        assert value.step.const is not None
        step = int(value.step.const)
        if turns.const is not None and value.start.const is not None:
            found = range(
                int(value.start.const),
                int(value.start.const) + step * int(turns.const),
                step,
            )
            return (min(found[0], found[-1]), max(found[0], found[-1])) if found else (0, 0)
        if step > 0:
            return value.start.low, max(value.stop.high - 1, value.start.low)
        return min(value.stop.low + 1, value.start.high), value.start.high

    # -- iteration

    def iterate(self, value: Value, body: Body) -> None:
        """Lower a body for each element; paths that leave go to targets outside."""
        if isinstance(value, Union | Lost | Unbound):

            def run(variant: Value) -> Value:
                self.iterate(variant, body)
                return NONE

            self.spread(value, run)
            return
        lazily = _pays_when_taken(value)
        if isinstance(value, Gen) and value.kind in _PAID_WHERE_MADE and not lazily:
            self.paid_once = True
        items = self.known_items(value)
        if items is not None:
            self.unroll(items, self._guarded(value, body), lazily=lazily)
            return
        rows = self.indexed(value)
        if rows is not None:
            self._loop_over(value, rows, body)
            return
        match value:
            case Sel():
                self._over_selection(value.domain, [value], lambda entries: body(entries[0]))
                return
            case Gen(kind="zip", parts=parts) if parts and all(isinstance(p, Sel) for p in parts):
                if len({repr(part.source) for part in parts}) == 1:
                    self._over_selection(
                        parts[0].domain, list(parts), lambda entries: body(Tup(tuple(entries)))
                    )
                    return
            case Gen(kind="enumerate", parts=(part, start)):
                self._numbered(part, start, body)
                return
            case Gen(kind="genexp" | "list"):
                self.generate(value, body)
                return
            case Gen(kind="iter", parts=(part,)):
                self.paying_nothing_for_turns(part, body)
                return
            case Gen(kind="map", parts=(function, part)):
                self.iterate(part, lambda item: body(self.call(function, [item], {})))
                return
            case Gen(kind="filter", parts=(function, part)):
                self.iterate(part, lambda item: self._if_passes(function, item, body))
                return
        self.other_iteration(value, body)

    def _guarded(self, value: Value, body: Body) -> Body:
        """Refuse a turn that changes what later turns go over: the elements are known by now."""
        before = {cell: self.pt.heap[cell] for cell in cells_in([value]) if cell in self.pt.heap}
        turn = [0]

        def one(item: Value) -> None:
            body(item)
            turn[0] += 1
            for cell, content in before.items():
                if self.current is not None and _later_differ(
                    content, self.pt.heap.get(cell), turn[0]
                ):
                    raise self.refuse("CMP209", "a loop changes what it goes over")

        return one if before else body

    def _if_passes(self, function: Value, item: Value, body: Body) -> None:
        passed = item if isinstance(function, NoneV) else self.call(function, [item], {})
        self.when(self.truth(passed), lambda: body(item))

    def other_iteration(self, value: Value, body: Body) -> None:
        """Go over words of text, or raise."""
        del body
        self.type_error(f"{self.type_name(value)!r} object is not iterable", value)

    def generate(self, value: Gen, body: Body) -> None:
        """Go over what a generator expression makes."""
        raise NotImplementedError

    def call(self, function: Value, args: list[Value], keywords: dict[str, Value]) -> Value:
        """Call anything."""
        raise NotImplementedError

    paid_once = False
    """Whether what is gone through next was paid for where it was made."""

    def charge_turns(self, turns: Atom) -> None:
        """Charge for a loop, unless what it goes over was paid for where it was made."""
        if not self.already_paid():
            self.charge(turns)

    def already_paid(self) -> bool:
        """Whether what is gone through now was paid for; it is so once."""
        before, self.paid_once = self.paid_once, False
        return before

    def paying_nothing_for_turns(self, part: Value, body: Body) -> None:
        """Go over what was paid for where an iterator of it was made."""
        self.paid_once = True
        self.iterate(part, body)

    def paying_nothing(self, body: Callable[[], None]) -> None:
        """Lower something that was paid for otherwise."""
        before, self.paid = self.paid, True
        try:
            body()
        finally:
            self.paid = before

    def paying_only_in(self, body: Body, loops: Callable[[Body], None]) -> None:
        """Lower loops that were paid for otherwise, around a body that pays for what it does."""
        before = self.paid

        def one(item: Value) -> None:
            inside, self.paid = self.paid, before
            try:
                body(item)
            finally:
                self.paid = inside

        self.paying_nothing(lambda: loops(one))

    def charge_sized(self, value: Value) -> bool:
        """Charge for the elements of something that has a length, once for all; say if it has."""
        if isinstance(value, Gen) and value.kind not in ("list", "keys", "values", "items"):
            return False
        if isinstance(value, Union):
            parts = [value.variants[k] for k in self.possible(value)]
            # One flag tells of all variants: where they disagree, none is charged here.
            if any(isinstance(part, Num | Gen | Union) for part in parts):
                return False
            self.spread(value, self._charged)
            return True
        if isinstance(value, Num | NoneV):
            return False
        self.charge(self.len_of(value).atom)
        return True

    def _charged(self, value: Value) -> Value:
        self.charge_sized(value)
        return NoneV()

    def unroll(self, items: list[tuple[Atom, Value]], body: Body, *, lazily: bool = False) -> None:
        """Lower the body once for each element; what is taken lazily pays for each when it is."""
        self.stats["unrolled"] += 1
        lazily = lazily and not self.already_paid()
        if not lazily:
            self.charge_turns(self.how_many([present for present, _ in items]).atom)
        for present, item in items:
            if lazily:
                self.charge(cost.TURN)
            if present == TRUE:
                body(item)
            else:
                self.when(boolean(present), lambda item=item: body(item))  # type: ignore[misc]

    def _loop_over(
        self, value: Value, rows: tuple[Num, Callable[[Atom], Value]], body: Body
    ) -> None:
        count, rule = rows
        body = self._unchanged(value, body)
        entry = self.pt
        lengths = [len(target.exits) for target in self.active]
        mark = len(entry.block)
        saved = entry.fork(entry.block)
        try:
            if count.high <= self.limits.fuel:
                self.charge_turns(count.atom)
                self.meter()
                self.guest_loop(lambda index, again: self._turn(rule, index, body), count.atom)
            else:
                self._long_loop(count.atom, lambda index: self._turn(rule, index, body))
        except Refused:
            known = count.const
            if known is None or known > _UNROLL_AT_NEED:
                raise
            del entry.block[mark:]
            for target, length in zip(self.active, lengths, strict=True):
                del target.exits[length:]
            self.current = saved
            items = [(TRUE, rule(i64(k))) for k in range(int(known))]
            self.unroll(items, body)
        del value

    def _unchanged(self, value: Value, body: Body) -> Body:
        """Refuse a turn that changes a list or dict in columns that the loop goes over."""
        before = {
            cell: content
            for cell in cells_in([value])
            if isinstance(content := self.pt.heap.get(cell), SeqCell | TableCell)
        }

        def one(item: Value) -> None:
            body(item)
            for cell, content in before.items():
                if self.current is not None and self.pt.heap.get(cell) != content:
                    raise self.refuse("CMP209", "a loop changes what it goes over")

        return one if before else body

    def _long_loop(self, count: Atom, body: Callable[[Atom | None], None]) -> None:
        """Loop as often as the fuel may not suffice for: then it is paid turn by turn."""
        left = self.op("sub", "i64", i64(self.limits.fuel), self.kept(FUEL))
        long = self.op("gt", "b1", count, left)
        self.charge(self.op("select", "i64", long, i64(0), count))

        def turn(index: Atom | None, again: Target) -> None:
            del again
            self.charge(self.op("select", "i64", long, i64(cost.TURN), i64(0)))
            self.meter()
            body(index)

        self.guest_loop(turn, count)

    def _turn(self, rule: Callable[[Atom], Value], index: Atom | None, body: Body) -> None:
        assert index is not None
        body(rule(index))

    def _over_selection(
        self, domain: tuple[int, ...], sels: list[Sel], body: Callable[[list[Value]], None]
    ) -> None:
        for sel in sels:
            self.fresh(sel.deps)
        self.charge_turns(self.length(sels[0]).atom)
        self.meter()

        def nest(done: Index) -> None:
            if len(done) == len(domain):
                keep = boolean(sels[0].keep(done))
                self.when(keep, lambda: body([self.entry(sel, done) for sel in sels]))
                return
            extents = sels[0].extents
            turns = i64(domain[len(done)]) if extents is None else extents[len(done)]
            self.guest_loop(lambda index, again: nest((*done, index or i64(0))), turns)

        bound = sels[0].bound
        if bound is None:
            nest(())
            return

        def entry(index: Atom | None, again: Target) -> None:
            del again
            body([self.entry(sel, (index or i64(0),)) for sel in sels])

        self.guest_loop(entry, bound)

    def _numbered(self, part: Value, start: Value, body: Body) -> None:
        key = ("enumerate", self.number())
        self.pt.vars[key] = start

        def one(item: Value) -> None:
            k = self.pt.vars[key]
            assert isinstance(k, Num)
            self.pt.vars[key] = self.binary_number("add", k, number(1))
            body(Tup((k, item)))

        self.iterate(part, one)
        self.pt.vars.pop(key, None)

    # -- consumers

    def fold(self, value: Value, start: Value, step: Callable[[Value, Value], Value]) -> Value:
        """Combine all elements from a start value on."""
        key = ("fold", self.number())
        self.pt.vars[key] = start

        def one(item: Value) -> None:
            self.pt.vars[key] = step(self.pt.vars[key], item)

        self.iterate(value, one)
        return self.pt.vars.pop(key)

    def search(self, value: Value, found: Callable[[Value], Num], result: bool) -> Num:
        """Stop at the first element for which something holds; give ``result`` then."""
        key = ("search", self.number())
        self.pt.vars[key] = number(not result)
        target = self.target("found")

        def one(item: Value) -> None:
            def stop() -> None:
                self.pt.vars[key] = number(result)
                self.forget_since(mark)
                self.leave(target)

            self.when_maybe(found(item), stop)

        mark = self.number()
        self.block(target, lambda: self.iterate(value, one))
        answer = self.pt.vars.pop(key)
        assert isinstance(answer, Num)
        return answer

    def forget_since(self, mark: int) -> None:
        """Drop the names of scopes that were opened since, but for those that a function may see."""
        for name in list(self.pt.vars):
            if isinstance(name[0], int) and name[0] > mark and self.closed(name[0]):
                del self.pt.vars[name]

    def closed(self, scope: int) -> bool:
        """Whether nothing can see the names of a scope after it has been left."""
        raise NotImplementedError

    def when_maybe(self, cond: Num, then: Callable[[], None]) -> None:
        """Run something that leaves where a condition holds."""
        if cond.const is False:
            return
        self.when(cond, then)

    def listed(self, value: Value) -> tuple[Value, ...]:
        """Give the elements of something whose length is known."""
        found: list[Value] = []
        if isinstance(value, Union):
            raise self.refuse("CMP318", "unpacking a value whose type depends on the path")
        items = self.known_items(value)
        if items is None:
            rows = self.indexed(value)
            if rows is not None and rows[0].const is not None and rows[0].const <= 1024:
                return tuple(rows[1](i64(k)) for k in range(int(rows[0].const)))
            if isinstance(value, Gen) and value.kind == "genexp":
                return self.listed_generator(value)
            raise self.refuse("CMP318", "the number of elements depends on the data")
        for present, item in items:
            if present != TRUE:
                raise self.refuse("CMP318", "the number of elements depends on the data")
            found.append(item)
        return tuple(found)

    def listed_generator(self, value: Gen) -> tuple[Value, ...]:
        """Give the elements of a generator expression whose length is known."""
        raise NotImplementedError


def _pays_when_taken(value: Value) -> bool:
    """Whether each element pays when it is taken, as those of ``itertools.product`` do."""
    while isinstance(value, Gen) and value.kind == "enumerate":
        value = value.parts[0]
    return isinstance(value, Gen) and value.kind == "tuples"


def _later_differ(before: Cell, after: Cell | None, turn: int) -> bool:
    """Whether elements that are still to come are others than they were."""
    if after is None or after is before:
        return False
    match before, after:
        case ListCell(), ListCell():
            return (
                len(before.items) != len(after.items) or before.items[turn:] != after.items[turn:]
            )
        case DictCell(), DictCell():
            keys = [entry[0] for entry in before.entries] != [e[0] for e in after.entries]
            return keys or before.entries[turn:] != after.entries[turn:]
        case Cells(), Cells():
            return before.atoms[turn:] != after.atoms[turn:]
    return before != after
