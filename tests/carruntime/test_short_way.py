"""The short way of a step gives what the long way gives, and copies only what it must."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces as gs
from gymnasium.vector import SyncVectorEnv

import carruntime as car
from carruntime.batch import RewardBatch
from carruntime.buffers import write_into
from carruntime.reward import RewardProgram
from carruntime.session import RewardSession
from sandbox.native.library import library
from sandbox.outcome import Outcome

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or library() is None, reason="there is no short way here"
)

N = 6
SPACES = (
    gs.Dict(
        {
            "x": gs.Box(-100.0, 100.0, (2,), np.float64),
            "grid": gs.Box(0, 9, (3, 3), np.uint8),
            "mission": gs.Text(20),
        }
    ),
    gs.Discrete(5),
)
PARTS = """
def reward(obs, next_obs, action, terminated, t):
    near = 1.0 / next_obs["x"][1]
    far = next_obs["x"][0] - obs["x"][0]
    parts = {"near": near, "late": -0.5 * t}
    if action == 2:
        parts["two"] = 1.0
    if next_obs["mission"] == "go home" and terminated:
        return 50.0, parts
    return float(near + far) + [1.0, 2.0, 3.0][int(next_obs["grid"][0, 0])], parts
"""
TASKS = """
def task_1(obs, initial_obs):
    return obs["x"][0] > 1.0 + initial_obs["x"][0] - initial_obs["grid"][0, 0]

def task_2(obs):
    return 1.0 / obs["x"][1] > 0.0

def task_3(obs, action):
    return action == 3
"""
COUNTER = """
class R:
    def __init__(self):
        self.best = 0.0
    def reset(self, obs):
        self.best = obs["x"][0] + 0.1 / obs["x"][1]
    def step(self, next_obs):
        if next_obs["x"][0] > self.best:
            self.best = next_obs["x"][0]
        return float(self.best) + 1.0 / next_obs["x"][1]
"""
PROGRAMS = {"function": PARTS, "tasks": TASKS, "class": COUNTER}
ARRAYS = (
    "reward",
    "outcome",
    "fuel",
    "tasks",
    "task_outcome",
    "completed",
    "newly_completed",
)


@pytest.fixture(scope="module")
def programs() -> Iterator[dict[tuple[str, str], RewardProgram]]:
    loaded = {
        (name, isolation): car.load(
            source, spaces=SPACES, isolation=isolation, reward_range=(-5.0, 5.0)
        )
        for name, source in PROGRAMS.items()
        for isolation in ("none", "process")
    }
    assert {program.tier for program in loaded.values()} == {"compiled"}
    yield loaded
    for program in loaded.values():
        program.close()


def observation(rng: np.random.Generator, *, faults: bool) -> dict[str, Any]:
    x = rng.normal(size=(N, 2)) + 3.0
    grid = rng.integers(0, 3, (N, 3, 3)).astype(np.uint8)
    if faults and rng.random() < 0.3:
        x[rng.integers(N), 1] = 0.0  # a division by zero, or an infinite number
    if faults and rng.random() < 0.3:
        grid[rng.integers(N), 0, 0] = 7  # an index out of range
    texts = tuple(["go home", "open the door"][k] for k in rng.integers(0, 2, N))
    return {"x": x, "grid": grid, "mission": texts}


def play(session: RewardSession, *, seed: int, masks: bool, faults: bool) -> list[RewardBatch]:
    """Step through 25 random transitions, with resets of some environments in between."""
    rng = np.random.default_rng(seed)
    obs = observation(rng, faults=False)
    session.reset(obs)
    found = []
    for _ in range(25):
        after = observation(rng, faults=faults)
        action = rng.integers(0, 5, N)
        mask = rng.random(N) < 0.7 if masks else None
        terminated = rng.random(N) < 0.3
        found.append(session.step(obs, action, after, terminated, ~terminated, mask=mask))
        obs = after
        if rng.random() < 0.4:
            # The first observation may be one on which a reset fails.
            session.reset(obs, mask=rng.random(N) < 0.5 if rng.random() < 0.7 else None)
    return found


def told(batch: RewardBatch) -> dict[str, Any]:
    found = {name: getattr(batch, name).tolist() for name in ARRAYS}
    for kind in ("components", "present"):
        found[kind] = {name: values.tolist() for name, values in getattr(batch, kind).items()}
    failures = [batch.failure(row) for row in range(len(batch))]
    found["failures"] = [item and (item.exception, item.message, item.line) for item in failures]
    return found


@pytest.mark.parametrize("on_error", ["nan", "last"])
@pytest.mark.parametrize("masks", [False, True], ids=["all", "masked"])
@pytest.mark.parametrize("isolation", ["none", "process"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_short_way_is_the_long_way(
    name: str,
    isolation: str,
    masks: bool,
    on_error: Any,
    programs: dict[tuple[str, str], RewardProgram],
) -> None:
    program = programs[name, isolation]
    with program.start(N, on_error) as short, program.start(N, on_error) as long:
        # Without its lane a session does everything in Python, as on systems without native code.
        long._lane = long._reset_lane = None
        first = play(short, seed=7, masks=masks, faults=True)
        second = play(long, seed=7, masks=masks, faults=True)
        assert short._quick is not None or short._any_blocked
        assert long._quick is None
        for one, other in zip(first, second, strict=True):
            assert repr(told(one)) == repr(told(other))
        assert short.outcomes == long.outcomes
        assert short.task_outcomes == long.task_outcomes
        assert short.outside_range == long.outside_range
        assert short.t.tolist() == long.t.tolist()
        assert short.completed.tolist() == long.completed.tolist()
        assert repr(short.task_outcomes) == repr(long.task_outcomes)
        assert Outcome.OK in short.outcomes


def test_a_batch_is_made_of_its_own_memory(
    programs: dict[tuple[str, str], RewardProgram],
) -> None:
    with programs["function", "process"].start(N, "nan") as session:
        batch, *rest = play(session, seed=1, masks=False, faults=False)
    before = told(batch)
    assert {type(item) for item in rest} == {RewardBatch}
    for again in (pickle.loads(pickle.dumps(batch)), copy.deepcopy(batch)):  # noqa: S301  # ours
        assert repr(told(again)) == repr(before)
    batch.reward[:] = 0.0
    batch.components["near"][:] = 0.0
    assert batch.outcome.tolist() == before["outcome"]
    assert batch.components["late"].tolist() == before["components"]["late"]
    assert batch.ok
    assert batch.tier.tolist() == ["compiled"] * N
    with pytest.raises(AttributeError, match="no attribute 'rewards'"):
        batch.rewards  # noqa: B018  # reading it is the point


def test_what_is_unusual_is_taken_in_the_long_way_and_run_in_the_short(
    programs: dict[tuple[str, str], RewardProgram],
) -> None:
    rng = np.random.default_rng(0)
    obs, after = observation(rng, faults=False), observation(rng, faults=False)
    action, ended = np.arange(N) % 5, np.zeros(N, np.bool_)
    with programs["function", "process"].start(N) as session:
        session.reset(obs)
        wanted = session.step(obs, action, after, ended).reward
        unusual = {
            "an integer that widens": (obs, action.astype(np.int32), after, ended),
            "a list": (obs, action.tolist(), after, ended),
            "another order": (obs, action, {**after, "x": np.asfortranarray(after["x"])}, ended),
            "texts in a list": (obs, action, {**after, "mission": list(after["mission"])}, ended),
        }
        for name, arguments in unusual.items():
            session.reset(obs)
            assert session.step(*arguments).reward.tolist() == wanted.tolist(), name
        for wrong in (after["x"][:-1], after["x"].astype(np.float32), None):
            with pytest.raises(car.CarruntimeError, match="next_obs"):
                session.step(obs, action, {**after, "x": wrong}, ended)
        with pytest.raises(car.CarruntimeError, match="mask"):
            session.step(obs, action, after, ended, mask=np.ones(N + 1, np.bool_))
        assert session.t.tolist() == [1] * N


# Memory that environments write into ---------------------------------------------------------------


@pytest.mark.parametrize("isolation", ["none", "process"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_steps_from_the_buffers_are_those_of_other_arrays(
    name: str, isolation: str, programs: dict[tuple[str, str], RewardProgram]
) -> None:
    program = programs[name, isolation]
    rng = np.random.default_rng(3)
    with program.start(N, "nan") as shared, program.start(N, "nan") as plain:
        obs = observation(rng, faults=False)
        before = write(shared, obs)
        shared.reset(before)
        plain.reset(obs)
        for turn in range(30):
            after = observation(rng, faults=turn > 5)
            action, ended = rng.integers(0, 5, N), rng.random(N) < 0.3
            mask = rng.random(N) < 0.7 if turn % 3 == 0 else None
            given = write(shared, after)
            if turn % 7 == 6:  # a mixture is as good
                given = {**given, "x": after["x"]}
            one = shared.step(before, action, given, ended, mask=mask)
            other = plain.step(obs, action, after, ended, mask=mask)
            assert repr(told(one)) == repr(told(other)), turn
            kept = [batch._kept for batch in (one, other)]
            assert [sorted(item) for item in kept] == [sorted(kept[1])] * 2
            for row, reproduction in kept[1].items():
                mine = kept[0][row].calls[-1].inputs
                for column, value in reproduction.calls[-1].inputs.items():
                    assert np.array_equal(mine[column], value), (turn, column)
            obs, before = after, given
            if turn % 10 == 9:
                shared.reset(before)
                plain.reset(obs)


def write(session: RewardSession, obs: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = session.buffers.turn()
    for key, value in obs.items():
        if isinstance(value, np.ndarray):
            given[key][...] = value
        else:
            given[key] = value
    return given


def test_an_interpreted_program_takes_the_buffers_as_other_arrays() -> None:
    program = car.load(PARTS, spaces=SPACES, tier="interpreted")
    rng = np.random.default_rng(3)
    with program.start(N) as session:
        obs = write(session, observation(rng, faults=False))
        session.reset(obs)
        after = write(session, observation(rng, faults=False))
        action, ended = np.zeros(N, np.int64), np.zeros(N, np.bool_)
        first = session.step(obs, action, after, ended).reward
        session.reset(obs)
        assert session.step(*map(copy.deepcopy, (obs, action, after, ended))).reward.tolist() == (
            first.tolist()
        )
    program.close()


def test_the_buffers_take_turns_and_have_the_layout_of_the_space(
    programs: dict[tuple[str, str], RewardProgram],
) -> None:
    with programs["function", "process"].start(N) as session:
        buffers = session.buffers
        assert session.buffers is buffers
        assert len(buffers) == 2
        assert [buffers.turn() is buffers[k] for k in (0, 1, 0)] == [True] * 3
        assert set(buffers[0]) == {"x", "grid", "mission"}
        assert buffers[0]["x"].shape == (N, 2)
        assert buffers[1]["grid"].dtype == np.uint8
        assert buffers[0]["mission"] == ("",) * N
        assert not np.shares_memory(buffers[0]["x"], buffers[1]["x"])
    buffers[0]["x"][:] = 1.0  # memory still, after the session


def test_a_vector_environment_writes_its_observations_into_the_buffers(
    programs: dict[tuple[str, str], RewardProgram],
) -> None:
    class Walk(gym.Env[Any, Any]):
        observation_space = gs.Box(-100.0, 100.0, (3,), np.float64)
        action_space = gs.Discrete(3)

        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            self.x = self.np_random.normal(size=3)
            return self.x.copy(), {}

        def step(self, action: int) -> Any:
            self.x = self.x + 0.25 * (action - 1)
            return self.x.copy(), 0.0, False, False, {}

    envs = SyncVectorEnv([Walk] * 4, copy=False)
    source = "def reward(obs, next_obs):\n    return float(next_obs[0] - obs[0])\n"
    program = car.load(source, envs)
    with program.start(4) as session:
        write_into(envs, session)
        obs, _ = envs.reset(seed=1)
        session.reset(obs)
        for action in (0, 2, 2, 1, 0):
            write_into(envs, session)
            after, _, terminated, truncated, _ = envs.step(np.full(4, action))
            assert any(after is session.buffers[k] for k in (0, 1))
            assert after is not obs
            batch = session.step(obs, None, after, terminated, truncated)
            assert np.allclose(batch.reward, 0.25 * (action - 1))
            obs = after
    program.close()
    copying = SyncVectorEnv([Walk] * 4)
    with pytest.raises(car.CarruntimeError, match="copy=False"):
        write_into(copying, session)


class Row(gym.Env[Any, Any]):
    """An environment that shows nothing but zeros, as many and of the dtype that is asked for."""

    action_space = gs.Discrete(2)

    def __init__(self, size: int = 3, dtype: Any = np.float32) -> None:
        self.observation_space = gs.Box(-9.0, 9.0, (size,), dtype)


@pytest.mark.parametrize(
    ("envs", "told"),
    [
        (SyncVectorEnv([Row] * 3, copy=False), "num_envs=3, the session num_envs=2"),
        (SyncVectorEnv([lambda: Row(4)] * 2, copy=False), r"float32 \(3,\), there is .* \(4,\)"),
        (SyncVectorEnv([lambda: Row(3, np.float64)] * 2, copy=False), "there is .* float64"),
        (Row(), "Row is no vector environment"),
    ],
    ids=["too many", "another shape", "another dtype", "a single one"],
)
def test_environments_that_do_not_fit_cannot_write_into_a_session(envs: Any, told: str) -> None:
    before = getattr(envs, "_observations", None)
    spaces = (gs.Box(-9.0, 9.0, (3,), np.float32), gs.Discrete(2))
    source = "def reward(next_obs):\n    return float(next_obs[0])\n"
    program = car.load(source, spaces=spaces, isolation="none")
    with program.start(2) as session, pytest.raises(car.OptionError, match=told):
        write_into(envs, session)
    assert getattr(envs, "_observations", None) is before


# Both at once ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("isolation", ["none", "process"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_step_in_two_halves_is_a_step(
    name: str, isolation: str, programs: dict[tuple[str, str], RewardProgram]
) -> None:
    program = programs[name, isolation]
    rng = np.random.default_rng(5)
    with program.start(N, "nan") as halves, program.start(N, "nan") as whole:
        obs = observation(rng, faults=False)
        halves.reset(obs)
        whole.reset(obs)
        for turn in range(20):
            after = observation(rng, faults=turn > 3)
            action, ended = rng.integers(0, 5, N), rng.random(N) < 0.3
            mask = rng.random(N) < 0.7 if turn % 2 else None
            if turn % 5 == 4:
                action = action.astype(np.int32)
            passed = copy.deepcopy((obs, action, after, ended, mask))
            halves.step_async(*passed[:4], mask=passed[4])
            for array in (passed[0]["x"], passed[2]["x"], passed[1], passed[3], passed[4]):
                if array is not None:
                    array[:] = 1  # what was handed over may be changed at once
            wanted = whole.step(obs, action, after, ended, mask=mask)
            assert repr(told(halves.step_wait())) == repr(told(wanted)), turn
            obs = after
        assert halves.outcomes == whole.outcomes


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_errors_of_a_step_in_two_halves_come_when_they_can_be_known(
    isolation: str, programs: dict[tuple[str, str], RewardProgram]
) -> None:
    rng = np.random.default_rng(0)
    obs = observation(rng, faults=False)
    bad = copy.deepcopy(obs)
    bad["grid"][2, 0, 0] = 7
    action, ended = np.zeros(N, np.int64), np.zeros(N, np.bool_)
    with programs["function", isolation].start(N) as session:
        with pytest.raises(car.ResetNeededError):
            session.step_async(obs, action, obs, ended)
        session.reset(obs)
        with pytest.raises(car.CarruntimeError, match="call step_async first"):
            session.step_wait()
        with pytest.raises(car.ShapeError):
            session.step_async(obs, action[:-1], obs, ended)
        session.step_async(obs, action, bad, ended)
        for call in (
            lambda: session.step(obs, action, obs, ended),
            lambda: session.step_async(obs, action, obs, ended),
            lambda: session.reset(obs),
            session.state_dict,
        ):
            with pytest.raises(car.CarruntimeError, match="a step is under way"):
                call()
        with pytest.raises(car.RewardError) as caught:
            session.step_wait()
        assert caught.value.batch.outcome.tolist() == [0, 0, 1, 0, 0, 0]
        assert session.step(obs, action, obs, ended).ok


def test_a_session_that_is_closed_with_a_step_under_way_leaves_a_worker_that_serves(
    programs: dict[tuple[str, str], RewardProgram],
) -> None:
    rng = np.random.default_rng(0)
    obs = observation(rng, faults=False)
    action, ended = np.zeros(N, np.int64), np.zeros(N, np.bool_)
    program = programs["function", "process"]
    with program.start(N) as session:
        session.reset(obs)
        session.step_async(obs, action, obs, ended)
    with pytest.raises(car.CarruntimeError, match="closed"):
        session.step_wait()
    with program.start(N) as session:
        session.reset(obs)
        assert session.step(obs, action, obs, ended).ok


@pytest.mark.parametrize("spin_us", [-1, float("inf"), "200", True])
def test_a_span_that_is_no_number_of_microseconds_is_refused(
    spin_us: Any, programs: dict[tuple[str, str], RewardProgram]
) -> None:
    with pytest.raises(car.CarruntimeError, match="spin_us"):
        programs["function", "process"].start(N, spin_us=spin_us)


def test_the_example_of_the_page_about_steps_runs() -> None:
    page = Path(car.__file__).parent.parent / "docs" / "steps.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    subprocess.run([sys.executable, "-W", "error", "-c", block], check=True, timeout=120)


def test_a_reset_by_the_short_way_leaves_the_others_first_observation_alone(
    programs: dict[tuple[str, str], RewardProgram],
) -> None:
    rng = np.random.default_rng(0)
    first, other = observation(rng, faults=False), observation(rng, faults=False)
    other["mission"] = first["mission"]
    mask = np.arange(N) % 2 == 0
    for isolation in ("none", "process"):
        with programs["tasks", isolation].start(N) as session:
            session.reset(first)
            assert session._quick_reset is not None
            session.reset(other, mask=mask)
            column = session._columns["initial_obs/x"]
            assert np.array_equal(column[mask], other["x"][mask])
            assert np.array_equal(column[~mask], first["x"][~mask])
