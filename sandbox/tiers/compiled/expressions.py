"""Expressions of the guest's language, on values of the front end."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from sandbox.tiers.compiled.arrays import ELLIPSIS
from sandbox.tiers.compiled.builder import FALSE, TRUE, i64
from sandbox.tiers.compiled.core import Let, Lit
from sandbox.tiers.compiled.iteration import Body, Iteration, type_name
from sandbox.tiers.compiled.scalars import BINARY, COMPARE
from sandbox.tiers.compiled.values import (
    NONE,
    UNBOUND,
    Arr,
    Builtin,
    Cls,
    DictCell,
    Dty,
    Exc,
    Facts,
    Frame,
    Func,
    Gen,
    ListCell,
    NoneV,
    Num,
    ObjCell,
    Range,
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
    integer,
    number,
)

__all__ = ["Expressions", "key_of"]


def key_of(value: Value) -> Any:
    """Give the Python key that a known value is in a dict, or None where it is not known."""
    match value:
        case Str(text=text):
            return ("s", text)
        case Num() if value.const is not None:
            return ("n", value.const if value.const == value.const else id(value))
        case NoneV():
            return ("none",)
        case Tup(items=items):
            parts = tuple(key_of(item) for item in items)
            return None if any(part is None for part in parts) else ("t", *parts)
        case Func() | Cls() | Builtin() | Dty():
            return ("v", value)
    return None


class Expressions(Iteration):
    """Lowers expressions."""

    frame: Frame
    globals: Frame

    def eval(self, node: ast.expr) -> Value:
        """Lower an expression."""
        outer = self.node
        self.node = node
        try:
            method = getattr(self, f"x_{type(node).__name__}", None)
            if method is None:
                raise self.refuse("CMP101", f"{type(node).__name__} is not taken")
            found: Value = method(node)
            return found
        finally:
            self.node = outer

    # -- names and literals

    def x_Constant(self, node: ast.Constant) -> Value:
        value = node.value
        if value is None:
            return NONE
        if value is Ellipsis:
            return ELLIPSIS
        if isinstance(value, str):
            return Str(value)
        if isinstance(value, int | float):
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise self.refuse("CMP102", "an integer of more than 64 bits")
            return number(value)
        raise self.refuse("CMP102", f"a {type(value).__name__} literal")

    def x_Name(self, node: ast.Name) -> Value:
        return self.lookup(node.id)

    def lookup(self, name: str) -> Value:
        """Give the value of a name as Python finds it."""
        frame: Frame | None = self.frame
        if frame is not None and name in frame.globals_:
            frame = self.globals
        while frame is not None:
            if name in frame.names and name not in frame.nonlocals:
                return self._bound_value(frame, name)
            frame = frame.parent
        if name in self.globals.names and (self.globals.number, name) in self.pt.vars:
            return self._bound_value(self.globals, name)
        found = self.builtin_name(name)
        if found is None:
            self.fail("NameError", f"name {name!r} is not defined")
        return found

    def _bound_value(self, frame: Frame, name: str) -> Value:
        value = self.pt.vars.get((frame.number, name), UNBOUND)
        if frame is self.globals and isinstance(value, Unbound):
            found = self.builtin_name(name)
            if found is not None:
                return found
            self.fail("NameError", f"name {name!r} is not defined")
        text = f"cannot access local variable {name!r} where it is not associated with a value"
        if isinstance(value, Unbound):
            self.fail("UnboundLocalError", text)
        if isinstance(value, Union):
            possible = self.possible(value)
            lacking = [k for k in possible if isinstance(value.variants[k], Unbound)]
            if lacking:
                have = [k for k in possible if k not in lacking]
                self.check(self.is_variant(value, have, possible), "UnboundLocalError", text)
        return value

    def builtin_name(self, name: str) -> Value | None:
        """Give a builtin, or None."""
        raise NotImplementedError

    def x_NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.eval(node.value)
        assert isinstance(node.target, ast.Name)
        self.bind(node.target.id, value)
        return value

    def bind(self, name: str, value: Value) -> None:
        """Give a name of the current scope a value."""
        frame: Frame | None = self.frame
        if name in self.frame.globals_:
            frame = self.globals
        elif name in self.frame.nonlocals:
            frame = self.frame.parent
            while frame is not None and name not in frame.names:
                frame = frame.parent
        assert frame is not None
        if frame.function == "<comprehension>" and name not in frame.names:
            raise self.refuse("CMP103", "an assignment expression in a comprehension")
        self.pt.vars[(frame.number, name)] = value

    def x_Tuple(self, node: ast.Tuple) -> Value:
        return Tup(tuple(self.elements(node.elts)))

    def x_List(self, node: ast.List) -> Value:
        return self.new_list(tuple(self.elements(node.elts)))

    def elements(self, nodes: list[ast.expr]) -> list[Value]:
        """Lower expressions, starred ones spread out."""
        found: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                found.extend(self.listed(self.eval(node.value)))
            else:
                found.append(self.eval(node))
        return found

    def new_list(self, items: tuple[Value, ...], length: Num | None = None) -> Ref:
        """Make a list."""
        cell = self.number()
        self.pt.heap[cell] = ListCell(items, length)
        return Ref(cell)

    def x_Set(self, node: ast.Set) -> Value:
        return self.new_set(self.elements(node.elts))

    def new_set(self, items: list[Value]) -> Ref:
        """Make a set of known elements."""
        entries: dict[Any, tuple[Any, Value, Any]] = {}
        for item in items:
            key = key_of(item)
            if key is None:
                raise self.refuse("CMP201", "a set of values that depend on the data")
            entries.setdefault(key, (key, item, TRUE))
        cell = self.number()
        self.pt.heap[cell] = SetCell(tuple(entries.values()))
        return Ref(cell)

    def x_Dict(self, node: ast.Dict) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell()
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self.update_dict(cell, self.eval(value))
            else:
                known = self.eval(key)
                self.set_key(cell, known, self.eval(value))
        return cell

    def update_dict(self, target: Ref, source: Value) -> None:
        """Put all entries of one dict into another."""
        if not isinstance(source, Ref):
            raise self.refuse("CMP202", "a dict is filled from something else than a dict")
        content = self.pt.heap[source.cell]
        if not isinstance(content, DictCell):
            raise self.refuse("CMP202", "a dict is filled from something else than a dict")
        for _, k, present, value in content.entries:
            self.when(
                boolean(present),
                lambda k=k, value=value: self.set_key(target, k, value),  # type: ignore[misc]
            )

    def set_key(self, target: Ref, key: Value, value: Value) -> None:
        """Compute ``target[key] = value`` of a dict."""
        if isinstance(key, Union):

            def one(variant: Value) -> Value:
                self.set_key(target, variant, value)
                return NONE

            self.spread(key, one)
            return
        content = self.pt.heap[target.cell]
        assert isinstance(content, DictCell)
        known = key_of(key)
        if known is None:
            self.set_unknown_key(target, content, key, value)
            return
        entries = list(content.entries)
        for position, (other, k, present, _) in enumerate(entries):
            if other == known:
                ordered = content.ordered and present == TRUE
                # A key that may be missing goes to the end when it is added: order unknown.
                ordered = ordered or (content.ordered and position == len(entries) - 1)
                entries[position] = (other, k, TRUE, value)
                self.pt.heap[target.cell] = DictCell(
                    tuple(entries), content.factory, ordered, content.kind
                )
                return
        entries.append((known, key, TRUE, value))
        self.pt.heap[target.cell] = DictCell(
            tuple(entries), content.factory, content.ordered, content.kind
        )

    def set_unknown_key(self, target: Ref, content: DictCell, key: Value, value: Value) -> None:
        """Write to one of the keys that are there; others are not taken."""
        del target, content, value
        if isinstance(key, Num | Tup):
            raise self.refuse("CMP203", "a dict gets keys that depend on the data")
        raise self.refuse("CMP203", "a dict gets a key that is not known")

    def x_JoinedStr(self, node: ast.JoinedStr) -> Value:
        parts: list[Value] = [Str("")]
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(Str(str(part.value)))
                continue
            assert isinstance(part, ast.FormattedValue)
            if part.format_spec is not None or part.conversion != -1:
                parts.append(self.formatted(self.eval(part.value)))
                continue
            parts.append(self.eval(part.value))
        result: Value = Str("")
        for item in parts:
            result = self.spread(result, lambda a, item=item: self._append_text(a, item))  # type: ignore[misc]
        return result

    def formatted(self, value: Value) -> Value:
        """Format a value with a specification: known only where nothing reads it."""
        del value
        return Builtin("text nobody reads")

    def _append_text(self, text: Value, item: Value) -> Value:
        def one(part: Value) -> Value:
            match text, part:
                case Str(text=a), Str(text=b):
                    return Str(a + b)
                case Str(text=a), Num() if part.const is not None and part.weak is True:
                    return Str(a + str(part.const))
                case Str(text=a), NoneV():
                    return Str(a + "None")
                case Str(), Num() if part.const is None and part.ty not in ("f32", "f64"):
                    raise self.refuse("CMP601", "a string made of a number that is not known")
            return Builtin("text nobody reads")

        return self.spread(item, one)

    def x_Lambda(self, node: ast.Lambda) -> Value:
        return self.new_function(node, "<lambda>")

    def new_function(self, node: ast.FunctionDef | ast.Lambda, name: str) -> Func:
        """Make a function with its defaults."""
        del name
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults: list[tuple[str, Value]] = []
        given = positional[len(positional) - len(arguments.defaults) :]
        for argument, default in zip(given, arguments.defaults, strict=True):
            defaults.append((argument.arg, self.eval(default)))
        for argument, kw_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if kw_default is not None:
                defaults.append((argument.arg, self.eval(kw_default)))
        return Func(node, self.number(), self.frame, tuple(defaults))

    # -- operators

    def x_UnaryOp(self, node: ast.UnaryOp) -> Value:
        value = self.eval(node.operand)
        if isinstance(node.op, ast.Not):
            return self.negation(self.truth(value))
        return self.spread(value, lambda v: self.unary(node.op, v))

    def unary(self, op: ast.unaryop, value: Value) -> Value:
        """Compute ``-``, ``+`` or ``~`` of a value."""
        if isinstance(value, Num):
            if isinstance(op, ast.USub):
                return self.negate(value)
            if isinstance(op, ast.UAdd):
                if value.ty == "b1" and value.weak is not True:
                    raise self.refuse("CMP405", "plus of a NumPy truth value")
                return self.to_int(value) if value.weak is True else value
            if value.weak is True:
                minus = self.negate(self.to_int(value))
                assert isinstance(minus, Num)
                return self.binary_number("subtract", minus, number(1))
            return self.ufunc("invert", value)
        if isinstance(value, Arr | Sel):
            names = {ast.USub: "negative", ast.UAdd: "positive", ast.Invert: "invert"}
            return self.ufunc(names[type(op)], value)
        self.fail("TypeError", f"bad operand type for unary operator: {type_name(value)!r}")

    def x_BinOp(self, node: ast.BinOp) -> Value:
        left = self.eval(node.left)
        right = self.eval(node.right)
        return self.binary(node.op, left, right)

    def binary(self, op: ast.operator, left: Value, right: Value) -> Value:
        """Compute an operator of two values."""
        return self.spread(
            left, lambda a: self.spread(right, lambda b: self.binary_known(op, a, b))
        )

    def binary_known(self, op: ast.operator, a: Value, b: Value) -> Value:
        """Compute an operator where neither side is a union."""
        if isinstance(op, ast.MatMult):
            return self.matmul(a, b)
        name = BINARY[type(op)]
        if isinstance(a, Num) and isinstance(b, Num):
            return self.binary_number(name, a, b)
        if isinstance(a, Arr | Sel) or isinstance(b, Arr | Sel):
            for other in (a, b):
                if isinstance(other, NoneV | Str):
                    self.fail("TypeError", "unsupported operand type(s) for an array")
            # A number that is Python's or NumPy's by path only matters beside float32.
            return self.spread_weak(
                a, lambda x: self.spread_weak(b, lambda y: self.ufunc(name, x, y))
            )
        return self.binary_other(op, a, b)

    def spread_weak(self, value: Value, body: Callable[[Value], Value]) -> Value:
        """Do something with a number for both cases of not knowing whether it is Python's."""
        if not isinstance(value, Num) or isinstance(value.weak, bool):
            return body(value)
        weak = value.weak
        return self.choose(
            boolean(weak),
            lambda: body(Num(value.atom, True, value.low, value.high)),
            lambda: body(Num(value.atom, False, value.low, value.high)),
        )

    def binary_other(self, op: ast.operator, a: Value, b: Value) -> Value:
        """Compute an operator of values of which at least one is no number and none an array."""
        match op, a, b:
            case ast.Add(), Str(text=x), Str(text=y):
                return Str(x + y)
            case ast.Mult(), Str(text=x), Num() if b.const is not None:
                return Str(x * int(b.const))
            case ast.Add(), Tup(items=x_items), Tup(items=y_items):
                return Tup(x_items + y_items)
            case ast.Mult(), Tup(items=x_items), Num() if b.const is not None:
                return Tup(x_items * int(b.const))
            case ast.Add(), Ref(), Ref():
                left, right = self.pt.heap[a.cell], self.pt.heap[b.cell]
                if isinstance(left, ListCell) and isinstance(right, ListCell):
                    return self.new_list(self.listed(a) + self.listed(b))
            case ast.Mult(), Ref(), Num() if b.const is not None:
                if isinstance(self.pt.heap[a.cell], ListCell):
                    return self.new_list(self.listed(a) * int(b.const))
            case ast.Mult(), Num(), Ref() | Tup() | Str():
                return self.binary_other(op, b, a)
            case ast.Mod(), Str(), _:
                return Builtin("text nobody reads")
        if isinstance(a, Ref) and isinstance(b, Ref):
            found = self.set_operator(op, a, b)
            if found is not None:
                return found
        for one, other in ((a, b), (b, a)):
            if isinstance(op, ast.Mult) and isinstance(one, Num) and not isinstance(other, NoneV):
                raise self.refuse("CMP320", "a sequence repeated as often as the data says")
        self.type_error(f"unsupported operand type(s): {type_name(a)!r} and {type_name(b)!r}", a, b)

    def set_operator(self, op: ast.operator, a: Ref, b: Ref) -> Value | None:
        """Compute ``| & - ^`` of sets and ``|`` of dicts."""
        x, y = self.pt.heap[a.cell], self.pt.heap[b.cell]
        cell = self.number()
        if isinstance(x, DictCell) and isinstance(y, DictCell) and isinstance(op, ast.BitOr):
            self.pt.heap[cell] = x
            self.update_dict(Ref(cell), b)
            return Ref(cell)
        if not (isinstance(x, SetCell) and isinstance(y, SetCell)):
            return None
        first = {key: (k, p) for key, k, p in x.entries}
        second = {key: (k, p) for key, k, p in y.entries}
        entries = []
        for key in [*first, *(key for key in second if key not in first)]:
            k = (first.get(key) or second[key])[0]
            p = first[key][1] if key in first else FALSE
            q = second[key][1] if key in second else FALSE
            match op:
                case ast.BitOr():
                    atom = self.either(p, q)
                case ast.BitAnd():
                    atom = self.both(p, q)
                case ast.Sub():
                    atom = self.both(p, self.inverse(q))
                case ast.BitXor():
                    atom = self.op("xor", "b1", p, q)
                case _:
                    return None
            entries.append((key, k, atom))
        self.pt.heap[cell] = SetCell(tuple(entries))
        return Ref(cell)

    def matmul(self, a: Value, b: Value) -> Value:
        """Compute ``a @ b``."""
        raise NotImplementedError

    # -- conditions

    def x_BoolOp(self, node: ast.BoolOp) -> Value:
        return self.connect(isinstance(node.op, ast.And), node.values)

    def connect(self, every: bool, nodes: list[ast.expr]) -> Value:
        """Lower ``and`` and ``or``: the rest is only looked at where it matters."""
        left = self.eval(nodes[0])
        if len(nodes) == 1:
            return left
        truth = self.truth(left)
        if truth.const is not None:
            return self.connect(every, nodes[1:]) if bool(truth.const) is every else left
        cond = truth if every else self.negation(truth)
        quick = self._without_branch(every, left, cond, truth, nodes[1:])
        if quick is not None:
            return quick
        return self.known_either_way(
            self.choose(cond, lambda: self.connect(every, nodes[1:]), lambda: left), every, truth
        )

    def _without_branch(
        self, every: bool, left: Value, cond: Num, truth: Num, rest: list[ast.expr]
    ) -> Value | None:
        """Combine two truth values where looking at the second costs and risks nothing."""
        if not (isinstance(left, Num) and left.ty == "b1"):
            return None
        before = self.pt
        trial = before.fork([])
        for tag, possible in cond.yes:
            trial.facts[tag] = trial.facts.get(tag, possible) & possible
        lengths = [len(target.exits) for target in self.active]
        self.current = trial
        try:
            with self.path():
                right = self.connect(every, rest)
                if (
                    self.current is trial
                    and isinstance(right, Num)
                    and right.ty == "b1"
                    and all(isinstance(item, Let) for item in trial.block)
                    and trial.heap == before.heap
                    and trial.vars == before.vars
                ):
                    self.current = before
                    before.block.extend(trial.block)
                    before.known.update(trial.known)
                    atom = self.op("and" if every else "or", "b1", left.atom, right.atom)
                    weak = left.weak
                    if left.weak != right.weak:
                        mixed = self.op(
                            "select",
                            "b1",
                            cond.atom,
                            self.weakness(right),
                            self.weakness(left),
                        )
                        weak = bool(mixed.value) if isinstance(mixed, Lit) else mixed
                    second = right
                    yes: Facts = ()
                    no: Facts = ()
                    if every:
                        yes = truth.yes + second.yes
                    else:
                        no = truth.no + second.no
                    return Num(atom, weak, 0, 1, yes, no)
        finally:
            self.current = before
        for target, length in zip(self.active, lengths, strict=True):
            del target.exits[length:]
        return None

    def known_either_way(self, value: Value, every: bool, truth: Num) -> Value:
        """Add to a combined truth value what its first part tells."""
        if not isinstance(value, Num) or value.ty != "b1":
            return value
        yes = value.yes + truth.yes if every else value.yes
        no = value.no if every else value.no + truth.no
        return Num(value.atom, value.weak, value.low, value.high, yes, no)

    def x_IfExp(self, node: ast.IfExp) -> Value:
        cond = self.truth(self.eval(node.test))
        return self.choose(cond, lambda: self.eval(node.body), lambda: self.eval(node.orelse))

    def x_Compare(self, node: ast.Compare) -> Value:
        return self._compare(self.eval(node.left), node.ops, node.comparators)

    def _compare(self, left: Value, ops: list[ast.cmpop], nodes: list[ast.expr]) -> Value:
        right = self.eval(nodes[0])
        result = self.compare(ops[0], left, right)
        if len(ops) == 1:
            return result
        truth = self.truth(result)
        if truth.const is not None:
            return self._compare(right, ops[1:], nodes[1:]) if truth.const else result
        before = self.pt
        trial = before.fork([])
        self.current = trial
        rest: Value = NONE
        with self.path():
            rest = self._compare(right, ops[1:], nodes[1:])
        simple = (
            self.current is trial
            and isinstance(rest, Num)
            and isinstance(result, Num)
            and rest.ty == result.ty == "b1"
            and rest.weak == result.weak
            and all(isinstance(item, Let) for item in trial.block)
        )
        self.current = before
        if simple:
            assert isinstance(rest, Num)
            assert isinstance(result, Num)
            before.block.extend(trial.block)
            return boolean(self.both(result.atom, rest.atom), result.weak)
        return self.choose(truth, lambda: self._compare(right, ops[1:], nodes[1:]), lambda: result)

    def compare(self, op: ast.cmpop, left: Value, right: Value) -> Value:
        """Compare two values."""
        match op:
            case ast.Is():
                return self.identical(left, right)
            case ast.IsNot():
                return self.negation(self.identical(left, right))
            case ast.In():
                return self.spread(
                    right, lambda b: self.spread(left, lambda a: self.contains(b, a))
                )
            case ast.NotIn():
                return self.negation(self.truth(self.compare(ast.In(), left, right)))
        name = COMPARE[type(op)]
        if isinstance(left, Union) and isinstance(right, NoneV):
            return self._by_variant(name, left, right)
        return self.spread(
            left, lambda a: self.spread(right, lambda b: self.compare_known(name, a, b))
        )

    def _by_variant(self, name: str, left: Union, right: Value) -> Value:
        del right
        found = self.identical(left, NONE)
        return found if name == "equal" else self.negation(found)

    def identical(self, left: Value, right: Value) -> Num:
        """Compute ``left is right`` for None, truth values, classes and the like."""
        if isinstance(left, NoneV) and isinstance(right, Union):
            left, right = right, left
        if isinstance(left, Union) and not isinstance(right, Union):
            possible = self.possible(left)
            if isinstance(right, NoneV):
                wanted = [k for k in possible if isinstance(left.variants[k], NoneV)]
                return self.is_variant(left, wanted, possible)
            found = self.spread(left, lambda a: self.identical(a, right))
            assert isinstance(found, Num)
            return found
        if isinstance(right, Union):
            found = self.spread(right, lambda b: self.identical(left, b))
            assert isinstance(found, Num)
            return found
        if isinstance(left, NoneV) or isinstance(right, NoneV):
            return number(isinstance(left, NoneV) and isinstance(right, NoneV))
        if isinstance(left, Num) and isinstance(right, Num):
            pair = (left, right)
            if all(value.ty == "b1" and value.weak is True for value in pair):
                return boolean(self.op("eq", "b1", left.atom, right.atom))
            if any(value.ty == "b1" and value.weak is True for value in pair) and all(
                isinstance(value.weak, bool) for value in pair
            ):
                return number(False)
        members = ("value", "name")
        if isinstance(left, Tup) and isinstance(right, Tup) and left.names == members:
            if left.cls != right.cls:
                return number(False)
            return self._equal_items(left.items, right.items)
        if isinstance(left, Ref | Cls | Func | Str) and type(left) is type(right):
            return number(left == right)
        raise self.refuse("CMP104", "`is` between these values")

    def compare_known(self, name: str, a: Value, b: Value) -> Value:
        """Compare where neither side is a union."""
        if isinstance(a, Num) and isinstance(b, Num):
            if all(isinstance(v.weak, bool) for v in (a, b)):
                return self.compare_numbers(name, a, b)
            return self.compare_numbers(name, a, b)
        if isinstance(a, Arr | Sel) or isinstance(b, Arr | Sel):
            for other in (a, b):
                if isinstance(other, NoneV | Str):
                    raise self.refuse("CMP105", "an array is compared with something else")
            return self.spread_weak(
                a, lambda x: self.spread_weak(b, lambda y: self.ufunc(name, x, y))
            )
        if name in ("equal", "not_equal"):
            found = self.equal(a, b)
            return found if name == "equal" else self.negation(found)
        return self.compare_order(name, a, b)

    def equal(self, a: Value, b: Value) -> Num:
        """Compute ``a == b`` as a truth value."""
        match a, b:
            case Num(), Num():
                return self.compare_numbers("equal", a, b)
            case Str(text=x), Str(text=y):
                return number(x == y)
            case Tup(items=x_items), Tup(items=y_items):
                return self._equal_items(x_items, y_items)
            case Ref(), Ref():
                left, right = self.pt.heap[a.cell], self.pt.heap[b.cell]
                if isinstance(left, ListCell) and isinstance(right, ListCell):
                    return self._equal_items(self.listed(a), self.listed(b))
                if a == b:
                    return number(True)
                raise self.refuse("CMP105", "a comparison of these containers")
        if isinstance(a, Arr | Sel) or isinstance(b, Arr | Sel):
            return self.truth(self.compare_known("equal", a, b))
        found = self.other_equal(a, b)
        return number(False) if found is None else found

    def other_equal(self, a: Value, b: Value) -> Num | None:
        """Compare text; None where the types can never be equal."""
        if isinstance(a, Func | Cls | Dty | Exc | NoneV | Range) and type(a) is type(b):
            return number(a == b)
        return None

    def _equal_items(self, a: tuple[Value, ...], b: tuple[Value, ...]) -> Num:
        if len(a) != len(b):
            return number(False)
        result = TRUE
        facts: list[Num] = []
        for x, y in zip(a, b, strict=True):
            part = self.truth(
                self.spread(x, lambda v, y=y: self.spread(y, lambda w: self.equal(v, w)))  # type: ignore[misc]
            )
            facts.append(part)
            result = self.both(result, part.atom)
        return boolean(result)

    def compare_order(self, name: str, a: Value, b: Value) -> Value:
        """Compare tuples and strings by order."""
        match a, b:
            case Str(text=x), Str(text=y):
                known = {"less": x < y, "less_equal": x <= y, "greater": x > y}
                return number(known.get(name, x >= y))
            case Tup(items=x_items), Tup(items=y_items) if len(x_items) == len(y_items):
                if not x_items:
                    return number(name in ("less_equal", "greater_equal"))
                first = self.truth(self.compare_known("equal", x_items[0], y_items[0]))
                return self.choose(
                    first,
                    lambda: self.compare_order(name, Tup(x_items[1:]), Tup(y_items[1:])),
                    lambda: self.compare_known(name, x_items[0], y_items[0]),
                )
        self.type_error(
            f"'<' not supported between instances of {type_name(a)!r} and {type_name(b)!r}", a, b
        )

    def contains(self, container: Value, value: Value) -> Num:
        """Compute ``value in container``."""
        match container, value:
            case Str(text=text), Str(text=part):
                return number(part in text)
            case ((Arr() | Sel()), _):
                found = self.reduce_any(self.ufunc("equal", container, value))
                return found
            case Ref(), _:
                content = self.pt.heap[container.cell]
                if isinstance(content, DictCell | SetCell):
                    return self._among([(e[0], e[1], e[2]) for e in content.entries], value)
            case Range(), Num():
                return self._in_range(container, value)
            case Gen(kind="keys"), _:
                return self.contains(container.parts[0], value)
        items = None if isinstance(container, Gen) else self.known_items(container)
        if items is not None:
            return self._among([(key_of(item), item, p) for p, item in items], value)
        found_text = self.other_contains(container, value)
        if found_text is not None:
            return found_text
        return self.search(
            container,
            lambda item: self.truth(self.spread(item, lambda v: self.equal(v, value))),
            True,
        )

    def other_contains(self, container: Value, value: Value) -> Num | None:
        """Look for text in text; None where the container is no text."""
        del container, value
        return None

    def reduce_any(self, value: Value) -> Num:
        """Give whether any element of an array is true."""
        raise NotImplementedError

    def _among(self, entries: list[tuple[Any, Value, Any]], value: Value) -> Num:
        known = key_of(value)
        result = FALSE
        for key, item, present in entries:
            if known is not None and key is not None and type(known[0]) is type(key[0]):
                same = known == key
                result = self.either(result, present if same else FALSE)
                continue
            part = self.truth(self.spread(item, lambda v: self.equal(v, value)))
            result = self.either(result, self.both(present, part.atom))
        return boolean(result)

    def _in_range(self, container: Range, value: Num) -> Num:
        if container.step.const != 1:
            raise self.refuse("CMP105", "`in` a range with a step")
        low = self.compare_numbers("less_equal", container.start, value)
        high = self.compare_numbers("less", value, container.stop)
        inside = self.both(low.atom, high.atom)
        if value.ty in ("f32", "f64"):
            whole = self.op("eq", "b1", value.atom, self.op("floor", value.ty, value.atom))
            inside = self.both(inside, whole)
        return boolean(inside)

    # -- subscripts

    def x_Subscript(self, node: ast.Subscript) -> Value:
        owner = self.eval(node.value)
        index = self.eval(node.slice)
        return self.spread(owner, lambda v: self.subscript(v, index))

    def x_Slice(self, node: ast.Slice) -> Value:
        parts = [NONE if part is None else self.eval(part)
                 for part in (node.lower, node.upper, node.step)]  # fmt: skip
        return SliceV(*parts)

    def subscript(self, owner: Value, index: Value) -> Value:
        """Compute ``owner[index]``."""
        if isinstance(index, Union):
            return self.spread(index, lambda v: self.subscript(owner, v))
        match owner:
            case Arr():
                return self.index_array(owner, index)
            case Sel():
                return self.index_selection(owner, index)
            case Tup(items=items):
                return self.index_items(items, index, "tuple", lambda part: Tup(part))
            case Ref():
                return self.index_cell(owner, index)
            case Str(text=text):
                chars: tuple[Value, ...] = tuple(Str(char) for char in text)
                return self.index_items(
                    chars, index, "string",
                    lambda part: Str("".join(p.text for p in part if isinstance(p, Str))),
                )  # fmt: skip
            case Range():
                rows = self.indexed(owner)
                assert rows is not None
                if isinstance(index, Num) and rows[0].const is not None:
                    size = int(rows[0].const)
                    return rows[1](self.bounded(index, size, "range object index out of range"))
            case Cls():
                return self.class_item(owner, index)
            case Builtin() | Dty():
                # Only annotations and aliases of generic types are subscripted: never a number.
                return owner
        found = self.other_subscript(owner, index)
        if found is not None:
            return found
        if isinstance(owner, Gen) and owner.kind == "list":
            return self.index_on_demand(owner, index)
        self.type_error(f"{type_name(owner)!r} object is not subscriptable", owner)

    def index_on_demand(self, owner: Gen, index: Value) -> Value:
        """Index a list that is made by the loop that looks for the element."""
        if not isinstance(index, Num) or index.ty in ("f32", "f64"):
            raise self.refuse("CMP320", "this index of a list of unknown length")
        wanted = self.cast(index.atom, "i64")
        if index.low < 0:
            length = self.len_of(owner)
            negative = self.op("lt", "b1", wanted, i64(0))
            from_end = self.op("add", "i64", wanted, length.atom)
            wanted = self.op("select", "i64", negative, from_end, wanted)
        seen, held = ("seen", self.number()), ("held", self.number())
        target = self.target("nth")
        self.pt.vars[seen] = number(0)
        self.pt.vars[held] = UNBOUND

        def one(item: Value) -> None:
            count = self.pt.vars[seen]
            assert isinstance(count, Num)

            def take() -> None:
                self.pt.vars[held] = item
                self.leave(target)

            here = boolean(self.op("eq", "b1", count.atom, wanted))
            self.when(here, take)
            self.pt.vars[seen] = integer(self.op("add", "i64", count.atom, i64(1)), 0, 2**40)

        self.block(target, lambda: self.iterate(owner, one))
        self.pt.vars.pop(seen, None)
        found = self.pt.vars.pop(held)
        if found == UNBOUND:
            self.fail("IndexError", "list index out of range")
        if isinstance(found, Union):
            possible = self.possible(found)
            have = [k for k in possible if found.variants[k] != UNBOUND]
            good = self.is_variant(found, have, possible)
            self.check(good, "IndexError", "list index out of range")
        return found

    def other_subscript(self, owner: Value, index: Value) -> Value | None:
        """Take words of text; None where the owner is no text."""
        del owner, index
        return None

    def class_item(self, owner: Cls, index: Value) -> Value:
        """Look up an enum member by name."""
        if owner.kind == "enum" and isinstance(index, Str):
            found = owner.body.get(index.text)
            if found is None:
                self.fail("KeyError", repr(index.text))
            return found
        self.fail("TypeError", f"type {owner.name!r} is not subscriptable")

    def index_items(
        self,
        items: tuple[Value, ...],
        index: Value,
        kind: str,
        remake: Callable[[tuple[Value, ...]], Value],
        length: Num | None = None,
    ) -> Value:
        """Index a sequence whose elements are known."""
        if isinstance(index, SliceV):
            if length is not None:
                return self.slice_unknown(items, index, length, remake)
            return remake(tuple(items[k] for k in self.slice_of(index, len(items))))
        if not isinstance(index, Num) or index.ty in ("f32", "f64"):
            self.fail("TypeError", f"{kind} indices must be integers or slices")
        text = f"{kind} index out of range"
        if length is None:
            position = self.bounded(index, len(items), text)
        else:
            position = self._position_in(index, length, text)
        if isinstance(position, Lit):
            return items[int(position.value)]
        return self.pick(items, position)

    def _position_in(self, index: Num, length: Num, text: str) -> Any:
        atom = self.cast(index.atom, "i64")
        if index.low < 0:
            negative = self.op("lt", "b1", atom, i64(0))
            from_end = self.op("add", "i64", atom, length.atom)
            atom = self.op("select", "i64", negative, from_end, atom)
            self.check(boolean(self.op("ge", "b1", atom, i64(0))), "IndexError", text)
        self.check(boolean(self.op("lt", "b1", atom, length.atom)), "IndexError", text)
        return atom

    def slice_unknown(
        self,
        items: tuple[Value, ...],
        index: SliceV,
        length: Num,
        remake: Callable[[tuple[Value, ...]], Value],
    ) -> Value:
        """Slice a list whose length depends on the data."""
        del items, index, length, remake
        raise self.refuse("CMP506", "a slice of a list whose length depends on the data")

    def pick(self, items: tuple[Value, ...], position: Any) -> Value:
        """Choose among values by a position that is in range."""
        if len(items) == 1:
            return items[0]
        first = items[0]
        if all(
            isinstance(item, Num)
            and isinstance(first, Num)
            and item.ty == first.ty
            and item.weak == first.weak
            for item in items
        ):
            result = items[-1]
            assert isinstance(result, Num)
            atom = result.atom
            low, high = result.low, result.high
            for k in range(len(items) - 2, -1, -1):
                here = self.op("eq", "b1", position, i64(k))
                item = items[k]
                assert isinstance(item, Num)
                atom = self.op("select", atom.ty, here, item.atom, atom)
                low, high = min(low, item.low), max(high, item.high)
            return Num(atom, result.weak, low, high)
        if len(items) > 48:
            raise self.refuse("CMP311", "an index into a long list of values of several types")
        distinct = list(dict.fromkeys(items))
        if len(distinct) == 1:
            return distinct[0]
        return self._pick_one(items, position, 0)

    def _pick_one(self, items: tuple[Value, ...], position: Any, k: int) -> Value:
        if k == len(items) - 1:
            return items[k]
        here = boolean(self.op("eq", "b1", position, i64(k)))
        return self.choose(here, lambda: items[k], lambda: self._pick_one(items, position, k + 1))

    def index_cell(self, owner: Ref, index: Value) -> Value:
        """Index a list, dict or object."""
        content = self.pt.heap[owner.cell]
        match content:
            case ListCell(items=items, length=length):
                return self.index_items(items, index, "list", self.new_list, length)
            case DictCell():
                return self.dict_item(owner, content, index)
            case ObjCell():
                return self.call_method(owner, "__getitem__", [index])
        self.fail("TypeError", "'set' object is not subscriptable")

    def call_method(self, owner: Ref, name: str, args: list[Value]) -> Value:
        """Call a method by name."""
        raise NotImplementedError

    def dict_item(
        self,
        owner: Ref,
        content: DictCell,
        index: Value,
        missing: Callable[[], Value] | None = None,
    ) -> Value:
        """Compute ``owner[index]`` of a dict; ``missing`` gives what a missing key does."""
        known = key_of(index)

        def lacking() -> Value:
            if missing is not None:
                return missing()
            if content.kind == "counter":
                return number(0)
            if content.factory is not None:
                made = self.call(content.factory, [], {})
                self.set_key(owner, index, made)
                return made
            text = index.text if isinstance(index, Str) else "a key that is not there"
            self.fail("KeyError", repr(text))

        if known is not None:
            for key, _, present, value in content.entries:
                if key == known:
                    return self.choose(boolean(present), lambda v=value: v, lacking)  # type: ignore[misc]
            if all(not isinstance(k, Num) or k.const is not None for _, k, _, _ in content.entries):
                return lacking()
        return self._dict_search(list(content.entries), index, lacking)

    def _dict_search(self, entries: list[Any], index: Value, lacking: Callable[[], Value]) -> Value:
        live = [entry for entry in entries if entry[2] != FALSE]
        if not live:
            return lacking()
        _, k, present, value = live[0]
        same = self.truth(self.equal(k, index))
        if same.const is False:
            return self._dict_search(live[1:], index, lacking)
        here = boolean(self.both(present, same.atom))
        return self.choose(here, lambda: value, lambda: self._dict_search(live[1:], index, lacking))

    def index_array(self, owner: Arr, index: Value) -> Value:
        """Index an array in any way that is taken."""
        parts: list[Value] = list(index.items) if isinstance(index, Tup) else [index]
        for k, part in enumerate(parts):
            if isinstance(part, Ref):
                parts[k] = self.as_array(part)
            elif isinstance(part, Num) and part.ty in ("f32", "f64"):
                self.fail(
                    "IndexError",
                    "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and"
                    " integer or boolean arrays are valid indices",
                )
            elif isinstance(part, Str):
                self.fail("IndexError", "only integers, slices and arrays are valid indices")
            elif isinstance(part, Num) and part.ty == "b1":
                raise self.refuse("CMP509", "an array indexed by a truth value")
            elif isinstance(part, Union):
                rest = parts

                def one(variant: Value, k: int = k, rest: list[Value] = rest) -> Value:
                    return self.index_array(owner, Tup((*rest[:k], variant, *rest[k + 1 :])))

                return self.spread(part, one)
        if all(isinstance(part, Num | SliceV | NoneV) or part == ELLIPSIS for part in parts):
            return self.subview(owner, parts)
        return self.index_advanced(owner, parts)

    def index_advanced(self, owner: Arr, parts: list[Value]) -> Value:
        """Index by masks, integer arrays and selections."""
        raise NotImplementedError

    def index_selection(self, owner: Sel, index: Value) -> Value:
        """Index an array whose size depends on the data."""
        raise NotImplementedError

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
                args.extend(self.listed(self.eval(argument.value)))
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
        return self.spread(function, lambda f: self.call(f, args, keywords))

    # -- comprehensions

    def x_GeneratorExp(self, node: ast.GeneratorExp) -> Value:
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
        assert value.frame is not None
        self.frame = value.frame
        frame = self.scope(node.generators)
        self.frame = outer

        def element() -> None:
            inside = self.frame
            self.frame = frame
            try:
                item = self.eval(node.elt)
            finally:
                self.frame = inside
            self.frame = outer
            try:
                body(item)
            finally:
                self.frame = inside

        self.over(node.generators, frame, element)

    def over(
        self, generators: list[ast.comprehension], frame: Frame, body: Callable[[], None]
    ) -> None:
        """Lower the ``for`` and ``if`` parts of a comprehension."""
        outer = self.frame
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
            iterable = self.eval(first.iter)
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

        self.iterate(iterable, one)

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
        self.over(node.generators, frame, lambda: self.set_add(cell, self.eval(node.elt)))
        return cell

    def set_add(self, target: Ref, item: Value) -> None:
        """Compute ``target.add(item)``."""
        raise NotImplementedError

    def x_DictComp(self, node: ast.DictComp) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell()
        frame = self.scope(node.generators)

        def element() -> None:
            key = self.eval(node.key)
            self.set_key(cell, key, self.eval(node.value))

        self.over(node.generators, frame, element)
        return cell
