"""NumPy as a guest sees it: each admitted function behind a check of arguments, size and result.

A view takes the arguments that the dialect admits and no others, so ``out=`` does not exist. It
charges by size, checks what the function would make before it is made where that can be more
than what it was given, and refuses results that hold objects or text. Values are those of NumPy
itself; only `np.empty`, which would show old memory, gives zeros.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from types import EllipsisType, FunctionType, NoneType
from typing import Any, Final

import numpy as np

from sandbox import cost
from sandbox.dialect import MODULES, Entry
from sandbox.guards import (
    SCALARS,
    Meter,
    OutOfFuel,
    broadcast_size,
    is_guest_instance,
    iteration_guards,
)
from sandbox.predeclared.sizes import ALWAYS, SIZERS, SMALL_ELEMENTS, Bound, Sizer, spread
from sandbox.predeclared.views import (
    ABSTRACT,
    AnnotationView,
    NoWarnings,
    TypeView,
    dtype_of,
    quiet,
)

__all__ = ["ArrayChecks", "array_members"]

ndarray: Final = np.ndarray
_NEVER: Final = 1 << 62
_QUICK_NAMES: Final = frozenset({"axis", "keepdims", "ddof", "copy", "reverse", "indexing"})
_REFUSED_KINDS: Final = "OUSVMm"
_PLAIN: Final = SCALARS | {int, str, NoneType, slice, EllipsisType}


class ArrayChecks:
    """The checks that functions and methods of arrays share."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.star = iteration_guards(meter)["star"]

    def argument(self, value: Any) -> tuple[Any, int]:
        """Check one argument; give it with the number of elements it has."""
        kind = value.__class__
        if kind is ndarray:
            return value, value.size
        if kind in _PLAIN:
            return value, 0
        if kind is list or isinstance(value, tuple):
            return value, self.deep(value)
        if kind is range or kind is deque:
            count = (
                max(0, -((value.start - value.stop) // value.step)) if kind is range else len(value)
            )
            self.meter.room(count)
            return value, count
        if isinstance(value, TypeView | np.dtype):
            # NumPy would make an object of it, and compares one with a text by parsing the text.
            raise TypeError("an array function takes numbers, lists and arrays, not a type")
        if isinstance(value, int):  # a member of an IntEnum
            return int(value), 0
        if isinstance(value, complex):
            return value, 0
        if is_guest_instance(value):
            # Its methods may answer NumPy otherwise than they answered the check of its size.
            raise TypeError(
                "an array function takes numbers, lists and arrays, not the program's own "
                f"{kind.__name__!r} objects"
            )
        if isinstance(value, Iterable) and not isinstance(value, Enum | dict):
            return value, 0
        raise TypeError(f"an array function cannot take a {kind.__name__!r} object")

    def deep(self, value: Any, depth: int = 0) -> int:
        """Estimate how many elements nested lists have, along their first items."""
        count = len(value)
        if not count:
            return 0
        first = value[0]
        if first.__class__ is ndarray:
            total = 0
            for item in value:
                if item.__class__ is ndarray:
                    total += item.size
                elif item.__class__ is list or item.__class__ is tuple:
                    total += self.deep(item, depth + 1)
        elif (first.__class__ is list or first.__class__ is tuple) and depth < 64:
            total = count * max(self.deep(first, depth + 1), self.deep_last(value[-1], depth))
        else:
            total = count
        if total > cost.FREE_ELEMENTS:
            self.meter.room(total)
        return total

    def deep_last(self, value: Any, depth: int) -> int:
        """Look at the last item only if it is a plain list of values: one path is enough."""
        if value.__class__ is not list or not value or value[0].__class__ is list:
            return 0
        return self.deep(value, depth + 1)

    def arguments(
        self, entry: Entry, args: tuple[Any, ...], named: Bound
    ) -> tuple[list[Any], Bound, int]:
        """Check all arguments of a call; give them with their number of elements."""
        elements = 0
        taken = []
        params = entry.params
        if len(args) > len(params) and not entry.variadic:
            raise TypeError(f"at most {len(params)} arguments by position, got {len(args)}")
        for index, value in enumerate(args):
            if index < len(params) and params[index] == "dtype":
                taken.append(dtype_of(value))
                continue
            item, size = self.argument(value)
            taken.append(item)
            elements += size
        checked: Bound = {}
        for name, value in named.items():
            if name not in params and name not in entry.keywords and not entry.any_keyword:
                raise TypeError(f"the argument {name!r} is not part of the dialect")
            if name == "dtype":
                checked[name] = dtype_of(value)
            else:
                checked[name], size = self.argument(value)
                elements += size
        return taken, checked, elements

    def result(self, value: Any) -> Any:
        """Check what a function gave."""
        kind = value.__class__
        if kind in SCALARS or value is None or kind is int:
            return value
        if kind is ndarray:
            if value.dtype.kind not in "biufc":
                raise TypeError(f"arrays of dtype {value.dtype} are not part of the dialect")
            if value.nbytes > 1024:
                self.meter.made_bytes += value.nbytes
            return value
        if isinstance(value, tuple | list):
            for item in value:
                self.result(item)
            return value
        if isinstance(value, str):
            return str(value)
        if isinstance(value, complex | np.complexfloating | np.finfo | np.iinfo | np.dtype):
            return value
        raise TypeError(f"an array function cannot give a {kind.__name__!r} object")

    def pay(self, elements: int) -> None:
        """Charge a library call."""
        meter = self.meter
        meter.left -= 1 + (elements >> 4)
        if meter.left < 0:
            raise OutOfFuel


def _function(
    function: Callable[..., Any],
    entry: Entry,
    checks: ArrayChecks,
    sizer: Sizer | None,
) -> Callable[..., Any]:
    """Make the view of a function."""
    meter = checks.meter
    room = meter.room
    params = entry.params
    # What is given by position up to here, and by these names, cannot be a dtype or an output.
    quick_count = params.index("dtype") if "dtype" in params else len(params)
    if entry.variadic:
        quick_count = 1 << 30
    quick_names = _QUICK_NAMES & {*params, *entry.keywords}
    when, measure = (_NEVER, None) if sizer is None else (sizer.when, sizer.measure)

    def size(given: Any, named: Bound, elements: int) -> int:
        if measure is None:
            return elements
        bound = {**dict(zip(params, given, strict=False)), **named, "*": given}
        made, done = measure(bound)
        if made > 128:
            room(made)
        return max(elements, made, done)

    def slow(args: tuple[Any, ...], named: Bound) -> Any:
        given, named, elements = checks.arguments(entry, args, named)
        if measure is not None and (when == ALWAYS or elements > SMALL_ELEMENTS):
            elements = size(given, named, elements)
        checks.pay(elements)
        return checks.result(function(*given, **named))

    def view(*args: Any, **named: Any) -> Any:
        if len(args) > quick_count or (named and not named.keys() <= quick_names):
            return slow(args, named)
        elements = 0
        for value in args:
            kind = value.__class__
            if kind is ndarray:
                elements += value.size
            elif kind not in _PLAIN:
                return slow(args, named)
        if elements > when:
            elements = size(args, named, elements)
        meter.left -= 1 + (elements >> 4)
        if meter.left < 0:
            raise OutOfFuel
        result = function(*args, **named)
        if result.__class__ is ndarray:
            if result.dtype.kind in _REFUSED_KINDS:
                return checks.result(result)
            if elements > 128:
                meter.made_bytes += result.nbytes
            return result
        return result if result.__class__ in SCALARS else checks.result(result)

    return view


def _array_maker(entry: Entry, checks: ArrayChecks) -> Callable[..., Any]:
    """Make the view of `np.array`, which mostly gets one flat list of numbers."""
    meter = checks.meter
    general = _function(np.array, entry, checks, None)

    def array(*args: Any, **named: Any) -> Any:
        if len(args) == 1 and not named and args[0].__class__ is list:
            values = args[0]
            count = len(values)
            if count < 64:
                for value in values:
                    if value.__class__ not in SCALARS and value.__class__ is not int:
                        break
                else:
                    meter.left -= 1 + (count >> 4)
                    if meter.left < 0:
                        raise OutOfFuel
                    result = np.array(values)
                    return result if result.dtype.kind in "fiub" else checks.result(result)
        return general(*args, **named)

    return array


def _creator(function: Callable[..., Any], entry: Entry, checks: ArrayChecks) -> Callable[..., Any]:
    """Make the view of `np.zeros` and `np.ones`, which mostly get one small number."""
    meter = checks.meter
    general = _function(function, entry, checks, SIZERS["zeros"])

    def view(*args: Any, **named: Any) -> Any:
        if len(args) == 1 and not named and args[0].__class__ is int and 0 <= args[0] < 128:
            meter.left -= 1 + (args[0] >> 4)
            if meter.left < 0:
                raise OutOfFuel
            return function(args[0])
        return general(*args, **named)

    return view


def _unary(function: Callable[[Any], Any], entry: Entry, checks: ArrayChecks) -> Callable[..., Any]:
    meter = checks.meter

    def view(x: Any) -> Any:
        if x.__class__ is ndarray:
            meter.left -= 1 + (x.size >> 4)
        elif x.__class__ in SCALARS:
            meter.left -= 1
        else:
            (x,), _, elements = checks.arguments(entry, (x,), {})
            meter.left -= 1 + (elements >> 4)
        if meter.left < 0:
            raise OutOfFuel
        result = function(x)
        if result.__class__ in SCALARS:
            return result
        if result.__class__ is ndarray and result.size < 128 and result.dtype.kind in "fiub":
            return result
        return checks.result(result)

    return view


def _binary(
    function: Callable[[Any, Any], Any], entry: Entry, checks: ArrayChecks
) -> Callable[..., Any]:
    meter = checks.meter

    def view(x1: Any, x2: Any) -> Any:
        elements = 0
        if x1.__class__ is ndarray and x2.__class__ in SCALARS:
            elements = x1.size
        elif x1.__class__ is ndarray and x2.__class__ is ndarray:
            elements = x1.size + x2.size
            if x1.shape != x2.shape:
                spread = broadcast_size(x1.shape, x2.shape)
                meter.room(spread)
                elements = max(elements, spread)
        elif x1.__class__ not in SCALARS or x2.__class__ not in SCALARS:
            (x1, x2), _, elements = checks.arguments(entry, (x1, x2), {})
            if elements > cost.FREE_ELEMENTS:
                spread = broadcast_size(np.shape(x1), np.shape(x2))
                meter.room(spread)
                elements = max(elements, spread)
        meter.left -= 1 + (elements >> 4)
        if meter.left < 0:
            raise OutOfFuel
        result = function(x1, x2)
        if result.__class__ in SCALARS:
            return result
        if result.__class__ is ndarray and elements < 128 and result.dtype.kind in "fiub":
            return result
        return checks.result(result)

    return view


def array_members(checks: ArrayChecks, module: str) -> Iterator[tuple[str, Any]]:
    """Make the views of all members of ``numpy`` or ``numpy.linalg`` except its modules."""
    real = np if module == "numpy" else np.linalg
    for name, entry in MODULES[module].items():
        if entry.kind != "module":
            yield name, array_member(checks, real, name, entry)


def array_member(checks: ArrayChecks, real: Any, name: str, entry: Entry) -> Any:
    """Make the view of one member, named in errors as the program names it."""
    view = _member(checks, real, name, entry)
    if isinstance(view, FunctionType) and view.__module__ == __name__ and view is not dtype_of:
        view.__name__ = name
        view.__qualname__ = f"{'np.linalg' if real is np.linalg else 'np'}.{name}"
    return view


def _member(checks: ArrayChecks, real: Any, name: str, entry: Entry) -> Any:
    if entry.kind == "constant":
        return getattr(real, name)
    if entry.kind == "exception":
        return getattr(real, name)
    if entry.kind == "annotation":
        return AnnotationView()
    if entry.kind == "type":
        return _type_view(checks, name, entry)
    if name == "errstate":
        return _errstate
    if name == "dtype":
        return dtype_of
    if name in ("finfo", "iinfo"):
        limits_of = getattr(np, name)
        return lambda dtype: limits_of(
            np.asarray(dtype).dtype
            if isinstance(dtype, ndarray | np.generic | float | int)
            else dtype_of(dtype)
        )
    if name in ("result_type", "promote_types", "can_cast"):
        return _typed(getattr(np, name), entry, checks)
    if name == "issubdtype":
        return lambda arg1, arg2: np.issubdtype(_number_type(arg1), _number_type(arg2))
    if name == "array":
        return _array_maker(entry, checks)
    if name in ("zeros", "ones", "empty"):
        # Fresh memory shows what others left in it, so `empty` gives zeros.
        return _creator(np.ones if name == "ones" else np.zeros, entry, checks)
    if name == "empty_like":
        return _function(np.zeros_like, entry, checks, SIZERS.get(name))
    function = getattr(real, name)
    if name in ("matmul", "vecdot", "matvec", "vecmat"):
        return _function(function, entry, checks, SIZERS["matmul"])
    if entry.kind == "ufunc":
        return (
            _unary(function, entry, checks)
            if len(entry.params) == 1
            else _binary(function, entry, checks)
        )
    if name == "fromiter":
        return _from_iterable(checks)
    return _function(function, entry, checks, SIZERS.get(name))


def _errstate(**settings: Any) -> NoWarnings:
    quiet(**settings)
    return NoWarnings()


def ufunc_method(checks: ArrayChecks, name: str, method: str, entry: Entry) -> Any:
    """Make the view of ``np.<name>.<method>``."""
    function = getattr(getattr(np, name), method)
    sizer = Sizer(spread, SMALL_ELEMENTS) if method == "outer" else None
    return _function(function, entry, checks, sizer)


def _type_view(checks: ArrayChecks, name: str, entry: Entry) -> TypeView:
    real = getattr(np, name)
    if not (issubclass(real, np.number | np.bool_) and real not in ABSTRACT):
        return TypeView(f"np.{name}", real, None)
    convert = _function(real, entry, checks, None)
    return TypeView(f"np.{name}", real, convert)


def _typed(function: Any, entry: Entry, checks: ArrayChecks) -> Any:
    """Make the view of a function that takes types, or values for their types."""
    params = entry.params

    def taken(name: str, value: Any) -> Any:
        if name == "casting" and value.__class__ is str:
            return value
        if isinstance(value, ndarray | np.generic | float | int):
            return checks.argument(value)[0]
        return dtype_of(value)

    def view(*args: Any, **named: Any) -> Any:
        if len(args) > len(params) and not entry.variadic:
            raise TypeError(f"at most {len(params)} arguments by position, got {len(args)}")
        for name in named:
            if name not in params:
                raise TypeError(f"the argument {name!r} is not part of the dialect")
        names = (*params, *("" for _ in args))
        given = [taken(name, value) for name, value in zip(names, args, strict=False)]
        return checks.result(function(*given, **{n: taken(n, v) for n, v in named.items()}))

    return view


def _number_type(value: Any) -> Any:
    if isinstance(value, TypeView) and value.real in ABSTRACT:
        return value.real
    return dtype_of(value)


def _from_iterable(checks: ArrayChecks) -> Callable[..., Any]:
    def fromiter(iter: Any, dtype: Any, count: int = -1) -> Any:  # noqa: A002  NumPy's own name
        values = checks.star(iter)
        checks.pay(len(values))
        return checks.result(np.fromiter(values, dtype_of(dtype), min(count, len(values) + 1)))

    return fromiter
