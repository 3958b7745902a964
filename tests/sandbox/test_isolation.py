"""Real programs give the same rows through a worker as in this process, and as plain CPython."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import corpus_reader
import numpy as np
import pytest

from sandbox import Limits, Outcome, Outputs, open_guest
from sandbox.host import Guest, Isolation, Loaded, TierWish, WorkerGuest
from sandbox.outcome import PENDING
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.spawn import shared_zygote
from sandbox.tiers.base import Failure, Inputs, Tier
from sandbox.zygote import Warmth


class GuestRunner:
    """A guest in the shape of a runner, so that one reader of the corpus serves both."""

    def __init__(self, source: bytes, plan: Plan, isolation: Isolation, tier: TierWish) -> None:
        self.guest: Guest = open_guest(source, limits=Limits(), isolation=isolation)
        assert self.guest.outline is not None, self.guest.report.render()
        self.loaded: Loaded = self.guest.build(plan, tier)
        self.told: dict[int, Failure] = {}

    @property
    def tier(self) -> Tier:
        return self.loaded.tier

    @property
    def component_names(self) -> tuple[str, ...]:
        return self.loaded.component_names

    @property
    def failures(self) -> list[Failure]:
        return [self.told[index] for index in range(len(self.told))]

    def bind(self, num_rows: int, inputs: Inputs, outputs: Outputs) -> None:
        self.buffers = self.guest.bind(num_rows)
        self.inputs, self.outputs = inputs, outputs

    def reset(self) -> None:
        self._run(self.guest.reset)

    def step(self) -> None:
        self._run(self.guest.step)

    def _run(self, run: Any) -> None:
        for name, array in self.inputs.items():
            np.copyto(self.buffers.inputs[name], array)
        self.buffers.outputs.outcome[:] = self.outputs.outcome
        self.told |= run().failures
        for entry in fields(Outputs):
            np.copyto(getattr(self.outputs, entry.name), getattr(self.buffers.outputs, entry.name))


def rows(
    name: str, isolation: Isolation, tier: TierWish
) -> tuple[list[str], list[corpus_reader.Row]]:
    program = corpus_reader.read(name)
    runner = GuestRunner(program.source, program.plan, isolation, tier)
    try:
        found = corpus_reader.run(program, runner)
        return corpus_reader.differences(program, found), found
    finally:
        runner.guest.close()


@pytest.mark.parametrize("tier", ["interpreted", "auto"])
@pytest.mark.parametrize("name", corpus_reader.names())
def test_a_worker_gives_the_rows_of_plain_cpython(name: str, tier: TierWish) -> None:
    differences, found = rows(name, "process", tier)
    assert differences == []
    # Bit for bit what the same tier gives without a wall.
    assert repr(found) == repr(rows(name, "none", tier)[1])


def test_a_compiled_program_is_compiled_again_when_its_worker_is_replaced() -> None:
    source = b"def reward(obs):\n    return obs[0] * 2.0 + obs[1]\n"
    guest = WorkerGuest(source, filename="p", limits=Limits())
    assert guest.build(PLAN).tier == "compiled"
    # The compiler is warm in the zygote now, so no later worker imports it again.
    assert shared_zygote().warmth is Warmth.COMPILER
    buffers = guest.bind(4)
    buffers.inputs["next_obs"][:] = np.arange(4)[:, None]
    for _ in range(3):
        buffers.outputs.outcome[:] = PENDING
        guest.step()
        assert buffers.outputs.outcome.tolist() == [0] * 4
        assert buffers.outputs.reward.tolist() == [0.0, 3.0, 6.0, 9.0]
        child = guest._holder.child
        assert child is not None
        child.kill()
        child.wait()
    guest.close()


PLAN = Plan(
    schema=Schema((("next_obs", ArraySpec(shape=(3,))),)),
    reward=Call("reward", (Param("obs", "next_obs"),)),
)


def outcomes(source: str, limits: Limits | None = None) -> tuple[list[int], list[str]]:
    guest = open_guest(source.encode(), limits=limits or Limits(wall_s=20))
    guest.build(PLAN, "interpreted")
    buffers = guest.bind(4)
    buffers.inputs["next_obs"][:] = np.arange(4)[:, None]
    buffers.outputs.outcome[:] = PENDING
    guest.step()
    failures = [guest.failure(int(index)) for index in buffers.outputs.failure]
    guest.close()
    names = [failure.exception if failure else "" for failure in failures]
    return buffers.outputs.outcome.tolist(), names


def test_a_program_that_never_ends_on_one_row_is_stopped_there() -> None:
    source = """
def reward(obs):
    while obs[0] == 2:
        pass
    return float(obs[0])
"""
    assert outcomes(source)[0] == [0, 0, int(Outcome.OUT_OF_FUEL), 0]


def test_a_program_that_allocates_without_end_is_stopped_on_that_row() -> None:
    source = """
def reward(obs):
    kept = []
    while obs[0] == 1:
        kept.append([0.0] * 100000)
    return float(obs[0])
"""
    found, _ = outcomes(source)
    assert found[1] in {int(Outcome.OUT_OF_FUEL), int(Outcome.OUT_OF_MEMORY)}
    assert [found[0], *found[2:]] == [0, 0, 0]


def test_a_program_that_divides_by_zero_errs_on_that_row() -> None:
    source = """
def reward(obs):
    return 1 / int(obs[0])
"""
    found, names = outcomes(source)
    assert found == [int(Outcome.ERROR), 0, 0, 0]
    assert names == ["ZeroDivisionError", "", "", ""]


def test_a_top_level_that_fails_refuses_the_program_with_its_place() -> None:
    from sandbox import ProgramRefusedError

    source = b"SCALE = 1 / 0\n\n\ndef reward(obs):\n    return SCALE\n"
    guest = open_guest(source, limits=Limits())
    with pytest.raises(ProgramRefusedError) as caught:
        guest.build(PLAN, "interpreted")
    found = caught.value.report.errors[0]
    assert found.span is not None
    assert found.span.line == 1
    guest.close()
