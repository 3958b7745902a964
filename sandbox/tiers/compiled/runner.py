"""The runner of compiled kernels: binds arrays, runs batches, and says why rows failed."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Plan
from sandbox.tiers.base import NO_FAILURE, Failure, Inputs, Outputs, Tier
from sandbox.tiers.compiled.core import Region, dtype_of, render
from sandbox.tiers.compiled.kernel import Lowered
from sandbox.tiers.compiled.machine import MARKER, Machine, compile_kernel

__all__ = ["CompiledRunner"]

_MAX_FAILURES: Final = 1_024


class CompiledRunner:
    """Runs a program as kernels over a batch; no Python object is made for any row.

    Attributes:
        component_names: In the order of first appearance on any path.
        core_text: The program in the core language.
        source_text: What Numba's code generator was given (LLVM).
        explain: What compilation found out.
    """

    def __init__(self, lowered: Lowered, plan: Plan, fuel: int, seconds: float) -> None:
        started = time.monotonic()
        self._plan = plan
        self._fuel = fuel
        self.component_names = lowered.components
        kernels = [*lowered.tasks]
        kernels += [kernel for kernel in (lowered.step, lowered.reset) if kernel is not None]
        self._machines: dict[str, Machine] = {}
        self._regions: dict[str, dict[str, Region]] = {}
        self._sites = lowered.sites
        for kernel in kernels:
            self._machines[kernel.name] = compile_kernel(kernel)
            self._regions[kernel.name] = kernel.regions
        self._tasks = [kernel.name for kernel in lowered.tasks]
        self._step = lowered.step.name if lowered.step is not None else None
        self._reset = lowered.reset.name if lowered.reset is not None else None
        self._failures: list[Failure] = []
        self._known: dict[Failure, int] = {}
        self._tables: dict[str, NDArray[np.uint64]] = {}
        self._keep: list[Any] = []
        self._rows = 0
        self._outputs: Outputs | None = None
        self._fuel_used = np.zeros(0, np.int64)
        self._status = np.zeros(0, np.int64)
        self._broken = np.zeros(0, np.int32)
        """Why a row has no state: -1 it has one, -2 it was lost, else a failure."""
        self._any_broken = False
        self.core_text = "\n\n".join(render(kernel) for kernel in kernels)
        self.source_text = "\n\n".join(machine.text for machine in self._machines.values())
        every = {name: region for regions in self._regions.values() for name, region in regions.items()}
        size = {
            kind: sum(
                region.size * dtype_of(region.ty).itemsize
                for region in every.values()
                if region.kind == kind
            )
            for kind in ("input", "state", "scratch")
        }
        self.explain: dict[str, str | int | float] = {
            "row_bytes_read": size["input"],
            "state_bytes": size["state"],
            "scratch_bytes": size["scratch"],
            "columns": ", ".join(sorted(n for n, r in every.items() if r.kind == "input")),
            "compile_s": seconds + time.monotonic() - started,
            **{f"{key}": value for key, value in lowered.stats.items()},
        }

    @property
    def tier(self) -> Tier:
        """Which tier this is."""
        return "compiled"

    @property
    def failures(self) -> list[Failure]:
        """Distinct failures so far."""
        return self._failures

    def bind(self, num_rows: int, inputs: Inputs, outputs: Outputs) -> None:
        """Take the arrays of all later calls and forget every row's state."""
        self._rows = num_rows
        self._outputs = outputs
        self._keep = [inputs, outputs]
        self._status = np.zeros(num_rows, np.int64)
        self._fuel_used = np.zeros(num_rows, np.int64)
        self._broken = np.full(num_rows, -2, np.int32)
        self._any_broken = self._reset is not None
        self._markers = {
            name: np.zeros(num_rows, np.uint8) for name in self._machines
        }
        shared: dict[str, NDArray[Any]] = {
            "out:status": self._status,
            "out:fuel": self._fuel_used,
            "out:reward": outputs.reward,
        }
        for index in range(len(self.component_names)):
            shared[f"out:c{index}"] = outputs.components[index]
            shared[f"out:p{index}"] = outputs.present[index]
        self._task_out = [np.zeros(num_rows, np.bool_) for _ in self._tasks]
        for name, machine in self._machines.items():
            table = np.zeros(len(machine.order), np.uint64)
            for place, region_name in enumerate(machine.order):
                region = self._regions[name][region_name]
                if region_name == MARKER:
                    array: NDArray[Any] = self._markers[name]
                elif region_name == "out:task":
                    array = self._task_out[self._tasks.index(name)]
                elif region.kind == "input":
                    array = self._column(inputs, region, num_rows)
                elif region_name in shared:
                    array = shared[region_name]
                else:
                    rows = 1 if region.kind == "scratch" else num_rows
                    array = np.zeros((rows, region.size), dtype_of(region.ty))
                    shared[region_name] = array
                self._keep.append(array)
                table[place] = array.ctypes.data
            self._tables[name] = table

    @staticmethod
    def _column(inputs: Inputs, region: Region, rows: int) -> NDArray[Any]:
        array = inputs[region.name]
        good = (
            array.dtype == dtype_of(region.ty)
            and array.flags.c_contiguous
            and array.size == rows * region.size
            and len(array) == rows
        )
        if not good:
            raise ValueError(
                f"column {region.name!r} is {array.dtype}{list(array.shape)};"
                f" want {dtype_of(region.ty)}[{rows}, {region.size} elements], contiguous"
            )
        return array

    # -- batches

    def reset(self) -> None:
        """Start a new episode on the pending rows: new instance, its reset, then the tasks."""
        outputs = self._outputs
        if outputs is None:
            raise RuntimeError("bind before running")
        rows = np.flatnonzero(outputs.outcome == PENDING)
        if not rows.size:
            return
        outputs.fuel[rows] = 0
        outputs.failure[rows] = NO_FAILURE
        outputs.reward[rows] = 0.0
        outputs.components[:, rows] = 0.0
        outputs.present[:, rows] = False
        outcome = np.zeros(len(rows), np.uint8)
        failure = np.full(len(rows), NO_FAILURE, np.int32)
        if self._reset is not None:
            outcome, failure = self._run(self._reset, rows)
            lost = outcome >= Outcome.OUT_OF_FUEL
            self._broken[rows] = np.where(outcome == 0, -1, np.where(lost, -2, failure))
            self._any_broken = bool((self._broken != -1).any())
        worst = self._run_tasks(rows, outputs)
        outputs.failure[rows] = failure
        if self._step is None:
            self._first_bad(rows, outputs, worst)
        else:
            outputs.outcome[rows] = outcome

    def step(self) -> None:
        """Run the tasks and the paying call on the pending rows."""
        outputs = self._outputs
        if outputs is None:
            raise RuntimeError("bind before running")
        pending = outputs.outcome == PENDING
        rows = np.flatnonzero(pending)
        if not rows.size:
            return
        outputs.fuel[rows] = 0
        outputs.failure[rows] = NO_FAILURE
        worst = self._run_tasks(rows, outputs)
        if self._step is None:
            outputs.reward[rows] = 0.0
            self._first_bad(rows, outputs, worst)
            return
        if self._any_broken:
            rows = self._without_broken(rows, outputs)
        outcome, failure = self._run(self._step, rows)
        if self._reset is not None:
            lost = outcome >= Outcome.OUT_OF_FUEL
            if lost.any():
                self._broken[rows[lost]] = -2
                self._any_broken = True
        outputs.failure[rows] = failure
        outputs.outcome[rows] = outcome

    def _without_broken(self, rows: NDArray[Any], outputs: Outputs) -> NDArray[Any]:
        """Report the rows that have no state, and give the others."""
        state = self._broken[rows]
        bad = rows[state != -1]
        if bad.size:
            outputs.reward[bad] = 0.0
            outputs.components[:, bad] = 0.0
            outputs.present[:, bad] = False
            found = self._broken[bad]
            outputs.failure[bad] = np.where(found >= 0, found, NO_FAILURE)
            outputs.outcome[bad] = np.where(found >= 0, Outcome.ERROR, Outcome.STATE_LOST)
        return rows[state == -1]

    def _run_tasks(self, rows: NDArray[Any], outputs: Outputs) -> NDArray[np.uint8]:
        worst = np.zeros(len(rows), np.uint8)
        for k, name in enumerate(self._tasks):
            outcome, failure = self._run(name, rows)
            outputs.tasks[rows, k] = self._task_out[k][rows]
            outputs.task_failure[rows, k] = failure
            outputs.task_outcome[rows, k] = outcome
            if self._step is None:
                first = (worst == 0) & (outcome != 0)
                outputs.failure[rows[first]] = failure[first]
            worst = np.where(worst == 0, outcome, worst)
        return worst

    def _first_bad(
        self, rows: NDArray[Any], outputs: Outputs, worst: NDArray[np.uint8]
    ) -> None:
        outputs.outcome[rows] = worst

    def _run(
        self, name: str, rows: NDArray[Any]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Run one kernel on some rows; give their outcomes and failures, and add their fuel."""
        outputs = self._outputs
        assert outputs is not None
        marker = self._markers[name]
        marker[rows] = PENDING
        self._machines[name].call(self._rows, self._tables[name].ctypes.data)
        outcome = marker[rows]
        outputs.fuel[rows] += np.minimum(self._fuel_used[rows], self._fuel)
        failure = np.full(len(rows), NO_FAILURE, np.int32)
        bad = np.flatnonzero(outcome)
        if bad.size:
            status = self._status[rows[bad]]
            for value in np.unique(status).tolist():
                failure[bad[status == value]] = self._failure_id(self._describe(name, value))
        return outcome, failure

    def _describe(self, name: str, status: int) -> Failure:
        if status > 0:
            return self._sites[name][status - 1]
        if status == -int(Outcome.OUT_OF_FUEL):
            return Failure(
                "OutOfFuel",
                "sandbox",
                f"the row used up its fuel of {self._fuel:,}; limits.fuel is the cap",
                None,
            )
        if status == -int(Outcome.NOT_FINITE):
            return Failure("NotFinite", "sandbox", "the reward or a component is not finite", None)
        return Failure("BadResult", "sandbox", "the result is not a number", None)

    def _failure_id(self, failure: Failure) -> int:
        found = self._known.get(failure)
        if found is not None and found < len(self._failures) and self._failures[found] == failure:
            return found
        if len(self._failures) >= _MAX_FAILURES:
            return _MAX_FAILURES - 1
        self._known[failure] = len(self._failures)
        self._failures.append(failure)
        return len(self._failures) - 1
