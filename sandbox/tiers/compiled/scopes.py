"""Which names belong to which scope, as Python decides it."""

from __future__ import annotations

import ast
from collections.abc import Sequence

__all__ = ["assigned", "declared", "local_names", "makes_functions"]


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
            case ast.MatchAs(name=str(name)):
                names.add(name)
        waiting.extend(ast.iter_child_nodes(node))
    return names


def declared(node: ast.AST, kind: type[ast.Global | ast.Nonlocal]) -> list[str]:
    """Give the names that a function declares global or nonlocal."""
    return [name for child in ast.walk(node) if isinstance(child, kind) for name in child.names]


def makes_functions(node: ast.AST) -> bool:
    """Whether a function makes others, which may outlive a call and see its names."""
    return any(
        isinstance(child, ast.FunctionDef | ast.Lambda | ast.GeneratorExp)
        for child in ast.walk(node)
        if child is not node
    )
