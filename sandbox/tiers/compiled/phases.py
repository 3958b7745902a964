"""The body of a block of rows cut at its calls of mathematical functions: a pass over core.

A call of a function keeps LLVM from computing several rows with one instruction. So the body of a
straight kernel is cut into phases, each of which goes over all rows of the block before the next
begins: what leads to the first calls, those calls, what leads to the next ones. What lies between
two calls becomes vector instructions; a call of a vector function has rows in all of its lanes; and
a call of the C library stands in a loop in which nothing else is kept. Every row computes what it
computed before, in the same order and with the same functions, so its result has the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sandbox.tiers.compiled.core import (
    MATH,
    Atom,
    Block,
    Break,
    For,
    If,
    Invoke,
    Let,
    Loop,
    Region,
    Set,
    Stmt,
    Store,
    Var,
)
from sandbox.tiers.compiled.vectors import vector_of

__all__ = ["Phase", "is_vector", "phases_of", "slots_of"]

_MOST_KEPT: Final = 24
"""Numbers of a row that wait from one phase to the next; beyond, they cost more than they save."""
_FOLDED: Final = frozenset({"pow"})
"""Functions that LLVM often turns into something simpler, so they stay among other statements."""

_SLOW: Final = frozenset({"sqrt"})
"""Worth a phase of their own: they take their time, and eight take little more than one, but next
to the scattered reads of inputs LLVM leaves them one by one."""


@dataclass(slots=True)
class Phase:
    """Statements for each row of a block, or calls of functions that do not depend on one another.

    Attributes:
        calls: Whether these are calls, made one after the other over all rows.
        taken: What it reads of earlier phases.
        kept: What later phases read of it.
    """

    body: list[Stmt]
    calls: bool = False
    taken: list[Var] = field(default_factory=list)
    kept: list[Var] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """Whether it has no call of a function, so that it may become vector instructions."""
        return not any(_has_calls([item]) for item in self.body)


def is_vector(item: Let) -> bool:
    """Whether an operation is a vector function of NumPy."""
    name = item.op.removeprefix("np.")
    return name != item.op and vector_of(name, item.var.ty) is not None


def phases_of(body: list[Stmt], good: Var, regions: dict[str, Region]) -> list[Phase] | None:
    """Cut the body of a row at its calls.

    Args:
        body: As `sandbox.tiers.compiled.blocks` gives it.
        good: What is read at the end.
        regions: Those of the kernel.

    Returns:
        The phases in order, or None where the body is not straight or has no calls to cut at.
    """
    flat: list[Stmt] = []
    for item in body:
        flat.extend(item.body if isinstance(item, Block) else [item])
    if not _straight(flat, regions):
        return None
    slots = slots_of(flat)
    level: dict[str, int] = {}
    ordered, last = 0, 0
    plain: dict[int, list[Stmt]] = {}
    calls: dict[int, list[Stmt]] = {}
    for item in flat:
        reads, writes = _names(item)
        at = max((level.get(name, 0) for name in reads), default=0)
        if not isinstance(item, Let) or reads & slots:
            # What changes something, or reads what is changed, stays in its order.
            at = ordered = max(at, ordered)
        elif item.op in _SLOW:
            at += 1
        last = max(last, at)
        if isinstance(item, Let) and _is_call(item):
            calls.setdefault(at, []).append(item)
            at += 1
        else:
            plain.setdefault(at, []).append(item)
        for name in writes:
            level[name] = at
    if not calls:
        return None
    made = []
    for at in range(max(last, *(place + 1 for place in calls)) + 1):
        if at in plain:
            made.append(Phase(plain[at]))
        if at in calls:
            made.append(Phase(calls[at], calls=True))
    if made[-1].calls:
        made.append(Phase([]))
    _link(made, good, slots)
    return made if sum(len(phase.kept) for phase in made) <= _MOST_KEPT else None


def _link(made: list[Phase], good: Var, slots: set[str]) -> None:
    """Find what goes from phase to phase."""
    types: dict[str, Var] = {}
    known: set[str] = set()
    uses: list[set[str]] = []
    defines: list[set[str]] = []
    for phase in made:
        reads: set[str] = set()
        writes: set[str] = set()
        for item in phase.body:
            found, changed = _names(item)
            reads |= found
            writes |= changed
            types |= {var.name: var for var in _vars(item)}
        # A variable that is changed on one of two ways has the value from before on the other.
        uses.append((reads | (writes & slots)) & known)
        defines.append(writes)
        known |= writes
    uses[-1] |= {good.name} - defines[-1]
    types[good.name] = good
    for place, phase in enumerate(made):
        later: set[str] = set().union(*uses[place + 1 :])
        phase.taken = [types[name] for name in sorted(uses[place])]
        phase.kept = [types[name] for name in sorted(defines[place] & later)]


def _straight(body: list[Stmt], regions: dict[str, Region]) -> bool:
    """Whether statements run one after the other, and read nothing but inputs."""
    for item in body:
        match item:
            case Break() | For() | Loop() | Block() | Invoke():
                return False
            case Let(op="load", region=region) if region is None or regions[region].kind != "input":
                return False
            case Store(region=region) if regions[region].kind != "output":
                return False
            case If(then=then, other=other):
                if not (_straight(then, regions) and _straight(other, regions)):
                    return False
    return True


def _is_call(item: Let) -> bool:
    return (item.op in MATH and item.op not in _FOLDED) or is_vector(item)


def _has_calls(body: list[Stmt]) -> bool:
    return any(
        (isinstance(item, Let) and (item.op in MATH or item.op.startswith("np.")))
        or (isinstance(item, If) and (_has_calls(item.then) or _has_calls(item.other)))
        for item in body
    )


def slots_of(body: list[Stmt]) -> set[str]:
    """Give the names of variables that statements without loops set."""
    found: set[str] = set()
    for item in body:
        match item:
            case Set(var=var):
                found.add(var.name)
            case If(then=then, other=other):
                found |= slots_of(then) | slots_of(other)
    return found


def _atoms(item: Stmt) -> list[Atom]:
    match item:
        case Let(args=args):
            return list(args)
        case Set(value=value):
            return [value]
        case Store(index=index, value=value):
            return [index, value]
        case If(cond=cond):
            return [cond]
    return []


def _names(item: Stmt) -> tuple[set[str], set[str]]:
    """Give the names that a statement reads, and those that it gives a value."""
    reads = {atom.name for atom in _atoms(item) if isinstance(atom, Var)}
    writes = {item.var.name} if isinstance(item, Let | Set) else set[str]()
    if isinstance(item, If):
        for inner in (*item.then, *item.other):
            found, changed = _names(inner)
            reads |= found
            writes |= changed
    return reads, writes


def _vars(item: Stmt) -> list[Var]:
    found = [atom for atom in _atoms(item) if isinstance(atom, Var)]
    if isinstance(item, Let | Set):
        found.append(item.var)
    if isinstance(item, If):
        found += [var for inner in (*item.then, *item.other) for var in _vars(inner)]
    return found
