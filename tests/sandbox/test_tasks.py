"""``TASKS`` by any expression whose entries the text shows; others stay as they are."""

from __future__ import annotations

import ast

import pytest

from sandbox.limits import Limits
from sandbox.passes import analyse
from sandbox.tasks import with_tasks

TOP = (
    "from functools import partial\n"
    "def door(obs):\n    return obs > 0\n"
    "def near(obs, *, k, c=1):\n    return obs > k * c\n"
    "def far(obs, t, k):\n    return obs > k + t\n"
    "def make(k):\n    def inner(obs):\n        return obs > k\n    return inner\n"
    "def either(k):\n    if k:\n        return lambda obs: obs > k\n    return lambda obs: obs < 0\n"
    "class Sees:\n    def __init__(self, k):\n        self.k = k\n"
    "    def __call__(self, obs, t):\n        return obs > self.k + t\n"
    "    @staticmethod\n    def plain(obs):\n        return True\n"
    "    @classmethod\n    def of(cls, obs):\n        return True\n"
    "KINDS = [1, 2]\nBASE = [door]\nFIRST = lambda obs: obs == 1\n"
)
FORMS = {
    "[door]": (["door"], ["obs"]),
    "[lambda obs: obs > 0, door]": (["task_1", "door"], ["obs", "obs"]),
    "(make(1), either(2))": (["task_1", "task_2"], ["obs", "obs"]),
    "[make(k) for k in KINDS]": (["task_1", "task_2"], ["obs", "obs"]),
    "[lambda obs, t, k=k: obs > k + t for k in range(2)]": (
        ["task_1", "task_2"],
        ["obs t", "obs t"],
    ),
    "[partial(near, k=3), partial(far, k=1)]": (["task_1", "task_2"], ["obs", "obs t"]),
    "{'sees door': door, 'close': lambda obs: obs == 2}": (["door", "close"], ["obs", "obs"]),
    "BASE + [FIRST]": (["door", "task_2"], ["obs", "obs"]),
    "[*BASE, Sees(1)]": (["door", "task_2"], ["obs", "obs t"]),
    "[Sees.plain, Sees.of]": (["plain", "of"], ["obs", "obs"]),
    "tuple(make(k) for k in (1, 2))": (["task_1", "task_2"], ["obs", "obs"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_entry_has_a_function_with_a_name_and_its_parameters(form: str) -> None:
    analysis = analyse(f"{TOP}TASKS = {form}\n".encode(), "p", Limits())
    assert analysis.outline is not None, analysis.report.render()
    functions = {item.name: item for item in analysis.outline.functions}
    names, params = FORMS[form]
    assert analysis.outline.tasks == tuple(names)
    shown = [
        " ".join(p.name for p in functions[name].params if not p.has_default) for name in names
    ]
    assert shown == params


@pytest.mark.parametrize(
    "form",
    [
        *("[make(k) for k in KINDS if k > 1]", "[door][:1]", "sorted([door])", "[print]"),
        *("[lambda *a: True]", "BASE * 2", "[unknown]", "{**{}, 'a': door}", "dict(a=door)"),
    ],
)
def test_what_the_text_does_not_show_stays_as_it_is(form: str) -> None:
    tree = ast.parse(f"{TOP}TASKS = {form}\n")
    made = with_tasks(tree)
    assert made.tree is tree
    assert made.names is None


def test_a_list_that_grows_later_stays_as_it_is() -> None:
    tree = ast.parse(f"{TOP}TASKS = [FIRST]\nTASKS.append(door)\n")
    assert with_tasks(tree).names is None


def test_made_names_give_way_to_those_of_the_program() -> None:
    source = "task_1 = 3\nTASKS = [lambda obs: obs > task_1]\n"
    made = with_tasks(ast.parse(source))
    assert made.names == ("task_1_",)


def test_the_given_tree_stays_as_it_is() -> None:
    tree = ast.parse(f"{TOP}TASKS = [FIRST, lambda obs: obs]\n")
    before = ast.dump(tree)
    with_tasks(tree)
    assert ast.dump(tree) == before
