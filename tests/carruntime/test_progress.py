"""A progress line is for people who watch, and leaves nothing behind."""

from __future__ import annotations

import pytest

from carruntime.progress import ProgressLine


def test_nothing_is_drawn_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine("work") as line:
        line(1, 2)
        line(2, 2)
    assert capsys.readouterr() == ("", "")


def test_the_line_is_drawn_on_standard_error_and_wiped(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine("work", show=True) as line:
        line(3, 3)
    out, err = capsys.readouterr()
    assert out == ""
    assert "work [" + "#" * 30 + "] 3/3" in err
    # What stays on the terminal is what was written after the last two returns: blanks.
    assert err.split("\r")[-2].strip() == ""
    assert err.endswith("\r")


def test_a_long_label_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine("x" * 200, show=True) as line:
        line(1, 1)
    assert max(len(part) for part in capsys.readouterr().err.split("\r")) <= 79


def test_an_exception_passes_and_the_line_is_wiped(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="stop"), ProgressLine("work", show=True):
        raise ValueError("stop")
    assert capsys.readouterr().err.endswith("\r")
