"""Rows that a kernel hands over: the interpreted tier computes them, so that results never change.

A kernel has room for lists of some length and integers of 64 bits. A row that needs more says so
with the status `ELSEWHERE` and leaves no trace: it has written no state, only its own outputs,
which are written again. The interpreted runner is at hand in the same worker, because it has been
needed for the comparison of the tiers. For a program without state it takes just the row. For a
class it takes the episode: the state in the kernel's memory is turned into an instance (see
`sandbox.tiers.compiled.recipe`), and the environment stays there until it is reset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sandbox.outcome import PENDING
from sandbox.tiers.base import NO_FAILURE, Failure, Inputs, Outputs, Runner
from sandbox.tiers.compiled.recipe import Recipe, rebuild

__all__ = ["Elsewhere", "Spare"]


class Spare(Runner, Protocol):
    """The interpreted runner, as far as it is needed here."""

    def use_components(self, names: tuple[str, ...]) -> None:
        """Fix the components."""

    def adopt(self, row: int, instance: object) -> None:
        """Let an instance be the state of a row."""

    def class_named(self, name: str) -> Any:
        """Give a class or function of the program's top level."""


class Elsewhere:
    """Runs rows in the interpreted tier for a compiled runner."""

    def __init__(self, spare: Spare, components: tuple[str, ...], recipe: Recipe | None) -> None:
        self._spare = spare
        self._recipe = recipe
        self._outputs: Outputs | None = None
        spare.use_components(components)

    def bind(self, rows: int, inputs: Inputs, outputs: Outputs) -> None:
        """Take the arrays of all later calls."""
        self._outputs = outputs
        self._spare.bind(rows, inputs, outputs)

    def move(self, row: int, memory: Mapping[str, NDArray[Any]]) -> None:
        """Turn the state that a kernel keeps for a row into an instance.

        Args:
            row: Which.
            memory: The regions of the kernel's state by name, one row an environment.
        """
        assert self._recipe is not None
        make = self._spare.class_named
        self._spare.adopt(row, rebuild(self._recipe, memory, row, make))

    def run(
        self, rows: NDArray[np.intp], failure_id: Callable[[Failure], int], *, reset: bool
    ) -> None:
        """Run rows again from the beginning; all others have been run."""
        outputs = self._outputs
        assert outputs is not None
        outputs.outcome[rows] = PENDING
        outputs.task_outcome[rows] = PENDING
        if reset:
            self._spare.reset()
        else:
            self._spare.step()
        known = self._spare.failures
        for ids in (outputs.failure, outputs.task_failure):
            for row in rows.tolist():
                found = ids[row]
                if found.ndim:
                    for k, item in enumerate(found.tolist()):
                        if item != NO_FAILURE:
                            found[k] = failure_id(known[item])
                elif found != NO_FAILURE:
                    ids[row] = failure_id(known[int(found)])
