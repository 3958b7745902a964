"""What a kernel costs, read off its core: the most fuel a row can use, and work by source line.

Both are static. The fuel is a bound: of two branches the dearer one, of a loop that may be left all
turns; where a number of turns depends on the data there is none. The work is an estimate, in
instructions of a processor: a condition is taken to hold half the time, a loop without a known
number of turns to run `TURNS` times, and a loop that becomes vector instructions to cost an eighth.
It tells where a program spends its time, not how much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.tiers.compiled.core import (
    COMPARE,
    FLOATS,
    Block,
    Break,
    For,
    If,
    Invoke,
    Kernel,
    Let,
    Lit,
    Loop,
    Set,
    Stmt,
    Store,
    Var,
)
from sandbox.tiers.compiled.points import FUEL, STATUS

__all__ = ["TURNS", "fuel_bound", "line_costs"]

TURNS: Final = 10
_LANES: Final = 8
_SHARE: Final = 1_000
"""Costs are counted in thousandths, so that they stay whole."""
_OPERATIONS: Final = {"div": 4, "sqrt": 6, "floordiv": 6, "mod": 6, "pow": 40}
_PLAIN: Final = COMPARE | {
    "load",
    "copy",
    "select",
    "cast",
    "not",
    "and",
    "or",
    "xor",
    "neg",
    "abs",
    "min",
    "max",
    "add",
    "sub",
    "mul",
    "fma",
    "shl",
    "shr",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "copysign",
    "add_overflows",
    "sub_overflows",
    "mul_overflows",
}
_FUNCTION: Final = 25
_MOST: Final = 1 << 62


def fuel_bound(kernel: Kernel) -> int | None:
    """Give the most units that one row can be charged by a kernel, or None where data decides."""
    charged = _fuel(kernel.body, {})
    return charged if charged is None or charged < _MOST else None


def _fuel(body: list[Stmt], sums: dict[str, int | None]) -> int | None:
    total = 0
    for item in body:
        more: int | None = 0
        match item:
            case Let(var=var, op="add", args=(first, amount)) if first == FUEL:
                sums[var.name] = int(amount.value) if isinstance(amount, Lit) else None
            case Set(var=var, value=Var(name=name)) if var == FUEL:
                more = sums.get(name, 0)
            case If(then=then, other=other):
                sides = [_fuel(side, sums) for side in (then, other)]
                more = None if sides[0] is None or sides[1] is None else max(sides[0], sides[1])
            case For(count=count, body=inner):
                turn = _fuel(inner, sums)
                if turn:
                    more = turn * int(count.value) if isinstance(count, Lit) else None
                else:
                    more = turn
            case Loop(body=inner):
                more = None if _fuel(inner, sums) != 0 else 0
            case Block(body=inner):
                more = _fuel(inner, sums)
        if more is None:
            return None
        total += more
    return total


def line_costs(kernel: Kernel, lines: Mapping[str, int]) -> dict[int, int]:
    """Estimate the work of one row by source line.

    Args:
        kernel: As it is handed to the code generator.
        lines: Source line by name of temporary and variable.

    Returns:
        Instructions by line; 0 is what belongs to no line.
    """
    found: dict[int, int] = {}
    _work(kernel.body, lines, _SHARE, 0, found)
    return {line: max(1, cost // _SHARE) for line, cost in found.items() if cost}


def _work(
    body: list[Stmt], lines: Mapping[str, int], share: int, line: int, found: dict[int, int]
) -> None:
    for item in body:
        match item:
            case Let(var=var, op=op):
                line = lines.get(var.name, line)
                found[line] = found.get(line, 0) + share * _price(op, var)
            case Set(var=var):
                line = lines.get(var.name, line)
            case Store():
                found[line] = found.get(line, 0) + share
            case Invoke(var=var):
                line = lines.get(var.name, line)
                found[line] = found.get(line, 0) + share * _FUNCTION
            case If(then=then, other=other):
                if _ends_badly(then) or _ends_badly(other):
                    _work(other if _ends_badly(then) else then, lines, share, line, found)
                    continue
                for side in (then, other):
                    _work(side, lines, max(share // 2, 1), line, found)
            case For(count=count, body=inner, label=label):
                turns = int(count.value) if isinstance(count, Lit) else TURNS
                inside = share * turns // (_LANES if label.startswith("scan") else 1)
                _work(inner, lines, max(inside, 1), line, found)
            case Loop(body=inner):
                _work(inner, lines, share * TURNS, line, found)
            case Block(body=inner):
                _work(inner, lines, share, line, found)


def _price(op: str, var: Var) -> int:
    if op in _OPERATIONS:
        return _OPERATIONS[op] if op != "div" or var.ty in FLOATS else _OPERATIONS["mod"]
    return 1 if op in _PLAIN else _FUNCTION


def _ends_badly(body: list[Stmt]) -> bool:
    """Whether a block ends the row with a failure."""
    return (
        bool(body)
        and isinstance(body[-1], Break)
        and any(
            isinstance(item, Set)
            and item.var == STATUS
            and isinstance(item.value, Lit)
            and item.value.value != 0
            for item in body
        )
    )
