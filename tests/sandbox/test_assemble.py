"""From an analysis to a runner: components, the probe, and tiers that have to agree."""

from __future__ import annotations

import ast
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal

import corpus_reader
import numpy as np
import pytest
import single

from sandbox import assemble
from sandbox.components import static_components
from sandbox.errors import ProgramRefusedError
from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.passes import Built, analyse, build
from sandbox.plan import Call, Param, Plan
from sandbox.probe import probe_batches, probe_inputs
from sandbox.schema import ArraySpec, DictSpec, Schema
from sandbox.tiers.base import Failure, Inputs, Outputs, Runner, Tier, TierReason
from sandbox.tiers.interpreted import InterpretedRunner

X = ArraySpec(shape=(3,), dtype="float64", low=-1.0, high=1.0)
PLAN = Plan(schema=Schema((("x", X),)), reward=Call("reward", (Param("x", "x"),)))


def built(
    source: str,
    plan: Plan = PLAN,
    tier: Literal["auto", "interpreted", "compiled"] = "interpreted",
    limits: Limits | None = None,
) -> Built:
    chosen = limits or Limits()
    return build(analyse(source.encode(), "program.py", chosen), plan, chosen, tier)


# --- components -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", corpus_reader.names())
def test_the_components_of_a_state_program_are_found(name: str) -> None:
    program = corpus_reader.read(name)
    wanted = {key for row in program.expected for key in row.components}
    found = built(program.source.decode(), program.plan).component_names
    # Only rows without any error show all names, so more may be found than the corpus has.
    assert wanted <= set(found)
    assert len(found) <= len(wanted) + 1


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ("return 1, {'a': 1, 'b': 2}", ("a", "b")),
        ("c = {}\nc['a'] = 1\nif x[0] > 5:\n    c['rare'] = 2\nreturn 1, c", ("a", "rare")),
        ("c = dict(a=1)\nc.update(b=2)\nreturn 1, c", ("a", "b")),
        ("return {'total': 1, 'a': 2}", ("a",)),
        ("c = {f'leg_{i}': 1.0 for i in range(3)}\nreturn 1, c", ("leg_0", "leg_1", "leg_2")),
        (
            "c = {}\nfor n in ('p', 'q'):\n    if x[0] > 9:\n        c['r_' + n] = 1\nreturn 1, c",
            ("r_p", "r_q"),
        ),
        (
            "c = {}\nfor i, v in enumerate([5, 6]):\n    if x[0] > 9:\n        c[f's{i}'] = v\nreturn 1, c",
            ("s0", "s1"),
        ),
        ("a = {'a': 1}\nif x[0] > 9:\n    return 2, {**a, 'b': 1}\nreturn 1, a", ("a", "b")),
        ("return 1, parts(x)", ("h", "k")),
        ("if x[0] > 9:\n    return 1, {'only': 2}\nreturn 0.0", ("only",)),
    ],
)
def test_names_on_paths_that_no_row_takes_are_found_in_the_source(
    lines: str, names: tuple[str, ...]
) -> None:
    top = "def parts(x):\n    if x[1] > 9:\n        return {'h': 1}\n    return {'k': 1}\n"
    inside = "".join(f"    {line}\n" for line in lines.splitlines())
    source = f"{top}def reward(x):\n{inside}"
    assert sorted(built(source).component_names) == sorted(names)


def test_a_class_level_table_names_components() -> None:
    source = (
        "class Reward:\n    BONUS = {'key': 1.0, 'door': 2.0}\n    def step(self, x):\n        c = {}\n"
        "        for name in self.BONUS:\n            if x > 10 ** 6:\n                c[f'got_{name}'] = 1.0\n"
        "        return 0.0, c\n"
    )
    tree = ast.parse(source)
    names = static_components(tree, single.class_plan(reset=False))
    assert names == ("got_key", "got_door")


def test_more_components_than_there_may_be_are_refused() -> None:
    source = "def reward(x):\n    return 1.0, {f'c{i}': 1.0 for i in range(70)}\n"
    with pytest.raises(ProgramRefusedError, match="SBX703"):
        built(source)


def test_a_name_unknown_at_load_is_a_bad_result_of_that_row() -> None:
    source = "def reward(x):\n    k = 'a' * int(x[0] * 50)\n    return 1.0, {'p' + k[40:]: 1.0}\n"
    found = built(source)
    results = corpus_reader.outputs(2, 0, len(found.component_names))
    found.runner.bind(2, {"x": np.array([[0.1, 0, 0], [7.0, 0, 0]])}, results)
    found.runner.step()
    assert results.outcome.tolist() == [Outcome.OK, Outcome.BAD_RESULT]


# --- the probe --------------------------------------------------------------------------------

MIXED = DictSpec(
    (
        ("image", ArraySpec(shape=(7, 7, 3), dtype="uint8", low=0, high=255)),
        ("n", ArraySpec(kind="int", dtype="int64", low=0, high=3)),
        ("flag", ArraySpec(kind="bool", dtype="bool", low=0, high=1)),
        ("v", ArraySpec(shape=(4,), dtype="float32")),
        ("text", ArraySpec(kind="text", shape=(32,), dtype="uint8")),
    )
)
MIXED_SCHEMA = Schema((("obs", MIXED), ("next_obs", MIXED), ("action", single.INT)))
TREE = ast.parse(
    "DOOR = 77\nLIMIT = 0.35\n"
    "def reward(obs):\n    '''Open the red door.'''\n    return obs['text'] == 'go to the door'\n"
)


def test_a_probe_is_the_same_each_time_and_fits_the_schema() -> None:
    first, again = (probe_inputs(MIXED_SCHEMA, TREE) for _ in range(2))
    names = {column.name for column in MIXED_SCHEMA.columns()}
    assert names <= set(first)
    for column in MIXED_SCHEMA.columns():
        array = first[column.name]
        assert array.shape == (192, *column.spec.shape)
        assert array.dtype == column.spec.dtype
        if column.spec.kind != "text":
            assert np.isfinite(array.astype(float)).all()
            assert array.min() >= column.spec.low
            assert array.max() <= column.spec.high
        assert np.array_equal(array, again[column.name])


def test_a_probe_has_the_numbers_and_texts_of_the_program() -> None:
    batch = probe_inputs(MIXED_SCHEMA, TREE)
    assert (batch["obs/image"] == 77).any(axis=(1, 2, 3)).mean() > 0.3
    assert np.isclose(batch["obs/v"], 0.35, atol=1e-5).any()
    texts = {
        bytes(slot[:length]).decode()
        for slot, length in zip(batch["obs/text"], batch["obs/text#len"], strict=True)
    }
    assert "go to the door" in texts
    assert any("red" in text for text in texts)


def test_a_probe_has_rows_on_which_nothing_or_little_changes() -> None:
    batch = probe_inputs(MIXED_SCHEMA, TREE)
    changed = (batch["obs/image"] != batch["next_obs/image"]).mean(axis=(1, 2, 3))
    assert (changed == 0).any()
    assert ((changed > 0) & (changed < 0.1)).any()
    assert (changed > 0.5).any()


def test_steps_of_an_episode_follow_on_each_other() -> None:
    plan = Plan(
        schema=Schema((*MIXED_SCHEMA.slots, ("initial_obs", MIXED), ("t", single.INT))),
        class_name="Reward",
        step=Call("step", ()),
    )
    batches = probe_batches(plan, TREE)
    assert len(batches) == 8
    for before, after in pairwise(batches):
        for name in ("image", "n", "text", "text#len"):
            assert np.array_equal(before[f"next_obs/{name}"], after[f"obs/{name}"])
            assert np.array_equal(after[f"initial_obs/{name}"], batches[0][f"obs/{name}"])
    assert [int(batch["t"][0]) for batch in batches] == list(range(8))


def test_a_program_that_never_ends_is_tried_on_few_rows() -> None:
    source = "def reward(x):\n    while True:\n        pass\n"
    found = built(source, limits=Limits(fuel=2_000_000))
    assert found.runner.tier == "interpreted"


# --- agreement --------------------------------------------------------------------------------


class Tampered:
    """An interpreted runner that gives one thing wrong, standing in for a faulty kernel."""

    def __init__(self, inner: InterpretedRunner, fault: str) -> None:
        self.inner = inner
        self.fault = fault

    @property
    def tier(self) -> Tier:
        return "compiled"

    @property
    def component_names(self) -> tuple[str, ...]:
        return self.inner.component_names

    @property
    def failures(self) -> list[Failure]:
        return self.inner.failures

    def bind(self, num_rows: int, inputs: Inputs, outputs: Outputs) -> None:
        self.inner.bind(num_rows, inputs, outputs)
        self.outputs = outputs

    handed_over = 0
    works_in_blocks = True

    def lend(self, spare: InterpretedRunner) -> None:
        assert spare.tier == "interpreted"

    def reset(self) -> None:
        self.inner.reset()

    def step(self) -> None:
        rows = np.flatnonzero(self.outputs.outcome == 255)
        self.inner.step()
        row = int(rows[-1])
        good = self.outputs.outcome[row] == Outcome.OK
        if self.fault == "reward" and good:
            self.outputs.reward[row] += 1e-9
        elif self.fault == "fuel" and good:
            self.outputs.fuel[row] += 1
        elif self.fault == "many rows" and good and len(rows) > 1:
            # The least difference there is, and only where rows are computed together.
            self.outputs.reward[row] = np.nextafter(self.outputs.reward[row], np.inf)
        elif self.fault == "component" and good:
            self.outputs.components[0, row] *= 1.000001
        elif self.fault == "presence" and good:
            self.outputs.present[0, row] = not self.outputs.present[0, row]
        elif self.fault == "outcome":
            self.outputs.outcome[row] = Outcome.ERROR if good else Outcome.OK
        elif self.fault == "exception" and self.inner.failures:
            self.inner.failures[0] = replace(self.inner.failures[0], exception="IndexError")
        elif self.fault == "crash":
            raise SystemError("no")


SOURCE = (
    "def reward(x):\n    if x[0] > 0.5:\n        raise ValueError('far')\n"
    "    return x[0] + 0.25, {'a': x[1] + 0.5}\n"
)


def _with_fault(monkeypatch: pytest.MonkeyPatch, fault: str) -> Built:
    def fake(tree: ast.Module, plan: Plan, limits: Limits, text: str = "") -> Runner | TierReason:
        inner = InterpretedRunner(tree, SOURCE, plan, limits, ("a",))
        made: Any = Tampered(inner, fault)
        return made  # type: ignore[no-any-return]

    monkeypatch.setattr(assemble, "_compile", fake)
    return built(SOURCE, tier="auto")


def test_a_kernel_that_agrees_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _with_fault(monkeypatch, "none")
    assert found.runner.tier == "compiled"
    assert found.tier_reason is None
    assert found.component_names == ("a",)


@pytest.mark.parametrize(
    "fault", ["reward", "component", "presence", "outcome", "exception", "fuel", "many rows"]
)
def test_a_kernel_that_differs_is_not_used(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    found = _with_fault(monkeypatch, fault)
    assert found.runner.tier == "interpreted"
    assert found.tier_reason is not None
    assert found.tier_reason.code == "CMP900"
    assert found.runner.failures == []


def test_a_kernel_that_fails_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _with_fault(monkeypatch, "crash")
    assert found.tier_reason is not None
    assert found.tier_reason.code == "CMP992"


def test_asking_for_the_compiled_tier_refuses_what_it_does_not_take() -> None:
    source = (
        "def reward(x):\n    match x:\n        case [1, 2]:\n            return 0\n    return 0.0\n"
    )
    assert built(source, tier="auto").runner.tier == "interpreted"
    with pytest.raises(ProgramRefusedError, match="SBX704"):
        built(source, tier="compiled")


def test_a_failing_top_level_is_a_finding_with_its_place() -> None:
    with pytest.raises(ProgramRefusedError) as caught:
        built("SCALE = 1 / 0\ndef reward(x):\n    return SCALE\n")
    (finding,) = (item for item in caught.value.report.findings if item.rule == "SBX701")
    assert finding.span is not None
    assert (finding.span.line, finding.span.column) == (1, 9)
    assert "ZeroDivisionError" in finding.message


def test_an_analysis_with_errors_is_not_built() -> None:
    with pytest.raises(ProgramRefusedError):
        built("import os\ndef reward(x):\n    return os.getpid()\n")


def test_building_twice_gives_the_same_names_and_rows() -> None:
    program = corpus_reader.read("minigrid_unlockpickup_tracker")
    rows = []
    for _ in range(2):
        found = built(program.source.decode(), program.plan)
        rows.append((found.component_names, corpus_reader.run(program, found.runner)))
    assert rows[0] == rows[1]
