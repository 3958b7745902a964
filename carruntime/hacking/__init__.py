"""Search for ways to deceive a reward program: high reward or claimed completion, no success."""

from __future__ import annotations

from carruntime.hacking.claims import CLAIMS, Kind
from carruntime.hacking.report import Hack, HackReport
from carruntime.hacking.search import find_hacks

__all__ = ["CLAIMS", "Hack", "HackReport", "Kind", "find_hacks"]
