def reward(obs):
    return obs.__class__  # E: SBX301 "`__class__` is not readable"
# ---
def reward(obs):
    return obs._hidden  # E: SBX301 "`_hidden`"
# ---
class Reward:
    def reset(self, obs):
        self._prev = 0.0
        self.__steps = 0

    def step(self, obs):
        self.__steps += 1
        return self._prev + self.__steps
# ---
def reward(obs):
    return (lambda: 0).f_globals  # E: SBX301 "`f_globals`"
# ---
class Reward:
    def step(self, obs):
        self.gi_frame = 1  # E: SBX301 "`gi_frame`"
        return 0.0
# ---
def reward(obs):
    obs.tofile("x")  # E: SBX302 "`tofile`"
    return obs.sume()  # E: SBX302 "`sume`"
# ---
import numpy as np
def reward(obs):
    a = np.load("x")  # E: SBX303 "`np.load`"
    b = np.random.rand(3)  # E: SBX303 "`np.random`"
    c = np.lib.stride_tricks.as_strided(obs)  # E: SBX303 "`np.lib`"
    return a + b + c + np.linalg.nrom(obs)  # E: SBX303 "`np.linalg.nrom`"
# ---
import numpy as np
def reward(obs):
    return np.sum.reduce(obs) + np.maximum.reduce(obs) + np.add.at(obs)  # E: SBX303 "`np.sum.reduce`" # E: SBX303 "`np.add.at`"
# ---
def reward(obs):
    return nme + obs[0]  # W: SBX304 "`nme`"
# ---
def reward(obs):
    return np.sum(obs)  # W: SBX304 "`np` is not defined"
# ---
def reward(obs):
    return [i for i in range(3)][0] + i  # W: SBX304 "`i` is not defined"
# ---
class Reward:
    WEIGHT = 2.0
    def step(self, obs):
        return WEIGHT  # W: SBX304 "`WEIGHT`"
# ---
x = open("y")  # E: SBX305 "`open`"
def reward(obs):
    return eval("1") + id(obs) + type(obs)(1)  # E: SBX305 "`eval`" # E: SBX305 "`id`"
# ---
import os  # E: SBX306 "`import os`"
import pandas  # E: SBX306 "`import pandas`"
from os.path import join  # E: SBX306 "`import os.path`"
import numpy.random  # E: SBX306 "`import numpy.random`"
def reward(obs):
    return os.getpid() + pandas.load("x") + join("a", "b")
# ---
import nunpy as np  # E: SBX307 "`nunpy`"
def reward(obs):
    return np.sum(obs)
# ---
__builtins__ = 1  # E: SBX308 "`__builtins__`"
_getattr_ = 2  # E: SBX308 "`_getattr_`"
_ = 3
_norm = 4
def _helper(_x):
    return _x
def reward(obs):
    return _helper(_norm)
# ---
def reward(_inplacevar_):  # E: SBX308 "`_inplacevar_`"
    return 1.0
# ---
from numpy import load  # E: SBX303 "`np.load`"
from math import sqroot  # E: SBX303 "`math.sqroot`"
def reward(obs):
    return load("x") + sqroot(2)
# ---
from math import *  # E: SBX213 "from math"
def reward(obs):
    return 1.0
# ---
from . import secrets  # E: SBX214 ""
def reward(obs):
    return 1.0
# ---
def reward(obs):
    return getattr(obs, "__class__")  # E: SBX301 "`__class__`"
# ---
def reward(obs):
    name = "shape"
    return getattr(obs, name)  # E: SBX405 "`getattr`"
# ---
from typing import Dict, List  # W: SBX602 "`List`"
def reward(obs: Dict[str, float], other: Tuple) -> flaot:  # W: SBX628 "`Tuple`" # W: SBX628 "`flaot`"
    return 1.0
# ---
def reward(obs: print("x")):  # E: SBX219 ""
    return 1.0
# ---
def reward(obs: (lambda: 0)) -> [x for x in "abc"]:  # E: SBX219 "" # E: SBX219 ""
    return 1.0
# ---
def reward(obs):
    value: obs.__class__ = 1.0  # E: SBX301 "`__class__`"
    return value
# ---
import numpy as np
import collections.abc
from numpy.typing import NDArray
def reward(obs: NDArray[np.float64], f: "collections.abc.Callable[[int], float] | None" = None) -> tuple[float, dict[str, float]]:
    return 1.0, {"a": 1.0}
# ---
import numpy as np  # W: SBX602 "`np`"
class Reward:
    def step(self, obs):
        def np(x):
            return x
        return np(obs)
