"""Programs that look at pictures: machine code against plain CPython with real OpenCV.

Images are drawn: noise, rectangles, single pixels, nothing at all. What a program computes of them has
to come out alike to the last bit, and to cost the same fuel as in the interpreted tier.
"""

from __future__ import annotations

import ast
from typing import Any

import both
import numpy as np
import pytest
import vision_reader
from numpy.typing import NDArray

from sandbox import opencv
from sandbox.assemble import outputs_for
from sandbox.kernels import names_for, picture_code
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.pictures import KERNELS
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.tiers.base import Runner, TierReason
from sandbox.tiers.compiled import compile_program, load_program, outlines, pictures
from sandbox.tiers.compiled.cv2_names import CONSTANTS, OF_OPENCV_4
from sandbox.tiers.compiled.links import has_kernel, offer, signature_of
from sandbox.tiers.compiled.runner import CompiledRunner
from sandbox.tiers.interpreted import InterpretedRunner

cv2 = pytest.importorskip("cv2")

HEAD = "import cv2\nimport numpy as np\n\n\n"
HEIGHT, WIDTH = 40, 56
LIMITS = Limits(fuel=50_000_000)


def drawn(rows: int = 12, seed: int = 0) -> NDArray[np.uint8]:
    """Draw pictures of rectangles in few colours, some with noise, some empty."""
    rng = np.random.default_rng(seed)
    pictures = np.zeros((rows, HEIGHT, WIDTH, 3), np.uint8)
    for k, picture in enumerate(pictures):
        for _ in range(k % 5):
            y, x = rng.integers(0, HEIGHT - 4), rng.integers(0, WIDTH - 4)
            h, w = rng.integers(2, 16, 2)
            picture[y : y + h, x : x + w] = rng.choice(
                [[255, 0, 0], [0, 255, 0], [255, 255, 0], [0, 0, 255], [120, 120, 120]]
            )
    pictures[-1] = rng.integers(0, 256, pictures[-1].shape)
    pictures[-2] = 255
    return pictures


def body(text: str) -> str:
    """Make a program of the lines of a reward."""
    lines = "\n".join(f"    {line}" for line in text.strip().splitlines())
    return f"{HEAD}def reward(frame):\n{lines}\n"


MASK = """\
hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)
mask = cv2.inRange(hsv, np.array([0, 100, 100]), np.array([70, 255, 255]))
contours, hierarchy = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
"""

SOURCES = {
    "colours": body(
        """
gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
hsv = cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV)
red = cv2.inRange(hsv, (0, 80, 80), (10, 255, 255))
green = cv2.inRange(frame, np.array([0, 200, 0]), np.array([90, 255, 90]))
both = cv2.bitwise_or(red, green)
rest = cv2.bitwise_and(cv2.bitwise_not(both), cv2.inRange(gray, 50, 200))
_, binary = cv2.threshold(gray, 90.5, 255, cv2.THRESH_BINARY)
r, g, b = cv2.split(frame)
apart = cv2.absdiff(r, g)
return (cv2.countNonZero(red) + 3 * cv2.countNonZero(both) + 7 * cv2.countNonZero(rest)
        + float(binary.mean()) + int(hsv.sum()) + int(apart.sum()) + int((b > r).sum()))
"""
    ),
    "contours": body(
        MASK
        + """
total = 0.0
for k, contour in enumerate(contours):
    x, y, w, h = cv2.boundingRect(contour)
    M = cv2.moments(contour)
    total += cv2.contourArea(contour) + 0.5 * cv2.arcLength(contour, True) + x + 2 * y + w * h
    if M["m00"] > 0:
        total += M["m10"] / M["m00"] + M["mu20"]
    total += len(contour) + contour[0][0][1] + contour[:, 0, 0].max() + contour.reshape(-1, 2).sum()
    if hierarchy[0][k][3] == -1:
        total += 1000.0
return float(total)
"""
    ),
    "chosen": body(
        MASK
        + """
large = [c for c in contours if cv2.contourArea(c) > 12]
if not large:
    return -1.0
ordered = sorted(large, key=cv2.contourArea, reverse=True)
best = max(large, key=cv2.contourArea)
centers = []
for c in ordered:
    approx = cv2.approxPolyDP(c, 0.04 * cv2.arcLength(c, True), True)
    if len(approx) == 4 and cv2.isContourConvex(approx):
        centers.append(tuple(c.reshape(-1, 2).mean(axis=0)))
inside = sum(cv2.pointPolygonTest(best, (float(x), float(y)), False) >= 0 for x, y in centers)
(cx, cy), radius = cv2.minEnclosingCircle(best)
return float(len(ordered) + 10 * inside + cx + cy + radius)
"""
    ),
    "windows": body(
        MASK
        + """
if len(contours) == 0:
    return 0.0
x, y, w, h = cv2.boundingRect(contours[-1])
patch = frame[y:y + h, x:x + w]
part = mask[y:y + h, x:x + w]
colour = patch.astype(int)
near = np.all(np.abs(colour - np.array([255, 0, 0])) < 60, axis=-1)
ys, xs = np.where(part > 0)
gray = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
wide = frame[max(y - 3, 0):y + h + 3, x - 2:x + w]
copy = mask.copy()
copy[y:y + 2, x:x + w] = 7
return float(near.sum() + part.mean() + xs.mean() + ys.max() + gray.max() + wide.shape[1]
             + np.median(patch[:, :, 0]) + cv2.countNonZero(part[1:]) + int(copy.sum())
             + (patch[..., 1] > patch[..., 0]).mean() + len(np.argwhere(near)))
"""
    ),
    "regions": body(
        """
red = (frame[:, :, 0] > 150) & (frame[:, :, 1] < 100)
n, labels, stats, centroids = cv2.connectedComponentsWithStats(red.astype(np.uint8), connectivity=4)
blobs = []
for i in range(1, n):
    if stats[i, cv2.CC_STAT_AREA] >= 3:
        blobs.append({"area": int(stats[i, cv2.CC_STAT_AREA]), "at": tuple(centroids[i])})
kernel = np.ones((3, 3), np.uint8)
closed = cv2.morphologyEx(red.astype(np.uint8) * 255, cv2.MORPH_CLOSE, kernel)
wide = cv2.dilate(closed, kernel, iterations=2)
if not blobs:
    return float(cv2.countNonZero(wide))
largest = max(blobs, key=lambda blob: blob["area"])
points = cv2.findNonZero(wide)
return float(largest["area"] + largest["at"][0] + (labels == n - 1).sum() + points.mean()
             + sum(blob["area"] for blob in blobs))
"""
    ),
    "sizes": body(
        """
small = cv2.resize(frame, (23, 17), interpolation=cv2.INTER_AREA)
tiny = cv2.resize(frame[:, :, 1].copy(), (14, 10), interpolation=cv2.INTER_AREA)
wide = cv2.resize(frame, (90, 50))
half = cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_NEAREST)
return float(small.sum() + 3 * int(tiny[3, 4]) + 5 * int(wide.sum()) + 7 * int(half.sum()))
"""
    ),
    "enclosing": body(
        MASK
        + """
total = 0.0
for c in contours:
    area, corners = cv2.minEnclosingTriangle(c)
    total += area + float(corners.sum()) + corners.reshape(-1, 2)[2, 0] + len(corners)
    if len(c) >= 8 and cv2.contourArea(c) > 30:
        (x, y), (w, h), angle = cv2.fitEllipse(c)
        total += x + 2 * y + 3 * w + 5 * h + 7 * angle
    box = cv2.minAreaRect(c)
    total += box[0][0] + box[1][1] + cv2.boxPoints(box)[1, 1]
low = 12 + int(frame[0, 0, 0]) // 99
pairs = np.array([[0, 5], [4, 1], [9, 0], [15, 3], [16, 8], [8, low], [1, 9]], dtype=np.int32)
return float(total + sum(cv2.fitEllipse(pairs)[1]))
"""
    ),
    "numpy": body(
        """
f = frame.astype(np.float32)
distance = np.linalg.norm(f - np.array([255, 0, 0], dtype=np.float32), axis=2)
where = np.column_stack(np.where(distance < 60))
r, g, b = (frame[:, :, i].astype(int) for i in range(3))
strip = ((r - g > 80) & (r - b > 80))[:, 10:30]
if len(where) == 0:
    return float(strip.sum()) + float(np.array_equal(frame, frame[..., ::-1]))
low, high = where.min(axis=0), where.max(axis=0)
cy, cx = where.mean(axis=0)
return float(low[0] + 2 * high[1] + cy + cx + strip.sum() + np.median(where[:, 1]))
"""
    ),
}
"""Programs by what they are about."""

ERRORS = {
    "the largest of no contour": body(MASK + "return cv2.contourArea(max(contours, key=cv2.contourArea))"),
    "a contour that is not there": body(MASK + "return cv2.contourArea(contours[3])"),
    "a pixel outside": body(MASK + "x, y, w, h = cv2.boundingRect(mask)\nreturn float(mask[y + h, x + w])"),
    "a list for bounds": body("return float(cv2.inRange(frame, [0, 0, 0], [9, 9, 9]).sum())"),
    "a whole number of NumPy's for a point": body(
        MASK
        + """
if not contours:
    return 0.0
return float(cv2.pointPolygonTest(contours[0], tuple(contours[0][0][0]), False))
"""
    ),
    "the centre of nothing": body(
        MASK + "M = cv2.moments(mask, binaryImage=True)\nreturn M['m10'] / M['m00']"
    ),
}  # fmt: skip
"""Programs that raise on some of the pictures."""


def prepared(source: str) -> str:
    """Have the kernels of a program compiled once for all tests."""
    offer(picture_code(source.encode()))
    return source


@pytest.mark.parametrize("name", SOURCES)
def test_a_program_gives_what_opencv_gives(name: str) -> None:
    for seed in range(2):
        both.check(prepared(SOURCES[name]), {"frame": drawn(seed=seed)}, ulps=8, limits=LIMITS)


@pytest.mark.parametrize("name", ERRORS)
def test_a_row_raises_where_opencv_and_python_raise(name: str) -> None:
    columns = {"frame": drawn()}
    source = prepared(ERRORS[name])
    got = both.compiled(source, columns, frozenset(), LIMITS)
    want = both.plain(source, columns, frozenset())
    assert any(row.error for row in want)
    assert [row.error for row in got] == [row.error for row in want]
    assert all(both.same(g, w) for g, w in zip(got, want, strict=True))


def plan_for(frames: NDArray[np.uint8]) -> Plan:
    spec = ArraySpec(shape=frames.shape[1:], dtype="uint8", low=0, high=255)
    return Plan(
        schema=Schema((("frame", spec),)), reward=Call("reward", (Param("frame", "frame"),))
    )


def ran(runner: Runner, frames: NDArray[np.uint8], plan: Plan) -> Any:
    outputs = outputs_for(len(frames), plan, 0)
    runner.bind(len(frames), {"frame": frames}, outputs)
    outputs.outcome[:] = PENDING
    runner.step()
    return outputs


def machine_code(source: str, plan: Plan, limits: Limits = LIMITS) -> CompiledRunner:
    made = compile_program(ast.parse(prepared(source)), plan, limits, source)
    assert not isinstance(made, TierReason), made
    return made


@pytest.mark.parametrize("name", SOURCES)
def test_both_tiers_charge_the_same_fuel(name: str) -> None:
    frames = drawn(seed=3)
    plan = plan_for(frames)
    source = SOURCES[name]
    got = ran(machine_code(source, plan), frames, plan)
    interpreted = InterpretedRunner(ast.parse(source), source, plan, LIMITS)
    want = ran(interpreted, frames, plan)
    assert got.outcome.tolist() == want.outcome.tolist()
    assert got.fuel.tolist() == want.fuel.tolist()


def test_a_row_that_is_too_dear_runs_out_of_fuel_and_others_do_not() -> None:
    frames = drawn()
    plan = plan_for(frames)
    source = SOURCES["contours"]
    dear = ran(machine_code(source, plan), frames, plan).fuel
    limits = Limits(fuel=int(np.sort(dear)[-2]))
    outcome = ran(machine_code(source, plan, limits), frames, plan).outcome
    assert (outcome == Outcome.OUT_OF_FUEL).tolist() == (dear > limits.fuel).tolist()


def test_machine_code_is_loaded_again_with_its_kernels() -> None:
    frames = drawn()
    plan = plan_for(frames)
    made = machine_code(SOURCES["contours"], plan)
    code = made.freeze()
    assert code is not None
    again = load_program(code, plan, LIMITS)
    assert again is not None
    first, second = ran(made, frames, plan).reward.copy(), ran(again, frames, plan).reward
    assert first.tolist() == second.tolist()


def test_a_range_test_of_a_conversion_is_one_sweep_and_its_count_none() -> None:
    source = body(
        """
hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)
first = cv2.inRange(hsv, (0, 80, 80), (10, 255, 255))
again = cv2.inRange(cv2.cvtColor(frame, cv2.COLOR_RGB2HSV), (0, 80, 80), (10, 255, 255))
return float(cv2.countNonZero(first) + cv2.countNonZero(again))
"""
    )
    core = machine_code(source, plan_for(drawn())).core_text
    assert core.count("in_range_hsv(") == 1
    assert "hsv_from_colour(" not in core
    assert "count_non_zero(" not in core


def test_what_is_only_drawn_for_people_is_not_drawn() -> None:
    source = body(
        """
picture = frame.copy()
cv2.rectangle(picture, (2, 2), (9, 9), (0, 255, 0), 1)
return float(frame[3, 3, 1])
"""
    )
    assert "rectangle(" not in machine_code(source, plan_for(drawn())).core_text


def test_what_is_drawn_is_seen() -> None:
    source = body(
        """
mask = np.zeros(frame.shape[:2], dtype=np.uint8)
cv2.rectangle(mask, (2, 3), (9, 12), 200, -1)
cv2.rectangle(frame, (2, 3), (9, 12), (1, 2, 3), 1)
return float(mask.sum() + frame.sum())
"""
    )
    both.check(prepared(source), {"frame": drawn()}, limits=LIMITS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("return float(cv2.Canny(frame, 50, 150).sum())", "CMP407"),
        (
            "return float(cv2.distanceTransform(frame[:, :, 0].copy(), cv2.DIST_L2, 5).sum())",
            "CMP530",
        ),
        ("return float(cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).sum())", "CMP530"),
        ("return float(cv2.countNonZero(frame[:, :, 0] > 5))", "CMP531"),
        ("part = frame[frame[0, 0, 0]:, 3:]\npart[0, 0] = 5\nreturn float(part.sum())", "CMP533"),
    ],
)
def test_what_is_not_taken_has_a_reason(text: str, told: str) -> None:
    reason = compile_program(ast.parse(body(text)), plan_for(drawn()), LIMITS, body(text))
    assert isinstance(reason, TierReason)
    assert reason.code == told


def test_constants_are_those_of_the_installed_opencv() -> None:
    found = {name: getattr(cv2, name) for name in CONSTANTS if hasattr(cv2, name)}
    known = {**CONSTANTS, **OF_OPENCV_4} if opencv.installed()[0] == 4 else CONSTANTS
    assert found == {name: known[name] for name in found}
    assert len(found) > 100


def test_the_installed_opencv_is_one_that_the_kernels_were_compared_with() -> None:
    assert opencv.installed()[:2] in opencv.COMPARED
    assert cv2.__version__.startswith(".".join(map(str, opencv.installed()[:2])))


@pytest.mark.parametrize("version", [(4, 9, 0), (5, 1, 0), (6, 0, 0), ()])
def test_another_opencv_runs_itself(
    version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the kernels is used, and the reason names the release."""
    monkeypatch.setattr(pictures, "installed", lambda: version)
    source = SOURCES["contours"]
    reason = compile_program(ast.parse(source), plan_for(drawn()), LIMITS, source)
    assert isinstance(reason, TierReason)
    assert reason.code == "CMP534"
    assert (".".join(map(str, version)) or "unknown") in str(reason)


def test_a_function_that_an_opencv_does_otherwise_runs_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "installed", lambda: (4, 13, 0))
    around = body(MASK + "return float(cv2.minEnclosingCircle(contours[0])[1])")
    reason = compile_program(ast.parse(around), plan_for(drawn()), LIMITS, around)
    assert isinstance(reason, TierReason)
    assert (reason.code, "cv2.minEnclosingCircle with OpenCV 4.13.0" in str(reason)) == (
        "CMP534",
        True,
    )
    area = prepared(body(MASK + "return sum(cv2.contourArea(c) for c in contours)"))
    made = compile_program(ast.parse(area), plan_for(drawn()), LIMITS, area)
    assert not isinstance(made, TierReason)


def test_what_the_compared_releases_do_otherwise_are_functions_with_kernels() -> None:
    assert set().union(*opencv.COMPARED.values()) <= set(KERNELS)


def test_constants_and_shapes_of_opencv_4_are_those_of_opencv_4(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (pictures, outlines):
        monkeypatch.setattr(module, "installed", lambda: (4, 14, 0))
    source = body(
        """
mask = cv2.inRange(frame, (1, 0, 0), (255, 255, 255))
points = cv2.findNonZero(mask)
if points is None:
    return 0.0
area, corners = cv2.minEnclosingTriangle(points)
return float(cv2.CV_8UC3 + 100 * points.ndim + 1000 * corners.ndim)
"""
    )
    frames = drawn()
    plan = plan_for(frames)
    found = ran(machine_code(source, plan), frames, plan)
    assert set(found.reward.tolist()) == {0.0, 3316.0}


def test_every_kernel_a_source_may_need_is_known() -> None:
    words = " ".join(["cv2", *CONSTANTS, "inRange cvtColor findContours convexHull GaussianBlur"])
    names = names_for(words.encode())
    assert {"in_range_hsv", "find_contours", "cost.sort", "plane"} <= set(names)
    assert all(has_kernel(name) for name in names)
    assert signature_of("contour_area").args == (("i32", 2), ("b1", 0))
    assert signature_of("contour_area#f32").args == (("f32", 2), ("b1", 0))


CORPUS = (
    "doorkey8_hsv_tasks",
    "doorkey8_components_32px",
    "unlockpickup_tracker",
    "lavagap_cross_tasks",
)


@pytest.mark.parametrize("name", CORPUS)
def test_programs_of_the_corpus_compile_and_match(name: str) -> None:
    """All of them are run by ``python -m benchmarks pictures``."""
    case = vision_reader.case(name)
    with_code = case.load("compiled")
    assert with_code.tier == "compiled"
    assert case.differences(with_code) == []
