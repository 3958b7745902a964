"""What models get wrong about OpenCV is found in the text."""

from __future__ import annotations

import pytest
import vision_reader

import carruntime as car

HEAD = "import cv2\nimport numpy as np\n\n\n"


def rules(source: str, **options: object) -> list[str]:
    report = car.check(
        HEAD + source,
        spaces=vision_reader.SPACES,
        frame=(40, 40, 3),
        **options,  # type: ignore[arg-type]
    )
    assert report.ok, report.render()
    # The head imports what not every program uses.
    return [item.rule for item in report.findings if item.rule != "SBX602"]


FIND = "cv2.findContours(frame[:, :, 0].copy(), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)"


@pytest.mark.parametrize(
    ("body", "want"),
    [
        (f"_, contours, _ = {FIND}\n    return float(len(contours))", ["SBX650"]),
        (f"contours, _ = {FIND}\n    return float(len(contours))", []),
        (
            f"found = {FIND}\n    return cv2.contourArea(max(found, key=cv2.contourArea))",
            ["SBX652"],
        ),
        (
            f"contours, _ = {FIND}\n    return cv2.contourArea(max(contours, key=cv2.contourArea))",
            ["SBX651"],
        ),
        (f"contours = {FIND}[0]\n    return cv2.contourArea(contours[0])", ["SBX651"]),
        (
            (
                f"contours, _ = {FIND}\n    if not contours:\n        return 0.0\n"
                "    return cv2.contourArea(max(contours, key=cv2.contourArea))"
            ),
            [],
        ),
        (
            (
                f"contours, _ = {FIND}\n"
                "    return max([cv2.contourArea(c) for c in contours], default=0.0)"
            ),
            [],
        ),
        (
            (
                "points = cv2.findNonZero(frame[:, :, 0].copy())\n"
                "    return 0.0 if points is None else float(points[0][0])"
            ),
            ["SBX653"],
        ),
        (
            (
                "points = cv2.findNonZero(frame[:, :, 0].copy())\n"
                "    return 0.0 if points is None else float(points.reshape(-1, 2)[0][0])"
            ),
            [],
        ),
        (
            (
                "c = np.array([[0, 0], [9, 0], [5, 2], [9, 9]], dtype=np.int32)\n"
                "    defects = cv2.convexityDefects(c, cv2.convexHull(c, returnPoints=False))\n"
                "    return float(defects[0, 0, 3])"
            ),
            ["SBX653"],
        ),
        (
            (
                "area, corners = cv2.minEnclosingTriangle(np.array([[0, 0], [9, 0], [5, 2]]))\n"
                "    return area + float(corners[0][0][0])"
            ),
            ["SBX653"],
        ),
        (
            (
                "area, corners = cv2.minEnclosingTriangle(np.array([[0, 0], [9, 0], [5, 2]]))\n"
                "    return area"
            ),
            [],
        ),
    ],
)
def test_results_that_are_taken_wrongly(body: str, want: list[str]) -> None:
    assert rules(f"def reward(frame):\n    {body}\n") == want


@pytest.mark.parametrize(
    ("low", "high", "want"),
    [
        ("(200, 50, 50)", "(240, 255, 255)", ["SBX654", "SBX654"]),
        ("(110, 50, 50)", "(240, 255, 255)", ["SBX654"]),
        ("np.array([0, 50, 50])", "np.array([179, 255, 255])", []),
        ("(170, 50, 50)", "(180, 255, 255)", []),
    ],
)
def test_hues_beyond_the_end_of_the_scale(low: str, high: str, want: list[str]) -> None:
    source = (
        "def reward(frame):\n    hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)\n"
        f"    return float(cv2.countNonZero(cv2.inRange(hsv, {low}, {high})))\n"
    )
    assert rules(source) == want


SWAPPED = """
def seen(image):
    small = cv2.resize(image, (20, 20))
    return cv2.countNonZero(cv2.cvtColor(small[2:9], cv2.COLOR_{code})[:, :, 0])


def reward(frame, initial_frame):
    return float(seen(frame) - seen(initial_frame.copy()))
"""


@pytest.mark.parametrize(
    ("code", "order", "want"),
    [
        ("BGR2HSV", "rgb", ["SBX655"]),
        ("RGB2HSV", "rgb", []),
        ("RGB2HSV", "bgr", ["SBX655"]),
        ("BGR2HSV", "bgr", []),
        ("RGB2BGR", "bgr", []),
    ],
)
def test_channels_in_the_other_order(code: str, order: str, want: list[str]) -> None:
    assert rules(SWAPPED.format(code=code), frame_order=order) == want


def test_a_frame_that_is_turned_round_first_is_right() -> None:
    source = (
        "def reward(frame):\n    image = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)\n"
        "    other = frame[:, :, ::-1].copy()\n"
        "    a = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)\n"
        "    b = cv2.cvtColor(other, cv2.COLOR_BGR2HSV)\n"
        "    return float(a.mean() + b.mean())\n"
    )
    assert rules(source) == []


def test_a_path_reads_as_bgr_whatever_the_frames_are() -> None:
    source = (
        "def reward(image_path):\n    image = cv2.imread(image_path)\n"
        "    return float(cv2.cvtColor(image, cv2.COLOR_RGB2HSV).mean())\n"
    )
    assert rules(source) == ["SBX655"]


def test_frames_subtracted_wrap() -> None:
    source = "def reward(frame, initial_frame):\n    return float(np.abs(frame - initial_frame).mean())\n"
    assert rules(source) == ["SBX610"]


def test_nothing_is_said_of_a_program_without_opencv() -> None:
    assert rules("def reward(frame):\n    return float(frame.mean())\n") == []
