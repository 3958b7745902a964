"""What the text of a class shows: which special methods it may have, and what is left as it is.

The validator and the instrumentation ask these questions independently of each other.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Final

from sandbox.dialect import CLASS_METHODS, HOST_CLASS_METHODS

__all__ = ["bases_of", "is_setter", "is_slots", "is_typed_dict", "methods_of", "special_methods"]

Dotted = Callable[[ast.expr], str | None]
_DEEPEST: Final = 64
_MOST_BASES: Final = 256


def special_methods(
    node: ast.ClassDef, classes: Mapping[str, ast.ClassDef], dotted: Dotted
) -> frozenset[str]:
    """Give the special methods that a class may define, by what it derives from.

    Args:
        node: The class.
        classes: Classes of the program by name.
        dotted: Gives the table name that an expression stands for, None where it is no such.
    """
    allowed = frozenset(CLASS_METHODS)
    waiting, seen = [(node, 0)], {node.name}
    while waiting:
        item, depth = waiting.pop()
        for base in item.bases:
            path = dotted(base)
            if path is None and isinstance(base, ast.Name):
                path = base.id
                other = classes.get(base.id)
                if other is not None and base.id not in seen and depth < _DEEPEST:
                    seen.add(base.id)
                    waiting.append((other, depth + 1))
            if path is not None:
                allowed &= HOST_CLASS_METHODS.get(path, allowed)
    return allowed


def bases_of(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """Give the classes of the program that a class derives from, the one that wins first.

    Depth first with the last occurrence kept, which is Python's order in every hierarchy that
    Python can order.

    Args:
        node: The class; not among what is given.
        classes: Classes of the program by name.
    """
    found: list[ast.ClassDef] = []
    waiting = [(node, 0)]
    while waiting and len(found) < _MOST_BASES:
        item, depth = waiting.pop()
        if item is not node:
            found.append(item)
        if depth < _DEEPEST:
            names = [base.id for base in reversed(item.bases) if isinstance(base, ast.Name)]
            waiting.extend((classes[name], depth + 1) for name in names if name in classes)
    last = {item: index for index, item in enumerate(found)}
    return sorted(last, key=lambda item: last[item])


def methods_of(
    node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]
) -> dict[str, ast.FunctionDef]:
    """Give the methods of a class by name: its own, and those it inherits from the program's."""
    found: dict[str, ast.FunctionDef] = {}
    for item in (*reversed(bases_of(node, classes)), node):
        found.update({part.name: part for part in item.body if isinstance(part, ast.FunctionDef)})
    return found


def is_slots(node: ast.stmt) -> bool:
    """Whether a statement is ``__slots__ = ("a", "b")`` with the names written out."""
    if not (isinstance(node, ast.Assign) and len(node.targets) == 1):
        return False
    target, value = node.targets[0], node.value
    if not (isinstance(target, ast.Name) and target.id == "__slots__"):
        return False
    names = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    return all(
        isinstance(item, ast.Constant)
        and isinstance(item.value, str)
        and item.value.isidentifier()
        and not item.value.startswith("__")
        for item in names
    )


def is_setter(node: ast.expr) -> bool:
    """Whether a decorator is ``name.setter``; Python itself asks whether ``name`` is a property."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "setter"
        and isinstance(node.value, ast.Name)
    )


def is_typed_dict(node: ast.ClassDef, dotted: Dotted) -> bool:
    """Whether a class only describes the keys of a dict."""
    return (
        len(node.bases) == 1
        and dotted(node.bases[0]) == "typing.TypedDict"
        and not node.decorator_list
        and all(
            item.arg == "total" and isinstance(item.value, ast.Constant) for item in node.keywords
        )
        and all(
            isinstance(item, ast.Pass)
            or (isinstance(item, ast.AnnAssign) and item.value is None)
            or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
            for item in node.body
        )
    )
