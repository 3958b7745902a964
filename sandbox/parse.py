"""Bytes to tree: decode, cap, and only then parse.

CPython's parser is not made for hostile text: it obeys coding cookies, can be made slow or deep,
and its errors come as five different exceptions. So the text is decoded here, strictly, and its
size, nesting and literals are bounded by a scanner that looks at each character once, before
`ast.parse` sees it. The scanner need not be a Python tokenizer: where it disagrees with one, it
only counts a little wrong.

What comes out has spans in characters from 1; the parser counts columns in UTF-8 bytes from 0.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sandbox.diagnostics import Finding, Span
from sandbox.limits import Limits
from sandbox.rules import RULES
from sandbox.trees import child_nodes

__all__ = ["Parsed", "Places", "compile_findings", "depth_limit", "parse"]

_BOM: Final = b"\xef\xbb\xbf"
_PLAIN_CONTROLS: Final = frozenset("\t\n")

_TOKEN: Final = re.compile(
    r"""
      (?P<skip>[ \t\f\\]+|\#[^\n]*)
    | (?P<newline>\r?\n)
    | (?P<string>(?P<prefix>[A-Za-z]{0,3})
        (?: \"\"\"(?:[^\\"]|\\.|\"(?!\"\"))*+(?:\"\"\"|\Z)
          | '''(?:[^\\']|\\.|'(?!''))*+(?:'''|\Z)
          | \"(?:[^\\"\n]|\\.)*+\"?
          | '(?:[^\\'\n]|\\.)*+'? ))
    | (?P<name>[^\W\d]\w*+)
    | (?P<number>\.?\d(?:[eE][+-]|[\w.])*+)
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<op>\*\*=?|//=?|>>=?|<<=?|->|:=|[-+*/%@&|^=<>!]=?|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_PREFIX_WORDS: Final = frozenset({"not", "lambda", "await"})
_RIGHT_WORDS: Final = frozenset({"**", "else", "lambda", "elif"})


@dataclass(frozen=True, slots=True)
class Parsed:
    """What came of a source.

    Attributes:
        text: The decoded source; empty where it is not UTF-8.
        tree: None where a finding is an error.
        findings: In source order.
    """

    text: str
    tree: ast.Module | None
    findings: tuple[Finding, ...]


class Places:
    """Spans of tree nodes, in characters."""

    __slots__ = ("_ascii", "_lines")

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._ascii = text.isascii()

    def _column(self, line: int, offset: int) -> int:
        if self._ascii or not 1 <= line <= len(self._lines):
            return offset + 1
        raw = self._lines[line - 1].encode()
        return len(raw[:offset].decode(errors="ignore")) + 1

    def span(self, node: ast.AST) -> Span | None:
        """Give the place of a node, or None for one that has none (an operator, say)."""
        line = getattr(node, "lineno", None)
        if line is None:
            return None
        offset: int = getattr(node, "col_offset", 0)
        end_line: int = getattr(node, "end_lineno", None) or line
        end: int | None = getattr(node, "end_col_offset", None)
        column = self._column(line, offset)
        end_column = self._column(end_line, end) if end is not None else column + 1
        return Span(line, column, end_line, end_column)

    def at(self, node: ast.AST) -> Span:
        """Give the place of a node that is known to have one."""
        return self.span(node) or Span(1, 1, 1, 2)

    def name_of(self, arg: ast.arg) -> Span:
        """Give the place of a parameter's name, its annotation left out."""
        start = self.at(arg)
        return Span(start.line, start.column, start.line, start.column + len(arg.arg))

    def name_span(self, node: ast.FunctionDef | ast.ClassDef) -> Span:
        """Give the place of the name behind ``def`` or ``class``."""
        start = self.at(node)
        return self.word(node.name, start) or start

    def word(self, word: str, start: Span) -> Span | None:
        """Find a whole word at or behind the start of a span, on the same line."""
        if not 1 <= start.line <= len(self._lines):
            return None
        line = self._lines[start.line - 1]
        found = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)").search(line, start.column - 1)
        if found is None:
            return None
        return Span(start.line, found.start() + 1, start.line, found.end() + 1)

    def text(self, node: ast.AST, limit: int = 40) -> str:
        """Give the source of an expression as it is written, cut to one short line.

        `ast.unparse` would do it too, but takes several Python frames for each level of a tree
        that may be as deep as the limits allow.
        """
        span = self.at(node)
        line = self._lines[span.line - 1] if span.line <= len(self._lines) else ""
        whole = span.end_line == span.line
        shown = line[span.column - 1 : span.end_column - 1] if whole else line[span.column - 1 :]
        return shown.strip() if whole and len(shown) <= limit else shown[:limit].rstrip() + "…"

    def attribute(self, node: ast.Attribute) -> Span:
        """Give the place of the name behind the dot."""
        whole = self.at(node)
        begin = max(1, whole.end_column - len(node.attr))
        return Span(whole.end_line, begin, whole.end_line, whole.end_column)


def depth_limit(limits: Limits) -> int:
    """How deep a tree may be: a level of the text is up to four of the tree."""
    return 4 * limits.nesting


def parse(source: bytes, limits: Limits) -> Parsed:
    """Decode, cap and parse a source.

    Args:
        source: Untrusted bytes.
        limits: ``source_bytes``, ``source_lines``, ``line_bytes``, ``tokens``, ``nesting``,
            ``nodes``, ``string_bytes``, ``identifier_chars`` and ``integer_bits`` are used.

    Returns:
        A tree, or the findings that say why there is none. Nothing is raised for bad text.
    """
    if len(source) > limits.source_bytes:
        # Not even decoded: the text is not shown anyway.
        too_large = RULES["SBX103"].finding(
            None, what="bytes", count=len(source), limit=limits.source_bytes, setting="source_bytes"
        )
        return Parsed("", None, (too_large,))
    notes: list[Finding] = []
    if source.startswith(_BOM):
        source = source[len(_BOM) :]
        notes.append(RULES["SBX112"].finding(None))
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        found = RULES["SBX101"].finding(
            None, byte=f"0x{source[error.start]:02x}", offset=error.start, line=line
        )
        return Parsed("", None, (found,))
    errors = [*_characters(text), *_lines(text, limits)]
    if not errors:
        errors = list(_scan(text, limits))
    if errors:
        return Parsed(text, None, (*notes, *errors))
    notes.extend(_cookie(text))
    tree, refusal = _tree(text)
    if tree is None:
        return Parsed(text, None, (*notes, *refusal))
    if not tree.body:
        return Parsed(text, None, (*notes, RULES["SBX102"].finding(None)))
    errors = list(_measure(tree, text, limits))
    return Parsed(text, None if errors else tree, (*notes, *errors))


def _characters(text: str) -> Iterator[Finding]:
    """Refuse what a reader would not see, or would see in another order than the parser."""
    if text.isascii() and text.isprintable():
        return
    for number, line in enumerate(text.split("\n"), 1):
        shown = line.removesuffix("\r")
        if shown.isascii() and shown.replace("\t", "").isprintable():
            continue
        for column, char in enumerate(shown, 1):
            kind = unicodedata.category(char)
            if char != "\t" and (kind in ("Cc", "Cf", "Cs", "Zl", "Zp")):
                span = Span(number, column, number, column + 1)
                name = unicodedata.name(char, "control character")
                yield RULES["SBX109"].finding(span, code=f"U+{ord(char):04X}", name=name.lower())
                break  # one a line is enough to read


def _lines(text: str, limits: Limits) -> Iterator[Finding]:
    lines = text.split("\n")
    if len(lines) > limits.source_lines + 1:
        yield RULES["SBX103"].finding(
            None, what="lines", count=len(lines), limit=limits.source_lines, setting="source_lines"
        )
    for number, line in enumerate(lines, 1):
        # A character is at most four bytes, so most lines need no encoding.
        if 4 * len(line) > limits.line_bytes and len(line.encode()) > limits.line_bytes:
            yield RULES["SBX104"].finding(
                Span(number, 1, number, 2), count=len(line.encode()), limit=limits.line_bytes
            )


def _scan(text: str, limits: Limits) -> Iterator[Finding]:
    """Go once through the text and stop at the first thing that is too much.

    One finding is enough here: behind it the text is not program-like, and a second one would
    only be noise.
    """
    line, line_start = 1, 0
    count = depth = run = right = 0
    at_start = True
    indents = [0]
    digits = int(limits.integer_bits * 0.30103) + 2
    for match in _TOKEN.finditer(text):
        group = match.lastgroup
        begin, word = match.start(), match.group()
        if group == "skip":
            if at_start and not word.startswith(("#", "\\")):
                continue
            continue
        span = Span(line, begin - line_start + 1, line, begin - line_start + 2)
        if group == "newline":
            line += 1
            line_start = match.end()
            if depth == 0:
                at_start, right, run = True, 0, 0
            continue
        if at_start:
            at_start = False
            width = begin - line_start
            while indents[-1] > width:
                indents.pop()
            if indents[-1] < width:
                indents.append(width)
            if len(indents) > limits.nesting:
                yield RULES["SBX105"].finding(span, what="indented blocks", limit=limits.nesting)
                return
        count += 1
        if count > limits.tokens:
            yield RULES["SBX103"].finding(
                span,
                what="tokens",
                count=f"over {limits.tokens}",
                limit=limits.tokens,
                setting="tokens",
            )
            return
        prefix = (group == "op" and word in "+-~") or (group == "name" and word in _PREFIX_WORDS)
        run = run + 1 if prefix else 0
        right += word in _RIGHT_WORDS
        if run > limits.nesting or right > depth_limit(limits):
            yield RULES["SBX105"].finding(span, what="operators", limit=limits.nesting)
            return
        if group == "open":
            depth += 1
            if depth > limits.nesting:
                yield RULES["SBX105"].finding(span, what="brackets", limit=limits.nesting)
                return
        elif group == "close":
            depth = max(0, depth - 1)
        elif group == "name" and len(word) > limits.identifier_chars:
            yield RULES["SBX111"].finding(
                span, name=word[:16] + "…", count=len(word), limit=limits.identifier_chars
            )
            return
        elif group == "number" and len(word) > digits:
            yield RULES["SBX106"].finding(span, what="a number", count=len(word), limit=digits)
            return
        elif group == "string":
            if 4 * len(word) > limits.string_bytes and len(word.encode()) > limits.string_bytes:
                size = len(word.encode())
                yield RULES["SBX106"].finding(
                    span, what="a string", count=size, limit=limits.string_bytes
                )
                return
            if "f" in match.group("prefix").lower() and _brackets(word) > limits.nesting:
                yield RULES["SBX105"].finding(span, what="brackets", limit=limits.nesting)
                return
            newlines = word.count("\n")
            if newlines:
                line += newlines
                line_start = begin + word.rindex("\n") + 1


def _brackets(text: str) -> int:
    """How many brackets are open at most, whatever else the text is."""
    deepest = depth = 0
    for char in text:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth = max(0, depth - 1)
    return deepest


_COOKIE: Final = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def _cookie(text: str) -> Iterator[Finding]:
    """Say so where a coding comment asks for something else than the UTF-8 that was read."""
    for number, line in enumerate(text.split("\n")[:2], 1):
        found = _COOKIE.match(line)
        if found and found[1].lower().replace("_", "-") not in ("utf-8", "utf8", "ascii"):
            span = Span(number, found.start(1) + 1, number, found.end(1) + 1)
            yield RULES["SBX113"].finding(span, name=found[1])


def _tree(text: str) -> tuple[ast.Module | None, tuple[Finding, ...]]:
    try:
        with warnings.catch_warnings():
            # An invalid escape in a string is a warning of the compiler, and not ours to show.
            warnings.simplefilter("ignore")
            return ast.parse(text, filename="<guest>"), ()
    except SyntaxError as error:
        return None, (_syntax_error(error, text),)
    except (RecursionError, MemoryError):
        return None, (
            RULES["SBX105"].finding(None, what="operators", limit="what the parser takes"),
        )
    except ValueError as error:
        return None, (RULES["SBX108"].finding(None, reason=str(error)[:200], advice=_ADVICE),)
    except Exception as error:
        # The parser promises nothing about text it was not made for.
        reason = f"the parser failed with {type(error).__name__}"
        return None, (RULES["SBX108"].finding(None, reason=reason, advice=_ADVICE),)


def compile_findings(tree: ast.Module, text: str) -> tuple[Finding, ...]:
    """Ask the compiler for what the parser lets pass: ``return`` outside a function, say.

    Nothing runs; the code object is thrown away. Only trees without errors come here, so the
    compiler never sees more than the caps allow.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(tree, "<guest>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return (_syntax_error(error, text),)
    except Exception as error:
        reason = f"the compiler failed with {type(error).__name__}"
        return (RULES["SBX108"].finding(None, reason=reason, advice=_ADVICE),)
    return ()


_ADVICE: Final = "write the statement out as plain Python"
_SYNTAX_ADVICE: Final = (
    ("never closed", "close the bracket"),
    ("does not match opening", "close the bracket that was opened last"),
    ("unmatched", "open the bracket, or leave the closing one out"),
    ("expected ':'", "end the line with a colon"),
    ("expected an indented block", "indent the lines that belong to the statement before"),
    ("unexpected indent", "start the line in the column of the one before"),
    ("unindent does not match", "start the line in the column of the block it belongs to"),
    ("inconsistent use of tabs", "indent with spaces only"),
    ("unterminated", "close the quotes on the same line"),
    ("Maybe you meant '=='", "write `==` to compare"),
    ("forgot a comma", "put a comma between the two"),
    ("cannot assign", "put a name on the left of `=`"),
    ("outside function", "move the statement into a function"),
    ("duplicate argument", "give each parameter a name of its own"),
)


def _syntax_error(error: SyntaxError, text: str) -> Finding:
    reason = error.msg or "invalid syntax"
    lines = text.split("\n")
    span: Span | None = None
    if error.lineno is not None:
        line = min(max(1, error.lineno), len(lines))
        width = len(lines[line - 1].rstrip("\r"))
        # Offsets of SyntaxError count characters from 1; 0 means unknown.
        column = min(max(1, error.offset or 1), width + 1)
        end_line = error.end_lineno or line
        end = error.end_offset or 0
        if end_line != line or end <= column:
            end_line, end = line, column + 1
        span = Span(line, column, end_line, end)
    advice = next((text for part, text in _SYNTAX_ADVICE if part in reason), _ADVICE)
    shown = lines[span.line - 1].strip() if span else ""
    if shown.startswith("```"):
        advice = "leave the code fence out; the source is plain Python"
    elif advice is _ADVICE and shown and not re.search(r"[=(:\[]", shown):
        advice = "leave prose out, or put `#` before it"
    return RULES["SBX108"].finding(span, reason=reason[:200], advice=advice)


def _measure(tree: ast.Module, text: str, limits: Limits) -> Iterator[Finding]:
    """Cap the tree itself: without recursion, since nothing is known of its depth yet."""
    deepest = depth_limit(limits)
    count = 0
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > deepest:
            span = Places(text).span(node)
            yield RULES["SBX105"].finding(span, what="operators or blocks", limit=limits.nesting)
            return
        if count > limits.nodes:
            yield RULES["SBX103"].finding(
                None,
                what="syntax nodes",
                count=f"over {limits.nodes}",
                limit=limits.nodes,
                setting="nodes",
            )
            return
        waiting.extend((child, depth + 1) for child in child_nodes(node))
    if text.isascii():
        return
    yield from _folded(text, limits)


_TEXT_TOKENS: Final = frozenset(
    getattr(tokenize, name)
    for name in ("STRING", "COMMENT", "FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END")
    if hasattr(tokenize, name)
)


def _folded(text: str, limits: Limits) -> Iterator[Finding]:
    """Refuse identifiers that the parser reads as other letters than those on the screen."""
    seen: set[str] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            word = token.string
            if token.type in _TEXT_TOKENS or word.isascii() or word in seen:
                continue
            seen.add(word)
            read = unicodedata.normalize("NFKC", word)
            row, column = token.start
            span = Span(row, column + 1, row, column + 1 + len(word))
            if read != word:
                yield RULES["SBX110"].finding(span, name=word, read=read)
            elif len(word) > limits.identifier_chars:
                yield RULES["SBX111"].finding(
                    span, name=word[:16] + "…", count=len(word), limit=limits.identifier_chars
                )
    except (tokenize.TokenError, SyntaxError, ValueError):
        # The parser took the text, so this is a corner where the two disagree: refuse it.
        yield RULES["SBX108"].finding(None, reason="the text has no clear tokens", advice=_ADVICE)
