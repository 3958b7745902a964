"""A tree without what does not matter, as a digest: are two sources the same program?

Comments, blank lines and line ends never reach the tree. Doc strings and annotations do, and are
left out here, for they do nothing when a program runs (fields of a data class excepted, where an
annotation makes the field). Two sources with one digest are one program; sources that differ in a
name differ here too, because names can be what a caller looks for.

The digest is made where the tree is: a host that will not parse guest text gets it with the
outline. The names of the top level come with it, so that a host can tell whether two sources can
stand in one file.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from typing import Final, TypeAlias

from sandbox.plan import Normal

__all__ = ["normal_of"]

_LEFT_OUT: Final = frozenset(
    {"lineno", "col_offset", "end_lineno", "end_col_offset", "type_comment", "ctx", "kind"}
)
_MOST_NAMES: Final = 1_000
_Item: TypeAlias = "ast.AST | str"


def normal_of(tree: ast.Module) -> Normal:
    """Give the digest of a tree, and a digest for each name that its top level defines.

    Args:
        tree: A parsed source, within the caps of `sandbox.parse`.

    Returns:
        Hex digests. A name that is defined in several ways has one digest over all of them; defined
        anew in the same way, as by a second import, it is what it was.
    """
    whole = hashlib.sha256()
    by_name: dict[str, list[str]] = {}
    for node in _without_doc(tree.body):
        found = _digest(node)
        whole.update(found.encode())
        for name, made in _names(node, found):
            ways = by_name.setdefault(name, [])
            if made not in ways[-1:]:
                ways.append(made)
    names = tuple(
        (name, hashlib.sha256("".join(made).encode()).hexdigest())
        for name, made in list(by_name.items())[:_MOST_NAMES]
    )
    return Normal(whole.hexdigest(), names)


def _names(node: ast.stmt, found: str) -> Iterator[tuple[str, str]]:
    """Give what a statement of the top level defines, each with a digest of how."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, found
    elif isinstance(node, ast.Import | ast.ImportFrom):
        # `import numpy as np` beside another import in one line is the same import.
        module = getattr(node, "module", None) or ""
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            yield name, f"{type(node).__name__} {module} {alias.name} {alias.asname}"
    else:
        for item in ast.walk(node):
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store | ast.Del):
                yield item.id, found


def _digest(node: ast.AST) -> str:
    """Hash a statement; goes on a list, because trees may be deeper than calls may be."""
    made = hashlib.sha256()
    waiting: list[_Item] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            made.update(item.encode("utf-8", "surrogatepass"))
            continue
        made.update(f"({type(item).__name__}".encode())
        waiting.append(")")
        for name, value in reversed(list(_parts(item))):
            if isinstance(value, list):
                waiting.append("]")
                waiting.extend(
                    one if isinstance(one, ast.AST) else repr(one) for one in reversed(value)
                )
                waiting.append(f" {name}[")
            elif isinstance(value, ast.AST):
                waiting += [value, f" {name}="]
            else:
                waiting.append(f" {name}={type(value).__name__} {value!r}")
    return made.hexdigest()


def _parts(node: ast.AST) -> Iterator[tuple[str, object]]:
    """Give the fields of a node that say what it does."""
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for name in node._fields:
        if name in _LEFT_OUT:
            continue
        value = getattr(node, name, None)
        if name == "returns" or (name == "annotation" and isinstance(node, ast.arg)):
            continue
        if (
            name == "body"
            and isinstance(value, list)
            and (is_function or type(node) is ast.ClassDef)
        ):
            value = _without_doc(value)
        yield name, value


def _without_doc(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        return body[1:]
    return body
