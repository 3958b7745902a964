"""Regular expressions: a bound for each pattern that is taken, CPython's answers, no endless search."""

from __future__ import annotations

import re
from typing import Any

import pytest
import single
from hypothesis import given
from hypothesis import strategies as st
from likeness import ended

from sandbox.guards import Meter, OutOfFuel
from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.passes import analyse
from sandbox.patterns import PatternRefusedError, examine
from sandbox.predeclared.texts import TextMatch, expressions

VIEWS = expressions(Meter(Limits(fuel=1 << 60)))

NATURAL = [
    r"(\w+) (\w+)", r"(red|green|blue|purple|yellow|grey) (key|ball|box|door)", r"\d+", r"^pick up",
    r"(?:go to|open) (?:the |a )?(?P<what>\w+)", r"^(\w+)\s+(\d+)$", r"[A-Za-z]+", r"(\d+),\s*(\d+)",
    r"\bkey\b", r"x=(-?\d+\.?\d*)", r"(?:\d+,)*\d+", r"[^,]+", r"a{2,3}b", r"(?i:)" if False else r"door$",
]  # fmt: skip
CLASSIC = [
    r"(a+)+$", r"(a|aa)+$", r"(a|a)*$", r"(a*)*$", r"(.*a){12}", r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(\w+\s?)+$", r"(x+x+)+y", r"^(a?){25}a{25}$", r"([a-zA-Z]+)*$", r"(?:a|b|ab)*c",
    r"(a+){10}b", r"((ab)*)*c",
]  # fmt: skip
STRANGE = [
    r"(a)\1", r"(?=a)", r"(?!a)b", r"(?<=a)b", r"(?<!a)b", r"(a)?(?(1)b|c)", r"(?i:a)b", "a" * 201,
    "(" * 30 + "a" + ")" * 30, "[\u0100-\uffff]", r"(?P<n>a)(?P=n)",
]  # fmt: skip
MANY = [r".*.*.*.*=", r"a*a*a*a*b", r"\w*\d*\w*\d*!", r"(.*),(.*),(.*),(.*),(.*)$", r"\s*\s*\s*x"]


@pytest.mark.parametrize("pattern", NATURAL)
def test_a_natural_pattern_costs_little_on_a_mission(pattern: str) -> None:
    assert examine(pattern).steps(60) < 10_000_000


@pytest.mark.parametrize("pattern", [*CLASSIC, *STRANGE])
def test_a_pattern_without_a_bound_is_refused(pattern: str) -> None:
    with pytest.raises(PatternRefusedError):
        examine(pattern)
    with pytest.raises(ValueError, match="the pattern "):
        VIEWS["compile"](pattern)


@pytest.mark.parametrize("pattern", MANY)
def test_many_ambiguous_repeats_run_out_of_fuel_before_they_run(pattern: str) -> None:
    views = expressions(Meter(Limits()))
    with pytest.raises(OutOfFuel):
        views["search"](pattern, "a1 ,=" * 200)


@pytest.mark.parametrize("pattern", CLASSIC)
def test_a_pattern_that_is_written_out_is_refused_at_load(pattern: str) -> None:
    source = f"import re\ndef reward(obs):\n    return len(re.findall({pattern!r}, obs))\n"
    (found,) = analyse(source.encode(), "p", Limits()).report.errors
    assert found.rule == "SBX404"
    assert "a pattern that" in found.message
    assert found.span is not None
    assert found.span.line == 3


TEXTS = st.text(alphabet="ab1 ,=.kéÉſK\n", max_size=12)
PARTS = [
    "a", "b", "k", ".", r"\d", r"\w", r"\s", "[ab]", "[^a]", r"\W", "a*", "b+", r"\w+", "1?", ".*?",
    " ", "(a|b)", "(?:ab|ac)", "(?:a,)*", "^", "$", r"\b", "(b)", "a{1,2}", "é", r"[^\d,]+",
]  # fmt: skip
PATTERNS = st.lists(st.sampled_from(PARTS), max_size=5).map("".join)


@given(PATTERNS, TEXTS, st.sampled_from([0, re.IGNORECASE, re.DOTALL, re.MULTILINE]))
def test_what_is_taken_gives_what_the_real_one_gives(pattern: str, text: str, flags: int) -> None:
    try:
        made = VIEWS["compile"](pattern, int(flags))
    except ValueError as error:
        assert "the pattern" in str(error)  # noqa: PT017  others are not caught
        return
    real = re.compile(pattern, flags)
    for name in ("search", "match", "fullmatch"):
        got, want = getattr(made, name)(text), getattr(real, name)(text)
        assert (got is None) == (want is None)
        if want is not None:
            assert (got.span(), got.groups(), got.group()) == (
                *(want.span(), want.groups(), want.group()),
            )
    assert made.findall(text) == real.findall(text)
    assert made.split(text) == real.split(text)
    assert made.sub("<\\g<0>>", text) == real.sub("<\\g<0>>", text)
    assert [m.span() for m in made.finditer(text)] == [m.span() for m in real.finditer(text)]


@given(PATTERNS, TEXTS)
def test_the_bound_holds_for_an_engine_that_counts(pattern: str, text: str) -> None:
    """A plain backtracking matcher tries no more paths than the bound says."""
    try:
        shape = examine(pattern)
    except (PatternRefusedError, re.error):
        return
    assert _attempts(re._parser.parse(pattern), text) <= shape.steps(len(text))  # type: ignore[attr-defined]


def _attempts(tree: Any, text: str) -> int:
    """Count the parts that a backtracking engine tries when nothing ever matches in the end."""
    tried = 0

    def go(items: list[Any], at: int, done: Any) -> None:
        nonlocal tried
        tried += 1
        if not items:
            done(at)
            return
        (op, value), rest = items[0], items[1:]
        name = str(op)
        if name == "SUBPATTERN":
            go(list(value[3]), at, lambda end: go(rest, end, done))
        elif name == "BRANCH":
            for item in value[1]:
                go(list(item), at, lambda end: go(rest, end, done))
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = value
            repeat(list(inner), least, most, at, 0, lambda end: go(rest, end, done))
        elif name == "AT":
            go(rest, at, done)
        elif at < len(text) and re.fullmatch(_one(op, value), text[at], re.DOTALL):
            go(rest, at + 1, done)

    def repeat(  # noqa: PLR0917
        inner: list[Any], least: int, most: int, at: int, count: int, done: Any
    ) -> None:
        if count < int(most):
            go(inner, at, lambda end: repeat(inner, least, most, end, count + 1, done))
        if count >= least:
            done(at)

    for start in range(len(text) + 1):
        go(list(tree), start, lambda _end: None)
    return tried


def _one(op: Any, value: Any) -> str:
    """Write one part that takes a character as a pattern again."""
    name = str(op)
    if name == "LITERAL":
        return re.escape(chr(value))
    if name == "NOT_LITERAL":
        return f"[^{re.escape(chr(value))}]"
    if name == "ANY":
        return r"[^\n]"
    shown = {"CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w", "CATEGORY_SPACE": r"\s"}
    shown |= {name.replace("Y_", "Y_NOT_"): text.upper() for name, text in shown.items()}
    parts = []
    for kind, item in value:
        match str(kind):
            case "NEGATE":
                parts.append("^")
            case "LITERAL":
                parts.append(re.escape(chr(item)))
            case _:
                parts.append(shown[str(item)])
    return f"[{''.join(parts)}]"


SNIPPETS = {
    "match": "m = re.search(r'(\\w+) (?P<b>\\w+)', 'go there now')\nreturn m.start('b') + len(m[1]) + m.end() + len(m.groupdict())",
    "none": "return 1.0 if re.match(r'x', 'abc') else 2.0",
    "sub": "return len(re.sub(r'\\d+', lambda m: m.group() * 2, 'a12b3')) + len(re.sub('a', 'bb', 'aaa', count=2))",
    "flags": "return len(re.findall('KEY', 'key Key', re.I | re.M)) + len(re.compile('a').pattern)",
    "escape": "return len(re.escape('a.b')) + len(re.split(r',\\s*', 'a, b,c'))",
    "bad": "return re.compile('(' + 'a')",
    "bad, caught": "try:\n    re.compile('(' + 'a')\nexcept re.error:\n    return 3",
    "no such group": "return re.search('a', 'a').group(1)",
    "not through a match": "return [g for g in re.search('(a)', 'a')]",
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_program_with_patterns_gives_what_cpython_gives(name: str) -> None:
    source = single.body(f"import re\n---\n{SNIPPETS[name]}")
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102  the reference is plain CPython
    want = ended(names["reward"])
    got = single.run(source)
    if isinstance(want, type):
        assert (got.outcome, got.exception) == (Outcome.ERROR, want.__name__)
    else:
        assert (got.outcome, got.value) == (Outcome.OK, float(want))


def test_a_text_beyond_the_cap_is_an_error() -> None:
    with pytest.raises(ValueError, match="4,096 at most"):
        VIEWS["search"]("a", "b" * 4_097)


def test_a_match_shows_nothing_but_its_groups() -> None:
    found = VIEWS["search"]("a", "a")
    assert isinstance(found, TextMatch)
    assert not hasattr(found, "__dict__")
    for name in ("string", "re", "regs", "expand", "lastindex"):
        assert not hasattr(found, name)
