"""Function of OpenCV to what it takes: types, channels, what else has to hold, and its work.

`RULES` has an entry a function. The work is told in the words of `sandbox.pictures.costs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sandbox.predeclared import picture_checks as checks
from sandbox.predeclared import picture_shapes as shapes
from sandbox.predeclared.picture_given import (
    BITS,
    COLOUR,
    FILTERED,
    TRUTH,
    U8,
    Given,
    PictureRule,
)

__all__ = ["RULES"]


def _one(dtypes: frozenset[str], name: str = "src") -> dict[str, frozenset[str]]:
    return {name: dtypes}


def _two(dtypes: frozenset[str]) -> dict[str, frozenset[str]]:
    return {"src1": dtypes, "src2": dtypes}


_GREY: Final = (1,)
_GREY_OR_COLOUR: Final = (1, 3)
_POINTS: Final = PictureRule(points=("points",))
_MORPH: Final = PictureRule(
    pictures=_one(FILTERED), check=checks.element, words=checks.element_words
)
_BITWISE: Final = PictureRule(pictures=_two(TRUTH), plain=True, check=checks.same_shape)
_ARITHMETIC: Final = PictureRule(pictures=_two(BITS), plain=True, check=checks.same_shape)
_SCALED: Final = PictureRule(pictures=_two(BITS), plain=True, check=checks.scaled)
_COMPONENTS: Final = PictureRule(
    pictures=_one(U8, "image"), channels=_GREY, check=checks.components
)
_STROKE: Final = PictureRule(
    pictures=_one(BITS, "img"), check=shapes.drawing, words=shapes.stroke_words
)


def _stacked(given: Given) -> dict[str, int]:
    return checks.stack(given, "src")


_STACK: Final = PictureRule(words=_stacked)

RULES: Final[Mapping[str, PictureRule]] = MappingProxyType(
    {
        "cvtColor": PictureRule(pictures=_one(COLOUR), check=checks.colour_code),
        "inRange": PictureRule(pictures=_one(BITS), check=checks.colour_range),
        "threshold": PictureRule(pictures=_one(FILTERED), check=checks.threshold),
        **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), _BITWISE),
        "bitwise_not": PictureRule(pictures=_one(TRUTH), check=checks.masked),
        **dict.fromkeys(("absdiff", "max", "min", "add", "subtract"), _ARITHMETIC),
        **dict.fromkeys(("multiply", "divide"), _SCALED),
        "addWeighted": PictureRule(pictures=_two(BITS), plain=True, check=checks.weights),
        "compare": PictureRule(
            pictures=_two(BITS),
            plain=True,
            check=checks.comparison,
        ),
        "convertScaleAbs": PictureRule(pictures=_one(BITS), check=checks.normalize),
        "normalize": PictureRule(pictures=_one(BITS), check=checks.normalize),
        "equalizeHist": PictureRule(pictures=_one(U8), channels=_GREY),
        "LUT": PictureRule(pictures=_one(U8), check=checks.lookup),
        "split": PictureRule(pictures=_one(BITS, "m")),
        "merge": PictureRule(words=checks.merge),
        "extractChannel": PictureRule(pictures=_one(BITS), check=checks.channel),
        "flip": PictureRule(pictures=_one(TRUTH), check=checks.flipping),
        "rotate": PictureRule(pictures=_one(TRUTH), check=checks.rotate),
        "transpose": PictureRule(pictures=_one(TRUTH)),
        "hconcat": _STACK,
        "vconcat": _STACK,
        "resize": PictureRule(
            pictures=_one(FILTERED), check=checks.resize, words=checks.resize_words
        ),
        "copyMakeBorder": PictureRule(
            pictures=_one(BITS), check=checks.margins, words=checks.margins_words
        ),
        "countNonZero": PictureRule(pictures=_one(TRUTH), channels=_GREY, empty=True, flat=True),
        "findNonZero": PictureRule(pictures=_one(TRUTH), channels=_GREY),
        "mean": PictureRule(pictures=_one(BITS), flat=True, check=checks.masked),
        "meanStdDev": PictureRule(pictures=_one(BITS), flat=True, check=checks.masked),
        "sumElems": PictureRule(pictures=_one(BITS), flat=True),
        "minMaxLoc": PictureRule(
            pictures=_one(BITS), channels=_GREY, flat=True, check=checks.masked
        ),
        "norm": PictureRule(pictures={"src1": BITS}, flat=True, check=checks.difference),
        "GaussianBlur": PictureRule(
            pictures=_one(FILTERED), check=checks.gaussian, words=checks.gaussian_words
        ),
        "blur": PictureRule(
            pictures=_one(FILTERED), check=checks.kernel_size, words=checks.kernel_words
        ),
        "medianBlur": PictureRule(
            pictures=_one(frozenset({"uint8", "uint16", "float32"})),
            check=checks.kernel_size,
            words=checks.kernel_words,
        ),
        "bilateralFilter": PictureRule(
            pictures=_one(frozenset({"uint8", "float32"})),
            channels=_GREY_OR_COLOUR,
            check=checks.bilateral,
            words=checks.bilateral_words,
        ),
        "filter2D": PictureRule(
            pictures=_one(FILTERED), check=checks.filtering, words=checks.filter_words
        ),
        **dict.fromkeys(("erode", "dilate", "morphologyEx"), _MORPH),
        "getStructuringElement": PictureRule(
            check=checks.structuring, words=checks.structuring_words
        ),
        **dict.fromkeys(
            ("Sobel", "Laplacian"),
            PictureRule(
                pictures=_one(FILTERED), check=checks.derivative, words=checks.derivative_words
            ),
        ),
        "Canny": PictureRule(
            pictures=_one(U8, "image"),
            channels=_GREY_OR_COLOUR,
            check=checks.canny,
            words=lambda _given: {"window": 25},
        ),
        "adaptiveThreshold": PictureRule(
            pictures=_one(U8), channels=_GREY, check=checks.adaptive, words=checks.adaptive_words
        ),
        "matchTemplate": PictureRule(
            pictures={"image": frozenset({"uint8", "float32"})},
            channels=_GREY_OR_COLOUR,
            check=checks.template,
            words=checks.template_words,
        ),
        "distanceTransform": PictureRule(pictures=_one(U8), channels=_GREY, check=checks.distance),
        "findContours": PictureRule(
            pictures=_one(U8, "image"), channels=_GREY, check=checks.contour_modes
        ),
        **dict.fromkeys(("connectedComponents", "connectedComponentsWithStats"), _COMPONENTS),
        **dict.fromkeys(("contourArea", "isContourConvex"), PictureRule(points=("contour",))),
        "arcLength": PictureRule(points=("curve",)),
        "approxPolyDP": PictureRule(points=("curve",), check=shapes.approximation),
        **dict.fromkeys(
            ("boundingRect", "moments"),
            PictureRule(check=shapes.measured, words=shapes.measured_words),
        ),
        **dict.fromkeys(("convexHull", "minEnclosingCircle", "minAreaRect", "fitEllipse"), _POINTS),
        "minEnclosingTriangle": _POINTS,
        "convexityDefects": PictureRule(points=("contour",), check=shapes.defects),
        "HuMoments": PictureRule(check=shapes.moments_of),
        "matchShapes": PictureRule(points=("contour1", "contour2"), check=shapes.matching),
        "pointPolygonTest": PictureRule(points=("contour",), check=shapes.tested_point),
        "fitLine": PictureRule(points=("points",), check=shapes.line_fit),
        "boxPoints": PictureRule(check=shapes.rotated_box),
        "drawContours": PictureRule(
            pictures=_one(BITS, "image"),
            check=shapes.drawing,
            words=shapes.polygon_words("contours"),
        ),
        **dict.fromkeys(
            ("fillPoly", "polylines"),
            PictureRule(
                pictures=_one(BITS, "img"), check=shapes.drawing, words=shapes.polygon_words("pts")
            ),
        ),
        "fillConvexPoly": PictureRule(
            pictures=_one(BITS, "img"), check=shapes.drawing, words=shapes.one_polygon_words
        ),
        **dict.fromkeys(("rectangle", "line", "circle", "ellipse"), _STROKE),
    }
)
"""Function to what it takes; a test holds it against the functions of the dialect."""
