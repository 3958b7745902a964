"""Values whose type depends on the path, truth, and lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

from sandbox.tiers.compiled.arrays import Arrays
from sandbox.tiers.compiled.core import Atom, Lit, Ty, dtype_of
from sandbox.tiers.compiled.points import FALSE, TRUE, Refused, i64
from sandbox.tiers.compiled.values import (
    Arr,
    Bound,
    Builtin,
    Cls,
    DictCell,
    Dty,
    Exc,
    Func,
    Gen,
    GridCell,
    ListCell,
    Lost,
    Mod,
    NoneV,
    Num,
    ObjCell,
    Points,
    Range,
    Record,
    Ref,
    Sel,
    SeqCell,
    SetCell,
    SliceV,
    Str,
    TableCell,
    Text,
    Tup,
    Unbound,
    Union,
    Value,
    Window,
    Words,
    boolean,
    integer,
    number,
)

__all__ = ["Unions"]

_DESCRIBED: Final[tuple[tuple[type, str], ...]] = (
    (Num, "a number"),
    (Arr, "an array"),
    (Sel, "what a mask selects"),
    (Points, "a contour"),
    (Record, "a dict in a list"),
    (Window, "an array whose extents depend on the data"),
    (Str, "a text"),
    (Text, "a text of the observation"),
    (Words, "the words of a text"),
    (Tup, "a tuple"),
    (NoneV, "None"),
    (Range, "a range"),
    (SliceV, "a slice"),
    (Gen, "a generator or iterator"),
    (Func, "a function"),
    (Bound, "a method"),
    (Builtin, "a built-in function"),
    (Dty, "a type"),
    (Exc, "an exception"),
    (Union, "a value whose type depends on the path"),
    (Unbound, "a name that has no value on this path"),
)
"""What a reason calls a value, by its class here."""


class Unions(Arrays):
    """Spreads operations over the types a value may have."""

    def iterate(self, value: Value, body: Callable[[Value], None]) -> None:
        """Lower a body for each element."""
        raise NotImplementedError

    def spread(self, value: Value, body: Callable[[Value], Value]) -> Value:
        """Do something with a value, separately for each type it may have here."""
        if isinstance(value, Lost):
            raise self.refuse("CMP314", value.why)
        if isinstance(value, Unbound):
            self.fail("UnboundLocalError", "a local variable has no value here")
        if not isinstance(value, Union):
            return body(value)
        possible = self.possible(value)
        if len(possible) == 1:
            return self.spread(value.variants[possible[0]], body)
        return self._spread(value, possible, body)

    def possible(self, value: Union) -> list[int]:
        """Give the variants that a union may still be here."""
        everything = range(len(value.variants))
        if isinstance(value.tag, Lit):
            return [int(value.tag.value)]
        known = self.pt.facts.get(value.tag.name)
        return [k for k in everything if known is None or k in known]

    def _spread(self, value: Union, possible: list[int], body: Callable[[Value], Value]) -> Value:
        first, rest = possible[0], possible[1:]
        if not rest:
            return self.spread(value.variants[first], body)
        return self.choose(
            self.is_variant(value, [first], possible),
            lambda: self.spread(value.variants[first], body),
            lambda: self._spread(value, rest, body),
        )

    def is_variant(self, value: Union, wanted: list[int], possible: list[int]) -> Num:
        """Say whether a union is one of some variants, with what that tells."""
        if isinstance(value.tag, Lit):
            return number(int(value.tag.value) in wanted)
        atom: Atom = Lit(False, "b1")
        for k in wanted:
            atom = self.either(atom, self.op("eq", "b1", value.tag, i64(k)))
        name = value.tag.name
        others = frozenset(k for k in possible if k not in wanted)
        if not others:
            return number(True)
        if not wanted:
            return number(False)
        return Num(atom, True, 0, 1, ((name, frozenset(wanted)),), ((name, others),))

    def truth(self, value: Value) -> Num:
        """Give the truth of any value."""
        if isinstance(value, Union):
            return self._truth_of_union(value)
        match value:
            case Num():
                return self.truth_of(value)
            case NoneV():
                return number(False)
            case Str(text=text):
                return number(bool(text))
            case Tup(items=items):
                return number(bool(items))
            case Lost():
                raise self.refuse("CMP314", value.why)
            case Unbound():
                self.fail("UnboundLocalError", "a local variable has no value here")
            case Arr():
                if value.size == 1:
                    first = self.get(value, tuple(i64(0) for _ in value.shape))
                    return self.truth_of(self.item(first))
                if value.size == 0:
                    return number(False)
                self.fail(
                    "ValueError",
                    "The truth value of an array with more than one element is ambiguous."
                    " Use a.any() or a.all()",
                )
            case Sel():
                raise self.refuse("CMP315", "the truth of an array whose size depends on the data")
            case Ref() if isinstance(self.pt.heap[value.cell], ObjCell):
                return number(True)
            case Ref() | Range() | Words() | Gen():
                length = self.len_of(value)
                return boolean(self.op("gt", "b1", length.atom, i64(0)))
        return self.other_truth(value)

    def other_truth(self, value: Value) -> Num:
        """Give the truth of text and of what is always true."""
        del value
        return number(True)

    def _truth_of_union(self, value: Union) -> Num:
        possible = self.possible(value)
        simple = all(isinstance(value.variants[k], NoneV | Num | Str | Tup) for k in possible)
        if len(possible) == 1:
            return self.truth(value.variants[possible[0]])
        if not simple or isinstance(value.tag, Lit):
            found = self.spread(value, self.truth)
            assert isinstance(found, Num)
            return found
        atom: Atom = Lit(False, "b1")
        yes, no = [], []
        for k in possible:
            part = self.truth(value.variants[k])
            if part.const is not False:
                yes.append(k)
                here = self.op("eq", "b1", value.tag, i64(k))
                atom = self.either(atom, self.both(here, part.atom))
            if part.const is not True:
                no.append(k)
        name = value.tag.name
        return Num(atom, True, 0, 1, ((name, frozenset(yes)),), ((name, frozenset(no)),))

    def parts_of_array(self, items: tuple[Value, ...], ty: Ty | None) -> list[Arr | Num]:
        found = [None if isinstance(item, Union) else self.as_array(item, ty) for item in items]
        unions = [item for item in items if isinstance(item, Union)]
        if not unions:
            return [part for part in found if part is not None]
        tys = [part.ty for part in found if part is not None]
        for one in unions:
            for k in self.possible(one):
                variant = one.variants[k]
                if not isinstance(variant, Num):
                    raise self.refuse("CMP504", "this value cannot be made an array here")
                tys.append(variant.ty)
        target = ty or self.common(tys)
        # The type is that of the elements together, so one of them has to be of it on every path.
        sure = FALSE if ty is None else TRUE
        for part in found:
            if part is not None and part.ty == target:
                sure = TRUE
        made: list[Arr | Num] = []
        for item, part in zip(items, found, strict=True):
            if part is not None:
                made.append(part)
                continue
            assert isinstance(item, Union)
            possible = self.possible(item)
            same = [k for k in possible if getattr(item.variants[k], "ty", "") == target]
            sure = self.either(sure, self.is_variant(item, same, possible).atom)
            number_found = self.spread(item, lambda v: self.as_array(v, target))
            assert isinstance(number_found, Num)
            made.append(number_found)
        self.only_where(boolean(sure))
        return made

    def len_of(self, value: Value) -> Num:
        """Compute ``len(value)``."""
        match value:
            case Tup(items=items):
                return number(len(items))
            case Str(text=text):
                return number(len(text))
            case Cls(kind="enum", members=members):
                return number(len(members))
            case Arr(shape=shape):
                if not shape:
                    self.fail("TypeError", "len() of unsized object")
                return number(shape[0])
            case Sel():
                return self.length(value)
            case Range():
                return self.range_length(value)
            case Ref():
                content = self.pt.heap[value.cell]
                if isinstance(content, ListCell):
                    return content.length or number(len(content.items))
                if isinstance(content, SeqCell | TableCell):
                    return content.length
                if isinstance(content, GridCell):
                    return self.grid_length(content)
                if isinstance(content, DictCell | SetCell):
                    atoms = [entry[2] for entry in content.entries]
                    return self.how_many(atoms)
            case Gen(kind="list", frame=frame) if (
                frame is not None and (frame.number, "#len") in self.pt.vars
            ):
                made = self.pt.vars[(frame.number, "#len")]
                if not isinstance(made, Num):
                    raise self.refuse("CMP318", "len() of a list that only some paths make")
                return made
            case Gen(kind="keys" | "values" | "items", parts=(owner,)):
                return self.len_of(owner)
            case Gen(kind="list"):
                key = ("len", self.number())
                self.pt.vars[key] = number(0)

                def one(_: Value) -> None:
                    count = self.pt.vars[key]
                    assert isinstance(count, Num)
                    self.pt.vars[key] = integer(self.op("add", "i64", count.atom, i64(1)), 0, 2**40)

                self.iterate(value, one)
                found = self.pt.vars.pop(key)
                assert isinstance(found, Num)
                return found
        return self.other_length(value)

    def type_error(self, message: str, *values: Value) -> NoReturn:
        """Raise the TypeError that Python raises for these values, if it is certain that it does.

        Python has many more operations than are known here, so only for numbers and None it is.
        """
        if not any(isinstance(value, Num | NoneV) for value in values):
            raise self._not_taken(*values)
        self.fail("TypeError", message)

    def _not_taken(self, *values: Value) -> Refused:
        kinds = dict.fromkeys(self.described(value) for value in values)
        return self.refuse("CMP320", f"this operation on {' and '.join(kinds)} is not taken")

    def type_name(self, value: Value) -> str:
        """Give the name that Python's messages have for a value's type."""
        match value:
            case Num(ty=ty):
                python = {"b1": "bool", "i64": "int", "f64": "float"}
                return python[ty] if value.weak is True else f"numpy.{dtype_of(ty).name}"
            case NoneV():
                return "NoneType"
            case Str():
                return "str"
            case Tup():
                return value.cls
            case Arr() | Sel() | Points() | Window():
                return "numpy.ndarray"
            case Ref():
                return self._container_name(value)
        raise self._not_taken(value)

    def _container_name(self, value: Ref) -> str:
        match self.pt.heap[value.cell]:
            case ListCell(kind=kind):
                return "collections.deque" if kind == "deque" else "list"
            case SeqCell(kind=kind):
                return "collections.deque" if kind == "deque" else kind
            case SetCell() | GridCell(values=None) | TableCell(value=None):
                return "set"
            case DictCell() | GridCell() | TableCell():
                return "dict"
            case ObjCell(cls=cls):
                return cls.name
        return "object"

    def described(self, value: Value) -> str:
        """Say what a value is, for a reason why it is not taken."""
        match value:
            case Ref():
                name = self._container_name(value)
                is_object = isinstance(self.pt.heap[value.cell], ObjCell)
                return f"an object of class `{name}`" if is_object else f"a {name}"
            case Mod(name=name):
                return f"the module `{name}`"
            case Cls(name=name):
                return f"the class `{name}`"
            case Gen(kind="keys" | "values" | "items" as kind):
                return f"the {kind} of a dict"
            case Lost(why=why):
                return f"a value that cannot be followed ({why})"
        return next(words for kind, words in _DESCRIBED if isinstance(value, kind))

    def grid_length(self, grid: GridCell) -> Num:
        """Count the keys of a set or dict whose keys depend on the data."""
        raise NotImplementedError

    def other_length(self, value: Value) -> Num:
        """Give the length of text, or raise."""
        self.type_error(f"object of type {self.type_name(value)!r} has no len()", value)

    def how_many(self, atoms: list[Atom]) -> Num:
        """Count true atoms."""
        total: Atom = i64(0)
        sure = sum(1 for atom in atoms if atom == TRUE)
        for atom in atoms:
            total = self.op("add", "i64", total, self.cast(atom, "i64"))
        return integer(total, sure, len(atoms))

    def range_length(self, value: Range) -> Num:
        """Count the turns of a range."""
        step = value.step.const
        if step is None:
            raise self.refuse("CMP316", "a range whose step depends on the data")
        start, stop = value.start, value.stop
        if start.const is not None and stop.const is not None:
            return number(len(range(int(start.const), int(stop.const), int(step))))
        distance = self.binary_number("subtract", stop, start)
        assert isinstance(distance, Num)
        if step < 0:
            distance = self._as_num(self.negate(distance))
        size = abs(int(step))
        more = self._as_num(self.binary_number("add", distance, number(size - 1)))
        turns = self._as_num(self.binary_number("floor_divide", more, number(size)))
        positive = self.op("gt", "b1", turns.atom, i64(0))
        atom = self.op("select", "i64", positive, turns.atom, i64(0))
        return integer(atom, 0, max(turns.high, 0))

    @staticmethod
    def _as_num(value: Value) -> Num:
        assert isinstance(value, Num)
        return value
