"""Tree to scopes: which name means what, as CPython binds it, and what the program defines.

One walk, before anything is judged, because Python binds names by the whole body of a function
and not by the order of its lines. The answers are conservative where a name is bound twice: it
then means an unknown value, and the tables of attributes decide what may be done with it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sandbox.dialect import BUILTINS, MODULES, Entry
from sandbox.trees import child_nodes

__all__ = [
    "Binding",
    "FunctionNode",
    "Module",
    "Scope",
    "arguments_of",
    "dotted",
    "scopes_of",
    "target_names",
    "walk_own",
]

FunctionNode: TypeAlias = ast.FunctionDef | ast.Lambda
_Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Binding:
    """One way in which a name gets a value.

    Attributes:
        kind: ``module`` and ``member`` are imports from the tables.
        node: The statement or expression that binds.
        path: Dotted name for imports: ``"numpy.linalg"``, ``"numpy.sum"``.
    """

    kind: Literal["module", "member", "refused", "function", "class", "param", "value"]
    node: ast.AST
    path: str = ""


@dataclass(slots=True)
class Scope:
    """A module, class, function, lambda or comprehension, and the names bound in it."""

    kind: Literal["module", "class", "function", "comprehension"]
    node: ast.AST
    parent: Scope | None
    bound: dict[str, list[Binding]] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    """Names declared ``nonlocal``."""
    used: set[str] = field(default_factory=set)
    """Names read here or in an inner scope that finds them here."""

    def bind(self, name: str, binding: Binding) -> None:
        """Add a way in which a name gets a value."""
        if name not in self.elsewhere:
            self.bound.setdefault(name, []).append(binding)

    def find(self, name: str) -> Scope | None:
        """Give the scope whose binding a read of ``name`` here means; None for a built-in."""
        scope: Scope | None = self
        while scope is not None:
            visible = scope is self or scope.kind != "class"
            if visible and name in scope.bound:
                return scope
            scope = scope.parent
        return None

    def only(self, name: str) -> Binding | None:
        """Give what ``name`` means here if there is exactly one answer."""
        scope = self.find(name)
        if scope is None:
            return None
        found = scope.bound[name]
        # Importing one thing twice, as `import numpy` and `import numpy.linalg` do, is no doubt.
        first = found[0]
        if len(found) == 1:
            return first
        same = first.path and all((i.kind, i.path) == (first.kind, first.path) for i in found)
        return first if same else None

    @property
    def method_of(self) -> ast.ClassDef | None:
        """The class whose method this scope is."""
        parent = self.parent
        if self.kind == "function" and parent is not None and isinstance(parent.node, ast.ClassDef):
            return parent.node
        return None

    @property
    def function(self) -> Scope | None:
        """The innermost function this scope is, or is part of."""
        scope: Scope | None = self
        while scope is not None and scope.kind == "comprehension":
            scope = scope.parent
        return scope if scope is not None and scope.kind == "function" else None


@dataclass(slots=True)
class Module:
    """All scopes of a tree and what the program defines.

    Attributes:
        scope: By node: the module, classes, functions, lambdas and comprehensions.
        root: Scope of the module.
        attributes: Names of methods, fields and attributes that the program itself defines.
        classes: Top-level classes by name, the last definition of each.
        loads: Names that are read, each with the scope it is read in.
    """

    scope: dict[ast.AST, Scope]
    root: Scope
    attributes: set[str]
    classes: dict[str, ast.ClassDef]
    loads: list[tuple[ast.Name, Scope]]

    def nowhere(self) -> frozenset[ast.Name]:
        """Give the reads of names that neither the program nor the dialect defines."""
        return frozenset(
            node
            for node, scope in self.loads
            if node.id not in BUILTINS and scope.find(node.id) is None
        )


def scopes_of(tree: ast.Module) -> Module:
    """Bind every name of a tree."""
    root = Scope("module", tree, None)
    builder = _Builder(root)
    for statement in tree.body:
        builder.statement(statement, root)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    return Module(builder.scope, root, builder.attributes, classes, builder.loads)


class _Builder:
    """The walk; one method for each kind of node that binds or opens a scope."""

    def __init__(self, root: Scope) -> None:
        self.scope: dict[ast.AST, Scope] = {root.node: root}
        self.attributes: set[str] = set()
        self.loads: list[tuple[ast.Name, Scope]] = []

    def statement(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            scope.bind(node.name, Binding("function", node))
            if scope.kind == "class":
                self.attributes.add(node.name)
            for item in node.decorator_list:
                self.statement(item, scope)
            self._function(node, node.args, node.body, scope)
        elif isinstance(node, ast.Lambda):
            self._function(node, node.args, [node.body], scope)
        elif isinstance(node, ast.ClassDef):
            self._class(node, scope)
        elif isinstance(node, _COMPREHENSIONS):
            self._comprehension(node, scope)
        else:
            self._bind(node, scope)
            for child in child_nodes(node):
                self.statement(child, scope)

    def _function(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        args: ast.arguments,
        body: Iterable[ast.AST],
        scope: Scope,
    ) -> None:
        for default in (*args.defaults, *args.kw_defaults):
            if default is not None:
                self.statement(default, scope)
        inner = Scope("function", node, scope)
        self.scope[node] = inner
        body = list(body)
        # ``nonlocal`` holds for the whole body, wherever it stands.
        for item in _own_statements(body):
            if isinstance(item, ast.Nonlocal):
                inner.elsewhere.update(item.names)
        for arg in arguments_of(args):
            inner.bind(arg.arg, Binding("param", arg))
        for item in body:
            self.statement(item, inner)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        scope.bind(node.name, Binding("class", node))
        for item in (*node.bases, *node.keywords, *node.decorator_list):
            self.statement(item, scope)
        inner = Scope("class", node, scope)
        self.scope[node] = inner
        for statement in node.body:
            self.statement(statement, inner)
        self.attributes.update(inner.bound)

    def _comprehension(self, node: _Comprehension, scope: Scope) -> None:
        inner = Scope("comprehension", node, scope)
        self.scope[node] = inner
        for index, part in enumerate(node.generators):
            # The first iterable is evaluated outside.
            self.statement(part.iter, inner if index else scope)
            for name in target_names(part.target):
                inner.bind(name.id, Binding("value", part))
            self.statement(part.target, inner)
            for test in part.ifs:
                self.statement(test, inner)
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for result in results:
            self.statement(result, inner)

    def _bind(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            # Targets of comprehensions are bound by `_comprehension` already.
            if scope.kind != "comprehension":
                scope.bind(node.id, Binding("value", node))
        elif isinstance(node, ast.Name):
            self.loads.append((node, scope))
        elif isinstance(node, ast.NamedExpr):
            owner = scope
            while owner.kind == "comprehension" and owner.parent is not None:
                owner = owner.parent
            if owner is not scope:
                owner.bind(node.target.id, Binding("value", node))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                path = alias.name if alias.asname else alias.name.split(".")[0]
                kind: Literal["module", "refused"] = (
                    "module" if alias.name in MODULES else "refused"
                )
                scope.bind(alias.asname or path, Binding(kind, node, path))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                scope.bind(alias.asname or alias.name, _member(node, alias.name))
        elif (isinstance(node, ast.ExceptHandler) and node.name) or (
            isinstance(node, ast.MatchAs | ast.MatchStar) and node.name
        ):
            scope.bind(node.name, Binding("value", node))
        elif isinstance(node, ast.MatchMapping) and node.rest:
            scope.bind(node.rest, Binding("value", node))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and (
                _is_self(node.value.id, scope) or not node.attr.startswith("_")
            ):
                self.attributes.add(node.attr)
        elif isinstance(node, ast.Call):
            self.attributes.update(_namedtuple_fields(node))


def _is_self(name: str, scope: Scope) -> bool:
    """Whether ``name`` is the first parameter of the method around ``scope``."""
    function: Scope | None = scope
    while function is not None:
        if function.kind == "function" and name in function.bound:
            node = function.node
            if function.method_of is None or not isinstance(node, ast.FunctionDef):
                return False
            first = [*node.args.posonlyargs, *node.args.args][:1]
            return bool(first) and first[0].arg == name
        function = function.parent
    return False


def _namedtuple_fields(node: ast.Call) -> Iterator[str]:
    """Give the fields of ``namedtuple("P", "x y")`` and ``namedtuple("P", ["x", "y"])``."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else None
    name = node.func.id if isinstance(node.func, ast.Name) else name
    if name == "SimpleNamespace":
        yield from (item.arg for item in node.keywords if item.arg is not None)
    if name != "namedtuple" or len(node.args) < 2:
        return
    given = node.args[1]
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        words = given.value.replace(",", " ").split()
    elif isinstance(given, ast.List | ast.Tuple):
        words = [
            item.value
            for item in given.elts
            if isinstance(item, ast.Constant) and isinstance(item.value, str)
        ]
    else:
        return
    yield from (word for word in words if word.isidentifier() and not word.startswith("_"))


def _member(node: ast.ImportFrom, name: str) -> Binding:
    module = node.module or ""
    path = f"{module}.{name}"
    if node.level == 0 and module in MODULES:
        if path in MODULES:
            return Binding("module", node, path)
        if name in MODULES[module]:
            return Binding("member", node, path)
    return Binding("refused", node, path)


def _own_statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Go through statements and what they hold, not into functions or classes inside."""
    for item in body:
        yield from walk_own(item)


def walk_own(node: ast.AST) -> Iterator[ast.AST]:
    """Go through a tree in source order, without entering functions, lambdas or classes."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        yield item
        if not isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(reversed(child_nodes(item)))


def arguments_of(args: ast.arguments) -> list[ast.arg]:
    """Give all parameters in the order in which they are written."""
    found = [*args.posonlyargs, *args.args]
    if args.vararg:
        found.append(args.vararg)
    found.extend(args.kwonlyargs)
    if args.kwarg:
        found.append(args.kwarg)
    return found


def target_names(target: ast.expr) -> Iterator[ast.Name]:
    """Give the names that an assignment to ``target`` binds."""
    if isinstance(target, ast.Name):
        yield target
    elif isinstance(target, ast.Tuple | ast.List):
        for item in target.elts:
            yield from target_names(item)
    elif isinstance(target, ast.Starred):
        yield from target_names(target.value)


def dotted(node: ast.expr, scope: Scope) -> tuple[str, Entry | None] | None:
    """Give the table name that an expression stands for.

    Returns:
        ``("numpy.linalg.norm", entry)``, ``("numpy.linalg", None)`` for a module, ``("abs",
        entry)`` for a built-in; None for anything else, a name that is bound twice included.
    """
    if isinstance(node, ast.Name):
        if scope.find(node.id) is None:
            entry = BUILTINS.get(node.id)
            return (node.id, entry) if entry else None
        binding = scope.only(node.id)
        if binding is None:
            return None
        if binding.kind == "module":
            return (binding.path, None)
        if binding.kind == "member":
            module, _, name = binding.path.rpartition(".")
            return (binding.path, MODULES[module][name])
        return None
    if isinstance(node, ast.Attribute):
        base = dotted(node.value, scope)
        if base is None or base[1] is not None:
            return None
        path = f"{base[0]}.{node.attr}"
        if path in MODULES:
            return (path, None)
        entry = MODULES[base[0]].get(node.attr)
        return (path, entry) if entry else None
    return None
