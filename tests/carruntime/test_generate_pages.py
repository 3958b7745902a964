"""Prompts, pages and shipped recordings fit each other and the tables that decide."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripted import workshop

import carruntime as car
from carruntime.cli import main
from carruntime.demo_generation import run_generation
from carruntime.generate.authored.record import ENV_ID
from carruntime.generate.contract import PARAMETERS, contract
from carruntime.generate.docs import page
from carruntime.generate.loop import Settings
from carruntime.generate.prompts import TEMPLATES, template
from carruntime.generate.recordings import shipped
from sandbox.dialect import MODULES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_about_prompts_is_current() -> None:
    assert (DOCS / "prompts.md").read_text(encoding="utf-8") == page(), (
        "python -m carruntime.generate.docs > docs/prompts.md"
    )


def test_the_shipped_recordings_go_from_pictures_to_a_bundle_that_pays(tmp_path: Path) -> None:
    """Fails after a change of prompts, dialect or feedback until they are made anew."""
    told: list[str] = []
    try:
        demo = run_generation(
            tmp_path,
            num_envs=4,
            steps=20,
            seed=0,
            say=told.append,
            settings=Settings(style="tasks"),
        )
    except car.CarruntimeError as error:
        pytest.fail(f"python -m carruntime.generate.authored.record makes them anew: {error}")
    assert demo.ok
    assert demo.bundle.origins == ("authored",)
    assert demo.bundle.data["model"]["answered_by"] == []
    assert any("origin of the answers: authored" in line for line in told)
    assert main(["inspect", str(demo.path)]) == 0


def test_shipped_recordings_name_no_model() -> None:
    for path in shipped().folder.glob("*.json"):
        assert '"origin": "authored"' in path.read_text(encoding="utf-8")
        assert '"model": ""' in path.read_text(encoding="utf-8")


def test_every_parameter_of_the_prompt_is_one_that_the_checker_binds() -> None:
    source = f"def reward({', '.join(PARAMETERS)}):\n    return 0.0\n"
    assert car.check(source, workshop().env).ok


def test_every_module_of_the_dialect_is_in_the_prompt_and_can_be_imported() -> None:
    text = contract()
    named = [name for name in MODULES if f"`{name}`" in text]
    assert named == list(MODULES)
    lines = "\n".join(f"import {name}" for name in named if name != "__future__")
    report = car.check(f"{lines}\n\ndef reward(obs):\n    return 0.0\n", workshop().env)
    assert report.ok, str(report)


def test_what_the_prompt_says_is_refused_is_refused() -> None:
    refused = re.findall(r"`import (\w+)`", contract())
    assert {"os", "torch", "random"} <= set(refused)
    for name in refused:
        assert not car.check(f"import {name}\n\ndef reward(obs):\n    return {name}.x\n").ok, name


def test_every_template_is_used_and_every_file_is_one() -> None:
    place = Path(str(car.__file__)).parent / "generate" / "templates"
    assert {path.stem for path in place.iterdir()} == set(TEMPLATES)
    assert all(template(name).endswith("\n") for name in TEMPLATES)


def test_the_first_question_can_be_looked_at(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["generate", "--env", ENV_ID, "--recordings", "shipped", "--out", str(tmp_path)]
    assert main([*arguments, "--show-prompts"]) == 0
    assert "# What is the task?" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--recordings", "nowhere"], "no such folder"),
        (["--recordings", "shipped", "--price", "x"], "want two numbers"),
        (["--recordings", "shipped", "--initial", "none.png"], "goal picture: not given"),
        (["--recordings", "shipped", "--most-subtasks", "99"], "want 2 to 8"),
    ],
)
def test_wrong_use_is_told_and_has_status_2(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["generate", "--env", ENV_ID, "--out", str(tmp_path), *arguments]) == 2
    assert text in capsys.readouterr().err


def test_no_key_is_wrong_use(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CARRUNTIME_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["generate", "--env", ENV_ID, "--model", "any"]) == 2
    assert "set CARRUNTIME_API_KEY" in capsys.readouterr().err


def test_questions_that_wait_have_a_status_of_their_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["--exchange", str(tmp_path / "asked"), "--out", str(tmp_path / "run")]
    assert main(["generate", "--env", ENV_ID, *arguments]) == 3
    assert "1 of 1 requests wait" in capsys.readouterr().out
