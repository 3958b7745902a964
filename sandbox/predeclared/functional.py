"""Functions of NumPy that call the program, write into an array, or give more than an array.

Those that call a function of the guest get it wrapped: what it gives is checked like any argument.
Those that write are admitted only on arrays, which are the row's own unless the module made them,
and those are read-only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from sandbox import cost
from sandbox.dialect import Entry
from sandbox.guards import OutOfFuel, broadcast_size, write_guards
from sandbox.predeclared.arrays import ArrayChecks
from sandbox.predeclared.views import dtype_of, quiet

__all__ = ["SPECIAL", "Grid"]


def _checked(checks: ArrayChecks, function: Any) -> Callable[..., Any]:
    """Wrap a function of the guest: its results are arguments of NumPy."""
    if not callable(function):
        raise TypeError(f"{type(function).__name__!r} object is not callable")

    def call(*args: Any, **named: Any) -> Any:
        result, elements = checks.argument(function(*args, **named))
        checks.meter.room(elements)
        return result

    return call


def _vectorize(checks: ArrayChecks, _entry: Entry) -> Callable[..., Any]:
    def vectorize(pyfunc: Any, otypes: Any = None) -> Callable[..., Any]:
        kinds = None
        if otypes is not None:
            kinds = [dtype_of(item).char for item in checks.star(otypes)]  # type: ignore[union-attr]
        made = np.vectorize(_checked(checks, pyfunc), otypes=kinds)

        def vectorized(*args: Any) -> Any:
            taken = [checks.argument(value)[0] for value in args]
            size = broadcast_size(*(np.shape(value) for value in taken))
            checks.meter.room(size)
            checks.pay(size)
            return checks.result(made(*taken))

        return vectorized

    return vectorize


def _apply_along_axis(checks: ArrayChecks, _entry: Entry) -> Callable[..., Any]:
    def apply_along_axis(func1d: Any, axis: Any, arr: Any, *args: Any) -> Any:
        arr, elements = checks.argument(arr)
        taken = [checks.argument(value)[0] for value in args]
        checks.pay(elements)
        shape = np.shape(arr)
        function = _checked(checks, func1d)

        def row(values: Any, *more: Any) -> Any:
            result = function(values, *more)
            # All rows give as much as the first.
            checks.meter.room(np.size(result) * (elements // max(values.size, 1)))
            return result

        if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
            raise ValueError(f"axis {axis} is out of bounds for array of dimension {len(shape)}")
        return checks.result(np.apply_along_axis(row, axis, arr, *taken))

    return apply_along_axis


def _fromfunction(checks: ArrayChecks, _entry: Entry) -> Callable[..., Any]:
    def fromfunction(function: Any, shape: Any, dtype: Any = float) -> Any:
        sizes = [int(size) for size in checks.star(shape)]
        count = len(sizes)
        for size in sizes:
            count *= max(size, 0)
        checks.meter.room(count)
        checks.pay(count)
        kind = np.dtype(float) if dtype is float else dtype_of(dtype)
        return np.fromfunction(function, tuple(sizes), dtype=kind or np.dtype(float))

    return fromfunction


def _piecewise(checks: ArrayChecks, _entry: Entry) -> Callable[..., Any]:
    def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any) -> Any:
        x, elements = checks.argument(x)
        conditions, more = checks.argument(condlist)
        functions = [
            _checked(checks, item) if callable(item) else checks.argument(item)[0]
            for item in checks.star(funclist)
        ]
        checks.pay((elements + more) * 2)
        return checks.result(np.piecewise(x, conditions, functions, *args))

    return piecewise


def _writer(name: str) -> Callable[[ArrayChecks, Entry], Callable[..., Any]]:
    function = getattr(np, name)

    def make(checks: ArrayChecks, entry: Entry) -> Callable[..., Any]:
        write = write_guards(checks.meter)["write"]

        def view(*args: Any, **named: Any) -> None:
            given, named, elements = checks.arguments(entry, args, named)
            target = given[0] if given else named.get(entry.params[0])
            if not isinstance(target, np.ndarray):
                raise TypeError(f"np.{name} writes into an array, not a {type(target).__name__!r}")
            write(target)
            checks.pay(elements)
            function(*given, **named)

        return view

    return make


def _ndindex(checks: ArrayChecks, _entry: Entry) -> Callable[..., Any]:
    def ndindex(*shape: Any) -> Iterator[tuple[int, ...]]:
        given = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        sizes = [operator.index(size) for size in given]
        checks.meter.room(sum(max(size, 0) for size in sizes))
        return _paid(checks, np.ndindex(*sizes))

    return ndindex


def _ndenumerate(checks: ArrayChecks, _entry: Entry) -> Callable[..., Any]:
    def ndenumerate(arr: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
        array = np.asarray(checks.argument(arr)[0])
        checks.result(array)
        return ((index, array[index]) for index in _paid(checks, np.ndindex(array.shape)))

    return ndenumerate


def _paid(checks: ArrayChecks, items: Any) -> Iterator[Any]:
    meter = checks.meter
    for item in items:
        meter.left -= cost.TURN
        if meter.left < 0:
            raise OutOfFuel
        yield item


def _seterr(checks: ArrayChecks, _entry: Entry) -> Callable[..., Any]:
    def seterr(**settings: Any) -> dict[str, str]:
        checks.meter.charge(cost.LIBRARY_CALL)
        quiet(**settings)
        return dict.fromkeys(("divide", "over", "under", "invalid"), "ignore")

    return seterr


def _set_printoptions(checks: ArrayChecks, _entry: Entry) -> Callable[..., Any]:
    def set_printoptions(**_options: Any) -> None:
        checks.meter.charge(cost.LIBRARY_CALL)

    return set_printoptions


class Grid:
    """`np.mgrid` and its kind: what is in the brackets is checked, then NumPy makes it."""

    __slots__ = ("_checks", "_name")

    def __init__(self, checks: ArrayChecks, name: str) -> None:
        self._checks = checks
        self._name = name

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        count, elements, joins = 1, 0, self._name in ("r_", "c_")
        for part in parts:
            if isinstance(part, slice):
                size = _length(part)
            elif joins and not isinstance(part, str):
                _, size = self._checks.argument(part)
            else:
                raise TypeError(
                    f"np.{self._name} takes ranges and numbers, not {type(part).__name__!r}"
                )
            elements += size
            count *= size if not joins and self._name == "mgrid" else 1
        made = elements + (count * len(parts) if self._name == "mgrid" else 0)
        self._checks.meter.room(made)
        self._checks.pay(made)
        return self._checks.result(getattr(np, self._name)[index])

    # Python takes what has items for a sequence, and this one would have no end.
    __iter__ = None
    __contains__ = None


def _grid(name: str) -> Callable[[ArrayChecks, Entry], Grid]:
    return lambda checks, _entry: Grid(checks, name)


def _length(part: slice) -> int:
    """Bound the elements that a range in brackets stands for."""
    start, stop, step = part.start or 0, part.stop, 1 if part.step is None else part.step
    if isinstance(step, complex):
        return int(abs(step)) + 1
    for number in (start, stop, step):
        if not isinstance(number, int | float | np.integer | np.floating):
            raise TypeError("a range in brackets needs numbers")
    if step == 0:
        raise ValueError("a range in brackets with a step of zero")
    size = (float(stop) - float(start)) / float(step)
    return 0 if size != size else int(min(max(size, 0.0), 1e18)) + 1  # noqa: PLR0124


SPECIAL: Final[dict[str, Callable[[ArrayChecks, Entry], Any]]] = {
    "vectorize": _vectorize,
    "apply_along_axis": _apply_along_axis,
    "fromfunction": _fromfunction,
    "piecewise": _piecewise,
    "ndindex": _ndindex,
    "ndenumerate": _ndenumerate,
    "seterr": _seterr,
    "set_printoptions": _set_printoptions,
    **{
        name: _writer(name)
        for name in ("fill_diagonal", "copyto", "put", "place", "putmask", "put_along_axis")
    },
    **{name: _grid(name) for name in ("mgrid", "ogrid", "r_", "c_")},
}
"""By name, what makes the view of one program."""
