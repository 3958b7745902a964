"""A program in this process, for text that the caller trusts like its own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sandbox import opencv, shm, wire
from sandbox.batches import Batch, Bools
from sandbox.errors import ProtocolError, UsageError
from sandbox.guest import After, Buffers, GuestBase, Ran, TierWish, check_rows, sets_of
from sandbox.kernels import picture_code
from sandbox.lane import Ended, Engine, Lane, Leaf, Places
from sandbox.native.library import library
from sandbox.native.tables import Kind
from sandbox.outcome import PENDING
from sandbox.team import team_of
from sandbox.tiers.base import NO_FAILURE, numbers_of
from sandbox.wire import Loaded
from sandbox.worker import PASSES, load_passes, unfit_names

if TYPE_CHECKING:
    from sandbox.diagnostics import Finding
    from sandbox.limits import Limits
    from sandbox.plan import Plan

__all__ = ["InProcessGuest"]


class InProcessGuest(GuestBase):
    """A program in this process: the same checks on its text, and no wall around it.

    There is no deadline either: a batch that blocks, blocks the caller. For text the caller trusts.
    """

    layers: tuple[str, ...] = ()

    def __init__(
        self,
        source: bytes,
        *,
        filename: str,
        limits: Limits,
        passes: str = PASSES,
        threads: int = 1,
    ) -> None:
        super().__init__(source, filename, limits)
        self._passes = load_passes(passes)
        self._source = source
        self._threads = threads
        self._analysis = self._passes.analyse(source, filename, limits)
        self._closed = False
        self._ready = np.zeros(1, np.int64)
        """Whether the short way of a step may be taken; read by native code."""
        self._runner: Any = None
        self._forget_lane()
        self._remap = np.empty(0, np.int32)
        self.findings = self._analysis.findings
        self.outline = self._analysis.outline
        self.sketch = self._analysis.sketch
        self.normal = self._analysis.normal
        self.text = self._analysis.text

    def judge(self, plan: Plan) -> tuple[Finding, ...]:
        """Give the findings that need a plan; see `Guest.judge`."""
        self._must_be_open()
        return self._passes.judge(self._analysis, plan)

    def _forget_lane(self) -> None:
        self._lane: Lane | None = None
        self._engine: Engine | None = None
        self._lent: dict[str, NDArray[Any]] = {}
        self._places: dict[str, Places] = {}

    def build(self, plan: Plan, tier: TierWish = "auto") -> Loaded:
        """Make the source into something that runs; see `Guest.build`."""
        self._must_be_open()
        self._must_build()
        code: dict[str, Any] = {}
        if tier != "interpreted" and opencv.is_named_in(self._source):
            code["pictures"] = picture_code(self._source)
        built = self._passes.build(self._analysis, plan, self.limits, tier, **code)
        unfit = unfit_names(built.component_names)
        if unfit:
            raise self._refuse((*built.findings, *unfit))
        self._runner = built.runner
        self._remap = np.empty(0, np.int32)
        self._plan = plan
        self._batch = None
        core = tuple(str(getattr(built.runner, "core_text", "")).splitlines())
        self._loaded = Loaded(
            built.runner.tier,
            built.tier_reason,
            built.component_names,
            built.findings,
            core,
            facts=numbers_of(built.runner),
        )
        return self._loaded

    def _counted(self) -> tuple[int, int] | None:
        found = self._runner.recalled
        return None if found is None else (found.tried, found.hits)

    def bind(self, num_rows: int, spin_s: float | None = None) -> Buffers:
        """Make the arrays for batches of this size; nobody is waited for here."""
        del spin_s
        self._must_be_open()
        plan = self._must_have(self._plan, "build")
        loaded = self._must_have(self._loaded, "build")
        check_rows(num_rows)
        batch = Batch(plan, num_rows, len(loaded.component_names))
        layout = shm.layout_of_inputs(plan.schema, num_rows)
        inputs = layout.views(np.zeros(layout.size, np.uint8))
        readable = {name: _read_only(array) for name, array in inputs.items()}
        if self._threads > 1 and hasattr(self._runner, "team"):
            self._runner.team = team_of(self._threads)
        if self.limits.recall_bytes and hasattr(self._runner, "recalled"):
            library()  # which a runner uses where it is there
        self._runner.bind(num_rows, readable, batch.out)
        self._batch = batch
        self._inputs = inputs
        self._forget_lane()
        self._ready[0] = self._sound(batch)
        return Buffers(inputs, batch.out)

    def reset(self) -> Ran:
        """Start new episodes on the pending rows."""
        return self._run(reset=True)

    def step(self) -> Ran:
        """Run the pending rows."""
        return self._run(reset=False)

    def _run(self, *, reset: bool) -> Ran:
        self._must_be_open()
        batch = self._must_have(self._batch, "bind")
        rows = self._rows_to_run(batch, reset=reset)
        known = len(self._ledger.items)
        if rows.any():
            if self._engine is not None:
                self._engine.home()
            if reset:
                self._runner.reset()
            else:
                self._runner.step()
            self._look(batch, rows)
        ran = self._finish(batch, rows, known, reset=reset)
        self._ready[0] = self._sound(batch)
        return ran

    def _look(self, batch: Batch, rows: Bools) -> None:
        self._learn()
        if batch.pending(rows).any():
            raise ProtocolError(f"{self.filename}: the runner left rows unrun")
        batch.check(rows, self._remap, NO_FAILURE)

    def lane(
        self, leaves: Sequence[Leaf], after: After | None = None, *, reset: bool = False
    ) -> Lane | None:
        """Give the short way of a compiled program; see `Guest.lane`."""
        batch = self._must_have(self._batch, "bind")
        found = library() if isinstance(getattr(self._runner, "parts", None), MethodType) else None
        if found is None:
            return None
        engine = Engine(self._runner.parts(reset=reset), self._places)
        lane = Lane(
            found,
            batch,
            self._inputs,
            leaves,
            outputs=batch.bytes.ctypes.data,
            ready=self._ready,
            engine=engine,
            after=after,
            alive=self._lent,
            kind=Kind.RESET if reset else Kind.STEP,
        )
        if not reset:
            self._engine, self._lane = engine, lane
            lane.lend(self._places)
        return lane

    def lend(
        self, arrays: Sequence[tuple[str, str, tuple[int, ...]]], columns: Mapping[str, str]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        """Make two more sets of arrays; lanes made after this read from them."""
        layout = shm.layout_of_sets(arrays)
        self._lent = layout.views(np.zeros(layout.size, np.uint8))
        self._places = self._places_of(columns, self._lent)
        return sets_of(self._lent)

    def go_on(
        self, ended: int, block: NDArray[Any], mask: Bools | None, *, reset: bool = False
    ) -> bool:
        """Finish what failed on a row; see `Guest.go_on`."""
        del block  # the outputs are of this process, and have the same
        batch = self._must_have(self._batch, "bind")
        rows = self._chosen(batch, mask)
        if reset:
            # From its beginning: a new instance is a new instance.
            batch.out.outcome[rows] = PENDING
            self._run(reset=True)
            return False
        known = len(self._ledger.items)
        if self._lane is not None:
            self._lane.bring_home()
        if ended <= Ended.STOPPED:
            self._runner.resume(Ended.STOPPED - ended)
        self._look(batch, rows)
        self._finish(batch, rows, known, reset=False)
        self._ready[0] = self._sound(batch)
        return False

    def _learn(self) -> None:
        new = self._runner.failures[len(self._remap) :]
        if new:
            # Packed as if it were sent: texts are cut and escaped alike on both paths.
            told = wire.unpack(wire.Progress, wire.pack(wire.Progress(tuple(new)))).failures
            places = [self._ledger.add(item) for item in told]
            self._remap = np.concatenate([self._remap, np.array(places, np.int32)])

    def close(self) -> None:
        """End it. May be called again."""
        self._closed = True
        self._ready[0] = 0
        self._runner = None

    def _must_be_open(self) -> None:
        if self._closed:
            raise UsageError(f"{self.filename}: this guest is closed; open a new one")


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
