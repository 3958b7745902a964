"""Run the benchmarks: ``python -m benchmarks [--quick] [--only W1,W3] [QUESTION ...]``.

Results go to ``benchmarks/results/*.json`` and, as tables with machine and date, to
``docs/benchmarks.md``; with ``--quick`` (smaller, noisier) they are only printed.
``python -m benchmarks soak`` is a question of its own, with its own arguments.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks import (
    bench_check,
    bench_coverage,
    bench_findings,
    bench_latency,
    bench_memory,
    bench_minigrid,
    bench_pictures,
    bench_render,
    bench_startup,
    bench_threads,
    bench_throughput,
    bench_unseen,
    bench_workloads,
    bench_worst_texts,
)
from benchmarks.harness import machine, write_json
from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).parent
QUESTIONS = {
    "throughput": bench_throughput,
    "workloads": bench_workloads,
    "latency": bench_latency,
    "threads": bench_threads,
    "coverage": bench_coverage,
    "unseen": bench_unseen,
    "check": bench_check,
    "worst-texts": bench_worst_texts,
    "findings": bench_findings,
    "startup": bench_startup,
    "memory": bench_memory,
    "minigrid": bench_minigrid,
    "render": bench_render,
    "pictures": bench_pictures,
}


def main() -> None:
    """Run the chosen questions and write their tables."""
    # What is compiled here is compiled here; a question about the cache switches it on itself.
    os.environ.setdefault("CARRUNTIME_CACHE", "off")
    if sys.argv[1:2] == ["soak"]:
        from benchmarks import soak

        soak.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("questions", nargs="*", help=f"any of {', '.join(QUESTIONS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, print only")
    parser.add_argument("--only", default="", help="programs of `workloads` to time, print only")
    args = parser.parse_args()
    unknown = [name for name in args.questions if name not in QUESTIONS]
    if unknown:
        parser.error(f"unknown question {unknown[0]!r}; want any of {', '.join(QUESTIONS)}")
    chosen = args.questions or list(QUESTIONS)
    if args.only and chosen != ["workloads"]:
        parser.error("--only names programs of `workloads`; ask for that question alone")
    only = tuple(filter(None, args.only.split(",")))
    known = [workload.name for workload in WORKLOADS.values()]
    strange = [name for name in only if name not in known]
    if strange:
        parser.error(f"--only {strange[0]}: no such program; want any of {', '.join(known)}")
    about = machine()
    for name in chosen:
        question: Any = QUESTIONS[name]
        more = {"only": only} if only else {}
        records = question.run(quick=args.quick, **more)
        text = question.table(records)
        print(f"\n## {name}\n\n{text}\n", flush=True)
        if not args.quick and not more:
            write_json(
                ROOT / "results" / f"{name}.json",
                {"machine": about, "records": records, "title": _title(question), "table": text},
            )
    if not args.quick and not only:
        write_page()


def write_page() -> None:
    """Write ``docs/benchmarks.md`` from all stored results."""
    import json

    parts = [
        "# Benchmarks",
        "",
        "Made by `python -m benchmarks` from `benchmarks/results/*.json`; do not edit. Absolute",
        "rates belong to one machine on one day; the ratios in brackets were taken in one run.",
    ]
    for path in sorted((ROOT / "results").glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if "title" not in record:
            continue  # of a script that prints its own table
        parts += [
            "",
            f"## {path.stem}",
            "",
            record["title"],
            "",
            _provenance(record["machine"]),
            "",
            record["table"],
        ]
    page = ROOT.parent / "docs" / "benchmarks.md"
    page.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _provenance(about: dict[str, Any]) -> str:
    versions = ", ".join(f"{key} {value}" for key, value in about["versions"].items())
    where = f"{about['date']}, {about['cpu']}, {about['cpus']} CPUs, {about['system']}"
    load = f"load at the start {about['load_at_start']}"
    return f"{where}, Python {about['python']}, {versions}; {load}; `{about['command']}`."


def _title(question: Any) -> str:
    return " ".join(str(question.__doc__).split("\n\n", maxsplit=1)[0].split())


if __name__ == "__main__":
    main()
