"""The worst texts that the benchmark times are texts that the caps let through."""

from __future__ import annotations

import pytest

from benchmarks.worst_texts import SHAPES, text_of
from sandbox.limits import Limits
from sandbox.parse import parse


@pytest.mark.parametrize("shape", SHAPES)
def test_a_worst_text_is_within_the_caps_and_near_one_of_them(shape: str) -> None:
    limits = Limits()
    text = text_of(shape)
    parsed = parse(text.encode(), limits)
    assert parsed.tree is not None, parsed.findings
    shares = (
        len(text) / limits.source_bytes,
        text.count("\n") / limits.source_lines,
        text.count("def ") / limits.functions,
        text.count("lambda") / limits.functions,
        sum(1 for char in text if char in "()+,=[]{}:") / limits.tokens,
        max(map(_indent, text.split("\n"))) / limits.nesting,
    )
    assert max(shares) > 0.4, shares


def _indent(line: str) -> float:
    return (len(line) - len(line.lstrip(" "))) / 4
