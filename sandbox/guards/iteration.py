"""The guards of loops, and the order of sets.

Every loop and every iterator is paid for where it is made, so a consumer never has to count again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from enum import Enum
from itertools import chain, islice
from typing import Any, Final

from sandbox import cost
from sandbox.guards.meter import Meter, OutOfFuel
from sandbox.guards.values import (
    NUMBERS,
    SIZED,
    is_guest_class,
    is_guest_instance,
    kind_name,
    own_method,
)
from sandbox.weights import FLAT, weight

__all__ = ["in_order", "iteration_guards"]


_SETS: Final = frozenset({set, frozenset})


_PLAIN_KEY: Final = 32
"""Weight of a key up to which finding its place in an order is part of a loop's turn."""


def iteration_guards(meter: Meter) -> dict[str, Callable[..., Any]]:
    """Make the guards of loops.

    ``iter`` stands around what a loop goes through, ``grow`` where its body may lengthen the
    list it goes through, ``star`` where a value is taken apart.
    """

    def charged(value: Any) -> Any:
        kind = value.__class__
        if kind is range:
            return counted(value)
        if kind in SIZED:
            meter.left -= len(value)
            if meter.left < 0:
                raise OutOfFuel
            return value
        if kind in _SETS:
            meter.charge(len(value))
            if not FLAT.issuperset(map(type, value)):
                # Their order is found by looking into them; flat tuples are looked at for free.
                each = weight(value, max(meter.left, 0) * cost.ELEMENTS_PER_UNIT)
                meter.items(each - _PLAIN_KEY * len(value))
            return in_order(value)
        return unusual(value)

    def counted(value: range) -> Iterable[int]:
        try:
            turns = len(value)
        except OverflowError:
            return rest(iter(value))
        if turns > meter.left:
            # It cannot run to its end, but may leave early: it pays turn by turn.
            return rest(iter(value))
        meter.left -= turns
        return value

    def unusual(value: Any) -> Any:
        """Admit what is charged where it was made; leave CPython's error to the rest."""
        if isinstance(value, type) and issubclass(value, Enum) and is_guest_class(value):
            meter.charge(len(value))
            return value
        if isinstance(value, tuple):  # a namedtuple
            meter.charge(len(value))
        return value

    def rest(items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            meter.charge(cost.TURN)
            yield item

    def grow(value: Any) -> Any:
        if value.__class__ is list:
            charged(value)
            items = iter(value)
            # The turns paid for go at full speed; those that the body adds pay one by one.
            return chain(islice(items, len(value)), rest(items))
        return charged(value)

    def star(value: Any) -> Any:
        value = charged(value)
        if is_guest_instance(value) and not isinstance(value, tuple):
            # `list` would ask for the length first and make room for it, whatever it says.
            value = list(rest(iter(value)))
        elif value.__class__ not in SIZED and not isinstance(value, Mapping):
            value = list(value)
        meter.room(len(value))
        return value

    def together(*values: Any) -> Iterator[Any]:
        """Pay for the shortest, as that is how many turns there are."""
        if all(value.__class__ in SIZED for value in values):
            meter.charge(min(map(len, values)))
            return zip(*values)  # noqa: B905  what the program wrote
        return zip(*map(charged, values))  # noqa: B905

    def growing(*values: Any) -> Iterator[Any]:
        """Pay for the shortest now, and for turns that the body adds one by one."""
        if not all(value.__class__ in SIZED for value in values):
            return zip(*map(grow, values))  # noqa: B905
        turns = min(map(len, values))
        meter.charge(turns)
        items = zip(*values)  # noqa: B905
        return chain(islice(items, turns), rest(items))

    def ordered(value: Any, levels: int) -> Any:
        """Give a value that is taken apart with its sets in order, as deep as it is taken apart."""
        if value.__class__ in _SETS:
            meter.items(len(value))
            value = list(in_order(value))
        if levels > 1 and value.__class__ in (list, tuple):
            meter.items(len(value))
            return [ordered(item, levels - 1) for item in value]
        return value

    def orders(items: Any, levels: int) -> Iterator[Any]:
        return (ordered(item, levels) for item in items)

    return {
        "iter": charged,
        "grow": grow,
        "star": star,
        "zip": together,
        "growzip": growing,
        "ordered": ordered,
        "orders": orders,
    }


def in_order(values: set[Any] | frozenset[Any]) -> Iterable[Any]:
    """Give a set in an order that is the same in every process.

    CPython's own order depends on hashes; those of numbers are fixed, those of texts differ from
    process to process, and those of most other values are addresses.
    """
    for value in values:
        if not _fixed_hash(value):
            return sorted(values, key=_order_key)
    return values


def _fixed_hash(value: Any) -> bool:
    kind = value.__class__
    if kind is tuple:
        return all(map(_fixed_hash, value))
    if is_guest_instance(value) and own_method(value, "__hash__") is not None:
        return True
    return kind in NUMBERS and value == value  # noqa: PLR0124  the hash of NaN is an address


def _order_key(value: Any) -> tuple[Any, ...]:
    if value is None:
        return (0,)
    if isinstance(value, Enum):
        return (4, type(value).__qualname__, value.name)
    if type(value) in NUMBERS:
        return (1, value) if value == value else (2,)  # noqa: PLR0124
    if isinstance(value, str):
        return (3, value)
    if isinstance(value, tuple):
        return (5, *map(_order_key, value))
    if isinstance(value, frozenset):
        return (6, *sorted(map(_order_key, value)))
    if isinstance(value, bytes):
        return (7, value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = (_order_key(getattr(value, entry.name)) for entry in dataclass_fields(value))
        return (8, type(value).__qualname__, *parts)
    raise TypeError(
        f"a set that holds {kind_name(value)} has no order of its own; use a list or a dict"
    )
