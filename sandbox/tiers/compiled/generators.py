"""Generator functions: lowered where somebody goes through them, as generator expressions are.

A call makes nothing; its body is lowered in place when its items are asked for, and each ``yield``
lowers the body of whoever asks. So the two take turns as they do in Python, and a loop that leaves
early leaves the generator where it is.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import Any

from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.iteration import Body
from sandbox.tiers.compiled.nests import Nests
from sandbox.tiers.compiled.points import Dead
from sandbox.tiers.compiled.values import NONE, Func, Gen, Value

__all__ = ["Generators"]

_CONTEXT = ("frame", "breaks", "continues", "returns", "handlers", "node", "depth", "givers")


@cache
def _yields(node: ast.AST) -> bool:
    """Whether a function is a generator function."""
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        child = waiting.pop()
        if isinstance(child, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.GeneratorExp):
            waiting.extend(ast.iter_child_nodes(child))
    return False


class Generators(Nests):
    """Functions that yield."""

    givers: list[Body]
    """What is done with the items of the generators that are being lowered, the innermost last."""

    def inline(self, function: Func, args: Args, keywords: Keywords) -> Value:
        node = function.node
        if isinstance(node, ast.FunctionDef) and _yields(node):
            return Gen("yields", (function, tuple(args), tuple(keywords.items())))
        return super().inline(function, args, keywords)

    def iterate(self, value: Value, body: Body) -> None:
        if not (isinstance(value, Gen) and value.kind == "yields"):
            super().iterate(value, body)
            return
        function, args, keywords = value.parts
        outer = self._context()

        def give(item: Value) -> None:
            inside = self._context()
            self._set_context(outer)
            try:
                body(item)
            finally:
                self._set_context(inside)
            if not self.alive:
                raise Dead

        self.paid_once = False
        for name in ("breaks", "continues", "returns", "handlers"):
            setattr(self, name, list(outer[name]))
        self.givers = [*outer["givers"], give]
        try:
            super().inline(function, list(args), dict(keywords))
        finally:
            self._set_context(outer)

    def _context(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _CONTEXT}

    def _set_context(self, context: dict[str, Any]) -> None:
        for name, value in context.items():
            setattr(self, name, value)

    def x_Yield(self, node: ast.Yield) -> Value:
        self.givers[-1](NONE if node.value is None else self.eval(node.value))
        return NONE

    def x_YieldFrom(self, node: ast.YieldFrom) -> Value:
        self.iterate(self.eval(node.value), self.givers[-1])
        return NONE
