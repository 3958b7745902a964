"""The one decorator of all picture kernels, with the reasons for its flags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["kernel"]

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile with the flags of this package; typed, so that strict mypy keeps the signature."""
    # fastmath off: the floats must be those of OpenCV, rounding by rounding.
    # error_model numpy: a kernel raises nothing, a division by zero gives what C gives for floats.
    # cache off: several processes would share one cache directory; see numba issue 4807.
    compiled = numba.njit(nogil=True, fastmath=False, error_model="numpy", cache=False)(function)
    return cast("F", compiled)
