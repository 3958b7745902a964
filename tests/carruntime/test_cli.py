"""The command line: exit statuses, text for people, JSON for machines, no traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carruntime.cli import main
from carruntime.demo import program_path
from carruntime.errors import ReproductionError
from sandbox import layers

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
        ("run", program_path("subtasks"), "--env", ENV, "--policy", "7"),
        ("run", program_path("subtasks"), "--env", ENV, "--policy", "clever"),
        ("run", program_path("subtasks"), "--env", ENV, "--save", "no_such_folder/row.json"),
        ("demo", "--envs", "0"),
        ("bench", program_path("subtasks"), "--env", ENV, "--rows", "8,0"),
        ("bench", program_path("subtasks"), "--env", ENV, "--rows", "a,b"),
        ("bench", program_path("subtasks"), "--env", ENV, "--rows", "999999999999999"),
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


@pytest.mark.parametrize("further", [(), ("--json",)])
def test_a_closed_pipe_ends_quietly(further: tuple[str, ...]) -> None:
    # The reader is gone before anything is written, so that there is no race to win.
    read, write_end = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "carruntime.cli", "check", program_path("hostile"), *further],
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("streams", "status", "said"),
    [
        (">/dev/full", 2, "No space left on device"),
        (">&-", 0, ""),
        ("<&-", 2, "standard input is closed"),
    ],
)
def test_streams_that_cannot_be_used_show_no_traceback(
    streams: str, status: int, said: str
) -> None:
    file = "-" if "<" in streams else program_path("subtasks")
    done = subprocess.run(  # noqa: S602 - the shell's redirections are what is tested
        f"{sys.executable} -m carruntime.cli check {file} {streams}",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_without_the_characters_of_a_program_is_shown_escapes(write: Any) -> None:
    place = write('def reward(obs):\n    return eval("\u00e9 \u2192")\n')
    poor = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "carruntime.cli", "check", place],
        env={**os.environ, **poor},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert rb'eval("\xe9 \u2192")' in done.stdout


@pytest.mark.parametrize("command", ["check", "verify", "bench"])
def test_help_tells_the_exit_status(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "not enough evidence" in " ".join(capsys.readouterr().out.split())


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


DOUBTFUL = "def reward(next_obs, actoin=0):\n    return 1.0\n"
"""Misspells an input that has a default: a warning, and nothing worse."""


def test_warnings_end_with_0_unless_strict(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(write(DOUBTFUL))
    assert main(["check", place, "--env", ENV]) == 0
    assert "CAR112 warning" in capsys.readouterr().out
    assert main(["check", place, "--env", ENV, "--strict"]) == 1
    fine = str(program_path("subtasks"))
    assert main(["check", fine, "--env", ENV, "--strict"]) == 0


@pytest.mark.parametrize("command", ["check", "explain", "run"])
def test_a_dash_is_standard_input(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = b"def reward(next_obs):\n    return {'total': 1.0, 'typed': 1.0}"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed)))
    few = ["--episodes", "1", "--max-steps", "2"] if command == "run" else []
    assert main([command, "-", "--env", ENV, *few]) == 0
    assert "typed" in capsys.readouterr().out


def test_standard_input_that_is_no_text_has_a_finding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x = 1 # \xff\n")))
    assert main(["check", "-"]) == 1
    assert "not UTF-8" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "explain"])
def test_the_binding_of_a_class_tells_step_from_reset_in_80_columns(
    command: str, write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    place = write(
        "class Reward:\n"
        "    def reset(self, obs):\n        self.was = obs['direction']\n"
        "    def step(self, obs, action, next_obs, t):\n"
        "        return 1.0 if next_obs['direction'] != self.was else 0.0\n"
    )
    assert main([command, str(place), "--env", ENV]) == 0
    lines = capsys.readouterr().out.split("\n")
    start = next(i for i, line in enumerate(lines) if line.lstrip().startswith("binding:"))
    assert [line for line in lines[start:] if len(line) > 80] == []
    text = " ".join(" ".join(lines).split())
    assert "step: obs = the observation before the action" in text
    assert "reset: obs = the first observation of the episode" in text


def test_far_names_are_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--explain", "XXX1"]) == 2
    assert capsys.readouterr().err.strip().endswith("want an id such as SBX301 or CAR201")
    assert main(["check", str(program_path("subtasks")), "--env", "Nope-v0"]) == 2
    assert "did you mean" not in capsys.readouterr().err.lower()
    assert main(["check", str(program_path("subtasks")), "--env", "CartPoel-v1"]) == 2
    assert "CartPole-v1" in capsys.readouterr().err


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


MOVES_FAIL = "def reward(next_obs, action):\n    return 1.0 / (action - 2)\n"


def test_a_failure_is_shown_where_a_reader_meets_it_first(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # The later episodes are shorter, and run first.
    place = write("def reward(next_obs, t):\n    return [1.0, 2.0][t]\n")
    few = ["--episodes", "6", "--policy", "0.5", "--seed", "30", "--tier", "interpreted"]
    assert main(["run", str(place), "--env", ENV, *few]) == 1
    assert "first in trajectory 0 (seed 30) at step 2" in capsys.readouterr().out


def test_a_place_that_cannot_be_written_is_found_before_anything_runs(
    write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(write(MOVES_FAIL))
    for save, said in ((tmp_path / "no" / "row.json", "no folder"), (tmp_path, "is a folder")):
        assert main(["run", place, "--env", ENV, "--save", str(save)]) == 2
        done = capsys.readouterr()
        assert said in done.err
        assert done.out == ""


def test_saving_that_fails_at_the_end_loses_no_report(
    write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ReproductionError("the disk is full")

    monkeypatch.setattr("carruntime.replay.save_failure", full)
    few = ["--episodes", "2", "--max-steps", "20", "--save", str(tmp_path / "row.json")]
    assert main(["run", str(write(MOVES_FAIL)), "--env", ENV, *few]) == 2
    done = capsys.readouterr()
    assert "rows by outcome" in done.out
    assert "the disk is full" in done.err


def test_run_says_why_a_program_is_not_compiled(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--env", ENV, "--episodes", "1", "--max-steps", "2"]
    place = str(write("def reward(next_obs):\n    return 1.0 if 'a' in repr(1.5) else 0.0\n"))
    assert main(["run", place, *few]) == 0
    assert "not compiled: " in capsys.readouterr().out


def test_verify_accepts_and_rejects_by_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--env", ENV, "--episodes", "100", "--expert-episodes", "40", "--horizon", "100"]
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
    main(["verify", str(program_path("subtasks")), *few, "--feedback"])
    told = capsys.readouterr().out
    assert "The program is not at fault" in told
    assert "collect 31 more expert trajectories" in told
    assert "Write the whole program again" not in told


def test_verify_writes_a_page_and_keeps_what_it_collected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--episodes", "4", "--expert-episodes", "3", "--horizon", "20", "--skill-episodes", "2"]
    program = str(program_path("subtasks"))
    page = tmp_path / "page.html"
    kept = ["--keep", str(tmp_path), "--html", str(page)]
    assert main(["verify", program, "--env", ENV, *few, *kept]) == 1
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "expert+0.3 random" in capsys.readouterr().out
    stored = ["--expert", str(tmp_path / "expert.traj"), "--random", str(tmp_path / "random.traj")]
    main(["verify", program, "--env", ENV, *stored, "--json", "--truth", "complete=success"])
    found = json.loads(capsys.readouterr().out)
    assert (found["expert"]["trajectories"], found["random"]["trajectories"]) == (3, 4)
    assert {"complete", "success"} <= {found["truth"][0]["claim"], found["truth"][0]["fact"]}
    assert main(["verify", program, "--env", ENV, "--truth", "nonsense"]) == 2
    assert "want CLAIM=FACT" in capsys.readouterr().err


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


def test_bench_counts_rows_that_end_badly(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--env", ENV, "--rows", "1,32"]
    place = str(write("def reward(next_obs, action):\n    return [1.0][int(action) // 2]\n"))
    assert main(["bench", place, *sizes, "--json", "--trust"]) == 0
    bad = {(item["way"], item["rows"]): item["bad_rows"] for item in _json(capsys)}
    assert 0 < bad["interpreted, isolated", 32] < 32
    assert bad["plain exec", 32] == bad["interpreted, isolated", 32]
    assert main(["bench", place, *sizes]) == 0
    assert "rows that end badly:" in capsys.readouterr().out
    never = str(write("def reward(next_obs, action):\n    return [1.0][int(action) + 1]\n"))
    assert main(["bench", never, *sizes]) == 1


def test_a_refused_program_does_not_run_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "verify", "bench", "explain"):
        assert main([command, str(program_path("hostile")), "--env", ENV]) == 1
        assert "SBX303" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "explain", "run", "verify", "bench"])
def test_less_isolation_than_required_ends_with_2_before_the_program_is_read(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As on a system that lacks a layer which none has.
    monkeypatch.setattr(layers, "FULL", layers.FULL | {"moat"})
    arguments = [command, str(program_path("subtasks")), "--env", ENV, "--require"]
    assert main([*arguments, "full"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "require='full' cannot be met: this system does not offer a worker moat" in told


def test_doctor_says_what_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    assert _json(capsys)["worker"] is True


def test_the_demonstration_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--envs", "4", "--steps", "20", "--episodes", "100", "--expert-episodes", "40"]
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


# Several programs, and SARIF -----------------------------------------------------------------


def test_several_programs_are_checked_in_one_run(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(write("def reward(obs):\n    return 1.0\n", "good.py"))
    bad = str(write("def reward(obs):\n    return id(obs)\n", "bad.py"))
    assert main(["check", good, bad]) == 1
    text = capsys.readouterr().out
    assert "good.py: no findings" in text
    assert "bad.py:2:12: SBX305" in text
    assert main(["check", good, bad, "--json"]) == 1
    assert [item["ok"] for item in _json(capsys)] == [True, False]
    assert main(["check", good, good]) == 0


def test_a_name_that_nothing_defines_is_a_warning_and_an_error_only_where_it_is_read_at_load(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    in_a_row = str(write("def reward(obs):\n    return nme\n", "row.py"))
    at_load = str(write("x = nme\ndef reward(obs):\n    return x\n", "load.py"))
    assert main(["check", in_a_row]) == 0
    assert "row.py:2:12: SBX304 warning: the name `nme` is not defined" in capsys.readouterr().out
    assert main(["check", in_a_row, "--strict"]) == 1
    capsys.readouterr()
    assert main(["check", at_load]) == 1
    assert "load.py:1:5: SBX309 the name `nme` is not defined" in capsys.readouterr().out


def test_check_as_sarif_has_the_findings_of_all_programs(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(write("def reward(obs):\n    return 1.0\n", "good.py"))
    bad = str(write("def reward(obs, act):\n    return nme\n", "bad.py"))
    assert main(["check", good, bad, "--sarif", "--env", ENV]) == 1
    (run,) = _json(capsys)["runs"]
    assert run["tool"]["driver"]["name"] == "carruntime"
    assert len(run["artifacts"]) == 2
    assert "SBX304" in {item["ruleId"] for item in run["results"]}
    assert main(["check", good, "--sarif", "--json"]) == 2
