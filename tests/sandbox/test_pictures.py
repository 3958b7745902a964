"""OpenCV as a guest sees it: values as OpenCV gives them, and no arguments that it cannot take."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import single
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.dialect import MODULES
from sandbox.dialect.pictures import CV2, RESULTS
from sandbox.guards import Meter, OutOfFuel, OutOfMemory
from sandbox.guards.tokens import FrameToken
from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.passes import analyse
from sandbox.predeclared import Predeclared
from sandbox.predeclared.picture_rules import RULES

cv2 = pytest.importorskip("cv2")
FUNCTIONS = sorted(
    name for name, entry in CV2.items() if entry.kind == "function" and name != "imread"
)


def views() -> tuple[Meter, Callable[[str], Any]]:
    meter = Meter(Limits())
    predeclared = Predeclared(meter)
    return meter, lambda name: predeclared.get(f"$view cv2.{name}")


# --- values ---------------------------------------------------------------------------------------


def same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(
            one, other, equal_nan=one.dtype.kind == "f"
        )
    return bool(one == other)


@st.composite
def masks(draw: st.DrawFn) -> Any:
    """Masks of rectangles and noise."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    mask = np.zeros(shape, np.uint8)
    for _ in range(draw(st.integers(0, 5))):
        y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        mask[y : y + rng.integers(1, 12), x : x + rng.integers(1, 12)] = 255
    if draw(st.booleans()):
        mask[rng.random(shape) < 0.2] ^= 255
    return mask


@settings(max_examples=60, deadline=None)
@given(masks(), st.integers(0, 1 << 30))
def test_a_view_gives_what_opencv_gives(mask: Any, seed: int) -> None:
    meter, view = views()
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 256, (*mask.shape, 3)).astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        ("cvtColor", (frame, cv2.COLOR_RGB2HSV), {}),
        ("cvtColor", (frame, cv2.COLOR_BGR2GRAY), {}),
        ("inRange", (frame, (0, 40, 40), (179, 255, 255)), {}),
        ("findContours", (mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE), {}),
        ("morphologyEx", (mask, cv2.MORPH_CLOSE, kernel), {}),
        ("dilate", (mask, None), {"iterations": 2}),
        ("resize", (frame, (64, 48)), {"interpolation": cv2.INTER_AREA}),
        ("resize", (frame, None), {"fx": 2, "fy": 1.5}),
        ("threshold", (mask, 10, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU), {}),
        ("connectedComponentsWithStats", (mask,), {}),
        ("bitwise_and", (frame, frame), {"mask": mask}),
        ("absdiff", (frame, frame[::-1].copy()), {}),
        ("subtract", (frame, frame[:, ::-1].copy()), {}),
        ("countNonZero", (mask,), {}),
        ("findNonZero", (mask,), {}),
        ("moments", (mask,), {"binaryImage": True}),
        ("boundingRect", (mask,), {}),
        ("GaussianBlur", (frame, (5, 5), 0), {}),
        ("medianBlur", (frame, 3), {}),
        ("mean", (frame,), {"mask": mask}),
        ("norm", (frame, frame[::-1].copy()), {}),
        ("distanceTransform", (mask, cv2.DIST_L2, 5), {}),
        ("normalize", (frame, None, 0, 255, cv2.NORM_MINMAX), {}),
        ("Canny", (mask, 50, 150), {}),
        ("split", (frame,), {}),
    ]
    for name, args, named in calls:
        meter.left = Limits().fuel
        assert same(view(name)(*args, **named), getattr(cv2, name)(*args, **named)), name
    found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for contour in found:
        for name, args in (
            ("contourArea", (contour,)),
            ("arcLength", (contour, True)),
            ("approxPolyDP", (contour, 1.5, True)),
            ("boundingRect", (contour,)),
            ("convexHull", (contour,)),
            ("moments", (contour,)),
            ("pointPolygonTest", (contour, (3.0, 4.0), True)),
            ("minEnclosingCircle", (contour,)),
            ("minAreaRect", (contour,)),
            ("minEnclosingTriangle", (contour,)),
            ("isContourConvex", (contour,)),
        ):
            assert same(view(name)(*args), getattr(cv2, name)(*args)), name
    one, other = frame.copy(), frame.copy()
    view("drawContours")(one, found, -1, (255, 0, 0), -1)
    cv2.drawContours(other, found, -1, (255, 0, 0), -1)
    view("rectangle")(one, (1, 2), (9, 8), (0, 9, 0), 2)
    cv2.rectangle(other, (1, 2), (9, 8), (0, 9, 0), 2)
    assert np.array_equal(one, other)


def test_what_opencv_draws_by_chance_is_drawn_alike_each_time() -> None:
    """Points on a line are moved at random by `fitEllipse`; a frame has one answer all the same."""
    line = np.array([[k, 2 * k] for k in range(8)], np.int32)
    cv2.setRNGSeed(0)
    in_a_new_process = cv2.fitEllipse(line)
    assert cv2.fitEllipse(line) != in_a_new_process
    _, view = views()
    assert view("fitEllipse")(line) == view("fitEllipse")(line) == in_a_new_process


def test_an_error_of_opencv_is_the_same_error() -> None:
    _, view = views()
    with pytest.raises(cv2.error) as ours:
        view("cvtColor")(np.zeros((4, 4), np.uint8), cv2.COLOR_BGR2HSV)
    with pytest.raises(cv2.error) as theirs:
        cv2.cvtColor(np.zeros((4, 4), np.uint8), cv2.COLOR_BGR2HSV)
    assert str(ours.value) == str(theirs.value)


def test_an_error_of_opencv_can_be_caught() -> None:
    source = """
import cv2
import numpy as np

def reward():
    try:
        cv2.cvtColor(np.zeros((4, 4), np.uint8), cv2.COLOR_BGR2HSV)
    except cv2.error:
        return 2.0
    return 1.0
"""
    ended = single.run(source)
    assert (ended.outcome, ended.value) == (Outcome.OK, 2.0)


def test_a_constant_has_the_value_that_opencv_gives_it() -> None:
    _, view = views()
    for name, entry in CV2.items():
        if entry.kind == "constant":
            assert view(name) == getattr(cv2, name), name


# --- what does not exist ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        ("cv2.imwrite('x.png', obs)", "no files"),
        ("cv2.VideoCapture(0)", "no files"),
        ("cv2.imshow('x', obs)", "no output"),
        ("cv2.setNumThreads(4)", "the runtime decides"),
        ("cv2.getTickCount()", "no clock"),
        ("cv2.dnn", "colours and shapes"),
        ("cv2.HoughCircles(obs, 3, 1, 1)", "minEnclosingCircle"),
        ("cv2.findContour(obs, 0, 2)", "findContours"),
    ],
)
def test_what_there_is_not_is_refused_with_a_hint(call: str, hint: str) -> None:
    source = f"import cv2\n\ndef reward(obs):\n    return {call}\n"
    report = analyse(source.encode(), "p.py", Limits()).report
    assert [item.rule for item in report.errors] == ["SBX303"]
    assert hint in report.errors[0].hint


@pytest.mark.parametrize("call", ["cv2.bitwise_not(obs, obs)", "cv2.resize(obs, (4, 4), dst=obs)"])
def test_an_array_to_write_a_result_into_is_refused(call: str) -> None:
    source = f"import cv2\n\ndef reward(obs):\n    return {call}\n"
    (error,) = analyse(source.encode(), "p.py", Limits()).report.errors
    assert error.rule == "SBX404"
    assert "assign the result" in error.hint
    _, view = views()
    frame = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(TypeError, match="assign the result"):
        view("bitwise_not")(frame, frame)


def test_every_function_has_checks_and_a_price() -> None:
    assert set(RULES) == set(FUNCTIONS)
    _, view = views()
    for name in FUNCTIONS:
        assert callable(view(name))


def test_every_output_of_opencv_is_known_as_one() -> None:
    """`RESULTS` has the parameters where OpenCV writes; no entry has one of another name."""
    assert {"dst", "labels", "hull"} <= RESULTS
    for name, entry in MODULES["cv2"].items():
        if entry.kind == "function" and name not in ("drawContours", "normalize"):
            assert not set(entry.params[: entry.required]) & RESULTS, name


# --- prices and sizes ------------------------------------------------------------------------------


def test_the_contours_of_noise_are_paid_for() -> None:
    meter, view = views()
    rng = np.random.default_rng(0)
    plain = np.zeros((256, 256), np.uint8)
    noise = (rng.random((256, 256)) < 0.5).astype(np.uint8)
    spent = []
    for mask in (plain, noise):
        meter.left = Limits().fuel
        view("findContours")(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        spent.append(Limits().fuel - meter.left)
    assert spent[1] > 10 * spent[0]


def test_work_ends_with_the_fuel() -> None:
    meter, view = views()
    frame = np.zeros((256, 256, 3), np.uint8)

    def blur_for_ever() -> None:
        for _ in range(100_000):
            view("GaussianBlur")(frame, (15, 15), 0)

    with pytest.raises(OutOfFuel):
        blur_for_ever()
    assert meter.left < 0


def test_a_large_picture_is_refused_before_it_is_made() -> None:
    _, view = views()
    with pytest.raises(OutOfMemory):
        view("resize")(np.zeros((8, 8), np.uint8), (8_000, 8_000))


# --- tokens -----------------------------------------------------------------------------------------------


def test_a_token_is_read_as_bgr_and_keeps_its_frame() -> None:
    _, view = views()
    frame = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    token = FrameToken(frame)
    kept = frame.copy()
    frame[...] = 0
    first = view("imread")(token)
    assert np.array_equal(first, kept[:, :, ::-1])
    first[...] = 9
    assert np.array_equal(view("imread")(token), kept[:, :, ::-1])
    assert view("imread")(token, cv2.IMREAD_GRAYSCALE).shape == (4, 4)


def test_any_other_path_reads_as_none() -> None:
    _, view = views()
    assert view("imread")("frame.png") is None
    assert view("imread")(__file__) is None


# --- hostile arguments --------------------------------------------------------------------------------


def _picture(rng: random.Random) -> Any:
    shape: tuple[int, ...] = tuple(rng.choice([0, 1, 2, 7, 33]) for _ in range(2))
    if rng.random() < 0.6:
        shape = (*shape, rng.choice([1, 2, 3, 3, 3, 4, 5]))
    numbers = np.random.default_rng(rng.randrange(1 << 30))
    kinds = "uint8 uint8 uint8 int8 uint16 int16 int32 float32 float64 int64 bool float16 uint32"
    array = numbers.integers(0, 256, shape).astype(rng.choice(kinds.split()))
    if array.dtype.kind == "f" and array.size and rng.random() < 0.4:
        array.flat[0] = rng.choice([np.nan, np.inf, -np.inf, 1e30])
    return array[::-1] if rng.random() < 0.1 else array


def _points(rng: random.Random) -> Any:
    numbers = np.random.default_rng(rng.randrange(1 << 30))
    count, most = rng.choice([0, 1, 2, 4, 6, 40]), rng.choice([1, 9, 400, 1 << 20, 1 << 30])
    array = numbers.integers(-most, most, (count, 2))
    array = array.astype(rng.choice(["int32", "int32", "float32", "float64", "int64"]))
    if array.dtype.kind == "f" and count and rng.random() < 0.4:
        array.flat[-1] = rng.choice([np.nan, np.inf, 1e38])
    return array.reshape(-1, 1, 2) if rng.random() < 0.6 else array


_NUMBERS = (0, 1, 2, 3, 4, 5, 7, 8, -1, -2, 31, 255, 256, 1001, 2**31 - 1, -(2**31), 0.5, 1e300)
_PAIRS = ((0, 0), (3, 3), (5, 1), (-1, -1), (64, 64), (100_001, 3), (2**31 - 1, 1), (1.5, 2.5))


def _argument(name: str, rng: random.Random) -> Any:
    """Draw what is nearly right more often than not."""
    if rng.random() < 0.1:
        return rng.choice([None, (), [], "text", float("nan"), {}, (1, 2, 3, 4, 5)])
    if name in ("src", "src1", "src2", "image", "img", "templ", "m", "mask", "array", "lut"):
        return _picture(rng) if name != "array" or rng.random() < 0.5 else _points(rng)
    if name in ("contour", "curve", "points", "contour1", "contour2", "convexhull"):
        return _points(rng)
    if name in ("contours", "pts", "mv"):
        return [_points(rng) if name != "mv" else _picture(rng) for _ in range(rng.randrange(4))]
    if name in ("ksize", "dsize", "anchor", "pt", "pt1", "pt2", "center", "axes"):
        return rng.choice(_PAIRS)
    if name in ("lowerb", "upperb", "color", "value", "borderValue"):
        return rng.choice([(0, 0, 0), (255, 255, 255), 7, np.array([1, 2, 3]), (1e300, 0, 0)])
    if name == "kernel":
        return rng.choice([None, np.ones((3, 3), np.uint8), _picture(rng)])
    if name == "hierarchy":
        return rng.choice([None, np.array([[[1, -1, -1, -1], [0, -1, -1, -1]]], np.int32)])
    return rng.choice(_NUMBERS)


def throw(draws: int) -> None:
    """Hand arguments drawn at random to every function; a crash or a hang ends this process."""
    meter, view = views()
    for name in FUNCTIONS:
        call = view(name)
        params = [
            param for param in CV2[name].params if param not in RESULTS or name == "normalize"
        ]
        for number in range(draws):
            rng = random.Random(f"{name} {number}")
            count = max(CV2[name].required, rng.randrange(len(params) + 1))
            named = {param: _argument(param, rng) for param in params[:count]}
            meter.left = 200_000
            try:
                call(**named)
            except (cv2.error, TypeError, ValueError, OverflowError, OutOfFuel, OutOfMemory):
                continue


def test_no_arguments_bring_opencv_down() -> None:
    tests = str(Path(__file__).parent.parent)
    here = str(Path(__file__).parent)
    command = (
        f"import sys; sys.path[:0] = [{tests!r}, {here!r}]; "
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)); "
        "import test_pictures; test_pictures.throw(80); print('alive')"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.endswith("alive\n"), (done.returncode, done.stderr[-2000:])
