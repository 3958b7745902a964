"""The frames of a session: checked once, written where a program reads them, kept for the next step.

A caller hands over one frame for each environment at a reset and at each step. From these the
session makes what programs ask for: the frame after the action, the one before it, and the first
of the episode. Only what the program reads is kept. Rows outside a mask keep what they have, so that
the frame before an action is always that of the same episode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError
from sandbox.plan import Plan
from sandbox.schema import ArraySpec

__all__ = ["FRAME_SLOTS", "FrameColumns", "frame_leaf"]

FRAME_SLOTS: Final = ("frame", "initial_frame", "prev_frame")
"""Inputs that are pictures; columns uint8 ``[N, H, W, 3]``, RGB."""

_Rows = NDArray[np.bool_] | None


def frame_leaf(shape: Sequence[int]) -> ArraySpec:
    """Describe frames of a size.

    Args:
        shape: ``(H, W, 3)``, in pixels.

    Raises:
        OptionError: If it is no such shape.
    """
    sizes = tuple(shape)
    whole = all(isinstance(size, int | np.integer) and size > 0 for size in sizes)
    if len(sizes) != 3 or not whole or sizes[2] != 3:
        raise OptionError(
            f"frame={shape!r}: want the shape (height, width, 3) of an RGB frame, or a Box of it "
            "with dtype uint8"
        )
    return ArraySpec(shape=tuple(int(size) for size in sizes), dtype="uint8", low=0.0, high=255.0)


class FrameColumns:
    """The columns of frames that a program reads.

    Args:
        plan: What is called on which inputs; at least one of them a frame.
        inputs: The bound arrays by column name.
        at_reset: Whether anything reads the slot ``frame`` when an episode begins.
    """

    def __init__(self, plan: Plan, inputs: Mapping[str, NDArray[Any]], *, at_reset: bool) -> None:
        slots = plan.schema.read()
        self._now = inputs.get("frame") if "frame" in slots else None
        self._first = inputs.get("initial_frame") if "initial_frame" in slots else None
        self._before = inputs.get("prev_frame") if "prev_frame" in slots else None
        shown = next(item for item in (self._now, self._first, self._before) if item is not None)
        self.shape: tuple[int, ...] = shown.shape
        self.at_reset = self._first is not None or self._before is not None or at_reset
        """Whether the frame at a reset is needed."""
        self.each_step = self._now is not None or self._before is not None
        """Whether the frame of a step is needed."""
        self._last = self._now
        if self._before is not None and self._last is None:
            self._last = np.zeros(self.shape, np.uint8)

    def check(self, frame: Any, problems: list[str], *, needed: bool) -> NDArray[np.uint8] | None:
        """Compare frames with the columns; nothing is written yet.

        Args:
            frame: uint8 ``[N, H, W, 3]``, a list of N frames, or one frame where N is 1.
            problems: Takes a line if they do not fit.
            needed: Whether leaving them out is a problem.
        """
        want = f"uint8 {self.shape}"
        if frame is None:
            if needed:
                problems.append(f"frame: not given; the program reads it; want {want}")
            return None
        try:
            value = np.stack(frame) if isinstance(frame, list | tuple) else np.asarray(frame)
        except (TypeError, ValueError):
            problems.append(f"frame: frames of different sizes; want {want}")
            return None
        if self.shape[0] == 1 and value.shape == self.shape[1:]:
            value = value.reshape(self.shape)
        if value.dtype != np.uint8:
            problems.append(
                f"frame: {value.dtype.name} {value.shape}; want {want}; nothing is cast silently: "
                "pass frame.astype(np.uint8), scaled to 0..255"
            )
            return None
        if value.shape != self.shape:
            text = f"frame: uint8 {value.shape}; want {want}"
            if value.ndim in (3, 4) and value.shape[-3:] != self.shape[1:]:
                height, width = self.shape[1:3]
                text += (
                    f": the program was loaded for frames of {height} by {width}, and what it "
                    "sees depends on that; load it for the size that the environment draws"
                )
            problems.append(text)
            return None
        return value

    def reset(self, frame: NDArray[np.uint8] | None, rows: _Rows) -> None:
        """Write the first frame of episodes."""
        if frame is not None:
            for column in (self._first, self._last, self._before):
                _put(column, frame, rows)

    def step(self, frame: NDArray[np.uint8] | None, rows: _Rows) -> None:
        """Write the frame after an action; the one that was there becomes the one before it."""
        if self._before is not None and self._last is not None:
            _put(self._before, self._last, rows)
        if frame is not None:
            _put(self._last, frame, rows)

    def state(self) -> dict[str, NDArray[np.uint8]]:
        """Give copies of what is kept, by name."""
        kept = {"first": self._first, "last": self._last, "before": self._before}
        return {name: column.copy() for name, column in kept.items() if column is not None}

    def load(self, state: Mapping[str, NDArray[np.uint8]]) -> None:
        """Take up what `state` gave."""
        kept = {"first": self._first, "last": self._last, "before": self._before}
        for name, column in kept.items():
            if column is not None:
                column[...] = state[name]


def _put(column: NDArray[np.uint8] | None, frame: NDArray[np.uint8], rows: _Rows) -> None:
    if column is None:
        return
    if rows is None:
        np.copyto(column, frame)
    else:
        column[rows] = frame[rows]
