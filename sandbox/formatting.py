"""``text % values`` and ``text.format(...)`` as a guest may have them, and hashes that are steady.

CPython's own formatting calls whatever methods its arguments have, walks into their attributes, and
makes room for any width. Here a template is taken apart first: each value becomes text through the
guard that f-strings use too, every width is capped, and a field is a position or a name and nothing
more. What is then given to CPython holds numbers and finished text only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from string import Formatter
from typing import Any, Final

import numpy as np

from sandbox.guards import (
    FIELD_WIDTH,
    SCALARS,
    TEXT_CHARS,
    Meter,
    is_guest_instance,
    own_method,
    text_guards,
)
from sandbox.templates import CONVERSION

__all__ = ["formatting_guards", "steady_hash"]

_NUMERIC: Final = "diouxXeEfFgG"
_LONGEST_NUMBER: Final = 1_400
"""Characters of a number without width and precision: a float has 309 digits before the point, an
integer as many as its cap on bits allows."""


def formatting_guards(meter: Meter) -> dict[str, Callable[..., Any]]:
    """Make ``percent`` for ``text % values`` and ``fields`` for ``text.format(...)``."""
    guards = text_guards(meter)
    text, show, formatted = guards["$text"], guards["$show"], guards["$format"]

    def percent(template: str, values: Any) -> str:
        given = list(values) if isinstance(values, tuple) else [values]
        keyed = isinstance(values, Mapping)
        taken: list[Any] = []
        pieces: list[str] = []
        position = used = total = 0

        def following() -> Any:
            nonlocal used
            used += 1
            if used > len(given):
                raise TypeError("not enough arguments for format string")
            return given[used - 1]

        def size(word: str | None) -> str:
            """Give a width or precision as digits; ``*`` takes it from the values."""
            if not word:
                return ""
            number = following() if word == "*" else int(word[:9])
            if not isinstance(number, int):
                raise TypeError("* wants int")
            if abs(number) > FIELD_WIDTH:
                raise ValueError(f"width and precision are at most {FIELD_WIDTH}")
            return str(int(number))

        try:
            while (start := template.find("%", position)) >= 0:
                found = CONVERSION.match(template, start)
                if found is None:
                    raise ValueError("incomplete format")  # noqa: TRY301  see below
                key, flags, width, point, precision, kind = found.groups()
                pieces.append(template[position:start])
                position = found.end()
                if found[0] == "%%":
                    pieces.append("%%")
                    continue
                spec = flags + size(width) + (point or "") + size(precision)
                if key is not None:
                    if not keyed:
                        raise TypeError("format requires a mapping")  # noqa: TRY301
                    value = values[key]
                    used = 1
                else:
                    value = following()
                if kind in "sra":
                    value = text(value) if kind == "s" else show(value)
                    total += len(value) + FIELD_WIDTH
                    kind = "s"
                elif kind in _NUMERIC:
                    total += _LONGEST_NUMBER + 2 * FIELD_WIDTH
                else:
                    total += FIELD_WIDTH
                pieces.append(f"%{spec}{kind}")
                taken.append(value)
                if total > TEXT_CHARS:
                    meter.text(total)
        except (TypeError, ValueError, LookupError):
            # CPython goes from left to right, so what was wrong before this comes first.
            "".join(pieces) % tuple(taken)
            raise
        pieces.append(template[position:])
        if not taken and not isinstance(values, tuple):
            # CPython takes whatever has items for a mapping, and then does not miss its use.
            if hasattr(type(values), "__getitem__") and not isinstance(values, str):
                return "".join(pieces).replace("%%", "%")
            raise TypeError("not all arguments converted during string formatting")
        meter.charge(1 + len(taken))
        # What is left over makes CPython raise, and is not looked at.
        result = "".join(pieces) % (*taken, *given[used:])
        meter.text(len(result))
        return result

    def filled(template: str, /, *args: Any, **named: Any) -> str:
        counter = _Counter()
        result = fill(template, args, named, counter, 2)
        meter.text(len(result))
        return result

    def fill(
        template: str, args: tuple[Any, ...], named: dict[str, Any], counter: _Counter, depth: int
    ) -> str:
        if depth == 0:
            raise ValueError("Max string recursion exceeded")
        parts: list[str] = []
        total = 0
        for literal, name, spec, conversion in Formatter().parse(template):
            parts.append(literal)
            total += len(literal)
            if name is not None:
                meter.charge(1)
                value = counter.value(name, args, named)
                inner = fill(spec, args, named, counter, depth - 1) if spec else ""
                if conversion not in (None, "s", "r"):
                    raise ValueError(f"Unknown conversion specifier {conversion!r}")
                parts.append(formatted(value, inner, conversion or ""))
                total += len(parts[-1])
            if total > TEXT_CHARS:
                meter.text(total)
        return "".join(parts)

    def spelled(value: Any, format_spec: str = "") -> str:
        if not isinstance(format_spec, str):
            raise TypeError("format() argument 2 must be str")
        result: str = formatted(value, format_spec, "")
        return result

    return {"percent": percent, "fields": filled, "format": spelled}


class _Counter:
    """The fields of one template: by position, by name, or counted, as `str.format` takes them."""

    def __init__(self) -> None:
        self.next = 0
        self.by_position = False

    def value(self, name: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if not name:
            if self.by_position:
                raise ValueError(
                    "cannot switch from manual field specification to automatic field numbering"
                )
            index = self.next
            self.next += 1
        elif name.isdecimal():
            if self.next:
                raise ValueError(
                    "cannot switch from automatic field numbering to manual field specification"
                )
            self.by_position = True
            index = int(name[:9])
        elif "." in name or "[" in name:
            raise TypeError(f"the field {name[:40]!r} looks into its value; write an f-string")
        else:
            return named[name]
        if index >= len(args):
            raise IndexError(f"Replacement index {index} out of range for positional args tuple")
        return args[index]


class _Hashed:
    """Stands for a value in a container whose hash is asked for: an integer would be folded."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value

    def __hash__(self) -> int:
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and other.value == self.value


def steady_hash(meter: Meter) -> Callable[[Any], int]:
    """Make ``hash``: CPython's where that is the same in every process, else one of our own.

    CPython salts the hashes of texts, and takes addresses for those of objects.
    """

    def steady(value: Any) -> int:
        meter.charge(1)
        kind = value.__class__
        if value is None:
            return 0x3A7_1C95
        if kind is str:
            meter.charge(len(value) >> 4)
            data = hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()
            return int.from_bytes(data[:8], "little", signed=True)
        if kind in SCALARS or kind is int:
            return hash(value) if value == value else 0  # noqa: PLR0124  that of NaN is an address
        if isinstance(value, Enum):
            return hash(int(value)) if isinstance(value, int) else steady(value.name)
        if is_guest_instance(value):
            own = own_method(value, "__hash__")
            if own is not None:
                number = own()
                if not isinstance(number, int):
                    raise TypeError("__hash__ method should return an integer")
                return hash(int(number))
        if isinstance(value, tuple):
            return hash(tuple([_Hashed(steady(item)) for item in value]))
        if kind is frozenset:
            return hash(frozenset(_Hashed(steady(item)) for item in value))
        if type(value).__hash__ is None or isinstance(value, np.ndarray):
            raise TypeError(f"unhashable type: {kind.__name__!r}")
        if is_dataclass(value) and is_guest_instance(value) and "__hash__" in vars(kind):
            parts = [getattr(value, item.name) for item in fields(value)]
            return hash(tuple([_Hashed(steady(part)) for part in parts]))
        raise TypeError(f"the hash of {kind.__name__!r} objects is their address here")

    return steady
