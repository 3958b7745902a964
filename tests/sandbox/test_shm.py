"""Both sides compute one layout, and a worker cannot write what it may only read."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import shm
from sandbox.errors import UsageError
from sandbox.schema import ArraySpec, DictSpec, Schema

TREE = DictSpec(
    (
        ("image", ArraySpec(shape=(7, 7, 3), dtype="uint8")),
        ("mission", ArraySpec(kind="text", shape=(256,), dtype="uint8")),
    )
)
MIXED = Schema((("next_obs", TREE), ("action", ArraySpec(kind="int", dtype="int64"))))


def test_columns_have_their_shapes_and_a_text_has_its_lengths_beside_it() -> None:
    layout = shm.layout_of_inputs(MIXED, 5)
    views = layout.views(bytearray(layout.size))
    assert {name: (array.shape, array.dtype.name) for name, array in views.items()} == {
        "next_obs/image": ((5, 7, 7, 3), "uint8"),
        "next_obs/mission": ((5, 256), "uint8"),
        "next_obs/mission#len": ((5,), "int32"),
        "action": ((5,), "int64"),
    }


@given(st.integers(1, 70), st.integers(0, 5), st.integers(0, 5))
def test_arrays_start_on_a_cache_line_and_do_not_overlap(
    rows: int, components: int, tasks: int
) -> None:
    layout = shm.layout_of_outputs(rows, components, tasks)
    end = 0
    for _, dtype, shape, offset in layout.arrays:
        assert offset % 64 == 0
        assert offset >= end
        end = offset + int(np.prod(shape)) * np.dtype(dtype).itemsize
    assert end <= layout.size


def test_what_one_side_writes_the_other_reads() -> None:
    layout = shm.layout_of_outputs(4, 2, 3)
    region = shm.Region(layout.size, worker_writes=True)
    here = shm.outputs_of(layout, region.memory)
    there = shm.outputs_of(layout, shm.attach(os.dup(region.fd), layout.size, writable=True))
    there.reward[:] = [1.0, 2.0, 3.0, 4.0]
    assert here.reward.tolist() == [1.0, 2.0, 3.0, 4.0]
    region.close()
    region.close()
    here.reward[0] = 9.0
    assert there.reward[0] == 9.0


@pytest.mark.skipif(not shm.seals_hold(), reason="this system has no sealed memory")
class TestSeals:
    def test_inputs_cannot_be_mapped_writable_or_written_again(self) -> None:
        region = shm.Region(4096, worker_writes=False)
        for flags in (os.O_RDONLY, os.O_RDWR):
            fd = os.open(f"/proc/self/fd/{region.fd}", flags)
            with pytest.raises(OSError, match="ermi"):
                mmap.mmap(fd, 4096)
            with pytest.raises(OSError, match=r"ermi|Bad"):
                os.pwrite(fd, b"x", 0)
            os.close(fd)
        view = shm.attach(os.dup(region.fd), 4096, writable=False)
        region.memory[0] = 7
        assert view[0] == 7
        with pytest.raises(TypeError):
            view[0] = 1
        region.close()

    def test_a_read_only_mapping_stays_so_for_native_code(self) -> None:
        """mprotect is what a guest with a native exploit would try next."""
        code = """
import ctypes, os, sys
from sandbox import shm
region = shm.Region(4096, worker_writes=False)
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
place = libc.mmap(None, 4096, 1, 1, region.fd, 0)
assert place not in (None, ctypes.c_void_p(-1).value)
print(libc.mprotect(ctypes.c_void_p(place), ctypes.c_size_t(4096), 3))
"""
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stdout.strip() == "-1"

    @pytest.mark.parametrize("worker_writes", [True, False])
    @pytest.mark.parametrize("size", [0, 8192])
    def test_memory_cannot_be_made_shorter_or_longer(
        self, *, worker_writes: bool, size: int
    ) -> None:
        region = shm.Region(4096, worker_writes=worker_writes)
        fd = os.open(f"/proc/self/fd/{region.fd}", os.O_RDWR)
        with pytest.raises(OSError, match="ermi"):
            os.ftruncate(fd, size)
        os.close(fd)
        region.close()

    def test_no_seal_can_be_added_by_the_worker(self) -> None:
        import fcntl

        region = shm.Region(4096, worker_writes=True)
        with pytest.raises(OSError, match="ermi"):
            fcntl.fcntl(region.fd, 1033, 8)
        region.close()


def test_without_memfd_an_unlinked_file_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    region = shm.Region(4096, worker_writes=False)
    region.memory[:3] = b"abc"
    view = shm.attach(os.dup(region.fd), 4096, writable=False)
    assert view[:3] == b"abc"
    with pytest.raises(OSError, match="ermi"):
        mmap.mmap(region.fd, 4096)
    region.close()
    assert not shm.seals_hold()


def test_a_batch_of_absurd_size_is_refused_with_a_hint() -> None:
    with pytest.raises(UsageError, match="take fewer rows"):
        shm.layout_of_inputs(MIXED, 1 << 40)
