"""OpenCV in a locked worker: nothing it does for the first time there needs a file or a thread."""

from __future__ import annotations

import numpy as np
import pytest
import vision_reader

import carruntime as car
import sandbox.opencv
from sandbox.dialect.pictures import CV2
from sandbox.outcome import Outcome

EVERYTHING = """
import cv2
import numpy as np


def reward(frame):
    big = cv2.resize(frame, (800, 600), interpolation=cv2.INTER_LINEAR)
    for how in (cv2.INTER_NEAREST, cv2.INTER_AREA, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4):
        cv2.resize(big, (320, 240), interpolation=how)
    gray = cv2.cvtColor(big, cv2.COLOR_RGB2GRAY)
    for code in (cv2.COLOR_RGB2HSV, cv2.COLOR_RGB2LAB, cv2.COLOR_RGB2HLS, cv2.COLOR_RGB2YCrCb):
        cv2.cvtColor(big, code)
        cv2.cvtColor(big.astype(np.float32) / 255.0, code)
    hsv = cv2.cvtColor(big, cv2.COLOR_RGB2HSV)
    cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    mask = cv2.inRange(hsv, (0, 40, 40), (179, 255, 255))
    _, binary = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_TRIANGLE)
    cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 11, 2)
    for pair in ((big, big), (gray, mask)):
        cv2.bitwise_and(pair[0], pair[1]), cv2.bitwise_or(pair[0], pair[1])
        cv2.bitwise_xor(pair[0], pair[1]), cv2.absdiff(pair[0], pair[1])
        cv2.max(pair[0], pair[1]), cv2.min(pair[0], pair[1]), cv2.add(pair[0], pair[1])
        cv2.subtract(pair[0], pair[1]), cv2.multiply(pair[0], pair[1]), cv2.divide(pair[0], pair[1])
        cv2.addWeighted(pair[0], 0.5, pair[1], 0.5, 0)
    cv2.compare(gray, mask, cv2.CMP_GT), cv2.bitwise_not(mask), cv2.equalizeHist(gray)
    cv2.convertScaleAbs(gray, alpha=2.0), cv2.normalize(gray, None, 0, 255, cv2.NORM_MINMAX)
    cv2.LUT(gray, np.arange(256).astype(np.uint8))
    cv2.merge(cv2.split(big)), cv2.extractChannel(big, 1), cv2.flip(big, 1), cv2.transpose(big)
    cv2.rotate(big, cv2.ROTATE_90_CLOCKWISE), cv2.hconcat([big, big]), cv2.vconcat([big, big])
    cv2.copyMakeBorder(big, 1, 2, 3, 4, cv2.BORDER_REFLECT)
    cv2.countNonZero(mask), cv2.findNonZero(mask), cv2.mean(big), cv2.meanStdDev(big)
    cv2.sumElems(big), cv2.minMaxLoc(gray), cv2.norm(big), cv2.norm(gray, mask, cv2.NORM_L1)
    for size in (3, 5, 15):
        cv2.GaussianBlur(big, (size, size), 0), cv2.blur(big, (size, size)), cv2.medianBlur(gray, size)
    cv2.bilateralFilter(frame, 5, 40, 40), cv2.filter2D(big, -1, np.ones((3, 3)) / 9)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    for op in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE, cv2.MORPH_GRADIENT, cv2.MORPH_TOPHAT):
        cv2.morphologyEx(mask, op, kernel)
    cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=2), cv2.dilate(big, kernel)
    cv2.Sobel(gray, cv2.CV_64F, 1, 0), cv2.Laplacian(gray, cv2.CV_64F), cv2.Canny(gray, 50, 150)
    for method in range(6):
        cv2.matchTemplate(frame, frame[:20, :20].copy(), method)
    cv2.distanceTransform(mask, cv2.DIST_L2, 5), cv2.distanceTransform(mask, cv2.DIST_L1, 3)
    cv2.connectedComponents(mask), cv2.connectedComponentsWithStats(mask)
    cv2.moments(mask), cv2.HuMoments(cv2.moments(mask)), cv2.boundingRect(mask)
    total = 0.0
    for mode in (cv2.RETR_EXTERNAL, cv2.RETR_LIST, cv2.RETR_CCOMP, cv2.RETR_TREE):
        for method in (cv2.CHAIN_APPROX_NONE, cv2.CHAIN_APPROX_SIMPLE):
            contours, tree = cv2.findContours(binary, mode, method)
    canvas = np.zeros_like(big)
    for contour in contours:
        if len(contour) < 5:
            continue
        hull = cv2.convexHull(contour)
        cv2.convexityDefects(contour, cv2.convexHull(contour, returnPoints=False))
        cv2.arcLength(contour, True), cv2.approxPolyDP(contour, 2.0, True), cv2.moments(contour)
        cv2.pointPolygonTest(contour, (5.0, 5.0), True), cv2.isContourConvex(hull)
        cv2.minEnclosingCircle(contour), cv2.minEnclosingTriangle(contour), cv2.fitEllipse(contour)
        cv2.boxPoints(cv2.minAreaRect(contour)), cv2.boundingRect(contour)
        cv2.fitLine(contour, cv2.DIST_L2, 0, 0.01, 0.01), cv2.matchShapes(contour, hull, 1, 0.0)
        cv2.fillPoly(canvas, [contour], (9, 9, 9)), cv2.fillConvexPoly(canvas, hull, (1, 1, 1))
        cv2.polylines(canvas, [contour], True, (1, 2, 3))
        total += cv2.contourArea(contour)
    cv2.drawContours(canvas, contours, -1, (255, 0, 0), 2)
    cv2.rectangle(canvas, (1, 1), (9, 9), (0, 0, 9), -1), cv2.line(canvas, (0, 0), (99, 50), (1, 1, 1), 3)
    cv2.circle(canvas, (50, 50), 20, (1, 1, 1), -1, cv2.LINE_AA)
    cv2.ellipse(canvas, (50, 50), (20, 10), 30, 0, 360, (1, 1, 1), 2)
    if cv2.imread("nothing.png") is not None:
        return -1.0
    try:
        cv2.cvtColor(mask, cv2.COLOR_BGR2HSV)
    except cv2.error:
        total += 1.0
    return total
"""


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_every_function_runs_in_a_locked_worker(isolation: str) -> None:
    pytest.importorskip("cv2")
    names = [name for name, entry in CV2.items() if entry.kind == "function"]
    assert [name for name in names if f"cv2.{name}(" not in EVERYTHING] == []
    frame = vision_reader.frames_of("doorkey8_16px")[:1]
    program = car.load(
        EVERYTHING,
        spaces=vision_reader.SPACES,
        frame=frame.shape[1:],
        tier="interpreted",
        limits=car.Limits(fuel=1_000_000_000),
        isolation=isolation,  # type: ignore[arg-type]
    )
    with program.start(1, on_error="nan") as session:
        session.reset()
        batch = session.step(frame=frame)
    assert Outcome(int(batch.outcome[0])) is Outcome.OK, batch.failure(0)
    assert batch.reward[0] > 1.0
    program.close()


def test_without_opencv_a_program_is_refused_and_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sandbox.assemble.opencv", lambda: None)
    report = car.check(
        "import cv2\n\ndef reward(frame):\n    return cv2.countNonZero(frame[:, :, 0])\n",
        spaces=vision_reader.SPACES,
        frame=(8, 8, 3),
        isolation="none",
    )
    (error,) = report.errors
    assert error.rule == "SBX706"
    assert "pip install 'carruntime[vision]'" in error.hint
    assert error.span is not None


def test_a_program_without_frames_needs_no_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.assemble.opencv", lambda: None)
    report = car.check(
        "def reward(frame):\n    return float(frame.mean())\n",
        spaces=vision_reader.SPACES,
        frame=(8, 8, 3),
        isolation="none",
    )
    assert report.ok


def test_the_number_of_threads_of_the_host_is_left_alone() -> None:
    cv2 = pytest.importorskip("cv2")
    before = cv2.getNumThreads()
    program = car.load(
        "import cv2\n\ndef reward(frame):\n    return float(cv2.mean(frame)[0])\n",
        spaces=vision_reader.SPACES,
        frame=(8, 8, 3),
        tier="interpreted",
        isolation="none",
    )
    with program.start(1) as session:
        session.reset()
        session.step(frame=np.zeros((8, 8, 3), np.uint8))
    assert cv2.getNumThreads() == before
    program.close()


def test_a_text_without_the_name_is_known_without_reading_it() -> None:
    assert sandbox.opencv.is_named_in(b"from cv2 import resize")
    assert not sandbox.opencv.is_named_in(b"import numpy as np")
