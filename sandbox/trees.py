"""Walks over syntax trees, without recursion and without the nodes that say nothing.

Like `ast.iter_child_nodes` and `ast.walk`, but about twice as fast: most of the time of a
check goes into walking, and every third node of a tree is a `Load`. Where a tree stands still for
many passes, `remembered` spares all but the first of them the looking for children.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["child_nodes", "remembered", "walk"]

# Fields that never hold nodes, and contexts, which stand in the node itself.
_LEAVES: Final = frozenset(
    {"ctx", "id", "attr", "name", "asname", "module", "level", "kind", "type_comment", "simple"}
    | {"conversion", "is_async", "n", "s", "rest", "kwd_attrs", "tag"}
)
_fields: dict[type[ast.AST], tuple[str, ...]] = {}


_WHOLES: Final = (ast.Module, ast.ClassDef, ast.FunctionDef)
"""What passes walk again and again."""


class _Memory(threading.local):
    """What is known of the trees that stand still now, in this thread."""

    below: dict[ast.AST, list[ast.AST]] | None = None
    orders: dict[ast.AST, list[ast.AST]] | None = None


_memory: Final = _Memory()


@contextmanager
def remembered() -> Iterator[None]:
    """Remember children and walks until the end; no tree that is walked may be changed meanwhile."""
    before = (_memory.below, _memory.orders)
    _memory.below, _memory.orders = {}, {}
    try:
        yield
    finally:
        _memory.below, _memory.orders = before


def child_nodes(node: ast.AST) -> list[ast.AST]:
    """Give the nodes directly below a node in source order, contexts left out.

    The list may be one that others get too: it is not to be changed.
    """
    known = _memory.below
    if known is None:
        return _children(node)
    found = known.get(node)
    if found is None:
        found = known[node] = _children(node)
    return found


def _children(node: ast.AST) -> list[ast.AST]:
    kind = type(node)
    names = _fields.get(kind)
    if names is None:
        kept = tuple(name for name in kind._fields if name not in _LEAVES)
        # ``name`` and ``id`` are text in all nodes, ``value`` of a constant is not a node.
        names = _fields[kind] = () if kind is ast.Constant else kept
    found: list[ast.AST] = []
    for name in names:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found.extend([item for item in value if isinstance(item, ast.AST)])
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Go through a node and all nodes below it, each before those it holds."""
    known = _memory.orders
    if known is None or not isinstance(node, _WHOLES):
        return _walk(node)
    found = known.get(node)
    if found is None:
        found = known[node] = list(_walk(node))
    return iter(found)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    waiting = [node]
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend(reversed(child_nodes(item)))
