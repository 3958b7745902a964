"""Contours of a mask in the order of OpenCV 5, with its hierarchy.

The picture is copied with a border of zeros, so that a walk, which only ever steps on pixels that
are not zero, cannot leave it. Borders are followed as Suzuki and Abe describe; what was followed
is marked in the copy with a number that starts at 2 and begins again after 127, and bit 7 marks
pixels whose right neighbour is outside. The contour that surrounds a new one is looked for among
those with the mark to its left, which is what OpenCV does, so that even where two contours share
a mark the hierarchy is the same.

Contours come out as OpenCV stores them: the last found first, every child before the next sibling
of its parent.

Reference: Suzuki and Abe, Topological structural analysis of digitized binary images by border
following, 1985; OpenCV 5, ``modules/imgproc/src/contours_new.cpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917, PLR1714, SIM109
from __future__ import annotations

from typing import Final

import numpy as np

from sandbox.pictures.flags import I8, I32, I64, U8, kernel, whole
from sandbox.pictures.rows import is_blank

__all__ = ["find_contours", "find_contours_scratch"]


EXTERNAL: Final = 0
LIST: Final = 1
CCOMP: Final = 2
TREE: Final = 3

NONE: Final = 1
SIMPLE: Final = 2

_RIGHT: Final = -128  # bit 7 of a signed byte
_MARK: Final = 127

# What is known of a contour, in whole numbers.
_NODE: Final = 13
_PARENT: Final = 0
_CHILD: Final = 1
_PREVIOUS: Final = 2
_NEXT: Final = 3
_SAME_MARK: Final = 4
_HOLE: Final = 5
_LEFT: Final = 6
_TOP: Final = 7
_WIDTH: Final = 8
_HEIGHT: Final = 9
_ORIGIN: Final = 10
_FIRST: Final = 11
_POINTS: Final = 12

_MARKS: Final = 128

_DX: Final = np.array([1, 1, 0, -1, -1, -1, 0, 1], np.int64)
_DY: Final = np.array([0, -1, -1, -1, 0, 1, 1, 1], np.int64)


def find_contours_scratch(height: int, width: int, points: int, contours: int) -> int:
    """Give the int32 elements of scratch memory for a picture and the capacities of the outs."""
    image = (height + 2) * (width + 2)
    return _MARKS + (contours + 1) * _NODE + 2 * points + (image + 3) // 4


@kernel
def _follow(
    image: I8,
    step: int,
    start: int,
    x: int,
    y: int,
    hole: bool,
    mark: int,
    every: bool,
    node: I32,
    points: I32,
    used: int,
    capacity: int,
) -> int:
    """Follow one border from (x, y), mark it, write its points; give their number or -1."""
    first_used = used
    left, right, top, bottom = x, x, y, y
    end = 0 if hole else 4
    s = end
    before = start
    while True:
        s = (s - 1) & 7
        before = start + _DX[s] + _DY[s] * step
        if image[before] != 0 or s == end:
            break
    if s == end:
        image[start] = np.int8(mark | _RIGHT)
        if used >= capacity:
            return -1
        points[2 * used] = x
        points[2 * used + 1] = y
        used += 1
    else:
        here = start
        after = start
        last_s = s ^ 4
        while True:
            end = s
            while s < 15:
                s += 1
                after = here + _DX[s & 7] + _DY[s & 7] * step
                if image[after] != 0:
                    break
            s &= 7
            if 0 < s <= end:
                image[here] = np.int8(mark | _RIGHT)
            elif image[here] == 1:
                image[here] = np.int8(mark)
            if s != last_s or every:
                if used >= capacity:
                    return -1
                points[2 * used] = x
                points[2 * used + 1] = y
                used += 1
            if s != last_s:
                if x < left:
                    left = x
                elif x > right:
                    right = x
                if y < top:
                    top = y
                elif y > bottom:
                    bottom = y
            last_s = s
            x += _DX[s]
            y += _DY[s]
            if after == start and here == before:
                break
            here = after
            s = (s + 4) & 7
    node[_LEFT] = left
    node[_TOP] = top
    node[_WIDTH] = right - left + 1
    node[_HEIGHT] = bottom - top + 1
    return used - first_used


@kernel
def _reaches(image: I8, step: int, start: int, stop: int, hole: bool) -> bool:
    """Tell whether the border that starts at one pixel is the last one met before another."""
    end = 0 if hole else 4
    s = end
    before = start
    while True:
        s = (s - 1) & 7
        before = start + _DX[s] + _DY[s] * step
        if image[before] != 0 or s == end:
            break
    if s == end:
        return start == stop
    here = start
    after = start
    while True:
        while s < 15:
            s += 1
            after = here + _DX[s & 7] + _DY[s & 7] * step
            if image[after] != 0:
                break
        if here == stop:
            if image[here] >= 0:
                return True
            t = s
            while True:
                t = (t - 1) & 7
                if image[here + _DX[t] + _DY[t] * step] != 0:
                    break
                if t == 0:
                    return True
        if after == start and here == before:
            return False
        here = after
        s = (s + 4) & 7


@kernel
def _end_of_run(copy: I8, words: I32, start: int, stop: int, value: int) -> int:
    """Give the first place from ``start`` on where another value stands, or ``stop``.

    Args:
        copy: The picture.
        words: The same memory, four pixels each.
        start: Where to begin, not negative.
        stop: Where to end, at most the number of pixels.
        value: Of the run.
    """
    # Unsigned, so that no index can be from the end.
    at, end = np.uint64(start), np.uint64(stop)
    if value == 0 or value == 1:
        word = np.int32(0x01010101 * value)
        while at < end and at & np.uint64(3) != np.uint64(0):
            if copy[at] != value:
                return whole(at)
            at += np.uint64(1)
        while at + np.uint64(16) <= end:
            k = at >> np.uint64(2)
            other = (words[k] ^ word) | (words[k + np.uint64(1)] ^ word)
            other |= (words[k + np.uint64(2)] ^ word) | (words[k + np.uint64(3)] ^ word)
            if other != 0:
                break
            at += np.uint64(16)
        while at + np.uint64(4) <= end and words[at >> np.uint64(2)] == word:
            at += np.uint64(4)
    while at < end and copy[at] == value:
        at += np.uint64(1)
    return whole(at)


@kernel
def find_contours(
    image: U8,
    mode: int,
    method: int,
    points_out: I32,
    starts_out: I64,
    hierarchy_out: I32,
    scratch: I32,
) -> int:
    """Compute `cv2.findContours`.

    Args:
        image: uint8 ``[H, W]``; what is not 0 is foreground.
        mode: 0 external, 1 list, 2 two levels (``RETR_CCOMP``), 3 tree.
        method: 1 every point (``CHAIN_APPROX_NONE``), 2 ends of straight runs (``..._SIMPLE``).
        points_out: int32 ``[cap, 2]``, written: x and y.
        starts_out: int64 ``[ccap + 1]``, written: contour k is
            ``points_out[starts_out[k]:starts_out[k + 1]]``.
        hierarchy_out: int32 ``[ccap, 4]``, written: next, previous, first child, parent, or -1.
        scratch: int32, at least `find_contours_scratch` elements.

    Returns:
        Number of contours; -1 if a capacity was too small or mode or method are others.
    """
    height, width = image.shape
    cap = points_out.shape[0]
    most = min(starts_out.shape[0] - 1, hierarchy_out.shape[0])
    step = width + 2
    area = step * (height + 2)
    nodes_at = _MARKS
    points_at = nodes_at + (most + 1) * _NODE
    image_at = points_at + 2 * cap
    if most < 0 or scratch.shape[0] < image_at + (area + 3) // 4:
        return -1
    if mode < EXTERNAL or mode > TREE or (method != NONE and method != SIMPLE):
        return -1
    if points_out.shape[1] != 2 or hierarchy_out.shape[1] != 4:
        return -1
    marks = scratch[:_MARKS]
    nodes = scratch[nodes_at:points_at]
    points = scratch[points_at:image_at]
    words = scratch[image_at:]
    copy = words.view(np.int8)
    for i in range(step):
        copy[i] = 0
        copy[area - 1 - i] = 0
    for y in range(height):
        at = (y + 1) * step
        copy[at] = 0
        for x in range(width):
            copy[at + 1 + x] = 1 if image[y, x] != 0 else 0
        copy[at + 1 + width] = 0
    for i in range(_MARKS):
        marks[i] = -1
    for i in range(_NODE):
        nodes[i] = -1
    nodes[_HOLE] = 1

    every = method == NONE
    flat = mode == EXTERNAL or mode == LIST
    found = 0
    used = 0
    mark = 2
    for y in range(1, height + 1):
        row = y * step
        # Nothing begins in a row of zeros, and most rows of a mask are one.
        if is_blank(image[y - 1]):
            continue
        last_x = 0
        previous = 0
        x = 1
        while True:
            # The column of zeros on the right ends the last run of a row like any other.
            x = _end_of_run(copy, words, row + x, row + width + 1, previous) - row
            if x > width:
                break
            here = whole(copy[row + x])
            start_x = x
            is_hole = False
            if previous == 0 and here == 1:
                starts = True
            elif here == 0 and previous >= 1:
                is_hole = True
                starts = True
                start_x = x - 1
                if previous > 1:
                    last_x = x - 1
            else:
                starts = False
            if starts and mode == EXTERNAL and (is_hole or copy[row + last_x] > 0):
                starts = False
            if not starts:
                previous = here
                if (previous & ~1) != 0:
                    last_x = x
                x += 1
                continue

            parent = 0
            if not (flat or (not is_hole and mode == CCOMP) or last_x <= 0):
                parent = -1
                other = whole(marks[whole(copy[row + last_x]) & _MARK])
                while other != -1:
                    at = other * _NODE
                    inside = (
                        last_x - nodes[at + _LEFT] < nodes[at + _WIDTH]
                        and y - nodes[at + _TOP] < nodes[at + _HEIGHT]
                    )
                    if inside:
                        if parent != -1 and _reaches(
                            copy,
                            step,
                            whole(nodes[parent * _NODE + _ORIGIN]),
                            row + last_x,
                            nodes[parent * _NODE + _HOLE] != 0,
                        ):
                            break
                        parent = other
                    other = whole(nodes[at + _SAME_MARK])
                if parent < 0:
                    return -1
                if (nodes[parent * _NODE + _HOLE] != 0) == is_hole:
                    parent = max(whole(nodes[parent * _NODE + _PARENT]), 0)
                if (nodes[parent * _NODE + _HOLE] != 0) == is_hole:
                    return -1
            last_x = start_x

            if found >= most:
                return -1
            found += 1
            at = found * _NODE
            node = nodes[at : at + _NODE]
            node[_HOLE] = 1 if is_hole else 0
            node[_ORIGIN] = row + start_x
            node[_CHILD] = -1
            node[_FIRST] = used
            count = _follow(
                copy,
                step,
                row + start_x,
                start_x,
                y,
                is_hole,
                2 if flat else mark,
                every,
                node,
                points,
                used,
                cap,
            )
            if count < 0:
                return -1
            node[_POINTS] = count
            used += count
            if not flat:
                node[_SAME_MARK] = marks[mark]
                marks[mark] = found
                mark = mark + 1 if mark < _MARK else 3
            # It becomes the first of its siblings.
            brother = whole(nodes[parent * _NODE + _CHILD])
            node[_PARENT] = parent
            node[_PREVIOUS] = -1
            node[_NEXT] = brother
            if brother != -1:
                nodes[brother * _NODE + _PREVIOUS] = found
            nodes[parent * _NODE + _CHILD] = found
            previous = whole(copy[row + x])
            x += 1
    return _in_order(nodes, points, found, points_out, starts_out, hierarchy_out)


@kernel
def _in_order(
    nodes: I32,
    points: I32,
    found: int,
    points_out: I32,
    starts_out: I64,
    hierarchy_out: I32,
) -> int:
    """Write the contours as a walk through the tree meets them; give their number."""
    starts_out[0] = 0
    written = 0
    k = 0
    at = whole(nodes[_CHILD])
    while at > 0 and k < found:
        node = nodes[at * _NODE : (at + 1) * _NODE]
        first = whole(node[_FIRST])
        for i in range(whole(node[_POINTS])):
            points_out[written + i, 0] = points[2 * (first + i)] - 1
            points_out[written + i, 1] = points[2 * (first + i) + 1] - 1
        written += whole(node[_POINTS])
        # The place in the order, which the hierarchy needs, goes where the points began.
        node[_FIRST] = k
        hierarchy_out[k, 0] = node[_NEXT]
        hierarchy_out[k, 1] = node[_PREVIOUS]
        hierarchy_out[k, 2] = node[_CHILD]
        hierarchy_out[k, 3] = node[_PARENT]
        k += 1
        starts_out[k] = written
        if node[_CHILD] != -1:
            at = whole(node[_CHILD])
            continue
        while at > 0 and nodes[at * _NODE + _NEXT] == -1:
            at = whole(nodes[at * _NODE + _PARENT])
        if at > 0:
            at = whole(nodes[at * _NODE + _NEXT])
    for i in range(k):
        for j in range(4):
            other = whole(hierarchy_out[i, j])
            hierarchy_out[i, j] = nodes[other * _NODE + _FIRST] if other > 0 else -1
    return k
