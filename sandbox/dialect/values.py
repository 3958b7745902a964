"""The chapter of values: the methods and attributes that each type of value has."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sandbox.dialect.entries import Entry, group, table_of
from sandbox.dialect.reasons import MAKES, MATCHES, PAYS, PURE, REDUCE, SILENT

__all__ = ["FUNCTION_MEMBERS", "METHODS", "WRITING_METHODS", "attribute_names"]

_READ = "reads a fact of the value"
_COPY = "gives a new value whose size is checked first"
_WRITE = "writes into a value that the program made"
_NDARRAY = table_of(
    group(_READ, "shape ndim size dtype itemsize nbytes T mT real imag", kind="constant"),
    group(
        REDUCE,
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
    group(
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
    group(_WRITE, "fill: value", "sort: axis? kind? | stable", "partition: kth axis?"),
)

_STR = table_of(
    group(
        PURE,
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
    group(_COPY, "replace: old new count?", "join: iterable"),
    group("fields are positions or names, values become text as in f-strings", "format: * **"),
    group(_COPY, "zfill: width", "ljust rjust center: width fillchar?"),
)

_LIST = table_of(
    group(_WRITE, "append: x", "extend: iterable", "insert: i x", "pop: i?", "remove: x"),
    group(_WRITE, "clear reverse:", "sort: | key reverse"),
    group(PAYS, "copy:", "count: x", "index: x start? stop?"),
)

_DICT_SPECS = (
    group(PURE, "get: key default?", "keys values items:"),
    group(PAYS, "copy:"),
    group(_WRITE, "pop: key default?", "setdefault: key default?", "update: other? **"),
    group(_WRITE, "clear popitem:"),
)

_DICT = table_of(*_DICT_SPECS)
_SET_READS = table_of(
    group(PAYS, "copy:", "union intersection difference: *", "symmetric_difference: other"),
    group(PAYS, "issubset issuperset isdisjoint: other"),
)

_SCALAR_FLOAT = ("is_integer:", "conjugate:")
FUNCTION_MEMBERS: Final[Mapping[str, Mapping[str, Entry]]] = MappingProxyType(
    {
        "itertools.chain": table_of(group(PAYS, "from_iterable: iterable")),
        "dict": table_of(group(MAKES, "fromkeys: iterable value?")),
        "str": _STR,
    }
)
"""Functions that are read from a function or type by its name: ``dict.fromkeys``, ``str.lower``."""

METHODS: Final[Mapping[str, Mapping[str, Entry]]] = MappingProxyType(
    {
        "ndarray": _NDARRAY,
        "generic": table_of(
            group(_READ, "shape ndim size dtype itemsize nbytes T real imag", kind="constant"),
            group(
                PURE,
                "item tolist tobytes copy conjugate is_integer ravel flatten:",
                "astype: dtype | copy",
                "round: decimals?",
                "clip: min? max?",
                "sum prod mean min max all any std var argmin argmax: axis? | keepdims",
                "reshape: *",
            ),
        ),
        "ufunc": table_of(
            group(
                REDUCE,
                "reduce: array axis? dtype? | keepdims initial where",
                "accumulate: array axis? dtype?",
                "outer: A B",
            )
        ),
        "dtype": table_of(group(_READ, "name kind itemsize", kind="constant")),
        "finfo": table_of(
            group(_READ, "eps max min tiny resolution smallest_normal bits", kind="constant")
        ),
        "iinfo": table_of(group(_READ, "max min bits", kind="constant")),
        "str": _STR,
        "bytes": table_of(),
        "list": _LIST,
        "tuple": table_of(group(PAYS, "count: x", "index: x start? stop?")),
        "dict": _DICT,
        "defaultdict": _DICT,
        "OrderedDict": table_of(iter(_DICT.items()), group(_WRITE, "move_to_end: key last?")),
        "Counter": table_of(
            ((name, entry) for name, entry in _DICT.items() if name != "update"),
            group(PAYS, "most_common: n?", "total elements:"),
            group(_WRITE, "update subtract: iterable? **"),
        ),
        "set": table_of(
            iter(_SET_READS.items()),
            group(_WRITE, "add discard remove: x", "clear pop:", "update: *"),
            group(_WRITE, "intersection_update difference_update: *"),
            group(_WRITE, "symmetric_difference_update: other"),
        ),
        "frozenset": _SET_READS,
        "deque": table_of(
            group(_READ, "maxlen", kind="constant"),
            group(_WRITE, "append appendleft: x", "pop popleft clear reverse:"),
            group(_WRITE, "extend extendleft: iterable", "insert: i x", "remove: x"),
            group(_WRITE, "rotate: n?"),
            group(PAYS, "copy:", "count: x", "index: x start? stop?"),
        ),
        "int": table_of(
            group(_READ, "real imag numerator denominator", kind="constant"),
            group(PURE, "bit_length bit_count conjugate:"),
        ),
        "bool": table_of(
            group(_READ, "real imag numerator denominator", kind="constant"),
            group(PURE, "bit_length bit_count conjugate:"),
        ),
        "float": table_of(group(_READ, "real imag", kind="constant"), group(PURE, *_SCALAR_FLOAT)),
        "range": table_of(
            group(_READ, "start stop step", kind="constant"),
            group(PURE, "count index: x"),
        ),
        "slice": table_of(group(_READ, "start stop step", kind="constant")),
        "exception": table_of(group(_READ, "args", kind="constant")),
        "enum": table_of(group(_READ, "name value", kind="constant")),
        "namedtuple": table_of(
            group(_READ, "_fields", kind="constant"),
            group(PAYS, "_asdict:", "_replace: **"),
        ),
        "pattern": table_of(
            group(_READ, "pattern", kind="constant"),
            group(MATCHES, "search match fullmatch findall finditer: string"),
            group(MATCHES, "split: string maxsplit?", "sub: repl string count?"),
        ),
        "match": table_of(
            group(PURE, "group: *", "groups groupdict: default?", "start end span: group?")
        ),
        "logger": table_of(
            group(SILENT, "debug info warning error exception critical: msg *"),
            group(SILENT, "log: level msg *", "setLevel isEnabledFor: level"),
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
