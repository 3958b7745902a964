"""The mistakes that models make, each as a model makes it, with the whole report it gets.

A program of the folder says in its first line which spaces it is checked against. Its report stands
beside it, so that a change of wording, of a place or of a severity is seen and meant.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import carruntime as car
from carruntime.rules import RULES as CONTRACT
from sandbox.diagnostics import Report
from sandbox.rules import RULES as DIALECT

GOLDEN = Path(__file__).parent.parent / "corpus" / "golden"
FOUR_MOVES = gym.spaces.Discrete(4)
SPACES: dict[str, tuple[gym.Space[Any], gym.Space[Any]]] = {
    "box": (gym.spaces.Box(-10.0, 10.0, (4,), np.float32), FOUR_MOVES),
    "grid": (
        gym.spaces.Dict(
            {
                "image": gym.spaces.Box(0, 255, (7, 7, 3), np.uint8),
                "direction": gym.spaces.Discrete(4),
                "mission": gym.spaces.Text(64),
            }
        ),
        gym.spaces.Discrete(7),
    ),
}

MISTAKES = {
    "unknown parameter": ("unknown_parameter", {"CAR110"}),
    "unknown observation key": ("unknown_observation_key", {"SBX603"}),
    "unknown attribute": ("unknown_attribute", {"SBX302"}),
    "undefined name": ("undefined_name", {"SBX304"}),
    "undefined name at the top level": ("undefined_at_load", {"SBX309"}),
    "name unbound on some path": ("unbound_on_a_path", {"SBX601"}),
    "inconsistent return arity or kind": ("inconsistent_return", {"SBX606"}),
    "result unpacked into another number of names": ("unpacked_result", {"SBX646"}),
    "unused reward component": ("unused_component", {"SBX619", "SBX643"}),
    "un-latched bonus": ("unlatched_bonus", {"SBX642"}),
    "if on an array": ("if_on_an_array", {"SBX612"}),
    "an array looked for in a list or kept in a set": (
        "array_looked_for",
        {"SBX612", "SBX625"},
    ),
    "unguarded division": ("unguarded_division", {"SBX609"}),
    "division by an input": ("divided_by_an_input", {"SBX609"}),
    "division by what was counted": ("counted_divisor", {"SBX609"}),
    "identity with a written value": ("identity_with_a_number", {"SBX647"}),
    "log, sqrt and arccos beyond their domain": ("log_sqrt_arccos", {"SBX623"}),
    "argmax, max, min, mean of a possibly empty selection": ("empty_selection", {"SBX611"}),
    "uint8 subtraction": ("unsigned_subtraction", {"SBX610"}),
    "float equality": ("float_equality", {"SBX608"}),
    "mutable default argument": ("mutable_default", {"SBX210", "SBX614"}),
    "state never reset": ("state_never_reset", {"SBX621"}),
    "state and no reset": ("state_without_reset", {"SBX644"}),
    "writing into an observation": ("writing_into_an_observation", {"SBX620"}),
    "dead code after return": ("dead_code", {"SBX607"}),
    "missing return on a path": ("missing_return", {"SBX605"}),
    "mutation of module-level state": ("module_state", {"SBX209"}),
    "a signature of Eureka": ("eureka_signature", {"SBX640"}),
    "a signature of Text2Reward": ("text2reward_signature", {"SBX641"}),
    "a class of DrEureka": ("foreign_dreureka", {"SBX640"}),
    "a method of IsaacLabEureka": ("foreign_isaaclab", {"SBX640"}),
    "a function of RoboGen": ("foreign_robogen", {"SBX641"}),
    "a function of VIRAL": ("foreign_viral", {"CAR110"}),
}


def report_of(path: Path) -> Report:
    source = path.read_text(encoding="utf-8")
    spaces = SPACES[source.split("\n", 1)[0].removeprefix("# against: ")]
    # The golden files are our own text, so a worker would only cost time.
    report = car.check(source, spaces=spaces, isolation="none")
    return replace(report, filename=path.name)


def programs() -> list[Path]:
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(GOLDEN.glob("*.py"))}
    return [path for path, text in texts.items() if text.startswith("# against: ")]


@pytest.mark.parametrize("path", programs(), ids=lambda path: path.stem)
def test_a_mistake_has_the_report_that_stands_beside_it(path: Path) -> None:
    """Renew the files with ``RENEW_GOLDEN=1`` and read the difference."""
    text = report_of(path).render() + "\n"
    golden = path.with_suffix(".txt")
    if os.environ.get("RENEW_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_by_name_has_its_finding(name: str) -> None:
    stem, rules = MISTAKES[name]
    found = report_of(GOLDEN / f"{stem}.py").findings
    assert rules <= {item.rule for item in found}
    for item in found:
        assert item.span is not None
        assert item.why
        assert item.hint


def test_a_program_for_tensors_gets_one_finding_that_names_the_rewrite() -> None:
    (found,) = report_of(GOLDEN / "eureka_signature.py").findings
    assert "`torch.norm` is `np.linalg.norm`" in found.hint


def test_a_program_for_a_simulator_gets_one_finding_beside_that_of_its_import() -> None:
    found = report_of(GOLDEN / "text2reward_signature.py").findings
    assert [item.rule for item in found] == ["SBX306", "SBX641"]


def test_all_five_mistakes_of_a_frame_script_are_told_in_one_run() -> None:
    """Errors among them hide none of the others."""
    found = report_of(GOLDEN / "opened_drawer.py").findings
    messages = {item.rule: item.message for item in found}
    assert "`self.find_handle` is unpacked into 2 names" in messages["SBX646"]
    assert "it takes `picture, closed_picture`" in messages["SBX618"]
    assert "`first_picture_path` is not defined" in messages["SBX304"]
    assert "an array decides an `if`" in messages["SBX612"]
    assert "nothing but None is ever stored" in messages["SBX645"]


def test_errors_hide_none_of_what_the_inputs_show() -> None:
    path = GOLDEN / "many_at_once.py"
    report = report_of(path)
    by_line = {(item.span.line, item.rule) for item in report.findings if item.span}
    assert {(3, "SBX306"), (6, "CAR110"), (8, "SBX304"), (11, "SBX629")} <= by_line
    assert {(7, "SBX603"), (9, "SBX612"), (10, "SBX604"), (10, "SBX610")} <= by_line


def test_a_worker_tells_the_same_as_the_passes_in_this_process() -> None:
    path = GOLDEN / "many_at_once.py"
    source = path.read_text(encoding="utf-8")
    assert car.check(source, spaces=SPACES["grid"]).findings == report_of(path).findings


def test_the_page_about_findings_names_rules_that_there_are_and_all_of_these() -> None:
    page = (GOLDEN.parents[2] / "docs" / "findings.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:SBX|CAR)\d{3}", page))
    assert named <= {*DIALECT, *CONTRACT}
    assert set().union(*(rules for _, rules in MISTAKES.values())) <= named
