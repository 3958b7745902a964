"""Which parameters of a program are paths of pictures: those that reach `cv2.imread`.

A parameter is one if it is given to ``cv2.imread`` itself, to a function or method of the program
whose parameter is one, or if it is stored in an attribute that is given to it anywhere. Names are
followed, not values, so an answer of yes may be too much only for a name that means two things.
"""

from __future__ import annotations

import ast
from typing import Final, TypeAlias

from sandbox.trees import walk

__all__ = ["PathsOf"]

_Place: TypeAlias = "tuple[str, str]"
"""Function and name; the function is empty for an attribute of ``self``, which all share."""
_READER: Final = "imread"


class PathsOf:
    """The paths among the parameters of one validated tree."""

    def __init__(self, tree: ast.Module) -> None:
        self._functions: dict[str, list[ast.FunctionDef]] = {}
        for node in walk(tree):
            if isinstance(node, ast.FunctionDef):
                self._functions.setdefault(node.name, []).append(node)
        self._found: set[_Place] = set()
        if any(_is_reader(node) for node in walk(tree)):
            self._follow()

    def of(self, function: ast.FunctionDef) -> frozenset[str]:
        """Give the parameters of a function that are paths."""
        plain = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        return frozenset(arg.arg for arg in plain if (function.name, arg.arg) in self._found)

    def _follow(self) -> None:
        known = -1
        while known != len(self._found):
            known = len(self._found)
            for nodes in self._functions.values():
                for node in nodes:
                    self._look(node)

    def _look(self, function: ast.FunctionDef) -> None:
        for node in walk(function):
            if isinstance(node, ast.Call):
                self._call(function, node)
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    place = _place(function, target)
                    if place in self._found:
                        self._note(function, node.value)

    def _call(self, function: ast.FunctionDef, node: ast.Call) -> None:
        if _is_reader(node.func):
            given = [*node.args[:1]]
            given += [item.value for item in node.keywords if item.arg == "filename"]
            for value in given:
                self._note(function, value)
            return
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        name = node.func.id if isinstance(node.func, ast.Name) else name
        for callee in self._functions.get(name or "", ()):
            params = [arg.arg for arg in (*callee.args.posonlyargs, *callee.args.args)]
            if isinstance(node.func, ast.Attribute) and params[:1] in (["self"], ["cls"]):
                params = params[1:]
            for param, value in [
                *zip(params, node.args, strict=False),
                *((item.arg or "", item.value) for item in node.keywords),
            ]:
                if (callee.name, param) in self._found:
                    self._note(function, value)

    def _note(self, function: ast.FunctionDef, value: ast.expr) -> None:
        place = _place(function, value)
        if place is not None:
            self._found.add(place)


def _place(function: ast.FunctionDef, node: ast.expr) -> _Place | None:
    if isinstance(node, ast.Name):
        return function.name, node.id
    if isinstance(node, ast.Attribute):
        return "", node.attr
    return None


def _is_reader(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == _READER) or (
        isinstance(node, ast.Name) and node.id == _READER
    )
