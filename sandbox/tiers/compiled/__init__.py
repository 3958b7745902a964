"""The compiled tier: a program as machine code over a batch, or the reason why not."""

from __future__ import annotations

import ast
import time
from typing import TYPE_CHECKING

from sandbox.limits import Limits
from sandbox.parse import Places
from sandbox.plan import Plan
from sandbox.tiers.base import TierReason

if TYPE_CHECKING:
    from sandbox.tiers.compiled.runner import CompiledRunner

__all__ = ["compile_program", "load_program"]


def compile_program(
    tree: ast.Module, plan: Plan, limits: Limits, text: str = ""
) -> CompiledRunner | TierReason:
    """Compile a program, or say why this tier does not take it.

    Args:
        tree: The validated tree, not instrumented.
        plan: What is called, on which inputs.
        limits: Fuel, memory and compile time.
        text: The source of the tree. A tree counts columns in bytes; with the text, places are
            given in characters.
    """
    places = Places(text)
    # Numba takes half a second to import, and a check or an interpreted program needs none of it.
    from sandbox.tiers.compiled.kernel import lower_program
    from sandbox.tiers.compiled.points import Refused
    from sandbox.tiers.compiled.runner import CompiledRunner

    started = time.monotonic()
    try:
        lowered = lower_program(tree, plan, limits, places)
    except Refused as refused:
        place = None if refused.node is None else places.span(refused.node)
        return TierReason(refused.code, refused.message, place)
    except RecursionError:
        return TierReason("CMP914", "the program nests too deep to be lowered")
    spent = time.monotonic() - started
    return CompiledRunner(lowered, plan, limits.fuel, spent, recall_bytes=limits.recall_bytes)


def load_program(code: bytes, plan: Plan, limits: Limits) -> CompiledRunner | None:
    """Load a program from what `CompiledRunner.freeze` gave, or None where it is something else."""
    from sandbox.errors import ProtocolError
    from sandbox.tiers.compiled.runner import CompiledRunner
    from sandbox.tiers.compiled.stored import thaw

    started = time.monotonic()
    try:
        lowered, machines, core_text = thaw(code)
        runner = CompiledRunner(
            lowered,
            plan,
            limits.fuel,
            time.monotonic() - started,
            machines=machines,
            recall_bytes=limits.recall_bytes,
        )
    except (ProtocolError, RuntimeError):  # LLVM says that it is no object file with the latter
        return None
    runner.core_text = core_text
    return runner
