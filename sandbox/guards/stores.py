"""The guards of stores: nothing that a row writes may reach another row."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

import numpy as np

from sandbox import cost
from sandbox.guards.meter import Meter
from sandbox.guards.values import (
    GUEST_MODULE,
    NUMBERS,
    SIZED,
    kind_name,
)
from sandbox.weights import length

__all__ = ["MOVED", "write_guards"]


MOVED: Final = 16
"""References that are moved in memory in the time that one item takes to be compared."""


ndarray: Final = np.ndarray


_FIXED: Final = frozenset({list, dict, set, tuple, str, range, *NUMBERS})
_WRITABLE: Final = frozenset({ndarray, list, dict, set, deque, defaultdict, OrderedDict, Counter})


def write_guards(meter: Meter) -> dict[str, Callable[..., Any]]:
    """Make the guards of stores: ``write`` for items, ``own`` for attributes.

    What a module makes once would carry values from row to row if a row could write into it.
    """
    protected = meter.protected

    def write(value: Any) -> Any:
        if id(value) in protected:
            raise TypeError(
                f"{kind_name(value)} made at the top of the program cannot be changed: it would "
                f"carry values from one row to another; keep state in `self`, or make a copy"
            )
        kind = value.__class__
        if kind.__module__ == GUEST_MODULE and not issubclass(kind, tuple | Enum):
            return value  # its own `__setitem__`, if it has one
        if kind not in _WRITABLE and kind not in SIZED and kind.__module__ != "builtins":
            raise TypeError(f"{kind.__name__!r} object does not support item assignment")
        return value

    def own(value: Any) -> Any:
        kind = value.__class__
        if kind.__module__ != GUEST_MODULE or isinstance(value, Enum | type | tuple):
            if value is None or kind in _FIXED:
                return value  # CPython refuses by itself, with the usual text
            raise AttributeError(f"attributes of {kind_name(value)} cannot be set")
        if id(value) in protected:
            raise TypeError(
                f"{kind.__name__!r} object made at the top of the program cannot be changed: it "
                f"would carry values from one row to another; make it in `__init__` or `reset`"
            )
        return value

    def edit(value: Any) -> Any:
        """Check a store or deletion that moves or sets more than one item, and pay for it."""
        value = write(value)
        if value.__class__ is ndarray:
            if value.size > cost.FREE_ELEMENTS:
                meter.charge(cost.operator(value.size))
        else:
            meter.items(length(value) // MOVED)
        return value

    return {"write": write, "own": own, "edit": edit}
