"""Findings about numbers: divisors that can be zero, selections that can be empty, domains.

These are guesses from the shape of the text, so all are warnings, and they keep quiet as soon as
the program tests, clips or pads the value anywhere in the same function: a finding that is often
wrong is not read. What really happens is decided on each row.
"""

# ruff: noqa: SIM905 - word lists read as words
from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from sandbox.diagnostics import Finding
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.trees import walk

__all__ = ["hazard_findings"]

_CAN_BE_ZERO: Final = frozenset("norm sum len std var count_nonzero ptp hypot dist nansum".split())
_POSITIVE: Final = frozenset("exp exp2 cosh ones ones_like".split())
_GUARDS: Final = frozenset("max maximum min minimum clip where fmax nan_to_num isclose".split())
_SELECTIONS: Final = frozenset({"argwhere", "flatnonzero"})
_REDUCTIONS: Final = {
    "max": "it raises ValueError",
    "min": "it raises ValueError",
    "amax": "it raises ValueError",
    "amin": "it raises ValueError",
    "argmax": "it raises ValueError",
    "argmin": "it raises ValueError",
    "mean": "it is NaN",
    "median": "it is NaN",
    "std": "it is NaN",
}
_ARCS: Final = frozenset("arccos arcsin acos asin".split())
_LOGS: Final = frozenset("log log2 log10".split())


def hazard_findings(tree: ast.Module, places: Places) -> Iterator[Finding]:
    """Judge the numbers of every function of a tree."""
    # What the top level computes is the same on every row, and fails at load or never.
    constants = {
        name
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for name in map(_key, node.targets if isinstance(node, ast.Assign) else [node.target])
        if name
    }
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield from _Numbers(places, node, {}, constants).run()
        elif isinstance(node, ast.ClassDef):
            fields = _fields(node)
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    yield from _Numbers(places, method, fields, constants).run()


def _fields(node: ast.ClassDef) -> dict[str, ast.expr]:
    """Give for each ``self.x`` a risky value that some method assigns to it, if there is one."""
    found: dict[str, ast.expr] = {}
    for item in walk(node):
        if not isinstance(item, ast.Assign):
            continue
        for target in item.targets:
            name = _key(target)
            if name and "." in name and _bare_zero(item.value):
                found[name] = item.value
    return found


def _key(node: ast.AST) -> str | None:
    """Give ``"x"`` for a name and ``"self.x"`` for an attribute of a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


def _called(node: ast.AST) -> str:
    """Give the last name of what a call calls."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _bare_zero(node: ast.expr) -> bool:
    """Whether an expression is a call whose result is zero for some arguments."""
    if _called(node) in ("float", "int", "abs", "round") and isinstance(node, ast.Call):
        return len(node.args) == 1 and _bare_zero(node.args[0])
    return _called(node) in _CAN_BE_ZERO


class _Numbers:
    """The walk over one function."""

    def __init__(
        self,
        places: Places,
        node: ast.FunctionDef,
        fields: dict[str, ast.expr],
        constants: set[str],
    ) -> None:
        self.places = places
        self.node = node
        self.tested: set[str] = set()
        self.counts: set[str] = set()
        values: dict[str, list[ast.expr]] = {}
        for item in walk(node):
            if isinstance(item, ast.Assign):
                self._note_counts(item)
                for target in item.targets:
                    name = _key(target)
                    if name:
                        values.setdefault(name, []).append(item.value)
            elif isinstance(item, ast.AugAssign | ast.For):
                name = _key(item.target)
                if name:
                    values.setdefault(name, []).append(ast.Constant(None))
            self._note_test(item)
        self.value = {name: found[0] for name, found in values.items() if len(found) == 1}
        own = values.keys() | {item.arg for item in walk(node) if isinstance(item, ast.arg)}
        self.constants = constants - own
        for name, expression in fields.items():
            if name not in values:
                self.value[name] = expression

    def _note_counts(self, item: ast.Assign) -> None:
        """Note what is unpacked as counts: ``values, counts = np.unique(x, return_counts=True)``."""
        if _called(item.value) == "unique":
            for target in item.targets:
                if isinstance(target, ast.Tuple) and target.elts:
                    self.counts.add(_key(target.elts[-1]) or "")

    def _note_test(self, item: ast.AST) -> None:
        tests: list[ast.AST] = []
        if isinstance(item, ast.If | ast.While | ast.IfExp | ast.Assert):
            tests = [item.test]
        elif isinstance(item, ast.comprehension):
            tests = list(item.ifs)
        elif isinstance(item, ast.BoolOp):
            tests = list(item.values)
        elif isinstance(item, ast.Call) and _called(item) in _GUARDS:
            is_builtin_of_one = isinstance(item.func, ast.Name) and len(item.args) == 1
            is_method = isinstance(item.func, ast.Attribute) and len(item.args) < 2
            if not is_builtin_of_one and not is_method:
                # `clip(1 / x, 0, 1)` guards the quotient and not the divisor.
                tests = [part for part in item.args if not _divides(part)]
        elif isinstance(item, ast.Try):
            tests = list(item.body)
        for test in tests:
            self.tested.update(_names(test))

    def run(self) -> Iterator[Finding]:
        for item in walk(self.node):
            if isinstance(item, ast.BinOp | ast.AugAssign):
                if isinstance(item.op, ast.Div | ast.FloorDiv | ast.Mod):
                    divisor = item.right if isinstance(item, ast.BinOp) else item.value
                    yield from self.divisor(divisor)
            elif isinstance(item, ast.Call):
                yield from self.call(item)
            elif isinstance(item, ast.Subscript):
                yield from self.first_of(item)

    def is_tested(self, node: ast.AST) -> bool:
        """Whether the function tests something that an expression reads.

        The conditions of a comprehension select; they do not say that anything is selected.
        """
        names = _names(node)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            for part in node.generators:
                for inner in (part.target, *part.ifs):
                    names -= _names(inner)
        return bool(names & self.tested)

    def settled(self, node: ast.expr) -> ast.expr:
        """Give the expression behind a name that is assigned once."""
        for _ in range(4):
            name = _key(node)
            if name is None or name not in self.value:
                break
            node = self.value[name]
        return node

    def divisor(self, node: ast.expr) -> Iterator[Finding]:
        behind = self.settled(node)
        if isinstance(behind, ast.Call) and _called(behind) == "len":
            # Most lengths are those of fixed lists; only a selection is doubtful.
            subject = behind.args[0] if behind.args else behind
            if not self.can_be_empty(self.settled(subject)) or self.is_tested(subject):
                return
        if self.adds_positive(behind):
            return
        if self.is_constant(behind) or self.counts_all(behind):
            return
        if _bare_zero(behind) and not self.is_tested(node):
            name = self.places.text(node)
            shown = "..." if name.endswith("…") else name
            # `max` of Python takes no arrays.
            by_axis = isinstance(behind, ast.Call) and any(
                item.arg in ("axis", "keepdims") for item in behind.keywords
            )
            most = f"np.maximum({shown}, 1e-8)" if by_axis else f"max({shown}, 1e-8)"
            yield RULES["SBX609"].finding(self.places.at(node), name=name, advice=most)

    def is_constant(self, node: ast.expr) -> bool:
        """Whether an expression reads nothing but what the top level computed."""
        names = _names(node)
        return bool(names) and names <= self.constants

    def counts_all(self, node: ast.expr) -> bool:
        """Whether an expression sums the counts of all elements: zero only for no elements."""
        if _called(node) in ("float", "int") and isinstance(node, ast.Call) and node.args:
            return self.counts_all(node.args[0])
        if _called(node) != "sum" or not isinstance(node, ast.Call):
            return False
        inner = node.func.value if isinstance(node.func, ast.Attribute) else node
        subject = node.args[0] if node.args else inner
        return _key(subject) in self.counts or _called(self.settled(subject)) == "bincount"

    def adds_positive(self, node: ast.expr) -> bool:
        """Whether an expression sums or measures what is above zero everywhere: ``exp(x).sum()``."""
        name = _called(node)
        if not isinstance(node, ast.Call):
            return False
        if name in ("float", "abs") and len(node.args) == 1:
            return self.adds_positive(node.args[0])
        if name not in ("sum", "norm", "nansum"):
            return False
        is_method = isinstance(node.func, ast.Attribute) and not (
            isinstance(node.func.value, ast.Name | ast.Attribute)
            and _key(node.func.value) in ("np", "numpy", "np.linalg", "numpy.linalg", "math")
        )
        if is_method and isinstance(node.func, ast.Attribute):
            return self.is_positive(node.func.value)
        return bool(node.args) and self.is_positive(node.args[0])

    def is_positive(self, node: ast.expr) -> bool:
        """Whether all elements of a value are above zero, as far as its own form shows."""
        node = self.settled(node)
        if isinstance(node, ast.Constant):
            return isinstance(node.value, int | float) and node.value > 0
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mult | ast.Div):
            return self.is_positive(node.left) and self.is_positive(node.right)
        if isinstance(node, ast.GeneratorExp | ast.ListComp):
            return not any(part.ifs for part in node.generators) and self.is_positive(node.elt)
        return _called(node) in _POSITIVE

    def call(self, node: ast.Call) -> Iterator[Finding]:
        name = _called(node)
        if name in _ARCS and len(node.args) == 1:
            yield from self.arc(node, name)
        elif name in _LOGS and node.args:
            argument = self.settled(node.args[0])
            if _bare_zero(argument) and not self.is_tested(node.args[0]):
                shown = self.places.text(node.args[0])
                yield RULES["SBX623"].finding(
                    self.places.at(node),
                    name=name,
                    what="of zero, `math` raises ValueError and NumPy gives -inf",
                    advice=f"write `{name}({shown} + 1e-8)`",
                )
        elif name == "sqrt" and len(node.args) == 1:
            argument = self.settled(node.args[0])
            is_difference = isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Sub)
            if is_difference and not self.is_tested(node.args[0]):
                yield RULES["SBX623"].finding(
                    self.places.at(node),
                    name=name,
                    what="below zero, `math` raises ValueError and NumPy gives NaN",
                    advice="write `max(..., 0.0)` around the argument",
                )
        if name in _REDUCTIONS:
            yield from self.reduction(node, name)

    def arc(self, node: ast.Call, name: str) -> Iterator[Finding]:
        argument = self.settled(node.args[0])
        if isinstance(argument, ast.Constant) or _called(argument) in _GUARDS:
            return
        if self.is_tested(node.args[0]):
            return
        yield RULES["SBX623"].finding(
            self.places.at(node),
            name=name,
            what="beyond -1 and 1, `math` raises ValueError and NumPy gives NaN",
            advice="write `np.clip(..., -1.0, 1.0)` around the argument",
        )

    def reduction(self, node: ast.Call, name: str) -> Iterator[Finding]:
        if any(item.arg in ("default", "initial") for item in node.keywords):
            return
        if isinstance(node.func, ast.Name) and len(node.args) == 1:
            subject = node.args[0]
        elif isinstance(node.func, ast.Attribute):
            is_module = isinstance(node.func.value, ast.Name) and node.func.value.id == "np"
            if is_module and not node.args:
                return
            subject = node.args[0] if is_module else node.func.value
        else:
            return
        if self.can_be_empty(self.settled(subject)) and not self.is_tested(subject):
            is_builtin = isinstance(node.func, ast.Name)
            advice = (
                f"write `{name}(..., default=0.0)`"
                if is_builtin and name in ("max", "min")
                else "test first whether anything is selected"
            )
            yield RULES["SBX611"].finding(
                self.places.at(node), name=name, what=_REDUCTIONS[name], advice=advice
            )

    def can_be_empty(self, node: ast.expr) -> bool:
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            return any(part.ifs for part in node.generators)
        if isinstance(node, ast.Subscript):
            where = self.settled(node.slice)
            return isinstance(where, ast.Compare) and not self.is_tested(node.slice)
        return _called(node) in _SELECTIONS

    def first_of(self, node: ast.Subscript) -> Iterator[Finding]:
        index = node.slice
        first = index.elts[0] if isinstance(index, ast.Tuple) and index.elts else index
        if isinstance(first, ast.UnaryOp):
            first = first.operand
        if not (isinstance(first, ast.Constant) and type(first.value) is int):
            return
        subject = self.settled(node.value)
        name = _called(subject)
        if name not in _SELECTIONS and isinstance(subject, ast.Subscript):
            # `np.where(condition)[0][0]`
            inner = self.settled(subject.value)
            name = _called(inner)
            one = isinstance(inner, ast.Call) and len(inner.args) == 1
            if name not in ("where", "nonzero") or not one:
                return
            subject = inner
        elif name not in _SELECTIONS:
            return
        if self.is_tested(node.value) or self.is_tested(subject):
            return
        yield RULES["SBX611"].finding(
            self.places.at(node),
            name="the first element",
            what="it raises IndexError",
            advice="test `len(...) > 0` first",
        )


def _divides(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod)


def _names(node: ast.AST) -> set[str]:
    """Give the names and attributes an expression reads, without modules and functions."""
    found: set[str] = set()
    called = {id(item.func) for item in walk(node) if isinstance(item, ast.Call)}
    for item in walk(node):
        if isinstance(item, ast.Attribute):
            name = _key(item)
            if name and id(item) not in called:
                found.add(name)
        elif isinstance(item, ast.Name) and id(item) not in called:
            found.add(item.id)
    return found - {"np", "math", "self", "numpy"}
