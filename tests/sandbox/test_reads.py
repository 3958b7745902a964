"""Which keys of an argument a function can read; the answer errs towards everything."""

from __future__ import annotations

import ast

import pytest

from sandbox.reads import Reads, ReadsOf


def reads(source: str, parameter: str = "obs", method: str | None = None) -> Reads:
    tree = ast.parse(source)
    found = ReadsOf(tree)
    if method is None:
        function = next(node for node in reversed(tree.body) if isinstance(node, ast.FunctionDef))
        return found.of(function)[parameter]
    owner = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    function = next(
        node for node in owner.body if isinstance(node, ast.FunctionDef) and node.name == method
    )
    return found.of(function, owner)[parameter]


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ("return 1.0", ()),
        ('return obs["a"][0] + obs["b"]', ("a", "b")),
        ('return [obs["a"] for _ in range(3)]', ("a",)),
        ('return (lambda k: obs["a"] + k)(1)', ("a",)),
        ("return obs", None),
        ("return obs[key]", None),
        ("return obs[0]", None),
        ('return obs.get("a")', None),
        ('return "a" in obs', None),
        ("return len(obs)", None),
        ("return {**obs}", None),
        ("x = obs\n    return x", None),
        ('obs = {}\n    return obs["a"]', None),
        ('obs["a"] = 1\n    return 0', None),
        ('return (lambda obs: obs["a"])(1)', None),
        ("def obs():\n        pass\n    return 0", None),
        ("for obs in x:\n        pass", None),
        ("def inner():\n        nonlocal obs\n    return 0", None),
        ("match obs:\n        case {}:\n            return 1", None),
    ],
)
def test_the_keys_of_a_parameter(body: str, keys: Reads) -> None:
    assert reads(f"def reward(obs, key=0):\n    {body}\n") == keys


@pytest.mark.parametrize(
    ("call", "keys"),
    [
        ("return look(obs, 1)", ("a",)),
        ("return look(x=obs, k=1)", None),
        ('return look(obs, 1) + obs["b"]', ("a", "b")),
        ("return look(*obs)", None),
        ("return other(obs)", None),
        ("return look(1, obs)", None),
        ("look = len\n    return look(obs)", None),
        ("return (lambda look: look(obs))(len)", None),
    ],
)
def test_a_parameter_is_followed_into_functions_of_the_program(call: str, keys: Reads) -> None:
    source = f'def look(x, k):\n    return x["a"] + len(k)\n\ndef reward(obs):\n    {call}\n'
    assert reads(source) == keys


CLASS = """
class R{bases}:
    @staticmethod
    def pure(obs):
        return obs["s"]

    def look(self, obs):
        return obs["m"]

    def step(self, obs):
        return {value}
"""


@pytest.mark.parametrize(
    ("bases", "value", "keys"),
    [
        ("", "self.look(obs)", ("m",)),
        ("", "self.pure(obs)", ("s",)),
        ("", "R.pure(obs)", None),
        ("", "self.other(obs)", None),
        ("(Base)", "self.look(obs)", None),
        ("", "(self.keep, obs)[1]", None),
    ],
)
def test_a_parameter_is_followed_into_methods(bases: str, value: str, keys: Reads) -> None:
    assert reads(CLASS.format(bases=bases, value=value), method="step") == keys


def test_a_method_that_is_replaced_on_the_instance_is_not_followed() -> None:
    source = CLASS.format(bases="", value="self.look(obs)") + "        self.look = len\n"
    assert reads(source, method="step") is None


def test_a_function_that_is_defined_twice_or_decorated_is_not_followed() -> None:
    twice = 'def f(x):\n    return x["a"]\n\ndef f(x):\n    return x\n\ndef reward(obs):\n    return f(obs)\n'
    assert reads(twice) is None
    decorated = '@wrap\ndef f(x):\n    return x["a"]\n\ndef reward(obs):\n    return f(obs)\n'
    assert reads(decorated) is None


def test_a_cycle_ends() -> None:
    source = "def f(x):\n    return g(x)\n\ndef g(x):\n    return f(x)\n\ndef reward(obs):\n    return f(obs)\n"
    assert reads(source) is None
