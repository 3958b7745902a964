"""Pictures that are shown to a model: made from frames, and taken from outside."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carruntime.generate.errors import PictureError
from carruntime.generate.pictures import MAX_SIDE, from_frame, parse_picture, read_picture
from carruntime.generate.runner import given_pictures

FRAME = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def header(
    width: int = 2, height: int = 2, depth: int = 8, colour: int = 2, inter: int = 0
) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, inter))


PIXELS = chunk(b"IDAT", zlib.compress(bytes(2 * (1 + 2 * 3))))
END = chunk(b"IEND", b"")


def test_a_frame_becomes_a_png_that_others_read() -> None:
    cv2 = pytest.importorskip("cv2")
    picture = from_frame("goal", FRAME)
    again = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(again[:, :, ::-1], FRAME)
    assert (picture.width, picture.height) == (7, 5)


@given(st.integers(0, 9))
def test_the_digest_is_that_of_the_pixels_and_not_of_how_they_are_packed(level: int) -> None:
    picture = from_frame("goal", FRAME)
    rows = b"".join(b"\0" + row.tobytes() for row in FRAME)
    other = png(header(7, 5), chunk(b"IDAT", zlib.compress(rows, level)), END)
    assert parse_picture(other, "goal", "x").digest == picture.digest
    changed = FRAME.copy()
    changed[0, 0, 0] ^= 1
    assert from_frame("goal", changed).digest != picture.digest


def test_nothing_but_pixels_goes_on() -> None:
    told = png(header(), chunk(b"tEXt", b"Author\0me"), chunk(b"eXIf", b"GPS here"), PIXELS, END)
    picture = parse_picture(told, "goal", "x")
    assert b"me" not in picture.data
    assert b"GPS" not in picture.data
    assert picture.digest == parse_picture(png(header(), PIXELS, END), "goal", "x").digest


@pytest.mark.parametrize("colour", [0, 2, 4, 6])
@pytest.mark.parametrize("inter", [0, 1])
@pytest.mark.parametrize("depth", [8, 16])
def test_all_kinds_of_png_are_taken(colour: int, inter: int, depth: int) -> None:
    bits = depth * {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    size = 9 * (1 + 9 * bits // 8)
    if inter:
        # Passes of a 9 x 9 picture, columns and rows, by the specification.
        passes = ((2, 2), (1, 2), (3, 1), (2, 3), (5, 2), (4, 5), (9, 4))
        size = sum(rows * (1 + columns * bits // 8) for columns, rows in passes)
    body = chunk(b"IDAT", zlib.compress(bytes(size)))
    assert parse_picture(png(header(9, 9, depth, colour, inter), body, END), "goal", "x").width == 9


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "an empty file"),
        (b"hello", "not a picture that is known here"),
        (b"\xff\xd8\xff\xe0rest", "a JPEG"),
        (b"GIF89a rest", "a GIF, which can be animated"),
        (b"RIFF....WEBPVP8 ", "a WebP, which can be animated"),
        (b"<svg xmlns=", "an SVG"),
        (png(header(), chunk(b"acTL", bytes(8)), PIXELS, END), "animated"),
        (png(header(100_000, 100_000), PIXELS, END), "100,000 x 100,000 pixels"),
        (png(header(0, 5), PIXELS, END), "0 x 5 pixels"),
        (png(header(), PIXELS), "cut off"),
        (png(header(), PIXELS, END)[:50], "cut off"),
        (png(PIXELS, END), "does not begin with a header"),
        (png(header(depth=3), PIXELS, END), "its header is none of PNG"),
        (png(header(colour=3), PIXELS, END), "its palette is missing"),
        (png(header(), chunk(b"IDAT", b"not packed"), END), "do not unpack"),
        (png(header(3, 3), PIXELS, END), "fewer pixels"),
        (png(header(1, 1), PIXELS, END), "more pixels"),
        (png(header(), chunk(b"IDAT", zlib.compress(bytes(10**7))), END), "more pixels"),
        (png(header(), PIXELS[:-1] + b"\0", END), "a checksum is wrong"),
    ],
)
def test_what_is_no_still_png_is_refused_in_words(data: bytes, text: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    with pytest.raises(PictureError, match=text) as raised:
        read_picture(path, "initial")
    assert "initial picture" in str(raised.value)
    assert "picture.png" in str(raised.value)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for start in (b"", b"\x89PNG\r\n\x1a\n", png(header())):
        with pytest.raises(PictureError):
            parse_picture(start + data, "goal", "x")


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((1, MAX_SIDE + 1, 3), np.uint8),
    ],
)
def test_a_frame_of_another_kind_is_refused(frame: np.ndarray) -> None:
    with pytest.raises(PictureError):
        from_frame("goal", frame)


def test_two_pictures_are_wanted_and_they_must_differ(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(from_frame("goal", FRAME).data)
    with pytest.raises(PictureError, match="goal picture: not given"):
        given_pictures(path, None)
    with pytest.raises(PictureError, match="are the same"):
        given_pictures(path, path)
    with pytest.raises(PictureError, match="cannot be read"):
        given_pictures(path, tmp_path / "b.png")
    assert given_pictures(None, None) == ()
