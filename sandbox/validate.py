"""Tree and dialect to findings."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from sandbox.diagnostics import Finding
from sandbox.dialect import ADMITTED_NODES, REFUSED_NODES
from sandbox.limits import Limits
from sandbox.parse import Places
from sandbox.rules import RULES

__all__ = ["Judged", "validate"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A tree that was looked at.

    Attributes:
        tree: The tree without a trailing ``__main__`` block.
        findings: In source order.
    """

    tree: ast.Module
    findings: tuple[Finding, ...]


def validate(tree: ast.Module, text: str, limits: Limits) -> Judged:
    """Judge every node of a tree."""
    places = Places(text)
    found = []
    for node in ast.walk(tree):
        name = type(node).__name__
        if name in REFUSED_NODES:
            what, advice = REFUSED_NODES[name]
            found.append(RULES["SBX201"].finding(places.span(node), what=what, advice=advice))
        elif name not in ADMITTED_NODES:
            found.append(RULES["SBX202"].finding(places.span(node), what=name))
    return Judged(tree, tuple(found))
