"""Idioms of programs that nobody had seen: compiled, interpreted and under plain CPython.

Each case is a body of ``reward(image, vec, small, n, flag)`` with the rows of `test_compiled_idioms`.
It has to compile, to give what CPython gives, and to use as much fuel in both tiers.
"""

from __future__ import annotations

import ast
import textwrap

import both
import numpy as np
import pytest
from test_compiled_idioms import columns

from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import Schema
from sandbox.tiers.base import NO_FAILURE, Outputs, TierReason
from sandbox.tiers.compiled import compile_program
from sandbox.tiers.interpreted import InterpretedRunner

PYTHON = frozenset({"n", "flag"})
HEAD = """
import bisect, heapq, itertools, math, operator, statistics
from abc import ABC, abstractmethod
from collections import Counter, defaultdict, deque
from dataclasses import asdict, dataclass, field, replace
from enum import Enum, IntEnum
from typing import NamedTuple
import numpy as np
import numpy.typing as npt

class Obj(IntEnum):
    EMPTY = 1
    WALL = 2
    DOOR = 4
    KEY = 5

class Side(Enum):
    LEFT = 0
    RIGHT = 1

    @property
    def sign(self):
        return -1 if self is Side.LEFT else 1

@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

    def __rmul__(self, k):
        return Point(k * self.x, k * self.y)

    def __neg__(self):
        return Point(-self.x, -self.y)

    def norm(self):
        return (self.x ** 2 + self.y ** 2) ** 0.5

class Thing:
    def __init__(self, x, y, kind):
        self.x = x
        self.y = y
        self.kind = kind

    @property
    def far(self):
        return abs(self.x - 3) + abs(self.y - 6)

class Cell(NamedTuple):
    x: int
    y: int

    def away(self, other):
        return abs(self.x - other.x) + abs(self.y - other.y)

class Bag:
    def __init__(self, items):
        self.items = list(items)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, k):
        return self.items[k]

    def __contains__(self, item):
        return item in self.items

    def __iter__(self):
        return iter(self.items)

class Term(ABC):
    scale = 1.0

    def __init__(self, weight=1.0):
        self.weight = weight

    @abstractmethod
    def value(self, v):
        ...

    def __call__(self, v):
        return self.scale * self.weight * self.value(v)

class Square(Term):
    def __init__(self):
        super().__init__(0.5)

    def value(self, v):
        return v * v

class Size(Term):
    scale = 2.0

    def value(self, v):
        return abs(v)
"""

CASES = {
    "members_of_an_int_enum": """
        try:
            kind = Obj(int(image[3, 3, 0]))
        except ValueError:
            return -1.0
        bonus = {Obj.DOOR: 0.5, Obj.KEY: 0.25}
        return bonus.get(kind, 0.0) + kind.value + len(kind.name) + (kind is Obj.KEY) + kind * 2
    """,
    "members_of_an_enum": """
        side = Side(int(flag))
        return side.sign + 2 * (side is Side.LEFT) + sum(s.sign * s.value for s in Side)
    """,
    "objects_with_operators": """
        p = Point(float(vec[0]), float(vec[1])) + 0.5 * Point(1.0, -1.0)
        q = replace(p, y=2.0)
        parts = asdict(q)
        return (-p).norm() + parts["x"] + parts["y"] + (p == Point(0.5, -0.5))
    """,
    "inheritance": """
        terms = {"square": Square(), "size": Size(0.1)}
        return float(sum(t(vec[0]) for t in terms.values())) + isinstance(terms["size"], Term)
    """,
    "containers_of_the_program": """
        bag = Bag(float(v) for v in vec if v > 0)
        if not bag:
            return -1.0
        return len(bag) + bag[0] + sum(v for v in bag) + (bag[0] in bag)
    """,
    "objects_in_lists": """
        found = [Thing(x, y, int(image[x, y, 0])) for x in range(7) for y in range(7)
                 if image[x, y, 0] >= 4]
        keys = [t for t in found if t.kind == 5]
        near = min(keys, key=lambda t: (t.far, t.x), default=None)
        found.sort(key=lambda t: (-t.far, t.x))
        return len(found) + (0.0 if near is None else 0.1 * near.far + 0.01 * found[0].x)
    """,
    "objects_appended_by_path": """
        found = []
        for row in vec.reshape(3, 2):
            if row[0] > 0:
                found.append(Point(*map(float, row)))
        rest = found[1:]
        return sum(p.norm() for p in rest) + (found[0].x if found else -1.0)
    """,
    "named_tuples_with_methods": """
        cells = [Cell(int(x), int(y)) for x, y in np.argwhere(image[:, :, 0] == 5)]
        if not cells:
            return 0.0
        return min(c.away(Cell(3, 6)) for c in cells) + cells[0]._replace(x=9).x
    """,
    "lists_in_dicts": """
        by_kind = defaultdict(list)
        seen = {}
        for x in range(7):
            for y in range(7):
                kind = int(image[x, y, 0])
                by_kind[kind].append((x, y))
                seen.setdefault(kind, []).append(x * 0.5)
        best = max(seen, key=lambda k: (len(seen[k]), k))
        total = sum(len(cells) for kind, cells in by_kind.items() if kind > 1)
        return best + total + seen[best][-1] + (by_kind[5][0][1] if by_kind[5] else 0.0)
    """,
    "rows_in_lists": """
        rows = []
        for x in range(7):
            if image[x, 0, 0] > 1:
                rows.append([x, x * x])
        return float(np.mean(rows, axis=0)[1]) + rows[0][0] if rows else -1.0
    """,
    "counters": """
        a = Counter(int(v) for v in image[0, :, 0] if v > 1)
        b = Counter({"one": int(image[0, 0, 0]), "two": int(image[1, 0, 0])})
        c = Counter(int(v) for v in image[1, :, 0])
        b.update({"two": 3})
        total = 0.0
        for key, count in (c - a).items():
            total = total * 0.5 + key * count
        return total + sum((a + c).values()) + b["two"] + sum((a & c).values())
    """,
    "sets_in_any_order": """
        cells = {int(v) for v in image[0, :, 0]}
        other = {v + 1 for v in cells if v > 1}
        both = cells
        both -= {4}
        return min(cells, default=9) + max(other | {0}) + sum(other) + len(both)
    """,
    "popped_sets": """
        open_ones = set(range(5))
        total = 0
        while open_ones:
            k = open_ones.pop()
            open_ones -= {j for j in open_ones if image[j, 0, 0] > 2}
            total = total * 2 + k
        return total
    """,
    "order_of_keys": """
        found = {}
        for x in range(3):
            if image[x, 0, 0] == 2:
                found["wall"] = x
            if image[x, 1, 0] == 2:
                found["other"] = x
        total = 0.0
        for name, x in found.items():
            total = total * 0.5 + x + len(name)
        return total
    """,
    "chains_and_running_totals": """
        flat = list(itertools.chain.from_iterable(vec.reshape(2, 3).tolist()))
        sums = list(itertools.accumulate(flat))
        most = list(itertools.accumulate(flat, max))
        pairs = [operator.itemgetter(1)(p) for p in zip("abc", flat)]
        return sums[-1] + most[2] + pairs[0] + sum(itertools.islice(flat, 2))
    """,
    "names_of_outer_functions": """
        total, count = 0.0, 0
        def add(v, weight=1.0):
            nonlocal total, count
            total += weight * v
            count += 1
        add(float(vec[0]))
        for v in vec[:3]:
            add(float(v), 0.5)
        return total / count
    """,
    "finally": """
        steps = 0
        try:
            try:
                value = [1.0, 2.0, 3.0][n]
            finally:
                steps += 1
        except IndexError:
            value = -1.0
        finally:
            steps += 1
        return value + steps
    """,
    "assignment_in_comprehensions": """
        kept = [y for v in vec if (y := v * 2) > 0.5]
        if any((last := v) < -1.0 for v in vec):
            return float(last)
        return float(sum(kept)) if kept else 0.0
    """,
    "sequence_patterns": """
        values = [int(v) for v in image[0, :, 0] if v > 1]
        match values:
            case []:
                return 0.0
            case [only]:
                return 1.0 + only
            case [2, second, *rest]:
                return 10.0 + second + len(rest)
            case [*_, last]:
                return 100.0 + last
    """,
    "numbers_of_several_types": """
        values = [0 if v < 0 else float(v) for v in vec] + [0.5]
        parts = {"a": 0.0, "b": float(vec[0]), "c": vec[1]}
        if flag:
            parts["d"] = 2
        return float(np.sum(values)) + float(np.sum(list(parts.values())))
    """,
    "masks_on_both_sides": """
        x = vec.copy()
        y = np.zeros_like(x)
        y[x > 0.5] = x[x > 0.5]
        x[np.abs(x) > 1] -= 1
        z = np.zeros(6)
        z[[1, 2]] += 3.0
        z[np.array([0, 5])] = vec[:2]
        table = np.arange(12.0).reshape(6, 2)
        return float(x.sum() + y.sum() + z.sum() + table[vec > 0, 1].sum())
    """,
    "arrays_of_unknown_length": """
        k = int(abs(n))
        w = np.linspace(1.0, 0.0, 10)[:k]
        steps = np.arange(k)
        ones = np.ones(k) * 2
        up = vec[vec > 0]
        return (float(w.sum() + (steps ** 2).sum() + np.dot(ones, w)) + float(np.diff(up).sum())
                + float(np.cumsum(up).sum()) + float(np.where(up > 1, up, 0.5).sum())
                + float(np.concatenate([up, vec[:2]]).sum()) + len(up[1:]))
    """,
    "choices": """
        y = np.select([vec < -1, vec > 1], [vec * 2, -vec], default=0.0)
        d = np.digitize(vec, [-1.0, 0.0, 1.0])
        s = np.searchsorted([-1.0, 0.0, 1.0], float(vec[1]), side="right")
        h, edges = np.histogram(vec, bins=4, range=(-2, 2))
        return float(y.sum() + d.sum() + s + (h * np.arange(4)).sum() + edges[1])
    """,
    "layouts": """
        m = vec.reshape(2, 3)
        x, y = np.meshgrid(np.arange(2), np.arange(3), indexing="ij")
        i, j = np.indices((2, 3))
        a, b = np.mgrid[0:2, 0:3]
        p = np.pad(vec, (1, 2), mode="edge") + np.pad(vec, (2, 1))
        t = np.tile(small, 2) + np.repeat(small, 2)
        r = np.rot90(m) @ np.roll(m, 1, axis=1)
        return (100.0 + float((m * x + y * i - j * a + b).sum()) + float(p.sum()) + float(t.sum())
                + float(r.sum()) + float(np.triu(r).sum() - np.tril(r, -1).sum())
                + float(np.take(vec, [1, -1]).sum()) + float(m[np.ix_([0, 1], [2, 0])].sum())
                + float(np.flipud(m)[0, 0]) + float(np.array_split(vec, 4)[1].sum()))
    """,
    "turned_by_the_row": """
        m = image[:, :, 0].astype(float)
        return float(np.rot90(m, n)[0, 1]) + float(np.diagonal(m, 1)[2])
    """,
    "enumerated_none_or_tuple": """
        low, best = float("inf"), None
        for p in itertools.permutations(range(3)):
            cost = sum(float(vec[i]) * j for i, j in enumerate(p))
            if cost < low:
                low, best = cost, p
        return low + sum(float(vec[i]) * j * j for i, j in enumerate(best))
    """,
    "signs_of_counters": """
        c = collections.Counter({"a": n - 2, "b": 3 - n, "c": int(image[0, 0, 0])})
        return sum((+c).values()) + 10.0 * sum((-c).values()) + 100.0 * len(+c) + 1000.0 * len(-c)
    """,
    "sums_of_products": """
        m = vec.reshape(2, 3)
        e = np.einsum("ij,kj->ik", m, m)
        g = np.gradient(vec)
        c = np.convolve(vec, [0.5, 0.5], mode="same").sum() + np.convolve(vec, [1.0, 2.0]).sum()
        d = np.subtract.outer(vec, vec)
        return (float(e[0, 1] + np.einsum("ij,ij->", m, m) + g.sum() + c)
                + float(np.abs(d).max()) + float(np.inner(vec, vec)) + float(np.trapezoid(vec))
                + float(np.polyval([1.0, -2.0, 0.5], vec[0])) + float(np.maximum.reduce(vec))
                + float(np.maximum.accumulate(vec).sum()) + math.hypot(*vec.tolist()))
    """,
    "without_nans": """
        x = np.where(vec > 1.5, np.nan, vec)
        return float(np.nansum(x)) + float(np.nan_to_num(np.nanmean(x)) + np.nan_to_num(np.nanmax(x)))
    """,
    "kinds_in_a_grid": """
        kinds, counts = np.unique(image[:, :, 0], return_counts=True)
        found = dict(zip(kinds.tolist(), counts.tolist()))
        wide = np.unique(image[:, :, 0].astype(np.int64) * 7 + n)
        return found.get(5, 0) + float(kinds[counts.argmax()]) + len(wide) + float(wide[0])
    """,
    "orders_of_many": """
        x = image[:, :, 0].ravel() + np.arange(49) * 0.013
        order = np.argsort(x)
        return float(order[0]) + float(np.sort(image[:, :, 1].ravel())[10]) + float(order.argsort()[3])
    """,
    "counts_of_numpy": """
        x = small[0] - np.float32(0.25)
        x += 0.5 * np.count_nonzero(small > 0)
        return float(x - 0.25)
    """,
    "accumulated": """
        kept = []
        for i in range(n):
            kept.append(float(i))
        known = [1.0 * n, 2.0, 3.0]
        total = min(itertools.accumulate(-k * k for k in kept), default=0.0)
        total += max(itertools.accumulate(known, lambda a, b: a * 0.5 + b))
        total += sum(itertools.accumulate(kept, lambda a, b: a * 0.5 + b))
        return total + list(itertools.accumulate(k + 1 for k in known))[-1]
    """,
    "taken_one_by_one": """
        def lines():
            for (r, c), (i, j) in itertools.product(
                itertools.product(range(3), range(2)), ((0, 1), (1, 0))
            ):
                if r + i < 3:
                    yield int(image[r, c, 0]), int(image[r + i, c + j, 0])

        total = float(any(a == 2 and b == 1 for a, b in lines()))
        total += next((a for a, b in itertools.product(range(3), range(3)) if image[a, b, 0] == 2), 9)
        for a, b in itertools.combinations([1, n, 3], 2):
            total += a * b
            if total > 4:
                break
        for i, (a, b) in enumerate(itertools.permutations([1, 2, n], 2)):
            total += i * a - b
            if total > 9:
                break
        for i, j in np.ndindex(2, 3):
            total += i - j + n
            if total > 4:
                break
        pairs = sum(a * b for a, b in itertools.pairwise([1, n, 3]))
        return total + len(list(itertools.product(range(3), range(n % 2, 2)))) + pairs
    """,
    "prices_of_what_is_made": """
        kinds = image[:, :, 0].ravel()
        counts = np.bincount(kinds[:12], minlength=9)
        seen = kinds[kinds >= 2]
        if seen.size:
            counts = counts + np.bincount(seen, minlength=9)
        total = counts[2] + np.linspace(0.0, 1.0, 40)[n] + np.arange(1, 40)[n] + np.eye(7)[3, 3]
        total += np.diag(vec)[2, 2] + np.maximum(vec[:, None], vec[None, :]).sum()
        return float(total) + len(",".join(["a", "b"])) + len("-".join("a b c".split()))
    """,
    "places_one_by_one": """
        total = 0.0
        for (i, j), v in np.ndenumerate(vec.reshape(2, 3)):
            total += (i - j) * v
        for i, j in np.ndindex(2, 3):
            total += i * j
        ring = deque([1.0, 2.0, 3.0])
        ring.rotate(1)
        return float(total) + ring[0] * 10 + sum([1.0] * n + [2.0]) + hasattr(vec, "shape")
    """,
    "pairs_of_what_masks_select": """
        a = np.argwhere(image[:, :, 0] == 5)
        b = np.argwhere(image[:, :, 1] == 2)
        if a.size == 0 or len(b) == 0:
            return -1.0
        l1 = np.abs(a[:, None, :] - b[None, :, :]).sum(axis=-1)
        return float(l1.min(axis=1).sum()) + float(l1.max(axis=0).sum() * 100) + l1.shape[1]
    """,
    "pairs_with_an_array": """
        grid = np.arange(12).reshape(6, 2) * 0.25
        pairs = vec.reshape(3, 2)[vec.reshape(3, 2)[:, 0] > -0.5]
        far = ((grid[:, None, :] - pairs[None, :, :]) ** 2).sum(axis=2)
        near = (far <= 1.0).any(axis=1)
        return float(near.sum()) + float(near[2]) * 10
    """,
    "distances_of_pairs": """
        a = vec.reshape(3, 2)[vec.reshape(3, 2)[:, 0] > 0]
        b = vec.reshape(3, 2)[vec.reshape(3, 2)[:, 1] < 0.5]
        if len(a) == 0 or len(b) == 0:
            return 0.0
        d = np.linalg.norm(a[:, None, :2] - b[None, :, :2], axis=-1)
        return float(d.min(axis=1).sum()) + float((d.max(axis=0) < 1.5).sum()) + float(d.min()) * 10
    """,
    "the_nearest_of_the_others": """
        a = np.argwhere(image[:, :, 0] == 5)
        b = np.argwhere(image[:, :, 1] == 2)
        far = np.linalg.norm(a[:, None] * small[0] - b[None], axis=-1)
        least = far.argmin(axis=1)
        most = np.argmax(far * vec[0], axis=0)
        return float(least.sum()) + float(a[far.min(axis=1) < 2.5].sum() * 100) + float(most.sum()) * 0.1
    """,
    "sums_of_long_rows": """
        x = image[:, :, 0].ravel() * vec[0]
        a, b = x[x > 0.3], x[x != 0.7]
        near = np.sqrt(np.abs(a[:, None] - b[None, :])).sum(axis=1)
        return float(near.max() * 2.0**44 % 16) if len(a) else -1.0
    """,
    "inversions": """
        x = image[:, :, 0].ravel().astype(np.int64)
        few = np.triu(x[x > 2][:, None] > x[x > 2][None, :], 1).sum()
        y = x[x < 3]
        return float(few) + float(np.tril(y[:, None] - y[None, :], -1).sum() * 1000)
    """,
    "a_column_beside_itself": """
        x = vec[vec > 0]
        twice = (x[:, None] - x) ** 2
        return float(twice.max()) if len(x) else -1.0
    """,
    "the_least_of_nothing": """
        a = np.argwhere(image[:, :, 0] == 77)
        b = np.argwhere(image[:, :, 1] == 2)
        return float(np.abs(a[:, None] - b[None]).sum(axis=-1).min(axis=1).sum()) + len(b)
    """,
    "the_least_of_no_others": """
        a = np.argwhere(image[:, :, 1] == 2)
        b = np.argwhere(image[:, :, 0] == 77)
        return float(np.abs(a[:, None] - b[None]).sum(axis=-1).min(axis=1).sum()) + len(a)
    """,
    "a_diagonal_filled": """
        d = np.abs(vec[:, None] - vec[None])
        np.fill_diagonal(d, np.inf)
        wide = np.zeros((2, 5))
        np.fill_diagonal(wide, n)
        tall = np.arange(15).reshape(5, 3)
        np.fill_diagonal(tall, 2.7)
        part = np.zeros((9, 9))
        part[0, 0] = 1.0
        np.fill_diagonal(part[2:5, 3:5], small[0])
        wide[0, 0] += float(tall.sum()) + float(part[2, 3] + part[3, 4] * 10 + part.sum())
        return float(d.min()) + float((d < 0.3).sum() // 2) + float(wide.sum()) + float(wide[1, 1])
    """,
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_idiom_gives_what_cpython_gives_for_as_much_fuel(name: str) -> None:
    body = textwrap.indent(textwrap.dedent(CASES[name]), "    ")
    source = f"{HEAD}\ndef reward(image, vec, small, n, flag):{body}"
    both.check(source, columns(), python=PYTHON, ulps=64)
    assert fuel(source, compiled=True) == fuel(source, compiled=False)


def fuel(source: str, *, compiled: bool) -> list[int]:
    """Run all rows in one tier and give what each has used."""
    given = columns()
    slots = tuple((k, both.spec_of(v, python=k in PYTHON)) for k, v in given.items())
    call = Call("reward", tuple(Param(k, k) for k in given))
    plan = Plan(schema=Schema(slots), reward=call)
    tree = ast.parse(source)
    runner = compile_program(tree, plan, Limits())
    assert not isinstance(runner, TierReason)
    names = runner.component_names
    chosen = runner if compiled else InterpretedRunner(tree, source, plan, Limits(), names)
    rows = len(given["n"])
    outputs = Outputs(
        outcome=np.full(rows, PENDING, np.uint8),
        reward=np.zeros(rows),
        components=np.zeros((len(names), rows)),
        present=np.zeros((len(names), rows), np.bool_),
        tasks=np.zeros((rows, 0), np.bool_),
        task_outcome=np.zeros((rows, 0), np.uint8),
        failure=np.full(rows, NO_FAILURE, np.int32),
        task_failure=np.zeros((rows, 0), np.int32),
        fuel=np.zeros(rows, np.int64),
    )
    chosen.bind(rows, {k: np.ascontiguousarray(v) for k, v in given.items()}, outputs)
    chosen.step()
    assert set(outputs.outcome.tolist()) <= {int(Outcome.OK), int(Outcome.ERROR)}
    return outputs.fuel.tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("view", ["part[2:5, 3:5]", "part[1:8]", "part.T", "part.reshape(27, 3)"])
def test_a_write_to_a_view_of_what_is_not_in_memory_is_not_lost(view: str) -> None:
    source = f"""{HEAD}
def reward(image, vec, small, n, flag):
    part = np.zeros((9, 9))
    seen = {view}
    seen[0, 0] = 4.0
    return float(part.sum())
"""
    with pytest.raises(both.NotCompiledError, match="CMP507"):
        both.check(source, columns(), python=PYTHON, ulps=64)
