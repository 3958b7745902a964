"""Numbers of a contour: area, length, bounding box, moments, convexity, inside or outside.

Points are int32 or float32 ``[n, 2]``, as `cv2` stores contours without the middle axis. Where
OpenCV computes in float32 so do the kernels, or the last digits would be others.

Reference: OpenCV 5, ``modules/geometry/src/{geometry,shapedescr,moments,convhull}.cpp``.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from sandbox.pictures.flags import F32, F64, I64, U8, Points, kernel, real, whole
from sandbox.pictures.points import measurable

__all__ = [
    "arc_length",
    "bounding_rect",
    "bounding_rect_of_mask",
    "contour_area",
    "is_contour_convex",
    "min_enclosing_circle",
    "min_enclosing_circle_scratch",
    "moments_of_contour",
    "moments_of_image",
    "point_polygon_test",
]


_FLT_MAX: Final = float(np.finfo(np.float32).max)
_FLT_EPSILON: Final = float(np.finfo(np.float32).eps)
_DBL_EPSILON: Final = float(np.finfo(np.float64).eps)
_TILE: Final = 32


@kernel
def contour_area(points: Points, oriented: bool) -> float:
    """Compute `cv2.contourArea`; 0.0 without points. With ``oriented`` the sign stays."""
    n = points.shape[0]
    if n == 0 or points.shape[1] != 2:
        return 0.0
    total = 0.0
    last_x = real(np.float32(points[n - 1, 0]))
    last_y = real(np.float32(points[n - 1, 1]))
    for i in range(n):
        x = real(np.float32(points[i, 0]))
        y = real(np.float32(points[i, 1]))
        total += last_x * y - last_y * x
        last_x = x
        last_y = y
    total *= 0.5
    return total if oriented else abs(total)


@kernel
def arc_length(points: Points, closed: bool) -> float:
    """Compute `cv2.arcLength`: the length of each side in float32, their sum in float64."""
    n = points.shape[0]
    if n <= 1 or points.shape[1] != 2:
        return 0.0
    last = n - 1 if closed else 0
    last_x = np.float32(points[last, 0])
    last_y = np.float32(points[last, 1])
    total = 0.0
    for i in range(n):
        x = np.float32(points[i, 0])
        y = np.float32(points[i, 1])
        dx = np.float32(x - last_x)
        dy = np.float32(y - last_y)
        total += real(np.sqrt(np.float32(np.float32(dx * dx) + np.float32(dy * dy))))
        last_x = x
        last_y = y
    return total


@kernel
def bounding_rect(points: Points, out: I64) -> int:
    """Compute `cv2.boundingRect` of points: int64 ``[4]`` x, y, width, height; 0 or -1."""
    n = points.shape[0]
    if out.shape[0] < 4 or points.shape[1] != 2 or measurable(points) == 0:
        return -1
    if n == 0:
        for i in range(4):
            out[i] = 0
        return 0
    left = right = points[0, 0]
    top = bottom = points[0, 1]
    for i in range(1, n):
        left = min(left, points[i, 0])
        right = max(right, points[i, 0])
        top = min(top, points[i, 1])
        bottom = max(bottom, points[i, 1])
    out[0] = whole(np.floor(left))
    out[1] = whole(np.floor(top))
    out[2] = whole(np.floor(right)) - out[0] + 1
    out[3] = whole(np.floor(bottom)) - out[1] + 1
    return 0


@kernel
def bounding_rect_of_mask(image: U8, out: I64) -> int:
    """Compute `cv2.boundingRect` of what is not 0 in uint8 ``[H, W]``; all 0 for nothing; 0 or -1."""
    height, width = image.shape
    if out.shape[0] < 4:
        return -1
    left = width
    right = top = bottom = -1
    for y in range(height):
        some = False
        for x in range(left):
            if image[y, x] != 0:
                left = x
                some = True
                break
        for x in range(width - 1, right, -1):
            if image[y, x] != 0:
                right = x
                some = True
                break
        if not some:
            for x in range(left, right + 1):
                if image[y, x] != 0:
                    some = True
                    break
        if some:
            if top < 0:
                top = y
            bottom = y
    if right < 0:
        left = top = 0
        out[0] = out[1] = out[2] = out[3] = 0
        return 0
    out[0] = left
    out[1] = top
    out[2] = right - left + 1
    out[3] = bottom - top + 1
    return 0


@kernel
def is_contour_convex(points: Points) -> int:
    """Compute `cv2.isContourConvex`: 1 or 0; -1 for points that cannot be measured."""
    n = points.shape[0]
    if points.shape[1] != 2 or measurable(points) == 0:
        return -1
    if n == 0:
        return 0
    at = (n - 2 + n) % n
    x = points[n - 1, 0]
    y = points[n - 1, 1]
    dx_0 = x - points[at, 0]
    dy_0 = y - points[at, 1]
    turns = 0
    for i in range(n):
        dx = points[i, 0] - x
        dy = points[i, 1] - y
        x = points[i, 0]
        y = points[i, 1]
        left = dy * dx_0
        right = dx * dy_0
        if left > right:
            turns |= 1
        elif left < right:
            turns |= 2
        else:
            turns |= 3
        if turns == 3:
            return 0
        dx_0 = dx
        dy_0 = dy
    return 1


@kernel
def point_polygon_test(points: Points, x: float, y: float, distance: bool) -> float:
    """Compute `cv2.pointPolygonTest`.

    Args:
        points: int32 or float32 ``[n, 2]``.
        x: The point, which OpenCV takes as float32.
        y: The same.
        distance: Whether to give the signed distance instead of 1, 0 or -1.

    Returns:
        Positive inside, 0 on the border, negative outside.
    """
    n = points.shape[0]
    if n == 0 or points.shape[1] != 2:
        return -1.7976931348623157e308 if distance else -1.0
    px = np.float32(x)
    py = np.float32(y)
    crossings = 0
    nearest = real(_FLT_MAX)
    nearest_scale = 1.0
    bx = np.float32(points[n - 1, 0])
    by = np.float32(points[n - 1, 1])
    for i in range(n):
        ax = bx
        ay = by
        bx = np.float32(points[i, 0])
        by = np.float32(points[i, 1])
        beside = (ay <= py and by <= py) or (ay > py and by > py) or (ax < px and bx < px)
        if not distance:
            if beside:
                if py == by and (px == bx or (py == ay and ((ax <= px <= bx) or (bx <= px <= ax)))):
                    return 0.0
                continue
            side = real(np.float32(py - ay)) * real(np.float32(bx - ax))
            side -= real(np.float32(px - ax)) * real(np.float32(by - ay))
            if side == 0.0:
                return 0.0
            if by < ay:
                side = -side
            crossings += side > 0.0
            continue
        dx = real(np.float32(bx - ax))
        dy = real(np.float32(by - ay))
        dx_1 = real(np.float32(px - ax))
        dy_1 = real(np.float32(py - ay))
        dx_2 = real(np.float32(px - bx))
        dy_2 = real(np.float32(py - by))
        scale = 1.0
        if dx_1 * dx + dy_1 * dy <= 0.0:
            square = dx_1 * dx_1 + dy_1 * dy_1
        elif dx_2 * dx + dy_2 * dy >= 0.0:
            square = dx_2 * dx_2 + dy_2 * dy_2
        else:
            square = dy_1 * dx - dx_1 * dy
            square *= square
            scale = dx * dx + dy * dy
        if square * nearest_scale < nearest * scale:
            nearest = square
            nearest_scale = scale
            if nearest == 0.0:
                break
        if beside:
            continue
        side = dy_1 * dx - dx_1 * dy
        if dy < 0.0:
            side = -side
        crossings += side > 0.0
    if distance:
        far = math.sqrt(nearest / nearest_scale)
        return -far if crossings % 2 == 0 else far
    return -1.0 if crossings % 2 == 0 else 1.0


@kernel
def _central(out: F64) -> int:
    """Fill the central and normalised moments (10 to 23) from the spatial ones (0 to 9)."""
    m00, m10, m01, m20, m11 = out[0], out[1], out[2], out[3], out[4]
    m02, m30, m21, m12, m03 = out[5], out[6], out[7], out[8], out[9]
    cx = cy = inverse = 0.0
    if abs(m00) > _DBL_EPSILON:
        inverse = 1.0 / m00
        cx = m10 * inverse
        cy = m01 * inverse
    mu20 = m20 - m10 * cx
    mu11 = m11 - m10 * cy
    mu02 = m02 - m01 * cy
    out[10] = mu20
    out[11] = mu11
    out[12] = mu02
    out[13] = m30 - cx * (3.0 * mu20 + cx * m10)
    twice = mu11 + mu11
    out[14] = m21 - cx * (twice + cx * m01) - cy * mu20
    out[15] = m12 - cy * (twice + cy * m10) - cx * mu02
    out[16] = m03 - cy * (3.0 * mu02 + cy * m01)
    root = math.sqrt(abs(inverse))
    second = inverse * inverse
    third = second * root
    for i in range(10, 13):
        out[i + 7] = out[i] * second
    for i in range(13, 17):
        out[i + 7] = out[i] * third
    return 0


@kernel
def moments_of_contour(points: Points, out: F64) -> int:
    """Compute `cv2.moments` of a contour.

    Args:
        points: int32 or float32 ``[n, 2]``.
        out: float64 ``[24]``, written in the order of the keys of OpenCV's dict: m00 m10 m01 m20
            m11 m02 m30 m21 m12 m03 mu20 mu11 mu02 mu30 mu21 mu12 mu03 nu20 … nu03.

    Returns:
        0, or -1 if ``out`` is too small.
    """
    n = points.shape[0]
    if out.shape[0] < 24 or points.shape[1] != 2 or measurable(points) == 0:
        return -1
    for i in range(24):
        out[i] = 0.0
    if n == 0:
        return 0
    a00 = a10 = a01 = a20 = a11 = a02 = a30 = a21 = a12 = a03 = 0.0
    px = real(points[n - 1, 0])
    py = real(points[n - 1, 1])
    px2 = px * px
    py2 = py * py
    for i in range(n):
        x = real(points[i, 0])
        y = real(points[i, 1])
        x2 = x * x
        y2 = y * y
        cross = px * y - x * py
        sx = px + x
        sy = py + y
        a00 += cross
        a10 += cross * sx
        a01 += cross * sy
        a20 += cross * (px * sx + x2)
        a11 += cross * (px * (sy + py) + x * (sy + y))
        a02 += cross * (py * sy + y2)
        a30 += cross * sx * (px2 + x2)
        a03 += cross * sy * (py2 + y2)
        a21 += cross * (px2 * (3.0 * py + y) + 2.0 * x * px * sy + x2 * (py + 3.0 * y))
        a12 += cross * (py2 * (3.0 * px + x) + 2.0 * y * py * sx + y2 * (px + 3.0 * x))
        px = x
        py = y
        px2 = x2
        py2 = y2
    if abs(a00) > _FLT_EPSILON:
        sign = 1.0 if a00 > 0.0 else -1.0
        out[0] = a00 * (sign * 0.5)
        out[1] = a10 * (sign * 0.16666666666666666666666666666667)
        out[2] = a01 * (sign * 0.16666666666666666666666666666667)
        out[3] = a20 * (sign * 0.083333333333333333333333333333333)
        out[4] = a11 * (sign * 0.041666666666666666666666666666667)
        out[5] = a02 * (sign * 0.083333333333333333333333333333333)
        out[6] = a30 * (sign * 0.05)
        out[7] = a21 * (sign * 0.016666666666666666666666666666667)
        out[8] = a12 * (sign * 0.016666666666666666666666666666667)
        out[9] = a03 * (sign * 0.05)
        _central(out)
    return 0


@kernel
def moments_of_image(image: U8, binary: bool, out: F64) -> int:
    """Compute `cv2.moments` of uint8 ``[H, W]``, tile by tile; ``out`` as `moments_of_contour`.

    All 24 are OpenCV's for ``binary``. Otherwise OpenCV on x86 leaves the central moments to IPP,
    which rounds in another order: then only the spatial ones, 0 to 9, are equal, and a program
    that reads the others has to ask OpenCV.
    """
    height, width = image.shape
    if out.shape[0] < 24:
        return -1
    for i in range(24):
        out[i] = 0.0
    for top in range(0, height, _TILE):
        rows = min(_TILE, height - top)
        for left in range(0, width, _TILE):
            columns = min(_TILE, width - left)
            t00 = t10 = t01 = t20 = t11 = t02 = t30 = t21 = t12 = t03 = 0
            for y in range(rows):
                x0 = x1 = x2 = x3 = 0
                for x in range(columns):
                    p = whole(image[top + y, left + x])
                    if binary:
                        p = 255 if p != 0 else 0
                    x0 += p
                    x1 += x * p
                    x2 += x * x * p
                    x3 += x * x * x * p
                t03 += y * x0 * y * y
                t12 += x1 * y * y
                t21 += x2 * y
                t30 += x3
                t02 += x0 * y * y
                t11 += x1 * y
                t20 += x2
                t01 += x0 * y
                t10 += x1
                t00 += x0
            scale = 1.0 / 255.0 if binary else 1.0
            m0 = real(t00) * scale
            m1 = real(t10) * scale
            m2 = real(t01) * scale
            m3 = real(t20) * scale
            m4 = real(t11) * scale
            m5 = real(t02) * scale
            m6 = real(t30) * scale
            m7 = real(t21) * scale
            m8 = real(t12) * scale
            m9 = real(t03) * scale
            cx = real(left)
            cy = real(top)
            xm = cx * m0
            ym = cy * m0
            out[0] += m0
            out[1] += m1 + xm
            out[2] += m2 + ym
            out[3] += m3 + cx * (m1 * 2.0 + xm)
            out[4] += m4 + cx * (m2 + ym) + cy * m1
            out[5] += m5 + cy * (m2 * 2.0 + ym)
            out[6] += m6 + cx * (3.0 * m3 + cx * (3.0 * m1 + xm))
            out[7] += m7 + cx * (2.0 * (m4 + cy * m1) + cx * (m2 + ym)) + cy * m3
            out[8] += m8 + cy * (2.0 * (m4 + cx * m2) + cy * (m1 + xm)) + cx * m5
            out[9] += m9 + cy * (3.0 * m5 + cy * (3.0 * m2 + ym))
    _central(out)
    return 0


_SLACK: Final = np.float32(1.0e-4)
_HALF: Final = np.float32(2.0)


def min_enclosing_circle_scratch(points: int) -> int:
    """Give the float32 elements of scratch memory for that many points."""
    return 2 * points


@kernel
def _distance(ax: Any, ay: Any, bx: Any, by: Any) -> float:
    dx = real(np.float32(ax - bx))
    dy = real(np.float32(ay - by))
    return math.sqrt(dx * dx + dy * dy)


@kernel
def _between(p: F32, i: int, j: int, circle: F32) -> int:
    """Make the circle the one with points i and j as its diameter."""
    circle[0] = np.float32(np.float32(p[2 * i] + p[2 * j]) / _HALF)
    circle[1] = np.float32(np.float32(p[2 * i + 1] + p[2 * j + 1]) / _HALF)
    across = _distance(p[2 * i], p[2 * i + 1], p[2 * j], p[2 * j + 1])
    circle[2] = np.float32(np.float32(np.float32(across) / _HALF) + _SLACK)
    return 0


@kernel
def _through(p: F32, i: int, j: int, k: int, circle: F32) -> int:
    """Make the circle the one through three points, unless they lie on a line."""
    x0, y0 = p[2 * i], p[2 * i + 1]
    x1, y1 = p[2 * j], p[2 * j + 1]
    x2, y2 = p[2 * k], p[2 * k + 1]
    ax = np.float32(x1 - x0)
    ay = np.float32(y1 - y0)
    bx = np.float32(x2 - x0)
    by = np.float32(y2 - y0)
    mx = np.float32(np.float32(x0 + x1) / _HALF)
    my = np.float32(np.float32(y0 + y1) / _HALF)
    c1 = np.float32(np.float32(mx * ax) + np.float32(my * ay))
    mx = np.float32(np.float32(x0 + x2) / _HALF)
    my = np.float32(np.float32(y0 + y2) / _HALF)
    c2 = np.float32(np.float32(mx * bx) + np.float32(my * by))
    det = np.float32(np.float32(ax * by) - np.float32(ay * bx))
    if abs(det) <= _SLACK:
        return 0
    cx = np.float32(np.float32(np.float32(c1 * by) - np.float32(c2 * ay)) / det)
    cy = np.float32(np.float32(np.float32(ax * c2) - np.float32(bx * c1)) / det)
    circle[0] = cx
    circle[1] = cy
    cx = np.float32(cx - x0)
    cy = np.float32(cy - y0)
    square = np.float32(np.float32(cx * cx) + np.float32(cy * cy))
    circle[2] = np.float32(np.sqrt(square) + _SLACK)
    return 0


@kernel
def _shuffle(p: F32, n: int) -> int:
    """Bring n points into OpenCV's order, which the generator seeded by them determines."""
    bits = p.view(np.uint32)
    seed = np.uint64(n) ^ np.uint64(bits[0])
    seed ^= np.uint64(bits[1]) << np.uint64(8)
    seed ^= np.uint64(bits[2 * n - 2]) << np.uint64(16)
    seed ^= np.uint64(bits[2 * n - 1]) << np.uint64(24)
    low = np.uint64(0xFFFFFFFF)
    state = seed & low
    if state == np.uint64(0):
        state = low
    for i in range(1, n):
        # Multiply with carry, as `cv::RNG`.
        state = (state & low) * np.uint64(4164903690) + (state >> np.uint64(32))
        j = whole((state & low) % np.uint64(i + 1))
        p[2 * i], p[2 * j] = p[2 * j], p[2 * i]
        p[2 * i + 1], p[2 * j + 1] = p[2 * j + 1], p[2 * i + 1]
    return 0


@kernel
def min_enclosing_circle(points: Points, out: F32, scratch: F32) -> int:
    """Compute `cv2.minEnclosingCircle`.

    Args:
        points: int32 or float32 ``[n, 2]``.
        out: float32 ``[3]``, written: x and y of the centre, radius.
        scratch: float32, `min_enclosing_circle_scratch` elements.

    Returns:
        0, or -1 if an array is too small.

    Reference:
        Welzl, Smallest enclosing disks (balls and ellipsoids), 1991.
    """
    n = points.shape[0]
    if out.shape[0] < 3 or scratch.shape[0] < 2 * n or points.shape[1] != 2:
        return -1
    if measurable(points) == 0:
        return -1
    out[0] = out[1] = out[2] = np.float32(0.0)
    if n == 0:
        return 0
    for i in range(n):
        scratch[2 * i] = np.float32(points[i, 0])
        scratch[2 * i + 1] = np.float32(points[i, 1])
    if n == 1:
        out[0] = scratch[0]
        out[1] = scratch[1]
        out[2] = _SLACK
        return 0
    if n > 10:
        _shuffle(scratch, n)
    _between(scratch, 0, 1, out)
    for i in range(2, n):
        x, y = scratch[2 * i], scratch[2 * i + 1]
        if np.float32(_distance(x, y, out[0], out[1])) < out[2]:
            continue
        _between(scratch, 0, i, out)
        for j in range(1, i):
            x, y = scratch[2 * j], scratch[2 * j + 1]
            if _distance(out[0], out[1], x, y) < real(out[2]):
                continue
            _between(scratch, i, j, out)
            for k in range(j):
                x, y = scratch[2 * k], scratch[2 * k + 1]
                if _distance(out[0], out[1], x, y) < real(out[2]):
                    continue
                _through(scratch, i, j, k, out)
    return 0
