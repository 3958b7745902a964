"""The short way past `sandbox.weights.weight` is taken only where nothing would be charged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sandbox import cost
from sandbox.weights import is_light, weight

LIGHT: list[Any] = [
    3,
    2.5,
    None,
    np.float32(1.0),
    "x" * 1_087,
    b"x" * 1_087,
    (),
    (1, 2),
    ("N", 1),
    ("x" * 64,) * 8,
    (b"x" * 147, 3),
    tuple(range(16)),
]
HEAVY: list[Any] = [
    "x" * 1_088,
    b"x" * 1_088,
    tuple(range(17)),
    ("x" * 64,) * 9,
    ((1, 2),),
    ([1],),
    [1],
    {1: 2},
    np.zeros(3),
    (np.zeros(3),),
]


@pytest.mark.parametrize("value", LIGHT, ids=lambda value: repr(value)[:20])
def test_a_light_value_weighs_nothing_that_is_charged(value: Any) -> None:
    assert is_light(value)
    assert weight(value, 1 << 20) <= cost.ELEMENTS_PER_UNIT


@pytest.mark.parametrize("value", HEAVY, ids=lambda value: repr(value)[:20])
def test_what_is_large_or_nested_is_weighed(value: Any) -> None:
    assert not is_light(value)
