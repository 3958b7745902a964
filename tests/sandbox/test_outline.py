"""What the host learns of a source."""

from __future__ import annotations

from sandbox.diagnostics import Span
from sandbox.limits import Limits
from sandbox.passes import analyse
from sandbox.plan import Outline


def outline(source: str) -> Outline:
    found = analyse(source.encode(), "program.py", Limits()).outline
    assert found is not None
    return found


def test_parameters_have_kind_default_and_place() -> None:
    (function,) = outline(
        "def reward(obs, /, action, t=0, *rest, key, other=1, **more):\n    return 1.0\n"
    ).functions
    assert [(item.name, item.kind, item.has_default) for item in function.params] == [
        ("obs", "positional", False),
        ("action", "plain", False),
        ("t", "plain", True),
        ("rest", "varargs", True),
        ("key", "keyword", False),
        ("other", "keyword", True),
        ("more", "varkw", True),
    ]
    assert function.span == Span(1, 5, 1, 11)
    assert function.params[1].span == Span(1, 20, 1, 26)


def test_self_is_left_out_and_static_methods_have_none() -> None:
    (found,) = outline(
        "class Reward:\n"
        "    def __init__(self, size, scale=1.0):\n        self.size = size * scale\n"
        "    def step(self, obs):\n        return self.size\n"
        "    @staticmethod\n    def helper(x):\n        return x\n"
    ).classes
    names = {item.name: [param.name for param in item.params] for item in found.methods}
    assert names == {"__init__": ["size", "scale"], "step": ["obs"], "helper": ["x"]}
    assert found.required == ("size",)
    assert found.span == Span(1, 7, 1, 13)


def test_the_task_list_keeps_its_order() -> None:
    found = outline("def a(obs):\n    return True\ndef b(obs):\n    return False\nTASKS = [b, a]\n")
    assert found.tasks == ("b", "a")
    assert found.tasks_span == Span(5, 9, 5, 15)


def test_a_list_of_other_things_is_not_a_task_list() -> None:
    assert outline("TASKS = [1, 2]\ndef reward(obs):\n    return TASKS[0]\n").tasks is None


def test_data_classes_enums_and_exceptions_are_data() -> None:
    found = outline(
        "from dataclasses import dataclass, field\nfrom enum import Enum\n"
        "from typing import ClassVar, NamedTuple\n"
        "class Colour(Enum):\n    RED = 1\n"
        "class Point(NamedTuple):\n    x: int\n"
        "class Problem(ValueError):\n    pass\n"
        "class Deeper(Problem):\n    pass\n"
        "@dataclass\nclass State:\n    a: int\n    b: int = 1\n    c: ClassVar[int]\n"
        "    d: list = field(default_factory=list)\n    e: int = field(init=False)\n"
        "    f: int = field(repr=False)\n"
    ).classes
    assert [item.name for item in found if item.is_data] == ["Colour", "Point", "Problem", "Deeper"]
    assert found[-1].required == ("a", "f")


def test_the_last_definition_of_a_name_holds() -> None:
    found = outline("def f(a):\n    return a\ndef f(b, c):\n    return b\n")
    assert [len(item.params) for item in found.functions] == [2]


def test_a_returned_dict_display_is_seen_but_not_that_of_an_inner_function() -> None:
    found = outline(
        "def a(obs):\n    return {'total': 1.0}\n"
        "def b(obs):\n    def c():\n        return {}\n    return len(c())\n"
    )
    assert [item.returns_dict for item in found.functions] == [True, False]
