"""The runner of compiled kernels: binds arrays, runs batches, and says why rows failed."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.lane import Kernels
from sandbox.native.library import made
from sandbox.native.tables import RECALL_FIRST, SOUND
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Plan
from sandbox.recall import Piece, Recall, Recalled, is_wanted
from sandbox.team import LEAST_BYTES, LEAST_CHUNK, LEAST_ROWS, Job, Team
from sandbox.tiers.base import NO_FAILURE, Failure, Inputs, Outputs, Tier
from sandbox.tiers.compiled.blocks import fast_of
from sandbox.tiers.compiled.core import Region, dtype_of, render
from sandbox.tiers.compiled.elsewhere import Elsewhere, Spare
from sandbox.tiers.compiled.firsts import KEEPING, column_of
from sandbox.tiers.compiled.kernel import FAILED, FOLLOWS, UNKNOWN_FAILURE, Lowered, site_of
from sandbox.tiers.compiled.machine import Machine, compile_kernel
from sandbox.tiers.compiled.points import ELSEWHERE, MARKER

__all__ = ["CompiledRunner"]

_KERNEL: Final = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)

_MAX_FAILURES: Final = 1_024
_SOUND: Final = SOUND
_LOST: Final = -2
_MOVED: Final = -3
"""The episode goes on in the interpreted tier until the row is reset."""


class CompiledRunner:
    """Runs a program as kernels over a batch; no Python object is made for any row.

    Attributes:
        component_names: In the order of first appearance on any path.
        core_text: The program in the core language.
        source_text: What Numba's code generator was given (LLVM).
        explain: What compilation found out.
    """

    def __init__(
        self,
        lowered: Lowered,
        plan: Plan,
        fuel: int,
        seconds: float,
        *,
        machines: dict[str, Machine] | None = None,
        recall_bytes: int = 0,
    ) -> None:
        """Compile the kernels, or take them where they have been compiled before."""
        started = time.monotonic()
        self._lowered = lowered
        self._plan = plan
        self._fuel = fuel
        self.component_names = lowered.components
        kernels = [*lowered.tasks]
        kernels += [kernel for kernel in (lowered.step, lowered.reset) if kernel is not None]
        self._machines: dict[str, Machine] = {}
        self._regions: dict[str, dict[str, Region]] = {}
        self._sites = lowered.sites
        for kernel in kernels:
            self._machines[kernel.name] = (
                compile_kernel(kernel) if machines is None else machines[kernel.name]
            )
            self._regions[kernel.name] = kernel.regions
        self.works_in_blocks = any(fast_of(kernel) is not None for kernel in kernels)
        """Whether many good rows are computed otherwise than one; false where it was loaded."""
        self._tasks = [kernel.name for kernel in lowered.tasks]
        self._step = lowered.step.name if lowered.step is not None else None
        self._reset = lowered.reset.name if lowered.reset is not None else None
        self._failures: list[Failure] = []
        self.on_failure: Callable[[], None] | None = None
        """Called when `failures` has grown."""
        self._known: dict[Failure, int] = {}
        self._calls: dict[str, tuple[Callable[[int, int], None], int, int]] = {}
        self._tables: dict[str, int] = {}
        self.team: Team | None = None
        """Threads that share the rows of large batches; taken at the next `bind`."""
        self._keep: list[Any] = []
        self._rows = 0
        self._first = 0
        """Where a kernel's own places begin in its table."""
        self._outputs: Outputs | None = None
        self._recall_bytes = recall_bytes
        self.recall: Recall | None = None
        """What rows gave that were seen before; made by `bind`."""
        self._epoch = np.zeros(1, np.int64)
        """Steps and resets so far; counted by native code too."""
        self._follows = np.zeros(1, np.int64)
        self._failed = np.zeros(1, np.int64)
        self._status = np.zeros(0, np.int64)
        self._broken = np.zeros(0, np.int32)
        """By row: `_SOUND`, `_LOST`, `_MOVED`, or the failure of the reset."""
        self._never = np.zeros(1, np.uint8)
        self._flag = np.zeros(1, np.uint8)
        """Whether any row is broken; read by native code too."""
        self._recipe = lowered.recipe
        self._elsewhere: Elsewhere | None = None
        self.handed_over = 0
        """How many rows the interpreted tier has computed."""
        self._away: list[NDArray[np.intp]] = []
        """Rows of this batch that the kernels handed over."""
        self._state: dict[str, NDArray[Any]] = {}
        self.core_text = "\n\n".join(render(kernel) for kernel in kernels)
        self.source_text = "\n\n".join(machine.text for machine in self._machines.values())
        every = {
            name: region for regions in self._regions.values() for name, region in regions.items()
        }
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
            "looked_up": sum(is_wanted(self._pieces(name)) for name in self._machines)
            if recall_bytes
            else 0,
            "compile_s": seconds + time.monotonic() - started,
            **{f"{key}": value for key, value in lowered.stats.items()},
        }

    def freeze(self) -> bytes | None:
        """Give the program as `sandbox.tiers.compiled.load_program` takes it, where that can be."""
        from sandbox.tiers.compiled.stored import freeze

        return freeze(self._lowered, self._machines)

    @property
    def tier(self) -> Tier:
        """Which tier this is."""
        return "compiled"

    @property
    def recalled(self) -> Recalled | None:
        """What keeping results has brought since `bind`; None where none are kept."""
        return None if self.recall is None else self.recall.told

    @property
    def failures(self) -> list[Failure]:
        """Distinct failures so far."""
        return self._failures

    def lend(self, spare: Spare) -> None:
        """Take a runner for the rows that need more than a kernel has (see `Elsewhere`)."""
        self._elsewhere = Elsewhere(spare, self.component_names, self._recipe)

    def bind(self, num_rows: int, inputs: Inputs, outputs: Outputs) -> None:
        """Take the arrays of all later calls and forget every row's state."""
        if self._elsewhere is not None:
            self._elsewhere.bind(num_rows, inputs, outputs)
        self._away.clear()
        self._rows = num_rows
        self._outputs = outputs
        self._keep = [inputs, outputs]
        self._status = np.zeros(num_rows, np.int64)
        self._broken = np.full(num_rows, _LOST, np.int32)
        self._any_broken = self._reset is not None
        self._follows[0] = 0
        shared: dict[str, NDArray[Any]] = {
            "out:status": self._status,
            "out:fuel": outputs.fuel,
            "out:reward": outputs.reward,
            FOLLOWS: self._follows,
            FAILED: self._failed,
        }
        for index in range(len(self.component_names)):
            shared[f"out:c{index}"] = outputs.components[index]
            shared[f"out:p{index}"] = outputs.present[index]
        tables: dict[str, NDArray[np.uint64]] = {}
        for name, machine in self._machines.items():
            own: dict[str, NDArray[Any]] = {MARKER: outputs.outcome, "out:failure": outputs.failure}
            if name in self._tasks:
                k = self._tasks.index(name)
                own = {
                    MARKER: outputs.task_outcome[:, k],
                    "out:failure": outputs.task_failure[:, k],
                    "out:task": outputs.tasks[:, k],
                }
            table = np.zeros(len(machine.order), np.uint64)
            for place, region_name in enumerate(machine.order):
                region = self._regions[name][region_name]
                if region_name in own:
                    array = own[region_name]
                elif region_name in shared:
                    array = shared[region_name]
                elif region.kind == "input":
                    array = self._column(inputs, region, num_rows)
                else:
                    rows = 1 if region.kind == "scratch" else num_rows
                    array = np.zeros((rows, region.size), dtype_of(region.ty))
                    if region.kind != "kept":  # each kernel keeps its own
                        shared[region_name] = array
                self._check_layout(array, region, num_rows)
                self._keep.append(array)
                table[place] = array.ctypes.data
            tables[name] = table
        self._lay_out_calls(tables, num_rows)
        self._state = {name: array for name, array in shared.items() if name.startswith("state:")}

    def _lay_out_calls(self, tables: dict[str, NDArray[np.uint64]], rows: int) -> None:
        """Say what is called for each kernel: itself, or what stands around it."""
        pieces = {name: self._pieces(name) for name in self._machines}
        native = made()
        self.recall = None
        if native is not None and self._recall_bytes and any(map(is_wanted, pieces.values())):
            self.recall = Recall(native, rows, pieces, self._recall_bytes, self._epoch.ctypes.data)
        self._first = RECALL_FIRST if self.recall is not None else 0
        starts = {*self._order()[:1], self._reset}
        for name, machine in self._machines.items():
            table, call, work = tables[name], machine.call, 0
            if self.recall is not None:
                record, work = self.recall.kernel(
                    name,
                    _address(call),
                    first=name in starts,
                    follows=FOLLOWS,
                    failed=FAILED,
                    away=ELSEWHERE,
                    keeping=KEEPING,
                    flags={
                        piece.name: column
                        for piece in pieces[name]
                        if (column := column_of(piece.name)) is not None
                    },
                )
                room = np.zeros(work, np.uint8)
                head = [record, self.recall.numbers.ctypes.data, room.ctypes.data]
                table = np.concatenate([np.array(head, np.uint64), table])
                call = _KERNEL(self.recall.function)
                self._keep += [room, call]
            self._keep.append(table)
            self._tables[name] = table.ctypes.data
            self._calls[name] = (call, rows, table.ctypes.data)
            team = self.team
            if team is not None and team.threads > 1 and team.here():
                read = sum(piece.size for piece in pieces[name] if piece.kind == "input")
                heavy = is_wanted(pieces[name]) and read * rows >= LEAST_BYTES
                if heavy or rows >= LEAST_ROWS:
                    job = self._shared(team, name, call, rows, work, heavy=heavy)
                    self._keep += job
                    self._calls[name] = (job[1], rows, job[0].table.ctypes.data)

    def _pieces(self, name: str) -> list[Piece]:
        """Give the regions of a kernel as native code goes through their rows, in bytes."""
        found = []
        for place in self._machines[name].order:
            region = self._regions[name][place]
            size = dtype_of(region.ty).itemsize
            stride = 0 if region.kind == "scratch" else (region.stride or region.size) * size
            found.append(Piece(region.name, region.kind, region.size * size, stride))
        return found

    def _shared(
        self,
        team: Team,
        name: str,
        call: Callable[[int, int], None],
        rows: int,
        work: int,
        *,
        heavy: bool,
    ) -> tuple[Job, Callable[[int, int], None]]:
        """Give a kernel as a job of several threads, and what is called as the kernel is."""
        pieces = self._pieces(name)
        strides = [None if piece.kind == "scratch" else piece.stride for piece in pieces]
        scratch = {
            self._first + place: piece.size
            for place, piece in enumerate(pieces)
            if piece.kind == "scratch" and piece.name not in {FOLLOWS, FAILED}
        }
        if self._first:
            # The record is everybody's; each thread works in memory of its own.
            strides = [None, 8, None, *strides]
            scratch[2] = work
        order = self._machines[name].order
        failed = self._first + order.index(FAILED), self._failed.ctypes.data
        job = Job(
            team,
            _address(call),
            self._tables[name],
            strides,
            scratch,
            failed,
            rows,
            least=1 if heavy else LEAST_CHUNK,
        )
        return job, _KERNEL(team.spread())

    @staticmethod
    def _check_layout(array: NDArray[Any], region: Region, rows: int) -> None:
        """Make sure that a kernel which trusts the layout finds it."""
        size = dtype_of(region.ty).itemsize
        stride = (region.stride or region.size) * size
        good = array.dtype == dtype_of(region.ty) and (
            region.kind == "scratch"
            or rows < 2
            or (len(array) == rows and array.strides[0] == stride)
        )
        if not good:
            raise ValueError(
                f"{region.name!r} is {array.dtype}{list(array.shape)} with strides"
                f" {array.strides}; want {dtype_of(region.ty)}, {stride} bytes a row"
            )

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

    @property
    def _any_broken(self) -> bool:
        return bool(self._flag[0])

    @_any_broken.setter
    def _any_broken(self, value: bool) -> None:
        self._flag[0] = value

    def parts(self, *, reset: bool = False) -> Kernels:
        """Say where everything lies that a step or a reset uses; after each `bind`.

        For `sandbox.lane`. A reset on which a row fails is to be run anew from its beginning.
        """
        outputs = self._bound()
        names = self._order()
        if reset:
            names = [*([self._reset] if self._reset is not None else []), *self._tasks]
        cells = []
        for name in names:
            table = self._tables[name]
            for place, region_name in enumerate(self._machines[name].order):
                if self._regions[name][region_name].kind == "input":
                    cells.append((table + 8 * (self._first + place), region_name))
        return Kernels(
            rows=self._rows,
            kernels=tuple((_address(self._calls[name][0]), self._calls[name][2]) for name in names),
            cells=tuple(cells),
            broken=(self._never if reset else self._flag).ctypes.data,
            follows=self._follows.ctypes.data,
            failed=self._failed.ctypes.data,
            epoch=self._epoch.ctypes.data,
            alone=self._reset is None if reset else self._step is None,
            outcome=outputs.outcome.ctypes.data,
            reward=outputs.reward.ctypes.data,
            failure=outputs.failure.ctypes.data,
            alive=(self, list(self._keep)),
            states=self._broken.ctypes.data if reset and self._reset is not None else 0,
            flag=self._flag.ctypes.data,
        )

    def _order(self) -> list[str]:
        return [*self._tasks, *([self._step] if self._step is not None else [])]

    def resume(self, place: int) -> None:
        """Finish a step that native code began.

        Args:
            place: The kernel on which a row failed, counted from 0 in the order of a step. Those
                before it went well on all rows, those behind it have not run.
        """
        outputs = self._bound()
        names = self._order()
        failures = [outputs.task_failure[:, k] for k in range(len(self._tasks))]
        self._note_failures(names[place], [*failures, outputs.failure][place])
        for k in range(place + 1, len(self._tasks)):
            self._run(names[k], failures[k], follows=True)
        if self._step is None:
            self._sum_up(np.flatnonzero(outputs.outcome == PENDING), outputs)
        else:
            paying = place == len(self._tasks)
            failed = paying or self._run(self._step, outputs.failure, follows=True)
            self._after_step(outputs, failed=failed)
        self._hand_over(reset=False)

    def reset(self) -> None:
        """Start a new episode on the pending rows: new instance, its reset, then the tasks."""
        outputs = self._bound()
        if self._reset is None and not self._tasks:
            rows = np.flatnonzero(outputs.outcome == PENDING)
            self._clear(rows, outputs)
            outputs.fuel[rows] = 0
            outputs.failure[rows] = NO_FAILURE
            outputs.outcome[rows] = Outcome.OK
            return
        rows = np.flatnonzero(outputs.outcome == PENDING)
        self._clear(rows, outputs)
        if self._reset is None:
            self._tasks_alone(rows, outputs)
            self._hand_over(reset=True)
            return
        # The marker of the row is written by the reset, so the tasks come after it.
        self._run(self._reset, outputs.failure, follows=False)
        outcome, failure = outputs.outcome[rows], outputs.failure[rows]
        lost = outcome >= Outcome.OUT_OF_FUEL
        self._broken[rows] = np.where(outcome == 0, _SOUND, np.where(lost, _LOST, failure))
        self._any_broken = bool((self._broken != _SOUND).any())
        self._run_tasks(outputs, follows=True)
        self._hand_over(reset=True)

    def step(self) -> None:
        """Run the tasks and the paying call on the pending rows."""
        outputs = self._bound()
        if self._step is None:
            rows = np.flatnonzero(outputs.outcome == PENDING)
            outputs.reward[rows] = 0.0
            self._tasks_alone(rows, outputs)
            self._hand_over(reset=False)
            return
        if self._tasks:
            self._run_tasks(outputs, follows=False)
        if self._any_broken:
            self._report_broken(outputs)
        failed = self._run(self._step, outputs.failure, follows=bool(self._tasks))
        self._after_step(outputs, failed=failed)
        self._hand_over(reset=False)

    def _after_step(self, outputs: Outputs, *, failed: bool) -> None:
        if failed and self._reset is not None:
            lost = (outputs.outcome == Outcome.OUT_OF_FUEL) & (self._broken == _SOUND)
            if lost.any():
                self._broken[lost] = _LOST
                self._any_broken = True

    def _bound(self) -> Outputs:
        if self._outputs is None:
            raise RuntimeError("bind before running")
        return self._outputs

    @staticmethod
    def _clear(rows: NDArray[Any], outputs: Outputs) -> None:
        outputs.reward[rows] = 0.0
        outputs.components[:, rows] = 0.0
        outputs.present[:, rows] = False

    def _report_broken(self, outputs: Outputs) -> None:
        """Answer for the pending rows that have no state, so that no kernel runs on them."""
        pending = outputs.outcome == PENDING
        moved = np.flatnonzero(pending & (self._broken == _MOVED))
        if moved.size:
            self._away.append(moved)
            outputs.outcome[moved] = Outcome.SKIPPED
        bad = np.flatnonzero(pending & (self._broken != _SOUND) & (self._broken != _MOVED))
        if bad.size:
            self._clear(bad, outputs)
            found = self._broken[bad]
            outputs.failure[bad] = np.where(found >= 0, found, NO_FAILURE)
            if not self._tasks:
                outputs.fuel[bad] = 0
            codes = np.where(found >= 0, int(Outcome.ERROR), int(Outcome.STATE_LOST))
            outputs.outcome[bad] = codes

    def _run_tasks(self, outputs: Outputs, *, follows: bool) -> None:
        for k, name in enumerate(self._tasks):
            self._run(name, outputs.task_failure[:, k], follows=follows or k > 0)

    def _tasks_alone(self, rows: NDArray[Any], outputs: Outputs) -> None:
        """Run a program of tasks; the first bad one speaks for the row."""
        outputs.failure[rows] = NO_FAILURE
        self._run_tasks(outputs, follows=False)
        self._sum_up(rows, outputs)

    @staticmethod
    def _sum_up(rows: NDArray[Any], outputs: Outputs) -> None:
        found = outputs.task_outcome[rows]
        bad = found.astype(bool)
        first = bad.argmax(axis=1)
        places = np.arange(len(rows))
        some = bad[places, first]
        if some.any():
            here = rows[some]
            outputs.failure[here] = outputs.task_failure[here, first[some]]
        outputs.outcome[rows] = np.where(some, found[places, first], 0)

    def _run(self, name: str, failure: NDArray[np.int32], *, follows: bool) -> bool:
        """Run a kernel on the rows its marker says; say whether any of them failed."""
        call, rows, table = self._calls[name]
        self._follows[0] = follows
        self._epoch[0] += not follows
        self._failed[0] = 0
        call(rows, table)
        if not self._failed[0]:
            return False
        self._note_failures(name, failure)
        return True

    def _note_failures(self, name: str, failure: NDArray[np.int32]) -> None:
        """Number the failures of the rows on which a kernel failed."""
        bad = np.flatnonzero(failure == UNKNOWN_FAILURE)
        status = self._status[bad]
        away = bad[status == ELSEWHERE]
        if away.size and self._elsewhere is not None:
            self._away.append(away)
        for value in np.unique(status).tolist():
            failure[bad[status == value]] = self._failure_id(self._describe(name, value))

    def _hand_over(self, *, reset: bool) -> None:
        """Have the interpreted tier compute the rows that the kernels could not."""
        if not self._away or self._elsewhere is None:
            return
        rows = np.unique(np.concatenate(self._away))
        self._away.clear()
        self.handed_over += len(rows)
        if self._reset is not None:
            if not reset and self._recipe is None:
                self._broken[rows] = _LOST
                self._any_broken = True
                return
            if not reset:
                for row in rows[self._broken[rows] == _SOUND].tolist():
                    self._elsewhere.move(row, self._state)
            self._broken[rows] = _MOVED
            self._any_broken = True
        self._elsewhere.run(rows, self._failure_id, reset=reset)

    def _describe(self, name: str, status: int) -> Failure:
        site = site_of(status)
        if site is not None:
            return self._sites[name][site]
        if status == -int(Outcome.OUT_OF_FUEL):
            return Failure(
                "OutOfFuel",
                "sandbox",
                f"the row used up its fuel of {self._fuel:,}; limits.fuel is the cap",
                None,
            )
        text = "a list, dict or number outgrew the room that a kernel has for it"
        return Failure("OutOfMemory", "sandbox", text, None)

    def _failure_id(self, failure: Failure) -> int:
        found = self._known.get(failure)
        if found is not None and found < len(self._failures) and self._failures[found] == failure:
            return found
        if len(self._failures) >= _MAX_FAILURES:
            return _MAX_FAILURES - 1
        self._known[failure] = len(self._failures)
        self._failures.append(failure)
        if self.on_failure is not None:
            self.on_failure()
        return len(self._failures) - 1


def _address(call: Callable[[int, int], None]) -> int:
    """Give the address of a kernel."""
    found = ctypes.cast(call, ctypes.c_void_p).value  # type: ignore[arg-type]
    assert found is not None
    return found
