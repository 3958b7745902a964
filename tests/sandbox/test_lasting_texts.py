"""Texts that an episode keeps, or that a loop makes: both tiers beside plain CPython."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

import carruntime as car

WORDS = (
    *("the red key", "a", "hall", "north hall", "dark cellar now", "You take it", "", "x,y, z"),
    *("it's open. ok", "a red key, an apple,  the lamp", "é", "x" * 60),
)
SPACES = (
    spaces.Dict({"room": spaces.Text(64), "text": spaces.Text(64), "n": spaces.Discrete(5)}),
    spaces.Discrete(5),
)
ENVS = 8

KEPT = """
from collections import Counter, deque

class Tracker:
    def __init__(self):
        self.last = ""
        self.first = None
        self.messages = []

    def clean(self, text):
        return " ".join(text.strip().lower().split())

    def reset(self, obs):
        self.mission = obs["text"]
        self.colour = obs["room"].split(" ")[0]
        self.recent = deque(maxlen=3)
        self.counts = Counter()
        self.seen = {"A", "HALL"}
        self.rooms = {self.clean(obs["room"]): 1}
        self.targets = [(w, len(w)) for w in obs["text"].split(" ") if w in ("red", "hall")]

    def step(self, obs, action, next_obs):
        room, text = self.clean(next_obs["room"]), next_obs["text"]
        out = 1.0 * (room == self.last) + 2.0 * ("key" in self.mission)
        out += 4.0 * (self.colour == next_obs["room"].split(" ")[0])
        if self.first is None:
            self.first = room
        elif self.first == room:
            out += 8.0
        out += 16.0 * list(self.recent).count(text) + 100.0 * self.messages[-3:].count(text)
        self.recent.append(text)
        self.messages.append(text)
        self.counts[room] += 1
        out += 1e3 * self.counts[room] + 1e4 * (text.upper() not in self.seen)
        self.seen.add(text.upper())
        self.rooms[room] = self.rooms.get(room, 0) + 1
        out += 1e5 * len(self.rooms) + 1e6 * sum(1 for w, n in self.targets if w in room)
        if action == 3:
            self.last, self.first = room, self.last
        if action == 4 and len(self.messages) > 2:
            self.messages.pop(0)
        if next_obs["room"] == "a":
            out += 1 // int(action)
        return out
"""
MADE = """
STOP = {"the", "a", "an"}

def tokens(text):
    cleaned = "".join(c if c.isalnum() or c == " " else " " for c in text.lower())
    return [w for w in cleaned.split() if w not in STOP]

def items(text):
    found = set()
    for part in text.split(","):
        name = " ".join(tokens(part))
        if name:
            found.add(name)
    return found

def reward(obs, action, next_obs):
    words, other = tokens(next_obs["room"]), tokens(obs["text"])
    joined = "-".join(w for w in other if len(w) > 2)
    out = len(words) + 10.0 * len(set(words) & set(other)) + 1e3 * len(joined)
    out += 100.0 * len(items(next_obs["room"]) - items(next_obs["text"]))
    if "pick" in words or "key" in next_obs["text"].split():
        out += 0.5
    names = []
    for part in next_obs["text"].split(" "):
        names.append(part.replace("a", "bb").upper())
    return out + (0.25 if joined == "red-key" else 0) + 1e6 * names.count(names[0])
"""
MUCH = """
class Talker:
    def reset(self, obs):
        self.said = [obs["text"]]

    def step(self, obs, action, next_obs):
        for word in ("a", "b", "c", "d"):
            self.said.append(next_obs["text"].replace("x", "yy"))
        return float(len(self.said)) + self.said.count(obs["text"].replace("x", "yy"))
"""


def rows(steps: int) -> list[tuple[list[dict[str, Any]], list[int]]]:
    """Draw what each environment sees, and its action, for so many steps."""
    rng = np.random.default_rng(5)
    drawn = []
    for _ in range(steps):
        seen = [
            {key: str(rng.choice(WORDS)) for key in ("room", "text")} | {"n": int(rng.integers(5))}
            for _ in range(ENVS)
        ]
        drawn.append((seen, [int(a) for a in rng.integers(0, 5, ENVS)]))
    return drawn


def batch(seen: list[dict[str, Any]]) -> dict[str, Any]:
    """Stack observations as a vector environment does."""
    texts = {key: tuple(row[key] for row in seen) for key in ("room", "text")}
    return texts | {"n": np.array([row["n"] for row in seen])}


def plainly(source: str, drawn: list[tuple[list[dict[str, Any]], list[int]]]) -> list[Any]:
    """Run the source under CPython itself."""
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102  the reference is plain CPython
    classes = [item for item in names.values() if hasattr(item, "step")]
    found: list[Any] = []
    for env in range(ENVS):
        entry = classes[0]() if classes else None
        for k, (seen, _) in enumerate(drawn):
            if k == 0:
                if entry is not None:
                    entry.reset(seen[env])
                continue
            call = names["reward"] if entry is None else entry.step
            try:
                found.append(float(call(drawn[k - 1][0][env], drawn[k][1][env], seen[env])))
            except Exception as error:
                found.append(type(error).__name__)
    return found


@pytest.mark.parametrize("tier", ["interpreted", "compiled"])
@pytest.mark.parametrize(("source", "steps"), [(KEPT, 30), (MADE, 16), (MUCH, 60)])
def test_texts_that_last_are_those_of_plain_cpython(source: str, steps: int, tier: Any) -> None:
    """Characters outside of ASCII, failing rows and more text than fits are among the rows."""
    drawn = rows(steps)
    program = car.load(source, spaces=SPACES, isolation="none", tier=tier)
    found: dict[int, list[Any]] = {env: [] for env in range(ENVS)}
    with program.start(num_envs=ENVS, on_error="nan") as session:
        for k, (seen, actions) in enumerate(drawn):
            if k == 0:
                session.reset(batch(seen))
                continue
            got = session.step(batch(drawn[k - 1][0]), np.array(actions), batch(seen))
            for env in range(ENVS):
                failure = got.failure(env)
                value = float(got.reward[env]) if failure is None else failure.exception
                found[env].append(value)
    assert [value for env in range(ENVS) for value in found[env]] == plainly(source, drawn)
