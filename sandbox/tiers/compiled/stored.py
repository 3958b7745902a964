"""A compiled program as bytes, and back: what the cache keeps of it.

It holds the object file of each kernel and what the runner needs to know of them: names and layout
of the regions, the failure that each status means, how state is made. It is written by the worker
that compiled, before any code of the guest has run there, and is read by later workers of the same
program alone, before their second lock, because loading makes memory executable. Loading runs
nothing of it.

The reader takes nothing for granted all the same: whatever is not exactly what the writer writes is
a `ProtocolError`, and the program is compiled anew. It cannot judge the machine code itself; that is
why the host keeps a code of authentication with it (`sandbox.cache`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from sandbox import wire
from sandbox.errors import ProtocolError
from sandbox.tiers.base import Failure
from sandbox.tiers.compiled.core import BITS, Kernel, Region, render
from sandbox.tiers.compiled.kernel import Lowered
from sandbox.tiers.compiled.links import address_of
from sandbox.tiers.compiled.loops import loop_of, name_loop
from sandbox.tiers.compiled.machine import Code, Machine

__all__ = ["freeze", "prepare", "thaw"]

_KINDS: Final = ("input", "output", "state", "scratch", "kept")
_LARGEST: Final = 1 << 40
_FIELDS: Final = 8


def freeze(lowered: Lowered, machines: dict[str, Machine]) -> bytes | None:
    """Give the bytes of a compiled program, or None where it has something that has no bytes."""
    kernels = []
    for kernel in _kernels(lowered):
        code = machines[kernel.name].code
        if code is None:
            return None
        kernels.append(
            [
                kernel.name,
                [_of_region(region) for region in kernel.regions.values()],
                [code.symbol, code.data, [list(loop) for loop in code.loops], list(code.pictures)],
                render(kernel),
            ]
        )
    sites: list[Any] = [
        [name, [wire.pack(failure) for failure in found]] for name, found in lowered.sites.items()
    ]
    try:
        return wire.encode(
            [
                kernels,
                None if lowered.step is None else lowered.step.name,
                [kernel.name for kernel in lowered.tasks],
                None if lowered.reset is None else lowered.reset.name,
                list(lowered.components),
                sites,
                [[name, count] for name, count in lowered.stats.items()],
                _listed(lowered.recipe),
            ]
        )
    except ProtocolError:  # a number beyond 64 bits, a lone surrogate, or too much of it all
        return None


def thaw(data: bytes) -> tuple[Lowered, dict[str, Machine], str]:
    """Load a program.

    Returns:
        What the front end gave, with kernels that have no body; the kernels as machine code; the
        text of the core.

    Raises:
        ProtocolError: If the bytes are not those of a program, or not of one for this process.
    """
    kernels, step, tasks, reset, components, sites, stats, recipe = _list(
        wire.decode(data), _FIELDS
    )
    engine = _engine()
    made: dict[str, Kernel] = {}
    machines: dict[str, Machine] = {}
    texts = []
    for item in _list(kernels):
        name, regions, code, text = _list(item, 4)
        found = [_to_region(region) for region in _list(regions)]
        made[_text(name)] = Kernel(name, [], {region.name: region for region in found})
        machines[name] = _load(engine, _to_code(code), tuple(made[name].regions))
        texts.append(_text(text))
    try:
        lowered = Lowered(
            None if step is None else made[step],
            [made[name] for name in _list(tasks)],
            None if reset is None else made[reset],
            tuple(_text(name) for name in _list(components)),
            {_text(name): _failures(items) for name, items in map(_pair, _list(sites))},
            {_text(name): _number(count) for name, count in map(_pair, _list(stats))},
            _tupled(recipe),
        )
    except (KeyError, TypeError):
        raise ProtocolError("a stored program names a kernel that it does not have") from None
    if not lowered.sites.keys() >= {kernel.name for kernel in _kernels(lowered)}:
        raise ProtocolError("a stored kernel has no table of failures")
    return lowered, machines, "\n\n".join(texts)


def prepare() -> None:
    """Import what `thaw` and the runner need, and use the linker once."""
    import_module("sandbox.tiers.compiled.runner")
    _engine().finalize_object()


def _kernels(lowered: Lowered) -> list[Kernel]:
    paying = [kernel for kernel in (lowered.step, lowered.reset) if kernel is not None]
    return [*lowered.tasks, *paying]


# Machine code ------------------------------------------------------------------------------------


def _engine() -> Any:
    """Make a linker. One for each program, because symbols are looked up in all that it holds."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(binding.get_process_triple())
    machine = target.create_target_machine(jit=True)
    return binding.create_mcjit_compiler(binding.parse_assembly(""), machine)


def _load(engine: Any, code: Code, order: tuple[str, ...]) -> Machine:
    from llvmlite import binding

    for name, ty in code.loops:
        if loop_of(name, ty) is None:
            raise ProtocolError(f"a stored kernel calls the loop {name} of {ty}; NumPy has none")
        name_loop(name, ty)
    for name in code.pictures:
        try:
            address_of(name)
        except (LookupError, ImportError, OSError, RuntimeError):
            # It was not handed over, and what would compile it is not here.
            raise ProtocolError(f"a stored kernel calls {name}; there is none") from None
    engine.add_object_file(binding.ObjectFileRef.from_data(code.data))
    engine.finalize_object()
    address = engine.get_function_address(code.symbol)
    if not address:
        raise ProtocolError(f"a stored kernel has no function {code.symbol}")
    return Machine(engine, address, order, "", code)


# Checked values ----------------------------------------------------------------------------------


def _of_region(region: Region) -> list[Any]:
    return [region.name, region.ty, region.size, region.kind, region.stride]


def _to_region(value: Any) -> Region:
    name, ty, size, kind, stride = _list(value, 5)
    good = (
        ty in BITS
        and kind in _KINDS
        and 0 <= _number(size) <= _LARGEST
        and (stride is None or 0 <= _number(stride) <= _LARGEST)
    )
    if not good:
        raise ProtocolError(f"a stored region is {value!r:.80}")
    return Region(_text(name), ty, size, kind, stride)


def _to_code(value: Any) -> Code:
    symbol, data, loops, pictures = _list(value, 4)
    if type(data) is not bytes:
        raise ProtocolError("a stored kernel has no machine code")
    found = []
    for name, ty in map(_pair, _list(loops)):
        if ty not in BITS:
            raise ProtocolError(f"a stored kernel has a loop of {ty!r:.80}")
        found.append((_text(name), ty))
    return Code(_text(symbol), data, tuple(found), tuple(map(_text, _list(pictures))))


def _failures(value: Any) -> list[Failure]:
    return [wire.unpack(Failure, item) for item in _list(value)]


def _list(value: Any, length: int | None = None) -> list[Any]:
    if type(value) is not list or (length is not None and len(value) != length):
        raise ProtocolError("a stored program has another shape than is written")
    return value


def _pair(value: Any) -> tuple[Any, Any]:
    first, second = _list(value, 2)
    return first, second


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ProtocolError(f"a stored name is {value!r:.80}")
    return value


def _number(value: Any) -> int:
    if type(value) is not int:
        raise ProtocolError(f"a stored number is {value!r:.80}")
    return value


def _listed(value: Any) -> Any:
    """Turn a nest of tuples into one of lists; what has no place in it is for the codec to refuse."""
    if isinstance(value, list):
        raise ProtocolError("a list where there are tuples only")
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if type(value) is list else value
