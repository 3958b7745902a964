"""What the chapters of the validator share: the walk over the tree, and how findings are said.

The validator is one class, written in chapters that build on each other: names, state that would
outlive a row, definitions, recursion, calls, expressions. Each adds ``on_<node>`` methods; a node
that has none and is not in the list of plain ones is refused.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from sandbox.diagnostics import Finding, Span
from sandbox.dialect import REFUSED_NODES
from sandbox.limits import Limits
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.scopes import Binding, Module, Scope, scopes_of
from sandbox.spelling import nearest

__all__ = [
    "Walk",
    "count",
    "dunder",
    "last",
    "listed",
    "reserved",
    "statement_word",
    "written",
]

_MOST_GUESSES: Final = 60


class Walk:
    """One walk over one tree.

    Attributes:
        plain: Nodes that need no judgement of their own, only of what they hold.
        module: What the names of the tree mean.
        scope: Where the walk is.
        silent: Nodes that were judged together with the one around them.
        broken: Nodes that were refused; what is read from them is not refused again.
        called: Expressions that are called.
        read_imports: Imports that something uses.
        unknown: By rule and function, the undefined names that were said of it.
        nameless: Reads of undefined names, which end the row that reaches them.
        at_load: Names that have to be there when the program is loaded, wherever they stand.
        calls: By calling function, the functions it calls and where.
    """

    plain: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, tree: ast.Module, places: Places, limits: Limits) -> None:
        self.tree = tree
        self.places = places
        self.limits = limits
        self.module: Module = scopes_of(tree)
        self.found: list[Finding] = []
        self.functions = 0
        self.guesses = 0
        self.set_by_class: dict[ast.ClassDef, frozenset[str]] = {}
        self.scope: Scope = self.module.root
        self.calls: dict[ast.AST, list[tuple[ast.AST, ast.AST]]] = {}
        self.read_imports: set[Binding] = set()
        self.shadowed: set[tuple[int, str]] = set()
        self.silent: set[ast.AST] = set()
        self.broken: set[ast.AST] = set()
        self.unknown: set[tuple[str, int, str]] = set()
        self.nameless: set[ast.AST] = set()
        self.at_load: set[ast.AST] = set()
        self.called: set[ast.AST] = set()

    # -- means ---------------------------------------------------------------------------------

    def say(self, rule: str, place: ast.AST | Span | None, **facts: object) -> None:
        """Add a finding."""
        span = place if isinstance(place, Span) or place is None else self.places.span(place)
        self.found.append(RULES[rule].finding(span, **facts))

    def guess(self, word: str, *offered: Iterable[str]) -> str | None:
        """Give the offered name that was probably meant.

        Only for the first findings: a text with hundreds of unknown names is not a program with
        spelling mistakes, and each guess looks at every name.
        """
        self.guesses += 1
        return nearest(word, set().union(*offered)) if self.guesses <= _MOST_GUESSES else None

    def visit(self, node: ast.AST) -> None:
        """Judge a node and all it holds."""
        name = type(node).__name__
        method: Callable[[ast.AST], None] | None = getattr(self, f"on_{name.lower()}", None)
        if method is not None:
            method(node)
        elif name in self.plain:
            self.children(node)
        elif name in REFUSED_NODES:
            what, advice = REFUSED_NODES[name]
            self.say("SBX201", node, what=what, advice=advice)
            self.children(node)
        else:
            self.say("SBX202", node, what=name)

    def children(self, node: ast.AST) -> None:
        """Judge what a node holds."""
        for child in ast.iter_child_nodes(node):
            self.visit(child)

    def all(self, nodes: Iterable[ast.AST | None]) -> None:
        """Judge several nodes."""
        for node in nodes:
            if node is not None:
                self.visit(node)

    def inside(self, node: ast.AST, parts: Iterable[ast.AST]) -> None:
        """Judge parts in the scope that a node opens."""
        outer = self.scope
        self.scope = self.module.scope.get(node, outer)
        for part in parts:
            self.visit(part)
        self.scope = outer


_WRITTEN: Final = {"numpy": "np"}


def written(path: str) -> str:
    """Give a dotted table name as programs usually write it."""
    root, dot, rest = path.partition(".")
    return f"{_WRITTEN.get(root, root)}{dot}{rest}"


def dunder(name: str) -> bool:
    """Whether a name begins and ends with two underscores."""
    return name.startswith("__") and name.endswith("__")


def reserved(name: str) -> bool:
    """Whether a name is one that the interpreter or the guards use themselves."""
    return (
        dunder(name)
        or (name.startswith("_") and name.endswith("_") and name != "_")
        or name.endswith("__roles__")
        or name == "printed"
        or keyword.iskeyword(name)
    )


def listed(names: Iterable[str]) -> str:
    """Give names for a sentence."""
    return ", ".join(f"`{name}`" for name in names)


def count(number: int) -> str:
    """Give a number of arguments in words."""
    return "no argument" if number == 0 else f"{number} argument{'s' if number > 1 else ''}"


def last(node: ast.expr) -> str:
    """Give ``c`` for ``a.b.c`` and ``a.b.c(...)``."""
    if isinstance(node, ast.Call):
        return last(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def statement_word(node: ast.AST) -> str:
    """Give the word a statement begins with."""
    words = {"Expr": "an expression", "AugAssign": "an assignment", "Delete": "del"}
    name = type(node).__name__
    return words.get(name, name.lower())
