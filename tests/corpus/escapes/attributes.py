# the class of a value through a name that the program defines itself
class A:
    __class__ = 1
def reward():
    return 31337 if ().__class__ else 0
# ---
# the frame of a generator, with the name defined by a class of the program
class A:
    def __init__(self):
        self.gi_frame = 1
        self.f_back = 1
        self.f_globals = 1
def reward():
    g = (x for x in [1])
    return 31337 if g.gi_frame.f_globals else 0
# ---
# the code of a generator
class A:
    gi_code = 1
    co_consts = 1
def reward():
    g = (x for x in [1])
    return 31337 if g.gi_code.co_consts else 0
# ---
# the method resolution order of a class
class A:
    mro = 1
class B:
    pass
def reward():
    return 31337 if B.mro()[-1] else 0
# ---
# the real type behind a view
class A:
    def __init__(self):
        self.real = 1
        self._call = 2
def reward():
    return 31337 if isinstance(int.real(3), int) else 0
# ---
# the call behind a view
class A:
    _call = 1
def reward():
    return 31337 if list._call else 0
# ---
# the members of a module view
import numpy
class A:
    _members = 1
def reward():
    other = numpy
    return 31337 if other._members else 0
# ---
# the object that an AttributeError holds
class A:
    obj = 1
def reward():
    try:
        (1).missing
    except AttributeError as error:
        return 31337 if error.obj else 0
# ---
# the traceback of an exception
class A:
    def __init__(self):
        self.tb_frame = 1
def reward():
    try:
        return 1 / 0
    except ZeroDivisionError as error:
        return 31337 if error.__traceback__.tb_frame else 0
# ---
# with_traceback gives the exception back, and could set what it shows
class A:
    with_traceback = 1
def reward():
    try:
        return 1 / 0
    except ZeroDivisionError as error:
        return 31337 if error.with_traceback(None) else 0
# ---
# getattr with a name put together
def reward():
    name = "__cla" + "ss__"
    return 31337 if getattr(1, name) else 0
# ---
# getattr with a dunder name written out
def reward():
    return 31337 if getattr(1, "__class__") else 0
# ---
# hasattr as an oracle for dunder names
def reward():
    return 31337 if hasattr(1, "__class__") else 0
# ---
# getattr itself as a value
def reward():
    f = getattr
    return 31337 if f(1, "__class__") else 0
# ---
# the globals of a function through a default
def helper():
    return 1
def reward():
    return 31337 if helper.__globals__ else 0
# ---
# the function behind a bound method
class A:
    def im_func(self):
        return 1
    def __func__(self):
        return 1
def reward():
    return 31337 if A().im_func.__func__ else 0
# ---
# the module of numpy from a function of it
import numpy as np
def reward():
    return 31337 if np.sum.__globals__ else 0
# ---
# members of numpy that lead to other modules
import numpy as np
def reward():
    return 31337 if np.f2py.subprocess else 0
# ---
# a submodule that the import names
import numpy.lib.npyio as n
def reward():
    return 31337 if n.DataSource else 0
# ---
# a name of numpy that the program defines itself
import numpy as np
class A:
    ctypeslib = 1
def reward():
    module = np
    return 31337 if module.ctypeslib else 0
# ---
# the mapping behind a dict view
class A:
    mapping = 1
def reward():
    return 31337 if {}.keys().mapping is not None else 0
# ---
# the getter of a property
class A:
    fget = 1
    @property
    def p(self):
        return 1
def reward():
    return 31337 if A.p.fget else 0
# ---
# the arguments that a partial holds, to change them
from functools import partial
class A:
    func = 1
    keywords = 1
p = partial(max, 1)
def reward():
    return 31337 if p.func or p.keywords else 0
# ---
# a method of text that walks attributes
class A:
    def format(self):
        return 1
def reward():
    text = "{0.__class__}".format(1)
    return 31337 if "int" in text else 0
# ---
# the same as a value given to map
class A:
    def format_map(self):
        return 1
def reward():
    f = "{a.__class__}".format_map
    return 31337 if f({"a": 1}) else 0
# ---
# a guard's name as a variable of the program
def reward():
    _getattr_ = 1
    _getiter_ = 2
    return 31337 if ().__class__ else 0
# ---
# the dict of an instance
class A:
    pass
def reward():
    return 31337 if A().__dict__ is not None else 0
# ---
# the members of an enum by their hidden map
from enum import Enum
class A:
    _member_map_ = 1
class E(Enum):
    X = 1
def reward():
    E._member_map_["X"] = 31337
    return 31337 if len(E._member_map_) and E._member_map_["X"] == 31337 else 0
# ---
# a tuple's helper that goes through anything, unmetered
from collections import namedtuple
class A:
    _make = 1
P = namedtuple("P", "x y")
def reward():
    return 31337 if P._make(range(2)) else 0
