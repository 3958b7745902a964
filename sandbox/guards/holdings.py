"""What a value keeps alive, and how many bytes that is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from types import (
    BuiltinFunctionType,
    FunctionType,
    GeneratorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.guards.tokens import FrameToken
from sandbox.guards.values import (
    GUEST_FILE,
    GUEST_MODULE,
    NUMBERS,
    is_guest_class,
    is_guest_instance,
)

__all__ = ["held", "state_bytes", "whole"]


ndarray: Final = np.ndarray


def state_bytes(roots: Iterable[Any], limit: int) -> int:
    """Give about how many bytes values hold, going through containers once; stops at ``limit``."""
    total = 0
    seen: set[int] = set()
    waiting = list(roots)
    while waiting and total <= limit:
        value = waiting.pop()
        kind = value.__class__
        if kind in NUMBERS or value is None:
            total += 32
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        if kind is ndarray:
            total += 112 + whole(value).nbytes
        elif kind is str or kind is bytes:
            total += 64 + len(value)
        elif kind is FrameToken:
            total += 64 + value.nbytes
        elif isinstance(value, dict):
            total += 64 + 100 * len(value)
            waiting.extend(value.keys())
            waiting.extend(value.values())
        elif isinstance(value, list | tuple | set | frozenset | deque):
            total += 64 + (64 if isinstance(value, set | frozenset) else 8) * len(value)
            waiting.extend(value)
        else:
            total += 64
            waiting.extend(held(value))
    return total


def whole(array: NDArray[Any]) -> NDArray[Any]:
    """Give the array that owns the memory of a view."""
    while isinstance(array.base, ndarray):
        array = array.base
    return array


def held(value: Any) -> list[Any]:
    """Give what a value keeps alive besides the items of a container."""
    found: list[Any] = []
    if isinstance(value, FunctionType):
        if value.__code__.co_filename != GUEST_FILE:
            # A view: what it holds is ours, except for a function of the guest's that it stands for.
            return [value.__wrapped__] if hasattr(value, "__wrapped__") else found
        found.extend(value.__defaults__ or ())
        found.extend((value.__kwdefaults__ or {}).values())
        for cell in value.__closure__ or ():
            try:
                found.append(cell.cell_contents)
            except ValueError:  # not filled yet
                continue
    elif isinstance(value, MethodType):
        if is_guest_instance(value.__self__) or is_guest_class(value.__self__):
            found.extend((value.__self__, value.__func__))
        return found
    elif isinstance(value, BuiltinFunctionType):
        if not isinstance(value.__self__, ModuleType):
            found.append(value.__self__)
        return found
    elif isinstance(value, type):
        if is_guest_class(value):
            found.extend(vars(value).values())
        return found
    elif isinstance(value, GeneratorType):
        frame = value.gi_frame
        if frame is not None:
            found.extend(frame.f_locals.values())
    elif isinstance(value, property):
        found.append(value.fget)
    elif isinstance(value, staticmethod | classmethod):
        found.append(value.__func__)
    elif isinstance(value, Exception):
        found.extend(value.args)
    if hasattr(value, "__dict__"):
        found.extend(vars(value).values())
    if isinstance(value, partial):
        found.extend((value.func, value.args, value.keywords))
    if is_guest_instance(value):
        for base in type(value).__mro__:
            if base.__module__ == GUEST_MODULE:
                for member in vars(base).values():
                    if isinstance(member, MemberDescriptorType):
                        with suppress(AttributeError):  # a slot that is not filled
                            found.append(member.__get__(value))
    return found
