"""Learning curves: points of single runs, their mean over seeds, as CSV and as a picture."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from carruntime.errors import OptionError
from carruntime.training.files import write_bytes, write_text

__all__ = ["Average", "Point", "average", "draw", "read_points", "write_averages", "write_points"]


@dataclass(frozen=True, slots=True)
class Point:
    """Where one run stood.

    Attributes:
        steps: Transitions so far.
        episodes: Episodes that ended so far.
        train_return: Mean return of the last 100 of them, in the environment's own reward.
        train_success: Share of these that succeeded; NaN where the environment does not say.
        eval_return: Mean return of the evaluation episodes, in the environment's own reward.
        eval_success: Share of these that succeeded; NaN likewise.
    """

    steps: int
    episodes: int
    train_return: float
    train_success: float
    eval_return: float
    eval_success: float


@dataclass(frozen=True, slots=True)
class Average:
    """Where the runs of one kind stood, on average over seeds.

    Attributes:
        steps: Transitions so far.
        seeds: Runs that had got so far.
        eval_return: Mean over seeds.
        return_error: Standard error of that mean; NaN for a single seed.
        eval_success: Mean over seeds.
        success_error: Standard error of that mean.
    """

    steps: int
    seeds: int
    eval_return: float
    return_error: float
    eval_success: float
    success_error: float


def write_points(path: Path, points: Sequence[Point]) -> None:
    """Store the curve of one run.

    Raises:
        OptionError: If it cannot be written.
    """
    write_text(path, _csv(Point, points))


def write_averages(path: Path, averages: Sequence[Average]) -> None:
    """Store a curve over seeds.

    Raises:
        OptionError: If it cannot be written.
    """
    write_text(path, _csv(Average, averages))


def read_points(path: Path) -> list[Point]:
    """Read the curve of one run.

    Raises:
        OptionError: If the file is no such curve.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                Point(
                    steps=int(row["steps"]),
                    episodes=int(row["episodes"]),
                    train_return=float(row["train_return"]),
                    train_success=float(row["train_success"]),
                    eval_return=float(row["eval_return"]),
                    eval_success=float(row["eval_success"]),
                )
                for row in csv.DictReader(file)
            ]
    except (KeyError, TypeError, ValueError) as error:
        raise OptionError(
            f"{path} is no learning curve: {error}; want the CSV file of a run"
        ) from error


def average(runs: Sequence[Sequence[Point]]) -> list[Average]:
    """Average runs at the steps that they share.

    Args:
        runs: The curves, one for each seed.
    """
    at: dict[int, list[Point]] = {}
    for run in runs:
        for point in run:
            at.setdefault(point.steps, []).append(point)
    found = []
    for steps in sorted(at):
        returns, return_error = _mean([point.eval_return for point in at[steps]])
        success, success_error = _mean([point.eval_success for point in at[steps]])
        found.append(Average(steps, len(at[steps]), returns, return_error, success, success_error))
    return found


def draw(
    path: Path,
    panels: Mapping[str, Mapping[str, Sequence[Average]]],
    *,
    columns: int = 4,
    label: str = "return (environment's own reward)",
) -> None:
    """Draw curves with their standard error as a PNG file.

    Args:
        path: Where to.
        panels: From the title of a panel to its curves, by name.
        columns: Panels beside each other.
        label: What is measured.

    Raises:
        OptionError: If Matplotlib is missing, or the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise OptionError(
            "curves are drawn with matplotlib, which is not installed; it comes with the extra "
            "train: pip install 'carruntime[train]'"
        ) from error
    wide = min(columns, max(1, len(panels)))
    high = math.ceil(max(1, len(panels)) / wide)
    figure = Figure(figsize=(3.6 * wide + 0.4, 3.0 * high + 0.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots(high, wide, squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (title, curves) in zip(axes.flat, panels.items(), strict=False):
        for name, points in curves.items():
            steps = np.array([point.steps for point in points]) / 1000
            means = np.array([point.eval_return for point in points])
            errors = np.nan_to_num(np.array([point.return_error for point in points]))
            (line,) = axis.plot(steps, means, label=name, linewidth=1.6)
            axis.fill_between(
                steps, means - errors, means + errors, color=line.get_color(), alpha=0.25
            )
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("thousand steps")
        axis.grid(visible=True, alpha=0.3)
        if curves:
            axis.legend(fontsize=8)
    for row in axes:
        row[0].set_ylabel(label, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_bytes(path, buffer.getvalue())


def _mean(values: Sequence[float]) -> tuple[float, float]:
    array = np.array(values, np.float64)
    error = float(array.std(ddof=1) / math.sqrt(len(array))) if len(array) > 1 else math.nan
    return float(array.mean()), error


def _csv(kind: type, rows: Sequence[Any]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([one.name for one in fields(kind)])
    for row in rows:
        writer.writerow(
            [f"{value:.6g}" if isinstance(value, float) else value for value in astuple(row)]
        )
    return buffer.getvalue()
