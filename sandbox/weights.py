"""How much work it is to compare, hash, search or copy a value, counted before it is done.

Comparing and hashing go through a container in C, where nothing is counted: two lists of a million
numbers are compared for the price of one operator, and a tuple that holds one tuple twice, and so
on for forty levels, has more leaves than any machine can visit. So what such an operation could go
through is estimated here, from above and without doing it, and paid for first.

Small values are free, as they are for arrays: what a reward program compares has a few items, and
the compiled tier, whose containers are small, does not count them either.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType
from typing import Any, Final

import numpy as np

__all__ = ["FLAT", "FREE_ITEMS", "is_light", "length", "weight"]

FREE_ITEMS: Final = 256
"""Items of a container, or characters of a text, up to which an operator costs nothing."""
_NESTED: Final = 16
"""What a container inside another counts besides its items: it is visited on its own."""
_CHARS: Final = 64
"""Characters that are compared or hashed as fast as one item."""

_DICT: Final[dict[Any, Any]] = {}
_ORDERED: Final[OrderedDict[Any, Any]] = OrderedDict()
_VIEWS: Final = frozenset(
    type(view)
    for owner in (_DICT, _ORDERED)
    for view in (owner.keys(), owner.values(), owner.items())
)
_MAPPINGS: Final = frozenset({dict, defaultdict, OrderedDict, Counter})
_ITEMS: Final = frozenset({list, tuple, set, frozenset, deque, *_VIEWS})
FLAT: Final = frozenset(
    {int, float, bool, complex, NoneType, range, np.bool_, np.float16, np.float32, np.float64}
    | {np.dtype(code).type for code in "bhilqpBHILQP"}
)
"""Types of single values."""
_LIGHT: Final = 16
"""Weight up to which comparing or hashing costs nothing."""


def is_light(value: Any) -> bool:
    """Whether a value surely weighs so little that comparing or hashing it costs nothing.

    Most keys are a number, a text or a pair of these, and this asks for less than `weight`.
    """
    kind = value.__class__
    if kind is tuple:
        total = len(value)
        if total > _LIGHT:
            return False
        for item in value:
            kind = item.__class__
            if kind in FLAT:
                continue
            if kind is not str and kind is not bytes:
                return False
            total += len(item) // _CHARS
        return total <= _LIGHT
    return kind in FLAT or ((kind is str or kind is bytes) and len(value) // _CHARS <= _LIGHT)


def length(value: Any) -> int:
    """Give the items that going through a value once meets; 0 of what has no items of its own."""
    kind = value.__class__
    if kind in _ITEMS or kind in _MAPPINGS or kind is str or kind is bytes:
        return len(value)
    return len(value) if isinstance(value, tuple) else 0


def weight(value: Any, enough: int) -> int:
    """Estimate the items that comparing or hashing a value goes through.

    Args:
        value: Anything a program can hold.
        enough: Where to stop counting. A value that holds itself has no other end.

    Returns:
        At least the number of items, texts counted by their length; above ``enough`` if it was
        not counted to the end.
    """
    total = 0
    waiting = [value]
    while waiting and total <= enough:
        value = waiting.pop()
        kind = value.__class__
        if kind in FLAT:
            continue
        if kind is str or kind is bytes:
            total += len(value) // _CHARS
        elif kind in _ITEMS:
            total += _NESTED + len(value)
            if total <= enough and not FLAT.issuperset(map(type, value)):
                waiting.extend(value)
        elif kind in _MAPPINGS:
            total += _NESTED + 2 * len(value)
            if total <= enough:
                waiting.extend(value.keys())
                waiting.extend(value.values())
        elif kind is np.ndarray:
            total += _NESTED + value.size // _NESTED
        elif isinstance(value, Enum | type):
            continue
        elif isinstance(value, tuple):  # a named one
            total += _NESTED + len(value)
            waiting.extend(value)
        elif is_dataclass(value):
            total += _NESTED
            waiting.extend(getattr(value, entry.name, None) for entry in fields(value))
    return max(total - _NESTED, 0)
