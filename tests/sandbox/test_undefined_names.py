"""Names that nothing defines: the row that reads one ends as in plain CPython, at that place."""

from __future__ import annotations

import traceback
from typing import Any

import corpus_reader
import numpy as np
import pytest
import single

from sandbox.diagnostics import Severity
from sandbox.instrument import InstrumentError, instrument
from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.passes import analyse
from sandbox.plan import Call, Param, Plan
from sandbox.schema import Schema
from sandbox.tiers.base import NO_FAILURE, TierReason
from sandbox.tiers.compiled import compile_program

COLUMN = np.arange(-2, 3)
PLAN = Plan(schema=Schema((("x", single.INT),)), reward=Call("reward", (Param("x", "x"),)))

# Each is the body of `reward(x)`, after what stands above it.
BODIES = {
    "on one path": "return 1 if x > 0 else missing",
    "on no path that runs": "if x > 9:\n    return missing\nreturn x",
    "behind attributes, calls and items": "return missing.a.fit(x)[3].c(k=1) if x else 2",
    "a module without its import": "return float(np.zeros(3)[0]) if x > 0 else 2",
    "a module that another function imports": (
        "return np.pi if x > 0 else other()",
        "def other():\n    import numpy as np\n    return np.pi\n",
    ),
    "a name of another function": (
        "return inner if x > 0 else other()",
        "def other():\n    inner = 3\n    return inner\n",
    ),
    "a name of the class": (
        "return Weights().near()",
        "class Weights:\n    NEAR = 2\n    def near(self):\n        return NEAR\n",
    ),
    "a name of a comprehension": "a = [i for i in range(3)]\nreturn a[0] + i",
    "caught": "try:\n    return missing if x > 0 else x\nexcept NameError:\n    return 7",
    "caught with its text": (
        "try:\n    return missing\nexcept (KeyError, NameError) as error:\n"
        "    return len(str(error)) + len(error.args)"
    ),
    "caught as what it is a kind of": "try:\n    missing\nexcept Exception:\n    return 3",
    "not caught by another": "try:\n    missing\nexcept ValueError:\n    return 3",
    "as what is caught": "try:\n    return [1, 2][x]\nexcept Missing:\n    return 5",
    "as what is caught, beside others": "try:\n    return 4\nexcept (ValueError, Missing):\n    return 5",
    "as what is raised": "if x > 0:\n    raise Missing('x')\nreturn 1",
    "in a comprehension": "return sum(k * q for q in range(x))",
    "in the test of a comprehension": "return len([q for q in range(x) if missing])",
    "in a lambda": "return (lambda a: a + missing)(1) if x else 3",
    "in a nested function": "def f(a):\n    return a + missing\nreturn f(x) if x > 0 else 1",
    "as a default of a nested function": "def f(a=missing):\n    return a\nreturn f(1)",
    "in an f-string": "return len(f'{x}{missing}') if x else 2",
    "in an f-string with a format": "return len(f'{missing!r:>8}') if x else 2",
    "as a callee": "return missing(x, *[1], key=2) if x else 2",
    "as arguments": "return max(x, *missing) if x else 2",
    "as an iterable": "for a in missing:\n    pass\nreturn 1",
    "taken apart": "a, *b = missing\nreturn 1",
    "as a class that is asked for": "return 1 if isinstance(x, Missing) else 2",
    "as an owner that is written": "if x:\n    missing.x = 1\nreturn 2",
    "as an owner that is changed": "if x:\n    missing.total += 1\nreturn 2",
    "as a container that is written": "if x:\n    missing[0] = 1\nreturn 2",
    "as a container that is changed": "if x:\n    missing[x] += 1\nreturn 2",
    "as a container whose item is deleted": "if x:\n    del missing[0]\nreturn 2",
    "in a comparison": "return abs(x) < missing < 3",
    "after an operand that decides": "return bool(x == 0 or missing)",
    "as a subject": "match missing:\n    case 1:\n        return 2\nreturn 3",
    "as a guard of a case": "match x:\n    case 1 if missing:\n        return 2\nreturn 3",
    "an underscore": "return _ if x > 0 else 2",
    "self outside of a class": "return self.env.pose if x > 0 else 2",
    "in an assertion": "assert missing\nreturn 2",
    "in the message of an assertion": "assert x <= 0, missing\nreturn 2",
    "as the cause of what is raised": "if x > 0:\n    raise ValueError(x) from missing\nreturn 2",
    "in what is raised": "if x > 0:\n    raise ValueError(x, missing)\nreturn 2",
    "before a generator that nobody asks": "g = (q for q in missing)\nreturn 2",
    "in a generator that nobody asks": "g = (missing for q in range(3))\nreturn 2",
}
# What the compiled tier leaves to the interpreted one, and by which of its reasons.
STAYS = {
    "as what is caught": "CMP115",
    "as what is caught, beside others": "CMP115",
    "caught with its text": "CMP601",
    "in the message of an assertion": "CMP123",
    "as the cause of what is raised": "CMP123",
    "before a generator that nobody asks": "CMP123",
}


def source_of(name: str) -> str:
    given = BODIES[name]
    body, top = given if isinstance(given, tuple) else (given, "")
    return f"{top}def reward(x):\n" + "".join(f"    {line}\n" for line in body.split("\n"))


def plain(source: str, x: int) -> tuple[Any, ...]:
    """Give the value, or exception, text and place that CPython gives."""
    names: dict[str, Any] = {}
    exec(compile(source, "<plain>", "exec"), names)  # noqa: S102  our own text
    try:
        return (float(names["reward"](x)),)
    except Exception as error:
        frame, _ = list(traceback.walk_tb(error.__traceback__))[-1]
        at = traceback.extract_tb(error.__traceback__)[-1]
        assert frame.f_code.co_filename == "<plain>"
        return type(error).__name__, str(error), at.lineno, (at.colno or 0) + 1


def rows_of(runner: Any) -> list[tuple[Any, ...]]:
    results = corpus_reader.outputs(len(COLUMN))
    runner.bind(len(COLUMN), {"x": COLUMN.copy()}, results)
    runner.step()
    found: list[tuple[Any, ...]] = []
    for row in range(len(COLUMN)):
        index = int(results.failure[row])
        if index == NO_FAILURE:
            assert Outcome(int(results.outcome[row])) is Outcome.OK
            found.append((float(results.reward[row]),))
            continue
        assert Outcome(int(results.outcome[row])) is Outcome.ERROR
        failure = runner.failures[index]
        assert failure.span is not None
        place = failure.span.line, failure.span.column
        found.append((failure.exception, failure.message, *place))
    return found


@pytest.mark.parametrize("name", BODIES)
def test_a_row_ends_where_and_how_plain_python_ends(name: str) -> None:
    source = source_of(name)
    report = analyse(source.encode(), "program.py", Limits()).report
    assert "SBX304" in {item.rule for item in report.findings}
    assert report.ok, report.render()
    want = [plain(source, int(x)) for x in COLUMN]
    assert rows_of(single.make(source, PLAN)) == want


@pytest.mark.parametrize("name", BODIES)
def test_the_compiled_tier_gives_the_same_or_says_why_it_does_not_take_it(name: str) -> None:
    source = source_of(name)
    runner = compile_program(single.tree_of(source), PLAN, Limits())
    if isinstance(runner, TierReason):
        assert runner.code == STAYS[name]
        return
    assert name not in STAYS
    want = [plain(source, int(x)) for x in COLUMN]
    found = rows_of(runner)
    assert [row[:1] for row in found] == [row[:1] for row in want]
    assert [row for row in found if row[0] == "NameError"] == [
        row for row in want if row[0] == "NameError"
    ]


def test_a_task_that_reads_such_a_name_fails_alone() -> None:
    source = "def task_1(x):\n    return missing > x\ndef task_2(x):\n    return x > 0\n"
    given = (Param("x", "x"),)
    plan = Plan(
        schema=Schema((("x", single.INT),)), tasks=(Call("task_1", given), Call("task_2", given))
    )
    runner = single.make(source, plan)
    results = corpus_reader.outputs(1, 2)
    runner.bind(1, {"x": np.array([3])}, results)
    runner.step()
    assert results.task_outcome[0].tolist() == [int(Outcome.ERROR), int(Outcome.OK)]
    failure = runner.failures[int(results.task_failure[0, 0])]
    assert (failure.exception, failure.message) == ("NameError", "name 'missing' is not defined")
    assert results.tasks[0].tolist() == [False, True]


def test_a_method_that_reads_such_a_name_keeps_its_state() -> None:
    source = (
        "class Reward:\n    def __init__(self):\n        self.seen = 0\n"
        "    def reset(self):\n        self.seen = 0\n"
        "    def step(self, x):\n        self.seen += 1\n"
        "        if x < 0:\n            return helper.score(goal)\n"
        "        return self.seen + (goal if x > 5 else 0)\n"
    )
    runner = single.make(source, single.class_plan())
    results, inputs = single.episodes(runner, {"x": np.array([1])}, 1)
    ended = []
    for x in (1, -1, 1, 9, 1):
        inputs["x"][0] = x
        results.outcome[:] = corpus_reader.outputs(1).outcome
        runner.step()
        row = single.ended(runner, results, 0)
        ended.append(row.exception or row.value)
    assert ended == [1.0, "NameError", 3.0, "NameError", 5.0]


REFUSED = {
    "x = missing\ndef reward():\n    return x\n": "SBX309",
    "try:\n    X = missing\nexcept NameError:\n    X = 1\ndef reward():\n    return X\n": "SBX309",
    "class A:\n    x = missing\ndef reward():\n    return 1\n": "SBX309",
    "X = [missing for i in range(3)]\ndef reward():\n    return X[0]\n": "SBX309",
    "def reward(x=missing):\n    return x\n": "SBX309",
    "@missing\ndef reward():\n    return 1\n": "SBX309",
    "class A(Missing):\n    pass\ndef reward():\n    return 1\n": "SBX309",
    "def reward():\n    match 1:\n        case Missing.A:\n            return 1\n": "SBX309",
    "def reward():\n    match Missing:\n        case Missing.A:\n            return 1\n": "SBX309",
    "def reward():\n    def f():\n        nonlocal x\n        x = 1\n    f()\n    return 1\n": "SBX108",
    "def reward():\n    def f():\n        nonlocal x\n        return x\n    return f()\n": "SBX108",
    "def reward():\n    return missing.__class__\n": "SBX301",
    "def reward():\n    return missing(1)[2]._secret\n": "SBX301",
    "def reward():\n    return missing.x.gi_frame\n": "SBX301",
    "def reward():\n    return open\n": "SBX305",
    "def reward():\n    return __import__('os')\n": "SBX305",
    "def reward():\n    return globals()\n": "SBX305",
    "def reward():\n    return __builtins__\n": "SBX305",
    "def reward():\n    return __x__\n": "SBX308",
    "def reward():\n    return _getattr_\n": "SBX308",
    "def reward(self):\n    return self.robot.pose\n": "SBX641",
    "def reward(x):\n    return torch.norm(x, dim=-1)\n": "SBX640",
    "D = torch.device('cpu')\ndef reward(x):\n    return torch.norm(x, dim=-1)\n": "SBX640",
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_is_read_at_load_or_leads_outside_stays_an_error(source: str) -> None:
    report = analyse(source.encode(), "program.py", Limits()).report
    assert REFUSED[source] in {item.rule for item in report.errors}, report.render()


def test_a_name_is_said_once_for_each_way_in_which_it_is_wrong() -> None:
    source = (
        "def reward(x):\n    if missing or missing:\n        return 1\n"
        "    match x:\n        case missing.A:\n            return 2\n    return missing\n"
    )
    found = analyse(source.encode(), "program.py", Limits()).findings
    assert [(item.rule, item.severity) for item in found if item.rule in ("SBX304", "SBX309")] == [
        ("SBX304", Severity.WARNING),
        ("SBX309", Severity.ERROR),
    ]


@pytest.mark.parametrize("name", ["open", "eval", "__builtins__", "_getattr_", "$meter", "__x__"])
def test_the_second_gate_alone_refuses_what_is_no_unknown_name(name: str) -> None:
    tree = single.tree_of("def reward():\n    return other\n", checked=False)
    read = tree.body[0].body[0].value  # type: ignore[attr-defined]
    read.id = name
    with pytest.raises(InstrumentError):
        instrument(tree)
