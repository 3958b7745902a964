"""Compiled code is kept for its own program only, and what is not what was kept is never loaded."""

from __future__ import annotations

import dataclasses
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import corpus_reader
import guests
import numpy as np
import pytest
from test_isolation import rows

from sandbox import cache, wire
from sandbox.errors import ProtocolError, UsageError
from sandbox.host import TierWish, WorkerGuest
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.passes import analyse, build
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.spawn import Zygote
from sandbox.tiers.compiled import load_program
from sandbox.tiers.compiled.stored import thaw
from sandbox.wire import Loaded

SOURCE = b"""\
import numpy as np


def reward(obs):
    return float(np.exp(obs[0]) + np.hypot(obs[1], 2.0)), {"part": 1.0 / float(obs[2])}
"""
OTHER = SOURCE.replace(b"2.0", b"3.0")
PLAN = Plan(
    schema=Schema((("next_obs", ArraySpec(shape=(3,))),)),
    reward=Call("reward", (Param("obs", "next_obs"),)),
)
NAME = "0" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "code"
    cache.use(place)
    yield place
    cache.use(None)


def run(source: bytes = SOURCE, tier: TierWish = "auto") -> tuple[Loaded, list[float], list[str]]:
    guest = WorkerGuest(source, filename="p", limits=Limits())
    try:
        loaded = guest.build(PLAN, tier)
        buffers = guest.bind(3)
        buffers.inputs["next_obs"][:] = [[0.0, 1.0, 2.0], [1.0, 2.0, 0.0], [-1.0, 0.5, 4.0]]
        buffers.outputs.outcome[:] = PENDING
        guest.step()
        failures = [guest.failure(int(index)) for index in buffers.outputs.failure]
        told = [f"{item.exception} {item.span}" if item else "" for item in failures]
        # How long the compiler took is no part of what a program is.
        facts = tuple(item for item in loaded.facts if item[0] != "compile_s")
        plain = dataclasses.replace(loaded, facts=facts)
        return plain, buffers.outputs.reward.tolist(), told
    finally:
        guest.close()


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.code"))


def test_a_program_is_loaded_the_second_time_and_gives_the_same_rows_failures_and_names(
    folder: Path,
) -> None:
    first, rewards, failures = run()
    again, *rest = run()
    assert (first.tier, first.stored) == ("compiled", False)
    assert again == dataclasses.replace(first, stored=True)
    assert rest == [rewards, failures]
    assert failures[1].startswith("ZeroDivisionError 5:")
    assert len(entries(folder)) == 1


@pytest.mark.parametrize("name", corpus_reader.names()[::4])
def test_a_program_of_the_corpus_pays_the_same_from_stored_code(name: str, folder: Path) -> None:
    del folder
    first = rows(name, "process", "auto")
    assert repr(rows(name, "process", "auto")) == repr(first)


def test_findings_that_needed_the_plan_are_told_from_stored_code_too(folder: Path) -> None:
    del folder
    source = b"def reward(obs):\n    obs[0] = 1.0\n    return float(obs[0])\n"
    first, second = run(source)[0], run(source)[0]
    assert first.findings
    assert second.stored
    assert second.findings == first.findings


def test_the_code_is_not_asked_for_in_the_interpreted_tier(folder: Path) -> None:
    run()
    loaded, _, _ = run(tier="interpreted")
    assert (loaded.tier, loaded.stored) == ("interpreted", False)
    assert len(entries(folder)) == 1


def test_another_source_plan_or_limit_has_another_entry() -> None:
    limits = Limits()
    other_plan = dataclasses.replace(PLAN, schema=Schema((("next_obs", ArraySpec(shape=(4,))),)))
    names = [
        cache.entry_name(SOURCE, PLAN, limits),
        cache.entry_name(OTHER, PLAN, limits),
        cache.entry_name(SOURCE, other_plan, limits),
        cache.entry_name(SOURCE, PLAN, Limits(fuel=1000)),
    ]
    assert len(set(names)) == 4
    assert names[0] == cache.entry_name(SOURCE, PLAN, Limits())


def test_another_processor_has_another_name_and_none_keeps_nothing(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("model name\t: A\nflags\t: sse avx\n\nmodel name\t: B\nflags\t: x\n")
    second.write_text("model name\t: A\nflags\t: sse\n")
    assert cache._cpu(first) == "model name=A\nflags=sse avx"
    assert cache._cpu(first) != cache._cpu(second)
    assert cache._cpu(tmp_path / "missing") is None


@pytest.mark.parametrize("harm", ["cut", "bit", "name", "empty", "key", "magic"])
def test_an_entry_that_is_not_what_was_stored_is_deleted_and_the_program_compiled(
    harm: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = run()
    (path,) = entries(folder)
    data = path.read_bytes()
    if harm == "cut":
        path.write_bytes(data[:-1])
    elif harm == "bit":
        path.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "magic":
        path.write_bytes(b"X" + data[1:])
    elif harm == "name":
        # The code of another program, stored by the same user under its own name.
        run(OTHER)
        (other,) = set(entries(folder)) - {path}
        path.write_bytes(other.read_bytes())
    elif harm == "key":
        (folder / "key").write_bytes(b"k" * 32)
        cache.use(folder)
    with caplog.at_level(logging.WARNING, "sandbox.cache"):
        after = run()
    assert not after[0].stored
    assert after == before
    assert "is not what was stored; deleted, not used" in caplog.text
    assert run()[0].stored


@pytest.mark.parametrize("what", ["folder", "key"])
def test_what_others_may_write_or_read_is_not_used(
    what: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run()
    (folder if what == "folder" else folder / "key").chmod(0o777)
    cache.use(folder)
    with caplog.at_level(logging.WARNING, "sandbox.cache"):
        assert not run()[0].stored
    place = folder if what == "folder" else folder / "key"
    assert cache.shared().standing().problem.startswith(f"{place}: others may write it")
    assert f"{place}: others may write it" in caplog.text


def test_a_key_that_others_may_read_is_named(folder: Path) -> None:
    run()
    (folder / "key").chmod(0o644)
    cache.use(folder)
    assert not run()[0].stored
    assert cache.shared().standing().problem.startswith(f"{folder / 'key'}: others may read it")


@pytest.mark.parametrize("said", ["abc", "-1", "1e6", " 5"])
def test_a_size_that_is_no_number_is_an_error_that_says_so(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARRUNTIME_CACHE_BYTES", said)
    monkeypatch.setattr(cache, "_shared", None)
    with pytest.raises(UsageError, match=f"CARRUNTIME_CACHE_BYTES='{said}': want how many bytes"):
        cache.shared()


def test_folder_key_and_entries_are_for_this_user_alone(folder: Path) -> None:
    run()
    for path in (folder, folder / "key", *entries(folder)):
        assert path.stat().st_mode & 0o077 == 0, path
    assert len((folder / "key").read_bytes()) == 32


def test_a_link_in_place_of_an_entry_is_not_followed(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run()
    (path,) = entries(folder)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with caplog.at_level(logging.WARNING, "sandbox.cache"):
        assert not run()[0].stored
    assert "cannot be read" in caplog.text


def test_the_entries_that_were_not_used_for_longest_go_when_there_is_too_much(
    tmp_path: Path,
) -> None:
    small = cache.Cache(tmp_path / "code", limit_bytes=350)
    for index, name in enumerate("abc"):
        small.store(name, b"x" * 50)
        os.utime(tmp_path / "code" / f"{name}.code", (index, index))
    assert small.load("a") == b"x" * 50  # which makes it the one used last
    small.store("d", b"x" * 50)
    assert small.load("b") is None
    assert small.load("a") == b"x" * 50
    assert small.standing().size_bytes <= 350


def test_many_writers_and_readers_never_see_half_an_entry(tmp_path: Path) -> None:
    place = tmp_path / "code"
    code = {name: name.encode() * 100_000 for name in "ab"}
    wrong: list[str] = []

    def work(mine: cache.Cache) -> None:
        for turn in range(40):
            name = "ab"[turn % 2]
            mine.store(name, code[name])
            for other in "ab":
                found = mine.load(other)
                if found not in {None, code[other]}:
                    wrong.append(other)

    threads = [threading.Thread(target=work, args=(cache.Cache(place),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache.Cache(place).load("a") == code["a"]
    assert sorted(path.name for path in place.iterdir()) == ["a.code", "b.code", "key"]


def test_a_folder_that_cannot_be_written_keeps_nothing_and_programs_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache.use(tmp_path / "file" / "code")
    try:
        assert run()[0].tier == "compiled"
        assert not cache.shared().on
        assert "Not a directory" in cache.shared().standing().problem
    finally:
        cache.use(None)


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"CARRUNTIME_CACHE": "off"}, ""),
        ({"CARRUNTIME_CACHE": "/some/where"}, "/some/where"),
        ({"CARRUNTIME_CACHE": "", "XDG_CACHE_HOME": "/xdg"}, "/xdg/carruntime/code"),
        (
            {"CARRUNTIME_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/me"},
            "/me/.cache/carruntime/code",
        ),
    ],
)
def test_the_environment_says_where_entries_lie(environment: dict[str, str], folder: str) -> None:
    text = "from sandbox import cache; print(cache.shared().standing().folder)"
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == folder


def test_a_replacement_is_handed_what_the_first_worker_compiled_even_if_nothing_is_stored() -> None:
    guest = WorkerGuest(SOURCE, filename="p", limits=Limits())
    assert not guest.build(PLAN).stored
    buffers = guest.bind(1)
    buffers.inputs["next_obs"][:] = 1.0
    assert guest._code is not None
    code = guest._code.code
    assert code
    child = guest._holder.child
    assert child is not None
    child.kill()
    child.wait()
    buffers.outputs.outcome[:] = PENDING
    guest.step()
    assert buffers.outputs.outcome.tolist() == [Outcome.OK]
    assert guest._code.code == code
    guest.close()


def test_code_that_kills_the_worker_that_loads_it_is_dropped_and_the_program_compiled(
    folder: Path,
) -> None:
    name = cache.entry_name(SOURCE, PLAN, Limits())
    assert name is not None
    # No object file at all, in an envelope of ours: as after a fault in what wrote it.
    kernels = [["reward", [], ["f", b"\x7fELF" + bytes(60), []], ""]]
    program = wire.encode([kernels, "reward", [], None, [], [], [], None])
    cache.shared().store(name, wire.encode([program, wire.pack(wire.Refused(()))]))
    loaded, _, _ = run()
    assert (loaded.tier, loaded.stored) == ("compiled", False)
    assert run()[0].stored
    assert len(entries(folder)) == 1


def test_stored_code_needs_no_compiler_and_one_that_is_refused_gets_a_worker_that_has_it(
    folder: Path,
) -> None:
    del folder
    run()
    zygote = Zygote()
    with closing(WorkerGuest(SOURCE, filename="p", limits=Limits(), zygote=zygote)) as guest:
        assert guest.build(PLAN).stored
        assert zygote.warmth.name == "LOADER"
    name = cache.entry_name(SOURCE, PLAN, Limits())
    assert name is not None
    cache.shared().store(name, wire.encode(["not", "a", "program"]))
    with closing(WorkerGuest(SOURCE, filename="p", limits=Limits(), zygote=zygote)) as guest:
        loaded = guest.build(PLAN)
        assert (loaded.tier, loaded.stored) == ("compiled", False)
        assert zygote.warmth.name == "COMPILER"
    zygote.close()


def frozen() -> bytes:
    kept: list[bytes] = []
    limits = Limits()
    built = build(analyse(SOURCE, "p", limits), PLAN, limits, keep_code=kept.append)
    parts = wire.decode(kept[0])
    assert isinstance(parts, list)
    code, findings = parts
    assert isinstance(code, bytes)
    assert isinstance(findings, bytes)
    assert wire.unpack(wire.Refused, findings).findings == built.findings
    return code


def test_machine_code_is_handed_out_before_any_code_of_the_program_runs() -> None:
    order: list[str] = []
    limits = Limits()
    build(
        analyse(SOURCE, "p", limits),
        PLAN,
        limits,
        before_guest_code=lambda: order.append("lock"),
        keep_code=lambda code: order.append("code"),
    )
    assert order == ["code", "lock"]


def test_bytes_that_are_cut_or_changed_are_refused_or_load_as_what_they_are() -> None:
    code = frozen()
    thaw(code)
    for length in range(0, 400, 7):
        with pytest.raises(ProtocolError):
            thaw(code[:length])
    with pytest.raises(ProtocolError):
        thaw(code + b"\0")
    assert load_program(b"", PLAN, Limits()) is None
    assert load_program(b"\x07\x00\x00\x00\x00", PLAN, Limits()) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain[0][0][1][0].__setitem__(1, "f128"),
        lambda plain: plain[0][0][1][0].__setitem__(2, -1),
        lambda plain: plain[0][0][1][0].__setitem__(3, "secret"),
        lambda plain: plain[0][0][1][0].__setitem__(4, 1.5),
        lambda plain: plain[0][0][2].__setitem__(1, "text"),
        lambda plain: plain[0][0][2][2].append(["os.system", "f64"]),
        lambda plain: plain[0][0][2][2].append(["sin", "f128"]),
        lambda plain: plain.__setitem__(1, "another"),
        lambda plain: plain.__setitem__(5, []),
        lambda plain: plain.append(None),
    ],
)
def test_an_entry_with_one_wrong_field_is_refused(change: object) -> None:
    plain = wire.decode(frozen())
    change(plain)  # type: ignore[operator]
    with pytest.raises(ProtocolError):
        thaw(wire.encode(plain))


def test_kernels_loaded_twice_in_a_process_do_not_meet() -> None:
    first, second = (load_program(frozen(), PLAN, Limits()) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first._machines["reward"].call is not second._machines["reward"].call
    assert np.isfinite(first.explain["compile_s"])


def test_a_folder_of_faulty_workers_is_left_as_it_was(folder: Path) -> None:
    zygote = guests.faulty_zygote()
    guest = WorkerGuest(b"x", filename="p", limits=guests.QUICK, zygote=zygote)
    assert guest.build(guests.STATELESS).tier == "interpreted"
    guest.close()
    zygote.close()
    assert not folder.exists()
