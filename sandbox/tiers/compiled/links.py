"""Our kernels for pictures as machine code that a program's own machine code calls.

A kernel of `sandbox.pictures` is compiled by Numba once, together with a small function around it
that takes plain numbers and addresses (`carruntime.picture.<name>`) and gives Numba's function the
arrays that it wants. What comes out is an object file that needs nothing of Numba to be loaded, so
that it can be kept and loaded in a millisecond by processes that never import Numba. A program names
that symbol; its address is another one in every process.

The signature of the function around a kernel: for each array its address and its extents, for each
number itself (int64, double); the result as it is. A kernel that failed in Numba's sense (none does)
gives -1 or NaN.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sandbox import wire
from sandbox.errors import ProtocolError
from sandbox.pictures.costs import COSTS, COSTS_AFTER
from sandbox.pictures.table import KERNELS

__all__ = [
    "Link",
    "Signature",
    "address_of",
    "compile_link",
    "has_kernel",
    "load_link",
    "main",
    "names",
    "offer",
    "signature_of",
    "symbol_of",
]

_PREFIX: Final = "carruntime.picture."
_POINTS: Final = re.compile(r"\bP\b")
_ITEMS: Final = {
    "bool": "b1", "boolean": "b1", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "uint8": "u8",
    "uint16": "u16", "uint32": "u32", "uint64": "u64", "float32": "f32", "float64": "f64",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signature:
    """What a kernel takes and gives, in core types.

    Attributes:
        args: For each argument its core type and its number of axes; 0 for a number.
        result: Core type.
    """

    args: tuple[tuple[str, int], ...]
    result: str


@dataclass(frozen=True, slots=True)
class Link:
    """A kernel as an object file.

    Attributes:
        name: Of the kernel.
        data: The object file; it defines `symbol_of` that name.
    """

    name: str
    data: bytes


def symbol_of(name: str) -> str:
    """Give the symbol under which programs call a kernel."""
    return _PREFIX + name


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a kernel comes from, and its signature in Numba's notation."""

    types: str
    load: Callable[[], Any]


@cache
def _sources() -> dict[str, _Source]:
    """Give all kernels by name.

    One that takes points takes them as int32, and as float32 with ``#f32`` behind its name; so
    does one that takes images of several types, but for the first of them.
    """
    found: dict[str, _Source] = {}
    for kernels in KERNELS.values():
        for kernel in kernels:
            # In the table, P stands for points of either type.
            whole = _POINTS.sub("int32[:,::1]", kernel.types)
            before = found.setdefault(kernel.name, _Source(whole, kernel.load))
            if before.types != whole:
                kind = _read(whole).args[0][0]
                found.setdefault(f"{kernel.name}#{kind}", _Source(whole, kernel.load))
            if whole != kernel.types:
                real = _POINTS.sub("float32[:,::1]", kernel.types)
                found.setdefault(f"{kernel.name}#f32", _Source(real, kernel.load))
    for table in (COSTS, COSTS_AFTER):
        for price in table.values():
            words = ",".join(["int64"] * price.__code__.co_argcount)
            made = functools.partial(_price, price)
            found[f"cost.{price.__name__}"] = _Source(f"int64({words})", made)
    return found


def _price(price: Callable[..., int]) -> Any:
    from sandbox.pictures.flags import kernel

    return kernel(price)


def names() -> tuple[str, ...]:
    """Give the names of all kernels."""
    return tuple(_sources())


def has_kernel(name: str) -> bool:
    """Whether there is a kernel of that name."""
    return name in _sources()


@cache
def signature_of(name: str) -> Signature:
    """Read the signature of a kernel.

    Raises:
        LookupError: If there is no such kernel.
    """
    return _read(_sources()[name].types)


def _read(text: str) -> Signature:
    result, _, rest = text.partition("(")
    args = []
    depth, part = 0, ""
    for char in rest.rstrip()[:-1] + ",":
        depth += {"[": 1, "]": -1}.get(char, 0)
        if char == "," and depth == 0:
            item = part.strip()
            if item:
                kind, _, extents = item.partition("[")
                axes = extents.count(",") + 1 if extents else 0
                args.append((_ITEMS[kind], axes))
            part = ""
        else:
            part += char
    return Signature(tuple(args), _ITEMS[result.strip()])


_offered: dict[str, bytes] = {}
"""Kernels that were compiled before and have not been loaded here."""


def offer(code: bytes) -> None:
    """Take kernels that were compiled before: what `main` writes. Each is loaded when it is needed.

    Raises:
        ProtocolError: If it is something else.
    """
    found = wire.decode(code)
    for item in found if isinstance(found, list) else ():
        match item:
            case [str(name), bytes(data)] if has_kernel(name):
                _offered[name] = data
            case _:
                raise ProtocolError("what was kept of a kernel has another shape than is written")


def main(names_wanted: Sequence[str]) -> None:
    """Compile kernels and write them to the standard output, for `offer`."""
    made: list[Any] = [[name, compile_link(name).data] for name in names_wanted]
    sys.stdout.buffer.write(wire.encode(made))


_engines: list[Any] = []
"""What holds the machine code of links; it is never let go."""
_addresses: dict[str, int] = {}


def address_of(name: str) -> int:
    """Give the address of a kernel's function in this process; it is compiled if it was not offered.

    Raises:
        LookupError: If there is no such kernel.
    """
    found = _addresses.get(name)
    if found is not None:
        return found
    data = _offered.get(name)
    return load_link(compile_link(name) if data is None else Link(name, data))


def load_link(link: Link) -> int:
    """Load a kernel and make it known to the linker of this process; gives its address."""
    from llvmlite import binding

    if link.name in _addresses:
        return _addresses[link.name]
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(binding.get_process_triple())
    machine = target.create_target_machine(jit=True)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    if not binding.address_of_symbol("NRT_MemInfo_call_dtor"):
        # Kernels own no memory, so this is never called; a call would end the process.
        binding.add_symbol("NRT_MemInfo_call_dtor", 0x10)
    engine.add_object_file(binding.ObjectFileRef.from_data(link.data))
    engine.finalize_object()
    symbol = symbol_of(link.name)
    address = engine.get_function_address(symbol)
    if not address:
        raise LookupError(f"a stored kernel for pictures has no function {symbol}")
    binding.add_symbol(symbol, address)
    _engines.append(engine)
    _addresses[link.name] = int(address)
    return int(address)


def compile_link(name: str) -> Link:
    """Compile a kernel of `sandbox.pictures` with Numba, and the function around it."""
    from llvmlite import ir
    from numba.core import sigutils, types
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target
    from numba.np import arrayobj

    source = _sources()[name]
    normalize: Any = sigutils.normalize_signature
    wanted, _ = normalize(source.types)
    dispatcher: Any = source.load()
    whole, double = ir.IntType(64), ir.DoubleType()
    with global_compiler_lock:
        dispatcher.compile(wanted)
        made = dispatcher.overloads[wanted]
        context = made.target_context
        library = cpu_target.target_context.codegen().create_library(f"picture.{name}")
        module = library.create_ir_module(f"picture.{name}")
        kinds: list[Any] = []
        for kind in wanted:
            if isinstance(kind, types.Array):
                kinds += [ir.IntType(8).as_pointer(), *[whole] * kind.ndim]
            else:
                kinds.append(double if isinstance(kind, types.Float) else whole)
        gives = made.signature.return_type
        floating = isinstance(gives, types.Float)
        result = double if floating else whole
        function = ir.Function(module, ir.FunctionType(result, kinds), symbol_of(name))
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        values, place = [], 0
        for kind in wanted:
            if not isinstance(kind, types.Array):
                value = function.args[place]
                place += 1
                if isinstance(kind, types.Boolean):
                    value = builder.icmp_unsigned("!=", value, whole(0))
                elif not isinstance(kind, types.Float) and kind.bitwidth < 64:
                    value = builder.trunc(value, ir.IntType(kind.bitwidth))
                values.append(value)
                continue
            address, *extents = function.args[place : place + 1 + kind.ndim]
            place += 1 + kind.ndim
            size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
            strides: list[Any] = []
            step = whole(size)
            for extent in reversed(extents):
                strides.insert(0, step)
                step = builder.mul(step, extent)
            array = context.make_array(kind)(context, builder)
            populate: Any = arrayobj.populate_array
            populate(
                array,
                data=builder.bitcast(address, array.data.type),
                shape=extents,
                strides=strides,
                itemsize=whole(size),
                meminfo=None,
            )
            values.append(array._getvalue())  # noqa: SLF001 - Numba's own way to have it
        callee = context.declare_function(module, made.fndesc)
        status, found = context.call_conv.call_function(builder, callee, gives, wanted, values)
        if isinstance(gives, types.Boolean):
            found = builder.zext(found, whole)
        elif not floating and gives.bitwidth < 64:
            found = (builder.sext if gives.signed else builder.zext)(found, whole)
        bad = double(float("nan")) if floating else whole(-1)
        builder.ret(builder.select(status.is_ok, found, bad))
        library.add_linking_library(made.library)
        library.enable_object_caching()
        library.add_ir_module(module)
        library.finalize()
        return Link(name, library._get_compiled_object())  # noqa: SLF001
