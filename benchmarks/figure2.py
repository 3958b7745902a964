"""Does a program's reward make learnable what the sparse reward does not?

Repeats Figure 2 of the paper (Code as Reward, Venuto et al., ICML 2024) on compiled environments:
four MiniGrid tasks, learned by PPO from the environment's sparse reward alone and from that plus
what a program of sub-tasks pays (1/K for each of K, once an episode), three seeds each, a million
steps. Curves are the return in the environment's own sparse reward, over 64 episodes with actions
sampled from the policy. A run counts as solved at the number of steps at which the last 100
training episodes had first succeeded to nine tenths.

    python -m benchmarks.figure2                    run what is missing, then render
    python -m benchmarks.figure2 --part 0/2         every other run, for two processes
    python -m benchmarks.figure2 --render           table and picture of what is there

Programs read only what the agent sees; see ``benchmarks/programs/figure2``. Each is verified first,
and its verdict is stored. A run that was interrupted goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from benchmarks.harness import machine, markdown_table
from carruntime.training.settings import Settings

ROOT = Path(__file__).parent
PROGRAMS = ROOT / "programs" / "figure2"
RESULTS = ROOT / "results" / "figure2"
SEEDS = (0, 1, 2)
STEPS = 1_000_000
_COMMAND = "python -m benchmarks.figure2"


@dataclass(frozen=True, slots=True)
class Task:
    """A panel of the figure.

    Attributes:
        env_id: The environment.
        program: File of its reward program.
        entropy: Weight of the entropy bonus, for both rewards alike.
    """

    env_id: str
    program: str
    entropy: float = 0.01

    @property
    def name(self) -> str:
        """Short name."""
        return self.env_id.removeprefix("MiniGrid-").removesuffix("-v0")


TASKS = (
    Task("MiniGrid-DoorKey-8x8-v0", "doorkey.py"),
    # The longest chain, key, door, drop, box: more noise, for both rewards alike.
    Task("MiniGrid-UnlockPickup-v0", "unlockpickup.py", entropy=0.03),
    Task("MiniGrid-DoorKey-6x6-v0", "doorkey.py"),
    Task("MiniGrid-Unlock-v0", "unlock.py"),
)
REWARDS = ("program", "sparse")


@dataclass(frozen=True, slots=True)
class Case:
    """One of the runs."""

    task: Task
    reward: str
    seed: int

    @property
    def name(self) -> str:
        """Name of its files."""
        return f"{self.task.name}_{self.reward}_{self.seed}"

    def settings(self, steps: int) -> Settings:
        """What it is trained with."""
        return Settings(
            self.task.env_id,
            total_steps=steps,
            mode="add",
            entropy=self.task.entropy,
            eval_every=40_000,
            checkpoint_every=100_000,
        )


def cases() -> list[Case]:
    """Give all runs, those that tell most first."""
    return [Case(task, reward, seed) for task in TASKS for seed in SEEDS for reward in REWARDS]


def main() -> None:
    """Run what is missing, and render what is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figure2", description=__doc__)
    parser.add_argument("--render", action="store_true", help="table and picture only")
    parser.add_argument("--part", default="0/1", metavar="I/N", help="every N-th run from I")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument(
        "--isolation",
        choices=("process", "none"),
        default="process",
        help="none: programs run in this process, which is for these ones only",
    )
    args = parser.parse_args()
    if not args.render:
        part, parts = (int(text) for text in args.part.split("/"))
        for case in cases()[part::parts]:
            run(case, args.results, args.steps, args.isolation)
    render(args.results, args.steps)


def run(case: Case, results: Path, steps: int, isolation: Literal["process", "none"]) -> None:
    """Train one run, unless its result is there."""
    import carruntime as car
    from carruntime.files import make_folder
    from carruntime.training.curves import write_points
    from carruntime.training.files import write_json
    from carruntime.training.run import train_seed

    stored = results / "runs" / f"{case.name}.json"
    if stored.exists() and json.loads(stored.read_text(encoding="utf-8"))["steps"] >= steps:
        return
    make_folder(stored.parent)
    work = results / "work"
    make_folder(work)
    (work / ".gitignore").write_text("*\n", encoding="utf-8")
    program = None
    if case.reward == "program":
        source = PROGRAMS / case.task.program
        _verify(case.task, source, results)
        program = car.load(source, case.task.env_id, isolation=isolation)
    start = time.time()
    cpu = time.process_time()
    print(f"{time.strftime('%H:%M:%S')} {case.name} begins", flush=True)
    try:
        done = train_seed(
            case.settings(steps), case.seed, work / case.name, program=program, resume=True
        )
    finally:
        if program is not None:
            program.close()
    last = done.points[-1]
    write_points(results / "runs" / f"{case.name}.csv", done.points)
    write_json(
        stored,
        {
            "task": case.task.env_id,
            "reward": case.reward,
            "seed": case.seed,
            "steps": last.steps,
            "solved_at": done.solved_at,
            "eval_return": last.eval_return,
            "eval_success": last.eval_success,
            "resumed_at": done.resumed_at,
            "outcomes": done.outcomes,
            "program_tier": None if program is None else program.tier,
            "isolation": None if program is None else isolation,
            "wall_s": round(time.time() - start, 1),
            "cpu_s": round(time.process_time() - cpu, 1),
            "settings": case.settings(steps).to_json(),
            "machine": _about(),
        },
    )
    print(
        f"{time.strftime('%H:%M:%S')} {case.name} solved at {done.solved_at}, return "
        f"{last.eval_return:.3f}, {time.time() - start:.0f} s",
        flush=True,
    )


def render(results: Path, steps: int) -> None:
    """Write table and picture of the runs that are complete, and say which are not."""
    from carruntime.training.curves import Average, average, draw, read_points, write_averages
    from carruntime.training.files import write_json, write_text

    panels: dict[str, dict[str, list[Average]]] = {}
    rows, records, missing = [], [], []
    for task in sorted(TASKS, key=lambda task: task.name):
        panels[task.name] = {}
        for reward in REWARDS:
            found = []
            for case in (Case(task, reward, seed) for seed in SEEDS):
                stored = results / "runs" / f"{case.name}.json"
                if not stored.exists():
                    missing.append(case.name)
                    continue
                record = json.loads(stored.read_text(encoding="utf-8"))
                if record["steps"] < steps:
                    missing.append(case.name)
                    continue
                if record["machine"]["command"] != _COMMAND:
                    record["machine"]["command"] = _COMMAND
                    write_json(stored, record)
                found.append((record, read_points(stored.with_suffix(".csv"))))
            if not found:
                continue
            points = average([curve for _, curve in found])
            panels[task.name][f"{reward} reward ({len(found)} seeds)"] = points
            write_averages(results / f"{task.name}_{reward}.csv", points)
            solved = [record["solved_at"] for record, _ in found]
            records += [record for record, _ in found]
            last = points[-1]
            rows.append(
                [
                    task.name,
                    reward,
                    f"{sum(at is not None for at in solved)} of {len(solved)}",
                    ", ".join("never" if at is None else f"{at / 1000:.0f} k" for at in solved),
                    *(f"{_at(points, k * 1000):.2f}" for k in (100, 250, 500)),
                    f"{last.eval_return:.3f} ± {last.return_error:.3f}",
                ]
            )
    if not rows:
        print("no run is complete")
        return
    head = [
        "task",
        "reward",
        "solved",
        "at step (by seed)",
        "100 k",
        "250 k",
        "500 k",
        "at the end",
    ]
    table = markdown_table(head, rows)
    verdicts = {
        path.stem.removeprefix("verdict_"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(results.glob("verdict_*.json"))
    }
    about = records[-1]["machine"]
    versions = ", ".join(f"{key} {value}" for key, value in about["versions"].items())
    state = (
        f"All {len(records)} runs are complete."
        if not missing
        else f"{len(records)} runs are complete; these are not and are left out: "
        f"{', '.join(missing)}."
    )
    where = (
        f"{about['date']}, {about['cpu']}, {about['cpus']} CPUs shared with other work, "
        f"{about['system']}, Python {about['python']}, {versions}."
    )
    text = "\n".join(
        [
            "# Figure 2: return by the environment's sparse reward, mean over seeds",
            "",
            f"Made by `python -m benchmarks.figure2`. {state}",
            where,
            "",
            table,
            "",
            "± is the standard error over seeds. Programs by `carruntime.verify` (100 random and 50",
            "expert episodes), before any training: "
            + ", ".join(f"{name} {one['decision']}" for name, one in verdicts.items())
            + ".",
            "",
        ]
    )
    write_text(results / "figure2.md", text)
    write_json(
        results / "figure2.json",
        {"missing": missing, "verdicts": verdicts, "runs": records, "table": table},
    )
    shown = {name: panel for name, panel in panels.items() if panel}
    draw(results / "figure2.png", shown)
    print(text)


def _at(points: list[Any], steps: int) -> float:
    """Give the mean return at the last point up to ``steps``."""
    return float([point.eval_return for point in points if point.steps <= steps][-1])


def _verify(task: Task, source: Path, results: Path) -> None:
    import carruntime as car
    from carruntime.training.files import write_json

    path = results / f"verdict_{task.name}.json"
    if path.exists():
        return
    program = car.load(source, task.env_id)
    try:
        expert = car.collect(task.env_id, "expert", 50)
        horizon = 10 * max(len(one.actions) for one in expert.trajectories)
        chance = car.collect(task.env_id, "random", 100, 1000, max_steps=horizon)
        verdict = car.verify(program, expert=expert, random=chance)
    finally:
        program.close()
    write_json(
        path,
        {
            "program": source.name,
            "digest": program.digest,
            "decision": str(getattr(verdict.decision, "value", verdict.decision)),
            "tier": program.tier,
            # Where the program lay on this machine is nobody's business.
            "verdict": {**verdict.to_json(), "program": source.name},
        },
    )


def _about() -> dict[str, Any]:
    # How a part of the runs was started, and where they went, is nobody's business.
    about = machine() | {"command": _COMMAND}
    for name in ("torch", "stable-baselines3"):
        about["versions"][name] = metadata.version(name)
    return about


if __name__ == "__main__":
    main()
