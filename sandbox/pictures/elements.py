"""What is done to every element alike: ranges, bits, saturating sums, thresholds, planes.

Functions without a shape of their own take flat arrays (``image.reshape(-1)``); a mask of an image
with three channels has a third of its elements. Bounds and values are whole numbers of any size;
OpenCV rounds floats half to even first, and so must a caller that has floats.

Reference: OpenCV 5, ``modules/core/src/arithm.cpp`` and ``modules/imgproc/src/thresh.cpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917
from __future__ import annotations

from typing import Final

import numpy as np

from sandbox.pictures.flags import I32, I64, U8, kernel, real, whole

__all__ = [
    "absolute_difference",
    "bitwise",
    "bitwise_not",
    "count_non_zero",
    "find_non_zero",
    "flipped",
    "has_non_zero",
    "in_range_gray",
    "in_range_pixels",
    "merged",
    "plane",
    "saturated_sum",
    "saturated_sum_scalar",
    "threshold",
    "threshold_otsu",
    "with_border",
]


AND: Final = 0
OR: Final = 1
XOR: Final = 2

BINARY: Final = 0
BINARY_INVERSE: Final = 1
TRUNCATE: Final = 2
TO_ZERO: Final = 3
TO_ZERO_INVERSE: Final = 4


@kernel
def in_range_pixels(
    image: U8,
    low_0: int,
    low_1: int,
    low_2: int,
    high_0: int,
    high_1: int,
    high_2: int,
    out: U8,
) -> int:
    """Compute `cv2.inRange` of a picture with three channels.

    Args:
        image: uint8 ``[H, W, 3]``.
        low_0: Smallest value of channel 0, inclusive, of any size; the others likewise.
        low_1: Smallest value of channel 1.
        low_2: Smallest value of channel 2.
        high_0: Largest value of channel 0.
        high_1: Largest value of channel 1.
        high_2: Largest value of channel 2.
        out: uint8 ``[H, W]``, written: 255 where all channels are in range, else 0.

    Returns:
        How many pixels are in range, or -1 if a shape does not fit.
    """
    height, width, channels = image.shape
    if channels != 3 or out.shape[0] != height or out.shape[1] != width:
        return -1
    # Within 0 to 255 the tests are of one byte each, which the compiler makes vectors of.
    nothing = high_0 < 0 or high_1 < 0 or high_2 < 0 or low_0 > 255 or low_1 > 255 or low_2 > 255
    a0 = np.uint8(min(max(low_0, 0), 255))
    a1 = np.uint8(min(max(low_1, 0), 255))
    a2 = np.uint8(min(max(low_2, 0), 255))
    b0 = np.uint8(min(max(high_0, 0), 255))
    b1 = np.uint8(min(max(high_1, 0), 255))
    b2 = np.uint8(min(max(high_2, 0), 255))
    found = 0
    for y in range(height):
        for x in range(width):
            c0 = image[y, x, 0]
            c1 = image[y, x, 1]
            c2 = image[y, x, 2]
            inside = (
                (c0 >= a0) & (c0 <= b0) & (c1 >= a1) & (c1 <= b1) & (c2 >= a2) & (c2 <= b2)
            ) & (not nothing)
            found += inside
            out[y, x] = np.uint8(255 if inside else 0)
    return found


@kernel
def in_range_gray(image: U8, low: int, high: int, out: U8) -> int:
    """Compute `cv2.inRange` of a flat image with one channel; see `in_range_pixels`."""
    if out.shape[0] != image.shape[0]:
        return -1
    found = 0
    for i in range(image.shape[0]):
        inside = low <= image[i] <= high
        found += inside
        out[i] = np.uint8(255 if inside else 0)
    return found


@kernel
def count_non_zero(image: U8) -> int:
    """Compute `cv2.countNonZero` of a flat image with one channel."""
    found = 0
    for i in range(image.shape[0]):
        found += image[i] != 0
    return found


@kernel
def has_non_zero(image: U8) -> int:
    """Compute `cv2.hasNonZero` of a flat image with one channel: 1 or 0."""
    for i in range(image.shape[0]):
        if image[i] != 0:
            return 1
    return 0


@kernel
def find_non_zero(image: U8, points_out: I32) -> int:
    """Compute `cv2.findNonZero`.

    Args:
        image: uint8 ``[H, W]``.
        points_out: int32 ``[cap, 2]``, written: x and y, row by row.

    Returns:
        Number of points; -1 if there are more than ``cap``.
    """
    height, width = image.shape
    capacity = points_out.shape[0]
    if points_out.shape[1] != 2:
        return -1
    found = 0
    for y in range(height):
        for x in range(width):
            if image[y, x] != 0:
                if found >= capacity:
                    return -1
                points_out[found, 0] = x
                points_out[found, 1] = y
                found += 1
    return found


@kernel
def bitwise(first: U8, second: U8, mask: U8, operation: int, out: U8) -> int:
    """Compute `cv2.bitwise_and`, `bitwise_or` or `bitwise_xor`.

    Args:
        first: uint8 ``[n]``, flat.
        second: uint8 ``[n]``.
        mask: uint8 ``[m]`` with n a multiple of m (one element a pixel), or ``[0]`` for none.
        operation: 0 and, 1 or, 2 exclusive or.
        out: uint8 ``[n]``, written; 0 where the mask is 0.

    Returns:
        0, or -1 if a size or the operation does not fit.
    """
    n = first.shape[0]
    if second.shape[0] != n or out.shape[0] != n:
        return -1
    if operation == AND:
        for i in range(n):
            out[i] = first[i] & second[i]
    elif operation == OR:
        for i in range(n):
            out[i] = first[i] | second[i]
    elif operation == XOR:
        for i in range(n):
            out[i] = first[i] ^ second[i]
    else:
        return -1
    return clear_outside(out, mask)


@kernel
def bitwise_not(image: U8, mask: U8, out: U8) -> int:
    """Compute `cv2.bitwise_not`; arguments as `bitwise`."""
    n = image.shape[0]
    if out.shape[0] != n:
        return -1
    for i in range(n):
        out[i] = ~image[i]
    return clear_outside(out, mask)


@kernel
def clear_outside(out: U8, mask: U8) -> int:
    """Set pixels to 0 where the mask is 0; an empty mask keeps all. 0, or -1 for a wrong size."""
    n = out.shape[0]
    m = mask.shape[0]
    if m == 0:
        return 0
    channels = n // m
    if channels * m != n:
        return -1
    for i in range(m):
        if mask[i] == 0:
            for c in range(channels):
                out[i * channels + c] = 0
    return 0


@kernel
def absolute_difference(first: U8, second: U8, out: U8) -> int:
    """Compute `cv2.absdiff` of two flat images; 0, or -1 if a size does not fit."""
    n = first.shape[0]
    if second.shape[0] != n or out.shape[0] != n:
        return -1
    for i in range(n):
        a = first[i]
        b = second[i]
        out[i] = np.uint8(a - b) if a > b else np.uint8(b - a)
    return 0


@kernel
def saturated_sum(first: U8, second: U8, mask: U8, sign: int, out: U8) -> int:
    """Compute `cv2.add` (sign 1) or `cv2.subtract` (sign -1) of two images; see `bitwise`."""
    n = first.shape[0]
    if second.shape[0] != n or out.shape[0] != n:
        return -1
    if sign == 1:
        for i in range(n):
            out[i] = np.uint8(min(np.int32(first[i]) + np.int32(second[i]), np.int32(255)))
    elif sign == -1:
        for i in range(n):
            out[i] = np.uint8(max(np.int32(first[i]) - np.int32(second[i]), np.int32(0)))
    else:
        return -1
    return clear_outside(out, mask)


@kernel
def saturated_sum_scalar(image: U8, value: int, mask: U8, out: U8) -> int:
    """Add a whole number to every element: `cv2.add` and `cv2.subtract` of one number; see `bitwise`."""
    n = image.shape[0]
    if out.shape[0] != n:
        return -1
    step = np.int32(min(max(value, -255), 255))
    for i in range(n):
        out[i] = np.uint8(min(max(np.int32(image[i]) + step, np.int32(0)), np.int32(255)))
    return clear_outside(out, mask)


@kernel
def threshold(image: U8, level: int, value: int, kind: int, out: U8) -> int:
    """Compute `cv2.threshold` without Otsu of a flat image.

    Args:
        image: uint8 ``[n]``.
        level: The threshold, rounded down; pixels above it are the foreground. Any size.
        value: What the foreground gets, rounded and in 0 to 255.
        kind: 0 binary, 1 binary inverse, 2 truncate, 3 to zero, 4 to zero inverse.
        out: uint8 ``[n]``, written.

    Returns:
        0, or -1 if a size or the kind does not fit.
    """
    n = image.shape[0]
    if out.shape[0] != n or kind < 0 or kind > 4:
        return -1
    foreground = np.uint8(min(max(value, 0), 255))
    cut = np.int32(min(max(level, -1), 255))
    truncated = np.uint8(min(max(level, 0), 255))
    if kind == BINARY:
        for i in range(n):
            out[i] = foreground if image[i] > cut else np.uint8(0)
    elif kind == BINARY_INVERSE:
        for i in range(n):
            out[i] = np.uint8(0) if image[i] > cut else foreground
    elif kind == TRUNCATE:
        for i in range(n):
            out[i] = truncated if image[i] > cut else image[i]
    elif kind == TO_ZERO:
        for i in range(n):
            out[i] = image[i] if image[i] > cut else np.uint8(0)
    else:
        for i in range(n):
            out[i] = np.uint8(0) if image[i] > cut else image[i]
    return 0


@kernel
def threshold_otsu(image: U8, histogram: I64) -> int:
    """Find Otsu's level of a flat image, as `cv2.threshold` with ``THRESH_OTSU`` does.

    OpenCV on x86 leaves this to IPP, which rounds in an order of its own. That decides only where
    two levels separate the picture equally well, as in symmetric histograms; there this gives -2.

    Args:
        image: uint8 ``[n]``, n at least 1.
        histogram: int64 ``[256]``, scratch.

    Returns:
        The level, 0 to 255, with which `threshold` is then called; -1 if a size does not fit; -2
        where rounding decides: ask OpenCV.

    Reference:
        Otsu, A threshold selection method from gray-level histograms, 1979.
    """
    n = image.shape[0]
    if n == 0 or histogram.shape[0] < 256:
        return -1
    for i in range(256):
        histogram[i] = 0
    for i in range(n):
        histogram[whole(image[i])] += 1
    total = 0
    for i in range(256):
        total += i * histogram[i]
    below = 0
    sum_below = 0
    best = 0.0
    second = 0.0
    level = 0
    for i in range(256):
        if histogram[i] == 0:
            continue
        below += histogram[i]
        sum_below += i * histogram[i]
        if below == n:
            break
        # (mean of all · share - sum below)² / (share · (1 - share)), without a division by n.
        apart = real(total * below - sum_below * n)
        spread = apart * apart / (real(below) * real(n - below))
        if spread > best:
            second = best
            best = spread
            level = i
        elif spread > second:
            second = spread
    if second > best * (1.0 - 1e-9):
        return -2
    return level


@kernel
def plane(image: U8, channel: int, out: U8) -> int:
    """Copy one channel of uint8 ``[H, W, 3]`` to ``[H, W]``: a part of `cv2.split`; 0 or -1."""
    height, width, channels = image.shape
    if channel < 0 or channel >= channels:
        return -1
    if out.shape[0] != height or out.shape[1] != width:
        return -1
    for y in range(height):
        for x in range(width):
            out[y, x] = image[y, x, channel]
    return 0


@kernel
def merged(first: U8, second: U8, third: U8, out: U8) -> int:
    """Compute `cv2.merge` of three uint8 ``[H, W]`` planes to ``[H, W, 3]``; 0 or -1."""
    height, width = first.shape
    if second.shape != first.shape or third.shape != first.shape:
        return -1
    if out.shape[0] != height or out.shape[1] != width or out.shape[2] != 3:
        return -1
    for y in range(height):
        for x in range(width):
            out[y, x, 0] = first[y, x]
            out[y, x, 1] = second[y, x]
            out[y, x, 2] = third[y, x]
    return 0


@kernel
def flipped(image: U8, code: int, out: U8) -> int:
    """Compute `cv2.flip` of uint8 ``[H, W, C]``: code 0 upside down, above 0 mirrored, below both."""
    height, width, channels = image.shape
    if out.shape != image.shape:
        return -1
    for y in range(height):
        to_y = y if code > 0 else height - 1 - y
        for x in range(width):
            to_x = x if code == 0 else width - 1 - x
            for c in range(channels):
                out[to_y, to_x, c] = image[y, x, c]
    return 0


@kernel
def with_border(image: U8, top: int, left: int, value: int, out: U8) -> int:
    """Compute `cv2.copyMakeBorder` with a constant border of one channel.

    Args:
        image: uint8 ``[H, W]``.
        top: Rows above the image.
        left: Columns left of it.
        value: What the border has, 0 to 255.
        out: uint8 of the size with all borders, written.

    Returns:
        0, or -1 if the image does not fit into ``out`` there.
    """
    height, width = image.shape
    if top < 0 or left < 0 or top + height > out.shape[0] or left + width > out.shape[1]:
        return -1
    fill = np.uint8(min(max(value, 0), 255))
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = fill
    for y in range(height):
        for x in range(width):
            out[top + y, left + x] = image[y, x]
    return 0
