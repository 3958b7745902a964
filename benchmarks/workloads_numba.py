"""The workloads as an expert writes them in Numba by hand: no checks, no limits, no outcomes.

Each kernel goes over the batch with plain loops, allocates nothing that it can avoid and trusts
every index. Fast-math is off, as it is in what they are compared with: a reward must not depend on
how a compiler groups a sum. The kernels stand here as the limit of what is possible in Python.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np

__all__ = ["KERNELS"]


def _kernel(function: Callable[..., None]) -> Any:
    return numba.njit(error_model="numpy", nogil=True)(function)


@_kernel
def w1(image: Any, out: Any) -> None:
    for b in range(len(out)):
        key_x = key_y = door_x = door_y = goal_x = goal_y = -1
        opened = False
        for i in range(7):
            for j in range(7):
                obj = image[b, i, j, 0]
                if obj == 5:
                    key_x = i
                    key_y = j
                elif obj == 4:
                    door_x = i
                    door_y = j
                    opened = image[b, i, j, 2] == 0
                elif obj == 8:
                    goal_x = i
                    goal_y = j
        total = 0.0
        if goal_x >= 0:
            total += 1.0 - (abs(goal_x - 3) + abs(goal_y - 6)) / 12.0
        if key_x >= 0:
            total += 0.1 * (1.0 - (abs(key_x - 3) + abs(key_y - 6)) / 12.0)
        if door_x >= 0:
            if opened:
                total += 0.3
            else:
                total += 0.05 * (1.0 - (abs(door_x - 3) + abs(door_y - 6)) / 12.0)
        out[b] = total


@_kernel
def w1np(image: Any, out: Any) -> None:
    for b in range(len(out)):
        key_x = key_y = door_x = door_y = goal_x = goal_y = -1
        opened = False
        for i in range(7):
            for j in range(7):
                obj = image[b, i, j, 0]
                if obj == 5:
                    if key_x < 0:
                        key_x = i
                        key_y = j
                elif obj == 4:
                    if door_x < 0:
                        door_x = i
                        door_y = j
                    if image[b, i, j, 2] == 0:
                        opened = True
                elif obj == 8 and goal_x < 0:
                    goal_x = i
                    goal_y = j
        total = 0.0
        if goal_x >= 0:
            total += 1.0 - (abs(goal_x - 3) + abs(goal_y - 6)) / 12.0
        if key_x >= 0:
            total += 0.1 * (1.0 - (abs(key_x - 3) + abs(key_y - 6)) / 12.0)
        if door_x >= 0:
            if opened:
                total += 0.3
            else:
                total += 0.05 * (1.0 - (abs(door_x - 3) + abs(door_y - 6)) / 12.0)
        out[b] = total


@_kernel
def w2(img: Any, out: Any) -> None:
    h, w = img.shape[1], img.shape[2]
    for b in range(len(out)):
        n = 0
        sy = 0
        sx = 0
        for y in range(h):
            for x in range(w):
                if img[b, y, x, 0] > 200 and img[b, y, x, 1] < 80 and img[b, y, x, 2] < 80:
                    n += 1
                    sy += y
                    sx += x
        if n == 0:
            out[b] = -1.0
        else:
            cy = sy / n / h - 0.5
            cx = sx / n / w - 0.5
            out[b] = 1.0 - math.sqrt(cy * cy + cx * cx)


@_kernel
def w3(observation: Any, achieved: Any, desired: Any, out: Any) -> None:
    for b in range(len(out)):
        d2 = 0.0
        r2 = 0.0
        v = 0.0
        for k in range(3):
            e = achieved[b, k] - desired[b, k]
            f = observation[b, k] - achieved[b, k]
            d2 += e * e
            r2 += f * f
            v += abs(observation[b, 3 + k])
        dist = math.sqrt(d2)
        total = 0.3 * math.exp(-5.0 * math.sqrt(r2)) + math.exp(-10.0 * dist)
        total += 0.5 * max(0.0, achieved[b, 2] - 0.02) - 0.01 * v
        if dist < 0.05:
            total += 1.0
        out[b] = total


@_kernel
def w4(achieved: Any, desired: Any, state: Any, out: Any) -> None:
    for b in range(len(out)):
        d2 = 0.0
        for k in range(3):
            e = achieved[b, k] - desired[b, k]
            d2 += e * e
        dist = math.sqrt(d2)
        total = 0.0
        if state[b, 2] > 0.5:
            total += 10.0 * (state[b, 0] - dist)
            if dist < state[b, 1]:
                total += 0.1
                state[b, 1] = dist
        else:
            state[b, 2] = 1.0
            state[b, 1] = dist
        if achieved[b, 2] > 0.05 and state[b, 3] < 0.5:
            state[b, 3] = 1.0
            total += 1.0
        state[b, 0] = dist
        out[b] = total


@_kernel
def w5(depth: Any, color: Any, out: Any) -> None:
    h, w = depth.shape[1], depth.shape[2]
    red = np.empty((h, w), np.bool_)
    label = np.empty((h, w), np.int32)
    stack = np.empty((h * w, 2), np.int32)
    for b in range(len(out)):
        for y in range(h):
            for x in range(w):
                red[y, x] = (
                    color[b, y, x, 0] > 0.6 and color[b, y, x, 1] < 0.3 and depth[b, y, x] > 0.03
                )
                label[y, x] = 0
        n = 0
        best = 0
        for y in range(h):
            for x in range(w):
                if red[y, x] and label[y, x] == 0:
                    n += 1
                    area = 0
                    top = 1
                    stack[0, 0] = y
                    stack[0, 1] = x
                    label[y, x] = n
                    while top > 0:
                        top -= 1
                        cy = stack[top, 0]
                        cx = stack[top, 1]
                        area += 1
                        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                            ny = cy + dy
                            nx = cx + dx
                            if (
                                ny >= 0
                                and ny < h
                                and nx >= 0
                                and nx < w
                                and red[ny, nx]
                                and label[ny, nx] == 0
                            ):
                                label[ny, nx] = n
                                stack[top, 0] = ny
                                stack[top, 1] = nx
                                top += 1
                    best = max(best, area)
        out[b] = best / (h * w) + 0.01 * n


KERNELS: Final[dict[str, Any]] = {
    "W1": w1, "W1np": w1np, "W2np56": w2, "W2loop56": w2, "W2np160": w2, "W2loop160": w2,
    "W3": w3, "W3loop": w3, "W4": w4, "W5": w5,
}  # fmt: skip
"""By workload: ``kernel(*columns, out)``, with a state ``[N, 4]`` before ``out`` for W4."""
