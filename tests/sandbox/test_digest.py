"""The digest of bytes: equal to NH written down in NumPy, and different where the bytes are."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sandbox.digests import (
    BLOCK,
    CHUNK,
    DIGEST,
    KEY_BYTES,
    LEVEL_BYTES,
    SUMS,
    VECTOR,
    random_keys,
    room_of,
)
from sandbox.native.library import library

pytestmark = pytest.mark.skipif(library() is None, reason="there is no native library here")

Bytes = NDArray[np.uint8]
KEYS = random_keys(1)[0]


def native(keys: Bytes, data: Bytes) -> bytes:
    found = library()
    assert found is not None
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 5)(found.digest)
    # Bytes behind what it may touch show whether it keeps to that.
    room = np.full(room_of(data.size) + 64, 7, np.uint8)
    out = np.full(DIGEST + 64, 7, np.uint8)
    function(keys.ctypes.data, data.ctypes.data, data.size, out.ctypes.data, room.ctypes.data)
    assert (room[-64:] == 7).all()
    assert (out[-64:] == 7).all()
    return out[:DIGEST].tobytes()


def reference(keys: Bytes, data: Bytes) -> bytes:
    level = 0
    while True:
        filled = np.zeros(-(-data.size // CHUNK) * CHUNK, np.uint8)
        filled[: data.size] = data
        key = keys[level * LEVEL_BYTES :][:LEVEL_BYTES]
        sums: list[Any] = []
        for start in range(0, filled.size, BLOCK):
            block = filled[start : start + BLOCK].view(np.uint32)
            for k in range(SUMS):
                words = block + key[k * VECTOR :][: 4 * block.size].view(np.uint32)
                wide = words.astype(np.uint64)
                sums.append((wide[0::2] * wide[1::2]).sum(dtype=np.uint64))
        found = np.array(sums, np.uint64).view(np.uint8)
        if data.size <= BLOCK:
            return found.tobytes()
        data, level = found, level + 1


SIZES = [1, 3, 64, 255, 256, 257, 2047, 2048, 2049, 21_168, 131_072, 131_073, 196_608]


@pytest.mark.parametrize("size", SIZES)
def test_it_is_nh_on_every_level(size: int) -> None:
    data = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    assert native(KEYS, data) == reference(KEYS, data)
    assert native(KEYS, np.full(size, 255, np.uint8)) == reference(
        KEYS, np.full(size, 255, np.uint8)
    )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_other_bit_gives_another_digest(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from(SIZES))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    message = rng.integers(0, 256, size, np.uint8)
    other = message.copy()
    other[data.draw(st.integers(0, size - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert native(KEYS, message) != native(KEYS, other)
    assert native(KEYS, message) == native(KEYS, message.copy())


def test_blocks_that_change_places_are_seen() -> None:
    blocks = np.random.default_rng(0).integers(0, 256, (4, BLOCK), np.uint8)
    swapped = blocks[[1, 0, 2, 3]]
    assert native(KEYS, blocks.reshape(-1)) != native(KEYS, swapped.reshape(-1))


def test_each_of_the_four_sums_depends_on_its_own_part_of_the_key() -> None:
    """With keys of zeros below a place, the sums that reach that place are the ones that change."""
    data = np.random.default_rng(1).integers(0, 256, VECTOR, np.uint8)
    keys = np.zeros(KEY_BYTES, np.uint8)
    plain = np.frombuffer(native(keys, data), np.uint64)
    for k in range(SUMS):
        changed = keys.copy()
        changed[k * VECTOR] = 1
        differ = np.frombuffer(native(changed, data), np.uint64) != plain
        # The zeros that fill up the chunk are multiplied with keys too, and 0 times that is 0.
        assert differ.tolist() == [k == j for j in range(SUMS)]


def test_keys_are_drawn_and_not_written_down() -> None:
    assert (random_keys(2)[0] != random_keys(2)[1]).any()
    assert (random_keys(1)[0] != KEYS).any()
    assert len(np.unique(KEYS)) == 256
