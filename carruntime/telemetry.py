"""Counters and running quantiles of what a program pays, cheap enough to be kept on every step.

A training curve hides a program that has begun to fail, or a component that drowns all others. So
a `Telemetry` counts how rows and sub-tasks ended, keeps the last rewards and components of rows
that went well, and warns when rows begin to end badly more often than before. What is read (means,
quantiles) is worked out when it is read; a batch costs a few copies.

`RewardProgram.start(..., telemetry=True)` gives a session that keeps one, and so do the wrappers.
Nothing is logged here: `summary` gives flat numbers for whatever logger there is.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from math import nan, sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError, RewardError
from carruntime.session import RewardSession
from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from carruntime.batch import RewardBatch

__all__ = ["ErrorRateWarning", "Telemetry", "WatchedSession"]

_OK: Final = int(Outcome.OK)
_SKIPPED: Final = int(Outcome.SKIPPED)
_QUANTILES: Final = (0.05, 0.5, 0.95)
_SIGMAS: Final = 4.0
_LEAST_BAD: Final = 5
"""Bad rows of a window under which no warning is given: a few prove nothing."""


class ErrorRateWarning(RuntimeWarning):
    """Rows of a program end badly more often than they did before."""


class Telemetry:
    """What a program paid so far, for N environments.

    Args:
        component_names: Names of the program's components.
        task_names: Names of its sub-tasks.
        window: Rows from which quantiles and the recent error rate are taken.
        on_rise: Called with a text where the error rate rises, in place of a warning.
    """

    def __init__(
        self,
        component_names: Sequence[str] = (),
        task_names: Sequence[str] = (),
        *,
        window: int = 4096,
        on_rise: Callable[[str], None] | None = None,
    ) -> None:
        if isinstance(window, bool) or not isinstance(window, int) or window < 1:
            raise OptionError(f"Telemetry: window={window!r}; want a whole number of at least 1")
        self.component_names = tuple(component_names)
        self.task_names = tuple(task_names)
        self.window = window
        self._on_rise = on_rise
        self._by_row = np.zeros(len(Outcome), np.int64)
        self._by_task = np.zeros((len(self.task_names), len(Outcome)), np.int64)
        self._completed = np.zeros(len(self.task_names), np.int64)
        # One ring for the reward and each component, of rows that went well.
        self._ring = np.zeros((1 + len(self.component_names), window))
        self._present = np.zeros(self._ring.shape, np.bool_)
        self._at = 0
        self._filled = 0
        # The window of the error rate, and all rows before it.
        self._recent = [0, 0]
        self._earlier = [0, 0]
        self._risen = False

    # Taking in ---------------------------------------------------------------------------------

    def add(self, batch: RewardBatch) -> None:
        """Count one batch."""
        outcome = batch.outcome
        if not outcome.any():
            self._by_row[_OK] += len(outcome)
            ran, bad = len(outcome), 0
            self._keep(batch, None)
        else:
            counts = np.bincount(outcome, minlength=len(self._by_row))
            self._by_row += counts
            ran = len(outcome) - int(counts[_SKIPPED])
            bad = ran - int(counts[_OK])
            self._keep(batch, outcome == _OK)
        if self.task_names:
            self._completed += batch.newly_completed.sum(axis=0)
            if batch.task_outcome.any():
                for k in range(len(self.task_names)):
                    self._by_task[k] += np.bincount(
                        batch.task_outcome[:, k], minlength=len(self._by_row)
                    )
            else:
                self._by_task[:, _OK] += len(outcome)
        self._rate(ran, bad)

    def _keep(self, batch: RewardBatch, good: NDArray[np.bool_] | None) -> None:
        columns = [batch.reward, *(batch.components[name] for name in self.component_names)]
        there = [batch.present[name] for name in self.component_names]
        count = len(batch.reward) if good is None else int(good.sum())
        if not count:
            return
        count = min(count, self.window)
        first = min(count, self.window - self._at)
        spans = (slice(self._at, self._at + first), slice(0, count - first))
        for index, column in enumerate(columns):
            values = (column if good is None else column[good])[-count:]
            self._ring[index, spans[0]] = values[:first]
            self._ring[index, spans[1]] = values[first:]
            if index:
                present = (there[index - 1] if good is None else there[index - 1][good])[-count:]
                self._present[index, spans[0]] = present[:first]
                self._present[index, spans[1]] = present[first:]
        self._at = (self._at + count) % self.window
        self._filled = min(self.window, self._filled + count)

    def _rate(self, ran: int, bad: int) -> None:
        """Compare the rate of bad rows in this window with all rows before it."""
        recent = self._recent
        recent[0] += ran
        recent[1] += bad
        if recent[1] >= _LEAST_BAD and not self._risen:
            before, failed = self._earlier
            # One row in a thousand is taken for granted, or the first bad one would be a rise.
            usual = (failed + 1.0) / (before + 1000.0)
            expected = recent[0] * usual
            if recent[1] > expected + _SIGMAS * sqrt(expected * (1.0 - usual)):
                self._risen = True
                self._tell(recent[1] / recent[0], failed / before if before else None)
        if recent[0] >= self.window:
            self._earlier[0] += recent[0]
            self._earlier[1] += recent[1]
            rate = self._earlier[1] / self._earlier[0]
            # Armed again once a window is no worse than all that came before.
            self._risen = self._risen and recent[1] / recent[0] > rate
            self._recent = [0, 0]

    def _tell(self, rate: float, before: float | None) -> None:
        was = "from the beginning" if before is None else f"and {before:.2%} before"
        text = (
            f"{rate:.2%} of recent rows ended badly, {was}; see session.outcomes for how, and "
            "batch.failure(row) for where in the program"
        )
        if self._on_rise is not None:
            self._on_rise(text)
        else:
            warnings.warn(text, ErrorRateWarning, stacklevel=4)

    # Reading -----------------------------------------------------------------------------------

    @property
    def rows(self) -> int:
        """Rows that ran."""
        return int(self._by_row.sum() - self._by_row[_SKIPPED])

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How rows ended; outcomes that never came are left out."""
        return Counter({code: int(self._by_row[code]) for code in Outcome if self._by_row[code]})

    @property
    def error_rate(self) -> float:
        """Share of the rows that ran and ended badly; NaN where none ran."""
        return 1.0 - int(self._by_row[_OK]) / self.rows if self.rows else nan

    @property
    def completed(self) -> dict[str, int]:
        """How often each sub-task was completed."""
        return dict(zip(self.task_names, self._completed.tolist(), strict=True))

    def quantiles(
        self, name: str = "reward", at: Sequence[float] = _QUANTILES
    ) -> NDArray[np.float64]:
        """Give quantiles of the last rows that went well.

        Args:
            name: ``"reward"`` or a component; of a component those rows that named it.
            at: In [0, 1].

        Returns:
            float64, one for each of ``at``; NaN where there is no row.

        Raises:
            OptionError: If there is no such component.
        """
        values = self._values(name)
        if not values.size:
            return np.full(len(at), nan)
        found: NDArray[np.float64] = np.quantile(values, at)
        return found

    def _values(self, name: str) -> NDArray[np.float64]:
        if name == "reward":
            return self._ring[0, : self._filled]
        if name not in self.component_names:
            offered = ", ".join(self.component_names) or "none"
            raise OptionError(f"Telemetry: no component {name!r}; the program has: {offered}")
        index = 1 + self.component_names.index(name)
        values: NDArray[np.float64] = self._ring[index, : self._filled]
        return values[self._present[index, : self._filled]]

    def summary(self) -> dict[str, float]:
        """Give everything as flat numbers, for a logger.

        Returns:
            ``reward/mean``, ``reward/p05``, ``reward/p50``, ``reward/p95`` over the last rows, the
            same and ``nonzero`` (a share of all of these rows) for ``component/<name>``,
            ``task/<name>/completed`` (a count), ``outcome/<NAME>`` (a count), ``error_rate``.
        """
        told: dict[str, float] = {}
        for name in ("reward", *self.component_names):
            values = self._values(name)
            head = name if name == "reward" else f"component/{name}"
            told[f"{head}/mean"] = float(values.mean()) if values.size else nan
            for at, value in zip(_QUANTILES, self.quantiles(name), strict=True):
                told[f"{head}/p{round(100 * at):02d}"] = float(value)
            if name != "reward":
                share = np.count_nonzero(values) / self._filled if self._filled else nan
                told[f"{head}/nonzero"] = float(share)
        for name, count in self.completed.items():
            told[f"task/{name}/completed"] = float(count)
        for code, count in self.outcomes.items():
            told[f"outcome/{code.name}"] = float(count)
        told["error_rate"] = self.error_rate
        return told


class WatchedSession(RewardSession):
    """A session that keeps telemetry; made by ``RewardProgram.start(telemetry=True)``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        program = self.program
        self.telemetry = Telemetry(program.component_names, program.task_names)

    def step(self, *args: Any, **kwargs: Any) -> RewardBatch:
        """Reward one transition, see `RewardSession.step`, and count it."""
        return self._counted(lambda: RewardSession.step(self, *args, **kwargs))

    def step_wait(self) -> RewardBatch:
        """Give the batch of `step_async`, and count it."""
        return self._counted(lambda: RewardSession.step_wait(self))

    def _counted(self, call: Callable[[], RewardBatch]) -> RewardBatch:
        telemetry = self.telemetry
        try:
            batch = call()
        except RewardError as error:
            if telemetry is not None:
                telemetry.add(error.batch)
            raise
        if telemetry is not None:
            telemetry.add(batch)
        return batch
