"""The properties: each holds for good programs, and each is broken by a fault that is put in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces as gs

import carruntime as car
from carruntime.arrangement import Stage, Told, difference
from carruntime.cli import main
from carruntime.playing import Play, Player
from carruntime.testing import PROPERTIES, Bench, Example, Status, check_properties
from carruntime.testing.properties import property_named
from carruntime.trajectory import Trajectory

GOOD = """\
class R:
    def reset(self, obs):
        self.far = float(obs["place"][0])

    def step(self, obs, action, next_obs):
        place = float(next_obs["place"][0])
        gain = max(0.0, place - self.far)
        self.far = max(self.far, place)
        return gain, {"gain": gain}
"""
TASKS = """\
def task_1(place):
    return place[0] >= 2.0

def task_2(obs, next_obs):
    return next_obs["place"][0] == 4.0 and obs["place"][0] == 3.0
"""


class Line(gym.Env[dict[str, Any], Any]):
    """Walk on a line from 0 (or from 1, with an odd seed) to 5; action 2 does nothing."""

    observation_space = gs.Dict(
        {"place": gs.Box(-10.0, 10.0, (2,), np.float64), "side": gs.Discrete(2)}
    )
    action_space = gs.Discrete(3)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        super().reset(seed=seed)
        self.where = float((seed or 0) % 2)
        self.steps = 0
        return self._look(), {}

    def _look(self) -> dict[str, Any]:
        return {"place": np.array([self.where, 0.0]), "side": int(self.where > 0)}

    def step(self, action: int) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        self.where = max(-5.0, self.where + (-1.0, 1.0, 0.0)[action])
        self.steps += 1
        done = self.where >= 5.0
        return self._look(), float(done), done, self.steps >= 60, {"success": done}


def loaded(source: str, **options: Any) -> car.RewardProgram:
    options = {"tier": "interpreted", "isolation": "none", **options}
    return car.load(source, Line(), **options)


def tried(source: str, *names: str, **options: Any) -> Any:
    """Try some properties of a program, all if none is named."""
    claims = [p for p in PROPERTIES if not names or p.name in names]
    load = {key: options.pop(key) for key in ("reward_range", "limits") if key in options}
    program = loaded(source, **load)
    options = {"examples": 25, **options}
    try:
        return check_properties(program, Line(), claims, **options)
    finally:
        program.close()


# Programs that keep all of them ----------------------------------------------------------------


@pytest.mark.parametrize("source", [GOOD, TASKS], ids=["class", "tasks"])
def test_a_good_program_keeps_every_property_it_can_have(source: str) -> None:
    report = tried(source, reward_range=(0.0, 1.0), examples=4)
    assert report.ok, report.render()
    skipped = {item.property.name: item.reason for item in report.results if item.reason}
    assert list(skipped) == ["tiers_agree"]
    assert "interpreted" in skipped["tiers_agree"]
    assert "12 hold, 0 fail, 1 skipped" in report.render()


def test_what_a_program_cannot_have_is_skipped_with_a_reason() -> None:
    report = tried("def reward(place):\n    return place[0]\n", "reset_resets", "within_range")
    assert [item.status for item in report.results] == [Status.SKIPPED, Status.SKIPPED]
    assert "keeps nothing" in report["reset_resets"].reason
    assert "no range was declared" in report["within_range"].reason


def test_ids_and_names_are_used_once() -> None:
    assert len({p.id for p in PROPERTIES}) == len({p.name for p in PROPERTIES}) == len(PROPERTIES)
    assert property_named("never-errs") is property_named("car301") is PROPERTIES[0]
    assert property_named("never") is None


# Faults of programs, with the shortest counterexample -------------------------------------------


@pytest.mark.parametrize(
    ("source", "name", "actions", "came", "line"),
    [
        (
            "def reward(place):\n    return [1.0, 2.0][int(place[0] == 3.0) * 2]\n",
            "never_errs",
            ["1", "1", "1"],
            "ERROR IndexError",
            2,
        ),
        (
            "import numpy as np\ndef reward(place):\n    return np.log(place[0] + 2.0)\n",
            "finite",
            ["0", "0"],
            "NOT_FINITE",
            None,
        ),
        (
            "def reward(place):\n    n = 0\n    while place[0] > 3.5:\n        n += 1\n    return n\n",
            "fuel_bounded",
            ["1", "1", "1", "1"],
            "OUT_OF_FUEL",
            3,
        ),
        (
            "def reward(place):\n    return place[0]\n",
            "within_range",
            ["1", "1", "1"],
            "reward 3.0",
            None,
        ),
        (
            "def reward(place):\n    return 1.0 if place[0] >= 2.0 else 0.0\n",
            "latches_once",
            ["1", "1", "2", "2"],
            "reward 1.0 again",
            None,
        ),
    ],
)
def test_a_fault_is_found_and_shrinks_to_the_fewest_actions(
    source: str, name: str, actions: list[str], came: str, line: int | None
) -> None:
    options = {"reward_range": (-9.0, 2.0)} if name == "within_range" else {}
    limits = car.Limits(fuel=2_000) if name == "fuel_bounded" else None
    found = tried(source, name, limits=limits, **options)[name].counterexample
    assert found is not None
    # An odd seed starts one step nearer; either is a shortest list from its seed.
    assert found.example.plays[0].seed in {0, 1}
    assert len(found.names[0]) == len(actions) - (
        found.example.plays[0].seed if "1" in actions else 0
    )
    assert set(found.names[0]) == set(actions)
    assert came in found.broken.came
    assert found.broken.step == len(found.names[0]) - 1
    assert found.steady
    if line is not None:
        assert found.broken.span is not None
        assert found.broken.span.line == line
    assert found.rows[-1].step == found.broken.step


def test_strict_asks_of_what_only_the_space_allows() -> None:
    source = "def reward(place):\n    return 1.0 if place[1] < 0.0 else {0.0: 1.0}[place[1]]\n"
    assert tried(source, "never_errs").ok
    report = tried(source, "never_errs", strict=True, examples=60)
    found = report["never_errs"].counterexample
    assert found is not None
    assert found.origin == "spaces"
    assert found.example.plays is None
    assert len(found.example.episodes[0]) == 1
    assert "drawn from the spaces" in report.render()


# Faults of the runtime, put in ------------------------------------------------------------------


class Faulty(Stage):
    """A stage that spoils what is said, as a broken runtime would."""

    def __init__(self, program: car.RewardProgram, fault: str) -> None:
        super().__init__(program)
        self.fault = fault
        self.runs = 0

    def run(
        self, lanes: Sequence[Sequence[Trajectory]], *, fresh: bool = False
    ) -> list[list[Told]]:
        told = super().run(lanes, fresh=fresh)
        self.runs += 1
        first = told[0][0]
        if self.fault == "time":
            first.reward[0] += self.runs
        elif self.fault == "batch" and len(lanes) > 1:
            told[-1][0].reward[0] += 1.0
        elif self.fault == "order":
            told[0][0].reward[0] += len(lanes[0][0]) * (len(lanes) > 1)
        elif self.fault == "others":
            first.reward[0] += sum(len(item) for lane in lanes[1:] for item in lane)
        elif self.fault == "future":
            first.reward[0] += len(first)
        elif self.fault == "reset" and len(told[0]) > 1:
            told[0][1].reward[0] += float(told[0][0].reward[-1]) + 1.0
        elif self.fault == "task":
            first.newly_completed[:] |= first.completed
        elif self.fault == "unlatched":
            first.completed[-1] = False
        return told


@pytest.fixture(scope="module")
def episodes() -> tuple[Trajectory, ...]:
    player = Player(Line())
    lists = ((1, 1, 1), (0, 1, 1, 1, 1, 2), (2, 1))
    return tuple(player.play(Play(seed, actions)) for seed, actions in enumerate(lists))


@pytest.mark.parametrize(
    ("fault", "name", "source"),
    [
        ("time", "deterministic", GOOD),
        ("time", "pure", GOOD),
        ("batch", "batch_equals_rows", GOOD),
        ("order", "row_order", GOOD),
        ("others", "other_envs", GOOD),
        ("future", "causal", GOOD),
        ("reset", "reset_resets", GOOD),
        ("task", "latches_once", TASKS),
        ("unlatched", "latches_once", TASKS),
    ],
)
def test_each_promise_of_the_runtime_can_be_seen_to_break(
    fault: str, name: str, source: str, episodes: tuple[Trajectory, ...]
) -> None:
    claim = property_named(name)
    assert claim is not None
    program = loaded(source)
    example = Example(episodes[: max(1, claim.episodes)])
    sound = Stage(program)
    assert claim.holds(Bench(sound, again=sound), example) is None
    stage = Faulty(program, fault)
    if name == "latches_once":
        example = Example(episodes[:1])
    broken = claim.holds(Bench(stage, again=Stage(program)), example)
    assert broken is not None
    assert broken.expected != broken.came
    stage.close()
    program.close()


def test_tiers_that_differ_are_seen(episodes: tuple[Trajectory, ...]) -> None:
    program, other = loaded(GOOD), loaded(GOOD.replace("return gain,", "return gain + 1e-6,"))
    claim = property_named("tiers_agree")
    assert claim is not None
    bench = Bench(Stage(program), reference=Stage(other))
    broken = claim.holds(bench, Example(episodes[:2]))
    assert broken is not None
    assert "(interpreted)" in broken.expected
    assert (
        claim.holds(Bench(Stage(program), reference=Stage(program)), Example(episodes[:2])) is None
    )


class Scribbler(Stage):
    """Hands out a session that writes into what it is given."""

    def session(self, num_envs: int, *, fresh: bool = False) -> Any:
        session = super().session(num_envs, fresh=fresh)
        real = session.step

        def step(obs: Any = None, *args: Any, **kwargs: Any) -> Any:
            batch = real(obs, *args, **kwargs)
            if obs is not None:
                obs["place"][...] += 1.0
            return batch

        proxy = type("Session", (), {"reset": session.reset, "step": staticmethod(step)})()
        proxy.program = session.program
        return proxy


def test_observations_that_were_written_into_are_seen(episodes: tuple[Trajectory, ...]) -> None:
    program = loaded(GOOD)
    claim = property_named("pure")
    assert claim is not None
    player = Player(Line())
    own = tuple(player.play(Play(0, (1, index))) for index in range(2))
    broken = claim.holds(Bench(Scribbler(program)), Example(own))
    assert broken is not None
    assert "['place'] was written into" in broken.came


def test_a_difference_names_what_differs(episodes: tuple[Trajectory, ...]) -> None:
    program = loaded(GOOD)
    stage = Stage(program)
    one, other = stage.one(episodes[0]), stage.one(episodes[0])
    assert difference(one, other) is None
    other.components["gain"][1] += 1e-12
    assert difference(one, other, tolerance=1e-9) is None
    step, want, got = difference(one, other) or (0, "", "")
    assert (step, "component 'gain'" in want, want != got) == (1, True, True)
    other.fuel[0] += 1
    assert "fuel" in (difference(one, other) or (0, "", ""))[1]
    stage.close()


# Arrangements ----------------------------------------------------------------------------------


def test_lanes_give_each_episode_what_a_loop_by_hand_gives(
    episodes: tuple[Trajectory, ...],
) -> None:
    program = loaded(GOOD)
    scope: dict[str, Any] = {}
    exec(GOOD, scope)  # noqa: S102 - the tests' own text
    stage = Stage(program)
    lanes = [[episodes[0], episodes[1]], [episodes[2]], [episodes[1], episodes[2], episodes[0]]]
    for lane, said in zip(lanes, stage.run(lanes), strict=True):
        for episode, told in zip(lane, said, strict=True):
            payer = scope["R"]()
            rows = [
                {"place": episode.observations["place"][t], "side": 0}
                for t in range(len(episode) + 1)
            ]
            payer.reset(rows[0])
            want = [
                payer.step(rows[t], int(episode.actions[t]), rows[t + 1])[0]
                for t in range(len(episode))
            ]
            assert told.reward.tolist() == want
    stage.close()


# Counterexamples on disk -----------------------------------------------------------------------

BAD = "def reward(place):\n    return 1.0 / (place[0] - 3.0) if place[0] != 3.0 else [][0]\n"


def test_a_counterexample_is_saved_and_tried_first(tmp_path: Path) -> None:
    first = tried(BAD, "never_errs", save=tmp_path)["never_errs"]
    assert first.counterexample is not None
    path = first.counterexample.saved
    assert path is not None
    data = json.loads(path.read_text())
    assert data["property"] == "CAR301"
    assert data["episodes"][0]["names"] == list(first.counterexample.names[0])
    again = tried(BAD, "never_errs", save=tmp_path, examples=1)["never_errs"]
    assert again.examples == 1
    assert again.counterexample is not None
    assert again.counterexample.origin == str(path)
    # A mended program is tried on it, and keeps the claim.
    mended = tried(BAD.replace("[][0]", "0.0"), "never_errs", save=tmp_path, examples=2)
    assert mended.ok


def test_a_counterexample_of_the_spaces_is_read_back(tmp_path: Path) -> None:
    source = "def reward(place):\n    return 1.0 if place[1] <= 0.0 else [][0]\n"
    first = tried(source, "never_errs", save=tmp_path, strict=True)["never_errs"]
    assert first.counterexample is not None
    again = tried(source, "never_errs", save=tmp_path, examples=1)["never_errs"]
    assert again.status is Status.FAILS
    assert again.examples == 1


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", '{"version": 1, "property": "CAR301", "episodes": [{"actions": [9]}]}'],
)
def test_a_file_that_is_not_ours_is_passed_over(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "Line"
    folder.mkdir()
    (folder / "never_errs-0.json").write_text(text)
    assert tried(GOOD, "never_errs", save=tmp_path, examples=2).ok


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(car.OptionError, match="a counterexample cannot be saved"):
        tried(BAD, "never_errs", save=place)


# The command ------------------------------------------------------------------------------------


def test_the_command_prints_counterexample_and_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program.py"
    program.write_text("def reward(obs):\n    return [1.0][int(obs[0] > 0.1)]\n")
    options = ["test", str(program), "--env", "CartPole-v1", "--tier", "interpreted"]
    options += ["--examples", "5", "--property", "never_errs", "--property", "CAR302"]
    options += ["--save", str(tmp_path / "kept")]
    assert main([*options, "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert [item["status"] for item in data["properties"]] == ["fails", "holds"]
    found = data["properties"][0]["counterexample"]
    assert found["line"] == 2
    assert Path(found["saved"]).parent.parent == tmp_path / "kept"
    assert main(options) == 1
    text = capsys.readouterr().out
    assert "as it was saved" in text or "saved:" in text
    assert "IndexError" in text
    assert "1 hold, 1 fail, 0 skipped" in text
    assert main([*options, "--property", "no_such"]) == 2
    assert "property 'no_such' is not known" in capsys.readouterr().err
    program.write_text("def reward(obs):\n    return obs[0]\n")
    assert main([*options, "--reward-range=-5,5"]) == 0


def test_the_command_explains_its_claims(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--explain", "car305"]) == 0
    assert "CAR305 (property): a sub-task is completed" in capsys.readouterr().out


def test_the_examples_of_the_page_print_what_it_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    blocks = re.findall(
        r"^```python\n(.*?)^```$\n\n^```text\n(.*?)^```$", page, re.DOTALL | re.MULTILINE
    )
    assert len(blocks) == 2
    for code, printed in blocks:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.stdout == printed, done.stderr
    for claim in PROPERTIES:
        assert f"| {claim.id} | `{claim.name}` | {claim.claim}" in page


def test_hypothesis_missing_is_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(car.OptionError, match=r"carruntime\[properties\]"):
        tried(GOOD, "never_errs")
