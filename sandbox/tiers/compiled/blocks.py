"""Blocks of rows that go through without a look at each: which kernels have them, and what they skip.

A row asks whether it is wanted, and writes its fuel, that it has no failure, and that it is done.
Next to two square roots and two exponentials that is a tenth of the time. So a short kernel goes
through blocks of `ROWS` rows: where all rows of a block are wanted, they are computed one after the
other, and what every good row writes alike is written for all of them at once. If one row of the
block goes wrong, the block is computed again, row by row; so only a kernel that gives the same a
second time, which reads nothing that it writes, is worked in blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sandbox.tiers.compiled.core import (
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
    size_of,
)
from sandbox.tiers.compiled.points import FUEL

__all__ = ["FUEL_OUT", "ROWS", "Fast", "fast_of"]

ROWS: Final = 64
"""Rows of a block: their markers are one cache line."""
FUEL_OUT: Final = "out:fuel"
_LARGEST: Final = 400
"""Statements: of a longer kernel the ends of rows are a small part, and its code would double."""


@dataclass(frozen=True, slots=True)
class Fast:
    """A row that is wanted and goes well.

    Attributes:
        body: What it does, but for the end that tells good rows from bad ones.
        good: Whether it went well.
        fuel: What each good row has used, where that is one number; then ``body`` does not
            write it.
    """

    body: list[Stmt]
    good: Var
    fuel: int | None


def fast_of(kernel: Kernel) -> Fast | None:
    """Give a kernel's row for blocks, or None where it has none.

    Args:
        kernel: As `sandbox.tiers.compiled.kernel` closes it: its last statement tells good rows
            from bad ones.
    """
    if not kernel.body or size_of(kernel.body) > _LARGEST:
        return None
    end = kernel.body[-1]
    if any(region.stride not in {None, region.size} for region in kernel.regions.values()):
        # Rows that are not one behind another cannot be written at once.
        return None
    if not (isinstance(end, If) and isinstance(end.cond, Var)):
        return None
    body = kernel.body[:-1]
    written = {name for name in _touched(body, written=True) if name in kernel.regions}
    read = _touched(body, written=False)
    outputs = {name for name in written if kernel.regions[name].kind != "scratch"}
    if outputs & read or any(kernel.regions[name].kind == "state" for name in outputs):
        return None
    fuel = _only_fuel(body)
    if fuel is not None:
        body = [item for item in body if not (isinstance(item, Store) and item.region == FUEL_OUT)]
    return Fast(body, end.cond, fuel)


def _touched(body: list[Stmt], *, written: bool) -> set[str]:
    """Give the regions that statements read or write."""
    found: set[str] = set()
    for item in body:
        match item:
            case Let(op="load", region=str(name)) if not written:
                found.add(name)
            case Store(region=name) if written:
                found.add(name)
            case Invoke(args=args):
                found |= {
                    arg.region
                    for arg in args
                    if not isinstance(arg, Var | Lit) and (arg.written or not written)
                }
            case If(then=then, other=other):
                found |= _touched(then, written=written) | _touched(other, written=written)
            case For(body=inner) | Loop(body=inner) | Block(body=inner):
                found |= _touched(inner, written=written)
    return found


def _only_fuel(body: list[Stmt]) -> int | None:
    """Give what every good row writes as its fuel, where it is the same and known."""
    known: dict[str, int | None] = {FUEL.name: 0}
    _follow(body, known, set())
    stores = [item for item in body if isinstance(item, Store) and item.region == FUEL_OUT]
    if len(stores) != 1:
        return None
    value = stores[0].value
    return known.get(value.name) if isinstance(value, Var) else int(value.value)


def _follow(body: list[Stmt], known: dict[str, int | None], left: set[int | None]) -> bool:
    """Follow the fuel through statements; say whether their end is reached.

    Args:
        body: The statements.
        known: What the fuel and its copies are, changed in place; None where that is not known.
        left: Takes the fuel where a break leaves them, whichever it is: a failure may be caught.
    """
    for item in body:
        match item:
            case Let(var=var, op="copy" | "add" | "select", args=args) if FUEL in args:
                known[var.name] = _result(item, known[FUEL.name])
            case Set(var=var, value=Lit(value=value)) if var == FUEL:
                known[FUEL.name] = int(value)
            case Set(var=var, value=Var(name=name)) if var == FUEL:
                known[FUEL.name] = known.get(name)
            case If(then=then, other=other):
                ends = set()
                for side in (then, other):
                    inner = dict(known)
                    if _follow(side, inner, left):
                        ends.add(inner[FUEL.name])
                if not ends:
                    return False
                known[FUEL.name] = ends.pop() if len(ends) == 1 else None
            case Block(body=inside):
                leaves: set[int | None] = set()
                if _follow(inside, known, leaves):
                    leaves.add(known[FUEL.name])
                known[FUEL.name] = leaves.pop() if len(leaves) == 1 else None
                left |= leaves
            case For(body=inside) | Loop(body=inside):
                before = known[FUEL.name]
                _follow(inside, known, left)
                if known[FUEL.name] != before:
                    known[FUEL.name] = None
            case Break():
                left.add(known[FUEL.name])
                return False
    return True


def _result(item: Let, fuel: int | None) -> int | None:
    """Give the result of an operation on the fuel."""
    if fuel is None or item.op == "copy":
        return fuel
    if item.op == "add" and isinstance(item.args[1], Lit):
        return fuel + int(item.args[1].value)
    if item.op == "select" and isinstance(item.args[1], Lit):
        # What is written is never more than the limit.
        return min(fuel, int(item.args[1].value))
    return None
