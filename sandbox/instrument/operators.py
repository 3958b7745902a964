"""Operators, comparisons and changes in place."""

# ruff: noqa: D102, N802 - methods of a visitor are named after the nodes they visit
from __future__ import annotations

import ast
from typing import Any

from sandbox.instrument.base import Base
from sandbox.instrument.scopes import (
    copies,
)
from sandbox.predeclared.methods import is_direct

__all__ = ["Operators"]


class Operators(Base):
    """Operators, comparisons and changes in place."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        bounded = self._kinds.is_bounded(node.left, node.op, node.right)
        number = self._kinds.is_number(node.left, node.right)
        node.left = self._visited(node.left)
        node.right = self._visited(node.right)
        if bounded:
            return node if number else self._guard("$paid", node, node)
        return self._guard(f"${type(node.op).__name__}", node, node.left, node.right)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        asked, op, right = node.left, node.ops[0], node.comparators[0]
        single = len(node.ops) == 1
        if (
            single
            and isinstance(op, ast.Is | ast.IsNot)
            and (self._is_type(node.left) or self._is_type(right))
        ):
            # Views of one type are equal, not identical.
            op = node.ops[0] = ast.Eq() if isinstance(op, ast.Is) else ast.NotEq()
        plain = self._kinds.is_bounded_comparison(node.left, right)
        number = node in self.program.questions or self._kinds.is_number(node.left, right)
        literal = isinstance(right, ast.Tuple | ast.List | ast.Set | ast.Dict | ast.Constant) or (
            isinstance(right, ast.Name) and self._fresh[-1].get(right.id) in ("dict", "set")
        )
        sides = [node.left, *node.comparators]
        weighed = [
            not single
            and not isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn)
            and not self._kinds.is_bounded_comparison(before, after)
            for op, before, after in zip(node.ops, sides, sides[1:], strict=False)
        ]
        sides = [self._visited(item) for item in sides]
        for index, heavy in enumerate([*weighed, weighed[-1]]):
            # The last is weighed as well: a number of NumPy makes an array of it.
            if heavy:
                sides[index] = self._unless_number("$heavy", sides[index])
        node.left, *node.comparators = sides
        if not single or isinstance(op, ast.Is | ast.IsNot):
            return node
        if isinstance(op, ast.In | ast.NotIn):
            if isinstance(right, ast.Tuple | ast.List):
                literal = all(isinstance(item, ast.Constant) for item in right.elts)
            elif literal and not isinstance(right, ast.Constant):
                node.left = self._key(asked, node.left)
            if literal:
                return node
        elif plain:
            return node if number else self._guard("$paid", node, node)
        return self._guard(f"${type(op).__name__}", node, node.left, node.comparators[0])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        bounded = isinstance(node.operand, ast.Constant) or self._kinds.is_number(node.operand)
        node.operand = self._visited(node.operand)
        if bounded or isinstance(node.op, ast.Not):
            return node
        return self._guard("$paid", node, node)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        target, op = node.target, node.op
        guard = f"$i{type(op).__name__}"
        if isinstance(target, ast.Name):
            self.check_name(target, target.id)
            if self._kinds.is_bounded_change(target, op, node.value):
                number = self._kinds.is_number(target) and self._kinds.is_number(node.value)
                node.value = self._visited(node.value)
                if number:
                    return node
                after = ast.copy_location(ast.Name(target.id, ast.Load()), target)
                paid = ast.Expr(self._unless_number("$paid", after))
                return [node, ast.copy_location(paid, node)]
            load = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            value = self._guard(guard, node, load, self._visited(node.value))
            return ast.copy_location(ast.Assign([target], value), node)
        if isinstance(target, ast.Attribute):
            self.check_name(target, target.attr)
            if self.program.dotted(target) is not None:
                self.error(target, "a member of a module cannot be set")
                return node
            before, owner = self._once(self._owner(target.value), target)
            name = target.attr
            if is_direct(name):
                read: ast.expr = ast.copy_location(ast.Attribute(owner(), name, ast.Load()), target)
            else:
                read = self._guard(f"$read {name}", target, owner())
            store: ast.expr = ast.copy_location(ast.Attribute(owner(), name, ast.Store()), target)
        elif isinstance(target, ast.Subscript):
            fresh = isinstance(target.value, ast.Name) and target.value.id in self._fresh[-1]
            simple = self._kinds.is_simple_index(target.slice)
            container = self._visited(target.value)
            if not fresh:
                container = self._guard("$write", target.value, container)
            index = self._visited(target.slice)
            before, owner = self._once(container, target)
            if isinstance(index, ast.Constant):
                more: list[ast.stmt] = []
                at = copies(index)
            else:
                more, at = self._once(index, target, always=True)
            before += more
            if simple:
                read = ast.copy_location(ast.Subscript(owner(), at(), ast.Load()), target)
            else:
                read = self._guard("$item", target, owner(), at())
            store = ast.copy_location(ast.Subscript(owner(), at(), ast.Store()), target)
        else:
            self.error(node, "this cannot be changed in place")
            return node
        value = self._guard(guard, node, read, self._visited(node.value))
        assign = ast.copy_location(ast.Assign([store], value), node)
        return [*before, assign]

    def _once(
        self, value: ast.expr, at: ast.AST, *, always: bool = False
    ) -> tuple[list[ast.stmt], Any]:
        """Give statements that evaluate an expression once, and a maker of reads of it."""
        if isinstance(value, ast.Name) and not always:
            return [], copies(value)
        self._temporaries += 1
        name = f"${self._temporaries}"
        if isinstance(value, ast.Slice) or (
            isinstance(value, ast.Tuple) and any(isinstance(e, ast.Slice) for e in value.elts)
        ):
            # A slice has no value outside a subscript; its parts are read again, which is the
            # same unless they have effects of their own.
            return [], copies(value)
        assign = ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), at)
        ast.fix_missing_locations(assign)
        return [assign], copies(ast.copy_location(ast.Name(name, ast.Load()), at))
