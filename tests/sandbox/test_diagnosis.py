"""`sandbox.doctor` claims what was tried just now, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sandbox
from sandbox import cache, diagnosis, layers, seccomp, shm
from sandbox.errors import IsolationError
from sandbox.host import Require


@pytest.fixture(scope="module")
def found() -> diagnosis.Diagnosis:
    return sandbox.doctor()


def test_every_layer_of_a_worker_is_named_with_its_state(found: diagnosis.Diagnosis) -> None:
    states = {item.name: item.state for item in found.standings}
    assert {layer.name for layer in layers.LAYERS} <= set(states)
    assert set(states.values()) <= {"holds", "missing"}
    assert found.worker
    assert found.problem == ""


def test_what_is_said_to_hold_is_what_a_worker_said(found: diagnosis.Diagnosis) -> None:
    source = b"def reward(x):\n    return x\n"
    guest = sandbox.open_guest(source, limits=sandbox.Limits(), require="any")
    guest.build(diagnosis._PLAN, "interpreted")
    assert set(guest.layers) == set(found.held) - {"sealed-inputs", "pidfd"}
    guest.close()


def test_the_most_that_can_be_required_is_what_can_be_required(
    found: diagnosis.Diagnosis,
) -> None:
    assert found.require is not None
    levels: tuple[Require, ...] = ("any", "seccomp", "full")
    for level in levels:
        if levels.index(level) <= levels.index(found.require):
            sandbox.open_guest(b"x = 1\n", limits=sandbox.Limits(), require=level).close()
        else:
            with pytest.raises(IsolationError):
                sandbox.open_guest(b"x = 1\n", limits=sandbox.Limits(), require=level)


@pytest.mark.parametrize(
    ("gone", "require", "verdict"),
    [
        (set(), "full", "Every layer holds"),
        ({"cgroup"}, "full", "'full' asks for holds here; missing is cgroup."),
        ({"namespaces"}, "seccomp", "'full' cannot: no namespaces."),
        ({"pid-namespace"}, "seccomp", "'full' cannot: no pid-namespace."),
        ({"seccomp-run"}, "any", "only with require='any'. There is no seccomp-run."),
    ],
)
def test_a_layer_that_is_missing_lowers_what_can_be_required(
    gone: set[str], require: str, verdict: str
) -> None:
    names = [layer.name for layer in layers.LAYERS] + ["sealed-inputs"]
    standings = tuple(
        diagnosis.Standing(name, "missing" if name in gone else "holds", "") for name in names
    )
    made = diagnosis.Diagnosis({}, standings, worker=True, problem="", startup_s=0.1)
    assert made.require == require
    assert verdict in made.verdict
    assert made.verdict in made.render()
    assert made.to_json()["require"] == require


def test_sealing_is_claimed_only_where_it_was_tried(
    found: diagnosis.Diagnosis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ("sealed-inputs" in found.held) == shm.seals_hold()
    monkeypatch.setattr(shm, "seals_hold", lambda: False)
    assert "sealed-inputs" not in sandbox.doctor().held


def test_the_diagnosis_is_data_and_text(found: diagnosis.Diagnosis) -> None:
    data = json.loads(json.dumps(found.to_json()))
    assert [item["name"] for item in data["layers"]] == [item.name for item in found.standings]
    text = found.render()
    for item in found.standings:
        assert item.name in text
    assert text.isascii()


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        (None, "compiled code is not kept: switched off"),
        ("code", "code: 1 programs, 0.0 of 268 MB"),
    ],
)
def test_the_place_and_the_size_of_the_cache_are_told(
    folder: str | None, line: str, tmp_path: Path
) -> None:
    cache.use(None if folder is None else tmp_path / folder)
    try:
        cache.shared().store("0" * 64, b"code")
        found = sandbox.doctor()
        assert line in found.render()
        assert found.cache == cache.shared().standing()
        assert found.to_json()["cache"]["entries"] == int(folder is not None)
    finally:
        cache.use(None)


def test_a_processor_without_a_table_of_system_calls_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seccomp, "architecture", lambda: None)
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    notes = {item.name: item.note for item in diagnosis._own_layers(())}
    for name in ("seccomp", "seccomp-run"):
        assert notes[name].endswith("there is no table of system calls for riscv64 here")


def test_a_machine_where_no_worker_starts_gets_a_diagnosis_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise IsolationError("no processes here")

    monkeypatch.setattr(diagnosis, "WorkerGuest", refuse)
    found = sandbox.doctor()
    assert not found.worker
    assert found.problem == "no processes here"
    assert not {layer.name for layer in layers.LAYERS} & set(found.held)
    assert "no worker starts: no processes here" in found.render()
    assert found.require is None
    assert "isolation='none'" in found.verdict
