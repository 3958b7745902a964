"""Calls of functions, methods and built-ins."""

# ruff: noqa: D102, N802 - methods of a visitor are named after the nodes they visit
from __future__ import annotations

import ast
from typing import Final

from sandbox.instrument.base import Base
from sandbox.predeclared.methods import is_direct

__all__ = ["Calls"]


_HASHING: Final = frozenset({"get", "setdefault", "pop", "add", "discard", "remove", "move_to_end"})
"""Methods of dicts and sets that hash their first argument."""
_ONE_OR_MORE: Final = frozenset({"max", "min"})
_OVER_COMPREHENSION: Final = frozenset(
    {"any", "all", "sum", "min", "max", "list", "tuple", "sorted"}
)
_COMPARING: Final = frozenset({"sum", "min", "max", "sorted"})
_MADE: Final = frozenset({"int", "str", "list", "tuple", "dict", "set", "frozenset"})
"""Types that are called without the view that stands for them elsewhere."""
_REAL_ALWAYS: Final = frozenset({"float", "bool", "len"})
_REAL_TYPES: Final = frozenset({"int", "float", "bool", "str", "list", "tuple", "dict", "set"})


class Calls(Base):
    """Calls of functions, methods and built-ins."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        func = node.func
        if isinstance(func, ast.Name) and self._is_builtin(func.id):
            return self._builtin_call(node, func.id)
        if isinstance(func, ast.Attribute) and not (
            isinstance(func.value, ast.Call) and self._is_super(func.value)
        ):
            if func.attr == "__init__":
                node.func = self._guard("$initial", func, self._visited(func.value))
                return self._arguments(node)
            if self._is_never(func):
                node.func = self._visited(func)
                return self._arguments(node)
            if self.program.dotted(func) is None and self._function_member(func) is None:
                return self._method_call(node, func)
        node.func = self._visited(func)
        return self._arguments(node)

    def _arguments(self, node: ast.Call) -> ast.Call:
        node.args = [self._argument(arg) for arg in node.args]
        for keyword in node.keywords:
            value = self._visited(keyword.value)
            if keyword.arg is None:
                value = self._guard("$merged", keyword.value, value)
            keyword.value = value
        return node

    def _argument(self, arg: ast.expr) -> ast.expr:
        return self._visited(arg)  # type: ignore[no-any-return]

    def visit_Starred(self, node: ast.Starred) -> ast.expr:
        value = self._visited(node.value)
        if isinstance(node.ctx, ast.Load):
            value = self._guard("$star", node.value, value)
        node.value = value
        return node

    def _method_call(self, node: ast.Call, func: ast.Attribute) -> ast.expr:
        name = func.attr
        self.check_name(func, name)
        if not self._known(name):
            self.error(func, f"attribute `{name}` is not readable")
            return node
        direct = is_direct(name) and not self._maybe_module(func.value)
        if name in _HASHING and node.args and not isinstance(node.args[0], ast.Starred):
            hashed = node.args[0]
            node = self._method_of(node, func, direct=direct)
            place = 0 if direct or self._fresh_method(func) else 1
            node.args[place] = self._key(hashed, node.args[place])
            return node
        return self._method_of(node, func, direct=direct)

    def _method_of(self, node: ast.Call, func: ast.Attribute, *, direct: bool) -> ast.Call:
        name = func.attr
        if direct or self._fresh_method(func):
            func.value = self._visited(func.value)
            return self._arguments(node)
        value = self._visited(func.value)
        node = self._arguments(node)
        node.func = self._name(f"$call {name}", func)
        node.args.insert(0, value)
        return node

    def _fresh_method(self, func: ast.Attribute) -> bool:
        if not isinstance(func.value, ast.Name):
            return False
        kind = self._fresh[-1].get(func.value.id)
        return (kind == "list" and func.attr in ("append", "pop")) or (
            kind == "set" and func.attr == "add"
        )

    def _builtin_call(self, node: ast.Call, name: str) -> ast.expr:
        func = node.func
        if name in ("hasattr", "getattr"):
            return self._reflection(node, name)
        plain = not any(isinstance(arg, ast.Starred) for arg in node.args)
        count = len(node.args)
        real = (
            (name in _REAL_ALWAYS and not node.keywords)
            or (name == "abs" and plain and count == 1 and self._kinds.is_number(node.args[0]))
            or (
                # With a number among them, lists and texts are no arguments.
                plain
                and name in _ONE_OR_MORE
                and count > 1
                and any(map(self._kinds.is_number, node.args))
            )
            or (plain and not node.keywords and name == "range")
            or (plain and not node.keywords and name == "round" and count == 1)
            # A text of digits is read one by one; what has a kind is none.
            or (
                plain
                and not node.keywords
                and name == "int"
                and count == 1
                and self._kinds.of(node.args[0]) is not None
            )
            # What a comprehension goes through has paid for itself.
            or (
                name in _OVER_COMPREHENSION
                and count == 1
                and isinstance(node.args[0], ast.GeneratorExp | ast.ListComp)
            )
        )
        if name == "isinstance" and plain and count == 2:
            types = self._real_types(node.args[1])
            if types is not None:
                node.args = [self._visited(node.args[0]), types]
                node.func = self._name("$real isinstance", func)
                return node
        node.func = self._name(f"$real {name}", func) if real else self._visited(func)
        if not real and name in _MADE:
            node.func = self._name(f"$make {name}", func)
        if real and name in _COMPARING and count == 1:
            made = node.args[0]
            if isinstance(made, ast.GeneratorExp | ast.ListComp):
                return self._over_comprehension(node, made)
        return self._arguments(node)

    def _over_comprehension(
        self, node: ast.Call, made: ast.GeneratorExp | ast.ListComp
    ) -> ast.Call:
        """Guard what a comprehension gives to a built-in that compares or adds it."""
        element = made.elt
        plain = isinstance(element, ast.Constant) or (
            isinstance(element, ast.Tuple)
            and all(self._kinds.is_number(item) for item in element.elts)
        )
        node = self._arguments(node)
        # The loops are known only now, and with them the kind of the element.
        if not plain and self._kinds.of(element) is None:
            made.elt = self._guard("$heavy", made.elt, made.elt)
        for keyword in node.keywords:
            if keyword.arg == "key":
                keyword.value = self._guard("$keyed", keyword.value, keyword.value)
        return node

    def _real_types(self, node: ast.expr) -> ast.expr | None:
        if isinstance(node, ast.Name) and self._is_builtin(node.id) and node.id in _REAL_TYPES:
            return self._name(f"$real {node.id}", node)
        if isinstance(node, ast.Tuple):
            items = [self._real_types(item) for item in node.elts]
            found = [item for item in items if item is not None]
            if len(found) == len(items):
                node.elts = found
                return node
        return None

    def _reflection(self, node: ast.Call, name: str) -> ast.expr:
        if len(node.args) < 2 or node.keywords or not isinstance(node.args[1], ast.Constant):
            self.error(node, f"`{name}` needs the name written out")
            return node
        attribute = node.args[1].value
        if not isinstance(attribute, str):
            self.error(node, f"`{name}` needs a name")
            return node
        self.check_name(node, attribute)
        if not self._known(attribute):
            # No value has it, and a guest may ask.
            self.program.attributes.add(attribute)
        node.func = self._name(f"${name}", node.func)
        return self._arguments(node)
