"""A line of progress on standard error, for long work that a person is watching."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

__all__ = ["ProgressLine"]

_WIDTH = 30
_EVERY_S = 0.1


class ProgressLine:
    """Draws how far a piece of work is, at most ten times a second, and wipes itself away.

    Args:
        label: What is being done.
        show: Whether to draw; by default if standard error is a terminal.
    """

    def __init__(self, label: str, *, show: bool | None = None) -> None:
        self._label = label
        self._show = sys.stderr.isatty() if show is None else show
        self._drawn = 0.0
        self._columns = 0

    def __call__(self, done: int, total: int) -> None:
        """Draw ``done`` of ``total``."""
        now = time.monotonic()
        if not self._show or (now - self._drawn < _EVERY_S and done < total):
            return
        self._drawn = now
        filled = _WIDTH * done // max(1, total)
        text = f"{self._label} [{'#' * filled}{'.' * (_WIDTH - filled)}] {done}/{total}"
        self._write(text[:79])

    def __enter__(self) -> Self:
        if self._show:
            self._write(f"{self._label} ..."[:79])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._show:
            self._write("")
            sys.stderr.write("\r")
            sys.stderr.flush()

    def _write(self, text: str) -> None:
        sys.stderr.write("\r" + text + " " * max(0, self._columns - len(text)))
        sys.stderr.flush()
        self._columns = len(text)
