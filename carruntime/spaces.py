"""Gymnasium spaces as trees of typed leaves: what a program gets for a value of a space.

A worker knows arrays, not Gymnasium. What is said here once, when a program is loaded, decides
shape, dtype and Python type of everything that it will see; `carruntime.columns` then fills
batches accordingly.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from math import inf
from typing import Any, Final

import gymnasium as gym
import numpy as np
from gymnasium import spaces as gs
from numpy.typing import NDArray

from carruntime.environments import make_env
from carruntime.errors import OptionError, SpaceError
from carruntime.frame_columns import frame_leaf
from sandbox.schema import ArraySpec, DictSpec, Spec, TupleSpec

__all__ = ["frame_spec", "mismatches", "spaces_of", "spec_of"]

_NUMBERS: Final = frozenset(
    [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
    ]
)
_SUPPORTED: Final = (
    "Box, Discrete, MultiDiscrete, MultiBinary, Text (or another space of str), Dict and Tuple"
)


def frame_spec(frame: object) -> ArraySpec | None:
    """Describe frames as ``frame=`` of `carruntime.load` gives them.

    Args:
        frame: ``(H, W, 3)``, a Box of it, or None.

    Raises:
        OptionError: If it is neither.
    """
    if frame is None:
        return None
    if isinstance(frame, gs.Box):
        if frame.dtype != np.uint8:
            raise OptionError(f"frame={frame}: dtype {frame.dtype}; want uint8")
        frame = frame.shape
    if not isinstance(frame, tuple | list):
        raise OptionError(
            f"frame={frame!r}: want the shape (height, width, 3) of an RGB frame, or a Box of it"
        )
    return frame_leaf(frame)


def spaces_of(
    env: object = None, spaces: tuple[gym.Space[Any], gym.Space[Any]] | None = None
) -> tuple[gym.Space[Any], gym.Space[Any]]:
    """Give the observation and action space of one environment.

    Args:
        env: An environment, a vector environment, whose *single* spaces are meant, or the id of a
            registered environment, which is made and closed again.
        spaces: The two spaces themselves, in place of ``env``.

    Returns:
        Observation space and action space of one environment.

    Raises:
        OptionError: If neither or both are given, or ``env`` has no spaces.
    """
    import gymnasium as gym

    if (env is None) == (spaces is None):
        given = "neither" if env is None else "both"
        raise OptionError(
            f"env= and spaces=: {given} given; a program is bound to one pair of spaces: pass an "
            "environment, a vector environment, or spaces=(observation_space, action_space)"
        )
    if isinstance(env, str):
        made = make_env(env)
        made.close()
        return made.observation_space, made.action_space
    if spaces is not None:
        pair: Sequence[object] = spaces if isinstance(spaces, tuple | list) else (spaces,)
        origin = "spaces="
    else:
        kind = "single_" if hasattr(env, "single_observation_space") else ""
        pair = [getattr(env, f"{kind}{name}_space", None) for name in ("observation", "action")]
        origin = f"env ({type(env).__name__})"
    if len(pair) != 2 or not all(isinstance(space, gym.Space) for space in pair):
        shown = ", ".join(type(space).__name__ for space in pair)
        raise OptionError(
            f"{origin} gives ({shown}); want an observation and an action space of Gymnasium: pass "
            "an environment such as gymnasium.make(...), its id, or "
            "spaces=(observation_space, action_space)"
        )
    return pair[0], pair[1]  # type: ignore[return-value]


def spec_of(space: gym.Space[Any], *, text_bytes: int = 256, path: str = "space") -> Spec:
    """Say what a program gets for a value of a space.

    Args:
        space: Box, Discrete, MultiDiscrete, MultiBinary, a space of ``str``, or Dict and Tuple of
            them, nested.
        text_bytes: UTF-8 bytes of one text slot.
        path: Name of the space in error messages.

    Returns:
        The tree. A Discrete becomes a Python int, a text a ``str``, a Box without axes a NumPy
        scalar, every other leaf an array of the space's own dtype.

    Raises:
        SpaceError: If parts of the space cannot be handed to a program; all are named.
    """
    problems: list[str] = []
    spec = _spec(space, text_bytes, path, problems)
    if spec is None or problems:
        raise SpaceError(problems)
    return spec


def _spec(space: object, text_bytes: int, path: str, problems: list[str]) -> Spec | None:

    if isinstance(space, gs.Dict):
        odd = [key for key in space.spaces if not isinstance(key, str)]
        if odd:
            problems.append(f"{path}: key {odd[0]!r} of the Dict is no str; programs read str keys")
            return None
        fields = [
            (key, _spec(child, text_bytes, f"{path}[{key!r}]", problems))
            for key, child in space.spaces.items()
        ]
        return DictSpec(tuple((key, child) for key, child in fields if child is not None))
    if isinstance(space, gs.Tuple):
        items = [
            _spec(child, text_bytes, f"{path}[{index}]", problems)
            for index, child in enumerate(space.spaces)
        ]
        return TupleSpec(tuple(child for child in items if child is not None))
    if isinstance(space, gs.Discrete):
        low = int(space.start)
        return ArraySpec(
            kind="int", dtype="int64", low=float(low), high=float(low + int(space.n) - 1)
        )
    if isinstance(space, gs.MultiDiscrete):
        start = np.asarray(getattr(space, "start", 0))
        last = np.asarray(space.nvec, dtype=np.float64) + start - 1
        return _array(space, np.broadcast_to(start, last.shape), last, path, problems)
    if isinstance(space, gs.MultiBinary):
        return _array(space, np.zeros(()), np.ones(()), path, problems)
    if isinstance(space, gs.Box):
        return _array(space, space.low, space.high, path, problems)
    if _is_text(space):
        return ArraySpec(kind="text", shape=(text_bytes,), dtype="uint8", low=0.0, high=255.0)
    problems.append(
        f"{path}: {type(space).__name__} cannot be handed to a program; supported are {_SUPPORTED}"
    )
    return None


def _array(
    space: gym.Space[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    path: str,
    problems: list[str],
) -> ArraySpec | None:
    dtype = np.dtype(space.dtype)
    if dtype.name not in _NUMBERS:
        problems.append(
            f"{path}: dtype {dtype.name} cannot be a column; want one of "
            f"{', '.join(sorted(_NUMBERS))}"
        )
        return None
    return ArraySpec(
        shape=tuple(int(size) for size in space.shape or ()),
        dtype=dtype.name,
        low=float(np.min(low)) if np.size(low) else -inf,
        high=float(np.max(high)) if np.size(high) else inf,
    )


def _is_text(space: object) -> bool:
    import gymnasium as gym

    if isinstance(space, gs.Text):
        return True
    if not isinstance(space, gym.Space) or isinstance(space, gs.Graph | gs.Sequence | gs.OneOf):
        return False
    if space.dtype is not None:
        # MiniGrid's MissionSpace says dtype=str, which NumPy calls "U".
        return np.dtype(space.dtype).kind == "U"
    try:
        # A copy, because sampling would move the space's own random generator.
        return isinstance(copy.deepcopy(space).sample(), str)
    except Exception:
        return False


def mismatches(want: Spec, have: Spec, path: str) -> list[str]:
    """Say where a tree has not what another one reads; bounds may differ.

    Args:
        want: What is read.
        have: What there is; may have more.
        path: Name of the tree in messages.

    Returns:
        A line for each part that is missing or of another kind, shape or dtype.
    """
    if isinstance(want, DictSpec):
        found: list[str] = []
        for key, child in want.fields:
            other = have.get(key) if isinstance(have, DictSpec) else None
            inner = f"{path}[{key!r}]"
            found += [f"{inner}: missing"] if other is None else mismatches(child, other, inner)
        return found
    if isinstance(want, TupleSpec):
        items = have.items if isinstance(have, TupleSpec) else ()
        if len(items) != len(want.items):
            return [f"{path}: want a tuple of {len(want.items)}"]
        return [
            line
            for index, (child, other) in enumerate(zip(want.items, items, strict=True))
            for line in mismatches(child, other, f"{path}[{index}]")
        ]
    if not isinstance(have, ArraySpec):
        return [f"{path}: want {want.kind} {want.dtype} {want.shape}, there is a tree"]
    if (want.kind, want.dtype, want.shape) != (have.kind, have.dtype, have.shape):
        there = f"there is {have.kind} {have.dtype} {have.shape}"
        return [f"{path}: want {want.kind} {want.dtype} {want.shape}, {there}"]
    return []
