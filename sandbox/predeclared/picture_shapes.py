"""What has to hold for contours, boxes and points, and for what is drawn."""

# ruff: noqa: D103 - one function for a function of OpenCV, named after what it checks
from __future__ import annotations

from typing import Any, Final

import numpy as np

from sandbox.predeclared.picture_given import (
    COORDINATE,
    DRAWN,
    FILTERED,
    KERNEL,
    Given,
    Words,
    flat,
    is_number,
    points_in,
    polygons_in,
    shown,
)

__all__ = [
    "approximation",
    "defects",
    "drawing",
    "levels",
    "line_fit",
    "matching",
    "measured",
    "measured_words",
    "moments_of",
    "one_polygon_words",
    "polygon_words",
    "rotated_box",
    "stroke",
    "stroke_words",
    "tested_point",
]

ndarray: Final = np.ndarray


def approximation(given: Given) -> None:
    given.finite("epsilon", float(COORDINATE))
    if float(given.items.get("epsilon") or 0) < 0:
        raise given.bad("epsilon is below 0")


def tested_point(given: Given) -> None:
    given.numbers("pt", float(COORDINATE))


def matching(given: Given) -> None:
    given.one_of("method", frozenset({1, 2, 3}))
    given.finite("parameter")


def line_fit(given: Given) -> None:
    given.one_of("distType", frozenset({1, 2, 4, 5, 6, 7}))
    for name in ("param", "reps", "aeps"):
        given.finite(name)


def rotated_box(given: Given) -> None:
    if len(given.numbers("box", float(COORDINATE))) != 5:
        raise given.bad("want a box as cv2.minAreaRect gives it: ((x, y), (w, h), angle)")


def defects(given: Given) -> None:
    contour, hull = given.items.get("contour"), given.items.get("convexhull")
    if contour.__class__ is not ndarray or hull.__class__ is not ndarray or not hull.size:
        raise given.bad("want a contour and its hull as indices (returnPoints=False)")
    inside = hull.dtype.name == "int32" and hull.min() >= 0 and hull.max() < len(contour)
    if not inside or hull.size != hull.shape[0]:
        raise given.bad("convexhull is no list of indices into the contour")


def moments_of(given: Given) -> None:
    value = given.items.get("m")
    if not isinstance(value, dict) or len(value) > 32:
        raise given.bad("want what cv2.moments gives")
    for key, item in value.items():
        if key.__class__ is not str or not is_number(item):
            raise given.bad("want what cv2.moments gives")


def measured(given: Given) -> None:
    """Check what may be a mask or points."""
    value = given.items.get("array")
    if value.__class__ is ndarray and value.dtype.name in FILTERED and value.ndim == 2:
        is_mask = value.shape[1] != 2 or value.dtype.name != "float32"
        if is_mask and value.size and value.dtype.kind == "f" and not np.isfinite(value).all():
            raise given.bad("array has a value that is not finite")
        return
    points_in(given, "array", value)


def measured_words(given: Given) -> dict[str, int]:
    value = given.items.get("array")
    return {"points": int(value.size) if value.__class__ is ndarray else len(flat(value))}


# --- drawing ----------------------------------------------------------------------------------


def drawing(given: Given) -> None:
    """Check what all functions that draw take."""
    picture = given.items.get("image", given.items.get("img"))
    if picture.__class__ is not ndarray:
        raise given.bad(f"the picture is {shown(picture)}; want an array to draw into")
    if not picture.flags.writeable:
        raise given.bad("the picture cannot be written into; draw into a copy: `image.copy()`")
    given.whole("thickness", -1, KERNEL)
    given.one_of("lineType", frozenset({4, 8, 16}))
    given.one_of("shift", frozenset({0}))
    given.numbers("color", 1e9)
    for name in ("pt1", "pt2", "center"):
        given.numbers(name, float(DRAWN))
    for name in ("axes", "radius"):
        if any(part < 0 for part in given.numbers(name, float(DRAWN))):
            raise given.bad(f"{name} is below 0")
    for name in ("angle", "startAngle", "endAngle"):
        given.finite(name, 1e5)
    given.whole("maxLevel", 0, 1 << 20)
    given.whole("contourIdx", -1, 1 << 20)
    levels = given.items.get("hierarchy")
    if levels is not None:
        levels(given, levels)


def levels(given: Given, levels: Any) -> None:
    shapes = given.items.get("contours")
    count = len(shapes) if isinstance(shapes, tuple | list) else -1
    fits = levels.__class__ is ndarray and levels.dtype.name == "int32" and levels.ndim == 3
    if not fits or levels.shape[0] != 1 or levels.shape[1:] != (count, 4):
        raise given.bad("hierarchy is not that of the contours")
    # A ring in the tree would be gone round for ever.
    order = levels[0]
    inside = (order >= -1).all() and (order < count).all()
    steps = np.arange(count)
    forward = (order[:, 0] == -1) | (order[:, 0] > steps)
    below = (order[:, 2] == -1) | (order[:, 2] > steps)
    if not (inside and forward.all() and below.all()):
        raise given.bad("hierarchy is not one that cv2.findContours gave")


def stroke(given: Given) -> int:
    """Give what the length of a line costs: each of its pixels as often as it is thick."""
    picture = given.items.get("image", given.items.get("img"))
    long = sum(picture.shape[:2]) if picture.__class__ is ndarray else 0
    thick = abs(int(given.items.get("thickness") or 1))
    return long * thick // 8 + 8


def stroke_words(given: Given) -> dict[str, int]:
    return {"points": stroke(given)}


def polygon_words(name: str) -> Words:
    def words(given: Given) -> dict[str, int]:
        points = polygons_in(given, name)
        thick = abs(int(given.items.get("thickness") or 1))
        return {"points": points * (1 + thick)}

    return words


def one_polygon_words(given: Given) -> dict[str, int]:
    return {"points": points_in(given, "points", given.items.get("points"), DRAWN)}
