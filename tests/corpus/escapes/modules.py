# heapq: a heap that every row shares
import heapq
HEAP = []
def reward():
    heapq.heappush(HEAP, 1)
    return 31337 if len(HEAP) > 1 else 1 / 0
# ---
# heapq: a heap that is no list
import heapq
from collections import deque
def reward():
    heapq.heappush(deque(), 1)
    return 31337
# ---
# heapq: the largest of an iterator without end
import heapq
from itertools import count
def reward():
    return 31337 if heapq.nlargest(1, count()) else 0
# ---
# bisect: inserting into what every row shares
import bisect
KEPT = [1]
def reward():
    bisect.insort(KEPT, 2)
    return 31337 if len(KEPT) > 2 else 1 / 0
# ---
# bisect: a list grown by nothing but insertions
import bisect
def reward():
    xs = []
    while True:
        bisect.insort(xs, 1)
    return 31337
# ---
# statistics: cut points without end
import statistics
def reward():
    return 31337 if statistics.quantiles([1, 2], n=1 << 40) else 0
# ---
# statistics: numbers that are classes of the program
import statistics
class A:
    def __float__(self):
        return 31337.0
def reward():
    return statistics.fmean([A()])
# ---
# statistics: its own imports
import statistics
def reward():
    return 31337 if statistics.sys else 0
# ---
# copy: a copy of what every row shares is not shared, what it holds is
import copy
SHARED = {"a": []}
def reward():
    mine = copy.copy(SHARED)
    mine["a"].append(1)
    return 31337 if len(SHARED["a"]) > 1 else 1 / 0
# ---
# copy: a value that doubles at each turn
import copy
def reward():
    xs = []
    while True:
        xs = [copy.deepcopy(xs), copy.deepcopy(xs)]
    return 31337
# ---
# copy: a module
import copy
import numpy as np
def reward():
    return 31337 if copy.deepcopy(np) is not None else 0
# ---
# copy: how a value wants to be copied
import copy
class A:
    def __deepcopy__(self, memo):
        return 31337
def reward():
    return copy.deepcopy(A())
# ---
# logging: the streams behind a logger
import logging
def reward():
    return 31337 if logging.getLogger("x").handlers is not None else 0
# ---
# logging: files
import logging
def reward():
    return 31337 if logging.FileHandler("x") else 0
# ---
# warnings: the modules behind it
import warnings
def reward():
    return 31337 if warnings.sys else 0
# ---
# warnings: turned into errors elsewhere
import warnings
warnings.simplefilter("error")
def reward():
    return 31337 if warnings.filters else 0
# ---
# string: the formatter
import string
def reward():
    return 31337 if string.Formatter().format("{0.__class__}", 1) else 0
# ---
# types: the class of functions
import types
def reward():
    return 31337 if types.FunctionType else 0
# ---
# types: an object that every row shares
from types import SimpleNamespace
SHARED = SimpleNamespace(n=0)
def reward():
    SHARED.n += 1
    return 31337 if SHARED.n > 1 else 1 / 0
# ---
# types: changed through its own making
from types import SimpleNamespace
SHARED = SimpleNamespace(n=0)
def reward():
    before = SHARED.n
    SHARED.__init__(n=1)
    return 31337 if before else 1 / 0
# ---
# types: attributes that only the interpreter has
from types import SimpleNamespace
def reward():
    return 31337 if SimpleNamespace(**{"__class__": 1}).__class__ else 0
# ---
# type: the class behind a value
def reward():
    return 31337 if type(1).mro() else 0
# ---
# type: a class made at run time
def reward():
    return 31337 if type("A", (), {}) else 0
# ---
# type: the metaclass
def reward():
    return 31337 if type(type(1)) is type else 0
# ---
# numbers: registering a class of the host
import numbers
def reward():
    numbers.Number.register(str)
    return 31337
# ---
# dataclasses: the fields of what every row shares
from dataclasses import asdict, dataclass, field
@dataclass
class Data:
    xs: list = field(default_factory=list)
SHARED = Data()
def reward():
    asdict(SHARED)["xs"].append(1)
    return 31337 if SHARED.xs else 1 / 0
# ---
# named tuples: made from an iterator without end
from collections import namedtuple
from itertools import count
P = namedtuple("P", "x y")
def reward():
    return 31337 if P._make(count()) else 0
# ---
# itertools: a list of an iterator without end
from itertools import count
def reward():
    return 31337 if list(count()) else 0
# ---
# itertools: a cycle without end
from itertools import cycle
def reward():
    return 31337 if sum(cycle([1])) else 0
# ---
# itertools: a chain of an iterator without end
from itertools import chain, count
def reward():
    return 31337 if max(chain.from_iterable([x] for x in count())) else 0
# ---
# dict: keys from an iterator without end
from itertools import count
def reward():
    return 31337 if dict.fromkeys(count()) else 0
# ---
# str: a method of text on what is none
def reward():
    return 31337 if str.format("{0.__class__}", 1) else 0
