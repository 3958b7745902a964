"""What a guest's classes need besides their own methods: ``super()``, ``X.__init__``, caches.

No object of type `super` exists for a guest, because reading any name of one would walk into the
host's classes. The instrumentation writes ``super().name`` as a look-up of that one name here, and
it ends at the guest's own classes; of the host's, only what ``__init__`` does is done.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import Enum
from types import FunctionType
from typing import Any, NoReturn

from sandbox.guards import (
    GUEST_MODULE,
    Meter,
    is_guest_class,
    is_guest_instance,
    write_guards,
)
from sandbox.keys import keys_guard

__all__ = ["ClassGuards", "no_array", "remembered", "total_ordering", "type_name"]

_HOST_OWNED = (Enum, tuple)


def no_array(_self: Any, *_args: Any, **_named: Any) -> NoReturn:
    """Stand as ``__array__`` of classes with items: NumPy would believe their length unchecked.

    Raises:
        TypeError: Always.
    """
    raise TypeError("an array is made of numbers or lists, not of the program's own objects")


def type_name(value: Any) -> str:
    """Stand for ``type(value).__name__``."""
    return type(value).__name__


class ClassGuards:
    """The guards of one program's classes."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.own = write_guards(meter)["own"]

    def inherited(self, name: str) -> Callable[[Any, Any], Any]:
        """Make what stands for ``super(cls, owner).name``."""

        def read(cls: Any, owner: Any) -> Any:
            if not is_guest_class(cls) or not _belongs(owner, cls):
                raise TypeError("super(type, obj): obj must be an instance or subtype of type")
            mro = (owner if isinstance(owner, type) else type(owner)).__mro__
            return self._found(mro[mro.index(cls) + 1 :], owner, name)

        return read

    def initial(self, value: Any) -> Callable[..., Any]:
        """Stand for ``value.__init__``: of an instance it is bound, of a class it is not."""
        if is_guest_class(value):

            def unbound(owner: Any, /, *args: Any, **named: Any) -> Any:
                if not isinstance(owner, value):
                    raise TypeError(
                        f"__init__ of {value.__name__!r} got a {type(owner).__name__!r} object"
                    )
                return self._found(value.__mro__, owner, "__init__")(*args, **named)

            return unbound
        if is_guest_instance(value):
            return self._found(type(value).__mro__, value, "__init__")  # type: ignore[no-any-return]
        raise AttributeError(f"`__init__` of {type(value).__name__!r} objects is not readable here")

    def _found(self, mro: tuple[type, ...], owner: Any, name: str) -> Any:
        for base in mro:
            if name not in vars(base):
                continue
            if base.__module__ == GUEST_MODULE:
                if name == "__init__":
                    # What a data class makes for it writes without a guard of its own.
                    self.own(owner)
                made = vars(base)[name]
                if isinstance(owner, type):
                    return made.__get__(None, owner) if hasattr(made, "__get__") else made
                return made.__get__(owner, type(owner)) if hasattr(made, "__get__") else made
            if name == "__init__":
                return self._host_init(base, owner)
            break
        raise AttributeError(f"'super' object has no attribute {name!r}")

    def _host_init(self, base: type, owner: Any) -> Callable[..., None]:
        self.own(owner)

        def init(*args: Any, **named: Any) -> None:
            if named or (args and not issubclass(base, Exception)):
                raise TypeError(f"{base.__name__}.__init__() takes no such arguments")
            if args:
                owner.args = args

        return init


def _belongs(owner: Any, cls: type) -> bool:
    kind = owner if isinstance(owner, type) else type(owner)
    return kind.__module__ == GUEST_MODULE and cls in kind.__mro__


def remembered(meter: Meter) -> Callable[..., Any]:
    """Make ``functools.lru_cache``: it remembers for the length of one row.

    A cache that lived longer would carry values between rows. Within a row it calls, and refuses
    arguments that cannot be hashed, as the real one does.
    """
    keys = keys_guard(meter)

    def lru_cache(maxsize: Any = 128, typed: Any = False) -> Any:
        def decorate(function: Any) -> Any:
            if not callable(function):
                raise TypeError("the first argument must be callable")
            limit = None if maxsize is None or callable(maxsize) else max(int(maxsize), 0)
            made: list[Any] = [meter.rows, functools.lru_cache(limit, bool(typed))(function)]

            def cached(*args: Any, **named: Any) -> Any:
                if made[0] != meter.rows:
                    made[0] = meter.rows
                    made[1].cache_clear()
                keys((*args, *named.values()))
                return made[1](*args, **named)

            # For what seals and measures; no guest can read the name.
            setattr(cached, "__wrapped__", function)  # noqa: B010
            return cached

        if isinstance(maxsize, FunctionType):
            function, maxsize = maxsize, 128
            return decorate(function)
        return decorate

    return lru_cache


def total_ordering(cls: Any) -> Any:
    """Do ``functools.total_ordering`` for a class of the guest's.

    Raises:
        TypeError: If it is given anything else.
    """
    if not is_guest_class(cls) or issubclass(cls, _HOST_OWNED):
        raise TypeError("total_ordering takes a plain class")
    return functools.total_ordering(cls)
