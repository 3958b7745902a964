"""What the text of a template for ``%`` or ``.format`` asks for, before anything is formatted."""

from __future__ import annotations

import re
from string import Formatter
from typing import Final

__all__ = ["CONVERSION", "percent_width", "plain_fields"]

CONVERSION: Final = re.compile(
    r"%(?:\(([^()]*)\))?([-+ #0]*)(\*|[0-9]+)?(?:(\.)(\*|[0-9]+)?)?[hlL]?(.)", re.DOTALL
)
"""One conversion of a template for ``%``: key, flags, width, point, precision, kind."""


def percent_width(template: str) -> int:
    """Give the largest width or precision that a template for ``%`` asks for."""
    found = 0
    for match in CONVERSION.finditer(template):
        for word in (match[3], match[5]):
            if word and word != "*":
                found = max(found, int(word[:9]))
    return found


def plain_fields(template: str) -> str | None:
    """Give the first field of a template for ``.format`` that looks into its value."""
    waiting = [template]
    while waiting:
        try:
            parts = list(Formatter().parse(waiting.pop()))
        except ValueError:
            return None  # CPython says so on each row
        for _literal, name, spec, _conversion in parts:
            if name is not None and ("." in name or "[" in name):
                return name[:40]
            if spec and len(waiting) < 64:
                waiting.append(spec)
    return None
