"""The bytes between host and worker: a small codec that believes nothing it reads.

Two layers. The lower one turns plain values (None, bool, int, float, str, bytes, list) into tagged
bytes and back, with a cap on size, depth and count. The upper one turns the project's frozen
dataclasses into lists of their fields and back, driven by their own annotations, so that a field
that is added later travels without a change here.

A worker that runs hostile text must be taken for hostile itself, so whatever it sends is checked
for type, range, length and printable text before a value exists on the host's side, and everything
that does not fit is one `ProtocolError`. There is no pickle, no JSON and no evaluation anywhere:
the set of types that can come out is the table `RECORDS`.
"""

from __future__ import annotations

import math
import os
import select
import socket
import struct
import time
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum, IntEnum, unique
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from sandbox.diagnostics import Finding, Span, escape
from sandbox.errors import ProtocolError, SandboxError
from sandbox.limits import Limits
from sandbox.plan import (
    Call,
    ClassOutline,
    FunctionOutline,
    Normal,
    Outline,
    Param,
    ParamOutline,
    Plan,
)
from sandbox.schema import ArraySpec, DictSpec, Schema, TupleSpec
from sandbox.tiers.base import Failure, Tier, TierReason

__all__ = [
    "RECORDS",
    "BindRequest",
    "BuildRequest",
    "CheckRequest",
    "Checked",
    "Frame",
    "LendRequest",
    "Lent",
    "Loaded",
    "Plain",
    "Progress",
    "Ready",
    "Refused",
    "decode",
    "encode",
    "pack",
    "readable",
    "receive",
    "send",
    "unpack",
]

MAX_BYTES: Final = 4 * 1024 * 1024
"""Largest frame in either direction; sources, findings and failures stay far below."""
MAX_DEPTH: Final = 64
MAX_VALUES: Final = 400_000
MAX_TEXT: Final = 1024
"""Characters of one message or name that a worker sends; its encoder cuts, the host refuses."""
MAX_FINDINGS: Final = 1000
MAX_CORE: Final = 20_000
MAX_FACTS: Final = 4_000
MAX_LINE: Final = 1_000_000
MAX_COLUMN: Final = 65_536
"""A caret is drawn by repeating a blank, so a column is also an allocation."""

Plain = None | bool | int | float | str | bytes | list[Any]

_NONE, _FALSE, _TRUE, _INT, _FLOAT, _STR, _BYTES, _LIST = range(8)
_I64 = struct.Struct("<q")
_F64 = struct.Struct("<d")
_U32 = struct.Struct("<I")
_HEADER = struct.Struct("<BI")

T = TypeVar("T")


@unique
class Frame(IntEnum):
    """What a frame is. Below 64 the host speaks, from 64 on the worker."""

    CHECK = 1
    BUILD = 2
    BIND = 3
    RESET = 4
    STEP = 5
    JUDGE = 6
    """As BUILD, and nothing is built: the answer is always REFUSED, with what the plan shows."""
    LEND = 7
    READY = 64
    CHECKED = 65
    LOADED = 66
    REFUSED = 67
    BOUND = 68
    RAN = 69
    BROKEN = 70
    """Our own code in the worker failed; the text says how, and the worker ends."""
    CODE = 71
    """Machine code of the program, sent before any code of the guest runs; not for the host to
    read."""
    NEWS = 72
    """Failures that are new, in the middle of a batch: a worker may not live to its end."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker is locked and reads its first request next; the layers that hold, by name."""

    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Read this source."""

    source: bytes
    filename: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Checked:
    """What reading a source gave.

    Attributes:
        sketch: Outline of a refused source, for findings only; see `sandbox.passes.Analysis`.
        normal: Digests of its tree; None where it is no Python.
    """

    text: str
    findings: tuple[Finding, ...]
    outline: Outline | None
    sketch: Outline | None = None
    normal: Normal | None = None


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """Make the source that was read into something that runs.

    Attributes:
        code: Machine code that an earlier worker of the same program sent, or nothing.
        keep: Whether to send what is compiled, in a frame CODE before the answer.
        pictures: Kernels for pictures that the program may need, or nothing.
    """

    plan: Plan
    tier: Literal["auto", "interpreted", "compiled"]
    code: bytes = b""
    keep: bool = False
    pictures: bytes = b""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a source was not built."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a build gave.

    Attributes:
        tier: What will run.
        tier_reason: Why it is not the compiled tier; None if it is.
        component_names: Names of the rows of ``Outputs.components``.
        findings: Findings that needed the plan; none of them an error.
        core: Lines of the compiled tier's core language, for people; none where interpreted.
        layers: Names of the layers that hold since before the guest's first code.
        stored: Whether the machine code was handed over and not made.
        listens: Whether the worker can be asked for batches by a shared page.
        facts: What compilation found out, in numbers by name; see `CompiledRunner.explain`.
    """

    tier: Tier
    tier_reason: TierReason | None
    component_names: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    core: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    stored: bool = False
    listens: bool = False
    facts: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class BindRequest:
    """Take shared arrays; two descriptors follow, inputs and outputs, or three with a bell.

    Attributes:
        bell: Whether batches are asked for by a shared page from now on, and not by frames.
        spin_s: Seconds that a wait may keep a core busy.
    """

    num_rows: int
    components: int
    bell: bool = False
    spin_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Lent:
    """A column that may lie in two further places: offsets in the memory that was lent."""

    column: str
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class LendRequest:
    """Map so many bytes of further inputs; a descriptor follows."""

    size: int
    columns: tuple[Lent, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a batch added to the worker's failure list, in order."""

    failures: tuple[Failure, ...]


RECORDS: Final[frozenset[type]] = frozenset(
    {
        *(ArraySpec, DictSpec, TupleSpec, Schema, Param, Call, Plan, Limits),
        *(Span, Finding, ParamOutline, FunctionOutline, ClassOutline, Outline, Normal),
        *(Failure, TierReason, CheckRequest, Checked, BuildRequest, Loaded, BindRequest),
        *(Ready, Refused, Progress, Lent, LendRequest),
    }
)
"""Every class that can travel. Decoding can make nothing else."""


# Values ------------------------------------------------------------------------------------


def encode(value: Plain) -> bytes:
    """Turn a plain value into bytes.

    Raises:
        ProtocolError: If a value is of another type, an int needs more than 64 bits, or a cap is
            exceeded.
    """
    out = bytearray()
    _write(out, value, 0)
    if len(out) > MAX_BYTES:
        raise ProtocolError(f"a message has {len(out):,} bytes; at most {MAX_BYTES:,} are sent")
    return bytes(out)


def _write(out: bytearray, value: Plain, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ProtocolError(f"a message is nested deeper than {MAX_DEPTH} levels")
    kind = type(value)
    if value is None:
        out.append(_NONE)
    elif kind is bool:
        out.append(_TRUE if value else _FALSE)
    elif kind is int:
        out.append(_INT)
        try:
            out += _I64.pack(value)
        except struct.error:
            raise ProtocolError(f"an int does not fit 64 bits: {value!r:.60}") from None
    elif kind is float:
        out.append(_FLOAT)
        out += _F64.pack(value)
    elif isinstance(value, str):
        try:
            data = value.encode()
        except UnicodeEncodeError:
            raise ProtocolError("a text holds a lone surrogate") from None
        out.append(_STR)
        out += _U32.pack(len(data))
        out += data
    elif isinstance(value, bytes):
        out.append(_BYTES)
        out += _U32.pack(len(value))
        out += value
    elif isinstance(value, list):
        out.append(_LIST)
        out += _U32.pack(len(value))
        for item in value:
            _write(out, item, depth + 1)
    else:
        raise ProtocolError(f"a value of type {kind.__name__} cannot be sent")


def decode(data: bytes) -> Plain:
    """Turn bytes into the plain value they hold.

    Raises:
        ProtocolError: If the bytes are not exactly one well-formed value within the caps.
    """
    if len(data) > MAX_BYTES:
        raise ProtocolError(f"a message has {len(data):,} bytes; at most {MAX_BYTES:,} are read")
    reader = _Reader(data)
    value = reader.value(0)
    if reader.place != len(data):
        raise ProtocolError(f"{len(data) - reader.place} bytes follow the end of a message")
    return value


class _Reader:
    """A place in received bytes, and how many values were made from them."""

    __slots__ = ("data", "made", "place")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0
        self.made = 0

    def take(self, count: int) -> bytes:
        stop = self.place + count
        if stop > len(self.data):
            raise ProtocolError(f"a message ends early, at byte {len(self.data)}")
        found = self.data[self.place : stop]
        self.place = stop
        return found

    def value(self, depth: int) -> Plain:
        self.made += 1
        if self.made > MAX_VALUES or depth > MAX_DEPTH:
            raise ProtocolError(
                f"a message has more than {MAX_VALUES:,} values or {MAX_DEPTH} levels"
            )
        tag = self.take(1)[0]
        if tag == _NONE:
            return None
        if tag in {_FALSE, _TRUE}:
            return tag == _TRUE
        if tag == _INT:
            number: int = _I64.unpack(self.take(8))[0]
            return number
        if tag == _FLOAT:
            real: float = _F64.unpack(self.take(8))[0]
            return real
        if tag not in {_STR, _BYTES, _LIST}:
            raise ProtocolError(f"a message has the unknown tag {tag}")
        count: int = _U32.unpack(self.take(4))[0]
        if tag == _LIST:
            # Every element is a byte at least, so a lie about the count ends before it allocates.
            if count > len(self.data) - self.place:
                raise ProtocolError(f"a list of {count:,} values in {len(self.data)} bytes")
            return [self.value(depth + 1) for _ in range(count)]
        raw = self.take(count)
        if tag == _BYTES:
            return raw
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise ProtocolError("a text is not UTF-8") from None


# Records -----------------------------------------------------------------------------------


def pack(record: object) -> bytes:
    """Turn a record of `RECORDS` into bytes.

    Text for people (messages, reasons, hints) is cut and its control characters are escaped
    here, in the worker, so that an honest worker never sends what the host would refuse.
    """
    return encode(_lower(record))


def unpack(kind: type[T], data: bytes) -> T:
    """Read one record of exactly this class.

    Raises:
        ProtocolError: If the bytes do not hold it, or a field has a wrong type, an unknown
            choice, a number out of range or text with control characters.
    """
    value = _raise_to(kind, decode(data), kind.__name__)
    if not isinstance(value, kind):
        raise ProtocolError(f"a {kind.__name__} was expected")
    return value


_FREE_TEXT: Final = frozenset({(Checked, "text"), (CheckRequest, "filename")})
"""Fields that may hold anything: the source itself, and the name that the host gave it."""
_PROSE: Final = frozenset({Finding, Failure, TierReason})
"""Records whose text comes from a guest or quotes one; it is escaped before it is sent."""


def _lower(value: Any) -> Plain:
    if value is None or type(value) in {bool, bytes, str}:
        return value  # type: ignore[no-any-return]
    if isinstance(value, Enum):
        return _lower(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, tuple | list):
        return [_lower(item) for item in value]
    if type(value) not in RECORDS:
        item = getattr(value, "item", None)  # a NumPy number, from a space's bounds
        if item is not None:
            return _lower(item())
        raise ProtocolError(f"a value of type {type(value).__name__} cannot be sent")
    out: list[Any] = [type(value).__name__]
    prose = type(value) in _PROSE
    for entry in fields(value):
        field = getattr(value, entry.name)
        if prose and type(field) is str:
            field = escape(field, MAX_TEXT - 1)
        elif entry.name == "findings":
            field = field[:MAX_FINDINGS]
        elif entry.name == "core":
            field = [escape(line, MAX_TEXT - 1) for line in field[:MAX_CORE]]
        elif entry.name == "facts":
            field = field[:MAX_FACTS]
        out.append(_lower(field))
    return out


@cache
def _shape(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((entry.name, hints[entry.name]) for entry in fields(kind))


_BY_NAME: Final = {kind.__name__: kind for kind in RECORDS}


def _raise_to(hint: Any, value: Plain, where: str) -> Any:
    """Check a plain value against an annotation and give the typed value."""
    origin = get_origin(hint)
    if origin is Union or origin is UnionType:
        return _choose(get_args(hint), value, where)
    if origin is Literal:
        # By type as well as by value, because True equals 1.
        if not any(value == item and type(value) is type(item) for item in get_args(hint)):
            raise ProtocolError(f"{where} is {value!r:.60}; want one of {get_args(hint)}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise ProtocolError(f"{where} is not a list")
        items = get_args(hint)
        if len(items) == 2 and items[1] is Ellipsis:
            return tuple(_raise_to(items[0], item, where) for item in value)
        if len(items) != len(value):
            raise ProtocolError(f"{where} has {len(value)} elements; want {len(items)}")
        return tuple(_raise_to(want, item, where) for want, item in zip(items, value, strict=True))
    if hint is float and type(value) is int:
        return float(value)
    if hint in {bool, int, float, bytes} and type(value) is hint:
        return value
    if hint is str and isinstance(value, str):
        return _printable(value, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError:
            raise ProtocolError(f"{where} is {value!r:.60}, not a {hint.__name__}") from None
    if is_dataclass(hint) and isinstance(hint, type):
        return _record(hint, value, where)
    raise ProtocolError(f"{where} is {value!r:.60}; want {hint}")


def _choose(options: tuple[Any, ...], value: Plain, where: str) -> Any:
    if value is None and NoneType in options:
        return None
    for option in options:
        if is_dataclass(option) and isinstance(option, type):
            if isinstance(value, list) and value and value[0] == option.__name__:
                return _record(option, value, where)
        elif option is type(value) or (get_origin(option) is tuple and isinstance(value, list)):
            return _raise_to(option, value, where)
    # A nested alias such as ``Spec | None`` is flattened by typing, so nothing else is possible.
    raise ProtocolError(f"{where} is {value!r:.60}; want one of {options}")


def _record(kind: type, value: Plain, where: str) -> Any:
    if not isinstance(value, list) or not value or _BY_NAME.get(str(value[0])) is not kind:
        raise ProtocolError(f"{where} is not a {kind.__name__}")
    shape = _shape(kind)
    if len(value) != len(shape) + 1:
        raise ProtocolError(f"{where} has {len(value) - 1} fields; want {len(shape)}")
    made: dict[str, Any] = {}
    for (name, hint), item in zip(shape, value[1:], strict=True):
        if hint is str and isinstance(item, str) and (kind, name) in _FREE_TEXT:
            made[name] = item
        else:
            made[name] = _raise_to(hint, item, f"{where}.{name}")
    try:
        record = kind(**made)
    except (SandboxError, TypeError, ValueError) as error:
        raise ProtocolError(f"{where} cannot be made: {error!s:.200}") from None
    _check(record, where)
    return record


def _printable(text: str, where: str) -> str:
    if len(text) > MAX_TEXT:
        raise ProtocolError(f"{where} has {len(text):,} characters; at most {MAX_TEXT} are read")
    if not text.isprintable():
        raise ProtocolError(f"{where} holds control characters")
    return text


def _check(record: object, where: str) -> None:
    """Refuse values that have the right type and would still do harm."""
    if isinstance(record, Span):
        lines = (record.line, record.end_line)
        columns = (record.column, record.end_column)
        if not (min(lines) >= 0 and max(lines) <= MAX_LINE):
            raise ProtocolError(f"{where} is on line {lines}")
        if not (min(columns) >= 0 and max(columns) <= MAX_COLUMN):
            raise ProtocolError(f"{where} is in column {columns}")
    elif isinstance(record, Checked | Loaded | Refused):
        if len(record.findings) > MAX_FINDINGS:
            raise ProtocolError(f"{where} has {len(record.findings):,} findings")
        if isinstance(record, Loaded):
            names = record.component_names
            if len(names) > 64 or len(set(names)) != len(names):
                raise ProtocolError(f"{where} has {len(names)} component names, or one twice")
            if len(record.core) > MAX_CORE:
                raise ProtocolError(f"{where} has {len(record.core):,} lines of core")
            if len(record.facts) > MAX_FACTS:
                raise ProtocolError(f"{where} has {len(record.facts):,} facts")
            if (record.tier == "compiled") != (record.tier_reason is None):
                raise ProtocolError(f"{where} has tier {record.tier} and the wrong reason for it")
    elif isinstance(record, BindRequest) and (record.num_rows < 1 or record.components < 0):
        raise ProtocolError(f"{where} wants {record.num_rows} rows")


# Frames ------------------------------------------------------------------------------------


def send(sock: socket.socket, frame: Frame, body: bytes = b"", deadline: float = math.inf) -> None:
    """Send one frame.

    Args:
        sock: A connected stream socket.
        frame: What it is.
        body: At most `MAX_BYTES`.
        deadline: In seconds of ``time.monotonic``.

    Raises:
        TimeoutError: If the other side does not take it in time.
        OSError: If the other side is gone.
    """
    if len(body) > MAX_BYTES:
        raise ProtocolError(f"a message has {len(body):,} bytes; at most {MAX_BYTES:,} are sent")
    data = _HEADER.pack(frame, len(body)) + body
    # Mostly there is room for all of it. Python asks the kernel twice more for each limit in time,
    # so none is set before one is needed.
    _no_limit(sock)
    try:
        sent = sock.send(data, socket.MSG_DONTWAIT)
    except BlockingIOError:
        sent = 0
    if sent < len(data):
        sock.settimeout(_left(deadline))
        sock.sendall(data[sent:])


def receive(
    sock: socket.socket, deadline: float = math.inf, *, spin_s: float = 0.0
) -> tuple[Frame, bytes]:
    """Receive one frame, and not one byte of what follows it.

    Args:
        sock: A connected stream socket.
        deadline: In seconds of ``time.monotonic``.
        spin_s: Seconds to look for it again and again, giving the core away in between, before
            going to sleep. Waking a sleeper on another core took 45 µs where this was measured.

    Raises:
        TimeoutError: If the frame is not complete in time.
        EOFError: If the other side closed.
        ProtocolError: If the frame is of no known kind or too long.
    """
    early = _look(sock, min(time.monotonic() + spin_s, deadline)) if spin_s else b""
    header = early + _exactly(sock, _HEADER.size - len(early), deadline)
    kind, size = _HEADER.unpack(header)
    try:
        frame = Frame(kind)
    except ValueError:
        raise ProtocolError(f"a frame of the unknown kind {kind}") from None
    if size > MAX_BYTES:
        raise ProtocolError(f"a frame of {size:,} bytes; at most {MAX_BYTES:,} are read")
    return frame, _exactly(sock, size, deadline) if size else b""


def readable(sock: socket.socket, seconds: float) -> bool:
    """Wait until there is something to read (or an end to be seen), at most so long."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def _look(sock: socket.socket, until: float) -> bytes:
    """Look for a header until a time; what there is of it, nothing at the end of a connection."""
    _no_limit(sock)
    while time.monotonic() < until:
        try:
            return sock.recv(_HEADER.size, socket.MSG_DONTWAIT)
        except BlockingIOError:
            os.sched_yield()
    return b""


def _no_limit(sock: socket.socket) -> None:
    if sock.gettimeout() is not None:
        sock.settimeout(None)


def _exactly(sock: socket.socket, count: int, deadline: float) -> bytes:
    if count == 0:
        return b""
    left = _left(deadline)
    if left is not None or sock.gettimeout() is not None:
        sock.settimeout(left)
    data = sock.recv(count)
    if len(data) == count:
        return data
    parts = bytearray(data)
    while len(parts) < count:
        if not data:
            raise EOFError("the other side closed the connection")
        # Asked anew each time: a peer that sends a byte a second does not win time by it.
        sock.settimeout(_left(deadline))
        data = sock.recv(min(count - len(parts), 1 << 20))
        parts += data
    return bytes(parts)


def _left(deadline: float) -> float | None:
    if deadline == math.inf:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left
