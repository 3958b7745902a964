"""The doorbell of a worker: how host and worker wake each other without a frame on the socket.

Both map one page. The host writes the number of its request, what it wants, and where each input
lies; the worker writes the number it has answered. Each side's words are on cache lines of their
own. Whoever waits looks again and again for a while, giving the core away in between, and then
sleeps on the other's number (a futex); it says before that it sleeps, so that the other asks the
kernel to wake it only where there is somebody to wake.

The host believes nothing on this page. It keeps its own count, and a number that is not the one it
waits for means that the answer is not there yet; a worker that lies about it makes the host look
at results that are still pending, which is found out there.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir

from sandbox.native.emit import I32, I64, Code, Value
from sandbox.native.inputs import data_of
from sandbox.native.places import Places
from sandbox.native.tables import BELL

__all__ = [
    "KIND",
    "STATUS",
    "clock",
    "entries",
    "futex",
    "next_number",
    "pause",
    "ring",
    "wait",
]

# Each on a cache line of its own, by who writes it.
ASKED: Final = 0
KIND: Final = 4
ANSWERED: Final = 64
STATUS: Final = 68
WORKER_SLEEPS: Final = 128
HOST_SLEEPS: Final = 192
# From the kind to the end of its line: where each input lies.

_BRIEF_NS: Final = 2_000
_TURNS: Final = 32
"""Looks between two times that the core is given away."""
_WAIT: Final = 0
_WAKE: Final = 1


def clock(module: ir.Module, places: Places) -> ir.Function:
    """Give the function that reads the monotonic clock in nanoseconds."""
    code = Code(module, "clock", 0)
    room = code.builder.alloca(ir.ArrayType(I64, 2))
    address = code.builder.ptrtoint(room, I64)
    code.call_at(places.clock_gettime, 1, address)
    seconds = code.load(address)
    code.give(code.add(code.mul(seconds, 1_000_000_000), code.load(code.add(address, 8))))
    return code.done()


def ring(module: ir.Module, places: Places, *, host: bool) -> ir.Function:
    """Give ``ring(bell, number)``: show a number, and wake who sleeps for it."""
    mine, sleeps = (ASKED, WORKER_SLEEPS) if host else (ANSWERED, HOST_SLEEPS)
    code = Code(module, "ring" if host else "answer", 2)
    bell, number = code.args
    page = code.read(bell, BELL, "page")
    word = code.add(page, mine)
    code.atomic_store(word, number)
    with code.when(code.test(code.atomic_load(code.add(page, sleeps)), "!=", 0)):
        futex(code, places, word, _WAKE, 1)
    code.give(0)
    return code.done()


def wait(
    module: ir.Module, places: Places, now: ir.Function, *, host: bool, gil: bool
) -> ir.Function:
    """Give ``wait(bell, number)``: wait for a number, or in the worker for another one.

    It returns the word that was found, or -1 where it has slept for a slice and found nothing.
    """
    theirs, mine = (ANSWERED, HOST_SLEEPS) if host else (ASKED, WORKER_SLEEPS)
    code = Code(module, "wait_host" if host else "wait_worker", 2)
    bell, number = code.args
    page = code.read(bell, BELL, "page")
    word = code.add(page, theirs)
    flag = code.add(page, mine)
    relation = "==" if host else "!="
    _look(code, places, word, relation, number)
    begin = code.variable(code.call(now))
    span = code.read(bell, BELL, "spin_ns")
    until = code.add(code.get(begin), span)
    most = code.read(bell, BELL, "most_ns")

    def found(value: Value) -> None:
        # Looking pays where the wait is not much longer than it takes to be woken.
        took = code.sub(code.call(now), code.get(begin))
        short = code.test(took, "<=", code.mul(most, 2))
        spin = code.choose(short, most, _smaller(code, most, _BRIEF_NS))
        code.write(bell, BELL, "spin_ns", spin)
        code.give(value)

    with code.forever() as after:
        with code.when(code.test(code.call(now), ">=", until)):
            code.leave(after)
        code.call_at(places.sched_yield)
        with code.each(_TURNS):
            value = code.atomic_load(word)
            with code.when(code.test(value, relation, number)):
                found(value)
            pause(code, places)
    thread = code.call_at(places.save_thread) if gil else code.value(0)
    code.atomic_store(flag, 1)
    value = code.atomic_load(word)
    with code.when(code.builder.not_(code.test(value, relation, number))):
        futex(code, places, word, _WAIT, value, ns=code.read(bell, BELL, "slice_ns"))
    code.atomic_store(flag, 0)
    if gil:
        code.call_at(places.restore_thread, thread)
    value = code.atomic_load(word)
    with code.when(code.test(value, relation, number)):
        found(value)
    code.give(-1)
    return code.done()


def _look(code: Code, places: Places, word: Value, relation: str, number: Value) -> None:
    """Look a few times before anything else; most answers of small batches come meanwhile."""
    with code.each(_TURNS):
        value = code.atomic_load(word)
        with code.when(code.test(value, relation, number)):
            code.give(value)
        pause(code, places)


def _smaller(code: Code, left: Value, right: Value) -> Value:
    return code.choose(code.test(left, "<", right), left, right)


def pause(code: Code, places: Places) -> None:
    """Tell the core that this is a loop that waits."""
    name, arguments = places.pause
    kind = ir.FunctionType(ir.VoidType(), [I32] * len(arguments))
    module = code.function.module
    function = module.globals.get(name) or ir.Function(module, kind, name)
    code.builder.call(function, [I32(item) for item in arguments])


def futex(
    code: Code, places: Places, word: Value, what: int, value: Value, *, ns: Value = 0
) -> None:
    """Sleep on a word, or wake who does."""
    time: Any = 0
    if not (isinstance(ns, int) and ns == 0):
        room = code.builder.alloca(ir.ArrayType(I64, 2))
        time = code.builder.ptrtoint(room, I64)
        code.store(time, code.builder.udiv(ns, I64(1_000_000_000)))
        code.store(code.add(time, 8), code.builder.urem(ns, I64(1_000_000_000)))
    code.call_variadic(places.syscall, places.futex, word, what, value, time, 0, 0)


def next_number(code: Code, bell: Value) -> Value:
    """Count one request more; only the host's own count is ever believed."""
    number = code.both(code.add(code.read(bell, BELL, "count"), 1), 0xFFFFFFFF)
    code.write(bell, BELL, "count", number)
    return number


def entries(
    module: ir.Module,
    places: Places,
    *,
    ring: ir.Function,
    answer: ir.Function,
    wait: ir.Function,
) -> None:
    """Make what Python calls over a bell: ``ask(kind)``, ``answered()`` and, there, ``tell(status)``.

    ``answered`` gives the status of the answer, or -1 where there is none yet.
    """
    code = Code(module, "ask", 3, inner=False)
    bell = data_of(code, code.args[0])
    kind = code.call_at(places.read_int, code.load(code.args[1]))
    code.store(code.add(code.read(bell, BELL, "page"), KIND), kind, I32)
    number = next_number(code, bell)
    code.call(ring, bell, number)
    code.give(code.call_at(places.make_int, number))
    code.done()

    code = Code(module, "tell", 3, inner=False)
    bell = data_of(code, code.args[0])
    status = code.call_at(places.read_int, code.load(code.args[1]))
    code.store(code.add(code.read(bell, BELL, "page"), STATUS), status, I32)
    code.call(answer, bell, code.read(bell, BELL, "count"))
    code.give(code.call_at(places.make_int, 0))
    code.done()

    code = Code(module, "answered", 3, inner=False)
    bell = data_of(code, code.args[0])
    found = code.call(wait, bell, code.read(bell, BELL, "count"))
    with code.when(code.test(found, "<", 0)):
        code.give(code.call_at(places.make_int, -1))
    status = code.load(code.add(code.read(bell, BELL, "page"), STATUS), I32)
    code.give(code.call_at(places.make_int, status))
    code.done()
