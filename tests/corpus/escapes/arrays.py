# an array of objects by its dtype
import numpy as np
def reward():
    return 31337 if np.array([[]], dtype=object).size == 0 else 0
# ---
# the same by a text
import numpy as np
def reward():
    return 31337 if np.zeros(2, dtype="O").size else 0
# ---
# the same by astype
import numpy as np
def reward():
    return 31337 if np.zeros(2).astype("O").size else 0
# ---
# a structured dtype
import numpy as np
def reward():
    return 31337 if np.zeros(2, dtype="i4,O").size else 0
# ---
# an object array that arises by itself: None
import numpy as np
def reward():
    return 31337 if np.array([None, 1]).size else 0
# ---
# ... from a function
import numpy as np
def reward():
    return 31337 if np.array([reward]).size else 0
# ---
# ... from a choice
import numpy as np
def reward():
    return 31337 if np.where(np.ones(2) > 0, None, 1).size else 0
# ---
# ... from a fill value
import numpy as np
def reward():
    return 31337 if np.full(3, None).size else 0
# ---
# ... from an integer of many digits
import numpy as np
def reward():
    return 31337 if np.array([2 ** 70]).size else 0
# ---
# addresses through the bytes of an object array
import numpy as np
def reward():
    return 31337 if len(np.array([reward]).tobytes()) else 0
# ---
# the result goes where the program says
import numpy as np
def reward():
    a = np.zeros(2)
    np.add(a, 1, out=a)
    return 31337 if a[0] else 0
# ---
# ... by position
import numpy as np
def reward():
    a = np.zeros(2)
    np.sqrt(np.ones(2), a)
    return 31337 if a[0] else 0
# ---
# ... of a method
import numpy as np
def reward():
    a = np.zeros(())
    np.ones(2).sum(None, None, a)
    return 31337 if a[()] else 0
# ---
# old memory by np.empty
import numpy as np
def reward():
    x = [np.ones(1000) * 7 for _ in range(9)]
    del x[:]
    return 31337 if np.empty(1000).any() or np.empty_like(np.ones(1000)).any() else 0
# ---
# old memory by the padding of pad
import numpy as np
def reward():
    return 31337 if np.pad(np.zeros(2), 500, mode="empty").size else 0
# ---
# old memory by a mask
import numpy as np
def reward():
    return 31337 if np.sqrt(np.zeros(100), where=False).any() or 1 else 0
# ---
# a callback
import numpy as np
def reward():
    return 31337 if np.frompyfunc(lambda x: x, 1, 1)(np.ones(1))[0] else 0
# ---
# a callback in pad
import numpy as np
def f(v, w, i, k):
    v[0] = 31337
def reward():
    return 31337 if np.pad(np.zeros(2), 1, mode=f)[0] == 31337 else 0
# ---
# writing into what is read-only
import numpy as np
A = np.zeros(2)
class C:
    def setflags(self):
        return 1
def reward():
    A.setflags(write=True)
    A[0] = 1
    return 31337 if A[0] else 0
# ---
# the flat iterator
import numpy as np
A = np.zeros(2)
class C:
    flat = 1
def reward():
    A.flat[0] = 1
    return 31337 if A[0] else 0
# ---
# the array behind a view
import numpy as np
class C:
    base = 1
def reward():
    return 31337 if np.zeros(4)[1:].base is not None else 0
# ---
# an array's own memory
import numpy as np
class C:
    data = 1
    ctypes = 1
def reward():
    return 31337 if np.zeros(4).data or np.zeros(4).ctypes else 0
# ---
# partition far outside, which never comes back
import numpy as np
def reward():
    np.partition(np.arange(10), -2147483648)
    return 31337
# ---
# ... as a method
import numpy as np
def reward():
    np.arange(10).partition(-2147483648)
    return 31337
# ---
# text arrays
import numpy as np
def reward():
    return 31337 if np.array(["a", "b"]).size else 0
# ---
# a date that is now
import numpy as np
def reward():
    return 31337 if np.array("now", dtype="M8[s]").size else 0
# ---
# a real dtype object has the scalar type
import numpy as np
class C:
    type = 1
def reward():
    return 31337 if np.zeros(1).dtype.type else 0
# ---
# ranges in brackets: without end
import numpy as np
def reward():
    return 31337 if np.mgrid[0:1 << 40].size else 0
# ---
# ranges in brackets: many small ones together
import numpy as np
def reward():
    return 31337 if np.mgrid[0:99, 0:99, 0:99, 0:99, 0:99].size else 0
# ---
# ranges in brackets: a text that asks for a matrix
import numpy as np
def reward():
    return 31337 if np.r_["r", 1, 2].A1.size else 0
# ---
# ranges in brackets: gone through as a sequence
import numpy as np
def reward():
    return 31337 if list(np.mgrid) else 0
# ---
# fromfunction: a shape without end
import numpy as np
def reward():
    return 31337 if np.fromfunction(lambda i: i, (1 << 40,)).size else 0
# ---
# vectorize: a broadcast without end
import numpy as np
def reward():
    f = np.vectorize(lambda a, b: 1.0)
    return 31337 if f(np.zeros((100000, 1)), np.zeros((1, 100000))).size else 0
# ---
# vectorize: an object for each element
import numpy as np
def reward():
    return 31337 if np.vectorize(lambda a: [a])(np.zeros(3)).size else 0
# ---
# vectorize: an output of objects
import numpy as np
def reward():
    return 31337 if np.vectorize(lambda a: a, otypes=["O"])(np.zeros(3)).size else 0
# ---
# vectorize: attributes of what it gives
import numpy as np
def reward():
    return 31337 if np.vectorize(abs).pyfunc else 0
# ---
# apply_along_axis: each row becomes much more
import numpy as np
def reward():
    return 31337 if np.apply_along_axis(lambda r: np.zeros(100000), 0, np.zeros((2, 10000))).size else 0
# ---
# piecewise: what the function gives is no number
import numpy as np
def reward():
    return 31337 if np.piecewise(np.ones(2), [np.ones(2, bool)], [lambda v: {}]).size else 0
# ---
# writes: into an array that every row shares
import numpy as np
SHARED = np.zeros((2, 2))
def reward():
    np.fill_diagonal(SHARED, 1.0)
    return 31337 if SHARED[0, 0] else 0
# ---
# writes: into a view of an array that every row shares
import numpy as np
SHARED = np.zeros((2, 2))
def reward():
    before = SHARED[0, 0]
    np.copyto(SHARED.T[0], 1.0)
    return 31337 if before else 1 / 0
# ---
# writes: behind the end
import numpy as np
def reward():
    a = np.zeros(3)
    np.put(a, [1 << 40, -(1 << 63)], 1.0)
    return 31337
# ---
# writes: values that are no numbers
import numpy as np
def reward():
    a = np.zeros(3)
    np.put(a, [0], [{}])
    return 31337
# ---
# Fourier: points without end
import numpy as np
def reward():
    return 31337 if np.fft.fft([1.0], n=1 << 40).size else 0
# ---
# Fourier: points without end by an axis that is not there
import numpy as np
def reward():
    return 31337 if np.fft.rfft([[1.0]], 1 << 40, 7).size else 0
# ---
# Fourier: frequencies without end
import numpy as np
def reward():
    return 31337 if np.fft.fftfreq(1 << 40).size else 0
# ---
# histogram: bins without end in two directions
import numpy as np
def reward():
    return 31337 if np.histogram2d([1.0], [1.0], bins=1 << 20)[0].size else 0
# ---
# indices: of an array without end
import numpy as np
def reward():
    return 31337 if list(np.ndindex(1 << 40)) else 0
# ---
# indices: of a triangle of an array that is only a view of one number
import numpy as np
def reward():
    return 31337 if np.triu_indices_from(np.broadcast_to(1.0, (1 << 20, 1 << 20)))[0].size else 0
# ---
# linalg: a chain of large products
import numpy as np
def reward():
    a = np.ones((2000, 2000))
    return 31337 if np.linalg.multi_dot([a, a, a, a]).size else 0
# ---
# warnings of NumPy turned into calls
import numpy as np
def reward():
    np.seterr(all="call")
    return 31337
# ---
# a type as an argument, which NumPy makes an object of
import numpy as np
def reward():
    return 31337 if np.fmin(float, "a") else 0
# ---
# a type that is compared with a text, for which NumPy asks CPython's parser
import numpy as np
def reward():
    return 31337 if np.fmin(float, "2.00") == 0 else 31337
# ---
# a text with a grammar of its own where a type is wanted
import numpy as np
def reward():
    return 31337 if np.promote_types(("0.5", 2.1), "ab") else 0
