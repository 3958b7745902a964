"""MiniGrid compiled: a vector environment for three of its tasks, and frames for all of them.

The names below are loaded when they are first used; only then are Gymnasium and Numba needed. The
renderer is `carruntime.minigrid.render.render`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carruntime.minigrid.encoding import GridState as GridState
    from carruntime.minigrid.encoding import state_of as state_of
    from carruntime.minigrid.render import frame_of as frame_of
    from carruntime.minigrid.vector import ENV_IDS as ENV_IDS
    from carruntime.minigrid.vector import MiniGridVectorEnv as MiniGridVectorEnv
    from carruntime.minigrid.vector import has_compiled as has_compiled

_HOMES = {
    "ENV_IDS": "vector",
    "GridState": "encoding",
    "MiniGridVectorEnv": "vector",
    "frame_of": "render",
    "has_compiled": "vector",
    "state_of": "encoding",
}

__all__ = [
    "ENV_IDS",
    "GridState",
    "MiniGridVectorEnv",
    "frame_of",
    "has_compiled",
    "state_of",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'carruntime.minigrid' has no attribute {name!r}")
    value = getattr(import_module(f"carruntime.minigrid.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
