"""Frames per second of programs that look at pictures: OpenCV, the interpreted tier, machine code.

First every MiniGrid program of the vision corpus at two sizes of frames, on frames that are all new and
on those of a rollout, whose results are kept (see `benchmarks.picture_frames`); then every program of
the corpus at the size of its own frames, without anything kept. Batches of 64 rows; plain CPython runs
with real OpenCV, one thread. Results are compared before anything is timed; a program whose results
differ is an error, not a row of the table.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import picture_frames
from benchmarks.harness import Case, markdown_table, rate, run_cases
from benchmarks.picture_programs import ROWS, PlainProgram, Tier, agree, program_of
from sandbox.native.library import library
from sandbox.team import team_of
from sandbox.tiers.base import TierReason

__all__ = ["run", "table"]


def _program(case: Any, *, quick: bool) -> dict[str, Any]:
    """Time one program at the size of its frames."""
    pairs = [(e, t) for e in range(6) for t in range(case.frames.shape[1])]
    pairs = (pairs * (ROWS // len(pairs) + 1))[:ROWS]
    first = np.ascontiguousarray(np.stack([case.frames[e, 0] for e, _ in pairs]))
    now = np.ascontiguousarray(np.stack([case.frames[e, t] for e, t in pairs]))
    shape = tuple(case.spec["frame_shape"])
    record: dict[str, Any] = {"program": case.name, "shape": list(shape)}
    program = program_of(case, shape, first, now)
    plain = PlainProgram(program)
    slow = Tier(program.interpreted, program.plan, len(program.names), first, now)
    cases = [
        Case("plain", lambda: plain.go(first, now), ROWS),
        Case("interpreted", slow.go, ROWS),
    ]
    if isinstance(program.compiled, TierReason):
        record["reason"] = str(program.compiled)
    else:
        fast = Tier(program.compiled, program.plan, len(program.names), first, now)
        fast.go()
        slow.go()
        agree(case.name, fast.outputs, slow.outputs)
        two = program.again(keep=False)
        two.team = team_of(2)
        both = Tier(two, program.plan, len(program.names), first, now)
        cases += [Case("compiled", fast.go, ROWS), Case("compiled, 2 cores", both.go, ROWS)]
    found = run_cases(cases, rounds=3, min_round_s=0.05 if quick else 0.1)
    record["rows_per_s"] = {item.name: item.rows_per_s for item in found}
    return record


def run(*, quick: bool) -> list[dict[str, Any]]:
    """Time all programs; a record for each."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    import cv2
    import vision_reader

    cv2.setNumThreads(1)
    if library() is None:
        raise SystemExit("this question needs the native library, which this system does not have")
    cases = [vision_reader.case(name) for name in vision_reader.NAMES]
    found = picture_frames.run(cases, quick=quick)
    return found + [_program(case, quick=quick) for case in cases[:: 7 if quick else 1]]


def table(records: list[dict[str, Any]]) -> str:
    """Give rates, and ratios to plain CPython with OpenCV of the same run."""
    sized = [record for record in records if "frames" in record]
    rest = [record for record in records if "frames" not in record]
    return "\n\n".join([picture_frames.table(sized), _corpus_table(rest)])


def _corpus_table(records: list[dict[str, Any]]) -> str:
    rows, gains, twos = [], [], []
    for record in records:
        speeds = record["rows_per_s"]
        plain = speeds["plain"]
        height, width, _ = record["shape"]
        cells = [record["program"], f"{height} x {width}", rate(plain)]
        cells.append(f"{speeds['interpreted'] / plain:.2f}x")
        if "compiled" in speeds:
            gains.append(speeds["compiled"] / plain)
            twos.append(speeds["compiled, 2 cores"] / plain)
            cells += [rate(speeds["compiled"]), f"{gains[-1]:.1f}x", f"{twos[-1]:.1f}x"]
        else:
            cells += [f"not compiled: {record['reason']}", "", ""]
        rows.append(cells)
    head = ["program", "frame", "plain, frames/s", "interpreted", "compiled, frames/s"]
    head += ["one core", "two cores"]
    told = (
        f"All programs of the corpus at the size of their frames, nothing kept. {len(gains)} of"
        f" {len(records)} compile. Times plain CPython with OpenCV on one core:"
        f" median {statistics.median(gains):.1f}, least {min(gains):.1f}; {sum(g >= 5 for g in gains)}"
        f" programs reach 5. Two cores: median {statistics.median(twos):.1f}."
    )
    return f"{told}\n\n{markdown_table(head, rows)}"
