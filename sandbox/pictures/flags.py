"""The one decorator of all picture kernels, with the reasons for its flags.

Also the reasons for what the linter is told in the files of kernels: arrays and numbers are passed
by position, because a compiled function has no keywords worth their price (PLR0917), and two
comparisons stay two comparisons, where a tuple or a generator would be one more thing for Numba to
compile (PLR1714, SIM109, SIM110).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["F32", "F64", "I8", "I32", "I64", "U8", "Byte", "Points", "kernel", "real", "whole"]

# What the elements are stands in the names only: kernels mix whole numbers of all sizes as C does,
# which NumPy's own annotations know nothing of.
U8 = NDArray[Any]
I8 = NDArray[Any]
I32 = NDArray[Any]
I64 = NDArray[Any]
F32 = NDArray[Any]
F64 = NDArray[Any]
Points = NDArray[Any]
"""int32 or float32."""
Byte = Any
"""A number of one byte, or one that was made of it."""

whole = cast("Callable[[Any], int]", np.int64)
"""`numpy.int64`, which Numba sees; the annotation says that it is as good as an int."""
real = cast("Callable[[Any], float]", np.float64)
"""`numpy.float64`, likewise."""

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile with the flags of this package; typed, so that strict mypy keeps the signature."""
    # fastmath off: the floats must be those of OpenCV, rounding by rounding.
    # error_model numpy: a kernel raises nothing, a division by zero gives what C gives for floats.
    # cache off: several processes would share one cache directory; see numba issue 4807.
    compiled = numba.njit(nogil=True, fastmath=False, error_model="numpy", cache=False)(function)
    return cast("F", compiled)
