"""What an entry of the dialect says, and how the tables are written down.

A callable's parameters are an allow-list too: ``"a axis? dtype? | keepdims"`` admits up to three
arguments by position (the first one required, all also by name) and ``keepdims`` by name only.
So ``out=``, whose length several libraries do not check, cannot be given by position either.
A leading ``*`` takes any number of positional arguments, ``**`` any keywords.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["Entry", "Kind", "group", "table_of"]

Kind = Literal["function", "ufunc", "constant", "type", "module", "annotation", "exception"]
"""What a name stands for.

``type``: may be called, given to ``isinstance`` and used as a dtype where it is one.
``annotation``: may stand in annotations and be subscripted, and does nothing when it runs.
``ufunc``: a function that also has the methods of ``METHODS["ufunc"]``.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One admitted name.

    Attributes:
        reason: Why it is harmless.
        kind: What it stands for.
        params: Admitted by position, in order, and by name.
        required: How many of ``params`` must be given.
        keywords: Admitted by name only.
        variadic: Whether any number of positional arguments may follow ``params``.
        any_keyword: Whether every keyword is admitted.
    """

    reason: str
    kind: Kind = "function"
    params: tuple[str, ...] = ()
    required: int = 0
    keywords: tuple[str, ...] = ()
    variadic: bool = False
    any_keyword: bool = False

    @property
    def callable(self) -> bool:
        """Whether a guest may call it."""
        return self.kind in ("function", "ufunc", "type", "exception")

    @property
    def signature(self) -> str:
        """The admitted arguments as they are written in a call."""
        parts = [
            name if index < self.required else f"{name}=…" for index, name in enumerate(self.params)
        ]
        if self.variadic:
            parts.append("*args")
        elif self.keywords:
            parts.append("*")
        parts.extend(f"{name}=…" for name in self.keywords)
        if self.any_keyword:
            parts.append("**names")
        return f"({', '.join(parts)})"


def _entry(spec: str, reason: str, kind: Kind = "function") -> tuple[str, Entry]:
    """Read ``"name: a b? | c"``."""
    name, _, rest = spec.partition(":")
    plain, _, named = rest.partition("|")
    words = plain.split()
    variadic = "*" in words
    any_keyword = "**" in words
    words = [word for word in words if word not in ("*", "**")]
    required = sum(not word.endswith("?") for word in words)
    entry = Entry(
        reason=reason,
        kind=kind,
        params=tuple(word.rstrip("?") for word in words),
        required=required,
        keywords=tuple(named.split()),
        variadic=variadic,
        any_keyword=any_keyword,
    )
    return name.strip(), entry


def group(reason: str, *specs: str, kind: Kind = "function") -> Iterator[tuple[str, Entry]]:
    """Read several specs that share a reason; ``"a b c: x"`` gives three names one signature."""
    for spec in specs:
        names, colon, rest = spec.partition(":")
        for name in names.split():
            yield _entry(f"{name}{colon}{rest}", reason, kind)


def table_of(*groups: Iterator[tuple[str, Entry]]) -> Mapping[str, Entry]:
    """Make one table of some groups; no name may be in two of them."""
    found: dict[str, Entry] = {}
    for group in groups:
        for name, entry in group:
            if name in found:
                raise ValueError(f"dialect: {name} is listed twice")
            found[name] = entry
    return MappingProxyType(found)
