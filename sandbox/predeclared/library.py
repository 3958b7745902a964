"""Built-ins and the small standard modules as a guest sees them.

Iterators pay where they are made: `zip`, `map` and their kind charge for what they are given, so
whoever goes through them later need not count again. The iterators of `itertools` that make more
items than they were given pay item by item.
"""

from __future__ import annotations

import abc
import builtins
import collections.abc
import dataclasses
import enum
import functools
import heapq
import itertools
import math
import operator
import types
import typing
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.fft
import numpy.ma

from sandbox import cost
from sandbox.dialect import BUILTINS, MODULES, Entry
from sandbox.formatting import formatting_guards, steady_hash
from sandbox.guards import (
    GUEST_MODULE,
    Meter,
    OutOfFuel,
    iteration_guards,
    operator_guards,
    text_guards,
)
from sandbox.keys import keys_guard
from sandbox.predeclared.classes import remembered, total_ordering
from sandbox.predeclared.standard import STANDARD, asdict, astuple
from sandbox.predeclared.subscripts import subscript_guard
from sandbox.predeclared.views import AnnotationView, TypeView, real_types
from sandbox.weights import FLAT, length

__all__ = ["DIRECT_BUILTINS", "builtin_members", "library_members"]

LATE_IMPORTS: Final = (heapq, numpy.fft, numpy.ma)
"""Modules that admitted functions import when they are called (`Counter.most_common`, `np.median`),
which is too late in a worker that can open no files any more."""

MOST_DIGITS: Final = 256
"""Characters of a text up to which reading it as a number costs nothing."""
DIRECT_BUILTINS: Final = frozenset({"bool", "callable", "float", "len", "ord"})
"""Built-ins whose own implementation is called: their work and results are bounded."""

_MODULES: Final = {
    "math": math,
    "operator": operator,
    "functools": functools,
    "itertools": itertools,
}


ndarray: Final = np.ndarray
_WORD: Final = 64
_CLASS: Final = cost.CLASS
_FIELD: Final = 16
"""What each field of a named tuple costs besides."""


class Iteration:
    """The guards of iteration that built-ins share."""

    def __init__(self, meter: Meter) -> None:
        guards = iteration_guards(meter)
        self.meter = meter
        self.each, self.grow, self.star = guards["iter"], guards["grow"], guards["star"]

    def per_item(self, items: Iterator[Any]) -> Iterator[Any]:
        """Charge for each item as it is taken."""
        meter = self.meter
        for item in items:
            meter.left -= 1
            if meter.left < 0:
                raise OutOfFuel
            yield item


def builtin_members(meter: Meter) -> dict[str, Any]:
    """Make the views of all built-ins."""
    made = _Builtins(meter)
    found: dict[str, Any] = {}
    for name, entry in BUILTINS.items():
        if entry.kind == "exception":
            found[name] = getattr(builtins, name)
        elif hasattr(made, f"b_{name}"):
            function = getattr(made, f"b_{name}")
            if entry.kind == "type":
                found[name] = TypeView(name, getattr(builtins, name), function)
            else:
                found[name] = function
        elif entry.kind == "type" and name == "object":
            found[name] = TypeView(name, object, None)
        elif name == "super":
            found[name] = TypeView(name, None, None)
        elif name in ("staticmethod", "classmethod", "property"):
            found[name] = getattr(builtins, name)
        elif entry.kind == "type":
            found[name] = TypeView(name, getattr(builtins, name), getattr(builtins, name))
        elif name in DIRECT_BUILTINS:
            found[name] = getattr(builtins, name)
        elif name not in ("hasattr", "getattr"):  # the instrumentation replaces these two
            raise LookupError(f"built-in {name} has no view")
    return found


class _Builtins:
    """One method a built-in that needs a guard, named ``b_`` and its name."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.iteration = Iteration(meter)
        self.keys = keys_guard(meter)
        texts = text_guards(meter)
        self.large = 1 << min(meter.bits, 62)
        operators = operator_guards(meter)
        self.add, self.keyed, self.b_abs = operators["$Add"], operators["$keyed"], operators["$abs"]
        self.b_str = texts["$text"]
        self.b_repr = texts["$show"]
        self.b_format = formatting_guards(meter)["format"]
        self.b_hash = steady_hash(meter)
        self.b_pow = _power(meter)
        self.b_divmod = _divmod(meter)

    def b_sum(self, iterable: Any, start: Any = 0) -> Any:
        values = self.iteration.each(iterable)
        if isinstance(start, list | tuple | str):
            values = self.iteration.star(iterable)
            size = sum(len(item) for item in values if isinstance(item, list | tuple | str))
            self.meter.charge(len(values) * size // cost.ELEMENTS_PER_UNIT)
            self.meter.room(size)
        if length(values):
            kinds = set(map(type, values))
            if not FLAT.issuperset(kinds):
                for value in values:
                    if value.__class__ is list or value.__class__ is tuple:
                        self.meter.weigh(value)
            if ndarray in kinds or start.__class__ is ndarray:
                return functools.reduce(self.add, values, start)
            return self._small(sum(values, start))
        return self._small(sum(self._numbers(values), start))

    def _numbers(self, values: Any) -> Iterator[Any]:
        """Pay for arrays among what is added up."""
        for value in values:
            if value.__class__ is ndarray and value.size > cost.FREE_ELEMENTS:
                self.meter.charge(cost.operator(value.size))
            yield value

    def _small(self, value: Any) -> Any:
        if value.__class__ is int and value.bit_length() > self.meter.bits:
            raise OverflowError(f"integer of more than {self.meter.bits} bits")
        return value

    def b_any(self, iterable: Any) -> bool:
        return any(self.iteration.each(iterable))

    def b_all(self, iterable: Any) -> bool:
        return all(self.iteration.each(iterable))

    def b_min(self, *args: Any, **named: Any) -> Any:
        return min(*self._weighed(args), **self._keyed(named))

    def b_max(self, *args: Any, **named: Any) -> Any:
        return max(*self._weighed(args), **self._keyed(named))

    def _keyed(self, named: dict[str, Any]) -> dict[str, Any]:
        if named.get("key") is not None:
            named["key"] = self.keyed(named["key"])
        return named

    def _weighed(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pay for what goes through an argument, and for comparing what is in it."""
        if len(args) != 1:
            self.meter.weigh(args)
            return args
        values = self.iteration.each(args[0])
        if isinstance(values, list | tuple):
            self.meter.weigh(values)
        return (values,)

    def b_sorted(self, iterable: Any, /, *, key: Any = None, reverse: Any = False) -> list[Any]:
        values = self.iteration.star(iterable)
        self.meter.weigh(values)
        return sorted(values, key=self.keyed(key), reverse=reverse)

    def b_next(self, iterator: Any, *default: Any) -> Any:
        self.meter.charge(1)
        return next(iterator, *default)

    def b_iter(self, value: Any) -> Iterator[Any]:
        return iter(self.iteration.grow(value))

    def b_list(self, iterable: Any = ()) -> list[Any]:
        return list(self.iteration.star(iterable))

    def b_tuple(self, iterable: Any = ()) -> tuple[Any, ...]:
        return tuple(self.iteration.star(iterable))

    def b_set(self, iterable: Any = ()) -> set[Any]:
        return set(self.keys(self.iteration.star(iterable)))

    def b_frozenset(self, iterable: Any = ()) -> frozenset[Any]:
        return frozenset(self.keys(self.iteration.star(iterable)))

    def b_dict(self, iterable: Any = (), /, **named: Any) -> dict[Any, Any]:
        if isinstance(iterable, Mapping):
            self.meter.charge(len(iterable))
            return dict(iterable, **named)
        return dict(self.keys(self.iteration.star(iterable)), **named)

    def b_range(self, *args: Any) -> range:
        return range(*args)

    def b_slice(self, *args: Any) -> slice:
        return slice(*args)

    def b_int(self, *args: Any) -> int:
        if args and args[0].__class__ is str and len(args[0]) > MOST_DIGITS:
            # The digits of a text are turned into a number one after the other, each at all.
            self.meter.charge(len(args[0]) // 4)
        value: int = int(*args)
        return value if -self.large < value < self.large else self._small(value)

    def b_float(self, *args: Any) -> float:
        return float(*args)

    def b_bool(self, *args: Any) -> bool:
        return bool(*args)

    def b_enumerate(self, iterable: Any, start: int = 0) -> Iterator[Any]:
        return enumerate(self.iteration.grow(iterable), start)

    def b_zip(self, *iterables: Any, strict: bool = False) -> Iterator[Any]:
        return zip(*map(self.iteration.grow, iterables), strict=strict)

    def b_map(self, function: Any, *iterables: Any) -> Iterator[Any]:
        return map(function, *map(self.iteration.grow, iterables))

    def b_filter(self, function: Any, iterable: Any) -> Iterator[Any]:
        return filter(function, self.iteration.grow(iterable))

    def b_reversed(self, sequence: Any) -> Iterator[Any]:
        values: Any = self.iteration.each(sequence)
        backwards: Iterator[Any] = reversed(values)
        return backwards

    def b_round(self, number: Any, ndigits: Any = None) -> Any:
        if isinstance(number, int) and isinstance(ndigits, int) and ndigits < 0:
            # CPython computes 10 ** -ndigits first, however large.
            ndigits = max(ndigits, -self.meter.bits)
        return round(number) if ndigits is None else round(number, ndigits)

    def b_type(self, value: Any) -> Any:
        kind = type(value)
        if kind.__module__ == GUEST_MODULE:
            return kind
        known = BUILTINS.get(kind.__name__)
        if kind.__module__ == "builtins" and known is not None and known.kind == "type":
            return TypeView(kind.__name__, kind, getattr(self, f"b_{kind.__name__}", None))
        return TypeView(kind.__name__, kind, None)

    def b_isinstance(self, value: Any, types: Any) -> bool:
        return isinstance(value, real_types(types))

    def b_print(self, *_values: Any, **_named: Any) -> None:
        self.meter.charge(1)

    def b_bin(self, number: Any) -> str:
        return bin(_whole(number))

    def b_hex(self, number: Any) -> str:
        return hex(_whole(number))

    def b_oct(self, number: Any) -> str:
        return oct(_whole(number))

    def b_chr(self, number: int) -> str:
        return chr(number)


for _name, _method in list(vars(_Builtins).items()):
    if _name.startswith("b_"):
        # What CPython says of a wrong number of arguments names the built-in.
        _method.__qualname__ = _name.removeprefix("b_")


def _whole(number: Any) -> int:
    if not isinstance(number, int | np.integer):
        raise TypeError(f"{type(number).__name__!r} object cannot be interpreted as an integer")
    return int(number)


def _power(meter: Meter) -> Callable[..., Any]:
    guard = operator_guards(meter)["$Pow"]

    def power(base: Any, exp: Any, mod: Any = None) -> Any:
        if mod is None:
            return guard(base, exp)
        if isinstance(exp, int) and isinstance(mod, int):
            # Multiplies and divides once or twice for each bit of the exponent.
            words = 1 + mod.bit_length() // _WORD
            meter.items(abs(exp).bit_length() * words * words)
        return pow(base, exp, mod)

    return power


def _divmod(meter: Meter) -> Callable[..., Any]:
    guards = operator_guards(meter)

    def divide(a: Any, b: Any) -> Any:
        if a.__class__ is ndarray or b.__class__ is ndarray:
            return guards["$FloorDiv"](a, b), guards["$Mod"](a, b)
        return divmod(a, b)

    return divide


# --- modules ----------------------------------------------------------------------------------


def dict_from_keys(meter: Meter) -> Callable[..., dict[Any, Any]]:
    """Make `dict.fromkeys`."""
    star = Iteration(meter).star

    def fromkeys(iterable: Any, value: Any = None) -> dict[Any, Any]:
        return dict.fromkeys(star(iterable), value)

    return fromkeys


def library_members(meter: Meter, module: str, *, every: bool = False) -> dict[str, Any]:
    """Make the views of all members of a module other than NumPy's, except its submodules.

    Args:
        meter: What they charge.
        module: Name of the module.
        every: Give also what is read from its functions, by dotted names.
    """
    special = _special(meter, module)
    if every:
        return special
    found: dict[str, Any] = {}
    for name, entry in MODULES[module].items():
        if entry.kind == "module":
            continue
        if name in special:
            found[name] = special[name]
        elif entry.kind == "annotation":
            origin = getattr(getattr(typing, name, None), "__origin__", None)
            has_type = module == "typing" and isinstance(origin, type)
            found[name] = TypeView(name, origin, None) if has_type else AnnotationView()
        elif module in _MODULES:
            found[name] = _plain(meter, getattr(_MODULES[module], name), entry)
        else:
            raise LookupError(f"{module}.{name} has no view")
    return found


def _plain(meter: Meter, function: Any, entry: Entry) -> Any:
    """Give a function of `math` or `operator`, whose work is bounded, as it is."""
    del meter
    if entry.kind == "constant" or callable(function):
        return function
    raise LookupError(f"{function!r} has no view")


def _special(meter: Meter, module: str) -> dict[str, Any]:
    maker = {
        "math": _math,
        "typing": _typing,
        "abc": _abc,
        "collections": _collections,
        "collections.abc": _collections_abc,
        "dataclasses": _dataclasses,
        "enum": _enum,
        "functools": _functools,
        "itertools": _itertools,
        "operator": _operator,
        **STANDARD,
    }.get(module)
    return {} if maker is None else maker(meter)


def _math(meter: Meter) -> dict[str, Any]:
    iteration = Iteration(meter)

    def bounded(name: str, bits_of: Callable[..., int]) -> Callable[..., Any]:
        function = getattr(math, name)

        def view(*args: Any) -> Any:
            if all(isinstance(arg, int) for arg in args) and bits_of(*args) > meter.bits:
                raise OverflowError(f"math.{name}: integer of more than {meter.bits} bits")
            return function(*args)

        return view

    def choices(n: int, k: int | None = None) -> int:
        count = n if k is None else min(k, n)
        return max(count, 0) * max(n, 1).bit_length()

    def gcd(*integers: Any) -> int:
        for integer in integers:
            if isinstance(integer, int) and integer.bit_length() > 64:
                meter.charge(integer.bit_length() // 32)
        return math.gcd(*integers)

    def comb_bits(n: int, k: int) -> int:
        return max(min(k, n - k), 0) * max(n, 1).bit_length()

    def fsum(seq: Any) -> float:
        return math.fsum(iteration.each(seq))

    def prod(iterable: Any, *, start: Any = 1) -> Any:
        result = start
        multiply = operator_guards(meter)["$Mult"]
        for item in iteration.each(iterable):
            result = multiply(result, item)
        return result

    def dist(p: Any, q: Any) -> float:
        return math.dist(iteration.star(p), iteration.star(q))

    def lcm(*integers: Any) -> int:
        result = 1
        for integer in integers:
            meter.charge(result.bit_length() // 32)
            result = math.lcm(result, integer)
            if result.bit_length() > meter.bits:
                raise OverflowError(f"math.lcm: integer of more than {meter.bits} bits")
        return result

    return {
        "lcm": lcm,
        "gcd": gcd,
        "factorial": bounded("factorial", lambda n: max(n, 1) * max(n, 1).bit_length()),
        "comb": bounded("comb", comb_bits),
        "perm": bounded("perm", choices),
        "fsum": fsum,
        "prod": prod,
        "dist": dist,
    }


def _same(value: Any) -> Any:
    return value


def _named_tuple(meter: Meter) -> Callable[..., Any]:
    """Make `typing.NamedTuple`, called or as a base."""
    star = iteration_guards(meter)["star"]

    def named_tuple(typename: str, fields: Any = ()) -> Any:
        pairs = list(star(fields))
        meter.charge(_CLASS + _FIELD * len(pairs))
        made = NamedTuple(typename, pairs)  # type: ignore[misc]  # not written out
        made.__module__ = GUEST_MODULE
        return made

    def bases(_given: tuple[Any, ...]) -> tuple[type, ...]:
        return types.resolve_bases((NamedTuple,))

    setattr(named_tuple, "__mro_entries__", bases)  # noqa: B010
    return named_tuple


def _typing(meter: Meter) -> dict[str, Any]:
    def cast(typ: Any, val: Any) -> Any:
        del typ
        return val

    def make_dict(**named: Any) -> dict[str, Any]:
        return named

    def type_var(name: str, *_types: Any, **_named: Any) -> AnnotationView:
        del name
        return AnnotationView()

    def new_type(name: str, tp: Any) -> Callable[[Any], Any]:
        del name, tp
        return _same

    return {
        "NamedTuple": _named_tuple(meter),
        "TypedDict": TypeView("TypedDict", dict, make_dict),
        "Protocol": TypeView("Protocol", None, None),
        "Generic": TypeView("Generic", None, None),
        "TypeVar": type_var,
        "NewType": new_type,
        "overload": _same,
        "cast": cast,
        "final": _same,
        "no_type_check": _same,
        "TYPE_CHECKING": False,
    }


def _collections(meter: Meter) -> dict[str, Any]:
    iteration = Iteration(meter)

    keys = keys_guard(meter)

    def make_deque(iterable: Any = (), maxlen: Any = None) -> deque[Any]:
        return deque(iteration.star(iterable), maxlen)

    def make_defaultdict(*args: Any, **named: Any) -> defaultdict[Any, Any]:
        factory, *rest = args or (None,)
        if rest:
            rest = [keys(_pairs(iteration, rest[0]))]
        return defaultdict(factory, *rest, **named)

    def make_ordered(iterable: Any = (), /, **named: Any) -> OrderedDict[Any, Any]:
        return OrderedDict(keys(_pairs(iteration, iterable)), **named)

    def make_counter(iterable: Any = None, /, **named: Any) -> Counter[Any]:
        if isinstance(iterable, Mapping):
            meter.items(len(iterable))
        elif iterable is not None:
            iterable = keys(iteration.star(iterable))
        return Counter(iterable, **named)

    def make_namedtuple(typename: str, field_names: Any, *, defaults: Any = None) -> Any:
        words = field_names.replace(",", " ").split() if field_names.__class__ is str else None
        names = words or iteration.star(field_names)
        meter.charge(_CLASS + _FIELD * len(names))
        return namedtuple(  # noqa: PYI024  the guest's own names
            typename, list(names), defaults=defaults, module=GUEST_MODULE
        )

    return {
        "deque": TypeView("deque", deque, make_deque),
        "defaultdict": TypeView("defaultdict", defaultdict, make_defaultdict),
        "OrderedDict": TypeView("OrderedDict", OrderedDict, make_ordered),
        "Counter": TypeView("Counter", Counter, make_counter),
        "namedtuple": make_namedtuple,
    }


def _collections_abc(_meter: Meter) -> dict[str, Any]:
    return {
        name: TypeView(name, getattr(collections.abc, name), None)
        for name in MODULES["collections.abc"]
    }


def _pairs(iteration: Iteration, value: Any) -> Any:
    if isinstance(value, Mapping):
        iteration.meter.items(len(value))
        return value
    return iteration.star(value)


def _dataclasses(meter: Meter) -> dict[str, Any]:
    def dataclass(cls: Any = None, /, **options: Any) -> Any:
        unknown = options.keys() - set(MODULES["dataclasses"]["dataclass"].keywords)
        if unknown:
            raise TypeError(f"dataclass: the argument {min(unknown)!r} is not admitted")

        def make(kind: Any) -> Any:
            meter.charge(_CLASS)
            # The texts of guests are made by our own guard; `__repr__` would be CPython's.
            return dataclasses.dataclass(**{**options, "repr": False})(kind)

        return make if cls is None else make(cls)

    return {
        "dataclass": dataclass,
        "field": dataclasses.field,
        "replace": dataclasses.replace,
        "asdict": asdict(meter),
        "astuple": astuple(meter),
        "is_dataclass": dataclasses.is_dataclass,
    }


def _enum(_meter: Meter) -> dict[str, Any]:
    return {
        "Enum": TypeView("Enum", enum.Enum, None),
        "IntEnum": TypeView("IntEnum", enum.IntEnum, None),
        "auto": enum.auto,
        "unique": enum.unique,
    }


def _functools(meter: Meter) -> dict[str, Any]:
    iteration = Iteration(meter)

    def reduce(function: Any, iterable: Any, *initial: Any) -> Any:
        return functools.reduce(function, iteration.each(iterable), *initial)

    def wraps(wrapped: Any) -> Callable[[Any], Any]:
        del wrapped
        return _same

    lru_cache = remembered(meter)
    return {
        "reduce": reduce,
        "partial": functools.partial,
        "cmp_to_key": functools.cmp_to_key,
        "lru_cache": lru_cache,
        "cache": lru_cache(None),
        "wraps": wraps,
        "total_ordering": total_ordering,
    }


def _abc(_meter: Meter) -> dict[str, Any]:
    return {"ABC": TypeView("ABC", abc.ABC, None), "abstractmethod": abc.abstractmethod}


def _itertools(meter: Meter) -> dict[str, Any]:
    iteration = Iteration(meter)
    grow, star, per_item = iteration.grow, iteration.star, iteration.per_item

    operators = operator_guards(meter)
    heavy, keyed, add = operators["$heavy"], operators["$keyed"], operators["$Add"]

    def accumulate(iterable: Any, func: Any = None, *, initial: Any = None) -> Iterator[Any]:
        function = add if func is None else func
        return itertools.accumulate(grow(iterable), function, initial=initial)

    def count(start: Any = 0, step: Any = 1) -> Iterator[Any]:
        return per_item(itertools.count(start, step))

    def cycle(iterable: Any) -> Iterator[Any]:
        return per_item(itertools.cycle(star(iterable)))

    def from_iterable(iterable: Any) -> Iterator[Any]:
        return itertools.chain.from_iterable(map(grow, grow(iterable)))

    def chain(*iterables: Any) -> Iterator[Any]:
        return itertools.chain(*map(grow, iterables))

    def compress(data: Any, selectors: Any) -> Iterator[Any]:
        return itertools.compress(grow(data), grow(selectors))

    def pairwise(iterable: Any) -> Iterator[Any]:
        return itertools.pairwise(grow(iterable))

    def over(name: str, position: int) -> Callable[..., Iterator[Any]]:
        function = getattr(itertools, name)

        def view(*args: Any) -> Iterator[Any]:
            given = list(args)
            if position < len(given):
                given[position] = grow(given[position])
            made: Iterator[Any] = function(*given)
            return made

        return view

    def picks(name: str) -> Callable[..., Iterator[Any]]:
        function = getattr(itertools, name)

        def view(iterable: Any, *r: Any) -> Iterator[Any]:
            values = star(iterable)
            for size in r:
                if isinstance(size, int):
                    meter.room(size)
            return per_item(function(values, *r))

        return view

    def product(*iterables: Any, repeat: int = 1) -> Iterator[Any]:
        pools = [star(values) for values in iterables]
        times = operator.index(repeat)
        meter.room(max(times, 0) * len(pools))
        meter.charge(max(times, 0) * len(pools))
        return per_item(itertools.product(*pools, repeat=times))

    def weighed(items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            heavy(item)
            yield item

    def groupby(iterable: Any, key: Any = None) -> Iterator[Any]:
        for name, group in itertools.groupby(weighed(grow(iterable)), keyed(key)):
            yield name, list(group)

    def islice(iterable: Any, *args: Any) -> Iterator[Any]:
        return itertools.islice(grow(iterable), *args)

    def repeat(value: Any, times: int) -> Iterator[Any]:
        return per_item(itertools.repeat(value, times))

    def starmap(function: Any, iterable: Any) -> Iterator[Any]:
        return itertools.starmap(function, map(star, grow(iterable)))

    def zip_longest(*iterables: Any, fillvalue: Any = None) -> Iterator[Any]:
        return itertools.zip_longest(*map(grow, iterables), fillvalue=fillvalue)

    return {
        "accumulate": accumulate,
        "chain": chain,
        "chain.from_iterable": from_iterable,
        "count": count,
        "cycle": cycle,
        "compress": compress,
        "pairwise": pairwise,
        "combinations": picks("combinations"),
        "combinations_with_replacement": picks("combinations_with_replacement"),
        "permutations": picks("permutations"),
        "product": product,
        "dropwhile": over("dropwhile", 1),
        "takewhile": over("takewhile", 1),
        "filterfalse": over("filterfalse", 1),
        "groupby": groupby,
        "islice": islice,
        "repeat": repeat,
        "starmap": starmap,
        "zip_longest": zip_longest,
    }


def _operator(meter: Meter) -> dict[str, Any]:
    guards = operator_guards(meter, formatting_guards(meter)["percent"])
    names = {
        "add": "Add",
        "sub": "Sub",
        "mul": "Mult",
        "truediv": "Div",
        "floordiv": "FloorDiv",
        "mod": "Mod",
        "matmul": "MatMult",
        "and_": "BitAnd",
        "or_": "BitOr",
        "xor": "BitXor",
        "eq": "Eq",
        "ne": "NotEq",
        "lt": "Lt",
        "le": "LtE",
        "gt": "Gt",
        "ge": "GtE",
        "neg": "USub",
        "pos": "UAdd",
        "invert": "Invert",
        "abs": "abs",
    }

    def contains(a: Any, b: Any) -> bool:
        return bool(guards["$In"](b, a))

    item = subscript_guard(meter)

    def getitem(a: Any, b: Any) -> Any:
        return item(a, b)

    def itemgetter(*items: Any) -> Callable[[Any], Any]:
        first, *rest = items
        if not rest:
            return lambda value: item(value, first)
        return lambda value: tuple([item(value, index) for index in items])

    return {
        **{name: guards[f"${node}"] for name, node in names.items()},
        "contains": contains,
        "getitem": getitem,
        "itemgetter": itemgetter,
    }
