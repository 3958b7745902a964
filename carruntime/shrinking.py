"""Make a list of actions short while what it shows still holds.

Delta debugging (Zeller and Hildebrandt, Simplifying and isolating failure-inducing input, IEEE
TSE 28(2), 2002) over actions: leave out long runs first, then shorter ones, until none can go.
Then short windows are replaced by shorter ones, because a detour (turn left three times) cannot be
left out piece by piece; and at last actions by ones that come earlier in the space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, TypeAlias

__all__ = ["Holds", "shortest"]

_SHORT = 3
Holds: TypeAlias = Callable[[tuple[Any, ...]], bool]
"""Whether a list of actions still shows what is to be shown."""


def shortest(
    actions: Sequence[Any],
    holds: Holds,
    *,
    alphabet: Sequence[Any] = (),
    tries: int = 2_000,
    window: int = 3,
) -> tuple[Any, ...]:
    """Shorten a list of actions.

    Args:
        actions: A list for which ``holds`` is true.
        holds: Decides; called at most ``tries`` times, never twice with the same list.
        alphabet: All actions, where there are few; windows are replaced by others of these.
        tries: Bound of the work.
        window: Longest window that is replaced by every shorter one.

    Returns:
        A list for which ``holds`` is true, no longer than ``actions``. Unless the tries ran out,
        leaving out any single action, or any two that follow each other, makes ``holds`` false.
    """
    work = _Shrink(tuple(actions), holds, tuple(alphabet), tries)
    try:
        before: tuple[Any, ...] | None = None
        while before != work.best:
            before = work.best
            work.leave_out()
            work.replace_windows(window)
        work.lower()
    except _SpentError:
        pass
    return work.best


class _SpentError(Exception):
    """All tries are used up."""


class _Shrink:
    def __init__(
        self, actions: tuple[Any, ...], holds: Holds, alphabet: tuple[Any, ...], tries: int
    ) -> None:
        self.best = actions
        self._holds = holds
        self._alphabet = alphabet
        self._left = tries
        self._known: set[tuple[str, ...]] = set()

    def _better(self, candidate: tuple[Any, ...]) -> bool:
        """Take a candidate if it holds."""
        key = tuple(map(repr, candidate))
        if key in self._known:
            return False  # it was no better when it was asked, and the best has not grown since
        if self._left <= 0:
            raise _SpentError
        self._left -= 1
        self._known.add(key)
        if not self._holds(candidate):
            return False
        self.best = candidate
        return True

    def leave_out(self) -> None:
        """Leave out runs of actions, from long ones to single ones, from the end to the front."""
        size = max(1, len(self.best) // 2)
        while size >= 1:
            start = len(self.best) - size
            while start >= 0:
                best = self.best
                if self._better(best[:start] + best[start + size :]):
                    start = min(start, len(self.best) - size)
                else:
                    # Long runs in strides; of the short ones, which mend detours, all.
                    start -= size // 2 if size > _SHORT else 1
            size = size * 2 // 3

    def replace_windows(self, window: int) -> None:
        """Put fewer actions in place of some that follow each other."""
        if not self._alphabet:
            return
        for size in range(2, window + 1):
            lengths = range(1, size)
            fewer = [one for n in lengths for one in product(self._alphabet, repeat=n)]
            start = 0
            while start + size <= len(self.best):
                best = self.best
                found = any(
                    self._better((*best[:start], *middle, *best[start + size :]))
                    for middle in fewer
                )
                start = max(0, start - size) if found else start + 1

    def lower(self) -> None:
        """Put the earliest action of the alphabet wherever any will do."""
        for place in range(len(self.best)):
            for action in self._alphabet:
                best = self.best
                if action == best[place]:
                    break
                if self._better((*best[:place], action, *best[place + 1 :])):
                    break
