"""Colour: RGB and BGR to HSV, to grey and to each other, and the fused search for a colour.

Pixels are uint8 ``[H, W, 3]``. ``blue`` says which channel is blue: 0 for BGR, 2 for RGB. HSV has
hues of 0 to 179, two degrees each, as OpenCV's 8-bit images do; the divisions are multiplications
with 12-bit fixed-point reciprocals, rounded half up, so the last bit is OpenCV's.

Reference: OpenCV 5, ``modules/imgproc/src/color_hsv.simd.hpp`` and ``color_rgb.simd.hpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917, PLR1714
from __future__ import annotations

from typing import Final

import numpy as np

from sandbox.pictures.flags import I32, U8, Byte, kernel, whole

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

_VALUE_SCALE: Final = np.float32(255 << _SHIFT)
_RANGE_SCALE: Final = np.float32((180 << _SHIFT) / 6.0)

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
def is_same(first: U8, second: U8) -> bool:
    """Say whether two rows of one length are the same; drawn pictures have many such."""
    other = np.uint8(0)
    for i in range(first.shape[0]):
        other |= first[i] ^ second[i]
    return whole(other) == 0


@kernel
def copy_row(row: U8, out: U8) -> None:
    """Copy a row into another of its length."""
    for i in range(row.shape[0]):
        out[i] = row[i]


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
def _hsv_of_row(row: U8, blue: int, out: U8) -> None:
    """Compute HSV of every pixel without a branch or a table, which vectors do."""
    for x in range(np.uint64(row.shape[0] // 3)):
        i = x * np.uint64(3)
        j, k = i + np.uint64(1), i + np.uint64(2)
        first, green, last = np.int32(row[i]), np.int32(row[j]), np.int32(row[k])
        b, r = (last, first) if blue == 2 else (first, last)
        value = max(b, green, r)
        spread = value - min(b, green, r)
        by_green = b - r + 2 * spread
        by_blue = r - green + 4 * spread
        hue = green - b if value == r else (by_green if value == green else by_blue)
        # For 1 to 255 these are the tables' entries; for 0 what they are multiplied with is 0.
        by_range = np.int32(np.rint(_RANGE_SCALE / np.float32(max(spread, np.int32(1)))))
        by_value = np.int32(np.rint(_VALUE_SCALE / np.float32(max(value, np.int32(1)))))
        hue = (hue * by_range + np.int32(_HALF)) >> np.int32(_SHIFT)
        hue = hue + np.int32(180) if hue < 0 else hue
        out[i] = np.uint8(hue)
        out[j] = np.uint8((spread * by_value + np.int32(_HALF)) >> np.int32(_SHIFT))
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

    Value and saturation are tested before the hue is computed, which most pixels are spared.

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
    found = 0
    row = 3 * width
    here = 0
    for y in range(height):
        line, to = image[y].reshape(row), out[y]
        if y > 0 and is_same(line, image[y - 1].reshape(row)):
            copy_row(out[y - 1], to)
            found += here
            continue
        here = 0
        if has_runs(line):
            last_0 = last_1 = last_2 = np.int32(-1)
            inside = False
            for x in range(np.uint64(width)):
                i = x * np.uint64(3)
                now_0 = np.int32(line[i])
                now_1 = np.int32(line[i + np.uint64(1)])
                now_2 = np.int32(line[i + np.uint64(2)])
                if now_0 != last_0 or now_1 != last_1 or now_2 != last_2:
                    last_0, last_1, last_2 = now_0, now_1, now_2
                    inside = _is_in_hsv(
                        now_0, now_1, now_2, blue, low_h, low_s, low_v, high_h, high_s, high_v
                    )
                here += inside
                to[x] = np.uint8(255 if inside else 0)
        else:
            for x in range(width):
                inside = _is_in_hsv(
                    np.int32(image[y, x, 0]),
                    np.int32(image[y, x, 1]),
                    np.int32(image[y, x, 2]),
                    blue,
                    low_h,
                    low_s,
                    low_v,
                    high_h,
                    high_s,
                    high_v,
                )
                here += inside
                to[x] = np.uint8(255 if inside else 0)
        found += here
    return found


@kernel
def _is_in_hsv(
    first: Byte,
    green: Byte,
    last: Byte,
    blue: int,
    low_h: int,
    low_s: int,
    low_v: int,
    high_h: int,
    high_s: int,
    high_v: int,
) -> bool:
    value = max(first, green, last)
    if value < low_v or value > high_v:
        return False
    spread = value - min(first, green, last)
    saturation = (spread * _BY_VALUE[np.uint8(value)] + _HALF) >> _SHIFT
    if saturation < low_s or saturation > high_s:
        return False
    b, r = (last, first) if blue == 2 else (first, last)
    if value == r:
        hue = green - b
    elif value == green:
        hue = b - r + 2 * spread
    else:
        hue = r - green + 4 * spread
    hue = (hue * _BY_RANGE[np.uint8(spread)] + _HALF) >> _SHIFT
    if hue < 0:
        hue += 180
    return low_h <= whole(hue) <= high_h


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
