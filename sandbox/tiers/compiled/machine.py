"""Core to machine code, through Numba's code generator.

Numba's Python front end and its overloads for NumPy, lists and strings are not used: several of
them are unsafe on hostile input even with bounds checks on, and inference is most of what
compilation costs. Its code generator is used as it is: target machine, optimisation pipeline,
linking and the C library's mathematical functions. A whole program takes tens of milliseconds.

One function is made per kernel, ``void kernel(int64 rows, void **regions)``. Its loop goes through
the rows in order and runs those whose marker says pending; the marker is written last. Fast-math
is off and nothing is contracted, so + - * / and the square root round as everywhere else.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llvmlite import ir

from sandbox.tiers.compiled.core import (
    BITS,
    FLOATS,
    LIBRARY,
    MATH,
    SIGNED,
    Atom,
    Block,
    Break,
    For,
    If,
    Invoke,
    Kernel,
    Let,
    Lit,
    Loop,
    Place,
    Set,
    Stmt,
    Store,
    Ty,
    Var,
)
from sandbox.tiers.compiled.irtypes import TYPES, memory_of
from sandbox.tiers.compiled.links import address_of
from sandbox.tiers.compiled.links import symbol_of as picture_symbol
from sandbox.tiers.compiled.loops import VECTOR, loop_of, name_loop
from sandbox.tiers.compiled.pairing import same_calls
from sandbox.tiers.compiled.phases import slots_of
from sandbox.tiers.compiled.points import STATUS
from sandbox.tiers.compiled.rows import Rows
from sandbox.tiers.compiled.vectors import (
    call_lanes,
    call_vector,
    name_vector,
    symbol_of,
    vector_of,
)

__all__ = ["Code", "Emitter", "Machine", "compile_kernel"]

_I64: Final = ir.IntType(64)
_I8: Final = ir.IntType(8)
_BIT: Final = ir.IntType(1)
_counter = itertools.count()


@dataclass(frozen=True, slots=True)
class Code:
    """A kernel as an object file, which can be loaded in another process.

    Attributes:
        symbol: Name of the function.
        data: The object file.
        loops: Loops of NumPy that it calls, by name and type; their addresses are filled in when it
            is loaded.
        pictures: Kernels for pictures that it calls.
    """

    symbol: str
    data: bytes
    loops: tuple[tuple[str, Ty], ...]
    pictures: tuple[str, ...] = ()


class Machine:
    """A compiled kernel. Keep it alive as long as its address is in use."""

    def __init__(
        self,
        library: Any,
        address: int,
        order: tuple[str, ...],
        text: str,
        code: Code | None = None,
    ) -> None:
        self._library = library
        self.order = order
        """Region names in the order of the table of addresses."""
        self.text = text
        self.code = code
        """What it can be loaded from again, where that is known."""
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)
        self.call: Callable[[int, int], None] = prototype(address)


def compile_kernel(kernel: Kernel) -> Machine:
    """Compile one kernel.

    Args:
        kernel: Its regions must hold `MARKER`.
    """
    # Numba takes a second to import, and what was compiled before is loaded without it.
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target

    with global_compiler_lock:
        library = cpu_target.target_context.codegen().create_library(kernel.name)
        name = f"{kernel.name}_{next(_counter)}"
        module = library.create_ir_module(name)
        loops: dict[tuple[str, Ty], None] = {}
        pictures: dict[str, None] = {}
        Rows(module, kernel, lambda: Emitter(module, kernel, loops, pictures)).kernel(name)
        text = str(module)
        library.enable_object_caching()
        library.add_ir_module(module)
        library.finalize()
        address = library.get_pointer_to_function(name)
        data = library._get_compiled_object()  # noqa: SLF001
        code = Code(name, data, tuple(loops), tuple(pictures))
    return Machine(library, address, tuple(kernel.regions), text, code)


class Emitter:
    """Turns the statements of one kernel into instructions."""

    def __init__(
        self,
        module: ir.Module,
        kernel: Kernel,
        loops: dict[tuple[str, Ty], None],
        pictures: dict[str, None],
    ) -> None:
        self.module = module
        self.source = kernel
        self.values: dict[str, ir.Value] = {}
        self.slots: dict[str, ir.Value] = {}
        self.exits: dict[str, ir.Block] = {}
        self.pointers: dict[str, ir.Value] = {}
        self.builder: Any = None
        self.entry: Any = None
        self.places: dict[Ty, Any] = {}
        self.loops = loops
        self.pictures = pictures

    def pointer_types(self) -> list[ir.Type]:
        """Give the types of the addresses of the regions."""
        return [memory_of(region.ty).as_pointer() for region in self.source.regions.values()]

    def function(
        self,
        name: str,
        body: list[Stmt],
        *,
        taken: Sequence[Var] = (),
        kept: Sequence[Var] = (),
        good: Var | None = None,
    ) -> ir.Function:
        """Make the function of one row; call it once on each emitter.

        Args:
            name: Its symbol.
            body: What it does.
            taken: Variables whose values it finds behind the addresses that follow the regions'.
            kept: Variables whose values it leaves behind the addresses that follow those.
            good: What it returns; nothing where left out.
        """
        outside = [memory_of(var.ty).as_pointer() for var in (*taken, *kept)]
        signature = ir.FunctionType(
            ir.VoidType() if good is None else _BIT, [*self.pointer_types(), *outside]
        )
        function = ir.Function(self.module, signature, name)
        function.linkage = "internal"
        for argument in function.args:
            argument.add_attribute("noalias")
        count = len(self.source.regions)
        self.pointers = dict(zip(self.source.regions, function.args[:count], strict=True))
        cells = function.args[count:]
        self.entry = ir.IRBuilder(function.append_basic_block("entry"))
        start = function.append_basic_block("body")
        builder = self.builder = ir.IRBuilder(start)
        changed = slots_of(body)
        for var, cell in zip(taken, cells, strict=False):
            value = builder.load(cell)
            if var.ty == "b1":
                value = builder.icmp_unsigned("!=", value, _I8(0))
            if var.name in changed:
                builder.store(value, self._slot(var))
            else:
                self.values[var.name] = value
        self._block(body)
        if not self.builder.block.is_terminated:
            for var, cell in zip(kept, cells[len(taken) :], strict=True):
                value = self._atom(var)
                self.builder.store(self.builder.zext(value, _I8) if var.ty == "b1" else value, cell)
            if good is None:
                self.builder.ret_void()
            else:
                self.builder.ret(self._atom(good))
        self.entry.branch(start)
        return function

    def call_function(self, builder: Any, item: Let, values: list[ir.Value]) -> ir.Value:
        """Call a mathematical function on values, or a vector function on vectors of them."""
        self.builder = builder
        if item.op in MATH:
            return self._float(item.op, item.var.ty, values)
        name = item.op.removeprefix("np.")
        return call_lanes(builder, self._vector_symbol(name, item.var.ty), values)

    def _block(self, body: list[Stmt]) -> None:
        place = 0
        while place < len(body) and not self.builder.block.is_terminated:
            calls = same_calls(body, place)
            if calls:
                self._vector(calls)
            else:
                self._statement(body[place])
            place += len(calls) or 1

    def _vector(self, calls: list[Let]) -> None:
        """Call a vector function of NumPy once for several elements."""
        name, ty = calls[0].op.removeprefix("np."), calls[0].var.ty
        columns = zip(*(call.args for call in calls), strict=True)
        values = [[self._atom(atom) for atom in column] for column in columns]
        for call, result in zip(calls, self._vector_call(name, ty, values), strict=True):
            self.values[call.var.name] = result

    def _statement(self, item: Stmt) -> None:
        builder = self.builder
        match item:
            case Let(var=var, op="load", args=args, region=region):
                assert region is not None
                pointer = builder.gep(self.pointers[region], [self._atom(args[0])])
                value = builder.load(pointer)
                if self.source.regions[region].kind == "input":
                    value.set_metadata("invariant.load", self.module.add_metadata([]))
                if var.ty == "b1":
                    value = builder.icmp_unsigned("!=", value, _I8(0))
                self.values[var.name] = value
            case Let(var=var, op=op, args=args):
                self.values[var.name] = self._operation(op, var.ty, args)
            case Invoke():
                self._invoke(item)
            case Set(var=var, value=atom):
                builder.store(self._atom(atom), self._slot(var))
            case Store(region=region, index=index, value=atom):
                value = self._atom(atom)
                if atom.ty == "b1":
                    value = builder.zext(value, _I8)
                builder.store(value, builder.gep(self.pointers[region], [self._atom(index)]))
            case If(cond=cond, then=then, other=other):
                function = builder.function
                yes, no = function.append_basic_block("then"), function.append_basic_block("else")
                after = function.append_basic_block("after")
                branch = builder.cbranch(self._atom(cond), yes, no)
                if _fails(then) or _fails(other):
                    # Rows that end badly are rare: their code goes out of the way.
                    branch.set_weights([1, 2000] if _fails(then) else [2000, 1])
                for target, block in ((yes, then), (no, other)):
                    builder.position_at_end(target)
                    self._block(block)
                    if not builder.block.is_terminated:
                        builder.branch(after)
                builder.position_at_end(after)
            case For():
                self._for(item)
            case Loop(body=inner, label=label):
                function = builder.function
                top = function.append_basic_block("loop")
                after = function.append_basic_block("after")
                self.exits[label] = after
                builder.branch(top)
                builder.position_at_end(top)
                self._block(inner)
                if not builder.block.is_terminated:
                    builder.branch(top)
                builder.position_at_end(after)
            case Block(body=inner, label=label):
                after = builder.function.append_basic_block("after")
                self.exits[label] = after
                self._block(inner)
                if not builder.block.is_terminated:
                    builder.branch(after)
                builder.position_at_end(after)
            case Break(label=label):
                builder.branch(self.exits[label])

    def _invoke(self, item: Invoke) -> None:
        """Call a kernel for pictures: addresses and extents of arrays, and numbers."""
        address_of(item.kernel)
        self.pictures[item.kernel] = None
        values: list[ir.Value] = []
        for arg in item.args:
            if isinstance(arg, Place):
                start = self.builder.gep(self.pointers[arg.region], [self._atom(arg.offset)])
                values.append(self.builder.bitcast(start, _I8.as_pointer()))
                values.extend(self._atom(extent) for extent in arg.extents)
                continue
            value = self._atom(arg)
            if arg.ty == "b1":
                value = self.builder.zext(value, _I64)
            values.append(value)
        symbol = picture_symbol(item.kernel)
        function = self.module.globals.get(symbol)
        if function is None:
            signature = ir.FunctionType(TYPES[item.var.ty], [value.type for value in values])
            function = ir.Function(self.module, signature, symbol)
            # It writes what it is given and nothing else, and it always comes back.
            for attribute in ("nounwind", "argmemonly"):
                function.attributes.add(attribute)
        self.values[item.var.name] = self.builder.call(function, values)

    def _for(self, item: For) -> None:
        builder = self.builder
        function = builder.function
        before = builder.block
        head, body = function.append_basic_block("head"), function.append_basic_block("body")
        after = function.append_basic_block("after")
        self.exits[item.label] = after
        count = self._atom(item.count)
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(_I64)
        index.add_incoming(_I64(0), before)
        builder.cbranch(builder.icmp_signed("<", index, count), body, after)
        builder.position_at_end(body)
        self.values[item.var.name] = index
        self._block(item.body)
        if not builder.block.is_terminated:
            index.add_incoming(builder.add(index, _I64(1), flags=("nsw", "nuw")), builder.block)
            builder.branch(head)
        builder.position_at_end(after)

    def _slot(self, var: Var) -> ir.Value:
        slot = self.slots.get(var.name)
        if slot is None:
            kind = TYPES[var.ty]
            slot = self.entry.alloca(kind)
            self.entry.store(kind(0), slot)
            self.slots[var.name] = slot
        return slot

    def _atom(self, atom: Atom) -> ir.Value:
        if isinstance(atom, Lit):
            kind = TYPES[atom.ty]
            return kind(float(atom.value)) if atom.ty in FLOATS else kind(int(atom.value))
        value = self.values.get(atom.name)
        return self.builder.load(self._slot(atom)) if value is None else value

    def _operation(self, op: str, ty: Ty, args: tuple[Atom, ...]) -> ir.Value:
        builder = self.builder
        source = args[0].ty
        values = [self._atom(arg) for arg in args]
        a = values[0]
        b = values[1] if len(values) > 1 else a
        if op in _COMPARE:
            sign = _COMPARE[op]
            if source in FLOATS:
                unordered = builder.fcmp_unordered if op == "ne" else builder.fcmp_ordered
                return unordered(sign, a, b)
            compare = builder.icmp_signed if source in SIGNED else builder.icmp_unsigned
            return compare(sign, a, b)
        if op == "copy":
            return a
        if op == "select":
            return builder.select(a, b, values[2])
        if op == "cast":
            return self._cast(a, source, ty)
        if op in _BITWISE:
            return getattr(builder, _BITWISE[op])(a, b)
        if op == "bits":
            return builder.bitcast(a, TYPES[ty])
        if op == "not":
            return builder.not_(a)
        if op in ("shl", "shr"):
            if op == "shl":
                return builder.shl(a, b)
            return builder.ashr(a, b) if ty in SIGNED else builder.lshr(a, b)
        if op.endswith("_overflows"):
            kind = op.removesuffix("_overflows")
            prefix = "s" if source in SIGNED else "u"
            pair = self._intrinsic(
                f"llvm.{prefix}{kind}.with.overflow.{_suffix(source)}",
                ir.LiteralStructType([TYPES[source], _BIT]),
                [a, b],
            )
            return builder.extract_value(pair, 1)
        return self._float(op, ty, values) if ty in FLOATS else self._integer(op, ty, a, b)

    def _integer(self, op: str, ty: Ty, a: ir.Value, b: ir.Value) -> ir.Value:
        builder = self.builder
        zero, one = a.type(0), a.type(1)
        if op in ("add", "sub", "mul"):
            return getattr(builder, op)(a, b)
        if op in ("min", "max"):
            compare = builder.icmp_signed if ty in SIGNED else builder.icmp_unsigned
            return builder.select(compare("<" if op == "min" else ">", a, b), a, b)
        if op == "neg":
            return builder.sub(zero, a)
        if op == "abs":
            if ty not in SIGNED:
                return a
            return builder.select(builder.icmp_signed("<", a, zero), builder.sub(zero, a), a)
        if op not in ("floordiv", "mod"):
            raise NotImplementedError(op)
        if ty not in SIGNED:
            return builder.udiv(a, b) if op == "floordiv" else builder.urem(a, b)
        # The least integer divided by -1 traps on x86, so -1 never reaches the instruction.
        minus = builder.icmp_signed("==", b, a.type(-1))
        safe = builder.select(minus, one, b)
        rest = builder.srem(a, safe)
        wrong = builder.and_(
            builder.icmp_signed("!=", rest, zero),
            builder.icmp_signed("<", builder.xor(rest, safe), zero),
        )
        if op == "mod":
            return builder.select(minus, zero, builder.select(wrong, builder.add(rest, safe), rest))
        quotient = builder.sdiv(a, safe)
        floored = builder.select(wrong, builder.sub(quotient, one), quotient)
        return builder.select(minus, builder.sub(zero, a), floored)

    def _float(self, op: str, ty: Ty, values: list[ir.Value]) -> ir.Value:
        builder = self.builder
        if op in ("add", "sub", "mul", "div"):
            return getattr(builder, f"f{op}")(*values)
        if op == "neg":
            return builder.fneg(values[0])
        if op == "fma":
            return self._intrinsic(f"llvm.fma.{ty}", TYPES[ty], values)
        if op in _ROUNDING:
            return self._intrinsic(f"llvm.{_ROUNDING[op]}.{ty}", TYPES[ty], values)
        if op.startswith("np."):
            return self._numpy(op.removeprefix("np."), ty, values)
        if op in MATH:
            return self._call(op if ty == "f64" else f"{op}f", TYPES[ty], values)
        raise NotImplementedError(op)

    def _vector_call(self, name: str, ty: Ty, values: list[list[ir.Value]]) -> list[ir.Value]:
        return call_vector(self.builder, self._vector_symbol(name, ty), values)

    def _vector_symbol(self, name: str, ty: Ty) -> str:
        address = vector_of(name, ty)
        assert address is not None
        self.loops[f"{VECTOR}{name}={symbol_of(name, ty)}", ty] = None
        return name_vector(name, address)

    def _numpy(self, name: str, ty: Ty, values: list[ir.Value]) -> ir.Value:
        """Call NumPy's own loop on one element."""
        loop = loop_of(name, ty)
        if loop is None:
            core = LIBRARY.get(name, name)
            return self._call(core if ty == "f64" else f"{core}f", TYPES[ty], values)
        builder = self.builder
        function_symbol, data_symbol = name_loop(name, ty)
        self.loops[name, ty] = None
        _, data, inputs = loop
        kind = TYPES[ty]
        scratch = self.places.get(ty)
        if scratch is None:
            # Room for two inputs and the output, their addresses, a count of 1 and the strides.
            cells = [self.entry.alloca(kind) for _ in range(3)]
            table = self.entry.alloca(ir.ArrayType(_I8.as_pointer(), 3))
            numbers = self.entry.alloca(ir.ArrayType(_I64, 4))
            scratch = self.places[ty] = (cells, table, numbers)
        cells, table, numbers = scratch
        zero = _I64(0)
        used = [*cells[:inputs], cells[2]]
        for k, cell in enumerate(used):
            pointer = builder.bitcast(cell, _I8.as_pointer())
            builder.store(pointer, builder.gep(table, [zero, _I64(k)]))
        size = BITS[ty] // 8
        for k, number in enumerate((1, size, size, size)):
            builder.store(_I64(number), builder.gep(numbers, [zero, _I64(k)]))
        for value, cell in zip(values, cells, strict=False):
            builder.store(value, cell)
        pointers = _I8.as_pointer().as_pointer()
        signature = ir.FunctionType(
            ir.VoidType(),
            [pointers, _I64.as_pointer(), _I64.as_pointer(), _I8.as_pointer()],
        )
        function = self.module.globals.get(function_symbol)
        if function is None:
            function = ir.Function(self.module, signature, function_symbol)
        table_data = builder.inttoptr(_I64(0), _I8.as_pointer())
        if data:
            table_data = self.module.globals.get(data_symbol)
            if table_data is None:
                table_data = ir.GlobalVariable(self.module, _I8, data_symbol)
        builder.call(
            function,
            [
                builder.gep(table, [zero, zero]),
                builder.gep(numbers, [zero, zero]),
                builder.gep(numbers, [zero, _I64(1)]),
                table_data,
            ],
        )
        return builder.load(cells[2])

    def _cast(self, value: ir.Value, source: Ty, ty: Ty) -> ir.Value:
        builder = self.builder
        target = TYPES[ty]
        if source == ty:
            return value
        if ty == "b1":
            if source in FLOATS:
                return builder.fcmp_unordered("!=", value, value.type(0))
            return builder.icmp_unsigned("!=", value, value.type(0))
        if source in FLOATS:
            if ty in FLOATS:
                return (builder.fpext if ty == "f64" else builder.fptrunc)(value, target)
            return self._truncate(value, ty)
        if ty in FLOATS:
            return (builder.sitofp if source in SIGNED else builder.uitofp)(value, target)
        if BITS[ty] == BITS[source]:
            return value
        if BITS[ty] < BITS[source]:
            return builder.trunc(value, target)
        return (builder.sext if source in SIGNED else builder.zext)(value, target)

    def _truncate(self, value: ir.Value, ty: Ty) -> ir.Value:
        """Float to integer as x86 does it in NumPy: out of range gives the least int64."""
        builder = self.builder
        high = value.type(float(2**63))
        inside = builder.and_(
            builder.fcmp_ordered(">=", value, value.type(-float(2**63))),
            builder.fcmp_ordered("<", value, high),
        )
        safe = builder.select(inside, value, value.type(0))
        whole = builder.select(inside, builder.fptosi(safe, _I64), _I64(-(2**63)))
        if ty == "u64":
            above = builder.and_(
                builder.fcmp_ordered(">=", value, high),
                builder.fcmp_ordered("<", value, value.type(float(2**64))),
            )
            big = builder.select(above, value, value.type(0))
            return builder.select(above, builder.fptoui(big, _I64), whole)
        return whole if BITS[ty] == 64 else builder.trunc(whole, TYPES[ty])

    def _intrinsic(self, name: str, result: ir.Type, values: list[ir.Value]) -> ir.Value:
        return self._call(name, result, values)

    def _call(self, name: str, result: ir.Type, values: list[ir.Value]) -> ir.Value:
        function = self.module.globals.get(name)
        if function is None:
            signature = ir.FunctionType(result, [value.type for value in values])
            function = ir.Function(self.module, signature, name)
            # They read no memory and write none that a kernel knows (errno is nobody's here), so
            # that equal calls become one and loads need not be repeated after a call.
            for attribute in ("nounwind", "readnone"):
                function.attributes.add(attribute)
            if name.startswith("fmod"):
                # LLVM would fold 0.0 % NaN to 0.0.
                function.attributes.add("nobuiltin")
        return self.builder.call(function, values)


_COMPARE: Final = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_BITWISE: Final = {"and": "and_", "or": "or_", "xor": "xor"}
_ROUNDING: Final = {
    "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint",
    "abs": "fabs", "copysign": "copysign",
}  # fmt: skip


def _fails(body: list[Stmt]) -> bool:
    """Whether a block ends the row with another status than good, or writes down that it did."""
    return any(
        (isinstance(item, Set) and item.var == STATUS and isinstance(item.value, Lit)
         and item.value.value != 0)
        or (isinstance(item, Store) and item.region == "out:status")
        for item in body
    )  # fmt: skip


def _suffix(ty: Ty) -> str:
    return f"i{BITS[ty]}"
