"""What the form of an expression says about its value: that it can be zero, or hold nothing.

Small questions that `sandbox.hazards` asks, without regard to the function around the expression.
"""

# ruff: noqa: SIM905 - word lists read as words
from __future__ import annotations

import ast
from typing import Final

from sandbox.trees import walk

__all__ = [
    "called_name",
    "can_be_zero",
    "collected_sometimes",
    "counted_sometimes",
    "divides",
    "is_element",
    "is_search",
    "is_written",
    "key_of",
    "names_read",
    "root_name",
    "sums_squares",
    "tested_parts",
]

_CAN_BE_ZERO: Final = frozenset("norm sum len std var count_nonzero ptp hypot dist nansum".split())


_GUARDS: Final = frozenset("max maximum min minimum clip where fmax nan_to_num isclose".split())


def key_of(node: ast.AST) -> str | None:
    """Give ``"x"`` for a name and ``"self.x"`` for an attribute of a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


def called_name(node: ast.AST) -> str:
    """Give the last name of what a call calls."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def can_be_zero(node: ast.expr) -> bool:
    """Whether an expression is a call whose result is zero for some arguments."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return can_be_zero(node.left) or can_be_zero(node.right)
    name = called_name(node)
    if isinstance(node, ast.Call) and len(node.args) == 1:
        part = node.args[0]
        if name in ("float", "int", "abs", "round"):
            is_difference = isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub)
            return can_be_zero(part) or (name == "abs" and (is_difference or is_element(part)))
        if name == "sqrt":
            return can_be_zero(part) or sums_squares(part)
    return name in _CAN_BE_ZERO


def is_element(node: ast.expr) -> bool:
    """Whether an expression is one number out of something: ``obs[2]``, ``pos["x"][0]``."""
    if not isinstance(node, ast.Subscript):
        return False
    index = node.slice.operand if isinstance(node.slice, ast.UnaryOp) else node.slice
    return isinstance(index, ast.Constant) and type(index.value) is int


def sums_squares(node: ast.expr) -> bool:
    """Whether an expression is a sum of squares and nothing else."""
    if not isinstance(node, ast.BinOp):
        return False
    if isinstance(node.op, ast.Add):
        return sums_squares(node.left) and sums_squares(node.right)
    is_two = isinstance(node.right, ast.Constant) and node.right.value == 2
    same = ast.dump(node.left) == ast.dump(node.right) if isinstance(node.op, ast.Mult) else False
    return same or (isinstance(node.op, ast.Pow) and is_two)


def is_search(node: ast.expr) -> bool:
    """Whether a call gives indices: ``np.where(condition)``, ``np.nonzero(x)``."""
    return (
        isinstance(node, ast.Call)
        and called_name(node) in ("where", "nonzero")
        and len(node.args) == 1
    )


def is_written(node: ast.expr) -> bool:
    """Whether an expression is a number, a text or a container as written, not None or a bool."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float | complex | str | bytes) and not isinstance(
            node.value, bool
        )
    return isinstance(node, ast.Tuple | ast.List | ast.Dict | ast.Set)


def root_name(node: ast.expr) -> str:
    """Give ``"np"`` for ``np.linalg.norm``, and "" where no name is at the root."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def collected_sometimes(body: list[ast.stmt]) -> set[str]:
    """Give the lists that are appended to, and only where a condition holds."""
    always: set[str] = set()
    sometimes: set[str] = set()
    waiting = [(item, False) for item in body]
    while waiting:
        node, conditional = waiting.pop()
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            name = key_of(call.func.value)
            if name and call.func.attr in ("append", "extend", "insert"):
                (sometimes if conditional else always).add(name)
        if isinstance(node, ast.For | ast.While | ast.If | ast.With):
            inner = conditional or isinstance(node, ast.If)
            rest = [] if isinstance(node, ast.With) else node.orelse
            waiting.extend((item, inner) for item in (*node.body, *rest))
        elif isinstance(node, ast.Try | ast.Match):
            # What is collected there is left alone.
            always.update(name for item in walk(node) if (name := key_of(item)))
    return sometimes - always


def counted_sometimes(body: list[ast.stmt]) -> dict[str, ast.Constant]:
    """Give the names that begin at zero and are added to only where a condition holds.

    What stands behind ``if ...: continue`` runs under a condition too.

    Returns:
        For each name the zero as written.
    """
    zero: dict[str, ast.Constant] = {}
    always: set[str] = set()
    sometimes: set[str] = set()
    waiting: list[tuple[list[ast.stmt], bool]] = [(body, False)]
    while waiting:
        block, conditional = waiting.pop()
        for node in block:
            if isinstance(node, ast.AugAssign):
                is_sum = conditional and isinstance(node.op, ast.Add)
                (sometimes if is_sum else always).add(key_of(node.target) or "")
            elif isinstance(node, ast.Assign):
                value = node.value
                names = [key_of(part) or "" for item in node.targets for part in walk(item)]
                if isinstance(value, ast.Constant) and value.value == 0 and not conditional:
                    zero.update(dict.fromkeys(names, value))
                else:
                    always.update(names)
            elif isinstance(node, ast.For | ast.While):
                # A loop of its own says nothing: most go over fixed lists.
                waiting.extend(((node.body, conditional), (node.orelse, conditional)))
            elif isinstance(node, ast.If):
                has_else = bool(node.orelse) and not isinstance(node.orelse[0], ast.If)
                # With an `else` one of the branches runs, and both may count.
                waiting.append((node.body, conditional or not has_else))
                waiting.append((node.orelse, conditional or not has_else))
                if isinstance(node.body[-1], ast.Continue):
                    conditional = True
            elif isinstance(node, ast.With):
                waiting.append((node.body, conditional))
            elif isinstance(node, ast.Try | ast.Match):
                # What is counted there is left alone.
                always.update(name for item in walk(node) if (name := key_of(item)))
    return {name: zero[name] for name in zero if name in sometimes - always}


def divides(node: ast.expr) -> bool:
    """Whether an expression is a quotient or a remainder."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod)


def tested_parts(item: ast.AST) -> list[ast.AST]:
    """Give the expressions whose value one node tests, clips or pads."""
    if isinstance(item, ast.If | ast.While | ast.IfExp | ast.Assert):
        return [item.test]
    if isinstance(item, ast.comprehension):
        return list(item.ifs)
    if isinstance(item, ast.BoolOp):
        return list(item.values)
    if isinstance(item, ast.Try):
        return list(item.body)
    if isinstance(item, ast.Call) and called_name(item) in _GUARDS:
        is_builtin_of_one = isinstance(item.func, ast.Name) and len(item.args) == 1
        is_method = isinstance(item.func, ast.Attribute) and len(item.args) < 2
        if not is_builtin_of_one and not is_method:
            # `clip(1 / x, 0, 1)` guards the quotient and not the divisor.
            return [part for part in item.args if not divides(part)]
    return []


def names_read(node: ast.AST) -> set[str]:
    """Give the names and attributes an expression reads, without modules and functions."""
    found: set[str] = set()
    called = {id(item.func) for item in walk(node) if isinstance(item, ast.Call)}
    for item in walk(node):
        if isinstance(item, ast.Attribute):
            name = key_of(item)
            if name and id(item) not in called:
                found.add(name)
        elif isinstance(item, ast.Name) and id(item) not in called:
            found.add(item.id)
    return found - {"np", "math", "self", "numpy", "np.linalg", "numpy.linalg"}
