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

from __future__ import annotations

import operator
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from enum import Enum
from functools import partial
from itertools import chain, islice
from types import (
    BuiltinFunctionType,
    FunctionType,
    GeneratorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    NoneType,
)
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox import cost
from sandbox.keys import key_guard
from sandbox.limits import Limits
from sandbox.weights import FLAT, FREE_ITEMS, is_light, length, weight

__all__ = [
    "GUEST_FILE",
    "GUEST_MODULE",
    "INTEGERS",
    "NUMBERS",
    "SCALARS",
    "Meter",
    "OutOfFuel",
    "OutOfMemory",
    "Stop",
    "is_guest_class",
    "is_guest_instance",
    "iteration_guards",
    "operator_guards",
    "own_method",
    "span",
    "text_guards",
    "without_addresses",
    "write_guards",
]

GUEST_FILE: Final = "<guest>"
"""File name of a guest's code objects; nothing else has it."""
GUEST_MODULE: Final = "guest"
"""``__module__`` of every class that a guest makes; nothing else has it."""

TEXT_CHARS: Final = 1 << 20
"""Characters of one text. Splitting a text makes a list as long, so it is far below memory."""
MOVED: Final = 16
"""References that are moved in memory in the time that one item takes to be compared."""
FIELD_WIDTH: Final = 1_000
"""Width or precision of one field of an f-string."""

INTEGERS: Final = frozenset(np.dtype(code).type for code in "bhilqpBHILQP")
SCALARS: Final = INTEGERS | {float, bool, np.bool_, np.float16, np.float32, np.float64}
"""Types whose values never grow."""
_REPEATED: Final = frozenset({list, str, tuple, bytes, deque})
NUMBERS: Final = SCALARS | {int}
"""Types of single numbers: whatever an operator or comparison does with two is done at once."""
_NUMPY_NUMBERS: Final = SCALARS - {float, bool}
_NESTED: Final = frozenset({list, tuple})

ndarray: Final = np.ndarray
_NO_ITEMS: Final[dict[Any, Any]] = {}
_DICT_VIEWS: Final = (
    type(_NO_ITEMS.keys()),
    type(_NO_ITEMS.values()),
    type(_NO_ITEMS.items()),
)
_NO_ORDERED: Final[OrderedDict[Any, Any]] = OrderedDict()
_ODICT_VIEWS: Final = (
    type(_NO_ORDERED.keys()),
    type(_NO_ORDERED.values()),
    type(_NO_ORDERED.items()),
)
_SIZED: Final = frozenset(
    {
        *(list, tuple, dict, range, str, bytes, deque, ndarray, OrderedDict, Counter, defaultdict),
        *_DICT_VIEWS,
        *_ODICT_VIEWS,
    }
)
_SETS: Final = frozenset({set, frozenset})
_PLAIN_KEY: Final = 32
"""Weight of a key up to which finding its place in an order is part of a loop's turn."""
_LISTED_VIEWS: Final = frozenset({_DICT_VIEWS[1], _ODICT_VIEWS[1]})
"""Views that are searched from the front to the end."""


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
        self.left -= units if units.__class__ is int else operator.index(units)
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


def is_guest_class(value: object) -> bool:
    """Whether a value is a class that the guest made."""
    return isinstance(value, type) and value.__module__ == GUEST_MODULE


def is_guest_instance(value: object) -> bool:
    """Whether a value is an instance of a class that the guest made."""
    return type(value).__module__ == GUEST_MODULE


def own_method(value: object, name: str) -> Callable[..., Any] | None:
    """Give the method of that name that the guest's own classes define for a value, if any."""
    for base in type(value).__mro__:
        if base.__module__ == GUEST_MODULE and name in vars(base):
            found = vars(base)[name]
            is_own = isinstance(found, FunctionType) and found.__code__.co_filename == GUEST_FILE
            return partial(found, value) if is_own else None
    return None


def broadcast_size(*shapes: tuple[int, ...]) -> int:
    """Give the number of elements that shapes have together; 0 where they do not fit."""
    total = 1
    for axis in range(max(map(len, shapes), default=0)):
        size = 1
        for shape in shapes:
            if axis < len(shape):
                here = shape[-1 - axis]
                if here != 1:
                    if size not in (1, here):
                        return 0
                    size = here
        total *= size
    return total


# --- operators --------------------------------------------------------------------------------


def operator_guards(
    meter: Meter, percent: Callable[[str, Any], str] | None = None
) -> dict[str, Callable[..., Any]]:
    """Make the guards of all operators, by the name of their syntax node.

    Args:
        meter: What they charge.
        percent: Does ``text % values``; without it there is no such thing.
    """
    small = 1 << 62

    def finish(result: Any, *operands: Any) -> Any:
        """Charge and check a result that is not a plain scalar."""
        kind = result.__class__
        if kind is ndarray:
            size = result.size
            if size > cost.FREE_ELEMENTS:
                meter.made_bytes += result.nbytes
                meter.charge(cost.operator(size))
            if result.dtype.hasobject:
                raise TypeError("arrays of objects are not part of the dialect")
        elif kind is int:
            if not -small < result < small and result.bit_length() > meter.bits:
                raise too_large()
        elif kind is str:
            meter.text(len(result))
        elif kind is list or kind is tuple:
            meter.charge(len(result) // cost.ELEMENTS_PER_UNIT)
            meter.room(len(result))
        else:  # sets, dicts and counters: what both have is gone through
            meter.items(sum(map(length, operands)))
        return result

    def beside(left: Any, right: Any) -> None:
        """Pay for a list or tuple that NumPy makes an array of, because the other side is its."""
        kind = left.__class__
        if kind in _NESTED:
            left, right, kind = right, left, right.__class__
        if right.__class__ in _NESTED and (kind is ndarray or kind in _NUMPY_NUMBERS):
            meter.weigh(right)

    def too_large() -> OverflowError:
        return OverflowError(
            f"integer of more than {meter.bits} bits; limits.integer_bits is the cap"
        )

    def spread(left: Any, right: Any) -> None:
        """Check the size of a broadcast before it is made."""
        size = broadcast_size(left.shape, right.shape)
        if size > cost.FREE_ELEMENTS:
            meter.room(size, max(left.itemsize, right.itemsize))

    def repeated(left: Any, right: Any) -> Any:
        sequence, count = (left, right) if left.__class__ in _REPEATED else (right, left)
        if not isinstance(count, int | np.integer):
            return left * right
        items = len(sequence) * max(int(count), 0)
        if sequence.__class__ is str:
            meter.text(items)
        else:
            meter.room(items)
            meter.charge(items // cost.ELEMENTS_PER_UNIT)
        return left * right

    def add(left: Any, right: Any) -> Any:
        if left.__class__ is ndarray and right.__class__ is ndarray and left.shape != right.shape:
            spread(left, right)
        if right.__class__ in _NESTED or left.__class__ in _NESTED:
            beside(left, right)
        result = left + right
        kind = result.__class__
        if kind in SCALARS or (kind is int and -small < result < small):
            return result
        return finish(result, left, right)

    def sub(left: Any, right: Any) -> Any:
        if left.__class__ is ndarray and right.__class__ is ndarray and left.shape != right.shape:
            spread(left, right)
        if right.__class__ in _NESTED or left.__class__ in _NESTED:
            beside(left, right)
        result = left - right
        kind = result.__class__
        if kind in SCALARS or (kind is int and -small < result < small):
            return result
        return finish(result, left, right)

    def mul(left: Any, right: Any) -> Any:
        if left.__class__ in _REPEATED or right.__class__ in _REPEATED:
            beside(left, right)
            return repeated(left, right)
        if left.__class__ is ndarray and right.__class__ is ndarray and left.shape != right.shape:
            spread(left, right)
        result = left * right
        kind = result.__class__
        if kind in SCALARS or (kind is int and -small < result < small):
            return result
        return finish(result)

    def div(left: Any, right: Any) -> Any:
        if left.__class__ is ndarray and right.__class__ is ndarray and left.shape != right.shape:
            spread(left, right)
        if right.__class__ in _NESTED or left.__class__ in _NESTED:
            beside(left, right)
        result = left / right
        return result if result.__class__ in SCALARS else finish(result)

    def mod(left: Any, right: Any) -> Any:
        if left.__class__ is str:
            if percent is None:
                raise TypeError("text on the left of `%` is not part of this")
            return percent(left, right)
        if left.__class__ is bytes:
            raise TypeError("bytes on the left of `%` are not part of the dialect")
        if left.__class__ is ndarray and right.__class__ is ndarray and left.shape != right.shape:
            spread(left, right)
        if right.__class__ in _NESTED or left.__class__ in _NESTED:
            beside(left, right)
        result = left % right
        return result if result.__class__ in SCALARS else finish(result)

    def power(left: Any, right: Any) -> Any:
        if right.__class__ is int and left.__class__ is int:
            if right > 1 and left.bit_length() * right > meter.bits + 64 and left not in (-1, 0, 1):
                raise too_large()
        elif left.__class__ is ndarray and right.__class__ is ndarray:
            spread(left, right)
        elif isinstance(left, int) and isinstance(right, int):
            return power(int(left), int(right))
        if right.__class__ in _NESTED or left.__class__ in _NESTED:
            beside(left, right)
        result = left**right
        return result if result.__class__ in SCALARS else finish(result)

    def lshift(left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int) and left and right > meter.bits:
            raise too_large()
        if left.__class__ is ndarray and right.__class__ is ndarray:
            spread(left, right)
        beside(left, right)
        return finish(left << right)

    def matmul(left: Any, right: Any) -> Any:
        beside(left, right)
        meter.charge(matmul_price(left, right))
        if left.__class__ is ndarray and right.__class__ is ndarray:
            meter.room(matmul_size(left.shape, right.shape), max(left.itemsize, right.itemsize))
        return finish(left @ right)

    def guarded(plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def guard(left: Any, right: Any) -> Any:
            if (
                left.__class__ is ndarray
                and right.__class__ is ndarray
                and left.shape != right.shape
            ):
                spread(left, right)
            if right.__class__ in _NESTED or left.__class__ in _NESTED:
                beside(left, right)
            result = plain(left, right)
            return result if result.__class__ in SCALARS else finish(result, left, right)

        return guard

    hashed = key_guard(meter)
    writable = write_guards(meter)["write"]
    taken = iteration_guards(meter)["star"]

    def in_place(
        plain: Callable[[Any, Any], Any], changed: Callable[[Any, Any], Any]
    ) -> Callable[[Any, Any], Any]:
        """Guard ``left op= right``: what is written into must be the row's own."""

        def guard(left: Any, right: Any) -> Any:
            kind = left.__class__
            if kind in NUMBERS or kind is str or kind is tuple:
                return plain(left, right)
            if is_guest_instance(left):
                return changed(left, right)  # runs the program's own methods, guarded themselves
            if kind is ndarray:
                if right.__class__ is ndarray and right.ndim > left.ndim:
                    spread(left, right)
                beside(left, right)
                return finish(changed(left, right))
            writable(left)
            if kind is set or isinstance(left, dict):
                # The right side is gone through, and by these the left one as well.
                both = changed is operator.iand or kind is Counter
                meter.items(length(right) + (len(left) if both else 0))
            elif kind is list or kind is deque:
                if changed is operator.iadd:
                    right = taken(right)
                    meter.room(len(left) + len(right))
                elif isinstance(right, int):
                    items = len(left) * max(int(right), 0)
                    meter.room(items)
                    meter.charge(items // cost.ELEMENTS_PER_UNIT)
            return changed(left, right)

        return guard

    def contains(item: Any, container: Any) -> bool:
        kind = container.__class__
        if kind in _REPEATED:
            count = len(container)
            if count > cost.ELEMENTS_PER_UNIT:
                meter.charge(count // cost.ELEMENTS_PER_UNIT)
            if item.__class__ not in NUMBERS:
                meter.weigh(item, max(count, 1))
            if (
                item.__class__ is ndarray or item.__class__ in _NUMPY_NUMBERS
            ) and not FLAT.issuperset(map(type, container)):
                meter.weigh(container)
        elif kind is ndarray:
            beside(item, container)
            meter.charge(cost.library(container.size))
        elif kind is range:
            if item.__class__ is not int and item.__class__ is not bool:
                # Only these are found by arithmetic; the rest is compared with one after another.
                meter.items(span(container))
        else:
            hashed(item)
        if kind in _LISTED_VIEWS:
            meter.items(len(container))
        return item in container

    def compare(plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def guard(left: Any, right: Any) -> Any:
            kind = left.__class__
            if kind in NUMBERS and right.__class__ in NUMBERS:
                return plain(left, right)
            if right.__class__ in _NESTED or kind in _NESTED:
                beside(left, right)
            if kind is ndarray or right.__class__ is ndarray:
                if kind is right.__class__ and left.shape != right.shape:
                    spread(left, right)
                result = plain(left, right)
                return finish(result) if result.__class__ is ndarray else result
            short = kind is str and len(left) <= FREE_ITEMS
            if not short and kind not in NUMBERS and right.__class__ not in NUMBERS:
                meter.weigh(left)
            return plain(left, right)

        return guard

    def heavy(value: Any) -> Any:
        """Pay for a value that a chain of comparisons compares."""
        if value.__class__ not in NUMBERS:
            meter.weigh(value)
        return value

    def keyed(key: Any) -> Any:
        """Pay for comparing what the function that makes keys gives."""
        return None if key is None else lambda item: heavy(key(item))

    def unary(plain: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def guard(value: Any) -> Any:
            result = plain(value)
            return result if result.__class__ in NUMBERS else finish(result, value)

        return guard

    def paid(value: Any) -> Any:
        """Pay for what an operator with one number made: it is as large as its other side."""
        kind = value.__class__
        if kind is ndarray:
            if value.size > cost.FREE_ELEMENTS:
                finish(value)
        elif kind is Counter:
            meter.items(len(value))
        return value

    def merged(value: Any) -> Any:
        """Pay for a dict that is taken over into another."""
        meter.items(length(value))
        return value

    def cut(value: Any) -> Any:
        """Pay for a slice, which is a copy of everything but an array."""
        kind = value.__class__
        if kind is list or kind is tuple or kind is bytes:
            meter.items(len(value))
        elif kind is str and len(value) > FREE_ITEMS:
            meter.text(len(value))
        return value

    binary: dict[str, Callable[[Any, Any], Any]] = {
        "Add": add,
        "Sub": sub,
        "Mult": mul,
        "Div": div,
        "Mod": mod,
        "Pow": power,
        "LShift": lshift,
        "MatMult": matmul,
        "RShift": guarded(operator.rshift),
        "BitOr": guarded(operator.or_),
        "BitXor": guarded(operator.xor),
        "BitAnd": guarded(operator.and_),
        "FloorDiv": guarded(operator.floordiv),
    }
    changing = {
        "Add": operator.iadd,
        "Sub": operator.isub,
        "Mult": operator.imul,
        "Div": operator.itruediv,
        "Mod": operator.imod,
        "Pow": operator.ipow,
        "LShift": operator.ilshift,
        "MatMult": operator.imatmul,
        "RShift": operator.irshift,
        "BitOr": operator.ior,
        "BitXor": operator.ixor,
        "BitAnd": operator.iand,
        "FloorDiv": operator.ifloordiv,
    }
    return {
        **{f"${name}": guard for name, guard in binary.items()},
        **{f"$i{name}": in_place(binary[name], plain) for name, plain in changing.items()},
        "$USub": unary(operator.neg),
        "$UAdd": unary(operator.pos),
        "$Invert": unary(operator.invert),
        "$abs": unary(operator.abs),
        "$heavy": heavy,
        "$keyed": keyed,
        "$key": hashed,
        "$paid": paid,
        "$merged": merged,
        "$cut": cut,
        "$In": contains,
        "$NotIn": lambda item, container: not contains(item, container),
        "$Eq": compare(operator.eq),
        "$NotEq": compare(operator.ne),
        "$Lt": compare(operator.lt),
        "$LtE": compare(operator.le),
        "$Gt": compare(operator.gt),
        "$GtE": compare(operator.ge),
    }


def span(values: range) -> int:
    """Give the length of a range, also of one that is longer than CPython's `len` can say."""
    step = values.step
    return max((values.stop - values.start + step - (1 if step > 0 else -1)) // step, 0)


def matmul_price(left: Any, right: Any) -> int:
    """Give what a matrix product costs besides `cost.LIBRARY_CALL`."""
    if not (isinstance(left, ndarray) and isinstance(right, ndarray)):
        return 0
    if not left.ndim or not right.ndim:
        return 0
    columns = right.shape[-1] if right.ndim > 1 else 1
    rows = left.size // left.shape[-1] if left.shape[-1] else 0
    batch = right.size // (right.shape[-2] * columns) if right.ndim > 2 and right.size else 1
    return cost.matmul(rows * max(batch, 1), left.shape[-1], columns)


def matmul_size(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """Give the number of elements of a matrix product."""
    if not left or not right:
        return 0
    batch = broadcast_size(left[:-2], right[:-2])
    rows = left[-2] if len(left) > 1 else 1
    columns = right[-1] if len(right) > 1 else 1
    return batch * rows * columns


# --- iteration --------------------------------------------------------------------------------


def iteration_guards(meter: Meter) -> dict[str, Callable[..., Any]]:
    """Make the guards of loops.

    ``iter`` stands around what a loop goes through, ``grow`` where its body may lengthen the
    list it goes through, ``star`` where a value is taken apart.
    """

    def charged(value: Any) -> Any:
        kind = value.__class__
        if kind is range:
            return counted(value)
        if kind in _SIZED:
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
        elif value.__class__ not in _SIZED and not isinstance(value, Mapping):
            value = list(value)
        meter.room(len(value))
        return value

    def together(*values: Any) -> Iterator[Any]:
        """Pay for the shortest, as that is how many turns there are."""
        if all(value.__class__ in _SIZED for value in values):
            meter.charge(min(map(len, values)))
            return zip(*values)  # noqa: B905  what the program wrote
        return zip(*map(charged, values))  # noqa: B905

    return {"iter": charged, "grow": grow, "star": star, "zip": together}


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
        f"a set that holds {_kind_name(value)} has no order of its own; use a list or a dict"
    )


def _kind_name(value: Any) -> str:
    if isinstance(value, FunctionType | BuiltinFunctionType | MethodType):
        return "a function"
    return f"{type(value).__name__!r} objects"


# --- text -------------------------------------------------------------------------------------

_DIGITS = re.compile(r"[0-9]+")


_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


def without_addresses(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give what an exception holds without the addresses that libraries write into messages.

    They differ from run to run, and a guest can read them.
    """
    return tuple([_ADDRESS.sub("", part) if part.__class__ is str else part for part in parts])


def text_guards(meter: Meter) -> dict[str, Callable[..., Any]]:
    """Make the guards of ``str``, ``repr`` and f-strings.

    Only numbers, texts and plain containers have a text: that of a function or of an object is
    an address, which differs from run to run.
    """

    def checked(text: str) -> str:
        if len(text) > 64:
            meter.text(len(text))
        return text

    def show(value: Any) -> str:
        """Give the text of a value as it stands inside a container."""
        kind = value.__class__
        if kind.__module__ == GUEST_MODULE:
            own = own_method(value, "__repr__")
            if own is not None:
                return said(own(), "__repr__")
        if kind in NUMBERS or kind is str or value is None or kind is bytes:
            return checked(repr(value))
        if kind is ndarray:
            meter.charge(cost.library(min(value.size, 1_000)))
            return checked(repr(value))
        if isinstance(value, Enum):
            return f"<{type(value).__name__}.{value.name}: {show(value.value)}>"
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            parts = [
                f"{name}={show(item)}" for name, item in zip(value._fields, value, strict=True)
            ]
            return f"{kind.__name__}({joined(parts)})"
        if kind is list:
            return f"[{joined(map(show, paid(value)))}]"
        if kind is tuple:
            inner = joined(map(show, paid(value)))
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if kind is set or kind is frozenset:
            inner = joined(map(show, in_order(paid(value))))
            if kind is frozenset:
                return f"frozenset({{{inner}}})" if value else "frozenset()"
            return f"{{{inner}}}" if value else "set()"
        if isinstance(value, dict) and kind is not defaultdict:
            inner = joined(f"{show(key)}: {show(item)}" for key, item in paid(value).items())
            if kind is dict:
                return f"{{{inner}}}"
            return f"{kind.__name__}({{{inner}}})" if value else f"{kind.__name__}()"
        if kind is deque:
            end = "" if value.maxlen is None else f", maxlen={value.maxlen}"
            return f"deque([{joined(map(show, paid(value)))}]{end})"
        if isinstance(value, Exception):
            return f"{kind.__name__}({joined(map(show, without_addresses(value.args)))})"
        if kind is range or kind is slice:
            return repr(value)
        if isinstance(value, np.dtype):
            return repr(value)
        if is_dataclass(value) and is_guest_instance(value):
            parts = [
                f"{entry.name}={show(getattr(value, entry.name))}"
                for entry in dataclass_fields(value)
                if entry.repr
            ]
            return f"{kind.__qualname__}({joined(parts)})"
        raise TypeError(f"text of {_kind_name(value)} is not part of the dialect")

    def paid(value: Any) -> Any:
        meter.charge(1 + len(value))
        return value

    def said(text: Any, name: str) -> str:
        if text.__class__ is not str:
            raise TypeError(f"{name} returned non-string (type {type(text).__name__})")
        return checked(text)

    def joined(parts: Iterable[str]) -> str:
        return checked(", ".join(parts))

    def text(value: Any = "") -> str:
        kind = value.__class__
        if kind is str:
            return value  # type: ignore[no-any-return]
        if kind in NUMBERS or value is None:
            return checked(str(value))
        if kind.__module__ == GUEST_MODULE:
            own = own_method(value, "__str__")
            if own is not None:
                return said(own(), "__str__")
        if kind is ndarray:
            meter.charge(cost.library(min(value.size, 1_000)))
            return checked(str(value))
        if isinstance(value, Enum):
            return str(value.value) if isinstance(value, int) else f"{kind.__name__}.{value.name}"
        if isinstance(value, Exception):
            parts = without_addresses(value.args)
            if len(parts) == 1:
                return show(parts[0]) if isinstance(value, KeyError) else text(parts[0])
            return show(parts) if parts else ""
        if isinstance(value, np.dtype):
            return str(value)
        return show(value)

    def formatted(value: Any, spec: str, conversion: str) -> str:
        if conversion:
            value = text(value) if conversion == "s" else show(value)
        if not spec:
            return text(value)
        if len(spec) > 64 or any(int(part) > FIELD_WIDTH for part in _DIGITS.findall(spec)):
            raise ValueError(f"format {spec[:64]!r}: width and precision are at most {FIELD_WIDTH}")
        kind = value.__class__
        if kind in NUMBERS or kind is str:
            return checked(format(value, spec))
        if kind is ndarray or not isinstance(value, Enum | int | NoneType):
            raise TypeError(f"unsupported format string passed to {kind.__name__}.__format__")
        if isinstance(value, int):
            return checked(format(int(value), spec))
        return checked(format(text(value), spec))

    return {"$text": text, "$show": show, "$format": formatted, "$joined": checked}


# --- writing ----------------------------------------------------------------------------------

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
                f"{_kind_name(value)} made at the top of the program cannot be changed: it would "
                f"carry values from one row to another; keep state in `self`, or make a copy"
            )
        kind = value.__class__
        if kind.__module__ == GUEST_MODULE and not issubclass(kind, tuple | Enum):
            return value  # its own `__setitem__`, if it has one
        if kind not in _WRITABLE and kind not in _SIZED and kind.__module__ != "builtins":
            raise TypeError(f"{kind.__name__!r} object does not support item assignment")
        return value

    def own(value: Any) -> Any:
        kind = value.__class__
        if kind.__module__ != GUEST_MODULE or isinstance(value, Enum | type | tuple):
            if value is None or kind in _FIXED:
                return value  # CPython refuses by itself, with the usual text
            raise AttributeError(f"attributes of {_kind_name(value)} cannot be set")
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


def state_bytes(roots: Iterable[Any], limit: int) -> int:
    """Give about how many bytes values hold, going through containers once; stops at ``limit``."""
    total = 0
    seen: set[int] = set()
    waiting = list(roots)
    while waiting and total <= limit:
        value = waiting.pop()
        kind = value.__class__
        if kind in NUMBERS or value is None:
            total += 32
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        if kind is ndarray:
            total += 112 + whole(value).nbytes
        elif kind is str or kind is bytes:
            total += 64 + len(value)
        elif isinstance(value, dict):
            total += 64 + 100 * len(value)
            waiting.extend(value.keys())
            waiting.extend(value.values())
        elif isinstance(value, list | tuple | set | frozenset | deque):
            total += 64 + (64 if isinstance(value, set | frozenset) else 8) * len(value)
            waiting.extend(value)
        else:
            total += 64
            waiting.extend(held(value))
    return total


def whole(array: NDArray[Any]) -> NDArray[Any]:
    """Give the array that owns the memory of a view."""
    while isinstance(array.base, ndarray):
        array = array.base
    return array


def held(value: Any) -> list[Any]:
    """Give what a value keeps alive besides the items of a container."""
    found: list[Any] = []
    if isinstance(value, FunctionType):
        if value.__code__.co_filename != GUEST_FILE:
            # A view: what it holds is ours, except for a function of the guest's that it stands for.
            return [value.__wrapped__] if hasattr(value, "__wrapped__") else found
        found.extend(value.__defaults__ or ())
        found.extend((value.__kwdefaults__ or {}).values())
        for cell in value.__closure__ or ():
            try:
                found.append(cell.cell_contents)
            except ValueError:  # not filled yet
                continue
    elif isinstance(value, MethodType):
        if is_guest_instance(value.__self__) or is_guest_class(value.__self__):
            found.extend((value.__self__, value.__func__))
        return found
    elif isinstance(value, BuiltinFunctionType):
        if not isinstance(value.__self__, ModuleType):
            found.append(value.__self__)
        return found
    elif isinstance(value, type):
        if is_guest_class(value):
            found.extend(vars(value).values())
        return found
    elif isinstance(value, GeneratorType):
        frame = value.gi_frame
        if frame is not None:
            found.extend(frame.f_locals.values())
    elif isinstance(value, property):
        found.append(value.fget)
    elif isinstance(value, staticmethod | classmethod):
        found.append(value.__func__)
    elif isinstance(value, Exception):
        found.extend(value.args)
    if hasattr(value, "__dict__"):
        found.extend(vars(value).values())
    if isinstance(value, partial):
        found.extend((value.func, value.args, value.keywords))
    if is_guest_instance(value):
        for base in type(value).__mro__:
            if base.__module__ == GUEST_MODULE:
                for member in vars(base).values():
                    if isinstance(member, MemberDescriptorType):
                        with suppress(AttributeError):  # a slot that is not filled
                            found.append(member.__get__(value))
    return found
