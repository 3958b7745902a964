"""Did the interpreted tier, or the check, get slower since another commit?

``python -m benchmarks.compare_checkouts OTHER [--rounds N] [NAME ...]`` takes the folder of another
checkout (``git worktree add OTHER COMMIT``) and runs every program of ``tests/corpus/state`` in
both, in one child process each. The children take turns program by program and round by round, so
that a machine whose speed drifts moves both alike. Unit: CPU time, the least of all rounds, which
other processes on the machine disturb little. ``run`` is one row in the interpreted tier, ``check``
is `sandbox.passes.analyse` and the findings about inputs. Nothing is stored; the table is printed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import markdown_table

HERE = Path(__file__).resolve().parent.parent
MEASURES = ("run", "check")
MIN_ROUND_S = 0.03


class Checkout:
    """A child process that measures the code of one folder."""

    def __init__(self, folder: Path) -> None:
        # The measuring code is this file's; the packages measured are those of the folder.
        code = (
            "import importlib.util, sys\n"
            f"spec = importlib.util.spec_from_file_location('child', {str(Path(__file__))!r})\n"
            "child = importlib.util.module_from_spec(spec)\n"
            "spec.loader.exec_module(child)\n"
            "child.serve()\n"
        )
        environment = {
            **os.environ,
            "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'tests'}",
            "CARRUNTIME_CACHE": "off",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self, name: str) -> dict[str, float]:
        """Give CPU seconds of one round, by measure."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the child was started without pipes")
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{name}: the child ended")
        found: dict[str, float] = json.loads(answer)
        return found

    def close(self) -> None:
        """End the child."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=30)


def serve() -> None:
    """Measure one round of each program whose name is read, until the input ends."""
    known: dict[str, dict[str, Any]] = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in known:
            known[name] = {"run": _rows_of(name), "check": _check_of(name)}
        found = {}
        for measure, (call, rows) in known[name].items():
            call()
            calls, start = 0, time.process_time()
            while (spent := time.process_time() - start) < MIN_ROUND_S:
                call()
                calls += 1
            found[measure] = spent / calls / rows
        print(json.dumps(found), flush=True)


def _rows_of(name: str) -> tuple[Any, int]:
    """Give a call that runs all rows of a corpus program in the interpreted tier, and how many."""
    import corpus_reader

    from sandbox.limits import Limits
    from sandbox.tiers.interpreted import InterpretedRunner

    program = corpus_reader.read(name)
    runner = InterpretedRunner(program.tree, program.source.decode(), program.plan, Limits())
    rows = 8 if program.episode is not None else 64
    results = corpus_reader.outputs(rows, len(program.plan.tasks))
    batches: list[dict[str, Any]] = []
    if program.step is None:
        batches.append(program.columns)
    else:
        for step in range(int(program.step.max()) + 1):
            chosen = program.step == step
            batches.append({key: array[chosen] for key, array in program.columns.items()})
    inputs = {key: array.copy() for key, array in batches[0].items()}
    runner.bind(rows, inputs, results)

    def call() -> None:
        for index, batch in enumerate(batches):
            if program.step is not None:
                for key, array in batch.items():
                    inputs[key][...] = array
                if not index:
                    corpus_reader.mark_pending(results)
                    runner.reset()
            corpus_reader.mark_pending(results)
            runner.step()

    return call, 64


def _check_of(name: str) -> tuple[Any, int]:
    """Give a call that analyses and judges a corpus program."""
    import corpus_reader

    from sandbox.limits import Limits
    from sandbox.lint import lint
    from sandbox.passes import analyse

    program = corpus_reader.read(name)
    limits = Limits()

    def call() -> None:
        analysis = analyse(program.source, f"{name}.py", limits)
        if analysis.tree is None:
            raise RuntimeError(f"{name}: a good program was refused")
        for _ in lint(analysis.tree, program.plan, analysis.text):
            pass

    return call, 1


def table(least: dict[str, dict[str, tuple[float, float]]]) -> str:
    """Lay out the least CPU time of both checkouts, and the geometric means of the ratios."""
    units = {"run": (1e6, "us a row"), "check": (1e3, "ms a check")}
    rows = []
    for name, measures in sorted(
        least.items(), key=lambda item: item[1]["run"][1] / item[1]["run"][0], reverse=True
    ):
        row = [name]
        for measure in MEASURES:
            other, here = measures[measure]
            scale = units[measure][0]
            row += [f"{other * scale:.4g}", f"{here * scale:.4g}", f"{here / other:.2f}"]
        rows.append(row)
    mean = ["geometric mean"]
    for measure in MEASURES:
        logs = [math.log(item[measure][1] / item[measure][0]) for item in least.values()]
        mean += ["", "", f"{math.exp(sum(logs) / len(logs)):.3f}"]
    head = ["program"]
    for measure in MEASURES:
        unit = units[measure][1]
        head += [f"other, {unit}", f"here, {unit}", "ratio"]
    return markdown_table(head, [*rows, mean])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare_checkouts", description=__doc__
    )
    parser.add_argument("other", type=Path, help="folder of another checkout of this project")
    parser.add_argument("names", nargs="*", help="programs of tests/corpus/state; default: all")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_intermixed_args()
    names = args.names or sorted(
        folder.name for folder in (HERE / "tests/corpus/state").iterdir() if folder.is_dir()
    )
    checkouts = (Checkout(args.other.resolve()), Checkout(HERE))
    least: dict[str, dict[str, tuple[float, float]]] = {}
    try:
        for name in names:
            rounds = [[item.measure(name) for item in checkouts] for _ in range(args.rounds)]
            least[name] = {
                key: (
                    min(other[key] for other, _ in rounds),
                    min(here[key] for _, here in rounds),
                )
                for key in MEASURES
            }
    finally:
        for checkout in checkouts:
            checkout.close()
    print(table(least))


if __name__ == "__main__":
    main()
