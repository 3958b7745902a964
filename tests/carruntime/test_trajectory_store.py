"""Stored episodes: what comes back is what was saved, or an error that says what is wrong."""

from __future__ import annotations

import contextlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import carruntime.trajectory_store as store
from carruntime.collection import collect
from carruntime.environments import make_env
from carruntime.errors import OptionError, ReproductionError, TrajectoryFileError
from carruntime.frame_table import FramePool, FrameTable, frame_of
from carruntime.minigrid.redraw import drawn
from carruntime.rerendering import with_frames
from carruntime.trajectory import Trajectory, TrajectorySet

ENV = "MiniGrid-DoorKey-5x5-v0"


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(left[k], right[k]) for k in left)
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, str):
        return bool(left == right)
    return left.dtype == right.dtype and np.array_equal(
        left, right, equal_nan=left.dtype.kind == "f"
    )


def _same(one: TrajectorySet, two: TrajectorySet) -> bool:
    fields = ("observations", "actions", "rewards", "terminated", "truncated", "facts", "states")
    plain = ("success", "seed", "policy", "env_id", "provenance")
    about = ("env_id", "policy", "horizon")
    return (
        all(getattr(one, name) == getattr(two, name) for name in about)
        and len(one) == len(two)
        and all(
            all(_equal(getattr(a, name), getattr(b, name)) for name in fields)
            and all(getattr(a, name) == getattr(b, name) for name in plain)
            for a, b in zip(one, two, strict=True)
        )
    )


@pytest.fixture(scope="module")
def episodes() -> TrajectorySet:
    return collect(ENV, 0.5, 5, seed=3, max_steps=40)


def test_a_saved_set_comes_back_whole(episodes: TrajectorySet, tmp_path: Path) -> None:
    path = episodes.save(tmp_path / "some.traj")
    assert _same(TrajectorySet.load(path), episodes)
    assert [entry.name for entry in tmp_path.iterdir()] == ["some.traj"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_layout_comes_back(tmp_path: Path, data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    dtype = data.draw(st.sampled_from(["uint8", "int64", "float32", "float64", "bool"]))
    words = st.text(max_size=4)
    items = []
    for length in lengths:
        numbers = np.array(
            data.draw(st.lists(st.integers(0, 1), min_size=length + 1, max_size=length + 1))
        )
        said = data.draw(st.lists(words, min_size=length + 1, max_size=length + 1))
        items.append(
            Trajectory(
                observations={"a": numbers.astype(dtype), "b": (tuple(said), numbers[:, None])},
                actions=(np.zeros((length, 2), np.float32), np.arange(length)),
                rewards=np.full(length, np.nan),
                terminated=np.zeros(length, bool),
                truncated=np.zeros(length, bool),
                success=data.draw(st.sampled_from([None, True, False])),
                facts={"x": numbers.astype(bool)} if data.draw(st.booleans()) else {},
            )
        )
    one = TrajectorySet(trajectories=tuple(items))
    assert _same(TrajectorySet.load(one.save(tmp_path / "any")), one)


def test_frames_taken_again_are_those_that_were_seen(tmp_path: Path) -> None:
    seen = collect(ENV, "random", 3, max_steps=30, frames=True)
    assert isinstance(seen[0].frames, FrameTable)
    assert seen[0].frames.shape == (31, 160, 160, 3)
    loaded = TrajectorySet.load(seen.save(tmp_path / "f"), frames=True)
    for one, two in zip(seen, loaded, strict=True):
        assert np.array_equal(np.asarray(one.frames), np.asarray(two.frames))
    assert TrajectorySet.load(tmp_path / "f")[0].frames is None


def test_frames_are_those_of_the_arguments_it_was_recorded_with() -> None:
    env = gym.make(ENV, tile_size=8)
    seen = collect(env, "expert", 1, frames=True)
    env.close()
    (again,) = with_frames(TrajectorySet(trajectories=(replace(seen[0], frames=None),), env_id=ENV))
    assert np.array_equal(np.asarray(again.frames), np.asarray(seen[0].frames))


def test_the_picture_of_the_last_step_is_that_of_the_end() -> None:
    """Whatever resets the environment afterwards: the goal is on it, under the agent."""
    (seen,) = collect(ENV, "expert", 1, frames=True)
    env = make_env(ENV)
    env.reset(seed=0)
    for action in seen.actions:
        env.step(int(action))
    assert seen.frames is not None
    assert np.array_equal(seen.frames[len(seen)], frame_of(env))
    assert seen.facts["goal_reached"].tolist() == [False] * len(seen) + [True]
    env.close()


@pytest.mark.parametrize(
    "env_id",
    [
        "MiniGrid-UnlockPickup-v0",
        "MiniGrid-KeyCorridorS3R2-v0",
        "MiniGrid-Fetch-6x6-N2-v0",
        "MiniGrid-LavaGapS5-v0",
        "MiniGrid-MultiRoom-N2-S4-v0",
    ],
)
def test_frames_drawn_from_states_are_those_of_the_environment(env_id: str) -> None:
    env = make_env(env_id, tile_size=8)
    for policy in ("expert", 0.5, "random"):
        seen = collect(env, policy, 2, max_steps=40)
        tables = drawn(env, seen.trajectories, FramePool())
        assert tables is not None
        # A rule of one's own is always asked while the episode is played again.
        for table, again in zip(tables, with_frames(seen, env, frame=frame_of), strict=True):
            assert np.array_equal(np.asarray(table), np.asarray(again.frames))
        for table, again in zip(tables, with_frames(seen, env), strict=True):
            assert isinstance(again.frames, FrameTable)
            assert np.array_equal(table.index, again.frames.index)
    env.close()


def test_what_is_not_known_to_be_exact_is_not_drawn() -> None:
    env = make_env(ENV, tile_size=4)
    item = collect(env, "expert", 1)[0]

    def exact(changed: Any, place: Any = env) -> bool:
        return drawn(place, [changed], FramePool()) is not None

    assert exact(item)
    assert not exact(replace(item, states={}))
    assert not exact(replace(item, seed=None))
    assert not exact(replace(item, seed=77))
    grid = item.states["grid"].copy()
    grid[3, 1, 1] = (5, 0, 0)
    assert not exact(replace(item, states={**item.states, "grid": grid}))
    image = {**item.observations, "image": item.observations["image"] + 1}
    assert not exact(replace(item, observations=image))
    assert not exact(item, make_env(ENV, agent_pov=True))
    assert not exact(item, make_env(ENV, agent_view_size=5))

    class Framed(type(env.unwrapped)):  # type: ignore[misc]
        def get_full_render(self, highlight: bool, tile_size: int) -> Any:
            return super().get_full_render(highlight, tile_size) // 2

    assert not exact(item, Framed(size=5))


def test_another_episode_than_the_recorded_one_gives_no_frames(episodes: TrajectorySet) -> None:
    other = replace(episodes, trajectories=(replace(episodes[0], seed=77),))
    with pytest.raises(ReproductionError, match=r"after 0 actions the observation is another"):
        with_frames(other)
    rewards = np.full(len(episodes[0]), 0.25)
    other = replace(episodes, trajectories=(replace(episodes[0], rewards=rewards, states={}),))
    with pytest.raises(ReproductionError, match=r"after 1 actions the reward is 0(\.0)?, not"):
        with_frames(other)
    with pytest.raises(OptionError, match="has no seed"):
        with_frames(replace(episodes, trajectories=(replace(episodes[0], seed=None),)))


def test_a_file_that_cannot_be_used_says_why(episodes: TrajectorySet, tmp_path: Path) -> None:
    with pytest.raises(TrajectoryFileError, match="no such file"):
        TrajectorySet.load(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(TrajectoryFileError, match="is no file of trajectories, or is damaged"):
        TrajectorySet.load(tmp_path / "text")
    with (tmp_path / "other").open("wb") as file:
        np.savez(file, x=np.zeros(3))
    with pytest.raises(TrajectoryFileError, match="is no file of trajectories"):
        TrajectorySet.load(tmp_path / "other")
    with pytest.raises(TrajectoryFileError, match="cannot be written"):
        episodes.save(tmp_path / "nowhere" / "x")


def _changed(path: Path, name: str, change: Any) -> Path:
    """Give a copy of a file with one array changed."""
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files}
    arrays[name] = change(arrays[name])
    out = path.with_name("changed")
    with out.open("wb") as file:
        np.savez(file, **arrays)
    return out


def test_a_changed_array_or_another_version_is_refused(
    episodes: TrajectorySet, tmp_path: Path
) -> None:
    path = episodes.save(tmp_path / "some")
    with pytest.raises(TrajectoryFileError, match="array 'reward' is not what was saved"):
        TrajectorySet.load(_changed(path, "reward", lambda array: array + 1.0))

    def newer(array: Any) -> Any:
        header = {**json.loads(array.tobytes()), "version": store.VERSION + 1}
        return np.frombuffer(json.dumps(header).encode(), np.uint8)

    with pytest.raises(TrajectoryFileError, match="version 2 of the format"):
        TrajectorySet.load(_changed(path, "header", newer))

    def longer(array: Any) -> Any:
        header = json.loads(array.tobytes())
        header["episodes"][0]["length"] += 1
        return np.frombuffer(json.dumps(header).encode(), np.uint8)

    with pytest.raises(TrajectoryFileError, match="do not fit together"):
        TrajectorySet.load(_changed(path, "header", longer))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.floats(0, 1), value=st.integers(1, 255))
def test_a_damaged_byte_is_an_error_or_changes_nothing(
    episodes: TrajectorySet, tmp_path: Path, place: float, value: int
) -> None:
    path = episodes.save(tmp_path / "some")
    raw = bytearray(path.read_bytes())
    raw[int(place * (len(raw) - 1))] ^= value
    path.write_bytes(bytes(raw))
    with contextlib.suppress(TrajectoryFileError):
        assert _same(TrajectorySet.load(path), episodes)


def test_no_pickle_is_loaded(episodes: TrajectorySet, tmp_path: Path) -> None:
    path = episodes.save(tmp_path / "some")
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files}
    arrays["reward"] = np.array([{"a": 1}], dtype=object)
    with path.open("wb") as file:
        np.savez(file, **arrays)
    assert zipfile.is_zipfile(path)
    with pytest.raises(TrajectoryFileError, match=r"pickle|not what was saved"):
        TrajectorySet.load(path)
