"""NumPy as a guest sees it: each admitted function behind a check of arguments, size and result.

A view takes the arguments that the dialect admits and no others, so ``out=`` does not exist. It
charges by size, checks what the function would make before it is made where that can be more
than what it was given, and refuses results that hold objects or text. Values are those of NumPy
itself; only `np.empty`, which would show old memory, gives zeros.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
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
    iteration_guards,
    matmul_price,
    matmul_size,
)
from sandbox.predeclared.views import ABSTRACT, AnnotationView, NoWarnings, TypeView, dtype_of

__all__ = ["ArrayChecks", "array_members"]

ndarray: Final = np.ndarray
SMALL_ELEMENTS: Final = 64
"""Elements of all arguments together up to which only they are counted, not what they spread to:
even three of them spread to a few thousand."""
_ALWAYS: Final = -1
_NEVER: Final = 1 << 62
_QUICK_NAMES: Final = frozenset({"axis", "keepdims", "ddof", "copy", "reverse", "indexing"})
_REFUSED_KINDS: Final = "OUSVMm"
_PLAIN: Final = SCALARS | {int, str, NoneType, slice, EllipsisType}
MOST_AXES: Final = 64
"""Axes of an array of NumPy; it refuses a longer shape by itself."""
Bound = dict[str, Any]


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
            return dtype_of(value), 0
        if isinstance(value, int):  # a member of an IntEnum
            return int(value), 0
        if isinstance(value, complex):
            return value, 0
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
        if measure is not None and (when == _ALWAYS or elements > SMALL_ELEMENTS):
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


@dataclass(frozen=True, slots=True)
class Sizer:
    """How to find the size of what a function would make, before it does.

    Attributes:
        measure: Gives the elements of the result and the elements gone through.
        when: Elements of the array arguments above which it is worth asking; `_ALWAYS` where
            plain numbers among the arguments decide the size.
    """

    measure: Callable[[Bound], tuple[int, int]]
    when: int


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
    general = _function(function, entry, checks, _SIZERS["zeros"])

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
        return lambda **_named: NoWarnings()
    if name == "dtype":
        return dtype_of
    if name in ("finfo", "iinfo"):
        limits_of = getattr(np, name)
        return lambda dtype: limits_of(
            np.asarray(dtype).dtype
            if isinstance(dtype, ndarray | np.generic | float | int)
            else dtype_of(dtype)
        )
    if name == "issubdtype":
        return lambda arg1, arg2: np.issubdtype(_number_type(arg1), _number_type(arg2))
    if name == "array":
        return _array_maker(entry, checks)
    if name in ("zeros", "ones", "empty"):
        # Fresh memory shows what others left in it, so `empty` gives zeros.
        return _creator(np.ones if name == "ones" else np.zeros, entry, checks)
    if name == "empty_like":
        return _function(np.zeros_like, entry, checks, _SIZERS.get(name))
    function = getattr(real, name)
    if name in ("matmul", "vecdot"):
        return _function(function, entry, checks, _SIZERS["matmul"])
    if entry.kind == "ufunc":
        return (
            _unary(function, entry, checks)
            if len(entry.params) == 1
            else _binary(function, entry, checks)
        )
    if name == "fromiter":
        return _from_iterable(checks)
    return _function(function, entry, checks, _SIZERS.get(name))


def ufunc_method(checks: ArrayChecks, name: str, method: str, entry: Entry) -> Any:
    """Make the view of ``np.<name>.<method>``."""
    function = getattr(getattr(np, name), method)
    sizer = Sizer(_outer, SMALL_ELEMENTS) if method == "outer" else None
    return _function(function, entry, checks, sizer)


def _type_view(checks: ArrayChecks, name: str, entry: Entry) -> TypeView:
    real = getattr(np, name)
    if not (issubclass(real, np.number | np.bool_) and real not in ABSTRACT):
        return TypeView(f"np.{name}", real, None)
    convert = _function(real, entry, checks, None)
    return TypeView(f"np.{name}", real, convert)


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


# --- sizes ------------------------------------------------------------------------------------


def _size(value: Any) -> int:
    return int(np.size(value))


def _shape_of(value: Any) -> tuple[int, ...]:
    return tuple(np.shape(value))


def _ndim(value: Any) -> int:
    return int(np.ndim(value))


def _count(shape: Any) -> int:
    """Give the elements of a shape; what is no shape is left to NumPy's own error."""
    if isinstance(shape, int | np.integer):
        return max(int(shape), 0)
    try:
        if len(shape) > MOST_AXES:
            return 0
        return math.prod(max(int(size), 0) for size in shape)
    except (TypeError, ValueError):
        return 0


def _shape(b: Bound) -> tuple[int, int]:
    made = _count(b.get("shape", b.get("new_shape")))
    return made, made


def _like(b: Bound) -> tuple[int, int]:
    made = _size(b.get("a"))
    return made, made


def _arange(b: Bound) -> tuple[int, int]:
    start, stop, step = b.get("a", 0), b.get("b"), b.get("c", 1)
    if stop is None:
        start, stop = 0, start
    try:
        made = max(math.ceil((stop - start) / step), 0)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0, 0
    except OverflowError:
        made = 1 << 62
    return made, made


def _linspace(b: Bound) -> tuple[int, int]:
    num = b.get("num", 50)
    points = max(_size(b.get("start")), _size(b.get("stop")))
    made = _count(num) * points
    return made, made


def _square(b: Bound) -> tuple[int, int]:
    rows = _count(b.get("N", b.get("n", 0)))
    columns = b.get("M", b.get("m"))
    made = rows * (rows if columns is None else _count(columns))
    return made, made


def _diag(b: Bound) -> tuple[int, int]:
    value, k = b.get("v"), b.get("k", 0)
    made = _size(value)
    if _ndim(value) == 1:
        made = (made + abs(int(k))) ** 2
    return made, made


def _diagflat(b: Bound) -> tuple[int, int]:
    made = (_size(b.get("v")) + abs(int(b.get("k", 0)))) ** 2
    return made, made


def _indices(b: Bound) -> tuple[int, int]:
    dimensions = b.get("dimensions", ())
    made = _count(dimensions) * len(dimensions)
    return made, made


def _diag_indices(b: Bound) -> tuple[int, int]:
    made = _count(b.get("n")) * _count(b.get("ndim", 2))
    return made, made


def _meshgrid(b: Bound) -> tuple[int, int]:
    grids = b["*"]
    made = math.prod(_size(grid) for grid in grids) * len(grids)
    return made, made


def _tile(b: Bound) -> tuple[int, int]:
    made = max(_size(b.get("A")), 1) * _count(b.get("reps"))
    return made, made


def _repeat(b: Bound) -> tuple[int, int]:
    value, repeats, axis = b.get("a"), b.get("repeats"), b.get("axis")
    size = _size(value)
    each = np.asarray(repeats)
    if each.dtype.kind not in "biu":
        return 0, 0
    if each.size == 1:
        made = size * max(int(each.reshape(-1)[0]), 0)
    else:
        total = sum(max(int(item), 0) for item in each.reshape(-1))
        across = _shape_of(value)[axis] if isinstance(axis, int) and _ndim(value) else size
        made = total * (size // across if across else 0)
    return made, made


def _pad(b: Bound) -> tuple[int, int]:
    if b.get("mode") == "empty":
        raise ValueError("pad: mode 'empty' would show old memory; use 'constant'")
    shape = _shape_of(b.get("array"))
    width = b.get("pad_width")
    try:
        pairs = np.broadcast_to(np.asarray(width), (len(shape), 2)).tolist()
        made = math.prod(
            size + int(before) + int(after)
            for size, (before, after) in zip(shape, pairs, strict=True)
        )
    except (TypeError, ValueError):
        return 0, 0
    return made, made


def _outer(b: Bound) -> tuple[int, int]:
    first, second = list(b.values())[:2] if len(b) > 2 else (b["*"][0], b["*"][-1])
    made = _size(first) * _size(second)
    return made, made


def _kron(b: Bound) -> tuple[int, int]:
    made = _size(b.get("a")) * _size(b.get("b"))
    return made, made


def _vander(b: Bound) -> tuple[int, int]:
    size = _size(b.get("x"))
    columns = b.get("N")
    made = size * (size if columns is None else _count(columns))
    return made, made


def _convolve(b: Bound) -> tuple[int, int]:
    first, second = _size(b.get("a")), _size(b.get("v"))
    work = first * second
    return first + second, work if work > cost.FREE_ELEMENTS else first + second


def _product(b: Bound) -> tuple[int, int]:
    values = b["*"]
    if len(values) < 2:
        return 0, 0
    left, right = np.asarray(values[0]), np.asarray(values[1])
    price = matmul_price(left, right) * cost.ELEMENTS_PER_UNIT
    return matmul_size(left.shape, right.shape), max(price, left.size + right.size)


def _dot(b: Bound) -> tuple[int, int]:
    left, right = np.asarray(b.get("a")), np.asarray(b.get("b"))
    if not left.ndim or not right.ndim:
        return left.size * right.size, left.size * right.size
    inner = max(left.shape[-1], 1)
    rest = right.size // (right.shape[-2] if right.ndim > 1 else right.shape[-1] or 1)
    made = left.size // inner * max(rest, 1) if right.size else 0
    work = made * inner
    return made, work if work > cost.FREE_ELEMENTS else left.size + right.size


def _tensordot(b: Bound) -> tuple[int, int]:
    # The result is at most the outer product, and the work at most that as well.
    made = _size(b.get("a")) * _size(b.get("b"))
    return made, made


def _einsum(b: Bound) -> tuple[int, int]:
    subscripts, operands = b.get("subscripts"), b["*"][1:]
    if not isinstance(subscripts, str):
        raise TypeError("einsum: the first argument is the text of the subscripts")
    sizes: dict[str, int] = {}
    parts = subscripts.replace(" ", "").split("->")[0].split(",")
    extra = 1
    for part, operand in zip(parts, operands, strict=False):
        shape = _shape_of(operand)
        letters = part.replace("...", "")
        for letter, size in zip(letters, shape[-len(letters) :] if letters else (), strict=False):
            sizes[letter] = max(sizes.get(letter, 1), size)
        if "." in part:
            extra = max(extra, _size(operand))
    work = math.prod(sizes.values()) * extra
    return min(work, max(work, 0)), work


def _cubic(b: Bound) -> tuple[int, int]:
    value = np.asarray(next(iter(b.values())))
    if value.ndim < 2:
        return value.size, value.size
    side = max(value.shape[-2:])
    right = _size(b.get("b", 0))
    work = value.size * side + right * side
    return value.size + right, work if work > cost.FREE_ELEMENTS else value.size + right


def _full_svd(b: Bound) -> tuple[int, int]:
    value = np.asarray(next(iter(b.values())))
    if value.ndim < 2:
        return value.size, value.size
    side = max(value.shape[-2:])
    made = value.size // max(min(value.shape[-2:]), 1) * side
    work = value.size * side
    return made * 2, work if work > cost.FREE_ELEMENTS else value.size


def _norm(b: Bound) -> tuple[int, int]:
    value = b.get("x")
    if b.get("ord") is not None and _ndim(value) > 1 and b.get("ord") in (2, -2, "nuc"):
        return _full_svd({"a": value})
    return 0, 0


def _vdot(b: Bound) -> tuple[int, int]:
    return 0, _size(b.get("a")) + _size(b.get("b"))


def _bincount(b: Bound) -> tuple[int, int]:
    values = np.asarray(b.get("x"))
    most = 0
    if values.size and values.dtype.kind in "biu":
        most = int(values.max()) + 1
    minimum = b.get("minlength", 0)
    made = max(most, _count(minimum))
    return made, made + values.size


def _histogram(b: Bound) -> tuple[int, int]:
    bins = b.get("bins", 10)
    if isinstance(bins, str):
        raise TypeError("histogram: bins are a number or a list of edges")
    made = _count(bins) if isinstance(bins, int | np.integer) else _size(bins)
    return made, made + _size(b.get("a"))


def _sections(b: Bound) -> tuple[int, int]:
    sections = b.get("indices_or_sections")
    made = _count(sections) if isinstance(sections, int | np.integer) else _size(sections)
    size = _size(b.get("ary"))
    # One view costs as much as some elements.
    return made * 16, made * 16 + size


def _diff(b: Bound) -> tuple[int, int]:
    if b.get("n", 1) == 1:
        return 0, 0
    size = _size(b.get("a"))
    return size, size * min(max(_count(b.get("n", 1)), 1), max(size, 1))


def _kth(b: Bound) -> tuple[int, int]:
    value, axis = np.asarray(b.get("a")), b.get("axis", -1)
    length = value.size if axis is None else (value.shape[axis] if value.ndim else 0)
    for item in np.asarray(b.get("kth")).reshape(-1).tolist():
        if not -length <= item < length:
            raise ValueError(f"kth(={item}) out of bounds ({length})")
    return value.size, value.size


def _take(b: Bound) -> tuple[int, int]:
    value, indices, axis = np.asarray(b.get("a")), _size(b.get("indices")), b.get("axis")
    row = 1
    if axis is not None and value.ndim:
        row = value.size // max(value.shape[axis], 1)
    return indices * row, indices * row


def _broadcast(*names: str) -> Callable[[Bound], tuple[int, int]]:
    def sizer(b: Bound) -> tuple[int, int]:
        shapes = {
            _shape_of(value)
            for value in map(b.get, names)
            if isinstance(value, ndarray | list | tuple)
        }
        made = broadcast_size(*shapes) if len(shapes) > 1 else 0
        return made, made

    return sizer


def _broadcast_all(b: Bound) -> tuple[int, int]:
    values = b["*"]
    made = broadcast_size(*(_shape_of(value) for value in values)) * len(values)
    return made, made


def _select(b: Bound) -> tuple[int, int]:
    parts = [*b.get("condlist", ()), *b.get("choicelist", ())]
    made = broadcast_size(*(_shape_of(part) for part in parts))
    return made, made * max(len(parts), 1)


def _choose(b: Bound) -> tuple[int, int]:
    made = broadcast_size(
        _shape_of(b.get("a")), *(_shape_of(part) for part in b.get("choices", ()))
    )
    return made, made


def _quantile(b: Bound) -> tuple[int, int]:
    made = _size(b.get("a")) * max(_size(b.get("q")), 1)
    return made, made


def _cov(b: Bound) -> tuple[int, int]:
    value = np.asarray(b.get("m", b.get("x")))
    other = _size(b.get("y")) if b.get("y") is not None else 0
    size = value.size + other
    side = max(value.shape) if value.ndim else 1
    return size, size * side if size * side > cost.FREE_ELEMENTS else size


def _polyfit(b: Bound) -> tuple[int, int]:
    degree = _count(b.get("deg"))
    size = _size(b.get("x"))
    return size * (degree + 1), size * (degree + 1) ** 2


def _outer_indices(b: Bound) -> tuple[int, int]:
    values = b["*"]
    made = sum(_size(value) for value in values)
    return made, made


def _power_of_matrix(b: Bound) -> tuple[int, int]:
    value = np.asarray(b.get("a"))
    side = value.shape[-1] if value.ndim else 1
    turns = max(int(b.get("n", 1)).bit_length() * 2, 1)
    work = value.size * side * turns
    return value.size, work if work > cost.FREE_ELEMENTS else value.size


def _cross(b: Bound) -> tuple[int, int]:
    made = broadcast_size(_shape_of(b.get("a"))[:-1], _shape_of(b.get("b"))[:-1]) * 3
    return made, made


def _trimmed(b: Bound) -> tuple[int, int]:
    # NumPy goes through it in Python, element by element.
    size = _size(b.get("filt"))
    return size, size * 16


def _unwrapped(b: Bound) -> tuple[int, int]:
    made = int(_size(b.get("a", b.get("m"))))
    return made, made


def _sizers(when: int, table: dict[str, Callable[[Bound], tuple[int, int]]]) -> dict[str, Sizer]:
    return {
        name: Sizer(measure, when) for names, measure in table.items() for name in names.split()
    }


_SIZERS: Final[dict[str, Sizer]] = {
    **_sizers(
        _ALWAYS,
        {
            "zeros ones empty full broadcast_to resize": _shape,
            "arange": _arange,
            "linspace logspace geomspace": _linspace,
            "eye identity tri tril_indices triu_indices": _square,
            "diag": _diag,
            "diagflat": _diagflat,
            "indices": _indices,
            "diag_indices": _diag_indices,
            "meshgrid": _meshgrid,
            "tile": _tile,
            "repeat": _repeat,
            "pad": _pad,
            "vander": _vander,
            "einsum": _einsum,
            "matrix_power": _power_of_matrix,
            "bincount": _bincount,
            "histogram": _histogram,
            "split array_split hsplit vsplit dsplit": _sections,
            "diff": _diff,
            "partition argpartition": _kth,
            "polyfit": _polyfit,
            "trim_zeros": _trimmed,
        },
    ),
    **_sizers(
        SMALL_ELEMENTS,
        {
            "zeros_like ones_like empty_like full_like": _like,
            "outer kron": _kron,
            "convolve correlate": _convolve,
            "matmul": _product,
            "vecdot": _broadcast("x1", "x2"),
            "dot": _dot,
            "inner tensordot": _tensordot,
            "vdot": _vdot,
            "det inv solve matrix_rank eigvalsh cholesky slogdet cond": _cubic,
            "svd pinv lstsq qr eigh": _full_svd,
            "norm matrix_norm": _norm,
            "take": _take,
            "where": _broadcast("condition", "x", "y"),
            "clip": _broadcast("a", "a_min", "a_max"),
            "isclose allclose": _broadcast("a", "b"),
            "broadcast_arrays": _broadcast_all,
            "select": _select,
            "choose": _choose,
            "percentile quantile nanpercentile nanquantile": _quantile,
            "cov corrcoef": _cov,
            "ix_": _outer_indices,
            "cross": _cross,
        },
    ),
}


def method_sizer(name: str) -> Sizer | None:
    """Give the sizer of an array method; the array itself is bound as ``a``."""
    known = ("repeat", "partition", "argpartition", "take", "dot", "clip")
    return _SIZERS[name] if name in known else None
