"""What the source alone shows about the size of a value, so that a guard can be left out.

A small inference over the expressions of one function: is this a Python float (which cannot
grow), a value of NumPy or a float (which is no sequence and no Python integer), or an integer that
the source bounds? It only ever looks at syntax, and answers None where it does not know.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Final, Literal

from sandbox.dialect import MODULES

__all__ = ["FLOAT", "SCALAR", "SMALL", "Kind", "Kinds"]

Kind = Literal["scalar", "float", "small"]
SCALAR: Final[Kind] = "scalar"
"""A Python float or NumPy float of no dimension."""
FLOAT: Final[Kind] = "float"
"""A float or an array or scalar of NumPy: no sequence, no Python integer."""
SMALL: Final[Kind] = "small"
"""A Python integer or bool that stays small, however often its line runs within its fuel."""

_MATH_INTEGERS: Final = frozenset(
    {"ceil", "floor", "trunc", "factorial", "comb", "perm", "gcd", "lcm", "isqrt", "prod"}
    | {"frexp", "modf", "isclose", "isfinite", "isinf", "isnan"}
)
_NUMPY_VALUES: Final = frozenset(
    name for name, entry in MODULES["numpy"].items() if entry.kind == "ufunc" and name != "divmod"
) | {"sum", "mean", "std", "var", "prod", "clip", "round", "dot", "cross", "median"}
_GROWING: Final = (ast.Mult, ast.Pow, ast.LShift)
_LARGE: Final = 1 << 40


class Kinds:
    """Answers for the function that is being rewritten; functions nest."""

    def __init__(
        self,
        dotted: Callable[[ast.expr], str | None],
        is_builtin: Callable[[str], bool],
        constants: Mapping[str, ast.expr],
    ) -> None:
        self._dotted = dotted
        self._is_builtin = is_builtin
        self._constants = constants
        self._scopes: list[dict[str, Kind | None]] = []

    def enter(self, node: ast.AST) -> None:
        """Start on a function, class or module."""
        assigned: dict[str, list[ast.expr | None]] = {}
        for item in _own(node):
            _note(item, assigned, self._is_builtin)
        if isinstance(node, ast.Module):
            # Globals may be read before the line that binds them again.
            self._scopes.append(dict.fromkeys(assigned))
            return
        for item in ast.walk(node):
            if isinstance(item, ast.Nonlocal):
                for name in item.names:
                    assigned[name] = [None]
        scope: dict[str, Kind | None] = {
            name: None if any(value is None for value in values) else SMALL
            for name, values in assigned.items()
        }
        self._scopes.append(scope)
        hopeful = {name for name, kind in scope.items() if kind is not None}
        # Start from the best answer and lower it until every binding agrees.
        best: dict[str, Kind | None] = {}
        for name in hopeful:
            best[name] = self._first(assigned[name])
        scope.update(best)
        for _ in range(8):
            changed = False
            for name in hopeful:
                kinds = {self.of(value) for value in assigned[name] if value is not None}
                joined = _join(kinds)
                if joined != scope[name]:
                    scope[name] = joined if _lower(joined, scope[name]) else None
                    changed = True
            if not changed:
                return
        for name in hopeful:
            scope[name] = None

    def _first(self, values: list[ast.expr | None]) -> Kind | None:
        for value in values:
            if isinstance(value, ast.Constant):
                return self.of(value)
        for value in values:
            if value is not None:
                found = self.of(value)
                if found is not None:
                    return found
        return None

    def leave(self) -> None:
        """End the innermost function, class or module."""
        self._scopes.pop()

    def of(self, node: ast.expr) -> Kind | None:
        """Give the kind of an expression."""
        if isinstance(node, ast.Constant):
            value = node.value
            if isinstance(value, float):
                return SCALAR
            return SMALL if isinstance(value, int) and abs(value) < _LARGE else None
        if isinstance(node, ast.UnaryOp):
            kind = self.of(node.operand)
            if isinstance(node.op, ast.Not):
                return SMALL
            return kind if isinstance(node.op, ast.USub | ast.UAdd) else None
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.BinOp):
            return self._binary(node.left, node.op, node.right)
        if isinstance(node, ast.IfExp):
            return _join({self.of(node.body), self.of(node.orelse)})
        if isinstance(node, ast.NamedExpr):
            return self.of(node.value)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Attribute):
            path = self._dotted(node)
            return SCALAR if path in _CONSTANTS else None
        return None

    def _name(self, name: str) -> Kind | None:
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope:
                if depth and scope is not self._scopes[0]:
                    return None  # of an enclosing function: it may run again in between
                if scope is self._scopes[0] and name in self._constants:
                    return self.of(self._constants[name])
                return scope[name]
        return None

    def _binary(self, left: ast.expr, op: ast.operator, right: ast.expr) -> Kind | None:
        kinds = (self.of(left), self.of(right))
        if isinstance(op, ast.Div):
            return SCALAR if all(kind in (SCALAR, SMALL) for kind in kinds) else FLOAT
        if isinstance(op, ast.MatMult):
            return FLOAT
        if isinstance(op, ast.Pow) and SCALAR in kinds:
            return FLOAT  # a negative base gives a complex number
        if isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.Mod | ast.FloorDiv):
            if SCALAR in kinds:
                return SCALAR if all(kind in (SCALAR, SMALL) for kind in kinds) else FLOAT
            if kinds == (SMALL, SMALL) and isinstance(op, ast.Add | ast.Sub | ast.Mod):
                constant = isinstance(left, ast.Constant) or isinstance(right, ast.Constant)
                return SMALL if constant else None
            if FLOAT in kinds and all(kind in (FLOAT, SMALL) for kind in kinds):
                return FLOAT
        return None

    def _call(self, node: ast.Call) -> Kind | None:
        func = node.func
        if isinstance(func, ast.Name) and self._is_builtin(func.id):
            if func.id == "float":
                return SCALAR
            if func.id in ("len", "bool"):
                return SMALL
            if func.id == "abs" and len(node.args) == 1:
                return self.of(node.args[0])
            if func.id in ("min", "max") and len(node.args) > 1:
                return _join({self.of(arg) for arg in node.args})
            return None
        path = self._dotted(func)
        if path is None:
            return None
        module, _, name = path.rpartition(".")
        if module == "math":
            return None if name in _MATH_INTEGERS else SCALAR
        if module == "numpy" and name in _NUMPY_VALUES:
            return FLOAT
        if path == "numpy.linalg.norm" and len(node.args) == 1 and not node.keywords:
            return FLOAT  # one value, but of NumPy: it would make an array of a list beside it
        return None

    def is_bounded(self, left: ast.expr, op: ast.operator, right: ast.expr) -> bool:
        """Whether an operator can neither grow nor broadcast: with an array it takes its time."""
        kinds = (self.of(left), self.of(right))
        if isinstance(op, ast.MatMult | ast.LShift):
            return False
        if isinstance(op, ast.Mod) and kinds[0] is None:
            return False  # text on the left
        if SCALAR in kinds:
            return True
        if isinstance(op, ast.Pow):
            # An exponent of a few: an array or float is squared, an integer could grow.
            return kinds[0] == FLOAT and kinds[1] == SMALL
        if FLOAT in kinds and SMALL in kinds:
            return True
        if isinstance(op, ast.Mult):
            return kinds == (SMALL, SMALL) and self._binary(left, ast.Add(), right) == SMALL
        # Adding a small number lengthens an integer by a bit at most.
        return SMALL in kinds and not isinstance(op, ast.LShift)

    def is_bounded_change(self, target: ast.Name, op: ast.operator, value: ast.expr) -> bool:
        """Whether ``target op= value`` can neither grow nor change a container in place."""
        kind = self.of(value)
        number = self.of(target) in (SCALAR, FLOAT)  # no list, so nothing grows in place
        if isinstance(op, ast.Add | ast.Sub | ast.Div | ast.FloorDiv):
            return number or kind in (SCALAR, SMALL)
        if isinstance(op, ast.Mult):
            return kind == SCALAR or (number and kind is not None)
        return False

    def is_bounded_comparison(self, left: ast.expr, right: ast.expr) -> bool:
        """Whether a comparison is with one value, so that it cannot broadcast."""
        for side in (left, right):
            if isinstance(side, ast.Constant) or self.of(side) in (SCALAR, SMALL):
                return True
            if isinstance(side, ast.Tuple | ast.JoinedStr):
                return True
            if (
                isinstance(side, ast.Name)
                and side.id in self._constants
                and self._module_name(side.id)
            ):
                return True
        return False

    def is_number(self, *nodes: ast.expr) -> bool:
        """Whether each of some expressions is surely one number, and no large one."""
        return all(self.of(node) in (SCALAR, SMALL) for node in nodes)

    def _module_name(self, name: str) -> bool:
        return all(name not in scope for scope in self._scopes[1:])

    def is_place(self, node: ast.expr) -> bool:
        """Whether an index can only stand for one place of a list, as far as its form tells."""
        if isinstance(node, ast.Tuple):
            return all(map(self.is_place, node.elts))
        if isinstance(node, ast.Constant):
            return node.value is not ...
        is_mask = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert)
        return not (is_mask or isinstance(node, ast.Slice | ast.Compare | ast.List))

    def is_simple_index(self, node: ast.expr) -> bool:
        """Whether an index is surely one value, a slice, or a tuple of these."""
        if isinstance(node, ast.Slice):
            return True
        if isinstance(node, ast.Constant | ast.JoinedStr):
            return True
        if isinstance(node, ast.Tuple):
            return all(self.is_simple_index(item) for item in node.elts)
        if isinstance(node, ast.Name) and node.id in self._constants:
            return self._module_name(node.id)
        return self.of(node) == SMALL


_CONSTANTS: Final = frozenset(
    f"{module}.{name}"
    for module in ("numpy", "math")
    for name in ("pi", "e", "inf", "nan", "tau", "euler_gamma")
)


def _join(kinds: set[Kind | None]) -> Kind | None:
    if len(kinds) == 1:
        return next(iter(kinds))
    if not kinds or None in kinds:
        return None
    return FLOAT if SMALL not in kinds else None


def _lower(new: Kind | None, old: Kind | None) -> bool:
    order = {SMALL: 3, SCALAR: 2, FLOAT: 1, None: 0}
    return order[new] <= order[old]


def _own(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        item = waiting.pop()
        found.append(item)
        if not isinstance(item, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(item))
    return found


def _note(
    item: ast.AST,
    assigned: dict[str, list[ast.expr | None]],
    is_builtin: Callable[[str], bool],
) -> None:
    """Note what one node binds: a list of expressions, with None for what is not known."""

    def unknown(target: ast.AST) -> None:
        for inner in ast.walk(target):
            if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
                assigned.setdefault(inner.id, []).append(None)

    if isinstance(item, ast.Assign):
        for target in item.targets:
            if isinstance(target, ast.Name):
                assigned.setdefault(target.id, []).append(item.value)
            else:
                unknown(target)
    elif isinstance(item, ast.AnnAssign):
        if isinstance(item.target, ast.Name) and item.value is not None:
            assigned.setdefault(item.target.id, []).append(item.value)
    elif isinstance(item, ast.AugAssign):
        if isinstance(item.target, ast.Name):
            load = ast.Name(item.target.id, ast.Load())
            value = ast.BinOp(load, item.op, item.value)
            assigned.setdefault(item.target.id, []).append(value)
    elif isinstance(item, ast.NamedExpr):
        assigned.setdefault(item.target.id, []).append(item.value)
    elif isinstance(item, ast.For | ast.comprehension):
        if isinstance(item.target, ast.Name) and _is_range(item.iter) and is_builtin("range"):
            assigned.setdefault(item.target.id, []).append(ast.Constant(0))
        else:
            unknown(item.target)
    elif isinstance(item, ast.arg):
        assigned.setdefault(item.arg, []).append(None)
    elif isinstance(item, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        if item.name:
            assigned.setdefault(item.name, []).append(None)
    elif isinstance(item, ast.FunctionDef | ast.ClassDef):
        assigned.setdefault(item.name, []).append(None)
    elif isinstance(item, ast.alias):
        name = item.asname or item.name.partition(".")[0]
        assigned.setdefault(name, []).append(None)
    elif isinstance(item, ast.withitem) and item.optional_vars is not None:
        unknown(item.optional_vars)


def _is_range(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "range"
        and len(node.args) == 1
    )
