"""How often is a verdict right?

``python -m benchmarks.verdicts`` collects episodes, verifies programs whose truth is known, writes
``results/verdicts.json`` and prints the table; ``--show`` prints the stored one, ``--only NAME``
one program, without storing it. Three sets, each with its own kind of truth:

- *pictures in MiniGrid*: the programs of ``tests/corpus/vision`` whose task can be played here. Each was
  labelled right or wrong on rows of its own, by somebody who knew nothing of this verification.
  ``verify`` sees newly collected episodes with frames, never those rows.
- *pictures elsewhere*: the rest of that corpus. Their environments are not installed here, so it is only
  their rows that are judged, by the rule their labels state. That says that the runtime gives
  what the labels were made from, and nothing about ``verify``.
- *observations*: the programs of ``tests/corpus/state`` for MiniGrid, and mutants of those that are right.
  Programs are labelled here by reading them (`STATE`, each with its reason). A mutant has one
  constant, comparison or latch changed so that what it says is no longer so.

Accepting a wrong program is what verification is there to prevent, so precision comes first: of the
accepted ones, how many are right. Recall: of the right ones, how many are accepted. "Not enough
evidence" is no acceptance.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import carruntime as car
from benchmarks.harness import markdown_table
from carruntime.environments import make_env
from carruntime.replay import Episode

ROOT = Path(__file__).parent.parent
STORED = Path(__file__).parent / "results" / "verdicts.json"
VISION = ROOT / "tests" / "corpus" / "vision"
STATE_PROGRAMS = ROOT / "tests" / "corpus" / "state"
EXPERT, LEVEL, RANDOM = 36, 10, 100
HORIZONS = {"state": 2, "grid pictures": 1}
"""Random episodes are cut at so many times the longest expert episode; programs about pictures take
milliseconds a frame."""


def paid_times(count: int) -> Callable[[Episode], bool]:
    """Complete means: paid on so many steps."""

    def rule(episode: Episode) -> bool:
        return int((episode.reward > 0.0).sum()) >= count

    rule.__name__ = f"paid on {count} steps"
    return rule


SUCCESS: dict[str, Any] = {
    "blockedunlock_stages": "box_taken",
    "doorkey8_numpy_reward": "goal",
    "doorkey8_checker": paid_times(3),
    "unlock_blue_distance": 1.0,
    "lavagap_penalty_reward": 1.0,
    "fourrooms_best_distance": 1.0,
    "unlockpickup_tracker": 2.0,
    "minigrid_fetch_object": "pickup",
    "minigrid_gotodoor_mission": 4.0,
    "minigrid_lavagap_safety": "goal",
    "minigrid_unlockpickup_tracker": "got_box",
    "minigrid_unlock_fields": 0.9,
}
"""What success is, for programs without sub-tasks: what their text says they pay for it."""
SLOW = {
    "blockedunlock_stages",
    "doorkey8_components_32px",
    "doorkey8_big_contours",
    "doorkey8_checker",
}
"""Programs that take longest, which come last."""
MISSIONS = {
    "fetch": "yellow key",
    "gotodoor": "green door",
    "putnear": "blue ball near the green box",
}
"""Missions that programs about pictures were written for, by the beginning of their name."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A program whose truth is known.

    Attributes:
        name: Of its folder, and of the mutation.
        source: Its text.
        env_id: The environment.
        right: Whether it says what is so.
        why: Why not.
        full: Whether it wants the whole grid as its observation.
    """

    name: str
    source: str
    env_id: str
    right: bool
    why: str = ""
    full: bool = False


STATE: dict[str, tuple[bool, str]] = {
    "minigrid_fetch_object": (True, "pays the pickup of the named thing, and that alone, with 1"),
    "minigrid_gotodoor_mission": (
        False,
        "calls `done` a success only in front of the door; beside it counts in the environment too",
    ),
    "minigrid_lavagap_safety": (True, "the step onto the goal is paid, the one into lava fined"),
    "minigrid_unlockpickup_tracker": (True, "the box in hand, of the named colour, paid once"),
    "minigrid_unlock_fields": (True, "an open door in view ends with 1"),
    "minigrid_doorkey_tasks": (
        False,
        "the last sub-task is done two cells before the goal, whether or not it is reached",
    ),
    "minigrid_putnear_tasks": (
        True,
        "what is put down lies one cell ahead, so what it is near to is in view as well",
    ),
}
"""Programs over observations, by reading them: right, and why."""

MUTATIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "minigrid_fetch_object": (
        (
            "hand[1] == target_col",
            "hand[1] != target_col",
            "takes every other colour for the right one",
        ),
        ("'key': 5, 'ball': 6", "'key': 6, 'ball': 5", "keys and balls exchanged"),
        ("1.0 if correct else -1.0", "1.0", "whatever is picked up is paid"),
        ("image[3, 6]", "image[3, 5]", "takes what lies ahead for what is held"),
        ("'yellow': 4", "'yellow': 5", "yellow has the code of grey"),
    ),
    "minigrid_lavagap_safety": (
        ("GOAL = 8", "GOAL = 9", "lava is taken for the goal"),
        ("action == 2\n", "action != 2\n", "paid for not going forward"),
        ("front = img[3, 5, 0]", "front = img[3, 4, 0]", "looks one cell too far"),
        ("moved_forward and front == GOAL", "(nxt[:, :, 0] == GOAL).any()", "seeing is reaching"),
    ),
    "minigrid_unlockpickup_tracker": (
        ('"box": 7', '"box": 5', "the key is taken for the box"),
        (
            '"got_box": obj == OBJECTS["box"]',
            '"got_box": before == OBJECTS["box"]',
            "one step late",
        ),
        (
            'obj == OBJECTS["box"] and',
            '(image[..., 0] == OBJECTS["box"]).any() and',
            "seen, not held",
        ),
        ("if done and not self.milestones[name]:", "if done:", "no latch: paid on every step"),
        ("image[3, 6]", "image[6, 3]", "axes exchanged"),
    ),
    "minigrid_unlock_fields": (
        ("states[x, y] == 0 for", "states[x, y] == 1 for", "closed is taken for open"),
        ("states[x, y] == 0 for", "states[x, y] != 0 for", "locked is taken for open"),
        ("KEY, DOOR, WALL = 5, 4, 2", "KEY, DOOR, WALL = 4, 5, 2", "keys and doors exchanged"),
        ("objects == DOOR", "objects == WALL", "walls are taken for doors"),
    ),
}
"""What is changed in right programs, and what is wrong then."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="print the stored table")
    parser.add_argument("--only", help="verify programs whose name begins so, print only")
    parser.add_argument("--resume", action="store_true", help="keep the rows that are stored")
    options = parser.parse_args()
    if not options.show:
        warnings.simplefilter("ignore")
        if options.only:
            print(table(run(only=options.only)))
            return
        run(resume=options.resume)
    print(table(json.loads(STORED.read_text(encoding="utf-8"))))


def run(only: str | None = None, *, resume: bool = False) -> dict[str, Any]:
    """Verify all programs; what is found is stored after each, for an interrupted run."""
    found: dict[str, Any] = {
        "expert": EXPERT,
        "level": LEVEL,
        "random": RANDOM,
        "horizons": HORIZONS,
        "rows": [],
    }
    done: dict[str, Any] = {}
    if resume and STORED.exists():
        done = {row["name"]: row for row in json.loads(STORED.read_text(encoding="utf-8"))["rows"]}
    for name, work in _work():
        if only is not None and not name.startswith(only):
            continue
        row = done.get(name) or work()
        # A label that was read again holds for rows that were found before it was.
        if "/" not in name and name in STATE:
            row["right"], row["fault"] = STATE[name][0], "" if STATE[name][0] else STATE[name][1]
        found["rows"].append(row)
        print(f"{name}: {row['decision']}, {row['seconds']} s", file=sys.stderr, flush=True)
        if only is None:
            STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def _work() -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Give each program's name and what judges it."""
    for spec in sorted(VISION.glob("*/spec.json")):
        about = json.loads(spec.read_text(encoding="utf-8"))
        if not about["environment"].startswith("MiniGrid-"):
            yield about["name"], partial(by_labels, about)
    for one in state():
        yield one.name, partial(judge, "state", one)
    for one in sorted(grid_pictures(), key=lambda one: (one.name in SLOW, one.name)):
        yield one.name, partial(judge, "grid pictures", one)


def grid_pictures() -> Iterator[Labelled]:
    """Give the programs over frames of MiniGrid."""
    for path in sorted(VISION.glob("*/spec.json")):
        spec = json.loads(path.read_text(encoding="utf-8"))
        if spec["environment"].startswith("MiniGrid-"):
            yield Labelled(
                name=spec["name"],
                source=path.with_name("program.py").read_text(encoding="utf-8"),
                env_id=spec["environment"],
                right=spec["verdict"] == "right",
                why=spec.get("known_fault") or "",
            )


def state() -> Iterator[Labelled]:
    """Give the programs over observations, and their mutants."""
    for name, (right, why) in STATE.items():
        folder = STATE_PROGRAMS / name
        source = (folder / "program.py").read_text(encoding="utf-8")
        env_id = json.loads((folder / "spec.json").read_text(encoding="utf-8"))["environment"]
        yield Labelled(name, source, env_id, right, "" if right else why)
        for number, (old, new, fault) in enumerate(MUTATIONS.get(name, ()), start=1):
            if source.count(old) < 1:
                raise SystemExit(f"verdicts: {name} has no {old!r}; the mutation cannot be made")
            yield Labelled(f"{name}/{number}", source.replace(old, new), env_id, False, fault)


def judge(kind: str, one: Labelled) -> dict[str, Any]:
    """Verify one program on newly collected episodes."""
    began = time.perf_counter()
    base = one.name.partition("/")[0]
    pictures = kind == "grid pictures"
    options: dict[str, Any] = {}
    env_options: dict[str, Any] = {}
    if pictures:
        spec = json.loads((VISION / base / "spec.json").read_text(encoding="utf-8"))
        options["frame"] = tuple(spec["frame_shape"])
        options["frame_order"] = "bgr" if spec["bgr"] else "rgb"
        env_options = {"highlight": False, "tile_size": _tile(spec)}
    env = make_env(one.env_id, **env_options)
    mission = MISSIONS.get(base.partition("_")[0]) if pictures else None
    try:
        sets = _sets(env, one.env_id, mission, pictures=pictures)
        program = car.load(one.source, env, **options)
        try:
            success = SUCCESS.get(base)
            verdict = car.verify(
                program,
                expert=sets[0],
                levels=sets[1:3],
                random=sets[3],
                success_when=None if program.task_names else success,
            )
        finally:
            program.close()
        decision = verdict.decision.value
        checks = [d.check for d in verdict.diagnoses if d.weight.value != "warns"]
        warned = [d.check for d in verdict.diagnoses if d.weight.value == "warns"]
        failures = [d.failure for d in verdict.diagnoses if d.weight.value != "warns"]
        published = verdict.published.accepts
        deciding = [d for d in verdict.diagnoses if d.weight.value != "warns"]
        told = [f"{d.message}; seen in {d.witness}" for d in deciding[:2]]
    except car.LoadError as error:
        decision, published = "refused", False
        checks = sorted({item.rule for item in error.report.findings})
        warned, failures, told = [], [], []
    finally:
        env.close()
    return {
        "kind": kind,
        "name": one.name,
        "right": one.right,
        "fault": one.why,
        "decision": decision,
        "checks": sorted(set(checks)),
        "warned": sorted(set(warned)),
        "failures": sorted(set(failures)),
        "told": told,
        "published": published,
        "seconds": round(time.perf_counter() - began, 1),
    }


_CACHE: dict[Any, list[car.TrajectorySet]] = {}


def _sets(env: Any, env_id: str, mission: str | None, *, pictures: bool) -> list[car.TrajectorySet]:
    """Collect the expert's episodes, those with 30 % and 50 % noise, and random ones.

    Programs about one mission are tried on seeds with that mission.
    """
    key = (env_id, mission, pictures, getattr(env.unwrapped, "tile_size", 0))
    if key in _CACHE:
        return _CACHE[key]
    out: list[car.TrajectorySet] = []
    horizon = None
    plan: tuple[tuple[str | float, int], ...] = (
        ("expert", EXPERT),
        (0.3, LEVEL),
        (0.5, LEVEL),
        ("random", RANDOM),
    )
    for number, (policy, count) in enumerate(plan):
        seeds = _seeds(env, mission, count, 1_000_000 * number)
        out.append(car.collect(env, policy, count, seeds=seeds, max_steps=horizon, frames=pictures))
        if number == 0:
            horizon = HORIZONS["grid pictures" if pictures else "state"] * max(
                len(item) for item in out[0]
            )
    _CACHE.clear()  # pictures of one task at a time are enough in memory
    _CACHE[key] = out
    return out


def _seeds(env: Any, mission: str | None, count: int, first: int) -> list[int]:
    found: list[int] = []
    seed = first
    while len(found) < count:
        if mission is None:
            found.append(seed)
        else:
            env.reset(seed=seed)
            if mission in env.unwrapped.mission:
                found.append(seed)
        seed += 1
    return found


def _tile(spec: dict[str, Any]) -> int:
    """Give the pixels of a tile, which the name of the set of frames ends with."""
    return int(spec["frame_set"].rpartition("_")[2].removesuffix("px"))


def by_labels(spec: dict[str, Any]) -> dict[str, Any]:
    """Judge a program by the rows it was labelled on."""
    sys.path.insert(0, str(ROOT / "tests"))
    import vision_reader

    case = vision_reader.case(spec["name"])
    labels = json.loads((VISION / spec["name"] / "labels.json").read_text(encoding="utf-8"))
    program = case.load()
    mistakes = bad = 0
    shape = case.frames.shape[:2]
    counted = np.array(labels["counted"]).reshape(shape)
    try:
        with program.start(shape[0], on_error="nan") as session:
            session.reset(frame=case.frames[:, 0])
            batches = []
            for step in range(shape[1]):
                batch = session.step(frame=case.frames[:, step])
                batches.append(
                    (
                        batch.reward.copy(),
                        batch.tasks.copy(),
                        batch.task_outcome.copy(),
                        batch.outcome.copy(),
                        {name: values.copy() for name, values in batch.components.items()},
                    )
                )
    finally:
        program.close()
    reward = np.stack([each[0] for each in batches], axis=1)
    outcome = np.stack([each[3] for each in batches], axis=1)
    if program.task_names:
        outcome = np.maximum(outcome, np.stack([each[2].max(axis=1) for each in batches], axis=1))
    bad = int(((outcome != 0) & counted).sum())
    if labels["rule"] == "tasks":
        for index, name in enumerate(program.task_names):
            said = np.stack([each[1][:, index] for each in batches], axis=1)
            mistakes += _differ(said, labels["tasks"][name], counted)
    else:
        mistakes += _stages(reward, labels, counted)
        for name, wanted in labels.get("components", {}).items():
            said = np.stack([each[4][name] for each in batches], axis=1) > 0
            mistakes += _differ(said, wanted, counted)
    return {
        "kind": "other pictures",
        "name": spec["name"],
        "right": spec["verdict"] == "right",
        "fault": spec.get("known_fault") or "",
        "decision": "accept" if not mistakes and not bad else "reject",
        "checks": [f"{mistakes} rows wrong, {bad} failed"],
        "warned": [],
        "failures": [],
        "published": None,
        "seconds": 0.0,
    }


def _differ(said: Any, wanted: Any, counted: Any) -> int:
    flat = list(wanted)
    known = np.array([w is not None for w in flat]).reshape(counted.shape)
    truth = np.array([bool(w) for w in flat]).reshape(counted.shape)
    return int(((said != truth) & known & counted).sum())


def _stages(reward: Any, labels: dict[str, Any], counted: Any) -> int:
    """Count the pairs of rows (or the events) that are not paid as the rule of the labels says."""
    stage = np.array([np.nan if s is None else s for s in labels["stage"]], float).reshape(
        counted.shape
    )
    wrong = 0
    if labels["rule"] == "ordered":
        margin = float(labels.get("margin", 0))
        for e in range(len(stage)):
            rows = [t for t in range(stage.shape[1]) if counted[e, t] and np.isfinite(stage[e, t])]
            wrong += sum(
                not reward[e, b] > reward[e, a]
                for a in rows
                for b in rows
                if stage[e, b] - stage[e, a] > margin
            )
        return wrong
    events: list[float] = []
    others: list[float] = []
    for e in range(len(stage)):
        best = -np.inf
        for t in range(stage.shape[1]):
            if not counted[e, t] or not np.isfinite(stage[e, t]):
                continue
            (events if t > 0 and stage[e, t] > best else others).append(reward[e, t])
            best = max(best, stage[e, t])
    return sum(not value > max(others, default=-np.inf) for value in events)


def table(found: dict[str, Any]) -> str:
    """Lay out what was found, a row a program, and the rates of each set."""
    rows = [
        [
            row["name"],
            "right" if row["right"] else "wrong",
            row["decision"].replace("_", " "),
            ", ".join(row["checks"]),
            {True: "accept", False: "reject", None: ""}[row["published"]],
        ]
        for row in found["rows"]
    ]
    parts = [
        markdown_table(["program", "truth", "verdict", "decided by", "rule as published"], rows)
    ]
    for kind in ("grid pictures", "state", "other pictures"):
        chosen = [row for row in found["rows"] if row["kind"] == kind]
        if not chosen:
            continue
        parts.append(f"{kind}: {_rates(chosen, lambda row: row['decision'] == 'accept')}")
        if kind != "other pictures":
            parts.append(
                f"  rule as published: {_rates(chosen, lambda row: bool(row['published']))}"
            )
    return "\n\n".join(parts)


def _rates(rows: list[dict[str, Any]], accepts: Callable[[dict[str, Any]], bool]) -> str:
    accepted = [row for row in rows if accepts(row)]
    right = [row for row in rows if row["right"]]
    both = [row for row in accepted if row["right"]]
    precision = f"{len(both)}/{len(accepted)}"
    return (
        f"{len(rows)} programs, {len(right)} right; precision of accept {precision}, recall "
        f"{len(both)}/{len(right)}, wrong ones not accepted "
        f"{sum(not row['right'] and not accepts(row) for row in rows)}/{len(rows) - len(right)}"
    )


if __name__ == "__main__":
    main()
