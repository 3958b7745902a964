"""Rewards from programs that models write, inside a training loop.

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carruntime.batch import RewardBatch as RewardBatch
    from carruntime.batch import RewardFailure as RewardFailure
    from carruntime.errors import CarruntimeError as CarruntimeError
    from carruntime.errors import LoadError as LoadError
    from carruntime.errors import OptionError as OptionError
    from carruntime.errors import ReproductionError as ReproductionError
    from carruntime.errors import ResetNeededError as ResetNeededError
    from carruntime.errors import RewardError as RewardError
    from carruntime.errors import SessionClosedError as SessionClosedError
    from carruntime.errors import ShapeError as ShapeError
    from carruntime.errors import SpaceError as SpaceError
    from carruntime.reproduction import load_repro as load_repro
    from carruntime.reward import RewardProgram as RewardProgram
    from carruntime.reward import check as check
    from carruntime.reward import load as load
    from carruntime.session import RewardSession as RewardSession
    from sandbox.limits import Limits as Limits
    from sandbox.outcome import Outcome as Outcome

_HOMES = {
    "CarruntimeError": "carruntime.errors",
    "Limits": "sandbox.limits",
    "LoadError": "carruntime.errors",
    "OptionError": "carruntime.errors",
    "Outcome": "sandbox.outcome",
    "ReproductionError": "carruntime.errors",
    "ResetNeededError": "carruntime.errors",
    "RewardBatch": "carruntime.batch",
    "RewardError": "carruntime.errors",
    "RewardFailure": "carruntime.batch",
    "RewardProgram": "carruntime.reward",
    "RewardSession": "carruntime.session",
    "SessionClosedError": "carruntime.errors",
    "ShapeError": "carruntime.errors",
    "SpaceError": "carruntime.errors",
    "check": "carruntime.reward",
    "load": "carruntime.reward",
    "load_repro": "carruntime.reproduction",
}

__all__ = [
    "CarruntimeError",
    "Limits",
    "LoadError",
    "OptionError",
    "Outcome",
    "ReproductionError",
    "ResetNeededError",
    "RewardBatch",
    "RewardError",
    "RewardFailure",
    "RewardProgram",
    "RewardSession",
    "SessionClosedError",
    "ShapeError",
    "SpaceError",
    "check",
    "load",
    "load_repro",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'carruntime' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
