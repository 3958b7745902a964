"""Program points: where code is being emitted, and what is known there."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.diagnostics import Span
from sandbox.limits import Limits
from sandbox.parse import Places
from sandbox.tiers.base import Failure
from sandbox.tiers.compiled.core import (
    FLOATS,
    Atom,
    Let,
    Lit,
    Region,
    Set,
    Stmt,
    Ty,
    Var,
    dtype_of,
    fold,
)
from sandbox.tiers.compiled.values import (
    Arr,
    Cell,
    Value,
)

__all__ = [
    "CONSTANTS",
    "ELSEWHERE",
    "EXPLODE",
    "FALSE",
    "FUEL",
    "LONGEST",
    "MARKER",
    "OUT_OF_FUEL",
    "STATUS",
    "TRUE",
    "VARIANTS",
    "Dead",
    "Key",
    "Point",
    "Points",
    "Refused",
    "Target",
    "i64",
]


TRUE: Final[Atom] = Lit(True, "b1")


FALSE: Final[Atom] = Lit(False, "b1")


STATUS: Final = Var("status", "i64")


FUEL: Final = Var("fuel", "i64")
MARKER: Final = "marker"
"""Region of one uint8 a row: pending before, anything else after."""


OUT_OF_FUEL: Final = -4
"""Status of a row that ran out of fuel; 0 is good, above 0 is the number of a failure."""


ELSEWHERE: Final = -5
"""Status of a row that needs what a kernel does not have: a longer list, an integer beyond 64 bits,
text outside ASCII. It is not an end: the runner has the row computed by the interpreted tier. Only
where that tier is not at hand it is out of memory."""


EXPLODE: Final = 16
"""Arrays of at most this many elements are kept as scalars."""


CONSTANTS: Final = 4_096
"""Elements (or characters) that a constant, a list or a string made while lowering may have."""
VARIANTS: Final = 48


LONGEST: Final = 128


_STATEMENTS: Final = 200_000
"""Statements that may be emitted for one kernel, repeated lowering of loops included."""


Key = Any


class Refused(Exception):  # noqa: N818 - not an error: the program runs in the other tier
    """The program has a construct that this tier does not take.

    Attributes:
        code: Such as ``"CMP201"``.
        message: The construct and why it is not taken.
        node: Where it is.
    """

    def __init__(self, code: str, message: str, node: ast.AST | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.node = node


class Dead(Exception):  # noqa: N818 - not an error: the path being lowered has ended
    """The current path ended inside an expression; whoever forked it goes on with the others."""


@dataclass(eq=False, slots=True)
class Point:
    """The end of the code emitted so far on one path."""

    block: list[Stmt]
    vars: dict[Key, Value] = field(default_factory=dict)
    heap: dict[int, Cell] = field(default_factory=dict)
    facts: dict[str, frozenset[int]] = field(default_factory=dict)
    known: dict[Any, Any] = field(default_factory=dict)
    """Operations whose result is at hand, so that they are not emitted again."""

    def fork(self, block: list[Stmt]) -> Point:
        """Give a point that starts with the same knowledge in another block."""
        return Point(block, dict(self.vars), dict(self.heap), dict(self.facts), dict(self.known))


@dataclass(eq=False, slots=True)
class Target:
    """A place that paths jump to."""

    label: str
    exits: list[Point] = field(default_factory=list)


def i64(value: int) -> Lit:
    """Make an int64 literal."""
    return Lit(value, "i64")


class Points:
    """Emits core at the current point."""

    def __init__(self, limits: Limits, places: Places) -> None:
        self.limits = limits
        self.spans = places
        self.current: Point | None = Point([])
        self.counter = 0
        self.emitted = 0
        self.ticks = 0
        self.regions: dict[str, Region] = {}
        self.sites: list[Failure] = []
        self.site_index: dict[Failure, int] = {}
        self.handlers: list[list[tuple[frozenset[str], Target]]] = []
        self.row: Target = Target("row")
        self.active: list[Target] = []
        self.made: dict[int, Cell] = {}
        """Contents of the arrays that `instantiate` made."""
        self.keepalive: list[Any] = []
        self.made_by: dict[str, tuple[str, tuple[Atom, ...]]] = {}
        """What each temporary was computed by."""
        self.lines: dict[str, int] = {}
        """Source line by name of temporary and variable."""
        self.paid = False
        """Whether what is lowered has been paid for: a list that is made again where it is read."""
        self.ranges: dict[int, tuple[int, int]] = {}
        """Least and greatest element of contents of arrays, by their identity."""
        self.sealed: dict[int, Cell] = {}
        """What the top level of the program has made: no row may change it."""
        self.node: ast.AST | None = None
        self.origin: ast.AST | None = None
        self.deadline = time.monotonic() + limits.compile_s
        self.write_back: Callable[[], None] | None = None
        self.stats: dict[str, int] = {"unrolled": 0, "loops": 0, "inlined": 0}

    @property
    def pt(self) -> Point:
        """The current point; there must be one."""
        assert self.current is not None
        return self.current

    @property
    def alive(self) -> bool:
        """Whether code can be reached here."""
        return self.current is not None

    def new(self, ty: Ty, prefix: str = "t") -> Var:
        """Make a name."""
        self.counter += 1
        name = f"{prefix}{self.counter}"
        line = getattr(self.node, "lineno", None)
        if line is not None:
            self.lines[name] = line
        return Var(name, ty)

    def number(self) -> int:
        """Give a number that is used once."""
        self.counter += 1
        return self.counter

    def emit(self, item: Stmt) -> None:
        """Append a statement at the current point."""
        self.emitted += 1
        if self.emitted > _STATEMENTS:
            raise self.refuse("CMP911", "the program unfolds into too much code")
        self.tick()
        self.pt.block.append(item)

    def tick(self) -> None:
        """Count work done while lowering, and stop when it takes too long."""
        self.ticks += 1
        if self.ticks % 512 == 0 and time.monotonic() > self.deadline:
            raise self.refuse("CMP912", "lowering took longer than limits.compile_s")

    def refuse(self, code: str, message: str, node: ast.AST | None = None) -> Refused:
        """Make the exception that keeps the whole program in the other tier."""
        return Refused(code, message, node or self.node)

    def op(self, op: str, ty: Ty, *args: Atom) -> Atom:
        """Emit an operation, unless its result is known or at hand."""
        simple = _simplify(op, ty, args)
        if simple is not None:
            return simple
        key = (op, ty, args)
        found: Atom | None = self.pt.known.get(key)
        if found is not None:
            return found
        result = self.new(ty)
        self.emit(Let(result, op, args))
        self.pt.known[key] = result
        self.made_by[result.name] = (op, args)
        return result

    def load(self, region: str, index: Atom) -> Atom:
        """Read an element of a region; the index has been checked."""
        memory = self.regions[region]
        key = ("load", region, index)
        if memory.kind == "input":
            found: Atom | None = self.pt.known.get(key)
            if found is not None:
                return found
        result = self.new(memory.ty)
        self.emit(Let(result, "load", (index,), region))
        if memory.kind == "input":
            self.pt.known[key] = result
        return result

    def region(self, region: Region) -> str:
        """Declare memory."""
        self.regions.setdefault(region.name, region)
        return region.name

    @contextmanager
    def path(self) -> Iterator[None]:
        """Lower something that may end the current path."""
        try:
            yield
        except Dead:
            self.current = None

    def target(self, prefix: str) -> Target:
        """Make a place to jump to."""
        return Target(f"{prefix}{self.number()}")

    def span(self) -> Span | None:
        """The place in the source that is being lowered."""
        return None if self.node is None else self.spans.span(self.node)

    def charge(self, units: int | Atom) -> None:
        """Count fuel; checked where loops begin."""
        atom = i64(units) if isinstance(units, int) else units
        if self.paid:
            return
        if isinstance(atom, Lit) and atom.value == 0:
            return
        last = self.pt.block[-1] if self.pt.block else None
        if (
            isinstance(atom, Lit)
            and isinstance(last, Set)
            and last.var is FUEL
            and len(self.pt.block) > 1
        ):
            # Charges in a row become one.
            match self.pt.block[-2]:
                case Let(var=var, op="add", args=(first, Lit(value=amount))) as before if (
                    var is last.value and first is FUEL
                ):
                    before.args = (FUEL, i64(int(amount) + int(atom.value)))
                    return
        total = self.new("i64")
        self.emit(Let(total, "add", (FUEL, atom)))
        self.emit(Set(FUEL, total))

    def copy_array(self, head: Arr, value: Arr) -> None:
        """Write the elements of one array into the variables or the memory of another."""
        raise NotImplementedError

    def scratch(self, ty: Ty, size: int) -> str:
        """Make scratch memory."""
        name = f"scratch{self.number()}.{ty}x{size}"
        total = sum(
            region.size * dtype_of(region.ty).itemsize
            for region in self.regions.values()
            if region.kind == "scratch"
        )
        if total + size * dtype_of(ty).itemsize > self.limits.memory_bytes:
            raise self.refuse("CMP913", "the program needs more memory than limits.memory_bytes")
        return self.region(Region(name, ty, size, "scratch"))


def _simplify(op: str, ty: Ty, args: tuple[Atom, ...]) -> Atom | None:
    """Give the result where it needs no code."""
    if all(isinstance(arg, Lit) for arg in args):
        values = [arg.value for arg in args if isinstance(arg, Lit)]
        found = fold(op, ty, values, [arg.ty for arg in args])
        if found is not None:
            return found
    first = args[0]
    second = args[1] if len(args) > 1 else first
    if op == "cast" and first.ty == ty:
        return first
    if op == "select":
        if args[1] == args[2]:
            return args[1]
        if isinstance(first, Lit):
            return args[1] if first.value else args[2]
        if ty == "b1" and args[1] == TRUE and args[2] == FALSE:
            return first
    if ty == "b1" and op in ("and", "or"):
        absorbing = op == "or"
        for one, other in ((first, second), (second, first)):
            if isinstance(one, Lit):
                return one if bool(one.value) is absorbing else other
        if first == second:
            return first
    if ty not in FLOATS and op in ("add", "sub", "mul"):
        if isinstance(second, Lit):
            if second.value == 0:
                return second if op == "mul" else first
            if second.value == 1 and op == "mul":
                return first
        if isinstance(first, Lit) and op != "sub":
            if first.value == 0:
                return first if op == "mul" else second
            if first.value == 1 and op == "mul":
                return second
    if op in ("eq", "ne", "le", "ge", "lt", "gt") and first == second and first.ty not in FLOATS:
        return Lit(op in ("eq", "le", "ge"), "b1")
    return None
