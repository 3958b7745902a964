"""How often scripted experts, mixtures and random play solve every MiniGrid task there is one for.

``python -m benchmarks.bench_experts`` plays 200 seeds of each with the expert and 20 with each
of the others, prints the table, and writes ``results/experts.json``; ``--show`` prints the stored one. With ``--others 0`` the expert
plays alone.
Success is the environment's word.
"""

from __future__ import annotations

import argparse
import json
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

STORED = Path(__file__).parent / "results" / "experts.json"
POLICIES: tuple[str | float, ...] = ("expert", 0.3, 0.5, "random")


def environments() -> list[str]:
    """Give the registered ids of MiniGrid that have a scripted expert."""
    import gymnasium as gym
    import minigrid  # noqa: F401 - registers

    from carruntime.grid_world import TASKS

    return [
        name
        for name, spec in gym.registry.items()
        if name.startswith("MiniGrid-") and str(spec.entry_point).rpartition(":")[2] in TASKS
    ]


def play(episodes: int, others: int) -> dict[str, Any]:
    from carruntime.collection import collect
    from carruntime.progress import ProgressLine

    rows = []
    for name in environments():
        row: dict[str, Any] = {"environment": name}
        for policy in POLICIES:
            wanted = episodes if policy == "expert" else others
            if not wanted:
                continue
            with ProgressLine(f"{name} {policy}") as line:
                found = collect(name, policy, wanted, facts={}, progress=line)
            row[str(policy)] = {
                "solved": found.successes,
                "episodes": wanted,
                "steps": round(found.transitions / wanted, 1),
                "failed_seeds": [item.seed for item in found if not item.success][:20]
                if policy == "expert"
                else [],
            }
        rows.append(row)
    return {"minigrid": version("minigrid"), "rows": rows}


def table(found: dict[str, Any]) -> str:
    lines = [
        f"minigrid {found['minigrid']}",
        f"{'environment':34} {'expert':>9} {'steps':>6} {'30 %':>8} {'50 %':>8} {'random':>8}",
    ]
    for row in found["rows"]:
        cells = [row.get(str(policy)) for policy in POLICIES]
        shares = [f"{cell['solved']}/{cell['episodes']}" if cell else "" for cell in cells]
        lines.append(
            f"{row['environment']:34} {shares[0]:>9} {row['expert']['steps']:6.1f} "
            f"{shares[1]:>8} {shares[2]:>8} {shares[3]:>8}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--others", type=int, default=20)
    parser.add_argument("--show", action="store_true", help="print the stored table")
    options = parser.parse_args()
    if not options.show:
        warnings.simplefilter("ignore")  # one id of MultiRoom is registered as out of date
        found = play(options.episodes, options.others)
        STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(json.loads(STORED.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
