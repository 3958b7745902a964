r"""How long a regular expression can take, from its text: before it looks at anything.

CPython's engine backtracks: where a repeat can give up characters that what follows could take as
well, it tries every share, and nested repeats multiply without bound. So a pattern is read into a
bound on the paths that the engine can try: ``factor * (n + 1) ** degree`` for a text of n
characters. A repeat adds a degree only where what follows can begin with a character that it
takes itself; ``(\w+) (\w+)`` adds none. Repeats of what is already ambiguous are refused, and so
is everything the bound does not cover: references to groups, looks ahead and behind, conditions.

Sets of characters are masks: a bit for each of ASCII, and four for all others (letters, digits,
spaces, the rest). A mask is never too small, so two that do not meet really share no character.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from itertools import pairwise
from re import _constants as ops  # type: ignore[attr-defined]  # the engine's own reading
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

__all__ = ["MOST_PATTERN", "MOST_TEXT", "PatternRefusedError", "Shape", "examine"]

MOST_PATTERN: Final = 200
"""Characters of a pattern."""
MOST_TEXT: Final = 4_096
"""Characters of a text that patterns look at."""
_FLAGS: Final = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.ASCII | re.VERBOSE | re.UNICODE
_DEEPEST: Final = 20
_OTHERS: Final = 0b1111 << 128
_ALL: Final = (1 << 132) - 1
_WORD: Final = sum(1 << c for c in range(128) if chr(c).isalnum() or chr(c) == "_") | 0b0011 << 128
_DIGIT: Final = sum(1 << c for c in range(128) if chr(c).isdigit()) | 0b0010 << 128
_SPACE: Final = sum(1 << c for c in range(128) if chr(c).isspace()) | 0b0100 << 128
_CATEGORIES: Final = {
    ops.CATEGORY_WORD: _WORD,
    ops.CATEGORY_DIGIT: _DIGIT,
    ops.CATEGORY_SPACE: _SPACE,
    ops.CATEGORY_NOT_WORD: _ALL & ~_WORD,
    ops.CATEGORY_NOT_DIGIT: _ALL & ~_DIGIT,
    ops.CATEGORY_NOT_SPACE: _ALL & ~_SPACE,
}
_REFUSED: Final = {
    ops.GROUPREF: "refers to a group",
    ops.GROUPREF_EXISTS: "asks whether a group matched",
    ops.ASSERT: "looks ahead or behind",
    ops.ASSERT_NOT: "looks ahead or behind",
    ops.ATOMIC_GROUP: "holds an atomic group",
    ops.POSSESSIVE_REPEAT: "holds a possessive repeat",
}


class PatternRefusedError(ValueError):
    """A pattern that could take without bound, or that nobody looked at."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A bound on what a pattern costs.

    Attributes:
        size: Parts of the pattern.
        factor: Paths, where no repeat is ambiguous.
        degree: Ambiguous repeats one after the other.
    """

    size: int
    factor: int
    degree: int

    def steps(self, length: int) -> int:
        """Bound the steps of the engine on a text, from all places where a match could begin."""
        ahead = length + 1
        # Each part is entered, left, repeated and given up.
        return int(4 * self.size * self.factor * ahead ** (self.degree + 2))


@dataclass(frozen=True, slots=True)
class _Paths:
    factor: int
    degree: int

    def times(self, other: _Paths) -> _Paths:
        factor = self.factor * other.factor
        if factor > 1 << 20:
            raise PatternRefusedError("has too many alternatives")
        return _Paths(factor, self.degree + other.degree)


_ONE: Final = _Paths(1, 0)


def examine(pattern: str, flags: int = 0) -> Shape:
    """Read a pattern.

    Raises:
        PatternRefusedError: If no bound is known, with the reason as the rest of a sentence.
        re.error: If it is no pattern.
    """
    if len(pattern) > MOST_PATTERN:
        raise PatternRefusedError(
            f"has {len(pattern)} characters; at most {MOST_PATTERN} are taken"
        )
    if flags & ~_FLAGS:
        raise PatternRefusedError("is compiled with a flag that is not known")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = parser.parse(pattern, flags)
    if tree.state.flags & ~_FLAGS:
        raise PatternRefusedError("is compiled with a flag that is not known")
    reader = _Reader(tree.state.flags)
    paths, _ = reader.sequence(list(tree), 0, 0)
    return Shape(reader.size + 1, paths.factor, paths.degree)


class _Reader:
    def __init__(self, flags: int) -> None:
        self.ignores_case = bool(flags & re.IGNORECASE)
        self.ascii = bool(flags & re.ASCII)
        self.dot = _ALL if flags & re.DOTALL else _ALL & ~(1 << ord("\n"))
        self.size = 0

    def sequence(self, items: list[Any], after: int, depth: int) -> tuple[_Paths, int]:
        """Bound the paths through parts that stand one after the other."""
        if depth > _DEEPEST:
            raise PatternRefusedError(f"is nested deeper than {_DEEPEST} groups")
        total = _ONE
        for op, value in reversed(items):
            self.size += 1
            paths, after = self.part(op, value, after, depth)
            total = total.times(paths)
        return total, after

    def part(self, op: Any, value: Any, after: int, depth: int) -> tuple[_Paths, int]:
        if op in _REFUSED:
            raise PatternRefusedError(_REFUSED[op])
        if op is ops.AT:
            return _ONE, after
        mask = self.characters(op, value)
        if mask is not None:
            return _ONE, mask
        if op is ops.SUBPATTERN:
            _group, added, removed, inner = value
            if added or removed:
                raise PatternRefusedError("changes its flags within")
            return self.sequence(list(inner), after, depth + 1)
        if op is ops.BRANCH:
            return self.branch([list(item) for item in value[1]], after, depth)
        if op is ops.MAX_REPEAT or op is ops.MIN_REPEAT:
            least, most, inner = value
            return self.repeat(least, most, inner, after, depth)
        raise PatternRefusedError(f"holds {op}, which is not known")

    def branch(self, items: list[list[Any]], after: int, depth: int) -> tuple[_Paths, int]:
        found = [self.sequence(item, after, depth + 1) for item in items]
        seen, apart = 0, True
        for _, start in found:
            apart = apart and not (start & seen)
            seen |= start
        apart = apart or _are_words_apart(items)
        factors = [paths.factor for paths, _ in found]
        degree = max(paths.degree for paths, _ in found)
        factor = max(factors) if apart else sum(factors)
        return _Paths(factor, degree), seen

    def repeat(
        self, least: int, most: Any, inner: Any, after: int, depth: int
    ) -> tuple[_Paths, int]:
        items = list(inner)
        one = self.characters(*items[0]) if len(items) == 1 else None
        if most == 1 and least == 1:
            return self.sequence(items, after, depth + 1)
        if most == 1:
            return self.branch([items, []], after, depth)
        if inner.getwidth()[0] == 0:
            raise PatternRefusedError("repeats what can be empty")
        if one is None:
            start = self.sequence(items, after, depth + 1)[1]
            paths, one = self.sequence(items, start | after, depth + 1)
            if paths.degree or paths.factor > 1:
                raise PatternRefusedError("repeats what can itself match in several ways")
        ambiguous = bool(one & after) and most != least
        return _Paths(1, 1) if ambiguous else _ONE, one | after if least == 0 else one

    def characters(self, op: Any, value: Any) -> int | None:
        """Give the characters that one part takes; None where it takes more than one."""
        if op is ops.LITERAL:
            return self.literal(value)
        if op is ops.NOT_LITERAL:
            plain = value < 128 and not self.ignores_case
            return _ALL & ~(1 << value) if plain else _ALL
        if op is ops.ANY:
            return self.dot
        if op is not ops.IN:
            return None
        mask, negated, coarse = 0, False, self.ignores_case or self.ascii
        for kind, item in value:
            if kind is ops.NEGATE:
                negated = True
            elif kind is ops.LITERAL:
                mask |= self.literal(item)
                coarse = coarse or item >= 128
            elif kind is ops.RANGE:
                low, high = item
                if high >= 128:
                    raise PatternRefusedError("holds a range beyond ASCII")
                for code in range(low, high + 1):
                    mask |= self.literal(code)
            elif kind is ops.CATEGORY and item in _CATEGORIES:
                mask |= _CATEGORIES[item]
            else:
                raise PatternRefusedError(f"holds {kind}, which is not known")
        if not negated:
            return mask
        # What a set leaves out is known only where its own mask is not too large.
        return _ALL if coarse else _ALL & ~mask

    def literal(self, code: int) -> int:
        if code >= 128:
            return _OTHERS | (_ALL if self.ignores_case else 0)
        mask = 1 << code
        if self.ignores_case:
            char = chr(code)
            mask |= 1 << ord(char.lower()) | 1 << ord(char.upper()) | _OTHERS
        return mask


def _are_words_apart(items: list[list[Any]]) -> bool:
    """Whether all alternatives are words of which none begins another: at most one can match."""
    words = []
    for item in items:
        if not item or any(op is not ops.LITERAL for op, _ in item):
            return False
        words.append(tuple(value for _, value in item))
    ordered = sorted(words)
    # A word that begins others stands right before one of them.
    return all(later[: len(word)] != word for word, later in pairwise(ordered))
