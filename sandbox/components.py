"""Tree to names: which components a program's result can have, as far as the source shows.

Names are fixed at load, so that a batch has one array per component whatever path its rows take.
A run on the probe batch shows the names of the paths it reached; this walk finds those of the
others: keys of the dict that is returned, wherever it is filled.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from sandbox.plan import Plan

__all__ = ["MAX_COMPONENTS", "static_components"]

MAX_COMPONENTS: Final = 64
_DEPTH: Final = 12
_VISITS: Final = 1_000_000
"""Nodes looked at; a hostile source could otherwise send the walk round and round."""
_TOTALS: Final = ("total", "reward")


def static_components(tree: ast.Module, plan: Plan) -> tuple[str, ...]:
    """Give the names of components that the source writes out, in the order of their places."""
    names = _Names(tree, plan.class_name)
    entry = names.entry(plan)
    if entry is None:
        return ()
    found: dict[str, None] = {}
    for result in _returns(entry):
        if isinstance(result, ast.Tuple) and len(result.elts) == 2:
            found.update(dict.fromkeys(names.keys(result.elts[1], entry, _DEPTH)))
        elif not isinstance(result, ast.Tuple):
            keys = dict.fromkeys(names.keys(result, entry, _DEPTH))
            total = next((name for name in _TOTALS if name in keys), None)
            if total is not None:
                del keys[total]
            found.update(keys)
    return tuple(found)


class _Names:
    def __init__(self, tree: ast.Module, class_name: str | None) -> None:
        self.functions: dict[str, ast.FunctionDef] = {}
        self.methods: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, ast.expr] = {}
        self.fields: dict[str, ast.expr] = {}
        self._nodes: dict[int, list[ast.AST]] = {}
        self._visits = _VISITS
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.ClassDef):
                if node.name == class_name:
                    for item in node.body:
                        if isinstance(item, ast.FunctionDef):
                            self.methods[item.name] = item
                        else:
                            _collect(item, self.fields)
            else:
                _collect(node, self.constants)

    def entry(self, plan: Plan) -> ast.FunctionDef | None:
        if plan.reward is not None:
            return self.functions.get(plan.reward.function)
        return None if plan.step is None else self.methods.get(plan.step.function)

    def _walk(self, where: ast.FunctionDef) -> list[ast.AST]:
        nodes = self._nodes.get(id(where))
        if nodes is None:
            nodes = self._nodes[id(where)] = list(ast.walk(where))
        self._visits -= len(nodes)
        return nodes if self._visits > 0 else []

    def keys(self, node: ast.expr, where: ast.FunctionDef, depth: int) -> Iterator[str]:
        """Give the keys that the value of an expression can have."""
        if depth <= 0:
            return
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if key is None:
                    yield from self.keys(value, where, depth - 1)
                else:
                    yield from self.texts(key, where, depth - 1)
        elif isinstance(node, ast.DictComp):
            yield from self.texts(node.key, where, depth - 1)
        elif isinstance(node, ast.IfExp):
            yield from self.keys(node.body, where, depth - 1)
            yield from self.keys(node.orelse, where, depth - 1)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            yield from self.keys(node.left, where, depth - 1)
            yield from self.keys(node.right, where, depth - 1)
        elif isinstance(node, ast.Name):
            yield from self._of_name(node.id, where, depth)
        elif isinstance(node, ast.Attribute):
            yield from self._of_field(node.attr, depth)
        elif isinstance(node, ast.Call):
            yield from self._of_call(node, where, depth)

    def _of_name(self, name: str, where: ast.FunctionDef, depth: int) -> Iterator[str]:
        assigned = False
        for item in self._walk(where):
            if isinstance(item, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.AugAssign):
                targets = item.targets if isinstance(item, ast.Assign) else [item.target]
                for target in targets:
                    if isinstance(target, ast.Name) and target.id == name:
                        if item.value is not None:
                            assigned = True
                            yield from self.keys(item.value, where, depth - 1)
                    else:
                        yield from self._stored(target, name, where, depth)
            elif isinstance(item, ast.Call):
                func = item.func
                if (
                    isinstance(func, ast.Attribute)
                    and isinstance(func.value, ast.Name)
                    and func.value.id == name
                    and func.attr in ("update", "setdefault")
                ):
                    if func.attr == "setdefault" and item.args:
                        yield from self.texts(item.args[0], where, depth - 1)
                    else:
                        yield from self._arguments(item, where, depth)
        if not assigned and name in self.constants:
            yield from self.keys(self.constants[name], where, depth - 1)

    def _stored(
        self, target: ast.expr, name: str, where: ast.FunctionDef, depth: int
    ) -> Iterator[str]:
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                yield from self._stored(part, name, where, depth)
        elif isinstance(target, ast.Subscript):
            value = target.value
            if isinstance(value, ast.Name) and value.id == name:
                yield from self.texts(target.slice, where, depth - 1)

    def _of_field(self, name: str, depth: int) -> Iterator[str]:
        if name in self.fields:
            for method in self.methods.values():
                yield from self.keys(self.fields[name], method, depth - 1)
                break
        for method in self.methods.values():
            for item in self._walk(method):
                if not isinstance(item, ast.Assign):
                    continue
                for target in item.targets:
                    if isinstance(target, ast.Attribute) and target.attr == name:
                        yield from self.keys(item.value, method, depth - 1)
                    elif (
                        isinstance(target, ast.Subscript)
                        and isinstance(target.value, ast.Attribute)
                        and target.value.attr == name
                    ):
                        yield from self.texts(target.slice, method, depth - 1)

    def _of_call(self, node: ast.Call, where: ast.FunctionDef, depth: int) -> Iterator[str]:
        func = node.func
        if isinstance(func, ast.Name):
            if func.id == "dict":
                yield from self._arguments(node, where, depth)
            elif func.id in self.functions:
                inner = self.functions[func.id]
                for result in _returns(inner):
                    yield from self.keys(result, inner, depth - 1)
        elif isinstance(func, ast.Attribute):
            if func.attr in self.methods:
                inner = self.methods[func.attr]
                for result in _returns(inner):
                    yield from self.keys(result, inner, depth - 1)
            elif func.attr == "copy":
                yield from self.keys(func.value, where, depth - 1)

    def _arguments(self, node: ast.Call, where: ast.FunctionDef, depth: int) -> Iterator[str]:
        for argument in node.args:
            yield from self.keys(argument, where, depth - 1)
        for keyword in node.keywords:
            if keyword.arg is not None:
                yield keyword.arg
            else:
                yield from self.keys(keyword.value, where, depth - 1)

    def texts(self, node: ast.expr, where: ast.FunctionDef, depth: int) -> Iterator[str]:
        """Give the texts that a key can be."""
        for value in self.values(node, where, depth):
            if isinstance(value, str):
                yield value

    def values(
        self, node: ast.expr, where: ast.FunctionDef, depth: int
    ) -> Iterator[str | int | float]:
        """Give the constants that an expression can be."""
        if depth <= 0:
            return
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str | int | float):
                yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from self._joined(node.values, where, depth)
        elif isinstance(node, ast.IfExp):
            yield from self.values(node.body, where, depth - 1)
            yield from self.values(node.orelse, where, depth - 1)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            for left in self.values(node.left, where, depth - 1):
                for right in self.values(node.right, where, depth - 1):
                    if isinstance(left, str) and isinstance(right, str):
                        yield left + right
        elif isinstance(node, ast.Name):
            yield from self._loop_values(node.id, where, depth)
            if node.id in self.constants:
                yield from self.values(self.constants[node.id], where, depth - 1)

    def _joined(self, parts: list[ast.expr], where: ast.FunctionDef, depth: int) -> Iterator[str]:
        if not parts:
            yield ""
            return
        first = parts[0]
        if isinstance(first, ast.FormattedValue):
            if first.format_spec is not None or first.conversion >= 0:
                return
            choices = [str(value) for value in self.values(first.value, where, depth - 1)]
        else:
            choices = [str(value) for value in self.values(first, where, depth)]
        for rest in self._joined(parts[1:], where, depth):
            for choice in choices[: MAX_COMPONENTS + 1]:
                yield choice + rest

    def _loop_values(
        self, name: str, where: ast.FunctionDef, depth: int
    ) -> Iterator[str | int | float]:
        for item in self._walk(where):
            if isinstance(item, ast.For | ast.comprehension):
                yield from self._target_values(item.target, item.iter, name, where, depth)

    def _target_values(
        self, target: ast.expr, source: ast.expr, name: str, where: ast.FunctionDef, depth: int
    ) -> Iterator[str | int | float]:
        if isinstance(target, ast.Name):
            if target.id == name:
                yield from self._items(source, where, depth - 1)
            return
        if not isinstance(target, ast.Tuple):
            return
        for position, part in enumerate(target.elts):
            if not (isinstance(part, ast.Name) and part.id == name):
                continue
            if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute):
                if source.func.attr == "items" and position == 0:
                    yield from self.keys(source.func.value, where, depth - 1)
            elif isinstance(source, ast.Call) and isinstance(source.func, ast.Name):
                if source.func.id == "enumerate" and source.args:
                    if position == 1:
                        yield from self._items(source.args[0], where, depth - 1)
                    else:
                        count = sum(1 for _ in self._items(source.args[0], where, depth - 1))
                        yield from range(count)
                elif source.func.id == "zip" and position < len(source.args):
                    yield from self._items(source.args[position], where, depth - 1)
            elif isinstance(source, ast.List | ast.Tuple):
                for row in source.elts:
                    if isinstance(row, ast.Tuple | ast.List) and position < len(row.elts):
                        yield from self.values(row.elts[position], where, depth - 1)

    def _items(
        self, node: ast.expr, where: ast.FunctionDef, depth: int
    ) -> Iterator[str | int | float]:
        """Give the constants that going through an expression can give."""
        if depth <= 0:
            return
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            for item in node.elts:
                yield from self.values(item, where, depth - 1)
        elif isinstance(node, ast.Dict):
            yield from self.keys(node, where, depth - 1)
        elif isinstance(node, ast.Name):
            if node.id in self.constants:
                yield from self._items(self.constants[node.id], where, depth - 1)
            else:
                yield from self.keys(node, where, depth - 1)
        elif isinstance(node, ast.Attribute):
            if node.attr in self.fields:
                yield from self._items(self.fields[node.attr], where, depth - 1)
            elif node.attr != "shape":
                yield from self._of_field(node.attr, depth - 1)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "range":
                bounds = [self._whole(argument) for argument in node.args]
                if bounds and all(bound is not None for bound in bounds):
                    counted = range(*(bound for bound in bounds if bound is not None))
                    yield from counted[: MAX_COMPONENTS + 1]
            elif node.func.id in ("sorted", "list", "tuple", "set", "reversed") and node.args:
                yield from self._items(node.args[0], where, depth - 1)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "keys"
        ):
            yield from self.keys(node.func.value, where, depth - 1)

    def _whole(self, node: ast.expr) -> int | None:
        if isinstance(node, ast.Name) and node.id in self.constants:
            node = self.constants[node.id]
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value < 1_000:
            return node.value
        return None


def _collect(node: ast.stmt, found: dict[str, ast.expr]) -> None:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                found[target.id] = node.value
    elif isinstance(node, ast.AnnAssign):
        target, value = node.target, node.value
        if isinstance(target, ast.Name) and value is not None:
            found[target.id] = value


def _returns(function: ast.FunctionDef) -> Iterator[ast.expr]:
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Return) and item.value is not None:
            yield item.value
        elif not isinstance(item, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(reversed(list(ast.iter_child_nodes(item))))
