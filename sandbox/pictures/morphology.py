"""Erosion, dilation and what is made of them, with any structuring element.

What lies outside the picture never wins: it counts as 255 for an erosion and as 0 for a dilation,
which is OpenCV's default border. Every element of the structuring element is one sweep of shifted
rows, which the compiler makes vectors of.

Reference: OpenCV 5, ``modules/imgproc/src/morph.dispatch.cpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917, PLR1714, SIM109
from __future__ import annotations

import math
from typing import Final

import numpy as np

from sandbox.pictures.flags import U8, kernel, real, whole

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


def morphology_scratch(height: int, width: int) -> int:
    """Give the uint8 elements of scratch memory for a picture."""
    return 2 * height * width


@kernel
def _once(image: U8, element: U8, ax: int, ay: int, dilate: bool, out: U8) -> int:
    """Erode or dilate once, from one array into another."""
    height, width = image.shape
    for y in range(height):
        row = out[y]
        fill = np.uint8(0 if dilate else 255)
        for x in range(width):
            row[x] = fill
        for i in range(element.shape[0]):
            from_y = y + i - ay
            if from_y < 0 or from_y >= height:
                continue
            for j in range(element.shape[1]):
                if element[i, j] == 0:
                    continue
                shift = j - ax
                start = max(0, -shift)
                end = min(width, width - shift)
                if end <= start:
                    continue
                to = row[start:end]
                other = image[from_y, start + shift : end + shift]
                if dilate:
                    for x in range(to.shape[0]):
                        to[x] = max(to[x], other[x])
                else:
                    for x in range(to.shape[0]):
                        to[x] = min(to[x], other[x])
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
            _keep(middle[start:end], source[start + shift : end + shift], dilate)
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
            _keep(to[start:end], middle[start + shift : end + shift], dilate)
    return 0


@kernel
def _keep(to: U8, other: U8, largest: bool) -> None:
    if largest:
        for i in range(to.shape[0]):
            to[i] = max(to[i], other[i])
    else:
        for i in range(to.shape[0]):
            to[i] = min(to[i], other[i])


@kernel
def _is_full(element: U8) -> bool:
    for i in range(element.shape[0]):
        for j in range(element.shape[1]):
            if element[i, j] == 0:
                return False
    return element.size > 0


@kernel
def _often(
    image: U8, element: U8, ax: int, ay: int, dilate: bool, times: int, out: U8, spare: U8
) -> int:
    """Erode or dilate several times; the result is in ``out``."""
    height, width = image.shape
    if _is_full(element):
        across, down = element.shape[1], element.shape[0]
        _by_sides(image, across, down, ax, ay, dilate, out, spare)
        for _ in range(1, times):
            _by_sides(out, across, down, ax, ay, dilate, out, spare)
        return 0
    _once(image, element, ax, ay, dilate, out)
    for _ in range(1, times):
        for y in range(height):
            for x in range(width):
                spare[y, x] = out[y, x]
        _once(spare, element, ax, ay, dilate, out)
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
    if out.shape != image.shape or scratch.shape[0] < 2 * area:
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
    if operation <= DILATE:
        return _often(
            image, element, anchor_x, anchor_y, operation == DILATE, iterations, out, spare
        )
    dilate_first = operation == CLOSE or operation == BLACKHAT or operation == GRADIENT
    _often(image, element, anchor_x, anchor_y, dilate_first, iterations, middle, spare)
    if operation == GRADIENT:
        _often(image, element, anchor_x, anchor_y, False, iterations, out, spare)
        for y in range(height):
            for x in range(width):
                a = whole(middle[y, x])
                b = whole(out[y, x])
                out[y, x] = np.uint8(max(a - b, 0))
        return 0
    _often(middle, element, anchor_x, anchor_y, not dilate_first, iterations, out, spare)
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
