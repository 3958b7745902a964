"""Make an environment from its id, importing the package that registers it."""

from __future__ import annotations

import contextlib
import difflib
import importlib
from typing import TYPE_CHECKING, Any

from carruntime.errors import OptionError

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = ["make_env"]


def make_env(env_id: str, **kwargs: Any) -> gym.Env[Any, Any]:
    """Make a registered environment, MiniGrid's and panda-gym's included.

    Raises:
        OptionError: If there is none of that name; it names the nearest.
    """
    import gymnasium as gym

    _register(env_id)
    try:
        return gym.make(env_id, **kwargs)
    except (gym.error.Error, ModuleNotFoundError) as error:
        near = difflib.get_close_matches(env_id, list(gym.registry), n=3, cutoff=0.6)
        reason = f"did you mean {', '.join(near)}?" if near else str(error)
        raise OptionError(
            f"environment {env_id!r} cannot be made: {reason} (ids of other packages are written "
            "package:EnvId-v0)"
        ) from error


def _register(env_id: str) -> None:
    """Import the package that registers an id, where the id tells."""
    for prefix, package in (
        ("MiniGrid-", "minigrid"),
        ("BabyAI-", "minigrid"),
        ("Panda", "panda_gym"),
    ):
        if env_id.startswith(prefix):
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(package)
