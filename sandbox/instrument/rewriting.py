"""The rewriting of one tree, and what comes of it."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass

from sandbox.instrument.calls import Calls
from sandbox.instrument.definitions import Definitions
from sandbox.instrument.facts import Program
from sandbox.instrument.loops import Loops
from sandbox.instrument.names import Names
from sandbox.instrument.operators import Operators
from sandbox.instrument.statements import Statements

__all__ = ["InstrumentError", "Instrumented", "instrument"]


class InstrumentError(Exception):
    """The second gate refuses what the first let through.

    Attributes:
        problems: Nodes with what is wrong, in source order.
    """

    def __init__(self, problems: list[tuple[ast.AST, str]]) -> None:
        super().__init__("; ".join(text for _, text in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Instrumented:
    """A tree that is ready to compile.

    Attributes:
        names: The ``$`` names and built-ins that its globals must have.
        writes: Whether anything is ever written into an array or container, so that the
            arguments of one call must be private to it.
    """

    tree: ast.Module
    names: frozenset[str]
    writes: bool


class Transformer(Names, Calls, Operators, Loops, Statements, Definitions):
    """All parts together."""


def instrument(tree: ast.Module) -> Instrumented:
    """Rewrite a validated tree; the given one stays as it is.

    Raises:
        InstrumentError: If it holds what must not run.
    """
    made = copy.deepcopy(tree)
    program = Program(made)
    transformer = Transformer(program)
    result = transformer.visit(made)
    problems = transformer.problems
    if problems or not isinstance(result, ast.Module):
        raise InstrumentError(problems or [(tree, "nothing is left of the program")])
    ast.fix_missing_locations(result)
    return Instrumented(result, frozenset(transformer.names), program.writes)
