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


def test_a_class_has_the_methods_that_it_inherits() -> None:
    found = outline(
        "class Counter:\n"
        "    def __init__(self, size):\n        self.size = size\n"
        "    def reset(self, obs):\n        self.read(obs)\n"
        "    def read(self, obs):\n        self.n = obs['a']\n"
        "class Reward(Counter):\n"
        "    def read(self, obs):\n        self.n = obs['b']\n"
        "    def step(self, obs):\n        return self.n + obs['c']\n"
    ).classes[1]
    reads = {item.name: [param.reads for param in item.params] for item in found.methods}
    # What `reset` hands to `read` goes to the new one, so nothing is known of it.
    assert reads == {"__init__": [None], "reset": [None], "read": [("b",)], "step": [("c",)]}
    assert (found.required, found.bases) == (("size",), ("Counter",))


def test_the_method_that_python_would_call_is_the_one_of_a_class_with_several_bases() -> None:
    found = outline(
        "class A:\n    def reset(self, a):\n        pass\n"
        "class B(A):\n    pass\n"
        "class C(A):\n    def reset(self, c):\n        pass\n"
        "class R(B, C):\n    def step(self):\n        return 0.0\n"
    ).classes[-1]
    (reset,) = [item for item in found.methods if item.name == "reset"]
    assert (found.bases, reset.params[0].name) == (("B", "C", "A"), "c")


def test_a_dataclass_is_made_with_the_fields_of_its_bases() -> None:
    found = outline(
        "from dataclasses import dataclass\n"
        "@dataclass\nclass A:\n    a: float\n    b: float\n"
        "@dataclass\nclass R(A):\n    b: float = 2.0\n    c: float = 1.0\n"
        "class S(R):\n    pass\n"
    ).classes
    assert [item.required for item in found] == [("a", "b"), ("a",), ("a",)]
