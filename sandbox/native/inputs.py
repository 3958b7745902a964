"""Taking the arrays of a batch out of Python objects, without a Python instruction per leaf.

Everything is compared before anything is copied: exact type, dtype, shape, C order. What does not
fit is left to the caller, whose Python code says what is wrong or takes what is merely unusual (an
integer type that widens, a list, a single environment's number).
"""

from __future__ import annotations

from typing import Final

from llvmlite import ir

from sandbox.native.emit import I8, I32, I64, Code, Value
from sandbox.native.places import Places
from sandbox.native.tables import ARRAY, LEAF, PATH, TEXT

__all__ = ["collect", "data_of", "is_mask", "write"]

# CPython: count of references, type; of a tuple: length, elements.
_TYPE: Final = 8
_LENGTH: Final = 16
_ITEMS: Final = 24
# NumPy's PyArrayObject_fields.
_DATA: Final = 16
_NDIM: Final = 24
_DIMS: Final = 32
_DTYPE: Final = 56
_FLAGS: Final = 64
_C_ORDER: Final = 1


def data_of(code: Code, array: Value) -> Value:
    """Give the address of an array's elements."""
    return code.load(code.add(array, _DATA))


def collect(module: ir.Module, places: Places) -> ir.Function:
    """Give ``collect(leaves, count, arguments)``: find all leaves; nothing is written yet.

    It returns 0, or the number (from 1) of the first leaf that does not fit.
    """
    fits = _fits(module, places)
    code = Code(module, "collect", 3)
    leaves, count, arguments = code.args
    with code.each(count) as index:
        leaf = code.add(leaves, code.mul(index, 8 * LEAF.size))
        slot = code.read(leaf, LEAF, "slot")
        value = code.variable(code.load(code.add(arguments, code.mul(slot, 8))))
        path = code.read(leaf, LEAF, "path")
        with code.each(code.read(leaf, LEAF, "depth")) as level:
            part = code.add(path, code.mul(level, 8 * PATH.size))
            found = code.call(_child(module, places), code.get(value), part)
            with code.when(code.test(found, "==", 0)):
                code.give(code.add(index, 1))
            code.put(value, found)
        with code.when(code.test(code.call(fits, leaf, code.get(value)), "==", 0)):
            code.give(code.add(index, 1))
    code.give(0)
    return code.done()


def _child(module: ir.Module, places: Places) -> ir.Function:
    """Give ``child(value, part)``: an entry of a dict or an element of a tuple, or 0."""
    known = module.globals.get("child")
    if known is not None:
        return known
    code = Code(module, "child", 2)
    value, part = code.args
    kind = code.load(code.add(value, _TYPE))
    key = code.read(part, PATH, "part")
    with code.when(code.test(code.read(part, PATH, "by_key"), "!=", 0)):
        with code.when(code.test(kind, "!=", places.dict_type)):
            code.give(0)
        # Borrowed, like all that is found here: the caller holds the batch while this runs.
        code.give(code.call_at(places.dict_get, value, key))
    with code.when(code.test(kind, "!=", places.tuple_type)):
        code.give(0)
    with code.when(code.test(key, ">=", code.load(code.add(value, _LENGTH)))):
        code.give(0)
    code.give(code.load(code.add(code.add(value, _ITEMS), code.mul(key, 8))))
    return code.done()


def _fits(module: ir.Module, places: Places) -> ir.Function:
    """Give ``fits(leaf, value)``: whether a value is what the leaf wants; notes where it lies."""
    code = Code(module, "fits", 2)
    leaf, value = code.args
    kind = code.load(code.add(value, _TYPE))
    with code.when(code.test(code.read(leaf, LEAF, "kind"), "==", TEXT)):
        # The very texts that were written last; others are encoded in Python.
        with code.when(code.test(kind, "!=", places.tuple_type)):
            code.give(0)
        length = code.load(code.add(value, _LENGTH))
        with code.when(code.test(length, "!=", code.read(leaf, LEAF, "rows"))):
            code.give(0)
        last = code.read(leaf, LEAF, "last")
        with code.each(length) as row:
            place = code.mul(row, 8)
            text = code.load(code.add(code.add(value, _ITEMS), place))
            with code.when(code.test(text, "!=", code.load(code.add(last, place)))):
                code.give(0)
        code.give(1)
    with code.when(code.test(kind, "!=", places.array_type)):
        code.give(0)
    with code.when(
        code.test(code.load(code.add(value, _DTYPE)), "!=", code.read(leaf, LEAF, "dtype"))
    ):
        code.give(0)
    flags = code.load(code.add(value, _FLAGS), I32)
    with code.when(code.test(code.both(flags, _C_ORDER), "==", 0)):
        code.give(0)
    # One environment may also give its bare value: the same bytes under one dimension less.
    have = code.load(code.add(value, _NDIM), I32)
    want = code.read(leaf, LEAF, "ndim")
    bare = code.both(
        code.bit(code.test(have, "==", code.sub(want, 1))),
        code.bit(code.test(code.read(leaf, LEAF, "rows"), "==", 1)),
    )
    right = code.either(code.bit(code.test(have, "==", want)), bare)
    with code.when(code.test(right, "==", 0)):
        code.give(0)
    theirs = code.load(code.add(value, _DIMS))
    dims = code.add(code.read(leaf, LEAF, "dims"), code.mul(code.sub(want, have), 8))
    with code.each(have) as axis:
        place = code.mul(axis, 8)
        same = code.test(code.load(code.add(theirs, place)), "==", code.load(code.add(dims, place)))
        with code.when(code.builder.not_(same)):
            code.give(0)
    code.write(leaf, LEAF, "found", data_of(code, value))
    code.give(1)
    return code.done()


def write(module: ir.Module) -> ir.Function:
    """Give ``write(leaves, count, where, mask)``: copy what was found, where it is not there already.

    With a mask (0 for none) only its rows are copied.

    ``where`` (0 for none) takes a byte per column: 0 where it was copied into its own, 1 or 2 where
    it lies in one of the two other places and was left there.
    """
    code = Code(module, "write", 4)
    leaves, count, where, mask = code.args
    with code.each(count) as index:
        leaf = code.add(leaves, code.mul(index, 8 * LEAF.size))
        with code.when(code.test(code.read(leaf, LEAF, "kind"), "==", ARRAY)):
            found = code.read(leaf, LEAF, "found")
            place = code.variable(0)
            for number, name in ((1, "first"), (2, "second")):
                with code.when(code.test(found, "==", code.read(leaf, LEAF, name))):
                    code.put(place, number)
            own = code.read(leaf, LEAF, "own")
            absent = code.test(code.get(place), "==", 0)
            foreign = code.test(found, "!=", own)
            away = code.builder.and_(absent, foreign)
            with code.when(code.builder.and_(away, code.test(mask, "==", 0))):
                code.copy(own, found, code.read(leaf, LEAF, "bytes"))
            with code.when(code.builder.and_(away, code.test(mask, "!=", 0))):
                size = code.read(leaf, LEAF, "row_bytes")
                with code.each(code.read(leaf, LEAF, "rows")) as row:
                    wanted = code.test(code.load(code.add(mask, row), I8), "!=", 0)
                    with code.when(wanted):
                        begin = code.mul(row, size)
                        code.copy(code.add(own, begin), code.add(found, begin), size)
            with code.when(code.test(where, "!=", 0)):
                column = code.add(where, code.read(leaf, LEAF, "column"))
                code.store(column, code.get(place), I8)
    code.give(0)
    return code.done()


def is_mask(module: ir.Module, places: Places) -> ir.Function:
    """Give ``is_mask(value, rows)``: whether a value is an array of one bool a row."""
    code = Code(module, "is_mask", 2)
    value, rows = code.args
    for place, kind, want in (
        (_TYPE, I64, places.array_type),
        (_DTYPE, I64, places.bool_dtype),
        (_NDIM, I32, 1),
    ):
        with code.when(code.test(code.load(code.add(value, place), kind), "!=", want)):
            code.give(0)
    with code.when(code.test(code.load(code.load(code.add(value, _DIMS))), "!=", rows)):
        code.give(0)
    code.give(code.both(code.load(code.add(value, _FLAGS), I32), _C_ORDER))
    return code.done()
