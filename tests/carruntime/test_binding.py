"""The table of parameters of the program contract, and how an entry is found."""

from __future__ import annotations

from typing import Any

import pytest

import carruntime as car
from carruntime.binding import Binding, Inputs, bind
from carruntime.rules import RULES
from sandbox.limits import Limits
from sandbox.outline import outline_of
from sandbox.parse import parse
from sandbox.plan import Outline, Param
from sandbox.rules import Rule
from sandbox.schema import ArraySpec, DictSpec, TupleSpec

BOX = ArraySpec(shape=(4,), dtype="float32")
ACTION = ArraySpec(kind="int", dtype="int64", low=0, high=6)
GOAL = DictSpec(
    (
        ("achieved_goal", ArraySpec(shape=(3,))),
        ("desired_goal", ArraySpec(shape=(3,))),
        ("observation", ArraySpec(shape=(6,))),
    )
)
GRID = DictSpec(
    (
        ("direction", ArraySpec(kind="int", dtype="int64")),
        ("image", ArraySpec(shape=(7, 7, 3), dtype="uint8")),
        ("mission", ArraySpec(kind="text", shape=(256,), dtype="uint8")),
    )
)


def outline(source: str) -> Outline:
    tree = parse(source.encode(), Limits()).tree
    assert tree is not None
    return outline_of(tree, source)


def bound(source: str, observation: Any = BOX, **options: Any) -> Binding:
    extra = options.pop("extra", {})
    return bind(outline(source), Inputs(observation, ACTION, extra), **options)


def params(parameters: str, observation: Any = BOX, **options: Any) -> list[Param]:
    result = bound(f"def reward({parameters}):\n    return 0.0\n", observation, **options)
    assert result.plan is not None, result.findings
    assert result.plan.reward is not None
    return list(result.plan.reward.params)


def slots(parameters: str, observation: Any = BOX, **options: Any) -> list[str]:
    return [
        "/".join([p.slot, *map(str, p.path)]) for p in params(parameters, observation, **options)
    ]


def rules(source: str, observation: Any = BOX, **options: Any) -> list[str]:
    return sorted(item.rule for item in bound(source, observation, **options).findings)


# Whole observations --------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["obs", "observation", "state"])
@pytest.mark.parametrize("after", ["next_obs", "next_observation", "next_state"])
def test_before_and_after_are_told_apart_by_name_whatever_the_order(
    before: str, after: str
) -> None:
    assert slots(f"{before}, {after}") == ["obs", "next_obs"]
    assert slots(f"{after}, action, {before}") == ["next_obs", "action", "obs"]


@pytest.mark.parametrize("name", ["obs", "observation", "state", "next_obs", "next_state"])
def test_a_single_observation_is_the_one_after_the_action(name: str) -> None:
    assert slots(name) == ["next_obs"]
    assert slots(f"{name}, action") == ["next_obs", "action"]


def test_the_first_observation_does_not_count_as_the_single_one() -> None:
    assert slots("initial_obs, obs") == ["initial_obs", "next_obs"]


def test_the_flags_and_the_time_are_inputs() -> None:
    assert slots("obs, action, next_obs, terminated, truncated, t") == [
        "obs",
        "action",
        "next_obs",
        "terminated",
        "truncated",
        "t",
    ]


# Fields of a Dict ----------------------------------------------------------------------------


def test_a_field_is_that_of_the_observation_after_the_action() -> None:
    assert slots("achieved_goal, desired_goal, action", GOAL) == [
        "next_obs/achieved_goal",
        "next_obs/desired_goal",
        "action",
    ]


def test_observation_is_the_field_where_the_space_has_one() -> None:
    assert slots("observation, action", GOAL) == ["next_obs/observation", "action"]
    assert slots("observation, next_observation", GOAL) == [
        "obs/observation",
        "next_obs/observation",
    ]


def test_prefixes_say_explicitly_which_observation_a_field_is_of() -> None:
    assert slots("prev_image, next_image, initial_image", GRID) == [
        "obs/image",
        "next_obs/image",
        "initial_obs/image",
    ]


def test_a_bare_field_is_before_the_action_if_its_next_is_taken_too() -> None:
    assert slots("image, next_image, direction", GRID) == [
        "obs/image",
        "next_obs/image",
        "next_obs/direction",
    ]


def test_a_bare_field_stays_after_the_action_if_only_its_prev_is_taken_too() -> None:
    assert slots("image, prev_image", GRID) == ["next_obs/image", "obs/image"]


def test_a_field_named_like_a_frame_is_a_field() -> None:
    assert slots("image", GRID) == ["next_obs/image"]


def test_a_field_that_the_contract_names_otherwise_is_pointed_out() -> None:
    space = DictSpec((("state", BOX), ("goal", BOX)))
    result = bound("def reward(state, goal):\n    return 0.0\n", space)
    assert [item.rule for item in result.findings] == ["CAR116"]
    assert result.plan is not None
    assert result.plan.reward is not None
    assert result.plan.reward.params[0] == Param("state", "next_obs")
    assert slots("state", space, bindings={"state": "next_obs/state"}) == ["next_obs/state"]


def test_only_the_fields_that_are_read_are_in_the_schema() -> None:
    result = bound("def reward(image, prev_direction):\n    return 0.0\n", GRID)
    assert result.plan is not None
    assert [column.name for column in result.plan.schema.columns()] == [
        "obs/direction",
        "next_obs/image",
    ]


# Defaults, underscores, variadic parameters --------------------------------------------------


def test_a_default_that_names_nothing_is_kept() -> None:
    assert slots("obs, action, next_obs, gamma=0.99") == ["obs", "action", "next_obs"]


def test_a_default_that_names_an_input_is_replaced_by_it() -> None:
    assert slots("obs=None, action=None, next_obs=None") == ["obs", "action", "next_obs"]


def test_a_default_that_looks_like_a_misspelt_input_is_pointed_out() -> None:
    source = "def reward(obs, next_obs, actoin=0):\n    return 0.0\n"
    assert rules(source) == ["CAR112"]


def test_an_underscore_before_a_name_marks_it_as_unused_and_changes_nothing_else() -> None:
    assert slots("_obs, action, next_obs") == ["obs", "action", "next_obs"]


def test_an_underscored_default_that_names_nothing_is_kept_without_a_word() -> None:
    assert rules("def reward(obs, _cache=None):\n    return 0.0\n") == []


def test_variadic_parameters_get_nothing_and_are_noted() -> None:
    result = bound("def reward(obs, *args, **kwargs):\n    return 0.0\n")
    assert [item.rule for item in result.findings] == ["CAR113", "CAR113"]
    assert result.plan is not None


def test_what_cannot_be_passed_by_position_is_refused() -> None:
    assert rules("def reward(obs, *, action):\n    return 0.0\n") == ["CAR114"]
    assert rules("def reward(obs, scale=1.0, action=0):\n    return 0.0\n") == ["CAR115"]


# Unknown names -------------------------------------------------------------------------------


def test_an_unknown_parameter_names_the_nearest_known_one() -> None:
    (found,) = bound("def reward(obs, acton, next_obs):\n    return 0.0\n").findings
    assert found.rule == "CAR110"
    assert "`acton`" in found.message
    assert "did you mean `action`?" in found.hint
    assert found.span is not None
    assert (found.span.line, found.span.column) == (1, 17)


def test_all_unknown_parameters_are_found_not_the_first() -> None:
    assert rules("def reward(foo, bar):\n    return 0.0\n") == ["CAR110", "CAR110"]


@pytest.mark.parametrize(
    "parameters", ["self, action", "env", "obs, info", "obs, done", "obs, prev_obs", "actions"]
)
def test_signatures_of_other_systems_get_a_hint(parameters: str) -> None:
    found = bound(f"def reward({parameters}):\n    return 0.0\n").findings
    assert [item.rule for item in found] == ["CAR110"]
    assert "the name it has here" not in found[0].hint


@pytest.mark.parametrize(
    "name", ["frame", "initial_frame", "prev_frame", "image", "image_path", "path", "frame_path"]
)
def test_a_frame_that_was_not_declared_is_refused_and_said_how_to(name: str) -> None:
    (found,) = bound(f"def reward({name}):\n    return 0.0\n").findings
    assert found.rule == "CAR111"
    assert "frame=(height, width, 3)" in found.hint


# bindings= and extra= ------------------------------------------------------------------------


def test_bindings_give_a_parameter_any_input() -> None:
    given = {"x": "next_obs/achieved_goal", "y": "prev_desired_goal", "z": "obs", "w": "action"}
    assert slots("x, y, z, w", GOAL, bindings=given) == [
        "next_obs/achieved_goal",
        "obs/desired_goal",
        "obs",
        "action",
    ]


def test_bindings_reach_into_nested_spaces() -> None:
    space = DictSpec((("pose", TupleSpec((BOX, BOX))),))
    assert slots("x", space, bindings={"x": "next_obs/pose/1"}) == ["next_obs/pose/1"]


@pytest.mark.parametrize("target", ["next_obs/nowhere", "nowhere", "next_obs/0", "frame", "a/b"])
def test_a_binding_to_what_does_not_exist_is_a_finding(target: str) -> None:
    assert rules("def reward(x):\n    return 0.0\n", GOAL, bindings={"x": target}) == ["CAR117"]


def test_a_binding_for_a_parameter_that_does_not_exist_is_a_finding() -> None:
    assert rules("def reward(obs):\n    return 0.0\n", bindings={"ob": "obs"}) == ["CAR109"]


def test_a_declared_extra_is_an_input() -> None:
    extra = {"battery": ArraySpec(dtype="float32")}
    assert slots("obs, battery", extra=extra) == ["next_obs", "extra/battery"]
    assert slots("obs, b", extra=extra, bindings={"b": "battery"}) == ["next_obs", "extra/battery"]


# Tasks ---------------------------------------------------------------------------------------


def test_tasks_are_called_in_the_order_of_the_list() -> None:
    source = "def b(obs):\n    return True\n\ndef a(initial_obs, obs):\n    return True\n\nTASKS = [b, a]\n"
    plan = bound(source).plan
    assert plan is not None
    assert plan.form == "tasks"
    assert [task.function for task in plan.tasks] == ["b", "a"]
    assert [p.slot for p in plan.tasks[1].params] == ["initial_obs", "next_obs"]


def test_tasks_without_a_list_are_called_in_the_order_of_their_numbers() -> None:
    names = ["task_10_goal", "task_2", "task_1_key"]
    source = "\n".join(f"def {name}(obs):\n    return True\n" for name in names)
    plan = bound(source).plan
    assert plan is not None
    assert [task.function for task in plan.tasks] == ["task_1_key", "task_2", "task_10_goal"]


def test_two_tasks_of_one_number_are_pointed_out() -> None:
    source = "def task_1_a(obs):\n    return True\n\ndef task_1_b(obs):\n    return True\n"
    assert rules(source) == ["CAR107"]


def test_helpers_beside_tasks_are_no_entry() -> None:
    source = "def near(obs):\n    return True\n\ndef task_1(obs):\n    return near(obs)\n"
    plan = bound(source).plan
    assert plan is not None
    assert plan.form == "tasks"


def test_a_list_of_tasks_that_names_nothing_is_a_finding() -> None:
    assert rules("def a(obs):\n    return True\n\nTASKS = [a, b]\n") == ["CAR104"]
    assert rules("def a(obs):\n    return True\n\nTASKS = []\n") == ["CAR104"]


@pytest.mark.parametrize("value", ["[('x', a)]", "[3]", "'a, b'"])
def test_tasks_that_are_no_list_of_functions_are_refused_at_their_place(value: str) -> None:
    report = car.check(
        f"def a(obs):\n    return True\n\ndef b(obs):\n    return True\n\nTASKS = {value}\n"
    )
    (found,) = [item for item in report.findings if item.rule == "CAR104"]
    assert found.span is not None
    assert found.span.line == 7
    assert "is not a list whose entries the text shows" in found.message


def test_a_constant_named_tasks_may_stand_beside_a_reward() -> None:
    assert rules("TASKS = 4\n\ndef reward(obs):\n    return TASKS * 1.0\n") == []


def test_tasks_may_stand_beside_one_reward() -> None:
    source = "def task_1(obs):\n    return True\n\ndef reward(obs, next_obs):\n    return 0.0\n"
    plan = bound(source).plan
    assert plan is not None
    assert plan.form == "tasks+function"
    assert plan.reward is not None
    assert [p.slot for p in plan.reward.params] == ["obs", "next_obs"]
    assert [p.slot for p in plan.tasks[0].params] == ["next_obs"]


# Classes -------------------------------------------------------------------------------------

CLASS = """
class R:
    def __init__(self, scale=1.0):
        self.scale = scale

    def reset(self, obs):
        self.first = obs

    def {method}(self, {parameters}):
        return 0.0
"""


@pytest.mark.parametrize("method", ["step", "reward", "check_and_progress"])
def test_a_class_is_entered_at_its_method(method: str) -> None:
    plan = bound(CLASS.format(method=method, parameters="obs, action, next_obs")).plan
    assert plan is not None
    assert plan.class_name == "R"
    assert plan.step is not None
    assert plan.step.function == method
    assert [p.slot for p in plan.step.params] == ["obs", "action", "next_obs"]


def test_step_comes_before_reward() -> None:
    source = "class R:\n    def reward(self, obs):\n        return 0.0\n    def step(self, obs):\n        return 0.0\n"
    plan = bound(source).plan
    assert plan is not None
    assert plan.step is not None
    assert plan.step.function == "step"


@pytest.mark.parametrize("name", ["obs", "observation", "state", "initial_obs", "next_obs"])
def test_the_reset_of_a_class_gets_the_first_observation(name: str) -> None:
    source = CLASS.replace("reset(self, obs)", f"reset(self, {name})").replace(
        "self.first = obs", f"self.first = {name}"
    )
    plan = bound(source.format(method="step", parameters="obs")).plan
    assert plan is not None
    assert plan.reset is not None
    assert [p.slot for p in plan.reset.params] == ["initial_obs"]


def test_the_reset_of_a_class_gets_a_field_of_the_first_observation() -> None:
    source = "class R:\n    def reset(self, image):\n        self.x = image\n    def step(self, obs):\n        return 0.0\n"
    plan = bound(source, GRID).plan
    assert plan is not None
    assert plan.reset is not None
    assert plan.reset.params == (Param("image", "initial_obs", ("image",)),)


def test_the_reset_of_a_class_cannot_have_what_does_not_exist_yet() -> None:
    source = "class R:\n    def reset(self, action):\n        self.x = action\n    def step(self, obs):\n        return 0.0\n"
    assert rules(source) == ["CAR118"]


def test_a_class_that_needs_arguments_is_a_finding() -> None:
    source = "class R:\n    def __init__(self, goal):\n        self.goal = goal\n    def step(self, obs):\n        return 0.0\n"
    assert rules(source) == ["CAR106"]


# Finding the entry ---------------------------------------------------------------------------


def test_a_single_function_of_any_name_is_the_entry() -> None:
    plan = bound("def compute(obs):\n    return 0.0\n").plan
    assert plan is not None
    assert plan.reward is not None
    assert plan.reward.function == "compute"


def test_a_single_public_function_beside_private_helpers_is_the_entry() -> None:
    plan = bound("def _d(a):\n    return a\n\ndef compute(obs):\n    return 0.0\n").plan
    assert plan is not None
    assert plan.reward is not None
    assert plan.reward.function == "compute"


def test_no_entry_is_a_finding_that_names_what_there_is() -> None:
    (found,) = bound("def a(obs):\n    return 0.0\n\ndef b(obs):\n    return 0.0\n").findings
    assert found.rule == "CAR101"
    assert "`a`, `b`" in found.message
    assert rules("X = 1\n") == ["CAR101"]


HELPED = (
    "def height(obs):\n    return 0.0\n\ndef scale(k):\n    return k\n\n"
    "class Part:\n    x = 1\n\n"
    "def compute_reward(obs, action, next_obs):\n    return scale(height(obs))\n"
)


def test_the_only_function_that_could_be_called_is_proposed_as_the_entry() -> None:
    (found,) = bound(HELPED).findings
    assert found.message == "no entry found among functions `height`, `scale`, `compute_reward`"
    assert found.hint.startswith(
        'if `compute_reward` is meant, load with entry="compute_reward"; or write '
    )
    assert bound(HELPED, entry="compute_reward").plan is not None


def test_of_two_functions_that_could_be_called_none_is_proposed() -> None:
    (found,) = bound(HELPED + "\ndef other(obs):\n    return 0.0\n").findings
    assert found.hint.startswith("write ")


def test_two_entries_are_a_finding_that_names_both() -> None:
    source = "def reward(obs):\n    return 0.0\n\nclass R:\n    def step(self, obs):\n        return 0.0\n"
    (found,) = bound(source).findings
    assert found.rule == "CAR103"
    assert "`R`" in found.message
    assert "`reward`" in found.message


def test_a_class_that_another_one_derives_from_is_no_entry_beside_it() -> None:
    source = (
        "class Base:\n    def reset(self, obs):\n        self.n = 0\n"
        "    def step(self, obs):\n        return self.scale()\n"
        "    def scale(self):\n        return 1.0\n\n"
        "class R(Base):\n    def scale(self):\n        return 2.0\n"
    )
    for entry in (None, "R"):
        plan = bound(source, entry=entry).plan
        assert plan is not None
        assert (plan.class_name, plan.step is not None, plan.reset is not None) == ("R", True, True)
    (found,) = bound(source + "\nclass S(Base):\n    pass\n").findings
    assert found.rule == "CAR103"
    assert "`R`, `S`" in found.message


def test_an_entry_can_be_named() -> None:
    source = (
        "def task_1(obs):\n    return True\n\ndef a(obs):\n    return 0.0\n\n"
        "def reward(obs):\n    return 0.0\n\nclass R:\n    def step(self, obs):\n        return 0.0\n"
    )
    forms = {name: bound(source, entry=name).plan for name in ("a", "R", "TASKS")}
    assert forms["a"] is not None
    assert forms["a"].reward is not None
    assert (forms["a"].form, forms["a"].reward.function) == ("tasks+function", "a")
    assert forms["R"] is not None
    assert forms["R"].form == "tasks+class"
    assert forms["TASKS"] is not None
    assert forms["TASKS"].form == "tasks"


def test_an_entry_that_is_not_there_is_a_finding() -> None:
    (found,) = bound("def reward(obs):\n    return 0.0\n", entry="rewrad").findings
    assert found.rule == "CAR102"
    assert "`reward`" in found.hint


def test_a_class_without_an_entry_method_named_as_entry_is_a_finding() -> None:
    source = "class R:\n    def go(self, obs):\n        return 0.0\n"
    assert rules(source, entry="R") == ["CAR105"]


def test_an_entry_that_takes_nothing_is_pointed_out() -> None:
    assert rules("def reward():\n    return 1.0\n") == ["CAR119"]


def test_an_entry_that_only_looks_back_is_pointed_out() -> None:
    assert rules("def reward(prev_image):\n    return 0.0\n", GRID) == ["CAR120"]


def test_the_facts_tell_entry_form_and_binding() -> None:
    facts = bound("def reward(image, action):\n    return 0.0\n", GRID).facts
    assert facts == {
        "entry": "reward",
        "form": "function",
        "binding": "image = ['image'] of the observation after the action; "
        "action = the action taken",
    }


def test_without_spaces_only_the_entry_is_looked_for() -> None:
    result = bind(outline("def reward(whatever):\n    return 0.0\n"), None)
    assert result.findings == ()
    assert result.facts == {"entry": "reward", "form": "function"}


def test_every_rule_has_a_reason_and_advice() -> None:
    for rule in RULES.values():
        assert rule.why
        assert rule.hint


# Component names are known only of a program that was built.
EXAMPLES = [rule for rule in RULES.values() if rule.bad and rule.id != "CAR122"]


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: rule.id)
def test_the_examples_of_a_rule_are_examples_of_it(rule: Rule) -> None:
    rest = "" if "step" in rule.bad else "\n    def step(self, obs):\n        return 0.0"
    bad, good = (
        text + rest if text.startswith("class") else text for text in (rule.bad, rule.good)
    )
    assert rule.id in rules(bad + "\n")
    assert rules(good + "\n") == []


# Observations beside actions ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["obs", "observation", "state", "_obs"])
def test_one_observation_beside_an_action_is_said_to_be_the_one_after_it(name: str) -> None:
    source = f"def reward({name}, action):\n    return {name}[0] * action\n"
    (found,) = bound(source).findings
    assert (found.rule, found.severity) == ("CAR121", "note")
    assert f"`{name}` is the observation after the action" in found.message


@pytest.mark.parametrize("names", ["obs", "obs, action, next_obs", "next_obs, action"])
def test_an_observation_that_can_be_no_other_is_not_explained(names: str) -> None:
    assert rules(f"def reward({names}):\n    return 0.0\n") == []


def test_an_observation_that_was_bound_by_hand_is_not_explained() -> None:
    source = "def reward(obs, action):\n    return 0.0\n"
    assert rules(source, bindings={"obs": "next_obs"}) == []
