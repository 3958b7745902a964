"""Run untrusted numeric programs: read, judge, build, and call them on batches of rows.

`check` says what is wrong with a source. `open_guest` gives a program in a worker process of its
own; `Plan` says what to call on which inputs. Nothing here knows what the numbers mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.diagnostics import Finding, Report, Severity, Span
from sandbox.errors import (
    IsolationError,
    ProgramRefusedError,
    ProtocolError,
    SandboxError,
    UsageError,
    WorkerDiedError,
    WorkerTimeoutError,
)
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Outline, Param, Plan
from sandbox.schema import ArraySpec, Column, DictSpec, Schema, Spec, TupleSpec
from sandbox.tiers.base import NO_FAILURE, Failure, Outputs, TierReason

if TYPE_CHECKING:
    from sandbox.diagnosis import Diagnosis, doctor
    from sandbox.host import Buffers, Guest, Loaded, Ran, open_guest
    from sandbox.source import check, read_source

__all__ = [
    "NO_FAILURE",
    "PENDING",
    "ArraySpec",
    "Buffers",
    "Call",
    "Column",
    "Diagnosis",
    "DictSpec",
    "Failure",
    "Finding",
    "Guest",
    "IsolationError",
    "Limits",
    "Loaded",
    "Outcome",
    "Outline",
    "Outputs",
    "Param",
    "Plan",
    "ProgramRefusedError",
    "ProtocolError",
    "Ran",
    "Report",
    "SandboxError",
    "Schema",
    "Severity",
    "Span",
    "Spec",
    "TierReason",
    "TupleSpec",
    "UsageError",
    "WorkerDiedError",
    "WorkerTimeoutError",
    "check",
    "doctor",
    "open_guest",
    "read_source",
]

_LATE = {
    "Buffers": "sandbox.host",
    "Diagnosis": "sandbox.diagnosis",
    "Guest": "sandbox.host",
    "Loaded": "sandbox.host",
    "Ran": "sandbox.host",
    "check": "sandbox.source",
    "doctor": "sandbox.diagnosis",
    "open_guest": "sandbox.host",
    "read_source": "sandbox.source",
}
"""Names whose modules start processes; a worker that only runs rows does not need them."""


def __getattr__(name: str) -> Any:
    place = _LATE.get(name)
    if place is None:
        raise AttributeError(f"module 'sandbox' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(place), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
