"""Which parts of its arguments a function can read, so that the others need not be handed over.

A parameter's *reads* are the constant keys it is ever subscripted with, directly or in functions
of the program that it is passed on to; None means "anything". The answer may only err towards
None: wherever a parameter is stored, compared, returned, iterated, rebound or passed to something
unknown, all of it counts as read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeAlias

from sandbox.trees import child_nodes, walk

__all__ = ["Reads", "ReadsOf"]

Reads: TypeAlias = tuple[str, ...] | None


class ReadsOf:
    """The reads of all functions and methods of one validated tree.

    Args:
        tree: What `sandbox.validate.validate` gave back.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._functions = {
            node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)
        }
        self._bound_twice = _stored_names(tree)
        self._known: dict[tuple[int, str], frozenset[str] | None] = {}
        self._asked: set[tuple[int, str]] = set()

    def of(self, function: ast.FunctionDef, owner: ast.ClassDef | None = None) -> dict[str, Reads]:
        """Give the reads of each plain parameter of a function.

        Args:
            function: A function of the tree.
            owner: The class whose method it is; None for a top-level function.
        """
        found: dict[str, Reads] = {}
        for argument in _plain(function):
            keys = self._reads(function, argument, owner)
            found[argument] = None if keys is None else tuple(sorted(keys))
        return found

    def _reads(
        self, function: ast.FunctionDef, name: str, owner: ast.ClassDef | None
    ) -> frozenset[str] | None:
        place = (id(function), name)
        if place in self._known:
            return self._known[place]
        if place in self._asked:  # a cycle, which the validator refuses anyway
            return None
        self._asked.add(place)
        found = self._look(function, name, owner)
        self._known[place] = found
        return found

    def _look(
        self, function: ast.FunctionDef, name: str, owner: ast.ClassDef | None
    ) -> frozenset[str] | None:
        keys: set[str] = set()
        for parent, node in _pairs(function.body):
            if _rebinds(node, name):
                return None
            if not (isinstance(node, ast.Name) and node.id == name):
                continue
            if isinstance(parent, ast.Subscript) and parent.value is node:
                index = parent.slice
                if (
                    isinstance(parent.ctx, ast.Load)
                    and isinstance(index, ast.Constant)
                    and isinstance(index.value, str)
                ):
                    keys.add(index.value)
                    continue
                return None
            below = self._passed_on(parent, node, owner)
            if below is None:
                return None
            keys |= below
        return frozenset(keys)

    def _passed_on(
        self, parent: ast.AST, node: ast.Name, owner: ast.ClassDef | None
    ) -> frozenset[str] | None:
        """Give the reads of a function of the program that the parameter is passed to by position."""
        if not isinstance(parent, ast.Call) or any(
            isinstance(item, ast.Starred) for item in parent.args
        ):
            return None
        callee = self._callee(parent.func, owner)
        if callee is None:
            return None
        function, of_class, skip = callee
        names = _plain(function)[skip:]
        for index, item in enumerate(parent.args):
            if item is node:
                return self._reads(function, names[index], of_class) if index < len(names) else None
        return None

    def _callee(
        self, called: ast.expr, owner: ast.ClassDef | None
    ) -> tuple[ast.FunctionDef, ast.ClassDef | None, int] | None:
        """Give the function that an expression names, its class, and how many arguments it adds."""
        if isinstance(called, ast.Name):
            function = self._functions.get(called.id)
            if function is None or called.id in self._bound_twice or function.decorator_list:
                return None
            return function, None, 0
        if (
            owner is None
            or owner.bases
            or not isinstance(called, ast.Attribute)
            or not (isinstance(called.value, ast.Name) and called.value.id == "self")
        ):
            return None
        methods = [
            item
            for item in owner.body
            if isinstance(item, ast.FunctionDef) and item.name == called.attr
        ]
        if len(methods) != 1 or called.attr in _attributes_stored(owner):
            return None
        decorators = [item.id for item in methods[0].decorator_list if isinstance(item, ast.Name)]
        if len(decorators) != len(methods[0].decorator_list) or decorators not in (
            [],
            ["staticmethod"],
        ):
            return None
        return methods[0], owner, 0 if decorators else 1


def _plain(function: ast.FunctionDef) -> list[str]:
    return [item.arg for item in (*function.args.posonlyargs, *function.args.args)]


def _pairs(body: list[ast.stmt]) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Go through all nodes of a body, each with the node that holds it."""
    root = ast.Module(body=body, type_ignores=[])
    for parent in walk(root):
        for child in child_nodes(parent):
            yield parent, child


def _rebinds(node: ast.AST, name: str) -> bool:
    """Whether a node gives the name another meaning, in this scope or in one inside."""
    match node:
        case ast.Name(id=found, ctx=ast.Store() | ast.Del()):
            return found == name
        case ast.arg(arg=found):
            return found == name
        case ast.FunctionDef(name=found) | ast.ClassDef(name=found):
            return found == name
        case ast.ExceptHandler(name=found) | ast.MatchAs(name=found) | ast.MatchStar(name=found):
            return found == name
        case ast.Nonlocal(names=names) | ast.Global(names=names):
            return name in names
        case ast.alias(name=found, asname=other):
            return (other or found) == name
    return False


def _stored_names(tree: ast.Module) -> set[str]:
    """Names that mean something besides a top-level function somewhere."""
    found: set[str] = set()
    defined: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            if node.name in defined:
                found.add(node.name)
            defined.add(node.name)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
    return found


def _attributes_stored(owner: ast.ClassDef) -> set[str]:
    return {
        node.attr
        for node in walk(owner)
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
    }
