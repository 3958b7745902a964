"""Convex hull and polygonal approximation of a contour.

Points are int32 or float32 ``[n, 2]``. Both kernels give indices into the contour or copies of its
points, in OpenCV's order and with its starting point.

Reference: Sklansky, Finding the convex hull of a simple polygon, 1982; Douglas and Peucker,
Algorithms for the reduction of the number of points required to represent a digitized line, 1973;
OpenCV 5, ``modules/geometry/src/{convhull,approx}.cpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917, PLR1714
from __future__ import annotations

from typing import Any

from sandbox.pictures.flags import I32, Points, kernel, real, whole
from sandbox.pictures.points import measurable

__all__ = [
    "approx_poly",
    "approx_poly_scratch",
    "convex_hull",
    "convex_hull_points",
    "convex_hull_scratch",
]


def convex_hull_scratch(points: int) -> int:
    """Give the int32 elements of scratch memory for that many points."""
    return 6 * points + 32


@kernel
def _before(points: Points, i: int, j: int) -> bool:
    """Order points by x, then y, then place in the contour."""
    if points[i, 0] != points[j, 0]:
        return bool(points[i, 0] < points[j, 0])
    if points[i, 1] != points[j, 1]:
        return bool(points[i, 1] < points[j, 1])
    return i < j


@kernel
def _sort(points: Points, order: I32, n: int) -> int:
    """Sort ``order[:n]`` in place by what the points it names compare as: a heap sort."""
    for start in range(n // 2 - 1, -1, -1):
        _sift(points, order, start, n)
    for end in range(n - 1, 0, -1):
        order[0], order[end] = order[end], order[0]
        _sift(points, order, 0, end)
    return 0


@kernel
def _sift(points: Points, order: I32, root: int, end: int) -> int:
    moved = whole(order[root])
    while True:
        child = 2 * root + 1
        if child >= end:
            break
        if child + 1 < end and _before(points, whole(order[child]), whole(order[child + 1])):
            child += 1
        if not _before(points, moved, whole(order[child])):
            break
        order[root] = order[child]
        root = child
    order[root] = moved
    return 0


@kernel
def _sign(value: Any) -> int:
    return 1 if value > 0 else (-1 if value < 0 else 0)


@kernel
def _chain(
    points: Points, order: I32, start: int, end: int, stack: I32, side: int, turn: int
) -> int:
    """Walk one quarter of the hull; put places in ``order`` on the stack, give their number."""
    step = 1 if end > start else -1
    a = whole(order[start])
    b = whole(order[end])
    if start == end or (points[a, 0] == points[b, 0] and points[a, 1] == points[b, 1]):
        stack[0] = start
        return 1
    before = start
    here = start + step
    after = here + step
    depth = 3
    room = stack.shape[0]
    stack[0] = before
    stack[1] = here
    stack[2] = after
    stop = end + step
    while after != stop:
        i = whole(order[before])
        j = whole(order[here])
        k = whole(order[after])
        by = points[k, 1] - points[j, 1]
        if _sign(by) != side:
            ax = points[j, 0] - points[i, 0]
            ay = points[j, 1] - points[i, 1]
            bx = points[k, 0] - points[j, 0]
            bend = _bend(ax, ay, bx, by)
            if _sign(bend) == turn and (ax != 0 or ay != 0):
                before = here
                here = after
                after += step
                if depth >= room:
                    return -1
                stack[depth] = after
                depth += 1
            elif before == start:
                here = after
                stack[1] = here
                after += step
                stack[2] = after
            else:
                stack[depth - 2] = after
                here = before
                before = whole(stack[depth - 4])
                depth -= 1
        else:
            after += step
            stack[depth - 1] = after
    return depth - 1


@kernel
def _bend(ax: Any, ay: Any, bx: Any, by: Any) -> float:
    """Give the cross product whose sign tells where the path turns."""
    return real(ay) * real(bx) - real(ax) * real(by)


@kernel
def convex_hull(points: Points, clockwise: bool, as_points: bool, out: I32, scratch: I32) -> int:
    """Compute `cv2.convexHull` as indices.

    Args:
        points: int32 or float32 ``[n, 2]``.
        clockwise: As the argument of OpenCV.
        as_points: Whether the points are wanted in the end (``returnPoints``), see
            `convex_hull_points`; without, equal points are told apart by their neighbours.
        out: int32 ``[n + 2]``, written: places in ``points``.
        scratch: int32, `convex_hull_scratch` elements.

    Returns:
        Number of points of the hull, or -1 if an array is too small.
    """
    n = points.shape[0]
    if n == 0:
        return 0
    room = n + 8
    if scratch.shape[0] < n + 4 * room or points.shape[1] != 2 or measurable(points) == 0:
        return -1
    order = scratch[:n]
    for i in range(n):
        order[i] = i
    _sort(points, order, n)
    low = high = 0
    for i in range(1, n):
        y = points[whole(order[i]), 1]
        if y < points[whole(order[low]), 1]:
            low = i
        if y > points[whole(order[high]), 1]:
            high = i
    first = whole(order[0])
    last = whole(order[n - 1])
    if out.shape[0] < 1:
        return -1
    if points[first, 0] == points[last, 0] and points[first, 1] == points[last, 1]:
        out[0] = 0
        return 1
    # Four quarters: from the left and from the right to the highest and to the lowest y. A loop, so
    # that there is one copy of the walk to compile.
    c0 = c1 = c2 = c3 = 0
    for quarter in range(4):
        found = _chain(
            points,
            order,
            0 if quarter % 2 == 0 else n - 1,
            high if quarter < 2 else low,
            scratch[n + quarter * room : n + (quarter + 1) * room],
            -1 if quarter < 2 else 1,
            1 if quarter == 0 or quarter == 3 else -1,
        )
        if found < 0:
            return -1
        c0, c1, c2, c3 = c1, c2, c3, found
    s0 = scratch[n : n + room]
    s1 = scratch[n + room : n + 2 * room]
    s2 = scratch[n + 2 * room : n + 3 * room]
    s3 = scratch[n + 3 * room : n + 4 * room]
    if not clockwise:
        s0, s1 = s1, s0
        c0, c1 = c1, c0
    else:
        s2, s3 = s3, s2
        c2, c3 = c3, c2
    if out.shape[0] < c0 + c1 + c2 + c3 - 4:
        return -1
    count = 0
    for i in range(c0 - 1):
        out[count] = s0[i]
        count += 1
    for i in range(c1 - 1, 0, -1):
        out[count] = s1[i]
        count += 1
    stop = -1
    if c1 > 2:
        stop = whole(s1[1])
    elif c0 > 2:
        stop = whole(s0[c0 - 2])
    if stop >= 0:
        check = -1
        if c2 > 2:
            check = whole(s2[1])
        elif c2 + c3 > 2:
            check = whole(s3[2 - c2])
        same = check == stop
        if not same and check >= 0:
            a = whole(order[check])
            b = whole(order[stop])
            same = points[a, 0] == points[b, 0] and points[a, 1] == points[b, 1]
        if same:
            c2 = min(c2, 2)
            c3 = min(c3, 2)
    for i in range(c2 - 1):
        out[count] = s2[i]
        count += 1
    for i in range(c3 - 1, 0, -1):
        out[count] = s3[i]
        count += 1
    if not as_points:
        _distinguish(points, order, out, count)
    for i in range(count):
        out[i] = order[whole(out[i])]
    if count >= 3 and count <= s0.shape[0]:
        _rotate(out, count, s0)
    return count


@kernel
def _distinguish(points: Points, order: I32, out: I32, count: int) -> int:
    """Of equal points take those between their neighbours, so that indices ascend or descend."""
    n = points.shape[0]
    for i in range(count):
        before = whole(order[whole(out[count - 1 if i == 0 else i - 1])])
        after = whole(order[whole(out[(i + 1) % count])])
        here = whole(order[whole(out[i])])
        if (before < here < after) or (before > here > after):
            continue
        for j in range(whole(out[i]) + 1, n):
            other = whole(order[j])
            if points[here, 0] != points[other, 0] or points[here, 1] != points[other, 1]:
                break
            if (before < other < after) or (before > other > after):
                out[i] = j
                break
    return 0


@kernel
def _rotate(out: I32, count: int, spare: I32) -> int:
    """Start where the indices ascend or descend all the way, if there is such a place."""
    low = high = rises = 0
    for i in range(1, count):
        at = out[i]
        rises += out[i - 1] < at
        if rises > 1 and rises <= i - 2:
            break
        if at < out[low]:
            low = i
        if at > out[high]:
            high = i
    apart = abs(high - low)
    if not ((apart == 1 or apart == count - 1) and (rises <= 1 or rises >= count - 2)):
        return 0
    ascending = (high + 1) % count == low
    j = low if ascending else high
    if j == 0:
        return 0
    for i in range(count):
        here = out[j]
        spare[i] = here
        following = j + 1 if j + 1 < count else 0
        if i < count - 1 and ascending != (here < out[following]):
            return 0
        j = following
    for i in range(count):
        out[i] = spare[i]
    return 0


@kernel
def convex_hull_points(points: Points, indices: I32, count: int, out: Points) -> int:
    """Copy the points that `convex_hull` named to ``out``, same type ``[cap, 2]``; count or -1."""
    n = points.shape[0]
    if count < 0 or count > out.shape[0] or count > indices.shape[0]:
        return -1
    for i in range(count):
        at = whole(indices[i])
        if at < 0 or at >= n:
            return -1
        out[i, 0] = points[at, 0]
        out[i, 1] = points[at, 1]
    return count


def approx_poly_scratch(points: int) -> int:
    """Give the int32 elements of scratch memory for that many points."""
    return 2 * points + 16


@kernel
def approx_poly(points: Points, epsilon: float, closed: bool, out: Points, scratch: I32) -> int:
    """Compute `cv2.approxPolyDP`.

    Args:
        points: int32 or float32 ``[n, 2]``.
        epsilon: Largest distance between contour and polygon, in pixels, at least 0.
        closed: Whether the last point is joined to the first.
        out: Type of ``points``, ``[n + 1, 2]``, written.
        scratch: int32, `approx_poly_scratch` elements.

    Returns:
        Number of points of the polygon; -1 if an array is too small; -2 where OpenCV raises.
    """
    n = points.shape[0]
    if n == 0:
        return 0
    if not (0.0 <= epsilon < 1e30):
        return -2
    room = scratch.shape[0] // 2
    capacity = out.shape[0]
    if room < 2 or capacity < n + 1 or points.shape[1] != 2 or out.shape[1] != 2:
        return -1
    if measurable(points) == 0:
        return -1
    square = epsilon * epsilon
    depth = 0
    count = 0
    rounds = 3
    around = closed
    within = False
    first = 0
    last = 0
    far = 0
    at = 0
    if not closed:
        far = n
        if points[0, 0] != points[n - 1, 0] or points[0, 1] != points[n - 1, 1]:
            scratch[0] = 0
            scratch[1] = n - 1
            depth = 1
        else:
            around = True
            rounds = 1
    if around:
        far = 0
        start = 0
        for _ in range(rounds):
            longest = 0.0
            at = (at + far) % n
            start = at
            at = at + 1 if at + 1 < n else 0
            for j in range(1, n):
                dx = real(points[at, 0] - points[start, 0])
                dy = real(points[at, 1] - points[start, 1])
                at = at + 1 if at + 1 < n else 0
                distance = dx * dx + dy * dy
                if distance > longest:
                    longest = distance
                    far = j
            within = longest <= square
        if within:
            out[0, 0] = points[start, 0]
            out[0, 1] = points[start, 1]
            count = 1
        else:
            first = at % n
            far = (far + first) % n
            last = far
            scratch[0] = far
            scratch[1] = first
            scratch[2] = first
            scratch[3] = last
            depth = 2
    while depth > 0:
        depth -= 1
        first = whole(scratch[2 * depth])
        last = whole(scratch[2 * depth + 1])
        at = first + 1 if first + 1 < n else 0
        if at != last:
            sx = points[first, 0]
            sy = points[first, 1]
            ex = points[last, 0]
            ey = points[last, 1]
            dx = real(ex - sx)
            dy = real(ey - sy)
            length = dx * dx + dy * dy
            if dx == 0.0 and dy == 0.0:
                return -2
            longest = 0.0
            while at != last:
                px = points[at, 0]
                py = points[at, 1]
                at = at + 1 if at + 1 < n else 0
                along = real(px - sx) * dx + real(py - sy) * dy
                if along < 0.0:
                    distance = real((px - sx) * (px - sx) + (py - sy) * (py - sy)) * length
                elif along > length:
                    distance = real((px - ex) * (px - ex) + (py - ey) * (py - ey)) * length
                else:
                    distance = real(py - sy) * dx - real(px - sx) * dy
                    distance *= distance
                if distance > longest:
                    longest = distance
                    far = (at + n - 1) % n
            within = longest <= square * length
        else:
            within = True
        if within:
            if count >= capacity:
                return -1
            out[count, 0] = points[first, 0]
            out[count, 1] = points[first, 1]
            count += 1
        else:
            if depth + 2 > room:
                return -1
            scratch[2 * depth] = far
            scratch[2 * depth + 1] = last
            scratch[2 * depth + 2] = first
            scratch[2 * depth + 3] = far
            depth += 2
    if not around:
        if count >= capacity:
            return -1
        out[count, 0] = points[n - 1, 0]
        out[count, 1] = points[n - 1, 1]
        count += 1
    return _straighten(out, count, square, closed)


@kernel
def _straighten(out: Points, count: int, square: float, closed: bool) -> int:
    """Remove points on almost straight lines, as OpenCV's last stage does; give what is left."""
    left = count
    edge = 0 if closed else 1
    at = count - 1 if closed else 0
    sx = out[at, 0]
    sy = out[at, 1]
    at = at + 1 if at + 1 < count else 0
    write = at
    px = out[at, 0]
    py = out[at, 1]
    at = at + 1 if at + 1 < count else 0
    i = edge
    while i < count - edge and left > 2:
        ex = out[at, 0]
        ey = out[at, 1]
        at = at + 1 if at + 1 < count else 0
        dx = real(ex - sx)
        dy = real(ey - sy)
        off = abs(real(px - sx) * dy - real(py - sy) * dx)
        inner = real((px - sx) * (ex - px) + (py - sy) * (ey - py))
        if (
            off * off <= 0.5 * square * (dx * dx + dy * dy)
            and dx != 0.0
            and dy != 0.0
            and inner >= 0.0
        ):
            left -= 1
            sx = ex
            sy = ey
            out[write, 0] = sx
            out[write, 1] = sy
            write = write + 1 if write + 1 < count else 0
            px = out[at, 0]
            py = out[at, 1]
            at = at + 1 if at + 1 < count else 0
            i += 2
            continue
        sx = px
        sy = py
        out[write, 0] = sx
        out[write, 1] = sy
        write = write + 1 if write + 1 < count else 0
        px = ex
        py = ey
        i += 1
    if not closed:
        out[write, 0] = px
        out[write, 1] = py
    return left
