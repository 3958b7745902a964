"""Scaling of pictures to another size.

Both ratios are taken the way OpenCV takes them, ``1 / (to / from)``, because a ratio that is one
bit off picks another pixel. The linear kernel has weights of 11 bits and rounds twice, along rows
and then along columns, as OpenCV's does for 8-bit pictures.

Reference: OpenCV 5, ``modules/imgproc/src/resize.cpp``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sandbox.pictures.flags import I32, U8, kernel, real, whole

__all__ = ["resize_area", "resize_linear", "resize_linear_scratch", "resize_nearest"]


_BITS: Final = 2048.0


@kernel
def resize_nearest(image: U8, out: U8) -> int:
    """Compute `cv2.resize` with ``INTER_NEAREST``: uint8 ``[H, W, C]`` to ``[h, w, C]``; 0 or -1."""
    height, width, channels = image.shape
    to_height, to_width = out.shape[0], out.shape[1]
    if out.shape[2] != channels or height * width * to_height * to_width == 0:
        return -1
    across = 1.0 / (real(to_width) / real(width))
    down = 1.0 / (real(to_height) / real(height))
    before = -1
    for y in range(to_height):
        from_y = min(whole(math.floor(y * down)), height - 1)
        if from_y == before:
            # Enlarged, a row comes several times.
            row = out[y].reshape(-1)
            above = out[y - 1].reshape(-1)
            for i in range(row.shape[0]):
                row[i] = above[i]
            continue
        before = from_y
        for x in range(to_width):
            from_x = min(whole(math.floor(x * across)), width - 1)
            for c in range(channels):
                out[y, x, c] = image[from_y, from_x, c]
    return 0


def resize_linear_scratch(to_width: int, channels: int) -> int:
    """Give the int32 elements of scratch memory for a result of that size."""
    return 4 * to_width + 2 * to_width * channels


@kernel
def _place(to: int, ratio: float) -> tuple[int, int, int]:
    """Give the pixel before a place and the weights of it and the next."""
    at = np.float32((to + 0.5) * ratio - 0.5)
    first = whole(math.floor(at))
    part = np.float32(at - np.float32(first))
    rest = np.float32(np.float32(1.0) - part)
    return (
        first,
        whole(np.rint(np.float32(rest * np.float32(_BITS)))),
        whole(np.rint(np.float32(part * np.float32(_BITS)))),
    )


@kernel
def resize_linear(image: U8, out: U8, scratch: I32) -> int:
    """Compute `cv2.resize` with ``INTER_LINEAR``, the default.

    Args:
        image: uint8 ``[H, W, C]``.
        out: uint8 ``[h, w, C]``, written.
        scratch: int32, `resize_linear_scratch` elements.

    Returns:
        0, or -1 if an array is empty or too small.
    """
    height, width, channels = image.shape
    to_height, to_width = out.shape[0], out.shape[1]
    row = to_width * channels
    if out.shape[2] != channels or height * width * to_height * to_width == 0:
        return -1
    if scratch.shape[0] < 4 * to_width + 2 * row:
        return -1
    if height == 2 * to_height and width == 2 * to_width:
        return _halve(image, out)
    across = 1.0 / (real(to_width) / real(width))
    down = 1.0 / (real(to_height) / real(height))
    for x in range(to_width):
        first, a, b = _place(x, across)
        if first < 0:
            first, a, b = 0, 2048, 0
        elif first >= width - 1:
            first, a, b = width - 1, 2048, 0
        scratch[4 * x] = first
        scratch[4 * x + 1] = min(first + 1, width - 1)
        scratch[4 * x + 2] = a
        scratch[4 * x + 3] = b
    upper = scratch[4 * to_width : 4 * to_width + row]
    lower = scratch[4 * to_width + row : 4 * to_width + 2 * row]
    upper_y = lower_y = -1
    for y in range(to_height):
        first, a, b = _place(y, down)
        y0 = min(max(first, 0), height - 1)
        y1 = min(max(first + 1, 0), height - 1)
        if upper_y != y0:
            if lower_y == y0:
                upper, lower = lower, upper
                lower_y = upper_y
            else:
                _along(image, y0, scratch, upper)
            upper_y = y0
        if lower_y != y1:
            _along(image, y1, scratch, lower)
            lower_y = y1
        line = out[y].reshape(row)
        for i in range(row):
            top = (np.int32(a) * (upper[i] >> 4)) >> 16
            bottom = (np.int32(b) * (lower[i] >> 4)) >> 16
            line[i] = np.uint8(min((top + bottom + 2) >> 2, 255))
    return 0


@kernel
def _along(image: U8, y: int, places: I32, out: I32) -> int:
    """Weight the pixels of one row."""
    width = image.shape[1]
    channels = image.shape[2]
    for x in range(out.shape[0] // channels):
        i = min(max(whole(places[4 * x]), 0), width - 1)
        j = min(max(whole(places[4 * x + 1]), 0), width - 1)
        for c in range(channels):
            out[x * channels + c] = (
                whole(image[y, i, c]) * places[4 * x + 2]
                + whole(image[y, j, c]) * places[4 * x + 3]
            )
    return 0


@kernel
def _halve(image: U8, out: U8) -> int:
    """Scale to half, which OpenCV does by the mean of four pixels."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            for c in range(out.shape[2]):
                total = (
                    whole(image[2 * y, 2 * x, c])
                    + whole(image[2 * y, 2 * x + 1, c])
                    + whole(image[2 * y + 1, 2 * x, c])
                    + whole(image[2 * y + 1, 2 * x + 1, c])
                )
                out[y, x, c] = np.uint8((total + 2) >> 2)
    return 0


@kernel
def resize_area(image: U8, out: U8) -> int:
    """Compute `cv2.resize` with ``INTER_AREA`` to a whole fraction of each side.

    Args:
        image: uint8 ``[H, W, C]``.
        out: uint8 ``[h, w, C]``, written; H a multiple of h, W of w.

    Returns:
        0, or -1 if an array is empty or a side no multiple.
    """
    height, width, channels = image.shape
    to_height, to_width = out.shape[0], out.shape[1]
    if out.shape[2] != channels or height * width * to_height * to_width == 0:
        return -1
    if height % to_height != 0 or width % to_width != 0:
        return -1
    down = height // to_height
    across = width // to_width
    if down == 2 and across == 2:
        return _halve(image, out)
    share = np.float32(np.float32(1.0) / np.float32(down * across))
    for y in range(to_height):
        for x in range(to_width):
            for c in range(channels):
                total = 0
                for i in range(down):
                    for j in range(across):
                        total += whole(image[y * down + i, x * across + j, c])
                out[y, x, c] = np.uint8(np.rint(np.float32(np.float32(total) * share)))
    return 0
