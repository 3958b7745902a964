"""Text that is not a program gets findings, and never reaches the parser if it is too much."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.diagnostics import Finding, Span
from sandbox.limits import Limits
from sandbox.parse import Places, depth_limit, parse

LIMITS = Limits()


def only(source: bytes, limits: Limits = LIMITS) -> Finding:
    parsed = parse(source, limits)
    assert parsed.tree is None
    (finding,) = parsed.findings
    return finding


def test_a_byte_that_is_not_utf8_is_named_with_offset_and_line() -> None:
    finding = only(b"x = 1\ny = '\xff'\n")
    assert finding.rule == "SBX101"
    assert finding.message == "the source is not UTF-8: byte 0xff at offset 11, line 2"


@pytest.mark.parametrize("source", [b"", b"\n\n", b"# only a comment\n", b"   \n"])
def test_a_source_without_a_statement_says_so(source: bytes) -> None:
    assert only(source).rule == "SBX102"


@pytest.mark.parametrize(
    ("source", "rule", "part"),
    [
        (b"#" * 70_000, "SBX103", "70000 bytes"),
        (b"\n" * 3_000, "SBX103", "lines"),
        (b"x = 1 #" + b"a" * 5_000, "SBX104", "5007 bytes"),
        (b"x = " + b"(" * 50 + b"1" + b")" * 50, "SBX105", "brackets"),
        (b"x = f'{" + b"(" * 50 + b"1" + b")" * 50 + b"}'", "SBX105", "brackets"),
        (b"x = " + b"- " * 100 + b"1", "SBX105", "operators"),
        (b"x = " + b"not " * 100 + b"1", "SBX105", "operators"),
        (b"x = " + b"lambda: " * 200 + b"1", "SBX105", "operators"),
        (b"x = " + b"2 ** " * 200 + b"1", "SBX105", "operators"),
        (b"x = " + b"1 if 1 else " * 200 + b"1", "SBX105", "operators"),
        (b"x = " + b"1 + " * 500 + b"1", "SBX105", "operators or blocks"),
        (b"x = y" + b".a" * 500, "SBX105", "operators or blocks"),
        (b"x = " + b"9" * 3_000, "SBX106", "a number"),
        (b'y = """' + b"aaaaaaaaaaaaaaa\n" * 600 + b'"""', "SBX106", "a string"),
        (b"x" * 100 + b" = 1", "SBX111", "100 characters"),
        ("é".encode() * 100 + b" = 1", "SBX111", "100 characters"),
        (b"x = 1; " * 600, "SBX104", "4200 bytes"),
    ],
)
def test_too_much_of_anything_is_one_finding(source: bytes, rule: str, part: str) -> None:
    finding = only(source)
    assert part in finding.message
    assert finding.rule == rule


def test_tokens_are_capped() -> None:
    finding = only(b"x = 1; " * 400 + b"\n" + b"x = 1; " * 400, Limits(tokens=2_000))
    assert finding.message == "the source has over 2000 tokens; at most 2000 are taken"


def test_indentation_is_capped() -> None:
    source = "".join("  " * depth + "if x:\n" for depth in range(50)) + "  " * 50 + "pass\n"
    assert only(source.encode()).message == (
        "too many indented blocks are open at one place; the limit is 40"
    )


def test_the_tree_itself_is_capped() -> None:
    source = b"x = [1, 2, 3, 4]\n" * 100
    assert only(source, Limits(nodes=500)).message.startswith("the source has over 500 syntax")


def test_what_the_limits_take_is_parsed() -> None:
    """The caps are not so tight that ordinary long expressions meet them."""
    source = "x = " + " + ".join(f"a{i}" for i in range(100)) + "\n"
    source += "\n".join(f"{'if' if i == 0 else 'elif'} x == {i}:\n    y = {i}" for i in range(60))
    assert parse(source.encode(), LIMITS).tree is not None


@pytest.mark.parametrize(
    ("char", "code"),
    [("\0", "U+0000"), ("\x0c", "U+000C"), ("\u202e", "U+202E"), ("\u200b", "U+200B"),
     ("\r", "U+000D"), ("\u2028", "U+2028"), ("\ufeff", "U+FEFF"), ("\x1b", "U+001B")],
)  # fmt: skip
def test_characters_that_a_reader_does_not_see_are_refused(char: str, code: str) -> None:
    finding = only(f'x = 1\ny = "a{char}b"\n'.encode())
    assert finding.rule == "SBX109"
    assert code in finding.message
    assert finding.span == Span(2, 7, 2, 8)


def test_windows_line_ends_are_taken() -> None:
    assert parse(b"def reward(obs):\r\n    return 1.0\r\n", LIMITS).findings == ()


def test_a_byte_order_mark_is_left_out_with_a_note() -> None:
    parsed = parse(b"\xef\xbb\xbfx = 1\n", LIMITS)
    assert parsed.tree is not None
    assert [item.rule for item in parsed.findings] == ["SBX112"]
    assert parsed.text == "x = 1\n"


@pytest.mark.parametrize("name", ["utf-7", "latin-1", "rot13"])
def test_a_coding_comment_is_never_obeyed(name: str) -> None:
    """CPython compiles bytes in the declared encoding: another text than was looked at."""
    parsed = parse(f"# coding: {name}\nx = 1\n".encode(), LIMITS)
    assert [item.rule for item in parsed.findings] == ["SBX113"]


def test_a_coding_comment_that_says_utf8_is_fine() -> None:
    assert parse(b"# -*- coding: utf-8 -*-\nx = 1\n", LIMITS).findings == ()


@pytest.mark.parametrize(
    ("source", "reason", "hint"),
    [
        ("def reward(obs)\n    return 1", "expected ':'", "end the line with a colon"),
        ("x = (1, 2", "never closed", "close the bracket"),
        ("def f():\nreturn 1", "expected an indented block", "indent the lines"),
        ("```python\nx = 1\n```", "invalid syntax", "leave the code fence out"),
        ("Here is the program you want", "invalid syntax", "leave prose out"),
        ("if x = 1:\n    pass", "Maybe you meant '=='", "write `==`"),
        ("x = 'abc", "unterminated", "close the quotes"),
    ],
)
def test_a_syntax_error_has_a_place_and_advice(source: str, reason: str, hint: str) -> None:
    finding = only(source.encode())
    assert finding.rule == "SBX108"
    assert reason in finding.message
    assert hint in finding.hint
    assert finding.span is not None


@pytest.mark.parametrize(
    # Before 3.12 the tokenizer gives the last one as three tokens.
    ("source", "name"),
    [("x.ｃlass = 1", "class`"), ("ﬁeld = 1", "field`"), ("x = a﹍b", "_")],
)
def test_look_alike_letters_are_shown_as_they_are_read(source: str, name: str) -> None:
    parsed = parse(source.encode(), LIMITS)
    folded = [item for item in parsed.findings if item.rule == "SBX110"]
    assert folded
    assert name in folded[0].message


def test_letters_of_other_scripts_are_taken() -> None:
    parsed = parse("größe = 1\nθ = größe\n".encode(), LIMITS)
    assert parsed.findings == ()


def test_spans_count_characters_and_not_bytes() -> None:
    text = 'größe = "äöü" + θθ\n'
    tree = parse(text.encode(), LIMITS).tree
    assert tree is not None
    assign = tree.body[0]
    assert isinstance(assign, ast.Assign)
    places = Places(text)
    assert isinstance(assign.value, ast.BinOp)
    span = places.at(assign.value.right)
    assert text[span.column - 1 : span.end_column - 1] == "θθ"
    assert places.text(assign.value) == '"äöü" + θθ'


@pytest.mark.parametrize(
    "source",
    [
        "x = " + "[" * 40 + "1" + "]" * 40,
        "x = " + "{1: " * 40 + "1" + "}" * 40,
        "x = " + "[" * 40,
        "x = " + "f(" * 40 + "lambda: (" ,
        "x = " + "{" * 39 + "for",
        "x = " + "[i for i in " * 39,
        "x = " + " + ".join("a" for _ in range(150)),
        "x = y" + "[0]" * 150,
        "x = y" + ".a" * 150,
        "x = y" + "()" * 150,
        "\n".join(f"{'if' if i == 0 else 'elif'} x:\n    y = 1" for i in range(150)),
        "x = " + "1 if y else " * 150 + "2",
        "x = " + "not " * 40 + "y",
        "x = " + "y ** " * 150 + "2",
        "x = " + "lambda: " * 40 + "y",
    ],
)  # fmt: skip
def test_text_at_the_caps_is_parsed_or_refused_quickly(source: str) -> None:
    """CPython's parser has had exponential corners; none is reachable below the caps."""
    assert len(source) < LIMITS.source_bytes
    parsed = parse(source.encode(), LIMITS)
    assert parsed.tree is not None or parsed.findings
    assert depth_limit(LIMITS) == 160


@given(st.binary(max_size=300))
def test_bytes_never_raise(source: bytes) -> None:
    parsed = parse(source, LIMITS)
    assert (parsed.tree is None) == any(item.severity.value == "error" for item in parsed.findings)


@given(
    st.lists(
        st.sampled_from(
            [
                "def",
                "reward",
                "(",
                ")",
                ":",
                "[",
                "]",
                "{",
                "}",
                '"',
                "'",
                '"""',
                'f"',
                "#",
                "\\",
                "\n",
                "\t",
                "0x",
                "1e",
                "1_0",
                "1j",
                ".",
                "..",
                "->",
                ":=",
                "**",
                "~",
                "-",
                "@",
                "lambda",
                "if",
                "else",
                "for",
                "in",
                "é",
                "︳",
                "\u202e",
                "ｃ",
                "async",
                "not",
                "$",
                "?",
                "!",
                "`",
            ]
        ),
        max_size=60,
    ).map(" ".join)
)
def test_token_soup_never_raises(source: str) -> None:
    parsed = parse(source.encode(), LIMITS)
    assert parsed.tree is not None or parsed.findings
