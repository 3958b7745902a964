"""Our own kernels for the subset of OpenCV that programs use, equal to OpenCV 5.

`KERNELS` says which OpenCV function has which kernels; a function that is missing there is not
reproduced exactly, and a program that uses it runs with real OpenCV in the interpreted tier.
Importing this package loads neither Numba nor OpenCV: the table names the kernels, and
`Kernel.load` imports them. `sandbox.pictures.costs` has the fuel prices of both tiers.

The kernels allocate nothing, raise nothing and check every capacity: -1 means that an out array
or the scratch memory was too small, and that what was written so far means nothing.
"""

from __future__ import annotations

from sandbox.pictures.table import KERNELS, Kernel

__all__ = ["KERNELS", "Kernel"]
