"""What the whole program says about its names, before anything is rewritten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from sandbox.dialect import MODULES
from sandbox.scopes import scopes_of

__all__ = ["LENGTHENING", "Program"]


_MUTATING: Final = frozenset(
    {
        *("append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort", "update"),
        *("setdefault", "popitem", "move_to_end", "subtract", "add", "discard", "appendleft"),
        *("popleft", "extendleft", "rotate", "fill", "partition"),
    }
)
_WRITING_FUNCTIONS: Final = frozenset(
    name
    for table in MODULES.values()
    for name, entry in table.items()
    if entry.reason.startswith("writes")
)
LENGTHENING: Final = frozenset({"append", "extend", "insert"})


class Program:
    """What the whole program says about its names."""

    def __init__(self, tree: ast.Module) -> None:
        self.bound: dict[str, int] = {}
        self.imports: dict[str, set[str]] = {}
        self.import_counts: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.constants: dict[str, ast.expr] = {}
        self.writes = False
        self.lengthens = False
        self.sets = False
        self.questions: set[ast.expr] = set()
        self.nowhere = scopes_of(tree).nowhere()
        self.classes = {item.name: item for item in tree.body if isinstance(item, ast.ClassDef)}
        for node in ast.walk(tree):
            self._look(node)
        for item in tree.body:
            if isinstance(item, ast.Assign) and len(item.targets) == 1:
                target = item.targets[0]
                if isinstance(target, ast.Name):
                    self._constant(target.id, item.value)
                elif isinstance(target, ast.Tuple) and isinstance(item.value, ast.Tuple):
                    for name, value in zip(target.elts, item.value.elts, strict=False):
                        if isinstance(name, ast.Name):
                            self._constant(name.id, value)

    def _constant(self, name: str, value: ast.expr) -> None:
        if self.bound.get(name) == 1 and isinstance(value, ast.Constant | ast.UnaryOp):
            self.constants[name] = value

    def _bind(self, name: str | None) -> None:
        if name is not None:
            self.bound[name] = self.bound.get(name, 0) + 1

    def _ask(self, node: ast.expr) -> None:
        """Note comparisons of which only the truth is asked: an array larger than 1 has none."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Compare):
                self.questions.add(node)
            elif isinstance(node, ast.BoolOp):
                waiting += node.values
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                waiting.append(node.operand)

    def _look(self, node: ast.AST) -> None:
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            self._ask(node.test)
        elif isinstance(node, ast.comprehension):
            for test in node.ifs:
                self._ask(test)
        self.sets |= isinstance(node, ast.Set | ast.SetComp)
        if isinstance(node, ast.Name):
            self.sets |= node.id in ("set", "frozenset")
            if not isinstance(node.ctx, ast.Load):
                self._bind(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            self._bind(node.name)
            if isinstance(node, ast.ClassDef):
                self.attributes.update(_class_names(node))
        elif isinstance(node, ast.arg):
            self._bind(node.arg)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            self._bind(node.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name if alias.asname else alias.name.partition(".")[0]
                self._import(alias.asname or top, top)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self._import(alias.asname or alias.name, f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Attribute):
            self.sets |= node.attr in ("keys", "items")
            if not isinstance(node.ctx, ast.Load):
                self.attributes.add(node.attr)
            elif node.attr in _MUTATING or node.attr.endswith("_update"):
                self.writes = True
                self.lengthens |= node.attr in LENGTHENING
        elif isinstance(node, ast.Subscript):
            self.writes |= not isinstance(node.ctx, ast.Load)
            if isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Slice):
                self.lengthens = True
        elif isinstance(node, ast.AugAssign):
            # An array or a list is changed in place.
            self.writes = True
            self.lengthens |= isinstance(node.op, ast.Add | ast.Mult)
        elif isinstance(node, ast.Call):
            self.attributes.update(_field_words(node))
            # np.nan_to_num(x, copy=False) writes into x.
            self.writes |= any(keyword.arg in ("copy", None) for keyword in node.keywords)
            called = _last_name(node.func)
            self.writes |= called in _WRITING_FUNCTIONS
            self.writes |= called == "nan_to_num" and len(node.args) > 1

    def _import(self, name: str, path: str) -> None:
        self._bind(name)
        self.import_counts[name] = self.import_counts.get(name, 0) + 1
        self.imports.setdefault(name, set()).add(path)

    def path_of(self, name: str) -> str | None:
        """Give what a name stands for if it only ever stands for one import."""
        paths = self.imports.get(name)
        if paths is None or len(paths) != 1:
            return None
        (path,) = paths
        binders = self.bound[name]
        return path if binders == self.import_counts[name] else None

    def dotted(self, node: ast.expr) -> str | None:
        """Give the module member that an expression names, as ``"numpy.linalg.norm"``."""
        if isinstance(node, ast.Name):
            # An import in one function means nothing in another.
            return None if node in self.nowhere else self.path_of(node.id)
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value)
            if base is None:
                return None
            module, _, member = base.rpartition(".")
            entry = MODULES.get(module, {}).get(member)
            # A constant is a value like any other: `string.digits.index("7")`.
            return None if entry is not None and entry.kind == "constant" else f"{base}.{node.attr}"
        return None


def _class_names(node: ast.ClassDef) -> Iterator[str]:
    for item in ast.walk(node):
        if isinstance(item, ast.FunctionDef):
            yield item.name
        elif isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            yield item.id


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _field_words(node: ast.Call) -> Iterator[str]:
    if _last_name(node.func) == "SimpleNamespace":
        yield from (item.arg for item in node.keywords if item.arg is not None)
    if _last_name(node.func) == "namedtuple":
        for argument in node.args[1:]:
            for item in ast.walk(argument):
                if isinstance(item, ast.Constant) and isinstance(item.value, str):
                    yield from item.value.replace(",", " ").split()
