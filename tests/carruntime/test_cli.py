"""The command line: exit statuses, text for people, JSON for machines, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carruntime.cli import main
from carruntime.demo import program_path

ENV = "MiniGrid-DoorKey-8x8-v0"
TWO_ENTRIES = b"""\
def reward(obs):
    return 1.0

class Reward:
    def step(self, obs):
        return 1.0
"""


def _command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "carruntime.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_one(text: str | bytes, name: str = "program.py") -> Path:
        place = tmp_path / name
        place.write_bytes(text.encode() if isinstance(text, str) else text)
        return place

    return write_one


# Exit statuses, as a shell sees them ---------------------------------------------------------


def test_a_good_program_ends_with_0() -> None:
    done = _command("check", program_path("subtasks"))
    assert (done.returncode, done.stderr) == (0, "")


def test_findings_end_with_1_and_show_the_place() -> None:
    done = _command("check", program_path("hostile"))
    assert done.returncode == 1
    assert "hostile.py:8:8: SBX303" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "no_such_file.py"),
        ("check", program_path("subtasks"), "--env", "NoSuchEnv-v0"),
        ("check",),
        ("check", "--explain", "SBX999"),
        ("verify", program_path("subtasks")),
        ("run",),
        ("run", "--repro", "no_such_file.json"),
        ("demo", "--envs", "0"),
        ("bench", program_path("subtasks"), "--env", ENV, "--rows", "8,0"),
        ("fly",),
        (),
    ],
)
def test_wrong_use_ends_with_2_and_a_reason(arguments: tuple[str | Path, ...]) -> None:
    done = _command(*arguments)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_closed_pipe_is_no_accident() -> None:
    reader = f"{sys.executable} -m carruntime.cli check {program_path('hostile')} | head -n 1"
    done = subprocess.run(  # noqa: S602 - a pipe is what is tested
        reader, shell=True, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""


def test_check_without_an_environment_loads_neither_gymnasium_nor_numba() -> None:
    code = (
        "import sys; from carruntime.cli import main; "
        f"main(['check', {str(program_path('subtasks'))!r}]); "
        "print(sorted({'gymnasium', 'numba', 'minigrid'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip().split("\n")[-1] == "[]"


# check and explain ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "SBX"),
        (b"\xff\xfe\x00", "SBX"),
        (b"def reward(obs:\n", "SBX"),
        (b"x = 1\n", "CAR101"),
        (TWO_ENTRIES, "CAR103"),
    ],
    ids=["empty", "not UTF-8", "does not parse", "no entry", "two entries"],
)
def test_bad_files_have_findings(
    write: Any, capsys: pytest.CaptureFixture[str], data: bytes, said: str
) -> None:
    assert main(["check", str(write(data))]) == 1
    assert said in capsys.readouterr().out


def test_an_unknown_parameter_is_found_with_the_environment(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    place = write("def reward(obs, actoin):\n    return 1.0\n")
    assert main(["check", str(place), "--env", ENV]) == 1
    assert "action" in capsys.readouterr().out


def test_check_as_json_is_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(program_path("hostile")), "--json"]) == 1
    data = _json(capsys)
    assert data["ok"] is False
    assert {"rule", "line", "column", "why", "hint"} <= set(data["findings"][0])


@pytest.mark.parametrize("rule", ["SBX301", "sbx303", "CAR101", "CAR203"])
def test_a_rule_is_explained(capsys: pytest.CaptureFixture[str], rule: str) -> None:
    assert main(["check", "--explain", rule]) == 0
    assert capsys.readouterr().out.startswith(rule.upper())


def test_explain_says_what_is_read_and_where_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(program_path("dense_reward")), "--env", ENV]) == 0
    text = capsys.readouterr().out
    assert "tier:" in text
    assert "next_obs/image" in text
    assert "approach" in text


def test_the_core_of_a_compiled_program_is_printed_on_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["explain", str(program_path("milestones")), "--env", ENV, "--core"]
    assert main([*arguments, "--tier", "compiled"]) == 0
    compiled = capsys.readouterr().out
    assert "kernel step" in compiled
    assert "self.got_key" in compiled
    assert main([*arguments, "--tier", "interpreted"]) == 0
    assert "core: none; the program is not compiled" in capsys.readouterr().out


# run, verify, bench --------------------------------------------------------------------------


def test_run_pays_for_expert_episodes(capsys: pytest.CaptureFixture[str]) -> None:
    three = ["--episodes", "3", "--policy", "expert", "--seed", "5", "--tier", "interpreted"]
    status = main(["run", str(program_path("subtasks")), "--env", ENV, *three, "--json"])
    data = _json(capsys)
    assert status == 0
    assert [item["seed"] for item in data["episodes"]] == [5, 6, 7]
    assert [item["return"] for item in data["episodes"]] == pytest.approx([1.0] * 3)
    assert all(item["success"] for item in data["episodes"])
    assert set(data["outcomes"]) == {"OK"}


def test_a_failing_row_is_saved_and_replayed_alone(
    write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = write(
        "class Count:\n"
        "    def __init__(self):\n        self.steps = 0\n"
        "    def step(self, next_obs):\n"
        "        self.steps += 1\n"
        "        return [1.0, 2.0, 3.0][self.steps]\n"
    )
    saved = tmp_path / "row.json"
    two = ["--episodes", "2", "--max-steps", "5", "--tier", "interpreted"]
    status = main(["run", str(program), "--env", ENV, *two, "--save", str(saved)])
    text = capsys.readouterr().out
    assert status == 1
    assert "IndexError" in text
    assert "return [1.0, 2.0, 3.0][self.steps]" in text
    assert main(["run", "--repro", str(saved), "--trace"]) == 0
    again = capsys.readouterr().out
    assert "call 4 of 4: step" in again
    assert "IndexError" in again
    assert "the same as saved" in again


def test_verify_accepts_and_rejects_by_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--env", ENV, "--episodes", "40", "--expert-episodes", "40", "--horizon", "100"]
    assert main(["verify", str(program_path("subtasks")), *few]) == 0
    assert capsys.readouterr().out.startswith("ACCEPTED")
    assert main(["verify", str(program_path("unlatched")), *few, "--json"]) == 1
    data = _json(capsys)
    assert data["horizon"] == 100
    assert data["decision"] == "reject"
    assert "Write the whole program again" in data["feedback"]


def test_random_episodes_are_cut_at_ten_times_the_longest_expert_episode(
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = ["--env", ENV, "--episodes", "3", "--expert-episodes", "3", "--json"]
    main(["verify", str(program_path("subtasks")), *few])
    data = _json(capsys)
    assert data["horizon"] == 10 * data["expert"]["longest"]
    assert data["random"]["longest"] <= data["horizon"]


def test_an_environment_without_an_expert_cannot_be_verified_by_name(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    program = write("def reward(next_obs):\n    return float(next_obs[0])\n")
    assert main(["verify", str(program), "--env", "CartPole-v1"]) == 2
    assert "no scripted expert for CartPole-v1" in capsys.readouterr().err


def test_too_few_episodes_are_no_acceptance(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--env", ENV, "--episodes", "5", "--expert-episodes", "5", "--horizon", "50"]
    assert main(["verify", str(program_path("subtasks")), *few]) == 1
    assert capsys.readouterr().out.startswith("NOT ENOUGH EVIDENCE")


def test_bench_compares_only_isolated_ways_unless_trusted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = ["bench", str(program_path("subtasks")), "--env", ENV, "--rows", "1,8", "--json"]
    assert main(base) == 0
    careful = {item["way"] for item in _json(capsys)}
    assert "interpreted, isolated" in careful
    assert not any("plain" in way or "in process" in way for way in careful)
    assert main([*base, "--trust"]) == 0
    trusting = _json(capsys)
    assert {"plain exec", "interpreted, in process"} <= {item["way"] for item in trusting}
    assert all(item["equal"] and item["observations_per_second"] > 0 for item in trusting)


def test_a_refused_program_does_not_run_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "verify", "bench", "explain"):
        assert main([command, str(program_path("hostile")), "--env", ENV]) == 1
        assert "SBX303" in capsys.readouterr().out


def test_doctor_says_what_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    assert _json(capsys)["worker"] is True


def test_the_demonstration_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--envs", "4", "--steps", "20", "--episodes", "40", "--expert-episodes", "40"]
    status = main(["demo", "--json", "--no-progress", *small])
    data = _json(capsys)
    assert status == 0
    assert data["ok"] is True
    assert [item["end"] for item in data["programs"]] == [
        "accepted",
        "accepted",
        "accepted",
        "rejected",
        "rejected",
        "refused",
    ]
