"""Read the corpus of picture programs: the program, its frames, and what has to come out.

Each program has eight episodes of four frames. They are run side by side as eight environments: a
reset with the first frames, then a step for each of the four, the first included, because that is
how the corpus was made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from math import isnan, nan
from pathlib import Path
from typing import Any, Literal

import numpy as np
from gymnasium import spaces as gs
from numpy.typing import NDArray

import carruntime as car
from sandbox.outcome import Outcome

VISION = Path(__file__).parent / "corpus" / "vision"
FRAMES = Path(__file__).parent / "corpus" / "frames"
SPACES: tuple[gs.Space[Any], gs.Space[Any]] = (gs.Discrete(2), gs.Discrete(7))
"""Spaces for programs that look at nothing but frames."""
EPISODES = 8
NAMES = tuple(sorted(path.parent.name for path in VISION.glob("*/program.py")))
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class VisionCase:
    """One program with its frames by episode and step, uint8 ``[8, 4, H, W, 3]``."""

    name: str
    path: Path
    spec: dict[str, Any]
    frames: NDArray[np.uint8]
    expected: tuple[tuple[dict[str, Any], ...], ...]

    def load(
        self, tier: Literal["auto", "interpreted", "compiled"] = "interpreted"
    ) -> car.RewardProgram:
        return car.load(
            self.path,
            spaces=SPACES,
            frame=tuple(self.spec["frame_shape"]),
            frame_order="bgr" if self.spec.get("bgr") else "rgb",
            tier=tier,
        )

    def differences(self, program: car.RewardProgram) -> list[str]:
        """Run all rows; say which are not what they have to be."""
        found: list[str] = []
        with program.start(EPISODES, on_error="nan") as session:
            session.reset(frame=self.frames[:, 0])
            for step in range(self.frames.shape[1]):
                batch = session.step(frame=self.frames[:, step])
                for episode in range(EPISODES):
                    want = self.expected[episode][step]
                    found += [
                        f"episode {episode}, step {step}: {text}"
                        for text in _row(program, batch, episode, want)
                    ]
        return found


@cache
def frames_of(name: str) -> NDArray[np.uint8]:
    """Give a set of frames, uint8 ``[N, H, W, 3]``, RGB."""
    with np.load(FRAMES / f"{name}.npz") as stored:
        frames: NDArray[np.uint8] = stored["frames"]
        return frames


@cache
def case(name: str) -> VisionCase:
    """Give a program of the corpus."""
    folder = VISION / name
    spec = json.loads((folder / "spec.json").read_text())
    rows = json.loads((folder / "expected.json").read_text())["rows"]
    with np.load(folder / "cases.npz") as stored:
        index, episode, step = stored["index"], stored["episode"], stored["step"]
    order = np.lexsort((step, episode))
    frames = frames_of(spec["frame_set"])[index[order]]
    steps = len(order) // EPISODES
    expected = [rows[i] for i in order]
    return VisionCase(
        name=name,
        path=folder / "program.py",
        spec=spec,
        frames=frames.reshape(EPISODES, steps, *frames.shape[1:]),
        expected=tuple(tuple(expected[k * steps : (k + 1) * steps]) for k in range(EPISODES)),
    )


def _row(
    program: car.RewardProgram, batch: car.RewardBatch, env: int, want: dict[str, Any]
) -> list[str]:
    if program.task_names:
        return [
            text
            for k, task in enumerate(program.task_names)
            for text in _task(batch, env, k, want.get(task, want))
        ]
    outcome = Outcome(int(batch.outcome[env]))
    if "error" in want:
        failure = batch.failure(env) if outcome is Outcome.ERROR else None
        got = failure.exception if failure else outcome.name
        return [] if got == want["error"] else [f"{got}, want {want['error']}"]
    if outcome is not Outcome.OK and not (
        outcome is Outcome.NOT_FINITE and want["reward"] in ("nan", "inf", "-inf")
    ):
        return [f"{outcome.name}, want {want['reward']}"]
    pairs = [("reward", want["reward"], batch.reward[env])]
    pairs += [(n, v, batch.components[n][env]) for n, v in want.get("components", {}).items()]
    return [f"{n} {got!r}, want {v!r}" for n, v, got in pairs if not _close(v, float(got))]


def _task(batch: car.RewardBatch, env: int, k: int, want: Any) -> list[str]:
    outcome = Outcome(int(batch.task_outcome[env, k]))
    if isinstance(want, dict):
        failure = batch.failure(env, task=k) if outcome is Outcome.ERROR else None
        got: object = failure.exception if failure else outcome.name
        return [] if got == want["error"] else [f"task {k}: {got}, want {want['error']}"]
    got = bool(batch.tasks[env, k]) if outcome is Outcome.OK else outcome.name
    return [] if got == bool(want) else [f"task {k}: {got}, want {want!r}"]


def _close(want: Any, got: float) -> bool:
    value = {"nan": nan, "inf": float("inf"), "-inf": -float("inf")}.get(want, want)
    value = float(value)
    return (
        value == got
        or (isnan(value) and isnan(got))
        or abs(value - got) <= TOLERANCE * max(1.0, abs(value))
    )
