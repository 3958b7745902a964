"""The programs of the benchmarks: all compiled, and equal to plain CPython before any clock runs."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers import plain
from benchmarks.workloads import WORKLOADS
from sandbox.assemble import outputs_for
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.passes import analyse
from sandbox.tiers.base import TierReason
from sandbox.tiers.compiled import compile_program


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_is_compiled_and_equal(name: str) -> None:
    """Over two steps, so that the one with a state uses it."""
    workload = WORKLOADS[name]
    rows = 2 if workload.row_bytes > 100_000 else 24
    columns = workload.draw(rows, np.random.default_rng(5))
    analysis = analyse(workload.source.encode(), name, Limits())
    assert analysis.tree is not None
    runner = compile_program(analysis.tree, workload.plan, Limits(), analysis.text)
    assert not isinstance(runner, TierReason), str(runner)
    outputs = outputs_for(rows, workload.plan, 0)
    names = [name for name, _, _ in workload.inputs]
    runner.bind(rows, dict(zip(names, columns, strict=True)), outputs)
    outputs.outcome[:] = PENDING
    runner.reset()
    expected = np.full(rows, np.nan)
    reference = plain(workload, columns, expected)
    for _ in range(2):
        outputs.outcome[:] = PENDING
        runner.step()
        reference()
        assert (outputs.outcome == Outcome.OK).all()
        np.testing.assert_allclose(outputs.reward, expected, rtol=1e-12, atol=1e-12)
