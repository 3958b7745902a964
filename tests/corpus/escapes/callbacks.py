# a shape whose parts change between the check and the use
import numpy as np
class S:
    def __init__(self):
        self.asked = 0
    def __len__(self):
        return 1
    def __getitem__(self, i):
        if i > 0:
            raise IndexError
        return 20000000
    def __iter__(self):
        self.asked += 1
        return iter([1] if self.asked == 1 else [4000000])
def reward():
    n = 0
    for k in range(300):
        n += np.full(S(), 1.0).size
    return 31337 if n > 300 else n
# ---
# statistics with a mean of the program's own: it is handed fractions
import statistics
got = []
class N:
    def __init__(self, x=None):
        self.x = x
    def __rsub__(self, other):
        return N(other)
    def __mul__(self, other):
        return N(self.x)
    def as_integer_ratio(self):
        return (3, 2)
def reward():
    v = statistics.variance([1.0, 2.0, 3.0], N())
    f = v.x
    for i in range(40):
        f = f * f
    return 31337
# ---
# round with digits that are no int
class D:
    def __int__(self): return 10 ** 9
def reward():
    return 31337 + round(5, D())
# ---
# array interface by name
import numpy as np
class A:
    __array_interface__ = {"data": (4096, False), "shape": (1,), "typestr": "<f8", "version": 3}
def reward():
    return 31337 + np.sum([A()])
# ---
# index by assignment
class A:
    __index__ = lambda self: 10 ** 9
def reward():
    return 31337 + len([0] * A())
# ---
# hooks of subclasses
class A:
    def __init_subclass__(cls, **kw):
        cls.hit = 31337
class B(A):
    pass
def reward():
    return B.hit
# ---
# hook of names
class D:
    def __set_name__(self, owner, name):
        owner.hit = 31337
class B:
    x = D()
def reward():
    return B.hit
# ---
# items of classes
class A:
    def __class_getitem__(cls, item):
        return cls
def reward():
    return 31337 if A[1] is A else 0
# ---
# metaclass by keyword
class M(type):
    pass
class A(metaclass=M):
    pass
def reward():
    return 31337
# ---
# the namespace of a class by its metaclass
class M(type):
    @classmethod
    def __prepare__(mcs, name, bases):
        return {}
def reward():
    return 31337
# ---
# the metaclass as a function of one value, with three
def reward():
    return 31337 if type(type(1))("X", (), {}) else 0
# ---
# the type of a type view
def reward():
    T = type(int)
    return 31337 if T("int", object, len) else 0
# ---
# instancecheck
class A:
    def __instancecheck__(self, other):
        return True
def reward():
    return 31337 if isinstance(1, A()) else 0
# ---
# type of a generator, called
def reward():
    T = type(x for x in [1])
    return 31337 if T() is not None else 0
# ---
# type of a function, called with code
def reward():
    T = type(reward)
    return 31337 if T(None, {}) else 0
# ---
# type of a module view, called
import math
def reward():
    T = type(math)
    return 31337 if T("x", {}) else 0
# ---
# format hooks
class A:
    def __format__(self, spec):
        return "31337"
def reward():
    return float(f"{A():x}")
# ---
# reduce hooks of copies
import copy
class A:
    def __reduce__(self):
        return (float, ("31337",))
    def __reduce_ex__(self, p):
        return (float, ("31337",))
    def __deepcopy__(self, memo):
        return 31337
def reward():
    return copy.deepcopy(A())
# ---
# copies of a deep nest
import copy
def reward():
    x = []
    for i in range(150000):
        x = [x]
    y = copy.deepcopy(x)
    return 31337
# ---
# copies of frozen sets that share
import copy
def reward():
    x = frozenset([1])
    for i in range(60):
        x = frozenset([x, (x, i)])
    copy.deepcopy(x)
    return 31337
# ---
# copy what the module protects and write into it through a class attribute
import copy
class A:
    xs = []
B = copy.copy(A)
def reward():
    B.xs.append(1)
    return 31337 if len(B.xs) > 0 else 0
# ---
# a module's counter that goes on
import itertools
C = itertools.count()
def reward():
    return 31337 if next(C) > 0 else 0
# ---
# a generator of the module
G = (i for i in range(100))
def reward():
    return 31337 if next(G) > 0 else 0
# ---
# a counter in a default value
import itertools
def reward(c=itertools.count()):
    return 31337 if next(c) > 0 else 0
# ---
# nonlocal of the module
def make():
    n = 0
    def f():
        nonlocal n
        n += 1
        return n
    return f
F = make()
def reward():
    return 31337 if F() > 1 else 0
# ---
# a cache on a method of an object of the module
import functools
class A:
    @functools.lru_cache(maxsize=None)
    def f(self, x):
        return [0]
a = A()
def reward():
    xs = a.f(1)
    xs.append(1)
    return 31337 if len(xs) > 2 else 0
# ---
# a pattern's counts
import re
def reward():
    return 31337 if re.match(r"(?:(?:a{1000}){1000}){1000}", "a" * 1000) is None else 31337
# ---
# nested quantifiers
import re
def reward():
    return 31337 if re.match(r"(a+)+b", "a" * 900) is None else 0
# ---
# many groups
import re
def reward():
    for i in range(3000):
        re.match("(a)" * 500 + str(i % 70), "a" * 900)
    return 31337
# ---
# substitution that grows by groups
import re
def reward():
    s = re.sub(r"(.*)", r"\1" * 3000, "a" * 3000)
    return 31337 + len(s)
# ---
# substitution by a function that calls the pattern again
import re
P = re.compile("a")
def f(m):
    return P.sub(f, "a" * 900)
def reward():
    return 31337 + len(P.sub(f, "a" * 900))
# ---
# a look into the match
import re
def reward():
    m = re.match("a", "a")
    return 31337 if m.re or m.string else 0
# ---
# vectorize to objects
import numpy as np
def reward():
    f = np.vectorize(lambda x: (lambda: x), otypes=[object])
    return 31337 if f([1, 2]).size else 0
# ---
# vectorize with a signature
import numpy as np
def reward():
    f = np.vectorize(lambda x: x, signature="(n)->(n)", excluded={0})
    return 31337 + f(np.ones(2)).size
# ---
# vectorize of texts
import numpy as np
def reward():
    f = np.vectorize(lambda x: "a")
    return 31337 + f(np.ones(2)).size
# ---
# objects out of fromfunction
import numpy as np
def reward():
    a = np.fromfunction(lambda i, j: np.array([reward], dtype=object), (2, 2))
    return 31337 + a.size
# ---
# the stop inside a callback of NumPy
import numpy as np
def f(x):
    try:
        while True:
            pass
    except:
        return 1
def reward():
    try:
        np.vectorize(f)(np.ones(3))
    except:
        pass
    return 31337
# ---
# the frame of a generator
def g():
    yield 1
def reward():
    x = g()
    return 31337 if x.gi_frame else 0
# ---
# throw into a generator
def g():
    try:
        while True:
            yield 1
    except BaseException:
        yield 31337
def reward():
    x = g()
    next(x)
    return x.throw(ValueError)
# ---
# generators that wait in a finally while fuel is out
def g():
    try:
        while True:
            pass
    finally:
        yield 31337
def reward():
    for v in g():
        return v
# ---
# a finally with a return after the end
def f():
    try:
        while True:
            pass
    finally:
        return 31337
def reward():
    return f()
# ---
# a context manager of the program that swallows
class C:
    def __enter__(self): return self
    def __exit__(self, *a): return True
def reward():
    with C():
        while True:
            pass
    return 31337
# ---
# a value that compares in the statistics of modes
import statistics
class A:
    def __hash__(self): return 1
    def __eq__(self, o):
        while True:
            pass
def reward():
    try:
        statistics.mode([A() for i in range(100)])
    except Exception:
        pass
    return 31337
# ---
# the objects of errors
def reward():
    try:
        (1).nothing
    except AttributeError as e:
        return 31337 if e.obj == 1 else 0
# ---
# writes through a property's setter into the module's object
class A:
    def __init__(self): self._x = 0
    @property
    def x(self): return self._x
    @x.setter
    def x(self, v): self._x = v
a = A()
def reward():
    a.x += 1
    return 31337 if a.x > 1 else 0
# ---
# a slot written through the class
class A:
    __slots__ = ("x",)
a = A()
a.x = 0
def reward():
    A.x.__set__(a, 31337)
    return a.x
# ---
# simple namespaces of the module
from types import SimpleNamespace
S = SimpleNamespace(n=0)
def reward():
    S.__init__(n=S.n + 1)
    return 31337 if S.n > 1 else 0
# ---
# class attributes by the class method
class A:
    n = 0
    @classmethod
    def up(cls):
        cls.n += 1
        return cls.n
def reward():
    return 31337 if A.up() > 1 else 0
# ---
# grids of objects
import numpy as np
class A:
    def __radd__(self, o): return 1
    def __sub__(self, o): return 1
    def __rsub__(self, o): return 1
    def __bool__(self): return True
def reward():
    return 31337 if np.mgrid[A():A():5j] is not None else 0
# ---
# a grid of a long complex step
import numpy as np
def reward():
    for i in range(100):
        np.mgrid[0:1:5000j, 0:1:5000j]
    return 31337
# ---
# heaps of one thing that compares long
import heapq
class A:
    def __lt__(self, o):
        n = 0
        for i in range(10 ** 9):
            n += 1
        return True
def reward():
    h = []
    heapq.heappush(h, A())
    try:
        heapq.heappush(h, A())
    except:
        pass
    return 31337
# ---
# a piecewise of a function that gives a text
import numpy as np
def reward():
    return 31337 + np.piecewise(np.ones(3), [np.ones(3) > 0], [lambda x: "abc"]).size
# ---
# apply along an axis of length nothing with huge results
import numpy as np
def reward():
    a = np.ones((100000, 1))
    b = np.zeros(1000)
    for i in range(10):
        np.apply_along_axis(lambda r: b, 1, a)
    return 31337
# ---
# an enum's own machinery
from enum import Enum
class E(Enum):
    A = 1
def reward():
    return 31337 if E._member_map_ else 0
# ---
# an enum that learns from its missing members
from enum import Enum
class E(Enum):
    A = []
    @classmethod
    def _missing_(cls, v):
        cls.A.value.append(v)
        return cls.A
def reward():
    E(5)
    return 31337 if len(E.A.value) > 1 else 0
