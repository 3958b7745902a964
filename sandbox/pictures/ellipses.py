"""The ellipse that fits points best, and how sure its last bits are.

OpenCV solves two least squares problems by a singular value decomposition, whose last bits are
those of the linear algebra library it was built with. Its results are float32, so that these bits
decide nothing unless a result lies next to the middle between two float32. The kernel solves the same
problems in another stable way, bounds what both ways can be off by, and gives a result only where
both ends of that bound are rounded to the same float32; it answers -2 otherwise, and OpenCV is asked.

The bound, with ``u`` the unit roundoff of float64 and every problem solved with a backward error of at
most ``BACKWARD * u``:

- least squares: ``|dx| <= e k (2 + (k + 1) |r| / (|A| |x|)) |x|``, ``k`` being the condition of
  ``A``, ``r`` the residual and ``e`` the relative size of the perturbation;
- the centre: ``(|dM| |x| + |db|) / (smallest eigenvalue)``, and the condition times ``e``;
- what follows is differentiated.

Where OpenCV's answer is drawn by chance (it moves points at random if they are nearly on a line,
and its generator is never the same twice), the answer is -2 too.

Reference: Fitzgibbon and Fisher, A buyer's guide to conic fitting, 1995; Higham, Accuracy and
Stability of Numerical Algorithms, 2002, theorem 20.1; OpenCV 5,
``modules/geometry/src/shapedescr.cpp``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sandbox.pictures.flags import F32, F64, Points, kernel, real
from sandbox.pictures.points import measurable

__all__ = ["fit_ellipse", "fit_ellipse_scratch"]

BACKWARD: Final = 16.0
"""Backward error of a solution, OpenCV's and ours together, in units of the unit roundoff. Measured:
of 20,000 contours on which OpenCV's bits can show, 4 came out otherwise without any bound, and none
with a 500th of this one."""
_UNIT: Final = 2.0**-53
_WORST: Final = 1e6
"""Condition from which on OpenCV is asked. It moves points at random from 8.4e6 on."""
_SMALL: Final = 1e-8
_LEAST: Final = 1.1920928955078125e-07
"""FLT_EPSILON, the smallest sum of distances that OpenCV scales by."""
_PI: Final = 3.1415926535897932384626433832795


def fit_ellipse_scratch(points: int) -> int:
    """Give the float64 elements of scratch memory for that many points."""
    del points
    return 96


@kernel
def _rotate_in(r: F64, row: F64, columns: int) -> int:
    """Take one equation into a triangular system by rotations.

    Args:
        r: Triangle, flat ``[columns, columns + 1]``, the last column being the right side.
        row: The equation, ``[columns + 1]``; used up, and its last number is what is left over.
        columns: Unknowns.
    """
    wide = columns + 1
    for k in range(columns):
        below = row[k]
        if below == 0.0:
            continue
        above = r[k * wide + k]
        length = math.hypot(above, below)
        c = above / length
        s = below / length
        for j in range(k, wide):
            upper = r[k * wide + j]
            lower = row[j]
            r[k * wide + j] = c * upper + s * lower
            row[j] = c * lower - s * upper
    return 0


@kernel
def _solve(r: F64, columns: int, x: F64) -> int:
    """Solve the triangular system; -2 if it cannot be."""
    wide = columns + 1
    for k in range(columns - 1, -1, -1):
        total = r[k * wide + columns]
        for j in range(k + 1, columns):
            total -= r[k * wide + j] * x[j]
        if r[k * wide + k] == 0.0:
            return -2
        x[k] = total / r[k * wide + k]
    return 0


@kernel
def _extremes(r: F64, columns: int, work: F64, out: F64) -> int:
    """Give the largest and the smallest singular value of the triangle.

    By one-sided Jacobi rotations: columns are turned until they are orthogonal; their lengths are the
    singular values.
    """
    wide = columns + 1
    for i in range(columns):
        for j in range(columns):
            work[j * columns + i] = r[i * wide + j] if j >= i else 0.0
    for _ in range(30):
        turned = False
        for p in range(columns - 1):
            for q in range(p + 1, columns):
                a = b = cross = 0.0
                for k in range(columns):
                    x = work[p * columns + k]
                    y = work[q * columns + k]
                    a += x * x
                    b += y * y
                    cross += x * y
                if abs(cross) <= 1e-10 * math.sqrt(a * b):
                    continue
                turned = True
                zeta = (b - a) / (2.0 * cross)
                t = 1.0 / (abs(zeta) + math.sqrt(1.0 + zeta * zeta))
                if zeta < 0.0:
                    t = -t
                c = 1.0 / math.sqrt(1.0 + t * t)
                s = c * t
                for k in range(columns):
                    x = work[p * columns + k]
                    y = work[q * columns + k]
                    work[p * columns + k] = c * x - s * y
                    work[q * columns + k] = s * x + c * y
        if not turned:
            break
    out[0] = 0.0
    out[1] = 1.7976931348623157e308
    for p in range(columns):
        total = 0.0
        for k in range(columns):
            total += work[p * columns + k] * work[p * columns + k]
        length = math.sqrt(total)
        out[0] = max(out[0], length)
        out[1] = min(out[1], length)
    return 0


@kernel
def _off(columns: int, error: float, left: float, x: F64, extremes: F64) -> float:
    """Bound what a least squares solution is off by, as an absolute length.

    Args:
        columns: Unknowns.
        error: Relative backward error.
        left: Length of the residual.
        x: The solution.
        extremes: Largest and smallest singular value.
    """
    length = 0.0
    for k in range(columns):
        length += x[k] * x[k]
    length = math.sqrt(length)
    condition = extremes[0] / extremes[1]
    return real(error * condition * (2.0 * length + (condition + 1.0) * left / extremes[0]))


@kernel
def _certain(value: float, off: float) -> bool:
    """Tell whether everything that near is rounded to the same float32."""
    return bool(np.float32(value - off) == np.float32(value + off))


@kernel
def fit_ellipse(points: Points, out: F32, scratch: F64) -> int:
    """Compute `cv2.fitEllipse` of at least six points.

    Args:
        points: int32 or float32 ``[n, 2]``.
        out: float32 ``[5]``, written: centre x and y, width, height, angle in degrees.
        scratch: float64, `fit_ellipse_scratch` elements.

    Returns:
        0; -1 if an array is too small; -2 where OpenCV has to be asked: fewer than six points, or
        the last bits of its algebra decide.
    """
    n = points.shape[0]
    if out.shape[0] < 5 or scratch.shape[0] < 96 or points.shape[1] != 2:
        return -1
    if measurable(points) == 0:
        return -1
    if n < 6:
        return -2
    r = scratch[:30]
    row = scratch[30:36]
    work = scratch[36:61]
    g = scratch[61:66]
    extremes = scratch[66:68]
    cx = np.float32(0.0)
    cy = np.float32(0.0)
    for i in range(n):
        cx = np.float32(cx + np.float32(points[i, 0]))
        cy = np.float32(cy + np.float32(points[i, 1]))
    cx = np.float32(cx / np.float32(n))
    cy = np.float32(cy / np.float32(n))
    total = 0.0
    for i in range(n):
        total += abs(real(np.float32(np.float32(points[i, 0]) - cx)))
        total += abs(real(np.float32(np.float32(points[i, 1]) - cy)))
    scale = 100.0 / max(total, _LEAST)

    # All five parameters of the conic.
    r[:] = 0.0
    left = 0.0
    for i in range(n):
        x = real(np.float32(np.float32(points[i, 0]) - cx)) * scale
        y = real(np.float32(np.float32(points[i, 1]) - cy)) * scale
        row[0] = -x * x
        row[1] = -y * y
        row[2] = -x * y
        row[3] = x
        row[4] = y
        row[5] = 10000.0
        _rotate_in(r, row, 5)
        left += row[5] * row[5]
    _extremes(r, 5, work, extremes)
    if not extremes[1] * _WORST > extremes[0] or _solve(r, 5, g) < 0:
        return -2
    error = BACKWARD * _UNIT
    off = _off(5, error, math.sqrt(left), g, extremes)

    # Its centre, of a symmetric system of two equations.
    half = math.hypot(g[0] - g[1], g[2])
    large = max(abs(g[0] + g[1] + half), abs(g[0] + g[1] - half))
    small = min(abs(g[0] + g[1] + half), abs(g[0] + g[1] - half))
    if not (small - 3.0 * off) * _WORST > large:
        return -2
    small -= 3.0 * off
    determinant = 4.0 * g[0] * g[1] - g[2] * g[2]
    mx = (2.0 * g[1] * g[3] - g[2] * g[4]) / determinant
    my = (2.0 * g[0] * g[4] - g[2] * g[3]) / determinant
    far = math.hypot(mx, my)
    off_centre = (3.0 * off * far + off) / small + error * (large / small) * far

    # The other three parameters again, with that centre.
    r[:] = 0.0
    left = 0.0
    spread = 0.0
    for i in range(n):
        x = real(np.float32(np.float32(points[i, 0]) - cx)) * scale - mx
        y = real(np.float32(np.float32(points[i, 1]) - cy)) * scale - my
        spread += x * x + y * y
        row[0] = x * x
        row[1] = y * y
        row[2] = x * y
        row[3] = 1.0
        _rotate_in(r, row, 3)
        left += row[3] * row[3]
    _extremes(r, 3, work, extremes)
    if not extremes[1] * _WORST > extremes[0] or _solve(r, 3, g) < 0:
        return -2
    # The centre moves every row: by twice its distance from it, at most.
    error += 2.25 * off_centre * math.sqrt(spread) / extremes[0]
    off = _off(3, error, math.sqrt(left), g, extremes)

    # Angle and radii.
    across = g[1] - g[0]
    length = math.hypot(g[2], across)
    turn = -0.5 * math.atan2(g[2], across)
    if abs(abs(g[2]) - _SMALL) <= off:
        return -2
    if abs(g[2]) > _SMALL:
        t = g[2] / math.sin(-2.0 * turn)
        off_t = 1.5 * off + t * 8.0 * _UNIT * (1.0 + length / abs(g[2]))
    else:
        t = across
        off_t = 1.5 * off
    off_t += 1.5 * off
    a = abs(g[0] + g[1] - t)
    b = abs(g[0] + g[1] + t)
    off_t += 8.0 * _UNIT * (a + b)
    if min(a, b) - off_t <= _SMALL:
        return -2
    off_a = math.sqrt(2.0 / (a - off_t)) - math.sqrt(2.0 / (a + off_t))
    off_b = math.sqrt(2.0 / (b - off_t)) - math.sqrt(2.0 / (b + off_t))
    a = math.sqrt(2.0 / a) * 2.0 / scale
    b = math.sqrt(2.0 / b) * 2.0 / scale
    off_a = off_a * 2.0 / scale + 8.0 * _UNIT * a
    off_b = off_b * 2.0 / scale + 8.0 * _UNIT * b
    mx /= scale
    my /= scale
    off_centre = off_centre / scale + 8.0 * _UNIT * (abs(mx) + abs(my))
    if not (_certain(a, off_a) and _certain(b, off_b)):
        return -2
    # To the middle of the points it is added in float32, so that a centre next to it is certain.
    out[0] = np.float32(np.float32(mx + off_centre) + cx)
    out[1] = np.float32(np.float32(my + off_centre) + cy)
    if out[0] != np.float32(np.float32(mx - off_centre) + cx):
        return -2
    if out[1] != np.float32(np.float32(my - off_centre) + cy):
        return -2
    out[2] = np.float32(a)
    out[3] = np.float32(b)
    out[4] = np.float32(0.0)
    if out[2] > out[3]:
        out[2], out[3] = out[3], out[2]
        angle = 90.0 + turn * 180.0 / _PI
        off_angle = 1.5 * off / length * 90.0 / _PI + 1024.0 * _UNIT
        # Where the direction turns over, from one half circle to the other.
        if across <= off and abs(g[2]) <= off:
            return -2
        if not (length > 4.0 * off and _certain(angle, off_angle)):
            return -2
        out[4] = np.float32(angle)
    return 0
