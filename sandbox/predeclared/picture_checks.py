"""What has to hold for pictures: colours, sizes, windows, masks, and what is put together."""

# ruff: noqa: D103 - one function for a function of OpenCV, named after what it checks
from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from sandbox.predeclared.picture_given import (
    BITS,
    CHANNELS,
    ITERATIONS,
    KERNEL,
    SIDE,
    TRUTH,
    Given,
    flat,
    is_number,
    shown,
)

__all__ = [
    "adaptive",
    "adaptive_words",
    "bilateral",
    "bilateral_words",
    "border",
    "canny",
    "channel",
    "colour_code",
    "colour_range",
    "comparison",
    "components",
    "contour_modes",
    "depth",
    "derivative",
    "derivative_words",
    "difference",
    "distance",
    "element",
    "element_words",
    "filter_words",
    "filtering",
    "flipping",
    "gaussian",
    "gaussian_words",
    "kernel_size",
    "kernel_words",
    "lookup",
    "margins",
    "margins_words",
    "masked",
    "merge",
    "normalize",
    "resize",
    "resize_words",
    "resized",
    "rotate",
    "same_shape",
    "scaled",
    "stack",
    "structuring",
    "structuring_words",
    "template",
    "template_words",
    "threshold",
    "weights",
]

ndarray: Final = np.ndarray

_BORDERS: Final = frozenset({0, 1, 2, 4})
_DEPTH_CODES: Final = frozenset({-1, 0, 2, 3, 5, 6})
_OF_UINT8: Final = frozenset({-1, 0, 3, 5, 6})
_DEPTH_OF: Final = {"uint8": 0, "uint16": 2, "int16": 3, "float32": 5, "float64": 6}


def border(given: Given) -> None:
    given.one_of("borderType", _BORDERS)


def depth(given: Given) -> None:
    """Check the depth that a filter gives: never less than that of its source."""
    given.one_of("ddepth", _DEPTH_CODES)
    source = given.items.get("src")
    wanted = given.items.get("ddepth")
    if source.__class__ is not ndarray or wanted is None or wanted == -1:
        return
    own = _DEPTH_OF.get(source.dtype.name, -1)
    fits = wanted in _OF_UINT8 if own == 0 else wanted == own or (own < 5 and wanted in (5, 6))
    if not fits:
        raise given.bad(f"ddepth={wanted!r} does not fit a picture of {source.dtype.name}")


def same_shape(given: Given) -> None:
    one, other = given.items.get("src1"), given.items.get("src2")
    if one.__class__ is ndarray and other.__class__ is ndarray and one.shape != other.shape:
        # Small arrays stand for a colour, one number a channel.
        channels = one.shape[2] if one.ndim == 3 else 1
        if other.ndim > 2 or other.size not in (channels, CHANNELS):
            raise given.bad(
                f"the sizes {one.shape} and {other.shape} differ; want two pictures of one shape"
            )
    masked(given, "src1")


def masked(given: Given, name: str = "src") -> None:
    mask, source = given.items.get("mask"), given.items.get(name)
    if mask is None:
        return
    if mask.__class__ is not ndarray or mask.dtype.name not in ("uint8", "bool") or mask.ndim != 2:
        raise given.bad(f"mask is {shown(mask)}; want uint8 [H, W]")
    if source.__class__ is ndarray and mask.shape != source.shape[:2]:
        raise given.bad(f"mask has shape {mask.shape}, the picture {source.shape}; want its [H, W]")


def comparison(given: Given) -> None:
    same_shape(given)
    given.one_of("cmpop", frozenset(range(6)))


def scaled(given: Given) -> None:
    same_shape(given)
    given.finite("scale")


def weights(given: Given) -> None:
    same_shape(given)
    for name in ("alpha", "beta", "gamma"):
        given.finite(name)


def colour_range(given: Given) -> None:
    source: Any = given.items.get("src")
    for name in ("lowerb", "upperb"):
        value: Any = given.items.get(name)
        if value.__class__ is ndarray:
            if value.dtype.kind not in "iuf" or not value.dtype.isnative:
                raise given.bad(f"{name} has dtype {value.dtype.name}; want numbers")
            whole = source.__class__ is ndarray and value.shape == source.shape
            if whole and value.dtype != source.dtype and value.size > CHANNELS:
                raise given.bad(f"{name} has dtype {value.dtype.name}; want that of src")
            if not whole and (value.size > CHANNELS or not value.size or value.ndim > 2):
                raise given.bad(f"{name} has shape {value.shape}; want a number a channel")
        elif isinstance(value, list | tuple):
            if len(value) > CHANNELS or not all(map(is_number, value)):
                raise given.bad(f"{name} is {shown(value)}; want a number a channel")
        elif value is not None and not is_number(value):
            raise given.bad(f"{name} is {shown(value)}; want a number a channel")


def colour_code(given: Given) -> None:
    given.whole("dstCn", 0, CHANNELS)
    source = given.items.get("src")
    if source.__class__ is ndarray and source.dtype.kind == "f" and not np.isfinite(source).all():
        raise given.bad("src has a value that is not finite")


def threshold(given: Given) -> None:
    given.finite("thresh")
    given.finite("maxval")
    given.one_of("type", frozenset({*range(5), *range(8, 13), *range(16, 21)}))


def kernel_size(given: Given) -> None:
    size = given.items.get("ksize")
    if size is not None and not is_number(size):
        given.pair("ksize", 0, KERNEL)
    elif size is not None:
        given.whole("ksize", 1, KERNEL)
    anchor, sides = given.pair("anchor", -1, KERNEL), flat(size)
    if anchor is not None and any(at >= side for at, side in zip(anchor, sides, strict=False)):
        raise given.bad(f"anchor={anchor} is outside the window")
    border(given)


def gaussian(given: Given) -> None:
    given.pair("ksize", 0, KERNEL)
    for name in ("sigmaX", "sigmaY"):
        given.finite(name, 30.0)
    border(given)


def gaussian_words(given: Given) -> dict[str, int]:
    width, height = given.pair("ksize", 0, KERNEL) or (0, 0)
    spread = int(8 * max([0.0, *given.numbers("sigmaX", 30.0), *given.numbers("sigmaY", 30.0)])) + 1
    return {"window": (width or spread) * (height or spread)}


def kernel_words(given: Given) -> dict[str, int]:
    size: Any = given.items.get("ksize")
    if is_number(size):
        return {"window": int(size) * int(size)}
    width, height = given.pair("ksize", 0, KERNEL) or (1, 1)
    return {"window": width * height}


def bilateral(given: Given) -> None:
    given.whole("d", -1, 31)
    for name in ("sigmaColor", "sigmaSpace"):
        given.finite(name, 1e4)
    if float(given.items.get("d") or 0) <= 0:
        given.finite("sigmaSpace", 20.0)
    border(given)


def bilateral_words(given: Given) -> dict[str, int]:
    side = int(given.items.get("d") or 0)
    if side <= 0:
        side = 2 * int(1.5 * abs(float(given.items.get("sigmaSpace") or 0)) + 1) + 1
    return {"window": 4 * side * side}


def element(given: Given) -> None:
    """Check the structuring element of erosion and its kind."""
    kernel = given.items.get("kernel")
    sides = (3, 3)
    if kernel.__class__ is ndarray:
        if kernel.dtype.name not in BITS or kernel.ndim != 2 or not kernel.size:
            raise given.bad(f"kernel is {shown(kernel)}; want a small array of 0 and 1")
        sides = kernel.shape
    elif kernel is not None:
        raise given.bad(f"kernel is {shown(kernel)}; want an array, or None for 3 by 3")
    if max(sides) > KERNEL:
        raise given.bad(f"kernel has shape {sides}; sides of at most {KERNEL} are possible")
    given.whole("iterations", 0, ITERATIONS)
    if max(sides) * int(given.items.get("iterations") or 1) > 16 * KERNEL:
        raise given.bad("kernel and iterations are too large together")
    anchor = given.pair("anchor", -1, KERNEL)
    if anchor is not None and not (anchor[0] < sides[1] and anchor[1] < sides[0]):
        raise given.bad(f"anchor={anchor} is outside the kernel")
    given.one_of("op", frozenset(range(7)))
    given.numbers("borderValue", 1e9)
    border(given)


def element_words(given: Given) -> dict[str, int]:
    kernel = given.items.get("kernel")
    window = int(kernel.size) if kernel.__class__ is ndarray else 9
    times = int(given.items.get("iterations") or 1)
    passes = 1 if "op" not in given.items else 2
    return {"window": window * max(times, 1) * passes}


def structuring(given: Given) -> None:
    given.one_of("shape", frozenset({0, 1, 2}))
    size = given.pair("ksize", 1, KERNEL)
    anchor = given.pair("anchor", -1, KERNEL)
    if size and anchor and not (anchor[0] < size[0] and anchor[1] < size[1]):
        raise given.bad(f"anchor={anchor} is outside the kernel")


def structuring_words(given: Given) -> dict[str, int]:
    width, height = given.pair("ksize", 1, KERNEL) or (1, 1)
    return {"made": width * height}


def filtering(given: Given) -> None:
    depth(given)
    kernel = given.items.get("kernel")
    if kernel.__class__ is not ndarray or kernel.dtype.name not in BITS or kernel.ndim != 2:
        raise given.bad(f"kernel is {shown(kernel)}; want an array of numbers, [h, w]")
    if not kernel.size or max(kernel.shape) > 31:
        raise given.bad(f"kernel has shape {kernel.shape}; want sides from 1 to 31")
    anchor = given.pair("anchor", -1, KERNEL)
    if anchor is not None and not (anchor[0] < kernel.shape[1] and anchor[1] < kernel.shape[0]):
        raise given.bad(f"anchor={anchor} is outside the kernel")
    given.finite("delta")
    border(given)


def filter_words(given: Given) -> dict[str, int]:
    return {"window": int(given.items["kernel"].size)}


def derivative(given: Given) -> None:
    depth(given)
    given.one_of("ksize", frozenset({-1, 1, 3, 5, 7}))
    for name in ("dx", "dy"):
        given.whole(name, 0, 2)
    given.finite("scale")
    given.finite("delta")
    border(given)


def derivative_words(given: Given) -> dict[str, int]:
    side = abs(int(given.items.get("ksize") or 3))
    return {"window": max(side, 3) ** 2}


def canny(given: Given) -> None:
    given.finite("threshold1")
    given.finite("threshold2")
    given.one_of("apertureSize", frozenset({3, 5, 7}))


def adaptive(given: Given) -> None:
    given.finite("maxValue")
    given.finite("C")
    given.one_of("adaptiveMethod", frozenset({0, 1}))
    given.one_of("thresholdType", frozenset({0, 1}))
    given.whole("blockSize", 3, KERNEL)
    if int(given.items.get("blockSize") or 3) % 2 == 0:
        raise given.bad("blockSize is even; want an odd number")


def adaptive_words(given: Given) -> dict[str, int]:
    return {"window": 2 * int(given.items.get("blockSize") or 3)}


def template(given: Given) -> None:
    image, small = given.items.get("image"), given.items.get("templ")
    given.one_of("method", frozenset(range(6)))
    if image.__class__ is not ndarray or small.__class__ is not ndarray:
        raise given.bad("want two arrays")
    if image.dtype != small.dtype or image.ndim != small.ndim:
        raise given.bad(f"the template is {small.dtype.name} {small.shape}; want it like the image")
    if any(one > other for one, other in zip(small.shape[:2], image.shape[:2], strict=True)):
        raise given.bad(f"the template {small.shape} is larger than the image {image.shape}")


def template_words(given: Given) -> dict[str, int]:
    # Large templates are matched by transforms, whose price grows with the logarithm.
    return {"window": min(int(given.items["templ"].size), 256)}


def distance(given: Given) -> None:
    given.one_of("distanceType", frozenset({1, 2, 3}))
    given.one_of("maskSize", frozenset({0, 3, 5}))


def resize(given: Given) -> None:
    given.one_of("interpolation", frozenset(range(7)))
    if not math.prod(resized(given)):
        raise given.bad("the new size is empty; want dsize=(width, height), or fx= and fy=")


def resized(given: Given) -> tuple[int, int]:
    source = given.items.get("src")
    size = given.pair("dsize", 0, SIDE)
    if size is not None and size != (0, 0):
        return size
    shape = source.shape if source.__class__ is ndarray else (0, 0)
    sides = []
    for name, length in (("fx", shape[1]), ("fy", shape[0])):
        given.finite(name)
        factor = float(given.items.get(name) or 0.0)
        if not 0 <= length * factor <= SIDE:
            raise given.bad(f"{name}={factor!r} makes a side longer than {SIDE}")
        sides.append(round(length * factor))
    return sides[0], sides[1]


def resize_words(given: Given) -> dict[str, int]:
    width, height = resized(given)
    source = given.items.get("src")
    channels = source.shape[2] if source.__class__ is ndarray and source.ndim == 3 else 1
    return {"made": width * height * channels}


def margins(given: Given) -> None:
    given.one_of("borderType", _BORDERS | {3})
    for name in ("top", "bottom", "left", "right"):
        given.whole(name, 0, 1 << 10)
    given.numbers("value", 1e9)


def margins_words(given: Given) -> dict[str, int]:
    source = given.items.get("src")
    if source.__class__ is not ndarray:
        return {"made": 0}
    top, bottom, left, right = (
        int(given.items.get(name) or 0) for name in ("top", "bottom", "left", "right")
    )
    channels = source.shape[2] if source.ndim == 3 else 1
    made = (source.shape[0] + top + bottom) * (source.shape[1] + left + right) * channels
    return {"made": made}


def contour_modes(given: Given) -> None:
    given.one_of("mode", frozenset(range(4)))
    given.one_of("method", frozenset({1, 2, 3, 4}))


def components(given: Given) -> None:
    given.one_of("connectivity", frozenset({4, 8}))
    given.one_of("ltype", frozenset({4}))


def difference(given: Given) -> None:
    given.one_of("normType", frozenset({1, 2, 4, 5}))
    second = given.items.get("src2")
    if is_number(second):
        if second not in (1, 2, 4, 5):
            raise given.bad(f"normType={shown(second)} is not one of the constants for it")
    elif second is not None:
        one = given.items.get("src1")
        if one.__class__ is not ndarray or second.__class__ is not ndarray:
            raise given.bad(f"src2 is {shown(second)}; want an array")
        if one.shape != second.shape or one.dtype != second.dtype:
            raise given.bad(f"{one.dtype} {one.shape} and {second.dtype} {second.shape} differ")
    masked(given, "src1")


def normalize(given: Given) -> None:
    given.finite("alpha")
    given.finite("beta")
    given.one_of("norm_type", frozenset({1, 2, 4, 32}))


def lookup(given: Given) -> None:
    table = given.items.get("lut")
    if table.__class__ is not ndarray or table.size != 256 or table.dtype.name not in BITS:
        raise given.bad(f"lut is {shown(table)}; want an array of 256 numbers")


def channel(given: Given) -> None:
    source = given.items.get("src")
    channels = source.shape[2] if source.__class__ is ndarray and source.ndim == 3 else 1
    given.whole("coi", 0, channels - 1)


def flipping(given: Given) -> None:
    given.whole("flipCode", -(1 << 20), 1 << 20)


def rotate(given: Given) -> None:
    given.one_of("rotateCode", frozenset({0, 1, 2}))


def stack(given: Given, name: str) -> dict[str, int]:
    """Check a list of pictures that are put together."""
    value = given.items.get(name)
    if not isinstance(value, tuple | list) or not value:
        raise given.bad(f"{name} is {shown(value)}; want a list of arrays")
    total = 0
    for item in value:
        if item.__class__ is not ndarray or item.dtype.name not in TRUTH or item.ndim not in (2, 3):
            raise given.bad(f"{name} holds {shown(item)}; want pictures")
        if not item.size or not item.dtype.isnative:
            raise given.bad(f"{name} holds an empty picture")
        if (item.shape[2] if item.ndim == 3 else 1) > CHANNELS:
            raise given.bad(f"{name} holds a picture of more than {CHANNELS} channels")
        if item.dtype != value[0].dtype:
            raise given.bad(f"{name} holds pictures of different types")
        total += int(item.size)
    return {"elements": total, "made": total}


def merge(given: Given) -> dict[str, int]:
    words = stack(given, "mv")
    planes = given.items["mv"]
    count = sum(item.shape[2] if item.ndim == 3 else 1 for item in planes)
    if count > CHANNELS or any(item.shape[:2] != planes[0].shape[:2] for item in planes):
        raise given.bad("want at most four pictures of one size")
    return words
