"""What fuel is charged for: prices as data and as functions, the same in both tiers.

Fuel bounds the work of one row and is the same number on every run and every machine. So it is
charged for what a program asks for (turns, calls, elements), never for what that took. A loop
pays for all its turns when it starts, which lets a compiler keep its body free of counters; only
a loop whose turns nobody knows pays turn by turn. Operators on single values are free: between
two loop turns or calls there are only as many as the source has. Operators on arrays are free up
to `FREE_ELEMENTS`, so that both tiers agree on every observation of usual size without either
having to count; beyond that they pay as library calls do.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CALL",
    "CLASS",
    "ELEMENTS_PER_UNIT",
    "FREE_ELEMENTS",
    "LIBRARY_CALL",
    "TURN",
    "library",
    "matmul",
    "operator",
    "turns",
]

CALL: Final = 1
"""Entering a function, method or lambda of the program."""
CLASS: Final = 256
"""Making a data class or a named tuple, whose methods CPython compiles from text."""
TURN: Final = 1
"""One turn of a loop or comprehension."""
LIBRARY_CALL: Final = 1
"""Any call of an admitted library function, besides its elements."""
ELEMENTS_PER_UNIT: Final = 16
"""Array elements that a library goes through for one unit."""
FREE_ELEMENTS: Final = 4_096
"""Elements of an array up to which an operator costs nothing."""


def turns(count: int) -> int:
    """Price of a loop that starts with ``count`` turns to go."""
    return count * TURN


def library(elements: int) -> int:
    """Price of a library call that touches ``elements`` elements of its array arguments.

    What counts is the sum of the sizes of the arrays given to it; a function that makes an array
    from numbers (`np.zeros`) counts the elements it makes, one that spreads its arguments
    (`np.outer`) those of the result if they are more.
    """
    return LIBRARY_CALL + elements // ELEMENTS_PER_UNIT


def operator(elements: int) -> int:
    """Price of an operator whose result has ``elements`` elements."""
    return elements // ELEMENTS_PER_UNIT if elements > FREE_ELEMENTS else 0


def matmul(rows: int, inner: int, columns: int) -> int:
    """Price of a matrix product, as a function or an operator, besides `LIBRARY_CALL`."""
    work = rows * inner * columns
    return work // ELEMENTS_PER_UNIT if work > FREE_ELEMENTS else 0
