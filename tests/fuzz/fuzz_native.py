"""Runs programs whose work is native, each in a fork that the system ends after some CPU seconds.

No signal handler of Python's runs while CPython hashes a tuple or NumPy goes through an array, so
only the system can end such a program. One that is ended did work that nobody had paid for.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Final

__all__ = ["WORK", "programs", "run_all"]

WORK: Final = Path(__file__).parent.parent / "corpus" / "work"
CPU_S: Final = 5
FUEL: Final = 50_000
MEMORY_BYTES: Final = 4 << 30


def programs() -> dict[str, str]:
    """Give the programs by what their first lines say, which is counted where they say the same."""
    found: dict[str, str] = {}
    for path in sorted(WORK.glob("*.py")):
        for number, source in enumerate(path.read_text().split("# ---\n"), 1):
            title = source.partition("\n")[0].removeprefix("# ")
            found[f"{path.stem} {number}: {title}"] = source
    return found


def run_all() -> dict[str, str]:
    """Run all; give the name of the outcome of each, or the signal that ended it."""
    import corpus_reader
    import single

    from sandbox.instrument import InstrumentError
    from sandbox.limits import Limits
    from sandbox.outcome import Outcome
    from sandbox.tiers.interpreted import GuestModuleError

    ended: dict[str, str] = {}
    for name, source in programs().items():
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            word = "the host failed"
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                runner = single.make(source, limits=Limits(fuel=FUEL), checked=False)
                results = corpus_reader.outputs(1)
                runner.bind(1, {}, results)
                runner.step()
                word = Outcome(int(results.outcome[0])).name
            except (InstrumentError, GuestModuleError):
                word = "refused"
            finally:
                os.write(writer, word.encode())
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            word = pipe.read()
        _, status = os.waitpid(child, 0)
        ended[name] = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else word
    return ended


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.stdout.write(json.dumps(run_all(), indent=1) + "\n")
