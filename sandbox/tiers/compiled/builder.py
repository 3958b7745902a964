"""Program points: where code is being emitted, and what is known there.

The front end walks a program once and emits core as it goes. A `Point` is the end of the code
emitted so far on one path, with the values of all names there. An `if` forks the point; paths
that meet again are joined, and only what differs becomes a variable of the core language,
assigned at the end of each path. A loop is lowered repeatedly until the types of what it changes
no longer grow; the last lowering is the one that is kept.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

from sandbox.tiers.base import Failure
from sandbox.tiers.compiled.core import (
    Atom,
    Block,
    Break,
    For,
    If,
    Let,
    Lit,
    Loop,
    Set,
    Stmt,
    Var,
)
from sandbox.tiers.compiled.merging import Merging
from sandbox.tiers.compiled.points import (
    ELSEWHERE,
    FUEL,
    OUT_OF_FUEL,
    STATUS,
    Dead,
    Key,
    Point,
    Target,
    i64,
)
from sandbox.tiers.compiled.shapes import (
    Shape,
    ShapeMoved,
    cells_in,
    join_shapes,
    loosen_content,
    moved,
    shape_of,
)
from sandbox.tiers.compiled.values import (
    UNBOUND,
    Exc,
    Facts,
    Func,
    Num,
    Ref,
    SeqCell,
    Value,
)

__all__ = ["MODULES", "Builder", "ancestors"]


class Builder(Merging):
    """Emits core, and forks, joins and loops program points."""

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

    # -- failures

    def fail(self, exception: str, message: str, module: str = "builtins") -> NoReturn:
        """End the current path with an exception: in a handler, or the row ends."""
        for clauses in reversed(self.handlers):
            for classes, target in clauses:
                if _catches(classes, exception):
                    self.pt.vars[("exception",)] = _exception(exception, message)
                    self.leave(target)
                    raise Dead
        self.end_row(i64(self.site(Failure(exception, module, message[:400], self.span()))))
        raise Dead

    def site(self, failure: Failure) -> int:
        """Give the number of a way in which a row can fail, from 1 on."""
        found = self.site_index.get(failure)
        if found is None:
            self.sites.append(failure)
            found = self.site_index[failure] = len(self.sites)
        return found

    def end_row(self, status: Atom) -> None:
        """End the row's work with a status."""
        for cell, content in self.sealed.items():
            if self.pt.heap.get(cell) is not content:
                raise self.refuse(
                    "CMP122", "a row changes what the top level has made", self.origin
                )
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

    def only_where(self, good: Num) -> None:
        """Go on only where something holds; elsewhere the row is the interpreted tier's.

        Nothing of the row is kept: no state is written, and no handler of the program sees it.
        """
        if good.const is True:
            return
        yes, no, before = self.forks(good)
        if no is not None:
            no.block.append(Set(STATUS, i64(ELSEWHERE)))
            no.block.append(Break(self.row.label))
        self.current = None
        if yes is None:
            raise Dead
        self.join([yes], before.block)

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
        mark = self.counter
        for attempt in range(24):
            before = self.counter
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
            for back in backs:
                _forget_scopes(back, before)
            if not self._grow(entry, start, backs, carried, cells, attempt, mark):
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
            self._take_along(heads, carried, back)
            for key, head in heads.items():
                if not isinstance(carried[key], ShapeMoved):
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

    def _grow(  # noqa: PLR0917 - one step of `guest_loop`, with all it knows
        self,
        entry: Point,
        start: Point,
        backs: list[Point],
        carried: dict[Key, Shape],
        cells: dict[int, Shape],
        attempt: int,
        mark: int,
    ) -> bool:
        """Note what a turn changed beyond what the loop's variables can hold."""
        grown = False
        widen = attempt > 1
        for back in backs:
            for key, value in back.vars.items():
                if isinstance(key[0], int) and key[0] > mark:
                    # A name of a scope that the turn has made: no other turn can see it.
                    continue
                same = value == start.vars.get(key, UNBOUND)
                if same and not isinstance(carried.get(key), ShapeMoved):
                    continue
                base = carried.get(key, shape_of(entry.vars.get(key, UNBOUND)))
                found = self._moves(entry, back, key, base, widen)
                if found is None:
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

    def _moves(self, entry: Point, back: Point, key: Key, base: Shape, widen: bool) -> Shape | None:
        """Give the shape of a name that is bound to another list in each turn, where it is one.

        Its elements are moved to memory of its own when the turn ends. That is only so in Python
        too if no other name that is still read holds one of the two lists.
        """
        value, first = back.vars.get(key), entry.vars.get(key)
        if not isinstance(value, Ref) or not isinstance(first, Ref):
            return None
        if isinstance(base, ShapeMoved):
            return moved(base.content, back.heap[value.cell], widen)
        if value == first:
            return None
        for point, cell in ((entry, first.cell), (back, value.cell)):
            others = [
                item
                for other, item in point.vars.items()
                if other != key and (point is entry or other in entry.vars)
            ]
            if cell in cells_in([*others, *point.heap.values()]):
                return None
        return moved(entry.heap[first.cell], back.heap[value.cell], widen)

    def _take_along(self, heads: dict[Key, Value], carried: dict[Key, Shape], back: Point) -> None:
        """Move the lists that names are bound to anew, before anything else is assigned."""
        own = {
            key: self.made[head.cell]
            for key, head in heads.items()
            if isinstance(carried[key], ShapeMoved) and isinstance(head, Ref)
        }
        for key, content in own.items():
            value = back.vars[key]
            assert isinstance(value, Ref)
            source = back.heap[value.cell]
            for other, theirs in own.items():
                if (
                    other != key
                    and isinstance(source, SeqCell)
                    and isinstance(theirs, SeqCell)
                    and source.regions == theirs.regions
                ):
                    raise self.refuse("CMP314", "two lists change places in a loop")
            self.assign_cell(content, source)

    def _in_parallel(self, block: list[Stmt], mark: int) -> None:
        """Make assignments from ``mark`` on read only what was there before any of them."""
        written = {item.var.name for item in block[mark:] if isinstance(item, Set)}
        copies: list[Stmt] = []
        for item in block[mark:]:
            match item:
                case Set(var=var, value=Var(name=name) as value) if (
                    name in written and value != var
                ):
                    copy = self.new(value.ty)
                    copies.append(Let(copy, "copy", (value,)))
                    item.value = copy
        block[mark:mark] = copies


def _forget_scopes(back: Point, before: int) -> None:
    """Drop the names of scopes that a turn has opened: the next turn opens its own."""
    if any(isinstance(value, Func) and value.frame.number > before for value in back.vars.values()):
        return
    for key in [k for k in back.vars if isinstance(k, tuple) and isinstance(k[0], int)]:
        if key[0] > before:
            del back.vars[key]


MODULES: Final = {"StatisticsError": "statistics", "FrozenInstanceError": "dataclasses"}
"""Where exceptions live that are neither builtins nor the guest's."""


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
    if exception in ("LinAlgError", "StatisticsError"):
        return (exception, "ValueError", "Exception", "BaseException")
    if exception == "FrozenInstanceError":
        return (exception, "AttributeError", "Exception", "BaseException")
    return (exception, "Exception", "BaseException")
