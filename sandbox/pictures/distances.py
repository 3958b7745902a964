"""Distance of every pixel to the nearest one that is 0, in steps to neighbours.

Two sweeps with steps of fixed length, forward and backward, in float32.

Reference: Borgefors, Distance transformations in digital images, 1986; OpenCV 5,
``modules/imgproc/src/distransform.cpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR0917
from __future__ import annotations

from typing import Final

import numpy as np

from sandbox.pictures.flags import F32, U8, kernel

__all__ = ["distance_transform", "distance_transform_scratch"]


L1: Final = 1
L2: Final = 2
CHESSBOARD: Final = 3

_FAR: Final = np.finfo(np.float32).max
_BORDER: Final = 2


def distance_transform_scratch(height: int, width: int) -> int:
    """Give the float32 elements of scratch memory for a picture."""
    return (height + 2 * _BORDER) * (width + 2 * _BORDER)


@kernel
def distance_transform(
    image: U8, side: float, diagonal: float, knight: float, out: F32, scratch: F32
) -> int:
    """Compute `cv2.distanceTransform`.

    Equal to OpenCV for ``DIST_L1`` (steps of 1, 2, 0) and ``DIST_C`` (1, 1, 0). ``DIST_L2`` OpenCV
    leaves to IPP, which in one picture in thousands adds up the steps of a path in another order.

    Args:
        image: uint8 ``[H, W]``.
        side: Length of a step to a neighbour by a side.
        diagonal: The same by a corner.
        knight: The same two along and one across; 0 for a mask of 3, which has no such steps.
        out: float32 ``[H, W]``, written.
        scratch: float32, `distance_transform_scratch` elements.

    Returns:
        0, or -1 if an array is too small.
    """
    height, width = image.shape
    step = width + 2 * _BORDER
    area = (height + 2 * _BORDER) * step
    if out.shape != image.shape or scratch.shape[0] < area:
        return -1
    straight = np.float32(side)
    corner = np.float32(diagonal)
    jump = np.float32(knight)
    for i in range(area):
        scratch[i] = _FAR
    for y in range(height):
        for x in range(width):
            at = (y + _BORDER) * step + x + _BORDER
            if image[y, x] == 0:
                scratch[at] = np.float32(0.0)
                continue
            best = min(
                scratch[at - step - 1] + corner,
                scratch[at - step] + straight,
                scratch[at - step + 1] + corner,
                scratch[at - 1] + straight,
            )
            if jump > 0:
                best = min(
                    best,
                    scratch[at - 2 * step - 1] + jump,
                    scratch[at - 2 * step + 1] + jump,
                    scratch[at - step - 2] + jump,
                    scratch[at - step + 2] + jump,
                )
            scratch[at] = best
    for y in range(height - 1, -1, -1):
        for x in range(width - 1, -1, -1):
            at = (y + _BORDER) * step + x + _BORDER
            best = scratch[at]
            if best > straight:
                best = min(
                    best,
                    scratch[at + step + 1] + corner,
                    scratch[at + step] + straight,
                    scratch[at + step - 1] + corner,
                    scratch[at + 1] + straight,
                )
                if jump > 0:
                    best = min(
                        best,
                        scratch[at + 2 * step + 1] + jump,
                        scratch[at + 2 * step - 1] + jump,
                        scratch[at + step + 2] + jump,
                        scratch[at + step - 2] + jump,
                    )
                scratch[at] = best
            out[y, x] = best
    return 0
