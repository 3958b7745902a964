"""Findings about programs that look at pictures: what models get wrong about OpenCV.

Most of these run without an error and see the wrong thing: the channels are in the other order, a hue
lies beyond the end of OpenCV's scale, a result has another form than in the release that the model
learnt from. Values are followed through assignments, the program's own functions and what keeps the
order of channels; nothing is said where they are lost.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

from sandbox.diagnostics import Finding
from sandbox.parse import Places
from sandbox.plan import Call, Plan
from sandbox.rules import RULES
from sandbox.trees import walk

__all__ = ["picture_findings"]

Order: TypeAlias = Literal["RGB", "BGR"]
_Orders: TypeAlias = "dict[tuple[str, str], set[Order | None]]"
"""By function and name; the function is empty for an attribute."""

MOST_HUE: Final = 179
_OF_FRAMES: Final = frozenset({"frame", "initial_frame", "prev_frame"})
_KEEPING: Final = frozenset(
    {"resize", "GaussianBlur", "blur", "medianBlur", "bilateralFilter", "bitwise_and", "bitwise_or"}
    | {"copyMakeBorder", "erode", "dilate", "morphologyEx", "flip", "rotate", "convertScaleAbs"}
    | {"copy", "astype", "ascontiguousarray", "asarray", "array", "absdiff", "subtract", "add"}
)
"""Functions and methods whose result has the channels of their first argument."""
_ROUNDS: Final = 8


def picture_findings(tree: ast.Module, plan: Plan, places: Places) -> Iterator[Finding]:
    """Find mistakes about pictures.

    Args:
        tree: A validated tree.
        plan: What is called with what; says in which order frames come.
        places: Of the source.
    """
    if not any(isinstance(node, ast.Attribute) and _opencv(node) for node in walk(tree)):
        return
    for node in walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from _contours(node, places)
            yield from _hues(node, places)
            yield from _points(node, places)
    yield from _Channels(tree, plan).findings(places)


def _opencv(node: ast.expr) -> str | None:
    """Give the name of a member of OpenCV."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == "cv2" else None
    return None


def _called(node: ast.AST) -> str | None:
    return _opencv(node.func) if isinstance(node, ast.Call) else None


# --- contours ---------------------------------------------------------------------------------


def _contours(function: ast.FunctionDef, places: Places) -> Iterator[Finding]:
    """Find results of `findContours` that are taken apart wrongly, or that may be empty."""
    lists: dict[str, ast.expr] = {}
    pairs: set[str] = set()
    for node in walk(function):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        if _called(value) == "findContours":
            if isinstance(target, ast.Tuple):
                count = len(target.elts)
                if count == 2 and isinstance(target.elts[0], ast.Name):
                    lists[target.elts[0].id] = value
                elif count != 2 and not any(isinstance(x, ast.Starred) for x in target.elts):
                    yield RULES["SBX650"].finding(places.at(target), count=count)
            elif isinstance(target, ast.Name):
                pairs.add(target.id)
        elif (
            isinstance(value, ast.Subscript)
            and _called(value.value) == "findContours"
            and isinstance(target, ast.Name)
        ):
            lists[target.id] = value
    tested = {
        item.id
        for node in walk(function)
        for test in _tests(node)
        for item in walk(test)
        if isinstance(item, ast.Name)
    }
    for node in walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            first = node.args[0]
            plain = len(node.args) == 1 and not any(k.arg == "default" for k in node.keywords)
            if not isinstance(first, ast.Name) or node.func.id not in ("max", "min"):
                continue
            if plain and first.id in lists.keys() - tested:
                yield RULES["SBX651"].finding(places.at(node), name=first.id, what=node.func.id)
            elif plain and first.id in pairs:
                yield RULES["SBX652"].finding(places.at(node), name=first.id)
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            is_first = isinstance(node.slice, ast.Constant) and node.slice.value in (0, -1)
            if is_first and node.value.id in lists.keys() - tested:
                yield RULES["SBX651"].finding(
                    places.at(node), name=node.value.id, what="its first one"
                )
        elif (
            isinstance(node, ast.For)
            and isinstance(node.iter, ast.Name)
            and node.iter.id in pairs - lists.keys() - tested
        ):
            yield RULES["SBX652"].finding(places.at(node.iter), name=node.iter.id)


def _tests(node: ast.AST) -> Iterator[ast.expr]:
    """Give the conditions in a node, and what a loop goes through: it does nothing with nothing."""
    if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
        yield node.test
    elif isinstance(node, ast.BoolOp):
        yield from node.values[:-1]
    elif isinstance(node, ast.comprehension):
        yield from node.ifs
    elif isinstance(node, ast.Try):
        # What is tried may fail: the handler is the test.
        for statement in node.body:
            yield from (item for item in walk(statement) if isinstance(item, ast.Name))


_SHAPES: Final = {
    "findNonZero": ("[n, 2]", "[n, 1, 2]", "-1, 2"),
    "convexityDefects": ("[n, 4]", "[n, 1, 4]", "-1, 4"),
    "minEnclosingTriangle": ("[3, 2]", "[3, 1, 2]", "3, 2"),
}
"""Functions whose results have another shape in OpenCV 5 than in 4: both, and what makes one of them.
``python -m benchmarks.opencv_versions`` finds them."""


def _points(function: ast.FunctionDef, places: Places) -> Iterator[Finding]:
    """Find results of another shape in another OpenCV that are used as they come."""
    shaped = {
        _root(node.value)
        for node in walk(function)
        if isinstance(node, ast.Attribute) and node.attr in ("reshape", "squeeze", "ravel")
    }
    inside = {
        node.value
        for node in walk(function)
        if isinstance(node, ast.Attribute) and node.attr in ("reshape", "squeeze", "ravel")
    }
    read = {
        node.id
        for node in walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    for node in walk(function):
        if not isinstance(node, ast.Assign | ast.Return | ast.Expr):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else []
        for item in walk(node):
            name = _called(item)
            if name not in _SHAPES or item in inside:
                continue
            if name == "minEnclosingTriangle":
                # It gives an area too, which is often all that is wanted.
                pairs = [t for t in targets if isinstance(t, ast.Tuple) and len(t.elts) == 2]
                corners = pairs[0].elts[1] if pairs else None
                if not isinstance(corners, ast.Name) or corners.id in shaped | (
                    {corners.id} - read
                ):
                    continue
            elif any(isinstance(target, ast.Name) and target.id in shaped for target in targets):
                continue
            new, old, shape = _SHAPES[name]
            yield RULES["SBX653"].finding(places.at(item), name=name, new=new, old=old, shape=shape)


def _root(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


# --- hues -------------------------------------------------------------------------------------


def _hues(function: ast.FunctionDef, places: Places) -> Iterator[Finding]:
    """Find bounds of a hue beyond the end of the scale."""
    wheels: set[str] = set()
    values: dict[str, ast.expr] = {}
    for node in walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name):
                values[target.id] = node.value
                code = _code(node.value)
                if code and code.endswith("HSV"):
                    wheels.add(target.id)
                elif code:
                    wheels.discard(target.id)
    for node in walk(function):
        if _called(node) != "inRange" or not isinstance(node, ast.Call) or len(node.args) < 3:
            continue
        source = node.args[0]
        of_hue = isinstance(source, ast.Name) and source.id in wheels
        code = _code(source)
        if not of_hue and not (code and code.endswith("HSV")):
            continue
        for name, bound in zip(("lower", "upper"), node.args[1:3], strict=True):
            shown = values.get(bound.id, bound) if isinstance(bound, ast.Name) else bound
            hue = _first_number(shown)
            if hue is not None and hue > MOST_HUE + (name == "upper"):
                yield RULES["SBX654"].finding(
                    places.at(bound),
                    value=f"{hue:g}",
                    effect="no pixel is found" if name == "lower" else "the bound is never reached",
                    half=f"{hue / 2:g}",
                )


def _first_number(node: ast.expr) -> float | None:
    if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Attribute):
        node = node.args[0] if node.func.attr in ("array", "asarray", "uint8") else node
    if isinstance(node, ast.Tuple | ast.List) and len(node.elts) == 3:
        first = node.elts[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, int | float):
            return float(first.value)
    return None


def _code(node: ast.expr) -> str | None:
    """Give the conversion that a call of `cvtColor` names, such as ``RGB2HSV``."""
    if _called(node) != "cvtColor" or not isinstance(node, ast.Call):
        return None
    given = node.args[1:2] or [item.value for item in node.keywords if item.arg == "code"]
    name = _opencv(given[0]) if given else None
    return name.removeprefix("COLOR_") if name and name.startswith("COLOR_") else None


# --- the order of channels --------------------------------------------------------------------


class _Channels:
    """Which order the channels of each name have."""

    def __init__(self, tree: ast.Module, plan: Plan) -> None:
        self.functions: dict[str, list[ast.FunctionDef]] = {}
        for node in walk(tree):
            if isinstance(node, ast.FunctionDef):
                self.functions.setdefault(node.name, []).append(node)
        self.orders: _Orders = {}
        """What the last round found; what is not known yet is not in it, or None."""
        self.fresh: _Orders = {}
        for call in (plan.reward, plan.step, plan.reset, plan.first, *plan.tasks):
            if call is not None:
                self._bind(call)
        bound = self.fresh
        for _ in range(_ROUNDS):
            self.fresh = {place: set(orders) for place, orders in bound.items()}
            for nodes in self.functions.values():
                for node in nodes:
                    self._follow(node)
            if self.fresh == self.orders:
                break
            self.orders = self.fresh

    def _bind(self, call: Call) -> None:
        for param in call.params:
            if param.slot in _OF_FRAMES and param.view != "token":
                order: Order = "BGR" if param.view == "bgr" else "RGB"
                self.fresh.setdefault((call.function, param.name), set()).add(order)

    def _follow(self, function: ast.FunctionDef) -> None:
        for node in walk(function):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                self._store(function, node.targets[0], self.order(function, node.value))
            elif isinstance(node, ast.Call):
                self._hand_on(function, node)

    def _store(self, function: ast.FunctionDef, target: ast.expr, order: Order | None) -> None:
        if isinstance(target, ast.Name):
            self.fresh.setdefault((function.name, target.id), set()).add(order)
        elif isinstance(target, ast.Attribute):
            self.fresh.setdefault(("", target.attr), set()).add(order)

    def _hand_on(self, function: ast.FunctionDef, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        name = node.func.id if isinstance(node.func, ast.Name) else name
        for callee in self.functions.get(name or "", ()):
            params = [arg.arg for arg in (*callee.args.posonlyargs, *callee.args.args)]
            if isinstance(node.func, ast.Attribute) and params[:1] == ["self"]:
                params = params[1:]
            for param, value in zip(params, node.args, strict=False):
                order = self.order(function, value)
                self.fresh.setdefault((callee.name, param), set()).add(order)

    def order(self, function: ast.FunctionDef, node: ast.expr) -> Order | None:
        """Give the order of an expression's channels, where it is known for certain."""
        if isinstance(node, ast.Name):
            return _only(self.orders.get((function.name, node.id)))
        if isinstance(node, ast.Attribute):
            return _only(self.orders.get(("", node.attr)))
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            plain = len(parts) <= 2 and not any(
                isinstance(part, ast.Constant) and part.value is ... for part in parts
            )
            return self.order(function, node.value) if plain else None
        if isinstance(node, ast.Call):
            return self._of_call(function, node)
        return None

    def _of_call(self, function: ast.FunctionDef, node: ast.Call) -> Order | None:
        name = _called(node)
        if name == "imread":
            return "BGR"
        code = _code(node)
        if code is not None:
            swapped: Mapping[str, Order] = {"RGB2BGR": "BGR", "BGR2RGB": "RGB"}
            return swapped.get(code)
        attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if attribute in _KEEPING:
            first = node.args[0] if name or _is_numpy(node.func) else None
            if first is None and isinstance(node.func, ast.Attribute):
                first = node.func.value
            return self.order(function, first) if first is not None else None
        return self._returned(attribute or _root(node.func) or "")

    def _returned(self, name: str) -> Order | None:
        """Give the order of what a function of the program returns."""
        found: set[Order | None] = set()
        for callee in self.functions.get(name, ()):
            for node in walk(callee):
                if isinstance(node, ast.Return) and node.value is not None:
                    simple = isinstance(node.value, ast.Name | ast.Attribute) or (
                        _called(node.value) is not None
                    )
                    found.add(self.order(callee, node.value) if simple else None)
        return _only(found)

    def findings(self, places: Places) -> Iterator[Finding]:
        """Find conversions that say another order than the channels have."""
        for nodes in self.functions.values():
            for function in nodes:
                for node in walk(function):
                    code = _code(node) if isinstance(node, ast.Call) else None
                    if code is None or not isinstance(node, ast.Call) or not node.args:
                        continue
                    said, _, into = code.partition("2")
                    have = self.order(function, node.args[0])
                    if have is None or said not in ("RGB", "BGR") or into in ("RGB", "BGR"):
                        continue
                    if said != have:
                        yield RULES["SBX655"].finding(
                            places.at(node), said=said, have=have, code=f"COLOR_{have}2{into}"
                        )


def _is_numpy(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("np", "numpy")
    )


def _only(orders: set[Order | None] | None) -> Order | None:
    """Give the one order that all say."""
    return next(iter(orders)) if orders is not None and len(orders) == 1 else None
