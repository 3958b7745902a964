"""Rows that were seen before: a kernel is asked only for what it has not answered yet.

In training most frames have been seen before, and what a program makes of one costs a hundred times
what a digest of it costs. Around a kernel stands a function that is called as the kernel is. For
each pending row it looks up what the row reads, and where it finds that, writes what the kernel wrote
then: results, fuel, the way the row failed, the state.

A row of a kernel is a function of the bytes it reads, and of nothing else. It reads: its part of
each input that the program has as a parameter (the time ``t``, actions and flags are inputs like
the frames), the state of its episode, and, where an earlier call of the row has used fuel, the fuel used so
far. All of these are in the key. It does not read: other rows, their order or their number;
scratch memory, in which nothing is read that the row has not written; clocks and random numbers,
which a guest has not. What is constant for a program (its text, limits, parameters of the entry)
is constant for the table, which lives no longer than the arrays of a batch size. The key
is a digest whose collisions are bounded, see `sandbox.native.digest`: a digest of each large input and
each large part of the state, and over these, the small ones and the fuel another one with keys of its
own. An answer of the table is wrong only if two of different bytes meet, for each of the at most `WAYS`
entries compared with a chance of at most 2 * 5 * 2**-128: below 2**-122 for a row.

Large parts of the state are not copied into the table. A row that leaves them as they were, or makes
them equal to an input (``self.last = frame``), is kept with a note that says so; other rows
that change them are not kept. Their digests are kept by row: only a kernel changes state, and what
it changed is hashed anew. Rows that are handed to the interpreted tier are never kept.

Looking up must not cost more than it brings. Time is counted: what looking took, what the kernels
took, and what found rows had taken when they were computed. When the loss exceeds a 64th of what the
kernels took and the price of `_BURST` rows, the kernels are called as if this were not here, until
the loss is below by as much. Time decides only who computes a row, never what comes out.
"""

from __future__ import annotations

from typing import Final

from llvmlite import ir

from sandbox.digests import DIGEST
from sandbox.native.emit import I8, I64, Code, Value
from sandbox.native.places import Places
from sandbox.native.recall_row import Parts, Row, find, lock, slot, unlock
from sandbox.native.tables import ENTRY, RECALL, RECALL_FIRST, RECALL_KERNEL, SPAN
from sandbox.outcome import PENDING

__all__ = ["recall"]

_SEGMENT: Final = 64
"""Rows after which it is considered anew whether looking up pays."""
_BURST: Final = 2_048
_SHARE_BITS: Final = 6
_AGES_NS: Final = 1 << 34


def _add(code: Code, table: Value, name: str, amount: Value) -> None:
    pointer = code.pointer(code.add(table, 8 * RECALL[name]), I64)
    code.builder.atomic_rmw("add", pointer, code.value(amount), "monotonic")


def _look(module: ir.Module, parts: Parts) -> ir.Function:
    """Give ``look(record, given, work, base, first, rows)``: look rows up, compute the others."""
    code = Code(module, "recall_look", 6)
    record, first, rows = code.args[0], code.args[4], code.args[5]
    shared = code.read(record, RECALL_KERNEL, "recall")
    epoch = code.load(code.read(shared, RECALL, "epoch"))
    tried, hits = code.variable(0), code.variable(0)
    spent, saved, ran = code.variable(0), code.variable(0), code.variable(0)
    clock = code.variable(0)
    code.put(clock, code.call(parts.now))
    with code.each(rows) as index:
        row = Row(code, parts, code.add(first, index))
        marker = row.at(row.read("marker"))
        with code.when(code.test(code.load(marker, I8), "==", PENDING)):
            row.make_name(epoch)
            code.put(tried, code.add(code.get(tried), 1))
            found = code.variable(0)
            locked = code.call(parts.lock, record)
            with code.when(code.test(locked, "!=", 0)):
                entry = code.call(parts.find, record, row.name)
                with code.when(code.test(entry, "!=", 0)):
                    row.take(entry)
                    cost = code.load(code.add(entry, ENTRY["cost"]))
                    code.put(saved, code.add(code.get(saved), cost))
                    code.put(hits, code.add(code.get(hits), 1))
                    code.put(found, 1)
                unlock(code, record)
            with code.when(code.test(code.get(found), "==", 0)):
                failed = row.at(row.read("failed"))
                before = code.load(failed)
                fresh = row.check_kept()
                start = code.call(parts.now)
                row.run()
                cost = code.sub(code.call(parts.now), start)
                row.count_kept(cost, fresh, saved)
                row.keep(cost, code.sub(code.load(failed), before))
                code.put(ran, code.add(code.get(ran), cost))
            end = code.call(parts.now)
            code.put(spent, code.add(code.get(spent), code.sub(end, code.get(clock))))
            code.put(clock, end)
    code.put(spent, code.sub(code.get(spent), code.get(ran)))
    counted = {"tried": tried, "hits": hits, "spent": spent, "saved": saved, "ran": ran}
    for name, count in counted.items():
        _add(code, shared, name, code.get(count))
    total = code.read(shared, RECALL, "counted")
    for at, count in enumerate((tried, hits)):
        pointer = code.pointer(code.add(total, 8 * at), I64)
        code.builder.atomic_rmw("add", pointer, code.get(count), "monotonic")
    code.give(0)
    return code.done()


def _pass(module: ir.Module, parts: Parts) -> ir.Function:
    """Give ``pass(record, given, work, base, first, rows)``: have the kernel compute rows."""
    code = Code(module, "recall_pass", 6)
    record = code.args[0]
    first, rows = code.args[4:]
    row = Row(code, parts, first)
    # What the kernel keeps now is of columns that nobody has looked at.
    with code.each(row.read("kept_count")) as index:
        item = code.add(row.read("kept"), code.mul(index, 8 * SPAN.size))
        code.fill(row.at(code.read(item, SPAN, "place")), 0, rows)
    with code.when(code.test(row.read("kept_count"), ">", 0)):
        size = code.mul(row.read("column_count"), DIGEST)
        known = code.add(row.read("kept_of"), code.mul(row.number, size))
        code.fill(known, 0, code.mul(rows, size))
        code.store(row.at(row.read("keeping")), 0)
    with code.each(row.read("regions")) as place:
        code.store(code.add(row.work, code.mul(place, 8)), row.at(place))
    start = code.call(parts.now)
    code.call_at(code.read(record, RECALL_KERNEL, "function"), rows, row.work)
    took = code.sub(code.call(parts.now), start)
    wanted = code.test(code.read(record, RECALL_KERNEL, "wanted"), "!=", 0)
    _add(code, row.shared, "ran", code.choose(wanted, took, 0))
    # The kernel may have changed the state of all these rows.
    states = code.read(row.shared, RECALL, "states")
    known = code.add(code.read(row.shared, RECALL, "state_known"), code.mul(row.number, states))
    code.fill(known, 0, code.mul(rows, states))
    code.give(0)
    return code.done()


def _settle(module: ir.Module) -> ir.Function:
    """Give ``settle(shared)``: decide whether rows are looked up from now on."""
    code = Code(module, "recall_settle", 1)
    (shared,) = code.args
    builder = code.builder
    tried, spent, saved, ran = (
        code.read(shared, RECALL, name) for name in ("tried", "spent", "saved", "ran")
    )
    some = code.choose(code.test(tried, ">", 0), tried, 1)
    burst = code.mul(builder.sdiv(spent, some), _BURST)
    loss = code.sub(spent, saved)
    allowed = builder.ashr(ran, I64(_SHARE_BITS))
    on = code.test(code.read(shared, RECALL, "on"), "!=", 0)
    too_much = code.test(loss, ">", code.add(allowed, burst))
    enough = code.test(allowed, ">", code.add(loss, burst))
    code.write(
        shared,
        RECALL,
        "on",
        code.choose(on, code.choose(too_much, 0, 1), code.choose(enough, 1, 0)),
    )
    # What was gained long ago is no reason to go on losing.
    most = code.add(spent, burst)
    code.write(shared, RECALL, "saved", code.choose(code.test(saved, ">", most), most, saved))
    with code.when(code.test(ran, ">", _AGES_NS)):
        for name in ("tried", "hits", "spent", "saved", "ran"):
            now = code.read(shared, RECALL, name)
            code.write(shared, RECALL, name, builder.ashr(now, I64(1)))
    code.give(0)
    return code.done()


def recall(module: ir.Module, places: Places, now: ir.Function, digest: ir.Function) -> ir.Function:
    """Give ``recall(rows, table)``, which is called as a kernel is.

    The table's first `RECALL_FIRST` places are the kernel's record (`RECALL_KERNEL`), the address of the
    number of its first row, and working memory; then come those of the kernel's own table.
    """
    parts = Parts(now, digest, find(module), slot(module), lock(module, places))
    look, run, settle = _look(module, parts), _pass(module, parts), _settle(module)
    code = Code(module, "recall", 2, inner=False)
    rows, table = code.args
    record, work = code.load(table), code.load(code.add(table, 16))
    base = code.load(code.load(code.add(table, 8)))
    given = code.add(table, 8 * RECALL_FIRST)
    shared = code.read(record, RECALL_KERNEL, "recall")
    wanted = code.read(record, RECALL_KERNEL, "wanted")
    segments = code.builder.sdiv(code.add(rows, _SEGMENT - 1), I64(_SEGMENT))
    with code.each(segments) as segment:
        first = code.mul(segment, _SEGMENT)
        left = code.sub(rows, first)
        count = code.choose(code.test(left, "<", _SEGMENT), left, _SEGMENT)
        going = code.variable(code.both(wanted, code.read(shared, RECALL, "on")))
        with code.when(code.test(code.get(going), "!=", 0)):
            code.call(look, record, given, work, base, first, count)
        with code.when(code.test(code.get(going), "==", 0)):
            code.call(run, record, given, work, base, first, count)
        code.call(settle, shared)
    code.give(0)
    return code.done()
