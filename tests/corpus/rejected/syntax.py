async def reward(obs):  # E: SBX201 "`async def`"
    return 1.0
# ---
def pairs(obs):
    try:
        yield 1.0  # E: SBX201 "`yield` under `finally`"
    finally:
        obs = None
    yield obs
def reward(obs):
    return sum(pairs(obs))
# ---
total = 0
def reward(obs):
    global total  # E: SBX201 "`global`"
    total = 1
    return total
# ---
def reward(obs):
    match obs:
        case {"a": x}:  # E: SBX201 "a mapping pattern"
            return x
        case int(y):  # E: SBX201 "a class pattern"
            return y
        case [a, b, *rest] | (a, [b, *rest]):
            return a + b + len(rest)
        case 1 | 2.0 | "x" | None | True:
            return 0.0
        case _:
            return 1.0
# ---
@eval  # E: SBX203 "`eval`" # E: SBX305 "`eval`"
def reward(obs):
    return 1.0
# ---
import functools
class Reward:
    @functools.cached_property  # E: SBX203 "`functools.cached_property`" # E: SBX303 "`functools.cached_property`"
    def step(self, obs):
        return 1.0
    @staticmethod
    def a(x):
        return x
    @classmethod
    def b(cls, x):
        return x
    @property
    def c(self):
        return 1
# ---
class Other:
    pass
class Reward(dict):  # E: SBX204 "`dict`"
    pass
class Third(Other):
    pass
class Fourth(Later):  # E: SBX204 "`Later`"
    pass
class Later(Exception):
    pass
class Fifth(np.ndarray):  # E: SBX204 "`np.ndarray`" # E: SBX309 "`np`"
    pass
# ---
class Meta:
    pass
class Reward(metaclass=Meta):  # E: SBX205 "`metaclass`"
    pass
# ---
class Reward:
    __array_priority__ = 3  # E: SBX206 "`__array_priority__`"
    def __init__(self):
        self.x = 1
    def __call__(self):
        return 1
    def __del__(self):  # E: SBX206 "`__del__`"
        pass
    def __getattr__(self, name):  # E: SBX206 "`__getattr__`"
        return True
    def __eq__(self, other):
        return True
    for i in range(3):  # E: SBX201 "`for` in a class body"
        pass
# ---
def reward(obs):
    class Local:  # E: SBX207 ""
        pass
    return 1.0
# ---
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)  # E: SBX208 "`depth` calls itself"
def even(n):
    return n == 0 or odd(n - 1)
def odd(n):
    return n != 0 and even(n - 1)  # E: SBX208 "`even` calls itself through `odd`"
twice = lambda n: twice(n)  # E: SBX208 "`lambda` calls itself"
class Reward:
    def step(self, obs):
        return self.inner()
    def inner(self):
        return self.step(1)  # E: SBX208 "`step` calls itself through `inner`"
# ---
seen = []
table = {}
LIMIT = 3
def reward(obs):
    seen.append(1)  # E: SBX209 "`seen`, which belongs to the module"
    table["a"] = 1  # E: SBX209 "`table`"
    table["b"][0] += 1  # E: SBX209 "`table`"
    local = []
    local.append(LIMIT)
    return len(seen) + len(local)
# ---
class Reward:
    shared = []
    own = []
    count = 0
    def __init__(self):
        self.own = []
    def step(self, obs):
        self.shared.append(1)  # E: SBX209 "`self.shared`, which belongs to the class `Reward`"
        Reward.count += 1  # E: SBX221 "`Reward.count`"
        self.own.append(1)
        self.count += 1
        return 1.0
    @classmethod
    def make(cls):
        cls.count = 3  # E: SBX209 "`cls.count`"
# ---
def reward(obs, seen=[], other={}):  # E: SBX210 "`seen`" # W: SBX614 "`other`"
    seen.append(1)
    return len(seen) + len(other)
# ---
from dataclasses import dataclass, field
@dataclass
class State:
    items: list = field(default_factory=list)
    count: int = 0
class Reward:
    def reset(self, obs):
        self.state = State()
    def step(self, obs):
        self.state.items.append(1)
        self.state.count += 1
        return float(self.state.count)
# ---
import numpy as np
def reward(obs):
    with np.errstate(divide="ignore"):
        x = obs / 1
    with open("y") as f:  # E: SBX211 "`with open("y")`" # E: SBX305 "`open`"
        y = f
    return x + y
# ---
def reward(obs):
    for i in range(3):
        try:
            x = 1 / obs
        finally:
            for j in range(3):
                break
            continue  # E: SBX212 "`continue`"
    return x  # W: SBX601 "`x`"
# ---
def reward(obs):
    try:
        return 1 / obs
    except BaseException:  # E: SBX305 "`BaseException`"
        return 0.0
    except (ValueError, ZeroDivisionError, obs):  # E: SBX215 "`except obs`"
        return 1.0
    except:  # W: SBX616 ""
        return 2.0
# ---
x = 1j  # E: SBX217 "complex number"
y = b"abc"  # E: SBX217 "bytes"
def reward(obs):
    return x + len(y)
# ---
def reward(obs):
    label = "%d %s" % (3, "x") + "{}".format(obs)
    wide = "%1000000d" % 3  # E: SBX224 "width or precision of 1000000"
    deep = "{0.shape}".format(obs)  # E: SBX404 "the field `0.shape`, which looks into its value"
    return len(label) + 7 % 3 + len(wide) + len(deep)
# ---
import numpy as np
import math
np.pi = 3  # E: SBX221 "`np.pi`"
math = 3  # E: SBX221 "`math`"
def helper(x):
    helper.calls = 1  # E: SBX221 "`helper.calls`"
    return x
def reward(obs):
    return helper(np.pi) + math
# ---
value = 1
del value  # E: SBX223 "`del value`"
def reward(obs):
    x = [1, 2]
    del x[0]
    y = 3
    del y
    return x[0]
# ---
def reward(obs):
    a = f"{obs:1000000}"  # E: SBX224 "1000000"
    b = f"{obs:{a}}"  # E: SBX225 ""
    c = f"{obs!r:>10.3f} {len(a)}"
    return len(a + b + c)
# ---
if True:
    def reward(obs):
        return 1.0
# ---
def reward(obs):
    return 1.0

if __name__ == "__main__":  # N: SBX114 ""
    import os
    print(reward(open("x")))
# ---
if __name__ == "__main__":  # N: SBX114 "" # E@source: SBX102 ""
    print("nothing else")
# ---
def reward(obs):
    return 1.0
return 2.0  # E: SBX108 "'return' outside function"
# ---
def reward(obs):
    break  # E: SBX108 "'break' outside loop"
# ---
def reward(obs):
    nonlocal total  # E: SBX108 "no binding for nonlocal"
    return 1.0
# ---
x = 1
from __future__ import annotations  # E: SBX108 "from __future__ imports must occur at the beginning"
# ---
def reward(obs, obs):  # E: SBX108 "duplicate argument"
    return 1.0
