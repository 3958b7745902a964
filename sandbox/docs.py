"""The dialect and the rules as a page: ``python -m sandbox.docs > docs/language.md``.

The page is made from the tables that decide, so it cannot promise anything else; a test compares
the committed page with what this module makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from sandbox.dialect import (
    ADMITTED_NODES,
    BUILTINS,
    CLASS_BASES,
    CLASS_METHODS,
    DECORATORS,
    METHODS,
    MODULES,
    REFUSED_ATTRIBUTES,
    REFUSED_BUILTINS,
    REFUSED_MEMBERS,
    REFUSED_MODULES,
    REFUSED_NODES,
    VERSION,
    Entry,
)
from sandbox.rules import RULES, Rule
from sandbox.tier_reasons import TIER_REASONS

__all__ = ["language"]

_TIER = frozenset(row[0] for row in TIER_REASONS)

_HEAD = """\
# What a program may write

Version {version} of the dialect. This page is generated from the tables that the checker and the
runtime use (`python -m sandbox.docs`); what it does not list is refused. Listed things mean what
they mean in CPython 3.11 or later with NumPy 2.

A program is one Python source of at most 64 KiB in UTF-8. It defines functions or a class; it is
called with the observation and gives a number. It has no files, no network, no clock, no
randomness and no output, and nothing it does on one row can reach another: state lives in `self`
of a class, and a new instance is made for every episode.

```python
import numpy as np

def reward(obs, action, next_obs):
    before = np.linalg.norm(obs["achieved_goal"] - obs["desired_goal"])
    after = np.linalg.norm(next_obs["achieved_goal"] - next_obs["desired_goal"])
    return float(before - after), {{"progress": float(before - after)}}
```
"""

_NODE_GROUPS: tuple[tuple[str, str, str], ...] = (
    ("Statements", "Module", "MatchOr"),
    ("Expressions", "BoolOp", "Slice"),
)


def language() -> str:
    """Make the page."""
    parts = [_HEAD.format(version=VERSION), *_syntax(), *_names(), *_modules(), *_methods()]
    parts.extend(_refused())
    parts.extend(_rules())
    parts.extend(_tier_reasons())
    return "\n".join(parts)


def _syntax() -> Iterator[str]:
    yield "## Syntax\n"
    names = list(ADMITTED_NODES)
    for title, first, last in _NODE_GROUPS:
        yield f"### {title}\n"
        chosen = names[names.index(first) : names.index(last) + 1]
        yield from _table(("construct", "why it is harmless"), _nodes(chosen))
    yield "All operators of Python are admitted. Special methods a class may define:\n"
    yield from _table(("method", "when it runs"), CLASS_METHODS.items())
    yield "Base classes, besides classes of the same program:\n"
    yield from _table(("base", "what for"), CLASS_BASES.items())
    yield "Decorators:\n"
    yield from _table(("decorator", "what it does"), DECORATORS.items())
    yield (
        "Names that a program defines may begin with one underscore, and attributes with two"
        ' (`_norm`, `self._prev`, `self.__steps`). A trailing `if __name__ == "__main__":` block'
        " is left out. Annotations are checked to be types and never evaluated. `with` takes"
        " only `np.errstate(...)`. A bare `except:` catches what `except Exception:` does.\n"
    )


def _nodes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if name not in ("Module", "withitem", "match_case"):
            yield name, ADMITTED_NODES[name]


def _names() -> Iterator[str]:
    yield "## Built-in names\n"
    yield from _entries(BUILTINS)


def _modules() -> Iterator[str]:
    yield "## Modules\n"
    yield (
        "An import gives a view with exactly these names, not the module. Arguments are admitted"
        " one by one: `(a, axis=…, *, keepdims=…)` takes `axis` by position or name and"
        " `keepdims` by name. Whatever is not shown, `out=` for one, is refused.\n"
    )
    for module, table in MODULES.items():
        yield f"### `{module}`\n"
        yield from _entries(table)


def _methods() -> Iterator[str]:
    yield "## Attributes and methods of values\n"
    yield (
        "`generic` is a NumPy scalar, `ufunc` one of NumPy's element-by-element functions,"
        " `exception` a caught exception, `enum` a member of an enum. Instances of the program's"
        " own classes have what the program defines.\n"
    )
    for kind, table in METHODS.items():
        if table:
            yield f"### `{kind}`\n"
            yield from _entries(table)


def _refused() -> Iterator[str]:
    yield "## Refused, and what to write instead\n"
    rows: list[tuple[str, str]] = []
    rows.extend(
        {what: advice for what, advice in REFUSED_NODES.values() if "old" not in what}.items()
    )
    rows.extend((f"`{name}`", advice) for name, advice in REFUSED_BUILTINS.items())
    rows.extend((f"`import {name}`", advice) for name, advice in REFUSED_MODULES.items())
    rows.extend((f"`{name}`", advice) for name, advice in REFUSED_MEMBERS.items())
    rows.extend((f"`x.{name}`", advice) for name, advice in REFUSED_ATTRIBUTES.items())
    merged: dict[str, list[str]] = {}
    for name, advice in rows:
        merged.setdefault(advice, []).append(name)
    yield from _table(
        ("refused", "instead"), ((", ".join(names), advice) for advice, names in merged.items())
    )


def _rules() -> Iterator[str]:
    yield "## Rules\n"
    yield (
        "Each finding names its rule, place, reason and what to write. An error keeps a program"
        " from being loaded, a warning is probably a mistake, a note is for information.\n"
    )
    titles = {
        "1": "The text",
        "2": "Statements and expressions",
        "3": "Names and attributes",
        "4": "Calls",
        "5": "Numbers",
        "6": "Mistakes that models make",
        "7": "What shows when the program is built",
    }
    rules = sorted((rule for rule in RULES.values() if rule.id not in _TIER), key=_by_id)
    for hundred, group in groupby(rules, key=lambda rule: rule.id[3]):
        yield f"### {titles.get(hundred, hundred)}\n"
        for rule in group:
            yield from _rule(rule)


def _tier_reasons() -> Iterator[str]:
    yield "## Why a program stays in the interpreted tier\n"
    yield (
        "These are notes and no faults: the interpreted tier takes such a program and gives the"
        " same rewards, only slower. `carruntime explain` names the code and its place.\n"
    )
    titles = {
        "1": "Syntax",
        "2": "Containers",
        "3": "Lengths and types that have to be known",
        "4": "Numbers and functions",
        "5": "Arrays",
        "6": "Text",
        "7": "What `self` keeps",
        "8": "Components",
        "9": "The compiler as a whole",
        "0": "By request",
    }
    rules = sorted((RULES[code] for code in _TIER), key=_by_id)
    for hundred, group in groupby(rules, key=lambda rule: rule.id[3]):
        yield f"### {titles.get(hundred, hundred)}\n"
        yield "| code | what it means | why | what to write instead |"
        yield "| --- | --- | --- | --- |"
        for rule in group:
            cells = (rule.id, rule.message, rule.why, rule.hint)
            yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
        yield ""


def _by_id(rule: Rule) -> str:
    return rule.id


def _rule(rule: Rule) -> Iterator[str]:
    yield f"**{rule.id}** ({rule.severity.value}) {rule.message}."
    yield f"Why: {rule.why}. Try: {rule.hint}.\n"
    if rule.bad and rule.good:
        yield "```python\n# refused or doubtful\n" if rule.bad else ""
        yield f"{rule.bad}\n# instead\n{rule.good}\n```\n"


def _entries(table: Mapping[str, Entry]) -> Iterator[str]:
    """Group the entries of a table by their reason."""
    groups: dict[str, list[str]] = {}
    for name, entry in table.items():
        shown = f"`{name}{entry.signature}`" if entry.callable else f"`{name}`"
        groups.setdefault(entry.reason, []).append(shown)
    yield from _table(
        ("names", "why harmless"), ((", ".join(names), reason) for reason, names in groups.items())
    )


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"| {head[0]} | {head[1]} |"
    yield "| --- | --- |"
    for left, right in rows:
        yield f"| {_cell(left)} | {_cell(right)} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.stdout.write(language())
