"""Connected components with OpenCV's numbering.

Pixels are joined with a union-find over provisional labels of one raster scan. The final numbers
are given in the order in which OpenCV's algorithms meet components: with 8 neighbours they work on
blocks of two by two pixels, with 4 on single pixels. A block cannot hold two components, so the
order of first blocks (or first pixels) is the order of numbers.

Reference: Bolelli et al., Spaghetti labeling, 2020; OpenCV 5,
``modules/imgproc/src/connectedcomponents.cpp``.
"""

# Why: see `sandbox.pictures.flags`.
# ruff: noqa: PLR1714
from __future__ import annotations

import numpy as np

from sandbox.pictures.flags import F64, I32, U8, kernel, real, whole
from sandbox.pictures.rows import is_blank

__all__ = ["component_stats", "connected_components", "connected_components_scratch"]


def connected_components_scratch(height: int, width: int) -> int:
    """Give the int32 elements of scratch memory for a picture."""
    return 2 * (height * width // 2 + height + width + 2)


@kernel
def _root(parents: I32, label: int) -> int:
    root = label
    while parents[root] < root:
        root = whole(parents[root])
    while parents[label] < label:
        above = whole(parents[label])
        parents[label] = root
        label = above
    return root


@kernel
def _join(parents: I32, a: int, b: int) -> int:
    a = _root(parents, a)
    b = _root(parents, b)
    if a < b:
        parents[b] = a
        return a
    parents[a] = b
    return b


@kernel
def connected_components(image: U8, connectivity: int, labels_out: I32, scratch: I32) -> int:
    """Compute `cv2.connectedComponents`.

    Args:
        image: uint8 ``[H, W]``; what is not 0 is foreground.
        connectivity: 8 or 4.
        labels_out: int32 ``[H, W]``, written: 0 for the background, then 1, 2, …
        scratch: int32, `connected_components_scratch` elements.

    Returns:
        Number of labels, the background's included; -1 if an array is too small.
    """
    height, width = image.shape
    if labels_out.shape[0] != height or labels_out.shape[1] != width:
        return -1
    if connectivity != 8 and connectivity != 4:
        return -1
    room = scratch.shape[0] // 2
    if room < 1:
        return -1
    parents = scratch[:room]
    numbers = scratch[room : 2 * room]
    parents[0] = 0
    fresh = 1
    eight = connectivity == 8
    for y in range(height):
        line, row = image[y], labels_out[y]
        for x in range(width):
            row[x] = 0
        if is_blank(line):
            continue
        for x in range(width):
            if line[x] == 0:
                continue
            label = 0
            if y > 0:
                label = whole(labels_out[y - 1, x])
                if label == 0 and eight:
                    if x + 1 < width:
                        label = whole(labels_out[y - 1, x + 1])
                    other = 0
                    if x > 0:
                        other = whole(labels_out[y - 1, x - 1])
                    if other == 0 and x > 0:
                        other = whole(labels_out[y, x - 1])
                    if label == 0:
                        label = other
                    elif other != 0:
                        label = _join(parents, label, other)
            if x > 0 and not (eight and label != 0):
                other = whole(labels_out[y, x - 1])
                if label == 0:
                    label = other
                elif other != 0 and other != label:
                    label = _join(parents, label, other)
            if label == 0:
                if fresh >= room:
                    return -1
                label = fresh
                parents[label] = label
                fresh += 1
            labels_out[y, x] = label
    # Every parent is smaller than its label, so one pass makes all of them roots.
    for i in range(fresh):
        numbers[i] = 0
        parents[i] = parents[whole(parents[i])]
    count = 1
    size = 2 if eight else 1
    for top in range(0, height, size):
        if is_blank(image[top]) and is_blank(image[min(top + size - 1, height - 1)]):
            continue
        for left in range(0, width, size):
            label = whole(labels_out[top, left])
            if eight:
                right = left + 1 < width
                below = top + 1 < height
                if label == 0 and right:
                    label = whole(labels_out[top, left + 1])
                if label == 0 and below:
                    label = whole(labels_out[top + 1, left])
                if label == 0 and right and below:
                    label = whole(labels_out[top + 1, left + 1])
            if label != 0:
                root = whole(parents[label])
                if numbers[root] == 0:
                    numbers[root] = count
                    count += 1
    for i in range(fresh):
        parents[i] = numbers[whole(parents[i])]
    for y in range(height):
        if is_blank(image[y]):
            continue
        row = labels_out[y]
        for x in range(np.uint64(width)):
            if row[x] != 0:
                row[x] = parents[np.uint64(row[x])]
    return count


@kernel
def component_stats(labels: I32, count: int, stats_out: I32, centroids_out: F64) -> int:
    """Compute what `cv2.connectedComponentsWithStats` adds to `connected_components`.

    Args:
        labels: int32 ``[H, W]``.
        count: Number of labels.
        stats_out: int32 ``[cap, 5]``, written: left, top, width, height, area.
        centroids_out: float64 ``[cap, 2]``, written: x and y.

    Returns:
        ``count``, or -1 if ``cap`` is smaller.
    """
    height, width = labels.shape
    if count < 0 or stats_out.shape[0] < count or centroids_out.shape[0] < count:
        return -1
    if stats_out.shape[1] != 5 or centroids_out.shape[1] != 2:
        return -1
    for k in range(count):
        stats_out[k, 0] = 2147483647
        stats_out[k, 1] = 2147483647
        stats_out[k, 2] = -2147483648
        stats_out[k, 3] = -2147483648
        stats_out[k, 4] = 0
        centroids_out[k, 0] = 0.0
        centroids_out[k, 1] = 0.0
    for y in range(height):
        for x in range(width):
            k = whole(labels[y, x])
            if k < 0 or k >= count:
                return -1
            stats_out[k, 0] = min(stats_out[k, 0], x)
            stats_out[k, 1] = min(stats_out[k, 1], y)
            stats_out[k, 2] = max(stats_out[k, 2], x)
            stats_out[k, 3] = max(stats_out[k, 3], y)
            stats_out[k, 4] += 1
            centroids_out[k, 0] += x
            centroids_out[k, 1] += y
    for k in range(count):
        area = real(stats_out[k, 4])
        if stats_out[k, 4] == 0:
            # Only the background can be without pixels. OpenCV's numbers for it come from an
            # overflow; they are the same for every size and connectivity.
            stats_out[k, 0] = -1
            stats_out[k, 2] = 0
            stats_out[k, 3] = 0
        else:
            stats_out[k, 2] += 1 - stats_out[k, 0]
            stats_out[k, 3] += 1 - stats_out[k, 1]
        centroids_out[k, 0] = centroids_out[k, 0] / area
        centroids_out[k, 1] = centroids_out[k, 1] / area
    return count
