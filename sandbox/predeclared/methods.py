"""Attributes and methods of values: which may be read, and what reading them gives.

A name is read directly, without a guard, where that is harmless on every value a guest can hold:
every host type that has an attribute of the name must admit it in the dialect, and it must be one
that needs no metering. The names of a guest's own fields and methods mostly are of that kind, as
no host type has them. All other names go through a reader or a caller made for that one name,
which looks up the exact type of the value.
"""

from __future__ import annotations

import functools
import itertools
from abc import ABC, ABCMeta
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field
from enum import Enum, EnumMeta
from types import (
    BuiltinFunctionType,
    EllipsisType,
    FunctionType,
    GeneratorType,
    GenericAlias,
    MethodType,
    NoneType,
    UnionType,
)
from typing import Any, Final

import numpy as np

from sandbox import cost
from sandbox.dialect import METHODS, Entry
from sandbox.formatting import formatting_guards
from sandbox.guards import (
    GUEST_FILE,
    GUEST_MODULE,
    INTEGERS,
    MOVED,
    TEXT_CHARS,
    OutOfFuel,
    iteration_guards,
    operator_guards,
    span,
    without_addresses,
    write_guards,
)
from sandbox.guards.tokens import FrameToken
from sandbox.keys import keys_guard
from sandbox.predeclared.arrays import ArrayChecks
from sandbox.predeclared.functional import Grid
from sandbox.predeclared.sizes import method_sizer
from sandbox.predeclared.standard import Silent
from sandbox.predeclared.texts import TextMatch, TextPattern
from sandbox.predeclared.views import AnnotationView, ModuleView, NoWarnings, TypeView
from sandbox.weights import FLAT, FREE_ITEMS

__all__ = ["HOST_TYPES", "Attributes", "is_direct"]

ndarray: Final = np.ndarray
_GENERIC: Final = (
    *INTEGERS,
    *(np.bool_, np.float16, np.float32, np.float64, np.complex64, np.complex128),
)

_TABLE_OF: Final[dict[type, str]] = {
    ndarray: "ndarray",
    **dict.fromkeys(_GENERIC, "generic"),
    **{np.dtype(code).__class__: "dtype" for code in "?bhilqpBHILQPefdFD"},
    np.finfo: "finfo",
    np.iinfo: "iinfo",
    str: "str",
    bytes: "bytes",
    list: "list",
    tuple: "tuple",
    dict: "dict",
    defaultdict: "defaultdict",
    OrderedDict: "OrderedDict",
    Counter: "Counter",
    set: "set",
    frozenset: "frozenset",
    deque: "deque",
    int: "int",
    bool: "bool",
    float: "float",
    range: "range",
    slice: "slice",
    Silent: "logger",
    TextPattern: "pattern",
    TextMatch: "match",
}
"""Exact type of a value to its table in `sandbox.dialect.METHODS`."""

_EXCEPTIONS: Final = tuple(
    kind
    for kind in (
        *(Exception, ArithmeticError, AssertionError, AttributeError, FloatingPointError),
        *(IndexError, KeyError, LookupError, NameError, NotImplementedError, OverflowError),
        *(RuntimeError, StopIteration, TypeError, UnboundLocalError, ValueError),
        *(ZeroDivisionError, MemoryError, RecursionError, UnicodeError, UnicodeDecodeError),
        *(OSError, ImportError, SyntaxError, BufferError, EOFError, np.linalg.LinAlgError),
        *(np.exceptions.AxisError, np.exceptions.DTypePromotionError),
    )
)


class _PictureError(Exception):
    """Has the names that OpenCV gives its exception class; the last error of all rows is in them."""

    code = err = file = func = line = msg = None


_EMPTY: Final[tuple[Iterable[Any], ...]] = ([], (), {}, set(), "", range(0), deque(), b"")
_ITERATORS: Final = (
    *(zip, map, filter, enumerate, reversed, GeneratorType, functools.partial),
    *(getattr(itertools, name) for name in dir(itertools) if not name.startswith("_")),
    *(type(iter(value)) for value in _EMPTY),
    *(type({}.keys()), type({}.values()), type({}.items())),
    *(type(OrderedDict().keys()), type(OrderedDict().values()), type(OrderedDict().items())),
    type(functools.cmp_to_key(lambda a, b: 0)(0)),  # noqa: ARG005
)
_Tuple = namedtuple("_Tuple", "a_field")  # noqa: PYI024  only its own names matter
_TUPLE_NAMES: Final = frozenset(vars(_Tuple)) - {"a_field"}
"""What every namedtuple has; `_make` for one takes anything, unmetered."""
_ENUM_NAMES: Final = frozenset(
    name for name in (*vars(Enum), *vars(EnumMeta)) if name.startswith("_")
)
"""What the machinery of enums keeps in each of them; `_member_type_` is a real type."""
HOST_TYPES: Final[tuple[type, ...]] = tuple(
    dict.fromkeys(
        kind
        for kind in (
            *_TABLE_OF,
            *_EXCEPTIONS,
            *_ITERATORS,
            *(FrameToken, _PictureError),
            *(complex, NoneType, EllipsisType, FunctionType, BuiltinFunctionType, MethodType),
            *(property, staticmethod, classmethod, type, Enum, EnumMeta, Field, GenericAlias),
            *(ABC, ABCMeta, Grid),
            *(_Tuple, UnionType, TypeView, ModuleView, AnnotationView, NoWarnings),
            *(type(str.join), type("".__len__), np.ufunc, np.flatiter),
        )
        if isinstance(kind, type)
    )
)
"""Every type of a value that a guest may come to hold, or that a mistake here could hand out."""

_ARRAYED: Final = (np.generic, ndarray)

_METERED: Final[Mapping[str, frozenset[str]]] = {
    # Array attributes are facts; everything an array does is paid for.
    "ndarray": frozenset(n for n, e in METHODS["ndarray"].items() if e.kind != "constant"),
    "generic": frozenset({"astype", "reshape", "clip", "round"}),
    "str": frozenset(METHODS["str"]),
    "list": frozenset(METHODS["list"]),
    "dict": frozenset({"pop", "setdefault", "update", "clear", "popitem", "copy"}),
    "defaultdict": frozenset({"pop", "setdefault", "update", "clear", "popitem", "copy"}),
    "OrderedDict": frozenset(
        {"pop", "setdefault", "update", "clear", "popitem", "copy", "move_to_end"}
    ),
    "Counter": frozenset(
        {"pop", "setdefault", "update", "clear", "popitem", "copy", "subtract", "most_common"}
        | {"elements", "total"}
    ),
    "set": frozenset(METHODS["set"]),
    "frozenset": frozenset(METHODS["frozenset"]),
    "deque": frozenset(n for n, e in METHODS["deque"].items() if e.kind != "constant"),
    "tuple": frozenset({"count", "index"}),
    "range": frozenset({"count", "index"}),
}
"""Methods that a guard stands in for, per table."""

_WRITING: Final = frozenset(
    {
        *("append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort", "update"),
        *("setdefault", "popitem", "move_to_end", "subtract", "add", "discard", "appendleft"),
        *("popleft", "extendleft", "rotate", "fill", "partition"),
        *("intersection_update", "difference_update", "symmetric_difference_update"),
    }
)
_LENGTHENING: Final = frozenset({"extend", "extendleft", "update", "union", "subtract"})
"""Methods that go through an iterable they are given."""


_ALSO_HARMLESS: Final[Mapping[type, frozenset[str]]] = {
    # Not in the dialect, so no program can rely on them; but reading them gives plain values.
    bytes: frozenset(METHODS["str"]) - _METERED["str"],
    complex: frozenset({"real", "imag", "conjugate"}),
    Field: frozenset({"name"}),
    functools.partial: frozenset({"args"}),
    **{kind: frozenset({"name", "value", "start", "ndim"}) for kind in _EXCEPTIONS},
    **{kind: frozenset({"shape", "ndim"}) for kind, table in _TABLE_OF.items() if table == "dtype"},
    **dict.fromkeys(_GENERIC, frozenset({"bit_count", "numerator", "denominator"})),
}


def is_direct(name: str) -> bool:
    """Whether reading ``name`` is harmless on every value a guest can hold."""
    return _direct(name)


@functools.cache
def _direct(name: str) -> bool:
    if name.startswith("__") and name.endswith("__"):
        return False
    for kind in HOST_TYPES:
        if name not in _names_of(kind) or name in _ALSO_HARMLESS.get(kind, ()):
            continue
        table = _TABLE_OF.get(kind)
        if table is None:
            return False
        if name not in METHODS[table] or name in _METERED.get(table, ()):
            return False
    return True


@functools.cache
def _names_of(kind: type) -> frozenset[str]:
    # Not `dir`, which enums and others answer as they like.
    return frozenset(itertools.chain.from_iterable(vars(base) for base in kind.__mro__))


def _withheld(value: Any, name: str) -> bool:
    """Whether a value has an attribute that is not admitted: saying that it has none would be wrong."""
    kind = type(value)
    if kind in (ModuleView, TypeView, AnnotationView):
        return True
    if kind is FunctionType and value.__code__.co_filename != GUEST_FILE:
        return True  # a view, which has less than what it stands for
    return any(
        name in vars(base)
        for base in kind.__mro__
        if base is not object and base.__module__ != GUEST_MODULE
    )


class Attributes:
    """Readers and callers of guarded attribute names, made once per name."""

    def __init__(self, checks: ArrayChecks) -> None:
        self.checks = checks
        self.meter = checks.meter
        self.format = formatting_guards(checks.meter)["fields"]
        guards = iteration_guards(self.meter)
        self.star, self.each = guards["star"], guards["iter"]
        self.write = write_guards(self.meter)["write"]
        self._actions: dict[tuple[str, str], Callable[..., Any] | None] = {}

    def reader(self, name: str) -> Callable[[Any], Any]:
        """Make the function that stands for ``value.name``."""
        actions = self._table(name)

        def read(value: Any) -> Any:
            try:
                action = actions[value.__class__]
            except KeyError:
                return self._other(value, name)
            return getattr(value, name) if action is None else functools.partial(action, value)

        return read

    def caller(self, name: str) -> Callable[..., Any]:
        """Make the function that stands for ``value.name(...)``."""
        actions = self._table(name)

        def call(value: Any, /, *args: Any, **named: Any) -> Any:
            try:
                action = actions[value.__class__]
            except KeyError:
                return self._other(value, name)(*args, **named)
            if action is None:
                return getattr(value, name)(*args, **named)
            return action(value, *args, **named)

        special = _HOT.get(name)
        if special is not None:
            return special(self, call)
        if name in _QUICK:
            return self._quick(name, call)
        return call

    def _quick(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Make a caller that takes the short way for an array and plain arguments."""
        most, names = _QUICK[name]
        method = getattr(ndarray, name)
        meter = self.meter

        def quick(value: Any, /, *args: Any, **named: Any) -> Any:
            plain = len(args) <= most and (not named or named.keys() <= names)
            if value.__class__ is not ndarray or not plain or value.size > cost.FREE_ELEMENTS:
                return call(value, *args, **named)
            meter.left -= 1 + (value.size >> 4)
            if meter.left < 0:
                raise OutOfFuel
            return method(value, *args, **named)

        return quick

    def read_default(self, value: Any, name: str, *default: Any) -> Any:
        """Do ``getattr(value, name[, default])`` for a name that is written out."""
        try:
            return self.reader(name)(value)
        except AttributeError:
            if default and not _withheld(value, name):
                return default[0]
            raise

    def has(self, value: Any, name: str) -> bool:
        """Do ``hasattr(value, name)`` for a name that is written out."""
        try:
            self.reader(name)(value)
        except AttributeError:
            if _withheld(value, name):
                raise
            return False
        return True

    def _table(self, name: str) -> dict[type, Callable[..., Any] | None]:
        found: dict[type, Callable[..., Any] | None] = {}
        for kind, table in _TABLE_OF.items():
            entry = METHODS[table].get(name)
            if entry is not None and (hasattr(kind, name) or kind in (np.finfo, np.iinfo)):
                metered = name in _METERED.get(table, ())
                found[kind] = self._action(kind, table, name, entry) if metered else None
        return found

    def _other(self, value: Any, name: str) -> Any:
        """Read from what has no table of its own: the guest's own classes, modules, exceptions."""
        kind = type(value)
        if kind is ModuleView:
            return value.member(name)
        if name.startswith("__"):
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
        owner = value if isinstance(value, type) else kind
        if name in METHODS["namedtuple"] and owner is kind and _is_named_tuple(kind, name):
            self.meter.charge(1 + len(value))
            return getattr(value, name)
        if (name in _TUPLE_NAMES and issubclass(owner, tuple)) or (
            name in _ENUM_NAMES and issubclass(owner, Enum)
        ):
            raise AttributeError(f"`{name}` of {owner.__name__!r} is not readable here")
        if kind.__module__ == GUEST_MODULE:
            return self._guests(value, kind, name)
        if isinstance(value, type):
            if value.__module__ == GUEST_MODULE and any(
                name in vars(base) for base in value.__mro__ if base.__module__ == GUEST_MODULE
            ):
                return getattr(value, name)
            raise AttributeError(f"type object {value.__name__!r} has no attribute {name!r}")
        if isinstance(value, Exception) and name in METHODS["exception"]:
            return without_addresses(value.args)
        if hasattr(kind, name):
            raise AttributeError(f"`{name}` of {kind.__name__!r} objects is not readable here")
        raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")

    def _guests(self, value: Any, kind: type, name: str) -> Any:
        for base in kind.__mro__:
            if base.__module__ == GUEST_MODULE:
                continue
            if base is object or name not in vars(base):
                continue
            # The name comes from a host base: an enum, a tuple or an exception.
            own = any(
                name in vars(mine) for mine in kind.__mro__ if mine.__module__ == GUEST_MODULE
            )
            admitted = (
                (issubclass(kind, Enum) and name in METHODS["enum"])
                or (issubclass(kind, Exception) and name in METHODS["exception"])
                or (issubclass(kind, tuple) and name in METHODS["tuple"])
                or (issubclass(kind, int) and name in METHODS["int"])
            )
            if not (own or admitted):
                raise AttributeError(f"`{name}` of {kind.__name__!r} objects is not readable here")
            if name == "args" and not own and isinstance(value, Exception):
                return without_addresses(value.args)
        return getattr(value, name)

    def _action(self, kind: type, table: str, name: str, entry: Entry) -> Callable[..., Any]:
        if table in ("ndarray", "generic"):
            return self._array_method(kind, name, entry)
        if table == "str":
            return self._text_method(name)
        return self._container_method(kind, name)

    def _array_method(self, kind: type, name: str, entry: Entry) -> Callable[..., Any]:
        method = getattr(kind, name)
        checks, meter = self.checks, self.meter
        sizer = method_sizer(name) if kind is ndarray or name == "round" else None
        params = ("a", *entry.params)
        write = self.write if name in _WRITING else None

        def act(value: Any, *args: Any, **named: Any) -> Any:
            elements = value.size
            if write is not None:
                write(value)
            given: Any = ()
            if args or named:
                given, named, more = checks.arguments(entry, args, named)
                elements += more
            if sizer is not None and elements > sizer.when:
                bound = {**dict(zip(params, (value, *given), strict=False)), **named}
                if name == "clip":
                    bound = {"a": value, "a_min": bound.get("min"), "a_max": bound.get("max")}
                made, done = sizer.measure({**bound, "*": (value, *given)})
                if made > 128:
                    meter.room(made)
                elements = max(elements, made, done)
            checks.pay(elements)
            if elements > cost.FREE_ELEMENTS:
                # A broadcast array has more elements than memory; a copy of it has both.
                meter.room(value.size, 32 if name == "tolist" else value.itemsize)
            result = method(value, *given, **named)
            return result if name == "tolist" else checks.result(result)

        if name == "tobytes":

            def as_bytes(value: Any) -> bytes:
                checks.pay(value.size)
                meter.room(value.size, value.itemsize)
                data: bytes = value.tobytes()
                return data

            return as_bytes
        if name == "item":

            def item(value: Any, *args: Any) -> Any:
                checks.pay(0)
                return value.item(*args)

            return item
        return act

    def _text_method(self, name: str) -> Callable[..., Any]:
        method = getattr(str, name)
        meter = self.meter

        def join(value: str, parts: Any) -> str:
            parts = self.star(parts)
            total = len(value) * len(parts) + sum(map(len, filter(_is_text, parts)))
            meter.text(total)
            return value.join(parts)

        def replace(value: str, old: str, new: str, count: int = -1) -> str:
            if _is_text(old) and _is_text(new) and len(new) > len(old):
                total = (len(value) + 1) * (len(new) + 1)
                if total > TEXT_CHARS:
                    meter.text(value.count(old) * len(new) + len(value))
            meter.items(len(value))
            return value.replace(old, new, count)

        def padded(value: str, width: int, *fill: str) -> str:
            if isinstance(width, int):
                meter.text(max(int(width), 0))
            text: str = method(value, width, *fill)
            return text

        def scan(value: str, *args: Any, **named: Any) -> Any:
            if len(value) > FREE_ITEMS:
                meter.items(_scanned(value, args, backwards=name.startswith("r")))
            return method(value, *args, **named)

        if name == "format":
            return self.format
        if name == "join":
            return join
        if name in ("zfill", "ljust", "rjust", "center"):
            return padded
        return replace if name == "replace" else scan

    def _container_method(self, kind: type, name: str) -> Callable[..., Any]:
        method = getattr(kind, name)
        meter, star, write = self.meter, self.star, self.write
        lengthens = (
            name in _LENGTHENING
            or name.endswith("_update")
            or name
            in (
                "intersection",
                "difference",
                "symmetric_difference",
                "issubset",
                "issuperset",
                "isdisjoint",
            )
        )
        keeps = name not in _WRITING
        hashes, keys = kind not in (list, deque), keys_guard(meter)

        moves = name in ("insert", "pop", "reverse", "rotate", "clear") and kind in (list, deque)
        sought = name in ("count", "index", "remove") and kind in (list, tuple, deque)

        def act(value: Any, *args: Any, **named: Any) -> Any:
            if keeps:
                meter.charge(1 + len(value) // cost.ELEMENTS_PER_UNIT)
            else:
                write(value)
                if moves and (args or name != "pop"):
                    meter.items(len(value) // MOVED)
            if sought:
                meter.items(len(value))
                for arg in args[:1]:
                    meter.weigh(arg, len(value))
                    if isinstance(arg, _ARRAYED) and not FLAT.issuperset(map(type, value)):
                        meter.weigh(value)  # it makes an array of each list that it meets
            if lengthens:
                for arg in args:
                    if isinstance(arg, dict):
                        meter.items(len(arg))
                args = tuple(arg if isinstance(arg, dict) else star(arg) for arg in args)
                if hashes:
                    for arg in args:
                        keys(arg)
            return method(value, *args, **named)

        heavy = operator_guards(meter)["$heavy"]

        def pop_of_set(value: set[Any]) -> Any:
            write(value)
            if not value:
                raise KeyError("pop from an empty set")
            first = next(iter(self.each(value)))
            value.discard(first)
            return first

        def sort(value: list[Any], **named: Any) -> None:
            write(value)
            meter.charge(cost.turns(len(value)))
            meter.weigh(value)
            if named.get("key") is not None:
                function = named["key"]
                named["key"] = lambda item: heavy(function(item))
            value.sort(**named)

        def elements(value: Counter[Any]) -> Any:
            total = sum(count for count in value.values() if isinstance(count, int) and count > 0)
            meter.charge(total)
            return value.elements()

        def search(value: range, *args: Any) -> Any:
            if args and args[0].__class__ is not int and args[0].__class__ is not bool:
                # Only these are found by arithmetic; the rest is compared with one after another.
                meter.items(span(value))
            return method(value, *args)

        if kind is range:
            return search
        if name == "pop" and kind is set:
            return pop_of_set
        if name == "sort":
            return sort
        if name == "elements":
            return elements
        return act


def _is_named_tuple(kind: type, name: str) -> bool:
    """Whether a class is a guest's named tuple that has that name from `namedtuple` itself."""
    if kind.__module__ != GUEST_MODULE or not issubclass(kind, tuple):
        return False
    base = next((item for item in kind.__mro__ if name in vars(item)), None)
    return base is not None and base.__bases__ == (tuple,) and hasattr(base, "_fields")


def _scanned(value: str, args: tuple[Any, ...], *, backwards: bool) -> int:
    """Give the characters that a method of a text looks at.

    CPython searches forwards in linear time, and backwards by comparing at every place.
    """
    sought = args[0] if args and _is_text(args[0]) else ""
    return len(value) * max(1, len(sought) // cost.ELEMENTS_PER_UNIT if backwards else 1)


def _is_text(value: Any) -> bool:
    return value.__class__ is str


_REDUCTION: Final = (1, frozenset({"axis", "keepdims", "ddof"}))
_PLAIN: Final[frozenset[str]] = frozenset()
_QUICK: Final[Mapping[str, tuple[int, frozenset[str]]]] = {
    **dict.fromkeys(
        (
            *("sum", "mean", "min", "max", "any", "all", "argmin", "argmax", "std", "var", "prod"),
            *("cumsum", "cumprod"),
        ),
        _REDUCTION,
    ),
    **dict.fromkeys(("copy", "flatten", "ravel", "nonzero", "tolist"), (0, _PLAIN)),
    **dict.fromkeys(("reshape", "transpose"), (8, _PLAIN)),
    "squeeze": (1, _PLAIN),
    "swapaxes": (2, _PLAIN),
}
"""Array methods whose arguments up to a count, and by these names, cannot do harm."""


# The few methods that loops are made of get a caller without a table look-up.


def _hot_append(attributes: Attributes, call: Callable[..., Any]) -> Callable[..., Any]:
    protected = attributes.meter.protected

    def append(value: Any, /, *args: Any) -> Any:
        kind = value.__class__
        if (kind is list or kind is deque) and id(value) not in protected:
            return value.append(*args)
        return call(value, *args)

    return append


def _hot_add(attributes: Attributes, call: Callable[..., Any]) -> Callable[..., Any]:
    protected = attributes.meter.protected

    meter = attributes.meter

    def add(value: Any, /, *args: Any, **named: Any) -> Any:
        if args and args[0].__class__ is tuple:
            meter.weigh(args[0])
        if value.__class__ is set and id(value) not in protected:
            return value.add(*args)
        return call(value, *args, **named)

    return add


def _hot_popleft(attributes: Attributes, call: Callable[..., Any]) -> Callable[..., Any]:
    protected = attributes.meter.protected

    def popleft(value: Any, /, *args: Any) -> Any:
        if value.__class__ is deque and id(value) not in protected:
            return value.popleft(*args)
        return call(value, *args)

    return popleft


def _hot_astype(attributes: Attributes, call: Callable[..., Any]) -> Callable[..., Any]:
    meter = attributes.meter

    def astype(value: Any, /, *args: Any, **named: Any) -> Any:
        if value.__class__ is ndarray and len(args) == 1 and not named:
            dtype = args[0].dtype if args[0].__class__ is TypeView else None
            if dtype is not None and value.size <= cost.FREE_ELEMENTS:
                meter.left -= 1 + (value.size >> 4)
                if meter.left < 0:
                    raise OutOfFuel
                return value.astype(dtype)
        return call(value, *args, **named)

    return astype


_HOT: Final[Mapping[str, Callable[[Attributes, Callable[..., Any]], Callable[..., Any]]]] = {
    "append": _hot_append,
    "add": _hot_add,
    "popleft": _hot_popleft,
    "astype": _hot_astype,
}
