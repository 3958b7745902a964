"""Findings about arrays whose truth value is asked for, where the text alone shows the array.

``if mask:`` on an array of several elements raises ValueError. `sandbox.lint` knows which inputs
are arrays once it is known what the inputs are; this pass needs no plan. It goes by what makes a
value, such as ``np.zeros((7, 7))``, and by how it is used elsewhere in the same class or function:
what is indexed as ``x[:, 0]`` is an array wherever it came from.
"""

# ruff: noqa: SIM905 - word lists read as words
from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from sandbox.diagnostics import Finding
from sandbox.membership import asks_for_member, containers, membership_findings
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.trees import walk

__all__ = ["COMPARISONS", "TESTING", "last_of", "truth_finding", "truth_findings"]

TESTING: Final = {
    "If": "an `if`",
    "IfExp": "an `if`",
    "While": "a `while`",
    "Assert": "an `assert`",
    "and": "an `and`",
    "or": "an `or`",
}
"""What asks for a truth value, in words."""

_MAKERS: Final = frozenset("zeros ones empty full arange linspace eye identity argwhere".split())
_PICTURES: Final = frozenset(
    "imread cvtColor inRange absdiff bitwise_and resize morphologyEx GaussianBlur".split()
)
_KEEPS: Final = frozenset("copy astype reshape".split())
COMPARISONS: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
"""Operators that compare arrays element by element."""
_DEPTH: Final = 4
_MOST: Final = 8
_MODULES: Final = frozenset({"np", "numpy", "cv2"})


def truth_findings(tree: ast.Module, places: Places) -> Iterator[Finding]:
    """Judge the tests of every function of a tree; methods of a class are looked at together."""
    known = containers(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from _Truth(node, places, known).run()


class _Truth:
    """The names and attributes of one function or class, and which of them are arrays.

    A name counts as an array if the walk saw nothing else given to it, None aside. Names are told
    apart by the method they stand in, attributes are those of the whole class.
    """

    def __init__(
        self, root: ast.FunctionDef | ast.ClassDef, places: Places, containers: Mapping[str, str]
    ) -> None:
        self.places = places
        self.containers = containers
        self.tests: list[tuple[str, ast.expr, str]] = []
        self.looked: list[tuple[ast.AST, str]] = []
        self.sliced: set[str] = set()
        self.given: dict[str, list[tuple[ast.expr, str]]] = {}
        self.other: set[str] = set()
        self.known: dict[int, bool] = {}
        for part in root.body if isinstance(root, ast.ClassDef) else [root]:
            where = part.name if isinstance(part, ast.FunctionDef) else ""
            for item in walk(part):
                self.note(item, where)

    def note(self, item: ast.AST, where: str) -> None:
        if asks_for_member(item, self.containers):
            self.looked.append((item, where))
        if isinstance(item, ast.If | ast.While | ast.IfExp | ast.Assert):
            self.tests.append((TESTING[type(item).__name__], last_of(item.test), where))
        elif isinstance(item, ast.BoolOp):
            word = TESTING["and" if isinstance(item.op, ast.And) else "or"]
            # The last one is the result, and no truth value of it is asked for.
            self.tests.extend((word, part, where) for part in item.values[:-1])
        elif isinstance(item, ast.Subscript):
            index = item.slice
            if isinstance(index, ast.Tuple) and any(
                isinstance(part, ast.Slice) for part in index.elts
            ):
                self.sliced.add(_key(item.value, where))
        elif isinstance(item, ast.Assign):
            for target in item.targets:
                self.give(target, item.value, where)
        elif isinstance(item, ast.AnnAssign | ast.NamedExpr) and item.value is not None:
            self.give(item.target, item.value, where)
        elif isinstance(item, ast.For | ast.comprehension):
            self.other.update(_key(part, where) for part in walk(item.target))
        elif isinstance(item, ast.arg):
            self.other.add(f"{where}:{item.arg}")

    def give(self, target: ast.expr, value: ast.expr, where: str) -> None:
        name = _key(target, where)
        if name:
            self.given.setdefault(name, []).append((value, where))
        else:
            self.other.update(_key(part, where) for part in walk(target))

    def run(self) -> Iterator[Finding]:
        for item, where in self.looked:
            yield from membership_findings(
                item,
                lambda node, where=where: self.is_array(node, where, 0),  # type: ignore[misc]
                self.containers,
                self.places,
            )
        for word, tested, where in self.tests:
            test = tested
            while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                test = test.operand
            if self.is_array(test, where, 0):
                yield truth_finding(test, word, self.places)

    def is_array(self, node: ast.expr, where: str, depth: int) -> bool:
        """Whether an expression is an array of several elements, as far as the text shows."""
        if depth > _DEPTH:
            return False
        if id(node) not in self.known:
            self.known[id(node)] = self.shows_array(node, where, depth)
        return self.known[id(node)]

    def shows_array(self, node: ast.expr, where: str, depth: int) -> bool:
        name = _key(node, where)
        if name:
            if name in self.other:
                return False
            values = [pair for pair in self.given.get(name, ())[:_MOST] if not _is_none(pair[0])]
            made = bool(values) and all(self.is_array(*pair, depth + 1) for pair in values)
            stored = bool(values) or ":" not in name
            return made or (name in self.sliced and stored)
        if isinstance(node, ast.Call):
            return self.makes_array(node, where, depth)
        if isinstance(node, ast.Compare):
            # Chains ask for the truth value of their first part; that one is told as it is.
            return isinstance(node.ops[0], COMPARISONS) and any(
                self.is_array(side, where, depth + 1) for side in (node.left, node.comparators[0])
            )
        if isinstance(node, ast.BinOp):
            sides = (node.left, node.right)
            return any(self.is_array(side, where, depth + 1) for side in sides)
        return False

    def makes_array(self, node: ast.Call, where: str, depth: int) -> bool:
        func = node.func
        if not isinstance(func, ast.Attribute):
            return False
        if isinstance(func.value, ast.Name) and func.value.id in _MODULES:
            if func.attr in ("array", "asarray") and node.args:
                shown = node.args[0]
                return isinstance(shown, ast.List | ast.Tuple) and len(shown.elts) > 1
            size = node.args[0] if node.args else None
            if func.attr in _MAKERS and isinstance(size, ast.Constant):
                return size.value not in (0, 1)
            return func.attr in _MAKERS or func.attr in _PICTURES
        return func.attr in _KEEPS and self.is_array(func.value, where, depth + 1)


def truth_finding(test: ast.expr, word: str, places: Places) -> Finding:
    """Say that ``test`` is an array; ``word`` is what asks for its truth value."""
    shown = places.text(test)
    if shown.endswith("…"):
        shown = "..."
    advice = f"write `np.any({shown})` or `np.all({shown})`"
    if isinstance(test, ast.Name | ast.Attribute):
        advice += f"; or `{shown} is not None`, if that is meant"
    return RULES["SBX612"].finding(places.span(test), name=word, advice=advice)


def last_of(test: ast.expr) -> ast.expr:
    """Give the part of a test that decides it when all before it did not."""
    while isinstance(test, ast.BoolOp):
        test = test.values[-1]
    return test


def _key(node: ast.AST, where: str) -> str:
    """Give ``"step:x"`` for a name, ``"self.x"`` for an attribute of a name, "" otherwise."""
    if isinstance(node, ast.Name):
        return f"{where}:{node.id}"
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
