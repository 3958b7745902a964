"""Bad input of every kind, through the worker and the public names, as a user meets it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import carruntime as car
from carruntime.cli import main

SPACES = (gym.spaces.Box(-1.0, 1.0, (3,), np.float64), gym.spaces.Discrete(4))
GOOD = "def reward(obs, action, next_obs):\n    return float(next_obs[0])\n"

TEXTS = {
    "not UTF-8": (b"def reward(obs):\n    return '\xff'\n", "SBX1", "UTF-8"),
    "empty": (b"", "SBX1", "holds no statement"),
    "does not parse": (b"def reward(obs:\n    return 1\n", "SBX1", "was never closed"),
    "no entry": (b"LIMIT = 3\n", "CAR1", "entry"),
    "two entries": (
        b"def one(obs):\n    return 1.0\n\ndef two(obs):\n    return 2.0\n",
        "CAR1",
        "entry",
    ),
    "unknown parameter": (b"def reward(obs, actoin):\n    return 1.0\n", "CAR1", "actoin"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_cannot_be_a_program_is_refused_with_rule_reason_and_advice(
    name: str, tmp_path: Path
) -> None:
    source, rule, said = TEXTS[name]
    path = tmp_path / "program.py"
    path.write_bytes(source)
    report = car.check(path, spaces=SPACES)
    assert not report.ok
    assert any(item.rule.startswith(rule) for item in report.errors)
    assert said in report.render()
    assert all(item.why and item.hint for item in report.errors)
    with pytest.raises(car.LoadError):
        car.load(path, spaces=SPACES)


def test_the_nearest_parameter_is_named() -> None:
    report = car.check("def reward(obs, actoin):\n    return 1.0\n", spaces=SPACES)
    assert "`action`" in report.render()


@pytest.mark.parametrize("name", TEXTS)
def test_the_command_line_ends_with_one_for_a_refused_text(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "program.py"
    path.write_bytes(TEXTS[name][0])
    assert main(["check", str(path), "--env", "CartPole-v1"]) == 1
    assert TEXTS[name][1] in capsys.readouterr().out


def test_a_missing_file_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "no_such_program.py"]) == 2
    assert "no_such_program.py" in capsys.readouterr().err


def test_a_wrong_shape_names_what_came_and_what_is_wanted_and_changes_nothing() -> None:
    with car.load(GOOD, spaces=SPACES).start(num_envs=2) as session:
        session.reset()
        with pytest.raises(car.ShapeError, match=r"next_obs.*\(2, 4\).*\(2, 3\)"):
            session.step(next_obs=np.zeros((2, 4)))
        batch = session.step(next_obs=np.full((2, 3), 0.5))
        assert batch.reward.tolist() == [0.5, 0.5]


def test_a_closed_session_says_so() -> None:
    session = car.load(GOOD, spaces=SPACES).start(num_envs=1)
    session.close()
    with pytest.raises(car.SessionClosedError, match="start a new one"):
        session.step(next_obs=np.zeros((1, 3)))


@pytest.mark.parametrize("tier", ["interpreted", "auto"])
def test_a_program_that_never_ends_runs_out_of_fuel_on_its_rows_only(tier: str) -> None:
    source = (
        "def reward(next_obs):\n"
        "    n = 0\n"
        "    while next_obs[0] > 0:\n"
        "        n += 1\n"
        "    return float(n)\n"
    )
    program = car.load(source, spaces=SPACES, tier=tier, limits=car.Limits(fuel=50_000))  # type: ignore[arg-type]
    with program.start(num_envs=3, on_error="nan") as session:
        session.reset()
        rows = np.array([[-1.0, 0, 0], [1.0, 0, 0], [-1.0, 0, 0]])
        batch = session.step(next_obs=rows)
        assert batch.outcome.tolist() == [car.Outcome.OK, car.Outcome.OUT_OF_FUEL, car.Outcome.OK]
        assert session.step(next_obs=-np.ones((3, 3))).ok


def test_a_program_that_allocates_without_end_runs_out_of_memory_or_fuel() -> None:
    source = (
        "def reward(next_obs):\n"
        "    box = [0.0] * 64\n"
        "    while next_obs[0] > 0:\n"
        "        box = box + box\n"
        "    return float(len(box))\n"
    )
    with car.load(source, spaces=SPACES).start(num_envs=2, on_error="zero") as session:
        session.reset()
        batch = session.step(next_obs=np.array([[1.0, 0, 0], [-1.0, 0, 0]]))
        assert batch.outcome[0] in {car.Outcome.OUT_OF_MEMORY, car.Outcome.OUT_OF_FUEL}
        assert batch.reward.tolist() == [0.0, 64.0]


def test_a_worker_killed_between_steps_is_replaced_and_the_session_goes_on() -> None:
    with car.load(GOOD, spaces=SPACES).start(num_envs=2) as session:
        session.reset()
        before = session.step(next_obs=np.full((2, 3), 0.25))
        for pid in workers():
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 10.0
        while workers() and time.monotonic() < deadline:
            time.sleep(0.01)
        after = session.step(next_obs=np.full((2, 3), 0.25))
        assert after.reward.tolist() == before.reward.tolist()


def workers() -> list[int]:
    """Give the processes below this one that have no processes below themselves."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])

    def mine(pid: int) -> bool:
        while pid in parents:
            pid = parents[pid]
            if pid == os.getpid():
                return True
        return False

    return [pid for pid in parents if mine(pid) and pid not in parents.values()]
