"""What values an expression over the inputs can take: ``obs[0] - obs[1]``, ``abs(x)``, ``2 * n``.

The bounds of a space say whether a divisor or the argument of a logarithm can be zero, which the
text alone does not. The evaluation is by intervals and knows few forms; whatever else stands there
has no known range, and then nothing is said. A number that is added is taken for the author's own
guard, as in ``1 / (x + 1e-6)``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isnan, sqrt
from typing import Final

from sandbox.diagnostics import Finding
from sandbox.forms import called_name, can_be_zero, is_element, root_name, tested_parts
from sandbox.parse import Places
from sandbox.pieces import number_of
from sandbox.rules import RULES
from sandbox.schema import ArraySpec
from sandbox.trees import child_nodes, walk

__all__ = ["Range", "Ranges", "has_range", "range_findings"]

_DEPTH: Final = 8
_SAME: Final = frozenset(
    {"float", "float32", "float64", "asarray", "array", "ravel", "copy", "item"}
)
"""Calls that give back what they are given, as far as its least and greatest value go."""
_MOST_NAMES: Final = 50
_LOGS: Final = frozenset({"log", "log2", "log10"})
_SIZES: Final = frozenset({"abs", "absolute", "fabs"})


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the greatest value.

    Attributes:
        whole: Whether an array of several elements takes them, and not one number.
    """

    low: float
    high: float
    whole: bool = False


class Ranges:
    """The ranges and the tests of one function.

    Args:
        node: The function.
        leaf: Gives the leaf behind a name or a subscript that reads an input, None for others.
    """

    def __init__(self, node: ast.FunctionDef, leaf: Callable[[ast.expr], ArraySpec | None]) -> None:
        self.leaf = leaf
        self.once: dict[str, ast.expr] = {}
        """What stands behind the names that are given a value once."""
        self.node = node
        self._tested: set[str] | None = None
        self._known: dict[str, Range | None] = {}
        several: set[str] = set()
        for item in walk(node):
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
                if item.id in self.once:
                    several.add(item.id)
                self.once[item.id] = ast.Constant(None)
        for item in walk(node):
            if isinstance(item, ast.Assign) and len(item.targets) == 1:
                for name, value in _pairs(item.targets[0], item.value):
                    self.once[name] = value
        for name in several:
            self.once[name] = ast.Constant(None)

    def of(self, node: ast.expr, depth: int = 0) -> Range | None:
        """Give the range of an expression that reads an input; None where it is not known."""
        if depth > _DEPTH:
            return None
        if isinstance(node, ast.Name) and node.id in self.once:
            if node.id not in self._known:
                self._known[node.id] = self.of(self.once[node.id], depth + 1)
            return self._known[node.id]
        if isinstance(node, ast.Name | ast.Subscript):
            base = self.plain(node, depth)
            root = base
            while isinstance(root, ast.Subscript):
                root = root.value
            known = isinstance(root, ast.Name) and root.id not in self.once
            spec = self.leaf(base) if known else None
            if spec is None or spec.kind == "text":
                return None
            return Range(spec.low, spec.high, bool(spec.shape))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.of(node.operand, depth + 1)
            return Range(-inner.high, -inner.low, inner.whole) if inner else None
        if isinstance(node, ast.BinOp):
            return self._operation(node, depth + 1)
        if isinstance(node, ast.Call):
            return self._call(node, depth + 1)
        return None

    def plain(self, node: ast.expr, depth: int) -> ast.expr:
        """Write out the names that are given parts of inputs: ``pos[0]`` is ``obs[:2][0]``."""
        if isinstance(node, ast.Name) and depth <= _DEPTH:
            behind = self.once.get(node.id, node)
            return node if isinstance(behind, ast.Constant) else self.plain(behind, depth + 1)
        if isinstance(node, ast.Subscript):
            return ast.Subscript(self.plain(node.value, depth + 1), node.slice, ast.Load())
        return node

    def _operation(self, node: ast.BinOp, depth: int) -> Range | None:
        sides = (number_of(node.left), number_of(node.right))
        if isinstance(node.op, ast.Pow):
            base = self.of(node.left, depth)
            return _squared(base) if base is not None and sides[1] == 2 else None
        if isinstance(node.op, ast.Add) and any(side is not None for side in sides):
            return None
        left, right = (
            Range(number, number) if number is not None else self.of(side, depth)
            for number, side in zip(sides, (node.left, node.right), strict=True)
        )
        if left is None or right is None:
            return None
        whole = left.whole or right.whole
        if isinstance(node.op, ast.Add):
            return _range([left.low + right.low, left.high + right.high], whole)
        if isinstance(node.op, ast.Sub):
            return _range([left.low - right.high, left.high - right.low], whole)
        if isinstance(node.op, ast.Mult):
            if ast.dump(node.left) == ast.dump(node.right):
                return _squared(left)
            ends = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
            return _range(ends, whole)
        return None

    def _call(self, node: ast.Call, depth: int) -> Range | None:
        name = called_name(node)
        is_module = isinstance(node.func, ast.Name) or root_name(node.func) in {
            "np",
            "numpy",
            "math",
        }
        if is_module and len(node.args) == 1 and not node.keywords:
            inner = self.of(node.args[0], depth)
        elif isinstance(node.func, ast.Attribute) and not is_module and name in _SAME:
            inner = self.of(node.func.value, depth) if not node.args else None
        else:
            return None
        if inner is None or name in _SAME:
            return inner
        if name in _SIZES:
            squared = _squared(inner)
            return Range(sqrt(squared.low), sqrt(squared.high), inner.whole)
        return _squared(inner) if name == "square" else None

    # -- tests ---------------------------------------------------------------------------------

    def is_tested(self, node: ast.expr) -> bool:
        """Whether the function tests something that an expression is made from."""
        if self._tested is None:
            parts = [part for item in walk(self.node) for part in tested_parts(item)]
            self._tested = self.paths(parts, len(self.once))
        read = self.paths([node], _MOST_NAMES)
        return any(not self._tested.isdisjoint(_prefixes(path)) for path in read)

    def paths(self, nodes: list[ast.AST], most: int) -> set[str]:
        """Give what expressions read, and what stands behind it: ``x``, ``obs[1]``.

        Args:
            nodes: The expressions.
            most: How many names are followed to what stands behind them.
        """
        found: set[str] = set()
        waiting = nodes.copy()
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot):
                continue
            if isinstance(node, ast.Subscript):
                # `if obs[0] > 0` tests one element, `if obs[i] > 0` may test any of them.
                parts = walk(node.slice)
                if not any(isinstance(part, ast.Name | ast.Attribute | ast.Call) for part in parts):
                    found.add(ast.unparse(self.plain(node, 0)))
                    continue
            if isinstance(node, ast.Name):
                if node.id not in found and node.id in self.once and most > 0:
                    most -= 1
                    waiting.append(self.once[node.id])
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(ast.unparse(node))
            else:
                waiting.extend(child_nodes(node))
        return found


def has_range(item: ast.AST) -> bool:
    """Whether `range_findings` may have something to say of a node; quick for most."""
    if isinstance(item, ast.BinOp | ast.AugAssign):
        divisor = item.right if isinstance(item, ast.BinOp) else item.value
        divides = isinstance(item.op, ast.Div | ast.FloorDiv | ast.Mod)
        return divides and not isinstance(divisor, ast.Constant)
    if not (isinstance(item, ast.Call) and len(item.args) == 1):
        return False
    name = called_name(item)
    return name in _LOGS or name == "sqrt"


def range_findings(item: ast.AST, ranges: Ranges, places: Places) -> Iterator[Finding]:
    """Judge one node: a divisor, or the argument of a logarithm or a root.

    What `sandbox.hazards` tells from the form alone is left to it. `has_range` holds for the node.
    """
    if isinstance(item, ast.BinOp):
        yield from _divisor(item.right, ranges, places)
    elif isinstance(item, ast.AugAssign):
        yield from _divisor(item.value, ranges, places)
    elif isinstance(item, ast.Call):
        yield from _argument(item, called_name(item), ranges, places)


def _divisor(node: ast.expr, ranges: Ranges, places: Places) -> Iterator[Finding]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        # A product is zero where one of its factors is.
        yield from _divisor(node.left, ranges, places)
        yield from _divisor(node.right, ranges, places)
        return
    if isinstance(node, ast.Constant) or can_be_zero(ranges.plain(node, 0)):
        return
    found = ranges.of(node)
    if found is None or not found.low <= 0 <= found.high or ranges.is_tested(node):
        return
    name = places.text(node)
    shown = "..." if name.endswith("…") else name
    if found.whole:
        advice = f"np.where({shown} == 0, 1e-8, {shown})"
        if found.low >= 0:
            advice = f"np.maximum({shown}, 1e-8)"
    elif found.low >= 0:
        advice = f"max({shown}, 1e-8)"
    else:
        below = f"({shown})" if isinstance(node, ast.BinOp) else shown
        advice = f"... / {below} if abs({shown}) > 1e-8 else 0.0"
    yield RULES["SBX609"].finding(places.at(node), name=name, advice=advice)


def _argument(node: ast.Call, name: str, ranges: Ranges, places: Places) -> Iterator[Finding]:
    given = node.args[0]
    behind = ranges.plain(given, 0)
    is_difference = isinstance(behind, ast.BinOp) and isinstance(behind.op, ast.Sub)
    if is_difference or is_element(behind) or can_be_zero(behind):
        return
    found = ranges.of(given)
    is_log = name in _LOGS
    if found is None or found.low > 0 or (found.low == 0 and not is_log):
        return
    if ranges.is_tested(given):
        return
    most = "np.maximum" if found.whole else "max"
    least = "1e-8" if is_log else "0.0"
    yield RULES["SBX623"].finding(
        places.at(node),
        name=name,
        what="of zero, `math` raises ValueError and NumPy gives -inf"
        if is_log and found.low == 0
        else "below zero, `math` raises ValueError and NumPy gives NaN",
        advice=f"write `{most}(..., {least})` around the argument",
    )


def _prefixes(path: str) -> Iterator[str]:
    """Give ``obs`` and ``obs[:2]`` and ``obs[:2][0]`` for the last of them."""
    for place, letter in enumerate(path):
        if letter == "[":
            yield path[:place]
    yield path


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Give the names of an assignment and what each is given."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and not any(
        isinstance(item, ast.Starred) for item in target.elts
    ):
        whole = isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts)
        for index, item in enumerate(target.elts):
            if isinstance(item, ast.Name) and whole and isinstance(value, ast.Tuple):
                yield item.id, value.elts[index]
            elif isinstance(item, ast.Name) and isinstance(value, ast.Name | ast.Subscript):
                yield item.id, ast.Subscript(value, ast.Constant(index), ast.Load())


def _range(ends: list[float], whole: bool) -> Range:
    if any(isnan(end) for end in ends):  # inf - inf, or 0 * inf
        return Range(-inf, inf, whole)
    return Range(min(ends), max(ends), whole)


def _squared(inner: Range) -> Range:
    if inner.low <= 0 <= inner.high:
        return Range(0.0, max(inner.low * inner.low, inner.high * inner.high), inner.whole)
    ends = sorted((inner.low * inner.low, inner.high * inner.high))
    return Range(ends[0], ends[1], inner.whole)
