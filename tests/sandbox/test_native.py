"""Native code on memory: takes what fits, refuses the rest untouched, and sees what is not fine.

Most of it runs without a program: the lane's kernels are one function of ctypes that writes what a
test wants to be found.
"""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.batches import Batch
from sandbox.lane import Ended, Engine, Kernels, Lane, Leaf, Places, bits_of, table_of
from sandbox.native import library as module
from sandbox.native.library import library
from sandbox.native.tables import KEEP, READY
from sandbox.native.trial import holds
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.tiers.base import NO_FAILURE, Outputs

pytestmark = pytest.mark.skipif(library() is None, reason="there is no native code here")

N = 5
_PROTOTYPE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)


class Rig:
    """A lane over a kernel that is a Python function of the outputs."""

    def __init__(
        self,
        kernel: Callable[[Outputs], None] | None = None,
        *,
        tasks: int = 0,
        components: int = 2,
        leaves: tuple[Leaf, ...] = (Leaf(0, ("a",), "x"),),
        columns: dict[str, Any] | None = None,
        after: Any = None,
    ) -> None:
        found = library()
        assert found is not None
        calls = tuple(Call(f"task_{k}", (Param("x", "next_obs"),)) for k in range(tasks))
        plan = Plan(
            schema=Schema((("next_obs", ArraySpec()),)),
            reward=Call("f", (Param("x", "next_obs"),)),
            tasks=calls,
        )
        self.batch = Batch(plan, N, components)
        out = self.batch.out
        self.flags = np.zeros(4, np.int64)
        count = self._count = np.zeros(1, np.int64)

        def run(rows: int, table: int) -> None:
            del table
            count[0] += 1
            wanted = out.outcome == PENDING
            out.reward[wanted] = np.flatnonzero(wanted)
            out.outcome[wanted] = Outcome.OK
            out.task_outcome[wanted] = Outcome.OK
            out.failure[wanted] = NO_FAILURE
            if kernel is not None:
                kernel(out)

        self.function = _PROTOTYPE(run)
        address = ctypes.cast(self.function, ctypes.c_void_p).value
        assert address is not None
        at = self.flags.ctypes.data
        self.engine = Engine(
            Kernels(
                N,
                ((address, 0),),
                (),
                broken=at,
                follows=at + 8,
                failed=at + 16,
                epoch=at + 24,
                alone=False,
                outcome=out.outcome.ctypes.data,
                reward=out.reward.ctypes.data,
                failure=out.failure.ctypes.data,
                alive=(self.flags, self.function, run),
            )
        )
        self.columns = columns or {"x": np.zeros((N, 3), np.float32)}
        self.ready = np.array([READY], np.int64)
        self.lane = Lane(
            found,
            self.batch,
            self.columns,
            leaves,
            outputs=self.batch.bytes.ctypes.data,
            ready=self.ready,
            engine=self.engine,
            after=after,
        )
        self.block = np.zeros(self.lane.block_size + 256, np.uint8)

    @property
    def ran(self) -> int:
        return int(self._count[0])

    def step(self, *arguments: Any, mask: Any = None) -> int:
        return self.lane.step(self.block, mask, *arguments)

    @property
    def found(self) -> dict[str, Any]:
        return self.batch.layout.views(self.block)


GOOD = np.arange(N * 3, dtype=np.float32).reshape(N, 3)


def test_what_is_assumed_of_objects_holds_here() -> None:
    found = library()
    assert found is not None
    assert holds(found)


def test_an_array_that_fits_is_copied_and_its_results_fetched() -> None:
    rig = Rig()
    assert rig.step({"a": GOOD}) == Ended.FINE
    assert np.array_equal(rig.columns["x"], GOOD)
    assert rig.found["reward"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "value",
    [
        GOOD.astype(np.float64),
        GOOD.astype(">f4"),
        GOOD[:-1],
        GOOD.reshape(3, N),
        GOOD.ravel(),
        np.asfortranarray(GOOD),
        np.zeros((N, 6), np.float32)[:, ::2],
        GOOD.tolist(),
        GOOD.view(np.recarray),
        np.ma.masked_array(GOOD),
        None,
        3,
        "text",
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'dtype', '')}",
)
def test_what_does_not_fit_is_named_and_changes_nothing(value: Any) -> None:
    rig = Rig()
    before = rig.batch.bytes.copy()
    assert rig.step({"a": value}) == 1
    assert not rig.columns["x"].any()
    assert np.array_equal(rig.batch.bytes, before)
    assert rig.ran == 0


@pytest.mark.parametrize("batch", [{"b": GOOD}, [GOOD], GOOD, None, {}, {1: GOOD}])
def test_a_batch_of_another_make_is_left_to_python(batch: Any) -> None:
    assert Rig().step(batch) == 1


def test_a_key_whose_comparison_raises_is_left_to_python() -> None:
    class Odd:
        def __hash__(self) -> int:
            return hash("a")

        def __eq__(self, other: object) -> bool:
            raise ValueError("no")

    assert Rig().step({Odd(): GOOD}) == 1


def test_paths_lead_through_dicts_and_tuples() -> None:
    leaves = (Leaf(1, ("a", 1, "b"), "x"), Leaf(0, (), "y"))
    columns: dict[str, Any] = {"x": np.zeros((N, 3), np.float32), "y": np.zeros(N, np.int64)}
    rig = Rig(leaves=leaves, columns=columns)
    y = np.arange(N)
    assert rig.step(y, {"a": (None, {"b": GOOD})}) == Ended.FINE
    assert np.array_equal(columns["x"], GOOD)
    assert np.array_equal(columns["y"], y)
    assert rig.step(y, {"a": (None,)}) == 1
    assert rig.step(y.astype(np.int32), {"a": (None, {"b": GOOD})}) == 2


def test_nothing_is_written_unless_every_leaf_fits() -> None:
    columns: dict[str, Any] = {"x": np.zeros((N, 3), np.float32), "y": np.zeros(N, np.int64)}
    rig = Rig(leaves=(Leaf(0, (), "x"), Leaf(1, (), "y")), columns=columns)
    assert rig.step(GOOD, np.zeros(N)) == 2
    assert not columns["x"].any()


def test_texts_that_are_the_very_objects_fit_and_others_do_not() -> None:
    texts = tuple(f"mission {k}" for k in range(N))
    known = np.array([id(text) for text in texts], np.uint64)
    rig = Rig(leaves=(Leaf(0, (), "x", known),))
    assert rig.step(texts) == Ended.FINE
    assert rig.step(tuple(texts[:-1])) == 1
    assert rig.step(list(texts)) == 1
    assert rig.step((*texts[:-1], "mission" + " 4")) == 1


def test_an_array_that_lies_where_it_belongs_is_not_copied() -> None:
    rig = Rig()
    rig.columns["x"][:] = GOOD
    assert rig.step({"a": rig.columns["x"]}) == Ended.FINE
    elsewhere = [GOOD + 1, GOOD + 2]
    own = rig.columns["x"].ctypes.data
    first, second = (array.ctypes.data for array in elsewhere)
    rig.lane.lend({"x": Places(0, own, first, second)})
    assert rig.step({"a": elsewhere[1]}) == Ended.FINE
    assert np.array_equal(rig.columns["x"], GOOD)
    rig.lane.bring_home()
    assert np.array_equal(rig.columns["x"], elsewhere[1])


def put(name: str, index: Any, value: float) -> Callable[[Outputs], None]:
    def kernel(out: Outputs) -> None:
        array = getattr(out, name)
        if array.dtype == np.bool_:
            array = array.view(np.uint8)
        array[index] = value

    return kernel


@pytest.mark.parametrize(
    "kernel",
    [
        put("reward", 2, np.nan),
        put("reward", N - 1, -np.inf),
        put("components", (1, 0), np.inf),
        put("components", (0, N - 1), np.nan),
        put("present", (0, 1), 2),
        put("present", (1, N - 1), 255),
        put("tasks", (N - 1, 2), 3),
        put("fuel", 0, -1),
        put("outcome", 4, Outcome.ERROR),
        put("outcome", 0, PENDING),
        put("task_outcome", (3, 1), Outcome.OUT_OF_FUEL),
    ],
)
def test_whatever_is_not_fine_asks_for_a_closer_look(kernel: Callable[[Outputs], None]) -> None:
    rig = Rig(kernel, tasks=3)
    assert rig.step({"a": GOOD}) == Ended.LOOK
    assert Rig(tasks=3).step({"a": GOOD}) == Ended.FINE


def test_a_row_that_fails_stops_the_kernels() -> None:
    rig = Rig()

    def fail(out: Outputs) -> None:
        del out
        rig.flags[2] = 1

    rig = Rig(fail)
    assert rig.step({"a": GOOD}) == Ended.STOPPED


def test_an_environment_without_state_goes_the_long_way() -> None:
    rig = Rig()
    rig.flags.view(np.uint8)[0] = 1
    assert rig.step({"a": GOOD}) == Ended.NOT_READY
    rig.flags[0] = 0
    rig.ready[0] = 0
    assert rig.step({"a": GOOD}) == Ended.NOT_READY
    assert rig.ran == 0


@given(st.lists(st.booleans(), min_size=N, max_size=N))
@settings(max_examples=30, deadline=None)
def test_a_mask_chooses_rows_and_the_others_hold_nothing(wanted: list[bool]) -> None:
    mask = np.array(wanted)
    rig = Rig(tasks=2)
    rig.batch.bytes[:] = 1  # of an earlier batch
    ended = rig.step({"a": GOOD}, mask=mask)
    if not mask.any():
        assert ended == Ended.NOT_READY
        return
    found = rig.found
    assert found["outcome"].tolist() == [0 if one else Outcome.SKIPPED for one in wanted]
    assert np.array_equal(found["task_outcome"], np.where(mask, 0, 9)[:, None].repeat(2, 1))
    for name in ("reward", "fuel"):
        assert not found[name][~mask].any()
    assert not found["components"][:, ~mask].any()
    assert not found["present"][:, ~mask].any()
    assert not found["tasks"][~mask].any()


@pytest.mark.parametrize(
    "mask",
    [
        np.ones(N, np.uint8),
        np.ones(N + 1, np.bool_),
        np.ones((N, 1), np.bool_),
        [True] * N,
        np.ones(2 * N, np.bool_)[::2],
        True,
    ],
)
def test_a_mask_of_another_make_is_left_to_python(mask: Any) -> None:
    assert Rig().step({"a": GOOD}, mask=mask) == Ended.BAD_MASK


def test_what_is_kept_is_what_numpy_would_keep() -> None:
    found = library()
    assert found is not None
    rng = np.random.default_rng(0)
    tasks = 3
    kept, turns, last = np.zeros((N, tasks), np.bool_), np.zeros(N, np.int64), np.zeros(N)
    rows, by_task = np.zeros(len(Outcome), np.int64), np.zeros((tasks, len(Outcome)), np.int64)
    outside = np.zeros(1, np.int64)
    now = np.zeros((N, tasks), np.bool_)
    paid = np.zeros(N)
    layout = Rig(tasks=tasks).batch.layout
    places = {name: at for name, _, _, at in layout.arrays}
    values = {
        "rows": N,
        "tasks": tasks,
        "truths": places["tasks"],
        "newly": layout.size,
        "copy": layout.size + 64,
        "kept": kept.ctypes.data,
        "reward": places["reward"],
        "pays": 1,
        "turns": turns.ctypes.data,
        "row_counts": rows.ctypes.data,
        "task_counts": by_task.ctypes.data,
        "ranged": 1,
        "low": bits_of(-0.5),
        "high": bits_of(0.5),
        "outside": outside.ctypes.data,
        "last": last.ctypes.data,
    }
    table = table_of(KEEP, **values)

    def kernel(out: Outputs) -> None:
        ran = out.outcome == 0
        out.tasks[ran] = now[ran]
        out.reward[ran] = paid[ran]

    rig = Rig(kernel, tasks=tasks, after=(found.keep, table, None))
    want: dict[str, Any] = {
        "kept": kept.copy(),
        "turns": turns.copy(),
        "outside": 0,
        "ran": 0,
        "last": last.copy(),
    }
    for _ in range(20):
        now[...] = rng.random((N, tasks)) < 0.2
        paid[...] = rng.normal(size=N)
        mask = rng.random(N) < 0.7
        mask[0] = True
        assert rig.step({"a": GOOD}, mask=mask) == Ended.FINE
        holds_now = now & mask[:, None]
        newly = holds_now & ~want["kept"]
        want["kept"] |= newly
        want["turns"] += mask
        want["outside"] += int((np.abs(paid[mask]) > 0.5).sum())
        want["ran"] += int(mask.sum())
        want["last"][mask] = paid[mask]
        size = N * tasks
        got = rig.block[layout.size : layout.size + size].view(np.bool_).reshape(N, tasks)
        assert np.array_equal(got, newly)
        got = rig.block[layout.size + 64 :][:size].view(np.bool_).reshape(N, tasks)
        assert np.array_equal(got, want["kept"])
    assert np.array_equal(kept, want["kept"])
    assert np.array_equal(turns, want["turns"])
    assert np.array_equal(last, want["last"])
    assert outside[0] == want["outside"]
    assert [rows[0], rows[Outcome.SKIPPED]] == [want["ran"], 20 * N - want["ran"]]
    assert (by_task[:, 0] == want["ran"]).all()


def test_steps_leak_no_reference() -> None:
    rig = Rig()
    value = GOOD.copy()
    batch = {"a": value}
    before = [sys.getrefcount(item) for item in (value, batch, batch["a"].dtype, None)]
    for _ in range(1000):
        rig.step(batch)
        rig.step({"a": None})
    after = [sys.getrefcount(item) for item in (value, batch, batch["a"].dtype, None)]
    assert np.abs(np.subtract(after, before)).max() < 20


def test_a_lane_keeps_its_memory_and_gives_it_back() -> None:
    rig = Rig()
    step, block = rig.lane.step, rig.block
    gone = weakref.ref(rig.lane)
    alive = weakref.ref(rig.engine)
    del rig
    gc.collect()
    assert gone() is None
    assert alive() is not None
    assert step(block, None, {"a": GOOD}) == Ended.FINE
    del step
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("find_places", lambda: None), ("_compile", lambda places: (_ for _ in ()).throw(OSError()))],
)
def test_where_native_code_cannot_be_made_there_is_none(
    name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, value)
    assert module._make() is None


def test_objects_of_another_layout_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from sandbox.native import trial

    found = library()
    assert found is not None
    monkeypatch.setattr(trial, "_flags", lambda array: 0)
    assert not holds(found)
    monkeypatch.undo()
    monkeypatch.setattr(trial, "Ended", type("Ended", (), {"LOOK": Ended.LOOK, "BAD_MASK": 77}))
    assert not holds(found)


def test_making_it_imports_no_compiler_but_llvmlite() -> None:
    code = (
        "import sys; from sandbox.native.library import library, made;"
        "assert 'llvmlite' not in sys.modules and made() is None;"
        "assert library() is not None and made() is library();"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
