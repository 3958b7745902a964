"""Rows of one batch on several threads: a kernel's rows in chunks, and who takes which.

A kernel works on a table of addresses, where row 0 of each array lies, and on scratch memory of its
own. So a chunk of rows is the same kernel on a table of its own, moved by the rows before it. Who
steps takes chunks itself, and helpers that sleep on a futex between batches take the others; a
helper that the system does not run takes none, and nobody waits for it. Which thread computes a
row changes nothing about it: rows know nothing of each other.

The ticket says which job it is, how many chunks it has and which is next, in one number, so that
a chunk can only be taken of the job that is under way. What a job is does not change while any of
its chunks is not done.
"""

from __future__ import annotations

from llvmlite import ir

from sandbox.native.bell import futex, pause
from sandbox.native.emit import I64, Code, Value
from sandbox.native.places import Places
from sandbox.native.tables import JOB, MEMBER, TEAM_AT

__all__ = ["spread"]

_BITS = 20
_MASK = (1 << _BITS) - 1
_WAIT_PRIVATE = 128
_WAKE_PRIVATE = 129
_LOOKS = 4_000
"""Looks for the next job before a helper sleeps: a few dozen microseconds."""


def _add(code: Code, address: Value, amount: Value) -> Value:
    """Add to a number that other threads change; the one before."""
    pointer = code.pointer(address, I64)
    return code.builder.atomic_rmw("add", pointer, code.value(amount), "seq_cst")


def _see(code: Code, address: Value) -> Value:
    return code.builder.load_atomic(code.pointer(address, I64), "seq_cst", 8)


def _show(code: Code, address: Value, value: Value) -> None:
    code.builder.store_atomic(code.value(value), code.pointer(address, I64), "seq_cst", 8)


def _open(code: Code, ticket: Value) -> Value:
    """Whether a ticket has a chunk that nobody has taken."""
    count = code.both(code.builder.lshr(ticket, I64(_BITS)), _MASK)
    return code.test(code.both(ticket, _MASK), "<", count)


def _take(module: ir.Module) -> ir.Function:
    """Give ``take(team)``: the number of a chunk, or -1."""
    code = Code(module, "take", 1)
    (team,) = code.args
    place = code.add(team, TEAM_AT["ticket"])
    with code.when(code.builder.not_(_open(code, _see(code, place)))):
        code.give(-1)
    ticket = _add(code, place, 1)
    with code.when(code.builder.not_(_open(code, ticket))):
        code.give(-1)
    code.give(code.both(ticket, _MASK))
    return code.done()


def _chunk(module: ir.Module) -> ir.Function:
    """Give ``chunk(job, member, number)``: run the rows of a chunk."""
    code = Code(module, "chunk", 3)
    job, member, number = code.args
    size = code.read(job, JOB, "chunk")
    first = code.mul(number, size)
    left = code.sub(code.read(job, JOB, "rows"), first)
    rows = code.choose(code.test(left, "<", size), left, size)
    count = code.read(job, JOB, "regions")
    table = code.read(job, JOB, "table")
    strides = code.read(job, JOB, "strides")
    offset = code.mul(member, code.mul(count, 8))
    tables = code.add(code.read(job, JOB, "tables"), offset)
    owns = code.add(code.read(job, JOB, "owns"), offset)
    with code.each(count) as region:
        at = code.mul(region, 8)
        own = code.load(code.add(owns, at))
        moved = code.mul(first, code.load(code.add(strides, at)))
        shared = code.add(code.load(code.add(table, at)), moved)
        code.store(code.add(tables, at), code.choose(code.test(own, "!=", 0), own, shared))
    code.call_at(code.read(job, JOB, "function"), rows, tables)
    failed = code.add(code.read(job, JOB, "fails"), code.mul(member, 64))
    bad = code.load(failed)
    with code.when(code.test(bad, "!=", 0)):
        code.store(failed, 0)
        _add(code, code.read(job, JOB, "failed"), bad)
    _add(code, code.add(job, 8 * JOB["done"]), 1)
    code.give(0)
    return code.done()


def spread(module: ir.Module, places: Places) -> tuple[ir.Function, ir.Function]:
    """Give ``spread(rows, job)``, which is called as a kernel is, and ``helper(member)``."""
    take, chunk = _take(module), _chunk(module)
    code = Code(module, "spread", 2, inner=False)
    job = code.args[1]
    team = code.read(job, JOB, "team")
    chunks = code.read(job, JOB, "chunks")
    _show(code, code.add(job, 8 * JOB["done"]), 0)
    busy = code.builder.cmpxchg(
        code.pointer(code.add(team, TEAM_AT["busy"]), I64), I64(0), I64(1), "seq_cst", "seq_cst"
    )
    with code.when(code.builder.not_(code.builder.extract_value(busy, 1))):
        # Another batch has the helpers: this one goes on without.
        with code.each(chunks) as number:
            code.call(chunk, job, 0, number)
        code.give(0)
    code.store(code.add(team, TEAM_AT["job"]), job)
    ticket = code.add(team, TEAM_AT["ticket"])
    turn = code.add(code.builder.lshr(_see(code, ticket), I64(2 * _BITS)), 1)
    fresh = code.builder.shl(turn, I64(2 * _BITS))
    _show(code, ticket, code.either(fresh, code.builder.shl(chunks, I64(_BITS))))
    word = code.add(team, TEAM_AT["word"])
    _add(code, word, 1)
    with code.when(code.test(_see(code, code.add(team, TEAM_AT["sleepers"])), "!=", 0)):
        futex(code, places, word, _WAKE_PRIVATE, 1 << 20)
    with code.forever() as after:
        number = code.call(take, team)
        with code.when(code.test(number, "<", 0)):
            code.leave(after)
        code.call(chunk, job, 0, number)
    with code.forever() as after:
        done = _see(code, code.add(job, 8 * JOB["done"]))
        with code.when(code.test(done, ">=", chunks)):
            code.leave(after)
        with code.each(64):
            pause(code, places)
        code.call_at(places.sched_yield)
    _show(code, code.add(team, TEAM_AT["busy"]), 0)
    code.give(0)
    spread_ = code.done()

    code = Code(module, "helper", 1, inner=False)
    (member,) = code.args
    team = code.read(member, MEMBER, "team")
    mine = code.read(member, MEMBER, "number")
    ticket = code.add(team, TEAM_AT["ticket"])
    word = code.add(team, TEAM_AT["word"])
    sleepers = code.add(team, TEAM_AT["sleepers"])
    _add(code, code.add(team, TEAM_AT["ready"]), 1)
    with code.forever():
        number = code.call(take, team)
        with code.when(code.test(number, ">=", 0)):
            code.call(chunk, code.load(code.add(team, TEAM_AT["job"])), mine, number)
        with code.when(code.test(number, "<", 0)):
            seen = code.atomic_load(word)
            looks = code.variable(0)
            with code.forever() as after:
                with code.when(_open(code, _see(code, ticket))):
                    code.leave(after)
                with code.when(code.test(code.get(looks), ">=", _LOOKS)):
                    code.leave(after)
                code.put(looks, code.add(code.get(looks), 1))
                pause(code, places)
            idle = code.builder.not_(_open(code, _see(code, ticket)))
            with code.when(idle):
                _add(code, sleepers, 1)
                code.builder.fence("seq_cst")
                # A job that began since then has changed the word, and nobody sleeps.
                futex(code, places, word, _WAIT_PRIVATE, seen)
                _add(code, sleepers, -1)
    code.builder.unreachable()
    return spread_, code.done()
