"""Functions of libraries, generators and text in the compiled tier, against plain CPython.

Each case is the body of ``reward(image, vec, small, n, x, flag)``. All of them have to compile; a row
that the kernel hands over to the interpreted tier says nothing here, so few may be.
"""

from __future__ import annotations

import textwrap

import both
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.limits import Limits
from sandbox.tiers.compiled.written import SOURCE

ROWS = 60
PYTHON = frozenset({"n", "x", "flag"})
HEAD = """\
import bisect
import heapq
import itertools
import math
import statistics
from collections import Counter, deque
from dataclasses import dataclass
from functools import partial

import numpy as np


def reward(image, vec, small, n, x, flag):
"""


def columns() -> dict[str, np.ndarray]:
    """Make inputs in which objects are sometimes there and sometimes not, and numbers repeat."""
    rng = np.random.default_rng(0)
    vec = rng.normal(size=(ROWS, 6)) * 2
    vec[1] = 0
    vec[2, :3] = vec[2, 3:]
    vec[3] = np.round(vec[3], 1)
    image = rng.integers(0, 4, (ROWS, 7, 7, 3)).astype(np.uint8)
    image[..., 0] = rng.choice([1, 1, 1, 2, 4, 5, 8], (ROWS, 7, 7))
    image[:6, :, :, 0] = 1
    return {
        "image": image,
        "vec": vec,
        "small": rng.normal(size=(ROWS, 4)).astype(np.float32),
        "n": rng.integers(-3, 8, ROWS),
        "x": rng.normal(size=ROWS) * 10.0 ** rng.integers(-3, 4, ROWS),
        "flag": rng.integers(0, 2, ROWS).astype(bool),
    }


CASES: dict[str, tuple[str, int]] = {
    "permutations": (
        """
        best, chosen = float("inf"), None
        for p in itertools.permutations(range(3)):
            cost = sum(vec[i] * (j + 1) for i, j in enumerate(p))
            if cost < best:
                best, chosen = float(cost), p
        pairs = sum(1 for a, b in itertools.permutations([1, 2, n, 4], 2) if a < b)
        return best + 10 * chosen[0] + 100 * pairs
        """,
        0,
    ),
    "counter of a dict": (
        """
        have = Counter({"a": n, "b": int(flag)})
        have["a"] += 2
        return 100.0 * have["a"] + 10.0 * have["b"] + have["c"] + len(have)
        """,
        0,
    ),
    "r_": (
        """
        row = np.r_[0.5, vec, n, vec[:2]]
        whole = np.r_[n, np.arange(3), 7]
        return float(row @ np.arange(10) + row[7]) + int(whole.sum()) + len(whole)
        """,
        0,
    ),
    "heap": (
        """
        h=[]
        for v in vec: heapq.heappush(h,(float(v),1))
        t=0.0
        k=1
        while h:
            a,b=heapq.heappop(h)
            t+=a*k; k*=3
        return t
        """,
        0,
    ),
    "bisect": (
        """
        xs=[-1.0,0.0,0.5,2.0]
        ys=sorted(float(v) for v in vec)
        bisect.insort(ys, 0.3)
        return bisect.bisect(xs,x)+10*bisect.bisect_left(ys,0.0)+sum(i*y for i,y in enumerate(ys))
        """,
        0,
    ),
    "stat": (
        """
        d=[float(v) for v in vec]
        return statistics.mean(d)+statistics.pstdev(d)*3+statistics.stdev(d)+statistics.median(d)+statistics.variance(d)+statistics.fmean(d)
        """,
        8,
    ),
    "statdyn": (
        """
        d=[float(v) for v in vec if v>0]
        if len(d)<2: return 0.0
        return statistics.mean(d)+statistics.pstdev(d)*3+statistics.stdev(d)+statistics.median(d)+math.fsum(d)
        """,
        8,
    ),
    "staterr": (
        """
        d=[float(v) for v in vec if v>2]
        try:
            return statistics.mean(d)
        except statistics.StatisticsError:
            return -1.0
        """,
        8,
    ),
    "statarr": (
        """
        return statistics.mean(vec)+statistics.pstdev(vec[1:])
        """,
        64,
    ),
    "isclose": (
        """
        return 1.0*math.isclose(x,1.0,abs_tol=0.5)+2*math.isclose(vec[0],vec[3])+4*math.isclose(n,3,rel_tol=0.4)
        """,
        0,
    ),
    "round": (
        """
        return round(x,2)+round(x,1)*3+round(n,2)+round(x*1000,3)+round(float(vec[0]),0)
        """,
        0,
    ),
    "roundties": (
        """
        return round(n/8,2)+round(n*0.125+0.5,2)*7+round(n+0.5,0)+round(-n/16,3)
        """,
        0,
    ),
    "npround": (
        """
        return round(vec[0],2)+np.round(vec,1).sum()+round(small[0],1)+np.round(small,2).sum()+np.around(x,3)+np.round(n,2)
        """,
        0,
    ),
    "argsort": (
        """
        o=np.argsort(vec)[::-1]
        return float(vec[o[0]]-vec[o[1]])+sum(i*float(v) for i,v in enumerate(vec[o]))
        """,
        0,
    ),
    "interp": (
        """
        return np.interp(x,[0.0,1.0,2.0],[1.0,0.0,-1.0])+np.interp(vec[:2],[0,1,1.5,4],[0,10,20,30]).sum()+np.interp(small[0],[0,.5,1],[0,.7,.2],left=-1.0,right=9)
        """,
        0,
    ),
    "errstate": (
        """
        with np.errstate(divide="ignore"):
            r = np.where(vec>0, 1.0/vec, 0.0)
        return float(r.sum())
        """,
        8,
    ),
    "del": (
        """
        d={'a':1.0,'b':2.0}
        if n>2: del d['a']
        l=[1,2,3,4]
        del l[0]
        try:
            del l[n]
        except IndexError:
            l.append(9)
        return sum(d.values())+sum(i*q for i,q in enumerate(l))
        """,
        0,
    ),
    "frozen": (
        """
        @dataclass(frozen=True)
        class P:
            x: int
            y: int = 2
            def d(self): return abs(self.x)+self.y
        p=P(n); q=P(n,3)
        try:
            p.x=3
        except AttributeError:
            return p.d()+q.d()+(p==q)+(p==P(n,2))*10
        return 0.0
        """,
        0,
    ),
    "partial": (
        """
        def f(a,b,c=1): return a+2*b+3*c
        g=partial(f,n,c=5)
        return g(2)+partial(f,b=1)(3)+partial(np.clip,a_min=0,a_max=1)(x)
        """,
        0,
    ),
    "counter": (
        """
        a=Counter(int(v) for v in image[0,:,0]); b=Counter(int(v) for v in image[1,:,0])
        return float(a==b)+ (Counter('ab')==Counter('ba'))*2
        """,
        0,
    ),
    "gen2": (
        """
        def around(i,j):
            for di,dj in ((0,1),(1,0),(0,-1),(-1,0)):
                if 0<=i+di<7 and 0<=j+dj<7:
                    yield i+di,j+dj
        t=0
        for a,b in around(n,3):
            if image[a,b,0]==4: break
            t+=a*b
        else:
            t-=1
        return float(t)
        """,
        0,
    ),
    "gen3": (
        """
        def walk():
            yield 1
            yield from (v for v in vec if v>0)
            if n>3: return
            yield 7.0
        l=list(walk())
        def first():
            for v in walk():
                if v>1: return v
            return -1.0
        return sum(l)+len(l)+first()+next(walk())+max(walk())+sum(i*v for i,v in enumerate(walk()))
        """,
        0,
    ),
    "gen4": (
        """
        def g():
            try:
                yield n
                yield 2
            except ValueError:
                yield 100
        def use():
            t=0
            for v in g():
                try:
                    if v<0: raise ValueError("x")
                    t+=v
                except ValueError:
                    t-=1
            return t
        try:
            for v in g():
                if v==2: raise ValueError("q")
        except ValueError:
            return use()+0.5
        return use()
        """,
        0,
    ),
    "gen5": (
        """
        def bfs(start):
            q=deque([start]); seen={start}
            while q:
                x,y=q.popleft()
                yield x,y
                for dx,dy in ((0,1),(1,0),(0,-1),(-1,0)):
                    a,b=x+dx,y+dy
                    if 0<=a<7 and 0<=b<7 and (a,b) not in seen and image[a,b,0]!=2:
                        seen.add((a,b)); q.append((a,b))
        return float(sum(1 for _ in bfs((3,3)))) + sum(x for x,y in bfs((0,0)) if image[x,y,0]==4)
        """,
        0,
    ),
    "tnz": (
        """
        p=np.transpose(np.nonzero(image[:,:,0]==4))
        if len(p)==0: return -1.0
        return float(np.abs(p-np.array([3,3])).sum(axis=1).min()+len(p)+p[0][1])
        """,
        0,
    ),
    "sets": (
        """
        s=set(); t=set()
        for v in vec: s.add(int(v))
        t |= s
        t |= {1,2}
        return float(len(t)+(3 in t))
        """,
        0,
    ),
    "narrow": (
        """
        def f():
            return (n,2) if n>0 else None
        a=f()
        if a is None: return 0.0
        l=[(0.0,a)]
        for v in vec:
            if v>0: l.append((float(v),(1,2)))
        c,p=l.pop()
        return c+p[0]
        """,
        0,
    ),
    "perc": (
        """
        return np.percentile(vec,75)+np.quantile(vec,0.1)*3+np.percentile(image[:,:,1],40)+np.percentile(vec,[10,90]).sum()
        """,
        0,
    ),
    "lags": (
        """
        l=deque(maxlen=20)
        for v in image[:,:,2].flatten():
            if v>0: l.append(float(v))
        if len(l)<9: return 0.0
        h=np.array(l); h=h-h.mean(); var=np.sum(h*h)
        if var<1e-9: return 1.0
        return float(max([np.sum(h[lag:]*h[:-lag])/var for lag in range(2,8)]))
        """,
        64,
    ),
    "product": (
        """
        a=[(i,j) for i in range(7) for j in range(7) if image[i,j,0]==4]
        b=[(i,j) for i in range(7) for j in range(7) if image[i,j,0]==5]
        d=sorted(abs(p[0]-q[0])+abs(p[1]-q[1]) for p,q in itertools.product(a,b))
        return float(sum(d[:3])+len(d))
        """,
        0,
    ),
    "comb": (
        """
        b=[(i,j) for i in range(7) for j in range(7) if image[i,j,0]==5]
        t=0.0
        for (a,c),(d,e) in itertools.combinations(b,2): t+=np.hypot(a-d,c-e)
        u=sum(1 for x,y,z in itertools.combinations(b,3) if x[0]<y[0]<z[0])
        return t+u
        """,
        8,
    ),
}
"""Body, and units in the last place by which sums of floats may differ."""


@pytest.mark.parametrize("name", CASES)
def test_a_body_gives_what_cpython_gives(name: str) -> None:
    body, ulps = CASES[name]
    source = HEAD + textwrap.indent(textwrap.dedent(body), "    ")
    given_columns = columns()
    got = both.compiled(source, given_columns, PYTHON, Limits())
    want = both.plain(source, given_columns, PYTHON)
    moved = [row.error == "OUT_OF_MEMORY" for row in got]
    assert sum(moved) <= ROWS // 10
    for k, (a, b) in enumerate(zip(got, want, strict=True)):
        assert moved[k] or both.same(a, b, ulps), (k, a, b)


HALVES = st.builds(lambda k, d: k / 2.0**d, st.integers(-(10**6), 10**6), st.integers(0, 12))


@settings(max_examples=12, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9) | HALVES, min_size=64, max_size=64), st.integers(0, 5))
def test_rounding_to_digits_is_that_of_cpython(values: list[float], digits: int) -> None:
    source = f"def reward(x):\n    return round(x, {digits})\n"
    both.check(source, {"x": np.array(values)}, python=frozenset({"x"}))


def test_the_functions_written_in_the_language_are_those_of_the_library() -> None:
    """The same text, run by CPython, beside the real heap and sorted-list functions."""
    import bisect
    import heapq

    names: dict[str, object] = {}
    exec(SOURCE, names)  # noqa: S102 - our own text
    rng = np.random.default_rng(2)
    for _ in range(50):
        data = rng.integers(0, 9, rng.integers(1, 30)).tolist()
        mine, real = list(data), list(data)
        names["heapify"](mine)  # type: ignore[operator]
        heapq.heapify(real)
        assert mine == real
        for name in ("heappushpop", "heapreplace", "heappush"):
            value = int(rng.integers(0, 9))
            assert names[name](mine, value) == getattr(heapq, name)(real, value)  # type: ignore[operator]
            assert mine == real
        while real:
            assert names["heappop"](mine) == heapq.heappop(real)  # type: ignore[operator]
            assert mine == real
        data.sort()
        for value in range(10):
            for name in ("bisect_left", "bisect_right"):
                assert names[name](data, value) == getattr(bisect, name)(data, value)  # type: ignore[operator]
