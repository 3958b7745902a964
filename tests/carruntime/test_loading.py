"""What `load` and `check` say about programs and arguments that cannot be used."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import plain_tier
import pytest
from gymnasium import spaces as gs

import carruntime as car
import carruntime.loading
import sandbox
import sandbox.passes

SPACES = (gs.Box(-1, 1, (4,), np.float32), gs.Discrete(2))
GOOD = "def reward(obs, action, next_obs):\n    return 0.0\n"


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.passes, "build", plain_tier.build, raising=False)


def refused(source: Any, **options: Any) -> car.LoadError:
    with pytest.raises(car.LoadError) as caught:
        car.load(source, spaces=SPACES, isolation="none", **options)
    return caught.value


def rules(source: Any, **options: Any) -> set[str]:
    return {item.rule for item in refused(source, **options).report.errors}


def test_a_contract_finding_shows_place_caret_reason_and_advice() -> None:
    error = refused("def reward(obs, actoin, next_obs):\n    return 0.0\n")
    assert str(error) == (
        "<program>:1:17: CAR110 parameter `actoin` has no meaning here\n"
        "    def reward(obs, actoin, next_obs):\n"
        "                    ^^^^^^\n"
        "  why: parameters are bound by name, and a guess that is wrong would train a wrong agent\n"
        "  try: did you mean `action`? If not, bind it from Python: load(..., "
        "bindings={'actoin': 'next_obs'})"
    )


def test_a_load_error_can_be_pickled() -> None:
    error = refused("def reward(x):\n    return 0.0\n")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert str(copy) == str(error)
    assert isinstance(copy, car.CarruntimeError)


def test_findings_of_all_passes_are_in_one_report_in_source_order() -> None:
    source = "import json\n\ndef reward(obs, *args, gamma=0.9):\n    return 0.0\n"
    report = car.check(source, spaces=SPACES, isolation="none")
    places = [item.span.line for item in report.findings if item.span]
    assert places == sorted(places)
    assert not report.ok


def test_a_file_that_is_not_utf_8_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_bytes(b"def reward(obs):\n    return 0.0  # \xff\n")
    error = refused(path)
    assert "0xff" in str(error)
    assert str(path) in str(error)


@pytest.mark.parametrize("source", ["", "\n", "def reward(:\n", "x = 1\n", "\x00", "\ud800"])
def test_a_text_that_is_no_program_is_refused(source: str) -> None:
    assert rules(source)


def test_two_entries_are_refused_and_one_can_be_named() -> None:
    source = GOOD + "\nclass R:\n    def step(self, obs):\n        return 1.0\n"
    assert rules(source) == {"CAR103"}
    program = car.load(source, spaces=SPACES, entry="R", isolation="none")
    assert program.form == "class"


def test_a_hostile_program_is_refused_before_anything_of_it_runs(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    error = refused(f"open({str(canary)!r}, 'w')\n{GOOD}")
    assert error.report.errors
    assert not canary.exists()


def test_a_missing_file_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(car.OptionError, match="cannot be read: No such file"):
        car.load(tmp_path / "none.py", spaces=SPACES)
    with pytest.raises(car.OptionError, match="cannot be read"):
        car.load(tmp_path, spaces=SPACES)


def test_the_name_of_a_file_is_not_taken_for_a_program() -> None:
    with pytest.raises(car.OptionError, match=r"pass pathlib\.Path\('reward\.py'\)"):
        car.load("reward.py", spaces=SPACES)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tier": "fast"}, "tier='fast': want one of 'auto', 'interpreted', 'compiled'"),
        ({"isolation": "thread"}, "isolation='thread'"),
        ({"require": "some"}, "require='some'"),
        ({"frame": gs.Box(0, 1, (8, 8, 3))}, "frame=.*want uint8"),
        ({"frame_order": "hsv"}, "frame_order='hsv': want one of 'rgb', 'bgr'"),
        ({"reward_range": (1, 0)}, "want .lowest, highest."),
        ({"reward_range": (float("nan"), 0)}, "want .lowest, highest."),
        ({"extra": {"obs": gs.Discrete(2)}}, "extra= declares 'obs'"),
        ({"extra": {"not a name": gs.Discrete(2)}}, "extra= declares 'not a name'"),
        ({"spaces": None}, "neither given"),
        ({"env": gym.make("CartPole-v1")}, "both given"),
        ({"spaces": (gs.Discrete(2),)}, "want an observation and an action space"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(options: dict[str, Any], told: str) -> None:
    given = {"spaces": SPACES, "isolation": "none", **options}
    with pytest.raises(car.OptionError, match=told):
        car.load(GOOD, given.pop("env", None), **given)


def test_a_source_that_is_neither_text_nor_path_is_refused() -> None:
    with pytest.raises(car.OptionError, match="source is a bytes"):
        car.load(b"x", spaces=SPACES)  # type: ignore[arg-type]


def test_a_space_that_no_program_can_be_given_is_named() -> None:
    with pytest.raises(car.SpaceError, match=r"observation_space\['g'\]: Graph"):
        car.load(GOOD, spaces=(gs.Dict({"g": gs.Graph(gs.Discrete(2), None)}), gs.Discrete(2)))


def test_check_without_an_environment_looks_at_text_and_entry_only() -> None:
    report = car.check("def reward(anything):\n    return 0.0\n", isolation="none")
    assert report.ok
    assert report.facts == {"entry": "reward", "form": "function"}
    assert not car.check("x = 1\n", isolation="none").ok


def test_check_does_not_speak_of_tiers_because_it_decides_none() -> None:
    report = car.check(GOOD, spaces=SPACES, isolation="none")
    assert set(report.facts) == {"entry", "form", "binding"}
    facts = car.load(GOOD, spaces=SPACES, isolation="none").report.facts
    assert set(facts) == {"entry", "form", "binding", "tier", "tier_reason"}


def test_an_environment_or_a_vector_environment_gives_the_spaces() -> None:
    env = gym.make("CartPole-v1")
    venv = gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync")
    for one in (env, venv):
        program = car.load(GOOD, one, isolation="none")
        assert [name for name, _ in program.plan.schema.slots] == ["obs", "next_obs", "action"]
    venv.close()


def test_the_digest_is_that_of_the_bytes() -> None:
    one = car.load(GOOD, spaces=SPACES, isolation="none")
    two = car.load(GOOD + "\n", spaces=SPACES, isolation="none")
    assert len(one.digest) == 64
    assert one.digest != two.digest
    assert one.source == GOOD


def test_a_text_limit_reaches_the_columns() -> None:
    space = gs.Text(500, min_length=0)
    source = "def reward(obs):\n    return len(obs)\n"
    program = car.load(
        source, spaces=(space, gs.Discrete(2)), limits=car.Limits(text_bytes=400), isolation="none"
    )
    with program.start(1) as session:
        session.reset()
        assert session.step(next_obs="a" * 400).reward.tolist() == [400.0]
        with pytest.raises(car.ShapeError, match=r"raise limits\.text_bytes"):
            session.step(next_obs="a" * 401)


def test_a_program_can_be_closed_and_started_again() -> None:
    program = car.load(GOOD, spaces=SPACES, isolation="none")
    program.close()
    program.close()
    with program.start(1) as session:
        session.reset()
        seen = np.zeros(4, np.float32)
        assert session.step(seen, 0, seen).reward.tolist() == [0.0]


@pytest.mark.parametrize("values", [{"fuel": -1}, {"fuel": 0}, {"wall_s": "long"}, {"fuel": True}])
def test_a_limit_that_is_no_positive_number_is_an_option_error(values: dict[str, Any]) -> None:
    with pytest.raises(car.OptionError, match="want a number above 0"):
        car.Limits(**values)


def test_limits_that_are_none_are_an_option_error() -> None:
    with pytest.raises(car.OptionError, match=r"limits=5: want carruntime\.Limits"):
        car.load(GOOD, spaces=SPACES, isolation="none", limits=5)  # type: ignore[arg-type]
    with pytest.raises(car.OptionError, match=r"limits=0: want carruntime\.Limits"):
        car.check(GOOD, limits=0)  # type: ignore[arg-type]


def test_limits_of_the_sandbox_are_limits_too() -> None:
    program = car.load(GOOD, spaces=SPACES, isolation="none", limits=sandbox.Limits(fuel=9_000))
    assert program.limits.fuel == 9_000


@pytest.mark.parametrize("call", [car.load, car.check])
def test_isolation_that_cannot_be_had_is_an_error_of_both_packages(call: Any) -> None:
    with pytest.raises(car.IsolationRefusedError, match="cannot be met") as caught:
        call(GOOD, spaces=SPACES, isolation="none", require="full")
    assert isinstance(caught.value, car.CarruntimeError)
    assert isinstance(caught.value, sandbox.IsolationError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


@pytest.mark.parametrize(
    "options",
    [
        *({"entry": 5}, {"bindings": 5}, {"bindings": {"obs": 5}}, {"extra": 5}),
        *({"extra": {5: SPACES[0]}}, {"reward_range": 5}, {"reward_range": ("a", "b")}),
    ],
    ids=str,
)
def test_an_option_of_another_kind_is_an_option_error(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(car.OptionError, match=f"^{name}="):
        car.load(GOOD, spaces=SPACES, isolation="none", **options)


@pytest.mark.parametrize("spaces", [5, SPACES[0], (1, 2), (*SPACES, SPACES[0])], ids=str)
def test_spaces_that_are_no_pair_are_an_option_error(spaces: Any) -> None:
    with pytest.raises(car.OptionError, match="want an observation and an action space"):
        car.load(GOOD, spaces=spaces, isolation="none")


@pytest.mark.parametrize(("gave_up", "rule"), [(True, "CAR132"), (False, "CAR130")])
def test_a_fault_of_ours_while_loading_is_called_one(
    gave_up: bool, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise sandbox.WorkerDiedError("RuntimeError: oh", gave_up=gave_up)

    monkeypatch.setattr(carruntime.loading, "bind", broken)
    report = car.check(GOOD, spaces=SPACES, isolation="none")
    (found,) = report.errors
    assert found.rule == rule
    assert ("a fault of carruntime" in found.why) is gave_up
    assert ("report it" in found.hint) is gave_up
