"""Pictures of episodes, each different one kept once.

Most steps of a grid world change nothing that can be seen: of 192,000 random steps in MiniGrid only
a few per cent show a new picture. A `FrameTable` is therefore an index into pictures that all
episodes of a set share, and behaves like the array ``[T + 1, H, W, 3]`` that it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = ["FramePool", "FrameRule", "FrameTable", "frame_of"]

FrameRule: TypeAlias = "Callable[[gym.Env[Any, Any]], NDArray[np.uint8]]"
"""From an environment to its picture now, uint8 ``[H, W, 3]``, RGB."""


class FrameTable:
    """The pictures of one episode, uint8 ``[T + 1, H, W, 3]``, RGB.

    Args:
        pictures: Different pictures, each ``[H, W, 3]``; shared with other tables.
        index: int64 ``[T + 1]``, which of them each observation has.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], index: NDArray[np.int64]) -> None:
        self.pictures = pictures
        self.index = np.asarray(index, dtype=np.int64)

    dtype = np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(T + 1, H, W, 3)``."""
        return (len(self.index), *self.pictures[int(self.index[0])].shape)

    def __len__(self) -> int:
        return len(self.index)

    @overload
    def __getitem__(self, key: int) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, key: slice | NDArray[Any]) -> FrameTable: ...
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int | np.integer):
            return self.pictures[int(self.index[key])]
        return FrameTable(self.pictures, self.index[key])

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self.pictures[int(number)] for number in self.index)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.stack(list(self)).astype(dtype or np.uint8, copy=False)

    def __repr__(self) -> str:
        return f"FrameTable({self.shape}, {len(set(self.index.tolist()))} different)"


class FramePool:
    """Collects pictures and gives equal ones the same number."""

    def __init__(self) -> None:
        self.pictures: list[NDArray[np.uint8]] = []
        self._numbers: dict[bytes, int] = {}

    def add(self, frame: Any) -> int:
        """Keep a picture.

        Raises:
            OptionError: If it is no picture, or of another size than those before.
        """
        picture = np.ascontiguousarray(frame)
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise OptionError(
                f"frame of shape {picture.shape} and dtype {picture.dtype}; want uint8 [H, W, 3], "
                "as env.render() gives with render_mode='rgb_array'"
            )
        if self.pictures and self.pictures[0].shape != picture.shape:
            raise OptionError(
                f"frame of shape {picture.shape} after frames of shape {self.pictures[0].shape}; "
                "a program is loaded for one shape: pin the size of the picture"
            )
        key = blake2b(picture.data, digest_size=16).digest()
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.pictures)
            self.pictures.append(picture.copy())
        return number


def frame_of(env: gym.Env[Any, Any]) -> NDArray[np.uint8]:
    """Give the picture of an environment now: MiniGrid's whatever the render mode, else ``render()``.

    Raises:
        OptionError: If the environment was made without ``render_mode="rgb_array"``.
    """
    inner: Any = env.unwrapped
    if hasattr(inner, "get_frame") and hasattr(inner, "tile_size"):
        picture: NDArray[np.uint8] = inner.get_frame(
            inner.highlight, inner.tile_size, inner.agent_pov
        )
        return picture
    found = env.render() if env.render_mode == "rgb_array" else None
    if not isinstance(found, np.ndarray):
        raise OptionError(
            f"{type(inner).__name__} gives no frames with render_mode={env.render_mode!r}; make it "
            "with render_mode='rgb_array', or pass a function from environment to frame"
        )
    return found
