"""Statements, imports, patterns and texts."""

# ruff: noqa: D102, N802, N815 - methods of a visitor are named after the nodes they visit
from __future__ import annotations

import ast
from typing import Any

from sandbox.classes import is_slots
from sandbox.dialect import MODULES
from sandbox.instrument.base import Base
from sandbox.instrument.scopes import (
    own_nodes,
    taken_apart,
    takes_rest,
)
from sandbox.predeclared.methods import is_direct

__all__ = ["Statements"]


class Statements(Base):
    """Statements, imports, patterns and texts."""

    # Operators themselves have no content.
    def _same(self, node: ast.AST) -> ast.AST:
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        self.error(node, "`global` would carry values from one row to another")
        return node

    visit_Nonlocal = _same
    visit_MatchSingleton = _same

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self._kinds.enter(node)
        node.body = self._block(node.body)
        self._kinds.leave()
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant):
            return None if len(self._functions) == 0 else ast.copy_location(ast.Pass(), node)
        node.value = self._visited(node.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if self._in_class() and is_slots(node):
            return node
        value = self._visited(node.value)
        levels = max(map(taken_apart, node.targets))
        several = any(self._is_several(target) for target in node.targets)
        if self.program.sets and (levels or several) and not isinstance(value, ast.Constant):
            value = self._guard("$ordered", node.value, value, ast.Constant(max(levels, 1)))
        if any(takes_rest(target) for target in node.targets):
            value = self._guard("$star", node.value, value)
        node.value = ast.fix_missing_locations(value)
        node.targets = [self._visited(target) for target in node.targets]
        return node

    def _is_several(self, target: ast.expr) -> bool:
        """Whether a target is a slice, which takes the items of what is stored."""
        return isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        value = None if node.value is None else self._visited(node.value)
        in_class = self._in_class()
        if isinstance(node.target, ast.Name) and (in_class or value is None):
            if "ClassVar" in ast.dump(node.annotation) and value is not None:
                return ast.copy_location(ast.Assign([node.target], value), node)
            self.check_name(node.target, node.target.id)
            if not self._functions:
                return None
            # Data classes need the field; nobody reads its type.
            node.annotation = ast.copy_location(ast.Constant(None), node.annotation)
            node.value = value
            return node
        if value is None:
            return ast.copy_location(ast.Pass(), node)
        target = self._visited(node.target)
        return ast.copy_location(ast.Assign([target], value), node)

    def visit_Import(self, node: ast.Import) -> Any:
        made: list[ast.stmt] = []
        for alias in node.names:
            top = alias.name.partition(".")[0]
            path = alias.name if alias.asname else top
            name = alias.asname or top
            self.check_name(node, name)
            if alias.name not in MODULES:
                self.error(node, f"there is no module {alias.name!r} here")
            elif self.program.path_of(name) is None:
                value = self._name(f"$module {path}", node)
                made.append(
                    ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), node)
                )
        return made or ast.copy_location(ast.Pass(), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        made: list[ast.stmt] = []
        for alias in node.names:
            name = alias.asname or alias.name
            self.check_name(node, name)
            path = f"{node.module}.{alias.name}"
            if node.level or alias.name == "*":
                self.error(node, "this form of import is not part of the dialect")
                continue
            if node.module == "__future__":
                continue
            value = self._member(path, ast.copy_location(ast.Name(name, ast.Load()), node))
            if self.program.path_of(name) is None:
                made.append(
                    ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), node)
                )
        return made or ast.copy_location(ast.Pass(), node)

    def visit_With(self, node: ast.With) -> ast.AST:
        for item in node.items:
            call = item.context_expr
            known = isinstance(call, ast.Call) and self.program.dotted(call.func) == (
                "numpy.errstate"
            )
            if not known or item.optional_vars is not None:
                self.error(node, "only `with np.errstate(...)` is part of the dialect")
                return node
            item.context_expr = self._visited(call)
        node.body = self._block(node.body)
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        if node.finalbody and any(
            isinstance(inner, ast.Yield | ast.YieldFrom) for inner in own_nodes(node)
        ):
            # It would run when the generator is given up, on whatever row that happens.
            self.error(node, "`finally` cannot stand around `yield`")
        for item in node.finalbody:
            for inner in own_nodes(item):
                if isinstance(inner, ast.Return | ast.Break | ast.Continue):
                    # It would swallow the runtime's stop.
                    self.error(inner, "`finally` cannot return, break or continue")
        node.body = self._block(node.body)
        node.handlers = [self._visited(item) for item in node.handlers]
        if node.handlers:
            # How deep the stack is and how much memory there is, is the host's: a guest that went
            # on after such an error would compute with what it learnt.
            again = ast.ExceptHandler(self._name("$exhausted", node), None, [ast.Raise()])
            node.handlers.insert(0, ast.copy_location(again, node))
        node.orelse = self._block(node.orelse)
        node.finalbody = self._block(node.finalbody)
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        if node.value is not None:
            node.value = self._visited(node.value)
        return node

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        node.value = self._guard("$iter", node.value, self._visited(node.value))
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.check_name(node, node.name)
        if node.type is None:
            node.type = self._name("$real Exception", node)
        else:
            node.type = self._visited(node.type)
        node.body = self._block(node.body)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test = self._visited(node.test)
        node.body = self._block(node.body)
        node.orelse = self._block(node.orelse)
        return node

    def visit_Delete(self, node: ast.Delete) -> ast.AST:
        node.targets = [self._visited(target) for target in node.targets]
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        values: list[ast.expr] = []
        for item in node.values:
            if isinstance(item, ast.FormattedValue):
                values.append(self._formatted(item))
            else:
                values.append(item)
        node.values = values
        return self._guard("$joined", node, node) if len(values) > 8 else node

    def _formatted(self, node: ast.FormattedValue) -> ast.FormattedValue:
        value = self._visited(node.value)
        spec = node.format_spec
        conversion = "" if node.conversion < 0 else chr(node.conversion)
        if spec is None and not conversion:
            text = self._guard("$text", node.value, value)
        else:
            given = (
                ast.copy_location(ast.Constant(""), node.value)
                if spec is None
                else (self._visited(spec))
            )
            text = self._guard(
                "$format",
                node.value,
                value,
                given,
                ast.copy_location(ast.Constant(conversion), node.value),
            )
        return ast.copy_location(ast.FormattedValue(text, -1, None), node)

    def visit_Match(self, node: ast.Match) -> ast.AST:
        node.subject = self._visited(node.subject)
        for case in node.cases:
            self._pattern(case.pattern)
            if case.guard is not None:
                case.guard = self._visited(case.guard)
            case.body = self._block(case.body)
        return node

    def _pattern(self, node: ast.pattern) -> None:
        if isinstance(node, ast.MatchValue):
            value = node.value
            if isinstance(value, ast.Attribute):
                known = isinstance(value.value, ast.Name) and self.program.dotted(value) is None
                known = known and value.value not in self.program.nowhere
                if not (known and self._known(value.attr) and is_direct(value.attr)):
                    self.error(
                        node, "a pattern compares with constants and the program's own names"
                    )
            elif not isinstance(value, ast.Constant | ast.UnaryOp | ast.BinOp):
                self.error(node, "a pattern compares with constants")
        elif isinstance(node, ast.MatchSequence | ast.MatchOr):
            for item in node.patterns:
                self._pattern(item)
        elif isinstance(node, ast.MatchAs):
            self.check_name(node, node.name)
            if node.pattern is not None:
                self._pattern(node.pattern)
        elif isinstance(node, ast.MatchStar):
            self.check_name(node, node.name)
        elif not isinstance(node, ast.MatchSingleton):
            self.error(node, f"{type(node).__name__} is not part of the dialect")
