"""Cases of the kernels that draw; see `benchmarks.picture_cases`."""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np

from benchmarks.picture_cases import Case, case
from benchmarks.picture_inputs import colour, contour, generator, gray, mask
from sandbox.pictures import drawing


def _canvas(rng: random.Random) -> tuple[Any, tuple[int, int, int], Any]:
    image = colour(rng) if rng.random() < 0.5 else gray(rng)
    shades = tuple(rng.randrange(256) for _ in range(3))
    return image, shades, (shades if image.ndim == 3 else shades[:1])  # type: ignore[return-value]


def _three_axes(image: Any) -> Any:
    return image if image.ndim == 3 else image.reshape(*image.shape, 1)


def _joined(polygons: list[Any]) -> tuple[Any, Any]:
    points = np.concatenate([p.reshape(-1, 2) for p in polygons]).astype(np.int32)
    return points, np.cumsum([0, *(len(p) for p in polygons)]).astype(np.int64)


def _polygons(rng: random.Random) -> list[Any]:
    if rng.random() < 0.4:
        method = rng.choice([cv2.CHAIN_APPROX_SIMPLE, cv2.CHAIN_APPROX_NONE])
        found = cv2.findContours(mask(rng), cv2.RETR_LIST, method)[0]
        if found:
            return list(found)
    if rng.random() < 0.4:
        least = rng.randint(1, 8)
        inside = generator(rng).integers(0, rng.randint(2, 40), (least, 1, 2))
        return [inside.astype(np.int32)]
    return [contour(rng) for _ in range(rng.randint(1, 3))]


@case
def fill_polygons(rng: random.Random) -> Case:
    image, shades, scalar = _canvas(rng)
    polygons = _polygons(rng)
    as_contours = rng.random() < 0.5
    points, starts = _joined(polygons)
    scratch = np.empty(drawing.fill_polygons_scratch(len(points), len(polygons)), np.int64)

    def reference() -> Any:
        if as_contours:
            return cv2.drawContours(image.copy(), polygons, -1, scalar, cv2.FILLED)
        return cv2.fillPoly(image.copy(), polygons, scalar)

    def ours() -> Any:
        out = image.copy()
        drawing.fill_polygons(_three_axes(out), points, starts, *shades, scratch)
        return out

    return Case(reference, ours)


@case
def polygon_lines(rng: random.Random) -> Case:
    image, shades, scalar = _canvas(rng)
    polygons, closed = _polygons(rng), rng.random() < 0.5
    as_contours = closed and rng.random() < 0.5
    points, starts = _joined(polygons)

    def reference() -> Any:
        if as_contours:
            return cv2.drawContours(image.copy(), polygons, -1, scalar, 1)
        return cv2.polylines(image.copy(), polygons, closed, scalar)

    def ours() -> Any:
        out = image.copy()
        drawing.polygon_lines(_three_axes(out), points, starts, closed, *shades)
        return out

    return Case(reference, ours)


@case
def rectangle(rng: random.Random) -> Case:
    image, shades, scalar = _canvas(rng)
    x1, y1, x2, y2 = (rng.randint(-20, 60) for _ in range(4))
    filled = rng.random() < 0.6

    def ours() -> Any:
        out = image.copy()
        drawing.rectangle(_three_axes(out), x1, y1, x2, y2, filled, *shades)
        return out

    return Case(
        lambda: cv2.rectangle(image.copy(), (x1, y1), (x2, y2), scalar, -1 if filled else 1), ours
    )


@case
def circle(rng: random.Random) -> Case:
    image, shades, scalar = _canvas(rng)
    x, y, radius = rng.randint(-20, 60), rng.randint(-20, 60), rng.choice([0, 1, 2, 5, 11, 30, 70])
    filled = rng.random() < 0.6

    def ours() -> Any:
        out = image.copy()
        drawing.circle(_three_axes(out), x, y, radius, filled, *shades)
        return out

    return Case(lambda: cv2.circle(image.copy(), (x, y), radius, scalar, -1 if filled else 1), ours)
