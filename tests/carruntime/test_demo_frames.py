"""``carruntime demo --frames``: a verdict on a program that looks at pictures, and what it saw."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

import carruntime as car
from carruntime.demo_frames import run_frames

pytest.importorskip("cv2")


def test_the_page_shows_what_the_program_saw(tmp_path: Path) -> None:
    said: list[str] = []
    place = tmp_path / "seen.html"
    demo = run_frames(
        place, expert_episodes=2, random_episodes=2, show_progress=False, say=said.append
    )
    text = place.read_text(encoding="utf-8")
    pictures = [base64.b64decode(part) for part in re.findall(r"base64,([^']+)'", text)]
    assert len(pictures) == len(demo.moments) == 4
    assert all(data.startswith(b"\x89PNG") for data in pictures)
    assert [item.held for item in demo.moments] == [
        (False, False, False),
        (True, False, False),
        (True, True, False),
        (True, True, True),
    ]
    assert all(item.masks > 0 and item.contours > 0 for item in demo.moments)
    # Magenta is where a mask was.
    assert (
        (demo.moments[0].picture[..., [0, 2]] > demo.moments[0].picture[..., [1, 1]]).all(-1).any()
    )
    assert "<script" not in text
    assert not demo.ok  # two episodes are no evidence
    assert "not enough evidence" in said[2].lower()


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(car.OptionError, match="there is no folder"):
        run_frames(
            tmp_path / "no" / "such" / "seen.html",
            expert_episodes=1,
            random_episodes=1,
            show_progress=False,
            say=lambda _text: None,
        )
