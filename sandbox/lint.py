"""Tree and plan to findings: what the shapes and keys of the inputs show to be a mistake.

The plan says what each parameter of an entry is bound to, so a key that the observation does not
have, an index beyond its axis or a subtraction that wraps can be told before the first row. The
walk follows inputs through plain assignments, subscripts and calls of the program's own
functions, and says nothing where it lost them.

These are warnings: the line may never run, and if it does, that row says so. Only a program whose
every path returns what is no reward (`sandbox.results`) is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from sandbox.classes import methods_of
from sandbox.diagnostics import Finding, Span
from sandbox.membership import asks_for_member, containers, membership_findings
from sandbox.parse import Places
from sandbox.payments import payment_findings
from sandbox.picture_lint import picture_findings
from sandbox.pieces import (
    combined,
    describe,
    dtype_of,
    has_several,
    integer_of,
    is_array,
    is_open,
    is_text,
    item_of,
    key_advice,
    number_of,
    reduced,
    with_constants,
)
from sandbox.plan import Call, Plan
from sandbox.ranges import Ranges, has_range, range_findings
from sandbox.results import result_findings
from sandbox.rules import RULES
from sandbox.schema import ArraySpec, DictSpec, Spec, TupleSpec
from sandbox.state import changed_attributes
from sandbox.trees import child_nodes, remembered, walk
from sandbox.truth import COMPARISONS, TESTING, last_of, truth_finding

__all__ = ["lint"]

_DEPTH: Final = 4
_REDUCTIONS: Final = frozenset({"sum", "min", "max", "mean", "prod"})
_KEEPS_DTYPE: Final = frozenset({"abs", "absolute", "square", "sign", "fabs"})
_ELEMENTWISE: Final = _KEEPS_DTYPE | {"sqrt", "exp", "tanh", "cos", "sin", "round", "log"}
_SHOWN: Final = 4
_MOMENTS: Final = frozenset(
    {"obs", "next_obs", "initial_obs", "action", "frame", "initial_frame", "prev_frame"}
)
"""Inputs that vary; what a caller declares beside them, such as a time step, is not suspected."""
_DICT_METHODS: Final = frozenset({"get", "keys", "values", "items"})
_WRITERS: Final = frozenset({"sort", "fill", "partition", "update", "pop", "setdefault", "clear"})


@dataclass(frozen=True, slots=True)
class _Value:
    """What is known of an expression.

    Attributes:
        spec: Its tree or leaf.
        argument: Name of the parameter it is part of, so that a write into it is one into an
            argument; None for a copy.
    """

    spec: Spec
    argument: str | None


_Known: TypeAlias = Mapping[str, _Value]


def lint(tree: ast.Module, plan: Plan, text: str) -> list[Finding]:
    """Find mistakes that need the inputs to be seen.

    Args:
        tree: A validated tree.
        plan: What is called with what.
        text: Source of the tree, for what findings show of it.

    Returns:
        Findings without repetition, in source order.
    """
    plain = with_constants(tree)
    with remembered():
        found = _lint(plain, plan, text)
        # Names of constants say what a bonus is for.
        found.update(payment_findings(tree, plan, Places(text)))
        found.update(picture_findings(plain, plan, Places(text)))
    return sorted(found, key=lambda item: (item.span or Span(0, 0, 0, 0), item.rule, item.message))


def _lint(tree: ast.Module, plan: Plan, text: str) -> set[Finding]:
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    methods: dict[str, ast.FunctionDef] = {}
    owner: ast.ClassDef | None = None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == plan.class_name:
            owner = node
            classes = {item.name: item for item in tree.body if isinstance(item, ast.ClassDef)}
            methods = methods_of(node, classes)
    places = Places(text)
    walker = _Walker(places, functions, methods, containers(tree))
    for call in (plan.reward, *plan.tasks):
        if call is not None and call.function in functions:
            walker.entry(functions[call.function], plan, call)
    # Twice: what the methods store in `self` is known only when all were seen.
    for _ in range(2 if methods else 0):
        for call in (plan.reset, plan.first, plan.step):
            if call is not None and call.function in methods:
                walker.entry(methods[call.function], plan, call)
        walker.keep()
    if owner is not None and plan.reset is None:
        walker.note_kept(owner)
    return walker.found.union(result_findings(tree, plan, text))


def _changeable(node: ast.FunctionDef) -> Iterator[str]:
    """Give the parameters whose default is a list, dict or set."""
    plain = [*node.args.posonlyargs, *node.args.args]
    defaults = node.args.defaults
    for arg, default in zip(plain[len(plain) - len(defaults) :], defaults, strict=True):
        if isinstance(default, ast.List | ast.Dict | ast.Set):
            yield arg.arg


def _bound(plan: Plan, call: Call) -> dict[str, _Value]:
    found: dict[str, _Value] = {}
    for param in call.params:
        if param.view == "token":
            continue  # what it stands for is known where it is read
        try:
            found[param.name] = _Value(plan.spec(param), param.name)
        except KeyError:
            continue  # a slot that the host fills in later
    return found


class _Walker:
    """The walk; every function is looked at once for each combination of inputs."""

    def __init__(
        self,
        places: Places,
        functions: Mapping[str, ast.FunctionDef],
        methods: Mapping[str, ast.FunctionDef],
        containers: Mapping[str, str],
    ) -> None:
        self.places = places
        self.containers = containers
        self.entries: set[ast.FunctionDef] = set()
        """Those whose numbers were judged; what is kept in `self` says nothing of them."""
        self.functions = functions
        self.methods = methods
        self.found: set[Finding] = set()
        self.done: set[tuple[int, tuple[tuple[str, _Value], ...]]] = set()
        self.stored: dict[str, set[_Value | None]] = {}
        """By ``"self.x"``: all that the methods store there, None for what is not known."""
        self.kept: dict[str, _Value] = {}

    def keep(self) -> None:
        """Take what is stored in ``self`` as known from here on, and look at all again."""
        for name, values in self.stored.items():
            (first, *others) = values
            if first is not None and not others:
                self.kept[name] = first
        self.stored.clear()
        self.done.clear()

    def note_kept(self, node: ast.ClassDef) -> None:
        """Tell that a class which changes itself has no ``reset``."""
        changed = changed_attributes(node)
        if changed:
            shown = ", ".join(f"`self.{name}`" for name in changed[:_SHOWN])
            if len(changed) > _SHOWN:
                shown += f" and {len(changed) - _SHOWN} more"
            span = self.places.name_span(node)
            self.found.add(RULES["SBX644"].finding(span, name=node.name, what=shown))

    def say(self, rule: str, node: ast.AST, **facts: object) -> None:
        self.found.add(RULES[rule].finding(self.places.span(node), **facts))

    def entry(self, node: ast.FunctionDef, plan: Plan, call: Call) -> None:
        """Look at what is called with inputs, and at what their bounds say of its numbers."""
        # What has a default to write into is the program's own memory, whatever it is called.
        known = _bound(plan, call)
        for name in _changeable(node):
            known.pop(name, None)
        self.function(node, known, 0)
        judged = [item for item in walk(node) if has_range(item)]
        if not judged or node in self.entries:
            return
        self.entries.add(node)
        inputs = {
            item.name: known[item.name]
            for item in call.params
            if item.name in known and item.slot in _MOMENTS
        }

        def leaf(expression: ast.expr) -> ArraySpec | None:
            value = self.value(expression, inputs)
            return value.spec if value and isinstance(value.spec, ArraySpec) else None

        ranges = Ranges(node, leaf)
        for item in judged:
            self.found.update(range_findings(item, ranges, self.places))

    def function(self, node: ast.FunctionDef, known: dict[str, _Value], depth: int) -> None:
        key = (id(node), tuple(sorted(known.items(), key=lambda item: item[0])))
        if key in self.done or depth > _DEPTH or len(self.done) > 500:
            return
        self.done.add(key)
        env = {**self.kept, **known}
        stores: dict[str, int] = {}
        in_place = {id(item.target) for item in walk(node) if isinstance(item, ast.AugAssign)}
        for item in walk(node):
            is_store = isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            # `array += 1` leaves the array what it is.
            if is_store and id(item) not in in_place and isinstance(item, ast.Name):
                stores[item.id] = stores.get(item.id, 0) + 1
        for name in stores:
            env.pop(name, None)  # assigned again: unknown
        tested = _tested_keys(node)
        # Assignments come before their uses in all but odd programs; one pass in order will do.
        for item in _in_order(node):
            if isinstance(item, ast.Assign) and len(item.targets) == 1:
                target = item.targets[0]
                if isinstance(target, ast.Name) and stores.get(target.id) == 1:
                    value = self.value(item.value, env)
                    if value is not None:
                        env[target.id] = value
                elif isinstance(target, ast.Tuple):
                    self.unpacking(item, target, env)
            self.store(item, env)
            self.node(item, env, tested)
            if isinstance(item, ast.AugAssign) and isinstance(item.target, ast.Name):
                value = env.get(item.target.id)
                if value is not None and not is_array(value.spec):
                    del env[item.target.id]  # a number becomes another
            if isinstance(item, ast.Call):
                self.follow(item, env, depth)

    def store(self, item: ast.AST, env: _Known) -> None:
        """Note what a statement stores in ``self``."""
        targets: list[ast.expr] = []
        value: ast.expr | None = None
        if isinstance(item, ast.Assign):
            targets, value = item.targets, item.value
        elif isinstance(item, ast.AnnAssign | ast.AugAssign):
            targets = [item.target]
            value = item.value if isinstance(item, ast.AnnAssign) else None
        elif isinstance(item, ast.For):
            targets = [item.target]
        for target in targets:
            whole = _self_path(target)
            for part in walk(target):
                name = _self_path(part)
                if name is None or not isinstance(getattr(part, "ctx", None), ast.Store):
                    continue
                known = self.value(value, env) if whole and value is not None else None
                if value is None or not (isinstance(value, ast.Constant) and value.value is None):
                    # A kept value is a copy: writing into it is the program's own affair.
                    kept = replace(known, argument=None) if known is not None else None
                    self.stored.setdefault(name, set()).add(kept)

    # -- values --------------------------------------------------------------------------------

    def value(self, node: ast.expr, env: _Known) -> _Value | None:
        """Give what is known of an expression."""
        if isinstance(node, ast.Name):
            return env.get(node.id)
        if isinstance(node, ast.Attribute):
            return env.get(_self_path(node) or "")
        if isinstance(node, ast.Subscript):
            base = self.value(node.value, env)
            spec = item_of(base.spec, node.slice) if base is not None else None
            return _Value(spec, base.argument) if base is not None and spec is not None else None
        if isinstance(node, ast.Call):
            return self.call_value(node, env)
        made: Spec | None = None
        if isinstance(node, ast.BinOp):
            made = self.both(node.left, node.right, env)
            if made is not None and isinstance(node.op, ast.Div):
                made = replace(made, dtype="float64")
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], COMPARISONS):
            alone = len(node.ops) == 1
            made = self.both(node.left, node.comparators[0], env, "bool") if alone else None
        elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            inner = self.value(node.operand, env)
            made = combined(inner.spec, 0) if inner is not None else None
        return _Value(made, None) if made is not None else None

    def both(
        self, left: ast.expr, right: ast.expr, env: _Known, dtype: str | None = None
    ) -> ArraySpec | None:
        """Give what an operation on two expressions gives."""
        sides: list[Spec | float | None] = []
        for side in (left, right):
            value = self.value(side, env)
            sides.append(value.spec if value is not None else number_of(side))
        first, second = sides
        if isinstance(first, int | float):
            first, second = second, first
        if first is None or second is None or isinstance(first, int | float):
            return None
        return combined(first, second, dtype)

    def call_value(self, node: ast.Call, env: _Known) -> _Value | None:
        if not isinstance(node.func, ast.Attribute):
            return None
        if _is_numpy(node.func.value):
            if node.func.attr not in _ELEMENTWISE or len(node.args) != 1 or node.keywords:
                return None
            inner = self.value(node.args[0], env)
            if inner is None or not is_array(inner.spec):
                return None
            made = combined(inner.spec, 0 if node.func.attr in _KEEPS_DTYPE else 0.5)
            return _Value(made, None) if made is not None else None
        base = self.value(node.func.value, env)
        if base is None:
            return None
        spec = base.spec
        name = node.func.attr
        if isinstance(spec, DictSpec) and name == "get" and node.args:
            key = node.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                field = spec.get(key.value)
                return _Value(field, base.argument) if field is not None else None
        elif isinstance(spec, ArraySpec) and spec.kind == "array":
            if name == "copy":
                return _Value(spec, None)
            if name == "astype" and node.args:
                dtype = dtype_of(node.args[0])
                return _Value(replace(spec, dtype=dtype), None) if dtype else None
            if name in _REDUCTIONS and not node.args and not node.keywords:
                return _Value(reduced(spec, name), None)
            if name in ("ravel", "flatten") and not node.args:
                count = 1
                for size in spec.shape:
                    count *= size
                argument = None if name == "flatten" else base.argument
                return _Value(replace(spec, shape=(count,)), argument)
        return None

    # -- judgements ----------------------------------------------------------------------------

    def node(self, node: ast.AST, env: _Known, tested: frozenset[str]) -> None:
        if asks_for_member(node, self.containers):

            def is_several(part: ast.expr) -> bool:
                value = self.value(part, env)
                return value is not None and is_array(value.spec) and has_several(value.spec)

            self.found.update(membership_findings(node, is_several, self.containers, self.places))
        if isinstance(node, ast.Subscript):
            self.subscript(node, env, tested)
        elif isinstance(node, ast.Call):
            self.call(node, env, tested)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            self.difference(node, node.left, node.right, env)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            self.negative(node, node.operand, env)
        elif isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            self.test(last_of(node.test), TESTING[type(node).__name__], env)
        elif isinstance(node, ast.BoolOp):
            # The last one is the result, and no truth value of it is asked for.
            for part in node.values[:-1]:
                self.test(part, TESTING["and" if isinstance(node.op, ast.And) else "or"], env)
        elif isinstance(node, ast.AugAssign):
            if isinstance(node.op, ast.Sub):
                self.difference(node, node.target, node.value, env)
            value = self.value(node.target, env) if isinstance(node.target, ast.Name) else None
            if value is not None and value.argument and is_array(value.spec):
                self.say("SBX620", node, name=value.argument)

    def subscript(self, node: ast.Subscript, env: _Known, tested: frozenset[str]) -> None:
        base = self.value(node.value, env)
        if base is None:
            return
        if not isinstance(node.ctx, ast.Load):
            if base.argument is not None:
                self.say("SBX620", node, name=base.argument)
            return
        name = self.places.text(node.value)
        spec, index = base.spec, node.slice
        constant = index.value if isinstance(index, ast.Constant) else None
        if isinstance(spec, DictSpec):
            if isinstance(constant, str):
                self.key(node, spec, constant, tested)
            elif isinstance(constant, int) or isinstance(index, ast.Slice | ast.Tuple):
                keys = ", ".join(f'"{key}"' for key, _ in spec.fields[:8])
                self.say(
                    "SBX625",
                    node,
                    name=name,
                    what="a dict",
                    access="an index",
                    advice=f"use one of its keys: {keys}",
                )
        elif isinstance(spec, TupleSpec):
            value = integer_of(index)
            size = len(spec.items)
            if value is not None and not -size <= value < size:
                self.out_of_range(index, value, 0, size)
        else:
            self.element(node, spec, name)

    def key(self, node: ast.Subscript, spec: DictSpec, key: str, tested: frozenset[str]) -> None:
        if spec.get(key) is not None or key in tested:
            return
        self.say("SBX603", node.slice, key=f'"{key}"', advice=key_advice(spec, key))

    def element(self, node: ast.Subscript, spec: ArraySpec, name: str) -> None:
        index = node.slice
        what = describe(spec)
        if isinstance(index, ast.Constant) and isinstance(index.value, str):
            self.say(
                "SBX625",
                node,
                name=name,
                what=what,
                access="a key",
                advice=f"use an index: `{name}[0]`" if spec.shape else f"use `{name}` itself",
            )
            return
        if spec.kind != "array":
            if spec.kind in ("int", "bool"):
                self.say(
                    "SBX625",
                    node,
                    name=name,
                    what=what,
                    access="an index",
                    advice=f"use `{name}` itself",
                )
            return
        parts = list(index.elts) if isinstance(index, ast.Tuple) else [index]
        if any(is_open(part) for part in parts):
            return
        if len(parts) > len(spec.shape):
            self.say(
                "SBX625",
                node,
                name=name,
                what=what,
                access=f"an index of {len(parts)} parts" if len(parts) > 1 else "an index",
                advice=f"use at most {len(spec.shape)}" if spec.shape else f"use `{name}` itself",
            )
            return
        for axis, (part, size) in enumerate(zip(parts, spec.shape, strict=False)):
            value = integer_of(part)
            if value is not None and not -size <= value < size:
                self.out_of_range(part, value, axis, size)

    def out_of_range(self, node: ast.AST, value: int, axis: int, size: int) -> None:
        if size == 0:
            return  # an empty slice: that it is empty is the mistake, and not this one
        self.say("SBX604", node, index=value, axis=axis, size=size, low=-size, high=size - 1)

    def call(self, node: ast.Call, env: _Known, tested: frozenset[str]) -> None:
        if not isinstance(node.func, ast.Attribute):
            return
        name = node.func.attr
        if _is_numpy(node.func.value):
            if name == "subtract" and len(node.args) == 2 and not node.keywords:
                self.difference(node, node.args[0], node.args[1], env)
            elif name in ("diff", "negative") and node.args:
                self.negative(node, node.args[0], env)
            return
        base = self.value(node.func.value, env)
        if base is None:
            return
        if isinstance(base.spec, DictSpec) and name == "get" and node.args:
            key = node.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                text = key.value
                if base.spec.get(text) is None and text not in tested:
                    advice = key_advice(base.spec, text)
                    self.say("SBX603", key, key=f'"{text}"', advice=advice)
        elif isinstance(base.spec, ArraySpec) and name in _DICT_METHODS:
            shown = self.places.text(node.func.value)
            self.say(
                "SBX625",
                node.func,
                name=shown,
                what=describe(base.spec),
                access=f"`.{name}`",
                advice=f"use an index: `{shown}[0]`",
            )
        elif name in _WRITERS and base.argument is not None and not is_text(base.spec):
            self.say("SBX620", node, name=base.argument)

    def negative(self, node: ast.AST, inner: ast.expr, env: _Known) -> None:
        """Judge what is subtracted from zero, or its elements from each other."""
        value = self.value(inner, env)
        dtype = _unsigned(value)
        if dtype is not None and value is not None:
            shown = self.short(inner)
            whole = is_array(value.spec)
            advice = f"{shown}.astype(np.int64)" if whole else f"int({shown})"
            self.wrapping(node, inner, dtype, advice)

    def difference(self, node: ast.AST, left: ast.expr, right: ast.expr, env: _Known) -> None:
        sides = (self.value(left, env), self.value(right, env))
        first, second = map(_unsigned, sides)
        small = [integer_of(side) is not None for side in (left, right)]
        dtype = first or second
        if dtype is None or not (
            (first and second) or (first and small[1]) or (second and small[0])
        ):
            return
        shown = left if first else right
        if any(value is not None and is_array(value.spec) for value in sides):
            cast = f"{self.short(shown)}.astype(np.int64)"
            advice = f"{cast} - ..." if first else f"... - {cast}"
        else:
            # One of two is not enough: a Python int takes the dtype of the other side.
            plain = [
                self.short(side) if is_small else f"int({self.short(side)})"
                for side, is_small in zip((left, right), small, strict=True)
            ]
            advice = " - ".join(plain)
        self.wrapping(node, shown, dtype, advice)

    def short(self, node: ast.expr) -> str:
        """Give the text of an expression, if it is not long."""
        text = self.places.text(node)
        return "..." if text.endswith("…") else text

    def wrapping(self, node: ast.AST, shown: ast.expr, dtype: str, advice: str) -> None:
        """Say that numbers without a sign become less than zero."""
        self.say(
            "SBX610",
            node,
            name=self.places.text(shown),
            dtype=dtype,
            wrapped=2 ** int(dtype.removeprefix("uint")) - 2,
            advice=f"write `{advice}`",
        )

    def test(self, node: ast.expr, word: str, env: _Known) -> None:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.test(node.operand, word, env)
            return
        sides = [node]
        if isinstance(node, ast.Compare):
            if not all(isinstance(op, COMPARISONS) for op in node.ops):
                return
            sides = [node.left, *node.comparators]
        for side in sides:
            value = self.value(side, env)
            if value is not None and is_array(value.spec) and has_several(value.spec):
                self.found.add(truth_finding(node, word, self.places))
                return

    def unpacking(self, node: ast.Assign, target: ast.Tuple, env: _Known) -> None:
        value = self.value(node.value, env)
        if value is None or any(isinstance(item, ast.Starred) for item in target.elts):
            return
        spec = value.spec
        if isinstance(spec, TupleSpec):
            size = len(spec.items)
        elif isinstance(spec, ArraySpec) and spec.kind == "array" and spec.shape:
            size = spec.shape[0]
        else:
            return
        if size != len(target.elts):
            self.say(
                "SBX625",
                node,
                name=self.places.text(node.value),
                what=f"{size} values long",
                access=f"unpacking it into {len(target.elts)} names",
                advice=f"unpack into {size} names, or use indices",
            )

    def follow(self, node: ast.Call, env: _Known, depth: int) -> None:
        """Go on in the program's own functions with what is known of the arguments."""
        target: ast.FunctionDef | None = None
        skip = 0
        if isinstance(node.func, ast.Name) and node.func.id not in env:
            target = self.functions.get(node.func.id)
        elif (
            isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "self"
        ):
            target = self.methods.get(node.func.attr)
            if target is not None and not target.decorator_list:
                skip = 1
        if target is None or any(isinstance(item, ast.Starred) for item in node.args):
            return
        plain = [arg.arg for arg in (*target.args.posonlyargs, *target.args.args)][skip:]
        known: dict[str, _Value] = {}
        pairs = [*zip(plain, node.args, strict=False)]
        pairs.extend((item.arg, item.value) for item in node.keywords if item.arg)
        for name, given in pairs:
            value = self.value(given, env)
            if value is not None:
                known[name] = value
        if known:
            self.function(target, known, depth + 1)


def _is_numpy(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy")


def _unsigned(value: _Value | None) -> str | None:
    """Give the dtype of an unsigned input."""
    spec = value.spec if value is not None else None
    if isinstance(spec, ArraySpec) and spec.kind == "array" and spec.dtype.startswith("uint"):
        return spec.dtype
    return None


def _self_path(node: ast.AST) -> str | None:
    """Give ``"self.x"`` for an attribute of ``self``."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"self.{node.attr}" if node.value.id == "self" else None
    return None


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    """Go through the body of a function in source order, inner functions left out."""
    for child in child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        yield child
        yield from _in_order(child)


def _tested_keys(node: ast.AST) -> frozenset[str]:
    """Give the keys for whose presence a function asks."""
    return frozenset(
        item.left.value
        for item in walk(node)
        if isinstance(item, ast.Compare)
        and isinstance(item.ops[0], ast.In | ast.NotIn)
        and isinstance(item.left, ast.Constant)
        and isinstance(item.left.value, str)
    )
