"""Hacks on disk, in the one store of counterexamples that `carruntime test` has too.

A hack is kept as a seed and its actions, under its environment and its kind and never under its
program. So the next search of any program in that environment begins with it: one that was mended
is tried on exactly what deceived it before, and one that was not is told so in a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from carruntime.hacking.claims import IDS, Kind
from carruntime.testing.properties import Example
from carruntime.testing.store import Store

if TYPE_CHECKING:
    from carruntime.hacking.report import Hack
    from carruntime.playing import Play, Player
    from carruntime.reward import RewardProgram

__all__ = ["Saved"]


class _Claimed(NamedTuple):
    id: str
    name: str
    episodes: int = 1


class Saved:
    """The hacks of one environment.

    Args:
        folder: Of all counterexamples.
        player: Of the environment.
    """

    def __init__(self, folder: Path, player: Player) -> None:
        self._player = player
        spaces = player.env.observation_space, player.env.action_space
        self._store = Store(folder, player.name, *spaces)

    def plays(self) -> Iterator[tuple[Path, Play]]:
        """Go through all that were saved, kind by kind, the latest first."""
        for kind in Kind:
            for path, example in self._store.load(_claimed(kind), self._player):
                for play in example.plays or ():
                    yield path, play

    def save(self, hack: Hack, program: RewardProgram) -> Path:
        """Write one.

        Raises:
            OptionError: If nothing can be written there.
        """
        play = hack.play
        about = {
            "program": Path(program.filename).name,
            "digest": program.digest,
            "program_says": hack.program_says,
            "environment_says": hack.environment_says,
            "loop": None if hack.loop is None else list(hack.loop),
        }
        example = Example((self._player.play(play),), (play,))
        return self._store.save(
            _claimed(hack.kind), example, names=[list(hack.actions)], told=about
        )


def _claimed(kind: Kind) -> _Claimed:
    return _Claimed(IDS[kind], kind.value)
