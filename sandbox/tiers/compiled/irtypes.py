"""The types of core as LLVM has them, in registers and in memory."""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir

from sandbox.tiers.compiled.core import BITS, Ty

__all__ = ["TYPES", "memory_of"]

TYPES: Final = {
    ty: (ir.DoubleType() if ty == "f64" else ir.FloatType() if ty == "f32" else ir.IntType(bits))
    for ty, bits in BITS.items()
}


def memory_of(ty: Ty) -> Any:
    """Give the type of an element in memory, where a boolean is a byte."""
    return ir.IntType(8) if ty == "b1" else TYPES[ty]
