"""Program points: where code is being emitted, and what is known there.

The front end walks a program once and emits core as it goes. A `Point` is the end of the code
emitted so far on one path, with the values of all names there. An `if` forks the point; paths
that meet again are joined, and only what differs becomes a variable of the core language,
assigned at the end of each path. A loop is lowered repeatedly until the types of what it changes
no longer grow; the last lowering is the one that is kept.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from sandbox.diagnostics import Span
from sandbox.limits import Limits
from sandbox.tiers.base import Failure
from sandbox.tiers.compiled.core import (
    FLOATS,
    Atom,
    Block,
    Break,
    For,
    If,
    Let,
    Lit,
    Loop,
    Region,
    Set,
    Stmt,
    Store,
    Ty,
    Var,
    fold,
)
from sandbox.tiers.compiled.shapes import (
    Same,
    Shape,
    ShapeArr,
    ShapeBuffer,
    ShapeCells,
    ShapeCopy,
    ShapeDict,
    ShapeList,
    ShapeNum,
    ShapeObj,
    ShapeSet,
    ShapeText,
    ShapeTup,
    ShapeUnion,
    cells_in,
    join_shapes,
    loosen_content,
    shape_of,
    variant_key,
)
from sandbox.tiers.compiled.values import (
    UNBOUND,
    Arr,
    Buffer,
    Cell,
    Cells,
    DictCell,
    Exc,
    Facts,
    Lazy,
    ListCell,
    Lost,
    Num,
    ObjCell,
    SetCell,
    Text,
    Tup,
    Union,
    Value,
    integer,
)

__all__ = [
    "EXPLODE",
    "FALSE",
    "FUEL",
    "OUT_OF_FUEL",
    "STATUS",
    "TRUE",
    "Builder",
    "Dead",
    "Point",
    "Refused",
    "Target",
    "ancestors",
    "i64",
    "indices",
    "span_of",
]

TRUE: Final[Atom] = Lit(True, "b1")
FALSE: Final[Atom] = Lit(False, "b1")
STATUS: Final = Var("status", "i64")
FUEL: Final = Var("fuel", "i64")
OUT_OF_FUEL: Final = -4
"""Status of a row that ran out of fuel; 0 is good, above 0 is the number of a failure."""

EXPLODE: Final = 16
"""Arrays of at most this many elements are kept as scalars."""
_VARIANTS: Final = 48
_LONGEST: Final = 128
_STATEMENTS: Final = 200_000
"""Statements that may be emitted for one kernel, repeated lowering of loops included."""

Key = Any


class Refused(Exception):
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
    known: dict[Any, Atom] = field(default_factory=dict)
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


class Builder:
    """Emits core, and forks, joins and loops program points."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.current: Point | None = Point([])
        self.counter = 0
        self.emitted = 0
        self.regions: dict[str, Region] = {}
        self.sites: list[Failure] = []
        self.site_index: dict[Failure, int] = {}
        self.handlers: list[list[tuple[frozenset[str], Target]]] = []
        self.row: Target = Target("row")
        self.active: list[Target] = []
        self.made: dict[int, Cell] = {}
        """Contents of the arrays that `instantiate` made."""
        self.keepalive: list[Any] = []
        self.node: ast.AST | None = None
        self.deadline = time.monotonic() + limits.compile_s
        self.write_back: Callable[[], None] | None = None
        self.stats: dict[str, int] = {"unrolled": 0, "loops": 0, "inlined": 0}

    # -- points

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
        return Var(f"{prefix}{self.counter}", ty)

    def number(self) -> int:
        """Give a number that is used once."""
        self.counter += 1
        return self.counter

    def emit(self, item: Stmt) -> None:
        """Append a statement at the current point."""
        self.emitted += 1
        if self.emitted > _STATEMENTS:
            raise self.refuse("CMP901", "the program unfolds into too much code")
        if self.emitted % 1024 == 0 and time.monotonic() > self.deadline:
            raise self.refuse("CMP902", "lowering took longer than limits.compile_s")
        self.pt.block.append(item)

    def refuse(self, code: str, message: str, node: ast.AST | None = None) -> Refused:
        """Make the exception that keeps the whole program in the other tier."""
        return Refused(code, message, node or self.node)

    def op(self, op: str, ty: Ty, *args: Atom) -> Atom:
        """Emit an operation, unless its result is known or at hand."""
        simple = _simplify(op, ty, args)
        if simple is not None:
            return simple
        key = (op, ty, args)
        found = self.pt.known.get(key)
        if found is not None:
            return found
        result = self.new(ty)
        self.emit(Let(result, op, args))
        self.pt.known[key] = result
        return result

    def load(self, region: str, index: Atom) -> Atom:
        """Read an element of a region; the index has been checked."""
        memory = self.regions[region]
        key = ("load", region, index)
        if memory.kind == "input":
            found = self.pt.known.get(key)
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

    # -- control flow

    def forks(self, cond: Num) -> tuple[Point | None, Point | None, Point]:
        """Split the current path by a truth value.

        Returns:
            The point where it is true, the one where it is false (None where that cannot be),
            and the point before, whose block a join continues in.
        """
        before = self.pt
        if isinstance(cond.atom, Lit):
            return (before, None, before) if cond.atom.value else (None, before, before)
        yes, no = before.fork([]), before.fork([])
        self.emit(If(cond.atom, yes.block, no.block))
        _learn(yes, cond.yes)
        _learn(no, cond.no)
        return yes, no, before

    def join(
        self, points: Iterable[Point | None], block: list[Stmt], label: str | None = None
    ) -> None:
        """Go on in ``block`` where the given paths meet; paths that ended are None."""
        alive = [point for point in points if point is not None]
        if not alive:
            self.current = None
            return
        if len(alive) == 1:
            point = alive[0]
            if point.block is not block:
                if label is not None:
                    point.block.append(Break(label))
                point = Point(block, point.vars, point.heap, point.facts, point.known)
            self.current = point
            return
        merged = Point(block)
        first = alive[0]
        for tag, possible in first.facts.items():
            if all(tag in other.facts for other in alive):
                merged.facts[tag] = possible.union(*(other.facts[tag] for other in alive))
        merged.known = {
            key: atom
            for key, atom in first.known.items()
            if all(other.known.get(key) is atom for other in alive[1:])
        }
        partial: dict[int, list[Point]] = {}
        for cell in _keys(point.heap for point in alive):
            have = [point for point in alive if cell in point.heap]
            if len(have) < len(alive):
                partial[cell] = have
                continue
            contents: list[Any] = [point.heap[cell] for point in have]
            merged.heap[cell] = self._merge(have, contents, merged, self.assign_cell)
        for key in _keys(point.vars for point in alive):
            values: list[Any] = [point.vars.get(key, UNBOUND) for point in alive]
            merged.vars[key] = self._merge(alive, values, merged, self.assign)
        self._keep_reachable(merged, partial)
        if label is not None:
            for point in alive:
                point.block.append(Break(label))
        self.current = merged

    def _keep_reachable(self, merged: Point, partial: dict[int, list[Point]]) -> None:
        """Take over the cells that only some paths have made, as far as anything refers to them."""
        waiting = cells_in(merged.vars.values())
        seen: set[int] = set()
        while waiting:
            cell = waiting.pop()
            if cell in seen:
                continue
            seen.add(cell)
            if cell not in merged.heap:
                have = partial.get(cell)
                if have is None:
                    continue
                shape = loosen_content(have[0].heap[cell])
                for point in have[1:]:
                    shape = join_shapes(shape, loosen_content(point.heap[cell]))
                head = self.instantiate(shape, merged)
                for point in have:
                    self.current = point
                    self.assign_cell(head, point.heap[cell])
                merged.heap[cell] = head
            waiting.extend(cells_in([merged.heap[cell]]))

    def choose(
        self, cond: Num, then: Callable[[], Value | None], other: Callable[[], Value | None]
    ) -> Value:
        """Evaluate one of two things and give the result; a side that ended gives None."""
        yes, no, before = self.forks(cond)
        key = ("result", self.number())
        ends = []
        for point, side in ((yes, then), (no, other)):
            self.current = point
            if point is None:
                continue
            with self.path():
                value = side()
                if value is not None:
                    self.pt.vars[key] = value
                    ends.append(self.pt)
        self.join(ends, before.block)
        if not self.alive:
            raise Dead
        return self.pt.vars.pop(key)

    @contextmanager
    def path(self) -> Iterator[None]:
        """Lower something that may end the current path."""
        try:
            yield
        except Dead:
            self.current = None

    def when(
        self, cond: Num, then: Callable[[], None], other: Callable[[], None] | None = None
    ) -> None:
        """Run one of two things."""
        yes, no, before = self.forks(cond)
        ends = []
        for point, side in ((yes, then), (no, other)):
            self.current = point
            if point is None:
                continue
            if side is not None:
                with self.path():
                    side()
            ends.append(self.current)
        self.join(ends, before.block)
        if not self.alive:
            raise Dead

    def block(self, target: Target, body: Callable[[], None]) -> None:
        """Run a body that may leave early to the place after it."""
        before = self.pt
        inner: list[Stmt] = []
        self.current = Point(inner, before.vars, before.heap, before.facts, before.known)
        self.active.append(target)
        try:
            with self.path():
                body()
        finally:
            self.active.pop()
        if self.alive:
            target.exits.append(self.pt)
        before.block.append(Block(inner, target.label))
        self.join(target.exits, before.block, target.label)
        if not self.alive:
            raise Dead

    def leave(self, target: Target) -> None:
        """End the current path; it goes on where the target is."""
        if self.alive:
            target.exits.append(self.pt)
            self.current = None

    def target(self, prefix: str) -> Target:
        """Make a place to jump to."""
        return Target(f"{prefix}{self.number()}")

    # -- failures

    def fail(self, exception: str, message: str, module: str = "builtins") -> NoReturn:
        """End the current path with an exception: in a handler, or the row ends."""
        for clauses in reversed(self.handlers):
            for classes, target in clauses:
                if _catches(classes, exception):
                    self.pt.vars[("exception",)] = _exception(exception, message)
                    self.leave(target)
                    raise Dead
        failure = Failure(exception, module, message[:400], self.span())
        site = self.site_index.get(failure)
        if site is None:
            site = len(self.sites) + 1
            self.sites.append(failure)
            self.site_index[failure] = site
        self.end_row(i64(site))
        raise Dead

    def end_row(self, status: Atom) -> None:
        """End the row's work with a status."""
        if self.write_back is not None:
            self.write_back()
        self.emit(Set(STATUS, status))
        self.emit(Break(self.row.label))
        self.current = None

    def check(self, good: Num, exception: str, message: str) -> None:
        """Go on only where something holds."""
        if good.const is True:
            return
        yes, no, before = self.forks(good)
        self.current = no
        with self.path():
            self.fail(exception, message)
        self.join([yes], before.block)
        if not self.alive:
            raise Dead

    def span(self) -> Span | None:
        """The place in the source that is being lowered."""
        return span_of(self.node)

    def charge(self, units: int | Atom) -> None:
        """Count fuel; checked where loops begin."""
        atom = i64(units) if isinstance(units, int) else units
        if isinstance(atom, Lit) and atom.value == 0:
            return
        last = self.pt.block[-1] if self.pt.block else None
        if (
            isinstance(atom, Lit)
            and isinstance(last, Set)
            and last.var is FUEL
            and len(self.pt.block) > 1
            and isinstance(self.pt.block[-2], Let)
        ):
            # Charges in a row become one.
            before = self.pt.block[-2]
            amount = before.args[1]
            if before.var is last.value and before.args[0] is FUEL and isinstance(amount, Lit):
                before.args = (FUEL, i64(int(amount.value) + int(atom.value)))
                return
        total = self.new("i64")
        self.emit(Let(total, "add", (FUEL, atom)))
        self.emit(Set(FUEL, total))

    def meter(self) -> None:
        """End the row if its fuel is used up."""
        over = self.new("b1")
        self.emit(Let(over, "gt", (FUEL, i64(self.limits.fuel))))
        stop: list[Stmt] = []
        self.emit(If(over, stop, []))
        keep = self.current
        self.current = self.pt.fork(stop)
        self.end_row(i64(OUT_OF_FUEL))
        self.current = keep

    # -- values that differ by path

    def _merge(
        self,
        points: list[Point],
        values: list[Any],
        merged: Point,
        assign: Callable[[Any, Any], None],
    ) -> Any:
        first = values[0]
        if all(value is first or value == first for value in values[1:]):
            return first
        shape = shape_of(first)
        for value in values[1:]:
            shape = join_shapes(shape, shape_of(value))
        head = self.instantiate(shape, merged)
        for point, value in zip(points, values, strict=True):
            self.current = point
            assign(head, value)
        return head

    def instantiate(self, shape: Shape, point: Point) -> Any:
        """Make a value (or a content) with variables where the shape leaves something open."""
        match shape:
            case Same(value=value):
                return value
            case ShapeNum(ty=ty, weak=weak, low=low, high=high):
                known = self.new("b1", "w") if weak is None else weak
                return Num(self.new(ty, "v"), known, low, high)
            case ShapeText(region=region, lower=lower):
                return Text(region, self.new("i64", "v"), self.new("i64", "v"), lower)
            case ShapeTup(items=items, names=names, cls=cls):
                return Tup(tuple(self.instantiate(item, point) for item in items), names, cls)
            case ShapeArr(shape=dims, ty=ty):
                cell = self.number()
                array = Arr(cell, dims, ty)
                if array.size <= EXPLODE:
                    point.heap[cell] = Cells(tuple(self.new(ty, "v") for _ in range(array.size)))
                else:
                    point.heap[cell] = Buffer(self.scratch(ty, array.size), self.number())
                self.made[cell] = point.heap[cell]
                return array
            case ShapeUnion(variants=variants):
                if len(variants) > _VARIANTS:
                    raise self.refuse("CMP311", "a value has too many different types by path")
                made = tuple(self.instantiate(item, point) for item in variants)
                return Union(self.new("i64", "tag"), made)
            case ShapeCells(atoms=atoms, ty=ty):
                return Cells(tuple(self.new(ty, "v") if a is None else a for a in atoms))
            case ShapeBuffer(region=region):
                return Buffer(region, self.number())
            case ShapeCopy(size=size, ty=ty):
                return Buffer(self.scratch(ty, size), self.number())
            case ShapeList(items=items, length=length, maxlen=maxlen, kind=kind):
                if len(items) > _LONGEST:
                    raise self.refuse("CMP312", "a list grows with the data beyond what fits")
                known_length = None if length is None else self.instantiate(length, point)
                made = tuple(self.instantiate(item, point) for item in items)
                return ListCell(made, known_length, maxlen, kind)
            case ShapeDict(entries=entries, factory=factory, ordered=ordered, kind=kind):
                return DictCell(
                    tuple(
                        (
                            key,
                            k,
                            self.new("b1", "has") if present is None else present,
                            self.instantiate(item, point),
                        )
                        for key, k, present, item in entries
                    ),
                    factory,
                    ordered,
                    kind,
                )
            case ShapeSet(entries=members):
                return SetCell(
                    tuple(
                        (key, k, self.new("b1", "has") if present is None else present)
                        for key, k, present in members
                    )
                )
            case ShapeObj(cls=owner, attributes=attributes):
                return ObjCell(
                    owner,
                    tuple((name, self.instantiate(item, point)) for name, item in attributes),
                )
        raise AssertionError(shape)

    def put(self, var: Atom, value: Atom) -> None:
        """Give a variable made by `instantiate` its value on the current path."""
        if var != value and isinstance(var, Var):
            self.emit(Set(var, value))

    def assign(self, head: Value, value: Value) -> None:
        """Write a value into the variables of another that was made to hold it."""
        if head is value or head == value:
            return
        match head, value:
            case Num(), Num() if head.ty == value.ty:
                self.put(head.atom, value.atom)
                if not isinstance(head.weak, bool):
                    weak = value.weak
                    self.put(head.weak, Lit(weak, "b1") if isinstance(weak, bool) else weak)
            case Text(), Text():
                self.put(head.start, value.start)
                self.put(head.length, value.length)
            case Tup(), Tup():
                for part, item in zip(head.items, value.items, strict=True):
                    self.assign(part, item)
            case Arr(), Arr():
                self.copy_array(head, value)
            case Union(), _:
                self._assign_union(head, value)

    def _assign_union(self, head: Union, value: Value) -> None:
        keys = [variant_key(shape_of(item)) for item in head.variants]
        if not isinstance(value, Union):
            position = self._variant(keys, value)
            self.put(head.tag, i64(position))
            self.assign(head.variants[position], value)
            return
        positions = [self._variant(keys, item) for item in value.variants]
        tag: Atom = i64(positions[-1])
        for k in range(len(positions) - 2, -1, -1):
            here = self.op("eq", "b1", value.tag, i64(k))
            tag = self.op("select", "i64", here, i64(positions[k]), tag)
        if positions == list(range(len(positions))):
            tag = value.tag
        # What an inactive variant holds is never read, so all are written without a branch.
        for position, item in zip(positions, value.variants, strict=True):
            self.assign(head.variants[position], item)
        self.put(head.tag, tag)

    def _variant(self, keys: list[Any], value: Value) -> int:
        key = variant_key(shape_of(value))
        for position, other in enumerate(keys):
            if other == key or (other[:2] == key[:2] and key[0] == "num" and len(other) < 3):
                return position
        for position, other in enumerate(keys):
            if other[0] == "same" and isinstance(other[1], Lost):
                return position
        raise self.refuse("CMP311", "a value's type changes in a way that cannot be followed")

    def assign_cell(self, head: Cell, content: Cell) -> None:
        """Write a content into the variables of another that was made to hold it."""
        if head is content or head == content:
            return
        match head, content:
            case Cells(), Cells():
                for var, atom in zip(head.atoms, content.atoms, strict=True):
                    self.put(var, atom)
            case Cells(), Lazy():
                for var, index in zip(head.atoms, indices(content.shape), strict=True):
                    self.put(var, content.rule(tuple(i64(i) for i in index)))
            case Buffer(), Buffer():
                if head.region != content.region:
                    raise self.refuse("CMP313", "one array has two places in memory")
            case Buffer(), Cells():
                for position, atom in enumerate(content.atoms):
                    self.emit(Store(head.region, i64(position), atom))
            case Buffer(), Lazy():
                strides = [1]
                for size in reversed(content.shape[1:]):
                    strides.insert(0, strides[0] * size)
                for index in indices(content.shape):
                    position = sum(i * s for i, s in zip(index, strides, strict=True))
                    atom = content.rule(tuple(i64(i) for i in index))
                    self.emit(Store(head.region, i64(position), atom))
            case Buffer(), _:
                raise self.refuse("CMP313", "one array has two places in memory")
            case ListCell(), ListCell():
                for part, item in zip(head.items, content.items, strict=False):
                    self.assign(part, item)
                if head.length is not None:
                    length = content.length or integer(i64(len(content.items)))
                    self.assign(head.length, length)
            case DictCell(), DictCell():
                have = {key: (present, item) for key, _, present, item in content.entries}
                for key, _, var, item in head.entries:
                    present, found = have.get(key, (FALSE, None))
                    self.put(var, present)
                    if found is not None:
                        self.assign(item, found)
            case SetCell(), SetCell():
                members = {key: present for key, _, present in content.entries}
                for key, _, var in head.entries:
                    self.put(var, members.get(key, FALSE))
            case ObjCell(), ObjCell():
                values = dict(content.attributes)
                for name, item in head.attributes:
                    self.assign(item, values.get(name, UNBOUND))

    def copy_array(self, head: Arr, value: Arr) -> None:
        """Write the elements of one array into the variables or the memory of another."""
        raise NotImplementedError

    def scratch(self, ty: Ty, size: int) -> str:
        """Make scratch memory."""
        name = f"scratch{self.number()}"
        total = sum(region.size for region in self.regions.values() if region.kind == "scratch")
        if (total + size) * 8 > self.limits.memory_bytes:
            raise self.refuse("CMP903", "the program needs more memory than limits.memory_bytes")
        return self.region(Region(name, ty, size, "scratch"))

    # -- loops

    def count(self, count: Atom, body: Callable[[Atom], None]) -> None:
        """Run a body that changes no guest value for an index from 0 up (folds, searches)."""
        before = self.pt
        inner: list[Stmt] = []
        index = self.new("i64", "i")
        self.current = before.fork(inner)
        body(index)
        before.block.append(For(index, count, inner, f"L{self.number()}"))
        self.current = before

    def guest_loop(self, body: Callable[[Atom | None, Target], None], count: Atom | None) -> None:
        """Run a body that may change anything, ``count`` times or until it leaves.

        Paths that leave the loop go to targets around it, so where the count is None nothing
        follows the loop itself.

        Args:
            body: Lowers one turn; gets the index (None for a loop without a count) and the
                target of paths that go to the next turn.
            count: Number of turns; None for a loop that only ends by leaving.
        """
        self.stats["loops"] += 1
        entry = self.pt
        carried: dict[Key, Shape] = {}
        cells: dict[int, Shape] = {}
        lengths = [len(target.exits) for target in self.active]
        for attempt in range(24):
            for target, length in zip(self.active, lengths, strict=True):
                del target.exits[length:]
            turn: list[Stmt] = []
            point = entry.fork(turn)
            heads = {key: self.instantiate(shape, point) for key, shape in carried.items()}
            contents = {cell: self.instantiate(shape, point) for cell, shape in cells.items()}
            point.vars.update(heads)
            point.heap.update(contents)
            start = point.fork(entry.block)
            self.current = point
            again = self.target("next")
            index = None if count is None else self.new("i64", "i")
            self.active.append(again)
            try:
                with self.path():
                    body(index, again)
            finally:
                self.active.pop()
            backs = [*again.exits, *([self.current] if self.current is not None else [])]
            if not self._grow(entry, start, backs, carried, cells, attempt):
                break
        else:
            raise self.refuse("CMP310", "the types of a loop's variables do not settle")
        # This lowering is kept: enter with the values from before, come round with the turn's.
        self.current = entry
        for key, head in heads.items():
            self.assign(head, entry.vars.get(key, UNBOUND))
        for cell, content in contents.items():
            self.assign_cell(content, entry.heap[cell])
        for back in backs:
            self.current = back
            mark = len(back.block)
            for key, head in heads.items():
                self.assign(head, back.vars.get(key, UNBOUND))
            for cell, content in contents.items():
                self.assign_cell(content, back.heap[cell])
            self._in_parallel(back.block, mark)
            back.block.append(Break(again.label))
        inner: list[Stmt] = [Block(turn, again.label)]
        label = f"L{self.number()}"
        if count is None:
            entry.block.append(Loop(inner, label))
            self.current = None
        else:
            assert index is not None
            entry.block.append(For(index, count, inner, label))
            self.current = start

    def _grow(
        self,
        entry: Point,
        start: Point,
        backs: list[Point],
        carried: dict[Key, Shape],
        cells: dict[int, Shape],
        attempt: int,
    ) -> bool:
        """Note what a turn changed beyond what the loop's variables can hold."""
        grown = False
        widen = attempt > 1
        for back in backs:
            for key, value in back.vars.items():
                if value == start.vars.get(key, UNBOUND):
                    continue
                base = carried.get(key, shape_of(entry.vars.get(key, UNBOUND)))
                found = join_shapes(base, shape_of(value), True, widen)
                if found != carried.get(key):
                    carried[key] = found
                    grown = True
            for cell, content in back.heap.items():
                if cell not in entry.heap or content == start.heap.get(cell):
                    continue
                before = cells.get(cell, shape_of(entry.heap[cell]))
                found = join_shapes(before, shape_of(content), True, widen)
                if found != cells.get(cell):
                    cells[cell] = found
                    grown = True
        return grown

    def _in_parallel(self, block: list[Stmt], mark: int) -> None:
        """Make assignments from ``mark`` on read only what was there before any of them."""
        written = {item.var.name for item in block[mark:] if isinstance(item, Set)}
        copies: list[Stmt] = []
        for item in block[mark:]:
            if isinstance(item, Set) and isinstance(item.value, Var):
                if item.value.name in written and item.value != item.var:
                    copy = self.new(item.value.ty)
                    copies.append(Let(copy, "copy", (item.value,)))
                    item.value = copy
        block[mark:mark] = copies


def span_of(node: ast.AST | None) -> Span | None:
    """Give the place of a node; None where it has none."""
    line = getattr(node, "lineno", None)
    column = getattr(node, "col_offset", None)
    if line is None or column is None:
        return None
    end_line = getattr(node, "end_lineno", None) or line
    end_column = getattr(node, "end_col_offset", None)
    return Span(line, column + 1, end_line, (column if end_column is None else end_column) + 1)


def indices(shape: tuple[int, ...]) -> Iterable[tuple[int, ...]]:
    """Go through all indices of a shape in C order."""
    return itertools.product(*(range(size) for size in shape))


def _keys(maps: Iterable[dict[Any, Any]]) -> list[Any]:
    seen: dict[Any, None] = {}
    for mapping in maps:
        seen.update(dict.fromkeys(mapping))
    return list(seen)


def _learn(point: Point, facts: Facts) -> None:
    for tag, possible in facts:
        point.facts[tag] = point.facts.get(tag, possible) & possible


def _exception(exception: str, message: str) -> Value:
    return Exc(exception, message)


def _catches(classes: frozenset[str], exception: str) -> bool:
    return any(base in classes for base in ancestors(exception))


def ancestors(exception: str) -> tuple[str, ...]:
    """Give the names of an exception class and of those it derives from."""
    found = getattr(builtins, exception, None)
    if isinstance(found, type) and issubclass(found, BaseException):
        return tuple(base.__name__ for base in found.__mro__)
    if exception == "LinAlgError":
        return ("LinAlgError", "ValueError", "Exception", "BaseException")
    return (exception, "Exception", "BaseException")


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
