"""Loops and comprehensions, which pay for their turns."""

# ruff: noqa: D102, N802, N815 - methods of a visitor are named after the nodes they visit
from __future__ import annotations

import ast
from typing import Any

from sandbox.instrument.base import Base
from sandbox.instrument.scopes import (
    may_lengthen,
    taken_apart,
)

__all__ = ["Loops"]


class Loops(Base):
    """Loops and comprehensions, which pay for their turns."""

    def visit_For(self, node: ast.For) -> Any:
        grows = self.program.lengthens and may_lengthen(node.body)
        before: list[ast.stmt] = []
        written = node.iter.elts if isinstance(node.iter, ast.Tuple | ast.List) else None
        if written is not None and not any(isinstance(item, ast.Starred) for item in written):
            # The turns stand in the source, and no name holds what is gone through.
            before = self._charge(node, len(written))
            node.iter = self._visited(node.iter)
        else:
            node.iter = self._iterated(node.iter, grows)
        node.iter = self._ordered(node.iter, node.target)
        node.target = self._visited(node.target)
        node.body = self._block(node.body)
        node.orelse = self._block(node.orelse)
        return [*before, node]

    def _ordered(self, value: ast.expr, target: ast.expr) -> ast.expr:
        """Guard the items of a loop that takes them apart: one may be a set."""
        levels = taken_apart(target)
        if not levels or not self.program.sets:
            return value
        guard = self._guard("$orders", value, value, ast.Constant(levels))
        return ast.fix_missing_locations(guard)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            self.error(node.iter, "nothing waits here")
        node.iter = self._iterated(node.iter, self.program.lengthens)
        node.iter = self._ordered(node.iter, node.target)
        node.target = self._visited(node.target)
        node.ifs = [self._visited(item) for item in node.ifs]
        return node

    def _comprehension(self, node: Any) -> Any:
        # The loops come first, as they bind the names of the element.
        node.generators = [self._visited(item) for item in node.generators]
        for part in ("elt", "key", "value"):
            if hasattr(node, part):
                item = getattr(node, part)
                if isinstance(item, ast.Starred) or item is None:
                    self.error(node, "unpacking in a comprehension is not part of the dialect")
                else:
                    visited = self._visited(item)
                    if part == "key" or isinstance(node, ast.SetComp):
                        visited = self._key(item, visited)
                    setattr(node, part, visited)
        return node

    visit_ListComp = _comprehension
    visit_SetComp = _comprehension
    visit_DictComp = _comprehension
    visit_GeneratorExp = _comprehension

    def _iterated(self, value: ast.expr, grows: bool) -> ast.expr:
        guard = "$grow" if grows else "$iter"
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            name = value.func.id
            plain = not value.keywords and not any(isinstance(a, ast.Starred) for a in value.args)
            if plain and self._is_builtin(name) and value.args:
                if name == "enumerate":
                    first = self._guard(guard, value.args[0], self._visited(value.args[0]))
                    value.args = [first, *(self._visited(arg) for arg in value.args[1:])]
                    value.func = self._name("$real enumerate", value.func)
                    return value
                if name == "zip":
                    value.args = [self._visited(arg) for arg in value.args]
                    value.func = self._name("$growzip" if grows else "$zip", value.func)
                    return value
        visited = self._visited(value)
        return self._guard(guard, value, visited)

    def visit_While(self, node: ast.While) -> ast.AST:
        node.test = self._visited(node.test)
        node.body = [*self._charge(node.test), *self._block(node.body)]
        node.orelse = self._block(node.orelse)
        return node
