"""Operators, truth and comparison."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

from sandbox import cost
from sandbox.tiers.compiled.core import Atom, Let, Lit, Set
from sandbox.tiers.compiled.displays import MADE_TEXT, Displays, key_of
from sandbox.tiers.compiled.points import FALSE, TRUE, i64
from sandbox.tiers.compiled.scalars import BINARY, COMPARE
from sandbox.tiers.compiled.shapes import EMPTY
from sandbox.tiers.compiled.values import (
    NONE,
    Arr,
    Cls,
    DictCell,
    Dty,
    Exc,
    Facts,
    Func,
    Gen,
    GridCell,
    ListCell,
    Lost,
    NoneV,
    Num,
    ObjCell,
    Points,
    Range,
    Ref,
    Sel,
    SeqCell,
    SetCell,
    Str,
    TableCell,
    Text,
    Tup,
    Union,
    Value,
    Window,
    Words,
    boolean,
    number,
)
from sandbox.weights import FREE_ITEMS

__all__ = ["Operators"]


class Operators(Displays):
    """Lowers operators."""

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
            return self.operated(self.ufunc("invert", value))
        if isinstance(value, Arr | Sel | Points | Window):
            names = {ast.USub: "negative", ast.UAdd: "positive", ast.Invert: "invert"}
            return self.operated(self.ufunc(names[type(op)], value))
        self.fail("TypeError", f"bad operand type for unary operator: {self.type_name(value)!r}")

    def x_BinOp(self, node: ast.BinOp) -> Value:
        left = self.eval(node.left)
        right = self.eval(node.right)
        return self.binary(node.op, left, right)

    def binary(self, op: ast.operator, left: Value, right: Value) -> Value:
        """Compute an operator of two values."""
        return self.spread(
            left, lambda a: self.spread(right, lambda b: self.binary_known(op, a, b))
        )

    def operated(self, result: Value) -> Value:
        """Charge for what an operator on arrays has made; small results are free."""
        most, atom = 0, None
        match result:
            case Arr():
                self.charge(cost.operator(result.size))
            case Sel(domain=domain, tail=tail):
                most = math.prod((*domain, *tail))
                if most > cost.FREE_ELEMENTS:
                    atom = self.op("mul", "i64", self.length(result).atom, i64(math.prod(tail)))
            case Window():
                size = self.elements_within(result)
                most = math.prod(max(extent.high, 0) for extent in result.shape)
                atom = size
        if atom is not None and most > cost.FREE_ELEMENTS:
            many = self.op("gt", "b1", atom, i64(cost.FREE_ELEMENTS))
            units = self.op("floordiv", "i64", atom, i64(cost.ELEMENTS_PER_UNIT))
            self.charge(self.op("select", "i64", many, units, i64(0)))
        return result

    def elements_within(self, value: Points | Window) -> Atom:
        """Count the elements of an array whose extents depend on the data."""
        raise NotImplementedError

    def binary_known(self, op: ast.operator, a: Value, b: Value) -> Value:
        """Compute an operator where neither side is a union."""
        if isinstance(op, ast.MatMult):
            return self.matmul(a, b)
        name = BINARY[type(op)]
        if isinstance(a, Num) and isinstance(b, Num):
            return self.binary_number(name, a, b)
        if isinstance(a, Arr | Sel | Points | Window) or isinstance(b, Arr | Sel | Points | Window):
            for other in (a, b):
                if isinstance(other, NoneV | Str):
                    self.fail("TypeError", "unsupported operand type(s) for an array")
            # A number that is Python's or NumPy's by path only matters beside float32.
            return self.spread_weak(
                a,
                lambda x: self.spread_weak(b, lambda y: self.operated(self.ufunc(name, x, y))),
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
                self.small(len(x) + len(y))
                self.charge((len(x) + len(y)) // cost.ELEMENTS_PER_UNIT)
                return Str(x + y)
            case ast.Mult(), Str(text=x), Num() if b.const is not None:
                count = max(len(x) * int(b.const), 0)
                self.small(count)
                self.charge(count // cost.ELEMENTS_PER_UNIT)
                return Str(x * int(b.const))
            case ast.Add(), Tup(items=x_items), Tup(items=y_items):
                self.small(len(x_items) + len(y_items))
                return self.new_tuple(x_items + y_items)
            case ast.Mult(), Tup(items=x_items), Num() if b.const is not None:
                self.small(len(x_items) * int(b.const))
                return self.new_tuple(x_items * int(b.const))
            case ast.Add(), Ref(), Ref():
                left, right = self.pt.heap[a.cell], self.pt.heap[b.cell]
                fixed = all(isinstance(c, ListCell) and c.length is None for c in (left, right))
                if fixed:
                    made = self.listed(a) + self.listed(b)
                    self.charge(len(made) // cost.ELEMENTS_PER_UNIT)
                    return self.new_list(made)
                lists = ListCell | SeqCell
                if isinstance(left, lists) and isinstance(right, lists):
                    return self.concatenated(a, b)
            case ast.Mult(), Ref(), Num() if b.const is not None:
                if isinstance(self.pt.heap[a.cell], ListCell):
                    self.small(len(self.listed(a)) * int(b.const))
                    return self.new_list(self.listed(a) * int(b.const))
            case ast.Mult(), Num(), Ref() | Tup() | Str():
                return self.binary_other(op, b, a)
            case ast.Mod(), Str(), _:
                return Lost(MADE_TEXT)
        if isinstance(a, Ref) and isinstance(b, Ref):
            found = self.set_operator(op, a, b)
            if found is not None:
                self.pay_items(a, b)
                return found
        for one, other in ((a, b), (b, a)):
            if isinstance(op, ast.Mult) and isinstance(one, Num) and isinstance(other, Ref):
                repeated = self.repeated(other, one)
                if repeated is not None:
                    return repeated
            if isinstance(op, ast.Mult) and isinstance(one, Num) and not isinstance(other, NoneV):
                raise self.refuse("CMP320", "a sequence repeated as often as the data says")
        self.type_error(
            f"unsupported operand type(s): {self.type_name(a)!r} and {self.type_name(b)!r}", a, b
        )

    def repeated(self, items: Ref, count: Num) -> Value | None:
        """Compute ``items * count`` of a list whose count depends on the data."""
        raise NotImplementedError

    def concatenated(self, a: Ref, b: Ref) -> Value:
        """Compute ``a + b`` of lists of which one has a length that depends on the data."""
        made = self.copy_sequence(self.in_columns(a))
        self.paying_nothing(lambda: self.iterate(b, lambda item: self.sequence_append(made, item)))
        units = self.op("floordiv", "i64", self.len_of(made).atom, i64(cost.ELEMENTS_PER_UNIT))
        self.charge(units)
        return made

    def pay_items(self, *containers: Value) -> None:
        """Charge for going through containers, as `sandbox.guards.meter.Meter.items` does."""
        lengths = [self.len_of(container) for container in containers]
        if sum(length.high for length in lengths) <= FREE_ITEMS:
            return
        total: Atom = i64(0)
        for length in lengths:
            total = self.op("add", "i64", total, length.atom)
        many = self.op("gt", "b1", total, i64(FREE_ITEMS))
        units = self.op("floordiv", "i64", total, i64(cost.ELEMENTS_PER_UNIT))
        self.charge(self.op("select", "i64", many, units, i64(0)))

    def set_operator(self, op: ast.operator, a: Ref, b: Ref) -> Value | None:
        """Compute ``| & - ^`` of sets and ``|`` of dicts."""
        x, y = self.pt.heap[a.cell], self.pt.heap[b.cell]
        cell = self.number()
        if isinstance(x, DictCell) and isinstance(y, DictCell) and isinstance(op, ast.BitOr):
            self.pt.heap[cell] = x
            self.update_dict(Ref(cell), b)
            return Ref(cell)
        sets = (SetCell, GridCell, TableCell)
        if (
            isinstance(x, sets)
            and isinstance(y, sets)
            and not all(isinstance(content, SetCell) for content in (x, y))
        ):
            return self.set_algebra(op, a, b)
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
        chained = len(node.ops) > 1
        return self._compare(self.eval(node.left), node.ops, node.comparators, chained)

    def _compare(
        self, left: Value, ops: list[ast.cmpop], nodes: list[ast.expr], chained: bool
    ) -> Value:
        right = self.eval(nodes[0])
        if isinstance(ops[0], ast.In | ast.NotIn) and (chained or _is_written_out(nodes[0])):
            # What stands in the source is looked through for nothing.
            found: list[Value] = []
            self.paying_nothing(lambda: found.append(self.compare(ops[0], left, right)))
            result = found[0]
        else:
            result = self.compare(ops[0], left, right)
        if len(ops) == 1:
            return result
        truth = self.truth(result)
        if truth.const is not None:
            return self._compare(right, ops[1:], nodes[1:], chained) if truth.const else result
        before = self.pt
        trial = before.fork([])
        self.current = trial
        rest: Value = NONE
        with self.path():
            rest = self._compare(right, ops[1:], nodes[1:], chained)
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
        return self.choose(
            truth, lambda: self._compare(right, ops[1:], nodes[1:], chained), lambda: result
        )

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
        equality = name in ("equal", "not_equal")
        if equality and isinstance(left, Union) and isinstance(right, NoneV):
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
        if isinstance(a, Arr | Sel | Points | Window) or isinstance(b, Arr | Sel | Points | Window):
            for other in (a, b):
                if isinstance(other, NoneV | Str):
                    raise self.refuse("CMP105", "an array is compared with something else")
            return self.spread_weak(
                a,
                lambda x: self.spread_weak(b, lambda y: self.operated(self.ufunc(name, x, y))),
            )
        if name in ("equal", "not_equal"):
            found = self.equal(a, b)
            return found if name == "equal" else self.negation(found)
        return self.compare_order(name, a, b)

    def equal(self, a: Value, b: Value) -> Num:
        """Compute ``a == b`` as a truth value."""
        for value in (a, b):
            if isinstance(value, Lost):
                raise self.refuse("CMP314", value.why)
        if isinstance(a, Union) or isinstance(b, Union):
            return self.truth(self.spread(a, lambda v: self.spread(b, lambda w: self.equal(v, w))))
        match a, b:
            case Num(), Num():
                return self.compare_numbers("equal", a, b)
            case Str(text=x), Str(text=y):
                return number(x == y)
            case Tup(items=x_items), Tup(items=y_items):
                if (a.cls == "list") is not (b.cls == "list"):
                    return number(False)
                return self._equal_items(x_items, y_items)
            case (Tup(cls="list"), Ref()) | (Ref(), Tup(cls="list")):
                raise self.refuse("CMP105", "a comparison of these containers")
            case Ref(), Ref():
                left, right = self.pt.heap[a.cell], self.pt.heap[b.cell]
                if a == b:
                    return number(True)
                if isinstance(left, ListCell | SeqCell) and isinstance(right, ListCell | SeqCell):
                    if all(isinstance(c, ListCell) and c.length is None for c in (left, right)):
                        return self._equal_items(self.listed(a), self.listed(b))
                    return self._equal_lists(a, b)
                sets = SetCell | GridCell | TableCell
                if isinstance(left, sets) and isinstance(right, sets):
                    if not (self.is_set(left) or self.is_set(right)):
                        return self.equal_dicts(a, b)
                    return self.equal_sets(a, b)
                if isinstance(left, ObjCell) and isinstance(right, ObjCell):
                    return self._equal_objects(left, right)
                dicts = (left, right)
                if all(isinstance(c, DictCell | TableCell) for c in dicts):
                    return self.equal_dicts(a, b)
                raise self.refuse("CMP105", "a comparison of these containers")
        if isinstance(a, Arr | Sel | Points | Window) or isinstance(b, Arr | Sel | Points | Window):
            return self.truth(self.compare_known("equal", a, b))
        found = self.other_equal(a, b)
        return number(False) if found is None else found

    def _equal_objects(self, a: ObjCell, b: ObjCell) -> Num:
        """Compare objects of data classes, which are equal field by field."""
        if a.cls is not b.cls:
            return number(False)
        if a.cls.fields is None:
            raise self.refuse("CMP105", "a comparison of these containers")
        sides = [dict(side.attributes) for side in (a, b)]
        names = [name for name, _, _ in a.cls.fields]
        if any(name not in side for side in sides for name in names):
            raise self.refuse("CMP105", "a comparison of these containers")
        left, right = (tuple(side[name] for name in names) for side in sides)
        return self._equal_items(left, right)

    @staticmethod
    def is_set(content: SetCell | GridCell | TableCell) -> bool:
        """Whether a content is that of a set, not of a dict."""
        if isinstance(content, GridCell):
            return content.values is None
        return isinstance(content, SetCell) or content.value is None

    def equal_dicts(self, a: Ref, b: Ref) -> Num:
        """Compare dicts, in whatever order their keys are."""
        raise NotImplementedError

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

    def _equal_lists(self, a: Ref, b: Ref) -> Num:
        """Compare lists of which one has a length that depends on the data."""
        if isinstance(self.pt.heap[a.cell], ListCell):
            a, b = b, a
        left, right = self.in_columns(a), self.in_columns(b)
        if left.kind != right.kind:
            return number(False)
        count, first = self.sequence_rows(left)
        other, second = self.sequence_rows(right)
        found = ("equal", self.number())
        same = self.op("eq", "b1", count.atom, other.atom)
        if EMPTY in (left.record, right.record):
            return boolean(same)
        self.pt.vars[found] = number(False)

        def compare() -> None:
            differs = self.accumulate("b1", FALSE)

            def turn(k: Atom) -> None:
                one = self.truth(
                    self.spread(
                        first(k), lambda v: self.spread(second(k), lambda w: self.equal(v, w))
                    )
                )
                both = self.either(self.value_now(differs), self.inverse(one.atom))
                self.emit(Set(differs, both))

            self.count(count.atom, turn)
            self.pt.vars[found] = boolean(self.inverse(self.value_now(differs)))

        self.when(boolean(same), compare)
        result = self.pt.vars.pop(found)
        assert isinstance(result, Num)
        return result

    def set_algebra(self, op: ast.operator, a: Ref, b: Ref) -> Value | None:
        """Compute ``| & - ^`` of sets of which one has elements that depend on the data."""
        raise NotImplementedError

    def equal_sets(self, a: Ref, b: Ref) -> Num:
        """Compare two sets."""
        raise NotImplementedError

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
            f"'<' not supported between instances of {self.type_name(a)!r} and {self.type_name(b)!r}",
            a,
            b,
        )

    def contains(self, container: Value, value: Value) -> Num:
        """Compute ``value in container``."""
        if isinstance(container, Words | Text | Str):
            self.pay_search(self.len_of(container))
        match container, value:
            case Str(text=text), Str(text=part):
                return number(part in text)
            case ((Arr() | Sel() | Window()), _):
                self.pay_array(container)
                return self.reduce_any(self.ufunc("equal", container, value))
            case Ref(), _:
                content = self.pt.heap[container.cell]
                if isinstance(content, GridCell):
                    return self.grid_has(content, value)
                if isinstance(content, TableCell):
                    return self.table_has(content, value)
                if isinstance(content, ListCell | SeqCell):
                    known_length = number(
                        len(content.items) if isinstance(content, ListCell) else 0
                    )
                    self.pay_search(content.length or known_length)
                if isinstance(content, DictCell | SetCell):
                    return self._among([(e[0], e[1], e[2]) for e in content.entries], value)
            case Tup(items=parts), _ if len(parts) > cost.ELEMENTS_PER_UNIT:
                self.charge(len(parts) // cost.ELEMENTS_PER_UNIT)
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
        found: Num | None = None

        def look() -> None:
            nonlocal found
            found = self.search(
                container,
                lambda item: self.truth(self.spread(item, lambda v: self.equal(v, value))),
                True,
            )

        if isinstance(container, Ref | Words) or (
            isinstance(container, Gen) and container.kind in {"values", "items"}
        ):
            # `in` does not pay by turns, as a loop does.
            self.paying_nothing(look)
        else:
            look()
        assert found is not None
        return found

    def pay_array(self, container: Value) -> None:
        """Charge for looking for a value in an array: as a call of a library that is given it."""
        match container:
            case Arr():
                self.charge(cost.library(container.size))
            case Sel(tail=tail):
                length = self.op("mul", "i64", self.length(container).atom, i64(math.prod(tail)))
                self._pay_library(length)
            case Window() | Points():
                self._pay_library(self.elements_within(container))

    def _pay_library(self, length: Atom) -> None:
        units = self.op("floordiv", "i64", length, i64(cost.ELEMENTS_PER_UNIT))
        self.charge(self.op("add", "i64", units, i64(cost.LIBRARY_CALL)))

    def pay_search(self, length: Num) -> None:
        """Charge for looking for a value in a list of that length."""
        if length.high <= cost.ELEMENTS_PER_UNIT:
            return
        long = self.op("gt", "b1", length.atom, i64(cost.ELEMENTS_PER_UNIT))
        units = self.op("floordiv", "i64", length.atom, i64(cost.ELEMENTS_PER_UNIT))
        self.charge(self.op("select", "i64", long, units, i64(0)))

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


def _is_written_out(node: ast.expr) -> bool:
    """Whether an expression is a constant, or a tuple or list of constants."""
    parts = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    return all(isinstance(part, ast.Constant) for part in parts)
