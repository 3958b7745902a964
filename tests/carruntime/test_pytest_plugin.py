"""The pytest plugin, in pytest processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ENV = "MiniGrid-DoorKey-5x5-v0"
GOOD = "def task_1(image):\n    return image[3, 6, 0] == 5\n"
BAD = "raise_me = 1\n\ndef reward(obs, action):\n    return [1.0][action]\n"
USER = """\
import pytest

def test_mine():
    pass

@pytest.mark.reward_property
def test_with_both(reward_program, reward_env):
    obs, _ = reward_env.reset(seed=0)
    with reward_program.start() as session:
        session.reset(obs)
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    known = any(entry.name == "carruntime" for entry in entry_points(group="pytest11"))
    plugin = () if known else ("-p", "carruntime.pytest_plugin")
    return pytester.runpytest_subprocess(
        *plugin, "--strict-markers", "--strict-config", "-p", "no:cacheprovider", *arguments
    )


def options(program: Path | str, env: str = "--env") -> tuple[str, ...]:
    return (
        *("--reward-program", str(program), env, ENV),
        *("--reward-tier", "interpreted", "--reward-examples", "2"),
    )


def test_the_properties_are_items_and_the_program_is_never_imported(
    pytester: pytest.Pytester,
) -> None:
    # Its name is that of a test module, and importing it would leave a file behind.
    text = f"open({str(pytester.path / 'imported')!r}, 'w')\n"
    program = pytester.makepyfile(test_program=text + GOOD)
    result = run(pytester, *options(program), ".")
    result.assert_outcomes(failed=1, skipped=13)
    result.stdout.fnmatch_lines(["*SBX*open*"])
    assert not (pytester.path / "imported").exists()


def test_a_good_program_passes_beside_the_tests_of_the_user(pytester: pytest.Pytester) -> None:
    program = pytester.path / "reward.py"
    program.write_text(GOOD)
    pytester.makepyfile(test_user=USER)
    result = run(
        pytester,
        *options(program, "--reward-env"),
        "-v",
        "-k",
        "loads or finite or range or mine or both",
        ".",
    )
    result.assert_outcomes(passed=4, skipped=1, deselected=11)
    result.stdout.fnmatch_lines(
        ["reward.py::finite PASSED*", "reward.py::within_range SKIPPED*", "*test_with_both PASSED*"]
    )


def test_a_failure_shows_its_counterexample_and_is_saved(pytester: pytest.Pytester) -> None:
    program = pytester.path / "reward.py"
    program.write_text(BAD)
    pytester.makepyfile(test_user=USER)
    # Without paths the tests of the user are left alone.
    result = run(pytester, *options(program), "-k", "never_errs")
    result.assert_outcomes(failed=1, deselected=13)
    result.stdout.fnmatch_lines(
        ["CAR301 never_errs: fails", "  seed 0, 1 action: right", "*reward.py:4:*", "  saved:*"]
    )
    assert list((pytester.path / ".carruntime" / "counterexamples").rglob("never_errs-*.json"))


def test_without_the_option_nothing_changes_and_nothing_is_loaded(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest("def pytest_addoption(parser):\n    parser.addoption('--env')\n")
    pytester.makepyfile(
        test_user=USER
        + "\ndef test_nothing_is_loaded(request):\n"
        + "    import sys\n"
        + "    heavy = {'numpy', 'gymnasium', 'hypothesis.core', 'numba', 'carruntime.testing'}\n"
        + "    assert not heavy & set(sys.modules)\n"
        + "    assert request.config.getoption('--env') == 'mine'\n"
    )
    result = run(pytester, "--env", "mine", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=2, skipped=1)


def test_an_option_of_the_user_called_env_stays_the_users(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_addoption(parser):\n    parser.addoption('--env')\n")
    program = pytester.path / "reward.py"
    program.write_text(GOOD)
    result = run(pytester, *options(program, "--reward-env"), "--env", "mine", "-k", "loads")
    result.assert_outcomes(passed=1, deselected=13)
    missing = run(pytester, *options(program))
    assert missing.ret == pytest.ExitCode.USAGE_ERROR
    missing.stderr.fnmatch_lines(["*--reward-program without its environment*"])


def test_importing_the_plugin_costs_next_to_nothing() -> None:
    code = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport carruntime.pytest_plugin\n"
        "print(sorted(name for name in set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.stdout.strip() in {
        "['carruntime', 'carruntime.pytest_plugin']",
        "['carruntime.pytest_plugin']",
    }
