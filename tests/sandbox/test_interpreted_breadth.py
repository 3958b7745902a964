"""Constructs that only some models write mean what they mean in CPython.

As in `test_interpreted_language`: each snippet runs in plain CPython with the real libraries, and
in the interpreted tier after the validator.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import single

from sandbox.outcome import Outcome

VECTOR = (
    "class V:\n"
    "    __slots__ = ('x', 'y')\n"
    "    def __init__(self, x, y):\n        self.x = x\n        self.y = y\n"
    "    def __add__(self, o):\n        return V(self.x + o.x, self.y + o.y)\n"
    "    def __mul__(self, k):\n        return V(self.x * k, self.y * k)\n"
    "    __slots_note = 0\n"
    "    def __rmul__(self, k):\n        return self * k\n"
    "    def __iadd__(self, o):\n        self.x += o.x\n        return self\n"
    "    def __neg__(self):\n        return V(-self.x, -self.y)\n"
    "    def __abs__(self):\n        return math.hypot(self.x, self.y)\n"
    "    def __eq__(self, o):\n        return isinstance(o, V) and (self.x, self.y) == (o.x, o.y)\n"
    "    def __lt__(self, o):\n        return abs(self) < abs(o)\n"
    "    def __hash__(self):\n        return hash((self.x, self.y))\n"
    "    def __repr__(self):\n        return f'V({self.x}, {self.y})'\n"
    "    def __bool__(self):\n        return self.x != 0\n"
    "    def __float__(self):\n        return float(self.x)\n"
    "    def __iter__(self):\n        yield self.x\n        yield self.y\n"
    "    def __len__(self):\n        return 2\n"
    "    def __getitem__(self, i):\n        return (self.x, self.y)[i]\n"
    "    def __contains__(self, v):\n        return v in (self.x, self.y)\n"
    "---\n"
)
BASES = (
    "class A:\n    K = 2\n    def __init__(self, k=1):\n        self.k = k\n"
    "    def f(self):\n        return self.k\n"
    "    @classmethod\n    def make(cls):\n        return cls(5)\n"
    "    @property\n    def p(self):\n        return self.k * 10\n"
    "class B(A):\n    def __init__(self, k):\n        super().__init__(k + 1)\n"
    "    def f(self):\n        return super().f() * 100 + super().p\n"
    "    @classmethod\n    def make(cls):\n        return super().make()\n"
    "class C(B):\n    def __init__(self):\n        B.__init__(self, 7)\n"
    "    def f(self):\n        return super(C, self).f() + super(B, self).f()\n"
    "    def again(self):\n        self.__init__()\n        return self.k\n---\n"
)
SNIPPETS = {
    "special: arithmetic": VECTOR
    + "v = V(1, 2) + 2 * V(3, 4)\nv += V(1, 0)\nreturn v.x * 100 + v.y",
    "special: in NumPy numbers": VECTOR + "return (np.float64(2.0) * V(1, 2).x) + abs(-V(3, 4))",
    "special: comparison": VECTOR
    + "return (V(1, 2) == V(1, 2)) + 10 * (V(1, 1) < V(2, 2)) + (V(1, 2) != 3)",
    "special: sorting": VECTOR + "vs = sorted([V(3, 4), V(0, 1)])\nreturn vs[0].y + max(vs).x * 10",
    "special: sets": VECTOR + "return len({V(1, 2), V(1, 2), V(2, 1)}) + {V(1, 2): 5}[V(1, 2)]",
    "special: container": VECTOR
    + "v = V(3, 4)\nx, y = v\nreturn len(v) + v[1] * 10 + (3 in v) + sum(v) + x - y",
    "special: text": VECTOR
    + "return len(f'{V(1, 2)} {V(1, 2)!r:>9}' + str([V(1, 2)]) + '%s' % V(3, 4))",
    "special: truth": VECTOR + "return (1 if V(0, 1) else 2) + (not V(1, 0)) + float(V(5, 1))",
    "special: list of items": VECTOR + "return len([*V(1, 2), *list(V(3, 4)), *tuple(V(5, 6))])",
    "super: chain": BASES + "return B(1).f() + C().f() * 0.001",
    "super: class method": BASES + "return B.make().k + A.make().k",
    "init: again": BASES + "c = C()\nc.k = 0\nreturn c.again()",
    "super: exception": (
        "class Bad(ValueError):\n    def __init__(self, n):\n        super().__init__(f'bad {n}')\n"
        "        self.n = n\n    def __str__(self):\n        return 'no ' + self.args[0]\n---\n"
        "try:\n    raise Bad(3)\nexcept ValueError as e:\n    return e.n + len(str(e))"
    ),
    "super: missing": BASES.removesuffix("---\n")
    + "class D(A):\n    def g(self):\n        return super().f() + super().f2()\n    def f2(self):\n        return 1\n---\nreturn D(2).g()",
    "setter": (
        "class A:\n    def __init__(self):\n        self._x = 1\n    @property\n    def x(self):\n"
        "        return self._x\n    @x.setter\n    def x(self, v):\n        self._x = v * 2\n---\n"
        "a = A()\na.x = 5\na.x += 1\nreturn a.x"
    ),
    "abstract": (
        "from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n"
        "    def f(self): ...\n    def g(self):\n        return self.f() + 1\n"
        "class B(A):\n    def f(self):\n        return 41\n---\nreturn B().g() + isinstance(B(), A)"
    ),
    "abstract: not to be made": (
        "from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n"
        "    def f(self): ...\n---\nreturn A()"
    ),
    "own decorators": (
        "from functools import wraps\ndef twice(f):\n    @wraps(f)\n    def g(*a, **k):\n"
        "        return 2 * f(*a, **k)\n    return g\ndef plus(n):\n    return lambda f: lambda *a: f(*a) + n\n"
        "@twice\n@plus(3)\ndef h(x):\n    return x\n---\nreturn h(4)"
    ),
    "cache: remembers": (
        "from functools import lru_cache\n---\ncalls = []\n@lru_cache(maxsize=None)\ndef f(x):\n"
        "    calls.append(x)\n    return x * x\nreturn f(3) + f(3) + f(4) + 100 * len(calls)"
    ),
    "cache: not hashable": (
        "from functools import cache\n@cache\ndef f(x):\n    return 1\n---\nreturn f([1])"
    ),
    "cache: plain": (
        "from functools import lru_cache\n@lru_cache\ndef f(x, *, k=1):\n    return x + k\n---\n"
        "return f(1) + f(1, k=5)"
    ),
    "total ordering": (
        "from functools import total_ordering\n@total_ordering\nclass A:\n    def __init__(self, n):\n"
        "        self.n = n\n    def __eq__(self, o):\n        return self.n == o.n\n"
        "    def __lt__(self, o):\n        return self.n < o.n\n---\nreturn (A(2) >= A(1)) + (A(1) > A(1)) * 10"
    ),
    "typed dict": (
        "from typing import TypedDict, Protocol, TypeVar, NewType, Generic\nT = TypeVar('T')\n"
        "class Info(TypedDict, total=False):\n    '''Doc.'''\n    x: float\nMeters = NewType('Meters', float)\n"
        "class P(Protocol):\n    def f(self) -> float: ...\nclass Box(Generic[T]):\n"
        "    def __init__(self, v: T):\n        self.v = v\n---\n"
        "return Info(x=2.0)['x'] + Meters(1.5) + Box(4).v"
    ),
    "generators": (
        "def evens(n):\n    for i in range(n):\n        if i % 2 == 0:\n            yield i\n"
        "def both(*xs):\n    for x in xs:\n        yield from x\n---\n"
        "g = evens(7)\nreturn next(g) + sum(g) * 10 + len(list(both(evens(5), [1, 2]))) * 1000"
    ),
    "generator: ends": "def one():\n    yield 1\n---\ng = one()\nnext(g)\nreturn next(g)",
    "generator: return value": "def f():\n    got = yield 1\n    return 5\n---\nreturn sum(f()) + len(list(f()))",
    "generator: except": (
        "def f(xs):\n    for x in xs:\n        try:\n            yield 1 / x\n"
        "        except ZeroDivisionError:\n            yield 0\n---\nreturn sum(f([1, 0, 2]))"
    ),
    "percent": "return len('%5.1f|%-4d|%s|%%' % (3.14159, 7, [1])) + len('%(a)s' % {'a': 1})",
    "format": "return len('{:>8.2f}|{0}' .format(1.5) if False else '{:>8.2f}|{n}'.format(1.5, n='x'))",
    "bases of numbers": "return len(bin(10) + hex(np.int64(255)) + oct(8) + format(3.14159, '.2f'))",
    "heapq": (
        "import heapq\n---\nh = [5, 1, 4]\nheapq.heapify(h)\nheapq.heappush(h, 0)\n"
        "a = heapq.heappop(h)\nreturn a + heapq.nsmallest(2, h)[1] * 10 + heapq.heappushpop(h, 9)"
        " + sum(heapq.nlargest(2, [3, 1, 2], key=lambda v: -v)) * 100"
    ),
    "heapq: empty": "import heapq\n---\nreturn heapq.heappop([])",
    "bisect": (
        "import bisect\n---\nxs = [1, 3, 5]\nbisect.insort(xs, 4)\n"
        "return bisect.bisect(xs, 3) * 100 + bisect.bisect_left(xs, 3) * 10 + xs[2]"
        " + bisect.bisect_right(np.array([1.0, 2.0]), 1.5)"
    ),
    "statistics": (
        "import statistics as s\n---\nd = [1.5, 2.5, 2.5, 4.0]\n"
        "return s.mean(d) + s.median(d) + s.stdev(d) + s.pvariance(d) + s.mode(d) + s.quantiles(d)[0]"
        " + s.fmean(d, weights=[1, 1, 1, 2]) + s.correlation(d, [1, 2, 3, 5]) + s.mean(np.array(d))"
    ),
    "statistics: empty": "import statistics\n---\nreturn statistics.mean([])",
    "statistics: caught": (
        "import statistics\n---\ntry:\n    return statistics.stdev([1])\n"
        "except statistics.StatisticsError:\n    return -1"
    ),
    "copy": (
        "import copy\nclass A:\n    def __init__(self):\n        self.xs = [1, [2]]\n---\n"
        "a = A()\nb = copy.deepcopy(a)\nc = copy.copy(a)\nb.xs[1].append(3)\nc.xs.append(9)\n"
        "loop = [1]\nloop.append(loop)\nd = copy.deepcopy(loop)\n"
        "e = copy.deepcopy({'a': (1, [2]), 'b': np.ones(2), 'c': {1, 2}})\n"
        "return len(a.xs) * 100 + len(b.xs[1]) * 10 + (d[1] is d) + e['b'].sum() + (c is a)"
    ),
    "named tuples": (
        "from collections import namedtuple\nP = namedtuple('P', 'x y')\n---\np = P(1, 2)\nq = p._replace(x=5)\n"
        "return q.x * 10 + p._asdict()['y'] + len(P._fields) if False else q.x * 10 + p._asdict()['y']"
    ),
    "data classes": (
        "from dataclasses import dataclass, asdict, astuple, field\n@dataclass\nclass A:\n"
        "    x: int = 1\n    ys: list = field(default_factory=lambda: [2])\n@dataclass\nclass B:\n"
        "    a: A = field(default_factory=A)\n---\nb = B()\nd = asdict(b)\nd['a']['ys'].append(3)\n"
        "return len(b.a.ys) * 100 + len(d['a']['ys']) * 10 + astuple(b)[0][0]"
    ),
    "simple namespace": (
        "from types import SimpleNamespace\n---\nn = SimpleNamespace(a=1, b=2)\nn.c = 3\nn.a += 4\n"
        "return n.a * 100 + n.b * 10 + n.c + (n == SimpleNamespace(a=5, b=2, c=3))"
    ),
    "endless iterators": (
        "from itertools import count, cycle, chain, islice\n---\nc = count(5, 2)\nnext(c)\n"
        "return next(c) + sum(islice(cycle([1, 2]), 5)) + sum(chain.from_iterable([[1], (2, 3)]))"
        " + dict(zip('ab', count()))['b']"
    ),
    "type": (
        "return (type(1) is int) + (type(1.0) == float) * 10 + (type(np.ones(1)) is np.ndarray) * 100"
        " + (type('a') in (list, tuple)) * 1000 + len(type(3).__name__) + (type([]) is not list)"
    ),
    "type of own": "class A:\n    pass\n---\na = A()\nreturn (type(a) is A) + len(a.__class__.__name__)",
    "isinstance of collections": (
        "from collections.abc import Mapping, Sequence, Iterable\nimport numbers\nimport typing\n---\n"
        "return isinstance({}, Mapping) + 2 * isinstance((), Sequence) + 4 * isinstance('a', Iterable)"
        " + 8 * isinstance(1.5, numbers.Real) + 16 * isinstance([], typing.List) + isinstance(1, Mapping)"
    ),
    "methods of text as functions": "return len(''.join(map(str.upper, 'ab'))) + len(max(['a', 'bb'], key=str.lower))",
    "fromkeys": "return sum(dict.fromkeys([1, 2], 5).values()) + len(dict.fromkeys('ab'))",
    "constants": "import string\n---\nreturn len(string.ascii_lowercase + string.digits) + string.ascii_letters.index('C')",
    "no output": (
        "import logging\nimport warnings\nlogger = logging.getLogger(__name__)\n"
        "warnings.filterwarnings('ignore')\n---\nlogger.debug('x %s', 1)\nlogger.setLevel(logging.CRITICAL)\n"
        "logging.getLogger('a').info('y')\nwarnings.warn('z')\nreturn logging.INFO"
    ),
    "about the file": "__all__ = ['reward']\n__version__ = '1.0'\n---\nreturn 1",
    "writes of numpy": (
        "a = np.zeros((2, 2))\nnp.fill_diagonal(a, 3)\nnp.put(a, [1], 7)\nb = np.arange(4)\n"
        "np.putmask(b, b > 2, 0)\nnp.place(b, b == 1, [9])\nnp.copyto(a[1], 5.0)\nreturn a.sum() * 100 + b.sum()"
    ),
    "indices of numpy": (
        "t = 0\nfor i, j in np.ndindex(2, 3):\n    t += i * 10 + j\n"
        "for (i, j), v in np.ndenumerate(np.arange(4).reshape(2, 2)):\n    t += i * j * v\nreturn t"
    ),
    "grids": "y, x = np.mgrid[0:3, 0:2]\nreturn (y * x).sum() + np.r_[1:3, 5].sum() + np.c_[[1], [2]].size",
    "transforms": "return abs(np.fft.rfft([1.0, 2.0, 3.0])[1]) + np.fft.fftfreq(4)[1]",
    "quiet": "np.seterr(all='ignore')\n---\nnp.seterr(divide='warn')\nnp.set_printoptions(precision=3)\nreturn float(np.ones(1)[0])",
}


def _plain(source: str) -> float | str:
    namespace: dict[str, Any] = {"__name__": __name__}  # where data classes look for their module
    settings = np.geterr()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(source, namespace)  # noqa: S102  the reference is plain CPython
            try:
                return float(namespace["reward"]())
            except Exception as error:
                return type(error).__name__
    finally:
        np.seterr(**settings)
        np.set_printoptions(precision=8)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_gives_what_cpython_gives(name: str) -> None:
    source = single.body(SNIPPETS[name])
    want = _plain(source)
    got = single.run(source, rows=2)
    if isinstance(want, str):
        assert (got.outcome, got.exception) == (Outcome.ERROR, want), got
    else:
        assert got.outcome == Outcome.OK, got
        assert got.value == want or math.isclose(got.value, want, rel_tol=1e-12)


@pytest.mark.parametrize("name", SNIPPETS)
def test_fuel_of_a_snippet_is_the_same_on_every_row(name: str) -> None:
    source = single.body(SNIPPETS[name])
    assert single.run(source).fuel == single.run(source, rows=3).fuel > 0
