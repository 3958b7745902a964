"""The command that runs the benchmarks refuses what it would otherwise silently not do."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from benchmarks import bench_findings
from benchmarks.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["latency", "--only", "nope"], "--only names programs of `workloads`"),
        (["--only", "W1"], "--only names programs of `workloads`"),
        (["workloads", "--only", "W1,nope"], "--only nope: no such program; want any of W1"),
        (["nope"], "unknown question 'nope'"),
    ],
    ids=" ".join,
)
def test_what_no_question_takes_is_refused(
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Set here, so that what `main` sets is taken back with it.
    monkeypatch.setenv("CARRUNTIME_CACHE", "off")
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_findings_without_pytest_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pytest, which they need, is not installed"):
        bench_findings.run(quick=True)
