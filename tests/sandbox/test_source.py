"""`sandbox.check` takes text, bytes or a path, and says what is wrong with any of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import sandbox
from sandbox import Limits, Severity, UsageError
from sandbox.source import read_source

GOOD = "def reward(obs):\n    return 1.0\n"
BAD = "def reward(obs):\n    return obs.__class__\n"


def rules(report: sandbox.Report) -> list[str]:
    return [item.rule for item in report.findings]


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_a_good_program_has_no_errors(isolation: str) -> None:
    report = sandbox.check(GOOD, isolation=isolation)  # type: ignore[arg-type]
    assert report.ok
    assert report.filename == "<program>"
    assert report.source == GOOD


def test_both_isolations_say_the_same() -> None:
    assert sandbox.check(BAD) == sandbox.check(BAD, isolation="none")


def test_a_finding_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "reward.py"
    path.write_text(BAD, encoding="utf-8")
    report = sandbox.check(path)
    assert report.filename == str(path)
    assert report.errors[0].span is not None
    assert report.errors[0].span.line == 2
    assert report.render().splitlines()[1:3] == ["        return obs.__class__", " " * 19 + "^" * 9]


def test_text_bytes_and_path_are_the_same_source(tmp_path: Path) -> None:
    path = tmp_path / "p.py"
    path.write_text(BAD, encoding="utf-8")
    reports = [sandbox.check(source, filename="p") for source in (BAD, BAD.encode(), path)]
    assert reports[0] == reports[1] == reports[2]


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        (b"", "SBX102"),
        (b"# nothing\n", "SBX102"),
        (b"\xff\xfe", "SBX101"),
        ("\ud800", "SBX101"),
        ("def f(:\n", "SBX108"),
        (b"x = 1\x00", "SBX109"),
        ("x = 1\n" * 20_000, "SBX103"),
    ],
    ids=["empty", "comment", "bytes", "surrogate", "syntax", "nul", "long"],
)
def test_bad_text_is_a_finding(source: str | bytes, rule: str) -> None:
    report = sandbox.check(source)
    assert rules(report) == [rule]
    assert report.errors[0].severity is Severity.ERROR


def test_a_file_without_an_end_is_read_no_further_than_a_source_may_be_long() -> None:
    if not os.path.exists("/dev/zero"):  # noqa: PTH110
        pytest.skip("no endless file on this system")
    data, name = read_source(Path("/dev/zero"), limits=Limits(source_bytes=100))
    assert (len(data), name) == (101, "/dev/zero")


@pytest.mark.parametrize(("name", "why"), [("none.py", "No such file"), (".", "Is a directory")])
def test_a_path_that_cannot_be_read_says_why(name: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=why):
        sandbox.check(tmp_path / name)


def test_a_source_of_another_type_says_what_is_wanted() -> None:
    with pytest.raises(UsageError, match="source is a int; want str or bytes"):
        sandbox.check(3)  # type: ignore[arg-type]


def test_limits_are_the_callers() -> None:
    assert rules(sandbox.check(GOOD, limits=Limits(source_bytes=10))) == ["SBX103"]


def test_names_that_start_processes_are_reached_late_and_stay_functions() -> None:
    import sandbox.diagnosis
    import sandbox.source

    assert callable(sandbox.check)
    assert callable(sandbox.doctor)
    assert set(sandbox.__all__) <= set(dir(sandbox))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        sandbox.nothing  # noqa: B018
