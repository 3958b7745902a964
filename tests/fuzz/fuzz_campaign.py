"""A long run: one child after the other, watched, with figures that add up over runs.

A child that stops moving is ended and the program it was at is kept as ``hang-*.py``; one that
dies by itself leaves a ``crash-*.py``. Both count as findings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from fuzz_child import CURRENT_BYTES, PROGRAMS

__all__ = ["campaign", "figures", "report"]

STILL_S: Final = 120.0
"""A child that has not begun another program for so long hangs; others may need the machine."""
_TICK_S: Final = 0.5


def campaign(folder: Path, *, executed: int, minutes: float, seed: int) -> None:
    """Run until so many programs were executed, or for so long.

    Args:
        folder: Where figures and findings go; what is there already counts.
        executed: Programs to execute, those of earlier runs in the folder included.
        minutes: Wall clock.
        seed: Of the first child; the next have the numbers after it. Seeds that the folder
            already has figures of are passed over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + 60 * minutes
    while figures(folder)["executed"] < executed and time.monotonic() < ends:
        while (folder / f"seed-{seed:08}.json").exists():
            seed += 1
        _child(folder, seed, executed, ends)
        seed += 1


def _child(folder: Path, seed: int, executed: int, ends: float) -> None:
    current = folder / "current"
    current.write_bytes(bytes(CURRENT_BYTES))
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONHASHSEED": str(seed % 1000), "OPENBLAS_NUM_THREADS": "1"}
    with (folder / "child.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, str(here / "fuzz_child.py"), *map(str, (folder, seed, PROGRAMS))],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        done = _watch(child, folder, seed, executed, ends)
    finally:
        # Also where this process is told to end: no child is left behind.
        if child.poll() is None:
            child.terminate()
        child.wait()
    if child.returncode and not done:
        _keep(folder, "crash", seed)


def _watch(
    child: subprocess.Popen[bytes], folder: Path, seed: int, executed: int, ends: float
) -> bool:
    """Wait for a child; give whether it was ended from here."""
    current = folder / "current"
    before, since = b"", time.monotonic()
    while child.poll() is None:
        time.sleep(_TICK_S)
        now = time.monotonic()
        at = current.read_bytes()[:64]
        if at != before:
            before, since = at, now
        elif now - since > STILL_S:
            child.kill()
            child.wait()
            _keep(folder, "hang", seed)
            return True
        if now > ends or figures(folder)["executed"] >= executed:
            return True
    return False


def _keep(folder: Path, what: str, seed: int) -> None:
    head, _, rest = (folder / "current").read_bytes().partition(b"\n")
    size = int(head.split()[1]) if head.strip(b"\0") else 0
    (folder / f"{what}-{seed:08}.py").write_bytes(rest[:size])


def figures(folder: Path) -> dict[str, Any]:
    """Add up the figures of all children."""
    total: dict[str, Any] = {}
    for path in sorted(folder.glob("*seed-*.json")):
        for name, value in json.loads(path.read_text()).items():
            if isinstance(value, dict):
                total[name] = Counter(total.get(name, {})) + Counter(value)
            elif name.startswith("slowest"):
                total[name] = max(total.get(name, 0.0), value)
            else:
                total[name] = total.get(name, 0) + value
    total.setdefault("executed", 0)
    total["children"] = len(list(folder.glob("*seed-*.json")))
    total["hangs"] = len(list(folder.glob("hang-*.py")))
    total["crashes"] = len(list(folder.glob("crash-*.py")))
    return total


def report(folder: Path) -> str:
    """Say in words what a campaign did and found."""
    total = figures(folder)
    programs, executed = total.get("programs", 0), total["executed"]
    if not programs:
        return "nothing was run yet"
    refused = sum(total["refused"].values())
    lines = [
        f"programs          {programs:>12,}",
        f"executed          {executed:>12,}  ({executed / programs:.1%})",
        f"refused           {refused:>12,}  ({refused / programs:.1%}) {dict(total['refused'])}",
        f"rows by outcome   {dict(sorted(total['outcomes'].items()))}",
        f"errors            {dict(Counter(total['errors']).most_common(8))}",
        f"CPU               {total['cpu_s']:>12,.0f} s  ({programs / total['cpu_s']:.0f} programs/s)",
        f"wall clock        {total['wall_s']:>12,.0f} s",
        f"slowest program   {total['slowest_s']:>12.2f} s of CPU",
        f"crashes           {total['crashes']:>12}",
        f"hangs             {total['hangs']:>12}",
        f"unique findings   {len(total['findings']):>12}",
    ]
    lines.extend(f"  {count:>6} x {name}" for name, count in total["findings"].most_common())
    return "\n".join(lines)
