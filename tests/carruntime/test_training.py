"""Training runs: stopped and taken up again, stored, drawn, and refused where they must be."""

from __future__ import annotations

import csv
import errno
import importlib.util
import json
import math
import os
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import carruntime as car
from carruntime.cli import main
from carruntime.errors import OptionError
from carruntime.training.curves import Point, average, read_points, write_points
from carruntime.training.experiment import run_experiment, want_extra
from carruntime.training.files import write_bytes
from carruntime.training.settings import Settings

pytest.importorskip("stable_baselines3")
pytest.importorskip("matplotlib")

import torch

from carruntime.training.learner import GridFeatures
from carruntime.training.run import CHECKPOINT, Run, train_seed

ENV = "MiniGrid-DoorKey-5x5-v0"
SMALL: dict[str, Any] = {
    "num_envs": 8,
    "rollout_steps": 16,
    "minibatch": 64,
    "epochs": 2,
    "eval_every": 400,
    "eval_episodes": 2,
    "checkpoint_every": 256,
}
TASKS = """
def key(image):
    return image[3, 6, 0] == 5


def door(image):
    return bool(((image[:, :, 0] == 4) & (image[:, :, 2] == 0)).any())


TASKS = [key, door]
"""
COUNTING = """
class Reward:
    def __init__(self):
        self.seen = 0

    def step(self, obs):
        self.seen = self.seen + 1
        return 0.001 * self.seen + 0.1 * float(obs["image"][3, 6, 0] == 5)
"""


class StoppedError(Exception):
    """Somebody pulled the plug."""


def stop_at(steps: int) -> Any:
    def progress(done: int, total: int) -> None:
        if done >= steps:
            raise StoppedError

    return progress


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(folder / CHECKPOINT, weights_only=False)["policy"]
    return state


def same(first: Run, second: Run) -> bool:
    return [str(point) for point in first.points] == [str(point) for point in second.points]


@pytest.mark.parametrize("source", [COUNTING], ids=["class"])
def test_a_run_that_was_stopped_ends_with_the_bits_of_one_that_was_not(
    source: str, tmp_path: Path
) -> None:
    settings = Settings(ENV, total_steps=1024, **SMALL)
    program = car.load(source, ENV, isolation="none")
    whole = train_seed(settings, 3, tmp_path / "whole", program=program)
    with pytest.raises(StoppedError):
        train_seed(settings, 3, tmp_path / "parts", program=program, progress=stop_at(700))
    parts = train_seed(settings, 3, tmp_path / "parts", program=program, resume=True)
    program.close()
    assert parts.resumed_at == 512
    assert parts.exact
    assert same(parts, whole)
    assert parts.outcomes == whole.outcomes == {"OK": 1024}
    wanted, got = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)
    other = train_seed(Settings(ENV, total_steps=1024, **SMALL), 4, tmp_path / "other")
    assert not same(other, whole)


def test_a_program_that_looks_at_frames_trains_and_goes_on(tmp_path: Path) -> None:
    """What it saw last and first is in the checkpoint, too."""
    source = (
        "def reward(frame, prev_frame, initial_frame):\n"
        "    moved = float((frame != prev_frame).sum())\n"
        "    return 0.001 * moved - 0.0001 * float((frame != initial_frame).sum())\n"
    )
    program = car.load(source, ENV, frame=(40, 40, 3), isolation="none")
    settings = Settings(ENV, total_steps=512, **SMALL)
    whole = train_seed(settings, 0, tmp_path / "whole", program=program)
    with pytest.raises(StoppedError):
        train_seed(settings, 0, tmp_path / "parts", program=program, progress=stop_at(300))
    parts = train_seed(settings, 0, tmp_path / "parts", program=program, resume=True)
    program.close()
    assert parts.resumed_at == 256
    assert same(parts, whole)
    wanted, got = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)


def test_evaluation_changes_nothing(tmp_path: Path) -> None:
    often = Settings(ENV, total_steps=512, **SMALL | {"eval_every": 128})
    seldom = Settings(ENV, total_steps=512, **SMALL | {"eval_every": 10**6})
    train_seed(often, 0, tmp_path / "often")
    train_seed(seldom, 0, tmp_path / "seldom")
    wanted, got = weights(tmp_path / "often"), weights(tmp_path / "seldom")
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    settings = Settings(ENV, total_steps=128, **SMALL)
    train_seed(settings, 0, tmp_path)
    other = Settings(ENV, total_steps=128, **SMALL | {"epochs": 1})
    with pytest.raises(OptionError, match="epochs 1 is not 2"):
        train_seed(other, 0, tmp_path, resume=True)
    with pytest.raises(OptionError, match="seed 0 is not 1"):
        train_seed(settings, 1, tmp_path, resume=True)
    (tmp_path / CHECKPOINT).write_bytes(b"half")
    with pytest.raises(OptionError, match="cannot be read"):
        train_seed(settings, 0, tmp_path, resume=True)


def test_views_become_ones_and_zeros() -> None:
    space = gym.spaces.Dict(
        {
            "image": gym.spaces.Box(0, 10, (7, 7, 3), np.uint8),
            "direction": gym.spaces.Discrete(4),
        }
    )
    features = GridFeatures(space, width=4)
    features.layers = torch.nn.Sequential()
    rng = np.random.default_rng(0)
    image = np.stack([rng.integers(0, n, (5, 7, 7)) for n in (11, 6, 3)], axis=-1)
    direction = np.eye(4)[[0, 1, 2, 3, 0]]
    hot = features(
        {
            "image": torch.tensor(image, dtype=torch.float32),
            "direction": torch.tensor(direction, dtype=torch.float32),
        }
    ).numpy()
    wanted = np.concatenate(
        [np.eye(n)[image[..., k]] for k, n in enumerate((11, 6, 3))], axis=-1
    ).reshape(5, -1)
    assert np.array_equal(hot, np.concatenate([wanted, direction], axis=1))


# Curves and files -------------------------------------------------------------------------


def point(steps: int, value: float) -> Point:
    return Point(steps, 1, 0.0, 0.0, value, value)


def test_a_curve_is_averaged_with_its_standard_error() -> None:
    runs = [[point(0, 0.1), point(10, 1.0)], [point(0, 0.3), point(10, 2.0)], [point(0, 0.8)]]
    first, second = average(runs)
    assert first.seeds == 3
    assert first.eval_return == pytest.approx(0.4)
    assert first.return_error == pytest.approx(np.std([0.1, 0.3, 0.8], ddof=1) / math.sqrt(3))
    assert (second.steps, second.seeds, second.eval_return) == (10, 2, 1.5)
    assert second.return_error == pytest.approx(0.5)
    assert math.isnan(average([[point(0, 1.0)]])[0].return_error)


def test_a_curve_is_read_as_it_was_written(tmp_path: Path) -> None:
    points = [Point(0, 0, math.nan, math.nan, 0.25, 0.5), Point(4096, 17, 0.1, 1.0, 0.75, 1.0)]
    write_points(tmp_path / "curve.csv", points)
    assert list(map(str, read_points(tmp_path / "curve.csv"))) == list(map(str, points))
    (tmp_path / "curve.csv").write_text("a,b\n1,2\n")
    with pytest.raises(OptionError, match="no learning curve"):
        read_points(tmp_path / "curve.csv")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "checkpoint"
    write_bytes(place, b"before")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OptionError, match=r"No space left on device.*--resume"):
        write_bytes(place, b"after")
    assert place.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [place]


def test_what_is_missing_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(OptionError, match=r"needs torch.*carruntime\[train\]"):
        want_extra()
    with pytest.raises(OptionError, match="needs torch"):
        run_experiment(Settings(ENV), [0], tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


# The command ------------------------------------------------------------------------------


def command(folder: Path, *more: str, steps: int = 600) -> list[str]:
    options = ["train", "--env", ENV, "--out", str(folder), "--steps", str(steps)]
    return [*options, "--envs", "8", "--eval-every", "300", "--eval-episodes", "2", *more]


def test_the_command_trains_stores_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "reward.py"
    program.write_text(TASKS)
    folder = tmp_path / "runs"
    more = ["--reward", str(program), "--seeds", "0,1"]
    assert main(command(folder, *more)) == 0
    told = capsys.readouterr().out
    assert "compiled MiniGrid" in told
    assert "standard error over seeds" in told
    with (folder / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["seeds"] for row in rows] == ["2"] * len(rows)
    assert (folder / "curve.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (folder / "program.py").read_text() == TASKS
    assert (folder / "seed-1" / "model.zip").exists()

    assert main(command(folder, *more)) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(command(folder, *more, "--resume", "--json")) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["environment"] == "compiled"
    assert [one["seed"] for one in summary["seeds"]] == [0, 1]
    assert summary["seeds"][0]["resumed_at"] == summary["steps"]
    assert main(command(folder, "--seeds", "0,1", "--resume")) == 2
    assert "the program is not that" in capsys.readouterr().err
    assert main(command(folder, *more, "--resume", "--entropy", "0.5")) == 2
    assert "entropy 0.5 is not 0.01" in capsys.readouterr().err


def test_plain_environments_are_told_and_resumed_with_new_episodes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "reward.py"
    program.write_text("def reward(obs, action, next_obs):\n    return 1.0 - abs(next_obs[2])\n")
    more = ["--reward", str(program), "--env", "CartPole-v1", "--json"]
    assert main(command(tmp_path / "a", *more)) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["environment"] == "gymnasium"
    assert summary["success"] is None
    assert summary["return"] > 5.0
    assert main(command(tmp_path / "a", *more, "--resume")) == 0
    assert not json.loads(capsys.readouterr().out)["seeds"][0]["exact"]


def test_a_bad_program_and_a_failing_one_end_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "reward.py"
    program.write_text("import os\n\ndef reward(obs):\n    return 0.0\n")
    assert main(command(tmp_path / "a", "--reward", str(program))) == 1
    assert "SBX" in capsys.readouterr().out
    assert not (tmp_path / "a").exists()
    program.write_text("def reward(image, t):\n    return 1 // (t - 3)\n")
    assert main(command(tmp_path / "b", "--reward", str(program))) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert main(command(tmp_path / "c", "--env", "MiniGrid-Dorkey-8x8-v0")) == 2
    assert "did you mean" in capsys.readouterr().err
