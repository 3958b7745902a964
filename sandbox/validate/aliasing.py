"""The chapter on displays that hold each other: what one would be with its names written out.

``b = (a, a)``, ``c = (b, b)`` and so on is short to write and short to run, since every value is
made once. But whatever looks at the parts of such a value, be it a compiler that gives each part a
type or a comparison, meets twice as many with every line. So a display is measured as if the
displays behind its names stood in it, through assignments, branches and the program's own
functions, and the sum is capped as the length of a single display is.

This is an estimate from below. What only shows when the program runs, such as a loop that pairs a
value with itself, is counted by the meter (`sandbox.weights`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from sandbox.diagnostics import Finding
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.trees import walk

__all__ = ["aliasing_findings"]

WRITTEN_OUT: Final = 64
"""How many displays of full length a display may be when it is written out."""
_STATEMENTS: Final = 20_000
"""Statements that are followed in all, those of functions counted at each call."""
_DEPTH: Final = 6
"""Calls that are followed into each other."""
_SHARING: Final = frozenset({"list", "tuple", "set", "frozenset", "dict", "sorted", "deque"})
"""Makers of a container that holds what their argument holds."""

_Sizes = dict[str, int]


def aliasing_findings(tree: ast.Module, places: Places, literal_elements: int) -> Iterator[Finding]:
    """Find displays that are too long when their names are written out.

    Args:
        tree: A program.
        places: Its places.
        literal_elements: Elements that one display may have.
    """
    limit = WRITTEN_OUT * literal_elements
    follow = _Follow(tree, limit, literal_elements)
    follow.block(tree.body, follow.module)
    for function in follow.definitions:
        follow.function(function, {})
    for node in follow.found:
        yield RULES["SBX118"].finding(places.span(node), limit=f"{limit:,}")


class _Follow:
    """Goes through statements in order and keeps the size of what names stand for."""

    def __init__(self, tree: ast.Module, limit: int, literal_elements: int) -> None:
        self.limit = limit
        self.literal_elements = literal_elements
        self.module: _Sizes = {}
        self.found: dict[ast.expr, None] = {}
        self.definitions = [node for node in walk(tree) if isinstance(node, ast.FunctionDef)]
        self._functions = {
            node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)
        }
        self._left = _STATEMENTS
        self._depth = 0
        self._returned = 0

    # --- statements -----------------------------------------------------------------------------

    def block(self, body: list[ast.stmt], sizes: _Sizes) -> None:
        for statement in body:
            self._left -= 1
            if self._left < 0:
                return
            self._statement(statement, sizes)

    def _statement(self, node: ast.stmt, sizes: _Sizes) -> None:
        if isinstance(node, ast.Assign):
            size = self._size(node.value, sizes)
            for target in node.targets:
                self._bind(target, node.value, size, sizes)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._bind(node.target, node.value, self._size(node.value, sizes), sizes)
        elif isinstance(node, ast.AugAssign):
            name = _name(node.target)
            if name in sizes and isinstance(node.op, ast.Add):
                sizes[name] = self._kept(node.value, sizes[name] + self._size(node.value, sizes))
        elif isinstance(node, ast.Return):
            if node.value is not None:
                self._returned = max(self._returned, self._size(node.value, sizes))
        elif isinstance(node, ast.Expr):
            self._expression(node.value, sizes)
        elif isinstance(node, ast.If | ast.For | ast.While | ast.Try):
            blocks = [node.body, node.orelse]
            if isinstance(node, ast.Try):
                blocks += [handler.body for handler in node.handlers]
                blocks.append(node.finalbody)
            self._branches(blocks, sizes)
        elif isinstance(node, ast.Match):
            self._branches([case.body for case in node.cases], sizes)
        elif isinstance(node, ast.With):
            self.block(node.body, sizes)

    def _branches(self, blocks: list[list[ast.stmt]], sizes: _Sizes) -> None:
        """Follow each block from the same start; keep the largest size of every name."""
        before = dict(sizes)
        for body in blocks:
            if body:
                here = dict(before)
                self.block(body, here)
                for name, size in here.items():
                    sizes[name] = max(size, sizes.get(name, 0))

    def _bind(self, target: ast.expr, value: ast.expr, size: int, sizes: _Sizes) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            pairs = value.elts if isinstance(value, ast.Tuple | ast.List) else []
            if len(pairs) == len(target.elts):
                each = [self._size(item, sizes) for item in pairs]
                for part, item, one in zip(target.elts, pairs, each, strict=True):
                    self._bind(part, item, one, sizes)
            return
        name = _name(target)
        if size:
            sizes[name] = size
        else:
            sizes.pop(name, None)

    def _expression(self, node: ast.expr, sizes: _Sizes) -> None:
        """Follow ``a.append(b)`` and its kind."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            return
        name = _name(node.func.value)
        if name in sizes and node.func.attr in ("append", "add", "insert", "extend", "appendleft"):
            more = max(self._size(node.args[-1], sizes), 1)
            sizes[name] = self._kept(node, sizes[name] + more)

    # --- expressions ----------------------------------------------------------------------------

    def _kept(self, node: ast.expr, size: int) -> int:
        """Note a display that is too long; it counts as one value from there on."""
        if size > self.limit:
            self.found[node] = None
            return 1
        return size

    def _size(self, node: ast.expr, sizes: _Sizes) -> int:
        """Give the leaves of a container with its names written out; 0 of what may be none."""
        if isinstance(node, ast.Name | ast.Attribute):
            name = _name(node)
            return sizes.get(name) or self.module.get(name, 0)
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            if len(node.elts) > self.literal_elements:
                return 1  # said by the display itself
            return self._kept(node, sum(self._element(item, sizes) for item in node.elts))
        if isinstance(node, ast.Dict):
            return self._kept(node, sum(self._element(item, sizes) for item in node.values))
        if isinstance(node, ast.IfExp):
            return max(self._size(node.body, sizes), self._size(node.orelse, sizes))
        if isinstance(node, ast.BoolOp):
            return max(self._size(item, sizes) for item in node.values)
        if isinstance(node, ast.NamedExpr):
            size = self._size(node.value, sizes)
            self._bind(node.target, node.value, size, sizes)
            return size
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._size(node.left, sizes), self._size(node.right, sizes)
            return self._kept(node, left + right) if left and right else 0
        if isinstance(node, ast.Call) and not node.keywords:
            return self._call(node, sizes)
        return 0

    def _element(self, node: ast.expr, sizes: _Sizes) -> int:
        value = node.value if isinstance(node, ast.Starred) else node
        return max(self._size(value, sizes), 1)

    def _call(self, node: ast.Call, sizes: _Sizes) -> int:
        given = [self._size(item, sizes) for item in node.args]
        if not isinstance(node.func, ast.Name) or not any(given):
            return 0
        if node.func.id in self._functions:
            function = self._functions[node.func.id]
            names = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
            return self.function(function, dict(zip(names, given, strict=False)))
        return given[0] if node.func.id in _SHARING else 0

    def function(self, node: ast.FunctionDef, sizes: _Sizes) -> int:
        """Follow a function with arguments of some sizes; give the size of what it returns."""
        if self._depth >= _DEPTH:
            return 0
        outside, self._returned = self._returned, 0
        self._depth += 1
        self.block(node.body, {name: size for name, size in sizes.items() if size})
        self._depth -= 1
        returned, self._returned = self._returned, outside
        return returned


def _name(node: ast.expr) -> str:
    """Give ``x`` or ``self.x``; empty for other targets."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""
