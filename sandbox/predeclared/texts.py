"""Regular expressions as a guest sees them: patterns with a known bound, texts of a capped length.

`sandbox.patterns` reads each pattern before the engine gets it, and every search is paid for with
what it could take at most. Pattern and match are views: the real ones lead to each other, to the
whole text and to the scanner of the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from sandbox.guards import Meter
from sandbox.patterns import MOST_TEXT, PatternRefusedError, Shape, examine

__all__ = ["TextMatch", "TextPattern", "expressions"]

_STEPS_PER_UNIT: Final = 64
_MOST_KEPT: Final = 64
_COMPILING: Final = 100
_COMPILING_CHAR: Final = 20
"""What the engine takes to read a pattern, charged each time, kept or not."""


class TextMatch:
    """One match."""

    __slots__ = ("_match",)
    # Its groups are read by number; going through it is an error in Python too.
    __iter__ = None
    __contains__ = None

    def __init__(self, match: re.Match[str]) -> None:
        self._match = match

    def __getitem__(self, group: Any) -> Any:
        return self._match[group]

    def group(self, *groups: Any) -> Any:
        """Give groups by number or name; the whole match without an argument."""
        return self._match.group(*groups)

    def groups(self, default: Any = None) -> tuple[Any, ...]:
        """Give all groups."""
        return self._match.groups(default)

    def groupdict(self, default: Any = None) -> dict[str, Any]:
        """Give the groups that have a name."""
        return self._match.groupdict(default)

    def start(self, group: Any = 0) -> int:
        """Give where a group begins."""
        return self._match.start(group)

    def end(self, group: Any = 0) -> int:
        """Give where a group ends."""
        return self._match.end(group)

    def span(self, group: Any = 0) -> tuple[int, int]:
        """Give both."""
        return self._match.span(group)


class TextPattern:
    """One pattern of one program."""

    __slots__ = ("_code", "_meter", "_shape")

    def __init__(self, meter: Meter, pattern: str, flags: int, shape: Shape) -> None:
        self._meter = meter
        self._code = re.compile(pattern, flags)
        self._shape = shape

    def _pay(self, string: Any) -> str:
        if string.__class__ is not str:
            raise TypeError(f"expected string, got {type(string).__name__!r}")
        if len(string) > MOST_TEXT:
            raise ValueError(
                f"a text of {len(string):,} characters; patterns look at {MOST_TEXT:,} at most"
            )
        self._meter.charge(1 + self._shape.steps(len(string)) // _STEPS_PER_UNIT)
        return str(string)

    @property
    def pattern(self) -> str:
        """The text of the pattern."""
        return self._code.pattern

    def search(self, string: Any) -> TextMatch | None:
        """Find the first match."""
        return _found(self._code.search(self._pay(string)))

    def match(self, string: Any) -> TextMatch | None:
        """Match at the beginning."""
        return _found(self._code.match(self._pay(string)))

    def fullmatch(self, string: Any) -> TextMatch | None:
        """Match all of the text."""
        return _found(self._code.fullmatch(self._pay(string)))

    def findall(self, string: Any) -> list[Any]:
        """Give the texts of all matches."""
        return self._code.findall(self._pay(string))

    def finditer(self, string: Any) -> Iterator[TextMatch]:
        """Go through all matches."""
        found = [TextMatch(match) for match in self._code.finditer(self._pay(string))]
        self._meter.charge(len(found))
        return iter(found)

    def split(self, string: Any, maxsplit: Any = 0) -> list[Any]:
        """Split at all matches."""
        return self._code.split(self._pay(string), maxsplit)

    def sub(self, repl: Any, string: Any, count: Any = 0) -> str:
        """Put something else in the place of all matches."""
        text = self._pay(string)
        if isinstance(repl, str):
            # Groups that the replacement names are parts of the text; each match has others.
            size = (len(text) + 2) * (len(repl) + 1) + len(text) * len(repl)
            self._meter.text(size)
            return self._code.sub(repl, text, count)
        total = len(text)

        def replaced(match: re.Match[str]) -> str:
            nonlocal total
            made = repl(TextMatch(match))
            if made.__class__ is not str:
                raise TypeError(f"expected str instance, {type(made).__name__} found")
            total += len(made)
            self._meter.text(total)
            return str(made)

        if not callable(repl):
            raise TypeError(f"expected string or function, got {type(repl).__name__!r}")
        return self._code.sub(replaced, text, count)


def _found(match: re.Match[str] | None) -> TextMatch | None:
    return None if match is None else TextMatch(match)


def expressions(meter: Meter) -> dict[str, Any]:
    """Make the members of `re`."""
    kept: dict[tuple[str, int], TextPattern] = {}

    def made(pattern: Any, flags: Any = 0) -> TextPattern:
        if isinstance(pattern, TextPattern):
            if flags:
                raise ValueError("cannot process flags argument with a compiled pattern")
            return pattern
        if pattern.__class__ is not str:
            raise TypeError("first argument must be string or compiled pattern")
        meter.charge(_COMPILING + _COMPILING_CHAR * len(pattern))
        key = (pattern, int(flags))
        if key not in kept:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            try:
                shape = examine(*key)
            except PatternRefusedError as error:
                raise ValueError(f"the pattern {error}; see docs/language.md") from None
            kept[key] = TextPattern(meter, *key, shape)
        return kept[key]

    def over(name: str) -> Callable[..., Any]:
        def view(pattern: Any, string: Any, flags: Any = 0) -> Any:
            return getattr(made(pattern, flags), name)(string)

        return view

    def split(pattern: Any, string: Any, maxsplit: Any = 0, flags: Any = 0) -> list[Any]:
        return made(pattern, flags).split(string, maxsplit)

    def sub(pattern: Any, repl: Any, string: Any, count: Any = 0, flags: Any = 0) -> str:
        return made(pattern, flags).sub(repl, string, count)

    def escape(pattern: Any) -> str:
        if pattern.__class__ is not str:
            raise TypeError(f"expected string, got {type(pattern).__name__!r}")
        meter.text(2 * len(pattern))
        return re.escape(pattern)

    flags = {
        name: int(getattr(re, name))
        for name in (
            "I",
            "IGNORECASE",
            "M",
            "MULTILINE",
            "S",
            "DOTALL",
            "A",
            "ASCII",
            "X",
            "VERBOSE",
        )
    }
    searches = ("search", "match", "fullmatch", "findall", "finditer")
    return {
        "compile": made,
        **{name: over(name) for name in searches},
        "split": split,
        "sub": sub,
        "escape": escape,
        "error": re.error,
        **flags,
    }
