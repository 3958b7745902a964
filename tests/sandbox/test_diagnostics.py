"""Reports as people and machines read them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sandbox.diagnostics import Finding, Report, Severity, Span, escape
from sandbox.limits import Limits
from sandbox.passes import analyse

GOLDEN = Path(__file__).parent.parent / "corpus" / "golden"


def test_a_whole_report_reads_as_it_did() -> None:
    """Renew the file with ``RENEW_GOLDEN=1`` and read the difference."""
    path = GOLDEN / "door_reward.py"
    report = analyse(path.read_bytes(), path.name, Limits()).report
    golden = path.with_suffix(".txt")
    if os.environ.get("RENEW_GOLDEN"):
        golden.write_text(report.render() + "\n", encoding="utf-8")
    assert report.render() + "\n" == golden.read_text(encoding="utf-8")


def finding(span: Span | None, message: str = "wrong", why: str = "", hint: str = "") -> Finding:
    return Finding("SBX301", Severity.ERROR, span, message, why, hint)


def test_the_caret_stands_under_the_characters_meant() -> None:
    report = Report("p.py", "größe = x.__class__\n", (finding(Span(1, 11, 1, 20)),))
    assert report.render() == (
        "p.py:1:11: SBX301 wrong\n    größe = x.__class__\n              ^^^^^^^^^"
    )


def test_a_long_line_is_shown_around_the_place() -> None:
    line = "a" * 200 + "BAD" + "b" * 200
    shown = Report("p.py", line, (finding(Span(1, 201, 1, 204)),)).render().split("\n")
    assert len(shown[1]) <= 104
    start = shown[2].index("^")
    assert shown[1][start : start + 3] == "BAD"


def test_guest_text_cannot_reach_a_terminal_raw() -> None:
    nasty = "\x1b[2J\x07\u202e"
    report = Report(f"p{nasty}.py", f"x = '{nasty}'", (finding(Span(1, 1, 1, 2), f"m{nasty}"),))
    text = report.render()
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "\\x1b[2J" in text


def test_long_guest_text_is_cut() -> None:
    assert escape("a" * 1000) == "a" * 400 + "…"


def test_a_report_without_findings_says_so() -> None:
    assert Report("p.py", "x = 1\n").render() == "p.py: no findings"


def test_only_errors_keep_a_program_from_being_loaded() -> None:
    warning = Finding("SBX602", Severity.WARNING, None, "m", "", "")
    assert Report("p.py", "", (warning,)).ok
    assert not Report("p.py", "", (warning, finding(None))).ok


def test_a_report_is_json_with_lines_columns_and_hints() -> None:
    report = analyse(b"x = nme\n", "p.py", Limits()).report
    data = json.loads(json.dumps(report.to_json()))
    assert data["ok"] is False
    (item,) = data["findings"]
    assert (item["rule"], item["line"], item["column"], item["end_column"]) == ("SBX309", 1, 5, 8)
    assert item["severity"] == "error"
    assert item["hint"]


def test_errors_are_shown_before_warnings_each_in_the_order_of_the_text() -> None:
    warning = Finding("SBX602", Severity.WARNING, Span(1, 1, 1, 2), "m", "", "")
    second, third = finding(Span(2, 1, 2, 2), "two"), finding(Span(3, 1, 3, 2), "three")
    report = Report("p.py", "a\nb\nc\n", (warning, second, third))
    places = [line.split(" ")[0] for line in report.render().split("\n") if "p.py" in line]
    assert places == ["p.py:2:1:", "p.py:3:1:", "p.py:1:1:"]
    assert report.findings[0] is warning
