"""Texts of the largest admitted size, each shaped so that some pass has as much to do as it can.

A pass that is quadratic in some count shows on the shape that has the most of it: names, scopes,
functions, findings, depth. Every shape keeps within the caps on text and tree, so that all passes
see it; what comes out, acceptance or findings, does not matter here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from sandbox.limits import Limits

__all__ = ["SHAPES", "text_of"]

_LIMITS: Final = Limits()


def _fill(parts: Iterable[str], head: str = "", foot: str = "", tokens: int = 0) -> str:
    """Join lines until the text or its number of tokens is as large as is admitted."""
    room = _LIMITS.source_bytes - len(head) - len(foot) - 64
    count = lines = 0
    out = [head]
    for part in parts:
        room -= len(part) + 1
        count += tokens
        lines += part.count("\n") + 1
        if room < 0 or count > _LIMITS.tokens - 200 or lines > _LIMITS.source_lines - 50:
            break
        out.append(part)
    out.append(foot)
    return "\n".join(out) + "\n"


def _numbered(template: str, count: int = 20_000) -> Iterable[str]:
    return (template.format(i=i, n=i + 1) for i in range(count))


def _deep() -> str:
    depth = _LIMITS.nesting - 4
    line = "    x = " + "(" * depth + "x" + " + 1)" * depth
    return _fill([line] * 5000, "def reward(x):", "    return x", tokens=5 * depth)


def _nested_functions() -> str:
    lines = []
    for i in range(30):
        lines.append("    " * i + f"def f{i}(a{i}):")
        lines.extend("    " * (i + 1) + f"b{i}_{k} = a{i} + b{max(i - 1, 0)}_{k}" for k in range(8))
    return "\n".join(lines) + "\n"


def _calls() -> str:
    count = _LIMITS.functions - 2
    bodies = (
        f"def f{i}(x):\n    return " + " + ".join(f"f{(i + k) % count}(x)" for k in range(1, 12))
        for i in range(count)
    )
    return _fill(bodies, tokens=100)


def _class() -> str:
    count = min(_LIMITS.functions - 4, 150)
    methods = (
        f"    def m{i}(self, x):\n        self.s{i} = None\n        self.t{i} += 1\n"
        f"        self.u{i}.append(self.m{(i + 1) % count}(x))\n        return self.s{i}"
        for i in range(count)
    )
    return _fill(methods, "class Reward:", "    def step(self, obs):\n        return self.m1(obs)")


def _chain(part: str, joiner: str, head: str) -> str:
    """Make one expression of many parts, each on a line."""
    return f"{head}(\n" + f" {joiner}\n".join(_numbered(part, 1950)) + "\n)\n"


def _displays(item: str, opening: str, closing: str) -> str:
    """Make displays of as many items as one may have."""
    items = list(_numbered(item, _LIMITS.literal_elements))
    rows = [", ".join(items[start : start + 64]) for start in range(0, len(items), 64)]
    whole = opening + ",\n".join(rows) + closing
    tokens = 4 * len(items) if ":" in item else 2 * len(items)
    return _fill([f"x = 0\nd = {whole}"] * 50, tokens=tokens)


def _reward(lines: Iterable[str], tokens: int = 8) -> str:
    return _fill(lines, "import numpy as np\ndef reward(obs, x):", "    return x", tokens=tokens)


SHAPES: Final[dict[str, Callable[[], str]]] = {
    "names": lambda: _fill(_numbered("n{i} = {i}"), tokens=4),
    "names, in a function": lambda: _reward(_numbered("    n{i} = x"), 4),
    "names, each from the last": lambda: _reward(_numbered("    n{n} = n{i} + x"), 6),
    "names, unknown": lambda: _reward(_numbered("    x += unknown_{i}"), 4),
    "one name, again and again": lambda: _reward(["    x = x + x * x"] * 9000, 8),
    "brackets, deep": _deep,
    "functions, deep": _nested_functions,
    "functions that call each other": _calls,
    "methods and attributes": _class,
    "dicts": lambda: _displays('"k{i}": {i}', "{", "}"),
    "lists": lambda: _displays("x", "[", "]"),
    "a chain of and": lambda: _chain("a > {i}", "and", "def reward(a):\n    return "),
    "tests": lambda: _reward(_numbered("    if x > {i}: x += 0.5"), 10),
    "early returns": lambda: _reward(_numbered("    if x == {i}: return 0.5"), 9),
    "components": lambda: _fill(
        _numbered('    p["c{i}"] = 1.0 if obs[{i}] == 5 else 0.0'),
        "def reward(obs):\n    p = {}",
        "    return sum(p.values()), p",
        tokens=16,
    ),
    "loops": lambda: _reward(_numbered("    for i{i} in range(x): x += i{i}"), 13),
    "comprehensions": lambda: _reward(_numbered("    x = [a{i} for a{i} in x if a{i}]"), 13),
    "lambdas": lambda: _fill(_numbered("f{i} = lambda a, b=1: a + b", _LIMITS.functions - 1)),
    "attributes": lambda: _reward(_numbered("    x = x.attr{i}"), 6),
    "attributes of a simulator": lambda: _fill(
        _numbered("    x = self.robot.part{i}.pose"), "def reward(self, x):", tokens=10
    ),
    "tensors": lambda: _fill(
        _numbered("    x = torch.norm(x, dim=-1).thing{i}"), "def reward(x):", tokens=16
    ),
    "indices": lambda: _reward(_numbered("    x = x + obs[{i}, :, 1]"), 14),
    "divisions": lambda: _reward(_numbered("    x = x / np.linalg.norm(obs[{i}])"), 16),
    "selections": lambda: _reward(_numbered("    x = x + np.argwhere(obs == {i})[0]"), 16),
    "arrays tested": lambda: _reward(_numbered("    m{i} = np.zeros(7) if m{i} else m{i}"), 15),
    "tries": lambda: _reward(
        _numbered("    try: x = x / {n}\n    except ValueError: x = {i}", 6000), 14
    ),
    "matches": lambda: _reward(
        _numbered("    match x:\n        case {i}: x = 1\n        case _: x = 2", 4000), 20
    ),
    "texts": lambda: _reward(_numbered('    s = f"{{x}} {{x:.3f}} and {i}"'), 12),
    "letters of other alphabets": lambda: _fill(_numbered("größe_{i} = {i}"), tokens=4),
    "definitions again": lambda: _fill(
        (f"def f(a):\n    return {i}" for i in range(_LIMITS.functions - 2)), tokens=12
    ),
}
"""By name: what makes a text of this shape."""


def text_of(shape: str) -> str:
    """Give the text of a shape."""
    return SHAPES[shape]()
