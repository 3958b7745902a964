"""Counterexamples on disk, so that what was found once is tried first ever after.

They lie in ``.carruntime/counterexamples`` of the working folder unless told otherwise, a JSON
file each, under the environment and the property, never under the program: whoever mends a
program wants exactly the old counterexample tried on the new text. The files are for people too,
and may be put under version control.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from carruntime.errors import OptionError
from carruntime.files import write_whole
from carruntime.playing import Play, Player
from carruntime.testing.properties import Example
from carruntime.trajectory import Trajectory, stack, take

if TYPE_CHECKING:
    import gymnasium as gym

__all__ = ["DEFAULT_FOLDER", "Claimed", "Store"]

DEFAULT_FOLDER: Final = Path(".carruntime") / "counterexamples"
_VERSION: Final = 1
_MOST: Final = 64
"""Files of one property and environment that are tried; the latest."""
_MOST_BYTES: Final = 4 * 1024 * 1024


class Claimed(Protocol):
    """What a counterexample breaks: a property, or what a hack denies."""

    @property
    def id(self) -> str:
        """Such as ``"CAR301"``."""

    @property
    def name(self) -> str:
        """Such as ``"never_errs"``; the file's name begins with it."""

    @property
    def episodes(self) -> int:
        """Episodes of an example, at least."""


class Store:
    """The counterexamples of one environment.

    Args:
        folder: Where they lie; made when something is saved.
        env_id: The environment.
        observation_space: Of a single environment.
        action_space: Likewise.
    """

    def __init__(
        self,
        folder: Path,
        env_id: str,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
    ) -> None:
        self.folder = folder / re.sub(r"[^\w.-]+", "_", env_id)
        self._env_id = env_id
        self._observation_space = observation_space
        self._action_space = action_space

    def save(
        self, claim: Claimed, example: Example, *, names: list[list[str]], told: dict[str, Any]
    ) -> Path:
        """Write a counterexample.

        Args:
            claim: What it breaks.
            example: The episodes.
            names: Names of the actions of each episode, for people.
            told: What else people may want to read.

        Raises:
            OptionError: If nothing can be written there.
        """
        data = {
            "version": _VERSION,
            "property": claim.id,
            "name": claim.name,
            "env_id": self._env_id,
            **told,
            "episodes": self._episodes(example, names),
        }
        key = json.dumps(data["episodes"], sort_keys=True).encode()
        path = self.folder / f"{claim.name}-{hashlib.sha256(key).hexdigest()[:12]}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, (json.dumps(data, indent=1) + "\n").encode())
        except OSError as error:
            raise OptionError(
                f"{path}: a counterexample cannot be saved ({error.strerror or error}); want a "
                "folder that is yours (--save), or none (--no-save)"
            ) from error
        return path

    def load(self, claim: Claimed, player: Player) -> Iterator[tuple[Path, Example]]:
        """Go through the counterexamples to a claim, the latest first.

        A file that cannot be read, or is of other spaces, is passed over: it is somebody else's.
        """
        found = []
        for path in self.folder.glob(f"{claim.name}-*.json"):
            # Another process may have removed it since.
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime, path))
        for _, path in sorted(found, reverse=True)[:_MOST]:
            example = self._read(path, claim, player)
            if example is not None:
                yield path, example

    def _read(self, path: Path, claim: Claimed, player: Player) -> Example | None:
        try:
            if path.stat().st_size > _MOST_BYTES:
                return None
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["version"] != _VERSION or data["property"] != claim.id:
                return None
            plays: list[Play] = []
            episodes: list[Trajectory] = []
            for one in data["episodes"]:
                actions = self._actions(one["actions"])
                if "seed" in one:
                    plays.append(Play(int(one["seed"]), actions))
                    episodes.append(player.play(plays[-1]))
                else:
                    episodes.append(self._invented(one, actions))
        except Exception:  # whatever somebody else's file may do here
            return None
        if len(episodes) < claim.episodes:
            return None
        return Example(tuple(episodes), tuple(plays) if len(plays) == len(episodes) else None)

    def _actions(self, listed: list[Any]) -> tuple[Any, ...]:
        made = self._action_space.from_jsonable(listed)
        count = len(listed)
        rows = [
            made[index] if isinstance(made, list) else take(made, index) for index in range(count)
        ]
        if not all(self._action_space.contains(row) for row in rows):
            raise ValueError("actions are not of the space")
        return tuple(int(row) if isinstance(row, int | np.integer) else row for row in rows)

    def _invented(self, one: dict[str, Any], actions: tuple[Any, ...]) -> Trajectory:
        seen = self._observation_space.from_jsonable(one["observations"])
        rows = seen if isinstance(seen, list) else [take(seen, i) for i in range(len(actions) + 1)]
        if not all(self._observation_space.contains(row) for row in rows):
            raise ValueError("observations are not of the space")
        return Trajectory(
            observations=stack(rows),
            actions=stack([np.int64(a) if isinstance(a, int) else a for a in actions]),
            rewards=np.zeros(len(actions)),
            terminated=np.array(one["terminated"], np.bool_),
            truncated=np.array(one["truncated"], np.bool_),
            policy="drawn from the spaces",
        )

    def _episodes(self, example: Example, names: list[list[str]]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for index, item in enumerate(example.episodes):
            if example.plays is not None:
                play = example.plays[index]
                listed = self._action_space.to_jsonable(list(play.actions))
                found.append({"seed": play.seed, "actions": _plain(listed), "names": names[index]})
                continue
            actions = [take(item.actions, step) for step in range(len(item))]
            seen = [take(item.observations, step) for step in range(len(item) + 1)]
            found.append(
                {
                    "actions": _plain(self._action_space.to_jsonable(actions)),
                    "names": names[index],
                    "observations": _plain(self._observation_space.to_jsonable(seen)),
                    "terminated": item.terminated.tolist(),
                    "truncated": item.truncated.tolist(),
                }
            )
        return found


def _plain(value: Any) -> Any:
    """Turn what a space gives for JSON into what JSON really takes."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value
