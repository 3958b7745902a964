"""Where the frames of an environment come from, for programs that look at pictures.

A frame belongs to a moment: right after a step, and before the environment resets itself. That is
easy to miss in a vector environment that resets inside of the step which ends an episode
(SAME_STEP): rendering afterwards shows the next episode. So there are sources for both cases:

    source                what it gives                                   good in
    `Rendered`            ``env.render()`` after the step                 NEXT_STEP, DISABLED, one env
    `InfoFrames`          ``info["frame"]``, put there by `RenderFrames`  every mode
                          inside of each sub-environment
    `ObservationFrames`   a field of the observation                      every mode
    `ComputedFrames`      a function of the observations                  every mode
    `CallableFrames`      a function of the environment                   NEXT_STEP, DISABLED, one env

Frames are uint8 ``[H, W, 3]``, RGB; a batch of them ``[N, H, W, 3]``.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import gymnasium as gym
import numpy as np

from carruntime.environments import make_env
from carruntime.errors import OptionError

__all__ = [
    "CallableFrames",
    "ComputedFrames",
    "FrameSource",
    "InfoFrames",
    "ObservationFrames",
    "RenderFrames",
    "Rendered",
    "drawn_shape",
    "frame_shape_of",
    "frame_source_of",
]

Source: TypeAlias = "FrameSource | str | Callable[[Any], Any] | None"
"""What ``frame_source=`` takes: a source, ``"render"``, ``"info"``, ``"obs"`` or
``"obs/FIELD"``, or a function of the environment."""


class FrameSource(Protocol):
    """Gives the frames of this moment.

    Attributes:
        sees_ends: Whether it can give the last frame of an episode after the environment has
            reset itself in the same step.
    """

    @property
    def sees_ends(self) -> bool:
        """Whether last frames are known in autoreset mode SAME_STEP."""

    def frames(self, env: Any, obs: Any, info: Mapping[str, Any]) -> Any:
        """Give the frames.

        Args:
            env: The environment, just reset or stepped.
            obs: Its observations; where an episode ended, the last one of it.
            info: Its info; where an episode ended, the last one of it.

        Returns:
            uint8 ``[N, H, W, 3]``, or ``[H, W, 3]`` for one environment; or a sequence of frames.
        """


@dataclass(frozen=True, slots=True)
class Rendered:
    """``env.render()`` of an environment made with ``render_mode="rgb_array"``."""

    sees_ends: bool = False

    def frames(self, env: Any, obs: Any, info: Mapping[str, Any]) -> Any:
        """Render; see `FrameSource.frames`.

        Raises:
            OptionError: If the environment draws nothing.
        """
        del obs, info
        found = env.render()
        if found is None:
            raise OptionError(
                f"{type(env).__name__}: render() gives nothing; make the environment with "
                'render_mode="rgb_array", or pass another frame_source='
            )
        return found


@dataclass(frozen=True, slots=True)
class InfoFrames:
    """A frame that each environment puts into its info, as `RenderFrames` does.

    Attributes:
        name: Its key.
    """

    name: str = "frame"
    sees_ends: bool = True

    def frames(self, env: Any, obs: Any, info: Mapping[str, Any]) -> Any:
        """Take them; see `FrameSource.frames`.

        Raises:
            OptionError: If info has none.
        """
        del obs
        found = info.get(self.name)
        if found is None:
            raise OptionError(
                f"{type(env).__name__}: info has no {self.name!r}, from where the frames of a "
                'program are taken; make the environments with render_mode="rgb_array" and '
                "wrappers=[carruntime.frames.RenderFrames], or pass another frame_source="
            )
        return found


@dataclass(frozen=True, slots=True)
class ObservationFrames:
    """A part of the observation that is a frame.

    Attributes:
        field: Key of a Dict observation; empty for an observation that is the frame itself.
    """

    field: str = ""
    sees_ends: bool = True

    def frames(self, env: Any, obs: Any, info: Mapping[str, Any]) -> Any:
        """Take them; see `FrameSource.frames`.

        Raises:
            OptionError: If the observation has no such field.
        """
        del info
        if not self.field:
            return obs
        if not isinstance(obs, Mapping) or self.field not in obs:
            raise OptionError(
                f"{type(env).__name__}: the observation has no field {self.field!r}, from where "
                "the frames of a program are taken; pass another frame_source="
            )
        return obs[self.field]

    def shape_in(self, env: object) -> tuple[int, ...] | None:
        """Give the shape that the observation space of an environment tells, if it tells one."""
        space = getattr(env, "single_observation_space", getattr(env, "observation_space", None))
        if self.field:
            space = space.spaces.get(self.field) if isinstance(space, gym.spaces.Dict) else None
        return space.shape if isinstance(space, gym.spaces.Box) else None


@dataclass(frozen=True, slots=True)
class ComputedFrames:
    """Frames that are drawn from observations, such as those of a grid from its encoding.

    Attributes:
        draw: From observations to frames, uint8 ``[N, H, W, 3]``.
    """

    draw: Callable[[Any], Any]
    sees_ends: bool = True

    def frames(self, env: Any, obs: Any, info: Mapping[str, Any]) -> Any:
        """Draw them; see `FrameSource.frames`."""
        del env, info
        return self.draw(obs)


@dataclass(frozen=True, slots=True)
class CallableFrames:
    """Frames that a function takes from the environment.

    Attributes:
        look: From the environment to frames, uint8 ``[N, H, W, 3]``.
    """

    look: Callable[[Any], Any]
    sees_ends: bool = False

    def frames(self, env: Any, obs: Any, info: Mapping[str, Any]) -> Any:
        """Call it; see `FrameSource.frames`."""
        del obs, info
        return self.look(env)


class RenderFrames(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Puts what the environment draws into ``info["frame"]`` of every reset and step.

    Inside of each sub-environment of a vector environment it sees the last frame of an episode
    before anything resets: ``gym.make_vec(id, 8, render_mode="rgb_array",
    wrappers=[RenderFrames])``.

    Args:
        env: Made with ``render_mode="rgb_array"``.
        name: Key in info.

    Raises:
        OptionError: If the environment draws no RGB arrays.
    """

    def __init__(self, env: gym.Env[Any, Any], name: str = "frame") -> None:
        gym.utils.RecordConstructorArgs.__init__(self, name=name)
        gym.Wrapper.__init__(self, env)
        if env.render_mode != "rgb_array":
            raise OptionError(
                f"RenderFrames: render_mode is {env.render_mode!r}; make the environment with "
                'render_mode="rgb_array"'
            )
        self._name = name

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset, and draw the first frame."""
        obs, info = self.env.reset(seed=seed, options=options)
        return obs, self._drawn(info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, and draw the frame after the action."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, reward, terminated, truncated, self._drawn(info)

    def _drawn(self, info: dict[str, Any]) -> dict[str, Any]:
        # An environment may draw into one array again and again.
        return {**info, self._name: np.array(self.env.render())}


def frame_source_of(given: Source, env: Any, *, many: bool) -> FrameSource:
    """Give the source that ``frame_source=`` names.

    Args:
        given: See `Source`; None takes `InfoFrames` for many environments and `Rendered` for one.
        env: What is wrapped.
        many: Whether it is a vector environment.

    Raises:
        OptionError: If it names none.
    """
    if given is None:
        return InfoFrames() if many or has_frames(env) else Rendered()
    if isinstance(given, str):
        kind, _, rest = given.partition("/")
        if kind == "obs":
            return ObservationFrames(rest)
        if kind == "info":
            return InfoFrames(rest or "frame")
        if given == "render":
            return Rendered()
    elif hasattr(given, "frames") and hasattr(given, "sees_ends"):
        return given
    elif callable(given):
        return CallableFrames(given)
    raise OptionError(
        f'frame_source={given!r}: want "render", "info", "obs" or "obs/FIELD", a function of the '
        "environment, or a source of carruntime.frames"
    )


def frame_shape_of(env: gym.Env[Any, Any]) -> tuple[int, ...] | None:
    """Give the shape ``(H, W, 3)`` of what an environment draws, by resetting it and looking.

    Args:
        env: An environment; it is reset with seed 0.

    Returns:
        The shape, or None if it draws no RGB frames.
    """
    if env.render_mode != "rgb_array":
        return None
    env.reset(seed=0)
    return _shape_of(env.render())


def drawn_shape(env: object) -> tuple[tuple[int, ...] | None, str]:
    """Find out the shape of what an environment draws, and leave the environment as it is.

    An environment that has been reset is asked to draw. Any other one is made a second time from its
    `gymnasium.envs.registration.EnvSpec`, for resetting the caller's own would move its random
    generator; an environment of one's own that is not registered can be asked before its reset only
    if it draws then. Vector environments are never asked: a failure would end their processes.

    Args:
        env: An environment, a vector environment, or the id of a registered environment.

    Returns:
        The shape ``(H, W, 3)`` and an empty text; or None and why it cannot be told.
    """
    if isinstance(env, str):
        return _of_another(lambda: make_env(env, render_mode="rgb_array"), env)
    mode = getattr(env, "render_mode", None)
    if mode != "rgb_array":
        return None, (
            f"the environment draws no frames (render_mode is {mode!r}; make it with "
            'render_mode="rgb_array")'
        )
    inner = getattr(env, "unwrapped", env)
    known = getattr(inner, "frame_shape", None)
    if known is not None:
        return tuple(known), ""
    if not hasattr(env, "single_observation_space"):
        # Wrappers that watch the order of calls raise if it was not reset.
        with contextlib.suppress(Exception):
            shape = _shape_of(env.render())  # type: ignore[attr-defined]  # has a render_mode
            if shape is not None:
                return shape, ""
    for one in (*getattr(inner, "envs", ())[:1], inner):
        spec = getattr(getattr(one, "unwrapped", one), "spec", None)
        if spec is not None:
            break
    else:
        return None, (
            f"{type(inner).__name__} is not registered, so that no second one can be made to see what "
            "it draws; reset it before, or say it"
        )
    kwargs = {key: value for key, value in spec.kwargs.items() if key not in _OF_VECTORS}
    plain = dataclasses.replace(spec, additional_wrappers=(), kwargs=kwargs)
    return _of_another(lambda: gym.make(plain, render_mode="rgb_array"), plain.id)


_OF_VECTORS: Final = frozenset({"num_envs", "vectorization_mode", "vector_kwargs", "wrappers"})


def _of_another(make: Callable[[], gym.Env[Any, Any]], name: str) -> tuple[Any, str]:
    """Give what another environment of the same kind draws."""
    try:
        env = make()
        try:
            shape = frame_shape_of(env)
        finally:
            env.close()
    except Exception as error:
        return None, f"{name} cannot be made to draw ({type(error).__name__}: {error})"
    return shape, "" if shape is not None else f"{name} draws no RGB frames of bytes"


def _shape_of(drawn: Any) -> tuple[int, ...] | None:
    picture = np.asarray(drawn)
    is_frame = picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
    return tuple(int(size) for size in picture.shape) if is_frame else None


def has_frames(env: Any) -> bool:
    """Whether a single environment puts its frames into info."""
    while isinstance(env, gym.Wrapper):
        if isinstance(env, RenderFrames):
            return True
        env = env.env
    return False
