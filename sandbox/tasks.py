"""The entries of ``TASKS`` as functions with names and parameters, whatever expression makes them.

Who calls a program has to know, from its text alone, how many sub-tasks there are and what each
reads. ``TASKS = [door, key]`` says so itself. What models also write (lambdas in the list, partial
applications, factories, comprehensions, a dict) is turned into functions here: a lambda becomes a
function of its own, any other entry gets one that calls ``TASKS[i]``. An expression whose entries
the text does not show stays as it is, and is refused by who asks for the tasks.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sandbox.scopes import arguments_of
from sandbox.trees import walk

__all__ = ["Tasks", "grows", "value_of_tasks", "with_tasks"]

_MOST: Final = 64
"""Entries that are looked for; no program has as many."""
_DEEPEST: Final = 8


@dataclass(frozen=True, slots=True)
class Tasks:
    """A tree in which every sub-task is a function.

    Attributes:
        tree: The given tree, or one with more functions at its end.
        names: The functions in the order of ``TASKS``; None where nothing had to be done.
    """

    tree: ast.Module
    names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One callable: what to name it after, what it takes, and how it can stand by itself.

    Attributes:
        name: Of a function of the module that is this entry itself.
        wish: A name for it where it has none.
        body: Its value, where it is a lambda of the module that needs nothing else.
        by_name: Whether its arguments are given by name.
    """

    params: tuple[str, ...]
    name: str | None = None
    wish: str | None = None
    body: ast.Lambda | None = None
    by_name: bool = False


def with_tasks(tree: ast.Module) -> Tasks:
    """Give each entry of ``TASKS`` a function; the given tree stays as it is."""
    mentions = sum(isinstance(item, ast.Name) and item.id == "TASKS" for item in walk(tree))
    found = _assigned(tree).get("TASKS") if mentions == 1 else _first(tree)
    if found is None or (mentions == 1 and _is_plain(found, tree)):
        return Tasks(tree, None)
    at, value = found
    finder = _Finder(tree)
    entries = finder.entries(value) if mentions == 1 else finder.grown(mentions)
    if not entries or len(entries) > _MOST:
        return Tasks(tree, None)
    taken = {item.id for item in walk(tree) if isinstance(item, ast.Name)} | set(_defined(tree))
    names: list[str] = []
    made: list[ast.stmt] = []
    keys = value.keys if isinstance(value, ast.Dict) else []
    for index, entry in enumerate(entries):
        if entry.name is not None:
            names.append(entry.name)
            continue
        name = entry.wish or f"task_{index + 1}"
        while name in taken or not name.isidentifier():
            name = f"task_{index + 1}" if not name.startswith("task_") else f"{name}_"
        taken.add(name)
        names.append(name)
        made.append(_function(name, entry, keys[index] if keys else ast.Constant(index), at))
    return Tasks(ast.Module([*tree.body, *made], tree.type_ignores), tuple(names))


def grows(tree: ast.Module) -> bool:
    """Whether anything at the top level but its one assignment names ``TASKS``."""
    defined = (ast.FunctionDef, ast.ClassDef)
    mentions = sum(
        isinstance(item, ast.Name) and item.id == "TASKS"
        for node in tree.body
        if not isinstance(node, defined)
        for item in walk(node)
    )
    return mentions > 1


def _first(tree: ast.Module) -> tuple[ast.stmt, ast.expr] | None:
    """Give the statement that makes a list which later ones extend; a dict does not grow so."""
    for node in tree.body:
        value = value_of_tasks(node)
        if value is not None:
            return None if isinstance(value, ast.Dict) else (node, value)
    return None


def value_of_tasks(node: ast.stmt) -> ast.expr | None:
    """Give what a statement assigns to ``TASKS``, if it does."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, value = node.target, node.value
    else:
        return None
    return value if isinstance(target, ast.Name) and target.id == "TASKS" else None


def _mentions(node: ast.AST) -> int:
    return sum(isinstance(item, ast.Name) and item.id == "TASKS" for item in walk(node))


def _function(name: str, entry: _Entry, key: ast.expr | None, at: ast.stmt) -> ast.stmt:
    place: ast.AST = at
    if entry.body is not None:
        result = copy.deepcopy(entry.body.body)
        place = entry.body
    else:
        index = copy.deepcopy(key) if key is not None else ast.Constant(None)
        callee = ast.Subscript(ast.Name("TASKS", ast.Load()), index, ast.Load())
        reads = [ast.Name(param, ast.Load()) for param in entry.params]
        if entry.by_name:
            words = [ast.keyword(read.id, read) for read in reads]
            result = ast.Call(callee, [], words)
        else:
            result = ast.Call(callee, list(reads), [])
    (made,) = ast.parse("def task(): pass").body  # has the fields of this Python's nodes
    if isinstance(made, ast.FunctionDef):
        made.name = name
        made.args.args = [ast.arg(param) for param in entry.params]
        made.body = [ast.Return(result)]
    ast.copy_location(made, place)
    for item in ast.walk(made):
        placed = isinstance(item, ast.expr | ast.stmt | ast.arg | ast.keyword)
        if placed and not hasattr(item, "lineno"):
            ast.copy_location(item, place)
    return made


def _assigned(tree: ast.Module) -> dict[str, tuple[ast.stmt, ast.expr]]:
    """Give the names of the module that one plain assignment binds, with statement and value."""
    found: dict[str, tuple[ast.stmt, ast.expr]] = {}
    counts: dict[str, int] = {}
    for item in walk(tree):
        if isinstance(item, ast.Name) and not isinstance(item.ctx, ast.Load):
            counts[item.id] = counts.get(item.id, 0) + 1
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        if isinstance(target, ast.Name) and counts[target.id] == 1:
            found[target.id] = (node, value)
    return found


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name


def _is_plain(found: tuple[ast.stmt, ast.expr], tree: ast.Module) -> bool:
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    value = found[1]
    return isinstance(value, ast.List | ast.Tuple) and all(
        isinstance(item, ast.Name) and item.id in functions for item in value.elts
    )


class _Finder:
    """Reads the entries of an expression from the text."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.assigned = _assigned(tree)
        self.functions: dict[str, ast.FunctionDef] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        counts: dict[str, int] = {}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                counts[node.name] = counts.get(node.name, 0) + 1
                if isinstance(node, ast.FunctionDef):
                    self.functions[node.name] = node
                else:
                    self.classes[node.name] = node
        for name, count in counts.items():
            if count > 1 or name in self.assigned:
                self.functions.pop(name, None)
                self.classes.pop(name, None)

    def entries(
        self, node: ast.expr, depth: int = 0, *, inside: bool = False
    ) -> list[_Entry] | None:
        """Give the entries of a collection; None where the text does not show them.

        ``inside`` a loop its names are not those of the module, so only a display is read.
        """
        if depth > _DEEPEST:
            return None
        if isinstance(node, ast.List | ast.Tuple):
            return self._joined(node.elts, depth, inside=inside)
        if inside:
            return None
        if isinstance(node, ast.Dict):
            return self._named(node, depth)
        if isinstance(node, ast.Name) and node.id in self.assigned:
            found = self.entries(self.assigned[node.id][1], depth + 1)
            # A lambda is taken from where it stands; keys of another dict are not ours.
            other = self.assigned[node.id][1]
            return None if isinstance(other, ast.Dict) else found
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.entries(node.left, depth + 1), self.entries(node.right, depth + 1)
            return None if left is None or right is None else left + right
        if isinstance(node, ast.ListComp):
            return self._comprehension(node)
        if isinstance(node, ast.Call) and not node.keywords and len(node.args) == 1:
            inner = node.args[0]
            if _last(node.func) not in ("list", "tuple") or isinstance(inner, ast.Dict):
                return None
            if isinstance(inner, ast.GeneratorExp):
                return self._comprehension(inner)
            return self.entries(inner, depth + 1)
        return None

    def grown(self, mentions: int) -> list[_Entry] | None:
        """Give the entries of a list made by several statements of the module.

        Args:
            mentions: How often the program names ``TASKS``; each has to be such a statement.
        """
        found: list[_Entry] = []
        for index, node in enumerate(item for item in self.tree.body if _mentions(item)):
            value = value_of_tasks(node)
            if index == 0 and value is not None:
                more, named = self.entries(value), 1
            else:
                more, named = self._added(node, inside=False)
            if more is None or (index == 0) != (value is not None):
                return None
            found.extend(more)
            mentions -= named
        return found if mentions == 0 else None

    def _added(self, node: ast.stmt, *, inside: bool) -> tuple[list[_Entry] | None, int]:
        """Give what a statement puts at the end of the list, and how often it names the list."""
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            plain = isinstance(node.target, ast.Name) and node.target.id == "TASKS"
            return (self.entries(node.value, inside=inside) if plain else None), 1
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            to = call.func
            own = isinstance(to, ast.Attribute) and isinstance(to.value, ast.Name)
            if not own or call.keywords or len(call.args) != 1:
                return None, 1
            if _last(to) == "extend":
                return self.entries(call.args[0], inside=inside), 1
            if _last(to) == "append":
                return self._joined(call.args, 0, inside=inside), 1
            return None, 1
        if isinstance(node, ast.For) and not node.orelse:
            count = self._count(node.iter)
            leaves = any(isinstance(item, ast.Break | ast.Continue) for item in walk(node))
            if count is None or leaves:
                return None, 1
            each: list[_Entry] = []
            named = 0
            for item in node.body:
                if _mentions(item):
                    more, times = self._added(item, inside=True)
                    if more is None:
                        return None, 1
                    each.extend(more)
                    named += times
            return each * count, named
        return None, 1

    def _joined(
        self, items: list[ast.expr], depth: int, *, inside: bool = False
    ) -> list[_Entry] | None:
        found: list[_Entry] = []
        for item in items:
            if isinstance(item, ast.Starred):
                more = self.entries(item.value, depth + 1, inside=inside)
                if more is None:
                    return None
                found.extend(more)
                continue
            entry = self.entry(item, depth, inside=inside)
            if entry is None:
                return None
            found.append(entry)
        return found

    def _named(self, node: ast.Dict, depth: int) -> list[_Entry] | None:
        found: list[_Entry] = []
        for key, value in zip(node.keys, node.values, strict=True):
            entry = self.entry(value, depth)
            if entry is None or not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                return None
            found.append(
                _Entry(entry.params, entry.name, key.value[:64], entry.body, entry.by_name)
            )
        return found

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> list[_Entry] | None:
        if len(node.generators) != 1 or node.generators[0].ifs:
            return None
        count = self._count(node.generators[0].iter)
        entry = self.entry(node.elt, 0, inside=True)
        if count is None or entry is None:
            return None
        return [entry] * count

    def _count(self, node: ast.expr) -> int | None:
        if isinstance(node, ast.Name) and node.id in self.assigned:
            node = self.assigned[node.id][1]
        if isinstance(node, ast.List | ast.Tuple):
            plain = not any(isinstance(item, ast.Starred) for item in node.elts)
            return len(node.elts) if plain else None
        if isinstance(node, ast.Dict):
            keys = [item.value for item in node.keys if isinstance(item, ast.Constant)]
            return len(keys) if len({*keys}) == len(node.keys) == len(keys) else None
        if not isinstance(node, ast.Call):
            return None
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in ("items", "keys", "values") and not node.args:
                return self._count(node.func.value)
            made = node.func.attr in ("array", "asarray") and node.args
            return self._count(node.args[0]) if made else None
        if len(node.args) != 1 or node.keywords or not isinstance(node.func, ast.Name):
            return None
        inner = node.args[0]
        if node.func.id == "enumerate":
            return self._count(inner)
        if node.func.id != "range":
            return None
        if isinstance(inner, ast.Constant) and isinstance(inner.value, int):
            return max(inner.value, 0)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name):
            plain = len(inner.args) == 1 and not inner.keywords
            return self._count(inner.args[0]) if inner.func.id == "len" and plain else None
        return None

    def entry(self, node: ast.expr, depth: int, *, inside: bool = False) -> _Entry | None:
        """Give one entry; ``inside`` a comprehension its names are not those of the module."""
        if depth > _DEEPEST:
            return None
        if isinstance(node, ast.Lambda):
            params = _params(node.args)
            alone = not inside and not arguments_of(node.args)[len(params or ()) :]
            if params is None:
                return None
            return _Entry(params, body=node if alone else None)
        if isinstance(node, ast.Name):
            if node.id in self.functions and not inside:
                params = _params(self.functions[node.id].args)
                return None if params is None else _Entry(params, name=node.id)
            if node.id in self.assigned:
                found = self.entry(self.assigned[node.id][1], depth + 1)
                if found is not None and found.wish is None:
                    # Not the variable's own name, which is taken.
                    return _Entry(found.params, None, None, None, found.by_name)
            return None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return self._method(node.value.id, node.attr)
        if isinstance(node, ast.Call) and not any(
            isinstance(item, ast.Starred) for item in node.args
        ):
            return self._called(node, depth)
        return None

    def _method(self, owner: str, name: str) -> _Entry | None:
        """Give ``Class.method`` where it is a static or a class method."""
        for item in self.classes[owner].body if owner in self.classes else ():
            if isinstance(item, ast.FunctionDef) and item.name == name:
                kinds = [one.id for one in item.decorator_list if isinstance(one, ast.Name)]
                params = _params(item.args)
                if params is None or kinds not in (["staticmethod"], ["classmethod"]):
                    return None
                return _Entry(params if kinds == ["staticmethod"] else params[1:], wish=name)
        return None

    def _called(self, node: ast.Call, depth: int) -> _Entry | None:
        callee = node.func
        if _last(callee) == "partial" and node.args:
            first, given = node.args[0], {item.arg for item in node.keywords}
            if None in given:
                return None
            if isinstance(first, ast.Name) and first.id in self.functions:
                every = _required(self.functions[first.id].args)
            else:
                inner = self.entry(first, depth + 1)
                if inner is None:
                    return None
                every = inner.params
            rest = every[len(node.args) - 1 :]
            return _Entry(tuple(name for name in rest if name not in given), by_name=True)
        if not isinstance(callee, ast.Name):
            return None
        if callee.id in self.classes:
            for item in self.classes[callee.id].body:
                if isinstance(item, ast.FunctionDef) and item.name == "__call__":
                    params = _params(item.args)
                    return None if not params else _Entry(params[1:])
            return None
        if callee.id in self.functions and not self.functions[callee.id].decorator_list:
            made = _made_by(self.functions[callee.id])
            params = None if made is None else _params(made)
            return None if params is None else _Entry(params)
        return None


def _params(args: ast.arguments) -> tuple[str, ...] | None:
    """Give the parameters that must be given; None where they are not all plain."""
    if any(default is None for default in args.kw_defaults) or args.posonlyargs:
        return None
    if args.vararg is not None or args.kwarg is not None:
        return None
    plain = args.args[: len(args.args) - len(args.defaults)]
    return tuple(arg.arg for arg in plain)


def _required(args: ast.arguments) -> tuple[str, ...]:
    """Give the parameters without a default, by position or by name."""
    plain = [*args.posonlyargs, *args.args]
    plain = plain[: len(plain) - len(args.defaults)]
    named = [
        arg
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        if default is None
    ]
    return tuple(arg.arg for arg in (*plain, *named))


def _made_by(function: ast.FunctionDef) -> ast.arguments | None:
    """Give the parameters of the function that a factory returns on every path."""
    inner = {item.name: item for item in function.body if isinstance(item, ast.FunctionDef)}
    found: list[ast.arguments | None] = []
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Return):
            value = item.value
            if isinstance(value, ast.Lambda):
                found.append(value.args)
            elif isinstance(value, ast.Name) and value.id in inner:
                found.append(inner[value.id].args)
            else:
                return None
        elif not isinstance(item, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(item))
    first = found[0] if found else None
    same = first is not None and all(
        one is not None and _params(one) == _params(first) for one in found
    )
    return first if same else None


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
