"""Results do not depend on the seed of Python's hashes, which differs from process to process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import single

WORDS = '{"alpha", "beta", "gamma", "delta"}'
CODE = "def code(items):\n    return sum(i * len(x) * ord(x[0]) for i, x in enumerate(items))\n"
PROGRAMS = {
    "a set taken apart": f"a, b, c, d = {WORDS}\nreturn code([a, b, c, d])",
    "a set taken apart with a rest": f"a, *rest = {WORDS}\nreturn code([a, *rest])",
    "a set inside a tuple taken apart": f"n, (a, b, c, d) = 1, {WORDS}\nreturn code([a, b, c, d])",
    "sets taken apart by a loop": (
        't = 0\nfor a, b in [{"p", "q"}, {"x", "y"}]:\n    t = t * 100 + ord(a)\nreturn t'
    ),
    "sets taken apart by a comprehension": (
        'return code([a for a, b in [{"p", "q"}, {"xx", "y"}, {"zzz", "w"}]])'
    ),
    "a set stored into a slice": f"xs = []\nxs[0:0] = {WORDS}\nreturn code(xs)",
    "a set added to a list": f"xs = []\nxs += {WORDS}\nreturn code(xs)",
    "a loop over a set": f"t = 0\nfor x in {WORDS}:\n    t = t * 7 + len(x) + ord(x[0])\nreturn t",
    "sets of views of a dict": (
        'd = {"a": 1, "b": 2, "c": 3}\nreturn code([x for x in d.keys() | {"zz", "w"}])'
    ),
    "what is taken out of a set": f"s = {WORDS}\nreturn code([s.pop(), s.pop(), s.pop()])",
    "arguments out of a set": f"f = lambda a, b, c, d: code([a, b, c, d])\nreturn f(*{WORDS})",
    "the first of the longest": f"return ord(max({WORDS}, key=len)[0])",
    "the hash of a text": 'return hash("alpha") % 100003',
    "the text of a set": f"return code([str({WORDS}), repr({WORDS})]) + str({WORDS}).find('beta')",
}


def _main() -> None:
    """Run all programs in this process; gives how each ended."""
    found = {}
    for title, body in PROGRAMS.items():
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        ended = single.run(f"{CODE}def reward():\n{lines}", checked=False)
        found[title] = (ended.outcome.name, ended.value, ended.message, ended.fuel)
    sys.stdout.write(json.dumps(found))


@pytest.fixture(scope="module")
def runs() -> list[dict[str, tuple[str, float, str, int]]]:
    """What each of three processes with seeds of their own found."""
    paths = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]
    command = (
        f"import sys; sys.path[:0] = {paths!r}; import test_hash_seeds; test_hash_seeds._main()"
    )
    found = []
    for seed in ("1", "77", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", command],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found.append(json.loads(done.stdout))
    return found


@pytest.mark.parametrize("title", PROGRAMS)
def test_a_program_that_goes_through_sets_gives_the_same_in_every_process(
    title: str, runs: list[dict[str, tuple[str, float, str, int]]]
) -> None:
    first, *others = [found[title] for found in runs]
    assert first[0] == "OK", first
    assert others == [first, first]
