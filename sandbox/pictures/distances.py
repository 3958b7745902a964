"""Distance of every pixel to the nearest one that is 0, in the approximations of OpenCV.

Two sweeps with steps of fixed length (16 bits after the point), forward and backward.

Reference: Borgefors, Distance transformations in digital images, 1986; OpenCV 5,
``modules/imgproc/src/distransform.cpp``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sandbox.pictures.flags import kernel

__all__ = ["distance_transform", "distance_transform_scratch"]

_U8 = NDArray[np.uint8]
_I64 = NDArray[np.int64]
_F32 = NDArray[np.float32]

L1: Final = 1
L2: Final = 2
CHESSBOARD: Final = 3

_FAR: Final = 2147483647 >> 2
_BORDER: Final = 2


def distance_transform_scratch(height: int, width: int) -> int:
    """Give the int64 elements of scratch memory for a picture."""
    return (height + 2 * _BORDER) * (width + 2 * _BORDER)


@kernel
def distance_transform(
    image: _U8, side: int, diagonal: int, knight: int, out: _F32, scratch: _I64
) -> int:
    """Compute `cv2.distanceTransform` with a mask of 3 or 5.

    Args:
        image: uint8 ``[H, W]``.
        side: Length of a step to a neighbour by a side, in 1/65536 pixels.
        diagonal: The same by a corner.
        knight: The same two along and one across; 0 for a mask of 3, which has no such steps.
        out: float32 ``[H, W]``, written.
        scratch: int64, `distance_transform_scratch` elements.

    Returns:
        0, or -1 if an array is too small.
    """
    height, width = image.shape
    step = width + 2 * _BORDER
    area = (height + 2 * _BORDER) * step
    if out.shape != image.shape or scratch.shape[0] < area:
        return -1
    for i in range(area):
        scratch[i] = _FAR
    for y in range(height):
        for x in range(width):
            at = (y + _BORDER) * step + x + _BORDER
            if image[y, x] == 0:
                scratch[at] = 0
                continue
            best = min(
                scratch[at - step - 1] + diagonal,
                scratch[at - step] + side,
                scratch[at - step + 1] + diagonal,
                scratch[at - 1] + side,
            )
            if knight > 0:
                best = min(
                    best,
                    scratch[at - 2 * step - 1] + knight,
                    scratch[at - 2 * step + 1] + knight,
                    scratch[at - step - 2] + knight,
                    scratch[at - step + 2] + knight,
                )
            scratch[at] = best
    scale = np.float32(1.0 / 65536.0)
    for y in range(height - 1, -1, -1):
        for x in range(width - 1, -1, -1):
            at = (y + _BORDER) * step + x + _BORDER
            best = scratch[at]
            if best > side:
                best = min(
                    best,
                    scratch[at + step + 1] + diagonal,
                    scratch[at + step] + side,
                    scratch[at + step - 1] + diagonal,
                    scratch[at + 1] + side,
                )
                if knight > 0:
                    best = min(
                        best,
                        scratch[at + 2 * step + 1] + knight,
                        scratch[at + 2 * step - 1] + knight,
                        scratch[at + step + 2] + knight,
                        scratch[at + step - 2] + knight,
                    )
                scratch[at] = best
            out[y, x] = np.float32(np.float32(best) * scale)
    return 0
