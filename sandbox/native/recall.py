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

from dataclasses import dataclass
from typing import Final

from llvmlite import ir

from sandbox.digests import DIGEST
from sandbox.native.bell import pause
from sandbox.native.emit import I8, I64, Code, Value
from sandbox.native.places import Places
from sandbox.native.tables import (
    COLUMN,
    ENTRY,
    RECALL,
    RECALL_FIRST,
    RECALL_KERNEL,
    SPAN,
    WAYS,
)
from sandbox.outcome import PENDING, Outcome

__all__ = ["recall"]

_SEGMENT: Final = 64
"""Rows after which it is considered anew whether looking up pays."""
_BURST: Final = 2_048
_SHARE_BITS: Final = 6
_AGES_NS: Final = 1 << 34
_LOOKS: Final = 64


@dataclass(frozen=True, slots=True)
class _Parts:
    """Functions of the module."""

    now: ir.Function
    digest: ir.Function
    find: ir.Function
    slot: ir.Function
    lock: ir.Function


def _add(code: Code, table: Value, name: str, amount: Value) -> None:
    pointer = code.pointer(code.add(table, 8 * RECALL[name]), I64)
    code.builder.atomic_rmw("add", pointer, code.value(amount), "monotonic")


def _same(code: Code, left: Value, right: Value) -> Value:
    """Whether two digests are equal."""
    differ: Value = code.value(0)
    for at in range(0, DIGEST, 8):
        pair = code.load(code.add(left, at)), code.load(code.add(right, at))
        differ = code.either(differ, code.builder.xor(*pair))
    return code.test(differ, "==", 0)


def _set(code: Code, record: Value, name: Value) -> tuple[Value, Value]:
    size = code.read(record, RECALL_KERNEL, "entry_bytes")
    index = code.both(code.load(name), code.read(record, RECALL_KERNEL, "mask"))
    entries = code.read(record, RECALL_KERNEL, "entries")
    return code.add(entries, code.mul(code.mul(index, WAYS), size)), size


def _find(module: ir.Module) -> ir.Function:
    """Give ``find(record, name)``: the entry of a name, or 0."""
    code = Code(module, "recall_find", 2)
    record, name = code.args
    start, size = _set(code, record, name)
    with code.each(WAYS) as way:
        entry = code.add(start, code.mul(way, size))
        used = code.test(code.load(code.add(entry, ENTRY["used"])), "!=", 0)
        same = _same(code, code.add(entry, ENTRY["name"]), name)
        with code.when(code.builder.and_(used, same)):
            code.give(entry)
    code.give(0)
    return code.done()


def _slot(module: ir.Module) -> ir.Function:
    """Give ``slot(record, name)``: the entry that a name may have, another one's if all are taken."""
    code = Code(module, "recall_slot", 2)
    record, name = code.args
    start, size = _set(code, record, name)
    with code.each(WAYS) as way:
        entry = code.add(start, code.mul(way, size))
        with code.when(code.test(code.load(code.add(entry, ENTRY["used"])), "==", 0)):
            code.give(entry)
    victim = code.read(record, RECALL_KERNEL, "victim")
    code.write(record, RECALL_KERNEL, "victim", code.add(victim, 1))
    code.give(code.add(start, code.mul(code.both(victim, WAYS - 1), size)))
    return code.done()


def _lock(module: ir.Module, places: Places) -> ir.Function:
    """Give ``lock(record)``: 1, or 0 where another thread has it for longer than a few looks.

    Nobody waits: a thread that holds it may have been stopped by the system.
    """
    code = Code(module, "recall_lock", 1)
    pointer = code.pointer(code.add(code.args[0], 8 * RECALL_KERNEL["lock"]), I64)
    with code.each(_LOOKS):
        taken = code.builder.cmpxchg(pointer, I64(0), I64(1), "acquire", "monotonic")
        with code.when(code.builder.extract_value(taken, 1)):
            code.give(1)
        pause(code, places)
    code.give(0)
    return code.done()


def _unlock(code: Code, record: Value) -> None:
    pointer = code.pointer(code.add(record, 8 * RECALL_KERNEL["lock"]), I64)
    code.builder.store_atomic(I64(0), pointer, "release", 8)


class _Row:
    """What belongs to one row of one kernel, while code for it is written."""

    def __init__(self, code: Code, parts: _Parts, row: Value) -> None:
        self.code, self.parts, self.row = code, parts, row
        self.record, self.given, self.work, self.base = code.args[:4]
        self.number = code.add(self.base, row)
        self.shared = code.read(self.record, RECALL_KERNEL, "recall")
        self.key = code.add(self.work, self.read("at_key"))
        self.name = code.add(self.work, self.read("at_name"))
        self.room = code.add(self.work, self.read("at_room"))

    def read(self, name: str) -> Value:
        return self.code.read(self.record, RECALL_KERNEL, name)

    def at(self, place: Value) -> Value:
        """Give the address of this row in a region."""
        code = self.code
        stride = code.load(code.add(self.read("strides"), code.mul(place, 8)))
        return code.add(
            code.load(code.add(self.given, code.mul(place, 8))), code.mul(self.row, stride)
        )

    def of_state(self, number: Value) -> tuple[Value, Value]:
        """Give where the digest of a part of this row's state is, and whether it is valid."""
        code = self.code
        states = code.read(self.shared, RECALL, "states")
        index = code.add(code.mul(self.number, states), number)
        digests = code.read(self.shared, RECALL, "state_digests")
        known = code.read(self.shared, RECALL, "state_known")
        return code.add(digests, code.mul(index, DIGEST)), code.add(known, index)

    def of_column(self, number: Value) -> tuple[Value, Value]:
        """Give where the digest of this row of a column is, and the step that it is of."""
        code = self.code
        columns = code.read(self.shared, RECALL, "columns")
        index = code.add(code.mul(self.number, columns), number)
        digests = code.read(self.shared, RECALL, "digests")
        stamps = code.read(self.shared, RECALL, "stamps")
        return code.add(digests, code.mul(index, DIGEST)), code.add(stamps, code.mul(index, 8))

    def hash(self, place: Value, size: Value, target: Value) -> None:
        keys = self.code.read(self.shared, RECALL, "keys")
        self.code.call(self.parts.digest, keys, self.at(place), size, target, self.room)

    # -- the steps

    def make_name(self, epoch: Value) -> None:
        """Write the digest of all that the row reads."""
        code = self.code
        records = self.read("columns")
        count = self.read("column_count")
        with code.each(count) as index:
            item = code.add(records, code.mul(index, 8 * COLUMN.size))
            where, stamp = self.of_column(code.read(item, COLUMN, "number"))
            # Kernels of one step read the same frames.
            with code.when(code.test(code.load(stamp), "!=", epoch)):
                self.hash(code.read(item, COLUMN, "place"), code.read(item, COLUMN, "bytes"), where)
                code.store(stamp, epoch)
            code.copy(code.add(self.key, code.mul(index, DIGEST)), where, DIGEST)
        records = self.read("states")
        with code.each(self.read("state_count")) as index:
            item = code.add(records, code.mul(index, 8 * COLUMN.size))
            where, known = self.of_state(code.read(item, COLUMN, "number"))
            with code.when(code.test(code.load(known, I8), "==", 0)):
                self.hash(code.read(item, COLUMN, "place"), code.read(item, COLUMN, "bytes"), where)
                code.store(known, 1, I8)
            code.copy(self.old(index), where, DIGEST)
        records = self.read("parts")
        with code.each(self.read("part_count")) as index:
            item = code.add(records, code.mul(index, 8 * SPAN.size))
            target = code.add(self.key, code.read(item, SPAN, "offset"))
            code.copy(target, self.at(code.read(item, SPAN, "place")), code.read(item, SPAN, "bytes"))
        with code.when(code.test(self.read("fuel_at"), ">=", 0)):
            going = code.variable(1)
            follows = self.read("follows")
            with code.when(code.test(follows, ">=", 0)):
                code.put(going, code.load(self.at(follows)))
            used = code.load(self.at(self.read("fuel")))
            used = code.choose(code.test(code.get(going), "!=", 0), used, 0)
            code.store(code.add(self.key, self.read("fuel_at")), used)
        keys = code.read(self.shared, RECALL, "last_keys")
        code.call(
            self.parts.digest, keys, self.key, self.read("key_bytes"), self.name, self.room
        )

    def old(self, index: Value) -> Value:
        """Give where in the key the digest of a large part of the state is."""
        code = self.code
        place = code.add(self.read("column_count"), index)
        return code.add(self.key, code.mul(place, DIGEST))

    def take(self, entry: Value) -> None:
        """Write what an entry holds; the marker is the last piece of the value."""
        code = self.code
        records = self.read("states")
        flags = code.add(entry, self.read("flags_at"))
        with code.each(self.read("state_count")) as index:
            flag = code.load(code.add(flags, code.mul(index, 8)))
            with code.when(code.test(flag, "!=", 0)):
                item = code.add(records, code.mul(index, 8 * COLUMN.size))
                where, _ = self.of_state(code.read(item, COLUMN, "number"))
                column = code.add(
                    self.read("columns"), code.mul(code.sub(flag, 1), 8 * COLUMN.size)
                )
                code.copy(
                    self.at(code.read(item, COLUMN, "place")),
                    self.at(code.read(column, COLUMN, "place")),
                    code.read(item, COLUMN, "bytes"),
                )
                code.copy(
                    where, code.add(self.key, code.mul(code.sub(flag, 1), DIGEST)), DIGEST
                )
        failed = self.at(self.read("failed"))
        count = code.load(code.add(entry, ENTRY["failed"]))
        code.store(failed, code.add(code.load(failed), count))
        value = code.add(entry, self.read("value_at"))
        records = self.read("outs")
        with code.each(self.read("out_count")) as index:
            item = code.add(records, code.mul(index, 8 * SPAN.size))
            source = code.add(value, code.read(item, SPAN, "offset"))
            code.copy(self.at(code.read(item, SPAN, "place")), source, code.read(item, SPAN, "bytes"))

    def check_kept(self) -> Value:
        """Clear what is kept of other columns than those of the row; whether there was any."""
        code = self.code
        records, count = self.read("kept"), self.read("kept_count")
        size = code.mul(self.read("column_count"), DIGEST)
        known = code.add(self.read("kept_of"), code.mul(self.number, size))
        fresh = code.variable(0)
        with code.each(count) as index:
            item = code.add(records, code.mul(index, 8 * SPAN.size))
            column = code.mul(code.read(item, SPAN, "offset"), DIGEST)
            same = _same(code, code.add(known, column), code.add(self.key, column))
            with code.when(code.builder.not_(same)):
                code.store(self.at(code.read(item, SPAN, "place")), 0, I8)
                code.put(fresh, 1)
        with code.when(code.test(count, ">", 0)):
            code.copy(known, self.key, size)
            code.store(self.at(self.read("keeping")), 1)
        return code.get(fresh)

    def count_kept(self, cost: Value, fresh: Value, saved: Value) -> None:
        """Count what keeping things by column has saved on a row that took so long."""
        code = self.code
        with code.when(code.test(self.read("kept_count"), ">", 0)):
            time, rows = self.read("fresh_ns"), self.read("fresh_rows")
            with code.when(code.test(fresh, "!=", 0)):
                code.write(self.record, RECALL_KERNEL, "fresh_ns", code.add(time, cost))
                code.write(self.record, RECALL_KERNEL, "fresh_rows", code.add(rows, 1))
            some = code.choose(code.test(rows, ">", 0), rows, 1)
            gain = code.sub(code.builder.sdiv(time, some), cost)
            gain = code.choose(code.test(gain, ">", 0), gain, 0)
            gain = code.choose(code.test(fresh, "!=", 0), 0, gain)
            code.put(saved, code.add(code.get(saved), gain))

    def run(self) -> None:
        """Have the kernel compute the row."""
        code = self.code
        with code.each(self.read("regions")) as place:
            code.store(code.add(self.work, code.mul(place, 8)), self.at(place))
        code.call_at(self.read("function"), 1, self.work)

    def keep(self, cost: Value, failed: Value) -> None:
        """Keep what the kernel has just written."""
        code = self.code
        fit = code.variable(1)
        bad = code.test(code.load(self.at(self.read("marker")), I8), "!=", int(Outcome.OK))
        with code.when(bad):
            away = code.test(code.load(self.at(self.read("status"))), "==", self.read("away"))
            code.put(fit, code.choose(away, 0, 1))
        flags = code.add(self.work, self.read("at_name"))
        flags = code.add(flags, DIGEST)
        records = self.read("states")
        with code.each(self.read("state_count")) as index:
            item = code.add(records, code.mul(index, 8 * COLUMN.size))
            where, _ = self.of_state(code.read(item, COLUMN, "number"))
            size = code.read(item, COLUMN, "bytes")
            self.hash(code.read(item, COLUMN, "place"), size, where)
            flag = code.variable(-1)
            with code.each(self.read("column_count")) as number:
                column = code.add(self.read("columns"), code.mul(number, 8 * COLUMN.size))
                alike = code.test(code.read(column, COLUMN, "bytes"), "==", size)
                same = _same(code, code.add(self.key, code.mul(number, DIGEST)), where)
                equal = code.builder.and_(alike, same)
                code.put(flag, code.choose(equal, code.add(number, 1), code.get(flag)))
            code.put(flag, code.choose(_same(code, self.old(index), where), 0, code.get(flag)))
            code.store(code.add(flags, code.mul(index, 8)), code.get(flag))
            lost = code.test(code.get(flag), "<", 0)
            code.put(fit, code.choose(lost, 0, code.get(fit)))
        with code.when(code.test(code.get(fit), "!=", 0)):
            locked = code.call(self.parts.lock, self.record)
            with code.when(code.test(locked, "!=", 0)):
                entry = code.call(self.parts.slot, self.record, self.name)
                code.copy(code.add(entry, ENTRY["name"]), self.name, DIGEST)
                code.store(code.add(entry, ENTRY["cost"]), cost)
                code.store(code.add(entry, ENTRY["failed"]), failed)
                code.copy(
                    code.add(entry, self.read("flags_at")),
                    flags,
                    code.mul(self.read("state_count"), 8),
                )
                value = code.add(entry, self.read("value_at"))
                records = self.read("outs")
                with code.each(self.read("out_count")) as index:
                    item = code.add(records, code.mul(index, 8 * SPAN.size))
                    target = code.add(value, code.read(item, SPAN, "offset"))
                    place = self.at(code.read(item, SPAN, "place"))
                    code.copy(target, place, code.read(item, SPAN, "bytes"))
                code.store(code.add(entry, ENTRY["used"]), 1)
                _unlock(code, self.record)


def _look(module: ir.Module, parts: _Parts) -> ir.Function:
    """Give ``look(record, given, work, base, first, rows)``: look rows up, compute the others."""
    code = Code(module, "recall_look", 6)
    record, given = code.args[:2]
    first, rows = code.args[4:]
    shared = code.read(record, RECALL_KERNEL, "recall")
    epoch = code.load(code.read(shared, RECALL, "epoch"))
    tried, hits = code.variable(0), code.variable(0)
    spent, saved, ran = code.variable(0), code.variable(0), code.variable(0)
    clock = code.variable(0)
    code.put(clock, code.call(parts.now))
    with code.each(rows) as index:
        row = _Row(code, parts, code.add(first, index))
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
                _unlock(code, record)
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
    for name, slot in counted.items():
        _add(code, shared, name, code.get(slot))
    total = code.read(shared, RECALL, "counted")
    for at, slot in enumerate((tried, hits)):
        pointer = code.pointer(code.add(total, 8 * at), I64)
        code.builder.atomic_rmw("add", pointer, code.get(slot), "monotonic")
    code.give(0)
    return code.done()


def _pass(module: ir.Module, parts: _Parts) -> ir.Function:
    """Give ``pass(record, given, work, base, first, rows)``: have the kernel compute rows."""
    code = Code(module, "recall_pass", 6)
    record = code.args[0]
    first, rows = code.args[4:]
    row = _Row(code, parts, first)
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


def recall(
    module: ir.Module, places: Places, now: ir.Function, digest: ir.Function
) -> ir.Function:
    """Give ``recall(rows, table)``, which is called as a kernel is.

    The table's first `RECALL_FIRST` places are the kernel's record (`RECALL_KERNEL`), the address of the
    number of its first row, and working memory; then come those of the kernel's own table.
    """
    parts = _Parts(now, digest, _find(module), _slot(module), _lock(module, places))
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
