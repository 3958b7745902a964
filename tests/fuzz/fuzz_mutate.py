"""Makes new programs of known ones: by tokens, by lines, and by parts of the syntax tree.

The seeds are the corpora of the tests: attacks, ways out that were tried, benign and natural
programs. A mutation replaces an expression by one from another program, or by one of the
grammar's hostile ones; swaps, drops, doubles or moves lines; or changes one token for another of
its kind. Text is cut by the places of the tree, so what comes of it is mostly a program again.
"""

from __future__ import annotations

import ast
import random
import re
from functools import cache
from typing import TYPE_CHECKING, Final

import corpus_reader
from fuzz_grammar import HOSTILE, MOODS, RandomChooser, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["mixed", "mutate", "seeds"]

LONGEST: Final = 1_500
"""Characters of a seed; a long program takes ten times as long and finds no more."""
_FRAGMENT: Final = 90
_TOKEN: Final = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|[-+*/%<>=!&|^]=?|\"[^\"\n]*\"|'[^'\n]*'")
_HOLE: Final = re.compile(r"\{[vwf]\}")


def _files() -> Iterator[Path]:
    corpus = corpus_reader.STATE.parent
    for folder in ("attacks/dev", "attacks/benign_dev", "escapes", "accepted", "state/*"):
        yield from sorted(corpus.glob(f"{folder}/*.py"))


@cache
def seeds() -> tuple[str, ...]:
    """Give the programs of the corpora, one by one."""
    found: list[str] = []
    for path in _files():
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
        found.extend(
            "\n".join(line for line in chunk.split("\n") if line[:1] != "#")
            for chunk in text.split("# ---\n")
            if len(chunk) <= LONGEST
        )
    return tuple(found)


@cache
def _expressions() -> tuple[str, ...]:
    """Give expressions of all corpora, long programs included."""
    found: dict[str, None] = {}
    for path in _files():
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
        for chunk in text.split("# ---\n"):
            if len(chunk) > 4 * LONGEST:
                continue
            try:
                tree = ast.parse(chunk)
            except (SyntaxError, ValueError, MemoryError, RecursionError):
                continue
            lines = [line.encode() for line in chunk.split("\n")]
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.expr)
                    and not isinstance(node, ast.Constant | ast.Name)
                    and node.lineno == node.end_lineno
                    and 0 < (node.end_col_offset or 0) - node.col_offset < _FRAGMENT
                ):
                    part = lines[node.lineno - 1][node.col_offset : node.end_col_offset]
                    found[part.decode(errors="replace")] = None
    return tuple(found)


@cache
def _lines() -> tuple[str, ...]:
    found = {line.strip() for text in seeds() for line in text.split("\n")}
    return tuple(sorted(line for line in found if 3 < len(line) < _FRAGMENT and line[-1] != ":"))


@cache
def _tokens() -> dict[str, tuple[str, ...]]:
    kinds: dict[str, set[str]] = {}
    for text in seeds():
        for token in _TOKEN.findall(text):
            kinds.setdefault(_kind(token), set()).add(token)
    return {kind: tuple(sorted(tokens)) for kind, tokens in kinds.items()}


def _kind(token: str) -> str:
    if token[0].isdigit():
        return "number"
    if token[0].isalpha() or token[0] == "_":
        return "name"
    return "text" if token[0] in "\"'" else "operator"


def _by_tree(text: str, chance: random.Random) -> str:
    """Put another expression in the place of one."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return _by_token(text, chance)
    nodes = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.expr)
        and not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
        and node.lineno == node.end_lineno
    ]
    if not nodes:
        return _by_line(text, chance)
    node = chance.choice(nodes)
    names = [item.id for item in ast.walk(tree) if isinstance(item, ast.Name)] or ["obs"]
    which = chance.random()
    if which < 0.2:
        new = _HOLE.sub(lambda _: chance.choice(names), chance.choice(HOSTILE)).replace("{{", "{")
        new = new.replace("}}", "}")
    elif which < 0.35:
        new = chance.choice(names)
    else:
        new = chance.choice(_expressions())
    lines = text.split("\n")
    line = lines[node.lineno - 1].encode()
    start, end = node.col_offset, node.end_col_offset or node.col_offset
    lines[node.lineno - 1] = (line[:start] + new.encode() + line[end:]).decode(errors="replace")
    return "\n".join(lines)


def _by_token(text: str, chance: random.Random) -> str:
    """Put another token in the place of one."""
    places = list(_TOKEN.finditer(text))
    if not places:
        return text
    place = chance.choice(places)
    kind = _kind(place.group())
    if chance.random() < 0.5:
        own = [item.group() for item in places if _kind(item.group()) == kind]
        new = chance.choice(own)
    else:
        new = chance.choice(_tokens()[kind])
    return text[: place.start()] + new + text[place.end() :]


def _by_line(text: str, chance: random.Random) -> str:
    """Drop, double, swap or insert a line."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    which = chance.randrange(4)
    if which == 0 and len(lines) > 2:
        del lines[at]
    elif which == 1:
        lines.insert(at, lines[at])
    elif which == 2:
        other = chance.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines.insert(at, indent + chance.choice(_lines()))
    return "\n".join(lines)


_WAYS: Final = (_by_tree, _by_tree, _by_tree, _by_token, _by_line)


def mutate(text: str, chance: random.Random, most: int = 3) -> str:
    """Change a program in one place, or in up to ``most``."""
    for _ in range(chance.randrange(most) + 1):
        text = chance.choice(_WAYS)(text, chance)
    return text[: 2 * LONGEST]


def mixed(chance: random.Random) -> str:
    """Give a program: mostly of the grammar, some of a seed, some a mutation of either."""
    which = chance.random()
    if which < 0.87:
        # Admitted programs run; the others show that the gate holds.
        mood = MOODS[1] if which < 0.78 else chance.choice(MOODS)
        text = program(RandomChooser(chance), mood)
        return text if which < 0.85 else mutate(text, chance)
    return mutate(chance.choice(seeds()), chance)
