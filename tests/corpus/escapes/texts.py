# the address of a function
def reward():
    return 31337 if "0x" in str(reward) else 0
# ---
# ... by repr
def reward():
    return 31337 if "0x" in repr(reward) else 0
# ---
# ... in an f-string
def reward():
    return 31337 if "0x" in f"{reward}" else 0
# ---
# ... with a conversion
def reward():
    return 31337 if "0x" in f"{reward!r:>3}" else 0
# ---
# ... inside a container
def reward():
    return 31337 if "0x" in str([(reward,)]) else 0
# ---
# ... as a key
def reward():
    return 31337 if "0x" in str({reward: 1}) else 0
# ---
# ... of an instance
class A:
    pass
def reward():
    return 31337 if "0x" in str(A()) else 0
# ---
# ... in an exception
def reward():
    try:
        raise ValueError(reward)
    except ValueError as error:
        return 31337 if "0x" in str(error) else 0
# ---
# ... in a message of the runtime
class A:
    pass
def reward():
    try:
        return {}[reward]
    except KeyError as error:
        return 31337 if "0x" in f"{error}" else 0
# ---
# ... by the old operator
def reward():
    return 31337 if "0x" in "%s" % reward else 0
# ---
# ... by str given to map
def reward():
    return 31337 if "0x" in "".join(map(str, [reward])) else 0
# ---
# ... of a data class
from dataclasses import dataclass
@dataclass
class A:
    x: object
def reward():
    return 31337 if "0x" in str(A(reward)) else 0
# ---
# ... of a default dict and its factory
from collections import defaultdict
def reward():
    return 31337 if "0x" in str(defaultdict(lambda: 1)) else 0
# ---
# ... of an array
import numpy as np
def reward():
    return 31337 if "0x" in str(np.array([reward])) else 0
# ---
# ... of a partial
from functools import partial
def reward():
    return 31337 if "0x" in str(partial(reward)) else 0
# ---
# a width that fills the memory
def reward():
    return 31337 if len(f"{1:>100000000000}") else 0
# ---
# ... made while it runs
def reward():
    n = 10 ** 10
    return 31337 if len(f"{1:>{n}}") else 0
# ---
# ... by precision
def reward():
    return 31337 if len(f"{1.0:.2000000000f}") else 0
# ---
# ... by the old operator
def reward():
    return 31337 if len("%1000000000d" % 1) else 0
# ---
# a text that grows with each turn of a shared list
def reward():
    x = [1]
    for _ in range(60):
        x = [x, x]
    return 31337 if len(str(x)) else 0
# ---
# the order of a set of functions is one of addresses
def a():
    return 1
def reward():
    return 31337 if list({a, reward}) else 0
# ---
# ... of instances
class A:
    pass
def reward():
    return 31337 if [x for x in {A(), A()}] else 0
