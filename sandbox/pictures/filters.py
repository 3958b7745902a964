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

from sandbox.pictures.flags import F64, I32, I64, U8, Byte, kernel, real, whole

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
    if size == 3:
        return _median_of_nine(image, out)
    if width <= 2 * histogram.shape[0] and _is_mask(image.reshape(height * width)):
        return _majority(image, size, out, histogram.view(np.int16))
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


@kernel
def _is_mask(values: U8) -> bool:
    """Say whether there is nothing but 0 and 255."""
    other = np.uint8(0)
    for i in range(values.shape[0]):
        # Of both, the sum with 1 is 0 or 1.
        other |= (values[i] + np.uint8(1)) & np.uint8(254)
    return whole(other) == 0


@kernel
def _majority(mask: U8, size: int, out: U8, counts: I32) -> int:
    """Compute the median of a mask: 255 where more than half of the window is.

    Args:
        mask: uint8 ``[H, W]`` of 0 and 255.
        size: Side of the window, odd.
        out: uint8 ``[H, W]``, written.
        counts: int16 ``[W]`` or more, scratch: how many of a column are 255.
    """
    height, width = mask.shape
    half = size // 2
    middle = size * size // 2
    for x in range(width):
        counts[x] = 0
    for i in range(-half, half + 1):
        row = mask[min(max(i, 0), height - 1)]
        for x in range(width):
            counts[x] += row[x] & 1
    for y in range(height):
        if y > 0:
            gone = mask[max(y - half - 1, 0)]
            come = mask[min(y + half, height - 1)]
            for x in range(width):
                counts[x] += (come[x] & 1) - (gone[x] & 1)
        line = out[y]
        total = 0
        for j in range(-half, half):
            total += whole(counts[min(max(j, 0), width - 1)])
        # From here to there no side is met, so that nothing has to be looked at but the sums.
        start, stop = min(half + 1, width), max(width - half, min(half + 1, width))
        for x in range(start):
            total += whole(counts[min(x + half, width - 1)])
            line[x] = np.uint8(255 if total > middle else 0)
            total -= whole(counts[max(x - half, 0)])
        come_in, go_out = counts[start + half :], counts[start - half :]
        to = line[start:]
        for x in range(np.uint64(stop - start)):
            total += whole(come_in[x])
            to[x] = np.uint8(255 if total > middle else 0)
            total -= whole(go_out[x])
        for x in range(stop, width):
            total += whole(counts[width - 1])
            line[x] = np.uint8(255 if total > middle else 0)
            total -= whole(counts[max(x - half, 0)])
    return 0


@kernel
def _median_of_nine(image: U8, out: U8) -> int:
    """Compute the median of three by three pixels without branches, which vectors do.

    With each column sorted, the median of all is the median of three: the largest of the smallest,
    the median of the middle ones and the smallest of the largest.
    """
    height, width = image.shape
    inner = max(width - 2, 0)
    for y in range(height):
        above = image[max(y - 1, 0)]
        here = image[y]
        below = image[min(y + 1, height - 1)]
        line = out[y]
        to = line[1:]
        # Unsigned, so that no index can be from the end, which would keep vectors away.
        for x in range(np.uint64(inner)):
            i, j = x + np.uint64(1), x + np.uint64(2)
            to[x] = _middle(
                above[x],
                here[x],
                below[x],
                above[i],
                here[i],
                below[i],
                above[j],
                here[j],
                below[j],
            )
        for side in (0, width - 1):
            left = max(side - 1, 0)
            right = min(side + 1, width - 1)
            line[side] = _middle(
                above[left], here[left], below[left],
                above[side], here[side], below[side],
                above[right], here[right], below[right],
            )  # fmt: skip
    return 0


@kernel
def _middle(
    a0: Byte, b0: Byte, c0: Byte, a1: Byte, b1: Byte, c1: Byte, a2: Byte, b2: Byte, c2: Byte
) -> Byte:
    low_0, mid_0, high_0 = _sorted(a0, b0, c0)
    low_1, mid_1, high_1 = _sorted(a1, b1, c1)
    low_2, mid_2, high_2 = _sorted(a2, b2, c2)
    low = max(low_0, low_1, low_2)
    _, mid, _ = _sorted(mid_0, mid_1, mid_2)
    high = min(high_0, high_1, high_2)
    return _sorted(low, mid, high)[1]


@kernel
def _sorted(a: Byte, b: Byte, c: Byte) -> tuple[Byte, Byte, Byte]:
    least, most = min(a, b), max(a, b)
    return min(least, c), max(least, min(most, c)), max(most, c)
