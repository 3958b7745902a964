"""Assignment to names, attributes, elements and patterns of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Final

from sandbox import cost
from sandbox.kinds import Kinds
from sandbox.tiers.compiled.arrays import Arrays
from sandbox.tiers.compiled.expressions import Expressions
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.scalars import BINARY
from sandbox.tiers.compiled.storage import ELLIPSIS
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Cls,
    DictCell,
    GridCell,
    ListCell,
    NoneV,
    Num,
    ObjCell,
    Ref,
    Sel,
    SeqCell,
    SetCell,
    SliceV,
    TableCell,
    Tup,
    Union,
    Value,
    boolean,
    number,
)

__all__ = ["Assignment"]


_FORMS: Final = Kinds(lambda _: None, lambda _: False, {})
"""Tells by its form whether an index stands for one place; it knows no names."""


class Assignment(Expressions):
    """Lowers assignments."""

    filling = False
    """Whether a data class is given its fields."""

    def run(self, body: Sequence[ast.stmt]) -> None:
        """Lower statements until the path ends."""
        outer = self.node
        for item in body:
            if not self.alive:
                break
            self.node = item
            method = getattr(self, f"s_{type(item).__name__}", None)
            if method is None:
                raise self.refuse("CMP107", f"a `{type(item).__name__.lower()}` statement")
            with self.path():
                method(item)
        self.node = outer

    def branch(self, body: Sequence[ast.stmt]) -> Callable[[], None]:
        """Give the lowering of some statements as one thing to do."""
        return lambda: self.run(body)

    def s_Assign(self, node: ast.Assign) -> None:
        value = self.eval(node.value)
        for target in node.targets:
            self.unpack(target, value)

    def s_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.unpack(node.target, self.eval(node.value))

    def unpack(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self.bind(name, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                self._unpack_parts(parts, value)
            case ast.Attribute(value=owner_node, attr=name):
                owner = self.eval(owner_node)
                self.set_attribute(owner, name, value)
            case ast.Subscript(value=owner_node, slice=index_node):
                owner = self.eval(owner_node)
                index = self.eval(index_node)
                if isinstance(owner, Arr) and not _FORMS.is_place(index_node):
                    # What may set many elements pays for the whole array, as in the other tier.
                    self.charge(cost.operator(owner.size))
                self.set_item(owner, index, value)
            case _:
                raise self.refuse(
                    "CMP108", f"assignment to a {type(target).__name__.lower()} expression", target
                )

    def _unpack_parts(self, parts: list[ast.expr], value: Value) -> None:
        if isinstance(value, Union):
            # One set of names for all variants: unpack each variant into temporaries first.
            keys = [("part", self.number()) for _ in parts]

            def one(variant: Value) -> Value:
                for key, item in zip(keys, self._parts_of(parts, variant), strict=True):
                    self.pt.vars[key] = item
                return NONE

            self.spread(value, one)
            items = [self.pt.vars.pop(key) for key in keys]
        else:
            items = self._parts_of(parts, value)
        for part, item in zip(parts, items, strict=True):
            self.unpack(part.value if isinstance(part, ast.Starred) else part, item)

    def _parts_of(self, parts: list[ast.expr], value: Value) -> list[Value]:
        """Give one value for each target."""
        if isinstance(value, Num) or value == NONE:
            self.fail("TypeError", f"cannot unpack non-iterable {self.type_name(value)} object")
        found = self.unpack_text(len(parts), value)
        if found is not None:
            return found
        if (
            isinstance(value, Arr)
            and value.shape
            and not any(isinstance(part, ast.Starred) for part in parts)
        ):
            self._expect(len(parts), value.shape[0])
            return [self.subview(value, [number(k)]) for k in range(len(parts))]
        if isinstance(value, Sel):
            raise self.refuse("CMP318", "unpacking an array whose size depends on the data")
        if any(isinstance(part, ast.Starred) for part in parts) and not isinstance(value, Union):
            self.charge_sized(value)
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(value, Ref) and (
            isinstance(content, SeqCell) or (isinstance(content, ListCell) and content.length)
        ):
            return self._parts_in_columns(parts, value)
        items = self.listed(value)
        stars = [k for k, part in enumerate(parts) if isinstance(part, ast.Starred)]
        if not stars:
            self._expect(len(parts), len(items))
            return list(items)
        star = stars[0]
        after = len(parts) - star - 1
        if len(items) < len(parts) - 1:
            self.fail("ValueError", "not enough values to unpack")
        middle = self.new_list(items[star : len(items) - after])
        return [*items[:star], middle, *items[len(items) - after :]]

    def _parts_in_columns(self, parts: list[ast.expr], value: Ref) -> list[Value]:
        if any(isinstance(part, ast.Starred) for part in parts):
            raise self.refuse("CMP318", "unpacking a list whose length depends on the data")
        count, rule = self.sequence_rows(self.in_columns(value))
        wanted = len(parts)
        few = self.op("ge", "b1", count.atom, i64(wanted))
        self.check(boolean(few), "ValueError", f"not enough values to unpack (expected {wanted})")
        many = self.op("le", "b1", count.atom, i64(wanted))
        self.check(boolean(many), "ValueError", f"too many values to unpack (expected {wanted})")
        return [rule(i64(k)) for k in range(wanted)]

    def unpack_text(self, count: int, value: Value) -> list[Value] | None:
        """Unpack the words of a text; None where the value is no words."""
        del count, value
        return None

    def _expect(self, wanted: int, given: int) -> None:
        if given > wanted:
            self.fail("ValueError", f"too many values to unpack (expected {wanted})")
        if given < wanted:
            self.fail("ValueError", f"not enough values to unpack (expected {wanted}, got {given})")

    def s_AugAssign(self, node: ast.AugAssign) -> None:
        match node.target:
            case ast.Name(id=name):
                value = self.lookup(name)
                self.bind(name, self.in_place(node.op, value, self.eval(node.value)))
            case ast.Attribute(value=owner_node, attr=attr):
                owner = self.eval(owner_node)
                value = self.spread(owner, lambda v: self.attribute(v, attr))
                self.set_attribute(
                    owner, attr, self.in_place(node.op, value, self.eval(node.value))
                )
            case ast.Subscript(value=owner_node, slice=index_node):
                owner = self.eval(owner_node)
                index = self.eval(index_node)
                value = self.spread(owner, lambda v: self.subscript(v, index))
                result = self.in_place(node.op, value, self.eval(node.value))
                places = index.items if isinstance(index, Tup) else (index,)
                # What an array of places or a mask gives is a copy, which is then written back.
                copied = isinstance(owner, Arr) and any(
                    isinstance(part, Arr | Sel | Ref) for part in places
                )
                if copied or not (isinstance(result, Arr) and result == value):
                    self.set_item(owner, index, result)

    def in_place(self, op: ast.operator, value: Value, other: Value) -> Value:
        """Compute ``value <op>= other`` and give the new value of the target."""
        if isinstance(value, Arr) and not isinstance(other, Union):
            if isinstance(op, ast.MatMult):
                raise self.refuse("CMP109", "`@=`")
            result = self.operated(self.ufunc(BINARY[type(op)], value, other))
            if isinstance(result, Sel):
                raise self.refuse("CMP508", "a selection and a whole array in one expression")
            floating = ("f32", "f64")
            if isinstance(result, Arr) and result.ty in floating and value.ty not in floating:
                self.fail(
                    "UFuncTypeError",
                    f"Cannot cast ufunc {BINARY[type(op)]!r} output from a float type to"
                    " an integer type with casting rule 'same_kind'",
                )
            self.assign_view(self.writable(value), result)
            return value
        if isinstance(value, Ref) and isinstance(op, ast.Add):
            content = self.pt.heap[value.cell]
            if isinstance(content, ListCell | SeqCell):
                if other == value:
                    raise self.refuse("CMP209", "a list is lengthened by itself")
                self.iterate(other, lambda item: self.list_append(value, item))
                return value
        if isinstance(value, Ref) and isinstance(op, ast.BitOr):
            content = self.pt.heap[value.cell]
            if isinstance(content, SetCell | GridCell | TableCell) and self.is_set(content):
                self.pay_items(other)
                self.paying_nothing(
                    lambda: self.in_any_order(other, lambda item: self.set_add(value, item))
                )
                return value
            if isinstance(content, DictCell | TableCell) and isinstance(other, Ref):
                self.pay_items(other)
                self.update_dict(value, other)
                return value
        if isinstance(value, Ref) and isinstance(op, ast.Sub | ast.BitAnd | ast.BitXor):
            content = self.pt.heap[value.cell]
            if isinstance(content, SetCell | GridCell | TableCell) and self.is_set(content):
                made = self.binary(op, value, other)
                if isinstance(made, Ref) and made != value:
                    # It stays the same set, under whatever other names it has.
                    self.pt.heap[value.cell] = self.pt.heap.pop(made.cell)
                return value
        return self.binary(op, value, other)

    def list_append(self, target: Ref, item: Value) -> None:
        """Compute ``target.append(item)``."""
        raise NotImplementedError

    def set_attribute(self, owner: Value, name: str, value: Value) -> None:
        """Compute ``owner.name = value``."""
        if isinstance(owner, Union):

            def one(variant: Value) -> Value:
                self.set_attribute(variant, name, value)
                return NONE

            self.spread(owner, one)
            return
        if isinstance(owner, Cls):
            raise self.refuse("CMP110", "an attribute of a class is assigned")
        content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
        if not isinstance(owner, Ref) or not isinstance(content, ObjCell):
            self.fail(
                "AttributeError", f"{self.type_name(owner)!r} object has no attribute {name!r}"
            )
        if content.cls.frozen and not self.filling:
            self.fail("FrozenInstanceError", f"cannot assign to field {name!r}", "dataclasses")
        attributes = dict(content.attributes)
        attributes[name] = value
        self.pt.heap[owner.cell] = ObjCell(content.cls, tuple(attributes.items()))

    def set_item(self, owner: Value, index: Value, value: Value) -> None:
        """Compute ``owner[index] = value``."""
        if isinstance(owner, Union):

            def one(variant: Value) -> Value:
                self.set_item(variant, index, value)
                return NONE

            self.spread(owner, one)
            return
        if isinstance(owner, Arr):
            self.set_elements(owner, index, value)
            return
        content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
        if isinstance(owner, Ref) and isinstance(content, DictCell | GridCell | TableCell):
            self.set_key(owner, index, value)
            return
        if isinstance(owner, Ref) and (
            isinstance(content, SeqCell) or (isinstance(content, ListCell) and content.length)
        ):
            self.sequence_set(owner, index, value)
            return
        if isinstance(owner, Ref) and isinstance(content, ListCell):
            self._set_list_item(owner, content, index, value)
            return
        self.fail("TypeError", f"{self.type_name(owner)!r} object does not support item assignment")

    def _set_list_item(self, owner: Ref, content: ListCell, index: Value, value: Value) -> None:
        if isinstance(index, Union):
            raise self.refuse("CMP204", "a list index whose type depends on the path")
        if not isinstance(index, Num) or index.ty in ("f32", "f64"):
            if isinstance(index, SliceV):
                raise self.refuse("CMP204", "assignment to a slice of a list")
            self.fail("TypeError", "list indices must be integers or slices")
        text = "list assignment index out of range"
        position = self.bounded(index, len(content.items), text)
        items = list(content.items)
        for k, old in enumerate(items):
            here = self.op("eq", "b1", position, i64(k))
            items[k] = self.choose(
                boolean(here),
                lambda: value,
                lambda old=old: old,  # type: ignore[misc]
            )
        self.pt.heap[owner.cell] = ListCell(
            tuple(items), content.length, content.maxlen, content.kind
        )

    def set_elements(self, owner: Arr, index: Value, value: Value) -> None:
        """Compute ``owner[index] = value`` of an array."""
        if isinstance(value, Union):

            def one(variant: Value) -> Value:
                self.set_elements(owner, index, variant)
                return NONE

            self.spread(value, one)
            return
        parts: list[Value] = list(index.items) if isinstance(index, Tup) else [index]
        for k, part in enumerate(parts):
            if isinstance(part, Union):

                def at(variant: Value, k: int = k) -> Value:
                    found = (*parts[:k], variant, *parts[k + 1 :])
                    self.set_elements(owner, Tup(found) if len(found) > 1 else variant, value)
                    return NONE

                self.spread(part, at)
                return
            if isinstance(part, Num) and part.ty in ("f32", "f64"):
                self.fail("IndexError", "only integers, slices and arrays are valid indices")
        self.writable(owner)
        if len(parts) == 1 and isinstance(parts[0], Arr) and parts[0].ty == "b1":
            chosen = self.ufunc_where(parts[0], value, owner)
            assert isinstance(chosen, Arr)
            self.assign_view(owner, Arrays.astype(self, chosen, owner.ty))
            return
        parts = [self.index_part(part) for part in parts]
        if any(isinstance(part, Arr) and part.ty != "b1" for part in parts):
            self.set_places(owner, parts, value)
            return
        for part in parts:
            if not isinstance(part, Num | SliceV | NoneV) and part != ELLIPSIS:
                raise self.refuse("CMP509", "this index of an array that is written to")
        target = self.view_for_writing(owner, parts)
        self.assign_view(target, value)

    def index_part(self, part: Value) -> Value:
        """Give a list among indices as an array."""
        raise NotImplementedError

    def set_places(self, owner: Arr, parts: list[Value], value: Value) -> None:
        """Compute ``owner[places] = value`` where places are in an array of indices."""
        raise NotImplementedError

    def ufunc_where(self, mask: Arr, value: Value, owner: Arr) -> Value:
        """Give where(mask, value, owner) broadcast to the owner's shape."""
        raise NotImplementedError

    def view_for_writing(self, owner: Arr, parts: list[Value]) -> Arr:
        """Give the view that an assignment writes to."""
        # A single element is a view of no axes, which reading would have turned into a number.
        whole = self.subview(owner, [*parts, NONE])
        assert isinstance(whole, Arr)
        return whole
