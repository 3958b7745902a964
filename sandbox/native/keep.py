"""What a caller keeps from batch to batch, brought up to date by a batch on which all went well.

Turns a row has made, truths that once held (they stay), how rows ended, numbers outside a declared
range. It is done behind the look at the results, in the same call; a batch with a bad row is done
in Python.
"""

from __future__ import annotations

from typing import Final

from llvmlite import ir

from sandbox.native.emit import I8, I64, Code, Value
from sandbox.native.tables import KEEP
from sandbox.outcome import Outcome

__all__ = ["keep"]

_OK: Final = int(Outcome.OK)
_SKIPPED: Final = int(Outcome.SKIPPED)


def keep(module: ir.Module) -> ir.Function:
    """Give ``keep(table, block, mask)``."""
    code = Code(module, "keep", 3)
    table, block, mask = code.args
    builder = code.builder
    double = ir.DoubleType()
    rows, tasks = code.read(table, KEEP, "rows"), code.read(table, KEEP, "tasks")
    reward = code.add(block, code.read(table, KEEP, "reward"))
    kept, turns = code.read(table, KEEP, "kept"), code.read(table, KEEP, "turns")
    truths = code.add(block, code.read(table, KEEP, "truths"))
    newly = code.add(block, code.read(table, KEEP, "newly"))
    last = code.read(table, KEEP, "last")
    ran = code.variable(0)
    with code.each(rows) as row:
        wanted = code.variable(1)
        with code.when(code.test(mask, "!=", 0)):
            code.put(wanted, code.bit(code.test(code.load(code.add(mask, row), I8), "!=", 0)))
        code.put(ran, code.add(code.get(ran), code.get(wanted)))
        turn = code.add(turns, code.mul(row, 8))
        code.store(turn, code.add(code.load(turn), code.get(wanted)))
        paid = code.add(reward, code.mul(row, 8))
        with code.when(code.test(tasks, ">", 0)):
            first = code.variable(0)
            with code.each(tasks) as index:
                place = code.add(code.mul(row, tasks), index)
                holds = code.load(code.add(truths, place), I8)
                held = code.load(code.add(kept, place), I8)
                new = builder.and_(holds, builder.xor(held, I64(1)))
                code.store(code.add(newly, place), new, I8)
                code.store(code.add(kept, place), code.either(held, holds), I8)
                code.put(first, code.add(code.get(first), new))
            with code.when(code.test(code.read(table, KEEP, "pays"), "==", 0)):
                share = builder.fdiv(
                    builder.sitofp(code.get(first), double), builder.sitofp(tasks, double)
                )
                code.store(paid, builder.bitcast(share, I64))
        with code.when(code.test(code.get(wanted), "!=", 0)):
            with code.when(code.test(last, "!=", 0)):
                code.store(code.add(last, code.mul(row, 8)), code.load(paid))
            with code.when(code.test(code.read(table, KEEP, "ranged"), "!=", 0)):
                number = builder.bitcast(code.load(paid), double)
                low = builder.bitcast(code.read(table, KEEP, "low"), double)
                high = builder.bitcast(code.read(table, KEEP, "high"), double)
                out = builder.or_(
                    builder.fcmp_ordered("<", number, low), builder.fcmp_ordered(">", number, high)
                )
                outside = code.read(table, KEEP, "outside")
                code.store(outside, code.add(code.load(outside), code.bit(out)))
    code.copy(code.add(block, code.read(table, KEEP, "copy")), kept, code.mul(rows, tasks))
    idle = code.sub(rows, code.get(ran))
    codes = 8 * len(Outcome)
    _count(code, code.read(table, KEEP, "row_counts"), code.get(ran), idle)
    with code.each(tasks) as index:
        counts = code.add(code.read(table, KEEP, "task_counts"), code.mul(index, codes))
        _count(code, counts, code.get(ran), idle)
    code.give(0)
    return code.done()


def _count(code: Code, counts: Value, ran: Value, idle: Value) -> None:
    for outcome, number in ((_OK, ran), (_SKIPPED, idle)):
        place = code.add(counts, 8 * outcome)
        code.store(place, code.add(code.load(place), number))
