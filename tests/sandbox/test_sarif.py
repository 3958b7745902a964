"""The SARIF form of reports, held against the parts of the standard that it uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.diagnostics import Finding, Report, Severity, Span
from sandbox.limits import Limits
from sandbox.passes import analyse
from sandbox.rules import RULES
from sandbox.sarif import sarif_log

# Object of the standard (section 3 of SARIF 2.1.0): its required keys, then others that we write.
# Every object of the schema forbids keys that it does not name.
SHAPES: dict[str, tuple[set[str], set[str]]] = {
    "log": ({"version", "runs"}, {"$schema"}),
    "run": ({"tool"}, {"columnKind", "originalUriBaseIds", "artifacts", "results"}),
    "driver": ({"name"}, {"version", "rules"}),
    "rule": ({"id"}, {"shortDescription", "fullDescription", "help", "defaultConfiguration"}),
    "text": ({"text"}, {"markdown"}),
    "artifact": (set(), {"location", "sourceLanguage"}),
    "artifactLocation": (set(), {"uri", "uriBaseId", "index"}),
    "result": (
        {"message"},
        {"ruleId", "ruleIndex", "level", "locations", "partialFingerprints", "properties"},
    ),
    "region": (set(), {"startLine", "startColumn", "endLine", "endColumn"}),
}


def holds(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    required, further = SHAPES[kind]
    assert required <= value.keys() <= required | further, (kind, value.keys())
    return value


def check_shape(log: dict[str, Any]) -> None:
    assert json.loads(json.dumps(log)) == log
    assert holds("log", log)["version"] == "2.1.0"
    for run in log["runs"]:
        holds("run", run)
        assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
        driver = holds("driver", run["tool"]["driver"])
        for rule in driver["rules"]:
            holds("rule", rule)
            for key in ("shortDescription", "fullDescription", "help"):
                assert holds("text", rule[key])["text"]
            assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}
        for artifact in run["artifacts"]:
            holds("artifactLocation", holds("artifact", artifact)["location"])
        for result in run["results"]:
            check_result(holds("result", result), run)


def check_result(result: dict[str, Any], run: dict[str, Any]) -> None:
    rules = run["tool"]["driver"]["rules"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in {"none", "note", "warning", "error"}
    assert holds("text", result["message"])["text"]
    for location in result["locations"]:
        place = location["physicalLocation"]
        file = holds("artifactLocation", place["artifactLocation"])
        assert run["artifacts"][file["index"]]["location"]["uri"] == file["uri"]
        assert not file["uri"].startswith("/")
        region = holds("region", place.get("region", {}))
        assert all(number >= 1 for number in region.values())


def log_of(*sources: str) -> dict[str, Any]:
    reports = [
        analyse(source.encode(), f"programs/{index}.py", Limits()).report
        for index, source in enumerate(sources)
    ]
    return sarif_log(reports, RULES, tool="carruntime", version="1.2.3")


def test_several_reports_make_one_log_of_the_standard_shape() -> None:
    log = log_of("import os\nx = nme\n", "def reward(obs):\n    return 1.0\n", "x = open('f')\n")
    check_shape(log)
    (run,) = log["runs"]
    assert [item["ruleId"] for item in run["results"]] == ["SBX306", "SBX309", "SBX305"]
    assert [item["location"]["uri"] for item in run["artifacts"]] == [
        "programs/0.py",
        "programs/1.py",
        "programs/2.py",
    ]
    assert run["tool"]["driver"]["version"] == "1.2.3"


def test_columns_count_characters_as_the_log_declares() -> None:
    (run,) = log_of("größe, 𝒙 = 1, nme\n".replace("𝒙", "x"))["runs"]
    (result,) = run["results"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert result["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 1,
        "startColumn": 15,
        "endLine": 1,
        "endColumn": 18,
    }


def test_a_finding_about_the_whole_source_has_a_file_and_no_region() -> None:
    log = log_of("# nothing\n")
    check_shape(log)
    (result,) = log["runs"][0]["results"]
    assert "region" not in result["locations"][0]["physicalLocation"]


@pytest.mark.parametrize("severity", Severity)
def test_severities_are_levels(severity: Severity) -> None:
    finding = Finding("SBX602", severity, Span(1, 1, 1, 2), "m", "w", "h")
    report = Report("p.py", "x = 1\n", (finding,))
    log = sarif_log([report], RULES, tool="t", version="1")
    check_shape(log)
    assert log["runs"][0]["results"][0]["level"] == severity.value


def test_paths_are_relative_and_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [str(tmp_path / "a b" / "ü.py"), "c#d.py", "<program>"]
    log = sarif_log([Report(name, "") for name in names], RULES, tool="t", version="1")
    check_shape(log)
    assert [item["location"]["uri"] for item in log["runs"][0]["artifacts"]] == [
        "a%20b/%C3%BC.py",
        "c%23d.py",
        "%3Cprogram%3E",
    ]


def test_a_finding_keeps_its_fingerprint_when_its_line_moves() -> None:
    def marks(source: str) -> list[str]:
        results = log_of(source)["runs"][0]["results"]
        return [item["partialFingerprints"]["findingOnLine/v1"] for item in results]

    assert marks("x = nme\ny = 1\n") == marks("y = 1\n\nx = nme\n")
    twice = marks("x = eval('1')\nx = eval('1')\n")
    assert len(set(twice)) == 2
