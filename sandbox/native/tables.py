"""The tables that Python fills and native code reads: names of their places, and their codes.

Apart from the code itself, so that laying out a table does not import the compiler.
"""

from __future__ import annotations

from typing import Final

from sandbox.digests import DIGEST

__all__ = [
    "ARRAY",
    "BELL",
    "BROKEN",
    "COLUMN",
    "COUNTED",
    "COUNTED_AT",
    "DUE",
    "ENGINE",
    "ENTRY",
    "IDLE",
    "INPUT",
    "JOB",
    "KEEP",
    "KERNEL",
    "LANE",
    "LEAF",
    "MEMBER",
    "PAGE_BYTES",
    "PATH",
    "PLACES",
    "PLACES_AT",
    "READY",
    "RECALL",
    "RECALL_FIRST",
    "RECALL_KERNEL",
    "SERVE",
    "SOUND",
    "SPAN",
    "TAKEN_AT",
    "TEAM_AT",
    "TEAM_BYTES",
    "TEXT",
    "UNDER_WAY",
    "WAYS",
    "Ended",
    "Fields",
    "Kind",
    "Status",
]


class Fields:
    """The places of a table by name; each is a number of 64 bits."""

    def __init__(self, *names: str) -> None:
        self._places = {name: place for place, name in enumerate(names)}
        self.size = len(names)

    def __getitem__(self, name: str) -> int:
        return self._places[name]


# The doorbell

BELL: Final = Fields("page", "count", "most_ns", "spin_ns", "slice_ns")
"""Where the page is, the last number, how long to look at most and the next time, and how long to
sleep before the caller is asked whether to go on."""

PLACES: Final = 56
"""Inputs that can lie elsewhere than in their own column."""

PLACES_AT: Final = 8
TAKEN_AT: Final = 132
COUNTED_AT: Final = 136
COUNTED: Final = 2
"""Where on the page the worker counts rows looked up and found, and how many numbers that are."""
"""Where on the page the worker says which request it has begun with."""
PAGE_BYTES: Final = 256


class Kind:
    """What the host wants."""

    STEP = 1
    RESET = 2
    TALK = 3
    """A frame is on the socket."""
    RESUME = 4
    """Inputs are in their own columns now."""


class Status:
    """How a worker answers."""

    RAN = 0
    TOLD = 1
    """A frame is on the socket."""
    HOME = 2
    """It cannot go on with inputs that lie elsewhere than in their own columns."""


# Rows that were seen before

RECALL: Final = Fields(
    *("on", "epoch", "keys", "last_keys", "rows", "digests", "stamps", "columns"),
    *("state_digests", "state_known", "states"),
    *("tried", "hits", "spent", "saved", "ran", "counted"),
)
"""What all kernels of a program share: whether results are looked up at the moment; the address of
the number of this step; keys of the digests of columns and of the last one; rows; by row and
column a digest and the step it is of; how many columns. The same of large parts of the state, and
whether a digest is of what is there now. Then, of a while: rows looked up, found; nanoseconds that looking
took, that found rows had taken, that kernels took; and the address of two numbers, rows looked up and
found since the start."""
RECALL_KERNEL: Final = Fields(
    *("recall", "function", "regions", "strides", "marker", "status", "failed", "follows", "fuel"),
    *("wanted", "columns", "column_count", "states", "state_count", "parts", "part_count"),
    *(
        "outs",
        "out_count",
        "kept",
        "kept_count",
        "kept_of",
        "keeping",
        "fuel_at",
        "key_bytes",
        "at_key",
        "at_name",
        "at_room",
    ),
    *("entries", "entry_bytes", "mask", "flags_at", "value_at", "victim", "lock", "away"),
    *("fresh_ns", "fresh_rows"),
)
"""Of one kernel: the shared table; its function, how many regions it has and the bytes of a row of
each; places of regions (-1: none); whether its rows are looked up at all. What it reads: large
columns, large parts of the state, and pieces that go into the key as they are; what it writes. Flags of what it
keeps by column (`sandbox.tiers.compiled.firsts`), the digests of the columns that this is of by row, and
the region that says that it is of use.
Where in the key the fuel used before stands (-1: nowhere) and how long the key is; places in the
working memory; the entries, their size, and how many sets there are less one; places in an entry; the
next of a set to be overwritten; a lock; the status of a row that the interpreted tier computes. Time and number of rows on which nothing
was at hand."""
COLUMN: Final = Fields("place", "bytes", "number")
"""A large region of a kernel: its place, bytes of a row, and its number in the shared table."""
SPAN: Final = Fields("place", "bytes", "offset")
"""A small one: its place, bytes of a row, and where it stands in the key or in the value."""
WAYS: Final = 4
"""Entries of a set."""
ENTRY: Final = {
    "used": 0,
    "name": 8,
    "cost": 8 + DIGEST,
    "failed": 16 + DIGEST,
    "flags": 24 + DIGEST,
}
"""Offsets in an entry: whether it is taken, the key, the nanoseconds that computing it took, rows that
failed (0 or 1). Behind them come the notes on large parts of the state: 0 where it is unchanged,
else 1 and the number among the kernel's columns of the one it equals; then the value."""
RECALL_FIRST: Final = 3
"""Places of a kernel's table before its own: its record, where the number of the first row is, and
working memory."""


# A compiled program, and serving it

ENGINE: Final = Fields(
    *("rows", "count", "kernels", "inputs", "input_count"),
    *("broken", "follows", "failed", "alone", "outcome", "reward", "failure"),
    *("states", "flag", "epoch"),
)
"""Rows; how many kernels and where their records are; the same of inputs that may lie elsewhere;
addresses of the runner's own flags; whether no call pays; arrays of the outputs. Of a reset: what
each row's state is, int32 (0: not to be written), and the flag that says whether any has none.
The address of the number of steps and resets so far."""
KERNEL: Final = Fields("function", "table")
JOB: Final = Fields(
    *("team", "function", "table", "regions", "strides", "tables", "owns", "fails"),
    *("failed", "rows", "chunk", "chunks", "done"),
)
"""A kernel whose rows several threads share: its function and table, how many regions it has and the
bytes of a row of each; by member of the team a table, the memory of its own (0: shared), and a
number of failed rows (one in 64 bytes); where those are added up; rows, rows of a chunk, chunks, and
how many are done."""
MEMBER: Final = Fields("team", "number")
TEAM_AT: Final = {"ticket": 0, "word": 64, "sleepers": 128, "busy": 192, "job": 256, "ready": 320}
"""Offsets in what a team shares, each on a cache line of its own."""
TEAM_BYTES: Final = 384
INPUT: Final = Fields("cell", "column", "own", "first", "second")
"""A place in a kernel's table, the number of the column, and the three places it may lie at."""
SERVE: Final = Fields("bell", "engine", "reset", "renew_ns")
"""The bell, the engines of a step and a reset (0: none), and when the limit on CPU time is to be moved."""

BROKEN: Final = -1
SOUND: Final = -1
"""What a row's state is if it has one."""
IDLE: Final = 0
DUE: Final = 1 << 16


# Arguments

LEAF: Final = Fields(
    *("slot", "path", "depth", "kind", "own", "bytes", "dtype", "ndim", "dims", "rows"),
    *("last", "first", "second", "column", "found", "row_bytes"),
)
"""Which argument, and the path in it; what is wanted; where it goes: the column of its own, and
the two places in which an environment may have written it already."""
PATH: Final = Fields("by_key", "part")
ARRAY: Final = 0
TEXT: Final = 1


# What a caller keeps

KEEP: Final = Fields(
    *("rows", "tasks", "truths", "newly", "copy", "kept", "reward", "pays"),
    *("turns", "row_counts", "task_counts", "ranged", "low", "high", "outside", "last"),
)
"""``truths``, ``newly``, ``copy`` and ``reward`` are offsets in the block, the others addresses of
arrays of the caller, numbers, or the bits of a double (``low``, ``high``); ``last`` may be 0."""


# A step

LANE: Final = Fields(
    *("ready", "rows", "tasks", "components", "leaves", "leaf_count", "where"),
    *("outputs", "size", "reward", "values", "value_count", "fuel"),
    *("outcome", "task_outcome", "codes", "code_count"),
    *("present", "truths", "truth", "truth_count"),
    *("engine", "bell", "kind", "after", "after_table"),
)
"""Offsets are within the outputs. Values (reward, components), codes (outcomes of rows and tasks)
and truth values (presence, tasks) each lie side by side, so that each is looked at in one go."""


READY: Final = 1
UNDER_WAY: Final = 2
"""What the number behind ``ready`` may be, beside 0: the short way may be taken; a worker was asked
and its answer was not taken to the end."""


class Ended:
    """How a step ended; a number above 0 is the leaf (from 1) that did not fit."""

    FINE = 0
    NOT_READY = -1
    """Nothing has run: the state of the guest asks for the long way."""
    WAITING = -2
    """It was sent, and there is no answer yet."""
    LOOK = -3
    """There are results, and not every row is fine."""
    TOLD = -4
    """A frame is on the socket."""
    BAD_MASK = -5
    HOME = -6
    """The worker asks for inputs in their own columns before it goes on."""
    STOPPED = -16
    """In this process: a row failed in the first kernel; in the second at one less, and so on."""
