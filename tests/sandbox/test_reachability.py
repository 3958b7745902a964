"""What a guest can reach by reading attributes, found by reading them all.

The crawl starts from one value of every kind that a guest can hold and reads every name that any
host type has, as an instrumented program would read it if it had got every name past both gates.
Nothing that leads to the interpreter may turn up.
"""

from __future__ import annotations

import ast
import functools
import itertools
import types
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import numpy as np
import single

from sandbox.dialect import BUILTINS, MODULES
from sandbox.guards import GUEST_MODULE, Meter
from sandbox.instrument import InstrumentError, instrument
from sandbox.limits import Limits
from sandbox.predeclared import Predeclared
from sandbox.predeclared.methods import HOST_TYPES, is_direct

GUESTS = """
from dataclasses import dataclass
from enum import Enum
from collections import namedtuple
from typing import NamedTuple
class Plain:
    def __init__(self):
        self.x = 1
    def method(self):
        return 1
    @property
    def prop(self):
        return 2
class Colour(Enum):
    RED = 1
@dataclass
class Data:
    n: int = 1
class Bad(ValueError):
    pass
Point = namedtuple('Point', 'x y')
class Typed(NamedTuple):
    a: int = 1
def function():
    return 1
adder = lambda x: x + 1
plain = Plain()
bound = plain.method
data = Data()
point = Point(1, 2)
typed = Typed()
bad = Bad('x')
red = Colour.RED
def reward():
    return 0
"""

FORBIDDEN = (
    types.ModuleType,
    types.FrameType,
    types.CodeType,
    types.TracebackType,
    types.CellType,
    types.MappingProxyType,
    np.ufunc,
    np.flatiter,
    memoryview,
    Meter,
    Predeclared,
)


def _values() -> list[Any]:
    runner = single.make(GUESTS)
    guests = [
        value
        for name, value in runner._namespace.items()
        if not name.startswith(("$", "_")) and name not in BUILTINS
    ]
    views = Predeclared(Meter(Limits(fuel=1 << 60)))
    members = [views.member(module, name) for module, table in MODULES.items() for name in table]
    array = np.arange(6.0).reshape(2, 3)
    errors: list[Exception] = []
    for text in ("1 / 0", "{}['a']", "[][1]", "None.x", "int('x')", "undefined"):
        try:
            eval(text)  # noqa: S307  the texts stand above
        except Exception as error:
            errors.append(error)
    dictionary: dict[Any, Any] = {"a": 1}
    return [
        *guests,
        *members,
        *views.builtins().values(),
        *(views.module(name) for name in MODULES),
        *(1, True, 1.5, 1j, "text", b"bytes", None, ..., range(3), slice(1), (1, 2), [1], {1}),
        *(frozenset([1]), dictionary, dictionary.keys(), dictionary.values(), dictionary.items()),
        *(deque([1]), Counter("a"), OrderedDict(a=1), defaultdict(int)),
        *(array, array[0], array[0, 0], np.float32(1), np.uint8(1), np.bool_(True), array.dtype),
        *(np.finfo(float), np.iinfo(int), zip([1]), map(abs, [1]), (x for x in [1])),
        *(iter([1]), enumerate([1]), itertools.chain([1]), functools.partial(max, 1)),
        *(list[int], int | None),
        *errors,
    ]


def _read(views: Predeclared, value: Any, name: str) -> Any:
    if is_direct(name):
        return getattr(value, name)
    return views.get(f"$read {name}")(value)


def _dangerous(value: Any) -> bool:
    if isinstance(value, FORBIDDEN):
        return True
    if isinstance(value, type):
        # Exceptions are real classes; so are a guest's own.
        admitted = {functools.partial, itertools.accumulate, types.GenericAlias}
        return not (
            issubclass(value, Exception) or value.__module__ == GUEST_MODULE or value in admitted
        )
    return False


def test_no_attribute_of_any_value_leads_to_the_interpreter() -> None:
    names = sorted(
        {
            name
            for kind in HOST_TYPES
            for base in kind.__mro__
            for name in vars(base)
            if not (name.startswith("__") and name.endswith("__"))
        }
    )
    assert len(names) > 250
    views = Predeclared(Meter(Limits(fuel=1 << 60)))
    waiting = [(repr(type(value)), value, 0) for value in _values()]
    seen: set[tuple[type, str]] = set()
    reached = 0
    while waiting:
        path, value, depth = waiting.pop()
        for name in names:
            key = (type(value), name)
            if depth and key in seen:
                continue
            seen.add(key)
            try:
                found = _read(views, value, name)
            except (AttributeError, TypeError, NotImplementedError, ValueError):
                continue
            reached += 1
            assert not _dangerous(found), f"{path}.{name} gives {found!r}"
            if depth < 2:
                waiting.append((f"{path}.{name}", found, depth + 1))
    assert reached > 500


def test_the_crawl_sees_what_plain_reading_would_reach() -> None:
    """Proof that the oracle works: without the guards it finds the interpreter at once."""
    generator: Any = (x for x in [1])
    assert _dangerous(generator.gi_frame)
    assert _dangerous(np.ones(1).data)
    assert _dangerous(np.ones(1).flat)
    assert _dangerous(np.dtype(float).type)
    assert _dangerous(np.ctypeslib)
    assert _dangerous(np.add)
    assert _dangerous(vars(type("A", (), {})))
    assert not _dangerous(ValueError)


def test_names_of_two_underscores_pass_no_gate() -> None:
    for value in _values():
        for name in dir(value):
            if name.startswith("__") and name.endswith("__"):
                assert not is_direct(name)
    for text in ("x.__class__", "x.__dict__['a']", "hasattr(x, '__class__')", "__file__"):
        try:
            instrument(ast.parse(f"def reward(x):\n    return {text}\n"))
        except InstrumentError:
            continue
        raise AssertionError(text)
