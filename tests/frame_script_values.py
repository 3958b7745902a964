"""What scripts answer that take the path of a picture, by plain CPython with OpenCV alone.

``python tests/frame_script_values.py`` writes ``expected.json`` anew: each script is executed as it is, by
`exec`, in this process, with pictures that lie in files, once as the published pipeline calls it (with
every picture of an episode) and once beginning with the picture after the first action. Nothing of
the project takes part.
"""

from __future__ import annotations

import json
import math
import tempfile
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FOLDER: Final = Path(__file__).parent / "corpus" / "frame_scripts_2"
FRAMES: Final = Path(__file__).parent / "corpus" / "frames"
EPISODES: Final = 3
STEPS: Final = 5


def frames_for(script: Path) -> NDArray[np.uint8]:
    """Give the pictures of some episodes, uint8 ``[E, T, H, W, 3]``, RGB; the last are odd ones."""
    name = script.read_text(encoding="utf-8").splitlines()[0].removeprefix("# frames: ")
    with np.load(FRAMES / f"{name}.npz") as stored:
        frames: NDArray[np.uint8] = stored["frames"]
    rng = np.random.default_rng(7)
    odd = np.zeros((STEPS - 1, *frames.shape[1:]), np.uint8)
    odd[1], odd[2] = 255, rng.integers(0, 256, frames.shape[1:])
    odd[3] = frames[0, :, ::-1]
    runs = [frames[k * STEPS : (k + 1) * STEPS] for k in range(EPISODES - 1)]
    return np.stack([*runs, np.concatenate([frames[:1], odd])])


def answers(script: Path, frames: NDArray[np.uint8], *, call_at_reset: bool) -> list[list[Any]]:
    """Give what a script answers, by episode and step: a number, or the name of an exception."""
    import cv2

    names: dict[str, Any] = {"__name__": "script"}
    exec(compile(script.read_text(encoding="utf-8"), script.name, "exec"), names)  # noqa: S102  our own
    (kind,) = (
        item for item in names.values() if isinstance(item, type) and item.__module__ == "script"
    )
    word = "check_and_progress" if hasattr(kind, "check_and_progress") else "reward"
    found: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for episode in frames:
            checker = kind()
            if hasattr(checker, "reset"):
                checker.reset()
            row: list[Any] = []
            for t, frame in enumerate(episode):
                path = str(Path(folder) / f"{len(found)}_{t}.png")
                cv2.imwrite(path, np.ascontiguousarray(frame[:, :, ::-1]))
                if t == 0 and not call_at_reset:
                    continue
                row.append(_answer(checker, word, path))
            if call_at_reset:
                # Scripts that end with the first picture answer nothing that is worth comparing.
                row = ["first picture"] * (STEPS - 1) if isinstance(row[0], str) else row[1:]
            found.append(row)
    return found


def _answer(checker: Any, word: str, path: str) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = getattr(checker, word)(path)
        except Exception as error:
            return type(error).__name__
    if isinstance(result, tuple):
        result = result[0]
    if result is None:
        return "None"
    number = float(result)
    return number if math.isfinite(number) else "not finite"


def main() -> None:
    """Write the values."""
    found = {
        script.stem: {
            how: answers(script, frames_for(script), call_at_reset=how == "every picture")
            for how in ("every picture", "after the first action")
        }
        for script in sorted(FOLDER.glob("*.py"))
    }
    text = json.dumps(found, indent=1)
    (FOLDER / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
