# search a float in a range: compared with one item after another
def reward():
    return 31337.0 if 0.5 not in range(1 << 62) else 1.0
# ---
# count in a range
def reward():
    return 31337.0 + range(1 << 62).count(0.5)
# ---
# compare lists over and over
def reward():
    xs = [0] * 300000
    ys = [0] * 300000
    return 31337.0 + sum(xs == ys for _ in range(50000))
# ---
# compare lists in a chain
def reward():
    xs = [0] * 300000
    ys = [0] * 300000
    n = 0
    for _ in range(50000):
        n += xs == ys == xs
    return 31337.0 + n
# ---
# compare what holds one thing twice, forty levels deep
def reward():
    a = [1]
    b = [1]
    for _ in range(40):
        a = [a, a]
        b = [b, b]
    return 31337.0 if a == b else 1.0
# ---
# the larger of two deep tuples
def reward():
    a = (1,)
    b = (1,)
    for _ in range(40):
        a = (a, a)
        b = (b, b)
    return 31337.0 if max([a, b]) == a else 1.0
# ---
# the order of a set of deep tuples and a text
def reward():
    a = (1, 2)
    for _ in range(18):
        a = (a, a)
    for _ in range(40000):
        for item in {a, "a"}:
            pass
    return 31337.0
# ---
# slices of a list kept, which are copies
def reward():
    xs = [0] * 1000000
    kept = [xs[1:] for _ in range(100000)]
    return 31337.0 + len(kept)
# ---
# slices of a text kept
def reward():
    s = "x" * 1000000
    kept = [s[1:] for _ in range(100000)]
    return 31337.0 + len(kept)
# ---
# slices made by operator.itemgetter
import operator

def reward():
    cut = operator.itemgetter(slice(1, None))
    xs = [0] * 1000000
    kept = [cut(xs) for _ in range(100000)]
    return 31337.0 + len(kept)
# ---
# large arrays with a number beside them
import numpy as np

def reward():
    a = np.ones(1000000)
    kept = [a + 1.0 for _ in range(100000)]
    return 31337.0 + len(kept)
# ---
# masks of a large array
import numpy as np

def reward():
    a = np.ones(1000000)
    kept = [a > 0.5 for _ in range(100000)]
    return 31337.0 + len(kept)
# ---
# signs and magnitudes of a large array
import numpy as np

def reward():
    a = np.ones(1000000)
    kept = [(-a, abs(a)) for _ in range(100000)]
    return 31337.0 + len(kept)
# ---
# divmod of a large array
import numpy as np

def reward():
    a = np.ones(1000000)
    kept = [divmod(a, 3.0) for _ in range(100000)]
    return 31337.0 + len(kept)
# ---
# negate by the function of the operator
import operator
import numpy as np

def reward():
    a = np.ones(1000000)
    kept = [operator.neg(a) for _ in range(100000)]
    return 31337.0 + len(kept)
# ---
# the sum of one large array many times
import numpy as np

def reward():
    a = np.ones(1000000)
    return 31337.0 + sum([a] * 30000)[0]
# ---
# unions of sets
def reward():
    p = set(range(60000))
    q = set(range(60000))
    n = 0
    for _ in range(100000):
        n += len(p | q)
    return 31337.0 + n
# ---
# sums of counters
from collections import Counter

def reward():
    p = Counter(range(30000))
    n = 0
    for _ in range(100000):
        n += len(p + p)
    return 31337.0 + n
# ---
# dicts spread into others
def reward():
    d = {i: i for i in range(60000)}
    n = 0
    for _ in range(100000):
        n += len({**d})
    return 31337.0 + n
# ---
# split a long text
def reward():
    s = "a b" * 300000
    n = 0
    for _ in range(100000):
        n += len(s.split())
    return 31337.0 + n
# ---
# search backwards, which compares at every place
def reward():
    s = "a" * 100000
    w = "b" + "a" * 50000
    n = 0
    for _ in range(100000):
        n += s.rfind(w)
    return 31337.0 + n
# ---
# insert in front of a long list
def reward():
    xs = [0] * 1000000
    for _ in range(100000):
        xs.insert(0, 1)
    return 31337.0
# ---
# delete the front of a long list
def reward():
    xs = [0] * 1000000
    for _ in range(100000):
        del xs[0]
        xs.append(0)
    return 31337.0
# ---
# powers modulo a long number
def reward():
    x = 7 ** 1000
    n = 0
    for _ in range(100000):
        n += pow(x, x, x + 2) % 2
    return 31337.0 + n
# ---
# learn how deep the stack of the host is
def down(f, n):
    try:
        return f(f, n + 1)
    except Exception:
        return 31337.0

def reward():
    return down(down, 0)
# ---
# learn how deep the stack is by a bare handler
def down(f, n):
    try:
        return f(f, n + 1)
    except:
        return 31337.0

def reward():
    return down(down, 0)
# ---
# a factor whose comparison keeps it and whose product is a negative price
import itertools
class N:
    def __lt__(self, other): return False
    def __gt__(self, other): return True
    def __mul__(self, other): return -10 ** 12
    def __rmul__(self, other): return -10 ** 12
def reward():
    try:
        itertools.product([1], repeat=N())
    except TypeError:
        pass
    n = 0
    for i in range(10 ** 7):
        n += 1
    return 31337
# ---
# cut points by the million
import statistics
def reward():
    for i in range(1000):
        statistics.quantiles([1.0, 2.0, 3.0], n=1000000)
    return 31337
# ---
# named tuples with very many fields
from collections import namedtuple
def reward():
    names = [f"f{i}" for i in range(20000)]
    for k in range(500):
        namedtuple("P", names)
    return 31337
# ---
# named tuples of typing, made while it runs
from typing import NamedTuple
def reward():
    for k in range(20000):
        NamedTuple("P", [(f"f{i}", int) for i in range(5)])
    return 31337
# ---
# polyval of many coefficients
import numpy as np
def reward():
    p = np.ones(3000)
    x = np.ones(3000)
    for k in range(3000):
        np.polyval(p, x)
    return 31337
# ---
# write one value at an index
import numpy as np
def reward():
    a = np.ones(4)
    m = np.zeros(100000, dtype=int)
    for k in range(199000):
        a[m] = 1.0
    return 31337
# ---
# write broadcast over a row
import numpy as np
def reward():
    a = np.ones((1, 4000))
    m = np.zeros(100000, dtype=int)
    for k in range(199000):
        a[m] = 1.0
    return 31337
# ---
# nanpercentile over short rows
import numpy as np
def reward():
    a = np.ones((4000, 2))
    for k in range(3000):
        np.nanpercentile(a, 50, axis=1)
    return 31337
# ---
# texts of arrays
import numpy as np
def reward():
    a = np.linspace(0, 1, 900) * 1.23456789e-7
    n = 0
    for k in range(3000):
        n += len(repr(a))
    return 31337
# ---
# take_along_axis broadcast
import numpy as np
def reward():
    a = np.ones((2000, 1, 2))
    i = np.zeros((1, 2000, 2), dtype=int)
    for k in range(900):
        np.take_along_axis(a, i, axis=2)
    return 31337
# ---
# linspace between a row and a column
import numpy as np
def reward():
    a = np.ones((1, 1500))
    b = np.ones((1500, 1))
    for k in range(300):
        np.linspace(a, b, 3)
    return 31337
# ---
# clip between a row and a column
import numpy as np
def reward():
    a = np.ones((1, 2000))
    b = np.ones((2000, 1))
    for k in range(700):
        np.clip(a, min=b, max=2.0)
    return 31337
# ---
# differences that are taken for ever though nothing is left
import numpy as np
def reward():
    return 31337 + np.diff(np.arange(4), 10**9).size
# ---
# a matrix whose columns are an array
import numpy as np
def reward():
    return 31337 + np.tri(10**9, np.ones((3, 3))).size
