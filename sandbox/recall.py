"""What rows gave that were seen before: the memory that `sandbox.native.recall` works on.

One `Recall` belongs to the arrays of one batch size: binding anew, loading and closing forget
everything. What is kept is bounded by ``limits.recall_bytes`` for all kernels of a program
together; an entry that finds its set full takes the place of another one, in turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sandbox.digests import DIGEST, random_keys, room_of
from sandbox.lane import table_of
from sandbox.native.library import Library
from sandbox.native.tables import COLUMN, COUNTED, ENTRY, RECALL, RECALL_KERNEL, SPAN, WAYS, Fields

__all__ = ["LARGE", "Piece", "Recall", "Recalled", "is_wanted"]

LARGE: Final = 1_024
"""Bytes of a row from which on an input is hashed by itself, and a program has results kept."""
_KEYS: Final = random_keys(2)
"""Drawn when a process begins, because a worker cannot draw any later."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A region of a kernel.

    Attributes:
        size: Bytes of one row.
        stride: Bytes from one row to the next; 0 where all rows share it.
    """

    name: str
    kind: Literal["input", "output", "state", "scratch", "kept"]
    size: int
    stride: int


@dataclass(frozen=True, slots=True)
class Recalled:
    """What looking up has brought since the arrays were bound.

    Attributes:
        tried: Rows of a kernel that were looked up.
        hits: Those that were found.
        on: Whether rows are looked up at the moment.
        entry_count: How many results there is room for, of all kernels together.
    """

    tried: int
    hits: int
    on: bool
    entry_count: int


def is_wanted(pieces: Sequence[Piece]) -> bool:
    """Whether a kernel reads so much that what it gives is worth keeping."""
    return any(piece.kind == "input" and piece.size >= LARGE for piece in pieces)


class Recall:
    """The shared table of a program, and what its kernels read and write.

    Args:
        library: The native functions.
        rows: Rows of a batch.
        kernels: Their regions by name, in the order of their tables.
        budget: Bytes for the results of all kernels.
        epoch: Address of the number of steps so far.
    """

    def __init__(
        self,
        library: Library,
        rows: int,
        kernels: Mapping[str, Sequence[Piece]],
        budget: int,
        epoch: int,
    ) -> None:
        self.function = library.recall
        self._alive: list[Any] = [library]
        self._kernels = kernels
        wanted = [pieces for pieces in kernels.values() if is_wanted(pieces)]
        self._budget = budget // max(len(wanted), 1)
        self._columns = _numbered(wanted, "input")
        self._states = _numbered(kernels.values(), "state")
        self._entry_count = 0
        self._counted = np.zeros(COUNTED, np.int64)
        self.numbers = np.arange(rows, dtype=np.int64)
        self.table = table_of(
            RECALL,
            on=1,
            epoch=epoch,
            keys=_KEYS[0].ctypes.data,
            last_keys=_KEYS[1].ctypes.data,
            rows=rows,
            digests=self._room(rows * len(self._columns) * DIGEST),
            stamps=self._room(rows * len(self._columns) * 8),
            columns=len(self._columns),
            state_digests=self._room(rows * len(self._states) * DIGEST),
            state_known=self._room(rows * len(self._states)),
            states=len(self._states),
            counted=self._counted.ctypes.data,
        )

    def count_in(self, numbers: NDArray[np.int64]) -> None:
        """Count rows looked up and found in two numbers that others read."""
        numbers[:] = self._counted
        self._counted = numbers
        self.table[RECALL["counted"]] = numbers.ctypes.data

    def _room(self, size: int) -> int:
        memory: NDArray[np.uint8] = np.zeros(max(size, 1), np.uint8)
        self._alive.append(memory)
        return memory.ctypes.data

    def _records(self, fields: Fields, records: list[dict[str, int]]) -> int:
        table = np.zeros((max(len(records), 1), fields.size), np.int64)
        for place, record in zip(table, records, strict=False):
            place[:] = table_of(fields, **record)
        self._alive.append(table)
        return table.ctypes.data

    def kernel(
        self,
        name: str,
        function: int,
        *,
        first: bool,
        follows: str,
        failed: str,
        away: int,
        keeping: str,
        flags: dict[str, str],
    ) -> tuple[int, int]:
        """Lay out what belongs to one kernel.

        Args:
            name: Of the kernel.
            function: Its address.
            first: Whether no call of a row goes before it.
            follows: Name of the region that says whether one did, where only the run tells.
            failed: Name of the region that counts failed rows.
            away: The status of rows that are handed over.
            keeping: Name of the region that says whether what is kept is of use.
            flags: Regions that say that something is kept, and the input it is kept of.

        Returns:
            The address of its record, and the bytes of working memory that one thread needs.
        """
        pieces = self._kernels[name]
        places = {piece.name: place for place, piece in enumerate(pieces)}
        reads = [piece for piece in pieces if piece.kind in {"input", "state"}]
        columns = [piece for piece in reads if piece.kind == "input" and piece.size >= LARGE]
        states = [piece for piece in reads if piece.kind == "state" and piece.size >= LARGE]
        small = [piece for piece in reads if piece.size < LARGE]
        # The marker comes last: a row that has one has all the rest.
        outs = [piece for piece in pieces if piece.kind == "output"]
        outs = [piece for piece in small if piece.kind == "state"] + sorted(
            outs, key=lambda piece: piece.name == "marker"
        )
        parts, used = _spans(small, places, DIGEST * (len(columns) + len(states)))
        fuel_at = -1
        if follows in places or not first:
            fuel_at = used
            used += 8
        values, value_bytes = _spans(outs, places, 0)
        value_at = ENTRY["flags"] + 8 * len(states)
        entry = -(-(value_at + value_bytes) // 8) * 8
        sets = self._budget // (WAYS * entry)
        mask = (1 << sets.bit_length() - 1) - 1 if sets else 0
        wanted = is_wanted(pieces) and sets > 0
        if wanted:
            self._entry_count += WAYS * (mask + 1)
        order = [piece.name for piece in columns]
        kept = [
            {"place": places[flag], "bytes": 1, "offset": order.index(column)}
            for flag, column in flags.items()
            if column in order
        ]
        at_key = 8 * len(pieces)
        at_name = at_key + -(-used // 8) * 8
        at_room = at_name + DIGEST + 8 * len(states)
        largest = max([piece.size for piece in (*columns, *states)] + [used])
        record = table_of(
            RECALL_KERNEL,
            recall=self.table.ctypes.data,
            function=function,
            regions=len(pieces),
            strides=self._strides([piece.stride for piece in pieces]),
            marker=places["marker"],
            status=places["out:status"],
            failed=places[failed],
            follows=places.get(follows, -1),
            fuel=places["out:fuel"],
            wanted=int(wanted),
            columns=self._records(COLUMN, _large(columns, places, self._columns)),
            column_count=len(columns),
            states=self._records(COLUMN, _large(states, places, self._states)),
            state_count=len(states),
            parts=self._records(SPAN, parts),
            part_count=len(parts),
            outs=self._records(SPAN, values),
            out_count=len(values),
            kept=self._records(SPAN, kept),
            kept_count=len(kept),
            kept_of=self._room(len(self.numbers) * len(columns) * DIGEST) if kept else 0,
            keeping=places.get(keeping, -1),
            fuel_at=fuel_at,
            key_bytes=used,
            at_key=at_key,
            at_name=at_name,
            at_room=at_room,
            entries=self._room(WAYS * (mask + 1) * entry) if wanted else 0,
            entry_bytes=entry,
            mask=mask,
            flags_at=ENTRY["flags"],
            value_at=value_at,
            away=away,
        )
        self._alive.append(record)
        return record.ctypes.data, at_room + room_of(largest)

    def _strides(self, strides: list[int]) -> int:
        table = np.array(strides, np.int64)
        self._alive.append(table)
        return table.ctypes.data

    @property
    def told(self) -> Recalled:
        """What looking up has brought."""
        tried, hits = self._counted.tolist()
        return Recalled(tried, hits, bool(self.table[RECALL["on"]]), self._entry_count)


def _numbered(kernels: Any, kind: str) -> dict[str, int]:
    """Number the large pieces of a kind that kernels have together."""
    names = dict.fromkeys(
        piece.name
        for pieces in kernels
        for piece in pieces
        if piece.kind == kind and piece.size >= LARGE
    )
    return {name: number for number, name in enumerate(names)}


def _large(
    pieces: list[Piece], places: dict[str, int], numbers: dict[str, int]
) -> list[dict[str, int]]:
    return [
        {"place": places[piece.name], "bytes": piece.size, "number": numbers[piece.name]}
        for piece in pieces
    ]


def _spans(
    pieces: list[Piece], places: dict[str, int], start: int
) -> tuple[list[dict[str, int]], int]:
    """Lay pieces out behind each other; give them, and where they end."""
    spans = []
    for piece in pieces:
        spans.append({"place": places[piece.name], "bytes": piece.size, "offset": start})
        start += piece.size
    return spans, start
