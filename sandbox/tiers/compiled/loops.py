"""The addresses of NumPy's own element loops, so that both tiers compute a sine alike.

NumPy picks its mathematical functions by processor (its own vector code, Intel's, or the C
library), and they differ in the last bits. A kernel therefore calls the very loop that the ufunc
would, on one element: a C function that takes pointers, sizes and strides, and no Python object.
The loops are read from the ufunc's table; if that does not look as expected, the C library is
used, and results may then differ by a few units in the last place.

Code names a loop by a symbol, because its address is another one in every process, and compiled code
is kept for later ones.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Final

import numpy as np

from sandbox.tiers.compiled.core import Ty, dtype_of
from sandbox.tiers.compiled.vectors import address_of, name_vector, vector_of

__all__ = ["VECTOR", "loop_of", "name_loop"]


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
VECTOR: Final = "vector."
"""Before the name of a ufunc: the vector function that its loop is made of."""


@cache
def name_loop(name: str, ty: Ty) -> tuple[str, str]:
    """Make the loop of `loop_of` known to the linker of this process.

    Returns:
        The symbols of the function and of its data.

    Raises:
        LookupError: If there is no such loop.
    """
    from llvmlite.binding import add_symbol

    loop = loop_of(name, ty)
    if loop is None:
        raise LookupError(f"NumPy has no loop for {name} of {ty}")
    address, data, _ = loop
    if name.startswith(VECTOR):
        return name_vector(name.removeprefix(VECTOR).partition("=")[0], address), ""
    symbols = f"carruntime.loop.{name}.{ty}", f"carruntime.data.{name}.{ty}"
    add_symbol(symbols[0], address)
    if data:
        add_symbol(symbols[1], data)
    return symbols


@cache
def loop_of(name: str, ty: Ty) -> tuple[int, int, int] | None:
    """Give the address of the loop that computes a ufunc in one type throughout.

    Args:
        name: Name of a ufunc of NumPy.
        ty: Core type of all inputs and of the output.

    Returns:
        Address, the address passed to it as data, and the number of inputs; or None. With
        `VECTOR` before the name of the ufunc, the function behind the loop, if that is known;
        with ``=`` and the name of that function after it, it need not be found again.
    """
    if name.startswith(VECTOR):
        name, _, symbol = name.removeprefix(VECTOR).partition("=")
        behind = getattr(np, name, None)
        if ty != "f64" or not isinstance(behind, np.ufunc) or behind.nin > 2:
            return None
        address = address_of(symbol) if symbol else vector_of(name, ty)
        return None if address is None else (address, 0, behind.nin)
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
