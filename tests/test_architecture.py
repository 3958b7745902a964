"""The wall between the packages, checked in fresh interpreters and in the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import carruntime
import sandbox

ROOT = Path(sandbox.__file__).parent.parent
SANDBOX_FILES = sorted((ROOT / "sandbox").rglob("*.py"))


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.split(".")[0] for name in done.stdout.split()}


def test_sandbox_knows_nothing_of_reinforcement_learning() -> None:
    assert loaded_after("import sandbox").isdisjoint({"carruntime", "gymnasium", "minigrid"})


@pytest.mark.parametrize("package", ["sandbox", "carruntime"])
def test_importing_a_package_does_not_load_the_compiler(package: str) -> None:
    assert loaded_after(f"import {package}").isdisjoint({"numba", "llvmlite", "cv2", "torch"})


@pytest.mark.parametrize("path", SANDBOX_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_of_sandbox_imports_carruntime(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        assert not any(name.split(".")[0] in {"carruntime", "gymnasium"} for name in names)


@pytest.mark.parametrize("module", [sandbox, carruntime], ids=["sandbox", "carruntime"])
def test_every_public_name_can_be_reached(module: object) -> None:
    names = module.__all__  # type: ignore[attr-defined]
    assert names
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(module, name) is not None


def test_both_packages_are_typed() -> None:
    assert (ROOT / "sandbox" / "py.typed").exists()
    assert (ROOT / "carruntime" / "py.typed").exists()
