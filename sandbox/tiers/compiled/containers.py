"""Lists, dicts, sets and tuples: their methods, and the modules that make more of them."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable
from typing import Any

from sandbox import cost
from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import (
    Atom,
)
from sandbox.tiers.compiled.displays import key_of
from sandbox.tiers.compiled.numerics import Numerics
from sandbox.tiers.compiled.points import FALSE, i64
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Builtin,
    Cls,
    DictCell,
    Frame,
    Gen,
    GridCell,
    ListCell,
    NoneV,
    Num,
    Ref,
    SetCell,
    Str,
    Tup,
    Union,
    Value,
    boolean,
    integer,
    number,
)

__all__ = ["Containers"]


class _UnknownLength(Exception):  # noqa: N818 - only a way out of a trial
    """A list comprehension has a length that depends on the data."""


class Containers(Numerics):
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
        return self._list_on_demand(value)

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
        before, self.paid = self.paid, True

        def one(item: Value) -> None:
            inside, self.paid = self.paid, before
            try:
                body(item)
            finally:
                self.paid = inside

        try:
            super().generate(value, one)
        finally:
            self.paid = before

    def l_append(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        self.list_append(owner, args[1])
        return NONE

    def list_append(self, target: Ref, item: Value) -> None:
        content = self.pt.heap[target.cell]
        assert isinstance(content, ListCell)
        items, length, most = content.items, content.length, content.maxlen
        if length is None:
            grown = (*items, item)
            if most is not None and len(grown) > most:
                grown = grown[len(grown) - most :]
            self.pt.heap[target.cell] = ListCell(grown, None, most, content.kind)
            return
        if most is not None and len(items) >= most:
            self._append_full(target, content, item)
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
        self.iterate(args[1], lambda item: self.list_append(owner, item))
        return NONE

    def l_index(self, args: Args, keywords: Keywords) -> Value:
        owner, value = args[0], args[1]
        items = self.listed(owner)
        self.charge(cost.library(len(items)))
        key = key_of(value)
        if key is not None and all(key_of(item) is not None for item in items):
            for k, item in enumerate(items):
                if key_of(item) == key:
                    return number(k)
            self.fail("ValueError", "value is not in list")
        found: Atom = i64(-1)
        for k in range(len(items) - 1, -1, -1):
            same = self.truth(
                self.spread(items[k], lambda v: self.spread(value, lambda w: self.equal(v, w)))
            )
            found = self.op("select", "i64", same.atom, i64(k), found)
        good = self.op("ge", "b1", found, i64(0))
        self.check(boolean(good), "ValueError", "value is not in list")
        return integer(found, 0, max(len(items) - 1, 0))

    def l_count(self, args: Args, keywords: Keywords) -> Value:
        total: Value = number(0)

        def add(a: Value, item: Value) -> Value:
            same = self.truth(self.spread(item, lambda v: self.equal(v, args[1])))
            return self.binary(ast.Add(), a, same)

        return self.fold(args[0], total, add)

    def l_copy(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        cell = self.number()
        content = self.pt.heap[owner.cell]
        if isinstance(content, GridCell):
            raise self.refuse("CMP205", "a copy of a set or dict with keys that depend on the data")
        self.pt.heap[cell] = content
        return Ref(cell)

    def l_clear(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        if isinstance(content, ListCell):
            self.pt.heap[owner.cell] = ListCell((), None, content.maxlen, content.kind)
        elif isinstance(content, DictCell):
            self.pt.heap[owner.cell] = DictCell((), content.factory, True, content.kind)
        elif isinstance(content, GridCell) and content.values is not None:
            self.pt.heap[owner.cell] = DictCell()
        else:
            self.pt.heap[owner.cell] = SetCell()
        return NONE

    def l_pop(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        assert isinstance(content, ListCell)
        if content.length is not None:
            raise self.refuse("CMP208", "pop() of a list whose length depends on the data")
        if not content.items:
            self.fail("IndexError", "pop from empty list")
        place = self.constant(args[1], "the index of pop()") if len(args) > 1 else -1
        if not -len(content.items) <= place < len(content.items):
            self.fail("IndexError", "pop index out of range")
        items = list(content.items)
        found = items.pop(place)
        self.pt.heap[owner.cell] = ListCell(tuple(items), None, content.maxlen, content.kind)
        return found

    def l_popleft(self, args: Args, keywords: Keywords) -> Value:
        return self.l_pop([args[0], number(0)], {})

    def d_get(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        default = args[2] if len(args) > 2 else NONE
        if not isinstance(content, DictCell | GridCell):
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
        if len(args) > 1:
            self.update_dict(owner, args[1])
        for name, value in keywords.items():
            self.set_key(owner, Str(name), value)
        return NONE

    def d_setdefault(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        default = args[2] if len(args) > 2 else NONE
        if not isinstance(content, DictCell | GridCell):
            raise self.refuse("CMP202", "this method of a container")

        def missing() -> Value:
            self.set_key(owner, args[1], default)
            return default

        return self.dict_item(owner, content, args[1], missing)

    def s_add(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        self.set_add(owner, args[1])
        return NONE

    def s_discard(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        if isinstance(content, GridCell):
            self.grid_discard(owner, content, args[1])
            return NONE
        assert isinstance(content, SetCell)
        key = key_of(args[1])
        if key is None:
            raise self.refuse("CMP201", "a set of values that depend on the data")
        self.pt.heap[owner.cell] = SetCell(
            tuple((k, v, FALSE if k == key else p) for k, v, p in content.entries)
        )
        return NONE

    def c_deque(self, args: Args, keywords: Keywords) -> Value:
        most = keywords.get("maxlen", args[1] if len(args) > 1 else NONE)
        cap = None if isinstance(most, NoneV) else self.constant(most, "maxlen")
        items = self.listed(args[0]) if args else ()
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

        def one(item: Value) -> None:
            content = self.pt.heap[cell.cell]
            assert isinstance(content, DictCell)
            old = self.dict_item(cell, content, item, lambda: number(0))
            self.set_key(cell, item, self.binary(ast.Add(), old, number(1)))

        if args:
            self.iterate(args[0], one)
        return cell

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
        return Builtin("dataclasses.dataclass")

    def c_field(self, args: Args, keywords: Keywords) -> Value:
        if "default_factory" in keywords:
            return Builtin("field", Tup((Str("factory"), keywords["default_factory"])))
        if "default" in keywords:
            return keywords["default"]
        raise self.refuse("CMP408", "field() without a default")

    def i_combinations(self, args: Args, keywords: Keywords) -> Value:
        items = self.listed(args[0])
        size = self.constant(args[1], "the size of combinations")
        self.charge(len(items))
        if math.comb(len(items), max(size, 0)) > 256:
            raise self.refuse("CMP319", "more than 256 combinations")
        return Gen("tuples", tuple(Tup(tuple(p)) for p in itertools.combinations(items, size)))

    def i_product(self, args: Args, keywords: Keywords) -> Value:
        repeat = self.constant(keywords.get("repeat", number(1)), "repeat")
        self.small(repeat)
        parts = [self.listed(arg) for arg in args] * repeat
        size = 1
        for part in parts:
            size *= len(part)
        if size > 256:
            raise self.refuse("CMP319", "a product of more than 256 combinations")
        return Gen("tuples", tuple(Tup(tuple(p)) for p in itertools.product(*parts)))

    def i_pairwise(self, args: Args, keywords: Keywords) -> Value:
        items = self.listed(args[0])
        return Gen("tuples", tuple(Tup(p) for p in itertools.pairwise(items)))

    def i_chain(self, args: Args, keywords: Keywords) -> Value:
        return Gen("tuples", tuple(v for arg in args for v in self.listed(arg)))

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
