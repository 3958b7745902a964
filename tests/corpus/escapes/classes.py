# super: a name of the host's classes
class A:
    def __init__(self):
        self.found = super().__getattribute__
def reward():
    return 31337 if A().found else 0
# ---
# super: the type behind it
class A:
    def __init__(self):
        super().__class__
def reward():
    A()
    return 31337
# ---
# super: kept as a value
class A:
    def __init__(self):
        self.up = super()
def reward():
    return 31337 if A().up else 0
# ---
# super: of a class that is not the program's own
def reward():
    class A:
        def get(self):
            return super(int, self).bit_length
    return 31337 if A().get() else 0
# ---
# super: subclasses through a class method
class A:
    @classmethod
    def every(cls):
        return super().__subclasses__()
def reward():
    return 31337 if A.every() is not None else 0
# ---
# __init__: kept, and its globals read
class A:
    def __init__(self):
        self.x = 1
def reward():
    made = A.__init__
    return 31337 if made.__globals__ else 0
# ---
# __init__: of a value that every row shares
from dataclasses import dataclass
@dataclass
class Config:
    n: int = 0
CONFIG = Config()
def reward():
    before = CONFIG.n
    CONFIG.__init__(n=1)
    return 31337 if before else 0.5
# ---
# __init__: of a class, on a value that every row shares
from dataclasses import dataclass
@dataclass(frozen=True)
class Config:
    n: int = 0
CONFIG = Config()
def reward():
    before = CONFIG.n
    Config.__init__(CONFIG, 1)
    return 31337 if before else 0.5
# ---
# __init__: of a host's object
def reward():
    [].__init__([1])
    return 31337
# ---
# a cache: a list that outlives the row in the default of what it remembers
from functools import lru_cache
@lru_cache(maxsize=None)
def count(x, seen=[]):
    seen.append(x)
    return len(seen)
def reward():
    return 31337 if count(1) > 1 else 1 / 0
# ---
# a cache: a value that outlives the row
from functools import cache
@cache
def bag():
    return []
def reward():
    bag().append(1)
    return 31337 if len(bag()) > 1 else 1 / 0
# ---
# special methods: a length without end
class A:
    def __len__(self):
        return 1 << 40
    def __iter__(self):
        return iter([1])
def reward():
    return 31337 if len(list(A())) > 1 else 1 / 0
# ---
# special methods: an array from what only says how long it is
import numpy as np
class A:
    def __len__(self):
        return 1 << 40
    def __getitem__(self, i):
        return 31337.0
def reward():
    return np.array(A())[0]
# ---
# special methods: an array from a list of such
import numpy as np
class A:
    def __len__(self):
        return 1 << 40
    def __getitem__(self, i):
        return 31337.0
class B(A):
    pass
def reward():
    return np.asarray([B(), B()])[0][0]
# ---
# special methods: a sequence repeated by an index
class A:
    def __index__(self):
        return 1 << 40
def reward():
    return 31337 if [0] * A() else 0
# ---
# special methods: an iterator without end
class A:
    def __iter__(self):
        return self
    def __next__(self):
        return 1
def reward():
    return 31337 if sum(A()) or True else 0
# ---
# special methods: items without end
class A:
    def __getitem__(self, i):
        return i
def reward():
    return 31337 if -1 in A() or True else 0
# ---
# special methods: the text of an exception without end
class Bad(ValueError):
    def __str__(self):
        while True:
            pass
def reward():
    raise Bad("x")
# ---
# special methods: the text of an exception that is no text
class Bad(ValueError):
    def __str__(self):
        return 31337
def reward():
    raise Bad("x")
# ---
# special methods: run by the interpreter when a value goes
class A:
    def __del__(self):
        while True:
            pass
def reward():
    A()
    return 31337
# ---
# special methods: every attribute
class A:
    def __getattr__(self, name):
        return 31337
def reward():
    return A().anything
# ---
# special methods: the length of a named tuple
from typing import NamedTuple
import numpy as np
class P(NamedTuple):
    x: float = 1.0
    def __len__(self):
        return 0
def reward():
    return 31337 if np.array(P()).size >= 0 else 0
# ---
# special methods: a class with a hook of its own for arrays
import numpy as np
class A:
    def __array__(self):
        return 31337
def reward():
    return np.asarray(A())
# ---
# special methods: writing into what every row shares
class Table:
    def __init__(self):
        self.d = {}
    def __setitem__(self, k, v):
        self.d[k] = v
TABLE = Table()
def reward():
    before = len(TABLE.d)
    TABLE[before] = 1
    return 31337 if before else 1 / 0
# ---
# special methods: changing in place what every row shares
class Total:
    def __init__(self):
        self.n = 0
    def __iadd__(self, other):
        self.n += other
        return self
TOTAL = Total()
def reward():
    total = TOTAL
    total += 1
    return 31337 if TOTAL.n > 1 else 1 / 0
# ---
# slots: the dictionary of the instance
class A:
    __slots__ = ("__dict__",)
def reward():
    return 31337 if A().__dict__ is not None else 0
# ---
# slots: what a slot holds counts as what every row shares
class A:
    __slots__ = ("seen",)
    def __init__(self):
        self.seen = []
class B(A):
    __slots__ = ()
SHARED = B()
def reward():
    SHARED.seen.append(1)
    return 31337 if len(SHARED.seen) > 1 else 1 / 0
# ---
# setters: of what is no property
import numpy as np
class A:
    @np.setter
    def x(self, value):
        pass
def reward():
    return 31337
# ---
# abstract classes: the machinery behind them
from abc import ABC
class A(ABC):
    pass
def reward():
    return 31337 if A._abc_impl.__class__ else 0
# ---
# abstract classes: registering a class of the host
from abc import ABC
class A(ABC):
    pass
def reward():
    A.register(int)
    return 31337 if isinstance(1, A) else 0
# ---
# decorators: a class of the host as one
from functools import total_ordering
@total_ordering
def reward():
    return 31337
# ---
# typed dicts: a base that is not one
from typing import TypedDict
class A(TypedDict):
    x: int
class B(A):
    pass
def reward():
    return 31337
# ---
# a slot read of its class: the class behind it
class A:
    __slots__ = ("x", "__objclass__")
def reward():
    return 31337 if A.x.__objclass__ else 0
# ---
# a slot of one class as an attribute of another, set through an instance
class A:
    __slots__ = ("x",)
    def __init__(self):
        self.x = 1
class B:
    y = A.x
def reward():
    b = B()
    b.y = 2
    return 31337 if b.y else 0
# ---
# the field of a named tuple, on a tuple that is too short for it
from collections import namedtuple
A = namedtuple("A", "a b c d e f g h")
class B(namedtuple("C", "a")):
    y = A.h
def reward():
    return 31337 if B(1).y is not None else 0
# ---
# the getter of a property
class A:
    fget = 1
    __globals__ = 1
    @property
    def x(self):
        return 1
def reward():
    return 31337 if A.x.fget.__globals__ else 0
