"""A guest runs the pending rows, leaves the others alone, and is the same with and without a wall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import faulty_passes as faulty
import guests
import numpy as np
import pytest

from sandbox.errors import IsolationError, ProgramRefusedError, UsageError, WorkerDiedError
from sandbox.host import InProcessGuest, Require, WorkerGuest, open_guest
from sandbox.limits import Limits
from sandbox.outcome import PENDING, Outcome
from sandbox.spawn import Zygote
from sandbox.tiers.base import NO_FAILURE

OK, LOST, SKIPPED = int(Outcome.OK), int(Outcome.STATE_LOST), int(Outcome.SKIPPED)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    started = guests.faulty_zygote()
    yield started
    started.close()


@pytest.fixture(params=["process", "none"])
def wall(request: pytest.FixtureRequest, zygote: Zygote) -> Zygote | None:
    return zygote if request.param == "process" else None


def test_every_pending_row_gets_an_outcome_and_its_values(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall)
    guests.fill(buffers)
    guests.mark(buffers)
    ran = guest.step()
    out = buffers.outputs
    assert out.outcome.tolist() == [OK] * 8
    assert out.reward.tolist() == list(range(8))
    assert out.components.tolist() == [list(range(8)), list(range(1, 9))]
    assert out.present.all()
    assert out.failure.tolist() == [NO_FAILURE] * 8
    assert out.fuel.tolist() == [1] * 8
    assert (ran.lost, ran.failures) == (None, {})
    guest.close()


def test_rows_that_are_not_pending_keep_every_field(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall, guests.TASKS)
    guests.fill(buffers)
    guests.mark(buffers)
    guest.step()
    before = {
        entry.name: getattr(buffers.outputs, entry.name).copy() for entry in fields(buffers.outputs)
    }
    buffers.inputs["next_obs"][:] = 100.0
    buffers.outputs.outcome[:] = SKIPPED
    before["outcome"][:] = SKIPPED
    guests.mark(buffers, [2, 5])
    guest.step()
    others = [0, 1, 3, 4, 6, 7]
    for name, values in before.items():
        now = getattr(buffers.outputs, name)
        if name in {"components", "present"}:
            assert np.array_equal(now[:, others], values[:, others]), name
        else:
            assert np.array_equal(now[others], values[others]), name
    assert buffers.outputs.outcome[[2, 5]].tolist() == [OK, OK]
    assert buffers.outputs.tasks[[2, 5]].all()
    guest.close()


def test_a_batch_without_pending_rows_does_nothing(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall)
    buffers.outputs.outcome[:] = SKIPPED
    assert guest.step().lost is None
    assert buffers.outputs.outcome.tolist() == [SKIPPED] * 8
    guest.close()


def test_a_row_that_raises_has_a_failure_and_disturbs_no_other(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall)
    guests.fill(buffers, r3=faulty.RAISE)
    guests.mark(buffers)
    ran = guest.step()
    out = buffers.outputs
    assert out.outcome.tolist() == [0, 0, 0, int(Outcome.ERROR), 0, 0, 0, 0]
    assert out.reward.tolist() == [0, 1, 2, 0, 4, 5, 6, 7]
    index = int(out.failure[3])
    failure = guest.failure(index)
    assert failure is not None
    assert failure.exception == "ValueError"
    assert ran.failures == {index: failure}
    assert guest.failure(NO_FAILURE) is None
    guest.close()


def test_failures_keep_their_index_and_are_told_once(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall)
    guests.fill(buffers, r3=faulty.RAISE)
    guests.mark(buffers)
    first = guest.step()
    index = int(buffers.outputs.failure[3])
    guests.mark(buffers)
    second = guest.step()
    assert buffers.outputs.failure[3] == index
    assert list(first.failures) == [index]
    assert second.failures == {}
    guest.close()


def test_a_value_that_is_not_finite_is_an_outcome_whatever_the_runner_says(
    wall: Zygote | None,
) -> None:
    guest, buffers = guests.load(wall)
    guests.fill(buffers, r1=faulty.NAN)
    guests.mark(buffers)
    guest.step()
    assert buffers.outputs.outcome.tolist() == [0, int(Outcome.NOT_FINITE), 0, 0, 0, 0, 0, 0]
    assert buffers.outputs.reward[1] == 0.0
    guest.close()


def test_a_stateful_row_has_no_state_before_its_first_reset(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall, guests.STATEFUL)
    guests.fill(buffers)
    guests.mark(buffers, [1, 2])
    guest.reset()
    guests.mark(buffers)
    ran = guest.step()
    assert buffers.outputs.outcome.tolist() == [LOST, OK, OK, *[LOST] * 5]
    assert buffers.outputs.reward.tolist() == [0, 1, 2, 0, 0, 0, 0, 0]
    assert ran.lost is not None
    assert ran.lost.tolist() == [True, False, False, *[True] * 5]
    why = guest.failure(int(buffers.outputs.failure[0]))
    assert why is not None
    assert why.message == "the row was never reset"
    guest.close()


def test_state_lives_from_step_to_step_and_a_reset_starts_anew(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall, guests.STATEFUL)
    guests.fill(buffers)
    guests.mark(buffers)
    assert guest.reset().lost is None
    for _ in range(3):
        guests.mark(buffers)
        guest.step()
    assert buffers.outputs.reward.tolist() == [3.0 * k for k in range(8)]
    guests.mark(buffers, 5)
    guest.reset()
    guests.mark(buffers)
    assert guest.step().lost is None
    assert buffers.outputs.reward.tolist() == [0, 4, 8, 12, 16, 5, 24, 28]
    guest.close()


def test_a_row_that_ran_out_of_memory_has_lost_its_state_until_it_is_reset(
    zygote: Zygote,
) -> None:
    guest, buffers = guests.load(
        zygote, guests.STATEFUL, limits=Limits(worker_memory_bytes=1 << 28, wall_s=5)
    )
    guests.fill(buffers)
    guests.mark(buffers)
    guest.reset()
    guests.fill(buffers, r4=faulty.HUNGRY)
    guests.mark(buffers)
    ran = guest.step()
    assert buffers.outputs.outcome[4] == Outcome.OUT_OF_MEMORY
    assert ran.lost is not None
    assert np.flatnonzero(ran.lost).tolist() == [4]
    guests.fill(buffers)
    guests.mark(buffers)
    guest.step()
    assert buffers.outputs.outcome.tolist() == [0, 0, 0, 0, LOST, 0, 0, 0]
    why = guest.failure(int(buffers.outputs.failure[4]))
    assert why is not None
    assert why.message == "the row ended with OUT_OF_MEMORY; reset it"
    guests.mark(buffers, 4)
    assert guest.reset().lost is None
    guest.close()


def test_tasks_run_and_are_told_apart(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall, guests.TASKS)
    guests.fill(buffers)
    guests.mark(buffers)
    guest.step()
    expected = np.arange(8)[:, None] > np.arange(3)
    assert np.array_equal(buffers.outputs.tasks, expected)
    assert not buffers.outputs.task_outcome.any()
    guest.close()


def test_binding_again_gives_new_arrays_and_forgets_all_state(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall, guests.STATEFUL)
    guests.mark(buffers)
    guest.reset()
    again = guest.bind(3)
    again.inputs["next_obs"][:] = 1.0
    guests.mark(again)
    guest.step()
    assert again.outputs.outcome.tolist() == [LOST] * 3
    guests.mark(again)
    guest.reset()
    guests.mark(again)
    guest.step()
    assert again.outputs.reward.tolist() == [1.0] * 3
    buffers.inputs["next_obs"][:] = 5.0  # the old arrays are still memory
    guest.close()


def test_arrays_stay_valid_after_the_guest_is_closed(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall)
    guests.fill(buffers)
    guests.mark(buffers)
    guest.step()
    guest.close()
    assert buffers.outputs.reward.sum() == 28
    assert buffers.inputs["next_obs"].sum() == 28


def test_a_program_cannot_write_its_inputs_in_process_either() -> None:
    guest, buffers = guests.load(None)
    assert not guest._runner.x.flags.writeable  # type: ignore[attr-defined]
    assert buffers.inputs["next_obs"].flags.writeable
    guest.close()


def test_a_closed_guest_says_so(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall)
    guest.close()
    guest.close()
    guests.mark(buffers)
    for use in (guest.step, guest.reset, lambda: guest.bind(2)):
        with pytest.raises(UsageError, match="p: this guest is closed; open a new one"):
            use()
    with pytest.raises(UsageError, match="closed"):
        guest.build(guests.STATELESS)


def test_steps_out_of_order_say_what_is_missing(zygote: Zygote) -> None:
    guest = WorkerGuest(b"", filename="p", limits=guests.QUICK, zygote=zygote)
    with pytest.raises(UsageError, match="p: call build first"):
        guest.bind(2)
    guest.build(guests.STATELESS)
    with pytest.raises(UsageError, match="p: call bind first"):
        guest.step()
    for rows in (0, -1, 2.5):
        with pytest.raises(UsageError, match="num_rows"):
            guest.bind(rows)  # type: ignore[arg-type]
    guest.close()


def test_a_refused_source_has_findings_and_is_not_built(wall: Zygote | None) -> None:
    if wall is None:
        guest: InProcessGuest | WorkerGuest = InProcessGuest(
            b"refused", filename="p", limits=guests.QUICK, passes="faulty_passes"
        )
    else:
        guest = WorkerGuest(b"refused", filename="p", limits=guests.QUICK, zygote=wall)
    assert guest.outline is None
    assert [item.rule for item in guest.findings] == ["SBX201"]
    with pytest.raises(ProgramRefusedError) as caught:
        guest.build(guests.STATELESS)
    assert caught.value.report.filename == "p"
    assert caught.value.report.source == "refused"
    guest.close()


def test_a_build_that_is_refused_raises_its_findings_and_leaves_the_guest_usable(
    wall: Zygote | None,
) -> None:
    with pytest.raises(ProgramRefusedError) as caught:
        guests.load(wall, source="refuse-build")
    assert [item.rule for item in caught.value.report.findings] == ["SBX701"]


def test_component_names_that_would_spoil_a_log_are_refused(wall: Zygote | None) -> None:
    with pytest.raises(ProgramRefusedError) as caught:
        guests.load(wall, source="ugly-names")
    messages = [item.message for item in caught.value.report.findings]
    assert [item.rule for item in caught.value.report.findings] == ["SBX705", "SBX705"]
    assert "control characters" in messages[0]
    assert r"two\nlines" in caught.value.report.render()


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_the_digest_is_of_the_bytes(isolation: str) -> None:
    import hashlib

    source = b"def reward(obs):\n    return 1.0\n"
    guest = open_guest(source, filename="p", limits=Limits(), isolation=isolation)  # type: ignore[arg-type]
    assert guest.digest == hashlib.sha256(source).hexdigest()
    assert guest.text == source.decode()
    assert guest.report.ok
    guest.close()


@pytest.mark.parametrize("require", ["seccomp", "full"])
def test_no_isolation_is_not_taken_for_more(require: Require) -> None:
    with pytest.raises(IsolationError, match=f"require='{require}' cannot be met"):
        open_guest(b"", limits=Limits(), isolation="none", require=require)
    open_guest(b"", limits=Limits(), isolation="none", require="any").close()


@pytest.mark.parametrize(
    ("require", "missing"),
    [("seccomp", "seccomp"), ("full", "landlock.*seccomp"), ("any", "")],
)
def test_a_worker_under_less_than_required_is_never_sent_the_text(
    zygote: Zygote, require: Require, missing: str
) -> None:
    # The text would kill the worker that reads it.
    source = b"die-in-check"
    if require == "any":
        guest = WorkerGuest(source, filename="p", limits=Limits(), zygote=zygote, require=require)
        assert "SIGSEGV" in guest.findings[0].message
        guest.close()
        return
    with pytest.raises(IsolationError, match=f"does not offer a worker .*{missing}; see"):
        WorkerGuest(source, filename="p", limits=Limits(), zygote=zygote, require=require)


def test_a_worker_without_the_second_filter_serves_nothing() -> None:
    loose = Zygote("faulty_passes", (guests.FOLDER,), ("seccomp-run",))
    guest = WorkerGuest(b"x", filename="p", limits=Limits(), zygote=loose, require="seccomp")
    with pytest.raises(WorkerDiedError, match="without its second filter"):
        guest.build(guests.STATELESS, "interpreted")
    guest.close()
    loose.close()


@pytest.mark.parametrize("require", ["any", "seccomp"])
def test_a_worker_that_is_half_locked_is_not_used_and_the_text_not_blamed(
    require: Require,
) -> None:
    broken = Zygote("broken_lock", (guests.FOLDER,))
    with pytest.raises(IsolationError, match=r"no worker could be locked: .* changed its mind"):
        WorkerGuest(b"x", filename="p", limits=Limits(), zygote=broken, require=require)
    broken.close()


def test_the_filters_hold_where_nothing_is_asked_for() -> None:
    guest = open_guest(b"def reward(obs):\n    return 1.0\n", limits=Limits())
    assert "seccomp" in guest.layers
    assert "seccomp-run" not in guest.layers
    guest.build(guests.STATELESS, "interpreted")
    assert guest.layers[-1] == "seccomp-run"
    # A second time needs a worker that has run nothing yet.
    guest.build(guests.STATELESS, "auto")
    assert guest.layers.count("seccomp-run") == 1
    guest.close()


def test_unknown_words_are_refused() -> None:
    with pytest.raises(UsageError, match="require is 'most'"):
        open_guest(b"", limits=Limits(), require="most")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="isolation is 'thread'"):
        open_guest(b"", limits=Limits(), isolation="thread")  # type: ignore[arg-type]


def test_a_huge_source_is_refused_before_any_process_is_asked(zygote: Zygote) -> None:
    class Untouchable:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    guest = WorkerGuest(
        b"x" * (1 << 20),
        filename="p",
        limits=Limits(),
        zygote=Untouchable(),  # type: ignore[arg-type]
    )
    assert [item.rule for item in guest.findings] == ["SBX103"]
    assert guest.findings[0].message.startswith("the source has 1048576 bytes")
    assert guest.outline is None
    with pytest.raises(ProgramRefusedError):
        guest.build(guests.STATELESS)
    guest.close()


def test_pending_is_not_left_behind_by_any_path(wall: Zygote | None) -> None:
    guest, buffers = guests.load(wall, guests.TASKS)
    guests.fill(buffers)
    guests.mark(buffers)
    guest.reset()
    assert not (buffers.outputs.outcome == PENDING).any()
    assert not (buffers.outputs.task_outcome == PENDING).any()
    guest.close()
