"""Sums over a picture: mean, norms, smallest and largest.

Reference: OpenCV 5, ``modules/core/src/{mean,norm,minmax}.*``.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from sandbox.pictures.flags import F64, I64, U8, kernel, real, whole

__all__ = ["mean", "min_max", "norm", "norm_between"]


LARGEST: Final = 1
SUM: Final = 2
EUCLIDEAN: Final = 4


@kernel
def mean(image: U8, mask: U8, out: F64) -> int:
    """Compute `cv2.mean`.

    Args:
        image: uint8 ``[H, W, C]``, C at most 4.
        mask: uint8 ``[H, W]``, or ``[0, 0]`` for none.
        out: float64 ``[4]``, written; 0 beyond the channels.

    Returns:
        Pixels counted, or -1 if a shape does not fit.
    """
    height, width, channels = image.shape
    masked = mask.size > 0
    if channels > 4 or out.shape[0] < 4:
        return -1
    if masked and (mask.shape[0] != height or mask.shape[1] != width):
        return -1
    for c in range(4):
        out[c] = 0.0
    totals = (0, 0, 0, 0)
    count = 0
    # Row by row, so that the sums of one fit into 32 bits.
    for y in range(height):
        line = image[y].reshape(width * channels)
        if masked:
            kept, sums = _sums_where(line, channels, mask[y])
            count += kept
        else:
            sums = _sums(line, channels)
            count += width
        totals = (
            totals[0] + sums[0],
            totals[1] + sums[1],
            totals[2] + sums[2],
            totals[3] + sums[3],
        )
    for c in range(channels):
        if count > 0:
            out[c] = real(totals[c]) * (1.0 / real(count))
    return count


@kernel
def _sums(row: U8, channels: int) -> tuple[int, int, int, int]:
    """Sum each channel of a row."""
    a = b = c = d = np.uint32(0)
    if channels == 1:
        for x in range(row.shape[0]):
            a += row[x]
    elif channels == 3:
        for x in range(np.uint64(row.shape[0] // 3)):
            i = x * np.uint64(3)
            a += row[i]
            b += row[i + np.uint64(1)]
            c += row[i + np.uint64(2)]
    else:
        for x in range(row.shape[0] // channels):
            a += row[x * channels]
            b += row[x * channels + 1]
            if channels > 2:
                c += row[x * channels + 2]
                d += row[x * channels + 3]
    return whole(a), whole(b), whole(c), whole(d)


@kernel
def _sums_where(row: U8, channels: int, mask: U8) -> tuple[int, tuple[int, int, int, int]]:
    """Sum each channel of a row where the mask is not 0, and count those pixels."""
    kept = np.uint32(0)
    a = b = c = d = np.uint32(0)
    for x in range(np.uint64(mask.shape[0])):
        keep = np.uint32(1 if mask[x] != 0 else 0)
        kept += keep
        i = x * np.uint64(channels)
        a += keep * row[i]
        if channels > 1:
            b += keep * row[i + np.uint64(1)]
        if channels > 2:
            c += keep * row[i + np.uint64(2)]
        if channels > 3:
            d += keep * row[i + np.uint64(3)]
    return whole(kept), (whole(a), whole(b), whole(c), whole(d))


@kernel
def norm(image: U8, kind: int) -> float:
    """Compute `cv2.norm` of a flat uint8 array: kind 1 largest, 2 sum, 4 root of squares; or -1."""
    largest = 0
    total = 0
    squares = 0
    for i in range(image.shape[0]):
        value = whole(image[i])
        largest = max(largest, value)
        total += value
        squares += value * value
    return _norm(kind, largest, total, squares)


@kernel
def norm_between(first: U8, second: U8, kind: int) -> float:
    """Compute `cv2.norm` of the difference of two flat uint8 arrays; see `norm`."""
    if first.shape[0] != second.shape[0]:
        return -1.0
    largest = 0
    total = 0
    squares = 0
    for i in range(first.shape[0]):
        value = abs(whole(first[i]) - whole(second[i]))
        largest = max(largest, value)
        total += value
        squares += value * value
    return _norm(kind, largest, total, squares)


@kernel
def _norm(kind: int, largest: int, total: int, squares: int) -> float:
    if kind == LARGEST:
        return real(largest)
    if kind == SUM:
        return real(total)
    if kind == EUCLIDEAN:
        return math.sqrt(real(squares))
    return -1.0


@kernel
def min_max(image: Any, mask: U8, values: F64, places: I64) -> int:
    """Compute `cv2.minMaxLoc` of one channel; the first place counts, row by row.

    Args:
        image: uint8 or float32 ``[H, W]``.
        mask: uint8 ``[H, W]``, or ``[0, 0]`` for none.
        values: float64 ``[2]``, written: smallest and largest; 0 if there is no pixel.
        places: int64 ``[4]``, written: x and y of each; -1 if there is no pixel.

    Returns:
        0, or -1 if a shape does not fit.
    """
    height, width = image.shape
    masked = mask.size > 0
    if values.shape[0] < 2 or places.shape[0] < 4:
        return -1
    if masked and (mask.shape[0] != height or mask.shape[1] != width):
        return -1
    values[0] = values[1] = 0.0
    for i in range(4):
        places[i] = -1
    some = False
    for y in range(height):
        for x in range(width):
            if masked and mask[y, x] == 0:
                continue
            value = real(image[y, x])
            if not some or value < values[0]:
                values[0] = value
                places[0] = x
                places[1] = y
            if not some or value > values[1]:
                values[1] = value
                places[2] = x
                places[3] = y
            some = True
    return 0
