"""The corpus of picture programs through the public names, against plain CPython with OpenCV."""

from __future__ import annotations

import pytest
import vision_reader

pytest.importorskip("cv2")


@pytest.mark.parametrize("name", vision_reader.NAMES)
def test_a_picture_program_gives_what_opencv_gives(name: str) -> None:
    case = vision_reader.case(name)
    program = case.load()
    try:
        assert case.differences(program) == []
    finally:
        program.close()


def test_the_corpus_is_whole() -> None:
    assert len(vision_reader.NAMES) == 28


def test_a_wrong_order_of_channels_shows() -> None:
    """The comparison can fail: a program that reads RGB is given BGR."""
    case = vision_reader.case("doorkey8_hsv_tasks")
    import carruntime as car

    program = car.load(
        case.path,
        spaces=vision_reader.SPACES,
        frame=tuple(case.spec["frame_shape"]),
        frame_order="bgr",
        tier="interpreted",
    )
    try:
        assert case.differences(program)
    finally:
        program.close()
