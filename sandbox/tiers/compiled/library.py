"""The names a guest may use: builtins, modules, and methods of lists, dicts, sets and arrays.

Each function is a method here, found by name in one table at the end; what is not in the table
is refused with its name, so the table is the whole of what this tier offers.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import math
import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from sandbox.tiers.compiled.builder import FALSE, TRUE, i64
from sandbox.tiers.compiled.core import (
    FLOATS,
    Atom,
    Lit,
    Ty,
    dtype_of,
    limits_of,
    ty_of,
)
from sandbox.tiers.compiled.elements import UFUNCS
from sandbox.tiers.compiled.expressions import key_of
from sandbox.tiers.compiled.iteration import type_name
from sandbox.tiers.compiled.reductions import Reductions
from sandbox.tiers.compiled.values import (
    NONE,
    UNBOUND,
    Arr,
    Bound,
    Buffer,
    Builtin,
    Cls,
    DictCell,
    Dty,
    Exc,
    Frame,
    Func,
    Gen,
    Index,
    ListCell,
    Mod,
    NoneV,
    Num,
    ObjCell,
    Range,
    Ref,
    Sel,
    SetCell,
    SliceV,
    Str,
    Text,
    Tup,
    Union,
    Value,
    Words,
    boolean,
    integer,
    number,
)

__all__ = ["Library"]

Args = list[Value]
Keywords = dict[str, Value]

_TYPES: Final = {
    "bool_": "b1", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "uint8": "u8",
    "uint16": "u16", "uint32": "u32", "uint64": "u64", "float32": "f32", "float64": "f64",
    "intp": "i64", "double": "f64", "single": "f32", "bool": "b1", "int_": "i64", "float_": "f64",
}  # fmt: skip
_PYTHON_TYPES: Final = {"int": "i64", "float": "f64", "bool": "b1"}
_ALIASES: Final = {
    "abs": "absolute", "mod": "remainder", "true_divide": "divide", "pow": "power",
    "acos": "arccos", "asin": "arcsin", "atan": "arctan", "atan2": "arctan2", "fix": "trunc",
    "bitwise_not": "invert", "conjugate": "positive",
}  # fmt: skip
_BUILTINS: Final = frozenset(
    [
        "abs",
        "all",
        "any",
        "dict",
        "divmod",
        "enumerate",
        "filter",
        "float",
        "frozenset",
        "hasattr",
        "int",
        "isinstance",
        "len",
        "list",
        "map",
        "next",
        "max",
        "min",
        "pow",
        "print",
        "range",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
        "zip",
        "staticmethod",
        "classmethod",
        "property",
        "object",
        "bool",
        "slice",
        "getattr",
    ]
)
_ERRORS: Final = frozenset(
    [
        "ArithmeticError",
        "AssertionError",
        "AttributeError",
        "Exception",
        "FloatingPointError",
        "IndexError",
        "KeyError",
        "LookupError",
        "NameError",
        "NotImplementedError",
        "OverflowError",
        "RuntimeError",
        "StopIteration",
        "TypeError",
        "UnboundLocalError",
        "ValueError",
        "ZeroDivisionError",
    ]
)
_CONSTANTS: Final = {
    "pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "tau": math.tau,
    "Inf": math.inf, "NaN": math.nan, "euler_gamma": float(np.euler_gamma),
}  # fmt: skip
_TYPING: Final = frozenset({"typing"})


class Library(Reductions):
    """Names, attributes and calls."""

    # -- names

    def builtin_name(self, name: str) -> Value | None:
        if name in _PYTHON_TYPES:
            return Dty(name, _PYTHON_TYPES[name], True)
        if name in _BUILTINS:
            return Builtin(name)
        if name in _ERRORS:
            return Exc(name)
        if name == "__name__":
            return Str("program")
        if hasattr(builtins, name):
            raise self.refuse("CMP412", f"the builtin {name!r}")
        return None

    def module(self, name: str) -> Value:
        return Mod(name)

    def attribute(self, owner: Value, name: str) -> Value:
        if isinstance(owner, Union):
            return self.spread(owner, lambda v: self.attribute(v, name))
        match owner:
            case Mod(name=module):
                return self._module_attribute(module, name)
            case Ref():
                return self._cell_attribute(owner, name)
            case Arr() | Sel():
                return self._array_attribute(owner, name)
            case Num():
                return self._number_attribute(owner, name)
            case Tup(items=items, names=names):
                if name in names:
                    return items[names.index(name)]
                if name in ("index", "count", "_asdict", "_replace"):
                    return Builtin(f"tuple.{name}", owner)
            case Str() | Text() | Words():
                kind = "words" if isinstance(owner, Words) else "str"
                if f"{kind}.{name}" in self.table:
                    return Builtin(f"{kind}.{name}", owner)
                raise self.refuse("CMP602", f"the method {name!r} of a string")
            case Cls(body=body):
                if name in body:
                    found = body[name]
                    if isinstance(found, Func) and found.binding == "class":
                        return Bound(owner, found)
                    return found
                if name == "__name__":
                    return Str(owner.name)
            case Builtin(name="ufunc.add") if name == "reduce":
                return Builtin("numpy.sum along the first axis")
            case Dty() | Builtin():
                return Builtin(f"{owner.name}.{name}", owner)
            case Gen(kind="keys" | "values" | "items"):
                pass
        self.fail("AttributeError", f"{type_name(owner)!r} object has no attribute {name!r}")

    def _module_attribute(self, module: str, name: str) -> Value:
        if module == "numpy" and name in _TYPES:
            return Dty(name, _TYPES[name], False)
        if module in ("numpy", "math") and name in _CONSTANTS:
            return number(_CONSTANTS[name])
        if module == "numpy" and name == "newaxis":
            return NONE
        if module == "numpy" and name in ("linalg", "random"):
            return Mod(f"numpy.{name}")
        if module == "numpy" and name in ("ndarray", "integer", "floating", "number", "generic"):
            return Builtin(f"numpy.{name}")
        if module in ("typing", "collections.abc"):
            return Builtin(f"{module}.{name}")
        if module == "numpy":
            first = _ALIASES.get(name, name)
            if first in UFUNCS:
                return Builtin(f"ufunc.{first}")
        if f"{module}.{name}" in self.table or module in ("math", "enum", "dataclasses"):
            return Builtin(f"{module}.{name}")
        raise self.refuse("CMP407", f"{module}.{name} is not taken")

    def _cell_attribute(self, owner: Ref, name: str) -> Value:
        content = self.pt.heap[owner.cell]
        if isinstance(content, ObjCell):
            attributes = dict(content.attributes)
            if name in attributes:
                value = attributes[name]
                text = f"{content.cls.name!r} object has no attribute {name!r}"
                if value == UNBOUND:
                    self.fail("AttributeError", text)
                if isinstance(value, Union):
                    possible = self.possible(value)
                    lacking = [k for k in possible if value.variants[k] == UNBOUND]
                    if lacking:
                        have = [k for k in possible if k not in lacking]
                        self.check(self.is_variant(value, have, possible), "AttributeError", text)
                return value
            if name in content.cls.body:
                return self._class_attribute(owner, content.cls, name)
            if name == "__class__":
                return content.cls
            self.fail("AttributeError", f"{content.cls.name!r} object has no attribute {name!r}")
        kinds = {ListCell: "list", DictCell: "dict", SetCell: "set"}
        kind = kinds.get(type(content), "object")
        if isinstance(content, ListCell) and content.kind == "deque":
            if name == "maxlen":
                return NONE if content.maxlen is None else number(content.maxlen)
            kind = "list" if f"list.{name}" in self.table else "deque"
        if f"{kind}.{name}" not in self.table:
            if hasattr({"list": list, "dict": dict, "set": set}.get(kind, list), name):
                raise self.refuse("CMP205", f"the method {name!r} of a {kind}")
            self.fail("AttributeError", f"{kind!r} object has no attribute {name!r}")
        return Builtin(f"{kind}.{name}", owner)

    def _class_attribute(self, owner: Ref, cls: Cls, name: str) -> Value:
        found = cls.body[name]
        if isinstance(found, Func):
            if found.binding == "static":
                return found
            if found.binding == "class":
                return Bound(cls, found)
            if found.binding == "property":
                return self.inline(found, [owner], {})
            return Bound(owner, found)
        return found

    def _number_attribute(self, owner: Num, name: str) -> Value:
        if owner.weak is not True:
            if name == "dtype":
                return Dty(str(owner.ty), owner.ty, False)
            if name == "shape":
                return Tup(())
            if name == "size":
                return number(1)
            if name == "ndim":
                return number(0)
            if name == "T":
                return owner
            if f"array.{name}" in self.table:
                return Builtin(f"array.{name}", owner)
        if name == "real":
            return owner
        if name == "is_integer":
            return Builtin("float.is_integer", owner)
        if not isinstance(owner.weak, bool):
            raise self.refuse("CMP405", f"the attribute {name!r} of a number of unknown kind")
        if name in ("value", "name"):
            raise self.refuse("CMP413", "a member of an IntEnum is only a number here")
        self.fail("AttributeError", f"{type_name(owner)!r} object has no attribute {name!r}")

    def _array_attribute(self, owner: Arr | Sel, name: str) -> Value:
        if isinstance(owner, Sel):
            match name:
                case "shape":
                    return Tup((self.length(owner), *(number(size) for size in owner.tail)))
                case "size":
                    size = 1
                    for extent in owner.tail:
                        size *= extent
                    return self.binary_number("multiply", self.length(owner), number(size))
                case "ndim":
                    return number(1 + len(owner.tail))
                case "T" if not owner.tail:
                    return owner
                case "dtype":
                    return Dty(str(owner.ty), owner.ty, False)
        else:
            match name:
                case "shape":
                    return Tup(tuple(number(size) for size in owner.shape))
                case "size":
                    return number(owner.size)
                case "ndim":
                    return number(len(owner.shape))
                case "T":
                    return self.transpose(owner) if len(owner.shape) > 1 else owner
                case "dtype":
                    return Dty(str(owner.ty), owner.ty, False)
        if f"array.{name}" in self.table:
            return Builtin(f"array.{name}", owner)
        if hasattr(np.ndarray, name):
            raise self.refuse("CMP516", f"the array method {name!r}")
        self.fail("AttributeError", f"'numpy.ndarray' object has no attribute {name!r}")

    # -- calls

    def call_builtin(self, function: Builtin, args: Args, keywords: Keywords) -> Value:
        name = function.name
        for k, value in enumerate(args):
            if isinstance(value, Union) and name not in _TAKE_UNIONS:

                def one(variant: Value, k: int = k) -> Value:
                    return self.call_builtin(
                        function, [*args[:k], variant, *args[k + 1 :]], keywords
                    )

                return self.spread(value, one)
        if isinstance(function.owner, Union):
            raise self.refuse("CMP311", "a method of a value whose type depends on the path")
        if name.startswith("ufunc.") and name.count(".") == 1:
            return self._call_ufunc(name.removeprefix("ufunc."), args, keywords)
        if name.startswith("math."):
            return self._call_math(name.removeprefix("math."), args, keywords)
        handler = self.table.get(name)
        if handler is None:
            raise self.refuse("CMP407", f"{name} is not taken")
        owner = (
            []
            if function.owner is None or isinstance(function.owner, Dty | Builtin)
            else [function.owner]
        )
        return handler(self, [*owner, *args], keywords)

    def _call_ufunc(self, name: str, args: Args, keywords: Keywords) -> Value:
        if keywords.keys() - {"dtype"}:
            raise self.refuse("CMP408", f"the arguments {sorted(keywords)} of numpy.{name}")
        wanted = getattr(np, name).nin
        if len(args) != wanted:
            self.fail("TypeError", f"{name}() takes {wanted} positional arguments")

        def go(k: int, done: Args) -> Value:
            if k == len(args):
                found = self.ufunc(name, *done)
                if "dtype" in keywords:
                    return self.np_astype([found, keywords["dtype"]], {})
                return found
            return self.spread_weak(args[k], lambda v: go(k + 1, [*done, v]))

        return go(0, [])

    def _call_math(self, name: str, args: Args, keywords: Keywords) -> Value:
        if keywords:
            raise self.refuse("CMP408", f"arguments by name of math.{name}")
        if name == "dist":
            x, y = (self.as_array(arg, "f64") for arg in args)
            return self.float_of(self.number_of(self.norm(self.ufunc("subtract", x, y))))
        if name in ("fsum", "prod"):
            if name == "prod":
                return self.fold(args[0], number(1), lambda a, b: self.binary(ast.Mult(), a, b))
            raise self.refuse("CMP407", "math.fsum is not taken")
        if name == "isclose":
            raise self.refuse("CMP407", "math.isclose is not taken")
        if name == "hypot" and len(args) != 2:
            raise self.refuse("CMP407", "math.hypot of other than two numbers")
        if name == "log" and len(args) == 2:
            top = self.math_call("log", [self.number_of(args[0])])
            return self.binary(ast.Div(), top, self.math_call("log", [self.number_of(args[1])]))
        return self.math_call(name, [self.number_of(arg) for arg in args])

    def number_of(self, value: Value) -> Num:
        """Give a number as one, also where it is an array of one element without axes."""
        if isinstance(value, Num):
            return value
        if isinstance(value, Arr) and value.size == 1:
            if value.shape:
                self.fail(
                    "TypeError", "only 0-dimensional arrays can be converted to Python scalars"
                )
            return self.item(self.get(value, ()))
        if isinstance(value, Arr | Sel):
            self.fail("TypeError", "only 0-dimensional arrays can be converted to Python scalars")
        self.fail("TypeError", f"must be real number, not {type_name(value)}")

    def convert(self, target: Dty, args: Args) -> Value:
        if not args:
            zero: Atom = Lit(0.0, target.ty) if target.ty in FLOATS else Lit(0, target.ty)
            return Num(Lit(False, "b1") if target.ty == "b1" else zero, target.weak)
        value = args[0]
        if isinstance(value, Union):
            return self.spread(value, lambda v: self.convert(target, [v]))
        if not target.weak:
            if isinstance(value, Num):
                return self.item(self.cast(value.atom, target.ty))
            array = self.as_array(value)
            return self.np_astype([array, target], {})
        if target.ty == "b1":
            return self.truth(value)
        if isinstance(value, Str):
            return self._parse_number(target, value.text)
        found = self.number_of(value)
        return self.float_of(found) if target.ty == "f64" else self.int_of(found)

    def _parse_number(self, target: Dty, text: str) -> Value:
        try:
            return number(float(text) if target.ty == "f64" else int(text))
        except ValueError as error:
            self.fail("ValueError", str(error))

    def constant(self, value: Value, what: str) -> int:
        """Give an integer that must be known."""
        if isinstance(value, Num) and value.const is not None and value.ty not in FLOATS:
            return int(value.const)
        raise self.refuse("CMP409", f"{what} that depends on the data")

    def shape_of_value(self, value: Value) -> tuple[int, ...]:
        """Give a shape that must be known."""
        if isinstance(value, Num):
            return (self.constant(value, "a shape"),)
        return tuple(self.constant(item, "a shape") for item in self.listed(value))

    def dtype_value(self, value: Value | None) -> Ty | None:
        """Give the core type of a dtype argument."""
        if value is None or isinstance(value, NoneV):
            return None
        if isinstance(value, Dty):
            return value.ty
        if isinstance(value, Str):
            try:
                found = ty_of(np.dtype(value.text))
            except TypeError:
                found = None
            if found is not None:
                return found
        raise self.refuse("CMP402", "this dtype")

    def no_keywords(self, keywords: Keywords, *known: str) -> None:
        """Refuse arguments by name other than the known ones."""
        other = keywords.keys() - set(known)
        if other:
            raise self.refuse("CMP408", f"the argument {min(other)!r}")

    # -- builtins

    def b_abs(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Num):
            return self.absolute(value)
        if isinstance(value, Arr | Sel):
            return self.ufunc("absolute", value)
        self.fail("TypeError", f"bad operand type for abs(): {type_name(value)!r}")

    def b_len(self, args: Args, keywords: Keywords) -> Value:
        return self.len_of(args[0])

    def b_any(self, args: Args, keywords: Keywords) -> Value:
        if isinstance(args[0], Arr | Sel) and _axes(args[0]) == 1:
            return boolean(self.reduce_any(args[0]).atom)
        return self.search(args[0], self.truth, True)

    def b_all(self, args: Args, keywords: Keywords) -> Value:
        if isinstance(args[0], Arr | Sel) and _axes(args[0]) == 1:
            found = self.any_or_all(True, args[0])
            assert isinstance(found, Num)
            return boolean(found.atom)
        return self.search(args[0], lambda v: self.negation(self.truth(v)), False)

    def b_sum(self, args: Args, keywords: Keywords) -> Value:
        start = args[1] if len(args) > 1 else keywords.get("start", number(0))

        def add(a: Value, b: Value) -> Value:
            if sys.version_info >= (3, 12) and _may_be_float(a) and _may_be_float(b):
                raise self.refuse("CMP206", "sum() of floats, which compensates from 3.12 on")
            return self.binary(ast.Add(), a, b)

        return self.fold(args[0], start, add)

    def _extreme_builtin(self, most: bool, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "key", "default")
        key = keywords.get("key")
        op: ast.cmpop = ast.Gt() if most else ast.Lt()
        name = "max" if most else "min"
        items: Value = args[0] if len(args) == 1 else Gen("tuples", tuple(args))
        if len(args) == 1 and isinstance(items, Arr | Sel) and _axes(items) == 1 and key is None:
            if items.ty not in FLOATS and "default" not in keywords:
                return self._array_extreme(most, items)
        known = self.known_items(items) if not isinstance(items, Sel) else None

        def mark(item: Value) -> Value:
            return item if key is None or isinstance(key, NoneV) else self.call(key, [item], {})

        if known and all(p == TRUE for p, _ in known):
            best, score = known[0][1], mark(known[0][1])
            self.charge(len(known))
            for _, item in known[1:]:
                new = mark(item)
                better = self.truth(self.compare(op, new, score))
                pair = self.choose(
                    better,
                    lambda item=item, new=new: Tup((item, new)),  # type: ignore[misc]
                    lambda best=best, score=score: Tup((best, score)),  # type: ignore[misc]
                )
                assert isinstance(pair, Tup)
                best, score = pair.items
            return best
        held = ("best", self.number())
        self.pt.vars[held] = UNBOUND

        def turn(item: Value) -> None:
            new = mark(item)
            old = self.pt.vars[held]
            if isinstance(old, Union):
                possible = self.possible(old)
                empty = [k for k in possible if old.variants[k] == UNBOUND]
                first = self.is_variant(old, empty, possible)
            else:
                first = number(old == UNBOUND)

            def take() -> None:
                self.pt.vars[held] = Tup((item, new))

            def weigh() -> None:
                def against(pair: Value) -> Value:
                    assert isinstance(pair, Tup)
                    better = self.truth(self.compare(op, new, pair.items[1]))
                    return self.choose(better, lambda: Tup((item, new)), lambda: pair)

                self.pt.vars[held] = self.spread(old, against)

            self.when(first, take, weigh)

        self.iterate(items, turn)
        final = self.pt.vars.pop(held)
        default = keywords.get("default")

        def result(value: Value) -> Value:
            assert isinstance(value, Tup)
            return value.items[0]

        def nothing() -> Value:
            if default is not None:
                return default
            text = (
                "iterable argument is empty"
                if sys.version_info >= (3, 12)
                else ("arg is an empty sequence")
            )
            self.fail("ValueError", f"{name}() {text}")

        if final == UNBOUND:
            return nothing()
        if isinstance(final, Union):
            possible = self.possible(final)
            empty = [k for k in possible if final.variants[k] == UNBOUND]
            none = self.is_variant(final, empty, possible)
            return self.choose(none, nothing, lambda: self.spread(final, result))
        return result(final)

    def _array_extreme(self, most: bool, items: Arr | Sel) -> Value:
        if isinstance(items, Sel):
            some = self.op("gt", "b1", self.length(items).atom, i64(0))
            name = "max" if most else "min"
            text = f"{name}() arg is an empty sequence"
            if sys.version_info >= (3, 12):
                text = f"{name}() iterable argument is empty"
            self.check(boolean(some), "ValueError", text)
        return self.extreme(most, items)

    def b_max(self, args: Args, keywords: Keywords) -> Value:
        return self._extreme_builtin(True, args, keywords)

    def b_min(self, args: Args, keywords: Keywords) -> Value:
        return self._extreme_builtin(False, args, keywords)

    def b_range(self, args: Args, keywords: Keywords) -> Value:
        parts: list[Num] = []
        for arg in args:
            if not isinstance(arg, Num) or arg.ty in FLOATS:
                self.fail(
                    "TypeError", f"{type_name(arg)!r} object cannot be interpreted as an integer"
                )
            parts.append(self.int_of(arg))
        if len(parts) == 1:
            return Range(number(0), parts[0], number(1))
        if len(parts) == 3 and parts[2].const == 0:
            self.fail("ValueError", "range() arg 3 must not be zero")
        return Range(parts[0], parts[1], parts[2] if len(parts) > 2 else number(1))

    def b_enumerate(self, args: Args, keywords: Keywords) -> Value:
        start = args[1] if len(args) > 1 else keywords.get("start", number(0))
        return Gen("enumerate", (args[0], start))

    def b_zip(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "strict")
        return Gen("zip", tuple(args))

    def b_map(self, args: Args, keywords: Keywords) -> Value:
        if len(args) != 2:
            raise self.refuse("CMP207", "map() over several iterables")
        known = None if isinstance(args[1], Sel) else self.known_items(args[1])
        if known is not None and all(p == TRUE for p, _ in known):
            return Gen("tuples", tuple(self.call(args[0], [v], {}) for _, v in known))
        return Gen("map", tuple(args))

    def b_filter(self, args: Args, keywords: Keywords) -> Value:
        return Gen("filter", tuple(args))

    def b_reversed(self, args: Args, keywords: Keywords) -> Value:
        return Gen("reversed", (args[0],))

    def b_tuple(self, args: Args, keywords: Keywords) -> Value:
        return Tup(self.listed(args[0]) if args else ())

    def b_list(self, args: Args, keywords: Keywords) -> Value:
        if not args:
            return self.new_list(())
        if isinstance(args[0], Words):
            return args[0]
        if isinstance(args[0], Gen) and args[0].kind in ("genexp", "list"):
            return self.list_of(Gen("list", (), args[0].node, args[0].frame))
        return self.new_list(self.listed(args[0]))

    def b_set(self, args: Args, keywords: Keywords) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = SetCell()
        if args:
            self.iterate(args[0], lambda item: self.set_add(cell, item))
        return cell

    def b_dict(self, args: Args, keywords: Keywords) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell()
        if args:
            content = self.pt.heap[args[0].cell] if isinstance(args[0], Ref) else None
            if isinstance(content, DictCell):
                self.pt.heap[cell.cell] = DictCell(content.entries, None, content.ordered)
            else:
                for pair in self.listed(args[0]):
                    key, value = self.listed(pair)
                    self.set_key(cell, key, value)
        for name, value in keywords.items():
            self.set_key(cell, Str(name), value)
        return cell

    def b_sorted(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "key", "reverse")
        items = list(self.listed(args[0]))
        if len(items) > 12:
            raise self.refuse("CMP515", "sorted() of more than 12 elements")
        key = keywords.get("key")
        down = bool(self.constant(keywords.get("reverse", number(False)), "reverse="))
        pairs: list[Value] = [
            Tup((v if key is None or isinstance(key, NoneV) else self.call(key, [v], {}), v))
            for v in items
        ]
        op: ast.cmpop = ast.Gt() if down else ast.Lt()
        for stop in range(len(pairs) - 1, 0, -1):
            for k in range(stop):
                a, b = pairs[k], pairs[k + 1]
                assert isinstance(a, Tup)
                assert isinstance(b, Tup)
                swap = self.truth(self.compare(op, b.items[0], a.items[0]))
                both = self.choose(
                    swap,
                    lambda a=a, b=b: Tup((b, a)),  # type: ignore[misc]
                    lambda a=a, b=b: Tup((a, b)),  # type: ignore[misc]
                )
                assert isinstance(both, Tup)
                pairs[k], pairs[k + 1] = both.items
        return self.new_list(tuple(p.items[1] for p in pairs if isinstance(p, Tup)))

    def b_round(self, args: Args, keywords: Keywords) -> Value:
        if len(args) > 1 and not isinstance(args[1], NoneV):
            raise self.refuse("CMP410", "round() to a number of digits")
        if isinstance(args[0], Arr):
            return self.ufunc("rint", args[0])
        return self.round_of(self.number_of(args[0]))

    def b_divmod(self, args: Args, keywords: Keywords) -> Value:
        return Tup(
            (
                self.binary(ast.FloorDiv(), args[0], args[1]),
                self.binary(ast.Mod(), args[0], args[1]),
            )
        )

    def b_pow(self, args: Args, keywords: Keywords) -> Value:
        if len(args) != 2:
            raise self.refuse("CMP407", "pow() with a modulus")
        return self.binary(ast.Pow(), args[0], args[1])

    def b_print(self, args: Args, keywords: Keywords) -> Value:
        return NONE

    def b_str(self, args: Args, keywords: Keywords) -> Value:
        if not args:
            return Str("")
        match args[0]:
            case Str():
                return args[0]
            case Num() if args[0].const is not None and args[0].weak is True:
                return Str(str(args[0].const))
            case Text():
                return args[0]
        raise self.refuse("CMP601", "a string made of a value that is not known")

    def b_isinstance(self, args: Args, keywords: Keywords) -> Value:
        value, kinds = args
        items = kinds.items if isinstance(kinds, Tup) else (kinds,)
        return number(any(self._is_kind(value, kind) for kind in items))

    def _is_kind(self, value: Value, kind: Value) -> bool:
        if isinstance(value, Num) and isinstance(kind, Dty):
            if not isinstance(value.weak, bool):
                if value.ty == "f64" and kind.name == "float":
                    return True
                raise self.refuse("CMP405", "isinstance of a number of unknown kind")
            if kind.weak:
                if kind.ty == "f64":
                    return value.ty == "f64"
                if kind.ty == "i64":
                    return value.weak is True and value.ty in ("i64", "b1")
                return value.weak is True and value.ty == "b1"
            return value.weak is False and value.ty == kind.ty
        name = kind.name if isinstance(kind, Builtin) else ""
        content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
        if name == "numpy.ndarray":
            return isinstance(value, Arr | Sel)
        if name in ("str", "tuple", "list", "dict", "set"):
            return {
                "str": isinstance(value, Str | Text),
                "tuple": isinstance(value, Tup),
                "list": isinstance(content, ListCell) and content.kind == "list",
                "dict": isinstance(content, DictCell),
                "set": isinstance(content, SetCell),
            }[name]
        if isinstance(kind, Cls):
            return isinstance(content, ObjCell) and content.cls is kind
        if isinstance(value, Num) and name.startswith("numpy.") and isinstance(value.weak, bool):
            if name == "numpy.integer":
                return not value.weak and value.ty not in FLOATS and value.ty != "b1"
            if name == "numpy.floating":
                return not value.weak and value.ty in FLOATS
            if name in ("numpy.number", "numpy.generic"):
                return not value.weak
        if isinstance(kind, Dty):
            return False
        raise self.refuse("CMP411", "isinstance with this class")

    def b_hasattr(self, args: Args, keywords: Keywords) -> Value:
        owner, name = args
        content = self.pt.heap[owner.cell] if isinstance(owner, Ref) else None
        if isinstance(content, ObjCell) and isinstance(name, Str):
            value = dict(content.attributes).get(name.text)
            if value is None:
                return number(name.text in content.cls.body)
            if isinstance(value, Union):
                possible = self.possible(value)
                have = [k for k in possible if value.variants[k] != UNBOUND]
                return self.is_variant(value, have, possible)
            return number(value != UNBOUND)
        raise self.refuse("CMP411", "hasattr of something else than an object")

    def b_next(self, args: Args, keywords: Keywords) -> Value:
        held = ("next", self.number())
        target = self.target("next")
        default = args[1] if len(args) > 1 else None
        self.pt.vars[held] = UNBOUND if default is None else default

        def one(item: Value) -> None:
            self.pt.vars[held] = item
            self.leave(target)

        self.block(target, lambda: self.iterate(args[0], one))
        found = self.pt.vars.pop(held)
        if default is not None:
            return found
        if found == UNBOUND:
            self.fail("StopIteration", "")
        if isinstance(found, Union):
            possible = self.possible(found)
            have = [k for k in possible if found.variants[k] != UNBOUND]
            self.check(self.is_variant(found, have, possible), "StopIteration", "")
        return found

    def b_slice(self, args: Args, keywords: Keywords) -> Value:
        if len(args) == 1:
            return SliceV(NONE, args[0], NONE)
        return SliceV(args[0], args[1], args[2] if len(args) > 2 else NONE)

    def b_iter(self, args: Args, keywords: Keywords) -> Value:
        return args[0]

    # -- lists made by comprehensions

    def list_of(self, value: Gen) -> Value:
        entry = self.pt
        lengths = [len(target.exits) for target in self.active]
        trial = entry.fork([])
        before = len(entry.block)
        self.current = trial
        items: list[Value] = []
        point: list[Any] = []

        def one(item: Value) -> None:
            if self.current is None or self.pt.block is not trial.block:
                raise _UnknownLength
            point.append(self.pt)
            items.append(item)

        try:
            with self.path():
                self.generate(value, one)
            if self.current is not None and self.pt.block is trial.block:
                entry.block.extend(trial.block)
                self.current.block = entry.block
                return self.new_list(tuple(items))
            raise _UnknownLength
        except _UnknownLength:
            self.current = entry
            del entry.block[before:]
            for target, length in zip(self.active, lengths, strict=True):
                del target.exits[length:]
        return self._list_on_demand(value)

    def _list_on_demand(self, value: Gen) -> Value:
        """Keep a list of unknown length as the loop that makes it, with what it reads fixed."""
        node = value.node
        assert isinstance(node, ast.ListComp | ast.GeneratorExp)
        assert value.frame is not None
        # Names keep the values they have now, whatever is assigned to them later.
        outer = self.frame
        self.frame = value.frame
        frame = Frame(self.number(), frozenset(_free(node)), value.frame, "<list>")
        captured: list[tuple[int, object]] = []
        for name in sorted(_free(node)):
            found: Value | None = None
            scope: Frame | None = value.frame
            while scope is not None:
                if (scope.number, name) in self.pt.vars:
                    found = self.pt.vars[(scope.number, name)]
                    break
                scope = scope.parent
            if found is None:
                continue
            self.pt.vars[(frame.number, name)] = found
            for cell in _cells_of(found):
                captured.append((cell, self.pt.heap[cell]))
        self.frame = outer
        names = frozenset(name for name in frame.names if (frame.number, name) in self.pt.vars)
        fixed = Frame(frame.number, names, value.frame, "<list>")
        made = Gen("list", tuple(captured), node, fixed)
        # Errors come when the list is made, so it is gone through once here.
        self.iterate(made, lambda item: None)
        return made

    def generate(self, value: Gen, body: Callable[[Value], None]) -> None:
        for part in value.parts:
            cell, content = part
            now = self.pt.heap.get(cell)
            if now is not content and now != content:
                raise self.refuse("CMP318", "a list of unknown length outlives what it was made of")
        super().generate(value, body)

    # -- lists

    def l_append(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        self.list_append(owner, args[1])
        return NONE

    def list_append(self, target: Ref, item: Value) -> None:
        content = self.pt.heap[target.cell]
        assert isinstance(content, ListCell)
        items, length, most = content.items, content.length, content.maxlen
        if length is None:
            grown = (*items, item)
            if most is not None and len(grown) > most:
                grown = grown[len(grown) - most :]
            self.pt.heap[target.cell] = ListCell(grown, None, most, content.kind)
            return
        if most is not None and len(items) >= most:
            self._append_full(target, content, item)
            return
        self._append_somewhere(target, content, item)

    def _append_somewhere(self, target: Ref, content: ListCell, item: Value) -> None:
        """Append where the length is not known: each slot may be the one."""
        assert content.length is not None
        items = list(content.items)
        for k, old in enumerate(items):
            here = boolean(self.op("eq", "b1", content.length.atom, i64(k)))
            if k >= content.length.low:
                items[k] = self.choose(here, lambda: item, lambda old=old: old)  # type: ignore[misc]
        items.append(item)
        length = integer(
            self.op("add", "i64", content.length.atom, i64(1)),
            content.length.low + 1,
            len(items),
        )
        self.pt.heap[target.cell] = ListCell(tuple(items), length, content.maxlen, content.kind)

    def _append_full(self, target: Ref, content: ListCell, item: Value) -> None:
        """Append to a deque that may be full: then everything moves by one."""
        assert content.length is not None
        assert content.maxlen is not None
        full = boolean(self.op("eq", "b1", content.length.atom, i64(content.maxlen)))
        items = content.items
        made: list[Value] = []
        for k, old in enumerate(items):
            after = items[k + 1] if k + 1 < len(items) else item
            here = boolean(self.op("eq", "b1", content.length.atom, i64(k)))
            made.append(
                self.choose(
                    full,
                    lambda after=after: after,  # type: ignore[misc]
                    lambda old=old, here=here: self.choose(here, lambda: item, lambda: old),  # type: ignore[misc]
                )
            )
        more = self.op("add", "i64", content.length.atom, i64(1))
        length = self.op("select", "i64", full.atom, content.length.atom, more)
        self.pt.heap[target.cell] = ListCell(
            tuple(made),
            integer(length, min(content.length.low + 1, content.maxlen), content.maxlen),
            content.maxlen,
            content.kind,
        )

    def l_extend(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        self.iterate(args[1], lambda item: self.list_append(owner, item))
        return NONE

    def l_index(self, args: Args, keywords: Keywords) -> Value:
        owner, value = args[0], args[1]
        items = self.listed(owner)
        key = key_of(value)
        if key is not None and all(key_of(item) is not None for item in items):
            for k, item in enumerate(items):
                if key_of(item) == key:
                    return number(k)
            self.fail("ValueError", "value is not in list")
        found: Atom = i64(-1)
        for k in range(len(items) - 1, -1, -1):
            same = self.truth(
                self.spread(items[k], lambda v: self.spread(value, lambda w: self.equal(v, w)))
            )
            found = self.op("select", "i64", same.atom, i64(k), found)
        good = self.op("ge", "b1", found, i64(0))
        self.check(boolean(good), "ValueError", "value is not in list")
        return integer(found, 0, max(len(items) - 1, 0))

    def l_count(self, args: Args, keywords: Keywords) -> Value:
        total: Value = number(0)

        def add(a: Value, item: Value) -> Value:
            same = self.truth(self.spread(item, lambda v: self.equal(v, args[1])))
            return self.binary(ast.Add(), a, same)

        total = self.fold(args[0], total, add)
        return total

    def l_copy(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        cell = self.number()
        self.pt.heap[cell] = self.pt.heap[owner.cell]
        return Ref(cell)

    def l_clear(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        if isinstance(content, ListCell):
            self.pt.heap[owner.cell] = ListCell((), None, content.maxlen, content.kind)
        elif isinstance(content, DictCell):
            self.pt.heap[owner.cell] = DictCell((), content.factory, True, content.kind)
        else:
            self.pt.heap[owner.cell] = SetCell()
        return NONE

    def l_pop(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        assert isinstance(content, ListCell)
        if content.length is not None:
            raise self.refuse("CMP208", "pop() of a list whose length depends on the data")
        if not content.items:
            self.fail("IndexError", "pop from empty list")
        place = self.constant(args[1], "the index of pop()") if len(args) > 1 else -1
        if not -len(content.items) <= place < len(content.items):
            self.fail("IndexError", "pop index out of range")
        items = list(content.items)
        found = items.pop(place)
        self.pt.heap[owner.cell] = ListCell(tuple(items), None, content.maxlen, content.kind)
        return found

    def l_popleft(self, args: Args, keywords: Keywords) -> Value:
        return self.l_pop([args[0], number(0)], {})

    # -- dicts

    def d_get(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        assert isinstance(content, DictCell)
        default = args[2] if len(args) > 2 else NONE
        return self.dict_item(owner, content, args[1], lambda: default)

    def d_keys(self, args: Args, keywords: Keywords) -> Value:
        return Gen("keys", (args[0],))

    def d_values(self, args: Args, keywords: Keywords) -> Value:
        return Gen("values", (args[0],))

    def d_items(self, args: Args, keywords: Keywords) -> Value:
        return Gen("items", (args[0],))

    def d_update(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        if len(args) > 1:
            self.update_dict(owner, args[1])
        for name, value in keywords.items():
            self.set_key(owner, Str(name), value)
        return NONE

    def d_setdefault(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        assert isinstance(content, DictCell)
        default = args[2] if len(args) > 2 else NONE

        def missing() -> Value:
            self.set_key(owner, args[1], default)
            return default

        return self.dict_item(owner, content, args[1], missing)

    # -- sets

    def set_add(self, target: Ref, item: Value) -> None:
        if isinstance(item, Union):

            def one(variant: Value) -> Value:
                self.set_add(target, variant)
                return NONE

            self.spread(item, one)
            return
        content = self.pt.heap[target.cell]
        assert isinstance(content, SetCell)
        key = key_of(item)
        if key is None:
            raise self.refuse("CMP201", "a set of values that depend on the data")
        entries = [(k, v, TRUE if k == key else p) for k, v, p in content.entries]
        if key not in [k for k, _, _ in content.entries]:
            entries.append((key, item, TRUE))
        self.pt.heap[target.cell] = SetCell(tuple(entries))

    def s_add(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        self.set_add(owner, args[1])
        return NONE

    def s_discard(self, args: Args, keywords: Keywords) -> Value:
        owner = args[0]
        assert isinstance(owner, Ref)
        content = self.pt.heap[owner.cell]
        assert isinstance(content, SetCell)
        key = key_of(args[1])
        if key is None:
            raise self.refuse("CMP201", "a set of values that depend on the data")
        self.pt.heap[owner.cell] = SetCell(
            tuple((k, v, FALSE if k == key else p) for k, v, p in content.entries)
        )
        return NONE

    # -- tuples

    def t_index(self, args: Args, keywords: Keywords) -> Value:
        return self.l_index(args, keywords)

    # -- strings that are known

    def text_method(self, args: Args, keywords: Keywords) -> Value:
        raise self.refuse("CMP602", "this method of a string")

    # -- collections, functools

    def c_deque(self, args: Args, keywords: Keywords) -> Value:
        most = keywords.get("maxlen", args[1] if len(args) > 1 else NONE)
        cap = None if isinstance(most, NoneV) else self.constant(most, "maxlen")
        items = self.listed(args[0]) if args else ()
        if cap is not None and len(items) > cap:
            items = items[len(items) - cap :]
        cell = self.number()
        self.pt.heap[cell] = ListCell(items, None, cap, "deque")
        return Ref(cell)

    def c_defaultdict(self, args: Args, keywords: Keywords) -> Value:
        cell = self.number()
        factory = args[0] if args and not isinstance(args[0], NoneV) else None
        self.pt.heap[cell] = DictCell((), factory, True, "defaultdict")
        return Ref(cell)

    def c_counter(self, args: Args, keywords: Keywords) -> Value:
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell((), None, True, "counter")

        def one(item: Value) -> None:
            content = self.pt.heap[cell.cell]
            assert isinstance(content, DictCell)
            old = self.dict_item(cell, content, item, lambda: number(0))
            self.set_key(cell, item, self.binary(ast.Add(), old, number(1)))

        if args:
            self.iterate(args[0], one)
        return cell

    def c_namedtuple(self, args: Args, keywords: Keywords) -> Value:
        name, fields = args
        if not isinstance(name, Str):
            raise self.refuse("CMP409", "a name that depends on the data")
        if isinstance(fields, Str):
            names = fields.text.replace(",", " ").split()
        else:
            names = [item.text for item in self.listed(fields) if isinstance(item, Str)]
        made = Cls(name.text, {}, (), tuple((n, None, None) for n in names), "namedtuple")
        return made

    def c_dataclass(self, args: Args, keywords: Keywords) -> Value:
        return Builtin("dataclasses.dataclass")

    def c_field(self, args: Args, keywords: Keywords) -> Value:
        if "default_factory" in keywords:
            return Builtin("field", Tup((Str("factory"), keywords["default_factory"])))
        if "default" in keywords:
            return keywords["default"]
        raise self.refuse("CMP408", "field() without a default")

    def i_combinations(self, args: Args, keywords: Keywords) -> Value:
        items = self.listed(args[0])
        size = self.constant(args[1], "the size of combinations")
        return Gen("tuples", tuple(Tup(tuple(p)) for p in itertools.combinations(items, size)))

    def i_product(self, args: Args, keywords: Keywords) -> Value:
        repeat = self.constant(keywords.get("repeat", number(1)), "repeat")
        parts = [self.listed(arg) for arg in args] * repeat
        size = 1
        for part in parts:
            size *= len(part)
        if size > 256:
            raise self.refuse("CMP319", "a product of more than 256 combinations")
        return Gen("tuples", tuple(Tup(tuple(p)) for p in itertools.product(*parts)))

    def i_pairwise(self, args: Args, keywords: Keywords) -> Value:
        items = self.listed(args[0])
        return Gen("tuples", tuple(Tup(p) for p in itertools.pairwise(items)))

    def i_chain(self, args: Args, keywords: Keywords) -> Value:
        return Gen("tuples", tuple(v for arg in args for v in self.listed(arg)))

    def f_partial(self, args: Args, keywords: Keywords) -> Value:
        raise self.refuse("CMP407", "functools.partial is not taken")

    def f_reduce(self, args: Args, keywords: Keywords) -> Value:
        if len(args) < 3:
            items = self.listed(args[1])
            if not items:
                self.fail("TypeError", "reduce() of empty iterable with no initial value")
            result = items[0]
            for item in items[1:]:
                result = self.call(args[0], [result, item], {})
            return result
        return self.fold(args[1], args[2], lambda a, b: self.call(args[0], [a, b], {}))

    def ignored(self, args: Args, keywords: Keywords) -> Value:
        return Builtin("decorator")

    def float_is_integer(self, args: Args, keywords: Keywords) -> Value:
        value = self.number_of(args[0])
        whole = self.op("eq", "b1", value.atom, self.op("floor", value.ty, value.atom))
        finite = self.op("lt", "b1", self.op("abs", value.ty, value.atom), Lit(math.inf, value.ty))
        return boolean(self.both(whole, finite))

    # -- numpy: making arrays

    def np_array(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "dtype", "copy")
        ty = self.dtype_value(keywords.get("dtype", args[1] if len(args) > 1 else None))
        value = args[0]
        if isinstance(value, Sel):
            return (
                value
                if ty in (None, value.ty)
                else self.np_astype([value, Dty("", ty or "", False)], {})
            )
        if isinstance(value, Gen):
            if value.kind == "list":
                raise self.refuse("CMP503", "an array made of a list of unknown length")
            value = self.new_list(self.listed(value))
        found = self.as_array(value, ty)
        if isinstance(found, Arr) and found == value:
            return self.copy_of(found)
        return found

    def copy_of(self, array: Arr) -> Arr:
        """Copy an array."""
        content = self.pt.heap[array.cell]
        if isinstance(content, Buffer):
            return self.materialise(array)
        return self.still(array)

    def np_asarray(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(keywords.get("dtype", args[1] if len(args) > 1 else None))
        if isinstance(args[0], Arr) and ty in (None, args[0].ty):
            return args[0]
        return self.np_array(args, keywords)

    def _filled(self, shape: tuple[int, ...], ty: Ty, value: Atom) -> Arr:
        size = 1
        for extent in shape:
            size *= extent
        if size <= 64:
            self.charge(1 + size // 16)
            return self.of_atoms(shape, ty, (value,) * size)
        return self.make(shape, ty, lambda index: value, (), lambda position: value)

    def _zeros(self, shape: tuple[int, ...], ty: Ty, one: bool) -> Arr:
        value: Atom = Lit(float(one), ty) if ty in FLOATS else Lit(int(one), ty)
        return self._filled(shape, ty, Lit(one, ty) if ty == "b1" else value)

    def np_zeros(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(keywords.get("dtype", args[1] if len(args) > 1 else None))
        shape = self.shape_of_value(args[0] if args else keywords["shape"])
        return self._zeros(shape, ty or "f64", False)

    def np_ones(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(keywords.get("dtype", args[1] if len(args) > 1 else None))
        shape = self.shape_of_value(args[0] if args else keywords["shape"])
        return self._zeros(shape, ty or "f64", True)

    def np_full(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(keywords.get("dtype", args[2] if len(args) > 2 else None))
        value = self.number_of(args[1] if len(args) > 1 else keywords["fill_value"])
        target = ty or value.ty
        return self._filled(self.shape_of_value(args[0]), target, self.stored(value, target))

    def np_zeros_like(self, args: Args, keywords: Keywords) -> Value:
        return self._like(args[0], keywords, False)

    def np_ones_like(self, args: Args, keywords: Keywords) -> Value:
        return self._like(args[0], keywords, True)

    def np_full_like(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        shape = array.shape if isinstance(array, Arr) else ()
        ty = self.dtype_value(keywords.get("dtype")) or array.ty
        return self._filled(shape, ty, self.stored(self.number_of(args[1]), ty))

    def _like(self, value: Value, keywords: Keywords, one: bool) -> Value:
        array = self.as_array(value)
        ty = self.dtype_value(keywords.get("dtype")) or array.ty
        if isinstance(array, Num):
            return self.item(Lit(float(one) if ty in FLOATS else int(one), ty))
        return self._zeros(array.shape, ty, one)

    def np_arange(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(keywords.get("dtype"))
        parts = [self.number_of(arg).const for arg in args]
        if any(part is None for part in parts):
            raise self.refuse("CMP409", "a shape that depends on the data")
        known = np.arange(*[part for part in parts if part is not None])
        found = ty_of(known.dtype)
        assert found is not None
        array = self.of_known(known)
        return array if ty in (None, found) else self.astype(array, ty or found)

    def of_known(self, values: np.ndarray[Any, Any]) -> Arr:
        """Make an array of values known now."""
        ty = ty_of(values.dtype)
        assert ty is not None
        if values.size > 4096:
            raise self.refuse("CMP502", "a constant array of more than 4096 elements")
        atoms = tuple(Lit(value, ty) for value in values.ravel().tolist())
        return self.of_atoms(values.shape, ty, atoms)

    def np_linspace(self, args: Args, keywords: Keywords) -> Value:
        start, stop = (self.number_of(arg).const for arg in args[:2])
        count = self.constant(args[2] if len(args) > 2 else keywords.get("num", number(50)), "num")
        if start is None or stop is None:
            raise self.refuse("CMP409", "linspace between numbers that depend on the data")
        ends = bool(self.constant(keywords.get("endpoint", number(True)), "endpoint"))
        return self.of_known(np.linspace(float(start), float(stop), count, endpoint=ends))

    def np_eye(self, args: Args, keywords: Keywords) -> Value:
        count = self.constant(args[0], "the size of eye()")
        return self.of_known(np.eye(min(count, 64)))

    def np_diag(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num) or len(array.shape) > 2 or len(args) > 1:
            raise self.refuse("CMP408", "diag() of this")
        if len(array.shape) == 2:
            count = min(array.shape)
            origin = self.still(array)
            return self.make((count,), array.ty, lambda i: self.get(origin, (i[0], i[0])),
                             self.deps(array))  # fmt: skip
        size = array.shape[0]
        if size > 8:
            raise self.refuse("CMP408", "diag() of more than 8 elements")
        zero: Atom = Lit(0.0, array.ty) if array.ty in FLOATS else Lit(0, array.ty)
        atoms = tuple(
            self.get(array, (i64(i),)) if i == j else zero for i in range(size) for j in range(size)
        )
        return self.of_atoms((size, size), array.ty, atoms)

    # -- numpy: shapes

    def np_astype(self, args: Args, keywords: Keywords) -> Value:
        ty = self.dtype_value(args[1] if len(args) > 1 else keywords.get("dtype"))
        assert ty is not None
        value = args[0]
        if isinstance(value, Num):
            return self.item(self.cast(value.atom, ty))
        if isinstance(value, Sel):
            return Sel(
                value.domain, value.keep,
                lambda i, r: self.cast(value.element(i, r), ty), ty, value.tail, value.deps,
                value.source,
            )  # fmt: skip
        array = self.as_array(value)
        assert isinstance(array, Arr)
        return self.astype(array, ty)

    def a_copy(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        return self.copy_of(value) if isinstance(value, Arr) else value

    def a_tolist(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Num):
            return self.python_number(value)
        if not isinstance(value, Arr):
            raise self.refuse("CMP503", "a list of a selection")
        if value.size > 64:
            raise self.refuse("CMP312", "tolist() of more than 64 elements")
        return self.new_list(
            tuple(
                self.a_tolist([self.subview(value, [number(k)])], {}) for k in range(value.shape[0])
            )
        )

    def python_number(self, value: Num) -> Num:
        """Compute ``value.item()``."""
        if value.ty in FLOATS:
            return self.float_of(value)
        return boolean(value.atom) if value.ty == "b1" else self.int_of(value)

    def a_item(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        if isinstance(value, Arr):
            if value.size != 1:
                self.fail("ValueError", "can only convert an array of size 1 to a Python scalar")
            value = self.item(self.get(value, tuple(i64(0) for _ in value.shape)))
        assert isinstance(value, Num)
        return self.python_number(value)

    def a_reshape(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        rest = args[1:]
        if len(rest) == 1:
            shape = self.shape_of_value(rest[0])
        else:
            shape = tuple(self.constant(part, "a shape") for part in rest)
        if isinstance(array, Num):
            return self.reshape(self.of_atoms((1,), array.ty, (array.atom,)), shape)
        return self.reshape(array, shape)

    def a_ravel(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num):
            return self.of_atoms((1,), array.ty, (array.atom,))
        return self.reshape(array, (array.size,))

    def a_flatten(self, args: Args, keywords: Keywords) -> Value:
        return self.a_copy([self.a_ravel(args, keywords)], {})

    def np_transpose(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num):
            return array
        if len(args) > 1 and not isinstance(args[1], NoneV):
            rest = args[1:] if isinstance(args[1], Num) else list(self.listed(args[1]))
            return self.transpose(array, tuple(self.constant(part, "an axis") for part in rest))
        return self.transpose(array)

    def np_squeeze(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num):
            return array
        shape = tuple(size for size in array.shape if size != 1)
        if not shape:
            return self.item(self.get_flat(array, i64(0)))
        return self.reshape(array, shape)

    def np_expand_dims(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        axis = self.constant(args[1] if len(args) > 1 else keywords["axis"], "an axis")
        shape = array.shape if isinstance(array, Arr) else ()
        place = axis % (len(shape) + 1)
        return self.a_reshape(
            [array, Tup(tuple(number(s) for s in (*shape[:place], 1, *shape[place:])))], {}
        )

    def _arrays(self, value: Value) -> list[Arr | Num]:
        return [self.as_array(item) for item in self.listed(value)]

    def np_concatenate(self, args: Args, keywords: Keywords) -> Value:
        parts = self._arrays(args[0])
        axis = self.constant(
            args[1] if len(args) > 1 else keywords.get("axis", number(0)), "an axis"
        )
        arrays = [part for part in parts if isinstance(part, Arr)]
        if len(arrays) != len(parts):
            self.fail("ValueError", "zero-dimensional arrays cannot be concatenated")
        first = arrays[0].shape
        place = axis % len(first)
        for other in arrays[1:]:
            same = other.shape[:place] + other.shape[place + 1 :]
            if len(other.shape) != len(first) or same != first[:place] + first[place + 1 :]:
                self.fail("ValueError", "all the input array dimensions must match exactly")
        total = sum(array.shape[place] for array in arrays)
        shape = (*first[:place], total, *first[place + 1 :])
        ty = self.common([array.ty for array in arrays])
        return self.join_parts(list(arrays), shape, ty, place)

    def np_stack(self, args: Args, keywords: Keywords) -> Value:
        axis = self.constant(
            args[1] if len(args) > 1 else keywords.get("axis", number(0)), "an axis"
        )
        items = self.listed(args[0])
        parts = [self.as_array(item) for item in items]
        shapes = {part.shape if isinstance(part, Arr) else () for part in parts}
        if len(shapes) != 1:
            self.fail("ValueError", "all input arrays must have the same shape")
        stacked = self.stack(parts, None)
        depth = len(stacked.shape)
        place = axis % depth
        if place == 0:
            return stacked
        order = list(range(1, depth))
        order.insert(place, 0)
        return self.transpose(stacked, tuple(order))

    def np_vstack(self, args: Args, keywords: Keywords) -> Value:
        parts = []
        for part in self._arrays(args[0]):
            if isinstance(part, Num):
                part = self.of_atoms((1,), part.ty, (part.atom,))
            parts.append(self.reshape(part, (1, *part.shape)) if len(part.shape) == 1 else part)
        return self.np_concatenate([Tup(tuple(parts))], {})

    def np_hstack(self, args: Args, keywords: Keywords) -> Value:
        parts: list[Value] = []
        for part in self._arrays(args[0]):
            parts.append(
                self.of_atoms((1,), part.ty, (part.atom,)) if isinstance(part, Num) else part
            )
        flat = all(isinstance(part, Arr) and len(part.shape) == 1 for part in parts)
        return self.np_concatenate([Tup(tuple(parts)), number(0 if flat else 1)], {})

    def np_split(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        axis = self.constant(
            args[2] if len(args) > 2 else keywords.get("axis", number(0)), "an axis"
        )
        size = array.shape[axis]
        if isinstance(args[1], Num):
            count = self.constant(args[1], "the number of parts")
            if size % count:
                self.fail("ValueError", "array split does not result in an equal division")
            cuts = [size // count * k for k in range(1, count)]
        else:
            cuts = [self.constant(cut, "a place to split") for cut in self.listed(args[1])]
        edges = [0, *cuts, size]
        found: list[Value] = []
        for start, stop in itertools.pairwise(edges):
            parts: list[Value] = [SliceV(NONE, NONE, NONE)] * (axis % len(array.shape))
            parts.append(SliceV(number(start), number(stop), NONE))
            found.append(self.subview(array, parts))
        return self.new_list(tuple(found))

    def np_diff(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        times = self.constant(args[1] if len(args) > 1 else keywords.get("n", number(1)), "n")
        axis = self.constant(keywords.get("axis", number(-1)), "an axis") % len(array.shape)
        for _ in range(times):
            before: list[Value] = [SliceV(NONE, NONE, NONE)] * axis
            high = self.subview(array, [*before, SliceV(number(1), NONE, NONE)])
            low = self.subview(array, [*before, SliceV(NONE, number(-1), NONE)])
            name = "not_equal" if array.ty == "b1" else "subtract"
            result = self.ufunc(name, high, low)
            assert isinstance(result, Arr)
            array = result
        return array

    def np_flip(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        axis = keywords.get("axis", args[1] if len(args) > 1 else NONE)
        axes = self.axes_of(array, axis)
        back = SliceV(NONE, NONE, number(-1))
        keep = SliceV(NONE, NONE, NONE)
        return self.subview(
            array,
            [back if axes is None or k in axes else keep for k in range(len(array.shape))],
        )

    def np_roll(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        if len(array.shape) != 1:
            raise self.refuse("CMP408", "roll() of more than one axis")
        shift = self.constant(args[1], "a shift")
        size = array.shape[0]
        origin = self.still(array)

        def rule(index: Index) -> Atom:
            moved = self.op("add", "i64", index[0], i64(-shift % max(size, 1)))
            return self.get(origin, (self.op("mod", "i64", moved, i64(max(size, 1))),))

        return self.make(array.shape, array.ty, rule, self.deps(array))

    def np_tile(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        times = self.constant(args[1], "the number of copies")
        if len(array.shape) != 1:
            raise self.refuse("CMP408", "tile() of more than one axis")
        size = array.shape[0]
        origin = self.still(array)
        return self.make(
            (size * times,), array.ty,
            lambda i: self.get(origin, (self.op("mod", "i64", i[0], i64(max(size, 1))),)),
            self.deps(array),
        )  # fmt: skip

    # -- numpy: reductions

    def _axis(self, args: Args, keywords: Keywords, place: int = 1) -> Value:
        return keywords.get("axis", args[place] if len(args) > place else NONE)

    def _keepdims(self, keywords: Keywords) -> bool:
        return bool(self.constant(keywords.get("keepdims", number(False)), "keepdims"))

    def np_sum(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims", "dtype")
        ty = self.dtype_value(keywords.get("dtype"))
        value = self._reducible(args[0])
        return self.array_sum(value, self._axis(args, keywords), self._keepdims(keywords), ty)

    def _reducible(self, value: Value) -> Value:
        if isinstance(value, Gen) and value.kind != "list":
            return self.new_list(self.listed(value))
        if isinstance(value, Gen | Words):
            raise self.refuse("CMP503", "an array made of a list of unknown length")
        return value

    def np_mean(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.mean(
            self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_var(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims", "ddof")
        ddof = self.constant(keywords.get("ddof", number(0)), "ddof")
        return self.variance(
            self._reducible(args[0]), self._axis(args, keywords), ddof, self._keepdims(keywords)
        )

    def np_std(self, args: Args, keywords: Keywords) -> Value:
        return self.ufunc("sqrt", self.np_var(args, keywords))

    def np_max(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.extreme(
            True, self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_min(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.extreme(
            False, self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_ptp(self, args: Args, keywords: Keywords) -> Value:
        return self.ufunc("subtract", self.np_max(args, keywords), self.np_min(args, keywords))

    def np_prod(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.product(
            self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_any(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.any_or_all(
            False, self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_all(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims")
        return self.any_or_all(
            True, self._reducible(args[0]), self._axis(args, keywords), self._keepdims(keywords)
        )

    def np_argmax(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis")
        return self.arg_extreme(True, self._reducible(args[0]), self._axis(args, keywords))

    def np_argmin(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis")
        return self.arg_extreme(False, self._reducible(args[0]), self._axis(args, keywords))

    def np_count_nonzero(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis")
        return self.count_true(self._reducible(args[0]), self._axis(args, keywords))

    def np_cumsum(self, args: Args, keywords: Keywords) -> Value:
        return self._scan(args, keywords, False)

    def np_cumprod(self, args: Args, keywords: Keywords) -> Value:
        return self._scan(args, keywords, True)

    def _scan(self, args: Args, keywords: Keywords, multiply: bool) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        if len(array.shape) > 1 and not isinstance(self._axis(args, keywords), NoneV):
            raise self.refuse("CMP408", "a cumulative sum along an axis")
        return self.scan(array, multiply)

    def np_median(self, args: Args, keywords: Keywords) -> Value:
        if not isinstance(self._axis(args, keywords), NoneV):
            raise self.refuse("CMP408", "a median along an axis")
        array = self.as_array(args[0])
        if isinstance(array, Num):
            return self.ufunc("multiply", array, number(1.0))
        ty = array.ty if array.ty in FLOATS else "f64"
        atoms = [self.cast(self.get_flat(array, i64(k)), ty) for k in range(min(array.size, 33))]
        nan: Atom = FALSE
        for atom in atoms:
            nan = self.either(nan, self.op("ne", "b1", atom, atom))
        found = self.sorted_atoms(ty, atoms)
        half = len(found) // 2
        middle = found[half]
        if len(found) % 2 == 0:
            total = self.op("add", ty, found[half - 1], found[half])
            middle = self.op("div", ty, total, Lit(2.0, ty))
        return self.item(self.op("select", ty, nan, Lit(math.nan, ty), middle))

    def np_sort(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num) or len(array.shape) != 1 or keywords:
            raise self.refuse("CMP408", "sort() of more than one axis")
        atoms = [self.get(array, (i64(k),)) for k in range(min(array.size, 33))]
        found = self.sorted_atoms(array.ty, atoms)
        return self.of_atoms(array.shape, array.ty, tuple(found))

    # -- numpy: choice

    def np_where(self, args: Args, keywords: Keywords) -> Value:
        if len(args) == 1:
            return self.np_nonzero(args, keywords)
        return self.where(args[0], args[1], args[2])

    def where(self, cond: Value, yes: Value, no: Value) -> Value:
        """Compute ``np.where`` of three arguments."""
        inputs = [cond, yes, no]
        values: list[Num | Arr | Sel] = [
            v if isinstance(v, Num | Arr | Sel) else self.as_array(v) for v in inputs
        ]
        if any(isinstance(v, Sel) for v in values):
            raise self.refuse("CMP508", "where() over a selection")
        kinds = tuple((v.ty, isinstance(v, Num) and v.weak is True) for v in values[1:])
        # What where() promotes to is what adding would, truth values apart.
        tys = {ty for ty, _ in kinds}
        ty = "b1" if tys == {"b1"} else self._promoted(kinds)
        arrays = [self.still(v) for v in values if isinstance(v, Arr)]
        if not arrays:
            c, a, b = (v for v in values if isinstance(v, Num))
            truth = self.cast(c.atom, "b1")
            x, y = self.stored(a, ty), self.stored(b, ty)
            return self.item(self.op("select", ty, truth, x, y))
        shape = self.broadcast([a.shape for a in arrays])
        sources: list[Num | Arr] = [
            self.still(v) if isinstance(v, Arr) else v for v in values if not isinstance(v, Sel)
        ]
        ready = {
            k: self.cast(v.atom, "b1") if k == 0 else self.stored(v, ty)
            for k, v in enumerate(sources)
            if isinstance(v, Num)
        }

        def rule(index: Index) -> Atom:
            parts = []
            for k, v in enumerate(sources):
                if isinstance(v, Num):
                    parts.append(ready[k])
                else:
                    own = index[len(index) - len(v.shape) :]
                    own = tuple(
                        i64(0) if size == 1 else atom
                        for size, atom in zip(v.shape, own, strict=True)
                    )
                    parts.append(self.cast(self.get(v, own), "b1" if k == 0 else ty))
            return self.op("select", ty, *parts)

        deps = tuple(d for a in arrays for d in self.deps(a))
        return self.make(shape, ty, rule, deps)

    def _promoted(self, kinds: tuple[tuple[Ty, bool], ...]) -> Ty:
        values: list[Any] = []
        for ty, weak in kinds:
            if weak and ty == "i64":
                values.append(0)
            elif weak and ty == "f64":
                values.append(0.0)
            else:
                values.append(dtype_of(ty))
        if all(weak for _, weak in kinds):
            values = [dtype_of(ty) for ty, _ in kinds]
        found = ty_of(np.result_type(*values))
        if found is None:
            raise self.refuse("CMP402", "these types promote to one this tier does not have")
        return found

    def ufunc_where(self, mask: Arr, value: Value, owner: Arr) -> Value:
        depth = len(mask.shape)
        if owner.shape[:depth] != mask.shape:
            self.fail("IndexError", "boolean index did not match indexed array")
        if isinstance(value, Arr) and value.shape and value.size > 1:
            raise self.refuse("CMP509", "a masked assignment of several values")
        if depth < len(owner.shape):
            mask = self.reshape(mask, (*mask.shape, *(1,) * (len(owner.shape) - depth)))
        number_value = self.number_of(value) if not isinstance(value, Num) else value
        return self.where(
            mask, self.item(self.stored(number_value, owner.ty)), self.materialise(owner)
        )

    def np_clip(self, args: Args, keywords: Keywords) -> Value:
        low = keywords.get("a_min", keywords.get("min", args[1] if len(args) > 1 else NONE))
        high = keywords.get("a_max", keywords.get("max", args[2] if len(args) > 2 else NONE))
        value = args[0]
        if isinstance(low, Union) or isinstance(high, Union):
            return self.spread(
                low,
                lambda a: self.spread(high, lambda b: self.np_clip([value, a, b], {})),
            )
        if not isinstance(value, Num | Arr | Sel):
            value = self.as_array(value)
        if value.ty not in FLOATS and value.ty != "b1":
            # np.clip leaves out a bound that no element of the type can reach.
            least, most = limits_of(value.ty)
            if isinstance(low, Num) and low.weak is True and low.const is not None:
                low = NONE if low.ty == "i64" and low.const <= least else low
            if isinstance(high, Num) and high.weak is True and high.const is not None:
                high = NONE if high.ty == "i64" and high.const >= most else high
        bounds = [b for b in (low, high) if not isinstance(b, NoneV)]
        if isinstance(value, Num) and all(isinstance(b, Num) for b in bounds):
            everything = [value, *(b for b in bounds if isinstance(b, Num))]
            if all(v.weak is True for v in everything):
                value = Num(value.atom, False, value.low, value.high)
                # np.clip of Python numbers promotes their default types.
                target = self.common([v.ty for v in everything])
                atoms = [self.cast(v.atom, target) for v in everything]
                return self._clip_atoms(target, atoms, low, high)
        result: Value = value
        if not isinstance(low, NoneV):
            result = self._call_ufunc("maximum", [result, low], {})
        if not isinstance(high, NoneV):
            result = self._call_ufunc("minimum", [result, high], {})
        return result

    def _clip_atoms(self, ty: Ty, atoms: list[Atom], low: Value, high: Value) -> Num:
        result = atoms[0]
        rest = atoms[1:]
        if not isinstance(low, NoneV):
            result = self.element("maximum", (ty, ty, ty), result, rest.pop(0))
        if not isinstance(high, NoneV):
            result = self.element("minimum", (ty, ty, ty), result, rest.pop(0))
        return self.item(result)

    def np_nonzero(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        found = self.places(array)
        columns: list[Value] = []
        for k in range(len(array.shape)):
            columns.append(
                Sel(
                    found.domain,
                    found.keep,
                    lambda i, r, k=k: i[k],  # type: ignore[misc]
                    "i64",
                    (),
                    found.deps,
                    found.source,
                    (0, max(array.shape[k] - 1, 0)),
                )  # fmt: skip
            )
        return Tup(tuple(columns))

    def np_argwhere(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        if isinstance(array, Num):
            raise self.refuse("CMP408", "argwhere() of a number")
        return self.places(array)

    def np_flatnonzero(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        assert isinstance(array, Arr)
        return self.np_nonzero([self.reshape(array, (array.size,))], {}).items[0]  # type: ignore[union-attr]

    def np_array_equal(self, args: Args, keywords: Keywords) -> Value:
        a, b = self._comparable(args[0]), self._comparable(args[1])
        shapes = [v.shape if isinstance(v, Arr) else () for v in (a, b)]
        if shapes[0] != shapes[1]:
            return number(False)
        same = self.any_or_all(True, self.ufunc("equal", a, b))
        assert isinstance(same, Num)
        return boolean(same.atom)

    def _comparable(self, value: Value) -> Arr | Num:
        if isinstance(value, Sel):
            raise self.refuse("CMP508", "a comparison of a whole selection")
        return self.as_array(value)

    def np_isin(self, args: Args, keywords: Keywords) -> Value:
        value = args[0]
        result: Value = NONE
        for item in self.listed(args[1]):
            part = self.ufunc("equal", value, item)
            result = part if result == NONE else self.ufunc("logical_or", result, part)
        return result

    def np_isclose(self, args: Args, keywords: Keywords) -> Value:
        rtol = keywords.get("rtol", args[2] if len(args) > 2 else number(1e-5))
        atol = keywords.get("atol", args[3] if len(args) > 3 else number(1e-8))
        a, b = (self.as_float(arg) for arg in args[:2])
        away = self.ufunc("absolute", self.ufunc("subtract", a, b))
        bound = self.ufunc("add", atol, self.ufunc("multiply", rtol, self.ufunc("absolute", b)))
        near = self.ufunc("less_equal", away, bound)
        finite = self.ufunc("isfinite", b)
        same = self.ufunc("equal", a, b)
        return self.ufunc("logical_or", self.ufunc("logical_and", near, finite), same)

    def np_allclose(self, args: Args, keywords: Keywords) -> Value:
        found = self.any_or_all(True, self.np_isclose(args, keywords))
        assert isinstance(found, Num)
        return boolean(found.atom)

    def np_round(self, args: Args, keywords: Keywords) -> Value:
        digits = args[1] if len(args) > 1 else keywords.get("decimals", number(0))
        if self.constant(digits, "decimals") != 0:
            raise self.refuse("CMP410", "rounding to a number of digits")
        return self.ufunc("rint", args[0])

    # -- numpy: products

    def np_dot(self, args: Args, keywords: Keywords) -> Value:
        return self.dot(args[0], args[1])

    def np_matmul(self, args: Args, keywords: Keywords) -> Value:
        return self.matmul(args[0], args[1])

    def np_outer(self, args: Args, keywords: Keywords) -> Value:
        a, b = self.a_ravel([args[0]], {}), self.a_ravel([args[1]], {})
        assert isinstance(a, Arr)
        return self.ufunc("multiply", self.reshape(a, (a.size, 1)), b)

    def np_cross(self, args: Args, keywords: Keywords) -> Value:
        a, b = self.as_array(args[0]), self.as_array(args[1])
        if not (isinstance(a, Arr) and isinstance(b, Arr) and a.shape == b.shape == (3,)):
            raise self.refuse("CMP408", "cross() of other than two vectors of three")
        ty = self.common([a.ty, b.ty])
        if ty == "b1":
            raise self.refuse("CMP401", "cross() of truth values")
        x = [self.cast(self.get(a, (i64(k),)), ty) for k in range(3)]
        y = [self.cast(self.get(b, (i64(k),)), ty) for k in range(3)]
        atoms = []
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            left, right = self.op("mul", ty, x[i], y[j]), self.op("mul", ty, x[j], y[i])
            atoms.append(self.op("sub", ty, left, right))
        return self.of_atoms((3,), ty, tuple(atoms))

    def np_norm(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "keepdims", "ord")
        order = keywords.get("ord", args[1] if len(args) > 1 else NONE)
        value = self._reducible(args[0])
        axis = keywords.get("axis", args[2] if len(args) > 2 else NONE)
        keep = self._keepdims(keywords)
        if not isinstance(order, NoneV):
            known = order.const if isinstance(order, Num) else None
            single = not isinstance(axis, NoneV) or (
                not isinstance(value, Sel) and _axes(self.as_array(value)) == 1
            )
            if not single or known is None:
                raise self.refuse("CMP408", "this order of a norm")
            size = self.ufunc("absolute", self.as_float(value))
            if known == 1:
                return self.array_sum(size, axis, keep)
            if known == math.inf:
                return self.extreme(True, size, axis, keep)
            if known != 2:
                raise self.refuse("CMP408", "this order of a norm")
        return self.norm(value, axis, keep)

    def as_float(self, value: Value) -> Value:
        """Convert integers to float64 as the linear algebra functions do."""
        if isinstance(value, Num | Arr | Sel) and value.ty in FLOATS:
            return value
        return self.np_astype([value if isinstance(value, Sel) else self.as_array(value),
                               Dty("float64", "f64", False)], {})  # fmt: skip

    def np_trace(self, args: Args, keywords: Keywords) -> Value:
        return self.array_sum(self.np_diag([args[0]], {}))

    def np_average(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "weights")
        weights = keywords.get("weights", NONE)
        axis = self._axis(args, keywords)
        if isinstance(weights, NoneV):
            return self.mean(self._reducible(args[0]), axis)
        if not isinstance(axis, NoneV):
            raise self.refuse("CMP408", "a weighted average along an axis")
        weighted = self.ufunc("multiply", args[0], weights)
        total = self.array_sum(self.as_array(weights))
        if isinstance(total, Num):
            zero = self.truth_of(total)
            self.check(zero, "ZeroDivisionError", "Weights sum to zero, can't be normalized")
        return self.ufunc("divide", self.array_sum(weighted), total)

    def np_unravel_index(self, args: Args, keywords: Keywords) -> Value:
        place = self.number_of(args[0])
        shape = self.shape_of_value(args[1] if len(args) > 1 else keywords["shape"])
        size = 1
        for extent in shape:
            size *= extent
        if not (place.low >= 0 and place.high < size):
            text = f"index is out of bounds for array with size {size}"
            above = self.op("ge", "b1", self.cast(place.atom, "i64"), i64(0))
            below = self.op("lt", "b1", self.cast(place.atom, "i64"), i64(size))
            self.check(boolean(self.both(above, below)), "ValueError", text)
        found = self.unravel(self.cast(place.atom, "i64"), shape)
        return Tup(
            tuple(
                Num(atom, False, 0, max(extent - 1, 0))
                for atom, extent in zip(found, shape, strict=True)
            )
        )

    def np_nan_to_num(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "nan", "posinf", "neginf")
        value = args[0] if isinstance(args[0], Num | Arr) else self.as_array(args[0])
        if value.ty not in FLOATS:
            return value
        most = float(np.finfo(np.float32 if value.ty == "f32" else np.float64).max)
        nan = keywords.get("nan", number(0.0))
        infinite = self.ufunc("isinf", value)
        above = self.ufunc("greater", value, number(0.0))
        top = keywords.get("posinf", number(most))
        bottom = keywords.get("neginf", number(-most))
        fixed = self.where(self.ufunc("logical_and", infinite, above), top, value)
        below = self.ufunc("less", value, number(0.0))
        fixed = self.where(self.ufunc("logical_and", infinite, below), bottom, fixed)
        return self.where(self.ufunc("isnan", value), nan, fixed)

    def np_argsort(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        self.no_keywords(keywords, "kind")
        if isinstance(array, Num) or len(array.shape) != 1 or array.size > 16:
            raise self.refuse("CMP515", "argsort() of more than 16 elements or one axis")
        values = [self.get(array, (i64(k),)) for k in range(array.size)]
        places: list[Atom] = [i64(k) for k in range(array.size)]
        for stop in range(len(values) - 1, 0, -1):
            for k in range(stop):
                a, b = values[k], values[k + 1]
                swap = self.op("lt", "b1", b, a)
                if array.ty in FLOATS:
                    nan = self.both(self.op("ne", "b1", a, a), self.op("eq", "b1", b, b))
                    swap = self.either(swap, nan)
                for row, ty in ((values, array.ty), (places, "i64")):
                    x, y = row[k], row[k + 1]
                    row[k] = self.op("select", ty, swap, y, x)
                    row[k + 1] = self.op("select", ty, swap, x, y)
        return self.of_atoms((array.size,), "i64", tuple(places))

    def np_interp(self, args: Args, keywords: Keywords) -> Value:
        raise self.refuse("CMP407", "numpy.interp is not taken")

    def np_unique(self, args: Args, keywords: Keywords) -> Value:
        self.no_keywords(keywords, "axis", "return_counts")
        array = self.as_array(args[0])
        axis = keywords.get("axis", NONE)
        if isinstance(array, Num):
            raise self.refuse("CMP408", "unique() of a number")
        if isinstance(axis, NoneV):
            array = self.reshape(array, (array.size,))
        elif self.constant(axis, "an axis") != 0:
            raise self.refuse("CMP408", "unique() along another axis than the first")
        count = array.shape[0]
        tail = array.shape[1:]
        if count > 16 or array.size > 64 or len(tail) > 1 or array.ty in FLOATS:
            raise self.refuse("CMP515", "unique() of more than 16 integers")
        width = tail[0] if tail else 1
        rows = [
            [self.get_flat(array, i64(k * width + j)) for j in range(width)] for k in range(count)
        ]
        for stop in range(count - 1, 0, -1):
            for k in range(stop):
                swap, level = FALSE, TRUE
                for x, y in zip(rows[k], rows[k + 1], strict=True):
                    swap = self.either(swap, self.both(level, self.op("lt", "b1", y, x)))
                    level = self.both(level, self.op("eq", "b1", x, y))
                for j in range(width):
                    x, y = rows[k][j], rows[k + 1][j]
                    rows[k][j] = self.op("select", array.ty, swap, y, x)
                    rows[k + 1][j] = self.op("select", array.ty, swap, x, y)
        ordered = self.of_atoms(array.shape, array.ty, tuple(a for row in rows for a in row))
        first: list[Atom] = []
        counts: list[Atom] = []
        for k in range(count):
            new: Atom = TRUE
            if k:
                new = FALSE
                for x, y in zip(rows[k - 1], rows[k], strict=True):
                    new = self.either(new, self.op("ne", "b1", x, y))
            first.append(new)
        run: Atom = i64(0)
        for k in range(count - 1, -1, -1):
            # Counted from the end: how many of the same follow, this one included.
            after = (
                FALSE
                if k + 1 < count and first[k + 1] == TRUE
                else (self.inverse(first[k + 1]) if k + 1 < count else FALSE)
            )
            run = self.op("add", "i64", self.op("select", "i64", after, run, i64(0)), i64(1))
            counts.insert(0, run)
        mask = self.of_atoms((count,), "b1", tuple(first))
        found = self.masked(ordered, mask)
        if "return_counts" not in keywords:
            return found
        return Tup((found, self.masked(self.of_atoms((count,), "i64", tuple(counts)), mask)))

    def np_sum_first(self, args: Args, keywords: Keywords) -> Value:
        return self.array_sum(args[0], number(0))

    def np_bincount(self, args: Args, keywords: Keywords) -> Value:
        array = self.as_array(args[0])
        least = self.constant(keywords.get("minlength", number(0)), "minlength")
        if not isinstance(array, Arr) or "weights" in keywords or least < 1:
            raise self.refuse("CMP409", "bincount() without a known length")
        top = self.extreme(True, array)
        assert isinstance(top, Num)
        small = self.op("lt", "b1", self.cast(top.atom, "i64"), i64(least))
        self.check(boolean(small), "OverflowError", "bincount() of more than minlength entries")
        low = self.extreme(False, array)
        assert isinstance(low, Num)
        good = self.op("ge", "b1", self.cast(low.atom, "i64"), i64(0))
        self.check(boolean(good), "ValueError", "'list' argument must have no negative elements")

        def count(index: Index) -> Atom:
            total = self.count_true(
                self.ufunc("equal", array, Num(self.cast(index[0], "i64"), False, 0, least))
            )
            assert isinstance(total, Num)
            return total.atom

        atoms = tuple(count((i64(k),)) for k in range(least))
        return self.of_atoms((least,), "i64", atoms)

    def np_triu_indices(self, args: Args, keywords: Keywords) -> Value:
        n = self.constant(args[0], "a size")
        k = self.constant(args[1] if len(args) > 1 else keywords.get("k", number(0)), "k")
        rows, columns = np.triu_indices(n, k)
        return Tup((self.of_known(rows), self.of_known(columns)))

    def np_convolve(self, args: Args, keywords: Keywords) -> Value:
        x, kernel = self.as_array(args[0]), self.as_array(args[1])
        mode = keywords.get("mode", args[2] if len(args) > 2 else Str("full"))
        if mode != Str("valid") or not (isinstance(x, Arr) and isinstance(kernel, Arr)):
            raise self.refuse("CMP408", "convolve() in another mode than 'valid'")
        if len(x.shape) != 1 or len(kernel.shape) != 1:
            self.fail("ValueError", "object too deep for desired array")
        if x.shape[0] < kernel.shape[0]:
            x, kernel = kernel, x
        ty = self.common([x.ty, kernel.ty])
        width = kernel.shape[0]
        x, kernel = self.still(x), self.still(kernel)

        def rule(index: Index) -> Atom:
            def term(k: Atom) -> Atom:
                place = self.op("add", "i64", index[0], k)
                back = self.op("sub", "i64", i64(width - 1), k)
                return self.op(
                    "mul", ty, self.cast(self.get(x, (place,)), ty),
                    self.cast(self.get(kernel, (back,)), ty),
                )  # fmt: skip

            if ty in FLOATS:
                return self.pairwise(ty, 0, width, term)
            return self.looped(
                (width,), lambda part: term(part[0]), ty, Lit(0, ty),
                lambda a, b: self.op("add", ty, a, b),
            )  # fmt: skip

        deps = (*self.deps(x), *self.deps(kernel))
        return self.make((x.shape[0] - width + 1,), ty, rule, deps)

    # -- indexing with arrays

    def index_advanced(self, owner: Arr, parts: list[Value]) -> Value:
        first = parts[0]
        if isinstance(first, Arr) and first.ty == "b1" and len(parts) == 1:
            return self.masked(owner, first)
        if isinstance(first, Sel) and len(parts) == 1 and first.ty == "b1":
            raise self.refuse("CMP508", "a mask that is itself a selection")
        if any(isinstance(part, Sel) for part in parts):
            return self._gather_selected(owner, parts)
        if all(isinstance(part, Arr | Num) for part in parts):
            return self._gather(owner, parts)
        if len(parts) == 2 and parts[0] == SliceV(NONE, NONE, NONE) and isinstance(parts[1], Arr):
            if parts[1].ty == "b1" or len(owner.shape) != 2:
                raise self.refuse("CMP509", "this index of an array")
            turned = self._gather(self.transpose(owner), [parts[1]])
            assert isinstance(turned, Arr)
            return self.transpose(turned, (1, 0)) if len(turned.shape) == 2 else turned
        raise self.refuse("CMP509", "this index of an array")

    def _gather(self, owner: Arr, parts: list[Value]) -> Value:
        for part in parts:
            if isinstance(part, Arr | Num) and (part.ty in FLOATS or part.ty == "b1"):
                if part.ty == "b1":
                    raise self.refuse("CMP509", "a mask beside other indices")
                self.fail("IndexError", "arrays used as indices must be of integer type")
        arrays = [part for part in parts if isinstance(part, Arr)]
        shape = self.broadcast([part.shape for part in arrays])
        checked: list[Arr | Atom] = []
        for axis, part in enumerate(parts):
            size = owner.shape[axis]
            if isinstance(part, Num):
                checked.append(self.bounded(part, size, "index is out of bounds"))
                continue
            assert isinstance(part, Arr)
            checked.append(self._checked_indices(part, size))
        rest = owner.shape[len(parts) :]
        origin = self.still(owner)

        def rule(index: Index) -> Atom:
            head = index[: len(shape)]
            places: list[Atom] = []
            for part in checked:
                if isinstance(part, Arr):
                    own = head[len(head) - len(part.shape) :]
                    own = tuple(
                        i64(0) if size == 1 else atom
                        for size, atom in zip(part.shape, own, strict=True)
                    )
                    places.append(self.get(part, own))
                else:
                    places.append(part)
            return self.get(origin, (*places, *index[len(shape) :]))

        return self.make((*shape, *rest), owner.ty, rule, self.deps(owner))

    def _checked_indices(self, part: Arr, size: int) -> Arr:
        """Give indices counted from the start, after a check of all of them."""
        if part.size > 64:
            raise self.refuse("CMP509", "an index array of more than 64 elements")
        atoms = []
        for k in range(part.size):
            value = self.item(self.get_flat(part, i64(k)))
            atoms.append(
                self.bounded(value, size, f"index is out of bounds for axis with size {size}")
            )
        return self.of_atoms(part.shape, "i64", tuple(atoms))

    def _gather_selected(self, owner: Arr, parts: list[Value]) -> Value:
        """Index with selected positions: one entry for each of them."""
        sels = [part for part in parts if isinstance(part, Sel)]
        first = sels[0]
        if any(sel.source != first.source or sel.tail for sel in sels) or len(sels) != len(parts):
            raise self.refuse("CMP509", "this index of an array")
        for axis, sel in enumerate(sels):
            if sel.bounds is None or sel.bounds[0] < 0 or sel.bounds[1] >= owner.shape[axis]:
                raise self.refuse("CMP509", "positions that may be outside of this array")
        origin = self.still(owner)

        def element(index: Index, rest: Index) -> Atom:
            places = tuple(sel.element(index, ()) for sel in sels)
            return self.get(origin, (*places, *rest))

        return Sel(
            first.domain, first.keep, element, owner.ty, owner.shape[len(sels) :],
            (*first.deps, *self.deps(owner)), first.source,
        )  # fmt: skip

    def index_selection(self, owner: Sel, index: Value) -> Value:
        parts = list(index.items) if isinstance(index, Tup) else [index]
        head = parts[0]
        if isinstance(head, Num) and head.ty not in FLOATS and head.ty != "b1":
            found = self.nth(owner, head)
            if len(parts) == 1:
                return found
            return self.subscript(found, Tup(tuple(parts[1:])))
        if isinstance(head, Sel) and head.ty == "b1" and len(parts) == 1:
            if head.source != owner.source or head.tail:
                raise self.refuse("CMP508", "two different selections in one expression")
            return Sel(
                owner.domain,
                lambda i: self.both(owner.keep(i), head.element(i, ())),
                owner.element, owner.ty, owner.tail, owner.deps,
                (owner.source, self.number()), owner.bounds,
            )  # fmt: skip
        everything = SliceV(NONE, NONE, NONE)
        if head == everything and len(parts) == 2 and isinstance(parts[1], Num) and owner.tail:
            place = self.bounded(parts[1], owner.tail[0], "index is out of bounds for axis 1")
            return Sel(
                owner.domain, owner.keep, lambda i, r: owner.element(i, (place, *r)), owner.ty,
                owner.tail[1:], owner.deps, owner.source, owner.bounds,
            )  # fmt: skip
        if head == everything and len(parts) == 2 and isinstance(parts[1], SliceV) and owner.tail:
            span = self.slice_of(parts[1], owner.tail[0])

            def part_of(i: Index, r: Index) -> Atom:
                moved = self.op(
                    "add", "i64", i64(span.start), self.op("mul", "i64", r[0], i64(span.step))
                )
                return owner.element(i, (moved, *r[1:]))

            return Sel(
                owner.domain, owner.keep, part_of, owner.ty, (len(span), *owner.tail[1:]),
                owner.deps, owner.source, owner.bounds,
            )  # fmt: skip
        if head == everything and len(parts) == 1:
            return owner
        raise self.refuse("CMP509", "this index of a selection")

    table: dict[str, Callable[[Any, Args, Keywords], Value]] = {}


class _UnknownLength(Exception):  # noqa: N818 - only a way out of a trial
    """A list comprehension has a length that depends on the data."""


def _axes(value: Arr | Num | Sel) -> int:
    if isinstance(value, Arr):
        return len(value.shape)
    return 1 + len(value.tail) if isinstance(value, Sel) else 0


def _may_be_float(value: Value) -> bool:
    if isinstance(value, Union):
        return any(_may_be_float(item) for item in value.variants)
    return isinstance(value, Num) and value.ty == "f64"


def _free(node: ast.AST) -> set[str]:
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}


def _cells_of(value: Value) -> list[int]:
    match value:
        case Ref(cell=cell):
            return [cell]
        case Arr(cell=cell):
            return [cell]
        case Tup(items=items):
            return [cell for item in items for cell in _cells_of(item)]
        case Union(variants=variants):
            return [cell for item in variants for cell in _cells_of(item)]
    return []


_TAKE_UNIONS: Final = frozenset(
    {"list.append", "tuple", "list", "isinstance", "print", "zip", "enumerate", "sum", "any",
     "all", "max", "min", "numpy.clip", "dict.get", "dict.setdefault", "set.add", "dict",
     "numpy.array", "map", "deque.appendleft", "next"}
)  # fmt: skip


def _register() -> None:
    table = Library.table
    for prefix, module in (("b_", ""), ("np_", "numpy."), ("l_", "list."), ("d_", "dict."),
                           ("s_", "set.")):  # fmt: skip
        for name in dir(Library):
            if name.startswith(prefix) and name not in _STATEMENTS:
                table[module + name.removeprefix(prefix)] = getattr(Library, name)
    for name in ("sum", "mean", "var", "std", "max", "min", "prod", "any", "all", "argmax",
                 "argmin", "cumsum", "cumprod", "astype", "clip", "round", "ptp", "nonzero",
                 "dot", "squeeze", "transpose", "sort"):  # fmt: skip
        if name != "sort":
            table[f"array.{name}"] = getattr(Library, f"np_{name}")
    for name in ("copy", "tolist", "item", "reshape", "ravel", "flatten"):
        table[f"array.{name}"] = getattr(Library, f"a_{name}")
    for name in ("reshape", "ravel", "copy"):
        table[f"numpy.{name}"] = getattr(Library, f"a_{name}")
    for name, other in (("amax", "max"), ("amin", "min"), ("round_", "round"),
                        ("around", "round")):  # fmt: skip
        table[f"numpy.{name}"] = table[f"numpy.{other}"]
    table["numpy.sum along the first axis"] = table.pop("numpy.sum_first")
    table["numpy.linalg.norm"] = Library.np_norm
    table["frozenset"] = Library.b_set
    table["set.copy"] = table["dict.copy"] = Library.l_copy
    table["set.clear"] = table["dict.clear"] = Library.l_clear
    table["set.remove"] = Library.s_discard
    table["tuple.index"] = Library.l_index
    table["tuple.count"] = Library.l_count
    table["deque.popleft"] = Library.l_popleft
    table["collections.deque"] = Library.c_deque
    table["collections.defaultdict"] = Library.c_defaultdict
    table["collections.Counter"] = Library.c_counter
    table["collections.OrderedDict"] = Library.b_dict
    table["collections.namedtuple"] = Library.c_namedtuple
    table["dataclasses.dataclass"] = Library.c_dataclass
    table["dataclasses.field"] = Library.c_field
    for name in ("combinations", "product", "pairwise", "chain"):
        table[f"itertools.{name}"] = getattr(Library, f"i_{name}")
    table["functools.reduce"] = Library.f_reduce
    table["functools.lru_cache"] = table["functools.cache"] = Library.ignored
    table["float.is_integer"] = Library.float_is_integer
    del table["set.remove"]


_STATEMENTS: Final = frozenset(
    name for name in dir(Reductions) if name.startswith("s_") and name[2:3].isupper()
)
_register()
