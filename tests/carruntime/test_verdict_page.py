"""The page of a verdict: whole, closed to what a program might put into it, and true pictures."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
import zlib
from contextlib import closing
from html.parser import HTMLParser

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import carruntime as car
from carruntime.environments import make_env
from carruntime.frame_table import frame_of
from carruntime.plots import Line, bars, dots, lines
from carruntime.png import encode

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>"
SOURCE = f'''\
def reward(obs, action, next_obs):
    """{HOSTILE}"""
    if action == 5:
        raise ValueError("</pre>{HOSTILE.replace('"', "'")}")
    return 1.0, {{"a<b>&": 1.0, "</svg><script>x": float(action)}}
'''


class _Page(HTMLParser):
    """Collects the tags, and checks that they nest."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag


def _parsed(text: str) -> _Page:
    found = _Page()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


@pytest.fixture(scope="module")
def verdict() -> car.Verdict:
    env = make_env("MiniGrid-DoorKey-5x5-v0")
    expert = car.collect(env, "expert", 4)
    level = car.collect(env, 0.5, 3, seed=50)
    random = car.collect(env, "random", 5, seed=100, max_steps=30)
    with closing(car.load(SOURCE, env, tier="interpreted", isolation="none")) as program:
        found = car.verify(program, expert=expert, random=random, levels=[level])
    env.close()
    return found


def test_nothing_of_a_program_becomes_markup(verdict: car.Verdict) -> None:
    text = verdict.to_html()
    page = _parsed(text)
    assert "script" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert all(
        value is None or not re.match(r"(https?:|//|javascript:)", value)
        for name, value in page.attributes
        if name in ("src", "href")
    )
    assert "&lt;script&gt;" in text
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text


def test_the_page_says_what_the_verdict_says(verdict: car.Verdict) -> None:
    text = verdict.to_html()
    assert "Rejected" in text
    for item in verdict.diagnoses:
        assert item.check in text
    assert "expert+0.5 random" in text
    marked = re.findall(r'<span class="rejects"><em>(\d+)</em>', text)
    assert marked == ["4"]  # the line that raises


def test_witnesses_are_shown_as_the_environment_draws_them(verdict: car.Verdict) -> None:
    import base64

    found = next(d.witness for d in verdict.diagnoses if d.check == "CAR203")
    assert found is not None
    assert found.source is not None
    env = make_env("MiniGrid-DoorKey-5x5-v0")
    env.reset(seed=found.seed)
    for action in found.source.actions[: found.step]:
        env.step(int(action))
    wanted = base64.b64encode(encode(frame_of(env))).decode()
    env.close()
    assert wanted in verdict.to_html()
    assert "<img" not in verdict.to_html(frames=False)


def _decode(data: bytes) -> np.ndarray:
    """Read a PNG as the specification says, for filter 0 alone."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body, size = 8, b"", (0, 0)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, chunk = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert crc == zlib.crc32(kind + chunk)
        if kind == b"IHDR":
            size = struct.unpack(">II", chunk[:8])
        body += chunk if kind == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(size[1], -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(size[1], size[0], 3)


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        np.uint8,
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
        elements=st.integers(0, 255),
    )
)
def test_a_png_holds_the_picture(picture: np.ndarray) -> None:
    assert np.array_equal(_decode(encode(picture)), picture)


def test_a_png_is_what_opencv_reads() -> None:
    cv2 = pytest.importorskip("cv2")
    picture = np.random.default_rng(0).integers(0, 256, (17, 31, 3), dtype=np.uint8)
    seen = cv2.imdecode(np.frombuffer(encode(picture), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(seen[..., ::-1], picture)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(car.OptionError, match="want uint8"):
        encode(np.zeros((3, 3)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(allow_nan=True), st.floats(allow_nan=True)), max_size=5))
def test_any_numbers_make_a_plot(points: list[tuple[float, float]]) -> None:
    points = [(abs(x), y) for x, y in points]
    text = lines([Line("a<b", points, "#000")], x="steps", y="<y>")
    assert "nan" not in text
    assert "inf" not in text
    _parsed(text)


def test_plots_are_well_formed_svg() -> None:
    for text in (
        dots([("<t>&", [("expert", [1, 5], "#111"), ("random", [], "#222")])], x="step"),
        bars([("expert", [("<a>", 0.25), ("b&", 0.75)]), ("random", [("<a>", 0.0), ("b&", 0.0)])]),
    ):
        ET.fromstring(text[: text.index("</svg>") + 6])  # noqa: S314 - made here


def test_a_page_of_a_program_without_components_or_facts() -> None:
    env = gym.make("CartPole-v1")
    episodes = car.collect(env, "random", 3, max_steps=9)
    source = "def reward(next_obs):\n    return 0.0\n"
    with closing(car.load(source, env, tier="interpreted", isolation="none")) as program:
        found = car.verify(program, expert=episodes, random=episodes)
    env.close()
    _parsed(found.to_html())
