"""The chapter of syntax: nodes, classes, decorators, and attributes of the interpreter."""

# ruff: noqa: SIM905 - word lists read as words
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = [
    "ADMITTED_NODES",
    "CLASS_BASES",
    "CLASS_METHODS",
    "DECORATORS",
    "HOST_CLASS_METHODS",
    "INTERNAL_ATTRIBUTES",
    "REFUSED_ATTRIBUTES",
    "REFUSED_NODES",
]

ADMITTED_NODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Module": "the source",
        # statements
        "FunctionDef": "metered at entry; its decorators, defaults and annotations are checked",
        "ClassDef": "bases, decorators and special methods are checked",
        "Return": "ends a call",
        "Delete": "removes an item or a local name",
        "Assign": "targets are checked one by one",
        "AugAssign": "goes through the same guard as the operator",
        "AnnAssign": "the annotation is checked and never evaluated",
        "For": "pays for its turns when it starts",
        "While": "pays for each turn",
        "If": "no effect of its own",
        "With": "only `with np.errstate(...)`, which does nothing here",
        "withitem": "part of `with`",
        "Raise": "ends the call with an error of that row",
        "Try": "cannot catch the runtime's own stop",
        "ExceptHandler": "named exceptions of the table; a bare one catches `Exception`",
        "Assert": "raises AssertionError",
        "Import": "gives views, not modules",
        "ImportFrom": "gives views, not modules",
        "Nonlocal": "reaches an enclosing function of the same call",
        "Expr": "an expression as a statement",
        "Pass": "does nothing",
        "Break": "ends a loop",
        "Continue": "goes on with a loop",
        "Match": "patterns of values, sequences and alternatives",
        "match_case": "part of `match`",
        "MatchValue": "compares with a constant",
        "MatchSingleton": "compares with None, True or False",
        "MatchSequence": "takes a sequence apart, as an assignment does",
        "MatchStar": "part of a sequence pattern",
        "MatchAs": "binds a local name",
        "MatchOr": "alternatives",
        # expressions
        "BoolOp": "no effect of its own",
        "NamedExpr": "binds a local name",
        "BinOp": "guarded where a result can be large",
        "UnaryOp": "no effect of its own",
        "Lambda": "a function",
        "IfExp": "no effect of its own",
        "Dict": "size is capped",
        "Set": "size is capped; goes in one order in both tiers",
        "ListComp": "pays as the loop it is",
        "SetComp": "pays as the loop it is",
        "DictComp": "pays as the loop it is",
        "GeneratorExp": "pays as the loop it is",
        "comprehension": "part of a comprehension",
        "Compare": "no effect of its own",
        "Call": "pays; arguments of library calls are checked",
        "FormattedValue": "only numbers, text and plain containers are turned into text",
        "JoinedStr": "size is capped",
        "Constant": "type and size are checked",
        "Attribute": "only names of the tables and those that the program defines",
        "Subscript": "guarded by the type of the container",
        "Yield": "gives a value and waits; not where a `finally` would run when nobody asks any more",
        "YieldFrom": "pays as the loop it is; as `yield`",
        "Starred": "in calls, displays and assignments",
        "Name": "must be defined by the program, an import or the built-in table",
        "List": "size is capped",
        "Tuple": "size is capped",
        "Slice": "part of a subscript",
        "Load": "context",
        "Store": "context",
        "Del": "context",
        # operators
        "And": "operator",
        "Or": "operator",
        "Add": "operator; guarded for text and lists",
        "Sub": "operator",
        "Mult": "operator; guarded for text, lists and large integers",
        "MatMult": "operator; pays by size",
        "Div": "operator",
        "Mod": "operator; on text the template is taken apart first, and widths are capped",
        "Pow": "operator; integer results are capped in size",
        "LShift": "operator; integer results are capped in size",
        "RShift": "operator",
        "BitOr": "operator",
        "BitXor": "operator",
        "BitAnd": "operator",
        "FloorDiv": "operator",
        "Invert": "operator",
        "Not": "operator",
        "UAdd": "operator",
        "USub": "operator",
        "Eq": "comparison",
        "NotEq": "comparison",
        "Lt": "comparison",
        "LtE": "comparison",
        "Gt": "comparison",
        "GtE": "comparison",
        "Is": "comparison",
        "IsNot": "comparison",
        "In": "comparison; pays by size",
        "NotIn": "comparison; pays by size",
        # parts of definitions
        "arguments": "part of a definition",
        "arg": "part of a definition",
        "keyword": "part of a call",
        "alias": "part of an import",
    }
)

REFUSED_NODES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        # node: what it is called, what to write instead
        "AsyncFunctionDef": ("`async def`", "write a plain `def`; nothing waits here"),
        "AsyncFor": ("`async for`", "write a plain `for`"),
        "AsyncWith": ("`async with`", "leave it out; nothing waits here"),
        "Await": ("`await`", "call the function directly"),
        "Global": ("`global`", "keep state in `self` of a class, or pass and return the value"),
        "TryStar": ("`except*`", "write a plain `except`"),
        "MatchClass": ("a class pattern", "test with `isinstance(value, Type)` in an `if`"),
        "MatchMapping": ("a mapping pattern", "read the items with `value[key]` in an `if`"),
        "TypeAlias": ("a `type` statement", "leave the alias out; annotations do not run"),
        "TypeVar": ("a type parameter", "leave it out; annotations do not run"),
        "ParamSpec": ("a type parameter", "leave it out; annotations do not run"),
        "TypeVarTuple": ("a type parameter", "leave it out; annotations do not run"),
        "TemplateStr": ("a t-string", "write an f-string"),
        "Interpolation": ("a t-string", "write an f-string"),
        # other modes of the parser, and classes it no longer makes
        "Interactive": ("an interactive block", "write a module"),
        "Expression": ("a bare expression", "write a module"),
        "FunctionType": ("a function type", "write a module"),
        "TypeIgnore": ("a type comment", "leave it out"),
        "Suite": ("an old node", "write a module"),
        "AugLoad": ("an old node", "write a module"),
        "AugStore": ("an old node", "write a module"),
        "Param": ("an old node", "write a module"),
        "Num": ("an old node", "write a number"),
        "Str": ("an old node", "write a string"),
        "Bytes": ("an old node", "write a string"),
        "NameConstant": ("an old node", "write the constant"),
        "Ellipsis": ("an old node", "write `...`"),
        "Index": ("an old node", "write a plain subscript"),
        "ExtSlice": ("an old node", "write a plain slice"),
    }
)

CLASS_METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "__init__": "runs when the program makes an instance",
        "__post_init__": "runs when the program makes an instance of its data class",
        "__call__": "runs when the program calls its instance",
        **dict.fromkeys(
            (
                *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
                *("__len__", "__bool__", "__contains__", "__getitem__", "__setitem__"),
                *("__delitem__", "__iter__", "__next__", "__reversed__", "__hash__"),
                *("__str__", "__repr__", "__float__", "__int__", "__round__", "__abs__"),
                *("__neg__", "__pos__", "__invert__"),
            ),
            "runs where the program writes the operator or calls the built-in; metered as a call",
        ),
        **{
            f"__{side}{name}__": "the operator of the program's own values; metered as a call"
            for name in (
                *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
                *("and", "or", "xor"),
            )
            for side in ("", "r", "i")
        },
    }
)
"""Special methods a guest class may define: those that only run where the program's text shows it.

Those that Python calls by itself (``__del__``, ``__getattr__``, ``__new__``) are not among them, nor
is ``__index__``, which would let a value of the guest decide sizes inside C code.
"""

HOST_CLASS_METHODS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "enum.Enum": frozenset(
            {"__init__", "__call__", "__str__", "__repr__", "__lt__", "__le__", "__gt__", "__ge__"}
        ),
        "enum.IntEnum": frozenset({"__init__", "__call__", "__str__", "__repr__"}),
        "typing.NamedTuple": frozenset(
            {"__call__", "__str__", "__repr__", "__add__", "__sub__", "__mul__", "__rmul__"}
            | {"__truediv__", "__neg__", "__abs__"}
        ),
        **dict.fromkeys(
            ("Exception", "ValueError", "RuntimeError"),
            frozenset({"__init__", "__call__", "__str__", "__repr__"}),
        ),
    }
)
"""Of those, what a class may define that derives from a class of the host.

Guards read such values as what the base is, so their length, items and hash are the base's own.
"""

CLASS_BASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "object": "the base every class has",
        "Exception": "for exceptions of the program's own",
        "ValueError": "for exceptions of the program's own",
        "RuntimeError": "for exceptions of the program's own",
        "enum.Enum": "constants with names",
        "enum.IntEnum": "integer constants with names",
        "typing.NamedTuple": "a tuple with names",
        "typing.TypedDict": "the name stands for `dict` when it runs",
        "typing.Protocol": "a plain class when it runs",
        "typing.Generic": "a plain class when it runs",
        "abc.ABC": "a class whose abstract methods must be defined before it makes instances",
    }
)
"""Bases of a guest class, besides earlier classes of the same program."""

DECORATORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "staticmethod": "a method without self",
        "classmethod": "a method of the class",
        "property": "a method read as an attribute; metered as a call",
        "dataclasses.dataclass": "makes `__init__` and `__eq__` from the fields",
        "enum.unique": "checks the names of an enum",
        "typing.final": "does nothing when it runs",
        "typing.no_type_check": "does nothing when it runs",
        "typing.overload": "does nothing when it runs",
        "abc.abstractmethod": "must be defined again before the class makes instances",
        "functools.wraps": "does nothing when it runs: names of functions cannot be read",
        "functools.lru_cache": "remembers results for the length of one row",
        "functools.cache": "remembers results for the length of one row",
        "functools.total_ordering": "makes the other comparisons from one",
    }
)
"""Decorators besides the program's own functions and ``<property>.setter``."""

INTERNAL_ATTRIBUTES: Final[frozenset[str]] = frozenset(
    "tb_frame tb_next tb_lasti tb_lineno f_back f_builtins f_code f_globals f_lasti f_lineno"
    " f_locals f_trace co_code co_consts co_names co_filename gi_frame gi_code gi_yieldfrom"
    " gi_running cr_await cr_frame cr_code cr_origin cr_running ag_await ag_frame ag_code"
    " ag_running func_code func_globals func_defaults func_closure im_class im_func im_self"
    " mro ctypes with_traceback add_note".split()
)
"""Plain names that lead from a value to the interpreter; a program cannot define them either."""

REFUSED_ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # attribute: what to write instead
        "__class__": "test with `isinstance(value, Type)`",
        "__name__": "test with `isinstance(value, Type)`",
        "__getitem__": "write `value[key]`; where a function is wanted, `lambda key: value[key]`",
        "__setitem__": "write `value[key] = item`",
        "__contains__": "write `item in value`; where a function is wanted, `lambda item: item in value`",
        "__len__": "write `len(value)`; where a function is wanted, `len` itself",
        "__call__": "write `value(...)`; where a function is wanted, `value` itself",
        "__dict__": "name the attributes one by one",
        "__doc__": "leave it out",
        "format_map": "write an f-string",
        "encode": "keep the text as it is",
        "decode": "keep the text as it is",
        "translate": "use `replace`",
        "flat": "write `array.ravel()`",
        "data": "index the array",
        "base": "copy the array: `array.copy()`",
        "ctypes": "index the array",
        "view": "write `array.astype(dtype)`",
        "setflags": "copy the array: `array.copy()`",
        "resize": "write `np.resize(array, shape)` or `array.reshape(...)`",
        "put": "write `array[index] = value`",
        "itemset": "write `array[index] = value`",
        "choose": "write `np.choose(array, choices)`",
        "ptp": "write `np.ptp(array)`",
        "tofile": "a program has no files",
        "dump": "a program has no files",
        "dumps": "a program has no files",
        "strides": "index the array",
        "flags": "copy the array: `array.copy()`",
        "newbyteorder": "leave it out",
        "byteswap": "leave it out",
        "send": "give the value as an argument; a generator is gone through with `for`",
        "throw": "test a condition inside the generator; it is gone through with `for`",
        "close": "leave it out",
        "detach": "the value is not a tensor; leave it out",
        "cpu": "the value is not a tensor; leave it out",
        "numpy": "the value is a NumPy array already; leave it out",
        "device": "the value is not a tensor; leave it out",
        "unsqueeze": "the value is not a tensor: write `np.expand_dims(x, axis)`",
        "unwrapped": "the environment is not here; read the parameters of the function",
        "observation_space": "the environment is not here; write the number out",
        "action_space": "the environment is not here; write the number out",
    }
)
