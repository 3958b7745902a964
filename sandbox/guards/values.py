"""Which kinds of values there are: single numbers, what has a length, what the guest's classes made.

The guards tell values apart by their exact type, which no guest can change.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final, NoReturn

import numpy as np

__all__ = [
    "GUEST_FILE",
    "GUEST_MODULE",
    "INTEGERS",
    "LISTED_VIEWS",
    "NESTED",
    "NUMBERS",
    "NUMPY_NUMBERS",
    "REPEATED",
    "SCALARS",
    "SIZED",
    "is_guest_class",
    "is_guest_instance",
    "kind_name",
    "own_method",
    "undefined",
]


GUEST_FILE: Final = "<guest>"
"""File name of a guest's code objects; nothing else has it."""
GUEST_MODULE: Final = "guest"
"""``__module__`` of every class that a guest makes; nothing else has it."""


INTEGERS: Final = frozenset(np.dtype(code).type for code in "bhilqpBHILQP")
SCALARS: Final = INTEGERS | {float, bool, np.bool_, np.float16, np.float32, np.float64}
"""Types whose values never grow."""


NUMBERS: Final = SCALARS | {int}
"""Types of single numbers: whatever an operator or comparison does with two is done at once."""


ndarray: Final = np.ndarray


REPEATED: Final = frozenset({list, str, tuple, bytes, deque})


NUMPY_NUMBERS: Final = SCALARS - {float, bool}
NESTED: Final = frozenset({list, tuple})


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


SIZED: Final = frozenset(
    {
        *(list, tuple, dict, range, str, bytes, deque, ndarray, OrderedDict, Counter, defaultdict),
        *_DICT_VIEWS,
        *_ODICT_VIEWS,
    }
)


LISTED_VIEWS: Final = frozenset({_DICT_VIEWS[1], _ODICT_VIEWS[1]})
"""Views that are searched from the front to the end."""


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


def kind_name(value: Any) -> str:
    """Name the kind of a value in a message."""
    if isinstance(value, FunctionType | BuiltinFunctionType | MethodType):
        return "a function"
    return f"{type(value).__name__!r} objects"


def undefined(name: str) -> NoReturn:
    """End what reads a name that nothing defines, as CPython does.

    Raises:
        NameError: Always; nothing is looked up.
    """
    raise NameError(f"name {name!r} is not defined")
