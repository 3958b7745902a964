"""OpenCV on neighbourhoods and components, and drawing into an image."""

from __future__ import annotations

from sandbox.tiers.compiled.pictures import Pictures

__all__ = ["Drawing"]


class Drawing(Pictures):
    """More functions of OpenCV on images."""
