"""The table of rules: whole, unique, and its own examples hold."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

import pytest

import carruntime
import sandbox
from carruntime.rules import RULES as CONTRACT
from sandbox.diagnostics import Severity
from sandbox.limits import Limits
from sandbox.passes import analyse
from sandbox.rules import RULES, Rule, explain, rule_table

PLAN_RULES = frozenset(
    {"SBX603", "SBX604", "SBX610", "SBX612", "SBX620", "SBX625", "SBX629", "SBX630"}
    | {"SBX642", "SBX643", "SBX644"}
)
NAMES = "a, b, c, x, y, n, obs, state, image, distance, initial_distance"


def program(snippet: str) -> str:
    """Make a whole source of an example, which may be one expression."""
    whole = re.match(r"(async |def |class |import |from |@|#|[a-z_]+ = \[|__|np\.pi = )", snippet)
    body = snippet if whole else f"def f({NAMES}):\n{textwrap.indent(snippet, '    ')}"
    uses_numpy = (
        "np." in snippet and "import numpy" not in snippet and "import nunpy" not in snippet
    )
    return (
        "import numpy as np\n" + body
        if uses_numpy and not snippet.startswith("def reward(obs):\n    return np")
        else body
    )


# Those from 7xx on show when a program is built; test_interpreted.py has them.
EXAMPLES = [
    rule for rule in RULES.values() if rule.bad and rule.id < "SBX700" and rule.id not in PLAN_RULES
]


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: rule.id)
def test_the_bad_example_of_a_rule_has_its_finding(rule: Rule) -> None:
    found = analyse(program(rule.bad).encode(), "example.py", Limits()).findings
    assert rule.id in {item.rule for item in found}, [item.message for item in found]


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: rule.id)
def test_the_good_example_of_a_rule_has_no_error(rule: Rule) -> None:
    if not rule.good:
        pytest.skip("nothing stands in its place")
    analysis = analyse(program(rule.good).encode(), "example.py", Limits())
    assert analysis.report.errors == (), analysis.report.render()
    assert rule.id not in {item.rule for item in analysis.findings}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_says_what_why_and_what_to_write(rule: Rule) -> None:
    assert re.fullmatch(r"SBX[1-7]\d\d|CMP\d\d\d", rule.id)
    assert rule.message
    assert rule.why
    assert rule.hint
    assert rule.severity in Severity
    assert (rule.severity is Severity.NOTE) or not rule.id.startswith("CMP")
    for text in (rule.message, rule.why, rule.hint):
        assert not text.endswith(".")


def test_ids_are_in_order_within_their_hundred() -> None:
    ids = list(RULES)
    assert ids == sorted(ids)


def test_an_id_used_twice_is_refused() -> None:
    rule = RULES["SBX301"]
    with pytest.raises(ValueError, match="SBX301 is defined twice"):
        rule_table([rule, rule])


def test_guest_text_in_a_finding_is_not_read_as_a_template() -> None:
    finding = RULES["SBX304"].finding(None, name="{advice.__class__}", advice="{name}")
    assert finding.message == "the name `{advice.__class__}` is not defined"
    assert finding.hint == "{name}"


def test_explain_shows_rule_reason_and_example() -> None:
    assert explain("SBX221") == (
        "SBX221 (error): `<name>` cannot be assigned to\n"
        "  why: modules, functions and classes stay as they are, so that no row can change another\n"
        "  try: assign to a name of your own; what is remembered from step to step is kept in "
        "`self` of a class with `step`\n"
        "  instead of:\n"
        "      np.pi = 3\n"
        "  write:\n"
        "      my_pi = 3"
    )


@pytest.mark.parametrize("rule", [*RULES.values(), *CONTRACT.values()], ids=lambda rule: rule.id)
def test_a_rule_that_is_explained_shows_no_templates(rule: Rule) -> None:
    shown = rule.general()
    told = f"{shown.message} {shown.why} {shown.hint}"
    assert not re.search(r"\{\w+\}|\{\{|\}\}", told.replace("{name: number}", ""))


def test_an_unknown_rule_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        explain("SBX999")


def test_every_example_parses() -> None:
    for rule in RULES.values():
        if rule.bad and rule.id not in ("SBX105", "SBX108"):
            ast.parse(program(rule.bad))


def test_the_codes_of_the_compiled_tier_are_those_of_the_table() -> None:
    used: dict[str, str] = {}
    folders = [Path(str(package.__file__)).parent for package in (sandbox, carruntime)]
    for path in [path for folder in folders for path in sorted(folder.rglob("*.py"))]:
        if path.name in ("rules.py", "tier_reasons.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                code = re.fullmatch(r"CMP\d{3}", node.value)
                if code is not None:
                    used[code.group()] = path.name
    listed = {name for name in RULES if name.startswith("CMP")}
    assert len(used) > 90
    assert used.keys() - listed == set(), "used and not in the table"
    assert listed - used.keys() == set(), "in the table and never used"


def test_a_code_of_the_compiled_tier_is_explained() -> None:
    assert explain("CMP318").startswith(
        "CMP318 (note): the number of elements depends on the data where it has to be known\n  why: "
    )
