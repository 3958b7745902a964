"""Which OpenCV function is computed by which kernel, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from sandbox.pictures.costs import COSTS, COSTS_AFTER

__all__ = ["KERNELS", "Kernel"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel of an OpenCV function.

    Attributes:
        opencv: Name of the function in `cv2`.
        module: Module of `sandbox.pictures` that has the kernel.
        name: Name of the kernel in it.
        types: Its signature in Numba's notation; where it takes points of either type, one with
            ``P`` for the points. The names of the arguments are those of the kernel itself.
        scratch: Name of the function beside the kernel that gives the elements of the scratch
            array it needs, from sizes; empty if the kernel needs none.
        when: For which arguments of the OpenCV function this kernel is the one, in words. For
            others the program has to run with OpenCV.
    """

    opencv: str
    module: str
    name: str
    types: str
    scratch: str = ""
    when: str = ""

    def load(self) -> Callable[..., Any]:
        """Import and give the compiled function, a Numba dispatcher."""
        return _member(self.module, self.name)

    def load_scratch(self) -> Callable[..., int] | None:
        """Give the function for the size of the scratch array, or None if there is no scratch."""
        return _member(self.module, self.scratch) if self.scratch else None

    @property
    def signatures(self) -> tuple[str, ...]:
        """The signatures to compile: two where points may be int32 or float32."""
        if "P" not in self.types:
            return (self.types,)
        return tuple(self.types.replace("P", f"{kind}[:,::1]") for kind in ("int32", "float32"))

    @property
    def cost(self) -> Callable[..., int]:
        """The fuel price before the call; argument names as in `sandbox.pictures.costs`."""
        return COSTS[self.opencv]

    @property
    def cost_after(self) -> Callable[..., int] | None:
        """The fuel price from the result, or None."""
        return COSTS_AFTER.get(self.opencv)


def _member(module: str, name: str) -> Callable[..., Any]:
    member: Callable[..., Any] = getattr(import_module(f"sandbox.pictures.{module}"), name)
    return member


_COLOUR_TO_COLOUR: Final = "int64(uint8[:,:,::1], int64, uint8[:,:,::1])"
_COLOUR_TO_GRAY: Final = "int64(uint8[:,:,::1], int64, uint8[:,::1])"
_TWO_FLAT: Final = "int64(uint8[::1], uint8[::1], uint8[::1], int64, uint8[::1])"
_SIX: Final = "int64, int64, int64, int64, int64, int64"
_MORPHOLOGY: Final = (
    "int64(uint8[:,::1], int64, uint8[:,::1], int64, int64, int64, uint8[:,::1], uint8[::1])"
)
_DEFAULT_BORDER: Final = "one channel; default border; at least one iteration"
_DEFAULT_FILTER: Final = "one channel, default border and anchor"
_SHADES: Final = "int64, int64, int64"
_FILL: Final = f"int64(uint8[:,:,::1], int32[:,::1], int64[::1], {_SHADES}, int64[::1])"
_LINES: Final = f"int64(uint8[:,:,::1], int32[:,::1], int64[::1], boolean, {_SHADES})"
_LINE_8: Final = "LINE_8, no shift, [H, W, C] in place"
_POINTS_TO_FLOAT: Final = "float64(P, boolean)"

# One row a kernel: a table is easier to read than what the formatter makes of it.
# fmt: off
_ALL: Final[tuple[Kernel, ...]] = (
    Kernel("cvtColor", "colour", "hsv_from_colour", _COLOUR_TO_COLOUR, when="BGR2HSV, RGB2HSV"),
    Kernel("cvtColor", "colour", "gray_from_colour", _COLOUR_TO_GRAY, when="BGR2GRAY, RGB2GRAY"),
    Kernel("cvtColor", "colour", "channels_swapped", "int64(uint8[:,:,::1], uint8[:,:,::1])", when="BGR2RGB, RGB2BGR"),
    Kernel("cvtColor", "colour", "gray_to_colour", "int64(uint8[:,::1], uint8[:,:,::1])", when="GRAY2BGR, GRAY2RGB"),
    Kernel("inRange", "colour", "in_range_hsv", f"int64(uint8[:,:,::1], int64, {_SIX}, uint8[:,::1])", when="of cvtColor to HSV, fused; also gives countNonZero"),
    Kernel("inRange", "elements", "in_range_pixels", f"int64(uint8[:,:,::1], {_SIX}, uint8[:,::1])", when="three channels; also gives countNonZero"),
    Kernel("inRange", "elements", "in_range_gray", "int64(uint8[::1], int64, int64, uint8[::1])", when="one channel, flat; also gives countNonZero"),
    Kernel("countNonZero", "elements", "count_non_zero", "int64(uint8[::1])", when="flat"),
    Kernel("hasNonZero", "elements", "has_non_zero", "int64(uint8[::1])", when="flat"),
    Kernel("findNonZero", "elements", "find_non_zero", "int64(uint8[:,::1], int32[:,::1])", when="OpenCV gives None for nothing"),
    Kernel("bitwise_and", "elements", "bitwise", _TWO_FLAT, when="flat, operation 0; two arrays of one shape"),
    Kernel("bitwise_or", "elements", "bitwise", _TWO_FLAT, when="flat, operation 1; two arrays of one shape"),
    Kernel("bitwise_xor", "elements", "bitwise", _TWO_FLAT, when="flat, operation 2; two arrays of one shape"),
    Kernel("bitwise_not", "elements", "bitwise_not", "int64(uint8[::1], uint8[::1], uint8[::1])", when="flat; OpenCV 5.0 raises for two pixels of three channels with a mask"),
    Kernel("absdiff", "elements", "absolute_difference", "int64(uint8[::1], uint8[::1], uint8[::1])", when="flat, two arrays of one shape"),
    Kernel("add", "elements", "saturated_sum", _TWO_FLAT, when="flat, sign 1; two arrays of one shape" ),
    Kernel("subtract", "elements", "saturated_sum", _TWO_FLAT, when="flat, sign -1; two arrays of one shape"),
    Kernel("add", "elements", "saturated_sum_scalar", "int64(uint8[::1], int64, uint8[::1], uint8[::1])", when="flat, an array and one number; not for an array of shape (4, 1) or (1, 4)"),
    Kernel("subtract", "elements", "saturated_sum_scalar", "int64(uint8[::1], int64, uint8[::1], uint8[::1])", when="the same with the negative number"),
    Kernel("threshold", "elements", "threshold", "int64(uint8[::1], int64, int64, int64, uint8[::1])", when="flat; the five kinds, without Otsu or Triangle"),
    Kernel("threshold", "elements", "threshold_otsu", "int64(uint8[::1], int64[::1])", when="the level of THRESH_OTSU, then as without; -2: a tie, ask OpenCV"),
    Kernel("split", "elements", "plane", _COLOUR_TO_GRAY, when="once a channel"),
    Kernel("merge", "elements", "merged", "int64(uint8[:,::1], uint8[:,::1], uint8[:,::1], uint8[:,:,::1])", when="three channels"),
    Kernel("flip", "elements", "flipped", _COLOUR_TO_COLOUR, when="[H, W, C]"),
    Kernel("copyMakeBorder", "elements", "with_border", "int64(uint8[:,::1], int64, int64, int64, uint8[:,::1])", when="BORDER_CONSTANT, one channel"),
    Kernel("findContours", "contours", "find_contours", "int64(uint8[:,::1], int64, int64, int32[:,::1], int64[::1], int32[:,::1], int32[::1])", "find_contours_scratch", "external, list, ccomp, tree; none, simple"),
    Kernel("contourArea", "shapes", "contour_area", _POINTS_TO_FLOAT),
    Kernel("arcLength", "shapes", "arc_length", _POINTS_TO_FLOAT),
    Kernel("boundingRect", "shapes", "bounding_rect", "int64(P, int64[::1])", when="points"),
    Kernel("boundingRect", "shapes", "bounding_rect_of_mask", "int64(uint8[:,::1], int64[::1])", when="uint8 mask"),
    Kernel("isContourConvex", "shapes", "is_contour_convex", "int64(P)"),
    Kernel("pointPolygonTest", "shapes", "point_polygon_test", "float64(P, float64, float64, boolean)" ),
    Kernel("moments", "shapes", "moments_of_contour", "int64(P, float64[::1])", when="points"),
    Kernel("moments", "shapes", "moments_of_image", "int64(uint8[:,::1], boolean, float64[::1])", when="uint8 image; not binary, only m00 to m03 are OpenCV's"),
    Kernel("minEnclosingCircle", "shapes", "min_enclosing_circle", "int64(P, float32[::1], float32[::1])", "min_enclosing_circle_scratch"),
    Kernel("convexHull", "hull", "convex_hull", "int64(P, boolean, boolean, int32[::1], int32[::1])", "convex_hull_scratch", "indices"),
    Kernel("convexHull", "hull", "convex_hull_points", "int64(P, int32[::1], int64, P)", when="points, after the indices"),
    Kernel("approxPolyDP", "hull", "approx_poly", "int64(P, float64, boolean, P, int32[::1])", "approx_poly_scratch", "-2: OpenCV raises"),
    Kernel("connectedComponents", "components", "connected_components", "int64(uint8[:,::1], int64, int32[:,::1], int32[::1])", "connected_components_scratch", "labels of int32, default algorithm"),
    Kernel("connectedComponentsWithStats", "components", "connected_components", "int64(uint8[:,::1], int64, int32[:,::1], int32[::1])", "connected_components_scratch", "labels of int32, default algorithm"),
    Kernel("connectedComponentsWithStats", "components", "component_stats", "int64(int32[:,::1], int64, int32[:,::1], float64[:,::1])", when="after the labels"),
    Kernel("getStructuringElement", "morphology", "structuring_element", "int64(int64, int64, int64, uint8[:,::1])", when="rectangle, cross, ellipse"),
    Kernel("erode", "morphology", "morphology", _MORPHOLOGY, "morphology_scratch", "operation 0; " + _DEFAULT_BORDER),
    Kernel("dilate", "morphology", "morphology", _MORPHOLOGY, "morphology_scratch", "operation 1; " + _DEFAULT_BORDER),
    Kernel("morphologyEx", "morphology", "morphology", _MORPHOLOGY, "morphology_scratch", "operations 0 to 6; " + _DEFAULT_BORDER),
    Kernel("fillPoly", "drawing", "fill_polygons", _FILL, "fill_polygons_scratch", _LINE_8),
    Kernel("drawContours", "drawing", "fill_polygons", _FILL, "fill_polygons_scratch", "thickness -1, contourIdx -1, or only that contour without hierarchy; " + _LINE_8),
    Kernel("drawContours", "drawing", "polygon_lines", _LINES, when="closed, thickness 1, the same; " + _LINE_8),
    Kernel("polylines", "drawing", "polygon_lines", _LINES, when="thickness 1; " + _LINE_8),
    Kernel("line", "drawing", "polygon_lines", _LINES, when="two points, not closed, thickness 1; " + _LINE_8),
    Kernel("rectangle", "drawing", "rectangle", f"int64(uint8[:,:,::1], int64, int64, int64, int64, boolean, {_SHADES})", when="two corners, thickness -1 or 1; " + _LINE_8),
    Kernel("circle", "drawing", "circle", f"int64(uint8[:,:,::1], int64, int64, int64, boolean, {_SHADES})", when="thickness -1 or 1; " + _LINE_8),
    Kernel("GaussianBlur", "filters", "gaussian_weights", "int64(float64, int64[::1], float64[::1])", when="once for each side, before"),
    Kernel("GaussianBlur", "filters", "gaussian_blur", "int64(uint8[:,::1], int64[::1], int64[::1], uint8[:,::1], int32[::1])", "gaussian_blur_scratch", _DEFAULT_FILTER),
    Kernel("blur", "filters", "blur", "int64(uint8[:,::1], int64, int64, uint8[:,::1], int64[::1])", "blur_scratch", _DEFAULT_FILTER + "; at least two rows and columns; boxes of 1 or 3 to 256 pixels"),
    Kernel("medianBlur", "filters", "median_blur", "int64(uint8[:,::1], int64, uint8[:,::1], int32[::1])", when="one channel"),
    Kernel("resize", "scaling", "resize_nearest", "int64(uint8[:,:,::1], uint8[:,:,::1])", when="INTER_NEAREST, to a size"),
    Kernel("resize", "scaling", "resize_linear", "int64(uint8[:,:,::1], uint8[:,:,::1], int32[::1])", "resize_linear_scratch", "INTER_LINEAR, to a size"),
    Kernel("resize", "scaling", "resize_area", "int64(uint8[:,:,::1], uint8[:,:,::1], float32[::1])", "resize_area_scratch", "INTER_AREA, to a size that is not larger along either side; -2: it is"),
    Kernel("minAreaRect", "hull", "convex_hull", "int64(P, boolean, boolean, int32[::1], int32[::1])", "convex_hull_scratch", "first, not clockwise, as points"),
    Kernel("minAreaRect", "hull", "convex_hull_points", "int64(P, int32[::1], int64, P)", when="second" ),
    Kernel("minAreaRect", "boxes", "min_area_rect", "int64(P, float32[::1], float32[::1])", "min_area_rect_scratch", "third; -2: OpenCV raises"),
    Kernel("fitEllipse", "ellipses", "fit_ellipse", "int64(P, float32[::1], float64[::1])", "fit_ellipse_scratch", "-2: ask OpenCV, whose algebra's last bits decide, or which moves points at random"),
    Kernel("minEnclosingTriangle", "hull", "convex_hull", "int64(P, boolean, boolean, int32[::1], int32[::1])", "convex_hull_scratch", "first, clockwise, as points"),
    Kernel("minEnclosingTriangle", "hull", "convex_hull_points", "int64(P, int32[::1], int64, P)", when="second"),
    Kernel("minEnclosingTriangle", "triangles", "min_enclosing_triangle", "int64(P, float64[::1], float32[::1])", "min_enclosing_triangle_scratch", "third; -2: OpenCV raises, finds nothing or does not end"),
    Kernel("boxPoints", "boxes", "box_points", "int64(float32[::1], float32[:,::1])"),
    Kernel("mean", "measures", "mean", "int64(uint8[:,:,::1], uint8[:,::1], float64[::1])", when="[H, W, C]"),
    Kernel("norm", "measures", "norm", "float64(uint8[::1], int64)", when="flat uint8; NORM_INF, NORM_L1, NORM_L2; no mask"),
    Kernel("norm", "measures", "norm_between", "float64(uint8[::1], uint8[::1], int64)", when="of two, the same"),
    Kernel("minMaxLoc", "measures", "min_max", "int64(uint8[:,::1], uint8[:,::1], float64[::1], int64[::1])", when="uint8, one channel"),
    Kernel("minMaxLoc", "measures", "min_max", "int64(float32[:,::1], uint8[:,::1], float64[::1], int64[::1])", when="float32 without NaN, one channel"),
    Kernel("distanceTransform", "distances", "distance_transform", "int64(uint8[:,::1], float64, float64, float64, float32[:,::1], float32[::1])", "distance_transform_scratch", "DIST_L1, DIST_C"),
)
# fmt: on


def _by_opencv_name(kernels: tuple[Kernel, ...]) -> dict[str, tuple[Kernel, ...]]:
    table: dict[str, tuple[Kernel, ...]] = {}
    for kernel in kernels:
        table[kernel.opencv] = (*table.get(kernel.opencv, ()), kernel)
    return table


KERNELS: Final[Mapping[str, tuple[Kernel, ...]]] = MappingProxyType(_by_opencv_name(_ALL))
"""OpenCV name -> its kernels."""
