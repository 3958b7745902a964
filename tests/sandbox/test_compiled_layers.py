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
