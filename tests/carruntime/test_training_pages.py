"""The Python of the pages about MiniGrid and training runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from carruntime.commands import COMMANDS, train

ROOT = Path(__file__).parents[2]
PAGES = ("minigrid.md", "training.md")
BLOCKS = [
    pytest.param(code, id=f"{page}-{index}")
    for page in PAGES
    for index, code in enumerate(
        re.findall(
            r"^```python\n(.*?)^```$",
            (ROOT / "docs" / page).read_text(encoding="utf-8"),
            flags=re.DOTALL | re.MULTILINE,
        )
    )
]


def test_there_are_examples() -> None:
    assert len(BLOCKS) == 4
    assert train in COMMANDS


@pytest.mark.parametrize("code", BLOCKS)
def test_an_example_runs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "stable_baselines3" in code:
        pytest.importorskip("stable_baselines3")
    exec(compile(code, "page", "exec"), {"__name__": "page"})  # noqa: S102
    capsys.readouterr()
