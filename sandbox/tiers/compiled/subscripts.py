"""Subscripts of everything but what arrays index arrays with."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from sandbox.tiers.compiled.core import Lit
from sandbox.tiers.compiled.displays import key_of
from sandbox.tiers.compiled.operators import Operators
from sandbox.tiers.compiled.points import FALSE, i64
from sandbox.tiers.compiled.storage import ELLIPSIS
from sandbox.tiers.compiled.values import (
    NONE,
    UNBOUND,
    Arr,
    Builtin,
    Cls,
    DictCell,
    Dty,
    Gen,
    GridCell,
    ListCell,
    NoneV,
    Num,
    ObjCell,
    Range,
    Ref,
    Sel,
    SeqCell,
    SliceV,
    Str,
    TableCell,
    Tup,
    Union,
    Value,
    boolean,
    integer,
    number,
)

__all__ = ["Subscripts"]


def _is_known(index: SliceV) -> bool:
    return all(
        isinstance(part, NoneV) or (isinstance(part, Num) and part.const is not None)
        for part in (index.start, index.stop, index.step)
    )


class Subscripts(Operators):
    """Lowers subscripts."""

    def x_Subscript(self, node: ast.Subscript) -> Value:
        owner = self.eval(node.value)
        index = self.eval(node.slice)
        return self.spread(owner, lambda v: self.subscript(v, index))

    def x_Slice(self, node: ast.Slice) -> Value:
        parts = [NONE if part is None else self.eval(part)
                 for part in (node.lower, node.upper, node.step)]  # fmt: skip
        return SliceV(*parts)

    def subscript(self, owner: Value, index: Value) -> Value:
        """Compute ``owner[index]``."""
        if isinstance(index, Union):
            return self.spread(index, lambda v: self.subscript(owner, v))
        match owner:
            case Arr():
                return self.index_array(owner, index)
            case Sel():
                return self.index_selection(owner, index)
            case Tup(items=items):
                return self.index_items(items, index, "tuple", Tup)
            case Ref():
                return self.index_cell(owner, index)
            case Str(text=text):
                chars: tuple[Value, ...] = tuple(Str(char) for char in text)
                return self.index_items(
                    chars, index, "string",
                    lambda part: Str("".join(p.text for p in part if isinstance(p, Str))),
                )  # fmt: skip
            case Range():
                rows = self.indexed(owner)
                assert rows is not None
                if isinstance(index, Num) and rows[0].const is not None:
                    size = int(rows[0].const)
                    return rows[1](self.bounded(index, size, "range object index out of range"))
            case Cls():
                return self.class_item(owner, index)
            case Builtin() | Dty():
                # Only annotations and aliases of generic types are subscripted: never a number.
                return owner
        found = self.other_subscript(owner, index)
        if found is not None:
            return found
        if isinstance(owner, Gen) and owner.kind == "list":
            return self.index_on_demand(owner, index)
        self.type_error(f"{self.type_name(owner)!r} object is not subscriptable", owner)

    def index_on_demand(self, owner: Gen, index: Value) -> Value:
        """Index a list that is made by the loop that looks for the element."""
        if not isinstance(index, Num) or index.ty in ("f32", "f64"):
            raise self.refuse("CMP320", "this index of a list of unknown length")
        wanted = self.cast(index.atom, "i64")
        if index.low < 0:
            length = self.len_of(owner)
            negative = self.op("lt", "b1", wanted, i64(0))
            from_end = self.op("add", "i64", wanted, length.atom)
            wanted = self.op("select", "i64", negative, from_end, wanted)
        seen, held = ("seen", self.number()), ("held", self.number())
        target = self.target("nth")
        self.pt.vars[seen] = number(0)
        self.pt.vars[held] = UNBOUND

        def one(item: Value) -> None:
            count = self.pt.vars[seen]
            assert isinstance(count, Num)

            def take() -> None:
                self.pt.vars[held] = item
                self.leave(target)

            here = boolean(self.op("eq", "b1", count.atom, wanted))
            self.when(here, take)
            self.pt.vars[seen] = integer(self.op("add", "i64", count.atom, i64(1)), 0, 2**40)

        self.block(target, lambda: self.iterate(owner, one))
        self.pt.vars.pop(seen, None)
        found = self.pt.vars.pop(held)
        if found == UNBOUND:
            self.fail("IndexError", "list index out of range")
        if isinstance(found, Union):
            possible = self.possible(found)
            have = [k for k in possible if found.variants[k] != UNBOUND]
            good = self.is_variant(found, have, possible)
            self.check(good, "IndexError", "list index out of range")
        return found

    def other_subscript(self, owner: Value, index: Value) -> Value | None:
        """Take words of text; None where the owner is no text."""
        del owner, index
        return None

    def class_item(self, owner: Cls, index: Value) -> Value:
        """Look up an enum member by name."""
        if owner.kind == "enum" and isinstance(index, Str):
            found = owner.body.get(index.text)
            if found is None:
                self.fail("KeyError", repr(index.text))
            return found
        self.fail("TypeError", f"type {owner.name!r} is not subscriptable")

    def index_items(
        self,
        items: tuple[Value, ...],
        index: Value,
        kind: str,
        remake: Callable[[tuple[Value, ...]], Value],
        length: Num | None = None,
    ) -> Value:
        """Index a sequence whose elements are known."""
        if isinstance(index, SliceV):
            assert length is None
            return remake(tuple(items[k] for k in self.slice_of(index, len(items))))
        if not isinstance(index, Num) or index.ty in ("f32", "f64"):
            self.fail("TypeError", f"{kind} indices must be integers or slices")
        text = f"{kind} index out of range"
        if not items:
            self.fail("IndexError", text)
        if length is None:
            position = self.bounded(index, len(items), text)
        else:
            position = self._position_in(index, length, text)
        if isinstance(position, Lit):
            return items[int(position.value)]
        return self.pick(items, position)

    def _position_in(self, index: Num, length: Num, text: str) -> Any:
        atom = self.cast(index.atom, "i64")
        if index.low < 0:
            negative = self.op("lt", "b1", atom, i64(0))
            from_end = self.op("add", "i64", atom, length.atom)
            atom = self.op("select", "i64", negative, from_end, atom)
            self.check(boolean(self.op("ge", "b1", atom, i64(0))), "IndexError", text)
        self.check(boolean(self.op("lt", "b1", atom, length.atom)), "IndexError", text)
        return atom

    def pick(self, items: tuple[Value, ...], position: Any) -> Value:
        """Choose among values by a position that is in range."""
        if len(items) == 1:
            return items[0]
        first = items[0]
        if all(
            isinstance(item, Num)
            and isinstance(first, Num)
            and item.ty == first.ty
            and item.weak == first.weak
            for item in items
        ):
            result = items[-1]
            assert isinstance(result, Num)
            atom = result.atom
            low, high = result.low, result.high
            for k in range(len(items) - 2, -1, -1):
                here = self.op("eq", "b1", position, i64(k))
                item = items[k]
                assert isinstance(item, Num)
                atom = self.op("select", atom.ty, here, item.atom, atom)
                low, high = min(low, item.low), max(high, item.high)
            return Num(atom, result.weak, low, high)
        if len(items) > 48:
            raise self.refuse("CMP311", "an index into a long list of values of several types")
        distinct = list(dict.fromkeys(items))
        if len(distinct) == 1:
            return distinct[0]
        return self._pick_one(items, position, 0)

    def _pick_one(self, items: tuple[Value, ...], position: Any, k: int) -> Value:
        if k == len(items) - 1:
            return items[k]
        here = boolean(self.op("eq", "b1", position, i64(k)))
        return self.choose(here, lambda: items[k], lambda: self._pick_one(items, position, k + 1))

    def index_cell(self, owner: Ref, index: Value) -> Value:
        """Index a list, dict or object."""
        content = self.pt.heap[owner.cell]
        match content:
            case ListCell(length=length) if isinstance(index, SliceV) and not (
                length is None and _is_known(index)
            ):
                return self.sequence_slice(self.in_columns(owner), index)
            case ListCell(items=items, length=length):
                return self.index_items(items, index, "list", self.new_list, length)
            case SeqCell():
                return self.sequence_item(content, index, "list index out of range")
            case DictCell() | GridCell() | TableCell():
                return self.dict_item(owner, content, index)
            case ObjCell():
                return self.call_method(owner, "__getitem__", [index])
        self.fail("TypeError", "'set' object is not subscriptable")

    def call_method(self, owner: Ref, name: str, args: list[Value]) -> Value:
        """Call a method by name."""
        raise NotImplementedError

    def dict_item(
        self,
        owner: Ref,
        content: DictCell | GridCell | TableCell,
        index: Value,
        missing: Callable[[], Value] | None = None,
    ) -> Value:
        """Compute ``owner[index]`` of a dict; ``missing`` gives what a missing key does."""
        if isinstance(index, Union):
            return self.spread(
                index, lambda v: self.dict_item(owner, self.dict_now(owner), v, missing)
            )
        known = key_of(index)

        def lacking() -> Value:
            if missing is not None:
                return missing()
            if isinstance(content, DictCell | TableCell) and content.kind == "counter":
                return number(0)
            if isinstance(content, DictCell | TableCell) and content.factory is not None:
                made = self.call(content.factory, [], {})
                self.set_key(owner, index, made)
                return made
            text = index.text if isinstance(index, Str) else "a key that is not there"
            self.fail("KeyError", repr(text))

        if isinstance(content, TableCell):
            return self.table_item(content, index, lacking)
        if isinstance(content, GridCell):
            place, inside = self.grid_place(content, index)
            here = self.both(inside, self.load(content.region, place))
            grid = content
            return self.choose(boolean(here), lambda: self.grid_value(grid, place), lacking)
        if known is not None:
            for key, _, present, value in content.entries:
                if key == known:
                    return self.choose(boolean(present), lambda v=value: v, lacking)  # type: ignore[misc]
            if all(not isinstance(k, Num) or k.const is not None for _, k, _, _ in content.entries):
                return lacking()
        return self._dict_search(list(content.entries), index, lacking)

    def dict_now(self, owner: Ref) -> DictCell | GridCell | TableCell:
        """Give the content of a dict as it is here."""
        content = self.pt.heap[owner.cell]
        assert isinstance(content, DictCell | GridCell | TableCell)
        return content

    def _dict_search(self, entries: list[Any], index: Value, lacking: Callable[[], Value]) -> Value:
        live = [entry for entry in entries if entry[2] != FALSE]
        if not live:
            return lacking()
        _, k, present, value = live[0]
        same = self.truth(self.equal(k, index))
        if same.const is False:
            return self._dict_search(live[1:], index, lacking)
        here = boolean(self.both(present, same.atom))
        return self.choose(here, lambda: value, lambda: self._dict_search(live[1:], index, lacking))

    def index_array(self, owner: Arr, index: Value) -> Value:
        """Index an array in any way that is taken."""
        parts: list[Value] = list(index.items) if isinstance(index, Tup) else [index]
        for k, part in enumerate(parts):
            if isinstance(part, Ref):
                parts[k] = self.as_array(part)
            elif isinstance(part, Num) and part.ty in ("f32", "f64"):
                self.fail(
                    "IndexError",
                    "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and"
                    " integer or boolean arrays are valid indices",
                )
            elif isinstance(part, Str):
                self.fail("IndexError", "only integers, slices and arrays are valid indices")
            elif isinstance(part, Num) and part.ty == "b1":
                raise self.refuse("CMP509", "an array indexed by a truth value")
            elif isinstance(part, Union):
                rest = parts

                def one(variant: Value, k: int = k, rest: list[Value] = rest) -> Value:
                    return self.index_array(owner, Tup((*rest[:k], variant, *rest[k + 1 :])))

                return self.spread(part, one)
        if all(isinstance(part, Num | SliceV | NoneV) or part == ELLIPSIS for part in parts):
            return self.subview(owner, parts)
        return self.index_advanced(owner, parts)

    def index_advanced(self, owner: Arr, parts: list[Value]) -> Value:
        """Index by masks, integer arrays and selections."""
        raise NotImplementedError

    def index_selection(self, owner: Sel, index: Value) -> Value:
        """Index an array whose size depends on the data."""
        raise NotImplementedError
