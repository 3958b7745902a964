"""A corpus of stored rows through the public names: spaces, load, session, batch.

A folder has ``program.py``, ``spec.json``, ``cases.npz`` with 64 rows and ``expected.json``, which
plain CPython made. Functions and tasks run as 64 environments of one step; a class as eight
environments of eight steps. Parameters are bound by their names, as for everybody.
"""

from __future__ import annotations

import json
import string
from math import isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces as gs

from sandbox.outcome import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carruntime.batch import RewardBatch, RewardFailure
    from carruntime.reward import RewardProgram

CORPUS = Path(__file__).parent / "corpus"
NATURAL4 = CORPUS / "natural4"
NATURAL5 = CORPUS / "natural5"


def space_of(spec: dict[str, Any]) -> gs.Space[Any]:
    """Give the space that an entry of ``spec.json`` describes."""
    if "discrete" in spec:
        return gs.Discrete(spec["discrete"])
    if spec.get("text"):
        return gs.Text(256, charset=string.printable)
    shape, dtype = tuple(spec["shape"]), np.dtype(spec["dtype"])
    low, high = (
        np.broadcast_to(np.array(spec[side], dtype=object).astype(np.float64), shape)
        for side in ("low", "high")
    )
    return gs.Box(low.astype(dtype), high.astype(dtype), shape, dtype.type)


class Case:
    """One program with its spaces and rows in the layout of a vector environment."""

    def __init__(self, folder: Path) -> None:
        """Read a folder of a corpus."""
        self.path = folder / "program.py"
        spec = json.loads((folder / "spec.json").read_text())
        fields = spec["observation_space"]
        self.fields = None if list(fields) == [""] else list(fields)
        observation = {key: space_of(value) for key, value in fields.items()}
        self.spaces = (
            observation[""] if self.fields is None else gs.Dict(list(observation.items())),
            space_of(spec["action_space"]),
        )
        with np.load(folder / "cases.npz") as stored:
            self.columns = {key: stored[key] for key in stored.files}
        self.expected = json.loads((folder / "expected.json").read_text())["rows"]
        self.form = spec["form"]
        self.entry: str = spec["entry"]

    def batch(self, slot: str, rows: NDArray[np.intp] | slice = slice(None)) -> Any:
        """Give rows of observations, or of another slot of the contract."""
        if self.fields is None:
            return self.columns[slot][rows]
        found: dict[str, Any] = {}
        for key in self.fields:
            column = self.columns[f"{slot}/{key}"][rows]
            text = column.dtype.kind == "U"
            found[key] = tuple(map(str, column)) if text else column
        return found


def rows_of(case: Case, program: RewardProgram) -> list[tuple[RewardBatch, int]]:
    """Run all rows; for each, in the order of the corpus, its batch and its place in there."""
    if case.form == "C":
        episode, step = case.columns["episode"], case.columns["step"]
        found: dict[int, tuple[RewardBatch, int]] = {}
        with program.start(8, on_error="nan") as session:
            for now in range(8):
                rows = np.flatnonzero(step == now)
                assert episode[rows].tolist() == list(range(8))
                if now == 0:
                    session.reset(case.batch("obs", rows))
                batch = session.step(
                    case.batch("obs", rows),
                    case.columns["action"][rows],
                    case.batch("next_obs", rows),
                )
                found.update({int(row): (batch, lane) for lane, row in enumerate(rows)})
        return [found[row] for row in range(64)]
    with program.start(64, on_error="nan") as session:
        if case.form == "T":
            session.reset(case.batch("initial_obs"))
            batch = session.step(next_obs=case.batch("obs"))
        else:
            session.reset()
            ends = {k: case.columns[k] for k in ("terminated", "truncated") if k in case.columns}
            batch = session.step(
                case.batch("obs"), case.columns["action"], case.batch("next_obs"), **ends
            )
    return [(batch, row) for row in range(64)]


def differences(case: Case, program: RewardProgram) -> list[str]:
    """Say in words where rows are not as plain CPython has them; empty when all are."""
    results = rows_of(case, program)
    assert len(results) == len(case.expected)
    found = []
    for index, ((batch, row), want) in enumerate(zip(results, case.expected, strict=True)):
        problem = difference(batch, row, want)
        if problem:
            found.append(f"row {index}: {problem}")
    return found


def difference(batch: RewardBatch, row: int, want: Any) -> str:
    """Say in words where a row is not as ``expected.json`` has it; empty when it is."""
    if isinstance(want, list):
        if batch.tasks.shape[1] != len(want):
            return f"{batch.tasks.shape[1]} tasks are not {len(want)}"
        for k, value in enumerate(want):
            if isinstance(value, dict):
                failure = batch.failure(row, k)
                if failure is None or failure.exception != value["error"]:
                    return f"task {k + 1} ends with {_told(failure)}, not {value['error']}"
            elif batch.task_outcome[row, k] != Outcome.OK:
                return f"task {k + 1} ends with {_told(batch.failure(row, k))}, not {value}"
            elif bool(batch.tasks[row, k]) != value:
                return f"task {k + 1} is not {value}"
        return ""
    if "error" in want:
        failure = batch.failure(row)
        if failure is None or failure.exception != want["error"]:
            return f"{_told(failure)} is not {want['error']}"
        return "" if isnan(batch.reward[row]) else "a failure that pays"
    reward = float(want["reward"])
    if not isfinite(reward):
        return "" if batch.outcome[row] == Outcome.NOT_FINITE else "should not be finite"
    if batch.outcome[row] != Outcome.OK:
        return f"{_told(batch.failure(row))}, not {reward}"
    if not _close(batch.reward[row], reward):
        return f"reward {batch.reward[row]} is not {reward}"
    components = want.get("components", {})
    if {name for name in batch.present if batch.present[name][row]} != set(components):
        return f"other components than {sorted(components)}"
    for name, value in components.items():
        if not _close(batch.components[name][row], float(value)):
            return f"component {name} {batch.components[name][row]} is not {value}"
    return ""


def _told(failure: RewardFailure | None) -> str:
    return "no failure" if failure is None else f"{failure.exception}: {failure.message}"


def _close(got: float, want: float) -> bool:
    return got == want or abs(got - want) <= 2e-6 * max(abs(got), abs(want), 1e-3)
