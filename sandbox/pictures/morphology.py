"""Erosion, dilation and what is made of them, with any structuring element.

What lies outside the picture never wins: it counts as 255 for an erosion and as 0 for a dilation,
which is OpenCV's default border. Every element of the structuring element is one sweep of shifted
rows, which the compiler makes vectors of; rows that need none are known before.

Reference: OpenCV 5, ``modules/imgproc/src/morph.dispatch.cpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917, PLR1714, SIM109
from __future__ import annotations

import math
from typing import Final

import numpy as np

from sandbox.pictures.flags import U8, kernel, real, whole
from sandbox.pictures.rows import copy_row

__all__ = ["morphology", "morphology_scratch", "structuring_element"]


ERODE: Final = 0
DILATE: Final = 1
OPEN: Final = 2
CLOSE: Final = 3
GRADIENT: Final = 4
TOPHAT: Final = 5
BLACKHAT: Final = 6

RECT: Final = 0
CROSS: Final = 1
ELLIPSE: Final = 2


@kernel
def structuring_element(shape: int, anchor_x: int, anchor_y: int, out: U8) -> int:
    """Compute `cv2.getStructuringElement`.

    Args:
        shape: 0 rectangle, 1 cross, 2 ellipse.
        anchor_x: Where a cross has its upright; -1 for the middle.
        anchor_y: Where it has its beam; -1 for the middle.
        out: uint8 ``[H, W]``, written: 0 and 1.

    Returns:
        0, or -1 for a shape or anchor that is none.
    """
    height, width = out.shape
    if anchor_x == -1:
        anchor_x = width // 2
    if anchor_y == -1:
        anchor_y = height // 2
    if not (0 <= anchor_x < width and 0 <= anchor_y < height) or shape < 0 or shape > ELLIPSE:
        return -1
    if width == 1 and height == 1:
        shape = RECT
    r = height // 2
    c = width // 2
    inverse = 1.0 / (real(r) * r) if r > 0 else 0.0
    for y in range(height):
        start = end = 0
        if shape == RECT or (shape == CROSS and y == anchor_y):
            end = width
        elif shape == CROSS:
            start = anchor_x
            end = start + 1
        else:
            dy = y - r
            if abs(dy) <= r:
                dx = whole(np.rint(c * math.sqrt((r * r - dy * dy) * inverse)))
                start = max(c - dx, 0)
                end = min(c + dx + 1, width)
        for x in range(width):
            out[y, x] = np.uint8(1 if start <= x < end else 0)
    return 0


_ZEROS: Final = 1
_FULL: Final = 2
_AS_ABOVE: Final = 4
"""What is known of a row, in bits: all 0, all 255, equal to the row above."""


def morphology_scratch(height: int, width: int) -> int:
    """Give the uint8 elements of scratch memory for a picture."""
    return 2 * height * width + height


@kernel
def _know_rows(image: U8, kinds: U8) -> int:
    """Say of each row what `_once` can use."""
    height, width = image.shape
    for y in range(height):
        row = image[y]
        above = image[max(y - 1, 0)]
        some = np.uint8(0)
        every = np.uint8(255)
        different = np.uint8(0)
        for x in range(width):
            some = np.uint8(some | row[x])
            every = np.uint8(every & row[x])
            different = np.uint8(different | (row[x] ^ above[x]))
        kind = (_ZEROS if some == 0 else 0) | (_FULL if every == 255 else 0)
        kinds[y] = np.uint8(kind | (_AS_ABOVE if y > 0 and different == 0 else 0))
    return 0


@kernel
def _combined(to: U8, other: U8, dilate: bool) -> int:
    """Keep the larger, or smaller, of every pair."""
    n = min(to.shape[0], other.shape[0])
    if dilate:
        for x in range(n):
            to[x] = max(to[x], other[x])
    else:
        for x in range(n):
            to[x] = min(to[x], other[x])
    return 0


@kernel
def _across(row: U8, element: U8, ax: int, dilate: bool, out: U8) -> int:
    """Combine ``out`` with one row, shifted by every pixel of one row of the element."""
    width = row.shape[0]
    for j in range(element.shape[0]):
        shift = j - ax
        start = max(0, -shift)
        end = min(width, width - shift)
        if element[j] != 0 and end > start:
            _combined(out[start:end], row[start + shift : end + shift], dilate)
    return 0


@kernel
def _once(image: U8, element: U8, ax: int, ay: int, dilate: bool, out: U8, kinds: U8) -> int:
    """Erode or dilate once, from one array into another.

    Most of a mask is empty or full, and many a row is like the one above it: a row that cannot win
    is left out, one that always wins ends the search, and where all rows under the element are as
    one pixel further up, so is the result.
    """
    height, width = image.shape
    tall = element.shape[0]
    _know_rows(image, kinds)
    loses = _ZEROS if dilate else _FULL
    wins = _FULL if dilate else _ZEROS
    fill = np.uint8(0 if dilate else 255)
    other = np.uint8(255 if dilate else 0)
    seen = 0
    unlike = 0
    for y in range(height):
        top = y - ay
        bottom = top + tall - 1
        # The last row down to the bottom that is not like the one above it.
        while seen < height and seen <= bottom:
            if not kinds[seen] & _AS_ABOVE:
                unlike = seen
            seen += 1
        row = out[y]
        if top > 0 and bottom < height and unlike < top:
            copy_row(out[y - 1], row)
            continue
        full = False
        for i in range(max(0, -top), min(tall, height - top)):
            # Under the element's own column a winning row wins everywhere.
            full = full or ((kinds[top + i] & wins) != 0 and element[i, ax] != 0)
        for x in range(width):
            row[x] = other if full else fill
        if full:
            continue
        for i in range(max(0, -top), min(tall, height - top)):
            if not kinds[top + i] & loses:
                _across(image[top + i], element[i], ax, dilate, row)
    return 0


@kernel
def _by_sides(
    image: U8, across: int, down: int, ax: int, ay: int, dilate: bool, out: U8, spare: U8
) -> int:
    """Erode or dilate once by a full rectangle: along the rows, then along the columns.

    Both go over the picture as one line, which the compiler makes long vectors of; along the rows
    what that mixes of two rows, near the sides, is done again. ``image`` may be ``out``.
    """
    height, width = image.shape
    fill = np.uint8(0 if dilate else 255)
    area = height * width
    source, middle, to = image.reshape(area), spare.reshape(area), out.reshape(area)
    for i in range(area):
        middle[i] = fill
    for j in range(across):
        shift = j - ax
        start, end = max(0, -shift), min(area, area - shift)
        if end > start:
            _combined(middle[start:end], source[start + shift : end + shift], dilate)
    left, right = min(ax, width), min(across - 1 - ax, width)
    for y in range(height):
        row, line = image[y], spare[y]
        for k in range(left + right):
            x = k if k < left else width - 1 - (k - left)
            best = fill
            for i in range(max(x - ax, 0), min(x - ax + across, width)):
                best = max(best, row[i]) if dilate else min(best, row[i])
            line[x] = best
    for i in range(area):
        to[i] = fill
    for i in range(down):
        shift = (i - ay) * width
        start, end = max(0, -shift), min(area, area - shift)
        if end > start:
            _combined(to[start:end], middle[start + shift : end + shift], dilate)
    return 0


@kernel
def _is_full(element: U8) -> bool:
    for i in range(element.shape[0]):
        for j in range(element.shape[1]):
            if element[i, j] == 0:
                return False
    return element.size > 0


@kernel
def _often(
    image: U8,
    element: U8,
    ax: int,
    ay: int,
    dilate: bool,
    times: int,
    out: U8,
    spare: U8,
    kinds: U8,
) -> int:
    """Erode or dilate several times; the result is in ``out``."""
    height, width = image.shape
    if _is_full(element):
        across, down = element.shape[1], element.shape[0]
        _by_sides(image, across, down, ax, ay, dilate, out, spare)
        for _ in range(1, times):
            _by_sides(out, across, down, ax, ay, dilate, out, spare)
        return 0
    _once(image, element, ax, ay, dilate, out, kinds)
    for _ in range(1, times):
        for y in range(height):
            for x in range(width):
                spare[y, x] = out[y, x]
        _once(spare, element, ax, ay, dilate, out, kinds)
    return 0


@kernel
def morphology(
    image: U8,
    operation: int,
    element: U8,
    anchor_x: int,
    anchor_y: int,
    iterations: int,
    out: U8,
    scratch: U8,
) -> int:
    """Compute `cv2.morphologyEx`, `cv2.erode` or `cv2.dilate` of one channel, default border.

    Args:
        image: uint8 ``[H, W]``.
        operation: 0 erode, 1 dilate, 2 open, 3 close, 4 gradient, 5 top hat, 6 black hat.
        element: uint8 ``[h, w]``; what is not 0 belongs to the structuring element. For OpenCV's
            missing kernel pass three by three ones.
        anchor_x: Its origin, or -1 for the middle.
        anchor_y: The same.
        iterations: How often each step is done, at least 1.
        out: uint8 ``[H, W]``, written.
        scratch: uint8, `morphology_scratch` elements.

    Returns:
        0; -1 if an array is too small or an argument is none of these.
    """
    height, width = image.shape
    area = height * width
    if out.shape != image.shape or scratch.shape[0] < 2 * area + height:
        return -1
    if operation < ERODE or operation > BLACKHAT or iterations < 1:
        return -1
    if anchor_x == -1:
        anchor_x = element.shape[1] // 2
    if anchor_y == -1:
        anchor_y = element.shape[0] // 2
    if not (0 <= anchor_x < element.shape[1] and 0 <= anchor_y < element.shape[0]):
        return -1
    spare = scratch[:area].reshape((height, width))
    middle = scratch[area : 2 * area].reshape((height, width))
    kinds = scratch[2 * area : 2 * area + height]
    if operation <= DILATE:
        return _often(
            image, element, anchor_x, anchor_y, operation == DILATE, iterations, out, spare,
            kinds,
        )  # fmt: skip
    dilate_first = operation == CLOSE or operation == BLACKHAT or operation == GRADIENT
    ax, ay = anchor_x, anchor_y
    _often(image, element, ax, ay, dilate_first, iterations, middle, spare, kinds)
    if operation == GRADIENT:
        _often(image, element, ax, ay, False, iterations, out, spare, kinds)
        for y in range(height):
            for x in range(width):
                a = whole(middle[y, x])
                b = whole(out[y, x])
                out[y, x] = np.uint8(max(a - b, 0))
        return 0
    _often(middle, element, ax, ay, not dilate_first, iterations, out, spare, kinds)
    if operation == TOPHAT:
        for y in range(height):
            for x in range(width):
                a = whole(image[y, x])
                b = whole(out[y, x])
                out[y, x] = np.uint8(max(a - b, 0))
    elif operation == BLACKHAT:
        for y in range(height):
            for x in range(width):
                a = whole(out[y, x])
                b = whole(image[y, x])
                out[y, x] = np.uint8(max(a - b, 0))
    return 0
