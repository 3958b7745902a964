"""Classes of the guest beyond plain ones: members of enums, inheritance, objects with operators.

A member of an `Enum` is a tuple of its value and its name; one of an `IntEnum` is a number that says
which class it is of. Both keep the name of their class, by which methods and other members are found.
"""

from __future__ import annotations

import ast
from typing import Final

from sandbox.tiers.compiled.calls import Calls
from sandbox.tiers.compiled.core import Lit
from sandbox.tiers.compiled.iteration import Body
from sandbox.tiers.compiled.scopes import makes_functions
from sandbox.tiers.compiled.values import (
    Bound,
    Builtin,
    Cls,
    Frame,
    Func,
    Num,
    ObjCell,
    Record,
    Ref,
    Str,
    Tup,
    Union,
    Value,
    boolean,
    integer,
)

__all__ = ["MEMBER", "Members"]

MEMBER: Final = ("value", "name")
"""Names of the parts of a member of an enum."""
_OPERATORS: Final = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv",
    ast.Mod: "mod", ast.Pow: "pow", ast.MatMult: "matmul", ast.BitAnd: "and", ast.BitOr: "or",
    ast.BitXor: "xor",
}  # fmt: skip


class Members(Calls):
    """Lowers what is asked of members, objects and base classes."""

    classes: dict[str, Cls | None]
    """Classes of the program by name; None where a name stands for two."""
    defined_in: dict[int, Cls]
    """The class that a method was written in, by the identity of the function."""
    running: dict[int, Func]
    """Functions being lowered, by the number of their scope."""

    def begin_classes(self) -> None:
        """Know no class yet."""
        self.classes = {}
        self.defined_in = {}
        self.running = {}
        self.plain_scopes = set()

    def remember(self, made: Cls, own: list[Func]) -> None:
        self.classes[made.name] = None if made.name in self.classes else made
        for function in own:
            self.defined_in[function.identity] = made

    def entered(self, function: Func, frame: Frame) -> None:
        self.running[frame.number] = function

    def closed(self, scope: int) -> bool:
        function = self.running.get(scope)
        if function is None:
            return scope in self.plain_scopes
        return not makes_functions(function.node)

    def class_of(self, value: Value) -> Cls | None:
        """Give the class of the program that a value is of, if it is of one."""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if isinstance(content, ObjCell):
            return content.cls
        name = ""
        if isinstance(value, Num):
            name = value.enum
        elif isinstance(value, Record) or (isinstance(value, Tup) and value.names):
            name = value.cls
        if not name:
            return None
        found = self.classes.get(name)
        if found is None and name in self.classes:
            raise self.refuse("CMP118", f"two classes of the name {name!r}")
        return found

    def is_of(self, found: Cls, wanted: Cls) -> bool:
        """Whether a class is another one or derived from it."""
        return found is wanted or any(
            isinstance(base, Cls) and self.is_of(base, wanted) for base in found.bases
        )

    # -- members of enums

    def member_of(self, cls: Cls, value: Value) -> Value:
        """Look up a member of an enum by its value."""
        if isinstance(value, Union):
            return self.spread(value, lambda v: self.member_of(cls, v))
        if self.class_of(value) is cls:
            return value
        members = [cls.body[name] for name in cls.members]
        values = [member.items[0] if isinstance(member, Tup) else member for member in members]
        text = f"not a valid {cls.name}"
        known = all(
            (isinstance(item, Num) and item.const is not None) or isinstance(item, Str)
            for item in values
        )
        if not known or not isinstance(value, Num | Str) or not members:
            for member, item in zip(members, values, strict=True):
                if item == value:
                    return member
            raise self.refuse("CMP119", "an enum member looked up by a value that is not known")

        def look(k: int) -> Value:
            if k == len(members):
                self.fail("ValueError", text)
            same = self.truth(self.equal(self.plain_number(values[k]), value))
            return self.choose(same, lambda: members[k], lambda: look(k + 1))

        return look(0)

    @staticmethod
    def plain_number(value: Value) -> Value:
        """Give a member of an `IntEnum` as the number that it is."""
        if isinstance(value, Num) and value.enum:
            return Num(value.atom, value.weak, value.low, value.high)
        return value

    def member_attribute(self, owner: Num, name: str) -> Value:
        """Compute ``owner.name`` of a member of an `IntEnum`."""
        cls = self.class_of(owner)
        assert cls is not None
        if name == "value":
            return self.plain_number(owner)
        if name == "name":
            plain = self.plain_number(owner)

            def look(k: int) -> Value:
                label = Str(cls.members[k])
                if k == len(cls.members) - 1:
                    return label
                member = self.plain_number(cls.body[label.text])
                same = self.truth(self.equal(member, plain))
                return self.choose(same, lambda: label, lambda: look(k + 1))

            return look(0)
        return self.part_of_class(owner, cls, name)

    def part_of_class(self, owner: Value, cls: Cls, name: str) -> Value:
        """Give what a class has under a name, for a value of it that is no object in memory."""
        found = cls.body.get(name)
        if found is None:
            self.fail("AttributeError", f"{cls.name!r} object has no attribute {name!r}")
        if isinstance(found, Func):
            if found.binding == "static":
                return found
            if found.binding == "property":
                return self.inline(found, [owner], {})
            return Bound(cls if found.binding == "class" else owner, found)
        return found

    # -- inheritance

    def x_Attribute(self, node: ast.Attribute) -> Value:
        call = node.value
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "super"
            and not call.args
            and not call.keywords
        ):
            return self._of_base(node.attr)
        return super().x_Attribute(node)

    def _of_base(self, name: str) -> Value:
        """Compute ``super().name``."""
        frame: Frame | None = self.frame
        while frame is not None and frame.number not in self.running:
            frame = frame.parent
        function = None if frame is None else self.running[frame.number]
        cls = None if function is None else self.defined_in.get(function.identity)
        if frame is None or function is None or cls is None or not function.node.args.args:
            raise self.refuse("CMP117", "`super()` outside of a method")
        owner = self.pt.vars.get((frame.number, function.node.args.args[0].arg))
        if not isinstance(owner, Ref) or function.binding in ("static", "class"):
            raise self.refuse("CMP117", "`super()` in a class method")
        kind = self.class_of(owner)
        while kind is not None:
            if len(kind.bases) > 1:
                raise self.refuse("CMP118", "`super()` where a class has several bases")
            kind = next((base for base in kind.bases if isinstance(base, Cls)), None)
        base = next((base for base in cls.bases if isinstance(base, Cls)), None)
        if base is not None and name in base.body:
            return self.part_of_class(owner, base, name)
        if name == "__init__":
            if base is not None and base.fields is not None:
                raise self.refuse("CMP414", "`super().__init__` of a data class")
            return Builtin("object.__init__")
        self.fail("AttributeError", f"'super' object has no attribute {name!r}")

    # -- operators of objects

    def binary_known(self, op: ast.operator, a: Value, b: Value) -> Value:
        left, right = self._object_class(a), self._object_class(b)
        name = _OPERATORS.get(type(op))
        if name is None or (left is None and right is None):
            return super().binary_known(op, a, b)
        if left is not None and right is not None and left is not right:
            raise self.refuse("CMP414", "an operator of objects of two classes")
        there, back = f"__{name}__", f"__r{name}__"
        if left is not None and there in left.body:
            return self.call(self._method(a, left, there), [b], {})
        if right is not None and left is None and back in right.body:
            if not isinstance(a, Num) or a.weak is not True:
                raise self.refuse("CMP414", f"the special name {back}")
            return self.call(self._method(b, right, back), [a], {})
        return super().binary_known(op, a, b)

    def _object_class(self, value: Value) -> Cls | None:
        """Give the class of an object whose operators the program may have written."""
        if isinstance(value, Tup) and value.names == MEMBER:
            return None
        return self.class_of(value) if isinstance(value, Ref | Record | Tup) else None

    def _method(self, owner: Value, cls: Cls, name: str) -> Bound:
        found = cls.body[name]
        if not isinstance(found, Func) or found.binding != "plain":
            raise self.refuse("CMP414", f"the special name {name}")
        return Bound(owner, found)

    def unary(self, op: ast.unaryop, value: Value) -> Value:
        cls = self._object_class(value)
        if cls is not None and isinstance(op, ast.USub) and "__neg__" in cls.body:
            return self.call(self._method(value, cls, "__neg__"), [], {})
        return super().unary(op, value)

    def subscript(self, owner: Value, index: Value) -> Value:
        cls = self._object_class(owner)
        if cls is not None and "__getitem__" in cls.body:
            return self.call(self._method(owner, cls, "__getitem__"), [index], {})
        return super().subscript(owner, index)

    def len_of(self, value: Value) -> Num:
        found = self._asked(value, "__len__")
        if found is None:
            return super().len_of(value)
        if not isinstance(found, Num) or found.ty != "i64" or found.weak is not True:
            raise self.refuse("CMP414", "a `__len__` that gives something else than an int")
        good = self.op("ge", "b1", found.atom, Lit(0, "i64"))
        self.check(boolean(good), "ValueError", "__len__() should return >= 0")
        return integer(found.atom, 0, max(found.high, 0))

    def truth(self, value: Value) -> Num:
        if isinstance(value, Ref | Record):
            found = self._asked(value, "__bool__")
            if found is not None:
                if not isinstance(found, Num) or found.ty != "b1" or found.weak is not True:
                    raise self.refuse(
                        "CMP414", "a `__bool__` that gives something else than a bool"
                    )
                return found
            if self._special(value, "__len__") is not None:
                return super().truth(self.len_of(value))
        return super().truth(value)

    def contains(self, container: Value, value: Value) -> Num:
        found = self._asked(container, "__contains__", value)
        if found is not None:
            return self.truth(found)
        cls = self._special(container, "__iter__")
        if cls is not None:
            raise self.refuse("CMP414", "the special name __iter__")
        return super().contains(container, value)

    def iterate(self, value: Value, body: Body) -> None:
        found = self._asked(value, "__iter__")
        super().iterate(value if found is None else found, body)

    def _special(self, value: Value, name: str) -> Cls | None:
        """Give the class of an object that has a special method."""
        cls = self._object_class(value) if isinstance(value, Ref | Record) else None
        return cls if cls is not None and name in cls.body else None

    def _asked(self, value: Value, name: str, *args: Value) -> Value | None:
        """Call a special method of an object; None where there is none."""
        cls = self._special(value, name)
        return None if cls is None else self.call(self._method(value, cls, name), list(args), {})

    def call(self, function: Value, args: list[Value], keywords: dict[str, Value]) -> Value:
        cls = self._object_class(function) if isinstance(function, Ref) else None
        if cls is not None and "__call__" in cls.body:
            return self.call(self._method(function, cls, "__call__"), args, keywords)
        return super().call(function, args, keywords)

    def identical(self, left: Value, right: Value) -> Num:
        if isinstance(left, Num) and isinstance(right, Num) and left.enum and right.enum:
            if left.enum != right.enum:
                return super().identical(Str(left.enum), Str(right.enum))
            return self.truth(self.equal(self.plain_number(left), self.plain_number(right)))
        return super().identical(left, right)
