"""Drawn programs that do to lists, dicts, sets and numbers what reward programs do.

The grammar is in `drawn`; ``python -m tests.differential.long`` runs many more of them.
"""

from __future__ import annotations

import random

import both
import drawn
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from long import agree


@given(source=st.randoms(use_true_random=False), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_a_drawn_program_over_containers_gives_what_cpython_gives(
    source: random.Random, seed: int
) -> None:
    """Values to the bit and exception classes, on rows with NaN, infinities and extremes too."""
    program = drawn.Maker(source, size=4).program()
    try:
        text, _, _ = agree(program, seed)
    except both.NotCompiledError:
        return
    assert not text, f"{text}\n{program}"


FOUND = {
    "zero modulo NaN": "f0 = 0.0 % (float('nan') if flag else 2.0)",
    "an index into a list that is empty": "xs.append(xs[i0])",
    "the place of a key in an empty counter": "i0 = c.most_common(1)[0][1]",
    "a comparison with what no element can be": "i0 = int(np.sum(g == n - 1000))",
    "the slice of a list that has never held anything": "xs = xs[:n]; s.add(max(xs, default=4))",
    "a loop that binds a list anew": "xs = [1]\n    while i1 < 9:\n        ys = []\n"
    "        for x in xs:\n            ys.append(x + i1)\n            ys.append(x)\n"
    "        xs = ys\n        i1 += 4",
    "a list sorted by another one's places": "xs = sorted(range(5), key=lambda k: -(k % 3))",
    "a deque that drops what is too much": "dq.extend([1, 2, 3, 4]); dq.appendleft(n % 7)",
    "a dict that loses keys": "d = {k % 5: k for k in range(n % 4, 9)}\n    d.pop(i1 + 1, 0)\n"
    "    d[i1 + 1] = 3\n    xs = list(d)",
}


@pytest.mark.parametrize("name", FOUND)
def test_what_drawn_programs_have_found_stays_found(name: str) -> None:
    """Small programs after those that differed, or could not be lowered, once."""
    maker = drawn.Maker(random.Random(0))
    head, _, tail = maker.program().partition("c = {}, defaultdict(int), set(), Counter()\n")
    body = tail[tail.index("    total = 0\n") :]
    source = f"{head}c = {{}}, defaultdict(int), set(), Counter()\n    {FOUND[name]}\n{body}"
    text, rows, _ = agree(source, 1)
    assert not text, f"{text}\n{source}"
    assert rows
