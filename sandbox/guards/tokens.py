"""What a program holds instead of the path of a picture: a token that only `cv2.imread` can read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FrameToken"]


class FrameToken:
    """Stands for one frame. It has no attribute that a guest can read, and no text but a fixed one.

    The frame is copied when the token is made, so that a token kept in ``self`` still gives the
    frame of its own step.
    """

    __slots__ = ("_pixels",)

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        """Take a frame as RGB, uint8 ``[H, W, 3]``."""
        self._pixels = np.ascontiguousarray(pixels[:, :, ::-1])
        self._pixels.setflags(write=False)

    def read(self) -> NDArray[np.uint8]:
        """Give the frame as BGR; a copy."""
        return self._pixels.copy()

    @property
    def nbytes(self) -> int:
        """Bytes that it keeps."""
        return int(self._pixels.nbytes)

    def __repr__(self) -> str:
        return "'frame.png'"

    def __str__(self) -> str:
        return "frame.png"

    def __eq__(self, other: object) -> Any:
        if isinstance(other, FrameToken):
            return self is other
        return NotImplemented

    def __hash__(self) -> int:
        return hash("frame.png")
