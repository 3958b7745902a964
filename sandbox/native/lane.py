"""A step from end to end: take the inputs, run or have it run, fetch the results once, look at them.

Results are copied out of the memory that a worker writes in one piece, and only the copy is looked
at afterwards. The look is a short one: is every row that was wanted OK, every number finite, every
truth value 0 or 1, no fuel below 0? If so the batch is done. If not, the caller looks closer, at
the same copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from llvmlite import ir

from sandbox.native.bell import KIND, STATUS, next_number
from sandbox.native.emit import I8, I32, I64, Code, Value
from sandbox.native.inputs import data_of, is_mask
from sandbox.native.places import Places
from sandbox.native.tables import (
    BELL,
    LANE,
    PLACES,
    PLACES_AT,
    READY,
    UNDER_WAY,
    Ended,
    Kind,
    Status,
)
from sandbox.outcome import PENDING, Outcome

__all__ = ["begin", "end", "entry"]

_SKIPPED: Final = int(Outcome.SKIPPED)
_INFINITE: Final = 0x7FF0000000000000


def entry(
    module: ir.Module,
    places: Places,
    name: str,
    begin: ir.Function | None,
    end: ir.Function | None,
) -> None:
    """Make what Python calls as ``name(block, mask, *arguments)``; it gives an int of `Ended`.

    The object that it is bound to is the lane's table, an array; ``block`` is an array as large as
    the outputs, ``mask`` an array of bools or None.
    """
    code = Code(module, name, 3, inner=False)
    lane = data_of(code, code.args[0])
    arguments, count = code.args[1], code.args[2]
    mask = code.load(code.add(arguments, 8))
    ended = code.variable(Ended.FINE)
    if begin is not None:
        given = code.add(arguments, 16)
        code.put(ended, code.call(begin, lane, mask, given, code.sub(count, 2)))
    if end is not None:
        with code.when(code.test(code.get(ended), "==", Ended.FINE)):
            rows = code.variable(0)
            with code.when(code.test(mask, "!=", places.none)):
                code.put(rows, data_of(code, mask))
            block = data_of(code, code.load(arguments))
            code.put(ended, code.call(end, lane, block, code.get(rows)))
    code.give(code.call_at(places.make_int, code.get(ended)))
    code.done()


def begin(
    module: ir.Module,
    places: Places,
    *,
    collect: ir.Function,
    write: ir.Function,
    ring: ir.Function,
    run: ir.Function,
) -> ir.Function:
    """Give ``begin(lane, mask, arguments, count)``: take, mark, and run or ask for it.

    Without arguments the columns are taken as they are.
    """
    fits, mark = is_mask(module, places), _mark(module)
    code = Code(module, "begin", 4)
    lane, mask, arguments, count = code.args
    ready = code.read(lane, LANE, "ready")
    with code.when(code.test(code.load(ready), "!=", READY)):
        code.give(Ended.NOT_READY)
    rows = code.variable(0)
    with code.when(code.test(mask, "!=", places.none)):
        good = code.call(fits, mask, code.read(lane, LANE, "rows"))
        with code.when(code.test(good, "==", 0)):
            code.give(Ended.BAD_MASK)
        code.put(rows, data_of(code, mask))
    leaves, leaf_count = code.read(lane, LANE, "leaves"), code.read(lane, LANE, "leaf_count")
    with code.when(code.test(count, ">", 0)):
        unfit = code.call(collect, leaves, leaf_count, arguments)
        with code.when(code.test(unfit, "!=", 0)):
            code.give(unfit)
    with code.when(code.test(code.call(mark, lane, code.get(rows)), "==", 0)):
        code.give(Ended.NOT_READY)
    bell = code.read(lane, LANE, "bell")
    isolated = code.test(bell, "!=", 0)
    where = code.variable(code.read(lane, LANE, "where"))
    with code.when(isolated):
        code.put(where, code.add(code.read(bell, BELL, "page"), PLACES_AT))
    with code.when(code.test(count, ">", 0)):
        # A reset leaves the other rows what they were; a step reads none of them.
        reset = code.test(code.read(lane, LANE, "kind"), "==", Kind.RESET)
        chosen = code.choose(reset, code.get(rows), 0)
        code.call(write, leaves, leaf_count, code.get(where), chosen)
    with code.when(code.test(count, "==", 0)):
        code.fill(code.get(where), 0, PLACES)
    with code.when(isolated):
        page = code.read(bell, BELL, "page")
        code.store(code.add(page, KIND), code.read(lane, LANE, "kind"), I32)
        code.store(ready, UNDER_WAY)
        code.call(ring, bell, next_number(code, bell))
        code.give(Ended.FINE)
    thread = code.call_at(places.save_thread)
    ended = code.call(run, code.read(lane, LANE, "engine"), code.get(where))
    code.call_at(places.restore_thread, thread)
    with code.when(code.test(ended, "==", 0)):
        code.give(Ended.FINE)
    # Below 0 an environment has no state: the marks are there, and nothing has run.
    stopped = code.sub(Ended.STOPPED + 1, ended)
    code.give(code.choose(code.test(ended, "<", 0), Ended.NOT_READY, stopped))
    return code.done()


def _mark(module: ir.Module) -> ir.Function:
    """Give ``mark(lane, mask)``: mark the rows to run; how many there are."""
    code = Code(module, "mark", 2)
    lane, mask = code.args
    rows, tasks = code.read(lane, LANE, "rows"), code.read(lane, LANE, "tasks")
    outputs = code.read(lane, LANE, "outputs")
    outcome = code.add(outputs, code.read(lane, LANE, "outcome"))
    task_outcome = code.add(outputs, code.read(lane, LANE, "task_outcome"))
    with code.when(code.test(mask, "==", 0)):
        code.fill(outcome, PENDING, rows)
        code.fill(task_outcome, PENDING, code.mul(rows, tasks))
        code.give(rows)
    count = code.variable(0)
    with code.each(rows) as row:
        wanted = code.test(code.load(code.add(mask, row), I8), "!=", 0)
        byte = code.choose(wanted, PENDING, _SKIPPED)
        code.store(code.add(outcome, row), byte, I8)
        code.fill(code.add(task_outcome, code.mul(row, tasks)), byte, tasks)
        code.put(count, code.add(code.get(count), code.bit(wanted)))
    code.give(code.get(count))
    return code.done()


def end(module: ir.Module, wait: ir.Function) -> ir.Function:
    """Give ``end(lane, block, mask)``: wait for the answer, fetch it once and look at it."""
    bad = _bad(module)
    code = Code(module, "end", 3)
    lane, block, mask = code.args
    bell = code.read(lane, LANE, "bell")
    with code.when(code.test(bell, "!=", 0)):
        found = code.call(wait, bell, code.read(bell, BELL, "count"))
        with code.when(code.test(found, "<", 0)):
            code.give(Ended.WAITING)
        status = code.load(code.add(code.read(bell, BELL, "page"), STATUS), I32)
        with code.when(code.test(status, "==", Status.HOME)):
            code.give(Ended.HOME)
        with code.when(code.test(status, "!=", Status.RAN)):
            code.give(Ended.TOLD)
    code.copy(block, code.read(lane, LANE, "outputs"), code.read(lane, LANE, "size"))
    with code.when(code.test(mask, "!=", 0)):
        _idle(code, lane, block, mask, outcome=0)
    wrong = code.call(bad, lane, block)
    with code.when(code.test(mask, "!=", 0)):
        _idle(code, lane, block, mask, outcome=_SKIPPED)
    with code.when(code.test(wrong, "!=", 0)):
        code.give(Ended.LOOK)
    code.store(code.read(lane, LANE, "ready"), READY)
    after = code.read(lane, LANE, "after")
    with code.when(code.test(after, "!=", 0)):
        code.call_at(after, code.read(lane, LANE, "after_table"), block, mask)
    code.give(Ended.FINE)
    return code.done()


def _idle(code: Code, lane: Value, block: Value, mask: Value, *, outcome: int) -> None:
    """Write the rows that were not wanted; what stood there is of no batch."""
    rows, tasks = code.read(lane, LANE, "rows"), code.read(lane, LANE, "tasks")

    def at(name: str) -> Value:
        return code.add(block, code.read(lane, LANE, name))

    with code.each(rows) as row, code.when(code.test(code.load(code.add(mask, row), I8), "==", 0)):
        own = code.mul(row, tasks)
        code.store(code.add(at("outcome"), row), outcome, I8)
        code.fill(code.add(at("task_outcome"), own), outcome, tasks)
        if outcome == 0:
            code.store(code.add(at("reward"), code.mul(row, 8)), 0)
            code.store(code.add(at("fuel"), code.mul(row, 8)), 0)
            code.fill(code.add(at("truths"), own), 0, tasks)
            with code.each(code.read(lane, LANE, "components")) as index:
                place = code.add(code.mul(index, rows), row)
                values = code.add(at("reward"), _line(code, code.mul(rows, 8)))
                code.store(code.add(values, code.mul(place, 8)), 0)
                code.store(code.add(at("present"), place), 0, I8)


def _line(code: Code, size: Value) -> Value:
    """Round bytes up to whole cache lines, as `sandbox.shm` lays arrays out."""
    return code.both(code.add(size, 63), -64)


def _bad(module: ir.Module) -> ir.Function:
    """Give ``bad(lane, block)``: whether anything is there that asks for a closer look."""
    code = Code(module, "bad", 2)
    lane, block = code.args
    builder = code.builder
    found = code.variable(0)

    def look(offset: str, count: Value, kind: ir.IntType, wrong: Callable[[Value], Value]) -> None:
        base = code.pointer(code.add(block, code.read(lane, LANE, offset)), kind)
        with code.each(count) as index:
            value = builder.load(builder.gep(base, [index]))
            code.put(found, code.either(code.get(found), code.bit(wrong(value))))

    look(
        "codes",
        code.read(lane, LANE, "code_count"),
        I8,
        lambda value: builder.icmp_unsigned("!=", value, I8(0)),
    )
    look(
        "truth",
        code.read(lane, LANE, "truth_count"),
        I8,
        lambda value: builder.icmp_unsigned(">", value, I8(1)),
    )
    look(
        "values",
        code.read(lane, LANE, "value_count"),
        I64,
        lambda value: builder.icmp_unsigned(
            "==", builder.and_(value, I64(_INFINITE)), I64(_INFINITE)
        ),
    )
    look(
        "fuel",
        code.read(lane, LANE, "rows"),
        I64,
        lambda value: builder.icmp_signed("<", value, I64(0)),
    )
    code.give(code.get(found))
    return code.done()
