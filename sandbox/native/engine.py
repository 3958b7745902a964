"""Running the kernels of a compiled program, and the serving loop of its worker.

This is what `sandbox.tiers.compiled.runner` does for a step on which nothing goes wrong. Whatever
else happens is handed back to it: a row that failed, an environment whose state is broken.
"""

from __future__ import annotations

from llvmlite import ir

from sandbox.native.bell import KIND, STATUS
from sandbox.native.emit import I8, I32, I64, Code, Value
from sandbox.native.inputs import data_of
from sandbox.native.places import Places
from sandbox.native.tables import (
    BELL,
    BROKEN,
    DUE,
    ENGINE,
    IDLE,
    INPUT,
    KERNEL,
    PLACES_AT,
    SERVE,
    SOUND,
    TAKEN_AT,
    Kind,
)
from sandbox.outcome import PENDING
from sandbox.tiers.base import NO_FAILURE

__all__ = ["entry", "run", "serve"]


def run(module: ir.Module) -> ir.Function:
    """Give ``run(engine, places)``: all kernels of a step.

    It returns 0, the number of the kernel (from 1) on which a row failed, or `BROKEN` where
    nothing was run because an environment has no state. An engine of a reset notes the rows that
    have a state now.
    """
    code = Code(module, "run", 2)
    engine, where = code.args
    with code.when(code.test(code.load(code.read(engine, ENGINE, "broken"), I8), "!=", 0)):
        code.give(BROKEN)
    records = code.read(engine, ENGINE, "inputs")
    with code.each(code.read(engine, ENGINE, "input_count")) as index:
        record = code.add(records, code.mul(index, 8 * INPUT.size))
        place = code.load(code.add(where, code.read(record, INPUT, "column")), I8)
        # 0, 1 or 2: its own column, or one of the two sets that an environment writes into.
        place = code.choose(code.test(place, ">", 2), 0, place)
        address = code.load(code.add(record, code.mul(code.add(place, INPUT["own"]), 8)))
        code.store(code.read(record, INPUT, "cell"), address)
    rows = code.read(engine, ENGINE, "rows")
    outcome = code.read(engine, ENGINE, "outcome")
    alone = code.test(code.read(engine, ENGINE, "alone"), "!=", 0)
    with code.when(alone):
        _for_pending(code, outcome, rows, ready=False)
    follows = code.read(engine, ENGINE, "follows")
    failed = code.read(engine, ENGINE, "failed")
    kernels = code.read(engine, ENGINE, "kernels")
    epoch = code.read(engine, ENGINE, "epoch")
    code.store(epoch, code.add(code.load(epoch), 1))
    with code.each(code.read(engine, ENGINE, "count")) as index:
        record = code.add(kernels, code.mul(index, 8 * KERNEL.size))
        code.store(follows, code.bit(code.test(index, ">", 0)))
        code.store(failed, 0)
        code.call_at(
            code.read(record, KERNEL, "function"), rows, code.read(record, KERNEL, "table")
        )
        with code.when(code.test(code.load(failed), "!=", 0)):
            code.give(code.add(index, 1))
    with code.when(alone):
        _for_pending(code, outcome, rows, ready=True)
    states = code.read(engine, ENGINE, "states")
    with code.when(code.test(states, "!=", 0)):
        any_broken = code.variable(0)
        with code.each(rows) as row:
            state = code.add(states, code.mul(row, 4))
            with code.when(code.test(code.load(code.add(outcome, row), I8), "==", 0)):
                code.store(state, SOUND, I32)
            lost = code.test(code.load(state, I32), "!=", SOUND & 0xFFFFFFFF)
            code.put(any_broken, code.either(code.get(any_broken), code.bit(lost)))
        code.store(code.read(engine, ENGINE, "flag"), code.get(any_broken), I8)
    code.give(0)
    return code.done()


def _for_pending(code: Code, outcome: Value, rows: Value, *, ready: bool) -> None:
    """Write the rows of a program of tasks alone, before they run and after."""
    engine = code.args[0]
    reward = code.read(engine, ENGINE, "reward")
    failure = code.read(engine, ENGINE, "failure")
    with code.each(rows) as row:
        place = code.add(outcome, row)
        with code.when(code.test(code.load(place, I8), "==", PENDING)):
            if ready:
                code.store(place, 0, I8)
            else:
                code.store(code.add(reward, code.mul(row, 8)), 0)
                code.store(code.add(failure, code.mul(row, 4)), NO_FAILURE, I32)


def serve(
    module: ir.Module, now: ir.Function, wait: ir.Function, answer: ir.Function, run: ir.Function
) -> ir.Function:
    """Give ``serve(table)``: serve requests until one is for Python.

    It returns the kind of request, with the result of `run` in the bits from 8 on (from 1: the
    kernel that failed; 255: broken or not run), `DUE` added where the limit on CPU time is to be
    moved first, or `IDLE` where nothing was asked for a while.
    """
    code = Code(module, "serve", 1)
    (table,) = code.args
    bell = code.read(table, SERVE, "bell")
    page = code.read(bell, BELL, "page")
    with code.forever():
        number = code.call(wait, bell, code.read(bell, BELL, "count"))
        with code.when(code.test(number, "<", 0)):
            code.give(IDLE)
        code.write(bell, BELL, "count", number)
        code.store(code.add(page, TAKEN_AT), number, I32)
        kind = code.load(code.add(page, KIND), I32)
        due = code.test(code.call(now), ">=", code.read(table, SERVE, "renew_ns"))
        reset = code.read(table, SERVE, "reset")
        engine = code.choose(code.test(kind, "==", Kind.RESET), reset, 0)
        step = code.read(table, SERVE, "engine")
        engine = code.choose(code.test(kind, "==", Kind.STEP), step, engine)
        with code.when(code.builder.or_(code.test(engine, "==", 0), due)):
            unrun = code.either(kind, 255 << 8)
            code.give(code.either(unrun, code.choose(due, DUE, 0)))
        ended = code.call(run, engine, code.add(page, PLACES_AT))
        with code.when(code.test(ended, "!=", 0)):
            code.give(code.either(kind, code.builder.shl(code.both(ended, 255), I64(8))))
        code.store(code.add(page, STATUS), 0, I32)
        code.call(answer, bell, number)
    code.builder.unreachable()
    return code.done()


def entry(module: ir.Module, places: Places, serve: ir.Function) -> None:
    """Make what a worker calls as ``serve()``, bound to a table of `SERVE`."""
    code = Code(module, "serve_requests", 3, inner=False)
    found = code.call(serve, data_of(code, code.args[0]))
    code.give(code.call_at(places.make_int, found))
    code.done()
