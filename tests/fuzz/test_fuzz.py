"""Short runs of the fuzzer, and the proof that its oracle sees what it is there to see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from math import isfinite
from pathlib import Path
from typing import Any

import corpus_reader
import fuzz_campaign
import fuzz_child
import fuzz_holes
import fuzz_native
import fuzz_oracle
import numpy as np
import pytest
from fuzz_grammar import program
from fuzz_short import Drawn
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.passes import analyse
from sandbox.tiers.interpreted import InterpretedRunner

HERE = Path(__file__).parent


def _script(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts here in a process that may be spoilt."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, str(HERE / name)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.fixture(scope="module")
def holes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """How each planted hole was found: programs, finding, seconds."""
    done = _script("fuzz_holes.py", tmp_path_factory.mktemp("holes"))
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, list[Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("hole", fuzz_holes.HOLES)
def test_a_planted_hole_is_found(hole: str, holes: dict[str, list[Any]]) -> None:
    programs, finding, _ = holes[hole]
    assert programs is not None, f"not found in {fuzz_holes.MOST} programs"
    assert finding.startswith(fuzz_holes.HOLES[hole][1])


def test_where_there_is_no_hole_the_same_programs_find_nothing(holes: dict[str, list[Any]]) -> None:
    programs, finding, _ = holes[fuzz_holes.NO_HOLE]
    assert (programs, finding) == (None, "")


def test_programs_of_the_grammar_and_mutated_ones_do_not_get_out(tmp_path: Path) -> None:
    done = _script("fuzz_short.py", tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How each program of native work ended."""
    done = _script("fuzz_native.py", tmp_path_factory.mktemp("native"))
    assert done.returncode == 0, done.stderr[-2000:]
    ended: dict[str, str] = json.loads(done.stdout)
    return ended


@pytest.mark.parametrize("name", fuzz_native.programs())
def test_native_work_ends_before_the_system_ends_it(name: str, native: dict[str, str]) -> None:
    assert not native[name].startswith(("signal", "the host"))


# --- differential -------------------------------------------------------------------------------


def _plain(source: str, row: int) -> tuple[str, float]:
    """Run a program as CPython runs it; gives the class of its error and its value."""
    columns = fuzz_oracle.columns()
    arguments: dict[str, Any] = {"action": int(columns["action"][row])}
    for slot in ("obs", "next_obs"):
        arguments[slot] = {
            "image": columns[f"{slot}/image"][row].copy(),
            "direction": int(columns[f"{slot}/direction"][row]),
            "position": columns[f"{slot}/position"][row].copy(),
            "mission": bytes(columns[f"{slot}/mission"][row, :15]).decode(),
        }
    names: dict[str, Any] = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        exec(compile(source, "plain", "exec"), names)  # noqa: S102  of the plain mood, by itself harmless
        try:
            value = float(names["reward"](**arguments))
        except Exception as error:
            return type(error).__name__, 0.0
    return ("", value) if isfinite(value) else ("NotFinite", 0.0)


@settings(max_examples=200, derandomize=True, database=None)
@given(st.data())
def test_a_plain_program_gives_what_cpython_gives(data: Any) -> None:
    source = program(Drawn(data), "plain")
    analysis = analyse(source.encode(), "plain.py", Limits())
    assert analysis.tree is not None
    assert analysis.outline is not None, analysis.report.render()
    plan = fuzz_oracle.plan_of(analysis.outline)
    assert plan is not None
    runner = InterpretedRunner(analysis.tree, source, plan, Limits())
    results = corpus_reader.outputs(fuzz_oracle.ROWS)
    runner.bind(fuzz_oracle.ROWS, fuzz_oracle.columns(), results)
    runner.step()
    for row in range(fuzz_oracle.ROWS):
        error, value = _plain(source, row)
        outcome = Outcome(int(results.outcome[row]))
        failed = int(results.failure[row])
        got = "" if outcome == Outcome.OK else runner.failures[failed].exception
        assert (got, float(results.reward[row])) == (error, value), f"{outcome.name}\n{source}"


# --- figures ------------------------------------------------------------------------------------


def test_figures_of_children_add_up(tmp_path: Path) -> None:
    for seed, findings in ((1, {"held: x": 2}), (2, {"held: x": 1, "slow": 1})):
        figures = fuzz_child.Figures()
        figures.programs, figures.executed, figures.slowest_s = 10, 8, seed / 10
        figures.cpu_s, figures.wall_s = 1.0, 2.0
        figures.findings.update(findings)
        (tmp_path / f"seed-{seed:08}.json").write_text(json.dumps(figures.plain()))
    (tmp_path / "hang-00000003.py").write_text("")
    total = fuzz_campaign.figures(tmp_path)
    assert (total["programs"], total["executed"], total["slowest_s"]) == (20, 16, 0.2)
    assert total["findings"] == {"held: x": 3, "slow": 1}
    report = fuzz_campaign.report(tmp_path)
    assert "16  (80.0%)" in report
    assert "3 x held: x" in report
    assert total["hangs"] == 1
