"""Programs made at random of what reward programs do with lists, dicts, sets and numbers.

Names have types, so that most programs compile: integers, floats, a list of integers, a list of
pairs, a deque, dicts, a set and a counter. What is drawn still meets empty containers, missing
keys, NaN, wrap-around and early ends. `Maker` takes any source of choices; Hypothesis can be one.
"""

from __future__ import annotations

import random
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["PYTHON", "Maker", "columns"]

PYTHON: Final = frozenset({"n", "flag"})
"""Columns that reach a program as Python numbers."""

_HEAD: Final = """\
from collections import Counter, defaultdict, deque
import math
import numpy as np

def near(a, b):
    if a > b:
        return a - b
    for k in range(3):
        if a + k == b:
            return k
    return -1

def reward(g, v, w, n, flag):
    i0, i1, f0, f1 = n, 1, 0.5, float(v[0])
    xs, ps, dq = [], [], deque(maxlen={maxlen})
    d, dd, s, c = {{}}, defaultdict(int), set(), Counter()
"""
_TAIL: Final = """\
    total = 0
    for k, x in enumerate(xs):
        total = (total * 3 + x + k) % 100003
    for a, b in ps:
        total = (total * 5 + a - b) % 100003
    for k, (a, b) in enumerate(d.items()):
        total = (total * 7 + a * b + k) % 100003
    for a in dq:
        total += a
    total += sum(dd.values()) + len(dd) + len(s) + len(c) + sum(c.values())
    return float(total) + f0 + 2.0 * f1 + i0 % 1000 + 0.25 * (i1 % 1000)
"""


class Maker:
    """Draws one program.

    Args:
        source: Where choices come from.
        size: Statements of the outermost block.
    """

    def __init__(self, source: random.Random, size: int = 6) -> None:
        self.source = source
        self.size = size
        self.bound: list[str] = []
        """Integer names of the loops around."""

    def program(self) -> str:
        """Give the source."""
        head = _HEAD.format(maxlen=self.pick(["None", "3", "20"]))
        return head + "\n".join(self.block(1, self.size, loop=False)) + "\n" + _TAIL

    def pick(self, items: list[str]) -> str:
        """Choose one."""
        return items[self.source.randrange(len(items))]

    # -- expressions

    def integer(self, depth: int = 2) -> str:
        """Draw an expression that is an int."""
        leaves = ["i0", "i1", "n", "0", "1", "2", "-1", "7", "len(xs)", "len(d)", "len(s)",
                  "int(g[0, 1])", "int(g[1, 2])", "int(g[2, 3])", *self.bound, *self.bound]  # fmt: skip
        if depth == 0:
            return self.pick(leaves)
        a, b = self.integer(depth - 1), self.integer(depth - 1)
        return self.pick(
            [
                *leaves[:4], f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} // {b})",
                f"({a} % {b})", f"abs({a})", f"min({a}, {b})", f"max({a}, {b})", f"near({a}, {b})",
                f"({a} if {self.truth(depth - 1)} else {b})", f"d.get({a}, {b})", f"dd[{a}]",
                f"c[{a}]", f"d[{a}]", f"xs[{a}]", "xs[-1]", "xs[0]", "sum(xs)", f"xs.count({a})",
                "max(xs)", f"min(xs, default={a})", "ps[0][1]", "len(ps)", "len(dq)", "sum(dq)",
                f"int({self.real(0)})", f"sum(1 for x in xs if x > {b})", f"round({self.real(0)})",
                "sum(x * y for x, y in ps)", f"max(ps, key=lambda p: (p[1], {a}))[0]",
                f"int(np.sum(g == {a}))", f"divmod({a}, 3)[1]", f"int(g[{a}, {b}])",
                f"(xs or [{a}])[0]", "max(d.values(), default=-3)", "sum(xs[1:])", "sum(xs[-2:])",
                f"xs.index({a})", "c.most_common(1)[0][1]", f"int({self.truth(0)})",
                f"sorted(xs)[{b}]", f"len([p for p in ps if p[0] < {a}])",
            ]
        )  # fmt: skip

    def real(self, depth: int = 2) -> str:
        """Draw an expression that is a float."""
        leaves = ["f0", "f1", "0.5", "-0.0", "1e3", "float(v[1])", "float(w[0])", "float(v[2])"]
        if depth == 0:
            return self.pick(leaves)
        a, b, k = self.real(depth - 1), self.real(depth - 1), self.integer(depth - 1)
        return self.pick(
            [
                *leaves, f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} / {b})",
                f"({a} % {b})", f"({a} // {b})", f"min({a}, {b})", f"max({a}, {b})",
                f"abs({a})", f"float({k})", f"({k} / 4)", f"({a} if {self.truth(0)} else {b})",
                f"math.sqrt(abs({a}))", "float(np.mean(v))", "float(v.max())", f"({a} * {k})",
                "float(np.mean(xs)) if xs else 0.0", f"(sum(xs) / len(xs) if xs else {a})",
                "float(np.max(xs))", "float(np.std(xs)) if len(xs) > 1 else 1.0",
            ]
        )  # fmt: skip

    def truth(self, depth: int = 1) -> str:
        """Draw an expression that is a bool."""
        leaves = ["flag", "n > 1", "bool(xs)", "f0 > f1", "g[0, 0] == 2", "i0 < i1"]
        if depth == 0:
            return self.pick(leaves)
        a, b = self.integer(depth - 1), self.integer(depth - 1)
        x, y = self.real(depth - 1), self.real(depth - 1)
        p, q = self.truth(depth - 1), self.truth(depth - 1)
        return self.pick(
            [
                *leaves, f"{a} < {b}", f"{a} == {b}", f"{x} < {y}", f"{x} >= {y}", f"({p} and {q})",
                f"({p} or {q})", f"(not {p})", f"{a} in xs", f"{a} in d", f"{a} in s",
                f"{a} not in s", f"({a}, {b}) in ps", f"any(x > {a} for x in xs)",
                f"all(x > {a} for x, _ in ps)", f"0 <= {a} < {b}", "not ps", "bool(d)",
                f"{a} in dq", f"({a}, {b}) < (n, i1)", "xs == sorted(xs)", f"s == {{{a}}}",
            ]
        )  # fmt: skip

    # -- statements

    def block(self, indent: int, size: int, *, loop: bool) -> list[str]:
        """Draw statements, as lines."""
        lines: list[str] = []
        for _ in range(1 + self.source.randrange(size)):
            lines += self.statement(indent, loop=loop)
        return lines

    def statement(self, indent: int, *, loop: bool) -> list[str]:
        """Draw one statement."""
        pad = "    " * indent
        if indent < 4 and self.source.randrange(5) < 2:
            return self.compound(indent, loop=loop)
        a, b = self.integer(), self.integer(1)
        simple = [
            f"i0 = {a}", f"i1 = {a}", f"i0 += {b}", f"f0 = {self.real()}", f"f1 = {self.real()}",
            f"f0 += {self.real(1)}", f"xs.append({a})", f"xs.append({a})", f"ps.append(({a}, {b}))",
            f"dq.append({a})", f"d[{a}] = {b}", f"d[{b}] = d.get({b}, 0) + 1", f"dd[{b}] += 1",
            f"s.add({a})", f"c[{b}] += 1", f"s.discard({b})", f"d.pop({b}, None)", "xs.sort()",
            "ps.sort()", "xs.reverse()", "xs = xs[1:]", "xs = xs[-3:]", f"xs = xs[:{b}]",
            f"xs = [x + 1 for x in xs if x > {b}]", "xs = sorted(xs, reverse=True)",
            "ps = sorted(ps, key=lambda p: p[1])", "xs = [a for a, _ in ps]", f"xs.insert({b}, {a})",
            "xs.clear()", f"xs.extend([{a}, {b}])", f"xs += [{a}]", f"ps = [({a}, x) for x in xs]",
            f"xs.remove({b})", f"dq.appendleft({b})", f"xs[0] = {a}", f"xs[{b}] = {a}",
            f"d.setdefault({a}, {b})", f"i1 = near({a}, {b})", "xs = list(d)", "xs = xs + xs[:2]",
            "xs = [k * v for k, v in d.items()]", f"s |= {{{a}, {b}}}", "xs.pop()", "i0 = xs.pop()",
            "i0 = xs.pop(0)", "i1 = dq.popleft()", "a, b = ps[0]; i0 = a - b", "xs = list(dq)",
            "d = {k: v + 1 for k, v in d.items()}", "c = Counter(xs)", "xs = [int(x) for x in g[0]]",
            "f1 = max(f0, f1); f0 = -f0", f"d.update({{{a}: {b}}})", "s = set(xs)", "d = {}",
            f"s = s - {{{a}}}", f"s = s & {{{a}, {b}, 1}}", "xs = list(reversed(xs))",
            "i0, i1 = i1, i0", f"ps = [(x, y) for x in xs for y in (1, {b})][:9]",
        ]  # fmt: skip
        if loop:
            simple += [f"if {self.truth()}:\n{pad}    {self.pick(['break', 'continue'])}"] * 4
        if indent > 1:
            simple.append(f"return {self.real()}")
        return [pad + self.pick(simple)]

    def compound(self, indent: int, *, loop: bool) -> list[str]:
        """Draw a statement with a block of its own."""
        pad = "    " * indent
        name = f"k{indent}"
        kind = self.source.randrange(9)
        if kind < 3:
            lines = [f"{pad}if {self.truth()}:", *self.block(indent + 1, 2, loop=loop)]
            if self.source.randrange(2):
                lines += [f"{pad}else:", *self.block(indent + 1, 2, loop=loop)]
            return lines
        if kind == 3:
            error = self.pick(["IndexError", "KeyError", "ValueError", "ZeroDivisionError"])
            lines = [f"{pad}try:", *self.block(indent + 1, 2, loop=loop)]
            return [*lines, f"{pad}except {error}:", *self.block(indent + 1, 1, loop=loop)]
        if kind == 4:
            head = self.pick(["while xs:", "while len(xs) > 2:", "while dq:"])
            first = "xs.pop()" if "xs" in head else "dq.popleft()"
            body = self.block(indent + 1, 2, loop=True)
            # Half of the loops do not end by themselves; fuel ends those.
            return [f"{pad}{head}", f"{pad}    i1 = {first}", *body]
        over = self.pick(
            ["range(5)", "range(1, 12)", f"range({self.integer(1)} % 6)", "xs[:]", "g[1]",
             "sorted(d)", "list(d.values())", "(3, 1, 2)", "[int(x) for x in g[2]]", "list(xs)"]
        )  # fmt: skip
        self.bound.append(f"int({name})")
        body = self.block(indent + 1, 3, loop=True)
        self.bound.pop()
        lines = [f"{pad}for {name} in {over}:", *body]
        if self.source.randrange(5) == 0:
            lines += [f"{pad}else:", *self.block(indent + 1, 1, loop=loop)]
        return lines


def columns(seed: int, rows: int = 12) -> dict[str, NDArray[np.generic]]:
    """Make inputs: ordinary rows, and rows with zeros, extremes, NaN and infinities."""
    rng = np.random.default_rng(seed)
    grid = rng.integers(0, 4, (rows, 3, 4)).astype(np.uint8)
    vector = rng.normal(size=(rows, 3)) * 3
    narrow = rng.normal(size=(rows, 2)).astype(np.float32)
    number = rng.integers(-2, 5, rows)
    grid[0], vector[0], number[0] = 0, 0.0, 0
    grid[1], vector[1] = 255, -0.0
    vector[2, 0], vector[3, 1], vector[4, 2] = np.nan, np.inf, -np.inf
    narrow[5, 0] = np.nan
    number[6], number[7] = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    return {
        "g": grid, "v": vector, "w": narrow, "n": number, "flag": rng.integers(0, 2, rows) > 0,
    }  # fmt: skip
