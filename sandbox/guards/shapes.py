"""How large the result of an operator will be: broadcasting, matrix products and ranges."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sandbox import cost

__all__ = ["broadcast_size", "matmul_price", "matmul_size", "span"]


ndarray: Final = np.ndarray


def broadcast_size(*shapes: tuple[int, ...]) -> int:
    """Give the number of elements that shapes have together; 0 where they do not fit."""
    total = 1
    for axis in range(max(map(len, shapes), default=0)):
        size = 1
        for shape in shapes:
            if axis < len(shape):
                here = shape[-1 - axis]
                if here != 1:
                    if size not in (1, here):
                        return 0
                    size = here
        total *= size
    return total


def span(values: range) -> int:
    """Give the length of a range, also of one that is longer than CPython's `len` can say."""
    step = values.step
    return max((values.stop - values.start + step - (1 if step > 0 else -1)) // step, 0)


def matmul_price(left: Any, right: Any) -> int:
    """Give what a matrix product costs besides `cost.LIBRARY_CALL`."""
    if not (isinstance(left, ndarray) and isinstance(right, ndarray)):
        return 0
    if not left.ndim or not right.ndim:
        return 0
    columns = right.shape[-1] if right.ndim > 1 else 1
    rows = left.size // left.shape[-1] if left.shape[-1] else 0
    batch = right.size // (right.shape[-2] * columns) if right.ndim > 2 and right.size else 1
    return cost.matmul(rows * max(batch, 1), left.shape[-1], columns)


def matmul_size(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """Give the number of elements of a matrix product."""
    if not left or not right:
        return 0
    batch = broadcast_size(left[:-2], right[:-2])
    rows = left[-2] if len(left) > 1 else 1
    columns = right[-1] if len(right) > 1 else 1
    return batch * rows * columns
