"""Rows of pixels that need no second look: those like another one, and those of zeros.

Drawn pictures and their masks consist of them, so kernels ask before they work.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: SIM110
from __future__ import annotations

from typing import Final

import numpy as np

from sandbox.pictures.flags import U8, kernel, whole

__all__ = ["copy_row", "is_blank", "is_same"]

_BLOCK: Final = 64
"""Bytes of two rows that are compared at once."""


@kernel
def is_same(first: U8, second: U8) -> bool:
    """Say whether two rows of one length are the same; most that are not are told apart early."""
    n = min(first.shape[0], second.shape[0])
    start = 0
    while start + _BLOCK <= n:
        # A block ends within both rows, so both parts have _BLOCK elements.
        a = first[start : start + _BLOCK]
        b = second[start : start + _BLOCK]
        different = np.uint8(0)
        for i in range(_BLOCK):
            different = np.uint8(different | (a[i] ^ b[i]))
        if different != 0:
            return False
        start += _BLOCK
    for i in range(start, n):
        if first[i] != second[i]:
            return False
    return True


@kernel
def copy_row(row: U8, out: U8) -> None:
    """Copy a row into another of its length."""
    for i in range(row.shape[0]):
        out[i] = row[i]


@kernel
def is_blank(row: U8) -> bool:
    """Say whether a row holds nothing but zeros."""
    some = np.uint8(0)
    for i in range(row.shape[0]):
        some |= row[i]
    return whole(some) == 0
