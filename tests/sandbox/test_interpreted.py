"""The interpreted tier: rows, results, failures, limits, and what may live between rows."""

from __future__ import annotations

import corpus_reader
import numpy as np
import pytest
import single

from sandbox.diagnostics import Span
from sandbox.instrument import InstrumentError
from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, DictSpec, Schema, TupleSpec
from sandbox.tiers.interpreted import GuestModuleError

IMAGE = ArraySpec(shape=(2, 2), dtype="uint8")


@pytest.mark.parametrize("name", corpus_reader.names())
def test_a_state_program_gives_its_expected_rows(name: str) -> None:
    program = corpus_reader.read(name)
    components = tuple(dict.fromkeys(key for row in program.expected for key in row.components))
    runner = single.make(program.source.decode(), program.plan, components=components)
    assert corpus_reader.differences(program, corpus_reader.run(program, runner)) == []


def test_advice_of_the_compiler_on_a_text_is_no_warning_of_the_host() -> None:
    # A warning is an error in these tests; plain compile() warns of this comparison.
    assert single.run(single.body("return 1.0 if 1 is 1 else 0.0")).value == 1.0


# --- results ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "value"),
    [
        ("3", 3.0),
        ("True", 1.0),
        ("2.5", 2.5),
        ("np.float32(0.5)", 0.5),
        ("np.uint8(7)", 7.0),
        ("np.array(4.0)", 4.0),
        ("np.bool_(True)", 1.0),
        ("(1.5, {})", 1.5),
        ("{'total': 2, 'a': 1}", 2.0),
        ("{'reward': 2, 'a': 1}", 2.0),
        ("{'total': 2, 'a': np.float32(1)}", 2.0),
    ],
)
def test_a_number_in_any_of_its_forms_pays(result: str, value: float) -> None:
    got = single.run(single.body(f"return {result}"), components=("a", "reward"))
    assert (got.outcome, got.value) == (Outcome.OK, value)


@pytest.mark.parametrize(
    "result",
    [
        *("None", "'1'", "[1.0]", "np.ones(1)", "np.ones((2, 2))", "(1, 2)", "(1, {}, 3)"),
        *("{'a': 1}", "(1, {'b': 1})", "(1, {'a': 'x'})", "(1, {'a': None})", "(1, {2: 1.0})"),
        *("(-8) ** 0.5", "(None, {'a': 1})", "{}", "lambda: 1", "{1}"),
    ],
)
def test_what_is_no_number_is_a_bad_result(result: str) -> None:
    got = single.run(single.body(f"return {result}"), components=("a",))
    assert (got.outcome, got.value, got.components) == (Outcome.BAD_RESULT, 0.0, {})
    assert got.message


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("np.ones(1)", "the result is an array of shape (1,); want a number: take [0]"),
        ("np.ones((1, 1))", "the result is an array of shape (1, 1); want a number: take [0, 0]"),
        (
            "np.ones(3)",
            (
                "the result is an array of shape (3,); want a number: "
                "take one element, or a sum or mean"
            ),
        ),
        ("None", "the result is None; want a number"),
        ("'1'", "the result is text (a str); want a number"),
        ("[1.0]", "the result is a list of 1; want a number"),
        (
            "(1, {}, 3)",
            "the result is a tuple of 3; want a number, or (number, {name: number})",
        ),
        (
            "{'a': 1}",
            (
                "the result is a dict without `total` or `reward` (its keys are 'a'); "
                "add a key `total`, or return (total, parts)"
            ),
        ),
        ("(None, {'a': 1})", "the reward is None; want a number"),
        (
            "(1, {'a': np.ones(1)})",
            "component 'a' is an array of shape (1,); want a number: take [0]",
        ),
        ("float('nan')", "the reward is nan"),
        ("(1.0, {'a': float('-inf')})", "component 'a' is -inf"),
    ],
)
def test_what_is_wrong_with_a_result_is_said_with_its_place(result: str, message: str) -> None:
    got = single.run(single.body(f"return {result}"), components=("a",))
    assert got.message == message
    lines = single.body(f"return {result}").split("\n")
    assert got.span is not None
    assert lines[got.span.line - 1][got.span.column - 1 :] == f"return {result}"


@pytest.mark.parametrize(
    "result",
    [
        *("float('nan')", "float('inf')", "np.float32('inf')", "(1.0, {'a': float('nan')})"),
        *("10 ** 400", "{'total': 1, 'a': np.inf}"),
    ],
)
def test_a_number_that_is_not_finite_has_its_own_outcome(result: str) -> None:
    got = single.run(single.body(f"return {result}"), components=("a",))
    assert (got.outcome, got.value) == (Outcome.NOT_FINITE, 0.0)
    assert got.exception == "NotFinite"


def test_components_that_a_row_leaves_out_are_absent() -> None:
    source = single.body("return 1.0, {'b': 2.0}")
    got = single.run(source, components=("a", "b"))
    assert got.components == {"b": 2.0}


# --- failures ---------------------------------------------------------------------------------


def test_a_failure_names_the_innermost_place_in_characters() -> None:
    source = "def inner(x):\n    é = x; return é / 0\n\n\ndef reward():\n    return inner(1)\n"
    got = single.run(source)
    assert got.exception == "ZeroDivisionError"
    assert got.message == "division by zero"
    assert got.span == Span(2, 19, 2, 24)


def test_a_failure_inside_a_library_call_names_the_call() -> None:
    got = single.run("import numpy as np\ndef reward():\n    return np.max(np.zeros(0))\n")
    assert got.exception == "ValueError"
    assert got.span == Span(3, 12, 3, 31)


def test_the_module_of_an_exception_tells_whose_it_is() -> None:
    source = "class Odd(ValueError):\n    pass\ndef reward():\n    raise Odd('x')\n"
    runner = single.make(source)
    results = corpus_reader.outputs(1)
    runner.bind(1, {}, results)
    runner.step()
    assert [(f.exception, f.module) for f in runner.failures] == [("Odd", "guest")]


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        ("ValueError('a', 2)", "('a', 2)"),
        ("ValueError([1, 'x'])", "[1, 'x']"),
        ("ValueError(np.arange(3))", "[0 1 2]"),
        ("KeyError('k')", "k"),
        ("KeyError((1, 2))", "(1, 2)"),
        ("ValueError(reward)", "its arguments have no text"),
        ("ValueError([reward])", "its arguments have no text"),
        ("ValueError()", ""),
    ],
)
def test_the_message_of_a_failure_has_no_address(raised: str, message: str) -> None:
    assert single.run(single.body(f"raise {raised}"), checked=False).message == message


def test_the_message_of_a_failure_takes_no_time() -> None:
    got = single.run(
        single.body("x = [1]\nfor _ in range(70):\n    x = [x, x]\nraise ValueError(x)")
    )
    assert (got.exception, got.message) == ("ValueError", "its arguments have no text")
    assert got.fuel < 1_000


def test_equal_failures_are_told_once() -> None:
    runner = single.make("def reward():\n    return [][1]\n")
    results = corpus_reader.outputs(50)
    runner.bind(50, {}, results)
    runner.step()
    assert len(runner.failures) == 1
    assert (results.failure == 0).all()


def test_failures_stop_at_their_cap() -> None:
    plan = Plan(schema=Schema((("x", single.INT),)), reward=Call("reward", (Param("x", "x"),)))
    runner = single.make("def reward(x):\n    raise ValueError(f'{x}')\n", plan)
    results = corpus_reader.outputs(1100)
    runner.bind(1100, {"x": np.arange(1100)}, results)
    runner.step()
    assert len(runner.failures) == 1024
    assert results.failure[-1] == 1023


# --- fuel and memory --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        "while True:\n    pass",
        "n = 0\nfor i in range(10 ** 12):\n    n += 1",
        "xs = [1]\nfor x in xs:\n    xs.append(x)",
        "return sum(1 for a in range(2000) for b in range(2000))",
        "while True:\n    try:\n        while True:\n            pass\n    except Exception:\n        pass",
        "f = lambda g: g(g)\nxs = [0]\nwhile xs:\n    xs.append(1)\n    xs.pop()",
        "return sum(map(abs, range(10 ** 9)))",
        "return len(list(zip(range(10 ** 9), range(10 ** 9))))",
        "return max(*range(10 ** 8))",
        "from itertools import product\nfor x in product(range(100), repeat=8):\n    pass",
        "from itertools import permutations\nreturn sum(1 for _ in permutations(range(12)))",
        "from itertools import combinations\nreturn len(list(combinations(range(40), 20)))",
        "from itertools import chain, repeat\nreturn len(list(chain(repeat(1, 10 ** 9))))",
        "m = np.ones((1000, 1000))\nfor _ in range(40):\n    m = m @ m\nreturn m[0, 0]",
        "a = np.ones(1_000_000)\nfor _ in range(1000):\n    a = np.sqrt(a)\nreturn a[0]",
        "a = np.ones(1_000_000)\nwhile True:\n    a = a + a",
        "a = np.ones(1_000_000)\nwhile True:\n    a += a",
        "return np.diff(np.ones(1000), n=10 ** 9).size",
        "return np.linalg.matrix_power(np.ones((600, 600)), 10 ** 9)[0, 0]",
        "return np.linalg.svd(np.ones((900, 900)))[1][0]",
    ],
)
def test_work_without_end_runs_out_of_fuel(lines: str) -> None:
    got = single.run(single.body(lines), limits=Limits(fuel=50_000), checked=False)
    assert got.outcome == Outcome.OUT_OF_FUEL, got
    assert got.fuel == 50_000


@pytest.mark.parametrize(
    "lines",
    [
        "return np.zeros((10 ** 6, 10 ** 6)).size",
        "return np.full((10 ** 5, 10 ** 5), 1.0).size",
        "return np.arange(10 ** 12).size",
        "return np.arange(0, 1, 1e-12).size",
        "return np.linspace(0, 1, 10 ** 10).size",
        "return np.repeat(np.ones(4), 2 ** 62).size",
        "return np.ones(4).repeat(2 ** 62).size",
        "return np.repeat(np.ones(4), [2 ** 60, 1, 1, 1]).size",
        "return np.tile([1, 2], 10 ** 10).size",
        "return np.pad(np.ones(2), 10 ** 10).size",
        "return np.eye(10 ** 6).size",
        "return np.diag(np.ones(50_000)).size",
        "return np.outer(np.ones(50_000), np.ones(50_000)).size",
        "return np.meshgrid(np.arange(50_000), np.arange(50_000))[0].size",
        "return np.bincount([10 ** 11]).size",
        "return np.histogram([1.0], bins=10 ** 11)[0].size",
        "return len(np.array_split(np.ones(3), 10 ** 9))",
        "a = np.ones((30_000, 1))\nb = np.ones((1, 30_000))\nreturn (a + b).size",
        "a = np.ones((30_000, 1))\nb = np.ones((1, 30_000))\nreturn np.maximum(a, b).size",
        "a = np.ones((30_000, 1))\nb = np.ones((1, 30_000))\nreturn (a < b).size",
        "a = np.ones((30_000, 1))\nb = np.ones((1, 30_000))\nreturn np.where(a > 0, a, b).size",
        "i = np.zeros(30_000, dtype=int)\nreturn np.ones((9, 9))[i[:, None], i[None, :]].size",
        "return np.ones((9, 30_000))[np.zeros(30_000, dtype=int)].size",
        "return np.broadcast_to(np.ones(1), (10 ** 10,)).size",
        "return np.einsum('i,j,k->ijk', np.ones(999), np.ones(999), np.ones(999)).size",
        "return np.vander(np.ones(10_000), 10_000).size",
        "return np.resize(np.ones(3), 10 ** 10).size",
        "x = [0] * 1000\nreturn np.array([[x] * 1000] * 1000).size",
        "return len([1, 2] * (2 ** 62))",
        "return len('ab' * 2 ** 40)",
        "return len('x'.ljust(2 ** 40))",
        "return len(('a' * 1000).replace('a', 'b' * 100_000))",
        "return len('-'.join(['a' * 100_000] * 100))",
        "x = 'a' * 1000\nfor _ in range(50):\n    x = x + x\nreturn len(x)",
        "x = (1,) * 1000\nfor _ in range(50):\n    x += x\nreturn len(x)",
        "x = [0] * 1000\nfor _ in range(50):\n    x += x\nreturn len(x)",
    ],
)
def test_a_value_that_is_too_large_is_not_made(lines: str) -> None:
    got = single.run(single.body(lines), checked=False)
    assert got.outcome in (Outcome.OUT_OF_MEMORY, Outcome.OUT_OF_FUEL), got


@pytest.mark.parametrize(
    "lines",
    [
        "a = 7\nreturn a ** (a ** 9)",
        "return 9 ** 9 ** 9",
        "x = 3\nfor _ in range(60):\n    x = x * x\nreturn x",
        "x = 3\nfor _ in range(60):\n    x *= x\nreturn x",
        "return 1 << 10 ** 10",
        "x = 1\nx <<= 10 ** 10\nreturn x",
        "return math.factorial(10 ** 6)",
        "return math.comb(10 ** 6, 5 * 10 ** 5)",
        "return math.perm(10 ** 6)",
        "return math.prod(range(1, 10_000))",
        "return math.lcm(*range(1, 10_000))",
        "from functools import reduce\nfrom operator import mul\nreturn reduce(mul, range(1, 10_000))",
        "from itertools import accumulate\nreturn list(accumulate(range(1, 9000), lambda a, b: a * b))[-1]",
        "return pow(3, 10 ** 9)",
        "return int('f' * 5000, 16)",
    ],
)
def test_integers_are_bounded(lines: str) -> None:
    got = single.run(single.body(lines), checked=False)
    assert (got.outcome, got.exception) == (Outcome.ERROR, "OverflowError"), got


def test_rounding_to_very_large_places_is_quick() -> None:
    assert single.run(single.body("return round(5, -10 ** 9)"), checked=False).value == 0.0


def test_the_stop_of_the_runtime_cannot_be_caught() -> None:
    lines = (
        "n = 0\nwhile n < 5:\n    n += 1\n    try:\n        np.zeros((10 ** 6, 10 ** 6))\n"
        "    except Exception:\n        pass\n    except:\n        pass\nreturn n"
    )
    got = single.run(single.body(lines), checked=False)
    assert got.outcome == Outcome.OUT_OF_MEMORY


def test_a_row_that_fails_does_not_shorten_the_fuel_of_the_next() -> None:
    plan = Plan(schema=Schema((("x", single.INT),)), reward=Call("reward", (Param("x", "x"),)))
    source = "def reward(x):\n    while x == 1:\n        pass\n    return x\n"
    runner = single.make(source, plan, limits=Limits(fuel=1000))
    results = corpus_reader.outputs(3)
    runner.bind(3, {"x": np.array([0, 1, 2])}, results)
    runner.step()
    assert results.outcome.tolist() == [Outcome.OK, Outcome.OUT_OF_FUEL, Outcome.OK]
    assert results.fuel.tolist() == [1, 1000, 1]


# --- arguments --------------------------------------------------------------------------------


def _one(source: str, spec: object, columns: dict[str, np.ndarray]) -> single.Ended:
    plan = Plan(schema=Schema((("x", spec),)), reward=Call("reward", (Param("x", "x"),)))  # type: ignore[arg-type]
    runner = single.make(source, plan)
    results = corpus_reader.outputs(1)
    runner.bind(1, columns, results)
    runner.step()
    return single.ended(runner, results, 0)


def test_each_kind_of_leaf_arrives_as_its_python_type() -> None:
    spec = DictSpec(
        (
            ("n", single.INT),
            ("b", ArraySpec(kind="bool", dtype="bool")),
            ("s", ArraySpec(kind="text", shape=(16,), dtype="uint8")),
            ("a/b", ArraySpec(shape=(2,), dtype="float32")),
            ("z", ArraySpec(dtype="float32")),
            ("t", TupleSpec((single.INT, single.INT))),
        )
    )
    text = np.zeros((1, 16), np.uint8)
    text[0, :3] = np.frombuffer("é!".encode(), np.uint8)
    columns = {
        "x/n": np.array([4]),
        "x/b": np.array([True]),
        "x/s": text,
        "x/s#len": np.array([3], np.int32),
        "x/a%2Fb": np.ones((1, 2), np.float32),
        "x/z": np.array([2.5], np.float32),
        "x/t/0": np.array([7]),
        "x/t/1": np.array([8]),
    }
    source = (
        "import numpy as np\ndef reward(x):\n"
        "    ok = isinstance(x['n'], int) and x['b'] is True and x['s'] == 'é!'\n"
        "    ok = ok and x['a/b'].dtype == np.float32 and isinstance(x['z'], np.float32)\n"
        "    ok = ok and isinstance(x['t'], tuple) and isinstance(x, dict) and x['t'][1] == 8\n"
        "    return 1 if ok else 0\n"
    )
    assert _one(source, spec, columns).value == 1.0


def test_writing_into_an_argument_changes_nothing_outside_the_call() -> None:
    columns = {"x": np.zeros((1, 2, 2), np.uint8)}
    source = "def reward(x):\n    x[0, 0] += 5\n    x.sort()\n    return x.sum()\n"
    assert _one(source, IMAGE, columns).value == 5.0
    assert not columns["x"].any()


def test_nan_to_num_in_place_works_on_a_copy() -> None:
    spec = ArraySpec(shape=(2,), dtype="float64")
    columns = {"x": np.array([[np.nan, 1.0]])}
    source = (
        "import numpy as np\ndef reward(x):\n    np.nan_to_num(x, copy=False)\n    return x.sum()\n"
    )
    assert _one(source, spec, columns).value == 1.0
    assert np.isnan(columns["x"][0, 0])


def test_each_task_sees_its_own_copy() -> None:
    source = (
        "def task_1(x):\n    x[0, 0] = 9\n    return x[0, 0] == 9\n"
        "def task_2(x):\n    return x[0, 0] == 0\n"
    )
    calls = tuple(Call(name, (Param("x", "x"),)) for name in ("task_1", "task_2"))
    runner = single.make(source, Plan(schema=Schema((("x", IMAGE),)), tasks=calls))
    results = corpus_reader.outputs(1, 2)
    runner.bind(1, {"x": np.zeros((1, 2, 2), np.uint8)}, results)
    runner.step()
    assert results.tasks.tolist() == [[True, True]]


def test_a_program_that_only_reads_cannot_write_by_another_way() -> None:
    columns = {"x": np.zeros((1, 2, 2), np.uint8)}
    source = "import numpy as np\ndef reward(x):\n    np.add(x, 1)\n    return x.sum()\n"
    assert _one(source, IMAGE, columns).value == 0.0


# --- tasks ------------------------------------------------------------------------------------


def test_every_task_runs_even_if_another_fails() -> None:
    source = "def task_1():\n    return [][1]\ndef task_2():\n    return 1\ndef task_3():\n    return 'x'\n"
    calls = tuple(Call(name, ()) for name in ("task_1", "task_2", "task_3"))
    runner = single.make(source, Plan(schema=Schema(()), tasks=calls))
    results = corpus_reader.outputs(1, 3)
    runner.bind(1, {}, results)
    runner.step()
    assert results.task_outcome.tolist() == [[Outcome.ERROR, Outcome.OK, Outcome.OK]]
    assert results.tasks.tolist() == [[False, True, True]]
    assert results.outcome[0] == Outcome.ERROR
    assert runner.failures[results.failure[0]].exception == "IndexError"


@pytest.mark.parametrize(
    ("value", "outcome", "truth"),
    [
        ("None", Outcome.OK, False),
        ("[]", Outcome.OK, False),
        ("{'a': 1}", Outcome.OK, True),
        ("np.bool_(True)", Outcome.OK, True),
        ("np.zeros(1)", Outcome.OK, False),
        ("np.zeros(2)", Outcome.ERROR, False),
        ("lambda: 1", Outcome.BAD_RESULT, False),
    ],
)
def test_a_task_gives_its_truth_value(value: str, outcome: Outcome, truth: bool) -> None:
    source = f"import numpy as np\ndef task_1():\n    return {value}\n"
    runner = single.make(source, Plan(schema=Schema(()), tasks=(Call("task_1", ()),)))
    results = corpus_reader.outputs(1, 1)
    runner.bind(1, {}, results)
    runner.step()
    assert results.task_outcome[0, 0] == outcome
    assert results.tasks[0, 0] == truth


def test_a_task_without_a_truth_value_is_said_with_its_place() -> None:
    runner = single.make(
        "def task_1():\n    return lambda: 1\n",
        Plan(schema=Schema(()), tasks=(Call("task_1", ()),)),
    )
    results = corpus_reader.outputs(1, 1)
    runner.bind(1, {}, results)
    runner.step()
    failure = runner.failures[results.task_failure[0, 0]]
    assert failure.message == (
        "the result is of type 'function', which says neither yes nor no; want a bool"
    )
    assert failure.span is not None
    assert failure.span.line == 2


def test_tasks_run_at_reset_too() -> None:
    source = "class Reward:\n    def step(self, x):\n        return x\ndef task_1(x):\n    return x > 3\n"
    base = single.class_plan(reset=False)
    plan = Plan(
        schema=base.schema,
        class_name="Reward",
        step=base.step,
        tasks=(Call("task_1", (Param("x", "x"),)),),
    )
    runner = single.make(source, plan)
    results = corpus_reader.outputs(2, 1)
    runner.bind(2, {"x": np.array([3, 4])}, results)
    runner.reset()
    assert results.tasks[:, 0].tolist() == [False, True]
    assert results.outcome.tolist() == [Outcome.OK, Outcome.OK]


# --- state ------------------------------------------------------------------------------------

COUNTER = (
    "class Reward:\n    def __init__(self):\n        self.n = 0\n        self.seen = []\n"
    "    def reset(self):\n        self.n = 10\n"
    "    def step(self, x):\n        self.n += 1\n        self.seen.append(x)\n"
    "        if x == 99:\n            raise ValueError('x')\n"
    "        while x == 98:\n            pass\n        return self.n + 100 * len(self.seen)\n"
)


def test_rows_have_instances_of_their_own_and_masked_rows_stand_still() -> None:
    runner = single.make(COUNTER, single.class_plan())
    results, _ = single.episodes(runner, {"x": np.array([1, 2, 3])}, 3)
    for _ in range(2):
        corpus_reader.mark_pending(results, np.array([True, False, True]))
        runner.step()
    corpus_reader.mark_pending(results)
    runner.step()
    assert results.reward.tolist() == [313.0, 111.0, 313.0]


def test_reset_of_one_row_leaves_the_others() -> None:
    runner = single.make(COUNTER, single.class_plan())
    results, _ = single.episodes(runner, {"x": np.array([1, 2])}, 2)
    corpus_reader.mark_pending(results)
    runner.step()
    corpus_reader.mark_pending(results, np.array([True, False]))
    runner.reset()
    corpus_reader.mark_pending(results)
    runner.step()
    assert results.reward.tolist() == [111.0, 212.0]


def test_state_stays_as_an_error_left_it() -> None:
    runner = single.make(COUNTER, single.class_plan())
    results, inputs = single.episodes(runner, {"x": np.array([99])}, 1)
    corpus_reader.mark_pending(results)
    runner.step()
    assert results.outcome[0] == Outcome.ERROR
    inputs["x"][0] = 1
    corpus_reader.mark_pending(results)
    runner.step()
    assert results.reward[0] == 212.0


def test_state_is_lost_when_fuel_runs_out_and_comes_back_with_reset() -> None:
    runner = single.make(COUNTER, single.class_plan(), limits=Limits(fuel=500))
    results, inputs = single.episodes(runner, {"x": np.array([98])}, 1)
    corpus_reader.mark_pending(results)
    runner.step()
    assert results.outcome[0] == Outcome.OUT_OF_FUEL
    inputs["x"][0] = 1
    corpus_reader.mark_pending(results)
    runner.step()
    assert results.outcome[0] == Outcome.STATE_LOST
    corpus_reader.mark_pending(results)
    runner.reset()
    corpus_reader.mark_pending(results)
    runner.step()
    assert (results.outcome[0], results.reward[0]) == (Outcome.OK, 111.0)


def test_every_row_of_an_episode_reports_a_failed_reset() -> None:
    source = "class Reward:\n    def reset(self):\n        return 1 / 0\n    def step(self, x):\n        return 1\n"
    runner = single.make(source, single.class_plan())
    results, _ = single.episodes(runner, {"x": np.array([1])}, 1)
    assert results.outcome[0] == Outcome.ERROR
    for _ in range(2):
        corpus_reader.mark_pending(results)
        runner.step()
        assert results.outcome[0] == Outcome.ERROR
        assert runner.failures[results.failure[0]].exception == "ZeroDivisionError"


def test_state_that_grows_beyond_its_limit_ends_the_episode() -> None:
    source = (
        "import numpy as np\nclass Reward:\n    def __init__(self):\n        self.keep = []\n"
        "    def step(self, x):\n        self.keep.append(np.ones(100_000))\n        return len(self.keep)\n"
    )
    runner = single.make(source, single.class_plan(reset=False))
    results, _ = single.episodes(runner, {"x": np.array([1])}, 1)
    outcomes = []
    for _ in range(40):
        corpus_reader.mark_pending(results)
        runner.step()
        outcomes.append(Outcome(int(results.outcome[0])))
    assert Outcome.OUT_OF_MEMORY in outcomes
    assert outcomes.index(Outcome.OUT_OF_MEMORY) <= 24
    assert outcomes[-1] == Outcome.STATE_LOST


def test_what_is_kept_never_changes_by_itself() -> None:
    source = (
        "class Reward:\n    def reset(self):\n        self.first = None\n"
        "    def step(self, x):\n        if self.first is None:\n            self.first = x\n"
        "        return self.first[0, 0]\n"
    )
    runner = single.make(source, single.class_plan(spec=IMAGE))
    results, inputs = single.episodes(runner, {"x": np.full((2, 2, 2), 3, np.uint8)}, 2)
    for value in (3, 8):
        inputs["x"][...] = value
        corpus_reader.mark_pending(results)
        runner.step()
    assert results.reward.tolist() == [3.0, 3.0]


# --- the top level ----------------------------------------------------------------------------

SMUGGLERS = {
    "a list at the top": "XS = []\ndef reward():\n    XS.append(1)\n    return len(XS)",
    "a dict at the top": "D = {}\ndef reward():\n    D['n'] = D.get('n', 0) + 1\n    return D['n']",
    "a dict updated": "D = {}\ndef reward():\n    D.update({len(D): 1})\n    return len(D)",
    "a set at the top": "S = set()\ndef reward():\n    S.add(len(S))\n    return len(S)",
    "an array at the top": "import numpy as np\nA = np.zeros(1)\ndef reward():\n    A[0] += 1\n    return A[0]",
    "a view of it": "import numpy as np\nA = np.zeros(4)\nB = A[1:]\ndef reward():\n    B[0] += 1\n    return B[0]",
    "an array in place": "import numpy as np\nA = np.zeros(1)\ndef reward():\n    a = A\n    a += 1\n    return a[0]",
    "an array filled": "import numpy as np\nA = np.zeros(1)\ndef reward():\n    A.fill(A[0] + 1)\n    return A[0]",
    "a nested list": "XS = ([1], 2)\ndef reward():\n    XS[0].append(1)\n    return len(XS[0])",
    "a list in place": "XS = []\ndef reward():\n    xs = XS\n    xs += [1]\n    return len(XS)",
    "a default": "def reward(memo=[]):\n    memo.append(1)\n    return len(memo)",
    "a keyword default": "def reward(*, memo={}):\n    memo[len(memo)] = 1\n    return len(memo)",
    "a lambda's default": "f = lambda x, m=[]: m.append(x) or len(m)\ndef reward():\n    return f(1)",
    "a closure's list": (
        "def make():\n    xs = []\n    def f():\n        xs.append(1)\n        return len(xs)\n    return f\n"
        "f = make()\ndef reward():\n    return f()"
    ),
    "a closure's number": (
        "def make():\n    n = 0\n    def f():\n        nonlocal n\n        n += 1\n        return n\n    return f\n"
        "f = make()\ndef reward():\n    return f()"
    ),
    "a class's list": "class C:\n    xs = []\ndef reward():\n    C.xs.append(1)\n    return len(C.xs)",
    "a class's number": "class C:\n    n = 0\ndef reward():\n    C.n += 1\n    return C.n",
    "a class method": (
        "class C:\n    n = 0\n    @classmethod\n    def up(cls):\n        cls.n += 1\n        return cls.n\n"
        "def reward():\n    return C.up()"
    ),
    "an instance at the top": (
        "class C:\n    def __init__(self):\n        self.n = 0\n    def up(self):\n        self.n += 1\n"
        "        return self.n\nc = C()\ndef reward():\n    return c.up()"
    ),
    "an instance with a list": (
        "class C:\n    def __init__(self):\n        self.xs = []\nc = C()\ndef reward():\n"
        "    c.xs.append(1)\n    return len(c.xs)"
    ),
    "a function's attribute": "def reward():\n    reward.n = getattr(reward, 'n', 0) + 1\n    return reward.n",
    "an enum's attribute": (
        "from enum import Enum\nclass E(Enum):\n    A = 1\ndef reward():\n    E.A.n = getattr(E.A, 'n', 0) + 1\n"
        "    return E.A.n"
    ),
    "an exception's attribute": (
        "class Bad(ValueError):\n    pass\nb = Bad()\ndef reward():\n    b.n = getattr(b, 'n', 0) + 1\n    return b.n"
    ),
    "an iterator": "it = iter([1, 2, 3, 4])\ndef reward():\n    return next(it)",
    "a generator": "g = (x for x in [1, 2, 3, 4])\ndef reward():\n    return next(g)",
    "a map": "g = map(abs, [1, 2, 3, 4])\ndef reward():\n    return next(g)",
    "a zip": "g = zip([1, 2, 3, 4], [1, 2, 3, 4])\ndef reward():\n    return next(g)[0]",
    "a bound method": "XS = []\nadd = XS.append\ndef reward():\n    add(1)\n    return len(XS)",
    "a partial": (
        "from functools import partial\ndef f(xs):\n    xs.append(1)\n    return len(xs)\ng = partial(f, [])\n"
        "def reward():\n    return g()"
    ),
    "a defaultdict that is read": (
        "from collections import defaultdict\nD = defaultdict(int)\ndef reward():\n    D[len(D)]\n    return len(D)"
    ),
    "a deque": "from collections import deque\nQ = deque()\ndef reward():\n    Q.append(1)\n    return len(Q)",
    "a counter": (
        "from collections import Counter\nC = Counter()\ndef reward():\n    C['a'] += 1\n    return C['a']"
    ),
    "a data class at the top": (
        "from dataclasses import dataclass\n@dataclass\nclass S:\n    n: int = 0\ns = S()\ndef reward():\n"
        "    s.n += 1\n    return s.n"
    ),
    "a shape": "import numpy as np\nA = np.zeros(4)\ndef reward():\n    A.shape = (2, 2)\n    return A.ndim",
    "a pattern that renames self": (
        "class C:\n    def up(self, f):\n        match f:\n            case self:\n                self.n = 1\n"
        "        return 1\ndef other():\n    return 0\ndef reward():\n    C().up(other)\n    return other.n"
    ),
    "a namesake of self": (
        "class C:\n    def up(self):\n        import math as self\n        self.n = 1\n        return 1\n"
        "def reward():\n    return C().up()"
    ),
    "a global": "n = 0\ndef reward():\n    global n\n    n += 1\n    return n",
}


@pytest.mark.parametrize("checked", [True, False], ids=["validated", "guards alone"])
@pytest.mark.parametrize("name", SMUGGLERS)
def test_nothing_passes_from_row_to_row(name: str, checked: bool) -> None:
    """Each program tries to count its rows; refused, failing on every row or equal rows are fine."""
    try:
        runner = single.make(SMUGGLERS[name] + "\n", checked=checked)
    except (AssertionError, InstrumentError, GuestModuleError):
        return
    results = corpus_reader.outputs(4)
    runner.bind(4, {}, results)
    runner.step()
    assert len(set(zip(results.outcome.tolist(), results.reward.tolist(), strict=True))) == 1, (
        results.reward,
        runner.failures,
    )
    assert results.outcome[0] == Outcome.ERROR


def test_a_failing_top_level_says_where() -> None:
    with pytest.raises(GuestModuleError) as caught:
        single.make("X = 1\nY = X / 0\ndef reward():\n    return 1\n")
    assert caught.value.failure.exception == "ZeroDivisionError"
    assert caught.value.failure.span == Span(2, 5, 2, 10)


def test_a_top_level_without_end_is_refused() -> None:
    with pytest.raises(GuestModuleError, match="fuel"):
        single.make("n = 0\nwhile True:\n    n += 1\ndef reward():\n    return n\n", checked=False)
