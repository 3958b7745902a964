"""What a program may write means what it means in CPython.

Each snippet is the body of a function. It runs in plain CPython with the real NumPy, and in the
interpreted tier after the validator; both have to give the same number or raise the same class.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import single

from sandbox.outcome import Outcome

SNIPPETS = {
    "annotated": "x: int = 3\ny: float\ny = 2.5\nreturn x * y",
    "attribute in place": (
        "class P:\n    def __init__(self):\n        self.x = 1\n"
        "---\np = P()\np.x += 4\np.x *= 3\nreturn p.x"
    ),
    "item in place": "d = {'a': 1}\nd['a'] += 2\nxs = [1, 2]\nxs[0] -= 5\nreturn d['a'] * xs[0]",
    "item in place, index made once": (
        "calls = []\ndef k():\n    calls.append(1)\n    return 0\n"
        "xs = [1]\nxs[k()] += 1\nreturn xs[0] * 10 + len(calls)"
    ),
    "slice in place": "a = np.arange(6.0)\na[1:4] *= 2\nreturn a.sum()",
    "nonlocal": ("n = 0\ndef add():\n    nonlocal n\n    n += 2\nadd()\nadd()\nreturn n"),
    "walrus": "return (n := 4) + n",
    "walrus in comprehension": "return sum(y for x in range(5) if (y := x * x) > 3)",
    "chained comparison": "x = 4\nreturn 1 < x <= 4 < 9",
    "short circuit": "return (0 or 5) + (3 and 4)",
    "star unpacking": "a, *b, c = [1, 2, 3, 4]\nreturn a + len(b) * c",
    "star of a generator": "a, *b = (x * x for x in range(4))\nreturn a + sum(b)",
    "nested unpacking": "(a, (b, c)), d = (1, (2, 3)), 4\nreturn a + b * c - d",
    "star call": "def f(a, b, c=3):\n    return a * 100 + b * 10 + c\nreturn f(*[1, 2], **{'c': 5})",
    "keyword only": "def f(a, *, b=2):\n    return a - b\nreturn f(5, b=1) + f(1)",
    "varargs": "def f(*xs, **ks):\n    return len(xs) + len(ks)\nreturn f(1, 2, z=3)",
    "lambda": "f = lambda x, k=3: x * k\nreturn f(2) + f(2, k=1)",
    "closure": "def make(k):\n    def f(x):\n        return x + k\n    return f\nreturn make(3)(4)",
    "late closure": "fs = [lambda: i for i in range(3)]\nreturn sum(f() for f in fs)",
    "comprehensions": (
        "a = [x for x in range(5) if x % 2]\nb = {x: x * x for x in a}\nc = {x % 3 for x in a}\n"
        "return sum(a) + sum(b.values()) + len(c)"
    ),
    "generator any all": "return any(x > 3 for x in range(5)) + all(x < 3 for x in range(5))",
    "while else": "n = 0\nwhile n < 3:\n    n += 1\nelse:\n    n += 10\nreturn n",
    "for else break": (
        "for i in range(5):\n    if i == 3:\n        break\nelse:\n    i = 99\nreturn i"
    ),
    "continue": "t = 0\nfor i in range(6):\n    if i % 2:\n        continue\n    t += i\nreturn t",
    "growing list": (
        "xs = [1]\nfor x in xs:\n    if len(xs) < 6:\n        xs.append(x + 1)\nreturn sum(xs)"
    ),
    "enumerate zip": (
        "t = 0\nfor i, (a, b) in enumerate(zip([1, 2, 3], (4, 5))):\n    t += i * a + b\nreturn t"
    ),
    "zip strict": "return len(list(zip([1], [2, 3], strict=True)))",
    "reversed sorted": "return sum(i * x for i, x in enumerate(sorted(reversed([3, 1, 2]))))",
    "sort with key": "xs = [3, -4, 1]\nxs.sort(key=abs, reverse=True)\nreturn xs[0] * 10 + xs[2]",
    "map filter": "return sum(map(lambda x: x * 2, filter(lambda x: x > 1, [1, 2, 3])))",
    "min max with key": "return max([(1, 5), (2, 3)], key=lambda p: p[1])[0] + min(4, 2, 8)",
    "min of nothing": "return min([])",
    "max with default": "return max([], default=7)",
    "next with default": "return next((x for x in [1, 2] if x > 5), -1)",
    "try except": "try:\n    return 1 / 0\nexcept ZeroDivisionError as e:\n    return len(str(e))",
    "try else finally": (
        "t = 0\ntry:\n    t += 1\nexcept ValueError:\n    t += 10\nelse:\n    t += 100\n"
        "finally:\n    t += 1000\nreturn t"
    ),
    "bare except": "try:\n    [][1]\nexcept:\n    return 5\nreturn 6",
    "raise from": "try:\n    raise ValueError('a') from KeyError('b')\nexcept ValueError as e:\n    return len(e.args)",
    "own exception": (
        "class Bad(ValueError):\n    pass\n---\ntry:\n    raise Bad('x', 2)\nexcept ValueError as e:\n"
        "    return e.args[1]"
    ),
    "uncaught": "raise KeyError('k')",
    "assert": "assert 1 > 2, 'no'",
    "match values": (
        "x = 3\nmatch x:\n    case 1 | 2:\n        return 10\n    case 3 if x > 2:\n        return 20\n"
        "    case _:\n        return 30"
    ),
    "match sequence": (
        "match [1, 2, 3]:\n    case [a, *rest]:\n        return a + len(rest)\n    case _:\n        return 0"
    ),
    "match text": "match 'go':\n    case 'stop':\n        return 1\n    case 'go':\n        return 2",
    "f-string": "return len(f\"{3.14159:.2f}|{7:03d}|{'a'!r}|{[1, 2]}|{1e-3}|{True}\")",
    "text methods": (
        "s = ' Go To the RED door '\nw = s.strip().lower().split()\n"
        "return w.index('red') + s.count('o') + ('red' in w) + s.find('the') + len('-'.join(w))"
    ),
    "text compare": "return ('abc' < 'abd') + ('b' in 'abc') + 'abc'.startswith(('x', 'a'))",
    "str of values": "return len(str(1.5)) + len(str(None)) + len(str((1,))) + len(repr('x'))",
    "dict methods": (
        "d = {'a': 1}\nd.update(b=2)\nd.setdefault('c', []).append(5)\n"
        "return d.get('z', 7) + d.pop('a') + len(d) + sum(k == 'b' for k in d)"
    ),
    "dict merge": "return len({**{'a': 1}, 'b': 2} | {'c': 3})",
    "dict missing": "return {'a': 1}['b']",
    "set methods": (
        "s = {1, 2, 3}\ns.add(4)\ns.discard(1)\nreturn len(s & {2, 4, 9}) + len(s | {7}) + (3 in s)"
    ),
    "set of positions": "return sum(x * 10 + y for x, y in {(1, 2), (3, 4)})",
    "deque": (
        "from collections import deque\nq = deque(maxlen=3)\nfor i in range(5):\n    q.append(i)\n"
        "q.appendleft(9)\nreturn q.popleft() * 100 + sum(q)"
    ),
    "counter": "from collections import Counter\nreturn Counter('abca').most_common(1)[0][1]",
    "defaultdict": (
        "from collections import defaultdict\nd = defaultdict(list)\nd['x'].append(1)\nreturn len(d)"
    ),
    "defaultdict int": (
        "from collections import defaultdict\nd = defaultdict(int)\nd[3] += 2\nd[3] += 2\nreturn d[3]"
    ),
    "namedtuple": (
        "from collections import namedtuple\nP = namedtuple('P', 'x y')\np = P(1, y=5)\nreturn p.x + p.y"
    ),
    "dataclass": (
        "from dataclasses import dataclass, field\n@dataclass\nclass S:\n    n: int = 2\n"
        "    xs: list = field(default_factory=list)\n---\ns = S()\ns.xs.append(4)\nreturn s.n + len(s.xs) + (S(1) == S(1))"
    ),
    "enum": (
        "from enum import Enum, IntEnum, auto\nclass C(Enum):\n    RED = 3\n    BLUE = auto()\n"
        "class I(IntEnum):\n    A = 5\n---\nreturn C.RED.value + len(list(C)) + I.A + (C(3) is C.RED) + len(C['BLUE'].name)"
    ),
    "itertools": (
        "from itertools import product, combinations, chain, accumulate, pairwise\n"
        "return (sum(a * b for a, b in product(range(3), repeat=2)) + len(list(combinations('abcd', 2)))"
        " + sum(chain([1], (2,))) + sum(accumulate([1, 2, 3])) + sum(b - a for a, b in pairwise([1, 4, 9])))"
    ),
    "functools": (
        "from functools import reduce, partial\nreturn reduce(lambda a, b: a * b, [1, 2, 3, 4]) + partial(max, 3)(2)"
    ),
    "operator": "from operator import itemgetter, add\nreturn add(itemgetter(1)([4, 5]), 6)",
    "static and class methods": (
        "class A:\n    K = 3\n    @staticmethod\n    def s(x):\n        return x + 1\n    @classmethod\n"
        "    def c(cls):\n        return cls.K\n    @property\n    def p(self):\n        return 10\n"
        "---\nreturn A.s(1) + A.c() + A().p"
    ),
    "private names": (
        "class A:\n    def __init__(self):\n        self._x = 1\n        self.__y = 2\n"
        "    def get(self):\n        return self._x + self.__y\n---\nreturn A().get()"
    ),
    "own name like a method": (
        "class A:\n    def __init__(self):\n        self.count = 2\n        self.index = 3\n"
        "    def update(self, k):\n        self.count += k\n        return self.count * self.index\n"
        "---\nreturn A().update(4)"
    ),
    "callable instance": (
        "class F:\n    def __init__(self, k):\n        self.k = k\n    def __call__(self, x):\n"
        "        return x * self.k\n---\nreturn F(3)(4) + sum(map(F(2), [1, 2]))"
    ),
    "inherited": (
        "class A:\n    def f(self):\n        return 1\nclass B(A):\n    def g(self):\n"
        "        return self.f() + 1\n---\nreturn B().g()"
    ),
    "isinstance": (
        "return (isinstance(3, int) + isinstance(True, (int, float)) * 2 + isinstance(np.float64(1), float) * 4"
        " + isinstance(np.zeros(2), np.ndarray) * 8 + isinstance([], (dict, tuple)) * 16"
        " + isinstance(np.int64(3), (int, np.integer)) * 32)"
    ),
    "hasattr getattr": (
        "class A:\n    def __init__(self):\n        self.v = 3\n    def grow(self):\n        self.w = 4\n---\na = A()\n"
        "return hasattr(a, 'v') + hasattr(a, 'w') + getattr(a, 'w', 5) + getattr(a, 'v')"
    ),
    "sets taken apart": (
        "a, b = {1, 2}\nxs = [7]\nxs[0:0] = {3, 4}\nd = {'k': (1, (2, 3))}\n"
        "t = sum(k * 10 + v for k, v in [{5, 6}]) + sum(x + y * z for _, (x, (y, z)) in d.items())\n"
        "return a * 10 + b + t + sum(i * x for i, x in enumerate(xs))"
    ),
    "asked for what none has": (
        "class A:\n    def __init__(self):\n        self.v = 3\n---\na = A()\n"
        "return getattr(a, 'speed', 5) + hasattr(a, 'mass') * 2 + getattr([1], 'speed', 7)"
    ),
    "asked for what none has, without a default": (
        "class A:\n    v = 3\n---\nreturn getattr(A(), 'speed')"
    ),
    "written at lists and arrays of places": (
        "a = np.zeros((3, 4))\ni = np.array([0, 2])\nm = a[0] == 0\na[i] = 1\na[i, 1:3] = 2\na[:, m] += 1\n"
        "a[[1, 2], [0, 3]] = 9\nd = {}\nfor k in [1, 'a', (1, 2)]:\n    d[k] = len(d)\n"
        "return float((a * np.arange(12).reshape(3, 4)).sum()) + d[(1, 2)]"
    ),
    "integers": "return 7 // -2 + 7 % -3 + (-2) ** 3 + (5 & 3) + (5 | 8) + (5 ^ 1) + (1 << 5) + (-9 >> 1) + ~4",
    "big integers": "x = 2 ** 100 + 1\nreturn x % 1000003 + (x // 3 ** 50) % 1000",
    "rounding": "return round(2.5) + round(3.5) * 10 + round(2.675, 2) * 100 + round(1234, -2)",
    "divmod and pow": "q, r = divmod(17, 5)\nreturn q * 10 + r + pow(2, 5) + pow(3, 4, 5)",
    "int of text": "return int('42') + int(' -7 ') + int('ff', 16) + float('1e2')",
    "bad int": "return int('x')",
    "int of nan": "return int(float('nan'))",
    "math": "return math.hypot(3, 4) + math.floor(-2.5) + math.atan2(1, 2) + math.comb(5, 2) + math.prod([2, 3])",
    "math domain": "return math.sqrt(-1)",
    "unbound": "if 1 > 2:\n    y = 3\nreturn y",
    "unbound in loop": "for i in []:\n    pass\nreturn i",
    "none attribute": "x = None\nreturn x.shape",
    "none item": "x = None\nreturn x[0]",
    "wrong arguments": "def f(a):\n    return a\nreturn f(1, 2)",
    "text plus number": "return 'a' + 1",
    "uint8 wraps": "a = np.array([250, 3], dtype=np.uint8)\nreturn int(a[0] + a[0]) + int((a - 5)[1])",
    "uint8 too large": "a = np.array([250], dtype=np.uint8)\nreturn (a + 300)[0]",
    "numpy scalar division": "return float(np.float64(1) / np.float64(0) == np.inf)",
    "float32 stays": "x = np.float32(0.1)\nreturn float(x * 3) + float(np.array([0.1], np.float32)[0] + 0.2)",
    "array building": "return np.array([[1, 2], [3, 4]]).T[0, 1] + np.zeros((2, 3)).size + np.arange(3)[-1] + np.eye(2).sum()",
    "array truth": "if np.array([1, 2]):\n    return 1",
    "array reductions": (
        "a = np.arange(12.0).reshape(3, 4)\nreturn (a.sum(axis=0)[1] + a.mean() + a.max(axis=1, keepdims=True).shape[1]"
        " + a.std() + np.median(a) + a.argmax() + np.any(a > 10) + a[a > 5].sum())"
    ),
    "array indexing": (
        "a = np.arange(24).reshape(2, 3, 4)\ni = np.array([0, 2])\n"
        "return a[1, i].sum() + a[..., 1].sum() + a[:, None].ndim + a[a % 2 == 0][3] + a[-1][1][2] + a[(0, 1, 2)]"
    ),
    "array index error": "return np.zeros(3)[3]",
    "argwhere": "m = np.array([[0, 1], [1, 0]])\np = np.argwhere(m == 1)\nreturn len(p) + int(p[1][0]) + p.tolist()[0][1]",
    "where": "xs, ys = np.where(np.eye(3) > 0)\nreturn xs.sum() + np.where(np.array([1, -1]) > 0, 2.0, 3.0).sum()",
    "linalg": "m = np.array([[2.0, 0.0], [0.0, 4.0]])\nreturn np.linalg.norm(m) + np.linalg.det(m) + (m @ np.ones(2)).sum() + np.linalg.inv(m)[0, 0]",
    "singular": "return np.linalg.inv(np.zeros((2, 2)))[0, 0]",
    "dtypes": "a = np.array([1.7, 2.2]).astype(int)\nreturn a.sum() + (a.dtype == np.int64) + np.zeros(2, dtype='uint8').itemsize + (a.dtype.kind == 'i')",
    "ufunc methods": "return np.maximum.reduce([1, 5, 3]) + np.add.accumulate(np.arange(4))[-1]",
    "unique bincount": "v, c = np.unique([3, 1, 3], return_counts=True)\nreturn v[0] + c[1] + np.bincount([0, 2, 2])[2]",
    "stack concat": "return np.concatenate([np.ones(2), [3.0]]).sum() + np.stack([np.ones(2), np.zeros(2)]).shape[0] + np.vstack([[1, 2], [3, 4]])[1, 0]",
    "clip round": "return np.clip(5.7, 0, 3) + np.round(2.345, 2) + np.sign(-3.0) + np.clip(np.array([1, 9]), None, 4).sum()",
    "linspace digitize": "return np.linspace(0, 1, 5)[1] + np.digitize(0.5, [0.0, 0.4, 0.8]) + np.interp(0.5, [0, 1], [2, 4])",
    "finfo": "return (np.finfo(float).eps < 1e-10) + (np.iinfo(np.uint8).max == 255) + (np.finfo(np.float32).max > 1e30)",
    "errstate": "with np.errstate(divide='ignore'):\n    return np.isinf(np.array([1.0]) / 0)[0]",
    "writing": "a = np.zeros((2, 2))\na[0] = 5\na[:, 1] += 1\na[a > 5] = 0\nb = a.copy()\nb.sort()\nreturn a.sum() * 10 + b[0, 1]",
    "array in place": "a = np.arange(3.0)\nb = a\na += 1\na *= 2\nreturn b.sum()",
    "integer array in place with float": "a = np.arange(3)\na += 0.5\nreturn a.sum()",
    "broadcast error": "return (np.ones(3) + np.ones(4)).sum()",
    "print": "print('hello', 3)\nreturn 1",
    "conditional import": "import math as m\nfrom numpy import sqrt as root\nreturn m.pi + root(4.0)",
    "tuple of tuples": "t = ((1, 2), (3, 4))\nreturn sum(a * b for a, b in t) + t.index((3, 4)) + t.count((1, 2))",
    "list methods": "xs = [3, 1]\nxs.extend((4, 1))\nxs.insert(0, 9)\nxs.remove(1)\nxs.reverse()\nreturn xs.pop() * 10 + xs.index(4) + len(xs) + xs.count(1)",
    "list repeat and slices": "xs = [0] * 3 + [1, 2]\nxs[1:2] = [7, 8]\ndel xs[0]\nreturn sum(xs[::-1][:2]) + len(xs)",
    "sum of lists": "return len(sum([[1], [2, 3]], []))",
    "string building": "s = ''\nfor i in range(3):\n    s += str(i)\nreturn int(s) + len('ab' * 3)",
    "ternary in arguments": "return max(1 if 2 > 1 else 0, 0.5)",
    "shadowed built-in": "sum = 3\nlen = lambda x: 7\nreturn sum + len([])",
    "generator passed on": "def total(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t\nreturn total(x * x for x in range(4))",
    "iter and next": "it = iter([4, 5])\nreturn next(it) * 10 + next(it) + next(it, 100)",
    "while with pop": "q = [1, 2, 3]\nt = 0\nwhile q:\n    t = t * 10 + q.pop()\nreturn t",
    "bool arithmetic": "return True + True * 3 - False",
    "negative zero and inf": "return math.copysign(1.0, -0.0) + (float('inf') > 1e308)",
    "comparison of lists": "return ([1, 2] < [1, 3]) + ((1, 2) == (1, 2)) + ([1] != [2])",
    "in on arrays": "return (3 in np.arange(4)) + ('a' in {'a': 1}) + (2 not in [1])",
    "einsum": "return np.einsum('ij,j->i', np.eye(2), np.array([3.0, 4.0])).sum()",
    "meshgrid": "x, y = np.meshgrid(np.arange(2), np.arange(3), indexing='ij')\nreturn (x * y).sum() + np.indices((2, 2)).sum()",
    "kwargs to numpy": "return np.mean(np.ones((2, 2)), axis=(0, 1)) + np.sum(np.arange(4), dtype=float) + np.array([1], dtype=np.float32).nbytes",
}


def _plain(source: str) -> float | str:
    namespace: dict[str, Any] = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        exec(source, namespace)  # noqa: S102  the reference is plain CPython
        namespace["print"] = lambda *_values: None
        try:
            return float(namespace["reward"]())
        except Exception as error:
            return type(error).__name__


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_gives_what_cpython_gives(name: str) -> None:
    source = single.body(SNIPPETS[name])
    want = _plain(source)
    got = single.run(source)
    if isinstance(want, str):
        assert (got.outcome, got.exception) == (Outcome.ERROR, want), got
    else:
        assert got.outcome == Outcome.OK, got
        assert got.value == want or math.isclose(got.value, want, rel_tol=1e-15)


@pytest.mark.parametrize("name", SNIPPETS)
def test_fuel_of_a_snippet_is_the_same_on_every_row(name: str) -> None:
    source = single.body(SNIPPETS[name])
    assert single.run(source).fuel == single.run(source, rows=3).fuel > 0
