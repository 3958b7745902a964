"""Set up a run: environment, trajectories, pictures, model, the folder it lives in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from carruntime.collection import collect, make_policy
from carruntime.environments import make_env
from carruntime.errors import OptionError
from carruntime.frames import frame_shape_of
from carruntime.generate.bundle import Bundle
from carruntime.generate.errors import GenerateError, PictureError
from carruntime.generate.files import make_folder, read_json, to_text, write_whole
from carruntime.generate.judging import Judge
from carruntime.generate.loop import Generation, Settings, Tell
from carruntime.generate.messages import Model
from carruntime.generate.pictures import Picture, from_frame, read_picture
from carruntime.generate.recordings import Recorded, Recordings
from carruntime.generate.schema import describe
from carruntime.progress import ProgressLine

if TYPE_CHECKING:
    import gymnasium as gym

    from carruntime.trajectory import Trajectory, TrajectorySet
    from sandbox.host import Require

__all__ = ["Episodes", "Workshop", "expert_pictures", "generate"]

HORIZONS: Final = 10
"""Random episodes may be so many times as long as the longest expert episode."""
_MOST_NOTES: Final = 8_000
_EXPERT_TRIES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Episodes:
    """Which episodes programs are judged on.

    Attributes:
        expert: Of the scripted expert.
        random: Of random play.
        horizon: Where random ones are cut; ten times the longest expert episode if None, never if 0.
        seed: Of the first expert episode; random ones begin a million above it.
        threshold: Greatest rate of complete random trajectories.
    """

    expert: int = 40
    random: int = 100
    horizon: int | None = None
    seed: int = 0
    threshold: float = 0.1


class Workshop:
    """What every run works with: an environment, its words and pictures, and a judge.

    Args:
        env_id: Id of a registered environment.
        episodes: Which episodes to judge on.
        initial: PNG file of an episode's beginning; from an expert's run if both are None.
        goal: PNG file of the solved task.
        notes: What the user says about the environment.
        expert: Trajectories that solve the task, in place of the scripted expert's.
        random: Trajectories of random play, in place of collected ones.
        require: Least isolation.
        progress: Whether to draw progress; by default if standard error is a terminal.
        options: Further arguments of `carruntime.load`.
        frames: Whether programs look at frames, as image scripts do.

    Raises:
        OptionError: If the environment, a picture or a number cannot be used.
    """

    def __init__(
        self,
        env_id: str,
        *,
        episodes: Episodes | None = None,
        initial: Path | None = None,
        goal: Path | None = None,
        notes: str = "",
        expert: TrajectorySet | Sequence[Trajectory] | None = None,
        random: TrajectorySet | Sequence[Trajectory] | None = None,
        require: Require | None = None,
        progress: bool | None = None,
        options: Mapping[str, Any] | None = None,
        frames: bool = False,
    ) -> None:
        self.episodes = episodes = episodes or Episodes()
        if len(notes) > _MOST_NOTES:
            raise OptionError(
                f"notes: {len(notes):,} characters; want at most {_MOST_NOTES:,}, for every question "
                "repeats them"
            )
        # Before the long work, for they are what is most likely wrong.
        self.pictures = given_pictures(initial, goal)
        self.frames = frames
        self.env = make_env(env_id, **({"render_mode": "rgb_array"} if frames else {}))
        options = dict(options or {})
        try:
            if expert is None:
                make_policy("expert", self.env, episodes.seed)  # tells now if there is none
            if frames:
                options["frame"] = frame_shape_of(self.env)
            self.described = describe(self.env, env_id, notes.strip())
            if not self.pictures:
                self.pictures = expert_pictures(env_id, episodes.seed)
        except BaseException:
            self.env.close()
            raise
        given = [None if item is None else _as_set(item, env_id) for item in (expert, random)]
        counts = [
            wanted if item is None else len(item)
            for item, wanted in zip(given, (episodes.expert, episodes.random), strict=True)
        ]
        # Played when the first program is judged: the first questions need no episodes.
        self.judge = Judge(
            self.env,
            lambda: given[0] or self._collected(progress),
            lambda: given[1] or self._played(progress),
            (counts[0], counts[1]),
            threshold=episodes.threshold,
            require=require,
            options=options,
        )

    def generation(self, settings: Settings, recorded: Recorded, tell: Tell) -> Generation:
        """Make a run of it.

        Raises:
            OptionError: If the style needs frames, and there are none.
        """
        if settings.style == "paper" and not self.frames:
            raise OptionError(
                'style="paper" asks for image scripts; make the Workshop with frames=True'
            )
        height, width = self.judge.options["frame"][:2] if self.frames else (0, 0)
        return Generation(
            settings,
            self.described,
            self.pictures,
            self.judge,
            recorded,
            tell=tell,
            frame=(height, width),
        )

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _collected(self, progress: bool | None) -> TrajectorySet:
        with ProgressLine("expert episodes", show=progress) as line:
            return collect(
                self.env,
                "expert",
                self.episodes.expert,
                self.episodes.seed,
                frames=self.frames,
                progress=line,
            )

    def _played(self, progress: bool | None) -> TrajectorySet:
        horizon = self.episodes.horizon
        if horizon is None:
            # Given time enough, random play solves anything; so its time is part of the question.
            horizon = HORIZONS * max(len(item) for item in self.judge.expert)
        with ProgressLine("random episodes", show=progress) as line:
            return collect(
                self.env,
                "random",
                self.episodes.random,
                self.episodes.seed + 1_000_000,
                max_steps=horizon or None,
                frames=self.frames,
                progress=line,
            )


def generate(
    workshop: Workshop,
    model: Model,
    settings: Settings,
    folder: Path,
    *,
    prices: tuple[float, float] | None = None,
    tell: Tell = lambda text: None,  # noqa: ARG005
) -> Bundle:
    """Make a program, and keep every answer on the way.

    Args:
        workshop: Environment, pictures, trajectories.
        model: Who answers.
        settings: What is wanted.
        folder: The run's folder: answers are looked for and kept in ``answers/``. A run that was
            interrupted goes on when it is begun again with the same arguments.
        prices: Of a million prompt and completion tokens.
        tell: Takes lines for a person.

    Returns:
        The bundle; it is not saved here.

    Raises:
        GenerateError: If it cannot go on; what was answered is kept.
    """
    recorded = open_run(folder, model, {"what": "generate", "env_id": workshop.described.env_id})
    recorded.usage.prices = prices
    return workshop.generation(settings, recorded, tell).run()


def open_run(folder: Path, model: Model, facts: Mapping[str, str]) -> Recorded:
    """Open the folder of a run, new or begun, for the model it was begun with.

    Raises:
        GenerateError: If it belongs to another run: answers of two models are not to be mixed.
    """
    make_folder(folder, "the folder of the run")
    mine = {**facts, "model": {"name": model.name, "settings": model.settings}}
    path = folder / "run.json"
    if path.exists():
        try:
            there = read_json(path.read_bytes(), f"run {path}")
        except OSError as error:
            raise GenerateError(f"run {path}: cannot be read: {error.strerror or error}") from error
        if there != mine:
            names = sorted(
                key for key in mine if not isinstance(there, dict) or there.get(key) != mine[key]
            )
            raise GenerateError(
                f"the folder {folder} holds a run with another {' and '.join(names)}; answers of "
                "different runs are not to be mixed: name another folder with --out"
            )
    else:
        write_whole(path, to_text(mine), "the run's own file")
    return Recorded(model, Recordings(folder / "answers"))


def given_pictures(initial: Path | None, goal: Path | None) -> tuple[Picture, ...]:
    """Read the pictures that a user gave; none where none was given.

    Raises:
        PictureError: If one cannot be used, or is missing.
    """
    if initial is None and goal is None:
        return ()
    if initial is None or goal is None:
        missing = "initial" if initial is None else "goal"
        raise PictureError(
            f"{missing} picture: not given; a task is what is between two pictures: give both, or "
            "none to take them from an expert's run"
        )
    first, last = read_picture(initial, "initial"), read_picture(goal, "goal")
    if first.digest == last.digest:
        raise PictureError("initial and goal picture are the same; there is no task between them")
    return first, last


def expert_pictures(env_id: str, seed: int) -> tuple[Picture, ...]:
    """Take the two pictures from an episode that a scripted expert solves.

    Raises:
        PictureError: If the environment draws no pictures, or has no expert that solves it.
    """
    env = make_env(env_id, render_mode="rgb_array")
    try:
        try:
            policy = make_policy("expert", env, seed)
        except OptionError as error:
            raise PictureError(
                f"pictures of {env_id}: {error}; give two PNG files with --initial and --goal"
            ) from error
        for attempt in range(_EXPERT_TRIES):
            shown = _solved(env, policy, seed + attempt)
            if shown is not None:
                return shown
    finally:
        env.close()
    raise PictureError(
        f"pictures of {env_id}: the expert solved none of {_EXPERT_TRIES} episodes; give two PNG "
        "files with --initial and --goal"
    )


def _solved(env: gym.Env[Any, Any], policy: Any, seed: int) -> tuple[Picture, ...] | None:
    observation, _ = env.reset(seed=seed)
    policy.start(env, seed)
    first = _frame(env)
    reward, ended = 0.0, False
    while not ended:
        observation, value, terminated, truncated, _ = env.step(policy.act(env, observation))
        reward, ended = float(value), terminated or truncated
    if reward <= 0.0:
        return None
    return from_frame("initial", first), from_frame("goal", _frame(env))


def _frame(env: gym.Env[Any, Any]) -> Any:
    frame: Any = env.render()
    if frame is None:
        raise PictureError(
            "the environment draws no picture under render_mode='rgb_array'; give two PNG files with "
            "--initial and --goal"
        )
    return frame


def _as_set(given: TrajectorySet | Sequence[Trajectory], env_id: str) -> TrajectorySet:
    from carruntime.trajectory import TrajectorySet

    if isinstance(given, TrajectorySet):
        return given
    return TrajectorySet(trajectories=tuple(given), env_id=env_id)


def run_key(*parts: Any) -> str:
    """Give a digest over plain data, to find again what was worked out for it."""
    return hashlib.sha256(to_text([_plain(part) for part in parts]).encode()).hexdigest()


def _plain(part: Any) -> Any:
    return asdict(part) if hasattr(part, "__dataclass_fields__") else part
