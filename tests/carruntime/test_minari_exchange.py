"""Episodes through a Minari data set and back, where minari is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carruntime.collection import collect
from carruntime.errors import OptionError
from carruntime.minari_exchange import from_minari, to_minari

pytest.importorskip("minari")
pytest.importorskip("jax")
pytest.importorskip("h5py")
pytestmark = pytest.mark.filterwarnings("ignore")


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(left[k], right[k]) for k in left)
    if isinstance(left, tuple):
        return bool(left == right)
    return left.dtype == right.dtype and np.array_equal(left, right)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))


@pytest.mark.parametrize("env_id", ["MiniGrid-DoorKey-5x5-v0", "CartPole-v1"])
def test_episodes_come_back_whole(env_id: str) -> None:
    policy = 0.5 if env_id.startswith("MiniGrid") else "random"
    one = collect(env_id, policy, 3, seed=4, max_steps=15)
    to_minari(one, "carruntime/some-v0")
    two = from_minari("carruntime/some-v0")
    assert (two.env_id, two.policy, len(two)) == (env_id, one.policy, 3)
    for left, right in zip(one, two, strict=True):
        for name in ("observations", "actions", "rewards", "terminated", "truncated"):
            assert _equal(getattr(left, name), getattr(right, name)), name
        assert _equal(dict(left.facts), dict(right.facts))
        assert _equal(dict(left.states), dict(right.states))
        assert (left.success, left.seed, left.policy) == (right.success, right.seed, right.policy)
        assert dict(left.provenance) == dict(right.provenance)


def test_an_unknown_or_taken_name_is_told() -> None:
    with pytest.raises(OptionError, match="no data set 'carruntime/none-v0' on this machine"):
        from_minari("carruntime/none-v0")
    one = collect("CartPole-v1", "random", 1)
    to_minari(one, "carruntime/taken-v0")
    with pytest.raises(OptionError, match="cannot be made"):
        to_minari(one, "carruntime/taken-v0")
