"""Functions, lambdas and classes."""

# ruff: noqa: D102, N802 - methods of a visitor are named after the nodes they visit
from __future__ import annotations

import ast

from sandbox.classes import is_setter, is_typed_dict, special_methods
from sandbox.dialect import CLASS_METHODS
from sandbox.instrument.base import Base
from sandbox.instrument.scopes import (
    binders,
    fresh_names,
)

__all__ = ["Definitions"]


class Definitions(Base):
    """Functions, lambdas and classes."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        in_class = self._in_class()
        self.check_name(node, node.name, allow_magic_methods=in_class)
        if in_class and node.name in CLASS_METHODS and node.name not in self._special[-1]:
            self.error(node, f"{node.name!r} of this base class stays as it is")
        node.decorator_list = [
            item if in_class and is_setter(item) else self._visited(item)
            for item in node.decorator_list
        ]
        node.args = self._visited(node.args)
        node.returns = None
        if getattr(node, "type_params", None):
            self.error(node, "type parameters are not part of the dialect")
        own = self._self_of(node) if in_class else None
        self._functions.append(node)
        self._selves.append(own)
        self._stores_self.append(False)
        self._fresh.append(fresh_names(node))
        self._kinds.enter(node)
        body = self._block(node.body)
        self._kinds.leave()
        self._fresh.pop()
        stores = self._stores_self.pop()
        self._selves.pop()
        self._functions.pop()
        entry = self._charge(node)
        if stores and own is not None:
            owner = ast.copy_location(ast.Name(own, ast.Load()), node)
            check = self._guard("$own", node, owner)
            entry.append(ast.copy_location(ast.Expr(check), node))
        node.body = [*entry, *body]
        return node

    def _self_of(self, node: ast.FunctionDef) -> str | None:
        plain = [*node.args.posonlyargs, *node.args.args]
        if not plain or any(
            isinstance(item, ast.Name) and item.id.endswith(("staticmethod", "classmethod"))
            for item in node.decorator_list
        ):
            return None
        name = plain[0].arg
        # Once for the parameter itself.
        return name if binders(node).get(name) == 1 else None

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.args = self._visited(node.args)
        self._functions.append(node)
        self._selves.append(None)
        self._stores_self.append(False)
        self._fresh.append({})
        self._kinds.enter(node)
        body = self._visited(node.body)
        self._kinds.leave()
        self._fresh.pop()
        self._stores_self.pop()
        self._selves.pop()
        self._functions.pop()
        tick = self._guard("$tick", node)
        node.body = ast.copy_location(ast.IfExp(tick, body, ast.Constant(None)), node)
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        every = [*node.posonlyargs, *node.args, *node.kwonlyargs]
        every.extend(arg for arg in (node.vararg, node.kwarg) if arg is not None)
        for arg in every:
            self.check_name(arg, arg.arg)
            arg.annotation = None
        node.defaults = [self._visited(item) for item in node.defaults]
        node.kw_defaults = [
            None if item is None else self._visited(item) for item in node.kw_defaults
        ]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.check_name(node, node.name)
        if is_typed_dict(node, self.program.dotted):
            # A description of dicts: calling it makes one.
            made = ast.Assign([ast.Name(node.name, ast.Store())], self._visited(node.bases[0]))
            return ast.copy_location(made, node)
        if node.keywords or getattr(node, "type_params", None):
            self.error(node, "a class takes no keywords here")
        self._special.append(special_methods(node, self.program.classes, self.program.dotted))
        node.bases = [self._visited(item) for item in node.bases]
        node.decorator_list = [self._visited(item) for item in node.decorator_list]
        self._functions.append(node)
        self._selves.append(None)
        self._stores_self.append(False)
        self._fresh.append({})
        self._kinds.enter(node)
        node.body = self._block(node.body) or [ast.copy_location(ast.Pass(), node)]
        if any(
            isinstance(item, ast.FunctionDef) and item.name == "__getitem__" for item in node.body
        ):
            # NumPy would take its instances for lists of whatever length they say.
            name = ast.copy_location(ast.Name("__array__", ast.Store()), node)
            node.body.append(
                ast.copy_location(ast.Assign([name], self._name("$no_array", node)), node)
            )
        self._kinds.leave()
        self._special.pop()
        self._fresh.pop()
        self._stores_self.pop()
        self._selves.pop()
        self._functions.pop()
        return node
