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
# ---
# percent: a width without end
def reward():
    return 31337 if "%1000000000d" % 3 else 0
# ---
# percent: a width from the values
def reward():
    return 31337 if "%*d" % (1000000000, 3) else 0
# ---
# percent: many wide conversions
def reward():
    template = "%999d" * 100000
    return 31337 if template % tuple([1] * 100000) else 0
# ---
# percent: the text of a function shows where it lies
def reward():
    return 31337 if "%s" % reward else 0
# ---
# percent: a key that is looked up in what is no dict
class A:
    def __getitem__(self, key):
        return 31337
def reward():
    return 31337 if "%(x)d" % A() else 0
# ---
# format: attributes of a value
def reward():
    return 31337 if "{0.__class__}".format(1) else 0
# ---
# format: items of a value, by way of a nested width
def reward():
    return 31337 if "{:{1[0]}}".format(1, [5]) else 0
# ---
# format: a field without end
def reward():
    return 31337 if "{:{}}".format(1, 1000000000) else 0
# ---
# format: many fields
def reward():
    return 31337 if ("{0:999}" * 10000).format(1) else 0
# ---
# format: as a function of its own, on any value
def reward():
    return 31337 if format([1], "5") else 0
# ---
# format: a spec in a spec in a spec
def reward():
    return 31337 if "{:{:{}}}".format(1, 2, 3) else 0
# ---
# hash: of a text, which CPython salts in each process
def reward():
    return 31337 if hash("a") == hash(reward) else 0
# ---
# hash: of an object, which is an address
class A:
    pass
def reward():
    return 31337 if hash(A()) else 0
# ---
# patterns: nested repeats
import re
def reward():
    return 31337 if re.search("(a+)+" + "$", "a" * 40 + "!") is None else 0
# ---
# patterns: many repeats that share what they take
import re
def reward():
    return 31337 if re.search(".*" * 20 + "x", "a" * 400) is None else 0
# ---
# patterns: repeats that count
import re
def reward():
    return 31337 if re.search("(a{1,9}){1,9}" * 5 + "b", "a" * 60) is None else 0
# ---
# patterns: a look ahead, in which repeats are not seen
import re
def reward():
    return 31337 if re.search("(?=(a+)+" + "$)b", "a" * 40) is None else 0
# ---
# patterns: a replacement that grows
import re
def reward():
    return 31337 if re.sub("", "x" * 100000, "a" * 4000) else 0
# ---
# patterns: a replacement that names its group often
import re
def reward():
    return 31337 if re.sub("(.+)", r"\1" * 100000, "a" * 4000) else 0
# ---
# patterns: a function that gives long texts
import re
def reward():
    return 31337 if re.sub(".", lambda m: "x" * 1000000, "a" * 4000) else 0
# ---
# patterns: a text without end
import re
def reward():
    return 31337 if re.findall("a", "a" * 1000000) else 0
# ---
# patterns: what the engine keeps
import re
def reward():
    return 31337 if re.compile("a").scanner else 0
# ---
# patterns: the modules behind it
import re
def reward():
    return 31337 if re.sys.modules or re.enum else 0
# ---
# patterns: a match without its guard
import re
def reward():
    return 31337 if re.search("a", "a").re.scanner("a") else 0
# ---
# patterns: debugging output
import re
def reward():
    return 31337 if re.compile("a", 128) else 0
# ---
# patterns: sets that fold case over all of Unicode
import re
def reward():
    return 31337 if re.compile("[\u0100-\U0010ffff]", re.I) else 0
# ---
# patterns: many of them, kept for ever
import re
def reward():
    n = 0
    while True:
        n += 1
        re.compile("a" * (n % 150) + str(n))
    return 31337
