"""A program that looks at pictures, and a page that shows what it saw: ``carruntime demo --frames``.

The shipped program goes the way of every program: it is checked, loaded for the size that the
environment draws, and verified on expert and random episodes that are collected with their frames.
Then the page: some moments of an expert episode, each with the colour masks and the contours that
the program made of it drawn over the frame, and what its predicates said.

What a program saw is read off by running it once more by plain ``exec`` with `cv2.inRange` and
`cv2.findContours` listened to. That is done in this process, which is right for the shipped program
alone, because its text is ours.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from carruntime.errors import OptionError
from carruntime.progress import ProgressLine
from sandbox.opencv import INSTALL, opencv

if TYPE_CHECKING:
    from carruntime.reward import RewardProgram
    from carruntime.trajectory import Trajectory
    from carruntime.verdict import Verdict

__all__ = ["FrameDemo", "Moment", "page", "run_frames", "seen_in"]

ENV_ID: Final = "MiniGrid-DoorKey-8x8-v0"
TILE: Final = 16
PROGRAM: Final = "doorkey_frames"
HORIZON: Final = 100
_MOMENTS: Final = 6
_SCALE: Final = 3
_STYLE: Final = """
body { font: 15px sans-serif; margin: 2em; max-width: 70em }
figure { display: inline-block; margin: 0 1em 1em 0; vertical-align: top }
figcaption { white-space: pre }
pre { background: #eee; padding: 1em }
"""
_MASK_COLOUR: Final = (255, 0, 255)
_CONTOUR_COLOUR: Final = (0, 255, 255)

Frame = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of an episode as the program saw it.

    Attributes:
        t: Transitions since reset.
        picture: The frame with masks and contours drawn over it, uint8 ``[H, W, 3]``, RGB.
        held: What each predicate said.
        masks: Pixels of all masks together.
        contours: How many contours were found.
    """

    t: int
    picture: Frame
    held: tuple[bool, ...]
    masks: int
    contours: int


@dataclass(frozen=True, slots=True)
class FrameDemo:
    """What the demonstration showed.

    Attributes:
        verdict: On the program.
        moments: Of the first expert episode.
        page: Where the page was written.
    """

    verdict: Verdict
    moments: tuple[Moment, ...]
    page: Path

    @property
    def ok(self) -> bool:
        """Whether the program was accepted."""
        return self.verdict.accepted

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "accepted": self.verdict.accepted,
            "page": str(self.page),
            "moments": [
                {
                    "t": item.t,
                    "held": list(item.held),
                    "masks": item.masks,
                    "contours": item.contours,
                }
                for item in self.moments
            ],
        }


@dataclass(slots=True)
class _Listener:
    """Notes what a program makes of a frame."""

    masks: list[NDArray[np.uint8]] = field(default_factory=list)
    contours: list[Any] = field(default_factory=list)

    def module(self, cv2: Any) -> ModuleType:
        """Give a copy of OpenCV that is listened to; the module itself stays as it is."""
        copied = ModuleType("cv2")
        copied.__dict__.update(vars(cv2))

        def in_range(*args: Any, **named: Any) -> Any:
            mask = cv2.inRange(*args, **named)
            self.masks.append(mask)
            return mask

        def find_contours(*args: Any, **named: Any) -> Any:
            found = cv2.findContours(*args, **named)
            self.contours.extend(found[0])
            return found

        copied.__dict__.update(inRange=in_range, findContours=find_contours)
        return copied


def run_frames(
    path: Path,
    *,
    seed: int = 0,
    expert_episodes: int = 60,
    random_episodes: int = 60,
    show_progress: bool | None = None,
    say: Callable[[str], None] = print,
) -> FrameDemo:
    """Verify the shipped program on frames and write the page.

    Args:
        path: Where the page goes.
        seed: Of everything random.
        expert_episodes: How many.
        random_episodes: How many; cut at 100 steps.
        show_progress: Whether to draw progress; if a person is watching when left out.
        say: Takes what is to be shown.

    Raises:
        OptionError: If OpenCV is not installed, or the page cannot be written.
    """
    if opencv() is None:
        raise OptionError(f"demo --frames: OpenCV is not installed; {INSTALL}")
    if not path.parent.is_dir():
        raise OptionError(f"demo --frames {path}: there is no folder {path.parent}; make it first")
    from carruntime.collection import collect
    from carruntime.demo import program_path
    from carruntime.environments import make_env
    from carruntime.frames import frame_shape_of
    from carruntime.loading import load
    from carruntime.verification import verify

    env = make_env(ENV_ID, render_mode="rgb_array", tile_size=TILE)
    try:
        shape = frame_shape_of(env)
        source = program_path(PROGRAM)
        with closing(load(source, env, frame=shape)) as program:
            say(f"{program.filename}: {program.report.facts['binding']}")
            say(f"frames of {ENV_ID}: {shape}; {program.tier} tier")
            collected = []
            for policy, count, cut in (
                ("expert", expert_episodes, None),
                ("random", random_episodes, HORIZON),
            ):
                with ProgressLine(f"{policy} episodes", show=show_progress) as line:
                    collected.append(
                        collect(env, policy, count, seed, max_steps=cut, frames=True, progress=line)
                    )
            verdict = verify(program, expert=collected[0], random=collected[1])
            say(verdict.render())
            moments = seen_in(program, collected[0][0])
    finally:
        env.close()
    try:
        path.write_text(page(program, verdict, moments), encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"demo --frames {path}: cannot be written ({error.strerror or error}); want a path in "
            "a folder that is there and yours"
        ) from error
    say(f"what it saw: {path}")
    return FrameDemo(verdict, moments, path)


def seen_in(program: RewardProgram, episode: Trajectory) -> tuple[Moment, ...]:
    """Say what a program of tasks makes of moments of an episode.

    Args:
        program: A trusted program: it runs in this process.
        episode: One with frames.

    Returns:
        The first moment, the last one, and those at which what a predicate says changes.
    """
    cv2: Any = opencv()
    frames = episode.frames
    if frames is None:
        raise OptionError("seen_in: the episode has no frames; collect it with frames=True")
    names: dict[str, Any] = {"__name__": "guest"}
    exec(compile(program.source, program.filename, "exec"), names)  # noqa: S102  our own text
    found: list[Moment] = []
    for t in range(len(frames)):
        listener = _Listener()
        names["cv2"] = listener.module(cv2)
        row = {"frame": frames[t], "initial_frame": frames[0], "prev_frame": frames[max(t - 1, 0)]}
        held = tuple(
            bool(names[task.function](*(row[param.slot].copy() for param in task.params)))
            for task in program.plan.tasks
        )
        found.append(
            Moment(
                t,
                _drawn(cv2, frames[t], listener),
                held,
                sum(int(np.count_nonzero(mask)) for mask in listener.masks),
                len(listener.contours),
            )
        )
    chosen = [
        item
        for before, item in zip([None, *found], found, strict=False)
        if before is None or before.held != item.held or item is found[-1]
    ]
    return tuple(chosen[:_MOMENTS])


def _drawn(cv2: Any, frame: Frame, listener: _Listener) -> Frame:
    """Draw masks and contours over a frame, enlarged so that both can be told apart."""
    height, width = frame.shape[:2]
    large = cv2.resize(frame, (width * _SCALE, height * _SCALE), interpolation=cv2.INTER_NEAREST)
    for mask in listener.masks:
        if mask.shape == (height, width):
            where = np.kron(mask != 0, np.ones((_SCALE, _SCALE), bool))
            tint = np.array(_MASK_COLOUR, np.uint8)
            large[where] = (0.5 * large[where] + 0.5 * tint).astype(np.uint8)
    for contour in listener.contours:
        scaled = contour * _SCALE + _SCALE // 2
        cv2.drawContours(large, [scaled], -1, _CONTOUR_COLOUR, 1)
    drawn: Frame = large
    return drawn


def page(program: RewardProgram, verdict: Verdict, moments: tuple[Moment, ...]) -> str:
    """Make the page: one file, no scripts, nothing from elsewhere."""
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        f"<title>What {html.escape(program.plan.tasks[0].function)} and the others saw</title>",
        f"<style>{_STYLE}</style>",
        f"<h1>{html.escape(ENV_ID)}, seen by a program</h1>",
        "<p>Moments of an expert episode. Magenta: pixels in a range of colours. Cyan: contours.</p>",
    ]
    for item in moments:
        said = "\n".join(
            f"{'yes' if held else 'no '} {name}"
            for name, held in zip(program.task_names, item.held, strict=True)
        )
        picture = base64.b64encode(_png(item.picture)).decode("ascii")
        parts.append(
            f"<figure><img alt='step {item.t}' src='data:image/png;base64,{picture}'>"
            f"<figcaption>step {item.t}: {item.contours} contours\n{html.escape(said)}"
            "</figcaption></figure>"
        )
    parts.append(f"<h2>Verdict</h2><pre>{html.escape(verdict.render())}</pre>")
    parts.append(f"<h2>Program</h2><pre>{html.escape(program.source)}</pre></html>")
    return "\n".join(parts) + "\n"


def _png(picture: Frame) -> bytes:
    cv2: Any = opencv()
    done, data = cv2.imencode(".png", picture[:, :, ::-1])
    if not done:
        raise OptionError("demo --frames: OpenCV cannot write PNG")
    encoded: bytes = data.tobytes()
    return encoded
