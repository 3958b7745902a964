"""Calls of guest functions, always inlined, and classes."""

from __future__ import annotations

import ast

from sandbox import cost
from sandbox.tiers.compiled.assignment import Assignment
from sandbox.tiers.compiled.points import Target
from sandbox.tiers.compiled.scopes import assigned, declared, local_names, makes_functions
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Bound,
    Builtin,
    Cls,
    DictCell,
    Dty,
    Exc,
    Frame,
    Func,
    Num,
    ObjCell,
    Ref,
    Str,
    Tup,
    Unbound,
    Union,
    Value,
    number,
)

__all__ = ["Calls"]


_DEPTH = 24
_SPECIAL = frozenset(
    {"__init__", "__post_init__", "__slots__", "__doc__", "__call__", "__neg__", "__getitem__"}
    | {"__len__", "__bool__", "__contains__", "__iter__"}
    | {f"__{side}{name}__" for side in ("", "r") for name in ("add", "sub", "mul", "truediv")}
)


class Calls(Assignment):
    """Lowers functions and classes."""

    returns: list[Target]
    breaks: list[Target]
    continues: list[Target]
    depth: int

    def s_FunctionDef(self, node: ast.FunctionDef) -> None:
        function: Value = self.new_function(node, node.name)
        for decorator in reversed(node.decorator_list):
            function = self.decorated(function, self.eval(decorator))
        self.bind(node.name, function)

    def decorated(self, function: Value, decorator: Value) -> Value:
        """Apply one of the decorators that are taken."""
        assert isinstance(function, Func)
        kinds = {"staticmethod": "static", "classmethod": "class", "property": "property",
                 "abc.abstractmethod": "abstract"}  # fmt: skip
        if function.binding == "abstract":
            raise self.refuse("CMP116", "a second decorator of an abstract method")
        if isinstance(decorator, Builtin) and decorator.name in kinds:
            return Func(
                function.node, function.identity, function.frame, function.defaults,
                kinds[decorator.name],
            )  # fmt: skip
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
            frozenset(declared(node, ast.Global)),
            frozenset(declared(node, ast.Nonlocal)),
        )
        self.entered(function, frame)
        self._bind_arguments(function, frame, args, keywords)
        self.charge(cost.CALL)
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
        if not makes_functions(node):
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
        if len(args) > len(positional) and arguments.vararg is None:
            self.fail(
                "TypeError",
                f"{name}() takes {len(positional)} positional arguments but {len(args)} were given",
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
            self.used_once(key, value, node)
            self.pt.vars[(frame.number, key)] = value

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
        own: list[Func] = []
        for name in names:
            value = self.pt.vars.pop((frame.number, name), None)
            if isinstance(value, Func):
                # A method does not see the names of its class, only those around it.
                value = Func(value.node, value.identity, outer, value.defaults, value.binding)
                own.append(value)
            if value is not None and not isinstance(value, Unbound):
                body[name] = value
        for name in names:
            if name.startswith("__") and name not in _SPECIAL:
                raise self.refuse("CMP414", f"the special name {name}", node)
        made = Cls(node.name, body, bases)
        self._class_kind(node, made, bases, annotations)
        self.remember(made, own)
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
            elif isinstance(base, Builtin) and base.name in ("object", "abc.ABC"):
                pass
            elif isinstance(base, Cls):
                made.fields = base.fields
            else:
                raise self.refuse("CMP118", "this base class", node)
        for decorator in node.decorator_list:
            value = self.eval(decorator)
            if isinstance(value, Builtin) and value.name == "dataclasses.dataclass":
                self.charge(cost.CLASS)
                made.frozen = value.owner == Str("frozen")
                made.fields = (made.fields or ()) + tuple(
                    (name, made.body.get(name), None) for name in annotations
                )
            else:
                raise self.refuse("CMP116", "this decorator", decorator)

    def _members(self, made: Cls, numbers: bool, node: ast.ClassDef) -> None:
        last = 0
        for item in node.body:
            if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
                name = item.targets[0].id
                value = made.body[name]
                made.members = (*made.members, name)
                if value == Builtin("enum.auto"):
                    value = made.body[name] = number(last + 1)
                if isinstance(value, Num) and value.const is not None:
                    last = int(value.const)
                if numbers:
                    if isinstance(value, Num) and value.ty == "i64" and value.weak is True:
                        made.body[name] = Num(
                            value.atom, True, value.low, value.high, enum=made.name
                        )
                    continue
                made.body[name] = Tup((value, Str(name)), ("value", "name"), made.name)

    def instantiate_class(self, cls: Cls, args: list[Value], keywords: dict[str, Value]) -> Value:
        """Make an object of a guest class."""
        if cls.kind == "enum":
            if len(args) != 1 or keywords:
                raise self.refuse("CMP119", "this look-up of an enum member")
            return self.member_of(cls, args[0])
        if cls.kind == "namedtuple":
            return self.new_named_tuple(cls, args, keywords)
        if any(isinstance(v, Func) and v.binding == "abstract" for v in cls.body.values()):
            self.fail("TypeError", f"Can't instantiate abstract class {cls.name}")
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = ObjCell(cls)
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

    def member_of(self, cls: Cls, value: Value) -> Value:
        """Look up a member of an enum by its value."""
        raise NotImplementedError

    def remember(self, made: Cls, own: list[Func]) -> None:
        """Note a class, and the methods that are written in it."""
        raise NotImplementedError

    def entered(self, function: Func, frame: Frame) -> None:
        """Note the scope in which a function is being lowered."""
        raise NotImplementedError

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
            self.filling = True
            try:
                self.set_attribute(cell, name, value)
            finally:
                self.filling = False

    def call_method(self, owner: Ref, name: str, args: list[Value]) -> Value:
        content = self.pt.heap[owner.cell]
        found = content.cls.body.get(name) if isinstance(content, ObjCell) else None
        if not isinstance(found, Func):
            return self.call(self.attribute(owner, name), args, {})
        if found.binding in ("static", "property"):
            raise self.refuse("CMP116", "an entry that is a static method or a property")
        return self.inline(found, [owner, *args], {})

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
                if not function.weak:
                    sizes = [arg.size for arg in args if isinstance(arg, Arr)]
                    self.charge(cost.library(sum(sizes)))
                return self.convert(function, args)
            case Builtin():
                return self.call_builtin(function, args, keywords)
            case Ref() if isinstance(self.pt.heap[function.cell], ObjCell):
                raise self.refuse("CMP414", "the special name __call__")
        self.fail("TypeError", f"{self.type_name(function)!r} object is not callable")

    def convert(self, target: Dty, args: list[Value]) -> Value:
        """Call a number type."""
        raise NotImplementedError

    def call_builtin(
        self, function: Builtin, args: list[Value], keywords: dict[str, Value]
    ) -> Value:
        """Call a function of ours."""
        raise NotImplementedError
