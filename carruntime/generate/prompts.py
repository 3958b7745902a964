"""The prompts: plain text files in ``templates/``, filled once, with a digest over all of them.

A template has holes, ``{{name}}``, each filled with a value in a single pass: what a value holds,
holes included, is never looked at again. So a model's text, which comes back in later prompts as a
description, a list of sub-tasks or a program to mend, is text there and nothing else; `quoted`
also keeps it from ending the block it stands in.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib import resources
from typing import Final

__all__ = ["TEMPLATES", "VERSION", "fill", "flat", "quoted", "template", "templates_digest"]

VERSION: Final = 1
"""Of the prompts; counts up when one changes in a way that matters. The digest tells all."""

TEMPLATES: Final = (
    *("system", "task", "subtasks", "subtask", "reward_function", "reward_class", "script"),
    *("whole", "whole_reward", "mend", "reflect", "inputs", "inputs_frame", "form"),
)
_HOLE: Final = re.compile(r"\{\{([a-z_]+)\}\}")


@cache
def template(name: str) -> str:
    """Give the text of a template."""
    place = resources.files("carruntime.generate") / "templates" / f"{name}.md"
    return place.read_text(encoding="utf-8")


@cache
def templates_digest() -> str:
    """Give a SHA-256 in hex over all templates, which a bundle records."""
    made = hashlib.sha256()
    for name in TEMPLATES:
        text = template(name).encode()
        made.update(f"{name} {len(text)}\n".encode() + text)
    return made.hexdigest()


def fill(name: str, /, **values: str) -> str:
    """Fill a template.

    Args:
        name: The template.
        **values: One for each of its holes, and no others.

    Raises:
        KeyError: If a value is missing or has no hole; both are mistakes in our own code.
    """
    text = template(name)
    holes = set(_HOLE.findall(text))
    if holes != set(values):
        raise KeyError(f"template {name}: {sorted(holes ^ set(values))}")
    filled = _HOLE.sub(lambda hole: values[hole[1]].strip("\n"), text)
    return filled.strip("\n") + "\n"


def quoted(text: str, language: str = "") -> str:
    """Give a text as a fenced block that it cannot end, with control characters shown."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{_plain(text).rstrip()}\n{fence}"


def flat(text: str, limit: int) -> str:
    """Give a model's prose as lines of a quotation, control characters shown, cut at a length."""
    cut = text[:limit].rstrip() + (" …" if len(text) > limit else "")
    return "\n".join(f"> {line}".rstrip() for line in _plain(cut).split("\n"))


def _plain(text: str) -> str:
    return "".join(
        char
        if char.isprintable() or char in "\n\t"
        else char.encode("unicode_escape").decode("ascii")
        for char in text.replace("\r\n", "\n").replace("\r", "\n")
    )
