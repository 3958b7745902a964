"""What is assumed of CPython's and NumPy's objects, tried before anything relies on it.

First each place that native code reads is read from Python and compared with what Python says of
the same object; then the native code takes a small batch and refuses some that do not fit.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from sandbox.batches import Batch
from sandbox.lane import Ended, Engine, Kernels, Lane, Leaf
from sandbox.native.tables import READY
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema

if TYPE_CHECKING:
    from sandbox.native.library import Library

__all__ = ["holds"]


def holds(library: Library) -> bool:
    """Say whether everything is where it is expected."""
    return _objects_hold() and _calls_hold(library)


def _objects_hold() -> bool:
    array = np.arange(6, dtype=np.int64).reshape(2, 3)
    parts = (array, "text")
    if array.__sizeof__() < 72 or parts.__sizeof__() < 40:
        return False
    dims = _number(id(array) + 32)
    return (
        _number(id(array) + 8) == id(np.ndarray)
        and _number(id(array) + 16) == array.ctypes.data
        and ctypes.c_int32.from_address(id(array) + 24).value == 2
        and [_number(dims), _number(dims + 8)] == [2, 3]
        and _number(id(array) + 56) == id(array.dtype)
        and [_flags(array) & 1, _flags(array.T) & 1] == [1, 0]
        and _number(id(parts) + 8) == id(tuple)
        and _number(id(parts) + 16) == 2
        and [_number(id(parts) + 24), _number(id(parts) + 32)] == [id(array), id(parts[1])]
    )


def _number(address: int) -> int:
    return ctypes.c_int64.from_address(address).value


def _flags(array: np.ndarray[Any, Any]) -> int:
    return ctypes.c_int32.from_address(id(array) + 64).value


def _calls_hold(library: Library) -> bool:
    """Take batches for a program without kernels; what is taken must be what was given."""
    call = Call("f", (Param("obs", "next_obs"),))
    batch = Batch(Plan(schema=Schema((("next_obs", ArraySpec()),)), tasks=(call,)), 2, 0)
    column = np.zeros((2, 3), np.int32)
    flags = np.zeros(4, np.int64)
    out = batch.out
    engine = Engine(
        Kernels(
            rows=2,
            kernels=(),
            cells=(),
            broken=flags.ctypes.data,
            follows=flags.ctypes.data + 8,
            failed=flags.ctypes.data + 16,
            epoch=flags.ctypes.data + 24,
            alone=True,
            outcome=out.outcome.ctypes.data,
            reward=out.reward.ctypes.data,
            failure=out.failure.ctypes.data,
            alive=flags,
        )
    )
    lane = Lane(
        library,
        batch,
        {"next_obs": column},
        (Leaf(0, ("a", 1), "next_obs"),),
        outputs=batch.bytes.ctypes.data,
        ready=np.array([READY], np.int64),
        engine=engine,
    )
    block = np.empty(lane.block_size, np.uint8)
    good = np.arange(6, dtype=np.int32).reshape(2, 3)
    # No task ran, so its outcome is still pending, which is what a look must find.
    taken = lane.step(block, None, {"a": (None, good)}) == Ended.LOOK
    wrong = (
        {"a": (None, good.astype(np.int64))},
        {"a": (None, np.asfortranarray(good))},
        {"a": (None, good[:1])},
        {"a": [None, good]},
        {"a": (None,)},
        {"b": (None, good)},
        None,
    )
    refused = all(lane.step(block, None, item) == 1 for item in wrong)
    mask = np.array([True, False, True])
    return (
        taken
        and refused
        and bool((column == good).all())
        and lane.step(block, mask, {"a": (None, good)}) == Ended.BAD_MASK
    )
