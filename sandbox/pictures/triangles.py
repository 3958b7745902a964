"""The smallest triangle around points.

Coordinates of corners are float32, everything between is float64, operation by operation; that is
what makes the same choice where two triangles are nearly of one size. OpenCV compares with a
tolerance, so a polygon of pixels can keep it from ever coming to an end; the kernel counts its turns
and then answers -2, as it does where OpenCV raises or finds no triangle.

Reference: O'Rourke, Aggarwal, Maddila and Baldwin, An optimal algorithm for finding minimal enclosing
triangles, 1986; Pârvu and Gilbert, Implementation of linear minimum area enclosing triangle
algorithm, 2014; OpenCV 5, ``modules/geometry/src/min_enclosing_triangle.cpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917
from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from sandbox.pictures.flags import F32, F64, Points, kernel, real
from sandbox.pictures.points import measurable

__all__ = ["min_enclosing_triangle", "min_enclosing_triangle_scratch"]

_PI: Final = 3.1415926535897932384626433832795
_NEAR: Final = 1e-5
_BELOW: Final = 1
_ABOVE: Final = 2
_CRITICAL: Final = 3


def min_enclosing_triangle_scratch(points: int) -> int:
    """Give the float32 elements of scratch memory for a hull of that many points."""
    return 2 * points + 48


@kernel
def _equal(a: Any, b: Any) -> bool:
    x = real(a)
    y = real(b)
    return bool(abs(x - y) <= _NEAR * max(1.0, abs(x), abs(y)))


@kernel
def _height(p: F32, n: int, c: int, x: Any, y: Any) -> float:
    """Give how far a point is from the side that ends at corner ``c``."""
    before = n - 1 if c == 0 else c - 1
    cx = p[2 * c]
    cy = p[2 * c + 1]
    dx = real(p[2 * before] - cx)
    dy = real(p[2 * before + 1] - cy)
    length = math.sqrt(dx * dx + dy * dy)
    if length == 0.0:
        return 0.0
    return abs(dx * real(cy - y) - real(cx - x) * dy) / length


@kernel
def _angle(ax: Any, ay: Any, bx: Any, by: Any) -> float:
    """Give the direction from one point to another, in degrees from 0 to 360."""
    angle = math.atan2(real(by - ay), real(bx - ax)) * 180.0 / _PI
    return angle + 360.0 if angle < 0.0 else angle


@kernel
def _between(angle: float, one: float, other: float) -> bool:
    """Tell whether an angle is in the smaller sector of two."""
    if abs(one - other) > 180.0:
        high = max(one, other)
        low = min(one, other)
        return bool(
            (high < angle and (angle < 360.0 or _equal(angle, 360.0)))
            or ((angle > 0.0 or _equal(0.0, angle)) and angle < low)
        )
    # The remainder has the sign of the difference in C.
    difference = math.trunc(one - other)
    if difference > 0 and difference % 180 != 0:
        return bool(other < angle < one)
    return bool(one < angle < other)


@kernel
def _side_of(p: F32, n: int, c: int, near: int, i: int) -> int:
    return (
        _ABOVE
        if _height(p, n, c, p[2 * near], p[2 * near + 1]) > _height(p, n, c, p[2 * i], p[2 * i + 1])
        else _BELOW
    )


@kernel
def _meets(p: F32, n: int, c: int, i: int, angle: float) -> int:
    """Tell where a line of that direction through corner ``i`` meets the polygon."""
    before = n - 1 if i == 0 else i - 1
    after = i + 1 if i + 1 < n else 0
    before_c = n - 1 if c == 0 else c - 1
    x = p[2 * i]
    y = p[2 * i + 1]
    from_before = _angle(p[2 * before], p[2 * before + 1], x, y)
    from_after = _angle(p[2 * after], p[2 * after + 1], x, y)
    edge = _angle(p[2 * before_c], p[2 * before_c + 1], p[2 * c], p[2 * c + 1])
    inside = _between(edge, from_before, from_after)
    if not inside:
        opposite = edge - 180.0 if edge > 180.0 else edge + 180.0
        if _between(opposite, from_before, from_after):
            inside = True
            edge = opposite
    if inside:
        if _between(angle, from_before, edge) or _equal(angle, from_before):
            return _side_of(p, n, c, before, i)
        if _between(angle, from_after, edge) or _equal(angle, from_after):
            return _side_of(p, n, c, after, i)
        return _CRITICAL
    if (
        _between(angle, from_before, from_after)
        or (_equal(angle, from_before) and not _equal(angle, edge))
        or (_equal(angle, from_after) and not _equal(angle, edge))
    ):
        return _BELOW
    return _CRITICAL


@kernel
def _crossing(
    a1: float, b1: float, c1: float, a2: float, b2: float, c2: float, out: F32, at: int
) -> bool:
    """Write where two lines ``a x + b y = c`` meet, if they do."""
    determinant = a1 * b2 - a2 * b1
    if _equal(determinant, 0.0):
        return False
    out[at] = np.float32((c1 * b2 - c2 * b1) / determinant)
    out[at + 1] = np.float32((c2 * a1 - c1 * a2) / determinant)
    return True


@kernel
def _sides_cross(s: F32, one: int, other: int, at: int) -> bool:
    """Write where the lines of two sides meet, each side being four numbers in ``s``."""
    a1 = real(s[one + 3] - s[one + 1])
    b1 = real(s[one] - s[one + 2])
    a2 = real(s[other + 3] - s[other + 1])
    b2 = real(s[other] - s[other + 2])
    c1 = s[one] * a1 + s[one + 1] * b1
    c2 = s[other] * a2 + s[other + 1] * b2
    return bool(_crossing(a1, b1, c1, a2, b2, c2, s, at))


@kernel
def _reach(
    p: F32,
    n: int,
    c: int,
    i: int,
    ax: float,
    ay: float,
    bx: float,
    by: float,
    from_corner: bool,
    s: F32,
    at: int,
) -> int:
    """Write the point of a line that is twice as far from side ``c`` as corner ``i`` is.

    Of the two such points it is the one on the polygon's side. The line of side ``c`` goes from its
    corner to the one before or the other way, which makes a difference in its last bit.

    Returns:
        1; 0 if there is none; -2 where OpenCV raises.
    """  # fmt: skip
    before = n - 1 if c == 0 else c - 1
    after = c + 1 if c + 1 < n else 0
    cx = p[2 * c]
    cy = p[2 * c + 1]
    dx = p[2 * before]
    dy = p[2 * before + 1]
    if (_equal(ax, bx) and _equal(ay, by)) or (_equal(cx, dx) and _equal(cy, dy)):
        return -2
    a1 = real(by - ay)
    b1 = real(ax - bx)
    c1 = -((-ay) * b1 - ax * a1)
    a2 = real(dy - cy)
    b2 = real(cx - dx)
    k2 = (-cy) * b2 - cx * a2
    c2 = -k2 if from_corner else -((-dy) * b2 - dx * a2)
    more = 2.0 * _height(p, n, c, p[2 * i], p[2 * i + 1]) * math.sqrt(a2 * a2 + b2 * b2)
    found = _crossing(a1, b1, c1, a2, b2, c2 - more, s, 24)
    found = found and _crossing(a1, b1, c1, a2, b2, c2 + more, s, 26)
    if not found:
        one = _equal(a1 * b2, a2 * b1)
        same = one and _equal(b1 * (c2 - more), b2 * c1) and _equal(a1 * (c2 - more), a2 * c1)
        if not same:
            same = one and _equal(b1 * (c2 + more), b2 * c1) and _equal(a1 * (c2 + more), a2 * c1)
        if not same:
            return 0
        s[24] = ax
        s[25] = ay
        s[26] = bx
        s[27] = by
    first = a2 * s[24] + b2 * s[25] + k2
    inner = a2 * p[2 * after] + b2 * p[2 * after + 1] + k2
    here = (first > 0.0 and inner > 0.0) or (first < 0.0 and inner < 0.0)
    if here or (first == 0.0 and inner == 0.0):
        s[at] = s[24]
        s[at + 1] = s[25]
    else:
        s[at] = s[26]
        s[at + 1] = s[27]
    return 1


@kernel
def _gamma(p: F32, n: int, a: int, c: int, i: int, s: F32) -> int:
    """Write gamma of corner ``i`` to ``s[28]``, as `_reach` does on side ``a``."""
    before = n - 1 if a == 0 else a - 1
    return _reach(
        p, n, c, i, p[2 * a], p[2 * a + 1], p[2 * before], p[2 * before + 1], True, s, 28
    )  # fmt: skip


@kernel
def _is_below(p: F32, n: int, a: int, c: int, i: int, corner: int, s: F32) -> int:
    """Tell whether the line from gamma of ``i`` to a corner meets the polygon below: 1, 0, or -2."""
    found = _gamma(p, n, a, c, i, s)
    if found <= 0:
        return found
    angle = _angle(p[2 * corner], p[2 * corner + 1], s[28], s[29])
    return 1 if _meets(p, n, c, corner, angle) == _BELOW else 0


@kernel
def _middle(a: Any, b: Any) -> Any:
    return np.float32(np.float32(a + b) / np.float32(2.0))


@kernel
def _distance(ax: Any, ay: Any, bx: Any, by: Any) -> float:
    dx = real(ax - bx)
    dy = real(ay - by)
    return math.sqrt(dx * dx + dy * dy)


@kernel
def _on_side(x: Any, y: Any, s: F32, side: int) -> bool:
    one = _distance(x, y, s[side], s[side + 1])
    other = _distance(x, y, s[side + 2], s[side + 3])
    length = _distance(s[side], s[side + 1], s[side + 2], s[side + 3])
    return bool(_equal(one + other, length))


@kernel
def _area(s: F32, a: int, b: int, c: int) -> float:
    """Give the area of a triangle of float32 corners, as OpenCV adds it up in float32."""
    ax, ay = np.float32(s[a]), np.float32(s[a + 1])
    bx, by = np.float32(s[b]), np.float32(s[b + 1])
    cx, cy = np.float32(s[c]), np.float32(s[c + 1])
    plus = np.float32(np.float32(np.float32(ax * by) + np.float32(ay * cx)) + np.float32(bx * cy))
    minus = np.float32(np.float32(np.float32(by * cx) + np.float32(ax * cy)) + np.float32(ay * bx))
    return abs(real(plus) - real(minus)) / 2.0


@kernel
def min_enclosing_triangle(hull: Points, out: F64, scratch: F32) -> int:
    """Compute `cv2.minEnclosingTriangle` from the convex hull of the points.

    Args:
        hull: int32 or float32 ``[n, 2]``: the hull as `sandbox.pictures.hull` gives it, clockwise,
            as points.
        out: float64 ``[7]``, written: the area, and x and y of each corner, which are float32.
        scratch: float32, `min_enclosing_triangle_scratch` elements.

    Returns:
        0; -1 if an array is too small; -2 where OpenCV raises, finds nothing or does not end.
    """
    n = hull.shape[0]
    if out.shape[0] < 7 or scratch.shape[0] < 2 * n + 48 or hull.shape[1] != 2 or n < 1:
        return -1
    if measurable(hull) == 0:
        return -1
    # Numbers of the search: sides A, B, C at 0, 4, 8, corners A, B, C at 12, 14, 16, the best three
    # at 18 to 23, and what the functions above write.
    s = scratch[:32]
    p = scratch[32 : 32 + 2 * n]
    for i in range(n):
        p[2 * i] = np.float32(hull[i, 0])
        p[2 * i + 1] = np.float32(hull[i, 1])
    if n <= 3:
        for i in range(3):
            s[18 + 2 * i] = p[2 * (i % n)]
            s[19 + 2 * i] = p[2 * (i % n) + 1]
        out[0] = _area(s, 18, 20, 22)
    else:
        code = _search(p, n, s, out)
        if code < 0:
            return code
    for i in range(6):
        out[1 + i] = s[18 + i]
    return 0


@kernel
def _search(p: F32, n: int, s: F32, out: F64) -> int:
    """Turn round the polygon; leave the smallest triangle in ``s`` and its area in ``out``."""
    a = 1
    b = 2
    turns = 0
    # OpenCV goes round about twice; this is what ends where it would not.
    most = 16 * n + 64
    best = 1.7976931348623157e308
    found = False
    for c in range(n):
        while True:
            after = b + 1 if b + 1 < n else 0
            high = _height(p, n, c, p[2 * after], p[2 * after + 1])
            low = _height(p, n, c, p[2 * b], p[2 * b + 1])
            if not (high > low or _equal(high, low)):
                break
            b = after
            turns += 1
            if turns > most:
                return -2
        while _height(p, n, c, p[2 * b], p[2 * b + 1]) > _height(p, n, c, p[2 * a], p[2 * a + 1]):
            below = _is_below(p, n, a, c, a, b, s)
            if below < 0:
                return -2
            if below == 1:
                b = b + 1 if b + 1 < n else 0
            else:
                a = a + 1 if a + 1 < n else 0
            turns += 1
            if turns > most:
                return -2
        before_a = n - 1 if a == 0 else a - 1
        while True:
            below = _is_below(p, n, a, c, b, b, s)
            if below < 0:
                return -2
            high = _height(p, n, c, p[2 * b], p[2 * b + 1])
            low = _height(p, n, c, p[2 * before_a], p[2 * before_a + 1])
            if below == 0 or not (high > low or _equal(high, low)):
                break
            b = b + 1 if b + 1 < n else 0
            turns += 1
            if turns > most:
                return -2
        code = _sides(p, n, a, b, c, s)
        if code < 0:
            return code
        if _is_minimal(p, n, a, b, code, s):
            area = _area(s, 12, 14, 16)
            if area < best:
                best = area
                found = True
                for i in range(6):
                    s[18 + i] = s[12 + i]
    if not found:
        return -2
    out[0] = best
    return 0


@kernel
def _sides(p: F32, n: int, a: int, b: int, c: int, s: F32) -> int:
    """Lay the three sides; give which of them only touches: 0 side A, 1 side B, 2 none, or -2."""
    before_a = n - 1 if a == 0 else a - 1
    before_b = n - 1 if b == 0 else b - 1
    before_c = n - 1 if c == 0 else c - 1
    for k in range(2):
        s[k] = p[2 * before_a + k]
        s[2 + k] = p[2 * a + k]
        s[8 + k] = p[2 * before_c + k]
        s[10 + k] = p[2 * c + k]
    code = _gamma(p, n, a, c, b, s)
    if code < 0:
        return -2
    flush = False
    if code == 1:
        angle = _angle(s[28], s[29], p[2 * b], p[2 * b + 1])
        flush = _meets(p, n, c, b, angle) == _ABOVE
    if flush or _height(p, n, c, p[2 * b], p[2 * b + 1]) < _height(
        p, n, c, p[2 * before_a], p[2 * before_a + 1]
    ):
        for k in range(2):
            s[4 + k] = p[2 * before_b + k]
            s[6 + k] = p[2 * b + k]
        if _sides_cross(s, 4, 8, 28) and _sides_cross(s, 4, 0, 30):
            x = _middle(s[28], s[30])
            y = _middle(s[29], s[31])
            if _height(p, n, c, x, y) < _height(p, n, c, p[2 * before_a], p[2 * before_a + 1]):
                # The end of side A is on side B then, twice as far out as the corner that A touches.
                if _reach(p, n, c, before_a, s[4], s[5], s[6], s[7], False, s, 28) != 1:
                    return -2
                s[2] = s[28]
                s[3] = s[29]
                return 0
        return 2
    if code != 1:
        return -2
    s[4] = s[28]
    s[5] = s[29]
    s[6] = p[2 * b]
    s[7] = p[2 * b + 1]
    return 1


@kernel
def _is_minimal(p: F32, n: int, a: int, b: int, kind: int, s: F32) -> bool:
    """Tell whether the sides make a triangle whose middles all touch the polygon; write its corners."""
    if not (_sides_cross(s, 0, 4, 16) and _sides_cross(s, 0, 8, 14) and _sides_cross(s, 4, 8, 12)):
        return False
    before_a = n - 1 if a == 0 else a - 1
    x = _middle(s[14], s[16])
    y = _middle(s[15], s[17])
    if kind == 0:
        valid = bool(_equal(x, p[2 * before_a]) and _equal(y, p[2 * before_a + 1]))
    else:
        valid = _on_side(x, y, s, 0)
    if not valid:
        return False
    x = _middle(s[12], s[16])
    y = _middle(s[13], s[17])
    if kind == 1:
        valid = bool(_equal(x, p[2 * b]) and _equal(y, p[2 * b + 1]))
    else:
        valid = _on_side(x, y, s, 4)
    if not valid:
        return False
    if kind == 2:
        return True
    return bool(_on_side(_middle(s[12], s[14]), _middle(s[13], s[15]), s, 8))
