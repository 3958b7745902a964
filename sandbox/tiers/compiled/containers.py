"""Lists, dicts, sets and tuples: their methods, and the modules that make more of them."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable
from typing import Any

from sandbox import cost
from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.points import Refused, i64
from sandbox.tiers.compiled.sets import Sets
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Builtin,
    Cls,
    DictCell,
    Frame,
    Gen,
    ListCell,
    NoneV,
    Num,
    Range,
    Ref,
    Str,
    Tup,
    Union,
    Value,
    integer,
    number,
)

__all__ = ["Containers"]


class _UnknownLength(Exception):  # noqa: N818 - only a way out of a trial
    """A list comprehension has a length that depends on the data."""


class Containers(Sets):
    """Methods of containers."""

    def list_of(self, value: Gen) -> Value:
        entry = self.pt
        lengths = [len(target.exits) for target in self.active]
        trial = entry.fork([])
        before = len(entry.block)
        self.current = trial
        items: list[Value] = []
        point: list[Any] = []

        def one(item: Value) -> None:
            if self.current is None or self.pt.block is not trial.block:
                raise _UnknownLength
            point.append(self.pt)
            items.append(item)

        try:
            with self.path():
                self.generate(value, one)
            if self.current is not None and self.pt.block is trial.block:
                entry.block.extend(trial.block)
                self.current.block = entry.block
                return self.new_list(tuple(items))
            raise _UnknownLength  # noqa: TRY301 - the other raise is inside the loop's body
        except _UnknownLength:
            self.current = entry
            del entry.block[before:]
            for target, length in zip(self.active, lengths, strict=True):
                del target.exits[length:]
        made = self._list_in_columns(value)
        return self._list_on_demand(value) if made is None else made

    def _list_in_columns(self, value: Gen) -> Value | None:
        """Make the list in memory; None where its elements are of a kind that has no columns."""
        entry = self.pt
        lengths = [len(target.exits) for target in self.active]
        before = len(entry.block)
        self.current = entry.fork(entry.block)
        try:
            return self.collect(lambda body: super(Containers, self).generate(value, body))
        except Refused as refused:
            if refused.code != "CMP212":
                raise
        self.current = entry
        del entry.block[before:]
        for target, length in zip(self.active, lengths, strict=True):
            del target.exits[length:]
        return None

    def _list_on_demand(self, value: Gen) -> Value:
        """Keep a list of unknown length as the loop that makes it, with what it reads fixed."""
        node = value.node
        assert isinstance(node, ast.ListComp | ast.GeneratorExp)
        assert value.frame is not None
        # Names keep the values they have now, whatever is assigned to them later.
        outer = self.frame
        self.frame = value.frame
        frame = Frame(self.number(), frozenset(_free(node)), value.frame, "<list>")
        captured: list[tuple[int, object]] = []
        for name in sorted(_free(node)):
            found: Value | None = None
            scope: Frame | None = value.frame
            while scope is not None:
                if (scope.number, name) in self.pt.vars:
                    found = self.pt.vars[(scope.number, name)]
                    break
                scope = scope.parent
            if found is None:
                continue
            self.pt.vars[(frame.number, name)] = found
            captured.extend((cell, self.pt.heap[cell]) for cell in _cells_of(found))
        self.frame = outer
        names = frozenset(name for name in frame.names if (frame.number, name) in self.pt.vars)
        fixed = Frame(frame.number, names, value.frame, "<list>")
        made = Gen("list", tuple(captured), node, fixed)
        # Errors come when the list is made, so it is gone through once here, and paid for.
        count = (frame.number, "#len")
        self.pt.vars[count] = number(0)

        def one(item: Value) -> None:
            del item
            old = self.pt.vars[count]
            assert isinstance(old, Num)
            self.pt.vars[count] = integer(self.op("add", "i64", old.atom, i64(1)), 0, 2**40)

        super().generate(made, one)
        return made

    def generate(self, value: Gen, body: Callable[[Value], None]) -> None:
        for part in value.parts:
            cell, content = part
            now = self.pt.heap.get(cell)
            if now is not content and now != content:
                raise self.refuse("CMP318", "a list of unknown length outlives what it was made of")
        known = None if value.frame is None else self.pt.vars.get((value.frame.number, "#len"))
        if value.kind != "list" or not isinstance(known, Num):
            super().generate(value, body)
            return
        self.charge(known.atom)
        made = super().generate
        self.paying_only_in(body, lambda one: made(value, one))

    def c_deque(self, args: Args, keywords: Keywords) -> Value:
        most = keywords.get("maxlen", args[1] if len(args) > 1 else NONE)
        cap = None if isinstance(most, NoneV) else self.constant(most, "maxlen")
        if args and not self.length_known(args[0]):
            return self.collected(args[0], "deque", cap)
        items = self.taken_apart(args[0]) if args else ()
        if cap is not None and len(items) > cap:
            items = items[len(items) - cap :]
        cell = self.number()
        self.pt.heap[cell] = ListCell(items, None, cap, "deque")
        return Ref(cell)

    def c_defaultdict(self, args: Args, keywords: Keywords) -> Value:
        cell = self.number()
        factory = args[0] if args and not isinstance(args[0], NoneV) else None
        self.pt.heap[cell] = DictCell((), factory, True, "defaultdict")
        return Ref(cell)

    def c_counter(self, args: Args, keywords: Keywords) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell((), None, True, "counter")
        if args:
            self.count_into(cell, args[0])
        return cell

    def e_auto(self, args: Args, keywords: Keywords) -> Value:
        return Builtin("enum.auto")

    def c_namedtuple(self, args: Args, keywords: Keywords) -> Value:
        name, fields = args
        if not isinstance(name, Str):
            raise self.refuse("CMP409", "a name that depends on the data")
        if isinstance(fields, Str):
            names = fields.text.replace(",", " ").split()
        else:
            names = [item.text for item in self.listed(fields) if isinstance(item, Str)]
        return Cls(name.text, {}, (), tuple((n, None, None) for n in names), "namedtuple")

    def c_dataclass(self, args: Args, keywords: Keywords) -> Value:
        plain = {"init": True, "repr": None, "eq": True, "order": False, "slots": None,
                 "unsafe_hash": None, "kw_only": False}  # fmt: skip
        for name, want in plain.items():
            given = keywords.get(name)
            if given is not None and want is not None and given != number(want):
                raise self.refuse("CMP408", f"the argument {name!r}")
        frozen = keywords.get("frozen") == number(True)
        return Builtin("dataclasses.dataclass", Str("frozen") if frozen else None)

    def c_field(self, args: Args, keywords: Keywords) -> Value:
        if "default_factory" in keywords:
            return Builtin("field", Tup((Str("factory"), keywords["default_factory"])))
        if "default" in keywords:
            return keywords["default"]
        raise self.refuse("CMP408", "field() without a default")

    def i_combinations(self, args: Args, keywords: Keywords) -> Value:
        size = self.constant(args[1], "the size of combinations")
        if not self.length_known(args[0]):
            return self._chosen(args[0], size)
        items = self.listed(args[0])
        self.charge(len(items))
        if math.comb(len(items), max(size, 0)) > 256:
            raise self.refuse("CMP319", "more than 256 combinations")
        return Gen("tuples", tuple(Tup(tuple(p)) for p in itertools.combinations(items, size)))

    def i_product(self, args: Args, keywords: Keywords) -> Value:
        repeat = self.constant(keywords.get("repeat", number(1)), "repeat")
        self.small(repeat)
        if not all(self.length_known(arg) for arg in args):
            made = [self._gone_through_again(arg) for arg in args] * repeat
            self.charge(len(made))
            return Gen("product", tuple(made))
        pools = [self.listed(arg) for arg in args]
        self.charge(sum(map(len, pools)) + len(pools) * repeat)
        parts = pools * repeat
        size = 1
        for part in parts:
            size *= len(part)
        if size > 256:
            raise self.refuse("CMP319", "a product of more than 256 combinations")
        return Gen("tuples", tuple(Tup(tuple(p)) for p in itertools.product(*parts)))

    def b_list(self, args: Args, keywords: Keywords) -> Value:
        """Make a list; in a higher layer."""
        raise NotImplementedError

    def _gone_through_again(self, value: Value) -> Value:
        """Give something as a list, tuple or array, which can be gone through more than once."""
        if isinstance(value, Gen):
            return self.b_list([value], {})
        self.charge_sized(value)
        return value

    def _chosen(self, items: Value, size: int) -> Value:
        """Give combinations of a list whose length depends on the data."""
        items = self._gone_through_again(items)
        if size not in (2, 3):
            raise self.refuse("CMP319", f"combinations of {size} of a list of unknown length")
        return Gen("combinations", (items, number(size)))

    def other_iteration(self, value: Value, body: Callable[[Value], None]) -> None:
        match value:
            case Gen(kind="product", parts=parts):
                self._item_by_item(body, lambda one: self._nested(parts, (), one))
            case Gen(kind="combinations", parts=(items, Num() as size)):
                count = int(size.const or 0)
                self._item_by_item(body, lambda one: self._combined(items, count, (), one))
            case _:
                super().other_iteration(value, body)

    def _item_by_item(
        self, body: Callable[[Value], None], loops: Callable[[Callable[[Value], None]], None]
    ) -> None:
        """Lower loops that pay for each item they give, and for nothing else."""

        def one(item: Value) -> None:
            self.charge(cost.TURN)
            body(item)

        self.paying_only_in(one, loops)

    def _nested(
        self, parts: tuple[Value, ...], done: tuple[Value, ...], body: Callable[[Value], None]
    ) -> None:
        if not parts:
            body(Tup(done))
            return
        self.iterate(parts[0], lambda item: self._nested(parts[1:], (*done, item), body))

    def _combined(
        self, items: Value, size: int, done: tuple[Value, ...], body: Callable[[Value], None],
        first: Num | None = None,
    ) -> None:  # fmt: skip
        if size == 0:
            body(Tup(done))
            return
        count = self.len_of(items)
        span = Range(first or number(0), count, number(1))

        def one(place: Value) -> None:
            assert isinstance(place, Num)
            # It is in range, as the range ends where the list does.
            item = self.subscript(items, place)
            after = integer(self.op("add", "i64", place.atom, i64(1)), 0, max(count.high, 0) + 1)
            self._combined(items, size - 1, (*done, item), body, after)

        self.iterate(span, one)

    def i_pairwise(self, args: Args, keywords: Keywords) -> Value:
        self.charge_sized(args[0])
        items = self.listed(args[0])
        return Gen("given", tuple(Tup(p) for p in itertools.pairwise(items)))

    def f_reduce(self, args: Args, keywords: Keywords) -> Value:
        if len(args) < 3:
            items = self.listed(args[1])
            if not items:
                self.fail("TypeError", "reduce() of empty iterable with no initial value")
            result = items[0]
            for item in items[1:]:
                result = self.call(args[0], [result, item], {})
            return result
        return self.fold(args[1], args[2], lambda a, b: self.call(args[0], [a, b], {}))


def _free(node: ast.AST) -> set[str]:
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}


def _cells_of(value: Value) -> list[int]:
    match value:
        case Ref(cell=cell):
            return [cell]
        case Arr(cell=cell):
            return [cell]
        case Tup(items=items):
            return [cell for item in items for cell in _cells_of(item)]
        case Union(variants=variants):
            return [cell for item in variants for cell in _cells_of(item)]
    return []
