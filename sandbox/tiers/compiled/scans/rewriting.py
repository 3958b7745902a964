"""The pass: finds scans, lets those over the same memory share a loop, and writes them."""

from __future__ import annotations

import itertools
from collections import Counter

from sandbox.tiers.compiled.core import (
    Atom,
    Block,
    For,
    If,
    Invoke,
    Kernel,
    Let,
    Loop,
    Set,
    Stmt,
    Var,
)
from sandbox.tiers.compiled.points import FUEL, i64
from sandbox.tiers.compiled.scans.expressions import Node, Pool
from sandbox.tiers.compiled.scans.reading import (
    ROOM,
    Fold,
    Given,
    NoScanError,
    Reader,
    Scan,
    count_reads,
    note_assigned,
    what_is_done,
)
from sandbox.tiers.compiled.scans.totals import Totals, Writer

__all__ = ["rewrite_scans"]


def _written(totals: Totals, scan: Scan) -> list[Stmt]:
    """Ask for the totals that a scan needs, and give the statements that use them."""
    pool = totals.pool
    out: list[Stmt] = []
    events: dict[tuple[int, ...], list[tuple[Var, list[int]]]] = {}
    for var, change in scan.changes.items():
        leaves = what_is_done(pool, change, pool.truth)
        folds = {leaf.op if isinstance(leaf, Fold) else "given" for _, leaf in leaves}
        if len(folds) != 1:
            raise NoScanError
        (fold,) = folds
        if fold == "given":
            key = tuple(cond for cond, _ in leaves)
            events.setdefault(key, []).append((var, [leaf.value for _, leaf in leaves]))
        elif fold == "add":
            _added(totals, var, leaves, out)
        elif fold in ("or", "and") and var.ty == "b1":
            for cond, leaf in leaves:
                if fold == "or":
                    found = totals.want("or", pool.both(cond, leaf.value))
                else:
                    held = pool.node(Node("or", "b1", (pool.inverse(cond), leaf.value)))
                    found = totals.want("and", leaf.value if cond == pool.truth else held)
                _set(totals, var, fold, found, out)
        else:
            for cond, leaf in leaves:
                if cond != pool.truth or var.ty != "i64" or fold not in ("min", "max"):
                    raise NoScanError
                _set(totals, var, fold, totals.want(fold, leaf.value), out)
    for conds, owners in events.items():
        _given(totals, conds, owners, out)
    return out


def _set(totals: Totals, var: Var, op: str, value: Atom, out: list[Stmt]) -> None:
    result = totals.new(var.ty)
    out += [Let(result, op, (var, value)), Set(var, result)]


def _added(
    totals: Totals, var: Var, leaves: list[tuple[int, Fold | Given]], out: list[Stmt]
) -> None:
    pool = totals.pool
    for cond, leaf in leaves:
        node = pool.nodes[leaf.value]
        form = totals.linear(leaf.value)
        parts: list[tuple[Var, Atom]] = []
        if form is not None:
            if form.c or form.rest:
                many = totals.want("count", cond)
                parts += [(many, pool.nodes[other].atom or i64(0)) for other in form.rest]
                parts.append((many, i64(form.c)))
            if form.a:
                parts.append((totals.want("first", cond), i64(form.a)))
            if form.b:
                parts.append((totals.want("second", cond), i64(form.b)))
        elif node.op == "cast" and pool.nodes[node.args[0]].ty == "b1":
            parts.append((totals.want("count", pool.both(cond, node.args[0])), i64(1)))
        else:
            value = leaf.value
            low, high = totals.range(value)
            if max(-low, high) * totals.turns >= ROOM or node.ty == "b1":
                raise NoScanError
            if cond != pool.truth:
                value = pool.node(Node("select", node.ty, (cond, value, pool.literal(0, node.ty))))
            parts.append((totals.want("sum", value), i64(1)))
        for total, factor in parts:
            term: Atom = total
            if factor != i64(1):
                term = totals.new("i64")
                out.append(Let(term, "mul", (total, factor)))
            if var.ty != "i64":
                narrow = totals.new(var.ty)
                out.append(Let(narrow, "cast", (term,)))
                term = narrow
            _set(totals, var, "add", term, out)


def _given(
    totals: Totals,
    conds: tuple[int, ...],
    owners: list[tuple[Var, list[int]]],
    out: list[Stmt],
) -> None:
    """Set variables to what they were set to at the last turn that set them."""
    best: Atom = i64(0)
    width = totals.counts[1]
    for k, cond in enumerate(conds):
        last = totals.want("last", cond)
        found, turn, place = totals.new("b1"), totals.new("i64"), totals.new("i64")
        out += [
            Let(found, "gt", (last, best)),
            Let(turn, "sub", (last, i64(1))),
            # A turn that exists even where there was none, because what follows is computed anyway.
            Let(place, "select", (found, turn, i64(0))),
        ]
        if totals.counts[0] == 1:
            writer = Writer(totals, out, place, i64(0))
        else:
            row, column = totals.new("i64"), totals.new("i64")
            out.append(Let(row, "floordiv", (place, i64(width))))
            out.append(Let(column, "mod", (place, i64(width))))
            writer = Writer(totals, out, column, row)
        for var, values in owners:
            result = totals.new(var.ty)
            out.append(Let(result, "select", (found, writer.atom(values[k]), var)))
            out.append(Set(var, result))
        if len(conds) > 1:
            after = totals.new("i64")
            out.append(Let(after, "select", (found, last, best)))
            best = after


class _Rewriter:
    def __init__(self, kernel: Kernel, limit: int, lines: dict[str, int]) -> None:
        self.kernel = kernel
        self.lines = lines
        self.limit = limit
        self.fresh = itertools.count(1)
        self.reads: Counter[str] = Counter()
        self.sets: set[str] = set()
        self.found = 0
        count_reads(kernel.body, self.reads)
        note_assigned(kernel.body, self.sets)

    def read(self, pool: Pool, item: Stmt) -> Scan | None:
        if not isinstance(item, For):
            return None
        try:
            return Reader(pool, self.limit, self.reads).loop(item)
        except NoScanError:
            return None

    def rewrite(self, body: list[Stmt], defined: set[str]) -> None:
        """Rewrite the scans of a block, and of the blocks in it.

        Args:
            body: Changed in place.
            defined: Temporaries that are there when the block begins.
        """
        defined = set(defined)
        place = 0
        while place < len(body):
            item = body[place]
            match item:
                case Let(var=var) | Invoke(var=var):
                    defined.add(var.name)
                case If(then=then, other=other):
                    self.rewrite(then, defined)
                    self.rewrite(other, defined)
                case Block(body=inner) | Loop(body=inner):
                    self.rewrite(inner, defined)
                case For(body=inner):
                    made = self.scan(body, place, defined)
                    if made is None:
                        self.rewrite(inner, defined)
                    else:
                        self.note(made, _line_of(inner, self.lines))
                        body[place : place + 1] = made
                        place += len(made) - 1
            place += 1

    def scan(self, body: list[Stmt], place: int, defined: set[str]) -> list[Stmt] | None:
        """Give what a loop becomes, or None; loops that join it are replaced where they stand."""
        pool = Pool(self.kernel)
        leader = self.read(pool, body[place])
        if leader is None or not leader.changes:
            return None
        totals = Totals(pool, leader.counts, self.fresh)
        try:
            results = _written(totals, leader)
        except NoScanError:
            return None
        self.found += 1
        if leader.guarded:
            return self.guarded(leader, [*totals.loop(), *results], body[place])
        self.join(totals, leader, body, place + 1, defined)
        return [*totals.loop(), *results]

    def join(
        self, totals: Totals, leader: Scan, body: list[Stmt], start: int, defined: set[str]
    ) -> None:
        """Let later scans of the same memory join: they find their totals in the leader's loop."""
        place = start
        while place < len(body):
            item = body[place]
            match item:
                case If(then=then, other=other):
                    self.join(totals, leader, then, 0, defined)
                    self.join(totals, leader, other, 0, defined)
                case Block(body=inner):
                    self.join(totals, leader, inner, 0, defined)
                case For():
                    scan = self.read(totals.pool, item)
                    # It moves to an earlier place: nothing that it reads may change on the way.
                    if (
                        scan is not None
                        and scan.counts == leader.counts
                        and not scan.guarded
                        and scan.loads & leader.loads
                        and scan.outside <= defined - self.sets
                        and all(self.is_input(totals.pool, load) for load in scan.loads)
                    ):
                        wanted = dict(totals.wanted)
                        try:
                            results = _written(totals, scan)
                        except NoScanError:
                            totals.wanted = wanted
                        else:
                            self.note(results, _line_of([item], self.lines))
                            body[place : place + 1] = results
                            place += len(results) - 1
            place += 1

    def note(self, body: list[Stmt], line: int | None) -> None:
        """Let new names belong to the line of the loop that they replace."""
        for item in body:
            match item:
                case Let(var=var) | Set(var=var) if line is not None:
                    self.lines.setdefault(var.name, line)
                case If(then=then):
                    self.note(then, line)
                case For(body=inner):
                    self.note(inner, line)

    def is_input(self, pool: Pool, load: int) -> bool:
        region = pool.nodes[load].region
        return region is not None and self.kernel.regions[region].kind == "input"

    def guarded(self, scan: Scan, quick: list[Stmt], plain: Stmt) -> list[Stmt]:
        """Run the quick form where neither fuel nor capacity can run out in it."""
        after, good = Var(f"scan{next(self.fresh)}", "i64"), Var(f"scan{next(self.fresh)}", "b1")
        out: list[Stmt] = [
            Let(after, "add", (FUEL, i64(scan.fuel))),
            Let(good, "le", (after, i64(self.limit))),
        ]
        for var in scan.guards:
            for op, bound in (("le", ROOM), ("ge", -ROOM)):
                inside, both = (Var(f"scan{next(self.fresh)}", "b1") for _ in range(2))
                out += [Let(inside, op, (var, i64(bound))), Let(both, "and", (good, inside))]
                good = both
        if scan.fuel:
            quick.append(Set(FUEL, after))
        out.append(If(good, quick, [plain]))
        return out


def rewrite_scans(kernel: Kernel, fuel: int, lines: dict[str, int] | None = None) -> int:
    """Rewrite the scans of a kernel in place.

    Args:
        kernel: Its body is changed.
        fuel: Units that a row may use.
        lines: Source line by name; names that are made here are added.

    Returns:
        How many loops were rewritten.
    """
    rewriter = _Rewriter(kernel, fuel, {} if lines is None else lines)
    rewriter.rewrite(kernel.body, set())
    return rewriter.found


def _line_of(body: list[Stmt], lines: dict[str, int]) -> int | None:
    """Give the first line that statements belong to."""
    for item in body:
        match item:
            case Let(var=var) | Set(var=var) if var.name in lines:
                return lines[var.name]
            case For(body=inner):
                found = _line_of(inner, lines)
                if found is not None:
                    return found
    return None
