"""Every kernel gives what OpenCV gives, on pictures drawn at random and on real frames."""

from __future__ import annotations

import inspect
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

cv2 = pytest.importorskip("cv2")

from benchmarks.picture_cases import CASES, same  # noqa: E402
from benchmarks.picture_kernels import ALL_CASES  # noqa: E402
from sandbox.pictures import (  # noqa: E402
    KERNELS,
    colour,
    components,
    contours,
    drawing,
    elements,
    filters,
    hull,
    morphology,
    scaling,
    shapes,
)
from sandbox.pictures.costs import COSTS, COSTS_AFTER, WORDS  # noqa: E402

FRAMES = sorted((Path(__file__).parents[2] / "corpus" / "frames").glob("*.npz"))
ROWS = [kernel for kernels in KERNELS.values() for kernel in kernels]
HSV_RANGES = [
    ((0, 50, 50), (10, 255, 255)),
    ((50, 60, 40), (75, 255, 255)),
    ((0, 0, 1), (179, 255, 255)),
]


def test_cases_are_all_that_the_benchmark_runs() -> None:
    assert CASES is ALL_CASES


@pytest.mark.parametrize("name", sorted(ALL_CASES))
@settings(max_examples=15)
@given(rng=st.randoms(use_true_random=False))
def test_kernel_equals_opencv(name: str, rng: random.Random) -> None:
    drawn = CASES[name](rng)
    expected, got = drawn.reference(), drawn.ours()
    assert same(expected, got), (expected, got)


def frames(path: Path) -> list[Any]:
    with np.load(path) as stored:
        found = [stored[key] for key in stored.files if stored[key].dtype == np.uint8]
    pictures = [frame for array in found if array.ndim == 4 for frame in array[:1]]
    return [np.ascontiguousarray(frame) for frame in pictures if frame.shape[2] == 3]


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_what_a_program_sees_in_a_frame_is_what_opencv_sees(path: Path) -> None:
    pictures = frames(path)
    assert pictures
    for picture in pictures:
        hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
        ours = np.empty_like(picture)
        assert colour.hsv_from_colour(picture, 2, ours) == 0
        assert np.array_equal(hsv, ours)
        for low, high in HSV_RANGES:
            expected = cv2.inRange(hsv, low, high)
            mask = np.empty(picture.shape[:2], np.uint8)
            count = colour.in_range_hsv(picture, 2, *low, *high, mask)
            assert np.array_equal(expected, mask)
            assert count == cv2.countNonZero(expected)
            assert elements.count_non_zero(mask.reshape(-1)) == count
            for mode in (cv2.RETR_EXTERNAL, cv2.RETR_TREE):
                check_contours(mask, mode)
            check_components(mask)


def check_contours(mask: Any, mode: int) -> None:
    expected, tree = cv2.findContours(mask, mode, cv2.CHAIN_APPROX_SIMPLE)
    cap, most = mask.size, mask.size // 4 + 8
    points = np.empty((cap, 2), np.int32)
    starts = np.empty(most + 1, np.int64)
    hierarchy = np.empty((most, 4), np.int32)
    height, width = mask.shape
    scratch = np.empty(contours.find_contours_scratch(height, width, cap, most), np.int32)
    n = contours.find_contours(mask, mode, contours.SIMPLE, points, starts, hierarchy, scratch)
    assert n == len(expected)
    if n:
        assert np.array_equal(hierarchy[:n], tree[0])
    box = np.empty(4, np.int64)
    moments = np.empty(24)
    for k in range(n):
        ours = points[starts[k] : starts[k + 1]]
        assert np.array_equal(ours, expected[k][:, 0])
        assert shapes.contour_area(ours, False) == cv2.contourArea(expected[k])
        assert shapes.arc_length(ours, True) == cv2.arcLength(expected[k], True)
        shapes.bounding_rect(ours, box)
        assert tuple(box) == tuple(cv2.boundingRect(expected[k]))
        shapes.moments_of_contour(ours, moments)
        assert np.allclose(moments, list(cv2.moments(expected[k]).values()), rtol=1e-12, atol=0)


def check_components(mask: Any) -> None:
    labels = np.empty(mask.shape, np.int32)
    scratch = np.empty(components.connected_components_scratch(*mask.shape), np.int32)
    n = components.connected_components(mask, 8, labels, scratch)
    expected = cv2.connectedComponents(mask)
    assert n == expected[0]
    assert np.array_equal(labels, expected[1])


# -- what is too small is said, and nothing is written beyond it ------------------------------


def guarded(shape: int | tuple[int, ...], dtype: Any) -> tuple[Any, Any]:
    """Give an array in the middle of a larger one, and the larger one."""
    count = int(np.prod(shape))
    whole = np.full(count + 64, 77, dtype)
    return whole[32 : 32 + count].reshape(shape), whole


def untouched(whole: Any) -> bool:
    return bool((whole[:32] == 77).all() and (whole[-32:] == 77).all())


@given(
    rng=st.randoms(use_true_random=False),
    cap=st.integers(0, 60),
    most=st.integers(0, 12),
    mode=st.integers(0, 3),
    method=st.integers(1, 2),
    short=st.integers(0, 3),
)
def test_contours_that_do_not_fit_are_refused_without_a_write_beyond(  # noqa: PLR0917
    rng: random.Random, cap: int, most: int, mode: int, method: int, short: int
) -> None:
    image = np.random.default_rng(rng.getrandbits(32)).integers(0, 2, (9, 11), dtype=np.uint8)
    points, all_points = guarded((cap, 2), np.int32)
    starts, all_starts = guarded(most + 1, np.int64)
    hierarchy, all_hierarchy = guarded((most, 4), np.int32)
    size = contours.find_contours_scratch(9, 11, cap, most) - short
    scratch, all_scratch = guarded(size, np.int32)
    n = contours.find_contours(image, mode, method, points, starts, hierarchy, scratch)
    assert untouched(all_points)
    assert untouched(all_starts)
    assert untouched(all_hierarchy)
    assert untouched(all_scratch)
    expected = cv2.findContours(image, mode, method)[0]
    fits = len(expected) <= most and sum(map(len, expected)) <= cap
    assert n == (len(expected) if fits and not short else -1)


@given(rng=st.randoms(use_true_random=False), n=st.integers(1, 12), short=st.integers(0, 4))
def test_hulls_that_do_not_fit_are_refused_without_a_write_beyond(
    rng: random.Random, n: int, short: int
) -> None:
    numbers = np.random.default_rng(rng.getrandbits(32))
    points = numbers.integers(-3, 4, (n, 2)).astype(np.int32)
    out, all_out = guarded(max(n + 2 - short, 0), np.int32)
    scratch, all_scratch = guarded(hull.convex_hull_scratch(n), np.int32)
    count = hull.convex_hull(points, False, True, out, scratch)
    assert untouched(all_out)
    assert untouched(all_scratch)
    expected = cv2.convexHull(points)[:, 0]
    assert count in {len(expected), -1}
    if short == 0:
        assert np.array_equal(points[out[:count]], expected)


@given(
    rng=st.randoms(use_true_random=False),
    spread=st.sampled_from([5, 40, drawing.FARTHEST, 2**31 - 1]),
    polygons=st.integers(1, 3),
)
def test_polygons_stay_in_the_picture(rng: random.Random, spread: int, polygons: int) -> None:
    numbers = np.random.default_rng(rng.getrandbits(32))
    points = numbers.integers(-spread, spread, (8, 2)).astype(np.int32)
    starts = np.array([0, *sorted(numbers.integers(0, 9, polygons))], np.int64)
    image, whole = guarded((7, 9, 1), np.uint8)
    size = drawing.fill_polygons_scratch(len(points), polygons)
    scratch, all_scratch = guarded(size, np.int64)
    code = drawing.fill_polygons(image, points, starts, 5, 5, 5, scratch)
    assert untouched(whole)
    assert untouched(all_scratch)
    assert code == (-1 if np.abs(points.astype(np.int64)).max() > drawing.FARTHEST else 0)


def test_starts_that_run_back_are_refused() -> None:
    points = np.zeros((4, 2), np.int32)
    image = np.zeros((3, 3, 1), np.uint8)
    scratch = np.zeros(drawing.fill_polygons_scratch(4, 2), np.int64)
    for starts in ([0, 3, 2], [-1, 2], [0, 5], []):
        wrong = np.array(starts, np.int64)
        assert drawing.fill_polygons(image, points, wrong, 1, 1, 1, scratch) == -1


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 3e7])
def test_points_that_cannot_be_measured_are_refused(wrong: float) -> None:
    points = np.array([[0, 0], [5, 1], [wrong, 4], [1, 6]], np.float32)
    indices, scratch = np.empty(6, np.int32), np.empty(hull.convex_hull_scratch(4), np.int32)
    assert hull.convex_hull(points, False, True, indices, scratch) == -1
    assert hull.approx_poly(points, 1.0, False, np.empty((5, 2), np.float32), scratch) == -1
    assert shapes.bounding_rect(points, np.empty(4, np.int64)) == -1
    assert shapes.is_contour_convex(points) == -1
    assert shapes.moments_of_contour(points, np.empty(24)) == -1
    singles = np.empty(16, np.float32)
    assert shapes.min_enclosing_circle(points, singles[:3], singles[3:]) == -1


# -- the table --------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.opencv}-{row.name}")
def test_row_of_the_table_names_what_exists(row: Any) -> None:
    assert hasattr(cv2, row.opencv)
    kernel: Any = row.load()
    scratch = row.load_scratch()
    assert scratch is None or all(
        parameter.annotation in {"int", int}
        for parameter in inspect.signature(scratch).parameters.values()
    )
    for price in (row.cost, row.cost_after):
        assert price is None or set(inspect.signature(price).parameters) <= set(WORDS)
    for types in row.signatures:
        normalized: Any = numba.core.sigutils
        arguments, _ = normalized.normalize_signature(types)
        assert len(arguments) == len(inspect.signature(kernel.py_func).parameters)


def test_importing_the_table_loads_neither_compiler_nor_opencv() -> None:
    code = "import sys, sandbox.pictures; print(*({'numba', 'cv2', 'llvmlite'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", sorted({*COSTS, *COSTS_AFTER}))
def test_price_is_a_positive_whole_number_that_grows_with_the_work(name: str) -> None:
    for price in filter(None, (COSTS.get(name), COSTS_AFTER.get(name))):
        words = inspect.signature(price).parameters
        prices = [price(**dict.fromkeys(words, size)) for size in (0, 1, 10, 1_000, 1_000_000)]
        assert all(isinstance(value, int) and value >= 0 for value in prices)
        assert prices == sorted(prices)
        assert prices[-1] > 1_000


def test_every_colour_has_opencvs_hue_saturation_and_value() -> None:
    second, third = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    picture = np.empty((256, 256, 3), np.uint8)
    picture[..., 1], picture[..., 2] = second, third
    ours = np.empty_like(picture)
    for first in range(256):
        picture[..., 0] = first
        assert colour.hsv_from_colour(picture, 0, ours) == 0
        assert np.array_equal(cv2.cvtColor(picture, cv2.COLOR_BGR2HSV), ours)


def wide(rng: random.Random, noise: float) -> Any:
    """Draw a picture of more than one block a row: rows that come again, long runs, a few specks."""
    numbers = np.random.default_rng(rng.randrange(2**32))
    height, width = rng.randint(1, 40), rng.randint(1, 300)
    palette = numbers.integers(0, 256, (4, 3), dtype=np.uint8)
    across = np.sort(numbers.integers(0, width, width)) * 7 // max(width, 1) % 4
    down = np.sort(numbers.integers(0, height, height)) * 5 // height
    picture = palette[(across[None, :] + down[:, None]) % 4]
    specks = numbers.random((height, width)) < noise
    picture[specks] = numbers.integers(0, 256, (int(specks.sum()), 3), dtype=np.uint8)
    return np.ascontiguousarray(picture)


@settings(max_examples=40)
@given(rng=st.randoms(use_true_random=False), noise=st.sampled_from([0.0, 0.0005, 0.01, 1.0]))
def test_shortcuts_for_flat_pictures_show_in_nothing(rng: random.Random, noise: float) -> None:
    picture = wide(rng, noise)
    height, width = picture.shape[:2]
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    ours = np.full_like(picture, 77)
    assert colour.hsv_from_colour(picture, 2, ours) == 0
    assert np.array_equal(hsv, ours)
    centre = hsv[rng.randrange(height), rng.randrange(width)].astype(int)
    low, high = [int(v) - 20 for v in centre], [int(v) + 20 for v in centre]
    expected = cv2.inRange(hsv, tuple(low), tuple(high))
    mask = np.full((height, width), 77, np.uint8)
    found = colour.in_range_hsv(picture, 2, low[0], low[1], low[2], high[0], high[1], high[2], mask)
    assert found == cv2.countNonZero(expected)
    assert np.array_equal(expected, mask)
    check_contours(mask, rng.choice([cv2.RETR_EXTERNAL, cv2.RETR_TREE]))
    smooth = np.full_like(mask, 77)
    assert filters.median_blur(mask, 3, smooth, np.empty(256, np.int32)) == 0
    assert np.array_equal(cv2.medianBlur(mask, 3), smooth)
    element = cv2.getStructuringElement(rng.randrange(3), (rng.randint(1, 7), rng.randint(1, 7)))
    scratch = np.full(morphology.morphology_scratch(height, width), 77, np.uint8)
    for operation in (cv2.MORPH_ERODE, cv2.MORPH_CLOSE):
        made = np.full_like(mask, 77)
        assert morphology.morphology(mask, operation, element, -1, -1, 1, made, scratch) == 0
        assert np.array_equal(cv2.morphologyEx(mask, operation, element), made)
    larger = np.full((rng.randint(1, 60), rng.randint(1, 200), 3), 77, np.uint8)
    assert scaling.resize_nearest(picture, larger) == 0
    shape = (larger.shape[1], larger.shape[0])
    assert np.array_equal(cv2.resize(picture, shape, interpolation=cv2.INTER_NEAREST), larger)
