"""Known ways out of the language, each tried without the validator in front."""

from __future__ import annotations

import ast
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import corpus_reader
import numpy as np
import pytest
import single

from sandbox.errors import ProgramRefusedError
from sandbox.instrument import InstrumentError
from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.passes import analyse, build
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, DictSpec, Schema
from sandbox.tiers.base import Runner
from sandbox.tiers.interpreted import GuestModuleError

ESCAPES = Path(__file__).parent.parent / "corpus" / "escapes"
WON = 31337.0
SMALL = Limits(fuel=200_000)


def _programs() -> Iterator[tuple[str, str]]:
    for path in sorted(ESCAPES.glob("*.py")):
        for source in path.read_text().split("# ---\n"):
            title = source.partition("\n")[0].removeprefix("# ")
            yield f"{path.stem}: {title}", source


PROGRAMS = list(_programs())


@pytest.mark.parametrize("source", [s for _, s in PROGRAMS], ids=[t for t, _ in PROGRAMS])
def test_a_way_out_is_closed_by_instrumentation_and_guards_alone(source: str) -> None:
    try:
        runner = single.make(source, limits=SMALL, checked=False)
    except (InstrumentError, GuestModuleError):
        return
    results = corpus_reader.outputs(2)
    runner.bind(2, {}, results)
    runner.step()
    assert results.reward.tolist() == [0.0, 0.0]
    assert results.outcome[0] == results.outcome[1]


# --- the attack corpus ------------------------------------------------------------------------

OBSERVATION = DictSpec(
    (
        ("image", ArraySpec(shape=(7, 7, 3), dtype="uint8", low=0, high=10)),
        ("direction", ArraySpec(kind="int", dtype="int64", low=0, high=3)),
    )
)
ACTION = ArraySpec(kind="int", dtype="int64", low=0, high=6)
SCHEMA = Schema(
    (
        *((slot, OBSERVATION) for slot in ("obs", "next_obs", "initial_obs")),
        ("action", ACTION),
    )
)
STEPS = 6
MAY_END_AS = {
    Outcome.ERROR: {"error"},
    Outcome.NOT_FINITE: {"error"},
    Outcome.BAD_RESULT: {"error"},
    Outcome.OUT_OF_FUEL: {"timeout"},
    Outcome.OUT_OF_MEMORY: {"oom"},
    Outcome.STATE_LOST: {"oom", "timeout"},
    Outcome.OK: {"harmless"},
}


def _image(step: int) -> np.ndarray:
    r, c = np.meshgrid(np.arange(7), np.arange(7), indexing="ij")
    layers = [(5 * r + 3 * c + 7 * step + r * c) % 11, (r + 2 * c + step) % 6, (r * c + step) % 3]
    return np.stack(layers, axis=-1).astype(np.uint8)


def _columns() -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for slot, shift in (("obs", 0), ("next_obs", 1), ("initial_obs", 0)):
        columns[f"{slot}/image"] = np.stack([_image(step + shift) for step in range(STEPS)])
        columns[f"{slot}/direction"] = (np.arange(STEPS) + shift) % 4
    columns["action"] = (3 * np.arange(STEPS) + 1) % 7
    return columns


def _plan(tree: ast.Module) -> Plan:
    transition = tuple(Param(name, name) for name in ("obs", "action", "next_obs"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            if "step" in methods:
                first = Call("reset", (Param("obs", "initial_obs"),))
                return Plan(
                    schema=SCHEMA,
                    class_name=node.name,
                    step=Call("step", transition),
                    reset=first if "reset" in methods else None,
                )
    return Plan(schema=SCHEMA, reward=Call("reward", transition))


def _run(runner: Runner, plan: Plan) -> list[tuple[int, float, dict[str, float]]]:
    """Run the six transitions; for a class in two episodes side by side."""
    columns = _columns()
    names = runner.component_names
    found: list[tuple[int, float, dict[str, float]]] = []
    rows = 2 if plan.stateful else STEPS
    results = corpus_reader.outputs(rows, 0, len(names))
    inputs = {name: array[:rows].copy() for name, array in columns.items()}
    runner.bind(rows, inputs, results)
    if plan.stateful:
        for name, array in columns.items():
            inputs[name][...] = array[0]
        runner.reset()
    for step in range(STEPS if plan.stateful else 1):
        if plan.stateful:
            for name, array in columns.items():
                inputs[name][...] = array[step]
        before = {name: array.copy() for name, array in inputs.items()}
        corpus_reader.mark_pending(results)
        runner.step()
        assert all((inputs[name] == before[name]).all() for name in inputs), "inputs changed"
        for row in range(1 if plan.stateful else rows):
            parts = {
                name: float(results.components[i, row])
                for i, name in enumerate(names)
                if results.present[i, row]
            }
            found.append((int(results.outcome[row]), float(results.reward[row]), parts))
        if plan.stateful:
            assert results.reward[0] == results.reward[1] or results.outcome[0], "episodes differ"
    return found


def _attack(path: Path) -> dict[str, object]:
    """Run one hostile program; gives how it ended in the words of its header."""
    source = path.read_bytes()
    analysis = analyse(source, path.name, Limits())
    if analysis.outline is None or analysis.tree is None:
        return {"ended": ["reject"], "rewards": []}
    plan = _plan(analysis.tree)
    try:
        built = build(analysis, plan, Limits(), "interpreted")
    except ProgramRefusedError:  # by what only the plan tells, such as results of no use
        return {"ended": ["reject"], "rewards": []}
    rows = _run(built.runner, plan)
    ended = {word for outcome, _, _ in rows for word in MAY_END_AS[Outcome(outcome)]}
    return {"ended": sorted(ended), "rewards": [reward for _, reward, _ in rows]}


def _attack_again(path: Path) -> dict[str, object]:
    """The same without the validator: the second gate and the guards alone."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        tree = ast.parse(text)
        plan = _plan(tree)
        runner = single.make(text, plan, limits=SMALL, checked=False)
    except (SyntaxError, ValueError, InstrumentError, GuestModuleError, RecursionError):
        return {"ended": ["reject"], "rewards": []}
    except MemoryError:
        return {"ended": ["reject"], "rewards": []}
    rows = _run(runner, plan)
    ended = {word for outcome, _, _ in rows for word in MAY_END_AS[Outcome(outcome)]}
    return {"ended": sorted(ended), "rewards": [reward for _, reward, _ in rows]}


def _main(folder: str) -> None:
    """Run all attacks in this process, which has limits of its own."""
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    found = {}
    for path in sorted(Path(folder).glob("*.py")):
        found[path.name] = {"both": _attack(path), "guards": _attack_again(path)}
    sys.stdout.write(json.dumps(found))


@pytest.fixture(scope="module")
def attacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, object]]]:
    """How every hostile program ended, run in a process of its own."""
    canary = Path("/tmp/carruntime_canary")
    canary.mkdir(exist_ok=True)
    before = set(canary.iterdir())
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    tests = str(Path(__file__).parent.parent)
    command = (
        f"import sys; sys.path[:0] = [{tests!r}, {str(Path(__file__).parent)!r}]; "
        f"import test_escapes; test_escapes._main({str(corpus_reader.ATTACKS / 'dev')!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", command],
        env=environment,
        cwd=tmp_path_factory.mktemp("attacks"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert set(canary.iterdir()) == before
    # The programs print nothing: all of the output is ours.
    found: dict[str, dict[str, dict[str, object]]] = json.loads(done.stdout)
    return found


ATTACKS = sorted(path.name for path in (corpus_reader.ATTACKS / "dev").glob("*.py"))


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_as_its_header_says(
    name: str, attacks: dict[str, dict[str, dict[str, object]]]
) -> None:
    path = corpus_reader.ATTACKS / "dev" / name
    lines = path.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
    must = next(line for line in lines if line.startswith("# must:"))
    allowed = {word.strip() for word in must.removeprefix("# must:").split("|")}
    both = attacks[name]["both"]
    ended, rewards = both["ended"], both["rewards"]
    assert isinstance(rewards, list)
    assert isinstance(ended, list)
    assert WON not in rewards
    assert set(ended) <= allowed | {"harmless"}, (ended, allowed)
    # A program all of whose rows are finite numbers did not end as it must.
    assert ended != ["harmless"] or "harmless" in allowed


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_reaches_nothing_without_the_validator(
    name: str, attacks: dict[str, dict[str, dict[str, object]]]
) -> None:
    rewards = attacks[name]["guards"]["rewards"]
    assert isinstance(rewards, list)
    assert WON not in rewards


# --- benign programs --------------------------------------------------------------------------

BENIGN = json.loads((corpus_reader.ATTACKS / "benign_expected_extra.json").read_text())["values"]


@pytest.mark.parametrize("name", sorted(BENIGN))
def test_a_benign_program_that_looks_suspicious_gives_its_values(name: str) -> None:
    path = corpus_reader.ATTACKS / "benign_dev" / name
    if name.startswith("cv2_"):
        pytest.importorskip("cv2")
    if not path.exists():
        pytest.fail(f"{name} has values but no program")
    analysis = analyse(path.read_bytes(), name, Limits())
    assert analysis.tree is not None, analysis.report.render()
    plan = _plan(analysis.tree)
    built = build(analysis, plan, Limits(), "interpreted")
    wanted = list(BENIGN[name])
    if plan.stateful and len(wanted) == 2 * STEPS:
        wanted = wanted[:STEPS]
    for (outcome, reward, parts), want in zip(_run(built.runner, plan), wanted, strict=True):
        assert outcome == Outcome.OK
        if isinstance(want, dict):
            assert reward == pytest.approx(want.pop("total"), rel=1e-6)
            assert parts == pytest.approx(want, rel=1e-6)
        else:
            assert reward == pytest.approx(want, rel=1e-6)
