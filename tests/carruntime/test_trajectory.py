"""Recorded episodes: shapes that must agree, and padding that nothing may notice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from carruntime.errors import OptionError
from carruntime.trajectory import Padded, Trajectory, TrajectorySet, leading_size, stack, take


def _trajectory(length: int, **changes: Any) -> Trajectory:
    parts: dict[str, Any] = {
        "observations": {
            "x": np.arange(length + 1, dtype=np.float32)[:, None],
            "say": tuple(f"t{i}" for i in range(length + 1)),
            "pair": (np.arange(length + 1), tuple("ab"[i % 2] for i in range(length + 1))),
        },
        "actions": np.arange(length),
        "rewards": np.zeros(length),
        "terminated": np.zeros(length, bool),
        "truncated": np.zeros(length, bool),
        "env_id": "Env-v0",
    }
    return Trajectory(**{**parts, **changes})


def test_a_trajectory_has_one_observation_more_than_actions() -> None:
    with pytest.raises(OptionError, match="observations with 4 entries beside 4 actions"):
        _trajectory(4, observations=np.zeros((4, 2)))


def test_all_wrong_lengths_are_named_at_once() -> None:
    with pytest.raises(OptionError, match=r"rewards \(3,\), terminated \(5,\) beside 4 actions"):
        _trajectory(4, rewards=np.zeros(3), terminated=np.zeros(5, bool))


def test_parts_of_an_observation_share_the_time_axis() -> None:
    mixed = {"x": np.zeros(5), "y": np.zeros(4)}
    with pytest.raises(OptionError, match=r"observations\['y'\] has 4 entries, .*\['x'\] has 5"):
        _trajectory(4, observations=mixed)


def test_an_episode_that_goes_on_after_its_end_is_two() -> None:
    ended = np.array([False, True, False, False])
    with pytest.raises(OptionError, match="ends on transition 1 of 4"):
        _trajectory(4, terminated=ended)


def test_an_empty_episode_is_none() -> None:
    with pytest.raises(OptionError, match="0 entries"):
        _trajectory(0)


def test_a_set_holds_one_environment() -> None:
    with pytest.raises(OptionError, match="one environment"):
        TrajectorySet(trajectories=(_trajectory(2, env_id="Other-v0"),), env_id="Env-v0")


def test_a_slice_of_a_set_is_a_set() -> None:
    whole = TrajectorySet(
        trajectories=(_trajectory(2), _trajectory(3), _trajectory(4)), env_id="Env-v0", horizon=9
    )
    part = whole[1:]
    assert isinstance(part, TrajectorySet)
    assert (len(part), part.transitions, part.horizon) == (2, 7, 9)


def test_samples_of_any_shape_come_back_from_the_stack() -> None:
    samples: list[dict[str, Any]] = [
        {"x": np.full(2, i, np.uint8), "n": i, "say": f"s{i}", "pair": (float(i), "z")}
        for i in range(3)
    ]
    column = stack(samples)
    assert leading_size(column) == 3
    assert column["x"].dtype == np.uint8
    assert column["n"].dtype == np.int64
    again = take(column, 1)
    assert again["say"] == "s1"
    assert again["pair"] == (1.0, "z")
    assert np.array_equal(again["x"], samples[1]["x"])


def test_samples_of_two_shapes_share_no_column() -> None:
    with pytest.raises(OptionError, match=r"shapes \(2,\) and \(3,\)"):
        stack([np.zeros(2), np.zeros(3)])


def test_padding_repeats_the_last_entry_behind_the_mask() -> None:
    short, long = _trajectory(2), _trajectory(4)
    padded = Padded([short, long])
    assert padded.mask.tolist() == [[True, True], [True, True], [False, True], [False, True]]
    last = padded.observation(4)
    assert last["x"].tolist() == [[2.0], [4.0]]
    assert last["say"] == ("t2", "t4")
    assert last["pair"][0].tolist() == [2, 4]
    assert last["pair"][1] == ("a", "a")
    assert padded.action(3).tolist() == [1, 3]


def test_padding_never_repeats_an_end() -> None:
    short = _trajectory(2, terminated=np.array([False, True]))
    padded = Padded([short, _trajectory(4)])
    assert padded.terminated[:, 0].tolist() == [False, True, False, False]
