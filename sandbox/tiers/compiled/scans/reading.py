"""One loop read as a scan: what a turn does to each variable, or that it does something else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, TypeAlias

from sandbox.tiers.compiled.core import (
    COMPARE,
    FLOATS,
    Atom,
    Block,
    For,
    If,
    Invoke,
    Let,
    Lit,
    Loop,
    Set,
    Stmt,
    Store,
    Var,
    atoms_of,
    size_of,
)
from sandbox.tiers.compiled.points import FUEL
from sandbox.tiers.compiled.scans.expressions import Node, Pool, linear, span

__all__ = [
    "ROOM",
    "Fold",
    "Given",
    "NoScanError",
    "Reader",
    "Scan",
    "count_reads",
    "note_assigned",
    "what_is_done",
]

LEAST_TURNS: Final = 8
MOST_TURNS: Final = 1 << 24
MOST_STATEMENTS: Final = 240
MOST_NODES: Final = 128
ROOM: Final = 1 << 62
PURE: Final = COMPARE | {
    "and", "or", "xor", "not", "add", "sub", "mul", "neg", "abs", "min", "max", "select", "cast",
}  # fmt: skip
FLOAT: Final = frozenset({"add", "sub", "mul", "div", "neg", "abs"})


class NoScanError(Exception):
    """The loop does something that a scan does not."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The variable keeps its value."""


@dataclass(frozen=True, slots=True)
class Fold:
    """The variable is combined with a value: ``add``, ``or``, ``and``, ``min`` or ``max``."""

    op: str
    value: int


@dataclass(frozen=True, slots=True)
class Given:
    """The variable is set to a value."""

    value: int


@dataclass(frozen=True, slots=True)
class Either:
    """One of two things, by a condition."""

    cond: int
    then: Change
    other: Change


Change: TypeAlias = Keep | Fold | Given | Either
KEEP: Final = Keep()
Symbol: TypeAlias = "tuple[str | None, Change]"
"""Of which variable's start value it is a change (None: of none), and the change."""


@dataclass(slots=True)
class Scan:
    """What a loop does, turn by turn and in all.

    Attributes:
        counts: Turns of the outer loop and of the inner one; 1 for the outer where there is one.
        changes: What a turn does to each variable that is read after the loop.
        fuel: What all turns charge together.
        metered: Whether the loop looks at its fuel.
        guards: Variables that must be far from the ends of 64 bits for the sums to stay inside.
        outside: Names that it reads and that are not its own.
        loads: Places of the expressions that read memory.
    """

    counts: tuple[int, int]
    changes: dict[Var, Change]
    fuel: int
    metered: bool
    guards: list[Var]
    outside: set[str]
    loads: set[int]

    @property
    def guarded(self) -> bool:
        """Whether something might run out in it."""
        return bool(self.fuel or self.metered or self.guards)


class Reader:
    """Reads one loop as a scan."""

    def __init__(self, pool: Pool, limit: int, reads: Counter[str]) -> None:
        self.pool = pool
        self.limit = limit
        self.reads = reads
        self.assigned: set[str] = set()
        self.pure: dict[str, int] = {}
        self.symbols: dict[str, Symbol] = {}
        self.known: dict[str, bool] = {}
        self.env: dict[str, Symbol | None] = {}
        self.vars: dict[str, Var] = {}
        self.entered_with: set[str] = set()
        self.fuel = 0
        self.metered = False
        self.steepest = 0
        self.charged: dict[str, int] = {}
        self.guards: dict[str, Var] = {}
        self.outside: set[str] = set()
        self.loads: set[int] = set()

    def loop(self, item: For) -> Scan:
        """Read a loop, or two of which the outer one does little but run the inner one.

        Raises:
            NoScanError: If it is no scan.
        """
        if not isinstance(item.count, Lit) or size_of([item]) > MOST_STATEMENTS:
            raise NoScanError
        own: Counter[str] = Counter()
        count_reads([item], own)
        note_assigned([item], self.assigned)
        inside = [k for k, part in enumerate(item.body) if isinstance(part, For)]
        counts = (1, int(item.count.value))
        if len(inside) == 1:
            within = item.body[inside[0]]
            assert isinstance(within, For)
            if not isinstance(within.count, Lit):
                raise NoScanError
            counts = (counts[1], int(within.count.value))
            changes = self._nest(item, within, inside[0], own)
        else:
            self.pure[item.var.name] = self.pool.index(1)
            self.block(item.body)
            changes = self._left(own, set())
        turns = counts[0] * counts[1]
        if not LEAST_TURNS <= turns <= MOST_TURNS or len(self.pool.nodes) > MOST_NODES:
            raise NoScanError
        if self.steepest * turns * MOST_STATEMENTS >= ROOM:
            raise NoScanError
        scan = Scan(
            counts,
            {self.vars[name]: change for name, change in changes.items()},
            counts[0] * self.fuel,
            self.metered,
            [self.vars.get(name, var) for name, var in self.guards.items()],
            self.outside - self.assigned,
            self.loads,
        )
        for place in scan.loads:
            self._check_inside(place, counts)
        return scan

    def _nest(self, item: For, within: For, place: int, own: Counter[str]) -> dict[str, Change]:
        self.pure[item.var.name] = self.pool.index(0)
        self.pure[within.var.name] = self.pool.index(1)
        self.block(item.body[:place])
        started: dict[str, str] = {}
        for name, symbol in self.env.items():
            if symbol is None or symbol[0] is None or symbol[1] != KEEP:
                raise NoScanError
            started[name] = symbol[0]
        outer_fuel, self.fuel = self.fuel, 0
        self.env = {}
        self.block(within.body)
        assert isinstance(within.count, Lit)
        self.fuel = outer_fuel + int(within.count.value) * self.fuel
        back: dict[str, str] = {}
        for part in item.body[place + 1 :]:
            match part:
                case Set(var=var, value=Var(name=name)) if started.get(name) == var.name:
                    back[name] = var.name
                    self.vars[var.name] = var
                case _:
                    raise NoScanError
        changes = self._left(own, set(back))
        for name in changes:
            if (name in started) != (name in back) or (
                name in started and self.reads[name] > own[name]
            ):
                raise NoScanError
        for name in started:
            if name not in back and name in changes:
                raise NoScanError
        self.guards = {started.get(name, name): var for name, var in self.guards.items()}
        self.guards = {name: Var(name, var.ty) for name, var in self.guards.items()}
        found = {back.get(name, name): change for name, change in changes.items()}
        return {name: change for name, change in found.items() if self.reads[name] > own[name]}

    def _left(self, own: Counter[str], copied: set[str]) -> dict[str, Change]:
        """Give what a turn does to the variables that are read later."""
        changes: dict[str, Change] = {}
        for name, symbol in self.env.items():
            later = self.reads[name] > own[name] or name in copied
            if symbol is None or symbol[0] not in (None, name):
                if later or name in self.entered_with:
                    raise NoScanError
                continue
            if later and symbol[1] != KEEP:
                changes[name] = symbol[1]
        return changes

    def _check_inside(self, place: int, counts: tuple[int, int]) -> None:
        """Make sure that a load stays in its region at every turn, so that any turn may do it."""
        node = self.pool.nodes[place]
        form = linear(self.pool, node.args[0], {})
        if form is None or form.rest:
            raise NoScanError
        low, high = span(form, counts)
        assert node.region is not None
        if low < 0 or high >= self.pool.regions[node.region].size:
            raise NoScanError

    def symbol(self, atom: Atom) -> Symbol:
        """Give what an operand is."""
        if isinstance(atom, Lit):
            return None, Given(self.pool.node(Node("atom", atom.ty, atom=atom)))
        name = atom.name
        if name in self.pure:
            return None, Given(self.pure[name])
        if name in self.symbols:
            return self.symbols[name]
        if name in self.known or name in self.charged:
            raise NoScanError
        if name in self.env:
            found = self.env[name]
            if found is None:
                raise NoScanError
            return found
        if name in self.assigned:
            self.vars[name] = atom
            self.entered_with.add(name)
            return name, KEEP
        self.outside.add(name)
        return None, Given(self.pool.node(Node("atom", atom.ty, atom=atom)))

    def block(self, body: list[Stmt]) -> None:
        """Read statements in order."""
        for part in body:
            match part:
                case Let(var=var, op="load", args=(index,), region=str(region)):
                    place = self.pool.node(Node("load", var.ty, (self._value(index),), region))
                    self.loads.add(place)
                    self.pure[var.name] = place
                case Let(var=var, op="add", args=(Var() as first, Lit(value=more))) if (
                    first == FUEL
                ):
                    self.charged[var.name] = int(more)
                case Let(var=var, op="gt", args=(Var() as first, Lit(value=most))) if first == FUEL:
                    if most != self.limit:
                        raise NoScanError
                    self.known[var.name] = False
                    self.metered = True
                case Let():
                    self._let(part)
                case Set(var=var, value=value) if var == FUEL:
                    if not isinstance(value, Var) or value.name not in self.charged:
                        raise NoScanError
                    self.fuel += self.charged.pop(value.name)
                case Set(var=var, value=value):
                    self.vars[var.name] = var
                    self.env[var.name] = self.symbol(value)
                case If(cond=cond, then=then, other=other):
                    self._if(cond, then, other)
                case _:
                    raise NoScanError

    def _value(self, atom: Atom) -> int:
        base, change = self.symbol(atom)
        if base is not None or not isinstance(change, Given):
            raise NoScanError
        return change.value

    def _let(self, part: Let) -> None:
        """Read an operation: on pure values, or a change of a variable."""
        var, op = part.var, part.op
        first = part.args[0]
        if op == "not" and isinstance(first, Var) and first.name in self.known:
            self.known[var.name] = not self.known[first.name]
            return
        operands = [self.symbol(arg) for arg in part.args]
        if op == "copy":
            if operands[0][0] is None and isinstance(operands[0][1], Given):
                self.pure[var.name] = operands[0][1].value
            else:
                self.symbols[var.name] = operands[0]
            return
        places = [c.value for base, c in operands if base is None and isinstance(c, Given)]
        if len(places) == len(operands):
            self.pure[var.name] = self.pool.node(Node(op, var.ty, tuple(places)))
            self._check_pure(self.pure[var.name])
            return
        base, change = operands[0]
        step = part.args[1] if len(part.args) > 1 else first
        if op in ("add_overflows", "sub_overflows") and base is not None and isinstance(step, Lit):
            # It cannot overflow where the sum starts far enough from the ends.
            self.known[var.name] = False
            self.steepest = max(self.steepest, abs(int(step.value)))
            self.guards[base] = Var(base, first.ty)
            return
        if op == "sub" and base is not None and isinstance(step, Lit) and var.ty == "i64":
            less = self.pool.literal(-int(step.value), "i64")
            self.symbols[var.name] = base, folded("add", change, less)
            return
        if op == "select":
            self.symbols[var.name] = either(self._value(first), operands[1], operands[2])
            return
        if op in ("add", "or", "and", "min", "max") and var.ty not in FLOATS:
            for (base, change), (none, value) in (operands, operands[::-1]):
                if base is not None and none is None and isinstance(value, Given):
                    self.symbols[var.name] = base, folded(op, change, value.value)
                    return
        raise NoScanError

    def _check_pure(self, place: int) -> None:
        """Make sure that an operation can be done at any turn: it traps nowhere and is cheap."""
        node = self.pool.nodes[place]
        if node.op in PURE or (node.op in FLOAT and node.ty in FLOATS):
            return
        if node.op in ("floordiv", "mod"):
            divisor = self.pool.nodes[node.args[1]].atom
            if isinstance(divisor, Lit) and divisor.value != 0:
                return
        raise NoScanError

    def _if(self, cond: Atom, then: list[Stmt], other: list[Stmt]) -> None:
        if isinstance(cond, Var) and cond.name in self.known:
            self.block(then if self.known[cond.name] else other)
            return
        test = self._value(cond)
        before, fuel = dict(self.env), self.fuel
        self.block(then)
        yes, self.env = self.env, dict(before)
        self.block(other)
        no, self.env = self.env, before
        if self.fuel != fuel:
            raise NoScanError
        for name in {**yes, **no}:
            # What a side does not set keeps what it had when the turn began.
            one, two = (side.get(name, (name, KEEP)) for side in (yes, no))
            try:
                self.env[name] = None if one is None or two is None else either(test, one, two)
            except NoScanError:
                # Set on one side for its own use: an error only where it is read again.
                self.env[name] = None


def either(cond: int, yes: Symbol, no: Symbol) -> Symbol:
    if yes == no:
        return yes
    if yes[0] is not None and no[0] is not None and yes[0] != no[0]:
        raise NoScanError
    return yes[0] if yes[0] is not None else no[0], Either(cond, yes[1], no[1])


def folded(op: str, change: Change, value: int) -> Change:
    match change:
        case Keep():
            return Fold(op, value)
        case Either(cond=cond, then=then, other=other):
            return Either(cond, folded(op, then, value), folded(op, other, value))
    raise NoScanError


def what_is_done(pool: Pool, change: Change, cond: int) -> list[tuple[int, Fold | Given]]:
    """Give what is done and under which condition; the conditions exclude one another."""
    match change:
        case Keep():
            return []
        case Either(cond=test, then=then, other=other):
            yes, no = pool.both(cond, test), pool.both(cond, pool.inverse(test))
            return [*what_is_done(pool, then, yes), *what_is_done(pool, other, no)]
    return [(cond, change)]


def note_assigned(body: list[Stmt], names: set[str]) -> None:
    """Collect the variables that statements set."""
    for item in body:
        match item:
            case Set(var=var):
                names.add(var.name)
            case If(then=then, other=other):
                note_assigned(then, names)
                note_assigned(other, names)
            case For(body=inner) | Loop(body=inner) | Block(body=inner):
                note_assigned(inner, names)


def count_reads(body: list[Stmt], reads: Counter[str]) -> None:
    """Count how often each name is read."""

    def note(*atoms: Atom) -> None:
        reads.update(atom.name for atom in atoms if isinstance(atom, Var))

    for item in body:
        match item:
            case Let(args=args):
                note(*args)
            case Set(value=value):
                note(value)
            case Store(index=index, value=value):
                note(index, value)
            case Invoke():
                note(*atoms_of(item))
            case If(cond=cond, then=then, other=other):
                note(cond)
                count_reads(then, reads)
                count_reads(other, reads)
            case For(count=count, body=inner):
                note(count)
                count_reads(inner, reads)
            case Loop(body=inner) | Block(body=inner):
                count_reads(inner, reads)
