"""`sandbox.doctor` claims what was tried just now, and nothing else."""

from __future__ import annotations

import json
import sys

import pytest

import sandbox
from sandbox import diagnosis, layers, shm
from sandbox.errors import IsolationError


@pytest.fixture(scope="module")
def found() -> diagnosis.Diagnosis:
    return sandbox.doctor()


def test_every_layer_of_a_worker_is_named_with_its_state(found: diagnosis.Diagnosis) -> None:
    states = {item.name: item.state for item in found.standings}
    for layer in layers.LAYERS:
        assert states[layer.name] == ("holds" if layer.available else "missing")
    assert found.worker
    assert found.problem == ""


def test_what_is_not_used_is_never_said_to_hold(found: diagnosis.Diagnosis) -> None:
    states = {item.name: item.state for item in found.standings}
    for name in ("seccomp", "landlock", "namespaces"):
        assert states[name] in {"unused", "missing"}
    assert not {"seccomp", "landlock", "namespaces"} & set(found.held)
    assert "no system-call filter" in found.render()


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


def test_other_systems_are_told_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert diagnosis._seccomp().state == "missing"
    assert diagnosis._landlock().state == "missing"
