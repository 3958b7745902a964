"""Colour: RGB and BGR to HSV, to grey and to each other, and the fused search for a colour.

Pixels are uint8 ``[H, W, 3]``. ``blue`` says which channel is blue: 0 for BGR, 2 for RGB. HSV has
hues of 0 to 179, two degrees each, as OpenCV's 8-bit images do; the divisions are multiplications
with 12-bit fixed-point reciprocals, rounded half up, so the last bit is OpenCV's.

Reference: OpenCV 5, ``modules/imgproc/src/color_hsv.simd.hpp`` and ``color_rgb.simd.hpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917, PLR1714
from __future__ import annotations

from typing import Any, Final

import numpy as np

from sandbox.pictures.flags import I32, U8, Byte, kernel, whole
from sandbox.pictures.rows import copy_row, is_same

__all__ = [
    "channels_swapped",
    "gray_from_colour",
    "gray_to_colour",
    "hsv_from_colour",
    "in_range_hsv",
]

_SHIFT: Final = 12
_HALF: Final = 1 << (_SHIFT - 1)


def _reciprocals(scale: float) -> I32:
    table = np.zeros(256, np.int32)
    table[1:] = np.rint(scale / np.arange(1, 256, dtype=np.float64)).astype(np.int32)
    return table


_BY_VALUE: Final = _reciprocals(float(255 << _SHIFT))
_BY_RANGE: Final = _reciprocals((180 << _SHIFT) / 6.0)

# The tables of reciprocals are these, divided by 1 to 255 and rounded half to even. Single
# precision gives every one of them (the tests compare all), and a division is a vector's.
_VALUE_SCALE: Final = np.float32(255 << _SHIFT)
_RANGE_SCALE: Final = np.float32((180 << _SHIFT) / 6.0)

_NO_FRACTION: Final = np.float32(3 << 22)

# Weights of red, green and blue in grey, in 15-bit fixed point.
_RED: Final = 9798
_GREEN: Final = 19235
_BLUE: Final = 3735


@kernel
def hsv_from_colour(image: U8, blue: int, out: U8) -> int:
    """Compute `cv2.cvtColor` to HSV.

    Args:
        image: uint8 ``[H, W, 3]``.
        blue: Channel of blue: 0 (BGR) or 2 (RGB).
        out: uint8 ``[H, W, 3]``, written: hue 0 to 179, saturation, value.

    Returns:
        0, or -1 if ``out`` has another shape or ``blue`` is no channel.
    """
    height, width, channels = image.shape
    if channels != 3 or out.shape != image.shape or (blue != 0 and blue != 2):
        return -1
    row = 3 * width
    for y in range(height):
        line, to = image[y].reshape(row), out[y].reshape(row)
        if y > 0 and is_same(line, image[y - 1].reshape(row)):
            copy_row(out[y - 1].reshape(row), to)
        elif has_runs(line):
            _hsv_of_runs(line, blue, to)
        else:
            _hsv_of_row(line, blue, to)
    return 0


@kernel
def has_runs(row: U8) -> bool:
    """Say whether most pixels of a row, three bytes each, are like the one before."""
    changes = 0
    before, after = row, row[3:]
    for i in range(after.shape[0]):
        changes += before[i] != after[i]
    return bool(6 * changes < row.shape[0])


@kernel
def _hsv_of_runs(row: U8, blue: int, out: U8) -> None:
    """Compute HSV once for each run of equal pixels."""
    last_0 = last_1 = last_2 = np.int32(-1)
    hue = saturation = value = np.uint8(0)
    for x in range(np.uint64(row.shape[0] // 3)):
        # Unsigned, so that no index can be from the end; here and below.
        i = x * np.uint64(3)
        j, k = i + np.uint64(1), i + np.uint64(2)
        now_0, now_1, now_2 = np.int32(row[i]), np.int32(row[j]), np.int32(row[k])
        if now_0 != last_0 or now_1 != last_1 or now_2 != last_2:
            last_0, last_1, last_2 = now_0, now_1, now_2
            hue, saturation, value = _hsv(now_0, now_1, now_2, blue)
        out[i], out[j], out[k] = hue, saturation, value


@kernel
def _rounded(number: Any) -> Any:
    """Round a float32 of 0 to 2^22 half to even: where it is added, no bits for a fraction are left.

    A call of `numpy.rint` would be one for each pixel.
    """
    return np.int32((number + _NO_FRACTION) - _NO_FRACTION)


@kernel
def _hue(b: Any, g: Any, r: Any, value: Any, spread: Any) -> Any:
    """Compute the hue of a pixel, all int32, without branches, so that vectors can be made of it."""
    by_range = _rounded(_RANGE_SCALE / np.float32(max(spread, np.int32(1))))
    hue = np.int32(r - g + 4 * spread)
    hue = np.int32(b - r + 2 * spread) if value == g else hue
    hue = np.int32(g - b) if value == r else hue
    hue = np.int32((hue * by_range + _HALF) >> _SHIFT)
    return np.int32(hue + 180) if hue < 0 else hue


@kernel
def _hsv_of_row(row: U8, blue: int, out: U8) -> None:
    """Compute HSV of every pixel without a branch or a table, which vectors do."""
    for x in range(np.uint64(row.shape[0] // 3)):
        i = x * np.uint64(3)
        j, k = i + np.uint64(1), i + np.uint64(2)
        first, g, last = np.int32(row[i]), np.int32(row[j]), np.int32(row[k])
        b, r = (last, first) if blue == 2 else (first, last)
        value = max(b, g, r)
        spread = value - min(b, g, r)
        # Nothing is in spread or value where they are 0.
        by_value = _rounded(_VALUE_SCALE / np.float32(max(value, np.int32(1))))
        out[i] = np.uint8(_hue(b, g, r, value, spread))
        out[j] = np.uint8((spread * by_value + _HALF) >> _SHIFT)
        out[k] = np.uint8(value)


@kernel
def _hsv(first: Byte, green: Byte, last: Byte, blue: int) -> tuple[Byte, Byte, Byte]:
    b, r = (last, first) if blue == 2 else (first, last)
    value = max(b, green, r)
    spread = value - min(b, green, r)
    if value == r:
        hue = green - b
    elif value == green:
        hue = b - r + 2 * spread
    else:
        hue = r - green + 4 * spread
    hue = (hue * _BY_RANGE[np.uint8(spread)] + _HALF) >> _SHIFT
    if hue < 0:
        hue += 180
    saturation = (spread * _BY_VALUE[np.uint8(value)] + _HALF) >> _SHIFT
    return np.uint8(hue), np.uint8(saturation), np.uint8(value)


@kernel
def in_range_hsv(
    image: U8,
    blue: int,
    low_h: int,
    low_s: int,
    low_v: int,
    high_h: int,
    high_s: int,
    high_v: int,
    out: U8,
) -> int:
    """Compute `cv2.inRange` of `cv2.cvtColor` to HSV in one sweep.

    A row like the one above it gets its mask. In another, value and saturation are tested first;
    the hue is computed only in rows in which some pixel has both.

    Args:
        image: uint8 ``[H, W, 3]``.
        blue: Channel of blue: 0 (BGR) or 2 (RGB).
        low_h: Smallest hue; the five others likewise. Bounds are inclusive, of any size.
        low_s: Smallest saturation.
        low_v: Smallest value.
        high_h: Largest hue.
        high_s: Largest saturation.
        high_v: Largest value.
        out: uint8 ``[H, W]``, written: 255 where all three are in range, else 0.

    Returns:
        How many pixels are in range, or -1 if a shape or ``blue`` does not fit.
    """
    height, width, channels = image.shape
    if channels != 3 or (blue != 0 and blue != 2):
        return -1
    if out.shape[0] != height or out.shape[1] != width:
        return -1
    # What is outside of a byte is as good as the nearest number outside of it.
    h0 = np.int32(min(max(low_h, -1), 256))
    s0 = np.int32(min(max(low_s, -1), 256))
    v0 = np.int32(min(max(low_v, -1), 256))
    h1 = np.int32(min(max(high_h, -1), 256))
    s1 = np.int32(min(max(high_s, -1), 256))
    v1 = np.int32(min(max(high_v, -1), 256))
    pixels = image.reshape((height, 3 * width))
    red = 2 - blue
    found: Any = 0
    here: Any = np.int32(0)
    for y in range(height):
        if y > 0 and is_same(pixels[y], pixels[y - 1]):
            copy_row(out[y - 1], out[y])
            found += here
            continue
        some = np.uint8(0)
        for x in range(width):
            b = np.int32(image[y, x, 0])
            g = np.int32(image[y, x, 1])
            r = np.int32(image[y, x, 2])
            value = max(b, g, r)
            spread = value - min(b, g, r)
            by_value = _rounded(_VALUE_SCALE / np.float32(max(value, np.int32(1))))
            saturation = np.int32((spread * by_value + _HALF) >> _SHIFT)
            inside = (value >= v0) & (value <= v1) & (saturation >= s0) & (saturation <= s1)
            mask = np.uint8(255 if inside else 0)
            some = np.uint8(some | mask)
            out[y, x] = mask
        here = np.int32(0)
        if some == 0:
            continue
        for x in range(width):
            first = np.int32(image[y, x, 0])
            g = np.int32(image[y, x, 1])
            last = np.int32(image[y, x, 2])
            b = last if red == 0 else first
            r = first if red == 0 else last
            value = max(b, g, r)
            spread = value - min(b, g, r)
            hue = _hue(b, g, r, value, spread)
            mask = out[y, x] if (hue >= h0) & (hue <= h1) else np.uint8(0)
            here = np.int32(here + (mask & 1))
            out[y, x] = mask
        found += here
    return whole(found)


@kernel
def gray_from_colour(image: U8, blue: int, out: U8) -> int:
    """Compute `cv2.cvtColor` to grey; arguments as `hsv_from_colour`, ``out`` uint8 ``[H, W]``."""
    height, width, channels = image.shape
    if channels != 3 or (blue != 0 and blue != 2):
        return -1
    if out.shape[0] != height or out.shape[1] != width:
        return -1
    first = np.int32(_BLUE if blue == 0 else _RED)
    last = np.int32(_RED if blue == 0 else _BLUE)
    for y in range(height):
        for x in range(width):
            total = (
                np.int32(image[y, x, 0]) * first
                + np.int32(image[y, x, 1]) * np.int32(_GREEN)
                + np.int32(image[y, x, 2]) * last
            )
            out[y, x] = np.uint8((total + 16384) >> 15)
    return 0


@kernel
def channels_swapped(image: U8, out: U8) -> int:
    """Compute `cv2.cvtColor` between RGB and BGR; both uint8 ``[H, W, 3]``; 0 or -1."""
    height, width, channels = image.shape
    if channels != 3 or out.shape != image.shape:
        return -1
    for y in range(height):
        for x in range(width):
            out[y, x, 0] = image[y, x, 2]
            out[y, x, 1] = image[y, x, 1]
            out[y, x, 2] = image[y, x, 0]
    return 0


@kernel
def gray_to_colour(image: U8, out: U8) -> int:
    """Compute `cv2.cvtColor` from grey: uint8 ``[H, W]`` to ``[H, W, 3]``; 0 or -1."""
    height, width = image.shape
    if out.shape[0] != height or out.shape[1] != width or out.shape[2] != 3:
        return -1
    for y in range(height):
        for x in range(width):
            out[y, x, 0] = image[y, x]
            out[y, x, 1] = image[y, x]
            out[y, x, 2] = image[y, x]
    return 0
