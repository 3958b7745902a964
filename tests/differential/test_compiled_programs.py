"""Small programs drawn by Hypothesis: whatever compiles equals CPython on drawn observations.

Statements nest, variables change their type by path, helpers return early or give None, loops
leave early: the joins of paths are what such programs try, more than arithmetic.
"""

from __future__ import annotations

import both
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from sandbox.limits import Limits

NAMES = ("a", "b", "c")
LEAVES = (
    "n", "flag", "v[0]", "v[1]", "grid[1, 2]", "0", "1", "2.5", "-1", "None", "grid[n, 0]",
    "len(cells)", "w[0]",
)  # fmt: skip
FORMS = (
    "({} + {})", "({} - {})", "({} * {})", "({} / {})", "max({}, {})", "min({}, {})",
    "({} if {} else {})", "({} and {})", "({} or {})", "abs({})", "float({})", "(not {})",
    "({} < {})", "({} == {})", "nothing({})", "helper({}, {})", "int({})", "({}, {})[0]",
)  # fmt: skip


@st.composite
def expressions(draw: DrawFn, depth: int = 2) -> str:
    """Draw an expression over the names and inputs."""
    if depth == 0:
        return draw(st.sampled_from((*NAMES, *LEAVES)))
    inner = expressions(depth=depth - 1)
    form = draw(st.sampled_from(FORMS))
    return form.format(*(draw(inner) for _ in range(form.count("{}"))))


@st.composite
def blocks(draw: DrawFn, depth: int, loop: bool = False) -> list[str]:
    """Draw statements, as lines."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        kinds = ["assign", "assign", "augment", "return"]
        if depth:
            kinds += ["if", "if", "for", "cells", "try"]
        if loop:
            kinds += ["break", "continue"]
        kind = draw(st.sampled_from(kinds))
        name = draw(st.sampled_from(NAMES))
        value = draw(expressions())
        match kind:
            case "assign":
                lines.append(f"{name} = {value}")
            case "augment":
                lines.append(f"{name} += {value}")
            case "return":
                lines += [f"if {draw(expressions())}:", f"    return {value}"]
            case "break" | "continue":
                lines += [f"if {value}:", f"    {kind}"]
            case "if":
                lines.append(f"if {value}:")
                lines += _indented(draw(blocks(depth=depth - 1, loop=loop)))
                if draw(st.booleans()):
                    lines.append("else:")
                    lines += _indented(draw(blocks(depth=depth - 1, loop=loop)))
            case "for":
                lines.append(f"for {name} in range({draw(st.integers(0, 6))}):")
                lines += _indented(draw(blocks(depth=depth - 1, loop=True)))
            case "cells":
                lines.append("for a, b in cells:")
                lines += _indented(draw(blocks(depth=depth - 1, loop=True)))
            case "try":
                lines.append("try:")
                lines += _indented(draw(blocks(depth=depth - 1, loop=loop)))
                error = draw(
                    st.sampled_from(["TypeError", "ZeroDivisionError", "IndexError", "Exception"])
                )
                lines += [f"except {error}:", f"    {name} = {value}"]
    return lines


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@st.composite
def programs(draw: DrawFn) -> str:
    """Draw a whole program."""
    head = [
        "import numpy as np",
        "def helper(x, y):",
        "    if x is None or y is None:",
        "        return None",
        "    if x > y:",
        "        return 1",
        "    return x - y",
        "def nothing(x):",
        "    return x is None",
        "def reward(grid, v, w, n, flag):",
        "    cells = np.argwhere(grid == 2)",
        "    a, b, c = 0, 1.0, None",
    ]
    return "\n".join([*head, *_indented(draw(blocks(depth=2))), "    return b", ""])


def columns(seed: int) -> dict[str, np.ndarray]:
    """Make a few rows of inputs, with zeros and equal numbers among them."""
    rng = np.random.default_rng(seed)
    rows = 12
    vector = rng.normal(size=(rows, 2)) * 3
    vector[0] = 0.0
    return {
        "grid": rng.integers(0, 4, (rows, 3, 4)).astype(np.uint8),
        "v": vector,
        "w": rng.normal(size=(rows, 2)).astype(np.float32),
        "n": rng.integers(-2, 4, rows),
        "flag": rng.integers(0, 2, rows).astype(bool),
    }


@given(source=programs(), seed=st.integers(0, 50))
@settings(max_examples=120)
def test_a_drawn_program_gives_what_cpython_gives_or_is_refused(source: str, seed: int) -> None:
    """Values to the bit, outcomes and exception classes; None as a result is a bad one."""
    try:
        got = both.compiled(source, columns(seed), frozenset({"n", "flag"}), Limits())
    except both.NotCompiledError:
        return
    want = both.plain(source, columns(seed), frozenset({"n", "flag"}))
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        if g.error == "OverflowError" and w.error is None:
            # Integers beyond 64 bits end the row in this tier, and say so.
            continue
        if g.error == "BAD_RESULT":
            # float(None), float of a tuple: what the reference calls a TypeError of its own.
            assert w.error == "TypeError", (i, source)
            continue
        assert both.same(g, w), f"row {i} of\n{source}\ncompiled {g}, CPython {w}"
