"""The compiled tier: a program as machine code over a batch, or the reason why not."""

from __future__ import annotations

import ast
import time
from typing import TYPE_CHECKING

from sandbox.limits import Limits
from sandbox.plan import Plan
from sandbox.tiers.base import TierReason

if TYPE_CHECKING:
    from sandbox.tiers.compiled.runner import CompiledRunner

__all__ = ["compile_program"]


def compile_program(tree: ast.Module, plan: Plan, limits: Limits) -> CompiledRunner | TierReason:
    """Compile a program, or say why this tier does not take it.

    Args:
        tree: The validated tree, not instrumented.
        plan: What is called, on which inputs.
        limits: Fuel, memory and compile time.
    """
    # Numba takes half a second to import, and a check or an interpreted program needs none of it.
    from sandbox.tiers.compiled.kernel import lower_program
    from sandbox.tiers.compiled.points import Refused, span_of
    from sandbox.tiers.compiled.runner import CompiledRunner

    started = time.monotonic()
    try:
        lowered = lower_program(tree, plan, limits)
    except Refused as refused:
        return TierReason(refused.code, refused.message, span_of(refused.node))
    except RecursionError:
        return TierReason("CMP914", "the program nests too deep to be lowered")
    return CompiledRunner(lowered, plan, limits.fuel, time.monotonic() - started)
