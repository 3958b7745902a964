"""The guards of ``str``, ``repr`` and f-strings: no addresses, and no text that nobody paid for."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from enum import Enum
from types import (
    NoneType,
)
from typing import Any, Final

import numpy as np

from sandbox.guards.iteration import in_order
from sandbox.guards.meter import Meter
from sandbox.guards.tokens import FrameToken
from sandbox.guards.values import (
    GUEST_MODULE,
    NUMBERS,
    is_guest_instance,
    kind_name,
    own_method,
)

__all__ = ["FIELD_WIDTH", "text_guards", "without_addresses"]


FIELD_WIDTH: Final = 1_000
"""Width or precision of one field of an f-string."""
_SHOWN: Final = 1_000
"""Elements of an array that its text has at most; NumPy spells out each of them in Python."""


_FREE_CHARS: Final = 1_024
"""Characters of a text that an f-string takes up for nothing; longer ones are paid for."""


ndarray: Final = np.ndarray


_DIGITS = re.compile(r"[0-9]+")


_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


def without_addresses(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give what an exception holds without the addresses that libraries write into messages.

    They differ from run to run, and a guest can read them.
    """
    return tuple([_ADDRESS.sub("", part) if part.__class__ is str else part for part in parts])


def text_guards(meter: Meter) -> dict[str, Callable[..., Any]]:
    """Make the guards of ``str``, ``repr`` and f-strings.

    Only numbers, texts and plain containers have a text: that of a function or of an object is
    an address, which differs from run to run.
    """

    def checked(text: str) -> str:
        if len(text) > 64:
            meter.text(len(text))
        return text

    def show(value: Any) -> str:
        """Give the text of a value as it stands inside a container."""
        kind = value.__class__
        if kind.__module__ == GUEST_MODULE:
            own = own_method(value, "__repr__")
            if own is not None:
                return said(own(), "__repr__")
        if kind in NUMBERS or kind is str or value is None or kind is bytes:
            return checked(repr(value))
        if kind is ndarray:
            meter.charge(1 + min(value.size, _SHOWN))
            return checked(repr(value))
        if isinstance(value, Enum):
            return f"<{type(value).__name__}.{value.name}: {show(value.value)}>"
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            parts = [
                f"{name}={show(item)}" for name, item in zip(value._fields, value, strict=True)
            ]
            return f"{kind.__name__}({joined(parts)})"
        if kind is list:
            return f"[{joined(map(show, paid(value)))}]"
        if kind is tuple:
            inner = joined(map(show, paid(value)))
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if kind is set or kind is frozenset:
            inner = joined(map(show, in_order(paid(value))))
            if kind is frozenset:
                return f"frozenset({{{inner}}})" if value else "frozenset()"
            return f"{{{inner}}}" if value else "set()"
        if isinstance(value, dict) and kind is not defaultdict:
            inner = joined(f"{show(key)}: {show(item)}" for key, item in paid(value).items())
            if kind is dict:
                return f"{{{inner}}}"
            return f"{kind.__name__}({{{inner}}})" if value else f"{kind.__name__}()"
        if kind is deque:
            end = "" if value.maxlen is None else f", maxlen={value.maxlen}"
            return f"deque([{joined(map(show, paid(value)))}]{end})"
        if isinstance(value, Exception):
            return f"{kind.__name__}({joined(map(show, without_addresses(value.args)))})"
        if kind is range or kind is slice:
            return repr(value)
        if isinstance(value, np.dtype) or kind is FrameToken:
            return repr(value)
        if is_dataclass(value) and is_guest_instance(value):
            parts = [
                f"{entry.name}={show(getattr(value, entry.name))}"
                for entry in dataclass_fields(value)
                if entry.repr
            ]
            return f"{kind.__qualname__}({joined(parts)})"
        raise TypeError(f"text of {kind_name(value)} is not part of the dialect")

    def paid(value: Any) -> Any:
        meter.charge(1 + len(value))
        return value

    def said(text: Any, name: str) -> str:
        if text.__class__ is not str:
            raise TypeError(f"{name} returned non-string (type {type(text).__name__})")
        return checked(text)

    def joined(parts: Iterable[str]) -> str:
        return checked(", ".join(parts))

    def text(value: Any = "") -> str:
        kind = value.__class__
        if kind is str:
            if len(value) > _FREE_CHARS:
                # `s = f"{s}{s}"` doubles it, and what a line makes must be paid by what it is given.
                meter.text(len(value))
            return value  # type: ignore[no-any-return]
        if kind in NUMBERS or value is None:
            return checked(str(value))
        if kind.__module__ == GUEST_MODULE:
            own = own_method(value, "__str__")
            if own is not None:
                return said(own(), "__str__")
        if kind is ndarray:
            meter.charge(1 + min(value.size, _SHOWN))
            return checked(str(value))
        if isinstance(value, Enum):
            return str(value.value) if isinstance(value, int) else f"{kind.__name__}.{value.name}"
        if isinstance(value, Exception):
            parts = without_addresses(value.args)
            if len(parts) == 1:
                return show(parts[0]) if isinstance(value, KeyError) else text(parts[0])
            return show(parts) if parts else ""
        if isinstance(value, np.dtype) or kind is FrameToken:
            return str(value)
        return show(value)

    def formatted(value: Any, spec: str, conversion: str) -> str:
        if conversion:
            value = text(value) if conversion == "s" else show(value)
        if not spec:
            return text(value)
        if len(spec) > 64 or any(int(part) > FIELD_WIDTH for part in _DIGITS.findall(spec)):
            raise ValueError(f"format {spec[:64]!r}: width and precision are at most {FIELD_WIDTH}")
        kind = value.__class__
        if kind in NUMBERS or kind is str:
            return checked(format(value, spec))
        if kind is ndarray or not isinstance(value, Enum | int | NoneType):
            raise TypeError(f"unsupported format string passed to {kind.__name__}.__format__")
        if isinstance(value, int):
            return checked(format(int(value), spec))
        return checked(format(text(value), spec))

    return {"$text": text, "$show": show, "$format": formatted, "$joined": checked}
