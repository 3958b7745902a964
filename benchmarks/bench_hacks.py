"""What the search for reward hacks finds in programs that deserve it, and in some that do not.

``python -m benchmarks.bench_hacks`` searches with the settings of ``carruntime hack``, prints the
table and writes ``results/hacks.json``; ``--show`` prints the stored one, ``--only NAME`` searches
one program and stores nothing. The programs are those of ``tests/corpus/hacked``, each written with
one flaw that people do make, and for comparison three of ``tests/corpus/state`` that were thought to
have none; this search has shown that one of them pays for standing near the thing. The search is told nothing but the program, the environment, and where the program has no
sub-tasks which of its components means success.

Seconds are CPU seconds of the process that searches; they depend on the machine, the rest does not.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import carruntime as car
from benchmarks.harness import markdown_table
from carruntime.environments import make_env
from carruntime.hacking import find_hacks

CORPUS = Path(__file__).parent.parent / "tests" / "corpus"
STORED = Path(__file__).parent / "results" / "hacks.json"


@dataclass(frozen=True, slots=True)
class Case:
    """A program, its environment, and what is wrong with it."""

    path: str
    env_id: str
    flaw: str
    success_when: str | float | None = None


CASES = (
    Case("hacked/box_gone", "MiniGrid-UnlockPickup-v0", "box gone is box taken"),
    Case("hacked/unlockpickup_key_carried", "MiniGrid-UnlockPickup-v0", "carrying paid", "box"),
    Case("hacked/doorkey_out_of_sight", "MiniGrid-DoorKey-6x6-v0", "out of sight is done"),
    Case("hacked/doorkey_door_paid", "MiniGrid-DoorKey-8x8-v0", "no latch at the door", "goal"),
    Case("hacked/fetch_facing_paid", "MiniGrid-Fetch-6x6-N2-v0", "facing paid", "fetched"),
    Case(
        "hacked/putnear_nearing", "MiniGrid-PutNear-6x6-N2-v0", "nearing paid, not charged", "put"
    ),
    Case("hacked/lavagap_behind", "MiniGrid-LavaGapS6-v0", "near the goal is at it"),
    Case(
        "hacked/keycorridor_door_toggled",
        "MiniGrid-KeyCorridorS3R2-v0",
        "no latch at the doors",
        "ball",
    ),
    Case("hacked/gotodoor_in_line", "MiniGrid-GoToDoor-6x6-v0", "in line is at the door", 1.0),
    Case(
        "hacked/multiroom_open_doors", "MiniGrid-MultiRoom-N2-S4-v0", "looking is opening", "goal"
    ),
    Case(
        "hacked/blockedunlock_out_of_the_way",
        "MiniGrid-BlockedUnlockPickup-v0",
        "turning round moves things",
    ),
    Case("state/minigrid_unlockpickup_tracker/program", "MiniGrid-UnlockPickup-v0", "", "got_box"),
    Case("state/minigrid_lavagap_safety/program", "MiniGrid-LavaGapS7-v0", "", "goal"),
    Case(
        "state/minigrid_fetch_object/program",
        "MiniGrid-Fetch-8x8-N3-v0",
        "being near is paid",
        "pickup",
    ),
)


def search(case: Case) -> dict[str, Any]:
    """Search for hacks of one program."""
    path = CORPUS / f"{case.path}.py"
    env = make_env(case.env_id)
    program = car.load(path, env)
    began = time.process_time()
    try:
        report = find_hacks(program, env, success_when=case.success_when)
    finally:
        program.close()
        env.close()
    return {
        "program": case.path.removesuffix("/program").rpartition("/")[2],
        "env_id": case.env_id,
        "flaw": case.flaw,
        "steps": report.steps,
        "seconds": round(time.process_time() - began, 1),
        "notes": list(report.notes),
        "hacks": [
            {
                "kind": hack.kind.value,
                "seed": hack.seed,
                "actions": list(hack.actions),
                "loop": hack.loop,
                "found_after": hack.found_after,
                "found_length": hack.found_length,
                "says": hack.program_says,
            }
            for hack in report.hacks
        ],
    }


def table(found: list[dict[str, Any]]) -> str:
    """Lay out what was found, a row a program."""
    rows = []
    for row in found:
        hacks = row["hacks"]
        rows.append(
            [
                row["program"],
                row["env_id"].removeprefix("MiniGrid-"),
                row["flaw"] or "none",
                ", ".join(hack["kind"] for hack in hacks) or "nothing",
                ", ".join(f"{hack['found_length']} -> {len(hack['actions'])}" for hack in hacks),
                ", ".join(f"{hack['found_after']:,}" for hack in hacks),
                f"{row['seconds']:.1f}",
            ]
        )
    return markdown_table(
        ["program", "MiniGrid", "flaw", "found", "actions", "after steps", "CPU s"], rows
    )


def main() -> None:
    """Search, store, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="print the stored table")
    parser.add_argument("--only", help="search programs whose name begins so, print only")
    options = parser.parse_args()
    if options.show:
        print(table(json.loads(STORED.read_text(encoding="utf-8"))["rows"]))
        return
    warnings.simplefilter("ignore")
    found = []
    for case in CASES:
        if options.only and not case.path.partition("/")[2].startswith(options.only):
            continue
        found.append(search(case))
        print(json.dumps(found[-1]), flush=True)
    if not options.only:
        STORED.write_text(json.dumps({"rows": found}, indent=1) + "\n", encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    main()
