"""Cases of the kernels that take contours; see `benchmarks.picture_cases`."""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np

from benchmarks.picture_cases import Case, case
from benchmarks.picture_inputs import contour, gray, mask, round_outline
from sandbox.pictures import boxes, ellipses, hull, shapes, triangles


def _flat(points: Any) -> Any:
    return points.reshape(-1, 2)


@case
def contour_area(rng: random.Random) -> Case:
    points, oriented = contour(rng, floats=None), rng.random() < 0.5
    return Case(
        lambda: cv2.contourArea(points, oriented),
        lambda: shapes.contour_area(_flat(points), oriented),
    )


@case
def arc_length(rng: random.Random) -> Case:
    points, closed = contour(rng, floats=None), rng.random() < 0.5
    return Case(
        lambda: cv2.arcLength(points, closed), lambda: shapes.arc_length(_flat(points), closed)
    )


@case
def bounding_rect(rng: random.Random) -> Case:
    points = contour(rng, floats=None)
    out = np.empty(4, np.int64)

    def ours() -> Any:
        shapes.bounding_rect(_flat(points), out)
        return tuple(out.tolist())

    return Case(lambda: tuple(cv2.boundingRect(points)), ours)


@case
def bounding_rect_of_mask(rng: random.Random) -> Case:
    image = mask(rng)
    out = np.empty(4, np.int64)

    def ours() -> Any:
        shapes.bounding_rect_of_mask(image, out)
        return tuple(out.tolist())

    return Case(lambda: tuple(cv2.boundingRect(image)), ours)


@case
def is_contour_convex(rng: random.Random) -> Case:
    points = contour(rng, floats=None, most=rng.choice([3, 5, 30]))
    if rng.random() < 0.5:
        points = cv2.convexHull(points)
    return Case(
        lambda: int(cv2.isContourConvex(points)), lambda: shapes.is_contour_convex(_flat(points))
    )


@case
def point_polygon_test(rng: random.Random) -> Case:
    points, distance = contour(rng, floats=None), rng.random() < 0.5
    kind = rng.randrange(3)
    if kind == 0:
        x, y = (float(v) for v in rng.choice(_flat(points).tolist()))
    else:
        x, y = rng.uniform(-5, 45), rng.uniform(-5, 45)
        if kind == 1:
            x, y = float(round(x)), float(round(y))
    return Case(
        lambda: cv2.pointPolygonTest(points, (x, y), distance),
        lambda: shapes.point_polygon_test(_flat(points), x, y, distance),
    )


@case
def moments_of_contour(rng: random.Random) -> Case:
    points = contour(rng, floats=None)
    out = np.empty(24)

    def ours() -> Any:
        shapes.moments_of_contour(_flat(points), out)
        return out

    return Case(lambda: np.array(list(cv2.moments(points).values())), ours)


@case
def moments_of_image(rng: random.Random) -> Case:
    image = mask(rng, 80) if rng.random() < 0.5 else gray(rng, 80)
    binary = rng.random() < 0.5
    out = np.empty(24)

    def ours() -> Any:
        shapes.moments_of_image(image, binary, out)
        return out[:exact]

    # Not binary, OpenCV leaves the central moments to IPP, whose rounding is its own.
    exact = 24 if binary else 10
    return Case(lambda: np.array(list(cv2.moments(image, binary).values()))[:exact], ours)


@case
def min_enclosing_circle(rng: random.Random) -> Case:
    points = contour(rng, floats=None)
    out = np.empty(3, np.float32)
    scratch = np.empty(shapes.min_enclosing_circle_scratch(len(points)), np.float32)

    def reference() -> Any:
        (x, y), radius = cv2.minEnclosingCircle(points)
        return np.array([x, y, radius], np.float32)

    def ours() -> Any:
        shapes.min_enclosing_circle(_flat(points), out, scratch)
        return out

    return Case(reference, ours)


@case
def convex_hull(rng: random.Random) -> Case:
    points = contour(rng, floats=None)
    clockwise, as_points = rng.random() < 0.3, rng.random() < 0.6
    n = len(points)
    indices = np.empty(n + 2, np.int32)
    out = np.empty((n + 2, 2), points.dtype)
    scratch = np.empty(hull.convex_hull_scratch(n), np.int32)

    def ours() -> Any:
        count = hull.convex_hull(_flat(points), clockwise, as_points, indices, scratch)
        if as_points:
            hull.convex_hull_points(_flat(points), indices, count, out)
            return out[:count]
        return indices[:count]

    def reference() -> Any:
        found = cv2.convexHull(points, clockwise=clockwise, returnPoints=as_points)
        return _flat(found) if as_points else found.reshape(-1)

    return Case(reference, ours)


@case
def approx_poly(rng: random.Random) -> Case:
    points = contour(rng, floats=None)
    closed = rng.random() < 0.7
    epsilon = rng.choice([0.0, 1.0, rng.uniform(0, 8), 0.02 * cv2.arcLength(points, True)])
    n = len(points)
    out = np.empty((n + 1, 2), points.dtype)
    scratch = np.empty(hull.approx_poly_scratch(n), np.int32)

    def reference() -> Any:
        try:
            return _flat(cv2.approxPolyDP(points, epsilon, closed))
        except cv2.error:
            return "raises"

    def ours() -> Any:
        count = hull.approx_poly(_flat(points), epsilon, closed, out, scratch)
        return "raises" if count == -2 else out[:count]

    return Case(reference, ours)


@case
def min_area_rect(rng: random.Random) -> Case:
    points = contour(rng, floats=None)
    n = len(points)
    indices, out = np.empty(n + 2, np.int32), np.empty(5, np.float32)
    around = np.empty((n + 2, 2), points.dtype)
    scratch = np.empty(hull.convex_hull_scratch(n), np.int32)
    more = np.empty(boxes.min_area_rect_scratch(n + 2), np.float32)

    def reference() -> Any:
        (x, y), (width, height), angle = cv2.minAreaRect(points)
        return np.array([x, y, width, height, angle], np.float32)

    def ours() -> Any:
        count = hull.convex_hull(_flat(points), False, True, indices, scratch)
        hull.convex_hull_points(_flat(points), indices, count, around)
        boxes.min_area_rect(around[:count], out, more)
        return out

    return Case(reference, ours)


@case
def fit_ellipse(rng: random.Random) -> Case:
    """Equal, or left to OpenCV."""
    points = contour(rng, floats=None, least=5) if rng.random() < 0.3 else round_outline(rng)
    out = np.empty(5, np.float32)
    scratch = np.empty(ellipses.fit_ellipse_scratch(len(points)))
    code = ellipses.fit_ellipse(_flat(points), out, scratch)

    def reference() -> Any:
        (x, y), (width, height), angle = cv2.fitEllipse(points)
        return np.array([x, y, width, height, angle], np.float32)

    return Case(reference if code == 0 else lambda: "left", lambda: out if code == 0 else "left")


@case
def min_enclosing_triangle(rng: random.Random) -> Case:
    points = contour(rng, floats=None) if rng.random() < 0.7 else round_outline(rng)
    n = len(points)
    indices, out = np.empty(n + 2, np.int32), np.empty(7)
    around = np.empty((n + 2, 2), points.dtype)
    scratch = np.empty(hull.convex_hull_scratch(n), np.int32)
    more = np.empty(triangles.min_enclosing_triangle_scratch(n + 2), np.float32)

    def reference() -> Any:
        try:
            area, corners = cv2.minEnclosingTriangle(points)
        except cv2.error:
            return "left"
        return "left" if corners is None else (area, _flat(corners))

    def ours() -> Any:
        count = hull.convex_hull(_flat(points), True, True, indices, scratch)
        hull.convex_hull_points(_flat(points), indices, count, around)
        if triangles.min_enclosing_triangle(around[:count], out, more) < 0:
            return "left"
        return float(out[0]), out[1:].reshape(3, 2).astype(np.float32)

    return Case(reference, ours)


@case
def box_points(rng: random.Random) -> Case:
    box = np.array([rng.uniform(-90, 90) for _ in range(5)], np.float32)
    box[2:4] = np.abs(box[2:4])
    out = np.empty((4, 2), np.float32)

    def ours() -> Any:
        boxes.box_points(box, out)
        return out

    x, y, width, height, angle = box.tolist()
    return Case(lambda: cv2.boxPoints(((x, y), (width, height), angle)), ours)
