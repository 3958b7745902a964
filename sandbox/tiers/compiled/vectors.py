"""NumPy's vector functions, called on one element without the loop around them.

On processors with AVX-512, NumPy computes most mathematical functions of doubles with a vector
library that is linked into it. A kernel that calls NumPy's loop on one element pays three to five
times what the function itself costs: addresses and strides through memory, and a look at the
floating-point flags. The functions are exported, so a kernel can call them as the loop does, with
the argument in the first lane of a register. Which of them a ufunc uses is not written down
anywhere; so the loop and the function are compared on a few thousand arguments of all sizes, the
special ones included, and only a function that gives the same bits on all of them is taken.
"""

from __future__ import annotations

import ctypes
import re
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import numpy as np
from llvmlite import ir
from llvmlite.binding import add_symbol
from numpy.typing import NDArray

from sandbox.tiers.compiled.core import LIBRARY, Ty

try:
    # Where NumPy keeps its ufuncs is its own business; without it there is always the loop.
    _umath: ModuleType | None = import_module("numpy._core._multiarray_umath")

except ImportError:
    _umath = None

__all__ = [
    "LANES",
    "address_of",
    "call_lanes",
    "call_vector",
    "name_vector",
    "symbol_of",
    "vector_of",
]

LANES: Final = 8
"""Doubles in one register."""
_VECTOR: Final = ir.VectorType(ir.DoubleType(), LANES)
_I64: Final = ir.IntType(64)
_I32: Final = ir.IntType(32)
_SYMBOL: Final = re.compile(rf"__svml_[a-z0-9]+{LANES}(_ha)?")


def _open() -> ctypes.CDLL | None:
    # The library is loaded already, so this opens no file; it is done on import all the same,
    # because a worker that is locked could not.
    path = getattr(_umath, "__file__", None)
    features = getattr(_umath, "__cpu_features__", {})
    if path is None or not features.get("AVX512_SKX"):
        return None
    try:
        return ctypes.CDLL(path)
    except OSError:
        return None


_library: Final = _open()


def name_vector(name: str, address: int) -> str:
    """Make a vector function known to the linker of this process, and give its symbol.

    Code names it by a symbol, because its address is another one in every process.
    """
    symbol = f"carruntime.vector.{name}"
    add_symbol(symbol, address)
    return symbol


def call_vector(builder: Any, symbol: str, values: list[list[ir.Value]]) -> list[ir.Value]:
    """Emit one call of a vector function for up to `LANES` elements.

    Args:
        builder: Where the call goes.
        symbol: What `name_vector` gave.
        values: For each argument of the function, its value for each element: doubles.

    Returns:
        The result for each element.
    """
    count = len(values[0])
    found = call_lanes(builder, symbol, [_spread(builder, elements) for elements in values])
    return [builder.extract_element(found, _I32(lane)) for lane in range(count)]


def call_lanes(builder: Any, symbol: str, values: list[ir.Value]) -> ir.Value:
    """Emit one call of a vector function on full registers."""
    module = builder.module
    function = module.globals.get(symbol)
    if function is None:
        function = ir.Function(module, ir.FunctionType(_VECTOR, [_VECTOR] * len(values)), symbol)
        for attribute in ("nounwind", "readnone"):
            function.attributes.add(attribute)
    return builder.call(function, values)


def _spread(builder: Any, elements: list[ir.Value]) -> ir.Value:
    """Put elements into the first lanes and the first of them into all others.

    What is not special in one lane is not special in another, so the functions do not leave their
    fast path for lanes that nobody asked for.
    """
    blank = ir.Constant(_VECTOR, ir.Undefined)
    lanes = ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
    wide = builder.shuffle_vector(builder.insert_element(blank, elements[0], _I32(0)), blank, lanes)
    for lane, value in enumerate(elements[1:], 1):
        wide = builder.insert_element(wide, value, _I32(lane))
    return wide


def vector_of(name: str, ty: Ty) -> int | None:
    """Give the address of the vector function that a ufunc computes doubles with.

    Args:
        name: Name of a ufunc of NumPy.
        ty: Core type of its inputs and of its output.

    Returns:
        The address, or None where there is none or where it cannot be told which it is.
    """
    symbol = symbol_of(name, ty)
    return None if symbol is None else address_of(symbol)


def address_of(symbol: str) -> int | None:
    """Give the address of one of NumPy's vector functions, or None where it has none of that name."""
    if _library is None or not _SYMBOL.fullmatch(symbol):
        return None
    try:
        function = getattr(_library, symbol)
    except AttributeError:
        return None
    return ctypes.cast(function, ctypes.c_void_p).value


@cache
def symbol_of(name: str, ty: Ty) -> str | None:
    """Give the name of the vector function that a ufunc computes doubles with; see `vector_of`.

    It is found by trying, which takes tens of milliseconds, so it is worth being kept.
    """
    ufunc = getattr(np, name, None)
    if _library is None or ty != "f64" or not isinstance(ufunc, np.ufunc) or ufunc.nin > 2:
        return None
    # Numba is imported where something is compiled; what was kept is loaded without it.
    from numba.core.registry import cpu_target

    if "+avx512f" not in cpu_target.target_context.codegen().magic_tuple()[2]:
        return None
    inputs = _arguments(ufunc.nin)
    with np.errstate(all="ignore"):
        expected = ufunc(*inputs)
    for suffix in ("", "_ha"):
        symbol = f"__svml_{LIBRARY.get(name, name)}{LANES}{suffix}"
        address = address_of(symbol)
        if address and _same(_evaluate(symbol, address, inputs), expected):
            return symbol
    return None


def _same(found: NDArray[np.float64], expected: NDArray[np.float64]) -> bool:
    nan = np.isnan(expected)
    bits = found.view(np.int64) == expected.view(np.int64)
    return bool(np.array_equal(nan, np.isnan(found)) and bits[~nan].all())


def _arguments(count: int) -> list[NDArray[np.float64]]:
    """Draw arguments of all sizes, where functions are delicate and where they are not."""
    rng = np.random.default_rng(20_240)
    special = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 709.9, -745.5, np.pi, 1e-310, -1e-310, 1e300, -1e300]
    special += [np.inf, -np.inf, np.nan]
    pool = np.concatenate(
        [
            special,
            rng.uniform(-1, 1, 1_000),
            rng.uniform(-50, 50, 1_000),
            rng.uniform(-800, 800, 500),
            np.exp(rng.uniform(-40, 40, 1_000)) * rng.choice([-1, 1], 1_000),
            np.exp(rng.uniform(-600, 600, 500)),
            1 + rng.uniform(-1e-3, 1e-3, 500),
        ]
    )
    if count == 1:
        return [pool]
    return [np.concatenate([pool, rng.permutation(pool)]) for _ in range(count - 1)] + [
        np.concatenate([rng.permutation(pool), pool])
    ]


def _evaluate(symbol: str, address: int, inputs: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Call a vector function on each element, as a kernel does."""
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target

    codegen = cpu_target.target_context.codegen()
    double = ir.DoubleType().as_pointer()
    with global_compiler_lock:
        library = codegen.create_library(f"try{symbol}")
        module = library.create_ir_module(f"try{symbol}")
        function = ir.Function(
            module, ir.FunctionType(ir.VoidType(), [_I64] + [double] * (len(inputs) + 1)),
            f"try{symbol}",
        )  # fmt: skip
        entry, body, after = (function.append_basic_block(part) for part in ("a", "b", "c"))
        builder = ir.IRBuilder(entry)
        builder.branch(body)
        builder.position_at_end(body)
        index = builder.phi(_I64)
        index.add_incoming(_I64(0), entry)
        values = [[builder.load(builder.gep(arg, [index]))] for arg in function.args[1:-1]]
        (found,) = call_vector(builder, name_vector(symbol, address), values)
        builder.store(found, builder.gep(function.args[-1], [index]))
        following = builder.add(index, _I64(1))
        index.add_incoming(following, body)
        builder.cbranch(builder.icmp_signed("<", following, function.args[0]), body, after)
        builder.position_at_end(after)
        builder.ret_void()
        library.add_ir_module(module)
        library.finalize()
        start = library.get_pointer_to_function(f"try{symbol}")
    result = np.empty_like(inputs[0])
    kind = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * (len(inputs) + 1))
    kind(start)(len(result), *(array.ctypes.data for array in (*inputs, result)))
    return result
