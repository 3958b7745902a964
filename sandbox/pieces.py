"""What the text says of constants and of parts of an input: ``BALL_X = 99``, ``obs[0, :2]``.

Small questions that `sandbox.lint` asks of expressions. Each answers None where the text alone does
not tell, so that no finding is made from a guess.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TypeVar

from sandbox.schema import ArraySpec, DictSpec, Spec, TupleSpec
from sandbox.spelling import nearest
from sandbox.trees import walk

__all__ = [
    "combined",
    "describe",
    "dtype_of",
    "has_several",
    "integer_of",
    "is_array",
    "is_open",
    "is_text",
    "item_of",
    "key_advice",
    "number_of",
    "reduced",
    "with_constants",
]

_Node = TypeVar("_Node", bound=ast.AST)


def with_constants(tree: ast.Module) -> ast.Module:
    """Give a copy of a tree with the values of module constants in the place of their names."""
    copy: ast.Module = _Constants(tree).visit(_copied(tree))
    return copy


def _copied(node: _Node) -> _Node:
    """Copy a tree with one Python frame for each level, unlike `copy.deepcopy`."""
    fields: dict[str, object] = {}
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            fields[name] = _copied(value)
        elif isinstance(value, list):
            items: list[object] = []
            for item in value:
                items.append(_copied(item) if isinstance(item, ast.AST) else item)  # noqa: PERF401 - a comprehension would be a second frame
            fields[name] = items
        else:
            fields[name] = value
    return ast.copy_location(type(node)(**fields), node)


class _Constants(ast.NodeTransformer):
    """Put the values of module constants in the place of their names: ``BALL_X = 99``."""

    def __init__(self, tree: ast.Module) -> None:
        stores: dict[str, int] = {}
        for node in walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                stores[node.id] = stores.get(node.id, 0) + 1
            elif isinstance(node, ast.arg):
                stores[node.arg] = stores.get(node.arg, 0) + 2
        self.values: dict[str, int | str] = {}
        for statement in tree.body:
            if not (isinstance(statement, ast.Assign) and len(statement.targets) == 1):
                continue
            target, value = statement.targets[0], statement.value
            pairs: list[tuple[ast.expr, ast.expr]] = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=False))
            for name, given in pairs:
                if isinstance(name, ast.Name) and stores.get(name.id) == 1:
                    number = integer_of(given)
                    if number is not None:
                        self.values[name.id] = number
                    elif isinstance(given, ast.Constant) and isinstance(given.value, str):
                        self.values[name.id] = given.value

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace one name."""
        if isinstance(node.ctx, ast.Load) and node.id in self.values:
            return ast.copy_location(ast.Constant(self.values[node.id]), node)
        return node


def item_of(spec: Spec, index: ast.expr) -> Spec | None:
    """Give the tree of ``x[index]``, or None where it is unknown or fails."""
    if isinstance(spec, DictSpec):
        is_key = isinstance(index, ast.Constant) and isinstance(index.value, str)
        return spec.get(str(index.value)) if is_key and isinstance(index, ast.Constant) else None
    if isinstance(spec, TupleSpec):
        value = integer_of(index)
        inside = value is not None and -len(spec.items) <= value < len(spec.items)
        return spec.items[value] if inside and value is not None else None
    if spec.kind != "array":
        return None
    parts = _without_dots(list(index.elts) if isinstance(index, ast.Tuple) else [index], spec)
    if any(is_open(part) for part in parts) or len(parts) > len(spec.shape):
        return None
    shape: list[int] = []
    for part, size in zip(parts, spec.shape, strict=False):
        if isinstance(part, ast.Slice):
            bounds = [
                integer_of(item) if item else None for item in (part.lower, part.upper, part.step)
            ]
            given = [part.lower, part.upper, part.step]
            if any(
                item is not None and bound is None
                for item, bound in zip(given, bounds, strict=True)
            ):
                return None
            if bounds[2] == 0:
                return None
            shape.append(len(range(*slice(*bounds).indices(size))))
        elif integer_of(part) is None:
            return None  # a name: an index, or an array of them
    shape.extend(spec.shape[len(parts) :])
    return replace(spec, shape=tuple(shape))


def _without_dots(parts: list[ast.expr], spec: ArraySpec) -> list[ast.expr]:
    """Write the slices out that ``...`` stands for, if there is one."""
    dots = [
        i for i, part in enumerate(parts) if isinstance(part, ast.Constant) and part.value is ...
    ]
    missing = len(spec.shape) - len(parts) + 1
    if len(dots) != 1 or missing < 0:
        return parts
    return [*parts[: dots[0]], *(ast.Slice() for _ in range(missing)), *parts[dots[0] + 1 :]]


def combined(left: Spec, right: Spec | float, dtype: str | None = None) -> ArraySpec | None:
    """Give the leaf of an operation element by element on two leaves, or a leaf and a number.

    Args:
        left: One side.
        right: The other.
        dtype: Of the result where the operation decides it: ``"bool"`` for comparisons.
    """
    if not isinstance(left, ArraySpec) or left.kind == "text":
        return None
    if isinstance(right, int | float):
        whole = isinstance(right, int) or left.dtype.startswith("float")
        return replace(_plain(left), dtype=dtype or (left.dtype if whole else "float64"))
    if not isinstance(right, ArraySpec) or right.kind == "text":
        return None
    shape: list[int] = []
    for back in range(1, max(len(left.shape), len(right.shape)) + 1):
        sizes = {part.shape[-back] for part in (left, right) if len(part.shape) >= back} - {1}
        if len(sizes) > 1:
            return None
        shape.insert(0, sizes.pop() if sizes else 1)
    same = left.dtype if left.dtype == right.dtype else "float64"
    return replace(_plain(left), shape=tuple(shape), dtype=dtype or same)


def _plain(spec: ArraySpec) -> ArraySpec:
    """Give an array without the bounds and the kind of an input."""
    return ArraySpec(shape=spec.shape, dtype=spec.dtype)


def number_of(node: ast.expr) -> float | None:
    """Give the value of a written number."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = number_of(node.operand)
        return -value if value is not None else None
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    return None


def reduced(spec: ArraySpec, name: str) -> ArraySpec:
    """Give the number that ``x.sum()``, ``x.max()`` and their like give."""
    dtype = spec.dtype if name in ("min", "max") else "float64"
    if name in ("sum", "prod") and spec.dtype.startswith("uint"):
        dtype = "uint64"
    return ArraySpec(shape=(), dtype=dtype)


def is_open(node: ast.expr) -> bool:
    """Whether a part of an index changes how parts and axes line up."""
    if isinstance(node, ast.Starred | ast.Compare | ast.List):
        return True
    if isinstance(node, ast.Constant):
        return node.value is None or node.value is ... or isinstance(node.value, bool)
    return isinstance(node, ast.Attribute | ast.Name | ast.Call)


def integer_of(node: ast.expr) -> int | None:
    """Give the value of a written integer."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = integer_of(node.operand)
        return -value if value is not None else None
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None


def dtype_of(node: ast.expr) -> str | None:
    """Give the dtype that ``np.int64``, ``float`` or ``"uint8"`` names."""
    name = node.attr if isinstance(node, ast.Attribute) else None
    if isinstance(node, ast.Name):
        name = {"float": "float64", "int": "int64", "bool": "bool"}.get(node.id)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        name = node.value
    try:
        return ArraySpec(dtype=name).dtype if name else None
    except ValueError:
        return None


def is_array(spec: Spec) -> bool:
    """Whether a leaf is an array and not a single number."""
    return isinstance(spec, ArraySpec) and spec.kind == "array" and bool(spec.shape)


def has_several(spec: Spec) -> bool:
    """Whether an array has more than one element."""
    count = 1
    for size in spec.shape if isinstance(spec, ArraySpec) else ():
        count *= size
    return count > 1


def is_text(spec: Spec) -> bool:
    """Whether a leaf is text."""
    return isinstance(spec, ArraySpec) and spec.kind == "text"


def describe(spec: ArraySpec) -> str:
    """Say what a leaf is."""
    if spec.kind == "text":
        return "text"
    if spec.kind != "array":
        return f"one {spec.kind}"
    return f"an array of shape {spec.shape}" if spec.shape else "one number"


def key_advice(spec: DictSpec, key: str) -> str:
    """Say which key may have been meant, or which there are."""
    names = [name for name, _ in spec.fields]
    guess = nearest(key, names)
    if guess:
        return f'did you mean "{guess}"?'
    return "it has " + ", ".join(f'"{name}"' for name in names[:12])
