"""Scripts with the habits of published ones, unmodified: they answer what plain CPython answers.

What has to come out was made by `tests/frame_script_values.py`, in which nothing of the project takes part:
the pictures lie in files there, and OpenCV reads them.
"""

from __future__ import annotations

import json
from contextlib import closing
from math import isclose
from typing import Any, Literal

import pytest
import vision_reader
from frame_script_values import FOLDER, answers, frames_for

import carruntime as car
from carruntime.plain import PlainReward
from sandbox.outcome import Outcome

pytest.importorskip("cv2")
Tier = Literal["compiled", "interpreted", "auto"]
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
WAYS = {"every picture": True, "after the first action": False}
RULES = {
    "cross_the_lava": {"SBX616", "SBX621", "SBX630"},
    "fetch_by_shape": {"SBX653"},
    "find_the_goal_by_template": {"SBX114", "SBX621"},
    "go_to_the_green_door": {"SBX611"},
    "lift_the_cube": {"SBX621"},
    "put_the_ball_near": {"SBX644"},
    "stack_in_the_bowl": {"SBX606", "SBX644"},
    "unlock_the_door": {"SBX644"},
}


def load(name: str, *, way: str, tier: Tier = "interpreted") -> car.RewardProgram:
    return car.load(
        FOLDER / f"{name}.py",
        spaces=vision_reader.SPACES,
        frame=frames_for(FOLDER / f"{name}.py").shape[2:],
        call_at_reset=WAYS[way],
        tier=tier,
    )


def rows(program: car.RewardProgram, frames: Any) -> list[list[Any]]:
    """Give what comes out by episode and step, in the form of the expected values."""
    found: list[list[Any]] = [[] for _ in frames]
    with program.start(len(frames), on_error="nan") as session:
        session.reset(frame=frames[:, 0])
        for t in range(1, frames.shape[1]):
            batch = session.step(frame=frames[:, t])
            for episode, row in enumerate(found):
                outcome = Outcome(int(batch.outcome[episode]))
                if outcome is Outcome.OK:
                    row.append(float(batch.reward[episode]))
                elif outcome is Outcome.ERROR:
                    failure = batch.failure(episode)
                    assert failure is not None
                    row.append(failure.exception)
                else:
                    row.append({"BAD_RESULT": "None", "NOT_FINITE": "not finite"}[outcome.name])
    return found


def alike(got: list[Any], want: list[Any]) -> bool:
    """Whether two rows are equal: what is no number exactly, numbers to their last digits."""
    return len(got) == len(want) and all(
        g == w
        if isinstance(w, str) or isinstance(g, str)
        else isclose(g, w, rel_tol=1e-9, abs_tol=1e-12)
        for g, w in zip(got, want, strict=True)
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_answers_what_plain_cpython_answers(name: str, way: str) -> None:
    check(name, way, "interpreted")


def test_a_compiled_script_answers_the_same() -> None:
    """One of them: the others need many kernels, whose compilation takes a minute together."""
    check("go_to_the_green_door", "every picture", "compiled")


def check(name: str, way: str, tier: Tier) -> None:
    """Compare all rows of a script with the expected values."""
    frames = frames_for(FOLDER / f"{name}.py")
    with closing(load(name, way=way, tier=tier)) as program:
        found = rows(program, frames)
    for got, want in zip(found, EXPECTED[name][way], strict=True):
        if want[0] == "first picture":
            # The episode has no beginning, so none of its rows has an answer.
            assert all(isinstance(item, str) for item in got)
        else:
            assert alike(got, want), (got, want)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_habits_of_a_script_are_findings(name: str) -> None:
    script = FOLDER / f"{name}.py"
    told: dict[bool, set[str]] = {}
    for each in (True, False):
        report = car.check(
            script,
            spaces=vision_reader.SPACES,
            frame=frames_for(script).shape[2:],
            call_at_reset=each,
        )
        told[each] = {item.rule for item in report.findings}
    assert told[False] >= RULES[name] | {"CAR123"}
    assert "CAR123" not in told[True]


def test_the_expected_values_are_those_of_the_scripts() -> None:
    for name in ("lift_the_cube", "stack_in_the_bowl"):
        script = FOLDER / f"{name}.py"
        found = answers(script, frames_for(script), call_at_reset=True)
        for got, want in zip(found, EXPECTED[name]["every picture"], strict=True):
            assert alike(got, want), (got, want)


def test_the_trusted_way_begins_alike() -> None:
    name = "lift_the_cube"
    frames = frames_for(FOLDER / f"{name}.py")
    with closing(load(name, way="every picture")) as program:
        plain = PlainReward(program, 1, trust=True)
        plain.reset(0, 0, frames[0, 0])
        rewards = [plain.step(0, {"frame": frame}) for frame in frames[0, 1:]]
    assert rewards == pytest.approx(EXPECTED[name]["every picture"][0])


def test_the_choice_is_remembered_and_has_to_be_one() -> None:
    with closing(load("lift_the_cube", way="every picture")) as program:
        assert program.inputs.call_at_reset
    with pytest.raises(car.OptionError, match="call_at_reset"):
        car.check("def reward(obs):\n    return 0.0\n", call_at_reset="yes")  # type: ignore[arg-type]
    # A class that needs what there is only after an action cannot be called before one.
    source = "class A:\n    def step(self, frame, action):\n        return float(action)\n"
    report = car.check(source, spaces=vision_reader.SPACES, frame=(4, 4, 3), call_at_reset=True)
    assert not report.ok
