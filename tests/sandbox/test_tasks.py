"""``TASKS`` by any expression whose entries the text shows; others stay as they are."""

from __future__ import annotations

import ast

import pytest

from sandbox.limits import Limits
from sandbox.outline import outline_of
from sandbox.passes import analyse
from sandbox.tasks import with_tasks

TOP = (
    "import numpy as np\nfrom functools import partial\n"
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


GROWN = {
    "TASKS = [door]\nfor k in range(len(KINDS)):\n    TASKS += [make(k), either(k)]\n"
    "TASKS.append(FIRST)\n": 6,
    "MARKS = np.array([[1, 2], [3, 4], [5, 6]])\nTASKS = [door]\n"
    "for k in range(len(MARKS)):\n    TASKS.append(make(k))\n": 4,
    "LEVELS = {'a': 1, 'b': 2}\nTASKS = [door]\n"
    "for name, k in LEVELS.items():\n    TASKS.append(make(k))\n": 3,
    "TASKS = []\nfor i, k in enumerate(KINDS):\n    n = k * 2\n    TASKS.append(make(n))\n": 2,
    "TASKS: list = [FIRST]\nTASKS.extend(BASE)\nTASKS += (lambda obs: obs < 3, door)\n": 4,
    "TASKS = [FIRST]\nfor k in KINDS:\n    TASKS.append(lambda obs, k=k: obs > k)\n": 3,
}


@pytest.mark.parametrize("source", GROWN)
def test_a_list_made_by_several_statements_has_all_its_entries(source: str) -> None:
    analysis = analyse(f"{TOP}{source}".encode(), "p", Limits())
    assert analysis.outline is not None, analysis.report.render()
    made: dict[str, list[object]] = {}
    exec(f"{TOP}{source}", made)  # noqa: S102
    assert analysis.outline.tasks is not None
    assert len(analysis.outline.tasks) == GROWN[source] == len(made["TASKS"])


@pytest.mark.parametrize(
    "more",
    [
        "TASKS.append(door)\nTASKS = TASKS[:1]\n",
        "TASKS.insert(0, door)\n",
        "TASKS.reverse()\n",
        "TASKS[0] = door\n",
        "del TASKS[0]\n",
        "for k in KINDS:\n    if k > 1:\n        TASKS.append(make(k))\n",
        "for k in KINDS:\n    TASKS.append(make(k))\n    break\n",
        "for k in TASKS:\n    k\n",
        "while len(TASKS) < 3:\n    TASKS.append(door)\n",
        "for door in KINDS:\n    TASKS.append(door)\n",
        "for k in unknown:\n    TASKS.append(door)\n",
        "TASKS = [door]\n",
    ],
)
def test_a_list_that_changes_otherwise_is_not_read_as_its_first_display(more: str) -> None:
    tree = ast.parse(f"{TOP}TASKS = [door, FIRST]\n{more}")
    assert with_tasks(tree).names is None
    assert outline_of(tree, "").tasks is None


def test_made_names_give_way_to_those_of_the_program() -> None:
    source = "task_1 = 3\nTASKS = [lambda obs: obs > task_1]\n"
    made = with_tasks(ast.parse(source))
    assert made.names == ("task_1_",)


def test_the_given_tree_stays_as_it_is() -> None:
    tree = ast.parse(f"{TOP}TASKS = [FIRST, lambda obs: obs]\n")
    before = ast.dump(tree)
    with_tasks(tree)
    assert ast.dump(tree) == before
