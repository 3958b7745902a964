"""One row of a kernel whose results are kept: its key, its entry, and what is written; see `recall`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from llvmlite import ir

from sandbox.digests import DIGEST
from sandbox.native.bell import pause
from sandbox.native.emit import I8, I64, Code, Value
from sandbox.native.places import Places
from sandbox.native.tables import COLUMN, ENTRY, RECALL, RECALL_KERNEL, SPAN, WAYS
from sandbox.outcome import Outcome

__all__ = ["Parts", "Row", "find", "lock", "slot", "unlock"]

_LOOKS: Final = 64


@dataclass(frozen=True, slots=True)
class Parts:
    """Functions of the module."""

    now: ir.Function
    digest: ir.Function
    find: ir.Function
    slot: ir.Function
    lock: ir.Function


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


def find(module: ir.Module) -> ir.Function:
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


def slot(module: ir.Module) -> ir.Function:
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


def lock(module: ir.Module, places: Places) -> ir.Function:
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


def unlock(code: Code, record: Value) -> None:
    """Give back what `lock` gave."""
    pointer = code.pointer(code.add(record, 8 * RECALL_KERNEL["lock"]), I64)
    code.builder.store_atomic(I64(0), pointer, "release", 8)


class Row:
    """What belongs to one row of one kernel, while code for it is written."""

    def __init__(self, code: Code, parts: Parts, row: Value) -> None:
        self.code, self.parts, self.row = code, parts, row
        self.record, self.given, self.work, self.base = code.args[:4]
        self.number = code.add(self.base, row)
        self.shared = code.read(self.record, RECALL_KERNEL, "recall")
        self.key = code.add(self.work, self.read("at_key"))
        self.name = code.add(self.work, self.read("at_name"))
        self.room = code.add(self.work, self.read("at_room"))

    def read(self, name: str) -> Value:
        """Read a place of the kernel's record."""
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
        """Write the digest of this row of a region."""
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
            code.copy(
                target, self.at(code.read(item, SPAN, "place")), code.read(item, SPAN, "bytes")
            )
        with code.when(code.test(self.read("fuel_at"), ">=", 0)):
            going = code.variable(1)
            follows = self.read("follows")
            with code.when(code.test(follows, ">=", 0)):
                code.put(going, code.load(self.at(follows)))
            used = code.load(self.at(self.read("fuel")))
            used = code.choose(code.test(code.get(going), "!=", 0), used, 0)
            code.store(code.add(self.key, self.read("fuel_at")), used)
        keys = code.read(self.shared, RECALL, "last_keys")
        code.call(self.parts.digest, keys, self.key, self.read("key_bytes"), self.name, self.room)

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
                code.copy(where, code.add(self.key, code.mul(code.sub(flag, 1), DIGEST)), DIGEST)
        failed = self.at(self.read("failed"))
        count = code.load(code.add(entry, ENTRY["failed"]))
        code.store(failed, code.add(code.load(failed), count))
        value = code.add(entry, self.read("value_at"))
        records = self.read("outs")
        with code.each(self.read("out_count")) as index:
            item = code.add(records, code.mul(index, 8 * SPAN.size))
            source = code.add(value, code.read(item, SPAN, "offset"))
            code.copy(
                self.at(code.read(item, SPAN, "place")), source, code.read(item, SPAN, "bytes")
            )

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
                unlock(code, self.record)
