"""The demonstration: every shipped program comes to the end it is shipped for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from carruntime.demo import PROGRAMS, Demo, program_path, render_summary, run
from carruntime.errors import OptionError
from carruntime.verdict import Decision


@pytest.fixture(scope="module")
def shown() -> tuple[Demo, str]:
    parts: list[str] = []
    demo = run(
        num_envs=8,
        steps=60,
        seed=3,
        expert_episodes=40,
        random_episodes=100,
        show_progress=False,
        say=parts.append,
    )
    return demo, "\n".join(parts)


def test_every_program_comes_to_its_end(shown: tuple[Demo, str]) -> None:
    demo, _ = shown
    assert {item.program.name: item.end for item in demo.programs} == {
        item.name: item.end for item in PROGRAMS
    }
    assert demo.ok


def test_accepted_programs_pay_what_plain_python_pays(shown: tuple[Demo, str]) -> None:
    demo, _ = shown
    driven = [item.driven for item in demo.programs if item.end == "accepted"]
    assert len(driven) == 3
    for item in driven:
        assert item is not None
        assert item.equal
        assert item.mean_reward == pytest.approx(item.plain_mean_reward, rel=1e-12)
        assert 0 < item.observations <= 8 * 60
        assert 0.0 < item.share < 1.0


def test_the_text_fits_a_terminal_and_shows_carets(shown: tuple[Demo, str]) -> None:
    _, text = shown
    assert "hostile.py:8:8: SBX303" in text
    assert "\n           ^^^^\n" in text
    assert text.isascii()
    assert [line for line in text.split("\n") if len(line) > 80] == []


def test_machines_get_the_whole_of_it(shown: tuple[Demo, str]) -> None:
    demo, _ = shown
    data: dict[str, Any] = json.loads(json.dumps(demo.to_json()))
    assert data["ok"] is True
    by_name = {item["name"]: item for item in data["programs"]}
    assert by_name["hostile"]["report"]["ok"] is False
    assert by_name["hostile"]["verdict"] is None
    assert by_name["subtasks"]["verdict"]["decision"] == "accept"
    assert by_name["subtasks"]["driven"]["equal"] is True
    assert by_name["unlatched"]["driven"] is None


def test_the_published_rule_rejects_a_program_without_a_fault(shown: tuple[Demo, str]) -> None:
    """Random play picks up the key and opens doors; the rule counts the frames of that."""
    demo, _ = shown
    verdict = next(item.verdict for item in demo.programs if item.program.name == "subtasks")
    assert verdict is not None
    assert verdict.accepted
    assert not verdict.published.accepts


def test_too_little_evidence_is_no_rejection(shown: tuple[Demo, str]) -> None:
    demo, _ = shown
    item = demo.programs[0]
    assert item.verdict is not None
    verdict = replace(item.verdict, decision=Decision.NOT_ENOUGH_EVIDENCE)
    open_one = replace(demo, programs=(replace(item, verdict=verdict),))
    text = render_summary(open_one)
    assert "subtasks        not enough evidence" in text
    assert "subtasks: expected accepted, found not enough evidence" in text
    assert "rejected  " not in text
    assert not open_one.ok


def test_shipped_programs_say_that_they_are_authored() -> None:
    for item in PROGRAMS:
        text = program_path(item.name).read_text(encoding="utf-8")
        assert "origin: authored" in text.split("\n", 1)[0]


def test_a_program_that_is_not_shipped_is_told_what_is() -> None:
    with pytest.raises(OptionError, match="no shipped program 'best'; there are: subtasks,"):
        program_path("best")


def test_a_demonstration_of_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="0 environments and 5 steps"):
        run(num_envs=0, steps=5)
