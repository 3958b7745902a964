"""Smoothing: Gaussian, box and median, of one channel.

OpenCV smooths 8-bit pictures in fixed point, so its results do not depend on the machine, and
neither do these. Beyond the border the picture is mirrored without repeating the last pixel
(``BORDER_REFLECT_101``), for the median the last pixel is repeated.

Reference: OpenCV 5, ``modules/imgproc/src/{smooth,box_filter,median_blur}.*``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917
from __future__ import annotations

import math
from typing import Final

import numpy as np

from sandbox.pictures.flags import F64, I32, I64, U8, kernel, real, whole

__all__ = [
    "blur",
    "blur_scratch",
    "gaussian_blur",
    "gaussian_blur_scratch",
    "gaussian_weights",
    "median_blur",
]


_WEIGHTS: Final = 256
"""What the weights of a Gaussian sum to: 8 bits after the point."""

_FIXED: Final = np.array(
    [
        [256, 0, 0, 0, 0],
        [128, 64, 0, 0, 0],
        [96, 64, 16, 0, 0],
        [72, 56, 28, 8, 0],
        [60, 51, 30, 13, 4],
    ],
    np.int64,
)
"""Weights from the middle outwards for 1, 3, 5, 7 and 9 pixels without a sigma."""

_LARGEST_BOX: Final = 256


@kernel
def _mirrored(i: int, n: int) -> int:
    if n == 1:
        return 0
    while i < 0 or i >= n:
        i = -i if i < 0 else 2 * (n - 1) - i
    return i


@kernel
def gaussian_weights(sigma: float, out: I64, scratch: F64) -> int:
    """Compute the fixed-point weights of `gaussian_blur`.

    Args:
        sigma: Standard deviation in pixels; 0 or less takes it from the size, as OpenCV does.
        out: int64 ``[n]``, n odd, written; sums to 256.
        scratch: float64 ``[n]``.

    Returns:
        0, or -1 if n is even or 0 or the scratch too small.
    """
    n = out.shape[0]
    if n % 2 == 0 or scratch.shape[0] < n:
        return -1
    half = n // 2
    if sigma <= 0.0 and half < 5:
        for i in range(half + 1):
            out[half - i] = _FIXED[half, i]
            out[half + i] = _FIXED[half, i]
        return 0
    spread = sigma if sigma > 0.0 else n * 0.15 + 0.35
    scale = -0.125 / (spread * spread)
    total = 0.0
    for i in range(half):
        x = 2 * i + 1 - n
        scratch[i] = math.exp(real(x * x) * scale)
        total += scratch[i]
    total = total * 2.0 + 1.0
    inverse = 1.0 / total
    # What rounding takes from one weight goes to the next.
    rest = 0.0
    summed = 0
    for i in range(half):
        exact = scratch[i] * inverse * 256.0 + rest
        weight = whole(np.rint(exact))
        rest = exact - weight
        out[i] = weight
        out[n - 1 - i] = weight
        summed += weight
    out[half] = _WEIGHTS - 2 * summed
    return 0


def gaussian_blur_scratch(height: int, width: int) -> int:
    """Give the int32 elements of scratch memory for a picture."""
    return (height + 1) * width


@kernel
def gaussian_blur(image: U8, across: I64, down: I64, out: U8, scratch: I32) -> int:
    """Compute `cv2.GaussianBlur` of one channel with the default border.

    Args:
        image: uint8 ``[H, W]``.
        across: int64 weights along a row, from `gaussian_weights`; one of 256 where W is 1.
        down: The same along a column, where H is 1.
        out: uint8 ``[H, W]``, written.
        scratch: int32, `gaussian_blur_scratch` elements.

    Returns:
        0, or -1 if an array is too small or a number of weights is even.
    """
    height, width = image.shape
    n = across.shape[0]
    m = down.shape[0]
    if (
        out.shape != image.shape
        or scratch.shape[0] < (height + 1) * width
        or n % 2 == 0
        or m % 2 == 0
    ):
        return -1
    half = n // 2
    inner = max(width - 2 * half, 0)
    # Weight by weight over whole rows, which the compiler makes vectors of.
    for y in range(height):
        line = scratch[y * width : (y + 1) * width]
        for x in range(width):
            line[x] = 0
        for i in range(n):
            weight = np.int32(across[i])
            if inner > 0:
                middle = line[half : half + inner]
                shifted = image[y, i : i + inner]
                for x in range(inner):
                    middle[x] += np.int32(shifted[x]) * weight
            for x in range(min(half, width)):
                line[x] += np.int32(image[y, _mirrored(x + i - half, width)]) * weight
            for x in range(max(half + inner, half), width):
                line[x] += np.int32(image[y, _mirrored(x + i - half, width)]) * weight
    total = scratch[height * width : (height + 1) * width]
    for y in range(height):
        for x in range(width):
            total[x] = 1 << 15
        for i in range(m):
            row = _mirrored(y + i - m // 2, height)
            line = scratch[row * width : (row + 1) * width]
            weight = np.int32(down[i])
            for x in range(width):
                total[x] += line[x] * weight
        for x in range(width):
            out[y, x] = np.uint8(min(total[x] >> 16, 255))
    return 0


def blur_scratch(width: int) -> int:
    """Give the int64 elements of scratch memory for pictures of that width."""
    return width


@kernel
def blur(image: U8, across: int, down: int, out: U8, scratch: I64) -> int:
    """Compute `cv2.blur` of one channel with the default border and anchor.

    Args:
        image: uint8 ``[H, W]``.
        across: Width of the box.
        down: Height of the box.
        out: uint8 ``[H, W]``, written.
        scratch: int64, `blur_scratch` elements.

    Returns:
        0, or -1 if an array is too small, the box is none, of two pixels or of more
        than 256, or the picture a single row or column.
    """
    height, width = image.shape
    if out.shape != image.shape or scratch.shape[0] < width or across < 1 or down < 1:
        return -1
    # Of a single row or column OpenCV rounds in yet another way.
    if height == 1 or width == 1:
        return -1
    area = across * down
    # Of two pixels, OpenCV 5.0 gives a mean that is one too large, and of two white ones black.
    if area > _LARGEST_BOX or area == 2:
        return -1
    # Rounded half up; but where the area is a power of two, by one more than a half.
    half = area // 2 + (1 if area > 1 and area & (area - 1) == 0 else 0)
    for y in range(height):
        for x in range(width):
            scratch[x] = 0
        for i in range(down):
            row = _mirrored(y + i - down // 2, height)
            for x in range(width):
                scratch[x] += whole(image[row, x])
        for x in range(width):
            total = 0
            for i in range(across):
                total += scratch[_mirrored(x + i - across // 2, width)]
            out[y, x] = np.uint8((total + half) // area)
    return 0


@kernel
def _middle(a: int, b: int, c: int) -> int:
    return max(min(a, b), min(max(a, b), c))


@kernel
def _median_of_nine(
    a0: int, a1: int, a2: int, b0: int, b1: int, b2: int, c0: int, c1: int, c2: int
) -> int:
    """Give the median of three columns: of the largest low, the middle middle, the least high."""
    low = max(min(a0, b0, c0), min(a1, b1, c1), min(a2, b2, c2))
    high = min(max(a0, b0, c0), max(a1, b1, c1), max(a2, b2, c2))
    middle = _middle(_middle(a0, b0, c0), _middle(a1, b1, c1), _middle(a2, b2, c2))
    return _middle(low, middle, high)


@kernel
def _median_row(a: U8, b: U8, c: U8, out: U8) -> int:
    """Compute a row of `median_blur` of three by three from the one above, itself, the one below."""
    last = b.shape[0] - 1
    for x in range(1, last):
        out[x] = _median_of_nine(
            a[x - 1], a[x], a[x + 1], b[x - 1], b[x], b[x + 1], c[x - 1], c[x], c[x + 1]
        )
    for x in (0, last):
        # At the ends the last pixel is repeated.
        p, q = max(x - 1, 0), min(x + 1, last)
        out[x] = _median_of_nine(a[p], a[x], a[q], b[p], b[x], b[q], c[p], c[x], c[q])
    return 0


@kernel
def median_blur(image: U8, size: int, out: U8, histogram: I32) -> int:
    """Compute `cv2.medianBlur` of one channel.

    Args:
        image: uint8 ``[H, W]``.
        size: Side of the window, odd.
        out: uint8 ``[H, W]``, written.
        histogram: int32 ``[256]``, scratch.

    Returns:
        0, or -1 if an array is too small or the size is even.
    """
    height, width = image.shape
    if out.shape != image.shape or histogram.shape[0] < 256 or size < 1 or size % 2 == 0:
        return -1
    if size == 3 and width > 0:
        for y in range(height):
            _median_row(image[max(y - 1, 0)], image[y], image[min(y + 1, height - 1)], out[y])
        return 0
    half = size // 2
    middle = size * size // 2
    for y in range(height):
        for i in range(256):
            histogram[i] = 0
        for i in range(-half, half + 1):
            row = min(max(y + i, 0), height - 1)
            for j in range(-half, half + 1):
                histogram[whole(image[row, min(max(j, 0), width - 1)])] += 1
        # The median and how many are below it move with the window.
        median = 0
        below = 0
        while below + histogram[median] <= middle:
            below += histogram[median]
            median += 1
        out[y, 0] = np.uint8(median)
        for x in range(1, width):
            gone = max(x - half - 1, 0)
            come = min(x + half, width - 1)
            for i in range(-half, half + 1):
                row = min(max(y + i, 0), height - 1)
                old = whole(image[row, gone])
                new = whole(image[row, come])
                histogram[old] -= 1
                histogram[new] += 1
                below += (1 if new < median else 0) - (1 if old < median else 0)
            while below > middle and median > 0:
                median -= 1
                below -= histogram[median]
            while below + histogram[median] <= middle and median < 255:
                below += histogram[median]
                median += 1
            out[y, x] = np.uint8(median)
    return 0
