"""The chapter on definitions: functions, parameters, decorators, classes."""

# ruff: noqa: D102, SIM905 - one method a node, named after it; word lists read as words
from __future__ import annotations

import ast
from typing import Final

from sandbox.classes import is_setter, is_slots, is_typed_dict, special_methods
from sandbox.diagnostics import Span
from sandbox.dialect import (
    CLASS_BASES,
    CLASS_METHODS,
    DECORATORS,
    INTERNAL_ATTRIBUTES,
    REFUSED_BUILTINS,
)
from sandbox.scopes import FunctionNode, arguments_of, dotted
from sandbox.validate.shared import Shared, written_names
from sandbox.validate.walk import dunder, listed, statement_word

__all__ = ["Definitions"]

_MAKES_MUTABLE: Final = frozenset({"list", "dict", "set"}) | frozenset(
    f"collections.{name}" for name in ("deque", "defaultdict", "Counter", "OrderedDict")
)
_ARRAY_MAKERS: Final = frozenset(
    "array asarray zeros ones empty full arange linspace eye identity zeros_like ones_like".split()
)


_CALLED: Final = frozenset({"dataclasses.dataclass", "functools.lru_cache", "functools.wraps"})
"""Decorators that may be called with arguments first."""


class Definitions(Shared):
    """Functions and classes."""

    def on_functiondef(self, node: ast.FunctionDef) -> None:
        self.functions += 1
        span = self.places.name_span(node)
        in_class = self.scope.kind == "class"
        if in_class and node.name.startswith("__") and node.name.endswith("__"):
            owner = self.scope.node
            allowed = frozenset(CLASS_METHODS)
            if isinstance(owner, ast.ClassDef):
                allowed = special_methods(owner, self.module.classes, self.path_of)
            if node.name not in allowed:
                offered = listed(name for name in CLASS_METHODS if name in allowed)
                self.say("SBX206", span, name=node.name, offered=offered)
        elif in_class:
            if node.name in INTERNAL_ATTRIBUTES:
                self.say("SBX301", span, name=node.name, advice="choose another name")
        else:
            self.new_name(node.name, span)
        self.decorators(node.decorator_list, of_function=True)
        self.parameters(node, node.args)
        if node.returns is not None:
            self.annotation(node.returns)
        for parameter in getattr(node, "type_params", ()):
            self.visit(parameter)
        self.inside(node, node.body)

    def on_lambda(self, node: ast.Lambda) -> None:
        self.functions += 1
        self.parameters(node, node.args)
        self.inside(node, [node.body])

    def parameters(self, node: FunctionNode, args: ast.arguments) -> None:
        scope = self.module.scope[node]
        outer = self.scope
        self.scope = scope
        for arg in arguments_of(args):
            self.new_name(arg.arg, self.argument_span(arg))
        self.scope = outer
        for arg in arguments_of(args):
            if arg.annotation is not None:
                self.annotation(arg.annotation)
        plain = [*args.posonlyargs, *args.args]
        pairs: list[tuple[ast.arg, ast.expr | None]] = []
        if args.defaults:
            pairs.extend(zip(plain[-len(args.defaults) :], args.defaults, strict=True))
        pairs.extend(zip(args.kwonlyargs, args.kw_defaults, strict=True))
        written: frozenset[str] = frozenset()
        if pairs and isinstance(node, ast.FunctionDef):
            written = written_names(node)
        for arg, default in pairs:
            if default is None:
                continue
            self.visit(default)
            if self.is_mutable(default):
                rule = "SBX210" if arg.arg in written else "SBX614"
                self.say(rule, default, name=arg.arg)

    def argument_span(self, arg: ast.arg) -> Span:
        span = self.places.at(arg)
        return Span(span.line, span.column, span.line, span.column + len(arg.arg))

    def is_mutable(self, node: ast.expr) -> bool:
        if isinstance(
            node, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
        ):
            return True
        if isinstance(node, ast.Call):
            known = dotted(node.func, self.scope)
            return known is not None and (
                known[0] in _MAKES_MUTABLE
                or (known[0].startswith("numpy.") and known[0].split(".")[1] in _ARRAY_MAKERS)
            )
        return False

    def path_of(self, node: ast.expr) -> str | None:
        """Give the table name that an expression stands for."""
        known = dotted(node, self.scope)
        return known[0] if known is not None else None

    def is_own(self, node: ast.Name) -> bool:
        """Whether a name stands for a function, class or value that the program itself made."""
        binding = self.scope.only(node.id)
        return binding is not None and binding.kind in ("function", "class", "param", "value")

    def decorators(self, nodes: list[ast.expr], *, of_function: bool = False) -> None:
        for node in nodes:
            target = node.func if isinstance(node, ast.Call) else node
            known = dotted(target, self.scope)
            name = known[0] if known else ""
            if self.scope.kind == "class" and is_setter(node):
                if self.scope.find(node.value.id) is not self.scope:  # type: ignore[attr-defined]
                    self.say("SBX203", node, name=self.places.text(node), offered="`property`")
                continue
            if of_function and isinstance(target, ast.Name) and self.is_own(target):
                self.visit(node)
                continue
            if name not in DECORATORS or (isinstance(node, ast.Call) and name not in _CALLED):
                shown = self.places.text(target)
                self.say("SBX203", node, name=shown, offered=listed(DECORATORS))
                if name in DECORATORS or known is not None:
                    self.silent.add(target)
            else:
                self.silent.add(target)
            self.visit(node)

    def on_classdef(self, node: ast.ClassDef) -> None:
        span = self.places.name_span(node)
        self.new_name(node.name, span)
        if self.scope is not self.module.root:
            self.say("SBX207", span)
        self.decorators(node.decorator_list)
        for base in node.bases:
            self.base_class(node, base)
        described = is_typed_dict(node, self.path_of)
        if not described and any(self.path_of(item) == "typing.TypedDict" for item in node.bases):
            advice = "keep to names with types: `x: float`, without values or methods"
            self.say("SBX201", span, what="this form of a TypedDict", advice=advice)
        for item in () if described else node.keywords:
            self.say("SBX205", item, name=item.arg or "**")
            self.visit(item.value)
        for parameter in getattr(node, "type_params", ()):
            self.visit(parameter)
        outer = self.scope
        self.scope = self.module.scope[node]
        for statement in node.body:
            self.class_statement(statement)
        self.scope = outer

    def base_class(self, node: ast.ClassDef, base: ast.expr) -> None:
        known = dotted(base, self.scope)
        if isinstance(base, ast.Subscript) and self.path_of(base.value) == "typing.Generic":
            self.annotation(base)
            return
        if known is not None and known[0] in CLASS_BASES:
            self.silent.add(base)
        elif isinstance(base, ast.Name) and base.id in self.module.classes:
            other = self.module.classes[base.id]
            if other.lineno >= node.lineno:
                self.say("SBX204", base, name=base.id, offered=listed(CLASS_BASES))
        elif isinstance(base, ast.Name) and base.id in REFUSED_BUILTINS:
            pass  # said by the name itself
        else:
            shown = self.places.text(base)
            self.say("SBX204", base, name=shown, offered=listed(CLASS_BASES))
            self.silent.add(base)
        self.visit(base)

    def class_statement(self, node: ast.stmt) -> None:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, ast.FunctionDef | ast.Pass):
            self.visit(node)
            return
        if is_slots(node):
            return
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and dunder(target.id):
                    self.say("SBX206", target, name=target.id, offered=listed(CLASS_METHODS))
                    self.silent.add(target)
            if isinstance(node, ast.AnnAssign):
                self.annotation(node.annotation)
                self.all([node.value])
            else:
                self.visit(node.value)
            for target in targets:
                if target not in self.silent:
                    self.visit(target)
            return
        what = f"`{statement_word(node)}` in a class body"
        self.say("SBX201", node, what=what, advice="move it into `__init__`")
        self.visit(node)
