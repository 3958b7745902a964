"""Small standard modules as a guest sees them.

Heaps, sorted lists, statistics, copies, and modules that do nothing because a program has no output.
Each function charges for the items it is given before the real one works on them. Lists are
checked by the guard of writes first where the real function changes them.
"""

from __future__ import annotations

import bisect
import copy
import heapq
import numbers
import statistics
import string
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import chain
from types import MemberDescriptorType
from typing import Any, Final

import numpy as np

from sandbox import cost
from sandbox.dialect import MODULES
from sandbox.guards import (
    GUEST_MODULE,
    SCALARS,
    Meter,
    is_guest_instance,
    iteration_guards,
    operator_guards,
    write_guards,
)
from sandbox.keys import keys_guard
from sandbox.predeclared.texts import expressions
from sandbox.predeclared.views import TypeView
from sandbox.weights import FLAT

__all__ = ["STANDARD", "asdict", "astuple", "copying"]

_EACH_EXACT: Final = 16
"""What one number costs where fractions are added up exactly."""
_SINGLE: Final = FLAT | {str}
_FIXED: Final = SCALARS | {int, str, bytes, type(None), range, complex, type(Ellipsis), slice}


def _heapq(meter: Meter) -> dict[str, Any]:
    guards = operator_guards(meter)
    heavy, keyed = guards["$heavy"], guards["$keyed"]
    star, write = iteration_guards(meter)["star"], write_guards(meter)["write"]

    def weigh_nested(values: Any) -> None:
        """Pay for comparing items, unless they are numbers, texts, or tuples of these."""
        meter.items(len(values))
        if not _SINGLE.issuperset(map(type, values)):
            tuples = [value for value in values if value.__class__ is tuple]
            rest = {type(value) for value in values} - {tuple}
            inside = set(map(type, chain.from_iterable(tuples)))
            if not _SINGLE.issuperset(rest | inside):
                meter.weigh(values)

    def own(heap: Any) -> Any:
        if heap.__class__ is not list:
            raise TypeError(f"heap argument must be a list, not {type(heap).__name__}")
        meter.charge(1 + len(heap).bit_length())
        weigh_nested(heap)
        return write(heap)

    def heapify(heap: Any) -> None:
        own(heap)
        meter.charge(len(heap))
        heapq.heapify(heap)

    def best(name: str) -> Callable[..., Any]:
        function = getattr(heapq, name)

        def view(n: Any, iterable: Any, key: Any = None) -> Any:
            values = star(iterable)
            meter.charge(len(values))
            weigh_nested(values)
            return function(n, values, keyed(key))

        return view

    return {
        "heappush": lambda heap, item: heapq.heappush(own(heap), heavy(item)),
        "heappop": lambda heap: heapq.heappop(own(heap)),
        "heappushpop": lambda heap, item: heapq.heappushpop(own(heap), heavy(item)),
        "heapreplace": lambda heap, item: heapq.heapreplace(own(heap), heavy(item)),
        "heapify": heapify,
        "nlargest": best("nlargest"),
        "nsmallest": best("nsmallest"),
    }


def _bisect(meter: Meter) -> dict[str, Any]:
    guards = operator_guards(meter)
    heavy, keyed = guards["$heavy"], guards["$keyed"]
    write = write_guards(meter)["write"]

    def finder(name: str) -> Callable[..., Any]:
        function = getattr(bisect, name)

        def view(a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> Any:
            meter.charge(cost.LIBRARY_CALL)
            return function(a, heavy(x), lo, hi, key=keyed(key))

        return view

    def inserter(name: str) -> Callable[..., Any]:
        function = getattr(bisect, name)

        def view(a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> None:
            if a.__class__ is not list:
                raise TypeError(f"bisect.{name}: want a list, got a {type(a).__name__!r} object")
            write(a)
            meter.charge(cost.library(len(a)))
            function(a, heavy(x), lo, hi, key=keyed(key))

        return view

    return {
        name: inserter(name) if name.startswith("insort") else finder(name)
        for name in MODULES["bisect"]
    }


def _statistics(meter: Meter) -> dict[str, Any]:
    star = iteration_guards(meter)["star"]

    def numeric(data: Any) -> list[Any]:
        values = list(star(data))
        meter.charge(_EACH_EXACT * len(values))
        return list(map(number, values))

    def number(value: Any) -> Any:
        """Check one number: the real functions would hand their fractions to its own methods."""
        if value.__class__ in SCALARS or value.__class__ is int:
            return value
        if isinstance(value, int):  # a member of an IntEnum
            return int.__add__(value, 0)
        raise TypeError(f"can't convert type {type(value).__name__!r} to numerator/denominator")

    def setting(value: Any) -> Any:
        """Check an argument besides the data: a centre, a count, weights or the name of a method."""
        if value is None or value.__class__ is str:
            return value
        return numeric(value) if isinstance(value, list | tuple | np.ndarray) else number(value)

    def view(name: str) -> Callable[..., Any]:
        function = getattr(statistics, name)

        def over_numbers(data: Any, *args: Any, **named: Any) -> Any:
            more = {key: setting(value) for key, value in named.items()}
            given = [setting(value) for value in args]
            if name == "quantiles":
                # One turn for each cut point.
                cuts = more.get("n", 4)
                meter.room(cuts)
                meter.charge(cuts)
            return function(numeric(data), *given, **more)

        return over_numbers

    def counted(name: str) -> Callable[..., Any]:
        function = getattr(statistics, name)

        def over_values(data: Any) -> Any:
            values = star(data)
            meter.charge(len(values))
            return function(keys_guard(meter)(values))

        return over_values

    def of_two(name: str) -> Callable[..., Any]:
        function = getattr(statistics, name)
        return lambda x, y: function(numeric(x), numeric(y))

    found: dict[str, Any] = {}
    for name, entry in MODULES["statistics"].items():
        if entry.kind == "exception":
            found[name] = getattr(statistics, name)
        elif name in ("mode", "multimode"):
            found[name] = counted(name)
        elif name in ("correlation", "covariance"):
            found[name] = of_two(name)
        else:
            found[name] = view(name)
    return found


# --- copies -----------------------------------------------------------------------------------


class _Copies:
    """`copy.copy` and `copy.deepcopy` of what a guest can hold; everything else has no copy.

    The real ones ask a value how it wants to be pickled, which is more than a guest may ask.
    """

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def shallow(self, x: Any) -> Any:
        return self._one(x, lambda item: item)

    def deep(self, x: Any) -> Any:
        memo: dict[int, tuple[Any, Any]] = {}

        def go(item: Any) -> Any:
            found = memo.get(id(item))
            if found is not None:
                return found[1]
            return self._one(item, go, lambda made: memo.__setitem__(id(item), (item, made)))

        return go(x)

    def _one(
        self,
        x: Any,
        inner: Callable[[Any], Any],
        note: Callable[[Any], None] | None = None,
    ) -> Any:
        """Copy one value, and what it holds with ``inner``; ``note`` learns of it before that."""
        kind = x.__class__
        if kind in _FIXED or isinstance(x, Enum | type | np.dtype):
            return x
        if callable(x) and not is_guest_instance(x):
            return x
        note = note or _nothing
        if kind is np.ndarray:
            self.meter.charge(cost.library(x.size))
            self.meter.room(x.size, x.itemsize)
            made: Any = copy.copy(x)
            note(made)
            return made
        if kind is deque or kind in (list, set, frozenset) or isinstance(x, dict | tuple):
            self.meter.charge(cost.turns(1 + len(x)))
            self.meter.room(len(x))
        if isinstance(x, tuple) and (kind is tuple or kind.__module__ == GUEST_MODULE):
            items = [inner(item) for item in x]
            same = all(new is old for new, old in zip(items, x, strict=True))
            made = x if same else tuple.__new__(kind, items)
            note(made)
            return made
        if kind is frozenset:
            return frozenset([inner(item) for item in x])
        if kind is list or kind is set:
            made = kind()
            note(made)
            put = made.append if kind is list else made.add
            for item in list(x):
                put(inner(item))
            return made
        if kind is deque:
            made = deque(maxlen=x.maxlen)
            note(made)
            made.extend([inner(item) for item in x])
            return made
        if kind in (dict, OrderedDict, Counter, defaultdict):
            made = defaultdict(x.default_factory) if kind is defaultdict else kind()
            note(made)
            for key, item in list(x.items()):
                made[inner(key)] = inner(item)
            return made
        if is_guest_instance(x) and not isinstance(x, Exception):
            made = object.__new__(kind)
            note(made)
            for name, item in _state(x):
                object.__setattr__(made, name, inner(item))
            return made
        raise TypeError(f"a {kind.__name__!r} object cannot be copied here")


def _nothing(*_args: Any, **_named: Any) -> None:
    """Do nothing."""


def _state(value: Any) -> list[tuple[str, Any]]:
    """Give the attributes of a guest's instance, those in slots included."""
    found = list(vars(value).items()) if hasattr(value, "__dict__") else []
    for base in type(value).__mro__:
        if base.__module__ != GUEST_MODULE:
            continue
        for name, member in vars(base).items():
            if isinstance(member, MemberDescriptorType) and hasattr(value, name):
                found.append((name, member.__get__(value)))
    return found


def copying(meter: Meter) -> dict[str, Any]:
    """Make the members of `copy`."""
    copies = _Copies(meter)
    return {"copy": copies.shallow, "deepcopy": copies.deep}


def _fields_of(obj: Any, name: str) -> tuple[Any, ...]:
    if not (is_dataclass(obj) and is_guest_instance(obj)):
        raise TypeError(f"{name}() should be called on dataclass instances")
    return fields(obj)


def asdict(meter: Meter) -> Callable[[Any], dict[str, Any]]:
    """Make `dataclasses.asdict`, which also goes into data classes inside."""
    inner = _Inner(
        meter, lambda obj, go: {item.name: go(getattr(obj, item.name)) for item in fields(obj)}
    )

    def view(obj: Any) -> dict[str, Any]:
        _fields_of(obj, "asdict")
        return inner.of(obj)  # type: ignore[no-any-return]

    return view


def astuple(meter: Meter) -> Callable[[Any], tuple[Any, ...]]:
    """Make `dataclasses.astuple`, which also goes into data classes inside."""
    inner = _Inner(
        meter, lambda obj, go: tuple([go(getattr(obj, item.name)) for item in fields(obj)])
    )

    def view(obj: Any) -> tuple[Any, ...]:
        _fields_of(obj, "astuple")
        return inner.of(obj)  # type: ignore[no-any-return]

    return view


class _Inner:
    """Goes through lists, tuples, dicts and data classes, as `dataclasses.asdict` does."""

    def __init__(self, meter: Meter, make: Callable[[Any, Callable[[Any], Any]], Any]) -> None:
        self.meter = meter
        self.make = make
        self.copies = _Copies(meter)

    def of(self, obj: Any) -> Any:
        kind = obj.__class__
        if is_dataclass(obj) and is_guest_instance(obj):
            self.meter.charge(1 + len(fields(obj)))
            return self.make(obj, self.of)
        if isinstance(obj, tuple) and hasattr(obj, "_fields"):
            return tuple.__new__(kind, [self.of(item) for item in obj])
        if kind is list or kind is tuple:
            self.meter.charge(len(obj))
            return kind([self.of(item) for item in obj])
        if kind in (dict, OrderedDict, Counter, defaultdict):
            self.meter.charge(len(obj))
            pairs = [(self.of(key), self.of(item)) for key, item in obj.items()]
            if kind is defaultdict:
                made: defaultdict[Any, Any] = defaultdict(obj.default_factory)
                made.update(pairs)
                return made
            return kind(pairs) if kind is not Counter else Counter(dict(pairs))
        return self.copies.deep(obj)


# --- no output --------------------------------------------------------------------------------


class Silent:
    """A logger as a guest sees it: it says nothing to anybody."""

    __slots__ = ()

    def debug(self, *_args: Any, **_named: Any) -> None:
        """Do nothing."""

    info = warning = error = exception = critical = log = debug
    setLevel = debug  # noqa: N815  the name it has in `logging`

    def isEnabledFor(self, level: Any) -> bool:  # noqa: N802  the name it has in `logging`
        """Say no."""
        del level
        return False


def _logging(meter: Meter) -> dict[str, Any]:
    silent = Silent()

    def nothing(*_args: Any, **_named: Any) -> None:
        meter.charge(cost.LIBRARY_CALL)

    def get_logger(name: Any = None) -> Silent:
        del name
        return silent

    levels = {"NOTSET": 0, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
    others = {name: nothing for name in MODULES["logging"] if name not in levels}
    return {**others, **levels, "getLogger": get_logger}


def _warnings(meter: Meter) -> dict[str, Any]:
    def nothing(*_args: Any, **_named: Any) -> None:
        meter.charge(cost.LIBRARY_CALL)

    return dict.fromkeys(MODULES["warnings"], nothing)


# --- constants and types ----------------------------------------------------------------------


def _string(_meter: Meter) -> dict[str, Any]:
    return {name: getattr(string, name) for name in MODULES["string"]}


def _numbers(_meter: Meter) -> dict[str, Any]:
    return {
        name: TypeView(f"numbers.{name}", getattr(numbers, name), None)
        for name in MODULES["numbers"]
    }


def _types(_meter: Meter) -> dict[str, Any]:
    def init(self: Any, /, **named: Any) -> None:
        vars(self).update(named)

    def equal(self: Any, other: Any) -> Any:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    # A class of the guest's, so that its instances are kept, sealed and measured like all others.
    made = type(
        "SimpleNamespace",
        (),
        {"__module__": GUEST_MODULE, "__init__": init, "__eq__": equal, "__hash__": None},
    )
    return {"SimpleNamespace": made}


STANDARD: Final[dict[str, Callable[[Meter], dict[str, Any]]]] = {
    "heapq": _heapq,
    "bisect": _bisect,
    "statistics": _statistics,
    "copy": copying,
    "re": expressions,
    "logging": _logging,
    "warnings": _warnings,
    "string": _string,
    "numbers": _numbers,
    "types": _types,
}
"""By module, what makes its members for one program."""
