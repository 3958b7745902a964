"""Read the state corpus into what a runner takes, and a runner's arrays back into rows.

A corpus program has 64 rows made by plain CPython. Stateless programs run them as one batch of
64; a class runs its eight episodes side by side as eight rows, eight steps each, so that reset,
masks of episodes and state are on the path. Both tiers are tested through this one reader.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, field
from functools import cache
from math import isfinite, isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, DictSpec, Schema, Spec
from sandbox.tiers.base import NO_FAILURE, Outputs, Runner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

STATE = Path(__file__).parent / "corpus" / "state"
ATTACKS = Path(__file__).parent / "corpus" / "attacks"
TEXT_BYTES = 256


@dataclass(frozen=True, slots=True)
class Row:
    """How one row came out, or has to.

    Attributes:
        reward: The paid value; NaN where it is not finite, None where nothing pays.
        components: Those present on the row.
        error: Class name of what the paying call raised.
        tasks: Per task its value, or the class name of what it raised.
    """

    reward: float | None = None
    components: dict[str, float] = field(default_factory=dict)
    error: str | None = None
    tasks: tuple[bool | str, ...] = ()


@dataclass(frozen=True, slots=True)
class CorpusProgram:
    """One folder of the corpus.

    Attributes:
        columns: All 64 rows, by the names of ``plan.schema.columns()``, text lengths included.
        episode: Index of the episode of each row; None for stateless programs.
        step: Step within its episode of each row.
    """

    name: str
    source: bytes
    form: str
    plan: Plan
    columns: dict[str, NDArray[Any]]
    expected: tuple[Row, ...]
    episode: NDArray[np.int64] | None
    step: NDArray[np.int64] | None

    @property
    def tree(self) -> ast.Module:
        """The program's syntax tree."""
        return ast.parse(self.source.decode())

    @property
    def tolerance(self) -> float:
        """Relative difference allowed between machines; wider where float32 is read."""
        dtypes = {array.dtype for array in self.columns.values()}
        return 2e-6 if np.dtype(np.float32) in dtypes else 1e-10


def names(corpus: Path = STATE) -> list[str]:
    """Names of all programs of a corpus."""
    return sorted(folder.name for folder in corpus.iterdir() if folder.is_dir())


@cache
def read(name: str, corpus: Path = STATE) -> CorpusProgram:
    """Read one corpus program; the arrays are shared, so they are not writable."""
    folder = corpus / name
    spec = json.loads((folder / "spec.json").read_text())
    source = (folder / "program.py").read_bytes()
    form = spec["form"]
    observation = _tree(spec["observation_space"])
    action = _leaf(spec["action_space"])
    plan = _plan(form, spec["entry"], ast.parse(source), observation, action)
    with np.load(folder / "cases.npz") as stored:
        cases = {key: stored[key] for key in stored.files}
    columns: dict[str, NDArray[Any]] = {}
    for column in plan.schema.columns():
        key = column.name
        if form == "T":
            key = key.replace("next_obs", "obs", 1)
        if key.startswith("initial_obs") and form == "C":
            # The first observation of the episode is `obs` of the episode's step 0.
            first = cases["obs" + key.removeprefix("initial_obs")]
            values = first[np.repeat(np.flatnonzero(cases["step"] == 0), 8)]
        else:
            values = cases[key]
        for part, array in _encode(column.name, column.spec, values):
            array.setflags(write=False)
            columns[part] = array
    expected = json.loads((folder / "expected.json").read_text())["rows"]
    episodic = form == "C"
    return CorpusProgram(
        name=name,
        source=source,
        form=form,
        plan=plan,
        columns=columns,
        expected=tuple(_expected(row) for row in expected),
        episode=cases["episode"] if episodic else None,
        step=cases["step"] if episodic else None,
    )


def outputs(rows: int, tasks: int = 0, components: int = 0) -> Outputs:
    """Make result arrays with every row pending."""
    return Outputs(
        outcome=np.full(rows, PENDING, np.uint8),
        reward=np.full(rows, nan),
        components=np.full((components, rows), nan),
        present=np.ones((components, rows), np.bool_),
        tasks=np.zeros((rows, tasks), np.bool_),
        task_outcome=np.full((rows, tasks), PENDING, np.uint8),
        failure=np.full(rows, NO_FAILURE, np.int32),
        task_failure=np.full((rows, tasks), NO_FAILURE, np.int32),
        fuel=np.zeros(rows, np.int64),
    )


def mark_pending(results: Outputs, rows: NDArray[np.bool_] | None = None) -> None:
    """Ask for the given rows (all when left out) on the next call."""
    where: Any = slice(None) if rows is None else rows
    results.outcome[where] = PENDING
    results.task_outcome[where] = PENDING


def run(program: CorpusProgram, runner: Runner) -> list[Row]:
    """Run all 64 rows of a corpus program and give them in the order of the corpus."""
    num_tasks, num_components = len(program.plan.tasks), len(runner.component_names)
    if program.episode is None or program.step is None:
        results = outputs(64, num_tasks, num_components)
        inputs = {name: array.copy() for name, array in program.columns.items()}
        runner.bind(64, inputs, results)
        runner.step()
        return [row_of(runner, program.plan, results, i) for i in range(64)]
    episodes = int(program.episode.max()) + 1
    results = outputs(episodes, num_tasks, num_components)
    inputs = {
        name: np.zeros((episodes, *array.shape[1:]), array.dtype)
        for name, array in program.columns.items()
    }
    runner.bind(episodes, inputs, results)
    rows: list[Row] = [Row()] * len(program.expected)
    for step in range(int(program.step.max()) + 1):
        source = [int(i) for i in np.flatnonzero(program.step == step)]
        for name, array in program.columns.items():
            inputs[name][...] = array[source]
        if step == 0:
            mark_pending(results)
            runner.reset()
            assert (results.outcome == Outcome.OK).all(), [
                failure.message for failure in runner.failures
            ]
        mark_pending(results)
        runner.step()
        for lane, index in enumerate(source):
            rows[index] = row_of(runner, program.plan, results, lane)
    return rows


def row_of(runner: Runner, plan: Plan, results: Outputs, i: int) -> Row:
    """Read one row of a batch."""
    assert results.outcome[i] != PENDING
    tasks: list[bool | str] = []
    for k in range(len(plan.tasks)):
        outcome = results.task_outcome[i, k]
        if outcome == Outcome.OK:
            tasks.append(bool(results.tasks[i, k]))
        else:
            failure = results.task_failure[i, k]
            tasks.append(_error(runner, int(outcome), int(failure)))
    outcome = int(results.outcome[i])
    if plan.reward is None and plan.step is None:
        return Row(tasks=tuple(tasks))
    if outcome == Outcome.NOT_FINITE:
        return Row(reward=nan, tasks=tuple(tasks))
    if outcome != Outcome.OK:
        error = _error(runner, outcome, int(results.failure[i]))
        return Row(error=error, tasks=tuple(tasks))
    components = {
        name: float(results.components[c, i])
        for c, name in enumerate(runner.component_names)
        if results.present[c, i]
    }
    return Row(reward=float(results.reward[i]), components=components, tasks=tuple(tasks))


def differences(program: CorpusProgram, rows: list[Row]) -> list[str]:
    """Say in words where rows are not as the corpus has them; empty when all are."""
    found = []
    for i, (got, want) in enumerate(zip(rows, program.expected, strict=True)):
        problem = _differs(got, want, program.tolerance)
        if problem:
            found.append(f"{program.name} row {i}: {problem}; got {got}, want {want}")
    return found


def _differs(got: Row, want: Row, tolerance: float) -> str:
    if got.error != want.error:
        return f"error {got.error} is not {want.error}"
    if got.tasks != want.tasks:
        return f"tasks {got.tasks} are not {want.tasks}"
    if want.reward is None:
        return "" if got.reward is None else "a reward where none is expected"
    finite = isfinite(want.reward) and all(map(isfinite, want.components.values()))
    if not finite:
        # The runtime counts every kind of non-finite value as one outcome.
        return "" if got.reward is not None and isnan(got.reward) else "should not be finite"
    if got.reward is None or not _close(got.reward, want.reward, tolerance):
        return f"reward {got.reward} is not {want.reward}"
    if got.components.keys() != want.components.keys():
        return "other components"
    for name, value in want.components.items():
        if not _close(got.components[name], value, tolerance):
            return f"component {name} {got.components[name]} is not {value}"
    return ""


def _close(a: float, b: float, tolerance: float) -> bool:
    return a == b or abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-3)


def _error(runner: Runner, outcome: int, failure: int) -> str:
    if failure != NO_FAILURE and outcome == Outcome.ERROR:
        return runner.failures[failure].exception
    return Outcome(outcome).name


def _expected(row: Any) -> Row:
    if isinstance(row, list):
        return Row(tasks=tuple(v["error"] if isinstance(v, dict) else bool(v) for v in row))
    if "error" in row:
        return Row(error=row["error"])
    components = {name: float(value) for name, value in row.get("components", {}).items()}
    return Row(reward=float(row["reward"]), components=components)


def _leaf(space: dict[str, Any]) -> ArraySpec:
    if "discrete" in space:
        return ArraySpec(kind="int", dtype="int64", low=0.0, high=float(space["discrete"] - 1))
    if space.get("text"):
        return ArraySpec(kind="text", shape=(TEXT_BYTES,), dtype="uint8")
    low = np.array(space["low"], dtype=object).ravel()
    high = np.array(space["high"], dtype=object).ravel()
    return ArraySpec(
        shape=tuple(space["shape"]),
        dtype=space["dtype"],
        low=min(float(v) for v in low),
        high=max(float(v) for v in high),
    )


def _tree(spaces: dict[str, Any]) -> Spec:
    if list(spaces) == [""]:
        return _leaf(spaces[""])
    return DictSpec(tuple((name, _leaf(space)) for name, space in spaces.items()))


def _encode(name: str, spec: ArraySpec, values: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    if spec.kind != "text":
        yield name, np.ascontiguousarray(values, dtype=spec.dtype)
        return
    slots = np.zeros((len(values), *spec.shape), np.uint8)
    lengths = np.zeros(len(values), np.int32)
    for i, text in enumerate(values):
        data = str(text).encode()
        slots[i, : len(data)] = np.frombuffer(data, np.uint8)
        lengths[i] = len(data)
    yield name, slots
    yield f"{name}#len", lengths


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [a.arg for a in function.args.args if a.arg != "self"]


def _methods(name: str, classes: dict[str, ast.ClassDef]) -> dict[str, ast.FunctionDef]:
    """Give the methods of a class, those of its bases included."""
    found: dict[str, ast.FunctionDef] = {}
    for base in reversed(classes[name].bases):
        if isinstance(base, ast.Name) and base.id in classes:
            found.update(_methods(base.id, classes))
    own = classes[name].body
    return found | {node.name: node for node in own if isinstance(node, ast.FunctionDef)}


def _plan(form: str, entry: str, tree: ast.Module, observation: Spec, action: ArraySpec) -> Plan:
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    known = {"obs", "next_obs", "initial_obs"}
    used: dict[str, Spec] = {}

    def param(name: str, *, alone: bool = False) -> Param:
        if name in known:
            slot = "next_obs" if alone and name == "obs" else name
            used[slot] = observation
            return Param(name, slot)
        if name == "action":
            used["action"] = action
            return Param(name, "action")
        used["next_obs"] = observation
        return Param(name, "next_obs", (name,))

    if form in ("F", "F2"):
        call = Call(entry, tuple(param(name) for name in _parameters(functions[entry])))
        return Plan(schema=Schema(tuple(used.items())), reward=call)
    if form == "T":
        listed = next(
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.List)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "TASKS"
        )
        order = [item.id for item in listed.elts if isinstance(item, ast.Name)]
        calls = tuple(
            Call(name, tuple(param(p, alone=True) for p in _parameters(functions[name])))
            for name in order
        )
        return Plan(schema=Schema(tuple(used.items())), tasks=calls)
    methods = _methods(entry, classes)
    step = Call("step", tuple(param(name) for name in _parameters(methods["step"])))
    reset = None
    if "reset" in methods:
        used["initial_obs"] = observation
        reset = Call(
            "reset", tuple(Param(name, "initial_obs") for name in _parameters(methods["reset"]))
        )
    return Plan(schema=Schema(tuple(used.items())), class_name=entry, step=step, reset=reset)


__all__ = [
    "ATTACKS",
    "STATE",
    "CorpusProgram",
    "Row",
    "differences",
    "mark_pending",
    "names",
    "outputs",
    "read",
    "row_of",
    "run",
]
