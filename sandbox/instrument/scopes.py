"""What one function says about its names, and copies of parts of a tree."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

from sandbox.dialect import BUILTINS
from sandbox.instrument.facts import LENGTHENING
from sandbox.predeclared.methods import is_direct

__all__ = [
    "binders",
    "copies",
    "fresh_names",
    "may_lengthen",
    "own_nodes",
    "taken_apart",
    "takes_rest",
]


def copies(node: ast.expr) -> Any:
    """Make a maker of fresh copies, as one node must not stand at two places of a tree."""
    return lambda: copy.deepcopy(node)


def taken_apart(target: ast.expr) -> int:
    """Give how many levels of a value a target takes apart; 0 for a single name or place."""
    if isinstance(target, ast.Starred):
        return taken_apart(target.value)
    if not isinstance(target, ast.Tuple | ast.List):
        return 0
    return 1 + max(map(taken_apart, target.elts), default=0)


def takes_rest(target: ast.expr) -> bool:
    """Whether a target has a starred name, which takes what the others leave."""
    return isinstance(target, ast.Tuple | ast.List) and any(
        isinstance(item, ast.Starred) or takes_rest(item) for item in target.elts
    )


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Go through a statement without what is inside functions defined in it."""
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend(
            child
            for child in ast.iter_child_nodes(item)
            if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef)
        )


def may_lengthen(body: list[ast.stmt]) -> bool:
    """Whether the body of a loop could lengthen a list: by itself or in a function it calls."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.AugAssign):
                return True
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Attribute):
                    if node.func.attr in LENGTHENING:
                        return True
                    if is_direct(node.func.attr):  # a method of the program's own
                        return True
                elif not (isinstance(node.func, ast.Name) and node.func.id in BUILTINS):
                    return True
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.ctx, ast.Store)
                and isinstance(node.slice, ast.Slice)
            ):
                return True
    return False


def fresh_names(node: ast.FunctionDef) -> dict[str, str]:
    """Find local names that only ever hold a list, dict or set made in this very call."""
    found: dict[str, str] = {}
    spoiled: set[str] = {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
    own = list(own_nodes(node))
    simple: set[int] = set()
    for item in own:
        if isinstance(item, ast.Assign | ast.AnnAssign) and item.value is not None:
            targets = item.targets if isinstance(item, ast.Assign) else [item.target]
            kind = _display_kind(item.value)
            for target in targets:
                if isinstance(target, ast.Name):
                    simple.add(id(target))
                    if kind is None or found.get(target.id, kind) != kind:
                        spoiled.add(target.id)
                    else:
                        found[target.id] = kind
    every = binders(node)
    plain: dict[str, int] = {}
    for item in own:
        if isinstance(item, ast.Name) and id(item) in simple:
            plain[item.id] = plain.get(item.id, 0) + 1
    return {
        name: kind
        for name, kind in found.items()
        if name not in spoiled and every.get(name) == plain.get(name)
    }


def binders(node: ast.FunctionDef) -> dict[str, int]:
    """Count all ways in which names are bound in a function and in those inside it.

    Inner functions count as well: a name they bind is mostly another one, but taking it for the
    same only costs a guard.
    """
    counts: dict[str, int] = {}

    def note(name: str | None) -> None:
        if name is not None:
            counts[name] = counts.get(name, 0) + 1

    for item in ast.walk(node):
        if isinstance(item, ast.Name):
            if not isinstance(item.ctx, ast.Load):
                note(item.id)
        elif isinstance(item, ast.arg):
            note(item.arg)
        elif isinstance(item, ast.FunctionDef | ast.ClassDef):
            if item is not node:
                note(item.name)
        elif isinstance(item, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            note(item.name)
        elif isinstance(item, ast.MatchMapping):
            note(item.rest)
        elif isinstance(item, ast.Import | ast.ImportFrom):
            for alias in item.names:
                note(alias.asname or alias.name.partition(".")[0])
        elif isinstance(item, ast.Nonlocal):
            for name in item.names:
                note(name)
    return counts


def _display_kind(value: ast.expr) -> str | None:
    if isinstance(value, ast.List | ast.ListComp):
        return "list"
    if isinstance(value, ast.Dict | ast.DictComp):
        return "dict"
    if isinstance(value, ast.Set | ast.SetComp):
        return "set"
    return None
