"""What a call of an OpenCV function costs in fuel, by the sizes of what it is given.

Both tiers charge these prices: the interpreted tier around real OpenCV, the compiled tier around
our own kernels. So a price counts what the call asks for (pixels, points, windows), not what
either implementation does for it. Every function here is plain arithmetic on whole numbers, so
that the compiled tier can compile it as it stands; there is no import of Numba or OpenCV.

Arguments are named with a closed vocabulary (`WORDS`), from which a caller can find the values:

- ``elements``: elements of the first array argument, channels counted (``image.size``)
- ``made``: elements of the result where its size follows from the arguments (`resize`, masks)
- ``points``: points of the first argument (``len(contour)``; for `drawContours` and `fillPoly`
  those of all polygons)
- ``window``: elements of the neighbourhood a result pixel depends on, times the iterations
- ``found``: points of all contours in the result, known after the call
- ``count``: contours or components in the result, known after the call

A function whose work depends on the data has two prices: one in `COSTS`, charged before the
call, and one in `COSTS_AFTER`, charged when the result is there.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

__all__ = ["COSTS", "COSTS_AFTER", "WORDS"]

WORDS: Final = ("elements", "made", "points", "window", "found", "count")
"""Every argument name that a function in `COSTS` or `COSTS_AFTER` can have."""

_PER_UNIT: Final = 256
"""Elements for one unit of fuel. That is 16 times `sandbox.cost.ELEMENTS_PER_UNIT`, because both
implementations go through bytes with vector instructions: a program that first enlarges its frame
to 1000 by 1000, as published ones do, goes through 60 million elements a row."""


def sweep(elements: int) -> int:
    """Price of going through an image once with a few operations an element."""
    return 1 + elements // _PER_UNIT


def heavy_sweep(elements: int) -> int:
    """Price of going through an image a few times, or with a table or a division an element."""
    return 1 + elements // (_PER_UNIT // 4)


def making(made: int) -> int:
    """Price of a result whose size follows from the arguments."""
    return 1 + made // _PER_UNIT


def sweep_and_make(elements: int, made: int) -> int:
    """Price of reading one image and making another of a different size."""
    return 1 + (elements + 4 * made) // _PER_UNIT


def window_sweep(elements: int, window: int) -> int:
    """Price of a neighbourhood operation: every element looks at its whole window."""
    return 1 + elements * (window + 1) // _PER_UNIT


def drawing(elements: int, points: int) -> int:
    """Price of filling polygons: the image at most once, and every edge."""
    return 1 + elements // _PER_UNIT + points


def walk(points: int) -> int:
    """Price of going along a contour once."""
    return 1 + points // 4


def sort(points: int) -> int:
    """Price of what sorts the points of a contour: n log n."""
    turns = 1
    rest = points
    while rest > 1:
        rest >>= 1
        turns += 1
    return 1 + points * turns // 4


def refine(points: int) -> int:
    """Price of what goes along a contour many times: approximations and enclosing shapes."""
    turns = 1
    rest = points
    while rest > 1:
        rest >>= 1
        turns += 1
    return 2 + points * turns


def contours_after(found: int, count: int) -> int:
    """Price of tracing: every point, and the search of a parent for every contour."""
    return found // 2 + 4 * count + count * count // 2048


def components_after(count: int) -> int:
    """Price of the rows of statistics."""
    return count


COSTS: Final[MappingProxyType[str, Callable[..., int]]] = MappingProxyType(
    {
        # sweeps over pixels
        "absdiff": sweep,
        "add": sweep,
        "bitwise_and": sweep,
        "bitwise_not": sweep,
        "bitwise_or": sweep,
        "bitwise_xor": sweep,
        "compare": sweep,
        "countNonZero": sweep,
        "flip": sweep,
        "hasNonZero": sweep,
        "inRange": sweep,
        "max": sweep,
        "mean": sweep,
        "meanStdDev": sweep,
        "merge": sweep,
        "min": sweep,
        "minMaxLoc": sweep,
        "multiply": sweep,
        "norm": sweep,
        "split": sweep,
        "subtract": sweep,
        "sumElems": sweep,
        "threshold": sweep,
        "addWeighted": heavy_sweep,
        "cvtColor": heavy_sweep,
        "findNonZero": heavy_sweep,
        # contours and components; what they find is charged afterwards
        "connectedComponents": heavy_sweep,
        "connectedComponentsWithStats": heavy_sweep,
        "findContours": heavy_sweep,
        "distanceTransform": heavy_sweep,
        # neighbourhoods
        "GaussianBlur": window_sweep,
        "blur": window_sweep,
        "dilate": window_sweep,
        "erode": window_sweep,
        "matchTemplate": window_sweep,
        "medianBlur": window_sweep,
        "morphologyEx": window_sweep,
        # another size
        "copyMakeBorder": sweep_and_make,
        "getStructuringElement": making,
        "resize": sweep_and_make,
        # drawing
        "circle": drawing,
        "drawContours": drawing,
        "fillConvexPoly": drawing,
        "fillPoly": drawing,
        "line": drawing,
        "polylines": drawing,
        "rectangle": drawing,
        # points
        "arcLength": walk,
        "boundingRect": walk,
        "boxPoints": walk,
        "contourArea": walk,
        "isContourConvex": walk,
        "matchShapes": walk,
        "moments": walk,
        "pointPolygonTest": walk,
        "convexHull": sort,
        "minAreaRect": sort,
        "approxPolyDP": refine,
        "fitEllipse": refine,
        "minEnclosingCircle": refine,
        "minEnclosingTriangle": refine,
    }
)
"""OpenCV name -> price charged before the call. Where a function takes either points or an image
(`boundingRect`, `moments` of a mask), ``points`` is the number of elements of the image."""

COSTS_AFTER: Final[MappingProxyType[str, Callable[..., int]]] = MappingProxyType(
    {
        "connectedComponents": components_after,
        "connectedComponentsWithStats": components_after,
        "findContours": contours_after,
    }
)
"""OpenCV name -> price charged after the call, from what it found."""
