"""The guards of an index that the source does not show to be one value.

One stands around reading with it, the other around the index of a store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from sandbox import cost
from sandbox.guards import INTEGERS, Meter, broadcast_size, operator_guards
from sandbox.predeclared.views import AnnotationView

__all__ = ["spot_guard", "subscript_guard"]

ndarray: Final = np.ndarray
_ONE: Final = INTEGERS | {int, str, bool}


def _places(value: Any, parts: Any) -> int:
    """Bound the elements that an index of several parts stands for; -1 if no part is an array."""
    shapes = [
        np.shape(part)
        for part in parts
        if part.__class__ is ndarray or part.__class__ is list or part.__class__ is tuple
    ]
    if not shapes:
        return -1
    row = 1
    for size in value.shape[len(parts) :]:
        row *= size
    for position, part in enumerate(parts):
        if part.__class__ is slice and position < value.ndim:
            row *= value.shape[position]
    return broadcast_size(*shapes) * row


def spot_guard(meter: Meter) -> Callable[[Any, Any], Any]:
    """Make the guard of the index in ``value[index] = ...``; it gives the index back."""
    key = operator_guards(meter)["$key"]

    def spot(value: Any, index: Any) -> Any:
        if index.__class__ in _ONE:
            return index
        key(index)
        if index.__class__ is slice and value.__class__ is list:
            # It would take the items of a set in an order that differs between processes.
            raise TypeError("a slice of a list is written out where it is stored to: xs[a:b] = ...")
        if value.__class__ is ndarray:
            parts = index if index.__class__ is tuple else (index,)
            for part in parts:
                if part.__class__ is list:
                    meter.weigh(part)
            mask = index.__class__ is ndarray and index.dtype.kind == "b"
            made = index.size if mask else _places(value, parts)
            if made > cost.FREE_ELEMENTS:
                meter.charge(cost.operator(made))
        return index

    return spot


def subscript_guard(meter: Meter) -> Callable[[Any, Any], Any]:
    """Make the guard that stands for ``value[index]``."""
    guards = operator_guards(meter)
    cut, key = guards["$cut"], guards["$key"]

    def many(value: Any, index: Any) -> Any:
        """Check an index made of arrays or lists: its result can be larger than both."""
        parts = index if index.__class__ is tuple else (index,)
        for part in parts:
            if part.__class__ is list or part.__class__ is tuple:
                meter.weigh(part)
        made = _places(value, parts)
        if made < 0:
            return value[index]
        first = parts[0]
        if len(parts) == 1 and first.__class__ is ndarray and first.dtype.kind == "b":
            meter.charge(cost.operator(first.size))
            return value[index]
        if made > cost.FREE_ELEMENTS:
            meter.room(made, value.itemsize)
            meter.charge(cost.operator(made))
        result = value[index]
        if result.__class__ is ndarray and result.dtype.kind not in "biufc":
            raise TypeError("arrays of objects are not part of the dialect")
        return result

    def item(value: Any, index: Any) -> Any:
        if index.__class__ in _ONE:
            return value[index]
        if value.__class__ is dict:
            return value[key(index)]
        if value.__class__ is ndarray:
            if index.__class__ is tuple:
                for part in index:
                    if part.__class__ not in _ONE and part.__class__ is not slice:
                        return many(value, index)
                return value[index]
            return many(value, index)
        result = value[key(index)]
        if index.__class__ is slice:
            return cut(result)
        if (
            isinstance(value, type)
            and not isinstance(result, type)
            and hasattr(result, "__origin__")
        ):
            return AnnotationView()
        return result

    return item
