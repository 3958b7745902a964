"""The corpus of natural programs through the public names: spaces, load, session, batch.

What the rows have to be was made by plain CPython. Functions and tasks run as 64 environments of
one step; a class as eight environments of eight steps.
"""

from __future__ import annotations

import json
from math import isfinite, isnan
from typing import Any

import corpus_reader
import numpy as np
import pytest
from gymnasium import spaces as gs
from minigrid.core.mission import MissionSpace
from numpy.typing import NDArray

import carruntime as car
from carruntime.batch import RewardBatch
from carruntime.reward import RewardProgram
from sandbox.outcome import Outcome


def space_of(spec: dict[str, Any]) -> gs.Space[Any]:
    if "discrete" in spec:
        return gs.Discrete(spec["discrete"])
    if spec.get("text"):
        return MissionSpace(mission_func=lambda: "use the key to open the door")
    shape, dtype = tuple(spec["shape"]), np.dtype(spec["dtype"])
    low, high = (
        np.broadcast_to(np.array(spec[side], dtype=object).astype(np.float64), shape)
        for side in ("low", "high")
    )
    return gs.Box(low.astype(dtype), high.astype(dtype), shape, dtype.type)


class Case:
    """One program with its spaces and rows in the layout of a vector environment."""

    def __init__(self, name: str) -> None:
        folder = corpus_reader.STATE / name
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

    def batch(self, slot: str, rows: NDArray[np.intp] | slice = slice(None)) -> Any:
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
            batch = session.step(case.batch("obs"), case.columns["action"], case.batch("next_obs"))
    return [(batch, row) for row in range(64)]


def close(got: float, want: float) -> bool:
    return got == want or abs(got - want) <= 2e-6 * max(abs(got), abs(want), 1e-3)


def check_row(batch: RewardBatch, row: int, want: Any) -> None:
    if isinstance(want, list):
        for k, value in enumerate(want):
            if isinstance(value, dict):
                failure = batch.failure(row, k)
                assert failure is not None
                assert failure.exception == value["error"]
            else:
                assert batch.task_outcome[row, k] == Outcome.OK
                assert bool(batch.tasks[row, k]) == value
        return
    if "error" in want:
        failure = batch.failure(row)
        assert failure is not None
        assert failure.exception == want["error"]
        assert isnan(batch.reward[row])
        return
    reward = float(want["reward"])
    if not isfinite(reward):
        assert batch.outcome[row] == Outcome.NOT_FINITE
        return
    assert batch.outcome[row] == Outcome.OK
    assert close(batch.reward[row], reward)
    components = want.get("components", {})
    assert {name for name in batch.present if batch.present[name][row]} == set(components)
    for name, value in components.items():
        assert close(batch.components[name][row], float(value))


@pytest.mark.parametrize("name", corpus_reader.names())
def test_a_natural_program_pays_what_plain_python_gives(name: str) -> None:
    case = Case(name)
    program = car.load(case.path, spaces=case.spaces, tier="interpreted", isolation="none")
    results = rows_of(case, program)
    assert len(results) == len(case.expected) == 64
    for (batch, row), want in zip(results, case.expected, strict=True):
        check_row(batch, row, want)


@pytest.mark.parametrize("name", corpus_reader.names())
def test_a_natural_program_pays_the_same_as_it_is_loaded_by_default(name: str) -> None:
    """In a worker, and in the compiled tier wherever that takes the program."""
    case = Case(name)
    program = car.load(case.path, spaces=case.spaces)
    for (batch, row), want in zip(rows_of(case, program), case.expected, strict=True):
        check_row(batch, row, want)
    assert (program.tier == "compiled") == (program.tier_reason is None)
    program.close()
