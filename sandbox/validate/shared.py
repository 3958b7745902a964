"""The chapter on state: what a function writes into must not outlive the row it runs for.

Only what the text shows is refused here. A write through another name for the same value is
refused when it happens, by the guards of the interpreted tier.
"""

# ruff: noqa: D102 - one method a node, named after it; word lists read as words
from __future__ import annotations

import ast
from typing import Final

from sandbox.dialect import WRITING_METHODS
from sandbox.trees import walk
from sandbox.validate.names import Names
from sandbox.validate.walk import last

__all__ = ["WRITERS", "Shared", "written_names"]

WRITERS: Final = WRITING_METHODS


class Shared(Names):
    """Writes that all rows would see."""

    def shared(self, node: ast.expr) -> tuple[str, str] | None:
        """Give name and owner of a value that all rows share, if ``node`` shows one."""
        while isinstance(node, ast.Subscript):
            node = node.value
        if self.scope.function is None:
            return None
        if isinstance(node, ast.Name):
            scope = self.scope.find(node.id)
            if scope is self.module.root:
                kinds = {binding.kind for binding in scope.bound[node.id]}
                if kinds == {"value"}:
                    return node.id, "module"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = self.class_value(node.value.id, node.attr)
            if owner is not None:
                return f"{node.value.id}.{node.attr}", f"class `{owner.name}`"
        return None

    def class_value(self, base: str, attribute: str) -> ast.ClassDef | None:
        """Give the class whose body holds ``base.attribute``, unless instances set their own."""
        binding = self.scope.only(base)
        owner: ast.ClassDef | None = None
        if binding is not None and isinstance(binding.node, ast.ClassDef):
            owner = binding.node
        else:
            scope = self.scope.find(base)
            if scope is not None and scope.method_of is not None and binding is not None:
                first = scope.node.args if isinstance(scope.node, ast.FunctionDef) else None
                names = [*first.posonlyargs, *first.args][:1] if first else []
                if names and names[0].arg == base:
                    owner = scope.method_of
                    if attribute in self.own_attributes(owner):
                        return None
        if owner is None:
            return None
        is_field = any(last(item) == "dataclass" for item in owner.decorator_list)
        for item in owner.body:
            if isinstance(item, ast.Assign):
                names_set = [target.id for target in item.targets if isinstance(target, ast.Name)]
                if attribute in names_set:
                    return owner
            elif (
                isinstance(item, ast.AnnAssign)
                and isinstance(item.target, ast.Name)
                and item.target.id == attribute
                and item.value is not None
                and not is_field
            ):
                return owner
        return None

    def own_attributes(self, node: ast.ClassDef) -> frozenset[str]:
        """Give what instances of a class set themselves; worked out once for each class."""
        if node not in self.set_by_class:
            self.set_by_class[node] = _set_on_instances(node)
        return self.set_by_class[node]

    def on_subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            shared = self.shared(node.value)
            if shared is not None:
                self.say("SBX209", node, name=shared[0], owner=shared[1])
        self.children(node)


def _set_on_instances(node: ast.ClassDef) -> frozenset[str]:
    """Give the attributes that methods assign through their first parameter."""
    found: set[str] = set()
    for method in node.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        first = [*method.args.posonlyargs, *method.args.args][:1]
        # `self.x += 1` also reads, so it does not make `x` the instance's own from the start.
        augmented = {id(item.target) for item in walk(method) if isinstance(item, ast.AugAssign)}
        for item in walk(method):
            if (
                isinstance(item, ast.Attribute)
                and isinstance(item.ctx, ast.Store)
                and isinstance(item.value, ast.Name)
                and first
                and item.value.id == first[0].arg
                and id(item) not in augmented
            ):
                found.add(item.attr)
    return frozenset(found)


def written_names(function: ast.FunctionDef) -> frozenset[str]:
    """Give the names whose values a function writes into: ``x[0] = 1``, ``x.append(1)``."""
    found: set[str] = set()
    for item in walk(function):
        base: ast.expr | None = None
        if isinstance(item, ast.Subscript) and not isinstance(item.ctx, ast.Load):
            base = item.value
            while isinstance(base, ast.Subscript):
                base = base.value
        elif isinstance(item, ast.AugAssign):
            base = item.target
        elif (
            isinstance(item, ast.Call)
            and isinstance(item.func, ast.Attribute)
            and item.func.attr in WRITERS
        ):
            base = item.func.value
        if isinstance(base, ast.Name):
            found.add(base.id)
    return frozenset(found)
