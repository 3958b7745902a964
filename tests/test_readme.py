"""The README is run: its Python, its shell lines and its two commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
PYTHON = [
    (code, BLOCKS[index + 1][1])
    for index, (language, code) in enumerate(BLOCKS)
    if language == "python"
]
CONSOLE = [code for language, code in BLOCKS if language == "console"]


def test_the_readme_has_examples_of_each_kind() -> None:
    assert len(PYTHON) >= 3
    assert CONSOLE


@pytest.mark.parametrize(("code", "printed"), PYTHON, ids=lambda text: text.split("\n")[0][:30])
def test_a_python_example_prints_what_the_readme_says(code: str, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed


@pytest.mark.parametrize("block", CONSOLE)
def test_a_shell_example_prints_what_the_readme_says(block: str) -> None:
    first, _, printed = block.partition("\n")
    words = first.removeprefix("$ carruntime ").split()
    done = subprocess.run(
        [sys.executable, "-m", "carruntime.cli", *words],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )
    assert done.stdout == printed


def test_ci_calls_the_test_command_of_the_readme() -> None:
    commands = [code.strip() for language, code in BLOCKS if language == "bash"]
    assert any(command.endswith("carruntime demo") for command in commands)
    tests = [command for command in commands if command.endswith("pytest -q -n auto")]
    assert len(tests) == 1
    assert tests[0] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_figure_of_the_readme_was_measured() -> None:
    """The rows of its table are rows of the page that `python -m benchmarks` writes."""
    measured = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in README.splitlines() if re.search(r"\dx\) \|", line)]
    assert len(rows) >= 5
    for row in rows:
        assert row in measured


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
