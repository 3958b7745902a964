"""Names, literals and displays; how names are found and bound."""

from __future__ import annotations

import ast
from typing import Any

from sandbox.tiers.compiled.grids import join_bounds
from sandbox.tiers.compiled.iteration import ONCE
from sandbox.tiers.compiled.points import CONSTANTS, TRUE
from sandbox.tiers.compiled.scopes import Uses
from sandbox.tiers.compiled.storage import ELLIPSIS
from sandbox.tiers.compiled.tables import Tables
from sandbox.tiers.compiled.values import (
    MADE_TEXT,
    NONE,
    UNBOUND,
    Builtin,
    Cell,
    Cls,
    DictCell,
    Dty,
    Frame,
    Func,
    Gen,
    GridCell,
    ListCell,
    Lost,
    NoneV,
    Num,
    Ref,
    SetCell,
    Str,
    TableCell,
    Tup,
    Unbound,
    Union,
    Value,
    boolean,
    number,
)

__all__ = ["MADE_TEXT", "Displays", "key_of"]


def key_of(value: Value) -> Any:
    """Give the Python key that a known value is in a dict, or None where it is not known."""
    match value:
        case Str(text=text):
            return ("s", text)
        case Num() if value.const is not None:
            return ("n", value.const if value.const == value.const else id(value))
        case NoneV():
            return ("none",)
        case Tup(items=items):
            parts = tuple(key_of(item) for item in items)
            return None if any(part is None for part in parts) else ("t", *parts)
        case Func() | Cls() | Builtin() | Dty():
            return ("v", value)
    return None


class Displays(Tables):
    """Lowers the leaves of expressions."""

    direct_zip = False
    """Whether a zip is made right where a loop goes through it: that pays for the shortest."""
    frame: Frame
    globals: Frame

    def eval(self, node: ast.expr) -> Value:
        """Lower an expression."""
        outer = self.node
        self.node = node
        self.tick()
        try:
            method = getattr(self, f"x_{type(node).__name__}", None)
            if method is None:
                raise self.refuse("CMP101", f"a {type(node).__name__.lower()} expression")
            found: Value = method(node)
            return found
        finally:
            self.node = outer

    def x_Constant(self, node: ast.Constant) -> Value:
        value = node.value
        if value is None:
            return NONE
        if value is Ellipsis:
            return ELLIPSIS
        if isinstance(value, str):
            return Str(value)
        if isinstance(value, int | float):
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise self.refuse("CMP102", "an integer of more than 64 bits")
            return number(value)
        raise self.refuse("CMP102", f"a {type(value).__name__} literal")

    def x_Name(self, node: ast.Name) -> Value:
        return self.lookup(node.id)

    def lookup(self, name: str) -> Value:
        """Give the value of a name as Python finds it."""
        frame: Frame | None = self.frame
        if frame is not None and name in frame.globals_:
            frame = self.globals
        while frame is not None:
            if name in frame.names and name not in frame.nonlocals:
                return self._bound_value(frame, name)
            frame = frame.parent
        if name in self.globals.names and (self.globals.number, name) in self.pt.vars:
            return self._bound_value(self.globals, name)
        found = self.builtin_name(name)
        if found is None:
            self.fail("NameError", f"name {name!r} is not defined")
        return found

    def _bound_value(self, frame: Frame, name: str) -> Value:
        value = self.pt.vars.get((frame.number, name), UNBOUND)
        if frame is self.globals and isinstance(value, Unbound):
            found = self.builtin_name(name)
            if found is not None:
                return found
            self.fail("NameError", f"name {name!r} is not defined")
        text = f"cannot access local variable {name!r} where it is not associated with a value"
        if isinstance(value, Unbound):
            self.fail("UnboundLocalError", text)
        if isinstance(value, Union):
            possible = self.possible(value)
            lacking = [k for k in possible if isinstance(value.variants[k], Unbound)]
            if lacking:
                have = [k for k in possible if k not in lacking]
                self.check(self.is_variant(value, have, possible), "UnboundLocalError", text)
                possible = have
            if len(possible) == 1:
                return value.variants[possible[0]]
        return value

    def builtin_name(self, name: str) -> Value | None:
        """Give a builtin, or None."""
        raise NotImplementedError

    def x_NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.eval(node.value)
        assert isinstance(node.target, ast.Name)
        self.bind(node.target.id, value)
        return value

    def bind(self, name: str, value: Value) -> None:
        """Give a name of the current scope a value."""
        frame: Frame | None = self.frame
        if name in self.frame.globals_:
            raise self.refuse("CMP121", "a function writes a global name")
        if name in self.frame.nonlocals:
            frame = self.frame.parent
            while frame is not None and name not in frame.names:
                frame = frame.parent
        assert frame is not None
        while frame.function == "<comprehension>" and name not in frame.names:
            # An assignment expression in a comprehension is one of the function around it.
            frame = frame.parent
            assert frame is not None
        if frame.function == "<list>":
            raise self.refuse("CMP103", "an assignment expression in a list of unknown length")
        self.used_once(name, value, None)
        self.pt.vars[(frame.number, name)] = value

    def used_once(self, name: str, value: Value, scope: ast.AST | None) -> None:
        """Refuse a name for an iterator that may be gone over twice: the second time it is empty.

        Args:
            name: The name.
            value: What it is given.
            scope: The function it is a parameter of; None for the statement at hand.
        """
        if not isinstance(value, Gen) or value.kind not in ONCE:
            return
        if not self.uses.at_most_once(name, scope, self.node):
            raise self.refuse("CMP213", "an iterator that is gone over more than once")

    uses: Uses

    def x_Tuple(self, node: ast.Tuple) -> Value:
        return self.new_tuple(tuple(self.elements(node.elts)))

    def new_tuple(self, items: tuple[Value, ...]) -> Tup:
        """Make a tuple; what tuples in tuples hold in all is capped."""
        weight = 1 + sum(item.weight if isinstance(item, Tup) else 1 for item in items)
        self.small(weight)
        return Tup(items, weight=weight)

    def x_List(self, node: ast.List) -> Value:
        return self.new_list(tuple(self.elements(node.elts)))

    def elements(self, nodes: list[ast.expr]) -> list[Value]:
        """Lower expressions, starred ones spread out."""
        found: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                taken = self.eval(node.value)
                spread_out = self.listed(taken)
                if not isinstance(taken, Gen) or taken.kind not in ONCE:
                    self.charge(len(spread_out))
                found.extend(spread_out)
            else:
                found.append(self.eval(node))
        return found

    def new_list(self, items: tuple[Value, ...], length: Num | None = None) -> Ref:
        """Make a list."""
        self.small(len(items))
        cell = self.number()
        self.pt.heap[cell] = ListCell(items, length)
        return Ref(cell)

    def small(self, count: int) -> None:
        """Refuse what would make the front end itself hold too much."""
        if count > CONSTANTS:
            raise self.refuse("CMP915", f"a constant or container of {count} elements")

    def x_Set(self, node: ast.Set) -> Value:
        return self.new_set(self.elements(node.elts))

    def new_set(self, items: list[Value]) -> Ref:
        """Make a set."""
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = SetCell()
        for item in items:
            self.set_add(cell, item)
        return cell

    def set_add(self, target: Ref, item: Value) -> None:
        """Compute ``target.add(item)``."""
        content = self.pt.heap[target.cell]
        if isinstance(content, TableCell):
            self.table_store(target, item, None)
            return
        if isinstance(item, Union):

            def one(variant: Value) -> Value:
                self.set_add(target, variant)
                return NONE

            self.spread(item, one)
            return
        key = key_of(item)
        if key is None or isinstance(content, GridCell):
            if self.takes_grid(content, item, None):
                self.grid_store(target, item, None)
            else:
                self.table_store(target, item, None)
            return
        assert isinstance(content, SetCell)
        entries = [(k, v, TRUE if k == key else p) for k, v, p in content.entries]
        if key not in [k for k, _, _ in content.entries]:
            entries.append((key, item, TRUE))
        self.pt.heap[target.cell] = SetCell(tuple(entries))

    tables_only = False
    """Whether no container is kept as a grid, because something asks for the order of its keys."""

    def takes_grid(self, content: Cell, key: Value, value: Value | None) -> bool:
        """Whether an entry goes into a grid: possible keys are few, and nothing asks for order."""
        if isinstance(content, GridCell):
            return True
        if self.tables_only or not isinstance(content, SetCell | DictCell):
            return False
        found = self.key_bounds(key)
        if found is None or not (
            value is None or (isinstance(value, Num) and value.weak in (True, False))
        ):
            return False
        if isinstance(content, DictCell) and (content.factory or content.kind != "dict"):
            return False
        bounds, plain = found
        for entry in content.entries:
            other = self.key_bounds(entry[1])
            if other is None or other[1] is not plain or len(other[0]) != len(bounds):
                return False
            bounds = join_bounds(bounds, other[0])
        return self.few_keys(bounds)

    def x_Dict(self, node: ast.Dict) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell()
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self.update_dict(cell, self.eval(value))
            else:
                known = self.eval(key)
                self.set_key(cell, known, self.eval(value))
        return cell

    def update_dict(self, target: Ref, source: Value) -> None:
        """Put all entries of one dict into another."""
        if not isinstance(source, Ref):
            raise self.refuse("CMP202", "a dict is filled from something else than a dict")
        content = self.pt.heap[source.cell]
        if isinstance(content, TableCell):

            def one(pair: Value) -> None:
                assert isinstance(pair, Tup)
                self.set_key(target, *pair.items)

            self.paying_nothing(lambda: self.iterate(Gen("items", (source,)), one))
            return
        if not isinstance(content, DictCell):
            raise self.refuse("CMP202", "a dict is filled from something else than a dict")
        for _, k, present, value in content.entries:
            self.when(
                boolean(present),
                lambda k=k, value=value: self.set_key(target, k, value),  # type: ignore[misc]
            )

    def set_key(self, target: Ref, key: Value, value: Value) -> None:
        """Compute ``target[key] = value`` of a dict."""
        content = self.pt.heap[target.cell]
        if isinstance(content, TableCell):
            self.table_store(target, key, value)
            return
        if isinstance(key, Union):

            def one(variant: Value) -> Value:
                self.set_key(target, variant, value)
                return NONE

            self.spread(key, one)
            return
        known = key_of(key)
        if known is None or isinstance(content, GridCell):
            if self.takes_grid(content, key, value):
                self.grid_store(target, key, value)
            else:
                self.table_store(target, key, value)
            return
        assert isinstance(content, DictCell)
        entries = list(content.entries)
        for position, (other, k, present, _) in enumerate(entries):
            if other == known:
                ordered = content.ordered and present == TRUE
                # A key that may be missing goes to the end when it is added: order unknown.
                ordered = ordered or (content.ordered and position == len(entries) - 1)
                if self.tables_only and content.ordered and not ordered:
                    # Something asks for the order, which a table keeps.
                    self.table_store(target, key, value)
                    return
                entries[position] = (other, k, TRUE, value)
                self.pt.heap[target.cell] = DictCell(
                    tuple(entries), content.factory, ordered, content.kind
                )
                return
        entries.append((known, key, TRUE, value))
        self.pt.heap[target.cell] = DictCell(
            tuple(entries), content.factory, content.ordered, content.kind
        )

    def x_JoinedStr(self, node: ast.JoinedStr) -> Value:
        parts: list[Value] = [Str("")]
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(Str(str(part.value)))
                continue
            assert isinstance(part, ast.FormattedValue)
            if part.format_spec is not None or part.conversion != -1:
                parts.append(self.formatted(self.eval(part.value)))
                continue
            parts.append(self.eval(part.value))
        result: Value = Str("")
        for item in parts:
            if isinstance(result, Lost) or isinstance(item, Lost):
                # Nothing reads it, as in a message that is returned beside a number.
                result = Lost(MADE_TEXT)
                continue
            result = self.spread(result, lambda a, item=item: self._append_text(a, item))  # type: ignore[misc]
        return result

    def formatted(self, value: Value) -> Value:
        """Format a value with a specification: known only where nothing reads it."""
        del value
        return Lost(MADE_TEXT)

    def _append_text(self, text: Value, item: Value) -> Value:
        def one(part: Value) -> Value:
            match text, part:
                case Str(text=a), Str(text=b):
                    self.small(len(a) + len(b))
                    return Str(a + b)
                case Str(text=a), Num() if part.const is not None and part.weak is True:
                    return Str(a + str(part.const))
                case Str(text=a), NoneV():
                    return Str(a + "None")
                case Str(), Num() if part.const is None and part.ty not in ("f32", "f64"):
                    return Lost(MADE_TEXT)
            return Lost(MADE_TEXT)

        return self.spread(item, one)

    def x_Lambda(self, node: ast.Lambda) -> Value:
        return self.new_function(node, "<lambda>")

    def new_function(self, node: ast.FunctionDef | ast.Lambda, name: str) -> Func:
        """Make a function with its defaults."""
        del name
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults: list[tuple[str, Value]] = []
        given = positional[len(positional) - len(arguments.defaults) :]
        for argument, default in zip(given, arguments.defaults, strict=True):
            defaults.append((argument.arg, self.eval(default)))
        for argument, kw_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if kw_default is not None:
                defaults.append((argument.arg, self.eval(kw_default)))
        return Func(node, self.number(), self.frame, tuple(defaults))
