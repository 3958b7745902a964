"""The guards of operators and comparisons.

Whatever one operation makes is at most the sum of what it was given, unless its size was checked
first. So checking results after the fact is enough for ``+``; ``*``, ``**``, ``<<`` and
broadcasting are checked before. What goes through a container in C is weighed before.
"""

from __future__ import annotations

import operator
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from sandbox import cost
from sandbox.guards.iteration import iteration_guards
from sandbox.guards.meter import Meter
from sandbox.guards.shapes import broadcast_size, matmul_price, matmul_size, span
from sandbox.guards.stores import write_guards
from sandbox.guards.values import (
    LISTED_VIEWS,
    NESTED,
    NUMBERS,
    NUMPY_NUMBERS,
    REPEATED,
    SCALARS,
    is_guest_instance,
)
from sandbox.keys import key_guard
from sandbox.weights import FLAT, FREE_ITEMS, length

__all__ = ["operator_guards"]


ndarray: Final = np.ndarray


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
        if kind in NESTED:
            left, right, kind = right, left, right.__class__
        if right.__class__ in NESTED and (kind is ndarray or kind in NUMPY_NUMBERS):
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
        sequence, count = (left, right) if left.__class__ in REPEATED else (right, left)
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
        if right.__class__ in NESTED or left.__class__ in NESTED:
            beside(left, right)
        result = left + right
        kind = result.__class__
        if kind in SCALARS or (kind is int and -small < result < small):
            return result
        return finish(result, left, right)

    def sub(left: Any, right: Any) -> Any:
        if left.__class__ is ndarray and right.__class__ is ndarray and left.shape != right.shape:
            spread(left, right)
        if right.__class__ in NESTED or left.__class__ in NESTED:
            beside(left, right)
        result = left - right
        kind = result.__class__
        if kind in SCALARS or (kind is int and -small < result < small):
            return result
        return finish(result, left, right)

    def mul(left: Any, right: Any) -> Any:
        if left.__class__ in REPEATED or right.__class__ in REPEATED:
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
        if right.__class__ in NESTED or left.__class__ in NESTED:
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
        if right.__class__ in NESTED or left.__class__ in NESTED:
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
        if right.__class__ in NESTED or left.__class__ in NESTED:
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
            if right.__class__ in NESTED or left.__class__ in NESTED:
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
        if kind in REPEATED:
            count = len(container)
            if count > cost.ELEMENTS_PER_UNIT:
                meter.charge(count // cost.ELEMENTS_PER_UNIT)
            if item.__class__ not in NUMBERS:
                meter.weigh(item, max(count, 1))
            if (
                item.__class__ is ndarray or item.__class__ in NUMPY_NUMBERS
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
        if kind in LISTED_VIEWS:
            meter.items(len(container))
        return item in container

    def compare(plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def guard(left: Any, right: Any) -> Any:
            kind = left.__class__
            if kind in NUMBERS and right.__class__ in NUMBERS:
                return plain(left, right)
            if right.__class__ in NESTED or kind in NESTED:
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
