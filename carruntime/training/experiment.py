"""A folder of training runs: several seeds of one setting, and their curves together.

settings.json   what was asked for
program.py      the program, as it was
seed-0/         curve.csv, checkpoint.pt, model.zip (of Stable-Baselines3), result.json
curve.csv       mean over seeds with standard error
curve.png       the same as a picture
summary.json    how it ended
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carruntime.errors import OptionError
from carruntime.files import make_folder
from carruntime.training.curves import Average, average, draw, write_averages
from carruntime.training.files import write_json, write_text
from carruntime.training.settings import Settings

if TYPE_CHECKING:
    from carruntime.reward import RewardProgram
    from carruntime.training.run import Run

__all__ = ["run_experiment", "want_extra"]

_SETTINGS: Final = "settings.json"
_PROGRAM: Final = "program.py"
_EXTRA: Final = ("torch", "stable_baselines3", "matplotlib")


def want_extra() -> None:
    """Find out before anything is written that something is not installed.

    Raises:
        OptionError: If so.
    """
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise OptionError(
            f"training needs {', '.join(missing)}, which is not installed; it comes with the extra "
            "train: pip install 'carruntime[train]'"
        )


def run_experiment(
    settings: Settings,
    seeds: Sequence[int],
    folder: Path,
    *,
    program: RewardProgram | None = None,
    resume: bool = False,
    tensorboard: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Train all seeds one after the other, and store what came of it.

    Args:
        settings: What to train on, and how.
        seeds: Seeds of the runs.
        folder: Where to; must be empty or not there, unless a run is taken up again.
        program: What pays, where anything but the environment does.
        resume: Go on with what is in the folder; seeds that are complete are kept.
        tensorboard: Also write TensorBoard's files into each seed's folder.
        progress: Told the seed's name, transitions done and wanted.

    Returns:
        The summary, as it is stored.

    Raises:
        OptionError: If the folder holds another experiment, or cannot be written.
        RewardError: If a row of the program failed and the settings want it raised.
    """
    want_extra()
    _claim(settings, folder, program, resume=resume)
    from carruntime.training.run import train_seed

    runs = []
    for seed in seeds:
        name = f"seed-{seed}"

        def tell(done: int, total: int, name: str = name) -> None:
            if progress is not None:
                progress(name, done, total)

        place = folder / name
        runs.append(
            train_seed(
                settings,
                seed,
                place,
                program=program,
                resume=resume,
                tensorboard=place if tensorboard else None,
                progress=tell,
            )
        )
    points = average([run.points for run in runs])
    write_averages(folder / "curve.csv", points)
    title = settings.env_id if program is None else f"{settings.env_id}, {program.filename}"
    draw(folder / "curve.png", {title[-60:]: {f"{len(runs)} seeds": points}})
    summary = _summary(settings, runs, points, program)
    write_json(folder / "summary.json", summary)
    return summary


def _claim(
    settings: Settings, folder: Path, program: RewardProgram | None, *, resume: bool
) -> None:
    """Make the folder this experiment's, or find out that it is."""
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file; want a folder for the runs")
    stored = folder / _SETTINGS
    if not resume:
        if folder.exists() and any(folder.iterdir()):
            raise OptionError(
                f"the folder {folder} is not empty, and nothing is ever written over: choose "
                "another, or go on with what is there with --resume"
            )
        make_folder(folder)
        if program is not None:
            write_text(folder / _PROGRAM, program.source)
        write_json(stored, settings.to_json())
        return
    if not stored.exists():
        raise OptionError(
            f"{folder} holds no runs to go on with (there is no {_SETTINGS} in it); leave out "
            "--resume to begin there"
        )
    try:
        before = Settings.read(stored)
        text = (folder / _PROGRAM).read_text("utf-8") if (folder / _PROGRAM).exists() else None
    except (OSError, json.JSONDecodeError) as error:
        raise OptionError(f"{stored} cannot be read: {error}") from error
    wrong = settings.differences(before)
    if text != (None if program is None else program.source):
        wrong.append(f"the program is not that in {folder / _PROGRAM}")
    if wrong:
        raise OptionError(
            f"{folder} holds other runs: {'; '.join(wrong)}; give the same arguments as before, or "
            "choose another folder"
        )


def _summary(
    settings: Settings,
    runs: Sequence[Run],
    points: Sequence[Average],
    program: RewardProgram | None,
) -> dict[str, Any]:
    last = points[-1]
    return {
        "env": settings.env_id,
        "environment": "compiled" if settings.compiled else "gymnasium",
        "program": None if program is None else program.filename,
        "digest": None if program is None else program.digest,
        "tier": None if program is None else program.tier,
        "steps": last.steps,
        "return": _number(last.eval_return),
        "return_error": _number(last.return_error),
        "success": _number(last.eval_success),
        "seeds": [
            {
                "seed": run.seed,
                "solved_at": run.solved_at,
                "return": _number(run.points[-1].eval_return),
                "success": _number(run.points[-1].eval_success),
                "resumed_at": run.resumed_at,
                "exact": run.exact,
                "outcomes": run.outcomes,
            }
            for run in runs
        ],
        "settings": settings.to_json(),
    }


def _number(value: float) -> float | None:
    """Give what JSON can hold."""
    return None if math.isnan(value) else value
