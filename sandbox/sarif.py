"""Reports as SARIF 2.1.0, the form in which editors and code-hosting sites read findings.

One run holds the reports of all sources that were checked together, with the rules that have a
finding, their texts and their place in the table. Columns count characters, which SARIF calls
``unicodeCodePoints``. Paths are given relative to the folder the command was run in, so that the
file means the same on another machine.

Reference:
    OASIS, Static Analysis Results Interchange Format (SARIF) version 2.1.0.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sandbox.diagnostics import Finding, Report, Severity
from sandbox.rules import Rule

__all__ = ["sarif_log"]

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_BASE: Final = "%SRCROOT%"
_LEVELS: Final[Mapping[Severity, str]] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "note",
}


def sarif_log(
    reports: Iterable[Report], rules: Mapping[str, Rule], *, tool: str, version: str
) -> dict[str, Any]:
    """Put reports into one SARIF log.

    Args:
        reports: Of the sources that were checked, in order.
        rules: The rules that findings can have, by id.
        tool: Name of the program that checked.
        version: Its version.

    Returns:
        Plain data for `json.dumps`. A finding of a rule that is not in ``rules`` is kept, without
        a text of its rule.
    """
    reports = list(reports)
    used = sorted({item.rule for report in reports for item in report.findings} & rules.keys())
    index = {name: number for number, name in enumerate(used)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": tool,
                        "version": version,
                        "rules": [_rule(rules[name]) for name in used],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    _BASE: {"description": {"text": "The folder in which the check was run."}}
                },
                "artifacts": [
                    {"location": _place(report.filename), "sourceLanguage": "python"}
                    for report in reports
                ],
                "results": [
                    result
                    for number, report in enumerate(reports)
                    for result in _results(report, number, index)
                ],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    shown = rule.general()
    examples = [
        f"{title}:\n\n```python\n{code}\n```"
        for title, code in (("Instead of", rule.bad), ("write", rule.good))
        if code
    ]
    text = f"{shown.message}. Why: {shown.why}. Try: {shown.hint}."
    return {
        "id": rule.id,
        "shortDescription": {"text": shown.message},
        "fullDescription": {"text": shown.why},
        "help": {"text": text, "markdown": "\n\n".join([text, *examples])},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _results(report: Report, number: int, index: Mapping[str, int]) -> Iterable[dict[str, Any]]:
    lines = report.source.split("\n")
    seen: Counter[str] = Counter()
    for item in report.findings:
        mark = _fingerprint(item, lines)
        seen[mark] += 1
        place: dict[str, Any] = {"artifactLocation": {**_place(report.filename), "index": number}}
        if item.span is not None:
            place["region"] = {
                "startLine": item.span.line,
                "startColumn": item.span.column,
                "endLine": item.span.end_line,
                "endColumn": item.span.end_column,
            }
        result: dict[str, Any] = {
            "ruleId": item.rule,
            "level": _LEVELS[item.severity],
            "message": {"text": _sentences(item)},
            "locations": [{"physicalLocation": place}],
            # The same finding on a line that moved is the same finding.
            "partialFingerprints": {"findingOnLine/v1": f"{mark}:{seen[mark]}"},
            "properties": {"why": item.why, "hint": item.hint},
        }
        if item.rule in index:
            result["ruleIndex"] = index[item.rule]
        yield result


def _sentences(item: Finding) -> str:
    parts = [item.message, item.why and f"why: {item.why}", item.hint and f"try: {item.hint}"]
    return "; ".join(part for part in parts if part)


def _fingerprint(item: Finding, lines: list[str]) -> str:
    line = lines[item.span.line - 1] if item.span and item.span.line <= len(lines) else ""
    text = "\0".join((item.rule, item.message, " ".join(line.split())))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _place(filename: str) -> dict[str, str]:
    """Give a path as a reference relative to the folder the command was run in."""
    path = Path(filename)
    if path.is_absolute():
        path = Path(os.path.relpath(path))
    return {
        "uri": quote(path.as_posix().encode("utf-8", "surrogateescape"), safe="/."),
        "uriBaseId": _BASE,
    }
