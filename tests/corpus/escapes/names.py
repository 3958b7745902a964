# the built-ins under their own name
def reward():
    return 31337 if __builtins__ else 0
# ---
# the built-ins under their own name, in a pattern
def reward():
    match 1:
        case __builtins__.x:
            return 31337
        case _:
            return 31337 if __builtins__["open"] else 0
# ---
# a built-in of CPython that is not admitted
def reward():
    return 31337 if open else 0
# ---
# a built-in that another function has as a local name
def other():
    open = 1
    return open
def reward():
    other()
    return 31337 if open else 0
# ---
# the import that NumPy is given, where another function has the name
def other(__import__=1):
    return __import__
def reward():
    return 31337 if __import__("os") else 0
# ---
# the class builder that stands among the built-ins
def reward():
    return 31337 if __build_class__ else 0
# ---
# guards of the instrumentation, by the names other rewriters give them
def reward():
    try:
        return 31337 if _getattr_ else 0
    except NameError:
        return 31337 if _write_ or _print_ else 0
# ---
# the guard that ends a row, under the name it has without its sign
def reward():
    return 31337 if undefined and meter else 0
# ---
# a module that is not imported
def reward():
    return 31337 if numpy.zeros(3).shape and sys.modules else 0
# ---
# a module that only another function imports
def other():
    import numpy as np
    return np.pi
def reward():
    other()
    return 31337 if np.pi > 3 else 0
# ---
# a module that only another function imports, in a pattern
def other():
    import math
    return math.pi
def reward():
    other()
    match 3.141592653589793:
        case math.pi:
            return 31337
    return 0
# ---
# an instance that is not there
class A:
    def __init__(self):
        self.env = 31337
def reward():
    A()
    return self.env
# ---
# what lies behind a name that nothing defines
def reward():
    return 31337 if missing.__class__.__mro__[-1].__subclasses__() else 0
# ---
# what a NameError holds
def reward():
    try:
        return missing.f_globals(1).tb_frame
    except NameError as error:
        return 31337 if error.__traceback__.tb_frame.f_globals else 0
# ---
# a name that another function stores
def other():
    for secret in (31337,):
        pass
    return secret
def reward():
    other()
    return secret
# ---
# a name that a comprehension binds
def reward():
    [leaked for leaked in (31337,)]
    return leaked
# ---
# a built-in that is named in a default of an inner function
def reward():
    def inner(value=eval):
        return value("31337")
    return inner()
