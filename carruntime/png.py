"""Pictures as PNG, with nothing but zlib.

Reference:
    Portable Network Graphics (PNG) Specification, third edition, W3C 2025: sections 5.3 (chunks),
    11.2 (IHDR, IDAT, IEND) and 9 (filter type 0 on every row).
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

from carruntime.errors import OptionError

__all__ = ["data_url", "encode"]


def encode(picture: Any) -> bytes:
    """Give a picture, uint8 ``[H, W, 3]`` RGB, as the bytes of a PNG file.

    Raises:
        OptionError: If it is no such array.
    """
    array = np.ascontiguousarray(picture)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or not array.size:
        raise OptionError(f"png: shape {array.shape}, dtype {array.dtype}; want uint8 [H, W, 3]")
    height, width, _ = array.shape
    # Each row begins with its filter; 0 is none.
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    rows[:, 1:] = array.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", head),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _chunk(b"IEND", b""),
        ]
    )


def data_url(picture: Any) -> str:
    """Give a picture as a ``data:`` address for an HTML page."""
    return "data:image/png;base64," + base64.b64encode(encode(picture)).decode("ascii")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
