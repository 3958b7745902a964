"""Pure expressions of a loop, equal ones once; which of them are linear in its indices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sandbox.tiers.compiled.core import Atom, Kernel, Lit, Ty

__all__ = ["Linear", "Node", "Pool", "Range", "linear", "span"]

Range: TypeAlias = tuple[int, int]
"""Least and greatest value."""


@dataclass(frozen=True, slots=True)
class Node:
    """A pure expression: an operation on others, an atom, or one of the loop's indices."""

    op: str
    ty: Ty
    args: tuple[int, ...] = ()
    region: str | None = None
    atom: Atom | None = None


class Pool:
    """All expressions of a kernel's scans, equal ones once."""

    def __init__(self, kernel: Kernel) -> None:
        self.regions = kernel.regions
        self.nodes: list[Node] = []
        self._known: dict[Node, int] = {}

    def node(self, node: Node) -> int:
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = len(self.nodes)
            self.nodes.append(node)
        return found

    def literal(self, value: int, ty: Ty) -> int:
        return self.node(Node("atom", ty, atom=Lit(bool(value) if ty == "b1" else value, ty)))

    def index(self, axis: int) -> int:
        return self.node(Node(f"index{axis}", "i64"))

    def both(self, a: int, b: int) -> int:
        return b if a == self.truth else self.node(Node("and", "b1", (a, b)))

    def inverse(self, a: int) -> int:
        node = self.nodes[a]
        return node.args[0] if node.op == "not" else self.node(Node("not", "b1", (a,)))

    @property
    def truth(self) -> int:
        return self.literal(1, "b1")


@dataclass(frozen=True, slots=True)
class Linear:
    """``i * a + j * b + c``, and expressions that no index is in."""

    a: int
    b: int
    c: int
    rest: tuple[int, ...] = ()


def linear(pool: Pool, place: int, memo: dict[int, Linear | None]) -> Linear | None:
    """Give an i64 expression as a linear form, or None where it is none."""
    if place in memo:
        return memo[place]
    node = pool.nodes[place]
    found: Linear | None = None
    if node.ty == "i64":
        if node.op == "index0":
            found = Linear(1, 0, 0)
        elif node.op == "index1":
            found = Linear(0, 1, 0)
        elif node.op == "atom":
            atom = node.atom
            lit = isinstance(atom, Lit)
            found = Linear(0, 0, int(atom.value) if isinstance(atom, Lit) else 0,
                            () if lit else (place,))  # fmt: skip
        elif node.op in ("add", "sub", "mul"):
            x, y = (linear(pool, arg, memo) for arg in node.args)
            if x is not None and y is not None:
                found = combine(node.op, x, y)
    memo[place] = found
    return found


def combine(op: str, x: Linear, y: Linear) -> Linear | None:
    if op == "add":
        return Linear(x.a + y.a, x.b + y.b, x.c + y.c, tuple(sorted(x.rest + y.rest)))
    if op == "sub":
        return None if y.rest else Linear(x.a - y.a, x.b - y.b, x.c - y.c, x.rest)
    if (x.a, x.b, x.rest) == (0, 0, ()):
        x, y = y, x
    if x.rest or (y.a, y.b, y.rest) != (0, 0, ()):
        return None
    return Linear(x.a * y.c, x.b * y.c, x.c * y.c)


def span(form: Linear, counts: tuple[int, int]) -> Range:
    """Give the least and greatest value of a linear form without rest."""
    ends = [(0, (count - 1) * step) for count, step in zip(counts, (form.a, form.b), strict=True)]
    return form.c + sum(min(end) for end in ends), form.c + sum(max(end) for end in ends)
