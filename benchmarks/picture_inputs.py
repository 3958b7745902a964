"""Random pictures, masks and contours for comparing our kernels with OpenCV.

Everything is drawn from a `random.Random`, so that Hypothesis can be the source as well as a seed.
Masks come in the kinds that break contour code: empty, full, one pixel wide, noise of every
density, rings in rings, shapes that touch borders and each other by corners.
"""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["colour", "contour", "gray", "mask", "round_outline", "size"]


def generator(rng: random.Random) -> np.random.Generator:
    """Give a NumPy generator that is determined by what is drawn from ``rng``."""
    return np.random.default_rng(rng.getrandbits(32))


def size(rng: random.Random, largest: int = 40) -> tuple[int, int]:
    """Draw a height and a width, often degenerate."""
    kind = rng.randrange(8)
    if kind == 0:
        return 1, rng.randint(1, largest)
    if kind == 1:
        return rng.randint(1, largest), 1
    if kind == 2:
        return rng.randint(1, 4), rng.randint(1, 4)
    return rng.randint(1, largest), rng.randint(1, largest)


def mask(rng: random.Random, largest: int = 40, values: bool = True) -> NDArray[np.uint8]:
    """Draw a uint8 ``[H, W]`` mask; with ``values`` what is not 0 need not be 255."""
    height, width = size(rng, largest)
    numbers = generator(rng)
    kind = rng.randrange(10)
    image: Any = np.zeros((height, width), np.uint8)
    if kind == 1:
        image[:] = 255
    elif 2 <= kind <= 4:
        image[numbers.random((height, width)) < rng.choice([0.05, 0.3, 0.5, 0.6, 0.9])] = 255
    elif kind == 5:
        for i in range(0, max(height, width), 2):
            image[i : height - i, i : width - i] = 255 if i % 4 == 0 else 0
    elif kind == 6:
        image[:: rng.randint(1, 3), :: rng.randint(1, 3)] = 255
    elif kind >= 7:
        for _ in range(rng.randint(1, 6)):
            shade = 255 if rng.random() < 0.7 else 0
            x, y = rng.randint(-3, width), rng.randint(-3, height)
            if rng.random() < 0.5:
                a, b = rng.randint(0, width), rng.randint(0, height)
                image[max(y, 0) : max(y + b, 0), max(x, 0) : max(x + a, 0)] = shade
            else:
                cv2.circle(image, (x, y), rng.randint(0, max(height, width) // 2), shade, -1)
        if rng.random() < 0.4:
            flip = numbers.random((height, width)) < 0.05
            image[flip] = 255 - image[flip]
    if values and rng.random() < 0.3:
        image = np.where(image > 0, numbers.integers(1, 256, image.shape), 0).astype(np.uint8)
    return np.ascontiguousarray(image)


def gray(rng: random.Random, largest: int = 40) -> NDArray[np.uint8]:
    """Draw a uint8 ``[H, W]`` picture."""
    height, width = size(rng, largest)
    numbers = generator(rng)
    kind = rng.randrange(5)
    if kind == 4:
        return mask(rng, largest, values=False)
    if kind == 0:
        return numbers.integers(0, 256, (height, width), dtype=np.uint8)
    if kind == 1:
        return np.full((height, width), rng.randrange(256), np.uint8)
    if kind == 2:
        few = numbers.integers(0, 256, rng.randint(1, 4), dtype=np.uint8)
        return np.ascontiguousarray(few[numbers.integers(0, len(few), (height, width))])
    ramp = np.add.outer(np.arange(height), np.arange(width)) * rng.randint(1, 9)
    return (ramp % 256).astype(np.uint8)


def colour(rng: random.Random, largest: int = 40) -> NDArray[np.uint8]:
    """Draw a uint8 ``[H, W, 3]`` picture."""
    height, width = size(rng, largest)
    numbers = generator(rng)
    kind = rng.randrange(5)
    if kind == 0:
        return numbers.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind > 2:
        return _tiles(rng, height, width)
    palette = numbers.integers(0, 256, (rng.randint(1, 6), 3), dtype=np.uint8)
    if kind == 1:
        palette = np.where(palette > 127, 255, 0).astype(np.uint8)
    chosen: NDArray[np.uint8] = palette[numbers.integers(0, len(palette), (height, width))]
    return np.ascontiguousarray(chosen)


def _tiles(rng: random.Random, height: int, width: int) -> NDArray[np.uint8]:
    """Draw tiles as of a grid world: rows that repeat, long runs, and some that are not quite so."""
    numbers = generator(rng)
    side = rng.randint(2, 12)
    across, down = width // side + 1, height // side + 1
    palette = numbers.integers(0, 256, (rng.randint(1, 6), 3), dtype=np.uint8)
    tiles = palette[numbers.integers(0, len(palette), (down, across))]
    image = tiles.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
    for _ in range(rng.randint(0, 3)):
        image[rng.randrange(height), rng.randrange(width), rng.randrange(3)] ^= 1
    return np.ascontiguousarray(image)


def contour(
    rng: random.Random, *, floats: bool | None = False, most: int = 30, least: int = 1
) -> NDArray[Any]:
    """Draw points ``[n, 1, 2]`` of a contour: traced from a mask, or anything at all.

    Args:
        rng: Source.
        floats: Whether the points are float32; None draws it.
        most: Largest number of points of a contour that is not traced.
        least: Smallest number of points.
    """
    if floats is None:
        floats = rng.random() < 0.3
    numbers = generator(rng)
    points: Any = None
    if rng.random() < 0.5:
        method = rng.choice([cv2.CHAIN_APPROX_SIMPLE, cv2.CHAIN_APPROX_NONE])
        found = cv2.findContours(mask(rng), cv2.RETR_LIST, method)[0]
        found = [c for c in found if len(c) >= least]
        if found:
            points = rng.choice(found)
    if points is None:
        n = rng.randint(least, most)
        spread = rng.choice([1, 3, 10, 100, 1000])
        kind = rng.randrange(6)
        points = numbers.integers(-spread // 3, spread + 1, (n, 1, 2))
        if kind == 0:
            points[:, 0, 1] = points[0, 0, 1]
        elif kind == 1:
            points[:, 0, 0] = points[0, 0, 0]
        elif kind == 2:
            steps = numbers.integers(-spread, spread + 1, n)
            points = np.stack([steps * rng.randint(-2, 2) + 3, steps * rng.randint(-2, 2)], 1)
            points = points.reshape(n, 1, 2)
        elif kind == 3:
            points = points[numbers.integers(0, max(1, n // 3), n)]
    points = points.astype(np.int32)
    if floats:
        points = points.astype(np.float32)
        if rng.random() < 0.6:
            points += numbers.random(points.shape, dtype=np.float32)
    return np.ascontiguousarray(points)


def round_outline(rng: random.Random) -> NDArray[Any]:
    """Draw points ``[n, 1, 2]`` about an ellipse or a part of one: drawn and traced, or sampled."""
    numbers = generator(rng)
    if rng.random() < 0.5:
        image: Any = np.zeros((96, 96), np.uint8)
        for _ in range(rng.randint(1, 3)):
            centre = (rng.randint(15, 80), rng.randint(15, 80))
            axes = (rng.randint(3, 30), rng.randint(3, 30))
            cv2.ellipse(image, centre, axes, rng.randint(0, 180), 0, 360, 255, -1)
        method = rng.choice([cv2.CHAIN_APPROX_SIMPLE, cv2.CHAIN_APPROX_NONE])
        found = cv2.findContours(image, cv2.RETR_EXTERNAL, method)[0]
        return np.ascontiguousarray(max(found, key=len))
    n = rng.randint(5, 120)
    angles = numbers.random(n) * 2 * np.pi * rng.choice([1, 1, 0.5])
    turn = rng.choice([0.0, rng.uniform(0, np.pi)])
    x, y = rng.uniform(2, 200) * np.cos(angles), rng.uniform(2, 200) * np.sin(angles)
    points = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], 1)
    points += numbers.random((1, 2)) * 500
    points += numbers.normal(size=points.shape) * rng.choice([0, 0.1, 1])
    points = points.reshape(n, 1, 2)
    if rng.random() < 0.4:
        return np.ascontiguousarray(points.astype(np.float32))
    return np.ascontiguousarray(np.rint(points).astype(np.int32))
