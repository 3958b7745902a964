"""Text of every kind gets findings with places inside it, and never an exception.

Bytes at random, programs that were cut off, and programs of the corpora with lines, tokens or parts of
their tree taken out, doubled, exchanged or taken from elsewhere, which is what a model that is half
right writes. The same texts go through the pass that needs a plan.
"""

from __future__ import annotations

import ast
import copy
import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import gymnasium as gym
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import carruntime as car
from carruntime.binding import Inputs, bind
from carruntime.spaces import spec_of
from sandbox.diagnostics import Finding
from sandbox.limits import Limits
from sandbox.lint import lint
from sandbox.passes import analyse
from sandbox.sarif import sarif_log

CORPUS = Path(__file__).parent.parent / "corpus"
WORD = re.compile(r"\w+|\s+|[^\w\s]")
SPACES = (
    gym.spaces.Dict(
        {
            "image": gym.spaces.Box(0, 255, (7, 7, 3), np.uint8),
            "direction": gym.spaces.Discrete(4),
            "mission": gym.spaces.Text(64),
        }
    ),
    gym.spaces.Discrete(7),
)
INPUTS = Inputs(
    spec_of(SPACES[0], text_bytes=256, path="observation_space"),
    spec_of(SPACES[1], text_bytes=256, path="action_space"),
)
INSERTED = (
    "",
    "(",
    ")",
    ":",
    "=",
    "self",
    "torch.",
    "[0]",
    "\n",
    "    ",
    "if ",
    "lambda: ",
    "*",
    '"',
)


@cache
def programs() -> tuple[str, ...]:
    """All programs of the corpora, without those that are no text."""
    texts = []
    for path in sorted(CORPUS.rglob("*.py")):
        data = path.read_bytes()
        if len(data) < 6000 and b"\0" not in data:
            texts.append(data.decode("utf-8", "replace"))
    return tuple(texts)


def mutated(seed: int) -> str:
    """Give a program of the corpora with up to six lines or tokens changed."""
    source = random.Random(seed)
    text = source.choice(programs())
    for _ in range(source.randint(1, 6)):
        by_line = source.random() < 0.5
        parts = text.splitlines(keepends=True) if by_line else WORD.findall(text)
        if not parts:
            break
        i, j = source.randrange(len(parts)), source.randrange(len(parts))
        match source.randrange(6):
            case 0:
                del parts[i]
            case 1:
                parts.insert(j, parts[i])
            case 2:
                parts[i], parts[j] = parts[j], parts[i]
            case 3:
                other = source.choice(programs())
                parts[i] = source.choice(other.splitlines(keepends=True) or [""])
            case 4:
                parts.insert(i, source.choice(INSERTED))
            case _:
                del parts[min(i, j) : min(i, j) + 3]
        text = "".join(parts)
    return text


@cache
def trees() -> tuple[str, ...]:
    """The programs that parse; a tree is changed in place, so each use parses anew."""
    good = []
    for text in programs():
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        good.append(text)
    return tuple(good)


def grafted(seed: int) -> str:
    """Give a program of the corpora whose tree was changed, so that mostly it still parses."""
    source = random.Random(seed)
    tree, other = (ast.parse(source.choice(trees())) for _ in range(2))
    for _ in range(source.randint(1, 8)):
        bodies = [
            body
            for node in ast.walk(tree)
            for body in (getattr(node, "body", None), getattr(node, "orelse", None))
            if isinstance(body, list) and body
        ]
        fields = [
            (node, name)
            for node in ast.walk(tree)
            for name, value in ast.iter_fields(node)
            if isinstance(value, ast.expr) and not isinstance(node, ast.expr_context)
        ]
        if not bodies or not fields:
            break
        body = source.choice(bodies)
        match source.randrange(5):
            case 0:
                body.pop(source.randrange(len(body)))
                body.extend([] if body else [ast.Pass()])
            case 1:
                doubled = copy.deepcopy(source.choice(source.choice(bodies)))
                body.insert(source.randrange(len(body) + 1), doubled)
            case 2:
                body.insert(0, copy.deepcopy(source.choice(other.body)))
            case _:
                node, name = source.choice(fields)
                values = ast.walk(source.choice((tree, other)))
                given = [item for item in values if isinstance(item, ast.expr)]
                setattr(node, name, copy.deepcopy(source.choice(given)))
    try:
        return ast.unparse(tree)
    except (RecursionError, ValueError, TypeError, AttributeError):
        return ""  # a tree that no text can say


def misplaced(text: str, findings: tuple[Finding, ...]) -> list[str]:
    """Say which findings point at a place that the text does not have."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    out = []
    for item in findings:
        span = item.span
        if span is None:
            continue
        inside = 1 <= span.line <= span.end_line <= len(lines)
        inside = inside and 1 <= span.column <= len(lines[span.line - 1]) + 1
        # What is missing at the end of a line is shown behind its last character.
        inside = inside and 1 <= span.end_column <= len(lines[span.end_line - 1]) + 2
        inside = inside and (span.line, span.column) < (span.end_line, span.end_column)
        if not inside:
            out.append(f"{item.rule} at {span!r}: {item.message}")
    return out


def look_at(data: bytes) -> None:
    """Analyse a text as far as it goes without running anything."""
    analysis = analyse(data, "program.py", Limits())
    findings = analysis.findings
    assert analysis.outline is not None or any(item.severity == "error" for item in findings)
    if analysis.outline is not None and analysis.tree is not None:
        bound = bind(analysis.outline, INPUTS)
        findings += bound.findings
        if bound.plan is not None:
            findings += tuple(lint(analysis.tree, bound.plan, analysis.text))
    assert misplaced(analysis.text, findings) == []
    assert all(item.message and item.hint for item in findings)
    assert analysis.report.render()
    sarif_log([analysis.report], {}, tool="t", version="1")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_bytes_at_random_get_findings(data: bytes) -> None:
    look_at(data)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 6000))
def test_a_program_that_was_cut_off_gets_findings(which: int, length: int) -> None:
    data = programs()[which % len(programs())].encode()
    look_at(data[:length])


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_a_program_with_lines_and_tokens_changed_gets_findings(seed: int) -> None:
    look_at(mutated(seed).encode())


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32))
def test_a_program_with_another_tree_gets_findings(seed: int) -> None:
    look_at(grafted(seed).encode())


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((mutated, grafted)))
def test_check_answers_for_any_of_these(seed: int, make: Callable[[int], str]) -> None:
    """Whole, in a worker: what survives the text is bound, built and looked at too."""
    report = car.check(make(seed), spaces=SPACES)
    assert misplaced(report.source, report.findings) == []
