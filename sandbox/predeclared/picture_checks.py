"""What is given to OpenCV, checked before it reaches native code.

OpenCV trusts its callers: the wheels of version 5 end with a segmentation fault on an array of bools
in `inRange`, on None in `connectedComponents`, on an empty one in `minMaxLoc`, or on 16-bit numbers in `connectedComponents`; they
write past a row in `Laplacian`, and go through two thousand million rows for a polygon whose corner
is far away. So a function is given only the types, sizes and numbers it was tried with. Whatever
else a program gives raises `cv2.error`, which is also what OpenCV raises where it does look.

`RULES` has an entry a function. It says which parameters are pictures and of which types, which are
points, what else has to hold, and how large the work is, in the words of `sandbox.pictures.costs`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from sandbox.guards.values import SCALARS

__all__ = ["COORDINATE", "RULES", "Given", "PictureRule"]

ndarray: Final = np.ndarray

COORDINATE: Final = 1 << 24
"""Largest coordinate of a point that is measured; from here on float32 has no whole numbers."""
DRAWN: Final = 1 << 15
"""Largest coordinate or radius of what is drawn; OpenCV goes through rows outside the picture too."""
SIDE: Final = 1 << 14
"""Longest side of a picture that is made."""
KERNEL: Final = 255
"""Longest side of a window."""
ITERATIONS: Final = 256
"""Most repetitions of erosion and dilation."""
CHANNELS: Final = 4

_U8: Final = frozenset({"uint8"})
_BITS: Final = frozenset({"uint8", "int8", "uint16", "int16", "int32", "float32", "float64"})
_TRUTH: Final = _BITS | {"bool"}
_FILTERED: Final = frozenset({"uint8", "uint16", "int16", "float32", "float64"})
_COLOUR: Final = frozenset({"uint8", "uint16", "float32"})
_NO_LENGTHS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType({})


class Given:
    """The arguments of one call by name, and what is said where one does not fit."""

    __slots__ = ("error", "items", "name")

    def __init__(self, name: str, items: dict[str, Any], error: Callable[[str], Exception]) -> None:
        self.name = name
        self.items = items
        self.error = error

    def bad(self, text: str) -> Exception:
        """Make the exception to raise."""
        return self.error(f"cv2.{self.name}: {text}")

    def whole(self, name: str, low: int, high: int, *, also: tuple[int, ...] = ()) -> None:
        """Check a whole number, if it is given."""
        value = self.items.get(name)
        if value is None:
            return
        if isinstance(value, float | np.floating) and not float(value).is_integer():
            raise self.bad(f"{name}={value!r}: want a whole number")
        if not _is_number(value) or not (low <= value <= high or value in also):
            raise self.bad(f"{name}={_shown(value)}: want a whole number from {low} to {high}")

    def one_of(self, name: str, offered: frozenset[int]) -> None:
        """Check a constant, if it is given."""
        value = self.items.get(name)
        if value is not None and (not _is_number(value) or value not in offered):
            raise self.bad(f"{name}={_shown(value)} is not one of the constants for it")

    def finite(self, name: str, most: float = 1e9) -> None:
        """Check a number, if it is given."""
        value = self.items.get(name)
        if value is not None and (not _is_number(value) or not abs(value) <= most):
            raise self.bad(f"{name}={_shown(value)}: want a number of at most {most:g}")

    def pair(self, name: str, low: int, high: int) -> tuple[int, int] | None:
        """Check a pair of whole numbers, if it is given."""
        value = self.items.get(name)
        if value is None:
            return None
        parts = _flat(value)
        if len(parts) != 2 or not all(low <= part <= high for part in parts):
            raise self.bad(f"{name}={_shown(value)}: want two numbers from {low} to {high}")
        return int(parts[0]), int(parts[1])

    def numbers(self, name: str, most: float) -> list[float]:
        """Check some numbers in brackets, if they are given."""
        value = self.items.get(name)
        parts = [] if value is None else _flat(value)
        for part in parts:
            if not abs(part) <= most:
                raise self.bad(f"{name}={_shown(value)}: want numbers of at most {most:g}")
        return parts


Words = Callable[[Given], Mapping[str, int]]
"""Gives further words for the price; see `sandbox.pictures.costs.WORDS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRule:
    """What one function takes.

    Attributes:
        pictures: Parameter to the names of the dtypes that it may have.
        channels: How many channels the first picture may have.
        empty: Whether an empty picture is handed on.
        flat: Whether a picture may have one axis only.
        plain: Whether numbers may stand in place of a picture after the first.
        points: Parameters that are contours or other points.
        check: What else has to hold.
        words: Further words for the price.
    """

    pictures: Mapping[str, frozenset[str]] = field(default_factory=dict)
    channels: tuple[int, ...] = (1, 2, 3, 4)
    empty: bool = False
    flat: bool = False
    plain: bool = False
    points: tuple[str, ...] = ()
    check: Callable[[Given], None] | None = None
    words: Words | None = None

    def judge(self, given: Given) -> dict[str, int]:
        """Check the arguments; give the words for the price.

        Raises:
            cv2.error: If one does not fit.
        """
        words = {"elements": 0, "made": 0, "points": 0, "window": 1}
        items = given.items
        first = True
        for name, dtypes in self.pictures.items():
            value = items.get(name)
            if value.__class__ is ndarray:
                self._picture(given, name, value, dtypes, first=first)
                words["elements"] = max(words["elements"], int(value.size))
            elif first or not self.plain or not _is_plain(value):
                raise given.bad(f"{name} is {_shown(value)}; want an array")
            first = False
        for name in self.points:
            words["points"] += _points(given, name, items.get(name))
        if self.check is not None:
            self.check(given)
        if self.words is not None:
            words.update(self.words(given))
        return words

    def _picture(
        self, given: Given, name: str, value: Any, dtypes: frozenset[str], *, first: bool
    ) -> None:
        if value.dtype.name not in dtypes:
            raise given.bad(
                f"{name} has dtype {value.dtype.name}; want {' or '.join(sorted(dtypes))}"
            )
        if not value.dtype.isnative:
            raise given.bad(f"{name} has its bytes in another order; want native numbers")
        if value.ndim not in (2, 3) and not (self.flat and value.ndim == 1):
            raise given.bad(f"{name} has {value.ndim} axes; want [H, W] or [H, W, channels]")
        count = value.shape[2] if value.ndim == 3 else 1
        wanted = self.channels if first else (1, 2, 3, 4)
        if count not in wanted:
            raise given.bad(f"{name} has {count} channels; want {' or '.join(map(str, wanted))}")
        if not value.size and not self.empty:
            raise given.bad(f"{name} is empty, shape {value.shape}")


def _is_number(value: Any) -> bool:
    return value.__class__ is int or value.__class__ in SCALARS


def _is_plain(value: Any) -> bool:
    if _is_number(value):
        return True
    return value.__class__ is tuple and len(value) <= CHANNELS and all(map(_is_number, value))


def _shown(value: Any) -> str:
    if value.__class__ is ndarray:
        return f"an array of shape {value.shape}"
    return repr(value)[:60] if _is_plain(value) or value is None else f"a {type(value).__name__}"


def _flat(value: Any) -> list[float]:
    """Give the numbers in a number, a sequence or a small array; what is none is left out."""
    if _is_number(value):
        return [float(value)]
    if value.__class__ is ndarray:
        return [float(part) for part in value.ravel()[:16]] if value.dtype.kind in "iufb" else []
    if isinstance(value, tuple | list):
        return [number for part in value for number in _flat(part)]
    return []


def _points(given: Given, name: str, value: Any, most: int = COORDINATE) -> int:
    """Check points; give how many there are."""
    if value.__class__ is not ndarray:
        if not isinstance(value, tuple | list):
            raise given.bad(f"{name} is {_shown(value)}; want an array of points")
        parts = _flat(value)
        if not all(abs(part) <= most for part in parts):
            raise given.bad(f"{name} has a point farther than {most}, or one that is not finite")
        return len(parts) // 2 + 1
    if value.dtype.kind not in "iuf" or not value.dtype.isnative or value.dtype.itemsize < 4:
        if value.dtype.name == "uint8" and value.ndim == 2:
            return int(value.size)  # a mask, which two functions take in place of points
        raise given.bad(f"{name} has dtype {value.dtype.name}; want points as int32 or float32")
    if value.ndim not in (2, 3):
        raise given.bad(f"{name} has shape {value.shape}; want points, [n, 1, 2] or [n, 2]")
    if value.size:
        # NaN compares false, and so is refused.
        low, high = value.min(), value.max()
        if not (-most <= low and high <= most):
            raise given.bad(f"{name} has a point farther than {most}, or one that is not finite")
    return int(value.size) // 2


def _polygons(given: Given, name: str) -> int:
    """Check a list of contours to draw; give how many points they have."""
    value = given.items.get(name)
    if value is None:
        return 0
    if value.__class__ is ndarray:
        return _points(given, name, value, DRAWN) if value.ndim != 4 else _deep(given, name, value)
    if not isinstance(value, tuple | list):
        raise given.bad(f"{name} is {_shown(value)}; want a list of contours")
    total = 0
    for item in value:
        if item.__class__ is not ndarray:
            raise given.bad(f"{name} holds {_shown(item)}; want a list of arrays of points")
        total += 1 + _points(given, name, item, DRAWN)
    return total


def _deep(given: Given, name: str, value: Any) -> int:
    return sum(1 + _points(given, name, item, DRAWN) for item in value)


# --- what else has to hold --------------------------------------------------------------------

_BORDERS: Final = frozenset({0, 1, 2, 4})
_DEPTH_CODES: Final = frozenset({-1, 0, 2, 3, 5, 6})
_OF_UINT8: Final = frozenset({-1, 0, 3, 5, 6})
_DEPTH_OF: Final = {"uint8": 0, "uint16": 2, "int16": 3, "float32": 5, "float64": 6}


def _border(given: Given) -> None:
    given.one_of("borderType", _BORDERS)


def _depth(given: Given) -> None:
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


def _same_shape(given: Given) -> None:
    one, other = given.items.get("src1"), given.items.get("src2")
    if one.__class__ is ndarray and other.__class__ is ndarray and one.shape != other.shape:
        # Small arrays stand for a colour, one number a channel.
        channels = one.shape[2] if one.ndim == 3 else 1
        if other.ndim > 2 or other.size not in (channels, CHANNELS):
            raise given.bad(
                f"the sizes {one.shape} and {other.shape} differ; want two pictures of one shape"
            )
    _masked(given, "src1")


def _masked(given: Given, name: str = "src") -> None:
    mask, source = given.items.get("mask"), given.items.get(name)
    if mask is None:
        return
    if mask.__class__ is not ndarray or mask.dtype.name not in ("uint8", "bool") or mask.ndim != 2:
        raise given.bad(f"mask is {_shown(mask)}; want uint8 [H, W]")
    if source.__class__ is ndarray and mask.shape != source.shape[:2]:
        raise given.bad(f"mask has shape {mask.shape}, the picture {source.shape}; want its [H, W]")


def _comparison(given: Given) -> None:
    _same_shape(given)
    given.one_of("cmpop", frozenset(range(6)))


def _scaled(given: Given) -> None:
    _same_shape(given)
    given.finite("scale")


def _weights(given: Given) -> None:
    _same_shape(given)
    for name in ("alpha", "beta", "gamma"):
        given.finite(name)


def _range(given: Given) -> None:
    source = given.items.get("src")
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
            if len(value) > CHANNELS or not all(map(_is_number, value)):
                raise given.bad(f"{name} is {_shown(value)}; want a number a channel")
        elif value is not None and not _is_number(value):
            raise given.bad(f"{name} is {_shown(value)}; want a number a channel")


def _colour_code(given: Given) -> None:
    given.whole("dstCn", 0, CHANNELS)
    source = given.items.get("src")
    if source.__class__ is ndarray and source.dtype.kind == "f" and not np.isfinite(source).all():
        raise given.bad("src has a value that is not finite")


def _threshold(given: Given) -> None:
    given.finite("thresh")
    given.finite("maxval")
    given.one_of("type", frozenset({*range(5), *range(8, 13), *range(16, 21)}))


def _kernel_size(given: Given) -> None:
    size = given.items.get("ksize")
    if size is not None and not _is_number(size):
        given.pair("ksize", 0, KERNEL)
    elif size is not None:
        given.whole("ksize", 1, KERNEL)
    anchor, sides = given.pair("anchor", -1, KERNEL), _flat(size)
    if anchor is not None and any(at >= side for at, side in zip(anchor, sides, strict=False)):
        raise given.bad(f"anchor={anchor} is outside the window")
    _border(given)


def _gaussian(given: Given) -> None:
    given.pair("ksize", 0, KERNEL)
    for name in ("sigmaX", "sigmaY"):
        given.finite(name, 30.0)
    _border(given)


def _gaussian_words(given: Given) -> dict[str, int]:
    width, height = given.pair("ksize", 0, KERNEL) or (0, 0)
    spread = int(8 * max([0.0, *given.numbers("sigmaX", 30.0), *given.numbers("sigmaY", 30.0)])) + 1
    return {"window": (width or spread) * (height or spread)}


def _kernel_words(given: Given) -> dict[str, int]:
    size: Any = given.items.get("ksize")
    if _is_number(size):
        return {"window": int(size) * int(size)}
    width, height = given.pair("ksize", 0, KERNEL) or (1, 1)
    return {"window": width * height}


def _bilateral(given: Given) -> None:
    given.whole("d", -1, 31)
    for name in ("sigmaColor", "sigmaSpace"):
        given.finite(name, 1e4)
    if float(given.items.get("d") or 0) <= 0:
        given.finite("sigmaSpace", 20.0)
    _border(given)


def _bilateral_words(given: Given) -> dict[str, int]:
    side = int(given.items.get("d") or 0)
    if side <= 0:
        side = 2 * int(1.5 * abs(float(given.items.get("sigmaSpace") or 0)) + 1) + 1
    return {"window": 4 * side * side}


def _element(given: Given) -> None:
    """Check the structuring element of erosion and its kind."""
    kernel = given.items.get("kernel")
    sides = (3, 3)
    if kernel.__class__ is ndarray:
        if kernel.dtype.name not in _BITS or kernel.ndim != 2 or not kernel.size:
            raise given.bad(f"kernel is {_shown(kernel)}; want a small array of 0 and 1")
        sides = kernel.shape
    elif kernel is not None:
        raise given.bad(f"kernel is {_shown(kernel)}; want an array, or None for 3 by 3")
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
    _border(given)


def _element_words(given: Given) -> dict[str, int]:
    kernel = given.items.get("kernel")
    window = int(kernel.size) if kernel.__class__ is ndarray else 9
    times = int(given.items.get("iterations") or 1)
    passes = 1 if "op" not in given.items else 2
    return {"window": window * max(times, 1) * passes}


def _structuring(given: Given) -> None:
    given.one_of("shape", frozenset({0, 1, 2}))
    size = given.pair("ksize", 1, KERNEL)
    anchor = given.pair("anchor", -1, KERNEL)
    if size and anchor and not (anchor[0] < size[0] and anchor[1] < size[1]):
        raise given.bad(f"anchor={anchor} is outside the kernel")


def _structuring_words(given: Given) -> dict[str, int]:
    width, height = given.pair("ksize", 1, KERNEL) or (1, 1)
    return {"made": width * height}


def _filter(given: Given) -> None:
    _depth(given)
    kernel = given.items.get("kernel")
    if kernel.__class__ is not ndarray or kernel.dtype.name not in _BITS or kernel.ndim != 2:
        raise given.bad(f"kernel is {_shown(kernel)}; want an array of numbers, [h, w]")
    if not kernel.size or max(kernel.shape) > 31:
        raise given.bad(f"kernel has shape {kernel.shape}; want sides from 1 to 31")
    anchor = given.pair("anchor", -1, KERNEL)
    if anchor is not None and not (anchor[0] < kernel.shape[1] and anchor[1] < kernel.shape[0]):
        raise given.bad(f"anchor={anchor} is outside the kernel")
    given.finite("delta")
    _border(given)


def _filter_words(given: Given) -> dict[str, int]:
    return {"window": int(given.items["kernel"].size)}


def _derivative(given: Given) -> None:
    _depth(given)
    given.one_of("ksize", frozenset({-1, 1, 3, 5, 7}))
    for name in ("dx", "dy"):
        given.whole(name, 0, 2)
    given.finite("scale")
    given.finite("delta")
    _border(given)


def _derivative_words(given: Given) -> dict[str, int]:
    side = abs(int(given.items.get("ksize") or 3))
    return {"window": max(side, 3) ** 2}


def _canny(given: Given) -> None:
    given.finite("threshold1")
    given.finite("threshold2")
    given.one_of("apertureSize", frozenset({3, 5, 7}))


def _adaptive(given: Given) -> None:
    given.finite("maxValue")
    given.finite("C")
    given.one_of("adaptiveMethod", frozenset({0, 1}))
    given.one_of("thresholdType", frozenset({0, 1}))
    given.whole("blockSize", 3, KERNEL)
    if int(given.items.get("blockSize") or 3) % 2 == 0:
        raise given.bad("blockSize is even; want an odd number")


def _adaptive_words(given: Given) -> dict[str, int]:
    return {"window": 2 * int(given.items.get("blockSize") or 3)}


def _template(given: Given) -> None:
    image, small = given.items.get("image"), given.items.get("templ")
    given.one_of("method", frozenset(range(6)))
    if image.__class__ is not ndarray or small.__class__ is not ndarray:
        raise given.bad("want two arrays")
    if image.dtype != small.dtype or image.ndim != small.ndim:
        raise given.bad(f"the template is {small.dtype.name} {small.shape}; want it like the image")
    if any(one > other for one, other in zip(small.shape[:2], image.shape[:2], strict=True)):
        raise given.bad(f"the template {small.shape} is larger than the image {image.shape}")


def _template_words(given: Given) -> dict[str, int]:
    # Large templates are matched by transforms, whose price grows with the logarithm.
    return {"window": min(int(given.items["templ"].size), 256)}


def _distance(given: Given) -> None:
    given.one_of("distanceType", frozenset({1, 2, 3}))
    given.one_of("maskSize", frozenset({0, 3, 5}))


def _resize(given: Given) -> None:
    given.one_of("interpolation", frozenset(range(7)))
    if not math.prod(_resized(given)):
        raise given.bad("the new size is empty; want dsize=(width, height), or fx= and fy=")


def _resized(given: Given) -> tuple[int, int]:
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


def _resize_words(given: Given) -> dict[str, int]:
    width, height = _resized(given)
    source = given.items.get("src")
    channels = source.shape[2] if source.__class__ is ndarray and source.ndim == 3 else 1
    return {"made": width * height * channels}


def _margins(given: Given) -> None:
    given.one_of("borderType", _BORDERS | {3})
    for name in ("top", "bottom", "left", "right"):
        given.whole(name, 0, 1 << 10)
    given.numbers("value", 1e9)


def _margins_words(given: Given) -> dict[str, int]:
    source = given.items.get("src")
    if source.__class__ is not ndarray:
        return {"made": 0}
    top, bottom, left, right = (
        int(given.items.get(name) or 0) for name in ("top", "bottom", "left", "right")
    )
    channels = source.shape[2] if source.ndim == 3 else 1
    made = (source.shape[0] + top + bottom) * (source.shape[1] + left + right) * channels
    return {"made": made}


def _contour_modes(given: Given) -> None:
    given.one_of("mode", frozenset(range(4)))
    given.one_of("method", frozenset({1, 2, 3, 4}))


def _components(given: Given) -> None:
    given.one_of("connectivity", frozenset({4, 8}))
    given.one_of("ltype", frozenset({4}))


def _norm(given: Given) -> None:
    given.one_of("normType", frozenset({1, 2, 4, 5}))
    second = given.items.get("src2")
    if _is_number(second):
        if second not in (1, 2, 4, 5):
            raise given.bad(f"normType={_shown(second)} is not one of the constants for it")
    elif second is not None:
        one = given.items.get("src1")
        if one.__class__ is not ndarray or second.__class__ is not ndarray:
            raise given.bad(f"src2 is {_shown(second)}; want an array")
        if one.shape != second.shape or one.dtype != second.dtype:
            raise given.bad(f"{one.dtype} {one.shape} and {second.dtype} {second.shape} differ")
    _masked(given, "src1")


def _normalize(given: Given) -> None:
    given.finite("alpha")
    given.finite("beta")
    given.one_of("norm_type", frozenset({1, 2, 4, 32}))


def _lookup(given: Given) -> None:
    table = given.items.get("lut")
    if table.__class__ is not ndarray or table.size != 256 or table.dtype.name not in _BITS:
        raise given.bad(f"lut is {_shown(table)}; want an array of 256 numbers")


def _channel(given: Given) -> None:
    source = given.items.get("src")
    channels = source.shape[2] if source.__class__ is ndarray and source.ndim == 3 else 1
    given.whole("coi", 0, channels - 1)


def _flip(given: Given) -> None:
    given.whole("flipCode", -(1 << 20), 1 << 20)


def _rotate(given: Given) -> None:
    given.one_of("rotateCode", frozenset({0, 1, 2}))


def _stack(given: Given, name: str) -> dict[str, int]:
    """Check a list of pictures that are put together."""
    value = given.items.get(name)
    if not isinstance(value, tuple | list) or not value:
        raise given.bad(f"{name} is {_shown(value)}; want a list of arrays")
    total = 0
    for item in value:
        if (
            item.__class__ is not ndarray
            or item.dtype.name not in _TRUTH
            or item.ndim not in (2, 3)
        ):
            raise given.bad(f"{name} holds {_shown(item)}; want pictures")
        if not item.size or not item.dtype.isnative:
            raise given.bad(f"{name} holds an empty picture")
        if (item.shape[2] if item.ndim == 3 else 1) > CHANNELS:
            raise given.bad(f"{name} holds a picture of more than {CHANNELS} channels")
        if item.dtype != value[0].dtype:
            raise given.bad(f"{name} holds pictures of different types")
        total += int(item.size)
    return {"elements": total, "made": total}


def _merge(given: Given) -> dict[str, int]:
    words = _stack(given, "mv")
    planes = given.items["mv"]
    count = sum(item.shape[2] if item.ndim == 3 else 1 for item in planes)
    if count > CHANNELS or any(item.shape[:2] != planes[0].shape[:2] for item in planes):
        raise given.bad("want at most four pictures of one size")
    return words


def _approximation(given: Given) -> None:
    given.finite("epsilon", float(COORDINATE))
    if float(given.items.get("epsilon") or 0) < 0:
        raise given.bad("epsilon is below 0")


def _point(given: Given) -> None:
    given.numbers("pt", float(COORDINATE))


def _matching(given: Given) -> None:
    given.one_of("method", frozenset({1, 2, 3}))
    given.finite("parameter")


def _line_fit(given: Given) -> None:
    given.one_of("distType", frozenset({1, 2, 4, 5, 6, 7}))
    for name in ("param", "reps", "aeps"):
        given.finite(name)


def _box(given: Given) -> None:
    if len(given.numbers("box", float(COORDINATE))) != 5:
        raise given.bad("want a box as cv2.minAreaRect gives it: ((x, y), (w, h), angle)")


def _defects(given: Given) -> None:
    contour, hull = given.items.get("contour"), given.items.get("convexhull")
    if contour.__class__ is not ndarray or hull.__class__ is not ndarray or not hull.size:
        raise given.bad("want a contour and its hull as indices (returnPoints=False)")
    inside = hull.dtype.name == "int32" and hull.min() >= 0 and hull.max() < len(contour)
    if not inside or hull.size != hull.shape[0]:
        raise given.bad("convexhull is no list of indices into the contour")


def _moments_of(given: Given) -> None:
    value = given.items.get("m")
    if not isinstance(value, dict) or len(value) > 32:
        raise given.bad("want what cv2.moments gives")
    for key, item in value.items():
        if key.__class__ is not str or not _is_number(item):
            raise given.bad("want what cv2.moments gives")


def _measured(given: Given) -> None:
    """Check what may be a mask or points."""
    value = given.items.get("array")
    if value.__class__ is ndarray and value.dtype.name in _FILTERED and value.ndim == 2:
        is_mask = value.shape[1] != 2 or value.dtype.name != "float32"
        if is_mask and value.size and value.dtype.kind == "f" and not np.isfinite(value).all():
            raise given.bad("array has a value that is not finite")
        return
    _points(given, "array", value)


def _measured_words(given: Given) -> dict[str, int]:
    value = given.items.get("array")
    return {"points": int(value.size) if value.__class__ is ndarray else len(_flat(value))}


# --- drawing ----------------------------------------------------------------------------------


def _drawing(given: Given) -> None:
    """Check what all functions that draw take."""
    picture = given.items.get("image", given.items.get("img"))
    if picture.__class__ is not ndarray:
        raise given.bad(f"the picture is {_shown(picture)}; want an array to draw into")
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
        _levels(given, levels)


def _levels(given: Given, levels: Any) -> None:
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


def _stroke(given: Given) -> int:
    """Give what the length of a line costs: each of its pixels as often as it is thick."""
    picture = given.items.get("image", given.items.get("img"))
    long = sum(picture.shape[:2]) if picture.__class__ is ndarray else 0
    thick = abs(int(given.items.get("thickness") or 1))
    return long * thick // 8 + 8


def _stroke_words(given: Given) -> dict[str, int]:
    return {"points": _stroke(given)}


def _polygon_words(name: str) -> Words:
    def words(given: Given) -> dict[str, int]:
        points = _polygons(given, name)
        thick = abs(int(given.items.get("thickness") or 1))
        return {"points": points * (1 + thick)}

    return words


def _one_polygon_words(given: Given) -> dict[str, int]:
    return {"points": _points(given, "points", given.items.get("points"), DRAWN)}


def _one(dtypes: frozenset[str], name: str = "src") -> dict[str, frozenset[str]]:
    return {name: dtypes}


def _two(dtypes: frozenset[str]) -> dict[str, frozenset[str]]:
    return {"src1": dtypes, "src2": dtypes}


_GREY: Final = (1,)
_GREY_OR_COLOUR: Final = (1, 3)
_POINTS: Final = PictureRule(points=("points",))
_MORPH: Final = PictureRule(pictures=_one(_FILTERED), check=_element, words=_element_words)
_BITWISE: Final = PictureRule(pictures=_two(_TRUTH), plain=True, check=_same_shape)
_ARITHMETIC: Final = PictureRule(pictures=_two(_BITS), plain=True, check=_same_shape)
_SCALED: Final = PictureRule(pictures=_two(_BITS), plain=True, check=_scaled)
_COMPONENTS: Final = PictureRule(pictures=_one(_U8, "image"), channels=_GREY, check=_components)
_STROKE: Final = PictureRule(pictures=_one(_BITS, "img"), check=_drawing, words=_stroke_words)


def _stacked(given: Given) -> dict[str, int]:
    return _stack(given, "src")


_STACK: Final = PictureRule(words=_stacked)

RULES: Final[Mapping[str, PictureRule]] = MappingProxyType(
    {
        "cvtColor": PictureRule(pictures=_one(_COLOUR), check=_colour_code),
        "inRange": PictureRule(pictures=_one(_BITS), check=_range),
        "threshold": PictureRule(pictures=_one(_FILTERED), check=_threshold),
        **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), _BITWISE),
        "bitwise_not": PictureRule(pictures=_one(_TRUTH), check=_masked),
        **dict.fromkeys(("absdiff", "max", "min", "add", "subtract"), _ARITHMETIC),
        **dict.fromkeys(("multiply", "divide"), _SCALED),
        "addWeighted": PictureRule(pictures=_two(_BITS), plain=True, check=_weights),
        "compare": PictureRule(
            pictures=_two(_BITS),
            plain=True,
            check=_comparison,
        ),
        "convertScaleAbs": PictureRule(pictures=_one(_BITS), check=_normalize),
        "normalize": PictureRule(pictures=_one(_BITS), check=_normalize),
        "equalizeHist": PictureRule(pictures=_one(_U8), channels=_GREY),
        "LUT": PictureRule(pictures=_one(_U8), check=_lookup),
        "split": PictureRule(pictures=_one(_BITS, "m")),
        "merge": PictureRule(words=_merge),
        "extractChannel": PictureRule(pictures=_one(_BITS), check=_channel),
        "flip": PictureRule(pictures=_one(_TRUTH), check=_flip),
        "rotate": PictureRule(pictures=_one(_TRUTH), check=_rotate),
        "transpose": PictureRule(pictures=_one(_TRUTH)),
        "hconcat": _STACK,
        "vconcat": _STACK,
        "resize": PictureRule(pictures=_one(_FILTERED), check=_resize, words=_resize_words),
        "copyMakeBorder": PictureRule(pictures=_one(_BITS), check=_margins, words=_margins_words),
        "countNonZero": PictureRule(pictures=_one(_TRUTH), channels=_GREY, empty=True, flat=True),
        "findNonZero": PictureRule(pictures=_one(_TRUTH), channels=_GREY),
        "mean": PictureRule(pictures=_one(_BITS), flat=True, check=_masked),
        "meanStdDev": PictureRule(pictures=_one(_BITS), flat=True, check=_masked),
        "sumElems": PictureRule(pictures=_one(_BITS), flat=True),
        "minMaxLoc": PictureRule(pictures=_one(_BITS), channels=_GREY, flat=True, check=_masked),
        "norm": PictureRule(pictures={"src1": _BITS}, flat=True, check=_norm),
        "GaussianBlur": PictureRule(
            pictures=_one(_FILTERED), check=_gaussian, words=_gaussian_words
        ),
        "blur": PictureRule(pictures=_one(_FILTERED), check=_kernel_size, words=_kernel_words),
        "medianBlur": PictureRule(
            pictures=_one(frozenset({"uint8", "uint16", "float32"})),
            check=_kernel_size,
            words=_kernel_words,
        ),
        "bilateralFilter": PictureRule(
            pictures=_one(frozenset({"uint8", "float32"})),
            channels=_GREY_OR_COLOUR,
            check=_bilateral,
            words=_bilateral_words,
        ),
        "filter2D": PictureRule(pictures=_one(_FILTERED), check=_filter, words=_filter_words),
        **dict.fromkeys(("erode", "dilate", "morphologyEx"), _MORPH),
        "getStructuringElement": PictureRule(check=_structuring, words=_structuring_words),
        **dict.fromkeys(
            ("Sobel", "Laplacian"),
            PictureRule(pictures=_one(_FILTERED), check=_derivative, words=_derivative_words),
        ),
        "Canny": PictureRule(
            pictures=_one(_U8, "image"),
            channels=_GREY_OR_COLOUR,
            check=_canny,
            words=lambda _given: {"window": 25},
        ),
        "adaptiveThreshold": PictureRule(
            pictures=_one(_U8), channels=_GREY, check=_adaptive, words=_adaptive_words
        ),
        "matchTemplate": PictureRule(
            pictures={"image": frozenset({"uint8", "float32"})},
            channels=_GREY_OR_COLOUR,
            check=_template,
            words=_template_words,
        ),
        "distanceTransform": PictureRule(pictures=_one(_U8), channels=_GREY, check=_distance),
        "findContours": PictureRule(
            pictures=_one(_U8, "image"), channels=_GREY, check=_contour_modes
        ),
        **dict.fromkeys(("connectedComponents", "connectedComponentsWithStats"), _COMPONENTS),
        **dict.fromkeys(("contourArea", "isContourConvex"), PictureRule(points=("contour",))),
        "arcLength": PictureRule(points=("curve",)),
        "approxPolyDP": PictureRule(points=("curve",), check=_approximation),
        **dict.fromkeys(
            ("boundingRect", "moments"), PictureRule(check=_measured, words=_measured_words)
        ),
        **dict.fromkeys(("convexHull", "minEnclosingCircle", "minAreaRect", "fitEllipse"), _POINTS),
        "minEnclosingTriangle": _POINTS,
        "convexityDefects": PictureRule(points=("contour",), check=_defects),
        "HuMoments": PictureRule(check=_moments_of),
        "matchShapes": PictureRule(points=("contour1", "contour2"), check=_matching),
        "pointPolygonTest": PictureRule(points=("contour",), check=_point),
        "fitLine": PictureRule(points=("points",), check=_line_fit),
        "boxPoints": PictureRule(check=_box),
        "drawContours": PictureRule(
            pictures=_one(_BITS, "image"), check=_drawing, words=_polygon_words("contours")
        ),
        **dict.fromkeys(
            ("fillPoly", "polylines"),
            PictureRule(pictures=_one(_BITS, "img"), check=_drawing, words=_polygon_words("pts")),
        ),
        "fillConvexPoly": PictureRule(
            pictures=_one(_BITS, "img"), check=_drawing, words=_one_polygon_words
        ),
        **dict.fromkeys(("rectangle", "line", "circle", "ellipse"), _STROKE),
    }
)
"""Function to what it takes; a test holds it against the functions of the dialect."""
