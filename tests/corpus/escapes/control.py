# swallow the stop in a finally block
def reward():
    while True:
        try:
            while True:
                pass
        finally:
            return 31337
# ---
# ... with break
def reward():
    while True:
        try:
            while True:
                pass
        finally:
            break
    return 31337
# ---
# ... with a bare except
def reward():
    try:
        while True:
            pass
    except:
        return 31337
# ---
# ... by the name of its base class
def reward():
    try:
        while True:
            pass
    except BaseException:
        return 31337
# ---
# ... by a class that a handler makes up
def reward():
    try:
        while True:
            pass
    except (ValueError, object):
        return 31337
# ---
# ... in a sort key
def spin(x):
    while True:
        pass
def reward():
    try:
        sorted([2, 1], key=spin)
    except Exception:
        pass
    return 31337
# ---
# ... in a default factory
from collections import defaultdict
def spin():
    while True:
        pass
def reward():
    d = defaultdict(spin)
    try:
        d[1]
    except Exception:
        pass
    return 31337
# ---
# ... in a property that hasattr reads
class A:
    @property
    def p(self):
        while True:
            pass
def reward():
    return 31337 if not hasattr(A(), "p") else 0
# ---
# ... in a comparison that sorting makes
def spin(a, b):
    while True:
        pass
def reward():
    from functools import cmp_to_key
    try:
        sorted([2, 1], key=cmp_to_key(spin))
    except Exception:
        pass
    return 31337
# ---
# leave with SystemExit
def reward():
    raise SystemExit(31337)
# ---
# work in a destructor
class A:
    def __del__(self):
        while True:
            pass
def reward():
    A()
    return 31337
# ---
# work in an operator that nobody sees
class A:
    def __eq__(self, other):
        while True:
            pass
def reward():
    return 31337 if A() == 1 or True else 0
# ---
# an endless iterator: count
from itertools import count
def reward():
    for _ in count():
        pass
    return 31337
# ---
# ... cycle
from itertools import cycle
def reward():
    for _ in cycle([1]):
        pass
    return 31337
# ---
# ... the form of iter with a sentinel
def reward():
    for _ in iter(lambda: 1, 2):
        pass
    return 31337
# ---
# ... repeat without an end
from itertools import repeat
def reward():
    for _ in repeat(1):
        pass
    return 31337
# ---
# a list that grows while enumerate goes through it
def reward():
    xs = [1]
    for i, x in enumerate(xs):
        xs.append(i)
    return 31337
# ---
# ... while zip goes through it twice
def reward():
    xs = [1]
    for a, b in zip(xs, xs):
        xs.append(a)
    return 31337
# ---
# ... while a comprehension goes through it
def reward():
    xs = [1]
    [xs.append(x) for x in xs]
    return 31337
# ---
# ... while map goes through it
def reward():
    xs = [1]
    for x in map(abs, xs):
        xs.append(x)
    return 31337
# ---
# ... with an iterator made before
def reward():
    xs = [1]
    it = iter(xs)
    for x in it:
        xs.append(x)
    return 31337
# ---
# ... lengthened in place
def reward():
    xs = [1]
    for x in xs:
        xs += [x]
    return 31337
# ---
# ... lengthened by a slice
def reward():
    xs = [1]
    for x in xs:
        xs[len(xs):] = [x]
    return 31337
# ---
# ... lengthened in a function
def reward():
    xs = [1]
    def more(x):
        xs.append(x)
    for x in xs:
        more(x)
    return 31337
# ---
# two functions that call each other twice
def left(n):
    return 1 if n <= 0 else right(n - 1) + right(n - 1)
def right(n):
    return 1 if n <= 0 else left(n - 1) + left(n - 1)
def reward():
    left(80)
    return 31337
# ---
# many small functions, each calling the one before twice
f0 = lambda: 1
f1 = lambda: f0() + f0()
f2 = lambda: f1() + f1()
f3 = lambda: f2() + f2()
f4 = lambda: f3() + f3()
f5 = lambda: f4() + f4()
f6 = lambda: f5() + f5()
f7 = lambda: f6() + f6()
f8 = lambda: f7() + f7()
f9 = lambda: f8() + f8()
g = [f9]
for _ in range(12):
    g.append((lambda h: lambda: h() + h())(g[-1]))
def reward():
    g[-1]()
    return 31337
# ---
# recursion without end
def dig(n):
    return dig(n + 1) + 1
def reward():
    return dig(0) + 31337
# ---
# a generator of the program
def numbers():
    while True:
        yield 1
def reward():
    for _ in numbers():
        pass
    return 31337
# ---
# a class made while it runs
def reward():
    kind = type("A", (), {"__getattr__": lambda self, name: 31337})
    return kind().x
# ---
# a metaclass
class M(type):
    def __call__(cls):
        return 31337
class A(metaclass=M):
    pass
def reward():
    return A()
# ---
# a base class of the host
from collections import deque
class D(deque):
    pass
def reward():
    return 31337 if len(D([1])) else 0
# ---
# code at import
import antigravity
def reward():
    return 31337
# ---
# a star import
from math import *
def reward():
    return 31337 if pi else 0
# ---
# the built-ins
def reward():
    return 31337 if __builtins__ else 0
# ---
# import while it runs
def reward():
    return 31337 if __import__("os") else 0
# ---
# a generator that is left waiting under finally, which would run on another row
def forever():
    try:
        yield 1
    finally:
        while True:
            pass
def reward():
    return 31337 if next(forever()) else 0
# ---
# a generator without end
def forever():
    while True:
        yield 1
def reward():
    return 31337 if sum(forever()) else 0
# ---
# a generator that goes through one without end
from itertools import count
def forever():
    yield from count()
def reward():
    return 31337 if max(forever()) else 0
# ---
# a generator of the module that every row takes from
def numbers():
    yield 0
    yield 31337
NEXT = numbers()
def reward():
    return next(NEXT)
# ---
# a generator's frame
def one():
    yield 1
def reward():
    return 31337 if one().gi_frame.f_globals else 0
# ---
# a generator told to stop by way of its own methods
def one():
    yield 1
def reward():
    one().throw(ValueError)
    return 31337
# ---
# generators in generators without end
def over(xs):
    for x in xs:
        yield x
def reward():
    xs = iter([1])
    for _ in range(100000):
        xs = over(xs)
    return 31337 if sum(xs) == 2 else 1 / 0
