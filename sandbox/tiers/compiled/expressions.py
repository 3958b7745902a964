"""Expressions of the guest's language, on values of the front end."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final

from sandbox.tiers.compiled.iteration import ONCE, Body
from sandbox.tiers.compiled.points import TRUE
from sandbox.tiers.compiled.scopes import CONSUMERS, makes_functions
from sandbox.tiers.compiled.subscripts import Subscripts
from sandbox.tiers.compiled.values import (
    Builtin,
    DictCell,
    Frame,
    Gen,
    Num,
    Ref,
    SetCell,
    Str,
    Value,
)

__all__ = ["Expressions"]

_OVER_COMPREHENSION: Final = frozenset(
    {"any", "all", "sum", "min", "max", "list", "tuple", "sorted"}
)
_IN_ANY_ORDER: Final = frozenset({"any", "all", "set", "frozenset"})
_PURE: Final = frozenset(
    {"abs", "bool", "float", "int", "len", "max", "min", "range", "round", "str", "tuple"}
)


def _is_pure(node: ast.AST) -> bool:
    """Whether what a comprehension does for one element changes nothing for the others."""
    return not any(
        isinstance(child, ast.NamedExpr | ast.Lambda | ast.Await | ast.Yield | ast.YieldFrom)
        or (
            isinstance(child, ast.Call)
            and not (isinstance(child.func, ast.Name) and child.func.id in _PURE)
        )
        for child in ast.walk(node)
    )


class Expressions(Subscripts):
    """Lowers expressions."""

    # -- attributes, calls

    def x_Attribute(self, node: ast.Attribute) -> Value:
        owner = self.eval(node.value)
        return self.spread(owner, lambda v: self.attribute(v, node.attr))

    def attribute(self, owner: Value, name: str) -> Value:
        """Compute ``owner.name``."""
        raise NotImplementedError

    def x_Call(self, node: ast.Call) -> Value:
        function = self.eval(node.func)
        args: list[Value] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                taken = self.eval(argument.value)
                spread_out = self.listed(taken)
                if not isinstance(taken, Gen) or taken.kind not in ONCE:
                    self.charge(len(spread_out))
                args.extend(spread_out)
            else:
                args.append(self.eval(argument))
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.eval(keyword.value)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
                continue
            content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
            if not isinstance(content, DictCell):
                raise self.refuse("CMP106", "`**` of something else than a dict")
            for _, k, present, item in content.entries:
                if not isinstance(k, Str) or present != TRUE:
                    raise self.refuse("CMP106", "`**` of a dict whose keys depend on the data")
                keywords[k.text] = item
        if (
            isinstance(node.func, ast.Name)
            and node.func.id in CONSUMERS
            and not isinstance(function, Builtin)
            and any(isinstance(argument, ast.GeneratorExp) for argument in node.args)
        ):
            # See `makes_functions`: what the program itself calls so may keep the generator.
            raise self.refuse("CMP213", "a generator is given to a function named as a built-in")
        if isinstance(function, Builtin) and len(node.args) == 1 and not keywords:
            only = node.args[0]
            counts = isinstance(only, ast.GeneratorExp) and (
                isinstance(only.elt, ast.Compare)
                or (isinstance(only.elt, ast.Constant) and isinstance(only.elt.value, int))
            )
            if isinstance(only, ast.GeneratorExp) and _is_pure(only):
                self.free = function.name in _IN_ANY_ORDER or (function.name == "sum" and counts)
            try:
                return self._called(node, function, args, keywords)
            finally:
                self.free = False
        return self._called(node, function, args, keywords)

    def _called(
        self, node: ast.Call, function: Value, args: list[Value], keywords: dict[str, Value]
    ) -> Value:
        if (
            isinstance(function, Builtin)
            and function.name in _OVER_COMPREHENSION
            and len(node.args) == 1
            and isinstance(node.args[0], ast.ListComp)
        ):
            # What a comprehension goes through has paid for its elements.
            self.paid_once = True
            try:
                return self.call(function, args, keywords)
            finally:
                self.paid_once = False
        return self.spread(function, lambda f: self.call(f, args, keywords))

    # -- comprehensions

    plain_scopes: set[int]
    """Scopes of comprehensions that make no functions."""

    def x_GeneratorExp(self, node: ast.GeneratorExp) -> Value:
        if self.uses.reads_nowhere(node.generators[0].iter):
            # Plain Python looks at it here, this tier where the generator is gone through.
            raise self.refuse("CMP123", "a generator goes through an undefined name")
        return Gen("genexp", (), node, self.frame)

    def scope(self, generators: list[ast.comprehension]) -> Frame:
        """Make the scope of a comprehension."""
        names = {
            child.id
            for generator in generators
            for child in ast.walk(generator.target)
            if isinstance(child, ast.Name)
        }
        return Frame(self.number(), frozenset(names), self.frame, "<comprehension>")

    def generate(self, value: Gen, body: Body) -> None:
        node = value.node
        assert isinstance(node, ast.GeneratorExp | ast.ListComp | ast.SetComp)
        outer = self.frame
        self.paid_once = False
        assert value.frame is not None
        self.frame = value.frame
        frame = self.scope(node.generators)
        self.frame = outer

        kept = any(isinstance(child, ast.Lambda) for child in ast.walk(node))
        if not kept and not makes_functions(node):
            self.plain_scopes.add(frame.number)

        def element() -> None:
            nonlocal kept
            inside = self.frame
            self.frame = frame
            try:
                item = self.eval(node.elt)
            finally:
                self.frame = inside
            kept = kept or isinstance(item, Gen)
            self.frame = outer
            try:
                body(item)
            finally:
                self.frame = inside

        self.over(node.generators, frame, element)
        if self.alive and not kept:
            # Nothing can see the names of the comprehension any more.
            for name in frame.names:
                self.pt.vars.pop((frame.number, name), None)

    def iterable(self, node: ast.expr) -> Value:
        """Lower what a loop goes through."""
        plain = (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "zip"
            and not node.keywords
            and not any(isinstance(argument, ast.Starred) for argument in node.args)
        )
        if not plain:
            return self.eval(node)
        assert isinstance(node, ast.Call)
        args = [self.eval(argument) for argument in node.args]
        function = self.eval(node.func)
        self.direct_zip = True
        try:
            made = self.call(function, args, {})
        finally:
            self.direct_zip = False
        if isinstance(made, Gen) and made.kind == "zip" and made.parts:
            shortest: Num | None = None
            for part in made.parts:
                if isinstance(part, Gen) and part.kind not in ("list", "keys", "values", "items"):
                    self.charge_sized(part)
                    continue
                length = self.len_of(part)
                if shortest is not None:
                    less = self.op("lt", "b1", length.atom, shortest.atom)
                    atom = self.op("select", "i64", less, length.atom, shortest.atom)
                    length = Num(atom, True, 0, max(length.high, shortest.high))
                shortest = length
            if shortest is not None:
                self.charge(shortest.atom)
        return made

    def over(
        self, generators: list[ast.comprehension], frame: Frame, body: Callable[[], None]
    ) -> None:
        """Lower the ``for`` and ``if`` parts of a comprehension."""
        outer = self.frame
        loose, self.free = self.free, False
        if not generators:
            self.frame = frame
            try:
                body()
            finally:
                self.frame = outer
            return
        first, rest = generators[0], generators[1:]
        self.frame = frame
        try:
            iterable = self.iterable(first.iter)
        finally:
            self.frame = outer

        def one(item: Value) -> None:
            before = self.frame
            self.frame = frame
            try:
                self.unpack(first.target, item)
                self._conditions(first.ifs, lambda: self.over(rest, frame, body))
            finally:
                self.frame = before

        if not loose:
            self.iterate(iterable, one)
            return

        def within(item: Value) -> None:
            before, self.any_order = self.any_order, False
            try:
                one(item)
            finally:
                self.any_order = before

        self.in_any_order(iterable, within)

    free = False
    """Whether the comprehension that comes next gives the same in any order."""

    def in_any_order(self, value: Value, body: Callable[[Value], None]) -> None:
        """Go over something where the order makes no difference."""
        raise NotImplementedError

    def _conditions(self, conditions: list[ast.expr], body: Callable[[], None]) -> None:
        if not conditions:
            body()
            return
        cond = self.truth(self.eval(conditions[0]))
        if cond.const is False:
            return
        self.when(cond, lambda: self._conditions(conditions[1:], body))

    def unpack(self, target: ast.expr, value: Value) -> None:
        """Assign a value to a target."""
        raise NotImplementedError

    def x_ListComp(self, node: ast.ListComp) -> Value:
        return self.list_of(Gen("list", (), node, self.frame))

    def list_of(self, value: Gen) -> Value:
        """Make the list that a comprehension or generator expression gives."""
        raise NotImplementedError

    def listed_generator(self, value: Gen) -> tuple[Value, ...]:
        found = self.list_of(Gen("list", value.parts, value.node, value.frame))
        return self.listed(found)

    def x_SetComp(self, node: ast.SetComp) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = SetCell()
        frame = self.scope(node.generators)
        self.free = _is_pure(node)
        self.over(node.generators, frame, lambda: self.set_add(cell, self.eval(node.elt)))
        return cell

    def x_DictComp(self, node: ast.DictComp) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell()
        frame = self.scope(node.generators)

        def element() -> None:
            key = self.eval(node.key)
            self.set_key(cell, key, self.eval(node.value))

        self.over(node.generators, frame, element)
        return cell
