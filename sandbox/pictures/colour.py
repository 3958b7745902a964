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

from sandbox.pictures.flags import I32, U8, kernel

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
    swap = blue == 2
    for y in range(height):
        for x in range(width):
            b = np.int32(image[y, x, 0])
            g = np.int32(image[y, x, 1])
            r = np.int32(image[y, x, 2])
            if swap:
                b, r = r, b
            value = max(b, g, r)
            spread = value - min(b, g, r)
            if value == r:
                hue = g - b
            elif value == g:
                hue = b - r + 2 * spread
            else:
                hue = r - g + 4 * spread
            hue = (hue * _BY_RANGE[np.uint8(spread)] + _HALF) >> _SHIFT
            if hue < 0:
                hue += 180
            out[y, x, 0] = np.uint8(hue)
            out[y, x, 1] = np.uint8((spread * _BY_VALUE[np.uint8(value)] + _HALF) >> _SHIFT)
            out[y, x, 2] = np.uint8(value)
    return 0


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
    swap = blue == 2
    found = 0
    for y in range(height):
        for x in range(width):
            b = np.int32(image[y, x, 0])
            g = np.int32(image[y, x, 1])
            r = np.int32(image[y, x, 2])
            value = max(b, g, r)
            if value < low_v or value > high_v:
                out[y, x] = 0
                continue
            spread = value - min(b, g, r)
            saturation = (spread * _BY_VALUE[np.uint8(value)] + _HALF) >> _SHIFT
            if saturation < low_s or saturation > high_s:
                out[y, x] = 0
                continue
            if swap:
                b, r = r, b
            if value == r:
                hue = g - b
            elif value == g:
                hue = b - r + 2 * spread
            else:
                hue = r - g + 4 * spread
            hue = (hue * _BY_RANGE[np.uint8(spread)] + _HALF) >> _SHIFT
            if hue < 0:
                hue += 180
            inside = low_h <= hue <= high_h
            found += inside
            out[y, x] = np.uint8(255 if inside else 0)
    return found


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
