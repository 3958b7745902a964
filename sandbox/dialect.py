"""The dialect: everything a guest may write, as data, each entry with why it is harmless.

What is not listed here does not exist for a guest. The validator refuses it by name, and the
views of `sandbox.predeclared` have exactly these names, so the two layers hold the same line
independently. `docs/language.md` is generated from these tables.

A callable's parameters are an allow-list too: ``"a axis? dtype? | keepdims"`` admits up to three
arguments by position (the first one required, all also by name) and ``keepdims`` by name only.
So ``out=``, whose length several libraries do not check, cannot be given by position either.
A leading ``*`` takes any number of positional arguments, ``**`` any keywords.
"""

# ruff: noqa: SIM905 - word lists read as words
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final, Literal

__all__ = [
    "ADMITTED_NODES",
    "BUILTINS",
    "CLASS_BASES",
    "CLASS_METHODS",
    "DECORATORS",
    "FUNCTION_MEMBERS",
    "HOST_CLASS_METHODS",
    "INTERNAL_ATTRIBUTES",
    "METHODS",
    "MODULES",
    "REFUSED_ATTRIBUTES",
    "REFUSED_BUILTINS",
    "REFUSED_MEMBERS",
    "REFUSED_MODULES",
    "REFUSED_NODES",
    "VERSION",
    "WRITING_METHODS",
    "Entry",
    "Kind",
    "attribute_names",
    "digest",
]

VERSION: Final = 1
"""Rises with every change that makes an accepted program refused or mean something else."""

Kind = Literal["function", "ufunc", "constant", "type", "module", "annotation", "exception"]
"""What a name stands for.

``type``: may be called, given to ``isinstance`` and used as a dtype where it is one.
``annotation``: may stand in annotations and be subscripted, and does nothing when it runs.
``ufunc``: a function that also has the methods of ``METHODS["ufunc"]``.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One admitted name.

    Attributes:
        reason: Why it is harmless.
        kind: What it stands for.
        params: Admitted by position, in order, and by name.
        required: How many of ``params`` must be given.
        keywords: Admitted by name only.
        variadic: Whether any number of positional arguments may follow ``params``.
        any_keyword: Whether every keyword is admitted.
    """

    reason: str
    kind: Kind = "function"
    params: tuple[str, ...] = ()
    required: int = 0
    keywords: tuple[str, ...] = ()
    variadic: bool = False
    any_keyword: bool = False

    @property
    def callable(self) -> bool:
        """Whether a guest may call it."""
        return self.kind in ("function", "ufunc", "type", "exception")

    @property
    def signature(self) -> str:
        """The admitted arguments as they are written in a call."""
        parts = [
            name if index < self.required else f"{name}=…" for index, name in enumerate(self.params)
        ]
        if self.variadic:
            parts.append("*args")
        elif self.keywords:
            parts.append("*")
        parts.extend(f"{name}=…" for name in self.keywords)
        if self.any_keyword:
            parts.append("**names")
        return f"({', '.join(parts)})"


def _entry(spec: str, reason: str, kind: Kind = "function") -> tuple[str, Entry]:
    """Read ``"name: a b? | c"``."""
    name, _, rest = spec.partition(":")
    plain, _, named = rest.partition("|")
    words = plain.split()
    variadic = "*" in words
    any_keyword = "**" in words
    words = [word for word in words if word not in ("*", "**")]
    required = sum(not word.endswith("?") for word in words)
    entry = Entry(
        reason=reason,
        kind=kind,
        params=tuple(word.rstrip("?") for word in words),
        required=required,
        keywords=tuple(named.split()),
        variadic=variadic,
        any_keyword=any_keyword,
    )
    return name.strip(), entry


def _group(reason: str, *specs: str, kind: Kind = "function") -> Iterator[tuple[str, Entry]]:
    """Read several specs that share a reason; ``"a b c: x"`` gives three names one signature."""
    for spec in specs:
        names, colon, rest = spec.partition(":")
        for name in names.split():
            yield _entry(f"{name}{colon}{rest}", reason, kind)


def _table(*groups: Iterator[tuple[str, Entry]]) -> Mapping[str, Entry]:
    found: dict[str, Entry] = {}
    for group in groups:
        for name, entry in group:
            if name in found:
                raise ValueError(f"dialect: {name} is listed twice")
            found[name] = entry
    return MappingProxyType(found)


# --- syntax -----------------------------------------------------------------------------------

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

# --- built-ins --------------------------------------------------------------------------------

_PURE = "pure function of its arguments"
_PAYS = "pays for each item it goes through"
_MAKES = "makes a value whose size is checked first"

BUILTINS: Final[Mapping[str, Entry]] = _table(
    _group(_PURE, "abs: x", "divmod: a b", "len: x", "ord: c", "chr: i"),
    _group(_PURE, "round: number ndigits?", "callable: x", "bin hex oct: number"),
    _group("numbers, text and plain containers only; width is capped", "format: value spec?"),
    _group("of numbers and texts, and tuples of them; the same in every process", "hash: x"),
    _group("integer results are capped in size", "pow: base exp mod?"),
    _group(_PAYS, "all any: iterable", "sum: iterable start?", "next: iterator default?"),
    _group(_PAYS, "max min: * | key default", "sorted: iterable | key reverse"),
    _group("only over a value; the form with a function and a sentinel has no end", "iter: x"),
    _group("the second argument is a type of the tables", "isinstance: x types"),
    _group("a view of the type, for comparisons", "type: x"),
    _group("the name must be written out, and is checked as `x.name` is", "hasattr: x name"),
    _group(
        "the name must be written out, and is checked as `x.name` is", "getattr: x name default?"
    ),
    _group("does nothing: a program has no output", "print: * | sep end flush"),
    _group(_PURE, "bool: x?", "float: x?", kind="type"),
    _group("size is capped", "int: x? base?", kind="type"),
    _group("numbers, text and plain containers only; size is capped", "str: x?", kind="type"),
    _group("numbers, text and plain containers only; size is capped", "repr: x"),
    _group(_MAKES, "list tuple set frozenset: iterable?", kind="type"),
    _group(_MAKES, "dict: iterable? **", kind="type"),
    _group(_PAYS, "range: a b? c?", "slice: a b? c?", kind="type"),
    _group(_PAYS, "enumerate: iterable start?", "zip: * | strict", "map: function *"),
    _group(_PAYS, "filter: function iterable", "reversed: x"),
    _group("only as a decorator", "staticmethod classmethod property: x"),
    _group("as a base class and in types", "object:", kind="type"),
    _group("only as `super().name`, which looks in the program's own classes", "super: type? obj?"),
    _group(
        "a plain exception; the runtime's own stop is not one of its kind",
        "Exception ArithmeticError AssertionError AttributeError FloatingPointError IndexError: *",
        "KeyError LookupError NameError NotImplementedError OverflowError RuntimeError: *",
        "StopIteration TypeError UnboundLocalError ValueError ZeroDivisionError: *",
        kind="exception",
    ),
)

_DYNAMIC = "write the code out; code made at run time cannot be checked"
_REFLECT = "name what is read; a program has no way to look into its surroundings"

REFUSED_BUILTINS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # name: what to write instead
        "eval": _DYNAMIC,
        "exec": _DYNAMIC,
        "compile": _DYNAMIC,
        "__import__": "write an `import` of one of the admitted modules",
        "__builtins__": _REFLECT,
        "__file__": _REFLECT,
        "__doc__": _REFLECT,
        "__debug__": _REFLECT,
        "open": "a program has no files; what it reads are its arguments",
        "input": "a program has no input; what it reads are its arguments",
        "globals": _REFLECT,
        "locals": _REFLECT,
        "vars": _REFLECT,
        "dir": _REFLECT,
        "id": "compare with `is`, or keep a number of your own",
        "setattr": "write `self.name = value`",
        "delattr": "set the attribute to None",
        "memoryview": "index the array",
        "bytes": "use a tuple of numbers, or `array.tobytes()`",
        "bytearray": "use a list of numbers",
        "complex": "keep the two parts as two numbers",
        "ascii": "write an f-string",
        "breakpoint": "leave it out",
        "help": "leave it out",
        "exit": "return from the function",
        "quit": "return from the function",
        "BaseException": "write `Exception` or the exceptions you expect",
        "BaseExceptionGroup": "write `Exception` or the exceptions you expect",
        "SystemExit": "return from the function, or raise ValueError",
        "KeyboardInterrupt": "return from the function, or raise ValueError",
        "GeneratorExit": "return from the function, or raise ValueError",
        "MemoryError": "leave it out; limits are the runtime's to enforce",
        "RecursionError": "leave it out; limits are the runtime's to enforce",
        "issubclass": "test with `isinstance(value, Type)`",
        "aiter": "write a plain `for`",
        "anext": "write a plain `for`",
        "NotImplemented": "raise NotImplementedError, or return a number",
    }
)

# --- modules ----------------------------------------------------------------------------------

_ELEMENT = "element by element; the result is as large as the arguments"
_REDUCE = "goes once through its argument"
_SHAPE = "moves elements; size is checked first"
_CREATE = "size is checked before anything is allocated; always initialised"
_ORDER = "sorts a copy"
_DTYPE = "a number type; never the class itself"
_ANNOTATION = "for annotations, which are not evaluated"
_LINALG = "bounded work on arrays whose size is checked first"

_NUMPY = _table(
    _group("a number", "pi e inf nan euler_gamma", kind="constant"),
    _group("None, for a new axis", "newaxis", kind="constant"),
    _group(
        _ELEMENT,
        "abs absolute fabs negative positive sign sqrt cbrt square reciprocal: x",
        "exp exp2 expm1 log log2 log10 log1p: x",
        "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh: x",
        "asin acos atan asinh acosh atanh: x",
        "deg2rad rad2deg degrees radians: x",
        "floor ceil trunc rint: x",
        "isnan isinf isfinite signbit: x",
        "conj conjugate bitwise_count spacing bitwise_invert modf frexp: x",
        "logical_not bitwise_not invert: x",
        "add subtract multiply divide true_divide floor_divide mod remainder fmod: x1 x2",
        "power float_power pow maximum minimum fmax fmin hypot arctan2 atan2 copysign: x1 x2",
        "heaviside logaddexp logaddexp2 gcd lcm divmod: x1 x2",
        "greater greater_equal less less_equal equal not_equal: x1 x2",
        "logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor: x1 x2",
        "left_shift right_shift bitwise_left_shift bitwise_right_shift: x1 x2",
        "nextafter ldexp: x1 x2",
        kind="ufunc",
    ),
    _group("pays by the size of both", "matmul vecdot matvec vecmat: x1 x2"),
    _group(
        _ELEMENT,
        "clip: a a_min? a_max? | min max",
        "round around: a decimals?",
        "fix sinc real imag: x",
        "nan_to_num: x copy? nan? posinf? neginf?",
        "isclose: a b rtol? atol? equal_nan?",
        "allclose: a b rtol? atol? equal_nan?",
        "array_equal: a1 a2 equal_nan?",
        "array_equiv: a1 a2",
        "where: condition x? y?",
        "select: condlist choicelist default?",
        "choose: a choices | mode",
        "interp: x xp fp left? right? period?",
        "isin: element test_elements assume_unique? invert?",
        "unwrap: p discont? axis? | period",
        "angle: z deg?",
        "iscomplexobj isrealobj isscalar iscomplex isreal: x",
        "isposinf isneginf: x",
    ),
    _group(
        _REDUCE,
        "sum prod: a axis? dtype? | keepdims initial where",
        "mean: a axis? dtype? | keepdims where",
        "std var: a axis? dtype? | ddof keepdims where correction",
        "min max amin amax: a axis? | keepdims initial where",
        "argmin argmax: a axis? | keepdims",
        "all any: a axis? | keepdims where",
        "ptp: a axis? | keepdims",
        "median nanmedian: a axis? | keepdims",
        "average: a axis? weights? returned? | keepdims",
        "percentile quantile nanpercentile nanquantile: a q axis? | keepdims method",
        "cumsum cumprod nancumsum nancumprod: a axis? dtype?",
        "cumulative_sum cumulative_prod: x | axis dtype include_initial",
        "nansum nanprod: a axis? dtype? | keepdims",
        "nanmean nanstd nanvar: a axis? dtype? | ddof keepdims",
        "nanmin nanmax nanargmin nanargmax: a axis? | keepdims",
        "count_nonzero: a axis? | keepdims",
        "trapezoid: y x? dx? axis?",
        "diff: a n? axis? prepend? append?",
        "ediff1d: ary to_end? to_begin?",
        "gradient: f * | axis edge_order",
        "size: a axis?",
        "ndim shape: a",
        "trace: a offset? axis1? axis2? dtype?",
    ),
    _group(
        _CREATE,
        "array: object dtype? | copy ndmin order",
        "asarray asanyarray ascontiguousarray asfortranarray: a dtype? | order",
        "zeros ones empty: shape dtype? order?",
        "zeros_like ones_like empty_like: a dtype? order?",
        "full: shape fill_value dtype? order?",
        "full_like: a fill_value dtype? order?",
        "arange: a b? c? dtype?",
        "linspace: start stop num? endpoint? retstep? dtype? axis?",
        "logspace: start stop num? endpoint? base? dtype? axis?",
        "geomspace: start stop num? endpoint? dtype? axis?",
        "eye: N M? k? dtype?",
        "identity: n dtype?",
        "diag diagflat: v k?",
        "tri: N M? k? dtype?",
        "tril triu: m k?",
        "indices: dimensions dtype? | sparse",
        "meshgrid: * | indexing sparse copy",
        "copy: a",
        "tile: A reps",
        "repeat: a repeats axis?",
        "fromiter: iter dtype count?",
        "vander: x N? increasing?",
        "tril_indices triu_indices: n k? m?",
        "diag_indices: n ndim?",
        "diag_indices_from: arr",
        "tril_indices_from triu_indices_from: arr k?",
        "ix_: *",
        "unravel_index: indices shape",
        "ravel_multi_index: multi_index dims mode?",
    ),
    _group(
        _SHAPE,
        "reshape: a shape order?",
        "ravel: a order?",
        "transpose: a axes?",
        "permute_dims: a axes?",
        "matrix_transpose: x",
        "swapaxes: a axis1 axis2",
        "moveaxis rollaxis: a source destination",
        "squeeze: a axis?",
        "expand_dims: a axis",
        "atleast_1d atleast_2d atleast_3d: *",
        "broadcast_to: array shape",
        "broadcast_arrays: *",
        "concatenate concat: arrays axis? | dtype",
        "stack: arrays axis? | dtype",
        "unstack: x | axis",
        "astype: x dtype | copy",
        "vstack hstack dstack column_stack: tup | dtype",
        "split array_split: ary indices_or_sections axis?",
        "hsplit vsplit dsplit: ary indices_or_sections",
        "append: arr values axis?",
        "insert: arr obj values axis?",
        "delete: arr obj axis?",
        "pad: array pad_width mode? | constant_values",
        "roll: a shift axis?",
        "rot90: m k? axes?",
        "flip: m axis?",
        "fliplr flipud: m",
        "diagonal: a offset? axis1? axis2?",
        "take: a indices axis? | mode",
        "take_along_axis: arr indices axis?",
        "compress: condition a axis?",
        "extract: condition arr",
        "argwhere nonzero flatnonzero: a",
        "trim_zeros: filt trim?",
        "resize: a new_shape",
        "block: arrays",
    ),
    _group(
        _ORDER,
        "sort: a axis? kind? | stable",
        "argsort: a axis? kind? | stable",
        "lexsort: keys axis?",
        "partition argpartition: a kth axis?",
        "searchsorted: a v side? sorter?",
        "unique: ar return_index? return_inverse? return_counts? axis? | equal_nan",
        "unique_values unique_counts: x",
        "union1d: ar1 ar2",
        "intersect1d setdiff1d setxor1d: ar1 ar2 assume_unique?",
        "digitize: x bins right?",
        "bincount: x weights? minlength?",
        "histogram: a bins? range? density? weights?",
        "histogram_bin_edges: a bins? range? weights?",
        "histogram2d: x y bins? range? density? weights?",
    ),
    _group(
        "calls the program's own function, which pays for itself",
        "vectorize: pyfunc otypes?",
        "apply_along_axis: func1d axis arr *",
        "fromfunction: function shape | dtype",
        "piecewise: x condlist funclist *",
    ),
    _group(
        "writes into an array that the program made",
        "fill_diagonal: a val wrap?",
        "copyto: dst src casting? where?",
        "put: a ind v mode?",
        "place: arr mask vals",
        "putmask: a mask values",
        "put_along_axis: arr indices values axis",
    ),
    _group("pays for each item as it is taken", "ndindex: *", "ndenumerate: arr"),
    _group("gives an array for the ranges in its brackets", "mgrid ogrid r_ c_", kind="constant"),
    _group(
        _LINALG,
        "dot vdot inner: a b",
        "outer: a b",
        "cross: a b axisa? axisb? axisc? axis?",
        "kron: a b",
        "tensordot: a b axes?",
        "convolve: a v mode?",
        "correlate: a v mode?",
        "cov: m y? rowvar? bias? ddof?",
        "corrcoef: x y? rowvar?",
        "polyval: p x",
        "polyfit: x y deg",
        "einsum: subscripts *",
    ),
    _group(
        _DTYPE,
        "float16 float32 float64 double single half: x?",
        "int8 int16 int32 int64 intp int_ uint8 uint16 uint32 uint64 uint: x?",
        "byte short intc long longlong ubyte ushort uintc uintp ulong ulonglong: x?",
        "bool bool_: x?",
        kind="type",
    ),
    _group(
        "for isinstance and annotations",
        "ndarray generic number integer signedinteger unsignedinteger floating inexact",
        kind="type",
    ),
    _group("the limits of a number type", "finfo iinfo: dtype"),
    _group("a number type by its name; object and text types are refused", "dtype: dtype"),
    _group(_PURE, "result_type: *", "promote_types: type1 type2", "can_cast: from_ to casting?"),
    _group(_PURE, "issubdtype: arg1 arg2"),
    _group("does nothing: NumPy's warnings are off", "errstate: | all divide over under invalid"),
    _group("does nothing: NumPy's warnings are off", "seterr: | all divide over under invalid"),
    _group("does nothing: a program has no output", "set_printoptions: **"),
    _group(_PURE, "broadcast_shapes: *"),
    _group("a truth value", "True_ False_", kind="constant"),
    _group("a view of its own", "linalg typing fft", kind="module"),
)

_NUMPY_LINALG = _table(
    _group(
        _LINALG,
        "norm: x ord? axis? keepdims?",
        "vector_norm: x | axis keepdims ord",
        "matrix_norm: x | keepdims ord",
        "det inv pinv: a",
        "solve: a b",
        "matrix_power: a n",
        "matrix_rank: A tol?",
        "eigvalsh eigh: a UPLO?",
        "svd: a full_matrices? compute_uv?",
        "lstsq: a b rcond?",
        "cholesky: a",
        "qr: a mode?",
        "slogdet: a",
        "cond: x p?",
        "cross outer: a b",
        "matmul: x1 x2",
        "vecdot: x1 x2 | axis",
        "tensordot: a b | axes",
        "matrix_transpose: x",
        "multi_dot: arrays",
        "svdvals: x",
        "trace diagonal: x | offset",
    ),
    _group("a plain exception", "LinAlgError: *", kind="exception"),
)

_NUMPY_FFT = _table(
    _group(
        "bounded work on arrays whose size is checked first",
        "fft ifft rfft irfft: a n? axis? norm?",
        "fftshift ifftshift: x axes?",
        "fftfreq rfftfreq: n d?",
    )
)

_MATH = _table(
    _group("a number", "pi e tau inf nan", kind="constant"),
    _group(
        _PURE,
        "acos acosh asin asinh atan atanh ceil cos cosh degrees erf erfc exp exp2 expm1 fabs: x",
        "floor frexp gamma isfinite isinf isnan lgamma log10 log1p log2 modf radians sin: x",
        "sinh sqrt cbrt tan tanh trunc isqrt ulp: x",
        "atan2: y x",
        "copysign fmod pow remainder nextafter: x y",
        "ldexp: x i",
        "log: x base?",
        "hypot gcd lcm: *",
        "dist: p q",
        "isclose: a b | rel_tol abs_tol",
    ),
    _group(_PAYS, "fsum: seq", "prod: iterable | start"),
    _group("integer results are capped in size", "factorial: n", "comb: n k", "perm: n k?"),
)

_TYPING = _table(
    _group(
        _ANNOTATION,
        "Annotated Any Callable ClassVar Collection Container Counter DefaultDict Deque Dict",
        "Final FrozenSet Hashable Iterable Iterator List Literal Mapping",
        "MutableMapping MutableSequence NoReturn Never Optional OrderedDict Sequence",
        "Self Set Sized Tuple Type TypeAlias Union SupportsFloat SupportsInt Reversible",
        "Generator",
        kind="annotation",
    ),
    _group("a tuple with names, as a base class", "NamedTuple", kind="annotation"),
    _group("gives its second argument", "cast: typ val"),
    _group("as base classes; they add nothing when they run", "Protocol Generic:", kind="type"),
    _group("makes a dict when it runs", "TypedDict: **", kind="type"),
    _group("gives a name for annotations", "TypeVar: name * | bound covariant contravariant"),
    _group("gives a function that gives its argument", "NewType: name tp"),
    _group("decorators that do nothing when they run", "final no_type_check overload: x"),
    _group("always False here", "TYPE_CHECKING", kind="constant"),
)

_COLLECTIONS_ABC = _table(
    _group(
        "for isinstance and annotations",
        "Callable Collection Container Generator Hashable Iterable Iterator Mapping",
        "MutableMapping MutableSequence MutableSet Reversible Sequence Set Sized",
        kind="type",
    )
)

_SILENT = "does nothing: a program has no output"
_STATISTICS = "pays for each number it goes through; numbers only"

_HEAPQ = _table(
    _group("changes a list that the program made", "heappush heappushpop heapreplace: heap item"),
    _group("changes a list that the program made", "heappop heapify: heap"),
    _group(_PAYS, "nlargest nsmallest: n iterable key?"),
)
_BISECT = _table(
    _group(_PURE, "bisect bisect_left bisect_right: a x lo? hi? | key"),
    _group("changes a list that the program made", "insort insort_left: a x lo? hi? | key"),
    _group("changes a list that the program made", "insort_right: a x lo? hi? | key"),
)
_STATISTICS_TABLE = _table(
    _group(_STATISTICS, "mean geometric_mean median median_low median_high: data"),
    _group(_STATISTICS, "fmean: data weights?", "harmonic_mean: data weights?"),
    _group(_STATISTICS, "stdev variance: data xbar?", "pstdev pvariance: data mu?"),
    _group(_STATISTICS, "quantiles: data | n method", "correlation covariance: x y"),
    _group(_PAYS, "mode multimode: data"),
    _group("a plain exception", "StatisticsError: *", kind="exception"),
)
_MATCHES = "pays for the most it could take; the pattern is read first, and texts are capped"
_RE = _table(
    _group(
        "reads the pattern, and refuses what could take without bound", "compile: pattern flags?"
    ),
    _group(_MATCHES, "search match fullmatch findall finditer: pattern string flags?"),
    _group(_MATCHES, "split: pattern string maxsplit? flags?"),
    _group(_MATCHES, "sub: pattern repl string count? flags?"),
    _group(_MAKES, "escape: pattern"),
    _group("a plain exception", "error: *", kind="exception"),
    _group(
        "a number",
        "I IGNORECASE M MULTILINE S DOTALL A ASCII X VERBOSE",
        kind="constant",
    ),
)
_LOGGING = _table(
    _group(_SILENT, "debug info warning error exception critical: msg *"),
    _group(_SILENT, "log: level msg *", "basicConfig: **", "disable: level?"),
    _group("gives a logger that does nothing", "getLogger: name?"),
    _group("a number", "NOTSET DEBUG INFO WARNING ERROR CRITICAL", kind="constant"),
)

MODULES: Final[Mapping[str, Mapping[str, Entry]]] = MappingProxyType(
    {
        "numpy": _NUMPY,
        "numpy.linalg": _NUMPY_LINALG,
        "numpy.fft": _NUMPY_FFT,
        "numpy.typing": _table(
            _group(_ANNOTATION, "NDArray ArrayLike DTypeLike", kind="annotation")
        ),
        "math": _MATH,
        "typing": _TYPING,
        "collections": _table(
            _group(_MAKES, "deque: iterable? maxlen?", kind="type"),
            _group(_MAKES, "defaultdict: default_factory? iterable? **", kind="type"),
            _group(_MAKES, "OrderedDict: iterable? **", kind="type"),
            _group(_MAKES, "Counter: iterable? **", kind="type"),
            _group("a tuple with names", "namedtuple: typename field_names | defaults"),
            _group("a view of its own", "abc", kind="module"),
        ),
        "collections.abc": _COLLECTIONS_ABC,
        "dataclasses": _table(
            _group(
                "makes `__init__` and `__eq__` from the fields",
                "dataclass: cls? | init repr eq order frozen slots kw_only unsafe_hash",
            ),
            _group(
                "one field of a data class",
                "field: | default default_factory init repr compare kw_only",
            ),
            _group("a copy with some fields changed", "replace: obj **"),
            _group("the fields as plain values; pays for each", "asdict astuple: obj"),
            _group("a type of the program's own, or not", "is_dataclass: obj"),
        ),
        "enum": _table(
            _group("constants with names, as a base class", "Enum IntEnum: value?", kind="type"),
            _group("the next number", "auto:"),
            _group("checks the names of an enum", "unique: x"),
        ),
        "functools": _table(
            _group(_PAYS, "reduce: function iterable initial?"),
            _group("a function with some arguments given", "partial: func * **"),
            _group("a key for sorting", "cmp_to_key: func"),
            _group("remembers results for the length of one row", "lru_cache: maxsize? typed?"),
            _group("remembers results for the length of one row", "cache: user_function"),
            _group("does nothing: names of functions cannot be read", "wraps: wrapped"),
            _group("makes the other comparisons of a class from one", "total_ordering: cls"),
        ),
        "itertools": _table(
            _group(_PAYS, "accumulate: iterable func? | initial"),
            _group("pays for each item as it is taken", "count: start? step?", "cycle: iterable"),
            _group(_PAYS, "chain: *", "compress: data selectors", "pairwise: iterable"),
            _group(_PAYS, "combinations combinations_with_replacement: iterable r"),
            _group(_PAYS, "permutations: iterable r?", "product: * | repeat"),
            _group(_PAYS, "dropwhile takewhile filterfalse: predicate iterable"),
            _group(_PAYS, "groupby: iterable key?", "islice: iterable a b? c?"),
            _group(_PAYS, "repeat: object times", "starmap: function iterable"),
            _group(_PAYS, "zip_longest: * | fillvalue"),
        ),
        "operator": _table(
            _group(
                "the operator as a function, guarded alike",
                "add sub mul truediv floordiv mod matmul and_ or_ xor: a b",
                "eq ne lt le gt ge is_ is_not: a b",
                "contains getitem: a b",
                "neg pos abs not_ truth invert: a",
                "itemgetter: item *",
            ),
        ),
        "heapq": _HEAPQ,
        "bisect": _BISECT,
        "statistics": _STATISTICS_TABLE,
        "re": _RE,
        "copy": _table(_group(_MAKES, "copy deepcopy: x")),
        "logging": _LOGGING,
        "warnings": _table(
            _group(_SILENT, "warn: message category? stacklevel?"),
            _group(_SILENT, "filterwarnings: action * | category", "simplefilter: action *"),
        ),
        "string": _table(
            _group(
                "a text",
                "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits",
                "punctuation whitespace",
                kind="constant",
            )
        ),
        "numbers": _table(
            _group("for isinstance", "Number Complex Real Rational Integral", kind="type")
        ),
        "types": _table(_group("an object with the given attributes", "SimpleNamespace: **")),
        "abc": _table(
            _group("as a base class", "ABC:", kind="type"),
            _group("only as a decorator", "abstractmethod: funcobj"),
        ),
        "__future__": _table(
            _group("annotations are never evaluated anyway", "annotations", kind="annotation")
        ),
    }
)

_NO_FILES = "a program has no files, processes or network; what it reads are its arguments"
_NO_CLOCK = "count the steps with the parameter `t`; a program has no clock"
_NO_CHANCE = "a reward must be the same for the same transition; leave the randomness out"

REFUSED_MODULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # module: what to write instead
        "cv2": "pictures come with a later version; read the observation's numbers instead",
        "PIL": "pictures come with a later version; read the observation's numbers instead",
        "skimage": "pictures come with a later version; read the observation's numbers instead",
        "torch": "one call gets one transition: write the same with `math` or `numpy`",
        "jax": "one call gets one transition: write the same with `math` or `numpy`",
        "tensorflow": "one call gets one transition: write the same with `math` or `numpy`",
        "scipy": "write the formula out with `numpy`",
        "pandas": "use a dict of lists, or NumPy arrays",
        "gym": "the environment is not here; read the parameters of the function",
        "gymnasium": "the environment is not here; read the parameters of the function",
        "minigrid": "the environment is not here; write the numbers of its encoding out",
        "random": _NO_CHANCE,
        "secrets": _NO_CHANCE,
        "time": _NO_CLOCK,
        "datetime": _NO_CLOCK,
        "os": _NO_FILES,
        "sys": _NO_FILES,
        "io": _NO_FILES,
        "pathlib": _NO_FILES,
        "glob": _NO_FILES,
        "shutil": _NO_FILES,
        "subprocess": _NO_FILES,
        "socket": _NO_FILES,
        "requests": _NO_FILES,
        "urllib": _NO_FILES,
        "pickle": _NO_FILES,
        "json": _NO_FILES,
        "fractions": "use floating-point numbers",
        "decimal": "use floating-point numbers",
        "cmath": "keep the two parts as two numbers",
        "numba": "leave it out; the runtime compiles the program itself",
    }
)

_RANDOM = _NO_CHANCE
_OBJECT = "use arrays of numbers or bools"

REFUSED_MEMBERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # dotted name: what to write instead
        "numpy.random": _RANDOM,
        "numpy.load": _NO_FILES,
        "numpy.save": _NO_FILES,
        "numpy.loadtxt": _NO_FILES,
        "numpy.genfromtxt": _NO_FILES,
        "numpy.fromfile": _NO_FILES,
        "numpy.memmap": _NO_FILES,
        "numpy.fromstring": "split the text and call `float` on each part",
        "numpy.frombuffer": "write `np.array([...])`",
        "numpy.ma": "use a mask: `np.where(mask, a, b)`",
        "numpy.matrix": "use `np.array` with two dimensions",
        "numpy.lib": "index the array",
        "numpy.ctypeslib": "index the array",
        "numpy.frompyfunc": "write a loop or an array expression",
        "numpy.nditer": "write a loop over `array.ravel()`",
        "numpy.object_": _OBJECT,
        "numpy.str_": _OBJECT,
        "numpy.bytes_": _OBJECT,
        "numpy.complex64": "keep the two parts as two arrays",
        "numpy.complex128": "keep the two parts as two arrays",
        "numpy.longdouble": "use `np.float64`",
        "numpy.datetime64": _NO_CLOCK,
        "numpy.float": "use `float` or `np.float64`",
        "numpy.int": "use `int` or `np.int64`",
        "numpy.object": _OBJECT,
        "numpy.str": "use `str`",
        "numpy.trapz": "use `np.trapezoid`",
        "numpy.row_stack": "use `np.vstack`",
        "numpy.in1d": "use `np.isin`",
        "numpy.product": "use `np.prod`",
        "numpy.cumproduct": "use `np.cumprod`",
        "numpy.sometrue": "use `np.any`",
        "numpy.alltrue": "use `np.all`",
        "numpy.float_": "use `np.float64`",
        "numpy.Inf": "use `np.inf`",
        "numpy.NaN": "use `np.nan`",
        "numpy.linalg.eig": "use `np.linalg.eigh` on a symmetric matrix",
        "numpy.linalg.eigvals": "use `np.linalg.eigvalsh` on a symmetric matrix",
        "functools.cached_property": "compute the value in `__init__` or `reset`",
        "itertools.tee": "make a list and go through it twice",
        "operator.attrgetter": "write `lambda item: item.name`",
        "operator.methodcaller": "write `lambda item: item.method()`",
        "operator.pow": "write `a ** b`",
        "collections.UserDict": "use a dict",
        "collections.ChainMap": "merge the dicts: `{**a, **b}`",
        "typing.get_type_hints": _REFLECT,
        "enum.Flag": "use integer constants",
        "enum.IntFlag": "use integer constants",
    }
)

# --- methods and attributes of values ------------------------------------------------------------

_READ = "reads a fact of the value"
_COPY = "gives a new value whose size is checked first"
_WRITE = "writes into a value that the program made"

_NDARRAY = _table(
    _group(_READ, "shape ndim size dtype itemsize nbytes T mT real imag", kind="constant"),
    _group(
        _REDUCE,
        "sum prod: axis? dtype? | keepdims initial where",
        "mean: axis? dtype? | keepdims where",
        "std var: axis? dtype? | ddof keepdims where",
        "min max: axis? | keepdims initial where",
        "argmin argmax: axis? | keepdims",
        "all any: axis? | keepdims where",
        "cumsum cumprod: axis? dtype?",
        "trace: offset? axis1? axis2? dtype?",
        "nonzero conj conjugate:",
    ),
    _group(
        _COPY,
        "astype: dtype | copy order casting",
        "copy flatten ravel: order?",
        "reshape: * | order",
        "transpose: *",
        "swapaxes: axis1 axis2",
        "squeeze: axis?",
        "clip: min? max?",
        "round: decimals?",
        "dot: b",
        "take: indices axis? | mode",
        "repeat: repeats axis?",
        "argsort: axis? kind? | stable",
        "argpartition: kth axis?",
        "searchsorted: v side?",
        "compress: condition axis?",
        "diagonal: offset? axis1? axis2?",
        "item: *",
        "tolist tobytes:",
    ),
    _group(_WRITE, "fill: value", "sort: axis? kind? | stable", "partition: kth axis?"),
)

_STR = _table(
    _group(
        _PURE,
        "lower upper title capitalize swapcase casefold: ",
        "isalnum isalpha isdigit isdecimal isnumeric islower isupper isspace istitle: ",
        "strip lstrip rstrip: chars?",
        "split rsplit: sep? maxsplit?",
        "splitlines: keepends?",
        "startswith endswith: prefix start? end?",
        "removeprefix: prefix",
        "removesuffix: suffix",
        "find rfind index rindex count: sub start? end?",
        "partition rpartition: sep",
    ),
    _group(_COPY, "replace: old new count?", "join: iterable"),
    _group("fields are positions or names, values become text as in f-strings", "format: * **"),
    _group(_COPY, "zfill: width", "ljust rjust center: width fillchar?"),
)

_LIST = _table(
    _group(_WRITE, "append: x", "extend: iterable", "insert: i x", "pop: i?", "remove: x"),
    _group(_WRITE, "clear reverse:", "sort: | key reverse"),
    _group(_PAYS, "copy:", "count: x", "index: x start? stop?"),
)

_DICT_SPECS = (
    _group(_PURE, "get: key default?", "keys values items:"),
    _group(_PAYS, "copy:"),
    _group(_WRITE, "pop: key default?", "setdefault: key default?", "update: other? **"),
    _group(_WRITE, "clear popitem:"),
)
_DICT = _table(*_DICT_SPECS)

_SET_READS = _table(
    _group(_PAYS, "copy:", "union intersection difference: *", "symmetric_difference: other"),
    _group(_PAYS, "issubset issuperset isdisjoint: other"),
)

_SCALAR_FLOAT = ("is_integer:", "conjugate:")

FUNCTION_MEMBERS: Final[Mapping[str, Mapping[str, Entry]]] = MappingProxyType(
    {
        "itertools.chain": _table(_group(_PAYS, "from_iterable: iterable")),
        "dict": _table(_group(_MAKES, "fromkeys: iterable value?")),
        "str": _STR,
    }
)
"""Functions that are read from a function or type by its name: ``dict.fromkeys``, ``str.lower``."""

METHODS: Final[Mapping[str, Mapping[str, Entry]]] = MappingProxyType(
    {
        "ndarray": _NDARRAY,
        "generic": _table(
            _group(_READ, "shape ndim size dtype itemsize nbytes T real imag", kind="constant"),
            _group(
                _PURE,
                "item tolist tobytes copy conjugate is_integer ravel flatten:",
                "astype: dtype | copy",
                "round: decimals?",
                "clip: min? max?",
                "sum prod mean min max all any std var argmin argmax: axis? | keepdims",
                "reshape: *",
            ),
        ),
        "ufunc": _table(
            _group(
                _REDUCE,
                "reduce: array axis? dtype? | keepdims initial where",
                "accumulate: array axis? dtype?",
                "outer: A B",
            )
        ),
        "dtype": _table(_group(_READ, "name kind itemsize", kind="constant")),
        "finfo": _table(
            _group(_READ, "eps max min tiny resolution smallest_normal bits", kind="constant")
        ),
        "iinfo": _table(_group(_READ, "max min bits", kind="constant")),
        "str": _STR,
        "bytes": _table(),
        "list": _LIST,
        "tuple": _table(_group(_PAYS, "count: x", "index: x start? stop?")),
        "dict": _DICT,
        "defaultdict": _DICT,
        "OrderedDict": _table(iter(_DICT.items()), _group(_WRITE, "move_to_end: key last?")),
        "Counter": _table(
            ((name, entry) for name, entry in _DICT.items() if name != "update"),
            _group(_PAYS, "most_common: n?", "total elements:"),
            _group(_WRITE, "update subtract: iterable? **"),
        ),
        "set": _table(
            iter(_SET_READS.items()),
            _group(_WRITE, "add discard remove: x", "clear pop:", "update: *"),
            _group(_WRITE, "intersection_update difference_update: *"),
            _group(_WRITE, "symmetric_difference_update: other"),
        ),
        "frozenset": _SET_READS,
        "deque": _table(
            _group(_READ, "maxlen", kind="constant"),
            _group(_WRITE, "append appendleft: x", "pop popleft clear reverse:"),
            _group(_WRITE, "extend extendleft: iterable", "insert: i x", "remove: x"),
            _group(_WRITE, "rotate: n?"),
            _group(_PAYS, "copy:", "count: x", "index: x start? stop?"),
        ),
        "int": _table(
            _group(_READ, "real imag numerator denominator", kind="constant"),
            _group(_PURE, "bit_length bit_count conjugate:"),
        ),
        "bool": _table(
            _group(_READ, "real imag numerator denominator", kind="constant"),
            _group(_PURE, "bit_length bit_count conjugate:"),
        ),
        "float": _table(_group(_READ, "real imag", kind="constant"), _group(_PURE, *_SCALAR_FLOAT)),
        "range": _table(
            _group(_READ, "start stop step", kind="constant"),
            _group(_PURE, "count index: x"),
        ),
        "slice": _table(_group(_READ, "start stop step", kind="constant")),
        "exception": _table(_group(_READ, "args", kind="constant")),
        "enum": _table(_group(_READ, "name value", kind="constant")),
        "namedtuple": _table(
            _group(_READ, "_fields", kind="constant"),
            _group(_PAYS, "_asdict:", "_replace: **"),
        ),
        "pattern": _table(
            _group(_READ, "pattern", kind="constant"),
            _group(_MATCHES, "search match fullmatch findall finditer: string"),
            _group(_MATCHES, "split: string maxsplit?", "sub: repl string count?"),
        ),
        "match": _table(
            _group(_PURE, "group: *", "groups groupdict: default?", "start end span: group?")
        ),
        "logger": _table(
            _group(_SILENT, "debug info warning error exception critical: msg *"),
            _group(_SILENT, "log: level msg *", "setLevel isEnabledFor: level"),
        ),
    }
)
"""What may be read from a value, by its exact type; a guest's own instances have what they define.

``generic`` is a NumPy scalar, ``enum`` a member of a guest's enum, ``exception`` a caught one.
"""


WRITING_METHODS: Final = frozenset(
    name
    for table in METHODS.values()
    for name, entry in table.items()
    if entry.reason.startswith("writes")
)
"""Methods that change the value they are called on."""


def attribute_names() -> frozenset[str]:
    """Give every attribute that some value of the tables has."""
    return frozenset(name for table in METHODS.values() for name in table)


def digest() -> str:
    """Give the SHA-256 of all tables, so that two runtimes can tell whether they agree."""
    tables = {
        "version": VERSION,
        "nodes": sorted(ADMITTED_NODES),
        "builtins": {name: asdict(entry) for name, entry in BUILTINS.items()},
        "modules": {
            module: {name: asdict(entry) for name, entry in table.items()}
            for module, table in MODULES.items()
        },
        "methods": {
            kind: {name: asdict(entry) for name, entry in table.items()}
            for kind, table in METHODS.items()
        },
        "members": {
            name: {key: asdict(entry) for key, entry in table.items()}
            for name, table in FUNCTION_MEMBERS.items()
        },
        "class": [sorted(CLASS_METHODS), sorted(CLASS_BASES), sorted(DECORATORS)],
    }
    text = json.dumps(tables, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
