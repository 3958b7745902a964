"""The smallest rotated rectangle around points, and the corners of one.

Everything is float32, operation by operation, and so is the result: x and y of the centre, width,
height and angle in degrees.

Reference: Toussaint, Solving geometric problems with the rotating calipers, 1983; OpenCV 5,
``modules/geometry/src/rotcalipers.cpp``.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from sandbox.pictures.flags import F32, kernel, real
from sandbox.pictures.points import measurable

__all__ = ["box_points", "min_area_rect", "min_area_rect_scratch"]

_PI: Final = 3.1415926535897932384626433832795


@kernel
def box_points(box: F32, out: F32) -> int:
    """Compute `cv2.boxPoints`.

    Args:
        box: float32 ``[5]``: centre x and y, width, height, angle in degrees.
        out: float32 ``[4, 2]``, written.

    Returns:
        0, or -1 if an array has another shape.
    """
    if box.shape[0] < 5 or out.shape[0] < 4 or out.shape[1] != 2:
        return -1
    angle = real(box[4]) * _PI / 180.0
    half = np.float32(0.5)
    b = np.float32(np.float32(math.cos(angle)) * half)
    a = np.float32(np.float32(math.sin(angle)) * half)
    x, y, w, h = box[0], box[1], box[2], box[3]
    ah = np.float32(a * h)
    bw = np.float32(b * w)
    bh = np.float32(b * h)
    aw = np.float32(a * w)
    out[0, 0] = np.float32(np.float32(x - ah) - bw)
    out[0, 1] = np.float32(np.float32(y + bh) - aw)
    out[1, 0] = np.float32(np.float32(x + ah) - bw)
    out[1, 1] = np.float32(np.float32(y - bh) - aw)
    out[2, 0] = np.float32(np.float32(x + ah) + bw)
    out[2, 1] = np.float32(np.float32(y - bh) + aw)
    out[3, 0] = np.float32(np.float32(x - ah) + bw)
    out[3, 1] = np.float32(np.float32(y + bh) + aw)
    return 0


def min_area_rect_scratch(points: int) -> int:
    """Give the float32 elements of scratch memory for a hull of that many points."""
    return 5 * points + 16


@kernel
def _right_of(ax: Any, ay: Any, bx: Any, by: Any) -> bool:
    """Tell whether the first direction is clockwise of the second."""
    return bool(
        np.float32(np.float32(ay * bx) + np.float32(np.float32(-ax) * by)) < np.float32(0.0)
    )


@kernel
def min_area_rect(hull: Any, out: F32, scratch: F32) -> int:
    """Compute `cv2.minAreaRect` from the convex hull of the points.

    Args:
        hull: int32 or float32 ``[n, 2]``: the hull as `sandbox.pictures.hull` gives it, not
            clockwise, as points.
        out: float32 ``[5]``, written: centre x and y, width, height, angle in degrees.
        scratch: float32, `min_area_rect_scratch` elements.

    Returns:
        0; -1 if an array is too small; -2 where OpenCV raises.
    """
    n = hull.shape[0]
    if out.shape[0] < 5 or scratch.shape[0] < 5 * n + 16 or hull.shape[1] != 2:
        return -1
    if measurable(hull) == 0:
        return -1
    for i in range(5):
        out[i] = np.float32(0.0)
    half = np.float32(0.5)
    angle = 0.0
    if n == 1:
        out[0] = np.float32(hull[0, 0])
        out[1] = np.float32(hull[0, 1])
    elif n == 2:
        x0 = np.float32(hull[0, 0])
        y0 = np.float32(hull[0, 1])
        x1 = np.float32(hull[1, 0])
        y1 = np.float32(hull[1, 1])
        out[0] = np.float32(np.float32(x0 + x1) * half)
        out[1] = np.float32(np.float32(y0 + y1) * half)
        dx = real(np.float32(x1 - x0))
        dy = real(np.float32(y1 - y0))
        out[2] = np.float32(math.sqrt(dx * dx + dy * dy))
        angle = math.atan2(dy, dx)
    elif n > 2:
        code = _calipers(hull, scratch)
        if code < 0:
            return code
        at = 5 * n
        ax, ay = scratch[at + 2], scratch[at + 3]
        bx, by = scratch[at + 4], scratch[at + 5]
        out[0] = np.float32(scratch[at] + np.float32(np.float32(ax + bx) * half))
        out[1] = np.float32(scratch[at + 1] + np.float32(np.float32(ay + by) * half))
        out[2] = np.float32(math.sqrt(real(ax) * real(ax) + real(ay) * real(ay)))
        out[3] = np.float32(math.sqrt(real(bx) * real(bx) + real(by) * real(by)))
        angle = math.atan2(real(ay), real(ax))
    if n > 0:
        # Of the four names of a rectangle, the one whose angle is in [-90, 0).
        angle = angle * 180.0 / _PI
        while angle >= 0.0:
            angle -= 90.0
            out[2], out[3] = out[3], out[2]
        while angle < -90.0:
            angle += 90.0
            out[2], out[3] = out[3], out[2]
        out[4] = np.float32(angle)
    return 0


@kernel
def _calipers(hull: Any, s: F32) -> int:
    """Turn four calipers round the hull; leave corner and sides of the best in the scratch."""
    n = hull.shape[0]
    # Points, then directions to the next point, then the inverses of their lengths.
    left = bottom = right = top = 0
    for i in range(n):
        s[2 * i] = np.float32(hull[i, 0])
        s[2 * i + 1] = np.float32(hull[i, 1])
    left_x = right_x = s[0]
    top_y = bottom_y = s[1]
    for i in range(n):
        x = s[2 * i]
        y = s[2 * i + 1]
        if x < left_x:
            left_x = x
            left = i
        if x > right_x:
            right_x = x
            right = i
        if y > top_y:
            top_y = y
            top = i
        if y < bottom_y:
            bottom_y = y
            bottom = i
        j = i + 1 if i + 1 < n else 0
        dx = np.float32(s[2 * j] - x)
        dy = np.float32(s[2 * j + 1] - y)
        s[2 * n + 2 * i] = dx
        s[2 * n + 2 * i + 1] = dy
        length = math.sqrt(real(dx) * real(dx) + real(dy) * real(dy))
        s[4 * n + i] = np.float32(1.0 / length)
    turn = np.float32(0.0)
    ax = real(s[4 * n - 2])
    ay = real(s[4 * n - 1])
    for i in range(n):
        bx = real(s[2 * n + 2 * i])
        by = real(s[2 * n + 2 * i + 1])
        bend = ax * by - ay * bx
        if bend != 0.0:
            turn = np.float32(1.0) if bend > 0.0 else np.float32(-1.0)
            break
        ax = bx
        ay = by
    if turn == np.float32(0.0):
        return -2
    a = turn
    b = np.float32(0.0)
    smallest = np.float32(3.4028234663852886e38)
    best_left = best_bottom = 0
    best_a = best_b = best_width = best_height = np.float32(0.0)
    for _ in range(n):
        main = 0
        mx, my = s[2 * n + 2 * bottom], s[2 * n + 2 * bottom + 1]
        x, y = s[2 * n + 2 * right + 1], np.float32(-s[2 * n + 2 * right])
        if _right_of(x, y, mx, my):
            main, mx, my = 1, x, y
        x, y = np.float32(-s[2 * n + 2 * top]), np.float32(-s[2 * n + 2 * top + 1])
        if _right_of(x, y, mx, my):
            main, mx, my = 2, x, y
        x, y = np.float32(-s[2 * n + 2 * left + 1]), s[2 * n + 2 * left]
        if _right_of(x, y, mx, my):
            main = 3
        at = bottom if main == 0 else right if main == 1 else top if main == 2 else left
        lead_x = np.float32(s[2 * n + 2 * at] * s[4 * n + at])
        lead_y = np.float32(s[2 * n + 2 * at + 1] * s[4 * n + at])
        at = at + 1 if at + 1 < n else 0
        if main == 0:
            a, b, bottom = lead_x, lead_y, at
        elif main == 1:
            a, b, right = lead_y, np.float32(-lead_x), at
        elif main == 2:
            a, b, top = np.float32(-lead_x), np.float32(-lead_y), at
        else:
            a, b, left = np.float32(-lead_y), lead_x, at
        dx = np.float32(s[2 * right] - s[2 * left])
        dy = np.float32(s[2 * right + 1] - s[2 * left + 1])
        width = np.float32(np.float32(dx * a) + np.float32(dy * b))
        dx = np.float32(s[2 * top] - s[2 * bottom])
        dy = np.float32(s[2 * top + 1] - s[2 * bottom + 1])
        height = np.float32(np.float32(np.float32(-dx) * b) + np.float32(dy * a))
        area = np.float32(width * height)
        if area <= smallest:
            smallest = area
            best_left = left
            best_bottom = bottom
            best_a = a
            best_b = b
            best_width = width
            best_height = height
    a1, b1 = best_a, best_b
    a2, b2 = np.float32(-best_b), best_a
    c1 = np.float32(np.float32(a1 * s[2 * best_left]) + np.float32(s[2 * best_left + 1] * b1))
    c2 = np.float32(np.float32(a2 * s[2 * best_bottom]) + np.float32(s[2 * best_bottom + 1] * b2))
    inverse = np.float32(np.float32(1.0) / np.float32(np.float32(a1 * b2) - np.float32(a2 * b1)))
    at = 5 * n
    s[at] = np.float32(np.float32(np.float32(c1 * b2) - np.float32(c2 * b1)) * inverse)
    s[at + 1] = np.float32(np.float32(np.float32(a1 * c2) - np.float32(a2 * c1)) * inverse)
    s[at + 2] = np.float32(a1 * best_width)
    s[at + 3] = np.float32(b1 * best_width)
    s[at + 4] = np.float32(a2 * best_height)
    s[at + 5] = np.float32(b2 * best_height)
    return 0
