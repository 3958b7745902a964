"""What one row may still use, and the two ways in which that ends it."""

from __future__ import annotations

import operator
from typing import Any, Final

from sandbox import cost
from sandbox.limits import Limits
from sandbox.weights import FREE_ITEMS, is_light, weight

__all__ = ["TEXT_CHARS", "Meter", "OutOfFuel", "OutOfMemory", "Stop"]


TEXT_CHARS: Final = 1 << 20
"""Characters of one text. Splitting a text makes a list as long, so it is far below memory."""


class Stop(BaseException):
    """The runtime ends a row. No guest handler can catch it: it is not an `Exception`."""


class OutOfFuel(Stop):
    """The row used more than `Limits.fuel`."""


class OutOfMemory(Stop):
    """One operation of the row asked for more than `Limits.memory_bytes`."""


class Meter:
    """What one row may still use, and which values it must not write into.

    Attributes:
        left: Fuel; below zero means that the row is over.
        made_bytes: Bytes of large arrays made since somebody last set it to zero.
        protected: Ids of values that the module made; the module keeps them alive, so an id
            stands for one value only.
        rows: Rows started; what is remembered for a row is forgotten when it changes.
    """

    __slots__ = ("bits", "left", "made_bytes", "memory_bytes", "protected", "rows")

    def __init__(self, limits: Limits) -> None:
        self.left = limits.fuel
        self.made_bytes = 0
        self.memory_bytes = limits.memory_bytes
        self.bits = limits.integer_bits
        self.rows = 0
        self.protected: set[int] = set()

    def charge(self, units: int) -> None:
        """Take fuel.

        Raises:
            OutOfFuel: If there is not as much.
        """
        # A float among the arguments of a program must not become the meter: NaN is never below 0.
        price = units if units.__class__ is int else operator.index(units)
        if price > 0:  # a price that the program had a hand in never gives fuel back
            self.left -= price
        if self.left < 0:
            raise OutOfFuel

    def room(self, elements: int, itemsize: int = 8) -> None:
        """Check the size of a value before it is made.

        Raises:
            OutOfMemory: If it is above `Limits.memory_bytes`.
        """
        size = operator.index(elements) * itemsize
        if size > self.memory_bytes:
            raise OutOfMemory(
                f"one operation asks for {size:,} bytes; limits.memory_bytes is "
                f"{self.memory_bytes:,}"
            )
        if size > 1024:
            self.made_bytes += size

    def items(self, count: int) -> None:
        """Charge for going through the items of containers, or the characters of a text.

        Raises:
            OutOfFuel: If there is not as much.
        """
        if count > FREE_ITEMS:
            self.charge(count // cost.ELEMENTS_PER_UNIT)

    def weigh(self, value: Any, times: int = 1) -> None:
        """Charge for comparing or hashing a value ``times`` times.

        Raises:
            OutOfFuel: If there is not as much.
        """
        if is_light(value):
            return
        each = weight(value, (max(self.left, 0) + 4) * cost.ELEMENTS_PER_UNIT)
        if each > cost.ELEMENTS_PER_UNIT:
            self.items(each * times)

    def text(self, chars: int) -> None:
        """Check the length of a text before it is made, and charge for it.

        Raises:
            OutOfMemory: If it is above `TEXT_CHARS`.
        """
        if chars > TEXT_CHARS:
            raise OutOfMemory(f"text of {chars:,} characters; at most {TEXT_CHARS:,} are possible")
        self.charge(chars // cost.ELEMENTS_PER_UNIT)
