"""The core language: what a program becomes before machine code, small enough to read whole.

A program is a tree of statements over typed scalars. Every operand is an *atom*: a literal, a
temporary (assigned once by `Let`) or a variable (assigned by `Set`, zero before that). Memory is
a fixed set of typed regions, one row of a column, of an output, of the state or of scratch space;
an index counts elements from the start of the row and has been checked before it gets here. There
are no calls but to a closed list of mathematical functions and to our own kernels for pictures
(`Invoke`, which names the memory that each may read and write); there are no pointers, no
allocation and no recursion, so that what the machine code may touch can be read off the text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np

__all__ = [
    "BITS",
    "FLOATS",
    "LIBRARY",
    "MATH",
    "SIGNED",
    "Atom",
    "Block",
    "Break",
    "For",
    "If",
    "Invoke",
    "Kernel",
    "Let",
    "Lit",
    "Loop",
    "Place",
    "Region",
    "Set",
    "Stmt",
    "Store",
    "Ty",
    "Var",
    "atoms_of",
    "dtype_of",
    "fold",
    "is_float",
    "limits_of",
    "prune",
    "regions_in",
    "render",
    "size_of",
    "ty_of",
    "wrap",
]

Ty: TypeAlias = str
"""``b1``, ``i8`` … ``i64``, ``u8`` … ``u64``, ``f32`` or ``f64``."""

_DTYPES: Final = {
    "b1": np.dtype(np.bool_),
    "i8": np.dtype(np.int8),
    "i16": np.dtype(np.int16),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
    "u8": np.dtype(np.uint8),
    "u16": np.dtype(np.uint16),
    "u32": np.dtype(np.uint32),
    "u64": np.dtype(np.uint64),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
}
_TYS: Final = {dtype: ty for ty, dtype in _DTYPES.items()}
BITS: Final = {ty: 1 if ty == "b1" else int(ty[1:]) for ty in _DTYPES}
FLOATS: Final = frozenset({"f32", "f64"})
SIGNED: Final = frozenset({"i8", "i16", "i32", "i64"})

MATH: Final = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "exp",
        "exp2",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
        "cbrt",
        "erf",
        "erfc",
        "tgamma",
        "lgamma",
        "atan2",
        "hypot",
        "pow",
        "fmod",
    ]
)
"""Functions of the C library that core may call; each exists for f64 and, with an f, for f32."""

LIBRARY: Final = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "arctan2": "atan2", "power": "pow",
}  # fmt: skip
"""The C library's names of ufuncs that it calls otherwise."""

COMPARE: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})


def dtype_of(ty: Ty) -> np.dtype[np.generic]:
    """Give the NumPy dtype of a core type."""
    return _DTYPES[ty]


def ty_of(dtype: np.dtype[np.generic]) -> Ty | None:
    """Give the core type of a NumPy dtype, or None where core has none (float16, objects)."""
    return _TYS.get(np.dtype(dtype))


def is_float(ty: Ty) -> bool:
    """Whether a type is a floating-point type."""
    return ty in FLOATS


def limits_of(ty: Ty) -> tuple[int, int]:
    """Give the least and the greatest value of an integer type (or of ``b1``)."""
    if ty == "b1":
        return 0, 1
    bits = BITS[ty]
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if ty in SIGNED else (0, (1 << bits) - 1)


def wrap(value: int, ty: Ty) -> int:
    """Reduce an integer to a type as two's complement does."""
    bits = BITS[ty]
    value &= (1 << bits) - 1
    return value - (1 << bits) if ty in SIGNED and value >> (bits - 1) else value


@dataclass(frozen=True, slots=True)
class Lit:
    """A literal. Floats compare by bits, so that -0.0 and NaN keep their identity."""

    value: bool | int | float
    ty: Ty

    def _key(self) -> tuple[Ty, str]:
        return self.ty, self.value.hex() if isinstance(self.value, float) else str(int(self.value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lit) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


@dataclass(frozen=True, slots=True)
class Var:
    """A temporary or a variable; names are unique in a kernel."""

    name: str
    ty: Ty


Atom: TypeAlias = Lit | Var


@dataclass(slots=True)
class Let:
    """Compute a temporary. ``region`` is what a ``load`` reads."""

    var: Var
    op: str
    args: tuple[Atom, ...]
    region: str | None = None


@dataclass(slots=True)
class Set:
    """Give a variable a new value."""

    var: Var
    value: Atom


@dataclass(slots=True)
class Store:
    """Write one element of a region."""

    region: str
    index: Atom
    value: Atom


@dataclass(slots=True)
class If:
    """Run one of two blocks."""

    cond: Atom
    then: list[Stmt]
    other: list[Stmt]


@dataclass(slots=True)
class For:
    """Run the body with ``var`` = 0, 1, … ``count`` - 1."""

    var: Var
    count: Atom
    body: list[Stmt]
    label: str


@dataclass(slots=True)
class Loop:
    """Run the body until a break; every turn is metered by a statement in the body."""

    body: list[Stmt]
    label: str


@dataclass(slots=True)
class Block:
    """Run the body once; a break leaves it."""

    body: list[Stmt]
    label: str


@dataclass(slots=True)
class Break:
    """Leave the block or loop of that label."""

    label: str


@dataclass(frozen=True, slots=True)
class Place:
    """An array in memory that a kernel for pictures is given: a part of a region, C-contiguous.

    Attributes:
        region: Which.
        offset: Its first element.
        extents: Its shape. Offset and extents have been checked: it lies within the region.
        written: Whether the kernel writes it.
    """

    region: str
    offset: Atom
    extents: tuple[Atom, ...]
    written: bool = False


@dataclass(slots=True)
class Invoke:
    """Call one of our kernels for pictures; it touches no memory but the places it is given."""

    var: Var
    kernel: str
    args: tuple[Atom | Place, ...]


Stmt: TypeAlias = Let | Set | Store | If | For | Loop | Block | Break | Invoke


@dataclass(frozen=True, slots=True)
class Region:
    """Memory a kernel may touch.

    Attributes:
        size: Elements of one row.
        kind: Inputs are never written. ``scratch`` is shared by all rows (one runs at a time).
            ``kept`` is what was found on an input of the row, see `sandbox.tiers.compiled.firsts`.
        stride: Elements from one row to the next; ``size`` where left out.
    """

    name: str
    ty: Ty
    size: int
    kind: Literal["input", "output", "state", "scratch", "kept"]
    stride: int | None = None


@dataclass(slots=True)
class Kernel:
    """One row's work, and the regions it needs."""

    name: str
    body: list[Stmt]
    regions: dict[str, Region] = field(default_factory=dict)


def fold(op: str, ty: Ty, values: list[bool | int | float], tys: list[Ty]) -> Lit | None:
    """Compute an operation on literals, or give None where that is left to the machine.

    Operands that are integers obey two's complement; floats are rounded to their type after each
    operation, which for + - * / and the square root is what the machine does.
    """
    a = values[0]
    b = values[1] if len(values) > 1 else a
    source = tys[0]
    try:
        if op in ("copy", "fma"):
            return None
        if op in COMPARE:
            result: bool | int | float = {
                "eq": a == b, "ne": a != b, "lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b,
            }[op]  # fmt: skip
        elif op == "cast":
            if is_float(ty):
                result = float(a)
            elif is_float(source):
                if not math.isfinite(a):
                    return None
                low, high = limits_of("i64")
                if not low <= int(a) <= high:
                    return None
                result = a != 0 if ty == "b1" else wrap(int(a), ty)
            else:
                result = a != 0 if ty == "b1" else wrap(int(a), ty)
        elif op == "select":
            result = values[1] if a else values[2]
        elif op in ("and", "or", "xor"):
            x, y = int(a), int(b)
            result = {"and": x & y, "or": x | y, "xor": x ^ y}[op]
        elif op == "not":
            result = not a if ty == "b1" else wrap(~int(a), ty)
        elif is_float(ty):
            result = _fold_float(op, float(a), float(b), ty)
        elif op in ("min", "max"):
            result = min(a, b) if op == "min" else max(a, b)
        elif op in ("add", "sub", "mul", "neg", "abs"):
            x, y = int(a), int(b)
            result = wrap(
                {"add": x + y, "sub": x - y, "mul": x * y, "neg": -x, "abs": abs(x)}[op], ty
            )
        elif op in ("floordiv", "mod") and b != 0:
            x, y = int(a), int(b)
            result = wrap(x // y if op == "floordiv" else x % y, ty)
        else:
            return None
    except (ArithmeticError, ValueError, KeyError):
        return None
    if ty == "b1":
        return Lit(bool(result), ty)
    if ty == "f32":
        with np.errstate(all="ignore"):
            return Lit(float(np.float32(result)), ty)
    return Lit(float(result) if ty == "f64" else int(result), ty)


def _fold_float(op: str, a: float, b: float, ty: Ty) -> float:
    if op in ("add", "sub", "mul", "div"):
        kind = np.float32 if ty == "f32" else np.float64
        x, y = kind(a), kind(b)
        with np.errstate(all="ignore"):
            return float({"add": x + y, "sub": x - y, "mul": x * y, "div": x / y}[op])
    if op in ("floor", "ceil", "trunc", "rint"):
        return float(getattr(np, op)(a))
    if op == "neg":
        return -a
    if op == "abs":
        return abs(a)
    if op == "copysign":
        return math.copysign(a, b)
    if op == "sqrt" and a >= 0:
        return float(np.sqrt(np.float32(a) if ty == "f32" else np.float64(a)))
    if op.startswith("np."):
        kind = np.float32 if ty == "f32" else np.float64
        with np.errstate(all="ignore"):
            ufunc = getattr(np, op.removeprefix("np."))
            return float(ufunc(kind(a), kind(b)) if ufunc.nin == 2 else ufunc(kind(a)))
    known = {"tgamma": "gamma"}.get(op, op)
    function = getattr(math, known)
    return float(function(a, b) if op in ("atan2", "hypot", "pow", "fmod") else function(a))


def prune(body: list[Stmt]) -> None:
    """Drop what has no effect: what no store and no branch depends on, and empty statements."""
    while True:
        roots: set[str] = set()
        sources: dict[str, set[str]] = {}
        _uses(body, roots, sources)
        used: set[str] = set()
        waiting = list(roots)
        while waiting:
            name = waiting.pop()
            if name not in used:
                used.add(name)
                waiting.extend(sources.get(name, ()))
        if not _drop(body, used, _regions_read(body, used)):
            return


def regions_in(body: list[Stmt]) -> set[str]:
    """Give the regions that anything reads or writes."""
    found: set[str] = set()
    for item in body:
        match item:
            case Let(region=str(region)) | Store(region=region):
                found.add(region)
            case Invoke(args=args):
                found.update(arg.region for arg in args if isinstance(arg, Place))
            case If(then=then, other=other):
                found |= regions_in(then) | regions_in(other)
            case For(body=inner) | Loop(body=inner) | Block(body=inner):
                found |= regions_in(inner)
    return found


def _regions_read(body: list[Stmt], used: set[str]) -> set[str]:
    """Give the regions that something reads; a kernel that nobody needs reads nothing."""
    found: set[str] = set()
    calls: list[Invoke] = []

    def look(items: list[Stmt]) -> None:
        for item in items:
            match item:
                case Let(var=var, op="load", region=region) if region is not None:
                    if var.name in used:
                        found.add(region)
                case Invoke():
                    calls.append(item)
                case If(then=then, other=other):
                    look(then)
                    look(other)
                case For(body=inner) | Loop(body=inner) | Block(body=inner):
                    look(inner)

    look(body)
    while True:
        waiting = [call for call in calls if _idle(call, used, found)]
        for call in calls:
            if call not in waiting:
                found.update(arg.region for arg in call.args if isinstance(arg, Place))
        if len(waiting) == len(calls):
            return found
        calls = waiting


def _idle(call: Invoke, used: set[str], read: set[str]) -> bool:
    """Whether nobody reads what a kernel computes (an image that is only drawn into, say)."""
    written = [arg.region for arg in call.args if isinstance(arg, Place) and arg.written]
    return call.var.name not in used and all(_unread(region, read) for region in written)


def _unread(region: str, read: set[str]) -> bool:
    return region.startswith("scratch") and region not in read


def atoms_of(call: Invoke) -> list[Atom]:
    """Give all numbers that a call of a kernel depends on."""
    found: list[Atom] = []
    for arg in call.args:
        found.extend((arg.offset, *arg.extents) if isinstance(arg, Place) else (arg,))
    return found


def _uses(body: list[Stmt], roots: set[str], sources: dict[str, set[str]]) -> None:
    for item in body:
        match item:
            case Let(var=var, args=args):
                names = sources.setdefault(var.name, set())
                names.update(arg.name for arg in args if isinstance(arg, Var))
            case Set(var=var, value=Var(name=name)):
                sources.setdefault(var.name, set()).add(name)
            case Store(index=index, value=value):
                roots.update(atom.name for atom in (index, value) if isinstance(atom, Var))
            case Invoke():
                roots.update(atom.name for atom in atoms_of(item) if isinstance(atom, Var))
            case If(cond=cond, then=then, other=other):
                if isinstance(cond, Var):
                    roots.add(cond.name)
                _uses(then, roots, sources)
                _uses(other, roots, sources)
            case For(count=count, body=inner):
                if isinstance(count, Var):
                    roots.add(count.name)
                _uses(inner, roots, sources)
            case Loop(body=inner) | Block(body=inner):
                _uses(inner, roots, sources)


def _drop(body: list[Stmt], used: set[str], read: set[str]) -> bool:
    changed = False
    kept: list[Stmt] = []
    for position, item in enumerate(body):
        match item:
            case Let(var=var) | Set(var=var):
                if var.name not in used:
                    changed = True
                    continue
            case Store(region=region):
                if _unread(region, read):
                    changed = True
                    continue
            case Invoke():
                if _idle(item, used, read):
                    changed = True
                    continue
            case If(then=then, other=other):
                changed |= _drop(then, used, read) | _drop(other, used, read)
                if not then and not other:
                    changed = True
                    continue
            case For(body=inner):
                changed |= _drop(inner, used, read)
                if not inner:
                    changed = True
                    continue
            case Loop(body=inner):
                changed |= _drop(inner, used, read)
            case Block(body=inner, label=label):
                changed |= _drop(inner, used, read)
                while inner and isinstance(inner[-1], Break) and inner[-1].label == label:
                    inner.pop()
                    changed = True
                if not _breaks(inner, label):
                    kept.extend(inner)
                    changed = True
                    continue
        kept.append(item)
        if isinstance(item, Break) and position + 1 < len(body):
            changed = True
            break
    body[:] = kept
    return changed


def size_of(body: list[Stmt]) -> int:
    """Count the statements of a body, those inside of others included."""
    total = len(body)
    for item in body:
        match item:
            case If(then=then, other=other):
                total += size_of(then) + size_of(other)
            case For(body=inner) | Loop(body=inner) | Block(body=inner):
                total += size_of(inner)
    return total


def _breaks(body: list[Stmt], label: str) -> bool:
    for item in body:
        match item:
            case Break(label=found) if found == label:
                return True
            case If(then=then, other=other):
                if _breaks(then, label) or _breaks(other, label):
                    return True
            case For(body=inner) | Loop(body=inner) | Block(body=inner):
                if _breaks(inner, label):
                    return True
    return False


def render(kernel: Kernel) -> str:
    """Print a kernel for people."""
    lines = [f"kernel {kernel.name}"]
    lines += [
        f"  {region.kind} {region.name}: {region.ty}[{region.size}]"
        for region in kernel.regions.values()
    ]
    _render(kernel.body, 1, lines)
    return "\n".join(lines)


_INFIX: Final = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "eq": "==", "ne": "!=", "lt": "<",
    "le": "<=", "gt": ">", "ge": ">=", "and": "&", "or": "|", "xor": "^",
}  # fmt: skip


def _atom(atom: Atom) -> str:
    return atom.name if isinstance(atom, Var) else repr(atom.value)


def _place(place: Place) -> str:
    extents = ", ".join(_atom(extent) for extent in place.extents)
    mark = "out " if place.written else ""
    return f"{mark}{place.region}[{_atom(place.offset)}:][{extents}]"


def _render(body: list[Stmt], depth: int, lines: list[str]) -> None:
    pad = "  " * depth
    for item in body:
        match item:
            case Let(var=var, op=op, args=args, region=region):
                shown = [_atom(arg) for arg in args]
                if op == "load":
                    text = f"{region}[{shown[0]}]"
                elif op in _INFIX:
                    text = f"{shown[0]} {_INFIX[op]} {shown[1]}"
                else:
                    text = f"{op}({', '.join(shown)})"
                lines.append(f"{pad}{var.name}: {var.ty} = {text}")
            case Invoke(var=var, kernel=kernel, args=args_):
                shown = [_place(arg) if isinstance(arg, Place) else _atom(arg) for arg in args_]
                lines.append(f"{pad}{var.name}: {var.ty} = {kernel}({', '.join(shown)})")
            case Set(var=var, value=value):
                lines.append(f"{pad}{var.name} := {_atom(value)}")
            case Store(region=region, index=index, value=value):
                lines.append(f"{pad}{region}[{_atom(index)}] := {_atom(value)}")
            case If(cond=cond, then=then, other=other):
                lines.append(f"{pad}if {_atom(cond)}:")
                _render(then, depth + 1, lines)
                if other:
                    lines.append(f"{pad}else:")
                    _render(other, depth + 1, lines)
            case For(var=var, count=count, body=inner, label=label):
                lines.append(f"{pad}{label}: for {var.name} in range({_atom(count)}):")
                _render(inner, depth + 1, lines)
            case Loop(body=inner, label=label):
                lines.append(f"{pad}{label}: loop:")
                _render(inner, depth + 1, lines)
            case Block(body=inner, label=label):
                lines.append(f"{pad}{label}: block:")
                _render(inner, depth + 1, lines)
            case Break(label=label):
                lines.append(f"{pad}break {label}")
