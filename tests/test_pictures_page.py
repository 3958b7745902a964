"""The page about pictures is run: its Python prints what stands below it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "pictures.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"^```python\n(.*?)^```\n\n((?:    [^\n]*\n)+)", PAGE, re.DOTALL | re.MULTILINE
)


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == PAGE.count("```python")


@pytest.mark.parametrize(("code", "printed"), EXAMPLES, ids=["one", "many", "kept"])
def test_an_example_prints_what_stands_below_it(code: str, printed: str) -> None:
    pytest.importorskip("cv2")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed.replace("    ", "", 1).replace("\n    ", "\n")
