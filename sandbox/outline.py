"""Tree to outline: the names, parameters and places of the top level, nothing that runs.

The outline is all that the host learns of a source before it decides what is called with what.
It crosses a process border, so it is small, plain data; every name in it has passed the
validator.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from sandbox.classes import bases_of, methods_of
from sandbox.diagnostics import Span
from sandbox.parse import Places
from sandbox.paths import PathsOf
from sandbox.plan import ClassOutline, FunctionOutline, Outline, ParamOutline
from sandbox.reads import Reads, ReadsOf
from sandbox.tasks import grows, value_of_tasks
from sandbox.trees import child_nodes, walk

__all__ = ["outline_of"]

_DATA_BASES = frozenset(
    {"Enum", "IntEnum", "NamedTuple", "Exception", "ValueError", "RuntimeError", "TypedDict"}
)


def outline_of(tree: ast.Module, text: str, entries: tuple[str, ...] | None = None) -> Outline:
    """Describe the top level of a validated tree.

    Args:
        tree: What `sandbox.validate.validate` gave back.
        text: The source of the tree, for columns in characters.
        entries: Functions that stand for the entries of ``TASKS``, where the list itself does not
            name them.

    Returns:
        Functions and classes in source order, and the ``TASKS`` list if there is one. A name
        that is defined twice is described as its last definition, which is the one that holds.
    """
    places = Places(text)
    reads = ReadsOf(tree)
    paths = PathsOf(tree)
    functions: dict[str, FunctionOutline] = {}
    classes: dict[str, ClassOutline] = {}
    tasks: tuple[str, ...] | None = None
    tasks_span: Span | None = None
    data_classes: set[str] = set(_DATA_BASES)
    nodes: dict[str, ast.ClassDef] = {}
    grown = grows(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            functions.pop(node.name, None)
            classes.pop(node.name, None)
            functions[node.name] = _function(node, places, reads.of(node), paths, method=False)
        elif isinstance(node, ast.ClassDef):
            functions.pop(node.name, None)
            classes.pop(node.name, None)
            is_data = any(_last_name(base) in data_classes for base in node.bases)
            if is_data:
                data_classes.add(node.name)
            classes[node.name] = _class(node, places, reads, paths, nodes, is_data=is_data)
            nodes[node.name] = node
        else:
            listed = _task_list(node)
            if listed is not None:
                # What later statements add to the list is not in its display.
                shown = None if grown else listed[0]
                tasks, tasks_span = entries or shown, places.span(listed[1])
    used = _used(tree, functions.keys())
    top = tuple(replace(item, is_used=item.name in used) for item in functions.values())
    return Outline(top, tuple(classes.values()), tasks, tasks_span)


def _used(tree: ast.Module, names: Collection[str]) -> set[str]:
    """Give the functions that something outside of them names."""
    return {
        item.id
        for node in tree.body
        for item in walk(node)
        if isinstance(item, ast.Name)
        and item.id in names
        and not (isinstance(node, ast.FunctionDef) and node.name == item.id)
    }


def _task_list(node: ast.stmt) -> tuple[tuple[str, ...] | None, ast.expr] | None:
    """Give the value of ``TASKS`` and the names in it, None where it is no list of names."""
    value = value_of_tasks(node)
    if value is None:
        return None
    if not isinstance(value, ast.List | ast.Tuple):
        return None, value
    names = tuple(item.id for item in value.elts if isinstance(item, ast.Name))
    return (names if len(names) == len(value.elts) else None), value


def _class(
    node: ast.ClassDef,
    places: Places,
    reads: ReadsOf,
    paths: PathsOf,
    above: Mapping[str, ast.ClassDef],
    *,
    is_data: bool,
) -> ClassOutline:
    methods: dict[str, FunctionOutline] = {}
    for name, item in methods_of(node, above).items():
        # What an inherited method hands on may go to a method that this class has anew, so
        # nothing is said of what it reads.
        known = reads.of(item, node) if item in node.body else {}
        methods[name] = _function(item, places, known, paths, method=True)
    bases = bases_of(node, above)
    made = next((item for item in (node, *bases) if _makes(item)), None)
    if made is None:
        required: tuple[str, ...] = ()
    elif _is_dataclass(made):
        fields: dict[str, bool] = {}
        for one in (*reversed(bases), node):
            if _is_dataclass(one):
                fields.update(_fields(one))
        required = tuple(name for name, is_required in fields.items() if is_required)
    else:
        required = tuple(
            param.name
            for param in methods["__init__"].params
            if not param.has_default and param.kind not in ("varargs", "varkw")
        )
    return ClassOutline(
        name=node.name,
        methods=tuple(methods.values()),
        required=required,
        span=places.name_span(node),
        is_data=is_data,
        bases=tuple(item.name for item in bases),
    )


def _makes(node: ast.ClassDef) -> bool:
    """Whether a class says itself how it is made."""
    return _is_dataclass(node) or _has_init(node)


def _has_init(node: ast.ClassDef) -> bool:
    return any(isinstance(item, ast.FunctionDef) and item.name == "__init__" for item in node.body)


def _is_dataclass(node: ast.ClassDef) -> bool:
    """Whether a class is made from its fields."""
    named = any(_last_name(item) == "dataclass" for item in node.decorator_list)
    return named and not _has_init(node)


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    """Give the fields of a dataclass, and whether each has to be given."""
    for item in node.body:
        if not (isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)):
            continue
        if _last_name(item.annotation) == "ClassVar":
            continue
        value = item.value
        if value is None:
            yield item.target.id, True
        elif isinstance(value, ast.Call) and _last_name(value.func) == "field":
            given = {keyword.arg: keyword.value for keyword in value.keywords}
            init = given.get("init")
            left_out = isinstance(init, ast.Constant) and init.value is False
            yield (
                item.target.id,
                not left_out and not given.keys() & {"default", "default_factory"},
            )
        else:
            yield item.target.id, False


def _function(
    node: ast.FunctionDef,
    places: Places,
    reads: Mapping[str, Reads],
    paths: PathsOf,
    *,
    method: bool,
) -> FunctionOutline:
    args = node.args
    found: list[ParamOutline] = []
    pictures = paths.of(node)
    plain = [*args.posonlyargs, *args.args]
    first_default = len(plain) - len(args.defaults)
    for index, arg in enumerate(plain):
        kind: Literal["plain", "positional"]
        kind = "positional" if index < len(args.posonlyargs) else "plain"
        has_default = index >= first_default
        span = places.name_of(arg)
        is_path = arg.arg in pictures
        found.append(ParamOutline(arg.arg, has_default, kind, span, reads.get(arg.arg), is_path))
    if args.vararg is not None:
        found.append(ParamOutline(args.vararg.arg, True, "varargs", places.name_of(args.vararg)))
    found.extend(
        ParamOutline(arg.arg, default is not None, "keyword", places.name_of(arg))
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
    )
    if args.kwarg is not None:
        found.append(ParamOutline(args.kwarg.arg, True, "varkw", places.name_of(args.kwarg)))
    is_static = any(_last_name(item) == "staticmethod" for item in node.decorator_list)
    if method and not is_static and found:
        found = found[1:]
    returns_dict = any(
        isinstance(item.value, ast.Dict) for item in _returns(node) if item.value is not None
    )
    return FunctionOutline(node.name, tuple(found), places.name_span(node), returns_dict)


def _returns(node: ast.FunctionDef) -> Iterator[ast.Return]:
    """Go through the ``return`` statements of a function, not those of functions inside it."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Return):
            yield item
        elif not isinstance(item, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(child_nodes(item))


def _last_name(node: ast.expr) -> str:
    """Give ``c`` for ``a.b.c``, ``c[...]`` and ``c(...)``."""
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
