"""The chapter on recursion: cycles of the call graph, as far as names show it.

A function that reaches itself through a parameter or a container is not seen here; it pays fuel
at each entry and ends as a row's error.
"""

# ruff: noqa: D102 - one method a node, named after it; word lists read as words
from __future__ import annotations

import ast
from functools import cached_property

from sandbox.scopes import Binding
from sandbox.trees import walk
from sandbox.validate.definitions import Definitions

__all__ = ["Recursion"]


class Recursion(Definitions):
    """Who calls whom."""

    def note_call(self, node: ast.Call) -> None:
        """Remember who calls whom, for `recursion`."""
        caller = self.scope.function
        if caller is None:
            return
        target: ast.AST | None = None
        func = node.func
        if isinstance(func, ast.Name):
            scope = self.scope.find(func.id)
            for binding in scope.bound[func.id] if scope else ():
                target = self.function_of(binding)
                if target is not None:
                    self.calls.setdefault(caller.node, []).append((target, node))
            return
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            scope = self.scope.find(func.value.id)
            owner = scope.method_of if scope is not None else None
            named = self.scope.only(func.value.id)
            if named is not None and isinstance(named.node, ast.ClassDef):
                owner = named.node
            for item in owner.body if owner is not None else ():
                if isinstance(item, ast.FunctionDef) and item.name == func.attr:
                    self.calls.setdefault(caller.node, []).append((item, node))

    def function_of(self, binding: Binding) -> ast.AST | None:
        if binding.kind == "function":
            return binding.node
        if isinstance(binding.node, ast.ClassDef):
            for item in binding.node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    return item
        if binding.kind == "value" and isinstance(binding.node, ast.Name):
            return self.lambdas.get(binding.node)
        return None

    @cached_property
    def lambdas(self) -> dict[ast.AST, ast.Lambda]:
        """Names that are assigned a lambda, by the name node."""
        return {
            target: node.value
            for node in walk(self.tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def recursion(self) -> None:
        """Report each cycle of the call graph once, at the call that closes it."""
        done: set[ast.AST] = set()
        for start in list(self.calls):
            if start in done:
                continue
            path: list[ast.AST] = [start]
            edges = [iter(self.calls.get(start, ()))]
            while path:
                step = next(edges[-1], None)
                if step is None:
                    done.add(path.pop())
                    edges.pop()
                    continue
                target, call = step
                if target in path:
                    cycle = path[path.index(target) :]
                    names = [function_name(item) for item in cycle]
                    through = f" through `{'`, `'.join(names[1:])}`" if names[1:] else ""
                    self.say("SBX208", call, name=names[0], path=through)
                elif target not in done:
                    path.append(target)
                    edges.append(iter(self.calls.get(target, ())))


def function_name(node: ast.AST) -> str:
    return node.name if isinstance(node, ast.FunctionDef) else "lambda"
