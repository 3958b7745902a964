"""The arguments of one call of OpenCV, and what a function takes of them.

OpenCV trusts its callers: the wheels of version 5 end with a segmentation fault on an array of bools
in `inRange`, on None in `connectedComponents`, on an empty array in `minMaxLoc`, or on 16-bit numbers
in `connectedComponents`; they write past a row in `Laplacian`, and go through two thousand million
rows for a polygon whose corner is far away. So a function is given only the types, sizes and numbers
it was tried with. Whatever else a program gives raises `cv2.error`, which is also what OpenCV raises
where it does look. `sandbox.predeclared.picture_rules` has what each function takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np

from sandbox.guards.values import SCALARS

__all__ = [
    "BITS",
    "CHANNELS",
    "COLOUR",
    "COORDINATE",
    "DRAWN",
    "FILTERED",
    "ITERATIONS",
    "KERNEL",
    "SIDE",
    "TRUTH",
    "U8",
    "Given",
    "PictureRule",
    "Words",
    "flat",
    "is_number",
    "is_plain",
    "points_in",
    "polygons_in",
    "shown",
]

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

U8: Final = frozenset({"uint8"})
BITS: Final = frozenset({"uint8", "int8", "uint16", "int16", "int32", "float32", "float64"})
TRUTH: Final = BITS | {"bool"}
FILTERED: Final = frozenset({"uint8", "uint16", "int16", "float32", "float64"})
COLOUR: Final = frozenset({"uint8", "uint16", "float32"})


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
        if not is_number(value) or not (low <= value <= high or value in also):
            raise self.bad(f"{name}={shown(value)}: want a whole number from {low} to {high}")

    def one_of(self, name: str, offered: frozenset[int]) -> None:
        """Check a constant, if it is given."""
        value = self.items.get(name)
        if value is not None and (not is_number(value) or value not in offered):
            raise self.bad(f"{name}={shown(value)} is not one of the constants for it")

    def finite(self, name: str, most: float = 1e9) -> None:
        """Check a number, if it is given."""
        value = self.items.get(name)
        if value is not None and (not is_number(value) or not abs(value) <= most):
            raise self.bad(f"{name}={shown(value)}: want a number of at most {most:g}")

    def pair(self, name: str, low: int, high: int) -> tuple[int, int] | None:
        """Check a pair of whole numbers, if it is given."""
        value = self.items.get(name)
        if value is None:
            return None
        parts = flat(value)
        if len(parts) != 2 or not all(low <= part <= high for part in parts):
            raise self.bad(f"{name}={shown(value)}: want two numbers from {low} to {high}")
        return int(parts[0]), int(parts[1])

    def numbers(self, name: str, most: float) -> list[float]:
        """Check some numbers in brackets, if they are given."""
        value = self.items.get(name)
        parts = [] if value is None else flat(value)
        for part in parts:
            if not abs(part) <= most:
                raise self.bad(f"{name}={shown(value)}: want numbers of at most {most:g}")
        return parts


Words: TypeAlias = Callable[[Given], Mapping[str, int]]
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
            elif first or not self.plain or not is_plain(value):
                raise given.bad(f"{name} is {shown(value)}; want an array")
            first = False
        for name in self.points:
            words["points"] += points_in(given, name, items.get(name))
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


def is_number(value: Any) -> bool:
    """Whether a value is a single number."""
    return value.__class__ is int or value.__class__ in SCALARS


def is_plain(value: Any) -> bool:
    """Whether a value is a number, or a colour as a tuple of numbers."""
    if is_number(value):
        return True
    return value.__class__ is tuple and len(value) <= CHANNELS and all(map(is_number, value))


def shown(value: Any) -> str:
    """Name a value in a message."""
    if value.__class__ is ndarray:
        return f"an array of shape {value.shape}"
    return repr(value)[:60] if is_plain(value) or value is None else f"a {type(value).__name__}"


def flat(value: Any) -> list[float]:
    """Give the numbers in a number, a sequence or a small array; what is none is left out."""
    if is_number(value):
        return [float(value)]
    if value.__class__ is ndarray:
        return [float(part) for part in value.ravel()[:16]] if value.dtype.kind in "iufb" else []
    if isinstance(value, tuple | list):
        return [number for part in value for number in flat(part)]
    return []


def points_in(given: Given, name: str, value: Any, most: int = COORDINATE) -> int:
    """Check points; give how many there are."""
    if value.__class__ is not ndarray:
        if not isinstance(value, tuple | list):
            raise given.bad(f"{name} is {shown(value)}; want an array of points")
        parts = flat(value)
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


def polygons_in(given: Given, name: str) -> int:
    """Check a list of contours to draw; give how many points they have."""
    value = given.items.get(name)
    if value is None:
        return 0
    if value.__class__ is ndarray:
        return (
            points_in(given, name, value, DRAWN) if value.ndim != 4 else _deep(given, name, value)
        )
    if not isinstance(value, tuple | list):
        raise given.bad(f"{name} is {shown(value)}; want a list of contours")
    total = 0
    for item in value:
        if item.__class__ is not ndarray:
            raise given.bad(f"{name} holds {shown(item)}; want a list of arrays of points")
        total += 1 + points_in(given, name, item, DRAWN)
    return total


def _deep(given: Given, name: str, value: Any) -> int:
    return sum(1 + points_in(given, name, item, DRAWN) for item in value)
