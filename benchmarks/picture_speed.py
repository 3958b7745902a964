"""One picture of usual size for every kernel whose speed is of interest, for it and for OpenCV.

Everything a call needs is made before, so that the times are those of the two functions. OpenCV's
include what its Python binding does, as a program would pay it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np

from sandbox.pictures import (
    boxes,
    colour,
    components,
    contours,
    drawing,
    elements,
    ellipses,
    filters,
    hull,
    measures,
    morphology,
    scaling,
    shapes,
)

__all__ = ["SPEEDS", "ratio"]

Pair = tuple[Callable[[], Any], Callable[[], Any]]

_SIDE: Final = 84
_LOW: Final = (40, 60, 60)
_HIGH: Final = (85, 255, 255)


def _frame() -> Any:
    """Draw a picture of a grid with a few things in it."""
    frame = np.full((_SIDE, _SIDE, 3), 90, np.uint8)
    frame[::12] = frame[:, ::12] = 40
    cv2.circle(frame, (30, 30), 5, (0, 200, 20), -1)
    cv2.circle(frame, (66, 54), 5, (10, 220, 0), -1)
    cv2.rectangle(frame, (13, 61), (23, 71), (200, 30, 0), -1)
    cv2.rectangle(frame, (49, 13), (59, 23), (20, 180, 30), 2)
    return np.ascontiguousarray(frame)


_FRAME: Final = _frame()
_HSV: Final = cv2.cvtColor(_FRAME, cv2.COLOR_RGB2HSV)
_MASK: Any = cv2.inRange(_HSV, _LOW, _HIGH)
_GRAY: Any = cv2.cvtColor(_FRAME, cv2.COLOR_RGB2GRAY)
_OTHER: Any = np.ascontiguousarray(_GRAY[::-1])
_CONTOUR: Any = max(
    cv2.findContours(_MASK, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=cv2.contourArea
)
_POINTS: Any = _CONTOUR.reshape(-1, 2)
_ELEMENT: Any = np.ones((5, 5), np.uint8)
_NOTHING: Final = np.empty(0, np.uint8)

_picture: Any = np.empty_like(_FRAME)
_plane: Any = np.empty_like(_GRAY)
_cap, _most = 2 * _MASK.size, 512
_found: Any = (
    np.empty((_cap, 2), np.int32),
    np.empty(_most + 1, np.int64),
    np.empty((_most, 4), np.int32),
    np.empty(contours.find_contours_scratch(_SIDE, _SIDE, _cap, _most), np.int32),
)
_bytes: Any = np.empty(4 * _MASK.size, np.uint8)
_words: Any = np.empty(8 * _MASK.size, np.int32)
_longs: Any = np.empty(4 * _MASK.size, np.int64)
_singles: Any = np.empty(8 * _MASK.size, np.float32)
_doubles: Any = np.empty(64)
_algebra: Any = np.empty(ellipses.fit_ellipse_scratch(0))
_hull_points: Any = np.empty((len(_POINTS) + 2, 2), np.int32)
_starts: Any = np.array([0, len(_POINTS)], np.int64)
_five: Any = np.array([16, 64, 96, 64, 16], np.int64)
_labels: Any = np.empty(_MASK.shape, np.int32)
_half: Any = np.empty((2 * _SIDE, 2 * _SIDE, 3), np.uint8)


def _search() -> int:
    """Count the pixels of a colour as a program would."""
    return cv2.countNonZero(cv2.inRange(cv2.cvtColor(_FRAME, cv2.COLOR_RGB2HSV), _LOW, _HIGH))


def _contours(mode: int) -> Pair:
    return (
        lambda: cv2.findContours(_MASK, mode, cv2.CHAIN_APPROX_SIMPLE),
        lambda: contours.find_contours(_MASK, mode, 2, _found[0], _found[1], _found[2], _found[3]),
    )


def _flat(kernel: Callable[..., int], *more: Any) -> Callable[[], int]:
    first, second, out = _GRAY.reshape(-1), _OTHER.reshape(-1), _plane.reshape(-1)
    return lambda: kernel(first, second, *more, out)


_in_range: Any = colour.in_range_hsv
_in_pixels: Any = elements.in_range_pixels

SPEEDS: Final[dict[str, Pair]] = {
    "hsv_from_colour": (
        lambda: cv2.cvtColor(_FRAME, cv2.COLOR_RGB2HSV),
        lambda: colour.hsv_from_colour(_FRAME, 2, _picture),
    ),
    "gray_from_colour": (
        lambda: cv2.cvtColor(_FRAME, cv2.COLOR_RGB2GRAY),
        lambda: colour.gray_from_colour(_FRAME, 2, _plane),
    ),
    "in_range_hsv": (_search, lambda: _in_range(_FRAME, 2, *_LOW, *_HIGH, _plane)),
    "in_range_pixels": (
        lambda: cv2.inRange(_HSV, _LOW, _HIGH),
        lambda: _in_pixels(_HSV, *_LOW, *_HIGH, _plane),
    ),
    "count_non_zero": (
        lambda: cv2.countNonZero(_MASK),
        lambda: elements.count_non_zero(_MASK.reshape(-1)),
    ),
    "find_contours": _contours(cv2.RETR_EXTERNAL),
    "contour_area": (
        lambda: cv2.contourArea(_CONTOUR),
        lambda: shapes.contour_area(_POINTS, False),
    ),
    "arc_length": (
        lambda: cv2.arcLength(_CONTOUR, True),
        lambda: shapes.arc_length(_POINTS, True),
    ),
    "bounding_rect": (
        lambda: cv2.boundingRect(_CONTOUR),
        lambda: shapes.bounding_rect(_POINTS, _longs),
    ),
    "moments_of_contour": (
        lambda: cv2.moments(_CONTOUR),
        lambda: shapes.moments_of_contour(_POINTS, _doubles),
    ),
    "moments_of_image": (
        lambda: cv2.moments(_MASK, True),
        lambda: shapes.moments_of_image(_MASK, True, _doubles),
    ),
    "point_polygon_test": (
        lambda: cv2.pointPolygonTest(_CONTOUR, (30.0, 30.0), True),
        lambda: shapes.point_polygon_test(_POINTS, 30.0, 30.0, True),
    ),
    "min_enclosing_circle": (
        lambda: cv2.minEnclosingCircle(_CONTOUR),
        lambda: shapes.min_enclosing_circle(_POINTS, _singles[:3], _singles[3:]),
    ),
    "convex_hull": (
        lambda: cv2.convexHull(_CONTOUR, returnPoints=False),
        lambda: hull.convex_hull(_POINTS, False, False, _words[: len(_POINTS) + 2], _words[999:]),
    ),
    "approx_poly": (
        lambda: cv2.approxPolyDP(_CONTOUR, 1.0, True),
        lambda: hull.approx_poly(_POINTS, 1.0, True, _hull_points, _words),
    ),
    "min_area_rect": (
        lambda: cv2.minAreaRect(_CONTOUR),
        lambda: boxes.min_area_rect(_POINTS, _singles[:5], _singles[5:]),
    ),
    "fit_ellipse": (
        lambda: cv2.fitEllipse(_CONTOUR),
        lambda: ellipses.fit_ellipse(_POINTS, _singles[:5], _algebra),
    ),
    "connected_components": (
        lambda: cv2.connectedComponents(_MASK),
        lambda: components.connected_components(_MASK, 8, _labels, _words),
    ),
    "morphology": (
        lambda: cv2.morphologyEx(_MASK, cv2.MORPH_OPEN, _ELEMENT),
        lambda: morphology.morphology(_MASK, 2, _ELEMENT, -1, -1, 1, _plane, _bytes),
    ),
    "bitwise": (
        lambda: cv2.bitwise_or(_GRAY, _OTHER),
        _flat(elements.bitwise, _NOTHING, 1),
    ),
    "absolute_difference": (
        lambda: cv2.absdiff(_GRAY, _OTHER),
        _flat(elements.absolute_difference),
    ),
    "saturated_sum": (
        lambda: cv2.subtract(_GRAY, _OTHER),
        _flat(elements.saturated_sum, _NOTHING, -1),
    ),
    "threshold": (
        lambda: cv2.threshold(_GRAY, 100, 255, cv2.THRESH_BINARY),
        lambda: elements.threshold(_GRAY.reshape(-1), 100, 255, 0, _plane.reshape(-1)),
    ),
    "gaussian_blur": (
        lambda: cv2.GaussianBlur(_GRAY, (5, 5), 0),
        lambda: filters.gaussian_blur(_GRAY, _five, _five, _plane, _words),
    ),
    "median_blur": (
        lambda: cv2.medianBlur(_GRAY, 5),
        lambda: filters.median_blur(_GRAY, 5, _plane, _words),
    ),
    "resize_linear": (
        lambda: cv2.resize(_FRAME, (2 * _SIDE, 2 * _SIDE)),
        lambda: scaling.resize_linear(_FRAME, _half, _words),
    ),
    "fill_polygons": (
        lambda: cv2.fillPoly(_plane, [_CONTOUR], (255,)),
        lambda: drawing.fill_polygons(
            _plane.reshape(_SIDE, _SIDE, 1), _POINTS, _starts, 255, 0, 0, _longs
        ),
    ),
    "mean": (
        lambda: cv2.mean(_FRAME),
        lambda: measures.mean(_FRAME, _NOTHING.reshape(0, 0), _doubles),
    ),
}
"""Kernel -> what calls OpenCV, and what calls the kernel."""


def ratio(pair: Pair, rounds: int = 5, calls: int = 60) -> tuple[float, float]:
    """Time both in turns, in CPU time, which other work on the machine does not lengthen.

    Returns:
        How many times as fast the kernel is as OpenCV (median over the rounds), and the
        microseconds of one call of the kernel.
    """
    times: list[list[float]] = [[], []]
    for call in pair:
        call()
    for _ in range(rounds):
        for call, taken in zip(pair, times, strict=True):
            start = time.thread_time()
            for _ in range(calls):
                call()
            taken.append((time.thread_time() - start) / calls)
    theirs, ours = (statistics.median(taken) for taken in times)
    return round(theirs / ours, 2), round(ours * 1e6, 2)
