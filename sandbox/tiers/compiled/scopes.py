"""Which names belong to which scope, as Python decides it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from sandbox.scopes import scopes_of

__all__ = ["CONSUMERS", "Uses", "assigned", "declared", "local_names", "makes_functions"]

CONSUMERS: Final = frozenset(
    {"all", "any", "dict", "frozenset", "list", "max", "min", "set", "sorted", "sum", "tuple"}
)
"""Built-ins that go through their argument and keep nothing of it but its items."""


class Uses:
    """Where names are read in a program, and within which loops.

    Attributes:
        nowhere: Names that are read where nothing defines them.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.nowhere = frozenset(node.id for node in scopes_of(tree).nowhere())
        self._reads: dict[str, list[ast.Name]] = {}
        self._parents: dict[ast.AST, ast.AST] = {}
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self._parents[child] = node
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._reads.setdefault(node.id, []).append(node)

    def reads_nowhere(self, node: ast.AST) -> bool:
        """Whether something reads a name that is undefined, here or elsewhere in the program."""
        return bool(self.nowhere) and any(
            isinstance(item, ast.Name) and item.id in self.nowhere for item in ast.walk(node)
        )

    def at_most_once(self, name: str, scope: ast.AST | None, binding: ast.AST | None) -> bool:
        """Whether what a name is bound to is certainly read no more than once.

        Args:
            name: The name.
            scope: The function it is a parameter of; None for a binding by a statement.
            binding: That statement.
        """
        reads = [
            read
            for read in self._reads.get(name, ())
            if scope is None or scope in self._around(read)
        ]
        if len(reads) > 1:
            return False
        start = scope if scope is not None else binding
        outside = set() if start is None else {start, *self._around(start)}
        return all(self._turns(read).issubset(outside) for read in reads)

    def _around(self, node: ast.AST) -> list[ast.AST]:
        found: list[ast.AST] = []
        while node in self._parents:
            node = self._parents[node]
            found.append(node)
        return found

    def _turns(self, node: ast.AST) -> set[ast.AST]:
        """Give what may run a node more than once."""
        found: set[ast.AST] = set()
        child = node
        for parent in self._around(node):
            match parent:
                case ast.For(iter=first) if child is not first:
                    found.add(parent)
                case ast.While() | ast.Lambda() | ast.FunctionDef():
                    found.add(parent)
                case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                    if child is not parent.generators[0]:
                        found.add(parent)
                case ast.comprehension(iter=first) if child is not first:
                    found.add(parent)
            child = parent
        return found


def local_names(node: ast.FunctionDef | ast.Lambda) -> frozenset[str]:
    """Give the names that are local to a function."""
    arguments = node.args
    names = {
        argument.arg
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    }
    names |= {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument}
    if isinstance(node, ast.FunctionDef):
        names |= assigned(node.body)
        names -= set(declared(node, ast.Global)) | set(declared(node, ast.Nonlocal))
    return frozenset(names)


def assigned(body: Sequence[ast.AST]) -> set[str]:
    """Give the names that statements assign, not looking into inner scopes."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
                continue
            case ast.Lambda():
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                names |= {
                    child.target.id
                    for child in ast.walk(node)
                    if isinstance(child, ast.NamedExpr) and isinstance(child.target, ast.Name)
                }
                continue
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name.split(".")[0] for alias in aliases}
            case ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
        waiting.extend(ast.iter_child_nodes(node))
    return names


def declared(node: ast.AST, kind: type[ast.Global | ast.Nonlocal]) -> list[str]:
    """Give the names that a function declares global or nonlocal, not looking into inner ones."""
    found: list[str] = []
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        child = waiting.pop()
        if isinstance(child, kind):
            found += child.names
        if not isinstance(child, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(child))
    return found


def makes_functions(node: ast.AST) -> bool:
    """Whether a function makes others, which may outlive a call and see its names.

    A generator that is the argument of a call which goes through it does not.
    """
    gone_through = {
        child.args[0]
        for child in ast.walk(node)
        if isinstance(child, ast.Call)
        and isinstance(child.func, ast.Name)
        and child.func.id in CONSUMERS
        and child.args
    }
    return any(
        isinstance(child, ast.FunctionDef | ast.Lambda)
        or (isinstance(child, ast.GeneratorExp) and child not in gone_through)
        for child in ast.walk(node)
        if child is not node
    )
