"""Findings about arrays that are looked for in a list, or kept in a set or as a key.

``pos in visited`` compares an array with each item, which gives arrays that have no truth value;
a set or a dict asks an array for its hash, which it has not. `sandbox.truth` and `sandbox.lint`
know which expressions are arrays; this module knows which names hold lists, sets and dicts.
"""

# ruff: noqa: SIM905 - word lists read as words
from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sandbox.diagnostics import Finding
from sandbox.forms import called_name, key_of
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.trees import walk

__all__ = ["asks_for_member", "containers", "membership_findings"]

_CALLS: Final = {
    **dict.fromkeys("list tuple deque sorted".split(), "a list"),
    **dict.fromkeys("set frozenset".split(), "a set"),
    **dict.fromkeys("dict defaultdict Counter OrderedDict".split(), "a dict"),
}
_BINDING: Final = frozenset(
    {ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.For, ast.comprehension, ast.arg}
)
_DISPLAYS: Final[dict[type[ast.expr], str]] = {
    ast.List: "a list",
    ast.ListComp: "a list",
    ast.Tuple: "a list",
    ast.Set: "a set",
    ast.SetComp: "a set",
    ast.Dict: "a dict",
    ast.DictComp: "a dict",
}


def containers(tree: ast.AST) -> dict[str, str]:
    """Give the names and attributes that hold one kind of container wherever they are assigned.

    Returns:
        ``"a list"`` (tuples too), ``"a set"`` or ``"a dict"`` by ``"x"`` or ``"self.x"``.
    """
    found: dict[str, str] = {}
    other: set[str] = set()
    for item in walk(tree):
        if type(item) not in _BINDING:
            continue
        targets: list[ast.expr] = []
        value: ast.expr | None = None
        if isinstance(item, ast.Assign):
            targets, value = item.targets, item.value
        elif isinstance(item, ast.AnnAssign | ast.NamedExpr):
            targets, value = [item.target], item.value
        elif isinstance(item, ast.For | ast.comprehension):
            targets = [item.target]
        elif isinstance(item, ast.arg):
            other.add(item.arg)
        kind = container_of(value, {}) if value is not None else None
        for target in targets:
            name = key_of(target)
            if kind is not None and name is not None:
                if found.setdefault(name, kind) != kind:
                    other.add(name)
            elif not isinstance(target, ast.Subscript):
                other.update(key for part in walk(target) if (key := key_of(part)) is not None)
    return {name: kind for name, kind in found.items() if name not in other}


def container_of(node: ast.expr, known: Mapping[str, str]) -> str | None:
    """Give the kind of container of an expression; None if it is not known to be one."""
    name = key_of(node)
    if name is not None:
        return known.get(name)
    if isinstance(node, ast.Call):
        return _CALLS.get(called_name(node)) if isinstance(node.func, ast.Name) else None
    return _DISPLAYS.get(type(node))


def asks_for_member(item: ast.AST, known: Mapping[str, str]) -> bool:
    """Whether `membership_findings` may have something to say of a node; quick for most."""
    if isinstance(item, ast.Compare):
        return len(item.ops) == 1 and isinstance(item.ops[0], ast.In | ast.NotIn)
    if isinstance(item, ast.Subscript):
        # A written index is no array.
        is_dict = not isinstance(item.slice, ast.Constant | ast.Slice)
        return is_dict and container_of(item.value, known) == "a dict"
    if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute):
        return item.func.attr == "add" and container_of(item.func.value, known) == "a set"
    return False


def membership_findings(
    item: ast.AST,
    is_array: Callable[[ast.expr], bool],
    known: Mapping[str, str],
    places: Places,
) -> Iterator[Finding]:
    """Judge one node.

    Args:
        item: A node for which `asks_for_member` holds.
        is_array: Whether an expression is an array of several elements for certain.
        known: What `containers` gave.
        places: Of the source.
    """
    if isinstance(item, ast.Compare):
        left, right = item.left, item.comparators[0]
        kind = container_of(right, known)
        if kind == "a list":
            items = right.elts if isinstance(right, ast.List | ast.Tuple) else [left]
            if any(map(is_array, items)) or (items and is_array(left)):
                yield _looked_for(item, left, right, places)
        elif kind is not None and is_array(left):
            yield _hashed(item, left, f"looking for it in {kind}", places)
    elif isinstance(item, ast.Subscript) and is_array(item.slice):
        yield _hashed(item, item.slice, "using it as a key", places)
    elif isinstance(item, ast.Call) and len(item.args) == 1 and is_array(item.args[0]):
        yield _hashed(item, item.args[0], "adding it to a set", places)


def _looked_for(item: ast.Compare, left: ast.expr, right: ast.expr, places: Places) -> Finding:
    one, many = places.text(left), places.text(right)
    if one.endswith("…") or many.endswith("…"):
        one, many = "...", "..."
    advice = f"write `any(np.array_equal({one}, item) for item in {many})`"
    return RULES["SBX612"].finding(places.span(item), name="an `in`", advice=advice)


def _hashed(item: ast.AST, array: ast.expr, access: str, places: Places) -> Finding:
    name = places.text(array)
    shown = "..." if name.endswith("…") else name
    return RULES["SBX625"].finding(
        places.span(item),
        name=name,
        what="an array",
        access=access,
        advice=f"use a tuple: `tuple({shown}.tolist())`",
    )
