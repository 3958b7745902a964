"""``sum()`` as CPython adds from 3.12 on, whatever version runs the tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import both
import numpy as np
import pytest

from sandbox.limits import Limits
from sandbox.tiers.compiled import functions

FORMS = (
    "sum([x, y, -x, z, -y])",
    "sum([x, 1, y, True, z], 0.5)",
    "sum({'a': x * y, 'b': -x, 'c': z * 0.1}.values())",
    "sum(a for a in [x, y, z, 1e16, 1.0, -1e16])",
    "sum([x, y, v[0], z])",
    "sum([v[0], x, y])",
    "sum([x, y, 0.1, 0.2, v[1]] + [z, 0.3])",
    "sum(float(a) for a in v if a > -1)",
    "sum([])",
    "sum([-0.0])",
    "sum([1, 2, x])",
)


def compensated(values: Iterable[Any], start: Any = 0) -> Any:
    """Add as ``builtin_sum_impl`` of CPython 3.12 does."""
    total, lost, floats = start, 0.0, True
    for item in values:
        kinds = type(total), type(item)
        if floats and kinds == (float, float):
            new = total + item
            large, small = (total, item) if abs(total) >= abs(item) else (item, total)
            lost += (large - new) + small
            total = new
        elif floats and kinds[0] is float and issubclass(kinds[1], int):
            total += float(item)
        elif kinds[0] is int and kinds[1] in (int, bool):
            total += item
        else:
            if floats and kinds[0] is float:
                if lost and abs(lost) < float("inf"):
                    total += lost
                floats = False
            lost = 0.0
            total += item
            floats = floats and type(total) is float
    if floats and type(total) is float and lost and abs(lost) < float("inf"):
        total += lost
    return total


@pytest.mark.parametrize("form", FORMS)
def test_sum_of_floats_makes_up_for_rounding(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, with infinities and NaN among the values, and NumPy floats that end it."""
    monkeypatch.setattr(functions, "COMPENSATED", True)
    rng = np.random.default_rng(3)
    values = rng.normal(size=(40, 5)) * 10.0 ** rng.integers(-9, 17, (40, 5))
    values[0, 0], values[1, 1], values[2, 2] = np.inf, -np.inf, np.nan
    values[3], values[4] = -0.0, [1e16, 1.0, -1e16, 0.5, 1e308]
    columns = {"v": values}
    lines = "    x, y, z = float(v[2]), float(v[3]), float(v[4])\n"
    source = f"def reward(v):\n{lines}    return float({form})\n"
    got = both.compiled(source, columns, frozenset(), Limits())
    names: dict[str, Any] = {"sum": compensated}
    exec(source, names)  # noqa: S102  our own source
    with np.errstate(all="ignore"):
        for row, end in zip(values, got, strict=True):
            want = float(names["reward"](row))
            assert both.same(end, both.Ended(want if abs(want) < np.inf else np.nan, None)), row
