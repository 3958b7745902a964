"""Passes of a worker whose last layer fails although the system has it."""

from __future__ import annotations

from faulty_passes import analyse, build

from sandbox import layers

__all__ = ["analyse", "build"]


def _fail(order: layers.Order) -> bool:
    raise OSError(22, "the kernel changed its mind")


layers.LAYERS = (  # type: ignore[misc]
    *layers.LAYERS,
    layers.Layer("last", layers.Phase.BEFORE_SOURCE, "nothing", available=True, apply=_fail),
)
