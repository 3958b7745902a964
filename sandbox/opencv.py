"""Where real OpenCV comes from: imported once, before a worker is locked, and made single-threaded.

OpenCV is an extra. A worker opens no file once it is locked, so the process that workers are copied
from imports it for them, when a program names it for the first time. What OpenCV would otherwise
make when it is first used (tables, what it reads about the processor) is made there too.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from types import MappingProxyType
from typing import Any, Final

__all__ = [
    "COMPARED",
    "INSTALL",
    "forbid_import",
    "installed",
    "is_named_in",
    "opencv",
    "warm_up",
]

INSTALL: Final = "pip install 'carruntime[vision]'"
_ROUND: Final = frozenset({"boxPoints", "minEnclosingCircle"})
_HULL: Final = frozenset({"approxPolyDP", "convexHull", "minAreaRect", "minEnclosingTriangle"})
_FILL: Final = frozenset({"drawContours", "fillPoly"})
COMPARED: Final[Mapping[tuple[int, ...], frozenset[str]]] = MappingProxyType(
    {
        (4, 10): _ROUND | _HULL | _FILL,
        (4, 11): _ROUND | _HULL,
        (4, 12): _ROUND | _HULL,
        (4, 13): _ROUND,
        (4, 14): frozenset(),
        (5, 0): frozenset(),
    }
)
"""Releases that our own kernels were compared with, and the functions that they do otherwise: those
have no kernel there. With any other release programs run with OpenCV itself, for nothing is known of
its last bits."""
_NAME: Final = "cv2"
_may_import = True
_DISTRIBUTIONS: Final = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)


def is_named_in(source: bytes) -> bool:
    """Whether a source can import OpenCV: a search for the name, nothing is read or parsed."""
    return _NAME.encode() in source


def forbid_import() -> None:
    """Take only what was imported before, from here on: this process opens no files any more."""
    global _may_import
    _may_import = False


def opencv() -> Any | None:
    """Give the module, imported if need be; None where it is not installed."""
    found = sys.modules.get(_NAME)
    if found is None and _may_import:
        try:
            found = importlib.import_module(_NAME)
        except Exception:
            # Its own loader raises what it likes where a system library is missing.
            return None
    return found


@cache
def installed() -> tuple[int, ...]:
    """Give the version of the installed OpenCV without importing it, as ``(5, 0, 0)``.

    Returns:
        Its first three numbers; empty if there is none, or one that did not come from a package.
    """
    for name in _DISTRIBUTIONS:
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        return tuple(int(part) for part in found.split(".")[:3] if part.isdecimal())
    module = sys.modules.get(_NAME)
    found = str(getattr(module, "__version__", ""))
    return tuple(int(part) for part in found.split(".")[:3] if part.isdecimal())


def warm_up() -> bool:
    """Import OpenCV for workers to come, with one thread and without OpenCL; whether it is there.

    Not for a process of somebody else: it changes how OpenCV runs there.
    """
    os.environ.setdefault("OPENCV_OPENCL_RUNTIME", "disabled")
    cv2 = opencv()
    if cv2 is None:
        return False
    try:
        cv2.setNumThreads(1)
        cv2.ocl.setUseOpenCL(False)
        _use(cv2)
    except Exception:
        return False
    return True


def _use(cv2: Any) -> None:
    """Call what programs call once, so that nothing is left to be made in a locked worker."""
    import numpy as np

    image = np.zeros((64, 64, 3), np.uint8)
    image[16:48, 8:40] = (30, 200, 90)
    for code in (cv2.COLOR_BGR2HSV, cv2.COLOR_BGR2GRAY, cv2.COLOR_BGR2LAB, cv2.COLOR_BGR2HLS):
        converted = cv2.cvtColor(image, code)
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    cv2.cvtColor(converted, cv2.COLOR_HLS2BGR)
    mask = cv2.inRange(hsv, (0, 20, 20), (179, 255, 255))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    found, _ = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    cv2.connectedComponentsWithStats(mask)
    cv2.threshold(mask, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    cv2.matchTemplate(image, image[:9, :9].copy(), cv2.TM_CCOEFF_NORMED)
    for size in ((128, 128), (20, 20)):
        for how in (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC):
            cv2.resize(image, size, interpolation=how)
    cv2.GaussianBlur(image, (5, 5), 0)
    cv2.medianBlur(image, 5)
    cv2.bilateralFilter(image, 5, 30.0, 30.0)
    cv2.Canny(mask, 50, 150)
    for contour in found:
        cv2.convexHull(contour)
        cv2.minAreaRect(contour)
        cv2.minEnclosingCircle(contour)
    try:
        cv2.cvtColor(mask, cv2.COLOR_BGR2HSV)
    except cv2.error as error:
        # Writing the message is the last thing that is done for the first time.
        str(error)
