"""`sandbox.Limits` as the runtime offers it: a wrong limit is an `OptionError` like any option."""

from __future__ import annotations

from dataclasses import dataclass, fields

from carruntime.errors import OptionError
from sandbox.errors import UsageError
from sandbox.limits import Limits as SandboxLimits

__all__ = ["Limits", "plain_limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(SandboxLimits):
    """Upper bounds for one program, checked from the first byte to the last row.

    The defaults are far above what natural programs need. See `sandbox.Limits` for each of them.

    Raises:
        OptionError: If one is not a number above 0.
    """

    def __post_init__(self) -> None:
        # By its name: a dataclass with slots is made anew, and `super()` would miss that.
        try:
            SandboxLimits.__post_init__(self)
        except UsageError as error:
            raise OptionError(str(error)) from None


def plain_limits(limits: object) -> SandboxLimits:
    """Give limits in the form that is sent to a worker.

    Args:
        limits: Those of a caller; None for the defaults.

    Raises:
        OptionError: If it is something else.
    """
    if limits is None:
        return SandboxLimits()
    if type(limits) is SandboxLimits:
        return limits
    if not isinstance(limits, SandboxLimits):
        raise OptionError(
            f"limits={limits!r}: want carruntime.Limits(...), such as Limits(fuel=100_000)"
        )
    return SandboxLimits(**{entry.name: getattr(limits, entry.name) for entry in fields(limits)})
