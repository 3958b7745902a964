"""Read the programs of `corpus/natural2`, draw rows for them, and run them beside plain CPython."""

from __future__ import annotations

import copy
import json
import math
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

import carruntime as car
from carruntime.plain import PlainReward

if TYPE_CHECKING:
    from carruntime.reward import RewardProgram

FOLDER = Path(__file__).parent / "corpus" / "natural2"
EPISODES = 10


@cache
def _spec() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "spec.json").read_text())
    return found


def programs() -> list[tuple[str, int]]:
    """Name every program by its input and its place in the file."""
    return [(kind, index) for kind in _spec() for index in range(len(_texts(kind)))]


def source_of(kind: str, index: int) -> str:
    """Give one program."""
    return _texts(kind)[index]


@cache
def _texts(kind: str) -> tuple[str, ...]:
    return tuple((FOLDER / f"{kind}.py").read_text().split("# ---\n"))


def spaces_of(kind: str) -> tuple[spaces.Space[Any], spaces.Space[Any]]:
    """Give the observation and the action space of an input."""
    spec = _spec()[kind]
    return _space(spec["observation"]), _space(spec["action"])


def _leaf(spec: dict[str, Any]) -> bool:
    return bool({"shape", "discrete", "text"} & spec.keys())


def _space(spec: dict[str, Any]) -> spaces.Space[Any]:
    if not _leaf(spec):
        return spaces.Dict({key: _space(part) for key, part in spec.items()})
    if "discrete" in spec:
        return spaces.Discrete(spec["discrete"])
    if "text" in spec:
        return spaces.Text(64)
    dtype = np.dtype(spec["dtype"])
    return spaces.Box(spec["low"], spec["high"], tuple(spec["shape"]), dtype.type)


def _sample(spec: dict[str, Any], rng: np.random.Generator) -> Any:
    if not _leaf(spec):
        return {key: _sample(part, rng) for key, part in spec.items()}
    if "discrete" in spec:
        return int(rng.integers(spec["discrete"]))
    if "text" in spec:
        return spec["text"][rng.integers(len(spec["text"]))]
    dtype, shape = np.dtype(spec["dtype"]), tuple(spec["shape"])
    if "objects" in spec:
        grid = rng.integers(0, 3, shape).astype(dtype)
        # Some views are nearly empty, so that what is looked for is often not there.
        share = rng.choice([0.05, 0.3, 1.0])
        kinds = rng.choice(spec["objects"], shape[:2])
        grid[:, :, 0] = np.where(rng.random(shape[:2]) < share, kinds, 1)
        if "agent" in spec:
            grid[rng.integers(shape[0]), rng.integers(shape[1])] = (spec["agent"], 0, 0)
        return grid
    if dtype.kind == "i":
        return rng.integers(spec["low"], spec["high"] + 1, shape).astype(dtype)
    scale = rng.choice([0.05, 0.4, 1.0])
    return rng.uniform(spec["low"] * scale, spec["high"] * scale, shape).astype(dtype)


def _changed(spec: dict[str, Any], old: Any, rng: np.random.Generator) -> Any:
    """Draw the next observation: often near the last one, as in an episode."""
    new = _sample(spec, rng)
    if not _leaf(spec):
        return {key: _changed(part, old[key], rng) for key, part in spec.items()}
    if "text" in spec:
        return old
    if isinstance(old, np.ndarray) and rng.random() < 0.7:
        keep = rng.random(old.shape[:2]) < 0.8
        if "objects" in spec:
            return np.where(keep[..., None], old, new)
        return np.where(keep if old.ndim > 1 else rng.random(old.shape) < 0.6, old, new)
    return new


@dataclass(frozen=True, slots=True)
class Drawn:
    """Rows of ``EPISODES`` episodes side by side.

    Attributes:
        observations: By step and episode; one step more than there are actions.
        actions: By step and episode.
    """

    observations: list[list[Any]]
    actions: list[list[Any]]


@cache
def drawn(kind: str, rows: int = 200) -> Drawn:
    """Draw the same rows every time."""
    rng = np.random.default_rng(2_024)
    spec = _spec()[kind]
    steps = rows // EPISODES
    seen = [[_sample(spec["observation"], rng) for _ in range(EPISODES)]]
    for _ in range(steps):
        seen.append([_changed(spec["observation"], old, rng) for old in seen[-1]])
    actions = [[_sample(spec["action"], rng) for _ in range(EPISODES)] for _ in range(steps)]
    return Drawn(seen, actions)


def batched(space: spaces.Space[Any], samples: list[Any]) -> Any:
    """Stack samples as a vector environment does."""
    if isinstance(space, spaces.Dict):
        return {key: batched(part, [s[key] for s in samples]) for key, part in space.items()}
    return tuple(samples) if isinstance(space, spaces.Text) else np.stack(samples)


def differences(program: RewardProgram, kind: str, rows: int = 200) -> list[str]:
    """Run drawn episodes beside plain CPython and describe every row that came out otherwise."""
    pair, sample = spaces_of(kind), drawn(kind, rows)
    no = np.zeros(EPISODES, bool)
    wrong = []
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = PlainReward(program, EPISODES, trust=True)
        with program.start(num_envs=EPISODES, on_error="nan") as session:
            session.reset(batched(pair[0], sample.observations[0]))
            for env in range(EPISODES):
                plain.reset(env, copy.deepcopy(sample.observations[0][env]))
            for t, actions in enumerate(sample.actions):
                now, after = sample.observations[t], sample.observations[t + 1]
                batch = session.step(
                    batched(pair[0], now),
                    np.stack(actions),
                    batched(pair[0], after),
                    no,
                    no,
                )
                for env in range(EPISODES):
                    row = {
                        "obs": now[env],
                        "action": actions[env],
                        "next_obs": after[env],
                        "terminated": False,
                        "truncated": False,
                        "t": t,
                    }
                    want = _plain(plain, env, copy.deepcopy(row))
                    got = _got(batch, env)
                    if not _equal(got, want):
                        wrong.append(f"step {t}, episode {env}: {got}, plain CPython {want}")
    return wrong


def _got(batch: car.RewardBatch, env: int) -> float | str:
    if batch.outcome[env] == car.Outcome.OK:
        return float(batch.reward[env])
    if batch.outcome[env] == car.Outcome.ERROR:
        failure = batch.failure(env)
        assert failure is not None
        return str(failure.exception)
    return car.Outcome(batch.outcome[env]).name


def _equal(got: float | str, want: float | str) -> bool:
    if isinstance(want, float) and not math.isfinite(want):
        return got == "NOT_FINITE"
    if isinstance(got, str) or isinstance(want, str):
        return got == want
    return math.isclose(got, want, rel_tol=2e-6, abs_tol=1e-9)


def _plain(plain: PlainReward, env: int, row: dict[str, Any]) -> float | str:
    try:
        return plain.step(env, row)
    except Exception as error:
        return type(error).__name__
