"""Findings about what the program's own functions return, and what their callers make of it.

A function that returns a pair on one path and a number on another is right only for a caller that
never meets the second path. The text shows the kind of a result only where it is written out, so
a call, a field or a name that could hold anything is left alone; what an unpacking does with it is
decided on each row.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sandbox.diagnostics import Finding
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.scopes import arguments_of, walk_own
from sandbox.trees import walk

__all__ = ["result_kinds"]

_MEASURES: Final = frozenset(
    {"countNonZero", "contourArea", "arcLength", "pointPolygonTest", "isContourConvex"}
)
"""Functions of OpenCV that give one number."""
_SCALARS: Final = frozenset({"float", "int", "bool", "abs", "len"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a returned value certainly is.

    Attributes:
        words: For people: ``"a tuple of 2"``.
        length: How many names it can be unpacked into; None where that is not known.
        line: Where it is returned.
    """

    words: str
    length: int | None
    line: int


def result_kinds(tree: ast.Module, places: Places) -> Iterator[Finding]:
    """Compare what each function returns on its paths, and with what callers unpack."""
    functions: dict[str, ast.FunctionDef | None] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            # The name of two functions means neither for certain.
            functions[node.name] = None if node.name in functions else node
    kinds: dict[ast.FunctionDef, tuple[_Kind, ...]] = {}
    for item in walk(tree):
        if isinstance(item, ast.FunctionDef):
            kinds[item] = tuple(_returned(item))
            yield from _compared(item, places)
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
            for method in methods.values():
                yield from _unpacked(method, functions, methods, kinds, places)
        else:
            yield from _unpacked(node, functions, {}, kinds, places)


def _returns(node: ast.FunctionDef) -> Iterator[tuple[ast.Return, ast.expr]]:
    for statement in node.body:
        for item in walk_own(statement):
            if isinstance(item, ast.Return) and item.value is not None:
                yield item, item.value


def _compared(node: ast.FunctionDef, places: Places) -> Iterator[Finding]:
    """Find results whose kind is another than that of the first one."""
    first: tuple[str, ast.expr] | None = None
    for _, value in _returns(node):
        kind = _kind(value)
        if kind is None:
            continue
        if first is None:
            first = (kind, value)
        elif kind != first[0]:
            yield RULES["SBX606"].finding(
                places.at(value),
                name=node.name,
                this=kind,
                that=first[0],
                line=first[1].lineno,
                advice=_like(first[1], value, places),
            )


def _like(first: ast.expr, other: ast.expr, places: Places) -> str:
    """Say how a result becomes of the kind of the first one."""
    shown = places.text(other)
    if shown.endswith("…"):
        shown = "..."
    if isinstance(first, ast.Tuple) and len(first.elts) == 2 and _kind(other) == "a number":
        second = "{}" if _kind(first.elts[1]) == "a dict" else "..."
        return f"write `return {shown}, {second}` here"
    if _kind(first) == "a number" and _kind(other) == "a tuple of 2":
        return "return pairs on both: `return total, parts`"
    return "return the same kind of value on every path"


def _kind(node: ast.expr) -> str | None:
    """Say what kind of value an expression is; None where the text does not show it."""
    if isinstance(node, ast.Tuple) and not any(isinstance(item, ast.Starred) for item in node.elts):
        return f"a tuple of {len(node.elts)}"
    if isinstance(node, ast.Dict | ast.DictComp):
        return "a dict"
    if isinstance(node, ast.List | ast.ListComp):
        return "a list"
    if isinstance(node, ast.JoinedStr):
        return "text"
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return "text"
        return "a number" if isinstance(node.value, int | float) else None
    if isinstance(node, ast.UnaryOp | ast.Compare):
        return "a number"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return "a number" if node.func.id in _SCALARS else None
    return None


def _returned(node: ast.FunctionDef) -> Iterator[_Kind]:
    """Give the results whose length is certain, names that are assigned once looked through."""
    values: dict[str, ast.expr | None] = {arg.arg: None for arg in arguments_of(node.args)}
    for statement in node.body:
        for item in walk_own(statement):
            if isinstance(item, ast.Assign) and len(item.targets) == 1:
                target = item.targets[0]
                if isinstance(target, ast.Name):
                    values[target.id] = None if target.id in values else item.value
                    continue
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
                values.setdefault(item.id, None)
            elif isinstance(item, ast.AugAssign) and isinstance(item.target, ast.Name):
                values[item.target.id] = None
    for item, value in _returns(node):
        shown = value
        if isinstance(value, ast.Name):
            shown = values.get(value.id) or value
        if isinstance(shown, ast.Tuple):
            if not any(isinstance(part, ast.Starred) for part in shown.elts):
                words = f"a tuple of {len(shown.elts)}"
                yield _Kind(words, len(shown.elts), item.lineno)
        elif _is_truth(shown):
            yield _Kind("a truth value", 0, item.lineno)
        elif _is_scalar(shown):
            yield _Kind("a number", 0, item.lineno)


def _is_truth(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, bool)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not)
    if isinstance(node, ast.BoolOp):
        return all(_is_truth(item) for item in node.values)
    if isinstance(node, ast.Compare):
        # Comparing arrays gives an array; comparing with a length or asking for a member does not.
        known = [node.left, *node.comparators]
        plain = (ast.Is, ast.IsNot, ast.In, ast.NotIn)
        return all(isinstance(op, plain) for op in node.ops) or any(map(_is_count, known))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "bool"


def _is_count(node: ast.expr) -> bool:
    """Whether an expression is a length, or a number that OpenCV counted or measured."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id == "len"
    return isinstance(node.func, ast.Attribute) and node.func.attr in _MEASURES


def _is_scalar(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float)
    if isinstance(node, ast.UnaryOp):
        return _is_scalar(node.operand)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id
        in (
            "float",
            "int",
            "len",
        )
    )


def _unpacked(
    root: ast.AST,
    functions: Mapping[str, ast.FunctionDef | None],
    methods: Mapping[str, ast.FunctionDef],
    kinds: Mapping[ast.FunctionDef, tuple[_Kind, ...]],
    places: Places,
) -> Iterator[Finding]:
    """Find assignments that unpack a result into another number of names than it has values."""
    for node in walk(root):
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        called = _called(node.value, functions, methods)
        if called is None:
            continue
        for target in node.targets:
            if not isinstance(target, ast.Tuple | ast.List):
                continue
            if any(isinstance(item, ast.Starred) for item in target.elts):
                continue
            wanted = len(target.elts)
            wrong = next((kind for kind in kinds[called] if kind.length != wanted), None)
            if wrong is not None:
                name = places.text(node.value.func)
                named = [
                    item.id
                    for item in target.elts
                    if isinstance(item, ast.Name) and not item.id.startswith("_")
                ]
                one = named[0] if len(named) == 1 else "result"
                advice = (
                    f"write `{one} = {name}(...)` with one name"
                    if not wrong.length
                    else f"unpack {wrong.length} names, or return {wanted} values on every path"
                )
                yield RULES["SBX646"].finding(
                    places.at(node),
                    name=name,
                    wanted=wanted,
                    what=wrong.words,
                    line=wrong.line,
                    advice=advice,
                )


def _called(
    node: ast.Call,
    functions: Mapping[str, ast.FunctionDef | None],
    methods: Mapping[str, ast.FunctionDef],
) -> ast.FunctionDef | None:
    """Give the program's own function that a call calls, if that is certain."""
    func = node.func
    found: ast.FunctionDef | None = None
    if isinstance(func, ast.Name):
        found = functions.get(func.id)
    elif isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
        found = methods.get(func.attr) if func.value.id == "self" else None
    # A decorator could give back anything.
    plain = found is not None and all(
        isinstance(item, ast.Name) and item.id in {"staticmethod", "classmethod"}
        for item in found.decorator_list
    )
    return found if plain else None
