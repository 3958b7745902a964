"""Pictures for a model: PNG files made from frames, and PNG files from outside, checked.

A picture from outside goes to a model's endpoint and into an exchange folder, so it is read
chunk by chunk, with caps before anything is unpacked, and written again with nothing in it but
pixels: text, time and place that cameras and editors put into files stay here. Only PNG is taken,
which needs nothing but ``zlib``; other kinds are named in the error.

A picture's digest is over its pixels as they are filtered in the file, not over the file: two
versions of zlib pack the same pixels into different bytes.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from carruntime.generate.errors import PictureError

__all__ = ["MAX_FILE_BYTES", "MAX_SIDE", "Picture", "from_frame", "read_picture"]

MAX_FILE_BYTES: Final = 20 * 1024 * 1024
MAX_SIDE: Final = 4096
"""Pixels of one side; endpoints scale pictures of more than about 2,000 down anyway."""

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_KEPT: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_OTHERS: Final = (
    (b"\xff\xd8\xff", "a JPEG"),
    (b"GIF8", "a GIF, which can be animated"),
    (b"BM", "a BMP"),
    (b"%PDF", "a PDF"),
    (b"II*\x00", "a TIFF"),
    (b"MM\x00*", "a TIFF"),
    (b"<svg", "an SVG"),
    (b"<?xml", "XML, an SVG perhaps"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as a model gets it.

    Attributes:
        role: What it shows, a word of ours: ``"initial"`` or ``"goal"``.
        width: Pixels.
        height: Pixels.
        digest: SHA-256 in hex over header and filtered pixels.
        data: The PNG file.
    """

    role: str
    width: int
    height: int
    digest: str
    data: bytes

    def to_json(self) -> dict[str, Any]:
        """Give all but the pixels."""
        return {
            "role": self.role,
            "width": self.width,
            "height": self.height,
            "digest": self.digest,
        }


def from_frame(role: str, frame: NDArray[Any]) -> Picture:
    """Make a picture from a frame.

    Args:
        role: What it shows.
        frame: uint8 ``[H, W, 3]``, RGB.

    Raises:
        PictureError: If it is no such array, or too large.
    """
    frame = np.asarray(frame)
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise PictureError(
            f"{role} picture: a frame of {frame.dtype}{list(frame.shape)}; want uint8 [H, W, 3], as "
            'env.render() gives it under render_mode="rgb_array"'
        )
    height, width = frame.shape[:2]
    _must_fit(f"{role} picture", width, height)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = frame.reshape(height, 3 * width)
    return _picture(role, width, height, [(b"IHDR", header)], rows.tobytes())


def read_picture(path: Path, role: str) -> Picture:
    """Read a PNG file from outside.

    Args:
        path: The file.
        role: What it shows.

    Raises:
        PictureError: If it cannot be read, is no still PNG, is damaged or too large.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PictureError(
            f"{role} picture {path}: cannot be read: {error.strerror or error}; want a PNG file"
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(
            f"{role} picture {path}: more than {MAX_FILE_BYTES:,} bytes; want a PNG file of less, "
            "such as one frame of the environment"
        )
    return parse_picture(data, role, str(path))


def parse_picture(data: bytes, role: str, name: str) -> Picture:
    """Check the bytes of a PNG file and write them again without what is no pixel."""
    where = f"{role} picture {name}"
    if not data.startswith(_SIGNATURE):
        raise PictureError(f"{where}: {_kind(data)}; want a PNG file of one still picture")
    chunks: list[tuple[bytes, bytes]] = []
    packed: list[bytes] = []
    ended = False
    for kind, body in _chunks(data, where):
        if kind in (b"acTL", b"fcTL", b"fdAT"):
            raise PictureError(f"{where}: animated (APNG); want one still picture: save one frame")
        if not chunks and kind != b"IHDR":
            raise PictureError(f"{where}: damaged, it does not begin with a header; save it again")
        if kind == b"IDAT":
            packed.append(body)
        elif kind == b"IEND":
            ended = True
            break
        elif kind in _KEPT and kind not in (known for known, _ in chunks):
            chunks.append((kind, body))
        elif not chunks:
            break
    if not chunks or len(chunks[0][1]) != 13:
        raise PictureError(f"{where}: damaged, its header has not 13 bytes; save it again")
    width, height, depth, colour, method, filtering, interlace = struct.unpack(
        ">IIBBBBB", chunks[0][1]
    )
    if depth not in _DEPTHS.get(colour, ()) or method or filtering or interlace > 1:
        raise PictureError(f"{where}: damaged, its header is none of PNG; save it again")
    _must_fit(where, width, height)
    if not ended or not packed:
        raise PictureError(f"{where}: cut off, it has no end; save or copy it again")
    if colour == 3 and b"PLTE" not in (kind for kind, _ in chunks):
        raise PictureError(f"{where}: damaged, its palette is missing; save it again")
    bits = depth * _CHANNELS[colour]
    pixels = _unpacked(b"".join(packed), _filtered_bytes(width, height, bits, interlace), where)
    return _picture(role, width, height, chunks, pixels)


def _picture(
    role: str, width: int, height: int, chunks: list[tuple[bytes, bytes]], pixels: bytes
) -> Picture:
    made = hashlib.sha256()
    for kind, body in chunks:
        made.update(kind + struct.pack(">I", len(body)) + body)
    made.update(pixels)
    parts = [*chunks, (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
    data = _SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
    return Picture(role, width, height, made.hexdigest(), data)


def _chunks(data: bytes, where: str) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while place + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        kind = data[place + 4 : place + 8]
        body = data[place + 8 : place + 8 + size]
        end = place + 12 + size
        if end > len(data):
            return
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if checksum != zlib.crc32(kind + body):
            raise PictureError(f"{where}: damaged, a checksum is wrong; save or copy it again")
        yield kind, body
        place = end


def _unpacked(packed: bytes, size: int, where: str) -> bytes:
    """Unpack pixels, never more than the header says there are."""
    unpacker = zlib.decompressobj()
    try:
        pixels = unpacker.decompress(packed, size + 1)
    except zlib.error:
        raise PictureError(f"{where}: damaged, its pixels do not unpack; save it again") from None
    if len(pixels) != size:
        raise PictureError(
            f"{where}: damaged, it has {'more' if len(pixels) > size else 'fewer'} pixels than its "
            "header says; save it again"
        )
    return pixels


def _filtered_bytes(width: int, height: int, bits: int, interlace: int) -> int:
    if not interlace:
        return height * (1 + (width * bits + 7) // 8)
    total = 0
    for x, y, dx, dy in (
        *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
        *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
    ):
        columns, rows = -(-(width - x) // dx), -(-(height - y) // dy)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _must_fit(where: str, width: int, height: int) -> None:
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise PictureError(
            f"{where}: {width:,} x {height:,} pixels; want 1 to {MAX_SIDE:,} on each side: scale it"
        )


def _kind(data: bytes) -> str:
    if not data:
        return "an empty file"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a WebP, which can be animated"
    for start, words in _OTHERS:
        if data.startswith(start):
            return words
    return "not a picture that is known here"
