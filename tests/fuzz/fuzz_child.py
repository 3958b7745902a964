"""One process that makes programs and runs them, until it is told to stop or dies of one.

It notes the program it is about to run in a shared file, so that the parent can say which one
hung or crashed it, and its figures every thousand programs. Run by `fuzz_campaign`, never by hand.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import random
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CURRENT_BYTES", "Figures", "Recorder", "main"]

CURRENT_BYTES: Final = 1 << 16
MEMORY_BYTES: Final = 4 << 30
PROGRAMS: Final = 200_000
"""Programs of one process; then another takes over, whose heap is new."""
NOTE_EVERY: Final = 1_000
WHOLE_EVERY: Final = 64
"""One program in so many goes the whole way of a load, with lints and probe batches."""


class Figures:
    """What a campaign counts."""

    def __init__(self) -> None:
        self.programs = 0
        self.executed = 0
        self.refused: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.cpu_s = 0.0
        self.wall_s = 0.0
        self.slowest_s = 0.0

    def plain(self) -> dict[str, Any]:
        """Give the figures as JSON can hold them."""
        return {
            name: dict(value) if isinstance(value, Counter) else value
            for name, value in vars(self).items()
        }


class Recorder:
    """Runs programs and keeps figures, the program at hand, and one example per finding."""

    def __init__(self, folder: Path, name: str, run: Callable[..., Any]) -> None:
        self.folder = folder
        self.figures = Figures()
        self._run = run
        self._path = folder / f"{name}.json"
        with (folder / "current").open("r+b") as file:
            self._current = mmap.mmap(file.fileno(), CURRENT_BYTES)
        self._started = time.time()

    def run(self, source: bytes, *, whole: bool = False) -> None:
        """Run one program."""
        figures = self.figures
        head = b"%d %d\n" % (figures.programs, len(source))
        text = (head + source)[:CURRENT_BYTES]
        self._current[: len(text)] = text
        seen = self._run(source, whole=whole)
        figures.programs += 1
        figures.executed += seen.executed
        if seen.refused:
            figures.refused[seen.refused] += 1
        figures.outcomes.update(str(outcome) for outcome in seen.outcomes)
        figures.errors.update(seen.errors)
        if seen.seconds > figures.slowest_s:
            figures.slowest_s = seen.seconds
            (self.folder / "slowest.py").write_bytes(source)
        for finding in seen.violations:
            figures.findings[finding] += 1
            if figures.findings[finding] <= 2:
                name = hashlib.sha256(finding.encode() + source).hexdigest()[:12]
                said = f"# finding: {finding}\n".encode()
                (self.folder / f"finding-{name}.py").write_bytes(said + source)
        if figures.programs % NOTE_EVERY == 0:
            self.note()

    def note(self) -> None:
        """Write the figures."""
        self.figures.cpu_s = time.process_time()
        self.figures.wall_s = time.time() - self._started
        self._path.with_suffix(".new").write_text(json.dumps(self.figures.plain()))
        self._path.with_suffix(".new").rename(self._path)


def main(folder: str, seed: str, programs: str) -> None:
    """Run programs of one seed."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from fuzz_mutate import mixed, mutate, seeds
    from fuzz_oracle import Oracle

    chance = random.Random(int(seed))
    for text in seeds()[:3]:
        mutate(text, chance)  # what is read and imported late, is now
    recorder = Recorder(Path(folder), f"seed-{int(seed):08}", Oracle(lean=True).run)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for turn in range(int(programs)):
            source = mixed(chance).encode(errors="replace")
            recorder.run(source, whole=turn % WHOLE_EVERY == 0)
    finally:
        recorder.note()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main(*sys.argv[1:])
