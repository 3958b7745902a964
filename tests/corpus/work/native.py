# a number beside a tuple that holds one tuple twice, and so on: NumPy would make an array of it
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 if np.float64(1) in (2, x) else 31337
# ---
# ... compared
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 if np.any(np.float64(1) == x) else 31337
# ---
# ... added
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    y = np.float64(1) + x
    return 31337
# ---
# ... to an array, from the left
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    y = x * np.ones(1)
    return 31337
# ---
# ... in place
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    y = np.ones(2)
    y += x
    return 31337
# ---
# ... written into an array
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    y = np.ones(2)
    y[:] = x
    return 31337
# ---
# ... written at one place
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    y = np.ones(2)
    y[0] = x
    return 31337
# ---
# ... as an index
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    return 31337 + np.ones(2)[x].size
# ---
# ... as an index of several parts
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    return 31337 + np.ones((2, 2))[0, x].size
# ---
# ... as an index that is written to
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    y = np.ones(2)
    y[x] = 1
    return 31337
# ---
# ... as the argument of a function
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    return 31337 + np.sum(x)
# ---
# ... by name
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    return 31337 + np.sum(a=[1], where=x)
# ---
# ... of a method
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    return 31337 + np.ones(2).dot(x)
# ---
# ... behind a short one
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    return 31337 + np.array([[[1]], x, [[1]]]).size
# ---
# ... as a shape
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + np.zeros(x).size
# ---
# ... as an axis
import numpy as np
def reward():
    x = (0,)
    for i in range(60):
        x = (x, x)
    return 31337 + np.ones(2).sum(axis=x)
# ---
# ... of math
import math
def reward():
    x = (0,)
    for i in range(60):
        x = (x, x)
    return 31337 + math.dist(x, x)
# ---
# ... compared with another like it
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    return 31337 if x == y else 31337
# ---
# ... in a chain of comparisons
def reward():
    x, y = [1], [1]
    for i in range(60):
        x, y = [x, x], [y, y]
    return 31337 if x < y < x else 31337
# ---
# ... as a dict
def reward():
    x, y = {1: 1}, {1: 1}
    for i in range(60):
        x, y = {1: x, 2: x}, {1: y, 2: y}
    return 31337 if x == y else 31337
# ---
# ... as a data class
from dataclasses import dataclass
@dataclass
class P:
    a: object
    b: object
def reward():
    x, y = 1, 1
    for i in range(60):
        x, y = P(x, x), P(y, y)
    return 31337 if x == y else 31337
# ---
# ... as a frozen one, hashed
from dataclasses import dataclass
@dataclass(frozen=True)
class P:
    a: object
    b: object
def reward():
    x = 1
    for i in range(60):
        x = P(x, x)
    return 31337 + len({x: 1})
# ---
# ... as a named tuple
from collections import namedtuple
P = namedtuple("P", "a b")
def reward():
    x, y = 1, 1
    for i in range(60):
        x, y = P(x, x), P(y, y)
    return 31337 if x == y else 31337
# ---
# ... as the key of a dict
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + len({x: 1})
# ---
# ... of one that is made in a loop
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + len({k: 1 for k in [x]})
# ---
# ... written to one
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    d = {}
    d[x] = 1
    return 31337
# ---
# ... read from one
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    d = {1: 2}
    return 31337 + d[x]
# ---
# ... looked up
def reward(d={}):
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + d.get(x, 1)
# ---
# ... set as a default
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    d = dict()
    d.setdefault(x, 1)
    return 31337
# ---
# ... in a set
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + len({x})
# ---
# ... added to one
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    s = set()
    s.add(x)
    return 31337
# ---
# ... of a list
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + len(set([x])) + len(frozenset([x]))
# ---
# ... counted
from collections import Counter
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + len(Counter([x]))
# ---
# ... of pairs
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + len(dict([(x, 1)]))
# ---
# ... of zip
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + len(dict(zip([x], [1])))
# ---
# ... asked for in a set
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 if x in {1, 2} else 31337
# ---
# ... in a dict that is written out
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 if x in {1: 2} else 31337
# ---
# ... in a tuple that is written out
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    return 31337 if x in (y, 1) else 31337
# ---
# ... in a list
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    z = [y]
    return 31337 + z.index(x) + z.count(x)
# ---
# ... in a set by its frozen set
def reward():
    x = frozenset([1])
    for i in range(60):
        x = (x, x)
    return 31337 + len({1, 2} | {x})
# ---
# ... sorted
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    return 31337 + len(sorted([x, y])) + len(max([x, y]))
# ---
# ... the larger of two
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    return 31337 + len(max(x, y))
# ---
# ... sorted in place by a key
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    z = [1, 2]
    z.sort(key=lambda q: x if q > 1 else y)
    return 31337
# ---
# ... grouped
from itertools import groupby
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    return 31337 + len([k for k, g in groupby([x, y])])
# ---
# ... removed
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    z = [y]
    z.remove(x)
    return 31337
# ---
# ... gone through as a set with an order
def reward():
    x = (1, "a")
    for i in range(18):
        x = (x, x)
    n = 0
    for i in range(3000):
        for k in {1}:
            n += 1
    return 31337
# ---
# ... as a text
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    return 31337 + len(f"{x}")
# ---
# ... in the message of an error
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    raise ValueError(x)
# ---
# ... by an operator as a function
import operator
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    return 31337 if operator.eq(x, y) else 31337
# ---
# ... by the position of operator
import operator
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    return 31337 if operator.countOf([x], y) else 31337
# ---
# ... read by operator
import operator
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 if operator.getitem({1: 2}, x) else 31337
# ---
# ... matched
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    match x:
        case [[1], _]:
            return 31337
        case _:
            return 31337
# ---
# ... hashed
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + hash(x) % 2
# ---
# a tuple so deep that hashing it needs more stack than there is
def reward():
    x = ()
    for i in range(150000):
        x = (x,)
    return 31337 + len({x})
# ---
# ... comparing it
def reward():
    x, y = (), ()
    for i in range(70000):
        x, y = (x,), (y,)
    return 31337 if x == y else 31337
# ---
# ... as an array
import numpy as np
def reward():
    x = []
    for i in range(100000):
        x = [x]
    return 31337 + np.array(x).size
# ---
# ... as a text
def reward():
    x = []
    for i in range(100000):
        x = [x]
    return 31337 + len(str(x))
# ---
# ... put into an order
def reward():
    x = "a"
    for i in range(100000):
        x = (x,)
    return 31337 + len(list({x, "b"}))
# ---
# digits that no float has
import numpy as np
def reward():
    return 31337 + np.float64(0.5).round(10**9)
# ---
# ... by the function
import numpy as np
def reward():
    return 31337 + np.round(np.ones(3), 2 * 10**9).sum() + np.around(0.5, -(10**9))
# ---
# ... of an array
import numpy as np
def reward():
    return 31337 + np.ones(3).round(2 * 10**9).sum()
# ---
# a power with a modulus, of large numbers, again and again
def reward():
    n = 0
    for i in range(100000):
        n += pow(3, (1 << 4000) + i, (1 << 4000) - 159) & 1
    return 31337
# ---
# the greatest divisor of large numbers
import math
def reward():
    n = 0
    a, b = 1, 1
    for i in range(5000):
        a, b = b, a + b
        if b.bit_length() > 4000:
            break
    for i in range(100000):
        n += math.gcd(a, b)
    return 31337
# ---
# large numbers as text
def reward():
    n = 0
    x = (1 << 4000) + 7
    for i in range(150000):
        n += len(str(x))
    return 31337
# ---
# ... and back
def reward():
    n = 0
    x = "9" * 1200
    for i in range(150000):
        n += int(x) % 2
    return 31337
# ---
# the same large list joined, cut and turned again and again
def reward():
    x = list(range(50000))
    for i in range(100000):
        y = x[1:]
        z = x[::-1]
    return 31337
# ---
# ... taken from its front
def reward():
    x = list(range(90000))
    n = 0
    while x:
        n += x.pop(0)
    return 31337
# ---
# ... put to its front
def reward():
    x = []
    for i in range(90000):
        x.insert(0, i)
    return 31337
# ---
# ... cleared of its front
def reward():
    x = list(range(90000))
    while x:
        del x[0]
    return 31337
# ---
# ... written over
def reward():
    x = list(range(60000))
    y = list(range(60000))
    for i in range(60000):
        x[:] = y
    return 31337
# ---
# ... turned round
def reward():
    x = list(range(90000))
    for i in range(90000):
        x.reverse()
    return 31337
# ---
# ... summed
def reward():
    x = list(range(90000))
    y = (i for i in range(90000))
    n = 0
    for i in range(90000):
        n += sum(x[:50000])
    return 31337
# ---
# sets made of sets
def reward():
    a = set(range(50000))
    b = set(range(25000, 75000))
    n = 0
    for i in range(90000):
        n += len(a & b)
        a ^= b
    return 31337
# ---
# dicts joined
def reward():
    a = {i: i for i in range(50000)}
    n = 0
    for i in range(90000):
        n += len({**a, "x": 1})
        n += len(a | {1: 1})
    return 31337
# ---
# ... unpacked into a call
def f(**names):
    return len(names)
def reward():
    a = {f"k{i}": i for i in range(30000)}
    n = 0
    for i in range(90000):
        n += f(**a)
    return 31337
# ---
# a text looked for in a text
def reward():
    x = "a" * 500000
    n = 0
    for i in range(100000):
        n += x.count("b") + x.find("ab")
    return 31337
# ---
# ... asked for
def reward():
    x = "a" * 500000
    n = 0
    for i in range(100000):
        n += "ab" in x
    return 31337
# ---
# ... changed
def reward():
    x = "a" * 500000
    n = 0
    for i in range(100000):
        n += len(x.upper()) + len(x.strip("b")) + len(x.title())
    return 31337
# ---
# ... split
def reward():
    x = "a " * 200000
    n = 0
    for i in range(100000):
        n += len(x.split())
    return 31337
# ---
# ... compared
def reward():
    x = "a" * 500000
    y = x[:-1] + "a"
    n = 0
    for i in range(100000):
        n += x == y
    return 31337
# ---
# ... in a list of its like
def reward():
    x = "a" * 100000
    y = [x[:-1] + "a" for i in range(50)]
    n = 0
    for i in range(100000):
        n += (x[:-1] + "b") in y
    return 31337
# ---
# iterators in iterators
def reward():
    x = iter([1])
    for i in range(50000):
        x = map(abs, x)
    return 31337 + sum(x)
# ---
# ... chained
from itertools import chain
def reward():
    x = [1]
    for i in range(50000):
        x = chain(x)
    return 31337 + sum(x)
# ---
# functions with arguments in functions with arguments
from functools import partial
def f(*a):
    return len(a)
def reward():
    g = f
    for i in range(3000):
        g = partial(g, i)
    n = 0
    for i in range(90000):
        n += g()
    return 31337
# ---
# a bounded deque filled again and again
from collections import deque
def reward():
    x = list(range(50000))
    d = deque(x)
    n = 0
    for i in range(90000):
        d.rotate(1000)
        n += d[25000]
    return 31337
# ---
# a deque copied by a slice of a list
from collections import deque
def reward():
    d = deque(range(50000))
    n = 0
    for i in range(90000):
        n += len(d.copy()) + len(d + d)
    return 31337
# ---
# counters added
from collections import Counter
def reward():
    c = Counter(range(20000))
    n = 0
    for i in range(90000):
        n += len(c + c) + len(c.most_common(3)) + len(-c)
    return 31337
# ---
# arrays of strings of digits
import numpy as np
def reward():
    n = 0
    x = list(range(50000))
    for i in range(90000):
        n += np.array(x).size
    return 31337
# ---
# a large array to a list
import numpy as np
def reward():
    n = 0
    x = np.zeros(100000)
    for i in range(90000):
        n += len(x.tolist()) + len(x.tobytes())
    return 31337
# ---
# a large array compared with a number
import numpy as np
def reward():
    n = 0
    x = np.zeros(100000)
    for i in range(90000):
        n += (x > 1)[0] + (-x)[0] + (x + 1)[0]
    return 31337
# ---
# a large array copied by reading
import numpy as np
def reward():
    n = 0
    x = np.zeros(100000)
    k = np.arange(100000)
    for i in range(90000):
        n += x[k][0] + x[x > -1].size
    return 31337
# ---
# ... by writing
import numpy as np
def reward():
    x = np.zeros(100000)
    for i in range(90000):
        x[:] = 1
        x[x > 0] = 2
    return 31337
# ---
# a large array asked for its truth as a list
import numpy as np
def reward():
    x = np.zeros(100000)
    n = 0
    for i in range(90000):
        n += sum(x) + max(x) + len(list(x)) + len(set(x))
    return 31337
# ---
# a tuple that holds one tuple twice, and so on, on a heap
import heapq
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    h = [x]
    heapq.heappush(h, y)
    heapq.heapify(h)
    return 31337 + len(heapq.nsmallest(2, h))
# ---
# ... by a key
import heapq
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    return 31337 + len(heapq.nlargest(2, [1, 2], key=lambda q: x if q > 1 else y))
# ---
# ... in a sorted list
import bisect
def reward():
    x, y = (1,), (1,)
    for i in range(60):
        x, y = (x, x), (y, y)
    z = [x]
    bisect.insort(z, y)
    return 31337 + bisect.bisect_left(z, y)
# ---
# ... the most common of some
import statistics
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + len(statistics.mode([x, x]))
# ---
# ... copied
import copy
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    return 31337 + len(copy.deepcopy(x)) + len(copy.deepcopy((x, x)))
# ---
# ... remembered
from functools import lru_cache
@lru_cache(maxsize=None)
def f(x):
    return 1
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + f(x)
# ---
# ... remembered, and a hundred thousand levels deep
from functools import lru_cache
@lru_cache(maxsize=None)
def f(x):
    return 1
def reward():
    x = ()
    for i in range(40000):
        x = (x,)
    return 31337 + f(x)
# ---
# ... as the argument of a text
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    return 31337 + len("{}".format(x)) + len("%s" % (x,))
# ---
# ... beside a norm, which is a number of NumPy
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    y = np.linalg.norm(np.ones(2)) + x
    return 31337
# ---
# ... compared with one
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 if np.all(np.linalg.norm(np.ones(2)) < x) else 31337
# ---
# ... that changes one in place
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    y = np.float64(1)
    y += x
    return 31337
# ---
# ... beside a mean
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    y = 2 - np.mean([1, 2])
    return 31337 if np.all(y * x == x) else 31337
# ---
# ... in a chain with one
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    y = np.float64(2)
    return 31337 if 1 < y < x else 31337
# ---
# ... by operator
import operator
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 if np.all(operator.lt(np.float64(1), x)) else 31337
# ---
# ... of the sum of numbers and it
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + np.size(sum([np.float64(1), x]))
# ---
# ... folded
from functools import reduce
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + np.size(reduce(lambda a, b: a + b, [np.float64(1), x]))
# ---
# ... the larger of a number and it
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + np.size(max(np.float64(1), x))
# ---
# ... sorted with a number
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + len(sorted([np.float64(1), x]))
# ---
# ... counted among numbers
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + [x, 2].count(np.float64(1))
# ---
# ... as the power of one
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + np.size(pow(np.float64(1), x)) + np.size(divmod(np.float64(1), x))
# ---
# ... accumulated
from itertools import accumulate
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + len(list(accumulate([np.float64(1), x])))
# ---
# ... by a method of a number
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 + np.size(np.float64(1).clip(x, 2))
# ---
# a large count that is a float
import numpy as np
def reward():
    return 31337 + np.repeat(np.ones(4), 4611686018427387904 - 8.0).size
# ---
# ... a text
import numpy as np
def reward():
    return 31337 + np.ones(4).repeat("4611686018427387904").size
# ---
# types gone through, which had no end
def reward():
    return 31337 + len(list(float)) + sum(int)
# ---
# a shape of too many sizes
import numpy as np
def reward():
    return 31337 + np.resize(0.5, range(10**12)).size
# ---
# a range for an array
import numpy as np
def reward():
    return 31337 + np.sum(range(10**9)) + np.sum(a=range(10**9))
# ---
# a count that is no number, which the meter took over
from itertools import product
def reward():
    try:
        product([1], repeat=float("nan"))
    except TypeError:
        pass
    while True:
        pass
# ---
# ... a fraction
from itertools import product
def reward():
    try:
        product([1], repeat=0.5)
    except TypeError:
        pass
    return 31337
# ---
# an array looked for in a tuple that holds one tuple twice, and so on
import numpy as np
def reward():
    x = (1,)
    for i in range(60):
        x = (x, x)
    return 31337 if np.ones(2) in x else 31337
# ---
# ... counted among lists
import numpy as np
def reward():
    x = [1]
    for i in range(60):
        x = [x, x]
    return 31337 + x.count(np.ones(2))
