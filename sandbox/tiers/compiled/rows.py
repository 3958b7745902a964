"""From the work of one row to a loop over rows: row by row, and in blocks.

``kernel(rows, table)`` runs the rows whose marker says pending, in order; the marker is written last.
Where `sandbox.tiers.compiled.blocks` gives a row for blocks, whole blocks are tried with it first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from llvmlite import ir

from sandbox.outcome import PENDING, Outcome
from sandbox.tiers.base import NO_FAILURE
from sandbox.tiers.compiled.blocks import FUEL_OUT, ROWS, Fast, fast_of
from sandbox.tiers.compiled.core import BITS, Kernel, Let, Lit, Stmt
from sandbox.tiers.compiled.irtypes import memory_of
from sandbox.tiers.compiled.phases import Phase, is_vector, phases_of
from sandbox.tiers.compiled.points import MARKER
from sandbox.tiers.compiled.vectors import LANES

if TYPE_CHECKING:
    from sandbox.tiers.compiled.machine import Emitter

__all__ = ["Rows"]

_I64: Final = ir.IntType(64)
_I32: Final = ir.IntType(32)
_I8: Final = ir.IntType(8)
_BIT: Final = ir.IntType(1)
_MOST_LINES: Final = 8
_LINE: Final = 64
"""Bytes of a cache line."""


class Rows:
    """Makes the functions of a kernel that go over rows."""

    def __init__(self, module: ir.Module, kernel: Kernel, make: Callable[[], Emitter]) -> None:
        self.module = module
        self.source = kernel
        self.make = make
        self.builder: Any = None

    def kernel(self, name: str) -> None:
        """Make ``name(rows, table)``."""
        regions = list(self.source.regions.values())
        row = self.make().function(f"{name}.row", self.source.body)
        fast = fast_of(self.source)
        block = None if fast is None else self._block(name, fast)
        table = _I8.as_pointer().as_pointer()
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [_I64, table]), name)
        entry, head, some, each, body, run, done, after, stop = (
            function.append_basic_block(part)
            for part in ("entry", "head", "some", "each", "body", "run", "done", "after", "stop")
        )
        builder = self.builder = ir.IRBuilder(entry)
        rows = function.args[0]
        bases = []
        for position, kind in enumerate(row.function_type.args[: len(regions)]):
            address = builder.gep(function.args[1], [_I64(position)])
            bases.append(builder.bitcast(builder.load(address), kind))
        builder.branch(head)
        builder.position_at_end(head)
        first = builder.phi(_I64)
        first.add_incoming(_I64(0), entry)
        builder.cbranch(builder.icmp_signed("<", first, rows), some, stop)
        builder.position_at_end(some)
        end, came = rows, [some]
        if block is None:
            builder.branch(each)
        else:
            whole = builder.icmp_signed(">=", builder.sub(rows, first), _I64(ROWS))
            end = builder.select(whole, builder.add(first, _I64(ROWS)), rows)
            came.append(function.append_basic_block("try"))
            builder.cbranch(whole, came[1], each)
            builder.position_at_end(came[1])
            went = builder.call(block, self._moved(bases, first))
            builder.cbranch(went, after, each).set_weights([2000, 1])
        builder.position_at_end(each)
        index = builder.phi(_I64)
        for before in came:
            index.add_incoming(first, before)
        builder.cbranch(builder.icmp_signed("<", index, end), body, after)
        builder.position_at_end(body)
        pointers = self._moved(bases, index)
        marker = pointers[list(self.source.regions).index(MARKER)]
        pending = builder.icmp_unsigned("==", builder.load(marker), _I8(PENDING))
        builder.cbranch(pending, run, done).set_weights([2000, 1])
        builder.position_at_end(run)
        builder.call(row, pointers)
        builder.branch(done)
        builder.position_at_end(done)
        index.add_incoming(builder.add(index, _I64(1)), done)
        builder.branch(each)
        builder.position_at_end(after)
        first.add_incoming(end, after)
        builder.branch(head)
        builder.position_at_end(stop)
        builder.ret_void()

    def _moved(self, bases: list[Any], row: Any) -> list[Any]:
        """Give where the regions of a row begin."""
        builder = self.builder
        return [
            base
            if region.kind == "scratch"
            else builder.gep(base, [builder.mul(row, _I64(region.stride or region.size))])
            for base, region in zip(bases, self.source.regions.values(), strict=True)
        ]

    def _block(self, name: str, fast: Fast) -> ir.Function:
        """Make the function that computes a block; it says whether all rows were wanted and good."""
        regions = list(self.source.regions)
        phases = phases_of(fast.body, fast.good, self.source.regions)
        if phases is None:
            phases = [Phase(fast.body)]
        parts = [
            None
            if phase.calls
            else self.make().function(
                f"{name}.phase{place}",
                phase.body,
                taken=phase.taken,
                kept=phase.kept,
                good=fast.good if phase is phases[-1] else None,
            )
            for place, phase in enumerate(phases)
        ]
        pointers = self.make().pointer_types()
        function = ir.Function(self.module, ir.FunctionType(_BIT, pointers), f"{name}.block")
        function.linkage = "internal"
        for argument in function.args:
            argument.add_attribute("noalias")
        entry, begin, fill, stop = (
            function.append_basic_block(part) for part in ("entry", "begin", "fill", "stop")
        )
        builder = self.builder = ir.IRBuilder(entry)

        def wide(region: str, kind: Any) -> Any:
            pointer = function.args[regions.index(region)]
            return builder.bitcast(pointer, ir.VectorType(kind, ROWS).as_pointer())

        cells: dict[str, Any] = {}
        for phase in phases:
            for var in phase.kept:
                cells[var.name] = builder.alloca(ir.ArrayType(memory_of(var.ty), ROWS))
                cells[var.name].align = _LINE
        markers = builder.load(wide(MARKER, _I8), align=1)
        wanted = builder.icmp_unsigned("==", markers, ir.VectorType(_I8, ROWS)([PENDING] * ROWS))
        bits = builder.bitcast(wanted, ir.IntType(ROWS))
        builder.cbranch(builder.icmp_unsigned("==", bits, bits.type(-1)), begin, stop)
        builder.position_at_end(begin)
        good: Any = None
        ahead = self._ahead(fast.body) if len(phases) > 1 else []
        calls = sum(len(phase.body) for phase in phases if phase.calls)
        called = 0
        for phase, part in zip(phases, parts, strict=True):
            if part is None:
                for item in phase.body:
                    assert isinstance(item, Let)
                    self._calls(item, cells, function, ahead[called::calls])
                    called += 1
                continue
            places = [cells[var.name] for var in (*phase.taken, *phase.kept)]
            vectors = len(phases) > 1 and phase.plain
            good = self._rows(part, list(function.args), places, vectors=vectors)
        last = builder.block
        builder.cbranch(good, fill, stop)
        builder.position_at_end(fill)
        alike = {"out:failure": (_I32, NO_FAILURE), MARKER: (_I8, int(Outcome.OK))}
        if fast.fuel is not None:
            alike = {FUEL_OUT: (_I64, fast.fuel), **alike}
        for region, (kind, value) in alike.items():
            builder.store(ir.VectorType(kind, ROWS)([value] * ROWS), wide(region, kind), align=1)
        builder.branch(stop)
        builder.position_at_end(stop)
        result = builder.phi(_BIT)
        for value, before in ((0, entry), (0, last), (1, fill)):
            result.add_incoming(_BIT(value), before)
        builder.ret(result)
        return function

    def _loop(self) -> tuple[Any, Any, Any]:
        """Begin a loop over the rows of a block; give its index and the blocks before and after."""
        builder = self.builder
        function = builder.function
        before = builder.block
        body, after = function.append_basic_block("rows"), function.append_basic_block("after")
        builder.branch(body)
        builder.position_at_end(body)
        index = builder.phi(_I64)
        index.add_incoming(_I64(0), before)
        return index, before, after

    def _end(self, index: Any, step: int, after: Any, *, vectors: bool) -> None:
        builder = self.builder
        following = builder.add(index, _I64(step), flags=("nuw", "nsw"))
        index.add_incoming(following, builder.block)
        more = builder.icmp_unsigned("<", following, _I64(ROWS))
        back = builder.cbranch(more, index.parent, after)
        if not vectors:
            back.set_metadata("llvm.loop", _one_by_one(self.module))
        builder.position_at_end(after)

    def _rows(
        self, part: ir.Function, arguments: list[Any], cells: list[Any], *, vectors: bool
    ) -> Any:
        """Call a function for each row of the block; whether it said yes to all, if it says so."""
        builder = self.builder
        index, before, after = self._loop()
        says = part.function_type.return_type == _BIT
        if says:
            good = builder.phi(_BIT)
            good.add_incoming(_BIT(1), before)
        places = [builder.gep(cell, [_I64(0), index]) for cell in cells]
        said = builder.call(part, [*self._moved(arguments, index), *places])
        if says:
            all_good = builder.and_(good, said)
            good.add_incoming(all_good, builder.block)
        self._end(index, 1, after, vectors=vectors)
        return all_good if says else None

    def _ahead(self, body: list[Stmt]) -> list[tuple[int, int]]:
        """Give what a block does well to ask memory for in advance: place of a region, and byte.

        While functions are called no input is read, and what the processor foresees by itself ends;
        without this the next block would wait for all that it reads.
        """
        bytes_of: dict[str, list[int]] = {}
        for item in body:
            match item:
                case Let(op="load", args=(Lit(value=index),), region=str(name)):
                    bytes_of.setdefault(name, []).append(
                        int(index) * BITS[self.source.regions[name].ty] // 8
                    )
        places = list(self.source.regions)
        found: list[tuple[int, int]] = []
        for name, used in bytes_of.items():
            lines = [*range(min(used), max(used), _LINE), max(used)][:_MOST_LINES]
            found.extend((places.index(name), byte) for byte in lines)
        return found

    def _ask(self, function: ir.Function, row: Any, ahead: list[tuple[int, int]]) -> None:
        """Ask for memory of the row of the next block; to ask beyond an array does no harm."""
        builder = self.builder
        kind = ir.FunctionType(ir.VoidType(), [_I8.as_pointer(), _I32, _I32, _I32])
        intrinsic = self.module.globals.get("llvm.prefetch.p0") or ir.Function(
            self.module, kind, "llvm.prefetch.p0"
        )
        moved = self._moved(list(function.args), builder.add(row, _I64(ROWS)))
        for place, byte in ahead:
            start = builder.bitcast(moved[place], _I8.as_pointer())
            at = builder.gep(start, [_I64(byte)])
            builder.call(intrinsic, [at, _I32(0), _I32(3), _I32(1)])

    def _calls(
        self,
        item: Let,
        cells: dict[str, Any],
        function: ir.Function,
        ahead: list[tuple[int, int]],
    ) -> None:
        """Call a function for all rows of the block."""
        builder = self.builder
        emitter = self.make()
        vector = is_vector(item)
        step = LANES if vector else 1
        index, _, after = self._loop()
        for row in range(step):
            self._ask(function, builder.add(index, _I64(row)), ahead)
        values = []
        for arg in item.args:
            if isinstance(arg, Lit):
                value = memory_of(arg.ty)(float(arg.value))
                values.append(
                    ir.VectorType(value.type, LANES)([value] * LANES) if vector else value
                )
                continue
            place = builder.gep(cells[arg.name], [_I64(0), index])
            if vector:
                kind = ir.VectorType(place.type.pointee, LANES)
                place = builder.bitcast(place, kind.as_pointer())
            values.append(builder.load(place))
        found = emitter.call_function(builder, item, values)
        place = builder.gep(cells[item.var.name], [_I64(0), index])
        builder.store(found, builder.bitcast(place, found.type.as_pointer()))
        self._end(index, step, after, vectors=False)


def _one_by_one(module: ir.Module) -> Any:
    """Make the mark of a loop that is not to become vector instructions."""
    off = module.add_metadata([ir.MetaDataString(module, "llvm.loop.vectorize.enable"), _BIT(0)])
    mark = module.add_metadata([ir.MetaDataString(module, f"rows{len(module.metadata)}"), off])
    # Such a mark names itself first, so that no two loops share one.
    mark.operands = (mark, off)
    return mark
