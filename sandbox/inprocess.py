"""A program in this process, for text that the caller trusts like its own code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sandbox import shm, wire
from sandbox.batches import Batch
from sandbox.errors import ProtocolError, UsageError
from sandbox.guest import Buffers, GuestBase, Ran, TierWish, check_rows
from sandbox.tiers.base import NO_FAILURE
from sandbox.wire import Loaded
from sandbox.worker import PASSES, load_passes, unfit_names

if TYPE_CHECKING:
    from sandbox.limits import Limits
    from sandbox.plan import Plan

__all__ = ["InProcessGuest"]


class InProcessGuest(GuestBase):
    """A program in this process: the same checks on its text, and no wall around it.

    There is no deadline either: a batch that blocks, blocks the caller. For text the caller trusts.
    """

    layers: tuple[str, ...] = ()

    def __init__(
        self, source: bytes, *, filename: str, limits: Limits, passes: str = PASSES
    ) -> None:
        super().__init__(source, filename, limits)
        self._passes = load_passes(passes)
        self._analysis = self._passes.analyse(source, filename, limits)
        self._closed = False
        self._runner: Any = None
        self._remap = np.empty(0, np.int32)
        self.findings = self._analysis.findings
        self.outline = self._analysis.outline
        self.text = self._analysis.text

    def build(self, plan: Plan, tier: TierWish = "auto") -> Loaded:
        """Make the source into something that runs; see `Guest.build`."""
        self._must_be_open()
        self._must_build()
        built = self._passes.build(self._analysis, plan, self.limits, tier)
        unfit = unfit_names(built.component_names)
        if unfit:
            raise self._refuse((*built.findings, *unfit))
        self._runner = built.runner
        self._remap = np.empty(0, np.int32)
        self._plan = plan
        self._batch = None
        core = tuple(str(getattr(built.runner, "core_text", "")).splitlines())
        self._loaded = Loaded(
            built.runner.tier, built.tier_reason, built.component_names, built.findings, core
        )
        return self._loaded

    def bind(self, num_rows: int) -> Buffers:
        """Make the arrays for batches of this size; every row's state is forgotten."""
        self._must_be_open()
        plan = self._must_have(self._plan, "build")
        loaded = self._must_have(self._loaded, "build")
        check_rows(num_rows)
        batch = Batch(plan, num_rows, len(loaded.component_names))
        layout = shm.layout_of_inputs(plan.schema, num_rows)
        inputs = layout.views(np.zeros(layout.size, np.uint8))
        readable = {name: _read_only(array) for name, array in inputs.items()}
        self._runner.bind(num_rows, readable, batch.out)
        self._batch = batch
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
            if reset:
                self._runner.reset()
            else:
                self._runner.step()
            self._learn()
            if batch.pending(rows).any():
                raise ProtocolError(f"{self.filename}: the runner left rows unrun")
            batch.check(rows, self._remap, NO_FAILURE)
        return self._finish(batch, rows, known, reset=reset)

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
        self._runner = None

    def _must_be_open(self) -> None:
        if self._closed:
            raise UsageError(f"{self.filename}: this guest is closed; open a new one")


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
