"""Cases of the kernels that smooth, scale and measure; see `benchmarks.picture_cases`."""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np

from benchmarks.picture_cases import Case, case
from benchmarks.picture_inputs import colour, generator, gray
from benchmarks.picture_inputs import mask as binary
from sandbox.pictures import distances, filters, measures, scaling


@case
def gaussian_blur(rng: random.Random) -> Case:
    image = gray(rng)
    sigmas = rng.choice([0.0, rng.uniform(0.3, 4)]), rng.choice([0.0, rng.uniform(0.3, 4)])
    if sigmas[0] == 0.0:
        sigmas = 0.0, 0.0
    across, down = (rng.choice([1, 3, 5, 7, 9, 11, 13]) for _ in range(2))
    out = np.empty_like(image)
    scratch = np.empty(filters.gaussian_blur_scratch(*image.shape), np.int32)
    weights: list[Any] = []
    for n, sigma, side in (
        (across, sigmas[0], image.shape[1]),
        (down, sigmas[1] or sigmas[0], image.shape[0]),
    ):
        made = np.empty(1 if side == 1 else n, np.int64)
        filters.gaussian_weights(sigma, made, np.empty(n))
        weights.append(made)

    def ours() -> Any:
        filters.gaussian_blur(image, weights[0], weights[1], out, scratch)
        return out

    return Case(lambda: cv2.GaussianBlur(image, (across, down), sigmas[0], sigmaY=sigmas[1]), ours)


@case
def blur(rng: random.Random) -> Case:
    image = gray(rng)
    across, down = rng.randint(1, 16), rng.randint(1, 16)
    if across * down == 2:
        across = down = 3  # the kernel refuses boxes of two pixels
    if min(image.shape) == 1:
        image = np.ascontiguousarray(np.repeat(np.repeat(image, 2, 0), 2, 1))  # and single rows
    out = np.empty_like(image)
    scratch = np.empty(filters.blur_scratch(image.shape[1]), np.int64)

    def ours() -> Any:
        filters.blur(image, across, down, out, scratch)
        return out

    return Case(lambda: cv2.blur(image, (across, down)), ours)


@case
def median_blur(rng: random.Random) -> Case:
    image, size = gray(rng), rng.choice([1, 3, 5, 7, 9, 15])
    out, histogram = np.empty_like(image), np.empty(256, np.int32)

    def ours() -> Any:
        filters.median_blur(image, size, out, histogram)
        return out

    return Case(lambda: cv2.medianBlur(image, size), ours)


def _resizing(rng: random.Random) -> tuple[Any, tuple[int, int], Any, Any]:
    image = colour(rng) if rng.random() < 0.5 else gray(rng)
    height, width = image.shape[:2]
    kind = rng.randrange(4)
    to = rng.randint(1, 50), rng.randint(1, 50)
    if kind == 0:
        to = 2 * height, 2 * width
    elif kind == 1:
        to = max(height // 2, 1), max(width // 2, 1)
    elif kind == 2:
        to = height, width
    channels = image.shape[2] if image.ndim == 3 else 1
    out = np.empty((*to, channels), np.uint8)
    return image, to, image.reshape(height, width, channels), out


@case
def resize_nearest(rng: random.Random) -> Case:
    image, to, planes, out = _resizing(rng)

    def ours() -> Any:
        scaling.resize_nearest(planes, out)
        return out if image.ndim == 3 else out[..., 0]

    return Case(lambda: cv2.resize(image, to[::-1], interpolation=cv2.INTER_NEAREST), ours)


@case
def resize_linear(rng: random.Random) -> Case:
    image, to, planes, out = _resizing(rng)
    scratch = np.empty(scaling.resize_linear_scratch(*out.shape[1:]), np.int32)

    def ours() -> Any:
        scaling.resize_linear(planes, out, scratch)
        return out if image.ndim == 3 else out[..., 0]

    return Case(lambda: cv2.resize(image, to[::-1]), ours)


_NO_MASK = np.empty((0, 0), np.uint8)


def _masked(rng: random.Random, shape: tuple[int, ...]) -> Any:
    if rng.random() < 0.5:
        return None
    return (generator(rng).random(shape[:2]) < rng.choice([0.0, 0.02, 0.5])).astype(np.uint8) * 9


@case
def resize_area(rng: random.Random) -> Case:
    image, _, _, out = _resizing(rng)
    out = np.empty((*image.shape[:2], out.shape[2]), np.uint8)
    if rng.random() < 0.3:
        factors: list[float] = [rng.randint(1, 6), rng.randint(1, 6)]
    else:
        factors = [rng.uniform(1, 6), rng.uniform(1, 6)]
    sides = [int(size * factor) for size, factor in zip(image.shape, factors, strict=False)]
    shape = (*sides, *image.shape[2:])
    large: Any = generator(rng).integers(0, 256, shape, dtype=np.uint8)
    planes = large.reshape(*shape[:2], -1)
    scratch = np.empty(scaling.resize_area_scratch(out.shape[1], out.shape[2]), np.float32)

    def ours() -> Any:
        scaling.resize_area(planes, out, scratch)
        return out if image.ndim == 3 else out[..., 0]

    to = image.shape[1], image.shape[0]
    return Case(lambda: cv2.resize(large, to, interpolation=cv2.INTER_AREA), ours)


@case
def mean(rng: random.Random) -> Case:
    image = colour(rng) if rng.random() < 0.5 else gray(rng)
    mask = _masked(rng, image.shape)
    out = np.empty(4)
    planes = image.reshape(*image.shape[:2], -1)

    def ours() -> Any:
        measures.mean(planes, _NO_MASK if mask is None else mask, out)
        return out

    return Case(lambda: np.array(cv2.mean(image, mask)), ours)


@case
def norm(rng: random.Random) -> Case:
    image = colour(rng) if rng.random() < 0.5 else gray(rng)
    kind = rng.choice([cv2.NORM_INF, cv2.NORM_L1, cv2.NORM_L2])
    return Case(lambda: cv2.norm(image, kind), lambda: measures.norm(image.reshape(-1), kind))


@case
def norm_between(rng: random.Random) -> Case:
    image = colour(rng) if rng.random() < 0.5 else gray(rng)
    other = generator(rng).integers(0, 256, image.shape, dtype=np.uint8)
    kind = rng.choice([cv2.NORM_INF, cv2.NORM_L1, cv2.NORM_L2])
    return Case(
        lambda: cv2.norm(image, other, kind),
        lambda: measures.norm_between(image.reshape(-1), other.reshape(-1), kind),
    )


@case
def min_max(rng: random.Random) -> Case:
    image: Any = gray(rng)
    if rng.random() < 0.4:
        image = image.astype(np.float32) / np.float32(rng.choice([7, 100]))
    mask = _masked(rng, image.shape)
    values, places = np.empty(2), np.empty(4, np.int64)

    def reference() -> Any:
        low, high, low_at, high_at = cv2.minMaxLoc(image, mask)
        return [low, high], [*low_at, *high_at]

    def ours() -> Any:
        measures.min_max(image, _NO_MASK if mask is None else mask, values, places)
        return values.tolist(), places.tolist()

    return Case(reference, ours)


@case
def distance_transform(rng: random.Random) -> Case:
    image = binary(rng, rng.choice([40, 40, 120]))
    kind = rng.choice([cv2.DIST_L1, cv2.DIST_C])
    lengths = (1.0, 2.0, 0.0) if kind == cv2.DIST_L1 else (1.0, 1.0, 0.0)
    out = np.empty(image.shape, np.float32)
    scratch = np.empty(distances.distance_transform_scratch(*image.shape), np.float32)

    def ours() -> Any:
        distances.distance_transform(image, *lengths, out, scratch)
        return out

    return Case(lambda: cv2.distanceTransform(image, kind, 3), ours)
