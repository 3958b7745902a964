"""The addresses of NumPy's own element loops, so that both tiers compute a sine alike.

NumPy picks its mathematical functions by processor (its own vector code, Intel's, or the C
library), and they differ in the last bits. A kernel therefore calls the very loop that the ufunc
would, on one element: a C function that takes pointers, sizes and strides, and no Python object.
The loops are read from the ufunc's table; if that does not look as expected, the C library is
used, and results may then differ by a few units in the last place.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Final

import numpy as np

from sandbox.tiers.compiled.core import Ty, dtype_of

__all__ = ["loop_of"]


class _Head(ctypes.Structure):
    """The first fields of a ufunc object, a part of NumPy's stable C interface."""

    _fields_ = (
        ("refcount", ctypes.c_ssize_t),
        ("type", ctypes.c_void_p),
        ("inputs", ctypes.c_int),
        ("outputs", ctypes.c_int),
        ("arguments", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("loops", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_byte)),
    )


_MOST_LOOPS: Final = 200


@cache
def loop_of(name: str, ty: Ty) -> tuple[int, int, int] | None:
    """Give the address of the loop that computes a ufunc in one type throughout.

    Args:
        name: Name of a ufunc of NumPy.
        ty: Core type of all inputs and of the output.

    Returns:
        Address, the address passed to it as data, and the number of inputs; or None.
    """
    ufunc = getattr(np, name, None)
    if not isinstance(ufunc, np.ufunc):
        return None
    head = _Head.from_address(id(ufunc))
    expected = (
        head.inputs == ufunc.nin
        and head.outputs == ufunc.nout == 1
        and head.arguments == ufunc.nargs
        and 0 < head.loops == ufunc.ntypes < _MOST_LOOPS
        and head.name == ufunc.__name__.encode()
    )
    if not expected:
        return None
    wanted = dtype_of(ty).num
    for k in range(head.loops):
        kinds = [head.types[k * head.arguments + j] for j in range(head.arguments)]
        if all(kind == wanted for kind in kinds):
            address = head.functions[k]
            return (address, head.data[k] or 0, head.inputs) if address else None
    return None
