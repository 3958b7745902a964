"""Names, attributes and items that are read, and displays of sets and dicts."""

# ruff: noqa: D102, N802 - methods of a visitor are named after the nodes they visit
from __future__ import annotations

import ast
import builtins

from sandbox.dialect import BUILTINS, CLASS_METHODS
from sandbox.guards import GUEST_MODULE
from sandbox.instrument.base import Base
from sandbox.predeclared.methods import is_direct

__all__ = ["Names"]


class Names(Base):
    """Names, attributes and items that are read, and displays of sets and dicts."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == "__name__" and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Constant(GUEST_MODULE), node)
        self.check_name(node, node.id)
        if not isinstance(node.ctx, ast.Load):
            return node
        if node in self.program.nowhere:
            return self._undefined(node)
        path = self.program.path_of(node.id)
        if path is not None:
            return self._member(path, node)
        if node.id not in self.program.bound:
            if node.id not in BUILTINS:
                return self._undefined(node)
            if node.id in ("hasattr", "getattr", "super"):
                self.error(node, f"the name {node.id!r} is not defined")
                return node
            self.names.add(node.id)
        return node

    def _undefined(self, node: ast.Name) -> ast.expr:
        """Raise NameError in the place of a name, without looking it up anywhere."""
        name = node.id
        if hasattr(builtins, name) or (name != "_" and name[0] == "_" == name[-1]):
            self.error(node, f"the name {name!r} is not defined")
            return node
        return self._guard("$undefined", node, ast.copy_location(ast.Constant(name), node))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        name = node.attr
        if isinstance(node.value, ast.Call) and self._is_super(node.value):
            return self._inherited(node, node.value)
        named = self._named_type(node)
        if named is not None:
            return self._guard("$typename", node, self._visited(named))
        self.check_name(node, name)
        if self._is_never(node) and isinstance(node.ctx, ast.Load):
            return self._visited(node.value)  # type: ignore[no-any-return]
        path = self._function_member(node) or self.program.dotted(node)
        if path is not None:
            if not isinstance(node.ctx, ast.Load):
                self.error(node, f"`{path}` cannot be set")
                return node
            return self._member(path, node)
        if not isinstance(node.ctx, ast.Load):
            node.value = self._owner(node.value)
            return node
        if not self._known(name):
            self.error(node, f"attribute `{name}` is not readable")
            return node
        direct = is_direct(name) and not self._maybe_module(node.value)
        value = self._visited(node.value)
        if direct:
            node.value = value
            return node
        return self._guard(f"$read {name}", node, value)

    def _named_type(self, node: ast.Attribute) -> ast.expr | None:
        """Give ``x`` for ``type(x).__name__`` and ``x.__class__.__name__``."""
        inner = node.value
        if node.attr != "__name__" or not isinstance(node.ctx, ast.Load):
            return None
        if isinstance(inner, ast.Attribute) and inner.attr == "__class__":
            return inner.value
        if not (isinstance(inner, ast.Call) and self._is_type(inner)):
            return None
        plain = len(inner.args) == 1 and not inner.keywords
        return inner.args[0] if plain and not isinstance(inner.args[0], ast.Starred) else None

    def _inherited(self, node: ast.Attribute, call: ast.Call) -> ast.expr:
        """Rewrite ``super().name``, which must stand in the method itself."""
        method = self._functions[-1] if self._functions else None
        first = None
        if isinstance(method, ast.FunctionDef) and len(self._functions) > 1:
            plain = [*method.args.posonlyargs, *method.args.args]
            first = plain[0].arg if plain else None
        if first is None or not isinstance(self._functions[-2], ast.ClassDef):
            self.error(call, "`super()` stands directly in a method")
            return node
        if node.attr not in CLASS_METHODS:
            self.check_name(node, node.attr)
        if not isinstance(node.ctx, ast.Load) or call.keywords or len(call.args) not in (0, 2):
            self.error(node, "only `super().name` is part of the dialect")
            return node
        # The compiler gives a method that reads `__class__` the cell that `super` would use.
        given = [self._visited(arg) for arg in call.args] or [
            ast.copy_location(ast.Name("__class__", ast.Load()), call),
            ast.copy_location(ast.Name(first, ast.Load()), call),
        ]
        return self._guard(f"$super {node.attr}", node, *given)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        simple = self._kinds.is_simple_index(node.slice)
        fresh = isinstance(node.value, ast.Name) and node.value.id in self._fresh[-1]
        value = self._visited(node.value)
        index = self._visited(node.slice)
        if isinstance(node.ctx, ast.Load):
            if simple or fresh:
                if fresh and not simple:
                    index = self._key(node.slice, index)
                node.value, node.slice = value, index
                is_slice = isinstance(index, ast.Slice)
                return self._guard("$cut", node, node) if is_slice else node
            return self._guard("$item", node, value, index)
        if isinstance(node.ctx, ast.Del) or not self._kinds.is_place(node.slice):
            node.value = self._guard("$edit", node.value, value)
        else:
            node.value = value if fresh else self._guard("$write", node.value, value)
        if simple:
            node.slice = index
        elif fresh or self._in_class() or self._kinds.is_number(node.slice):
            node.slice = self._key(node.slice, index)
        else:
            # How much a store writes depends on the container and the index together.
            self._temporaries += 1
            name = f"${self._temporaries}"
            node.value = ast.copy_location(
                ast.NamedExpr(ast.Name(name, ast.Store()), node.value), node.value
            )
            ast.fix_missing_locations(node.value)
            container = ast.copy_location(ast.Name(name, ast.Load()), node.value)
            node.slice = self._guard("$spot", node.slice, container, index)
        return node

    def visit_Set(self, node: ast.Set) -> ast.expr:
        node.elts = [
            self._visited(item)
            if isinstance(item, ast.Starred)
            else self._key(item, self._visited(item))
            for item in node.elts
        ]
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        node.keys = [
            key if key is None else self._key(key, self._visited(key)) for key in node.keys
        ]
        values = [self._visited(value) for value in node.values]
        node.values = [
            value if key is not None else self._guard("$merged", value, value)
            for key, value in zip(node.keys, values, strict=True)
        ]
        return node
