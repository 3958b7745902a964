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
from sandbox.forms import (
    called_name,
    can_be_zero,
    collected_sometimes,
    counted_sometimes,
    is_element,
    is_search,
    is_written,
    key_of,
    names_read,
    root_name,
    tested_parts,
)
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.trees import walk

__all__ = ["hazard_findings"]

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
_ROW_BY_ROW: Final = frozenset("abs absolute square sqrt hypot astype copy".split())
_DEPTH: Final = 8
_COUNTS: Final = frozenset({"len", "count_nonzero"})
_ARCS: Final = frozenset("arccos arcsin acos asin".split())
_LOGS: Final = frozenset("log log2 log10".split())


def hazard_findings(tree: ast.Module, places: Places) -> Iterator[Finding]:
    """Judge the numbers of every function of a tree."""
    # What the top level computes is the same on every row, and fails at load or never.
    constants = {
        name
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for name in map(key_of, node.targets if isinstance(node, ast.Assign) else [node.target])
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
            name = key_of(target)
            if name and "." in name and can_be_zero(item.value):
                found[name] = item.value
    return found


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
        self.indices: list[set[str]] = []
        """Names that are the arrays of one ``np.where(condition)``, one for each axis."""
        values: dict[str, list[ast.expr]] = {}
        for item in walk(node):
            if isinstance(item, ast.Assign):
                self._note_counts(item)
                self._note_indices(item, values)
                for target in item.targets:
                    name = key_of(target)
                    if name:
                        values.setdefault(name, []).append(item.value)
            elif isinstance(item, ast.AugAssign | ast.For):
                name = key_of(item.target)
                if name:
                    values.setdefault(name, []).append(ast.Constant(None))
            for part in tested_parts(item):
                self.tested.update(names_read(part))
        for group in self.indices:
            # Whether one of them is empty says it of all.
            if group & self.tested:
                self.tested |= group
        self.collected = collected_sometimes(node.body)
        self.counted = counted_sometimes(node.body)
        self.value = {name: found[0] for name, found in values.items() if len(found) == 1}
        own = values.keys() | {item.arg for item in walk(node) if isinstance(item, ast.arg)}
        self.constants = constants - own
        for name, expression in fields.items():
            if name not in values:
                self.value[name] = expression

    def _note_counts(self, item: ast.Assign) -> None:
        """Note what is unpacked as counts: ``values, counts = np.unique(x, return_counts=True)``."""
        if called_name(item.value) == "unique":
            for target in item.targets:
                if isinstance(target, ast.Tuple) and target.elts:
                    self.counts.add(key_of(target.elts[-1]) or "")

    def _note_indices(self, item: ast.Assign, values: dict[str, list[ast.expr]]) -> None:
        """Note what ``np.where(condition)`` is unpacked into."""
        target = item.targets[0]
        if is_search(item.value) and isinstance(target, ast.Tuple):
            names = {part.id for part in target.elts if isinstance(part, ast.Name)}
            self.indices.append(names)
            for name in names:
                values.setdefault(name, []).append(item.value)

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
            elif isinstance(item, ast.Compare):
                yield from self.identity(item)

    def identity(self, node: ast.Compare) -> Iterator[Finding]:
        """Find ``x is 1``."""
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if isinstance(operator, ast.Is | ast.IsNot) and (is_written(left) or is_written(right)):
                word = "==" if isinstance(operator, ast.Is) else "!="
                advice = f"{self.places.text(left)} {word} {self.places.text(right)}"
                shown = "is" if word == "==" else "is not"
                yield RULES["SBX647"].finding(self.places.at(node), name=shown, advice=advice)
                return

    def is_tested(self, node: ast.AST) -> bool:
        """Whether the function tests something that an expression reads.

        The conditions of a comprehension select; they do not say that anything is selected.
        """
        names = names_read(node)
        for part in walk(node):
            if isinstance(part, ast.comprehension):
                for inner in (part.target, *part.ifs):
                    names -= names_read(inner)
        return bool(names & self.tested)

    def settled(self, node: ast.expr) -> ast.expr:
        """Give the expression behind a name that is assigned once."""
        for _ in range(4):
            name = key_of(node)
            if name is None or name not in self.value:
                break
            node = self.value[name]
        return node

    def divisor(self, node: ast.expr) -> Iterator[Finding]:
        behind = self.settled(node)
        if isinstance(behind, ast.Call) and called_name(behind) == "len":
            # Most lengths are those of fixed lists; only a selection is doubtful.
            subject = behind.args[0] if behind.args else behind
            if not self.can_be_empty(self.settled(subject)) or self.is_tested(subject):
                return
        if self.adds_positive(behind):
            return
        if self.is_constant(behind) or self.counts_all(behind):
            return
        zero = self.counted.get(node.id) if isinstance(node, ast.Name) else None
        if (zero is not None or can_be_zero(behind)) and not self.is_tested(node):
            name = self.places.text(node)
            shown = "..." if name.endswith("…") else name
            # `max` of Python takes no arrays.
            by_axis = isinstance(behind, ast.Call) and any(
                item.arg in ("axis", "keepdims") for item in behind.keywords
            )
            is_number = called_name(behind) in _COUNTS or (zero and type(zero.value) is int)
            most = f"np.maximum({shown}, 1e-8)" if by_axis else f"max({shown}, 1e-8)"
            if is_number and not by_axis:
                most = f"max({shown}, 1)"
            yield RULES["SBX609"].finding(self.places.at(node), name=name, advice=most)

    def is_constant(self, node: ast.expr) -> bool:
        """Whether an expression reads nothing but what the top level computed."""
        names = names_read(node)
        return bool(names) and names <= self.constants

    def counts_all(self, node: ast.expr) -> bool:
        """Whether an expression sums the counts of all elements: zero only for no elements."""
        if called_name(node) in ("float", "int") and isinstance(node, ast.Call) and node.args:
            return self.counts_all(node.args[0])
        if called_name(node) != "sum" or not isinstance(node, ast.Call):
            return False
        inner = node.func.value if isinstance(node.func, ast.Attribute) else node
        subject = node.args[0] if node.args else inner
        return key_of(subject) in self.counts or called_name(self.settled(subject)) == "bincount"

    def adds_positive(self, node: ast.expr) -> bool:
        """Whether an expression sums or measures what is above zero everywhere: ``exp(x).sum()``."""
        name = called_name(node)
        if not isinstance(node, ast.Call):
            return False
        if name in ("float", "abs") and len(node.args) == 1:
            return self.adds_positive(node.args[0])
        if name not in ("sum", "norm", "nansum"):
            return False
        is_method = isinstance(node.func, ast.Attribute) and not (
            isinstance(node.func.value, ast.Name | ast.Attribute)
            and key_of(node.func.value) in ("np", "numpy", "np.linalg", "numpy.linalg", "math")
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
        return called_name(node) in _POSITIVE

    def call(self, node: ast.Call) -> Iterator[Finding]:
        name = called_name(node)
        if name in _ARCS and len(node.args) == 1:
            yield from self.arc(node, name)
        elif name in _LOGS and node.args:
            argument = self.settled(node.args[0])
            is_difference = isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Sub)
            reaches_zero = can_be_zero(argument) or is_element(argument) or is_difference
            if reaches_zero and not self.is_constant(argument) and not self.is_tested(node.args[0]):
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
            is_open = is_difference or is_element(argument)
            if is_open and not self.is_constant(argument) and not self.is_tested(node.args[0]):
                yield RULES["SBX623"].finding(
                    self.places.at(node),
                    name=name,
                    what="below zero, `math` raises ValueError and NumPy gives NaN",
                    advice="write `max(..., 0.0)` around the argument",
                )
        if name == "next":
            yield from self.next_of(node)
        if name in _REDUCTIONS:
            yield from self.reduction(node, name)

    def arc(self, node: ast.Call, name: str) -> Iterator[Finding]:
        argument = self.settled(node.args[0])
        if isinstance(argument, ast.Constant) or called_name(argument) in _GUARDS:
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
        if self.is_empty_maybe(subject) and not self.is_tested(subject):
            is_builtin = isinstance(node.func, ast.Name)
            shown = self.places.text(subject)
            advice = "test first whether anything is selected"
            if is_builtin and name in ("max", "min"):
                advice = f"write `{name}(..., default=0.0)`"
            elif isinstance(subject, ast.Name):
                advice = f"test first whether anything is selected: `if len({shown}) > 0:`"
            yield RULES["SBX611"].finding(
                self.places.at(node), name=name, what=_REDUCTIONS[name], advice=advice
            )

    def is_empty_maybe(self, node: ast.expr) -> bool:
        """Whether nothing may be selected by an expression or by what stands behind its name."""
        if isinstance(node, ast.Name):
            if any(node.id in group for group in self.indices):
                return node.id in self.value
            empty = self.value.get(node.id)
            if node.id in self.collected and isinstance(empty, ast.List) and not empty.elts:
                return True
        settled = self.settled(node)
        if called_name(settled) in _SELECTIONS and self.is_tested(settled):
            return False
        return self.can_be_empty(settled) or self.derives(node, 0)

    def can_be_empty(self, node: ast.expr) -> bool:
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            return any(part.ifs for part in node.generators)
        if isinstance(node, ast.Subscript):
            if is_search(self.settled(node.value)):
                return True
            where = self.settled(node.slice)
            return isinstance(where, ast.Compare) and not self.is_tested(node.slice)
        return called_name(node) in _SELECTIONS

    def derives(self, node: ast.expr, depth: int) -> bool:
        """Whether an array has one row for each cell that was found: ``abs(cells - here)``."""
        if depth > _DEPTH:
            return False
        if isinstance(node, ast.Name):
            if node.id in self.tested or node.id not in self.value:
                return False
            return self.derives(self.value[node.id], depth + 1)
        if isinstance(node, ast.BinOp):
            return self.derives(node.left, depth + 1) or self.derives(node.right, depth + 1)
        if isinstance(node, ast.Call):
            if called_name(node) in _SELECTIONS:
                return not self.is_tested(node)
            by_axis = any(item.arg == "axis" for item in node.keywords)
            if by_axis or called_name(node) in _ROW_BY_ROW:
                is_module = isinstance(node.func, ast.Name) or root_name(node.func) in (
                    "np",
                    "numpy",
                )
                inner = node.args[0] if is_module and node.args else None
                if not is_module and isinstance(node.func, ast.Attribute):
                    inner = node.func.value
                return inner is not None and self.derives(inner, depth + 1)
        return False

    def first_of(self, node: ast.Subscript) -> Iterator[Finding]:
        index = node.slice
        first = index.elts[0] if isinstance(index, ast.Tuple) and index.elts else index
        if isinstance(first, ast.UnaryOp):
            first = first.operand
        if not (isinstance(first, ast.Constant) and type(first.value) is int):
            return
        inside = node.value
        while called_name(inside) in ("sorted", "list", "tuple") and isinstance(inside, ast.Call):
            if not inside.args:
                return
            inside = inside.args[0]
        subject = self.settled(inside)
        is_list = isinstance(subject, ast.ListComp | ast.GeneratorExp | ast.List)
        if is_list or any(key_of(inside) in group for group in self.indices):
            if self.is_empty_maybe(inside) and not self.is_tested(inside):
                yield self.no_first(node)
            return
        name = called_name(subject)
        if name not in _SELECTIONS and isinstance(subject, ast.Subscript):
            # `np.where(condition)[0][0]`
            inner = self.settled(subject.value)
            name = called_name(inner)
            one = isinstance(inner, ast.Call) and len(inner.args) == 1
            if name not in ("where", "nonzero") or not one:
                return
            subject = inner
        elif name not in _SELECTIONS:
            return
        if self.is_tested(node.value) or self.is_tested(subject):
            return
        yield self.no_first(node)

    def no_first(self, node: ast.Subscript) -> Finding:
        """Say that there may be no first element."""
        return RULES["SBX611"].finding(
            self.places.at(node),
            name="the first element",
            what="it raises IndexError",
            advice="test `len(...) > 0` first",
        )

    def next_of(self, node: ast.Call) -> Iterator[Finding]:
        """Find ``next(item for item in items if ...)`` without a value for none."""
        given = node.args[0] if len(node.args) == 1 else None
        if not isinstance(given, ast.GeneratorExp) or self.is_tested(given):
            return
        if self.can_be_empty(given):
            yield RULES["SBX611"].finding(
                self.places.at(node),
                name="next",
                what="it raises StopIteration",
                advice="write `next((...), None)` and test for None",
            )
