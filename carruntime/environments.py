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
        raise OptionError(
            f"environment {env_id!r} cannot be made: {_reason(env_id, error)} (ids of other "
            "packages are written package:EnvId-v0)"
        ) from error


def _reason(env_id: str, error: Exception) -> str:
    """Name the nearest ids where the id is wrong; Gymnasium's own guess can be far off."""
    import gymnasium as gym

    if not isinstance(error, gym.error.UnregisteredEnv):
        return str(error)
    near = difflib.get_close_matches(env_id, list(gym.registry), n=3, cutoff=0.75)
    if near:
        return f"did you mean {', '.join(near)}?"
    return str(error).partition(" Did you mean")[0].removesuffix(".")


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
