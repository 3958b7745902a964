"""The names a guest may use: builtins, modules, and methods of lists, dicts, sets and arrays.

Each function is a method here, found by name in one table at the end; what is not in the table
is refused with its name, so the table is the whole of what this tier offers.
"""

from __future__ import annotations

import ast
import builtins
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

import numpy as np

from sandbox import cost
from sandbox.tiers.compiled.arguments import Args, Keywords
from sandbox.tiers.compiled.builder import MODULES
from sandbox.tiers.compiled.core import Atom, Lit
from sandbox.tiers.compiled.elements import UFUNCS
from sandbox.tiers.compiled.functions import Functions
from sandbox.tiers.compiled.members import MEMBER
from sandbox.tiers.compiled.points import i64
from sandbox.tiers.compiled.reductions import Reductions
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
    Func,
    Gen,
    GridCell,
    ListCell,
    Mod,
    Num,
    ObjCell,
    Points,
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
    number,
)

__all__ = ["Library"]


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
        "iter",
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
        "callable",
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


class _Given(list[Value]):
    """Arguments by position, and which of them somebody has read."""

    def __init__(self, values: Iterable[Value]) -> None:
        super().__init__(values)
        self.read: set[int] = set()

    def __getitem__(self, place: Any) -> Any:
        self.read.update(
            range(len(self))[place] if isinstance(place, slice) else [place % len(self)]
        )
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[Value]:
        self.read.update(range(len(self)))
        return super().__iter__()


class _Named(dict[str, Value]):
    """Arguments by name, and which of them somebody has read."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Value:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return super().__contains__(name)

    def items(self) -> Any:
        self.read.update(self)
        return super().items()


class Library(Functions):
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
        if name.startswith("__") and name.endswith("__") and name != "__init__":
            raise self.refuse("CMP414", f"the special name {name}")
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
            case Tup(cls="list"):
                raise self.refuse("CMP205", f"the method {name!r} of a row of tolist()")
            case Tup(items=items, names=names):
                if name in names:
                    return items[names.index(name)]
                if name in ("index", "count", "_asdict", "_replace") and names != MEMBER:
                    return Builtin(f"tuple.{name}", owner)
                cls = self.class_of(owner)
                if cls is not None:
                    return self.part_of_class(owner, cls, name)
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
            case Builtin(name="ufunc.add") if name == "reduce":
                return Builtin("numpy.sum along the first axis")
            case Dty() | Builtin():
                full = f"{owner.name}.{name}"
                if full in self.table or owner.name.startswith(("typing", "numpy.typing")):
                    return Builtin(full, owner)
                raise self.refuse("CMP407", f"{full} is not taken")
            case Gen(kind="keys" | "values" | "items"):
                pass
        self.fail("AttributeError", f"{self.type_name(owner)!r} object has no attribute {name!r}")

    def _module_attribute(self, module: str, name: str) -> Value:
        if module == "cv2":
            found = self.module_constant(name)
            if found is not None:
                return found
        if module == "numpy" and name in _TYPES:
            return Dty(name, _TYPES[name], False)
        if module in ("numpy", "math") and name in _CONSTANTS:
            return number(_CONSTANTS[name])
        if module == "numpy" and name == "newaxis":
            return NONE
        if module == "numpy" and name in ("linalg", "random", "typing"):
            return Mod(f"numpy.{name}")
        if MODULES.get(name) == module:
            return Exc(name)
        if module == "numpy" and name in ("ndarray", "integer", "floating", "number", "generic"):
            return Builtin(f"numpy.{name}")
        if module in ("typing", "collections.abc", "numpy.typing"):
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
            self.fail("AttributeError", f"{content.cls.name!r} object has no attribute {name!r}")
        kind = self._method_kind(content, name)
        if isinstance(content, ListCell | SeqCell) and content.kind == "deque":
            if name == "maxlen":
                return NONE if content.maxlen is None else number(content.maxlen)
            kind = "list" if f"list.{name}" in self.table else "deque"
        if f"{kind}.{name}" not in self.table:
            if hasattr({"list": list, "dict": dict, "set": set}.get(kind, list), name):
                raise self.refuse("CMP205", f"the method {name!r} of a {kind}")
            self.fail("AttributeError", f"{kind!r} object has no attribute {name!r}")
        return Builtin(f"{kind}.{name}", owner)

    def _method_kind(self, content: object, name: str) -> str:
        """Say in whose table a method of a container is looked up."""
        match content:
            case ListCell():
                return "list"
            case SeqCell(kind=kind):
                return "tuple" if kind == "tuple" else "list"
            case DictCell(kind="counter") | TableCell(kind="counter") if (
                f"counter.{name}" in self.table
            ):
                return "counter"
            case SetCell() | GridCell() | TableCell():
                return "set" if self.is_set(content) else "dict"
            case DictCell():
                return "dict"
        return "object"

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
        if owner.enum:
            return self.member_attribute(owner, name)
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
        self.fail("AttributeError", f"{self.type_name(owner)!r} object has no attribute {name!r}")

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
        if name.startswith(("ufunc.", "numpy.")):
            args = [self.selection_of(value) for value in args]
        if name.startswith(("ufunc.", "numpy.", "array.")) and name not in _PAY_AS_THEY_GO:
            self.price(function, args, keywords)
        if name.startswith("ufunc.") and name.count(".") == 1:
            return self.call_ufunc(name.removeprefix("ufunc."), args, keywords)
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
        given, named = _Given([*owner, *args]), _Named(keywords)
        found = handler(self, given, named)
        # What a handler has not looked at, it does not take.
        if len(given.read) < len(given):
            raise self.refuse("CMP408", f"{len(args)} arguments of {name}")
        ignored = keywords.keys() - named.read
        if ignored:
            raise self.refuse("CMP408", f"the argument {min(ignored)!r}")
        return found

    def price(self, function: Builtin, args: Args, keywords: Keywords) -> None:
        """Charge for a call of NumPy: by the elements of what it is given."""
        known = 0
        total: Atom = i64(0)
        waiting: list[Value] = [*args, *keywords.values()]
        if function.owner is not None:
            waiting.append(function.owner)
        while waiting:
            value = waiting.pop()
            content = self.pt.heap[value.cell] if isinstance(value, Ref) else None
            match value:
                case Arr():
                    known += value.size
                case Sel(tail=tail):
                    size = 1
                    for width in tail:
                        size *= width
                    length = self.op("mul", "i64", self.length(value).atom, i64(size))
                    total = self.op("add", "i64", total, length)
                case Window() | Points():
                    total = self.op("add", "i64", total, self.elements_within(value))
                case Tup(items=items):
                    waiting.extend(items)
                    known += sum(1 for item in items if not isinstance(item, _PRICED))
                case Ref() if isinstance(content, ListCell):
                    waiting.extend(content.items)
                    flat = [v for v in content.items if not isinstance(v, _PRICED)]
                    known += len(flat)
        if function.name in _MAKERS and args and isinstance(total, Lit):
            # What makes an array of numbers pays for what it makes.
            shape = args[0].items if isinstance(args[0], Tup) else (args[0],)
            made = 1
            for extent in shape:
                if isinstance(extent, Num) and extent.const is not None:
                    made *= max(int(extent.const), 0)
            known = max(known, made)
            made_of = self.made_of_length(function.name, args)
            if made_of is not None:
                total = made_of
        least = keywords.get("minlength", args[2] if len(args) > 2 else NONE)
        if function.name == "numpy.bincount" and isinstance(least, Num) and least.const is not None:
            # The counts themselves; this tier leaves what has more of them to the other.
            known += max(int(least.const), 0)
        if function.name in ("numpy.triu_indices", "numpy.tril_indices"):
            side = args[0]
            if isinstance(side, Num) and side.const is not None:
                known = max(int(side.const), 0) ** 2
        if isinstance(total, Lit):
            self.charge(cost.library(self.sized(function, args, keywords, known)))
            return
        total = self.op("add", "i64", total, i64(known))
        units = self.op("floordiv", "i64", total, i64(cost.ELEMENTS_PER_UNIT))
        self.charge(self.op("add", "i64", units, i64(cost.LIBRARY_CALL)))

    def made_of_length(self, name: str, args: Args) -> Atom | None:
        """Count what is made where that depends on the data; None where it does not."""
        raise NotImplementedError

    def sized(self, function: Builtin, args: Args, keywords: Keywords, known: int) -> int:
        """Count elements where the result has more than is given."""
        raise NotImplementedError

    def module_constant(self, name: str) -> Value | None:
        """Give a constant of OpenCV, or None for its functions."""
        raise NotImplementedError

    def _call_math(self, name: str, args: Args, keywords: Keywords) -> Value:
        if name == "isclose":
            return self.m_isclose(args, keywords)
        if keywords:
            raise self.refuse("CMP408", f"arguments by name of math.{name}")
        if name == "dist":
            x, y = (self.as_array(arg, "f64") for arg in args)
            return self.float_of(self.number_of(self.norm(self.ufunc("subtract", x, y))))
        if name in ("fsum", "prod"):
            if name == "prod":
                return self.fold(args[0], number(1), lambda a, b: self.binary(ast.Mult(), a, b))
            return self.m_fsum(args)
        if name == "hypot" and len(args) != 2:
            return self.m_hypot(args)
        if name == "log" and len(args) == 2:
            top = self.math_call("log", [self.number_of(args[0])])
            return self.binary(ast.Div(), top, self.math_call("log", [self.number_of(args[1])]))
        return self.math_call(name, [self.number_of(arg) for arg in args])

    def m_isclose(self, args: Args, keywords: Keywords) -> Value:
        """Compute ``math.isclose``."""
        raise NotImplementedError

    def m_hypot(self, args: Args) -> Value:
        """Compute ``math.hypot`` of other than two numbers."""
        raise NotImplementedError

    def m_fsum(self, args: Args) -> Value:
        """Compute ``math.fsum``."""
        raise NotImplementedError

    # -- collections, functools

    def t_replace(self, args: Args, keywords: Keywords) -> Value:
        """Compute ``_replace`` of a named tuple."""
        (owner,) = args
        assert isinstance(owner, Tup)
        self.charge(1 + len(owner.items))
        changed = dict(keywords.items())
        if changed.keys() - set(owner.names):
            self.fail("ValueError", "Got unexpected field names")
        items = tuple(
            changed.get(name, item) for name, item in zip(owner.names, owner.items, strict=True)
        )
        return Tup(items, owner.names, owner.cls)

    def t_asdict(self, args: Args, keywords: Keywords) -> Value:
        """Compute ``_asdict`` of a named tuple."""
        (owner,) = args
        assert isinstance(owner, Tup)
        self.charge(1 + len(owner.items))
        cell = Ref(self.number())
        self.pt.heap[cell.cell] = DictCell()
        for name, item in zip(owner.names, owner.items, strict=True):
            self.set_key(cell, Str(name), item)
        return cell

    def o_init(self, args: Args, keywords: Keywords) -> Value:
        """Do what ``object.__init__`` does."""
        if args:
            self.fail("TypeError", "object.__init__() takes exactly one argument")
        return NONE

    def ignored(self, args: Args, keywords: Keywords) -> Value:
        return Builtin("decorator")

    # -- indexing with arrays

    table: ClassVar[dict[str, Callable[[Any, Args, Keywords], Value]]] = {}


_PRICED: Final = Arr | Tup | Ref | Sel | Window | Points
_PAY_AS_THEY_GO: Final = frozenset({"numpy.ndindex", "numpy.ndenumerate"})
_MAKERS: Final = frozenset(
    {"numpy.zeros", "numpy.ones", "numpy.full", "numpy.arange", "numpy.eye", "numpy.empty"}
)
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
                 "dot", "squeeze", "transpose", "swapaxes", "sort"):  # fmt: skip
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
    table["enum.auto"] = Library.e_auto
    table["abc.ABC"] = table["abc.abstractmethod"] = Library.ignored
    table["object.__init__"] = Library.o_init
    table["tuple.index"] = Library.l_index
    table["tuple._replace"] = Library.t_replace
    table["tuple._asdict"] = Library.t_asdict
    table["array.argsort"] = Library.np_argsort
    table["tuple.count"] = Library.l_count
    for name in ("popleft", "appendleft", "extendleft", "rotate"):
        table[f"deque.{name}"] = table.pop(f"list.{name}")
    table["counter.most_common"] = Library.counter_most_common
    table["counter.total"] = Library.counter_total
    table["collections.deque"] = Library.c_deque
    table["collections.defaultdict"] = Library.c_defaultdict
    table["collections.Counter"] = Library.c_counter
    table["collections.OrderedDict"] = Library.b_dict
    table["collections.namedtuple"] = Library.c_namedtuple
    table["dataclasses.dataclass"] = Library.c_dataclass
    table["dataclasses.field"] = Library.c_field
    for name in ("combinations", "product", "pairwise"):
        table[f"itertools.{name}"] = getattr(Library, f"i_{name}")
    table["functools.reduce"] = Library.f_reduce
    table["functools.lru_cache"] = table["functools.cache"] = Library.ignored
    table["float.is_integer"] = Library.float_is_integer


_STATEMENTS: Final = frozenset(
    name for name in dir(Reductions) if name.startswith("s_") and name[2:3].isupper()
)
_register()
