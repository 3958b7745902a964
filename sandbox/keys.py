"""The guard of values that are hashed: keys of dicts and items of sets.

CPython hashes a tuple by hashing all that is in it, again each time, as deep as it goes, on the
stack of the process. A tuple that holds one tuple twice, sixty levels deep, takes for ever; one
that is a hundred thousand levels deep ends the process. So what is hashed is weighed before, and
is at most `DEEPEST` levels deep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from typing import Any, Final, Protocol

import numpy as np

from sandbox.weights import FLAT, is_light

__all__ = ["DEEPEST", "key_guard", "keys_guard"]

DEEPEST: Final = 100
"""Levels of a value that is hashed; each takes a frame of the process's own stack."""

_FLAT: Final = FLAT | {str, bytes, slice, np.ndarray}
_DEEP: Final = (tuple, frozenset)


class Weigher(Protocol):
    """Who pays for looking at a value; the meter of a row."""

    def weigh(self, value: Any, times: int = 1) -> None:
        """Charge for comparing or hashing a value."""


def key_guard(meter: Weigher) -> Callable[[Any], Any]:
    """Make the guard that stands around a value that is hashed; it gives the value back."""

    def key(value: Any) -> Any:
        if value.__class__ in _FLAT or is_light(value):
            return value
        if isinstance(value, _DEEP) or is_dataclass(value):
            meter.weigh(value)
            if not (isinstance(value, tuple) and _FLAT.issuperset(map(type, value))):
                _refuse_deep(value)
        elif isinstance(value, list):
            meter.weigh(value)  # no key, but it may be an index
        return value

    return key


def keys_guard(meter: Weigher) -> Callable[[Iterable[Any]], Any]:
    """Make the guard of a collection whose items are hashed, or hold what is."""
    key = key_guard(meter)

    def keys(values: Any) -> Any:
        if not _FLAT.issuperset(map(type, values)):
            for value in values:
                key(value)
        return values

    return keys


def _refuse_deep(value: Any) -> None:
    """Raise what CPython raises for recursion, long before its stack is used up.

    Called after weighing, so the number of values that are looked at was paid for.
    """
    waiting = [(value, 1)]
    while waiting:
        item, level = waiting.pop()
        if level > DEEPEST:
            raise RecursionError(f"a key is more than {DEEPEST} levels deep")
        if isinstance(item, _DEEP):
            waiting.extend((part, level + 1) for part in item if part.__class__ not in _FLAT)
        elif is_dataclass(item) and not isinstance(item, type):
            parts = (getattr(item, entry.name, None) for entry in fields(item))
            waiting.extend((part, level + 1) for part in parts if part.__class__ not in _FLAT)
