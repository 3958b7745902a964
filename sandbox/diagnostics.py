"""Findings about a program: data first, text only at the edge.

A `Finding` is what one rule has to say about one place. A `Report` holds all of them in source
order. Text, carets and JSON are made here and nowhere else, and every string that came from a
guest is escaped before it can reach a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Finding", "Report", "Severity", "Span", "escape"]

_CARET_TABS = 4


class Severity(StrEnum):
    """How much a finding weighs: only an error keeps a program from being loaded."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a source: lines and columns count from 1, the end column is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says about one place.

    Attributes:
        rule: Id such as ``"SBX301"``; an id is never used twice.
        severity: Error, warning or note.
        span: The place, or None where the whole source is meant.
        message: What is wrong, with the offending text.
        why: Why it is refused or doubtful.
        hint: What to write instead.
    """

    rule: str
    severity: Severity
    span: Span | None
    message: str
    why: str
    hint: str

    def to_json(self) -> dict[str, Any]:
        """Give the finding as plain data for machines."""
        span = self.span
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "line": span.line if span else None,
            "column": span.column if span else None,
            "end_line": span.end_line if span else None,
            "end_column": span.end_column if span else None,
            "message": self.message,
            "why": self.why,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about one source, in source order.

    Attributes:
        filename: Name shown before line and column.
        source: The text the spans refer to; empty where it could not be decoded.
        findings: Sorted by place, then by rule.
        facts: Other things the check found out (entry, form, bindings), for display.
    """

    filename: str
    source: str
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        kinds = [item.severity.value for item in self.findings]
        counts = [
            f"{kinds.count(kind)} {kind}{'s' if kinds.count(kind) > 1 else ''}"
            for kind in dict.fromkeys(kinds)
        ]
        return f"Report({self.filename}: {', '.join(counts) or 'no findings'})"

    def __str__(self) -> str:
        return self.render()

    @property
    def ok(self) -> bool:
        """Whether nothing keeps the program from being loaded."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep the program from being loaded."""
        return tuple(item for item in self.findings if item.severity is Severity.ERROR)

    def render(self) -> str:
        """Give the report as text: place, rule, line with caret, why, what to write.

        Errors come first, for they are what keeps the program from being loaded.
        """
        lines = self.source.split("\n")
        shown = sorted(self.findings, key=lambda item: item.severity is not Severity.ERROR)
        parts = [_render_finding(self.filename, lines, item) for item in shown]
        if not parts:
            parts = [f"{escape(self.filename)}: no findings"]
        return "\n".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Give the report as plain data for machines."""
        return {
            "filename": self.filename,
            "ok": self.ok,
            "facts": dict(self.facts),
            "findings": [item.to_json() for item in self.findings],
        }


def escape(text: str, limit: int = 400) -> str:
    """Make guest text harmless for a terminal: control characters shown, length capped."""
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text[: limit + 1]
    )
    return shown if len(text) <= limit else shown[:limit] + "…"


def _render_finding(filename: str, lines: list[str], item: Finding) -> str:
    place = f"{escape(filename)}:{item.span}" if item.span else escape(filename)
    mark = "" if item.severity is Severity.ERROR else f" {item.severity.value}:"
    out = [f"{place}: {item.rule}{mark} {escape(item.message)}"]
    span = item.span
    if span is not None and 1 <= span.line <= len(lines):
        text = lines[span.line - 1].rstrip("\r")
        stop = span.end_column if span.end_line == span.line else len(text) + 1
        # A window keeps a caret readable on a line of thousands of characters.
        start = max(0, span.column - 60) if len(text) > 100 else 0
        shown = escape(text[start : start + 100].replace("\t", " "))
        width = max(1, min(stop, start + 101) - span.column)
        out.append(f"    {shown}")
        out.append(" " * (_CARET_TABS + span.column - 1 - start) + "^" * width)
    if item.why:
        out.append(f"  why: {escape(item.why)}")
    if item.hint:
        out.append(f"  try: {escape(item.hint)}")
    return "\n".join(out)
