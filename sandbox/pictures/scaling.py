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

from sandbox.pictures.flags import F32, I32, U8, kernel, real, whole
from sandbox.pictures.rows import copy_row

__all__ = [
    "resize_area",
    "resize_area_scratch",
    "resize_linear",
    "resize_linear_scratch",
    "resize_nearest",
]


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
    row = to_width * channels
    last_y = -1
    for y in range(to_height):
        from_y = min(whole(math.floor(y * down)), height - 1)
        line = out[y].reshape(row)
        if from_y == last_y:
            copy_row(out[y - 1].reshape(row), line)
            continue
        last_y = from_y
        source = image[from_y].reshape(width * channels)
        at = np.uint64(0)
        for x in range(to_width):
            start = np.uint64(min(whole(math.floor(x * across)), width - 1) * channels)
            # Unsigned, so that no index can be from the end.
            for c in range(np.uint64(channels)):
                line[at] = source[start + c]
                at += np.uint64(1)
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
    if channels == 3:
        line = image[y].reshape(3 * width)
        three = np.uint64(3)
        # Unsigned, so that no index can be from the end; columns of the picture by construction.
        for column in range(np.uint64(out.shape[0] // 3)):
            place, to = np.uint64(4) * column, three * column
            before = three * np.uint64(places[place])
            after = three * np.uint64(places[place + np.uint64(1)])
            near, far = places[place + np.uint64(2)], places[place + three]
            for c in range(three):
                out[to + c] = np.int32(line[before + c]) * near + np.int32(line[after + c]) * far
        return 0
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


def resize_area_scratch(to_width: int, channels: int) -> int:
    """Give the float32 elements of scratch memory for a result of that width."""
    return to_width * (2 * channels + 5) + 5


@kernel
def resize_area(image: U8, out: U8, scratch: F32) -> int:
    """Compute `cv2.resize` with ``INTER_AREA`` to a size that is not larger along either side.

    Args:
        image: uint8 ``[H, W, C]``.
        out: uint8 ``[h, w, C]``, written.
        scratch: float32, `resize_area_scratch` elements.

    Returns:
        0; -1 if an array is empty or too small; -2 where a side becomes longer, which OpenCV does by
        another rule.
    """
    height, width, channels = image.shape
    to_height, to_width = out.shape[0], out.shape[1]
    if out.shape[2] != channels or height * width * to_height * to_width == 0:
        return -1
    if scratch.shape[0] < to_width * (2 * channels + 5) + 5:
        return -1
    if to_height > height or to_width > width:
        return -2
    if height % to_height == 0 and width % to_width == 0:
        return _whole_fraction(image, out)
    across = 1.0 / (real(to_width) / real(width))
    down = 1.0 / (real(to_height) / real(height))
    row = to_width * channels
    line = scratch[:row]
    total = scratch[row : 2 * row]
    places = scratch[2 * row :]
    for x in range(to_width):
        _share(x, across, width, places, 5 * x)
    weights = scratch[2 * row + 5 * to_width : 2 * row + 5 * to_width + 5]
    for y in range(to_height):
        _share(y, down, height, weights, 0)
        low = whole(weights[0])
        high = whole(weights[1])
        fresh = True
        for i in range(low - 1, high + 1):
            weight = weights[3]
            if i == low - 1:
                weight = weights[2]
            elif i == high:
                weight = weights[4]
            if weight == np.float32(0.0):
                continue
            _across(image, i, places, line)
            for k in range(row):
                part = np.float32(weight * line[k])
                total[k] = part if fresh else np.float32(total[k] + part)
            fresh = False
        flat = out[y].reshape(row)
        for k in range(row):
            flat[k] = np.uint8(min(max(np.rint(total[k]), np.float32(0.0)), np.float32(255.0)))
    return 0


@kernel
def _share(place: int, scale: float, size: int, out: F32, at: int) -> int:
    """Write which pixels a pixel of the result covers, and the weights of first, middle and last.

    The first and the last are those that it covers in part; their weight is 0 where there is none.
    """
    start = place * scale
    end = start + scale
    covered = min(scale, size - start)
    first = whole(math.ceil(start))
    last = min(whole(math.floor(end)), size - 1)
    first = min(first, last)
    out[at] = np.float32(first)
    out[at + 1] = np.float32(last)
    out[at + 2] = np.float32(0.0)
    out[at + 3] = np.float32(1.0 / covered)
    out[at + 4] = np.float32(0.0)
    if first - start > 1e-3:
        out[at + 2] = np.float32((first - start) / covered)
    if end - last > 1e-3:
        out[at + 4] = np.float32(min(end - last, 1.0, covered) / covered)
    return 0


@kernel
def _across(image: U8, y: int, places: F32, out: F32) -> int:
    """Weight the pixels of one row, adding up in float32 from left to right."""
    channels = image.shape[2]
    for x in range(out.shape[0] // channels):
        first = whole(places[5 * x])
        last = whole(places[5 * x + 1])
        for c in range(channels):
            total = np.float32(0.0)
            if places[5 * x + 2] != np.float32(0.0):
                total = np.float32(
                    total + np.float32(np.float32(image[y, first - 1, c]) * places[5 * x + 2])
                )
            for i in range(first, last):
                total = np.float32(
                    total + np.float32(np.float32(image[y, i, c]) * places[5 * x + 3])
                )
            if places[5 * x + 4] != np.float32(0.0):
                total = np.float32(
                    total + np.float32(np.float32(image[y, last, c]) * places[5 * x + 4])
                )
            out[x * channels + c] = total
    return 0


@kernel
def _whole_fraction(image: U8, out: U8) -> int:
    """Scale to a whole fraction of each side."""
    height, width, channels = image.shape
    to_height, to_width = out.shape[0], out.shape[1]
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
