"""What runs in place of a guest's operators, loops, texts and writes in the interpreted tier.

A guest is plain Python after `sandbox.instrument`, so whatever its operators and loops can do
Python does. The guards here are the few places where that would be without bound (growing
sequences and integers, broadcasting, iteration), would differ between runs (order of sets,
addresses in texts), or would carry something from one row to another (writes into values that
the module made). Everything else is left to CPython, which keeps the tier close to plain speed.

Two rules carry the bounds. Every loop and every iterator is paid for where it is made, so a
consumer never has to count again. And whatever one operation makes is at most the sum of what it
was given, unless its size was checked first; so checking results after the fact is enough for
``+``, and ``*``, ``**``, ``<<`` and broadcasting are checked before.
"""

from sandbox.guards.holdings import held, state_bytes
from sandbox.guards.iteration import iteration_guards
from sandbox.guards.meter import TEXT_CHARS, Meter, OutOfFuel, OutOfMemory, Stop
from sandbox.guards.operators import operator_guards
from sandbox.guards.shapes import broadcast_size, matmul_price, matmul_size, span
from sandbox.guards.stores import MOVED, write_guards
from sandbox.guards.texts import FIELD_WIDTH, text_guards, without_addresses
from sandbox.guards.values import (
    GUEST_FILE,
    GUEST_MODULE,
    INTEGERS,
    NUMBERS,
    SCALARS,
    is_guest_class,
    is_guest_instance,
    own_method,
    undefined,
)

__all__ = [
    "FIELD_WIDTH",
    "GUEST_FILE",
    "GUEST_MODULE",
    "INTEGERS",
    "MOVED",
    "NUMBERS",
    "SCALARS",
    "TEXT_CHARS",
    "Meter",
    "OutOfFuel",
    "OutOfMemory",
    "Stop",
    "broadcast_size",
    "held",
    "is_guest_class",
    "is_guest_instance",
    "iteration_guards",
    "matmul_price",
    "matmul_size",
    "operator_guards",
    "own_method",
    "span",
    "state_bytes",
    "text_guards",
    "undefined",
    "without_addresses",
    "write_guards",
]
