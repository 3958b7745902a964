"""Sizes and keys of the digests that `sandbox.native.digest` computes; see there what they promise."""

from __future__ import annotations

import os
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLOCK",
    "CHUNK",
    "DIGEST",
    "KEY_BYTES",
    "LEVELS",
    "LEVEL_BYTES",
    "SUMS",
    "VECTOR",
    "random_keys",
    "room_of",
]

DIGEST: Final = 32
"""Bytes of a digest."""
BLOCK: Final = 2_048
"""Bytes of a message that become one digest on the first level."""
VECTOR: Final = 64
CHUNK: Final = 4 * VECTOR
"""Bytes of one turn of the loop; the end of a message is filled up with zeros to so many."""
SUMS: Final = 4
LEVEL_BYTES: Final = BLOCK + (SUMS - 1) * VECTOR
"""Bytes of the key of one level."""
LEVELS: Final = 5
"""Levels of a message of at most `BLOCK` * 64 ** 4 bytes, 34 GB."""
KEY_BYTES: Final = LEVELS * LEVEL_BYTES


def random_keys(count: int) -> NDArray[np.uint8]:
    """Draw the keys of so many independent digests, uint8 ``[count, KEY_BYTES]``."""
    drawn = np.frombuffer(os.urandom(count * KEY_BYTES), np.uint8)
    return drawn.reshape(count, KEY_BYTES).copy()


def room_of(size: int) -> int:
    """Give the bytes of working memory that the digest of so many bytes takes."""
    first = -(-size // BLOCK) * DIGEST
    return CHUNK + first + -(-first // BLOCK) * DIGEST
