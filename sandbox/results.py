"""Tree and plan to findings: results that the source shows to be no reward.

A paying call gives a number, ``(number, {name: number})``, or a dict with the key ``total`` or
``reward``. What is certainly none of these would end each row as a bad result, and the first to
see it would be a person who looks at a finished run. So the `return` statements are looked at
when the program is built: if none of them can pay, the program is refused; if only some cannot,
those get a warning, because the others may be the ones that run.

Only what the text shows for certain counts. A name, a field or a call that could hold anything
else is left to the rows.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from sandbox.classes import methods_of
from sandbox.diagnostics import Finding, Span
from sandbox.parse import Places
from sandbox.plan import Plan
from sandbox.rules import RULES
from sandbox.trees import child_nodes, walk

__all__ = ["TOTALS", "entry_of", "own_returns", "result_findings", "result_span"]

TOTALS: Final = ("total", "reward")
"""Keys of a returned dict that pay; the first that is there does."""

_DEPTH: Final = 4
_SHOWN: Final = 4
_NUMBER: Final = "return a number, or (number, {name: number})"
_KEY: Final = "add a key `total`, or return (total, parts)"
_READERS: Final = frozenset({"get", "keys", "values", "items"})


def result_findings(tree: ast.Module, plan: Plan, text: str) -> list[Finding]:
    """Judge what the paying call of a plan returns.

    Args:
        tree: A validated tree.
        plan: What is called.
        text: Source of the tree.

    Returns:
        Errors if no path can pay, warnings for single paths that cannot.
    """
    entry = entry_of(tree, plan)
    if entry is None:
        return []
    judge = _Judge(tree, plan)
    found = [(item, judge.statement(item, entry)) for item in own_returns(entry)]
    places = Places(text)
    if not found:
        if not judge.falls_off(entry):
            return []
        span = places.name_span(entry)
        facts = {"name": entry.name, "what": "nothing", "advice": _NUMBER}
        return [RULES["SBX629"].finding(span, **facts)]
    rule = RULES["SBX629" if all(what for _, what in found) else "SBX630"]
    out = []
    for item, what in found:
        if what is not None:
            span = places.at(item.value or item)
            advice = _KEY if what.startswith("a dict") else _NUMBER
            out.append(rule.finding(span, name=entry.name, what=what, advice=advice))
    return out


def entry_of(tree: ast.Module, plan: Plan) -> ast.FunctionDef | None:
    """Give the function or method that pays; the last definition of a name holds."""
    found: ast.FunctionDef | None = None
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if plan.reward is not None:
            if isinstance(node, ast.FunctionDef) and node.name == plan.reward.function:
                found = node
        elif (
            plan.step is not None
            and isinstance(node, ast.ClassDef)
            and node.name == plan.class_name
        ):
            found = methods_of(node, classes).get(plan.step.function)
    return found


def own_returns(node: ast.FunctionDef) -> Iterator[ast.Return]:
    """Go through the `return` statements of a function in source order, without inner ones."""
    waiting: list[ast.AST] = list(reversed(node.body))
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Return):
            yield item
        elif not isinstance(item, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(reversed(list(child_nodes(item))))


def result_span(entry: ast.FunctionDef | None, text: str) -> Span | None:
    """Give the place where results come from: the only `return`, or else the name of the entry."""
    if entry is None:
        return None
    places = Places(text)
    returns = list(own_returns(entry))
    return places.at(returns[0]) if len(returns) == 1 else places.name_span(entry)


class _Judge:
    """Says of an expression what it is if it is certainly no reward, and None otherwise."""

    def __init__(self, tree: ast.Module, plan: Plan) -> None:
        self.functions: dict[str, ast.FunctionDef] = {}
        self.methods: dict[str, ast.FunctionDef] = {}
        again: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                again |= {node.name} & self.functions.keys()
                self.functions[node.name] = node
            elif isinstance(node, ast.ClassDef) and node.name == plan.class_name:
                self.methods = {
                    item.name: item
                    for item in node.body
                    if isinstance(item, ast.FunctionDef) and not item.decorator_list
                }
        for name in again:
            del self.functions[name]
        self._names: dict[int, Mapping[str, list[ast.AST]]] = {}
        self._parents: dict[int, ast.AST] = {}

    def statement(self, node: ast.Return, where: ast.FunctionDef) -> str | None:
        return "None" if node.value is None else self.value(node.value, where, _DEPTH)

    def falls_off(self, node: ast.FunctionDef) -> bool:
        """Whether a function without `return` comes to its end, as far as the text shows."""
        return not any(isinstance(item, ast.Raise | ast.While | ast.Assert) for item in walk(node))

    def value(self, node: ast.expr, where: ast.FunctionDef, depth: int) -> str | None:
        plain = _plain(node)
        if plain is not None or depth <= 0:
            return plain
        if isinstance(node, ast.Dict):
            return _without_total(_constant_keys(node))
        if isinstance(node, ast.Tuple):
            return self.tuple(node, where, depth)
        if isinstance(node, ast.IfExp):
            first = self.value(node.body, where, depth - 1)
            return first and self.value(node.orelse, where, depth - 1) and first
        if isinstance(node, ast.Call):
            return self.call(node, where, depth)
        if isinstance(node, ast.Name):
            return self.name(node.id, where, depth)
        return None

    def tuple(self, node: ast.Tuple, where: ast.FunctionDef, depth: int) -> str | None:
        if any(isinstance(item, ast.Starred) for item in node.elts):
            return None
        size = len(node.elts)
        if size != 2:
            return f"a tuple of {size}"
        first, second = node.elts
        what = self.value(first, where, depth - 1)
        if what is not None:
            return f"a tuple that begins with {what}"
        # A number in the second place says as little about a dict as text does.
        is_number = isinstance(second, ast.Constant) and isinstance(second.value, int | float)
        parts = "a number" if is_number else _plain(second)
        return f"a tuple that ends with {parts}" if parts else None

    def call(self, node: ast.Call, where: ast.FunctionDef, depth: int) -> str | None:
        """Follow a call of one of the program's own functions."""
        callee: ast.FunctionDef | None = None
        if _makes_array(node) and not self.is_bound("np", where):
            return "an array"
        if isinstance(node.func, ast.Name):
            if not self.is_bound(node.func.id, where):
                callee = self.functions.get(node.func.id)
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            args = where.args.posonlyargs + where.args.args
            if args and node.func.value.id == args[0].arg and where in self.methods.values():
                callee = self.methods.get(node.func.attr)
        if callee is None or callee.decorator_list:
            return None
        results = [
            "None" if item.value is None else self.value(item.value, callee, depth - 1)
            for item in own_returns(callee)
        ]
        return results[0] if results and all(results) else None

    def is_bound(self, name: str, where: ast.FunctionDef) -> bool:
        return name in self.uses(where) and any(
            not (isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load))
            for item in self.uses(where)[name]
        )

    def name(self, name: str, where: ast.FunctionDef, depth: int) -> str | None:
        """Judge a local name by all that happens to it in its function."""
        uses = self.uses(where).get(name, [])
        assigned: list[ast.expr] = []
        keys: dict[str, None] = {}
        for item in uses:
            parent = self._parents.get(id(item))
            if not isinstance(item, ast.Name):
                return None  # a parameter, an inner function, `global`
            if isinstance(item.ctx, ast.Store):
                if not isinstance(parent, ast.Assign | ast.AnnAssign):
                    return None
                if isinstance(parent, ast.Assign) and item not in parent.targets:
                    return None
                if parent.value is not None:
                    assigned.append(parent.value)
            elif isinstance(item.ctx, ast.Del):
                return None
        if not assigned:
            return None
        if all(isinstance(value, ast.Dict) for value in assigned):
            for value in assigned:
                own = _constant_keys(value) if isinstance(value, ast.Dict) else None
                if own is None:
                    return None
                keys.update(dict.fromkeys(own))
            more = self.keys_added(uses)
            return None if more is None else _without_total(list(dict.fromkeys([*keys, *more])))
        results = [self.value(value, where, depth - 1) for value in assigned]
        first = results[0]
        # A dict from elsewhere may get its key here.
        if not all(results) or first is None or any("dict" in (item or "") for item in results):
            return None
        return first

    def keys_added(self, uses: list[ast.AST]) -> list[str] | None:
        """Give the keys written into a dict by its name; None where it could get any."""
        found: list[str] = []
        for item in uses:
            parent = self._parents.get(id(item))
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
                continue
            if isinstance(parent, ast.Return):
                continue
            if isinstance(parent, ast.Subscript) and parent.value is item:
                if isinstance(parent.ctx, ast.Load):
                    continue
                key = parent.slice
                if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                    return None
                found.append(key.value)
            elif not (isinstance(parent, ast.Attribute) and parent.attr in _READERS):
                return None
        return found

    def uses(self, where: ast.FunctionDef) -> Mapping[str, list[ast.AST]]:
        """Give every place that names something in a function, and note what is around it."""
        found = self._names.get(id(where))
        if found is not None:
            return found
        names: dict[str, list[ast.AST]] = {}
        for node in walk(where):
            for child in child_nodes(node):
                self._parents[id(child)] = node
            if isinstance(node, ast.Name):
                names.setdefault(node.id, []).append(node)
            elif isinstance(node, ast.arg):
                names.setdefault(node.arg, []).append(node)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node is not where:
                names.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.Nonlocal | ast.Global):
                for name in node.names:
                    names.setdefault(name, []).append(node)
            elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                names.setdefault(node.name, []).append(node)
        self._names[id(where)] = names
        return names


def _plain(node: ast.expr) -> str | None:
    """Say what an expression is if its own form shows that it is no number, dict or tuple."""
    if isinstance(node, ast.Constant):
        value = node.value
        if value is None:
            return "None"
        if isinstance(value, str | bytes):
            return "text"
        return "a complex number" if isinstance(value, complex) else None
    if isinstance(node, ast.JoinedStr):
        return "text"
    if isinstance(node, ast.List | ast.ListComp):
        return "a list"
    if isinstance(node, ast.Set | ast.SetComp):
        return "a set"
    if isinstance(node, ast.GeneratorExp):
        return "a generator"
    return "a function" if isinstance(node, ast.Lambda) else None


def _makes_array(node: ast.Call) -> bool:
    """Whether a call is ``np.array([...])``, which is an array however many elements it has."""
    func = node.func
    return (
        isinstance(func, ast.Attribute)
        and isinstance(func.value, ast.Name)
        and func.value.id == "np"
        and func.attr in ("array", "asarray")
        and bool(node.args)
        and isinstance(node.args[0], ast.List | ast.Tuple)
    )


def _constant_keys(node: ast.Dict) -> list[str] | None:
    found: list[str] = []
    for key in node.keys:
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            return None
        found.append(key.value)
    return found


def _without_total(keys: list[str] | None) -> str | None:
    if keys is None or any(name in keys for name in TOTALS):
        return None
    if not keys:
        return "a dict without keys"
    shown = ", ".join(f'"{key[:32]}"' for key in keys[:_SHOWN])
    more = ", ..." if len(keys) > _SHOWN else ""
    return f"a dict without `total` or `reward` (its keys are {shown}{more})"
