"""What a guest holds instead of modules and types: views that lead nowhere.

A real module leads to every module it imported, and a real class to all of its subclasses. A
view has no attribute that a guest can read, except for the members of a `ModuleView`; what it
stands for is found by the guards, in tables that no guest reaches.
"""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Callable, Mapping
from enum import Enum, IntEnum
from types import UnionType
from typing import Any, Final, NoReturn

import numpy as np

__all__ = [
    "ABSTRACT",
    "AnnotationView",
    "ModuleView",
    "NoWarnings",
    "TypeView",
    "dtype_of",
    "maker_of",
    "quiet",
    "real_types",
]

_DTYPE_NAME: Final = re.compile(r"[<>=|]?(\?|[A-Za-z_]+[0-9]*)", re.ASCII)
NUMBER_KINDS: Final = "biuf"
"""``dtype.kind`` of the arrays a guest may make; complex ones only arise by themselves."""


_QUIET: Final = ("ignore", "warn", "print", None)
_DTYPE_REALS: Final = frozenset({int, float, bool})
ABSTRACT: Final = frozenset(
    {np.number, np.integer, np.signedinteger, np.unsignedinteger, np.floating, np.inexact}
)
"""Types of NumPy that are only for ``isinstance``."""


class ModuleView:
    """A module as a guest sees it: its admitted members and nothing else."""

    __slots__ = ("_members", "_name")

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        self._name = name
        self._members = members

    def member(self, name: str) -> Any:
        """Give a member.

        Raises:
            AttributeError: If the module has none of that name.
        """
        try:
            return self._members[name]
        except KeyError:
            raise AttributeError(f"module {self._name!r} has no attribute {name!r}") from None


class TypeView:
    """A type as a guest sees it: it may be called, tested with and used as a dtype.

    Attributes:
        real: What it stands for; no guest can read an attribute of a view.
        dtype: The dtype it can be used as, or None.
    """

    __slots__ = ("_call", "_name", "dtype", "real")
    # Python takes what has items for a sequence, and this one would have no end.
    __iter__ = None
    __contains__ = None

    def __init__(self, name: str, real: Any, call: Callable[..., Any] | None) -> None:
        self._name = name
        self.real = real
        self._call = call
        numeric = real in _DTYPE_REALS or (
            isinstance(real, type)
            and issubclass(real, np.number | np.bool_)
            and real not in ABSTRACT
        )
        self.dtype: np.dtype[Any] | None = np.dtype(real) if numeric else None

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Make a value, as far as the type has one here."""
        if self._call is None:
            raise TypeError(f"{self._name} makes no values here")
        return self._call(*args, **named)

    def __getitem__(self, _item: Any) -> TypeView:
        return self

    def __or__(self, _other: Any) -> TypeView:
        return self

    __ror__ = __or__

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TypeView):
            return bool(self.real is other.real)
        if isinstance(other, np.dtype):
            return bool(other == dtype_of(self))
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._name if self.real is None else self.real)

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[Any, ...]:
        """Stand in for the real class where a guest may derive from it."""
        if self.real in (Enum, IntEnum, object, ABC):
            return (self.real,)
        if self.real is None:
            return ()
        raise TypeError(f"{self._name} cannot be a base class")

    def __repr__(self) -> str:
        return self._name


def maker_of(view: TypeView) -> Callable[..., Any]:
    """Give what calling a view does, without the view: for types that programs call in loops."""
    return view if view._call is None else view._call  # noqa: SLF001  no guest may read it


class AnnotationView:
    """A name of `typing`: it may be subscripted and combined, and does nothing when it runs."""

    __slots__ = ()
    # As in `TypeView`.
    __iter__ = None
    __contains__ = None

    def __getitem__(self, _item: Any) -> AnnotationView:
        return self

    def __or__(self, _other: Any) -> AnnotationView:
        return self

    __ror__ = __or__

    def __call__(self, *_args: Any) -> NoReturn:
        """Refuse: names of `typing` are for annotations."""
        raise TypeError("a name of `typing` makes no values here")


def quiet(**settings: Any) -> None:
    """Check the settings of `np.errstate` and `np.seterr`, which change nothing here.

    Raises:
        ValueError: If one would raise or call, which is more than being quiet.
    """
    for name, value in settings.items():
        if value not in _QUIET:
            raise ValueError(f"{name}={value!r}: NumPy's warnings are off; test with np.isfinite")


class NoWarnings:
    """What ``np.errstate(...)`` gives: NumPy's warnings are off anyway."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_error: object) -> None:
        return None


def dtype_of(value: Any) -> np.dtype[Any] | None:
    """Turn what a guest gives as a dtype into a real one.

    Raises:
        TypeError: If it is not the type of numbers or bools.
    """
    if value is None or isinstance(value, np.dtype):
        found = value
    elif isinstance(value, TypeView) and value.dtype is not None:
        return value.dtype
    elif isinstance(value, str) and len(value) <= 16:
        if not _DTYPE_NAME.fullmatch(value):
            # Other texts have a grammar of their own, which NumPy reads with CPython's parser.
            raise TypeError(f"data type {value!r} not understood")
        found = np.dtype(value)
    else:
        raise TypeError('a dtype is a number type such as `float`, `np.float32` or "uint8"')
    if found is not None and found.kind not in NUMBER_KINDS:
        raise TypeError(f"dtype {found} is not part of the dialect; use numbers or bools")
    return found


def real_types(value: Any) -> Any:
    """Turn the second argument of ``isinstance`` into real types.

    Raises:
        TypeError: If it holds something that is not a type.
    """
    if isinstance(value, TypeView):
        return value.real
    if isinstance(value, tuple):
        return tuple(real_types(item) for item in value)
    if isinstance(value, type) and not isinstance(value, UnionType):
        return value
    raise TypeError("isinstance() arg 2 must be a type or a tuple of types")
