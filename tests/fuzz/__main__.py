"""Long fuzzing runs: ``python tests/fuzz run|report``; see ``docs/fuzzing.md``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="make and run programs; figures add up in the folder")
    run.add_argument("folder", type=Path)
    run.add_argument("--executed", type=int, default=1_000_000)
    run.add_argument("--minutes", type=float, default=24 * 60)
    run.add_argument("--seed", type=int, default=1)
    shown = commands.add_parser("report", help="print the figures of a folder")
    shown.add_argument("folder", type=Path)
    given = parser.parse_args()

    import fuzz_campaign

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and the child is ended on the way out
    folder = given.folder.resolve()
    if given.command == "run":
        fuzz_campaign.campaign(
            folder, executed=given.executed, minutes=given.minutes, seed=given.seed
        )
    sys.stdout.write(fuzz_campaign.report(folder) + "\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()
