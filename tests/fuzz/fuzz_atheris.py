"""A coverage-guided run: atheris chooses which programs to change, by what they reach.

What is instrumented is the sandbox: parser caps, validator, instrumentation, guards, views. So a
program is kept for further mutation if it made any of them go a way that no other did. The mutator
is the one of `fuzz_mutate`, which knows syntax; one mutation in ten is libFuzzer's own on bytes,
for the sake of the parser. Every accepted program is also run, under the oracle.

Needs the extra ``fuzz``. libFuzzer never returns, so this is a program of its own; figures are
written as a campaign's are, and count among those of its folder.
"""

from __future__ import annotations

import random
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import atheris

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY_BYTES: Final = 6 << 30
MAX_BYTES: Final = 3_000
RAW_SHARE: Final = 0.1
FRESH_SHARE: Final = 0.3


def _mutator() -> Callable[[bytes, int, int], bytes]:
    from fuzz_mutate import mixed, mutate

    def change(data: bytes, max_size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        which = chance.random()
        if which < RAW_SHARE:
            raw: bytes = atheris.Mutate(data, max_size)
            return raw
        if which < RAW_SHARE + FRESH_SHARE or len(data) < 8:
            return mixed(chance).encode(errors="replace")[:max_size]
        return mutate(data.decode(errors="replace"), chance, most=1).encode(errors="replace")[
            :max_size
        ]

    return change


def main(folder: str, seconds: str, seed: str) -> None:
    """Fuzz for some seconds."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with atheris.instrument_imports(include=["sandbox"]):
        from fuzz_child import CURRENT_BYTES, Recorder
        from fuzz_oracle import Oracle
    from fuzz_mutate import seeds

    home = Path(folder)
    corpus = home / "atheris-corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(seeds()):
        (corpus / f"seed-{number:04}").write_text(text, errors="replace")
    current = home / "atheris"
    current.mkdir(exist_ok=True)
    (current / "current").write_bytes(bytes(CURRENT_BYTES))
    change = _mutator()
    change(seeds()[0].encode(), MAX_BYTES, 1)
    oracle = Oracle(lean=True)
    recorder = Recorder(current, f"seed-{int(seed):08}", oracle.run)
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={MAX_BYTES}"]
    # One mutation at a time: after several in a row hardly a program is accepted.
    options += [
        "-mutate_depth=1",
        "-rss_limit_mb=0",
        "-timeout=60",
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *options], recorder.run, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main(*sys.argv[1:])
