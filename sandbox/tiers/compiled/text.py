"""Text observations."""

from __future__ import annotations

from sandbox.tiers.compiled.state import Keeper

__all__ = ["Texts"]


class Texts(Keeper):
    """Operations on text."""
