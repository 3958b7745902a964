"""Tree and dialect to findings: a pure pass that refuses by default."""

from __future__ import annotations

from sandbox.validate.judge import Judged, validate

__all__ = ["Judged", "validate"]
