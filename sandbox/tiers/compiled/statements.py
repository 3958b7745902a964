"""Statements, calls of guest functions (always inlined), and classes."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Sequence

from sandbox.tiers.compiled.arrays import ELLIPSIS, Arrays
from sandbox.tiers.compiled.builder import TRUE, Target, ancestors, i64
from sandbox.tiers.compiled.expressions import Expressions
from sandbox.tiers.compiled.iteration import type_name
from sandbox.tiers.compiled.scalars import BINARY
from sandbox.tiers.compiled.values import (
    NONE,
    UNBOUND,
    Arr,
    Bound,
    Builtin,
    Cls,
    DictCell,
    Dty,
    Exc,
    Frame,
    Func,
    ListCell,
    NoneV,
    Num,
    ObjCell,
    Ref,
    Sel,
    SetCell,
    SliceV,
    Str,
    Tup,
    Unbound,
    Union,
    Value,
    boolean,
    number,
)

__all__ = ["Statements", "assigned"]

_DEPTH = 24


class Statements(Expressions):
    """Lowers statements."""

    returns: list[Target]
    breaks: list[Target]
    continues: list[Target]
    depth: int

    def run(self, body: Sequence[ast.stmt]) -> None:
        """Lower statements until the path ends."""
        outer = self.node
        for item in body:
            if not self.alive:
                break
            self.node = item
            method = getattr(self, f"s_{type(item).__name__}", None)
            if method is None:
                raise self.refuse("CMP107", f"a {type(item).__name__} statement")
            with self.path():
                method(item)
        self.node = outer

    def branch(self, body: Sequence[ast.stmt]) -> Callable[[], None]:
        """Give the lowering of some statements as one thing to do."""
        return lambda: self.run(body)

    # -- simple statements

    def s_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.eval(node.value)

    def s_Pass(self, node: ast.Pass) -> None:
        del node

    def s_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.bind(alias.asname or alias.name.split(".")[0], self.module(alias.name))

    def s_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if node.module == "__future__":
                continue
            value = self.attribute(self.module(node.module or ""), alias.name)
            self.bind(alias.asname or alias.name, value)

    def module(self, name: str) -> Value:
        """Give a module."""
        raise NotImplementedError

    def s_Global(self, node: ast.Global) -> None:
        del node

    def s_Nonlocal(self, node: ast.Nonlocal) -> None:
        del node

    def s_Assign(self, node: ast.Assign) -> None:
        value = self.eval(node.value)
        for target in node.targets:
            self.unpack(target, value)

    def s_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.unpack(node.target, self.eval(node.value))

    def unpack(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self.bind(name, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                self._unpack_parts(parts, value)
            case ast.Attribute(value=owner_node, attr=name):
                owner = self.eval(owner_node)
                self.set_attribute(owner, name, value)
            case ast.Subscript(value=owner_node, slice=index_node):
                owner = self.eval(owner_node)
                index = self.eval(index_node)
                self.set_item(owner, index, value)
            case _:
                raise self.refuse("CMP108", f"assignment to {type(target).__name__}", target)

    def _unpack_parts(self, parts: list[ast.expr], value: Value) -> None:
        if isinstance(value, Union):
            # One set of names for all variants: unpack each variant into temporaries first.
            keys = [("part", self.number()) for _ in parts]

            def one(variant: Value) -> Value:
                for key, item in zip(keys, self._parts_of(parts, variant), strict=True):
                    self.pt.vars[key] = item
                return NONE

            self.spread(value, one)
            items = [self.pt.vars.pop(key) for key in keys]
        else:
            items = self._parts_of(parts, value)
        for part, item in zip(parts, items, strict=True):
            self.unpack(part.value if isinstance(part, ast.Starred) else part, item)

    def _parts_of(self, parts: list[ast.expr], value: Value) -> list[Value]:
        """Give one value for each target."""
        if isinstance(value, Num) or value == NONE:
            self.fail("TypeError", f"cannot unpack non-iterable {type_name(value)} object")
        found = self.unpack_text(len(parts), value)
        if found is not None:
            return found
        if (
            isinstance(value, Arr)
            and value.shape
            and not any(isinstance(part, ast.Starred) for part in parts)
        ):
            self._expect(len(parts), value.shape[0])
            return [self.subview(value, [number(k)]) for k in range(len(parts))]
        if isinstance(value, Sel):
            raise self.refuse("CMP318", "unpacking an array whose size depends on the data")
        items = self.listed(value)
        stars = [k for k, part in enumerate(parts) if isinstance(part, ast.Starred)]
        if not stars:
            self._expect(len(parts), len(items))
            return list(items)
        star = stars[0]
        after = len(parts) - star - 1
        if len(items) < len(parts) - 1:
            self.fail("ValueError", "not enough values to unpack")
        middle = self.new_list(items[star : len(items) - after])
        return [*items[:star], middle, *items[len(items) - after :]]

    def unpack_text(self, count: int, value: Value) -> list[Value] | None:
        """Unpack the words of a text; None where the value is no words."""
        del count, value
        return None

    def _expect(self, wanted: int, given: int) -> None:
        if given > wanted:
            self.fail("ValueError", f"too many values to unpack (expected {wanted})")
        if given < wanted:
            self.fail("ValueError", f"not enough values to unpack (expected {wanted}, got {given})")

    def s_AugAssign(self, node: ast.AugAssign) -> None:
        match node.target:
            case ast.Name(id=name):
                value = self.lookup(name)
                self.bind(name, self.in_place(node.op, value, self.eval(node.value)))
            case ast.Attribute(value=owner_node, attr=attr):
                owner = self.eval(owner_node)
                value = self.spread(owner, lambda v: self.attribute(v, attr))
                self.set_attribute(
                    owner, attr, self.in_place(node.op, value, self.eval(node.value))
                )
            case ast.Subscript(value=owner_node, slice=index_node):
                owner = self.eval(owner_node)
                index = self.eval(index_node)
                value = self.spread(owner, lambda v: self.subscript(v, index))
                result = self.in_place(node.op, value, self.eval(node.value))
                if not (isinstance(result, Arr) and result == value):
                    self.set_item(owner, index, result)

    def in_place(self, op: ast.operator, value: Value, other: Value) -> Value:
        """Compute ``value <op>= other`` and give the new value of the target."""
        if isinstance(value, Arr) and not isinstance(other, Union):
            if isinstance(op, ast.MatMult):
                raise self.refuse("CMP109", "`@=`")
            result = self.ufunc(BINARY[type(op)], value, other)
            if isinstance(result, Sel):
                raise self.refuse("CMP508", "a selection and a whole array in one expression")
            floating = ("f32", "f64")
            if isinstance(result, Arr) and result.ty in floating and value.ty not in floating:
                self.fail(
                    "UFuncTypeError",
                    f"Cannot cast ufunc {BINARY[type(op)]!r} output from a float type to"
                    " an integer type with casting rule 'same_kind'",
                )
            self.assign_view(self.writable(value), result)
            return value
        if isinstance(value, Ref) and isinstance(op, ast.Add):
            content = self.pt.heap[value.cell]
            if isinstance(content, ListCell):
                for item in self.listed(other):
                    self.list_append(value, item)
                return value
        if isinstance(value, Ref) and isinstance(op, ast.BitOr):
            content = self.pt.heap[value.cell]
            if isinstance(content, SetCell):
                self.iterate(other, lambda item: self.set_add(value, item))
                return value
            if isinstance(content, DictCell) and isinstance(other, Ref):
                self.update_dict(value, other)
                return value
        return self.binary(op, value, other)

    def list_append(self, target: Ref, item: Value) -> None:
        """Compute ``target.append(item)``."""
        raise NotImplementedError

    def set_attribute(self, owner: Value, name: str, value: Value) -> None:
        """Compute ``owner.name = value``."""
        if isinstance(owner, Union):

            def one(variant: Value) -> Value:
                self.set_attribute(variant, name, value)
                return NONE

            self.spread(owner, one)
            return
        if isinstance(owner, Cls):
            raise self.refuse("CMP110", "an attribute of a class is assigned")
        content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
        if not isinstance(owner, Ref) or not isinstance(content, ObjCell):
            self.fail("AttributeError", f"{type_name(owner)!r} object has no attribute {name!r}")
        attributes = dict(content.attributes)
        attributes[name] = value
        self.pt.heap[owner.cell] = ObjCell(content.cls, tuple(attributes.items()))

    def set_item(self, owner: Value, index: Value, value: Value) -> None:
        """Compute ``owner[index] = value``."""
        if isinstance(owner, Union):

            def one(variant: Value) -> Value:
                self.set_item(variant, index, value)
                return NONE

            self.spread(owner, one)
            return
        if isinstance(owner, Arr):
            self.set_elements(owner, index, value)
            return
        content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
        if isinstance(owner, Ref) and isinstance(content, DictCell):
            self.set_key(owner, index, value)
            return
        if isinstance(owner, Ref) and isinstance(content, ListCell):
            self._set_list_item(owner, content, index, value)
            return
        self.fail("TypeError", f"{type_name(owner)!r} object does not support item assignment")

    def _set_list_item(self, owner: Ref, content: ListCell, index: Value, value: Value) -> None:
        if isinstance(index, Union):
            raise self.refuse("CMP204", "a list index whose type depends on the path")
        if not isinstance(index, Num) or index.ty in ("f32", "f64"):
            if isinstance(index, SliceV):
                raise self.refuse("CMP204", "assignment to a slice of a list")
            self.fail("TypeError", "list indices must be integers or slices")
        text = "list assignment index out of range"
        if content.length is not None:
            raise self.refuse("CMP204", "assignment into a list whose length depends on the data")
        position = self.bounded(index, len(content.items), text)
        items = list(content.items)
        for k, old in enumerate(items):
            here = self.op("eq", "b1", position, i64(k))
            items[k] = self.choose(
                boolean(here),
                lambda: value,
                lambda old=old: old,  # type: ignore[misc]
            )
        self.pt.heap[owner.cell] = ListCell(
            tuple(items), content.length, content.maxlen, content.kind
        )

    def set_elements(self, owner: Arr, index: Value, value: Value) -> None:
        """Compute ``owner[index] = value`` of an array."""
        if isinstance(value, Union):

            def one(variant: Value) -> Value:
                self.set_elements(owner, index, variant)
                return NONE

            self.spread(value, one)
            return
        parts: list[Value] = list(index.items) if isinstance(index, Tup) else [index]
        for k, part in enumerate(parts):
            if isinstance(part, Union):

                def at(variant: Value, k: int = k) -> Value:
                    found = (*parts[:k], variant, *parts[k + 1 :])
                    self.set_elements(owner, Tup(found) if len(found) > 1 else variant, value)
                    return NONE

                self.spread(part, at)
                return
            if isinstance(part, Num) and part.ty in ("f32", "f64"):
                self.fail("IndexError", "only integers, slices and arrays are valid indices")
        self.writable(owner)
        if len(parts) == 1 and isinstance(parts[0], Arr) and parts[0].ty == "b1":
            chosen = self.ufunc_where(parts[0], value, owner)
            assert isinstance(chosen, Arr)
            self.assign_view(owner, Arrays.astype(self, chosen, owner.ty))
            return
        for part in parts:
            if not isinstance(part, Num | SliceV | NoneV) and part != ELLIPSIS:
                raise self.refuse("CMP509", "this index of an array that is written to")
        target = self.view_for_writing(owner, parts)
        self.assign_view(target, value)

    def ufunc_where(self, mask: Arr, value: Value, owner: Arr) -> Value:
        """Give where(mask, value, owner) broadcast to the owner's shape."""
        raise NotImplementedError

    def view_for_writing(self, owner: Arr, parts: list[Value]) -> Arr:
        """Give the view that an assignment writes to."""
        # A single element is a view of no axes, which reading would have turned into a number.
        whole = self.subview(owner, [*parts, NONE])
        assert isinstance(whole, Arr)
        return whole

    def s_Delete(self, node: ast.Delete) -> None:
        raise self.refuse("CMP111", "`del`", node)

    def s_Assert(self, node: ast.Assert) -> None:
        cond = self.truth(self.eval(node.test))
        text = ""
        if isinstance(node.msg, ast.Constant):
            text = str(node.msg.value)
        self.check(cond, "AssertionError", text)

    def s_Raise(self, node: ast.Raise) -> None:
        if node.exc is None:
            held = self.pt.vars.get(("exception",))
            if isinstance(held, Exc):
                self.fail(held.name, held.message or "")
            raise self.refuse("CMP112", "a bare raise")
        value = self.eval(node.exc)
        if isinstance(value, Exc):
            module = (
                "guest"
                if ancestors(value.name)[0] == value.name and not _known(value.name)
                else "builtins"
            )
            self.fail(value.name, value.message or "", module)
        raise self.refuse("CMP112", "raise of something else than an exception class")

    # -- control flow

    def s_If(self, node: ast.If) -> None:
        cond = self.truth(self.eval(node.test))
        self.when(cond, self.branch(node.body), self.branch(node.orelse))

    def s_Return(self, node: ast.Return) -> None:
        value = NONE if node.value is None else self.eval(node.value)
        target = self.returns[-1]
        self.pt.vars[("return", target.label)] = value
        self.leave(target)

    def s_Break(self, node: ast.Break) -> None:
        del node
        self.leave(self.breaks[-1])

    def s_Continue(self, node: ast.Continue) -> None:
        del node
        self.leave(self.continues[-1])

    def s_For(self, node: ast.For) -> None:
        iterable = self.eval(node.iter)
        stop = self.target("break")
        self.breaks.append(stop)

        def turn(item: Value) -> None:
            again = self.target("continue")
            self.continues.append(again)

            def body() -> None:
                self.unpack(node.target, item)
                self.run(node.body)

            try:
                self.block(again, body)
            finally:
                self.continues.pop()

        def whole() -> None:
            self.iterate(iterable, turn)
            if self.alive:
                self.breaks.pop()
                try:
                    self.run(node.orelse)
                finally:
                    self.breaks.append(stop)

        depth = len(self.breaks)
        try:
            self.block(stop, whole)
        finally:
            del self.breaks[depth - 1 :]

    def s_While(self, node: ast.While) -> None:
        stop = self.target("break")

        def turn(index: object, again: Target) -> None:
            del index
            self.charge(1)
            self.meter()
            self.node = node
            cond = self.truth(self.eval(node.test))
            outer = (list(self.breaks), list(self.continues))

            def leave() -> None:
                self.run(node.orelse)
                self.leave(stop)

            self.breaks.append(stop)
            self.continues.append(again)
            try:
                if cond.const is True:
                    self.run(node.body)
                elif cond.const is False:
                    leave()
                else:
                    self.when(cond, lambda: self.run(node.body), leave)
            finally:
                self.breaks, self.continues = outer

        self.block(stop, lambda: self.guest_loop(turn, None))

    def s_Match(self, node: ast.Match) -> None:
        subject = self.eval(node.subject)
        self._cases(subject, node.cases)

    def _cases(self, subject: Value, cases: list[ast.match_case]) -> None:
        if not cases:
            return
        first = cases[0]
        cond = self._pattern(subject, first.pattern)

        def body() -> None:
            if first.guard is None:
                self.run(first.body)
                return
            passed = self.truth(self.eval(first.guard))
            self.when(passed, self.branch(first.body), lambda: self._cases(subject, cases[1:]))

        self.when(cond, body, lambda: self._cases(subject, cases[1:]))

    def _pattern(self, subject: Value, pattern: ast.pattern) -> Num:
        match pattern:
            case ast.MatchValue(value=value):
                return self.truth(self.compare(ast.Eq(), subject, self.eval(value)))
            case ast.MatchSingleton(value=None):
                return self.identical(subject, NONE)
            case ast.MatchSingleton(value=value):
                return self.identical(subject, number(bool(value)))
            case ast.MatchAs(pattern=None, name=name):
                if name is not None:
                    self.bind(name, subject)
                return number(True)
            case ast.MatchOr(patterns=patterns):
                atom = self._pattern(subject, patterns[0]).atom
                for part in patterns[1:]:
                    atom = self.either(atom, self._pattern(subject, part).atom)
                return boolean(atom)
            case ast.MatchSequence(patterns=patterns) if isinstance(subject, Tup):
                if len(patterns) != len(subject.items):
                    return number(False)
                atom = TRUE
                for part, item in zip(patterns, subject.items, strict=True):
                    atom = self.both(atom, self._pattern(item, part).atom)
                return boolean(atom)
        raise self.refuse("CMP113", f"a {type(pattern).__name__} pattern", pattern)

    def s_Try(self, node: ast.Try) -> None:
        if node.finalbody:
            raise self.refuse("CMP114", "`finally`")
        after = self.target("tried")
        clauses: list[tuple[frozenset[str], Target]] = []
        for handler in node.handlers:
            names = self._exception_names(handler.type)
            clauses.append((names, self.target("except")))

        def nest(k: int) -> None:
            if k < 0:
                self.handlers.append(clauses)
                try:
                    self.run(node.body)
                finally:
                    self.handlers.pop()
                if self.alive:
                    self.run(node.orelse)
                self.leave(after)
                return
            handler = node.handlers[k]
            with self.path():
                self.block(clauses[k][1], lambda: nest(k - 1))
                if handler.name is not None:
                    self.bind(handler.name, self.pt.vars.get(("exception",), UNBOUND))
                self.run(handler.body)
                self.leave(after)

        self.block(after, lambda: nest(len(node.handlers) - 1))

    def _exception_names(self, node: ast.expr | None) -> frozenset[str]:
        if node is None:
            return frozenset({"BaseException"})
        value = self.eval(node)
        items = value.items if isinstance(value, Tup) else (value,)
        names = set()
        for item in items:
            if not isinstance(item, Exc):
                raise self.refuse("CMP115", "`except` of something else than an exception class")
            names.add(item.name)
        return frozenset(names)

    # -- functions

    def s_FunctionDef(self, node: ast.FunctionDef) -> None:
        function: Value = self.new_function(node, node.name)
        for decorator in reversed(node.decorator_list):
            function = self.decorated(function, self.eval(decorator))
        self.bind(node.name, function)

    def decorated(self, function: Value, decorator: Value) -> Value:
        """Apply one of the decorators that are taken."""
        assert isinstance(function, Func)
        kinds = {"staticmethod": "static", "classmethod": "class", "property": "property"}
        if isinstance(decorator, Builtin):
            if decorator.name in kinds:
                return Func(
                    function.node, function.identity, function.frame, function.defaults,
                    kinds[decorator.name],
                )  # fmt: skip
            if decorator.name in ("functools.lru_cache", "functools.cache"):
                return function
        raise self.refuse("CMP116", "this decorator")

    def inline(self, function: Func, args: list[Value], keywords: dict[str, Value]) -> Value:
        """Lower a call of a guest function in place."""
        if self.depth >= _DEPTH:
            raise self.refuse("CMP117", "recursion, or calls nested too deep")
        self.stats["inlined"] += 1
        node = function.node
        frame = Frame(
            self.number(),
            local_names(node),
            function.frame,
            getattr(node, "name", "<lambda>"),
            frozenset(_declared(node, ast.Global)),
            frozenset(_declared(node, ast.Nonlocal)),
        )
        self._bind_arguments(function, frame, args, keywords)
        self.charge(1)
        outer = (self.frame, self.breaks, self.continues, self.node)
        self.frame, self.breaks, self.continues = frame, [], []
        self.depth += 1
        target = self.target("return")
        key = ("return", target.label)
        self.returns.append(target)

        def body() -> None:
            if isinstance(node, ast.Lambda):
                self.pt.vars[key] = self.eval(node.body)
                return
            self.run(node.body)
            if self.alive:
                self.pt.vars[key] = NONE

        try:
            self.block(target, body)
        finally:
            self.returns.pop()
            self.frame, self.breaks, self.continues, self.node = outer
            self.depth -= 1
        value = self.pt.vars.pop(key)
        if not _makes_functions(node):
            for name in frame.names:
                self.pt.vars.pop((frame.number, name), None)
        return value

    def _bind_arguments(
        self, function: Func, frame: Frame, args: list[Value], keywords: dict[str, Value]
    ) -> None:
        node = function.node
        name = getattr(node, "name", "<lambda>")
        arguments = node.args
        positional = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args]]
        only = [argument.arg for argument in arguments.kwonlyargs]
        given = dict(function.defaults)
        rest = list(keywords.items())
        values = dict(zip(positional, args, strict=False))
        if len(args) > len(positional):
            if arguments.vararg is None:
                self.fail(
                    "TypeError",
                    f"{name}() takes {len(positional)} positional arguments but"
                    f" {len(args)} were given",
                )
        if arguments.vararg is not None:
            values[arguments.vararg.arg] = Tup(tuple(args[len(positional) :]))
        extra: list[tuple[str, Value]] = []
        for key, value in rest:
            if key in values and key in positional:
                self.fail("TypeError", f"{name}() got multiple values for argument {key!r}")
            if key not in positional and key not in only:
                if arguments.kwarg is None:
                    self.fail("TypeError", f"{name}() got an unexpected keyword argument {key!r}")
                extra.append((key, value))
                continue
            values[key] = value
        if arguments.kwarg is not None:
            cell = Ref(self.number())
            self.pt.heap[cell.cell] = DictCell()
            for key, value in extra:
                self.set_key(cell, Str(key), value)
            values[arguments.kwarg.arg] = cell
        for key in [*positional, *only]:
            if key not in values:
                if key not in given:
                    self.fail(
                        "TypeError", f"{name}() missing 1 required positional argument: {key!r}"
                    )
                values[key] = given[key]
        for key, value in values.items():
            self.pt.vars[(frame.number, key)] = value

    # -- classes

    def s_ClassDef(self, node: ast.ClassDef) -> None:
        bases = tuple(self.eval(base) for base in node.bases)
        names = frozenset(assigned(node.body))
        frame = Frame(self.number(), names, self.frame, node.name)
        outer = self.frame
        self.frame = frame
        annotations: list[str] = []
        try:
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    annotations.append(item.target.id)
                self.run([item])
        finally:
            self.frame = outer
        body: dict[str, Value] = {}
        for base in bases:
            if isinstance(base, Cls):
                body.update(base.body)
        for name in names:
            value = self.pt.vars.pop((frame.number, name), None)
            if isinstance(value, Func):
                # A method does not see the names of its class, only those around it.
                value = Func(value.node, value.identity, outer, value.defaults, value.binding)
            if value is not None and not isinstance(value, Unbound):
                body[name] = value
        made = Cls(node.name, body, bases)
        self._class_kind(node, made, bases, annotations)
        self.bind(node.name, made if made.kind != "exception" else Exc(node.name))

    def _class_kind(
        self, node: ast.ClassDef, made: Cls, bases: tuple[Value, ...], annotations: list[str]
    ) -> None:
        for base in bases:
            if isinstance(base, Exc):
                made.kind = "exception"
            elif isinstance(base, Builtin) and base.name in ("enum.Enum", "enum.IntEnum"):
                made.kind = "enum"
                self._members(made, base.name == "enum.IntEnum", node)
            elif isinstance(base, Builtin) and base.name == "typing.NamedTuple":
                made.kind = "namedtuple"
                made.fields = tuple((name, made.body.get(name), None) for name in annotations)
            elif isinstance(base, Builtin) and base.name == "object":
                pass
            elif isinstance(base, Cls):
                made.fields = base.fields
            else:
                raise self.refuse("CMP118", "this base class", node)
        for decorator in node.decorator_list:
            value = self.eval(decorator)
            if isinstance(value, Builtin) and value.name == "dataclasses.dataclass":
                made.fields = (made.fields or ()) + tuple(
                    (name, made.body.get(name), None) for name in annotations
                )
            else:
                raise self.refuse("CMP116", "this decorator", decorator)

    def _members(self, made: Cls, numbers: bool, node: ast.ClassDef) -> None:
        for item in node.body:
            if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
                name = item.targets[0].id
                value = made.body[name]
                if numbers:
                    continue
                made.body[name] = Tup((value, Str(name)), ("value", "name"), made.name)

    def instantiate_class(self, cls: Cls, args: list[Value], keywords: dict[str, Value]) -> Value:
        """Make an object of a guest class."""
        if cls.kind == "enum":
            return self._enum_by_value(cls, args)
        if cls.kind == "namedtuple":
            return self.new_named_tuple(cls, args, keywords)
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = ObjCell(cls)
        self.charge(1)
        if cls.fields is not None and "__init__" not in cls.body:
            self._fill_fields(cell, cls, args, keywords)
            if "__post_init__" in cls.body:
                self.call_method(cell, "__post_init__", [])
            return cell
        init = cls.body.get("__init__")
        if isinstance(init, Func):
            self.inline(init, [cell, *args], keywords)
        elif args or keywords:
            self.fail("TypeError", f"{cls.name}() takes no arguments")
        return cell

    def _enum_by_value(self, cls: Cls, args: list[Value]) -> Value:
        for member in cls.body.values():
            value = member.items[0] if isinstance(member, Tup) else member
            if len(args) == 1 and value == args[0]:
                return member
        raise self.refuse("CMP119", "an enum member looked up by a value that is not known")

    def new_named_tuple(self, cls: Cls, args: list[Value], keywords: dict[str, Value]) -> Value:
        """Make a named tuple."""
        fields = cls.fields or ()
        names = tuple(name for name, _, _ in fields)
        values = dict(zip(names, args, strict=False))
        values.update(keywords)
        items = []
        for name, default, _ in fields:
            value = values.get(name, default)
            if value is None:
                self.fail("TypeError", f"missing 1 required positional argument: {name!r}")
            items.append(value)
        return Tup(tuple(items), names, cls.name)

    def _fill_fields(
        self, cell: Ref, cls: Cls, args: list[Value], keywords: dict[str, Value]
    ) -> None:
        names = [name for name, _, _ in cls.fields or ()]
        values = dict(zip(names, args, strict=False))
        values.update(keywords)
        for name, default, _ in cls.fields or ():
            value = values.get(name)
            if value is None and isinstance(default, Builtin) and default.name == "field":
                owner = default.owner
                assert isinstance(owner, Tup)
                kind, inner = owner.items
                value = self.call(inner, [], {}) if kind == Str("factory") else inner
            elif value is None:
                value = default
            if value is None:
                self.fail("TypeError", f"missing 1 required positional argument: {name!r}")
            self.set_attribute(cell, name, value)

    def call_method(self, owner: Ref, name: str, args: list[Value]) -> Value:
        return self.call(self.attribute(owner, name), args, {})

    def call(self, function: Value, args: list[Value], keywords: dict[str, Value]) -> Value:
        if isinstance(function, Union):
            return self.spread(function, lambda f: self.call(f, args, keywords))
        match function:
            case Func():
                return self.inline(function, args, keywords)
            case Bound(owner=owner, function=inner):
                return self.inline(inner, [owner, *args], keywords)
            case Cls():
                return self.instantiate_class(function, args, keywords)
            case Exc(name=name):
                text = args[0].text if args and isinstance(args[0], Str) else ""
                return Exc(name, text)
            case Dty():
                return self.convert(function, args)
            case Builtin():
                return self.call_builtin(function, args, keywords)
            case Ref() if isinstance(self.pt.heap[function.cell], ObjCell):
                return self.call(self.attribute(function, "__call__"), args, keywords)
        self.fail("TypeError", f"{type_name(function)!r} object is not callable")

    def convert(self, target: Dty, args: list[Value]) -> Value:
        """Call a number type."""
        raise NotImplementedError

    def call_builtin(
        self, function: Builtin, args: list[Value], keywords: dict[str, Value]
    ) -> Value:
        """Call a function of ours."""
        raise NotImplementedError


def local_names(node: ast.FunctionDef | ast.Lambda) -> frozenset[str]:
    """Give the names that are local to a function."""
    arguments = node.args
    names = {
        argument.arg
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    }
    names |= {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument}
    if isinstance(node, ast.FunctionDef):
        names |= assigned(node.body)
        names -= set(_declared(node, ast.Global)) | set(_declared(node, ast.Nonlocal))
    return frozenset(names)


def assigned(body: Sequence[ast.AST]) -> set[str]:
    """Give the names that statements assign, not looking into inner scopes."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
                continue
            case ast.Lambda():
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                names |= {
                    child.target.id
                    for child in ast.walk(node)
                    if isinstance(child, ast.NamedExpr) and isinstance(child.target, ast.Name)
                }
                continue
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name.split(".")[0] for alias in aliases}
            case ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.MatchAs(name=str(name)):
                names.add(name)
        waiting.extend(ast.iter_child_nodes(node))
    return names


def _declared(node: ast.AST, kind: type[ast.Global | ast.Nonlocal]) -> list[str]:
    return [name for child in ast.walk(node) if isinstance(child, kind) for name in child.names]


def _makes_functions(node: ast.AST) -> bool:
    return any(
        isinstance(child, ast.FunctionDef | ast.Lambda | ast.GeneratorExp)
        for child in ast.walk(node)
        if child is not node
    )


def _known(name: str) -> bool:
    return hasattr(builtins, name)
