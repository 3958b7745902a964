"""Lists in dicts whose keys depend on the data: ``by_kind[kind].append((x, y))``.

Each entry of such a dict has room for a few elements beside it, in columns of its own. What is read
is a list over a part of those columns. It must not be changed, and must not be looked at any more
after the dict was: who does either is not taken.
"""

from __future__ import annotations

import ast

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.core import Store
from sandbox.tiers.compiled.displays import key_of
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.runs import Runs
from sandbox.tiers.compiled.shapes import (
    EMPTY,
    INNER,
    Shape,
    ShapeInner,
    cells_in,
    columns_of,
    join_records,
)
from sandbox.tiers.compiled.values import (
    NONE,
    DictCell,
    ListCell,
    Ref,
    SeqCell,
    TableCell,
    Union,
    Value,
    boolean,
    integer,
)

__all__ = ["Nests"]


class Nests(Runs):
    """Operations on lists in dicts."""

    views: dict[int, int]
    """Cells of lists that were read from dicts, and the cells of those dicts."""

    def begin_classes(self) -> None:
        super().begin_classes()
        self.views = {}

    # -- which values are lists inside

    def record_of(self, value: Value) -> Shape:
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if not isinstance(content, ListCell | SeqCell) or content.kind != "list":
            return super().record_of(value)
        if isinstance(content, SeqCell):
            return ShapeInner(content.record)
        record: Shape | None = EMPTY
        for item in content.items:
            record = join_records(record, self.record_of(item))
        if record is None or isinstance(record, ShapeInner):
            raise self.refuse("CMP212", "a list in a dict that holds values of many kinds")
        return ShapeInner(record)

    def table_store(self, target: Ref, key: Value, value: Value | None) -> None:
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(value, Ref) and isinstance(content, ListCell | SeqCell):
            # It is copied: who changes it later would change the one in the dict, too.
            self.given_away[value.cell] = content
        self._nobody_looks(target)
        super().table_store(target, key, value)

    given_away: dict[int, object]

    def _nobody_looks(self, target: Ref) -> None:
        """Refuse a change of a dict while a list that was read from it is still in use."""
        seen = {cell for cell, owner in self.views.items() if owner == target.cell}
        if seen and seen.intersection(cells_in(list(self.pt.vars.values()))):
            raise self.refuse("CMP212", "a dict is changed while one of its lists is in use")

    # -- a list that grows where it is

    def x_Call(self, node: ast.Call) -> Value:
        func = node.func
        if (
            isinstance(func, ast.Attribute)
            and func.attr in ("append", "extend")
            and len(node.args) == 1
            and not node.keywords
            and not isinstance(node.args[0], ast.Starred)
        ):
            match func.value:
                case ast.Subscript(value=owner, slice=key):
                    return self._grown(node, owner, key, func.attr)
                case ast.Call(
                    func=ast.Attribute(value=owner, attr="setdefault"),
                    args=[key, ast.List(elts=[])],
                    keywords=[],
                ):
                    return self._grown(node, owner, key, func.attr)
        return super().x_Call(node)

    def _grown(self, node: ast.Call, owner: ast.expr, key: ast.expr, name: str) -> Value:
        """Compute ``owner[key].append(item)`` where the list may be one inside a dict."""
        if not _is_plain(owner):
            return super().x_Call(node)
        target = self.eval(owner)
        content = self.pt.heap[target.cell] if isinstance(target, Ref) else None
        if not isinstance(target, Ref) or not isinstance(content, DictCell | TableCell):
            return super().x_Call(node)
        found = self.eval(key)
        table = isinstance(content, TableCell)
        if not table and (self.known_key(found) or isinstance(found, Union)):
            return super().x_Call(node)
        if isinstance(content, TableCell) and not isinstance(content.value, ShapeInner):
            return super().x_Call(node)
        sets_default = isinstance(node.func, ast.Attribute) and isinstance(
            node.func.value, ast.Call
        )
        if content.factory is not None and getattr(content.factory, "name", "") != "list":
            return super().x_Call(node)
        fills = sets_default or content.factory is not None
        if isinstance(found, Union):
            raise self.refuse("CMP212", "a key whose type depends on the path, of a list in a dict")
        if not fills and not table:
            # Nothing is in it yet that a list could be.
            return super().x_Call(node)
        item = self.eval(node.args[0])
        if name == "append":
            self._lengthen(target, found, item, fills)
        else:
            self.iterate(item, lambda part: self._lengthen(target, found, part, fills))
        return NONE

    def known_key(self, value: Value) -> bool:
        """Whether a key is known while lowering."""
        return key_of(value) is not None

    def _lengthen(self, target: Ref, key: Value, item: Value, fills: bool) -> None:
        self._nobody_looks(target)
        made = self.new_list((item,))
        table = self.table_for(target, key, made)
        found, _ = self.find_entry(table, key)
        missing = boolean(self.op("lt", "b1", found, i64(0)))
        if fills:
            self.when(missing, lambda: self.table_store(target, key, self.new_list(())))
        else:
            self.check(self.negation(missing), "KeyError", "a key that is not there")
        content = self.pt.heap[target.cell]
        assert isinstance(content, TableCell)
        assert isinstance(content.value, ShapeInner)
        at, _ = self.find_entry(content, key)
        held = content.regions[2 + len(columns_of(content.key)) :]
        count = self.load(held[0], at)
        self.only_where(boolean(self.op("lt", "b1", count, i64(INNER))))
        place = self.op("add", "i64", self.op("mul", "i64", at, i64(INNER)), count)
        self.write_record(content.value.record, held[1:], place, item)
        self.emit(Store(held[0], at, self.op("add", "i64", count, i64(1))))
        self.table_now(target, content)

    # -- reading

    def inner_list(self, shape: ShapeInner, regions: tuple[str, ...], at: object) -> Ref:
        count = self.load(regions[0], at)  # type: ignore[arg-type]
        start = self.op("mul", "i64", at, i64(INNER))  # type: ignore[arg-type]
        cell = Ref(self.number())
        content = SeqCell(
            shape.record, regions[1:], start, integer(count, 0, INNER), INNER, None, "list",
            self.number(),
        )  # fmt: skip
        self.pt.heap[cell.cell] = content
        self.views[cell.cell] = self.owner_of(regions)
        return cell

    def _only_read(self, value: Value) -> None:
        if isinstance(value, Ref) and value.cell in self.views:
            raise self.refuse("CMP212", "a list in a dict is changed under another name")

    def list_append(self, target: Ref, item: Value) -> None:
        self._only_read(target)
        super().list_append(target, item)

    def set_item(self, owner: Value, index: Value, value: Value) -> None:
        self._only_read(owner)
        super().set_item(owner, index, value)

    def remove_item(self, owner: Value, index: Value) -> None:
        self._only_read(owner)
        super().remove_item(owner, index)

    def l_pop(self, args: Args, keywords: Keywords) -> Value:
        self._only_read(args[0])
        return super().l_pop(args, keywords)

    def l_insert(self, args: Args, keywords: Keywords) -> Value:
        self._only_read(args[0])
        return super().l_insert(args, keywords)

    def l_remove(self, args: Args, keywords: Keywords) -> Value:
        self._only_read(args[0])
        return super().l_remove(args, keywords)

    def l_sort(self, args: Args, keywords: Keywords) -> Value:
        self._only_read(args[0])
        return super().l_sort(args, keywords)

    def l_reverse(self, args: Args, keywords: Keywords) -> Value:
        self._only_read(args[0])
        return super().l_reverse(args, keywords)

    def l_clear(self, args: Args, keywords: Keywords) -> Value:
        self._only_read(args[0])
        return super().l_clear(args, keywords)

    def owner_of(self, regions: tuple[str, ...]) -> int:
        """Give the cell of the dict that has these columns, or -1."""
        for number, content in self.pt.heap.items():
            if isinstance(content, TableCell) and set(regions) <= set(content.regions):
                return number
        return -1


def _is_plain(node: ast.expr) -> bool:
    """Whether looking at something twice does nothing."""
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_plain(node.value))
