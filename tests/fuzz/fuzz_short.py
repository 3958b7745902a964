"""A short run under Hypothesis, in a process of its own because of what the oracle does to it.

Hypothesis draws the same programs each time and shortens the one that fails. It prints the program
and what the oracle said of it, and ends with status 1; with 0 if it found nothing.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fuzz_grammar import MOODS, program
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from fuzz_grammar import Mood

__all__ = ["Drawn", "main"]

EXAMPLES: Final = 250
MUTANTS: Final = 400


class Drawn:
    """Lets Hypothesis decide, so that it can shorten what it finds."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def below(self, bound: int) -> int:
        """Give one of ``bound`` numbers."""
        return int(self._data.draw(st.integers(0, bound - 1)))


def main() -> int:
    """Run programs of the grammar, then mutations of the corpora; give the exit status."""
    from fuzz_mutate import mutate, seeds
    from fuzz_oracle import Oracle

    chance = random.Random(20260101)
    mutants = [mutate(chance.choice(seeds()), chance) for _ in range(MUTANTS)]
    oracle = Oracle()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data(), st.sampled_from(MOODS))
    def nothing_gets_out(data: Any, mood: Mood) -> None:
        text = program(Drawn(data), mood)
        oracle.settle_process()  # Hypothesis raises the recursion limit
        seen = oracle.run(text.encode())
        assert not seen.violations, f"{seen.violations}\n{text}"

    try:
        nothing_gets_out()
    except AssertionError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    oracle.settle_process()  # and takes it back
    for text in mutants:
        seen = oracle.run(text.encode(errors="replace"))
        if seen.violations:
            sys.stdout.write(f"{seen.violations}\n{text}\n")
            return 1
    violations = oracle.check_tables()
    if violations:
        sys.stdout.write(f"{violations}\n")
    return int(bool(violations))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main())
