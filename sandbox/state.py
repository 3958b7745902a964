"""Findings about what instances of a class keep: read and never set, never renewed, never stored.

A class that pays keeps in ``self`` what it has to remember within an episode. The runtime starts
every episode with a new instance, so nothing leaks here; but the same class in another training
loop would, and a state that is forgotten by ``reset`` is mostly one that its author forgot too.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from sandbox.diagnostics import Finding
from sandbox.dialect import WRITING_METHODS, attribute_names
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.scopes import Module
from sandbox.spelling import nearest
from sandbox.trees import walk

__all__ = ["changed_attributes", "state_findings"]

_ATTRIBUTES: Final = attribute_names()
_BEFORE_ALL: Final = frozenset({"__init__", "__post_init__"})


@dataclass(slots=True)
class _Method:
    """What one method does to ``self``.

    Attributes:
        assigned: Attributes given a value: ``self.x = ...``.
        changed: Those and the ones whose value is changed: ``self.x += 1``, ``self.x.append(1)``.
        renewed: Attributes whose whole content is replaced: ``self.x[:] = 0``, ``self.x.clear()``.
        calls: Methods of the class that it names.
        reads: The places where an attribute is read.
    """

    assigned: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    renewed: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    reads: list[ast.Attribute] = field(default_factory=list)


def state_findings(
    node: ast.ClassDef, stores: Counter[str], places: Places, module: Module
) -> Iterator[Finding]:
    """Judge the attributes of one class; one that inherits is not looked at.

    Args:
        node: A top-level class.
        stores: How often the whole program stores into an attribute of each name.
        places: Of the source.
        module: The names of the program.
    """
    if any(not (isinstance(base, ast.Name) and base.id == "object") for base in node.bases):
        return
    methods = _methods(node)
    class_names = set(module.scope[node].bound)
    yield from _never_set(node, methods, class_names, places)
    yield from _only_none(node, methods, class_names, stores, places)
    reset = next(
        (item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "reset"),
        None,
    )
    if reset is None or "reset" not in methods:
        return
    for name in sorted(_kept(methods, _reached("reset", methods))):
        yield RULES["SBX621"].finding(places.name_span(reset), name=name)


def changed_attributes(node: ast.ClassDef) -> tuple[str, ...]:
    """Give the attributes that the methods of a class change after it was made, sorted."""
    methods = _methods(node)
    making = {name for start in _BEFORE_ALL & methods.keys() for name in _reached(start, methods)}
    later = {name: method for name, method in methods.items() if name not in making}
    return tuple(sorted(_kept(later, set())))


def _kept(methods: Mapping[str, _Method], renewing: set[str]) -> set[str]:
    """Give what methods change and neither these methods nor those before all others renew."""
    fresh: set[str] = set()
    for name in renewing:
        fresh |= methods[name].assigned | methods[name].renewed
    changing = methods.keys() - renewing - _BEFORE_ALL
    return {attr for name in changing for attr in methods[name].changed} - fresh


def _methods(node: ast.ClassDef) -> dict[str, _Method]:
    functions = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    found: dict[str, _Method] = {}
    for name, function in functions.items():
        first = [*function.args.posonlyargs, *function.args.args][:1]
        wrapped = {item.id for item in function.decorator_list if isinstance(item, ast.Name)}
        if not first or wrapped & {"staticmethod", "classmethod"}:
            continue
        own = first[0].arg
        method = found[name] = _Method()
        for item in walk(function):
            _note(item, own, method)
        method.calls &= functions.keys()
    for method in found.values():
        method.calls &= found.keys()
    return found


def _note(item: ast.AST, own: str, method: _Method) -> None:
    """Note what one node does to ``self``."""
    if isinstance(item, ast.AugAssign):
        base = _base(item.target)
        if _is_own(base, own):
            method.changed.add(base.attr)
    elif isinstance(item, ast.Subscript) and not isinstance(item.ctx, ast.Load):
        base = _base(item)
        if _is_own(base, own):
            method.changed.add(base.attr)
    elif isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute):
        base = _base(item.func.value)
        if item.func.attr in WRITING_METHODS and _is_own(base, own):
            method.changed.add(base.attr)
    method.renewed.update(_renewed(item, own))
    if _is_own(item, own):
        if isinstance(item.ctx, ast.Store):
            method.assigned.add(item.attr)
            method.changed.add(item.attr)
        elif isinstance(item.ctx, ast.Load):
            method.reads.append(item)
            method.calls.add(item.attr)


def _never_set(
    node: ast.ClassDef, methods: Mapping[str, _Method], class_names: set[str], places: Places
) -> Iterator[Finding]:
    """Find attributes that are read and that no method sets."""
    known = class_names | {name for method in methods.values() for name in method.assigned}
    said: set[str] = set()
    for method in methods.values():
        for item in method.reads:
            # One that no value has is refused by the validator already.
            if item.attr in _ATTRIBUTES and item.attr not in known and item.attr not in said:
                said.add(item.attr)
                guess = nearest(item.attr, known)
                advice = f"did you mean `self.{guess}`?" if guess else _SET_IT
                yield RULES["SBX622"].finding(
                    places.at(item), name=item.attr, owner=node.name, advice=advice
                )


_SET_IT: Final = "set it in `__init__` or `reset`"


def _only_none(
    node: ast.ClassDef,
    methods: Mapping[str, _Method],
    class_names: set[str],
    stores: Counter[str],
    places: Places,
) -> Iterator[Finding]:
    """Find attributes that are read and that get nothing but None: a value never stored."""
    emptied = [item for item in _none_targets(node) if isinstance(item, ast.Attribute)]
    if not emptied:
        return
    counted = Counter(item.attr for item in emptied)
    for name in sorted(counted.keys() - class_names):
        # An attribute of this name may be stored through another name for the object.
        if stores[name] != counted[name]:
            continue
        read = next(
            (item for method in methods.values() for item in method.reads if item.attr == name),
            None,
        )
        if read is not None:
            yield RULES["SBX645"].finding(places.at(read), name=name)


def _none_targets(node: ast.ClassDef) -> Iterator[ast.expr]:
    for item in walk(node):
        if (
            isinstance(item, ast.Assign | ast.AnnAssign)
            and isinstance(item.value, ast.Constant)
            and item.value.value is None
        ):
            yield from item.targets if isinstance(item, ast.Assign) else [item.target]


def _renewed(node: ast.AST, own: str) -> Iterator[str]:
    """Give the attributes whose whole content a node replaces: ``self.x[:] = 0.0``."""
    whole: list[ast.expr] = []
    if isinstance(node, ast.For):
        whole = list(_one_by_one(node))
    elif isinstance(node, ast.Assign):
        whole = [
            target.value
            for target in node.targets
            if isinstance(target, ast.Subscript) and _is_all(target.slice)
        ]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        whole = [node.func.value] if node.func.attr in ("fill", "clear") else []
    for value in whole:
        if _is_own(value, own):
            yield value.attr


def _one_by_one(node: ast.For) -> Iterator[ast.expr]:
    """Give what a loop over all keys or indices of a value replaces one after the other."""
    over = _gone_through(node.iter)
    first = node.target.elts[0] if isinstance(node.target, ast.Tuple) else node.target
    if over is None or not isinstance(first, ast.Name):
        return
    for item in node.body:
        for target in item.targets if isinstance(item, ast.Assign) else []:
            if (
                isinstance(target, ast.Subscript)
                and isinstance(target.slice, ast.Name)
                and target.slice.id == first.id
                and ast.dump(target.value) == ast.dump(over)
            ):
                yield target.value


def _gone_through(node: ast.expr) -> ast.expr | None:
    """Give ``x`` for ``x``, ``x.keys()``, ``x.items()``, ``range(len(x))`` and the like."""
    if not isinstance(node, ast.Call):
        return node
    if isinstance(node.func, ast.Attribute):
        return node.func.value if node.func.attr in ("keys", "items") and not node.args else None
    if isinstance(node.func, ast.Name) and len(node.args) == 1:
        if node.func.id in ("list", "tuple", "sorted", "enumerate"):
            return _gone_through(node.args[0])
        if node.func.id == "range":
            inner = node.args[0]
            if (
                isinstance(inner, ast.Call)
                and isinstance(inner.func, ast.Name)
                and inner.func.id == "len"
                and len(inner.args) == 1
            ):
                return inner.args[0]
    return None


def _is_all(index: ast.expr) -> bool:
    """Whether an index selects everything: ``:``, ``...`` or ``:, :``."""
    if isinstance(index, ast.Tuple):
        return bool(index.elts) and all(_is_all(item) for item in index.elts)
    if isinstance(index, ast.Slice):
        return index.lower is None and index.upper is None and index.step is None
    return isinstance(index, ast.Constant) and index.value is ...


def _base(node: ast.expr) -> ast.expr:
    """Give ``self.x`` for ``self.x[i][j]``."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node


def _is_own(node: ast.AST, own: str) -> TypeGuard[ast.Attribute]:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == own
    )


def _reached(start: str, methods: Mapping[str, _Method]) -> set[str]:
    """Give a method and all that it calls, directly or not."""
    found, waiting = {start}, [start]
    while waiting:
        for name in methods[waiting.pop()].calls:
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found
