"""What two versions of OpenCV answer differently, of all that a program may call.

``python -m benchmarks.opencv_versions record FILE`` calls each function of the dialect on drawn pictures
and stores the answers of the installed version; ``compare ONE OTHER`` names the functions whose
answers differ, and how: in their shape, in their type or in their values. Record in an environment
for each version.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from benchmarks.picture_inputs import colour, contour, gray, mask, round_outline

__all__ = ["CALLS", "answers"]

Call = Callable[[random.Random], Any]


def _gray(rng: random.Random) -> Any:
    return gray(rng, 60)


def _mask(rng: random.Random) -> Any:
    return mask(rng, 60)


def _colour(rng: random.Random) -> Any:
    return colour(rng, 60)


def _any(rng: random.Random) -> Any:
    return rng.choice([_gray, _mask, _colour])(rng)


def _pair(rng: random.Random) -> tuple[Any, Any]:
    one = _any(rng)
    return one, np.ascontiguousarray(one[::-1, ::-1])


def _points(rng: random.Random) -> Any:
    return contour(rng, floats=None)


def _with_number(name: str, number: float) -> Call:
    return lambda rng: getattr(cv2, name)(_any(rng), number)


def _of_picture(name: str, *args: Any, **named: Any) -> Call:
    return lambda rng: getattr(cv2, name)(_any(rng), *args, **named)


def _of_gray(name: str, *args: Any, **named: Any) -> Call:
    return lambda rng: getattr(cv2, name)(_gray(rng), *args, **named)


def _of_mask(name: str, *args: Any, **named: Any) -> Call:
    return lambda rng: getattr(cv2, name)(_mask(rng), *args, **named)


def _of_pair(name: str) -> Call:
    return lambda rng: getattr(cv2, name)(*_pair(rng))


def _of_points(name: str, *args: Any) -> Call:
    return lambda rng: getattr(cv2, name)(_points(rng), *args)


def _threshold(rng: random.Random) -> Any:
    kind = rng.choice([0, 1, 2, 3, 4, cv2.THRESH_OTSU, cv2.THRESH_TRIANGLE])
    return cv2.threshold(_gray(rng), rng.randint(0, 255), 255, kind)


def _contours(rng: random.Random) -> Any:
    return cv2.findContours(_mask(rng), rng.randrange(4), rng.choice([1, 2]))


def _hull(rng: random.Random) -> Any:
    return cv2.convexHull(_points(rng), returnPoints=rng.random() < 0.5)


def _defects(rng: random.Random) -> Any:
    points = round_outline(rng).astype(np.int32)
    return cv2.convexityDefects(points, cv2.convexHull(points, returnPoints=False))


def _drawn(draw: Callable[[Any, random.Random], Any]) -> Call:
    def call(rng: random.Random) -> Any:
        picture = np.zeros((50, 60, 3), np.uint8)
        draw(picture, rng)
        return picture

    return call


def _at(rng: random.Random) -> tuple[int, int]:
    return rng.randint(-9, 70), rng.randint(-9, 60)


def _ellipse(picture: Any, rng: random.Random) -> None:
    axes = (rng.randint(0, 30), rng.randint(0, 30))
    cv2.ellipse(picture, _at(rng), axes, rng.randint(0, 180), 0, 360, (9, 200, 30), rng.choice([-1, 1, 3]))  # fmt: skip


def _template(rng: random.Random) -> Any:
    picture = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (30, 40), dtype=np.uint8)
    return cv2.matchTemplate(picture, picture[5:14, 7:19].copy(), rng.randrange(6))


_COLOURS: Final = [name for name in dir(cv2) if name in {
    "COLOR_BGR2HSV", "COLOR_RGB2HSV", "COLOR_BGR2GRAY", "COLOR_RGB2GRAY", "COLOR_BGR2HLS",
    "COLOR_BGR2LAB", "COLOR_BGR2YCrCb", "COLOR_BGR2YUV", "COLOR_BGR2LUV", "COLOR_BGR2XYZ",
    "COLOR_BGR2HSV_FULL", "COLOR_HSV2BGR", "COLOR_HLS2BGR", "COLOR_LAB2BGR", "COLOR_YUV2BGR",
}]  # fmt: skip


def _converted(name: str) -> Call:
    return lambda rng: cv2.cvtColor(_colour(rng), getattr(cv2, name))


def _sized(how: int) -> Call:
    def call(rng: random.Random) -> Any:
        return cv2.resize(_any(rng), (rng.randint(1, 90), rng.randint(1, 90)), interpolation=how)

    return call


CALLS: Final[dict[str, Call]] = {
    **{f"cvtColor {name}": _converted(name) for name in _COLOURS},
    "inRange": lambda rng: cv2.inRange(_colour(rng), (10, 20, 30), (120, 200, 255)),
    "threshold": _threshold,
    **{
        name: _of_pair(name)
        for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "absdiff", "max", "min", "add",
                     "subtract", "multiply", "divide", "norm")
    },
    "add of a number": _with_number("add", 30),
    "subtract of a number": _with_number("subtract", 30),
    "multiply by a number": _with_number("multiply", 1.5),
    "compare": lambda rng: cv2.compare(*_pair(rng), rng.randrange(6)),
    "addWeighted": lambda rng: cv2.addWeighted(*(p := _pair(rng))[:1], 0.3, p[1], 0.6, 1.0),
    **{
        name: _of_picture(name)
        for name in ("bitwise_not", "convertScaleAbs", "split", "transpose", "mean", "meanStdDev",
                     "sumElems")
    },
    "normalize": _of_picture("normalize", None, 0, 255, cv2.NORM_MINMAX),
    "equalizeHist": _of_gray("equalizeHist"),
    "flip": _of_picture("flip", 1),
    "rotate": _of_picture("rotate", 0),
    "hconcat": lambda rng: cv2.hconcat(list(_pair(rng))),
    "vconcat": lambda rng: cv2.vconcat(list(_pair(rng))),
    "extractChannel": lambda rng: cv2.extractChannel(_colour(rng), 1),
    "LUT": lambda rng: cv2.LUT(_any(rng), np.arange(255, -1, -1, dtype=np.uint8)),
    "copyMakeBorder": _of_picture("copyMakeBorder", 1, 2, 3, 4, cv2.BORDER_CONSTANT),
    "countNonZero": _of_mask("countNonZero"),
    "findNonZero": _of_mask("findNonZero"),
    "minMaxLoc": _of_gray("minMaxLoc"),
    **{
        f"resize {name}": _sized(how)
        for name, how in (("nearest", 0), ("linear", 1), ("cubic", 2), ("area", 3), ("lanczos", 4))
    },
    "GaussianBlur": _of_picture("GaussianBlur", (5, 3), 0),
    "blur": _of_picture("blur", (3, 5)),
    "medianBlur": _of_picture("medianBlur", 5),
    "bilateralFilter": _of_picture("bilateralFilter", 5, 30.0, 30.0),
    "filter2D": _of_picture("filter2D", -1, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)),
    **{
        name: _of_mask(name, np.ones((3, 3), np.uint8), iterations=2)
        for name in ("erode", "dilate")
    },
    "morphologyEx": lambda rng: cv2.morphologyEx(_mask(rng), rng.randrange(7), np.ones((3, 3), np.uint8)),
    "getStructuringElement": lambda rng: cv2.getStructuringElement(rng.randrange(3), (rng.randint(1, 9), rng.randint(1, 9))),
    "Sobel": _of_gray("Sobel", cv2.CV_64F, 1, 0),
    "Laplacian": _of_gray("Laplacian", cv2.CV_64F),
    "Canny": _of_gray("Canny", 50, 150),
    "adaptiveThreshold": _of_gray("adaptiveThreshold", 255, 1, 0, 11, 2),
    "matchTemplate": _template,
    **{
        f"distanceTransform {kind} {size}": _of_mask("distanceTransform", kind, size)
        for kind, size in ((1, 3), (2, 3), (2, 5), (2, 0), (3, 3))
    },
    "findContours": _contours,
    "connectedComponents": _of_mask("connectedComponents"),
    "connectedComponentsWithStats": _of_mask("connectedComponentsWithStats"),
    **{
        name: _of_points(name)
        for name in ("contourArea", "boundingRect", "isContourConvex", "minEnclosingCircle",
                     "minAreaRect", "minEnclosingTriangle", "moments")
    },
    "moments of a mask": _of_mask("moments"),
    "moments of a binary mask": _of_mask("moments", True),
    "boundingRect of a mask": _of_mask("boundingRect"),
    "arcLength": _of_points("arcLength", True),
    "approxPolyDP": _of_points("approxPolyDP", 1.5, True),
    "convexHull": _hull,
    "convexityDefects": _defects,
    "HuMoments": lambda rng: cv2.HuMoments(cv2.moments(_points(rng))),
    "matchShapes": lambda rng: cv2.matchShapes(_points(rng), _points(rng), 1, 0.0),
    "pointPolygonTest": _of_points("pointPolygonTest", (3.0, 4.5), True),
    "fitEllipse": lambda rng: cv2.fitEllipse(round_outline(rng)),
    "fitLine": lambda rng: cv2.fitLine(round_outline(rng), cv2.DIST_L2, 0, 0.01, 0.01),
    "boxPoints": lambda rng: cv2.boxPoints(((rng.uniform(0, 9), 3.0), (4.0, 7.5), rng.uniform(-90, 90))),
    "drawContours": _drawn(lambda p, r: cv2.drawContours(p, [contour(r)], -1, (5, 6, 7), r.choice([-1, 1, 3]))),
    "fillPoly": _drawn(lambda p, r: cv2.fillPoly(p, [contour(r)], (5, 6, 7))),
    "fillConvexPoly": _drawn(lambda p, r: cv2.fillConvexPoly(p, contour(r), (5, 6, 7))),
    "polylines": _drawn(lambda p, r: cv2.polylines(p, [contour(r)], True, (5, 6, 7), r.choice([1, 2, 5]))),
    "rectangle": _drawn(lambda p, r: cv2.rectangle(p, _at(r), _at(r), (5, 6, 7), r.choice([-1, 1, 2, 5]))),
    "line": _drawn(lambda p, r: cv2.line(p, _at(r), _at(r), (5, 6, 7), r.choice([1, 2, 5]))),
    "circle": _drawn(lambda p, r: cv2.circle(p, _at(r), r.randint(0, 30), (5, 6, 7), r.choice([-1, 1, 2, 5]))),
    "ellipse": _drawn(_ellipse),
}  # fmt: skip
"""What is called, by the name of the function and what is special about the call."""


def answers(name: str, cases: int) -> list[Any]:
    """Give what the installed version answers: arrays and numbers in lists, or ``raises``."""
    found = []
    for seed in range(cases):
        cv2.setRNGSeed(0)
        try:
            found.append(_plain(CALLS[name](random.Random(seed))))
        except cv2.error:
            found.append("raises")
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return [float(item) for item in value.values()]
    return value


def _difference(one: Any, other: Any) -> str:
    """Say how two answers differ; empty if they do not."""
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return "length"
        return next((text for text in map(_difference, one, other) if text), "")
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.shape != other.shape:
            return f"shape {one.shape} and {other.shape}"
        if one.dtype != other.dtype:
            return f"type {one.dtype} and {other.dtype}"
        if np.array_equal(one, other, equal_nan=one.dtype.kind == "f"):
            return ""
        apart = np.abs(one.astype(np.float64) - other.astype(np.float64)).max()
        return f"values, by up to {apart:.3g}"
    if type(one) is not type(other):
        return f"{type(one).__name__} and {type(other).__name__}"
    if isinstance(one, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return "" if one == other or both_nan else f"values, by {abs(one - other):.3g}"
    return "" if one == other else "values"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record")
    record.add_argument("file", type=Path)
    record.add_argument("--cases", type=int, default=200)
    compare = commands.add_parser("compare")
    compare.add_argument("one", type=Path)
    compare.add_argument("other", type=Path)
    options = parser.parse_args()
    if options.command == "record":
        cv2.setNumThreads(1)
        known = {name: answers(name, options.cases) for name in CALLS}
        np.savez_compressed(
            options.file,
            version=np.array(cv2.__version__),
            answers=np.array(known, dtype=object),
            allow_pickle=True,
        )
        return
    # The two files are the caller's own.
    one, other = (np.load(path, allow_pickle=True) for path in (options.one, options.other))
    print(f"{one['version']} and {other['version']}")
    first, second = one["answers"].item(), other["answers"].item()
    for name in first:
        texts = [_difference(a, b) for a, b in zip(first[name], second[name], strict=True)]
        wrong = [text for text in texts if text]
        if wrong:
            print(f"{name:32} {len(wrong)} of {len(texts)} differ: {wrong[0]}")


if __name__ == "__main__":
    main()
