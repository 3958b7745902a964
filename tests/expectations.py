"""Read programs that say on their own lines which findings they must have.

A file holds chunks separated by lines ``# ---``; each is a source of its own. A comment
``# E: SBX301 "part of the message"`` expects an error of that rule on its line, ``# W:`` a
warning, ``# N:`` a note; ``# E@source:`` one that has no line. A line may have several.
Every finding must be expected and every expectation met, so a rule that says too much fails too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.diagnostics import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

REJECTED = Path(__file__).parent / "corpus" / "rejected"
_EXPECTED = re.compile(r'# ([EWN])(@source)?: (SBX\d{3})(?: "([^"]*)")?')
_SEVERITY = {"E": Severity.ERROR, "W": Severity.WARNING, "N": Severity.NOTE}


@dataclass(frozen=True, slots=True)
class Expected:
    line: int | None
    severity: Severity
    rule: str
    message: str

    def holds(self, finding: Finding) -> bool:
        line = finding.span.line if finding.span else None
        return (
            line == self.line
            and finding.rule == self.rule
            and finding.severity is self.severity
            and self.message in finding.message
        )


def chunks(path: Path) -> list[str]:
    return re.split(r"^# ---.*\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def expected(source: str) -> list[Expected]:
    found = []
    for number, line in enumerate(source.split("\n"), 1):
        for letter, whole, rule, message in _EXPECTED.findall(line):
            found.append(Expected(None if whole else number, _SEVERITY[letter], rule, message))
    return found


def differences(source: str, findings: Iterable[Finding]) -> list[str]:
    """Give a sentence for each finding that is missing or surplus."""
    left = list(findings)
    out = []
    for want in expected(source):
        match = next((item for item in left if want.holds(item)), None)
        if match is None:
            out.append(f"line {want.line}: missing {want.rule} {want.message!r}")
        else:
            left.remove(match)
    out.extend(f"line {item.span}: surplus {item.rule} {item.message!r}" for item in left)
    return out
