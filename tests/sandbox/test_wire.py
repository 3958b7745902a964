"""The codec gives back what went in, and nothing but `ProtocolError` for any other bytes."""

from __future__ import annotations

import math
import socket
import struct
import threading
import time
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import wire
from sandbox.diagnostics import Finding, Severity, Span
from sandbox.errors import ProtocolError
from sandbox.limits import Limits
from sandbox.plan import (
    Call,
    ClassOutline,
    FunctionOutline,
    Outline,
    Param,
    ParamOutline,
    Plan,
)
from sandbox.schema import ArraySpec, DictSpec, Schema, TupleSpec
from sandbox.tiers.base import Failure, TierReason

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=40,
)
text = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=60)
spans = st.builds(
    lambda line, column, lines, columns: Span(line, column, line + lines, column + columns),
    *(st.integers(0, 1000),) * 4,
)
findings = st.builds(Finding, text, st.sampled_from(Severity), st.none() | spans, text, text, text)
parameters = st.builds(
    ParamOutline,
    text,
    st.booleans(),
    st.sampled_from(["plain", "keyword", "varargs", "varkw", "positional"]),
    spans,
)
functions = st.builds(
    FunctionOutline, text, st.lists(parameters, max_size=3).map(tuple), spans, st.booleans()
)
classes = st.builds(
    ClassOutline,
    text,
    st.lists(functions, max_size=2).map(tuple),
    st.lists(text, max_size=2).map(tuple),
    spans,
    st.booleans(),
)
outlines = st.builds(
    Outline,
    st.lists(functions, max_size=3).map(tuple),
    st.lists(classes, max_size=2).map(tuple),
    st.none() | st.lists(text, max_size=3).map(tuple),
    st.none() | spans,
)
leaves = st.builds(
    ArraySpec,
    kind=st.sampled_from(["array", "int", "bool", "text"]),
    shape=st.lists(st.integers(0, 9), max_size=3).map(tuple),
    dtype=st.sampled_from(["float64", "uint8", "bool", "int64"]),
    low=st.floats(allow_nan=False),
    high=st.floats(allow_nan=False),
    unit=text,
)
specs = st.recursive(
    leaves,
    lambda inner: (
        st.lists(st.tuples(text, inner), max_size=3).map(lambda items: DictSpec(tuple(items)))
        | st.lists(inner, max_size=3).map(lambda items: TupleSpec(tuple(items)))
    ),
    max_leaves=6,
)
params = st.builds(Param, text, text, st.lists(text | st.integers(0, 9), max_size=3).map(tuple))
calls = st.builds(Call, text, st.lists(params, max_size=3).map(tuple))
plans = st.builds(
    Plan,
    schema=st.lists(st.tuples(text, specs), max_size=3).map(lambda slots: Schema(tuple(slots))),
    reward=st.none() | calls,
    tasks=st.lists(calls, max_size=2).map(tuple),
    class_name=st.none() | text,
    step=st.none() | calls,
    reset=st.none() | calls,
)
failures = st.builds(Failure, text, text, text, st.none() | spans)
records = st.one_of(
    findings,
    outlines,
    plans,
    failures,
    st.builds(TierReason, text, text, st.none() | spans),
    st.builds(
        wire.Checked, st.text(st.characters(exclude_categories=["Cs"])), st.just(()), outlines
    ),
    st.builds(wire.BuildRequest, plans, st.sampled_from(["auto", "interpreted", "compiled"])),
    st.builds(wire.Progress, st.lists(failures, max_size=3).map(tuple)),
    st.builds(wire.Ready, st.lists(text, max_size=3).map(tuple)),
    st.builds(Limits, fuel=st.integers(1, 2**62), wall_s=st.floats(0.1, 1e9)),
)


@given(plain)
def test_a_value_comes_back_as_it_went(value: wire.Plain) -> None:
    assert wire.decode(wire.encode(value)) == value


@given(st.floats())
def test_every_float_comes_back_bit_for_bit(value: float) -> None:
    back = wire.decode(wire.encode(value))
    assert isinstance(back, float)
    assert struct.pack("<d", back) == struct.pack("<d", value)


@given(st.binary(max_size=400))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    try:
        value = wire.decode(data)
    except ProtocolError:
        return
    assert wire.encode(value) == data


@given(plain, st.data())
def test_a_damaged_message_decodes_or_is_refused(value: wire.Plain, data: st.DataObject) -> None:
    raw = bytearray(wire.encode(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        wire.decode(bytes(raw))
    except ProtocolError:
        return


@given(records)
def test_a_record_comes_back_as_it_went(record: object) -> None:
    assert wire.unpack(type(record), wire.pack(record)) == record


@given(records, st.data())
def test_a_record_with_one_value_changed_is_a_record_or_refused(
    record: object, data: st.DataObject
) -> None:
    value = wire.decode(wire.pack(record))
    place = value
    while isinstance(place, list) and place:
        index = data.draw(st.integers(0, len(place) - 1))
        if not isinstance(place[index], list) or data.draw(st.booleans()):
            place[index] = data.draw(plain)
            break
        place = place[index]
    try:
        back = wire.unpack(type(record), wire.encode(value))
    except ProtocolError:
        return
    assert type(back) is type(record)


@given(st.sampled_from(sorted(wire.RECORDS, key=lambda kind: kind.__name__)), st.binary())
def test_any_bytes_are_a_record_or_refused(kind: type, data: bytes) -> None:
    try:
        back: object = wire.unpack(kind, data)
    except ProtocolError:
        return
    assert type(back) is kind


def test_every_field_of_every_record_has_an_annotation_the_codec_knows() -> None:
    for kind in wire.RECORDS:
        assert [name for name, _ in wire._shape(kind)] == [entry.name for entry in fields(kind)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x09",
        b"\x03\x00",
        b"\x05\xff\xff\xff\xff",
        b"\x07\xff\xff\xff\xff",
        b"\x05\x01\x00\x00\x00\xff",
        b"\x00\x00",
        b"\x07\x01\x00\x00\x00" * 200 + b"\x00",
    ],
    ids=[
        "empty",
        "unknown tag",
        "short int",
        "long text",
        "long list",
        "not UTF-8",
        "more behind",
        "deep",
    ],
)
def test_malformed_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        wire.decode(data)


def test_a_message_of_very_many_values_is_refused() -> None:
    count = wire.MAX_VALUES + 1
    with pytest.raises(ProtocolError, match="more than"):
        wire.decode(b"\x07" + struct.pack("<I", count) + b"\x00" * count)


@pytest.mark.parametrize(
    "value", [2**63, object(), {1: 2}, 1j, "\ud800", b"x" * (wire.MAX_BYTES + 1)]
)
def test_what_cannot_be_sent_is_refused_before_it_is_sent(value: object) -> None:
    with pytest.raises(ProtocolError):
        wire.encode(value)  # type: ignore[arg-type]


FINDING = Finding("SBX201", Severity.ERROR, Span(1, 2, 3, 4), "message", "why", "hint")


def raw(record: object) -> list[object]:
    value = wire.decode(wire.pack(record))
    assert isinstance(value, list)
    return value


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (0, "Failure"),
        (0, "Popen"),
        (1, 7),
        (1, "x" * 2000),
        (2, "fatal"),
        (3, ["Span", -1, 1, 1, 1]),
        (3, ["Span", 1, 10**9, 1, 1]),
        (3, ["Span", 1, 1, 1, True]),
        (4, "\x1b[2Jall clear"),
        (4, "two\nlines"),
        (4, "\u202etxt"),
        (4, None),
    ],
)
def test_a_finding_that_would_do_harm_is_refused(index: int, value: object) -> None:
    message = raw(FINDING)
    message[index] = value
    with pytest.raises(ProtocolError):
        wire.unpack(Finding, wire.encode(message))


def test_control_characters_of_a_guest_are_escaped_before_they_are_sent() -> None:
    ugly = replace(FINDING, message="a\x1b[31mb\n" + "x" * 5000)
    back = wire.unpack(Finding, wire.pack(ugly))
    assert back.message.startswith(r"a\x1b[31mb\n")
    assert len(back.message) <= wire.MAX_TEXT


def test_a_flood_of_findings_is_cut_by_an_honest_worker_and_refused_from_another() -> None:
    many = (FINDING,) * 1500
    back = wire.unpack(wire.Checked, wire.pack(wire.Checked("", many, None)))
    assert len(back.findings) == wire.MAX_FINDINGS
    message = raw(wire.Checked("", (), None))
    message[2] = [raw(FINDING)] * 1500
    with pytest.raises(ProtocolError, match="findings"):
        wire.unpack(wire.Checked, wire.encode(message))


@pytest.mark.parametrize(
    "loaded",
    [
        wire.Loaded("interpreted", None, ()),
        wire.Loaded("compiled", TierReason("CMP1", "x"), ()),
        wire.Loaded("compiled", None, ("a", "a")),
        wire.Loaded("compiled", None, tuple(f"c{i}" for i in range(65))),
    ],
)
def test_a_build_that_contradicts_itself_is_refused(loaded: wire.Loaded) -> None:
    with pytest.raises(ProtocolError):
        wire.unpack(wire.Loaded, wire.pack(loaded))


def test_numbers_of_numpy_in_a_space_travel_as_numbers() -> None:
    import numpy as np

    spec = ArraySpec(shape=(np.int64(3),), low=np.float32(0.5), high=np.float64(2))  # type: ignore[arg-type]
    assert wire.unpack(ArraySpec, wire.pack(spec)) == ArraySpec(shape=(3,), low=0.5, high=2.0)


def test_frames_cross_a_socket_one_at_a_time() -> None:
    left, right = socket.socketpair()
    with left, right:
        big = b"x" * 300_000

        def speak() -> None:
            wire.send(left, wire.Frame.STEP)
            wire.send(left, wire.Frame.CHECK, big)
            wire.send(left, wire.Frame.RAN, b"y")

        sender = threading.Thread(target=speak)
        sender.start()
        assert wire.receive(right) == (wire.Frame.STEP, b"")
        assert wire.receive(right) == (wire.Frame.CHECK, big)
        assert wire.receive(right) == (wire.Frame.RAN, b"y")
        sender.join()


@pytest.mark.parametrize("data", [b"\xff\x00\x00\x00\x00", b"\x45\xff\xff\xff\xff"])
def test_a_frame_of_unknown_kind_or_size_is_refused(data: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(data)
        with pytest.raises(ProtocolError):
            wire.receive(right)


def test_a_peer_that_closes_in_the_middle_of_a_frame_is_an_end() -> None:
    left, right = socket.socketpair()
    with right:
        left.sendall(b"\x45\x05\x00\x00\x00ab")
        left.close()
        with pytest.raises(EOFError):
            wire.receive(right)


def test_a_peer_that_sends_a_byte_now_and_then_does_not_gain_time() -> None:
    left, right = socket.socketpair()
    with left, right:
        stop = threading.Event()

        def drip() -> None:
            left.sendall(b"\x45\x40\x00\x00\x00")
            while not stop.wait(0.02):
                left.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(TimeoutError):
                wire.receive(right, time.monotonic() + 0.2)
        finally:
            stop.set()
            thread.join()


def test_a_deadline_that_has_passed_is_a_timeout_at_once() -> None:
    left, right = socket.socketpair()
    with left, right, pytest.raises(TimeoutError):
        wire.receive(right, time.monotonic() - 1)
    assert wire._left(math.inf) is None


def test_the_core_of_a_large_kernel_is_cut_and_its_lines_are_harmless() -> None:
    core = ("\x1b[2J", *(["let"] * wire.MAX_CORE))
    sent = wire.unpack(wire.Loaded, wire.pack(wire.Loaded("compiled", None, (), (), core)))
    assert len(sent.core) == wire.MAX_CORE
    assert sent.core[0] == "\\x1b[2J"
