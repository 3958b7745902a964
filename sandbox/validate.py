"""Tree and dialect to findings: a pure pass that refuses what it does not know.

Every node is judged by a method of its own or stands in the list of those that need none; a node
of a newer Python is in neither and is refused. All findings are collected, not only the first,
so that one run tells an author everything.

This layer is for quality and good messages: it decides by what the text shows. What only shows
when the program runs (the type behind a name) is decided again by the guards of the interpreted
tier, from the same tables.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import isinf
from typing import Final

from sandbox.diagnostics import Finding, Span
from sandbox.dialect import (
    ADMITTED_NODES,
    BUILTINS,
    CLASS_BASES,
    CLASS_METHODS,
    DECORATORS,
    INTERNAL_ATTRIBUTES,
    METHODS,
    MODULES,
    REFUSED_ATTRIBUTES,
    REFUSED_BUILTINS,
    REFUSED_MEMBERS,
    REFUSED_MODULES,
    REFUSED_NODES,
    Entry,
    attribute_names,
)
from sandbox.flow import flow_findings
from sandbox.limits import Limits
from sandbox.parse import Places
from sandbox.rules import RULES
from sandbox.scopes import Binding, FunctionNode, Module, Scope, arguments_of, dotted, scopes_of
from sandbox.spelling import nearest

__all__ = ["Judged", "validate"]

_ATTRIBUTES: Final = attribute_names()
_WRITERS: Final = frozenset(
    name
    for table in METHODS.values()
    for name, entry in table.items()
    if entry.reason.startswith("writes")
)
_DTYPE_TEXTS: Final = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 int float"
    " uint b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 ? b h i l B H I L e f d".split()
)
_DTYPE_BUILTINS: Final = frozenset({"bool", "int", "float"})
_ABSTRACT_TYPES: Final = frozenset(
    "ndarray generic number integer signedinteger unsignedinteger floating inexact".split()
)
_MAKES_MUTABLE: Final = frozenset({"list", "dict", "set"}) | frozenset(
    f"collections.{name}" for name in ("deque", "defaultdict", "Counter", "OrderedDict")
)
_MAX_WIDTH: Final = 1000
_COMMON_IMPORTS: Final = {
    "np": "numpy as np",
    "numpy": "numpy",
    "math": "math",
    **{name: f"typing {name}" for name in MODULES["typing"]},
    **{name: f"collections {name}" for name in ("deque", "defaultdict", "namedtuple")},
    **{name: f"dataclasses {name}" for name in ("dataclass", "field")},
    **{name: f"itertools {name}" for name in MODULES["itertools"]},
    **{name: f"math {name}" for name in MODULES["math"] if name not in ("e", "pow")},
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A tree that was looked at.

    Attributes:
        tree: The tree without a trailing ``__main__`` block.
        findings: By place.
    """

    tree: ast.Module
    findings: tuple[Finding, ...]


def validate(tree: ast.Module, text: str, limits: Limits) -> Judged:
    """Judge every node of a tree.

    Args:
        tree: What `sandbox.parse.parse` gave; it is not changed.
        text: Its source.
        limits: ``functions``, ``literal_elements``, ``string_bytes`` and ``integer_bits``.

    Returns:
        The tree that later passes work on, and what there is to say about it.
    """
    places = Places(text)
    tree, notes = _without_main(tree, places)
    judge = _Judge(tree, places, limits)
    judge.run()
    if not tree.body and notes:
        judge.found.append(RULES["SBX102"].finding(None))
    found = [*notes, *judge.found, *flow_findings(tree, places, judge.module)]
    order = sorted(
        set(found),
        key=lambda item: (item.span or Span(0, 0, 0, 0), item.rule, item.message),
    )
    return Judged(tree, tuple(order))


def _without_main(tree: ast.Module, places: Places) -> tuple[ast.Module, list[Finding]]:
    last = tree.body[-1] if tree.body else None
    if not (isinstance(last, ast.If) and not last.orelse and _is_main_test(last.test)):
        return tree, []
    span = places.at(last)
    head = Span(span.line, span.column, span.line, places.at(last.test).end_column)
    kept = ast.Module(body=tree.body[:-1], type_ignores=[])
    return kept, [RULES["SBX114"].finding(head)]


def _is_main_test(test: ast.expr) -> bool:
    if not (
        isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)
    ):
        return False
    sides = [test.left, test.comparators[0]]
    names = [side.id for side in sides if isinstance(side, ast.Name)]
    texts = [side.value for side in sides if isinstance(side, ast.Constant)]
    return names == ["__name__"] and texts == ["__main__"]


class _Judge:
    """One walk over one tree."""

    def __init__(self, tree: ast.Module, places: Places, limits: Limits) -> None:
        self.tree = tree
        self.places = places
        self.limits = limits
        self.module: Module = scopes_of(tree)
        self.found: list[Finding] = []
        self.functions = 0
        self.scope: Scope = self.module.root
        self.calls: dict[ast.AST, list[tuple[ast.AST, ast.AST]]] = {}
        self.read_imports: set[Binding] = set()
        self.shadowed: set[tuple[int, str]] = set()
        self.silent: set[ast.AST] = set()
        self.broken: set[ast.AST] = set()

    # -- means ---------------------------------------------------------------------------------

    def say(self, rule: str, place: ast.AST | Span | None, **facts: object) -> None:
        span = place if isinstance(place, Span) or place is None else self.places.span(place)
        self.found.append(RULES[rule].finding(span, **facts))

    def run(self) -> None:
        for statement in self.tree.body:
            self.visit(statement)
        if self.functions > self.limits.functions:
            self.say("SBX107", None, count=self.functions, limit=self.limits.functions)
        self.recursion()
        self.unused_imports()

    def visit(self, node: ast.AST) -> None:
        name = type(node).__name__
        method: Callable[[ast.AST], None] | None = getattr(self, f"on_{name}", None)
        if method is not None:
            method(node)
        elif name in _PLAIN:
            self.children(node)
        elif name in REFUSED_NODES:
            what, advice = REFUSED_NODES[name]
            self.say("SBX201", node, what=what, advice=advice)
            self.children(node)
        else:
            self.say("SBX202", node, what=name)

    def children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child)

    def all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def inside(self, node: ast.AST, parts: Iterable[ast.AST]) -> None:
        outer = self.scope
        self.scope = self.module.scope.get(node, outer)
        for part in parts:
            self.visit(part)
        self.scope = outer

    # -- names ---------------------------------------------------------------------------------

    def on_Name(self, node: ast.Name) -> None:
        name = node.id
        if isinstance(node.ctx, ast.Store):
            self.new_name(name, self.places.at(node))
            return
        scope = self.scope.find(name)
        if scope is not None:
            scope.used.add(name)
            for binding in scope.bound[name]:
                if binding.kind in ("module", "member", "refused"):
                    self.read_imports.add(binding)
            if scope.kind == "class" and self.scope is not scope:
                return
        elif name in BUILTINS:
            entry = BUILTINS[name]
            if entry.reason.startswith("only as a decorator") and node not in self.silent:
                self.say("SBX408", node, name=name)
        elif name in REFUSED_BUILTINS:
            self.broken.add(node)
            self.say("SBX305", node, name=name, advice=REFUSED_BUILTINS[name])
        elif hasattr(builtins, name):
            self.say("SBX305", node, name=name, advice="leave it out")
        elif _reserved(name):
            self.say("SBX308", node, name=name)
        else:
            self.broken.add(node)
            self.say("SBX304", node, name=name, advice=self.unknown_name(name))

    def unknown_name(self, name: str) -> str:
        visible: set[str] = set()
        scope: Scope | None = self.scope
        while scope is not None:
            if scope.kind != "class" or scope is self.scope:
                visible.update(scope.bound)
            scope = scope.parent
        owner = self.scope
        while owner.parent is not None and owner.kind != "class":
            owner = owner.parent
        if owner.kind == "class" and name in owner.bound:
            return f"did you mean `self.{name}`?"
        guess = nearest(name, visible | set(BUILTINS))
        if guess:
            return f"did you mean `{guess}`?"
        known = _COMMON_IMPORTS.get(name)
        if known is not None:
            module, _, member = known.partition(" ")
            line = f"from {module} import {member}" if member and " as " not in known else ""
            return f"add `{line or f'import {known}'}`"
        root = REFUSED_MODULES.get(name)
        if root:
            return root
        return "define it first, or take it as a parameter"

    def new_name(self, name: str, span: Span) -> None:
        if _reserved(name):
            self.say("SBX308", span, name=name)
        elif name in BUILTINS and self.scope.kind != "class":
            key = (id(self.scope), name)
            if key not in self.shadowed:
                self.shadowed.add(key)
                self.say("SBX615", span, name=name)
        if self.scope.kind == "module":
            found = self.scope.bound.get(name, [])
            if len(found) > 1 and any(item.kind in ("module", "member") for item in found):
                self.say("SBX221", span, name=name)

    def on_Nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            if _reserved(name):
                self.say("SBX308", node, name=name)

    # -- attributes ----------------------------------------------------------------------------

    def on_Attribute(self, node: ast.Attribute) -> None:
        base = dotted(node.value, self.scope)
        self.silent.add(node.value)
        self.visit(node.value)
        before = len(self.found)
        if isinstance(node.ctx, ast.Store | ast.Del):
            self.write_attribute(node, base)
        elif self.is_broken(node.value):
            self.broken.add(node)
        else:
            self.read_attribute(node, node.attr, base)
        if len(self.found) > before:
            self.broken.add(node)

    def is_broken(self, node: ast.expr) -> bool:
        """Whether a chain starts at something already refused: one finding is enough."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            if node in self.broken:
                return True
            node = node.func if isinstance(node, ast.Call) else node.value
        if not isinstance(node, ast.Name):
            return False
        binding = self.scope.only(node.id)
        return node in self.broken or (binding is not None and binding.kind == "refused")

    def read_attribute(
        self, node: ast.AST, name: str, base: tuple[str, Entry | None] | None
    ) -> None:
        """Judge a read of ``name``; ``node`` is where it is said."""
        place = self.places.attribute(node) if isinstance(node, ast.Attribute) else node
        if name.startswith("__") and name.endswith("__"):
            self.say("SBX301", place, name=name, advice=self.instead(node, name))
        elif base is not None and base[1] is None:
            self.module_member(place, base[0], name)
        elif base is not None and base[1] is not None and base[1].kind != "constant":
            allowed = METHODS["ufunc"] if base[1].kind == "ufunc" else {}
            if name not in allowed:
                advice = REFUSED_ATTRIBUTES.get(name) or self.near(name, allowed)
                self.say("SBX303", place, name=f"{_written(base[0])}.{name}", advice=advice)
        elif name in INTERNAL_ATTRIBUTES:
            advice = REFUSED_ATTRIBUTES.get(name, "leave it out")
            self.say("SBX301", place, name=name, advice=advice)
        elif name in self.module.attributes:
            pass
        elif name.startswith("_"):
            self.say("SBX301", place, name=name, advice=self.instead(node, name))
        elif name not in _ATTRIBUTES:
            advice = REFUSED_ATTRIBUTES.get(name)
            if advice is None:
                advice = self.near(name, _ATTRIBUTES | self.module.attributes)
            self.say("SBX302", place, name=name, advice=advice)

    def instead(self, node: ast.AST, name: str) -> str:
        own = nearest(name, self.module.attributes)
        if own:
            return f"did you mean `{own}`?"
        if name in ("__class__", "__name__"):
            return "test with `isinstance(value, Type)`"
        if name in ("_replace", "_asdict"):
            return "make a new value from the fields"
        return "read a name that the arguments offer, or define the attribute in `__init__`"

    @staticmethod
    def near(name: str, offered: Iterable[str]) -> str:
        guess = nearest(name, offered)
        return f"did you mean `{guess}`?" if guess else "leave it out, or define it in the program"

    def module_member(self, place: ast.AST | Span, module: str, name: str) -> None:
        path = f"{module}.{name}"
        if name in MODULES[module] or path in MODULES:
            return
        advice = REFUSED_MEMBERS.get(path)
        if advice is None:
            guess = nearest(name, MODULES[module])
            other = next(
                (f"{_written(key)}.{name}" for key, table in MODULES.items() if name in table), None
            )
            if guess:
                advice = f"did you mean `{_written(module)}.{guess}`?"
            elif other:
                advice = f"use `{other}`"
            else:
                advice = "write the operation out; docs/language.md lists what there is"
        self.say("SBX303", place, name=f"{_written(module)}.{name}", advice=advice)

    def write_attribute(self, node: ast.Attribute, base: tuple[str, Entry | None] | None) -> None:
        name, value = node.attr, node.value
        place = self.places.attribute(node)
        if (name.startswith("__") and name.endswith("__")) or name in INTERNAL_ATTRIBUTES:
            self.say("SBX301", place, name=name, advice="choose another name")
            return
        if base is not None:
            self.say("SBX221", node, name=f"{_written(base[0])}.{name}")
            return
        if isinstance(value, ast.Name):
            binding = self.scope.only(value.id)
            if binding is not None and binding.kind in ("function", "class"):
                self.say("SBX221", node, name=f"{value.id}.{name}")
                return
            if self.is_class_argument(value.id):
                self.say("SBX209", node, name=f"{value.id}.{name}", owner="class")
                return
            owner = self.scope.find(value.id)
            if owner is self.module.root and self.scope.function is not None:
                self.say("SBX209", node, name=f"{value.id}.{name}", owner="module")
                return
        if name.startswith("_") and name not in self.module.attributes:
            self.say("SBX301", place, name=name, advice=self.instead(node, name))

    def is_class_argument(self, name: str) -> bool:
        """Whether ``name`` is ``cls`` of a class method."""
        scope: Scope | None = self.scope.find(name)
        if scope is None or scope.kind != "function" or not isinstance(scope.node, ast.FunctionDef):
            return False
        first = [*scope.node.args.posonlyargs, *scope.node.args.args][:1]
        return (
            scope.method_of is not None
            and bool(first)
            and first[0].arg == name
            and any(
                isinstance(item, ast.Name) and item.id == "classmethod"
                for item in scope.node.decorator_list
            )
        )

    # -- writes that outlive a row ---------------------------------------------------------------

    def shared(self, node: ast.expr) -> tuple[str, str] | None:
        """Give name and owner of a value that all rows share, if ``node`` shows one."""
        while isinstance(node, ast.Subscript):
            node = node.value
        if self.scope.function is None:
            return None
        if isinstance(node, ast.Name):
            scope = self.scope.find(node.id)
            if scope is self.module.root:
                kinds = {binding.kind for binding in scope.bound[node.id]}
                if kinds == {"value"}:
                    return node.id, "module"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = self.class_value(node.value.id, node.attr)
            if owner is not None:
                return f"{node.value.id}.{node.attr}", f"class `{owner.name}`"
        return None

    def class_value(self, base: str, attribute: str) -> ast.ClassDef | None:
        """Give the class whose body holds ``base.attribute``, unless instances set their own."""
        binding = self.scope.only(base)
        owner: ast.ClassDef | None = None
        if binding is not None and isinstance(binding.node, ast.ClassDef):
            owner = binding.node
        else:
            scope = self.scope.find(base)
            if scope is not None and scope.method_of is not None and binding is not None:
                first = scope.node.args if isinstance(scope.node, ast.FunctionDef) else None
                names = [*first.posonlyargs, *first.args][:1] if first else []
                if names and names[0].arg == base:
                    owner = scope.method_of
                    if attribute in _set_on_instances(owner):
                        return None
        if owner is None:
            return None
        is_field = any(_last(item) == "dataclass" for item in owner.decorator_list)
        for item in owner.body:
            if isinstance(item, ast.Assign):
                names_set = [target.id for target in item.targets if isinstance(target, ast.Name)]
                if attribute in names_set:
                    return owner
            elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                if item.target.id == attribute and item.value is not None and not is_field:
                    return owner
        return None

    def on_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            shared = self.shared(node.value)
            if shared is not None:
                self.say("SBX209", node, name=shared[0], owner=shared[1])
        self.children(node)

    def on_AugAssign(self, node: ast.AugAssign) -> None:
        self.binary(node, node.target, node.op, node.value)
        self.children(node)

    # -- definitions ---------------------------------------------------------------------------

    def on_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.functions += 1
        span = self.places.name_span(node)
        in_class = self.scope.kind == "class"
        if in_class and node.name.startswith("__") and node.name.endswith("__"):
            if node.name not in CLASS_METHODS:
                self.say("SBX206", span, name=node.name, offered=_listed(CLASS_METHODS))
        elif in_class:
            if node.name in INTERNAL_ATTRIBUTES:
                self.say("SBX301", span, name=node.name, advice="choose another name")
        else:
            self.new_name(node.name, span)
        self.decorators(node.decorator_list)
        self.parameters(node, node.args)
        if node.returns is not None:
            self.annotation(node.returns)
        for parameter in getattr(node, "type_params", ()):
            self.visit(parameter)
        self.inside(node, node.body)

    def on_Lambda(self, node: ast.Lambda) -> None:
        self.functions += 1
        self.parameters(node, node.args)
        self.inside(node, [node.body])

    def parameters(self, node: FunctionNode, args: ast.arguments) -> None:
        scope = self.module.scope[node]
        outer = self.scope
        self.scope = scope
        for arg in arguments_of(args):
            self.new_name(arg.arg, self.argument_span(arg))
        self.scope = outer
        for arg in arguments_of(args):
            if arg.annotation is not None:
                self.annotation(arg.annotation)
        plain = [*args.posonlyargs, *args.args]
        pairs: list[tuple[ast.arg, ast.expr | None]] = []
        if args.defaults:
            pairs.extend(zip(plain[-len(args.defaults) :], args.defaults, strict=True))
        pairs.extend(zip(args.kwonlyargs, args.kw_defaults, strict=True))
        for arg, default in pairs:
            if default is None:
                continue
            self.visit(default)
            if self.is_mutable(default):
                changed = isinstance(node, ast.FunctionDef) and _changes(node, arg.arg)
                rule = "SBX210" if changed else "SBX614"
                self.say(rule, default, name=arg.arg)

    def argument_span(self, arg: ast.arg) -> Span:
        span = self.places.at(arg)
        return Span(span.line, span.column, span.line, span.column + len(arg.arg))

    def is_mutable(self, node: ast.expr) -> bool:
        if isinstance(
            node, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
        ):
            return True
        if isinstance(node, ast.Call):
            known = dotted(node.func, self.scope)
            return known is not None and (
                known[0] in _MAKES_MUTABLE
                or (known[0].startswith("numpy.") and known[0].split(".")[1] in _ARRAY_MAKERS)
            )
        return False

    def decorators(self, nodes: list[ast.expr]) -> None:
        for node in nodes:
            target = node.func if isinstance(node, ast.Call) else node
            known = dotted(target, self.scope)
            name = known[0] if known else ""
            if name not in DECORATORS or (
                isinstance(node, ast.Call) and name != "dataclasses.dataclass"
            ):
                shown = ast.unparse(target) if len(ast.dump(target)) < 400 else "..."
                self.say("SBX203", node, name=shown, offered=_listed(DECORATORS))
                if name in DECORATORS or known is not None:
                    self.silent.add(target)
            else:
                self.silent.add(target)
            self.visit(node)

    def on_ClassDef(self, node: ast.ClassDef) -> None:
        span = self.places.name_span(node)
        self.new_name(node.name, span)
        if self.scope is not self.module.root:
            self.say("SBX207", span)
        self.decorators(node.decorator_list)
        for base in node.bases:
            self.base_class(node, base)
        for item in node.keywords:
            self.say("SBX205", item, name=item.arg or "**")
            self.visit(item.value)
        for parameter in getattr(node, "type_params", ()):
            self.visit(parameter)
        outer = self.scope
        self.scope = self.module.scope[node]
        for statement in node.body:
            self.class_statement(statement)
        self.scope = outer

    def base_class(self, node: ast.ClassDef, base: ast.expr) -> None:
        known = dotted(base, self.scope)
        if known is not None and known[0] in CLASS_BASES:
            self.silent.add(base)
        elif isinstance(base, ast.Name) and base.id in self.module.classes:
            other = self.module.classes[base.id]
            if other.lineno >= node.lineno:
                self.say("SBX204", base, name=base.id, offered=_listed(CLASS_BASES))
        elif isinstance(base, ast.Name) and base.id in REFUSED_BUILTINS:
            pass  # said by the name itself
        else:
            shown = ast.unparse(base) if len(ast.dump(base)) < 400 else "..."
            self.say("SBX204", base, name=shown, offered=_listed(CLASS_BASES))
            self.silent.add(base)
        self.visit(base)

    def class_statement(self, node: ast.stmt) -> None:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, ast.FunctionDef | ast.Pass):
            self.visit(node)
            return
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and _dunder(target.id):
                    self.say("SBX206", target, name=target.id, offered=_listed(CLASS_METHODS))
                    self.silent.add(target)
            if isinstance(node, ast.AnnAssign):
                self.annotation(node.annotation)
                self.all([node.value])
            else:
                self.visit(node.value)
            for target in targets:
                if target not in self.silent:
                    self.visit(target)
            return
        what = f"`{_statement_word(node)}` in a class body"
        self.say("SBX201", node, what=what, advice="move it into `__init__`")
        self.visit(node)

    def on_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.annotation(node.annotation)
        self.all([node.value, node.target])

    # -- annotations ---------------------------------------------------------------------------

    def annotation(self, node: ast.expr) -> None:
        """Judge an annotation: a type expression, never evaluated, with nothing hidden in it."""
        if isinstance(node, ast.Constant):
            if node.value is None or isinstance(node.value, str | int) or node.value is ...:
                return
            self.say("SBX219", node)
        elif isinstance(node, ast.Name):
            self.annotation_name(node)
        elif isinstance(node, ast.Attribute):
            if _dunder(node.attr):
                self.say("SBX301", node, name=node.attr, advice="write a plain type")
            else:
                self.annotation_path(node)
        elif isinstance(node, ast.Subscript):
            self.annotation(node.value)
            self.annotation(node.slice)
        elif isinstance(node, ast.Tuple | ast.List):
            for item in node.elts:
                self.annotation(item)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            self.annotation(node.left)
            self.annotation(node.right)
        elif isinstance(node, ast.Starred):
            self.annotation(node.value)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
            self.annotation(node.operand)
        else:
            self.say("SBX219", node)

    def annotation_name(self, node: ast.Name) -> None:
        name = node.id
        scope = self.scope.find(name)
        if scope is not None:
            for binding in scope.bound[name]:
                self.read_imports.add(binding)
        elif _dunder(name):
            self.say("SBX308", node, name=name)
        elif not hasattr(builtins, name):
            self.say("SBX628", node, name=name, advice=self.unknown_name(name))

    def annotation_path(self, node: ast.Attribute) -> None:
        value = node.value
        if isinstance(value, ast.Name | ast.Attribute):
            self.annotation(value)
            base = dotted(value, self.scope)
            if base is not None and base[1] is None and dotted(node, self.scope) is None:
                name = f"{_written(base[0])}.{node.attr}"
                advice = self.near(node.attr, MODULES[base[0]])
                self.say("SBX628", self.places.attribute(node), name=name, advice=advice)
        else:
            self.say("SBX219", node)

    # -- imports -------------------------------------------------------------------------------

    def on_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            root = alias.name.split(".")[0]
            if alias.name not in MODULES:
                self.refused_module(alias, alias.name, node, alias.asname or root)
            self.import_name(alias.asname or root, alias)

    def import_name(self, name: str, alias: ast.alias) -> None:
        if _reserved(name):
            self.say("SBX308", alias, name=name)

    def refused_module(self, place: ast.AST, name: str, node: ast.AST, bound: str) -> None:
        root = name.split(".")[0]
        advice = REFUSED_MEMBERS.get(name) or REFUSED_MODULES.get(root)
        used = any(isinstance(item, ast.Name) and item.id == bound for item in ast.walk(self.tree))
        if root in MODULES or advice is not None or root in _STANDARD:
            if advice is None:
                advice = f"import one of {_listed(MODULES)}"
            if not used:
                advice = "it is never used: delete the line"
            self.say("SBX306", place, name=name, advice=advice)
            return
        guess = nearest(name, MODULES)
        advice = f"did you mean `{guess}`?" if guess else f"import one of {_listed(MODULES)}"
        self.say("SBX307", place, name=name, advice=advice)

    def on_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            self.say("SBX214", node, offered=_listed(MODULES))
            return
        if module not in MODULES:
            bound = node.names[0].asname or node.names[0].name
            self.refused_module(node, module, node, bound)
        for alias in node.names:
            if alias.name == "*":
                self.say("SBX213", node, name=module)
                continue
            if module in MODULES:
                self.module_member(alias, module, alias.name)
            self.import_name(alias.asname or alias.name, alias)

    def unused_imports(self) -> None:
        for scope in self.module.scope.values():
            for name, found in scope.bound.items():
                for binding in found:
                    if binding.kind not in ("module", "member") or binding in self.read_imports:
                        continue
                    if binding.path.startswith("__future__"):
                        continue
                    self.say("SBX602", self.alias_of(binding, name), name=name)

    @staticmethod
    def alias_of(binding: Binding, name: str) -> ast.AST:
        names = getattr(binding.node, "names", [])
        for alias in names:
            if (alias.asname or alias.name.split(".")[0]) == name:
                return alias  # type: ignore[no-any-return]
        return binding.node

    # -- calls ---------------------------------------------------------------------------------

    def on_Call(self, node: ast.Call) -> None:
        func = node.func
        known = dotted(func, self.scope)
        if known is not None:
            self.silent.add(func)
            self.known_call(node, known)
        elif isinstance(func, ast.Attribute):
            self.method_call(node, func)
        elif isinstance(func, ast.Name):
            self.own_call(node, func)
        elif isinstance(func, ast.Constant):
            self.say(
                "SBX404",
                node,
                name=str(func.value)[:40],
                what="a constant",
                advice="put an operator between the two",
            )
        self.note_call(node)
        self.children(node)

    def known_call(self, node: ast.Call, known: tuple[str, Entry | None]) -> None:
        path, entry = known
        name = _written(path)
        if entry is None:
            self.say(
                "SBX404", node.func, name=name, what="a module", advice="name a function of it"
            )
            return
        if not entry.callable:
            what = {"constant": "a constant", "annotation": "for annotations only"}
            self.say(
                "SBX404",
                node.func,
                name=name,
                what=what.get(entry.kind, f"a {entry.kind}"),
                advice="leave the brackets out"
                if entry.kind == "constant"
                else "use `namedtuple`"
                if name.endswith("NamedTuple")
                else "leave it out",
            )
            return
        if path in ("object", "property", "staticmethod", "classmethod") or path.startswith(
            "enum.E"
        ):
            if node not in self.silent:
                self.say("SBX408", node.func, name=path)
            return
        if path.startswith("numpy.") and path.split(".")[-1] in _ABSTRACT_TYPES:
            self.say(
                "SBX404",
                node.func,
                name=name,
                what="a type for `isinstance`",
                advice="write `np.array(...)` or `np.zeros(...)`",
            )
            return
        self.arguments(node, name, entry)
        if path in ("getattr", "hasattr") and len(node.args) >= 2:
            self.named_attribute(node, path)
        elif path == "print":
            self.say("SBX617", node)
        elif path in ("str", "repr", "int") and node.args:
            self.refuse_function_text(node.args[0], path)
        self.dtype_arguments(node, entry)

    def refuse_function_text(self, node: ast.expr, path: str) -> None:
        what = self.nameable(node)
        if what is not None:
            self.say(
                "SBX404", node, name=path, what=f"given {what}", advice="write its name as text"
            )

    def nameable(self, node: ast.expr) -> str | None:
        """Say what an expression is if its text form would show an address."""
        if isinstance(node, ast.Lambda):
            return "a function"
        if isinstance(node, ast.Name):
            binding = self.scope.only(node.id)
            if binding is not None and binding.kind in ("function", "class", "module", "member"):
                return f"a {binding.kind}"
            if binding is None and self.scope.find(node.id) is None and node.id in BUILTINS:
                return "a function"
        return None

    def arguments(self, node: ast.Call, name: str, entry: Entry) -> None:
        stars = any(isinstance(item, ast.Starred) for item in node.args)
        doubles = any(item.arg is None for item in node.keywords)
        count = len(node.args)
        if not stars and not entry.variadic and count > len(entry.params):
            self.say(
                "SBX402",
                node,
                name=name,
                limit=len(entry.params),
                count=count,
                signature=entry.signature,
            )
        offered = (*entry.params, *entry.keywords)
        for item in node.keywords:
            if item.arg is None or entry.any_keyword or item.arg in offered:
                continue
            self.say(
                "SBX401",
                item,
                name=name,
                keyword=item.arg,
                advice=_keyword_advice(name, item.arg, offered),
            )
        if stars or doubles:
            return
        given = {item.arg for item in node.keywords}
        missing = [
            param
            for index, param in enumerate(entry.params[: entry.required])
            if index >= count and param not in given
        ]
        if missing:
            words = " and ".join(f"`{item}`" for item in missing)
            self.say("SBX403", node, name=name, missing=words, signature=entry.signature)

    def named_attribute(self, node: ast.Call, path: str) -> None:
        name = node.args[1]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            self.read_attribute(name, name.value, dotted(node.args[0], self.scope))
        else:
            self.say("SBX405", name, name=path)

    def dtype_arguments(self, node: ast.Call, entry: Entry) -> None:
        given = [item.value for item in node.keywords if item.arg in ("dtype", "otypes")]
        if "dtype" in entry.params:
            index = entry.params.index("dtype")
            given.extend(node.args[index : index + 1])
        for item in given:
            self.dtype(item)

    def dtype(self, node: ast.expr) -> None:
        advice = "`np.float64`, `np.int64`, `np.uint8`, `bool` or another number type"
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and node.value.lstrip("<>=|") not in _DTYPE_TEXTS:
                self.say("SBX407", node, name=node.value, advice=advice)
            elif node.value is not None and not isinstance(node.value, str):
                self.say("SBX407", node, name=str(node.value)[:40], advice=advice)
            return
        if isinstance(node, ast.List | ast.Tuple | ast.Dict):
            self.say("SBX407", node, name=ast.unparse(node)[:40], advice=advice)
            return
        known = dotted(node, self.scope)
        if known is None:
            return
        path, kind = known
        leaf = path.rpartition(".")[2]
        good = path in _DTYPE_BUILTINS or (
            path.startswith("numpy.")
            and kind is not None
            and kind.kind == "type"
            and leaf not in _ABSTRACT_TYPES
        )
        if not good:
            self.say("SBX407", node, name=_written(path), advice=advice)
            self.silent.add(node)

    def method_call(self, node: ast.Call, func: ast.Attribute) -> None:
        """Judge the arguments of ``x.name(...)`` by all types that have such a method."""
        base = dotted(func.value, self.scope)
        if base is not None:
            if base[1] is not None and base[1].kind == "ufunc" and func.attr in METHODS["ufunc"]:
                entry = METHODS["ufunc"][func.attr]
                self.arguments(node, f"{_written(base[0])}.{func.attr}", entry)
                self.dtype_arguments(node, entry)
            return
        shared = self.shared(func.value) if func.attr in _WRITERS else None
        if shared is not None:
            self.say("SBX209", node, name=shared[0], owner=shared[1])
        if func.attr in self.module.attributes:
            self.own_method_call(node, func)
            return
        entries = [table[func.attr] for table in METHODS.values() if func.attr in table]
        functions = [entry for entry in entries if entry.callable]
        if not functions:
            return
        if any(entry.any_keyword for entry in functions):
            return
        offered = tuple(
            dict.fromkeys(word for entry in functions for word in (*entry.params, *entry.keywords))
        )
        for item in node.keywords:
            if item.arg is not None and item.arg not in offered:
                self.say(
                    "SBX401",
                    item,
                    name=func.attr,
                    keyword=item.arg,
                    advice=_keyword_advice(func.attr, item.arg, offered),
                )
        if not any(isinstance(item, ast.Starred) for item in node.args):
            limit = max(999 if entry.variadic else len(entry.params) for entry in functions)
            if len(node.args) > limit:
                self.say(
                    "SBX402",
                    node,
                    name=func.attr,
                    limit=limit,
                    count=len(node.args),
                    signature=functions[0].signature,
                )
        for entry in functions:
            self.dtype_arguments(node, entry)
            break

    def own_call(self, node: ast.Call, func: ast.Name) -> None:
        binding = self.scope.only(func.id)
        if binding is None:
            return
        if isinstance(binding.node, ast.FunctionDef) and binding.kind == "function":
            self.arity(node, binding.node, func.id, skip=0)
        elif isinstance(binding.node, ast.ClassDef) and not binding.node.bases:
            if any(_last(item) == "dataclass" for item in binding.node.decorator_list):
                return
            for item in binding.node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    self.arity(node, item, func.id, skip=1)
                    return
            if node.args or node.keywords:
                self.say(
                    "SBX618",
                    node,
                    name=func.id,
                    given=_count(len(node.args) + len(node.keywords)),
                    wanted="none",
                    signature=f"{func.id}()",
                )

    def own_method_call(self, node: ast.Call, func: ast.Attribute) -> None:
        if not isinstance(func.value, ast.Name):
            return
        scope = self.scope.find(func.value.id)
        owner = scope.method_of if scope is not None else None
        if owner is None or scope is None or not isinstance(scope.node, ast.FunctionDef):
            return
        first = [*scope.node.args.posonlyargs, *scope.node.args.args][:1]
        if not first or first[0].arg != func.value.id:
            return
        for item in owner.body:
            if isinstance(item, ast.FunctionDef) and item.name == func.attr:
                static = any(_last(entry) == "staticmethod" for entry in item.decorator_list)
                self.arity(node, item, f"self.{func.attr}", skip=0 if static else 1)

    def arity(self, node: ast.Call, function: ast.FunctionDef, name: str, *, skip: int) -> None:
        args = function.args
        if any(isinstance(item, ast.Starred) for item in node.args):
            return
        if any(item.arg is None for item in node.keywords):
            return
        if function.decorator_list and any(
            _last(item) not in ("staticmethod", "classmethod") for item in function.decorator_list
        ):
            return
        plain = [*args.posonlyargs, *args.args]
        if skip and not plain:
            return
        required = [arg.arg for arg in plain[: len(plain) - len(args.defaults)]][skip:]
        plain = plain[skip:]
        given = {item.arg for item in node.keywords if item.arg}
        missing = [item for item in required[len(node.args) :] if item not in given]
        missing += [
            arg.arg
            for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
            if default is None and arg.arg not in given
        ]
        allowed = {arg.arg for arg in (*plain, *args.kwonlyargs)}
        surplus = [] if args.kwarg else sorted(given - allowed)
        twice = sorted(given & {arg.arg for arg in plain[: len(node.args)]})
        too_many = len(node.args) > len(plain) and args.vararg is None
        if not (missing or surplus or too_many or twice):
            return
        words = [arg.arg for arg in plain] + [f"{arg.arg}=…" for arg in args.kwonlyargs]
        if surplus:
            given_text = f"the keyword `{surplus[0]}`"
        else:
            given_text = _count(len(node.args) + len(node.keywords))
        wanted = f"`{', '.join(words)}`" if words else "none"
        self.say(
            "SBX618",
            node,
            name=name,
            given=given_text,
            wanted=wanted,
            signature=f"{name}({', '.join(words)})",
        )

    # -- recursion -----------------------------------------------------------------------------

    def note_call(self, node: ast.Call) -> None:
        """Remember who calls whom, for `recursion`."""
        caller = self.scope.function
        if caller is None:
            return
        target: ast.AST | None = None
        func = node.func
        if isinstance(func, ast.Name):
            scope = self.scope.find(func.id)
            for binding in scope.bound[func.id] if scope else ():
                target = self.function_of(binding, func.id)
                if target is not None:
                    self.calls.setdefault(caller.node, []).append((target, node))
            return
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            scope = self.scope.find(func.value.id)
            owner = scope.method_of if scope is not None else None
            binding = self.scope.only(func.value.id)
            if binding is not None and isinstance(binding.node, ast.ClassDef):
                owner = binding.node
            for item in owner.body if owner is not None else ():
                if isinstance(item, ast.FunctionDef) and item.name == func.attr:
                    self.calls.setdefault(caller.node, []).append((item, node))

    def function_of(self, binding: Binding, name: str) -> ast.AST | None:
        if binding.kind == "function":
            return binding.node
        if isinstance(binding.node, ast.ClassDef):
            for item in binding.node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    return item
        if binding.kind == "value" and isinstance(binding.node, ast.Name):
            return self.lambdas.get(binding.node)
        return None

    @property
    def lambdas(self) -> dict[ast.AST, ast.Lambda]:
        """Names that are assigned a lambda, by the name node."""
        if not hasattr(self, "_lambdas"):
            found: dict[ast.AST, ast.Lambda] = {}
            for node in ast.walk(self.tree):
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                    for target in node.targets:
                        if isinstance(target, ast.Name):
                            found[target] = node.value
            self._lambdas = found
        return self._lambdas

    def recursion(self) -> None:
        """Report each cycle of the call graph once, at the call that closes it."""
        done: set[ast.AST] = set()
        for start in list(self.calls):
            if start in done:
                continue
            path: list[ast.AST] = [start]
            edges = [iter(self.calls.get(start, ()))]
            while path:
                step = next(edges[-1], None)
                if step is None:
                    done.add(path.pop())
                    edges.pop()
                    continue
                target, call = step
                if target in path:
                    cycle = path[path.index(target) :]
                    names = [_function_name(item) for item in cycle]
                    through = f" through `{'`, `'.join(names[1:])}`" if names[1:] else ""
                    self.say("SBX208", call, name=names[0], path=through)
                elif target not in done:
                    path.append(target)
                    edges.append(iter(self.calls.get(target, ())))

    # -- statements ----------------------------------------------------------------------------

    def on_With(self, node: ast.With) -> None:
        for item in node.items:
            call = item.context_expr
            known = dotted(call.func, self.scope) if isinstance(call, ast.Call) else None
            if known is None or known[0] != "numpy.errstate" or item.optional_vars is not None:
                shown = ast.unparse(call) if len(ast.dump(call)) < 400 else "..."
                self.say("SBX211", item.context_expr, name=shown)
        self.children(node)

    def on_Try(self, node: ast.Try) -> None:
        for inner in node.finalbody:
            for item in _leaving(inner):
                self.say("SBX212", item, name=_statement_word(item))
        self.children(node)

    def on_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is None:
            span = self.places.at(node)
            head = Span(span.line, span.column, span.line, span.column + len("except:"))
            self.say("SBX616", head)
        else:
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            for kind in kinds:
                self.caught(kind)
        if node.name:
            self.new_name(
                node.name, self.places.word(node.name, self.places.at(node)) or self.places.at(node)
            )
        self.all([node.type])
        self.all(node.body)

    def caught(self, node: ast.expr) -> None:
        known = dotted(node, self.scope)
        if known is not None and known[1] is not None and known[1].kind == "exception":
            return
        if isinstance(node, ast.Name):
            if node.id in self.module.classes:
                return
            if self.scope.find(node.id) is None:
                return  # said by the name itself
        shown = ast.unparse(node) if len(ast.dump(node)) < 400 else "..."
        self.say("SBX215", node, name=shown)

    def on_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope = self.scope.find(target.id)
                if scope is not self.scope.function or scope is None:
                    self.say("SBX223", target, name=target.id)
                    continue
            self.visit(target)

    # -- patterns ------------------------------------------------------------------------------

    def on_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.new_name(node.name, self.places.at(node))
        self.all([node.pattern])

    def on_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.new_name(node.name, self.places.at(node))

    # -- expressions ---------------------------------------------------------------------------

    def on_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool) or value is None or value is ...:
            return
        if isinstance(value, int):
            bits = value.bit_length()
            if bits > self.limits.integer_bits:
                self.say("SBX501", node, count=bits, limit=self.limits.integer_bits)
        elif isinstance(value, float):
            if isinf(value):
                self.say("SBX502", node)
        elif isinstance(value, str):
            size = len(value.encode("utf-8", "surrogatepass"))
            if size > self.limits.string_bytes:
                self.say(
                    "SBX106", node, what="a string", count=size, limit=self.limits.string_bytes
                )
            if any("\ud800" <= char <= "\udfff" for char in value):
                self.say("SBX217", node, what="half-character", advice="write whole characters")
        elif isinstance(value, bytes):
            self.say("SBX217", node, what="bytes", advice="use a string, or a tuple of numbers")
        else:
            advice = "keep the two parts as two numbers"
            self.say("SBX217", node, what="complex number", advice=advice)

    def elements(self, node: ast.AST, count: int) -> None:
        if count > self.limits.literal_elements:
            limit = self.limits.literal_elements
            self.say("SBX106", node, what="a display", count=count, limit=limit)

    def on_List(self, node: ast.List) -> None:
        self.elements(node, len(node.elts))
        self.children(node)

    def on_Tuple(self, node: ast.Tuple) -> None:
        self.elements(node, len(node.elts))
        self.children(node)

    def on_Set(self, node: ast.Set) -> None:
        self.elements(node, len(node.elts))
        self.children(node)

    def on_Dict(self, node: ast.Dict) -> None:
        self.elements(node, len(node.values))
        # `{**other}` has no key.
        self.all(part for pair in zip(node.keys, node.values, strict=True) for part in pair)

    def on_JoinedStr(self, node: ast.JoinedStr) -> None:
        for part in node.values:
            self.visit(part)

    def on_FormattedValue(self, node: ast.FormattedValue) -> None:
        self.visit(node.value)
        what = self.nameable(node.value)
        if what is not None:
            self.say(
                "SBX404",
                node.value,
                name="f-string",
                what=f"given {what}",
                advice="write its name as text",
            )
        if isinstance(node.format_spec, ast.JoinedStr):
            for part in node.format_spec.values:
                if isinstance(part, ast.Constant):
                    numbers = [int(text[:9]) for text in re.findall(r"\d+", str(part.value))]
                    width = max(numbers, default=0)
                    if width > _MAX_WIDTH:
                        self.say("SBX224", node, width=width, limit=_MAX_WIDTH)
                else:
                    self.say("SBX225", node)

    def on_BinOp(self, node: ast.BinOp) -> None:
        self.binary(node, node.left, node.op, node.right)
        self.children(node)

    def binary(self, node: ast.AST, left: ast.expr, op: ast.operator, right: ast.expr) -> None:
        if isinstance(op, ast.Mod) and _is_text(left):
            self.say("SBX218", node)
        elif isinstance(op, ast.Pow | ast.LShift):
            bits = _bits(left, op, right)
            if bits is not None and bits > self.limits.integer_bits:
                self.say("SBX503", node, what="an integer of too many digits")
        elif isinstance(op, ast.Mult):
            for many, times in ((left, right), (right, left)):
                size = _display_size(many)
                count = _integer(times)
                if size is not None and count is not None:
                    if size * count * 8 > self.limits.memory_bytes:
                        self.say("SBX503", node, what=f"{size * count} elements")

    def on_comprehension(self, node: ast.comprehension) -> None:
        if node.is_async:
            what, advice = REFUSED_NODES["AsyncFor"]
            self.say("SBX201", node.target, what=what, advice=advice)
        self.children(node)

    def on_ListComp(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        scope = self.module.scope[node]
        outer = self.scope
        for index, part in enumerate(node.generators):
            if part.is_async:
                what, advice = REFUSED_NODES["AsyncFor"]
                self.say("SBX201", part.target, what=what, advice=advice)
            self.scope = scope if index else outer
            self.visit(part.iter)
            self.scope = scope
            self.visit(part.target)
            self.all(part.ifs)
        self.scope = scope
        self.all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self.scope = outer

    on_SetComp = on_ListComp
    on_DictComp = on_ListComp
    on_GeneratorExp = on_ListComp


_PLAIN: Final = frozenset(ADMITTED_NODES) - frozenset(
    name.removeprefix("on_") for name in vars(_Judge) if name.startswith("on_")
)
_ARRAY_MAKERS: Final = frozenset(
    "array asarray zeros ones empty full arange linspace eye identity zeros_like ones_like".split()
)
_STANDARD: Final = frozenset(
    "argparse ast asyncio base64 builtins codecs contextlib csv ctypes dis errno fcntl gc hashlib"
    " importlib inspect marshal mmap multiprocessing operator platform posix queue resource sched"
    " select shelve signal sqlite3 ssl struct sysconfig tempfile textwrap threading traceback"
    " unittest uuid weakref xml zipfile zlib".split()
)
_WRITTEN: Final = {"numpy": "np"}


def _written(path: str) -> str:
    """Give a dotted table name as programs usually write it."""
    root, dot, rest = path.partition(".")
    return f"{_WRITTEN.get(root, root)}{dot}{rest}"


def _dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _reserved(name: str) -> bool:
    """Whether a name is one that the interpreter or the guards use themselves."""
    return (
        _dunder(name)
        or (name.startswith("_") and name.endswith("_") and name != "_")
        or name.endswith("__roles__")
        or name == "printed"
        or keyword.iskeyword(name)
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _count(number: int) -> str:
    return "no argument" if number == 0 else f"{number} argument{'s' if number > 1 else ''}"


def _keyword_advice(name: str, word: str, offered: tuple[str, ...]) -> str:
    if word == "out":
        return "leave it out and assign the result: `y = ...`"
    if word == "where":
        return f"select first: `np.where(condition, {name}(...), other)`"
    guess = nearest(word, offered)
    if guess:
        return f"did you mean `{guess}`?"
    return f"it takes {_listed(offered)}" if offered else "leave it out"


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _function_name(node: ast.AST) -> str:
    return node.name if isinstance(node, ast.FunctionDef) else "lambda"


def _statement_word(node: ast.AST) -> str:
    words = {"Expr": "an expression", "AugAssign": "an assignment", "Delete": "del"}
    name = type(node).__name__
    return words.get(name, name.lower())


def _set_on_instances(node: ast.ClassDef) -> set[str]:
    """Give the attributes that methods assign through their first parameter."""
    found: set[str] = set()
    for method in node.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        first = [*method.args.posonlyargs, *method.args.args][:1]
        for item in ast.walk(method):
            if (
                isinstance(item, ast.Attribute)
                and isinstance(item.ctx, ast.Store)
                and isinstance(item.value, ast.Name)
                and first
                and item.value.id == first[0].arg
                and item not in _augmented(method)
            ):
                found.add(item.attr)
    return found


def _augmented(method: ast.FunctionDef) -> set[ast.AST]:
    return {item.target for item in ast.walk(method) if isinstance(item, ast.AugAssign)}


def _changes(function: ast.FunctionDef, name: str) -> bool:
    """Whether a function writes into its parameter ``name`` itself."""
    for item in ast.walk(function):
        if isinstance(item, ast.Subscript) and not isinstance(item.ctx, ast.Load):
            base: ast.expr = item.value
            while isinstance(base, ast.Subscript):
                base = base.value
            if isinstance(base, ast.Name) and base.id == name:
                return True
        elif isinstance(item, ast.AugAssign):
            if isinstance(item.target, ast.Name) and item.target.id == name:
                return True
        elif (
            isinstance(item, ast.Call)
            and isinstance(item.func, ast.Attribute)
            and item.func.attr in _WRITERS
            and isinstance(item.func.value, ast.Name)
            and item.func.value.id == name
        ):
            return True
    return False


def _leaving(node: ast.AST) -> Iterator[ast.AST]:
    """Give the statements by which a ``finally`` block would leave early."""
    waiting: list[tuple[ast.AST, bool]] = [(node, False)]
    while waiting:
        item, in_loop = waiting.pop()
        if isinstance(item, ast.Return):
            yield item
        elif isinstance(item, ast.Break | ast.Continue) and not in_loop:
            yield item
        elif not isinstance(item, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            inner = in_loop or isinstance(item, ast.For | ast.While)
            waiting.extend((child, inner) for child in ast.iter_child_nodes(item))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _integer(node: ast.expr) -> int | None:
    """Give the value of a small constant integer expression, or a bound below it."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _integer(node.operand)
        return -value if value is not None else None
    if isinstance(node, ast.BinOp):
        left, right = _integer(node.left), _integer(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Pow | ast.LShift):
            bits = _bits(node.left, node.op, node.right)
            if bits is None or bits > 100_000:
                return None
            return left**right if isinstance(node.op, ast.Pow) else left << right
        if isinstance(node.op, ast.Mult) and left.bit_length() + right.bit_length() < 100_000:
            return left * right
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
    return None


def _bits(left: ast.expr, op: ast.operator, right: ast.expr) -> int | None:
    """Bound the bits of a constant power or shift; None where it is not constant."""
    power = _integer(right)
    if power is None and isinstance(right, ast.BinOp) and isinstance(right.op, ast.Pow):
        # The exponent alone is beyond what `_integer` computes.
        inner = _bits(right.left, right.op, right.right)
        base = _integer(left)
        if inner is not None and inner > 64 and base is not None and abs(base) > 1:
            return 1 << 62
        return None
    base = _integer(left)
    if power is None or base is None or power <= 0 or base == 0:
        return None
    if isinstance(op, ast.Pow):
        return 1 if abs(base) == 1 else (abs(base).bit_length() - 1) * power
    return base.bit_length() + power


def _display_size(node: ast.expr) -> int | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return len(node.value)
    if isinstance(node, ast.List | ast.Tuple):
        return len(node.elts)
    return None
