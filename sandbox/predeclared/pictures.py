"""OpenCV as a guest sees it: each admitted function behind a check of its arguments, and a price.

The values are those of OpenCV itself. What a view adds: it takes the arguments that the dialect
admits and no others, so that nothing is written but what a program made and draws into; it hands on
only what `sandbox.predeclared.picture_rules` knows to be harmless; it charges the prices of
`sandbox.pictures.costs`, which the compiled tier charges as well; and it makes a new exception of
one that OpenCV raised, because OpenCV keeps what it knows of the last one in the class.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType, NoneType
from typing import Any, Final, NoReturn

import numpy as np

from sandbox.dialect import MODULES, Entry
from sandbox.dialect.pictures import RESULTS
from sandbox.guards import SCALARS, Meter
from sandbox.guards.tokens import FrameToken
from sandbox.opencv import INSTALL, opencv
from sandbox.pictures import costs
from sandbox.pictures.costs import COSTS, COSTS_AFTER
from sandbox.predeclared.arrays import ArrayChecks
from sandbox.predeclared.picture_given import Given, PictureRule
from sandbox.predeclared.picture_rules import RULES

__all__ = ["picture_member"]

ndarray: Final = np.ndarray
_PLAIN: Final = SCALARS | {int, NoneType}
_DEPTH: Final = 4
"""Levels of brackets that an argument may have: contours are lists of arrays, boxes are pairs."""
_ITEM_BYTES: Final = 2
"""Bytes of an element of what is made, on average; what has floats was floats before."""
_WIDE_ITEMS: Final[Mapping[str, int]] = MappingProxyType(
    {
        # Functions whose result has more bytes an element than a picture has.
        **dict.fromkeys(("connectedComponents", "connectedComponentsWithStats"), 4),
        **dict.fromkeys(("distanceTransform", "matchTemplate"), 4),
        **dict.fromkeys(("Sobel", "Laplacian", "filter2D", "findNonZero"), 8),
    }
)
_SMALL_BYTES: Final = 1 << 14
_MOMENTS: Final = 32
"""Entries that a dict may have; that of `cv2.moments` has 24."""
_CONTOUR_BYTES: Final = 256
"""What one contour in a list takes, besides its points."""
_CHANCE: Final = frozenset({"fitEllipse"})
"""Functions that draw numbers: of points nearly on a line. They begin where a new process begins, so
that a frame has one answer, whatever was called before and in whichever worker."""
_MANY_PIXELS: Final = 1 << 18
"""Pixels from which on it is counted how many contours there could be, before they are made."""

_FURTHER_COSTS: Final[Mapping[str, Callable[..., int]]] = MappingProxyType(
    {
        # Functions that have no kernel, and so no price in the table of both tiers.
        **dict.fromkeys(
            ("bilateralFilter", "filter2D", "Sobel", "Laplacian", "Canny", "adaptiveThreshold"),
            costs.window_sweep,
        ),
        **dict.fromkeys(
            ("convertScaleAbs", "normalize", "equalizeHist", "LUT", "divide"), costs.heavy_sweep
        ),
        **dict.fromkeys(
            ("extractChannel", "rotate", "transpose", "hconcat", "vconcat"), costs.sweep
        ),
        **dict.fromkeys(("polylines", "ellipse"), costs.drawing),
        **dict.fromkeys(("convexityDefects", "HuMoments"), costs.walk),
        "fitLine": costs.refine,
    }
)


def picture_member(checks: ArrayChecks, name: str, entry: Entry) -> Any:
    """Make the view of one member of ``cv2``.

    Raises:
        LookupError: If OpenCV is not installed; `sandbox.assemble` says so before.
    """
    cv2 = opencv()
    if cv2 is None:
        raise LookupError(f"OpenCV is not installed: {INSTALL}")
    if entry.kind in ("constant", "exception"):
        found = getattr(cv2, name, None)
        if found is None:
            raise LookupError(f"OpenCV {cv2.__version__} has no {name}")
        return found
    if name == "imread":
        view: Callable[..., Any] = _reader(checks.meter, cv2)
    else:
        view = _function(cv2, name, entry, checks)
    view.__name__ = name
    view.__qualname__ = f"cv2.{name}"
    return view


def _reader(meter: Meter, cv2: Any) -> Callable[..., Any]:
    def imread(filename: Any, flags: Any = 1) -> Any:
        if filename.__class__ is not FrameToken:
            if isinstance(filename, str):
                meter.charge(1)
                return None  # there is no file of any name
            raise cv2.error(f"cv2.imread: filename is a {type(filename).__name__}; want a path")
        pixels = filename.read()
        meter.charge(costs.sweep(int(pixels.size)))
        meter.made_bytes += pixels.nbytes
        known = _plain(flags, 0, meter, _raiser(cv2, "imread"))
        if known == cv2.IMREAD_GRAYSCALE:
            return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        if known == getattr(cv2, "IMREAD_COLOR_RGB", 256):
            return np.ascontiguousarray(pixels[:, :, ::-1])
        if known not in (cv2.IMREAD_COLOR, cv2.IMREAD_UNCHANGED):
            raise cv2.error("cv2.imread: flags is not one of the constants for it")
        return pixels

    return imread


def _raiser(cv2: Any, name: str) -> Callable[[str], NoReturn]:
    def refuse(text: str) -> NoReturn:
        raise cv2.error(f"cv2.{name}: {text}")

    return refuse


def _plain(value: Any, depth: int, meter: Meter, refuse: Callable[[str], NoReturn]) -> Any:
    """Give what OpenCV may be handed for a value: arrays, numbers and brackets of them."""
    kind = value.__class__
    if kind is ndarray or kind in _PLAIN:
        return value
    if kind is list or isinstance(value, tuple):
        if depth >= _DEPTH:
            refuse("an argument has too many brackets")
        meter.items(len(value))
        items = [_plain(item, depth + 1, meter, refuse) for item in value]
        return items if kind is list else tuple(items)
    if isinstance(value, IntEnum):
        return int(value)
    if kind is dict and len(value) <= _MOMENTS:
        return {key: _plain(item, depth + 1, meter, refuse) for key, item in value.items()}
    refuse(f"an argument is a {kind.__name__[:64]}; want arrays and numbers")
    return None


def _price(name: str) -> Callable[[Mapping[str, int]], int]:
    function = COSTS.get(name) or _FURTHER_COSTS[name]
    words = tuple(inspect.signature(function).parameters)
    return lambda known: function(*(known[word] for word in words))


def _function(cv2: Any, name: str, entry: Entry, checks: ArrayChecks) -> Callable[..., Any]:
    """Make the view of a function."""
    meter = checks.meter
    real = getattr(cv2, name)
    error = cv2.error
    rule: PictureRule = RULES[name]
    params = entry.params
    price = _price(name)
    finish = _AFTER.get(name)
    refuse = _raiser(cv2, name)
    reads_shapes = name == "drawContours"
    by_chance = name in _CHANCE
    item_bytes = _WIDE_ITEMS.get(name, 1)

    def view(*args: Any, **named: Any) -> Any:
        if len(args) > len(params):
            raise TypeError(f"at most {len(params)} arguments by position, got {len(args)}")
        for word in named:
            if word not in params:
                raise TypeError(f"the argument {word!r} is not part of the dialect")
        given = [_plain(value, 0, meter, refuse) for value in args]
        chosen = {word: _plain(value, 0, meter, refuse) for word, value in named.items()}
        items = {**dict(zip(params, given, strict=False)), **chosen}
        for word in items.keys() & RESULTS:
            if items[word] is not None and not reads_shapes:
                raise TypeError(f"{word}= would be written into; assign the result: `y = ...`")
        words = rule.judge(Given(name, items, error))
        made = max(words["made"] * _ITEM_BYTES, words["elements"] * item_bytes)
        if made > _SMALL_BYTES:
            meter.room(made, 1)
        meter.charge(price(words))
        if name == "findContours":
            _room_for_contours(meter, items.get("image"))
        if items.get("mask").__class__ is ndarray and items["mask"].dtype == np.bool_:
            # Older versions take bytes only; both read any byte but 0 as true.
            as_bytes = items["mask"].view(np.uint8)
            given = [as_bytes if value is items["mask"] else value for value in given]
            chosen = {
                word: as_bytes if value is items["mask"] else value
                for word, value in chosen.items()
            }
        if by_chance:
            cv2.setRNGSeed(0)
        try:
            result = real(*given, **chosen)
        except error as raised:
            text = str(raised)
        else:
            if finish is not None:
                finish(meter, result)
            _keep_account(meter, result)
            return result
        raise error(text)

    return view


def _room_for_contours(meter: Meter, image: Any) -> None:
    """Check what the contours of a large picture could take: each begins where pixels change."""
    if image.__class__ is ndarray and image.size > _MANY_PIXELS:
        mask = image.reshape(image.shape[:2]) != 0
        changes = int(np.count_nonzero(mask[:, 1:] != mask[:, :-1]))
        meter.room((changes + 2 * len(mask)) // 2 * _CONTOUR_BYTES // 8)


def _pay_contours(meter: Meter, result: Any) -> None:
    contours = result[0]
    found = sum(map(len, contours))
    meter.charge(COSTS_AFTER["findContours"](found=found, count=len(contours)))


def _pay_components(meter: Meter, result: Any) -> None:
    meter.charge(COSTS_AFTER["connectedComponents"](count=int(result[0])))


_AFTER: Final[Mapping[str, Callable[[Meter, Any], None]]] = MappingProxyType(
    {
        "findContours": _pay_contours,
        "connectedComponents": _pay_components,
        "connectedComponentsWithStats": _pay_components,
    }
)


def _keep_account(meter: Meter, result: Any) -> None:
    """Note the arrays that were made, so that what is kept of them is measured."""
    if result.__class__ is ndarray:
        if result.nbytes > 1024:
            meter.made_bytes += result.nbytes
    elif result.__class__ is tuple:
        for item in result:
            _keep_account(meter, item)


if set(RULES) != {
    name for name, entry in MODULES["cv2"].items() if entry.kind == "function" and name != "imread"
}:
    raise LookupError("the checks of pictures and the dialect name different functions")
