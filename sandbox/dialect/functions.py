"""The chapter of built-ins."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sandbox.dialect.entries import Entry, group, table_of
from sandbox.dialect.reasons import MAKES, PAYS, PURE, REFLECT

__all__ = ["BUILTINS", "REFUSED_BUILTINS"]

BUILTINS: Final[Mapping[str, Entry]] = table_of(
    group(PURE, "abs: x", "divmod: a b", "len: x", "ord: c", "chr: i"),
    group(PURE, "round: number ndigits?", "callable: x", "bin hex oct: number"),
    group("numbers, text and plain containers only; width is capped", "format: value spec?"),
    group("of numbers and texts, and tuples of them; the same in every process", "hash: x"),
    group("integer results are capped in size", "pow: base exp mod?"),
    group(PAYS, "all any: iterable", "sum: iterable start?", "next: iterator default?"),
    group(PAYS, "max min: * | key default", "sorted: iterable | key reverse"),
    group("only over a value; the form with a function and a sentinel has no end", "iter: x"),
    group("the second argument is a type of the tables", "isinstance: x types"),
    group("a view of the type, for comparisons", "type: x"),
    group("the name must be written out, and is checked as `x.name` is", "hasattr: x name"),
    group(
        "the name must be written out, and is checked as `x.name` is", "getattr: x name default?"
    ),
    group("does nothing: a program has no output", "print: * | sep end flush"),
    group(PURE, "bool: x?", "float: x?", kind="type"),
    group("size is capped", "int: x? base?", kind="type"),
    group("numbers, text and plain containers only; size is capped", "str: x?", kind="type"),
    group("numbers, text and plain containers only; size is capped", "repr: x"),
    group(MAKES, "list tuple set frozenset: iterable?", kind="type"),
    group(MAKES, "dict: iterable? **", kind="type"),
    group(PAYS, "range: a b? c?", "slice: a b? c?", kind="type"),
    group(PAYS, "enumerate: iterable start?", "zip: * | strict", "map: function *"),
    group(PAYS, "filter: function iterable", "reversed: x"),
    group("only as a decorator", "staticmethod classmethod property: x"),
    group("as a base class and in types", "object:", kind="type"),
    group("only as `super().name`, which looks in the program's own classes", "super: type? obj?"),
    group(
        "a plain exception; the runtime's own stop is not one of its kind",
        "Exception ArithmeticError AssertionError AttributeError FloatingPointError IndexError: *",
        "KeyError LookupError NameError NotImplementedError OverflowError RuntimeError: *",
        "StopIteration TypeError UnboundLocalError ValueError ZeroDivisionError: *",
        "OSError IOError FileNotFoundError: *",
        kind="exception",
    ),
)

_DYNAMIC = "write the code out; code made at run time cannot be checked"
REFUSED_BUILTINS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # name: what to write instead
        "eval": _DYNAMIC,
        "exec": _DYNAMIC,
        "compile": _DYNAMIC,
        "__import__": "write an `import` of one of the admitted modules",
        "__builtins__": REFLECT,
        "__file__": REFLECT,
        "__doc__": REFLECT,
        "__debug__": REFLECT,
        "open": "a program has no files; what it reads are its arguments",
        "input": "a program has no input; what it reads are its arguments",
        "globals": REFLECT,
        "locals": REFLECT,
        "vars": REFLECT,
        "dir": REFLECT,
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
