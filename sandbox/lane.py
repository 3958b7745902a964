"""The short way of a batch: one native call from the caller's arrays to checked results.

A lane is made for one guest and one batch size. It does what `Guest.step` does where nothing is
out of the ordinary, and says so where something is; the guest then goes on from there, with the
same results and messages as ever. What is compared, written and looked at is in `sandbox.native`;
this module lays out the tables that the native code reads.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.native.tables import (
    ARRAY,
    ENGINE,
    INPUT,
    KERNEL,
    LANE,
    LEAF,
    PATH,
    PLACES,
    TEXT,
    Ended,
    Kind,
)

if TYPE_CHECKING:
    from sandbox.batches import Batch
    from sandbox.native.library import Library
    from sandbox.native.tables import Fields

__all__ = [
    "ELSEWHERE",
    "Ended",
    "Engine",
    "Kernels",
    "Lane",
    "Leaf",
    "Places",
    "bits_of",
    "fill",
    "table_of",
]

ELSEWHERE: Final = PLACES - 1
"""Columns from this number on are always copied into their own place."""
_NOWHERE: Final = -1


@dataclass(frozen=True, slots=True)
class Leaf:
    """One array of the caller's arguments.

    Attributes:
        argument: Which argument, from 0.
        path: Keys and indices in it.
        column: Name of the column it goes to.
        texts: Of a text column: the identities of the texts that were written last, uint64
            ``[N]``, kept up to date by whoever writes them; None for arrays.
    """

    argument: int
    path: tuple[str | int, ...]
    column: str
    texts: NDArray[np.uint64] | None = None


@dataclass(frozen=True, slots=True)
class Kernels:
    """What a compiled program is to native code; addresses belong to what ``alive`` holds.

    Attributes:
        rows: Rows of a batch.
        kernels: Function and table of regions of each, in order.
        cells: Address of a place in a table, and the column that it leads to.
        broken: Address of a byte: whether an environment has no state.
        follows: Address of a number: whether an earlier call of the row has used fuel.
        failed: Address of a number: how many rows failed.
        epoch: Address of a number: how many steps and resets there were.
        alone: Whether no call pays.
        outcome: Address of the rows' outcomes.
        reward: Address of the rewards.
        failure: Address of the rows' failures.
        alive: Owners of all that memory.
        states: Of a reset: address of what each row's state is, or 0.
        flag: Of a reset: address of the byte that ``broken`` of a step is.
    """

    rows: int
    kernels: tuple[tuple[int, int], ...]
    cells: tuple[tuple[int, str], ...]
    broken: int
    follows: int
    failed: int
    epoch: int
    alone: bool
    outcome: int
    reward: int
    failure: int
    alive: object
    states: int = 0
    flag: int = 0


def fill(table: NDArray[np.int64], fields: Fields, /, **values: int) -> None:
    """Write places of a table by name."""
    for name, value in values.items():
        table[fields[name]] = value


def table_of(fields: Fields, /, **values: int) -> NDArray[np.int64]:
    """Make a table; places that are not given are 0."""
    table = np.zeros(fields.size, np.int64)
    fill(table, fields, **values)
    return table


def bits_of(number: float) -> int:
    """Give the bits of a double as a number of a table."""
    return int(np.float64(number).view(np.int64))


@dataclass(frozen=True, slots=True)
class Places:
    """Where a column may lie: its number, its own place, and two others."""

    column: int
    own: int
    first: int
    second: int


class Engine:
    """A program's kernels as native code runs them.

    Args:
        parts: From the runner.
        places: Columns that may lie elsewhere, by name.

    Attributes:
        table: What native code reads.
    """

    def __init__(self, parts: Kernels, places: Mapping[str, Places] | None = None) -> None:
        records = np.zeros((len(parts.kernels), KERNEL.size), np.int64)
        for record, (function, regions) in zip(records, parts.kernels, strict=True):
            fill(record, KERNEL, function=function, table=regions)
        self._movable = [
            (cell, places[name]) for cell, name in parts.cells if places and name in places
        ]
        inputs = np.zeros((len(self._movable), INPUT.size), np.int64)
        for record, (cell, place) in zip(inputs, self._movable, strict=True):
            fill(
                record,
                INPUT,
                cell=cell,
                column=place.column,
                own=place.own,
                first=place.first,
                second=place.second,
            )
        self._alive = (parts, records, inputs)
        self.table = table_of(
            ENGINE,
            rows=parts.rows,
            count=len(records),
            kernels=records.ctypes.data,
            inputs=inputs.ctypes.data,
            input_count=len(inputs),
            broken=parts.broken,
            follows=parts.follows,
            failed=parts.failed,
            epoch=parts.epoch,
            alone=int(parts.alone),
            outcome=parts.outcome,
            reward=parts.reward,
            failure=parts.failure,
            states=parts.states,
            flag=parts.flag,
        )

    def home(self) -> None:
        """Let the kernels read each column at its own place, for a step that Python runs."""
        for cell, place in self._movable:
            ctypes.c_int64.from_address(cell).value = place.own


class Lane:
    """The native calls of one batch size.

    Attributes:
        step: ``step(block, mask, *arguments)``: one batch from end to end, an int of `Ended`.
            ``block`` is a C-ordered array of at least `block_size` bytes that takes the results,
            ``mask`` None or bool ``[N]``. Without arguments the columns are taken as they are.
        post: The same up to where a worker has been asked.
        wait: The rest: wait, fetch, look.
        block_size: Bytes of a block: the outputs' layout, and what the caller wants behind it.
    """

    def __init__(
        self,
        library: Library,
        batch: Batch,
        inputs: Mapping[str, NDArray[Any]],
        leaves: Sequence[Leaf],
        *,
        outputs: int,
        ready: NDArray[np.int64],
        engine: Engine | None = None,
        bell: NDArray[np.int64] | None = None,
        after: tuple[int, NDArray[np.int64], object] | None = None,
        alive: object = None,
        kind: int = Kind.STEP,
    ) -> None:
        """Lay out the tables.

        Args:
            library: The native functions.
            batch: The private arrays.
            inputs: The columns.
            leaves: What the caller's arguments hold.
            outputs: Address of the outputs that are run into.
            ready: One number: 0, READY or UNDER_WAY.
            engine: In this process: the program's kernels.
            bell: In a worker: the bell's table.
            after: Address of a function that is called with a table, the block and the mask where
                all went well; the table; what it needs.
            alive: Owners of memory that is used.
            kind: What is asked for; a reset copies the rows of its mask only.
        """
        self.block_size = batch.layout.size
        offsets = {name: place for name, _, _, place in batch.layout.arrays}
        end = offsets["failure"]
        self._columns = {name: number for number, name in enumerate(inputs)}
        self._of = tuple(leaves)
        self._leaves = np.zeros((len(leaves), LEAF.size), np.int64)
        self._alive: list[object] = [batch, inputs, engine, bell, after, alive, ready]
        for record, leaf in zip(self._leaves, leaves, strict=True):
            self._leaf(record, leaf, inputs)
        where = np.zeros(PLACES, np.uint8)
        self._table = table_of(
            LANE,
            ready=ready.ctypes.data,
            rows=batch.num_rows,
            tasks=batch.num_tasks,
            components=len(batch.out.components),
            leaves=self._leaves.ctypes.data,
            leaf_count=len(leaves),
            where=where.ctypes.data,
            outputs=outputs,
            size=batch.layout.size,
            reward=offsets["reward"],
            values=offsets["reward"],
            value_count=(offsets["fuel"] - offsets["reward"]) // 8,
            fuel=offsets["fuel"],
            outcome=offsets["outcome"],
            task_outcome=offsets["task_outcome"],
            codes=offsets["outcome"],
            code_count=offsets["present"] - offsets["outcome"],
            present=offsets["present"],
            truths=offsets["tasks"],
            truth=offsets["present"],
            truth_count=end - offsets["present"],
            engine=0 if engine is None else engine.table.ctypes.data,
            bell=0 if bell is None else bell.ctypes.data,
            kind=kind,
            after=0 if after is None else after[0],
            after_table=0 if after is None else after[1].ctypes.data,
        )
        self._alive += [where, self._leaves]
        self.step = library.bound("step", self._table, self._alive)
        self.post = library.bound("post", self._table, self._alive)
        self.wait = library.bound("wait", self._table, self._alive)

    def _leaf(
        self, record: NDArray[np.int64], leaf: Leaf, inputs: Mapping[str, NDArray[Any]]
    ) -> None:
        column = inputs[leaf.column]
        parts = np.zeros((max(1, len(leaf.path)), PATH.size), np.int64)
        for place, part in zip(parts, leaf.path, strict=False):
            by_key = isinstance(part, str)
            fill(place, PATH, by_key=int(by_key), part=id(part) if by_key else int(part))
        dims = np.array(column.shape, np.int64)
        fill(
            record,
            LEAF,
            slot=leaf.argument,
            path=parts.ctypes.data,
            depth=len(leaf.path),
            kind=ARRAY if leaf.texts is None else TEXT,
            own=column.ctypes.data,
            bytes=column.nbytes,
            row_bytes=column.nbytes // len(column),
            dtype=id(column.dtype),
            ndim=column.ndim,
            dims=dims.ctypes.data,
            rows=len(column),
            last=0 if leaf.texts is None else leaf.texts.ctypes.data,
            first=_NOWHERE,
            second=_NOWHERE,
            column=min(self._columns[leaf.column], ELSEWHERE),
        )
        self._alive += [leaf, parts, dims, column.dtype]

    def lend(self, places: Mapping[str, Places]) -> None:
        """Take leaves as they are where they lie in one of two further places."""
        for record, leaf in zip(self._leaves, self._of, strict=True):
            if leaf.column in places and leaf.texts is None:
                place = places[leaf.column]
                fill(record, LEAF, first=place.first, second=place.second)

    def bring_home(self) -> None:
        """Copy what the last step read elsewhere into its own columns, for whoever reads those."""
        for record in self._leaves:
            found = int(record[LEAF["found"]])
            if found in {int(record[LEAF["first"]]), int(record[LEAF["second"]])}:
                ctypes.memmove(int(record[LEAF["own"]]), found, int(record[LEAF["bytes"]]))
