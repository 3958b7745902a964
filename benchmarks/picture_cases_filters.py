"""Cases of the kernels that smooth, scale and measure; see `benchmarks.picture_cases`."""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np

from benchmarks.picture_cases import Case, case
from benchmarks.picture_inputs import colour, gray
from sandbox.pictures import filters, scaling


@case
def gaussian_blur(rng: random.Random) -> Case:
    image = gray(rng)
    sigmas = rng.choice([0.0, rng.uniform(0.3, 4)]), rng.choice([0.0, rng.uniform(0.3, 4)])
    if sigmas[0] == 0.0:
        sigmas = 0.0, 0.0
    across, down = (rng.choice([1, 3, 5, 7, 9, 11, 13]) for _ in range(2))
    out = np.empty_like(image)
    scratch = np.empty(filters.gaussian_blur_scratch(*image.shape), np.int32)
    weights = []
    for n, sigma, side in (
        (across, sigmas[0], image.shape[1]),
        (down, sigmas[1] or sigmas[0], image.shape[0]),
    ):
        made = np.empty(1 if side == 1 else n, np.int64)
        filters.gaussian_weights(sigma, made, np.empty(n))
        weights.append(made)

    def ours() -> Any:
        filters.gaussian_blur(image, *weights, out, scratch)
        return out

    return Case(lambda: cv2.GaussianBlur(image, (across, down), sigmas[0], sigmaY=sigmas[1]), ours)


@case
def blur(rng: random.Random) -> Case:
    image = gray(rng)
    across, down = rng.randint(1, 16), rng.randint(1, 16)
    if (across if image.shape[1] > 1 else 1) * (down if image.shape[0] > 1 else 1) == 2:
        across = down = 3  # the kernel refuses boxes of two pixels
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
