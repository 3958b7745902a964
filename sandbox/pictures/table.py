"""Which OpenCV function is computed by which kernel, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from sandbox.pictures.costs import COSTS, COSTS_AFTER

__all__ = ["KERNELS", "Kernel"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel of an OpenCV function.

    Attributes:
        opencv: Name of the function in `cv2`.
        name: Name of the kernel in its module.
        module: Module of `sandbox.pictures` that has it.
        types: Its signature in Numba's notation; argument names are those of the kernel itself.
        scratch: Name of the function beside the kernel that gives the elements of the scratch
            array it needs, from sizes; empty if the kernel needs none.
        when: For which arguments of the OpenCV function this kernel is the one, in words.
    """

    opencv: str
    name: str
    module: str
    types: str
    scratch: str = ""
    when: str = ""

    def load(self) -> Callable[..., Any]:
        """Import and give the compiled function (a Numba dispatcher, compiled on its first call)."""
        return _member(self.module, self.name)

    def load_scratch(self) -> Callable[..., int] | None:
        """Give the function for the size of the scratch array, or None if there is no scratch."""
        return _member(self.module, self.scratch) if self.scratch else None

    @property
    def cost(self) -> Callable[..., int]:
        """The fuel price before the call; argument names as in `sandbox.pictures.costs`."""
        return COSTS[self.opencv]

    @property
    def cost_after(self) -> Callable[..., int] | None:
        """The fuel price from the result, or None."""
        return COSTS_AFTER.get(self.opencv)


def _member(module: str, name: str) -> Callable[..., Any]:
    member: Callable[..., Any] = getattr(import_module(f"sandbox.pictures.{module}"), name)
    return member


_U2 = "uint8[:,::1]"
_U3 = "uint8[:,:,::1]"

_ALL: Final[tuple[Kernel, ...]] = ()


def _by_opencv_name(kernels: tuple[Kernel, ...]) -> dict[str, tuple[Kernel, ...]]:
    table: dict[str, tuple[Kernel, ...]] = {}
    for kernel in kernels:
        table[kernel.opencv] = (*table.get(kernel.opencv, ()), kernel)
    return table


KERNELS: Final[Mapping[str, tuple[Kernel, ...]]] = MappingProxyType(_by_opencv_name(_ALL))
"""OpenCV name -> its kernels."""
