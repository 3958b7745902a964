"""Guess the name that was meant."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["distance", "nearest"]

_LONGEST = 40
_MOST = 600
_SHORTEST = 3
_MOST_CUT = 3


def nearest(word: str, offered: Iterable[str]) -> str | None:
    """Give the offered name that is most like ``word``, or None if none is near.

    Near means that at most a third of the letters differ, case and underscores aside. Among
    equally near names the first in alphabetical order wins, so that the answer is the same on
    every run. If none is near, a name that is the only one of the same words in another order, or
    that ``word`` cuts short (``img`` for ``image``), is the answer. No program of a size that people read offers more than a few hundred names, so
    for more there is no answer, and no text can make this slow.
    """
    offered = set(offered)
    if len(word) > _LONGEST or len(offered) > _MOST:
        return None
    plain = _plain(word)
    letters = set(plain)
    best: tuple[int, str] | None = None
    for name in sorted(offered):
        if name == word or abs(len(name) - len(word)) > 4 or len(name) > _LONGEST:
            continue
        other = _plain(name)
        # Each change makes at most one letter of either word one that the other lacks.
        if len(letters.difference(other)) > len(plain) // 3 + 1:
            continue
        limit = max(1, min(len(plain), len(other)) // 3)
        if len(plain) <= 2:
            limit = 0
        found = distance(plain, other, limit)
        if found <= limit and (best is None or found < best[0]):
            best = (found, name)
    return best[1] if best else _abbreviated(word, offered)


def _abbreviated(word: str, offered: set[str]) -> str | None:
    """Give the only name that has the words of ``word`` or is cut short by it."""
    if len(_plain(word)) < _SHORTEST:
        return None
    for way in (_reordered, _prefix, _cuts_short):
        found = [name for name in offered if len(name) <= _LONGEST and way(word, name)]
        if len(found) == 1 and found[0] != word:
            return found[0]
    return None


def _reordered(word: str, name: str) -> bool:
    return sorted(word.lower().split("_")) == sorted(name.lower().split("_"))


def _prefix(word: str, name: str) -> bool:
    return _plain(name).startswith(_plain(word))


def _cuts_short(word: str, name: str) -> bool:
    """Whether one word is the other with up to three letters left out, the first one kept."""
    short, long = sorted((_plain(word), _plain(name)), key=len)
    cut = len(long) - len(short)
    if len(short) < _SHORTEST or cut > min(_MOST_CUT, len(short) - 1) or short[0] != long[0]:
        return False
    rest = iter(long)
    return all(letter in rest for letter in short)


def _plain(word: str) -> str:
    return word.replace("_", "").lower()


def distance(left: str, right: str, limit: int) -> int:
    """Count insertions, deletions, changes and swaps of neighbours; stop above ``limit``."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    above = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, above = above, row
    return above[-1]
