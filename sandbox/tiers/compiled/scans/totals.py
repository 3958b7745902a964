"""Totals over all turns of a loop, and the loop without branches that finds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sandbox.tiers.compiled.core import FLOATS, Atom, For, Let, Lit, Set, Stmt, Ty, Var, limits_of
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.scans.expressions import Linear, Pool, Range, linear, span

__all__ = ["Totals", "Writer"]

FLAT: Final = 32
"""Two loops become one where the inner one has fewer turns than this: it fills no register."""


class NotFlatError(Exception):
    """Something needs the two indices apart."""


class Totals:
    """What several scans over the same indices need to know, and the loop that finds it out."""

    def __init__(self, pool: Pool, counts: tuple[int, int], fresh: Iterator[int]) -> None:
        self.pool = pool
        self.counts = counts
        self.fresh = fresh
        self.wanted: dict[tuple[str, int], Var] = {}
        self.memo: dict[int, Linear | None] = {}

    @property
    def turns(self) -> int:
        """Of both loops together."""
        return self.counts[0] * self.counts[1]

    def want(self, kind: str, place: int) -> Var:
        """Ask for a total, an i64 (or b1) variable that is set after the loop.

        Args:
            kind: ``count`` of turns where a condition holds; ``first`` and ``second``, the sum of
                that index where it holds; ``last``, one more than the number of the last turn
                where it holds, or 0; ``sum``, ``min``, ``max``, ``or``, ``and`` of a value.
            place: The condition or the value.
        """
        key = kind, place
        found = self.wanted.get(key)
        if found is None:
            ty = "b1" if kind in ("or", "and") else "i64"
            found = self.wanted[key] = self.new(ty)
        return found

    def new(self, ty: Ty) -> Var:
        """Make a name."""
        return Var(f"scan{next(self.fresh)}", ty)

    def label(self) -> str:
        """Make the label of a loop."""
        return f"scan{next(self.fresh)}"

    def linear(self, place: int) -> Linear | None:
        """Give an expression as a linear form, or None."""
        return linear(self.pool, place, self.memo)

    def range(self, place: int) -> Range:
        """Give bounds of an integer expression."""
        form = self.linear(place)
        if form is not None and not form.rest:
            return span(form, self.counts)
        node = self.pool.nodes[place]
        full = limits_of(node.ty)
        if node.op == "atom" and isinstance(node.atom, Lit):
            return int(node.atom.value), int(node.atom.value)
        if node.op == "cast" and self.pool.nodes[node.args[0]].ty not in FLOATS:
            low, high = self.range(node.args[0])
            return (low, high) if full[0] <= low and high <= full[1] else full
        if node.op == "select":
            yes, no = (self.range(arg) for arg in node.args[1:])
            return min(yes[0], no[0]), max(yes[1], no[1])
        return full

    def loop(self) -> list[Stmt]:
        """Give the statements that find all totals."""
        if self.counts[1] < FLAT or self.counts[0] == 1:
            try:
                return self._flat()
            except NotFlatError:
                pass
        return self._nested()

    def _flat(self) -> list[Stmt]:
        out: list[Stmt] = []
        body: list[Stmt] = []
        index = self.new("i64")
        if self.counts[0] > 1 and any(kind in ("first", "second") for kind, _ in self.wanted):
            raise NotFlatError
        writer = Writer(self, body, index, None)
        after: list[Stmt] = []
        for (kind, place), total in self.wanted.items():
            acc = self._start(kind, place, self.turns, out)
            self._step(writer, kind, place, acc, index)
            self._end(acc, total, after)
        out.append(For(index, i64(self.turns), body, self.label()))
        return out + after

    def _nested(self) -> list[Stmt]:
        out: list[Stmt] = []
        before: list[Stmt] = []
        after: list[Stmt] = []
        done: list[Stmt] = []
        steps: list[tuple[str, int, Var]] = []
        outer, start = self.new("i64"), self.new("i64")
        before.append(Let(start, "mul", (outer, i64(self.counts[1]))))
        for (kind, place), total in self.wanted.items():
            if kind not in ("count", "first", "second", "sum"):
                acc = self._start(kind, place, self.turns, out)
                steps.append((kind, place, acc))
                self._end(acc, total, done)
                continue
            # What is added up begins anew in each row, so that it fits into fewer bits.
            out.append(Set(total, i64(0)))
            inside = "count" if kind == "first" else kind
            acc = self._start(inside, place, self.counts[1], before)
            steps.append((inside, place, acc))
            part: Atom = acc
            if acc.ty != "i64":
                part = self.new("i64")
                after.append(Let(part, "cast", (acc,)))
            if kind == "first":
                weighted = self.new("i64")
                after.append(Let(weighted, "mul", (part, outer)))
                part = weighted
            more = self.new("i64")
            after += [Let(more, "add", (total, part)), Set(total, more)]
        index, turn = self.new("i64"), self.new("i64")
        body: list[Stmt] = [Let(turn, "add", (start, index))]
        writer = Writer(self, body, index, outer)
        for kind, place, acc in steps:
            self._step(writer, kind, place, acc, turn if kind == "last" else index)
        rows = [*before, For(index, i64(self.counts[1]), body, self.label()), *after]
        out.append(For(outer, i64(self.counts[0]), rows, self.label()))
        return out + done

    def _start(self, kind: str, place: int, turns: int, out: list[Stmt]) -> Var:
        """Make the variable of a total in the narrowest type that holds it."""
        if kind in ("or", "and"):
            acc, value = self.new("b1"), Lit(kind == "and", "b1")
        elif kind in ("min", "max"):
            low, high = self.range(place)
            ty = _narrowest(low, high)
            acc = self.new(ty)
            value = Lit(high if kind == "min" else low, ty)
        else:
            low, high = 0, turns
            if kind == "second":
                high = self.counts[1] * (self.counts[1] - 1) // 2
            elif kind == "sum":
                low, high = (min(0, turns * end) if k == 0 else max(0, turns * end)
                             for k, end in enumerate(self.range(place)))  # fmt: skip
            ty = _narrowest(low, high)
            acc, value = self.new(ty), Lit(0, ty)
        out.append(Set(acc, value))
        return acc

    def _step(self, writer: Writer, kind: str, place: int, acc: Var, turn: Var) -> None:
        body = writer.body
        value = writer.atom(place)
        result = self.new(acc.ty)
        if kind in ("or", "and"):
            body.append(Let(result, kind, (acc, value)))
        elif kind in ("min", "max"):
            body.append(Let(result, kind, (acc, writer.cast(value, acc.ty))))
        elif kind == "last":
            number = self.new("i64")
            body.append(Let(number, "add", (turn, i64(1))))
            here = self.new(acc.ty)
            narrow = writer.cast(number, acc.ty)
            body.append(Let(here, "select", (value, narrow, Lit(0, acc.ty))))
            body.append(Let(result, "max", (acc, here)))
        elif kind == "second":
            here = self.new(acc.ty)
            narrow = writer.cast(turn, acc.ty)
            body.append(Let(here, "select", (value, narrow, Lit(0, acc.ty))))
            body.append(Let(result, "add", (acc, here)))
        else:
            body.append(Let(result, "add", (acc, writer.cast(value, acc.ty))))
        body.append(Set(acc, result))

    def _end(self, acc: Var, total: Var, after: list[Stmt]) -> None:
        value: Var = acc
        if acc.ty != total.ty:
            value = self.new(total.ty)
            after.append(Let(value, "cast", (acc,)))
        after.append(Set(total, value))


class Writer:
    """Writes expressions as statements, each once."""

    def __init__(self, totals: Totals, body: list[Stmt], index: Atom, outer: Atom | None) -> None:
        self.totals = totals
        self.body = body
        self.index = index
        self.outer = outer
        self.made: dict[int, Atom] = {}
        self.casts: dict[tuple[Atom, Ty], Atom] = {}

    def let(self, op: str, ty: Ty, args: tuple[Atom, ...], region: str | None = None) -> Var:
        """Write an operation."""
        var = self.totals.new(ty)
        self.body.append(Let(var, op, args, region))
        return var

    def cast(self, atom: Atom, ty: Ty) -> Atom:
        """Convert an integer to a type that holds it."""
        if atom.ty == ty:
            return atom
        if (atom, ty) not in self.casts:
            self.casts[atom, ty] = self.let("cast", ty, (atom,))
        return self.casts[atom, ty]

    def atom(self, place: int) -> Atom:
        """Give the value of an expression."""
        found = self.made.get(place)
        if found is None:
            found = self.made[place] = self._write(place)
        return found

    def _write(self, place: int) -> Atom:
        node = self.totals.pool.nodes[place]
        if node.op == "atom":
            assert node.atom is not None
            return node.atom
        width = self.totals.counts[1]
        form = self.totals.linear(place)
        if form is not None:
            if self.outer is None:
                # One index for both: each turn of the outer one is a row of the inner one.
                if form.a != form.b * width and self.totals.counts[0] > 1:
                    raise NotFlatError
                return self._sum([(self.index, form.b)], form)
            return self._sum([(self.outer, form.a), (self.index, form.b)], form)
        if node.op == "index0" or (node.op == "index1" and self.outer is None):
            raise NotFlatError
        args = tuple(self.atom(arg) for arg in node.args)
        return self.let(node.op, node.ty, args, node.region)

    def _sum(self, parts: list[tuple[Atom, int]], form: Linear) -> Atom:
        total: Atom = i64(form.c)
        for other in form.rest:
            total = self.let("add", "i64", (total, self.atom(other)))
        for atom, step in parts:
            if step:
                term = atom if step == 1 else self.let("mul", "i64", (atom, i64(step)))
                total = term if total == i64(0) else self.let("add", "i64", (total, term))
        return total


def _narrowest(low: int, high: int) -> Ty:
    for bits in (8, 16, 32):
        if low >= 0 and high < 1 << bits:
            return f"u{bits}"
        if -(1 << bits - 1) <= low and high < 1 << bits - 1:
            return f"i{bits}"
    return "i64"
