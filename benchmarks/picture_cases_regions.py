"""Cases of the kernels that look at neighbourhoods and regions; see `benchmarks.picture_cases`."""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np

from benchmarks.picture_cases import Case, case
from benchmarks.picture_inputs import generator, gray, mask
from sandbox.pictures import components
from sandbox.pictures import morphology as shapes_of


@case
def connected_components(rng: random.Random) -> Case:
    image = mask(rng, rng.choice([10, 40, 120]))
    connectivity = rng.choice([4, 8])
    labels = np.empty(image.shape, np.int32)
    most = image.size + 1
    stats = np.empty((most, 5), np.int32)
    centroids = np.empty((most, 2))
    scratch = np.empty(components.connected_components_scratch(*image.shape), np.int32)

    def ours() -> Any:
        n = components.connected_components(image, connectivity, labels, scratch)
        components.component_stats(labels, n, stats, centroids)
        return n, labels, stats[:n], centroids[:n]

    return Case(lambda: cv2.connectedComponentsWithStats(image, connectivity=connectivity), ours)


@case
def structuring_element(rng: random.Random) -> Case:
    shape = rng.randrange(3)
    width, height = rng.randint(1, 12), rng.randint(1, 12)
    anchor = (-1, -1)
    if rng.random() < 0.3:
        anchor = (rng.randrange(width), rng.randrange(height))
    out = np.empty((height, width), np.uint8)

    def ours() -> Any:
        shapes_of.structuring_element(shape, *anchor, out)
        return out

    return Case(lambda: cv2.getStructuringElement(shape, (width, height), anchor=anchor), ours)


@case
def morphology(rng: random.Random) -> Case:
    image = mask(rng) if rng.random() < 0.6 else gray(rng)
    if rng.random() < 0.6:
        element: Any = np.ones((rng.randint(1, 7), rng.randint(1, 7)), np.uint8)
    else:
        size = (rng.randint(1, 9), rng.randint(1, 9))
        element = cv2.getStructuringElement(rng.randrange(3), size)
        if rng.random() < 0.3:
            element = generator(rng).integers(0, 2, element.shape, dtype=np.uint8)
            element[0, 0] = 1
    operation, iterations = rng.randrange(7), rng.choice([1, 1, 1, 2, 3])
    out = np.empty_like(image)
    scratch = np.empty(shapes_of.morphology_scratch(*image.shape), np.uint8)

    def ours() -> Any:
        shapes_of.morphology(image, operation, element, -1, -1, iterations, out, scratch)
        return out

    return Case(lambda: cv2.morphologyEx(image, operation, element, iterations=iterations), ours)
