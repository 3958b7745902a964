"""Scripts in the style of published ones: they load as they are, and give what plain Python gives.

Each takes the path of a picture and has the defects that such scripts have, which are findings before
the first frame and outcomes of the rows on which they show.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vision_reader
from numpy.typing import NDArray

import carruntime as car
from carruntime.plain import PlainReward
from sandbox.outcome import Outcome

pytest.importorskip("cv2")
SCRIPTS = Path(__file__).parent.parent / "corpus" / "frame_scripts"
CASES: dict[str, tuple[str, set[str], set[str]]] = {
    # script: frames, rules of its findings, exceptions that show on degenerate frames
    "key_then_door": ("doorkey8_32px", {"SBX644", "SBX601", "SBX619"}, {"UnboundLocalError"}),
    "open_the_door": (
        "doorkey8_16px",
        {"SBX618", "SBX619", "SBX645", "SBX646"},
        {"TypeError"},
    ),
    "blocks_in_box": ("box_red_cyan_top", {"SBX606", "SBX621", "SBX646"}, {"ValueError"}),
    "separate_piles": ("piles_blue_yellow_top", {"SBX651"}, {"ValueError"}),
    "push_the_cube": ("panda_push_close", {"SBX651"}, {"ValueError"}),
    "close_the_drawer": ("panda_push_close", {"SBX304", "SBX645"}, {"NameError"}),
    "blocks_in_bowl": ("bowl_red_green_top", {"SBX606", "SBX630"}, set()),
}


def episodes(name: str) -> NDArray[np.uint8]:
    """Two episodes of frames, ``[2, T, H, W, 3]``: the second begins with black, white and noise."""
    frames = vision_reader.frames_of(name)
    rng = np.random.default_rng(0)
    odd = np.zeros((3, *frames.shape[1:]), np.uint8)
    odd[1], odd[2] = 255, rng.integers(0, 256, frames.shape[1:])
    return np.stack([np.concatenate([frames[:3], odd]), np.concatenate([odd, frames[4:7]])])


def load(script: str) -> tuple[car.RewardProgram, NDArray[np.uint8]]:
    frames = episodes(CASES[script][0])
    program = car.load(
        SCRIPTS / f"{script}.py",
        spaces=vision_reader.SPACES,
        frame=frames.shape[2:],
        tier="interpreted",
    )
    return program, frames


def test_every_script_has_a_case() -> None:
    assert {path.stem for path in SCRIPTS.glob("*.py")} == set(CASES)


@pytest.mark.parametrize("script", sorted(CASES))
def test_a_script_gives_what_plain_python_with_opencv_gives(script: str) -> None:
    program, frames = load(script)
    plain = PlainReward(program, 2, trust=True)
    seen: set[str] = set()
    with program.start(2, on_error="nan") as session:
        session.reset(frame=frames[:, 0])
        for env in range(2):
            plain.reset(env, 0, frames[env, 0])
        for t in range(frames.shape[1]):
            batch = session.step(frame=frames[:, t])
            for env in range(2):
                want = attempt(plain, env, frames[env, t])
                outcome = Outcome(int(batch.outcome[env]))
                if isinstance(want, str):
                    failure = batch.failure(env)
                    assert failure is not None
                    assert (outcome, failure.exception) == (Outcome.ERROR, want), (t, failure)
                    seen.add(want)
                elif np.isfinite(want):
                    assert outcome is Outcome.OK, (t, batch.failure(env))
                    assert batch.reward[env] == pytest.approx(want, rel=1e-9, abs=1e-12)
                else:
                    assert outcome is Outcome.NOT_FINITE
    program.close()
    assert CASES[script][2] <= seen


def attempt(plain: PlainReward, env: int, frame: NDArray[np.uint8]) -> Any:
    try:
        with np.errstate(all="ignore"):
            return plain.step(env, {"obs": 0, "next_obs": 0, "frame": frame})
    except Exception as error:
        return type(error).__name__


@pytest.mark.parametrize("script", sorted(CASES))
def test_the_defects_of_a_script_are_findings(script: str) -> None:
    frames = episodes(CASES[script][0])
    report = car.check(
        SCRIPTS / f"{script}.py", spaces=vision_reader.SPACES, frame=frames.shape[2:]
    )
    assert report.ok, report.render()
    assert {item.rule for item in report.findings} >= CASES[script][1]


def test_what_a_class_forgets_to_reset_does_not_reach_the_next_episode() -> None:
    program, frames = load("blocks_in_box")
    with program.start(1, on_error="nan") as session:
        found = []
        for _ in range(2):
            session.reset(frame=frames[0, :1])
            found.append([session.step(frame=frames[0, t : t + 1]).reward[0] for t in range(3)])
    program.close()
    assert found[0] == found[1]
