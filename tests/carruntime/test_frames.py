"""Frames from the environment to the program: which one, whose, when, and of which size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  # registers its environments
import numpy as np
import pytest
from gymnasium import spaces as gs
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

import carruntime as car
from carruntime.bench import measure, sample
from carruntime.frames import ComputedFrames, RenderFrames, frame_shape_of
from carruntime.minigrid import MiniGridVectorEnv
from carruntime.plain import PlainReward
from carruntime.reproduction import load_repro
from carruntime.running import UnderWay
from sandbox.outcome import Outcome

SPACES = (gs.Discrete(4), gs.Discrete(3))
SIZE = (6, 5, 3)
SEEN = """
class Seen:
    def __init__(self):
        self.first = -1.0

    def reset(self, frame):
        self.first = float(frame[0, 0, 0])

    def step(self, frame, prev_frame, initial_frame):
        return float(frame[0, 0, 0]), {
            "before": float(prev_frame[0, 0, 0]),
            "initial": float(initial_frame[0, 0, 0]),
            "first": self.first,
        }
"""


def load(source: str, **options: Any) -> car.RewardProgram:
    options = {"spaces": SPACES, "frame": SIZE, "tier": "interpreted", **options}
    return car.load(source, **options)


def frames(*values: int) -> Any:
    found = np.zeros((len(values), *SIZE), np.uint8)
    found[:] = np.array(values, np.uint8)[:, None, None, None]
    return found


@pytest.fixture(scope="module")
def program() -> Iterator[car.RewardProgram]:
    """The program that says what it sees."""
    loaded = load(SEEN)
    yield loaded
    loaded.close()


# Which frame --------------------------------------------------------------------------------------


def test_each_parameter_gets_its_frame(program: car.RewardProgram) -> None:
    with program.start(2) as session:
        session.reset(frame=frames(1, 2))
        batch = session.step(frame=frames(3, 4))
        assert batch.reward.tolist() == [3, 4]
        assert batch.components["before"].tolist() == [1, 2]
        batch = session.step(frame=frames(5, 6))
        assert batch.components["before"].tolist() == [3, 4]
        assert batch.components["initial"].tolist() == [1, 2]
        assert batch.components["first"].tolist() == [1, 2]


@pytest.mark.parametrize("tier", ["compiled", "interpreted"])
def test_a_step_of_frames_runs_while_the_environments_step(tier: str) -> None:
    """What was handed over may be changed at once, and comes out as from `step`."""
    with closing(load(SEEN, tier=tier)) as program, program.start(2) as session:
        session.reset(frame=frames(1, 2))
        shown = frames(3, 4)
        session.step_async(frame=shown)
        assert tier != "compiled" or isinstance(session._under_way, UnderWay)
        shown[:] = 0
        with pytest.raises(car.OptionError):
            session.step_async(frame=shown)
        batch = session.step_wait()
        assert batch.reward.tolist() == [3, 4]
        assert batch.components["before"].tolist() == [1, 2]
        session.step_async(frame=frames(9, 6), mask=np.array([False, True]))
        batch = session.step_wait()
        assert (batch.reward.tolist(), batch.outcome.tolist()) == ([0, 6], [Outcome.SKIPPED, 0])
        session.step_async(frame=frames(7, 8))
        assert session.step_wait().components["before"].tolist() == [3, 6]
        with pytest.raises(car.ShapeError, match="frame"):
            session.step_async(frame=shown[:1])
        # Nothing is under way then, and nothing has changed.
        assert session.step(frame=frames(5, 5)).components["before"].tolist() == [7, 8]


def test_a_frame_that_ends_badly_says_so_when_it_is_waited_for() -> None:
    source = "def reward(frame):\n    return 1.0 / float(frame[0, 0, 0])\n"
    with closing(load(source)) as program, program.start(2) as session:
        session.reset(frame=frames(1, 1))
        session.step_async(frame=frames(1, 0))
        with pytest.raises(car.RewardError, match="ZeroDivisionError"):
            session.step_wait()
        session.step_async(frame=frames(1, 4))
        assert session.step_wait().reward.tolist() == [1.0, 0.25]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["step", "reset"]), st.integers(0, 7)), max_size=12))
def test_masks_keep_the_frames_of_the_others(
    program: car.RewardProgram, calls: list[tuple[str, int]]
) -> None:
    """A model in plain Python says what each environment's program has to see."""
    with program.start(3) as session:
        session.reset(frame=frames(1, 2, 3))
        first, last = [1, 2, 3], [1, 2, 3]
        now = 3
        for call, bits in calls:
            mask = np.array([bits >> k & 1 for k in range(3)], np.bool_)
            values = [now := now + 1 for _ in range(3)]
            if call == "reset":
                session.reset(frame=frames(*values), mask=mask)
                first = [v if m else f for v, m, f in zip(values, mask, first, strict=True)]
            else:
                batch = session.step(frame=frames(*values), mask=mask)
                for row in np.flatnonzero(mask).tolist():
                    assert batch.reward[row] == values[row]
                    assert batch.components["before"][row] == last[row]
                    assert batch.components["initial"][row] == first[row]
                    assert batch.components["first"][row] == first[row]
            last = [v if m else o for v, m, o in zip(values, mask, last, strict=True)]


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("frame", "frame"),
        ("image", "frame"),
        ("initial_frame", "initial_frame"),
        ("initial_image", "initial_frame"),
        ("prev_frame", "prev_frame"),
        ("_frame", "frame"),
    ],
)
def test_a_frame_is_bound_by_its_name(name: str, slot: str) -> None:
    program = load(f"def reward({name}):\n    return float({name}[0, 0, 0])\n")
    (param,) = program.plan.reward.params  # type: ignore[union-attr]
    assert (param.slot, param.view) == (slot, "")
    program.close()


def test_next_to_next_frame_a_frame_is_the_one_before() -> None:
    program = load(
        "def reward(frame, next_frame):\n    return float(next_frame[0,0,0]) - frame[0,0,0]"
    )
    with program.start(1) as session:
        session.reset(frame=frames(5))
        assert session.step(frame=frames(9)).reward[0] == 4


def test_a_field_of_that_name_is_the_field() -> None:
    space = gs.Dict(image=gs.Box(0, 10, (4,)))
    program = load("def reward(image):\n    return image.sum()\n", spaces=(space, gs.Discrete(2)))
    (param,) = program.plan.reward.params  # type: ignore[union-attr]
    assert (param.slot, param.path) == ("next_obs", ("image",))
    program.close()


def test_a_misspelt_frame_names_the_nearest() -> None:
    report = car.check("def reward(frames):\n    return 0.0\n", spaces=SPACES, frame=SIZE)
    assert [item.rule for item in report.errors] == ["CAR110"]
    assert "did you mean `frame`" in report.errors[0].hint


# Order of the channels ----------------------------------------------------------------------------


def test_bgr_is_made_where_the_row_is_handed_over() -> None:
    source = "def reward(frame):\n    return frame[0, 0, 0] * 1.0 + 1000.0 * frame[0, 0, 2]\n"
    frame = frames(0)
    frame[..., 0], frame[..., 2] = 7, 9
    for order, want in (("rgb", 9007.0), ("bgr", 7009.0)):
        program = load(source, frame_order=order)
        with program.start(1) as session:
            session.reset()
            assert session.step(frame=frame).reward[0] == want


PATHS = """
import cv2

class Checker:
    def __init__(self):
        self.kept = None

    def _load(self, path):
        return cv2.imread(path)

    def check_and_progress(self, image_path):
        image = self._load(image_path)
        if self.kept is None:
            self.kept = image_path
        first = cv2.imread(self.kept)
        other = cv2.imread("other.png")
        return float(image[0, 0, 2]) + (0.5 if other is None else 0.0), {
            "first": float(first[0, 0, 2])
        }
"""


def test_a_path_reads_as_bgr_and_stays_readable() -> None:
    pytest.importorskip("cv2")
    frame = frames(0)
    with load(PATHS).start(1) as session:
        session.reset()
        for value in (11, 22, 33):
            frame[..., 0] = value  # red
            batch = session.step(frame=frame)
            assert batch.reward[0] == value + 0.5
            assert batch.components["first"][0] == 11


# What does not fit --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (None, "not given"),
        (np.zeros((1, 8, 8, 3), np.uint8), "loaded for frames of 6 by 5"),
        (np.zeros((8, 8, 3), np.uint8), "loaded for frames of 6 by 5"),
        (np.zeros((1, *SIZE)), "frame.astype(np.uint8)"),
        ([np.zeros(SIZE, np.uint8), np.zeros((2, 2, 3), np.uint8)], "different sizes"),
        (np.zeros((2, *SIZE), np.uint8), "uint8 (2, 6, 5, 3); want uint8 (1, 6, 5, 3)"),
    ],
)
def test_a_wrong_frame_is_an_error_that_changes_nothing(
    program: car.RewardProgram, frame: Any, text: str
) -> None:
    with program.start(1) as session:
        session.reset(frame=frames(1))
        session.step(frame=frames(2))
        with pytest.raises(car.ShapeError) as caught:
            session.step(frame=frame)
        assert text in str(caught.value)
        assert session.step(frame=frames(3)).components["before"][0] == 2


@pytest.mark.parametrize("frame", [(4, 4), (0, 4, 3), (4, 4, 1), "big", gs.Box(0, 1, (4, 4, 3))])
def test_what_is_no_frame_is_refused_at_load(frame: Any) -> None:
    with pytest.raises(car.OptionError, match="frame="):
        load("def reward(frame):\n    return 0.0\n", frame=frame)


def test_a_box_declares_frames() -> None:
    box = gs.Box(0, 255, SIZE, np.uint8)
    program = load("def reward(frame):\n    return frame.mean()\n", frame=box)
    assert program.frame_shape == SIZE
    assert program.reads_frames
    program.close()


# Going on, saving, other ways to run --------------------------------------------------------------


def test_a_state_takes_the_frames_along() -> None:
    source = "def reward(frame, prev_frame, initial_frame):\n    return 1.0 * prev_frame[0,0,0] + 100.0 * initial_frame[0,0,0]\n"
    program = load(source)
    with program.start(1) as one:
        one.reset(frame=frames(1))
        one.step(frame=frames(2))
        state = one.state_dict()
    with program.start(1) as other:
        other.load_state_dict(state)
        assert other.step(frame=frames(3)).reward[0] == 102


def test_a_recorded_class_goes_on_with_its_frames(program: car.RewardProgram) -> None:
    with program.start(2, record_episodes=True) as one:
        one.reset(frame=frames(1, 2))
        one.step(frame=frames(3, 4))
        state = one.state_dict()
    with program.start(2, record_episodes=True) as other:
        other.load_state_dict(state)
        batch = other.step(frame=frames(5, 6))
        assert batch.components["before"].tolist() == [3, 4]
        assert batch.components["first"].tolist() == [1, 2]


def test_a_failure_on_a_frame_is_saved_and_replayed(tmp_path: Path) -> None:
    source = "def reward(frame):\n    return 1.0 / (frame[0, 0, 0] - 7.0) if frame[0, 0, 0] != 7 else [][0]\n"
    with load(source, frame_order="bgr").start(2, on_error="nan") as session:
        session.reset()
        batch = session.step(frame=frames(1, 7))
        failure = batch.failure(1)
        assert failure is not None
        failure.save(tmp_path / "x.json")
    again = load_repro(tmp_path / "x.json").replay()
    assert again.same
    assert again.outcome is Outcome.ERROR


def test_plain_python_sees_the_same_frames() -> None:
    pytest.importorskip("cv2")
    rng = np.random.default_rng(0)
    shown = rng.integers(0, 256, (6, *SIZE)).astype(np.uint8)
    for source, order in ((SEEN, "rgb"), (SEEN, "bgr"), (PATHS, "rgb")):
        program = load(source, frame_order=order)
        plain = PlainReward(program, 1, trust=True)
        plain.reset(0, 0, shown[0])
        with program.start(1) as session:
            session.reset(frame=shown[:1])
            for t in range(1, 6):
                batch = session.step(frame=shown[t : t + 1])
                row = {"obs": 0, "next_obs": 0, "frame": shown[t]}
                assert plain.step(0, row) == batch.reward[0]


def test_a_step_that_is_begun_gets_its_frames(program: car.RewardProgram) -> None:
    with program.start(1) as session:
        session.reset(frame=frames(1))
        session.step_async(frame=frames(2))
        assert session.step_wait().reward[0] == 2


def test_an_evaluation_looks_at_a_frame() -> None:
    program = load("def reward(frame):\n    return 1.0 * frame[0, 0, 0]\n")
    with program.start(1) as session:
        session.reset()
        assert session.evaluate(frame=frames(9)).reward[0] == 9


# Environments -------------------------------------------------------------------------------------


class Counter(gym.Env[Any, Any]):
    """Draws how many steps it has made; an episode ends after three."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012
    observation_space = gs.Discrete(256)
    action_space = gs.Discrete(2)

    def __init__(self, start: int = 0, render_mode: str | None = "rgb_array") -> None:
        self.render_mode = render_mode
        self.start, self.count, self.episode = start, 0, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.count = 0
        self.episode += 1
        return 0, {}

    def step(self, action: Any) -> Any:
        self.count += 1
        return self.count, 0.0, self.count == 3, False, {}

    def render(self) -> Any:
        return np.full(SIZE, self.start + 10 * self.episode + self.count, np.uint8)


def _drawn(start: int) -> RenderFrames:
    return RenderFrames(Counter(start))


def wanted(start: int, steps: int) -> list[tuple[int, int, int]]:
    """Frame, frame before and first frame of each transition."""
    found = []
    for t in range(steps):
        base = start + 10 * (t // 3 + 1)
        found.append((base + t % 3 + 1, base + t % 3, base))
    return found


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_every_autoreset_mode_shows_the_frames_of_the_episode(
    program: car.RewardProgram, mode: AutoresetMode
) -> None:
    venv = SyncVectorEnv([partial(_drawn, 100 * k) for k in range(2)], autoreset_mode=mode)
    env = car.CodeRewardVectorWrapper(venv, program)
    env.reset()
    seen: list[list[tuple[float, ...]]] = [[], []]
    while len(seen[0]) < 8:
        _, reward, ended, cut, info = env.step(np.zeros(2, np.int64))
        for k in range(2):
            if info["outcome"][k] != Outcome.SKIPPED:
                parts = info["components"]
                seen[k].append((reward[k], parts["before"][k], parts["initial"][k]))
        if mode is AutoresetMode.DISABLED and (ended | cut).any():
            env.reset(options={"reset_mask": ended | cut})
    env.close()
    for k in range(2):
        assert seen[k] == wanted(100 * k, len(seen[k]))


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_rendering_outside_is_right_where_nothing_resets_in_between(
    program: car.RewardProgram, mode: AutoresetMode
) -> None:
    venv = SyncVectorEnv([Counter], autoreset_mode=mode)
    env = car.CodeRewardVectorWrapper(venv, program, frame_source="render")
    env.reset()
    seen: list[tuple[float, ...]] = []
    while len(seen) < 5:
        _, reward, ended, cut, info = env.step(np.zeros(1, np.int64))
        if info["outcome"][0] != Outcome.SKIPPED:
            parts = info["components"]
            seen.append((reward[0], parts["before"][0], parts["initial"][0]))
        if mode is AutoresetMode.DISABLED and (ended | cut).any():
            env.reset(options={"reset_mask": ended | cut})
    env.close()
    assert seen == wanted(0, 5)


def test_rendering_outside_is_refused_where_the_last_frame_would_be_lost(
    program: car.RewardProgram,
) -> None:
    venv = SyncVectorEnv([Counter], autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(car.OptionError, match="the last frame of an episode is lost"):
        car.CodeRewardVectorWrapper(venv, program, frame_source="render")
    venv.close()


def test_frames_can_be_drawn_from_observations(program: car.RewardProgram) -> None:
    def draw(obs: Any) -> Any:
        return np.broadcast_to(np.asarray(obs, np.uint8).reshape(-1, 1, 1, 1), (len(obs), *SIZE))

    venv = SyncVectorEnv([Counter] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    env = car.CodeRewardVectorWrapper(venv, program, frame_source=ComputedFrames(draw))
    env.reset()
    seen = [env.step(np.zeros(2, np.int64))[1].tolist() for _ in range(4)]
    env.close()
    assert seen == [[1, 1], [2, 2], [3, 3], [1, 1]]


def test_one_environment_renders_by_itself(program: car.RewardProgram) -> None:
    env = car.CodeRewardWrapper(Counter(), program)
    env.reset()
    assert [env.step(0)[1] for _ in range(3)] == [11, 12, 13]
    env.close()


def test_an_environment_without_frames_says_what_to_do(program: car.RewardProgram) -> None:
    venv = SyncVectorEnv([Counter])
    env = car.CodeRewardVectorWrapper(venv, program)
    with pytest.raises(car.OptionError, match="RenderFrames"):
        env.reset()
    env.close()


def test_a_source_for_a_program_without_frames_is_refused() -> None:
    with pytest.raises(car.OptionError, match="looks at no frame"):
        car.CodeRewardWrapper(
            Counter(), "def reward(obs):\n    return 0.0\n", frame_source="render"
        )


def test_a_frame_of_another_size_says_which_one_the_program_is_for(
    program: car.RewardProgram,
) -> None:
    env = car.CodeRewardWrapper(
        Counter(), program, frame_source=lambda _: np.zeros((9, 9, 3), np.uint8)
    )
    with pytest.raises(car.ShapeError, match="loaded for frames of 6 by 5"):
        env.reset()
    env.close()


def test_the_size_of_what_an_environment_draws_is_found() -> None:
    assert frame_shape_of(Counter()) == SIZE
    assert frame_shape_of(Counter(render_mode=None)) is None


def look_at(parameter: str) -> str:
    return f"def reward({parameter}):\n    return float({parameter}.shape[0])\n"


def test_the_size_of_a_frame_is_that_of_what_the_environment_draws() -> None:
    """The caller's own environment is neither reset nor drawn from before its first reset."""
    own = gym.make("MiniGrid-Empty-5x5-v0", render_mode="rgb_array", tile_size=8)
    own.reset(seed=3)
    own.unwrapped.np_random.random()
    before = own.unwrapped.np_random.bit_generator.state
    fresh = gym.make("MiniGrid-Empty-5x5-v0", render_mode="rgb_array", tile_size=8)
    for env in (own, fresh, RenderFrames(fresh)):
        with closing(car.load(look_at("frame"), env, tier="interpreted")) as program:
            assert program.frame_shape == (40, 40, 3)
            assert program.report.facts["frame"] == "40 x 40, as the environment draws it"
    assert own.unwrapped.np_random.bit_generator.state == before
    assert own.get_wrapper_attr("step_count") == 0
    with pytest.raises(gym.error.ResetNeeded):
        fresh.step(0)


@pytest.mark.parametrize("made", ["id", "make_vec", "list", "compiled"])
def test_the_size_of_a_frame_is_found_for_vector_environments_and_ids(made: str) -> None:
    name = "MiniGrid-Empty-5x5-v0"
    options: dict[str, Any] = {"render_mode": "rgb_array", "tile_size": 8}
    env: Any = name
    size = (160, 160, 3) if made == "id" else (40, 40, 3)
    if made == "make_vec":
        env = gym.make_vec(name, 2, vectorization_mode="sync", wrappers=[RenderFrames], **options)
    elif made == "list":
        env = SyncVectorEnv([lambda: RenderFrames(gym.make(name, **options))] * 2)
    elif made == "compiled":
        env = MiniGridVectorEnv("MiniGrid-DoorKey-5x5-v0", 2, info_frames=True, **options)
    with closing(car.load(look_at("frame"), env, tier="interpreted")) as program:
        assert program.frame_shape == size
    if made != "id":
        wrapped = car.CodeRewardVectorWrapper(env, look_at("frame"))
        wrapped.reset(seed=0)
        assert wrapped.step(np.zeros(2, np.int64))[1].tolist() == [40, 40]
        wrapped.close()


def test_a_frame_in_the_observation_has_the_size_that_its_space_tells() -> None:
    class Seeing(Counter):
        observation_space = gs.Box(0, 255, (4, 7, 3), np.uint8)  # type: ignore[assignment]

        def reset(self, **given: Any) -> Any:
            super().reset(**given)
            return np.zeros((4, 7, 3), np.uint8), {}

    env = car.CodeRewardWrapper(Seeing(), look_at("frame"), frame_source="obs")
    assert env.program.frame_shape == (4, 7, 3)
    env.close()


def test_where_the_size_cannot_be_had_the_finding_says_why() -> None:
    silent = gym.make("MiniGrid-Empty-5x5-v0")
    with pytest.raises(car.LoadError, match=r"draws no frames .render_mode is None"):
        car.load(look_at("frame"), silent)
    with pytest.raises(car.LoadError, match=r"frame=.height, width, 3."):
        car.load(look_at("frame"), spaces=SPACES)

    class Watched(Counter):
        def render(self) -> Any:
            raise RuntimeError("reset me first")

    with pytest.raises(car.LoadError, match=r"Watched is not registered.*reset it before"):
        car.load(look_at("frame"), Watched())
    # One that draws before its reset, or was reset, tells it itself.
    with closing(car.load(look_at("frame"), Counter(), tier="interpreted")) as program:
        assert program.frame_shape == SIZE


def test_a_program_without_frames_has_nothing_drawn() -> None:
    class Broken(Counter):
        def render(self) -> Any:
            raise AssertionError("nobody asked for a frame")

    with closing(car.load("def reward(obs):\n    return 1.0\n", Broken())) as program:
        assert program.frame_shape is None


# Recorded episodes --------------------------------------------------------------------------------


def test_recorded_frames_are_replayed_and_relabelled() -> None:
    recorded = car.collect(Counter(), lambda _obs: 0, 2, frames=True)
    source = (
        "def reward(frame, prev_frame):\n    return 1.0 * frame[0, 0, 0] - prev_frame[0, 0, 0]\n"
    )
    program = load(source, spaces=(gs.Discrete(256), gs.Discrete(2)))
    found = car.relabel(program, recorded)
    assert found.reward.tolist() == [1.0] * 6
    program.close()


def test_episodes_without_frames_are_refused() -> None:
    recorded = car.collect(Counter(), lambda _obs: 0, 1)
    program = load(
        "def reward(frame):\n    return frame.mean()\n",
        spaces=(gs.Discrete(256), gs.Discrete(2)),
    )
    with pytest.raises(car.OptionError, match="frames=True"):
        car.relabel(program, recorded)
    program.close()


def test_all_ways_of_running_are_measured_on_the_same_frames() -> None:
    rows = sample(car.collect(Counter(), lambda _obs: 0, 2, frames=True))
    spaces = (gs.Discrete(256), gs.Discrete(2))

    def load_as(**wishes: Any) -> car.RewardProgram:
        return car.load(SEEN, spaces=spaces, frame=SIZE, **wishes)

    found = measure(load_as, rows, (4,), trust=True, seconds=0.01)
    assert {item.way for item in found} >= {"plain exec", "interpreted, isolated"}
    assert all(item.equal and not item.bad for item in found)
    assert rows.frame is not None
    assert rows.before is not None
    assert (rows.frame[:, 0, 0, 0] - rows.before[:, 0, 0, 0]).tolist() == [1] * 6
