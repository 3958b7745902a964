"""Programs as models write them: they load, and pay what plain Python pays."""

from __future__ import annotations

import copy
import math
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

import carruntime as car
from carruntime.plain import PlainReward

FOLDER = Path(__file__).parent.parent / "corpus" / "natural"
ROWS = 16
MISSIONS = ("open the red door", "pick up the blue key", "go to the green ball", "get the box", "")


def box(*shape: int, low: float = -1.0, high: float = 1.0) -> spaces.Box:
    return spaces.Box(low, high, shape, np.float64)


SPACES: dict[str, tuple[spaces.Space[Any], spaces.Space[Any]]] = {
    "grid": (
        spaces.Dict(
            {
                "image": spaces.Box(0, 10, (7, 7, 3), np.uint8),
                "direction": spaces.Discrete(4),
                "mission": spaces.Text(64),
            }
        ),
        spaces.Discrete(7),
    ),
    "goals": (
        spaces.Dict({"observation": box(18), "achieved_goal": box(3), "desired_goal": box(3)}),
        box(4),
    ),
    "control": (box(8, low=-2.0, high=2.0), spaces.Discrete(4)),
    "market": (
        spaces.Dict(
            {
                "prices": box(5, low=0.0, high=3.0),
                "holdings": box(5, low=0.0, high=2.0),
                "cash": box(1, low=0.0, high=9.0),
            }
        ),
        box(5),
    ),
}
PROGRAMS = [
    (kind, index)
    for kind in SPACES
    for index in range((FOLDER / f"{kind}.py").read_text().count("# ---\n") + 1)
]


def source_of(kind: str, index: int) -> str:
    return (FOLDER / f"{kind}.py").read_text().split("# ---\n")[index]


@cache
def observations(kind: str) -> list[Any]:
    """Draw observations in which objects are sometimes there and sometimes not."""
    rng = np.random.default_rng(11)
    space = SPACES[kind][0]
    space.seed(12)
    made = [space.sample() for _ in range(ROWS + 1)]
    if kind == "grid":
        for number, item in enumerate(made):
            image = rng.integers(0, 6, (7, 7, 3)).astype(np.uint8)
            image[:, :, 0] = rng.choice([1, 1, 1, 2, 4, 5, 8, 9] if number else [1], (7, 7))
            item["image"], item["mission"] = image, MISSIONS[number % len(MISSIONS)]
            item["direction"] = int(item["direction"])
    return made


def batched(space: spaces.Space[Any], samples: list[Any]) -> Any:
    if isinstance(space, spaces.Dict):
        return {key: batched(part, [s[key] for s in samples]) for key, part in space.items()}
    return tuple(samples) if isinstance(space, spaces.Text) else np.stack(samples)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "index"), PROGRAMS)
def test_a_natural_program_pays_what_plain_python_pays(kind: str, index: int) -> None:
    source = source_of(kind, index)
    pair = SPACES[kind]
    if source.startswith("# refused: "):
        with pytest.raises(car.LoadError) as caught:
            car.load(source, spaces=pair, isolation="none")
        found = {item.rule: item for item in caught.value.report.errors}
        rule = source.partition("\n")[0].removeprefix("# refused: ")
        assert rule in found
        assert found[rule].hint
        return
    program = car.load(source, spaces=pair, tier="interpreted", isolation="none")
    seen = observations(kind)
    pair[1].seed(13)
    actions = [pair[1].sample() for _ in range(ROWS)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        plain = PlainReward(program, 1, trust=True)
        plain.reset(0, copy.deepcopy(seen[0]))
    no = np.zeros(1, bool)
    with program.start(num_envs=1, on_error="nan") as session:
        session.reset(batched(pair[0], seen[:1]))
        for t, action in enumerate(actions):
            row = {"obs": seen[t], "action": action, "next_obs": seen[t + 1], "t": t}
            if isinstance(pair[1], spaces.Discrete):
                row["action"] = int(action)
            want = _plain(plain, copy.deepcopy(row))
            batch = session.step(
                batched(pair[0], seen[t : t + 1]),
                np.stack([action]),
                batched(pair[0], seen[t + 1 : t + 2]),
                no,
                no,
            )
            if isinstance(want, str):
                failure = batch.failure(0)
                assert failure is not None
                assert failure.exception == want
            elif not math.isfinite(want):
                assert batch.outcome[0] == car.Outcome.NOT_FINITE
            else:
                assert batch.outcome[0] == car.Outcome.OK, batch.failure(0)
                assert math.isclose(batch.reward[0], want, rel_tol=1e-12, abs_tol=1e-15)


def _plain(plain: PlainReward, row: dict[str, Any]) -> float | str:
    """Give what plain Python pays, or the name of what it raises."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain.step(0, row)
        except Exception as error:
            return type(error).__name__


def test_most_of_the_natural_programs_are_taken() -> None:
    """A change that makes the dialect refuse what it took has to say so here."""
    refused = [p for p in PROGRAMS if source_of(*p).startswith("# refused: ")]
    assert (len(PROGRAMS), len(refused)) == (71, 7)
