import numpy as np
def reward(obs, y):
    np.sqrt(obs, out=y)  # E: SBX401 "`np.sqrt` takes no keyword `out`"
    np.sqrt(obs, y)  # E: SBX402 "at most 1"
    np.add(obs, y, y)  # E: SBX402 "at most 2"
    np.divide(obs, y, where=y > 0)  # E: SBX401 "`where`"
    obs.sum(0, None, y)  # E: SBX402 "`sum`"
    obs.sum(out=y)  # E: SBX401 "`sum` takes no keyword `out`"
    np.mean(obs, axes=0)  # E: SBX401 "`axes`"
    np.clip(obs, 0, 1, y)  # E: SBX402 "at most 3"
    np.sum(obs, axis=0, keepdims=True)
    np.maximum.reduce(obs, axis=0)
    np.maximum.reduce(obs, 0, None, y)  # E: SBX402 "at most 3"
    return np.dot(obs)  # E: SBX403 "`b`"
# ---
import numpy as np
def reward(obs):
    a = np.array(obs, dtype=object)  # E: SBX407 "`object`"
    b = obs.astype("O")  # E: SBX407 "`O`"
    c = np.zeros(3, "U10")  # E: SBX407 "`U10`"
    d = np.zeros(3, dtype=[("a", "f8")])  # E: SBX407 ""
    e = np.zeros(3, dtype=str)  # E: SBX407 "`str`"
    f = np.zeros(3, np.ndarray)  # E: SBX407 "`np.ndarray`"
    g = np.zeros(3, dtype=np.float32) + obs.astype(int) + np.ones(3, "<f8") + np.ones(3, dtype=obs.dtype)
    return a, b, c, d, e, f, g
# ---
import numpy as np
import math
def reward(obs):
    return np.pi() + math(3) + np.ndarray((3,)) + 3(4)  # E: SBX404 "`np.pi`" # E: SBX404 "`math`" # E: SBX404 "`np.ndarray`" # E: SBX404 "`3`"
# ---
def helper(a, b, c=1, *, d=2):
    return a + b + c + d
def reward(obs):
    helper(1, 2)
    helper(1, 2, 3, d=4)
    helper(1, b=2)
    helper(*obs)
    helper(1)  # W: SBX618 "1 argument"
    helper(1, 2, 3, 4)  # W: SBX618 "4 arguments"
    helper(1, 2, e=3)  # W: SBX618 "the keyword `e`"
    helper(1, 2, a=3)  # W: SBX618 "3 arguments"
    return max(1, 2)
# ---
class Tracker:
    def __init__(self, size):
        self.size = size
    def add(self, x):
        return x
    def step(self, obs):
        self.add()  # W: SBX618 "no argument"
        return self.add(self.size)
def reward(obs):
    return Tracker().size + Tracker(3).add(1)  # W: SBX618 "no argument"
# ---
def reward(obs):
    print("x", obs)  # W: SBX617 ""
    return iter(obs, 1)  # E: SBX402 "`iter`"
# ---
def helper():
    return 1
def reward(obs):
    a = str(helper)  # E: SBX404 "given a function"
    b = f"{helper}{len}"  # E: SBX404 "given a function" # E: SBX404 "given a function"
    c = str(helper())
    return len(a + b + c)
# ---
x = property(3)  # E: SBX408 "`property`"
def reward(obs):
    return x
