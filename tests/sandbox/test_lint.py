"""Mistakes that only show against the inputs a program is bound to."""

from __future__ import annotations

import ast
import re
import textwrap

import numpy as np
import pytest
from corpus_reader import STATE, read

from sandbox.diagnostics import Finding
from sandbox.limits import Limits
from sandbox.lint import lint
from sandbox.passes import analyse
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, DictSpec, Schema, Spec, TupleSpec

OBS = DictSpec(
    (
        ("image", ArraySpec(shape=(7, 7, 3), dtype="uint8")),
        ("direction", ArraySpec(kind="int", dtype="int64")),
        ("mission", ArraySpec(kind="text", shape=(256,), dtype="uint8")),
    )
)
VEC = ArraySpec(shape=(8,))
PAIR = TupleSpec((VEC, ArraySpec(kind="int", dtype="int64")))
PARAMS = (
    Param("obs", "next_obs"),
    Param("action", "action"),
    Param("vec", "vec"),
    Param("pair", "pair"),
)
PLAN = Plan(
    schema=Schema(
        (
            ("next_obs", OBS),
            ("action", ArraySpec(kind="int", dtype="int64")),
            ("vec", VEC),
            ("pair", PAIR),
        )
    ),
    reward=Call("reward", PARAMS),
)


RESULTS = ("SBX629", "SBX630")


def findings(body: str, before: str = "") -> list[str]:
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    source = f"{before}def reward(obs, action, vec, pair):\n{lines}\n"
    return [f"{item.rule} {item.message}" for item in lint(ast.parse(source), PLAN, source)]


def said(body: str, before: str = "") -> list[str]:
    """Give the findings about inputs; most bodies here return nothing."""
    return [item for item in findings(body, before) if not item.startswith(RESULTS)]


def judged(body: str, before: str = "") -> list[str]:
    """Give the findings about results."""
    return [item for item in findings(body, before) if item.startswith(RESULTS)]


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ('x = obs["imge"]', 'SBX603 the observation has no key "imge"'),
        ('x = obs.get("carrying", 0)', 'SBX603 the observation has no key "carrying"'),
        ("x = vec[8]", "SBX604 index 8 is outside of axis 0, which has 8 elements"),
        ("x = vec[-9]", "SBX604 index -9 is outside of axis 0, which has 8 elements"),
        ("y = vec[2:5]\nx = y[3]", "SBX604 index 3 is outside of axis 0, which has 3 elements"),
        (
            'x = obs["image"][3, 7, 0]',
            "SBX604 index 7 is outside of axis 1, which has 7 elements",
        ),
        ("x = pair[2]", "SBX604 index 2 is outside of axis 0, which has 2 elements"),
        ("x = pair[0][9]", "SBX604 index 9 is outside of axis 0, which has 8 elements"),
        (
            'x = obs["image"][0, 0, 0] - 1',
            "SBX610 the difference of unsigned numbers wraps below zero",
        ),
        (
            'x = obs["image"]\ny = x[0] - x[1]',
            "SBX610 the difference of unsigned numbers wraps below zero",
        ),
        ("if vec > 0:\n    pass", "SBX612 an array decides an `if`"),
        ("x = vec and 1", "SBX612 an array decides an `and`"),
        ("x = vec * 2\nif x > 0:\n    pass", "SBX612 an array decides an `if`"),
        ("x = vec == 2\nif not x:\n    pass", "SBX612 an array decides an `if`"),
        ("if np.abs(vec) < 1:\n    pass", "SBX612 an array decides an `if`"),
        ("x = vec[:3] - 1\ny = x[3]", "SBX604 index 3 is outside of axis 0, which has 3 elements"),
        (
            'x = obs["image"].copy()\nx -= obs["image"]',
            "SBX610 the difference of unsigned numbers wraps below zero",
        ),
        (
            'x = obs["image"][..., 0]\ny = x[1:] - x[:-1]',
            "SBX610 the difference of unsigned numbers wraps below zero",
        ),
        (
            'x = obs["image"].sum() - obs["image"][0].sum()',
            "SBX610 the difference of unsigned numbers wraps below zero",
        ),
        ("assert not vec == 1", "SBX612 an array decides an `assert`"),
        ("vec[0] = 1", "SBX620 the program writes into its argument `vec`"),
        ('obs["a"] = 1', "SBX620 the program writes into its argument `obs`"),
        ('obs["image"][0] = 1', "SBX620 the program writes into its argument `obs`"),
        ("vec += 1", "SBX620 the program writes into its argument `vec`"),
        ("vec.sort()", "SBX620 the program writes into its argument `vec`"),
        ("y = vec[1:]\ny[0] = 2", "SBX620 the program writes into its argument `vec`"),
        ('x = vec["pos"]', "SBX625 `vec` is an array of shape (8,), so a key fails"),
        ("x = vec.keys()", "SBX625 `vec` is an array of shape (8,), so `.keys` fails"),
        ("x = obs[0]", "SBX625 `obs` is a dict, so an index fails"),
        ("x = action[0]", "SBX625 `action` is one int, so an index fails"),
        ("x = vec[0, 1]", "SBX625 `vec` is an array of shape (8,), so an index of 2 parts fails"),
        ("a, b = vec", "SBX625 `vec` is 8 values long, so unpacking it into 2 names fails"),
        ("a, b, c = pair", "SBX625 `pair` is 2 values long, so unpacking it into 3 names fails"),
    ],
)
def test_a_mistake_is_found(body: str, finding: str) -> None:
    assert said(body) == [finding]


@pytest.mark.parametrize(
    "body",
    [
        'x = obs["image"][3, 6, 2] + vec[7] + vec[-8] + pair[1] + pair[0][0]',
        'x = obs["imge"] if "imge" in obs else 0',
        'x = int(obs["image"][0, 0, 0]) - 1',
        'x = obs["image"] / 255 - obs["image"] * 0.5',
        'x = obs["image"].mean() - obs["image"].astype(float).sum()',
        "x = vec[:, None] * vec\ny = x[7, 7]",
        "x = vec[0]\nx += 1\nif x > 0:\n    pass",
        "x = vec.sum() - 1\nif x > 0 and vec.max() > 1:\n    pass",
        "x = vec * unknown(vec)\ny = x[9, 9]",
        'x = obs["image"].astype(int)[0] - 1',
        "y = vec.copy()\ny[0] = 1\ny += 2",
        "vec = vec + 1\nvec[0] = 2",
        "for i in range(20):\n    x = vec[i]",
        "if vec[0] > 0 and (vec > 0).all():\n    pass",
        'x = obs["image"][..., 9]',
        'x = obs["image"][:, :, None, 2]',
        "a, *b = vec",
        'x = obs["mission"].split()[3]',
        'x = obs["mission"][9]',
        "vec = vec[0]\nx = vec",
        "def reward(vec):\n    return vec[99]",
    ],
)
def test_ordinary_code_is_left_alone(body: str) -> None:
    assert said(body) == []


def test_constants_of_the_module_are_known() -> None:
    assert said("x = vec[PADDLE] + vec[BALL]", "PADDLE, BALL = 9, 3\n") == [
        "SBX604 index 9 is outside of axis 0, which has 8 elements"
    ]
    assert said("x = obs[KEY]", 'KEY = "imagge"\n') == [
        'SBX603 the observation has no key "imagge"'
    ]


def test_inputs_are_followed_into_helpers() -> None:
    helper = "def cell(grid, i):\n    return grid[1, 0, 5] + i\n"
    found = said('x = cell(obs["image"], 1)', helper)
    assert found == ["SBX604 index 5 is outside of axis 2, which has 3 elements"]


def test_methods_are_followed_through_self() -> None:
    source = (
        "class Reward:\n"
        "    def reset(self, vec):\n        self.first = vec[8]\n"
        "    def step(self, obs):\n        return self.cell(obs)\n"
        "    def cell(self, obs):\n        return obs['imag']\n"
    )
    plan = Plan(
        schema=PLAN.schema,
        class_name="Reward",
        reset=Call("reset", (Param("vec", "vec"),)),
        step=Call("step", (Param("obs", "next_obs"),)),
    )
    found = lint(ast.parse(source), plan, source)
    assert [(item.rule, item.span.line if item.span else 0) for item in found] == [
        ("SBX604", 3),
        ("SBX603", 7),
    ]


def test_functions_that_call_each_other_many_times_are_judged_once_each() -> None:
    chain = "".join(
        f"def f{i}(x):\n    return {' + '.join(f'f{i + 1}(x)' for _ in range(8))}\n"
        for i in range(12)
    )
    assert said("return f0(vec)", chain + "def f12(x):\n    return x[9]\n") == []


KNOWN_FAULTS = {
    "atari_ram_breakout": {"SBX610"},
    "minigrid_fetch_object": {"SBX642"},
    "minigrid_unlock_fields": {"SBX642"},
    "panda_stack_two_cubes": {"SBX642"},
}


@pytest.mark.parametrize("name", sorted(path.name for path in STATE.iterdir() if path.is_dir()))
def test_natural_programs_have_no_false_finding(name: str) -> None:
    """What is said is true of the program: it wraps, or pays again and again for a state."""
    program = read(name)
    analysis = analyse(program.source, name, Limits())
    assert analysis.tree is not None
    found = {item.rule for item in lint(analysis.tree, program.plan, analysis.text)}
    assert found == KNOWN_FAULTS.get(name, set())


def test_the_tree_is_not_changed() -> None:
    source = "A = 3\ndef reward(obs, action, vec, pair):\n    return vec[A]\n"
    tree = ast.parse(source)
    before = ast.dump(tree)
    lint(tree, PLAN, source)
    assert ast.dump(tree) == before


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (
            'return {"progress": 1.0, "success": 0.0}',
            'a dict without `total` or `reward` (its keys are "progress", "success")',
        ),
        (
            'parts = {}\nparts["a"] = 1.0\nif vec[0] > 0:\n    parts["b"] = 2.0\nreturn parts',
            'a dict without `total` or `reward` (its keys are "a", "b")',
        ),
        ("return None", "None"),
        ("return", "None"),
        ("x = vec[0]", "nothing"),
        ('return "good"', "text"),
        ("result = [vec[0], vec[1]]\nreturn result", "a list"),
        ("return np.array([vec[0], vec[1]])", "an array"),
        ("return vec[0], vec[1], {}", "a tuple of 3"),
        ("return None, {}", "a tuple that begins with None"),
        ("return vec[0], 1.0", "a tuple that ends with a number"),
        ('return {"a": 1.0} if action else None', "a dict without `total` or `reward`"),
    ],
)
def test_a_program_that_can_never_pay_is_refused(body: str, what: str) -> None:
    found = judged(body)
    assert len(found) == 1
    assert found[0].startswith(f"SBX629 `reward` returns {what}")


def test_a_helper_that_returns_a_dict_without_a_total_is_followed() -> None:
    helper = 'def parts(vec):\n    return {"a": vec[0]}\n'
    assert [item[:6] for item in judged("return parts(vec)", before=helper)] == ["SBX629"]


@pytest.mark.parametrize(
    "body",
    [
        'return {"total": 1.0, "a": 2.0}',
        'return {"reward": 1.0}',
        'parts = {"a": 1.0}\nparts["total"] = 2.0\nreturn parts',
        'parts = {"a": 1.0}\nparts.update(total=2.0)\nreturn parts',
        'parts = {"a": 1.0}\nname = "total"\nparts[name] = 2.0\nreturn parts',
        'parts = {"a": 1.0}\nother = parts\nother["total"] = 2.0\nreturn parts',
        'parts = {"a": 1.0}\nreturn parts | {"total": 1.0}',
        'return {**{"total": 1.0}}',
        "best = None\nfor x in vec:\n    best = x\nreturn best",
        'raise ValueError("no")',
        "return vec[0], dict(a=1.0)",
        "return sum([1.0, 2.0])",
        "return np.array([vec[0], vec[1]]).sum()",
        "return np.array(vec[0])",
        "return True",
        "return -1",
    ],
)
def test_a_result_that_may_pay_is_left_to_the_rows(body: str) -> None:
    assert judged(body) == []


def test_one_path_that_cannot_pay_is_a_warning() -> None:
    found = judged("if vec[0] > 0:\n    return None\nreturn 1.0")
    assert found == ["SBX630 `reward` returns None here, which is no reward"]


OBS_VEC = DictSpec((*OBS.fields, ("vec", VEC)))


def paid(body: str, parameters: str = "obs, action, next_obs", top: str = "") -> list[str]:
    found = findings_about_payment(body, parameters, top)
    return [f"{item.rule} {item.message}" for item in found]


def findings_about_payment(
    body: str, parameters: str = "obs, action, next_obs", top: str = ""
) -> list[Finding]:
    source = f"{top}def reward({parameters}):\n" + textwrap.indent(body, "    ") + "\n"
    slots: dict[str, Spec] = {"obs": OBS_VEC, "next_obs": OBS_VEC, "action": ArraySpec(kind="int")}
    names = [name.strip() for name in parameters.split(",")]
    plan = Plan(
        schema=Schema(tuple((name, slots[name]) for name in names)),
        reward=Call("reward", tuple(Param(name, name) for name in names)),
    )
    found = lint(ast.parse(source), plan, source)
    return [item for item in found if item.rule in {"SBX642", "SBX643"}]


HELD = 'held = next_obs["image"][3, 6, 0] == 5\n'


@pytest.mark.parametrize(
    "body",
    [
        "total = -0.01\nif held:\n    total += 0.5\nreturn total",
        "total = -0.01\ntotal += 0.5 if held else 0.0\nreturn float(total)",
        "return -0.01 + 0.5 * held",
        "return -0.01 + 0.5 * float(held)",
        "bonus = 0.0\nif held:\n    bonus = 0.5\nreturn bonus - 0.01",
        (
            'parts = {"time": -0.01}\nif held:\n    parts["held"] = 0.5\n'
            "return sum(parts.values()), parts"
        ),
        'parts = {"time": -0.01, "held": 0.5 if held else 0.0}\nreturn sum(parts.values()), parts',
        "if held:\n    return 0.5\nreturn -0.01",
        "total = sum([0.5 if held else 0.0, -0.01])\nreturn total, {}",
    ],
)
def test_a_bonus_that_is_paid_again_and_again_is_told(body: str) -> None:
    (found,) = paid(HELD + body)
    assert found == "SBX642 a bonus of 0.5 is paid on every step"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("if KEY != 5:\n    r -= 1.0\nelse:\n    r += 0.25", "`{}` does not hold"),
        ("if KEY in (1, 2):\n    r -= 1.0\nelse:\n    r += 0.25", "`{}` does not hold"),
        ("r += -1.0 if KEY != 5 else 0.25", "`{}` does not hold"),
        ("if KEY == 5:\n    return -1.0\nr += 0.25", "`{}` does not hold"),
        ("if KEY == 5:\n    r += 0.25\nelse:\n    r -= 1.0", "`{}` holds"),
        ("r += 0.25 if KEY == 5 else -1.0", "`{}` holds"),
    ],
)
def test_the_condition_of_a_bonus_is_the_one_of_its_branch(body: str, what: str) -> None:
    key = 'next_obs["image"][3, 6, 0]'
    (found,) = findings_about_payment(f"r = -0.01\n{body}\nreturn r".replace("KEY", key))
    test = re.search(r"(?:el)?if (.*?)(?:$|:| else)", body)
    assert test is not None
    shown = what.format(test[1].replace("KEY", key))
    assert f"as long as {shown}, so" in found.why
    was = "it held" if "not" in what else "it did not hold"
    assert f"test that {was} in `obs`" in found.hint


def test_the_smallest_bonus_stands_for_all() -> None:
    body = (
        'image = next_obs["image"]\ntotal = 0.0\nif image[0, 0, 0] == 5:\n    total += KEY\n'
        "if image[0, 0, 0] == 8:\n    total += 1.0\nreturn total"
    )
    assert paid(body, top="KEY = 0.25\n") == ["SBX642 a bonus of 0.25 is paid on every step"]


@pytest.mark.parametrize(
    "body",
    [
        "return 1.0 if held else 0.0",  # the whole reward: a sparse one
        "total = -0.01\nif held and not before:\n    total += 0.5\nreturn total",
        "total = -0.01\nif held:\n    if not before:\n        total += 0.5\nreturn total",
        "if before:\n    return -0.01\nif held:\n    return 0.5\nreturn -0.02",
        "return -0.01 + 0.5 * held - 0.5 * before",  # a difference of potentials
        "total = -0.01\nif held and action == 3:\n    total += 0.5\nreturn total",
        "total = -0.01\nif held:\n    total -= 0.5\nreturn total",
        'near = abs(float(next_obs["vec"][0])) < 0.05\nreturn 1.0 * near - 0.1',  # the goal itself
        "scale = 2.0 if held else 1.0\nreturn scale * float(next_obs['vec'][0])",
        "return 0.1 - float(next_obs['vec'][0])",
        'if next_obs["image"][3, 5, 0] == GOAL:\n    return 1.0\nreturn -0.01',  # the end
    ],
)
def test_what_may_well_be_paid_once_is_left_alone(body: str) -> None:
    assert paid(HELD + 'before = obs["image"][3, 6, 0] == 5\n' + body) == []


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('effort = -0.1 * action\ntotal = 1.0\nreturn total, {"effort_penalty": effort}', 1),
        ('a_cost = -0.1 * action\nreturn {"total": 1.0, "a": a_cost}', 1),
        ('a_cost = -0.1 * action\nparts = {"a": a_cost}\nreturn 1.0, parts', 1),
        ('a_cost = -0.1 * action\nparts = {"a": a_cost}\nreturn sum(parts.values()), parts', 0),
        ('a_cost = -0.1 * action\ntotal = 1.0\ntotal += a_cost\nreturn total, {"a": a_cost}', 0),
        ('distance = -0.1 * action\nreturn 1.0, {"distance": distance}', 0),
        ('a_cost = 1.0\nx = a_cost if action else 0\nreturn x, {"a_cost": a_cost}', 0),
    ],
)
def test_a_component_that_is_left_out_of_the_total_is_told(body: str, names: int) -> None:
    assert len([item for item in paid(body) if item.startswith("SBX643")]) == names


def class_plan(*, reset: bool) -> Plan:
    return Plan(
        schema=Schema((("next_obs", OBS), ("initial_obs", OBS))),
        class_name="Reward",
        step=Call("step", (Param("obs", "next_obs"),)),
        reset=Call("reset", (Param("obs", "initial_obs"),)) if reset else None,
    )


def test_what_is_stored_in_self_is_known_elsewhere() -> None:
    source = (
        "class Reward:\n"
        "    def reset(self, obs):\n        self.before = obs['image']\n        self.mixed = 1\n"
        "    def step(self, obs):\n"
        "        moved = obs['image'] - self.before\n"
        "        if self.before:\n            self.mixed = obs['image']\n"
        "        if self.mixed:\n            moved = self.before[9]\n"
        "        self.before[0] = 1\n"
        "        return float(moved.sum())\n"
    )
    found = lint(ast.parse(source), class_plan(reset=True), source)
    assert [(item.rule, item.span.line if item.span else 0) for item in found] == [
        ("SBX610", 6),
        ("SBX612", 7),
        ("SBX604", 10),
    ]


def test_a_class_that_keeps_something_and_has_no_reset_is_noted() -> None:
    source = (
        "class Reward:\n    def __init__(self):\n        self.scale = 2.0\n        self.make()\n"
        "    def make(self):\n        self.seen = set()\n        self.count = 0\n"
        "    def step(self, obs):\n        self.seen.add(1)\n        self.count += 1\n"
        "        return self.scale * len(self.seen)\n"
    )
    (found,) = lint(ast.parse(source), class_plan(reset=False), source)
    assert found.rule == "SBX644"
    assert "`self.count`, `self.seen` between steps" in found.message


def test_a_parameter_with_a_default_to_write_into_is_not_taken_for_the_observation() -> None:
    source = (
        "def reward(obs, state={}):\n    state['n'] = state.get('n', 0) + 1\n"
        "    return float(state['n'])\n"
    )
    plan = Plan(
        schema=Schema((("obs", OBS), ("next_obs", OBS))),
        reward=Call("reward", (Param("obs", "obs"), Param("state", "next_obs"))),
    )
    assert lint(ast.parse(source), plan, source) == []
    without = source.replace("={}", "")
    found = {item.rule for item in lint(ast.parse(without), plan, without)}
    assert found == {"SBX603", "SBX620"}


def bounded(low: float, high: float, body: str, dtype: str = "float64") -> list[str]:
    """Give the rules about numbers for a body that reads four elements within bounds."""
    spec = ArraySpec(shape=(4,), dtype=dtype, low=low, high=high)
    plan = Plan(
        schema=Schema((("obs", spec), ("dt", ArraySpec()))),
        reward=Call("reward", (Param("obs", "obs"), Param("dt", "dt"))),
    )
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    source = f"import numpy as np\ndef reward(obs, dt):\n{lines}\n"
    found = lint(ast.parse(source), plan, source)
    return [item.rule for item in found if item.rule in {"SBX609", "SBX623"}]


DIVISIONS = [
    "return 1.0 / obs[2]",
    "return 1.0 / (obs[0] - obs[1])",
    "a, b = obs[0], obs[1]\nd = a - b\nreturn 1.0 / d",
    "a, b, c, d = obs\nreturn float(a) // float(b)",
    "part = obs[:2]\nreturn 5 % part[1]",
    "return (obs[:2] / obs[2:]).sum()",
    "return 1.0 / (obs[0] ** 2 + obs[1] * obs[1])",
    "return 1.0 / (2.0 * obs[0])",
    "x = 1.0\nx /= obs[3]\nreturn x",
    "if obs[0] > 0:\n    return 1.0 / obs[1]\nreturn 0.0",
    "if np.linalg.norm(obs[:2]) > 0:\n    return 1.0 / obs[3]\nreturn 0.0",
    "return 1.0 / (0.5 - obs[0])",
]


@pytest.mark.parametrize("body", DIVISIONS)
def test_a_division_by_an_input_that_can_be_zero_is_told(body: str) -> None:
    assert bounded(-np.inf, np.inf, body) == ["SBX609"]


@pytest.mark.parametrize(
    "body",
    [
        "return 1.0 / obs[2] if obs[2] != 0 else 0.0",
        "a, b = obs[0], obs[1]\nif a == b:\n    return 0.0\nreturn 1.0 / (a - b)",
        "a, b, c, d = obs\nif abs(obs[1]) < 1e-6:\n    return 0.0\nreturn a / b",
        "gap = obs[0] - obs[1]\nfar = abs(gap) > 1e-6\nreturn 1.0 / gap if far else 0.0",
        "return np.where(obs[1] > 0, obs[0] / obs[1], 0.0)",
        "return obs[0] / max(obs[1], 0.1)",
        "return 1.0 / (obs[0] + 1e-6)",
        "return 1.0 / (1.0 + abs(obs[0] - obs[1]))",
        "return 1.0 / (np.linalg.norm(obs) + 1e-6)",
        "if np.all(obs != 0):\n    return 1.0 / obs[3]\nreturn 0.0",
        "for i in range(4):\n    if obs[i] == 0:\n        return 0.0\nreturn 1.0 / obs[3]",
        "return obs[0] / dt",
        "return obs[0] / np.exp(obs[1])",
        "for x in (1.0, 2.0):\n    pass\nreturn obs[0] / x",
        "try:\n    x = 1.0 / obs[0]\nexcept ZeroDivisionError:\n    x = 0.0\nreturn x",
    ],
)
def test_a_guarded_division_or_one_by_something_else_is_left_alone(body: str) -> None:
    assert bounded(-np.inf, np.inf, body) == []


def test_bounds_that_exclude_zero_make_a_division_safe() -> None:
    assert bounded(0.5, 1.0, "return 1.0 / (obs[0] * obs[1] + obs[2])") == []
    assert bounded(-2.0, -1.0, "return 1.0 / obs[0] + 1.0 / abs(-obs[1]) + 1.0 / obs[2] ** 2") == []
    assert bounded(0.0, 1.0, "return 1.0 / (2.0 - obs[0])") == []
    assert bounded(0.5, 1.0, "return 1.0 / (obs[0] - obs[1])") == ["SBX609"]
    assert bounded(0, 255, "return 255 / obs[0]", "uint8") == ["SBX609"]


def test_bounds_say_whether_a_logarithm_or_a_root_leaves_its_domain() -> None:
    whole = "return float(np.log(obs).sum())"
    assert bounded(0.0, 1.0, whole) == ["SBX623"]
    assert bounded(0.1, 1.0, whole) == []
    assert bounded(-1.0, 1.0, "return float(np.sqrt(obs).sum())") == ["SBX623"]
    assert bounded(0.0, 1.0, "return float(np.sqrt(obs).sum())") == []
    assert bounded(-1.0, 1.0, "return float(np.log(np.maximum(obs, 1e-6)).sum())") == []


@pytest.mark.parametrize(
    "body",
    [
        'x = np.diff(obs["image"][0].astype(np.int64))',
        "x = np.diff(vec) - np.subtract(vec, vec) + (-vec)",
        'x = np.subtract(obs["image"].astype(int), obs["image"])',
        'x = -int(obs["image"][0, 0, 0]) - -obs["direction"]',
    ],
)
def test_signed_numbers_may_be_subtracted_and_negated(body: str) -> None:
    assert said(body, before="import numpy as np\n") == []


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("return 1.0 if vec in (1, 2) else 0.0", "SBX612 an array decides an `in`"),
        ("return 1.0 if vec[:2] not in GOALS else 0.0", "SBX612 an array decides an `in`"),
        ("seen = set()\nreturn vec[:2] in seen", "SBX625 `vec[:2]` is an array, so looking for"),
        ("seen = set()\nseen.add(vec)\nreturn 1.0", "SBX625 `vec` is an array, so adding it"),
        ("n = {}\nn[vec] = 1\nreturn 1.0", "SBX625 `vec` is an array, so using it as a key"),
    ],
)
def test_an_array_that_is_looked_for_or_hashed_is_told(body: str, finding: str) -> None:
    (found,) = said(body, before="GOALS = [(1.0, 2.0)]\n")
    assert found.startswith(finding)


@pytest.mark.parametrize(
    "body",
    [
        "return 1.0 if vec[0] in (1, 2) else 0.0",
        "return 1.0 if tuple(vec[:2]) in GOALS else 0.0",
        "return 1.0 if 1.0 in vec else 0.0",
        "return 1.0 if vec in np.zeros((2, 8)) else 0.0",
        "return 1.0 if vec in () else 0.0",
        "seen = []\nseen = np.array(seen)\nreturn 1.0 if vec in seen else 0.0",
        "seen = set()\nseen.add(float(vec[0]))\nreturn float(len(seen))",
        "n = {}\nn[action] = vec\nreturn 1.0 if action in n else 0.0",
        "rows = [0.0] * 8\nreturn rows[vec[0] > 1]",
    ],
)
def test_numbers_and_tuples_may_be_looked_for_and_hashed(body: str) -> None:
    assert said(body, before="import numpy as np\nGOALS = [(1.0, 2.0)]\n") == []
