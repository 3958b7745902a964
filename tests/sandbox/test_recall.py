"""Results of frames that were seen before: the same as without, found where they should be, bounded."""

from __future__ import annotations

import ast
import ctypes
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.assemble import outputs_for
from sandbox.errors import UsageError
from sandbox.limits import Limits
from sandbox.native.library import library
from sandbox.native.tables import RECALL_FIRST
from sandbox.outcome import PENDING, Outcome
from sandbox.plan import Call, Param, Plan
from sandbox.schema import ArraySpec, Schema
from sandbox.team import Team
from sandbox.tiers.compiled import compile_program, load_program
from sandbox.tiers.compiled.runner import CompiledRunner
from sandbox.tiers.interpreted import InterpretedRunner

pytestmark = pytest.mark.skipif(library() is None, reason="there is no native library here")

SHAPE = (16, 24, 3)
FRAME = ArraySpec(shape=SHAPE, dtype="uint8", low=0, high=255)
SCHEMA = Schema(
    (
        ("initial_frame", FRAME),
        ("frame", FRAME),
        ("x", ArraySpec(shape=(2,), dtype="float64")),
        ("t", ArraySpec(dtype="int64", kind="int")),
    )
)
TASKS = """
def red(frame):
    return int((frame[:, :, 0] > 128).sum())

def first(initial_frame, frame):
    return red(frame) > red(initial_frame)

def second(frame, x, t):
    total = 0
    for k in range(t % 5):
        total += int(frame[k, 0, 1])
    if x[0] > 0.5:
        raise ValueError("far")
    return total > 200

def third(frame, initial_frame):
    return 100 // (red(frame) % 4) > 30

def reward(frame, x):
    return float(red(frame)) / x[1], {"x": x[0], "red": float(red(frame))}
"""
STATE = """
import numpy as np

class R:
    def __init__(self):
        self.last = None
        self.best = 0
        self.mask = np.zeros((16, 24), np.uint8)

    def reset(self, initial_frame):
        self.last = initial_frame
        self.best = 0

    def step(self, frame, x):
        changed = int((frame != self.last).sum())
        self.last = frame
        if x[0] > 0.9:
            raise KeyError("gone")
        if x[0] > 0.4:
            self.mask[0, 0] = 1
        self.best = max(self.best, int((frame[:, :, 1] > 100).sum()))
        return self.best + changed + int(self.mask.sum())
"""
COUNTING = """
class R:
    def reset(self, initial_frame):
        self.steps = 0

    def step(self, frame):
        self.steps += 1
        return self.steps + float(frame.sum())
"""
GROWING = """
def reward(frame, t):
    seen = []
    for k in range(t):
        seen.append(k)
    return len(seen) + float(frame[0, 0, 0])
"""

FIRSTS = """
import numpy as np

LEVEL = 100

def red(image, level=LEVEL):
    return int((image[:, :, 0] > level).sum())

def box(image, low):
    rows = [y for y in range(16) if (image[y, :, 1] > low).sum() > 12]
    if len(rows) < 3:
        return None
    return rows[0], rows[-1], (red(image) / len(rows), red(image) > 190)

def risky(image, by):
    return by // (red(image, 128) % 4)

def drawn(image):
    image[0, 0, 0] = 7
    return int(image[0, 0, 0]) + red(image)

def center(image):
    return np.array([image[:, :, 2].mean(), 1.5])

def long(image):
    total = 0
    for y in range(16):
        total += sum(1 for x in range(24) if image[y, x, 0] > 50)
    return total

def reward(initial_frame, frame, x, t):
    total = 0.0
    for k in range(2):
        total += red(initial_frame, 50) * (k + 1)
    found = box(initial_frame, 130)
    if found is None:
        total -= 1
    else:
        total += found[0] + 2 * found[1] + found[2][0] + found[2][1]
    middle = center(initial_frame)
    middle[0] += 1
    total += middle.sum()
    if x[0] > 0.5:
        try:
            total += risky(initial_frame, 9)
        except ZeroDivisionError:
            total += 1_000
    elif t % 5 == 1:
        total += risky(initial_frame, 8)
    if t > 1_000:
        total += long(initial_frame)
    if t % 5 == 3:
        total += drawn(initial_frame) + red(initial_frame)
    return total + red(frame)
"""


def param(*names: str) -> tuple[Param, ...]:
    return tuple(Param(name, name) for name in names)


def plan_of(source: str) -> Plan:
    if source is TASKS:
        tasks = (
            Call("first", param("initial_frame", "frame")),
            Call("second", param("frame", "x", "t")),
            Call("third", param("frame", "initial_frame")),
        )
        return Plan(schema=SCHEMA, tasks=tasks, reward=Call("reward", param("frame", "x")))
    if source in (STATE, COUNTING):
        step = Call("step", param("frame", "x") if source is STATE else param("frame"))
        reset = Call("reset", param("initial_frame"))
        return Plan(schema=SCHEMA, class_name="R", step=step, reset=reset)
    names = ("initial_frame", "frame", "x", "t") if source is FIRSTS else ("frame", "t")
    return Plan(schema=SCHEMA, reward=Call("reward", param(*names)))


MADE: dict[str, bytes] = {}


def runner_of(source: str, limits: Limits) -> CompiledRunner:
    """Compile a program once, and load it for each test."""
    plan, key = plan_of(source), f"{limits.fuel} {source}"
    if key not in MADE:
        made = compile_program(ast.parse(source), plan, limits, source)
        assert isinstance(made, CompiledRunner), str(made)
        code = made.freeze()
        assert code is not None
        MADE[key] = code
    loaded = load_program(MADE[key], plan, limits)
    assert loaded is not None
    return loaded


class Envs:
    """A runner with arrays for some rows."""

    def __init__(self, source: str, limits: Limits, rows: int, threads: int = 1) -> None:
        self.runner = runner_of(source, limits)
        if threads > 1:
            native = library()
            assert native is not None
            self.runner.team = Team(native, threads)
        if source is GROWING:
            spare = InterpretedRunner(ast.parse(source), source, plan_of(source), limits)
            self.runner.lend(spare)
        self.stateful = plan_of(source).class_name is not None
        self.inputs: dict[str, Any] = {
            "initial_frame": np.zeros((rows, *SHAPE), np.uint8),
            "frame": np.zeros((rows, *SHAPE), np.uint8),
            "x": np.zeros((rows, 2)),
            "t": np.zeros(rows, np.int64),
        }
        self.out = outputs_for(rows, plan_of(source), len(self.runner.component_names))
        self.runner.bind(rows, self.inputs, self.out)

    def run(self, mask: Any, *, reset: bool = False) -> None:
        self.out.outcome[:] = np.where(mask, PENDING, Outcome.SKIPPED)
        self.out.task_outcome[:] = self.out.outcome[:, None]
        (self.runner.reset if reset else self.runner.step)()

    def results(self) -> dict[str, Any]:
        mine = {item.name: getattr(self.out, item.name).copy() for item in fields(self.out)}
        state = {name: array.copy() for name, array in self.runner._state.items()}
        return mine | state | {"failures": list(self.runner.failures)}


def same(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Fail unless all results are the same to the bit."""
    assert left.keys() == right.keys()
    for name, want in left.items():
        got = right[name]
        if name == "failures":
            assert want == got
            continue
        assert want.tobytes() == got.tobytes(), name


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    source=st.sampled_from([TASKS, STATE, COUNTING, GROWING, FIRSTS]),
    rows=st.sampled_from([1, 5, 70, 150]),
    seed=st.integers(0, 2**32 - 1),
    kinds=st.integers(1, 6),
    room=st.sampled_from([1 << 14, 1 << 17, 1 << 22]),
    fuel=st.sampled_from([2_000_000, 420, 560, 900]),
    threads=st.sampled_from([1, 1, 3]),
)
def test_results_are_the_same_to_the_bit_with_and_without(  # noqa: PLR0917
    source: str, rows: int, seed: int, kinds: int, room: int, fuel: int, threads: int
) -> None:
    """Frames of few kinds in any order, masked rows and resets, bad rows, tables that overflow."""
    rng = np.random.default_rng(seed)
    limits = Limits(fuel=fuel, recall_bytes=0)
    without = Envs(source, limits, rows)
    with_ = Envs(source, replace(limits, recall_bytes=room), rows, threads)
    assert without.runner.recalled is None
    frames = rng.integers(0, 256, (kinds, *SHAPE), np.uint8)
    # Frames that differ in one byte only.
    frames[1::2] = frames[:-1:2][: len(frames[1::2])]
    frames[1::2, -1, -1, -1] ^= 1
    everything = np.ones(rows, np.bool_)
    for step in range(8):
        fresh = everything if step == 0 else rng.random(rows) < 0.1
        mask = rng.random(rows) < 0.9
        first, now = rng.integers(0, kinds, (2, rows))
        x = rng.choice([0.0, 0.45, 0.7, 0.95, 1.0], (rows, 2))
        t = rng.choice([0, 1, 3, 5_000], rows)
        for envs in (without, with_):
            envs.inputs["initial_frame"][fresh] = frames[first][fresh]
            envs.run(fresh, reset=True)
            envs.inputs["frame"][...] = frames[now]
            envs.inputs["x"][...], envs.inputs["t"][...] = x, t
        same(without.results(), with_.results())
        for envs in (without, with_):
            envs.run(mask)
        same(without.results(), with_.results())
    assert without.runner.handed_over == with_.runner.handed_over


def envs_of(source: str, rows: int, **options: Any) -> Envs:
    """Make rows that all see different frames, after a reset."""
    envs = Envs(source, Limits(**options), rows)
    frames = np.random.default_rng(3).integers(0, 256, (rows, *SHAPE), np.uint8)
    envs.inputs["initial_frame"][...] = frames
    envs.inputs["frame"][...] = frames
    envs.inputs["x"][...] = 0.25
    everything = np.ones(rows, np.bool_)
    envs.run(everything, reset=True)
    return envs


def told(envs: Envs) -> tuple[int, int]:
    found = envs.runner.recalled
    assert found is not None
    return found.tried, found.hits


def test_what_comes_again_is_found_within_a_batch_and_later() -> None:
    rows = np.ones(10, np.bool_)
    envs = envs_of(GROWING, 10)
    envs.run(rows)
    assert told(envs) == (10, 0)
    envs.run(rows)
    assert told(envs) == (20, 10)
    envs.inputs["frame"][...] = 9
    envs.run(rows)
    assert told(envs) == (30, 19)


def test_a_state_that_is_what_it_was_is_found_again_and_a_counter_never() -> None:
    """`self.last` is as large as a frame: a note says that it became equal to one."""
    rows = np.ones(10, np.bool_)
    envs = envs_of(STATE, 10)
    for _ in range(3):
        envs.run(rows)
    # The reset is looked up too. The best of an episode changes on the first step, then nothing.
    assert told(envs) == (10 + 30, 10)
    envs = envs_of(COUNTING, 10)
    for _ in range(3):
        envs.run(rows)
    # Its reset reads no frame, and the counter is another one on every step.
    assert told(envs) == (30, 0)


def test_a_part_of_the_input_that_is_not_a_frame_makes_another_row() -> None:
    rows = np.ones(4, np.bool_)
    envs = envs_of(GROWING, 4)
    for t in (1, 2, 1):
        envs.inputs["t"][...] = t
        envs.run(rows)
        assert (envs.out.reward == float(t) + envs.inputs["frame"][:, 0, 0, 0]).all()
    assert told(envs) == (12, 4)


def test_rows_that_the_interpreted_tier_computes_are_not_kept() -> None:
    rows = np.ones(3, np.bool_)
    envs = envs_of(GROWING, 3)
    envs.inputs["t"][...] = 5_000
    for _ in range(3):
        envs.run(rows)
        assert (envs.out.reward == 5_000.0 + envs.inputs["frame"][:, 0, 0, 0]).all()
    assert told(envs) == (9, 0)
    assert envs.runner.handed_over == 9


def test_the_fuel_that_was_used_before_is_part_of_what_a_task_reads() -> None:
    """The same frame for the third task, but the second one has used more on some rows."""
    limits = Limits(fuel=2_000_000)
    envs = [Envs(TASKS, replace(limits, recall_bytes=room), 2) for room in (0, 1 << 20)]
    frames = np.random.default_rng(5).integers(0, 256, (1, *SHAPE), np.uint8)
    found = []
    for one in envs:
        one.inputs["frame"][...] = frames
        one.inputs["initial_frame"][...] = frames
        one.inputs["x"][...] = 0.25
        for t in (0, 4, 1):
            one.inputs["t"][...] = t, 4
            one.run(np.ones(2, np.bool_))
            found.append(one.out.fuel.tolist())
    assert found[:3] == found[3:]
    assert len({fuel[0] for fuel in found}) == 3


def test_where_nothing_comes_again_looking_up_stops_and_is_tried_again() -> None:
    rows = 512
    envs = envs_of(GROWING, rows)
    rng = np.random.default_rng(1)
    for _ in range(40):
        envs.inputs["frame"][...] = rng.integers(0, 256, (rows, *SHAPE), np.uint8)
        envs.run(np.ones(rows, np.bool_))
    found = envs.runner.recalled
    assert found is not None
    assert not found.on
    # The kernel is shorter than the digest, so that it stops after the price of 2,048 rows.
    assert 2_048 <= found.tried < 4_096


def test_memory_is_bounded_and_0_keeps_nothing() -> None:
    for room in (1 << 14, 1 << 20):
        found = envs_of(GROWING, 4, recall_bytes=room).runner.recalled
        assert found is not None
        # An entry has 104 bytes here, and there are four in a set of which there are 2**n.
        assert room / 2 < found.entry_count * 104 <= room
    assert envs_of(GROWING, 4, recall_bytes=0).runner.recalled is None
    with pytest.raises(UsageError, match="recall_bytes is -1; want a number of 0 or more"):
        Limits(recall_bytes=-1)


def test_what_was_kept_is_forgotten_when_arrays_are_bound() -> None:
    envs = envs_of(GROWING, 4)
    envs.run(np.ones(4, np.bool_))
    envs.runner.bind(4, envs.inputs, envs.out)
    envs.run(np.ones(4, np.bool_))
    assert told(envs) == (4, 0)


def test_a_program_without_large_inputs_is_called_as_ever() -> None:
    source = "def reward(x):\n    return x[0]\n"
    plan = Plan(schema=SCHEMA, reward=Call("reward", param("x")))
    made = compile_program(ast.parse(source), plan, Limits(), source)
    assert isinstance(made, CompiledRunner)
    made.bind(2, {"x": np.zeros((2, 2))}, outputs_for(2, plan, 0))
    assert made.recalled is None
    native = library()
    assert native is not None
    assert made.parts().kernels[0][0] != native.recall


def kept_numbers(runner: CompiledRunner, ends: str) -> list[Any]:
    """Give the memory in which a kernel keeps what it found on first frames, of the first row."""
    order = runner._machines["reward"].order
    table = runner._tables["reward"] + 8 * RECALL_FIRST
    places = [k for k, name in enumerate(order) if name.startswith("kept:") and name.endswith(ends)]
    return [
        ctypes.c_int64.from_address(ctypes.c_int64.from_address(table + 8 * k).value)
        for k in places
    ]


SIMPLE = """
def red(image):
    return int((image[:, :, 0] > 100).sum())

def reward(initial_frame, frame):
    return red(initial_frame) * 10_000 + red(frame)
"""


def test_what_was_found_on_the_first_frame_is_taken_until_there_is_another_one() -> None:
    plan = Plan(schema=SCHEMA, reward=Call("reward", param("initial_frame", "frame")))
    made = compile_program(ast.parse(SIMPLE), plan, Limits(), SIMPLE)
    assert isinstance(made, CompiledRunner)
    assert made.explain["kept"] == 1
    rng = np.random.default_rng(2)
    inputs = {
        name: rng.integers(0, 256, (1, *SHAPE), np.uint8) for name in ("initial_frame", "frame")
    }
    out = outputs_for(1, plan, 0)
    made.bind(1, inputs, out)

    def step() -> float:
        inputs["frame"][...] = rng.integers(0, 256, (1, *SHAPE), np.uint8)
        out.outcome[:] = PENDING
        made.step()
        return float(out.reward[0])

    def right() -> float:
        first, now = ((inputs[n][..., 0] > 100).sum() for n in ("initial_frame", "frame"))
        return float(first * 10_000 + now)

    assert step() == right()
    (number,) = [
        item
        for item in kept_numbers(made, "")
        if item.value == (inputs["initial_frame"][..., 0] > 100).sum()
    ]
    number.value += 1
    assert step() == right() + 10_000
    inputs["initial_frame"][0, 0, 0] ^= 255
    assert step() == right()
    assert step() == right()
