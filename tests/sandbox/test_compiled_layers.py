"""The front end is one class in layers: what a lower one asks of a higher one is there in the last."""

from __future__ import annotations

import ast
import inspect
import textwrap

from sandbox.tiers.compiled.kernel import Lowering


class WithALayerMissing(Lowering):
    def another(self) -> None:
        raise NotImplementedError


def missing(kind: type) -> set[str]:
    """Name the methods of a class that do nothing but say that a higher layer has to."""
    found = set()
    for name, member in inspect.getmembers(kind, inspect.isfunction):
        tree = ast.parse(textwrap.dedent(inspect.getsource(member))).body[0]
        assert isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef)
        if ast.unparse(tree.body[-1]) == "raise NotImplementedError":
            found.add(name)
    return found


def test_nothing_that_a_lower_layer_asks_for_is_missing() -> None:
    assert missing(Lowering) == set()


def test_a_missing_layer_would_be_seen() -> None:
    assert missing(WithALayerMissing) == {"another"}


def defined_twice(kind: type) -> set[str]:
    """Name the private methods that two layers define: the higher one hides the lower one's."""
    found: dict[str, list[str]] = {}
    for layer in kind.__mro__:
        for name, member in vars(layer).items():
            private = name.startswith("_") and not name.startswith("__")
            if private and inspect.isfunction(member):
                found.setdefault(name, []).append(layer.__name__)
    return {name for name, layers in found.items() if len(layers) > 1}


class WithANameTwice(Lowering):
    def _words_span(self) -> None:  # type: ignore[override]  # what must not be done
        """Hide one of a lower layer."""


def test_no_layer_hides_the_private_method_of_another() -> None:
    assert defined_twice(Lowering) == set()


def test_a_hidden_method_would_be_seen() -> None:
    assert defined_twice(WithANameTwice) == {"_words_span"}
