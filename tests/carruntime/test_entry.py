"""What is called, in both tiers, where a class inherits; and what is said where nothing is found."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from gymnasium import spaces as gs

import carruntime as car

SPACES = (gs.Box(-1, 1, (2,), np.float64), gs.Discrete(3))
INHERITED = """
class Base:
    def __init__(self):
        self.n = 5.0

    def reset(self, obs):
        self.n = 10.0

    def step(self, obs, action, next_obs):
        self.n += 1.0
        return self.n * self.scale()

    def scale(self):
        return 1.0


class Reward(Base):
    def scale(self):
        return 2.0
"""


@pytest.mark.parametrize("tier", ["interpreted", "compiled"])
def test_an_inherited_reset_and_step_are_called(tier: Literal["interpreted", "compiled"]) -> None:
    program = car.load(INHERITED, spaces=SPACES, isolation="none", tier=tier)
    here = np.zeros((1, 2))
    action = np.zeros(1, int)
    with program.start(1) as session:
        session.reset(here)
        paid = [float(session.step(here, action, here).reward[0]) for _ in range(2)]
    program.close()
    assert paid == [22.0, 24.0]
