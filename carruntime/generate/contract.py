"""What a program may be, in words for a model, made from the tables that decide.

The lists of modules, names, refused things and caps come from `sandbox.dialect` and
`sandbox.limits`, so that a prompt cannot promise what the sandbox refuses. What parameters and
results mean is written out here and held against the checker by tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from sandbox.dialect import (
    BUILTINS,
    METHODS,
    MODULES,
    REFUSED_BUILTINS,
    REFUSED_MODULES,
    REFUSED_NODES,
    Entry,
)
from sandbox.limits import Limits

__all__ = ["CONTRACT_VERSION", "PARAMETERS", "contract"]

CONTRACT_VERSION: Final = 1

PARAMETERS: Final[Mapping[str, str]] = {
    "obs": "the observation before the action",
    "next_obs": "the observation after the action",
    "initial_obs": "the first observation of the episode",
    "action": "the action that was taken",
    "terminated": "bool: this step ended the episode",
    "truncated": "bool: this step hit the time limit",
    "t": "int: transitions since reset, 0 on the first",
}
"""Names a parameter may have, and what it then gets."""

_LIMITS: Final = (
    "At most {kib} KiB and {lines:,} lines; loops must end: the work of one call is metered, and far "
    "more is allowed than any sensible program needs."
)
_SHOWN_VALUES: Final = ("ndarray", "str", "list", "dict", "deque")
_ASIDE: Final = frozenset(
    {"typing", "numpy.typing", "collections.abc", "logging", "warnings", "abc", "types", "copy"}
    | {"numbers", "string", "__future__", "re", "numpy.fft", "typing_extensions"}
)
"""Admitted too, and seldom of use in a reward: named without what is in them."""


@cache
def contract() -> str:
    """Give the language part of a prompt."""
    limits = Limits()
    return "\n".join(
        [
            *_modules(),
            "",
            f"Built-in functions and types: {_names(BUILTINS)}.",
            "",
            *(f"Of {_kind(kind)}: {_names(METHODS[kind])}." for kind in _SHOWN_VALUES),
            "",
            "Whatever is on none of these lists is refused. What is asked for most often:",
            "",
            *_refused(),
            "",
            _LIMITS.format(kib=limits.source_bytes // 1024, lines=limits.source_lines),
        ]
    )


def _modules() -> Iterator[str]:
    yield "Modules that can be imported, with what is in them:"
    yield ""
    for module, table in MODULES.items():
        if module not in _ASIDE:
            yield f"- `{module}`: {_names(table)}"
    aside = ", ".join(f"`{name}`" for name in MODULES if name in _ASIDE)
    yield f"- and, in their harmless parts: {aside}"


def _names(table: Mapping[str, Entry]) -> str:
    return " ".join(name for name, entry in table.items() if entry.kind != "annotation")


def _kind(kind: str) -> str:
    return "arrays" if kind == "ndarray" else f"`{kind}`"


def _refused() -> Iterator[str]:
    """Merge the tables of refusals by what to write instead."""
    merged: dict[str, list[str]] = {}
    for what, advice in REFUSED_NODES.values():
        if what.startswith("`"):  # the others are kinds of syntax that no model has heard of
            merged.setdefault(advice, []).append(what)
    for table, form in (
        (REFUSED_BUILTINS, "`{}`"),
        (REFUSED_MODULES, "`import {}`"),
    ):
        for name, advice in table.items():
            if not name.startswith("__"):
                merged.setdefault(advice, []).append(form.format(name))
    for advice, names in merged.items():
        yield f"- {', '.join(names)}: {advice}"
