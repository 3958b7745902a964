"""Whether points are ones that can be measured."""

from __future__ import annotations

from typing import Final

from sandbox.pictures.flags import Points, kernel, real

__all__ = ["FARTHEST_POINT", "measurable"]

FARTHEST_POINT: Final = 1 << 24
"""Largest absolute coordinate; from here on float32 has no whole numbers."""


@kernel
def measurable(points: Points) -> int:
    """Tell whether points are finite and not far away: 1 or 0.

    Kernels that return a count or a code ask this themselves and answer -1. `contour_area`,
    `arc_length` and `point_polygon_test`, whose result may be any number, leave it to the caller.

    Args:
        points: int32 or float32 ``[n, 2]``.
    """
    for i in range(points.shape[0]):
        for j in range(points.shape[1]):
            # Written so that NaN fails.
            if not (abs(real(points[i, j])) <= FARTHEST_POINT):
                return 0
    return 1
