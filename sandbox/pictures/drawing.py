"""Filled polygons, rectangles and circles, and lines of one pixel.

Pictures are uint8 ``[H, W, C]`` with one or three channels; a grey one is passed with a third axis
of length 1. They are drawn into in place; everything is clipped to the picture. Coordinates beyond
`FARTHEST` are refused, because walking there takes time that nobody has paid for.

Edges are in fixed point with 16 bits after the point and filled by the even-odd rule between
pairs of active edges, and every outline is drawn as a line too, as OpenCV does.

Reference: OpenCV 5, ``modules/imgproc/src/drawing.cpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917, PLR1714, SIM109, SIM110
from __future__ import annotations

from typing import Final

import numpy as np

from sandbox.pictures.flags import I32, I64, U8, kernel, whole

__all__ = [
    "FARTHEST",
    "circle",
    "fill_polygons",
    "fill_polygons_scratch",
    "polygon_lines",
    "rectangle",
]


FARTHEST: Final = 16_384
"""Largest absolute coordinate or radius that is drawn."""

_SHIFT: Final = 16
_ONE: Final = 1 << _SHIFT

_EDGE: Final = 5
_TOP: Final = 0
_BOTTOM: Final = 1
_X: Final = 2
_STEP: Final = 3
_NEXT: Final = 4


@kernel
def _quotient(a: int, b: int) -> int:
    """Divide towards zero, as C does."""
    q = abs(a) // abs(b)
    return q if (a >= 0) == (b >= 0) else -q


@kernel
def _put(image: U8, y: int, x: int, c0: int, c1: int, c2: int) -> int:
    if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
        image[y, x, 0] = np.uint8(c0)
        if image.shape[2] > 2:
            image[y, x, 1] = np.uint8(c1)
            image[y, x, 2] = np.uint8(c2)
    return 0


@kernel
def _span(image: U8, y: int, x1: int, x2: int, c0: int, c1: int, c2: int) -> int:
    """Colour the pixels of one row from x1 to x2, both included."""
    if y < 0 or y >= image.shape[0]:
        return 0
    for x in range(max(x1, 0), min(x2, image.shape[1] - 1) + 1):
        image[y, x, 0] = np.uint8(c0)
        if image.shape[2] > 2:
            image[y, x, 1] = np.uint8(c1)
            image[y, x, 2] = np.uint8(c2)
    return 0


@kernel
def _side(x: int, right: int) -> int:
    return 1 if x < 0 else (2 if x > right else 0)


@kernel
def _clip(
    width: int, height: int, x1: int, y1: int, x2: int, y2: int
) -> tuple[bool, int, int, int, int]:
    """Shorten a line to what is inside the picture; the first value is whether anything is."""
    right = width - 1
    bottom = height - 1
    a = _side(x1, right) + 4 * _side(y1, bottom)
    b = _side(x2, right) + 4 * _side(y2, bottom)
    if (a & b) == 0 and (a | b) != 0:
        if a & 12:
            edge = 0 if a < 8 else bottom
            x1 += _quotient((edge - y1) * (x2 - x1), y2 - y1)
            y1 = edge
            a = _side(x1, right)
        if b & 12:
            edge = 0 if b < 8 else bottom
            x2 += _quotient((edge - y2) * (x2 - x1), y2 - y1)
            y2 = edge
            b = _side(x2, right)
        if (a & b) == 0 and (a | b) != 0:
            if a != 0:
                edge = 0 if a == 1 else right
                y1 += _quotient((edge - x1) * (y2 - y1), x2 - x1)
                x1 = edge
                a = 0
            if b != 0:
                edge = 0 if b == 1 else right
                y2 += _quotient((edge - x2) * (y2 - y1), x2 - x1)
                x2 = edge
                b = 0
    return (a | b) == 0, x1, y1, x2, y2


@kernel
def _line(image: U8, x1: int, y1: int, x2: int, y2: int, c0: int, c1: int, c2: int) -> int:
    """Draw a line whose pixels touch by sides or corners."""
    inside, x1, y1, x2, y2 = _clip(image.shape[1], image.shape[0], x1, y1, x2, y2)
    if not inside:
        return 0
    if x2 < x1:
        x1, y1, x2, y2 = x2, y2, x1, y1
    dx = x2 - x1
    dy = y2 - y1
    down = 1 if dy >= 0 else -1
    dy = abs(dy)
    steep = dy > dx
    long = dy if steep else dx
    short = dx if steep else dy
    error = long - 2 * short
    x = x1
    y = y1
    for _ in range(long + 1):
        _put(image, y, x, c0, c1, c2)
        turn = error < 0
        error += -2 * short + (2 * long if turn else 0)
        if steep:
            y += down
            x += 1 if turn else 0
        else:
            x += 1
            y += down if turn else 0
    return 0


@kernel
def _far(points: I32) -> bool:
    for i in range(points.shape[0]):
        if abs(whole(points[i, 0])) > FARTHEST or abs(whole(points[i, 1])) > FARTHEST:
            return True
    return False


@kernel
def _runs_back(starts: I64, n: int) -> bool:
    """Tell whether the starts of polygons are not ascending within the points."""
    if starts.shape[0] == 0 or starts[0] < 0 or starts[starts.shape[0] - 1] > n:
        return True
    for k in range(starts.shape[0] - 1):
        if starts[k + 1] < starts[k]:
            return True
    return False


@kernel
def polygon_lines(
    image: U8, points: I32, starts: I64, closed: bool, c0: int, c1: int, c2: int
) -> int:
    """Draw outlines one pixel wide: `cv2.polylines` or `cv2.drawContours` with thickness 1.

    Args:
        image: uint8 ``[H, W, C]``, drawn into.
        points: int32 ``[n, 2]`` of all polygons.
        starts: int64 ``[k + 1]``; polygon i is ``points[starts[i]:starts[i + 1]]``.
        closed: Whether the last point is joined to the first.
        c0: Colour of channel 0, 0 to 255; the others likewise.
        c1: Colour of channel 1.
        c2: Colour of channel 2.

    Returns:
        0; -1 if ``starts`` are none or a coordinate is beyond `FARTHEST`.
    """
    if points.shape[1] != 2 or _runs_back(starts, points.shape[0]) or _far(points):
        return -1
    for k in range(starts.shape[0] - 1):
        first = starts[k]
        end = starts[k + 1]
        if end == first:
            continue
        at = end - 1 if closed else first
        for i in range(first if closed else first + 1, end):
            _line(
                image,
                whole(points[at, 0]),
                whole(points[at, 1]),
                whole(points[i, 0]),
                whole(points[i, 1]),
                c0,
                c1,
                c2,
            )
            at = i
    return 0


def fill_polygons_scratch(points: int, polygons: int) -> int:
    """Give the int64 elements of scratch memory for that many points in that many polygons."""
    return (points + polygons + 2) * _EDGE


@kernel
def _edge_before(edges: I64, i: int, j: int) -> bool:
    a = i * _EDGE
    b = j * _EDGE
    if edges[a + _TOP] != edges[b + _TOP]:
        return bool(edges[a + _TOP] < edges[b + _TOP])
    if edges[a + _X] != edges[b + _X]:
        return bool(edges[a + _X] < edges[b + _X])
    if edges[a + _STEP] != edges[b + _STEP]:
        return bool(edges[a + _STEP] < edges[b + _STEP])
    # While sorting, the order of insertion.
    return bool(edges[a + _NEXT] < edges[b + _NEXT])


@kernel
def _swap(edges: I64, i: int, j: int) -> int:
    for f in range(_EDGE):
        edges[i * _EDGE + f], edges[j * _EDGE + f] = edges[j * _EDGE + f], edges[i * _EDGE + f]
    return 0


@kernel
def _sort_edges(edges: I64, n: int) -> int:
    """Sort edges by top, x and step: a heap sort."""
    for start in range(n // 2 - 1, -1, -1):
        _sift_edges(edges, start, n)
    for end in range(n - 1, 0, -1):
        _swap(edges, 0, end)
        _sift_edges(edges, 0, end)
    return 0


@kernel
def _sift_edges(edges: I64, root: int, end: int) -> int:
    while True:
        child = 2 * root + 1
        if child >= end:
            return 0
        if child + 1 < end and _edge_before(edges, child, child + 1):
            child += 1
        if not _edge_before(edges, root, child):
            return 0
        _swap(edges, root, child)
        root = child


@kernel
def fill_polygons(
    image: U8, points: I32, starts: I64, c0: int, c1: int, c2: int, scratch: I64
) -> int:
    """Fill polygons together by the even-odd rule: `cv2.fillPoly`, `cv2.drawContours` filled.

    Args:
        image: uint8 ``[H, W, C]``, drawn into.
        points: int32 ``[n, 2]`` of all polygons.
        starts: int64 ``[k + 1]``; polygon i is ``points[starts[i]:starts[i + 1]]``.
        c0: Colour of channel 0, 0 to 255; the others likewise.
        c1: Colour of channel 1.
        c2: Colour of channel 2.
        scratch: int64, `fill_polygons_scratch` elements.

    Returns:
        0; -1 if ``starts`` are none, the scratch is too small or a point is beyond `FARTHEST`.
    """
    if points.shape[1] != 2 or _runs_back(starts, points.shape[0]) or _far(points):
        return -1
    if scratch.shape[0] < (points.shape[0] + 2) * _EDGE:
        return -1
    height = image.shape[0]
    width = image.shape[1]
    total = 0
    for k in range(starts.shape[0] - 1):
        first = starts[k]
        end = starts[k + 1]
        if end == first:
            continue
        x0 = whole(points[end - 1, 0])
        y0 = whole(points[end - 1, 1])
        for i in range(first, end):
            x1 = whole(points[i, 0])
            y1 = whole(points[i, 1])
            _line(image, x0, y0, x1, y1, c0, c1, c2)
            if y0 != y1:
                # An edge that leaves the picture is sloped as its visible part is.
                ax = x0
                ay = y0
                bx = x1
                by = y1
                if not (
                    0 <= x0 < width and 0 <= x1 < width and 0 <= y0 < height and 0 <= y1 < height
                ):
                    _, ax, cy0, bx, cy1 = _clip(width, height, x0, y0, x1, y1)
                    if cy0 != cy1:
                        ay = cy0
                        by = cy1
                ax <<= _SHIFT
                bx <<= _SHIFT
                at = total * _EDGE
                slope = _quotient(bx - ax, by - ay)
                if y0 < y1:
                    scratch[at + _TOP] = y0
                    scratch[at + _BOTTOM] = y1
                    scratch[at + _X] = ax + (y0 - ay) * slope
                else:
                    scratch[at + _TOP] = y1
                    scratch[at + _BOTTOM] = y0
                    scratch[at + _X] = bx + (y1 - by) * slope
                scratch[at + _STEP] = slope
                scratch[at + _NEXT] = total
                total += 1
            x0 = x1
            y0 = y1
    if total < 2:
        return 0
    return _fill(image, scratch, total, c0, c1, c2)


@kernel
def _fill(image: U8, edges: I64, total: int, c0: int, c1: int, c2: int) -> int:
    """Fill between collected edges; two more records of scratch follow them."""
    height = image.shape[0]
    width = image.shape[1]
    top = edges[_TOP]
    bottom = edges[_BOTTOM]
    left = right = edges[_X]
    for i in range(total):
        at = i * _EDGE
        end_x = edges[at + _X] + (edges[at + _BOTTOM] - edges[at + _TOP]) * edges[at + _STEP]
        top = min(top, edges[at + _TOP])
        bottom = max(bottom, edges[at + _BOTTOM])
        left = min(left, edges[at + _X], end_x)
        right = max(right, edges[at + _X], end_x)
    if bottom < 0 or top >= height or right < 0 or left >= (width << _SHIFT):
        return 0
    _sort_edges(edges, total)
    none = -1
    # The record after the last edge never begins; the one after that is the head of the list of
    # active edges.
    head = total + 1
    edges[total * _EDGE + _TOP] = 1 << 40
    edges[total * _EDGE + _BOTTOM] = 1 << 40
    edges[total * _EDGE + _X] = 0
    edges[head * _EDGE + _X] = 0
    edges[head * _EDGE + _STEP] = 0
    edges[head * _EDGE + _NEXT] = none
    i = 0
    for y in range(edges[_TOP], min(bottom, height)):
        draw = False
        before = head
        last = edges[head * _EDGE + _NEXT]
        while last != none or edges[i * _EDGE + _TOP] == y:
            if last != none and edges[last * _EDGE + _BOTTOM] == y:
                edges[before * _EDGE + _NEXT] = edges[last * _EDGE + _NEXT]
                last = edges[last * _EDGE + _NEXT]
                continue
            kept = before
            if last != none and (
                edges[i * _EDGE + _TOP] > y or edges[last * _EDGE + _X] < edges[i * _EDGE + _X]
            ):
                before = last
                last = edges[last * _EDGE + _NEXT]
            elif i < total:
                edges[before * _EDGE + _NEXT] = i
                edges[i * _EDGE + _NEXT] = last
                before = i
                i += 1
            else:
                break
            if draw:
                a = min(edges[kept * _EDGE + _X], edges[before * _EDGE + _X])
                b = max(edges[kept * _EDGE + _X], edges[before * _EDGE + _X])
                _span(image, y, (a + _ONE - 1) >> _SHIFT, b >> _SHIFT, c0, c1, c2)
                edges[kept * _EDGE + _X] += edges[kept * _EDGE + _STEP]
                edges[before * _EDGE + _X] += edges[before * _EDGE + _STEP]
            draw = not draw
        _bubble(edges, head)
    return 0


@kernel
def _bubble(edges: I64, head: int) -> int:
    """Bring the active edges into the order of x again."""
    none = -1
    kept = none
    swapped = False
    while True:
        before = head
        last = edges[head * _EDGE + _NEXT]
        while last != kept and last != none and edges[last * _EDGE + _NEXT] != none:
            other = edges[last * _EDGE + _NEXT]
            if edges[last * _EDGE + _X] > edges[other * _EDGE + _X]:
                edges[before * _EDGE + _NEXT] = other
                edges[last * _EDGE + _NEXT] = edges[other * _EDGE + _NEXT]
                edges[other * _EDGE + _NEXT] = last
                before = other
                swapped = True
            else:
                before = last
                last = other
        kept = before
        if not (swapped and kept != edges[head * _EDGE + _NEXT] and kept != head):
            return 0


@kernel
def rectangle(
    image: U8, x1: int, y1: int, x2: int, y2: int, filled: bool, c0: int, c1: int, c2: int
) -> int:
    """Compute `cv2.rectangle` of two corners, filled or with lines of one pixel; 0 or -1."""
    if max(abs(x1), abs(y1), abs(x2), abs(y2)) > FARTHEST:
        return -1
    left = min(x1, x2)
    right = max(x1, x2)
    top = min(y1, y2)
    bottom = max(y1, y2)
    for y in range(max(top, 0), min(bottom, image.shape[0] - 1) + 1):
        if filled or y == top or y == bottom:
            _span(image, y, left, right, c0, c1, c2)
        else:
            _put(image, y, left, c0, c1, c2)
            _put(image, y, right, c0, c1, c2)
    return 0


@kernel
def circle(image: U8, x: int, y: int, radius: int, filled: bool, c0: int, c1: int, c2: int) -> int:
    """Compute `cv2.circle`, filled or with a line of one pixel; -1 for what is beyond `FARTHEST`."""
    if max(abs(x), abs(y), radius) > FARTHEST or radius < 0:
        return -1
    error = 0
    dx = radius
    dy = 0
    plus = 1
    minus = 2 * radius - 1
    while dx >= dy:
        if filled:
            _span(image, y - dy, x - dx, x + dx, c0, c1, c2)
            _span(image, y + dy, x - dx, x + dx, c0, c1, c2)
            _span(image, y - dx, x - dy, x + dy, c0, c1, c2)
            _span(image, y + dx, x - dy, x + dy, c0, c1, c2)
        else:
            for down in (-1, 1):
                for along in (-1, 1):
                    _put(image, y + down * dy, x + along * dx, c0, c1, c2)
                    _put(image, y + down * dx, x + along * dy, c0, c1, c2)
        dy += 1
        error += plus
        plus += 2
        if error > 0:
            error -= minus
            dx -= 1
            minus -= 2
    return 0
