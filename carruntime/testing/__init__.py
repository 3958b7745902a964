"""Property tests for reward programs: strategies, the laws themselves, and what tries them.

``pip install 'carruntime[properties]'`` brings Hypothesis, which the search needs. The names below
are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carruntime.testing.properties import PROPERTIES as PROPERTIES
    from carruntime.testing.properties import Bench as Bench
    from carruntime.testing.properties import Broken as Broken
    from carruntime.testing.properties import Example as Example
    from carruntime.testing.properties import Property as Property
    from carruntime.testing.properties import property_named as property_named
    from carruntime.testing.report import Counterexample as Counterexample
    from carruntime.testing.report import PropertyReport as PropertyReport
    from carruntime.testing.report import PropertyResult as PropertyResult
    from carruntime.testing.report import Status as Status
    from carruntime.testing.running import Tester as Tester
    from carruntime.testing.running import check_properties as check_properties
    from carruntime.testing.strategies import Constants as Constants
    from carruntime.testing.strategies import actions as actions
    from carruntime.testing.strategies import constants_of as constants_of
    from carruntime.testing.strategies import following as following
    from carruntime.testing.strategies import invented_episodes as invented_episodes
    from carruntime.testing.strategies import observations as observations
    from carruntime.testing.strategies import plays as plays
    from carruntime.testing.strategies import transitions as transitions

_HOMES = {
    "PROPERTIES": "properties",
    "Bench": "properties",
    "Broken": "properties",
    "Constants": "strategies",
    "Counterexample": "report",
    "Example": "properties",
    "Property": "properties",
    "PropertyReport": "report",
    "PropertyResult": "report",
    "Status": "report",
    "Tester": "running",
    "actions": "strategies",
    "check_properties": "running",
    "constants_of": "strategies",
    "following": "strategies",
    "invented_episodes": "strategies",
    "observations": "strategies",
    "plays": "strategies",
    "property_named": "properties",
    "transitions": "strategies",
}

__all__ = [
    "PROPERTIES",
    "Bench",
    "Broken",
    "Constants",
    "Counterexample",
    "Example",
    "Property",
    "PropertyReport",
    "PropertyResult",
    "Status",
    "Tester",
    "actions",
    "check_properties",
    "constants_of",
    "following",
    "invented_episodes",
    "observations",
    "plays",
    "property_named",
    "transitions",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'carruntime.testing' has no attribute {name!r}")
    value = getattr(import_module(f"carruntime.testing.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
