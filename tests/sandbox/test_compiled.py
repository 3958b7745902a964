"""The compiled tier as a runner: the corpus, outcomes, state, fuel, independence of rows."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import corpus_reader
import numpy as np
import pytest
from numpy.typing import NDArray

from sandbox.diagnostics import Span
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.tiers.base import NO_FAILURE, Outputs, TierReason
from sandbox.tiers.compiled import compile_program
from sandbox.tiers.compiled.runner import CompiledRunner
from sandbox.tiers.interpreted import InterpretedRunner

NOT_TAKEN = {
    "antmaze_waypoints",
    "minigrid_keycorridor_explorer",
}
"""Programs of the corpus that this tier refuses; a name that compiles must leave this set."""


def compile_source(
    source: str,
    inputs: dict[str, ArraySpec],
    *,
    limits: Limits | None = None,
    cls: str | None = None,
) -> CompiledRunner | TierReason:
    """Compile a function ``reward`` of all inputs, or a class with ``step`` and ``reset``."""
    schema = Schema(tuple(inputs.items()))
    params = tuple(Param(name, name) for name in inputs)
    if cls is None:
        plan = Plan(schema=schema, reward=Call("reward", params))
    else:
        plan = Plan(
            schema=schema, class_name=cls, step=Call("step", params), reset=Call("reset", ())
        )
    return compile_program(ast.parse(source), plan, limits or Limits(), source)


def taken(*args: Any, **options: Any) -> CompiledRunner:
    """Compile what has to compile."""
    made = compile_source(*args, **options)
    assert not isinstance(made, TierReason), str(made)
    return made


def bound(runner: CompiledRunner, **columns: NDArray[Any]) -> Outputs:
    """Bind arrays of one length, everything pending."""
    rows = len(next(iter(columns.values())))
    outputs = corpus_reader.outputs(rows, 0, len(runner.component_names))
    runner.bind(rows, columns, outputs)
    return outputs


FLOAT = {"x": ArraySpec(dtype="float64")}


@pytest.mark.parametrize("name", corpus_reader.names())
def test_corpus_program_gives_its_64_rows_or_a_coded_reason(name: str) -> None:
    """Outcomes, exception classes, components and tasks are those of plain CPython."""
    program = corpus_reader.read(name)
    made = compile_program(program.tree, program.plan, Limits())
    if isinstance(made, TierReason):
        assert name in NOT_TAKEN, str(made)
        assert made.code.startswith("CMP")
        return
    assert name not in NOT_TAKEN
    assert corpus_reader.differences(program, corpus_reader.run(program, made)) == []


@pytest.mark.parametrize("name", sorted(set(corpus_reader.names()) - NOT_TAKEN))
def test_fuel_is_that_of_the_interpreted_tier(name: str) -> None:
    """Charged for what the program asks for, so fused loops cost what the source says."""
    program = corpus_reader.read(name)
    if program.plan.stateful:
        return
    made = compile_program(program.tree, program.plan, Limits())
    assert isinstance(made, CompiledRunner)
    reference = InterpretedRunner(
        program.tree, program.source.decode(), program.plan, Limits(), made.component_names
    )
    used = []
    for runner in (made, reference):
        outputs = corpus_reader.outputs(64, len(program.plan.tasks), len(made.component_names))
        runner.bind(64, {k: v.copy() for k, v in program.columns.items()}, outputs)
        runner.step()
        used.append(outputs.fuel.tolist())
    assert used[0] == used[1]


@pytest.mark.parametrize("name", ["minigrid_doorkey_staged", "hvac_comfort_energy"])
def test_rows_do_not_depend_on_batch_size_or_order(name: str) -> None:
    """The 64 rows one by one, and backwards, give the bits of the batch."""
    program = corpus_reader.read(name)
    made = compile_program(program.tree, program.plan, Limits())
    assert isinstance(made, CompiledRunner)
    whole = corpus_reader.outputs(64, 0, len(made.component_names))
    made.bind(64, {k: v.copy() for k, v in program.columns.items()}, whole)
    made.step()
    backwards = corpus_reader.outputs(64, 0, len(made.component_names))
    turned = {k: np.ascontiguousarray(v[::-1]) for k, v in program.columns.items()}
    made.bind(64, turned, backwards)
    made.step()
    assert backwards.reward[::-1].tobytes() == whole.reward.tobytes()
    assert backwards.outcome[::-1].tobytes() == whole.outcome.tobytes()
    for i in (0, 17, 63):
        one = corpus_reader.outputs(1, 0, len(made.component_names))
        made.bind(1, {k: v[i : i + 1].copy() for k, v in program.columns.items()}, one)
        made.step()
        assert one.reward.tobytes() == whole.reward[i : i + 1].tobytes()
        assert one.components.tobytes() == whole.components[:, i : i + 1].tobytes()


def test_rows_that_are_not_pending_are_left_alone() -> None:
    """Every field of a masked row keeps what the host put there."""
    runner = taken("def reward(x):\n    return x * 2, {'a': x}\n", FLOAT)
    outputs = bound(runner, x=np.arange(4.0))
    outputs.outcome[[1, 3]] = Outcome.SKIPPED
    outputs.reward[...] = -7.0
    runner.step()
    assert outputs.outcome.tolist() == [0, 9, 0, 9]
    assert outputs.reward.tolist() == [0.0, -7.0, 4.0, -7.0]


def test_a_failing_row_says_what_where_and_leaves_the_others() -> None:
    """Exception class, message and span of the line that raised."""
    source = "def reward(x):\n    if x > 1:\n        raise ValueError('too large')\n    return x\n"
    runner = taken(source, FLOAT)
    outputs = bound(runner, x=np.array([0.5, 2.0, 1.0]))
    runner.step()
    assert outputs.outcome.tolist() == [0, 1, 0]
    assert outputs.reward.tolist() == [0.5, 0.0, 1.0]
    failure = runner.failures[outputs.failure[1]]
    assert (failure.exception, failure.message) == ("ValueError", "too large")
    assert failure.span is not None
    assert failure.span.line == 3
    assert outputs.failure[[0, 2]].tolist() == [NO_FAILURE, NO_FAILURE]


def test_failures_can_be_forgotten_between_batches() -> None:
    """A runner whose list was cleared fills it again."""
    runner = taken("def reward(x):\n    return 1.0 / float(x)\n", FLOAT)
    outputs = bound(runner, x=np.zeros(2))
    runner.step()
    runner.failures.clear()
    outputs.outcome[...] = PENDING
    runner.step()
    assert [runner.failures[i].exception for i in outputs.failure] == ["ZeroDivisionError"] * 2
    assert len(runner.failures) == 1


def test_results_that_are_no_numbers_or_not_finite_have_their_outcomes() -> None:
    """None is a bad result, NaN is not finite; the reward of both is 0."""
    source = "def reward(x):\n    if x > 0:\n        return None\n    return x / 0.5\n"
    runner = taken(source, FLOAT)
    outputs = bound(runner, x=np.array([1.0, np.nan, -1.0]))
    runner.step()
    assert outputs.outcome.tolist() == [Outcome.BAD_RESULT, Outcome.NOT_FINITE, Outcome.OK]
    assert outputs.reward.tolist() == [0.0, 0.0, -2.0]


def test_components_absent_on_a_row_are_zero_and_not_present() -> None:
    """Names come from all paths, in the order of first appearance."""
    source = (
        "def reward(x):\n    parts = {'a': x}\n    if x > 0:\n        parts['b'] = 2 * x\n"
        "    return sum(parts.values()), parts\n"
    )
    runner = taken(source, FLOAT)
    assert runner.component_names == ("a", "b")
    outputs = bound(runner, x=np.array([1.0, -1.0]))
    runner.step()
    assert outputs.components.tolist() == [[1.0, -1.0], [2.0, 0.0]]
    assert outputs.present.tolist() == [[True, True], [True, False]]


ENDLESS = {
    "while true": "def reward(x):\n    while True:\n        x = x + 1\n    return x\n",
    "a long range": "def reward(x):\n    t = 0.0\n    for i in range(int(x) + 10 ** 12):\n"
    "        t += i * x\n    return t\n",
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_program_that_does_not_end_runs_out_of_fuel(kind: str) -> None:
    """Such a row ends by itself, and the fuel it is charged is the limit."""
    runner = taken(ENDLESS[kind], FLOAT, limits=Limits(fuel=5_000))
    outputs = bound(runner, x=np.arange(3.0))
    runner.step()
    assert outputs.outcome.tolist() == [Outcome.OUT_OF_FUEL] * 3
    assert outputs.fuel.tolist() == [5_000] * 3


COUNTER = """
class Counter:
    def __init__(self):
        self.count = 0
        self.last = None
        self.history = [0.0, 0.0]

    def reset(self):
        self.count = 10

    def step(self, x):
        self.count += 1
        if x < 0:
            raise ValueError("negative")
        before = self.last
        self.last = x
        self.history[0] = self.history[1]
        self.history[1] = x
        return self.count + (0.0 if before is None else before) + sum(self.history)
"""


def test_state_is_kept_by_row_and_reset_by_mask() -> None:
    """After a raise the state stays as the raise left it; a reset touches its rows only."""
    runner = taken(COUNTER, FLOAT, cls="Counter")
    x = np.array([1.0, -1.0, 2.0])
    outputs = bound(runner, x=x)
    runner.step()
    assert outputs.outcome.tolist() == [Outcome.STATE_LOST] * 3
    outputs.outcome[...] = PENDING
    runner.reset()
    outputs.outcome[...] = PENDING
    runner.step()
    assert outputs.outcome.tolist() == [0, 1, 0]
    assert outputs.reward.tolist() == [12.0, 0.0, 13.0]
    x[1] = 5.0
    outputs.outcome[...] = PENDING
    runner.step()
    # Row 1 counted twice, though its first step raised before it noted anything else.
    assert outputs.reward.tolist() == [12 + 1.0 + 2.0, 12 + 5.0, 12 + 2.0 + 4.0]
    outputs.outcome[0] = PENDING
    runner.reset()
    outputs.outcome[...] = PENDING
    runner.step()
    assert outputs.reward.tolist() == [12.0, 13 + 5.0 + 10.0, 13 + 2.0 + 4.0]


def test_a_row_that_ran_out_of_fuel_has_lost_its_state_until_reset() -> None:
    """Rows beside it go on."""
    source = (
        "class R:\n    def reset(self):\n        self.n = 0\n"
        "    def step(self, x):\n        self.n += 1\n        while x > 0:\n            x = x + 1\n"
        "        return self.n\n"
    )
    runner = taken(source, FLOAT, cls="R", limits=Limits(fuel=1_000))
    x = np.array([1.0, 0.0])
    outputs = bound(runner, x=x)
    for call in (runner.reset, runner.step, runner.step):
        outputs.outcome[...] = PENDING
        call()
    assert outputs.outcome.tolist() == [Outcome.STATE_LOST, Outcome.OK]
    assert outputs.reward.tolist() == [0.0, 2.0]


VISITS = """
class Visits:
    def reset(self):
        self.seen = set()
        self.counts = {}

    def step(self, cell):
        key = (int(cell[0]), int(cell[1]))
        new = key not in self.seen
        self.seen.add(key)
        self.counts[key] = self.counts.get(key, 0) + 1
        return 100.0 * new + 10.0 * len(self.seen) + self.counts[key]
"""


@pytest.mark.parametrize(
    "source",
    [VISITS, VISITS.replace("0])", "0]) % 5").replace("1])", "1]) % 5")],
    ids=["any key", "few keys"],
)
def test_sets_and_dicts_of_positions_live_in_the_state(source: str) -> None:
    """Keys depend on the data; each row has its own, and a reset empties them."""
    spec = {"cell": ArraySpec(shape=(2,), dtype="int8")}
    runner = taken(source, spec, cls="Visits")
    cell = np.array([[1, 2], [3, 4]], np.int8)
    outputs = bound(runner, cell=cell)
    outputs.outcome[...] = PENDING
    runner.reset()
    paid = []
    for second in (4, 4, 0):
        cell[1, 1] = second
        outputs.outcome[...] = PENDING
        runner.step()
        paid.append(outputs.reward.tolist())
    assert paid == [[111.0, 111.0], [12.0, 12.0], [13.0, 121.0]]
    outputs.outcome[0] = PENDING
    runner.reset()
    outputs.outcome[...] = PENDING
    runner.step()
    assert outputs.reward.tolist() == [111.0, 22.0]


REFUSED = {
    "CMP121": "total = 0\ndef reward(x):\n    global total\n    total += 1\n    return total\n",
    "CMP122": "seen = []\ndef reward(x):\n    seen.append(1)\n    return len(seen)\n",
    "CMP209": "def reward(x):\n    q = [1]\n    for i in q:\n        q.append(i)\n    return 0\n",
    "CMP414": "def reward(x):\n    return 1.0 if len.__self__ else 0.0\n",
    "CMP915": "def reward(x):\n    return len('a' * 10 ** 9)\n",
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_would_be_wrong_or_dear_here_is_refused(code: str) -> None:
    """State outside of ``self``, loops over what they change, interpreter internals, bombs."""
    made = compile_source(REFUSED[code], FLOAT)
    assert isinstance(made, TierReason)
    assert made.code == code


def test_what_is_refused_names_code_line_and_construct() -> None:
    """Nothing is guessed: a function outside of the table keeps the program interpreted."""
    source = "import numpy as np\ndef reward(x):\n    return np.linalg.det(x)\n"
    made = compile_source(source, {"x": ArraySpec(shape=(2, 2))})
    assert isinstance(made, TierReason)
    assert made.code == "CMP407"
    assert "numpy.linalg.det" in made.message
    assert made.span is not None
    assert made.span.line == 3


def test_recursion_is_refused() -> None:
    """All calls are inlined, so a call that needs itself has no end."""
    source = "def reward(x):\n    return reward(x - 1) if x > 0 else 0.0\n"
    made = compile_source(source, FLOAT)
    assert isinstance(made, TierReason)
    assert made.code == "CMP117"


def test_wrong_columns_are_an_error_before_any_kernel_runs() -> None:
    """A kernel trusts its layout, so the binding checks it."""
    runner = taken("def reward(x):\n    return x\n", FLOAT)
    with pytest.raises(ValueError, match="column 'x'"):
        bound(runner, x=np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="column 'x'"):
        bound(runner, x=np.zeros(8)[::2])


def test_printed_core_names_columns_and_explains_costs() -> None:
    """People can read what runs, and what a row costs in memory."""
    runner = taken("def reward(x):\n    return x * 2.0\n", FLOAT)
    assert "input x: f64[1]" in runner.core_text
    assert "x[0]" in runner.core_text
    assert runner.explain["row_bytes_read"] == 8
    assert "define" in runner.source_text


def test_limits_of_lowering_end_in_a_reason() -> None:
    """A program that unfolds without end does not keep the compiler busy for long."""
    source = (
        "from itertools import product\ndef reward(x):\n    t = 0.0\n"
        + "".join(f"{'    ' * (k + 1)}for i{k} in (1, 2, 3, 4, 5, 6, 7, 8):\n" for k in range(7))
        + "    " * 8
        + "t += x * i0\n    return t\n"
    )
    made = compile_source(source, FLOAT, limits=replace(Limits(), compile_s=5.0))
    assert isinstance(made, TierReason)
    assert made.code in ("CMP911", "CMP912")


def test_places_count_characters_not_bytes() -> None:
    """A line with text beyond ASCII before the place: in a reason and in a failure of a row."""
    made = compile_source('def reward(x):\n    é = "日本"; g = [1] + {}\n    return x\n', FLOAT)
    assert isinstance(made, TierReason)
    assert (made.code, made.span) == ("CMP320", Span(2, 19, 2, 27))
    runner = taken('def reward(x):\n    é = "日本"; return 1.0 / int(x)\n', FLOAT)
    outputs = bound(runner, x=np.zeros(1))
    runner.step()
    failure = runner.failures[outputs.failure[0]]
    assert failure.exception == "ZeroDivisionError"
    assert failure.span == Span(2, 22, 2, 34)


KEEPING = "class R:\n    def reset(self):\n        self.a = {}\n    def step(self, x):\n        {}\n        return x\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            KEEPING.format("(k for k in range(3))", "pass"),
            "CMP702 `self.a` keeps a generator or iterator (line 3)",
        ),
        (KEEPING.format("0", "self.a = range(3)"), "CMP702 `self.a` keeps a range (line 5)"),
        (
            KEEPING.format("[]", "self.a.append(range(3))"),
            "CMP702 `self.a` keeps a range (line 3)",
        ),
        (
            KEEPING.format("()", "self.a = (self.a, x)"),
            "CMP705 `self.a` never settles on one type (line 5)",
        ),
        (
            KEEPING.format("[]", "self.b = self.a"),
            "CMP701 `self.b` keeps a container that is kept elsewhere in `self` (line 5)",
        ),
        (
            "def reward(x):\n    g = (k for k in range(3))\n    return len(g)\n",
            "CMP320 this operation on a generator or iterator is not taken (line 3)",
        ),
        (
            "class A:\n    pass\ndef reward(x):\n    return A + A\n",
            "CMP320 this operation on the class `A` is not taken (line 4)",
        ),
        (
            "def reward(x):\n    match x:\n        case {1: 2}:\n            return 0\n    return x\n",
            "CMP113 a mapping pattern in `match` (line 3)",
        ),
        (
            "def reward(x):\n    return round([x, 2.5], 1)[0]\n",
            "CMP410 round() of other than a number; write np.round(...) (line 2)",
        ),
        (
            "def reward(x):\n    return [1] + {}\n",
            "CMP320 this operation on a list and a dict is not taken (line 2)",
        ),
    ],
)
def test_a_reason_names_things_as_the_program_does(source: str, reason: str) -> None:
    """No class of the compiler in a message, and the attribute of `self` with its line."""
    made = compile_source(source, FLOAT, cls="R" if source.startswith("class R") else None)
    assert isinstance(made, TierReason)
    assert str(made) == reason


def test_messages_of_a_row_name_types_as_python_does() -> None:
    """What a TypeError says where it is certain."""
    runner = taken("def reward(x):\n    return x < {}\n", FLOAT)
    outputs = bound(runner, x=np.zeros(1))
    runner.step()
    message = runner.failures[outputs.failure[0]].message
    assert message == "'<' not supported between instances of 'numpy.float64' and 'dict'"
