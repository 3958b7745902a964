"""What a worker has and has not: told by a worker about itself."""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import faulty_passes as faulty
import guests
import pytest

from sandbox import assemble, layers, worker, zygote
from sandbox.diagnostics import Severity
from sandbox.host import WorkerGuest
from sandbox.limits import Limits
from sandbox.outcome import Outcome
from sandbox.passes import analyse, build
from sandbox.spawn import Zygote
from sandbox.tiers.interpreted import InterpretedRunner

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads /proc of the worker"
)

PRIVATE = "CARRUNTIME_TEST_VARIABLE"
LIMITS = Limits(worker_memory_bytes=1 << 28, wall_s=5)


@pytest.fixture(scope="module")
def started() -> Iterator[Zygote]:
    os.environ[PRIVATE] = "do not pass on"
    left_open, _ = os.pipe()
    os.set_inheritable(left_open, True)
    try:
        found = guests.faulty_zygote()
        yield found
        found.close()
    finally:
        del os.environ[PRIVATE]
        os.close(left_open)


@pytest.fixture(scope="module")
def told(started: Zygote) -> dict[str, Any]:
    guest = WorkerGuest(b"describe", filename="p", limits=LIMITS, zygote=started)
    found: dict[str, Any] = json.loads(guest.text)
    found["held"] = guest.layers
    guest.close()
    return found


def test_the_environment_of_the_host_does_not_reach_a_worker(told: dict[str, Any]) -> None:
    environment = told["environment"]
    assert PRIVATE not in environment
    assert "HOME" not in environment
    assert environment["PATH"] == ""
    assert environment["NUMBA_BOUNDSCHECK"] == "1"
    assert {environment[name] for name in environment if name.endswith("_NUM_THREADS")} == {"1"}


def test_text_has_one_hash_in_every_worker_of_every_zygote(told: dict[str, Any]) -> None:
    other = guests.faulty_zygote()
    guest = WorkerGuest(b"describe", filename="p", limits=LIMITS, zygote=other)
    assert json.loads(guest.text)["hash"] == told["hash"]
    guest.close()
    other.close()


def test_a_worker_has_no_descriptor_but_its_connection(told: dict[str, Any]) -> None:
    links = told["descriptors"]
    assert links.pop("3").startswith("socket:")
    # The one that listed the folder is among them.
    assert {place for place in links.values() if not place.startswith("/proc/")} == {"/dev/null"}
    assert {"0", "1", "2"} <= set(links)
    assert len(links) <= 4


def test_a_worker_stands_in_the_root_folder_and_in_a_session_of_its_own(
    told: dict[str, Any],
) -> None:
    assert told["cwd"] == "/"
    assert told["session"] != os.getsid(0)
    assert told["ignores_interrupt"]


def test_a_worker_is_limited_in_every_resource(told: dict[str, Any]) -> None:
    limits = told["limits"]
    for name in ("CORE", "FSIZE", "NPROC", "MEMLOCK", "MSGQUEUE"):
        assert limits[f"RLIMIT_{name}"] == [0, 0], name
    assert limits["RLIMIT_NOFILE"] == [64, 64]
    assert limits["RLIMIT_STACK"] == [8 << 20, 8 << 20]
    assert 0 < limits["RLIMIT_CPU"][0] < 1000
    used = int(told["status"]["VmSize"].split()[0]) * 1024
    assert used < limits["RLIMIT_AS"][0] <= used + LIMITS.worker_memory_bytes + (64 << 20)


def test_a_worker_cannot_gain_rights_or_be_read(told: dict[str, Any], started: Zygote) -> None:
    assert told["status"]["NoNewPrivs"].strip() == "1"
    guest = WorkerGuest(b"", filename="p", limits=LIMITS, zygote=started)
    child = guest._holder.child
    assert child is not None
    # A process that is not dumpable belongs to root in /proc, whoever it runs as.
    assert Path(f"/proc/{child.pid}/environ").stat().st_uid == 0
    guest.close()


def test_a_worker_is_alone_with_one_thread(told: dict[str, Any]) -> None:
    assert told["status"]["Threads"].strip() == "1"


def test_a_checking_worker_is_light(told: dict[str, Any]) -> None:
    assert "numpy" in told["modules"]
    assert not {"numba", "llvmlite", "gymnasium", "carruntime"} & set(told["modules"])


def test_a_guest_knows_the_layers_that_hold(told: dict[str, Any]) -> None:
    left_out = {"seccomp", "landlock", "pid-namespace"}
    wanted = {layer.name for layer in layers.LAYERS if layer.phase is layers.Phase.BEFORE_SOURCE}
    # A container may offer no namespaces, few systems a control group; nothing else may be missing.
    assert wanted - left_out - {"namespaces", "cgroup"} <= set(told["held"])
    assert not left_out & set(told["held"])


def test_a_worker_is_nobody_without_rights(told: dict[str, Any]) -> None:
    status = told["status"]
    assert "0" not in status["Uid"].split()
    assert "0" not in status["Gid"].split()
    if os.geteuid() == 0:
        assert status["Groups"].split() == []
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0}


@pytest.mark.parametrize("tier", ["auto", "interpreted", "compiled"])
def test_code_of_the_guest_runs_after_the_second_lock_and_the_compiler_before_it(
    monkeypatch: pytest.MonkeyPatch, tier: Literal["auto", "interpreted", "compiled"]
) -> None:
    done: list[str] = []
    real_compile, real_runner = assemble._compile, InterpretedRunner

    def compile_it(*arguments: Any) -> Any:
        done.append("compiler")
        return real_compile(*arguments)

    def runner(*arguments: Any) -> Any:
        done.append("guest")
        return real_runner(*arguments)

    monkeypatch.setattr(assemble, "_compile", compile_it)
    monkeypatch.setattr(assemble, "InterpretedRunner", runner)
    limits = Limits()
    analysis = analyse(b"SCALE = 2.0\n\n\ndef reward(obs):\n    return obs * SCALE\n", "p", limits)
    build(analysis, guests.STATELESS, limits, tier, before_guest_code=lambda: done.append("lock"))
    assert done == [*(["compiler"] if tier != "interpreted" else []), "lock", "guest"]


def test_a_lock_that_fails_leaves_the_guest_unrun(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(22, "no lock")

    def run(*arguments: Any) -> Any:
        raise AssertionError("the guest ran")

    monkeypatch.setattr(assemble, "InterpretedRunner", run)
    analysis = analyse(b"def reward(obs):\n    return 1.0\n", "p", Limits())
    with pytest.raises(OSError, match="no lock"):
        build(analysis, guests.STATELESS, Limits(), "interpreted", before_guest_code=fail)


@pytest.fixture
def status_fd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the descriptor that this process uses under the same number."""
    monkeypatch.setattr(layers, "STATUS_FD", os.open(os.devnull, os.O_RDONLY))


def test_a_layer_that_fails_ends_the_worker(
    monkeypatch: pytest.MonkeyPatch, status_fd: None
) -> None:
    def fail(order: layers.Order) -> bool:
        raise OSError(1, "no")

    broken = layers.Layer("x", layers.Phase.BEFORE_SOURCE, "", available=True, apply=fail)
    monkeypatch.setattr(layers, "LAYERS", (broken,))
    with pytest.raises(OSError, match="no"):
        layers.apply(layers.Phase.BEFORE_SOURCE, layers.Order(1, 1, 1.0))


@pytest.mark.parametrize("name", ["seccomp", "no-new-privileges", "no-capabilities"])
def test_a_layer_that_the_kernel_knows_nothing_of_ends_the_worker(
    monkeypatch: pytest.MonkeyPatch, status_fd: None, name: str
) -> None:
    if name == "no-capabilities" and os.geteuid() != 0:
        pytest.skip("whoever is not root has none")
    first = layers.Phase.BEFORE_SOURCE
    liar = layers.Layer(name, first, "", available=True, apply=lambda order: True)
    monkeypatch.setattr(layers, "LAYERS", (liar,))
    with pytest.raises(OSError, match=f"{name}: the kernel says"):
        layers.apply(first, layers.Order(1, 1, 1.0))


def test_layers_of_another_phase_or_system_are_left_out(
    monkeypatch: pytest.MonkeyPatch, status_fd: None
) -> None:
    done: list[str] = []

    def layer(name: str, phase: layers.Phase, *, available: bool) -> layers.Layer:
        def apply(order: layers.Order) -> bool:
            done.append(name)
            return name != "d"

        return layers.Layer(name, phase, "", available, apply)

    first, then = layers.Phase
    table = (
        layer("a", first, available=True),
        layer("b", first, available=False),
        layer("c", then, available=True),
        layer("d", first, available=True),
        layer("e", first, available=True),
    )
    monkeypatch.setattr(layers, "LAYERS", table)
    order = layers.Order(1, 1, 1.0, frozenset({"e"}))
    assert layers.apply(first, order) == ("a",)  # d is not offered here
    assert layers.apply(then, order) == ("c",)
    assert done == ["a", "d", "c"]


def run_one(started: Zygote, code: float) -> tuple[int, float]:
    guest, buffers = guests.load(started, limits=LIMITS)
    guests.fill(buffers, r0=code)
    guests.mark(buffers)
    guest.step()
    guest.close()
    return int(buffers.outputs.outcome[0]), float(buffers.outputs.reward[0])


def test_memory_without_end_is_refused_to_a_worker(started: Zygote) -> None:
    assert run_one(started, faulty.HUNGRY) == (Outcome.OUT_OF_MEMORY, 0.0)


def test_a_worker_cannot_write_a_file(started: Zygote) -> None:
    assert run_one(started, faulty.LIMITS) == (Outcome.OK, 1.0)
    left = Path("/tmp/carruntime-must-not-exist")
    if left.exists():
        assert left.stat().st_size == 0
        left.unlink()


def test_a_worker_cannot_write_its_observations(started: Zygote) -> None:
    assert run_one(started, faulty.WRITE_INPUT) == (Outcome.OK, 0.0)


def test_the_cpu_limit_moves_with_what_was_used() -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU)
    try:
        layers.cpu_limit(3600)
        soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
        assert hard == before[1]
        usage = resource.getrusage(resource.RUSAGE_SELF)
        assert soft >= usage.ru_utime + 3600 - 1
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


def test_the_passes_are_what_a_worker_expects() -> None:
    passes = worker.load_passes(worker.PASSES)
    assert passes.analyse is analyse


def test_the_sample_that_warms_the_compiler_is_a_program_without_errors() -> None:
    found = analyse(zygote.SAMPLE, "sample", Limits())
    assert [item for item in found.findings if item.severity is Severity.ERROR] == []
    assert found.outline is not None
