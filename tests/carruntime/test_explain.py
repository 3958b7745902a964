"""What ``explain`` tells of a program: fuel, memory, and where the work is."""

from __future__ import annotations

import json

import gymnasium as gym
import numpy as np
import pytest

import carruntime as car
from carruntime.cli import main
from carruntime.demo import ENV_ID, program_path
from carruntime.explain import Explanation, explain

BOX = gym.spaces.Box(0, 255, (7, 7, 3), np.uint8)
SPACES = (BOX, gym.spaces.Discrete(3))
HEAVY = """\
import math

def reward(obs):
    small = float(obs[0, 0, 0])
    total = 0.0
    for x in range(7):
        for y in range(7):
            total += math.sin(float(obs[x, y, 0]))
    return small + total
"""


def explained(source: str, **options: object) -> Explanation:
    """Load in this process, for speed, and explain."""
    program = car.load(source, spaces=SPACES, isolation="none", **options)  # type: ignore[arg-type]
    try:
        return explain(program, program.limits.fuel)
    finally:
        program.close()


def test_the_dear_line_has_most_of_the_work() -> None:
    """49 sines outweigh everything else; lines without code have no share."""
    found = explained(HEAVY)
    shares = {item.line: item.share for item in found.lines}
    assert shares[8] > 0.8
    assert sum(shares.values()) == pytest.approx(1.0)
    assert 1 not in shares
    marked = [line for line in found.render_source(HEAVY) if line.startswith(">")]
    assert len(marked) == 1
    assert marked[0].endswith("total += math.sin(float(obs[x, y, 0]))")


@pytest.mark.parametrize(
    ("body", "bounded"),
    [
        ("return float(sum(range(5)))", True),
        ("return 1.0 if obs[0, 0, 0] > 3 else float(obs.sum())", True),
        ("n = int(obs[0, 0, 0])\n    t = 0.0\n    for k in range(n):\n        t += k\n    return t",
         False),
        ("n = int(obs[0, 0, 0])\n    while n > 0:\n        n -= 1\n    return float(n)", False),
    ],
)  # fmt: skip
def test_fuel_is_bounded_where_no_loop_depends_on_the_data(body: str, bounded: bool) -> None:
    """A range over a number of the observation, and a while loop, have no bound."""
    found = explained(f"def reward(obs):\n    {body}\n")
    assert (found.fuel_bound is not None) is bounded


def test_a_bound_is_kept_by_every_row() -> None:
    """The bound of a program with branches is at least what its dearest row is charged."""
    source = "def reward(obs):\n    return float(obs.sum()) if obs[0, 0, 0] > 3 else 0.0\n"
    bound = explained(source).fuel_bound
    assert bound is not None
    limits = car.Limits(fuel=bound)
    observations = np.stack([np.zeros((7, 7, 3), np.uint8), np.full((7, 7, 3), 9, np.uint8)])
    program = car.load(source, spaces=SPACES, isolation="none", limits=limits)
    with program.start(num_envs=2) as session:
        session.reset()
        assert (session.step(next_obs=observations).outcome == car.Outcome.OK).all()
    less = car.load(source, spaces=SPACES, isolation="none", limits=car.Limits(fuel=bound - 1))
    with less.start(num_envs=2, on_error="nan") as session:
        session.reset()
        assert car.Outcome.OUT_OF_FUEL in session.step(next_obs=observations).outcome


def test_what_is_interpreted_has_no_costs() -> None:
    """Only the compiler knows of instructions."""
    found = explained(HEAVY, tier="interpreted")
    assert found.lines == ()
    assert found.compiled == {}
    assert found.render_costs() == []
    assert found.render_source(HEAVY) == []


def test_the_command_prints_costs_and_the_annotated_source(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From a worker, with a rate; ``--json`` gives the same as numbers."""
    arguments = ["explain", str(program_path("dense_reward")), "--env", ENV_ID]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "fuel of a row: at most" in text
    assert "rows/s here:" in text
    assert "source, with each line's share of the estimated instructions:" in text
    assert main([*arguments, "--json", "--no-rate"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["compilation"]["row_bytes_read"] > 0
    assert told["rows_per_s"] is None
    assert sum(item["share"] for item in told["lines"]) == pytest.approx(1.0)
