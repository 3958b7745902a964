"""Idioms of model-written reward programs, compiled, against plain CPython on the same rows.

Each case is the body of ``reward(image, vec, small, n, flag)``: an 7x7x3 uint8 grid, six float64,
four float32, a Python int and a Python bool. All of them have to compile: a change that makes the
tier refuse one of them is a loss of coverage and fails here.
"""

from __future__ import annotations

import textwrap

import both
import numpy as np
import pytest

from sandbox.limits import Limits

ROWS = 48


def columns() -> dict[str, np.ndarray]:
    """Make inputs in which objects are sometimes there and sometimes not, and numbers repeat."""
    rng = np.random.default_rng(7)
    image = rng.integers(0, 4, (ROWS, 7, 7, 3)).astype(np.uint8)
    image[:, :, :, 0] = rng.choice([1, 1, 1, 2, 2, 4, 5, 8], (ROWS, 7, 7))
    image[:6, :, :, 0] = 1
    vec = rng.normal(size=(ROWS, 6)) * 2
    vec[1] = 0.0
    vec[2, :3] = vec[2, 3:]
    small = rng.normal(size=(ROWS, 4)).astype(np.float32)
    small[3] = 0.0
    return {
        "image": image,
        "vec": vec,
        "small": small,
        "n": rng.integers(-3, 8, ROWS),
        "flag": rng.integers(0, 2, ROWS).astype(bool),
    }


CASES = {
    "none_or_position": """
        def find(k):
            cells = np.argwhere(image[:, :, 0] == k)
            if len(cells) == 0:
                return None
            return tuple(cells[0])
        a, b = find(5), find(8)
        if a is None and b is None:
            return -1.0
        if a is None or b is None:
            return 0.0
        return float(abs(a[0] - b[0]) + abs(a[1] - b[1]))
    """,
    "tuple_comparison": """
        pos = np.argwhere(image[:, :, 0] == 4)
        if len(pos) == 0:
            return 0.0
        first = tuple(pos[0])
        return 1.0 if first == (0, 3) else 0.5 if first < (3, 0) else 0.25
    """,
    "loop_with_break_and_else": """
        for i in range(7):
            if image[i, 3, 0] == 5:
                break
        else:
            return -1.0
        return float(i)
    """,
    "nested_loops_with_continue": """
        total = 0
        for i in range(7):
            for j in range(7):
                if image[i, j, 0] != 4:
                    continue
                if image[i, j, 2] == 0:
                    total += 1
                elif image[i, j, 2] == 1:
                    total -= i
        return total
    """,
    "return_inside_nested_loops": """
        for i in range(7):
            for j in range(7):
                if image[i, j, 0] == 8:
                    return i * 10 + j
        return -1
    """,
    "none_then_int": """
        best = None
        for i in range(7):
            d = int(image[i, 0, 1])
            if best is None or d < best:
                best = d
        return best if best is not None else 99
    """,
    "infinity_then_int": """
        best = float("inf")
        for i in range(7):
            if image[i, i, 0] == 2:
                best = min(best, abs(i - 3))
        return 1.0 / (1.0 + best)
    """,
    "int_then_float": """
        score = 0
        if vec[0] > 0:
            score += 1
        if vec[1] > 0:
            score += 0.5
        return score / 3
    """,
    "while_counts_down": """
        k, steps = n, 0
        while k > 0:
            k -= 2
            steps += 1
        return steps
    """,
    "while_true_with_break": """
        x = abs(vec[0]) + 1.0
        count = 0
        while True:
            x = x / 2
            count += 1
            if x < 0.25 or count > 20:
                break
        return count
    """,
    "try_index_error": """
        words = [1.0, 2.0, 3.0]
        try:
            return words[n]
        except IndexError:
            return -1.0
    """,
    "try_zero_division": """
        try:
            r = 1.0 / float(vec[0])
        except ZeroDivisionError:
            r = 100.0
        else:
            r += 1
        return r
    """,
    "try_key_error": """
        table = {0: 0.5, 1: 1.5, 2: 2.5}
        try:
            return table[n]
        except (KeyError, ValueError):
            return 9.0
    """,
    "uncaught_key_error": """
        return {0: 1.0, 1: 2.0, 2: 0.0}[n]
    """,
    "raise_is_an_error": """
        if n > 3:
            raise ValueError("too many")
        assert n > -2, "too few"
        return n
    """,
    "dict_get": """
        return {0: 0.5, 1: 1.5}.get(n, -1.0) + {"a": 1.0}.get("b", 0.25)
    """,
    "dict_comprehension": """
        weights = {"x": 1.0, "y": 0.5, "z": 0.25}
        terms = {k: w * float(vec[i]) for i, (k, w) in enumerate(weights.items())}
        return sum(terms.values()) + max(terms.values())
    """,
    "best_key": """
        terms = {"x": vec[0], "y": vec[1], "z": vec[2]}
        best = max(terms, key=terms.get)
        return {"x": 1, "y": 2, "z": 3}[best]
    """,
    "set_of_known": """
        seen = set()
        for k in (1, 2, 4, 5):
            if np.any(image[:, :, 0] == k):
                seen.add(k)
        return len(seen) + (4 in seen) * 0.5
    """,
    "list_append_and_mean": """
        found = []
        for k in (2, 4, 5):
            c = int((image[:, :, 0] == k).sum())
            if c > 2:
                found.append(c)
        if not found:
            return 0.0
        return sum(found) / len(found) + max(found) - found[0]
    """,
    "list_comprehension_with_if": """
        doors = [(i, j) for i in range(7) for j in range(7) if image[i, j, 0] == 4]
        if not doors:
            return -1.0
        return min(abs(i - 3) + abs(j - 6) for i, j in doors) + len(doors)
    """,
    "any_all_generators": """
        a = any(image[i, j, 0] == 5 for i in range(7) for j in range(7))
        b = all(v > -3 for v in vec)
        return float(a) + 2.0 * b
    """,
    "sum_of_generator": """
        return sum(abs(v) for v in vec) + sum(1 for v in small if v > 0)
    """,
    "zip_and_enumerate": """
        total = 0.0
        for i, (a, b) in enumerate(zip(vec[:3], vec[3:])):
            total += (i + 1) * (a - b) ** 2
        return total
    """,
    "zip_of_where": """
        total = 0
        for x, y in zip(*np.where(image[:, :, 0] == 2)):
            total += x * y
        return total
    """,
    "iterate_argwhere": """
        total = 0
        for x, y in np.argwhere(image[:, :, 0] == 4):
            if image[x, y, 2] == 0:
                total += int(x) + int(y)
        return total
    """,
    "nearest_by_argmin": """
        cells = np.argwhere(image[:, :, 0] == 2)
        if len(cells) == 0:
            return -1.0
        d = np.linalg.norm(cells - np.array([3, 6]), axis=1)
        k = np.argmin(d)
        return d[k] + cells[k][0]
    """,
    "mask_statistics": """
        mask = (image[..., 0] == 2) & (image[..., 1] > 0)
        return mask.sum() * 0.5 + mask.mean() + np.count_nonzero(mask[3])
    """,
    "mask_axes": """
        mask = image[:, :, 0] == 2
        rows = np.any(mask, axis=1)
        return rows.sum() + mask.sum(axis=0).max() + mask[:, 3].any()
    """,
    "uint8_wraps": """
        return int(image[0, 0, 0] - image[0, 1, 0]) + float(image[3, 3, 0] * 100)
    """,
    "uint8_distance": """
        return np.abs(image[:, :, 0].astype(int) - 3).sum()
    """,
    "float32_stays": """
        return float(small[0] * 0.1 + small[1] / 3) + float(np.sum(small ** 2))
    """,
    "float32_norm": """
        d = np.linalg.norm(small[:3])
        return float(1.0 / (1.0 + d)) if d > 1e-6 else 0.0
    """,
    "python_max_of_numpy": """
        return max(0.0, vec[0]) + min(vec[1], 1.0) + max(small[0], 0.0)
    """,
    "clip_everywhere": """
        return np.clip(vec[0], -1, 1) + np.clip(n, 0, 3) + np.clip(vec, 0, 1).sum()
    """,
    "chained_comparison": """
        return 1.0 if -1 < vec[0] <= 1 and 0 <= n < 5 else 0.0
    """,
    "boolean_arithmetic": """
        return 2.0 * (vec[0] > 0) + (n > 2) + (not flag) * 3
    """,
    "conditional_expression": """
        return 1.0 if flag else (-1.0 if n < 0 else vec[0])
    """,
    "closure_and_lambda": """
        scale = 2.0 if flag else 3.0
        f = lambda v: v * scale
        def g(v, power=2):
            return f(v) ** power
        return g(vec[0]) + g(vec[1], power=1)
    """,
    "star_arguments": """
        def area(a, b, c):
            return a * b + c
        return area(*vec[:3]) + np.hypot(*vec[3:5])
    """,
    "unpack_star": """
        first, *rest = vec
        return first + len(rest)
    """,
    "named_tuple": """
        P = namedtuple("P", ["x", "y"])
        p = P(vec[0], vec[1])
        return p.x - p.y + p[0]
    """,
    "deque_window": """
        q = deque(maxlen=3)
        for v in vec:
            q.append(v)
        return sum(q) + len(q) + q[0]
    """,
    "counter": """
        c = Counter(["a", "b", "a"])
        return c["a"] + c["z"]
    """,
    "math_functions": """
        return (math.sqrt(abs(vec[0])) + math.exp(-abs(vec[1])) + math.tanh(vec[2])
                + math.atan2(vec[0], vec[1]) + math.hypot(vec[2], vec[3]))
    """,
    "math_domain_error": """
        return math.sqrt(vec[0]) + math.log(vec[1])
    """,
    "int_of_float": """
        return int(vec[0] * 10) + int(-2.5) + round(vec[1]) + vec[2] // 1 + math.floor(vec[3])
    """,
    "modulo_signs": """
        return n % 3 + (-n) % 4 + n // 2 + (vec[0] % 1.5) + (-vec[1]) // 0.7
    """,
    "array_in_place": """
        v = vec.copy()
        v[:3] -= v[3:]
        v *= 2
        v[0] = 5
        return v.sum()
    """,
    "array_view_is_a_view": """
        m = vec.reshape(2, 3).copy()
        row = m[0]
        row[1] = 7.0
        return m.sum() + m.T[1, 0]
    """,
    "write_into_observation": """
        image[0, 0, 0] = 9
        return (image[:, :, 0] == 9).sum()
    """,
    "quaternion": """
        w, x, y, z = small
        r = np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z)], [2 * (x * y + w * z), 1.0]])
        return float((r @ np.array([1.0, 0.5]))[0])
    """,
    "stack_and_axis": """
        s = np.stack([vec[:3], vec[3:]])
        return np.linalg.norm(s, axis=1).sum() + s.max(axis=0)[1] + np.diff(s, axis=0)[0, 2]
    """,
    "argmax_decides": """
        k = int(np.argmax(vec))
        return [1.0, 2.0, 3.0, 4.0, 5.0, 6.0][k]
    """,
    "names_by_index": """
        name = ["red", "green", "blue"][int(image[0, 0, 2]) % 3]
        return {"red": 1.0, "green": 0.5, "blue": 0.25}[name]
    """,
    "match_statement": """
        match n:
            case 0:
                return 1.0
            case 1 | 2:
                return 2.0
            case _:
                return 3.0
    """,
    "walrus": """
        if (d := abs(vec[0])) > 1:
            return d
        return -d
    """,
    "early_exits": """
        if not np.isfinite(vec).all():
            return 0.0
        if flag and n > 2:
            return 1.0
        if vec[0] > 0:
            if vec[1] > 0:
                return 2.0
            elif n == 0:
                return 3.0
        r = 4.0
        if n < 0:
            r = r - 1
        return r
    """,
    "object_with_state": """
        class Box:
            scale = 2.0
            def __init__(self, v):
                self.v = v
            def area(self):
                return self.scale * self.v
            @property
            def half(self):
                return self.v / 2
            @staticmethod
            def one():
                return 1.0
        b = Box(vec[0])
        b.v += 1
        return b.area() + b.half + Box.one()
    """,
    "enum_members": """
        class Kind(Enum):
            DOOR = 4
            KEY = 5
        k = Kind.DOOR if flag else Kind.KEY
        return k.value + (k is Kind.KEY) + (k == Kind.DOOR)
    """,
    "dataclass": """
        @dataclass
        class Weights:
            a: float = 1.0
            b: float = 0.5
        w = Weights(b=2.0)
        return w.a * vec[0] + w.b * vec[1]
    """,
    "f_strings_name_things": """
        parts = {}
        for i, v in enumerate(vec[:3]):
            parts[f"term_{i}"] = float(v)
        return sum(parts.values()) + parts["term_1"]
    """,
    "unbound_local": """
        if flag:
            x = 1.0
        return x
    """,
    "none_arithmetic": """
        x = None if flag else 2.0
        return x * 2
    """,
    "ambiguous_truth": """
        if vec > 0:
            return 1.0
        return 0.0
    """,
    "index_error": """
        return vec[n]
    """,
    "empty_minimum": """
        cells = np.argwhere(image[:, :, 0] == 5)
        return np.abs(cells - np.array([3, 6])).sum(axis=1).min()
    """,
    "sorted_values": """
        s = sorted([vec[0], vec[1], vec[2]], reverse=True)
        return s[0] - s[2] + sorted((3, 1, 2))[0]
    """,
    "combinations_of_known": """
        total = 0.0
        for i, j in combinations(range(3), 2):
            total += abs(vec[i] - vec[j])
        return total
    """,
    "where_and_select": """
        return np.where(vec > 0, vec, -0.5 * vec).sum() + float(np.where(flag, 1.0, 2.0))
    """,
    "masked_mean": """
        good = vec[vec > 0]
        return good.mean() if good.size else -1.0
    """,
    "masked_assignment": """
        v = vec.copy()
        v[v < 0] = 0
        return v.sum()
    """,
    "row_of_image": """
        front = image[3, 5]
        return float(front[0] == 4 and front[2] == 0) + (1 if front[0] in (2, 5) else 0)
    """,
    "unpacked_cell": """
        obj, color, _ = image[3, 5]
        return obj + color
    """,
    "dynamic_cell": """
        cells = np.argwhere(image[:, :, 0] == 2)
        if not len(cells):
            return 0
        x, y = cells[-1]
        return image[x, y, 1] + image[x][y][2]
    """,
    "power_of_things": """
        return vec[0] ** 2 + abs(vec[1]) ** 0.5 + n ** 2 + 2 ** 3 + (vec ** 3).sum()
    """,
    "polynomial_loop": """
        total, x = 0.0, 1.0
        for c in vec:
            total += c * x
            x *= 0.5
        return total
    """,
    "previous_and_current": """
        prev, cur = 0.0, 1.0
        for v in vec:
            prev, cur = cur, prev + v
        return prev - cur
    """,
    "isinstance_checks": """
        return isinstance(n, int) + 2 * isinstance(vec, np.ndarray) + 4 * isinstance(vec[0], float)
    """,
    "set_of_positions": """
        seen = set()
        for x, y in np.argwhere(image[:, :, 0] == 2):
            seen.add((int(x) // 2, int(y) // 2))
        return len(seen) + ((0, 0) in seen) * 0.5
    """,
    "counts_by_position": """
        counts = {}
        for i in range(7):
            key = int(image[i, 0, 1])
            counts[key] = counts.get(key, 0) + 1
        return counts.get(1, 0) + 10 * len(counts) + 100 * (3 in counts)
    """,
    "missing_dynamic_key": """
        counts = {}
        counts[int(image[0, 0, 1])] = 2.5
        return counts[1]
    """,
    "set_comprehension_of_colours": """
        return len({int(image[i, j, 1]) for i in range(7) for j in range(7) if image[i, j, 0] == 4})
    """,
    "discard_and_clear": """
        s = {1, 2}
        s.add(int(image[0, 0, 0]))
        s.discard(2)
        before = len(s)
        s.clear()
        return before + len(s)
    """,
    "global_constants": """
        return LIMIT * vec[0] + TABLE[1] + GRID[1, 0]
    """,
}

HEAD = """\
import math
from collections import Counter, deque, namedtuple
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

import numpy as np

LIMIT = 2.4
TABLE = {1: 0.5, 2: 0.25}
GRID = np.array([[1.0, 2.0], [3.0, 4.0]])


def reward(image, vec, small, n, flag):
"""


@pytest.mark.parametrize("name", CASES)
def test_idiom_compiles_and_equals_cpython(name: str) -> None:
    """Value, or class of the exception, on every row; a few ulp for library functions."""
    source = HEAD + textwrap.indent(textwrap.dedent(CASES[name]), "    ")
    both.check(source, columns(), python=frozenset({"n", "flag"}), ulps=4)


def test_the_order_of_equal_elements_is_left_to_the_reference() -> None:
    """NumPy's vectorised sorts order equal elements each in its own way; a stable one does not."""
    source = "import numpy as np\ndef reward(vec):\n    return float(np.argsort(vec{kind})[0])\n"
    vec = {"vec": columns()["vec"]}
    equal = [len(np.unique(row)) < len(row) for row in vec["vec"]]
    assert 0 < sum(equal) < len(equal)
    found = both.compiled(source.format(kind=""), vec, frozenset(), Limits())
    assert [row.error == "OUT_OF_MEMORY" for row in found] == equal
    want = both.plain(source.format(kind=""), vec, frozenset())
    pairs = zip(found, want, equal, strict=True)
    assert all(both.same(a, b) for a, b, tie in pairs if not tie)
    both.check(source.format(kind=", kind='stable'"), vec)
