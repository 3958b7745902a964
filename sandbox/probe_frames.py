"""Pictures to try a program on: coloured tiles and shapes, as environments draw them, and some noise.

Drawn number by number a picture would be noise, on which no colour range holds together and every
contour is a pixel. Neighbouring pictures of an episode differ in a tile or two.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.schema import ArraySpec

__all__ = ["PICTURE_ROWS", "changed_frames", "draw_frames", "is_picture"]

Frames = NDArray[np.uint8]

PICTURE_ROWS: Final = 32
"""Rows of a probe that has pictures, whose rows are thousands of times as large as others."""
_LEAST: Final = 1024
"""Pixels from which on an array is taken for a picture, not for the encoding of a grid."""
_PLAIN: Final = np.array(
    # Black, greys, white, the primary colours and their mixtures, brown and purple.
    [
        *([0, 0, 0], [60, 60, 60], [100, 100, 100], [255, 255, 255], [255, 0, 0], [0, 255, 0]),
        *([0, 0, 255], [255, 255, 0], [0, 255, 255], [255, 0, 255], [150, 75, 20], [112, 39, 195]),
    ],
    np.uint8,
)


def is_picture(spec: ArraySpec) -> bool:
    """Whether a leaf holds pictures: uint8 ``[H, W, 1]`` or ``[H, W, 3]``, not too small."""
    shape = spec.shape
    return (
        spec.kind == "array"
        and spec.dtype == "uint8"
        and len(shape) == 3
        and shape[2] in (1, 3)
        and shape[0] * shape[1] >= _LEAST
    )


def draw_frames(rows: int, shape: tuple[int, ...], rng: np.random.Generator) -> Frames:
    """Draw pictures; the first three are black, white and noise.

    Args:
        rows: How many.
        shape: ``(H, W, channels)``.
        rng: Where chance comes from.

    Returns:
        uint8 ``[rows, H, W, channels]``.
    """
    found = np.zeros((rows, *shape), np.uint8)
    for row in range(rows):
        if row == 1:
            found[row] = 255
        elif row == 2:
            found[row] = rng.integers(0, 256, shape)
        elif row:
            _paint(found[row], rng)
    return found


def changed_frames(before: Frames, rng: np.random.Generator) -> Frames:
    """Give pictures that follow on others: the same, or with a few shapes painted over."""
    after = before.copy()
    for picture in after:
        for _ in range(int(rng.integers(0, 3))):
            _shape(picture, _colour(picture, rng), rng)
    return after


def _paint(picture: Any, rng: np.random.Generator) -> None:
    picture[...] = _colour(picture, rng)
    height, width = picture.shape[:2]
    side = max(2, int(rng.choice([height // 8, height // 5, height // 3])))
    if rng.random() < 0.7:
        # A grid with thin lines between its cells.
        picture[::side], picture[:, ::side] = _colour(picture, rng), _colour(picture, rng)
    for _ in range(int(rng.integers(1, 9))):
        _shape(picture, _colour(picture, rng), rng)
    del width


def _shape(picture: Any, colour: Any, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    high = int(rng.integers(1, max(2, height // 3)))
    wide = int(rng.integers(1, max(2, width // 3)))
    top, left = int(rng.integers(0, height)), int(rng.integers(0, width))
    part = picture[top : top + high, left : left + wide]
    kind = rng.random()
    if kind < 0.5:
        part[...] = colour
    elif kind < 0.8:
        # An ellipse.
        y, x = np.ogrid[-1 : 1 : part.shape[0] * 1j, -1 : 1 : part.shape[1] * 1j]
        part[x * x + y * y <= 1] = colour
    else:
        # An outline.
        part[[0, -1]] = colour
        part[:, [0, -1]] = colour


def _colour(picture: Any, rng: np.random.Generator) -> Any:
    channels = picture.shape[2]
    if rng.random() < 0.6:
        return _PLAIN[int(rng.integers(len(_PLAIN)))][:channels]
    return rng.integers(0, 256, channels)
