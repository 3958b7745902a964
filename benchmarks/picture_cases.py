"""One function a kernel that draws a case: what OpenCV does, and what our kernel does.

`CASES` is read by the tests, which run a few hundred of each, and by `benchmarks.picture_kernels`,
which runs many and times them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

from benchmarks.picture_inputs import colour, generator, gray, mask
from sandbox.pictures import colour as colours
from sandbox.pictures import contours, elements

__all__ = ["CASES", "Case", "same"]


@dataclass(frozen=True, slots=True)
class Case:
    """One call of both.

    Attributes:
        reference: Calls OpenCV and gives its result, normalised to arrays and numbers.
        ours: Calls the kernel with out arrays that are there already; the same form of result.
    """

    reference: Callable[[], Any]
    ours: Callable[[], Any]


Draw = Callable[[random.Random], Case]
CASES: Final[dict[str, Draw]] = {}


def case(draw: Draw) -> Draw:
    """Enter a function into `CASES` under its name without the leading word."""
    CASES[draw.__name__] = draw
    return draw


def same(expected: Any, got: Any) -> bool:
    """Whether two results are equal: everything exactly, float64 to one part in 10^12."""
    if isinstance(expected, tuple | list):
        return len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, np.ndarray):
        if expected.shape != got.shape or expected.dtype != got.dtype:
            return False
        if expected.dtype == np.float64:
            return bool(np.allclose(expected, got, rtol=1e-12, atol=1e-12, equal_nan=True))
        return bool(np.array_equal(expected, got, equal_nan=expected.dtype.kind == "f"))
    if isinstance(expected, float):
        return bool(np.isclose(expected, got, rtol=1e-12, atol=1e-12, equal_nan=True))
    return bool(expected == got)


def _out(kernel: Callable[..., int], *arguments: Any) -> Any:
    """Call a kernel whose last argument is its out array, and give that."""
    if kernel(*arguments) < 0:
        return "refused"
    return arguments[-1]


# -- colour ---------------------------------------------------------------------------------


@case
def hsv_from_colour(rng: random.Random) -> Case:
    image, blue = colour(rng), rng.choice([0, 2])
    code = cv2.COLOR_BGR2HSV if blue == 0 else cv2.COLOR_RGB2HSV
    out = np.empty_like(image)
    return Case(
        lambda: cv2.cvtColor(image, code),
        lambda: _out(colours.hsv_from_colour, image, blue, out),
    )


@case
def gray_from_colour(rng: random.Random) -> Case:
    image, blue = colour(rng), rng.choice([0, 2])
    code = cv2.COLOR_BGR2GRAY if blue == 0 else cv2.COLOR_RGB2GRAY
    out = np.empty(image.shape[:2], np.uint8)
    return Case(
        lambda: cv2.cvtColor(image, code),
        lambda: _out(colours.gray_from_colour, image, blue, out),
    )


@case
def channels_swapped(rng: random.Random) -> Case:
    image = colour(rng)
    out = np.empty_like(image)
    return Case(
        lambda: cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
        lambda: _out(colours.channels_swapped, image, out),
    )


@case
def gray_to_colour(rng: random.Random) -> Case:
    image = gray(rng)
    out = np.empty((*image.shape, 3), np.uint8)
    return Case(
        lambda: cv2.cvtColor(image, cv2.COLOR_GRAY2BGR),
        lambda: _out(colours.gray_to_colour, image, out),
    )


def _bounds(rng: random.Random) -> tuple[list[int], list[int]]:
    low = [rng.choice([0, rng.randint(0, 255), rng.randint(-300, 300)]) for _ in range(3)]
    high = [rng.choice([255, rng.randint(a, a + 200), rng.randint(-10, 300)]) for a in low]
    return low, high


@case
def in_range_hsv(rng: random.Random) -> Case:
    image, blue = colour(rng), rng.choice([0, 2])
    code = cv2.COLOR_BGR2HSV if blue == 0 else cv2.COLOR_RGB2HSV
    low, high = _bounds(rng)
    out = np.empty(image.shape[:2], np.uint8)
    bounds: Any = (*low, *high)

    def reference() -> Any:
        found = cv2.inRange(cv2.cvtColor(image, code), tuple(low), tuple(high))
        return found, cv2.countNonZero(found)

    def ours() -> Any:
        return out, colours.in_range_hsv(image, blue, *bounds, out)  # type: ignore[call-arg]

    return Case(reference, ours)


# -- elements -------------------------------------------------------------------------------


@case
def in_range_pixels(rng: random.Random) -> Case:
    image = colour(rng)
    low, high = _bounds(rng)
    as_arrays = rng.random() < 0.5
    out = np.empty(image.shape[:2], np.uint8)

    def reference() -> Any:
        if as_arrays:
            return cv2.inRange(image, np.array(low, np.int32), np.array(high, np.int32))
        return cv2.inRange(image, tuple(low), tuple(high))

    return Case(reference, lambda: _out(elements.in_range_pixels, image, *low, *high, out))


@case
def in_range_gray(rng: random.Random) -> Case:
    image = gray(rng)
    (low, *_), (high, *_) = _bounds(rng)
    out = np.empty_like(image)

    def ours() -> Any:
        elements.in_range_gray(image.reshape(-1), low, high, out.reshape(-1))
        return out

    return Case(lambda: cv2.inRange(image, (low,), (high,)), ours)


@case
def count_non_zero(rng: random.Random) -> Case:
    image = mask(rng)
    return Case(lambda: cv2.countNonZero(image), lambda: elements.count_non_zero(image.reshape(-1)))


@case
def has_non_zero(rng: random.Random) -> Case:
    image = mask(rng)
    return Case(
        lambda: int(cv2.hasNonZero(image)), lambda: elements.has_non_zero(image.reshape(-1))
    )


@case
def find_non_zero(rng: random.Random) -> Case:
    image = mask(rng)
    out = np.empty((image.size, 2), np.int32)

    def reference() -> Any:
        found = cv2.findNonZero(image)
        return np.empty((0, 2), np.int32) if found is None else found.reshape(-1, 2)

    return Case(reference, lambda: out[: elements.find_non_zero(image, out)])


def _two(rng: random.Random) -> tuple[Any, Any, Any]:
    first = colour(rng) if rng.random() < 0.5 else gray(rng)
    second = generator(rng).integers(0, 256, first.shape, dtype=np.uint8)
    if rng.random() < 0.5:
        return first, second, None
    chosen = generator(rng).integers(0, 2, first.shape[:2], dtype=np.uint8) * rng.randint(1, 255)
    return first, second, chosen.astype(np.uint8)


_NO_MASK: Final = np.empty(0, np.uint8)


def _flat(chosen: Any) -> Any:
    return _NO_MASK if chosen is None else chosen.reshape(-1)


@case
def bitwise(rng: random.Random) -> Case:
    first, second, chosen = _two(rng)
    operation = rng.randrange(3)
    function = (cv2.bitwise_and, cv2.bitwise_or, cv2.bitwise_xor)[operation]
    out = np.empty_like(first)

    def ours() -> Any:
        elements.bitwise(
            first.reshape(-1), second.reshape(-1), _flat(chosen), operation, out.reshape(-1)
        )
        return out

    return Case(lambda: function(first, second, mask=chosen), ours)


@case
def bitwise_not(rng: random.Random) -> Case:
    first, _, chosen = _two(rng)
    if first.size == 6 and first.ndim == 3:
        chosen = None  # OpenCV 5.0 raises for two pixels of three channels with a mask
    out = np.empty_like(first)

    def ours() -> Any:
        elements.bitwise_not(first.reshape(-1), _flat(chosen), out.reshape(-1))
        return out

    return Case(lambda: cv2.bitwise_not(first, mask=chosen), ours)


@case
def absolute_difference(rng: random.Random) -> Case:
    first, second, _ = _two(rng)
    out = np.empty_like(first)

    def ours() -> Any:
        elements.absolute_difference(first.reshape(-1), second.reshape(-1), out.reshape(-1))
        return out

    return Case(lambda: cv2.absdiff(first, second), ours)


@case
def saturated_sum(rng: random.Random) -> Case:
    first, second, chosen = _two(rng)
    sign = rng.choice([1, -1])
    function = cv2.add if sign == 1 else cv2.subtract
    out = np.empty_like(first)

    def ours() -> Any:
        elements.saturated_sum(
            first.reshape(-1), second.reshape(-1), _flat(chosen), sign, out.reshape(-1)
        )
        return out

    return Case(lambda: function(first, second, mask=chosen), ours)


_add: Any = cv2.add  # its annotations know nothing of numbers


@case
def saturated_sum_scalar(rng: random.Random) -> Case:
    image = colour(rng) if rng.random() < 0.5 else gray(rng)
    if image.shape in {(4, 1), (1, 4)}:
        image = np.repeat(image, 2, axis=0)  # OpenCV takes four elements for a scalar and raises
    value = rng.randint(-300, 300)
    out = np.empty_like(image)

    def ours() -> Any:
        elements.saturated_sum_scalar(image.reshape(-1), value, _NO_MASK, out.reshape(-1))
        return out

    return Case(lambda: _add(image, value), ours)


@case
def threshold(rng: random.Random) -> Case:
    image = gray(rng)
    level, value, kind = rng.randint(-20, 280), rng.randint(0, 255), rng.randrange(5)
    out = np.empty_like(image)

    def ours() -> Any:
        elements.threshold(image.reshape(-1), level, value, kind, out.reshape(-1))
        return out

    return Case(lambda: cv2.threshold(image, level, value, kind)[1], ours)


@case
def threshold_otsu(rng: random.Random) -> Case:
    image = gray(rng)
    kind = rng.randrange(5)
    out = np.empty_like(image)
    histogram = np.empty(256, np.int64)

    def reference() -> Any:
        level, made = cv2.threshold(image, 0, 255, kind | cv2.THRESH_OTSU)
        return int(level), made

    def ours() -> Any:
        level = elements.threshold_otsu(image.reshape(-1), histogram)
        if level == -2:
            return reference()  # a tie, which the kernel leaves to OpenCV
        elements.threshold(image.reshape(-1), level, 255, kind, out.reshape(-1))
        return level, out

    return Case(reference, ours)


@case
def plane(rng: random.Random) -> Case:
    image = colour(rng)
    out = np.empty(image.shape[:2], np.uint8)
    channel = rng.randrange(3)
    return Case(
        lambda: cv2.split(image)[channel], lambda: _out(elements.plane, image, channel, out)
    )


@case
def merged(rng: random.Random) -> Case:
    image = colour(rng)
    planes = [np.ascontiguousarray(image[..., c]) for c in range(3)]
    out = np.empty_like(image)
    return Case(lambda: cv2.merge(planes), lambda: _out(elements.merged, *planes, out))


@case
def flipped(rng: random.Random) -> Case:
    image, code = colour(rng), rng.choice([-1, 0, 1])
    out = np.empty_like(image)
    return Case(lambda: cv2.flip(image, code), lambda: _out(elements.flipped, image, code, out))


@case
def with_border(rng: random.Random) -> Case:
    image = gray(rng)
    top, bottom, left, right = (rng.randint(0, 3) for _ in range(4))
    value = rng.randint(0, 255)
    out = np.empty((image.shape[0] + top + bottom, image.shape[1] + left + right), np.uint8)
    return Case(
        lambda: cv2.copyMakeBorder(
            image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=value
        ),
        lambda: _out(elements.with_border, image, top, left, value, out),
    )


# -- contours -------------------------------------------------------------------------------


@case
def find_contours(rng: random.Random) -> Case:
    image = mask(rng)
    mode = rng.choice([cv2.RETR_EXTERNAL, cv2.RETR_LIST, cv2.RETR_CCOMP, cv2.RETR_TREE])
    method = rng.choice([cv2.CHAIN_APPROX_NONE, cv2.CHAIN_APPROX_SIMPLE])
    cap, most = 4 * image.size + 8, image.size + 1
    points = np.empty((cap, 2), np.int32)
    starts = np.empty(most + 1, np.int64)
    hierarchy = np.empty((most, 4), np.int32)
    scratch = np.empty(
        contours.find_contours_scratch(image.shape[0], image.shape[1], cap, most), np.int32
    )

    def reference() -> Any:
        found, tree = cv2.findContours(image, mode, method)
        return [c.reshape(-1, 2) for c in found], np.empty(
            (0, 4), np.int32
        ) if tree is None else tree[0]

    def ours() -> Any:
        n = contours.find_contours(image, mode, method, points, starts, hierarchy, scratch)
        if n < 0:
            return "refused"
        return [points[starts[k] : starts[k + 1]] for k in range(n)], hierarchy[:n]

    return Case(reference, ours)
